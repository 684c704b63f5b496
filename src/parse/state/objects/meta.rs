//! What every object may have: conditions, a deletion that waits, owners, a creation time.

use super::Object;
use crate::base::time::{MINUTE, RawStamp, SECOND};
use crate::model::Component;
use crate::parse::state::say::{self, Condition};
use crate::parse::state::sink::{Sink, Text, entity};
use crate::parse::state::tree::Node;

/// Remembers that the file is not older than the object.
pub(super) fn created(sink: &mut Sink<'_>, o: &Object<'_>) {
    if let Some(at) = o.node.spot("metadata.creationTimestamp") {
        let _ = sink.api_time(o.node.text("metadata.creationTimestamp"), at);
    }
}

/// Says the conditions under `status.conditions`.
pub(super) fn conditions(sink: &mut Sink<'_>, o: &Object<'_>) {
    for c in o.node.list("status.conditions") {
        let since = transition(sink, c);
        let at = c.spot_of(&["reason", "type"]);
        let condition = Condition {
            kind: c.text("type"),
            status: c.text("status"),
            reason: c.text("reason"),
            message: c.text("message"),
            since,
        };
        say::condition(sink, &o.entity, at, &condition);
    }
}

/// When a condition last changed.
pub(super) fn transition(sink: &mut Sink<'_>, c: &Node) -> Option<RawStamp> {
    for key in ["lastHeartbeatTime", "lastUpdateTime"] {
        if let Some(at) = c.spot(key) {
            let _ = sink.api_time(c.text(key), at);
        }
    }
    let at = c.spot("lastTransitionTime")?;
    sink.api_time(c.text("lastTransitionTime"), at)
}

/// The condition of a type.
pub(super) fn condition<'n>(o: &Object<'n>, kind: &str) -> Option<&'n Node> {
    o.node
        .list("status.conditions")
        .iter()
        .find(|c| c.text("type") == kind)
}

/// Says that the object is being deleted, and what holds it.
pub(super) fn deleting(sink: &mut Sink<'_>, o: &Object<'_>) {
    let Some(at) = o.node.spot("metadata.deletionTimestamp") else {
        return;
    };
    let since = o.node.text("metadata.deletionTimestamp");
    if since.is_empty() {
        return;
    }
    let mut finalizers = o.node.joined("metadata.finalizers");
    if finalizers.is_empty() {
        finalizers = o.node.joined("spec.finalizers");
    }
    let first = deleted_at(o.node);
    say::deleting(sink, &o.entity, at, since, &finalizers, first);
    if !o.namespace.is_empty() {
        sink.relate(&o.entity, &entity("namespace", "", o.namespace), at);
    }
}

/// When the deletion was asked for: the timestamp is that moment plus the grace period.
pub(super) fn deleted_at(node: &Node) -> Option<RawStamp> {
    let stamp = crate::parse::state::stamp::rfc3339(node.text("metadata.deletionTimestamp"))?;
    let grace = node
        .number("metadata.deletionGracePeriodSeconds")
        .and_then(|s| i64::try_from(s).ok())
        .unwrap_or(0);
    match stamp {
        RawStamp::Utc { ns, res } => Some(RawStamp::utc(
            ns.checked_sub(grace.checked_mul(SECOND)?)?,
            res,
        )),
        other => Some(other),
    }
}

/// Relates the object to what controls it.
pub(super) fn owners(sink: &mut Sink<'_>, o: &Object<'_>) {
    for owner in o.node.list("metadata.ownerReferences") {
        let kind = crate::parse::state::kinds::plain(owner.text("kind"));
        // A mirror pod is owned by its node, which `spec.nodeName` says already.
        if kind.is_empty() || kind == "node" {
            continue;
        }
        let namespaced = crate::parse::state::kinds::is_namespaced(&kind).unwrap_or(true);
        let namespace = if namespaced { o.namespace } else { "" };
        let to = entity(&kind, namespace, owner.text("name"));
        sink.relate(&o.entity, &to, owner.spot_of(&["name"]));
    }
}

/// Writers of an object whose last writes lie further apart than this do not write against each other.
const WRITERS_APART: i64 = 5 * MINUTE;

/// Says who wrote the object last, and how often its specification changed, where two wrote it at nearly the same time
/// and long after it was made. Writes of a subresource are answers, not changes; but `scale` changes the object itself.
pub(super) fn writers(sink: &mut Sink<'_>, o: &Object<'_>) {
    let utc = |text: &str| match crate::parse::state::stamp::rfc3339(text)? {
        RawStamp::Utc { ns, .. } => Some(ns),
        _ => None,
    };
    let mut writers: Vec<(i64, &str, String)> = Vec::new();
    for entry in o.node.list("metadata.managedFields") {
        let (manager, time) = (entry.text("manager"), entry.text("time"));
        let Some(at) = utc(time).filter(|_| !manager.is_empty()) else {
            continue;
        };
        let manager = manager.split_whitespace().collect::<Vec<_>>().join("_");
        match entry.text("subresource") {
            "" => writers.push((at, time, manager)),
            "scale" => writers.push((at, time, format!("{manager}/scale"))),
            _ => {}
        }
    }
    writers.sort();
    let created = o.node.text("metadata.creationTimestamp");
    let (Some((last, ..)), Some(made)) = (writers.last().cloned(), utc(created)) else {
        return;
    };
    writers.retain(|(at, ..)| last.saturating_sub(*at) <= WRITERS_APART);
    let first = writers.first().map(|(.., m)| m.clone());
    let several = writers.iter().any(|(.., m)| Some(m) != first.as_ref());
    if !several || last.saturating_sub(made) < 2 * WRITERS_APART {
        return;
    }
    let by: Vec<String> = writers
        .iter()
        .map(|(_, time, manager)| format!("{manager}@{time}"))
        .collect();
    let text = Text::of(&o.entity)
        .words("written")
        .field("generation", o.node.text("metadata.generation"))
        .field("created", created)
        .field("by", &by.join(","));
    let at = o.node.spot_of(&["metadata.managedFields"]);
    sink.say(Component::OBJECT, &o.entity, at, text);
}
