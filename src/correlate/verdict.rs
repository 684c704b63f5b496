//! Looked and absent: what was considered besides the chain, and what a look excluded.

use std::collections::BTreeSet;

use super::ask::is_seen;
use super::graph::Graph;
use super::link::{Met, meets, unrelated};
use super::sources::{Sources, available};
use crate::base::lang::Lang;
use crate::base::text;
use crate::catalog::{Catalog, Cause, Definition, Join, Origin, Strength, Text};
use crate::model::incident::RuledOut;
use crate::model::{Fact, FactId, Keys};

/// Most causes told as ruled out.
const LIST: usize = 8;

pub(super) fn text_of(text: &Text, lang: Lang) -> &str {
    match lang {
        Lang::En => &text.en,
        Lang::Zh => &text.zh,
    }
}

/// Looks at every cause that the catalogue knows for the steps of a chain (root first) and that is not on it.
pub(super) fn look(
    graph: &Graph<'_>,
    sources: &Sources,
    chain: &[FactId],
    lang: Lang,
) -> Vec<RuledOut> {
    let mut ruled_out = Vec::new();
    let on_chain: BTreeSet<&str> = chain
        .iter()
        .filter_map(|id| graph.fact(*id))
        .map(|f| f.kind.as_str())
        .collect();
    let mut said = BTreeSet::new();
    excluded(graph, chain, &on_chain, lang, &mut said, &mut ruled_out);
    for id in chain {
        let Some(effect) = graph.fact(*id) else {
            continue;
        };
        let Some(kind) = graph.catalog.index(&effect.kind) else {
            continue;
        };
        let mut causes: Vec<&Cause> = graph.catalog.causes_of(kind).collect();
        causes.sort_by_key(|c| std::cmp::Reverse(c.strength));
        for cause in causes {
            let Some(definition) = graph.catalog.at(cause.cause) else {
                continue;
            };
            if on_chain.contains(definition.id.as_str()) || !said.insert(definition.id.clone()) {
                continue;
            }
            let looked = !cause.needs.is_empty()
                && cause
                    .needs
                    .iter()
                    .all(|n| sources.possible(graph, n) && available(graph, n, effect));
            if !looked
                || cause.strength < Strength::Strong
                || definition.origin == Origin::Suspect
                || is_seen(graph, *id, definition)
                || unrelated_fact(graph, cause, effect)
            {
                continue;
            }
            let topology = &graph.world.topology;
            let of_kind = || {
                graph
                    .of_kind(cause.cause)
                    .iter()
                    .filter_map(|f| graph.fact(*f))
                    .map(|f| (f, meets(&cause.join, &f.keys, &effect.keys, topology)))
            };
            // What concerns the same thing and is no cause of it came at the wrong time: that is no absence.
            let elsewhere = of_kind()
                .find(|(_, met)| *met == Met::Yes)
                .or_else(|| of_kind().find(|(_, met)| *met == Met::No));
            let keys = graph
                .hypothetical_keys(&cause.join, effect)
                .unwrap_or_default();
            let title = graph.title_of(cause.cause, &keys, lang);
            ruled_out.push(absent(cause, &definition.id, title, elsewhere, lang));
        }
    }
    ruled_out.truncate(LIST);
    ruled_out
}

/// Whether the cause was seen, but which thing it belongs to is not in the bundle: that is no absence.
pub(super) fn unrelated_fact(graph: &Graph<'_>, cause: &Cause, effect: &Fact) -> bool {
    graph
        .of_kind(cause.cause)
        .iter()
        .filter_map(|f| graph.fact(*f))
        .any(|f| unrelated(&cause.join, &f.keys, &effect.keys, &graph.world.topology))
}

/// Causes that a seen fact excludes.
fn excluded(
    graph: &Graph<'_>,
    chain: &[FactId],
    on_chain: &BTreeSet<&str>,
    lang: Lang,
    said: &mut BTreeSet<String>,
    ruled_out: &mut Vec<RuledOut>,
) {
    for definition in graph
        .catalog
        .definitions()
        .iter()
        .filter(|d| !d.excludes.is_empty())
    {
        let Some(kind) = graph.catalog.index(&definition.id) else {
            continue;
        };
        for exclude in &definition.excludes {
            let Some(other) = graph.catalog.at(exclude.kind) else {
                continue;
            };
            if on_chain.contains(other.id.as_str()) {
                continue;
            }
            // What it excludes must be a cause that one would think of there; a step of the chain knows that of itself.
            let is_step = on_chain.contains(definition.id.as_str());
            let explains = chain.iter().filter_map(|id| graph.fact(*id)).any(|step| {
                let effect = graph.catalog.index(&step.kind);
                effect.is_some_and(|e| graph.catalog.causes_of(e).any(|c| c.cause == exclude.kind))
            });
            if !is_step && !explains {
                continue;
            }
            let fact = graph
                .of_kind(kind)
                .iter()
                .filter_map(|id| graph.fact(*id))
                .find(|f| {
                    chain.iter().filter_map(|id| graph.fact(*id)).any(|step| {
                        f.entity == step.entity
                            || meets(&exclude.join, &f.keys, &step.keys, &graph.world.topology)
                                == Met::Yes
                    })
                });
            if let Some(fact) = fact
                && said.insert(other.id.clone())
            {
                ruled_out.push(RuledOut {
                    kind: other.id.clone(),
                    title: graph.title_of(exclude.kind, &shared(&exclude.join, fact), lang),
                    because: text_of(&exclude.why, lang).to_owned(),
                    evidence: fact.evidence().iter().take(1).cloned().collect(),
                });
            }
        }
    }
}

