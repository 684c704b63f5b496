//! What grew between two dumps of one process: the same stacks, more of them.

use std::collections::BTreeMap;

use super::host::same_node;
use super::stacks::{View, What};
use crate::model::Place;
use crate::model::dump::DumpKind;
use crate::model::waits::Growth;

/// A group counts as growing from this many more goroutines on, and half as many again.
const MORE: u64 = 50;

/// Compares each dump with the next one of its process, in the order given.
pub(super) fn between(views: &[View<'_>]) -> Vec<Growth> {
    let mut out = Vec::new();
    for (j, later) in views.iter().enumerate() {
        let earlier = views.iter().enumerate().take(j).rev().find(|(_, v)| {
            let (a, b) = (v.dump, later.dump);
            a.process.is_some()
                && a.process == b.process
                && same_node(a.node.as_deref(), b.node.as_deref())
                && (a.pid.is_none() || b.pid.is_none() || a.pid == b.pid)
                && a.goroutines.len() > 1
                && b.goroutines.len() > 1
        });
        let Some((i, earlier)) = earlier else {
            continue;
        };
        // Which of the two was taken first is known only from their times; without them the larger is later.
        let (i, j, earlier, later) = match (earlier.dump.time, later.dump.time) {
            (Some(a), Some(b)) if a.before(b) == Some(false) => (j, i, later, earlier),
            _ => (i, j, earlier, later),
        };
        // Aggregated profiles do not tell who started a goroutine.
        let aggregated = [earlier, later]
            .iter()
            .any(|v| v.dump.kind == DumpKind::Aggregated);
        let old = count(earlier, !aggregated);
        for (key, (after, member)) in count(later, !aggregated) {
            let before = old.get(&key).map_or(0, |(n, _)| *n);
            // What is new altogether may be a start, not a growth.
            let known = before > 0 || after >= MORE.saturating_mul(20);
            if known
                && after >= before.saturating_add(MORE)
                && after.saturating_mul(2) >= before.saturating_mul(3)
            {
                out.push(Growth {
                    from: i,
                    to: j,
                    function: key.0,
                    creator: key.1,
                    before,
                    after,
                    place: later
                        .goroutine(member)
                        .map_or(Place::default(), |g| g.place),
                    member,
                });
            }
        }
    }
    out.sort_by_key(|g| (g.to, std::cmp::Reverse(g.after.saturating_sub(g.before))));
    out
}

fn count(view: &View<'_>, creators: bool) -> BTreeMap<(String, String), (u64, u32)> {
    let mut out: BTreeMap<(String, String), (u64, u32)> = BTreeMap::new();
    for shape in view.shapes.iter().filter(|s| s.what != What::Running) {
        let Some(&g) = shape.members.first() else {
            continue;
        };
        let Some(goroutine) = view.goroutine(g) else {
            continue;
        };
        let creator = view
            .dump
            .creator(goroutine)
            .filter(|_| creators)
            .unwrap_or("")
            .to_owned();
        let n: u64 = shape
            .members
            .iter()
            .filter_map(|g| view.goroutine(*g))
            .map(|g| u64::from(g.count))
            .sum();
        out.entry((view.face(g), creator)).or_insert((0, g)).0 += n;
    }
    out
}
