//! Text formats with a time or a level in front: etcd capnslog, Go std log, calico, istio, envoy, coredns, zap console,
//! kernel, and the shapes that most other programs share (`2024-01-01 00:00:00,123 ERROR …`, `[INFO] …`).
//!
//! `2026-11-20 17:00:59.098538 I | etcdmain: Git SHA: …`. Everything is a slice of the line; nothing is allocated.

use std::borrow::Cow;

use super::canon::Canon;
use super::members::Members;
use super::pairs::{self, Pairs, Style};
use super::{level, lines, logfmt, stamp};
use crate::base::time::RawStamp;
use crate::model::{Level, Record};

/// Fields behind the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail<'a> {
    /// None, or none that can be told from the message.
    None,
    /// A JSON object (zap console).
    Json(&'a [u8]),
    /// Pairs.
    Pairs(&'a [u8]),
}

/// A line taken apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plain<'a> {
    pub(super) name: &'static str,
    pub(super) time: Option<RawStamp>,
    pub(super) level: Level,
    /// File and line, where printed.
    pub(super) caller: Option<(&'a [u8], &'a [u8])>,
    pub(super) pid: Option<u64>,
    pub(super) message: &'a [u8],
    pub(super) tail: Tail<'a>,
}

impl<'a> Plain<'a> {
    fn new(name: &'static str, time: Option<RawStamp>, level: Level, message: &'a [u8]) -> Self {
        Self {
            name,
            time,
            level,
            caller: None,
            pid: None,
            message,
            tail: Tail::None,
        }
    }

    /// Splits `message  key=value …` where the first pair begins.
    fn with_pairs(mut self) -> Self {
        let text = self.message;
        let line = memchr::memchr(b'\n', text).unwrap_or(text.len());
        let mut at = 0;
        while let Some(found) = text.get(at..line).and_then(|t| memchr::memchr(b' ', t)) {
            let next = at + found + 1;
            if text
                .get(next..line)
                .is_some_and(|t| pairs::key(t).is_some())
            {
                let (message, tail) = text.split_at(next);
                self.message = message.trim_ascii_end();
                self.tail = Tail::Pairs(tail);
                break;
            }
            at = next;
        }
        self
    }

    fn with_caller(mut self, caller: &'a [u8]) -> Self {
        if let Some(colon) = memchr::memrchr(b':', caller) {
            let (file, line) = caller.split_at(colon);
            self.caller = Some((file, line.get(1..).unwrap_or_default()));
        }
        self
    }

    /// Fills a record.
    pub(super) fn fill(self, record: &mut Record<'a>) {
        record.caller = self.caller.map(|(file, line)| {
            Cow::Owned(format!(
                "{}:{}",
                String::from_utf8_lossy(file),
                String::from_utf8_lossy(line)
            ))
        });
        match self.tail {
            Tail::None => {
                record.text = Cow::Borrowed(self.message);
                record.message = self.message.len();
            }
            Tail::Json(object) => {
                let mut canon = Canon::new(self.message);
                let mut members = Members::of(object).unwrap_or_else(Members::empty);
                for (key, value) in members.by_ref() {
                    if matches!(key, b"stacktrace" | b"logger") {
                        canon.keep(key, value.text());
                    } else {
                        canon.show(key, value.text());
                    }
                }
                canon.append(members.remainder());
                canon.finish(record);
            }
            Tail::Pairs(tail) => {
                let mut canon = Canon::new(self.message);
                let mut pairs = Pairs::new(tail, Style::Klog);
                for (key, value) in pairs.by_ref() {
                    canon.show(key, value);
                }
                canon.append(pairs.remainder());
                canon.finish(record);
            }
        }
    }
}

/// Takes a payload apart by the shape of its first bytes.
pub(super) fn parse(b: &[u8]) -> Option<Plain<'_>> {
    match b.first()? {
        b'0'..=b'9' => dated(b),
        b'[' => bracket(b),
        b'<' => {
            let close = memchr::memchr(b'>', b.get(..b.len().min(5))?)?;
            let priority = stamp::number(b.get(1..close)?)?;
            let mut plain = kernel(b.get(close + 1..)?)?;
            plain.level = level::from_priority(priority & 7);
            Some(plain)
        }
        b'r' => {
            let (time, len) = stamp::iso(b.strip_prefix(b"raft")?)?;
            let rest = b.get(4 + len..)?.strip_prefix(b" ")?;
            let (level, message) = word(rest).unwrap_or((Level::Unknown, rest));
            Some(Plain::new("go-log", Some(time), level, message))
        }
        b'k' => dmesg_decoded(b),
        b'A'..=b'Z' => upper(b),
        _ => None,
    }
}

