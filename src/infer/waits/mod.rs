//! Who waits for whom: from goroutine dumps and process lists to the thing at the end of the chain.
//!
//! `goroutine 203 [semacquire, 4 minutes]` in dockerd waits for a lock that goroutine 220 probably holds, which
//! waits for containerd, whose handler waits for a shim, whose `runc create` is four minutes old in the process
//! list. Each dump is reduced to its distinct stacks (`stacks`), locks (`locks`) get a probable holder (`holders`), calls
//! are matched with their handlers in other dumps (`graph`), and the graph is told as chains (`chains`).
//! A minute count starts at a garbage collection, not at the wait, and is near the truth at best; a value printed with `?`
//! identifies nothing.

mod asks;
mod bridge;
mod chains;
mod channels;
mod facts;
mod graph;
mod groups;
mod growth;
mod holders;
mod host;
mod kernel;
mod knowledge;
mod locks;
mod pairs;
mod partners;
mod stacks;
mod telling;

use std::collections::BTreeMap;

use crate::base::time::{Instant, MINUTE, Stamp};
use crate::model::dump::{Dump, DumpKind};
use crate::model::waits::{DumpHead, DumpSummary, Likeness, Lock, WaitReport};

pub use bridge::report;
pub(in crate::infer) use bridge::{NAME, infer};
pub use facts::facts;
pub use groups::{groups, notes};
pub use host::{Host, HungTask, ProcessRow};
pub use kernel::TaskStack;

use graph::Graph;
use knowledge::Knowledge;
use stacks::{View, What};

/// Groups of a dump that are kept in a report, largest first.
const GROUP_LIMIT: usize = 200;

