//! One fact for what several sources, and several parts of one log, say of the same thing.

use std::collections::BTreeMap;

use super::assemble::World;
use super::fold::{RawFact, Seen};
use crate::base::time::{HOUR, Instant, SECOND, Stamp};
use crate::catalog::Catalog;
use crate::model::{Basis, Component, Entity, Fact, Keys, Place, Quote, SourceId, Span};

/// Two stretches of one fact further apart than this are two facts.
pub(super) const EPISODE_GAP: i64 = 2 * HOUR;
/// Quotes kept of one fact over all sources.
const EVIDENCE: usize = 8;

/// One stretch of a fact in one source, with times.
struct Stretch {
    /// Which log it stands in.
    log: usize,
    first: Option<Stamp>,
    last: Option<Stamp>,
    state: bool,
    count: u64,
    keys: Keys,
    component: Component,
    quotes: Vec<Quote>,
}

/// Merges what several sources say of the same thing into one fact for each stretch of time.
pub(super) fn merge(catalog: &Catalog, world: &World, raw: Vec<(SourceId, RawFact)>) -> Vec<Fact> {
    type Group = (usize, String, Vec<String>);
    let mut stretches: BTreeMap<Group, Vec<Stretch>> = BTreeMap::new();
    let mut ends: BTreeMap<(usize, String), Vec<(Stamp, Quote)>> = BTreeMap::new();
    // A state that says "over by now", without a moment of its own: when it was collected.
    let mut over: BTreeMap<(usize, String), Stamp> = BTreeMap::new();
    for (source, fact) in raw {
        let machine = writer(&fact).cloned();
        let stamp = |raw| world.stamp_by(source, machine.as_ref(), raw);
        let quote = |seen: &Seen| Quote {
            place: Place {
                source,
                offset: seen.offset,
                line: seen.line,
            },
            text: seen.text.clone(),
            time: seen.time.and_then(stamp),
        };
        let all: Vec<&Seen> = fact.first.iter().chain(&fact.last).collect();
        let collected = world
            .source(source)
            .and_then(|s| s.clock.collected)
            .map(|at| Stamp::exact(at, SECOND));
        if fact.closes {
            for seen in all {
                let q = quote(seen);
                let key = (fact.fact, fact.entity.clone());
                if let Some(at) = q.time {
                    ends.entry(key).or_default().push((at, q));
                } else if let (true, Some(at)) = (fact.state, collected) {
                    let known = over.entry(key).or_insert(at);
                    if at.at > known.at {
                        *known = at;
                    }
                }
            }
            continue;
        }
        let times = |seen: &&Seen| seen.time.and_then(stamp);
        let began = fact.began.and_then(stamp);
        let first = if fact.state {
            began
        } else {
            began.or_else(|| {
                all.iter()
                    .filter_map(|s| {
                        times(s).map(|t| Stamp {
                            at: t.at.plus(-s.ago),
                            ..t
                        })
                    })
                    .min_by_key(|s| s.at)
            })
        };
        let last = if fact.state {
            collected
        } else {
            all.iter().filter_map(times).max_by_key(|s| s.at)
        };
        let distinguishing = distinguishing(catalog, &fact);
        stretches
            .entry((fact.fact, fact.entity.clone(), distinguishing))
            .or_default()
            .push(Stretch {
                log: world.log_of(source),
                first,
                last,
                state: fact.state,
                count: fact.count,
                quotes: all.iter().map(|s| quote(s)).collect(),
                keys: fact.keys,
                component: fact.component,
            });
    }
    let mut facts = Vec::new();
    for ((kind, entity, _), mut group) in stretches {
        let Some(definition) = catalog.at(kind) else {
            continue;
        };
        group.sort_by_key(|s| (s.first.or(s.last).map_or(i64::MAX, |t| t.at.0), s.state));
        let mut ends = ends
            .get(&(kind, entity.clone()))
            .cloned()
            .unwrap_or_default();
        ends.sort_by_key(|(at, q)| (at.at, q.place));
        let over = over.get(&(kind, entity.clone()));
        for episode in episodes(group, &ends) {
            let mut fact = build(&definition.id, &entity, &episode, &ends);
            // It is over, but since when nobody says.
            fact.span.over = matches!(
                (over, fact.span.last),
                (Some(over), Some(last)) if over.at > last.at
            );
            facts.push(fact);
        }
    }
    facts
}

