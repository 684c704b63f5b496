//! One merged time line in UTC of everything known: what began, how often it was seen, what ended.
//!
//! It is made from the facts of an analysis, not from every line of the bundle.

use std::fmt::Write as _;

use regex::Regex;
use serde::Serialize;

use crate::base::text::printable;
use crate::base::time::{Instant, StampBasis};
use crate::model::{Basis, Fact, FactId, Severity};

use super::layout::{Ink, Look, Sheet, columns, pad};
use super::view::{Report, group};
use super::words::fill;

/// Which entries to show; an empty list lets everything through.
#[derive(Debug, Default)]
pub struct Filter {
    /// Names of components.
    pub components: Vec<String>,
    /// Parts of the names of things, or of the values of a fact.
    pub entities: Vec<String>,
    /// This severity and above.
    pub level: Option<Severity>,
    /// Expressions that title or line must match.
    pub grep: Option<Regex>,
}

/// One moment.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// RFC 3339, UTC; null: no time is known.
    pub time: Option<String>,
    /// `begin`, or `end` when a later line says that it ended.
    pub event: &'static str,
    /// Last sign of it.
    pub until: Option<String>,
    /// Whether year or zone of the time is a guess.
    pub guessed: bool,
    /// How many lines say so.
    pub count: u64,
    /// `critical` to `info`.
    pub severity: &'static str,
    /// Who says so.
    pub component: String,
    /// The thing it is about.
    pub entity: String,
    /// Catalogue id.
    pub kind: String,
    /// `seen`, `inferred`, `suspected`.
    pub state: &'static str,
    /// Id of the fact.
    pub fact: String,
    /// Ids of the incidents it is a step or a symptom of.
    pub incidents: Vec<String>,
    /// In words.
    pub title: String,
    /// The first line that shows it.
    pub path: Option<String>,
    /// Its number.
    pub line: Option<u64>,
    /// What it says.
    pub text: Option<String>,
    #[serde(skip)]
    at: Option<Instant>,
}

/// The entries in order of time; those without a time stand last.
pub fn entries(report: &Report<'_>, filter: &Filter) -> Vec<Entry> {
    let mut out = Vec::new();
    for (n, fact) in (0..).zip(&report.analysis.facts) {
        let begin = entry(report, FactId(n), fact);
        if !passes(report, filter, fact, &begin) {
            continue;
        }
        if let (true, Some(_), Some(last)) = (fact.span.closed, fact.span.first, fact.span.last) {
            let mut end = begin.clone();
            end.event = "end";
            end.time = Some(last.at.rfc3339());
            end.at = Some(last.at);
            end.until = None;
            let closing = fact.evidence().last();
            end.path = closing.map(|q| report.path(q.place));
            end.line = closing.map(|q| q.place.line);
            end.text = closing.map(|q| printable(q.text.as_bytes()));
            out.push(end);
        }
        out.push(begin);
    }
    // Stable: what is at one moment keeps the order of the facts.
    out.sort_by_key(|e| (e.at.is_none(), e.at));
    out
}

fn entry(report: &Report<'_>, id: FactId, fact: &Fact) -> Entry {
    let stamp = fact.span.first.or(fact.span.last);
    let quote = fact.evidence().first();
    Entry {
        time: stamp.map(|s| s.at.rfc3339()),
        event: "begin",
        until: fact
            .span
            .last
            .filter(|l| Some(l.at) != stamp.map(|s| s.at))
            .map(|s| s.at.rfc3339()),
        guessed: stamp.is_some_and(|s| s.basis == StampBasis::Guessed),
        count: fact.count,
        severity: report.names.severity(&fact.kind).as_str(),
        component: printable(fact.component.as_str().as_bytes()),
        entity: printable(fact.entity.as_str().as_bytes()),
        kind: printable(fact.kind.as_bytes()),
        state: match fact.basis() {
            Basis::Seen => "seen",
            Basis::Inferred { .. } => "inferred",
            Basis::Suspected => "suspected",
        },
        fact: format!("f{}", id.0),
        incidents: report
            .incidents()
            .filter(|i| i.symptoms.contains(&id) || i.chain.iter().any(|s| s.fact == id))
            .map(|i| printable(i.id.as_bytes()))
            .collect(),
        title: printable(report.title(fact).as_bytes()),
        path: quote.map(|q| report.path(q.place)),
        line: quote.map(|q| q.place.line),
        text: quote.map(|q| printable(q.text.as_bytes())),
        at: stamp.map(|s| s.at),
    }
}

fn passes(report: &Report<'_>, filter: &Filter, fact: &Fact, entry: &Entry) -> bool {
    let component = filter.components.is_empty()
        || filter
            .components
            .iter()
            .any(|c| c == fact.component.as_str());
    let entity = filter.entities.is_empty()
        || filter.entities.iter().any(|e| {
            fact.entity.as_str().contains(e.as_str()) || fact.keys.values().any(|v| v == e)
        });
    let level = filter
        .level
        .is_none_or(|least| report.names.severity(&fact.kind) >= least);
    let grep = filter.grep.as_ref().is_none_or(|rx| {
        rx.is_match(&entry.title) || fact.evidence().iter().any(|q| rx.is_match(&q.text))
    });
    component && entity && level && grep
}

