//! The way of a service: service, endpoints, the rules of a node, pods; the first hop that does not fit.
//!
//! `chain/KUBE-SEP-… to=DNAT service=shop/web:http address=10.244.1.9:8080` (or a real server of IPVS) against
//! `endpoints/shop/web ready=1 addresses=10.244.1.7`. Both are pictures of a moment: what was taken more than five
//! minutes apart is not compared, and a service whose endpoints the output cuts off is left out.

use std::collections::{BTreeMap, BTreeSet};

use super::Task;
use super::support::{machine, quote, value};
use crate::base::time::MINUTE;
use crate::model::{Component, Entity, Fact, Keys, Quote, SourceId, StateLine};

/// Pictures of two moments further apart than this are not compared.
const APART: i64 = 5 * MINUTE;

pub(super) fn infer(task: &Task<'_>) -> Vec<Fact> {
    match task.word("problem").unwrap_or("stale") {
        "target-port" => target_ports(task),
        problem => rules(task, problem),
    }
}

type Line<'a> = (SourceId, &'a StateLine);

/// What one node does with one service.
#[derive(Default)]
struct Rules<'a> {
    /// Address and port of each endpoint, and the rule.
    targets: BTreeMap<(&'a str, &'a str), Line<'a>>,
    /// Any rule of the service.
    any: Option<Line<'a>>,
}

/// The endpoints of a service as the API has them.
struct Endpoints<'a> {
    line: Line<'a>,
    addresses: BTreeSet<&'a str>,
}

fn rules(task: &Task<'_>, problem: &str) -> Vec<Fact> {
    let endpoints = endpoints(task);
    if endpoints.is_empty() {
        return Vec::new();
    }
    let pods: BTreeSet<&str> = task
        .states("pod")
        .filter_map(|(_, l)| value(l, "ip"))
        .collect();
    let mut facts = Vec::new();
    for ((source, node), services) in programmed(task) {
        for (service, rules) in &services {
            let Some(have) = endpoints
                .get(service)
                .filter(|e| near(task, source, e.line.0))
            else {
                continue;
            };
            if problem == "missing" {
                facts.extend(missing(task, node, service, rules, have));
            } else {
                facts.extend(stale(task, node, service, rules, have, &pods));
            }
        }
    }
    facts
}

/// Rules that lead to an address which is neither an endpoint nor a pod.
fn stale(
    task: &Task<'_>,
    node: Option<&str>,
    service: &str,
    rules: &Rules<'_>,
    have: &Endpoints<'_>,
    pods: &BTreeSet<&str>,
) -> Vec<Fact> {
    rules
        .targets
        .iter()
        .filter(|((ip, _), _)| !have.addresses.contains(ip) && !pods.contains(ip))
        .filter_map(|((ip, port), (source, line))| {
            let evidence = vec![
                quote(task.world, *source, line),
                quote(task.world, have.line.0, have.line.1),
            ];
            fact(task, node, service, ip, port, *source, evidence)
        })
        .collect()
}

/// Ready endpoints to which no rule leads.
fn missing(
    task: &Task<'_>,
    node: Option<&str>,
    service: &str,
    rules: &Rules<'_>,
    have: &Endpoints<'_>,
) -> Vec<Fact> {
    let Some((source, line)) = rules.any else {
        return Vec::new();
    };
    let known: BTreeSet<&str> = rules.targets.keys().map(|(ip, _)| *ip).collect();
    have.addresses
        .iter()
        .filter(|ip| !known.contains(**ip))
        .filter_map(|ip| {
            let evidence = vec![
                quote(task.world, have.line.0, have.line.1),
                quote(task.world, source, line),
            ];
            fact(task, node, service, ip, "", source, evidence)
        })
        .collect()
}

fn fact(
    task: &Task<'_>,
    node: Option<&str>,
    service: &str,
    ip: &str,
    port: &str,
    source: SourceId,
    evidence: Vec<Quote>,
) -> Option<Fact> {
    let (namespace, name) = service.split_once('/')?;
    let mut keys = machine(node);
    keys.insert(String::from("namespace"), namespace.to_owned());
    keys.insert(String::from("service"), name.to_owned());
    keys.insert(String::from("ip"), ip.to_owned());
    if !port.is_empty() {
        keys.insert(String::from("port"), port.to_owned());
    }
    let mut fact = task.fact("service-path", keys, Component::HOST, evidence, Vec::new())?;
    fact.span.last = task.collected(source);
    Some(fact)
}

