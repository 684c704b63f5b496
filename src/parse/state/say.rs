//! The statements that tables, objects and describe outputs share, in their one fixed form.
//!
//! `<kind>/<id> condition Ready=False reason=KubeletNotReady message=…`. The order of fields is the contract
//! of `docs/rules.md`; a field without a value is left out.

use super::sink::{Sink, Text, When, entity, is_blank, name};
use crate::base::time::RawStamp;
use crate::model::{Component, Entity};

/// One condition of an object.
#[derive(Clone, Debug, Default)]
pub(super) struct Condition<'a> {
    /// Its type (`Ready`).
    pub(super) kind: &'a str,
    /// `True`, `False` or `Unknown`.
    pub(super) status: &'a str,
    /// Its reason.
    pub(super) reason: &'a str,
    /// Its message.
    pub(super) message: &'a str,
    /// Since when.
    pub(super) since: Option<RawStamp>,
}

/// Says a condition.
pub(super) fn condition(sink: &mut Sink<'_>, of: &Entity, at: usize, c: &Condition<'_>) {
    if c.kind.is_empty() {
        return;
    }
    let text = Text::of(of)
        .words("condition")
        .words(&format!("{}={}", c.kind, c.status))
        .field("reason", c.reason)
        .field("message", c.message);
    sink.say_when(Component::OBJECT, of, at, text, When::since(c.since));
}

/// One event.
#[derive(Clone, Debug)]
pub(super) struct Event<'a> {
    /// The thing it is about.
    pub(super) object: Entity,
    /// `Normal` or `Warning`.
    pub(super) kind: &'a str,
    /// Its reason.
    pub(super) reason: &'a str,
    /// Who reports it.
    pub(super) from: &'a str,
    /// What it says.
    pub(super) message: &'a str,
    /// Its times, count and reporting host.
    pub(super) when: When,
}

/// Says an event.
pub(super) fn event(sink: &mut Sink<'_>, at: usize, event: Event<'_>) {
    let text = Text::bare()
        .field("reason", event.reason)
        .field("type", event.kind)
        .field("object", event.object.as_str())
        .field("from", event.from)
        .field("message", event.message);
    sink.say_when(Component::EVENT, &event.object, at, text, event.when);
}

/// The thing an event is about. `default` is where events of cluster-wide objects are kept, so a namespace
/// counts only for kinds that live in one.
pub(super) fn event_object(kind: &str, namespace: &str, id: &str) -> Entity {
    let kind = super::kinds::plain(kind);
    let namespaced = super::kinds::is_namespaced(&kind).unwrap_or(true);
    entity(&kind, if namespaced { namespace } else { "" }, id)
}

/// Splits `kubelet, node1` into the reporter and its host.
pub(super) fn source(text: &str) -> (&str, Option<String>) {
    match text.split_once(',') {
        Some((from, host)) if !host.trim().is_empty() => (from.trim(), Some(name(host))),
        _ => (text.trim(), None),
    }
}

/// Says that an object is being deleted.
pub(super) fn deleting(
    sink: &mut Sink<'_>,
    of: &Entity,
    at: usize,
    since: &str,
    finalizers: &str,
    first: Option<RawStamp>,
) {
    let text = Text::of(of)
        .words("deleting")
        .field("since", since)
        .field("finalizers", finalizers);
    sink.say_when(Component::OBJECT, of, at, text, When::since(first));
}

/// What is known of a node.
#[derive(Clone, Debug, Default)]
pub(super) struct NodeState<'a> {
    /// `Ready`, `NotReady,SchedulingDisabled`.
    pub(super) status: &'a str,
    /// Version of its kubelet.
    pub(super) version: &'a str,
    /// Its container runtime.
    pub(super) runtime: &'a str,
    /// Its internal address.
    pub(super) address: &'a str,
}

/// Says the state of a node.
pub(super) fn node(
    sink: &mut Sink<'_>,
    of: &Entity,
    at: usize,
    n: &NodeState<'_>,
    first: Option<RawStamp>,
) {
    let text = Text::of(of)
        .field("status", n.status)
        .field("version", n.version)
        .field("runtime", n.runtime)
        .field("address", n.address);
    sink.say_when(Component::OBJECT, of, at, text, When::since(first));
    related_ip(sink, of, n.address, at);
}

/// The status of a node as kubectl computes it from its Ready condition.
pub(super) fn node_status(ready: &str, unschedulable: bool) -> String {
    let mut status = String::from(match ready {
        "True" => "Ready",
        "" => "Unknown",
        _ => "NotReady",
    });
    if unschedulable {
        status.push_str(",SchedulingDisabled");
    }
    status
}

