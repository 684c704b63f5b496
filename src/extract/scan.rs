//! Reads the lines of one log, once, forwards, in blocks.
//!
//! Per block: one pass of the anchor finder over the bytes; only records that hold an anchor are parsed.
//! A second, cheap walk over the lines counts them, reads severities, and samples times. Memory is one block
//! and what is folded, whatever the length of the log.

use std::borrow::Cow;
use std::io::Read;
use std::ops::Range;

use memchr::{memchr, memchr_iter, memmem, memrchr};

use super::edges::{self, Edge, Edges, RECORD_BYTES, RECORD_LINES};
use super::ending::{self, LastLine};
use super::events::{event_in_log, may_be_event};
use super::fold::{Fold, Seen};
use super::matcher::{Author, Matcher, is_by, is_excepted, may_have_fields};
use super::observe::Life;
use super::preamble;
use super::templates::Templates;
use super::turn::Turn;
use crate::base::text;
use crate::base::time::{RawStamp, SECOND};
use crate::catalog::Catalog;
use crate::model::source::Pause;
use crate::model::{Component, Coverage, Level, Place, Record, Scope, StateLine};
use crate::parse::log::{self, Glance, Ident, Stream};
use crate::parse::{goroutines, kernel};

/// Bytes read at a time. Fits into the second-level cache, so the second walk finds the block warm.
const BLOCK: usize = 512 * 1024;
/// A line longer than this is looked at in pieces.
const LINE_LIMIT: usize = 8 * 1024 * 1024;
/// One line in so many has its time read.
const TIME_EVERY: u64 = 32;
/// One line in so many is parsed whole for pid, host and zone.
const RECORD_EVERY: u64 = 64;
/// The next piece of a cut line follows within so many lines.
const PIECE_LINES: u64 = 200;
/// Silence shorter than this is no pause.
pub(super) const PAUSE_MIN: i64 = 5 * SECOND;
/// Pauses kept.
const PAUSES: usize = 12;
/// More process lives than this in one file: the lines are of many processes.
const LIVES: usize = 64;
/// Different offsets kept: a source has one, or two around a change of daylight saving.
const ZONES: usize = 8;
/// Every level, in the order of the type.
const LEVELS: [Level; 6] = [
    Level::Unknown,
    Level::Debug,
    Level::Info,
    Level::Warning,
    Level::Error,
    Level::Fatal,
];
/// Largest goroutine dump kept from inside a log.
const DUMP_LIMIT: usize = 64 * 1024 * 1024;

/// A goroutine dump found in a log.
#[derive(Debug)]
pub(crate) struct DumpText {
    /// Its text, as it stands in the log (wrappers on).
    pub(crate) text: Vec<u8>,
    /// Line number of its first line.
    pub(crate) line: u64,
    /// Byte offset of its first line.
    pub(crate) offset: u64,
    /// Time of the record it follows.
    pub(crate) time: Option<RawStamp>,
    /// Whether it goes on with the dump at the end of the part before.
    pub(crate) continues: bool,
}

/// What the scan of one log gives.
#[derive(Debug)]
pub(crate) struct Scanned {
    pub(crate) fold: Fold,
    pub(crate) coverage: Coverage,
    pub(crate) lives: Vec<Life>,
    /// Offsets of local readings from UTC seen, with how often.
    pub(crate) zones: Vec<(i32, u64)>,
    /// Year in which a line was written that says so in its message.
    pub(crate) year: Option<i32>,
    pub(crate) templates: Templates,
    pub(crate) dumps: Vec<DumpText>,
    /// What was kept back at its borders.
    pub(crate) edges: Edges,
    /// Its last lines.
    pub(crate) ending: Vec<LastLine>,
    /// Stacks of threads inside the kernel.
    pub(crate) stacks: Vec<StateLine>,
    /// Whether it prints its newest line first.
    pub(crate) newest_first: bool,
    /// The error that ended the reading.
    pub(crate) error: Option<std::io::Error>,
    /// Lines longer than the limit.
    pub(crate) long_lines: u64,
}

