//! Common paths: several things fail in the same way, and what they share is the way there.
//!
//! One kubelet that does not answer on port 10250 may be down. Two of them at the same time, on nodes that are Ready,
//! share a filter; so do two webhooks of different services, or two registries. The kinds, what tells two things apart,
//! and what speaks against it stand in the catalogue.

use std::collections::{BTreeMap, BTreeSet};

use super::path::Network;
use super::support::{first_quotes, some, span_of, value};
use super::{Task, support};
use crate::base::time::HOUR;
use crate::model::{Component, Entity, Fact, FactId, Keys};

/// What fails, by what tells two things apart.
type Failing<'a> = BTreeMap<String, Vec<(FactId, &'a Fact)>>;

pub(super) fn infer(task: &Task<'_>) -> Vec<Fact> {
    let (kinds, by) = (task.list("kinds"), task.list("by"));
    let least = task.amount("at_least").unwrap_or(2).max(2);
    let refuting = Refuting::of(task, &by);
    let mut failing: Failing<'_> = BTreeMap::new();
    for (id, fact) in task.facts(&kinds) {
        if let Some(thing) = by.iter().find_map(|k| fact.key(k))
            && !refuting.speaks_of(task, fact, thing)
        {
            failing
                .entry(thing.to_owned())
                .or_default()
                .push((id, fact));
        }
    }
    let all: Vec<(FactId, &Fact)> = failing.values().flatten().copied().collect();
    if failing.len() < least || !at_one_time(task, &all) {
        return Vec::new();
    }
    let mut keys = Keys::from([
        (
            String::from("things"),
            some(failing.keys().map(String::as_str), 6),
        ),
        (String::from("count"), failing.len().to_string()),
    ]);
    let ports: BTreeSet<&str> = all
        .iter()
        .filter_map(|(_, f)| {
            f.key("port")
                .or_else(|| f.key("destination")?.rsplit_once(':').map(|(_, p)| p))
        })
        .collect();
    if !ports.is_empty() {
        keys.insert(String::from("ports"), some(ports, 4));
    }
    if let Some(well) = others(task, &failing) {
        keys.insert(String::from("others"), well);
    }
    let shared = [
        ("zone", zone(task, &failing)),
        ("pods", range(task, &failing)),
    ];
    for (name, place) in shared {
        if let Some(place) = place {
            keys.insert(name.to_owned(), place);
        }
    }
    let firsts = failing.values().filter_map(|f| f.first().map(|(_, f)| *f));
    let evidence = first_quotes(firsts, 6);
    let from: Vec<FactId> = all.iter().map(|(id, _)| *id).take(8).collect();
    let Some(mut fact) = task.fact("common-path", keys, Component::UNKNOWN, evidence, from) else {
        return Vec::new();
    };
    fact.count = failing.len() as u64;
    fact.span = span_of(all.iter().map(|(_, f)| *f));
    vec![fact]
}

/// What is known to be down, or to refuse: then the way to it is not the reason.
struct Refuting<'a> {
    things: BTreeSet<&'a str>,
    nodes: BTreeSet<&'a str>,
}

impl<'a> Refuting<'a> {
    fn of(task: &'a Task<'_>, by: &[&str]) -> Self {
        let (mut things, mut nodes) = (BTreeSet::new(), BTreeSet::new());
        let unless = task.list("unless");
        for (_, fact) in task.facts(&unless).filter(|(_, f)| !f.span.closed) {
            things.extend(by.iter().filter_map(|k| fact.key(k)));
            nodes.extend(fact.key("node"));
        }
        Self { things, nodes }
    }

    /// Whether that is this thing, or the node that it is.
    fn speaks_of(&self, task: &Task<'_>, fact: &Fact, thing: &str) -> bool {
        let at = task
            .world
            .topology
            .walk(&Entity::new("ip", thing), &["node"]);
        self.things.contains(thing)
            || at.iter().any(|n| self.nodes.contains(n.name()))
            || fact.key("node").is_some_and(|n| self.nodes.contains(n))
    }
}

/// Whether the failures overlap, or lie near each other as far as their clocks can be trusted.
fn at_one_time(task: &Task<'_>, all: &[(FactId, &Fact)]) -> bool {
    // Things that failed further apart do not share a cause by that alone.
    let within = task.time("within").unwrap_or(2 * HOUR);
    let begins = all
        .iter()
        .filter_map(|(_, f)| f.span.first.or(f.span.last))
        .max_by_key(|t| t.at);
    let ends = all
        .iter()
        .filter_map(|(_, f)| f.span.last.or(f.span.first))
        .min_by_key(|t| t.at);
    match (begins, ends) {
        (Some(begin), Some(end)) => {
            let doubt = begin.slack(end);
            begin.at.since(end.at) <= within.saturating_add(doubt)
        }
        _ => true,
    }
}

