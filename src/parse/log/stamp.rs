//! Times as log formats print them, read from bytes without allocation.
//!
//! `2026-11-20T17:02:06.517338974Z`, `Nov 20 17:06:13`, `1120 17:06:13.398027`, `1795194060331.5964`. A reading
//! without offset stays local; nothing is guessed here.

use crate::base::time::{RawStamp, SECOND, civil};

// Arrays, not slices: each is compared as one number.
const MONTHS: [[u8; 3]; 12] = [
    *b"Jan", *b"Feb", *b"Mar", *b"Apr", *b"May", *b"Jun", *b"Jul", *b"Aug", *b"Sep", *b"Oct",
    *b"Nov", *b"Dec",
];

const DAYS: [[u8; 3]; 7] = [
    *b"Mon", *b"Tue", *b"Wed", *b"Thu", *b"Fri", *b"Sat", *b"Sun",
];

/// Exactly two digits at `at`.
fn two(b: &[u8], at: usize) -> Option<u8> {
    let pair: &[u8; 2] = b.get(at..)?.first_chunk()?;
    match *pair {
        [h @ b'0'..=b'9', l @ b'0'..=b'9'] => Some((h - b'0') * 10 + (l - b'0')),
        _ => None,
    }
}

/// Exactly four digits at `at`.
fn year(b: &[u8], at: usize) -> Option<i32> {
    let (high, low) = (two(b, at)?, two(b, at + 2)?);
    let year = i32::from(high) * 100 + i32::from(low);
    (1970..=2262).contains(&year).then_some(year)
}

fn month_day(month: u8, day: u8) -> Option<(u8, u8)> {
    ((1..=12).contains(&month) && (1..=31).contains(&day)).then_some((month, day))
}

/// A three-letter English month at the start.
fn month_name(b: &[u8]) -> Option<u8> {
    let name = b.first_chunk::<3>()?;
    let index = MONTHS.iter().position(|m| m == name)?;
    u8::try_from(index + 1).ok()
}

/// Words that are different months in two languages: `lis` is November in Polish and Czech and October in Croatian, `lip`
/// July in Polish and June in Croatian.
const TWO_MONTHS: [&[u8]; 2] = [b"lis ", b"lip "];

/// Whether the month that a line begins with may be another one.
pub(super) fn is_unclear(b: &[u8]) -> bool {
    TWO_MONTHS.iter().any(|word| b.starts_with(word))
}

/// Months as `journalctl` prints them in other locales, where they differ from English.
const FOREIGN: [&[&str]; 12] = [
    &["jan", "janv.", "ene", "gen", "sty", "Oca", "янв"],
    &["feb", "févr.", "fev", "lut", "Şub", "фев"],
    &["mar", "mars", "Mär", "mrt", "мар"],
    &["apr", "avril", "abr", "kwi", "Nis", "апр"],
    &["may", "mai", "Mai", "mag", "maj", "mei", "мая", "май"],
    &["jun", "juin", "giu", "cze", "Haz", "июн"],
    &["jul", "juil.", "lug", "lip", "Tem", "июл"],
    &["aug", "août", "ago", "sie", "Ağu", "авг"],
    &["sep", "sept.", "set", "wrz", "Eyl", "сен"],
    &[
        "oct", "oct.", "Okt", "okt", "out", "ott", "paź", "Eki", "окт",
    ],
    &["nov", "nov.", "lis", "Kas", "ноя"],
    &["dec", "déc.", "dic", "dez", "Dez", "gru", "Ara", "дек"],
];

/// The month of a journal in another locale, and its length. Only a day and a clock behind the word make it worth a look.
fn foreign_month(b: &[u8]) -> Option<(u8, usize)> {
    let end = b.iter().take(8).position(|c| *c == b' ')?;
    if b.get(end + 3) != Some(&b' ') || b.get(end + 6) != Some(&b':') {
        return None;
    }
    let word = b.get(..end)?;
    let index = FOREIGN
        .iter()
        .position(|names| names.iter().any(|name| name.as_bytes() == word))?;
    Some((u8::try_from(index + 1).ok()?, end))
}

