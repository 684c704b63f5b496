//! Which zone the local readings of a source are in.

use std::collections::BTreeMap;

use super::evidence::Evidence;
use super::frame::Frame;
use super::hand::Overrides;
use super::resolve::resolve;
use crate::base::time::{DAY, HOUR, Instant, MINUTE, RawStamp, SECOND, civil};
use crate::extract::turn::at_turn;
use crate::model::{Clock, Confidence};

/// The zone that most lines show.
pub(super) fn majority(zones: &BTreeMap<i32, u64>) -> Option<i32> {
    zones.iter().max_by_key(|(_, n)| **n).map(|(z, _)| *z)
}

/// The zone of local readings: what the wrapper of the same lines shows, else what the node shows, else UTC,
/// as long as the log then does not run past the end of the bundle.
pub(super) fn zone(
    e: &Evidence,
    of_node: Option<&BTreeMap<i32, u64>>,
    of_bundle: &BTreeMap<i32, u64>,
    frame: Frame,
    overrides: &Overrides,
) -> (i32, String, Confidence) {
    if let (Some(zone), Some(last)) = (&overrides.zone, e.last) {
        let year = overrides
            .year
            .or(frame.max.map(Instant::year))
            .unwrap_or(2000);
        return (
            zone.offset(last, year),
            String::from("zone given by --timezone"),
            Confidence::High,
        );
    }
    if let Some((zone, _)) = e.zones.iter().max_by_key(|(_, n)| *n) {
        return (
            *zone,
            String::from("zone from lines that carry both a local time and an offset"),
            Confidence::High,
        );
    }
    if let Some(zone) = e.stated_zone {
        return (
            zone,
            String::from("the output states its zone"),
            Confidence::High,
        );
    }
    let fits = |zone: i32| {
        let (Some(last), Some(max)) = (e.last, frame.max) else {
            return true;
        };
        let year = max.year();
        // Any of the three years around may be meant; only the time of year and of day counts here.
        [year - 1, year, year + 1].into_iter().any(|y| {
            let clock = Clock {
                zone: Some(zone),
                year: Some(y),
                ..Clock::default()
            };
            resolve(at_turn(last, 0), &clock, &Overrides::default())
                .is_some_and(|s| s.at <= max.plus(5 * MINUTE) && max.since(s.at) < 400 * DAY)
                && distance_to_end(last, zone, max) < 12 * HOUR
        })
    };
    let node_zone = of_node.and_then(majority);
    if let Some(zone) = node_zone
        && !e.contained
        && fits(zone)
    {
        return (
            zone,
            String::from("zone from other outputs of the same machine"),
            Confidence::High,
        );
    }
    // A container without zone files runs in UTC whatever its host does; only the end of the log tells.
    let mut candidates: Vec<(i32, &str)> = vec![(0, "UTC")];
    candidates.extend(node_zone.map(|z| (z, "zone of the machine")));
    candidates.extend(
        of_bundle
            .keys()
            .map(|z| (*z, "a zone seen elsewhere in the bundle")),
    );
    if let (Some(last), Some(max)) = (e.last, frame.max) {
        let best = candidates
            .iter()
            .filter(|(z, _)| overrun(last, *z, max) <= 5 * MINUTE)
            .min_by_key(|(z, _)| distance_to_end(last, *z, max));
        if let Some((zone, what)) = best {
            let near = distance_to_end(last, *zone, max) < HOUR;
            let confidence = if near {
                Confidence::Medium
            } else {
                Confidence::Low
            };
            return (
                *zone,
                format!("{what}: with it the log ends nearest to the end of the bundle"),
                confidence,
            );
        }
    }
    if let (None, Some(last), Some(max), Some(_)) = (node_zone, e.last, frame.max, frame.end) {
        // In UTC it would run far past the end, or by just the hours of a zone: the first zone in which it does not.
        let over = overrun(last, 0, max).saturating_sub(5 * MINUTE);
        let hours = over.saturating_add(HOUR - 1) / HOUR;
        if let Ok(hours @ 1..=14) = i32::try_from(hours)
            && (over > 90 * MINUTE || distance_to_end(last, hours * 3600, max) < 15 * MINUTE)
        {
            let what = "the zone nearest to UTC with which the log does not run past the end of the bundle";
            return (hours * 3600, String::from(what), Confidence::Low);
        }
    }
    if let (None, None, Some(zone)) = (node_zone, frame.max, frame.written) {
        return (
            zone,
            String::from("the zone in which the logs end when their files were written"),
            Confidence::Low,
        );
    }
    (
        node_zone.unwrap_or(0),
        String::from("zone assumed, nothing tells"),
        Confidence::Low,
    )
}

/// How far the reading lies after `max` when read in `zone` (negative: before), year set to the nearest one.
fn overrun(stamp: RawStamp, zone: i32, max: Instant) -> i64 {
    let RawStamp::Local {
        year,
        month,
        day,
        ns,
        ..
    } = stamp
    else {
        return 0;
    };
    let years: Vec<i32> =
        year.map_or_else(|| (max.year() - 1..=max.year() + 1).collect(), |y| vec![y]);
    years
        .into_iter()
        .filter_map(|y| civil(y, month, day, ns))
        .map(|local| Instant(local.saturating_sub(i64::from(zone) * SECOND)).since(max))
        .min_by_key(|d| d.saturating_abs())
        .unwrap_or(0)
}

/// How far the reading lies from `max`, either way.
pub(super) fn distance_to_end(stamp: RawStamp, zone: i32, max: Instant) -> i64 {
    overrun(stamp, zone, max).saturating_abs()
}
