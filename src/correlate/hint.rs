//! Grave facts that nobody complains of: what a bundle without the symptom still shows.
//!
//! A customer may send the one log that holds the cause and nothing that shows its effect. Where no symptom makes an
//! incident, what is grave by itself and goes on to the end of its log is told as one of low severity, not hidden.

use std::collections::BTreeSet;

use super::graph::Graph;
use super::symptom::{self, ENDS, Healed, Starts};
use crate::base::time::MINUTE;
use crate::catalog::{Catalog, Weight};
use crate::extract::World;
use crate::model::{FactId, Severity};

/// What has no duration of its own yet may go on if its log ends so soon behind it.
const JUST: i64 = MINUTE;

/// Facts that might be told though they are neither among the symptoms nor among the findings.
pub(super) fn hints(catalog: &Catalog, world: &World, symptoms: &[FactId]) -> Vec<FactId> {
    let starts = Starts::of(world);
    let healed = Healed::of(catalog, world);
    let known: BTreeSet<FactId> = symptoms.iter().copied().collect();
    world
        .facts
        .iter()
        .zip(0u32..)
        .map(|(fact, i)| (fact, FactId(i)))
        .filter(|(fact, id)| {
            !known.contains(id)
                && catalog.get(&fact.kind).is_some_and(|d| {
                    let grave = d.severity >= Severity::High && d.weight >= Weight::Supporting
                        || d.severity >= Severity::Medium && d.weight >= Weight::Primary;
                    let holds = if d.symptom {
                        // Too short to count, but the log ends with it: it may just have begun.
                        !symptom::of_a_start(d, fact, world, &starts)
                            && symptom::goes_on(fact, world, JUST)
                    } else {
                        symptom::counts(catalog, d, fact, world, &starts)
                            && symptom::goes_on(fact, world, ENDS)
                    };
                    grave && !d.benign && !d.transient && holds && !healed.holds(catalog, fact)
                })
        })
        .map(|(_, id)| id)
        .collect()
}

/// Of the hints those that share nothing with the symptoms: no line, nothing that lies behind them, nothing that they
/// explain.
pub(super) fn apart(graph: &Graph<'_>, hints: &[FactId], symptoms: &[FactId]) -> Vec<FactId> {
    let told = behind(graph, symptoms);
    let lines = |id: &FactId| {
        let quotes = graph.fact(*id).map_or(&[][..], |f| f.evidence());
        quotes.iter().map(|q| (q.place.source, q.place.line))
    };
    let quoted: BTreeSet<_> = told.iter().flat_map(lines).collect();
    hints
        .iter()
        .copied()
        .filter(|hint| {
            behind(graph, &[*hint]).is_disjoint(&told)
                && !lines(hint).any(|line| quoted.contains(&line))
        })
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
