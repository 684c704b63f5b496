//! A goroutine dump: what every goroutine of one Go process was doing at one moment.
//!
//! A dump of a busy API server holds 100,000 goroutines in a few thousand distinct calls. Text is therefore
//! kept once ([`Stacks`]): a frame is a call site (function, file, line), where it stands in the file and where
//! its arguments stand in one common buffer; a goroutine is a range of frames. Nothing here reads or judges.

use std::fmt::Write as _;

use super::fact::{Place, Quote};
use crate::base::text;
use crate::base::time::{RawStamp, Stamp};

/// Where a dump comes from, which tells what it can say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum DumpKind {
    /// `pprof/goroutine?debug=2`, `runtime.Stack`: states, arguments, no runtime frames.
    #[default]
    Plain,
    /// `pprof/goroutine?debug=1`: counted stacks without ids, states and arguments.
    Aggregated,
    /// `SIGQUIT`, `SIGABRT`: somebody asked the process to print its stacks and end. Not a crash.
    Signal,
    /// A panic that ended the process, or that a handler printed.
    Panic,
    /// A runtime fatal error (`all goroutines are asleep`, `concurrent map writes`).
    Fatal,
    /// `klog.Fatal`: the program decided to end and printed every stack. Not a crash.
    Exit,
    /// `SIGUSR1` to containerd, dockerd or CRI-O: stacks on request, the process goes on.
    Requested,
    /// The stack of one goroutine, printed into a log.
    Stack,
    /// A report of the race detector.
    Race,
}

impl DumpKind {
    /// Whether the process ended by its own doing when it printed this (a panic, a fatal error, `klog.Fatal`).
    pub fn is_end(self) -> bool {
        matches!(self, Self::Panic | Self::Fatal | Self::Exit)
    }

    /// The word for a report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "pprof debug=2",
            Self::Aggregated => "pprof debug=1",
            Self::Signal => "signal traceback",
            Self::Panic => "panic",
            Self::Fatal => "fatal error",
            Self::Exit => "klog.Fatal traceback",
            Self::Requested => "stack dump on request",
            Self::Stack => "one stack",
            Self::Race => "race report",
        }
    }

    /// Whether it shows (nearly) all goroutines of the process, so that who waits for whom can be asked.
    pub fn is_whole(self) -> bool {
        matches!(
            self,
            Self::Plain | Self::Signal | Self::Exit | Self::Requested | Self::Fatal
        )
    }
}

/// A text of a dump, by number: equal texts of one dump have equal numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(pub u32);

/// A call site of a dump, by number: equal (function, file, line) have equal numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SiteId(pub u32);

/// A place in the program: a function, and the line within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Site {
    /// The function, with its import path.
    pub function: Symbol,
    /// `file:line` as printed, without offsets.
    pub location: Symbol,
}

/// One frame of a stack, innermost first.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// Which call.
    pub site: SiteId,
    args: u32,
    args_len: u16,
    /// Lines and bytes after the goroutine's header.
    lines: u32,
    bytes: u32,
}

/// One goroutine, or `count` equal ones in an aggregated profile.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent marks of a header, as printed"
)]
pub struct Goroutine {
    /// Its number (0 in an aggregated profile, or where it cannot be read).
    pub id: u64,
    /// How many it stands for: 1, or the count of an aggregated profile.
    pub count: u32,
    /// What it does, as printed (`semacquire`, `sync.Mutex.Lock`, `IO wait`); empty in an aggregated profile.
    pub state: Symbol,
    /// Minutes it has waited, as printed: Go counts from a garbage collection, so the number may be minutes off.
    pub minutes: Option<u32>,
    /// `locked to thread`.
    pub locked: bool,
    /// `(leaked)`: the runtime itself says that nothing can wake it.
    pub leaked: bool,
    /// Frames in the middle were left out by the runtime.
    pub elided: bool,
    /// It runs on another thread: its stack could not be printed.
    pub unavailable: bool,
    /// Call that started it.
    pub creator: Option<SiteId>,
    /// The goroutine that started it (Go 1.21 and later).
    pub parent: Option<u64>,
    /// Its labels (`tenant: shop`), as printed; empty without.
    pub labels: Symbol,
    /// Where its header is.
    pub place: Place,
    frames: (u32, u32),
}

/// A word of an argument list. Inexact values (`0xc000…?`) may be garbage and never establish identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arg {
    /// The value.
    pub value: u64,
    /// Printed without `?`.
    pub exact: bool,
}

