//! Puts the lines of one process together into dumps.
//!
//! A goroutine begins at its header, whatever stands before; lines that are neither frames nor headers are
//! passed over (other goroutines and processes write to the same stream), and a long run of them ends the dump.

use rustc_hash::FxHashSet;

use super::intern::Interner;
use super::line::{Header, Line, classify};
use super::whose;
use crate::base::text;
use crate::model::dump::{Dump, DumpKind, Goroutine, Symbol};
use crate::model::{Place, Quote};

/// So many lines in a row that belong to no stack end a dump.
const FOREIGN_LIMIT: u32 = 200;
/// A prelude (`panic: …`) without a goroutine within so many lines announces nothing.
const PRELUDE_PATIENCE: u32 = 64;
/// Lines of prelude that are kept.
const PRELUDE_LIMIT: usize = 8;
/// The runtime prints 100 frames; race reports and other printers may print more.
const FRAME_LIMIT: usize = 10_000;
/// Longest wrapped line that is put together again.
const TORN_LIMIT: usize = 8 << 10;
/// Dumps of one goroutine kept of one stream: a log may hold one behind every failed request.
const SINGLE_LIMIT: usize = 64;

/// The reading of one process's lines.
#[derive(Debug, Default)]
pub(super) struct Machine {
    dump: Dump,
    open: bool,
    names: Interner,
    ids: FxHashSet<u64>,
    current: Option<Goroutine>,
    /// A function line that waits for its file line.
    pending: Option<(Symbol, Place)>,
    pending_args: Vec<u8>,
    creator: Option<Symbol>,
    /// Frames belong to an ancestor or to the scheduler.
    aside: bool,
    torn: Vec<u8>,
    foreign: u32,
    announced: Option<DumpKind>,
    prelude: Vec<Quote>,
    ended: bool,
    singles: usize,
    done: Vec<Dump>,
}

impl Machine {
    /// Whether lines are expected: a dump is open or announced.
    pub(super) fn is_active(&self) -> bool {
        self.open || !self.prelude.is_empty()
    }

    /// Whose lines these are, for the dump that begins next.
    pub(super) fn dump_mut(&mut self) -> &mut Dump {
        &mut self.dump
    }

    /// The dumps that ended.
    pub(super) fn take(&mut self) -> Vec<Dump> {
        std::mem::take(&mut self.done)
    }

    /// Reads one line without its wrapping. `true`: the line belongs to a dump or announces one.
    pub(super) fn line(&mut self, place: Place, line: &[u8]) -> bool {
        if !self.torn.is_empty() {
            let mut whole = std::mem::take(&mut self.torn);
            let fits = whole.len().saturating_add(line.len()) <= TORN_LIMIT;
            if fits && !matches!(classify(line), Line::Header(_) | Line::Created(..)) {
                whole.extend_from_slice(line);
                if matches!(classify(&whole), Line::Function(..) | Line::File(_)) {
                    return self.known(place, &whole);
                }
            }
        }
        self.known(place, line)
    }

    fn known(&mut self, place: Place, line: &[u8]) -> bool {
        if self.open && self.dump.kind == DumpKind::Aggregated && self.aggregated(place, line) {
            self.foreign = 0;
            return true;
        }
        let seen = match classify(line) {
            Line::Header(h) => {
                self.header(place, &h);
                true
            }
            Line::Function(name, args) if self.current.is_some() => {
                self.commit(b"");
                let name = self.names.path(&mut self.dump.stacks, name);
                self.pending = Some((name, place));
                self.pending_args.clear();
                self.pending_args.extend_from_slice(args);
                true
            }
            Line::File(location) if self.current.is_some() => {
                self.file(location);
                true
            }
            Line::Created(name, parent) if self.current.is_some() => {
                self.commit(b"");
                let name = self.names.path(&mut self.dump.stacks, name);
                self.creator = Some(name);
                if let Some(g) = &mut self.current {
                    g.parent = parent;
                }
                true
            }
            Line::Elided => {
                if let Some(g) = &mut self.current {
                    g.elided = true;
                }
                self.open
            }
            Line::Unavailable => {
                if let Some(g) = &mut self.current {
                    g.unavailable = true;
                }
                self.open
            }
            Line::Aside => {
                self.aside = self.open;
                self.pending = None;
                self.open
            }
            Line::Torn if self.open => {
                self.torn.extend_from_slice(line);
                true
            }
            Line::Blank => {
                self.pending = None;
                return self.open;
            }
            _ => return self.other(place, line),
        };
        if seen {
            self.foreign = 0;
        }
        seen
    }

