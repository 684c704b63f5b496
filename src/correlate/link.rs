//! Whether one fact can be the cause of another: do their keys meet, do their times fit.

use std::collections::BTreeSet;

use crate::base::time::{Instant, SECOND, Stamp};
use crate::catalog::{Join, KeyPath};
use crate::model::{Entity, Fact, Keys, Topology};

/// Order of two lines of different processes closer than this is not taken from their stamps.
const ORDER_SLACK: i64 = 2 * SECOND;

/// Whether keys meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Met {
    /// They differ.
    No,
    /// One side does not say which machine it speaks of.
    Unproven,
    /// They are equal.
    Yes,
}

/// Whether times fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// The cause comes too late, or was over long before.
    No,
    /// The cause explains later occurrences of the effect, not its first.
    Later,
    /// Times are unknown, or too close to tell the order.
    Unclear,
    /// The cause came first.
    Yes,
}

/// Whether all terms of a join meet.
pub fn meets(join: &[Join], cause: &Keys, effect: &Keys, topology: &Topology) -> Met {
    join.iter()
        .map(|term| one(term, cause, effect, topology))
        .min()
        .unwrap_or(Met::No)
}

fn one(term: &Join, cause: &Keys, effect: &Keys, topology: &Topology) -> Met {
    let (left, right) = match term {
        Join::Cluster => return Met::Yes,
        Join::OneOf { key, values } => {
            return match cause.get(key) {
                Some(value) if values.contains(value) => Met::Yes,
                _ => Met::No,
            };
        }
        Join::Meet {
            cause: left,
            effect: right,
        } => (left, right),
    };
    let (a, b) = (
        values(left, cause, topology),
        values(right, effect, topology),
    );
    match (a, b) {
        (Some(a), Some(b)) => {
            if a.intersection(&b).next().is_some() {
                Met::Yes
            } else {
                Met::No
            }
        }
        // A loose kubelet.log does not say which node it is of; then the node is not proven to differ.
        _ if is_machine(left) && is_machine(right) => Met::Unproven,
        _ => Met::No,
    }
}

/// Whether a term cannot be decided because the bundle does not hold the relation that leads from one to the other.
pub(super) fn unrelated(join: &[Join], cause: &Keys, effect: &Keys, topology: &Topology) -> bool {
    let open = |path: &KeyPath, keys: &Keys| {
        !path.walk.is_empty()
            && keys.contains_key(&path.key)
            && values(path, keys, topology).is_none()
    };
    join.iter().any(|term| match term {
        Join::Meet {
            cause: left,
            effect: right,
        } => open(left, cause) || open(right, effect),
        Join::Cluster | Join::OneOf { .. } => false,
    })
}

fn is_machine(path: &KeyPath) -> bool {
    let last = path.walk.last().unwrap_or(&path.key);
    last == "node" || last == "host"
}

/// The names at the end of a key path; `None` when the key, or the relation, is not known.
pub(super) fn values(path: &KeyPath, keys: &Keys, topology: &Topology) -> Option<BTreeSet<String>> {
    let value = keys.get(&path.key)?;
    if path.walk.is_empty() {
        return Some(BTreeSet::from([value.clone()]));
    }
    let walk: Vec<&str> = path.walk.iter().map(String::as_str).collect();
    let reached = topology.walk(&Entity::new(&path.key, value), &walk);
    (!reached.is_empty()).then(|| reached.iter().map(|e| e.name().to_owned()).collect())
}

/// Whether `cause` can have brought about `effect`: it began first (as far as the stamps tell), and was not over
/// for longer than `within` when the effect began. `log_began` is when the sources of the cause begin: a cause
/// seen on their first lines may be older.
pub fn fits(cause: &Fact, effect: &Fact, within: i64, log_began: Option<Instant>) -> Fit {
    let occurrences: Vec<Stamp> = effect
        .span
        .first
        .into_iter()
        .chain(effect.evidence().iter().filter_map(|q| q.time))
        .collect();
    let (Some(begin), Some(end)) = (cause.span.first, cause.span.last.or(cause.span.first)) else {
        // A state as of the collection: since when is unknown, but it must not be over before the effect ends.
        return match (cause.span.last, effect.span.first) {
            (Some(last), Some(first)) if cause.span.closed && first.at.since(last.at) > within => {
                Fit::No
            }
            _ => Fit::Unclear,
        };
    };
    let mut best = Fit::No;
    for (i, at) in occurrences.iter().enumerate() {
        // Both stamps may be wrong: an age such as `20m` says the minute only.
        let slack = slack(begin, *at);
        let early = begin.at.since(at.at);
        let late = at.at.since(end.at);
        let fit = if early > slack {
            let seen_at_once = log_began.is_some_and(|b| begin.at.since(b) < 60 * SECOND);
            if seen_at_once { Fit::Unclear } else { Fit::No }
        } else if late > within.saturating_add(slack) {
            Fit::No
        } else if i > 0 && effect.span.first.is_some() {
            Fit::Later
        } else if early > -slack {
            Fit::Unclear
        } else {
            Fit::Yes
        };
        best = best.max(fit);
    }
    if occurrences.is_empty() {
        // The effect's beginning is unknown; the cause must have begun before its last sign.
        return match effect.span.last {
            Some(last) if begin.at.since(last.at) > slack(begin, last) => Fit::No,
            _ => Fit::Unclear,
        };
    }
    best
}

