//! From what a line says to a moment.

use super::hand::Overrides;
use crate::base::time::{Doubt, Instant, MINUTE, RawStamp, SECOND, Stamp, StampBasis, civil};
use crate::model::{Clock, Confidence};

/// The instant of a raw stamp under a clock, what the clock is off taken away; `None` when the clock does not tell.
pub(in crate::extract) fn resolve(
    stamp: RawStamp,
    clock: &Clock,
    overrides: &Overrides,
) -> Option<Stamp> {
    let read = reading(stamp, clock, overrides)?;
    let Some(skew) = &clock.skew else {
        return Some(read);
    };
    let corrected = skew.corrected(read);
    Some(match stamp {
        // The moment of collection has been corrected.
        RawStamp::Ago { .. } => Stamp {
            at: read.at,
            ..corrected
        },
        _ => corrected,
    })
}

/// The instant that the clock showed.
fn reading(stamp: RawStamp, clock: &Clock, overrides: &Overrides) -> Option<Stamp> {
    match stamp {
        RawStamp::Utc { ns, res } => Some(Stamp::exact(Instant(ns), res / 2)),
        RawStamp::Local {
            year,
            month,
            day,
            ns,
            res,
            turn,
        } => {
            let year = year.or(clock.year.map(|y| y + i32::from(turn)))?;
            let offset = match &overrides.zone {
                Some(zone) => zone.offset(stamp, year),
                None => clock.zone?,
            };
            let local = civil(year, month, day, ns)?;
            let basis = if clock.confidence == Confidence::Low {
                StampBasis::Guessed
            } else {
                StampBasis::Solved
            };
            Some(Stamp {
                at: Instant(local.checked_sub(i64::from(offset) * SECOND)?),
                err: res / 2,
                basis,
                doubt: Doubt::default(),
            })
        }
        RawStamp::Boot { ns } => {
            let boot = clock.boot?;
            // uptime prints minutes, and the kernel's clock drifts.
            Some(Stamp {
                at: boot.plus(ns),
                err: MINUTE,
                basis: StampBasis::Solved,
                doubt: Doubt::default(),
            })
        }
        RawStamp::Ago { ns, res } => {
            let collected = clock.collected?;
            let basis = if clock.confidence == Confidence::Low {
                StampBasis::Guessed
            } else {
                StampBasis::Solved
            };
            Some(Stamp {
                at: collected.plus(-(ns.saturating_add(res / 2))),
                err: (res / 2).max(SECOND),
                basis,
                doubt: Doubt::default(),
            })
        }
    }
}
