//! systemd units: `systemctl status`, `systemctl list-units`.
//!
//! `     Active: failed (Result: exit-code) since Fri 2024-02-09 03:04:05 CST; 14min ago`: since plus ago is the
//! moment of the output.

use crate::base::time::RawStamp;
use crate::model::{Component, Entity};
use crate::parse::state::ClockHint;
use crate::parse::state::sink::{Chunk, Sink, Text, When, name};
use crate::parse::state::stamp;

const SUFFIXES: [&str; 6] = [
    ".service", ".socket", ".timer", ".mount", ".slice", ".scope",
];

/// Whether a line is the header of `list-units`.
pub(in crate::parse::state) fn is_header(line: &str) -> bool {
    let mut words = line.split_whitespace();
    words.next() == Some("UNIT") && words.next() == Some("LOAD")
}

/// Says every unit.
pub(in crate::parse::state) fn read(sink: &mut Sink<'_>, chunk: Chunk<'_>) {
    let mut unit = String::new();
    let mut list = false;
    for line in chunk.lines() {
        let text = line.text.trim();
        if is_header(text) {
            list = true;
        } else if let Some(rest) = text.strip_prefix("Active: ") {
            if !unit.is_empty() {
                active(sink, line.at, &unit, rest);
            }
        } else if let Some(id) = unit_name(text) {
            if list {
                row(sink, line.at, id, text);
            } else {
                id.clone_into(&mut unit);
            }
        }
    }
}

/// The unit a line begins with, behind a dot of whatever colour.
fn unit_name(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace();
    let mut word = words.next()?;
    if word.chars().count() == 1 && !word.chars().all(char::is_alphanumeric) {
        word = words.next()?;
    }
    SUFFIXES
        .iter()
        .any(|s| word.len() > s.len() && word.ends_with(s))
        .then_some(word)
}

fn of_unit(id: &str) -> Entity {
    Entity::new("unit", &name(id.strip_suffix(".service").unwrap_or(id)))
}

/// `failed (Result: exit-code) since …`, `active (running) since …`, `activating (auto-restart) (Result: …) …`.
fn active(sink: &mut Sink<'_>, at: usize, unit: &str, text: &str) {
    let (state, since) = text.split_once(" since ").unwrap_or((text, ""));
    let mut parts = state.split(" (");
    let word = parts.next().unwrap_or_default();
    let (mut sub, mut result) = ("", "");
    for part in parts {
        let part = part.trim_end_matches(')');
        match part.strip_prefix("Result: ") {
            Some(r) => result = r,
            None => sub = part,
        }
    }
    let of = of_unit(unit);
    let text = Text::of(&of)
        .field("active", word)
        .field("sub", sub)
        .field("result", result);
    let mut first = None;
    if let Some((begin, now)) = stamp::systemd_since(since) {
        first = Some(begin);
        let offsets = stamp::abbreviation(since);
        if matches!(begin, RawStamp::Local { .. }) && !offsets.is_empty() {
            sink.hint(at, |line| ClockHint::Abbreviation { offsets, line });
        }
        if let Some(now) = now {
            sink.hint(at, |line| ClockHint::CollectedAt { at: now, line });
        }
    }
    sink.say_when(Component::HOST, &of, at, text, When::since(first));
}

/// `containerd.service loaded failed failed containerd container runtime`.
fn row(sink: &mut Sink<'_>, at: usize, id: &str, text: &str) {
    let mut words = text.split_whitespace().skip_while(|w| *w != id).skip(2);
    let (Some(active), Some(sub)) = (words.next(), words.next()) else {
        return;
    };
    let of = of_unit(id);
    let text = Text::of(&of).field("active", active).field("sub", sub);
    sink.say(Component::HOST, &of, at, text);
}
