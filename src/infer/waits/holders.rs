//! Who probably holds a lock.
//!
//! A dump shows who *waits*, never who *holds*. The holder is inferred: a goroutine past the line where the others
//! queue, inside a known critical section, with the same object on its stack, blocked in something slow. Reasons for and
//! against are kept with the guess; where nothing fits well enough nobody is named.

use std::cell::Cell;
use std::collections::BTreeSet;

use rustc_hash::{FxHashMap, FxHashSet};

use super::knowledge::Knowledge;
use super::stacks::{Shape, View, What, short};
use crate::model::dump::{Frame, POINTER_FLOOR, SiteId, Symbol};
use crate::model::waits::{Holder, Lock};

/// How many goroutines of one stack are compared by pointer.
const MEMBER_LIMIT: usize = 256;
/// Goroutines that are compared with the queues of one dump, all in all.
const BUDGET: usize = 1_000_000;
/// A holder is named from this score on.
const ENOUGH: i32 = 4;
/// The clock of a wait is set by garbage collections: durations differ by this many minutes without meaning.
const SLACK: u32 = 3;
/// Weighs more than a shared object and a wait of its own together with a cycle that rests on them.
const NOT_ENTERED: i32 = -5;
/// Two objects of one type have a lock each: whoever is in the other one holds the other lock.
const OTHER_OBJECT: i32 = -5;

impl Holder {
    fn add(&mut self, points: i32, why: &str) {
        self.score += points;
        let list = if points > 0 {
            &mut self.because
        } else {
            &mut self.against
        };
        list.push(why.to_owned());
    }
}

/// What the search needs to know of the other locks.
pub(super) struct Brief {
    pub address: Option<u64>,
}

/// The search for holders in one dump.
pub(super) struct Search<'s, 'a> {
    view: &'s View<'a>,
    knowledge: &'s Knowledge,
    waits_for: &'s FxHashMap<u32, usize>,
    /// The locks that `waits_for` numbers, as they were before the search.
    locks: &'s [Brief],
    /// Stacks that are doing something, by the packages on them.
    by_package: FxHashMap<&'s str, Vec<usize>>,
    /// Stacks inside a known critical section.
    by_section: FxHashMap<usize, Vec<usize>>,
    /// Comparisons left: a dump of nothing but distinct stacks and locks must not take for ever.
    budget: Cell<usize>,
}

/// What a goroutine has to do with the queue of a lock. Numbers are frame indices.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent observations of one stack"
)]
struct Kinship<'r> {
    /// In a known critical section of the lock.
    section: Option<usize>,
    /// In a function that takes the lock, past the line where others queue.
    past: Option<usize>,
    /// Queues at the line where the others queue, for something else.
    before: bool,
    same_type: Option<usize>,
    same_package: Option<usize>,
    /// Whether its stack shows the lock or the object of those who queue.
    same_object: bool,
    /// A frame outside of its own wait that shows it as the receiver.
    object_frame: Option<usize>,
    /// In methods of the queue's types, but of other objects only.
    other_object: bool,
    /// It waits for a lock that may be this one: of the same type, and the address of one of them is not known.
    may_be_same: bool,
    /// Types of the queue's packages on its stack, innermost first.
    owners: Vec<(&'r str, usize)>,
}

impl Kinship<'_> {
    /// In the critical section, as far as the stack tells.
    fn is_inside(&self) -> bool {
        self.section.or(self.past).is_some()
    }

    /// The frame that shows it best; `None`: they have nothing in common. `waits_at`: where it waits itself, which shows
    /// least.
    fn frame(&self, waits_at: Option<usize>) -> Option<usize> {
        let elsewhere = |i: &usize| Some(*i) != waits_at;
        self.section
            .or(self.past)
            .or(self.object_frame)
            .or(self.same_type.filter(elsewhere))
            .or(self.owners.get(1).map(|(_, i)| *i))
            .or(self.same_type)
            .or(self.same_package)
    }

    /// Whether the stack itself says so, not only the type that it is in.
    fn is_sure(&self) -> bool {
        self.is_inside() || self.object_frame.is_some() && !self.may_be_same
    }
}

/// What the queue of a lock looks like from the outside.
struct Queue<'q> {
    /// First line of each function at which somebody waits for the lock. Closures are functions of their own: where
    /// one is written says nothing about where another stands.
    lines: FxHashMap<Symbol, u32>,
    owners: FxHashSet<&'q str>,
    packages: FxHashSet<&'q str>,
    pointers: FxHashSet<u64>,
    /// Whether the object of somebody who queues is among them.
    has_objects: bool,
    members: FxHashSet<u32>,
}