/// The endpoints of each service, where an output shows all of them.
fn endpoints<'a>(task: &'a Task<'_>) -> BTreeMap<&'a str, Endpoints<'a>> {
    let mut all: BTreeMap<&str, Endpoints<'_>> = BTreeMap::new();
    for (id, line) in task.states("endpoints") {
        // A table prints three endpoints and how many more there are; lines about ports tell no address.
        if value(line, "ready").is_none() || line.quote.contains(" more...") {
            continue;
        }
        let ips = value(line, "addresses")
            .unwrap_or_default()
            .split(',')
            .filter(|a| !a.is_empty());
        let addresses: BTreeSet<&str> = ips.map(bare).collect();
        // A service has several slices.
        all.entry(line.entity.name())
            .and_modify(|e| e.addresses.extend(addresses.iter().copied()))
            .or_insert_with(|| Endpoints {
                line: (id, line),
                addresses,
            });
    }
    all
}

/// `10.244.1.7:8080` and `[2001:db8::1]:80` without their ports.
fn bare(address: &str) -> &str {
    let host = match address.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            if port.bytes().all(|b| b.is_ascii_digit()) {
                host
            } else {
                address
            }
        }
        _ => address,
    };
    host.trim_start_matches('[').trim_end_matches(']')
}

type Node<'a> = (SourceId, Option<&'a str>);

/// The rules of each node by service. A node whose output has rules at all has an (empty) entry for each service with
/// a cluster address: one that is missing there was never programmed.
fn programmed<'a>(task: &'a Task<'_>) -> BTreeMap<Node<'a>, BTreeMap<&'a str, Rules<'a>>> {
    let by_address: BTreeMap<&str, &str> = task
        .states("service")
        .filter_map(|(_, l)| Some((value(l, "clusterIP")?, l.entity.name())))
        .collect();
    let mut nodes: BTreeMap<Node<'_>, BTreeMap<&str, Rules<'_>>> = BTreeMap::new();
    let node = |id: SourceId| {
        (
            id,
            task.world.source(id).and_then(|s| s.scope.node.as_deref()),
        )
    };
    for (id, line) in task.states("chain") {
        let Some(service) = value(line, "service").map(|s| s.split(':').next().unwrap_or(s)) else {
            continue;
        };
        let rules = nodes
            .entry(node(id))
            .or_default()
            .entry(service)
            .or_default();
        rules.any = rules.any.or(Some((id, line)));
        if let Some((ip, port)) = value(line, "address").and_then(|a| a.rsplit_once(':')) {
            rules
                .targets
                .entry((ip.trim_start_matches('[').trim_end_matches(']'), port))
                .or_insert((id, line));
        }
    }
    for (id, line) in task.states("ipvs") {
        let address = line
            .entity
            .name()
            .rsplit_once('/')
            .map_or(line.entity.name(), |(a, _)| a);
        let Some(service) = by_address.get(bare(address)) else {
            continue;
        };
        let rules = nodes
            .entry(node(id))
            .or_default()
            .entry(service)
            .or_default();
        rules.any = rules.any.or(Some((id, line)));
        if let Some((ip, port)) = value(line, "server").and_then(|a| a.rsplit_once(':')) {
            rules
                .targets
                .entry((ip.trim_start_matches('[').trim_end_matches(']'), port))
                .or_insert((id, line));
        }
    }
    nodes
}

/// Whether two outputs may be of the same moment; where nothing tells when one was taken, it is believed to be.
fn near(task: &Task<'_>, a: SourceId, b: SourceId) -> bool {
    match (task.collected(a), task.collected(b)) {
        (Some(a), Some(b)) => a.at.since(b.at).abs() <= APART,
        _ => true,
    }
}