pub(crate) struct Scan<'c> {
    catalog: &'c Catalog,
    matcher: Matcher<'c>,
    scope: &'c Scope,
    fold: Fold,
    coverage: Coverage,
    lives: Vec<Life>,
    many_processes: bool,
    zones: Vec<(i32, u64)>,
    year: Option<i32>,
    templates: Templates,
    dumps: Vec<DumpText>,
    stacks: goroutines::Reader,
    /// Only where such stacks can be: logs of the kernel or of a whole machine, outputs of commands, unknown texts.
    kernel: Option<kernel::Reader>,
    kernel_marks: Vec<memmem::Finder<'static>>,
    dump_bytes: usize,
    dump_end: Option<u64>,
    /// Pieces of a line that was cut, and where it begins.
    pieces: Vec<u8>,
    first_piece: Piece,
    long_lines: u64,
    /// Lines and bytes before the block at hand.
    lines: u64,
    offset: u64,
    turn: Turn,
    previous: Option<(RawStamp, u64, u64)>,
    /// Local readings sampled, without and with a printed year: how many, the first, the last.
    local: [(u64, Option<RawStamp>, Option<RawStamp>); 2],
    /// How much more often the time fell than rose from sample to sample.
    falls: i64,
    hits: Vec<(usize, usize)>,
    patterns: Vec<usize>,
    claimed: Vec<Range<usize>>,
    /// Whether what stands at the borders is kept back, and whether the lines have a wrapper.
    keeps: Option<bool>,
    edges: Edges,
    /// The last bytes read.
    tail: Vec<u8>,
    /// The part of the block at hand between what is kept back.
    own: Range<usize>,
    goroutine: memmem::Finder<'static>,
}

impl<'c> Scan<'c> {
    pub(crate) fn new(catalog: &'c Catalog, scope: &'c Scope) -> Self {
        Self {
            catalog,
            matcher: Matcher::new(catalog),
            scope,
            fold: Fold::default(),
            coverage: Coverage::default(),
            lives: Vec::new(),
            many_processes: false,
            zones: Vec::new(),
            year: None,
            templates: Templates::default(),
            dumps: Vec::new(),
            stacks: goroutines::Reader::default(),
            kernel: None,
            kernel_marks: kernel::MARKS
                .iter()
                .map(|m| memmem::Finder::new(m.as_bytes()))
                .collect(),
            dump_bytes: 0,
            dump_end: None,
            pieces: Vec::new(),
            first_piece: Piece::default(),
            long_lines: 0,
            lines: 0,
            offset: 0,
            turn: Turn::default(),
            previous: None,
            local: [(0, None, None); 2],
            falls: 0,
            hits: Vec::new(),
            patterns: Vec::new(),
            claimed: Vec::new(),
            keeps: None,
            edges: Edges::default(),
            tail: Vec::new(),
            own: 0..0,
            goroutine: memmem::Finder::new(b"goroutine "),
        }
    }

    /// Keeps back what stands at the borders; `wrapped`: the lines have a wrapper.
    pub(crate) fn keeping_edges(mut self, wrapped: bool) -> Self {
        self.keeps = Some(wrapped);
        self
    }

    /// Counts offsets from behind so many bytes.
    pub(crate) fn behind(mut self, bytes: u64) -> Self {
        self.offset = bytes;
        self
    }

    /// Reads as if what stands before this place had been read.
    pub(crate) fn from(mut self, edge: &Edge) -> Self {
        self.lines = edge.line.saturating_sub(1);
        self.offset = edge.offset;
        self.turn = edge.turn;
        self.previous = edge.before.map(|t| (t, self.lines, edge.offset));
        self
    }

    /// Also looks for stacks of threads inside the kernel, in the file at `path`.
    pub(crate) fn with_kernel_stacks(mut self, path: &str) -> Self {
        let of_machine = matches!(
            self.scope.component.as_str(),
            "unknown" | "kernel" | "host" | "kubectl" | "systemd"
        );
        self.kernel = of_machine.then(|| kernel::Reader::new(path));
        self
    }

