//! JSON log lines: klog JSON, zap and logr, slog, logrus JSON, istio, bunyan.
//!
//! `{"ts":1795194060331.5964,"msg":"parsed scheme: \"passthrough\"\n","v":0}`. Which is which follows from the keys, not
//! from the source. An audit event is passed on to its own reader; other objects stay as they are.

use std::borrow::Cow;

use super::canon::{self, Canon};
use super::members::{Members, Value, find};
use super::{audit, level, stamp};
use crate::base::time::RawStamp;
use crate::model::{Level, Record};

const TIME: [&[u8]; 6] = [
    b"ts",
    b"time",
    b"timestamp",
    b"@timestamp",
    b"Timestamp",
    b"stageTimestamp",
];
const LEVEL: [&[u8]; 4] = [b"level", b"severity", b"lvl", b"Level"];
const MESSAGE: [&[u8]; 5] = [b"msg", b"message", b"MESSAGE", b"Message", b"@message"];

/// The members that make a log line, found in one pass.
#[derive(Default)]
struct Head<'a> {
    time: Option<(&'a [u8], Value<'a>)>,
    level: Option<(&'a [u8], Value<'a>)>,
    message: Option<(&'a [u8], Value<'a>)>,
    caller: Option<(&'a [u8], Value<'a>)>,
    verbosity: Option<&'a [u8]>,
    err: Option<Value<'a>>,
    audit: bool,
}

impl<'a> Head<'a> {
    fn of(line: &'a [u8]) -> Option<Self> {
        let mut head = Self::default();
        for (key, value) in Members::of(line)? {
            let member = Some((key, value));
            if TIME.contains(&key) {
                // An audit event has several; the moment of its stage is the line's.
                if head.time.is_none() || key == b"stageTimestamp" || key == b"ts" {
                    head.time = member;
                }
            } else if head.level.is_none() && LEVEL.contains(&key) {
                head.level = member;
            } else if head.message.is_none() && MESSAGE.contains(&key) {
                head.message = member;
            } else {
                match (key, value) {
                    (b"caller", Value::Str(_)) | (b"source", _) if head.caller.is_none() => {
                        head.caller = member.filter(|(_, v)| caller(*v).is_some());
                    }
                    (b"v", Value::Word(raw)) => head.verbosity = Some(raw),
                    (b"err", _) => head.err = Some(value),
                    (b"apiVersion", Value::Str(raw)) => {
                        head.audit = raw.starts_with(b"audit.k8s.io/");
                    }
                    _ => {}
                }
            }
        }
        Some(head)
    }

    fn is_klog(&self) -> bool {
        self.level.is_none()
            && self.message.is_some()
            && matches!(self.time, Some((b"ts", Value::Word(_))))
    }

    fn is_log(&self) -> bool {
        self.message.is_some() && (self.level.is_some() || self.time.is_some())
    }

    /// klog JSON has no severity. Errors have no `v` since 1.23; before, a structured error has `err` and `v` 0, and a
    /// printf error is not told from information.
    fn klog_level(&self) -> Level {
        match (self.verbosity, self.err.is_some()) {
            (None | Some(b"0"), true) => Level::Error,
            (None, false) if self.caller.is_some() => Level::Error,
            (Some(v), _) if v != b"0" => Level::Info,
            (Some(_), _) if self.caller.is_some() => Level::Info,
            _ => Level::Unknown,
        }
    }

    fn level(&self) -> Level {
        if self.audit {
            return Level::Unknown;
        }
        match self.level {
            Some((_, Value::Str(raw))) => level::from_word(raw),
            // bunyan and pino count.
            Some((_, Value::Word(raw))) => match stamp::number(raw) {
                Some(10 | 20) => Level::Debug,
                Some(30) => Level::Info,
                Some(40) => Level::Warning,
                Some(50) => Level::Error,
                Some(60) => Level::Fatal,
                _ => Level::Unknown,
            },
            _ if self.is_klog() => self.klog_level(),
            _ => Level::Unknown,
        }
    }

