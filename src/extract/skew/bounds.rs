//! From many pairs to one offset: by how much a clock is off, within what, how surely.
//!
//! A pair bounds the offset from one side only: an event cannot have been created before its reporter saw it, so a reporter's
//! time that lies 200 s above that of the creation proves a clock that is at least 200 s ahead; how much less the true delay
//! leaves is unknown. Pairs of the other order bound from above. Nothing is averaged: a delay has no mean that would mean
//! something, but it is never negative.
//!
//! Pairs of one order alone say something where many agree: a delay differs from time to time, the offset of a clock does
//! not.

use crate::base::time::{Instant, SECOND};
use crate::model::{Confidence, Order};

/// Below it clocks count as in step: stamps of whole seconds say no more.
pub(super) const IN_STEP: i64 = 2 * SECOND;
/// Pairs within this agree.
const AGREE: i64 = 2 * SECOND;
/// Moments nearer than this are one: a kubelet writes several events at once, which all wait for the same answer.
const MOMENT: i64 = 10 * SECOND;
/// Moments at which pairs of one order must agree …
const AGREEING: usize = 3;
/// … and how many where the offset itself is not proven, but only that the same time always passes.
const CONSTANT: usize = 5;
/// A constant delay below this may be one: requests to a slow API server time out after half a minute.
const NO_DELAY: i64 = 35 * SECOND;
/// Pairs further back than this from the newest say nothing about the clock today.
const RECENT: i64 = 24 * 3600 * SECOND;
/// Widest error bar with which an offset is taken off, besides a quarter of the offset.
const WIDTH: i64 = 5 * SECOND;

/// One bound of the offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bound {
    /// Which moment came first: the machine's (the offset is at least this) or the API server's (at most this).
    pub(super) order: Order,
    /// The machine's reading less the API server's, in nanoseconds, and what both may be off by their resolution.
    pub(super) apart: i64,
    pub(super) res: i64,
    /// When, on the clock of the API server.
    pub(super) at: Instant,
}

impl Bound {
    /// The offset is not below (above) this.
    fn limit(&self) -> i64 {
        match self.order {
            Order::MachineFirst => self.apart.saturating_sub(self.res),
            Order::ServerFirst => self.apart.saturating_add(self.res),
        }
    }
}

/// What follows from the bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Nothing speaks for an offset; `bounded`: from both sides, so the clock is in step.
    Silent { bounded: bool },
    /// The clock is off.
    Off {
        ahead: i64,
        err: i64,
        confidence: Confidence,
    },
    /// Something is off, but what does not come out.
    Doubtful { ahead: i64, why: Why },
}

/// Why an offset is doubtful.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// Pairs contradict each other: the clock was moved, or one of them is none.
    Disagree,
    /// Too few pairs, or they leave too much room.
    Few,
}

/// The offset of one machine.
pub(super) fn offset(bounds: &[Bound]) -> Answer {
    let side = |order: Order| {
        let mut side: Vec<Bound> = recent(bounds)
            .filter(|b| b.order == order)
            .copied()
            .collect();
        // The tightest first.
        side.sort_by_key(|b| match order {
            Order::MachineFirst => b.limit().saturating_neg(),
            Order::ServerFirst => b.limit(),
        });
        side
    };
    let (least, most) = (side(Order::MachineFirst), side(Order::ServerFirst));
    let limit = |side: &[Bound], n: usize| side.get(n).map(Bound::limit);
    if let (Some(low), Some(high)) = (limit(&least, 0), limit(&most, 0))
        && low > high.saturating_add(IN_STEP)
    {
        return contradiction(&least, &most);
    }
    let lone = one_side(&least, &most);
    if let (Some(low), Some(high)) = (limit(&least, 1), limit(&most, 1)) {
        if low <= IN_STEP && high >= -IN_STEP {
            // Loose bounds around zero may still hide a constant offset.
            return lone.unwrap_or(Answer::Silent {
                bounded: high.saturating_sub(low) <= WIDTH.saturating_mul(2),
            });
        }
        let err = high.saturating_sub(low).saturating_abs() / 2 + 1;
        let ahead = low.saturating_add(high) / 2;
        if err <= WIDTH.max(ahead.saturating_abs() / 4) {
            return Answer::Off {
                ahead,
                err,
                confidence: Confidence::High,
            };
        }
        return lone.unwrap_or(Answer::Doubtful {
            ahead,
            why: Why::Few,
        });
    }
    let proven = limit(&least, 0)
        .filter(|low| *low > IN_STEP)
        .or(limit(&most, 0).filter(|high| *high < -IN_STEP));
    lone.unwrap_or_else(|| {
        proven.map_or(Answer::Silent { bounded: false }, |ahead| {
            Answer::Doubtful {
                ahead,
                why: Why::Few,
            }
        })
    })
}

