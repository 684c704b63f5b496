//! The sandbox ledger: a pod that had ended gets another sandbox.
//!
//! `SyncLoop (PLEG): "hello-1554145200-x7k2p_default(5a7c…)", event: &pleg.PodLifecycleEvent{ID:"5a7c…",
//! Type:"ContainerStarted", Data:"8a7f…"}` (and its structured form) tells, container by container, what kubelet saw.
//! PLEG does not say which id is the sandbox; the order does: once *all* containers of a pod have died and a single new
//! one starts that no further container follows, that one is a sandbox with nothing to run in it. A pod that is
//! restarted has its containers started again right after, and is left alone.

use std::collections::{BTreeMap, BTreeSet};

use super::Task;
use super::support::{machine, short, value};
use crate::base::time::{MINUTE, SECOND, Stamp};
use crate::model::{Component, Fact, FactId, Keys, Quote};

/// Raw facts that tell the life of containers.
const EVENTS: &[&str] = &["ip-leak/container-event"];
/// Raw facts in which kubelet says that it starts a new sandbox.
const NO_READY: &[&str] = &["ip-leak/no-ready-sandbox"];
/// How long kubelet may take from a sandbox to the first container in it (image pulls apart).
const START: i64 = MINUTE;

/// One event of one container.
struct Event<'a> {
    at: Option<Stamp>,
    quote: &'a Quote,
    fact: FactId,
    id: &'a str,
    started: bool,
}

/// One pod of one node: name, uid.
type Pod<'a> = (&'a str, &'a str, Option<&'a str>);

pub(super) fn infer(task: &Task<'_>) -> Vec<Fact> {
    let mut pods: BTreeMap<Pod<'_>, Vec<Event<'_>>> = BTreeMap::new();
    for (id, fact) in task.facts(EVENTS) {
        let (Some(pod), Some(container), Some(kind)) =
            (fact.key("pod"), fact.key("id"), fact.key("type"))
        else {
            continue;
        };
        let key = (pod, fact.key("uid").unwrap_or_default(), fact.key("node"));
        let events = pods.entry(key).or_default();
        // A relist may report a start twice; the first one counts.
        if let Some(quote) = fact.evidence().first() {
            events.push(Event {
                at: quote.time,
                quote,
                fact: id,
                id: container,
                started: kind == "ContainerStarted",
            });
        }
    }
    let announced: BTreeMap<&str, &Quote> = task
        .facts(NO_READY)
        .filter_map(|(_, f)| Some((f.key("pod")?, f.evidence().first()?)))
        .collect();
    let finished = finished(task);
    let mut facts = Vec::new();
    for ((pod, _, node), mut events) in pods {
        events.sort_by_key(|e| (e.at.map_or(i64::MAX, |t| t.at.0), e.quote.place));
        let ended = task.world.window.1;
        let Some(second) = second(&events, ended) else {
            continue;
        };
        // Without any sign that the pod had completed, an endless crash of its sandbox looks the same.
        let job = is_job(task, pod);
        if !finished.contains(pod) && !job && !announced.contains_key(pod) {
            continue;
        }
        let mut keys = keys(pod, node);
        let ids = format!("{}, {}", short(second.first.id), short(second.again.id));
        keys.insert(String::from("sandboxes"), ids);
        keys.insert(String::from("sandbox"), second.again.id.to_owned());
        let mut evidence = vec![second.first.quote.clone(), second.died.quote.clone()];
        evidence.extend(announced.get(pod).map(|q| (*q).clone()));
        evidence.push(second.again.quote.clone());
        let from: Vec<FactId> = vec![second.first.fact, second.died.fact, second.again.fact];
        let Some(mut fact) = task.fact("sandbox-ledger", keys, Component::KUBELET, evidence, from)
        else {
            continue;
        };
        fact.span.first = second.again.at;
        fact.span.last = second.gone.or(second.again.at);
        facts.push(fact);
    }
    facts
}

/// A needless sandbox.
struct Second<'e, 'a> {
    first: &'e Event<'a>,
    died: &'e Event<'a>,
    again: &'e Event<'a>,
    gone: Option<Stamp>,
}

fn second<'e, 'a>(
    events: &'e [Event<'a>],
    ended: Option<crate::base::time::Instant>,
) -> Option<Second<'e, 'a>> {
    let mut alive: BTreeSet<&str> = BTreeSet::new();
    let mut known: BTreeSet<&str> = BTreeSet::new();
    let mut dead = 0usize;
    for (i, event) in events.iter().enumerate() {
        if !event.started {
            if alive.remove(event.id) || known.insert(event.id) {
                dead += 1;
            }
            continue;
        }
        // Sandbox and at least one container had died, and nothing was left.
        if alive.is_empty() && dead >= 2 && !known.contains(event.id) {
            let rest = events.get(i + 1..).unwrap_or_default();
            let followed = rest
                .iter()
                .any(|e| e.started && e.id != event.id && !known.contains(e.id) && near(event, e));
            let gone = rest
                .iter()
                .find(|e| !e.started && e.id == event.id)
                .and_then(|e| e.at);
            let settled = gone.is_some()
                || matches!((event.at, ended), (Some(at), Some(end)) if end.since(at.at) >= START);
            if !followed && settled {
                let first = events.iter().find(|e| e.started)?;
                let died = events.get(..i)?.iter().rev().find(|e| !e.started)?;
                return Some(Second {
                    first,
                    died,
                    again: event,
                    gone,
                });
            }
        }
        known.insert(event.id);
        alive.insert(event.id);
    }
    None
}

