//! Duels: one object that two sides change against each other.
//!
//! `DELETE /apis/tenant.example.com/v1alpha1/workspaces/ws1: (6.5ms) 200 [controller-manager/v0.0.0 … 192.168.0.77:43478]`,
//! an audit event of the same, or a controller's own `Deleting Workspace "ws1" in cluster "host"`. Created and deleted
//! in turn, or written in turn by two actors, several times with little time in between: nobody does that by hand.
//! Heartbeats, and the controllers whose work is to answer every change of an object, are left out.

use std::collections::{BTreeMap, BTreeSet};

use super::Task;
use super::support::some;
use crate::base::time::{MINUTE, Stamp};
use crate::model::{Component, Fact, FactId, Keys, Quote};

const RAW: &[&str] = &["duel/api-write", "duel/controller-write"];

/// Kind, and name with its namespace.
type Name = (String, String);

/// One write to one object.
#[derive(Clone, Copy)]
struct Write<'a> {
    at: Stamp,
    quote: &'a Quote,
    /// `create`, `delete`, `update`, `patch`.
    verb: &'static str,
    actor: &'a str,
    address: &'a str,
    fact: FactId,
}

/// All that is known of the writes to one object.
#[derive(Default)]
struct Object<'a> {
    writes: Vec<Write<'a>>,
    /// How many lines say so, by source of the news and verb: two logs tell of the same request.
    counts: BTreeMap<&'a str, BTreeMap<&'static str, u64>>,
    component: Option<&'a Component>,
}

pub(super) fn infer(task: &Task<'_>) -> Vec<Fact> {
    let verbs = task.list("verbs");
    let least = task.number("at_least").unwrap_or(3).max(2);
    let within = task.time("within").unwrap_or(10 * MINUTE);
    let lives = verbs.contains(&"create");
    let users = users(task);
    objects(task)
        .into_iter()
        .filter_map(|((kind, name), mut object)| {
            object.writes.retain(|w| verbs.contains(&w.verb));
            object.writes.sort_by_key(|w| (w.at.at, w.quote.place));
            let turns = if lives {
                alternating(&object.writes, within)
            } else {
                by_turns(&object.writes, within)
            };
            (turns.len() as u64 >= least && (lives || !one_behind_proxies(&turns, &users)))
                .then(|| fact(task, &kind, &name, &object, &turns, lives))?
        })
        .collect()
}

/// The programs seen from each address.
fn users<'a>(task: &'a Task<'_>) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
    let mut users: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (_, fact) in task.facts(RAW) {
        if let (Some(actor), Some(address)) = (fact.key("actor"), fact.key("address")) {
            users.entry(address).or_default().insert(program(actor));
        }
    }
    users
}