/// The month in front of a short time: its name, or its number as the locales of China, Japan and Korea print it
/// (`11月`, ` 7月`, `7월`); and its length.
fn short_month(b: &[u8]) -> Option<(u8, usize)> {
    if let Some(month) = month_name(b) {
        return Some((month, 3));
    }
    numbered_month(b).or_else(|| foreign_month(b))
}

fn numbered_month(b: &[u8]) -> Option<(u8, usize)> {
    let blank = usize::from(b.first() == Some(&b' '));
    let digits = b
        .get(blank..)?
        .iter()
        .take(3)
        .take_while(|c| c.is_ascii_digit())
        .count();
    let sign = b.get(blank + digits..)?.first_chunk::<3>()?;
    if digits == 0 || !["月".as_bytes(), "월".as_bytes()].contains(&sign.as_slice()) {
        return None;
    }
    let month = u8::try_from(number(b.get(blank..blank + digits)?)?).ok()?;
    Some((month, blank + digits + 3))
}

/// Whether a three-letter English weekday stands at the start.
fn is_weekday(b: &[u8]) -> bool {
    b.first_chunk::<3>().is_some_and(|name| DAYS.contains(name))
}

/// A fraction after its point: nanoseconds, resolution, digits read (any number; nine count).
fn fraction(b: &[u8]) -> Option<(i64, i64, usize)> {
    let (mut ns, mut res, mut len) = (0_i64, SECOND, 0_usize);
    for digit in b.iter().take_while(|c| c.is_ascii_digit()) {
        if len < 9 {
            res /= 10;
            ns += i64::from(digit - b'0') * res;
        }
        len += 1;
    }
    (len > 0).then_some((ns, res, len))
}

/// `hh:mm:ss[.fraction]` (a comma counts as a point): nanoseconds of the day, resolution, length.
pub(super) fn clock(b: &[u8]) -> Option<(i64, i64, usize)> {
    let (hour, minute, second) = (two(b, 0)?, two(b, 3)?, two(b, 6)?);
    if b.get(2) != Some(&b':') || b.get(5) != Some(&b':') || hour > 23 || minute > 59 || second > 60
    {
        return None;
    }
    let whole =
        (i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second.min(59))) * SECOND;
    if matches!(b.get(8), Some(b'.' | b','))
        && let Some((ns, res, len)) = b.get(9..).and_then(fraction)
    {
        return Some((whole + ns, res, 9 + len));
    }
    Some((whole, SECOND, 8))
}

