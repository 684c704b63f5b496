//! The borders of a file: what may belong to a record of the part of the same log before or behind it.
//!
//! A rotation cuts a log anywhere: between two records, within one, within a line. The scan of a file keeps back what
//! stands before its first record and its last record, and [`super::join`] reads them once the neighbours are known.

use memchr::{memchr, memrchr};

use super::turn::Turn;
use crate::base::time::RawStamp;
use crate::parse::log;

/// Longest record that is parsed, in bytes and in lines; dumps and hexdumps are longer.
pub(super) const RECORD_BYTES: usize = 64 * 1024;
pub(super) const RECORD_LINES: usize = 400;

/// Lines at a border of a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Edge {
    /// The lines, without the last line end.
    pub(crate) text: Vec<u8>,
    /// Line number of the first.
    pub(crate) line: u64,
    /// Byte offset of the first.
    pub(crate) offset: u64,
    /// Time of what stands before it, for lines without one.
    pub(crate) before: Option<RawStamp>,
    /// New Years before it.
    pub(super) turn: Turn,
    /// Whether it was kept back: what it says is not yet among the facts of its file.
    pub(crate) held: bool,
}

/// The borders of one file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Edges {
    /// What stands before its first record. Where none begins in reach it is only a copy, for a goroutine dump that
    /// goes on in it.
    pub(crate) head: Option<Edge>,
    /// Its last record.
    pub(crate) tail: Option<Edge>,
    /// Its last line, when that has no line end.
    pub(crate) cut: Option<Vec<u8>>,
    /// Whether it ends within a goroutine dump.
    pub(crate) in_dump: bool,
    /// The pieces of a line, as one, that its container runtime cut and that is not complete at the end.
    pub(crate) open: Option<Edge>,
    /// A copy of its first lines as far as they may complete such a line of the part before.
    pub(crate) pieces: Vec<u8>,
}

/// The lines at the beginning of a file that may be pieces of one line, the last of them with its end.
pub(super) fn pieces(region: &[u8]) -> Vec<u8> {
    let mut end = 0;
    for line in region.split_inclusive(|b| *b == b'\n').take(RECORD_LINES) {
        end += line.len();
        if end > RECORD_BYTES {
            break;
        }
        if !log::partial(line.strip_suffix(b"\n").unwrap_or(line)) {
            return region.get(..end).unwrap_or_default().to_vec();
        }
    }
    Vec::new()
}

/// The bytes before the first record, and whether one begins in reach. `wrapped`: the lines of this file have a
/// wrapper; one without is the rest of a cut one, whatever it looks like. `last`: the file ends with these bytes.
pub(super) fn head(region: &[u8], wrapped: bool, last: bool) -> (usize, bool) {
    let mut at = 0;
    for _ in 0..RECORD_LINES {
        let rest = region.get(at..).unwrap_or_default();
        if rest.is_empty() {
            return (region.len(), last);
        }
        if at > RECORD_BYTES {
            break;
        }
        let length = memchr(b'\n', rest).unwrap_or(rest.len());
        let line = rest.get(..length).unwrap_or_default();
        let whole = at > 0 || !log::starts_by_words(line);
        if whole && log::starts_record_in(line, wrapped) {
            return (at, true);
        }
        at = at.saturating_add(length).saturating_add(1);
    }
    (at.min(region.len()).min(RECORD_BYTES), false)
}

/// Whether a file begins within a goroutine dump.
pub(super) fn is_stack(region: &[u8]) -> bool {
    region
        .split(|b| *b == b'\n')
        .take(8)
        .any(|line| log::is_dump_line(log::payload_of(line)))
}

/// Where the last record of the lines begins; their end when none is in reach.
pub(super) fn last_record(lines: &[u8]) -> usize {
    let mut end = lines.len().saturating_sub(1);
    for _ in 0..RECORD_LINES {
        let start = memrchr(b'\n', lines.get(..end).unwrap_or_default()).map_or(0, |p| p + 1);
        if log::starts_record(lines.get(start..end).unwrap_or_default()) {
            return start;
        }
        if start == 0 || lines.len() - start > RECORD_BYTES {
            return lines.len();
        }
        end = start - 1;
    }
    lines.len()
}
