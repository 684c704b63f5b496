//! One incident: the answer first, then the chain, then what to do and what to ask for.

use crate::model::incident::{Gap, Incident, RuledOut, Term};
use crate::model::{Confidence, Severity};

use super::super::layout::{Ink, Piece, Sheet, clean};
use super::super::times;
use super::super::view::Report;
use super::super::words::{Words, fill};

const INDENT: Piece<'static> = (Ink::Plain, "  ");
/// Things to collect that are shown unless all are asked for: the most decisive come first.
const ASKS: usize = 5;

/// Writes an incident; `number` stands before its title when there are several.
pub(super) fn put(
    sheet: &mut Sheet,
    report: &Report<'_>,
    incident: &Incident,
    number: Option<usize>,
    verbose: bool,
) {
    let words = report.words();
    sheet.blank();
    let number = number.map_or_else(String::new, |n| format!("{n}. "));
    let severity = format!("[{}] ", words.severity(incident.severity).to_uppercase());
    sheet.flow(
        &[(Ink::Bold, &number), (ink(incident.severity), &severity)],
        &[INDENT],
        Ink::Bold,
        &report.noticed(incident),
        3,
    );
    if let Some(mut window) = window(report, incident) {
        if let Some(lasted) = report.over_after(incident) {
            window.push_str(words.list);
            window.push_str(&fill(words.over_after, &[&lasted]));
        }
        sheet.line(&[INDENT, (Ink::Dim, &window)]);
    }
    sheet.blank();
    root(sheet, report, incident, verbose);
    chain(sheet, report, incident, verbose);
    list(sheet, words.remedy, Ink::Green, &incident.remedy);
    list(sheet, words.warning, Ink::Red, &incident.warnings);
    gaps(sheet, words, &incident.gaps, verbose);
    ruled_out(sheet, report, &incident.ruled_out);
    list(sheet, words.references, Ink::Dim, &incident.references);
}

/// The colour of a severity.
pub(super) fn ink(severity: Severity) -> Ink {
    match severity {
        Severity::Critical | Severity::High => Ink::Red,
        Severity::Medium => Ink::Yellow,
        Severity::Low | Severity::Info => Ink::Cyan,
    }
}

/// `2026-06-22 00:01:56 – 00:26:03 UTC`.
pub(crate) fn window(report: &Report<'_>, incident: &Incident) -> Option<String> {
    let show = |a, b| format!("{} UTC", times::window(a, b));
    match incident.window {
        (Some(a), Some(b)) => Some(show(a, b)),
        (Some(a), None) => Some(fill(report.words().since, &[&show(a, a)])),
        (None, Some(b)) => Some(fill(report.words().by, &[&show(b, b)])),
        (None, None) => None,
    }
}

fn root(sheet: &mut Sheet, report: &Report<'_>, incident: &Incident, verbose: bool) {
    let words = report.words();
    let Some(first) = incident.roots.first() else {
        sheet.line(&[(Ink::Bold, words.root_unknown)]);
        let text = words.root_unknown_why;
        sheet.flow(&[INDENT], &[INDENT], Ink::Plain, text, 3);
        return;
    };
    let unexplained = incident.symptoms.first() == Some(&first.fact);
    if unexplained && first.confidence == Confidence::Low {
        // What is noticed is no cause of itself.
        sheet.line(&[(Ink::Bold, words.root_unknown)]);
        sheet.flow(
            &[INDENT],
            &[INDENT],
            Ink::Plain,
            words.unexplained_symptom,
            3,
        );
        others(sheet, report, incident, verbose);
        return;
    }
    sheet.line(&[(Ink::Bold, words.root(first.confidence))]);
    let title = report.fact(first.fact).map_or_else(
        || report.title_of(first.fact),
        |f| report.title_and_doubt(f),
    );
    sheet.flow(&[INDENT], &[INDENT], Ink::Bold, &title, 4);
    terms(sheet, words, &first.terms, verbose);
    if unexplained {
        sheet.flow(&[INDENT], &[INDENT], Ink::Plain, words.nothing_deeper, 3);
    }
    others(sheet, report, incident, verbose);
}

/// The other candidates.
fn others(sheet: &mut Sheet, report: &Report<'_>, incident: &Incident, verbose: bool) {
    let words = report.words();
    for other in incident.roots.iter().skip(1) {
        let title = report.fact(other.fact).map_or_else(
            || report.title_of(other.fact),
            |f| report.title_and_doubt(f),
        );
        let sure = fill(
            words.confidence_score,
            &[words.confidence(other.confidence), &other.score.to_string()],
        );
        let text = format!("{title} — {sure}");
        let lead = fill(words.colon, &[words.also_possible, ""]);
        sheet.flow(
            &[INDENT, (Ink::Yellow, &lead)],
            &[INDENT, INDENT],
            Ink::Plain,
            &text,
            4,
        );
        if verbose {
            terms(sheet, words, &other.terms, true);
        }
    }
}

