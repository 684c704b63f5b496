//! The graph of causes behind the symptoms: proven facts, and hypotheses that would explain them.

use std::collections::{BTreeMap, BTreeSet};

use super::link::{Fit, Met, fits, meets, values};
use crate::base::time::Instant;
use crate::catalog::{Catalog, Cause, Join, Origin, Strength};
use crate::extract::World;
use crate::model::{Basis, Component, Entity, Fact, FactId, Keys, SourceKind};

/// Most facts looked at from the symptoms backwards; beyond it the bundle is one great mess, and says so.
const FACTS_LIMIT: usize = 20_000;

/// One cause of one effect.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    /// The causing fact.
    pub cause: FactId,
    /// The effect.
    pub effect: FactId,
    /// Position of the rule in the catalogue.
    pub rule: usize,
    /// Whether keys meet.
    pub met: Met,
    /// Whether times fit.
    pub fit: Fit,
    /// The cause explains only a part of the effect.
    pub partial: bool,
}

/// The causes of everything behind the symptoms.
#[derive(Debug)]
pub struct Graph<'a> {
    /// The catalogue.
    pub catalog: &'a Catalog,
    /// What was observed; hypotheses are added to its facts.
    pub world: &'a mut World,
    /// For each effect: its causes.
    links: BTreeMap<FactId, Vec<Link>>,
    by_kind: BTreeMap<usize, Vec<FactId>>,
    by_key: BTreeMap<(usize, String, String), Vec<FactId>>,
    hypotheses: BTreeMap<(usize, Entity), FactId>,
    /// Machines whose processes some output lists; `None`: one that nobody names.
    pub(super) listed: BTreeSet<Option<String>>,
}

/// The machines whose processes some output lists.
fn listed(world: &World) -> BTreeSet<Option<String>> {
    let rows = world
        .states
        .iter()
        .filter(|(_, line)| line.component == Component::PROCESS);
    rows.map(|(source, line)| {
        let named = world.source(*source).and_then(|s| s.scope.node.as_deref());
        named.or(line.host.as_deref()).map(str::to_owned)
    })
    .collect()
}

impl<'a> Graph<'a> {
    /// Builds the graph backwards from `symptoms`.
    pub fn build(catalog: &'a Catalog, world: &'a mut World, symptoms: &[FactId]) -> Self {
        let mut graph = Self {
            catalog,
            world,
            links: BTreeMap::new(),
            by_kind: BTreeMap::new(),
            by_key: BTreeMap::new(),
            hypotheses: BTreeMap::new(),
            listed: BTreeSet::new(),
        };
        graph.listed = listed(graph.world);
        graph.index();
        graph.grow(symptoms);
        graph
    }

    /// Adds what lies behind `effects`.
    pub(super) fn grow(&mut self, effects: &[FactId]) {
        let mut queue: Vec<FactId> = effects.to_vec();
        let mut at = 0;
        while let Some(effect) = queue.get(at).copied() {
            at += 1;
            if at > FACTS_LIMIT || self.links.contains_key(&effect) {
                continue;
            }
            let mut links = self.proven(effect);
            links.extend(self.suspected(effect));
            queue.extend(links.iter().map(|l| l.cause));
            self.links.insert(effect, links);
        }
        self.confirm();
    }

    /// A fact.
    pub fn fact(&self, id: FactId) -> Option<&Fact> {
        self.world.facts.get(id.0 as usize)
    }

    /// The causes found for an effect.
    pub fn causes(&self, effect: FactId) -> &[Link] {
        self.links.get(&effect).map_or(&[], Vec::as_slice)
    }