/// `Z`, `+08:00`, `+0800`, `+08`: seconds east of UTC, and the length.
fn offset(b: &[u8]) -> Option<(i32, usize)> {
    let sign = match b.first()? {
        b'Z' => return Some((0, 1)),
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let hours = two(b, 1)?;
    let (minutes, len) = if b.get(3) == Some(&b':') {
        (two(b, 4)?, 6)
    } else if let Some(minutes) = two(b, 3) {
        (minutes, 5)
    } else {
        (0, 3)
    };
    if hours > 15 || minutes > 59 {
        return None;
    }
    Some((
        sign * (i32::from(hours) * 3600 + i32::from(minutes) * 60),
        len,
    ))
}

/// `2026-11-20T17:02:06[.fraction][offset]`, also with a blank for the `T` and with slashes in the date.
pub(super) fn iso(b: &[u8]) -> Option<(RawStamp, usize)> {
    let separator = *b.get(4)?;
    if !matches!(separator, b'-' | b'/')
        || b.get(7) != Some(&separator)
        || !matches!(b.get(10), Some(b'T' | b' '))
    {
        return None;
    }
    let y = year(b, 0)?;
    let (month, day) = month_day(two(b, 5)?, two(b, 8)?)?;
    let (ns, res, len) = clock(b.get(11..)?)?;
    let end = 11 + len;
    let at = civil(y, month, day, ns)?;
    if let Some((east, len)) = b.get(end..).and_then(offset) {
        let utc = at.checked_sub(i64::from(east) * SECOND)?;
        return Some((RawStamp::utc(utc, res), end + len));
    }
    Some((RawStamp::local(Some(y), month, day, ns, res), end))
}

/// `Nov 20 17:06:13[.fraction]` (day padded with zero or blank); also whether the pad was a blank.
pub(super) fn short(b: &[u8]) -> Option<(RawStamp, usize, bool)> {
    let (month, name) = short_month(b)?;
    let rest = b.get(name..)?;
    if rest.first() != Some(&b' ') || rest.get(3) != Some(&b' ') {
        return None;
    }
    let padded = rest.get(1) == Some(&b' ');
    let day = if padded {
        rest.get(2).filter(|c| c.is_ascii_digit())? - b'0'
    } else {
        two(rest, 1)?
    };
    let (month, day) = month_day(month, day)?;
    let (ns, res, len) = clock(rest.get(4..)?)?;
    Some((
        RawStamp::local(None, month, day, ns, res),
        name + 4 + len,
        padded,
    ))
}

/// `Fri Nov 20 17:06:13[ ZONE] 2026` as `date`, `dmesg -T` and C's `ctime` print it.
pub(super) fn ctime(b: &[u8]) -> Option<(RawStamp, usize)> {
    if !is_weekday(b) || b.get(3) != Some(&b' ') {
        return None;
    }
    let (stamp, len, _) = short(b.get(4..)?)?;
    let rest = b.get(4 + len..)?;
    let zone = rest.strip_prefix(b" ").map_or(0, |r| {
        r.iter().take_while(|c| c.is_ascii_uppercase()).count()
    });
    let skip = if zone > 0 { zone + 1 } else { 0 };
    let y = year(rest, skip + 1).filter(|_| rest.get(skip) == Some(&b' '))?;
    let RawStamp::Local {
        month,
        day,
        ns,
        res,
        ..
    } = stamp
    else {
        return None;
    };
    civil(y, month, day, ns)?;
    let end = 4 + len + skip + 5;
    if rest.get(1..=zone) == Some(b"UTC".as_slice()) {
        return Some((RawStamp::utc(civil(y, month, day, ns)?, res), end));
    }
    Some((RawStamp::local(Some(y), month, day, ns, res), end))
}

/// `Fri 2026-11-20 17:06:13[.fraction] ZONE` (journalctl short-full, systemctl).
pub(super) fn full(b: &[u8]) -> Option<(RawStamp, usize)> {
    if !is_weekday(b) || b.get(3) != Some(&b' ') {
        return None;
    }
    let (stamp, len) = iso(b.get(4..)?)?;
    let rest = b.get(4 + len..)?.strip_prefix(b" ")?;
    let zone = rest.iter().take_while(|c| !c.is_ascii_whitespace()).count();
    let end = 5 + len + zone;
    // Only UTC is unambiguous among the zone abbreviations (CST is three zones).
    match (stamp, rest.get(..zone)?) {
        (stamp @ RawStamp::Local { res, .. }, b"UTC" | b"GMT") => {
            Some((RawStamp::utc(stamp.reading(), res), end))
        }
        (stamp, _) => Some((stamp, end)),
    }
}

/// klog's `mmdd hh:mm:ss.uuuuuu`, or with eight digits in front the year as well.
pub(super) fn klog(b: &[u8]) -> Option<(RawStamp, usize)> {
    let (y, at) = if b.get(4) == Some(&b' ') {
        (None, 0)
    } else if b.get(8) == Some(&b' ') {
        (Some(year(b, 0)?), 4)
    } else {
        return None;
    };
    let (month, day) = month_day(two(b, at)?, two(b, at + 2)?)?;
    let (ns, res, len) = clock(b.get(at + 5..)?)?;
    if len == 8 {
        return None;
    }
    Some((RawStamp::local(y, month, day, ns, res), at + 5 + len))
}

/// A decimal number of seconds, milli-, micro- or nanoseconds since 1970, told apart by size; `1.7e+09` too.
pub(super) fn epoch(text: &[u8]) -> Option<RawStamp> {
    let (mut mantissa, mut scale, mut seen) = (0_i128, 0_i32, 0_usize);
    let mut point = false;
    let mut rest = text;
    while let Some((c, tail)) = rest.split_first() {
        match c {
            b'0'..=b'9' if seen < 24 => {
                mantissa = mantissa * 10 + i128::from(c - b'0');
                scale -= i32::from(point);
                seen += 1;
            }
            b'0'..=b'9' if point => {}
            b'.' if !point => point = true,
            b'e' | b'E' if seen > 0 => {
                let exponent = tail.strip_prefix(b"+").unwrap_or(tail);
                if exponent.len() > 2 || exponent.is_empty() {
                    return None;
                }
                let value: i32 = std::str::from_utf8(exponent).ok()?.parse().ok()?;
                scale += value;
                break;
            }
            _ => return None,
        }
        rest = tail;
    }
    if seen == 0 || mantissa == 0 {
        return None;
    }
    let shift = |by: i32| -> Option<i128> {
        let power = 10_i128.checked_pow(by.unsigned_abs())?;
        if by >= 0 {
            mantissa.checked_mul(power)
        } else {
            Some(mantissa / power)
        }
    };
    let unit = match shift(scale)? {
        n if n < 100_000_000 => return None, // before 1973: not a time
        n if n < 100_000_000_000 => 9,
        n if n < 100_000_000_000_000 => 6,
        n if n < 100_000_000_000_000_000 => 3,
        _ => 0,
    };
    let ns = i64::try_from(shift(scale.checked_add(unit)?)?).ok()?;
    let digits = u32::try_from((scale + unit).clamp(0, 9)).ok()?;
    Some(RawStamp::utc(ns, 10_i64.pow(digits)))
}

/// Seconds since boot inside `[   12.345678]` or `[   12.345678 <    0.000123 >]`: the stamp and the length with brackets.
pub(super) fn boot(b: &[u8]) -> Option<(RawStamp, usize)> {
    let inner = b.strip_prefix(b"[")?;
    let pad = inner.iter().take_while(|c| **c == b' ').count();
    let digits = inner.get(pad..)?;
    let len = digits.iter().take_while(|c| c.is_ascii_digit()).count();
    if len == 0 || len > 9 || digits.get(len) != Some(&b'.') {
        return None;
    }
    let seconds = number(digits.get(..len)?)?;
    let (ns, _, places) = fraction(digits.get(len + 1..)?)?;
    let mut end = pad + len + 1 + places;
    if inner.get(end) == Some(&b' ') {
        // short-delta: how long after the entry before, or nothing.
        let delta = |c: &u8| c.is_ascii_digit() || b" <>.*".contains(c);
        let rest = inner.get(end..)?;
        end += rest.iter().take(40).take_while(|c| delta(c)).count();
    }
    if places < 3 || inner.get(end) != Some(&b']') {
        return None;
    }
    let ns = i64::try_from(seconds)
        .ok()?
        .checked_mul(SECOND)?
        .checked_add(ns)?;
    Some((RawStamp::Boot { ns }, end + 2))
}

/// A decimal number of at most 18 digits and nothing else.
pub(super) fn number(b: &[u8]) -> Option<u64> {
    if b.is_empty() || b.len() > 18 {
        return None;
    }
    b.iter().try_fold(0_u64, |n, c| {
        c.is_ascii_digit().then(|| n * 10 + u64::from(c - b'0'))
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::base::time::Instant;

    pub(in crate::parse::log) fn text(stamp: RawStamp) -> String {
        match stamp {
            RawStamp::Utc { ns, res } => format!("{} ±{res}", Instant(ns).rfc3339()),
            RawStamp::Local {
                year,
                month,
                day,
                ns,
                res,
                ..
            } => format!("{year:?} {month}-{day} {ns} ±{res}"),
            other => format!("{other:?}"),
        }
    }

    #[track_caller]
    fn case(found: Option<(RawStamp, usize)>, expected: &str) {
        let found = found.map_or_else(|| String::from("-"), |(s, n)| format!("{} [{n}]", text(s)));
        assert_eq!(found, expected);
    }

    #[test]
    fn iso_dates() {
        case(
            iso(b"2026-11-20T17:02:06.517338974Z x"),
            "2026-11-20T17:02:06.517338Z ±1 [30]",
        );
        case(
            iso(b"2024-02-09T03:04:05.123+0800"),
            "2024-02-08T19:04:05.123Z ±1000000 [28]",
        );
        case(
            iso(b"2024-02-09 03:04:05.5+08:00"),
            "2024-02-08T19:04:05.500Z ±100000000 [27]",
        );
        case(
            iso(b"2024/02/09 03:04:05 x"),
            "Some(2024) 2-9 11045000000000 ±1000000000 [19]",
        );
        case(
            iso(b"2024-01-01 00:00:00,123 ERROR"),
            "Some(2024) 1-1 123000000 ±1000000 [23]",
        );
        case(iso(b"2026-02-29T00:00:00Z"), "-"); // no such day
        case(iso(b"2026-02-28T25:00:00Z"), "-");
        case(iso(b"2026-02-28"), "-");
    }

    #[test]
    fn other_dates() {
        let cut = |b: &[u8]| short(b).map(|(s, n, _)| (s, n));
        case(
            cut(b"Nov 20 17:06:13 cp1"),
            "None 11-20 61573000000000 ±1000000000 [15]",
        );
        case(
            cut(b"Feb  9 03:04:05 h"),
            "None 2-9 11045000000000 ±1000000000 [15]",
        );
        case(cut(b"Feb 9 03:04:05 h"), "-");
        case(
            ctime(b"Fri Feb  9 03:04:05 2024] x"),
            "Some(2024) 2-9 11045000000000 ±1000000000 [24]",
        );
        case(
            ctime(b"Fri Nov 20 17:42:57 UTC 2026"),
            "2026-11-20T17:42:57Z ±1000000000 [28]",
        );
        case(
            full(b"Fri 2024-02-09 03:04:05 CST host"),
            "Some(2024) 2-9 11045000000000 ±1000000000 [27]",
        );
        case(
            full(b"Fri 2024-02-09 03:04:05 UTC host"),
            "2024-02-09T03:04:05Z ±1000000000 [27]",
        );
        case(
            klog(b"0229 23:59:59.999999 "),
            "None 2-29 86399999999000 ±1000 [20]",
        );
        case(
            klog(b"20240229 00:00:00.000120 "),
            "Some(2024) 2-29 120000 ±1000 [24]",
        );
        case(klog(b"1322 00:00:00.000120 "), "-");
        case(klog(b"1122 00:00:00 "), "-");
        case(
            boot(b"[ 1313.273392] cni0"),
            "Boot { ns: 1313273392000 } [14]",
        );
        case(boot(b"[1.1s] [100ms]"), "-");
    }

    #[test]
    fn epochs() {
        let e = |t: &str| epoch(t.as_bytes()).map_or_else(|| String::from("-"), text);
        assert_eq!(e("1795194060331.5964"), "2026-11-20T17:01:00.331596Z ±100");
        assert_eq!(e("1707419045.123456"), "2024-02-08T19:04:05.123456Z ±1000");
        assert_eq!(
            e("1.707419045123456e+09"),
            "2024-02-08T19:04:05.123456Z ±1000"
        );
        assert_eq!(e("1707419045123456789"), "2024-02-08T19:04:05.123456Z ±1");
        assert_eq!(e("1707419045"), "2024-02-08T19:04:05Z ±1000000000");
        for bad in [
            "",
            "12",
            "-5",
            "1.2.3",
            "1e99",
            "x",
            "99999999999999999999999999",
        ] {
            assert_eq!(e(bad), "-", "{bad}");
        }
    }
}