/// `WARN: message`, `ERROR message` behind something else: the level and what follows.
fn word(b: &[u8]) -> Option<(Level, &[u8])> {
    let end = b.iter().take(12).position(|c| !c.is_ascii_alphabetic())?;
    let level = level::from_word(b.get(..end)?);
    let rest = b.get(end..)?;
    if level == Level::Unknown || !matches!(rest.first(), Some(b' ' | b':' | b'\t')) {
        return None;
    }
    let rest = rest.strip_prefix(b":").unwrap_or(rest);
    Some((level, rest.trim_ascii_start()))
}

/// A line that begins with a date.
fn dated(b: &[u8]) -> Option<Plain<'_>> {
    let Some((time, len)) = stamp::iso(b) else {
        return console_epoch(b);
    };
    let rest = b.get(len..)?;
    if let Some(rest) = rest.strip_prefix(b"\t") {
        return Some(columns(time, rest));
    }
    // CRI-O aside, nobody prints an offset behind a blank.
    let Some(body) = rest.strip_prefix(b" ") else {
        return rest
            .is_empty()
            .then(|| Plain::new("dated", Some(time), Level::Unknown, rest));
    };
    if b.get(4) == Some(&b'/') {
        return Some(std_log(time, body));
    }
    if let Some(plain) = capnslog(time, body).or_else(|| calico(time, body)) {
        return Some(plain);
    }
    let text = body.trim_ascii_start();
    if let Some((level, rest)) = tag(text) {
        let name = if rest.starts_with(b"plugin/") {
            "coredns"
        } else {
            "dated"
        };
        return Some(Plain::new(name, Some(time), level, rest));
    }
    if let Some((level, rest)) = word(text) {
        let istio = matches!(time, RawStamp::Utc { .. }) && text.first()?.is_ascii_lowercase();
        if istio {
            return Some(istio_blanks(time, level, rest));
        }
        return Some(Plain::new("dated", Some(time), level, rest));
    }
    // `2024-01-01 00:00:00,123 - name - ERROR - message`.
    let level = dashed(text);
    Some(Plain::new("dated", Some(time), level, text))
}

fn dashed(text: &[u8]) -> Level {
    let head = text.get(..text.len().min(120)).unwrap_or_default();
    if memchr::memmem::find(head, b" - ").is_none() {
        return Level::Unknown;
    }
    head.split(|c| *c == b' ')
        .take(6)
        .filter(|w| w.len() > 3 && w.iter().all(u8::is_ascii_uppercase))
        .map(level::from_word)
        .find(|l| *l != Level::Unknown)
        .unwrap_or_default()
}

/// `I | pkg: message`, in debug mode `[file.go:12] I | …`.
fn capnslog(time: RawStamp, body: &[u8]) -> Option<Plain<'_>> {
    let (caller, body) = match body.strip_prefix(b"[") {
        Some(inner) => {
            let close = memchr::memchr(b']', inner.get(..inner.len().min(80))?)?;
            let rest = inner.get(close + 1..)?.strip_prefix(b" ")?;
            (inner.get(..close), rest)
        }
        None => (None, body),
    };
    let [letter, b' ', b'|', b' ', ..] = body else {
        return None;
    };
    let level = match letter {
        b'C' => Level::Fatal,
        b'E' => Level::Error,
        b'W' => Level::Warning,
        b'N' | b'I' => Level::Info,
        b'D' | b'T' => Level::Debug,
        _ => return None,
    };
    let plain = Plain::new("capnslog", Some(time), level, body.get(4..)?);
    Some(caller.map_or(plain, |c| plain.with_caller(c)))
}

/// `[INFO][85386] felix/int_dataplane.go 434: message ifaceName="cali1"`.
fn calico(time: RawStamp, body: &[u8]) -> Option<Plain<'_>> {
    let (level, rest) = tag(body)?;
    let rest = rest.strip_prefix(b"[")?;
    let close = memchr::memchr(b']', rest.get(..rest.len().min(12))?)?;
    let pid = stamp::number(rest.get(..close)?)?;
    let rest = rest.get(close + 1..)?.strip_prefix(b" ")?;
    let blank = memchr::memchr(b' ', rest.get(..rest.len().min(120))?)?;
    let behind = rest.get(blank + 1..)?;
    let digits = behind.iter().take_while(|c| c.is_ascii_digit()).count();
    let message = behind.get(digits..)?.strip_prefix(b":")?;
    let mut plain = Plain::new(
        "calico",
        Some(time),
        level,
        message.strip_prefix(b" ").unwrap_or(message),
    );
    plain.pid = Some(pid);
    plain.caller = Some((rest.get(..blank)?, behind.get(..digits)?)).filter(|_| digits > 0);
    Some(plain.with_pairs())
}