    /// The rule of a link.
    pub fn rule(&self, link: &Link) -> Option<&'a Cause> {
        self.catalog.causes().get(link.rule)
    }

    /// Facts of one kind.
    pub fn of_kind(&self, kind: usize) -> &[FactId] {
        self.by_kind.get(&kind).map_or(&[], Vec::as_slice)
    }

    fn index(&mut self) {
        for (i, fact) in self.world.facts.iter().enumerate() {
            let (Ok(i), Some(kind)) = (u32::try_from(i), self.catalog.index(&fact.kind)) else {
                continue;
            };
            self.by_kind.entry(kind).or_default().push(FactId(i));
            for (k, v) in &fact.keys {
                self.by_key
                    .entry((kind, k.clone(), v.clone()))
                    .or_default()
                    .push(FactId(i));
            }
        }
    }

    /// Causes that are themselves facts.
    fn proven(&self, effect_id: FactId) -> Vec<Link> {
        let Some(effect) = self.fact(effect_id) else {
            return Vec::new();
        };
        let Some(kind) = self.catalog.index(&effect.kind) else {
            return Vec::new();
        };
        let mut links = Vec::new();
        for (rule, cause) in rules_of(self.catalog, kind) {
            for id in self.candidates(cause, &effect.keys) {
                let Some(fact) = self.fact(id).filter(|_| id != effect_id) else {
                    continue;
                };
                let mut met = meets(&cause.join, &fact.keys, &effect.keys, &self.world.topology);
                // Whichever machine it is, one line speaks of one.
                if met == Met::Unproven && share_a_line(fact, effect) {
                    met = Met::Yes;
                }
                if met == Met::No || self.barred(cause.cause, &fact.keys, &effect.keys) {
                    continue;
                }
                let fit = fits(fact, effect, cause.within, self.log_began(fact));
                if fit != Fit::No {
                    let partial = cause.is_partial(&fact.keys);
                    links.push(Link {
                        cause: id,
                        effect: effect_id,
                        rule,
                        met,
                        fit,
                        partial,
                    });
                }
            }
        }
        links
    }

    /// Whether a fact says of this very effect that the cause is not its reason: discovery worked for this namespace,
    /// whatever API group failed at another time.
    fn barred(&self, cause: usize, cause_keys: &Keys, effect: &Keys) -> bool {
        self.catalog.definitions().iter().any(|definition| {
            definition
                .excludes
                .iter()
                .filter(|e| e.kind == cause)
                .any(|exclude| {
                    // A log's own namespace is no claim: only a cause that speaks of the same thing is judged as a root.
                    let of_effect = exclude.join.iter().all(|term| match term {
                        Join::Meet { effect: right, .. } => {
                            cause_keys.get(&right.key) != effect.get(&right.key)
                        }
                        Join::OneOf { .. } => true,
                        Join::Cluster => false,
                    });
                    of_effect
                        && self.catalog.index(&definition.id).is_some_and(|kind| {
                            self.of_kind(kind)
                                .iter()
                                .filter_map(|id| self.fact(*id))
                                .any(|f| {
                                    meets(&exclude.join, &f.keys, effect, &self.world.topology)
                                        == Met::Yes
                                })
                        })
                })
        })
    }

    /// Whether a fact about the same thing as the effect says that such a cause cannot be.
    pub(super) fn is_excluded(&self, cause: usize, effect: &Keys) -> bool {
        let mut excluding = self
            .catalog
            .definitions()
            .iter()
            .flat_map(|d| d.excludes.iter().map(move |e| (d, e)))
            .filter(|(_, e)| e.kind == cause);
        excluding.any(|(definition, exclude)| {
            self.catalog.index(&definition.id).is_some_and(|kind| {
                let facts = self.of_kind(kind).iter().filter_map(|id| self.fact(*id));
                let topology = &self.world.topology;
                facts
                    .into_iter()
                    .any(|f| meets(&exclude.join, &f.keys, effect, topology) == Met::Yes)
            })
        })
    }

    /// Facts of the cause's kind that can meet: by an equal key where the rule has one, else all of the kind.
    fn candidates(&self, cause: &Cause, effect: &Keys) -> Vec<FactId> {
        for term in &cause.join {
            let Join::Meet {
                cause: left,
                effect: right,
            } = term
            else {
                continue;
            };
            let machine = left.key == "node" || left.key == "host";
            if left.walk.is_empty() && right.walk.is_empty() && !machine {
                let Some(value) = effect.get(&right.key) else {
                    return Vec::new();
                };
                return self
                    .by_key
                    .get(&(cause.cause, left.key.clone(), value.clone()))
                    .cloned()
                    .unwrap_or_default();
            }
        }
        self.of_kind(cause.cause).to_vec()
    }

    /// When the log of a fact's first line begins: the fact may be older than what it holds. A table of events tells
    /// when one was last seen, so one that is known from there alone may have begun at any time before.
    fn log_began(&self, fact: &Fact) -> Option<Instant> {
        let place = fact.evidence().first()?.place;
        let (first, last) = (fact.span.first?, fact.span.last?);
        if first.at == last.at
            && let Some(source) = self.world.source(place.source)
            && source.kind == SourceKind::Table
        {
            return Some(first.at);
        }
        self.world.log_coverage(place.source).0.map(|s| s.at)
    }

    /// Hypotheses that would explain the effect.
    fn suspected(&mut self, effect_id: FactId) -> Vec<Link> {
        let Some(effect) = self.fact(effect_id).cloned() else {
            return Vec::new();
        };
        let Some(kind) = self.catalog.index(&effect.kind) else {
            return Vec::new();
        };
        let mut links = Vec::new();
        for (rule, cause) in rules_of(self.catalog, kind) {
            let Some(definition) = self.catalog.at(cause.cause) else {
                continue;
            };
            if definition.origin != Origin::Suspect {
                continue;
            }
            let Some(keys) = self.hypothetical_keys(&cause.join, &effect) else {
                continue;
            };
            let Some(name) = definition.entity_of(&keys) else {
                continue;
            };
            let entity = Entity::parse(&name);
            let key = (cause.cause, entity.clone());
            let id = if let Some(id) = self.hypotheses.get(&key) {
                *id
            } else {
                let Ok(next) = u32::try_from(self.world.facts.len()) else {
                    continue;
                };
                let mut fact = Fact::suspected(&definition.id, entity, effect_id);
                fact.keys = keys;
                if let Some((k, v)) = name.split_once('/') {
                    fact.keys.insert(k.to_owned(), v.to_owned());
                }
                fact.span.last = effect.span.last;
                self.world.facts.push(fact);
                self.hypotheses.insert(key, FactId(next));
                FactId(next)
            };
            if id != effect_id {
                links.push(Link {
                    cause: id,
                    effect: effect_id,
                    rule,
                    met: Met::Yes,
                    fit: Fit::Unclear,
                    partial: false,
                });
            }
        }
        links
    }

    /// The keys a hypothesis must have to meet the effect; `None` when a relation it needs is not known.
    pub(super) fn hypothetical_keys(&self, join: &[Join], effect: &Fact) -> Option<Keys> {
        let mut keys = Keys::new();
        for term in join {
            let Join::Meet {
                cause: left,
                effect: right,
            } = term
            else {
                continue;
            };
            if !left.walk.is_empty() {
                continue;
            }
            let value = values(right, &effect.keys, &self.world.topology)?
                .into_iter()
                .next()?;
            keys.insert(left.key.clone(), value);
        }
        for k in ["node", "namespace", "host", "pod"] {
            if let Some(v) = effect.keys.get(k) {
                keys.entry(k.to_owned()).or_insert_with(|| v.clone());
            }
        }
        Some(keys)
    }

    /// A hypothesis with a proven cause behind it, between two proven facts, is inferred.
    fn confirm(&mut self) {
        loop {
            let mut changed = false;
            for id in self.hypotheses.values().copied().collect::<Vec<_>>() {
                if self.fact(id).is_none_or(|f| *f.basis() != Basis::Suspected) {
                    continue;
                }
                let proof = self
                    .causes(id)
                    .iter()
                    .filter(|l| self.rule(l).is_some_and(|r| r.strength >= Strength::Strong))
                    .find(|l| {
                        self.fact(l.cause)
                            .is_some_and(|f| *f.basis() != Basis::Suspected)
                    })
                    .map(|l| l.cause);
                if let Some(proof) = proof {
                    let first = self.fact(proof).and_then(|f| f.span.first);
                    if let Some(fact) = self.world.facts.get_mut(id.0 as usize) {
                        fact.confirm("a proven cause and a proven effect", proof);
                        fact.span.first = first;
                        changed = true;
                    }
                }
            }
            if !changed {
                return;
            }
        }
    }
}

/// The rules that know causes of this kind, each with its position in the catalogue.
fn rules_of(catalog: &Catalog, effect: usize) -> impl Iterator<Item = (usize, &Cause)> {
    catalog
        .causes()
        .iter()
        .enumerate()
        .filter(move |(_, c)| c.effect == effect)
}

/// Whether one line says both.
fn share_a_line(a: &Fact, b: &Fact) -> bool {
    a.evidence()
        .iter()
        .any(|q| b.evidence().iter().any(|other| other.place == q.place))
}
