//! Which machine each source is of, where neither its path nor its lines say so.
//!
//! Three ways, the surest first: the source speaks of containers and pods that one machine alone knows; the folder's
//! other files are of one machine; all logs of the bundle are of one machine. And a machine's host name may not be the
//! name of its node.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use rustc_hash::FxHashMap;

use super::fold::RawFact;
use super::observe::Observation;
use super::transcript;
use crate::model::{Component, Entity, SourceKind};
use crate::parse::sniff;

/// Keys that hold the id of a container, which lives on one machine only.
const CONTAINERS: [&str; 4] = ["sandbox", "id", "container-id", "container"];
/// So much of an id is printed by every tool.
const ID: usize = 12;
/// So many of a source's containers and pods must be known to one machine, and so many times more than to any other:
/// a pod of a `StatefulSet` keeps its name when it moves.
const MEETINGS: usize = 2;
const TIMES: usize = 4;

/// Names the machine of each source that belongs to one and does not say to which.
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
    let nameless = |o: &Observation| {
        let local = o.source.scope.component.is_node_local()
            || matches!(o.source.kind, SourceKind::Processes | SourceKind::Host)
            // The dump of a program that is no component is of an agent or a plugin of the node.
            || o.source.kind == SourceKind::Goroutines && o.source.scope.component.is_unknown();
        local && o.source.scope.node.is_none() && !transcript::names_machines(&o.source)
    };
    let tenants = if observations.iter().any(nameless) {
        tenants(observations)
    } else {
        FxHashMap::default()
    };
    for o in observations {
        if !nameless(o) {
            continue;
        }
        let sibling = || folder(&o.source.path).and_then(|f| of_folder.get(&f).cloned());
        let node = landlord(o, &tenants).or_else(|| sibling().unwrap_or_else(|| only.clone()));
        if let Some(node) = node {
            for fact in &mut o.facts {
                place(fact, &node);
            }
            for life in &mut o.lives {
                life.node.get_or_insert_with(|| node.clone());
            }
            o.source.scope.node = Some(node);
        }
    }
}

/// On which machine each container and pod is; `None`: on several.
fn tenants(observations: &[Observation]) -> FxHashMap<String, Option<String>> {
    let mut tenants: FxHashMap<String, Option<String>> = FxHashMap::default();
    let mut add = |tenant: String, node: &str| {
        tenants
            .entry(tenant)
            .and_modify(|n| {
                if n.as_deref() != Some(node) {
                    *n = None;
                }
            })
            .or_insert_with(|| Some(node.to_owned()));
    };
    for o in observations {
        for (from, to, _) in &o.relations {
            if from.kind() == "pod" && to.kind() == "node" {
                add(from.name().to_owned(), to.name());
            }
        }
        for fact in o.facts.iter().filter(|f| f.component.is_node_local()) {
            if let Some(node) = fact.keys.get("node").or(o.source.scope.node.as_ref()) {
                for tenant in spoken_of(fact) {
                    add(tenant.to_owned(), node);
                }
            }
        }
    }
    tenants
}

/// The machine that knows the containers and pods which a source speaks of.
fn landlord(o: &Observation, tenants: &FxHashMap<String, Option<String>>) -> Option<String> {
    let spoken: BTreeSet<&str> = o.facts.iter().flat_map(spoken_of).collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for node in spoken.iter().filter_map(|t| tenants.get(*t)?.as_deref()) {
        *counts.entry(node).or_default() += 1;
    }
    let (node, most) = counts.iter().max_by_key(|(_, n)| **n)?;
    let others = counts.iter().filter(|(n, _)| *n != node).map(|(_, n)| *n);
    let next = others.max().unwrap_or(0);
    (*most >= MEETINGS && *most >= next.saturating_mul(TIMES)).then(|| (*node).to_owned())
}