/// The bounds that no pair of the last day allows the offset to be below or above.
pub(super) fn proven(bounds: &[Bound]) -> (Option<i64>, Option<i64>) {
    let side = |order: Order| {
        recent(bounds)
            .filter(move |b| b.order == order)
            .map(Bound::limit)
    };
    (
        side(Order::MachineFirst).max(),
        side(Order::ServerFirst).min(),
    )
}

/// From when to when the pairs are that say something, on the clock of the API server.
pub(super) fn time(bounds: &[Bound]) -> Option<(Instant, Instant)> {
    let at = || recent(bounds).map(|b| b.at);
    at().min().zip(at().max())
}

/// What is not long past.
fn recent(bounds: &[Bound]) -> impl Iterator<Item = &Bound> {
    let newest = bounds.iter().map(|b| b.at).max();
    bounds
        .iter()
        .filter(move |b| newest.is_none_or(|n| n.since(b.at) <= RECENT))
}

/// What pairs of one order say by being always equally far apart.
fn one_side(least: &[Bound], most: &[Bound]) -> Option<Answer> {
    let of = |side: &[Bound], other: &[Bound]| {
        let tightest = side.first()?;
        let limit = tightest.limit();
        let agreeing: Vec<&Bound> = side
            .iter()
            .take_while(|b| b.limit().saturating_sub(limit).saturating_abs() <= AGREE)
            .collect();
        let rest = side.get(agreeing.len()..).unwrap_or_default();
        let count = moments(&agreeing);
        // What is left between the bound and the offset: the shortest delay, and the resolution.
        let room = AGREE.saturating_add(tightest.res);
        let sign = match tightest.order {
            Order::MachineFirst => 1,
            Order::ServerFirst => -1,
        };
        let ahead = limit.saturating_add(sign * (room / 2));
        let proven = limit.saturating_mul(sign) > IN_STEP;
        let constant = limit.saturating_abs() >= NO_DELAY && count >= CONSTANT;
        let fits = other
            .first()
            .is_none_or(|o| o.limit().saturating_sub(limit).saturating_mul(sign) >= -IN_STEP);
        let answer = if was_set(&agreeing, rest) {
            Answer::Doubtful {
                ahead,
                why: Why::Disagree,
            }
        } else {
            Answer::Off {
                ahead,
                err: WIDTH,
                confidence: Confidence::Medium,
            }
        };
        ((proven && count >= AGREEING || constant) && fits).then_some(answer)
    };
    of(least, most).or_else(|| of(most, least))
}

/// Whether pairs that agree on an offset all lie before, or all behind, as many that show a clock in step: it was set in
/// between. As delays, those would all be of just the size of the offset.
fn was_set(agreeing: &[&Bound], rest: &[Bound]) -> bool {
    let in_step: Vec<&Bound> = rest
        .iter()
        .filter(|b| b.apart.saturating_abs() <= IN_STEP.saturating_add(b.res))
        .collect();
    let ends = |side: &[&Bound]| {
        let at = || side.iter().map(|b| b.at);
        at().min().zip(at().max())
    };
    moments(&in_step) >= AGREEING
        && ends(agreeing)
            .zip(ends(&in_step))
            .is_some_and(|((a, b), (from, to))| b < from || to < a)
}

/// At how many moments pairs were made.
fn moments(bounds: &[&Bound]) -> usize {
    let mut at: Vec<Instant> = bounds.iter().map(|b| b.at).collect();
    at.sort_unstable();
    let mut count = 0;
    let mut last: Option<Instant> = None;
    for moment in at {
        if last.is_none_or(|l| moment.since(l) >= MOMENT) {
            count += 1;
            last = Some(moment);
        }
    }
    count
}

