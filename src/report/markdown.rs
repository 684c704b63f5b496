//! The report as a postmortem to send: for each incident summary, time line, root cause, evidence, what was
//! ruled out, what to collect, what to do.
//!
//! Text of a bundle is escaped: it can neither start a table cell or a link nor bring HTML.

use std::fmt::Write as _;

use crate::base::units::human_bytes;
use crate::model::incident::{Incident, Root};
use crate::model::{Basis, Fact, Quote};

use super::coverage;
use super::layout::clean;
use super::signs;
use super::text::window;
use super::times;
use super::view::{Report, group, said};
use super::words::{Words, counted, fill};

/// Lines of proof shown for a step.
const PROOFS: usize = 3;

/// The report as Markdown (GitHub flavour).
pub fn render(report: &Report<'_>) -> String {
    let words = report.words();
    let bundle = &report.analysis.bundle;
    let mut out = String::new();
    line(
        &mut out,
        &format!("# {}", fill(words.postmortem, &[&prose(&bundle.name)])),
    );
    let incidents: Vec<&Incident> = report.incidents().collect();
    if incidents.is_empty() {
        nothing_found(&mut out, report);
    }
    for incident in &incidents {
        one(&mut out, report, incident);
    }
    if report.left_out() > 0 {
        let text = fill(words.below, &[&report.left_out().to_string()]);
        line(&mut out, &format!("_{text}_"));
    }
    unexplained(&mut out, report);
    about(&mut out, report);
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// A paragraph, a heading or a list, with an empty line behind it.
fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push_str("\n\n");
}

fn section(out: &mut String, heading: &str, points: &[String]) {
    if points.is_empty() {
        return;
    }
    line(out, &format!("### {heading}"));
    for point in points {
        let _ = writeln!(out, "- {point}");
    }
    out.push('\n');
}

fn one(out: &mut String, report: &Report<'_>, incident: &Incident) {
    let words = report.words();
    line(out, &format!("## {}", prose(&report.noticed(incident))));
    let mut facts = vec![bold(
        words,
        words.severity,
        words.severity(incident.severity),
    )];
    if let Some(window) = window(report, incident) {
        facts.push(bold(words, words.window, &window));
    }
    line(out, &facts.join(" · "));
    line(out, &format!("### {}", words.summary));
    line(out, &prose(&incident.summary));
    root(out, report, incident);
    timeline(out, report, incident);
    evidence(out, report, incident);
    let ruled_out: Vec<String> = incident
        .ruled_out
        .iter()
        .map(|r| {
            let mut text = bold(words, &prose(&r.title), &prose(&r.because));
            if let Some(quote) = r.evidence.first() {
                let place = code(&report.place(quote.place));
                text.push_str(&fill(words.aside, &[&place]));
            }
            text
        })
        .collect();
    section(out, words.ruled_out, &ruled_out);
    gaps(out, words, incident);
    let points = |texts: &[String]| texts.iter().map(|t| prose(t)).collect::<Vec<_>>();
    section(out, words.remedy, &points(&incident.remedy));
    section(out, words.warning, &points(&incident.warnings));
    section(out, words.references, &points(&incident.references));
}

fn bold(words: &Words, name: &str, value: &str) -> String {
    fill(words.colon, &[&format!("**{name}**"), value])
}

fn title(report: &Report<'_>, root: &Root) -> String {
    let text = report
        .fact(root.fact)
        .map_or_else(|| report.title_of(root.fact), |f| report.title_and_doubt(f));
    prose(&text)
}

fn root(out: &mut String, report: &Report<'_>, incident: &Incident) {
    let words = report.words();
    let Some(first) = incident.roots.first() else {
        line(out, &format!("### {}", words.root_cause));
        line(out, words.root_unknown_why);
        return;
    };
    line(out, &format!("### {}", words.root(first.confidence)));
    line(out, &format!("**{}**", title(report, first)));
    for term in &first.terms {
        let name = fill(words.aside, &[&term.name.replace('-', " ")]);
        let _ = writeln!(out, "- `{:+}` {}{name}", term.value, prose(&term.because));
    }
    if !first.terms.is_empty() {
        out.push('\n');
    }
    for other in incident.roots.iter().skip(1) {
        let sure = fill(
            words.confidence_score,
            &[words.confidence(other.confidence), &other.score.to_string()],
        );
        let text = format!("{} — {sure}", title(report, other));
        line(out, &fill(words.colon, &[words.also_possible, &text]));
    }
}

