//! The way of a service: service, endpoints, the rules of a node, pods; the first hop that does not fit.
//!
//! `chain/KUBE-SERVICES to=KUBE-SVC-… service=shop/web:http` → `chain/KUBE-SVC-… to=KUBE-SEP-…` → `chain/KUBE-SEP-… to=DNAT
//! address=10.244.1.9:8080` (or a real server of IPVS) against `endpoints/shop/web ready=1 addresses=10.244.1.7`. The
//! chains are walked: old versions name the service in the first rule only. Both are pictures of a moment: what was
//! taken more than five minutes apart is not compared, and a service whose endpoints the output cuts off is left out.

use std::collections::{BTreeMap, BTreeSet};

use super::Task;
use super::support::{machine, quote, some, value};
use crate::base::time::MINUTE;
use crate::model::{Component, Entity, Fact, Keys, Quote, SourceId, StateLine};

/// Pictures of two moments further apart than this are not compared.
const APART: i64 = 5 * MINUTE;
/// Chains in which the way of every service begins.
const ENTRIES: [&str; 3] = ["KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-EXTERNAL-SERVICES"];

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
    /// Endpoints that only drain: existing connections are still served.
    draining: BTreeSet<&'a str>,
    /// Any rule of the service.
    any: Option<Line<'a>>,
    /// Only a chain for the node's own endpoints.
    local: bool,
}

/// What one output says of all services.
#[derive(Default)]
struct Table<'a> {
    services: BTreeMap<&'a str, Rules<'a>>,
    /// The output goes to the end: what is not there is not programmed.
    complete: bool,
}

/// The endpoints of a service as the API has them.
struct Endpoints<'a> {
    line: Line<'a>,
    addresses: BTreeSet<&'a str>,
}

/// One hop that does not fit: service, address, port, the proof.
struct Broken<'a> {
    service: &'a str,
    ip: &'a str,
    port: &'a str,
    evidence: Vec<Quote>,
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
    for ((source, node), table) in programmed(task) {
        let (mut stale, mut missing) = (Vec::new(), Vec::new());
        for (service, rules) in &table.services {
            if let Some(have) = endpoints
                .get(service)
                .filter(|e| near(task, source, e.line.0))
            {
                stale.extend(stale_rules(task, service, rules, have, &pods));
                missing.extend(missing_rules(task, service, rules, have));
            }
        }
        // Endpoints of other zones are left out on purpose (topology hints): that some are missing counts only where
        // none is left, or where the node is behind in other ways as well.
        if stale.is_empty() {
            missing.retain(|b| {
                table
                    .services
                    .get(b.service)
                    .is_none_or(|r| r.targets.is_empty())
            });
        }
        let without = unprogrammed(task, source, &table, &endpoints);
        match problem {
            "stale" => facts.extend(
                stale
                    .into_iter()
                    .filter_map(|b| fact(task, node, source, b)),
            ),
            "missing" => {
                facts.extend(
                    missing
                        .into_iter()
                        .filter_map(|b| fact(task, node, source, b)),
                );
            }
            "no-rule" => {
                facts.extend(
                    without
                        .into_iter()
                        .filter_map(|b| fact(task, node, source, b)),
                );
            }
            _ => facts.extend(behind(task, node, source, [&stale, &missing, &without])),
        }
    }
    facts
}

