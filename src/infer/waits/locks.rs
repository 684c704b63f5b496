//! Locks of one dump: who queues for which.
//!
//! The address is an argument of the slow path; where the compiler has lost it, the object whose method waits stands for
//! its lock. Values marked `?` are never compared. Who holds a lock is another question: see `holders`.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use super::holders::{Brief, Search};
use super::knowledge::Knowledge;
use super::stacks::{View, What, short};
use crate::model::dump::Frame;
use crate::model::waits::{Lock, LockKind};

/// How many locks of a dump are examined for a holder, most wanted first.
const LOCK_LIMIT: usize = 256;
/// What identifies a lock within its dump.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Key {
    Address(u64),
    /// The address is lost (register arguments): the object whose method waits.
    Object(u64, String),
    /// Only the place in the program is known.
    Site(String),
}

/// Finds the locks that goroutines of a dump queue for.
pub(super) fn find(index: usize, view: &View<'_>, knowledge: &Knowledge) -> Vec<Lock> {
    let mut queues: BTreeMap<Key, Lock> = BTreeMap::new();
    for shape in &view.shapes {
        let What::Lock {
            kind,
            address,
            caller,
        } = &shape.what
        else {
            continue;
        };
        for &g in &shape.members {
            let key = key(view, g, *kind, address, *caller);
            let lock = queues.entry(key.clone()).or_insert_with(|| Lock {
                dump: index,
                address: match key {
                    Key::Address(a) => Some(a),
                    _ => None,
                },
                name: String::new(),
                kinds: BTreeSet::new(),
                waiters: Vec::new(),
                oldest: 0,
                callers: Vec::new(),
                holder: None,
                own: None,
                section: None,
            });
            lock.kinds.insert(*kind);
            lock.waiters.push(g);
            lock.oldest = lock.oldest.max(view.minutes(g));
        }
    }
    join_readers(&mut queues, view);
    let mut locks: Vec<Lock> = queues.into_values().collect();
    for lock in &mut locks {
        lock.waiters
            .sort_by_key(|g| (std::cmp::Reverse(view.minutes(*g)), *g));
        describe(lock, view, knowledge);
    }
    locks.sort_by_key(|l| {
        (
            std::cmp::Reverse(l.waiters.len()),
            l.waiters.first().copied(),
        )
    });
    let waits_for = waits_for(&locks);
    let briefs: Vec<Brief> = locks.iter().map(|l| Brief { address: l.address }).collect();
    let search = Search::new(view, knowledge, &waits_for, &briefs);
    // Twice: a holder found in the first round can close a cycle that names one in the second.
    for round in 0..2 {
        let holders: Vec<Option<u32>> = locks
            .iter()
            .map(|l| l.holder.as_ref().map(|h| h.goroutine))
            .collect();
        for lock in locks.iter_mut().take(LOCK_LIMIT) {
            if round == 0 || lock.holder.as_ref().is_none_or(|h| h.ambiguous) {
                lock.holder = search.holder(lock, &holders);
            }
        }
    }
    drop_weak_cycles(&mut locks, &waits_for);
    for i in 0..locks.len().min(LOCK_LIMIT) {
        rename(&mut locks, i, view, &waits_for);
    }
    for lock in locks.iter_mut().take(LOCK_LIMIT) {
        if lock.holder.is_none() {
            lock.own = search.own(lock);
        }
    }
    locks
}

