//! Runs the examples, counterexamples and stories of the catalogue through the real formats.

use std::collections::BTreeMap;

use crate::base::time::{RawStamp, Stamp};
use crate::catalog::{Catalog, Cause, Definition, Example, Story};
use crate::correlate::{Fit, Met, fits, meets};
use crate::extract::{Observation, observe, observe_line, settle};
use crate::input::Found;
use crate::model::{Entity, Fact, Place, Quote, Relation, Span, Topology};

/// One thing that does not come out as its file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Rule file.
    pub path: String,
    /// Id of the fact.
    pub id: String,
    /// Line in the file, from 1.
    pub line: usize,
    /// What happened instead.
    pub what: String,
    /// The sample, with a mark where the match stopped when that is known.
    pub sample: String,
}

/// What was run and what failed.
#[derive(Clone, Debug, Default)]
pub struct Results {
    /// Examples run.
    pub matches: usize,
    /// Counterexamples run.
    pub ignores: usize,
    /// Stories run.
    pub stories: usize,
    /// What failed.
    pub failures: Vec<Failure>,
}

/// Runs everything. `texts` gives the text of a rule file, to find line numbers.
pub fn run(catalog: &Catalog) -> Results {
    let mut results = Results::default();
    for (index, definition) in catalog.definitions().iter().enumerate() {
        let mut used = vec![false; definition.patterns.len()];
        for example in &definition.matches {
            results.matches += 1;
            if let Some(failure) = matches(catalog, index, definition, example, &mut used) {
                results.failures.push(failure);
            }
        }
        for example in &definition.ignores {
            results.ignores += 1;
            let given = given(catalog, definition, example);
            if let Some(entities) = given.get(&index).filter(|e| !e.is_empty()) {
                let what = format!(
                    "must not match ({}), but gives {}",
                    example.why,
                    list(entities)
                );
                results
                    .failures
                    .push(failure(definition, example.at, what, &example.text));
            }
        }
        for (pattern, used) in definition.patterns.iter().zip(used) {
            if !used && let Some(pattern) = catalog.patterns().get(*pattern) {
                let what = format!(
                    "no example matches this pattern: {}",
                    pattern.regex.as_str()
                );
                results
                    .failures
                    .push(failure(definition, pattern.at, what, ""));
            }
        }
    }
    for cause in catalog.causes() {
        for (story, expected) in cause
            .holds
            .iter()
            .map(|s| (s, true))
            .chain(cause.not.iter().map(|s| (s, false)))
        {
            results.stories += 1;
            if holds(cause, story) != expected
                && let Some(definition) = catalog.at(cause.cause)
            {
                let effect = catalog.at(cause.effect).map_or("", |d| d.id.as_str());
                let what = format!(
                    "the story must {}come out as a cause of {effect}",
                    if expected { "" } else { "not " }
                );
                results
                    .failures
                    .push(failure(definition, story.at, what, ""));
            }
        }
    }
    results
}

fn failure(definition: &Definition, at: (usize, usize), what: String, sample: &str) -> Failure {
    Failure {
        path: definition.path.clone(),
        id: definition.id.clone(),
        line: at.0,
        what,
        sample: sample.to_owned(),
    }
}

