//! What no rule explains is not hidden: error templates ranked by novelty and burst near the incidents.

use std::collections::BTreeMap;

use super::assemble::World;
use super::fold::Seen;
use crate::base::time::{MINUTE, Stamp};
use crate::model::{Component, Incident, Place, Quote, SourceId, Unexplained};

/// How many are shown.
const SHOWN: usize = 10;

/// One template over all sources.
struct Merged {
    count: u64,
    first: Option<Stamp>,
    last: Option<Stamp>,
    evidence: Vec<Quote>,
}

/// The error lines that no rule claimed, most telling first.
pub fn unexplained(world: &World, incidents: &[Incident]) -> Vec<Unexplained> {
    let mut all: BTreeMap<(Component, String), Merged> = BTreeMap::new();
    for (source, template) in &world.templates {
        let seen: Vec<&Seen> = template.first.iter().chain(&template.last).collect();
        let entry = all
            .entry((template.component.clone(), template.text.clone()))
            .or_insert(Merged {
                count: 0,
                first: None,
                last: None,
                evidence: Vec::new(),
            });
        entry.count += template.count;
        for seen in seen {
            let quote = quote(world, *source, seen);
            if let Some(at) = quote.time {
                entry.first = Some(
                    entry
                        .first
                        .map_or(at, |f| if at.at < f.at { at } else { f }),
                );
                entry.last = Some(entry.last.map_or(at, |l| if at.at > l.at { at } else { l }));
            }
            if entry.evidence.len() < 3 {
                entry.evidence.push(quote);
            }
        }
    }
    let begins: Vec<_> = incidents.iter().filter_map(|i| i.window.0).collect();
    let start = world.window.0;
    let mut ranked: Vec<(i64, Unexplained)> = all
        .into_iter()
        .map(|((component, template), m)| {
            let near = m
                .first
                .is_some_and(|f| begins.iter().any(|b| f.at.since(*b).abs() <= 2 * MINUTE));
            // What is there from the first minute on is the habit of this cluster, not news.
            let new = match (m.first, start) {
                (Some(f), Some(s)) => f.at.since(s) > MINUTE,
                _ => false,
            };
            let why = match (near, new) {
                (true, true) => "first appears around the beginning of an incident",
                (true, false) => "appears around the beginning of an incident",
                (false, true) => "appears only after a while",
                (false, false) => "repeats",
            };
            let rank = i64::from(near) * 4
                + i64::from(new) * 2
                + i64::from(m.count.min(1_000_000).ilog10());
            let unexplained = Unexplained {
                template,
                component,
                count: m.count,
                first: m.first,
                last: m.last,
                why: why.to_owned(),
                evidence: m.evidence,
            };
            (rank, unexplained)
        })
        .collect();
    ranked.sort_by(|(a, x), (b, y)| {
        b.cmp(a)
            .then(y.count.cmp(&x.count))
            .then(x.template.cmp(&y.template))
    });
    ranked.into_iter().take(SHOWN).map(|(_, u)| u).collect()
}

fn quote(world: &World, source: SourceId, seen: &Seen) -> Quote {
    Quote {
        place: Place {
            source,
            offset: seen.offset,
            line: seen.line,
        },
        text: seen.text.clone(),
        time: seen.time.and_then(|t| world.stamp(source, t)),
    }
}
