//! Each file of a bundle: as what it was recognised, whose it is, its clock, what it covers, where it is
//! silent, what could not be read.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::base::text::printable;
use crate::base::time::Instant;
use crate::model::{Clock, Source, Status};

use super::layout::{Ink, Look, Sheet, clean, columns, fit, pad};
use super::times;
use super::view::{Report, group};
use super::words::fill;

/// Name of the JSON form.
pub const SCHEMA: &str = "kforensics.inventory.v1";

/// Silences of a file that the table shows.
const SILENCES: usize = 3;

/// All files.
#[derive(Clone, Debug, Serialize)]
pub struct Inventory {
    /// `kforensics.inventory.v1`.
    pub schema: &'static str,
    /// Name of the bundle.
    pub bundle: String,
    /// Layout that was recognised.
    pub kind: String,
    /// Its files, in order of path.
    pub artifacts: Vec<File>,
}

/// One file.
#[derive(Clone, Debug, Serialize)]
pub struct File {
    /// Path within the bundle.
    pub path: String,
    /// How its reading ended.
    pub status: &'static str,
    /// What it is.
    pub kind: &'static str,
    /// Its layers of format, outermost first.
    pub formats: Vec<&'static str>,
    /// Why it was taken for that.
    pub why: String,
    /// Who wrote it.
    pub component: Option<String>,
    /// The node it is from.
    pub node: Option<String>,
    /// Namespace of the pod it is from.
    pub namespace: Option<String>,
    /// The pod it is from.
    pub pod: Option<String>,
    /// The container it is from.
    pub container: Option<String>,
    /// How its times were read.
    pub clock: FileClock,
    /// Bytes after decompression.
    pub bytes: u64,
    /// Lines.
    pub lines: u64,
    /// Earliest time, RFC 3339 UTC.
    pub first: Option<String>,
    /// Latest time, RFC 3339 UTC.
    pub last: Option<String>,
    /// Lines by severity letter.
    pub levels: BTreeMap<char, u64>,
    /// Verbosity its start-up flags name.
    pub verbosity: Option<u8>,
    /// Its longest silences.
    pub gaps: Vec<Silence>,
    /// Whether it ends in the middle of a line.
    pub cut: bool,
    /// What to know about it.
    pub note: String,
    #[serde(skip)]
    window: (Option<Instant>, Option<Instant>),
}

/// How the times of a file were read.
#[derive(Clone, Debug, Serialize)]
pub struct FileClock {
    /// `UTC` or `+08:00`; null: not known.
    pub timezone: Option<String>,
    /// Year of the first line.
    pub year: Option<i32>,
    /// From what.
    pub basis: String,
    /// How sure.
    pub confidence: &'static str,
    /// By how much the clock of its machine is off, and whether that was taken off its times.
    pub skew: Option<String>,
}

/// A stretch without a line.
#[derive(Clone, Debug, Serialize)]
pub struct Silence {
    /// Last time before, RFC 3339 UTC.
    pub from: Option<String>,
    /// First time after, RFC 3339 UTC.
    pub to: Option<String>,
    /// Number of the last line before.
    pub line: u64,
    #[serde(skip)]
    window: (Option<Instant>, Option<Instant>),
}

/// The files of an analysis.
pub fn inventory(report: &Report<'_>) -> Inventory {
    let bundle = &report.analysis.bundle;
    Inventory {
        schema: SCHEMA,
        bundle: safe(&bundle.name),
        kind: safe(&bundle.kind),
        artifacts: report.analysis.sources.iter().map(file).collect(),
    }
}

fn file(s: &Source) -> File {
    let at = |raw| times::instant(&s.clock, raw);
    let (first, last) = s.covers(|raw| s.clock.stamp(raw));
    let window = (first.map(|t| t.at), last.map(|t| t.at));
    File {
        path: safe(&s.path),
        status: s.status.as_str(),
        kind: s.kind.as_str(),
        formats: s.formats.clone(),
        why: clean(&s.why),
        component: (!s.scope.component.is_unknown()).then(|| safe(s.scope.component.as_str())),
        node: s.scope.node.as_deref().map(safe),
        namespace: s.scope.namespace.as_deref().map(safe),
        pod: s.scope.pod.as_deref().map(safe),
        container: s.scope.container.as_deref().map(safe),
        clock: FileClock {
            timezone: s.clock.zone.map(zone),
            year: s.clock.year,
            basis: clean(&s.clock.basis),
            confidence: s.clock.confidence.as_str(),
            skew: s.clock.skew.as_ref().map(|k| clean(&k.basis)),
        },
        bytes: s.coverage.bytes,
        lines: s.coverage.lines,
        first: window.0.map(Instant::rfc3339),
        last: window.1.map(Instant::rfc3339),
        levels: s.coverage.levels.clone(),
        verbosity: s.coverage.verbosity,
        gaps: s
            .coverage
            .pauses
            .iter()
            .map(|p| Silence {
                from: at(p.from).map(Instant::rfc3339),
                to: at(p.to).map(Instant::rfc3339),
                line: p.line,
                window: (at(p.from), at(p.to)),
            })
            .collect(),
        cut: s.coverage.cut,
        note: clean(&s.note),
        window,
    }
}