fn timeline(out: &mut String, report: &Report<'_>, incident: &Incident) {
    let words = report.words();
    if incident.chain.is_empty() {
        return;
    }
    let calendar = report.calendar(&incident.chain);
    let note = fill(words.aside, &[&calendar.heading(words)]);
    line(out, &format!("### {}{note}", words.timeline));
    let _ = writeln!(
        out,
        "| {} | {} | {} | {} |\n|---|---|---|---|",
        words.time, words.what, words.known, words.proof
    );
    for (_, fact) in report.steps(&incident.chain) {
        let often = report
            .how_often(fact, &calendar)
            .map_or_else(String::new, |t| format!("; {t}"));
        let proof = fact
            .evidence()
            .first()
            .map_or_else(String::new, |q| code(&report.place(q.place)));
        let _ = writeln!(
            out,
            "| {} | {}{} | {} | {} |",
            report.when(fact, &calendar),
            prose(&report.title(fact)),
            often,
            state(words, fact),
            cell(&proof),
        );
    }
    out.push('\n');
    let others: Vec<String> = report
        .also_affected(incident)
        .into_iter()
        .map(|f| prose(&report.title_and_doubt(f)))
        .collect();
    if !others.is_empty() {
        line(
            out,
            &fill(
                words.colon,
                &[words.also_affected, &others.join(words.semicolon)],
            ),
        );
    }
}

fn state(words: &Words, fact: &Fact) -> &'static str {
    match fact.basis() {
        Basis::Seen => words.seen,
        Basis::Inferred { .. } => words.inferred,
        Basis::Suspected => words.suspected,
    }
}

fn evidence(out: &mut String, report: &Report<'_>, incident: &Incident) {
    let words = report.words();
    if incident.chain.is_empty() {
        return;
    }
    line(out, &format!("### {}", words.evidence));
    for (number, (step, fact)) in (1..).zip(report.steps(&incident.chain)) {
        let text = prose(&report.title_and_doubt(fact));
        let indent = " ".repeat(format!("{number}. ").len());
        let mut lines = vec![format!("{number}. **{text}**")];
        if !step.because.is_empty() {
            lines.push(format!("{indent}↑ {}", prose(&step.because)));
        }
        if let Some(text) = report.rests_on(fact) {
            lines.push(format!("{indent}{}", prose(&text)));
        }
        // A backslash at its end keeps a line apart from the next.
        let _ = writeln!(out, "{}", lines.join("\\\n"));
        for quote in fact.evidence().iter().take(PROOFS) {
            out.push('\n');
            quoted(out, &indent, report, quote);
        }
        out.push('\n');
    }
}

/// `path:line`, and the line in a block that the line cannot end.
fn quoted(out: &mut String, indent: &str, report: &Report<'_>, quote: &Quote) {
    let text = clean(said(quote));
    let fence = "`".repeat(longest_run(&text).max(2) + 1);
    let _ = writeln!(out, "{indent}{}", code(&report.place(quote.place)));
    let _ = writeln!(out, "{indent}{fence}text");
    for l in text.lines() {
        let _ = writeln!(out, "{indent}{l}");
    }
    let _ = writeln!(out, "{indent}{fence}");
}

fn gaps(out: &mut String, words: &Words, incident: &Incident) {
    if incident.gaps.is_empty() {
        return;
    }
    line(out, &format!("### {}", words.ask));
    for gap in &incident.gaps {
        let mut text = prose(&gap.what);
        if !gap.why.is_empty() {
            let _ = write!(text, " — {}", prose(&gap.why));
        }
        if !gap.on.is_empty() {
            let on = fill(words.run_on, &[&prose(&gap.on)]);
            text.push_str(&fill(words.aside, &[&on]));
        }
        let _ = writeln!(out, "- {text}\n");
        let command = clean(&gap.command);
        if !command.is_empty() {
            let fence = "`".repeat(longest_run(&command).max(2) + 1);
            let _ = writeln!(out, "  {fence}sh");
            for l in command.lines() {
                let _ = writeln!(out, "  {l}");
            }
            let _ = writeln!(out, "  {fence}\n");
        }
    }
}

fn nothing_found(out: &mut String, report: &Report<'_>) {
    let words = report.words();
    line(out, &format!("## {}", words.no_incident));
    let signs: Vec<String> = signs::told(report)
        .iter()
        .take(signs::MOST)
        .map(|s| format!("{} {}", prose(&s.text), code(&clean(&s.place))))
        .collect();
    section(out, words.signs, &signs);
    let looked: Vec<String> = coverage::looked_at(report)
        .iter()
        .map(|t| prose(t))
        .collect();
    section(out, words.looked_at, &looked);
    let mut missing: Vec<String> = coverage::absent(report)
        .iter()
        .map(|t| fill(words.not_in_bundle, &[&prose(t)]))
        .collect();
    missing.extend(troubled(report));
    if missing.is_empty() {
        missing.push(words.nothing_missing.to_owned());
    }
    section(out, words.not_looked_at, &missing);
}

