//! The chain from the cause to the symptom: time, what happened, the line that shows it, and between two
//! steps why one follows from the other.

use crate::model::incident::Step;
use crate::model::{Basis, Fact, Quote};

use super::super::layout::{Ink, Sheet, columns, pad};
use super::super::times::Calendar;
use super::super::view::{Report, said};
use super::super::words::fill;

/// Lines of proof shown for a step unless all are asked for.
const PROOFS: usize = 1;
/// Lines a quote may take unless all of it is asked for.
const QUOTE_LINES: usize = 3;

/// Writes the steps. `calendar` tells how much of a date the times need.
pub(crate) fn put(
    sheet: &mut Sheet,
    report: &Report<'_>,
    steps: &[Step],
    calendar: &Calendar,
    verbose: bool,
) {
    let facts: Vec<(&Step, &Fact)> = steps
        .iter()
        .filter_map(|s| Some((s, report.fact(s.fact)?)))
        .collect();
    let times = facts
        .iter()
        .map(|(_, f)| columns(&report.when(f, calendar)))
        .max()
        .unwrap_or(0);
    for (i, (step, fact)) in facts.iter().enumerate() {
        if i > 0 && !step.because.is_empty() {
            let lead = [(Ink::Dim, "  ↓ ")];
            sheet.flow(&lead, &[(Ink::Dim, "  │ ")], Ink::Dim, &step.because, 4);
        }
        let rail = if i + 1 < facts.len() {
            "  │ "
        } else {
            "    "
        };
        one(sheet, report, fact, calendar, times, rail, verbose);
    }
    legend(sheet, report, &facts, verbose);
}

fn one(
    sheet: &mut Sheet,
    report: &Report<'_>,
    fact: &Fact,
    calendar: &Calendar,
    times: usize,
    rail: &str,
    verbose: bool,
) {
    let (mark, ink) = mark(fact.basis());
    let head = format!("  {mark} ");
    let time = format!("{}  ", pad(&report.when(fact, calendar), times));
    let hang = format!("{rail}{}", " ".repeat(columns(&time)));
    sheet.flow(
        &[(ink, &head), (Ink::Plain, &time)],
        &[(Ink::Dim, &hang)],
        Ink::Bold,
        &report.title_and_doubt(fact),
        4,
    );
    let hang = [(Ink::Dim, &*hang)];
    if let Some(text) = report.how_often(fact, calendar) {
        sheet.flow(&hang, &hang, Ink::Plain, &text, 2);
    }
    if let Some(text) = report.rests_on(fact) {
        sheet.flow(&hang, &hang, Ink::Plain, &text, 4);
    }
    // Proofs stand left of the titles: a log line needs the width.
    let hang = format!("{rail}  ");
    proofs(
        sheet,
        report,
        fact.evidence(),
        &[(Ink::Dim, &hang)],
        verbose,
    );
}

/// The lines of proof below what they prove: `path:line`, then what the line says.
pub(super) fn proofs(
    sheet: &mut Sheet,
    report: &Report<'_>,
    evidence: &[Quote],
    hang: &[(Ink, &str)],
    verbose: bool,
) {
    let (proofs, lines) = if verbose {
        (usize::MAX, usize::MAX)
    } else {
        (PROOFS, QUOTE_LINES)
    };
    for quote in evidence.iter().take(proofs) {
        let place = report.place(quote.place);
        let mut pieces = hang.to_vec();
        pieces.push((Ink::Cyan, &place));
        sheet.line(&pieces);
        sheet.flow(hang, hang, Ink::Dim, said(quote), lines);
    }
}

fn mark(basis: &Basis) -> (&'static str, Ink) {
    match basis {
        Basis::Seen => ("●", Ink::Green),
        Basis::Inferred { .. } => ("◐", Ink::Yellow),
        Basis::Suspected => ("○", Ink::Red),
    }
}

/// What the marks mean, as far as they occur.
fn legend(sheet: &mut Sheet, report: &Report<'_>, facts: &[(&Step, &Fact)], verbose: bool) {
    let words = report.words();
    let mut parts = Vec::new();
    for (basis, text) in [
        (Basis::Seen, words.seen_legend),
        (Basis::Inferred { by: String::new() }, words.inferred_legend),
        (Basis::Suspected, words.suspected_legend),
    ] {
        let (sign, _) = mark(&basis);
        if facts.iter().any(|(_, f)| mark(f.basis()).0 == sign) {
            parts.push(format!("{sign} {text}"));
        }
    }
    let indent = [(Ink::Plain, "  ")];
    sheet.flow(&indent, &indent, Ink::Dim, &parts.join("   "), 3);
    let more: usize = facts
        .iter()
        .map(|(_, f)| f.evidence().len().saturating_sub(PROOFS))
        .sum();
    if more > 0 && !verbose {
        let text = fill(words.more_lines, &[&more.to_string()]);
        sheet.flow(&indent, &indent, Ink::Dim, &text, 2);
    }
}
