//! Puts an analysis into the types of the contract. Every text is made printable on the way.

use crate::base::text::printable;
use crate::base::time::{Instant, Stamp};
use crate::model;
use crate::model::incident as from;
use crate::model::{Basis, FactId, Place, Quote, Source};

use super::super::layout::clean;
use super::super::view::Report;
use super::dumps;
use super::types as to;

/// The whole document.
pub(super) fn document(report: &Report<'_>) -> to::Document {
    let a = report.analysis;
    let path = |place| report.path(place);
    to::Document {
        schema: String::from(to::SCHEMA),
        tool: to::Tool {
            name: String::from("kforensics"),
            version: String::from(env!("CARGO_PKG_VERSION")),
            rules: u64::try_from(a.rules).unwrap_or(u64::MAX),
            rules_digest: a.rules_digest.clone(),
        },
        bundle: bundle(&a.bundle),
        incidents: report.incidents().map(|i| incident(report, i)).collect(),
        facts: (0..)
            .zip(&a.facts)
            .map(|(n, f)| fact(report, FactId(n), f))
            .collect(),
        unexplained: a
            .unexplained
            .iter()
            .map(|u| to::Unexplained {
                template: safe(&u.template),
                component: safe(u.component.as_str()),
                count: u.count,
                first: stamp(u.first),
                last: stamp(u.last),
                why_shown: clean(&u.why),
                evidence: evidence(report, &u.evidence),
            })
            .collect(),
        artifacts: a.sources.iter().map(artifact).collect(),
        dumps: a.dumps.iter().map(|d| dumps::dump(d, &path)).collect(),
        warnings: a.warnings.iter().map(|w| clean(w)).collect(),
    }
}

fn bundle(b: &model::Bundle) -> to::Bundle {
    to::Bundle {
        name: safe(&b.name),
        kind: safe(&b.kind),
        sha256: b.sha256.clone(),
        artifacts: b.artifacts,
        bytes: b.bytes,
        lines: b.lines,
        window: window(b.window),
        clocks: b
            .clocks
            .iter()
            .map(|c| to::Clock {
                artifact: safe(&c.artifact),
                timezone: safe(&c.timezone),
                year: c.year,
                basis: clean(&c.basis),
                confidence: confidence(c.confidence),
                skew_seconds: c.skew.map(seconds),
            })
            .collect(),
    }
}

/// To the millisecond.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of a century fit")]
fn seconds(ns: i64) -> f64 {
    (ns / 1_000_000) as f64 / 1000.0
}

fn incident(report: &Report<'_>, i: &from::Incident) -> to::Incident {
    to::Incident {
        id: safe(&i.id),
        severity: severity(i.severity),
        title: safe(&i.title),
        summary: clean(&i.summary),
        window: window(i.window),
        symptoms: i.symptoms.iter().map(|id| fact_id(*id)).collect(),
        root_causes: i.roots.iter().filter_map(|r| root(report, r)).collect(),
        chain: i.chain.iter().filter_map(|s| step(report, s)).collect(),
        ruled_out: i
            .ruled_out
            .iter()
            .map(|r| to::RuledOut {
                kind: safe(&r.kind),
                title: safe(&r.title),
                because: clean(&r.because),
                evidence: evidence(report, &r.evidence),
            })
            .collect(),
        gaps: i
            .gaps
            .iter()
            .map(|g| to::Gap {
                what: clean(&g.what),
                why: clean(&g.why),
                command: clean(&g.command),
                on: clean(&g.on),
            })
            .collect(),
        remedy: i.remedy.iter().map(|t| clean(t)).collect(),
        warnings: i.warnings.iter().map(|t| clean(t)).collect(),
        references: i.references.iter().map(|t| clean(t)).collect(),
    }
}

fn root(report: &Report<'_>, r: &from::Root) -> Option<to::RootCause> {
    let fact = report.fact(r.fact)?;
    Some(to::RootCause {
        fact: fact_id(r.fact),
        kind: safe(&fact.kind),
        title: safe(&report.title(fact)),
        entity: safe(fact.entity.as_str()),
        state: state(fact.basis()),
        confidence: confidence(r.confidence),
        score: r.score,
        terms: r
            .terms
            .iter()
            .map(|t| to::Term {
                name: String::from(t.name),
                value: t.value,
                because: clean(&t.because),
            })
            .collect(),
    })
}

