//! A workload whose pods are evicted again and again is what fills the node.

use std::collections::BTreeMap;

use super::Task;
use super::support::{first_quotes, machine};
use crate::model::{Fact, FactId, workload_of};

/// A workload and its node.
type Place = (String, Option<String>);

pub(super) fn infer(task: &Task<'_>) -> Vec<Fact> {
    let kinds = task.list("evictions");
    let least = task.amount("at_least").unwrap_or(3);
    let mut workloads: BTreeMap<Place, Vec<(FactId, &Fact)>> = BTreeMap::new();
    let mut total: BTreeMap<Option<String>, usize> = BTreeMap::new();
    for (id, fact) in (0u32..).map(FactId).zip(&task.world.facts) {
        if !kinds.contains(&fact.kind.as_str()) || fact.entity.kind() != "pod" {
            continue;
        }
        let node = fact.key("node").map(str::to_owned).or_else(|| {
            task.world
                .topology
                .walk(&fact.entity, &["node"])
                .into_iter()
                .next()
                .map(|n| n.name().to_owned())
        });
        *total.entry(node.clone()).or_default() += 1;
        workloads
            .entry((workload_of(fact.entity.name()).to_owned(), node))
            .or_default()
            .push((id, fact));
    }
    let mut facts = Vec::new();
    for ((workload, node), evicted) in workloads {
        let of_node = total.get(&node).copied().unwrap_or(0);
        if evicted.len() < least || evicted.len() * 2 < of_node {
            continue;
        }
        let mut keys = machine(node.as_deref());
        if let Some((namespace, name)) = workload.split_once('/') {
            keys.insert(String::from("namespace"), namespace.to_owned());
            keys.insert(String::from("name"), name.to_owned());
        }
        keys.insert(String::from("workload"), workload.clone());
        keys.insert(String::from("pods"), evicted.len().to_string());
        let evidence = first_quotes(evicted.iter().map(|(_, f)| *f), 3);
        let from = evicted.iter().map(|(id, _)| *id).take(6).collect();
        let component = evicted.first().map(|(_, f)| f.component.clone());
        let Some(mut fact) =
            component.and_then(|c| task.fact("workload-growth", keys, c, evidence, from))
        else {
            continue;
        };
        fact.span.first = evicted
            .iter()
            .filter_map(|(_, f)| f.span.first)
            .min_by_key(|s| s.at);
        fact.span.last = evicted
            .iter()
            .filter_map(|(_, f)| f.span.last)
            .max_by_key(|s| s.at);
        facts.push(fact);
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::super::testing::{facts_of, shown};

    fn evictions(pods: &[(&str, &str)]) -> String {
        pods.iter().fold(
            String::from("NAMESPACE   NAME                        READY   STATUS    RESTARTS   AGE   IP       NODE\n"),
            |text, (pod, node)| {
                text + &format!("shop        {pod:<27} 0/1     Evicted   0          12m   <none>   {node}\n")
            },
        )
    }

    #[track_caller]
    fn case(pods: &[(&str, &str)], expected: &[&str]) {
        let table = evictions(pods);
        let facts = facts_of(
            &[("kubectl/get-pods-A.txt", &table)],
            "eviction/evicted-controller",
        );
        assert_eq!(shown(&facts, &["node", "pods"]), expected, "{table}");
    }

    #[test]
    fn most_evictions_of_a_node_hit_one_workload() {
        let report = [
            ("report-6458d68c5c-864mm", "n1"),
            ("report-6458d68c5c-9x2kp", "n1"),
            ("report-6458d68c5c-t7vmg", "n1"),
        ];
        let one = "workload/shop/report node=n1 pods=3";
        case(&report, &[one]);
        case(
            &[&report[..], &[("web-7c9ffff6d5-q8w2e", "n1")]].concat(),
            &[one],
        );
        // Two are nobody's fault; nor is one of many workloads.
        case(&report[..2], &[]);
        let many: Vec<String> = (0..4).map(|i| format!("web{i}-7c9ffff6d5-q8w2e")).collect();
        let mut all = report.to_vec();
        all.extend(many.iter().map(|pod| (pod.as_str(), "n1")));
        case(&all, &[]);
        // Spread over nodes.
        case(
            &[report[0], report[1], ("report-6458d68c5c-t7vmg", "n2")],
            &[],
        );
    }
}
