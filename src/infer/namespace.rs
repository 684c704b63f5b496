//! A namespace that stays in Terminating: as of the collection, asked for long before.

use std::collections::{BTreeMap, BTreeSet};

use super::Task;
use super::support::{earlier, later, quote, value};
use crate::base::time::{MINUTE, Stamp};
use crate::base::units::human_duration;
use crate::model::{Component, Fact, FactId, Keys, Quote, Span};

/// Since when, as of when, and the lines that say so.
type Terminating = (Option<Stamp>, Option<Stamp>, Vec<Quote>);

pub(super) fn infer(task: &Task<'_>) -> Vec<Fact> {
    let usual = usual(task);
    let mut terminating: BTreeMap<String, Terminating> = BTreeMap::new();
    // Without logs the newest time in an object is all that tells when it was collected: that may have been long after.
    let undated: BTreeSet<&str> = task
        .facts(&task.list("waits"))
        .filter(|_| task.world.window.1.is_none())
        .filter_map(|(_, f)| f.key("namespace"))
        .collect();
    for (id, line) in task.objects("namespace") {
        let says =
            value(line, "status") == Some("Terminating") || line.text.contains(" deleting since=");
        if !says {
            continue;
        }
        let collected = task.collected(id);
        // A namespace younger than the usual time was not deleted before that.
        let made = line.first.and_then(|t| task.world.stamp(id, t));
        if let (Some(made), Some(collected)) = (made, collected)
            && collected.at.since(made.at) < usual
            && !undated.contains(line.entity.name())
        {
            continue;
        }
        let entry = terminating
            .entry(line.entity.name().to_owned())
            .or_default();
        // The age of a table row is that of the namespace, not of its deletion.
        let since = if line.text.contains(" deleting since=") {
            line.first.and_then(|t| task.world.stamp(id, t))
        } else {
            None
        };
        entry.0 = entry.0.or(since);
        entry.1 = entry.1.max_by(collected);
        entry.2.push(quote(task.world, id, line));
    }
    for (name, span) in retried(task) {
        terminating
            .entry(name)
            .or_insert((span.first, span.last, Vec::new()));
    }
    let mut facts = Vec::new();
    for (name, (since, collected, quotes)) in terminating {
        // What a log says about the deletion of this namespace also tells since when.
        let heard: Vec<(FactId, &Fact)> = (0u32..)
            .map(FactId)
            .zip(&task.world.facts)
            .filter(|(_, f)| {
                f.kind.starts_with("namespace-deletion/")
                    && f.key("namespace") == Some(name.as_str())
                    && f.entity.kind() == "namespace"
            })
            .collect();
        let earliest = heard
            .iter()
            .filter_map(|(_, f)| f.span.first)
            .min_by_key(|s| s.at);
        let since = since.or(earliest);
        let undated = undated.contains(name.as_str());
        if let (Some(since), Some(collected)) = (since, collected)
            && collected.at.since(since.at) < usual
            && !undated
        {
            continue;
        }
        let mut keys = Keys::from([(String::from("namespace"), name)]);
        if let (Some(since), Some(collected), false) = (since, collected, undated) {
            keys.insert(
                String::from("for"),
                human_duration(collected.at.since(since.at)),
            );
        }
        let from = heard.into_iter().map(|(id, _)| id).take(4).collect();
        let evidence = quotes.into_iter().take(3).collect();
        let Some(mut fact) = task.fact("namespace-life", keys, Component::OBJECT, evidence, from)
        else {
            continue;
        };
        fact.span.first = since;
        fact.span.last = collected;
        facts.push(fact);
    }
    facts
}

/// The grace periods of pods end within this time; a namespace that is longer in Terminating is stuck.
fn usual(task: &Task<'_>) -> i64 {
    task.time("usual").unwrap_or(2 * MINUTE)
}

/// Namespaces that only logs speak of: the controller fails on them (facts that `[infer] retries` names) from first to
/// last, up to the end of what was collected.
fn retried(task: &Task<'_>) -> BTreeMap<String, Span> {
    let kinds = task.list("retries");
    let shown = |name: &str| {
        task.states("namespace")
            .any(|(_, l)| l.entity.name() == name)
    };
    let mut spans: BTreeMap<String, Span> = BTreeMap::new();
    for (_, fact) in task.facts(&kinds) {
        let Some(name) = fact.key("namespace").filter(|n| !shown(n)) else {
            continue;
        };
        let span = spans.entry(name.to_owned()).or_default();
        span.first = earlier(span.first, fact.span.first);
        span.last = later(span.last, fact.span.last);
    }
    let (end, usual) = (task.world.window.1, usual(task));
    spans.retain(|_, span| match (span.first, span.last, end) {
        (Some(first), Some(last), Some(end)) => {
            last.at.since(first.at) >= usual && end.since(last.at) < usual
        }
        _ => false,
    });
    spans
}

trait MaxBy {
    fn max_by(self, other: Self) -> Self;
}

impl MaxBy for Option<Stamp> {
    fn max_by(self, other: Self) -> Self {
        match (self, other) {
            (Some(a), Some(b)) => Some(if b.at > a.at { b } else { a }),
            (a, b) => a.or(b),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{facts_of, shown};

    const KIND: &str = "namespace-deletion/stuck-terminating";
    /// A log that tells when the bundle was made.
    const LOG: &str =
        "2026-05-14T08:31:00.000000000Z stderr F I0514 08:31:00.000000       1 a.go:1] x\n";

    fn namespace(conditions: &str) -> String {
        format!(
            "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: team-a\n  deletionTimestamp: \"2026-05-14T08:00:00Z\"\nspec:\n  finalizers: [kubernetes]\nstatus:\n  phase: Terminating\n{conditions}"
        )
    }

    #[track_caller]
    fn case(files: &[(&str, &str)], expected: &[&str]) {
        assert_eq!(
            shown(&facts_of(files, KIND), &["for"]),
            expected,
            "{files:?}"
        );
    }

    #[test]
    fn a_deletion_asked_for_long_before() {
        let (bare, logs) = (namespace(""), ("kube-system/coredns.log", LOG));
        case(
            &[("kubectl/ns.yaml", &bare), logs],
            &["namespace/team-a for=31m"],
        );
        let soon = LOG.replace("08:31:00", "08:00:30");
        case(
            &[
                ("kubectl/ns.yaml", &bare),
                ("kube-system/coredns.log", &soon),
            ],
            &[],
        );
        let active = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: team-a\nstatus:\n  phase: Active\n";
        case(&[("kubectl/ns.yaml", active), logs], &[]);
    }

    #[test]
    fn one_object_alone_tells_no_time_of_its_own() {
        let waits = namespace(
            "  conditions:\n  - lastTransitionTime: \"2026-05-14T08:00:06Z\"\n    message: 'Some content in the namespace has finalizers remaining: example.com/a in 1 resource instances'\n    reason: SomeFinalizersRemain\n    status: \"True\"\n    type: NamespaceFinalizersRemaining\n",
        );
        case(&[("ns.yaml", &waits)], &["namespace/team-a for=-"]);
        // Pods that run out their grace period remain as well.
        let content = namespace(
            "  conditions:\n  - lastTransitionTime: \"2026-05-14T08:00:06Z\"\n    message: 'Some resources are remaining: pods. has 2 resource instances'\n    reason: SomeResourcesRemain\n    status: \"True\"\n    type: NamespaceContentRemaining\n",
        );
        case(&[("ns.yaml", &content)], &[]);
        case(
            &[("ns.yaml", &content), ("kube-system/coredns.log", LOG)],
            &["namespace/team-a for=31m"],
        );
    }
}
