//! `kubectl describe` outputs: nodes, pods, and what all other kinds have in common.
//!
//! `  Ready   False   Fri, 20 Nov 2026 17:39:32 +0000   …   KubeletNotReady   container runtime network not ready`.
//! An object begins with `Name:` at the margin; its sections are the keys at the margin, their content is told by
//! indentation. Times carry the offset of the machine where kubectl ran.

pub(in crate::parse) mod loose;
mod node;
mod other;
mod pod;

use super::say::{self, Condition, Event};
use super::sink::{Chunk, Line, Sink, When, is_blank};
use super::tables::Columns;
use super::{ClockHint, kinds, messages, stamp};
use crate::base::time::RawStamp;
use crate::model::Entity;

/// Most lines of one object that are looked at.
const MAX_LINES: usize = 1 << 17;

/// One key at the margin with what stands below it.
pub(super) struct Section<'l, 't> {
    key: &'l str,
    value: &'l str,
    at: usize,
    lines: &'l [Line<'t>],
}

/// One described object.
pub(super) struct Described<'l, 't> {
    sections: Vec<Section<'l, 't>>,
    kind: String,
    namespace: &'l str,
    name: &'l str,
    entity: Entity,
    at: usize,
}

/// Reads all objects of a chunk; `hint` may name their kind.
pub(super) fn read(sink: &mut Sink<'_>, chunk: Chunk<'_>, hint: &str) {
    let mut lines: Vec<Line<'_>> = Vec::new();
    let mut without: Vec<Line<'_>> = Vec::new();
    let mut cut = false;
    for line in chunk.lines() {
        if line.text.starts_with("Name:") {
            object(sink, &lines, hint);
            lines.clear();
        }
        if lines.is_empty() && !line.text.starts_with("Name:") {
            if messages::is_message(&line.text) {
                messages::say(sink, line.at, &line.text);
            } else if loose::is_row(&line.text) && without.len() < MAX_LINES {
                without.push(line);
            }
            continue;
        }
        if lines.len() < MAX_LINES {
            lines.push(line);
        } else {
            cut = true;
        }
    }
    object(sink, &lines, hint);
    loose::read(sink, &without, asked(hint).as_ref());
    if cut {
        sink.note("a described object is too long; the rest of it was left out");
    }
}

/// The object that a command asks for: `kubectl describe pod web-1 -n shop`.
fn asked(command: &str) -> Option<Entity> {
    let mut words = command
        .strip_prefix("kubectl describe ")?
        .split(" | ")
        .next()?
        .split_whitespace();
    let (mut names, mut namespace) = (Vec::new(), None);
    while let Some(word) = words.next() {
        match word {
            "-n" | "--namespace" => namespace = words.next(),
            _ => match word.strip_prefix("--namespace=") {
                None if word.starts_with('-') => {}
                None => names.push(word),
                of => namespace = of,
            },
        }
    }
    let (kind, name) = match names.as_slice() {
        [kind, name] => (*kind, *name),
        [one] => one.split_once('/')?,
        _ => return None,
    };
    let kind = kinds::known(kind)?;
    let namespace = if kinds::is_namespaced(kind)? {
        namespace?
    } else {
        ""
    };
    Some(super::sink::entity(kind, namespace, name))
}

fn object(sink: &mut Sink<'_>, lines: &[Line<'_>], hint: &str) {
    let sections = split(lines);
    let get = |key: &str| {
        sections
            .iter()
            .find(|s| s.key == key)
            .map_or("", |s| s.value)
    };
    let name = get("Name");
    if name.is_empty() {
        return;
    }
    let kind = kind_of(&sections, hint);
    let namespace = match kinds::is_namespaced(&kind) {
        Some(false) => "",
        _ if is_blank(get("Namespace")) => "",
        _ => get("Namespace"),
    };
    let d = Described {
        entity: super::sink::entity(&kind, namespace, name),
        kind,
        namespace,
        name,
        at: lines.first().map_or(0, |l| l.at),
        sections,
    };
    // Nobody prints the zone of the client as clearly as the creation time does.
    for key in ["CreationTimestamp", "Start Time"] {
        if let Some(s) = d.section(key) {
            let _ = time(sink, s.value, s.at);
        }
    }
    match d.kind.as_str() {
        "node" => node::read(sink, &d),
        "pod" => pod::read(sink, &d),
        _ => other::read(sink, &d),
    }
    conditions(sink, &d);
    events(sink, &d);
}