    /// Reads to the end; `head` has been read already.
    pub(crate) fn run(mut self, head: Vec<u8>, reader: &mut dyn Read) -> Scanned {
        let mut buffer = head;
        let mut error = None;
        loop {
            let eof = match fill(&mut buffer, reader) {
                Ok(eof) => eof,
                Err(e) => {
                    error = Some(e);
                    true
                }
            };
            let end = if eof {
                buffer.len()
            } else if let Some(newline) = memrchr(b'\n', &buffer) {
                // The last record may go on in the next block.
                match edges::last_record(buffer.get(..=newline).unwrap_or_default()) {
                    0 => newline + 1,
                    start => start,
                }
            } else if buffer.len() >= LINE_LIMIT {
                self.long_lines += 1;
                buffer.len()
            } else {
                continue;
            };
            let region = buffer.get(..end).unwrap_or_default();
            if !region.is_empty() {
                self.block(region, eof);
            }
            self.offset = self.offset.saturating_add(end as u64);
            buffer.drain(..end);
            if eof {
                break;
            }
        }
        self.coverage.bytes = self.offset;
        self.coverage.lines = self.lines;
        if let Some(RawStamp::Local { .. }) = self.coverage.first {
            let [without, with] = &self.local;
            let (_, first, last) = if with.0 > without.0 { with } else { without };
            self.coverage.first = *first;
            self.coverage.last = *last;
        }
        self.edges.in_dump = self.stacks.is_active();
        let newest_first = self.falls > 0;
        let ending = if newest_first {
            Vec::new()
        } else {
            let before = self.offset.saturating_sub(self.tail.len() as u64);
            ending::ending(&self.tail, before, self.lines)
        };
        if newest_first {
            self.lives.reverse();
            for life in &mut self.lives {
                std::mem::swap(&mut life.first, &mut life.last);
            }
        }
        Scanned {
            fold: self.fold,
            coverage: self.coverage,
            lives: if self.many_processes {
                Vec::new()
            } else {
                self.lives
            },
            zones: self.zones,
            year: self.year,
            templates: self.templates,
            dumps: self.dumps,
            edges: self.edges,
            ending,
            stacks: self
                .kernel
                .map(kernel::Reader::finish)
                .unwrap_or_default()
                .iter()
                .map(kernel::Stack::state_line)
                .collect(),
            newest_first,
            error,
            long_lines: self.long_lines,
        }
    }

    fn block(&mut self, region: &[u8], last: bool) {
        if self.turn.month == 0 {
            // A New Year within the first block is crossed from the month of its first line.
            let first = region
                .split(|b| *b == b'\n')
                .take(RECORD_LINES)
                .find_map(log::time);
            if let Some(time) = first {
                self.turn.mark(time, true);
            }
        }
        self.own = self.keep_edges(region, last);
        if self.keeps.is_some() {
            self.keep_tail(region);
        }
        self.anchored(region);
        self.walk(region);
    }

    /// Keeps the last bytes of what was read.
    fn keep_tail(&mut self, region: &[u8]) {
        let more = region
            .get(region.len().saturating_sub(ending::BYTES)..)
            .unwrap_or_default();
        let old = ending::BYTES.saturating_sub(more.len());
        let drop = self.tail.len().saturating_sub(old);
        self.tail.drain(..drop);
        self.tail.extend_from_slice(more);
    }

    /// Keeps back what stands before the first record of the file and its last record; gives what lies between.
    fn keep_edges(&mut self, region: &[u8], last: bool) -> Range<usize> {
        let mut own = 0..region.len();
        let Some(wrapped) = self.keeps else {
            return own;
        };
        let edge = |part: Range<usize>, held: bool| {
            let before = region.get(..part.start).unwrap_or_default();
            let text = region.get(part).unwrap_or_default();
            Edge {
                text: text.strip_suffix(b"\n").unwrap_or(text).to_vec(),
                line: self
                    .lines
                    .saturating_add(newlines(before))
                    .saturating_add(1),
                offset: self.offset.saturating_add(before.len() as u64),
                before: self.previous.map(|(t, ..)| t),
                turn: self.turn,
                held,
            }
        };
        if self.lines == 0 {
            let (end, held) = edges::head(region, wrapped, last);
            if held && end > 0 {
                own.start = end;
                self.edges.head = Some(edge(0..end, true));
            } else if edges::is_stack(region) {
                self.edges.head = Some(edge(0..end, false));
            }
        }
        if last {
            let start = edges::last_record(region).max(own.start);
            if start < region.len() && region.len() - start <= RECORD_BYTES {
                self.edges.tail = Some(edge(start..region.len(), true));
                own.end = start;
            }
        }
        own
    }