fn step(report: &Report<'_>, s: &from::Step) -> Option<to::Step> {
    let fact = report.fact(s.fact)?;
    Some(to::Step {
        fact: fact_id(s.fact),
        kind: safe(&fact.kind),
        title: safe(&report.title(fact)),
        entity: safe(fact.entity.as_str()),
        state: state(fact.basis()),
        first: stamp(fact.span.first),
        last: stamp(fact.span.last),
        count: fact.count,
        because: clean(&s.because),
        evidence: evidence(report, fact.evidence()),
    })
}

fn fact(report: &Report<'_>, id: FactId, f: &model::Fact) -> to::Fact {
    to::Fact {
        id: fact_id(id),
        kind: safe(&f.kind),
        title: safe(&report.title(f)),
        entity: safe(f.entity.as_str()),
        keys: f.keys.iter().map(|(k, v)| (safe(k), safe(v))).collect(),
        state: state(f.basis()),
        severity: severity(report.names.severity(&f.kind)),
        first: stamp(f.span.first),
        last: stamp(f.span.last),
        count: f.count,
        evidence: evidence(report, f.evidence()),
        from: f.from().iter().map(|id| fact_id(*id)).collect(),
    }
}

fn artifact(s: &Source) -> to::Artifact {
    let (first, last) = s.covers(|raw| s.clock.stamp(raw));
    to::Artifact {
        path: safe(&s.path),
        kind: String::from(s.kind.as_str()),
        component: (!s.scope.component.is_unknown()).then(|| safe(s.scope.component.as_str())),
        node: s.scope.node.as_deref().map(safe),
        bytes: s.coverage.bytes,
        lines: s.coverage.lines,
        first: first.map(|t| t.at.rfc3339()),
        last: last.map(|t| t.at.rfc3339()),
        status: match s.status {
            model::Status::Read => to::ArtifactStatus::Read,
            model::Status::Partial => to::ArtifactStatus::Partial,
            model::Status::Skipped => to::ArtifactStatus::Skipped,
            model::Status::Failed => to::ArtifactStatus::Failed,
        },
        note: clean(&s.note),
    }
}

fn evidence(report: &Report<'_>, quotes: &[Quote]) -> Vec<to::Evidence> {
    quotes
        .iter()
        .map(|q| quote(q, &|place| report.path(place)))
        .collect()
}

/// A line, its path made by `path`.
pub(crate) fn quote(q: &Quote, path: &dyn Fn(Place) -> String) -> to::Evidence {
    to::Evidence {
        path: path(q.place),
        line: q.place.line,
        text: safe(&q.text),
        time: stamp(q.time),
    }
}

/// The id of a fact in the document.
pub(super) fn fact_id(id: FactId) -> String {
    format!("f{}", id.0)
}

fn window((start, end): (Option<Instant>, Option<Instant>)) -> to::Window {
    to::Window {
        start: start.map(Instant::rfc3339),
        end: end.map(Instant::rfc3339),
    }
}

pub(super) fn stamp(stamp: Option<Stamp>) -> Option<String> {
    stamp.map(|s| s.at.rfc3339())
}

pub(super) fn safe(text: &str) -> String {
    printable(text.as_bytes())
}

fn severity(s: model::Severity) -> to::Severity {
    match s {
        model::Severity::Critical => to::Severity::Critical,
        model::Severity::High => to::Severity::High,
        model::Severity::Medium => to::Severity::Medium,
        model::Severity::Low => to::Severity::Low,
        model::Severity::Info => to::Severity::Info,
    }
}

fn confidence(c: model::Confidence) -> to::Confidence {
    match c {
        model::Confidence::High => to::Confidence::High,
        model::Confidence::Medium => to::Confidence::Medium,
        model::Confidence::Low => to::Confidence::Low,
    }
}

fn state(basis: &Basis) -> to::State {
    match basis {
        Basis::Seen => to::State::Seen,
        Basis::Inferred { .. } => to::State::Inferred,
        Basis::Suspected => to::State::Suspected,
    }
}
