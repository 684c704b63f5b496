//! API objects as JSON or YAML, one at a time: `kubectl get -o yaml`, must-gather, cluster dumps.
//!
//! `apiVersion: apiregistration.k8s.io/v1` … `reason: MissingEndpoints`. Every object gives its conditions and
//! whether it is being deleted; the known kinds give their fixed statements. Secret and `ConfigMap` values are
//! never said or quoted, only the names of their keys and the certificates among them.

mod access;
mod cluster;
mod config;
mod event;
mod meta;
mod network;
mod node;
mod pod;
mod rows;
mod workload;

pub(super) use node::{capacity, pod_range, taint};
pub(super) use pod::{Sum, node_selector, requests};

use super::json::{self, Around};
use super::sink::{Chunk, Sink};
use super::tree::Node;
use super::{ClockHint, kinds, messages, yaml};
use crate::model::Entity;

/// One object with what every object has.
pub(super) struct Object<'n> {
    /// All of it.
    pub(super) node: &'n Node,
    /// Its kind as entities spell it.
    pub(super) kind: String,
    /// Its `apiVersion`.
    pub(super) version: &'n str,
    /// Its namespace, empty for cluster-wide ones.
    pub(super) namespace: &'n str,
    /// Its name.
    pub(super) name: &'n str,
    /// Its entity.
    pub(super) entity: Entity,
    /// Where its name stands.
    pub(super) at: usize,
}

/// Reads all objects of a chunk.
pub(super) fn read(sink: &mut Sink<'_>, chunk: Chunk<'_>) {
    let before = sink.structured;
    sink.structured = true;
    let first = chunk.bytes.iter().find(|b| !b.is_ascii_whitespace());
    let path_kind = kinds::by_path(sink.path);
    let mut seen = 0u64;
    if matches!(first, Some(b'{' | b'[')) {
        let damage = json::objects(chunk, &mut |around, node| {
            seen = seen.saturating_add(1);
            object(sink, around, node, path_kind);
        });
        if let Some(at) = damage {
            let line = sink.line_of(at.0);
            sink.note(format!(
                "damaged JSON at line {line}; {seen} objects were read"
            ));
        }
    } else {
        let trouble = yaml::objects(chunk, &mut |around, node| {
            seen = seen.saturating_add(1);
            object(sink, around, node, path_kind);
        });
        if let Some(at) = trouble.at {
            let line = sink.line_of(at);
            let lines = trouble.lines;
            sink.note(format!(
                "{lines} lines from line {line} on are no YAML; {seen} objects were read"
            ));
        }
        if trouble.cut {
            sink.note(format!("the list was cut; {seen} objects were read"));
        }
        messages::read(sink, chunk);
    }
    sink.structured = before;
}

/// Says one object.
fn object(sink: &mut Sink<'_>, around: Around<'_>, node: &Node, path_kind: Option<&str>) {
    let said = node.text("kind");
    let of_list = around.kind.strip_suffix("List").unwrap_or_default();
    let word = [said, of_list, path_kind.unwrap_or_default()]
        .into_iter()
        .find(|w| !w.is_empty())
        .unwrap_or_default();
    if word.is_empty() {
        unnamed(sink, node);
        return;
    }
    let version = match node.text("apiVersion") {
        "" => around.version,
        version => version,
    };
    if version.starts_with("audit.k8s.io/") {
        sink.note("audit events are read as a log, not as objects");
        return;
    }
    let kind = kinds::plain(word);
    let name = match node.text("metadata.name") {
        "" => sink.base.clone(),
        name => name.to_owned(),
    };
    let namespace = node.text("metadata.namespace");
    let object = Object {
        node,
        version,
        namespace,
        name: &name,
        entity: super::sink::entity(&kind, namespace, &name),
        at: node.spot_of(&["metadata.name", "kind"]),
        kind,
    };
    one(sink, &object);
}

fn one(sink: &mut Sink<'_>, o: &Object<'_>) {
    match o.kind.as_str() {
        "event" => return event::read(sink, o),
        "table" => return rows::read(sink, o),
        "status" => return cluster::failure(sink, o),
        // A manifest of the client, not an object of the API.
        "config" if !o.version.contains('.') => return config::kubeconfig(sink, o),
        _ => {}
    }
    meta::created(sink, o);
    meta::writers(sink, o);
    match o.kind.as_str() {
        "pod" => pod::read(sink, o),
        "node" => node::read(sink, o),
        "namespace" => cluster::namespace(sink, o),
        "apiservice" => cluster::apiservice(sink, o),
        "lease" => cluster::lease(sink, o),
        "volumeattachment" => cluster::attachment(sink, o),
        "validatingwebhookconfiguration" | "mutatingwebhookconfiguration" => {
            cluster::webhooks(sink, o);
        }
        "service" => network::service(sink, o),
        "endpoints" => network::endpoints(sink, o),
        "endpointslice" => network::slice(sink, o),
        "deployment" | "replicaset" | "statefulset" | "daemonset" | "replicationcontroller" => {
            workload::read(sink, o);
        }
        "secret" => config::secret(sink, o),
        "configmap" => config::configmap(sink, o),
        "kubeletconfiguration" => config::kubelet(sink, o.node, o.at),
        "certificatesigningrequest" => {}
        _ => cluster::phase(sink, o),
    }
    access::read(sink, o);
    meta::owners(sink, o);
    meta::deleting(sink, o);
    // A pod's conditions and a node's are conditions like any other.
    meta::conditions(sink, o);
}

/// JSON answers that are no objects: the kubelet's `configz`, a server's version.
fn unnamed(sink: &mut Sink<'_>, node: &Node) {
    if let Some(config) = node.get("kubeletconfig") {
        config::kubelet(sink, config, config.at);
    }
    for path in ["gitVersion", "serverVersion.gitVersion", "info.gitVersion"] {
        let version = node.text(path);
        if let Some(at) = node.spot(path).filter(|_| version.starts_with('v')) {
            let version = super::sink::value(version);
            sink.hint(at, |line| ClockHint::ServerVersion { version, line });
        }
    }
    let version = node.text("clientVersion.gitVersion");
    if let Some(at) = node.spot("clientVersion.gitVersion") {
        let version = super::sink::value(version);
        sink.hint(at, |line| ClockHint::ClientVersion { version, line });
    }
    // `etcdctl -w json` answers.
    super::host::etcd::json(sink, node);
}

#[cfg(test)]
mod tests;
