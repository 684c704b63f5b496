//! When the outputs of a state were collected.

use super::evidence::Evidence;
use super::frame::Frame;
use super::hand::Overrides;
use super::resolve::resolve;
use crate::base::time::{DAY, HOUR, Instant};
use crate::model::{Clock, Confidence};

/// Only solved clocks tell when the bundle ends: local logs that go on beyond the last absolute time move what is
/// assumed to have been collected at the end.
pub(super) fn gone_on(
    mut clocks: Vec<Clock>,
    evidence: &[Evidence],
    overrides: &Overrides,
) -> Vec<Clock> {
    let end = end_of_logs(evidence, &clocks, overrides);
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

/// A file copied long after the incident has a late time of writing: where every log ended days before, what was
/// collected was collected at their end.
pub(super) fn collected_with_the_logs(
    evidence: &[Evidence],
    mut clocks: Vec<Clock>,
    overrides: &Overrides,
) -> Vec<Clock> {
    let Some(end) = end_of_logs(evidence, &clocks, overrides) else {
        return clocks;
    };
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

/// The latest time of a log.
fn end_of_logs(evidence: &[Evidence], clocks: &[Clock], overrides: &Overrides) -> Option<Instant> {
    evidence
        .iter()
        .zip(clocks)
        .filter(|(e, _)| !e.state)
        .filter_map(|(e, clock)| resolve(e.last?, clock, overrides))
        .map(|stamp| stamp.at)
        .max()
}

/// When an output was collected, from what, and how sure; `zone` is that of its local readings.
pub(super) fn collected(
    e: &Evidence,
    zone: i32,
    frame: Frame,
    overrides: &Overrides,
) -> (Option<Instant>, &'static str, Confidence) {
    let bound = frame.max.or(frame.dated).or(e.mtime);
    let plausible = |at: &Instant| match (frame.min, frame.max) {
        (Some(min), Some(max)) => *at >= min.plus(-HOUR) && *at <= max.plus(HOUR),
        _ => frame
            .dated
            .is_none_or(|d| at.since(d).saturating_abs() <= DAY),
    };
    let stated = e.collected.and_then(|c| {
        let clock = Clock {
            zone: Some(zone),
            year: e.year.or(bound.map(Instant::year)),
            ..Clock::default()
        };
        resolve(c, &clock, overrides)
    });
    if let Some(stated) = stated {
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
    }
}
