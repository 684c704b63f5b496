//! Which sources the bundle has: does it hold what would show a cause, and does the cluster have who would write it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::collection::Collection;
use super::graph::Graph;
use crate::base::time::{Instant, MINUTE};
use crate::catalog::Need;
use crate::model::{Component, Fact, Keys, Source, SourceKind, Status};

/// A log that begins at most that long after the moment in question still tells of it …
const BEFORE: i64 = MINUTE;
/// … and so does one that ended at most that long before.
const AFTER: i64 = 10 * MINUTE;

/// Answers from the bundle about its sources. What the cluster runs is looked up once.
#[derive(Debug, Default)]
pub(super) struct Sources {
    runs: RefCell<BTreeMap<String, bool>>,
}

impl Sources {
    /// Whether the cluster can have such a source at all: no log of an autoscaler where there is none.
    pub(super) fn possible(&self, graph: &Graph<'_>, need: &Need) -> bool {
        let component = match need {
            Need::Log(c) => c.as_str(),
            Need::Goroutines(c) => c.as_str(),
            _ => return true,
        };
        let known = Collection::builtin();
        if known.is_everywhere(component) {
            return true;
        }
        let runtimes = known.runtimes();
        let other_runtime = || runtimes.iter().any(|r| self.runs(graph, r));
        self.runs(graph, component) || (runtimes.iter().any(|r| r == component) && !other_runtime())
    }

    /// Whether something in the bundle shows that the cluster runs the component.
    fn runs(&self, graph: &Graph<'_>, component: &str) -> bool {
        if let Some(known) = self.runs.borrow().get(component) {
            return *known;
        }
        let found = runs(graph, component);
        self.runs.borrow_mut().insert(component.to_owned(), found);
        found
    }
}

fn runs(graph: &Graph<'_>, component: &str) -> bool {
    let world = &graph.world;
    // Clouds give their controller a name of their own (aws-cloud-controller-manager).
    let name = component.trim_end_matches("-manager");
    let program = Collection::builtin().program(component);
    world.sources.iter().any(|s| {
        s.scope.component.as_str() == component
            || s.path.contains(name)
            || s.scope.pod.as_deref().is_some_and(|p| p.contains(name))
    }) || world.states.iter().any(|(_, line)| {
        let of = |c: Component| line.component == c;
        (of(Component::PROCESS) && line.text.contains(&format!("comm={program}")))
            || (of(Component::OBJECT)
                && (line.entity.name().contains(name)
                    || line.text.contains(&format!("runtime={program}:"))))
            || (of(Component::EVENT) && line.text.contains(&format!("from={component}")))
    }) || ["pod", "deployment", "daemonset", "statefulset", "service"]
        .iter()
        .any(|kind| world.topology.all(kind).any(|e| e.name().contains(name)))
        || world.facts.iter().any(|f| {
            graph
                .catalog
                .get(&f.kind)
                .into_iter()
                .flat_map(|d| &d.patterns)
                .filter_map(|p| graph.catalog.patterns().get(*p))
                .any(|p| p.components.iter().all(|c| c.as_str() == component))
        })
}

/// Whether the bundle holds a source that would show it, at the time of the effect.
pub(super) fn available(graph: &Graph<'_>, need: &Need, effect: &Fact) -> bool {
    let at = moment(effect);
    candidates(graph, need, &effect.keys).any(|s| covers(graph, s, at))
        || match need {
            Need::Object(kind) => graph.world.object_kinds.contains(kind),
            Need::Spec(kind) => described(graph, kind, effect.key(kind)),
            Need::Events => graph.world.has_events,
            // A list may stand in an output of many commands.
            Need::Processes => lists_processes(graph, effect),
            _ => false,
        }
}

/// Whether some output of the machine lists its processes.
fn lists_processes(graph: &Graph<'_>, effect: &Fact) -> bool {
    let node = effect.key("node");
    let mut hosts = graph.listed.iter().map(Option::as_deref);
    hosts.any(|host| node.is_none() || host.is_none() || host == node)
}

/// Whether some output holds the whole object `name`, or with no name any of the kind.
fn described(graph: &Graph<'_>, kind: &str, name: Option<&str>) -> bool {
    graph.world.states.iter().any(|(source, line)| {
        line.entity.kind() == kind
            && name.is_none_or(|n| line.entity.name() == n)
            && graph
                .world
                .source(*source)
                .is_some_and(|s| matches!(s.kind, SourceKind::Objects | SourceKind::Describe))
    })
}

/// A source of the right kind that tells of another time.
pub(super) fn other_time<'g>(
    graph: &'g Graph<'_>,
    need: &Need,
    effect: &Fact,
) -> Option<(&'g Source, Instant, Instant)> {
    candidates(graph, need, &effect.keys).find_map(|s| match graph.world.log_coverage(s.id) {
        (Some(a), Some(b)) => Some((s, a.at, b.at)),
        _ => None,
    })
}

fn moment(effect: &Fact) -> Option<Instant> {
    effect.span.first.or(effect.span.last).map(|s| s.at)
}

fn covers(graph: &Graph<'_>, source: &Source, at: Option<Instant>) -> bool {
    if source.kind != SourceKind::Log {
        return true;
    }
    match (at, graph.world.log_coverage(source.id)) {
        (Some(at), (Some(first), Some(last))) => {
            at >= first.at.plus(-BEFORE) && at <= last.at.plus(AFTER)
        }
        _ => true,
    }
}

/// The sources of the right kind, from the machine in question, whatever time they tell of.
fn candidates<'g>(
    graph: &'g Graph<'_>,
    need: &Need,
    keys: &Keys,
) -> impl Iterator<Item = &'g Source> {
    let node = keys.get("node").cloned();
    let need = need.clone();
    graph.world.sources.iter().filter(move |s| {
        if matches!(s.status, Status::Skipped | Status::Failed) || s.coverage.bytes == 0 {
            return false;
        }
        let here = |c: &Component| {
            !c.is_node_local() || node.is_none() || s.scope.node.is_none() || s.scope.node == node
        };
        match &need {
            Need::Log(c) => {
                // The journal of one unit holds neither the kernel's lines nor those about other units.
                let whole_journal = s.scope.component.is_unknown()
                    && s.formats
                        .first()
                        .is_some_and(|f| matches!(*f, "journald" | "syslog" | "journal-json"));
                let same = s.scope.component == *c
                    || (matches!(c.as_str(), "kernel" | "systemd") && whole_journal)
                    || Collection::builtin().is_inside(c.as_str(), s.scope.component.as_str());
                s.kind == SourceKind::Log && same && here(c)
            }
            Need::Processes => s.kind == SourceKind::Processes && here(&Component::PROCESS),
            Need::Goroutines(c) => {
                s.kind == SourceKind::Goroutines
                    && (s.scope.component.as_str() == c || s.path.contains(c.as_str()))
            }
            Need::Certificates => s.kind == SourceKind::Certificates,
            Need::Audit => s.scope.component == Component::AUDIT,
            Need::Host(c) => {
                s.kind == SourceKind::Host
                    && here(&Component::HOST)
                    && s.path.contains(c.split(' ').next().unwrap_or(c))
            }
            Need::Object(_) | Need::Spec(_) | Need::Events => false,
        }
    })
}
