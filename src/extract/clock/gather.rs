//! What each source tells about its clock, and the clocks that follow from it.

use super::evidence::Evidence;
use super::hand::Overrides;
use crate::base::time::{DAY, Instant, RawStamp, SECOND, civil};
use crate::extract::observe::Observation;
use crate::input::rotation::Dated;
use crate::model::{Clock, SourceKind};
use crate::parse::state::ClockHint;

/// The clock of each source. The parts of one log have one clock, but for the year in which each begins.
pub(in crate::extract) fn clocks(
    observations: &[Observation],
    logs: &[Vec<usize>],
    turns: &[Vec<u8>],
    overrides: &Overrides,
) -> Vec<Clock> {
    let evidence: Vec<Evidence> = logs
        .iter()
        .zip(turns)
        .map(|(parts, turns)| {
            let of_parts = parts
                .iter()
                .filter_map(|i| observations.get(*i))
                .zip(turns)
                .map(|(o, turn)| (evidence_of(o), *turn));
            of_parts
                .reduce(|a, b| (a.0.followed_by(b), 0))
                .map(|(e, _)| e)
                .unwrap_or_default()
        })
        .collect();
    let (solved, _) = super::solve(&evidence, overrides);
    let mut clocks = vec![Clock::default(); observations.len()];
    for ((parts, turns), clock) in logs.iter().zip(turns).zip(solved) {
        for (part, turn) in parts.iter().zip(turns) {
            if let Some(slot) = clocks.get_mut(*part) {
                slot.clone_from(&clock);
                // A printed year needs no counting.
                let printed = matches!(
                    observations
                        .get(*part)
                        .and_then(|o| o.source.coverage.first),
                    Some(RawStamp::Local { year: Some(_), .. })
                );
                if !printed {
                    slot.year = slot.year.map(|y| y.saturating_add(i32::from(*turn)));
                }
            }
        }
    }
    clocks
}

fn evidence_of(o: &Observation) -> Evidence {
    let state = !matches!(o.source.kind, SourceKind::Log | SourceKind::Text);
    let mut e = Evidence {
        node: o.source.scope.node.clone(),
        contained: o.source.scope.pod.is_some(),
        first: o.source.coverage.first,
        last: o.source.coverage.last,
        zones: o.zones.clone(),
        year: o.preamble.year,
        end: o.preamble.end,
        offsets: o.preamble.offsets,
        mtime: o.mtime,
        state,
        ..Evidence::default()
    };
    if let Some((RawStamp::Utc { ns: from, .. }, RawStamp::Utc { ns: to, .. })) =
        o.source.coverage.with_offset
    {
        e.absolute = Some((Instant(from), Instant(to)));
    }
    match o.series.dated {
        Some(Dated::Begun(at)) => e.year = e.year.or(year_of(at)),
        Some(Dated::Ended(at)) => e.year = e.year.or_else(|| year_before(e.last?, at)),
        None => {}
    }
    if let Some(at) = epoch(&o.source.path) {
        e.collector = Some(at);
    }
    for hint in &o.hints {
        match hint {
            ClockHint::CollectedAt { at, .. } => {
                e.collected = Some(*at);
                if let RawStamp::Local { year: Some(y), .. } = at {
                    e.year = Some(*y);
                }
            }
            ClockHint::NotBefore {
                at: RawStamp::Utc { ns, .. },
                ..
            } => {
                let at = Instant(*ns);
                e.absolute = Some(e.absolute.map_or((at, at), |(a, b)| (a.min(at), b.max(at))));
            }
            ClockHint::Abbreviation { offsets, .. } => e.offsets = offsets,
            ClockHint::Zone { offset, .. } => e.stated_zone = Some(*offset),
            ClockHint::BootTime { at, .. } => e.boot = Some(*at),
            ClockHint::Up { ns, .. } => e.up = Some(*ns),
            ClockHint::Year { year, .. } => e.year = Some(*year),
            _ => {}
        }
    }
    e
}

/// The year of a moment in whatever zone, where no zone changes it.
fn year_of(seconds: i64) -> Option<i32> {
    let at = Instant(seconds.checked_mul(SECOND)?);
    (at.plus(-DAY).year() == at.plus(DAY).year()).then(|| at.year())
}

/// The year of the first line of a log that was put away at a moment in whatever zone.
fn year_before(last: RawStamp, seconds: i64) -> Option<i32> {
    let RawStamp::Local {
        year: None,
        month,
        day,
        ns,
        turn,
        ..
    } = last
    else {
        return None;
    };
    let end = Instant(seconds.checked_mul(SECOND)?);
    let fits = |year: &i32| {
        civil(*year, month, day, ns).is_some_and(|at| Instant(at) <= end.plus(2 * DAY))
    };
    let year = [end.year(), end.year() - 1].into_iter().find(fits)?;
    Some(year - i32::from(turn))
}

/// The moment in the name of a folder of the ACK collector: `tmp/diagnose_1633827600/logs/kubelet.log`.
fn epoch(path: &str) -> Option<Instant> {
    let (_, rest) = path.split_once("diagnose_")?;
    let digits = rest
        .get(..10)
        .filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?;
    let ends = !rest.as_bytes().get(10).is_some_and(u8::is_ascii_digit);
    let seconds: i64 = digits.parse().ok().filter(|_| ends)?;
    Some(Instant(seconds.checked_mul(SECOND)?))
}
