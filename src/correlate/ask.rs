//! What to collect next: of all that is missing, what would decide most, said once, with the names filled in.

use std::collections::BTreeSet;

use super::collection::Collection;
use super::command::{filled, is_word};
use super::graph::{Graph, Link};
use super::link::{Fit, Met};
use super::sources::{Sources, available, other_time};
use super::verdict::text_of;
use crate::base::lang::Lang;
use crate::catalog::{Ask, Cause, Definition, How, Need, Origin, Strength};
use crate::model::incident::{Gap, Root};
use crate::model::{Basis, Confidence, Fact, FactId, Keys};

/// Most asks of one incident.
const LIST: usize = 12;
/// Questions named behind an ask.
const QUESTIONS: usize = 2;

/// How much an answer would decide (`docs/architecture.md` has the table).
const SUSPECTED_STEP: i32 = 90;
const RIVAL: i32 = 70;
const INFERENCE: i32 = 68;
const BARE: i32 = 65;
const ROOT: i32 = 58;
const DEEPER: i32 = 50;
const ALTERNATIVE: i32 = 20;

/// An ask before it is written down.
struct Candidate<'c> {
    rank: i32,
    what: String,
    command: String,
    on: String,
    collects: Vec<&'c Need>,
    /// Causes that the answer proves or refutes.
    whether: Vec<String>,
    /// Proven facts that the answer explains.
    behind: Vec<String>,
}

impl Candidate<'_> {
    /// Which questions the answer decides.
    fn why(&self, lang: Lang) -> String {
        let (whether, behind, joint, list) = match lang {
            Lang::En => (
                "tells whether: ",
                "shows what lies behind: ",
                "; ",
                "; or: ",
            ),
            Lang::Zh => ("用于判断是否：", "用于查明其原因：", "；", "；或："),
        };
        let mut parts = Vec::new();
        if !self.behind.is_empty() {
            parts.push(format!("{behind}{}", self.behind.join(joint)));
        }
        if !self.whether.is_empty() {
            let named: Vec<&str> = self
                .whether
                .iter()
                .take(QUESTIONS)
                .map(String::as_str)
                .collect();
            let mut text = format!("{whether}{}", named.join(list));
            let rest = self.whether.len().saturating_sub(QUESTIONS);
            if rest > 0 {
                text.push_str(&match lang {
                    Lang::En => format!("; and {rest} more causes"),
                    Lang::Zh => format!("；以及另外 {rest} 个原因"),
                });
            }
            parts.push(text);
        }
        parts.join(joint)
    }
}

/// What is asked about: a cause with the values that it would have.
struct Question<'g> {
    definition: &'g Definition,
    keys: Keys,
    /// The fact whose time and machine matter.
    effect: &'g Fact,
    /// The cause, in words.
    title: String,
    rank: i32,
    /// It is there: only what lies behind it is asked.
    proven: bool,
}

/// Collects the asks of one incident.
struct Asks<'g, 'w> {
    graph: &'g Graph<'w>,
    sources: &'g Sources,
    lang: Lang,
    list: Vec<Candidate<'g>>,
}

/// What to collect for the chain behind `root` along `links`, most decisive first.
pub(super) fn gaps(
    graph: &Graph<'_>,
    sources: &Sources,
    links: &[Link],
    roots: &[Root],
    lang: Lang,
) -> Vec<Gap> {
    let mut asks = Asks {
        graph,
        sources,
        lang,
        list: Vec::new(),
    };
    let Some(first) = roots.first() else {
        return Vec::new();
    };
    let mut chain: Vec<FactId> = vec![first.fact];
    chain.extend(links.iter().map(|l| l.effect));
    let on_chain: BTreeSet<&str> = chain
        .iter()
        .filter_map(|id| graph.fact(*id))
        .map(|f| f.kind.as_str())
        .collect();
    for id in &chain {
        asks.suspected_step(*id);
        asks.of_inference(*id);
    }
    if first.confidence < Confidence::High {
        for rival in roots.iter().skip(1) {
            asks.rival(rival.fact);
        }
    }
    asks.root(first);
    let sure = first.confidence == Confidence::High;
    asks.causes_of(
        first.fact,
        DEEPER,
        if sure {
            Strength::Strong
        } else {
            Strength::Weak
        },
        &on_chain,
    );
    for link in links {
        if !settled(graph, link, sure) {
            asks.causes_of(link.effect, ALTERNATIVE, Strength::Strong, &on_chain);
        }
    }
    asks.finish()
}

/// Whether a cause that would explain the fact could not be looked for: what is known may be only a consequence.
pub(super) fn blind(graph: &Graph<'_>, sources: &Sources, id: FactId) -> bool {
    let Some(effect) = graph.fact(id) else {
        return false;
    };
    // The inference itself says that it cannot follow further.
    if effect.ask.is_some() {
        return true;
    }
    let Some(kind) = graph.catalog.index(&effect.kind) else {
        return false;
    };
    graph.catalog.causes_of(kind).any(|cause| {
        cause.strength >= Strength::Strong
            && graph.catalog.at(cause.cause).is_some_and(|d| {
                !is_seen(graph, id, d)
                    && (d.origin == Origin::Suspect
                        || cause
                            .needs
                            .iter()
                            .any(|n| sources.possible(graph, n) && !available(graph, n, effect)))
            })
    })
}