    /// Finds the anchors, and matches the records they lie in.
    fn anchored(&mut self, region: &[u8]) {
        let (anchors, anchored) = self.catalog.log_anchors();
        self.claimed.clear();
        let mut hits = std::mem::take(&mut self.hits);
        hits.clear();
        let own = self.own.clone();
        anchors.find(region, |end, literal| {
            if own.contains(&end) {
                hits.push((end, literal));
            }
        });
        hits.sort_unstable();
        if own.start > 0 {
            self.claimed.push(0..own.start);
        }
        let mut cursor = (0usize, self.lines);
        let mut i = 0;
        while let Some((position, _)) = hits.get(i) {
            let bounds = record_around(region, *position);
            self.patterns.clear();
            while let Some((_, literal)) = hits.get(i).filter(|(p, _)| *p < bounds.end) {
                self.patterns
                    .extend(anchored.get(*literal).into_iter().flatten());
                i += 1;
            }
            self.patterns.sort_unstable();
            self.patterns.dedup();
            cursor.1 += newlines(region.get(cursor.0..bounds.start).unwrap_or_default());
            cursor.0 = bounds.start.max(cursor.0);
            let chunk = region.get(bounds.clone()).unwrap_or_default();
            let behind = region.get(bounds.end.saturating_add(1)..);
            let offset = self.offset.saturating_add(bounds.start as u64);
            if self.matched(chunk, behind.unwrap_or_default(), offset, cursor.1 + 1) {
                self.claimed.push(bounds);
            }
        }
        self.hits = hits;
        if own.end < region.len() {
            self.claimed.push(own.end..region.len());
        }
    }

    /// Parses one record and matches the patterns hit in it; `behind` is what follows it.
    fn matched(&mut self, chunk: &[u8], behind: &[u8], offset: u64, line: u64) -> bool {
        let first_line = memchr(b'\n', chunk)
            .and_then(|end| chunk.get(..end))
            .unwrap_or(chunk);
        // Many anchors are ordinary words in the logs of other components: those lines are not parsed.
        let component = match log::ident(chunk) {
            Ident::Named(program) => Some(self.component(Some(&program))),
            Ident::Absent => Some(self.component(None)),
            Ident::Hidden => None,
        };
        if let Some(component) = component {
            let catalog = self.catalog;
            self.patterns.retain(|p| {
                catalog
                    .patterns()
                    .get(*p)
                    .is_some_and(|p| is_by(p, &component) && may_have_fields(p, chunk))
            });
        }
        self.patterns.retain(|p| {
            let pattern = self.catalog.patterns().get(*p);
            pattern.is_some_and(|p| !is_excepted(p, chunk))
        });
        if self.patterns.is_empty() && !may_be_event(chunk) {
            return false;
        }
        let next = memchr(b'\n', behind).unwrap_or(behind.len());
        let again = log::came_again(behind.get(..next).unwrap_or_default()).unwrap_or(0);
        let mut record = log::record(chunk);
        record.repeats = record.repeats.max(1).saturating_add(again);
        if self.year.is_none()
            && let Some(time) = record.time
            && let Some((year, zone)) = preamble::now(&record.text, time)
        {
            self.year = Some(year - i32::from(self.turn.count));
            self.saw_zone(zone);
        }
        let seen = Seen {
            offset,
            line,
            time: record.time.map(|t| self.turn.mark(t, false)).or(self
                .previous
                .map(|(t, ..)| t)
                .filter(|_| record.time.is_none())),
            ago: 0,
            text: String::new(),
        };
        let (component, scope) = self.author(&record);
        let author = Author {
            component: &component,
            scope: &scope,
        };
        let patterns = std::mem::take(&mut self.patterns);
        let mut claimed = self.matcher.record(
            &patterns,
            &record,
            author,
            (&seen, first_line),
            &mut self.fold,
        );
        if let Some(event) = event_in_log(&record, &seen, first_line) {
            claimed |= self
                .matcher
                .state(&event, &scope, seen.offset, &mut self.fold);
        }
        self.patterns = patterns;
        claimed
    }

    /// Who wrote this record: a journal or syslog names the program and the machine on each line.
    fn author(&self, record: &Record<'_>) -> (Component, Cow<'c, Scope>) {
        let mut scope = Cow::Borrowed(self.scope);
        let component = self.component(record.ident.as_deref());
        if scope.node.is_none()
            && let Some(host) = &record.host
        {
            scope.to_mut().node = Some(host.to_string());
        }
        (component, scope)
    }

    /// The component of a line with this program name.
    fn component(&self, ident: Option<&str>) -> Component {
        ident
            .and_then(Component::of_program)
            .unwrap_or_else(|| self.scope.component.clone())
    }