/// Whether the second start belongs to the same attempt to run the pod.
fn near(sandbox: &Event<'_>, container: &Event<'_>) -> bool {
    match (sandbox.at, container.at) {
        (Some(a), Some(b)) => b.at.since(a.at) <= START,
        _ => true,
    }
}

/// Pods that some output shows as finished.
fn finished<'a>(task: &'a Task<'_>) -> BTreeSet<&'a str> {
    task.states("pod")
        .filter(|(_, l)| {
            matches!(
                value(l, "status"),
                Some("Completed" | "Succeeded" | "Error" | "Failed")
            ) || l.text.contains(" terminated reason=Completed")
        })
        .map(|(_, l)| l.entity.name())
        .collect()
}

/// Whether a pod is of a Job: its owner says so, or it bears the number that cron jobs give.
fn is_job(task: &Task<'_>, pod: &str) -> bool {
    let entity = crate::model::Entity::new("pod", pod);
    if !task.world.topology.walk(&entity, &["job"]).is_empty() {
        return true;
    }
    let mut parts = pod.rsplit('-');
    let _suffix = parts.next();
    parts
        .next()
        .is_some_and(|n| (8..=10).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit()))
}

fn keys(pod: &str, node: Option<&str>) -> Keys {
    let mut keys = machine(node);
    let (namespace, name) = pod.split_once('/').unwrap_or(("default", pod));
    keys.insert(String::from("namespace"), namespace.to_owned());
    keys.insert(String::from("pod"), name.to_owned());
    keys
}

/// Times at which kubelet saw each container die, by the short form of its id: what [`super::ip_ledger`] takes as the
/// end of a sandbox.
pub(super) fn deaths<'a>(task: &'a Task<'_>) -> BTreeMap<&'a str, (Stamp, &'a Quote)> {
    task.facts(EVENTS)
        .filter(|(_, f)| f.key("type") == Some("ContainerDied"))
        .filter_map(|(_, f)| {
            let quote = f.evidence().first()?;
            Some((
                short(f.key("id")?),
                (quote.time.filter(|t| t.err < 10 * SECOND)?, quote),
            ))
        })
        .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use std::fmt::Write as _;

    use super::super::testing::{facts_of, shown};

    /// A kubelet log of (second, pod, type, id).
    pub(in crate::infer) fn kubelet(events: &[(u32, &str, &str, &str)]) -> String {
        let mut log = String::from("Log file created at: 2026/04/02 03:00:00\n");
        for (second, pod, kind, id) in events {
            let (minute, second) = (second / 60, second % 60);
            let _ = writeln!(
                log,
                "I0402 03:{minute:02}:{second:02}.301271    4121 kubelet.go:1953] SyncLoop (PLEG): \"{pod}_default(5a7c)\", event: &pleg.PodLifecycleEvent{{ID:\"5a7c\", Type:\"Container{kind}\", Data:\"{id}\"}}"
            );
        }
        log.push_str("I0402 03:30:00.000000    4121 kubelet.go:1] x\n");
        log
    }

    const SANDBOX: &str = "8a7fd1c0b2e94d51";
    const APP: &str = "bbbbbbbbbbbb0001";
    const AGAIN: &str = "9b8fd1c0b2e94d51";
    const POD: &str = "hello-1554145200-x7k2p";

    #[track_caller]
    fn case(events: &[(u32, &str, &str, &str)], expected: &[&str]) {
        let log = kubelet(events);
        let facts = facts_of(&[("n1/kubelet.log", &log)], "ip-leak/second-sandbox");
        assert_eq!(
            shown(&facts, &["sandboxes", "node"]),
            expected,
            "{events:?}"
        );
    }

    #[test]
    fn a_second_sandbox_after_the_end() {
        let once = [
            (1, POD, "Started", SANDBOX),
            (2, POD, "Started", APP),
            (3, POD, "Died", APP),
            (4, POD, "Died", SANDBOX),
        ];
        case(&once, &[]);
        let mut twice = once.to_vec();
        twice.push((5, POD, "Started", AGAIN));
        case(
            &twice,
            &["pod/default/hello-1554145200-x7k2p sandboxes=8a7fd1c0b2e9, 9b8fd1c0b2e9 node=n1"],
        );
        // The containers come back with it: the pod was restarted.
        twice.push((6, POD, "Started", "bbbbbbbbbbbb0002"));
        case(&twice, &[]);
    }

    #[test]
    fn a_container_that_restarts_in_its_sandbox_is_no_second_sandbox() {
        case(
            &[
                (1, POD, "Started", SANDBOX),
                (2, POD, "Started", APP),
                (3, POD, "Died", APP),
                (9, POD, "Started", "bbbbbbbbbbbb0002"),
            ],
            &[],
        );
    }

    #[test]
    fn a_server_whose_sandbox_dies_is_not_told() {
        let pod = "web-7c9ffff6d5-t7vmg";
        case(
            &[
                (1, pod, "Started", SANDBOX),
                (2, pod, "Started", APP),
                (3, pod, "Died", APP),
                (3, pod, "Died", SANDBOX),
                (5, pod, "Started", AGAIN),
            ],
            &[],
        );
    }
}
