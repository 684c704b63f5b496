//! From the graph to incidents: the best explanation of each symptom, and what shares it.

use std::collections::{BTreeMap, BTreeSet};

use super::ask;
use super::graph::Graph;
use super::hint;
use super::score::{self, Bearing};
use super::sources::Sources;
use super::symptom::Picker;
use super::tell;
use super::verdict::{self, text_of};
use super::ways::{Path, carried, ways};
use super::workload::whose;
use crate::base::lang::Lang;
use crate::base::time::MINUTE;
use crate::catalog::Catalog;
use crate::extract::World;
use crate::model::incident::{Root, Step};
use crate::model::{Basis, Fact, FactId, Incident, Severity};

/// Steps of a chain shown; the rest of the symptoms is counted.
const CHAIN: usize = 14;
/// Candidates shown.
const ROOTS: usize = 4;
/// So long after its last sign a fact says nothing more about what goes on.
const AFTERWARDS: i64 = MINUTE;

/// Explains what a person noticed. Hypotheses that came up are added to the facts of the world.
pub fn explain(catalog: &Catalog, world: &mut World, lang: Lang) -> Vec<Incident> {
    let picker = Picker::new(catalog, world);
    let mut symptoms = picker.told();
    let passing = picker.passing();
    symptoms.extend(&passing);
    let mut hints = picker.hints();
    let mut graph = Graph::build(catalog, world, &symptoms);
    let mut paths = ways(&graph, &symptoms);
    symptoms.retain(|s| {
        !passing.contains(s)
            || paths
                .get(s)
                .and_then(|p| p.first())
                .is_some_and(|p| carried(&graph, p))
    });
    paths.retain(|s, _| symptoms.contains(s));
    let sources = Sources::default();
    let mut incidents: Vec<(Incident, i32)> = group(&graph, &symptoms, &paths)
        .iter()
        .map(|members| incident(&graph, &sources, members, &paths, lang))
        .collect();
    // Beside an incident that somebody complains of they would only draw the eye away from it.
    if incidents.iter().all(|(i, _)| i.severity <= Severity::Low) {
        hints.retain(|h| !symptoms.contains(h));
        graph.grow(&hints);
        let hints = hint::apart(&graph, &hints, &symptoms);
        let paths = ways(&graph, &hints);
        incidents.extend(group(&graph, &hints, &paths).iter().map(|members| {
            let (mut incident, score) = incident(&graph, &sources, members, &paths, lang);
            incident.severity = incident.severity.min(Severity::Low);
            (incident, score)
        }));
    }
    incidents.sort_by(|(a, x), (b, y)| {
        b.severity
            .cmp(&a.severity)
            .then(y.cmp(x))
            .then(a.window.0.cmp(&b.window.0))
            .then(a.title.cmp(&b.title))
    });
    for (i, (incident, _)) in incidents.iter_mut().enumerate() {
        incident.id = format!("incident-{}", i + 1);
    }
    incidents.into_iter().map(|(i, _)| i).collect()
}

/// Symptoms that share their best root, or whose roots are of one kind and one workload.
fn group(
    graph: &Graph<'_>,
    symptoms: &[FactId],
    paths: &BTreeMap<FactId, Vec<Path>>,
) -> Vec<Vec<FactId>> {
    let mut groups: BTreeMap<(String, String), Vec<FactId>> = BTreeMap::new();
    let mut inner: BTreeSet<FactId> = BTreeSet::new();
    for list in paths.values() {
        if let Some(best) = list.first() {
            // A symptom that is a step towards another symptom is told there.
            inner.extend(best.links.iter().map(|l| l.cause));
        }
    }
    for symptom in symptoms {
        let Some(best) = paths.get(symptom).and_then(|p| p.first()) else {
            continue;
        };
        let Some(root) = graph.fact(best.root) else {
            continue;
        };
        let is_symptom = graph
            .fact(*symptom)
            .and_then(|f| graph.catalog.get(&f.kind))
            .is_some_and(|d| d.symptom);
        if inner.contains(symptom) && !is_symptom {
            continue;
        }
        groups
            .entry((root.kind.clone(), whose(graph, &root.entity)))
            .or_default()
            .push(*symptom);
    }
    let mut groups: Vec<Vec<FactId>> = groups.into_values().collect();
    join_unexplained(graph, &mut groups, paths);
    groups
}