/// `[INFO] ` or `[INFO][`: the level and what follows the bracket (blank removed).
fn tag(b: &[u8]) -> Option<(Level, &[u8])> {
    let inner = b.strip_prefix(b"[")?;
    let close = inner.iter().take(12).position(|c| *c == b']')?;
    let word = inner.get(..close)?.trim_ascii();
    let level = level::from_word(word);
    if level == Level::Unknown || !word.iter().all(u8::is_ascii_alphabetic) {
        return None;
    }
    let rest = inner.get(close + 1..)?;
    match rest.first() {
        None | Some(b'[') => Some((level, rest)),
        Some(b' ' | b'\t') => Some((level, rest.trim_ascii_start())),
        Some(b':') => Some((level, rest.get(1..)?.trim_ascii_start())),
        _ => None,
    }
}

/// Go's std log behind its time: `[file.go:1: ]message`.
fn std_log(time: RawStamp, body: &[u8]) -> Plain<'_> {
    if let Some((level, rest)) = tag(body) {
        return Plain::new("go-log", Some(time), level, rest);
    }
    let head = body.get(..body.len().min(120)).unwrap_or_default();
    if let Some(end) = memchr::memmem::find(head, b": ")
        && let Some(caller) = body.get(..end)
        && logfmt::is_caller(caller)
    {
        let message = body.get(end + 2..).unwrap_or_default();
        return Plain::new("go-log", Some(time), Level::Unknown, message).with_caller(caller);
    }
    Plain::new("go-log", Some(time), Level::Unknown, body)
}

/// zap's console and istio: columns separated by tabs behind the time.
fn columns(time: RawStamp, rest: &[u8]) -> Plain<'_> {
    let line = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    let tab = |b: &[u8]| memchr::memchr(b'\t', b);
    let first = tab(rest.get(..line).unwrap_or_default()).unwrap_or(line);
    let level = level::from_word(rest.get(..first).unwrap_or_default());
    let mut body = rest.get(first + 1..).unwrap_or_default();
    let istio = rest.first().is_some_and(u8::is_ascii_lowercase);
    let mut plain = Plain::new(
        if istio { "istio" } else { "zap-console" },
        Some(time),
        level,
        body,
    );
    // Logger and caller columns come first; a stack may follow the message on lines of its own.
    for _ in 0..2 {
        let line = memchr::memchr(b'\n', body).unwrap_or(body.len());
        let Some(end) = body.get(..line).and_then(tab) else {
            break;
        };
        let (column, next) = (
            body.get(..end).unwrap_or_default(),
            body.get(end + 1..).unwrap_or_default(),
        );
        if next.first() == Some(&b'{') || (istio && pairs::key(next).is_some()) {
            break;
        }
        body = next;
        if logfmt::is_caller(column) {
            plain = plain.with_caller(column);
            break;
        }
    }
    let line = memchr::memchr(b'\n', body).unwrap_or(body.len());
    plain.message = body;
    if let Some(end) = body.get(..line).and_then(tab) {
        let (message, tail) = body.split_at(end);
        let tail = tail.get(1..).unwrap_or_default();
        if tail.first() == Some(&b'{') {
            plain.message = message;
            plain.tail = Tail::Json(tail);
        } else if istio && pairs::key(tail).is_some() {
            plain.message = message;
            plain.tail = Tail::Pairs(tail);
        }
    }
    plain
}

/// `…Z  info  scope  message`: istio whose tabs became blanks.
fn istio_blanks(time: RawStamp, level: Level, rest: &[u8]) -> Plain<'_> {
    let message = memchr::memmem::find(rest.get(..rest.len().min(60)).unwrap_or_default(), b"  ")
        .and_then(|at| rest.get(at..))
        .map_or(rest, <[u8]>::trim_ascii_start);
    Plain::new("istio", Some(time), level, message)
}

/// `1.707419045123456e+09<TAB>INFO<TAB>…`.
fn console_epoch(b: &[u8]) -> Option<Plain<'_>> {
    let tab = memchr::memchr(b'\t', b.get(..b.len().min(32))?)?;
    let time = stamp::epoch(b.get(..tab)?)?;
    let plain = columns(time, b.get(tab + 1..)?);
    (plain.level != Level::Unknown).then_some(plain)
}

/// A line that begins with a bracket.
fn bracket(b: &[u8]) -> Option<Plain<'_>> {
    if let Some(plain) = kernel(b) {
        return Some(plain);
    }
    if let Some((level, rest)) = tag(b) {
        let name = if rest.starts_with(b"plugin/") {
            "coredns"
        } else {
            "leveled"
        };
        return Some(Plain::new(name, None, level, rest));
    }
    envoy(b)
}