impl<'s, 'a> Search<'s, 'a> {
    pub(super) fn new(
        view: &'s View<'a>,
        knowledge: &'s Knowledge,
        waits_for: &'s FxHashMap<u32, usize>,
        locks: &'s [Brief],
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
            locks,
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
            has_objects: false,
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
            if let Some(site) = self.view.dump.stacks.site(frame.site) {
                let first = q.lines.entry(site.function).or_insert(line);
                *first = (*first).min(line);
            }
            if !role.owner.is_empty() {
                q.owners.insert(&role.owner);
                let object = self.view.dump.receiver(frame);
                q.has_objects |= object.is_some();
                q.pointers.extend(object);
            }
            q.packages.insert(&role.package);
        }
        q
    }

    /// The best candidate, if it is good enough.
    pub(super) fn holder(&self, lock: &Lock, holders: &[Option<u32>]) -> Option<Holder> {
        let queue = self.queue(lock);
        let mut best: Vec<(Holder, bool)> = Vec::new();
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
            best.extend(self.weigh(lock, &queue, shape, g, holders));
        }
        // Every method of an object shows the object; only a holder gets past the line where the others stand.
        let is_entered = best.iter().any(|(_, inside)| *inside);
        let mut best: Vec<Holder> = best
            .into_iter()
            .map(|(mut h, inside)| {
                if is_entered && !inside {
                    h.add(
                        NOT_ENTERED,
                        "another goroutine is past the line where the others queue",
                    );
                }
                h
            })
            .collect();
        best.sort_by_key(|h| (std::cmp::Reverse(h.score), h.goroutine));
        let second = best.get(1).map(|h| h.score);
        let mut first = best.into_iter().next().filter(|h| h.score >= ENOUGH)?;
        if second == Some(first.score) {
            // Several that have only the type in common with the queue are no answer.
            if !first.sure {
                return None;
            }
            first.ambiguous = true;
            first
                .against
                .push(String::from("another goroutine fits as well"));
        }
        Some(first)
    }

    /// The goroutine of a stack that fits best: by pointer, else the longest waiting.
    fn pick(&self, shape: &Shape, queue: &Queue<'_>) -> Option<u32> {
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

    /// What goroutine `g` has to do with a lock's queue.
    fn kinship(&self, lock: &Lock, queue: &Queue<'_>, what: &What, g: u32) -> Kinship<'_> {
        let waits_at = waits_at(what);
        let mut kin = Kinship::default();
        let (mut exact, mut shown) = (false, false);
        for (i, f) in self.view.frames(g).iter().enumerate() {
            let Some(role) = self.view.role(f.site).filter(|r| !r.plumbing) else {
                continue;
            };
            if let Some(first) = self.first_line(queue, f.site) {
                if self.view.line(f.site) > first {
                    kin.past = kin.past.or(Some(i));
                } else {
                    kin.before |= waits_at == Some(i);
                }
            }
            if queue.owners.contains(role.owner.as_str()) {
                kin.same_type = kin.same_type.or(Some(i));
                if let Some(object) = self.view.dump.receiver(f) {
                    exact = true;
                    shown |= queue.pointers.contains(&object);
                    if queue.pointers.contains(&object) && waits_at != Some(i) {
                        kin.object_frame = kin.object_frame.or(Some(i));
                    }
                }
            }
            if role.holder.is_some() && role.holder == lock.section {
                kin.section = kin.section.or(Some(i));
            }
            if queue.packages.contains(role.package.as_str()) {
                kin.same_package = kin.same_package.or(Some(i));
                if !role.owner.is_empty() && !kin.owners.iter().any(|(o, _)| *o == role.owner) {
                    kin.owners.push((&role.owner, i));
                }
            }
        }
        kin.same_object = self.shares_pointer(g, queue);
        kin.other_object = exact && !shown && !kin.same_object && queue.has_objects;
        let own = self.waits_for.get(&g).and_then(|l| self.locks.get(*l));
        kin.may_be_same = own.is_some_and(|own| {
            (own.address.is_none() || lock.address.is_none())
                && waits_at
                    .and_then(|i| self.view.frames(g).get(i))
                    .and_then(|f| self.view.role(f.site))
                    .is_some_and(|r| queue.owners.contains(r.owner.as_str()))
        });
        kin
    }

    /// The first line of a call site's function at which somebody queues.
    fn first_line(&self, queue: &Queue<'_>, site: SiteId) -> Option<u32> {
        let function = self.view.dump.stacks.site(site)?.function;
        queue.lines.get(&function).copied()
    }

    /// Adds up what speaks for and against goroutine `g`, the reasons that say most first, and says whether it stands
    /// inside the critical section.
    fn weigh(
        &self,
        lock: &Lock,
        queue: &Queue<'_>,
        shape: &Shape,
        g: u32,
        holders: &[Option<u32>],
    ) -> Option<(Holder, bool)> {
        let kin = self.kinship(lock, queue, &shape.what, g);
        let mut h = Holder {
            goroutine: g,
            score: 0,
            because: Vec::new(),
            against: Vec::new(),
            frame: kin.frame(waits_at(&shape.what))?,
            ambiguous: false,
            sure: kin.is_sure(),
        };
        self.place(&mut h, &kin, lock, &shape.what);
        self.wait(&mut h, queue, shape, g, holders);
        if kin.before && kin.past.is_none() {
            h.add(-4, "it has not passed the line where the others queue");
        }
        if kin.other_object && !kin.is_inside() {
            h.add(
                OTHER_OBJECT,
                "it is in a method of another object of that type",
            );
        }
        if kin.may_be_same && !kin.is_inside() {
            h.add(OTHER_OBJECT, "its own wait may be for the same lock");
        }
        if lock.oldest > 0 {
            if self.view.minutes(g).saturating_add(SLACK) >= lock.oldest {
                h.add(1, "it has waited as long as the oldest in the queue");
            } else {
                h.add(-2, "it has waited less long than the oldest in the queue");
            }
        }
        // One that runs or rests may be on its way out, behind the unlock.
        let stays = !matches!(shape.what, What::Running | What::Idle);
        Some((h, stays && kin.is_inside()))
    }

    /// Points for where it is.
    fn place(&self, h: &mut Holder, kin: &Kinship<'_>, lock: &Lock, what: &What) {
        let frames = self.view.frames(h.goroutine);
        let name = |i: usize| {
            frames
                .get(i)
                .and_then(|f| self.view.role(f.site))
                .map_or("?", |r| short(&r.name))
                .to_owned()
        };
        if let Some(i) = kin.section {
            let section = lock.section.and_then(|s| self.knowledge.sections.get(s));
            let why = section.map_or("", |s| &s.why);
            h.add(4, &format!("it is inside {}: {why}", name(i)));
        }
        if let Some(i) = kin.past {
            let why = format!("it is in {}, past the line where others queue", name(i));
            h.add(4, &why);
        }
        if kin.same_object {
            h.add(3, "its stack shows the same object");
        }
        if let (What::Lock { .. }, [_, (outer, _), ..]) = (what, kin.owners.as_slice()) {
            let why = format!(
                "it came to its own wait through a method of {}",
                short(outer)
            );
            h.add(2, &why);
        }
        if kin.past.is_none() {
            match kin.same_type {
                Some(i) => h.add(
                    2,
                    &format!("it is in a method of the same type, {}", name(i)),
                ),
                None => h.add(1, "it is in the same package"),
            }
        }
    }

    /// Points for what it waits for.
    fn wait(
        &self,
        h: &mut Holder,
        queue: &Queue<'_>,
        shape: &Shape,
        g: u32,
        holders: &[Option<u32>],
    ) {
        match &shape.what {
            What::Lock { .. } => {
                h.add(2, "it waits for another lock meanwhile");
                let other = self.waits_for.get(&g).and_then(|l| holders.get(*l));
                if other
                    .copied()
                    .flatten()
                    .is_some_and(|m| queue.members.contains(&m))
                {
                    h.add(
                        2,
                        "the holder of that other lock waits for this one, which closes a cycle",
                    );
                }
                let alike = shape.members.len().saturating_sub(1);
                if alike > 1 {
                    h.add(-2, &format!("{alike} others wait exactly like it"));
                }
            }
            What::Call { .. } | What::End { .. } => {
                h.add(2, "it waits for something outside of the process");
            }
            What::Join { .. } | What::Signal { .. } | What::Other => {
                let state = self.view.dump.stacks.text(shape.state);
                h.add(1, &format!("it waits ({state})"));
            }
            What::Running => h.add(-1, "it runs: it may leave at any moment"),
            What::Idle => h.add(-3, "it is at rest"),
        }
    }

    /// A waiter that took the lock itself, further out on its own stack: past the line where others queue, or in a
    /// method of the same object that called on through somebody else's code.
    pub(super) fn own(&self, lock: &Lock) -> Option<u32> {
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
                let past = self
                    .first_line(&queue, f.site)
                    .is_some_and(|first| role.name != inner.name && self.view.line(f.site) > first);
                let same = !role.owner.is_empty() && role.owner == inner.owner;
                let same_object = same && object.is_some() && self.view.dump.receiver(f) == object;
                // A function that is known to keep this lock while it calls on, for the same object.
                let kept = role.holder.is_some()
                    && role.holder == lock.section
                    && (same_object || self.shows(f, lock.address));
                foreign |= !role.plumbing && !same;
                // Calling a locked method from a method that does not lock is common; a callback in between is not.
                past || kept
                    || (same && foreign && (same_object || self.may_own(f, object, lock.address)))
            })
        })
    }

    /// Whether the object of a frame may be the one of a lock at this address: nothing that is printed contradicts it.
    fn may_own(&self, frame: &Frame, object: Option<u64>, lock: Option<u64>) -> bool {
        // A lock lies within its object, and objects with locks are seldom larger.
        const OBJECT: u64 = 4096;
        let Some(lock) = lock else { return false };
        match (self.view.dump.receiver(frame), object) {
            (Some(outer), Some(inner)) => outer == inner,
            (Some(outer), None) => (outer..outer.saturating_add(OBJECT)).contains(&lock),
            (None, _) => true,
        }
    }

    /// Whether a frame's arguments hold an address.
    fn shows(&self, frame: &Frame, address: Option<u64>) -> bool {
        address.is_some_and(|a| {
            let mut args = self.view.dump.args(frame);
            args.any(|x| x.exact && x.value == a)
        })
    }
}

/// Where a stack waits for a lock.
fn waits_at(what: &What) -> Option<usize> {
    match what {
        What::Lock { caller, .. } => Some(*caller),
        _ => None,
    }
}
