//! Solves the clock of each source: which zone its local readings are in, which year, when an output was
//! collected. Evidence first; what is assumed says so.

use std::collections::BTreeMap;

use chrono::{NaiveDate, Offset, TimeZone};

use super::turn::at_turn;
use super::written;
use crate::base::time::{DAY, HOUR, Instant, MINUTE, RawStamp, SECOND, Stamp, StampBasis, civil};
use crate::model::{Clock, Confidence};

/// What the caller knows better than the bundle.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--year`.
    pub year: Option<i32>,
    /// `--timezone`.
    pub zone: Option<Zone>,
}

/// A time zone given by hand.
#[derive(Clone, Debug)]
pub enum Zone {
    /// Seconds east of UTC.
    Fixed(i32),
    /// A place, with its changes of offset.
    Named(chrono_tz::Tz),
}

impl Zone {
    /// `UTC`, `Z`, `+08:00`, `+0800`, `Asia/Shanghai`.
    pub fn parse(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("utc") || text == "Z" {
            return Some(Self::Fixed(0));
        }
        if let Some(rest) = text.strip_prefix(['+', '-']) {
            let digits: String = rest.chars().filter(|c| *c != ':').collect();
            let (h, m) = match digits.len() {
                1 | 2 => (digits.parse::<i32>().ok()?, 0),
                4 => (
                    digits.get(..2)?.parse().ok()?,
                    digits.get(2..)?.parse::<i32>().ok()?,
                ),
                _ => return None,
            };
            if h > 14 || m > 59 {
                return None;
            }
            let seconds = h * 3600 + m * 60;
            return Some(Self::Fixed(if text.starts_with('-') {
                -seconds
            } else {
                seconds
            }));
        }
        text.parse().ok().map(Self::Named)
    }

    /// Offset on the day of a reading.
    fn offset(&self, stamp: RawStamp, year: i32) -> i32 {
        match self {
            Self::Fixed(s) => *s,
            Self::Named(tz) => {
                let RawStamp::Local { month, day, ns, .. } = stamp else {
                    return 0;
                };
                NaiveDate::from_ymd_opt(year, u32::from(month), u32::from(day))
                    .and_then(|d| {
                        d.and_hms_opt(u32::try_from(ns / HOUR).unwrap_or(0).min(23), 0, 0)
                    })
                    .and_then(|t| tz.offset_from_local_datetime(&t).earliest())
                    .map_or(0, |o| o.fix().local_minus_utc())
            }
        }
    }
}

/// Clock evidence of one source, for the solver.
#[derive(Clone, Debug, Default)]
pub(super) struct Evidence {
    /// Machine.
    pub(super) node: Option<String>,
    /// Whether its process runs in a container (its zone may differ from the host's).
    pub(super) contained: bool,
    /// First and last reading.
    pub(super) first: Option<RawStamp>,
    pub(super) last: Option<RawStamp>,
    /// Zones that wrappers of this source show.
    pub(super) zones: Vec<(i32, u64)>,
    /// A zone that this file states.
    pub(super) stated_zone: Option<i32>,
    /// The collection time that this file states.
    pub(super) collected: Option<RawStamp>,
    /// A local reading, with its year, after which nothing in it was written.
    pub(super) end: Option<RawStamp>,
    /// The offsets that its zone abbreviation may mean.
    pub(super) offsets: &'static [i32],
    /// Year that this file states.
    pub(super) year: Option<i32>,
    /// How long the machine had been up when this output was made, in nanoseconds.
    pub(super) up: Option<i64>,
    /// Boot time that this file states.
    pub(super) boot: Option<RawStamp>,
    /// When the file was written.
    pub(super) mtime: Option<Instant>,
    /// Whether it is an output of a state, not a log.
    pub(super) state: bool,
    /// Instants in it that carry their offset: earliest, latest.
    pub(super) absolute: Option<(Instant, Instant)>,
    /// When the collector ran, by the name of its folder.
    pub(super) collector: Option<Instant>,
}

