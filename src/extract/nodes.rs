//! Which machine a source is of, where the source does not say: from its neighbours, and from what the kubelet calls itself.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use super::fold::RawFact;
use super::observe::Observation;
use crate::model::{Component, SourceKind};

/// A node's files stand together: a source without a node takes the one of its folder's siblings, when they agree;
/// where all logs of the bundle are of one machine, its outputs are of that machine as well.
pub(super) fn name(observations: &mut [Observation]) {
    let folder = |path: &str| path.rsplit_once('/').map(|(f, _)| f.to_owned());
    let mut of_folder: BTreeMap<String, Option<String>> = BTreeMap::new();
    for o in observations.iter() {
        let (Some(folder), Some(node)) = (folder(&o.source.path), &o.source.scope.node) else {
            continue;
        };
        of_folder
            .entry(folder)
            .and_modify(|n| {
                if n.as_ref() != Some(node) {
                    *n = None;
                }
            })
            .or_insert_with(|| Some(node.clone()));
    }
    let mut machines = observations
        .iter()
        .filter(|o| o.source.scope.component.is_node_local())
        .filter_map(|o| o.source.scope.node.clone());
    let only = machines
        .next()
        .filter(|first| machines.all(|m| m == *first));
    for o in observations {
        let local = o.source.scope.component.is_node_local()
            || matches!(o.source.kind, SourceKind::Processes | SourceKind::Host);
        if o.source.scope.node.is_some() || !local {
            continue;
        }
        let sibling = folder(&o.source.path).and_then(|f| of_folder.get(&f).cloned());
        if let Some(node) = sibling.unwrap_or_else(|| only.clone()) {
            for fact in &mut o.facts {
                place(fact, &node);
            }
            o.source.scope.node = Some(node);
        }
    }
}

/// A machine's host name may not be the name of its node: the kubelet says which node it is (the key `self`), and the
/// other logs of the machine follow.
pub(super) fn rename(observations: &mut [Observation]) {
    let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for o in observations.iter() {
        let Some(machine) = &o.source.scope.node else {
            continue;
        };
        let own = o.facts.iter().filter(|f| f.component == Component::KUBELET);
        for name in own.filter_map(|f| f.keys.get("self")) {
            names
                .entry(machine.clone())
                .or_default()
                .insert(name.clone());
        }
    }
    // Clouds that name nodes by their address call the machine 10-9-8-7.
    let known: BTreeSet<String> = observations
        .iter()
        .filter_map(|o| o.source.scope.node.clone())
        .collect();
    for machine in &known {
        let address = machine.replace('-', ".");
        if address != *machine && known.contains(&address) && address.parse::<Ipv4Addr>().is_ok() {
            names.entry(machine.clone()).or_default().insert(address);
        }
    }
    names.retain(|machine, nodes| nodes.len() == 1 && !nodes.contains(machine));
    for o in observations {
        let Some(machine) = o.source.scope.node.clone() else {
            continue;
        };
        let Some(node) = names.get(&machine).and_then(|n| n.first()) else {
            continue;
        };
        for fact in &mut o.facts {
            if fact.keys.get("node") == Some(&machine) {
                fact.keys.insert(String::from("node"), node.clone());
            }
            if fact.entity.strip_prefix("node/") == Some(machine.as_str()) {
                fact.entity = format!("node/{node}");
            }
        }
        for life in &mut o.lives {
            if life.node.as_deref() == Some(machine.as_str()) {
                life.node = Some(node.clone());
            }
        }
        o.source.scope.node = Some(node.clone());
    }
}

/// Gives a fact of a machine that was unknown when its line was read the name of the machine.
pub(super) fn place(fact: &mut RawFact, node: &str) {
    let unknown = |entity: &str| entity == "node/unknown" || entity.ends_with("@unknown");
    if !unknown(&fact.entity) {
        return;
    }
    fact.entity = fact.entity.replace("unknown", node);
    for key in ["host", "node"] {
        fact.keys
            .entry(key.to_owned())
            .or_insert_with(|| node.to_owned());
    }
}
