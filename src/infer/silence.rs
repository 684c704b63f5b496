//! Silence: a log that ends or pauses while others go on.
//!
//! SIGKILL and SIGSTOP leave no line. What they leave is a log that stops in the middle of its habit. A component
//! that prints often and then prints nothing, while its neighbours go on printing, was killed, hung or cut off; a
//! quiet one was merely quiet. The habit decides: the silence must be much longer than the longest pause before it.

use std::collections::BTreeMap;

use super::Task;
use super::support::{machine, place};
use crate::base::time::{Instant, MINUTE, SECOND, Stamp, StampBasis};
use crate::base::units::human_duration;
use crate::model::{Component, Confidence, Fact, Source, SourceId, SourceKind, Status};

/// A silence shorter than this tells nothing.
const SHORTEST: i64 = 20 * SECOND;
/// A silence must be so many times longer than the usual pause.
const TIMES_HABIT: i64 = 4;
/// A log must have been printing for this long (or as long as the silence) to show a habit.
const BUSY: i64 = 2 * MINUTE;
/// Fewer lines than this are no habit.
const LINES: u64 = 30;

/// One rotation series: the parts of one log.
struct Series<'a> {
    parts: Vec<&'a Source>,
    first: Stamp,
    last: Stamp,
    lines: u64,
    pauses: Vec<Gap>,
}

/// A pause, with its times.
#[derive(Clone, Copy)]
struct Gap {
    from: Stamp,
    to: Stamp,
    /// The file of the last line before it, its line and its offset.
    source: SourceId,
    line: u64,
    offset: u64,
    /// Lines of the log before it, in all its parts.
    lines: u64,
}

impl Gap {
    fn length(&self) -> i64 {
        self.to.at.since(self.from.at)
    }
}

pub(super) fn infer(task: &Task<'_>) -> Vec<Fact> {
    let wanted: Vec<Component> = task
        .list("component")
        .into_iter()
        .map(Component::named)
        .collect();
    let mode = task.word("mode").unwrap_or("ends");
    let series = series(task);
    let mut facts = Vec::new();
    for ((component, node), log) in &series {
        if !wanted.contains(component) || log.lines < LINES {
            continue;
        }
        // A standby is quiet: where a component has several instances, one that goes on refutes the silence of another.
        let stands_in = |((c, n), s): (&Key, &Series<'_>)| {
            c == component && n != node && s.last.at.since(log.last.at) > MINUTE
        };
        if task.is_set("alone") && series.iter().any(stands_in) {
            continue;
        }
        let others = activity(&series, component, node.as_deref());
        if mode != "pauses" {
            facts.extend(ended(task, component, node.as_deref(), log, &others));
        }
        if mode != "ends" {
            facts.extend(paused(task, component, node.as_deref(), log, &others));
        }
    }
    facts
}

impl Series<'_> {
    /// How long the log was printing: its length without its pauses. A log that prints at its start and then only when
    /// something happens (etcd, kube-proxy) is not silent, it is quiet.
    fn busy(&self) -> i64 {
        let paused: i64 = self.pauses.iter().map(Gap::length).sum();
        self.last.at.since(self.first.at).saturating_sub(paused)
    }
}

type Key = (Component, Option<String>);

fn series<'a>(task: &'a Task<'_>) -> BTreeMap<Key, Series<'a>> {
    let mut all: BTreeMap<Key, Series<'a>> = BTreeMap::new();
    for source in &task.world.sources {
        if source.kind != SourceKind::Log
            || source.status == Status::Skipped
            || source.scope.component.is_unknown()
        {
            continue;
        }
        let (Some(first), Some(last)) = task.world.coverage(source.id) else {
            continue;
        };
        let key = (source.scope.component.clone(), source.scope.node.clone());
        let parts = task.world.parts(source.id);
        let earlier = parts.take_while(|p| p.id != source.id);
        let earlier: u64 = earlier.map(|p| p.coverage.lines).sum();
        let pauses = source.coverage.pauses.iter().filter_map(|p| {
            let at = |t| task.world.stamp(source.id, t);
            Some(Gap {
                from: at(p.from)?,
                to: at(p.to)?,
                source: source.id,
                line: p.line,
                offset: p.offset,
                lines: earlier.saturating_add(p.line),
            })
        });
        let entry = all.entry(key).or_insert_with(|| Series {
            parts: Vec::new(),
            first,
            last,
            lines: 0,
            pauses: Vec::new(),
        });
        entry.parts.push(source);
        if first.at < entry.first.at {
            entry.first = first;
        }
        if last.at > entry.last.at {
            entry.last = last;
        }
        entry.lines += source.coverage.lines;
        entry.pauses.extend(pauses);
    }
    all
}