/// The values that an excluded kind shares with the fact that excludes it.
fn shared(join: &[Join], fact: &Fact) -> Keys {
    let mut keys = Keys::new();
    for term in join {
        if let Join::Meet {
            cause: left,
            effect: right,
        } = term
            && left.walk.is_empty()
            && right.walk.is_empty()
            && let Some(value) = fact.keys.get(&left.key)
        {
            keys.insert(right.key.clone(), value.clone());
        }
    }
    keys
}

fn absent(
    cause: &Cause,
    kind: &str,
    title: String,
    elsewhere: Option<(&Fact, Met)>,
    lang: Lang,
) -> RuledOut {
    let looked: Vec<String> = cause.needs.iter().map(|n| n.words(lang)).collect();
    let looked = looked.join(if lang == Lang::Zh { "、" } else { ", " });
    let name = |f: &Fact| {
        let name = Definition::known_name(f.entity.as_str()).unwrap_or(f.entity.kind());
        text::printable(name.as_bytes())
    };
    let when = |f: &Fact| {
        let first = f.span.first.or(f.span.last);
        first.map_or_else(String::new, |s| format!(" {} UTC", s.at.clock()))
    };
    let because = match (elsewhere, lang) {
        (Some((f, Met::Yes)), Lang::En) => {
            format!(
                "seen, but not at a time when it could cause this:{}",
                when(f)
            )
        }
        (Some((f, Met::Yes)), Lang::Zh) => format!("曾出现，但时间上不可能是其原因：{}", when(f)),
        (Some((f, _)), Lang::En) => format!("seen only for {}, not here ({looked})", name(f)),
        (Some((f, _)), Lang::Zh) => format!("仅见于 {}，与此无关（{looked}）", name(f)),
        (None, Lang::En) => format!("looked for and absent: {looked}"),
        (None, Lang::Zh) => format!("已查找，未出现：{looked}"),
    };
    let evidence = elsewhere
        .and_then(|(f, _)| f.evidence().first())
        .into_iter()
        .cloned()
        .collect();
    RuledOut {
        kind: kind.to_owned(),
        title,
        because,
        evidence,
    }
}

impl Graph<'_> {
    /// The title of a kind as it would read for these values.
    pub(super) fn title_of(&self, kind: usize, keys: &Keys, lang: Lang) -> String {
        let Some(definition) = self.catalog.at(kind) else {
            return String::new();
        };
        // A pod's name may be known as a whole though not in its parts.
        let entity = definition.entity_of(keys);
        let entity = match &entity {
            Some(e) => Definition::known_name(e),
            None => keys.get(definition.entity_kind()).map(String::as_str),
        };
        let filled = definition.title(lang, |k| match k {
            "entity" => entity,
            k => keys.get(k).map(String::as_str),
        });
        shown(&filled, 200)
    }

    /// The title of a fact.
    pub(super) fn title(&self, fact: &Fact, lang: Lang) -> String {
        title(self.catalog, fact, lang)
    }
}

/// The title of a fact: the template of its kind, filled with its keys.
pub fn title(catalog: &Catalog, fact: &Fact, lang: Lang) -> String {
    let Some(definition) = catalog.get(&fact.kind) else {
        return fact.kind.clone();
    };
    let entity = Definition::known_name(fact.entity.as_str());
    let filled = definition.title(lang, |k| match k {
        "entity" => entity,
        k => fact.keys.get(k).map(String::as_str),
    });
    shown(&filled, 300)
}

/// A title as people get it: printable, not endless, ids by their first digits.
fn shown(title: &str, most: usize) -> String {
    let text = text::printable(title.as_bytes());
    text::cut(&text::short_ids(&text), most).into_owned()
}
