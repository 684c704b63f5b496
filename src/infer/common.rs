//! Common paths: several things fail in the same way, and what they share is the way there.
//!
//! One kubelet that does not answer on port 10250 may be down. Two of them at the same time, on nodes that are Ready,
//! share a filter; so do two webhooks of different services, or two registries. The kinds, what tells two things apart,
//! and what speaks against it stand in the catalogue.

use std::collections::{BTreeMap, BTreeSet};

use super::Task;
use super::support::{some, span_of};
use crate::base::time::HOUR;
use crate::model::{Component, Entity, Fact, FactId, Keys, Quote};

/// Things that failed further apart than this do not share a cause by that alone.
const APART: i64 = 2 * HOUR;

pub(super) fn infer(task: &Task<'_>) -> Vec<Fact> {
    let (kinds, by) = (task.list("kinds"), task.list("by"));
    let least = task
        .number("at_least")
        .and_then(|n| usize::try_from(n).ok())
        .unwrap_or(2)
        .max(2);
    let mut failing: BTreeMap<String, Vec<(FactId, &Fact)>> = BTreeMap::new();
    for (id, fact) in task.facts(&kinds) {
        if let Some(thing) = by.iter().find_map(|k| fact.key(k))
            && !refuted(task, fact, thing)
        {
            failing
                .entry(thing.to_owned())
                .or_default()
                .push((id, fact));
        }
    }
    let all: Vec<(FactId, &Fact)> = failing.values().flatten().copied().collect();
    if failing.len() < least || !at_one_time(&all) {
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
    let evidence: Vec<Quote> = failing
        .values()
        .filter_map(|f| f.first()?.1.evidence().first().cloned())
        .take(6)
        .collect();
    let from: Vec<FactId> = all.iter().map(|(id, _)| *id).take(8).collect();
    let Some(mut fact) = task.fact("common-path", keys, Component::UNKNOWN, evidence, from) else {
        return Vec::new();
    };
    fact.count = failing.len() as u64;
    fact.span = span_of(all.iter().map(|(_, f)| *f));
    vec![fact]
}

/// Whether something says that this thing itself is down, or refuses: then the way to it is not the reason.
fn refuted(task: &Task<'_>, fact: &Fact, thing: &str) -> bool {
    let unless = task.list("unless");
    let topology = &task.world.topology;
    let nodes: BTreeSet<Entity> = topology.walk(&Entity::new("ip", thing), &["node"]);
    task.facts(&unless).any(|(_, f)| {
        let same = task.list("by").iter().any(|k| f.key(k) == Some(thing));
        let host = f
            .key("node")
            .is_some_and(|n| nodes.iter().any(|e| e.name() == n) || fact.key("node") == Some(n));
        (same || host) && !f.span.closed
    })
}

/// Whether the failures overlap, or lie near each other as far as their clocks can be trusted.
fn at_one_time(all: &[(FactId, &Fact)]) -> bool {
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
            begin.at.since(end.at) <= APART.saturating_add(doubt)
        }
        _ => true,
    }
}

/// Nodes that did not fail, when the failing things are addresses of nodes.
fn others(task: &Task<'_>, failing: &BTreeMap<String, Vec<(FactId, &Fact)>>) -> Option<String> {
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
