//! Counts New Years in logs that print no year.

use crate::base::time::RawStamp;

/// Counts the New Years that a source without years crosses.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Turn {
    pub(super) month: u8,
    pub(super) count: u8,
}

impl Turn {
    /// The stamp of a line that is near to the last one read, with its turn.
    pub(super) fn at(self, stamp: RawStamp) -> RawStamp {
        let mut turn = self;
        turn.mark(stamp, false)
    }

    /// The stamp with its turn; moves on when the month falls by more than half a year.
    pub(super) fn mark(&mut self, stamp: RawStamp, advance: bool) -> RawStamp {
        let RawStamp::Local {
            year: None, month, ..
        } = stamp
        else {
            return stamp;
        };
        let mut count = self.count;
        if self.month > month && self.month - month > 6 {
            count = count.saturating_add(1);
        } else if self.month != 0 && month > self.month && month - self.month > 6 {
            // A late line of the old year.
            count = count.saturating_sub(1);
        }
        if advance && count >= self.count {
            self.month = month;
            self.count = count;
        }
        at_turn(stamp, count)
    }
}

/// The stamp as if so many New Years had passed before it.
pub(super) fn at_turn(stamp: RawStamp, turn: u8) -> RawStamp {
    match stamp {
        RawStamp::Local {
            year: None,
            month,
            day,
            ns,
            res,
            ..
        } => RawStamp::Local {
            year: None,
            month,
            day,
            ns,
            res,
            turn,
        },
        other => other,
    }
}
