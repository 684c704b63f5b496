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
    fn changes(&self, task: &Task<'_>) -> Option<u64> {
        // Fewer may be a busy week; one that changes less often is not fought over.
        let least = task.number("generations").unwrap_or(100);
        let apart = task.time("apart").unwrap_or(2 * MINUTE).max(1);
        let (from, before) = self.generations.first()?;
        let (until, now) = self.generations.last()?;
        let (changes, took) = (now.saturating_sub(*before), until.since(*from));
        (changes >= least && took / apart <= i64::try_from(changes).ok()?).then_some(changes)
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
            let turns = by_turns(&object.writes, within, lives)
                .into_iter()
                .filter(|turns| turns.len() as u64 >= least)
                .filter(|turns| {
                    if lives {
                        two_sides(turns, &users)
                    } else {
                        !one_behind_proxies(turns, &users)
                    }
                })
                .max_by_key(Vec::len);
            if let Some(turns) = turns {
                return fact(task, &kind, &name, &object, &turns, lives);
            }
            let last = last_two(&object.writes, within).filter(|_| !lives)?;
            object.changes(task)?;
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

/// For each teller, since two name the same actor differently, the longest run of writes in which create and delete
/// take turns (`lives`), or two actors. What each controller says of itself is news of its own: all of that is one teller.
fn by_turns<'w, 'a>(writes: &'w [Write<'a>], within: i64, lives: bool) -> Vec<Vec<&'w Write<'a>>> {
    let who = |w: &Write<'a>| (w.actor, w.address);
    let teller = |w: &Write<'a>| if w.told { w.teller } else { "" };
    let tellers: BTreeSet<&str> = writes.iter().map(teller).collect();
    let runs = tellers.into_iter().map(|by| {
        let told = || writes.iter().filter(|w| teller(w) == by);
        if lives {
            return run(told(), within, |a, b| a.verb != b.verb);
        }
        let actors: BTreeSet<_> = told().map(who).collect();
        // One program that runs once, seen from two addresses, is the same actor; so more than a handful is a crowd.
        if !(2..=3).contains(&actors.len()) {
            return Vec::new();
        }
        run(told(), within, |a, b| who(a) != who(b))
    });
    runs.collect()
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
        .max(object.changes(task).filter(|_| !lives).unwrap_or(0));
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
mod tests;
