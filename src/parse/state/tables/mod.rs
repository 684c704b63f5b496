//! Tables as kubectl (and docker, crictl) print them: cells below the words of a header.
//!
//! `NAME    STATUS     ROLES    AGE     VERSION` / `node2   NotReady   <none>   3m34s   v1.36.2`. Columns are
//! split where the header has two blanks or more, because header words and cells hold single blanks; a row that
//! does not keep to the offsets is split by its own gaps. A file may hold several tables, and errors between.

pub(in crate::parse) mod events;
pub(super) mod rows;

use super::sink::{Chunk, Sink};
use super::{kinds, messages};
use rows::Row;

/// The columns of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Columns {
    /// Names, upper case.
    pub(super) names: Vec<String>,
    /// Where each begins, in characters.
    starts: Vec<usize>,
}

impl Columns {
    /// Splits a header where it has two blanks or more.
    pub(super) fn of(header: &str) -> Self {
        let mut out = Self::default();
        for (start, word) in gaps(header) {
            out.names.push(word.to_ascii_uppercase());
            out.starts.push(start);
        }
        out
    }

    /// Columns that no line shows.
    fn named(names: &[&str]) -> Self {
        Self {
            names: names.iter().map(|n| (*n).to_owned()).collect(),
            starts: Vec::new(),
        }
    }

    /// The cells of a row; `None` when it cannot be brought under the header.
    pub(super) fn cells<'l>(&self, line: &'l str) -> Option<Vec<&'l str>> {
        self.by_offset(line).or_else(|| {
            let words: Vec<&str> = gaps(line).map(|(_, w)| w).collect();
            (words.len() == self.names.len()).then_some(words)
        })
    }

    fn by_offset<'l>(&self, line: &'l str) -> Option<Vec<&'l str>> {
        if self.starts.is_empty() {
            return None;
        }
        let mut cells = Vec::with_capacity(self.starts.len());
        // Offsets count characters; most lines are ASCII, where these are bytes.
        let places: Option<Vec<usize>> =
            (!line.is_ascii()).then(|| line.char_indices().map(|(n, _)| n).collect());
        let byte = |column: usize| match &places {
            Some(places) => places.get(column).copied().unwrap_or(line.len()),
            None => column.min(line.len()),
        };
        for (n, start) in self.starts.iter().enumerate() {
            let from = byte(*start);
            let to = match self.starts.get(n.saturating_add(1)) {
                Some(next) => byte(*next),
                None => line.len(),
            };
            let cell = line.get(from..to)?;
            // A cell that runs into the next column means that the row has other offsets.
            let runs_on = to < line.len() && !cell.is_empty() && !cell.ends_with(' ');
            if runs_on || (n > 0 && cell.starts_with(' ') && !cell.trim().is_empty()) {
                return None;
            }
            cells.push(cell.trim());
        }
        Some(cells)
    }

    /// Where a column is.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| n == name)
    }

    /// The cell of a row below a name; empty where there is none.
    pub(super) fn cell<'l>(&self, cells: &[&'l str], name: &str) -> &'l str {
        self.position(name)
            .and_then(|n| cells.get(n))
            .copied()
            .unwrap_or_default()
    }

    /// Whether there is a column.
    pub(super) fn has(&self, name: &str) -> bool {
        self.position(name).is_some()
    }
}

/// The pieces of a line between gaps of two blanks or more, each with its column.
pub(super) fn gaps(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = line;
    let mut column = 0usize;
    std::iter::from_fn(move || {
        let lead = rest.len().saturating_sub(rest.trim_start().len());
        column = column.saturating_add(lead);
        rest = rest.trim_start();
        if rest.is_empty() {
            return None;
        }
        let end = rest.find("  ").unwrap_or(rest.len());
        let (word, tail) = rest.split_at_checked(end)?;
        let here = column;
        column = column.saturating_add(word.chars().count());
        rest = tail;
        Some((here, word.trim_end()))
    })
}

