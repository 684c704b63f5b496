//! Wrappers that name their fields: docker's json-file, journald's JSON, export and verbose entries, stern's JSON, Cloud
//! Logging, `CloudWatch` Logs.
//!
//! `{"log":"I1120 17:08:32.085218 …\n","stream":"stderr","time":"2026-11-20T17:08:32.287542535Z"}`. Nothing is allocated; what
//! is inside a JSON string stays escaped.

use super::members::{self, Members, Value};
use super::wrap::{self, Inside, Layer, Wrap};
use super::{Stream, level, stamp};
use crate::base::time::RawStamp;
use crate::model::Level;

/// A wrapper that is a JSON object.
pub(super) fn json(line: &[u8]) -> Option<Layer<'_>> {
    // Own formats of components start with these keys: no need to look further.
    let usual: [&[u8]; 5] = [
        b"{\"ts\":",
        b"{\"level\":",
        b"{\"kind\":",
        b"{\"msg\":",
        b"{\"apiVersion\":",
    ];
    if usual.iter().any(|k| line.starts_with(k)) {
        return None;
    }
    let holds = |needle: &[u8]| memchr::memmem::find(line, needle).is_some();
    if line.starts_with(b"{\"log\":") || holds(b"\"stream\":\"std") {
        return docker(line).map(|(layer, _)| layer);
    }
    // An application may speak of Kubernetes in a field of that name: only an agent says there whose line it is.
    if holds(b"\"kubernetes\":{")
        && holds(b"\"message\":")
        && let Some((layer, true)) = docker(line)
    {
        return Some(layer);
    }
    if holds(b"\"__REALTIME_TIMESTAMP\"") {
        return journal(line);
    }
    if holds(b"\"insertId\"") || holds(b"\"logName\"") {
        return cloud(line);
    }
    if holds(b"\"@message\"")
        || (holds(b"\"message\"") && (holds(b"\"ingestionTime\"") || holds(b"\"eventId\"")))
    {
        return watch(line);
    }
    if holds(b"\"containerName\"") && holds(b"\"podName\"") {
        let mut layer = Layer::new(Wrap::Stern, None, &[]);
        for (key, value) in Members::of(line)? {
            match key {
                b"message" => layer.inside = inside(value),
                b"containerName" => layer.ident = Some(value.raw()),
                b"nodeName" => layer.host = Some(value.raw()),
                _ => {}
            }
        }
        return Some(layer);
    }
    None
}

fn inside(value: Value<'_>) -> Inside<'_> {
    match value {
        Value::Str(raw) => Inside::Escaped(chomp(raw)),
        Value::Nested(raw) if raw.first() == Some(&b'[') => Inside::Numbers(raw),
        Value::Nested(raw) | Value::Word(raw) => Inside::Plain(raw),
    }
}

/// Takes an escaped line end off.
fn chomp(raw: &[u8]) -> &[u8] {
    let raw = raw.strip_suffix(b"\\n").unwrap_or(raw);
    raw.strip_suffix(b"\\r").unwrap_or(raw)
}

/// Docker's line, and whether an agent shipped it.
fn docker(line: &[u8]) -> Option<(Layer<'_>, bool)> {
    let mut layer = Layer::new(Wrap::Docker, None, &[]);
    let (mut found, mut joined, mut shipped) = (false, false, false);
    for (key, value) in Members::of(line)? {
        match (key, value) {
            (b"log", Value::Str(raw)) => {
                layer.partial = !raw.ends_with(b"\\n");
                layer.inside = inside(value);
                found = true;
            }
            // So does the collector of OpenShift name it.
            (b"message", Value::Str(_)) if !found => {
                layer.inside = inside(value);
                found = true;
            }
            (b"stream", Value::Str(b"stderr")) => layer.stream = Some(Stream::Stderr),
            (b"stream", Value::Str(_)) => layer.stream = Some(Stream::Stdout),
            (b"time" | b"@timestamp", Value::Str(raw)) => {
                layer.stamp = stamp::iso(raw).map(|(t, _)| t);
            }
            // What an agent shipped is docker's line without its line end, and more.
            (b"kubernetes", Value::Nested(object)) => {
                joined = true;
                let named = |key: &[u8]| members::find(object, key).map(Value::raw);
                // Elastic's agents nest the names.
                let nested = |key: &[u8]| match members::find(object, key)? {
                    Value::Nested(object) => members::find(object, b"name").map(Value::raw),
                    _ => None,
                };
                layer.ident = named(b"container_name").or_else(|| nested(b"container"));
                layer.host = named(b"host").or_else(|| nested(b"node"));
                shipped = layer.ident.is_some()
                    || named(b"pod_name").is_some()
                    || nested(b"pod").is_some();
            }
            _ => {}
        }
    }
    layer.partial &= !joined;
    // A line that was cut has neither stream nor time, and its piece is not docker's doing.
    layer.partial &= layer.stream.is_some();
    found.then_some((layer, shipped))
}

fn journal(line: &[u8]) -> Option<Layer<'_>> {
    let mut layer = Layer::new(Wrap::JournalJson, None, &[]);
    for (key, value) in Members::of(line)? {
        match key {
            b"MESSAGE" => layer.inside = inside(value),
            b"__REALTIME_TIMESTAMP" => layer.stamp = micros(value.raw()),
            b"_HOSTNAME" => layer.host = Some(value.raw()),
            b"SYSLOG_IDENTIFIER" => layer.ident = Some(value.raw()),
            b"_COMM" if layer.ident.is_none() => layer.ident = Some(value.raw()),
            b"_PID" => layer.pid = stamp::number(value.raw()),
            b"PRIORITY" => {
                layer.level =
                    stamp::number(value.raw()).map_or(Level::Unknown, level::from_priority);
            }
            _ => {}
        }
    }
    Some(layer)
}

