//! One file of the bundle: what it is, whose it is, which clock it has, what it covers.

use std::collections::BTreeMap;

use super::component::Component;
use crate::base::time::{Doubt, Instant, MINUTE, RawStamp, SECOND, Stamp, StampBasis, civil};

/// Index of a source within one run. Sources are numbered in path order, so it is stable for one bundle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u32);

/// What kind of content a source has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourceKind {
    /// Lines of a log, whatever the wrapping.
    Log,
    /// API objects as JSON or YAML (also Lists, Events, Tables).
    Objects,
    /// A kubectl table.
    Table,
    /// A `kubectl describe` output.
    Describe,
    /// A process list.
    Processes,
    /// A goroutine dump.
    Goroutines,
    /// Certificates (PEM, or `openssl x509 -text`).
    Certificates,
    /// Output of a host command, or sections of several (`-----run`).
    Host,
    /// An archive that was opened.
    Archive,
    /// Not text.
    Binary,
    /// Nothing in it.
    Empty,
    /// Text that no format claims.
    Text,
}

impl SourceKind {
    /// The word for a report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Objects => "objects",
            Self::Table => "table",
            Self::Describe => "describe",
            Self::Processes => "processes",
            Self::Goroutines => "goroutines",
            Self::Certificates => "certificates",
            Self::Host => "host",
            Self::Archive => "archive",
            Self::Binary => "binary",
            Self::Empty => "empty",
            Self::Text => "text",
        }
    }
}

/// How the reading of a source ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Read to the end.
    Read,
    /// Read in part (truncated, limit reached, damaged tail).
    Partial,
    /// Left out on purpose (a link, a duplicate, binary, over a limit).
    Skipped,
    /// Could not be read.
    Failed,
}

impl Status {
    /// The word for a report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Partial => "partial",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }
}

/// Whose lines these are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Who wrote it.
    pub component: Component,
    /// The node (machine) it was written on.
    pub node: Option<String>,
    /// Namespace of the pod it comes from.
    pub namespace: Option<String>,
    /// Name of the pod it comes from.
    pub pod: Option<String>,
    /// Name of the container it comes from.
    pub container: Option<String>,
}

impl Default for Scope {
    fn default() -> Self {
        Self {
            component: Component::UNKNOWN,
            node: None,
            namespace: None,
            pod: None,
            container: None,
        }
    }
}

/// How sure a conclusion is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// Little speaks for it.
    Low,
    /// More speaks for it than against it.
    Medium,
    /// The evidence decides.
    High,
}

impl Confidence {
    /// The word for a report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// Year, zone and boot time of a source, and from what they are known.
#[derive(Clone, Debug, PartialEq)]
pub struct Clock {
    /// Offset of the local readings from UTC, in seconds (east positive).
    pub zone: Option<i32>,
    /// Year of the first local reading.
    pub year: Option<i32>,
    /// The moment of boot, for kernel stamps.
    pub boot: Option<Instant>,
    /// When the output was collected, for ages and states.
    pub collected: Option<Instant>,
    /// From what: one sentence.
    pub basis: String,
    /// How sure.
    pub confidence: Confidence,
    /// By how much it is off, where something shows that.
    pub skew: Option<Skew>,
}

/// By how much the clock of a machine is off against that of the API server, and from what that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skew {
    /// Number of the machine, from 1.
    pub machine: u32,
    /// Nanoseconds that it is ahead (negative: behind).
    pub ahead: i64,
    /// Half-width of the error bar in nanoseconds.
    pub err: i64,
    /// The evidence does not decide: nothing is taken off, and the order against other machines is unclear.
    pub doubtful: bool,
    /// Readings after this one are right: the clock was moved. `None`: it holds for all.
    pub until: Option<Instant>,
    /// From what: a part of a sentence.
    pub basis: String,
    /// How sure.
    pub confidence: Confidence,
}

impl Skew {
    /// Nanoseconds to take off a reading of this clock.
    pub fn taken_off(&self) -> i64 {
        if self.doubtful { 0 } else { self.ahead }
    }

    /// What a reading of this clock means on the clock of the API server.
    #[must_use]
    pub fn corrected(&self, read: Stamp) -> Stamp {
        if self.until.is_some_and(|until| read.at > until) {
            return read;
        }
        let ns = if self.doubtful {
            self.ahead.saturating_abs().saturating_add(self.err)
        } else {
            self.err
        };
        Stamp {
            at: read.at.plus(self.taken_off().saturating_neg()),
            basis: read.basis.max(StampBasis::Solved),
            doubt: Doubt {
                ns,
                machine: self.machine,
            },
            ..read
        }
    }
}

impl Clock {
    /// The instant of a reading under this clock, what the clock is off taken away; `None` when the clock does not tell.
    pub fn stamp(&self, reading: RawStamp) -> Option<Stamp> {
        self.stamp_in(reading, |_| self.zone)
    }

