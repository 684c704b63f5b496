//! Grave facts that nobody complains of: what a bundle without the symptom still shows.
//!
//! A customer may send the one log that holds the cause and nothing that shows its effect. What is grave by itself, goes
//! on to the end of its log and has no part in another incident is told as an incident of low severity, not hidden.

use std::collections::BTreeSet;

use super::graph::Graph;
use super::symptom::{self, Starts};
use crate::base::time::MINUTE;
use crate::catalog::{Catalog, Weight};
use crate::extract::World;
use crate::model::{Fact, FactId, Severity, SourceKind};

/// What was last seen so shortly before its log ends goes on.
const ENDS: i64 = 10 * MINUTE;

/// Facts that might be told though they are neither among the symptoms nor prove a cause by themselves.
pub(super) fn hints(catalog: &Catalog, world: &World, symptoms: &[FactId]) -> Vec<FactId> {
    let starts = Starts::of(world);
    let known: BTreeSet<FactId> = symptoms.iter().copied().collect();
    world
        .facts
        .iter()
        .zip(0u32..)
        .map(|(fact, i)| (fact, FactId(i)))
        .filter(|(fact, id)| {
            !known.contains(id)
                && catalog.get(&fact.kind).is_some_and(|d| {
                    d.severity >= Severity::High
                        && (Weight::Supporting..Weight::Primary).contains(&d.weight)
                        && !d.symptom
                        && !d.benign
                        && symptom::counts(catalog, d, fact, world, &starts)
                })
                && goes_on(fact, world)
        })
        .map(|(_, id)| id)
        .collect()
}

/// Of the hints those that share nothing with the symptoms: neither what lies behind them nor what they explain.
pub(super) fn apart(graph: &Graph<'_>, hints: &[FactId], symptoms: &[FactId]) -> Vec<FactId> {
    let told = behind(graph, symptoms);
    hints
        .iter()
        .copied()
        .filter(|hint| behind(graph, &[*hint]).is_disjoint(&told))
        .collect()
}

/// Facts, and all that may have caused them.
fn behind(graph: &Graph<'_>, of: &[FactId]) -> BTreeSet<FactId> {
    let mut all: BTreeSet<FactId> = BTreeSet::new();
    let mut queue = of.to_vec();
    while let Some(id) = queue.pop() {
        if all.insert(id) {
            queue.extend(graph.causes(id).iter().map(|l| l.cause));
        }
    }
    all
}

/// Whether a fact was not taken back and is seen until near the end of a log that shows it, or in an output of a state.
fn goes_on(fact: &Fact, world: &World) -> bool {
    if fact.span.closed || fact.span.over {
        return false;
    }
    let Some(last) = fact.span.last else {
        return true;
    };
    fact.evidence()
        .iter()
        .filter_map(|q| world.source(q.place.source).map(|s| (q.place.source, s)))
        .any(|(id, source)| {
            source.kind != SourceKind::Log
                || source
                    .coverage
                    .last
                    .and_then(|t| world.stamp(id, t))
                    .is_some_and(|end| end.at.since(last.at) <= ENDS)
        })
}
