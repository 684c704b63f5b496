//! A machine that answers on no port: many ports of one node time out, and none says no.
//!
//! `dial tcp 10.0.2.15:10250: i/o timeout`, `… 10.0.2.15:9100: connect: no route to host`: one port alone may be
//! filtered, and one client may be cut off. Several ports, for several clients, of a node that is not ready either, are
//! the machine or its network.

use std::collections::{BTreeMap, BTreeSet};

use super::Task;
use super::matrix::{self, Class, Edge};
use super::support::{first_quotes, machine, some, span_of};
use crate::base::time::{MINUTE, SECOND, Stamp};
use crate::model::{Component, Entity, Fact, Span};

pub(super) fn infer(task: &Task<'_>) -> Vec<Fact> {
    let mut down: BTreeMap<&str, Vec<&Fact>> = BTreeMap::new();
    for (_, fact) in task.facts(&task.list("down")) {
        if let Some(node) = fact.key("node") {
            down.entry(node).or_default().push(fact);
        }
    }
    let edges = matrix::edges(task);
    let mut nodes: BTreeMap<(String, &str), Vec<&Edge<'_>>> = BTreeMap::new();
    for edge in &edges {
        let Some(ip) = edge.ip else { continue };
        let at = task
            .world
            .topology
            .walk(&Entity::new("ip", ip), &["node"])
            .into_iter()
            .next();
        if let Some(node) = at.filter(|n| down.contains_key(n.name())) {
            nodes
                .entry((node.name().to_owned(), ip))
                .or_default()
                .push(edge);
        }
    }
    nodes
        .into_iter()
        .filter_map(|((node, ip), edges)| {
            let down = down.get(node.as_str())?;
            fact(task, &node, ip, &edges, down)
        })
        .collect()
}

/// Whether the node was told not ready while its machine was silent, or soon after: its controller waits a while.
fn meets(task: &Task<'_>, down: &Fact, silent: Span) -> bool {
    let within = task.time("within").unwrap_or(10 * MINUTE);
    let (Some(from), Some(until)) = (silent.first, silent.last) else {
        return true;
    };
    // A table that nothing dates was made when the logs end.
    let end = || Some(Stamp::exact(task.world.window.1?, SECOND));
    let Some(last) = down.span.last.or(down.span.first).or_else(end) else {
        return true;
    };
    let first = down.span.first.unwrap_or(last);
    let goes_on = !down.span.closed && !down.span.over;
    let doubt = from.slack(first).max(until.slack(first));
    first.at.since(until.at) <= within.saturating_add(doubt)
        && (goes_on || from.at.since(last.at) <= doubt)
}