/// The texts of a dump and its frames.
#[derive(Clone, Debug, Default)]
pub struct Stacks {
    texts: String,
    symbols: Vec<(u32, u32)>,
    sites: Vec<Site>,
    frames: Vec<Frame>,
    args: Vec<u8>,
}

/// Longest argument list that is kept of one call (the runtime prints ten words).
const ARGS_LIMIT: usize = 1024;

impl Stacks {
    /// Adds a text under the next number.
    pub fn add_symbol(&mut self, text: &str) -> Symbol {
        let start = low(self.texts.len());
        // Beyond 4 GiB of distinct texts the numbers would not fit; such a text reads as empty.
        if u32::try_from(self.texts.len().saturating_add(text.len())).is_ok() {
            self.texts.push_str(text);
        }
        self.symbols.push((start, low(self.texts.len())));
        Symbol(low(self.symbols.len().saturating_sub(1)))
    }

    /// Adds a call site under the next number.
    pub fn add_site(&mut self, site: Site) -> SiteId {
        self.sites.push(site);
        SiteId(low(self.sites.len().saturating_sub(1)))
    }

    /// Adds the next frame of the goroutine whose header stands at `header`.
    pub fn add_frame(&mut self, site: SiteId, args: &[u8], at: Place, header: Place) {
        let room = u32::try_from(self.args.len().saturating_add(ARGS_LIMIT)).is_ok();
        let kept = if room {
            args.get(..ARGS_LIMIT).unwrap_or(args)
        } else {
            b""
        };
        let start = low(self.args.len());
        self.args.extend_from_slice(kept);
        self.frames.push(Frame {
            site,
            args: start,
            args_len: u16::try_from(kept.len()).unwrap_or(0),
            lines: u32::try_from(at.line.saturating_sub(header.line)).unwrap_or(u32::MAX),
            bytes: u32::try_from(at.offset.saturating_sub(header.offset)).unwrap_or(u32::MAX),
        });
    }

    /// Number of frames so far.
    pub fn frame_count(&self) -> usize {
        self.frames.len()
    }

    /// Number of distinct texts.
    pub fn symbol_count(&self) -> usize {
        self.symbols.len()
    }

    /// Number of distinct call sites.
    pub fn site_count(&self) -> usize {
        self.sites.len()
    }

    /// A text.
    pub fn text(&self, symbol: Symbol) -> &str {
        self.symbols
            .get(symbol.0 as usize)
            .and_then(|(a, b)| self.texts.get(*a as usize..*b as usize))
            .unwrap_or("")
    }

    /// A call site.
    pub fn site(&self, id: SiteId) -> Option<Site> {
        self.sites.get(id.0 as usize).copied()
    }

    /// Name of the function of a call site.
    pub fn function(&self, id: SiteId) -> &str {
        self.site(id).map_or("", |s| self.text(s.function))
    }

    /// `file:line` of a call site.
    pub fn location(&self, id: SiteId) -> &str {
        self.site(id).map_or("", |s| self.text(s.location))
    }
}

/// A number that indexes; sizes above 4 GiB do not get this far.
fn low(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Minor versions of Go 1 that print stacks in this way. It tells what an argument is worth: up to 1.16 the words are
/// what was passed, in 1.17 they may be stale without a mark, later a `?` marks those that may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GoVersion {
    /// This one or a later one.
    pub at_least: Option<u8>,
    /// This one or an earlier one.
    pub at_most: Option<u8>,
}

impl GoVersion {
    /// Nothing older prints this.
    pub fn not_before(&mut self, minor: u8) {
        self.at_least = Some(self.at_least.map_or(minor, |v| v.max(minor)));
    }

    /// `Go 1.21`, `Go 1.18 to 1.20`, `Go 1.24 or later`; nothing where the format does not tell.
    pub fn words(self) -> Option<String> {
        match (self.at_least, self.at_most) {
            (Some(a), Some(b)) if a == b => Some(format!("Go 1.{a}")),
            (Some(a), Some(b)) => Some(format!("Go 1.{a} to 1.{b}")),
            (Some(a), None) => Some(format!("Go 1.{a} or later")),
            (None, Some(b)) => Some(format!("Go 1.{b} or earlier")),
            (None, None) => None,
        }
    }