    fn time(&self) -> Option<RawStamp> {
        let (_, value) = self.time?;
        match value {
            Value::Word(raw) => stamp::epoch(raw),
            Value::Str(raw) => stamp::iso(raw)
                .map(|(t, _)| t)
                .or_else(|| stamp::epoch(raw)),
            Value::Nested(_) => None,
        }
    }
}

/// `file.go:12` from a string, or from slog's `{"function":…,"file":…,"line":…}`.
fn caller(value: Value<'_>) -> Option<Cow<'_, [u8]>> {
    match value {
        Value::Str(raw) if super::logfmt::is_caller(raw) => Some(Cow::Borrowed(raw)),
        Value::Nested(object) => {
            let file = find(object, b"file")?.text();
            let line = find(object, b"line")?;
            let name = file.rsplit(|c| *c == b'/').next()?;
            Some(Cow::Owned([name, b":", line.raw()].concat()))
        }
        _ => None,
    }
}

/// The level without building anything.
pub(super) fn peek_level(line: &[u8]) -> Level {
    // zap writes it first; the whole line is looked at only where that is not so.
    if let Some(rest) = line.strip_prefix(b"{\"level\":\"") {
        return level::from_word(rest);
    }
    if line.starts_with(b"{\"kind\":\"Event\"") {
        return Level::Unknown;
    }
    Head::of(line).map_or(Level::Unknown, |h| h.level())
}

/// The time without building anything.
pub(super) fn peek_time(line: &[u8]) -> Option<RawStamp> {
    Head::of(line)?.time()
}

/// What kind of JSON line: the word for a report.
pub(super) fn format(line: &[u8]) -> Option<&'static str> {
    let head = Head::of(line)?;
    if head.audit {
        Some("audit")
    } else if head.is_klog() {
        Some("klog-json")
    } else if head.is_log() {
        Some("json")
    } else {
        None
    }
}

/// Fills a record from a JSON line.
pub(super) fn fill<'a>(line: &'a [u8], record: &mut Record<'a>) {
    let Some(head) = Head::of(line) else { return };
    record.time = head.time();
    record.level = head.level();
    if head.audit {
        audit::fill(line, record);
        return;
    }
    if !head.is_log() {
        record.text = Cow::Borrowed(line);
        record.message = line.len();
        return;
    }
    record.caller = head.caller.and_then(|(_, v)| caller(v)).map(canon::text);
    let message = head
        .message
        .map_or(Cow::Borrowed(b"".as_slice()), |(_, v)| v.text());
    let mut canon = Canon::new(&message);
    // zapr appends the error of an error line last, klog's text prints it first: one text for both.
    let err_first = head.is_klog() && head.level() == Level::Error;
    if err_first && let Some(err) = head.err {
        canon.show(b"err", err.text());
    }
    let mut members = Members::of(line).unwrap_or_else(Members::empty);
    for (key, value) in members.by_ref() {
        let is = |member: Option<(&[u8], Value<'_>)>| member.is_some_and(|(k, _)| k == key);
        if is(head.time) || is(head.message) || (err_first && key == b"err") {
            continue;
        }
        let hidden = is(head.level)
            || is(head.caller)
            || matches!(key, b"v" | b"logger" | b"stacktrace" | b"stack");
        if hidden {
            canon.keep(key, shown(value));
        } else {
            canon.show(key, shown(value));
        }
    }
    canon.append(members.remainder());
    canon.finish(record);
}