fn fact(
    task: &Task<'_>,
    node: &str,
    ip: &str,
    edges: &[&Edge<'_>],
    down: &[&Fact],
) -> Option<Fact> {
    let silent: Vec<&Edge<'_>> = edges
        .iter()
        .filter(|e| matches!(e.class, Class::Timeout | Class::NoRoute) && !e.accepted)
        .copied()
        .collect();
    let span = span_of(silent.iter().map(|e| e.fact));
    // A machine that refuses, resets, shows a certificate or takes the connection answers.
    let answers = |e: &&&Edge<'_>| {
        (e.accepted || matches!(e.class, Class::Refused | Class::Reset | Class::Tls))
            && match (span.first, span.last, e.fact.span.last) {
                (Some(from), Some(until), Some(at)) => at.at >= from.at && at.at <= until.at,
                _ => true,
            }
    };
    let ports: BTreeSet<&str> = silent.iter().filter_map(|e| e.port).collect();
    let clients: BTreeSet<String> = silent.iter().map(|e| e.client()).collect();
    // Fewer may be filtered, or cut off, one by one.
    let least = task.amount("at_least").unwrap_or(2);
    if ports.len() < least || clients.len() < least || edges.iter().any(|e| answers(&e)) {
        return None;
    }
    if !down.iter().any(|d| meets(task, d, span)) {
        return None;
    }
    let mut keys = machine(Some(node));
    for (key, value) in [
        ("ip", ip.to_owned()),
        ("ports", some(ports.iter().copied(), 6)),
        ("from", some(clients.iter().map(String::as_str), 4)),
    ] {
        keys.insert(String::from(key), value);
    }
    let evidence = first_quotes(silent.iter().map(|e| e.fact), 4);
    let mut fact = task.fact(
        "host-unreachable",
        keys,
        Component::UNKNOWN,
        evidence,
        Vec::new(),
    )?;
    fact.count = silent
        .iter()
        .map(|e| e.fact.count)
        .fold(0, u64::saturating_add);
    fact.span = span;
    Some(fact)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{facts_of, shown};

    const KIND: &str = "node/host-unreachable";

    fn nodes(status: &str) -> String {
        format!(
            "NAME   STATUS     ROLES    AGE   VERSION   INTERNAL-IP   EXTERNAL-IP   OS-IMAGE   KERNEL-VERSION   CONTAINER-RUNTIME\nw5     {status:<8}   <none>   99d   v1.28.4   10.0.2.15     <none>        Ubuntu     5.15.0           containerd://1.7.2\nw6     Ready      <none>   99d   v1.28.4   10.0.2.16     <none>        Ubuntu     5.15.0           containerd://1.7.2\n"
        )
    }

    fn scrape(ip: &str, port: u32, error: &str) -> String {
        (0..5)
            .map(|n| format!("E0514 09:0{n}:00.000000       1 scraper.go:149] \"Failed to scrape node\" err=\"Get \\\"https://{ip}:{port}/metrics/resource\\\": dial tcp {ip}:{port}: {error}\" node=\"w5\"\n"))
            .collect::<Vec<_>>()
            .concat()
    }

    #[track_caller]
    fn case(status: &str, logs: &[(&str, String)], expected: &[&str]) {
        let nodes = nodes(status);
        let mut files = vec![("kubectl/get-nodes.txt", nodes.as_str())];
        files.extend(logs.iter().map(|(p, t)| (*p, t.as_str())));
        assert_eq!(
            shown(&facts_of(&files, KIND), &["ip", "ports"]),
            expected,
            "{status} {logs:?}"
        );
    }

    #[test]
    fn several_ports_for_several_clients() {
        let (a, b) = ("n1/metrics-server.log", "n2/prometheus.log");
        let both = [
            (a, scrape("10.0.2.15", 10250, "i/o timeout")),
            (b, scrape("10.0.2.15", 9100, "connect: no route to host")),
        ];
        case(
            "NotReady",
            &both,
            &["node/w5 ip=10.0.2.15 ports=10250, 9100"],
        );
        // A node that reports is behind a filter.
        case("Ready", &both, &[]);
        case("NotReady", &both[..1], &[]);
        // It answers on another port.
        let answers = [
            both[0].clone(),
            both[1].clone(),
            (
                "n3/app.log",
                scrape("10.0.2.15", 8080, "connect: connection refused"),
            ),
        ];
        case("NotReady", &answers, &[]);
        // It takes the connection, and hangs.
        let hangs = [
            both[0].clone(),
            both[1].clone(),
            (
                "n3/app.log",
                scrape("10.0.2.15", 8080, "net/http: TLS handshake timeout"),
            ),
        ];
        case("NotReady", &hangs, &[]);
        // It was silent long before it was not ready; the logs go on.
        let later = "I0514 12:00:00.000000       1 a.go:1] x\n";
        let long_before = [
            both[0].clone(),
            both[1].clone(),
            ("n3/app.log", String::from(later)),
        ];
        case("NotReady", &long_before, &[]);
        // Another machine's address.
        let other = [
            (a, scrape("10.0.2.16", 10250, "i/o timeout")),
            (b, scrape("10.0.2.16", 9100, "i/o timeout")),
        ];
        case("NotReady", &other, &[]);
    }
}