/// The containers (by the beginning of their ids) and pods that a fact is about.
fn spoken_of(fact: &RawFact) -> impl Iterator<Item = &str> {
    let ids = CONTAINERS.iter().filter_map(|k| {
        fact.keys
            .get(*k)?
            .get(..ID)
            .filter(|id| id.bytes().all(|b| b.is_ascii_hexdigit()))
    });
    let pod = fact.keys.get("pod").filter(|p| p.contains('/'));
    ids.chain(pod.map(String::as_str))
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
    for (host, node) in folders_of_hosts(observations) {
        names.entry(host).or_insert_with(|| BTreeSet::from([node]));
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

/// Host names whose logs all lie in the folder of one node that is called otherwise, and the node: `nodes/10.9.8.7/`
/// holds what the machine `iz2ze1` wrote.
fn folders_of_hosts(observations: &[Observation]) -> Vec<(String, String)> {
    let mut folders: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut hosts: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for o in observations {
        let Some(host) = &o.source.scope.node else {
            continue;
        };
        let folder = sniff::machine_of(&o.source.path).filter(|f| f != host);
        folders.entry(host).or_default().extend(folder.clone());
        if let Some(folder) = folder {
            hosts.entry(folder).or_default().insert(host);
        } else if sniff::machine_of(&o.source.path).is_none() {
            // It was also collected elsewhere.
            folders.entry(host).or_default().insert(String::new());
        }
    }
    let known: BTreeSet<&str> = observations
        .iter()
        .flat_map(|o| {
            let states = o.states.iter().map(|l| &l.entity);
            states.chain(o.relations.iter().map(|(_, to, _)| to))
        })
        .filter(|e| e.kind() == "node")
        .map(Entity::name)
        .collect();
    hosts
        .into_iter()
        .filter_map(|(folder, hosts)| {
            let host = (*hosts.first()?).to_owned();
            let alone = hosts.len() == 1 && folders.get(&*host).is_some_and(|f| f.len() == 1);
            let swapped = known.contains(&*host) && !known.contains(&*folder);
            match (alone, known.contains(&*host)) {
                (true, false) => Some((host, folder)),
                (true, true) if swapped => Some((folder, host)),
                _ => None,
            }
        })
        .collect()
}

/// An entity of an unknown machine, of this one: only the machine is unknown, whatever else is called so.
fn placed(entity: &str, node: &str) -> Option<String> {
    match entity.strip_suffix("unknown")? {
        "node/" => Some(format!("node/{node}")),
        component if component.ends_with('@') => Some(format!("{component}{node}")),
        _ => None,
    }
}

/// Gives a fact of a machine that was unknown when its line was read the name of the machine.
pub(super) fn place(fact: &mut RawFact, node: &str) {
    if let Some(entity) = placed(&fact.entity, node) {
        fact.entity = entity;
    } else if !fact.component.is_node_local() {
        return;
    }
    for key in ["host", "node"] {
        fact.keys
            .entry(key.to_owned())
            .or_insert_with(|| node.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::super::{Overrides, assemble, observe};
    use super::placed;
    use crate::catalog::Catalog;
    use crate::input::Found;

    const CNI: &str = "2026/04/02 03:15:01 CNI_COMMAND=ADD CNI_CONTAINERID=aaaaaaaaaaaa0001 CNI_NETNS=/proc/1/ns/net CNI_IFNAME=eth0
2026/04/02 03:15:02 CNI_COMMAND=ADD CNI_CONTAINERID=bbbbbbbbbbbb0001 CNI_NETNS=/proc/2/ns/net CNI_IFNAME=eth0
";

    fn kubelet(host: &str, ids: &[&str]) -> String {
        let mut log = String::new();
        for id in ids {
            let _ = writeln!(
                log,
                "Apr  2 03:15:03 {host} kubelet[812]: I0402 03:15:03.301271     812 kubelet.go:1953] SyncLoop (PLEG): \"web_default(5a7c)\", event: &pleg.PodLifecycleEvent{{ID:\"5a7c\", Type:\"ContainerStarted\", Data:\"{id}\"}}\n"
            );
        }
        log
    }

    /// The machine of the plugin's log, and of what its first line shows.
    #[track_caller]
    fn case(first: &[&str], second: &[&str], expected: Option<&str>) {
        let catalog = Catalog::builtin().unwrap();
        let (a, b) = (kubelet("n1", first), kubelet("n2", second));
        let files = [
            ("logs/a.log", a.as_str()),
            ("logs/b.log", &b),
            ("logs/cni-vpc.log", CNI),
        ];
        let observations = files
            .iter()
            .map(|(path, text)| observed(&catalog, path, text))
            .collect();
        let world = assemble(&catalog, observations, Vec::new(), &Overrides::default());
        let source = world
            .sources
            .iter()
            .find(|s| s.path.ends_with("cni-vpc.log"));
        assert_eq!(source.unwrap().scope.node.as_deref(), expected);
        let fact = world
            .facts
            .iter()
            .find(|f| f.kind == "ip-leak/network-taken");
        assert_eq!(fact.unwrap().key("node"), expected);
    }

    #[test]
    fn only_the_machine_is_replaced() {
        let case = |entity: &str, expected: Option<&str>| {
            assert_eq!(placed(entity, "n1").as_deref(), expected);
        };
        case("node/unknown", Some("node/n1"));
        case("component/unknown@unknown", Some("component/unknown@n1"));
        case("pod/shop/unknown", None);
        case("component/etcd@cp1", None);
    }

    #[test]
    fn a_host_in_the_folder_of_a_node_is_that_node() {
        let catalog = Catalog::builtin().unwrap();
        let log = kubelet("iz2ze1", &["aaaaaaaaaaaa0001"]);
        let of = |files: &[(&str, &str)]| {
            let observations = files
                .iter()
                .map(|(path, text)| observed(&catalog, path, text));
            let world = assemble(
                &catalog,
                observations.collect(),
                Vec::new(),
                &Overrides::default(),
            );
            world
                .sources
                .iter()
                .map(|s| s.scope.node.clone())
                .collect::<Vec<_>>()
        };
        let names = |expected: &[&str]| -> Vec<Option<String>> {
            expected.iter().map(|n| Some((*n).to_owned())).collect()
        };
        let (one, other) = (
            "b/nodes/10.9.8.7/kubelet.log",
            "b/nodes/10.9.8.8/kubelet.log",
        );
        assert_eq!(of(&[(one, &log)]), names(&["10.9.8.7"]));
        // One machine's logs in the folders of two nodes: one of them was put there by mistake.
        assert_eq!(
            of(&[(one, &log), (other, &format!("{log}\n"))]),
            names(&["iz2ze1", "iz2ze1"])
        );
        let nodes =
            "NAME     STATUS   ROLES    AGE   VERSION\niz2ze1   Ready    <none>   9d    v1.30.2\n";
        assert_eq!(
            of(&[("b/get-nodes.txt", nodes), (one, &log)]).pop(),
            names(&["iz2ze1"]).pop()
        );
    }

    fn observed(catalog: &Catalog, path: &str, text: &str) -> crate::extract::Observation {
        let found = Found::named(path.to_owned());
        observe(catalog, &found, &mut text.as_bytes())
    }

    #[test]
    fn a_log_is_of_the_machine_that_knows_its_containers() {
        let (a, b, x) = ("aaaaaaaaaaaa0001", "bbbbbbbbbbbb0001", "cccccccccccc0001");
        case(&[a, b], &[x], Some("n1"));
        case(&[x], &[b, a], Some("n2"));
        case(&[a], &[b], None);
        case(&[a], &[x], None);
        case(&[x], &[], Some("n1"));
    }
}
