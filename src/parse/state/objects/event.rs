//! Event objects, of the core group and of `events.k8s.io`.

use super::Object;
use crate::base::time::RawStamp;
use crate::model::Order;
use crate::parse::state::say::{self, Event};
use crate::parse::state::sink::{Sink, When, name};
use crate::parse::state::stamp;

/// Says an event.
pub(super) fn read(sink: &mut Sink<'_>, o: &Object<'_>) {
    let n = o.node;
    let reference = if n.get("involvedObject").is_some() {
        "involvedObject"
    } else {
        "regarding"
    };
    let get = |key: &str| n.text(&format!("{reference}.{key}"));
    let either = |paths: [&str; 3]| -> String {
        paths
            .into_iter()
            .map(|p| n.text(p))
            .find(|t| !t.is_empty())
            .unwrap_or_default()
            .to_owned()
    };
    let from = either([
        "source.component",
        "reportingController",
        "reportingComponent",
    ]);
    let from = if from.is_empty() {
        n.text("deprecatedSource.component").to_owned()
    } else {
        from
    };
    let host = either(["source.host", "deprecatedSource.host", "source.host"]);
    let message = either(["message", "note", "message"]);
    let times = [
        "firstTimestamp",
        "deprecatedFirstTimestamp",
        "eventTime",
        "metadata.creationTimestamp",
    ];
    let first = earliest_of(sink, o, &times);
    let last = earliest_of(
        sink,
        o,
        &[
            "series.lastObservedTime",
            "lastTimestamp",
            "deprecatedLastTimestamp",
            "eventTime",
            "metadata.creationTimestamp",
        ],
    );
    let count = ["series.count", "count", "deprecatedCount"]
        .into_iter()
        .find_map(|p| n.number(p))
        .unwrap_or(1)
        .max(1);
    let at = n.spot_of(&["message", "note", "reason", "metadata.name"]);
    pair(sink, o, &host);
    let event = Event {
        object: say::event_object(get("kind"), get("namespace"), get("name")),
        kind: n.text("type"),
        reason: n.text("reason"),
        from: &from,
        message: &message,
        when: When {
            first,
            last,
            count,
            host: (!host.is_empty()).then(|| name(&host)),
        },
    };
    say::event(sink, at, event);
}

/// The times of the event that different clocks wrote.
fn pair(sink: &mut Sink<'_>, o: &Object<'_>, host: &str) {
    let n = o.node;
    let Some(created) = stamp::rfc3339(n.text("metadata.creationTimestamp")) else {
        return;
    };
    let first = ["eventTime", "firstTimestamp", "deprecatedFirstTimestamp"]
        .into_iter()
        .find_map(|path| Some((stamp::rfc3339(n.text(path))?, n.spot(path)?)));
    let (Some((at, spot)), false) = (first, host.is_empty()) else {
        return;
    };
    let own = sink.own(host, at, spot);
    sink.pairs.add(own, created, Order::MachineFirst);
}

/// The time at the first of these paths that has one.
fn earliest_of(sink: &mut Sink<'_>, o: &Object<'_>, paths: &[&str]) -> Option<RawStamp> {
    paths.iter().find_map(|path| {
        let at = o.node.spot(path)?;
        sink.api_time(o.node.text(path), at)
    })
}
