//! Where statements are collected: offsets become line numbers and quotes, texts are made printable.
//!
//! Parsers here speak of byte offsets; only this file knows lines. It also holds the limits, so that no file
//! can make memory grow without end.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter, memrchr};

use super::links::Links;
use super::pairs::{Own, Pairs};
use super::{ClockHint, Reading, stamp};
use crate::base::text::{QUOTE_LIMIT, cut, printable, quote};
use crate::base::time::RawStamp;
use crate::model::{Component, Entity, StateLine};

/// Bytes between two marks of the line index.
const STEP: usize = 8192;
/// Most statements and relations kept from one file.
const MAX_LINES: usize = 1 << 20;
/// Longest line a line-based parser looks at.
const MAX_LINE: usize = 1 << 16;
/// Longest value within a statement.
const MAX_VALUE: usize = 1024;
/// Longest name within an entity.
const MAX_NAME: usize = 256;
/// Most notes kept from one file.
const MAX_NOTES: usize = 32;

/// A piece of the file: a section, an object, all of it.
#[derive(Clone, Copy)]
pub(super) struct Chunk<'t> {
    /// Offset of its first byte in the file.
    pub(super) at: usize,
    /// Its bytes.
    pub(super) bytes: &'t [u8],
}

/// One line of a chunk.
#[derive(Clone)]
pub(super) struct Line<'t> {
    /// Offset of its first byte in the file.
    pub(super) at: usize,
    /// Its text without the line end.
    pub(super) text: Cow<'t, str>,
}

impl<'t> Chunk<'t> {
    /// All of a file, without a byte order mark.
    pub(super) fn whole(text: &'t [u8]) -> Self {
        match text.strip_prefix(b"\xef\xbb\xbf") {
            Some(bytes) => Self { at: 3, bytes },
            None => Self { at: 0, bytes: text },
        }
    }

    /// The part from offset `from` to offset `to` (both in the file).
    pub(super) fn part(self, from: usize, to: usize) -> Self {
        let (a, b) = (from.saturating_sub(self.at), to.saturating_sub(self.at));
        Self {
            at: self.at.saturating_add(a),
            bytes: self.bytes.get(a..b).unwrap_or_default(),
        }
    }

    /// Offset behind its last byte.
    pub(super) fn end(self) -> usize {
        self.at.saturating_add(self.bytes.len())
    }

    /// Its lines; an overlong one is cut.
    pub(super) fn lines(self) -> impl Iterator<Item = Line<'t>> {
        let mut at = self.at;
        let mut rest = self.bytes;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let len = memchr(b'\n', rest).map_or(rest.len(), |n| n.saturating_add(1));
            let (line, tail) = rest.split_at_checked(len)?;
            let here = at;
            at = at.saturating_add(len);
            rest = tail;
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let line = line.get(..MAX_LINE).unwrap_or(line);
            Some(Line {
                at: here,
                text: String::from_utf8_lossy(line),
            })
        })
    }
}

/// When a statement held and how often it was made.
#[derive(Clone, Debug)]
pub(super) struct When {
    /// Since when, or the first occurrence.
    pub(super) first: Option<RawStamp>,
    /// The last occurrence.
    pub(super) last: Option<RawStamp>,
    /// Occurrences.
    pub(super) count: u64,
    /// Who reported it.
    pub(super) host: Option<String>,
}

impl When {
    /// A state that holds since `first`.
    pub(super) fn since(first: Option<RawStamp>) -> Self {
        Self {
            first,
            last: None,
            count: 1,
            host: None,
        }
    }
}

/// Collects what a file says.
pub(super) struct Sink<'t> {
    text: &'t [u8],
    marks: Vec<u64>,
    /// Last part of the path, for things that have no name of their own.
    pub(super) base: String,
    /// The path as the bundle has it.
    pub(super) path: &'t str,
    /// Objects are being read: a line may hold a whole file, neighbours of a value must not be quoted.
    pub(super) structured: bool,
    /// The local time of day at which the outputs were made, where one of them shows it.
    pub(super) time_of_day: Option<i64>,
    /// Services and pods, to be joined at the end.
    pub(super) links: Links,
    /// Times that two clocks wrote.
    pub(super) pairs: Pairs,
    reading: Reading,
    newest: Option<(i64, i64, usize)>,
    full: bool,
}

impl<'t> Sink<'t> {
    /// A collector for the file `text`.
    pub(super) fn new(path: &'t str, text: &'t [u8]) -> Self {
        let mut seen = 0u64;
        let mut marks = vec![0];
        for block in text.chunks(STEP) {
            seen = seen.saturating_add(memchr_iter(b'\n', block).count() as u64);
            marks.push(seen);
        }
        let base = path.rsplit(['/', '!']).next().unwrap_or(path);
        Self {
            text,
            marks,
            base: name(base),
            path,
            structured: false,
            time_of_day: None,
            links: Links::default(),
            pairs: Pairs::default(),
            reading: Reading::default(),
            newest: None,
            full: false,
        }
    }