/// Whether the two sides are one program whose requests come through several load balancers: then other programs are
/// seen from the same addresses.
fn one_behind_proxies(turns: &[&Write<'_>], users: &BTreeMap<&str, BTreeSet<&str>>) -> bool {
    let actors: BTreeSet<&str> = turns.iter().map(|w| w.actor).collect();
    let addresses: BTreeSet<&str> = turns.iter().map(|w| w.address).collect();
    let mut shared = addresses
        .iter()
        .map(|a| users.get(a).cloned().unwrap_or_default());
    let Some(first) = shared.next() else {
        return false;
    };
    let everywhere = shared.fold(first, |all, here| {
        all.intersection(&here).copied().collect()
    });
    actors.len() == 1 && everywhere.difference(&actors).next().is_some()
}

/// The writes by object.
fn objects<'a>(task: &'a Task<'_>) -> BTreeMap<(String, String), Object<'a>> {
    let (ordinary, answering) = (task.list("ordinary"), task.list("answering"));
    let mut objects: BTreeMap<(String, String), Object<'a>> = BTreeMap::new();
    let mut nameless: BTreeMap<String, Vec<(FactId, &Fact)>> = BTreeMap::new();
    let mut collections: BTreeMap<String, BTreeSet<(String, String)>> = BTreeMap::new();
    for (id, fact) in task.facts(RAW) {
        let Some((key, collection)) = object(fact, &ordinary) else {
            continue;
        };
        match key {
            Some(key) => {
                if let Some(collection) = collection {
                    collections
                        .entry(collection)
                        .or_default()
                        .insert(key.clone());
                }
                take(objects.entry(key).or_default(), id, fact, &answering);
            }
            None => nameless
                .entry(collection.unwrap_or_default())
                .or_default()
                .push((id, fact)),
        }
    }
    // A create by httplog names only the collection. It is taken for the object when that is the only one deleted there.
    for (collection, creates) in nameless {
        let Some(keys) = collections.get(&collection) else {
            continue;
        };
        if let (Some(key), 1) = (keys.first(), keys.len())
            && let Some(object) = objects.get_mut(key)
        {
            for (id, fact) in creates {
                take(object, id, fact, &answering);
            }
        }
    }
    objects
}

/// The object that a raw fact is about (`None`: not named), and the collection it lies in.
fn object(fact: &Fact, ordinary: &[&str]) -> Option<(Option<Name>, Option<String>)> {
    if let (Some(kind), Some(name)) = (fact.key("kind"), fact.key("object")) {
        let kind = kind.to_ascii_lowercase();
        return (!ordinary.contains(&kind.as_str())).then(|| (Some((kind, name.to_owned())), None));
    }
    let uri = fact.key("uri")?;
    let mut parts = uri.split('/').filter(|p| !p.is_empty());
    match parts.next()? {
        "api" => parts.next()?,
        "apis" => parts.next().and_then(|_| parts.next())?,
        _ => return None,
    };
    let mut rest: Vec<&str> = parts.collect();
    let namespace = match rest.as_slice() {
        ["namespaces", namespace, _, ..] => Some(*namespace),
        _ => None,
    };
    if namespace.is_some() {
        rest.drain(..2);
    }
    let (resource, name) = match rest.as_slice() {
        [resource] => (*resource, fact.key("object")),
        [resource, name] => (*resource, Some(*name)),
        // A subresource.
        _ => return None,
    };
    let kind = singular(resource);
    if ordinary.contains(&kind.as_str()) {
        return None;
    }
    let collection = format!("{}/{resource}", namespace.unwrap_or_default());
    let key = name.map(|n| {
        (
            kind,
            namespace.map_or_else(|| n.to_owned(), |ns| format!("{ns}/{n}")),
        )
    });
    Some((key, Some(collection)))
}

/// `workspaces` is of kind `workspace`, `policies` of `policy`, `ingresses` of `ingress`.
fn singular(resource: &str) -> String {
    if let Some(stem) = resource.strip_suffix("ies") {
        return format!("{stem}y");
    }
    let es = ["sses", "shes", "ches", "xes"]
        .iter()
        .any(|e| resource.ends_with(e));
    let stem = if es {
        resource.strip_suffix("es")
    } else {
        resource.strip_suffix('s')
    };
    stem.unwrap_or(resource).to_owned()
}

/// Adds the occurrences of one raw fact: folding kept the first ones and the last one.
fn take<'a>(object: &mut Object<'a>, id: FactId, fact: &'a Fact, answering: &[&str]) {
    let Some(verb) = fact.key("verb").and_then(verb) else {
        return;
    };
    let actor = fact.key("actor").map_or(fact.component.as_str(), program);
    let address = fact.key("address").or(fact.key("host")).unwrap_or_default();
    if verb != "create" && verb != "delete" && answering.iter().any(|a| actor.ends_with(a)) {
        return;
    }
    object.component = object.component.or(Some(&fact.component));
    *object
        .counts
        .entry(fact.component.as_str())
        .or_default()
        .entry(verb)
        .or_default() += fact.count;
    for quote in fact.evidence() {
        if let Some(at) = quote.time {
            object.writes.push(Write {
                at,
                quote,
                verb,
                actor,
                address,
                fact: id,
            });
        }
    }
}

fn verb(word: &str) -> Option<&'static str> {
    Some(match word {
        "create" | "POST" | "Creating" | "Created" | "Ensuring" | "Adding" => "create",
        "delete" | "DELETE" | "Deleting" | "Deleted" | "Removing" => "delete",
        "update" | "PUT" => "update",
        "patch" | "PATCH" => "patch",
        _ => return None,
    })
}

/// `kubectl/v1.12.6 (linux/amd64) kubernetes/8cb561c` is kubectl; a user agent that ends with the name of a service
/// account is that one.
fn program(actor: &str) -> &str {
    if let Some(at) = actor.find("system:serviceaccount:") {
        return actor.get(at..).unwrap_or(actor);
    }
    actor.split(['/', ' ']).next().unwrap_or(actor)
}

