//! The scheduler's arithmetic: per pod a table node x plugin, its sum, the printed total, and what is missing between.
//!
//! `app -> n1: TaintTolerationPriority, Score: (10)` … `Host n1 => Score 100029` (before 1.19), `"Plugin scored node for
//! pod" pod="shop/app" plugin="NodeResourcesFit" node="n1" score=57` (since). A line about a total names no pod in the
//! old form: it belongs to the scores printed before it. The scheduler counts requests, not use; requests over the
//! capacity are told apart (`finding = "over-capacity"`). Refusals are facts of their own (`scheduling/…`); what is missing
//! between their parts and the number of nodes is told by [`refusal`].

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::support::span_of;
use super::{Task, refusal};
use crate::model::{Component, Fact, FactId, Keys, Quote, SourceId};

const SCORES: &[&str] = &["scheduler-trace/score"];
const TOTALS: &[&str] = &["scheduler-trace/total"];
const CONSIDERED: &[&str] = &["scheduler-trace/considered"];

/// Part of every total up to 1.18 that no line tells: weight 10000 times the highest score.
const NOT_LOGGED: i64 = 100_000;

pub(super) fn infer(task: &Task<'_>) -> Vec<Fact> {
    match task.word("finding") {
        Some("over-capacity") => over_capacity(task),
        Some("no-reason") => refusal::infer(task),
        _ => explained(task),
    }
}

/// The table of one pod.
#[derive(Default)]
struct Table<'a> {
    /// Score by node and plugin.
    scores: BTreeMap<&'a str, BTreeMap<&'a str, i64>>,
    totals: BTreeMap<&'a str, (i64, &'a Quote)>,
    bound: Option<&'a str>,
    quotes: Vec<&'a Quote>,
    facts: Vec<(FactId, &'a Fact)>,
    /// Scores are weighted and normalised already.
    weighted: bool,
}

fn explained(task: &Task<'_>) -> Vec<Fact> {
    let names = Names::of(task);
    let mut pods: BTreeMap<String, Table<'_>> = BTreeMap::new();
    // For each source: at which line the scores of which pod stand.
    let mut places: BTreeMap<SourceId, BTreeMap<u64, String>> = BTreeMap::new();
    for (id, fact) in task.facts(SCORES) {
        let (Some(who), Some(plugin)) = (fact.key("who"), fact.key("plugin")) else {
            continue;
        };
        let pod = names.full(who);
        for q in fact.evidence() {
            places
                .entry(q.place.source)
                .or_default()
                .insert(q.place.line, pod.clone());
        }
        let table = pods.entry(pod).or_default();
        table.weighted |= who.contains('/');
        table.facts.push((id, fact));
        table.quotes.extend(fact.evidence().first());
        if let (Some(node), Some(score)) = (
            fact.key("node"),
            fact.key("score").and_then(|s| s.parse().ok()),
        ) {
            table.scores.entry(node).or_default().insert(plugin, score);
        }
        for (node, score) in fact.key("scores").into_iter().flat_map(list) {
            table.scores.entry(node).or_default().insert(plugin, score);
        }
    }
    for (_, fact) in task.facts(TOTALS) {
        let Some(node) = fact.key("node") else {
            continue;
        };
        if let Some(pod) = fact.key("bound").map(|p| names.full(p)) {
            if let Some(table) = pods.get_mut(&pod) {
                table.bound = Some(node);
            }
            continue;
        }
        let Some(total) = fact.key("total").and_then(|t| t.parse::<i64>().ok()) else {
            continue;
        };
        for quote in fact.evidence() {
            let before = || {
                let of_source = places.get(&quote.place.source)?;
                of_source
                    .range(..=quote.place.line)
                    .next_back()
                    .map(|(_, pod)| pod.clone())
            };
            let pod = fact.key("who").map(|w| names.full(w)).or_else(before);
            if let Some(table) = pod.and_then(|p| pods.get_mut(&p)) {
                table.totals.insert(node, (total, quote));
            }
        }
    }
    let partial = task.only_counted(&[SCORES, TOTALS].concat());
    pods.into_iter()
        .filter_map(|(pod, table)| one(task, &pod, &table, partial))
        .collect()
}

