//! What tells the clock of a machine: `date`, `uptime`, `timedatectl`, `who -b`, `kubectl version`.
//!
//! ` 17:04:42 up 23 min,  0 user,  load average: 0.92, 2.83, 2.55`. Hints only: the clock is solved elsewhere.

use crate::base::time::{DAY, HOUR, MINUTE, RawStamp};
use crate::parse::state::ClockHint;
use crate::parse::state::sink::{Chunk, Sink, value};
use crate::parse::state::stamp;

/// A bare date counts only in an output that is hardly more than that.
const SHORT: usize = 10;

/// Gives the hints of a text.
pub(in crate::parse::state) fn read(sink: &mut Sink<'_>, chunk: Chunk<'_>) {
    let short = chunk
        .lines()
        .filter(|l| !l.text.trim().is_empty())
        .take(SHORT + 1)
        .count()
        <= SHORT;
    for line in chunk.lines().take(10_000) {
        let (at, text) = (line.at, line.text.trim());
        if let Some(rest) = text.strip_prefix("Universal time:") {
            if let Some((stamp, _)) = stamp::date(rest) {
                sink.hint(at, |line| ClockHint::CollectedAt { at: stamp, line });
            }
        } else if let Some(rest) = text.strip_prefix("Time zone:") {
            zone(sink, at, rest);
        } else if let Some(rest) = text.strip_prefix("system boot") {
            if let Some((stamp, _)) = stamp::date(rest) {
                sink.hint(at, |line| ClockHint::BootTime { at: stamp, line });
            }
        } else if let Some(rest) = line.text.strip_prefix("Server Version: ") {
            if let Some(version) = version(rest) {
                sink.hint(at, |line| ClockHint::ServerVersion { version, line });
            }
        } else if let Some(rest) = line.text.strip_prefix("Client Version: ") {
            if let Some(version) = version(rest) {
                sink.hint(at, |line| ClockHint::ClientVersion { version, line });
            }
        } else if let Some(ns) = ahead(text) {
            let quote = crate::base::text::quote(text.as_bytes());
            sink.hint(at, |line| ClockHint::AheadOfServers { ns, line, quote });
        } else if text.contains(" up ") && text.contains("load average") {
            uptime(sink, at, text);
        } else if short {
            date(sink, at, text);
        }
    }
}

/// `System time     : 203.423456789 seconds fast of NTP time` (chronyc), `Offset: +3min 20.1s` (timedatectl: by how much
/// the servers are ahead), `*192.0.2.1 … 64 377 0.211 -203423.4 1.2` (ntpq: likewise, in milliseconds).
fn ahead(text: &str) -> Option<i64> {
    if let Some(rest) = text.strip_prefix("System time") {
        let (seconds, side) = rest
            .trim_start()
            .strip_prefix(':')?
            .trim()
            .split_once(" seconds ")?;
        let ns = nanoseconds(seconds, 1e9)?;
        return match side.split(' ').next()? {
            "fast" => Some(ns),
            "slow" => Some(ns.saturating_neg()),
            _ => None,
        };
    }
    if let Some(offset) = text.strip_prefix("Offset: ") {
        let (negative, span) = match offset.split_at_checked(1)? {
            ("-", rest) => (true, rest),
            ("+", rest) => (false, rest),
            _ => (false, offset),
        };
        let ns = span
            .split_whitespace()
            .try_fold(0i64, |sum, part| sum.checked_add(part_of_span(part)?))?;
        return Some(if negative { ns } else { ns.saturating_neg() });
    }
    let row: Vec<&str> = text.strip_prefix('*')?.split_whitespace().collect();
    match row.as_slice() {
        [_, _, stratum, _, _, _, reach, _, offset, _]
            if stratum.parse::<u8>().is_ok() && reach.bytes().all(|b| b.is_ascii_digit()) =>
        {
            nanoseconds(offset, 1e6).map(i64::saturating_neg)
        }
        _ => None,
    }
}

