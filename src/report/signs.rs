//! What a report without incidents still has to say: facts that are bad, but too brief, too few or too ambiguous to be
//! told as an incident. A handful of lines copied from a log often hold no more than that.

use std::collections::BTreeSet;

use crate::model::{Basis, Severity};

use super::times::Calendar;
use super::view::{Report, moments};

/// Signs that a document shows.
pub(super) const MOST: usize = 20;

/// One sign, in words.
#[derive(Debug)]
pub(super) struct Sign {
    /// Time, title and how often.
    pub(super) text: String,
    /// `path:line`.
    pub(super) place: String,
}

/// The signs, the gravest first, each title once.
pub(super) fn told(report: &Report<'_>) -> Vec<Sign> {
    let mut facts: Vec<_> = report
        .analysis
        .facts
        .iter()
        .filter(|f| *f.basis() == Basis::Seen && !f.span.over)
        .map(|f| (report.names.severity(&f.kind), f))
        .filter(|(severity, _)| *severity >= report.least.max(Severity::Medium))
        .collect();
    // The facts are in order of time, and the sort keeps it.
    facts.sort_by(|(a, _), (b, _)| b.cmp(a));
    let calendar = Calendar::over(facts.iter().flat_map(|(_, f)| moments(f)));
    let mut seen = BTreeSet::new();
    facts
        .into_iter()
        .filter_map(|(_, fact)| {
            let title = report.title(fact);
            let place = report.place(fact.evidence().first()?.place);
            if !seen.insert(title.clone()) {
                return None;
            }
            let mut text = format!("{} {title}", report.when(fact, &calendar));
            if let Some(often) = report.how_often(fact, &calendar) {
                text = format!("{text} ({often})");
            }
            Some(Sign { text, place })
        })
        .collect()
}
