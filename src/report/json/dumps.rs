//! Puts a noted goroutine dump into the types of the contract.

use super::super::layout::clean;
use super::build::{quote, safe, stamp};
use super::types as to;
use crate::model::{DumpNote, GroupNote, LockNote, Place};

/// One dump, the paths of its lines made by `path`.
pub(crate) fn dump(d: &DumpNote, path: &dyn Fn(Place) -> String) -> to::Dump {
    let head = &d.head;
    to::Dump {
        artifact: path(head.place),
        line: head.place.line,
        kind: String::from(head.kind.as_str()),
        go: head.go.words(),
        process: head.process.as_deref().map(safe),
        pid: head.pid,
        node: head.node.as_deref().map(safe),
        time: stamp(head.time),
        partial: head.partial,
        goroutines: head.goroutines,
        idle: head.idle,
        groups: d.groups.iter().map(|g| group(g, path)).collect(),
        groups_left_out: d.groups_left_out as u64,
        locks: d.locks.iter().map(lock).collect(),
        locks_left_out: d.locks_left_out as u64,
        set_aside: head.set_aside.as_deref().map(clean),
    }
}

fn group(note: &GroupNote, path: &dyn Fn(Place) -> String) -> to::Group {
    let g = &note.group;
    to::Group {
        count: g.count,
        state: safe(&g.state),
        oldest_minutes: g.minutes.map(u64::from),
        waits_for: String::from(g.waits),
        idle: g.is_idle(),
        stack: g.frames.iter().map(|f| safe(f)).collect(),
        created_by: g.creator.as_deref().map(safe),
        labels: g.labels.iter().map(|(text, _)| safe(text)).collect(),
        ids: g.ids.clone(),
        representative: note.representative,
        evidence: note.evidence.iter().map(|q| quote(q, path)).collect(),
    }
}

fn lock(l: &LockNote) -> to::Lock {
    to::Lock {
        address: safe(&l.address),
        name: safe(&l.name),
        waiters: l.waiters,
        oldest_minutes: l.oldest.map(u64::from),
        probable_holder: l.holder,
        because: clean(&l.because),
        against: clean(&l.against),
    }
}
