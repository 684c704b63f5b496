//! Scores: a sum of named terms from one scale, printed term by term. High, medium and low are fixed cuts.

use std::collections::BTreeSet;

use super::graph::{Graph, Link};
use super::link::{Fit, Met, slack};
use crate::base::lang::Lang;
use crate::base::time::SECOND;
use crate::catalog::{Strength, Weight};
use crate::model::incident::Term;
use crate::model::{Basis, Confidence, Fact};

/// From here on the evidence decides.
const HIGH: i32 = 60;
/// From here on more speaks for it than against it.
const MEDIUM: i32 = 38;

/// Points of a link that explains only a part of its effect.
const PARTIAL: i32 = -14;

/// Clocks of machines that may differ by more than this (in nanoseconds) decide an order.
const CLOCKS_DIFFER: i64 = 5 * SECOND;

/// Points of one link by its strength.
fn strength_points(strength: Strength) -> i32 {
    match strength {
        Strength::Certain => 12,
        Strength::Strong => 8,
        Strength::Weak => -6,
    }
}

/// Points of a link on a path: used to choose the best path.
pub(super) fn link_points(graph: &Graph<'_>, link: &Link) -> i32 {
    let strength = graph.rule(link).map_or(0, |r| strength_points(r.strength));
    let met = if link.met == Met::Unproven { -8 } else { 0 };
    let fit = match link.fit {
        Fit::Yes => 2,
        Fit::Later => -4,
        Fit::Unclear | Fit::No => 0,
    };
    let cause = graph.fact(link.cause).map_or(0, |f| match f.basis() {
        Basis::Seen => 2,
        Basis::Inferred { .. } => 0,
        Basis::Suspected => -14,
    });
    let partial = if link.partial { PARTIAL } else { 0 };
    strength + met + fit + cause + partial
}

/// Points of a root by itself: used to choose the best path.
pub(super) fn root_points(graph: &Graph<'_>, root: &Fact) -> i32 {
    if *root.basis() == Basis::Suspected {
        return -10;
    }
    graph
        .catalog
        .get(&root.kind)
        .map_or(0, |d| d.weight.points())
}

/// The cut a score falls into, and what no score lifts: a suspected root is low, whatever speaks for it; so is a symptom
/// that nothing explains, for that it is there says nothing about why. A fact that does not name a cause is no more than
/// medium while `blind`: what would show a cause behind it is not in the bundle. Nor is a chain more whose order rests on
/// clocks that cannot be compared.
pub(super) fn confidence(
    graph: &Graph<'_>,
    terms: &[Term],
    root: &Fact,
    path: &[Link],
    blind: bool,
) -> Confidence {
    let Some(definition) = graph.catalog.get(&root.kind) else {
        return Confidence::Low;
    };
    let names_a_cause = definition.weight >= Weight::Primary;
    // What follows from a fact, however much it is, does not show that nothing lies behind it.
    let score: i32 = terms
        .iter()
        .filter(|t| names_a_cause || t.name != EXPLAINS_MORE)
        .map(|t| t.value)
        .sum();
    if *root.basis() == Basis::Suspected
        || (path.is_empty() && definition.symptom && !names_a_cause)
    {
        return Confidence::Low;
    }
    // A line that names a cause is no guess, though nothing but itself rests on it.
    let stands_alone = path.is_empty() && names_a_cause && !definition.symptom && score > 0;
    if score < MEDIUM && !stands_alone {
        return Confidence::Low;
    }
    let open = path.iter().any(|link| is_open(graph, link));
    if score < HIGH || (blind && !names_a_cause) || open {
        return Confidence::Medium;
    }
    Confidence::High
}

/// Whether the order of a link is unclear because the clocks of two machines cannot be compared.
fn is_open(graph: &Graph<'_>, link: &Link) -> bool {
    let first = |id| graph.fact(id).and_then(|f| f.span.first);
    let (Some(cause), Some(effect)) = (first(link.cause), first(link.effect)) else {
        return false;
    };
    let doubt = cause.doubt.ns.max(effect.doubt.ns);
    link.fit == Fit::Unclear
        && cause.doubt.machine != effect.doubt.machine
        && doubt > CLOCKS_DIFFER
        && cause.before(effect).is_none()
}

/// What else bears on a root, besides its path.
#[derive(Debug, Default)]
pub(super) struct Bearing {
    /// Symptoms that it explains.
    pub(super) symptoms: usize,
    /// Alternatives that were looked for and excluded.
    pub(super) refuted: usize,
    /// Facts that exclude this root.
    pub(super) against: Vec<String>,
    /// Another candidate scores nearly as much.
    pub(super) rival: bool,
}

/// Terms being collected, with their reasons in one language.
struct Terms {
    lang: Lang,
    list: Vec<Term>,
}

impl Terms {
    /// Adds a term that is worth something.
    fn add(&mut self, name: &'static str, value: i32, en: &str, zh: &str) {
        if value != 0 {
            let because = if self.lang == Lang::Zh { zh } else { en };
            self.list.push(Term {
                name,
                value,
                because: because.to_owned(),
            });
        }
    }
}

/// `each` points for each of `n`.
fn times(n: usize, each: i32) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX).saturating_mul(each)
}

/// The terms of a root's score along its best path to the main symptom.
pub(super) fn terms(
    graph: &Graph<'_>,
    root: &Fact,
    path: &[Link],
    bearing: &Bearing,
    lang: Lang,
) -> Vec<Term> {
    let mut terms = Terms {
        lang,
        list: Vec::new(),
    };
    of_root(graph, root, &mut terms);
    of_path(graph, root, path, &mut terms);
    of_bearing(bearing, &mut terms);
    terms.list
}

