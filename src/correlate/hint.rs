//! Grave facts that nobody complains of: what a bundle without the symptom still shows.
//!
//! A customer may send the one log that holds the cause and nothing that shows its effect. Where no symptom makes an
//! incident, what is grave by itself and goes on to the end of its log is told as one of low severity, not hidden.

use std::collections::BTreeSet;

use super::graph::Graph;
use crate::model::FactId;

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
