//! From what a line says to a moment.

use super::hand::Overrides;
use crate::base::time::{RawStamp, Stamp};
use crate::model::Clock;

/// The instant of a raw stamp under a clock, in the zone given by hand where there is one; `None` when the clock does not
/// tell.
pub(in crate::extract) fn resolve(
    stamp: RawStamp,
    clock: &Clock,
    overrides: &Overrides,
) -> Option<Stamp> {
    match &overrides.zone {
        Some(zone) => clock.stamp_in(stamp, |year| Some(zone.offset(stamp, year))),
        None => clock.stamp(stamp),
    }
}
