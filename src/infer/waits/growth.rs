//! What grew between two dumps of one process: the same stacks, more of them.

use std::collections::BTreeMap;

use super::pairs;
use super::stacks::{View, What};
use crate::model::Place;
use crate::model::dump::DumpKind;
use crate::model::waits::Growth;

/// A group counts as growing from this many more goroutines on, and half as many again.
const MORE: u64 = 50;

/// Compares each dump with the next one of its process.
pub(super) fn between(views: &[View<'_>]) -> Vec<Growth> {
    let mut out = Vec::new();
    for (i, j, _) in pairs::of_one_process(views) {
        let (Some(earlier), Some(later)) = (views.get(i), views.get(j)) else {
            continue;
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
