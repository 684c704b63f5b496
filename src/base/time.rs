//! Instants, stamps with their error bar, and the raw time a line carries before its clock is known.
//!
//! A log line rarely says *when*: klog has no year and no zone, `kubectl` prints ages. A parser therefore
//! returns a [`RawStamp`] (what the line says); once the clock of the source is solved it becomes a
//! [`Stamp`] (an instant in UTC and how wrong it may be). A time is never invented: what cannot be placed
//! stays `None`.

use chrono::{DateTime, Datelike, NaiveDate};

/// Nanoseconds in one second.
pub const SECOND: i64 = 1_000_000_000;
/// Nanoseconds in one minute.
pub const MINUTE: i64 = 60 * SECOND;
/// Nanoseconds in one hour.
pub const HOUR: i64 = 60 * MINUTE;
/// Nanoseconds in one day.
pub const DAY: i64 = 24 * HOUR;

/// The offsets from UTC, in seconds, that a zone abbreviation may mean, the likelier one first; empty when unknown.
pub fn zone_offsets(abbreviation: &str) -> &'static [i32] {
    const H: i32 = 3600;
    match abbreviation {
        "UTC" | "GMT" | "Z" | "WET" | "UCT" => &[0],
        "CST" => &[8 * H, -6 * H],
        "BST" | "CET" | "WEST" => &[H],
        "CEST" | "EET" | "SAST" => &[2 * H],
        "EEST" | "MSK" | "+03" => &[3 * H],
        "IST" => &[5 * H + H / 2, 2 * H, H],
        "HKT" | "SGT" | "AWST" | "+08" => &[8 * H],
        "JST" | "KST" => &[9 * H],
        "AEST" => &[10 * H],
        "AEDT" => &[11 * H],
        "EST" | "CDT" => &[-5 * H],
        "EDT" => &[-4 * H],
        "MST" | "PDT" => &[-7 * H],
        "MDT" => &[-6 * H],
        "PST" => &[-8 * H],
        // Zones without a name of their own print their hours.
        "+07" => &[7 * H],
        "-03" => &[-3 * H],
        "+04" => &[4 * H],
        _ => &[],
    }
}

/// A moment: nanoseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub i64);

impl Instant {
    /// The moment `ns` nanoseconds later (saturating).
    #[must_use]
    pub fn plus(self, ns: i64) -> Self {
        Self(self.0.saturating_add(ns))
    }

    /// Nanoseconds from `earlier` to `self` (negative when `self` is the earlier one; saturating).
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// RFC 3339 in UTC with a `Z`: whole seconds when the fraction is zero, else up to microseconds.
    pub fn rfc3339(self) -> String {
        let (secs, nanos) = (self.0.div_euclid(SECOND), self.0.rem_euclid(SECOND));
        let Some(at) = u32::try_from(nanos)
            .ok()
            .and_then(|n| DateTime::from_timestamp(secs, n))
        else {
            return String::from("out of range");
        };
        if nanos == 0 {
            at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
        } else if nanos % 1_000_000 == 0 {
            at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
        } else {
            at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
        }
    }

    /// `HH:MM:SS` in UTC, for a column of times on one day.
    pub fn clock(self) -> String {
        self.format("%H:%M:%S")
    }

    /// `YYYY-MM-DD` in UTC.
    pub fn date(self) -> String {
        self.format("%Y-%m-%d")
    }

    /// The calendar year in UTC.
    pub fn year(self) -> i32 {
        DateTime::from_timestamp(self.0.div_euclid(SECOND), 0).map_or(1970, |d| d.year())
    }

    fn format(self, pattern: &str) -> String {
        DateTime::from_timestamp(self.0.div_euclid(SECOND), 0)
            .map_or_else(|| String::from("?"), |d| d.format(pattern).to_string())
    }
}

/// Nanoseconds since 1970 of a wall-clock reading, as if its zone were UTC. `None`: no such day or time.
pub fn civil(year: i32, month: u8, day: u8, ns_of_day: i64) -> Option<i64> {
    if !(0..=DAY).contains(&ns_of_day) {
        return None;
    }
    let date = NaiveDate::from_ymd_opt(year, u32::from(month), u32::from(day))?;
    let days = date
        .signed_duration_since(NaiveDate::from_ymd_opt(1970, 1, 1)?)
        .num_days();
    days.checked_mul(DAY)?.checked_add(ns_of_day)
}

/// How a stamp came to be known. Ordered from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StampBasis {
    /// The line itself carries year and offset (or an epoch).
    Exact,
    /// Year and zone come from evidence in the bundle.
    Solved,
    /// Year or zone is an assumption that nothing in the bundle contradicts.
    Guessed,
}

/// By how much the clock that was read may be off against the clocks of other machines. Two readings of one machine are
/// in order all the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Doubt {
    /// Half-width in nanoseconds.
    pub ns: i64,
    /// Number of the machine; 0 stands for all machines whose clocks nothing speaks against.
    pub machine: u32,
}

/// An instant and how wrong it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Best estimate, UTC.
    pub at: Instant,
    /// Half-width of the error bar in nanoseconds.
    pub err: i64,
    /// Where year and zone come from.
    pub basis: StampBasis,
    /// How far its clock may be from those of other machines.
    pub doubt: Doubt,
}

impl Stamp {
    /// A stamp that is right to within `err` nanoseconds.
    pub fn exact(at: Instant, err: i64) -> Self {
        Self {
            at,
            err,
            basis: StampBasis::Exact,
            doubt: Doubt::default(),
        }
    }