/// Whether a line is the header of a table: upper-case words, one of which every such table has.
fn header(line: &str) -> Option<Columns> {
    if line.len() > 4096 || line.starts_with(' ') {
        return None;
    }
    let first = line.split_whitespace().next()?;
    let known = [
        "NAME",
        "NAMESPACE",
        "LAST",
        "LASTSEEN",
        "CONTAINER",
        "POD",
        "KIND",
        "UNIT",
    ];
    if !known.contains(&first) && !line.split_whitespace().any(|w| w == "NAME") {
        return None;
    }
    // `busctl list` has columns of its own.
    if line.contains("CONNECTION") && line.contains("PROCESS") {
        return None;
    }
    let columns = Columns::of(line);
    let lower = |w: &str| {
        let outside = w.split('(').next().unwrap_or_default();
        outside.bytes().any(|b| b.is_ascii_lowercase())
    };
    if line.split_whitespace().any(lower) {
        return None;
    }
    let named = [
        "NAME",
        "NAMES",
        "OBJECT",
        "CONTAINER ID",
        "CONTAINER",
        "POD ID",
    ];
    named.iter().any(|n| columns.has(n)).then_some(columns)
}

/// Whether the text begins with a table.
pub(super) fn is_table(line: &str) -> bool {
    header(line).is_some()
}

/// Reads all tables of a chunk; `hint` is a path or a command line that may name resource and namespace.
pub(super) fn read(sink: &mut Sink<'_>, chunk: Chunk<'_>, hint: &str) {
    read_under(sink, chunk, hint, None);
}

/// Reads tables of which the first may have lost its header to a filter: then these are its columns.
pub(super) fn read_under(sink: &mut Sink<'_>, chunk: Chunk<'_>, hint: &str, lost: Option<&[&str]>) {
    let namespace = kinds::namespace_of(hint);
    let mut table = lost.map(|names| {
        let columns = Columns::named(names);
        let kind = kind_of(&columns, hint);
        (columns, kind)
    });
    let filtered = table.is_some();
    let mut misfits = 0u64;
    for line in chunk.lines() {
        let text = line.text.trim_end();
        if text.is_empty() {
            if !filtered {
                table = None;
            }
            continue;
        }
        if messages::is_message(text) {
            messages::say(sink, line.at, text);
            continue;
        }
        if let Some(columns) = header(text) {
            let kind = kind_of(&columns, hint);
            table = Some((columns, kind));
            continue;
        }
        let Some((columns, kind)) = &table else {
            continue;
        };
        // `kubectl api-resources`: a list of names, no state.
        let Some(kind) = kind else { continue };
        let Some(cells) = columns.cells(text) else {
            misfits = misfits.saturating_add(1);
            continue;
        };
        let row = Row {
            columns: &columns.names,
            cells: &cells,
            at: line.at,
            kind,
            namespace: namespace.as_deref(),
        };
        if kind == "event" {
            events::say(sink, &row);
        } else {
            rows::say(sink, &row);
        }
    }
    if misfits > 0 {
        sink.note(format!("{misfits} rows do not fit their header"));
    }
}

/// The kind of a table's rows; `None` for tables without a state.
fn kind_of(columns: &Columns, hint: &str) -> Option<String> {
    if columns.has("SHORTNAMES") || columns.has("APIVERSION") {
        return None;
    }
    if columns.has("CONTAINER ID") || (columns.has("CONTAINER") && columns.has("STATE")) {
        return Some("container".into());
    }
    if columns.has("POD ID") {
        return Some("sandbox".into());
    }
    let by_path = kinds::by_path(hint);
    let by_header = kinds::by_header(&columns.names);
    // Replication controllers look like replica sets, most lists of custom objects like namespaces.
    match (by_header, by_path) {
        (Some("replicaset"), Some("replicationcontroller")) => by_path,
        (Some("namespace" | "statefulset"), Some(path)) => Some(path),
        (Some("namespace"), None) if columns.has("NAMESPACE") => None,
        (Some(kind), _) => Some(kind),
        (None, path) => path,
    }
    .map_or_else(|| Some("object".into()), |kind| Some(kind.to_owned()))
}

#[cfg(test)]
mod tests;
