//! Peels what a collector put around a line: CRI, docker, journald, syslog, `kubectl logs`, stern, compose.
//!
//! `2026-11-20T17:08:32.287542535Z stderr F I1120 17:08:32.085218 …` is a [`Layer`] and the klog line inside. One
//! call takes one wrapper off; wrappers in wrappers are peeled by calling again. Nothing is allocated here.

use super::level;
use super::{Stream, envelope, is_known, stamp, syslog};
use crate::base::time::RawStamp;
use crate::model::Level;

/// What kind of wrapper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrap {
    /// A byte order mark.
    Bom,
    /// Container runtime interface: `<time> stderr F …`.
    Cri,
    /// docker json-file: `{"log":"…\n","stream":"stderr","time":"…"}`.
    Docker,
    /// A time alone: `kubectl logs --timestamps`.
    Timestamp,
    /// journalctl in one of its text forms.
    Journald,
    /// journalctl `-o json`.
    JournalJson,
    /// journalctl `-o export`.
    JournalExport,
    /// journalctl `-o verbose`.
    JournalVerbose,
    /// rsyslog, RFC 3164 and its ISO form.
    Syslog,
    /// What is left of a syslog or journal line whose begin was cut off. No wrapper for a report: in a file of whole
    /// lines it is the rest of one.
    Clipped,
    /// RFC 5424.
    Rfc5424,
    /// `[pod/<pod>/<container>] `, `[<pod> <container>] `.
    Prefix,
    /// `<pod> <container> …` and stern's JSON.
    Stern,
    /// `name_1  | …`.
    Compose,
    /// A Cloud Logging `LogEntry`.
    CloudLogging,
    /// An event of `CloudWatch` Logs.
    CloudWatch,
}

impl Wrap {
    /// All that a report names.
    pub(super) const ALL: [Self; 14] = [
        Self::Cri,
        Self::Docker,
        Self::Timestamp,
        Self::Journald,
        Self::JournalJson,
        Self::JournalExport,
        Self::JournalVerbose,
        Self::Syslog,
        Self::Rfc5424,
        Self::Prefix,
        Self::Stern,
        Self::Compose,
        Self::CloudLogging,
        Self::CloudWatch,
    ];

    /// The word for a report.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Bom => "bom",
            Self::Cri => "cri",
            Self::Docker => "docker",
            Self::Timestamp => "timestamps",
            Self::Journald => "journald",
            Self::JournalJson => "journal-json",
            Self::JournalExport => "journal-export",
            Self::JournalVerbose => "journal-verbose",
            Self::Syslog => "syslog",
            Self::Clipped => "clipped",
            Self::Rfc5424 => "rfc5424",
            Self::Prefix => "kubectl-prefix",
            Self::Stern => "stern",
            Self::Compose => "compose",
            Self::CloudLogging => "cloud-logging",
            Self::CloudWatch => "cloudwatch",
        }
    }

    /// Whether an entry stands on several lines, one for each field.
    pub(super) fn is_of_fields(self) -> bool {
        matches!(self, Self::JournalExport | Self::JournalVerbose)
    }

    /// Whether a line of a record that began with `self` may be peeled as `other`.
    pub(super) fn continues_as(self, other: Self) -> bool {
        // The day's padding tells journald from syslog on one line, but not on the 10th and later.
        let family = |w| match w {
            Self::Syslog => Self::Journald,
            w => w,
        };
        family(self) == family(other)
    }
}

/// The content of a wrapper.
#[derive(Clone, Copy, Debug)]
pub(super) enum Inside<'a> {
    /// As it stands.
    Plain(&'a [u8]),
    /// Within a JSON string, still escaped.
    Escaped(&'a [u8]),
    /// A JSON array of byte numbers (journald, message not printable).
    Numbers(&'a [u8]),
}

impl<'a> Inside<'a> {
    /// The bytes, escapes and all: enough for headers, which hold none.
    pub(super) fn raw(self) -> &'a [u8] {
        match self {
            Self::Plain(b) | Self::Escaped(b) => b,
            Self::Numbers(_) => &[],
        }
    }
}

/// One wrapper taken off.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layer<'a> {
    pub(super) wrap: Wrap,
    pub(super) stamp: Option<RawStamp>,
    pub(super) host: Option<&'a [u8]>,
    pub(super) ident: Option<&'a [u8]>,
    pub(super) pid: Option<u64>,
    pub(super) level: Level,
    pub(super) stream: Option<Stream>,
    pub(super) partial: bool,
    pub(super) inside: Inside<'a>,
}

