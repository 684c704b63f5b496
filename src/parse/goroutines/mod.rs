//! Reads goroutine dumps, wherever they stand: in a file of their own or in the middle of a log.
//!
//! `goroutine 203 [semacquire, 4 minutes]:` and its frames, from `pprof` (`debug=2` and `debug=1`), signals,
//! panics, runtime errors, `klog.Fatal`, the `SIGUSR1` dumps of dockerd, containerd and CRI-O, the race
//! detector; with journald, syslog, CRI, kubectl or docker wrappings, quoted into one line, cut and damaged.
//! Linear in the input; text is kept once. It does not say what the stacks mean: [`crate::infer::waits`] does.

mod era;
mod intern;
mod line;
mod machine;
pub(in crate::parse) mod peel;
mod quoted;
mod race;
mod whose;

use memchr::{memchr, memmem};

use crate::model::{Dump, Place};
use machine::Machine;

pub use whose::time_in_name;

/// Processes whose dumps may stand interleaved in one file.
const MACHINE_LIMIT: usize = 32;
/// Longest quoted dump that is put together from chunks.
const QUOTED_LIMIT: usize = 64 << 20;

/// Every dump in a text whose first byte is at `start`.
pub fn read(text: &[u8], start: Place) -> Vec<Dump> {
    let mut reader = Reader::default();
    let mut place = start;
    let mut rest = text;
    while !rest.is_empty() {
        let end = memchr(b'\n', rest).map_or(rest.len(), |i| i + 1);
        let (line, tail) = rest.split_at(end);
        reader.line(place, line);
        place.offset = place.offset.saturating_add(line.len() as u64);
        place.line = place.line.saturating_add(1);
        rest = tail;
    }
    reader.finish()
}

/// Reads line by line, for a caller that streams. Lines that belong to no dump cost one search each.
#[derive(Debug, Default)]
pub struct Reader {
    streams: Vec<Stream>,
    last: usize,
    done: Vec<Dump>,
}

/// The lines of one process.
#[derive(Debug, Default)]
struct Stream {
    key: Vec<u8>,
    machine: Machine,
    /// A prefix of no known kind that stood before a header; the lines that follow have one like it.
    literal: Vec<u8>,
    /// An escaped dump whose closing quote has not come yet, or the parts of a long line.
    quoted: Vec<u8>,
    quoted_at: Place,
    carry: Vec<u8>,
}

impl Stream {
    fn is_active(&self) -> bool {
        self.machine.is_active() || !self.quoted.is_empty() || !self.carry.is_empty()
    }
}

impl Reader {
    /// Reads the next line (with or without its line end). `true`: it belongs to a dump or announces one.
    pub fn line(&mut self, place: Place, line: &[u8]) -> bool {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if !self.is_active() && !may_begin(line) {
            return false;
        }
        let peeled = peel::peel(line);
        let Some(index) = self.stream(peeled.key, line) else {
            return false;
        };
        let Some(stream) = self.streams.get_mut(index) else {
            return false;
        };
        if !stream.is_active() {
            let dump = stream.machine.dump_mut();
            let (process, pid) = peel::owner_of(peeled.key);
            dump.process = process.filter(|_| pid.is_some());
            dump.pid = pid;
            dump.node = peel::host_of(peeled.prefix, peeled.key);
            dump.raw_time = peel::time_of(peeled.prefix)
                .or_else(|| peel::time_field(peeled.rest))
                .or_else(|| peel::json_time(line));
            if peeled.escaped && dump.pid.is_none() {
                (dump.process, dump.pid) = peel::json_owner(line);
            }
        }
        let seen = stream.feed(place, &peeled);
        self.done.append(&mut stream.machine.take());
        seen
    }

    /// Which stream a line with this key belongs to; a new one only if the line may begin a dump.
    fn stream(&mut self, key: &[u8], line: &[u8]) -> Option<usize> {
        if self.streams.get(self.last).is_some_and(|s| s.key == key) {
            return Some(self.last);
        }
        let index = match self.streams.iter().position(|s| s.key == key) {
            Some(i) => i,
            None if !may_begin(line) => return None,
            None if self.streams.len() < MACHINE_LIMIT => {
                self.streams.push(Stream {
                    key: key.to_vec(),
                    ..Stream::default()
                });
                self.streams.len() - 1
            }
            None => {
                let i = self
                    .streams
                    .iter()
                    .position(|s| !s.is_active())
                    .unwrap_or(0);
                if let Some(s) = self.streams.get_mut(i) {
                    s.machine.close(true);
                    self.done.append(&mut s.machine.take());
                    *s = Stream {
                        key: key.to_vec(),
                        ..Stream::default()
                    };
                }
                i
            }
        };
        self.last = index;
        Some(index)
    }

    /// Whether a dump is open or announced, so that the next lines may belong to it.
    pub fn is_active(&self) -> bool {
        self.streams.iter().any(Stream::is_active)
    }

    /// The dumps that have ended so far.
    pub fn take(&mut self) -> Vec<Dump> {
        std::mem::take(&mut self.done)
    }

    /// All dumps, in the order of their places.
    pub fn finish(mut self) -> Vec<Dump> {
        for stream in &mut self.streams {
            stream.flush_quoted(true);
            stream.machine.close(true);
            self.done.append(&mut stream.machine.take());
        }
        self.done.sort_by_key(|d| d.place);
        self.done
    }
}