    /// The line number of an offset, from 1.
    pub(super) fn line_of(&self, at: usize) -> u64 {
        let block = at / STEP;
        let start = block.saturating_mul(STEP);
        let before = self.marks.get(block).copied().unwrap_or(0);
        let here = self
            .text
            .get(start..at.min(self.text.len()))
            .unwrap_or_default();
        before
            .saturating_add(memchr_iter(b'\n', here).count() as u64)
            .saturating_add(1)
    }

    /// What the file says at an offset: its line, or `text` where the line is a whole document.
    fn quote_at(&self, at: usize, text: &str) -> String {
        let at = at.min(self.text.len());
        let low = at.saturating_sub(QUOTE_LIMIT);
        let before = self.text.get(low..at).unwrap_or_default();
        let start = match memrchr(b'\n', before) {
            Some(n) => Some(low.saturating_add(n).saturating_add(1)),
            None => (low == 0).then_some(0),
        };
        let Some(start) = start else {
            return cut(text, QUOTE_LIMIT).into_owned();
        };
        let window = self.text.get(start..).unwrap_or_default();
        let window = window
            .get(..QUOTE_LIMIT.saturating_mul(4))
            .unwrap_or(window);
        let len = memchr(b'\n', window);
        if self.structured && len.unwrap_or(window.len()) > QUOTE_LIMIT {
            return cut(text, QUOTE_LIMIT).into_owned();
        }
        quote(
            window
                .get(..len.unwrap_or(window.len()))
                .unwrap_or_default(),
        )
    }

    /// Adds a statement that holds as of the collection.
    pub(super) fn say(&mut self, component: Component, entity: &Entity, at: usize, text: Text) {
        self.say_when(component, entity, at, text, When::since(None));
    }

    /// Adds a statement with its times.
    pub(super) fn say_when(
        &mut self,
        component: Component,
        entity: &Entity,
        at: usize,
        text: Text,
        when: When,
    ) {
        let quote = self.quote_at(at, &text.0);
        self.push(component, entity, at, text, when, quote);
    }

    /// Adds a statement whose line in the file must not be shown (it may hold a secret).
    pub(super) fn say_unquoted(
        &mut self,
        component: Component,
        entity: &Entity,
        at: usize,
        text: Text,
    ) {
        let quote = cut(&text.0, QUOTE_LIMIT).into_owned();
        self.push(component, entity, at, text, When::since(None), quote);
    }

    fn push(
        &mut self,
        component: Component,
        entity: &Entity,
        at: usize,
        text: Text,
        when: When,
        quote: String,
    ) {
        if self.reading.lines.len() >= MAX_LINES {
            if !self.full {
                self.full = true;
                self.note(format!("only the first {MAX_LINES} statements were kept"));
            }
            return;
        }
        let line = self.line_of(at);
        self.reading.lines.push(StateLine {
            component,
            entity: entity.clone(),
            text: text.0,
            quote,
            line,
            first: when.first,
            last: when.last,
            count: when.count,
            host: when.host,
        });
    }

    /// Adds a relation.
    pub(super) fn relate(&mut self, from: &Entity, to: &Entity, at: usize) {
        if self.reading.relations.len() < MAX_LINES && !to.name().is_empty() {
            let line = self.line_of(at);
            self.reading
                .relations
                .push((from.clone(), to.clone(), line));
        }
    }

    /// Adds a clock hint; `make` gets the line number.
    pub(super) fn hint(&mut self, at: usize, make: impl FnOnce(u64) -> ClockHint) {
        let hint = make(self.line_of(at));
        if self.reading.hints.len() < MAX_NOTES && !self.reading.hints.contains(&hint) {
            self.reading.hints.push(hint);
        }
    }

    /// Says what was left out.
    pub(super) fn note(&mut self, note: impl Into<String>) {
        if self.reading.notes.len() < MAX_NOTES {
            let note = printable(note.into().as_bytes());
            if !self.reading.notes.contains(&note) {
                self.reading.notes.push(note);
            }
        }
    }

    /// Reads a time that the API server wrote, and remembers the newest: the file was not made before it.
    pub(super) fn api_time(&mut self, text: &str, at: usize) -> Option<RawStamp> {
        let stamp = stamp::rfc3339(text)?;
        self.passed(stamp, at);
        Some(stamp)
    }

    /// Remembers a moment that had passed when the file was made.
    pub(super) fn passed(&mut self, stamp: RawStamp, at: usize) {
        if let RawStamp::Utc { ns, res } = stamp
            && self.newest.is_none_or(|(newest, _, _)| ns > newest)
        {
            self.newest = Some((ns, res, at));
        }
    }