/// Whether a link leaves no room for another cause of its effect: by its mechanism, or because all that is known together
/// decides.
fn settled(graph: &Graph<'_>, link: &Link, sure: bool) -> bool {
    let proven = graph
        .fact(link.cause)
        .is_some_and(|f| *f.basis() != Basis::Suspected);
    let certain = graph
        .rule(link)
        .is_some_and(|r| r.strength == Strength::Certain);
    proven && (certain || sure) && link.met == Met::Yes && link.fit != Fit::Later && !link.partial
}

impl<'g> Asks<'g, '_> {
    fn suspected(&self, id: FactId) -> Option<&'g Fact> {
        self.graph
            .fact(id)
            .filter(|f| *f.basis() == Basis::Suspected)
    }

    /// A step that no line shows: what would show it.
    fn suspected_step(&mut self, id: FactId) {
        if let Some(fact) = self.suspected(id) {
            self.of_fact(fact, SUSPECTED_STEP, true);
        }
    }

    /// What the inference behind a step asks for: it knows the process that was waited for.
    fn of_inference(&mut self, id: FactId) {
        let graph = self.graph;
        let Some((fact, definition, wanted)) = graph
            .fact(id)
            .and_then(|f| Some((f, graph.catalog.get(&f.kind)?, f.ask.as_ref()?)))
        else {
            return;
        };
        let question = Question {
            definition,
            keys: fact.keys.clone(),
            effect: fact,
            title: graph.title(fact, self.lang),
            rank: INFERENCE,
            proven: true,
        };
        let what = match self.lang {
            Lang::En => &wanted.what,
            Lang::Zh => &wanted.what_zh,
        };
        self.add(what.clone(), &wanted.command, Vec::new(), &question);
    }

    /// Another candidate that only lacks proof.
    fn rival(&mut self, id: FactId) {
        if let Some(fact) = self.suspected(id) {
            self.of_fact(fact, RIVAL, true);
        }
    }

    /// What the root itself asks for.
    fn root(&mut self, root: &Root) {
        let Some(fact) = self.graph.fact(root.fact) else {
            return;
        };
        // The inference knows better than the catalogue what its fact lacks.
        if *fact.basis() == Basis::Suspected || fact.ask.is_some() {
            return;
        }
        let bare = self
            .graph
            .catalog
            .get(&fact.kind)
            .is_some_and(|d| d.symptom);
        self.of_fact(fact, if bare { BARE } else { ROOT }, false);
    }

    fn of_fact(&mut self, fact: &'g Fact, rank: i32, whether: bool) {
        let Some(definition) = self.graph.catalog.get(&fact.kind) else {
            return;
        };
        let title = self.graph.title(fact, self.lang);
        let question = Question {
            definition,
            keys: fact.keys.clone(),
            effect: fact,
            title,
            rank,
            proven: !whether,
        };
        for ask in &definition.asks {
            self.ask(ask, &question);
        }
    }

    /// Causes of a step that the bundle could not show.
    fn causes_of(&mut self, id: FactId, rank: i32, least: Strength, on_chain: &BTreeSet<&str>) {
        let graph = self.graph;
        let Some(effect) = graph.fact(id) else {
            return;
        };
        let Some(kind) = graph.catalog.index(&effect.kind) else {
            return;
        };
        for cause in graph.catalog.causes_of(kind) {
            let Some(definition) = graph.catalog.at(cause.cause) else {
                continue;
            };
            if cause.strength < least
                || on_chain.contains(definition.id.as_str())
                || is_seen(graph, id, definition)
            {
                continue;
            }
            let rank = rank
                + match cause.strength {
                    Strength::Certain => 9,
                    Strength::Strong => 6,
                    Strength::Weak => 0,
                };
            self.cause(cause, definition, effect, rank);
        }
    }

    fn cause(&mut self, cause: &'g Cause, definition: &'g Definition, effect: &'g Fact, rank: i32) {
        let graph = self.graph;
        if graph.is_excluded(cause.cause, &effect.keys) {
            return;
        }
        if !cause.needs.is_empty() && !cause.needs.iter().any(|n| self.sources.possible(graph, n)) {
            return;
        }
        let missing: Vec<&Need> = cause
            .needs
            .iter()
            .filter(|n| self.sources.possible(graph, n) && !available(graph, n, effect))
            .collect();
        let unrelated = || super::verdict::unrelated_fact(graph, cause, effect);
        let suspect = definition.origin == Origin::Suspect;
        if missing.is_empty() && !suspect && !unrelated() {
            return;
        }
        let keys = graph
            .hypothetical_keys(&cause.join, effect)
            .unwrap_or_default();
        let title = graph.title_of(cause.cause, &keys, self.lang);
        let question = Question {
            definition,
            keys,
            effect,
            title,
            rank,
            proven: false,
        };
        let before = self.list.len();
        let mut answered = false;
        for ask in &question.definition.asks {
            let useful = suspect
                || missing.is_empty()
                || ask.collects.is_empty()
                || ask.collects.iter().any(|n| missing.contains(&n));
            if useful {
                answered |= !self.ask(ask, &question);
            }
        }
        if self.list.len() == before && !answered {
            for need in missing {
                self.plain(need, &question);
            }
        }
    }

    /// Adds an ask of the catalogue, unless the bundle has what it collects. Whether it was added or joined another.
    fn ask(&mut self, ask: &'g Ask, question: &Question<'g>) -> bool {
        let (there, missing): (Vec<&Need>, Vec<&Need>) = ask
            .collects
            .iter()
            .partition(|n| available(self.graph, n, question.effect));
        let mut open: Vec<&Need> = missing
            .iter()
            .copied()
            .filter(|n| self.sources.possible(self.graph, n))
            .collect();
        // What a proven fact asks for about itself exists, whatever else the bundle shows.
        if open.is_empty() && there.is_empty() && question.proven {
            open = missing;
        }
        if open.is_empty() && !ask.collects.is_empty() {
            return false;
        }
        let mut what = text_of(&ask.what, self.lang).to_owned();
        // Half of it may be there: then it is said which half is not.
        if let [need] = *open
            && let Some(note) = self.elsewhen(need, question.effect)
        {
            what.push_str(&note);
        } else if !there.is_empty() {
            let words: Vec<String> = open.iter().map(|n| n.words(self.lang)).collect();
            what.push_str(&match self.lang {
                Lang::En => format!(" (not in the bundle: {})", words.join(", ")),
                Lang::Zh => format!("（材料中缺少：{}）", words.join("、")),
            });
        }
        let command = match &ask.how {
            How::Command(command) => command.clone(),
            How::Way(word) => Need::parse(&filled(word, &question.keys))
                .map(|need| Collection::builtin().command(&need))
                .unwrap_or_default(),
        };
        self.add(what, &command, open, question);
        true
    }

    /// Asks for a source for which the catalogue has no words of its own.
    fn plain(&mut self, need: &'g Need, question: &Question<'g>) {
        let mut what = need.words(self.lang);
        if let Some(note) = self.elsewhen(need, question.effect) {
            what.push_str(&note);
        }
        self.add(
            what,
            &Collection::builtin().command(need),
            vec![need],
            question,
        );
    }

    /// What to add when the bundle has such a source, but of another time.
    fn elsewhen(&self, need: &Need, effect: &Fact) -> Option<String> {
        let (_, from, to) = other_time(self.graph, need, effect)?;
        let at = effect.span.first.or(effect.span.last)?.at;
        let show = |t: crate::base::time::Instant| format!("{} {}", t.date(), t.clock());
        Some(match self.lang {
            Lang::En => format!(
                ", from before {} UTC on (the bundle has it from {} to {})",
                show(at),
                show(from),
                show(to)
            ),
            Lang::Zh => format!(
                "，须包含 {} UTC 之前（材料中为 {} 至 {}）",
                show(at),
                show(from),
                show(to)
            ),
        })
    }

    fn add(
        &mut self,
        what: String,
        command: &str,
        collects: Vec<&'g Need>,
        question: &Question<'g>,
    ) {
        let command = filled(command, &question.keys);
        let on = if Collection::builtin().runs_anywhere(&command) {
            String::new()
        } else {
            question
                .keys
                .get("node")
                .or_else(|| question.effect.keys.get("node"))
                .filter(|n| is_word(n))
                .cloned()
                .unwrap_or_default()
        };
        let same = |c: &Candidate<'_>| {
            c.on == on && (c.command == command || (!collects.is_empty() && collects == c.collects))
        };
        if let Some(old) = self.list.iter_mut().find(|c| same(c)) {
            old.rank = old.rank.max(question.rank);
            let list = if question.proven {
                &mut old.behind
            } else {
                &mut old.whether
            };
            if !list.contains(&question.title) {
                list.push(question.title.clone());
            }
            return;
        }
        self.list.push(Candidate {
            rank: question.rank,
            what,
            command,
            on,
            collects,
            whether: if question.proven {
                Vec::new()
            } else {
                vec![question.title.clone()]
            },
            behind: if question.proven {
                vec![question.title.clone()]
            } else {
                Vec::new()
            },
        });
    }

    fn finish(mut self) -> Vec<Gap> {
        self.list.sort_by_key(|c| std::cmp::Reverse(c.rank));
        let lang = self.lang;
        self.list
            .into_iter()
            .take(LIST)
            .map(|c| Gap {
                why: c.why(lang),
                what: c.what,
                command: c.command,
                on: c.on,
            })
            .collect()
    }
}

/// Whether a cause of that kind was found for the effect.
pub(super) fn is_seen(graph: &Graph<'_>, effect: FactId, definition: &Definition) -> bool {
    // A quiet log shows neither silence nor its absence.
    let by_silence = matches!(&definition.origin, Origin::Inferred { by, .. } if by == "silence");
    by_silence
        || graph.causes(effect).iter().any(|l| {
            graph
                .fact(l.cause)
                .is_some_and(|f| f.kind == definition.id && definition.origin != Origin::Suspect)
        })
}