impl<'l, 't> Described<'l, 't> {
    fn section(&self, key: &str) -> Option<&Section<'l, 't>> {
        self.sections.iter().find(|s| s.key == key)
    }

    fn value(&self, key: &str) -> &'l str {
        self.section(key).map_or("", |s| s.value)
    }
}

impl<'l> Section<'l, '_> {
    /// `key: value` at any depth below the section, by the keys above it.
    fn nested(&self, path: &[&str]) -> Option<(usize, &'l str)> {
        let mut above: Vec<(usize, &str)> = Vec::new();
        for line in self.lines {
            let Some((indent, key, value)) = pair(&line.text) else {
                continue;
            };
            while above.last().is_some_and(|(i, _)| *i >= indent) {
                above.pop();
            }
            above.push((indent, key));
            if above.len() == path.len() && above.iter().zip(path).all(|((_, a), b)| a == b) {
                return Some((line.at, value));
            }
        }
        None
    }

    /// The values of a list: the one beside the key and those below it.
    fn values(&self) -> Vec<(usize, &'l str)> {
        std::iter::once((self.at, self.value))
            .chain(self.lines.iter().map(|l| (l.at, l.text.trim())))
            .filter(|(_, v)| !is_blank(v))
            .collect()
    }

    /// The table below the key: its columns and rows.
    fn table(&self) -> Option<(Columns, Vec<(usize, Vec<&'l str>)>)> {
        let mut lines = self.lines.iter().filter(|l| !l.text.trim().is_empty());
        let columns = Columns::of(&lines.next()?.text);
        let rows = lines
            .filter(|l| !l.text.trim_start().starts_with("--"))
            .filter_map(|l| Some((l.at, columns.cells(&l.text)?)))
            .collect();
        Some((columns, rows))
    }
}

/// Columns before the text, key and value of `   Key:   value`.
fn pair(line: &str) -> Option<(usize, &str, &str)> {
    let body = line.trim_start();
    let indent = line.len().saturating_sub(body.len());
    let (key, value) = body.split_once(':')?;
    Some((indent, key, value.trim()))
}

/// The keys at the margin.
fn split<'l, 't>(lines: &'l [Line<'t>]) -> Vec<Section<'l, 't>> {
    let starts: Vec<usize> = lines
        .iter()
        .enumerate()
        .filter(|(_, l)| {
            !l.text.starts_with([' ', '\t']) && l.text.contains(':') && l.text.len() < 4096
        })
        .map(|(n, _)| n)
        .collect();
    let mut out = Vec::with_capacity(starts.len());
    for (i, start) in starts.iter().enumerate() {
        let end = starts
            .get(i.saturating_add(1))
            .copied()
            .unwrap_or(lines.len());
        let Some(head) = lines.get(*start) else {
            continue;
        };
        if let Some((_, key, value)) = pair(&head.text) {
            out.push(Section {
                key,
                value,
                at: head.at,
                lines: lines.get(start.saturating_add(1)..end).unwrap_or_default(),
            });
        }
    }
    out
}

