//! Duels: one object that two sides change against each other.
//!
//! `DELETE /apis/tenant.example.com/v1alpha1/workspaces/ws1: (6.5ms) 200 [controller-manager/v0.0.0 … 192.168.0.77:43478]`,
//! an audit event of the same, or a controller's own `Deleting Workspace "ws1" in cluster "host"`. Created and deleted
//! in turn, or written in turn by two actors, several times with little time in between: nobody does that by hand.
//! Heartbeats, and the controllers whose work is to answer every change of an object, are left out. An object may show
//! it by itself: `managedFields` name two that wrote it within minutes, and its generation rose once a minute or two
//! ever since it was made; or several outputs of it show writers that take turns.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::Task;
use super::certificate::instant;
use super::support::{later, quote, some, value};
use crate::base::time::{Instant, MINUTE, SECOND, Stamp};
use crate::model::{Component, Fact, FactId, Keys, Quote};

const RAW: &[&str] = &["duel/api-write", "duel/controller-write"];
/// Fewer changes of a specification than this may be a busy week.
const GENERATIONS: u64 = 100;
/// A specification that changes less often than this is not fought over.
const APART: i64 = 2 * MINUTE;

/// Kind, and name with its namespace.
type Name = (String, String);

/// One write to one object.
#[derive(Clone)]
struct Write<'a> {
    at: Stamp,
    quote: Cow<'a, Quote>,
    /// `create`, `delete`, `update`, `patch`.
    verb: &'static str,
    actor: &'a str,
    address: &'a str,
    /// Who tells of it: the audit log names users, the request log programs.
    teller: &'a str,
    /// A request that the API server tells of, with who asked.
    told: bool,
    /// `None`: the object itself says so.
    fact: Option<FactId>,
}

/// All that is known of the writes to one object.
#[derive(Default)]
struct Object<'a> {
    writes: Vec<Write<'a>>,
    /// How many lines say so, by source of the news and verb: two logs tell of the same request.
    counts: BTreeMap<&'a str, BTreeMap<&'static str, u64>>,
    component: Option<&'a Component>,
    /// Its generation at a time; the first is its creation.
    generations: Vec<(Instant, u64)>,
}

impl Object<'_> {
    /// How often the specification changed, where that is more often than anybody does on purpose.
    fn changes(&self) -> Option<u64> {
        let (from, before) = self.generations.first()?;
        let (until, now) = self.generations.last()?;
        let (changes, took) = (now.saturating_sub(*before), until.since(*from));
        (changes >= GENERATIONS && took / APART <= i64::try_from(changes).ok()?).then_some(changes)
    }
}

pub(super) fn infer(task: &Task<'_>) -> Vec<Fact> {
    let verbs = task.list("verbs");
    let least = task.number("at_least").unwrap_or(3).max(2);
    let within = task.time("within").unwrap_or(10 * MINUTE);
    let lives = verbs.contains(&"create");
    let (only, not) = (task.list("only"), task.list("not"));
    let wanted = |kind: &str| (only.is_empty() || only.contains(&kind)) && !not.contains(&kind);
    let users = users(task);
    objects(task)
        .into_iter()
        .filter(|((kind, _), _)| wanted(kind))
        .filter_map(|((kind, name), mut object)| {
            object.writes.retain(|w| verbs.contains(&w.verb));
            object.writes.sort_by_key(|w| (w.at.at, w.quote.place));
            let turns = if lives {
                alternating(&object.writes, within)
            } else {
                by_turns(&object.writes, within)
            };
            let two = if lives {
                two_sides(&turns, &users)
            } else {
                !one_behind_proxies(&turns, &users)
            };
            if turns.len() as u64 >= least && two {
                return fact(task, &kind, &name, &object, &turns, lives);
            }
            let last = last_two(&object.writes, within).filter(|_| !lives)?;
            object.changes()?;
            fact(task, &kind, &name, &object, &last, false)
        })
        .collect()
}

/// Two that create and delete in turn. What a controller says of itself needs no second side: it contradicts itself.
fn two_sides(turns: &[&Write<'_>], users: &BTreeMap<&str, BTreeSet<&str>>) -> bool {
    let sides: BTreeSet<_> = turns.iter().map(|w| (w.actor, w.address)).collect();
    let requests = turns.iter().all(|w| w.told);
    !requests || sides.len() > 1 && !one_behind_proxies(turns, users)
}

/// The last writes of two that wrote at nearly the same time.
fn last_two<'w, 'a>(writes: &'w [Write<'a>], within: i64) -> Option<Vec<&'w Write<'a>>> {
    let last = writes.iter().rfind(|w| w.fact.is_none())?;
    let other = writes
        .iter()
        .rev()
        .filter(|w| w.fact.is_none())
        .find(|w| w.actor != last.actor && last.at.at.since(w.at.at) <= within)?;
    Some(vec![other, last])
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
    written(task, &ordinary, &answering, &mut objects);
    objects
}

