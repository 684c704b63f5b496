//! Times of a scenario: relative to the collection of the bundle, written in the notations that components use.

use chrono::{DateTime, Duration, FixedOffset, NaiveDateTime, TimeZone, Utc};

/// A moment in the local zone of the cluster.
pub type Moment = DateTime<FixedOffset>;

/// Reads `2019-06-22 10:05:00` in the zone `+08:00`.
pub fn moment(text: &str, zone: &str) -> Moment {
    let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S")
        .unwrap_or_else(|e| panic!("time {text:?}: {e}"));
    let zone: FixedOffset = zone
        .parse()
        .unwrap_or_else(|e| panic!("zone {zone:?}: {e}"));
    zone.from_local_datetime(&local)
        .single()
        .expect("a fixed offset has one reading")
}

/// Reads `-2d1h`, `+3s`, `-1h2m3.25s`, `-40ms`.
pub fn distance(text: &str) -> Duration {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut micros = 0.0_f64;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| c != '.' && !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let number: f64 = rest[..digits]
            .parse()
            .unwrap_or_else(|_| panic!("distance {text:?}"));
        let tail = &rest[digits..];
        let unit = tail
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(tail.len());
        micros += number
            * match &tail[..unit] {
                "d" => 86_400e6,
                "h" => 3600e6,
                "m" => 60e6,
                "s" => 1e6,
                "ms" => 1e3,
                other => panic!("unit {other:?} in distance {text:?}"),
            };
        rest = &tail[unit..];
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "scenarios span days, not millennia"
    )]
    let micros = micros as i64;
    Duration::microseconds(sign * micros)
}

/// Writes a moment in a named notation; `None` for a name that is none.
pub fn notation(name: &str, at: Moment, collected: Moment) -> Option<String> {
    let utc = at.with_timezone(&Utc);
    let text = match name {
        "klog" => at.format("%m%d %H:%M:%S%.6f").to_string(),
        "short" => at.format("%b %e %H:%M:%S").to_string(),
        "local" => at.format("%Y-%m-%d %H:%M:%S").to_string(),
        "slash" => at.format("%Y/%m/%d %H:%M:%S").to_string(),
        "date" => at.format("%a %b %e %H:%M:%S CST %Y").to_string(),
        "systemd" => at.format("%a %Y-%m-%d %H:%M:%S CST").to_string(),
        "nano" => at.format("%Y-%m-%dT%H:%M:%S%.9f%:z").to_string(),
        "z" => utc.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "zmicro" => utc.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),
        "znano" => utc.format("%Y-%m-%dT%H:%M:%S%.9fZ").to_string(),
        "openssl" => utc.format("%b %e %H:%M:%S %Y GMT").to_string(),
        "stamp" => utc.format("%Y-%m-%dT%H-%M-%SZ").to_string(),
        "stacks" => at.format("%Y-%m-%dT%H%M%S%z").to_string(),
        "clock" => at.format("%H:%M").to_string(),
        "epoch" => utc.timestamp().to_string(),
        "age" => age(collected - at),
        "elapsed" => elapsed(collected - at),
        _ => return None,
    };
    Some(text)
}

/// An age as kubectl prints it: `35s`, `14m`, `5d16h`, `23d`.
fn age(age: Duration) -> String {
    let seconds = age.num_seconds();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600, seconds / 60);
    if seconds < 120 {
        format!("{seconds}s")
    } else if minutes < 10 && seconds % 60 != 0 {
        format!("{minutes}m{}s", seconds % 60)
    } else if hours < 3 {
        format!("{minutes}m")
    } else if hours < 8 && minutes % 60 != 0 {
        format!("{hours}h{}m", minutes % 60)
    } else if hours < 48 {
        format!("{hours}h")
    } else if days < 8 && hours % 24 != 0 {
        format!("{days}d{}h", hours % 24)
    } else {
        format!("{days}d")
    }
}

/// The time a process has run as ps prints it: `02:11`, `03:02:11`, `4-03:02:11`.
fn elapsed(age: Duration) -> String {
    let s = age.num_seconds();
    let (d, h, m, s) = (s / 86_400, s / 3600 % 24, s / 60 % 60, s % 60);
    match (d, h) {
        (0, 0) => format!("{m:02}:{s:02}"),
        (0, _) => format!("{h:02}:{m:02}:{s:02}"),
        _ => format!("{d}-{h:02}:{m:02}:{s:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn case(text: &str, micros: i64) {
        assert_eq!(distance(text), Duration::microseconds(micros), "{text}");
    }

    #[track_caller]
    fn aged(away: &str, expected: &str) {
        assert_eq!(age(distance(away)), expected, "{away}");
    }

    #[test]
    fn ages_read_as_kubectl_prints_them() {
        aged("35s", "35s");
        aged("119s", "119s");
        aged("14m7s", "14m");
        aged("7m5s", "7m5s");
        aged("3h12m", "3h12m");
        aged("26h", "26h");
        aged("5d16h", "5d16h");
        aged("23d4h", "23d");
    }

    #[test]
    fn distances_are_sums_of_units() {
        case("-10m4s", -604_000_000);
        case("+3s", 3_000_000);
        case("1.5s", 1_500_000);
        case("-2d1h", -176_400_000_000);
        case("40ms", 40_000);
        case("0s", 0);
    }
}