/// A symptom that nothing explains, about a thing (or its workload) whose trouble another incident explains, is one
/// more face of that incident.
fn join_unexplained(
    graph: &Graph<'_>,
    groups: &mut Vec<Vec<FactId>>,
    paths: &BTreeMap<FactId, Vec<Path>>,
) {
    let explained = |id: &FactId| {
        paths
            .get(id)
            .and_then(|p| p.first())
            .is_some_and(|p| !p.links.is_empty())
    };
    let about = |ids: &[FactId]| -> BTreeSet<String> {
        ids.iter()
            .filter_map(|id| graph.fact(*id))
            .map(|f| whose(graph, &f.entity))
            .collect()
    };
    let mut at = 0;
    while at < groups.len() {
        let Some(group) = groups.get(at).filter(|g| !g.iter().any(explained)) else {
            at += 1;
            continue;
        };
        let mine = about(group);
        let home = groups
            .iter()
            .position(|g| g.iter().any(explained) && !about(g).is_disjoint(&mine));
        match home {
            Some(home) => {
                let members = groups.remove(at);
                let home = if home > at { home - 1 } else { home };
                if let Some(g) = groups.get_mut(home) {
                    g.extend(members);
                }
            }
            None => at += 1,
        }
    }
}

fn incident(
    graph: &Graph<'_>,
    sources: &Sources,
    members: &[FactId],
    paths: &BTreeMap<FactId, Vec<Path>>,
    lang: Lang,
) -> (Incident, i32) {
    let severity_of = |id: &FactId| {
        graph
            .fact(*id)
            .and_then(|f| graph.catalog.get(&f.kind))
            .map_or(Severity::Info, |d| d.severity)
    };
    // The main symptom: the gravest, then the one with the longest proven way, then the first.
    let mut ordered = members.to_vec();
    let way = |id: &FactId| {
        paths
            .get(id)
            .and_then(|p| p.first())
            .map_or(0, |p| p.links.len())
    };
    // What a person notices tells the incident; a grave finding on the way to it does not.
    let noticed = |id: &FactId| {
        graph
            .fact(*id)
            .and_then(|f| graph.catalog.get(&f.kind))
            .is_some_and(|d| d.symptom)
    };
    ordered.sort_by(|a, b| {
        noticed(b)
            .cmp(&noticed(a))
            .then(severity_of(b).cmp(&severity_of(a)))
            .then(way(b).cmp(&way(a)))
            .then(a.cmp(b))
    });
    let candidates = paths
        .get(&way_told(&ordered, paths))
        .map_or(&[][..], Vec::as_slice);
    let chain = chain(graph, &ordered, paths, lang);
    let chain_ids: Vec<FactId> = chain.iter().map(|s| s.fact).collect();
    let best_path: Vec<FactId> = candidates
        .first()
        .map(|p| {
            std::iter::once(p.root)
                .chain(p.links.iter().map(|l| l.effect))
                .collect()
        })
        .unwrap_or_default();
    let ruled_out = verdict::look(graph, sources, &best_path, lang);
    let roots = rank(
        graph,
        sources,
        candidates,
        members,
        paths,
        ruled_out.len(),
        lang,
    );
    let links = roots
        .first()
        .and_then(|r| candidates.iter().find(|p| p.root == r.fact))
        .map_or(&[][..], |p| p.links.as_slice());
    let gaps = ask::gaps(graph, sources, links, &roots, lang);
    let facts: Vec<&Fact> = chain_ids.iter().filter_map(|id| graph.fact(*id)).collect();
    let window = (
        facts
            .iter()
            .filter_map(|f| f.span.first.or(f.span.last))
            .map(|s| s.at)
            .min(),
        facts.iter().filter_map(|f| f.span.last).map(|s| s.at).max(),
    );
    let score = roots.first().map_or(0, |r| r.score);
    let mut severity = members
        .iter()
        .map(severity_of)
        .max()
        .unwrap_or(Severity::Info);
    // What somebody did on purpose, and what is over, needs nobody's help.
    let planned = roots
        .first()
        .and_then(|r| graph.catalog.get(&graph.fact(r.fact)?.kind))
        .is_some_and(|d| d.planned);
    let is_over = |id: &FactId| {
        graph
            .fact(*id)
            .is_some_and(|f| f.span.closed || f.span.over)
    };
    if planned && members.iter().all(is_over) {
        severity = severity.min(Severity::Low);
    }
    let mut incident = Incident {
        id: String::new(),
        severity,
        title: String::new(),
        summary: String::new(),
        window,
        symptoms: ordered.clone(),
        roots,
        chain,
        ruled_out,
        gaps,
        remedy: Vec::new(),
        warnings: Vec::new(),
        references: Vec::new(),
    };
    tell::advise(graph, &mut incident, lang);
    tell::tell(graph, &mut incident, &ordered, lang);
    (incident, score)
}

