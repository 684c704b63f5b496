//! Secrets, `ConfigMaps`, kubeconfigs, kubelet configurations: names of keys and certificates, never values.

use super::Object;
use crate::model::{Component, Entity};
use crate::parse::state::certs;
use crate::parse::state::sink::{Sink, Text};
use crate::parse::state::tree::Node;

/// Says a Secret: its type, its keys, its certificates.
pub(super) fn secret(sink: &mut Sink<'_>, o: &Object<'_>) {
    let n = o.node;
    let text = Text::of(&o.entity)
        .field("type", n.text("type"))
        .field("keys", &keys(n, &["data", "stringData"]));
    sink.say_unquoted(Component::OBJECT, &o.entity, o.at, text);
    for e in n.entries("data") {
        // Certificates are public; every other value of a Secret is not looked at.
        let public = [".crt", ".cert", ".pem"]
            .iter()
            .any(|end| e.key.ends_with(end));
        if public && !e.key.contains("key") {
            certs::bundle(sink, e.node.scalar(), e.at, &o.entity);
        }
    }
}

/// Says a `ConfigMap`: its keys, its certificates.
pub(super) fn configmap(sink: &mut Sink<'_>, o: &Object<'_>) {
    let text = Text::of(&o.entity).field("keys", &keys(o.node, &["data", "binaryData"]));
    sink.say_unquoted(Component::OBJECT, &o.entity, o.at, text);
    // Whom somebody trusts: `kube-root-ca.crt`, `extension-apiserver-authentication`.
    for e in o.node.entries("data") {
        let trust = [".crt", ".pem", "-ca-file"]
            .iter()
            .any(|end| e.key.ends_with(end));
        if trust {
            certs::bundle(sink, e.node.scalar(), e.at, &o.entity);
        }
    }
}

fn keys(n: &Node, paths: &[&str]) -> String {
    let names: Vec<&str> = paths
        .iter()
        .flat_map(|p| n.entries(p))
        .map(|e| e.key.as_str())
        .collect();
    names.join(",")
}

/// Says the servers of a kubeconfig and the certificates in it.
pub(super) fn kubeconfig(sink: &mut Sink<'_>, o: &Object<'_>) {
    let of = Entity::new("kubeconfig", &sink.base);
    for c in o.node.list("clusters") {
        let text = Text::of(&of)
            .field("cluster", c.text("name"))
            .field("server", c.text("cluster.server"));
        let at = c.spot_of(&["cluster.server"]);
        sink.say_unquoted(Component::OBJECT, &of, at, text);
        let path = "cluster.certificate-authority-data";
        certs::bundle(sink, c.text(path), c.spot_of(&[path]), &of);
    }
    for u in o.node.list("users") {
        let path = "user.client-certificate-data";
        certs::bundle(sink, u.text(path), u.spot_of(&[path]), &of);
    }
}

/// Says what a kubelet's configuration tells pods and limits.
pub(super) fn kubelet(sink: &mut Sink<'_>, n: &Node, at: usize) {
    let of = Entity::new("kubeletconfiguration", &sink.base);
    let at = n.spot("clusterDNS").unwrap_or(at);
    let text = Text::of(&of)
        .field("clusterDNS", &n.joined("clusterDNS"))
        .field("clusterDomain", n.text("clusterDomain"))
        .field("resolvConf", n.text("resolvConf"))
        .field("maxPods", n.text("maxPods"))
        .field("cgroupDriver", n.text("cgroupDriver"))
        .field("evictionHard", &n.pairs("evictionHard"))
        .field(
            "nodeStatusUpdateFrequency",
            n.text("nodeStatusUpdateFrequency"),
        );
    sink.say(Component::OBJECT, &of, at, text);
}
