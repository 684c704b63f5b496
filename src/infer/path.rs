//! Blocked paths: what failing pairs of the reachability matrix have in common.
//!
//! `lookup db.shop on 10.96.0.10:53: read udp 10.244.1.7:40112->10.96.0.10:53: i/o timeout` says: the pod with address
//! 10.244.1.7 (node n1) got no answer from the DNS pods (node n2). When every pair of pods that fails lies on two
//! different nodes, and there are several, the way between nodes is what they share. One pair that fails within a node
//! refutes that; a destination that stands on both kinds of nodes proves nothing and is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::Task;
use super::matrix::{self, Edge};
use super::support::{first_quotes, some, span_of};
use crate::model::{Component, Entity, Fact, Keys};

/// What is known of the pod network.
pub(super) struct Network<'a> {
    task: &'a Task<'a>,
    /// podCIDR ranges and their nodes, by first address.
    ranges: BTreeMap<u128, (u128, &'a str)>,
    /// Addresses behind each service.
    endpoints: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

/// One failing pair whose two ends are pods of known nodes.
struct Pair<'e, 'a> {
    edge: &'e Edge<'a>,
    source: String,
    from: String,
    to: BTreeSet<String>,
}

pub(super) fn infer(task: &Task<'_>) -> Vec<Fact> {
    let classes = task.list("class");
    let least = task.amount("at_least").unwrap_or(2);
    let edges = matrix::edges(task);
    let network = Network::of(task);
    let pairs: Vec<Pair<'_, '_>> = edges
        .iter()
        .filter(|e| classes.contains(&e.class.name()))
        .filter_map(|e| network.pair(e))
        .collect();
    let (cross, within): (Vec<_>, Vec<_>) = pairs
        .iter()
        .filter(|p| p.to.len() == 1 || !p.to.contains(&p.from))
        .partition(|p| !p.to.contains(&p.from));
    let sources: BTreeSet<&str> = cross.iter().map(|p| p.source.as_str()).collect();
    let destinations: BTreeSet<&str> = cross.iter().map(|p| p.edge.destination).collect();
    if !within.is_empty() || sources.len().max(destinations.len()) < least {
        return Vec::new();
    }
    let from: BTreeSet<&str> = cross.iter().map(|p| p.from.as_str()).collect();
    let to: BTreeSet<&str> = cross
        .iter()
        .flat_map(|p| p.to.iter().map(String::as_str))
        .collect();
    let ports: BTreeSet<&str> = cross.iter().filter_map(|p| p.edge.port).collect();
    let protocols: BTreeSet<&str> = cross.iter().map(|p| p.edge.protocol).collect();
    let keys = Keys::from([
        (String::from("from"), some(from, 4)),
        (String::from("to"), some(to, 4)),
        (String::from("ports"), some(ports, 6)),
        (String::from("protocols"), some(protocols, 4)),
        (String::from("pairs"), cross.len().to_string()),
    ]);
    let evidence = first_quotes(cross.iter().map(|p| p.edge.fact), 6);
    let ids = cross.iter().map(|p| p.edge.id).take(8).collect();
    let Some(mut fact) = task.fact("blocked-path", keys, Component::UNKNOWN, evidence, ids) else {
        return Vec::new();
    };
    fact.count = cross
        .iter()
        .map(|p| p.edge.fact.count)
        .fold(0, u64::saturating_add);
    fact.span = span_of(cross.iter().map(|p| p.edge.fact));
    vec![fact]
}

impl<'a> Network<'a> {
    /// What the bundle tells of it.
    pub(super) fn of(task: &'a Task<'a>) -> Self {
        let mut ranges = BTreeMap::new();
        for (_, line) in task.states("node") {
            let cidrs = super::support::value(line, "podCIDR").unwrap_or_default();
            for (first, last) in cidrs.split(',').filter_map(range) {
                ranges.insert(first, (last, line.entity.name()));
            }
        }
        let mut endpoints: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (_, line) in task.states("endpoints") {
            let addresses = super::support::value(line, "addresses").unwrap_or_default();
            endpoints
                .entry(line.entity.name())
                .or_default()
                .extend(addresses.split(',').filter(|a| !a.is_empty()));
        }
        Self {
            task,
            ranges,
            endpoints,
        }
    }

    fn pair<'e>(&self, edge: &'e Edge<'a>) -> Option<Pair<'e, 'a>> {
        let (source, from) = edge
            .source
            .and_then(|ip| Some((ip.to_owned(), self.pod_node(ip)?)))
            .or_else(|| self.client(edge))?;
        let ip = edge.ip?;
        let to = match self.pod_node(ip) {
            Some(node) => BTreeSet::from([node]),
            None => self.behind(ip),
        };
        let to = if to.is_empty() && edge.port == Some("53") {
            self.dns_nodes(ip)
                .filter(|nodes| !nodes.contains(&from))
                .unwrap_or_default()
        } else {
            to
        };
        (!to.is_empty()).then_some(Pair {
            edge,
            source,
            from,
            to,
        })
    }

    /// The nodes of the cluster's DNS pods, where an address is that of its DNS service and what stands behind it is
    /// told by the names of the pods alone: all of them run and are ready.
    fn dns_nodes(&self, ip: &str) -> Option<BTreeSet<String>> {
        use super::support::value;
        let is_service = || {
            self.task.states("service").any(|(_, l)| {
                value(l, "clusterIP") == Some(ip)
                    && value(l, "ports").is_some_and(|p| p.contains("53/UDP"))
            })
        };
        // Who looks up names of the cluster asks its DNS service.
        let is_asked = || {
            self.task.facts(&["dns/lookup-timeout"]).any(|(_, f)| {
                f.key("server") == Some(ip) && f.key("name").is_some_and(|n| n.contains(".svc."))
            })
        };
        if !is_service() && !is_asked() {
            return None;
        }
        let (names, namespaces) = (self.task.list("dns"), self.task.list("dns-namespace"));
        let mut nodes = BTreeSet::new();
        for (_, line) in self.task.states("pod") {
            let (namespace, name) = line.entity.name().split_once('/')?;
            let is_dns = namespaces.contains(&namespace)
                && names.iter().any(|n| name.contains(n))
                && !name.contains("autoscaler");
            let Some(ready) = value(line, "ready").filter(|_| is_dns) else {
                continue;
            };
            let (have, want) = ready.split_once('/')?;
            if have != want || value(line, "status") != Some("Running") {
                return None;
            }
            nodes.insert(value(line, "node")?.to_owned());
        }
        Some(nodes)
    }

    /// The pod whose log has the error, and its node; not one on the host's network.
    fn client(&self, edge: &Edge<'_>) -> Option<(String, String)> {
        let name = edge.fact.key("pod")?;
        let pod = Entity::new("pod", name);
        let addresses = self.task.world.topology.walk(&pod, &["ip"]);
        if addresses
            .iter()
            .any(|ip| !self.task.world.topology.walk(ip, &["node"]).is_empty())
        {
            return None;
        }
        Some((name.to_owned(), self.one(&pod, &["node"])?))
    }

    /// The node on which the pod with this address runs.
    fn pod_node(&self, ip: &str) -> Option<String> {
        let entity = Entity::new("ip", ip);
        // The address of a node is shared by all pods on its network.
        if !self.task.world.topology.walk(&entity, &["node"]).is_empty() {
            return None;
        }
        self.one(&entity, &["pod", "node"]).or_else(|| {
            let at = number(ip.parse().ok()?);
            let (_, (last, node)) = self.ranges.range(..=at).next_back()?;
            (at <= *last).then(|| (*node).to_owned())
        })
    }

    /// The nodes of the pods behind the service with this address.
    fn behind(&self, ip: &str) -> BTreeSet<String> {
        let topology = &self.task.world.topology;
        let address = Entity::new("ip", ip);
        let nodes = topology.walk(&address, &["service", "pod", "node"]);
        let mut nodes: BTreeSet<String> = nodes.into_iter().map(|n| n.name().to_owned()).collect();
        for service in topology.walk(&address, &["service"]) {
            nodes.extend(self.endpoint_nodes(&service));
        }
        nodes
    }

    /// The nodes of the endpoints of a service.
    fn endpoint_nodes(&self, service: &Entity) -> impl Iterator<Item = String> {
        let behind = self.endpoints.get(service.name()).into_iter().flatten();
        behind.filter_map(move |ip| self.pod_node(ip))
    }

    /// The nodes of the pods that a failing thing leads to: a pod's address, a webhook, the name of a service.
    pub(super) fn behind_thing(&self, thing: &str, fact: &Fact) -> BTreeSet<String> {
        let topology = &self.task.world.topology;
        let mut services = topology.walk(&fact.entity, &["service"]);
        let host = fact.key("destination").unwrap_or(thing);
        let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
        if let Some((name, rest)) = host.split_once('.')
            && let Some((namespace, _)) = rest.split_once(".svc")
        {
            services.insert(Entity::new("service", &format!("{namespace}/{name}")));
        }
        let mut nodes = self.behind_services(&services);
        nodes.extend(self.pod_node(host));
        nodes
    }

    /// The nodes of the pods behind some services.
    pub(super) fn behind_services(&self, services: &BTreeSet<Entity>) -> BTreeSet<String> {
        let topology = &self.task.world.topology;
        let mut nodes = BTreeSet::new();
        for service in services {
            let pods = topology.walk(service, &["pod", "node"]);
            nodes.extend(pods.into_iter().map(|n| n.name().to_owned()));
            nodes.extend(self.endpoint_nodes(service));
        }
        nodes
    }

    fn one(&self, start: &Entity, path: &[&str]) -> Option<String> {
        let mut ends = self.task.world.topology.walk(start, path).into_iter();
        match (ends.next(), ends.next()) {
            (Some(end), None) => Some(end.name().to_owned()),
            _ => None,
        }
    }
}