/// The symptom whose ways back decide: the main one; if that is itself the root, what it explains tells how well it does.
fn way_told(ordered: &[FactId], paths: &BTreeMap<FactId, Vec<Path>>) -> FactId {
    let main = ordered.first().copied().unwrap_or(FactId(0));
    let best = |id: &FactId| paths.get(id).and_then(|p| p.first());
    if best(&main).is_some_and(|p| !p.links.is_empty()) {
        return main;
    }
    ordered
        .iter()
        .filter(|id| best(id).is_some_and(|p| p.root == main && !p.links.is_empty()))
        .max_by_key(|id| (best(id).map(|p| p.points), std::cmp::Reverse(**id)))
        .copied()
        .unwrap_or(main)
}

/// The candidates with their scores, best first.
fn rank(
    graph: &Graph<'_>,
    sources: &Sources,
    candidates: &[Path],
    members: &[FactId],
    paths: &BTreeMap<FactId, Vec<Path>>,
    refuted: usize,
    lang: Lang,
) -> Vec<Root> {
    let mut roots = Vec::new();
    for (rank, path) in candidates.iter().take(ROOTS).enumerate() {
        let Some(root) = graph.fact(path.root) else {
            continue;
        };
        let explains = members
            .iter()
            .filter(|m| {
                paths
                    .get(m)
                    .is_some_and(|list| list.iter().any(|p| p.root == path.root))
            })
            .count();
        let rival = rank == 0
            && candidates.get(1).is_some_and(|second| {
                path.points - second.points < 4
                    && graph
                        .fact(second.root)
                        .is_some_and(|f| *f.basis() != Basis::Suspected)
            });
        let bearing = Bearing {
            symptoms: explains,
            refuted: if rank == 0 { refuted } else { 0 },
            against: contradictions(graph, root, lang),
            rival,
        };
        let terms = score::terms(graph, root, &path.links, &bearing, lang);
        let blind = ask::blind(graph, sources, path.root);
        let total = terms.iter().map(|t| t.value).sum();
        roots.push(Root {
            fact: path.root,
            confidence: score::confidence(graph, &terms, root, &path.links, blind),
            score: total,
            terms,
        });
    }
    // Contradictions may turn the order; a suspected root never stands before a proven one.
    let suspected = |r: &Root| {
        graph
            .fact(r.fact)
            .is_some_and(|f| *f.basis() == Basis::Suspected)
    };
    if roots.first().is_some_and(|r| r.score < 0) {
        roots.sort_by_key(|r| (suspected(r), std::cmp::Reverse(r.score)));
    }
    roots
}

/// Facts that say this root cannot be it.
fn contradictions(graph: &Graph<'_>, root: &Fact, lang: Lang) -> Vec<String> {
    let Some(kind) = graph.catalog.index(&root.kind) else {
        return Vec::new();
    };
    let mut out = Vec::new();
    for definition in graph.catalog.definitions() {
        let Some(index) = graph.catalog.index(&definition.id) else {
            continue;
        };
        for exclude in definition.excludes.iter().filter(|e| e.kind == kind) {
            let against = graph
                .of_kind(index)
                .iter()
                .filter_map(|id| graph.fact(*id))
                .any(|f| {
                    !goes_on_after(root, f)
                        && super::link::meets(
                            &exclude.join,
                            &f.keys,
                            &root.keys,
                            &graph.world.topology,
                        ) == super::link::Met::Yes
                });
            if against {
                out.push(text_of(&exclude.why, lang).to_owned());
            }
        }
    }
    out
}

/// Whether lines show the root well after the last sign of what excludes it: what was so then says nothing about later.
fn goes_on_after(root: &Fact, against: &Fact) -> bool {
    let (Some(root_last), Some(last)) = (root.span.last, against.span.last) else {
        return false;
    };
    *root.basis() == Basis::Seen && root_last.at.since(last.at) > AFTERWARDS
}

/// The way of the main symptom, then what the others add, cause before effect. What happens in the same way to many
/// things of one workload is one step.
fn chain(
    graph: &Graph<'_>,
    members: &[FactId],
    paths: &BTreeMap<FactId, Vec<Path>>,
    lang: Lang,
) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut have: BTreeSet<(String, String)> = BTreeSet::new();
    let mut fresh = |id: FactId| {
        graph
            .fact(id)
            .is_some_and(|f| have.insert((f.kind.clone(), whose(graph, &f.entity))))
    };
    for member in members {
        let Some(path) = paths.get(member).and_then(|p| p.first()) else {
            continue;
        };
        if fresh(path.root) {
            steps.push(Step {
                fact: path.root,
                because: String::new(),
            });
        }
        for link in &path.links {
            if fresh(link.effect) {
                let because = graph
                    .rule(link)
                    .map(|r| text_of(&r.why, lang).to_owned())
                    .unwrap_or_default();
                steps.push(Step {
                    fact: link.effect,
                    because,
                });
            }
        }
        if steps.len() >= CHAIN {
            break;
        }
    }
    steps.truncate(CHAIN);
    steps
}