fn micros(raw: &[u8]) -> Option<RawStamp> {
    let us = i64::try_from(stamp::number(raw)?).ok()?;
    Some(RawStamp::utc(us.checked_mul(1000)?, 1000))
}

fn cloud(line: &[u8]) -> Option<Layer<'_>> {
    let mut layer = Layer::new(Wrap::CloudLogging, None, &[]);
    let (mut found, mut named) = (false, None);
    for (key, value) in Members::of(line)? {
        match (key, value) {
            (b"textPayload", value) => {
                layer.inside = inside(value);
                found = true;
            }
            (b"jsonPayload", Value::Nested(object)) => {
                let message = members::find(object, b"message")
                    .or_else(|| members::find(object, b"MESSAGE"))
                    .or_else(|| members::find(object, b"msg"));
                layer.inside = message.map_or(Inside::Plain(object), inside);
                layer.ident = members::find(object, b"SYSLOG_IDENTIFIER").map(Value::raw);
                found = true;
            }
            (b"timestamp", value) => layer.stamp = stamp::iso(value.raw()).map(|(t, _)| t),
            (b"severity", value) => layer.level = level::from_word(value.raw()),
            (b"logName", Value::Str(raw)) => named = log_of(raw),
            (b"resource", Value::Nested(object)) => {
                if let Some(Value::Nested(labels)) = members::find(object, b"labels") {
                    let label = |key: &[u8]| members::find(labels, key).map(Value::raw);
                    layer.ident = layer
                        .ident
                        .or_else(|| label(b"container_name"))
                        .or_else(|| label(b"component_name"));
                    layer.host = members::find(labels, b"node_name").map(Value::raw);
                }
            }
            _ => {}
        }
    }
    layer.ident = layer.ident.or(named);
    found.then_some(layer)
}

/// `kubelet` of `projects/p/logs/kubelet`; what says only which stream, names no program.
fn log_of(name: &[u8]) -> Option<&[u8]> {
    let name = name.rsplit(|c| *c == b'/').next()?;
    let cut = memchr::memmem::rfind(name, b"%2F").map_or(0, |at| at + 3);
    name.get(cut..)
        .filter(|n| !matches!(*n, b"stdout" | b"stderr" | b""))
}

/// An event of `CloudWatch` Logs: `{"timestamp":1795194060398,"message":"…","logStreamName":"…","ingestionTime":…}`, or a row
/// of a query: `{"@timestamp":"2026-11-20 17:06:13.398","@message":"…","@logStream":"…"}`.
fn watch(line: &[u8]) -> Option<Layer<'_>> {
    let mut layer = Layer::new(Wrap::CloudWatch, None, &[]);
    let mut found = false;
    for (key, value) in Members::of(line)? {
        match key {
            b"message" | b"@message" => {
                // An object is the line of an agent, parsed.
                layer.inside = match value {
                    Value::Nested(object) => Inside::Plain(object),
                    value => inside(value),
                };
                found = true;
            }
            b"timestamp" | b"@timestamp" => layer.stamp = moment(value.raw()),
            b"logStreamName" | b"@logStream" => {
                layer.ident = Some(program_of_stream(value.raw()));
            }
            _ => {}
        }
    }
    found.then_some(layer)
}