/// An address as a number; IPv4 lies in its mapped range, so that the two families never meet.
fn number(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(v4) => u128::from(v4.to_ipv6_mapped()),
        IpAddr::V6(v6) => u128::from(v6),
    }
}

/// First and last address of `10.244.1.0/24`.
fn range(cidr: &str) -> Option<(u128, u128)> {
    let (ip, length) = cidr.split_once('/')?;
    let ip: IpAddr = ip.parse().ok()?;
    let length: u32 = length.parse().ok()?;
    let width: u32 = if ip.is_ipv4() { 32 } else { 128 };
    let free = width.checked_sub(length)?;
    let mask = if free >= 128 {
        u128::MAX
    } else {
        (1u128 << free) - 1
    };
    let first = number(ip) & !mask;
    Some((first, first | mask))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{facts_of, shown};
    use super::*;

    const PODS: &str = "\
NAMESPACE     NAME        READY   STATUS    RESTARTS   AGE   IP           NODE   NOMINATED NODE   READINESS GATES
kube-system   coredns-1   1/1     Running   0          9d    10.244.2.5   n2     <none>           <none>
shop          web-1       1/1     Running   0          9d    10.244.1.7   n1     <none>           <none>
shop          cart-1      1/1     Running   0          9d    10.244.3.9   n3     <none>           <none>
shop          db-0        1/1     Running   0          9d    10.244.2.8   n2     <none>           <none>
";

    #[track_caller]
    fn case(lines: &[&str], expected: &[&str]) {
        let log: String = lines
            .iter()
            .map(|l| format!("2026-11-20T16:51:05Z error {l}\n"))
            .collect::<Vec<_>>()
            .concat();
        let files = [
            ("kubectl/get-pods-A-o-wide.txt", PODS),
            ("pods/shop_web-1/app.log", log.as_str()),
        ];
        assert_eq!(
            shown(
                &facts_of(&files, "blocked-path/cross-node-pods"),
                &["from", "to", "ports"]
            ),
            expected,
            "{lines:?}"
        );
    }

    const DNS_1: &str = "lookup a.example.com on 10.244.2.5:53: read udp 10.244.1.7:40112->10.244.2.5:53: i/o timeout";
    const DNS_3: &str = "lookup a.example.com on 10.244.2.5:53: read udp 10.244.3.9:40112->10.244.2.5:53: i/o timeout";
    const DB: &str = "lookup b.example.com on 10.244.2.5:53: read udp 10.244.2.8:40112->10.244.2.5:53: i/o timeout";

    #[test]
    fn all_failing_pairs_are_on_two_nodes() {
        case(
            &[DNS_1, DNS_3],
            &["cluster/pod-network from=n1, n3 to=n2 ports=53"],
        );
        case(&[DNS_1], &[]); // one pair may be one broken pod
        case(&[DNS_1, DNS_3, DB], &[]); // the same fails within a node: the DNS pod is down
        case(
            &["lookup a.example.com on 10.244.2.5:53: no such host"],
            &[],
        );
    }

    #[test]
    fn the_dns_service_whose_pods_only_their_names_tell() {
        let asked = |client: &str| {
            format!(
                "lookup db.shop.svc.cluster.local on 10.96.0.10:53: read udp {client}:40112->10.96.0.10:53: i/o timeout"
            )
        };
        let (n1, n2, n3) = (
            asked("10.244.1.7"),
            asked("10.244.2.8"),
            asked("10.244.3.9"),
        );
        case(
            &[&n1, &n3],
            &["cluster/pod-network from=n1, n3 to=n2 ports=53"],
        );
        // A client beside the DNS pod says nothing: its question may have gone to another one.
        case(&[&n1, &n2], &[]);
        // Somebody else's server.
        let other = n1.replace(".svc.cluster.local", ".example.com");
        case(
            &[&other, &n3.replace(".svc.cluster.local", ".example.com")],
            &[],
        );
    }

    #[test]
    fn ranges() {
        let (first, last) = range("10.244.1.0/24").unwrap();
        assert!((first..=last).contains(&number("10.244.1.7".parse().unwrap())));
        assert!(!(first..=last).contains(&number("10.244.2.7".parse().unwrap())));
        assert_eq!(range("x/24"), None);
        assert_eq!(range("10.0.0.0/99"), None);
    }
}
