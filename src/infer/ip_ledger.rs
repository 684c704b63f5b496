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
    let least = task.amount("leaked").unwrap_or(2).max(1);
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
    let ends = ends(task);
    let partial = task.only_counted(&[TAKEN, GIVEN].concat());
    nodes
        .into_iter()
        .filter_map(|(node, entries)| {
            let book = Book {
                node,
                entries: &entries,
                ends: &ends,
                partial,
            };
            ledger(task, &book, &deaths, least)
        })
        .collect()
}

/// Until when the log of each component of each node goes: what happened later it does not say.
type Ends<'a> = BTreeMap<(&'a str, &'a Component), Instant>;

fn ends<'a>(task: &'a Task<'_>) -> Ends<'a> {
    let mut ends = Ends::new();
    for (_, fact) in task.facts(&[TAKEN, GIVEN].concat()) {
        for quote in fact.evidence() {
            if let (_, Some(last)) = task.world.coverage(quote.place.source) {
                let end = ends.entry((node(fact), &fact.component)).or_insert(last.at);
                *end = (*end).max(last.at);
            }
        }
    }
    ends
}

/// What the logs say of one node.
struct Book<'b, 'a> {
    node: &'a str,
    entries: &'b BTreeMap<&'a str, Entry<'a>>,
    ends: &'b Ends<'a>,
    partial: u64,
}

impl Book<'_, '_> {
    /// Whether the address was taken again later: then the pool had it back.
    fn taken_again(&self, id: &str, entry: &Entry<'_>) -> bool {
        let since = |e: &Entry<'_>| e.taken.and_then(|q| q.time).map(|t| t.at);
        entry.address.is_some()
            && self.entries.iter().any(|(other, e)| {
                *other != id && e.address == entry.address && since(e) > since(entry)
            })
    }

    /// Until when the log that shows the entry goes.
    fn end(&self, entry: &Entry<'_>) -> Option<Instant> {
        self.ends.get(&(self.node, entry.component?)).copied()
    }
}

fn node(fact: &Fact) -> &str {
    fact.key("node").or(fact.key("host")).unwrap_or("unknown")
}

fn ledger(
    task: &Task<'_>,
    book: &Book<'_, '_>,
    deaths: &BTreeMap<&str, (Stamp, &Quote)>,
    least: usize,
) -> Option<Fact> {
    let Book {
        node,
        entries,
        partial,
        ..
    } = *book;
    // A log that never shows a release does not print them.
    let releases = entries.values().filter(|e| e.given).count();
    let failures = failures(task, node);
    if releases == 0 && failures.is_empty() && !entries.values().any(|e| e.blind.is_some()) {
        return None;
    }
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
        let end = book.end(entry);
        let settled = matches!((at, end), (Some(at), Some(end)) if end.since(at) >= GRACE)
            || entry.blind.is_some();
        let rebooted = match (taken.time, at) {
            (Some(from), Some(to)) => boots.iter().any(|b| *b >= from.at && *b <= to.plus(GRACE)),
            _ => !boots.is_empty(),
        };
        if settled && !rebooted && !book.taken_again(id, entry) {
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
    put(
        "leaks",
        some(listed(&leaked).iter().map(String::as_str), 40),
    );
    put("hours", hours(entries, &leaked));
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

/// Address, pod and sandbox of each leak.
fn listed(leaked: &[(&str, &Entry<'_>, Vec<Quote>)]) -> Vec<String> {
    let words = |(id, entry, _): &(&str, &Entry<'_>, Vec<Quote>)| {
        let parts = [entry.address, entry.pod, Some(*id)];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    };
    leaked.iter().map(words).collect()
}

/// Addresses taken and leaked by hour of the day they were taken in: `2026-04-02 03h 12/4`.
fn hours(entries: &BTreeMap<&str, Entry<'_>>, leaked: &[(&str, &Entry<'_>, Vec<Quote>)]) -> String {
    let mut hours: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let hour = |e: &Entry<'_>| {
        let at = e.taken?.time?.at;
        Some(format!(
            "{} {}h",
            at.date(),
            at.clock().get(..2)?.to_owned()
        ))
    };
    for h in entries.values().filter_map(hour) {
        hours.entry(h).or_default().0 += 1;
    }
    for h in leaked.iter().filter_map(|(_, e, _)| hour(e)) {
        hours.entry(h).or_default().1 += 1;
    }
    let words: Vec<String> = hours
        .iter()
        .map(|(h, (taken, lost))| format!("{h} {taken}/{lost}"))
        .collect();
    some(words.iter().map(String::as_str), 48)
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
    fn what_the_plugin_s_log_does_not_reach_is_no_leak() {
        let kubelet = super::super::sandbox::tests::kubelet(&[
            (960, "hello", "Died", A),
            (961, "hello", "Died", B),
        ]);
        let log = |end: &str, later: &str| {
            [
                add(1, A, "10.9.1.1"),
                add(2, B, "10.9.1.2"),
                add(3, C, "10.9.1.3"),
                del(9, C, "/proc/1/ns/net"),
                later.to_owned(),
                format!("2026/04/02 {end} CNI_COMMAND=VERSION\n"),
            ]
            .concat()
        };
        let leaked = |cni: &str| {
            let files = [("n1/cni.log", cni), ("n1/kubelet.log", kubelet.as_str())];
            shown(&facts_of(&files, KIND), &["leaked", "leaks", "hours"])
        };
        assert_eq!(
            leaked(&log("03:59:00", "")),
            [
                "node/n1 leaked=2 leaks=10.9.1.1 default/hello-aaaaaaaaaaaa0001 aaaaaaaaaaaa, 10.9.1.2 default/hello-bbbbbbbbbbbb0001 bbbbbbbbbbbb hours=2026-04-02 03h 3/2"
            ]
        );
        // It ends before the plugin could be called.
        assert_eq!(leaked(&log("03:16:30", "")), Vec::<String>::new());
        // The address was given to another pod: the pool had it back.
        let again = "2026/04/02 03:40:00 CNI_COMMAND=ADD CNI_CONTAINERID=dddddddddddd0001 CNI_NETNS=/proc/1/ns/net CNI_IFNAME=eth0 ip=10.9.1.2\n";
        assert_eq!(leaked(&log("03:59:00", again)), Vec::<String>::new());
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
