//! Reads the times that command outputs print: ages, RFC 3339, describe times, `date`, systemd, openssl.
//!
//! `Fri, 20 Nov 2026 17:00:07 +0000`, `3m5s (x4 over 40m)`, `Fri 2024-02-09 03:04:05 CST; 14min ago`. A zone
//! abbreviation other than UTC or GMT is ambiguous, so such a reading stays local.

use chrono::{DateTime, Datelike, Timelike};

use crate::base::time::{DAY, HOUR, MINUTE, RawStamp, SECOND, civil, zone_offsets};
use crate::base::units::{age_resolution, duration};

/// `2026-11-20T17:00:41Z`, with or without a fraction.
pub(super) fn rfc3339(text: &str) -> Option<RawStamp> {
    let at = DateTime::parse_from_rfc3339(text.trim()).ok()?;
    let digits = text.split_once('.').map_or(0, |(_, rest)| {
        rest.bytes().take_while(u8::is_ascii_digit).count()
    });
    let res = match digits {
        0 => SECOND,
        1..=3 => 1_000_000,
        4..=6 => 1_000,
        _ => 1,
    };
    let ns = at
        .timestamp()
        .checked_mul(SECOND)?
        .checked_add(i64::from(at.timestamp_subsec_nanos()))?;
    Some(RawStamp::utc(ns, res))
}

/// `Fri, 20 Nov 2026 17:00:07 +0800` as describe prints it: the instant and the offset in seconds.
pub(super) fn describe_time(text: &str) -> Option<(RawStamp, i32)> {
    let at = DateTime::parse_from_rfc2822(text.trim()).ok()?;
    let ns = at.timestamp().checked_mul(SECOND)?;
    Some((RawStamp::utc(ns, SECOND), at.offset().local_minus_utc()))
}

/// `3d4h` as of the collection.
pub(super) fn age(text: &str) -> Option<RawStamp> {
    let text = text.trim();
    let ns = duration(text).filter(|ns| *ns >= 0)?;
    Some(RawStamp::Ago {
        ns,
        res: age_resolution(text),
    })
}

/// The age of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct EventAge {
    /// First occurrence.
    pub(super) first: Option<RawStamp>,
    /// Last occurrence.
    pub(super) last: Option<RawStamp>,
    /// Occurrences, where printed.
    pub(super) count: Option<u64>,
}

/// `3m5s` or `3m5s (x4 over 40m)`.
pub(super) fn event_age(text: &str) -> EventAge {
    let text = text.trim();
    let (head, tail) = text.split_once(" (").unwrap_or((text, ""));
    let last = age(head);
    let Some((count, over)) = tail
        .strip_suffix(')')
        .and_then(|t| t.strip_prefix('x'))
        .and_then(|t| t.split_once(" over "))
    else {
        return EventAge {
            first: last,
            last,
            count: None,
        };
    };
    EventAge {
        first: age(over),
        last,
        count: count.parse().ok(),
    }
}

/// `03:04:05` or `03:04`: nanoseconds since midnight and the resolution.
pub(super) fn time_of_day(text: &str) -> Option<(i64, i64)> {
    let mut parts = text.split(':');
    let number = |part: Option<&str>, limit: i64| -> Option<i64> {
        let part = part.filter(|p| p.len() <= 2 && p.bytes().all(|b| b.is_ascii_digit()))?;
        part.parse::<i64>().ok().filter(|n| *n < limit)
    };
    let hours = number(parts.next(), 24)?;
    let minutes = number(parts.next(), 60)?;
    let (seconds, res) = match parts.next() {
        Some(s) => (number(Some(s), 61)?, SECOND),
        None => (0, MINUTE),
    };
    if parts.next().is_some() {
        return None;
    }
    Some((hours * HOUR + minutes * MINUTE + seconds * SECOND, res))
}