fn troubled(report: &Report<'_>) -> Vec<String> {
    let words = report.words();
    coverage::troubled(&report.analysis.sources)
        .map(|s| {
            let status = words.status(s.status);
            let mut text = format!("{}{}", code(&clean(&s.path)), fill(words.aside, &[status]));
            if !s.note.is_empty() {
                text = fill(words.colon, &[&text, &prose(&s.note)]);
            }
            text
        })
        .collect()
}

fn unexplained(out: &mut String, report: &Report<'_>) {
    let words = report.words();
    let all = &report.analysis.unexplained;
    if all.is_empty() {
        return;
    }
    line(out, &format!("## {}", words.unexplained));
    let _ = writeln!(
        out,
        "| {} | {} | {} | {} |\n|---|---|---|---|",
        words.count, words.component, words.what, words.proof
    );
    for u in all {
        let proof = u
            .evidence
            .first()
            .map_or_else(String::new, |q| code(&report.place(q.place)));
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} |",
            group(u.count),
            prose(u.component.as_str()),
            cell(&code(&clean(&u.template))),
            cell(&proof),
        );
    }
    out.push('\n');
}

fn about(out: &mut String, report: &Report<'_>) {
    let words = report.words();
    let bundle = &report.analysis.bundle;
    line(out, &format!("## {}", words.bundle));
    let mut parts = vec![
        counted(words.one_file, words.files, bundle.artifacts),
        human_bytes(bundle.bytes),
        counted(words.one_line, words.lines, bundle.lines),
    ];
    if let (Some(a), Some(b)) = bundle.window {
        parts.push(format!("{} UTC", times::window(a, b)));
    }
    if !bundle.sha256.is_empty() {
        parts.push(format!("SHA-256 `{}`", bundle.sha256));
    }
    let mut points = vec![parts.join(words.list)];
    for g in coverage::clocks(&bundle.clocks) {
        let clock = fill(
            words.clock,
            &[
                &g.reading(words.unknown_zone),
                words.confidence(g.confidence),
                &g.names(words),
            ],
        );
        points.push(prose(&format!("{clock} — {}", g.basis)));
    }
    if report.incidents().next().is_some() {
        points.extend(troubled(report));
    }
    points.extend(report.analysis.warnings.iter().map(|w| prose(w)));
    for point in points {
        let _ = writeln!(out, "- {point}");
    }
    out.push('\n');
    let rules = report.analysis.rules.to_string();
    let made = fill(words.made_by, &[env!("CARGO_PKG_VERSION"), &rules]);
    line(out, &format!("_{made}_"));
}

/// Text in a paragraph or a table cell: what Markdown or HTML would take as a sign is escaped, line ends
/// become blanks.
pub(crate) fn prose(text: &str) -> String {
    let text = clean(text).replace('\n', " ");
    let mut out = String::with_capacity(text.len());
    let chars: Vec<char> = text.chars().collect();
    for (i, c) in chars.iter().enumerate() {
        let beside = |j: Option<usize>| {
            j.and_then(|j| chars.get(j))
                .is_some_and(|c| c.is_alphanumeric())
        };
        match c {
            // Between letters an underscore is no emphasis, and names stay readable without the backslash.
            '_' if beside(i.checked_sub(1)) && beside(i.checked_add(1)) => out.push('_'),
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' => {
                out.push('\\');
                out.push(*c);
            }
            c => out.push(*c),
        }
    }
    out
}

/// A code span that its text cannot end.
pub(crate) fn code(text: &str) -> String {
    let text = text.replace('\n', " ");
    if text.trim().is_empty() {
        return String::new();
    }
    let run = longest_run(&text);
    let fence = "`".repeat(run + 1);
    let gap = if run > 0 { " " } else { "" };
    format!("{fence}{gap}{text}{gap}{fence}")
}

/// A code span within a table: there a bar ends the cell even inside a span.
fn cell(span: &str) -> String {
    span.replace('|', "\\|")
}

fn longest_run(text: &str) -> usize {
    let mut longest = 0;
    let mut run: usize = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_cannot_write_markdown() {
        assert_eq!(
            prose("a|b <img> `x` [y](z)"),
            "a\\|b &lt;img> \\`x\\` \\[y\\](z)"
        );
        assert_eq!(prose("kube_system _x_ a\nb"), "kube_system \\_x\\_ a b");
        assert_eq!(code("a`b"), "`` a`b ``");
        assert_eq!(cell(&code("a|b")), "`a\\|b`");
        assert_eq!(longest_run("a```b`"), 3);
    }
}