/// Which kind an object is: by what only that kind has, else by `Kind:`, else by the path.
fn kind_of(sections: &[Section<'_, '_>], hint: &str) -> String {
    let has = |key: &str| sections.iter().any(|s| s.key == key);
    let value = |key: &str| {
        sections
            .iter()
            .find(|s| s.key == key)
            .map_or("", |s| s.value)
    };
    if has("Kind") {
        return kinds::plain(value("Kind"));
    }
    let replicas = value("Replicas");
    let by_path = kinds::by_path(hint);
    if has("System Info") || has("Non-terminated Pods") {
        "node"
    } else if has("Containers") && (has("Node") || has("QoS Class")) {
        "pod"
    } else if has("Desired Number of Nodes Scheduled") {
        "daemonset"
    } else if has("StrategyType") || has("NewReplicaSet") {
        "deployment"
    } else if has("Update Strategy") {
        "statefulset"
    } else if replicas.contains("current /") {
        match by_path {
            Some("replicationcontroller") => "replicationcontroller",
            _ => "replicaset",
        }
    } else if has("Type") && (has("IP") || has("Session Affinity")) {
        "service"
    } else if has("Subsets") {
        "endpoints"
    } else if has("StorageClass") && has("Used By") {
        "persistentvolumeclaim"
    } else {
        return match by_path {
            Some(kind) => kind.to_owned(),
            None if !has("Namespace") && matches!(value("Status"), "Active" | "Terminating") => {
                "namespace".into()
            }
            None => "object".into(),
        };
    }
    .to_owned()
}

/// A describe time: a moment that had passed, and the offset of the client.
fn time(sink: &mut Sink<'_>, text: &str, at: usize) -> Option<RawStamp> {
    let (stamp, offset) = stamp::describe_time(text)?;
    // Container runtimes print the epoch for "never".
    if let RawStamp::Utc { ns, .. } = stamp
        && ns <= 0
    {
        return None;
    }
    sink.passed(stamp, at);
    client_zone(sink, offset, at);
    Some(stamp)
}

/// Says the offset of the client once, not for every time it printed.
fn client_zone(sink: &mut Sink<'_>, offset: i32, at: usize) {
    if !sink.knows_zone(offset) {
        sink.hint(at, |line| ClockHint::ClientZone { offset, line });
    }
}

/// Says the table of conditions.
fn conditions(sink: &mut Sink<'_>, d: &Described<'_, '_>) {
    let Some((columns, rows)) = d.section("Conditions").and_then(Section::table) else {
        return;
    };
    for (at, cells) in rows {
        let get = |name: &str| columns.cell(&cells, name);
        let _ = time(sink, get("LASTHEARTBEATTIME"), at);
        let since = time(sink, get("LASTTRANSITIONTIME"), at);
        let c = Condition {
            kind: get("TYPE"),
            status: get("STATUS"),
            reason: get("REASON"),
            message: get("MESSAGE"),
            since,
        };
        // Anything but these three is no condition but a line that strayed in.
        if matches!(c.status, "True" | "False" | "Unknown") {
            say::condition(sink, &d.entity, at, &c);
        }
    }
}

/// Says the table of events.
fn events(sink: &mut Sink<'_>, d: &Described<'_, '_>) {
    let Some((columns, rows)) = d.section("Events").and_then(Section::table) else {
        return;
    };
    for (at, cells) in rows {
        let get = |name: &str| columns.cell(&cells, name);
        let age = match get("AGE") {
            "" => stamp::EventAge {
                first: stamp::age(get("FIRSTSEEN")),
                last: stamp::age(get("LASTSEEN")),
                count: get("COUNT").parse().ok(),
            },
            text => stamp::event_age(text),
        };
        let (from, host) = say::source(get("FROM"));
        if get("REASON").is_empty() {
            continue;
        }
        let event = Event {
            object: d.entity.clone(),
            kind: get("TYPE"),
            reason: get("REASON"),
            from,
            message: get("MESSAGE"),
            when: When {
                first: age.first,
                last: age.last,
                count: age.count.unwrap_or(1),
                host,
            },
        };
        say::event(sink, at, event);
    }
}

#[cfg(test)]
mod tests;
