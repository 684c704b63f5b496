//! What a log says about its own clock, besides its stamps: the header of a journal or of a klog file, and the times with
//! offset that Go programs print inside their messages.
//!
//! `-- Logs begin at Mon 2019-08-12 09:10:00 CST, end at Wed 2019-08-14 14:43:20 CST. --`,
//! `Log file created at: 2024/02/29 23:59:58`, `LastHeartbeatTime:2021-12-21 14:02:37.9 +0800 CST m=+409436.4`.
//! It solves nothing: `clock` does.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::base::time::{HOUR, Instant, MINUTE, RawStamp, SECOND, civil, zone_offsets};

/// Lines of a log in which a header may stand.
const LINES: usize = 40;

/// What the head of a log tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preamble {
    /// Year of the first line.
    pub year: Option<i32>,
    /// Local reading, with its year, after which nothing in the log was written.
    pub end: Option<RawStamp>,
    /// The offsets that its zone abbreviation may mean, in seconds.
    pub offsets: &'static [i32],
}

/// Reads the first lines of a log.
pub(super) fn read(head: &[u8]) -> Preamble {
    let mut found = Preamble::default();
    for line in head.split(|b| *b == b'\n').take(LINES) {
        let Ok(line) = std::str::from_utf8(line.get(..line.len().min(256)).unwrap_or_default())
        else {
            continue;
        };
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("Log file created at: ") {
            if found.year.is_none() {
                found.year = rest
                    .split('/')
                    .next()
                    .and_then(|y| y.parse().ok())
                    .filter(|y| plausible(*y));
            }
        } else if line.starts_with("-- Logs begin at ") || line.starts_with("-- Journal begins at ")
        {
            journal(line, &mut found);
        } else if found.offsets.is_empty() {
            found.offsets = abbreviation(line).unwrap_or_default();
        }
    }
    found
}

/// The offsets that the zone of `Fri 2026-11-20 17:06:13 CST …` may mean: journalctl's full form.
fn abbreviation(line: &str) -> Option<&'static [i32]> {
    let mut words = line.split(' ');
    let (weekday, day, time, zone) = (words.next()?, words.next()?, words.next()?, words.next()?);
    reading(day, time.split('.').next()?).filter(|_| weekday.len() == 3)?;
    Some(zone_offsets(zone))
}

/// `… end at Wed 2019-08-14 14:43:20 CST. --`; newer ones say `ends at`.
fn journal(line: &str, found: &mut Preamble) {
    let Some((_, end)) = line
        .split_once(" end at ")
        .or_else(|| line.split_once(" ends at "))
    else {
        return;
    };
    let mut words = end
        .trim_end_matches(['-', ' ', '.'])
        .split_whitespace()
        .skip(1);
    let (Some(day), Some(time), zone) = (words.next(), words.next(), words.next()) else {
        return;
    };
    if let Some(reading) = reading(day, time) {
        // Only a later end bounds all nodes whose journals stand in this file.
        if found.end.is_none_or(|e| e.reading() < reading.reading()) {
            found.end = Some(reading);
        }
    }
    if let Some(zone) = zone {
        found.offsets = zone_offsets(zone);
    }
}

/// The year of a line, and its zone, by a time in its message that is *now*: a Go time with the monotonic clock of its own
/// process (`m=+`), or the `current time` by which a certificate was judged. Any other date in a message may be years away
/// (the end of a certificate), and even these may be of another process whose error is passed on, or a deadline: only a
/// time that fits what the line itself reads counts.
pub(super) fn now(text: &[u8], line: RawStamp) -> Option<(i32, i32)> {
    [go_time(text), current_time(text)]
        .into_iter()
        .flatten()
        .find_map(|now| now.of(line))
}

/// A time that a message states as now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Now {
    /// The moment, in nanoseconds since 1970 UTC.
    utc: i64,
    /// The offset it was printed with, in seconds.
    zone: i32,
    /// Whether the line may be in another zone than it.
    any_zone: bool,
}

