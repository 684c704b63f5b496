//! Many of one sort went within minutes: one alone is ordinary, so many are not.
//!
//! `deleting node since it is no longer present in cloud provider: n1` … `n5`. What was taken out of service on
//! purpose before is not counted; nor is a handful of a large cluster.

use std::collections::{BTreeMap, BTreeSet};

use super::Task;
use super::support::{first_quotes, some, span_of};
use crate::base::time::{DAY, MINUTE, Stamp};
use crate::base::units::human_duration;
use crate::model::{Fact, FactId, Keys};

/// One thing that went.
type Gone<'a> = (Stamp, FactId, &'a Fact);

pub(super) fn infer(task: &Task<'_>) -> Vec<Fact> {
    let (kinds, by, expected) = (task.list("kinds"), task.list("by"), task.list("expected"));
    let least = task.number("at_least").unwrap_or(4).max(2);
    let within = task.time("within").unwrap_or(10 * MINUTE);
    let name = |fact: &Fact| by.iter().find_map(|k| fact.key(k)).map(str::to_owned);
    let before = task.time("before").unwrap_or(DAY);
    let mut taken: BTreeMap<String, Vec<&Fact>> = BTreeMap::new();
    for (_, fact) in task.facts(&expected) {
        if let Some(thing) = name(fact) {
            taken.entry(thing).or_default().push(fact);
        }
    }
    let mut first: BTreeMap<String, Gone<'_>> = BTreeMap::new();
    for (id, fact) in task.facts(&kinds) {
        let (Some(thing), Some(at)) = (name(fact), fact.span.first.or(fact.span.last)) else {
            continue;
        };
        let out = taken.get(&thing);
        if out.is_some_and(|all| all.iter().any(|f| out_at(f, at, before))) {
            continue;
        }
        match first.get(&thing) {
            Some((old, ..)) if old.at <= at.at => {}
            _ => {
                first.insert(thing, (at, id, fact));
            }
        }
    }
    let mut gone: Vec<(&str, Gone<'_>)> = first.iter().map(|(n, g)| (n.as_str(), *g)).collect();
    gone.sort_by_key(|(_, (at, id, _))| (at.at, *id));
    let most = densest(&gone, within);
    let total = total(task, &by, &first);
    let share = task.number("share").unwrap_or(0);
    let few =
        total.is_some_and(|t| (most.len() as u64).saturating_mul(100) < t.saturating_mul(share));
    if (most.len() as u64) < least || few {
        return Vec::new();
    }
    let (Some((_, (from, ..))), Some((_, (until, _, last)))) = (most.first(), most.last()) else {
        return Vec::new();
    };
    let mut keys = Keys::from([
        (String::from("count"), most.len().to_string()),
        (
            String::from("span"),
            human_duration(until.at.since(from.at).max(MINUTE)),
        ),
        (String::from("nodes"), some(most.iter().map(|(n, _)| *n), 3)),
    ]);
    if let Some(total) = total {
        keys.insert(String::from("total"), total.to_string());
    }
    let evidence = first_quotes(most.iter().map(|(_, (.., f))| *f), 6);
    let from = most.iter().map(|(_, (_, id, _))| *id).take(8).collect();
    let component = last.component.clone();
    let Some(mut fact) = task.fact("gone-together", keys, component, evidence, from) else {
        return Vec::new();
    };
    fact.count = most.len() as u64;
    fact.span = span_of(most.iter().map(|(_, (.., f))| *f));
    vec![fact]
}

/// Whether what a fact says was so at this time: begun before, not ended, and not of long ago.
fn out_at(fact: &Fact, at: Stamp, before: i64) -> bool {
    let (Some(begin), Some(last)) = (
        fact.span.first.or(fact.span.last),
        fact.span.last.or(fact.span.first),
    ) else {
        return true;
    };
    let ended = fact.span.closed && at.at.since(last.at) > at.slack(last);
    begin.at.since(at.at) <= at.slack(begin) && !ended && at.at.since(last.at) <= before
}

/// Most things that went within this time.
fn densest<'g, 'a>(gone: &'g [(&'a str, Gone<'a>)], within: i64) -> &'g [(&'a str, Gone<'a>)] {
    let (mut best, mut start): (&[_], usize) = (&[], 0);
    for (end, (_, (at, ..))) in gone.iter().enumerate() {
        while gone
            .get(start)
            .is_some_and(|(_, (from, ..))| at.at.since(from.at) > within)
        {
            start += 1;
        }
        if let Some(run) = gone.get(start..=end).filter(|r| r.len() > best.len()) {
            best = run;
        }
    }
    best
}

/// How many there were, as far as a table or the objects say: those that are left, and those that went.
fn total(task: &Task<'_>, by: &[&str], gone: &BTreeMap<String, Gone<'_>>) -> Option<u64> {
    let kind = by.first()?;
    let left: BTreeSet<&str> = task.states(kind).map(|(_, l)| l.entity.name()).collect();
    let apart = left.iter().filter(|n| !gone.contains_key(**n)).count();
    (!left.is_empty()).then(|| (apart + gone.len()) as u64)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::super::testing::{facts_of, shown};

    const KIND: &str = "cloud/nodes-deleted-together";

    /// Nodes that went, a line each, so many seconds apart.
    fn log(nodes: u32, apart: u32) -> String {
        (0..nodes).fold(String::new(), |mut text, n| {
            let at = n * apart;
            let _ = writeln!(
                text,
                "I0301 08:{:02}:{:02}.722899       1 node_lifecycle_controller.go:156] deleting node since it is no longer present in cloud provider: n{n}",
                at / 60,
                at % 60
            );
            text
        })
    }

    #[track_caller]
    fn case(ccm: &str, others: &[(&str, &str)], expected: &[&str]) {
        let mut files = vec![("cloud-controller-manager.log", ccm)];
        files.extend(others);
        let facts = facts_of(&files, KIND);
        assert_eq!(
            shown(&facts, &["count", "total", "nodes"]),
            expected,
            "{ccm}"
        );
    }

    #[test]
    fn many_at_once_and_nobody_took_them_out() {
        let five = log(5, 20);
        case(
            &five,
            &[],
            &["cluster/nodes count=5 total=- nodes=n0, n1, n2 (+2)"],
        );
        let nodes = "NAME   STATUS   ROLES    AGE   VERSION\nn8     Ready    <none>   64d   v1.20.11\nn9     Ready    <none>   64d   v1.20.11\n";
        case(
            &five,
            &[("get-nodes.txt", nodes)],
            &["cluster/nodes count=5 total=7 nodes=n0, n1, n2 (+2)"],
        );
    }

    #[test]
    fn few_slow_or_on_purpose_is_ordinary() {
        case(&log(3, 20), &[], &[]);
        // One after the other over an hour.
        case(&log(5, 700), &[], &[]);
        // An autoscaler took them out of service.
        let autoscaler = (0..5).fold(String::new(), |mut text, n| {
            let _ = writeln!(
                text,
                "I0301 07:5{n}:00.025378       1 scale_down.go:594] Scale-down: removing empty node n{n}"
            );
            text
        });
        case(&log(5, 20), &[("cluster-autoscaler.log", &autoscaler)], &[]);
        // It took others of the same names out of service, or did so afterwards: these were not expected to go.
        for other in ["I0226 07:5", "I0301 09:5"] {
            let autoscaler = autoscaler.replace("I0301 07:5", other);
            case(
                &log(5, 20),
                &[("cluster-autoscaler.log", &autoscaler)],
                &["cluster/nodes count=5 total=- nodes=n0, n1, n2 (+2)"],
            );
        }
        // Five of a hundred.
        let many = (10..110).fold(
            String::from("NAME   STATUS   ROLES    AGE   VERSION\n"),
            |mut text, n| {
                let _ = writeln!(text, "n{n}    Ready    <none>   64d   v1.20.11");
                text
            },
        );
        case(&log(5, 20), &[("get-nodes.txt", &many)], &[]);
    }
}
