//! The blocks of a log, cut between records, and what can be said of one without knowing what stands before it.
//!
//! That part is pure, so while a processor is idle it is done ahead, on another thread: one large log of an archive
//! then keeps two processors busy. The order of the blocks, and so the result, is the same either way.

use std::io::{self, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use memchr::{memchr, memrchr};

use super::LINE_LIMIT;
use super::records::{Candidate, candidates};
use crate::catalog::Catalog;
use crate::extract::edges;
use crate::model::Scope;
use crate::parse::log::{self, Glance};

/// Bytes read at a time. Fits into the second-level cache, so the second walk finds the block warm.
const BLOCK: usize = 512 * 1024;
/// Blocks that are looked at ahead.
const AHEAD: usize = 3;
/// A log shorter than this is not worth a thread: that many blocks are read before there is one.
const ALONE: u64 = 4;

/// Who works: how many threads there may be, and how many files are being read.
#[derive(Debug)]
pub struct Crew {
    hands: usize,
    busy: AtomicUsize,
}

impl Crew {
    /// Of so many threads.
    pub fn new(hands: usize) -> Self {
        Self {
            hands,
            busy: AtomicUsize::new(0),
        }
    }

    /// Nobody else.
    pub fn alone() -> Self {
        Self::new(1)
    }

    /// One of them reads a file while `work` runs.
    pub fn busy<T>(&self, work: impl FnOnce() -> T) -> T {
        /// Given back also when the work panics.
        struct Back<'a>(&'a AtomicUsize);
        impl Drop for Back<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::Relaxed);
            }
        }
        self.busy.fetch_add(1, Ordering::Relaxed);
        let _back = Back(&self.busy);
        work()
    }

    fn has_room(&self) -> bool {
        self.busy.load(Ordering::Relaxed) < self.hands
    }
}

/// One line of a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    /// Where its newline stands, or the end of the block.
    pub(super) end: usize,
    pub(super) glance: Glance,
}

/// What a block says by itself.
#[derive(Debug, Default)]
pub(super) struct Looks {
    /// Anchors: position of the last byte, number of the literal; in order.
    pub(super) hits: Vec<(usize, usize)>,
    /// Records that hold anchors of their own component, and their patterns.
    pub(super) candidates: Vec<Candidate>,
    pub(super) patterns: Vec<usize>,
    pub(super) lines: Vec<Line>,
}

impl Looks {
    fn at(&mut self, (catalog, scope): (&Catalog, &Scope), region: &[u8]) {
        self.hits.clear();
        self.lines.clear();
        let (anchors, _) = catalog.log_anchors();
        anchors.find(region, |end, literal| self.hits.push((end, literal)));
        self.hits.sort_unstable();
        self.patterns.clear();
        self.candidates = candidates(catalog, scope, region, &self.hits, &mut self.patterns);
        let mut start = 0;
        while start < region.len() {
            let rest = region.get(start..).unwrap_or_default();
            let length = memchr(b'\n', rest).unwrap_or(rest.len());
            let glance = log::glance(rest.get(..length).unwrap_or_default());
            let end = start.saturating_add(length);
            self.lines.push(Line { end, glance });
            start = end.saturating_add(1);
        }
    }
}

/// A piece of a log: whole records, but for a line longer than [`LINE_LIMIT`].
#[derive(Debug, Default)]
pub(super) struct Block {
    pub(super) bytes: Vec<u8>,
    pub(super) looks: Looks,
    /// Whether nothing follows.
    pub(super) last: bool,
}

/// Cuts what is read into blocks.
pub(super) struct Cutter<'r> {
    reader: &'r mut dyn Read,
    /// What stands behind the last block.
    rest: Vec<u8>,
    spare: Vec<Block>,
    done: bool,
    /// Blocks given.
    given: u64,
    /// Lines longer than the limit.
    pub(super) long_lines: u64,
    /// The error that ended the reading.
    pub(super) error: Option<io::Error>,
}

impl<'r> Cutter<'r> {
    /// `head` has been read already.
    pub(super) fn new(head: Vec<u8>, reader: &'r mut dyn Read) -> Self {
        Self {
            reader,
            rest: head,
            spare: Vec::new(),
            done: false,
            given: 0,
            long_lines: 0,
            error: None,
        }
    }