/// For what reasons, with their points, as one passage: `the line names the VPC (+40); …`; when all is
/// asked for, a line each with the name on the scale: `+40  the line names the VPC (decisive)`.
fn terms(sheet: &mut Sheet, words: &Words, terms: &[Term], verbose: bool) {
    if terms.is_empty() {
        return;
    }
    if !verbose {
        let reasons: Vec<String> = terms
            .iter()
            .map(|t| {
                let points = fill(words.aside, &[&format!("{:+}", t.value)]);
                let name = t.name.replace('-', " ");
                let text = if t.because.is_empty() {
                    &name
                } else {
                    &t.because
                };
                format!("{text}{points}")
            })
            .collect();
        let text = fill(
            words.colon,
            &[words.because, &reasons.join(words.semicolon)],
        );
        sheet.flow(&[INDENT], &[INDENT], Ink::Dim, &text, 6);
        return;
    }
    for term in terms {
        let points = format!("    {:+3}  ", term.value);
        let ink = if term.value < 0 {
            Ink::Yellow
        } else {
            Ink::Dim
        };
        let text = if term.because.is_empty() {
            term.name.replace('-', " ")
        } else {
            let name = fill(words.aside, &[&term.name.replace('-', " ")]);
            format!("{}{name}", term.because)
        };
        let hang = " ".repeat(points.len());
        sheet.flow(
            &[(ink, &points)],
            &[(Ink::Plain, &hang)],
            Ink::Dim,
            &text,
            3,
        );
    }
}

fn chain(sheet: &mut Sheet, report: &Report<'_>, incident: &Incident, verbose: bool) {
    let words = report.words();
    let calendar = report.calendar(&incident.chain);
    if !incident.chain.is_empty() {
        sheet.blank();
        let note = fill(words.aside, &[&calendar.heading(words)]);
        sheet.line(&[(Ink::Bold, words.chain), (Ink::Dim, &note)]);
        super::chain::put(sheet, report, &incident.chain, &calendar, verbose);
    }
    let others = report.also_affected(incident);
    if !others.is_empty() {
        let titles: Vec<String> = others
            .iter()
            .take(if verbose { usize::MAX } else { 6 })
            .map(|f| report.title_and_doubt(f))
            .collect();
        let mut text = titles.join(words.semicolon);
        if titles.len() < others.len() {
            let more = others.len() - titles.len();
            text.push_str(words.semicolon);
            text.push_str(&fill(words.and_more, &[&more.to_string()]));
        }
        let text = fill(words.colon, &[words.also_affected, &text]);
        sheet.flow(&[INDENT], &[INDENT], Ink::Plain, &text, 8);
    }
}

/// A heading and its points.
fn list(sheet: &mut Sheet, heading: &str, mark: Ink, points: &[String]) {
    if points.is_empty() {
        return;
    }
    sheet.blank();
    sheet.line(&[(Ink::Bold, heading)]);
    for point in points {
        sheet.flow(
            &[(mark, "  • ")],
            &[(Ink::Plain, "    ")],
            Ink::Plain,
            point,
            12,
        );
    }
}

fn gaps(sheet: &mut Sheet, words: &Words, gaps: &[Gap], verbose: bool) {
    if gaps.is_empty() {
        return;
    }
    sheet.blank();
    sheet.line(&[(Ink::Bold, words.ask)]);
    let most = if verbose { usize::MAX } else { ASKS };
    for gap in gaps.iter().take(most) {
        let text = if gap.why.is_empty() {
            gap.what.clone()
        } else {
            format!("{} — {}", gap.what, gap.why)
        };
        sheet.flow(
            &[(Ink::Yellow, "  • ")],
            &[(Ink::Plain, "    ")],
            Ink::Plain,
            &text,
            4,
        );
        let prompt = format!("      {}$ ", gap.on);
        for command in clean(&gap.command).lines() {
            sheet.line(&[(Ink::Dim, &prompt), (Ink::Cyan, command)]);
        }
    }
    let rest = gaps.len().saturating_sub(most);
    if rest > 0 {
        let text = fill(words.more_asks, &[&rest.to_string()]);
        sheet.flow(&[INDENT], &[INDENT], Ink::Dim, &text, 2);
    }
}

fn ruled_out(sheet: &mut Sheet, report: &Report<'_>, causes: &[RuledOut]) {
    if causes.is_empty() {
        return;
    }
    let words = report.words();
    sheet.blank();
    sheet.line(&[(Ink::Bold, words.ruled_out)]);
    for cause in causes {
        let text = fill(words.colon, &[&cause.title, &cause.because]);
        sheet.flow(
            &[(Ink::Dim, "  ✗ ")],
            &[(Ink::Plain, "    ")],
            Ink::Plain,
            &text,
            4,
        );
        if let Some(quote) = cause.evidence.first() {
            let place = report.place(quote.place);
            sheet.line(&[(Ink::Plain, "    "), (Ink::Cyan, &place)]);
        }
    }
}