    /// Nothing newer prints this.
    pub fn not_after(&mut self, minor: u8) {
        self.at_most = Some(self.at_most.map_or(minor, |v| v.min(minor)));
    }
}

/// What every goroutine of one process was doing at one moment.
#[derive(Clone, Debug, Default)]
pub struct Dump {
    /// Where it comes from.
    pub kind: DumpKind,
    /// Its first line.
    pub place: Place,
    /// The program, from the dump itself or its wrapping (`dockerd`, `inventory-api`).
    pub process: Option<String>,
    /// Process id, where a wrapping names it.
    pub pid: Option<u64>,
    /// Machine: from a wrapping, else set by who knows whose file it is.
    pub node: Option<String>,
    /// Time of the wrapping's line, before its clock is known.
    pub raw_time: Option<RawStamp>,
    /// When it was taken; set once the clock of the source is known.
    pub time: Option<Stamp>,
    /// Head or tail are missing: who is not seen may still be there.
    pub partial: bool,
    /// The compiler that the program was built with, as far as the format tells.
    pub go: GoVersion,
    /// Lines before it that say why it was printed (`SIGQUIT: quit`, `panic: …`, a klog fatal line).
    pub prelude: Vec<Quote>,
    /// The goroutines in printed order.
    pub goroutines: Vec<Goroutine>,
    /// Their texts and frames.
    pub stacks: Stacks,
}

impl Dump {
    /// The goroutines that have a number, each with its position.
    pub fn numbered(&self) -> impl Iterator<Item = (u64, u32)> + '_ {
        self.goroutines
            .iter()
            .zip(0_u32..)
            .filter(|(g, _)| g.id > 0)
            .map(|(g, i)| (g.id, i))
    }

    /// Frames of a goroutine, innermost first.
    pub fn frames(&self, g: &Goroutine) -> &[Frame] {
        let (start, end) = g.frames;
        self.stacks
            .frames
            .get(start as usize..end as usize)
            .unwrap_or(&[])
    }

    /// Name of the function of a frame.
    pub fn function(&self, frame: &Frame) -> &str {
        self.stacks.function(frame.site)
    }

    /// What a goroutine does, as printed.
    pub fn state(&self, g: &Goroutine) -> &str {
        self.stacks.text(g.state)
    }

    /// Name of the function that started a goroutine.
    pub fn creator(&self, g: &Goroutine) -> Option<&str> {
        g.creator.map(|site| self.stacks.function(site))
    }

    /// The argument list of a frame as printed, without parentheses.
    pub fn args_text(&self, frame: &Frame) -> &[u8] {
        let start = frame.args as usize;
        self.stacks
            .args
            .get(start..start.saturating_add(usize::from(frame.args_len)))
            .unwrap_or(b"")
    }

    /// The words of a frame's argument list, groups (`{…}`) flattened, at most `...`.
    pub fn args(&self, frame: &Frame) -> impl Iterator<Item = Arg> {
        words(self.args_text(frame))
    }

    /// The first argument (the receiver of a method) if it is printed as exact.
    pub fn receiver(&self, frame: &Frame) -> Option<u64> {
        let arg = self.args(frame).next()?;
        (arg.exact && arg.value >= POINTER_FLOOR).then_some(arg.value)
    }

    /// How many goroutines it shows.
    pub fn count(&self) -> u64 {
        self.goroutines.iter().map(|g| u64::from(g.count)).sum()
    }

    /// Where a frame's function line is.
    pub fn frame_place(&self, g: &Goroutine, frame: &Frame) -> Place {
        Place {
            source: g.place.source,
            offset: g.place.offset.saturating_add(u64::from(frame.bytes)),
            line: g.place.line.saturating_add(u64::from(frame.lines)),
        }
    }

    /// A goroutine's header as a quote.
    pub fn header(&self, g: &Goroutine) -> Quote {
        let mut line = if self.kind == DumpKind::Aggregated {
            format!("{} @", g.count)
        } else {
            format!("goroutine {} [{}", g.id, self.state(g))
        };
        if self.kind != DumpKind::Aggregated {
            if let Some(m) = g.minutes {
                let _ = write!(line, ", {m} minutes");
            }
            if g.locked {
                line.push_str(", locked to thread");
            }
            line.push_str("]:");
        }
        self.quote(g.place, &line)
    }

    /// A frame's function line as a quote.
    pub fn frame_quote(&self, g: &Goroutine, frame: &Frame) -> Quote {
        let args = String::from_utf8_lossy(self.args_text(frame));
        let line = format!("{}({args})", self.function(frame));
        self.quote(self.frame_place(g, frame), &line)
    }

    /// The header of goroutine number `g` and at most three of its frames, in printed order.
    pub fn quotes(&self, g: u32, frames: &[usize]) -> Vec<Quote> {
        let Some(goroutine) = self.goroutines.get(g as usize) else {
            return Vec::new();
        };
        let mut wanted: Vec<usize> = frames.to_vec();
        wanted.sort_unstable();
        wanted.dedup();
        let all = self.frames(goroutine);
        std::iter::once(self.header(goroutine))
            .chain(
                wanted
                    .into_iter()
                    .take(3)
                    .filter_map(|i| all.get(i))
                    .map(|f| self.frame_quote(goroutine, f)),
            )
            .collect()
    }

    fn quote(&self, place: Place, line: &str) -> Quote {
        Quote {
            place,
            text: text::quote(line.as_bytes()),
            time: self.time,
        }
    }
}