    fn next(&mut self) -> Option<Block> {
        if self.done {
            return None;
        }
        let mut block = self.spare.pop().unwrap_or_default();
        std::mem::swap(&mut block.bytes, &mut self.rest);
        let bytes = &mut block.bytes;
        loop {
            match fill(bytes, self.reader) {
                Ok(eof) => self.done = eof,
                Err(e) => {
                    self.error = Some(e);
                    self.done = true;
                }
            }
            let end = if self.done {
                bytes.len()
            } else if let Some(newline) = memrchr(b'\n', bytes) {
                // The last record may go on in the next block.
                match edges::last_record(bytes.get(..=newline).unwrap_or_default()) {
                    0 => newline.saturating_add(1),
                    start => start,
                }
            } else if bytes.len() >= LINE_LIMIT {
                self.long_lines = self.long_lines.saturating_add(1);
                bytes.len()
            } else {
                continue;
            };
            self.rest.clear();
            self.rest
                .extend_from_slice(bytes.get(end..).unwrap_or_default());
            bytes.truncate(end);
            break;
        }
        self.given = self.given.saturating_add(1);
        block.last = self.done;
        Some(block)
    }

    /// Takes a block back, to be filled again.
    fn give_back(&mut self, block: Block) {
        if self.spare.len() <= AHEAD {
            self.spare.push(block);
        }
    }
}

/// Gives each block to `take`, in order; known are the catalogue and whose log it is.
pub(super) fn each(
    known: (&Catalog, &Scope),
    cutter: &mut Cutter<'_>,
    crew: &Crew,
    mut take: impl FnMut(&Block),
) {
    thread::scope(|scope| {
        let mut helper: Option<(Sender<Block>, Receiver<Block>)> = None;
        let mut ahead = 0_usize;
        loop {
            while ahead < AHEAD && cutter.given >= ALONE && crew.has_room() {
                let Some(block) = cutter.next() else { break };
                let (out, _) = helper.get_or_insert_with(|| {
                    let (out, input) = channel::<Block>();
                    let (output, back) = channel();
                    scope.spawn(move || {
                        for mut block in input {
                            block.looks.at(known, &block.bytes);
                            if output.send(block).is_err() {
                                return;
                            }
                        }
                    });
                    (out, back)
                });
                if out.send(block).is_err() {
                    return; // it panicked, and the scope says so
                }
                ahead += 1;
            }
            let block = if ahead > 0 {
                ahead -= 1;
                let Some(Ok(block)) = helper.as_ref().map(|(_, back)| back.recv()) else {
                    return;
                };
                block
            } else {
                let Some(mut block) = cutter.next() else {
                    return;
                };
                block.looks.at(known, &block.bytes);
                block
            };
            take(&block);
            cutter.give_back(block);
        }
    });
}

/// Reads until the buffer holds a block; `true` at the end of the input.
fn fill(buffer: &mut Vec<u8>, reader: &mut dyn Read) -> io::Result<bool> {
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
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => {
                buffer.truncate(filled);
                return Err(e);
            }
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::scan::{Scan, Scanned};
    use crate::model::Component;

    /// Records of several lines, some with an anchor, one line longer than a block.
    fn text() -> Vec<u8> {
        let mut text = Vec::new();
        for n in 0..60_000_u64 {
            let (m, s) = (n / 60 % 60, n % 60);
            let line = match n % 1000 {
                7 => String::from(
                    "\"PLEG is not healthy\" err=\"pleg was last seen active 3m1s ago\"",
                ),
                8 => String::from("\"first line\"\n\tand what follows\n\tof it"),
                _ => format!("\"Nothing of note\" count={n}"),
            };
            let head = format!("E0402 10:{m:02}:{s:02}.000000     123 kubelet.go:1856] ");
            text.extend_from_slice(format!("{head}{line}\n").as_bytes());
            if n == 30_000 {
                text.resize(text.len() + BLOCK + 17, b'x');
                text.push(b'\n');
            }
        }
        text
    }

    fn told(scanned: Scanned) -> String {
        assert!(scanned.coverage.bytes > 4_000_000);
        format!(
            "{:?} {:?} {:?} {:?}",
            scanned.fold.finish(),
            scanned.coverage,
            scanned.templates.finish(),
            scanned.edges
        )
    }

    #[test]
    fn the_same_with_and_without_help() {
        let catalog = Catalog::builtin().unwrap();
        let scope = Scope {
            component: Component::named("kubelet"),
            ..Scope::default()
        };
        let text = text();
        let scan = |crew: &Crew| {
            let scan = Scan::new(&catalog, &scope).keeping_edges(false);
            told(scan.run_with(crew, Vec::new(), &mut text.as_slice()))
        };
        let alone = scan(&Crew::alone());
        assert!(alone.contains("PLEG is not healthy"), "{alone:.300}");
        let crew = Crew::new(4);
        assert!(crew.busy(|| scan(&crew)) == alone);
        assert!(crew.busy(|| crew.busy(|| scan(&crew))) == alone);
    }
}
