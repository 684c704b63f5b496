//! The zone that the times of writing show: a log whose last line reads 16:44:58 in a file written at 08:45:00 UTC
//! was written eight hours east of Greenwich.
//!
//! Copying gives a file a new time, so this is asked last, needs two files that agree, and stays a guess.

use std::collections::BTreeMap;

use chrono::Datelike as _;

use super::evidence::Evidence;
use crate::base::time::{HOUR, MINUTE, RawStamp, SECOND, civil};

/// Zones lie so far apart.
const GRID: i64 = 30 * MINUTE;
/// A file is written at most this long after the time its last line tells …
const LATE: i64 = 2 * MINUTE;
/// … or, since the reading is taken before the write and clocks are read apart, this long before.
const EARLY: i64 = 5 * SECOND;
/// Fewer files than this may agree by chance.
const FILES: usize = 2;

/// The offset in seconds that most logs with local readings share, if any does.
pub(super) fn zone(evidence: &[Evidence]) -> Option<i32> {
    let offsets: Vec<Option<i32>> = evidence
        .iter()
        .filter(|e| !e.state && e.mtime.is_some())
        .filter(|e| matches!(e.last, Some(RawStamp::Local { .. })))
        .map(offset)
        .collect();
    let mut votes: BTreeMap<i32, usize> = BTreeMap::new();
    for zone in offsets.iter().flatten() {
        *votes.entry(*zone).or_default() += 1;
    }
    let (zone, count) = votes.into_iter().max_by_key(|(_, n)| *n)?;
    (count >= FILES && count * 2 > offsets.len()).then_some(zone)
}

/// How far the last reading of a log lies ahead of the time its file was written, when that is a zone.
fn offset(e: &Evidence) -> Option<i32> {
    let (
        Some(RawStamp::Local {
            year,
            month,
            day,
            ns,
            ..
        }),
        Some(mtime),
    ) = (e.last, e.mtime)
    else {
        return None;
    };
    let about = chrono::DateTime::from_timestamp_nanos(mtime.0).year();
    let years = year.map_or(about - 1..=about + 1, |y| y..=y);
    let ahead = years
        .filter_map(|y| civil(y, month, day, ns)?.checked_sub(mtime.0))
        .min_by_key(|d| d.saturating_abs())?;
    // The zone whose reading of the moment of writing is the last line's, or a little later.
    let zone = ahead
        .saturating_add(LATE)
        .div_euclid(GRID)
        .saturating_mul(GRID);
    let late = zone.saturating_sub(ahead);
    let is_zone = (-12 * HOUR..=14 * HOUR).contains(&zone) && (-EARLY..=LATE).contains(&late);
    is_zone.then(|| i32::try_from(zone / SECOND).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Instant;

    fn log(hour: i64, minute: i64, mtime: (u8, i64, i64)) -> Evidence {
        let (day, h, m) = mtime;
        Evidence {
            last: Some(RawStamp::local(
                None,
                5,
                17,
                hour * HOUR + minute * MINUTE,
                1000,
            )),
            mtime: civil(2023, 5, day, h * HOUR + m * MINUTE).map(Instant),
            ..Evidence::default()
        }
    }

    #[test]
    fn two_files_that_agree() {
        let case = |files: &[Evidence], expected: Option<i32>| assert_eq!(zone(files), expected);
        case(
            &[log(16, 44, (17, 8, 45)), log(16, 43, (17, 8, 45))],
            Some(8 * 3600),
        );
        case(
            &[log(22, 14, (17, 16, 45)), log(22, 15, (17, 16, 45))],
            Some(5 * 3600 + 1800),
        );
        case(
            &[log(23, 59, (18, 4, 0)), log(23, 58, (18, 4, 0))],
            Some(-4 * 3600),
        );
        // One file proves nothing, two that differ prove nothing, nor does a time that fits no zone.
        case(&[log(16, 44, (17, 8, 45))], None);
        case(&[log(16, 44, (17, 8, 45)), log(16, 44, (17, 7, 45))], None);
        case(&[log(16, 44, (17, 8, 31)), log(16, 44, (17, 8, 31))], None);
        // Copied days later.
        case(&[log(16, 44, (20, 8, 45)), log(16, 44, (20, 8, 45))], None);
    }
}
