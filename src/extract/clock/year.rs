//! In which year a log begins that prints none.

use super::evidence::Evidence;
use super::hand::Overrides;
use super::resolve::resolve;
use crate::base::time::{DAY, Instant, RawStamp, SECOND, civil};
use crate::model::{Clock, Confidence};

/// The year of the first reading: the latest that does not put the last line after the end of the bundle.
pub(super) fn year(
    e: &Evidence,
    zone: i32,
    bound: Option<Instant>,
    bound_is_evidence: bool,
    overrides: &Overrides,
) -> (Option<i32>, &'static str, Confidence) {
    let Some(RawStamp::Local { year, turn, .. }) = e.last else {
        return (None, "no local time", Confidence::High);
    };
    if let Some(y) = overrides.year {
        return (Some(y), "year given by --year", Confidence::High);
    }
    if year.is_some() {
        return (year, "year printed in the lines", Confidence::High);
    }
    let turns = i32::from(turn);
    if let Some(y) = e.year {
        return (
            Some(y),
            "year from the file's preamble or name",
            Confidence::High,
        );
    }
    let own = e.end.and_then(|end| {
        let clock = Clock {
            zone: Some(zone),
            ..Clock::default()
        };
        resolve(end, &clock, overrides).map(|s| s.at)
    });
    if let (Some(own), Some(RawStamp::Local { month, day, ns, .. })) = (own, e.last) {
        let found = (own.year() - 3..=own.year()).rev().find(|y| {
            civil(*y, month, day, ns).is_some_and(|local| {
                Instant(local.saturating_sub(i64::from(zone) * SECOND)) <= own.plus(DAY)
            })
        });
        if let Some(y) = found {
            return (
                Some(y - turns),
                "year from the header of the journal",
                Confidence::High,
            );
        }
    }
    let Some(bound) = bound else {
        return (None, "the year is unknown", Confidence::Low);
    };
    let last = e.last.unwrap_or(RawStamp::Boot { ns: 0 });
    let found = (bound.year() - 3..=bound.year() + 1).rev().find(|y| {
        let RawStamp::Local { month, day, ns, .. } = last else {
            return false;
        };
        civil(*y, month, day, ns).is_some_and(|local| {
            Instant(local.saturating_sub(i64::from(zone) * SECOND)) <= bound.plus(DAY)
        })
    });
    let (basis, confidence) = if bound_is_evidence {
        (
            "year: the latest in which the log does not run past the end of the bundle",
            Confidence::High,
        )
    } else {
        (
            "year from the time the file was written (copying changes that)",
            Confidence::Low,
        )
    };
    (found.map(|y| y - turns), basis, confidence)
}