    /// A time that the clock of a machine wrote, with its line.
    pub(super) fn own(&self, machine: &str, at: RawStamp, spot: usize) -> Own {
        Own {
            machine: name(machine),
            at,
            line: self.line_of(spot),
            quote: self.quote_at(spot, machine),
        }
    }

    /// The line there is about an object whose namespace is nowhere said: `default` was taken for it.
    pub(super) fn assume(&mut self, at: usize) {
        let line = self.line_of(at);
        self.reading.assumed.insert(line);
    }

    /// How many statements there are so far.
    pub(super) fn said(&self) -> usize {
        self.reading.lines.len()
    }

    /// Whether the offset of the client was said already.
    pub(super) fn knows_zone(&self, wanted: i32) -> bool {
        self.reading
            .hints
            .iter()
            .any(|h| matches!(h, ClockHint::ClientZone { offset, .. } if *offset == wanted))
    }

    /// The reading.
    pub(super) fn finish(mut self) -> Reading {
        let links = std::mem::take(&mut self.links);
        links.join(&mut self);
        self.reading.labels = links.labels();
        self.reading.pairs = std::mem::take(&mut self.pairs).finish();
        if let Some((ns, res, at)) = self.newest {
            let line = self.line_of(at);
            let at = RawStamp::utc(ns, res);
            self.reading.hints.push(ClockHint::NotBefore { at, line });
        }
        self.reading
    }
}

/// A canonical text in the making.
#[derive(Clone, Debug)]
pub(super) struct Text(String);

impl Text {
    /// A text that begins with the entity.
    pub(super) fn of(entity: &Entity) -> Self {
        Self(entity.as_str().to_owned())
    }

    /// A text that begins with its first field.
    pub(super) fn bare() -> Self {
        Self(String::new())
    }

    /// A text as the file has it.
    pub(super) fn raw(line: &str) -> Self {
        Self(value(line))
    }

    /// Adds words as they are.
    pub(super) fn words(mut self, words: &str) -> Self {
        if !self.0.is_empty() {
            self.0.push(' ');
        }
        self.0.push_str(&value(words));
        self
    }

    /// Adds ` key=value`, or nothing without a value.
    pub(super) fn field(mut self, key: &str, text: &str) -> Self {
        if is_blank(text) {
            return self;
        }
        if !self.0.is_empty() {
            self.0.push(' ');
        }
        self.0.push_str(key);
        self.0.push('=');
        self.0.push_str(&value(text));
        self
    }

    /// Adds ` key=value` if there is one.
    pub(super) fn maybe<T: ToString>(self, key: &str, text: Option<T>) -> Self {
        match text {
            Some(text) => self.field(key, &text.to_string()),
            None => self,
        }
    }

    /// The text so far.
    #[cfg(test)]
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a cell or value says nothing.
pub(super) fn is_blank(text: &str) -> bool {
    matches!(text.trim(), "" | "<none>" | "<nil>" | "<unset>")
}

/// A value on one line, printable, cut.
pub(super) fn value(text: &str) -> String {
    let head = cut(text, MAX_VALUE.saturating_mul(4));
    let mut flat = String::with_capacity(head.len());
    for word in head.split_whitespace() {
        if !flat.is_empty() {
            flat.push(' ');
        }
        flat.push_str(word);
    }
    cut(&printable(flat.as_bytes()), MAX_VALUE).into_owned()
}

/// A name as part of an entity.
pub(super) fn name(text: &str) -> String {
    cut(&printable(text.trim().as_bytes()), MAX_NAME).into_owned()
}

/// An entity of a namespaced kind, or of a cluster-wide one when there is no namespace.
pub(super) fn entity(kind: &str, namespace: &str, id: &str) -> Entity {
    if namespace.is_empty() {
        Entity::new(kind, &name(id))
    } else {
        Entity::new(kind, &format!("{}/{}", name(namespace), name(id)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_become_line_numbers() {
        let text = vec![b'\n'; STEP * 2 + 5];
        let sink = Sink::new("f", &text);
        assert_eq!(sink.line_of(0), 1);
        assert_eq!(sink.line_of(STEP), STEP as u64 + 1);
        assert_eq!(sink.line_of(STEP * 2 + 3), STEP as u64 * 2 + 4);
    }

    #[test]
    fn a_document_on_one_line_is_not_quoted() {
        let text = format!("{{\"password\":\"x\",{}", "\"a\":1,".repeat(500));
        let mut sink = Sink::new("f", text.as_bytes());
        sink.structured = true;
        assert_eq!(sink.quote_at(2000, "pod/a"), "pod/a");
        assert_eq!(sink.quote_at(3, "pod/a"), "pod/a");
    }

    #[test]
    fn values_stay_on_one_line() {
        assert_eq!(value("a\n  b\u{1b}[0m"), "a b\\x1b[0m");
        assert_eq!(
            Text::bare().field("a", "<none>").field("b", "x y").as_str(),
            "b=x y"
        );
    }
}