impl Now {
    /// Year and zone of a line that was written at that time; `None`: the line was written at another.
    fn of(self, line: RawStamp) -> Option<(i32, i32)> {
        let printed = self
            .utc
            .checked_add(i64::from(self.zone).checked_mul(SECOND)?)?;
        let (year, zone) = match line {
            RawStamp::Utc { ns, .. } => {
                let near = ns.checked_sub(self.utc)?.saturating_abs() <= NEAR;
                near.then_some((Instant(printed).year(), self.zone))?
            }
            RawStamp::Local { month, day, ns, .. } => {
                let about = Instant(printed).year();
                let (year, local) = (about.saturating_sub(1)..=about.saturating_add(1))
                    .filter_map(|y| Some((y, civil(y, month, day, ns)?)))
                    .min_by_key(|(_, local)| local.saturating_sub(printed).saturating_abs())?;
                let off = local.checked_sub(printed)?;
                if off.saturating_abs() <= NEAR {
                    (year, self.zone)
                } else {
                    let zone = zone_of(local.checked_sub(self.utc)?).filter(|_| self.any_zone)?;
                    (year, zone)
                }
            }
            RawStamp::Boot { .. } | RawStamp::Ago { .. } => return None,
        };
        plausible(year).then_some((year, zone))
    }
}

/// What a line reads and the time it states as now lie within this: a retry is put off by two minutes at most.
const NEAR: i64 = 10 * MINUTE;
/// Zones lie on this grid …
const GRID: i64 = 15 * MINUTE;
/// … and a message is written so soon after its time was taken.
const SOON: i64 = MINUTE;

/// The zone whose readings are so far from UTC, in seconds.
fn zone_of(ns: i64) -> Option<i32> {
    let zone = ns
        .checked_add(GRID / 2)?
        .div_euclid(GRID)
        .checked_mul(GRID)?;
    let fits = ns.checked_sub(zone)?.saturating_abs() <= SOON && zone.saturating_abs() <= 14 * HOUR;
    fits.then(|| i32::try_from(zone / SECOND).ok())?
}

/// The first Go time in a text that its own process printed: `m=` is its monotonic clock.
fn go_time(text: &[u8]) -> Option<Now> {
    static MONOTONIC: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b" m=+"));
    let at = MONOTONIC.find(text)?;
    let before = std::str::from_utf8(text.get(at.saturating_sub(48)..at)?).ok()?;
    let mut words = before.rsplit(' ');
    let (_zone, offset, time, day) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let (sign, digits) = match offset.split_at_checked(1)? {
        ("+", d) => (1, d),
        ("-", d) => (-1, d),
        _ => return None,
    };
    let (h, m) = digits.split_at_checked(2)?;
    let (h, m): (i32, i32) = (h.parse().ok()?, m.parse().ok()?);
    if digits.len() != 4 || !(0..=14).contains(&h) || !(0..60).contains(&m) {
        return None;
    }
    let zone = sign * (h * 3600 + m * 60);
    let day = day.get(day.len().checked_sub(10)?..)?;
    let RawStamp::Local {
        year: Some(year),
        month,
        day,
        ns,
        ..
    } = reading(day, time.split('.').next()?)?
    else {
        return None;
    };
    let utc = civil(year, month, day, ns)?.checked_sub(i64::from(zone).checked_mul(SECOND)?)?;
    Some(Now {
        utc,
        zone,
        any_zone: false,
    })
}

/// `x509: certificate has expired or is not yet valid: current time 2027-01-02T03:04:05Z is after 2026-…`.
fn current_time(text: &[u8]) -> Option<Now> {
    static MARK: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b": current time "));
    let at = MARK.find(text)?.checked_add(MARK.needle().len())?;
    let rest = std::str::from_utf8(text.get(at..text.len().min(at.checked_add(25)?))?).ok()?;
    let now = chrono::DateTime::parse_from_rfc3339(rest.split(' ').next()?).ok()?;
    Some(Now {
        utc: now.timestamp().checked_mul(SECOND)?,
        zone: now.offset().local_minus_utc(),
        any_zone: true,
    })
}

fn plausible(year: i32) -> bool {
    (2014..2100).contains(&year)
}