impl<'a> Layer<'a> {
    pub(super) fn new(wrap: Wrap, stamp: Option<RawStamp>, inside: &'a [u8]) -> Self {
        Self {
            wrap,
            stamp,
            host: None,
            ident: None,
            pid: None,
            level: Level::Unknown,
            stream: None,
            partial: false,
            inside: Inside::Plain(inside),
        }
    }
}

/// Takes the outermost wrapper off a physical line. `None`: the line is the payload.
pub(super) fn peel(line: &[u8]) -> Option<Layer<'_>> {
    match line.first()? {
        0xef => line
            .strip_prefix(b"\xef\xbb\xbf")
            .map(|rest| Layer::new(Wrap::Bom, None, rest)),
        b'0'..=b'9' => dated(line)
            .or_else(|| unix(line))
            .or_else(|| short(line))
            .or_else(|| clipped(line))
            .or_else(|| named(line)),
        b'A'..=b'Z' => short(line)
            .or_else(|| weekday(line))
            .or_else(|| envelope::field(line, Wrap::JournalExport))
            .or_else(|| envelope::events(line)),
        b'_' => envelope::field(line, Wrap::JournalExport),
        b' ' => line
            .strip_prefix(b"    ")
            .and_then(|l| envelope::field(l, Wrap::JournalVerbose))
            .or_else(|| short(line)),
        b'<' => syslog::priority(line),
        b'{' => envelope::json(line),
        b'[' => bracket(line),
        b'd' if line.starts_with(b"data: {") => envelope::json(line.get(6..)?),
        b'a'..=b'z' => short(line)
            .or_else(|| named(line))
            .or_else(|| clipped(line)),
        // Months that begin with a letter outside ASCII.
        0xc3..=0xd1 => short(line),
        0x1e => envelope::json(line.get(1..)?),
        _ => None,
    }
}

/// `2026-11-20T17:08:32.287542535Z …`: CRI, journald short-iso, rsyslog ISO, or a time alone.
pub(super) fn dated(line: &[u8]) -> Option<Layer<'_>> {
    if line.get(10) != Some(&b'T') {
        return None;
    }
    let (time, len) = stamp::iso(line)?;
    if !matches!(time, RawStamp::Utc { .. }) {
        return None;
    }
    let rest = line.get(len..)?;
    if rest.is_empty() {
        return Some(Layer::new(Wrap::Timestamp, Some(time), rest));
    }
    let rest = rest.strip_prefix(b" ")?;
    if let Some(layer) = cri(time, rest) {
        return Some(layer);
    }
    if let Some(layer) = syslog::unranked(time, rest) {
        return Some(layer);
    }
    if let Some(origin) = Origin::of(rest).filter(Origin::is_plausible) {
        // journalctl prints an offset without colon, or six digits; rsyslog six digits and a colon.
        let wrap = if line
            .get(len.saturating_sub(5))
            .is_some_and(|c| matches!(c, b'+' | b'-'))
        {
            Wrap::Journald
        } else {
            Wrap::Syslog
        };
        return Some(origin.layer(wrap, Some(time)));
    }
    // `…Z  info  scope  msg`: istio whose tabs became blanks; its time belongs to the payload.
    let word = rest.trim_ascii_start();
    let end = word
        .iter()
        .position(u8::is_ascii_whitespace)
        .unwrap_or(word.len());
    let level = level::from_word(word.get(..end)?);
    if level != Level::Unknown && word.get(..end)?.iter().all(u8::is_ascii_alphabetic) {
        return None;
    }
    // `aws logs tail` names the stream between the time and the message.
    if let Some(blank) = memchr::memchr(b' ', rest.get(..rest.len().min(512))?)
        && let (Some(stream), Some(inside)) = (rest.get(..blank), rest.get(blank + 1..))
        && stream.contains(&b'-')
        && envelope::is_stream(stream)
        && !is_known(rest)
        && is_known(inside)
    {
        let mut layer = Layer::new(Wrap::CloudWatch, Some(time), inside);
        layer.ident = Some(envelope::program_of_stream(stream));
        return Some(layer);
    }
    Some(Layer::new(Wrap::Timestamp, Some(time), rest))
}

/// The part of a CRI line behind its time: `stderr F message`.
fn cri(time: RawStamp, rest: &[u8]) -> Option<Layer<'_>> {
    let (stream, rest) = if let Some(rest) = rest.strip_prefix(b"stderr ") {
        (Stream::Stderr, rest)
    } else {
        (Stream::Stdout, rest.strip_prefix(b"stdout ")?)
    };
    let (tag, rest) = rest.split_first()?;
    if !matches!(tag, b'F' | b'P') {
        return None;
    }
    let inside = match rest.first() {
        None => rest,
        Some(b' ') => rest.get(1..)?,
        // Tags are separated by colons; only the first is defined.
        Some(b':') => memchr::memchr(b' ', rest).and_then(|i| rest.get(i + 1..))?,
        Some(_) => return None,
    };
    let mut layer = Layer::new(Wrap::Cri, Some(time), inside);
    layer.stream = Some(stream);
    layer.partial = *tag == b'P';
    Some(layer)
}