/// All that does not fit on one node, as one fact.
fn behind(
    task: &Task<'_>,
    node: Option<&str>,
    source: SourceId,
    [stale, missing, without]: [&[Broken<'_>]; 3],
) -> Option<Fact> {
    let all = || stale.iter().chain(missing).chain(without);
    let services: BTreeSet<&str> = all().map(|b| b.service).collect();
    if services.is_empty() {
        return None;
    }
    let mut keys = machine(node);
    keys.insert(String::from("services"), some(services, 4));
    keys.insert(String::from("stale"), stale.len().to_string());
    let lacking = missing.len().saturating_add(without.len());
    keys.insert(String::from("missing"), lacking.to_string());
    let evidence = all().flat_map(|b| b.evidence.iter().cloned()).take(6);
    let mut fact = task.fact(
        "service-path",
        keys,
        Component::HOST,
        evidence.collect(),
        Vec::new(),
    )?;
    fact.span.last = task.collected(source);
    Some(fact)
}

/// Rules that lead to an address which is neither an endpoint nor a pod.
fn stale_rules<'a>(
    task: &Task<'_>,
    service: &'a str,
    rules: &Rules<'a>,
    have: &Endpoints<'_>,
    pods: &BTreeSet<&str>,
) -> Vec<Broken<'a>> {
    rules
        .targets
        .iter()
        .filter(|((ip, _), _)| !have.addresses.contains(ip) && !pods.contains(ip))
        .filter(|((ip, _), _)| !rules.draining.contains(ip))
        .map(|((ip, port), (source, line))| Broken {
            service,
            ip,
            port,
            evidence: vec![
                quote(task.world, *source, line),
                quote(task.world, have.line.0, have.line.1),
            ],
        })
        .collect()
}

/// Ready endpoints to which no rule leads.
fn missing_rules<'a>(
    task: &Task<'_>,
    service: &'a str,
    rules: &Rules<'a>,
    have: &Endpoints<'a>,
) -> Vec<Broken<'a>> {
    let Some((source, line)) = rules.any.filter(|_| !rules.local) else {
        return Vec::new();
    };
    let known: BTreeSet<&str> = rules.targets.keys().map(|(ip, _)| *ip).collect();
    let family = value(line, "destination")
        .or(known.first().copied())
        .map(|ip| ip.contains(':'));
    have.addresses
        .iter()
        .filter(|ip| !known.contains(**ip))
        .filter(|ip| family.is_none_or(|six| six == ip.contains(':')))
        .map(|ip| Broken {
            service,
            ip,
            port: "",
            evidence: vec![
                quote(task.world, have.line.0, have.line.1),
                quote(task.world, source, line),
            ],
        })
        .collect()
}

/// Services with an address and ready endpoints that a complete list of rules does not name.
fn unprogrammed<'a>(
    task: &'a Task<'_>,
    source: SourceId,
    table: &Table<'_>,
    endpoints: &BTreeMap<&str, Endpoints<'_>>,
) -> Vec<Broken<'a>> {
    // A node with few rules of kube-proxy at all is served by another program.
    if !table.complete || table.services.len() < 2 {
        return Vec::new();
    }
    let mut seen = BTreeSet::new();
    task.states("service")
        .filter(|(_, l)| !table.services.contains_key(l.entity.name()))
        .filter_map(|(id, line)| {
            let ip =
                value(line, "clusterIP").filter(|ip| ip.parse::<std::net::Ipv4Addr>().is_ok())?;
            let have = endpoints.get(line.entity.name())?;
            let comparable = near(task, source, id) && near(task, source, have.line.0);
            if !comparable || have.addresses.is_empty() || !seen.insert(line.entity.name()) {
                return None;
            }
            let evidence = vec![
                quote(task.world, id, line),
                quote(task.world, have.line.0, have.line.1),
            ];
            Some(Broken {
                service: line.entity.name(),
                ip,
                port: "",
                evidence,
            })
        })
        .collect()
}