fn list(entities: &[(String, crate::model::Keys)]) -> String {
    entities
        .iter()
        .map(|(e, _)| e.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

type Given = BTreeMap<usize, Vec<(String, crate::model::Keys)>>;

/// The facts that one example gives, by definition; ends are written with a leading `-`.
fn given(catalog: &Catalog, definition: &Definition, example: &Example) -> Given {
    let observation: Observation = if let Some(path) = &example.file {
        let text = example.text.trim_start_matches('\n').to_owned();
        let found = Found::named(path.clone());
        let mut observation = observe(catalog, &found, &mut text.as_bytes());
        settle(catalog, &mut observation);
        observation
    } else {
        let component = example.component.clone().or_else(|| {
            let pattern = definition
                .patterns
                .first()
                .and_then(|i| catalog.patterns().get(*i))?;
            pattern.components.first().map(|c| c.as_str().to_owned())
        });
        observe_line(
            catalog,
            component.as_deref().unwrap_or("unknown"),
            "n1",
            &example.text,
        )
    };
    let mut given = Given::new();
    for fact in observation.facts {
        let entity = if fact.closes {
            format!("-{}", fact.entity)
        } else {
            fact.entity
        };
        given
            .entry(fact.fact)
            .or_default()
            .push((entity, fact.keys));
    }
    given
}

fn matches(
    catalog: &Catalog,
    index: usize,
    definition: &Definition,
    example: &Example,
    used: &mut [bool],
) -> Option<Failure> {
    let given = given(catalog, definition, example);
    for (pattern, used) in definition.patterns.iter().zip(used.iter_mut()) {
        *used |= catalog
            .patterns()
            .get(*pattern)
            .is_some_and(|p| crate::extract::shows(p, example));
    }
    let mut own: Vec<&str> = given
        .get(&index)
        .into_iter()
        .flatten()
        .map(|(e, _)| e.as_str())
        .collect();
    own.sort_unstable();
    own.dedup();
    let mut wanted: Vec<&str> = example.gives.iter().map(String::as_str).collect();
    wanted.sort_unstable();
    if own != wanted {
        let what = format!(
            "must give [{}], gives [{}]",
            wanted.join(", "),
            own.join(", ")
        );
        return Some(failure(definition, example.at, what, &example.text));
    }
    for (k, v) in &example.keys {
        let found = given
            .get(&index)
            .into_iter()
            .flatten()
            .find_map(|(_, keys)| keys.get(k));
        if found != Some(v) {
            let what = format!(
                "key `{k}` must be `{v}`, is {}",
                found.map_or("missing", String::as_str)
            );
            return Some(failure(definition, example.at, what, &example.text));
        }
    }
    let others: Vec<&str> = given
        .keys()
        .filter(|i| **i != index)
        .filter_map(|i| catalog.at(*i))
        .filter(|d| !d.raw && !definition.raw)
        .map(|d| d.id.as_str())
        .filter(|id| !example.also.iter().any(|a| a == id))
        .collect();
    // A whole file says many things; a line says one.
    if !others.is_empty() && example.file.is_none() {
        let what = format!(
            "also claimed by {}: list it in `also`, or sharpen a pattern",
            others.join(", ")
        );
        return Some(failure(definition, example.at, what, &example.text));
    }
    None
}

/// Whether the story's last fact comes out as explained by this cause.
fn holds(cause: &Cause, story: &Story) -> bool {
    let mut topology = Topology::default();
    let facts: Vec<(usize, Fact)> = story
        .facts
        .iter()
        .map(|s| {
            let RawStamp::Utc { ns, .. } = s.at else {
                return (s.fact, None);
            };
            let at = Stamp::exact(crate::base::time::Instant(ns), 0);
            let quote = Quote {
                place: Place::default(),
                text: String::from("story"),
                time: Some(at),
            };
            let mut fact = Fact::seen("story", Entity::parse("story/x"), quote, Vec::new());
            fact.span = Span {
                first: Some(at),
                last: Some(at),
                closed: false,
                over: false,
            };
            for (k, v) in &s.keys {
                // `pod.node=n1` states a relation of this fact's pod.
                match k.split_once('.') {
                    Some((from, to)) => {
                        let Some(name) = s.keys.get(from) else {
                            continue;
                        };
                        relate(&mut topology, &Entity::new(from, name), to, v);
                    }
                    None => {
                        fact.keys.insert(k.clone(), v.clone());
                    }
                }
            }
            (s.fact, Some(fact))
        })
        .filter_map(|(i, f)| f.map(|f| (i, f)))
        .collect();
    let causes = facts.iter().filter(|(i, _)| *i == cause.cause);
    causes.into_iter().any(|(_, c)| {
        facts
            .iter()
            .filter(|(i, _)| *i == cause.effect)
            .any(|(_, e)| {
                meets(&cause.join, &c.keys, &e.keys, &topology) == Met::Yes
                    && fits(c, e, cause.within, None) != Fit::No
            })
    })
}

/// Adds `from --a--> … --z--> value` for a walk `a.b.z`; the things between have invented names.
fn relate(topology: &mut Topology, from: &Entity, walk: &str, value: &str) {
    let mut here = from.clone();
    let steps: Vec<&str> = walk.split('.').collect();
    for (i, kind) in steps.iter().enumerate() {
        let name = if i + 1 == steps.len() {
            value.to_owned()
        } else {
            format!("{}-{kind}", from.name())
        };
        let next = Entity::new(kind, &name);
        topology.add(Relation {
            from: here,
            to: next.clone(),
            place: Place::default(),
        });
        here = next;
    }
}