/// By how much two moments must differ for their order to be known: as much as both clocks may err, and a little more.
pub(super) fn slack(a: Stamp, b: Stamp) -> i64 {
    a.slack(b).saturating_add(ORDER_SLACK)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::MINUTE;
    use crate::model::{Place, Quote, Relation, SourceId, Span};

    fn fact(first: Option<i64>, last: Option<i64>) -> Fact {
        let stamp = |s: i64| Stamp::exact(Instant(s * SECOND), 0);
        let quote = Quote {
            place: Place::default(),
            text: String::from("x"),
            time: first.map(stamp),
        };
        let mut fact = Fact::seen("a/b", Entity::parse("node/n"), quote, Vec::new());
        fact.span = Span {
            first: first.map(stamp),
            last: last.map(stamp),
            closed: false,
            over: false,
        };
        fact
    }

    #[track_caller]
    fn case(cause: (Option<i64>, Option<i64>), effect: (Option<i64>, Option<i64>), expected: Fit) {
        assert_eq!(
            fits(
                &fact(cause.0, cause.1),
                &fact(effect.0, effect.1),
                MINUTE,
                None
            ),
            expected
        );
    }

    #[test]
    fn times() {
        case((Some(0), Some(5)), (Some(30), Some(40)), Fit::Yes);
        case((Some(0), Some(5)), (Some(90), Some(99)), Fit::No); // over for more than a minute
        case((Some(50), Some(60)), (Some(30), Some(40)), Fit::No); // too late
        case((Some(31), Some(60)), (Some(30), Some(40)), Fit::Unclear); // within the slack
        case((None, Some(60)), (Some(30), Some(40)), Fit::Unclear); // a state
        case((Some(0), Some(5)), (None, Some(40)), Fit::Unclear);
    }

    #[test]
    fn an_effect_whose_time_is_rough_may_come_first() {
        let cause = fact(Some(60), Some(90));
        let mut effect = fact(Some(35), Some(90));
        assert_eq!(fits(&cause, &effect, MINUTE, None), Fit::No);
        effect.span.first = Some(Stamp::exact(Instant(35 * SECOND), 30 * SECOND));
        assert_eq!(fits(&cause, &effect, MINUTE, None), Fit::Unclear);
    }

    #[test]
    fn keys_meet_along_relations() {
        let mut topology = Topology::default();
        let place = Place {
            source: SourceId(0),
            offset: 0,
            line: 1,
        };
        topology.add(Relation {
            from: Entity::parse("pod/a/p"),
            to: Entity::parse("node/n1"),
            place,
        });
        let path = |text: &str| {
            let mut parts = text.split('.').map(str::to_owned);
            KeyPath {
                key: parts.next().unwrap(),
                walk: parts.collect(),
            }
        };
        let join = [Join::Meet {
            cause: path("node"),
            effect: path("pod.node"),
        }];
        let keys = |k: &str, v: &str| Keys::from([(k.to_owned(), v.to_owned())]);
        assert_eq!(
            meets(&join, &keys("node", "n1"), &keys("pod", "a/p"), &topology),
            Met::Yes
        );
        assert_eq!(
            meets(&join, &keys("node", "n2"), &keys("pod", "a/p"), &topology),
            Met::No
        );
        assert_eq!(
            meets(&join, &keys("x", "n2"), &keys("pod", "a/p"), &topology),
            Met::Unproven
        );
        let one_of = [Join::OneOf {
            key: String::from("program"),
            values: vec![String::from("kubelet"), String::from("dockerd")],
        }];
        let none = Keys::default();
        for (program, met) in [("dockerd", Met::Yes), ("shopd", Met::No)] {
            assert_eq!(
                meets(&one_of, &keys("program", program), &none, &topology),
                met
            );
        }
        let strict = [Join::Meet {
            cause: path("pod"),
            effect: path("pod"),
        }];
        assert_eq!(
            meets(&strict, &keys("x", "n2"), &keys("pod", "a/p"), &topology),
            Met::No
        );
    }
}