/// `host ident[pid]: message`, as journalctl and syslog print it.
struct Origin<'a> {
    host: Option<&'a [u8]>,
    ident: Option<&'a [u8]>,
    pid: Option<u64>,
    rest: &'a [u8],
}

/// Programs that log without a pid.
const NO_PID: [&[u8]; 12] = [
    b"kernel",
    b"systemd",
    b"kubelet",
    b"dockerd",
    b"dockerd-current",
    b"containerd",
    b"crio",
    b"etcd",
    b"dbus",
    b"sshd",
    b"sudo",
    b"rsyslogd",
];

impl<'a> Origin<'a> {
    fn of(b: &'a [u8]) -> Option<Self> {
        if let Some((ident, pid, rest)) = program(b) {
            return Some(Self {
                host: None,
                ident: Some(ident),
                pid,
                rest,
            });
        }
        let blank = memchr::memchr(b' ', b.get(..b.len().min(256))?)?;
        let host = b.get(..blank)?;
        let legal = |c: &u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.' | b'_' | b':');
        if host.is_empty() || !host.iter().all(legal) {
            return None;
        }
        let rest = b.get(blank + 1..)?;
        let (ident, pid, rest) = program(rest)?;
        Some(Self {
            host: Some(host),
            ident: Some(ident),
            pid,
            rest,
        })
    }

    /// Whether this is an origin even behind a time that other formats print too.
    fn is_plausible(&self) -> bool {
        self.host.is_some()
            && (self.pid.is_some() || self.ident.is_some_and(|i| NO_PID.contains(&i)))
    }

    fn layer(self, wrap: Wrap, stamp: Option<RawStamp>) -> Layer<'a> {
        let mut layer = Layer::new(wrap, stamp, self.rest);
        layer.host = self.host;
        layer.ident = self.ident;
        layer.pid = self.pid;
        layer
    }
}

/// `ident[pid]: ` or `ident: ` at the start.
fn program(b: &[u8]) -> Option<(&[u8], Option<u64>, &[u8])> {
    let head = b.get(..b.len().min(128))?;
    let end = head
        .iter()
        .position(|c| matches!(c, b'[' | b':' | b'"' | b'=' | b'{' | b'\t'))?;
    let ident = head.get(..end)?;
    if ident.is_empty() || ident.first() == Some(&b' ') {
        return None;
    }
    let behind = b.get(end + 1..)?;
    let (pid, rest) = match head.get(end)? {
        b':' if !ident.contains(&b' ') => (None, behind),
        b'[' => {
            let close = memchr::memchr(b']', behind.get(..behind.len().min(12))?)?;
            let pid = stamp::number(behind.get(..close)?)?;
            // A name with a blank is a host and a name.
            if ident.contains(&b' ') {
                return None;
            }
            (Some(pid), behind.get(close + 1..)?.strip_prefix(b":")?)
        }
        _ => return None,
    };
    let rest = match rest.first() {
        None => rest,
        Some(b' ') => rest.get(1..)?,
        Some(_) => return None,
    };
    Some((ident, pid, rest))
}

/// The rest of a journald or syslog line behind a time that only they print.
fn behind(wrap: Wrap, stamp: Option<RawStamp>, rest: &[u8]) -> Layer<'_> {
    if let Some(origin) = Origin::of(rest) {
        return origin.layer(wrap, stamp);
    }
    // `host last message repeated 5 times`: no program.
    let mut layer = Layer::new(wrap, stamp, rest);
    if let Some(blank) = memchr::memchr(b' ', rest)
        && !is_known(rest)
    {
        layer.host = rest.get(..blank);
        layer.inside = Inside::Plain(rest.get(blank + 1..).unwrap_or_default());
    }
    layer
}

/// `Nov 20 17:06:13[.123456] host ident[pid]: …`.
pub(super) fn short(line: &[u8]) -> Option<Layer<'_>> {
    let (time, len, padded) = stamp::short(line)?;
    let rest = line.get(len..)?.strip_prefix(b" ")?;
    let wrap = if padded { Wrap::Syslog } else { Wrap::Journald };
    let time = Some(time).filter(|_| !stamp::is_unclear(line));
    Some(behind(wrap, time, rest))
}

