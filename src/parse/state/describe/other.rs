//! Every other described kind: status, replicas, a deletion that waits, conditions of custom objects.

use std::collections::BTreeMap;

use super::{Described, Section, pair};
use crate::base::time::RawStamp;
use crate::model::{Component, Entity};
use crate::parse::state::say::{self, ApiService, Condition, Replicas};
use crate::parse::state::sink::{Sink, Text, entity, is_blank};
use crate::parse::state::{kinds, stamp};

/// Says an object.
pub(super) fn read(sink: &mut Sink<'_>, d: &Described<'_, '_>) {
    if let Some(s) = d.section("Status")
        && !is_blank(s.value)
    {
        let word = s.value.split(" (").next().unwrap_or_default();
        let text = Text::of(&d.entity).field("status", word);
        sink.say(Component::OBJECT, &d.entity, s.at, text);
    }
    replicas(sink, d);
    match d.kind.as_str() {
        "service" => service(sink, d),
        "apiservice" => apiservice(sink, d),
        "lease" => lease(sink, d),
        _ => {}
    }
    deletion(sink, d);
    nested_conditions(sink, d);
    if let Some(s) = d.section("Controlled By")
        && let Some((kind, name)) = s.value.split_once('/')
    {
        let to = entity(&kinds::plain(kind), d.namespace, name);
        sink.relate(&d.entity, &to, s.at);
    }
}

/// `0 desired | 0 updated | 0 total | 0 available | 0 unavailable`, `0 current / 2 desired`. Describe does not
/// print how many are ready: it is said only where the other numbers leave no choice.
fn replicas(sink: &mut Sink<'_>, d: &Described<'_, '_>) {
    let mut counts: BTreeMap<&str, &str> = BTreeMap::new();
    let mut at = None;
    if let Some(s) = d.section("Replicas") {
        at = Some(s.at);
        for part in s.value.split(['|', '/']) {
            if let Some((n, word)) = part.trim().split_once(' ') {
                counts.insert(word, n);
            }
        }
    }
    if let Some(s) = d.section("Desired Number of Nodes Scheduled") {
        at = Some(s.at);
        counts.insert("desired", s.value);
        counts.insert(
            "available",
            d.value("Number of Nodes Scheduled with Available Pods"),
        );
    }
    let (Some(at), Some(desired)) = (at, counts.get("desired")) else {
        return;
    };
    let get = |word: &str| counts.get(word).copied();
    let total = get("total").or(get("current"));
    let available = get("available");
    let ready = match (total, available) {
        (Some("0"), _) => "0",
        (Some(total), Some(available)) if total == available => total,
        _ => "",
    };
    let available = available.unwrap_or(if total == Some("0") { "0" } else { "" });
    let replicas = Replicas {
        desired,
        ready,
        available,
    };
    say::replicas(sink, &d.entity, at, &replicas);
}

fn service(sink: &mut Sink<'_>, d: &Described<'_, '_>) {
    let ports: Vec<&str> = d
        .sections
        .iter()
        .filter(|s| s.key == "Port")
        .filter_map(|s| s.value.split_whitespace().last())
        .collect();
    let selector: Vec<&str> = d
        .section("Selector")
        .map(Section::values)
        .unwrap_or_default()
        .into_iter()
        .map(|(_, v)| v)
        .collect();
    let selector = selector.join(",");
    let state = say::Service {
        kind: d.value("Type"),
        cluster_ip: d.value("IP"),
        ports: &ports.join(","),
        selector: &selector,
    };
    say::service(sink, &d.entity, d.at, &state);
    let pairs = selector
        .split(',')
        .filter_map(|p| p.split_once('='))
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .collect();
    sink.links.service(d.namespace, d.name, pairs, d.at);
    let Some(s) = d.section("Endpoints") else {
        return;
    };
    let mut addresses: Vec<&str> = Vec::new();
    for part in s.value.split(',').filter(|p| !is_blank(p)) {
        let part = part.split(' ').next().unwrap_or_default();
        let ip = part.rsplit_once(':').map_or(part, |(ip, _)| ip);
        if !addresses.contains(&ip) {
            addresses.push(ip);
        }
    }
    let of = entity("endpoints", d.namespace, d.name);
    say::endpoints(sink, &of, s.at, addresses.len(), None, &addresses.join(","));
}