/// The longest run of writes in which create and delete take turns.
fn alternating<'w, 'a>(writes: &'w [Write<'a>], within: i64) -> Vec<&'w Write<'a>> {
    run(writes, within, |a, b| a.verb != b.verb)
}

/// The longest run of writes in which two actors take turns.
fn by_turns<'w, 'a>(writes: &'w [Write<'a>], within: i64) -> Vec<&'w Write<'a>> {
    let who = |w: &Write<'a>| (w.actor, w.address);
    let actors: BTreeSet<_> = writes.iter().map(who).collect();
    // One program that runs once, seen from two addresses, is the same actor; so more than a handful is a crowd.
    if !(2..=3).contains(&actors.len()) {
        return Vec::new();
    }
    run(writes, within, |a, b| who(a) != who(b))
}

fn run<'w, 'a>(
    writes: &'w [Write<'a>],
    within: i64,
    turn: impl Fn(&Write<'a>, &Write<'a>) -> bool,
) -> Vec<&'w Write<'a>> {
    let (mut best, mut here): (Vec<&Write<'a>>, Vec<&Write<'a>>) = (Vec::new(), Vec::new());
    for write in writes {
        match here.last() {
            Some(last) if write.at.at.since(last.at.at) > within => {
                if here.len() > best.len() {
                    best = std::mem::take(&mut here);
                }
                here = vec![write];
            }
            // The same side again: a retry, or the same request told by two sources.
            Some(last) if !turn(last, write) => {}
            _ => here.push(write),
        }
    }
    if here.len() > best.len() { here } else { best }
}

