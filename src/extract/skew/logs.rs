//! What logs tell of clocks: pairs of lines on two machines of which one comes before the other, and clocks that were moved.

use std::collections::BTreeMap;

use super::{Known, is_known, moment, quote, resolution};
use crate::base::time::{SECOND, Stamp, StampBasis};
use crate::extract::assemble::World;
use crate::extract::fold::{RawFact, Seen};
use crate::extract::skew::bounds::Bound;
use crate::extract::skew::moves::Move;
use crate::model::{Order, Quote, SourceId};

/// The key that joins both lines of a pair.
const JOIN: &str = "pod";

/// A program writes its line when the answer to its request has come; the other side may have heard of the change before.
const LATE: i64 = SECOND;

/// Two lines of one thing.
pub(super) struct LogPair {
    /// The machine whose clock is asked.
    pub(super) machine: String,
    /// The machine of the line before; `None`: some machine of the control plane.
    pub(super) before_machine: Option<String>,
    own: Stamp,
    before: Stamp,
    quote: Quote,
}

impl LogPair {
    /// The bound, once it is known by how much the clock of the line before is ahead.
    pub(super) fn known(&self, correction: i64) -> Known {
        let before = moment(self.before, correction);
        Known {
            bound: Bound {
                order: Order::ServerFirst,
                apart: self.own.at.since(before),
                res: resolution(Order::ServerFirst, self.own, self.before).saturating_add(LATE),
                at: before,
            },
            quote: self.quote.clone(),
            zoned: [self.own, self.before]
                .iter()
                .any(|s| s.basis != StampBasis::Exact),
        }
    }
}

/// The pairs of `[[before, after], …]`: kinds of facts of one pod each.
pub(super) fn pairs(
    world: &World,
    raw: &[(SourceId, RawFact)],
    kinds: &[(usize, usize)],
) -> Vec<LogPair> {
    let mut out = Vec::new();
    for (before, after) in kinds {
        let mut befores: BTreeMap<&str, (SourceId, &RawFact, &Seen)> = BTreeMap::new();
        for (source, fact, seen) in of_kind(raw, *before) {
            if let Some(pod) = fact.keys.get(JOIN) {
                befores.entry(pod).or_insert((source, fact, seen));
            }
        }
        for (source, fact, seen) in of_kind(raw, *after) {
            let found = fact
                .keys
                .get(JOIN)
                .and_then(|pod| befores.get(pod.as_str()));
            let (Some((other, cause, first)), Some(machine)) =
                (found, machine(world, source, fact))
            else {
                continue;
            };
            let (Some(own), Some(at)) = (stamp(world, source, seen), stamp(world, *other, first))
            else {
                continue;
            };
            out.push(LogPair {
                machine,
                before_machine: machine_of_source(world, *other)
                    .or_else(|| cause.keys.get("host").cloned()),
                own,
                before: at,
                quote: quote(source, seen.line, seen.offset, seen.text.clone(), Some(own)),
            });
        }
    }
    out
}

/// When clocks of machines were moved.
pub(super) fn moves(
    world: &World,
    raw: &[(SourceId, RawFact)],
    kinds: &[usize],
) -> Vec<(String, Move)> {
    let mut out = Vec::new();
    for (source, fact) in raw.iter().filter(|(_, f)| kinds.contains(&f.fact)) {
        let (Some(machine), Some(seen)) = (
            machine(world, *source, fact),
            fact.last.as_ref().or(fact.first.last()),
        ) else {
            continue;
        };
        let at = seen.time.and_then(|t| world.stamp(*source, t));
        // What is added to a clock is what it was behind.
        let ahead = fact
            .keys
            .get("by")
            .and_then(|by| seconds(by))
            .map(i64::saturating_neg);
        let quote = quote(*source, seen.line, seen.offset, seen.text.clone(), at);
        out.push((machine, Move { at, ahead, quote }));
    }
    out
}

fn of_kind(
    raw: &[(SourceId, RawFact)],
    kind: usize,
) -> impl Iterator<Item = (SourceId, &RawFact, &Seen)> {
    raw.iter()
        .filter(move |(_, f)| f.fact == kind && !f.state && !f.closes)
        .filter_map(|(source, f)| Some((*source, f, f.first.first()?)))
}

fn stamp(world: &World, source: SourceId, seen: &Seen) -> Option<Stamp> {
    world.stamp(source, seen.time?).filter(|s| is_known(*s))
}

fn machine(world: &World, source: SourceId, fact: &RawFact) -> Option<String> {
    let key = fact.keys.get("node").or_else(|| fact.keys.get("host"));
    machine_of_source(world, source).or_else(|| key.cloned())
}

fn machine_of_source(world: &World, source: SourceId) -> Option<String> {
    world.source(source)?.scope.node.clone()
}

/// `-37.482910` seconds as nanoseconds.
fn seconds(text: &str) -> Option<i64> {
    let (negative, digits) = match text.split_at_checked(1)? {
        ("-", rest) => (true, rest),
        ("+", rest) => (false, rest),
        _ => (false, text),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let nanos: String = part.chars().chain("000000000".chars()).take(9).collect();
    let ns = whole
        .parse::<i64>()
        .ok()?
        .checked_mul(SECOND)?
        .checked_add(nanos.parse().ok()?)?;
    Some(if negative { ns.saturating_neg() } else { ns })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_with_a_sign() {
        assert_eq!(seconds("-37.482910"), Some(-37_482_910_000));
        assert_eq!(seconds("+128.4"), Some(128_400_000_000));
        assert_eq!(seconds("2"), Some(2 * SECOND));
        assert_eq!(seconds("x"), None);
        assert_eq!(seconds(""), None);
    }
}
