//! The frame of a bundle: the earliest and the latest moment that need no guess, and the zones that abbreviations mean.

use std::collections::BTreeMap;

use super::evidence::Evidence;
use super::hand::Overrides;
use super::resolve::resolve;
use super::written;
use super::zone::distance_to_end;
use crate::base::time::{HOUR, Instant, RawStamp, SECOND, civil};
use crate::model::Clock;

/// The bundle's frame: earliest and latest instant that needs no guess.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Frame {
    pub(super) min: Option<Instant>,
    pub(super) max: Option<Instant>,
    /// Latest instant at which a line was written or an output made. What an object tells is only older than its output.
    pub(super) end: Option<Instant>,
    /// Latest moment that a source dates itself in local time.
    pub(super) dated: Option<Instant>,
    /// The zone that the times of writing of the logs show.
    pub(super) written: Option<i32>,
}

impl Frame {
    fn add(&mut self, at: Instant) {
        self.min = Some(self.min.map_or(at, |m| m.min(at)));
        self.max = self.max.max(Some(at));
    }
}

pub(super) fn frame(evidence: &[Evidence]) -> Frame {
    let mut frame = Frame {
        dated: dated(evidence),
        written: written::zone(evidence),
        ..Frame::default()
    };
    for e in evidence {
        let utc = |stamp: RawStamp| match stamp {
            RawStamp::Utc { ns, .. } => Some(Instant(ns)),
            _ => None,
        };
        let written = [e.first, e.last, e.collected].map(|s| s.and_then(utc));
        let read = e.last.and_then(|last| placed(e, last));
        for at in written.into_iter().chain([read, e.collector]).flatten() {
            frame.add(at);
            frame.end = frame.end.max(Some(at));
        }
        for at in e.absolute.into_iter().flat_map(|(a, b)| [a, b]) {
            frame.add(at);
        }
    }
    frame
}

/// The instant of a local reading in a source whose lines tell zone and year: as good as an absolute time.
fn placed(e: &Evidence, reading: RawStamp) -> Option<Instant> {
    let (zone, _) = e.zones.iter().max_by_key(|(_, n)| *n)?;
    let clock = Clock {
        zone: Some(*zone),
        year: e.year,
        ..Clock::default()
    };
    matches!(reading, RawStamp::Local { .. })
        .then(|| resolve(reading, &clock, &Overrides::default()))
        .flatten()
        .map(|stamp| stamp.at)
}

/// Gives a zone to the sources that name it by an abbreviation: where it may mean several, the one that the bundle
/// shows elsewhere, else the one with which the file ends nearest to the end of the bundle, else the likelier one.
pub(super) fn named_zones(evidence: &[Evidence]) -> Vec<Evidence> {
    let max = frame(evidence).max;
    let mut shown: BTreeMap<i32, u64> = BTreeMap::new();
    for e in evidence {
        for (zone, n) in e
            .zones
            .iter()
            .copied()
            .chain(e.stated_zone.map(|z| (z, 10)))
        {
            *shown.entry(zone).or_default() += n;
        }
    }
    let mut named = evidence.to_vec();
    for e in &mut named {
        let unknown = e.stated_zone.is_none() && e.zones.is_empty();
        let Some(likely) = e.offsets.first().filter(|_| unknown) else {
            continue;
        };
        let last = e.end.or(e.collected).or(e.last);
        let near = |zone: &i32| match (last, max) {
            (Some(last), Some(max)) => distance_to_end(last, *zone, max),
            _ => 0,
        };
        e.stated_zone = e
            .offsets
            .iter()
            .copied()
            .find(|o| shown.contains_key(o))
            .or_else(|| {
                e.offsets
                    .iter()
                    .copied()
                    .filter(|o| near(o) < 12 * HOUR)
                    .min_by_key(|o| near(o))
            })
            .or(Some(*likely));
    }
    named
}

/// The latest moment that a source dates itself, local readings taken with the zone it states.
fn dated(evidence: &[Evidence]) -> Option<Instant> {
    let stamps = evidence
        .iter()
        .flat_map(|e| [(e.last, e), (e.collected, e), (e.end, e)]);
    stamps
        .filter_map(|(stamp, e)| match stamp? {
            RawStamp::Local {
                year,
                month,
                day,
                ns,
                turn,
                ..
            } => {
                let year = year.or(e.year.map(|y| y + i32::from(turn)))?;
                let zone = e
                    .zones
                    .iter()
                    .max_by_key(|(_, n)| *n)
                    .map(|(z, _)| *z)
                    .or(e.stated_zone);
                let local = civil(year, month, day, ns)?;
                Some(Instant(
                    local.checked_sub(i64::from(zone.unwrap_or(0)) * SECOND)?,
                ))
            }
            _ => None,
        })
        .max()
}
