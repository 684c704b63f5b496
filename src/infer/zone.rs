//! A zone that is gone: every node of it fails in the same way at the same time, and no node of another zone does.
//!
//! Zones are labels of nodes (`topology.kubernetes.io/zone`). One node of a zone is one node; all of them, and only
//! they, share the zone's power, network or uplink.

use std::collections::{BTreeMap, BTreeSet};

use super::Task;
use super::support::{first_quotes, some, span_of, zones};
use crate::base::time::{Instant, MINUTE};
use crate::model::{Entity, Fact, FactId, Keys};

pub(super) fn infer(task: &Task<'_>) -> Vec<Fact> {
    let within = task.time("within").unwrap_or(10 * MINUTE);
    let zones = zones(task);
    if zones.len() < 2 {
        return Vec::new();
    }
    let counted = task.list("told");
    let mut failing: BTreeMap<&str, Vec<(FactId, &Fact)>> = BTreeMap::new();
    for (id, fact) in task.facts(&task.list("kinds")) {
        if let Some(node) = fact.key("node") {
            failing.entry(node).or_default().push((id, fact));
        }
    }
    let whole: Vec<(&Entity, &BTreeSet<&str>)> = zones
        .iter()
        .filter(|(_, nodes)| nodes.len() >= 2 && nodes.iter().all(|n| failing.contains_key(n)))
        .map(|(zone, nodes)| (*zone, nodes))
        .collect();
    let inside: BTreeSet<&str> = whole.iter().flat_map(|(_, n)| n.iter().copied()).collect();
    // What fails elsewhere as well is not the zone's; and when all zones fail, it is something all of them need.
    if whole.len() != 1 || failing.keys().any(|n| !inside.contains(n)) {
        return Vec::new();
    }
    whole
        .into_iter()
        .filter_map(|(zone, nodes)| {
            let all: Vec<(FactId, &Fact)> = nodes
                .iter()
                .filter_map(|n| failing.get(n))
                .flatten()
                .copied()
                .collect();
            let told = task.facts(&counted).find(|(_, f)| f.entity == *zone);
            let facts = together(&all, nodes.len(), within)
                .or_else(|| told.map(|told| [told].into_iter().chain(all).collect()))?;
            let keys = Keys::from([
                (String::from("zone"), zone.name().to_owned()),
                (String::from("nodes"), nodes.len().to_string()),
                (String::from("names"), some(nodes.iter().copied(), 6)),
            ]);
            let evidence = first_quotes(facts.iter().map(|(_, f)| *f), 6);
            let from = facts.iter().map(|(id, _)| *id).take(8).collect();
            let component = facts.first()?.1.component.clone();
            let mut fact = task.fact("same-zone", keys, component, evidence, from)?;
            fact.span = span_of(facts.iter().map(|(_, f)| *f));
            Some(fact)
        })
        .collect()
}

/// The facts that began within this time, when there is one of every node among them.
fn together<'a>(
    all: &[(FactId, &'a Fact)],
    nodes: usize,
    within: i64,
) -> Option<Vec<(FactId, &'a Fact)>> {
    let began = |f: &Fact| f.span.first.map(|t| t.at);
    let mut starts: Vec<Instant> = all.iter().filter_map(|(_, f)| began(f)).collect();
    starts.sort_unstable();
    starts.into_iter().find_map(|start| {
        let here: Vec<(FactId, &Fact)> = all
            .iter()
            .filter(|(_, f)| began(f).is_some_and(|at| (0..=within).contains(&at.since(start))))
            .copied()
            .collect();
        let of: BTreeSet<&str> = here.iter().filter_map(|(_, f)| f.key("node")).collect();
        (of.len() == nodes).then_some(here)
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{facts_of, shown};

    const KIND: &str = "node/zone-lost";

    /// Name, zone, since when it is not ready (minutes after ten).
    type Row<'a> = (&'a str, &'a str, Option<u32>);

    fn nodes(rows: &[Row<'_>]) -> String {
        let head = String::from("apiVersion: v1\nkind: List\nitems:\n");
        rows.iter().fold(head, |text, (name, zone, since)| {
            let (status, since) = since.map_or(("True", 0), |minute| ("Unknown", minute));
            text + &format!(
                "- apiVersion: v1\n  kind: Node\n  metadata:\n    name: {name}\n    labels:\n      topology.kubernetes.io/zone: {zone}\n  status:\n    conditions:\n    - lastTransitionTime: \"2026-05-14T10:{since:02}:00Z\"\n      status: \"{status}\"\n      type: Ready\n"
            )
        })
    }

    #[track_caller]
    fn case(rows: &[Row<'_>], expected: &[&str]) {
        let nodes = nodes(rows);
        let facts = facts_of(&[("kubectl/nodes.yaml", &nodes)], KIND);
        assert_eq!(shown(&facts, &["nodes"]), expected, "{nodes}");
    }

    #[test]
    fn all_nodes_of_one_zone_and_no_other() {
        let (up, down) = (None, Some(2));
        case(
            &[
                ("a1", "za", up),
                ("a2", "za", up),
                ("b1", "zb", down),
                ("b2", "zb", Some(5)),
            ],
            &["zone/zb nodes=2"],
        );
        // One after the other.
        case(
            &[("a1", "za", up), ("b1", "zb", down), ("b2", "zb", Some(50))],
            &[],
        );
        // One of them still reports.
        case(
            &[("a1", "za", up), ("b1", "zb", down), ("b2", "zb", up)],
            &[],
        );
        // Elsewhere as well.
        case(
            &[
                ("a1", "za", down),
                ("a2", "za", up),
                ("b1", "zb", down),
                ("b2", "zb", down),
            ],
            &[],
        );
        // A zone of one node is a node.
        case(&[("a1", "za", up), ("b1", "zb", down)], &[]);
        // Everything is down: what all need.
        case(
            &[
                ("a1", "za", down),
                ("a2", "za", down),
                ("b1", "zb", down),
                ("b2", "zb", down),
            ],
            &[],
        );
    }

    #[test]
    fn since_when_each_of_them_is_lost() {
        let table = "NAME   STATUS     ROLES    AGE   VERSION   LABELS\n\
a1     Ready      <none>   99d   v1.28.4   kubernetes.io/hostname=a1,topology.kubernetes.io/zone=za\n\
b1     NotReady   <none>   99d   v1.28.4   kubernetes.io/hostname=b1,topology.kubernetes.io/zone=zb\n\
b2     NotReady   <none>   99d   v1.28.4   kubernetes.io/hostname=b2,topology.kubernetes.io/zone=zb\n";
        let nodes = ("kubectl/get-nodes-labels.txt", table);
        assert_eq!(facts_of(&[nodes], KIND).len(), 0);
        let line = "I0514 09:05:50.000000       1 node_lifecycle_controller.go:1164] \"Controller detected that zone is now in new state\" zone=\"eu:\\x00:zb\" newState=\"FullDisruption\"\n";
        let log = |text| ("cp1/kube-controller-manager.log", text);
        let facts = facts_of(&[nodes, log(line)], KIND);
        assert_eq!(shown(&facts, &["nodes"]), ["zone/zb nodes=2"]);
        // The controller alone says nothing of the other zones.
        assert_eq!(facts_of(&[log(line)], KIND).len(), 0);
    }
}