impl Stream {
    fn feed(&mut self, place: Place, peeled: &peel::Peeled<'_>) -> bool {
        if peeled.escaped {
            let mut plain = Vec::new();
            quoted::unescape(peeled.rest, &mut plain);
            let text = plain.strip_suffix(b"\n").unwrap_or(&plain);
            return self.part(place, text, peeled.continued);
        }
        self.part(place, peeled.rest, peeled.continued)
    }

    /// A line, or a part of one that the container runtime has split.
    fn part(&mut self, place: Place, text: &[u8], continued: bool) -> bool {
        if continued || !self.carry.is_empty() {
            if self.carry.len().saturating_add(text.len()) > QUOTED_LIMIT {
                self.carry.clear();
                return false;
            }
            self.carry.extend_from_slice(text);
            if continued {
                return true;
            }
            let whole = std::mem::take(&mut self.carry);
            return self.text(place, &whole);
        }
        self.text(place, text)
    }

    fn text(&mut self, place: Place, text: &[u8]) -> bool {
        if !self.quoted.is_empty() {
            if !quoted::begins_record(text) {
                return self.continue_quoted(text);
            }
            // The end of the quoted dump is lost.
            self.flush_quoted(true);
        }
        if quoted::find(text).is_some() {
            return self.begin_quoted(place, text);
        }
        let text = self.without_literal(text);
        if text.ends_with(b"]:")
            && text.first() != Some(&b'g')
            && let Some(i) = memmem::find(text, b"goroutine ")
            && i > 0
            && i <= 200
            && text.get(i..).and_then(line::header).is_some()
        {
            let (prefix, rest) = text.split_at(i);
            if prefix.trim_ascii().is_empty() {
                return self.machine.line(place, text);
            }
            self.literal = prefix.to_vec();
            return self.machine.line(place, rest);
        }
        self.machine.line(place, text)
    }

    /// Without a prefix like the one before the last header: the same text, but for digits (times, counters).
    fn without_literal<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        if self.literal.is_empty() {
            return text;
        }
        let like = |(a, b): (&u8, &u8)| a == b || a.is_ascii_digit() && b.is_ascii_digit();
        let bare = self.literal.trim_ascii_end();
        if text.len() < self.literal.len() {
            // An empty line whose prefix lost its last blank.
            let empty = text.len() == bare.len() && text.iter().zip(bare).all(like);
            return if empty { b"" } else { text };
        }
        let (head, rest) = text.split_at(self.literal.len());
        if head.iter().zip(&self.literal).all(like) {
            rest
        } else {
            text
        }
    }

    /// `… msg="=== BEGIN goroutine stack dump ===\ngoroutine 36 [running]:\n…`
    fn begin_quoted(&mut self, place: Place, text: &[u8]) -> bool {
        let start = quoted::find(text).unwrap_or(0);
        let value = text.get(start..).unwrap_or(b"");
        let Some(end) = quoted::closing(value) else {
            self.quoted.extend_from_slice(value);
            self.quoted_at = place;
            return true;
        };
        self.unquoted(place, value.get(..end).unwrap_or(b""), false)
    }

    fn continue_quoted(&mut self, text: &[u8]) -> bool {
        if self.quoted.len().saturating_add(text.len()) > QUOTED_LIMIT {
            self.flush_quoted(true);
            return false;
        }
        // The cut may have parted a backslash from what it escapes.
        let parted = quoted::ends_in_escape(&self.quoted);
        let rest = text.get(usize::from(parted)..).unwrap_or(b"");
        let end = quoted::closing(rest).map(|i| i + usize::from(parted));
        self.quoted
            .extend_from_slice(text.get(..end.unwrap_or(text.len())).unwrap_or(text));
        if end.is_some() {
            let whole = std::mem::take(&mut self.quoted);
            return self.unquoted(self.quoted_at, &whole, false);
        }
        true
    }

    fn flush_quoted(&mut self, cut: bool) {
        if !self.quoted.is_empty() {
            let whole = std::mem::take(&mut self.quoted);
            self.unquoted(self.quoted_at, &whole, cut);
        }
    }

    /// Reads an escaped dump; all its lines stand at one place. What was quoted twice has one line that is quoted still.
    fn unquoted(&mut self, place: Place, value: &[u8], cut: bool) -> bool {
        let mut plain = Vec::with_capacity(value.len());
        quoted::unescape(value, &mut plain);
        let mut seen = false;
        let mut again = Vec::new();
        for line in plain.split(|b| *b == b'\n') {
            if let Some(start) = quoted::find(line) {
                let inner = line.get(start..).unwrap_or(b"");
                let end = quoted::closing(inner).unwrap_or(inner.len());
                again.clear();
                quoted::unescape(inner.get(..end).unwrap_or(inner), &mut again);
                for line in again.split(|b| *b == b'\n') {
                    seen |= self.machine.line(place, line);
                }
            } else {
                seen |= self.machine.line(place, line);
            }
        }
        if cut {
            self.machine.lost_its_end();
        }
        self.machine.close(false);
        seen
    }
}

/// Whether a line may begin a dump: a cheap search that ordinary log lines fail.
pub fn may_begin(line: &[u8]) -> bool {
    if memmem::find(line, b"goroutine ").is_some() {
        return true;
    }
    let peeled = match line.first() {
        Some(b'A'..=b'Z' | b'0'..=b'9' | b'<' | b'[' | b'{') => peel::peel(line),
        _ => peel::Peeled {
            rest: line,
            ..peel::Peeled::default()
        },
    };
    machine::announces(peeled.rest.trim_ascii_start()).is_some()
}

#[cfg(test)]
mod tests;