/// `2019-08-14` and `14:43:20` as a local reading.
fn reading(day: &str, time: &str) -> Option<RawStamp> {
    let mut parts = day.split('-');
    let year: i32 = parts.next()?.parse().ok().filter(|y| plausible(*y))?;
    let (month, day): (u8, u8) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let mut parts = time
        .split(':')
        .map(|p| p.parse::<i64>().ok().filter(|n| (0..61).contains(n)));
    let (h, m, s) = (parts.next()??, parts.next()??, parts.next()??);
    let ns = (h * 3600 + m * 60 + s) * SECOND;
    let flat = civil(year, month, day, ns)?;
    (Instant(flat).year() == year).then_some(RawStamp::local(Some(year), month, day, ns, SECOND))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn head(text: &str, year: Option<i32>, end: Option<&str>, offsets: &[i32]) {
        let found = read(text.as_bytes());
        assert_eq!(found.year, year, "{text}");
        let end_at = end
            .and_then(|e| e.split_once(' '))
            .and_then(|(d, t)| reading(d, t));
        assert_eq!(found.end, end_at, "{text}");
        assert_eq!(found.offsets, offsets, "{text}");
    }

    #[test]
    fn headers() {
        head(
            "-- Logs begin at Mon 2019-08-12 09:10:00 CST, end at Wed 2019-08-14 14:43:20 CST. --\nAug 14 …",
            None,
            Some("2019-08-14 14:43:20"),
            &[28_800, -21_600],
        );
        head(
            "-- Journal begins at Mon 2022-01-03 10:00:00 UTC, ends at Tue 2022-01-11 08:00:00 UTC. --",
            None,
            Some("2022-01-11 08:00:00"),
            &[0],
        );
        head(
            "Log file created at: 2024/02/29 23:59:58\nRunning on machine: n1",
            Some(2024),
            None,
            &[],
        );
        head(
            "Fri 2026-11-20 17:06:13.123456 CST [s=ab;i=1]\n    MESSAGE=x",
            None,
            None,
            &[28_800, -21_600],
        );
        head(
            "Fri 2026-11-20 17:06:13 JST n1 kubelet[1]: x",
            None,
            None,
            &[32_400],
        );
        head(
            "I0229 23:59:58.1 1 a.go:1] Log file created at: never",
            None,
            None,
            &[],
        );
        head(
            "-- Logs begin at x, end at Wed 9999-99-99 99:99:99 XYZ. --",
            None,
            None,
            &[],
        );
    }

    #[test]
    fn times_that_are_now() {
        let line = |month: u8, day: u8, h: i64, m: i64, s: i64| {
            RawStamp::local(None, month, day, h * HOUR + m * MINUTE + s * SECOND, 1000)
        };
        let case = |text: &str, at: RawStamp, expected: Option<(i32, i32)>| {
            assert_eq!(now(text.as_bytes(), at), expected, "{text}");
        };
        let heartbeat = "Node became not ready: {Type:Ready Status:False LastHeartbeatTime:2021-12-21 14:02:37.90387372 +0800 CST m=+409436.4";
        case(heartbeat, line(12, 21, 14, 2, 37), Some((2021, 28_800)));
        // A transition of yesterday, or a line of another machine's zone.
        case(heartbeat, line(12, 22, 14, 2, 37), None);
        case(heartbeat, line(12, 21, 6, 2, 37), None);
        let retry = "No retries permitted until 2020-05-04 08:29:40.533774284 -0500 CDT m=+369693.688 (durationBeforeRetry 2m2s)";
        case(retry, line(5, 4, 8, 27, 38), Some((2020, -18_000)));
        // The deadline lies in the next year, the line in the old one.
        let retry = "No retries permitted until 2021-01-01 00:01:02.5 +0000 UTC m=+3.688";
        case(retry, line(12, 31, 23, 59, 0), Some((2020, 0)));
        case(
            "LastHeartbeatTime:2021-12-21 14:02:37 +0800 CST",
            line(12, 21, 14, 2, 37),
            None,
        );
        case(" m=+", line(1, 1, 0, 0, 0), None);
        let expired = "x509: certificate has expired or is not yet valid: current time 2027-01-02T03:04:05Z is after 2026-12-31T00:00:00Z";
        case(expired, line(1, 2, 3, 4, 5), Some((2027, 0)));
        case(expired, line(1, 2, 11, 4, 6), Some((2027, 28_800)));
        // Passed on by a program that wrote it a day later, or under another clock.
        case(expired, line(1, 3, 3, 34, 5), None);
        case(expired, line(7, 2, 3, 4, 5), None);
        case(
            "certificate is valid until 2019-01-02T03:04:05Z",
            line(1, 2, 3, 4, 5),
            None,
        );
    }

    proptest::proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
            let _ = (read(&bytes), now(&bytes, RawStamp::utc(0, 1)));
        }
    }
}
