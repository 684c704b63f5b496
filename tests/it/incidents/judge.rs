//! Compares what came out with what must come out.

use kforensics::model::{Analysis, Confidence, Incident, Severity};
use regex::Regex;

use super::scenario::Truth;

/// What came out, for the table.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Kind of the first root.
    pub root: String,
    /// What it is about.
    pub entity: String,
    /// How sure.
    pub confidence: String,
    /// Steps of the chain.
    pub chain: Vec<String>,
    /// What is not as it must be.
    pub faults: Vec<String>,
}

/// Judges one analysis.
pub fn judge(analysis: &Analysis, truth: &Truth) -> Verdict {
    let mut verdict = Verdict::default();
    let chosen = chosen(analysis, truth);
    if let Some(incident) = chosen {
        describe(analysis, incident, &mut verdict);
    }
    let faults = &mut verdict.faults;
    for kind in &truth.facts {
        if !analysis.facts.iter().any(|f| f.kind == *kind) {
            faults.push(format!("no fact {kind}"));
        }
    }
    if truth.understood {
        for left in &analysis.unexplained {
            faults.push(format!("unexplained: {}", left.template));
        }
    }
    if truth.quiet {
        for incident in analysis
            .incidents
            .iter()
            .filter(|i| i.severity >= Severity::Medium)
        {
            faults.push(format!(
                "not quiet: {} ({})",
                incident.title,
                incident.severity.as_str()
            ));
        }
        return verdict;
    }
    let Some(incident) = chosen else {
        // A bundle whose only demand is on facts and on what must not be said may have no incident.
        if !truth.roots.is_empty() || !truth.chain.is_empty() || truth.gap.is_some() {
            let all: Vec<&str> = analysis.incidents.iter().map(|i| &*i.title).collect();
            faults.push(format!(
                "no incident with symptom {:?}; there are {all:?}",
                truth.symptom
            ));
        }
        return verdict;
    };
    check(analysis, incident, truth, &mut verdict);
    verdict
}

/// The incident that the truth speaks of.
fn chosen<'a>(analysis: &'a Analysis, truth: &Truth) -> Option<&'a Incident> {
    let Some(kind) = &truth.symptom else {
        return analysis.incidents.first();
    };
    let is = |i: &&Incident| {
        i.symptoms
            .iter()
            .any(|s| kind_of(analysis, s.0 as usize) == *kind)
    };
    analysis.incidents.iter().find(is)
}

fn kind_of(analysis: &Analysis, fact: usize) -> &str {
    analysis.facts.get(fact).map_or("", |f| &f.kind)
}

fn describe(analysis: &Analysis, incident: &Incident, verdict: &mut Verdict) {
    verdict.chain = incident
        .chain
        .iter()
        .map(|s| kind_of(analysis, s.fact.0 as usize).to_owned())
        .collect();
    if let Some(root) = incident.roots.first() {
        let fact = &analysis.facts[root.fact.0 as usize];
        verdict.root.clone_from(&fact.kind);
        fact.entity.as_str().clone_into(&mut verdict.entity);
        root.confidence.as_str().clone_into(&mut verdict.confidence);
    }
}

fn check(analysis: &Analysis, incident: &Incident, truth: &Truth, verdict: &mut Verdict) {
    let mut faults = Vec::new();
    if !truth.roots.is_empty() && !truth.roots.contains(&verdict.root) {
        let all: Vec<&str> = incident
            .roots
            .iter()
            .map(|r| kind_of(analysis, r.fact.0 as usize))
            .collect();
        faults.push(format!(
            "root is {} (all: {all:?}), not {:?}",
            verdict.root, truth.roots
        ));
    }
    if let Some(entity) = &truth.entity
        && !expression(entity).is_match(&verdict.entity)
    {
        faults.push(format!("it is about {}, not {entity}", verdict.entity));
    }
    let sure = incident
        .roots
        .first()
        .map_or(Confidence::Low, |r| r.confidence);
    if truth
        .confidence
        .as_ref()
        .is_some_and(|least| sure < level(least))
    {
        faults.push(format!("confidence is only {}", sure.as_str()));
    }
    if truth
        .at_most
        .as_ref()
        .is_some_and(|most| sure > level(most))
    {
        faults.push(format!("confidence is {}, too sure", sure.as_str()));
    }
    let mut steps = verdict.chain.iter();
    for kind in &truth.chain {
        if !steps.any(|s| s == kind) {
            faults.push(format!(
                "{kind} is not (in this place) in the chain {:?}",
                verdict.chain
            ));
            break;
        }
    }
    for not in &truth.must_not {
        let meant = |kind: &str| {
            if not.ends_with('/') {
                kind.starts_with(not.as_str())
            } else {
                kind == not
            }
        };
        for incident in &analysis.incidents {
            let root = incident.roots.iter().find(|r| {
                r.confidence > Confidence::Low && meant(kind_of(analysis, r.fact.0 as usize))
            });
            let step = incident
                .chain
                .iter()
                .find(|s| meant(kind_of(analysis, s.fact.0 as usize)));
            if root.is_some() || step.is_some() {
                faults.push(format!("says {not} in {:?}", incident.title));
            }
        }
    }
    if let Some(gap) = &truth.gap {
        let gaps: Vec<String> = incident
            .gaps
            .iter()
            .map(|g| format!("{} | {} | {}", g.what, g.why, g.command))
            .collect();
        if !gaps.iter().any(|g| expression(gap).is_match(g)) {
            faults.push(format!("no gap asks for {gap}; there are {gaps:?}"));
        }
    }
    for kind in &truth.ruled_out {
        if !incident.ruled_out.iter().any(|r| r.kind == *kind) {
            let all: Vec<&str> = incident.ruled_out.iter().map(|r| &*r.kind).collect();
            faults.push(format!("{kind} is not ruled out; there are {all:?}"));
        }
    }
    verdict.faults.extend(faults);
}

fn expression(text: &str) -> Regex {
    Regex::new(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn level(word: &str) -> Confidence {
    match word {
        "high" => Confidence::High,
        "medium" => Confidence::Medium,
        "low" => Confidence::Low,
        other => panic!("confidence {other:?}"),
    }
}
