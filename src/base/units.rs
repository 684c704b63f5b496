//! Units as Go and Kubernetes print them: durations (`1m0.5s`, `3d4h`), byte quantities.

use super::time::{DAY, HOUR, MINUTE, SECOND};

/// Parses a Go duration (`1.2ms`, `2h45m0.5s`, `834.5µs`, also the mangled `us`/`Âµs`) or a Kubernetes age
/// (`3d4h`, `2y10d`) into nanoseconds. `None`: not a duration.
pub fn duration(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(r) => (true, r),
        None => (false, text),
    };
    if rest.is_empty() {
        return None;
    }
    if rest == "0" {
        return Some(0);
    }
    let mut total: f64 = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let value: f64 = rest.get(..digits)?.parse().ok()?;
        rest = rest.get(digits..)?;
        let (unit, len) = unit(rest)?;
        total += value * unit;
        rest = rest.get(len..)?;
    }
    if !total.is_finite() || total > 9.0e18 {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "bounded by the check above"
    )]
    let ns = total.round() as i64;
    Some(if negative { -ns } else { ns })
}

/// The unit a duration continues with: its nanoseconds and the bytes it takes.
#[expect(clippy::cast_precision_loss, reason = "unit sizes are far below 2^53")]
fn unit(rest: &str) -> Option<(f64, usize)> {
    const UNITS: [(&str, i64); 12] = [
        ("ns", 1),
        ("us", 1_000),
        ("µs", 1_000),
        ("μs", 1_000),
        ("Âµs", 1_000),
        ("ms", 1_000_000),
        ("s", SECOND),
        ("m", MINUTE),
        ("h", HOUR),
        ("d", DAY),
        ("w", 7 * DAY),
        ("y", 365 * DAY),
    ];
    UNITS
        .iter()
        .find(|(name, _)| rest.starts_with(name))
        .map(|(name, ns)| (*ns as f64, name.len()))
}

/// The smallest unit an age text is printed in, in nanoseconds: the truncation error of `3d4h` is one hour.
pub fn age_resolution(text: &str) -> i64 {
    match text.as_bytes().last() {
        Some(b's') => SECOND,
        Some(b'm') => MINUTE,
        Some(b'h') => HOUR,
        Some(b'y') => 365 * DAY,
        _ => DAY,
    }
}

/// A duration for people: the two largest units (`3m5s`, `2d4h`, `850ms`).
pub fn human_duration(ns: i64) -> String {
    let sign = if ns < 0 { "-" } else { "" };
    let ns = ns.saturating_abs();
    let pair = |big: i64, bu: &str, small: i64, su: &str| {
        let (a, b) = (ns / big, (ns % big) / small);
        if b == 0 {
            format!("{sign}{a}{bu}")
        } else {
            format!("{sign}{a}{bu}{b}{su}")
        }
    };
    match ns {
        n if n >= DAY => pair(DAY, "d", HOUR, "h"),
        n if n >= HOUR => pair(HOUR, "h", MINUTE, "m"),
        n if n >= MINUTE => pair(MINUTE, "m", SECOND, "s"),
        n if n >= SECOND => format!("{sign}{}s", n / SECOND),
        n => format!("{sign}{}ms", n / 1_000_000),
    }
}

/// A byte count for people (`1.5 GiB`).
#[expect(clippy::cast_precision_loss, reason = "two digits are printed")]
pub fn human_bytes(bytes: u64) -> String {
    const STEPS: [(&str, u64); 4] = [
        ("TiB", 1 << 40),
        ("GiB", 1 << 30),
        ("MiB", 1 << 20),
        ("KiB", 1 << 10),
    ];
    STEPS.iter().find(|(_, size)| bytes >= *size).map_or_else(
        || format!("{bytes} B"),
        |(unit, size)| format!("{:.1} {unit}", bytes as f64 / *size as f64),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn case(text: &str, expected: Option<i64>) {
        assert_eq!(duration(text), expected, "{text}");
    }

    #[test]
    fn durations() {
        case("1.2ms", Some(1_200_000));
        case("6m5.000935156s", Some(6 * MINUTE + 5_000_935_156));
        case("834.5µs", Some(834_500));
        case("834.5Âµs", Some(834_500));
        case("3d4h", Some(3 * DAY + 4 * HOUR));
        case("2y10d", Some(740 * DAY));
        case("0", Some(0));
        case("-2h", Some(-2 * HOUR));
        case("", None);
        case("12", None); // no unit
        case("s", None);
        case("<invalid>", None);
        case("1m2", None);
    }

    #[test]
    fn people_read_two_units() {
        assert_eq!(human_duration(365 * SECOND), "6m5s");
        assert_eq!(human_duration(-DAY), "-1d");
        assert_eq!(human_bytes(3 << 19), "1.5 MiB");
    }
}
