//! Compares what a run says with the truth, and with what another run says.

use std::fmt::{self, Write as _};

use kforensics::model::{Analysis, Basis, Confidence, Fact, FactId, Incident, Severity};
use regex::RegexBuilder;

use super::fixture::{Expected, Truth};

/// What a run says, without places, scores and words: equal for equal bundles however they are packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    incidents: Vec<String>,
}

impl Verdict {
    pub(crate) fn of(analysis: &Analysis) -> Self {
        let mut incidents: Vec<String> = analysis
            .incidents
            .iter()
            .map(|i| one(analysis, i))
            .collect();
        incidents.sort();
        Self { incidents }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.incidents.join("\n"))
    }
}

fn one(analysis: &Analysis, incident: &Incident) -> String {
    let mut text = format!("[{}]", incident.severity.as_str());
    for root in incident.roots.iter().take(1) {
        let fact = fact(analysis, root.fact);
        let _ = write!(
            text,
            " root {} {} ({})",
            fact.kind,
            fact.entity,
            root.confidence.as_str()
        );
    }
    for step in &incident.chain {
        let fact = fact(analysis, step.fact);
        let at = fact
            .span
            .first
            .map_or_else(|| String::from("?"), |s| s.at.clock());
        let _ = write!(
            text,
            "\n    {at} {} {} {}",
            fact.kind,
            fact.entity,
            fact.basis().as_str()
        );
    }
    text
}

/// A fact of an analysis.
pub(crate) fn fact(analysis: &Analysis, id: FactId) -> &Fact {
    &analysis.facts[usize::try_from(id.0).unwrap()]
}

/// Severity medium or above.
pub(crate) fn loud(analysis: &Analysis) -> impl Iterator<Item = &Incident> {
    analysis
        .incidents
        .iter()
        .filter(|i| i.severity >= Severity::Medium)
}

/// Whether the run found what really happened: each incident of the truth is one of its own, the gravest among the
/// first, and nothing is said that must not be. `Err`: what is wrong.
pub(crate) fn judge(truth: &Truth, analysis: &Analysis) -> Result<(), String> {
    if truth.quiet {
        let said: Vec<&str> = loud(analysis).map(|i| i.title.as_str()).collect();
        return if said.is_empty() {
            Ok(())
        } else {
            Err(format!("healthy, but: {}", said.join("; ")))
        };
    }
    let mut free: Vec<&Incident> = analysis.incidents.iter().collect();
    for (index, expected) in truth.incidents.iter().enumerate() {
        let (at, found) = find(analysis, &free, expected)?;
        let allowed = truth.incidents.len() - index;
        if at >= allowed {
            return Err(format!("{} comes behind {at} other(s)", found.title));
        }
        free.remove(at);
    }
    Ok(())
}

/// Whether the run found this incident, at whatever place among others.
pub(crate) fn among(expected: &Expected, analysis: &Analysis) -> Result<usize, String> {
    let all: Vec<&Incident> = analysis.incidents.iter().collect();
    find(analysis, &all, expected).map(|(at, _)| at)
}

fn find<'a>(
    analysis: &Analysis,
    free: &[&'a Incident],
    expected: &Expected,
) -> Result<(usize, &'a Incident), String> {
    let mut why = String::from("no incident");
    for (at, incident) in free.iter().enumerate() {
        match meets(analysis, incident, expected) {
            Ok(()) => return Ok((at, incident)),
            // The complaint about the incident that comes nearest says most: that of the first one.
            Err(complaint) if at == 0 => why = complaint,
            Err(_) => {}
        }
    }
    Err(why)
}

fn meets(analysis: &Analysis, incident: &Incident, expected: &Expected) -> Result<(), String> {
    let Some(root) = incident.roots.first() else {
        return Err(format!("{}: no root", incident.title));
    };
    let found = fact(analysis, root.fact);
    if !expected.root.contains(&found.kind) || !expected.entity.is_match(found.entity.as_str()) {
        return Err(format!("root is {} {}", found.kind, found.entity));
    }
    if root.confidence < confidence(&expected.confidence) {
        return Err(format!(
            "confidence {} ({})",
            root.confidence.as_str(),
            root.score
        ));
    }
    let mut chain = incident
        .chain
        .iter()
        .map(|s| fact(analysis, s.fact).kind.as_str());
    for kind in &expected.chain {
        if !chain.any(|k| k == kind) {
            return Err(format!(
                "no {kind} (in this order) in the chain {}",
                kinds(analysis, incident)
            ));
        }
    }
    if let Some(wrong) = incident
        .ruled_out
        .iter()
        .find(|r| expected.possible.contains(&r.kind))
    {
        return Err(format!("rules out {}: {}", wrong.kind, wrong.because));
    }
    let text = words(analysis, incident);
    for expression in &expected.mention {
        if !says(expression, &text) {
            return Err(format!("does not mention {expression}: {}", incident.title));
        }
    }
    let title = incident
        .title
        .rsplit_once(": ")
        .map_or(incident.title.as_str(), |(_, root)| root);
    for expression in &expected.never {
        if says(expression, title) {
            return Err(format!("must not say {expression}: {title}"));
        }
    }
    Ok(())
}

/// The kinds of a chain.
pub(crate) fn kinds(analysis: &Analysis, incident: &Incident) -> String {
    incident
        .chain
        .iter()
        .map(|s| fact(analysis, s.fact).kind.as_str())
        .collect::<Vec<_>>()
        .join(" > ")
}

fn words(analysis: &Analysis, incident: &Incident) -> String {
    let mut text = format!("{}\n{}\n", incident.title, incident.summary);
    let ids = incident
        .roots
        .iter()
        .map(|r| r.fact)
        .chain(incident.chain.iter().map(|s| s.fact));
    for fact in ids.map(|id| fact(analysis, id)) {
        let _ = writeln!(text, "{} {} {:?}", fact.kind, fact.entity, fact.keys);
    }
    for step in &incident.chain {
        text.push_str(&step.because);
        text.push('\n');
    }
    text
}

fn says(expression: &str, text: &str) -> bool {
    RegexBuilder::new(expression)
        .case_insensitive(true)
        .build()
        .unwrap()
        .is_match(text)
}

/// The confidence for a word.
pub(crate) fn confidence(word: &str) -> Confidence {
    match word {
        "low" => Confidence::Low,
        "medium" => Confidence::Medium,
        "high" => Confidence::High,
        other => panic!("{other} is no confidence"),
    }
}

/// One line about each incident of a run, for tables and messages.
pub(crate) fn said(analysis: &Analysis) -> String {
    let mut text = String::new();
    for incident in &analysis.incidents {
        let _ = write!(text, "[{}] {}", incident.severity.as_str(), incident.title);
        if let Some(root) = incident.roots.first() {
            let fact = fact(analysis, root.fact);
            let suspected = if *fact.basis() == Basis::Suspected {
                " suspected"
            } else {
                ""
            };
            let _ = write!(
                text,
                " <- {} {}{suspected} {} {}",
                fact.kind,
                fact.entity,
                root.confidence.as_str(),
                root.score
            );
        }
        text.push('\n');
    }
    if text.is_empty() {
        text.push_str("no incident\n");
    }
    text
}
