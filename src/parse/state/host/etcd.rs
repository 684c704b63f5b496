//! `etcdctl`: members, alarms, health, as tables, as lines, as JSON.
//!
//! `memberID:13195394291058371180 alarm:NOSPACE`. The member of an alarm is printed in decimal, that of a status
//! in hexadecimal: both become hexadecimal.

use crate::model::{Component, Entity};
use crate::parse::state::sink::{Chunk, Sink, Text, name};
use crate::parse::state::tree::{Node, Value};

/// One row of `endpoint status`, as far as it is known.
#[derive(Default)]
struct Member {
    at: usize,
    endpoint: String,
    id: String,
    version: String,
    size: String,
    leader: String,
    term: String,
    index: String,
    errors: String,
}

impl Member {
    fn set(&mut self, column: &str, cell: &str) {
        let slot = match column {
            "ENDPOINT" => &mut self.endpoint,
            "ID" => &mut self.id,
            "VERSION" => &mut self.version,
            "DB SIZE" => &mut self.size,
            "IS LEADER" => &mut self.leader,
            "RAFT TERM" => &mut self.term,
            "RAFT INDEX" => &mut self.index,
            "ERRORS" => &mut self.errors,
            _ => return,
        };
        // A cell that is too long goes on in the next line.
        if !slot.is_empty() && !cell.is_empty() && slot.len() < 4096 {
            slot.push(' ');
        }
        if slot.len() < 4096 {
            slot.push_str(cell);
        }
    }

    fn say(&self, sink: &mut Sink<'_>) {
        let id = if self.id.is_empty() {
            &self.endpoint
        } else {
            &self.id
        };
        if id.is_empty() || self.size.is_empty() {
            return;
        }
        let of = Entity::new("etcdmember", &name(id));
        let text = Text::of(&of)
            .field("endpoint", &self.endpoint)
            .field("version", &self.version)
            .field("dbSize", &self.size)
            .field("isLeader", &self.leader)
            .field("raftTerm", &self.term)
            .field("raftIndex", &self.index)
            .field("errors", &self.errors);
        sink.say(Component::HOST, &of, self.at, text);
    }
}

const STATUS: [&str; 10] = [
    "ENDPOINT",
    "ID",
    "VERSION",
    "DB SIZE",
    "IS LEADER",
    "IS LEARNER",
    "RAFT TERM",
    "RAFT INDEX",
    "RAFT APPLIED INDEX",
    "ERRORS",
];

/// Says what etcdctl printed.
pub(in crate::parse::state) fn read(sink: &mut Sink<'_>, chunk: Chunk<'_>) {
    let mut columns: Vec<String> = Vec::new();
    let mut member: Option<Member> = None;
    for line in chunk.lines() {
        let text = line.text.trim();
        if let Some(row) = text.strip_prefix('|') {
            let cells: Vec<&str> = row
                .trim_end_matches('|')
                .split('|')
                .map(str::trim)
                .collect();
            let first = cells.first().copied().unwrap_or_default();
            if first == "ENDPOINT" {
                columns = cells.iter().map(|c| (*c).to_owned()).collect();
                continue;
            }
            if !first.is_empty() {
                if let Some(done) = member.take() {
                    done.say(sink);
                }
                member = Some(Member {
                    at: line.at,
                    ..Member::default()
                });
            }
            if let Some(member) = &mut member {
                for (column, cell) in columns.iter().zip(&cells) {
                    member.set(column, cell);
                }
            }
        } else if text.starts_with("memberID:") {
            alarm(sink, line.at, text);
        } else if let Some((endpoint, message)) = text.split_once(" is unhealthy: ") {
            health(sink, line.at, endpoint, "false", message);
        } else if let Some((endpoint, _)) = text.split_once(" is healthy: ") {
            health(sink, line.at, endpoint, "true", "");
        } else {
            simple(sink, line.at, text);
        }
    }
    if let Some(done) = member {
        done.say(sink);
    }
}

/// `127.0.0.1:2379, b71f75320dc06a6c, 3.6.13, 26 MB, true, false, 2, 888, 888,`.
fn simple(sink: &mut Sink<'_>, at: usize, text: &str) {
    let cells: Vec<&str> = text.split(',').map(str::trim).collect();
    let is = |n: usize, test: &dyn Fn(&str) -> bool| cells.get(n).is_some_and(|c| test(c));
    let looks = (6..=11).contains(&cells.len())
        && is(1, &|c| {
            (8..=16).contains(&c.len()) && c.bytes().all(|b| b.is_ascii_hexdigit())
        })
        && is(3, &|c| c.ends_with('B'))
        && is(4, &|c| matches!(c, "true" | "false"));
    if looks {
        let mut member = Member {
            at,
            ..Member::default()
        };
        for (column, cell) in STATUS.iter().zip(&cells) {
            member.set(column, cell);
        }
        member.say(sink);
    }
}

fn health(sink: &mut Sink<'_>, at: usize, endpoint: &str, healthy: &str, message: &str) {
    if endpoint.contains(char::is_whitespace) {
        return;
    }
    let of = Entity::new("etcdmember", &name(endpoint));
    let text = Text::of(&of)
        .field("healthy", healthy)
        .field("message", message);
    sink.say(Component::HOST, &of, at, text);
}

fn alarm(sink: &mut Sink<'_>, at: usize, text: &str) {
    let mut words = text.split_whitespace();
    let member = words.next().and_then(|w| w.strip_prefix("memberID:"));
    let kind = words.next().and_then(|w| w.strip_prefix("alarm:"));
    if let (Some(member), Some(kind)) = (member, kind) {
        say_alarm(sink, at, member, kind);
    }
}

fn say_alarm(sink: &mut Sink<'_>, at: usize, member: &str, kind: &str) {
    let id = member
        .parse::<u64>()
        .map_or_else(|_| name(member), |n| format!("{n:x}"));
    let of = Entity::new("alarm", &id);
    let text = Text::of(&of).field("alarm", kind);
    sink.say(Component::HOST, &of, at, text);
}

/// Says what `etcdctl -w json` printed.
pub(in crate::parse::state) fn json(sink: &mut Sink<'_>, node: &Node) {
    for a in node.list("alarms") {
        let kind = match a.text("alarm") {
            "1" => "NOSPACE",
            "2" => "CORRUPT",
            kind => kind,
        };
        say_alarm(sink, a.spot_of(&["alarm"]), a.text("memberID"), kind);
    }
    if matches!(node.get("Status").map(|s| &s.value), Some(Value::Map(_))) {
        let hex = |path: &str| {
            node.number(path)
                .map_or_else(String::new, |n| format!("{n:x}"))
        };
        let id = hex("Status.header.member_id");
        let leader = hex("Status.leader");
        let member = Member {
            at: node.spot_of(&["Endpoint"]),
            endpoint: node.text("Endpoint").to_owned(),
            version: node.text("Status.version").to_owned(),
            size: node.text("Status.dbSize").to_owned(),
            leader: if leader.is_empty() {
                String::new()
            } else {
                (leader == id).to_string()
            },
            term: node.text("Status.raftTerm").to_owned(),
            index: node.text("Status.raftIndex").to_owned(),
            errors: node.joined("Status.errors"),
            id,
        };
        member.say(sink);
    }
    if node.get("endpoint").is_some() && node.get("health").is_some() {
        let at = node.spot_of(&["health"]);
        let (endpoint, healthy) = (node.text("endpoint"), node.text("health"));
        health(sink, at, endpoint, healthy, node.text("error"));
    }
}
