//! Health checks of the API server: `/readyz?verbose`, `/livez`, `/healthz`.
//!
//! `[-]etcd failed: reason withheld`.

use crate::model::{Component, Entity};
use crate::parse::state::sink::{Chunk, Sink, Text, name};

/// Says every check of a list.
pub(in crate::parse::state) fn read(sink: &mut Sink<'_>, chunk: Chunk<'_>) {
    for line in chunk.lines() {
        one(sink, line.at, line.text.trim());
    }
}

/// Says the failed checks that an error message quotes, with `\n` between them.
pub(in crate::parse::state) fn quoted(sink: &mut Sink<'_>, at: usize, line: &str) {
    for part in line.split("\\n") {
        let part = part.find("[-]").and_then(|n| part.get(n..));
        if let Some(part) = part {
            one(sink, at, part);
        }
    }
}

fn one(sink: &mut Sink<'_>, at: usize, text: &str) {
    let (ok, rest) = match (text.strip_prefix("[+]"), text.strip_prefix("[-]")) {
        (Some(rest), _) => (true, rest),
        (_, Some(rest)) => (false, rest),
        _ => return,
    };
    let (id, message) = rest.split_once(' ').unwrap_or((rest, ""));
    let message = message.strip_prefix("failed: ").unwrap_or(message);
    let of = Entity::new("check", &name(id));
    let text = Text::of(&of)
        .field("ok", if ok { "true" } else { "false" })
        .field("message", if ok { "" } else { message });
    sink.say(Component::OBJECT, &of, at, text);
}
