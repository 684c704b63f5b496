//! Rows of `kubectl get events`: modern, wide, and as versions up to 1.13 printed them.

use super::rows::Row;
use crate::model::Entity;
use crate::parse::state::describe::loose::pod_in;
use crate::parse::state::say::{self, Event};
use crate::parse::state::sink::{Sink, When};
use crate::parse::state::stamp;

/// The object with the namespace that the message names: the table of one namespace does not show which it is.
pub(in crate::parse) fn said_in(message: &str, kind: &str, id: &str) -> Option<Entity> {
    if !matches!(kind, "pod" | "Pod" | "pods" | "po") {
        return None;
    }
    let pod = pod_in(message)?;
    let same = pod.name().rsplit('/').next() == Some(id);
    same.then_some(pod)
}

/// The name of the object in the event's own name: `web-1.15a5c8e7e1b0f2d1`, as 1.9 to 1.13 print it. Older versions
/// print the object's name alone.
fn without_mark(name: &str) -> &str {
    let is_mark = |mark: &str| {
        mark.len() == MARK
            && mark
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    match name.rsplit_once('.') {
        Some((object, mark)) if is_mark(mark) => object,
        _ => name,
    }
}

/// Nanoseconds since 1970, in hexadecimal digits.
const MARK: usize = 16;

/// Says the event of a row.
pub(super) fn say(sink: &mut Sink<'_>, row: &Row<'_>) {
    let (kind, id) = match row.get("OBJECT").split_once('/') {
        Some(pair) => pair,
        None => (row.get("KIND"), without_mark(row.get("NAME"))),
    };
    if kind.is_empty() || row.get("REASON").is_empty() {
        return;
    }
    let object = match row.get("NAMESPACE") {
        "" if row.namespace.is_none() => {
            said_in(row.get("MESSAGE"), kind, id).unwrap_or_else(|| {
                sink.assume(row.at);
                say::event_object(kind, "default", id)
            })
        }
        "" => say::event_object(kind, row.namespace.unwrap_or("default"), id),
        namespace => say::event_object(kind, namespace, id),
    };
    let last = match row.get("LAST SEEN") {
        "" => row.get("LASTSEEN"),
        seen => seen,
    };
    let first = match row.get("FIRST SEEN") {
        "" => row.get("FIRSTSEEN"),
        seen => seen,
    };
    let age = stamp::event_age(last);
    let count = row.get("COUNT").parse().ok().or(age.count).unwrap_or(1);
    let (from, host) = say::source(row.get("SOURCE"));
    // The plain table shows the last occurrence only; a single one is the first as well.
    let began = if first.is_empty() {
        age.first
    } else {
        stamp::age(first)
    };
    let event = Event {
        object,
        kind: row.get("TYPE"),
        reason: row.get("REASON"),
        from,
        message: row.get("MESSAGE"),
        when: When {
            first: began,
            last: age.last,
            count,
            host,
        },
    };
    say::event(sink, row.at, event);
}