impl Evidence {
    /// The evidence of a log of which `next` is the next part, which begins so many New Years after the log.
    pub(super) fn followed_by(mut self, (next, turn): (Self, u8)) -> Self {
        self.node = self.node.or(next.node);
        self.contained |= next.contained;
        self.first = self.first.or(next.first);
        self.last = match next.last {
            Some(RawStamp::Local {
                year: None,
                month,
                day,
                ns,
                res,
                turn: within,
            }) => Some(RawStamp::Local {
                year: None,
                month,
                day,
                ns,
                res,
                turn: turn.saturating_add(within),
            }),
            last => last.or(self.last),
        };
        for (zone, n) in next.zones {
            match self.zones.iter_mut().find(|(z, _)| *z == zone) {
                Some((_, sum)) => *sum = sum.saturating_add(n),
                None => self.zones.push((zone, n)),
            }
        }
        self.year = self
            .year
            .or(next.year.map(|y| y.saturating_sub(i32::from(turn))));
        // The end of an older part does not bound the log.
        self.end = next.end;
        if self.offsets.is_empty() {
            self.offsets = next.offsets;
        }
        self.mtime = self.mtime.max(next.mtime);
        self.state &= next.state;
        self.collector = self.collector.or(next.collector);
        self
    }
}

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
    written: Option<i32>,
}

impl Frame {
    fn add(&mut self, at: Instant) {
        self.min = Some(self.min.map_or(at, |m| m.min(at)));
        self.max = self.max.max(Some(at));
    }
}

/// Solves every clock.
pub(super) fn solve(evidence: &[Evidence], overrides: &Overrides) -> (Vec<Clock>, Frame) {
    let evidence = &named_zones(evidence);
    let frame = frame(evidence);
    let mut zones_of_node: BTreeMap<&str, BTreeMap<i32, u64>> = BTreeMap::new();
    let mut zones_of_bundle: BTreeMap<i32, u64> = BTreeMap::new();
    for e in evidence {
        let stated = e.stated_zone.map(|z| (z, 10));
        for (zone, n) in e.zones.iter().copied().chain(stated) {
            *zones_of_bundle.entry(zone).or_default() += n;
            if let (Some(node), false) = (&e.node, e.contained) {
                *zones_of_node
                    .entry(node)
                    .or_default()
                    .entry(zone)
                    .or_default() += n;
            }
        }
    }
    let mut boots: BTreeMap<&str, Instant> = BTreeMap::new();
    let clocks = evidence
        .iter()
        .map(|e| {
            let of_node = e.node.as_deref().and_then(|n| zones_of_node.get(n));
            one(e, of_node, &zones_of_bundle, frame, overrides)
        })
        .collect::<Vec<_>>();
    let clocks = collected_with_the_logs(evidence, clocks, overrides);
    for (e, clock) in evidence.iter().zip(&clocks) {
        let Some(node) = &e.node else { continue };
        if let Some(stamp) = e.boot.and_then(|b| resolve(b, clock, overrides)) {
            boots.insert(node, stamp.at);
        } else if let (Some(up), Some(collected)) = (e.up, clock.collected) {
            boots.entry(node).or_insert_with(|| collected.plus(-up));
        }
    }
    let clocks = clocks
        .into_iter()
        .zip(evidence)
        .map(|(mut clock, e)| {
            clock.boot = e.node.as_deref().and_then(|n| boots.get(n)).copied();
            if matches!(e.first, Some(RawStamp::Boot { .. })) {
                (clock.basis, clock.confidence) = match clock.boot {
                    Some(_) => (
                        String::from(
                            "seconds since boot; boot time from another output of the machine",
                        ),
                        Confidence::Medium,
                    ),
                    None => (
                        String::from("seconds since boot; the boot time is unknown"),
                        Confidence::Low,
                    ),
                };
            }
            clock
        })
        .collect();
    (gone_on(clocks, evidence, overrides), frame)
}

/// Only solved clocks tell when the bundle ends: local logs that go on beyond the last absolute time move what is
/// assumed to have been collected at the end.
fn gone_on(mut clocks: Vec<Clock>, evidence: &[Evidence], overrides: &Overrides) -> Vec<Clock> {
    let end = evidence
        .iter()
        .zip(&clocks)
        .filter(|(e, _)| !e.state)
        .filter_map(|(e, clock)| resolve(e.last?, clock, overrides))
        .map(|stamp| stamp.at)
        .max();
    for clock in &mut clocks {
        let assumed = clock.basis == "collected at the end of the bundle (assumed)";
        clock.collected = if assumed {
            clock.collected.max(end)
        } else {
            clock.collected
        };
    }
    clocks
}

