//! Reads the lines of one log, once, forwards, in blocks.
//!
//! Per block: one pass of the anchor finder over the bytes; only records that hold an anchor are parsed.
//! A second, cheap walk over the lines counts them, reads severities, and samples times. Memory is one block
//! and what is folded, whatever the length of the log.

mod blocks;
mod lines;
mod records;
mod times;

use std::io::Read;
use std::ops::Range;

use memchr::{memchr_iter, memmem};

use super::edges::{self, Edge, Edges, RECORD_BYTES, RECORD_LINES};
use super::ending::{self, LastLine};
use super::fold::Fold;
use super::matcher::Matcher;
use super::observe::Life;
use super::templates::Templates;
use super::turn::Turn;
use crate::base::time::{RawStamp, SECOND};
use crate::catalog::Catalog;
use crate::model::{Coverage, Scope, StateLine};
use crate::parse::{goroutines, kernel, log};
pub use blocks::Crew;
use blocks::{Block, Cutter};
use lines::Piece;

/// A line longer than this is looked at in pieces.
const LINE_LIMIT: usize = 8 * 1024 * 1024;
/// Silence shorter than this is no pause.
pub(super) const PAUSE_MIN: i64 = 5 * SECOND;

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
    /// Lines before what is read; lines so far, and before the block at hand; bytes before it.
    first_line: u64,
    lines: u64,
    lines_above: u64,
    offset: u64,
    turn: Turn,
    previous: Option<(RawStamp, u64, u64)>,
    /// Local readings sampled, without and with a printed year: how many, the first, the last.
    local: [(u64, Option<RawStamp>, Option<RawStamp>); 2],
    /// The same of readings with an offset.
    offset_read: (u64, Option<(RawStamp, RawStamp)>),
    /// How much more often the time fell than rose from sample to sample.
    falls: i64,
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
            first_line: 0,
            lines: 0,
            lines_above: 0,
            offset: 0,
            turn: Turn::default(),
            previous: None,
            local: [(0, None, None); 2],
            offset_read: (0, None),
            falls: 0,
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

    /// Counts lines and offsets from below so many.
    pub(crate) fn below(mut self, lines: u64, bytes: u64) -> Self {
        self.first_line = lines;
        self.lines = lines;
        self.offset = bytes;
        self
    }

    /// Reads as if what stands before this place had been read.
    pub(crate) fn from(mut self, edge: &Edge) -> Self {
        self.lines = edge.line.saturating_sub(1);
        self.offset = edge.offset;
        self.turn = edge.turn;
        self.previous = edge
            .before
            .map(|t| (t, self.lines, edge.offset.saturating_sub(1)));
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
    pub(crate) fn run(self, head: Vec<u8>, reader: &mut dyn Read) -> Scanned {
        self.run_with(&Crew::alone(), head, reader)
    }

    /// As [`Self::run`], on a second thread too while the crew has one to spare.
    pub(crate) fn run_with(mut self, crew: &Crew, head: Vec<u8>, reader: &mut dyn Read) -> Scanned {
        let mut cutter = Cutter::new(head, reader);
        let known = (self.catalog, self.scope);
        blocks::each(known, &mut cutter, crew, |block| self.block(block));
        let Cutter {
            error, long_lines, ..
        } = cutter;
        self.coverage.bytes = self.offset;
        self.coverage.lines = self.lines.saturating_sub(self.first_line);
        if let Some(RawStamp::Local { .. }) = self.coverage.first {
            let [without, with] = &self.local;
            let (_, first, last) = if with.0 > without.0 { with } else { without };
            self.coverage.first = *first;
            self.coverage.last = *last;
            let (count, span) = self.offset_read;
            self.coverage.with_offset = span.filter(|_| count > with.0.saturating_add(without.0));
        }
        self.edges.in_dump = self.stacks.is_active();
        if self.keeps.is_some() && !self.pieces.is_empty() {
            self.edges.open = Some(Edge {
                text: std::mem::take(&mut self.pieces),
                line: self.first_piece.line,
                offset: self.first_piece.offset,
                before: self.previous.map(|(t, ..)| t),
                turn: self.turn,
                held: false,
            });
        }
        let newest_first = self.falls > 0;
        let ending = if newest_first {
            Vec::new()
        } else {
            let before = self.offset.saturating_sub(self.tail.len() as u64);
            ending::ending(&self.tail, before, self.lines, self.turn)
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
            long_lines,
        }
    }

    fn block(&mut self, block: &Block) {
        let region = block.bytes.as_slice();
        if region.is_empty() {
            return;
        }
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
        self.lines_above = self.lines;
        self.own = self.keep_edges(region, block.last);
        if self.keeps.is_some() {
            self.keep_tail(region);
        }
        self.anchored(region, &block.looks);
        self.walk(region, &block.looks.lines);
        self.offset = self.offset.saturating_add(region.len() as u64);
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
        if self.lines == self.first_line {
            if wrapped {
                self.edges.pieces = edges::pieces(region);
            }
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
}

fn newlines(bytes: &[u8]) -> u64 {
    memchr_iter(b'\n', bytes).count() as u64
}