    /// By how many nanoseconds `self` and `other` must differ for their order to be known.
    pub fn slack(self, other: Self) -> i64 {
        let bars = self.err.saturating_add(other.err);
        if self.doubt.machine == other.doubt.machine {
            return bars;
        }
        bars.saturating_add(self.doubt.ns)
            .saturating_add(other.doubt.ns)
    }

    /// Whether it says the minute at best: an age such as `35m`, a start time without seconds, a clock that may be off.
    pub fn is_rough(self) -> bool {
        self.err.max(self.doubt.ns) >= MINUTE / 2
    }

    /// Whether `self` is certainly earlier (`Some(true)`), certainly later (`Some(false)`) or unclear (`None`).
    pub fn before(self, other: Self) -> Option<bool> {
        let slack = self.slack(other);
        let d = other.at.since(self.at);
        if d > slack {
            Some(true)
        } else if d < slack.saturating_neg() {
            Some(false)
        } else {
            None
        }
    }
}

/// What a line says about its time, before the clock of its source is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RawStamp {
    /// Explicit offset or epoch: nanoseconds since 1970 UTC, and the resolution printed.
    Utc {
        /// Nanoseconds since 1970-01-01T00:00:00Z.
        ns: i64,
        /// Resolution of the text in nanoseconds (1 s for `03:04:05`).
        res: i64,
    },
    /// A wall-clock reading without offset, often without year (klog, journald, capnslog).
    Local {
        /// Year, where the format prints one.
        year: Option<i32>,
        /// 1 to 12.
        month: u8,
        /// 1 to 31.
        day: u8,
        /// Nanoseconds since local midnight.
        ns: i64,
        /// Resolution of the text in nanoseconds.
        res: i64,
        /// How many New Years the source had crossed before this line (set by the reader, 0 from a parser).
        turn: u8,
    },
    /// Seconds since boot (kernel ring buffer), in nanoseconds.
    Boot {
        /// Nanoseconds since boot.
        ns: i64,
    },
    /// An age as of the moment the output was collected (`35m`, `<4m10s`).
    Ago {
        /// Nanoseconds before collection.
        ns: i64,
        /// Truncation of the text: the true age lies in `ns ..= ns + res`.
        res: i64,
    },
}

impl RawStamp {
    /// An instant whose offset is known: `ns` since 1970 UTC, `res` the resolution printed (nanoseconds).
    pub fn utc(ns: i64, res: i64) -> Self {
        Self::Utc { ns, res }
    }

    /// A reading without offset, as a parser gives it: `ns` since local midnight, `res` the resolution printed
    /// (nanoseconds).
    pub fn local(year: Option<i32>, month: u8, day: u8, ns: i64, res: i64) -> Self {
        Self::Local {
            year,
            month,
            day,
            ns,
            res,
            turn: 0,
        }
    }

    /// The reading as nanoseconds on a line of its own (1972 stands in for a missing year; a leap year, so
    /// that 29 February exists). Comparable only within one source, between stamps of the same variant.
    pub fn reading(self) -> i64 {
        match self {
            Self::Utc { ns, .. } | Self::Boot { ns } => ns,
            Self::Local {
                year,
                month,
                day,
                ns,
                turn,
                ..
            } => civil(
                year.unwrap_or_else(|| 1972 + 4 * i32::from(turn)),
                month,
                day,
                ns,
            )
            .unwrap_or(0),
            Self::Ago { ns, .. } => ns.saturating_neg(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_rfc3339_with_the_precision_it_has() {
        assert_eq!(Instant(0).rfc3339(), "1970-01-01T00:00:00Z");
        assert_eq!(Instant(1_500_000_000).rfc3339(), "1970-01-01T00:00:01.500Z");
        assert_eq!(
            Instant(1_000_001_000).rfc3339(),
            "1970-01-01T00:00:01.000001Z"
        );
        assert_eq!(Instant(-SECOND).rfc3339(), "1969-12-31T23:59:59Z");
    }

    #[test]
    fn civil_knows_leap_years() {
        assert_eq!(civil(2024, 2, 29, 0), Some(1_709_164_800 * SECOND));
        assert_eq!(civil(2026, 2, 29, 0), None);
        assert_eq!(civil(2026, 13, 1, 0), None);
    }

    #[test]
    fn order_is_unclear_within_the_error_bars() {
        let a = Stamp::exact(Instant(0), SECOND);
        let b = Stamp::exact(Instant(SECOND), SECOND);
        let c = Stamp::exact(Instant(10 * SECOND), 0);
        assert_eq!(a.before(b), None);
        assert_eq!(a.before(c), Some(true));
        assert_eq!(c.before(a), Some(false));
    }

    #[test]
    fn a_doubtful_clock_makes_order_unclear_only_across_machines() {
        let of = |seconds: i64, machine| Stamp {
            doubt: Doubt {
                ns: 200 * SECOND,
                machine,
            },
            ..Stamp::exact(Instant(seconds * SECOND), 0)
        };
        let other = Stamp::exact(Instant(0), 0);
        assert_eq!(of(0, 1).before(of(5, 1)), Some(true));
        assert_eq!(other.before(of(5, 1)), None);
        assert_eq!(of(0, 2).before(of(300, 1)), None);
        assert_eq!(other.before(of(201, 1)), Some(true));
        assert!(of(0, 1).is_rough() && !other.is_rough());
    }
}
