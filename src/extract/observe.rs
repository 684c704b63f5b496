//! One source, from its bytes to what it says.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Read;

use super::edges::Edges;
use super::ending::LastLine;
use super::fold::{Fold, RawFact, Seen};
use super::matcher::Matcher;
use super::preamble::{self, Preamble};
use super::scan::{Crew, DumpText, Scan};
use super::streams::{Counted, Unfolded, Utf16, decode_head};
use super::templates::Template;
use super::transcript;
use crate::base::text;
use crate::base::time::{Instant, RawStamp};
use crate::base::units::human_bytes;
use crate::catalog::Catalog;
use crate::input::Found;
use crate::input::rotation::{Series, series};
use crate::model::{
    Clock, ClockPair, Component, Coverage, Entity, Scope, Source, SourceId, SourceKind, StateLine,
    Status,
};
use crate::parse;
use crate::parse::margin::Unmargined;
use crate::parse::session;
use crate::parse::sniff::{Encoding, sniff};
use crate::parse::state::{self, ClockHint, Reading};

/// Bytes the sniffer looks at.
const HEAD: usize = 64 * 1024;
/// So many zeros at the beginning of a file are a hole.
const HOLE: usize = 512;
/// So many lines of a log at the end of a goroutine dump make the file a log.
const LOG_LINES: usize = 8;
/// Largest file of objects, tables or host outputs that is read whole.
const STATE_LIMIT: usize = 96 * 1024 * 1024;
/// State lines of processes and certificates kept for the inferences.
const KEPT_STATES: usize = 200_000;

/// One life of a process, told by its pid in the lines.
#[derive(Clone, Debug)]
pub struct Life {
    /// Process id.
    pub pid: u64,
    /// Machine, where the lines name it.
    pub node: Option<String>,
    /// First reading.
    pub first: Option<RawStamp>,
    /// Last reading sampled.
    pub last: Option<RawStamp>,
    /// Line number of the first line sampled.
    pub line: u64,
    /// Its byte offset.
    pub offset: u64,
    /// Its text.
    pub text: String,
}

/// What one source says, times still raw.
#[derive(Debug)]
pub struct Observation {
    /// The source; its id is given when all sources are known.
    pub source: Source,
    /// Folded facts.
    pub facts: Vec<RawFact>,
    /// Process lives.
    pub lives: Vec<Life>,
    /// Offsets of local readings from UTC that wrappers show, with how often.
    pub zones: Vec<(i32, u64)>,
    /// What its head says about its clock, and the year that its messages tell.
    pub preamble: Preamble,
    /// Relations and the lines that state them.
    pub relations: Vec<(Entity, Entity, u64)>,
    /// The labels of pods.
    pub labels: Vec<(Entity, Vec<(String, String)>)>,
    /// Clock evidence.
    pub hints: Vec<ClockHint>,
    /// Times of machines beside times of the API server.
    pub pairs: Vec<ClockPair>,
    /// Error templates.
    pub templates: Vec<Template>,
    /// Processes and certificates, for the inferences.
    pub states: Vec<StateLine>,
    /// Lines about objects whose namespace is nowhere said.
    pub assumed: BTreeSet<u64>,
    /// Occurrences beyond the limit of distinct facts, by definition: counted, not kept.
    pub overflow: BTreeMap<usize, u64>,
    /// Whether it shows Kubernetes Events.
    pub has_events: bool,
    /// Goroutine dumps, as text.
    pub(crate) dumps: Vec<DumpText>,
    /// What was kept back at the borders of a log.
    pub(crate) edges: Edges,
    /// The last lines of a log.
    pub(crate) ending: Vec<LastLine>,
    /// Hash of the content.
    pub hash: u64,
    /// When the file was last written, as the archive or file system says.
    pub mtime: Option<Instant>,
    /// Its place among rotated files.
    pub series: Series,
}

/// What is known, and who else could work.
pub(super) type Known<'a> = (&'a Catalog, &'a Crew);

/// What stands before a text in its file.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Base {
    pub(super) lines: u64,
    pub(super) bytes: u64,
}

