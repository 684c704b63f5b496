//! The ways from a symptom back to what may be its root.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::{Graph, Link};
use super::score;
use crate::catalog::Strength;
use crate::model::{Basis, FactId};

/// Longest path from a symptom to a root.
const DEPTH: usize = 16;
/// Steps taken in search of paths from one symptom: bounds a dense graph, where many paths say the same.
const STEPS: usize = 20_000;

/// One way from a symptom back to a root.
#[derive(Clone, Debug)]
pub(super) struct Path {
    pub(super) root: FactId,
    /// From the root forwards.
    pub(super) links: Vec<Link>,
    pub(super) points: i32,
}

/// The ways back from each of `ends`, the best of each root, best root first.
pub(super) fn ways(graph: &Graph<'_>, ends: &[FactId]) -> BTreeMap<FactId, Vec<Path>> {
    let mut ways = BTreeMap::new();
    for end in ends {
        let mut found = Vec::new();
        let mut steps = STEPS;
        walk(
            graph,
            *end,
            &mut Vec::new(),
            &mut BTreeSet::new(),
            &mut found,
            &mut steps,
        );
        ways.insert(*end, best_by_root(graph, found));
    }
    ways
}

/// Whether a path leads to a proven cause by links that are more than possible.
pub(super) fn carried(graph: &Graph<'_>, path: &Path) -> bool {
    !path.links.is_empty()
        && graph
            .fact(path.root)
            .is_some_and(|f| *f.basis() != Basis::Suspected)
        && path.links.iter().all(|l| {
            graph
                .rule(l)
                .is_some_and(|r| r.strength >= Strength::Strong)
        })
}

/// Every way back from `at`. A fact is a root when nothing proven explains it well.
fn walk(
    graph: &Graph<'_>,
    at: FactId,
    trail: &mut Vec<Link>,
    seen: &mut BTreeSet<FactId>,
    found: &mut Vec<Path>,
    steps: &mut usize,
) {
    *steps = steps.saturating_sub(1);
    if trail.len() > DEPTH || *steps == 0 || !seen.insert(at) {
        return;
    }
    let Some(fact) = graph.fact(at) else { return };
    let explained = graph.causes(at).iter().any(|l| {
        graph
            .rule(l)
            .is_some_and(|r| r.strength >= Strength::Strong)
            && graph
                .fact(l.cause)
                .is_some_and(|f| *f.basis() != Basis::Suspected)
            && !seen.contains(&l.cause)
    });
    if !explained {
        let points = trail
            .iter()
            .map(|l| score::link_points(graph, l))
            .sum::<i32>()
            + score::root_points(graph, fact);
        let links: Vec<Link> = trail.iter().rev().copied().collect();
        found.push(Path {
            root: at,
            links,
            points,
        });
    }
    for link in graph.causes(at) {
        trail.push(*link);
        walk(graph, link.cause, trail, seen, found, steps);
        trail.pop();
    }
    seen.remove(&at);
}

/// The best path for each root, best root first.
fn best_by_root(graph: &Graph<'_>, found: Vec<Path>) -> Vec<Path> {
    let mut best: BTreeMap<FactId, Path> = BTreeMap::new();
    for path in found {
        match best.get(&path.root) {
            Some(old) if old.points >= path.points => {}
            _ => {
                best.insert(path.root, path);
            }
        }
    }
    let mut paths: Vec<Path> = best.into_values().collect();
    let began = |p: &Path| {
        graph
            .fact(p.root)
            .and_then(|f| f.span.first)
            .map_or(i64::MAX, |s| s.at.0)
    };
    // Of reasons that weigh the same the one that concerns more nodes comes first.
    let share = |p: &Path| {
        let number = |key: &str| graph.fact(p.root)?.keys.get(key)?.parse::<u64>().ok();
        match (number("nodes"), number("total")) {
            (Some(part), Some(whole)) if whole > 0 => part.saturating_mul(1000) / whole,
            _ => 1000,
        }
    };
    paths.sort_by(|a, b| {
        b.points
            .cmp(&a.points)
            .then(share(b).cmp(&share(a)))
            .then(began(a).cmp(&began(b)))
            .then(a.root.cmp(&b.root))
    });
    paths
}
