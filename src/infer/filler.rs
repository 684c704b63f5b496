//! What fills etcd: the writes before the alarm, summed by resource and namespace.
//!
//! Two measures, of different worth. etcd's own lines about slow or large requests carry the size of the value: bytes.
//! The request logs of the API server carry only that something was created: a count, which says nothing of size.

use std::collections::BTreeMap;

use super::Task;
use super::support::span_of;
use crate::base::time::{Instant, MINUTE};
use crate::base::units::human_bytes;
use crate::model::{Fact, FactId, Keys};

/// Less than this fills no database.
const LEAST_BYTES: u64 = 4 << 20;

/// One share of the writes.
#[derive(Default)]
struct Heap<'a> {
    amount: u64,
    writes: u64,
    facts: Vec<(FactId, &'a Fact)>,
}

pub(super) fn infer(task: &Task<'_>) -> Vec<Fact> {
    let alarm = task.list("alarm");
    let Some(full) = task
        .facts(&alarm)
        .filter_map(|(_, f)| f.span.first.or(f.span.last))
        .map(|s| s.at)
        .min()
    else {
        return Vec::new();
    };
    let writes = task.list("writes");
    let by_size = task.word("measure") == Some("bytes");
    let ordinary = task.list("ordinary");
    let mut heaps: BTreeMap<String, Heap<'_>> = BTreeMap::new();
    for (id, fact) in task
        .facts(&writes)
        .filter(|(_, f)| before(f, full_for(task, &alarm, f).unwrap_or(full)))
    {
        let counted = match fact.key("size") {
            Some(size) if by_size => size.parse().unwrap_or(0),
            _ if by_size || !creates(fact) => continue,
            _ => 1,
        };
        let Some(what) = collection(fact).filter(|w| {
            let resource = w.split(" in ").next().unwrap_or(w);
            !ordinary.contains(&resource)
        }) else {
            continue;
        };
        let heap = heaps.entry(what).or_default();
        heap.amount = heap
            .amount
            .saturating_add(fact.count.saturating_mul(counted));
        heap.writes = heap.writes.saturating_add(fact.count);
        heap.facts.push((id, fact));
    }
    let total = heaps
        .values()
        .map(|h| h.amount)
        .fold(0, u64::saturating_add);
    let least = if by_size {
        LEAST_BYTES
    } else {
        task.number("at_least").unwrap_or(100)
    };
    let largest = heaps.into_iter().max_by_key(|(_, h)| h.amount);
    let Some((what, mut heap)) =
        largest.filter(|(_, h)| h.amount >= least && h.amount.saturating_mul(2) >= total)
    else {
        return Vec::new();
    };
    let mut keys = Keys::new();
    keys.insert(String::from("what"), what);
    keys.insert(String::from("writes"), heap.writes.to_string());
    keys.insert(String::from("total"), total.to_string());
    if by_size {
        keys.insert(String::from("size"), human_bytes(heap.amount));
        let mean = heap.amount / heap.writes.max(1);
        keys.insert(String::from("each"), human_bytes(mean));
    }
    let mut actors: Vec<&str> = heap
        .facts
        .iter()
        .filter_map(|(_, f)| f.key("actor"))
        .collect();
    actors.sort_unstable();
    actors.dedup();
    if let [actor] = actors.as_slice() {
        keys.insert(String::from("actor"), (*actor).to_owned());
    }
    // The largest first: they are the proof.
    let size = |f: &Fact| f.key("size").and_then(|s| s.parse().ok()).unwrap_or(0u64);
    heap.facts
        .sort_by_key(|(id, f)| (std::cmp::Reverse(size(f)), *id));
    let evidence = heap
        .facts
        .iter()
        .flat_map(|(_, f)| f.evidence().iter().take(2).cloned())
        .take(4)
        .collect();
    let from = heap.facts.iter().map(|(id, _)| *id).take(8).collect();
    let component = heap.facts.first().map(|(_, f)| f.component.clone());
    let span = span_of(heap.facts.iter().map(|(_, f)| *f));
    component
        .and_then(|c| task.fact("space-filler", keys, c, evidence, from))
        .map(|mut fact| {
            fact.count = heap.writes;
            fact.span = span;
            fact
        })
        .into_iter()
        .collect()
}

/// When the log of a fact says that the database was full: a log that tells of both needs no clock of another log.
fn full_for(task: &Task<'_>, alarm: &[&str], fact: &Fact) -> Option<Instant> {
    let source = fact.evidence().first()?.place.source;
    task.facts(alarm)
        .flat_map(|(_, f)| f.evidence())
        .filter(|q| q.place.source == source)
        .filter_map(|q| q.time.map(|t| t.at))
        .min()
}