/// Reads one file as one source; of a terminal session, only what its commands said, not the logs they printed.
pub fn observe(catalog: &Catalog, found: &Found, reader: &mut dyn Read) -> Observation {
    file((catalog, &Crew::alone()), found, reader).0
}

/// Reads one file, on a second thread too while the crew has one to spare. A terminal session is several sources.
pub fn observe_all(
    catalog: &Catalog,
    found: &Found,
    reader: &mut dyn Read,
    crew: &Crew,
) -> Vec<Observation> {
    let (first, logs) = file((catalog, crew), found, reader);
    std::iter::once(first).chain(logs).collect()
}

/// Reads a part of a file as a log of its own, of that machine where its lines name none.
pub(super) fn excerpt(
    known: Known<'_>,
    found: &Found,
    (text, base): (&[u8], Base),
    node: Option<String>,
) -> Observation {
    let head = head_of(text);
    let sniffed = sniff(&found.path, head);
    let mut observation = blank(found);
    observation.source.kind = SourceKind::Log;
    observation.source.formats = sniffed.formats;
    observation.source.why = sniffed.why;
    observation.source.scope = sniffed.scope;
    let scope = &mut observation.source.scope;
    scope.node = scope.node.take().or(node);
    observation.preamble = preamble::read(head);
    log(
        known,
        &mut observation,
        (base, text.to_vec()),
        &mut std::io::empty(),
    );
    observation.source.coverage.bytes = text.len() as u64;
    let mut nothing = std::io::empty();
    let mut counted = Counted::new(&mut nothing);
    counted.pass(text);
    observation.hash = counted.digest();
    observation
}

/// As much of a text as the sniffer looks at.
pub(super) fn head_of(text: &[u8]) -> &[u8] {
    text.get(..text.len().min(HEAD)).unwrap_or(text)
}

fn file(
    (catalog, crew): Known<'_>,
    found: &Found,
    reader: &mut dyn Read,
) -> (Observation, Vec<Observation>) {
    let mut logs = Vec::new();
    let mut counted = Counted::new(reader);
    let mut head = Vec::new();
    let read = behind_hole(&mut counted, &mut head);
    let (hole, head_error) = (read.as_ref().copied().unwrap_or(0), read.err());
    let sniffed = sniff(&found.path, &head);
    let mut observation = blank(found);
    observation.source.kind = sniffed.kind;
    observation.source.formats = sniffed.formats;
    observation.source.why = sniffed.why;
    observation.source.scope = sniffed.scope;
    if hole > 0 {
        let size = human_bytes(hole);
        note(
            &mut observation.source,
            &format!("begins with {size} of zeros: a hole that a rotation left"),
        );
    }
    if let Some(e) = head_error {
        partial(
            &mut observation.source,
            &format!("reading stopped at the beginning: {e}"),
        );
    } else {
        let decoded: Box<dyn Read + '_> = match sniffed.encoding {
            Encoding::Utf8 => Box::new(&mut counted),
            Encoding::Utf16Le => Box::new(Utf16::new(&mut counted, true)),
            Encoding::Utf16Be => Box::new(Utf16::new(&mut counted, false)),
        };
        let head = match sniffed.encoding {
            Encoding::Utf8 => head,
            utf16 => decode_head(&head, utf16 == Encoding::Utf16Le),
        };
        // What the head says of the clock is read before the head goes back before the rest.
        if matches!(
            sniffed.kind,
            SourceKind::Log | SourceKind::Text | SourceKind::Goroutines
        ) {
            observation.preamble = match sniffed.margin {
                None => preamble::read(&head),
                Some(margin) => preamble::read(&margin.strip_all(&head)),
            };
        }
        let (head, mut decoded) = match sniffed.margin {
            None => (head, decoded),
            Some(margin) => {
                let all = std::io::Cursor::new(head).chain(decoded);
                let all: Box<dyn Read + '_> = Box::new(Unmargined::new(all, margin));
                (Vec::new(), all)
            }
        };
        let base = Base {
            lines: 0,
            bytes: hole,
        };
        let mut head = head;
        if head.is_empty()
            && let Err(e) = (&mut decoded).take(HEAD as u64).read_to_end(&mut head)
        {
            partial(
                &mut observation.source,
                &format!("reading stopped at the beginning: {e}"),
            );
        }
        logs = content(
            (catalog, crew),
            &mut observation,
            (base, head),
            (sniffed.unfold, decoded),
        );
    }
    observation.source.coverage.bytes = counted.passed();
    observation.hash = counted.digest();
    (observation, logs)
}

