//! Counts bytes where they enter and where they are unpacked, and stops a bomb.
//!
//! Two counts: *packed* (what the inputs hold, for the progress) and *unpacked* (what decompression makes of it). Their
//! sum has a limit, and so has the ratio of one stream: a kilobyte that becomes a terabyte is cut off as `Partial`.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::{Limits, Visitor};
use crate::base::units::human_bytes;

/// Packed bytes between two reports of progress.
const PROGRESS_STEP: u64 = 1 << 20;

/// The account of one run, shared by all threads.
pub(super) struct Account<'a> {
    limits: &'a Limits,
    visitor: &'a dyn Visitor,
    packed: AtomicU64,
    unpacked: AtomicU64,
    members: AtomicU64,
    files: AtomicU64,
    spent: AtomicBool,
}

impl<'a> Account<'a> {
    /// An account on which nothing was spent.
    pub(super) fn new(limits: &'a Limits, visitor: &'a dyn Visitor) -> Self {
        Self {
            limits,
            visitor,
            packed: AtomicU64::new(0),
            unpacked: AtomicU64::new(0),
            members: AtomicU64::new(0),
            files: AtomicU64::new(0),
            spent: AtomicBool::new(false),
        }
    }

    /// The reason to read nothing more at all, once there is one.
    pub(super) fn spent(&self) -> Option<String> {
        self.spent.load(Ordering::Relaxed).then(|| {
            format!(
                "the limit of {} read in total is reached; raise it or give fewer files",
                human_bytes(self.limits.total_bytes)
            )
        })
    }

    /// One more file, directory or link. The error is the reason to stop looking for more.
    pub(super) fn member(&self) -> Result<(), String> {
        if self.members.fetch_add(1, Ordering::Relaxed) < self.limits.members {
            return Ok(());
        }
        Err(format!(
            "the limit of {} files is reached, the rest is not read; raise it or give fewer files",
            self.limits.members
        ))
    }

    /// One more file was visited.
    pub(super) fn visited(&self) {
        let files = self.files.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let packed = self.packed.load(Ordering::Relaxed);
        self.visitor.progress(packed, files);
    }

    /// Counts `n` bytes read from an input.
    fn read(&self, n: u64) -> io::Result<()> {
        let before = self.packed.fetch_add(n, Ordering::Relaxed);
        let after = before.saturating_add(n);
        if before / PROGRESS_STEP != after / PROGRESS_STEP {
            let files = self.files.load(Ordering::Relaxed);
            self.visitor.progress(after, files);
        }
        self.check(after.saturating_add(self.unpacked.load(Ordering::Relaxed)))
    }

    /// Counts `n` bytes that came out of decompression.
    fn unpack(&self, n: u64) -> io::Result<()> {
        let after = self
            .unpacked
            .fetch_add(n, Ordering::Relaxed)
            .saturating_add(n);
        self.check(after.saturating_add(self.packed.load(Ordering::Relaxed)))
    }

    fn check(&self, total: u64) -> io::Result<()> {
        if total <= self.limits.total_bytes {
            return Ok(());
        }
        self.spent.store(true, Ordering::Relaxed);
        Err(limit(self.spent().unwrap_or_default()))
    }
}

/// A limit as a read error; [`is_limit`] tells it from damage.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct LimitReached(String);

fn limit(why: String) -> io::Error {
    io::Error::other(LimitReached(why))
}

/// Whether a read ended because of a limit, not because of the data.
pub(super) fn is_limit(error: &io::Error) -> bool {
    error
        .get_ref()
        .and_then(|e| e.downcast_ref::<LimitReached>())
        .is_some()
}

/// A file of the input itself: what is read counts as packed.
pub(super) struct Outer<'a, R> {
    /// Where the bytes come from.
    pub(super) inner: R,
    /// Who counts them.
    pub(super) account: &'a Account<'a>,
}

impl<R: Read> Read for Outer<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(into)?;
        self.account.read(n as u64)?;
        Ok(n)
    }
}

impl<R: Seek> Seek for Outer<'_, R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

/// How many bytes went into a decompressor; shared between both of its ends.
#[derive(Clone, Default)]
pub(super) struct Tally(Arc<AtomicU64>);

impl Tally {
    /// Counts `n` bytes.
    pub(super) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }
}

/// The packed end of a decompressor.
pub(super) struct Packed<R> {
    /// Where the packed bytes come from.
    pub(super) inner: R,
    /// How many there were.
    pub(super) tally: Tally,
}

impl<R: Read> Read for Packed<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(into)?;
        self.tally.add(n as u64);
        Ok(n)
    }
}

/// The unpacked end of a decompressor.
pub(super) struct Unpacked<'a, R> {
    inner: R,
    tally: Tally,
    out: u64,
    account: &'a Account<'a>,
}

impl<'a, R: Read> Unpacked<'a, R> {
    /// Judges what comes out of `inner` by what went into it.
    pub(super) fn new(inner: R, tally: Tally, account: &'a Account<'a>) -> Self {
        Self {
            inner,
            tally,
            out: 0,
            account,
        }
    }
}

impl<R: Read> Read for Unpacked<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(into)?;
        self.out = self.out.saturating_add(n as u64);
        self.account.unpack(n as u64)?;
        let packed = self.tally.0.load(Ordering::Relaxed).max(1);
        if self.out > Limits::RATIO_FROM && self.out / packed > self.account.limits.ratio {
            return Err(limit(format!(
                "it grows more than {} times when unpacked (already {} from {}), as a bomb does; unpack it by hand if it is genuine",
                self.account.limits.ratio,
                human_bytes(self.out),
                human_bytes(packed)
            )));
        }
        Ok(n)
    }
}