fn safe(text: &str) -> String {
    printable(text.as_bytes())
}

/// `UTC`, `+08:00`, `-03:30`.
fn zone(seconds: i32) -> String {
    if seconds == 0 {
        return String::from("UTC");
    }
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.unsigned_abs() / 60;
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

/// The inventory as JSON, indented, with a line end behind it.
pub fn json(inventory: &Inventory) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(inventory)?;
    text.push('\n');
    Ok(text)
}

/// The inventory as a table; below a file what to know about it.
pub fn text(report: &Report<'_>, look: Look) -> String {
    let words = report.words();
    let inventory = inventory(report);
    let mut sheet = Sheet::new(look);
    let heads = [
        words.status,
        words.kind,
        words.component,
        words.node,
        words.clock_title,
        words.lines_title,
        words.from,
        words.to,
    ];
    let rows: Vec<[String; 8]> = inventory
        .artifacts
        .iter()
        .zip(&report.analysis.sources)
        .map(|(f, s)| row(report, f, s))
        .collect();
    // A path cannot be cut; it stands last, and every column before it is as narrow as its texts allow.
    let widths: Vec<usize> = (0..heads.len())
        .map(|i| {
            rows.iter()
                .filter_map(|r| r.get(i))
                .chain(std::iter::once(&heads.get(i).unwrap_or(&"").to_string()))
                .map(|c| columns(c))
                .max()
                .unwrap_or(0)
        })
        .collect();
    let cells = |texts: &mut dyn Iterator<Item = &str>| -> String {
        let padded: Vec<String> = texts.zip(&widths).map(|(c, w)| pad(c, *w)).collect();
        padded.join("  ") + "  "
    };
    let head = cells(&mut heads.into_iter());
    sheet.line(&[(Ink::Bold, &head), (Ink::Bold, words.file)]);
    for ((row, file), source) in rows
        .iter()
        .zip(&inventory.artifacts)
        .zip(&report.analysis.sources)
    {
        let ink = match source.status {
            Status::Failed => Ink::Red,
            Status::Partial => Ink::Yellow,
            Status::Skipped => Ink::Dim,
            Status::Read => Ink::Plain,
        };
        let line = cells(&mut row.iter().map(String::as_str));
        sheet.line(&[(ink, &line), (Ink::Plain, &file.path)]);
        for remark in remarks(report, file) {
            let hang = [(Ink::Plain, "          ")];
            sheet.flow(&hang, &hang, Ink::Dim, &remark, 3);
        }
    }
    sheet.finish()
}

fn row(report: &Report<'_>, f: &File, s: &Source) -> [String; 8] {
    let time = |at: Option<Instant>| {
        at.map_or_else(String::new, |at| {
            // A year is the clock's column's; month to minute tell files apart.
            let date = at.date();
            let day = date.split_once('-').map_or("", |(_, d)| d);
            format!("{day} {}", at.clock())
        })
    };
    let kind = if f.formats.is_empty() {
        f.kind.to_owned()
    } else {
        f.formats.join("+")
    };
    [
        report.words().status_short(s.status).to_owned(),
        fit(&kind, 16),
        fit(f.component.as_deref().unwrap_or("–"), 24),
        fit(f.node.as_deref().unwrap_or("–"), 20),
        clock(&s.clock),
        group(f.lines),
        time(f.window.0),
        time(f.window.1),
    ]
}

/// `+08:00 2026`, with `?` behind it when it is a guess.
fn clock(c: &Clock) -> String {
    let Some(offset) = c.zone else {
        return String::from("–");
    };
    let mut text = zone(offset);
    if let Some(year) = c.year {
        text = format!("{text} {year}");
    }
    if c.confidence == crate::model::Confidence::Low {
        text.push('?');
    }
    text
}

/// What to know about a file: its note, silences, a cut end, verbosity.
fn remarks(report: &Report<'_>, f: &File) -> Vec<String> {
    let words = report.words();
    let mut out = Vec::new();
    if !f.note.is_empty() {
        out.push(f.note.clone());
    }
    out.extend(f.clock.skew.clone());
    // The longest ones come first; those shown stand in the order of the file.
    let mut longest: Vec<&Silence> = f.gaps.iter().take(SILENCES).collect();
    longest.sort_by_key(|g| g.line);
    for gap in longest {
        if let (Some(from), Some(to)) = gap.window {
            let line = group(gap.line);
            out.push(fill(words.silent, &[&from.clock(), &to.clock(), &line]));
        }
    }
    if f.cut {
        out.push(words.cut_end.to_owned());
    }
    if let Some(v) = f.verbosity {
        out.push(fill(words.verbosity, &[&v.to_string()]));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones() {
        assert_eq!(zone(0), "UTC");
        assert_eq!(zone(8 * 3600), "+08:00");
        assert_eq!(zone(-12_600), "-03:30");
    }
}
