//! What the bundle holds: time window, clocks and from what they are known, files that were not read, and
//! the errors that no rule knows.

use crate::base::text::printable;
use crate::base::units::human_bytes;
use crate::model::Status;

use super::super::coverage;
use super::super::layout::{Ink, Piece, Sheet};
use super::super::signs;
use super::super::times::{self, Calendar};
use super::super::view::{Report, group, is_guessed};
use super::super::words::{counted, fill};

const INDENT: Piece<'static> = (Ink::Plain, "  ");
const HANG: Piece<'static> = (Ink::Plain, "    ");
/// Entries of a list that are shown unless all are asked for.
const SHOWN: usize = 8;
/// Unexplained templates that are shown unless all are asked for.
const UNEXPLAINED: usize = 5;

/// The head of a report without incidents: what was looked at, what could not be looked at.
pub(super) fn nothing_found(sheet: &mut Sheet, report: &Report<'_>) {
    let words = report.words();
    sheet.line(&[(Ink::Bold, words.no_incident)]);
    let signs = signs::told(report);
    if !signs.is_empty() {
        sheet.blank();
        sheet.line(&[(Ink::Bold, words.signs)]);
        for sign in signs.iter().take(SHOWN) {
            sheet.flow(&[(Ink::Yellow, "  • ")], &[HANG], Ink::Plain, &sign.text, 4);
            sheet.flow(&[HANG], &[HANG], Ink::Dim, &sign.place, 2);
        }
        if signs.len() > SHOWN {
            let text = fill(words.signs_more, &[&(signs.len() - SHOWN).to_string()]);
            sheet.flow(&[INDENT], &[HANG], Ink::Dim, &text, 2);
        }
    }
    sheet.blank();
    sheet.line(&[(Ink::Bold, words.looked_at)]);
    for line in coverage::looked_at(report) {
        sheet.flow(&[INDENT], &[HANG], Ink::Plain, &line, 12);
    }
    sheet.blank();
    sheet.line(&[(Ink::Bold, words.not_looked_at)]);
    let absent = coverage::absent(report);
    let troubled = coverage::troubled(&report.analysis.sources).count();
    if !absent.is_empty() {
        let text = fill(words.not_in_bundle, &[&absent.join(words.list)]);
        sheet.flow(&[INDENT], &[HANG], Ink::Plain, &text, 12);
    } else if troubled == 0 {
        sheet.flow(&[INDENT], &[HANG], Ink::Plain, words.nothing_missing, 4);
    }
    files(sheet, report, SHOWN);
}

/// The facts about the bundle.
pub(super) fn put(sheet: &mut Sheet, report: &Report<'_>, verbose: bool) {
    let words = report.words();
    let bundle = &report.analysis.bundle;
    sheet.blank();
    sheet.line(&[(Ink::Bold, words.bundle)]);
    let mut parts = Vec::new();
    if !bundle.name.is_empty() {
        parts.push(bundle.name.clone());
    }
    if !bundle.kind.is_empty() && bundle.kind != "unknown" {
        parts.push(bundle.kind.clone());
    }
    parts.push(counted(words.one_file, words.files, bundle.artifacts));
    parts.push(human_bytes(bundle.bytes));
    parts.push(counted(words.one_line, words.lines, bundle.lines));
    let rules = u64::try_from(report.analysis.rules).unwrap_or(u64::MAX);
    parts.push(fill(words.rules_used, &[&group(rules)]));
    sheet.flow(&[INDENT], &[HANG], Ink::Plain, &parts.join(words.list), 4);
    if let (Some(from), Some(to)) = bundle.window {
        let text = format!("{} UTC", times::window(from, to));
        sheet.line(&[INDENT, (Ink::Plain, &text)]);
    }
    clocks(sheet, report, verbose);
    if report.analysis.facts.iter().any(is_guessed) {
        sheet.flow(&[INDENT], &[HANG], Ink::Yellow, words.guessed_times, 2);
    }
    let counts: Vec<String> = coverage::by_status(&report.analysis.sources)
        .into_iter()
        .map(|(status, n)| format!("{} {n}", words.status(status)))
        .collect();
    sheet.flow(&[INDENT], &[HANG], Ink::Plain, &counts.join(words.list), 2);
    if report.incidents().next().is_some() {
        files(sheet, report, if verbose { usize::MAX } else { SHOWN });
    }
    if !report.analysis.warnings.is_empty() {
        sheet.blank();
        sheet.line(&[(Ink::Bold, words.warnings)]);
        for warning in &report.analysis.warnings {
            sheet.flow(&[(Ink::Yellow, "  • ")], &[HANG], Ink::Plain, warning, 6);
        }
    }
}