/// Bounds that exclude each other. One pair against many that show a clock in step is no pair; all else is doubtful.
fn contradiction(least: &[Bound], most: &[Bound]) -> Answer {
    let (Some(low), Some(high)) = (least.first(), most.first()) else {
        return Answer::Silent { bounded: false };
    };
    let rest = |side: &[Bound]| side.get(1..).unwrap_or_default().to_vec();
    let in_step = |least: &[Bound], most: &[Bound]| {
        least.len() >= AGREEING
            && most.len() >= AGREEING
            && least.first().is_some_and(|b| b.limit() <= IN_STEP)
            && most.first().is_some_and(|b| b.limit() >= -IN_STEP)
            && most
                .first()
                .zip(least.first())
                .is_some_and(|(h, l)| h.limit().saturating_sub(l.limit()) <= WIDTH)
    };
    if in_step(&rest(least), most) || in_step(least, &rest(most)) {
        return Answer::Silent { bounded: true };
    }
    let (low, high) = (low.limit(), high.limit());
    Answer::Doubtful {
        ahead: if low.saturating_abs() >= high.saturating_abs() {
            low
        } else {
            high
        },
        why: Why::Disagree,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Pairs of a clock that is so far ahead: after each moment the other side follows by a delay (all in seconds).
    fn pairs(ahead: i64, order: Order, delays: &[i64]) -> Vec<Bound> {
        delays
            .iter()
            .zip(0i64..)
            .map(|(delay, n)| Bound {
                order,
                apart: (ahead
                    + match order {
                        Order::MachineFirst => -delay,
                        Order::ServerFirst => *delay,
                    })
                    * SECOND,
                res: SECOND,
                at: Instant(1_700_000_000 * SECOND + n * 60 * SECOND),
            })
            .collect()
    }

    #[track_caller]
    fn case(bounds: &[Vec<Bound>], expected: Option<(i64, Confidence)>) {
        match (offset(&bounds.concat()), expected) {
            (
                Answer::Off {
                    ahead,
                    err,
                    confidence,
                },
                Some((seconds, sure)),
            ) => {
                assert!((ahead - seconds * SECOND).abs() <= err, "{ahead} ± {err}");
                assert_eq!(confidence, sure);
            }
            (Answer::Silent { .. } | Answer::Doubtful { .. }, None) => {}
            (other, _) => panic!("{other:?}, expected {expected:?}"),
        }
    }

    use Order::{MachineFirst as Saw, ServerFirst as Took};

    #[test]
    fn both_sides() {
        let sure = |s| Some((s, Confidence::High));
        case(
            &[pairs(200, Saw, &[0, 1, 4]), pairs(200, Took, &[0, 0, 30])],
            sure(200),
        );
        case(
            &[pairs(-200, Saw, &[0, 1, 4]), pairs(-200, Took, &[1, 0, 30])],
            sure(-200),
        );
        // In step; nothing is said, however long things took.
        case(
            &[pairs(0, Saw, &[0, 1, 400]), pairs(0, Took, &[0, 7, 90])],
            None,
        );
        case(
            &[pairs(1, Saw, &[0, 1, 40]), pairs(1, Took, &[0, 7, 90])],
            None,
        );
    }

    #[test]
    fn one_side_needs_many_that_agree() {
        let rather = |s| Some((s, Confidence::Medium));
        case(&[pairs(200, Saw, &[0, 1, 1])], rather(200));
        case(&[pairs(200, Saw, &[0, 90, 300])], None);
        // A delay is never negative: behind is not proven by what came later.
        case(&[pairs(-200, Saw, &[0, 1, 1])], None);
        case(&[pairs(-200, Saw, &[0, 1, 1, 0, 1])], rather(-200));
        case(&[pairs(-200, Took, &[0, 0, 0])], rather(-200));
        case(&[pairs(200, Took, &[0, 0, 0])], None);
        // A slow API server answers after the same few seconds, again and again.
        case(&[pairs(0, Saw, &[6, 6, 7, 6, 7, 6])], None);
    }

    #[test]
    fn one_side_that_changes_for_good_is_a_clock_that_was_set() {
        // So many seconds ahead in each minute, as the events show it.
        let told = |ahead: &[i64]| {
            let mut all = Vec::new();
            for (n, ahead) in (0i64..).zip(ahead) {
                let mut pair = pairs(*ahead, Saw, &[0]);
                pair[0].at = Instant(n * 60 * SECOND);
                all.append(&mut pair);
            }
            offset(&all)
        };
        let doubtful = |answer| {
            matches!(
                answer,
                Answer::Doubtful {
                    why: Why::Disagree,
                    ..
                }
            )
        };
        assert!(doubtful(told(&[200, 200, 200, 0, 0, 0])));
        assert!(doubtful(told(&[1, 0, 0, 200, 200, 201])));
        // Events that were late, among others that were not, and only some.
        assert!(!doubtful(told(&[200, 0, 200, 0, 200, 0])));
        assert!(!doubtful(told(&[200, 200, 200, 190, 190, 190])));
        assert!(!doubtful(told(&[200, 200, 200, 0, 0])));
    }

    #[test]
    fn many_pairs_of_one_moment_are_one() {
        let mut burst = pairs(200, Saw, &[0, 0, 0, 0, 0, 0]);
        for b in &mut burst {
            b.at = Instant(0);
        }
        assert_eq!(
            offset(&burst),
            Answer::Doubtful {
                ahead: 199 * SECOND,
                why: Why::Few
            }
        );
    }

    #[test]
    fn pairs_that_disagree() {
        // The clock was 200 s ahead, then set right.
        let moved = [
            pairs(200, Saw, &[0, 1, 0]),
            pairs(0, Saw, &[0, 1, 0]),
            pairs(0, Took, &[0, 0, 0]),
        ]
        .concat();
        assert!(
            matches!(
                offset(&moved),
                Answer::Doubtful {
                    why: Why::Disagree,
                    ..
                }
            ),
            "{:?}",
            offset(&moved)
        );
        // One odd pair among many that are in step.
        let odd = [
            pairs(3600, Saw, &[0]),
            pairs(0, Saw, &[0, 1, 0, 0]),
            pairs(0, Took, &[0, 0, 0]),
        ]
        .concat();
        assert_eq!(offset(&odd), Answer::Silent { bounded: true });
        // One odd pair against an offset: which is right?
        let odd = [
            pairs(200, Saw, &[0, 1, 0, 0]),
            pairs(200, Took, &[0, 0, 0]),
            pairs(0, Took, &[0]),
        ]
        .concat();
        assert!(matches!(offset(&odd), Answer::Doubtful { .. }));
    }

    #[test]
    fn what_is_long_past_does_not_count() {
        let mut past = pairs(0, Took, &[0, 0, 0]);
        for b in &mut past {
            b.at = b.at.plus(-30 * 24 * 3600 * SECOND);
        }
        case(
            &[past, pairs(200, Saw, &[0, 1, 0]), pairs(200, Took, &[0, 0])],
            Some((200, Confidence::High)),
        );
    }

    proptest! {
        /// Any offset within a day comes out within its error bar, or nothing is said.
        #[test]
        fn recovered_or_silent(
            ahead in -86_400i64..86_400,
            saw in proptest::collection::vec(0i64..40, 0..12),
            took in proptest::collection::vec(0i64..40, 0..12),
        ) {
            let bounds = [pairs(ahead, Saw, &saw), pairs(ahead, Took, &took)].concat();
            match offset(&bounds) {
                Answer::Off { ahead: found, err, confidence } => {
                    // Where one order decides alone, the shortest delay is taken for none.
                    let room = if confidence == Confidence::High {
                        0
                    } else {
                        saw.iter().min().max(took.iter().min()).copied().unwrap_or(0)
                    };
                    prop_assert!((found - ahead * SECOND).abs() <= err + room * SECOND);
                }
                Answer::Doubtful { why, .. } => prop_assert_eq!(why, Why::Few),
                Answer::Silent { .. } => {}
            }
        }

        /// In step, nothing is ever taken off, whatever the delays.
        #[test]
        fn never_off_when_in_step(
            saw in proptest::collection::vec(0i64..30, 0..20),
            took in proptest::collection::vec(0i64..30, 0..20),
        ) {
            let bounds = [pairs(0, Saw, &saw), pairs(0, Took, &took)].concat();
            let silent = matches!(offset(&bounds), Answer::Silent { .. });
            prop_assert!(silent, "{:?}", offset(&bounds));
        }

        /// Pairs that exclude each other never move a clock.
        #[test]
        fn not_applied_where_pairs_disagree(
            one in -86_400i64..86_400,
            other in -86_400i64..86_400,
        ) {
            prop_assume!((one - other).abs() > 60);
            let (low, high) = (one.max(other), one.min(other));
            let bounds = [pairs(low, Saw, &[0, 1, 0]), pairs(high, Took, &[0, 1, 0])].concat();
            let off = matches!(offset(&bounds), Answer::Off { .. });
            prop_assert!(!off);
        }
    }
}