/// What objects themselves say of their writers: `deployment/shop/web written generation=48211 created=… by=a@…,b@…`.
fn written<'a>(
    task: &'a Task<'_>,
    ordinary: &[&str],
    answering: &[&str],
    objects: &mut BTreeMap<Name, Object<'a>>,
) {
    let mut known = BTreeSet::new();
    for (source, line) in &task.world.states {
        let kind = line.entity.kind();
        let Some(by) = value(line, "by").filter(|_| line.text.contains(" written ")) else {
            continue;
        };
        if ordinary.contains(&kind) {
            continue;
        }
        let object = objects
            .entry((kind.to_owned(), line.entity.name().to_owned()))
            .or_default();
        object.component = object.component.or(Some(&line.component));
        let mut latest = None;
        for (actor, time) in by.split(',').filter_map(|b| b.rsplit_once('@')) {
            let Some(at) = instant(time) else { continue };
            latest = latest.max(Some(at));
            if answering.iter().any(|a| actor.ends_with(a))
                || !known.insert((line.entity.as_str(), actor, at))
            {
                continue;
            }
            let at = Stamp::exact(at, SECOND);
            let mut quote = quote(task.world, *source, line);
            quote.time = Some(at);
            object.writes.push(Write {
                at,
                quote: Cow::Owned(quote),
                verb: "update",
                actor,
                address: "",
                teller: line.component.as_str(),
                told: false,
                fact: None,
            });
        }
        let generation = value(line, "generation").and_then(|g| g.parse::<u64>().ok());
        if let (Some(generation), Some(at), Some(made)) =
            (generation, latest, value(line, "created").and_then(instant))
        {
            object.generations.extend([(made, 1), (at, generation)]);
            object.generations.sort_unstable();
        }
    }
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
        // Scaling changes the object.
        [resource, name] | [resource, name, "scale"] => (*resource, Some(*name)),
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
                quote: Cow::Borrowed(quote),
                verb,
                actor,
                address,
                teller: fact.component.as_str(),
                told: fact.key("address").is_some(),
                fact: Some(id),
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

/// The longest run of writes in which two actors take turns, as one teller has it: two name the same actor differently.
fn by_turns<'w, 'a>(writes: &'w [Write<'a>], within: i64) -> Vec<&'w Write<'a>> {
    let who = |w: &Write<'a>| (w.actor, w.address);
    let tellers: BTreeSet<&str> = writes.iter().map(|w| w.teller).collect();
    let runs = tellers.into_iter().map(|teller| {
        let told = || writes.iter().filter(|w| w.teller == teller);
        let actors: BTreeSet<_> = told().map(who).collect();
        // One program that runs once, seen from two addresses, is the same actor; so more than a handful is a crowd.
        if !(2..=3).contains(&actors.len()) {
            return Vec::new();
        }
        run(told(), within, |a, b| who(a) != who(b))
    });
    runs.max_by_key(Vec::len).unwrap_or_default()
}