fn frame(evidence: &[Evidence]) -> Frame {
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
fn named_zones(evidence: &[Evidence]) -> Vec<Evidence> {
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

/// A file copied long after the incident has a late time of writing: where every log ended days before, what was
/// collected was collected at their end.
fn collected_with_the_logs(
    evidence: &[Evidence],
    mut clocks: Vec<Clock>,
    overrides: &Overrides,
) -> Vec<Clock> {
    let end = evidence
        .iter()
        .zip(&clocks)
        .filter(|(e, _)| !e.state)
        .filter_map(|(e, clock)| resolve(e.last?, clock, overrides))
        .map(|s| s.at)
        .max();
    let Some(end) = end else { return clocks };
    for (e, clock) in evidence.iter().zip(&mut clocks) {
        let from_file = e.state && e.mtime.is_some() && clock.collected == e.mtime;
        if from_file && clock.collected.is_some_and(|at| at.since(end) > 2 * DAY) {
            clock.collected = Some(end);
            clock.basis = String::from("collected at the end of the logs (assumed)");
            clock.confidence = Confidence::Low;
        }
    }
    clocks
}

fn one(
    e: &Evidence,
    of_node: Option<&BTreeMap<i32, u64>>,
    of_bundle: &BTreeMap<i32, u64>,
    frame: Frame,
    overrides: &Overrides,
) -> Clock {
    let mut clock = Clock::default();
    let local = matches!(e.last, Some(RawStamp::Local { .. }));
    let bound = frame.max.or(frame.dated).or(e.mtime);
    if local {
        let (zone, basis, confidence) = zone(e, of_node, of_bundle, frame, overrides);
        let (year, year_basis, year_confidence) = year(
            e,
            zone,
            bound,
            frame.max.or(frame.dated).is_some(),
            overrides,
        );
        clock.zone = Some(zone);
        clock.year = year;
        clock.basis = format!("{basis}; {year_basis}");
        clock.confidence = confidence.min(year_confidence);
    } else if matches!(e.last, Some(RawStamp::Utc { .. })) {
        // Some lines may stand without an offset all the same (systemd's own among those of a daemon).
        clock.zone = e
            .zones
            .iter()
            .max_by_key(|(_, n)| *n)
            .map(|(z, _)| *z)
            .or(e.stated_zone)
            .or_else(|| of_node.and_then(majority));
        clock.basis = String::from("each line carries its offset");
        clock.confidence = Confidence::High;
        clock.year = e.first.and_then(|f| match f {
            RawStamp::Utc { ns, .. } => Some(Instant(ns).year()),
            _ => None,
        });
    }
    if e.state {
        let plausible = |at: &Instant| match (frame.min, frame.max) {
            (Some(min), Some(max)) => *at >= min.plus(-HOUR) && *at <= max.plus(HOUR),
            _ => frame
                .dated
                .is_none_or(|d| at.since(d).saturating_abs() <= DAY),
        };
        let zone = clock
            .zone
            .or_else(|| of_node.and_then(majority))
            .or_else(|| majority(of_bundle))
            .unwrap_or(0);
        let stated = e.collected.and_then(|c| {
            let clock = Clock {
                zone: Some(zone),
                year: e.year.or(bound.map(Instant::year)),
                ..Clock::default()
            };
            resolve(c, &clock, overrides)
        });
        let (collected, basis, confidence) = if let Some(stated) = stated {
            (
                Some(stated.at),
                "the output states when it was made",
                Confidence::High,
            )
        } else if let Some(mtime) = e.mtime.filter(plausible) {
            (
                Some(mtime),
                "collected when the file was written",
                Confidence::Medium,
            )
        } else if frame.max.or(frame.dated).is_some() {
            (
                frame.max.or(frame.dated),
                "collected at the end of the bundle (assumed)",
                Confidence::Low,
            )
        } else {
            (
                e.mtime,
                "collected when the file was written (copying changes that)",
                Confidence::Low,
            )
        };
        clock.collected = collected;
        if !local {
            basis.clone_into(&mut clock.basis);
            clock.confidence = confidence;
        }
    }
    clock
}

fn majority(zones: &BTreeMap<i32, u64>) -> Option<i32> {
    zones.iter().max_by_key(|(_, n)| **n).map(|(z, _)| *z)
}

/// The zone of local readings: what the wrapper of the same lines shows, else what the node shows, else UTC,
/// as long as the log then does not run past the end of the bundle.
fn zone(
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

fn distance_to_end(stamp: RawStamp, zone: i32, max: Instant) -> i64 {
    overrun(stamp, zone, max).saturating_abs()
}

/// The year of the first reading: the latest that does not put the last line after the end of the bundle.
fn year(
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

/// The instant of a raw stamp under a clock; `None` when the clock does not tell.
pub(super) fn resolve(stamp: RawStamp, clock: &Clock, overrides: &Overrides) -> Option<Stamp> {
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
            })
        }
        RawStamp::Boot { ns } => {
            let boot = clock.boot?;
            // uptime prints minutes, and the kernel's clock drifts.
            Some(Stamp {
                at: boot.plus(ns),
                err: MINUTE,
                basis: StampBasis::Solved,
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
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(month: u8, day: u8, hour: i64) -> RawStamp {
        RawStamp::Local {
            year: None,
            month,
            day,
            ns: hour * HOUR,
            res: 1000,
            turn: 0,
        }
    }

    fn utc(y: i32, m: u8, d: u8, hour: i64) -> RawStamp {
        RawStamp::utc(civil(y, m, d, hour * HOUR).unwrap(), 1000)
    }

    fn log(node: &str, first: RawStamp, last: RawStamp) -> Evidence {
        Evidence {
            node: Some(node.to_owned()),
            first: Some(first),
            last: Some(last),
            ..Evidence::default()
        }
    }

    #[test]
    fn a_klog_file_takes_zone_from_its_node_and_year_from_the_bundle() {
        let containerd = Evidence {
            zones: vec![(8 * 3600, 10)],
            ..log("n1", utc(2024, 1, 1, 2), utc(2024, 1, 1, 4))
        };
        let kubelet = log("n1", local(12, 31, 23), local(1, 1, 12));
        let (clocks, _) = solve(&[containerd, kubelet], &Overrides::default());
        assert_eq!(clocks[1].zone, Some(8 * 3600));
        let at = resolve(local(1, 1, 12), &clocks[1], &Overrides::default())
            .unwrap()
            .at;
        assert_eq!(at.rfc3339(), "2024-01-01T04:00:00Z");
    }

    #[test]
    fn new_year_counts_back_by_the_turns_of_the_source() {
        let mut last = local(1, 1, 3);
        if let RawStamp::Local { turn, .. } = &mut last {
            *turn = 1;
        }
        let kubelet = log("n1", local(12, 31, 23), last);
        let anchor = log("n2", utc(2026, 1, 1, 0), utc(2026, 1, 1, 4));
        let (clocks, _) = solve(&[anchor, kubelet], &Overrides::default());
        assert_eq!(clocks[1].year, Some(2025));
        let first = resolve(local(12, 31, 23), &clocks[1], &Overrides::default()).unwrap();
        assert_eq!(first.at.rfc3339(), "2025-12-31T23:00:00Z");
    }

    #[test]
    fn a_log_that_would_end_in_the_future_is_not_utc() {
        // The bundle ends at 04:00 UTC; a log that ends at 12:00 local must be +08:00, seen elsewhere.
        let other = Evidence {
            zones: vec![(8 * 3600, 3)],
            ..log("n2", utc(2026, 5, 1, 1), utc(2026, 5, 1, 4))
        };
        let (clocks, _) = solve(
            &[other, log("n1", local(5, 1, 9), local(5, 1, 12))],
            &Overrides::default(),
        );
        assert_eq!(clocks[1].zone, Some(8 * 3600));
    }

    #[test]
    fn nothing_known_means_no_time() {
        let (clocks, _) = solve(
            &[log("n1", local(5, 1, 9), local(5, 1, 12))],
            &Overrides::default(),
        );
        assert_eq!(clocks[0].confidence, Confidence::Low);
        assert_eq!(
            resolve(local(5, 1, 9), &clocks[0], &Overrides::default()),
            None
        );
    }

    #[test]
    fn zones_by_hand() {
        assert!(matches!(Zone::parse("+08:00"), Some(Zone::Fixed(28800))));
        assert!(matches!(Zone::parse("-0530"), Some(Zone::Fixed(-19800))));
        assert!(matches!(Zone::parse("Asia/Shanghai"), Some(Zone::Named(_))));
        assert!(Zone::parse("Nowhere/Else").is_none());
        assert!(Zone::parse("+99:00").is_none());
    }
}