fn one(task: &Task<'_>, pod: &str, table: &Table<'_>, partial: u64) -> Option<Fact> {
    let best = table
        .totals
        .iter()
        .max_by_key(|(node, (total, _))| (*total, std::cmp::Reverse(**node)))
        .map(|(n, _)| *n);
    let sum = |node: &str| table.scores.get(node).map(|s| s.values().sum::<i64>());
    let node = table
        .bound
        .or(best)
        .or_else(|| table.scores.keys().copied().max_by_key(|n| sum(n)))?;
    let scores = table.scores.get(node)?;
    let sum: i64 = scores.values().sum();
    let (namespace, name) = pod.split_once('/').unwrap_or(("default", pod));
    let mut keys = Keys::from([
        (String::from("namespace"), namespace.to_owned()),
        (String::from("pod"), name.to_owned()),
        (String::from("node"), node.to_owned()),
    ]);
    let parts: Vec<String> = scores
        .iter()
        .map(|(plugin, score)| format!("{plugin} {score}"))
        .collect();
    let mut text = format!("{} = {sum}", parts.join(" + "));
    let total = table.totals.get(node);
    if let Some((total, _)) = total {
        let _ = write!(text, " of {total}");
        keys.insert(String::from("total"), total.to_string());
        let rest = total - sum;
        if rest != 0 {
            let hidden = format!(
                "{NOT_LOGGED}: NodePreferAvoidPodsPriority (weight 10000, score 10) is not logged"
            );
            let text = match rest.checked_sub(NOT_LOGGED).filter(|_| !table.weighted) {
                Some(0) => hidden,
                Some(more) if more > 0 => format!("{hidden}; {more} more are in no line"),
                _ => rest.to_string(),
            };
            keys.insert(String::from("unlogged"), text);
        }
    }
    keys.insert(String::from("scores"), text);
    keys.insert(String::from("sum"), sum.to_string());
    keys.insert(String::from("nodes"), table.scores.len().to_string());
    if partial > 0 {
        keys.insert(
            String::from("partial"),
            format!("{partial} more lines were only counted"),
        );
    }
    let mut evidence: Vec<Quote> = table.quotes.iter().take(6).map(|q| (*q).clone()).collect();
    evidence.extend(total.map(|(_, q)| (*q).clone()));
    let mut fact = task.fact(
        "scheduler-trace",
        keys,
        Component::named("kube-scheduler"),
        evidence,
        Vec::new(),
    )?;
    fact.span = span_of(table.facts.iter().map(|(_, f)| *f));
    Some(fact)
}

/// `{n1 0} {n2 100}`.
fn list(scores: &str) -> impl Iterator<Item = (&str, i64)> {
    scores.split(['{', '}']).filter_map(|part| {
        let (node, score) = part.trim().split_once(' ')?;
        Some((node, score.trim().parse().ok()?))
    })
}

/// Pods by their short names, where only one namespace has such a pod.
struct Names<'a>(BTreeMap<&'a str, Option<&'a str>>);

impl<'a> Names<'a> {
    fn of(task: &'a Task<'_>) -> Self {
        let mut names: BTreeMap<&str, Option<&str>> = BTreeMap::new();
        for (_, fact) in task.facts(CONSIDERED) {
            if let Some(full) = fact.key("who")
                && let Some((_, short)) = full.split_once('/')
            {
                names
                    .entry(short)
                    .and_modify(|n| *n = n.filter(|n| *n == full))
                    .or_insert(Some(full));
            }
        }
        Self(names)
    }

    fn full(&self, who: &str) -> String {
        if who.contains('/') {
            return who.to_owned();
        }
        // `name_namespace`, as the lines of 1.8 to 1.18 about priorities have it.
        if let Some((name, namespace)) = who.split_once('_') {
            return format!("{namespace}/{name}");
        }
        self.0
            .get(who)
            .copied()
            .flatten()
            .map_or_else(|| format!("default/{who}"), str::to_owned)
    }
}

/// Where it is seen, what is requested, what there is.
type Over<'a> = (&'a Fact, u64, u64);