fn fact(task: &Task<'_>, node: Option<&str>, source: SourceId, broken: Broken<'_>) -> Option<Fact> {
    let (namespace, name) = broken.service.split_once('/')?;
    let mut keys = machine(node);
    keys.insert(String::from("namespace"), namespace.to_owned());
    keys.insert(String::from("service"), name.to_owned());
    keys.insert(String::from("ip"), broken.ip.to_owned());
    if !broken.port.is_empty() {
        keys.insert(String::from("port"), broken.port.to_owned());
    }
    let mut fact = task.fact(
        "service-path",
        keys,
        Component::HOST,
        broken.evidence,
        Vec::new(),
    )?;
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

/// The rules of each output by service.
fn programmed<'a>(task: &'a Task<'_>) -> BTreeMap<Node<'a>, Table<'a>> {
    let by_address: BTreeMap<&str, &str> = task
        .states("service")
        .filter_map(|(_, l)| Some((value(l, "clusterIP")?, l.entity.name())))
        .collect();
    let mut chains: BTreeMap<Node<'_>, Chains<'_>> = BTreeMap::new();
    let node = |id: SourceId| {
        (
            id,
            task.world.source(id).and_then(|s| s.scope.node.as_deref()),
        )
    };
    for (id, line) in task.states("chain") {
        let chains = chains.entry(node(id)).or_default();
        chains
            .entry(line.entity.name())
            .or_default()
            .push((id, line));
    }
    let mut tables: BTreeMap<Node<'_>, Table<'_>> = chains
        .into_iter()
        .map(|(node, chains)| (node, walked(&chains, &by_address)))
        .collect();
    for (id, _) in task.states("rules") {
        if let Some(table) = tables.get_mut(&node(id)) {
            table.complete = true;
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
        let table = tables.entry(node(id)).or_default();
        let rules = table.services.entry(service).or_default();
        rules.any = rules.any.or(Some((id, line)));
        if let Some((ip, port)) = value(line, "server").and_then(|a| a.rsplit_once(':')) {
            let ip = ip.trim_start_matches('[').trim_end_matches(']');
            rules.targets.entry((ip, port)).or_insert((id, line));
            if value(line, "weight") == Some("0") {
                rules.draining.insert(ip);
            }
        }
    }
    tables
}

/// The rules of one output by chain.
type Chains<'a> = BTreeMap<&'a str, Vec<Line<'a>>>;

/// Walks the chains from where every service begins. A chain that no rule leads to counts for nothing: kube-proxy
/// clears such chains later.
fn walked<'a>(chains: &Chains<'a>, by_address: &BTreeMap<&'a str, &'a str>) -> Table<'a> {
    let mut table = Table::default();
    let named = |line: &'a StateLine| {
        value(line, "service")
            .map(|s| s.split(':').next().unwrap_or(s))
            .or_else(|| by_address.get(value(line, "destination")?).copied())
    };
    let mut ways: Vec<(&str, &str)> = Vec::new();
    for entry in ENTRIES.iter().filter_map(|e| chains.get(e)).flatten() {
        let (Some(service), Some(to)) = (named(entry.1), value(entry.1, "to")) else {
            continue;
        };
        let rules = table.services.entry(service).or_default();
        rules.any = rules.any.or(Some(*entry));
        ways.push((service, to));
    }
    // Where the output begins later, the comments of the services' own chains have to do.
    if ways.is_empty() {
        for (chain, lines) in chains.iter().filter(|(c, _)| !ENTRIES.contains(c)) {
            let dnat = |l: &&Line<'_>| value(l.1, "to") == Some("DNAT");
            if lines.iter().any(|l| dnat(&l)) {
                continue;
            }
            if let Some((line, service)) = lines.iter().find_map(|l| Some((l, named(l.1)?))) {
                let rules = table.services.entry(service).or_default();
                rules.any = rules.any.or(Some(*line));
                ways.push((service, chain));
            }
        }
    }
    let mut been: BTreeSet<(&str, &str)> = BTreeSet::new();
    let mut whole: BTreeSet<&str> = BTreeSet::new();
    let mut local: BTreeSet<&str> = BTreeSet::new();
    while let Some((service, chain)) = ways.pop() {
        if !been.insert((service, chain)) {
            continue;
        }
        if chain.starts_with("KUBE-SVC-") || chain.starts_with("service-") {
            whole.insert(service);
        } else if ["KUBE-SVL-", "KUBE-XLB-", "internal-"]
            .iter()
            .any(|l| chain.starts_with(l))
        {
            local.insert(service);
        }
        for line in chains.get(chain).into_iter().flatten() {
            if let Some(to) = value(line.1, "to").filter(|to| *to != "DNAT") {
                ways.push((service, to));
            }
            if let (Some((ip, port)), Some(rules)) = (
                value(line.1, "address").and_then(|a| a.rsplit_once(':')),
                table.services.get_mut(service),
            ) {
                let ip = ip.trim_start_matches('[').trim_end_matches(']');
                rules.targets.entry((ip, port)).or_insert(*line);
            }
        }
    }
    for service in local.difference(&whole) {
        if let Some(rules) = table.services.get_mut(service) {
            rules.local = true;
        }
    }
    table
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
mod tests;
