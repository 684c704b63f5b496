//! Scores: a sum of named terms from one scale, printed term by term. High, medium and low are fixed cuts.

use std::collections::BTreeSet;

use super::graph::{Graph, Link};
use super::link::{Fit, Met};
use crate::base::lang::Lang;
use crate::catalog::Strength;
use crate::model::incident::Term;
use crate::model::{Basis, Confidence, Fact, SourceId};

/// From here on the evidence decides.
const HIGH: i32 = 60;
/// From here on more speaks for it than against it.
const MEDIUM: i32 = 38;

/// Points of a link that explains only a part of its effect.
const PARTIAL: i32 = -14;

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
    graph.catalog.get(&root.kind).map_or(0, |d| d.weight.points())
}

/// The cut a score falls into. A suspected root is never more than low, whatever speaks for it.
pub(super) fn confidence(score: i32, root: &Fact) -> Confidence {
    if *root.basis() == Basis::Suspected {
        return Confidence::Low;
    }
    match score {
        s if s >= HIGH => Confidence::High,
        s if s >= MEDIUM => Confidence::Medium,
        _ => Confidence::Low,
    }
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
    /// Its own causes could not be looked at.
    pub(super) blind: usize,
    /// Another candidate scores nearly as much.
    pub(super) rival: bool,
}

/// The terms of a root's score along its best path to the main symptom.
pub(super) fn terms(graph: &Graph<'_>, root: &Fact, path: &[Link], bearing: &Bearing, lang: Lang) -> Vec<Term> {
    let say = |en: String, zh: String| if lang == Lang::Zh { zh } else { en };
    let mut terms = Vec::new();
    let mut add = |name: &'static str, value: i32, because: String| {
        if value != 0 {
            terms.push(Term { name, value, because });
        }
    };
    if let Some(definition) = graph.catalog.get(&root.kind) {
        match root.basis() {
            Basis::Suspected => add(
                "suspected",
                -10,
                say("no line shows it; it would explain what is seen".into(), "没有日志行直接显示，仅能解释所见现象".into()),
            ),
            Basis::Inferred { by } => add(
                definition.weight.name(),
                definition.weight.points(),
                say(format!("inferred: {by}"), format!("推断：{by}")),
            ),
            Basis::Seen => add(
                definition.weight.name(),
                definition.weight.points(),
                say(format!("{} line(s) say so", root.count), format!("{} 行日志直接显示", root.count)),
            ),
        }
    }
    let links: i32 =
        path.iter().filter_map(|l| graph.rule(l)).map(|r| strength_points(r.strength)).sum::<i32>().clamp(-20, 24);
    let certain = path.iter().filter(|l| graph.rule(l).is_some_and(|r| r.strength == Strength::Certain)).count();
    add(
        "mechanism",
        links,
        say(
            format!("{} link(s) to the symptom, {certain} of them certain", path.len()),
            format!("到现象共 {} 个因果环节，其中 {certain} 个为必然", path.len()),
        ),
    );
    let sources = independent(graph, root, path);
    if sources > 1 {
        let value = i32::try_from(sources - 1).unwrap_or(0).saturating_mul(4).min(12);
        add(
            "independent-sources",
            value,
            say(format!("{sources} sources agree"), format!("{sources} 个独立来源一致")),
        );
    }
    let hypothetical = path
        .iter()
        .filter(|l| graph.fact(l.cause).is_some_and(|f| *f.basis() == Basis::Suspected) && l.cause != path.first().map_or(l.effect, |p| p.cause))
        .count();
    if !path.is_empty() && hypothetical == 0 && *root.basis() != Basis::Suspected {
        add("chain-complete", 6, say("every step is seen or inferred".into(), "链上每一步均有证据".into()));
    }
    let unproven = path.iter().filter(|l| l.met == Met::Unproven).count();
    add(
        "entity-unproven",
        -8 * i32::try_from(unproven).unwrap_or(1),
        say("a source does not say which machine it speaks of".into(), "有来源未注明所属机器".into()),
    );
    let later = path.iter().filter(|l| l.fit == Fit::Later).count();
    add(
        "order",
        -4 * i32::try_from(later).unwrap_or(1),
        say("explains later occurrences, not the first".into(), "只能解释后来的发生，而非首次".into()),
    );
    let partial = path.iter().filter(|l| l.partial).count();
    add(
        "partial",
        PARTIAL * i32::try_from(partial).unwrap_or(1),
        say("explains only a part of its effect".into(), "只能解释后果的一部分".into()),
    );
    if bearing.symptoms > 1 {
        add(
            "explains-more",
            i32::try_from(bearing.symptoms - 1).unwrap_or(0).saturating_mul(3).min(9),
            say(format!("explains {} symptoms", bearing.symptoms), format!("可解释 {} 个现象", bearing.symptoms)),
        );
    }
    if bearing.refuted > 0 {
        add(
            "alternative-refuted",
            i32::try_from(bearing.refuted).unwrap_or(0).saturating_mul(3).min(9),
            say(format!("{} other cause(s) were looked for and are absent", bearing.refuted), format!("已排除 {} 个其他原因", bearing.refuted)),
        );
    }
    for because in &bearing.against {
        add("contradicted", -60, because.clone());
    }
    if bearing.blind > 0 && *root.basis() != Basis::Suspected {
        add(
            "gap-penalty",
            -2 * i32::try_from(bearing.blind).unwrap_or(0).min(3),
            say("sources that would show a deeper cause are missing".into(), "缺少可显示更深原因的材料".into()),
        );
    }
    if bearing.rival {
        add("rival", -6, say("another candidate fits nearly as well".into(), "另有候选原因几乎同样吻合".into()));
    }
    terms
}

/// How many different sources prove the steps.
fn independent(graph: &Graph<'_>, root: &Fact, path: &[Link]) -> usize {
    let mut sources: BTreeSet<SourceId> = root.evidence().iter().map(|q| q.place.source).collect();
    for fact in path.iter().filter_map(|l| graph.fact(l.effect)) {
        sources.extend(fact.evidence().iter().map(|q| q.place.source));
    }
    sources.len()
}
