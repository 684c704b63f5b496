//! What decides whether things can reach each other: pull secrets and their hosts, ports of services and containers,
//! addresses under which an object is registered.
//!
//! `pod/shop/web-1 account=default pullSecrets=regcred`, `secret/shop/regcred registries=registry.example.com`,
//! `service/shop/web port http 80/TCP target=8080`. Of a Secret only the names of the registries are said.

use super::Object;
use crate::model::{Component, Entity};
use crate::parse::state::certs;
use crate::parse::state::sink::{Sink, Text};
use crate::parse::state::tree::Node;

/// Longest list of registries or ports said of one object.
const MOST: usize = 64;

/// Says what the kind of the object has to tell here.
pub(super) fn read(sink: &mut Sink<'_>, o: &Object<'_>) {
    match o.kind.as_str() {
        "pod" => {
            pull_secrets(sink, o, "spec.serviceAccountName", "spec.imagePullSecrets");
            containers(sink, o);
        }
        "serviceaccount" => pull_secrets(sink, o, "", "imagePullSecrets"),
        "secret" => registries(sink, o),
        "configmap" if o.name == "acr-configuration" => helper(sink, o),
        "service" => service_ports(sink, o),
        "endpoints" => endpoint_ports(sink, o, &o.entity.clone(), o.node.list("subsets")),
        "endpointslice" => {
            let labels = o.node.entries("metadata.labels");
            let service = labels
                .iter()
                .find(|e| e.key == "kubernetes.io/service-name")
                .map_or(o.name, |e| e.node.scalar());
            let of = crate::parse::state::sink::entity("endpoints", o.namespace, service);
            endpoint_ports(sink, o, &of, std::slice::from_ref(o.node));
        }
        _ => registered(sink, o),
    }
}

fn pull_secrets(sink: &mut Sink<'_>, o: &Object<'_>, account: &str, secrets: &str) {
    if !account.is_empty() && o.node.get("spec").is_none() {
        return;
    }
    let names: Vec<&str> = o
        .node
        .list(secrets)
        .iter()
        .take(MOST)
        .map(|s| s.text("name"))
        .collect();
    let mut text = Text::of(&o.entity);
    if !account.is_empty() {
        // A manifest that names no account gets this one.
        let name = o.node.text(account);
        text = text.field("account", if name.is_empty() { "default" } else { name });
    } else if names.is_empty() {
        return;
    }
    let text = text.field("pullSecrets", &names.join(","));
    sink.say(
        Component::OBJECT,
        &o.entity,
        o.node.spot_of(&[secrets, "metadata.name"]),
        text,
    );
}

/// The hosts for which a Secret holds credentials.
fn registries(sink: &mut Sink<'_>, o: &Object<'_>) {
    for e in o.node.entries("data") {
        let under = match e.key.as_str() {
            ".dockerconfigjson" => "auths",
            ".dockercfg" => "",
            _ => continue,
        };
        let Some(bytes) = certs::decode(e.node.scalar().as_bytes()) else {
            continue;
        };
        let Ok(config) = serde_json::from_slice::<serde_json::Value>(&bytes) else {
            continue;
        };
        let hosts = if under.is_empty() {
            Some(&config)
        } else {
            config.get(under)
        };
        let Some(hosts) = hosts.and_then(serde_json::Value::as_object) else {
            continue;
        };
        // A name with anything else in it is no host, whatever it is: it stays inside.
        let plain = |h: &&String| {
            h.len() <= 255
                && h.bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"._:/*-".contains(&b))
                && !h.contains('@')
        };
        let hosts: Vec<&str> = hosts
            .keys()
            .filter(plain)
            .take(MOST)
            .map(String::as_str)
            .collect();
        let text = Text::of(&o.entity).field("registries", &hosts.join(","));
        sink.say_unquoted(Component::OBJECT, &o.entity, e.at, text);
    }
}

/// What the ACR credential helper covers.
fn helper(sink: &mut Sink<'_>, o: &Object<'_>) {
    let get = |key: &str| {
        let entries = o.node.entries("data");
        entries
            .iter()
            .find(|e| e.key == key)
            .map_or("", |e| e.node.scalar())
            .to_owned()
    };
    let listed = |text: &str| {
        let words = text.split([',', ' ', '\n', '"']).map(str::trim);
        words
            .filter(|w| !w.is_empty())
            .take(MOST)
            .collect::<Vec<_>>()
            .join(",")
    };
    let domains: Vec<String> = get("acr-registry-info")
        .split_whitespace()
        .map(|w| w.trim_matches(|c: char| "[]'\",".contains(c)).to_owned())
        .filter(|w| w.contains(".aliyuncs.com"))
        .collect();
    let registries = [listed(&get("acr-registry")), listed(&domains.join(","))].concat();
    let text = Text::of(&o.entity)
        .field("registries", &registries)
        .field("namespaces", &listed(&get("watch-namespace")))
        .field("accounts", &listed(&get("service-account")));
    sink.say_unquoted(Component::OBJECT, &o.entity, o.at, text);
}

fn service_ports(sink: &mut Sink<'_>, o: &Object<'_>) {
    for p in o.node.list("spec.ports").iter().take(MOST) {
        let target = match p.text("targetPort") {
            "" => p.text("port"),
            target => target,
        };
        let text = Text::of(&o.entity)
            .words("port")
            .words(&format!("{}/{}", p.text("port"), protocol(p)))
            .field("name", p.text("name"))
            .field("target", target)
            .field("nodePort", p.text("nodePort"));
        sink.say(
            Component::OBJECT,
            &o.entity,
            p.spot_of(&["targetPort", "port"]),
            text,
        );
    }
}

fn endpoint_ports(sink: &mut Sink<'_>, o: &Object<'_>, of: &Entity, subsets: &[Node]) {
    for p in subsets.iter().flat_map(|s| s.list("ports")).take(MOST) {
        let text = Text::of(of)
            .words("port")
            .words(&format!("{}/{}", p.text("port"), protocol(p)))
            .field("name", p.text("name"));
        sink.say(Component::OBJECT, of, p.spot("port").unwrap_or(o.at), text);
    }
}

/// The ports that the containers of a pod declare.
fn containers(sink: &mut Sink<'_>, o: &Object<'_>) {
    for c in o.node.list("spec.containers") {
        let ports: Vec<String> = c
            .list("ports")
            .iter()
            .take(MOST)
            .map(|p| match p.text("name") {
                "" => format!("{}/{}", p.text("containerPort"), protocol(p)),
                name => format!("{name}:{}/{}", p.text("containerPort"), protocol(p)),
            })
            .collect();
        if !ports.is_empty() {
            let text = Text::of(&o.entity)
                .words("container")
                .words(c.text("name"))
                .field("ports", &ports.join(","));
            sink.say(
                Component::OBJECT,
                &o.entity,
                c.spot_of(&["ports", "name"]),
                text,
            );
        }
    }
}

fn protocol(port: &Node) -> &str {
    match port.text("protocol") {
        "" => "TCP",
        protocol => protocol,
    }
}

/// The address under which something else is registered.
fn registered(sink: &mut Sink<'_>, o: &Object<'_>) {
    let path = "spec.apiEndpoint";
    if let Some(at) = o.node.spot(path) {
        let first = crate::parse::state::stamp::rfc3339(o.node.text("metadata.creationTimestamp"));
        let text = Text::of(&o.entity).field("apiEndpoint", o.node.text(path));
        sink.say_when(
            Component::OBJECT,
            &o.entity,
            at,
            text,
            crate::parse::state::sink::When::since(first),
        );
    }
}
