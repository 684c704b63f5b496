//! Wrappers that name their fields: docker's json-file, journald's JSON and export entries, stern's JSON, Cloud Logging.
//!
//! `{"log":"I1120 17:08:32.085218 …\n","stream":"stderr","time":"2026-11-20T17:08:32.287542535Z"}`. Nothing is allocated; what
//! is inside a JSON string stays escaped.

use super::members::{self, Members, Value};
use super::wrap::{Inside, Layer, Wrap};
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
        return docker(line);
    }
    if holds(b"\"__REALTIME_TIMESTAMP\"") {
        return journal(line);
    }
    if holds(b"\"insertId\"") || holds(b"\"logName\"") {
        return cloud(line);
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

fn docker(line: &[u8]) -> Option<Layer<'_>> {
    let mut layer = Layer::new(Wrap::Docker, None, &[]);
    let mut found = false;
    for (key, value) in Members::of(line)? {
        match (key, value) {
            (b"log", Value::Str(raw)) => {
                layer.partial = !raw.ends_with(b"\\n");
                layer.inside = inside(value);
                found = true;
            }
            (b"stream", Value::Str(b"stderr")) => layer.stream = Some(Stream::Stderr),
            (b"stream", Value::Str(_)) => layer.stream = Some(Stream::Stdout),
            (b"time", Value::Str(raw)) => layer.stamp = stamp::iso(raw).map(|(t, _)| t),
            _ => {}
        }
    }
    // A line that was cut has neither stream nor time, and its piece is not docker's doing.
    layer.partial &= layer.stream.is_some();
    found.then_some(layer)
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
    let mut found = false;
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
            (b"resource", Value::Nested(object)) => {
                if let Some(Value::Nested(labels)) = members::find(object, b"labels") {
                    layer.ident = layer
                        .ident
                        .or(members::find(labels, b"container_name").map(Value::raw));
                    layer.host = members::find(labels, b"node_name").map(Value::raw);
                }
            }
            _ => {}
        }
    }
    found.then_some(layer)
}

/// One line of a journal export entry: only the message and the time tell something on their own.
pub(super) fn export(line: &[u8]) -> Option<Layer<'_>> {
    if let Some(message) = line.strip_prefix(b"MESSAGE=") {
        return Some(Layer::new(Wrap::JournalExport, None, message));
    }
    if let Some(time) = line.strip_prefix(b"__REALTIME_TIMESTAMP=") {
        return Some(Layer::new(Wrap::JournalExport, micros(time), &[]));
    }
    line.starts_with(b"__CURSOR=")
        .then(|| Layer::new(Wrap::JournalExport, None, &[]))
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
        match key {
            b"MESSAGE" => layer.inside = Inside::Plain(value),
            b"__REALTIME_TIMESTAMP" => layer.stamp = micros(value),
            b"_HOSTNAME" => layer.host = Some(value),
            b"SYSLOG_IDENTIFIER" => layer.ident = Some(value),
            b"_PID" => layer.pid = stamp::number(value),
            _ => {}
        }
    }
    Some(layer)
}