    /// Counts lines, reads severities, samples times and processes, gathers unexplained errors and dumps.
    fn walk(&mut self, region: &[u8]) {
        let has_dump = self.stacks.is_active() || self.goroutine.find(region).is_some();
        let has_stack = self.kernel.as_ref().is_some_and(|k| {
            k.is_active() || self.kernel_marks.iter().any(|m| m.find(region).is_some())
        });
        let mut claimed = std::mem::take(&mut self.claimed).into_iter().peekable();
        let mut levels = [0_u64; LEVELS.len()];
        let mut position = 0;
        while position < region.len() {
            let rest = region.get(position..).unwrap_or_default();
            let (length, ended) = memchr(b'\n', rest).map_or((rest.len(), false), |n| (n, true));
            let line = rest.get(..length).unwrap_or_default();
            let offset = self.offset.saturating_add(position as u64);
            if ended {
                self.lines += 1;
            } else {
                self.coverage.cut = true;
                self.lines += 1;
                let kept = line.get(..RECORD_BYTES).unwrap_or(line);
                self.edges.cut = self.keeps.map(|_| kept.to_vec());
            }
            while claimed.peek().is_some_and(|r| r.end <= position) {
                claimed.next();
            }
            let is_claimed = claimed.peek().is_some_and(|r| r.contains(&position));
            let Glance { level, partial } = log::glance(line);
            if let Some(count) = levels.get_mut(level as usize) {
                *count += 1;
            }
            if level >= Level::Error && !is_claimed {
                self.unexplained(line, offset);
            }
            if self.lines % TIME_EVERY == 1 || self.previous.is_none() {
                self.sample_time(line, offset, region, position);
            }
            if self.lines % RECORD_EVERY == 1 {
                self.sample_record(line, offset);
            }
            if has_dump {
                self.dump_line(line, offset, ended);
            }
            if has_stack && let Some(kernel) = &mut self.kernel {
                let place = Place {
                    line: self.lines,
                    offset,
                    ..Place::default()
                };
                kernel.line(place, line);
            }
            if partial || !self.pieces.is_empty() {
                self.piece(line, offset, partial);
            }
            position += length + 1;
        }
        for (level, count) in LEVELS.into_iter().zip(levels) {
            if count > 0 && level != Level::Unknown {
                *self.coverage.levels.entry(level.letter()).or_default() += count;
            }
        }
        self.last_time(region);
    }

    fn unexplained(&mut self, line: &[u8], offset: u64) {
        if !self.templates.wants() {
            return;
        }
        let record = log::record(line);
        let time = record.time.map(|t| self.turn.mark(t, false));
        let seen = Seen {
            offset,
            line: self.lines,
            time,
            ago: 0,
            text: text::quote(line),
        };
        let (component, _) = self.author(&record);
        self.templates.add(&record, &component, seen);
    }

