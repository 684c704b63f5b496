//! `busctl list`: who holds which name on the system bus.
//!
//! `:1.123    1234 dbus-client     root   :1.123   x.service   -   -`. Many names of one process are a leak;
//! counting them is not done here.

use crate::model::{Component, Entity};
use crate::parse::state::sink::{Chunk, Sink, Text, name};

/// Whether a line is the header.
pub(in crate::parse::state) fn is_header(line: &str) -> bool {
    line.contains("PROCESS") && line.contains("CONNECTION")
}

/// Says every name.
pub(in crate::parse::state) fn read(sink: &mut Sink<'_>, chunk: Chunk<'_>) {
    for line in chunk.lines() {
        let words: Vec<&str> = line.text.split_whitespace().take(6).collect();
        let [id, pid, process, user, connection, unit] = words.as_slice() else {
            continue;
        };
        if *id == "NAME" || !pid.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
            continue;
        }
        let said = |word: &str| {
            if word == "-" {
                String::new()
            } else {
                word.to_owned()
            }
        };
        let of = Entity::new("busname", &name(id));
        let connection = if connection == id { "-" } else { connection };
        let text = Text::of(&of)
            .field("pid", &said(pid))
            .field("process", &said(process))
            .field("user", &said(user))
            .field("connection", &said(connection))
            .field("unit", &said(unit));
        sink.say(Component::HOST, &of, line.at, text);
    }
}
