//! The IP ledger: what was taken, what was given back, what pods that are gone still hold.
//!
//! `CNI_COMMAND=ADD CNI_CONTAINERID=8a7f… CNI_NETNS=/proc/10001/ns/net … ip=10.9.1.7` against `CNI_COMMAND=DEL
//! CNI_CONTAINERID=8a7f… CNI_NETNS=""`; containerd's and CRI-O's reports of sandboxes serve as well. An address counts
//! as leaked only when three things are known: it was taken, its sandbox has ended, and no call gave it back. A machine
//! that lost its power in between, and a sandbox that may still run, prove nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::Task;
use super::sandbox;
use super::support::{machine, short, some};
use crate::base::time::{HOUR, Instant, MINUTE, Stamp};
use crate::model::{Component, Fact, FactId, Quote};

const TAKEN: &[&str] = &["ip-leak/network-taken"];
const GIVEN: &[&str] = &["ip-leak/network-given-back"];
const FAILED: &[&str] = &["ip-leak/address-not-found"];
const BOOTS: &[&str] = &["node/rebooted", "node/shutting-down"];
/// How long after its end a sandbox may still be on its way to be taken down.
const GRACE: i64 = 2 * MINUTE;

/// One sandbox of one node.
#[derive(Default)]
struct Entry<'a> {
    taken: Option<&'a Quote>,
    address: Option<&'a str>,
    pod: Option<&'a str>,
    /// Calls that gave it back, with or without network namespace, or that say they succeeded.
    given: bool,
    /// A call without network namespace.
    blind: Option<&'a Quote>,
    component: Option<&'a Component>,
}

pub(super) fn infer(task: &Task<'_>) -> Vec<Fact> {
    let least = task
        .number("leaked")
        .and_then(|n| usize::try_from(n).ok())
        .unwrap_or(2)
        .max(1);
    let deaths = sandbox::deaths(task);
    let mut nodes: BTreeMap<&str, BTreeMap<&str, Entry<'_>>> = BTreeMap::new();
    for (_, fact) in task.facts(TAKEN) {
        let (Some(id), Some(quote)) = (fact.key("sandbox"), fact.evidence().first()) else {
            continue;
        };
        let entry = nodes
            .entry(node(fact))
            .or_default()
            .entry(short(id))
            .or_default();
        entry.taken = entry.taken.or(Some(quote));
        entry.address = entry.address.or(fact.key("address"));
        entry.pod = entry.pod.or(fact.key("pod"));
        entry.component = entry.component.or(Some(&fact.component));
    }
    for (_, fact) in task.facts(GIVEN) {
        let (Some(id), Some(quote)) = (fact.key("sandbox"), fact.evidence().first()) else {
            continue;
        };
        let entry = nodes
            .entry(node(fact))
            .or_default()
            .entry(short(id))
            .or_default();
        if fact.key("netns").is_some() || fact.key("done").is_some() {
            entry.given = true;
        } else {
            entry.blind = entry.blind.or(Some(quote));
        }
    }
    let partial = task.only_counted(&[TAKEN, GIVEN].concat());
    nodes
        .into_iter()
        .filter_map(|(node, entries)| ledger(task, node, &entries, &deaths, least, partial))
        .collect()
}

fn node(fact: &Fact) -> &str {
    fact.key("node").or(fact.key("host")).unwrap_or("unknown")
}