/// What is known of an API service.
#[derive(Clone, Debug, Default)]
pub(super) struct ApiService<'a> {
    /// `True` or `False`.
    pub(super) available: &'a str,
    /// Why not.
    pub(super) reason: &'a str,
    /// `namespace/name` of the service behind it; empty when it is served locally.
    pub(super) service: &'a str,
    /// The message of its condition.
    pub(super) message: &'a str,
}

/// Says the state of an API service.
pub(super) fn apiservice(
    sink: &mut Sink<'_>,
    of: &Entity,
    at: usize,
    a: &ApiService<'_>,
    first: Option<RawStamp>,
) {
    let text = Text::of(of)
        .field("available", a.available)
        .field("reason", a.reason)
        .field("service", a.service)
        .field("message", a.message);
    sink.say_when(Component::OBJECT, of, at, text, When::since(first));
    if !a.service.is_empty() {
        sink.relate(of, &Entity::new("service", &name(a.service)), at);
    }
}

/// What is known of a service.
#[derive(Clone, Debug, Default)]
pub(super) struct Service<'a> {
    /// `ClusterIP`, `LoadBalancer`.
    pub(super) kind: &'a str,
    /// Its address, or `None` for a headless one.
    pub(super) cluster_ip: &'a str,
    /// `53/UDP,53/TCP`.
    pub(super) ports: &'a str,
    /// `k=v,k=v`.
    pub(super) selector: &'a str,
}

/// Says a service.
pub(super) fn service(sink: &mut Sink<'_>, of: &Entity, at: usize, s: &Service<'_>) {
    let text = Text::of(of)
        .field("type", s.kind)
        .field("clusterIP", s.cluster_ip)
        .field("ports", s.ports)
        .field("selector", s.selector);
    sink.say(Component::OBJECT, of, at, text);
    related_ip(sink, of, s.cluster_ip, at);
}

/// Says when an object was made, as the output prints it (an age, a time).
pub(super) fn made(
    sink: &mut Sink<'_>,
    of: &Entity,
    at: usize,
    when: &str,
    first: Option<RawStamp>,
) {
    if first.is_some() {
        let text = Text::of(of).field("made", when);
        sink.say_when(Component::OBJECT, of, at, text, When::since(first));
    }
}

/// Says the addresses behind a service. `not_ready` is `None` where the output does not tell.
pub(super) fn endpoints(
    sink: &mut Sink<'_>,
    of: &Entity,
    at: usize,
    ready: usize,
    not_ready: Option<usize>,
    addresses: &str,
) {
    let text = Text::of(of)
        .field("ready", &ready.to_string())
        .maybe("notReady", not_ready)
        .field("addresses", addresses);
    sink.say(Component::OBJECT, of, at, text);
}

/// How many replicas a workload wants and has.
#[derive(Clone, Debug, Default)]
pub(super) struct Replicas<'a> {
    /// Wanted.
    pub(super) desired: &'a str,
    /// Ready.
    pub(super) ready: &'a str,
    /// Available.
    pub(super) available: &'a str,
}

/// Says the replicas of a workload.
pub(super) fn replicas(sink: &mut Sink<'_>, of: &Entity, at: usize, r: &Replicas<'_>) {
    let text = Text::of(of)
        .field("desired", r.desired)
        .field("ready", r.ready)
        .field("available", r.available);
    sink.say(Component::OBJECT, of, at, text);
}

/// Says a lease, and whose node it is.
pub(super) fn lease(
    sink: &mut Sink<'_>,
    namespace: &str,
    id: &str,
    at: usize,
    holder: &str,
    renewed: &str,
) {
    let of = entity("lease", namespace, id);
    let text = Text::of(&of)
        .field("holder", holder)
        .field("renewed", renewed);
    sink.say(Component::OBJECT, &of, at, text);
    if namespace == "kube-node-lease" {
        sink.relate(&entity("node", "", id), &of, at);
    }
}

/// Labels that say in which zone of a cloud a node is.
const ZONES: [&str; 2] = [
    "topology.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/zone",
];

/// Relates a node to the zone that one of its labels names.
pub(super) fn related_zone(sink: &mut Sink<'_>, of: &Entity, label: &str, zone: &str, at: usize) {
    if ZONES.contains(&label) && !is_blank(zone) {
        sink.relate(of, &Entity::new("zone", &name(zone)), at);
    }
}

/// Relates a thing to its address.
pub(super) fn related_ip(sink: &mut Sink<'_>, of: &Entity, address: &str, at: usize) {
    if !is_blank(address) && address.contains(['.', ':']) {
        sink.relate(of, &Entity::new("ip", &name(address)), at);
    }
}