/// `[12345.678901] text` and `[Fri Feb  9 03:04:05 2024] text`.
fn kernel(b: &[u8]) -> Option<Plain<'_>> {
    if let Some((time, len)) = stamp::boot(b) {
        let rest = b.get(len..)?;
        let rest = rest.strip_prefix(b" ").unwrap_or(rest);
        // `[  T123]`, `[    C0]`: which task or processor printed it.
        let rest = match rest.strip_prefix(b"[").map(<[u8]>::trim_ascii_start) {
            Some(inner @ [b'T' | b'C', b'0'..=b'9', ..]) => {
                let close = memchr::memchr(b']', inner.get(..inner.len().min(12))?);
                close
                    .and_then(|c| inner.get(c + 1..))
                    .map_or(rest, |r| r.strip_prefix(b" ").unwrap_or(r))
            }
            _ => rest,
        };
        return Some(Plain::new("kernel", Some(time), Level::Unknown, rest));
    }
    let (time, len) = stamp::ctime(b.strip_prefix(b"[")?)?;
    let rest = b.get(1 + len..)?.strip_prefix(b"]")?;
    Some(Plain::new(
        "dmesg",
        Some(time),
        Level::Unknown,
        rest.strip_prefix(b" ").unwrap_or(rest),
    ))
}

/// `kern  :warn  : [   12.345678] text` (`dmesg -x`).
fn dmesg_decoded(b: &[u8]) -> Option<Plain<'_>> {
    let rest = b
        .strip_prefix(b"kern")?
        .trim_ascii_start()
        .strip_prefix(b":")?;
    let colon = memchr::memchr(b':', rest.get(..rest.len().min(10))?)?;
    let level = level::from_word(rest.get(..colon)?.trim_ascii());
    let mut plain = kernel(rest.get(colon + 1..)?.trim_ascii_start())?;
    plain.level = level;
    Some(plain)
}

/// `[2024-02-09 03:04:05.123][1][info][main] [source/server/server.cc:249] message` and access logs.
fn envoy(b: &[u8]) -> Option<Plain<'_>> {
    let inner = b.strip_prefix(b"[")?;
    let (time, len) = stamp::iso(inner)?;
    let mut rest = inner.get(len..)?.strip_prefix(b"]")?;
    let mut plain = Plain::new("dated", Some(time), Level::Unknown, rest);
    for position in 0..3 {
        let Some(next) = rest.strip_prefix(b"[") else {
            break;
        };
        let close = memchr::memchr(b']', next.get(..next.len().min(64))?)?;
        let cell = next.get(..close)?;
        match position {
            0 => plain.pid = stamp::number(cell),
            1 => plain.level = level::from_word(cell),
            _ => plain.name = "envoy",
        }
        rest = next.get(close + 1..)?;
    }
    rest = rest.trim_ascii_start();
    if let Some(next) = rest.strip_prefix(b"[")
        && let Some(close) = memchr::memchr(b']', next.get(..next.len().min(200))?)
        && let Some(caller) = next.get(..close).filter(|c| logfmt::is_caller(c))
    {
        plain = plain.with_caller(caller);
        rest = next.get(close + 1..)?.trim_ascii_start();
    } else if rest.first() == Some(&b'"') {
        plain.name = "envoy";
    } else if plain.name == "dated"
        && let Some((level, next)) = word(rest)
    {
        plain.level = level;
        rest = next;
    }
    plain.message = rest;
    Some(plain)
}

/// `INFO[0013] message  k=v`, `INFO: 2024/02/09 03:04:05.123456 message`, `ERROR: message`.
fn upper(b: &[u8]) -> Option<Plain<'_>> {
    let end = b.iter().take(10).position(|c| !c.is_ascii_uppercase())?;
    let level = level::from_word(b.get(..end).filter(|w| w.len() >= 4)?);
    if level == Level::Unknown {
        return None;
    }
    // A terminal's colours end behind the word.
    let rest = lines::uncoloured(b.get(end..)?);
    if let Some(inner) = rest.strip_prefix(b"[") {
        let close = memchr::memchr(b']', inner.get(..inner.len().min(40))?)?;
        let cell = inner.get(..close)?;
        let time = stamp::iso(cell).map(|(t, _)| t);
        if time.is_none() && !cell.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let message = inner.get(close + 1..)?;
        let message = message.strip_prefix(b" ").unwrap_or(message);
        return Some(Plain::new("logfmt", time, level, message).with_pairs());
    }
    let rest = rest.strip_prefix(b":")?.trim_ascii_start();
    if let Some((time, len)) = stamp::iso(rest) {
        let message = rest.get(len..)?.trim_ascii_start();
        return Some(Plain::new("go-log", Some(time), level, message));
    }
    Some(Plain::new("leveled", None, level, rest))
}

#[cfg(test)]
mod tests;