/// Analyses all dumps of a bundle together with what the hosts say.
pub fn analyse(dumps: &[Dump], host: &Host) -> WaitReport {
    let knowledge = Knowledge::builtin();
    let mut all: Vec<View<'_>> = dumps.iter().map(|d| View::new(d, &knowledge)).collect();
    let pairs = pairs::compare(&mut all);
    let asleep = channels::asleep(&all);
    let aside = set_aside(&all);
    let mut report = WaitReport {
        dumps: all
            .iter()
            .enumerate()
            .filter(|(_, v)| v.dump.kind != DumpKind::Stack)
            .map(|(i, v)| summary(i, v, aside.get(i).cloned().flatten()))
            .collect(),
        growth: growth::between(&all),
        pairs,
        ..WaitReport::default()
    };
    let (index, views): (Vec<usize>, Vec<View<'_>>) = all
        .into_iter()
        .enumerate()
        .filter(|(i, _)| aside.get(*i).is_some_and(Option::is_none))
        .unzip();
    let mut found: Vec<Lock> = Vec::new();
    for (i, view) in views.iter().enumerate() {
        found.extend(locks::find(i, view, &knowledge));
    }
    let graph = Graph::build(&views, &found, host, &knowledge);
    let teller = chains::Teller {
        views: &views,
        locks: &found,
        graph: &graph,
        host,
        knowledge: &knowledge,
    };
    report.chains = teller.chains();
    report.facts = teller.facts(&report.chains, &report.growth);
    report.facts.extend(asleep);
    for lock in &mut found {
        lock.dump = index.get(lock.dump).copied().unwrap_or(lock.dump);
    }
    for chain in &mut report.chains {
        for step in &mut chain.steps {
            step.dump = step.dump.and_then(|d| index.get(d).copied());
        }
    }
    report.locks = found;
    report
}

/// Which dumps the graph leaves out, and why: copies, other dumps of the same process, single stacks.
fn set_aside(views: &[View<'_>]) -> Vec<Option<String>> {
    let mut out: Vec<Option<String>> = vec![None; views.len()];
    let mut chosen: Vec<(usize, Vec<(u64, String)>)> = Vec::new();
    for (i, view) in views.iter().enumerate() {
        let d = view.dump;
        if d.goroutines.len() < 2 || matches!(d.kind, DumpKind::Aggregated | DumpKind::Race) {
            if let Some(slot) = out.get_mut(i) {
                *slot = Some(String::from("it shows no waiting goroutines one by one"));
            }
            continue;
        }
        let print = fingerprint(view);
        let same = chosen.iter_mut().find(|(j, other)| {
            views
                .get(*j)
                .is_some_and(|v| same_process(v.dump, d, other, &print))
        });
        let Some((j, other)) = same else {
            chosen.push((i, print));
            continue;
        };
        let better = rank(view, i) > views.get(*j).map_or((0, false, false, 0), |v| rank(v, *j));
        let (left, kept) = if better { (*j, i) } else { (i, *j) };
        if let Some(slot) = out.get_mut(left) {
            *slot = Some(String::from(
                "another dump of the same process shows as much or more",
            ));
        }
        (*j, *other) = (kept, if better { print } else { std::mem::take(other) });
    }
    out
}

/// Which of two dumps of one process says more: what is stuck, then lines of its own, then a known time or pid.
fn rank(view: &View<'_>, index: usize) -> (u64, bool, bool, usize) {
    let d = view.dump;
    let lines =
        d.goroutines.first().map(|g| g.place.line) != d.goroutines.last().map(|g| g.place.line);
    (
        stuck_count(view),
        lines,
        d.pid.is_some() || d.time.is_some(),
        index,
    )
}

/// The oldest goroutines and what they run: they live as long as the process.
fn fingerprint(view: &View<'_>) -> Vec<(u64, String)> {
    let mut oldest: Vec<(u64, u32)> = view.dump.numbered().collect();
    let keep = oldest.len().min(32);
    if keep < oldest.len() {
        oldest.select_nth_unstable(keep);
        oldest.truncate(keep);
    }
    oldest
        .into_iter()
        .map(|(id, i)| (id, view.face(i)))
        .collect()
}

fn same_process(a: &Dump, b: &Dump, fa: &[(u64, String)], fb: &[(u64, String)]) -> bool {
    if !host::same_node(a.node.as_deref(), b.node.as_deref()) {
        return false;
    }
    if a.process.is_some() && a.process == b.process {
        return true;
    }
    // Two names may be one process: `main.main` lies in a folder of another name than the service has.
    let common = fa.iter().filter(|x| fb.contains(x)).count();
    common >= 5 && common * 4 >= fa.len().min(fb.len()) * 3
}

/// How many goroutines wait for something that can be named.
fn stuck_count(view: &View<'_>) -> u64 {
    view.shapes
        .iter()
        .filter(|s| {
            matches!(
                s.what,
                What::Lock { .. } | What::Call { .. } | What::End { .. }
            )
        })
        .map(|s| s.members.len() as u64)
        .sum()
}

fn summary(index: usize, view: &View<'_>, set_aside: Option<String>) -> DumpSummary {
    let d = view.dump;
    let mut states: BTreeMap<&str, u64> = BTreeMap::new();
    for g in &d.goroutines {
        *states.entry(d.state(g)).or_default() += u64::from(g.count);
    }
    let mut groups = groups::of_view(view, Likeness::Pointers);
    let idle = groups.iter().filter(|g| g.is_idle()).map(|g| g.count).sum();
    let left = groups.len().saturating_sub(GROUP_LIMIT);
    groups.truncate(GROUP_LIMIT);
    let mut states: Vec<(String, u64)> =
        states.into_iter().map(|(s, n)| (s.to_owned(), n)).collect();
    states.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    DumpSummary {
        dump: index,
        head: DumpHead {
            place: d.place,
            process: d.process.clone(),
            pid: d.pid,
            node: d.node.clone(),
            time: d.time,
            kind: d.kind,
            go: d.go,
            partial: d.partial,
            goroutines: d.count(),
            idle,
            set_aside,
        },
        states,
        groups,
        groups_left_out: left,
    }
}

/// Since about when something waits: the time of the dump less the printed minutes, with the error of the runtime's clock.
pub(crate) fn since(time: Option<Stamp>, minutes: u32) -> Option<Stamp> {
    let time = time?;
    let back = i64::from(minutes).checked_mul(MINUTE)?;
    Some(Stamp {
        at: Instant(time.at.0.checked_sub(back)?),
        err: time.err.saturating_add(3 * MINUTE),
        ..time
    })
}

#[cfg(test)]
mod tests;
