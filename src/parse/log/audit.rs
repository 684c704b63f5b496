//! Audit events (`audit.k8s.io`) as one line: `verb=delete resource=namespaces name=x user=… code=200 uri=… stage=…`.
//!
//! Request and response bodies are left out: they can be huge and can hold secrets.

use std::borrow::Cow;

use super::canon::Canon;
use super::members::{Members, Value, find};
use super::pairs::{Pairs, Style};
use super::stamp;
use crate::base::time::{RawStamp, SECOND};
use crate::model::Record;

/// The fields of an event in the order in which the text shows them.
#[derive(Default)]
struct Event<'a> {
    verb: Option<Value<'a>>,
    object: &'a [u8],
    user: &'a [u8],
    agent: Option<Value<'a>>,
    ips: &'a [u8],
    status: &'a [u8],
    uri: Option<Value<'a>>,
    stage: Option<Value<'a>>,
    received: Option<RawStamp>,
    id: Option<Value<'a>>,
    impersonated: &'a [u8],
    annotations: &'a [u8],
}

/// Fills a record from an audit event; time is the moment of the stage.
pub(super) fn fill<'a>(line: &'a [u8], record: &mut Record<'a>) {
    let mut event = Event::default();
    let mut members = Members::of(line).unwrap_or_else(Members::empty);
    for (key, value) in members.by_ref() {
        match key {
            b"verb" => event.verb = Some(value),
            b"objectRef" => event.object = value.raw(),
            b"user" => event.user = value.raw(),
            b"userAgent" => event.agent = Some(value),
            b"sourceIPs" => event.ips = value.raw(),
            b"responseStatus" => event.status = value.raw(),
            b"requestURI" => event.uri = Some(value),
            b"stage" => event.stage = Some(value),
            b"auditID" => event.id = Some(value),
            b"impersonatedUser" => event.impersonated = value.raw(),
            b"annotations" => event.annotations = value.raw(),
            b"requestReceivedTimestamp" => event.received = stamp::iso(value.raw()).map(|(t, _)| t),
            _ => {}
        }
    }
    let mut canon = Canon::new(b"");
    let mut show = |key: &'static [u8], value: Option<Value<'a>>| {
        if let Some(value) = value.filter(|v| !v.is_null()) {
            canon.show(key, value.text());
        }
    };
    show(b"verb", event.verb);
    show(b"resource", find(event.object, b"resource"));
    show(b"name", find(event.object, b"name"));
    show(b"namespace", find(event.object, b"namespace"));
    show(b"user", find(event.user, b"username"));
    show(b"userAgent", event.agent);
    show(b"sourceIP", first(event.ips));
    show(b"code", find(event.status, b"code"));
    show(b"uri", event.uri);
    show(b"stage", event.stage);
    let latency = match (event.received, record.time) {
        (Some(from), Some(to)) if from != to => Some(to.reading().saturating_sub(from.reading())),
        _ => None,
    };
    if let Some(ns) = latency {
        canon.show(b"latency", Cow::Owned(duration(ns).into_bytes()));
    }
    let mut show = |key: &'static [u8], value: Option<Value<'a>>| {
        if let Some(value) = value.filter(|v| !v.is_null()) {
            canon.show(key, value.text());
        }
    };
    show(b"subresource", find(event.object, b"subresource"));
    show(b"apiGroup", find(event.object, b"apiGroup"));
    show(b"reason", find(event.status, b"reason"));
    show(b"message", find(event.status, b"message"));
    show(b"impersonatedUser", find(event.impersonated, b"username"));
    show(
        b"decision",
        find(event.annotations, b"authorization.k8s.io/decision"),
    );
    if let Some(id) = event.id {
        canon.keep(b"auditID", id.text());
    }
    canon.append(members.remainder());
    canon.finish(record);
}

/// The first element of an array of strings.
fn first(array: &[u8]) -> Option<Value<'_>> {
    let body = array
        .strip_prefix(b"[")?
        .trim_ascii_start()
        .strip_prefix(b"\"")?;
    let end = memchr::memchr(b'"', body)?;
    Some(Value::Str(body.get(..end)?))
}

/// A duration as Go prints it, to the microsecond.
fn duration(ns: i64) -> String {
    let (us, sign) = (ns.unsigned_abs() / 1000, if ns < 0 { "-" } else { "" });
    let trim = |whole: u64, part: u64, digits: usize, unit: &str| {
        let text = format!("{part:0digits$}");
        let text = text.trim_end_matches('0');
        let point = if text.is_empty() { "" } else { "." };
        format!("{sign}{whole}{point}{text}{unit}")
    };
    if us < 1000 {
        format!("{sign}{us}µs")
    } else if ns.unsigned_abs() < SECOND.unsigned_abs() {
        trim(us / 1000, us % 1000, 3, "ms")
    } else {
        trim(us / 1_000_000, us % 1_000_000, 6, "s")
    }
}

/// The legacy text form behind its time: `AUDIT: id="…" stage="…" ip="…" method="GET" user="…" …`.
pub(super) fn fill_text<'a>(pairs: &'a [u8], record: &mut Record<'a>) {
    const NAMES: [(&[u8], &[u8]); 7] = [
        (b"method", b"verb"),
        (b"namespace", b"namespace"),
        (b"user", b"user"),
        (b"user-agent", b"userAgent"),
        (b"ip", b"sourceIP"),
        (b"response", b"code"),
        (b"uri", b"uri"),
    ];
    let mut pairs = Pairs::new(pairs, Style::Logfmt);
    let found: Vec<_> = pairs.by_ref().take(64).collect();
    let mut canon = Canon::new(b"");
    for (from, to) in NAMES {
        if let Some((_, value)) = found.iter().find(|(k, _)| *k == from) {
            canon.show(to, value.clone());
        }
    }
    if let Some((key, value)) = found.into_iter().find(|(k, _)| *k == b"stage") {
        canon.show(key, value);
    }
    canon.append(pairs.remainder());
    canon.finish(record);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event() {
        let line = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"7","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/team-a","verb":"delete","user":{"username":"admin","groups":["system:masters"]},"sourceIPs":["10.20.0.10"],"userAgent":"kubectl/v1.20.2","objectRef":{"resource":"namespaces","namespace":"team-a","name":"team-a","apiVersion":"v1"},"responseStatus":{"metadata":{},"code":200},"requestReceivedTimestamp":"2026-11-20T17:01:21.000000Z","stageTimestamp":"2026-11-20T17:01:21.012500Z","annotations":{"authorization.k8s.io/decision":"allow"}}"#;
        let mut record = Record::default();
        super::super::json::fill(line.as_bytes(), &mut record);
        assert_eq!(
            String::from_utf8_lossy(&record.text),
            "verb=delete resource=namespaces name=team-a namespace=team-a user=admin userAgent=kubectl/v1.20.2 \
             sourceIP=10.20.0.10 code=200 uri=/api/v1/namespaces/team-a stage=ResponseComplete latency=12.5ms decision=allow"
        );
        assert_eq!(record.field("auditID"), Some("7"));
    }

    #[test]
    fn durations_read_back() {
        for (ns, text) in [
            (834_000, "834µs"),
            (12_500_000, "12.5ms"),
            (61_000_001_000, "61.000001s"),
            (2_000_000_000, "2s"),
        ] {
            assert_eq!(duration(ns), text);
            assert_eq!(crate::base::units::duration(text), Some(ns));
        }
    }
}
