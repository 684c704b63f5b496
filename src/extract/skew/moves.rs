//! What it means for an offset that the clock was moved.

use super::bounds::IN_STEP;
use crate::base::time::{Instant, MINUTE, Stamp};
use crate::model::Quote;

/// A clock was moved.
#[derive(Clone, Debug)]
pub(super) struct Move {
    /// When, as the line says.
    pub(super) at: Option<Stamp>,
    /// By how much it was ahead before; `None`: the line does not say.
    pub(super) ahead: Option<i64>,
    /// The line.
    pub(super) quote: Quote,
}

impl Move {
    /// Whether it is only the other line of a move whose size is known: systemd and the time service both write one, before
    /// and after the step.
    fn is_told_by(&self, sized: &Self) -> bool {
        let (Some(at), Some(other), Some(by)) = (self.at, sized.at, sized.ahead) else {
            return false;
        };
        let apart = at.at.since(other.at).saturating_abs();
        self.ahead.is_none() && apart <= MINUTE.saturating_add(by.saturating_abs())
    }

    /// Whether times before and after it cannot be compared.
    fn is_far(&self) -> bool {
        self.ahead.is_none_or(|by| by.saturating_abs() > IN_STEP)
    }

    /// The reading after which the clock is surely the moved one: where it was set back, some readings come twice.
    fn end(&self) -> Option<Instant> {
        Some(self.at?.at.plus(self.ahead?.max(0)))
    }
}

/// What moves say of an offset that pairs of this time show (`None`: it is the time service's, as of the collection): until
/// which reading it holds, and why it is doubtful.
pub(super) fn during(
    moves: &[Move],
    ahead: i64,
    pairs: Option<(Instant, Instant)>,
) -> (Option<Instant>, Option<&'static str>) {
    const MOVED: &str = "it was moved meanwhile";
    let sized = || moves.iter().filter(|m| m.ahead.is_some());
    let mut until: Option<Instant> = None;
    for moved in moves {
        if !moved.is_far() || sized().any(|s| moved.is_told_by(s)) {
            continue;
        }
        let (Some(at), Some((from, to))) = (moved.at, pairs) else {
            return (None, Some(MOVED));
        };
        // The line is read from the clock in question.
        let slack = ahead
            .saturating_abs()
            .saturating_add(moved.ahead.unwrap_or(0).saturating_abs());
        if at.at.plus(slack) < from {
            continue;
        }
        // Behind the pairs it ends what they show; set back, or by who knows how much, some readings are of either clock.
        match moved.ahead {
            Some(by) if by < 0 && at.at.plus(slack.saturating_neg()) > to => {
                until = Some(until.map_or(at.at, |u| u.min(at.at)));
            }
            _ => return (None, Some(MOVED)),
        }
    }
    (until, None)
}

/// By how much a clock that is in step was ahead before it was set the last time, and until which reading.
pub(super) fn before_the_last(moves: &[Move]) -> Option<(i64, Option<Instant>)> {
    let last = moves
        .iter()
        .filter(|m| m.ahead.is_some())
        .max_by_key(|m| m.at.map(|t| t.at))?;
    let by = last.ahead.filter(|_| last.is_far())?;
    Some((by, last.end()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::SECOND;
    use crate::model::{Place, SourceId};

    fn moved(at: i64, ahead: Option<i64>) -> Move {
        Move {
            at: Some(Stamp::exact(Instant(at * SECOND), 0)),
            ahead: ahead.map(|s| s * SECOND),
            quote: Quote {
                place: Place {
                    source: SourceId::default(),
                    offset: 0,
                    line: 1,
                },
                text: String::new(),
                time: None,
            },
        }
    }

    #[test]
    fn only_a_move_among_the_pairs_makes_an_offset_doubtful() {
        let pairs = Some((Instant(10_000 * SECOND), Instant(20_000 * SECOND)));
        let case = |moves: &[Move], until: Option<i64>, doubtful: bool| {
            let (end, why) = during(moves, 200 * SECOND, pairs);
            assert_eq!(
                (end, why.is_some()),
                (until.map(|s| Instant(s * SECOND)), doubtful),
                "{moves:?}"
            );
        };
        case(&[moved(15_000, Some(200))], None, true);
        case(&[moved(15_000, None)], None, true);
        // At the boot, long before.
        case(&[moved(5_000, Some(200)), moved(5_000, None)], None, false);
        // By next to nothing, which systemd remarks as well.
        case(&[moved(15_000, Some(1)), moved(15_001, None)], None, false);
        case(&[moved(15_000, Some(1)), moved(15_900, None)], None, true);
        // Set forward behind the pairs; set back, readings come twice.
        case(&[moved(25_000, Some(-200))], Some(25_000), false);
        case(&[moved(25_000, Some(200))], None, true);
    }

    #[test]
    fn the_last_move_with_a_size() {
        let case = |moves: &[Move], expected: Option<(i64, i64)>| {
            let expected = expected.map(|(by, end)| (by * SECOND, Some(Instant(end * SECOND))));
            assert_eq!(before_the_last(moves), expected, "{moves:?}");
        };
        // Set back: the readings of that time come twice. Set forward: none does.
        case(&[moved(100, Some(30))], Some((30, 130)));
        case(&[moved(100, Some(-30))], Some((-30, 100)));
        case(&[moved(100, Some(30)), moved(101, None)], Some((30, 130)));
        case(&[moved(100, Some(30)), moved(500, Some(1))], None);
        case(&[moved(100, None)], None);
    }
}