impl Goroutine {
    /// A goroutine that begins at frame `start` of its dump.
    pub fn new(id: u64, place: Place, start: usize) -> Self {
        Self {
            id,
            count: 1,
            state: Symbol::default(),
            minutes: None,
            locked: false,
            leaked: false,
            elided: false,
            unavailable: false,
            creator: None,
            parent: None,
            labels: Symbol::default(),
            place,
            frames: (low(start), low(start)),
        }
    }

    /// Its first frame.
    pub fn start(&self) -> usize {
        self.frames.0 as usize
    }

    /// Ends its frames before frame `end` of its dump.
    pub fn close(&mut self, end: usize) {
        self.frames.1 = low(end).max(self.frames.0);
    }
}

/// Below this a word is a number, a length or a flag, not an address.
pub const POINTER_FLOOR: u64 = 4096;

/// Reads `0xc000a561e0, {0xc000f12376?, 0x40}, ...`.
fn words(text: &[u8]) -> impl Iterator<Item = Arg> {
    text.split(|b| matches!(b, b',' | b'{' | b'}' | b' '))
        .filter_map(|word| {
            let (digits, exact) = match word.strip_suffix(b"?") {
                Some(d) => (d, false),
                None => (word, true),
            };
            let hex = digits.strip_prefix(b"0x")?;
            if let Some(value) = number(hex.iter().copied()) {
                return Some(Arg { value, exact });
            }
            // Letters that a scan puts in place of digits: what was read so identifies nothing.
            let value = number(hex.iter().map(|b| match b {
                b'O' | b'o' => b'0',
                b'l' | b'I' | b'|' => b'1',
                b => *b,
            }))?;
            Some(Arg {
                value,
                exact: false,
            })
        })
}

/// A hexadecimal number of at most 16 digits.
fn number(digits: impl ExactSizeIterator<Item = u8>) -> Option<u64> {
    if digits.len() == 0 || digits.len() > 16 {
        return None;
    }
    digits.into_iter().try_fold(0_u64, |n, b| {
        Some((n << 4) | u64::from(char::from(b).to_digit(16)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compiler_in_words() {
        let words = |at_least, at_most| GoVersion { at_least, at_most }.words().unwrap_or_default();
        assert_eq!(words(Some(21), Some(21)), "Go 1.21");
        assert_eq!(words(Some(18), Some(20)), "Go 1.18 to 1.20");
        assert_eq!(words(Some(24), None), "Go 1.24 or later");
        assert_eq!(words(None, Some(16)), "Go 1.16 or earlier");
        assert_eq!(words(None, None), "");
    }

    #[test]
    fn words_that_a_scan_damaged_identify_nothing() {
        let all: Vec<Arg> = words(b"0xc42lb30808, 0xzz, 0x12345678901234567").collect();
        assert_eq!(
            all,
            [Arg {
                value: 0xc4_21b3_0808,
                exact: false
            }]
        );
    }

    #[test]
    fn inexact_words_are_marked() {
        let all: Vec<Arg> =
            words(b"0xc000a561e0, {0xc000f12376?, 0x40}, {...}, 0x0?, ...").collect();
        assert_eq!(
            all,
            [
                (0xc0_00a5_61e0, true),
                (0xc0_00f1_2376, false),
                (0x40, true),
                (0, false)
            ]
            .map(|(value, exact)| Arg { value, exact })
        );
    }
}