    fn other(&mut self, place: Place, line: &[u8]) -> bool {
        let text = line.trim_ascii();
        if text.starts_with(b"goroutine profile: total ") {
            self.close(false);
            self.begin(place);
            self.dump.kind = DumpKind::Aggregated;
            return true;
        }
        if text.starts_with(b"=== END goroutine stack dump") {
            self.ended = true;
            self.close(false);
            return true;
        }
        if let Some(kind) = announces(text) {
            if !self.dump.goroutines.is_empty() || self.current.is_some() {
                self.close(false);
            }
            if self.announced.is_none_or(|k| k == DumpKind::Exit) {
                self.announced = Some(kind);
            }
            if self.prelude.len() < PRELUDE_LIMIT {
                self.prelude.push(Quote {
                    place,
                    text: text::quote(text),
                    time: None,
                });
            }
            if kind == DumpKind::Race {
                self.begin(place);
            }
            self.foreign = 0;
            return true;
        }
        if self.open && self.dump.kind == DumpKind::Race {
            return self.race(place, text);
        }
        self.foreign = self.foreign.saturating_add(1);
        if self.open {
            if self.foreign > FOREIGN_LIMIT {
                self.close(false);
            }
        } else if self.foreign > PRELUDE_PATIENCE {
            self.prelude.clear();
            self.announced = None;
        }
        false
    }

    fn begin(&mut self, place: Place) {
        self.open = true;
        self.foreign = 0;
        self.ended = false;
        self.ids.clear();
        self.names.begin(&mut self.dump.stacks);
        self.dump.place = self.prelude.first().map_or(place, |q| q.place);
        self.dump.prelude = std::mem::take(&mut self.prelude);
        self.dump.kind = self.announced.take().unwrap_or_default();
    }

    fn header(&mut self, place: Place, header: &Header<'_>) {
        self.end_goroutine();
        if self.open && self.starts_anew(header) {
            self.close(false);
        }
        if !self.open {
            self.begin(place);
        }
        self.ids.insert(header.id);
        let mut g = Goroutine::new(header.id, place, self.dump.stacks.frame_count());
        g.state = self.names.text(&mut self.dump.stacks, header.state);
        g.minutes = header.minutes;
        g.locked = header.locked;
        g.leaked = header.leaked;
        self.current = Some(g);
    }

    /// Whether this header begins the next dump of the stream: goroutine 1 (or 0) again, or a second goroutine
    /// that prints the stacks where only one can. The printing goroutine of a next dump whose first lines are lost
    /// is read as the end of this one, which does no harm.
    fn starts_anew(&self, header: &Header<'_>) -> bool {
        if header.id <= 1 && self.ids.contains(&header.id) {
            return true;
        }
        let printed_by_one = matches!(
            self.dump.kind,
            DumpKind::Plain | DumpKind::Exit | DumpKind::Requested
        );
        printed_by_one
            && header.state == b"running"
            && self
                .dump
                .goroutines
                .first()
                .is_some_and(|g| self.dump.state(g) == "running")
    }

    fn file(&mut self, location: &[u8]) {
        if let Some(name) = self.creator.take() {
            let location = self.names.path(&mut self.dump.stacks, location);
            let site = self.names.site(&mut self.dump.stacks, name, location);
            if let Some(g) = &mut self.current {
                g.creator = Some(site);
            }
        } else {
            self.commit(location);
        }
    }

    /// Adds the pending function as a frame, with its location or without (its file line is lost).
    fn commit(&mut self, location: &[u8]) {
        if let Some(name) = self.creator.take() {
            let none = self.names.path(&mut self.dump.stacks, b"");
            let site = self.names.site(&mut self.dump.stacks, name, none);
            if let Some(g) = &mut self.current {
                g.creator = Some(site);
            }
        }
        let Some((name, place)) = self.pending.take() else {
            return;
        };
        let Some(g) = self.current.filter(|_| !self.aside) else {
            return;
        };
        let location = self.names.path(&mut self.dump.stacks, location);
        let site = self.names.site(&mut self.dump.stacks, name, location);
        if self.frames_of_current() < FRAME_LIMIT {
            self.dump
                .stacks
                .add_frame(site, &self.pending_args, place, g.place);
        }
    }

    fn frames_of_current(&self) -> usize {
        let start = self.current.map_or(0, |g| g.start());
        self.dump.stacks.frame_count().saturating_sub(start)
    }

    fn end_goroutine(&mut self) {
        if self.creator.is_some() {
            self.commit(b"");
        }
        self.pending = None;
        self.aside = false;
        if let Some(mut g) = self.current.take() {
            g.close(self.dump.stacks.frame_count());
            self.dump.goroutines.push(g);
        }
    }

