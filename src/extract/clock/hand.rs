//! What the caller knows better than the bundle: `--year`, `--timezone`.

use chrono::{NaiveDate, Offset, TimeZone};

use crate::base::time::{HOUR, RawStamp};

/// What the caller knows better than the bundle.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--year`.
    pub year: Option<i32>,
    /// `--timezone`.
    pub zone: Option<Zone>,
}

/// A time zone given by hand.
#[derive(Clone, Debug)]
pub enum Zone {
    /// Seconds east of UTC.
    Fixed(i32),
    /// A place, with its changes of offset.
    Named(chrono_tz::Tz),
}

impl Zone {
    /// `UTC`, `Z`, `+08:00`, `+0800`, `Asia/Shanghai`.
    pub fn parse(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("utc") || text == "Z" {
            return Some(Self::Fixed(0));
        }
        if let Some(rest) = text.strip_prefix(['+', '-']) {
            let digits: String = rest.chars().filter(|c| *c != ':').collect();
            let (h, m) = match digits.len() {
                1 | 2 => (digits.parse::<i32>().ok()?, 0),
                4 => (
                    digits.get(..2)?.parse().ok()?,
                    digits.get(2..)?.parse::<i32>().ok()?,
                ),
                _ => return None,
            };
            if h > 14 || m > 59 {
                return None;
            }
            let seconds = h * 3600 + m * 60;
            return Some(Self::Fixed(if text.starts_with('-') {
                -seconds
            } else {
                seconds
            }));
        }
        text.parse().ok().map(Self::Named)
    }

    /// Offset on the day of a reading.
    pub(super) fn offset(&self, stamp: RawStamp, year: i32) -> i32 {
        match self {
            Self::Fixed(s) => *s,
            Self::Named(tz) => {
                let RawStamp::Local { month, day, ns, .. } = stamp else {
                    return 0;
                };
                NaiveDate::from_ymd_opt(year, u32::from(month), u32::from(day))
                    .and_then(|d| {
                        d.and_hms_opt(u32::try_from(ns / HOUR).unwrap_or(0).min(23), 0, 0)
                    })
                    .and_then(|t| tz.offset_from_local_datetime(&t).earliest())
                    .map_or(0, |o| o.fix().local_minus_utc())
            }
        }
    }
}