/// Reads what a file was taken for, from the place `base` of it on; gives the logs in it, where it is a session.
fn content(
    known: Known<'_>,
    observation: &mut Observation,
    (base, head): (Base, Vec<u8>),
    (unfold, mut rest): (Option<usize>, Box<dyn Read + '_>),
) -> Vec<Observation> {
    match observation.source.kind {
        SourceKind::Binary | SourceKind::Archive => {
            binary(observation, &head, &mut *rest);
        }
        SourceKind::Empty => observation.source.note = String::from("collected, but empty"),
        SourceKind::Goroutines => dump(known.0, observation, head, &mut *rest),
        _ if unfold.is_none() && session::is_session(&head) => {
            return transcript::read(known, observation, head, &mut *rest);
        }
        SourceKind::Log | SourceKind::Text => {
            if let Some(level) = unfold {
                let mut whole = head.chain(rest);
                let mut lines = Unfolded::new(&mut whole, level);
                log(known, observation, (base, Vec::new()), &mut lines);
            } else {
                log(known, observation, (base, head), &mut *rest);
            }
        }
        _ => states(known.0, observation, head, &mut *rest),
    }
    Vec::new()
}

pub(super) fn blank(found: &Found) -> Observation {
    Observation {
        source: Source {
            id: SourceId::default(),
            path: found.path.clone(),
            kind: SourceKind::Log,
            formats: Vec::new(),
            why: String::new(),
            scope: Scope::default(),
            clock: Clock::default(),
            coverage: Coverage::default(),
            status: Status::Read,
            note: found.note.clone(),
        },
        facts: Vec::new(),
        lives: Vec::new(),
        zones: Vec::new(),
        preamble: Preamble::default(),
        relations: Vec::new(),
        labels: Vec::new(),
        hints: Vec::new(),
        pairs: Vec::new(),
        templates: Vec::new(),
        states: Vec::new(),
        assumed: BTreeSet::new(),
        overflow: BTreeMap::new(),
        has_events: false,
        dumps: Vec::new(),
        edges: Edges::default(),
        ending: Vec::new(),
        hash: 0,
        mtime: found.mtime,
        series: series(&found.path),
    }
}

fn partial(source: &mut Source, why: &str) {
    source.status = Status::Partial;
    note(source, why);
}

pub(super) fn note(source: &mut Source, note: &str) {
    if !source.note.is_empty() {
        source.note.push_str("; ");
    }
    source.note.push_str(&text::printable(note.as_bytes()));
}

/// Reads the head of a file. When the writer of a log that was truncated under it goes on at its old offset, the file
/// begins with a hole of zeros: that is passed over, and its length given.
fn behind_hole(reader: &mut dyn Read, head: &mut Vec<u8>) -> std::io::Result<u64> {
    let mut hole = 0_u64;
    loop {
        let room = HEAD.saturating_sub(head.len());
        (&mut *reader).take(room as u64).read_to_end(head)?;
        let zeros = head.iter().take_while(|b| **b == 0).count();
        if (hole == 0 && zeros < HOLE) || zeros == 0 {
            return Ok(hole);
        }
        hole = hole.saturating_add(zeros as u64);
        head.drain(..zeros);
        if head.len().saturating_add(zeros) < HEAD {
            return Ok(hole);
        }
    }
}

fn log(
    (catalog, crew): Known<'_>,
    observation: &mut Observation,
    (base, head): (Base, Vec<u8>),
    reader: &mut dyn Read,
) {
    let outermost = observation.source.formats.first();
    let scanned = Scan::new(catalog, &observation.source.scope)
        .with_kernel_stacks(&observation.source.path)
        .keeping_edges(outermost.is_some_and(|f| parse::log::is_wrapper(f)))
        .below(base.lines, base.bytes)
        .run_with(crew, head, reader);
    observation.source.coverage = scanned.coverage;
    observation.edges = scanned.edges;
    observation.ending = scanned.ending;
    if scanned.newest_first {
        note(&mut observation.source, "newest line first");
    }
    observation.lives = scanned.lives;
    observation.zones = scanned.zones;
    observation.preamble.year = observation.preamble.year.or(scanned.year);
    observation.templates = if observation.source.kind == SourceKind::Log {
        scanned.templates.finish()
    } else {
        Vec::new()
    };
    observation.dumps = scanned.dumps;
    if let Some(e) = scanned.error {
        let lines = observation.source.coverage.lines;
        partial(
            &mut observation.source,
            &format!("reading stopped after line {lines}: {e}"),
        );
    }
    let note = &mut observation.source.note;
    if scanned.long_lines > 0 {
        let _ = write!(
            note,
            "{} piece(s) of a line longer than 8 MiB were read apart",
            scanned.long_lines
        );
    }
    if !scanned.fold.overflow.is_empty() {
        let n: u64 = scanned.fold.overflow.values().sum();
        let separator = if note.is_empty() { "" } else { "; " };
        let _ = write!(
            note,
            "{separator}{n} occurrence(s) beyond the limit of distinct facts were only counted"
        );
    }
    observation.overflow.clone_from(&scanned.fold.overflow);
    observation.facts = scanned.fold.finish();
    kernel_stacks(catalog, observation, scanned.stacks);
}

/// The lines that a reading has statements from.
pub(super) fn lines_of(reading: &Reading) -> BTreeSet<u64> {
    reading.lines.iter().map(|l| l.line).collect()
}

/// Matches and keeps the stacks of threads inside the kernel.
pub(super) fn kernel_stacks(
    catalog: &Catalog,
    observation: &mut Observation,
    stacks: Vec<StateLine>,
) {
    if stacks.is_empty() {
        return;
    }
    let mut fold = Fold::default();
    let mut matcher = Matcher::new(catalog);
    for line in &stacks {
        matcher.state(line, &observation.source.scope, 0, &mut fold);
    }
    observation.facts.extend(fold.finish());
    observation.states.extend(stacks);
}

/// Whether a line of an object file is a part of an object, not a remark of the program that wrote it.
fn is_inside_object(line: &str) -> bool {
    line.starts_with([' ', '\t', '{', '}', '[', ']', '"', '-', ','])
}

/// Counts the bytes of what nothing can read, up to the end.
fn binary(observation: &mut Observation, _head: &[u8], reader: &mut dyn Read) {
    observation.source.status = Status::Skipped;
    if observation.source.note.is_empty() {
        observation.source.note = String::from("not text");
    }
    if let Err(e) = std::io::copy(reader, &mut std::io::sink()) {
        partial(&mut observation.source, &format!("reading stopped: {e}"));
    }
}

fn dump(catalog: &Catalog, observation: &mut Observation, head: Vec<u8>, reader: &mut dyn Read) {
    let text = whole(observation, head, reader);
    // A part of a rotated log may begin within a dump, and go on as a log behind it.
    if let Some(formats) = log_behind(&text) {
        observation.source.kind = SourceKind::Log;
        observation.source.formats = formats;
        observation.source.why = String::from("it is a log that begins within a goroutine dump");
        log(
            (catalog, &Crew::alone()),
            observation,
            (Base::default(), text),
            &mut std::io::empty(),
        );
        return;
    }
    observation.edges.in_dump = true;
    observation.source.coverage.lines = memchr::memchr_iter(b'\n', &text).count() as u64;
    observation.dumps.push(DumpText {
        text,
        line: 1,
        offset: 0,
        time: None,
        continues: false,
    });
}

fn states(catalog: &Catalog, observation: &mut Observation, head: Vec<u8>, reader: &mut dyn Read) {
    let text = whole(observation, head, reader);
    let source = &observation.source;
    let reading = state::read(source.kind, &source.path, &text);
    let mut fold = Fold::default();
    let mut matcher = Matcher::new(catalog);
    for line in &reading.lines {
        matcher.state(line, &source.scope, 0, &mut fold);
    }
    // The same file as plain lines: what kubectl or a command said about its own trouble.
    let mut scope = source.scope.clone();
    scope.component = if source.kind == SourceKind::Host {
        Component::HOST
    } else {
        Component::KUBECTL
    };
    let kind = source.kind;
    let mut scan = Scan::new(catalog, &scope);
    if source.kind == SourceKind::Host {
        scan = scan.with_kernel_stacks(&source.path);
    }
    let scanned = scan.run(text, &mut std::io::empty());
    observation.source.coverage.lines = scanned.coverage.lines;
    observation.facts = fold.finish();
    // What a row or an object quotes (an event's message) is not what kubectl says of itself.
    let said = lines_of(&reading);
    let own = |s: &Seen| {
        !said.contains(&s.line) && (kind != SourceKind::Objects || !is_inside_object(&s.text))
    };
    let facts = scanned.fold.finish();
    observation
        .facts
        .extend(facts.into_iter().filter(|f| f.first.iter().any(own)));
    // A transcript of a whole collection may hold a dump among its outputs.
    if kind == SourceKind::Host {
        observation.dumps = scanned.dumps;
    }
    keep(observation, reading);
    kernel_stacks(catalog, observation, scanned.stacks);
}

/// Keeps what the inferences need of a reading, and its notes.
pub(super) fn keep(observation: &mut Observation, reading: Reading) {
    observation.relations = reading.relations;
    observation.assumed = reading.assumed;
    observation.labels = reading.labels;
    observation.hints = reading.hints;
    observation.pairs = reading.pairs;
    observation.has_events = reading
        .lines
        .iter()
        .any(|l| l.component == Component::EVENT);
    let kept = reading
        .lines
        .into_iter()
        .filter(|l| l.component != Component::EVENT)
        .take(KEPT_STATES);
    observation.states.extend(kept);
    for note in reading.notes {
        partial(&mut observation.source, &note);
    }
}

/// The formats of the log that a text ends as.
fn log_behind(text: &[u8]) -> Option<Vec<&'static str>> {
    let start = text.len().saturating_sub(HEAD);
    let end = text.get(start..).unwrap_or_default();
    let mut formats = end
        .rsplit(|b| *b == b'\n')
        .take(LOG_LINES.saturating_mul(2))
        .filter(|line| !parse::log::is_dump_line(parse::log::payload_of(line)))
        .map(parse::log::formats)
        .filter(|f| f.last().is_some_and(|f| !matches!(*f, "leveled" | "dated")));
    let last = formats.next()?;
    (formats.count().saturating_add(1) >= LOG_LINES).then_some(last)
}

