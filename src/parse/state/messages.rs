//! What kubectl itself says instead of a table, or between its rows: errors, warnings, "No resources found".
//!
//! `Error from server (ServiceUnavailable): the server is currently unable to handle the request`.

use super::host;
use super::sink::{Chunk, Sink, Text};
use crate::model::{Component, Entity};

const STARTS: [&str; 10] = [
    "Error from server",
    "error: ",
    "Error: ",
    "Warning: ",
    "The connection to the server",
    "Unable to connect to the server",
    "No resources found",
    "Unable to ",
    "error when ",
    "The request is invalid",
];

/// Whether a line is the voice of kubectl.
pub(super) fn is_message(line: &str) -> bool {
    STARTS.iter().any(|s| line.starts_with(s))
        || (line.starts_with(['E', 'W']) && line.contains("memcache.go:"))
}

/// Says a line of kubectl as it is, and the failed checks it may quote.
pub(super) fn say(sink: &mut Sink<'_>, at: usize, line: &str) {
    let of = Entity::new("kubectl", &sink.base);
    sink.say(Component::KUBECTL, &of, at, Text::raw(line));
    if line.contains("[-]") {
        host::checks::quoted(sink, at, line);
    }
}

/// Says every message among the lines of a chunk.
pub(super) fn read(sink: &mut Sink<'_>, chunk: Chunk<'_>) {
    for line in chunk.lines() {
        if is_message(&line.text) {
            say(sink, line.at, &line.text);
        }
    }
}
