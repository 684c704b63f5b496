//! The result of one run: everything a report is made from.

use super::component::Component;
use super::dump_note::DumpNote;
use super::entity::Topology;
use super::fact::{Fact, Quote};
use super::incident::Incident;
use super::source::{Confidence, Source};
use crate::base::time::{Instant, Stamp};

/// One run over one bundle. Order is final: sources by path, facts by (time, path, offset), incidents by
/// severity, then score.
#[derive(Debug, Default)]
pub struct Analysis {
    /// What was sent.
    pub bundle: Bundle,
    /// Every file, also those left out. Index = `SourceId`.
    pub sources: Vec<Source>,
    /// Every fact. Index = `FactId`.
    pub facts: Vec<Fact>,
    /// What went wrong.
    pub incidents: Vec<Incident>,
    /// Frequent error lines that no rule knows.
    pub unexplained: Vec<Unexplained>,
    /// Goroutine dumps, in short.
    pub dumps: Vec<DumpNote>,
    /// How things hang together.
    pub topology: Topology,
    /// What the reader should know about the run (limits reached, clocks guessed).
    pub warnings: Vec<String>,
    /// Number of rules that were loaded.
    pub rules: usize,
    /// Digest over the rules (hexadecimal SHA-256).
    pub rules_digest: String,
}

/// What was sent.
#[derive(Clone, Debug, Default)]
pub struct Bundle {
    /// Name of the input (file name; several are joined by ` + `).
    pub name: String,
    /// Layout that was recognised (`must-gather`, `sosreport`, …, `unknown`).
    pub kind: String,
    /// Digest over paths and contents (hexadecimal SHA-256).
    pub sha256: String,
    /// Files, archives not counted.
    pub artifacts: u64,
    /// Bytes after decompression.
    pub bytes: u64,
    /// Lines.
    pub lines: u64,
    /// Earliest and latest time in the bundle.
    pub window: (Option<Instant>, Option<Instant>),
    /// The clocks that were solved, one per group of sources that share it.
    pub clocks: Vec<ClockNote>,
}

/// How the clock of a group of sources was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClockNote {
    /// The source, or the node that shares the clock.
    pub artifact: String,
    /// `UTC`, `+08:00`, or `unknown`.
    pub timezone: String,
    /// Year of the first line, where known.
    pub year: Option<i32>,
    /// From what.
    pub basis: String,
    /// How sure.
    pub confidence: Confidence,
    /// Nanoseconds that the clock was ahead of the API server's (negative: behind), where that was taken off.
    pub skew: Option<i64>,
}

/// A frequent or new kind of error line that no rule knows.
#[derive(Clone, Debug)]
pub struct Unexplained {
    /// The line with its variable parts replaced by `<*>`.
    pub template: String,
    /// Who prints it.
    pub component: Component,
    /// How often.
    pub count: u64,
    /// First time.
    pub first: Option<Stamp>,
    /// Last time.
    pub last: Option<Stamp>,
    /// Why it is shown: a sentence.
    pub why: String,
    /// A few of the lines.
    pub evidence: Vec<Quote>,
}