fn apiservice(sink: &mut Sink<'_>, d: &Described<'_, '_>) {
    let spec = |key: &str| {
        d.section("Spec")
            .and_then(|s| s.nested(&["Service", key]))
            .map_or("", |(_, v)| v)
    };
    let service = match (spec("Namespace"), spec("Name")) {
        (_, "") => String::new(),
        (ns, id) => format!("{ns}/{id}"),
    };
    for c in blocks(d) {
        if c.get("Type") != "Available" {
            continue;
        }
        let healthy = c.get("Status") == "True";
        let state = ApiService {
            available: c.get("Status"),
            reason: if healthy { "" } else { c.get("Reason") },
            service: &service,
            message: if healthy { "" } else { c.get("Message") },
        };
        let since = stamp::rfc3339(c.get("Last Transition Time"));
        say::apiservice(sink, &d.entity, c.at, &state, since);
    }
}

fn lease(sink: &mut Sink<'_>, d: &Described<'_, '_>) {
    let Some(s) = d.section("Spec") else { return };
    if let Some((at, renewed)) = s.nested(&["Renew Time"]) {
        let _ = sink.api_time(renewed, at);
        let holder = s.nested(&["Holder Identity"]).map_or("", |(_, v)| v);
        say::lease(sink, d.namespace, d.name, at, holder, renewed);
    }
}

/// The deletion of a custom object stands below `Metadata:`, its finalizers one a line.
fn deletion(sink: &mut Sink<'_>, d: &Described<'_, '_>) {
    let Some(s) = d.section("Metadata") else {
        return;
    };
    if let Some((at, created)) = s.nested(&["Creation Timestamp"]) {
        let _ = sink.api_time(created, at);
    }
    let Some((at, since)) = s.nested(&["Deletion Timestamp"]) else {
        return;
    };
    let mut finalizers: Vec<&str> = Vec::new();
    let mut lines = s.lines.iter();
    if lines.any(|l| l.text.trim() == "Finalizers:") {
        finalizers.extend(
            lines
                .map(|l| l.text.trim())
                .take_while(|l| !l.contains(": ") && !l.ends_with(':')),
        );
    }
    let first: Option<RawStamp> = stamp::rfc3339(since);
    say::deleting(sink, &d.entity, at, since, &finalizers.join(","), first);
}

/// The keys of one condition that is written as a list.
struct Block<'l> {
    at: usize,
    keys: BTreeMap<&'l str, &'l str>,
}

impl<'l> Block<'l> {
    fn get(&self, key: &str) -> &'l str {
        self.keys.get(key).copied().unwrap_or_default()
    }
}

/// The conditions below `Status:`: nothing separates them but that a key comes again.
fn blocks<'l>(d: &Described<'l, '_>) -> Vec<Block<'l>> {
    let mut out = Vec::new();
    let Some(s) = d.section("Status") else {
        return out;
    };
    let mut depth = None;
    let mut block: Option<Block<'l>> = None;
    for line in s.lines {
        let Some((indent, key, value)) = pair(&line.text) else {
            continue;
        };
        let Some(above) = depth else {
            if key == "Conditions" {
                depth = Some(indent);
            }
            continue;
        };
        if indent <= above {
            break;
        }
        if block.as_ref().is_some_and(|b| b.keys.contains_key(key)) {
            out.extend(block.take());
        }
        let b = block.get_or_insert_with(|| Block {
            at: line.at,
            keys: BTreeMap::new(),
        });
        b.keys.insert(key, value);
        if key == "Reason" {
            b.at = line.at;
        }
    }
    out.extend(block);
    out
}

fn nested_conditions(sink: &mut Sink<'_>, d: &Described<'_, '_>) {
    let of: &Entity = &d.entity;
    for b in blocks(d) {
        let since = sink.api_time(b.get("Last Transition Time"), b.at);
        let c = Condition {
            kind: b.get("Type"),
            status: b.get("Status"),
            reason: b.get("Reason"),
            message: b.get("Message"),
            since,
        };
        say::condition(sink, of, b.at, &c);
    }
}
