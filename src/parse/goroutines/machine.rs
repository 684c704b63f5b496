//! Puts the lines of one process together into dumps.
//!
//! A goroutine begins at its header, whatever stands before; lines that are neither frames nor headers are
//! passed over (other goroutines and processes write to the same stream), and a long run of them ends the dump.

use rustc_hash::FxHashSet;

use super::intern::Interner;
use super::line::{self, Header, Line, classify};
use super::race::{Race, Said};
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
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent marks of what was read"
)]
pub(super) struct Machine {
    dump: Dump,
    open: bool,
    names: Interner,
    ids: FxHashSet<u64>,
    current: Option<Goroutine>,
    /// A function line that waits for its file line.
    pending: Option<(Symbol, Place)>,
    pending_args: Vec<u8>,
    /// A blank line stands behind the function line: only its file line may follow.
    parted: bool,
    creator: Option<Symbol>,
    /// Frames belong to an ancestor or to the scheduler.
    aside: bool,
    /// The first half of a line that was wrapped or cut, and where it stands.
    torn: Vec<u8>,
    torn_at: Place,
    race: Race,
    /// The stacks of further threads follow in the same dump (`GOTRACEBACK=crash`).
    more_threads: bool,
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

    /// The rest of the open dump is missing.
    pub(super) fn lost_its_end(&mut self) {
        self.dump.partial |= self.open;
    }

    /// The dumps that ended.
    pub(super) fn take(&mut self) -> Vec<Dump> {
        std::mem::take(&mut self.done)
    }

    /// Reads one line without its wrapping. `true`: the line belongs to a dump or announces one.
    pub(super) fn line(&mut self, place: Place, line: &[u8]) -> bool {
        if !self.torn.is_empty() {
            let torn = std::mem::take(&mut self.torn);
            if let Some(whole) = joined(&torn, line) {
                return self.known(self.torn_at, &whole);
            }
            // Cut rather than wrapped: a function whose arguments or place were lost is still a frame.
            if torn.trim_ascii_start().starts_with(b"/") {
                self.commit(b"");
            } else if let (Some((name, args)), Line::File(_)) =
                (line::cut_function(&torn), classify(line))
            {
                self.function(self.torn_at, name, args);
            }
        }
        self.known(place, line)
    }

    fn tear(&mut self, place: Place, line: &[u8]) {
        self.torn.extend_from_slice(line);
        self.torn_at = place;
    }

    fn function(&mut self, place: Place, name: &[u8], args: &[u8]) {
        self.commit(b"");
        let name = self.names.path(&mut self.dump.stacks, name);
        self.pending = Some((name, place));
        self.pending_args.clear();
        self.pending_args.extend_from_slice(args);
    }

