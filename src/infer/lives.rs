//! Component life: restarts told by a new pid, and starts with no shutdown before them.

use std::collections::BTreeMap;

use super::Task;
use super::support::{machine, place};
use crate::base::time::{MINUTE, Stamp};
use crate::base::units::human_duration;
use crate::extract::Life;
use crate::model::{Component, Fact, Source, SourceId, SourceKind};

/// A start marker is printed within this time of the first line of its process.
const MARK_SLACK: i64 = 5 * crate::base::time::SECOND;

/// A process and the one before it in the same log.
struct Change<'a> {
    source: &'a Source,
    /// The part of the log in which the process before began.
    older: SourceId,
    before: &'a Life,
    after: &'a Life,
}

fn changes<'a>(task: &'a Task<'_>, wanted: &[Component]) -> Vec<Change<'a>> {
    let mut out = Vec::new();
    let mut previous: Option<(SourceId, &Life)> = None;
    for (source_id, life) in &task.world.lives {
        let Some(source) = task.world.source(*source_id) else {
            continue;
        };
        if let Some((before_source, before)) = previous
            && task.world.log_of(before_source) == task.world.log_of(*source_id)
            && before.pid != life.pid
            && source.kind == SourceKind::Log
            && wanted.contains(&source.scope.component)
        {
            out.push(Change {
                source,
                older: before_source,
                before,
                after: life,
            });
        }
        previous = Some((*source_id, life));
    }
    out
}

fn keys(change: &Change<'_>) -> crate::model::Keys {
    let node = change
        .source
        .scope
        .node
        .as_deref()
        .or(change.after.node.as_deref());
    let mut keys = machine(node);
    let component = change.source.scope.component.as_str();
    keys.insert(String::from("component"), component.to_owned());
    keys.insert(String::from("pid"), change.after.pid.to_string());
    keys.insert(String::from("old-pid"), change.before.pid.to_string());
    keys
}

pub(super) fn restarts(task: &Task<'_>) -> Vec<Fact> {
    let wanted: Vec<Component> = task
        .list("component")
        .into_iter()
        .map(Component::named)
        .collect();
    changes(task, &wanted)
        .into_iter()
        .filter_map(|change| {
            let at = change
                .after
                .first
                .and_then(|t| task.world.stamp(change.source.id, t));
            let quote = place(
                change.source,
                change.after.line,
                change.after.offset,
                &change.after.text,
                at,
            );
            let component = change.source.scope.component.clone();
            let mut fact =
                task.fact("restart", keys(&change), component, vec![quote], Vec::new())?;
            fact.span.first = at;
            fact.span.last = at;
            Some(fact)
        })
        .collect()
}

