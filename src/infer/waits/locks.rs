//! Locks of one dump: who queues for which, and who probably holds it.
//!
//! A dump shows who *waits* (the address is an argument of the slow path), never who *holds*. The holder is
//! inferred: a goroutine past the line where the others queue, inside a known critical section, with the same
//! receiver, blocked in something slow. Reasons for and against are kept; values marked `?` are never compared.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::{FxHashMap, FxHashSet};

use super::knowledge::Knowledge;
use super::stacks::{LockKind, View, What, short};
use crate::model::dump::POINTER_FLOOR;

/// How many locks of a dump are examined for a holder, most wanted first.
const LOCK_LIMIT: usize = 256;
/// How many goroutines of one stack are compared by pointer.
const MEMBER_LIMIT: usize = 256;
/// Goroutines that are compared with the queues of one dump, all in all.
const BUDGET: usize = 1_000_000;
/// A holder is named from this score on.
const ENOUGH: i32 = 4;
/// The clock of a wait is set by garbage collections: durations differ by this many minutes without meaning.
const SLACK: u32 = 3;

/// What identifies a lock within its dump.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Key {
    Address(u64),
    /// The address is lost (register arguments): the object whose method waits.
    Object(u64, String),
    /// Only the place in the program is known.
    Site(String),
}

/// A goroutine that probably holds a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Index in the dump's goroutines.
    pub goroutine: u32,
    /// Sum of the reasons.
    pub score: i32,
    /// What speaks for it.
    pub because: Vec<String>,
    /// What speaks against it.
    pub against: Vec<String>,
    /// Frame inside the critical section.
    pub frame: usize,
    /// Another goroutine fits as well.
    pub ambiguous: bool,
}

/// One lock and its queue.
#[derive(Clone, Debug)]
pub struct Lock {
    /// Index of the dump.
    pub dump: usize,
    /// Address, where the stacks show it.
    pub address: Option<u64>,
    /// What it is called in a report: a known name, or the type whose methods queue.
    pub name: String,
    /// Kinds of waiting: a lock with writers and readers has two.
    pub kinds: BTreeSet<LockKind>,
    /// Indices of the waiting goroutines, longest first.
    pub waiters: Vec<u32>,
    /// Minutes of the oldest waiter, at least.
    pub oldest: u32,
    /// Functions that queue, with how many.
    pub callers: Vec<(String, usize)>,
    /// The probable holder.
    pub holder: Option<Holder>,
    /// A waiter that itself took the lock further out on its stack.
    pub own: Option<u32>,
    pub(super) section: Option<usize>,
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
            let key = key(view, g, address, *caller);
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
    let search = Search::new(view, knowledge, &waits_for);
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

/// The lock that each waiting goroutine queues for.
fn waits_for(locks: &[Lock]) -> FxHashMap<u32, usize> {
    locks
        .iter()
        .enumerate()
        .flat_map(|(i, l)| l.waiters.iter().map(move |g| (*g, i)))
        .collect()
}

fn key(view: &View<'_>, g: u32, address: &[usize], caller: usize) -> Key {
    let frames = view.frames(g);
    if let Some(a) = address
        .iter()
        .filter_map(|i| frames.get(*i))
        .find_map(|f| view.dump.receiver(f))
    {
        return Key::Address(a);
    }
    let Some(frame) = frames.get(caller) else {
        return Key::Site(String::new());
    };
    let role = view.role(frame.site);
    let owner = role.map_or("", |r| &r.owner);
    match view.dump.receiver(frame) {
        Some(object) if !owner.is_empty() => Key::Object(object, owner.to_owned()),
        _ if !owner.is_empty() => Key::Site(owner.to_owned()),
        _ => Key::Site(role.map_or_else(String::new, |r| r.name.clone())),
    }
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
    let What::Lock { caller, .. } = view.what(g) else {
        return None;
    };
    view.role(view.frames(g).get(*caller)?.site)
}

/// The search for holders in one dump.
struct Search<'s, 'a> {
    view: &'s View<'a>,
    knowledge: &'s Knowledge,
    waits_for: &'s FxHashMap<u32, usize>,
    /// Stacks that are doing something, by the packages on them.
    by_package: FxHashMap<&'s str, Vec<usize>>,
    /// Stacks inside a known critical section.
    by_section: FxHashMap<usize, Vec<usize>>,
    /// Comparisons left: a dump of nothing but distinct stacks and locks must not take for ever.
    budget: Cell<usize>,
}

/// What the queue of a lock looks like from the outside.
struct Queue<'q> {
    /// First line of each function at which somebody waits for the lock.
    lines: FxHashMap<&'q str, u32>,
    owners: FxHashSet<&'q str>,
    packages: FxHashSet<&'q str>,
    pointers: FxHashSet<u64>,
    members: FxHashSet<u32>,
}