/// The time line for a terminal: a heading a day, a line an entry, `path:line` behind it.
pub fn text(report: &Report<'_>, entries: &[Entry], look: Look) -> String {
    let words = report.words();
    let mut sheet = Sheet::new(look);
    if entries.is_empty() {
        sheet.line(&[(Ink::Dim, words.nothing_matches)]);
    }
    let component = entries
        .iter()
        .map(|e| columns(&e.component))
        .max()
        .unwrap_or(0)
        .min(24);
    // A guessed time has a mark before it.
    let times = if entries.iter().any(|e| e.guessed) {
        9
    } else {
        8
    };
    let mut day: Option<String> = None;
    for e in entries {
        let date = e.at.map(Instant::date);
        let heading = date
            .as_ref()
            .map_or_else(|| words.without_time.to_owned(), |d| format!("{d} (UTC)"));
        if day.as_ref() != Some(&heading) {
            sheet.blank();
            sheet.line(&[(Ink::Bold, &heading)]);
            day = Some(heading);
        }
        let mut time = e.at.map_or_else(String::new, Instant::clock);
        if e.guessed {
            time.insert(0, '~');
        }
        let time = format!("{}  ", pad(&time, times));
        let who = if e.component == "unknown" {
            "–"
        } else {
            &e.component
        };
        let who = format!("{}  ", pad(who, component));
        let hang = " ".repeat(columns(&time) + columns(&who));
        let severity = Severity::parse(e.severity).unwrap_or(Severity::Info);
        let ink = match severity {
            Severity::Critical | Severity::High => Ink::Red,
            Severity::Medium => Ink::Yellow,
            Severity::Low | Severity::Info => Ink::Plain,
        };
        sheet.flow(
            &[(Ink::Plain, &time), (Ink::Cyan, &who)],
            &[(Ink::Plain, &hang)],
            ink,
            &said(report, e, date.as_deref()),
            4,
        );
        if let (Some(path), Some(line)) = (&e.path, e.line) {
            let place = format!("{path}:{line}");
            sheet.line(&[(Ink::Plain, &hang), (Ink::Dim, &place)]);
        }
        if let (true, Some(text)) = (look.verbose, &e.text) {
            let hang = [(Ink::Plain, &*hang)];
            sheet.flow(&hang, &hang, Ink::Dim, text, usize::MAX);
        }
    }
    sheet.finish()
}

/// The title with doubt, count and end behind it.
fn said(report: &Report<'_>, e: &Entry, date: Option<&str>) -> String {
    let words = report.words();
    if e.event == "end" {
        return fill(words.ends, &[&e.title]);
    }
    let mut asides = Vec::new();
    match e.state {
        "inferred" => asides.push(words.inferred.to_owned()),
        "suspected" => asides.push(words.suspected.to_owned()),
        _ => {}
    }
    let count = group(e.count);
    if let Some(until) = &e.until {
        // On the same day the date is in the heading.
        let short = until
            .split_once('T')
            .filter(|(d, _)| Some(*d) == date)
            .map_or_else(
                || until.replace('T', " ").trim_end_matches('Z').to_owned(),
                |(_, t)| t.trim_end_matches('Z').to_owned(),
            );
        let short = short.split('.').next().unwrap_or("").to_owned();
        asides.push(if e.count > 1 {
            fill(words.times_until, &[&count, &short])
        } else {
            fill(words.until, &[&short])
        });
    } else if e.count > 1 {
        asides.push(fill(words.times, &[&count]));
    }
    if asides.is_empty() {
        e.title.clone()
    } else {
        format!(
            "{}{}",
            e.title,
            fill(words.aside, &[&asides.join(words.list)])
        )
    }
}

/// The time line as one JSON object a line.
pub fn jsonl(entries: &[Entry]) -> Result<String, serde_json::Error> {
    let mut out = String::new();
    for e in entries {
        out.push_str(&serde_json::to_string(e)?);
        out.push('\n');
    }
    Ok(out)
}

/// The time line as CSV (RFC 4180) with a heading.
pub fn csv(entries: &[Entry]) -> String {
    let mut out = String::from(
        "time,event,until,count,severity,component,entity,kind,state,title,path,line,text\r\n",
    );
    for e in entries {
        let count = e.count.to_string();
        let line = e.line.map_or_else(String::new, |n| n.to_string());
        let cells = [
            e.time.as_deref().unwrap_or(""),
            e.event,
            e.until.as_deref().unwrap_or(""),
            &count,
            e.severity,
            &e.component,
            &e.entity,
            &e.kind,
            e.state,
            &e.title,
            e.path.as_deref().unwrap_or(""),
            &line,
            e.text.as_deref().unwrap_or(""),
        ];
        let row: Vec<String> = cells.iter().map(|c| csv_cell(c)).collect();
        let _ = write!(out, "{}\r\n", row.join(","));
    }
    out
}

/// A cell that no spreadsheet takes for a formula: those begin with one of `= + - @`, so such text gets an
/// apostrophe before it.
fn csv_cell(text: &str) -> String {
    let risky = text.trim_start().starts_with(['=', '+', '-', '@']);
    let text = if risky {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        assert_eq!(csv_cell("=cmd|' /C calc'!A0"), "'=cmd|' /C calc'!A0");
        assert_eq!(csv_cell(" @x"), "' @x");
        assert_eq!(csv_cell("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(csv_cell("plain"), "plain");
    }
}
