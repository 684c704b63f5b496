//! The walk over all lines of a block: counted, sampled, gathered.

use super::blocks::Line;
use super::{DumpText, LINE_LIMIT, Scan};
use crate::base::text;
use crate::extract::edges::RECORD_BYTES;
use crate::extract::fold::Seen;
use crate::extract::observe::Life;
use crate::model::{Level, Place};
use crate::parse::log::{self, Glance, Stream};

/// One line in so many has its time read.
const TIME_EVERY: u64 = 32;
/// One line in so many is parsed whole for pid, host and zone.
const RECORD_EVERY: u64 = 64;
/// The next piece of a cut line follows within so many lines.
const PIECE_LINES: u64 = 200;
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

impl Scan<'_> {
    /// Counts lines, reads severities, samples times and processes, gathers unexplained errors and dumps.
    pub(super) fn walk(&mut self, region: &[u8], lines: &[Line]) {
        let has_dump = self.stacks.is_active() || self.goroutine.find(region).is_some();
        let has_stack = self.kernel.as_ref().is_some_and(|k| {
            k.is_active() || self.kernel_marks.iter().any(|m| m.find(region).is_some())
        });
        let mut claimed = std::mem::take(&mut self.claimed).into_iter().peekable();
        let mut levels = [0_u64; LEVELS.len()];
        let mut position = 0;
        for Line { end, glance } in lines {
            let line = region.get(position..*end).unwrap_or_default();
            let ended = *end < region.len();
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
            let Glance { level, partial } = *glance;
            if let Some(count) = levels.get_mut(level as usize) {
                *count += 1;
            }
            if level >= Level::Error && !is_claimed {
                self.unexplained(line, offset);
            }
            let number = self.lines.saturating_sub(self.first_line);
            if number % TIME_EVERY == 1 || self.previous.is_none() {
                self.sample_time(line, offset, region, position);
            }
            if number % RECORD_EVERY == 1 {
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
            position = end.saturating_add(1);
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

    pub(super) fn saw_zone(&mut self, zone: i32) {
        if let Some((_, n)) = self.zones.iter_mut().find(|(z, _)| *z == zone) {
            *n += 1;
        } else if self.zones.len() < ZONES {
            self.zones.push((zone, 1));
        }
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
        // What the first piece says on its own has been seen at that place.
        let place = (self.first_piece.offset, self.first_piece.line);
        self.joined(&whole, place);
    }
}

/// Where a line that was cut begins, and who wrote it.
#[derive(Clone, Debug, Default)]
pub(super) struct Piece {
    pub(super) line: u64,
    pub(super) offset: u64,
    stream: Option<Stream>,
    ident: Option<Vec<u8>>,
    pid: Option<u64>,
}