fn ledger(
    task: &Task<'_>,
    node: &str,
    entries: &BTreeMap<&str, Entry<'_>>,
    deaths: &BTreeMap<&str, (Stamp, &Quote)>,
    least: usize,
    partial: u64,
) -> Option<Fact> {
    // A log that never shows a release does not print them.
    let releases = entries.values().filter(|e| e.given).count();
    let failures = failures(task, node);
    if releases == 0 && failures.is_empty() && !entries.values().any(|e| e.blind.is_some()) {
        return None;
    }
    let end = task.world.window.1;
    let boots: Vec<Instant> = task
        .facts(BOOTS)
        .filter(|(_, f)| f.key("node") == Some(node))
        .filter_map(|(_, f)| f.span.first.or(f.span.last))
        .map(|t| t.at)
        .collect();
    let mut leaked: Vec<(&str, &Entry<'_>, Vec<Quote>)> = Vec::new();
    for (id, entry) in entries.iter().filter(|(_, e)| !e.given) {
        let Some(taken) = entry.taken else { continue };
        let Some((at, mut proof)) = gone(id, entry, deaths, &failures) else {
            continue;
        };
        let settled = matches!((at, end), (Some(at), Some(end)) if end.since(at) >= GRACE)
            || entry.blind.is_some();
        let rebooted = match (taken.time, at) {
            (Some(from), Some(to)) => boots.iter().any(|b| *b >= from.at && *b <= to.plus(GRACE)),
            _ => !boots.is_empty(),
        };
        if settled && !rebooted {
            proof.insert(0, taken.clone());
            leaked.push((id, entry, proof));
        }
    }
    if leaked.len() < least {
        return None;
    }
    let allocations = entries.values().filter(|e| e.taken.is_some()).count();
    let mut keys = machine(Some(node));
    let mut put = |k: &str, v: String| keys.insert(k.to_owned(), v);
    put("allocations", allocations.to_string());
    put("releases", releases.to_string());
    put("leaked", leaked.len().to_string());
    put("sandboxes", some(leaked.iter().map(|(id, ..)| *id), 6));
    let addresses: BTreeSet<&str> = leaked.iter().filter_map(|(_, e, _)| e.address).collect();
    if !addresses.is_empty() {
        put("addresses", some(addresses, 12));
    }
    let pods: BTreeSet<&str> = leaked.iter().filter_map(|(_, e, _)| e.pod).collect();
    if !pods.is_empty() {
        put("pods", some(pods, 6));
    }
    if let Some(rate) = rate(&leaked) {
        put("perHour", rate);
    }
    if partial > 0 {
        put("partial", format!("{partial} more calls were only counted"));
    }
    let component = leaked.first().and_then(|(_, e, _)| e.component).cloned()?;
    let evidence: Vec<Quote> = leaked
        .iter()
        .flat_map(|(.., q)| q.iter().cloned())
        .take(8)
        .collect();
    let from: Vec<FactId> = failures.iter().map(|(id, _)| *id).take(4).collect();
    let mut fact = task.fact("ip-ledger", keys, component, evidence, from)?;
    fact.count = leaked.len() as u64;
    fact.span.first = leaked
        .iter()
        .filter_map(|(_, e, _)| e.taken?.time)
        .min_by_key(|t| t.at);
    fact.span.last = leaked
        .iter()
        .flat_map(|(.., q)| q.iter().filter_map(|q| q.time))
        .max_by_key(|t| t.at);
    Some(fact)
}

/// The plugin's own words that it found nothing to give back on this node.
fn failures<'a>(task: &'a Task<'_>, node: &str) -> Vec<(FactId, &'a Fact)> {
    task.facts(FAILED)
        .filter(|(_, f)| self::node(f) == node)
        .collect()
}

/// Whether a sandbox that nobody gave back is known to have ended: since when, and by which lines.
fn gone(
    id: &str,
    entry: &Entry<'_>,
    deaths: &BTreeMap<&str, (Stamp, &Quote)>,
    failures: &[(FactId, &Fact)],
) -> Option<(Option<Instant>, Vec<Quote>)> {
    if let Some(blind) = entry.blind {
        // A DEL without a namespace is no proof by itself: good plugins release by container id all the same. The
        // plugin has to say that it found nothing, or the sandbox is one for which nothing else was printed.
        let said = failures.iter().find(|(_, f)| {
            f.evidence().iter().any(|q| q.text.contains(id))
                || f.evidence()
                    .first()
                    .is_some_and(|q| q.place.source == blind.place.source)
        });
        let (_, said) = said?;
        let mut proof = vec![blind.clone()];
        proof.extend(said.evidence().first().cloned());
        return Some((blind.time.map(|t| t.at), proof));
    }
    let (at, quote) = deaths.get(id)?;
    Some((Some(at.at), vec![(*quote).clone()]))
}

