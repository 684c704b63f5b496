//! Times as people read them: UTC, the date said once when everything is on one day.

use crate::base::time::{Instant, RawStamp, Stamp, StampBasis};
use crate::model::Clock;

use super::words::{Words, fill};

/// How much of a date the times of one passage need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Calendar {
    /// Everything is on this day: times alone.
    Day(String),
    /// Everything is in this year: month, day, time.
    Year(i32),
    /// Dates in full.
    Long,
}

impl Calendar {
    /// The calendar for a passage with these moments.
    pub(crate) fn over(moments: impl IntoIterator<Item = Instant>) -> Self {
        let mut moments = moments.into_iter();
        let Some(one) = moments.next() else {
            return Self::Long;
        };
        let (mut least, mut most) = (one, one);
        for m in moments {
            least = least.min(m);
            most = most.max(m);
        }
        if least.date() == most.date() {
            Self::Day(least.date())
        } else if least.year() == most.year() {
            Self::Year(least.year())
        } else {
            Self::Long
        }
    }

    /// What must be said once above the times.
    pub(crate) fn heading(&self, words: &Words) -> String {
        match self {
            Self::Day(day) => fill(words.times_are_utc_on, &[day]),
            Self::Year(year) => fill(words.times_are_utc_on, &[&year.to_string()]),
            Self::Long => String::from(words.times_are_utc),
        }
    }

    /// A moment.
    pub(crate) fn at(&self, at: Instant) -> String {
        match self {
            Self::Day(_) => at.clock(),
            Self::Year(_) => {
                let date = at.date();
                let day = date.split_once('-').map_or(&*date, |(_, d)| d);
                format!("{day} {}", at.clock())
            }
            Self::Long => format!("{} {}", at.date(), at.clock()),
        }
    }

    /// A stamp; `~` marks one that is rough, or whose year or zone is a guess.
    pub(crate) fn show(&self, stamp: Stamp) -> String {
        let mark = if stamp.basis == StampBasis::Guessed || stamp.is_rough() {
            "~"
        } else {
            ""
        };
        format!("{mark}{}", self.at(stamp.at))
    }
}

/// A span of time in one line, dates said as rarely as possible: `2026-06-22 00:01:56 – 00:26:03`.
pub(crate) fn window(from: Instant, to: Instant) -> String {
    let (a, b) = (
        format!("{} {}", from.date(), from.clock()),
        format!("{} {}", to.date(), to.clock()),
    );
    if from == to {
        a
    } else if from.date() == to.date() {
        format!("{a} – {}", to.clock())
    } else {
        format!("{a} – {b}")
    }
}

/// The moment of a reading under its source's clock; `None` when the clock does not tell.
pub(crate) fn instant(clock: &Clock, raw: RawStamp) -> Option<Instant> {
    clock.stamp(raw).map(|stamp| stamp.at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::lang::Lang;
    use crate::base::time::{DAY, HOUR, SECOND};
    use crate::model::{Confidence, Skew};

    #[test]
    fn says_the_date_once() {
        let t = |s: i64| Instant(s * SECOND);
        assert_eq!(window(t(0), t(61)), "1970-01-01 00:00:00 – 00:01:01");
        assert_eq!(window(t(5), t(5)), "1970-01-01 00:00:05");
        let day = Calendar::over([t(0), t(61)]);
        assert_eq!(day.at(t(61)), "00:01:01");
        assert_eq!(
            day.heading(Words::of(Lang::En)),
            "times are UTC, 1970-01-01"
        );
        let year = Calendar::over([t(0), Instant(DAY)]);
        assert_eq!(year.at(Instant(DAY)), "01-02 00:00:00");
        let long = Calendar::over([t(0), Instant(400 * DAY)]);
        assert_eq!(long.at(t(0)), "1970-01-01 00:00:00");
    }

    #[test]
    fn a_reading_needs_year_and_zone() {
        let raw = RawStamp::Local {
            year: None,
            month: 1,
            day: 1,
            ns: 9 * HOUR,
            res: SECOND,
            turn: 1,
        };
        let mut clock = Clock {
            year: Some(1969),
            ..Clock::default()
        };
        assert_eq!(instant(&clock, raw), None);
        clock.zone = Some(8 * 3600);
        assert_eq!(instant(&clock, raw), Some(Instant(HOUR)));
        // What is off is taken away until the clock was set right.
        clock.skew = Some(Skew {
            machine: 1,
            ahead: SECOND,
            err: 0,
            doubtful: false,
            until: Some(Instant(2 * HOUR)),
            basis: String::new(),
            confidence: Confidence::High,
        });
        assert_eq!(instant(&clock, raw), Some(Instant(HOUR - SECOND)));
        let late = RawStamp::utc(3 * HOUR, SECOND);
        assert_eq!(instant(&clock, late), Some(Instant(3 * HOUR)));
    }
}