/// The zone of the nodes that fail, when all of its nodes do and a node of another zone does not.
fn zone(task: &Task<'_>, failing: &Failing<'_>) -> Option<String> {
    let topology = &task.world.topology;
    let zones: BTreeSet<Entity> = failing
        .keys()
        .flat_map(|ip| topology.walk(&Entity::new("ip", ip), &["node", "zone"]))
        .collect();
    let (Some(zone), 1) = (zones.first(), zones.len()) else {
        return None;
    };
    let fails = |node: &str| {
        let ips = topology.walk(&Entity::new("node", node), &["ip"]);
        (!ips.is_empty()).then(|| ips.iter().any(|ip| failing.contains_key(ip.name())))
    };
    let all = support::zones(task);
    let nodes = all.get(zone)?;
    let whole = nodes.len() > 1 && nodes.iter().all(|n| fails(n) == Some(true));
    let elsewhere = all
        .iter()
        .filter(|(z, _)| **z != zone)
        .flat_map(|(_, nodes)| nodes)
        .any(|n| fails(n) == Some(false));
    // A thing of no known node may be anywhere.
    let known = failing
        .keys()
        .all(|ip| !topology.walk(&Entity::new("ip", ip), &["node"]).is_empty());
    (whole && elsewhere && known).then(|| zone.name().to_owned())
}

/// The range of pod addresses, and its node, behind which all failing things are, when one of their kind leads to
/// another node and does not fail.
fn range(task: &Task<'_>, failing: &Failing<'_>) -> Option<String> {
    let network = Network::of(task);
    let mut nodes = BTreeSet::new();
    for (thing, facts) in failing {
        let here = network.behind_thing(thing, facts.first()?.1);
        if here.len() != 1 {
            return None;
        }
        nodes.extend(here);
    }
    let (Some(node), 1) = (nodes.first(), nodes.len()) else {
        return None;
    };
    let ranges: BTreeMap<&str, &str> = task
        .states("node")
        .filter_map(|(_, l)| Some((l.entity.name(), value(l, "podCIDR")?)))
        .collect();
    let cidr = ranges.get(node.as_str())?;
    let topology = &task.world.topology;
    let failed: BTreeSet<&Entity> = failing.values().flatten().map(|(_, f)| &f.entity).collect();
    let kinds: BTreeSet<&str> = failed.iter().map(|e| e.kind()).collect();
    let contrast = kinds
        .into_iter()
        .flat_map(|kind| topology.all(kind))
        .filter(|e| !failed.contains(e))
        .map(|e| topology.walk(e, &["service"]))
        .filter(|services| !services.iter().any(|s| failing.contains_key(s.name())))
        .map(|services| network.behind_services(&services))
        .any(|there| !there.is_empty() && !there.contains(node));
    contrast.then(|| format!("{cidr}, {node}"))
}

