//! Who could not reach whom, how: connection errors of all logs, grouped by destination.
//!
//! Built on the [matrix](super::matrix). One fact for each destination and class: how many clients, which, when.

use std::collections::{BTreeMap, BTreeSet};

use super::Task;
use super::matrix::{self, Edge};
use super::support::{first_quotes, some, span_of};
use crate::model::{Component, Fact, Keys};

/// The errors of `[infer] class`, grouped by destination.
pub(super) fn infer(task: &Task<'_>) -> Vec<Fact> {
    let class = task.word("class").unwrap_or("timeout");
    let edges = matrix::edges(task);
    let mut destinations: BTreeMap<&str, Vec<&Edge<'_>>> = BTreeMap::new();
    for edge in edges.iter().filter(|e| e.class.name() == class) {
        destinations.entry(edge.destination).or_default().push(edge);
    }
    destinations
        .into_iter()
        .filter_map(|(destination, edges)| fact(task, destination, &edges))
        .collect()
}

fn fact(task: &Task<'_>, destination: &str, edges: &[&Edge<'_>]) -> Option<Fact> {
    let clients: BTreeSet<String> = edges.iter().map(|e| e.client()).collect();
    let hosts: BTreeSet<&str> = edges.iter().filter_map(|e| e.fact.key("host")).collect();
    let mut keys = Keys::from([(String::from("destination"), destination.to_owned())]);
    let mut put = |k: &str, v: Option<&str>| {
        if let Some(v) = v.filter(|v| !v.is_empty()) {
            keys.insert(k.to_owned(), v.to_owned());
        }
    };
    let first = edges.first()?;
    put("ip", first.ip);
    put("port", first.port);
    put("protocol", Some(first.protocol));
    put("from", Some(&some(clients.iter().map(String::as_str), 6)));
    put("clients", Some(&clients.len().to_string()));
    put("nodes", Some(&some(hosts.iter().copied(), 6)));
    // A single client tells also which machine the way begins at.
    if let [host] = hosts.iter().copied().collect::<Vec<_>>().as_slice() {
        put("host", Some(host));
    }
    let evidence = first_quotes(edges.iter().map(|e| e.fact), 4);
    let mut fact = task.fact(
        "reachability",
        keys,
        Component::UNKNOWN,
        evidence,
        Vec::new(),
    )?;
    fact.count = edges
        .iter()
        .map(|e| e.fact.count)
        .fold(0, u64::saturating_add);
    fact.span = span_of(edges.iter().map(|e| e.fact));
    Some(fact)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{facts_of, shown};

    const KUBELET: &str = "\
E1120 16:51:05.000000    1201 reflector.go:1] failed to list *v1.Node: Get \"https://192.0.2.10:6443/api\": dial tcp 192.0.2.10:6443: connect: connection refused
E1120 16:51:06.000000    1201 reflector.go:1] failed to list *v1.Pod: Get \"https://192.0.2.10:6443/api\": dial tcp 192.0.2.10:6443: connect: connection refused
E1120 16:51:07.000000    1201 remote.go:1] Get https://registry.example.com/v2/: dial tcp: lookup registry.example.com on 192.0.2.53:53: no such host
";
    const SCHEDULER: &str = "\
E1120 16:51:05.000000       1 reflector.go:1] failed to list *v1.Node: Get \"https://192.0.2.10:6443/api\": dial tcp 192.0.2.10:6443: i/o timeout
";

    #[track_caller]
    fn case(kind: &str, expected: &[&str]) {
        let files = [
            ("n1/kubelet.log", KUBELET),
            ("cp1/kube-scheduler.log", SCHEDULER),
        ];
        assert_eq!(
            shown(&facts_of(&files, kind), &["ip", "clients"]),
            expected,
            "{kind}"
        );
    }

    #[test]
    fn one_fact_for_each_destination_and_class() {
        case(
            "reachability/destination-refused",
            &["destination/192.0.2.10:6443 ip=192.0.2.10 clients=1"],
        );
        case(
            "reachability/destination-timeout",
            &["destination/192.0.2.10:6443 ip=192.0.2.10 clients=1"],
        );
        case(
            "reachability/destination-unresolved",
            &["destination/registry.example.com ip=- clients=1"],
        );
        case("reachability/destination-tls-failed", &[]);
        case("reachability/destination-no-route", &[]);
    }

    #[test]
    fn raw_material_does_not_stay() {
        assert!(
            facts_of(
                &[("n1/kubelet.log", KUBELET)],
                "reachability/connection-error"
            )
            .is_empty()
        );
    }
}