/// The number of a month's English abbreviation.
pub(super) fn month(text: &str) -> Option<u8> {
    const NAMES: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let at = NAMES.iter().position(|n| *n == text)?;
    u8::try_from(at).ok()?.checked_add(1)
}

/// Offset in seconds of a zone word: `UTC`, `GMT`, `Z`, `+08`, `+0800`, `-05:30`. `None`: an abbreviation.
pub(super) fn zone(text: &str) -> Option<i32> {
    if matches!(text, "UTC" | "GMT" | "Z") {
        return Some(0);
    }
    let (sign, rest) = match text.strip_prefix('+') {
        Some(rest) => (1, rest),
        None => (-1, text.strip_prefix('-')?),
    };
    let digits: String = rest.chars().filter(|c| *c != ':').collect();
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (h, m) = match digits.len() {
        2 => (digits.as_str(), "0"),
        4 => digits.split_at_checked(2)?,
        _ => return None,
    };
    let (h, m): (i32, i32) = (h.parse().ok()?, m.parse().ok()?);
    (h <= 14 && m < 60).then_some(sign * (h * 3600 + m * 60))
}

/// The offsets that the zone abbreviation in a date may mean; empty without one.
pub(super) fn abbreviation(text: &str) -> &'static [i32] {
    let mut words = text.split([' ', ',', ';']);
    words
        .find_map(|w| Some(zone_offsets(w)).filter(|o| !o.is_empty()))
        .unwrap_or_default()
}

/// A wall-clock reading, made absolute when its offset is known.
fn placed(
    year: i32,
    month: u8,
    day: u8,
    ns: i64,
    res: i64,
    offset: Option<i32>,
) -> Option<RawStamp> {
    let flat = civil(year, month, day, ns)?;
    Some(match offset {
        Some(offset) => RawStamp::utc(
            flat.checked_sub(i64::from(offset).checked_mul(SECOND)?)?,
            res,
        ),
        None => RawStamp::local(Some(year), month, day, ns, res),
    })
}

/// `2024-02-09`.
fn day(text: &str) -> Option<(i32, u8, u8)> {
    let mut parts = text.split('-');
    let (y, m, d) = (parts.next()?, parts.next()?, parts.next()?);
    if y.len() != 4 || parts.next().is_some() {
        return None;
    }
    Some((y.parse().ok()?, m.parse().ok()?, d.parse().ok()?))
}

/// What `date` prints: `Fri Nov 20 17:04:42 UTC 2026`, `Fri 20 Nov 2026 05:04:42 PM +08`,
/// `2026-11-20 17:04:42 +0800`, RFC 3339. The reading and its offset, where that is certain.
pub(super) fn date(text: &str) -> Option<(RawStamp, Option<i32>)> {
    let text = text.trim();
    if text.len() > 64 {
        return None;
    }
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some((rfc3339(text)?, Some(at.offset().local_minus_utc())));
    }
    if let Some((at, offset)) = describe_time(text) {
        return Some((at, Some(offset)));
    }
    let mut found = Found::default();
    for word in text.split([' ', ',']).filter(|w| !w.is_empty()) {
        found.take(word)?;
    }
    let (mut ns, res) = found.time?;
    match found.half {
        Some(true) if ns < 12 * HOUR => ns = ns.checked_add(12 * HOUR)?,
        Some(false) if ns >= 12 * HOUR => ns = ns.checked_sub(12 * HOUR)?,
        _ => {}
    }
    let stamp = placed(found.year?, found.month?, found.day?, ns, res, found.zone)?;
    Some((stamp, found.zone))
}

/// The parts of a date in any order.
#[derive(Default)]
struct Found {
    year: Option<i32>,
    month: Option<u8>,
    day: Option<u8>,
    time: Option<(i64, i64)>,
    half: Option<bool>,
    zone: Option<i32>,
    words: u8,
}

