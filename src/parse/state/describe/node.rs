//! A described node.

use super::{Described, Section, time};
use crate::model::{Component, Entity};
use crate::parse::state::objects::{capacity, pod_range, taint};
use crate::parse::state::say::{self, NodeState};
use crate::parse::state::sink::{Sink, Text, entity, is_blank};

/// Says a node.
pub(super) fn read(sink: &mut Sink<'_>, d: &Described<'_, '_>) {
    status(sink, d);
    if let Some(labels) = d.section("Labels") {
        for (at, text) in labels.values() {
            if let Some((label, zone)) = text.split_once('=') {
                say::related_zone(sink, &d.entity, label, zone, at);
            }
        }
    }
    if let Some(taints) = d.section("Taints") {
        for (at, text) in taints.values() {
            if let Some((key, effect)) = text.rsplit_once(':') {
                taint(sink, &d.entity, at, key, effect);
            }
        }
    }
    for (key, word) in [("Capacity", "capacity"), ("Allocatable", "allocatable")] {
        if let Some(s) = d.section(key) {
            let get = |name: &str| s.nested(&[name]).map_or("", |(_, v)| v).to_owned();
            // The line of the cpu says most of it.
            let at = s.nested(&["cpu"]).map_or(s.at, |(at, _)| at);
            capacity(sink, &d.entity, at, word, get);
        }
    }
    allocated(sink, d);
    let ranges = d.section("PodCIDRs").or_else(|| d.section("PodCIDR"));
    if let Some(s) = ranges {
        for range in s.value.split(',') {
            pod_range(sink, &d.entity, s.at, range);
        }
    }
    lease(sink, d);
    pods(sink, d);
}

fn status(sink: &mut Sink<'_>, d: &Described<'_, '_>) {
    let table = d.section("Conditions").and_then(Section::table);
    let ready = table.as_ref().and_then(|(columns, rows)| {
        let (kind, status) = (columns.position("TYPE")?, columns.position("STATUS")?);
        let (at, cells) = rows
            .iter()
            .find(|(_, cells)| cells.get(kind) == Some(&"Ready"))?;
        let since = columns
            .position("LASTTRANSITIONTIME")
            .and_then(|n| cells.get(n).copied());
        Some((*at, cells.get(status).copied()?, since.unwrap_or_default()))
    });
    let (at, word, since) = ready.unwrap_or((d.at, "", ""));
    let since = time(sink, since, at);
    let text = say::node_status(word, d.value("Unschedulable") == "true");
    let info = |key: &str| {
        d.section("System Info")
            .and_then(|s| s.nested(&[key]))
            .map_or("", |(_, v)| v)
    };
    let addresses = d.section("Addresses");
    let address = addresses
        .and_then(|s| s.nested(&["InternalIP"]))
        .map_or("", |(_, v)| v);
    let state = NodeState {
        status: &text,
        version: info("Kubelet Version"),
        runtime: info("Container Runtime Version"),
        address,
    };
    say::node(sink, &d.entity, at, &state, since);
}

/// Says how much of the node is promised: `node/n1 allocated cpu=950m (47%) memory=290Mi (7%)`.
fn allocated(sink: &mut Sink<'_>, d: &Described<'_, '_>) {
    let Some(s) = d.section("Allocated resources") else {
        return;
    };
    let mut text = Text::of(&d.entity).words("allocated");
    let mut at = None;
    for line in s.lines {
        let mut words = line.text.split_whitespace();
        let (Some(name), Some(amount), Some(share)) = (words.next(), words.next(), words.next())
        else {
            continue;
        };
        if matches!(name, "cpu" | "memory" | "ephemeral-storage") && share.starts_with('(') {
            text = text.field(name, &format!("{amount} {share}"));
            at = at.or(Some(line.at));
        }
    }
    if let Some(at) = at {
        sink.say(Component::OBJECT, &d.entity, at, text);
    }
}

fn lease(sink: &mut Sink<'_>, d: &Described<'_, '_>) {
    let Some(s) = d.section("Lease") else { return };
    let Some((at, text)) = s.nested(&["RenewTime"]) else {
        return;
    };
    let renewed = match time(sink, text, at) {
        Some(stamp) => crate::base::time::Instant(stamp.reading()).rfc3339(),
        None => String::new(),
    };
    let holder = s.nested(&["HolderIdentity"]).map_or("", |(_, v)| v);
    say::lease(sink, "kube-node-lease", d.name, at, holder, &renewed);
}

/// Relates the pods that the node runs.
fn pods(sink: &mut Sink<'_>, d: &Described<'_, '_>) {
    let Some(s) = d.section("Non-terminated Pods") else {
        return;
    };
    let node: &Entity = &d.entity;
    for line in s.lines {
        let mut words = line.text.split_whitespace();
        let (Some(namespace), Some(name)) = (words.next(), words.next()) else {
            continue;
        };
        let heading = namespace == "Namespace" || namespace.starts_with("--");
        if !heading && !is_blank(namespace) {
            sink.relate(&entity("pod", namespace, name), node, line.at);
        }
    }
}