/// Reads the rest, up to the limit.
pub(super) fn whole(
    observation: &mut Observation,
    head: Vec<u8>,
    reader: &mut dyn Read,
) -> Vec<u8> {
    let mut text = head;
    let room = STATE_LIMIT.saturating_sub(text.len());
    if let Err(e) = (&mut *reader).take(room as u64).read_to_end(&mut text) {
        partial(
            &mut observation.source,
            &format!(
                "reading stopped after {}: {e}",
                human_bytes(text.len() as u64)
            ),
        );
        return text;
    }
    if text.len() >= STATE_LIMIT {
        match std::io::copy(reader, &mut std::io::sink()) {
            Ok(0) => {}
            Ok(n) => partial(
                &mut observation.source,
                &format!(
                    "only the first {} were read, {} more were left out",
                    human_bytes(STATE_LIMIT as u64),
                    human_bytes(n)
                ),
            ),
            Err(e) => partial(&mut observation.source, &format!("reading stopped: {e}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_of_a_journal_is_read_behind_a_margin() {
        let catalog = Catalog::builtin().unwrap();
        let line = "Aug 14 14:43:19 n1 kubelet[7]: E0814 14:43:19.000100       7 a.go:1] it broke";
        let header =
            "-- Logs begin at Mon 2019-08-12 09:10:00 CST, end at Wed 2019-08-14 14:43:20 CST. --";
        for margin in ["", "    ", "> "] {
            let text = format!("{margin}{header}\n{margin}{line}\n");
            let found = Found::named("n1/kubelet.txt");
            let seen = observe(&catalog, &found, &mut text.as_bytes());
            assert_eq!(seen.source.kind, SourceKind::Log, "{margin:?}");
            assert!(seen.preamble.end.is_some(), "{margin:?}");
        }
    }
}