/// A part of a span as systemd prints it: `3min`, `20.1s`, `112us`.
fn part_of_span(part: &str) -> Option<i64> {
    let digits = part.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = part.split_at_checked(digits)?;
    let unit = match unit {
        "d" => 86_400e9,
        "h" => 3_600e9,
        "min" => 60e9,
        "s" => 1e9,
        "ms" => 1e6,
        "us" => 1e3,
        "ns" => 1.0,
        _ => return None,
    };
    nanoseconds(number, unit)
}

/// A decimal number of units as nanoseconds; nothing beyond a century.
#[expect(
    clippy::cast_possible_truncation,
    reason = "within a century, the part below a nanosecond falls away"
)]
fn nanoseconds(number: &str, unit: f64) -> Option<i64> {
    let ns = number.parse::<f64>().ok()? * unit;
    (ns.abs() < 3.2e18).then_some(ns as i64)
}

/// A line that is a date.
fn date(sink: &mut Sink<'_>, at: usize, text: &str) {
    // Go prints the monotonic clock behind a time.
    let text = text.split(" m=").next().unwrap_or_default();
    let Some((stamp, offset)) = stamp::date(text) else {
        return;
    };
    sink.hint(at, |line| ClockHint::CollectedAt { at: stamp, line });
    if let Some(offset) = offset {
        sink.hint(at, |line| ClockHint::Zone { offset, line });
    } else {
        let offsets = stamp::abbreviation(text);
        if !offsets.is_empty() {
            sink.hint(at, |line| ClockHint::Abbreviation { offsets, line });
        }
    }
    if let RawStamp::Local {
        year: Some(year), ..
    } = stamp
    {
        sink.hint(at, |line| ClockHint::Year { year, line });
    }
}

/// ` Asia/Shanghai (CST, +0800)`.
fn zone(sink: &mut Sink<'_>, at: usize, text: &str) {
    let offset = text
        .split([' ', ',', '(', ')'])
        .rev()
        .find(|w| w.starts_with(['+', '-']))
        .and_then(stamp::zone);
    if let Some(offset) = offset {
        sink.hint(at, |line| ClockHint::Zone { offset, line });
    }
}

/// `v1.20.2`, or the version within `version.Info{…}`.
fn version(text: &str) -> Option<String> {
    let text = match text.split_once("GitVersion:\"") {
        Some((_, rest)) => rest.split('"').next()?,
        None => text.trim(),
    };
    let looks = text.starts_with('v') && text.get(1..2)?.bytes().all(|b| b.is_ascii_digit());
    looks.then(|| value(text))
}

/// `17:04:42 up 1 day,  2:03,  1 user,  load average: …`.
pub(in crate::parse::state) fn uptime(sink: &mut Sink<'_>, at: usize, text: &str) {
    let Some((clock, rest)) = text.trim().split_once(" up ") else {
        return;
    };
    let Some((ns, _)) = stamp::time_of_day(clock.trim()) else {
        return;
    };
    sink.hint(at, |line| ClockHint::TimeOfDay { ns, line });
    let (mut total, mut res) = (0i64, None);
    for part in rest.split(',') {
        let part = part.trim();
        if part.contains("user") || part.contains("load") {
            break;
        }
        let step = match part.split_once(':') {
            Some((h, m)) => h
                .parse::<i64>()
                .ok()
                .zip(m.parse::<i64>().ok())
                .and_then(|(h, m)| h.checked_mul(HOUR)?.checked_add(m.checked_mul(MINUTE)?))
                .map(|ns| (ns, MINUTE)),
            None => stamp::span(part),
        };
        let Some((ns, unit)) = step else { break };
        total = total.saturating_add(ns);
        res = Some(unit.min(DAY));
    }
    if let Some(res) = res {
        sink.hint(at, |line| ClockHint::Up {
            ns: total,
            res,
            line,
        });
    }
}