/// Readers and writers of one `RWMutex`: the address is printed for the writer, for the readers only the object that
/// the lock is a field of.
fn join_readers(queues: &mut BTreeMap<Key, Lock>, view: &View<'_>) {
    // A lock lies within its object, and objects with locks are seldom larger.
    const OBJECT: u64 = 4096;
    let owner = |lock: &Lock| {
        let role = lock.waiters.first().and_then(|g| caller(view, *g));
        role.map(|r| r.owner.clone()).filter(|o| !o.is_empty())
    };
    let objects: Vec<(Key, u64, String)> = queues
        .keys()
        .filter_map(|k| match k {
            Key::Object(at, owner) => Some((k.clone(), *at, owner.clone())),
            _ => None,
        })
        .collect();
    let orphans: Vec<(Key, String)> = queues
        .iter()
        .filter(|(_, l)| l.kinds.contains(&LockKind::Read))
        .filter_map(|(k, _)| match k {
            Key::Site(owner) => Some((k.clone(), owner.clone())),
            _ => None,
        })
        .collect();
    // Which object is lost: the lock is known only if writers of one such object wait.
    let mut writers: FxHashMap<String, Vec<Key>> = FxHashMap::default();
    for (key, lock) in queues.iter().filter(|_| !orphans.is_empty()) {
        if let Some(owner) = owner(lock).filter(|_| lock.kinds.contains(&LockKind::Write)) {
            writers.entry(owner).or_default().push(key.clone());
        }
    }
    for (key, object) in orphans {
        if let Some([only]) = writers.get(&object).map(Vec::as_slice)
            && *only != key
        {
            join(queues, &key, only);
        }
    }
    // The object that a writer's method belongs to.
    let mut of_object: FxHashMap<(u64, String), Key> = FxHashMap::default();
    for (key, lock) in queues.iter().filter(|_| !objects.is_empty()) {
        let Some(owner) = owner(lock).filter(|_| lock.kinds.contains(&LockKind::Write)) else {
            continue;
        };
        let first = lock.waiters.first().copied();
        if let Some(at) = first.and_then(|g| object(view, g, caller_frame(view, g)?, &owner)) {
            of_object.entry((at, owner)).or_insert_with(|| key.clone());
        }
    }
    for (key, at, object) in objects {
        let near = queues
            .range(Key::Address(at)..Key::Address(at.saturating_add(OBJECT)))
            .find(|(_, l)| owner(l).as_ref() == Some(&object) && l.kinds.contains(&LockKind::Write))
            .map(|(k, _)| k.clone())
            .or_else(|| of_object.get(&(at, object)).cloned())
            .filter(|near| *near != key);
        if let Some(near) = near {
            join(queues, &key, &near);
        }
    }
}

/// Puts one queue behind another.
fn join(queues: &mut BTreeMap<Key, Lock>, from: &Key, to: &Key) {
    let Some(readers) = queues.remove(from) else {
        return;
    };
    if let Some(lock) = queues.get_mut(to) {
        lock.kinds.extend(readers.kinds);
        lock.waiters.extend(readers.waiters);
        lock.oldest = lock.oldest.max(readers.oldest);
    }
}

/// A circle of guesses is none: all but one of its links must be shown by a stack. The last one may follow from the
/// others.
fn drop_weak_cycles(locks: &mut [Lock], waits_for: &FxHashMap<u32, usize>) {
    let next = |locks: &[Lock], i: usize| {
        let h = locks.get(i)?.holder.as_ref()?;
        waits_for.get(&h.goroutine).copied()
    };
    // Whose way was walked already, and from which start.
    let mut walked: Vec<Option<usize>> = vec![None; locks.len()];
    for start in 0..locks.len() {
        let mut here = Some(start);
        while let Some(i) = here.filter(|i| walked.get(*i) == Some(&None)) {
            if let Some(w) = walked.get_mut(i) {
                *w = Some(start);
            }
            here = next(locks, i);
        }
        let Some(entry) = here.filter(|i| walked.get(*i) == Some(&Some(start))) else {
            continue;
        };
        let mut cycle = vec![entry];
        while let Some(i) = cycle
            .last()
            .and_then(|i| next(locks, *i))
            .filter(|i| *i != entry)
        {
            cycle.push(i);
        }
        let weak: Vec<usize> = cycle
            .into_iter()
            .filter(|i| {
                let holder = locks.get(*i).and_then(|l| l.holder.as_ref());
                holder.is_some_and(|h| !h.sure)
            })
            .collect();
        if weak.len() > 1 {
            for i in weak {
                if let Some(lock) = locks.get_mut(i) {
                    lock.holder = None;
                }
            }
        }
    }
}

/// The lock that each waiting goroutine queues for.
fn waits_for(locks: &[Lock]) -> FxHashMap<u32, usize> {
    locks
        .iter()
        .enumerate()
        .flat_map(|(i, l)| l.waiters.iter().map(move |g| (*g, i)))
        .collect()
}