impl<'s, 'a> Search<'s, 'a> {
    fn new(
        view: &'s View<'a>,
        knowledge: &'s Knowledge,
        waits_for: &'s FxHashMap<u32, usize>,
    ) -> Self {
        let mut by_package: FxHashMap<&str, Vec<usize>> = FxHashMap::default();
        let mut by_section: FxHashMap<usize, Vec<usize>> = FxHashMap::default();
        for (i, shape) in view.shapes.iter().enumerate() {
            let Some(&g) = shape.members.first() else {
                continue;
            };
            for f in view.frames(g) {
                let Some(role) = view.role(f.site).filter(|r| !r.plumbing) else {
                    continue;
                };
                if let Some(list) = role.holder.map(|s| by_section.entry(s).or_default())
                    && list.last() != Some(&i)
                {
                    list.push(i);
                }
                if shape.what == What::Idle {
                    continue;
                }
                let list = by_package.entry(&role.package).or_default();
                if list.last() != Some(&i) {
                    list.push(i);
                }
            }
        }
        Self {
            view,
            knowledge,
            waits_for,
            by_package,
            by_section,
            budget: Cell::new(BUDGET),
        }
    }

    /// Stacks that share a package with the queue, or are inside the lock's critical section.
    fn candidates(&self, lock: &Lock, queue: &Queue<'_>) -> BTreeSet<usize> {
        let sections = lock.section.and_then(|s| self.by_section.get(&s));
        queue
            .packages
            .iter()
            .filter_map(|p| self.by_package.get(p))
            .chain(sections)
            .flatten()
            .copied()
            .collect()
    }

    fn spend(&self, n: usize) -> bool {
        let left = self.budget.get();
        self.budget.set(left.saturating_sub(n));
        left >= n
    }

