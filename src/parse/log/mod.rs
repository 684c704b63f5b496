//! One log entry from its bytes, whatever the wrapping: bytes to [`Record`].
//!
//! `Nov 20 17:06:13 cp1 kube-apiserver[60]: I1120 17:06:13.398027      60 flags.go:59] FLAG: --address="127.0.0.1"` is a
//! journald wrapper around a klog line. Wrappers are peeled from the outside in, the payload is read by the format its
//! first bytes show, and unknown text is its own canonical text. The cheap questions ([`time`], [`level`],
//! [`starts_record`]) allocate nothing. What a message means, which year a reading has and whose line it is, is not
//! decided here.

mod audit;
mod canon;
mod envelope;
mod goquote;
mod json;
mod klog;
mod level;
mod lines;
mod logfmt;
mod members;
mod pairs;
mod plain;
mod stamp;
mod syslog;
mod times;
mod wrap;

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::base::time::RawStamp;
use crate::model::{Level, Record};
use times::Stamps;
use wrap::{Inside, Layer, Wrap};

/// Most wrappers around one payload.
const DEPTH: usize = 4;

/// journald cuts a line of a service at this length; before systemd 235 at the other.
const LINE_MAX: [usize; 2] = [48 * 1024, 2048];

/// Which of its two streams a container wrote to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// The format of a payload, its header read.
enum Shape<'a> {
    Klog(klog::Header<'a>),
    Klogr,
    /// What stands behind a header of klog that was left out; text like any other unless a wrapper holds it.
    Body,
    Json,
    Logfmt,
    Plain(plain::Plain<'a>),
    Text,
}

/// The format that the first bytes of a payload show.
fn shape(b: &[u8]) -> Shape<'_> {
    let Some(first) = b.first() else {
        return Shape::Text;
    };
    match first {
        b'I' | b'W' | b'E' | b'F' | b'C' => {
            if let Some(header) = klog::header(b) {
                return Shape::Klog(header);
            }
        }
        b'{' => {
            // Within a JSON string the quote is escaped.
            if b.starts_with(b"{\"") || b.starts_with(b"{\\\"") || b.starts_with(b"{ \"") {
                return Shape::Json;
            }
            return Shape::Text;
        }
        b'"' => {
            if klog::is_klogr(b) {
                return Shape::Klogr;
            }
            if klog::is_body(b) {
                return Shape::Body;
            }
            return Shape::Text;
        }
        b'a'..=b'z' if logfmt::is(b) => return Shape::Logfmt,
        _ => {}
    }
    plain::parse(b).map_or(Shape::Text, Shape::Plain)
}

/// Whether a payload has a format of its own (a wrapper that begins with a date counts).
fn is_known(b: &[u8]) -> bool {
    !matches!(shape(b), Shape::Text | Shape::Body)
}

/// Line ends at the end of a line or chunk.
fn chomp(b: &[u8]) -> &[u8] {
    let mut b = b;
    while let Some(rest) = b.strip_suffix(b"\n").or_else(|| b.strip_suffix(b"\r")) {
        b = rest;
    }
    b
}

/// The layers of one line, without allocation.
struct Stack<'a> {
    layers: [Option<Layer<'a>>; DEPTH],
    /// The payload; within a JSON string it is still escaped.
    payload: &'a [u8],
    escaped: bool,
}

impl<'a> Stack<'a> {
    fn of(line: &'a [u8]) -> Self {
        let mut stack = Self {
            layers: [None; DEPTH],
            payload: lines::uncoloured(chomp(line)),
            escaped: false,
        };
        for slot in &mut stack.layers {
            let Some(layer) = wrap::peel(stack.payload) else {
                break;
            };
            stack.payload = lines::uncoloured(layer.inside.raw());
            stack.escaped = matches!(layer.inside, Inside::Escaped(_));
            *slot = Some(layer);
            if stack.escaped {
                break;
            }
            if let Some((inner, _)) = lines::repeated(stack.payload) {
                stack.payload = inner;
            }
        }
        stack
    }