impl Found {
    /// Takes one word; `None` when it cannot belong to a date.
    fn take(&mut self, word: &str) -> Option<()> {
        if let Some((y, m, d)) = day(word) {
            (self.year, self.month, self.day) = (Some(y), Some(m), Some(d));
        } else if let Some(time) = time_of_day(word.split_once('.').map_or(word, |(w, _)| w)) {
            self.time = Some(time);
        } else if let Some(m) = month(word) {
            self.month = Some(m);
        } else if matches!(word, "AM" | "PM") {
            self.half = Some(word == "PM");
        } else if let Some(offset) = zone(word) {
            self.zone = Some(offset);
        } else if word.len() == 4 && word.bytes().all(|b| b.is_ascii_digit()) {
            self.year = word.parse().ok();
        } else if word.len() <= 2 && word.bytes().all(|b| b.is_ascii_digit()) {
            self.day = word.parse().ok();
        } else {
            // A weekday and a zone abbreviation, no more: else any sentence with a time in it would pass.
            self.words = self.words.saturating_add(1);
            if self.words > 2 || word.len() > 9 || !word.bytes().all(|b| b.is_ascii_alphabetic()) {
                return None;
            }
        }
        Some(())
    }
}

/// `Nov 20 17:08:28 2026 GMT` as openssl prints it.
pub(super) fn openssl(text: &str) -> Option<RawStamp> {
    date(text).map(|(stamp, _)| stamp)
}

/// A span as systemd prints it: `14min`, `1h 2min`, `2 days`, `1 week 3 days`: nanoseconds and resolution.
pub(super) fn span(text: &str) -> Option<(i64, i64)> {
    let mut total = 0i64;
    let mut res = None;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at_checked(digits)?;
        let tail = tail.trim_start();
        let end = tail
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(tail.len());
        let (unit, after) = tail.split_at_checked(end)?;
        let size = match unit {
            "ms" => 1_000_000,
            "s" | "sec" | "second" | "seconds" => SECOND,
            "min" | "m" | "minute" | "minutes" => MINUTE,
            "h" | "hour" | "hours" => HOUR,
            "day" | "days" | "d" => DAY,
            "week" | "weeks" | "w" => 7 * DAY,
            "month" | "months" => 30 * DAY + 10 * HOUR,
            "year" | "years" | "y" => 365 * DAY + 6 * HOUR,
            _ => return None,
        };
        total = total.checked_add(number.parse::<i64>().ok()?.checked_mul(size)?)?;
        res = Some(size);
        rest = after.trim_start_matches([' ', ',']);
    }
    res.map(|res| (total, res))
}

/// `Fri 2024-02-09 03:04:05 CST; 14min ago`: since when, and the moment of the output.
pub(super) fn systemd_since(text: &str) -> Option<(RawStamp, Option<RawStamp>)> {
    let (since, ago) = text.split_once(';').unwrap_or((text, ""));
    let (since, offset) = date(since)?;
    let now = ago
        .trim()
        .strip_suffix("ago")
        .and_then(span)
        .and_then(|(ns, res)| later(since, offset, ns, res));
    Some((since, now))
}

/// The reading `ns` later, as exact as `res`.
fn later(since: RawStamp, offset: Option<i32>, add: i64, res: i64) -> Option<RawStamp> {
    let flat = since.reading().checked_add(add)?;
    if offset.is_some() {
        return Some(RawStamp::utc(flat, res.max(SECOND)));
    }
    let at = DateTime::from_timestamp(flat.div_euclid(SECOND), 0)?;
    Some(RawStamp::local(
        Some(at.year()),
        u8::try_from(at.month()).ok()?,
        u8::try_from(at.day()).ok()?,
        i64::from(at.num_seconds_from_midnight()).checked_mul(SECOND)?,
        res.max(SECOND),
    ))
}