    fn queue(&self, lock: &Lock) -> Queue<'s> {
        let mut q = Queue {
            lines: FxHashMap::default(),
            owners: FxHashSet::default(),
            packages: FxHashSet::default(),
            pointers: lock.address.into_iter().collect(),
            members: lock.waiters.iter().copied().collect(),
        };
        for &g in &lock.waiters {
            let What::Lock { caller, .. } = self.view.what(g) else {
                continue;
            };
            let Some(frame) = self.view.frames(g).get(*caller) else {
                continue;
            };
            let Some(role) = self.view.role(frame.site) else {
                continue;
            };
            let line = self.view.line(frame.site);
            let first = q.lines.entry(&role.name).or_insert(line);
            *first = (*first).min(line);
            if !role.owner.is_empty() {
                q.owners.insert(&role.owner);
                q.pointers.extend(self.view.dump.receiver(frame));
            }
            q.packages.insert(&role.package);
        }
        q
    }

    /// The best candidate, if it is good enough.
    fn holder(&self, lock: &Lock, holders: &[Option<u32>]) -> Option<Holder> {
        let queue = self.queue(lock);
        let mut best: Vec<Holder> = Vec::new();
        for i in self.candidates(lock, &queue) {
            let Some(shape) = self.view.shapes.get(i) else {
                continue;
            };
            if !self.spend(shape.members.len().min(MEMBER_LIMIT)) {
                return None;
            }
            let Some(g) = self.pick(shape, &queue) else {
                continue;
            };
            let Some(h) = self.weigh(lock, &queue, i, g, holders) else {
                continue;
            };
            best.push(h);
        }
        best.sort_by_key(|h| (std::cmp::Reverse(h.score), h.goroutine));
        let second = best.get(1).map(|h| h.score);
        let mut first = best.into_iter().next().filter(|h| h.score >= ENOUGH)?;
        if second == Some(first.score) {
            first.ambiguous = true;
            first
                .against
                .push(String::from("another goroutine fits as well"));
        }
        Some(first)
    }

    /// The goroutine of a stack that fits best: by pointer, else the longest waiting.
    fn pick(&self, shape: &super::stacks::Shape, queue: &Queue<'_>) -> Option<u32> {
        let outside = || {
            shape
                .members
                .iter()
                .copied()
                .filter(|g| !queue.members.contains(g))
                .take(MEMBER_LIMIT)
        };
        outside()
            .find(|g| self.shares_pointer(*g, queue))
            .or_else(|| outside().max_by_key(|g| (self.view.minutes(*g), std::cmp::Reverse(*g))))
    }

    fn shares_pointer(&self, g: u32, queue: &Queue<'_>) -> bool {
        self.view.frames(g).iter().any(|f| {
            self.view
                .dump
                .args(f)
                .any(|a| a.exact && a.value >= POINTER_FLOOR && queue.pointers.contains(&a.value))
        })
    }

    /// Adds up what speaks for and against goroutine `g`.
    fn weigh(
        &self,
        lock: &Lock,
        queue: &Queue<'_>,
        shape: usize,
        g: u32,
        holders: &[Option<u32>],
    ) -> Option<Holder> {
        let shape = self.view.shapes.get(shape)?;
        let frames = self.view.frames(g);
        let mut h = Holder {
            goroutine: g,
            score: 0,
            because: Vec::new(),
            against: Vec::new(),
            frame: 0,
            ambiguous: false,
        };
        let waits_at = match &shape.what {
            What::Lock { caller, .. } => Some(*caller),
            _ => None,
        };
        let (mut past, mut before, mut same_type, mut same_package, mut section) =
            (None, None, None, None, None);
        let mut owners: Vec<(&str, usize)> = Vec::new();
        for (i, f) in frames.iter().enumerate() {
            let Some(role) = self.view.role(f.site).filter(|r| !r.plumbing) else {
                continue;
            };
            if let Some(first) = queue.lines.get(role.name.as_str()) {
                let line = self.view.line(f.site);
                if line > *first {
                    past = past.or(Some(i));
                } else if waits_at == Some(i) {
                    before = before.or(Some(i));
                }
            }
            if queue.owners.contains(role.owner.as_str()) {
                same_type = same_type.or(Some(i));
            }
            if queue.packages.contains(role.package.as_str()) {
                same_package = same_package.or(Some(i));
            }
            if role.holder.is_some() && role.holder == lock.section {
                section = section.or(Some(i));
            }
            if !role.owner.is_empty()
                && queue.packages.contains(role.package.as_str())
                && !owners.iter().any(|(o, _)| *o == role.owner)
            {
                owners.push((&role.owner, i));
            }
        }
        let relation = section.or(past).or(same_type).or(same_package)?;
        h.frame = relation;
        let mut plus = |h: &mut Holder, points: i32, why: String| {
            h.score += points;
            if points > 0 {
                h.because.push(why)
            } else {
                h.against.push(why)
            }
        };
        let name = |i: usize| {
            frames
                .get(i)
                .and_then(|f| self.view.role(f.site))
                .map_or("?", |r| short(&r.name))
                .to_owned()
        };
        if let Some(i) = section {
            let why = lock
                .section
                .and_then(|s| self.knowledge.sections.get(s))
                .map_or("", |s| &s.why);
            plus(&mut h, 4, format!("it is inside {}: {why}", name(i)));
        }
        if let Some(i) = past {
            plus(
                &mut h,
                4,
                format!("it is in {}, past the line where others queue", name(i)),
            );
        }
        if self.shares_pointer(g, queue) {
            plus(&mut h, 3, String::from("its stack shows the same object"));
        }
        if let (What::Lock { .. }, [.., (outer, i)]) = (&shape.what, owners.as_slice())
            && owners.len() > 1
        {
            if past.is_none() && section.is_none() {
                h.frame = *i;
            }
            plus(
                &mut h,
                2,
                format!(
                    "it came to its own wait through a method of {}",
                    short(outer)
                ),
            );
        }
        if past.is_none() {
            if same_type.is_some() {
                plus(
                    &mut h,
                    2,
                    format!("it is in a method of the same type, {}", name(relation)),
                );
            } else {
                plus(
                    &mut h,
                    1,
                    format!("it is in the same package, {}", name(relation)),
                );
            }
        }
        match &shape.what {
            What::Lock { .. } => {
                plus(
                    &mut h,
                    2,
                    String::from("it waits for another lock meanwhile"),
                );
                let mine = self
                    .waits_for
                    .get(&g)
                    .and_then(|l| holders.get(*l))
                    .copied()
                    .flatten();
                if mine.is_some_and(|m| queue.members.contains(&m)) {
                    plus(
                        &mut h,
                        2,
                        String::from(
                            "the holder of that other lock waits for this one, which closes a cycle",
                        ),
                    );
                }
                if shape.members.len() > 2 {
                    plus(
                        &mut h,
                        -2,
                        format!("{} others wait exactly like it", shape.members.len() - 1),
                    );
                }
            }
            What::Call { .. } | What::End { .. } => plus(
                &mut h,
                2,
                String::from("it waits for something outside of the process"),
            ),
            What::Join | What::Other => plus(
                &mut h,
                1,
                format!("it waits ({})", self.view.dump.stacks.text(shape.state)),
            ),
            What::Running => plus(
                &mut h,
                -1,
                String::from("it runs: it may leave at any moment"),
            ),
            What::Idle => plus(&mut h, -3, String::from("it is at rest")),
        }
        if before.is_some() && past.is_none() {
            plus(
                &mut h,
                -4,
                String::from("it has not passed the line where the others queue"),
            );
        }
        if lock.oldest > 0 {
            if self.view.minutes(g).saturating_add(SLACK) >= lock.oldest {
                plus(
                    &mut h,
                    1,
                    String::from("it has waited as long as the oldest in the queue"),
                );
            } else {
                plus(
                    &mut h,
                    -2,
                    String::from("it has waited less long than the oldest in the queue"),
                );
            }
        }
        Some(h)
    }

    /// A waiter that took the lock itself, further out on its own stack: past the line where others queue, or in a
    /// method of the same object that called on through somebody else's code.
    fn own(&self, lock: &Lock) -> Option<u32> {
        let queue = self.queue(lock);
        lock.waiters.iter().copied().take(MEMBER_LIMIT).find(|&g| {
            let What::Lock { caller, .. } = self.view.what(g) else {
                return false;
            };
            let frames = self.view.frames(g);
            let inner = frames.get(*caller).and_then(|f| self.view.role(f.site));
            let object = frames.get(*caller).and_then(|f| self.view.dump.receiver(f));
            let mut foreign = false;
            frames.iter().skip(caller + 1).any(|f| {
                let (Some(role), Some(inner)) = (self.view.role(f.site), inner) else {
                    return false;
                };
                let past = queue.lines.get(role.name.as_str()).is_some_and(|first| {
                    role.name != inner.name && self.view.line(f.site) > *first
                });
                let same = !role.owner.is_empty() && role.owner == inner.owner;
                let same_object = same && object.is_some() && self.view.dump.receiver(f) == object;
                foreign |= !role.plumbing && !same;
                // Calling a locked method from a method that does not lock is common; a callback in between is not.
                past || (same && foreign && (same_object || lock.address.is_some()))
            })
        })
    }
}