/// A component that is started again and again: at least `restarts` changes of its process within `within`.
pub(super) fn repeated(task: &Task<'_>) -> Vec<Fact> {
    let wanted: Vec<Component> = task
        .list("component")
        .into_iter()
        .map(Component::named)
        .collect();
    let least = task.amount("restarts").unwrap_or(3).max(2);
    let within = task.time("within").unwrap_or(30 * MINUTE);
    let mut of_log: BTreeMap<usize, Vec<(Stamp, Change<'_>)>> = BTreeMap::new();
    for change in changes(task, &wanted) {
        if let Some(at) = change
            .after
            .first
            .and_then(|t| task.world.stamp(change.source.id, t))
        {
            of_log
                .entry(task.world.log_of(change.source.id))
                .or_default()
                .push((at, change));
        }
    }
    let mut facts = Vec::new();
    for mut restarts in of_log.into_values() {
        restarts.sort_by_key(|(at, _)| at.at);
        // A pid that comes back after another one is two processes that share a log, not a restart.
        let mut pids: Vec<u64> = restarts.iter().map(|(_, c)| c.after.pid).collect();
        pids.sort_unstable();
        let alternate = pids
            .windows(2)
            .any(|w| matches!(w, [a, b] if a == b && *a != 1));
        let dense = restarts
            .windows(least)
            .any(|w| matches!((w.first(), w.last()), (Some((a, _)), Some((b, _))) if b.at.since(a.at) <= within));
        let (Some((began, change)), Some((ended, _))) = (restarts.first(), restarts.last()) else {
            continue;
        };
        if alternate || !dense {
            continue;
        }
        let mut keys = keys(change);
        keys.insert(String::from("restarts"), restarts.len().to_string());
        let evidence = restarts
            .iter()
            .take(4)
            .map(|(at, c)| {
                place(
                    c.source,
                    c.after.line,
                    c.after.offset,
                    &c.after.text,
                    Some(*at),
                )
            })
            .collect();
        let component = change.source.scope.component.clone();
        let Some(mut fact) = task.fact("repeated-restart", keys, component, evidence, Vec::new())
        else {
            continue;
        };
        fact.count = restarts.len() as u64;
        fact.span.first = Some(*began);
        fact.span.last = Some(*ended);
        facts.push(fact);
    }
    facts
}

/// A new process with nothing in the log that says the old one ended: it was killed, or its machine stopped.
pub(super) fn abrupt(task: &Task<'_>) -> Vec<Fact> {
    let wanted: Vec<Component> = task
        .list("component")
        .into_iter()
        .map(Component::named)
        .collect();
    let farewell = task.list("farewell");
    let mut facts = marked(task, &wanted, &farewell);
    facts.extend(changes(task, &wanted).into_iter().filter_map(|change| {
        let ended = change
            .before
            .last
            .and_then(|t| task.world.stamp(change.older, t))?;
        let started = change
            .after
            .first
            .and_then(|t| task.world.stamp(change.source.id, t))?;
        if parted(task, change.source.id, ended, &farewell) {
            return None;
        }
        let component = change.source.scope.component.clone();
        let mut keys = keys(&change);
        keys.insert(
            String::from("down"),
            human_duration(started.at.since(ended.at)),
        );
        let quote = place(
            change.source,
            change.after.line,
            change.after.offset,
            &change.after.text,
            Some(started),
        );
        let mut fact = task.fact(
            "unavailable-episode",
            keys,
            component,
            vec![quote],
            Vec::new(),
        )?;
        fact.span.first = Some(ended);
        fact.span.last = Some(started);
        fact.span.closed = true;
        Some(fact)
    }));
    facts
}

/// Starts of a process whose lines carry no pid, told by the facts that `[infer] starts` names. When the one before ended
/// is known only by the pause before the start.
fn marked(task: &Task<'_>, wanted: &[Component], farewell: &[&str]) -> Vec<Fact> {
    let kinds = task.list("starts");
    let refused = task.list("refused");
    let mut facts = Vec::new();
    let starts = task
        .world
        .facts
        .iter()
        .filter(|f| kinds.contains(&f.kind.as_str()));
    for quote in starts.flat_map(Fact::evidence) {
        let (Some(source), Some(started)) = (task.world.source(quote.place.source), quote.time)
        else {
            continue;
        };
        let mut pauses = task
            .world
            .parts(source.id)
            .flat_map(|part| part.coverage.pauses.iter().map(|p| (part.id, p)));
        let pause = pauses.find_map(|(part, p)| {
            let at = |t| task.world.stamp(part, t);
            let (from, to) = (at(p.from)?, at(p.to)?);
            (to.at.since(started.at).abs() < MARK_SLACK).then_some(from)
        });
        // Without a pause before it, the start follows the end at once, or begins the log.
        let Some(ended) = pause.filter(|_| wanted.contains(&source.scope.component)) else {
            continue;
        };
        if parted(task, source.id, ended, farewell) {
            continue;
        }
        let component = source.scope.component.clone();
        let mut keys = machine(source.scope.node.as_deref());
        keys.insert(String::from("component"), component.as_str().to_owned());
        // The log may have been quiet long before the end; the first refused connection shows that nobody listened.
        let refused = task
            .facts(&refused)
            .filter_map(|(_, f)| f.span.first)
            .filter(|t| t.at >= ended.at && t.at <= started.at)
            .min_by_key(|t| t.at);
        let down = human_duration(started.at.since(refused.unwrap_or(ended).at));
        if refused.is_some() {
            keys.insert(String::from("down"), down);
        } else {
            keys.insert(String::from("down"), String::from("at-most"));
            keys.insert(String::from("longest"), down);
        }
        let evidence = vec![quote.clone()];
        let made = task.fact("unavailable-episode", keys, component, evidence, Vec::new());
        let Some(mut made) = made else { continue };
        made.span.first = refused.or(Some(ended));
        made.span.last = Some(started);
        made.span.closed = true;
        facts.push(made);
    }
    facts
}

/// Whether a fact of the same component near its end says why it ended (a farewell, an exit, a panic).
fn parted(task: &Task<'_>, source: SourceId, ended: Stamp, farewell: &[&str]) -> bool {
    let log = task.world.log_of(source);
    let near = |t: Stamp| t.at >= ended.at.plus(-MINUTE) && t.at <= ended.at.plus(MINUTE);
    task.world
        .facts
        .iter()
        .filter(|f| farewell.contains(&f.kind.as_str()))
        .flat_map(Fact::evidence)
        .any(|q| task.world.log_of(q.place.source) == log && q.time.is_some_and(near))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{facts_of, shown};

    /// A log of processes with these pids, so many seconds apart. Pids are sampled, so each has many lines.
    fn log(lives: &[(u32, u32)]) -> String {
        let mut text = String::new();
        for (pid, from) in lives {
            for n in 0..2000 {
                let at = from + n / 100;
                text += &format!(
                    "I0514 08:{:02}:{:02}.000000 {pid:7} shared_informer.go:240] caches are synced\n",
                    at / 60,
                    at % 60
                );
            }
        }
        text
    }

    #[track_caller]
    fn case(path: &str, log: &str, kind: &str, expected: &[&str]) {
        let facts = facts_of(&[(path, log)], kind);
        assert_eq!(shown(&facts, &["old-pid", "pid"]), expected);
    }

    #[test]
    fn a_new_pid_is_a_restart() {
        let (path, kind) = (
            "nodes/cp1/kube-controller-manager.log",
            "component/restarted",
        );
        case(
            path,
            &log(&[(811, 0), (907, 60)]),
            kind,
            &["component/kube-controller-manager@cp1 old-pid=811 pid=907"],
        );
        case(path, &log(&[(811, 0), (811, 60)]), kind, &[]);
    }

    #[test]
    fn again_and_again_within_half_an_hour() {
        let (path, kind) = ("nodes/cp1/kube-apiserver.log", "apiserver/crash-loop");
        let many = log(&[(811, 0), (907, 120), (1013, 240), (1111, 360)]);
        let facts = facts_of(&[(path, &many)], kind);
        assert_eq!(
            shown(&facts, &["restarts"]),
            ["component/kube-apiserver@cp1 restarts=3"]
        );
        // Once, as at an upgrade.
        case(path, &log(&[(811, 0), (907, 120)]), kind, &[]);
        // Two processes that share a log.
        let mixed = log(&[(811, 0), (907, 120), (811, 240), (907, 360)]);
        case(path, &mixed, kind, &[]);
    }

    #[test]
    fn an_end_without_a_word() {
        let start = "2026-11-20 17:10:08.171331 I | etcdserver: restarting member b71f75320dc06a6c in cluster 1c45a069f3a1d796 at commit index 590\n";
        let before = "2026-11-20 17:09:28.171331 I | etcdserver: saved snapshot at index 590\n";
        let refused = "E1120 17:09:58.171331       1 clientconn.go:1] grpc: addrConn.createTransport failed to connect to {127.0.0.1:2379}. Err :connection error: desc = \"transport: Error while dialing dial tcp 127.0.0.1:2379: connect: connection refused\"\n";
        let case = |etcd: &str, server: &str, expected: &[&str]| {
            let files = [
                ("nodes/cp1/etcd.log", etcd),
                ("nodes/cp1/kube-apiserver.log", server),
            ];
            let facts = facts_of(&files, "etcd/killed");
            assert_eq!(shown(&facts, &["down", "longest"]), expected, "{etcd}");
        };
        let whole = format!("{before}{start}");
        case(&whole, "", &["component/etcd@cp1 down=at-most longest=40s"]);
        case(&whole, refused, &["component/etcd@cp1 down=10s longest=-"]);
        let orderly = format!(
            "{before}2026-11-20 17:09:29.171331 N | pkg/osutil: received terminated signal, shutting down...\n{start}"
        );
        case(&orderly, "", &[]);
    }
}