/// Time since a process began as `ps` prints it: `04:47`, `1-02:03:04`.
pub(super) fn elapsed(text: &str) -> Option<i64> {
    let (days, clock) = match text.split_once('-') {
        Some((d, rest)) => (d.parse::<i64>().ok()?, rest),
        None => (0, text),
    };
    let mut seconds = 0i64;
    let mut parts = 0;
    for part in clock.split(':') {
        seconds = seconds
            .checked_mul(60)?
            .checked_add(part.parse::<i64>().ok().filter(|n| *n >= 0)?)?;
        parts += 1;
    }
    if !(2..=3).contains(&parts) {
        return None;
    }
    days.checked_mul(DAY)?
        .checked_add(seconds.checked_mul(SECOND)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn case(text: &str, expected: Option<(RawStamp, Option<i32>)>) {
        assert_eq!(date(text), expected, "{text}");
    }

    const AT: i64 = 1_795_194_282 * SECOND;

    #[test]
    fn dates() {
        let utc = RawStamp::utc(AT, SECOND);
        case("Fri Nov 20 17:04:42 UTC 2026", Some((utc, Some(0))));
        case("Fri Nov 20 05:04:42 PM UTC 2026", Some((utc, Some(0))));
        case("Sat Nov 21 01:04:42 +08 2026", Some((utc, Some(28800))));
        case("2026-11-21T01:04:42+08:00", Some((utc, Some(28800))));
        case("Sat, 21 Nov 2026 01:04:42 +0800", Some((utc, Some(28800))));
        case("Nov 20 17:04:42 2026 GMT", Some((utc, Some(0))));
        case(
            "Fri Nov 20 17:04:42 CST 2026",
            Some((
                RawStamp::local(
                    Some(2026),
                    11,
                    20,
                    17 * HOUR + 4 * MINUTE + 42 * SECOND,
                    SECOND,
                ),
                None,
            )),
        );
        case("at 17:04:42 the node went down in Nov 20 2026", None);
        case("Fri Nov 31 17:04:42 UTC 2026", None);
        case("", None);
    }

    #[test]
    fn ages_of_events() {
        let ago = |ns, res| Some(RawStamp::Ago { ns, res });
        assert_eq!(
            event_age("3m5s (x4 over 40m)"),
            EventAge {
                first: ago(40 * MINUTE, MINUTE),
                last: ago(3 * MINUTE + 5 * SECOND, SECOND),
                count: Some(4),
            }
        );
        assert_eq!(event_age("4m").count, None);
        assert_eq!(event_age("<unknown>"), EventAge::default());
        assert_eq!(age("<invalid>"), None);
    }

    #[test]
    fn systemd_tells_when_it_was_asked() {
        let (since, now) = systemd_since("Fri 2024-02-09 23:55:00 CST; 14min ago").unwrap();
        assert!(matches!(since, RawStamp::Local { day: 9, .. }));
        assert!(
            matches!(now, Some(RawStamp::Local { day: 10, ns, res: MINUTE, .. }) if ns == 9 * MINUTE)
        );
        let (_, now) = systemd_since("Fri 2026-11-20 17:04:02 UTC; 40s ago").unwrap();
        assert_eq!(now, Some(RawStamp::utc(AT, SECOND)));
        assert_eq!(span("1 week 3 days"), Some((10 * DAY, DAY)));
        assert_eq!(span("1h 2min"), Some((62 * MINUTE, MINUTE)));
        assert_eq!(span("soon"), None);
    }

    #[test]
    fn elapsed_of_processes() {
        assert_eq!(elapsed("04:47"), Some(287 * SECOND));
        assert_eq!(
            elapsed("1-02:03:04"),
            Some(DAY + 2 * HOUR + 3 * MINUTE + 4 * SECOND)
        );
        assert_eq!(elapsed("7"), None);
        assert_eq!(elapsed("a:b"), None);
    }

    #[test]
    fn fractions_are_finer() {
        assert_eq!(
            rfc3339("2026-11-20T17:04:42.5Z"),
            Some(RawStamp::utc(AT + SECOND / 2, 1_000_000))
        );
        assert_eq!(rfc3339("yesterday"), None);
    }
}