    fn layers(&self) -> impl Iterator<Item = &Layer<'a>> {
        self.layers.iter().flatten()
    }

    /// Whether further pieces complete it.
    fn is_partial(&self) -> bool {
        self.layers()
            .any(|l| l.partial && l.stream.is_some() || is_cut(l))
    }

    /// The severity: the payload's own, else that of the innermost wrapper that has one.
    fn level(&self) -> Level {
        let own = match shape(self.payload) {
            Shape::Klog(header) => header.level,
            Shape::Json if self.escaped => escaped_level(self.payload),
            Shape::Json => json::peek_level(self.payload),
            Shape::Logfmt => logfmt::peek_level(self.payload),
            Shape::Plain(plain) => plain.level,
            Shape::Klogr | Shape::Body | Shape::Text => Level::Unknown,
        };
        if own != Level::Unknown {
            return own;
        }
        let known = |l: &&Layer<'_>| l.level != Level::Unknown;
        self.layers().filter(known).last().map_or(own, |l| l.level)
    }

    /// Whether the begin of the wrapper is missing.
    fn is_clipped(&self) -> bool {
        self.layers().any(|l| l.wrap == Wrap::Clipped)
    }

    fn is_wrapped(&self) -> bool {
        self.layers().any(|l| l.wrap != Wrap::Bom)
    }
}

/// Whether this physical line starts a record of its own, or continues the one before.
///
/// Wrapped lines are judged by their payload. Unknown text starts a record when it is wrapped and does not look like
/// a continuation, and continues one when it is not wrapped (a source that has no known format at all, see
/// [`formats`], is better read line by line).
pub fn starts_record(line: &[u8]) -> bool {
    let stack = Stack::of(line);
    if stack.payload.is_empty() {
        return line.starts_with(b"__CURSOR=")
            || stack
                .layers()
                .any(|l| l.wrap == Wrap::JournalVerbose && l.stamp.is_some());
    }
    if stack.layers().any(|l| l.wrap.is_of_fields()) {
        return false;
    }
    match shape(stack.payload) {
        Shape::Text if stack.is_wrapped() => {
            let tab = stack.escaped && stack.payload.starts_with(b"\\t");
            !tab && !lines::continues(stack.payload)
        }
        Shape::Text => lines::starts(stack.payload),
        Shape::Body => stack.is_wrapped(),
        _ => true,
    }
}

/// The same for a line of a file whose lines have a wrapper, when it is `wrapped`: one without is the rest of a line
/// that was cut, whatever it looks like.
pub fn starts_record_in(line: &[u8], wrapped: bool) -> bool {
    let whole = || {
        let stack = Stack::of(line);
        (stack.is_wrapped() && !stack.is_clipped()) || lines::starts(stack.payload)
    };
    starts_record(line) && (!wrapped || whole())
}

/// Whether only words (`panic: `, `Error: `), or a wrapper without its begin, say that this line starts a record: they
/// may as well be in the middle of one that was cut.
pub fn starts_by_words(line: &[u8]) -> bool {
    let stack = Stack::of(line);
    if stack.is_clipped() {
        return true;
    }
    !stack.is_wrapped() && matches!(shape(stack.payload), Shape::Text) && starts_record(line)
}

/// Whether a line of a record that began before may look like this.
pub fn continues(line: &[u8]) -> bool {
    lines::continues(Stack::of(line).payload)
}

/// Whether a format that [`formats`] names is a wrapper.
pub fn is_wrapper(format: &str) -> bool {
    Wrap::ALL.iter().any(|w| w.as_str() == format)
}

/// Whether a line is a piece that further pieces of the same stream or process complete.
pub fn partial(line: &[u8]) -> bool {
    Stack::of(line).is_partial()
}

/// Whose a piece of a line is: pieces of one line have the same stream, or program and pid.
pub fn writer(line: &[u8]) -> (Option<Stream>, Option<&[u8]>, Option<u64>) {
    let stack = Stack::of(line);
    let outermost = stack.layers().find(|l| l.wrap != Wrap::Bom);
    outermost.map_or((None, None, None), |l| (l.stream, l.ident, l.pid))
}

