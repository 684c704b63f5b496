//! Services and what stands behind them.

use super::{Object, pod};
use crate::parse::state::say;
use crate::parse::state::sink::{Sink, entity};
use crate::parse::state::stamp;
use crate::parse::state::tree::Node;

/// Says a service.
pub(super) fn service(sink: &mut Sink<'_>, o: &Object<'_>) {
    let n = o.node;
    let ports: Vec<String> = n
        .list("spec.ports")
        .iter()
        .map(|p| {
            let protocol = match p.text("protocol") {
                "" => "TCP",
                protocol => protocol,
            };
            format!("{}/{protocol}", p.text("port"))
        })
        .collect();
    let kind = match n.text("spec.type") {
        "" => "ClusterIP",
        kind => kind,
    };
    let state = say::Service {
        kind,
        cluster_ip: n.text("spec.clusterIP"),
        ports: &ports.join(","),
        selector: &n.pairs("spec.selector"),
    };
    say::service(sink, &o.entity, o.at, &state);
    let created = n.text("metadata.creationTimestamp");
    say::made(sink, &o.entity, o.at, created, stamp::rfc3339(created));
    let at = n.spot_of(&["spec.selector"]);
    sink.links
        .service(o.namespace, o.name, pod::pairs(n, "spec.selector"), at);
}

/// Says an Endpoints object.
pub(super) fn endpoints(sink: &mut Sink<'_>, o: &Object<'_>) {
    let (mut ready, mut not_ready) = (Vec::new(), Vec::new());
    for subset in o.node.list("subsets") {
        ready.extend(subset.list("addresses"));
        not_ready.extend(subset.list("notReadyAddresses"));
    }
    for address in ready.iter().chain(&not_ready) {
        behind(sink, o, o.name, address, address.text("ip"));
    }
    let addresses: Vec<&str> = ready.iter().map(|a| a.text("ip")).collect();
    let at = o.node.spot("subsets").unwrap_or(o.at);
    say::endpoints(
        sink,
        &o.entity,
        at,
        ready.len(),
        Some(not_ready.len()),
        &addresses.join(","),
    );
}

/// Says an `EndpointSlice` under the name of its service.
pub(super) fn slice(sink: &mut Sink<'_>, o: &Object<'_>) {
    let service = o
        .node
        .entries("metadata.labels")
        .iter()
        .find(|e| e.key == "kubernetes.io/service-name")
        .map_or(o.name, |e| e.node.scalar());
    let (mut ready, mut not_ready) = (Vec::new(), 0usize);
    for endpoint in o.node.list("endpoints") {
        let addresses: Vec<&str> = endpoint
            .list("addresses")
            .iter()
            .map(Node::scalar)
            .collect();
        // An endpoint that does not say is ready, by the API's definition.
        if endpoint.text("conditions.ready") == "false" {
            not_ready = not_ready.saturating_add(1);
        } else {
            ready.extend(addresses.first().copied());
        }
        let ip = addresses.first().copied().unwrap_or_default();
        behind(sink, o, service, endpoint, ip);
    }
    let of = entity("endpoints", o.namespace, service);
    let at = o.node.spot("endpoints").unwrap_or(o.at);
    say::endpoints(
        sink,
        &of,
        at,
        ready.len(),
        Some(not_ready),
        &ready.join(","),
    );
}

/// Relates a service to what stands behind one of its addresses.
fn behind(sink: &mut Sink<'_>, o: &Object<'_>, service: &str, address: &Node, ip: &str) {
    let at = address.spot_of(&["ip", "addresses"]);
    if address.text("targetRef.kind") == "Pod" {
        let namespace = match address.text("targetRef.namespace") {
            "" => o.namespace,
            namespace => namespace,
        };
        let to = entity("pod", namespace, address.text("targetRef.name"));
        sink.relate(&entity("service", o.namespace, service), &to, at);
        let node = address.text("nodeName");
        if !node.is_empty() {
            sink.relate(&to, &entity("node", "", node), at);
        }
    } else {
        sink.links.endpoint(o.namespace, service, ip, at);
    }
}
