//! The times of a log: sampled, with its pauses, its first and its last.

use memchr::{memchr, memrchr};

use super::{PAUSE_MIN, Scan, newlines};
use crate::base::time::RawStamp;
use crate::model::source::Pause;
use crate::parse::log;

/// Pauses kept.
const PAUSES: usize = 12;

impl Scan<'_> {
    /// Reads the time of a line; where much time has passed since the last sample, looks at each line between.
    pub(super) fn sample_time(&mut self, line: &[u8], offset: u64, region: &[u8], position: usize) {
        let Some(time) = log::time(line) else { return };
        let time = self.turn.mark(time, true);
        self.extend(time);
        if let Some((previous, _, _)) = self.previous {
            self.count_fall(previous, time);
            if self.gap(previous, time) >= self.shortest_pause() && self.lines > 1 {
                self.refine(region, position);
            }
        }
        self.previous = Some((time, self.lines, offset));
    }

    /// Counts whether the time fell or rose.
    fn count_fall(&mut self, before: RawStamp, time: RawStamp) {
        let newest_first = self.falls > 0;
        self.falls = match self.gap(before, time) {
            0 => self.falls,
            gap if (gap < 0) == newest_first => self.falls.saturating_sub(1),
            _ => self.falls.saturating_add(1),
        };
    }

    /// Nanoseconds by which a line is later than the one before (in a log that prints its newest line first: earlier);
    /// 0 when the two cannot be compared.
    fn gap(&self, before: RawStamp, time: RawStamp) -> i64 {
        let kind = |t: RawStamp| match t {
            RawStamp::Utc { .. } => 0,
            RawStamp::Local { year: Some(_), .. } => 1,
            RawStamp::Local { year: None, .. } => 2,
            RawStamp::Boot { .. } => 3,
            RawStamp::Ago { .. } => 4,
        };
        if kind(before) != kind(time) {
            return 0;
        }
        let gap = time.reading().saturating_sub(before.reading());
        if self.falls > 0 {
            gap.saturating_neg()
        } else {
            gap
        }
    }

    /// The shortest silence that would still be kept.
    fn shortest_pause(&self) -> i64 {
        match self.coverage.pauses.get(PAUSES - 1) {
            Some(last) => last
                .to
                .reading()
                .saturating_sub(last.from.reading())
                .saturating_add(1)
                .max(PAUSE_MIN),
            None => PAUSE_MIN,
        }
    }

    /// Finds the longest gap between the last sample and the line at `position`.
    fn refine(&mut self, region: &[u8], position: usize) {
        let Some((mut before, mut line, mut offset)) = self.previous else {
            return;
        };
        let from = usize::try_from(offset.saturating_sub(self.offset)).unwrap_or(0);
        if offset < self.offset {
            // The last sample lies in the block before: the gap is at the border.
            offset = self.offset;
            line = self
                .lines
                .saturating_sub(newlines(region.get(..position).unwrap_or_default()) + 1);
        }
        let mut at = from;
        while at <= position {
            let rest = region.get(at..).unwrap_or_default();
            let length = memchr(b'\n', rest).unwrap_or(rest.len());
            if let Some(time) = log::time(rest.get(..length).unwrap_or_default()) {
                let time = self.turn.mark(time, false);
                if self.gap(before, time) >= PAUSE_MIN {
                    let falls = self.falls > 0;
                    let (from, to) = if falls {
                        (time, before)
                    } else {
                        (before, time)
                    };
                    self.coverage.pauses.push(Pause {
                        from,
                        to,
                        line: line.saturating_add(u64::from(falls)),
                        offset,
                    });
                }
                before = time;
                offset = self.offset.saturating_add(at as u64);
            }
            line = line.saturating_add(1);
            at += length + 1;
        }
        let length = |p: &Pause| p.to.reading().saturating_sub(p.from.reading());
        self.coverage
            .pauses
            .sort_by(|a, b| length(b).cmp(&length(a)).then(a.offset.cmp(&b.offset)));
        self.coverage.pauses.dedup_by_key(|p| p.offset);
        self.coverage.pauses.truncate(PAUSES);
    }

    /// The time of the last line of a block that has one.
    pub(super) fn last_time(&mut self, region: &[u8]) {
        let mut end = region.strip_suffix(b"\n").map_or(region.len(), <[u8]>::len);
        for _ in 0..64 {
            let start = memrchr(b'\n', region.get(..end).unwrap_or_default()).map_or(0, |p| p + 1);
            if let Some(time) = log::time(region.get(start..end).unwrap_or_default()) {
                let time = self.turn.mark(time, true);
                if let Some((previous, ..)) = self.previous {
                    self.count_fall(previous, time);
                    if self.gap(previous, time) >= self.shortest_pause() {
                        self.refine(region, start);
                    }
                }
                self.extend(time);
                self.previous = Some((time, self.lines, self.offset.saturating_add(start as u64)));
                return;
            }
            if start == 0 {
                return;
            }
            end = start - 1;
        }
    }

    fn extend(&mut self, time: RawStamp) {
        if let RawStamp::Local { year, .. } = time {
            // A date that stands at the beginning of some line inside a record is no time of the log.
            let with_year = usize::from(year.is_some());
            if let Some(seen) = self.local.get_mut(with_year) {
                seen.0 = seen.0.saturating_add(1);
                let reading = time.reading();
                if seen.1.is_none_or(|first| reading <= first.reading()) {
                    seen.1 = Some(time);
                }
                if seen.2.is_none_or(|last| reading >= last.reading()) {
                    seen.2 = Some(time);
                }
            }
        }
        // Lines may be out of order, so first and last are a minimum and a maximum.
        let better = |old: Option<RawStamp>, new: RawStamp, later: bool| match old {
            Some(o) if std::mem::discriminant(&o) != std::mem::discriminant(&new) => Some(o),
            Some(o) if (new.reading() > o.reading()) == later => Some(new),
            None => Some(new),
            old => old,
        };
        self.coverage.first = better(self.coverage.first, time, false);
        self.coverage.last = better(self.coverage.last, time, true);
    }
}