/// What every line is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Glance {
    /// Its severity.
    pub level: Level,
    /// Whether it is a piece that further lines complete (CRI, docker and journald cut long lines).
    pub partial: bool,
}

/// Severity and completeness of a line, in one look at its headers.
pub fn glance(line: &[u8]) -> Glance {
    let stack = Stack::of(line);
    Glance {
        level: stack.level(),
        partial: stack.is_partial(),
    }
}

/// How often a syslog says that the line before came again: `last message repeated 5 times`.
pub fn came_again(line: &[u8]) -> Option<u64> {
    static WORDS: LazyLock<Finder<'static>> =
        LazyLock::new(|| Finder::new(b"last message repeated "));
    let end = line.get(..line.len().min(200))?;
    let at = WORDS.find(end)?;
    lines::times(end.get(at + WORDS.needle().len()..)?).map(|(n, _)| n)
}

/// The program that a journal or syslog names in front of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ident<'a> {
    /// This one.
    Named(Cow<'a, str>),
    /// None is named.
    Absent,
    /// Only [`record`] can tell.
    Hidden,
}

/// Who wrote a record, in one look at the headers of its first line.
pub fn ident(chunk: &[u8]) -> Ident<'_> {
    let end = memchr::memchr(b'\n', chunk).unwrap_or(chunk.len());
    let first = chunk.get(..end).unwrap_or_default();
    let stack = Stack::of(first);
    let rare =
        |l: &Layer<'_>| l.wrap.is_of_fields() || matches!(l.wrap, Wrap::JournalJson | Wrap::Bom);
    // What a first piece holds may only be told with the next.
    if stack.escaped
        || stack.is_partial()
        || stack.layers().any(rare)
        || stack.layers.iter().all(Option::is_some)
        || memchr::memchr(0x1b, chunk).is_some()
        || lines::has_octal(first)
    {
        return Ident::Hidden;
    }
    match stack.layers().filter_map(|l| l.ident).last() {
        Some(ident) => Ident::Named(String::from_utf8_lossy(ident)),
        None => Ident::Absent,
    }
}

/// The time of a line and nothing else.
pub fn time(line: &[u8]) -> Option<RawStamp> {
    let stack = Stack::of(line);
    // The message of an entry of several lines is timed by the entry.
    if stack
        .layers()
        .any(|l| l.wrap.is_of_fields() && l.stamp.is_none())
    {
        return None;
    }
    let own = match shape(stack.payload) {
        Shape::Klog(header) => Some(header.stamp),
        Shape::Json => json::peek_time(stack.payload),
        Shape::Logfmt => logfmt::peek_time(stack.payload),
        Shape::Plain(plain) => plain.time,
        Shape::Klogr | Shape::Body | Shape::Text => None,
    };
    let mut stamps = Stamps::default();
    for layer in stack.layers() {
        stamps.push(layer.stamp);
    }
    stamps.push(own);
    stamps.choose().0
}

/// The severity of a line and nothing else.
pub fn level(line: &[u8]) -> Level {
    Stack::of(line).level()
}

/// The level of a JSON line inside a JSON string.
fn escaped_level(b: &[u8]) -> Level {
    const KEY: &[u8] = b"\\\"level\\\":\\\"";
    memchr::memmem::find(b, KEY)
        .and_then(|at| b.get(at + KEY.len()..))
        .map_or(Level::Unknown, level::from_word)
}

/// The layers of a line from the outside in, for reports: `["journald", "klog"]`. Empty: nothing is known.
pub fn formats(line: &[u8]) -> Vec<&'static str> {
    let stack = Stack::of(line);
    let mut names: Vec<_> = stack
        .layers()
        .filter(|l| l.wrap != Wrap::Bom)
        .map(|l| l.wrap.as_str())
        .collect();
    let own = match shape(stack.payload) {
        Shape::Klog(_) | Shape::Klogr => Some("klog"),
        Shape::Json if stack.escaped => json::format(&members::unescape(stack.payload)),
        Shape::Json => json::format(stack.payload),
        Shape::Logfmt => Some("logfmt"),
        Shape::Plain(plain) => Some(plain.name),
        Shape::Body if stack.is_wrapped() => Some("klog"),
        Shape::Body | Shape::Text => None,
    };
    names.extend(own);
    names
}

