//! The time of a line on which several layers print one each.
//!
//! `Nov 20 17:02:06 n1 kubelet[86]: I1120 12:02:06.400001 …`, `2026-11-20T17:02:06.5Z stderr F I1120 12:02:06.400001 …`.

use super::DEPTH;
use crate::base::time::{Instant, MINUTE, RawStamp, SECOND, civil};

/// Times of the layers, from the outside in.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stamps {
    list: [Option<RawStamp>; DEPTH + 1],
    len: usize,
}

impl Stamps {
    /// Adds that of the next layer.
    pub(super) fn push(&mut self, stamp: Option<RawStamp>) {
        if let (Some(_), Some(slot)) = (stamp, self.list.get_mut(self.len)) {
            *slot = stamp;
            self.len += 1;
        }
    }

    /// The best of them, and the zone of the local reading.
    pub(super) fn choose(&self) -> (Option<RawStamp>, Option<i32>) {
        let mut flat = [RawStamp::Boot { ns: 0 }; DEPTH + 1];
        for (slot, stamp) in flat.iter_mut().zip(self.list.iter().flatten()) {
            *slot = *stamp;
        }
        choose(flat.get(..self.len).unwrap_or_default())
    }
}

/// The best time of a line whose layers, from the outside in, show `stamps`; and the zone of its local reading.
///
/// The innermost instant wins. An inner local reading that differs from an outer instant by a multiple of
/// 15 minutes, and less than a minute more, shows its own zone and gives the finer time.
fn choose(stamps: &[RawStamp]) -> (Option<RawStamp>, Option<i32>) {
    let is_utc = |s: &RawStamp| matches!(s, RawStamp::Utc { .. });
    let is_local = |s: &RawStamp| matches!(s, RawStamp::Local { .. });
    let utc = stamps.iter().rposition(is_utc);
    let local = stamps.iter().rposition(is_local);
    let at = |i: usize| stamps.get(i).copied();
    match (utc.and_then(at), local.and_then(at)) {
        (Some(instant), Some(reading)) => {
            let placed = place(reading, instant.reading());
            let zone = placed.and_then(|p| zone_between(p, instant.reading()));
            match (zone, placed) {
                (Some(east), Some(p)) if local > utc => {
                    let res = match reading {
                        RawStamp::Local { res, .. } => res,
                        _ => SECOND,
                    };
                    let ns = p.saturating_sub(i64::from(east).saturating_mul(SECOND));
                    (Some(RawStamp::utc(ns, res)), zone)
                }
                _ => (Some(instant), zone),
            }
        }
        (Some(instant), None) => (Some(instant), None),
        (None, Some(reading)) => (Some(with_year(reading, stamps)), None),
        (None, None) => (stamps.first().copied(), None),
    }
}

/// A local reading in nanoseconds, its missing year chosen so that it lies nearest to `near`.
fn place(reading: RawStamp, near: i64) -> Option<i64> {
    let RawStamp::Local {
        year,
        month,
        day,
        ns,
        ..
    } = reading
    else {
        return None;
    };
    if let Some(year) = year {
        return civil(year, month, day, ns);
    }
    let y = Instant(near).year();
    [y, y.saturating_sub(1), y.saturating_add(1)]
        .into_iter()
        .filter_map(|y| civil(y, month, day, ns))
        .min_by_key(|at| at.saturating_sub(near).unsigned_abs())
}

/// The offset from UTC in seconds that a local reading and an instant of the same moment show.
fn zone_between(local: i64, utc: i64) -> Option<i32> {
    const QUARTER: i64 = 15 * MINUTE;
    let diff = local.checked_sub(utc)?;
    let quarters = diff.checked_add(QUARTER / 2)?.div_euclid(QUARTER);
    let rest = diff - quarters * QUARTER;
    if rest.abs() >= MINUTE || !(-48..=56).contains(&quarters) {
        return None;
    }
    i32::try_from(quarters * 900).ok()
}

/// Gives a year-less reading the year that another layer of the same line prints.
fn with_year(reading: RawStamp, stamps: &[RawStamp]) -> RawStamp {
    let RawStamp::Local {
        year: None,
        month,
        day,
        ns,
        res,
        turn,
    } = reading
    else {
        return reading;
    };
    let known = stamps
        .iter()
        .rev()
        .find(|s| matches!(s, RawStamp::Local { year: Some(_), .. }));
    let Some(near) = known.map(|s| s.reading()) else {
        return reading;
    };
    let year = place(reading, near).map(|at| Instant(at).year());
    RawStamp::Local {
        year,
        month,
        day,
        ns,
        res,
        turn,
    }
}

#[cfg(test)]
mod tests {
    use super::super::stamp::tests::text;
    use super::super::stamp::{iso, klog, short};
    use super::*;
    use crate::base::time::HOUR;

    fn at(line: &[u8]) -> RawStamp {
        iso(line)
            .map(|(s, _)| s)
            .or_else(|| klog(line).map(|(s, _)| s))
            .or_else(|| short(line).map(|(s, _, _)| s))
            .unwrap()
    }

    #[test]
    fn inner_reading_shows_its_zone() {
        let (time, zone) = choose(&[at(b"2026-11-20T17:02:06.5Z"), at(b"1120 12:02:06.400001 ")]);
        assert_eq!(text(time.unwrap()), "2026-11-20T17:02:06.400001Z ±1000");
        assert_eq!(zone, Some(-5 * 3600));
        // New Year lies between the two.
        let (time, zone) = choose(&[at(b"2026-12-31T20:00:01Z"), at(b"0101 04:00:00.900000 ")]);
        assert_eq!(text(time.unwrap()), "2026-12-31T20:00:00.900Z ±1000");
        assert_eq!(zone, Some(8 * 3600));
        // A reader that was blocked for five minutes shows no zone.
        let (time, zone) = choose(&[at(b"2026-11-20T17:07:06.5Z"), at(b"1120 17:02:06.400000 ")]);
        assert_eq!(text(time.unwrap()), "2026-11-20T17:07:06.500Z ±100000000");
        assert_eq!(zone, None);
    }

    #[test]
    fn outer_reading_shows_its_zone() {
        let (time, zone) = choose(&[at(b"Nov 21 01:02:06"), at(b"2026-11-20T17:02:06.5Z")]);
        assert_eq!(text(time.unwrap()), "2026-11-20T17:02:06.500Z ±100000000");
        assert_eq!(zone, Some(8 * 3600));
    }

    #[test]
    fn outer_year_helps_an_inner_reading() {
        let (time, _) = choose(&[at(b"2026-01-01 00:00:01"), at(b"1231 23:59:59.500000 ")]);
        let RawStamp::Local { year, ns, .. } = time.unwrap() else {
            panic!("local")
        };
        assert_eq!((year, ns), (Some(2025), 24 * HOUR - SECOND / 2));
    }
}