/// A value as text; a reference to an object as klog's text prints it (`ns/name`).
fn shown(value: Value<'_>) -> Cow<'_, [u8]> {
    if let Value::Nested(object) = value
        && object.len() < 600
        && let Some(reference) = reference(object)
    {
        return Cow::Owned(reference);
    }
    value.text()
}

fn reference(object: &[u8]) -> Option<Vec<u8>> {
    let (mut name, mut namespace) = (None, None);
    for (key, value) in Members::of(object)? {
        match (key, value) {
            (b"name", Value::Str(_)) => name = Some(value.text()),
            (b"namespace", Value::Str(_)) => namespace = Some(value.text()),
            _ => return None,
        }
    }
    let name = name?;
    Some(match namespace.filter(|n| !n.is_empty()) {
        Some(namespace) => [&*namespace, b"/", &*name].concat(),
        None => name.into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Instant;

    #[track_caller]
    fn case<'a>(
        line: &'a str,
        format_: Option<&str>,
        level: Level,
        time: &str,
        text: &str,
    ) -> Record<'a> {
        let mut record = Record::default();
        fill(line.as_bytes(), &mut record);
        assert_eq!(format(line.as_bytes()), format_);
        assert_eq!(record.level, level);
        assert_eq!(peek_level(line.as_bytes()), level);
        let shown = record
            .time
            .map_or_else(String::new, |t| Instant(t.reading()).rfc3339());
        assert_eq!(shown, time);
        assert_eq!(String::from_utf8_lossy(&record.text), text);
        record
    }

    #[test]
    fn klog() {
        case(
            r#"{"ts":1795194060331.5964,"msg":"parsed scheme: \"passthrough\"\n","v":0}"#,
            Some("klog-json"),
            Level::Unknown, // 1.20 prints klog.Error like this too
            "2026-11-20T17:01:00.331596Z",
            r#"parsed scheme: "passthrough""#,
        );
        case(
            r#"{"ts":1795195116648.5881,"msg":"Unable to schedule pod; no fit; waiting","v":2,"pod":"blue/api","err":"0/1 nodes"}"#,
            Some("klog-json"),
            Level::Info,
            "2026-11-20T17:18:36.648588Z",
            "Unable to schedule pod; no fit; waiting pod=blue/api err=0/1 nodes",
        );
        case(
            r#"{"ts":1648546681782.9392,"logger":"x","caller":"cmd/x.go:77","msg":"bad","pod":{"name":"a","namespace":"ns"},"d":"1","d":"2","err":"x: \"y\""}"#,
            Some("klog-json"),
            Level::Error,
            "2022-03-29T09:38:01.782939Z",
            "bad err=x: \"y\" pod=ns/a d=1 d=2",
        );
    }

    #[test]
    fn zap() {
        let r = case(
            r#"{"level":"warn","ts":"2026-11-20T17:39:17.282345Z","caller":"embed/config.go:1209","msg":"Running","error":"e"}"#,
            Some("json"),
            Level::Warning,
            "2026-11-20T17:39:17.282345Z",
            "Running error=e",
        );
        assert_eq!(r.caller.as_deref(), Some("embed/config.go:1209"));
        assert_eq!(r.message, 7);
        case(
            r#"{"level":"info","ts":"2024-02-09T03:04:05.123+0800","msg":"m","stacktrace":"a\n\tb.go:1"}"#,
            Some("json"),
            Level::Info,
            "2024-02-08T19:04:05.123Z",
            "m",
        );
        let r = case(
            r#"{"time":"2024-02-09T03:04:05.1Z","level":"ERROR","source":{"function":"main.f","file":"/src/main.go","line":7},"msg":"m","k":1}"#,
            Some("json"),
            Level::Error,
            "2024-02-09T03:04:05.100Z",
            "m k=1",
        );
        assert_eq!(r.caller.as_deref(), Some("main.go:7"));
    }

    #[test]
    fn odd_lines() {
        // Cut, with a raw traceback behind, not a log.
        case(
            r#"{"level":"info","ts":1707419045.5,"msg":"cut o"#,
            Some("json"),
            Level::Info,
            "2024-02-08T19:04:05.500Z",
            "cut o",
        );
        case(r#"{"a":1}"#, None, Level::Unknown, "", r#"{"a":1}"#);
        case(
            "{\"msg\":\"m\",\"time\":\"2024-02-09T03:04:05Z\"}\npanic",
            Some("json"),
            Level::Unknown,
            "2024-02-09T03:04:05Z",
            "m\npanic",
        );
    }
}