/// A row of a query as the API gives it: `[{"field":"@timestamp","value":"…"},{"field":"@message","value":"…"}]`.
pub(super) fn row(line: &[u8]) -> Option<Layer<'_>> {
    let mut layer = Layer::new(Wrap::CloudWatch, None, &[]);
    let mut found = false;
    let mut rest = line.strip_prefix(b"[")?;
    while let Some(mut members) = Members::of(rest) {
        let (mut name, mut value) = (None, None);
        for (key, v) in members.by_ref() {
            match key {
                b"field" => name = Some(v.raw()),
                b"value" => value = Some(v),
                _ => {}
            }
        }
        if let (Some(name), Some(value)) = (name, value) {
            match name {
                b"@message" => {
                    layer.inside = inside(value);
                    found = true;
                }
                b"@timestamp" => layer.stamp = moment(value.raw()),
                b"@logStream" => layer.ident = Some(program_of_stream(value.raw())),
                _ => {}
            }
        }
        let next = members.remainder().trim_ascii_start();
        rest = next.strip_prefix(b",").unwrap_or_default();
    }
    found.then_some(layer)
}

/// Milliseconds since 1970, or a reading in UTC without offset.
fn moment(raw: &[u8]) -> Option<RawStamp> {
    match stamp::iso(raw) {
        Some((time @ RawStamp::Local { res, .. }, _)) => Some(RawStamp::utc(time.reading(), res)),
        Some((time, _)) => Some(time),
        None => stamp::epoch(raw),
    }
}

/// `EVENTS\t<id>\t<ingestion>\t<stream>\t<message>\t<time>` (`aws logs … --output text`; fields that a command does not
/// give are left out).
pub(super) fn events(line: &[u8]) -> Option<Layer<'_>> {
    let rest = line.strip_prefix(b"EVENTS\t")?;
    let last = memchr::memrchr(b'\t', rest)?;
    let stamp = moment(rest.get(last + 1..)?)?;
    let mut message = rest.get(..last)?;
    let mut layer = Layer::new(Wrap::CloudWatch, Some(stamp), message);
    for _ in 0..3 {
        let Some(tab) = memchr::memchr(b'\t', message) else {
            break;
        };
        let word = message.get(..tab)?;
        if !word.iter().all(u8::is_ascii_digit) {
            if !is_stream(word) {
                break;
            }
            layer.ident = Some(program_of_stream(word));
        }
        message = message.get(tab + 1..)?;
        if layer.ident.is_some() {
            break;
        }
    }
    layer.inside = Inside::Plain(message);
    Some(layer)
}

/// Whether a word may be the name of a log stream.
pub(super) fn is_stream(word: &[u8]) -> bool {
    let legal = |c: &u8| c.is_ascii_alphanumeric() || b"-._/".contains(c);
    word.len() > 3 && word.len() <= 512 && word.iter().all(legal)
}

/// `kube-apiserver` of `kube-apiserver-0123456789abcdef0123456789abcdef`.
pub(super) fn program_of_stream(stream: &[u8]) -> &[u8] {
    let cut = memchr::memrchr(b'-', stream).filter(|at| {
        stream
            .get(at + 1..)
            .is_some_and(|end| end.len() >= 8 && end.iter().all(u8::is_ascii_hexdigit))
    });
    cut.and_then(|at| stream.get(..at)).unwrap_or(stream)
}

/// One line of a journal export or verbose entry: the message, the time and the origin tell something on their own.
pub(super) fn field(line: &[u8], wrap: Wrap) -> Option<Layer<'_>> {
    if let Some(message) = line.strip_prefix(b"MESSAGE=") {
        return Some(Layer::new(wrap, None, message));
    }
    let mut layer = Layer::new(wrap, None, &[]);
    if let Some(time) = line.strip_prefix(b"__REALTIME_TIMESTAMP=") {
        layer.stamp = micros(time);
    } else if let Some(host) = line.strip_prefix(b"_HOSTNAME=") {
        layer.host = Some(host);
    } else if let Some(ident) = line.strip_prefix(b"SYSLOG_IDENTIFIER=") {
        layer.ident = Some(ident);
    } else if !line.starts_with(b"__CURSOR=") {
        return None;
    }
    Some(layer)
}