fn key(view: &View<'_>, g: u32, kind: LockKind, address: &[usize], caller: usize) -> Key {
    let frames = view.frames(g);
    if let Some(a) = address
        .iter()
        .filter_map(|i| frames.get(*i))
        .find_map(|f| view.dump.receiver(f))
        .or_else(|| reader_address(view, frames.get(..caller)?, kind))
    {
        return Key::Address(a);
    }
    let Some(frame) = frames.get(caller) else {
        return Key::Site(String::new());
    };
    let role = view.role(frame.site);
    let owner = role.map_or("", |r| &r.owner);
    match object(view, g, caller, owner) {
        Some(object) if !owner.is_empty() => Key::Object(object, owner.to_owned()),
        _ if !owner.is_empty() => Key::Site(owner.to_owned()),
        _ => Key::Site(role.map_or_else(String::new, |r| r.name.clone())),
    }
}

/// The object of a method at frame `caller` of a stack. A method that a method of the same type has called is of the same
/// object, as a rule.
fn object(view: &View<'_>, g: u32, caller: usize, owner: &str) -> Option<u64> {
    view.frames(g)
        .iter()
        .skip(caller)
        .take_while(|f| view.role(f.site).is_some_and(|r| r.owner == owner))
        .find_map(|f| view.dump.receiver(f))
}

/// The address of an `RWMutex` from the semaphore that its readers wait at, for compilers that inline `RLock` and still
/// print what was passed (before Go 1.17).
fn reader_address(view: &View<'_>, top: &[Frame], kind: LockKind) -> Option<u64> {
    /// `readerSem` within `RWMutex`: behind the writers' mutex (8 bytes) and `writerSem` (4).
    const OFFSET: u64 = 12;
    if kind != LockKind::Read || view.dump.go.at_least.is_some_and(|v| v >= 17) {
        return None;
    }
    let semaphore = top.iter().find_map(|f| {
        let waits = view.role(f.site)?.method.contains("emacquire");
        view.dump.receiver(f).filter(|_| waits)
    })?;
    semaphore.checked_sub(OFFSET).filter(|a| a % 4 == 0)
}

/// Who queues, and what the lock is called.
fn describe(lock: &mut Lock, view: &View<'_>, knowledge: &Knowledge) {
    let mut callers: BTreeMap<&str, usize> = BTreeMap::new();
    let mut owners: BTreeMap<&str, usize> = BTreeMap::new();
    for &g in &lock.waiters {
        let Some(role) = caller(view, g) else {
            continue;
        };
        *callers.entry(short(&role.name)).or_default() += 1;
        if !role.owner.is_empty() {
            *owners.entry(short(&role.owner)).or_default() += 1;
        }
        lock.section = lock.section.or(role.queuer);
    }
    let mut callers: Vec<(String, usize)> = callers
        .into_iter()
        .map(|(n, c)| (n.to_owned(), c))
        .collect();
    callers.sort_by_key(|(_, c)| std::cmp::Reverse(*c));
    lock.callers = callers;
    lock.name = lock
        .section
        .and_then(|s| knowledge.sections.get(s))
        .map(|s| s.lock.clone())
        .or_else(|| {
            owners
                .into_iter()
                .max_by_key(|(_, n)| *n)
                .map(|(o, _)| format!("a lock of {o}"))
        })
        .or_else(|| {
            lock.callers
                .first()
                .map(|(c, _)| format!("a lock taken in {c}"))
        })
        .unwrap_or_else(|| String::from("a lock"));
}

/// A lock that is reached from another object's method is named after the type that its holder came through.
fn rename(locks: &mut [Lock], i: usize, view: &View<'_>, waits_for: &FxHashMap<u32, usize>) {
    let Some(lock) = locks.get(i) else { return };
    let Some(holder) = lock.holder.as_ref().filter(|_| lock.section.is_none()) else {
        return;
    };
    let role = view
        .frames(holder.goroutine)
        .get(holder.frame)
        .and_then(|f| view.role(f.site));
    let Some(owner) = role
        .map(|r| short(&r.owner).to_owned())
        .filter(|o| !o.is_empty())
    else {
        return;
    };
    let name = format!("a lock of {owner}");
    let taken = waits_for
        .get(&holder.goroutine)
        .and_then(|j| locks.get(*j))
        .is_some_and(|other| other.name == name);
    if !taken && let Some(lock) = locks.get_mut(i) {
        lock.name = name;
    }
}

fn caller<'v>(view: &'v View<'_>, g: u32) -> Option<&'v super::stacks::Role> {
    view.role(view.frames(g).get(caller_frame(view, g)?)?.site)
}

fn caller_frame(view: &View<'_>, g: u32) -> Option<usize> {
    match view.what(g) {
        What::Lock { caller, .. } => Some(*caller),
        _ => None,
    }
}
