//! A zone that is gone: every node of it fails in the same way at the same time, and no node of another zone does.
//!
//! Zones are labels of nodes (`topology.kubernetes.io/zone`). One node of a zone is one node; all of them, and only
//! they, share the zone's power, network or uplink.

use std::collections::{BTreeMap, BTreeSet};

use super::Task;
use super::support::{some, span_of};
use crate::base::time::MINUTE;
use crate::model::{Entity, Fact, FactId, Keys};

pub(super) fn infer(task: &Task<'_>) -> Vec<Fact> {
    let within = task.time("within").unwrap_or(10 * MINUTE);
    let topology = &task.world.topology;
    let zones: BTreeMap<&Entity, BTreeSet<&str>> = topology
        .all("zone")
        .map(|zone| {
            let nodes = topology
                .neighbours(zone)
                .filter(|(e, _)| e.kind() == "node")
                .map(|(e, _)| e.name())
                .collect();
            (zone, nodes)
        })
        .collect();
    if zones.len() < 2 {
        return Vec::new();
    }
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
            let facts: Vec<(FactId, &Fact)> = nodes
                .iter()
                .filter_map(|n| failing.get(n))
                .flatten()
                .copied()
                .collect();
            let begins = || facts.iter().filter_map(|(_, f)| f.span.first).map(|s| s.at);
            let together = match (begins().min(), begins().max()) {
                (Some(first), Some(last)) => last.since(first) <= within,
                _ => true,
            };
            if !together {
                return None;
            }
            let keys = Keys::from([
                (String::from("zone"), zone.name().to_owned()),
                (String::from("nodes"), nodes.len().to_string()),
                (String::from("names"), some(nodes.iter().copied(), 6)),
            ]);
            let evidence = facts
                .iter()
                .filter_map(|(_, f)| f.evidence().first().cloned())
                .take(6)
                .collect();
            let from = facts.iter().map(|(id, _)| *id).take(8).collect();
            let component = facts.first()?.1.component.clone();
            let mut fact = task.fact("same-zone", keys, component, evidence, from)?;
            fact.span = span_of(facts.iter().map(|(_, f)| *f));
            Some(fact)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{facts_of, shown};

    const KIND: &str = "node/zone-lost";

    fn nodes(rows: &[(&str, &str, &str)]) -> String {
        rows.iter().fold(
            String::from("NAME   STATUS     ROLES    AGE   VERSION   LABELS\n"),
            |text, (name, zone, status)| {
                text + &format!(
                    "{name:<6} {status:<10} <none>   99d   v1.28.4   kubernetes.io/hostname={name},topology.kubernetes.io/zone={zone}\n"
                )
            },
        )
    }

    #[track_caller]
    fn case(rows: &[(&str, &str, &str)], expected: &[&str]) {
        let table = nodes(rows);
        let facts = facts_of(&[("kubectl/get-nodes-labels.txt", &table)], KIND);
        assert_eq!(shown(&facts, &["nodes"]), expected, "{table}");
    }

    #[test]
    fn all_nodes_of_one_zone_and_no_other() {
        let (up, down) = ("Ready", "NotReady");
        case(
            &[
                ("a1", "za", up),
                ("a2", "za", up),
                ("b1", "zb", down),
                ("b2", "zb", down),
            ],
            &["zone/zb nodes=2"],
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
}