    /// The same with another zone: seconds east of UTC on the day of the reading, for its year.
    pub fn stamp_in(
        &self,
        reading: RawStamp,
        zone: impl FnOnce(i32) -> Option<i32>,
    ) -> Option<Stamp> {
        let read = self.shown(reading, zone)?;
        let Some(skew) = &self.skew else {
            return Some(read);
        };
        let corrected = skew.corrected(read);
        Some(match reading {
            // The moment of collection has been corrected.
            RawStamp::Ago { .. } => Stamp {
                at: read.at,
                ..corrected
            },
            _ => corrected,
        })
    }

    /// The instant that the clock showed.
    fn shown(&self, reading: RawStamp, zone: impl FnOnce(i32) -> Option<i32>) -> Option<Stamp> {
        let basis = if self.confidence == Confidence::Low {
            StampBasis::Guessed
        } else {
            StampBasis::Solved
        };
        let (at, err, basis) = match reading {
            RawStamp::Utc { ns, res } => return Some(Stamp::exact(Instant(ns), res / 2)),
            RawStamp::Local {
                year,
                month,
                day,
                ns,
                res,
                turn,
            } => {
                let year = year.or_else(|| self.year?.checked_add(i32::from(turn)))?;
                let offset = i64::from(zone(year)?).checked_mul(SECOND)?;
                let at = civil(year, month, day, ns)?.checked_sub(offset)?;
                (Instant(at), res / 2, basis)
            }
            // uptime prints minutes, and the kernel's clock drifts.
            RawStamp::Boot { ns } => (self.boot?.plus(ns), MINUTE, StampBasis::Solved),
            RawStamp::Ago { ns, res } => {
                let ago = ns.saturating_add(res / 2);
                let at = self.collected?.plus(ago.saturating_neg());
                (at, (res / 2).max(SECOND), basis)
            }
        };
        Some(Stamp {
            at,
            err,
            basis,
            doubt: Doubt::default(),
        })
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            zone: None,
            year: None,
            boot: None,
            collected: None,
            basis: String::from("nothing tells the clock"),
            confidence: Confidence::Low,
            skew: None,
        }
    }
}

/// A stretch of a source in which it printed nothing, longer than its habit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Last reading before.
    pub from: RawStamp,
    /// First reading after.
    pub to: RawStamp,
    /// Line number of the last line before.
    pub line: u64,
    /// Byte offset of that line.
    pub offset: u64,
}

/// What a source covers.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    /// Physical lines.
    pub lines: u64,
    /// Bytes after decompression.
    pub bytes: u64,
    /// Earliest reading seen.
    pub first: Option<RawStamp>,
    /// Latest reading seen.
    pub last: Option<RawStamp>,
    /// Where these are of lines without an offset, but most lines have one (a component prints klog until its options are
    /// read, then JSON): the earliest and the latest of those.
    pub with_offset: Option<(RawStamp, RawStamp)>,
    /// Lines by severity letter (`I W E F`), where the format tells.
    pub levels: BTreeMap<char, u64>,
    /// Longest pauses, at most a handful, longest first.
    pub pauses: Vec<Pause>,
    /// Highest verbosity that its start-up flags name (`--v`).
    pub verbosity: Option<u8>,
    /// Whether its last line had no line end (cut in the middle).
    pub cut: bool,
}

/// One file of the bundle.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its number.
    pub id: SourceId,
    /// Virtual path: `outer.tar.gz!node1/kubelet.log`.
    pub path: String,
    /// What it is.
    pub kind: SourceKind,
    /// Its layers of format from the outside in (`journald`, `klog`).
    pub formats: Vec<&'static str>,
    /// Why it was taken for that: one sentence.
    pub why: String,
    /// Whose it is.
    pub scope: Scope,
    /// Its clock.
    pub clock: Clock,
    /// What it covers.
    pub coverage: Coverage,
    /// How the reading ended.
    pub status: Status,
    /// What to know about it (an error, a reason, a warning).
    pub note: String,
}

impl Source {
    /// First and last moment it covers, `at` giving the moment of a reading.
    pub fn covers(&self, at: impl Fn(RawStamp) -> Option<Stamp>) -> (Option<Stamp>, Option<Stamp>) {
        let (from, to) = self.coverage.with_offset.unzip();
        let of = |own: Option<RawStamp>, other: Option<RawStamp>| {
            [own, other].map(|reading| reading.and_then(&at))
        };
        let first = of(self.coverage.first, from).into_iter().flatten();
        let last = of(self.coverage.last, to).into_iter().flatten();
        (first.min_by_key(|s| s.at), last.max_by_key(|s| s.at))
    }
}
