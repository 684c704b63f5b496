//! The goroutine dumps of a bundle, read: whose they are and when they were taken.
//!
//! The scan of a log takes out the lines of a dump as they stand; here they become a [`Dump`]. What the stacks mean is
//! the business of `infer`.

use super::World;
use super::turn::at_turn;
use crate::base::time::{DAY, RawStamp, Stamp};
use crate::model::{Dump, Place, SourceId, SourceKind};
use crate::parse::goroutines;

/// Every dump in a text whose first byte is at `start`.
pub fn read_dumps(text: &[u8], start: Place) -> Vec<Dump> {
    goroutines::read(text, start)
}

/// Every dump of the bundle, with its node, program and time.
pub fn dumps(world: &World) -> Vec<Dump> {
    let mut out = Vec::new();
    let part_of = |source: SourceId| {
        let log = world.log_of(source);
        let part = world.logs.get(log)?.iter().position(|p| *p == source);
        Some((log, part))
    };
    let mut texts: Vec<_> = world.dumps.iter().collect();
    texts.sort_by_key(|t| (part_of(t.source), t.source, t.offset));
    // The texts of one source are read as one: a dump in a log may have been taken out in pieces, and go on in the next
    // part of the log.
    for part in texts.chunk_by(|a, b| a.source == b.source || b.continues) {
        let mut reader = goroutines::Reader::default();
        for text in part {
            let mut place = Place {
                source: text.source,
                offset: text.offset,
                line: text.line,
            };
            for line in text.text.split_inclusive(|b| *b == b'\n') {
                reader.line(place, line);
                place.offset = place.offset.saturating_add(line.len() as u64);
                place.line = place.line.saturating_add(1);
            }
        }
        for mut dump in reader.finish() {
            if let Some(source) = world.source(dump.place.source) {
                if source.scope.node.is_some() {
                    dump.node.clone_from(&source.scope.node);
                }
                let component = &source.scope.component;
                let named = !component.is_unknown() && component.as_str() != "app";
                if named && source.kind == SourceKind::Log {
                    dump.process = Some(component.as_str().to_owned());
                }
                let around = part
                    .iter()
                    .rfind(|t| t.source == source.id && t.line <= dump.place.line)
                    .and_then(|t| t.time);
                // The name of the file says when it was written; so may a wrapping; so may the log around it.
                dump.time = goroutines::time_in_name(&source.path)
                    .or(dump.raw_time)
                    .and_then(|raw| stamp(world, source.id, raw))
                    .or(around);
            }
            out.push(dump);
        }
    }
    out
}

/// The time of a wrapping's line. One without a year is read in the year in which its log begins; a line that would
/// stand long before that beginning is of the next year.
fn stamp(world: &World, source: SourceId, raw: RawStamp) -> Option<Stamp> {
    const HALF_A_YEAR: i64 = 180 * DAY;
    let at = world.stamp(source, raw)?;
    let begins = world.coverage(source).0;
    let early = begins.is_some_and(|b| b.at.since(at.at) > HALF_A_YEAR);
    let turn = match raw {
        RawStamp::Local {
            year: None, turn, ..
        } if early => turn.saturating_add(1),
        _ => return Some(at),
    };
    world.stamp(source, at_turn(raw, turn))
}