/// The machine that wrote the times of a fact, as its line names it. The times of a state are of whoever wrote the object.
fn writer(fact: &RawFact) -> Option<&String> {
    if fact.state {
        None
    } else if fact.component.is_node_local() {
        fact.keys.get("node")
    } else {
        fact.keys.get("host")
    }
}

/// What distinguishes two facts of one kind about one entity.
fn distinguishing(catalog: &Catalog, fact: &RawFact) -> Vec<String> {
    let keys = catalog.at(fact.fact).map(|d| d.keys.iter());
    keys.into_iter()
        .flatten()
        .map(|k| fact.keys.get(k).cloned().unwrap_or_default())
        .collect()
}

/// Joins stretches that overlap or follow closely; an end in between, or a long gap, starts a new one.
fn episodes(group: Vec<Stretch>, ends: &[(Stamp, Quote)]) -> Vec<Vec<Stretch>> {
    let mut out: Vec<(Option<Instant>, Vec<Stretch>)> = Vec::new();
    for stretch in group {
        let begin = stretch.first.or(stretch.last).map(|s| s.at);
        let finish = stretch.last.or(stretch.first).map(|s| s.at);
        let joins = out.last().is_some_and(|(last, _)| match (last, begin) {
            (Some(last), Some(begin)) => {
                let ended = ends.iter().any(|(e, _)| e.at >= *last && e.at <= begin);
                !ended && begin.since(*last) <= EPISODE_GAP
            }
            _ => true,
        });
        if joins {
            if let Some((last, members)) = out.last_mut() {
                *last = (*last).max(finish);
                members.push(stretch);
            }
        } else {
            out.push((finish, vec![stretch]));
        }
    }
    out.into_iter().map(|(_, members)| members).collect()
}

fn build(kind: &str, entity: &str, members: &[Stretch], ends: &[(Stamp, Quote)]) -> Fact {
    let mut keys = Keys::new();
    let mut counts: BTreeMap<usize, u64> = BTreeMap::new();
    let mut span = Span::default();
    let mut component = Component::UNKNOWN;
    let mut quotes: Vec<Quote> = Vec::new();
    // The parts of one log add up. Events are compressed copies of what a log prints line by line: of several sources
    // the larger count wins, not the sum.
    for m in members {
        let count = counts.entry(m.log).or_default();
        *count = if m.state {
            m.count.max(*count)
        } else {
            count.saturating_add(m.count)
        };
        for (k, v) in &m.keys {
            keys.entry(k.clone()).or_insert_with(|| v.clone());
        }
        span.first = match (span.first, m.first) {
            (Some(a), Some(b)) => Some(if b.at < a.at { b } else { a }),
            (a, b) => a.or(b),
        };
        span.last = match (span.last, m.last) {
            (Some(a), Some(b)) => Some(if b.at > a.at { b } else { a }),
            (a, b) => a.or(b),
        };
        if component.is_unknown() {
            component = m.component.clone();
        }
    }
    for rank in 0.. {
        let before = quotes.len();
        for m in members {
            if quotes.len() < EVIDENCE {
                quotes.extend(m.quotes.get(rank).cloned());
            }
        }
        if quotes.len() == before || quotes.len() >= EVIDENCE {
            break;
        }
    }
    quotes.sort_by_key(|q| (q.time.map_or(i64::MAX, |t| t.at.0), q.place));
    quotes.dedup_by_key(|q| q.place);
    if let Some(last) = span.last
        && let Some((end, quote)) = ends.iter().find(|(e, _)| e.at >= last.at)
    {
        span.closed = true;
        span.last = Some(*end);
        quotes.push(quote.clone());
    }
    let mut quotes = quotes.into_iter();
    let first = quotes.next().unwrap_or(Quote {
        place: Place::default(),
        text: String::new(),
        time: None,
    });
    let mut fact = Fact::seen(kind, Entity::parse(entity), first, quotes.collect());
    debug_assert_eq!(*fact.basis(), Basis::Seen);
    fact.keys = keys;
    fact.span = span;
    fact.count = counts.into_values().max().unwrap_or(1).max(1);
    fact.component = component;
    fact
}
