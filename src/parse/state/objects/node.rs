//! Nodes: status, taints, capacity, pod ranges.

use super::{Object, meta};
use crate::model::{Component, Entity};
use crate::parse::state::say::{self, NodeState};
use crate::parse::state::sink::{Sink, Text};

/// Says a node.
pub(super) fn read(sink: &mut Sink<'_>, o: &Object<'_>) {
    let n = o.node;
    let ready = meta::condition(o, "Ready");
    let status = say::node_status(
        ready.map_or("", |c| c.text("status")),
        n.is_true("spec.unschedulable"),
    );
    let addresses = n.list("status.addresses");
    let of_type = |kind: &str| {
        addresses
            .iter()
            .find(|a| a.text("type") == kind)
            .map_or("", |a| a.text("address"))
    };
    let at = ready.map_or(o.at, |c| c.spot_of(&["status", "type"]));
    let since = ready.and_then(|c| meta::transition(sink, c));
    if n.get("status").is_some() {
        let state = NodeState {
            status: &status,
            version: n.text("status.nodeInfo.kubeletVersion"),
            runtime: n.text("status.nodeInfo.containerRuntimeVersion"),
            address: of_type("InternalIP"),
        };
        say::node(sink, &o.entity, at, &state, since);
    }
    for a in addresses {
        if a.text("type") != "Hostname" {
            say::related_ip(sink, &o.entity, a.text("address"), a.spot_of(&["address"]));
        }
    }
    for label in n.entries("metadata.labels") {
        say::related_zone(sink, &o.entity, &label.key, label.node.scalar(), label.at);
    }
    for t in n.list("spec.taints") {
        let value = match t.text("value") {
            "" => t.text("key").to_owned(),
            value => format!("{}={value}", t.text("key")),
        };
        taint(
            sink,
            &o.entity,
            t.spot_of(&["key"]),
            &value,
            t.text("effect"),
        );
    }
    for key in ["capacity", "allocatable"] {
        let path = format!("status.{key}");
        if let Some(at) = n.spot(&path) {
            let get = |name: &str| {
                n.entries(&path)
                    .iter()
                    .find(|e| e.key == name)
                    .map_or("", |e| e.node.scalar())
                    .to_owned()
            };
            capacity(sink, &o.entity, at, key, get);
        }
    }
    let mut ranges = n
        .list("spec.podCIDRs")
        .iter()
        .map(|r| (r.scalar(), r.at))
        .collect::<Vec<_>>();
    if ranges.is_empty() {
        ranges.push((n.text("spec.podCIDR"), n.spot_of(&["spec.podCIDR"])));
    }
    for (range, at) in ranges {
        pod_range(sink, &o.entity, at, range);
    }
}

/// Says a taint: `node/n1 taint dedicated=gpu=NoSchedule`.
pub(in crate::parse::state) fn taint(
    sink: &mut Sink<'_>,
    of: &Entity,
    at: usize,
    key: &str,
    effect: &str,
) {
    let text = Text::of(of)
        .words("taint")
        .words(&format!("{key}={effect}"));
    sink.say(Component::OBJECT, of, at, text);
}

/// Says what a node has (`capacity`) or gives to pods (`allocatable`).
pub(in crate::parse::state) fn capacity(
    sink: &mut Sink<'_>,
    of: &Entity,
    at: usize,
    word: &str,
    get: impl Fn(&str) -> String,
) {
    let text = Text::of(of)
        .words(word)
        .field("cpu", &get("cpu"))
        .field("memory", &get("memory"))
        .field("pods", &get("pods"))
        .field("ephemeral-storage", &get("ephemeral-storage"));
    sink.say(Component::OBJECT, of, at, text);
}

/// Says the range of a node's pod addresses.
pub(in crate::parse::state) fn pod_range(sink: &mut Sink<'_>, of: &Entity, at: usize, range: &str) {
    if !crate::parse::state::sink::is_blank(range) {
        let text = Text::of(of).field("podCIDR", range);
        sink.say(Component::OBJECT, of, at, text);
    }
}