fn fact(
    task: &Task<'_>,
    kind: &str,
    name: &str,
    object: &Object<'_>,
    turns: &[&Write<'_>],
    lives: bool,
) -> Option<Fact> {
    let actors: BTreeSet<&str> = turns.iter().map(|w| w.actor).collect();
    let addresses: BTreeSet<&str> = turns
        .iter()
        .map(|w| w.address)
        .filter(|a| !a.is_empty())
        .collect();
    // Folding keeps few of the equal lines: the counts tell how often, the kept ones tell that they take turns.
    let told = |c: &BTreeMap<&'static str, u64>| {
        let count = |verb: &str| c.get(verb).copied().unwrap_or(0);
        if lives {
            count("create").min(count("delete"))
        } else {
            c.values().sum::<u64>() / 2
        }
    };
    let times = object
        .counts
        .values()
        .map(told)
        .max()
        .unwrap_or(0)
        .max(turns.len() as u64 / 2);
    let keys = Keys::from([
        (String::from("kind"), kind.to_owned()),
        (String::from("object"), name.to_owned()),
        (String::from("count"), times.to_string()),
        (String::from("actors"), some(actors.iter().copied(), 4)),
        (
            String::from("addresses"),
            some(addresses.iter().copied(), 4),
        ),
        (
            String::from("actorCount"),
            actors.len().max(addresses.len()).to_string(),
        ),
    ]);
    let evidence = turns.iter().take(8).map(|w| w.quote.clone()).collect();
    let from: BTreeSet<FactId> = turns.iter().map(|w| w.fact).collect();
    let component = object.component.cloned().unwrap_or(Component::UNKNOWN);
    let mut fact = task.fact(
        "duel",
        keys,
        component,
        evidence,
        from.into_iter().take(8).collect(),
    )?;
    fact.count = times;
    fact.span.first = turns.first().map(|w| w.at);
    fact.span.last = turns.last().map(|w| w.at);
    Some(fact)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{facts_of, shown};
    use super::*;

    const LIVES: &str = "duel/create-delete-alternates";
    const WRITES: &str = "duel/two-writers";

    fn request(second: u32, verb: &str, path: &str, actor: &str, address: &str) -> String {
        format!(
            "2026-07-23T10:{:02}:{:02}Z stderr F I0723 10:{:02}:{:02}.130134       1 wrap.go:47] {verb} {path}: (6.599ms) 200 [{actor} {address}:43478]\n",
            second / 60,
            second % 60,
            second / 60,
            second % 60
        )
    }

    const SET: &str = "/apis/tenant.example.com/v1/workspaces";
    const ONE: &str = "/apis/tenant.example.com/v1/workspaces/ws1";

    #[track_caller]
    fn case(kind: &str, lines: &[String], expected: &[&str]) {
        let log = lines.concat();
        let facts = facts_of(&[("cp1/kube-apiserver.log", &log)], kind);
        assert_eq!(
            shown(&facts, &["count", "actors", "addresses"]),
            expected,
            "{log}"
        );
    }

    #[test]
    fn created_and_deleted_in_turn() {
        let agent = "controller-manager/v0.0.0 (linux/amd64) kubernetes/x";
        let turn = |n: u32| {
            [
                request(n, "POST", SET, agent, "192.168.0.7"),
                request(n + 3, "DELETE", ONE, agent, "192.168.0.77"),
            ]
        };
        let lines: Vec<String> = [turn(0), turn(10), turn(20)].concat();
        case(
            LIVES,
            &lines,
            &[
                "workspace/ws1 count=3 actors=controller-manager addresses=192.168.0.7, 192.168.0.77",
            ],
        );
        // Once is a person.
        case(LIVES, &turn(0), &[]);
        // Far apart: a job that makes and removes its own test object.
        let slow: Vec<String> = [turn(0), turn(1200), turn(2400)].concat();
        case(LIVES, &slow, &[]);
    }

    #[test]
    fn written_in_turn_by_two() {
        let one = "/apis/apps/v1/namespaces/shop/deployments/web";
        let turn = |n: u32, path: &str, b: &str| {
            [
                request(n, "PATCH", path, "argocd/v2 (linux)", "10.0.0.5"),
                request(n + 3, "PUT", path, b, "10.0.0.6"),
            ]
        };
        let many = |path: &str, b: &str| -> Vec<String> {
            (0..5).flat_map(|n| turn(n * 10, path, b)).collect()
        };
        case(
            WRITES,
            &many(one, "scaler/v1 (linux)"),
            &["deployment/shop/web count=5 actors=argocd, scaler addresses=10.0.0.5, 10.0.0.6"],
        );
        let answering = "kube-controller-manager/v1.12.6 (linux/amd64) kubernetes/8cb561c/system:serviceaccount:kube-system:deployment-controller";
        case(WRITES, &many(one, answering), &[]);
        case(WRITES, &many("/api/v1/nodes/n1", "scaler/v1 (linux)"), &[]);
        case(
            WRITES,
            &many(
                "/apis/apps/v1/namespaces/shop/deployments/web/status",
                "scaler/v1 (linux)",
            ),
            &[],
        );
        case(
            WRITES,
            &many(one, "argocd/v2 (linux)")
                .into_iter()
                .step_by(2)
                .collect::<Vec<_>>(),
            &[],
        );
    }

    #[test]
    fn one_program_behind_two_load_balancers() {
        let web = "/apis/apps/v1/namespaces/shop/deployments/web";
        let actor = "operator/v1 (linux)";
        let lines: Vec<String> = (0..5)
            .flat_map(|n| {
                [
                    request(n * 10, "PUT", web, actor, "10.0.0.5"),
                    request(n * 10 + 3, "PUT", web, actor, "10.0.0.6"),
                ]
            })
            .collect();
        // Two copies of one operator.
        case(
            WRITES,
            &lines,
            &["deployment/shop/web count=5 actors=operator addresses=10.0.0.5, 10.0.0.6"],
        );
        let map = "/api/v1/namespaces/shop/configmaps/x";
        let others = [
            request(70, "PUT", map, "kubectl/v1.30 (linux)", "10.0.0.5"),
            request(75, "PUT", map, "kubectl/v1.30 (linux)", "10.0.0.6"),
        ];
        case(WRITES, &[lines, others.to_vec()].concat(), &[]);
    }

    #[test]
    fn a_controllers_own_words() {
        let lines: String = (0..3)
            .map(|n| format!("I0723 10:02:{n}1.120134       1 controller.go:450] Ensuring workspace \"ws1\" exists in cluster \"host\"\nI0723 10:02:{n}1.652991       1 managed.go:410] Deleting workspace \"ws1\" in cluster \"host\"\n"))
            .collect::<Vec<_>>()
            .concat();
        let facts = facts_of(
            &[(
                "kube-federation-system/kubefed-controller-manager.log",
                &lines,
            )],
            LIVES,
        );
        assert_eq!(shown(&facts, &["count"]), ["workspace/ws1 count=3"]);
    }

    #[test]
    fn kinds_of_resources() {
        assert_eq!(singular("workspaces"), "workspace");
        assert_eq!(singular("networkpolicies"), "networkpolicy");
        assert_eq!(singular("ingresses"), "ingress");
        assert_eq!(singular("namespaces"), "namespace");
    }
}
