//! `kind: Table`: what the API server prints for kubectl, saved as JSON.

use super::Object;
use crate::parse::state::kinds;
use crate::parse::state::sink::Sink;
use crate::parse::state::tables::rows::{self, Row};

/// Says the rows of a table.
pub(super) fn read(sink: &mut Sink<'_>, o: &Object<'_>) {
    let columns: Vec<String> = o
        .node
        .list("columnDefinitions")
        .iter()
        .map(|c| c.text("name").to_ascii_uppercase())
        .collect();
    for row in o.node.list("rows") {
        let cells: Vec<&str> = row.list("cells").iter().map(super::Node::scalar).collect();
        let meta = row.get("object");
        let word = meta.map_or("", |m| m.text("kind"));
        let kind = if word.is_empty() || word == "PartialObjectMetadata" {
            kinds::by_header(&columns)
                .or_else(|| kinds::by_path(sink.path))
                .unwrap_or("object")
                .to_owned()
        } else {
            kinds::plain(word)
        };
        let namespace = meta.map_or("", |m| m.text("metadata.namespace"));
        let row = Row {
            columns: &columns,
            cells: &cells,
            at: row.at,
            kind: &kind,
            namespace: (!namespace.is_empty()).then_some(namespace),
        };
        rows::say(sink, &row);
    }
}