    /// Reads the time of a line; where much time has passed since the last sample, looks at each line between.
    fn sample_time(&mut self, line: &[u8], offset: u64, region: &[u8], position: usize) {
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
    fn last_time(&mut self, region: &[u8]) {
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

    fn saw_zone(&mut self, zone: i32) {
        if let Some((_, n)) = self.zones.iter_mut().find(|(z, _)| *z == zone) {
            *n += 1;
        } else if self.zones.len() < ZONES {
            self.zones.push((zone, 1));
        }
    }

    fn sample_record(&mut self, line: &[u8], offset: u64) {
        let record = log::record(line);
        if let Some(zone) = record.zone {
            self.saw_zone(zone);
        }
        let Some(pid) = record.pid else { return };
        let (component, scope) = self.author(&record);
        if component != self.scope.component {
            return;
        }
        let time = record.time.map(|t| self.turn.mark(t, false));
        if let Some(life) = self.lives.iter_mut().rev().find(|l| l.pid == pid) {
            life.last = time.or(life.last);
            return;
        }
        if self.lives.len() >= LIVES {
            self.many_processes = true;
            return;
        }
        self.lives.push(Life {
            pid,
            node: scope.node.clone(),
            first: time,
            last: time,
            line: self.lines,
            offset,
            text: text::quote(line),
        });
    }

    /// Collects the lines that belong to goroutine dumps, with what announces them, as pieces of consecutive lines.
    fn dump_line(&mut self, line: &[u8], offset: u64, ended: bool) {
        let place = Place {
            line: self.lines,
            offset,
            ..Place::default()
        };
        if !self.stacks.line(place, line) {
            return;
        }
        // The dumps are read again, from the pieces, once it is known whose they are.
        drop(self.stacks.take());
        if self.dump_bytes > DUMP_LIMIT {
            return;
        }
        if self.dump_end != Some(offset) {
            let time = log::time(line).or(self.previous.map(|(t, ..)| t));
            self.dumps.push(DumpText {
                text: Vec::new(),
                line: self.lines,
                offset,
                time,
                continues: false,
            });
        }
        if let Some(dump) = self.dumps.last_mut() {
            dump.text.extend_from_slice(line);
            if ended {
                dump.text.push(b'\n');
            }
            self.dump_bytes += line.len() + 1;
            self.dump_end = Some(offset.saturating_add(line.len() as u64 + 1));
        }
    }

    /// Joins the pieces of a line that the container runtime or journald cut, and looks for anchors in the whole.
    fn piece(&mut self, line: &[u8], offset: u64, more: bool) {
        let writer = log::writer(line);
        let is_of =
            |p: &Piece| (p.stream, p.ident.as_deref(), p.pid) == (writer.0, writer.1, writer.2);
        if self.pieces.is_empty() {
            self.pieces.extend_from_slice(line);
            self.first_piece = Piece {
                line: self.lines,
                offset,
                stream: writer.0,
                ident: writer.1.map(<[u8]>::to_vec),
                pid: writer.2,
            };
            return;
        }
        if !is_of(&self.first_piece) {
            // Others write between the pieces, but not for long.
            if self.lines.saturating_sub(self.first_piece.line) > PIECE_LINES {
                self.pieces.clear();
            }
            return;
        }
        if self.pieces.len() < LINE_LIMIT {
            let record = log::record(line);
            self.pieces.extend_from_slice(&record.text);
        }
        if more {
            return;
        }
        let whole = std::mem::take(&mut self.pieces);
        let (anchors, anchored) = self.catalog.log_anchors();
        let patterns = &mut self.patterns;
        patterns.clear();
        anchors.find(&whole, |_, literal| {
            patterns.extend(anchored.get(literal).into_iter().flatten());
        });
        self.patterns.sort_unstable();
        self.patterns.dedup();
        // What the first piece says on its own has been seen at that place.
        let (offset, line_no) = (self.first_piece.offset, self.first_piece.line);
        self.matched(&whole, &[], offset, line_no);
    }
}

/// Where a line that was cut begins, and who wrote it.
#[derive(Clone, Debug, Default)]
struct Piece {
    line: u64,
    offset: u64,
    stream: Option<Stream>,
    ident: Option<Vec<u8>>,
    pid: Option<u64>,
}

/// Reads until the buffer holds a block; `true` at the end of the input.
fn fill(buffer: &mut Vec<u8>, reader: &mut dyn Read) -> std::io::Result<bool> {
    let mut filled = buffer.len();
    let wanted = filled.saturating_add(BLOCK).max(BLOCK);
    buffer.resize(wanted, 0);
    while filled < wanted {
        match reader.read(buffer.get_mut(filled..).unwrap_or_default()) {
            Ok(0) => {
                buffer.truncate(filled);
                return Ok(true);
            }
            Ok(n) => filled = filled.saturating_add(n),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => {
                buffer.truncate(filled);
                return Err(e);
            }
        }
    }
    Ok(false)
}

fn newlines(bytes: &[u8]) -> u64 {
    memchr_iter(b'\n', bytes).count() as u64
}

/// The lines of the record around a byte.
fn record_around(region: &[u8], position: usize) -> Range<usize> {
    let line_start =
        memrchr(b'\n', region.get(..position).unwrap_or_default()).map_or(0, |p| p + 1);
    let line_end = |from: usize| {
        memchr(b'\n', region.get(from..).unwrap_or_default()).map_or(region.len(), |n| from + n)
    };
    let mut start = line_start;
    for _ in 0..RECORD_LINES {
        if log::starts_record(region.get(start..line_end(start)).unwrap_or_default()) {
            break;
        }
        if start == 0 || line_start - start > RECORD_BYTES {
            // No beginning in reach: the line stands for itself.
            start = line_start;
            break;
        }
        start = memrchr(b'\n', region.get(..start - 1).unwrap_or_default()).map_or(0, |p| p + 1);
    }
    let mut end = line_end(line_start.max(start));
    for _ in 0..RECORD_LINES {
        if end >= region.len() || end - start > RECORD_BYTES {
            break;
        }
        let next_end = line_end(end + 1);
        if end + 1 >= region.len()
            || log::starts_record(region.get(end + 1..next_end).unwrap_or_default())
        {
            break;
        }
        end = next_end;
    }
    start..end.max(position + 1).min(region.len())
}