/// Whether the writes began before the database was full. Clocks of two logs may differ by seconds.
fn before(fact: &Fact, full: Instant) -> bool {
    fact.span
        .first
        .or(fact.span.last)
        .is_some_and(|s| s.at <= full.plus(MINUTE))
}

/// Whether the request creates an object.
fn creates(fact: &Fact) -> bool {
    matches!(fact.key("verb"), Some("POST" | "create"))
}

/// `configmaps in backup`: the resource and namespace of a storage key or of a request's path.
fn collection(fact: &Fact) -> Option<String> {
    let told = |resource: &str, namespace: Option<&str>| match namespace {
        Some(namespace) => format!("{resource} in {namespace}"),
        None => resource.to_owned(),
    };
    if let Some(path) = fact.key("path") {
        let parts: Vec<&str> = path.split('/').collect();
        return match parts.as_slice() {
            // A group has a dot in its name; a resource has none.
            [group, resource, namespace, _] if group.contains('.') => {
                Some(told(&format!("{resource}.{group}"), Some(namespace)))
            }
            [group, resource, _] if group.contains('.') => {
                Some(told(&format!("{resource}.{group}"), None))
            }
            // Services lie at services/specs/ns/name and services/endpoints/ns/name.
            [resource, namespace, _] | [_, resource, namespace, _] => {
                Some(told(resource, Some(namespace)))
            }
            [resource, _] => Some(told(resource, None)),
            _ => None,
        };
    }
    let mut parts = fact.key("uri")?.split('/').filter(|p| !p.is_empty());
    if parts.next()? == "apis" {
        parts.next()?;
    }
    parts.next()?;
    let rest: Vec<&str> = parts.collect();
    match rest.as_slice() {
        ["namespaces", namespace, resource, ..] => Some(told(resource, Some(namespace))),
        [resource, ..] => Some(told(resource, None)),
        [] => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{facts_of, shown};

    const ALARM: &str = "2026-11-20 17:38:07.000000 W | etcdserver: alarm NOSPACE raised by peer b71f75320dc06a6c\n";

    fn etcd(writes: usize, size: u32, alarm: bool) -> String {
        let mut out = String::new();
        for i in 0..writes {
            let key = format!("/registry/configmaps/backup/s-{i}");
            out += &format!(
                "2026-11-20 17:38:0{}.{i:06} W | etcdserver: request \"header:<ID:1 > txn:<compare:<target:MOD key:\\\"{key}\\\" mod_revision:0 > success:<request_put:<key:\\\"{key}\\\" value_size:{size} >> failure:<>>\" with result \"size:18\" took too long (120.5ms) to execute\n",
                i / 10
            );
        }
        if alarm {
            out += ALARM;
        }
        out
    }

    fn api(creates: usize) -> String {
        let mut out = String::new();
        for i in 0..creates {
            out += &format!(
                "I1120 17:{:02}:{:02}.000000       1 httplog.go:132] \"HTTP\" verb=\"POST\" URI=\"/apis/reports.example.com/v1/namespaces/shop/reports\" latency=\"6.5ms\" userAgent=\"scanner/v1\" audit-ID=\"0c1f\" srcIP=\"10.244.0.9:43478\" resp=201\n",
                i / 60,
                i % 60
            );
        }
        out
    }

    #[track_caller]
    fn case(kind: &str, etcd: &str, api: &str, keys: &[&str], expected: &[&str]) {
        let files = [("cp1/etcd.log", etcd), ("cp1/kube-apiserver.log", api)];
        assert_eq!(shown(&facts_of(&files, kind), keys), expected, "{kind}");
    }

    #[test]
    fn bytes_by_resource_and_namespace() {
        case(
            "etcd/filled-by",
            &etcd(20, 906_878, true),
            "",
            &["what", "writes", "size"],
            &["cluster/etcd-content what=configmaps in backup writes=20 size=17.3 MiB"],
        );
    }

    #[test]
    fn without_an_alarm_nobody_asks() {
        case("etcd/filled-by", &etcd(20, 906_878, false), "", &[], &[]);
    }

    #[test]
    fn small_values_fill_nothing() {
        case("etcd/filled-by", &etcd(20, 800, true), "", &[], &[]);
    }

    #[test]
    fn creates_are_counted_where_no_size_is_known() {
        case(
            "etcd/most-created",
            &etcd(0, 0, true),
            &api(200),
            &["what", "writes", "actor"],
            &["cluster/etcd-creates what=reports in shop writes=200 actor=scanner/v1"],
        );
        case("etcd/most-created", &etcd(0, 0, true), &api(20), &[], &[]);
    }
}
