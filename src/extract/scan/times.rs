//! The times of a log: sampled, with its pauses, its first and its last.

use std::ops::Range;

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
            if self.gap(previous, time) >= self.shortest_pause() && self.lines > self.first_line + 1
            {
                self.refine(region, position, time);
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

    /// Finds the gaps between the last sample and the line at `position` with this time, by halves: of two lines
    /// closer than the shortest gap kept, nothing between is longer.
    fn refine(&mut self, region: &[u8], position: usize, time: RawStamp) {
        let Some((before, line, offset)) = self.previous else {
            return;
        };
        let end = (time, position);
        let start = if let Some(Ok(at)) = offset.checked_sub(self.offset).map(usize::try_from) {
            (before, at)
        } else {
            // The last sample lies in the block before.
            let first = self.timed(region, 0..position).unwrap_or(end);
            if self.gap(before, first.0) >= self.shortest_pause() {
                let after = (first.0, self.line_of(region, first.1), self.above(first.1));
                self.pause((before, line, offset), after);
            }
            first
        };
        let mut halves = vec![(start, end)];
        while let Some((from, to)) = halves.pop() {
            if self.gap(from.0, to.0) < self.shortest_pause() {
                continue;
            }
            let second = line_behind(region, from.1);
            let middle = line_behind(region, from.1.midpoint(to.1));
            let between = self
                .timed(region, middle.max(second)..to.1)
                .or_else(|| self.timed(region, second..middle.min(to.1)));
            if let Some(middle) = between {
                halves.extend([(from, middle), (middle, to)]);
            } else {
                let [from, to] =
                    [from, to].map(|(t, at)| (t, self.line_of(region, at), self.above(at)));
                self.pause(from, to);
            }
        }
    }

    /// Keeps a gap between two lines, each with time, number and offset, if it is among the longest.
    fn pause(&mut self, first: (RawStamp, u64, u64), second: (RawStamp, u64, u64)) {
        let (from, to) = if self.falls > 0 {
            (second, first)
        } else {
            (first, second)
        };
        self.coverage.pauses.push(Pause {
            from: from.0,
            to: to.0,
            line: from.1,
            offset: from.2,
        });
        let length = |p: &Pause| p.to.reading().saturating_sub(p.from.reading());
        self.coverage
            .pauses
            .sort_by(|a, b| length(b).cmp(&length(a)).then(a.offset.cmp(&b.offset)));
        self.coverage.pauses.dedup_by_key(|p| p.offset);
        self.coverage.pauses.truncate(PAUSES);
    }

    /// The first line that begins in this range and has a time.
    fn timed(&self, region: &[u8], range: Range<usize>) -> Option<(RawStamp, usize)> {
        let mut at = range.start;
        while at < range.end {
            let rest = region.get(at..).unwrap_or_default();
            let length = memchr(b'\n', rest).unwrap_or(rest.len());
            if let Some(time) = log::time(rest.get(..length).unwrap_or_default()) {
                let mut turn = self.turn;
                return Some((turn.mark(time, false), at));
            }
            at = at.saturating_add(length).saturating_add(1);
        }
        None
    }

    /// The number of the line that begins there.
    fn line_of(&self, region: &[u8], at: usize) -> u64 {
        let lines = newlines(region.get(..at).unwrap_or_default());
        self.lines_above.saturating_add(lines).saturating_add(1)
    }

    /// Its offset in the source.
    fn above(&self, at: usize) -> u64 {
        self.offset.saturating_add(at as u64)
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
                        self.refine(region, start, time);
                    }
                }
                self.extend(time);
                self.previous = Some((time, self.line_of(region, start), self.above(start)));
                return;
            }
            if start == 0 {
                return;
            }
            end = start - 1;
        }
    }

    fn extend(&mut self, time: RawStamp) {
        if let RawStamp::Utc { .. } = time {
            let (count, span) = &mut self.offset_read;
            *count = count.saturating_add(1);
            let (first, last) = span.get_or_insert((time, time));
            if time.reading() < first.reading() {
                *first = time;
            }
            if time.reading() > last.reading() {
                *last = time;
            }
        }
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

/// Where the line after the one that holds this byte begins.
fn line_behind(region: &[u8], at: usize) -> usize {
    let rest = region.get(at..).unwrap_or_default();
    memchr(b'\n', rest).map_or(region.len(), |n| at.saturating_add(n).saturating_add(1))
}

#[cfg(test)]
mod tests {
    use crate::catalog::Catalog;
    use crate::extract::scan::Scan;
    use crate::model::Scope;

    fn pauses(text: &str) -> Vec<(i64, u64, u64)> {
        let catalog = Catalog::builtin().unwrap();
        let scope = Scope::default();
        let scanned = Scan::new(&catalog, &scope).run(text.into(), &mut std::io::empty());
        let length = |from: i64, to: i64| (to - from) / 1_000_000_000;
        let pauses = &scanned.coverage.pauses;
        pauses
            .iter()
            .map(|p| (length(p.from.reading(), p.to.reading()), p.line, p.offset))
            .collect()
    }

    /// A line a second, but for pauses of so many seconds after those lines.
    fn log(lines: u64, long: &[(u64, u64)]) -> String {
        let mut text = String::new();
        let mut second = 0;
        for line in 1..=lines {
            let (h, m, s) = (second / 3600, second / 60 % 60, second % 60);
            text +=
                &format!("I0402 {h:02}:{m:02}:{s:02}.000000       1 reflector.go:1] still here\n");
            second += long.iter().find(|(l, _)| *l == line).map_or(1, |p| p.1);
        }
        text
    }

    #[test]
    fn a_pause_names_the_line_before_it() {
        let text = log(100, &[(40, 90), (41, 7), (95, 30)]);
        let length = text.lines().next().unwrap().len() as u64 + 1;
        let expected = [(90, 40), (30, 95), (7, 41)];
        assert_eq!(
            pauses(&text),
            expected.map(|(s, line)| (s, line, (line - 1) * length))
        );
    }

    #[test]
    fn lines_without_a_time_stand_in_no_ones_way() {
        let text = log(70, &[(33, 60)]).replace("still here\n", "still here\n\tat some.place\n\n");
        assert_eq!(pauses(&text).first().map(|p| (p.0, p.1)), Some((60, 97)));
        assert_eq!(pauses(&text).len(), 1);
    }

    #[test]
    fn a_pause_between_two_blocks_is_found() {
        let lines = 20_000;
        for at in [5_000, 8_738, 8_739, 8_740, 8_741, 8_742, 17_000] {
            let text = log(lines, &[(at, 300)]);
            assert_eq!(pauses(&text).first().map(|p| (p.0, p.1)), Some((300, at)));
        }
    }
}