/// Services that send to a port which the pods behind them do not declare.
fn target_ports(task: &Task<'_>) -> Vec<Fact> {
    let mut declared: BTreeMap<&str, (BTreeSet<&str>, Line<'_>)> = BTreeMap::new();
    for (id, line) in task.states("pod") {
        if let Some(ports) = value(line, "ports") {
            let entry = declared
                .entry(line.entity.name())
                .or_insert_with(|| (BTreeSet::new(), (id, line)));
            entry.0.extend(ports.split(','));
        }
    }
    let mut facts = Vec::new();
    for (id, line) in task
        .states("service")
        .filter(|(_, l)| l.text.contains(" port "))
    {
        let Some(target) = value(line, "target") else {
            continue;
        };
        let pods = task.world.topology.walk(&line.entity, &["pod"]);
        let with_ports: Vec<(&Entity, &(BTreeSet<&str>, Line<'_>))> = pods
            .iter()
            .filter_map(|p| Some((p, declared.get(p.name())?)))
            .collect();
        let listens = |ports: &BTreeSet<&str>| {
            ports.iter().any(|p| {
                let (name, port) = p.split_once(':').unwrap_or(("", p));
                name == target || port.split('/').next() == Some(target)
            })
        };
        let Some((pod, (ports, (pod_source, pod_line)))) = with_ports.first() else {
            continue;
        };
        if with_ports.iter().any(|(_, (ports, _))| listens(ports)) {
            continue;
        }
        let Some((namespace, name)) = line.entity.name().split_once('/') else {
            continue;
        };
        let keys = Keys::from([
            (String::from("namespace"), namespace.to_owned()),
            (String::from("service"), name.to_owned()),
            (String::from("port"), target.to_owned()),
            (String::from("backend"), pod.name().to_owned()),
            (
                String::from("declared"),
                ports.iter().copied().collect::<Vec<_>>().join(","),
            ),
        ]);
        let evidence = vec![
            quote(task.world, id, line),
            quote(task.world, *pod_source, pod_line),
        ];
        if let Some(mut fact) = task.fact(
            "service-path",
            keys,
            Component::OBJECT,
            evidence,
            Vec::new(),
        ) {
            fact.span.last = task.collected(id);
            facts.push(fact);
        }
    }
    facts
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::super::testing::{facts_of, shown};
    use super::*;

    const ENDPOINTS: &str = "\
apiVersion: v1
kind: Endpoints
metadata:
  name: web
  namespace: shop
subsets:
- addresses:
  - ip: 10.244.1.7
  - ip: 10.244.2.8
  ports:
  - port: 8080
";

    fn rules(targets: &[&str]) -> String {
        let mut text = String::from(
            "*nat\n:KUBE-SERVICES - [0:0]\n-A KUBE-SERVICES -d 10.96.77.7/32 -p tcp -m comment --comment \"shop/web:http cluster IP\" -m tcp --dport 80 -j KUBE-SVC-A\n",
        );
        for (i, target) in targets.iter().enumerate() {
            let _ = writeln!(
                text,
                "-A KUBE-SVC-A -m comment --comment \"shop/web:http\" -j KUBE-SEP-{i}"
            );
            let _ = writeln!(
                text,
                "-A KUBE-SEP-{i} -p tcp -m comment --comment \"shop/web:http\" -m tcp -j DNAT --to-destination {target}"
            );
        }
        text
    }

    #[track_caller]
    fn case(targets: &[&str], stale: &[&str], missing: &[&str]) {
        let rules = rules(targets);
        let files = [
            ("kubectl/endpoints.yaml", ENDPOINTS),
            ("n1/iptables-save.txt", rules.as_str()),
        ];
        let of = |kind: &str| shown(&facts_of(&files, kind), &["ip"]);
        assert_eq!(of("service-path/stale-endpoint"), stale, "{targets:?}");
        assert_eq!(
            of("service-path/endpoint-not-programmed"),
            missing,
            "{targets:?}"
        );
    }

    #[test]
    fn rules_against_endpoints() {
        case(&["10.244.1.7:8080", "10.244.2.8:8080"], &[], &[]);
        case(
            &["10.244.1.7:8080"],
            &[],
            &["service/shop/web ip=10.244.2.8"],
        );
        case(
            &["10.244.1.7:8080", "10.244.2.8:8080", "10.244.3.9:8080"],
            &["service/shop/web ip=10.244.3.9"],
            &[],
        );
    }

    #[test]
    fn ports_that_nobody_declares() {
        let service = "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n  namespace: shop\nspec:\n  clusterIP: 10.96.77.7\n  selector:\n    app: web\n  ports:\n  - port: 80\n    targetPort: TARGET\n";
        let pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web-1\n  namespace: shop\n  labels:\n    app: web\nspec:\n  containers:\n  - name: web\n    image: web:1\n    ports:\n    - containerPort: 8080\n      name: http\nstatus:\n  phase: Running\n  podIP: 10.244.1.7\n";
        let run = |target: &str| {
            let text = format!("{}---\n{pod}", service.replace("TARGET", target));
            shown(
                &facts_of(
                    &[("kubectl/all.yaml", &text)],
                    "service-path/wrong-target-port",
                ),
                &["port", "declared"],
            )
        };
        assert_eq!(
            run("9090"),
            ["service/shop/web port=9090 declared=http:8080/TCP"]
        );
        assert_eq!(run("8080"), Vec::<String>::new());
        assert_eq!(run("http"), Vec::<String>::new());
    }

    #[test]
    fn addresses_without_ports() {
        assert_eq!(bare("10.0.0.1:80"), "10.0.0.1");
        assert_eq!(bare("10.0.0.1"), "10.0.0.1");
        assert_eq!(bare("[2001:db8::1]:80"), "2001:db8::1");
        assert_eq!(bare("2001:db8::1"), "2001:db8::1");
    }
}