/// What the wrappers of a line hold (within a JSON string still escaped).
pub(crate) fn payload_of(line: &[u8]) -> &[u8] {
    Stack::of(line).payload
}

/// Whether a payload is a line of a goroutine dump.
pub(crate) fn is_dump_line(payload: &[u8]) -> bool {
    lines::is_dump(payload)
}

/// Whether a payload is the header of a goroutine.
pub(crate) fn is_goroutine_header(payload: &[u8]) -> bool {
    lines::is_goroutine(payload)
}

/// What the wrappers of a record say.
#[derive(Clone, Copy, Debug, Default)]
struct Outer<'a> {
    stamps: Stamps,
    depth: usize,
    host: Option<&'a [u8]>,
    ident: Option<&'a [u8]>,
    pid: Option<u64>,
    level: Level,
    repeats: u64,
}

impl<'a> Outer<'a> {
    fn with(mut self, layer: &Layer<'a>) -> Self {
        self.stamps.push(layer.stamp);
        self.depth += 1;
        self.host = layer.host.or(self.host);
        self.ident = layer.ident.or(self.ident);
        self.pid = layer.pid.or(self.pid);
        if layer.level != Level::Unknown {
            self.level = layer.level;
        }
        self
    }
}

/// Reads one record: a first physical line and its continuation lines, each still in its wrapper, joined by `\n`.
///
/// Never fails: unknown text is its own canonical text with [`Level::Unknown`].
pub fn record(chunk: &[u8]) -> Record<'_> {
    read(chomp(chunk), Outer::default())
}

