//! Waits inside one process that are no lock: for goroutines that one has started, for a call that several share, for a
//! signal.
//!
//! Who waits in a `WaitGroup` waits for what it started; who waits in `singleflight` for the one that runs the call. A
//! `Cond` wakes whom somebody signals, and a dump cannot show who will: only waiters that work for a request and have
//! nobody left in their object's methods are told, as a suspicion.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::stacks::{View, What, short};

/// Whom each goroutine of a dump waits for, within the dump.
pub(super) struct Partners<'p, 'v> {
    view: &'p View<'v>,
    by_parent: FxHashMap<u64, Vec<u32>>,
    by_creator: FxHashMap<String, Vec<u32>>,
    /// Goroutines that run a shared call.
    doers: Vec<u32>,
}

/// Goroutines that wait for one signal.
#[derive(Clone, Debug)]
pub(super) struct Signal {
    /// What it is called.
    pub name: String,
    /// The waiting goroutines, longest first.
    pub waiters: Vec<u32>,
    /// Functions that wait.
    pub callers: Vec<String>,
    /// Minutes of the oldest.
    pub oldest: u32,
}

impl<'p, 'v> Partners<'p, 'v> {
    pub(super) fn new(view: &'p View<'v>) -> Self {
        let mut by_parent: FxHashMap<u64, Vec<u32>> = FxHashMap::default();
        let mut by_creator: FxHashMap<String, Vec<u32>> = FxHashMap::default();
        let mut doers = Vec::new();
        // Only what is stuck itself can explain that its starter waits.
        for shape in view.shapes.iter().filter(|s| is_outward(&s.what)) {
            for &g in &shape.members {
                let Some(goroutine) = view.goroutine(g) else {
                    continue;
                };
                if let Some(parent) = goroutine.parent {
                    by_parent.entry(parent).or_default().push(g);
                }
                if let Some(creator) = view.dump.creator(goroutine) {
                    let name = super::knowledge::normal_name(creator);
                    by_creator.entry(name).or_default().push(g);
                }
                if view.frames(g).iter().any(|f| is(view, f.site, "doCall")) {
                    doers.push(g);
                }
            }
        }
        Self {
            view,
            by_parent,
            by_creator,
            doers,
        }
    }

    /// The goroutine that a waiting one waits for.
    pub(super) fn of(&self, g: u32) -> Option<u32> {
        let What::Join { caller } = self.view.what(g) else {
            return None;
        };
        let frames = self.view.frames(g);
        let shared = frames.get(*caller).filter(|f| is(self.view, f.site, "Do"));
        if let Some(frame) = shared {
            let group = self.view.dump.receiver(frame);
            let same = |d: &u32| {
                self.view
                    .frames(*d)
                    .iter()
                    .any(|f| is(self.view, f.site, "doCall") && self.view.dump.receiver(f) == group)
            };
            return match (group, self.doers.as_slice()) {
                (Some(_), doers) => doers.iter().copied().find(same),
                (None, [only]) => Some(*only),
                _ => None,
            };
        }
        let own = self.view.goroutine(g)?.id;
        let started = self.by_parent.get(&own).or_else(|| {
            // Before Go 1.21 the starter is known by its function only.
            frames.iter().skip(*caller).take(3).find_map(|f| {
                let role = self.view.role(f.site)?;
                self.by_creator.get(&role.name)
            })
        })?;
        started
            .iter()
            .copied()
            .filter(|s| *s != g)
            .max_by_key(|s| (self.view.minutes(*s), std::cmp::Reverse(*s)))
    }
}

fn is_outward(what: &What) -> bool {
    matches!(
        what,
        What::Lock { .. } | What::Call { .. } | What::End { .. }
    )
}

/// A method of `singleflight.Group`.
fn is(view: &View<'_>, site: crate::model::dump::SiteId, method: &str) -> bool {
    view.role(site)
        .is_some_and(|r| r.method == method && r.owner.ends_with("singleflight.Group"))
}

/// Waiters for a signal that work for a request, while no other goroutine is in a method of their object.
pub(super) fn signals(view: &View<'_>) -> Vec<Signal> {
    let mut queues: BTreeMap<(String, Option<u64>), Signal> = BTreeMap::new();
    for shape in &view.shapes {
        let What::Signal { caller, address } = &shape.what else {
            continue;
        };
        for &g in &shape.members {
            let frames = view.frames(g);
            let Some(role) = frames.get(*caller).and_then(|f| view.role(f.site)) else {
                continue;
            };
            if role.owner.is_empty() || !view.serves(g) || view.minutes(g) == 0 {
                continue;
            }
            let at = frames.get(*address).and_then(|f| view.dump.receiver(f));
            let signal = queues
                .entry((role.owner.clone(), at))
                .or_insert_with(|| Signal {
                    name: format!("a condition of {}", short(&role.owner)),
                    waiters: Vec::new(),
                    callers: Vec::new(),
                    oldest: 0,
                });
            signal.waiters.push(g);
            signal.oldest = signal.oldest.max(view.minutes(g));
            let name = short(&role.name).to_owned();
            if !signal.callers.contains(&name) {
                signal.callers.push(name);
            }
        }
    }
    queues
        .into_iter()
        .filter(|((owner, _), _)| !attended(view, owner))
        .map(|(_, mut s)| {
            s.waiters
                .sort_by_key(|g| (std::cmp::Reverse(view.minutes(*g)), *g));
            s
        })
        .collect()
}

/// Whether somebody who does not wait for a signal is in a method of the type.
fn attended(view: &View<'_>, owner: &str) -> bool {
    view.shapes
        .iter()
        .filter(|s| !matches!(s.what, What::Signal { .. }))
        .filter_map(|s| s.members.first())
        .any(|g| {
            view.frames(*g)
                .iter()
                .any(|f| view.role(f.site).is_some_and(|r| r.owner == owner))
        })
}
