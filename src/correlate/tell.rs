//! An incident in words: title and summary, what to do and what not to do.

use super::command;
use super::graph::Graph;
use super::symptom;
use super::verdict::text_of;
use crate::base::lang::Lang;
use crate::base::units::human_duration;
use crate::catalog::{Definition, Text};
use crate::model::{Basis, Fact, FactId, Incident};

/// Remedies of the root, else of the nearest step that has one; warnings of every step.
pub(super) fn advise(graph: &Graph<'_>, incident: &mut Incident, lang: Lang) {
    let steps: Vec<(&Fact, &Definition)> = incident
        .chain
        .iter()
        .filter_map(|s| graph.fact(s.fact))
        .filter_map(|f| Some((f, graph.catalog.get(&f.kind)?)))
        .collect();
    let push = |list: &mut Vec<String>, text: String| {
        if !list.contains(&text) {
            list.push(text);
        }
    };
    let text = |fact: &Fact, text: &Text| command::filled(text_of(text, lang), &fact.keys);
    if let Some((fact, d)) = steps.iter().find(|(_, d)| !d.remedies.is_empty()) {
        for remedy in &d.remedies {
            push(&mut incident.remedy, text(fact, &remedy.action));
        }
    }
    for (fact, d) in &steps {
        for warning in &d.warnings {
            push(&mut incident.warnings, text(fact, &warning.say));
        }
        for reference in &d.references {
            push(&mut incident.references, reference.clone());
        }
    }
}

/// Title and summary.
pub(super) fn tell(graph: &Graph<'_>, incident: &mut Incident, members: &[FactId], lang: Lang) {
    let Some(main) = members.first().and_then(|id| graph.fact(*id)) else {
        return;
    };
    let symptom = graph.title(main, lang);
    let others = members.len().saturating_sub(1);
    let and_more = match (others, lang) {
        (0, _) => String::new(),
        (1, Lang::En) => String::from(" (and 1 more symptom)"),
        (n, Lang::En) => format!(" (and {n} more symptoms)"),
        (n, Lang::Zh) => format!("（另有 {n} 个现象）"),
    };
    let root = incident.roots.first().and_then(|r| graph.fact(r.fact));
    let root_title = root.map(|f| graph.title(f, lang)).unwrap_or_default();
    let same = root.is_some_and(|r| std::ptr::eq(r, main));
    incident.title = if same {
        format!("{symptom}{and_more}")
    } else {
        format!("{symptom}{and_more}: {root_title}")
    };

    let mut sentences: Vec<String> = Vec::new();
    let since = main
        .span
        .first
        .map(|s| format!("{} {} UTC", s.at.date(), s.at.clock()));
    match (lang, since) {
        (Lang::En, Some(t)) => sentences.push(format!("{symptom}{and_more}, since {t}.")),
        (Lang::En, None) => sentences.push(format!("{symptom}{and_more}.")),
        (Lang::Zh, Some(t)) => sentences.push(format!("{symptom}{and_more}，自 {t} 起。")),
        (Lang::Zh, None) => sentences.push(format!("{symptom}{and_more}。")),
    }
    if let (Some(root), false) = (root, same) {
        let doubt = match (root.basis(), lang) {
            (Basis::Seen, _) => "",
            (Basis::Inferred { .. }, Lang::En) => " (inferred)",
            (Basis::Inferred { .. }, Lang::Zh) => "（推断）",
            (Basis::Suspected, Lang::En) => " (suspected)",
            (Basis::Suspected, Lang::Zh) => "（怀疑）",
        };
        sentences.push(match lang {
            Lang::En => format!("Root cause: {root_title}{doubt}."),
            Lang::Zh => format!("根因：{root_title}{doubt}。"),
        });
    } else if same {
        sentences.push(match lang {
            Lang::En => String::from("Nothing in the bundle explains it further."),
            Lang::Zh => String::from("材料中没有能进一步解释它的证据。"),
        });
    }
    let mut because: Vec<&str> = incident
        .chain
        .iter()
        .map(|s| s.because.as_str())
        .filter(|b| !b.is_empty())
        .collect();
    because.dedup();
    because.truncate(2);
    for b in because {
        let end = if b.ends_with(['.', '。']) {
            ""
        } else if lang == Lang::Zh {
            "。"
        } else {
            "."
        };
        sentences.push(format!("{b}{end}"));
    }
    if let (Some(first), Some(last)) = (main.span.first, main.span.last)
        && main.span.closed
        && last.at.since(first.at) < symptom::SHORT
    {
        let lasted = human_duration(last.at.since(first.at));
        sentences.push(match lang {
            Lang::En => format!("It was over after {lasted}."),
            Lang::Zh => format!("持续 {lasted} 后恢复。"),
        });
    }
    incident.summary = sentences.join(" ");
}