    /// `400 @ 0x43e2a6 …`, `#\t0x46b204\tsync.(*Mutex).lockSlow+0x164\t\t/usr/…/mutex.go:171`.
    fn aggregated(&mut self, place: Place, line: &[u8]) -> bool {
        let mut words = line
            .split(u8::is_ascii_whitespace)
            .filter(|w| !w.is_empty());
        let (Some(first), Some(second)) = (words.next(), words.next()) else {
            return line.trim_ascii().is_empty();
        };
        if second == b"@" {
            let Some(count) = str::from_utf8(first).ok().and_then(|t| t.parse().ok()) else {
                return false;
            };
            self.end_goroutine();
            let mut g = Goroutine::new(0, place, self.dump.stacks.frame_count());
            g.count = count;
            self.current = Some(g);
            return true;
        }
        if first != b"#" {
            return false;
        }
        if !second.starts_with(b"0x") {
            return second == b"labels:";
        }
        let (Some(function), Some(location), Some(g)) = (words.next(), words.next(), self.current)
        else {
            return true;
        };
        let name = memchr::memmem::rfind(function, b"+0x")
            .and_then(|i| function.get(..i))
            .unwrap_or(function);
        let name = self.names.path(&mut self.dump.stacks, name);
        let location = self.names.path(&mut self.dump.stacks, location);
        let site = self.names.site(&mut self.dump.stacks, name, location);
        if self.frames_of_current() < FRAME_LIMIT {
            self.dump.stacks.add_frame(site, b"", place, g.place);
        }
        true
    }

    /// `Write at 0x00c000012345 by goroutine 7:`, `Goroutine 7 (running) created at:`.
    fn race(&mut self, place: Place, text: &[u8]) -> bool {
        if text.starts_with(b"==================") {
            self.close(false);
            return true;
        }
        let text = String::from_utf8_lossy(text);
        if let Some((access, who)) = text
            .strip_suffix(':')
            .filter(|t| t.contains(" at 0x"))
            .and_then(|t| t.split_once(" by "))
        {
            let id = who
                .strip_prefix("goroutine ")
                .map_or(Some(1), |n| n.parse().ok());
            let access = access.split(" at 0x").next().unwrap_or(access);
            let state = format!("race: {}", access.to_lowercase());
            self.end_goroutine();
            let mut g = Goroutine::new(id.unwrap_or(0), place, self.dump.stacks.frame_count());
            g.state = self.names.text(&mut self.dump.stacks, state.as_bytes());
            self.current = Some(g);
            return true;
        }
        if text.starts_with("Goroutine ") && text.ends_with("created at:") {
            self.end_goroutine();
            return true;
        }
        false
    }

    /// Ends the open dump. `cut`: the text ended in the middle.
    pub(super) fn close(&mut self, cut: bool) {
        let torn = self.pending.is_some() || !self.torn.is_empty();
        self.torn.clear();
        self.end_goroutine();
        self.announced = None;
        self.prelude.clear();
        if !std::mem::take(&mut self.open) {
            return;
        }
        let next = Dump {
            process: self.dump.process.clone(),
            pid: self.dump.pid,
            node: self.dump.node.clone(),
            raw_time: None,
            ..Dump::default()
        };
        let mut dump = std::mem::replace(&mut self.dump, next);
        if dump.goroutines.is_empty() {
            return;
        }
        whose::judge(&mut dump, self.ended);
        dump.partial |= cut && torn;
        if dump.goroutines.len() == 1 {
            self.singles = self.singles.saturating_add(1);
            if self.singles > SINGLE_LIMIT {
                return;
            }
        }
        self.done.push(dump);
    }
}

/// Whether a line says that stacks follow, and why they are printed.
pub(super) fn announces(text: &[u8]) -> Option<DumpKind> {
    const STARTS: [(&[u8], DumpKind); 9] = [
        (b"SIGQUIT: ", DumpKind::Signal),
        (b"SIGABRT: ", DumpKind::Signal),
        (b"panic: ", DumpKind::Panic),
        (b"[signal SIG", DumpKind::Panic),
        (b"fatal error: ", DumpKind::Fatal),
        (b"SIGSEGV: ", DumpKind::Fatal),
        (b"runtime: goroutine stack exceeds", DumpKind::Fatal),
        (b"=== BEGIN goroutine stack dump", DumpKind::Requested),
        (b"WARNING: DATA RACE", DumpKind::Race),
    ];
    if let Some((_, kind)) = STARTS.iter().find(|(s, _)| text.starts_with(s)) {
        return Some(*kind);
    }
    let klog_fatal = text.first() == Some(&b'F')
        && text
            .get(1..5)
            .is_some_and(|d| d.iter().all(u8::is_ascii_digit))
        && text.get(5) == Some(&b' ');
    if klog_fatal {
        return Some(DumpKind::Exit);
    }
    let handled = [&b"Observed a panic: "[..], b"panic serving "]
        .iter()
        .any(|s| memchr::memmem::find(text, s).is_some());
    handled.then_some(DumpKind::Panic)
}