/// `Fri 2024-02-09 03:04:05 CST host ident[pid]: …`, or `… [s=…;i=…]` in front of the fields of an entry.
fn weekday(line: &[u8]) -> Option<Layer<'_>> {
    let (time, len) = stamp::full(line)?;
    let rest = line.get(len..)?.strip_prefix(b" ")?;
    if rest.starts_with(b"[s=") {
        return Some(Layer::new(Wrap::JournalVerbose, Some(time), &[]));
    }
    Some(behind(Wrap::Journald, Some(time), rest))
}

/// What is left of a journal's line whose begin was cut off when it was copied: `09 17:06:13 host ident[pid]: …`,
/// `17:06:13 host ident[pid]: …`, `ident[pid]: …`; only before a format that is sure, which has the time.
fn clipped(line: &[u8]) -> Option<Layer<'_>> {
    let digits = line
        .iter()
        .take(2)
        .take_while(|c| c.is_ascii_digit())
        .count();
    let clock = match line.get(digits)? {
        b' ' if digits > 0 => line.get(digits + 1..)?,
        _ => line,
    };
    let origin = match stamp::clock(clock) {
        Some((_, _, len)) => {
            Origin::of(clock.get(len..)?.strip_prefix(b" ")?).filter(|o| o.host.is_some())?
        }
        None => Origin::of(line).filter(|o| o.host.is_none())?,
    };
    (origin.pid.is_some() && is_known(origin.rest)).then(|| origin.layer(Wrap::Clipped, None))
}

/// `1707419045.123456 host ident[pid]: …`.
fn unix(line: &[u8]) -> Option<Layer<'_>> {
    if line.get(10) != Some(&b'.') || line.get(17) != Some(&b' ') {
        return None;
    }
    let time = stamp::epoch(line.get(..17)?)?;
    let origin = Origin::of(line.get(18..)?).filter(|o| o.host.is_some())?;
    Some(origin.layer(Wrap::Journald, Some(time)))
}

/// `[pod/web-1/web] …`, `[web-1 web] …`, `[   12.345678] host ident[pid]: …`.
fn bracket(line: &[u8]) -> Option<Layer<'_>> {
    if line.starts_with(b"[{") {
        return envelope::row(line);
    }
    if let Some(rest) = line.strip_prefix(b"[pod/") {
        let close = memchr::memchr(b']', rest.get(..rest.len().min(512))?)?;
        let inside = rest.get(close + 1..)?;
        let mut layer = Layer::new(
            Wrap::Prefix,
            None,
            inside.strip_prefix(b" ").unwrap_or(inside),
        );
        let (_, container) = rest
            .get(..close)?
            .split_at(memchr::memchr(b'/', rest.get(..close)?).unwrap_or(close));
        layer.ident = container.strip_prefix(b"/");
        return Some(layer);
    }
    if let Some((time, len)) = stamp::boot(line) {
        let rest = line.get(len..)?.strip_prefix(b" ")?;
        let origin = Origin::of(rest).filter(|o| {
            o.host.is_some() && (o.pid.is_some() || o.ident == Some(b"kernel".as_slice()))
        })?;
        return Some(origin.layer(Wrap::Journald, Some(time)));
    }
    let inner = line.strip_prefix(b"[")?;
    let (first, rest) = name(inner)?;
    let (container, rest) = match rest.strip_prefix(b" ") {
        Some(rest) => name(rest)?,
        None => (first, rest),
    };
    let inside = rest.strip_prefix(b"] ")?;
    if !is_known(inside) {
        return None;
    }
    let mut layer = Layer::new(Wrap::Prefix, None, inside);
    layer.ident = Some(container);
    Some(layer)
}

/// A name as pods and containers have it, at the start.
fn name(b: &[u8]) -> Option<(&[u8], &[u8])> {
    let legal =
        |c: &u8| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'-' | b'.' | b'_');
    let len = b.iter().take(254).take_while(|c| legal(c)).count();
    (len > 0 && len < 254).then(|| b.split_at(len))
}

/// `<pod> <container> <known>` (stern) or `name_1  | <known>` (compose); only before a format that is sure.
fn named(line: &[u8]) -> Option<Layer<'_>> {
    let (first, rest) = name(line)?;
    if rest.first() != Some(&b' ') {
        return None;
    }
    let behind = rest.trim_ascii_start();
    if let Some(inside) = behind.strip_prefix(b"| ") {
        if !is_known(inside) {
            return None;
        }
        let mut layer = Layer::new(Wrap::Compose, None, inside);
        layer.ident = Some(first);
        return Some(layer);
    }
    let mut rest = rest.get(1..)?;
    for _ in 0..2 {
        let (word, next) = name(rest)?;
        let inside = next.strip_prefix(b" ")?;
        if is_known(inside) {
            let mut layer = Layer::new(Wrap::Stern, None, inside);
            layer.ident = Some(word);
            return Some(layer);
        }
        rest = inside;
    }
    None
}