/// Nodes that did not fail, when the failing things are addresses of nodes.
fn others(task: &Task<'_>, failing: &Failing<'_>) -> Option<String> {
    let topology = &task.world.topology;
    let known = failing
        .keys()
        .any(|ip| !topology.walk(&Entity::new("ip", ip), &["node"]).is_empty());
    if !known {
        return None;
    }
    let well: BTreeSet<&str> = task
        .states("node")
        .filter(|(_, l)| {
            let ips = topology.walk(&l.entity, &["ip"]);
            !ips.is_empty() && !ips.iter().any(|ip| failing.contains_key(ip.name()))
        })
        .map(|(_, l)| l.entity.name())
        .collect();
    (!well.is_empty()).then(|| some(well, 6))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{facts_of, shown};

    const KUBELETS: &str = "blocked-path/kubelet-port-blocked";
    const NODES: &str = "\
NAME   STATUS   ROLES    AGE   VERSION   INTERNAL-IP   EXTERNAL-IP   OS-IMAGE   KERNEL-VERSION   CONTAINER-RUNTIME
n1     Ready    <none>   9d    v1.29.3   192.0.2.41    <none>        Linux      5.10.215         containerd://1.7.11
n2     UNSET    <none>   9d    v1.29.3   192.0.2.57    <none>        Linux      5.10.215         containerd://1.7.11
n3     Ready    <none>   9d    v1.29.3   192.0.2.12    <none>        Linux      5.10.215         containerd://1.7.11
";

    fn scrape(minute: u32, ip: &str, error: &str) -> String {
        format!(
            "E0520 09:{minute:02}:30.227871       1 scraper.go:149] \"Failed to scrape node\" err=\"Get \\\"https://{ip}:10250/metrics/resource\\\": dial tcp {ip}:10250: {error}\" node=\"x\"\n"
        )
    }

    #[track_caller]
    fn case(status: &str, lines: &[String], expected: &[&str]) {
        let nodes = NODES.replace("UNSET   ", &format!("{status:<8}"));
        let files = [
            ("kubectl/get-nodes.txt", nodes.as_str()),
            ("kube-system/metrics-server.log", &lines.concat()),
        ];
        assert_eq!(
            shown(&facts_of(&files, KUBELETS), &["things", "others"]),
            expected,
            "{status} {lines:?}"
        );
    }

    #[test]
    fn a_zone_whose_nodes_are_ready() {
        let labels = |zones: [&str; 3]| {
            let mut text = String::from("NAME   STATUS   ROLES    AGE   VERSION   LABELS\n");
            for (node, zone) in ["n1", "n2", "n3"].iter().zip(zones) {
                text += &format!(
                    "{node}     Ready    <none>   9d    v1.29.3   kubernetes.io/hostname={node},topology.kubernetes.io/zone={zone}\n"
                );
            }
            text
        };
        let nodes = NODES.replace("UNSET   ", "Ready   ");
        let lines = [
            scrape(1, "192.0.2.41", "i/o timeout"),
            scrape(1, "192.0.2.57", "i/o timeout"),
            scrape(30, "192.0.2.41", "i/o timeout"),
            scrape(30, "192.0.2.57", "i/o timeout"),
        ]
        .concat();
        for (zones, zone) in [
            (["b", "b", "a"], "b"),
            // One that answers is of the same zone; the failing ones are of two.
            (["b", "b", "b"], "-"),
            (["b", "a", "a"], "-"),
        ] {
            let labels = labels(zones);
            let files = [
                ("kubectl/get-nodes.txt", nodes.as_str()),
                ("kubectl/get-nodes-labels.txt", labels.as_str()),
                ("kube-system/metrics-server.log", lines.as_str()),
            ];
            assert_eq!(
                shown(&facts_of(&files, KUBELETS), &["zone"]),
                [format!("path/control-plane-10250 zone={zone}")],
                "{zones:?}"
            );
        }
    }

    #[test]
    fn pods_of_one_range() {
        let node = |name: &str, cidr: &str| {
            format!(
                "- apiVersion: v1\n  kind: Node\n  metadata:\n    name: {name}\n  spec:\n    podCIDR: {cidr}\n"
            )
        };
        let nodes = format!(
            "apiVersion: v1\nkind: List\nitems:\n{}{}",
            node("n1", "10.244.1.0/24"),
            node("n2", "10.244.2.0/24")
        );
        let call = |webhook: &str, service: &str| {
            format!(
                "W0520 09:01:43.677616      60 dispatcher.go:134] Failed calling webhook, failing closed {webhook}: failed calling webhook \"{webhook}\": failed to call webhook: Post \"https://{service}.svc:443/validate?timeout=10s\": context deadline exceeded\n"
            )
        };
        let log = call("a.example.com", "a.shop") + &call("b.example.com", "b.cart");
        let webhook = |name: &str, namespace: &str, service: &str| {
            format!(
                "- apiVersion: admissionregistration.k8s.io/v1\n  kind: ValidatingWebhookConfiguration\n  metadata:\n    name: {name}\n  webhooks:\n  - name: {name}\n    failurePolicy: Fail\n    clientConfig:\n      service:\n        name: {service}\n        namespace: {namespace}\n"
            )
        };
        let webhooks = format!(
            "apiVersion: v1\nkind: List\nitems:\n{}{}{}",
            webhook("a.example.com", "shop", "a"),
            webhook("b.example.com", "cart", "b"),
            webhook("c.example.com", "work", "c")
        );
        for (second, third, pods) in [
            ("10.244.1.9", "10.244.2.11", "10.244.1.0/24, n1"),
            ("10.244.2.9", "10.244.2.11", "-"),
            // That nothing else fails says nothing while nothing else is there.
            ("10.244.1.9", "10.244.1.11", "-"),
            ("10.244.1.9", "<none>", "-"),
        ] {
            let third = format!("{third}{}", if third == "<none>" { "" } else { ":8443" });
            let endpoints = format!(
                "NAMESPACE   NAME   ENDPOINTS          AGE\nshop        a      10.244.1.7:8443    2d\ncart        b      {second}:8443    2d\nwork        c      {third}   2d\n"
            );
            let files = [
                ("nodes.yaml", nodes.as_str()),
                ("webhooks.yaml", webhooks.as_str()),
                ("kubectl/get-endpoints.txt", endpoints.as_str()),
                ("cp1/kube-apiserver.log", log.as_str()),
            ];
            assert_eq!(
                shown(
                    &facts_of(&files, "blocked-path/control-plane-to-pods"),
                    &["pods"]
                ),
                [format!("path/control-plane-pods pods={pods}")]
            );
        }
    }

    #[test]
    fn several_kubelets_that_drop_packets() {
        let (a, b) = ("192.0.2.41", "192.0.2.57");
        let both = [
            scrape(1, a, "i/o timeout"),
            scrape(1, b, "i/o timeout"),
            scrape(30, a, "i/o timeout"),
            scrape(30, b, "i/o timeout"),
        ];
        case(
            "Ready",
            &both,
            &["path/control-plane-10250 things=192.0.2.41, 192.0.2.57 others=n3"],
        );
        // One alone may be down; one that is known to be down does not count.
        case("Ready", &both[..1], &[]);
        case("NotReady", &both, &[]);
        // The second machine answers.
        let refused = [
            scrape(1, a, "i/o timeout"),
            scrape(1, b, "connect: connection refused"),
        ];
        case("Ready", &refused, &[]);
    }
}
