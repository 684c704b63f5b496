//! What went wrong, why, and what was ruled out.

use super::fact::{FactId, Quote, Severity};
use super::source::Confidence;
use crate::base::time::Instant;

/// One named term of a score.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// Name on the scale (`decisive`, `gap-penalty`, …).
    pub name: &'static str,
    /// Points, negative when it speaks against.
    pub value: i32,
    /// For what reason: a sentence.
    pub because: String,
}

/// A candidate root cause.
#[derive(Clone, Debug)]
pub struct Root {
    /// The fact.
    pub fact: FactId,
    /// How sure.
    pub confidence: Confidence,
    /// Sum of the terms.
    pub score: i32,
    /// The terms.
    pub terms: Vec<Term>,
}

/// One step of the chain from the root to the symptom.
#[derive(Clone, Debug)]
pub struct Step {
    /// The fact.
    pub fact: FactId,
    /// Why it follows from the step before (empty for the root).
    pub because: String,
}

/// A cause that was considered and excluded.
#[derive(Clone, Debug)]
pub struct RuledOut {
    /// Catalogue id.
    pub kind: String,
    /// Its title.
    pub title: String,
    /// By what.
    pub because: String,
    /// The lines, where a line excludes it.
    pub evidence: Vec<Quote>,
}

/// What is missing, and how to get it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gap {
    /// What to collect.
    pub what: String,
    /// Which question it decides.
    pub why: String,
    /// A command to copy.
    pub command: String,
    /// The machine to run it on; empty when it runs wherever the API server or the cloud can be asked, or when the
    /// bundle does not name the machine.
    pub on: String,
}

/// One incident.
#[derive(Clone, Debug)]
pub struct Incident {
    /// Stable for the same input.
    pub id: String,
    /// The worst of its facts.
    pub severity: Severity,
    /// One line.
    pub title: String,
    /// Two to four sentences.
    pub summary: String,
    /// First and last sign.
    pub window: (Option<Instant>, Option<Instant>),
    /// The facts a person notices.
    pub symptoms: Vec<FactId>,
    /// Ranked; the first is the diagnosis.
    pub roots: Vec<Root>,
    /// From the first root to the symptoms.
    pub chain: Vec<Step>,
    /// Excluded causes.
    pub ruled_out: Vec<RuledOut>,
    /// Missing evidence.
    pub gaps: Vec<Gap>,
    /// What to do.
    pub remedy: Vec<String>,
    /// What not to do.
    pub warnings: Vec<String>,
    /// Where to read on.
    pub references: Vec<String>,
}