fn run<'w, 'a: 'w>(
    writes: impl IntoIterator<Item = &'w Write<'a>>,
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
        .max(turns.len() as u64 / 2)
        .max(object.changes().filter(|_| !lives).unwrap_or(0));
    let keys = Keys::from([
        (String::from("kind"), kind.to_owned()),
        (String::from("object"), name.to_owned()),
        (String::from("count"), times.to_string()),
        (String::from("actors"), some(actors.iter().copied(), 4)),
        (
            String::from("addresses"),
            if addresses.is_empty() {
                String::from("-")
            } else {
                some(addresses.iter().copied(), 4)
            },
        ),
        (
            String::from("actorCount"),
            actors.len().max(addresses.len()).to_string(),
        ),
    ]);
    let evidence = turns
        .iter()
        .take(8)
        .map(|w| w.quote.clone().into_owned())
        .collect();
    let from: BTreeSet<FactId> = turns.iter().filter_map(|w| w.fact).collect();
    // Folding keeps the first ones and the last: the turns may end before the duel does.
    let goes_on = from
        .iter()
        .filter_map(|id| task.world.facts.get(id.0 as usize)?.span.last)
        .max_by_key(|s| s.at);
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
    fact.span.last = later(turns.last().map(|w| w.at), goes_on);
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
        // A node's taints, say; its heartbeats are on a subresource.
        case(
            WRITES,
            &many("/api/v1/nodes/n1", "scaler/v1 (linux)"),
            &["node/n1 count=5 actors=argocd, scaler addresses=10.0.0.5, 10.0.0.6"],
        );
        case(
            WRITES,
            &many("/api/v1/nodes/n1/status", "scaler/v1 (linux)"),
            &[],
        );
        let endpoints = "/api/v1/namespaces/shop/endpoints/web";
        case(WRITES, &many(endpoints, "scaler/v1 (linux)"), &[]);
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

    /// A Deployment as `kubectl get -o yaml` prints it, with who wrote it last.
    fn deployment(generation: u32, writers: &[(&str, &str, &str)]) -> String {
        let fields = writers
            .iter()
            .map(|(manager, time, subresource)| {
                format!("  - apiVersion: apps/v1\n    fieldsV1:\n      f:spec:\n        f:replicas: {{}}\n    manager: {manager}\n    operation: Update\n{subresource}    time: \"{time}\"\n")
            })
            .collect::<Vec<_>>()
            .concat();
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  creationTimestamp: \"2026-07-21T10:00:00Z\"\n  generation: {generation}\n  managedFields:\n{fields}  name: web\n  namespace: shop\nspec:\n  replicas: 3\n"
        )
    }

    #[track_caller]
    fn objects_case(files: &[String], expected: &[&str]) {
        let names: Vec<String> = (0..files.len()).map(|n| format!("{n}/web.yaml")).collect();
        let files: Vec<(&str, &str)> = names
            .iter()
            .map(String::as_str)
            .zip(files.iter().map(String::as_str))
            .collect();
        assert_eq!(
            shown(&facts_of(&files, WRITES), &["count", "actors"]),
            expected
        );
    }

    #[test]
    fn an_object_names_its_two_writers() {
        let (a, b) = (
            ("argocd-controller", "2026-07-23T10:02:11Z", ""),
            ("scaler", "2026-07-23T10:02:13Z", ""),
        );
        let expected = ["deployment/shop/web count=4110 actors=argocd-controller, scaler"];
        objects_case(&[deployment(4111, &[a, b])], &expected);
        // Scaling goes by a subresource of its own.
        let hpa = (
            "kube-controller-manager",
            "2026-07-23T10:02:13Z",
            "    subresource: scale\n",
        );
        objects_case(
            &[deployment(4111, &[a, hpa])],
            &[
                "deployment/shop/web count=4110 actors=argocd-controller, kube-controller-manager/scale",
            ],
        );
        // Two wrote it at the same time, and it hardly ever changed.
        objects_case(&[deployment(7, &[a, b])], &[]);
        // It changes all the time, by one; the other one made it.
        let old = ("kubectl-create", "2026-07-21T10:00:00Z", "");
        objects_case(&[deployment(4111, &[old, b])], &[]);
        // The status is an answer.
        let status = (
            "operator",
            "2026-07-23T10:02:13Z",
            "    subresource: status\n",
        );
        objects_case(&[deployment(4111, &[a, status])], &[]);
    }

    #[test]
    fn several_outputs_of_an_object_show_turns() {
        let at = |minute: u32, second: u32| format!("2026-07-23T10:{minute:02}:{second:02}Z");
        let output = |n: u32| {
            deployment(
                40 + 2 * n,
                &[
                    ("argocd-controller", &at(n, 11), ""),
                    ("scaler", &at(n, 13), ""),
                ],
            )
        };
        let all: Vec<String> = (1..5).map(output).collect();
        objects_case(
            &all,
            &["deployment/shop/web count=4 actors=argocd-controller, scaler"],
        );
        objects_case(&all[..2], &[]);
    }

    #[test]
    fn two_logs_of_one_request_are_one_actor() {
        let one = "/apis/apps/v1/namespaces/shop/deployments/web";
        let http: Vec<String> = (0..5)
            .map(|n| request(n * 10, "PATCH", one, "argocd/v2 (linux)", "10.0.0.5"))
            .collect();
        let audit = (0..5)
            .map(|n| format!("{{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"level\":\"Metadata\",\"auditID\":\"a{n}\",\"stage\":\"ResponseComplete\",\"requestURI\":\"{one}\",\"verb\":\"patch\",\"user\":{{\"username\":\"system:serviceaccount:argocd:controller\"}},\"sourceIPs\":[\"10.0.0.5\"],\"userAgent\":\"argocd/v2\",\"objectRef\":{{\"resource\":\"deployments\",\"namespace\":\"shop\",\"name\":\"web\"}},\"responseStatus\":{{\"code\":200}},\"requestReceivedTimestamp\":\"2026-07-23T10:00:{n}0.120134Z\",\"stageTimestamp\":\"2026-07-23T10:00:{n}0.125134Z\"}}\n"))
            .collect::<Vec<_>>()
            .concat();
        let files = [
            ("cp1/kube-apiserver.log", http.concat()),
            ("cp1/audit.log", audit),
        ];
        let files: Vec<(&str, &str)> = files.iter().map(|(p, t)| (*p, t.as_str())).collect();
        assert_eq!(facts_of(&files, WRITES).len(), 0);
    }

    #[test]
    fn made_and_removed_by_one() {
        let agent = "ci-runner/v1 (linux)";
        let lines: Vec<String> = (0..4)
            .flat_map(|n| {
                [
                    request(n * 20, "POST", SET, agent, "192.168.0.7"),
                    request(n * 20 + 5, "DELETE", ONE, agent, "192.168.0.7"),
                ]
            })
            .collect();
        case(LIVES, &lines, &[]);
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