    fn known(&mut self, place: Place, line: &[u8]) -> bool {
        if self.open && self.dump.kind == DumpKind::Aggregated && self.aggregated(place, line) {
            self.foreign = 0;
            return true;
        }
        let line_is = classify(line);
        if !matches!(line_is, Line::Blank | Line::File(_)) && std::mem::take(&mut self.parted) {
            self.pending = None;
        }
        let seen = match line_is {
            Line::Header(h) => {
                self.header(place, &h);
                true
            }
            Line::Function(name, args) if self.current.is_some() => {
                self.function(place, name, args);
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
                self.tear(place, line);
                true
            }
            Line::Other if self.expects_function() && line::is_name_piece(line) => {
                self.tear(place, line);
                true
            }
            Line::Blank => {
                self.parted = self.pending.is_some();
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
        if text == b"-----" && self.dump.kind == DumpKind::Signal {
            self.more_threads = self.open;
            return self.open;
        }
        if let Some(kind) = announces(text) {
            if self.more_threads && kind == DumpKind::Signal {
                return true;
            }
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
            return self.race(place, line);
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
        self.more_threads = false;
        self.race = Race::default();
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
        self.ids.extend(header.id);
        let start = self.dump.stacks.frame_count();
        let mut g = Goroutine::new(header.id.unwrap_or(0), place, start);
        g.state = self.names.text(&mut self.dump.stacks, header.state);
        if !header.labels.is_empty() {
            g.labels = self.names.text(&mut self.dump.stacks, header.labels);
            self.dump.go.not_before(26);
        }
        if header.internals {
            self.dump.go.not_before(23);
        }
        g.minutes = header.minutes;
        g.locked = header.locked;
        g.leaked = header.leaked;
        self.current = Some(g);
    }

    /// Whether this header begins the next dump of the stream: goroutine 1 (or 0) again, or a second goroutine
    /// that prints the stacks where only one can. The printing goroutine of a next dump whose first lines are lost
    /// is read as the end of this one, which does no harm.
    fn starts_anew(&self, header: &Header<'_>) -> bool {
        if matches!(self.dump.kind, DumpKind::Aggregated | DumpKind::Race) {
            return true;
        }
        if header
            .id
            .is_some_and(|id| id <= 1 && self.ids.contains(&id))
        {
            return !self.more_threads;
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
        self.parted = false;
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
        } else if let Some(g) = &mut self.current {
            g.elided = true;
        }
    }

    /// Whether the next line of the stack is a function.
    fn expects_function(&self) -> bool {
        self.open && self.current.is_some() && self.pending.is_none() && self.creator.is_none()
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
        if second == b"labels:" {
            if let Some(g) = &mut self.current {
                let at = memchr::memchr(b'{', line).map_or(line.len(), |i| i + 1);
                let text = line.get(at..).unwrap_or(b"").trim_ascii_end();
                let labels = text.strip_suffix(b"}").unwrap_or(text);
                g.labels = self.names.text(&mut self.dump.stacks, labels);
            }
            return true;
        }
        if !second.starts_with(b"0x") {
            return false;
        }
        let (Some((function, location)), Some(g)) = (counted_frame(line), self.current) else {
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

    /// A line of a report of the race detector that is no frame of an access.
    fn race(&mut self, place: Place, line: &[u8]) -> bool {
        match self.race.line(line) {
            Said::End => {
                self.close(false);
                true
            }
            Said::Access { id, state } => {
                self.end_goroutine();
                let mut g = Goroutine::new(id, place, self.dump.stacks.frame_count());
                g.state = self.names.text(&mut self.dump.stacks, state.as_bytes());
                self.current = Some(g);
                true
            }
            Said::Origin => {
                self.end_goroutine();
                true
            }
            Said::Creator { of, name, location } => {
                let name = self.names.path(&mut self.dump.stacks, &name);
                let location = self.names.path(&mut self.dump.stacks, location);
                let site = self.names.site(&mut self.dump.stacks, name, location);
                for g in &mut self.dump.goroutines {
                    if g.id == of && g.creator.is_none() {
                        g.creator = Some(site);
                    }
                }
                true
            }
            Said::More => true,
            Said::Nothing => false,
        }
    }

    /// Ends the open dump. `cut`: the text ended in the middle.
    pub(super) fn close(&mut self, cut: bool) {
        let torn = self.pending.is_some()
            || !self.torn.is_empty()
            || self
                .current
                .is_some_and(|g| !g.unavailable && self.frames_of_current() == 0);
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

/// The two halves of a wrapped line as one, if that makes a line of a dump. A second half that is a line of its own is
/// none, unless the first is a path that stopped in the middle.
fn joined(torn: &[u8], line: &[u8]) -> Option<Vec<u8>> {
    if torn.len().saturating_add(line.len()) > TORN_LIMIT {
        return None;
    }
    let path = torn.trim_ascii_start().first() == Some(&b'/');
    let named = line::is_name_piece(torn);
    let own = match classify(line) {
        Line::Header(_) | Line::Created(..) => true,
        Line::Function(name, _) => path || !named && !line::is_second_half(name),
        Line::File(location) => {
            !path || location.first() == Some(&b'/') && location.len() > torn.len()
        }
        _ => false,
    };
    if own {
        return None;
    }
    let mut whole = torn.to_vec();
    whole.extend_from_slice(line.strip_prefix(b"\t").unwrap_or(line));
    let fits = match classify(&whole) {
        Line::Function(name, _) => !path && !line::is_second_half(name),
        Line::File(_) => path,
        _ => false,
    };
    fits.then_some(whole)
}

/// Function and place of `#\t0x46b204\tsync.(*Mutex).lockSlow+0x164\t\t/usr/…/mutex.go:171`, with tabs or without.
fn counted_frame(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = line.trim_ascii();
    let address = memchr::memmem::find(text, b"0x")?;
    let rest = text.get(address..)?;
    let after = rest.iter().position(u8::is_ascii_whitespace)?;
    let rest = rest.get(after..)?.trim_ascii_start();
    let gap = rest.iter().rposition(u8::is_ascii_whitespace)?;
    let (name, location) = rest.split_at_checked(gap)?;
    Some((name.trim_ascii_end(), location.trim_ascii_start()))
}

/// Whether a line says that stacks follow, and why they are printed.
pub(super) fn announces(text: &[u8]) -> Option<DumpKind> {
    const STARTS: [(&[u8], DumpKind); 16] = [
        (b"SIGQUIT: ", DumpKind::Signal),
        (b"SIGABRT: ", DumpKind::Signal),
        (b"panic: ", DumpKind::Panic),
        (b"[signal SIG", DumpKind::Panic),
        (b"fatal error: ", DumpKind::Fatal),
        (b"SIGSEGV: ", DumpKind::Fatal),
        (b"SIGBUS: ", DumpKind::Fatal),
        (b"SIGILL: ", DumpKind::Fatal),
        (b"fatal: morestack on ", DumpKind::Fatal),
        (b"runtime: goroutine stack exceeds", DumpKind::Fatal),
        (b"runtime: program exceeds ", DumpKind::Fatal),
        (b"runtime: failed to create new OS thread", DumpKind::Fatal),
        (b"runtime/cgo: pthread_create failed", DumpKind::Fatal),
        (b"unexpected fault address ", DumpKind::Fatal),
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