/// What the root says by itself.
fn of_root(graph: &Graph<'_>, root: &Fact, terms: &mut Terms) {
    let Some(weight) = graph.catalog.get(&root.kind).map(|d| d.weight) else {
        return;
    };
    match root.basis() {
        Basis::Suspected => terms.add(
            "suspected",
            -10,
            "no line shows it; it would explain what is seen",
            "没有日志行直接显示，仅能解释所见现象",
        ),
        Basis::Inferred { by } => {
            let (en, zh) = (format!("inferred: {by}"), format!("推断：{by}"));
            terms.add(weight.name(), weight.points(), &en, &zh);
        }
        Basis::Seen => {
            let n = root.count;
            let (en, zh) = (format!("{n} line(s) say so"), format!("{n} 行日志直接显示"));
            terms.add(weight.name(), weight.points(), &en, &zh);
        }
    }
}

/// What the way to the symptom says.
fn of_path(graph: &Graph<'_>, root: &Fact, path: &[Link], terms: &mut Terms) {
    let strengths: Vec<Strength> = path
        .iter()
        .filter_map(|l| graph.rule(l))
        .map(|r| r.strength)
        .collect();
    let certain = strengths
        .iter()
        .filter(|s| **s == Strength::Certain)
        .count();
    let points: i32 = strengths.iter().map(|s| strength_points(*s)).sum();
    terms.add(
        "mechanism",
        points.clamp(-20, 24),
        &format!(
            "{} link(s) to the symptom, {certain} of them certain",
            path.len()
        ),
        &format!(
            "到现象共 {} 个因果环节，其中 {certain} 个为必然",
            path.len()
        ),
    );
    let sources = independent(graph, root, path);
    terms.add(
        "independent-sources",
        times(sources.saturating_sub(1), 4).min(12),
        &format!("{sources} sources agree"),
        &format!("{sources} 个独立来源一致"),
    );
    let proven = |id| {
        graph
            .fact(id)
            .is_some_and(|f| *f.basis() != Basis::Suspected)
    };
    if !path.is_empty() && *root.basis() != Basis::Suspected && path.iter().all(|l| proven(l.cause))
    {
        terms.add(
            "chain-complete",
            6,
            "every step is seen or inferred",
            "链上每一步均有证据",
        );
    }
    let count = |of: fn(&Link) -> bool| path.iter().filter(|l| of(l)).count();
    terms.add(
        "entity-unproven",
        times(count(|l| l.met == Met::Unproven), -8),
        "a source does not say which machine it speaks of",
        "有来源未注明所属机器",
    );
    order(graph, root, path, terms);
    terms.add(
        "partial",
        times(count(|l| l.partial), PARTIAL),
        "explains only a part of its effect",
        "只能解释后果的一部分",
    );
}

/// A cause that began after the first sign of the symptom, by more than the clocks may err, explains only what came later.
/// What must last to be a symptom begins to be one when it has lasted so long. Of steps between the two the stamps say
/// when each was noticed, not when it began: they are not held against the root.
fn order(graph: &Graph<'_>, root: &Fact, path: &[Link], terms: &mut Terms) {
    let Some(symptom) = path.last().and_then(|l| graph.fact(l.effect)) else {
        return;
    };
    let (Some(cause), Some(sign)) = (root.span.first, symptom.span.first) else {
        return;
    };
    let lasting = graph
        .catalog
        .get(&symptom.kind)
        .and_then(|d| d.lasting)
        .unwrap_or(0);
    if cause.at.since(sign.at) <= slack(cause, sign).saturating_add(lasting) {
        return;
    }
    let (cause, sign) = (cause.at.clock(), sign.at.clock());
    terms.add(
        "order",
        -8,
        &format!(
            "the first sign came at {sign}, before this began at {cause}: it explains only what came later"
        ),
        &format!("最早的迹象出现于 {sign}，早于此原因的开始时间 {cause}：只能解释之后的现象"),
    );
}

/// The term for the symptoms beyond the first.
const EXPLAINS_MORE: &str = "explains-more";

/// What else is known.
fn of_bearing(bearing: &Bearing, terms: &mut Terms) {
    terms.add(
        EXPLAINS_MORE,
        times(bearing.symptoms.saturating_sub(1), 3).min(9),
        &format!("explains {} symptoms", bearing.symptoms),
        &format!("可解释 {} 个现象", bearing.symptoms),
    );
    terms.add(
        "alternative-refuted",
        times(bearing.refuted, 3).min(9),
        &format!(
            "{} other cause(s) were looked for and are absent",
            bearing.refuted
        ),
        &format!("已排除 {} 个其他原因", bearing.refuted),
    );
    for because in &bearing.against {
        terms.add("contradicted", -60, because, because);
    }
    if bearing.rival {
        terms.add(
            "rival",
            -6,
            "another candidate fits nearly as well",
            "另有候选原因几乎同样吻合",
        );
    }
}

/// How many different sources prove the steps; the parts of one log are one.
fn independent(graph: &Graph<'_>, root: &Fact, path: &[Link]) -> usize {
    let effects = path.iter().filter_map(|l| graph.fact(l.effect));
    std::iter::once(root)
        .chain(effects)
        .flat_map(Fact::evidence)
        .map(|q| graph.world.log_of(q.place.source))
        .collect::<BTreeSet<usize>>()
        .len()
}