/// Leaks an hour, when the ledger covers at least one.
fn rate(leaked: &[(&str, &Entry<'_>, Vec<Quote>)]) -> Option<String> {
    let times = || {
        leaked
            .iter()
            .filter_map(|(_, e, _)| e.taken?.time)
            .map(|t| t.at)
    };
    let (first, last) = (times().min()?, times().max()?);
    let hours = last.since(first) / HOUR;
    let n = i64::try_from(leaked.len()).ok()?;
    (hours >= 1).then(|| (n / hours).to_string())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{facts_of, shown};

    const KIND: &str = "ip-leak/addresses-leaked";

    fn add(second: u32, id: &str, address: &str) -> String {
        format!(
            "2026/04/02 03:15:{second:02} CNI_COMMAND=ADD CNI_CONTAINERID={id} CNI_NETNS=/proc/1/ns/net CNI_IFNAME=eth0 K8S_POD_NAME=hello-{id} K8S_POD_NAMESPACE=default ip={address}\n"
        )
    }

    fn del(second: u32, id: &str, netns: &str) -> String {
        format!(
            "2026/04/02 03:16:{second:02} CNI_COMMAND=DEL CNI_CONTAINERID={id} CNI_NETNS={netns} CNI_IFNAME=eth0\n"
        )
    }

    #[track_caller]
    fn case(lines: &[String], expected: &[&str]) {
        let mut log = lines.concat();
        log.push_str("2026/04/02 03:59:00 CNI_COMMAND=VERSION\n");
        let facts = facts_of(&[("n1/cni.log", &log)], KIND);
        assert_eq!(
            shown(&facts, &["allocations", "releases", "leaked", "addresses"]),
            expected,
            "{log}"
        );
    }

    const A: &str = "aaaaaaaaaaaa0001";
    const B: &str = "bbbbbbbbbbbb0001";
    const C: &str = "cccccccccccc0001";

    #[test]
    fn what_a_dead_sandbox_still_holds() {
        let failed = |id: &str| {
            format!(
                "2026/04/02 03:16:59 [error] release failed: pod IP not found, container {id}\n"
            )
        };
        let taken = [
            add(1, A, "10.9.1.1"),
            add(2, B, "10.9.1.2"),
            add(3, C, "10.9.1.3"),
        ];
        let mut lines = taken.to_vec();
        lines.extend([
            del(1, A, "/proc/1/ns/net"),
            del(2, B, "\"\""),
            failed(B),
            del(3, C, "\"\""),
            failed(C),
        ]);
        case(
            &lines,
            &["node/n1 allocations=3 releases=1 leaked=2 addresses=10.9.1.2, 10.9.1.3"],
        );
        // Everything was given back; a second DEL comes without a namespace, as kubelet does it.
        let mut lines = taken.to_vec();
        for id in [A, B, C] {
            lines.extend([del(1, id, "/proc/1/ns/net"), del(2, id, "\"\"")]);
        }
        case(&lines, &[]);
        // Nobody says that the other two have ended.
        let mut lines = taken.to_vec();
        lines.push(del(1, A, "/proc/1/ns/net"));
        case(&lines, &[]);
    }

    #[test]
    fn kubelet_tells_the_end_where_the_plugin_is_never_called() {
        let mut cni = [
            add(1, A, "10.9.1.1"),
            add(2, B, "10.9.1.2"),
            add(3, C, "10.9.1.3"),
            del(9, C, "/proc/1/ns/net"),
        ]
        .concat();
        cni.push_str("2026/04/02 03:59:00 CNI_COMMAND=VERSION\n");
        let kubelet = super::super::sandbox::tests::kubelet(&[
            (960, "hello", "Died", A),
            (961, "hello", "Died", B),
        ]);
        let files = [
            ("n1/cni.log", cni.as_str()),
            ("n1/kubelet.log", kubelet.as_str()),
        ];
        assert_eq!(
            shown(&facts_of(&files, KIND), &["leaked"]),
            ["node/n1 leaked=2"]
        );
        assert!(facts_of(&files[..1], KIND).is_empty());
    }
}
