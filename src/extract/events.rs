//! Kubernetes Events that components write into their logs.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::fold::Seen;
use crate::base::text;
use crate::catalog::EVENTS_IN_LOGS;
use crate::model::{Component, Entity, Record, StateLine};

/// Finds the heads of Events: asked of every record that holds an anchor.
static HEADS: LazyLock<Vec<Finder<'static>>> =
    LazyLock::new(|| EVENTS_IN_LOGS.iter().map(Finder::new).collect());

/// Whether [`event_in_log`] may find an Event.
pub(super) fn may_be_event(chunk: &[u8]) -> bool {
    HEADS.iter().any(|head| head.find(chunk).is_some())
}

/// An Event that a component wrote into its log, as the state line an Event gives:
/// `"Event occurred" object="shop/web-1" kind="Pod" type="Warning" reason="BackOff" message="…"`, and before 1.21
/// `Event(v1.ObjectReference{Kind:"Pod", Namespace:"shop", Name:"web-1", …}): type: 'Warning' reason: 'BackOff' …`.
pub(super) fn event_in_log(record: &Record<'_>, seen: &Seen, line: &[u8]) -> Option<StateLine> {
    let text = std::str::from_utf8(&record.text).ok()?;
    let (kind, name, level, reason, message) = if text.starts_with("Event occurred") {
        let field = |k: &str| record.field(k);
        (
            field("kind")?.to_owned(),
            field("object")?.to_owned(),
            field("type")?.to_owned(),
            field("reason")?.to_owned(),
            field("message").unwrap_or_default().to_owned(),
        )
    } else {
        let rest = text.strip_prefix("Event(v1.ObjectReference{")?;
        let (object, rest) = rest.split_once("}): type: '")?;
        let (level, rest) = rest.split_once("' reason: '")?;
        let (reason, message) = rest.split_once("' ")?;
        let part = |k: &str| {
            object
                .split_once(&format!("{k}:\""))
                .and_then(|(_, v)| v.split('"').next())
        };
        let name = match part("Namespace").filter(|n| !n.is_empty()) {
            Some(namespace) => format!("{namespace}/{}", part("Name")?),
            None => part("Name")?.to_owned(),
        };
        (
            part("Kind")?.to_owned(),
            name,
            level.to_owned(),
            reason.to_owned(),
            message.to_owned(),
        )
    };
    let entity = Entity::new(&kind.to_ascii_lowercase(), name.trim_start_matches('/'));
    Some(StateLine {
        component: Component::EVENT,
        text: format!("reason={reason} type={level} object={entity} message={message}"),
        entity,
        quote: text::quote(line),
        line: seen.line,
        first: seen.time,
        last: seen.time,
        count: 1,
        host: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::log;

    #[test]
    fn events_in_logs_of_both_eras() {
        let event = |line: &str| {
            let record = log::record(line.as_bytes());
            let seen = Seen {
                offset: 0,
                line: 1,
                time: record.time,
                ago: 0,
                text: String::new(),
            };
            event_in_log(&record, &seen, line.as_bytes()).map(|e| e.text)
        };
        assert_eq!(
            event(r#"I0301 10:00:00.000000       1 event.go:294] "Event occurred" object="shop/web-1" fieldPath="" kind="Pod" apiVersion="v1" type="Warning" reason="BackOff" message="Back-off restarting failed container""#).as_deref(),
            Some("reason=BackOff type=Warning object=pod/shop/web-1 message=Back-off restarting failed container")
        );
        assert_eq!(
            event(r#"I0301 10:00:00.000000       1 event.go:221] Event(v1.ObjectReference{Kind:"Node", Namespace:"", Name:"n1", UID:"n1", APIVersion:"", ResourceVersion:"", FieldPath:""}): type: 'Normal' reason: 'NodeNotReady' Node n1 status is now: NodeNotReady"#).as_deref(),
            Some("reason=NodeNotReady type=Normal object=node/n1 message=Node n1 status is now: NodeNotReady")
        );
        assert_eq!(
            event("I0301 10:00:00.000000       1 a.go:1] Event dropped"),
            None
        );
    }
}