fn clocks(sheet: &mut Sheet, report: &Report<'_>, verbose: bool) {
    let words = report.words();
    let groups = coverage::clocks(&report.analysis.bundle.clocks);
    if groups.is_empty() {
        return;
    }
    let head = fill(words.colon, &[words.clocks, ""]);
    sheet.line(&[INDENT, (Ink::Plain, head.trim_end())]);
    let most = if verbose { usize::MAX } else { SHOWN };
    for g in groups.iter().take(most) {
        let clock = fill(
            words.clock,
            &[
                &g.reading(words.unknown_zone),
                words.confidence(g.confidence),
                &g.names(words),
            ],
        );
        let text = format!("{clock} — {}", g.basis);
        sheet.flow(&[HANG], &[(Ink::Plain, "      ")], Ink::Plain, &text, 3);
    }
    if groups.len() > most {
        let more = (groups.len() - most).to_string();
        let text = fill(words.see_inventory, &[&more]);
        sheet.flow(&[HANG], &[HANG], Ink::Dim, &text, 2);
    }
}

/// The files that were read in part or not at all, and why.
fn files(sheet: &mut Sheet, report: &Report<'_>, most: usize) {
    let words = report.words();
    for source in coverage::troubled(&report.analysis.sources).take(most) {
        let ink = if source.status == Status::Failed {
            Ink::Red
        } else {
            Ink::Yellow
        };
        let status = fill(words.colon, &[words.status(source.status), ""]);
        let mut text = printable(source.path.as_bytes());
        if !source.note.is_empty() {
            text = format!("{text} — {}", source.note);
        }
        sheet.flow(&[INDENT, (ink, &status)], &[HANG], Ink::Plain, &text, 4);
    }
    let more = coverage::troubled(&report.analysis.sources)
        .count()
        .saturating_sub(most);
    if more > 0 {
        let text = fill(words.see_inventory, &[&more.to_string()]);
        sheet.flow(&[INDENT], &[HANG], Ink::Dim, &text, 2);
    }
}

/// Frequent or new errors that no rule knows, ranked.
pub(super) fn unexplained(sheet: &mut Sheet, report: &Report<'_>, verbose: bool) {
    let words = report.words();
    let all = &report.analysis.unexplained;
    if all.is_empty() {
        return;
    }
    sheet.blank();
    sheet.line(&[(Ink::Bold, words.unexplained)]);
    let calendar = Calendar::over(
        all.iter()
            .flat_map(|u| [u.first, u.last])
            .flatten()
            .map(|s| s.at),
    );
    let most = if verbose { usize::MAX } else { UNEXPLAINED };
    for u in all.iter().take(most) {
        let count = group(u.count);
        let times = (
            u.first.map(|s| calendar.show(s)),
            u.last.map(|s| calendar.show(s)),
        );
        let often = match times {
            (Some(a), Some(b)) if a != b => fill(words.times_between, &[&count, &a, &b]),
            (Some(a), _) | (None, Some(a)) => fill(words.times_at, &[&count, &a]),
            (None, None) => fill(words.times, &[&count]),
        };
        let lead = format!("{} ", u.component);
        sheet.flow(
            &[(Ink::Yellow, "  • "), (Ink::Bold, &lead)],
            &[HANG],
            Ink::Plain,
            &u.template,
            3,
        );
        let mut text = often;
        if !u.why.is_empty() {
            text = format!("{text} — {}", u.why);
        }
        sheet.flow(&[HANG], &[HANG], Ink::Dim, &text, 3);
        if let Some(quote) = u.evidence.first() {
            let place = report.place(quote.place);
            sheet.line(&[HANG, (Ink::Cyan, &place)]);
        }
    }
    if all.len() > most {
        let more = (all.len() - most).to_string();
        let text = fill(words.and_more, &[&more]);
        sheet.flow(&[INDENT], &[HANG], Ink::Dim, &text, 2);
    }
}