/// Nodes on which the requests, with this pod counted, are more than there is.
fn over_capacity(task: &Task<'_>) -> Vec<Fact> {
    let names = Names::of(task);
    let mut found: BTreeMap<(&str, &str, &str), Over<'_>> = BTreeMap::new();
    for (_, fact) in task.facts(SCORES) {
        let (Some(who), Some(node)) = (fact.key("who"), fact.key("node")) else {
            continue;
        };
        for (resource, have, want) in [
            ("cpu", "cpu", "cpu_requested"),
            ("memory", "memory", "memory_requested"),
        ] {
            let number = |k: &str| fact.key(k).and_then(|v| v.parse::<u64>().ok());
            let (Some(have), Some(want)) = (number(have), number(want)) else {
                continue;
            };
            if want > have && have > 0 {
                found
                    .entry((node, who, resource))
                    .or_insert((fact, want, have));
            }
        }
    }
    found
        .into_iter()
        .filter_map(|((node, who, resource), (seen, want, have))| {
            let unit = if resource == "cpu" { "m" } else { "" };
            let keys = Keys::from([
                (String::from("node"), node.to_owned()),
                (String::from("pod"), names.full(who)),
                (String::from("requested"), format!("{want}{unit}")),
                (String::from("capacity"), format!("{have}{unit}")),
                (String::from("resource"), resource.to_owned()),
            ]);
            let evidence: Vec<Quote> = seen.evidence().iter().take(2).cloned().collect();
            let mut fact = task.fact(
                "scheduler-trace",
                keys,
                seen.component.clone(),
                evidence,
                Vec::new(),
            )?;
            fact.span = seen.span;
            Some(fact)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{facts_of, shown};
    use super::*;

    const OLD: &str = "\
I0607 16:31:46.097363       1 predicates.go:829] Schedule Pod shop/app on Node n1 is allowed, Node is running only 6 out of 64 Pods.
I0607 16:31:46.097681       1 resource_allocation.go:78] app -> n1: BalancedResourceAllocation, capacity 4000 millicores 7153864704 memory bytes, total request 6250 millicores 298394726 memory bytes, score 7
I0607 16:31:46.097869       1 generic_scheduler.go:741] app -> n1: TaintTolerationPriority, Score: (10)
I0607 16:31:46.097869       1 generic_scheduler.go:741] app -> n2: TaintTolerationPriority, Score: (9)
I0607 16:31:46.098026       1 generic_scheduler.go:781] Host n1 => Score 100017
I0607 16:31:46.098026       1 generic_scheduler.go:781] Host n2 => Score 100009
";
    const NEW: &str = "\
I1120 16:31:46.097681       1 schedule_one.go:755] \"Plugin scored node for pod\" pod=\"shop/app\" plugin=\"NodeResourcesFit\" node=\"n1\" score=57
I1120 16:31:46.097681       1 schedule_one.go:755] \"Plugin scored node for pod\" pod=\"shop/app\" plugin=\"TaintToleration\" node=\"n1\" score=300
I1120 16:31:46.097681       1 schedule_one.go:820] \"Calculated node's final score for pod\" pod=\"shop/app\" node=\"n1\" score=357
";

    #[track_caller]
    fn case(log: &str, kind: &str, keys: &[&str], expected: &[&str]) {
        assert_eq!(
            shown(&facts_of(&[("cp1/kube-scheduler.log", log)], kind), keys),
            expected,
            "{log}"
        );
    }

    #[test]
    fn what_the_sum_leaves_out_is_named() {
        case(
            OLD,
            "scheduler-trace/scores-explained",
            &["node", "scores", "unlogged"],
            &[
                "pod/shop/app node=n1 scores=BalancedResourceAllocation 7 + TaintTolerationPriority 10 = 17 of 100017 unlogged=100000: NodePreferAvoidPodsPriority (weight 10000, score 10) is not logged",
            ],
        );
        case(
            NEW,
            "scheduler-trace/scores-explained",
            &["node", "scores", "unlogged"],
            &[
                "pod/shop/app node=n1 scores=NodeResourcesFit 57 + TaintToleration 300 = 357 of 357 unlogged=-",
            ],
        );
    }

    #[test]
    fn requests_over_the_capacity() {
        case(
            OLD,
            "scheduler-trace/requests-over-capacity",
            &["pod", "requested", "capacity"],
            &["node/n1 pod=shop/app requested=6250m capacity=4000m"],
        );
        case(NEW, "scheduler-trace/requests-over-capacity", &["pod"], &[]);
    }

    #[test]
    fn lists_of_scores() {
        assert_eq!(
            list("{n1 0} {n2 100}").collect::<Vec<_>>(),
            [("n1", 0), ("n2", 100)]
        );
        assert_eq!(list("x").count(), 0);
    }
}