/// The other logs that could bear witness: those of the same machine first, else all.
fn activity<'a>(
    all: &'a BTreeMap<Key, Series<'a>>,
    component: &Component,
    node: Option<&str>,
) -> Vec<(&'a Key, &'a Series<'a>)> {
    all.iter()
        .filter(|((c, n), s)| (c != component || n.as_deref() != node) && s.lines >= LINES)
        .collect()
}

/// The longest pause that is habit: the longest one that ended before `until`.
fn habit(log: &Series<'_>, until: Instant) -> i64 {
    log.pauses
        .iter()
        .filter(|gap| gap.to.at <= until)
        .map(Gap::length)
        .max()
        .unwrap_or(5 * SECOND)
}

fn ended(
    task: &Task<'_>,
    component: &Component,
    node: Option<&str>,
    log: &Series<'_>,
    others: &[(&Key, &Series<'_>)],
) -> Option<Fact> {
    let (until, witness) = goes_on(task, node, log, others)?;
    // Two clocks, one of them guessed: a wrong zone looks like hours of silence.
    if log.last.basis == StampBasis::Guessed && witness.clock.confidence != Confidence::Low {
        return None;
    }
    let silent = until.since(log.last.at);
    if log.busy() < silent.min(BUSY) {
        return None;
    }
    let usual = habit(log, log.last.at);
    if silent < SHORTEST.max(usual.saturating_mul(TIMES_HABIT)).max(MINUTE) {
        return None;
    }
    let part = log
        .parts
        .iter()
        .max_by_key(|p| task.world.coverage(p.id).1.map_or(0, |s| s.at.0))?;
    let mut keys = machine(node);
    keys.insert(String::from("component"), component.as_str().to_owned());
    keys.insert(String::from("program"), component.as_str().to_owned());
    keys.insert(String::from("silence"), human_duration(silent));
    let line = format!(
        "last line of {} ({component}); nothing for {} while {} goes on to {}",
        part.path,
        human_duration(silent),
        witness.path,
        until.clock()
    );
    let evidence = vec![place(part, part.coverage.lines, 0, &line, Some(log.last))];
    let mut fact = task.fact("silence", keys, component.clone(), evidence, Vec::new())?;
    fact.span.first = Some(log.last);
    fact.span.last = Some(Stamp::exact(until, SECOND));
    Some(fact)
}

/// Until when the bundle goes on, and which file says so. Files of one machine are collected together; those of others
/// may have been collected much later, so they bear witness only where the machine has no other log, or where
/// something else says that it is in trouble (`[infer] confirmed_by`), and then two of them: one outlier proves nothing.
fn goes_on<'a>(
    task: &'a Task<'_>,
    node: Option<&str>,
    log: &Series<'_>,
    others: &[(&Key, &Series<'a>)],
) -> Option<(Instant, &'a Source)> {
    let here = |name: Option<&str>| name.is_some() && name == node;
    let ends = |same: bool| {
        let mut ends: Vec<(Instant, &Source)> = others
            .iter()
            .filter(|((_, n), _)| !same || here(n.as_deref()))
            .filter_map(|(_, s)| Some((s.last.at, *s.parts.first()?)))
            .collect();
        ends.sort_by_key(|(at, s)| (std::cmp::Reverse(*at), s.id));
        ends
    };
    let confirmed = || {
        let kinds = task.list("confirmed_by");
        task.facts(&kinds)
            .any(|(_, f)| here(f.key("node")) && f.span.last.is_some_and(|t| t.at >= log.last.at))
    };
    match ends(true).first() {
        Some(same) if same.0.since(log.last.at) >= MINUTE || !confirmed() => Some(*same),
        _ => ends(false).get(1).copied(),
    }
}

fn paused(
    task: &Task<'_>,
    component: &Component,
    node: Option<&str>,
    log: &Series<'_>,
    others: &[(&Key, &Series<'_>)],
) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut pauses = log.pauses.clone();
    pauses.sort_by_key(|gap| gap.from.at);
    for gap in pauses {
        let (from, to, length) = (gap.from, gap.to, gap.length());
        let peers = log
            .pauses
            .iter()
            .filter(|g| g.length() * TIMES_HABIT > length)
            .count();
        // Before a log has shown its habit, a pause says nothing.
        if length < SHORTEST || peers > 2 || gap.lines < LINES || log.busy() < length.min(BUSY) {
            continue;
        }
        let witness = others.iter().find(|(_, s)| {
            s.first.at < from.at
                && s.last.at > to.at
                && !s
                    .pauses
                    .iter()
                    .any(|g| g.length() * 2 > length && g.from.at < to.at && g.to.at > from.at)
        });
        let (Some((_, witness)), Some(part)) = (witness, task.world.source(gap.source)) else {
            continue;
        };
        let Some(other) = witness.parts.first() else {
            continue;
        };
        let mut keys = machine(node);
        keys.insert(String::from("component"), component.as_str().to_owned());
        keys.insert(String::from("silence"), human_duration(length));
        let words = format!(
            "{component} prints nothing for {} after this line, while {} goes on",
            human_duration(length),
            other.path
        );
        let evidence = vec![place(part, gap.line, gap.offset, &words, Some(from))];
        if let Some(mut fact) = task.fact("silence", keys, component.clone(), evidence, Vec::new())
        {
            fact.span.first = Some(from);
            fact.span.last = Some(to);
            fact.span.closed = true;
            facts.push(fact);
        }
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::super::testing::{facts_of, shown};

    const KIND: &str = "node/kubelet-silent";

    /// A log of a line each five seconds from 16:00 on, for `minutes`; equal logs would count as copies.
    fn log(path: &str, minutes: u32) -> String {
        let line = |s: u32| {
            let (m, s) = (s / 60, s % 60);
            format!(
                "2026-11-20T16:{m:02}:{s:02}Z stderr F I1120 16:{m:02}:{s:02}.000000       1 a.go:1] {path}\n"
            )
        };
        (0..minutes * 60).step_by(5).map(line).collect()
    }

    #[track_caller]
    fn case(files: &[(&str, u32)], expected: &[&str]) {
        let texts: Vec<(&str, String)> = files
            .iter()
            .map(|(p, minutes)| (*p, log(p, *minutes)))
            .collect();
        let read: Vec<(&str, &str)> = texts.iter().map(|(p, t)| (*p, t.as_str())).collect();
        assert_eq!(
            shown(&facts_of(&read, KIND), &["silence"]),
            expected,
            "{files:?}"
        );
    }

    #[test]
    fn a_log_that_ends_while_its_neighbours_go_on() {
        case(
            &[("n1/kubelet.log", 10), ("n1/kube-proxy.log", 30)],
            &["node/n1 silence=20m"],
        );
        case(&[("n1/kubelet.log", 30), ("n1/kube-proxy.log", 30)], &[]);
        // The whole machine ends earlier: it was collected earlier.
        case(
            &[
                ("n1/kubelet.log", 10),
                ("n1/kube-proxy.log", 10),
                ("cp1/kube-apiserver.log", 30),
                ("cp1/etcd.log", 30),
            ],
            &[],
        );
        // One other machine alone proves nothing.
        case(
            &[("n1/kubelet.log", 10), ("cp1/kube-apiserver.log", 30)],
            &[],
        );
        case(
            &[
                ("n1/kubelet.log", 10),
                ("cp1/kube-apiserver.log", 30),
                ("cp1/kube-scheduler.log", 30),
            ],
            &["node/n1 silence=20m"],
        );
    }
}
