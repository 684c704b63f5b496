//! What was looked at and what was not: the words behind "no incident found" and the facts about a bundle.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::text::printable;
use crate::model::{ClockNote, Confidence, Source, SourceKind, Status};

use super::view::Report;
use super::words::{Words, fill};

/// Components every cluster has, whose log a complete bundle holds.
const USUAL: [&str; 5] = [
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "etcd",
    "kubelet",
];
/// Components of which every node has one.
const RUNTIMES: [&str; 3] = ["containerd", "dockerd", "cri-o"];
/// Nodes named before "and n more".
const NODES: usize = 6;

/// How many files ended in each status, archives left out.
pub(crate) fn by_status(sources: &[Source]) -> BTreeMap<Status, usize> {
    let mut counts = BTreeMap::new();
    for source in sources.iter().filter(|s| s.kind != SourceKind::Archive) {
        *counts.entry(source.status).or_insert(0) += 1;
    }
    counts
}

/// Files that were not read to the end against our will: those a reader must know of.
pub(crate) fn troubled(sources: &[Source]) -> impl Iterator<Item = &Source> {
    sources
        .iter()
        .filter(|s| matches!(s.status, Status::Partial | Status::Failed))
}

fn is_readable(source: &Source) -> bool {
    matches!(source.status, Status::Read | Status::Partial)
}

/// What was looked at: components with their nodes, then the other kinds of files.
pub(crate) fn looked_at(report: &Report<'_>) -> Vec<String> {
    let words = report.words();
    let sources = &report.analysis.sources;
    let mut logs: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut kinds: BTreeMap<SourceKind, usize> = BTreeMap::new();
    for source in sources.iter().filter(|s| is_readable(s)) {
        match source.kind {
            SourceKind::Log if !source.scope.component.is_unknown() => {
                let nodes = logs.entry(source.scope.component.as_str()).or_default();
                nodes.extend(source.scope.node.as_deref());
            }
            SourceKind::Archive | SourceKind::Binary | SourceKind::Empty | SourceKind::Text => {}
            kind => *kinds.entry(kind).or_insert(0) += 1,
        }
    }
    let mut out = Vec::new();
    if !logs.is_empty() {
        let list: Vec<String> = logs
            .iter()
            .map(|(component, nodes)| {
                let component = printable(component.as_bytes());
                if nodes.is_empty() {
                    return component;
                }
                let mut names: Vec<String> = nodes
                    .iter()
                    .take(NODES)
                    .map(|n| printable(n.as_bytes()))
                    .collect();
                if nodes.len() > NODES {
                    let more = (nodes.len() - NODES).to_string();
                    names.push(fill(words.and_more, &[&more]));
                }
                let aside = fill(words.aside, &[&names.join(words.list)]);
                format!("{component}{aside}")
            })
            .collect();
        out.push(fill(words.logs, &[&list.join(words.list)]));
    }
    for (kind, n) in kinds {
        out.push(fill(words.colon, &[words.kinds(kind), &n.to_string()]));
    }
    if out.is_empty() {
        out.push(words.nothing_readable.to_owned());
    }
    out
}

/// What could not be looked at: usual components without a log, and no output of kubectl at all.
pub(crate) fn absent(report: &Report<'_>) -> Vec<String> {
    let words = report.words();
    let sources = &report.analysis.sources;
    let has_log = |name: &str| {
        sources.iter().any(|s| {
            s.kind == SourceKind::Log && is_readable(s) && s.scope.component.as_str() == name
        })
    };
    let mut out: Vec<String> = USUAL
        .iter()
        .filter(|c| !has_log(c))
        .map(|c| fill(words.log_of, &[c]))
        .collect();
    if !RUNTIMES.iter().any(|c| has_log(c)) {
        out.push(words.runtime_log.to_owned());
    }
    let is_state = |s: &Source| {
        is_readable(s)
            && matches!(
                s.kind,
                SourceKind::Objects | SourceKind::Table | SourceKind::Describe
            )
    };
    if !sources.iter().any(is_state) {
        out.push(words.kubectl_outputs.to_owned());
    }
    out
}

/// One way of reading the time, and the sources that share it.
pub(crate) struct ClockGroup<'a> {
    pub(crate) zone: &'a str,
    pub(crate) year: Option<i32>,
    pub(crate) basis: &'a str,
    pub(crate) confidence: Confidence,
    pub(crate) artifacts: Vec<&'a str>,
}

/// Clocks that were found in the same way, together; the most sources first.
pub(crate) fn clocks(notes: &[ClockNote]) -> Vec<ClockGroup<'_>> {
    let mut groups: BTreeMap<(&str, Option<i32>, &str, Confidence), Vec<&str>> = BTreeMap::new();
    for note in notes {
        groups
            .entry((&note.timezone, note.year, &note.basis, note.confidence))
            .or_default()
            .push(&note.artifact);
    }
    let mut out: Vec<ClockGroup<'_>> = groups
        .into_iter()
        .map(|((zone, year, basis, confidence), artifacts)| ClockGroup {
            zone,
            year,
            basis,
            confidence,
            artifacts,
        })
        .collect();
    out.sort_by_key(|g| std::cmp::Reverse(g.artifacts.len()));
    out
}

impl ClockGroup<'_> {
    /// The first of its sources, and how many more.
    pub(crate) fn names(&self, words: &Words) -> String {
        let first = self.artifacts.first().copied().unwrap_or("").to_owned();
        match self.artifacts.len() {
            0 | 1 => first,
            n => {
                let more = fill(words.and_more, &[&(n - 1).to_string()]);
                format!("{first}{}{more}", words.list)
            }
        }
    }

    /// `+08:00, 2026`.
    pub(crate) fn reading(&self, unknown_zone: &str) -> String {
        let zone = if self.zone == "unknown" {
            unknown_zone
        } else {
            self.zone
        };
        match self.year {
            Some(year) => format!("{zone} {year}"),
            None => zone.to_owned(),
        }
    }
}
