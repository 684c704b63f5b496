//! Who could not reach whom, how: connection errors of all logs, grouped by destination.

use std::collections::{BTreeMap, BTreeSet};

use super::Task;
use crate::model::{Component, Fact, FactId, Keys, Quote};

/// Connection errors, as patterns of the family `reachability` see them, grouped by destination.
pub(super) fn infer(task: &Task<'_>) -> Vec<Fact> {
    let kinds = task.list("of");
    let mut destinations: BTreeMap<String, Vec<(FactId, &Fact)>> = BTreeMap::new();
    for (id, fact) in (0u32..).map(FactId).zip(&task.world.facts) {
        if kinds.contains(&fact.kind.as_str())
            && let Some(destination) = fact.key("destination")
        {
            destinations
                .entry(destination.to_owned())
                .or_default()
                .push((id, fact));
        }
    }
    let mut facts = Vec::new();
    for (destination, errors) in destinations {
        let from: BTreeSet<String> = errors
            .iter()
            .map(|(_, f)| match f.key("host") {
                Some(host) => format!("{}@{host}", f.component),
                None => f.component.to_string(),
            })
            .collect();
        let mut keys = Keys::from([(String::from("destination"), destination.clone())]);
        if let Some((ip, port)) = destination.rsplit_once(':') {
            keys.insert(String::from("ip"), ip.to_owned());
            keys.insert(String::from("port"), port.to_owned());
        }
        keys.insert(
            String::from("from"),
            from.iter().cloned().collect::<Vec<_>>().join(", "),
        );
        keys.insert(String::from("clients"), from.len().to_string());
        let evidence: Vec<Quote> = errors
            .iter()
            .filter_map(|(_, f)| f.evidence().first().cloned())
            .take(4)
            .collect();
        let ids = errors.iter().map(|(id, _)| *id).take(8).collect();
        let Some(mut fact) = task.fact("reachability", keys, Component::UNKNOWN, evidence, ids)
        else {
            continue;
        };
        fact.count = errors.iter().map(|(_, f)| f.count).sum();
        fact.span.first = errors
            .iter()
            .filter_map(|(_, f)| f.span.first)
            .min_by_key(|s| s.at);
        fact.span.last = errors
            .iter()
            .filter_map(|(_, f)| f.span.last)
            .max_by_key(|s| s.at);
        facts.push(fact);
    }
    facts
}