/// Makes a record independent of the bytes it was read from.
fn own(record: Record<'_>) -> Record<'static> {
    let text = |c: Cow<'_, str>| Cow::Owned(c.into_owned());
    Record {
        time: record.time,
        zone: record.zone,
        level: record.level,
        caller: record.caller.map(text),
        pid: record.pid,
        host: record.host.map(text),
        ident: record.ident.map(text),
        text: Cow::Owned(record.text.into_owned()),
        message: record.message,
        repeats: record.repeats,
        fields: record
            .fields
            .into_iter()
            .map(|(k, v)| (text(k), text(v)))
            .collect(),
    }
}

fn read<'a>(chunk: &'a [u8], outer: Outer<'a>) -> Record<'a> {
    if memchr::memchr(0x1b, chunk).is_some() {
        return own(read(&lines::without_escapes(chunk), outer));
    }
    if outer.depth >= DEPTH {
        return payload(chunk, outer);
    }
    if let Some(layer) = envelope::export_entry(chunk) {
        return read(layer.inside.raw(), outer.with(&layer));
    }
    if let Some(layer) = envelope::verbose_entry(chunk) {
        let message = layer.inside.raw();
        if memchr::memchr(b'\n', message).is_some() {
            return own(read(&envelope::outdented(message), outer.with(&layer)));
        }
        return read(message, outer.with(&layer));
    }
    let end = memchr::memchr(b'\n', chunk).unwrap_or(chunk.len());
    let (first, behind) = chunk.split_at(end);
    let Some(layer) = wrap::peel(first.strip_suffix(b"\r").unwrap_or(first)) else {
        return payload(chunk, outer);
    };
    let outer = outer.with(&layer);
    if layer.wrap == Wrap::Bom {
        return read(chunk.get(3..).unwrap_or_default(), outer);
    }
    if behind.is_empty() {
        return inside(layer.inside, layer.wrap, outer);
    }
    own(read(&joined(first, &layer, behind), outer))
}

/// Reads what one wrapper on one line holds.
fn inside<'a>(content: Inside<'a>, wrap: Wrap, mut outer: Outer<'a>) -> Record<'a> {
    match content {
        Inside::Plain(b) => {
            if let Some((inner, times)) = lines::repeated(b) {
                outer.repeats = times;
                return inside(Inside::Plain(inner), wrap, outer);
            }
            if matches!(wrap, Wrap::Syslog | Wrap::Journald) && lines::has_octal(b) {
                return own(read(&lines::without_octal(b), outer));
            }
            read(b, outer)
        }
        Inside::Escaped(raw) => match members::unescape(raw) {
            Cow::Borrowed(b) => read(b, outer),
            Cow::Owned(b) => own(read(chomp(&b), outer)),
        },
        Inside::Numbers(raw) => own(read(&lines::from_numbers(raw), outer)),
    }
}

/// Takes the same wrapper off each line of a chunk and joins what is inside; pieces are joined without a line end.
fn joined(first: &[u8], layer: &Layer<'_>, behind: &[u8]) -> Vec<u8> {
    let width = first.len().saturating_sub(layer.inside.raw().len());
    let mut out = Vec::with_capacity(first.len() + behind.len());
    lines::push(&mut out, layer.inside);
    let mut glue = layer.partial || is_cut(layer);
    for line in behind
        .strip_prefix(b"\n")
        .unwrap_or(behind)
        .split(|c| *c == b'\n')
    {
        if !glue {
            out.push(b'\n');
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if let Some(next) = wrap::peel(line).filter(|next| layer.wrap.continues_as(next.wrap)) {
            lines::push(&mut out, next.inside);
            glue = next.partial || is_cut(&next);
        } else {
            // journalctl indents the further lines of a message to the width of its prefix.
            let blanks = line.iter().take_while(|c| **c == b' ').count();
            let indent = if blanks >= width { width } else { 0 };
            out.extend_from_slice(line.get(indent..).unwrap_or_default());
            glue = false;
        }
    }
    out
}

/// Whether journald cut the line there.
fn is_cut(layer: &Layer<'_>) -> bool {
    layer.wrap == Wrap::Journald && LINE_MAX.contains(&layer.inside.raw().len())
}

/// Reads an unwrapped entry.
fn payload<'a>(chunk: &'a [u8], outer: Outer<'a>) -> Record<'a> {
    if memchr::memchr(b'\r', chunk).is_some_and(|at| chunk.get(at + 1) == Some(&b'\n')) {
        let clean: Vec<u8> = chunk
            .split(|c| *c == b'\n')
            .map(|l| l.strip_suffix(b"\r").unwrap_or(l))
            .collect::<Vec<_>>()
            .join(&b'\n');
        return own(payload(&clean, outer));
    }
    let mut record = Record::default();
    match shape(chunk) {
        Shape::Klog(header) => {
            record.time = Some(header.stamp);
            record.level = header.level;
            record.pid = header.pid;
            record.caller = Some(String::from_utf8_lossy(header.caller));
            klog::fill(header.rest, &mut record);
        }
        Shape::Klogr | Shape::Body => klog::fill(chunk, &mut record),
        Shape::Json => json::fill(chunk, &mut record),
        Shape::Logfmt => {
            record.time = logfmt::peek_time(chunk);
            record.level = logfmt::peek_level(chunk);
            logfmt::fill(chunk, &mut record);
        }
        Shape::Plain(plain) => {
            record.time = plain.time;
            record.level = plain.level;
            record.pid = plain.pid;
            plain.fill(&mut record);
        }
        Shape::Text => {
            record.text = Cow::Borrowed(chunk);
            record.message = chunk.len();
            if let Some(pairs) = chunk.strip_prefix(b"AUDIT: ") {
                audit::fill_text(pairs, &mut record);
            }
        }
    }
    record.repeats = outer.repeats;
    let mut stamps = outer.stamps;
    stamps.push(record.time);
    (record.time, record.zone) = stamps.choose();
    if record.level == Level::Unknown {
        record.level = outer.level;
    }
    record.pid = record.pid.or(outer.pid);
    record.host = outer.host.map(String::from_utf8_lossy);
    record.ident = outer.ident.map(String::from_utf8_lossy);
    record
}

#[cfg(test)]
mod tests;