/// Takes one field of a journal entry into its layer.
fn take<'a>(layer: &mut Layer<'a>, key: &[u8], value: &'a [u8]) {
    match key {
        b"MESSAGE" => layer.inside = Inside::Plain(value),
        b"__REALTIME_TIMESTAMP" => layer.stamp = micros(value).or(layer.stamp),
        b"_HOSTNAME" => layer.host = Some(value),
        b"SYSLOG_IDENTIFIER" => layer.ident = Some(value),
        b"_COMM" if layer.ident.is_none() => layer.ident = Some(value),
        b"_PID" => layer.pid = stamp::number(value),
        b"PRIORITY" => {
            layer.level = stamp::number(value).map_or(Level::Unknown, level::from_priority);
        }
        _ => {}
    }
}

/// A whole verbose entry: the time and the cursor, then `    FIELD=value` lines; further lines of a value are indented
/// to the width of its name.
pub(super) fn verbose_entry(chunk: &[u8]) -> Option<Layer<'_>> {
    // One look tells that most lines are none.
    if !chunk.first()?.is_ascii_uppercase() || memchr::memchr(b'\n', chunk).is_none() {
        return None;
    }
    let (first, rest) = chunk.split_at(memchr::memchr(b'\n', chunk)?);
    let mut layer = wrap::peel(first).filter(|l| l.wrap == Wrap::JournalVerbose)?;
    let mut rest = rest.get(1..)?;
    while let Some(line) = rest.strip_prefix(b"    ") {
        let mut end = memchr::memchr(b'\n', line).unwrap_or(line.len());
        let equals = memchr::memchr(b'=', line.get(..end)?);
        let (key, start) = equals.map_or((&b""[..], 0), |at| {
            (line.get(..at).unwrap_or_default(), at + 1)
        });
        // The further lines of this value.
        while let Some(next) = line.get(end + 1..)
            && next.len() > start + 4
            && next.iter().take(start + 4).all(|c| *c == b' ')
        {
            end += 1 + memchr::memchr(b'\n', next).unwrap_or(next.len());
        }
        take(&mut layer, key, line.get(start..end)?);
        rest = line.get(end..)?;
        rest = rest.strip_prefix(b"\n").unwrap_or(rest);
    }
    Some(layer)
}

/// Takes the indent off the further lines of a message in a verbose entry.
pub(super) fn outdented(message: &[u8]) -> Vec<u8> {
    const WIDTH: usize = b"    MESSAGE=".len();
    let mut out = Vec::with_capacity(message.len());
    for (n, line) in message.split(|c| *c == b'\n').enumerate() {
        let indented = n > 0 && line.iter().take(WIDTH).all(|c| *c == b' ');
        if n > 0 {
            out.push(b'\n');
        }
        out.extend_from_slice(
            line.get(if indented { WIDTH } else { 0 }..)
                .unwrap_or_default(),
        );
    }
    out
}

/// A whole export entry: `FIELD=value` lines, or `FIELD`, an 8-byte length and raw bytes.
pub(super) fn export_entry(chunk: &[u8]) -> Option<Layer<'_>> {
    if !chunk.starts_with(b"__CURSOR=") {
        return None;
    }
    let mut layer = Layer::new(Wrap::JournalExport, None, &[]);
    let mut rest = chunk;
    while !rest.is_empty() {
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = rest.get(..end)?;
        rest = rest.get(end + 1..).unwrap_or_default();
        let (key, value) = if let Some(eq) = memchr::memchr(b'=', line) {
            (line.get(..eq)?, line.get(eq + 1..)?)
        } else {
            let Some(len) = rest.first_chunk::<8>() else {
                break;
            };
            let Ok(len) = usize::try_from(u64::from_le_bytes(*len)) else {
                break;
            };
            let body = rest.get(8..)?;
            let value = body.get(..len).unwrap_or(body);
            rest = body.get(value.len()..)?;
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
            (line, value)
        };
        take(&mut layer, key, value);
    }
    Some(layer)
}
