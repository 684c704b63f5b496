//! Solves the clock of each source: which zone its local readings are in, which year, when an output was
//! collected. Evidence first; what is assumed says so.
//!
//! `gather` takes the evidence from what was observed; `frame` is what needs no guess; `zone`, `year` and `collected` each
//! answer one question; `resolve` applies the answers to a reading. By how much the clock of a machine is off is another
//! question, answered when all clocks are solved: `super::skew`.

mod collected;
mod evidence;
mod frame;
mod gather;
mod hand;
mod resolve;
mod written;
mod year;
mod zone;

use std::collections::BTreeMap;

use collected::{collected, collected_with_the_logs, gone_on};
use evidence::Evidence;
use frame::{Frame, frame, named_zones};
pub(super) use gather::clocks;
pub use hand::{Overrides, Zone};
pub(super) use resolve::resolve;
use year::year;
use zone::{majority, zone};

use crate::base::time::{Instant, RawStamp};
use crate::model::{Clock, Confidence};

/// Solves every clock.
fn solve(evidence: &[Evidence], overrides: &Overrides) -> (Vec<Clock>, Frame) {
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
        let zone = clock
            .zone
            .or_else(|| of_node.and_then(majority))
            .or_else(|| majority(of_bundle))
            .unwrap_or(0);
        let (at, basis, confidence) = collected(e, zone, frame, overrides);
        clock.collected = at;
        if !local {
            basis.clone_into(&mut clock.basis);
            clock.confidence = confidence;
        }
    }
    clock
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::{HOUR, civil};

    fn local(month: u8, day: u8, hour: i64) -> RawStamp {
        RawStamp::local(None, month, day, hour * HOUR, 1000)
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
