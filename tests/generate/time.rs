//! The time of a generated line, in the notations that logs use. All of it lies on one day.

use std::io::{self, Write};

/// Nanoseconds of a second.
pub(crate) const SECOND: u64 = 1_000_000_000;
/// Where the bundle begins: 02:00 UTC, so that +08:00 is the same day.
pub(crate) const START: u64 = 2 * 3600 * SECOND;
/// How long it lasts.
pub(crate) const SPAN: u64 = 6 * 3600 * SECOND;

/// A moment of 20 November 2026, in nanoseconds since midnight UTC.
#[derive(Clone, Copy)]
pub(crate) struct Time {
    /// Nanoseconds since midnight UTC.
    pub(crate) ns: u64,
    /// Seconds by which local notations are ahead.
    pub(crate) ahead: u64,
}

impl Time {
    fn clock(ns: u64) -> (u64, u64, u64, u64) {
        let seconds = ns / SECOND;
        (seconds / 3600, seconds / 60 % 60, seconds % 60, ns % SECOND)
    }

    fn local(self) -> (u64, u64, u64, u64) {
        Self::clock(self.ns + self.ahead * SECOND)
    }

    /// `1120 17:06:13.398027`.
    pub(crate) fn klog(self, out: &mut Vec<u8>) -> io::Result<()> {
        let (h, m, s, ns) = self.local();
        write!(out, "1120 {h:02}:{m:02}:{s:02}.{:06}", ns / 1000)
    }

    /// `Nov 20 17:06:13`.
    pub(crate) fn short(self, out: &mut Vec<u8>) -> io::Result<()> {
        let (h, m, s, _) = self.local();
        write!(out, "Nov 20 {h:02}:{m:02}:{s:02}")
    }

    /// `2026-11-20 17:06:13.398027`.
    pub(crate) fn capnslog(self, out: &mut Vec<u8>) -> io::Result<()> {
        let (h, m, s, ns) = self.local();
        write!(out, "2026-11-20 {h:02}:{m:02}:{s:02}.{:06}", ns / 1000)
    }

    /// `2026-11-20T17:06:13.398027123Z`.
    pub(crate) fn nanos(self, out: &mut Vec<u8>) -> io::Result<()> {
        let (h, m, s, ns) = Self::clock(self.ns);
        write!(out, "2026-11-20T{h:02}:{m:02}:{s:02}.{ns:09}Z")
    }

    /// `2026-11-20T17:06:13.398027Z`.
    pub(crate) fn micros(self, out: &mut Vec<u8>) -> io::Result<()> {
        let (h, m, s, ns) = Self::clock(self.ns);
        write!(out, "2026-11-20T{h:02}:{m:02}:{s:02}.{:06}Z", ns / 1000)
    }

    /// `2026-11-20T17:06:13Z`.
    pub(crate) fn seconds(self) -> String {
        let (h, m, s, _) = Self::clock(self.ns);
        format!("2026-11-20T{h:02}:{m:02}:{s:02}Z")
    }

    /// Milliseconds since 1970.
    pub(crate) fn epoch_millis(self) -> u64 {
        1_795_132_800_000 + self.ns / 1_000_000
    }
}
