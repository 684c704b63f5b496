//! Two dumps of one process: which goroutines are stuck in both, and what grew.
//!
//! A single dump cannot tell a moment of contention from a stall. A second one can: a goroutine with the same number and
//! the same stack waits all the time if its minutes went on, or if the dumps are some time apart and every object that it
//! was called with is the same. The stack alone proves nothing: a loop is found in its favourite call again and again.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};

use rustc_hash::{FxHashMap, FxHasher};

use super::host::same_node;
use super::stacks::{View, What};
use crate::base::time::SECOND;
use crate::model::dump::{DumpKind, Frame};
use crate::model::waits::{Pair, Stuck};
use crate::model::{Dump, Quote};

/// Dumps so far apart show a wait that lasts; below it the same moment may have been printed twice.
const APART: i64 = 20 * SECOND;
/// Where allocated objects lie: below are small programs themselves, above are programs that the system has moved.
const HEAP: std::ops::Range<u64> = 0xc0_0000_0000..0x5400_0000_0000;
/// Groups that are kept of one pair, largest first.
const GROUPS: usize = 50;
/// Goroutines that are listed of a group.
const IDS: usize = 20;

/// A goroutine that another dump of its process shows as well.
#[derive(Clone, Debug)]
pub(super) struct Twin {
    /// Its header there.
    pub header: Quote,
    /// Whether the two together prove that it waits all the time.
    pub proven: bool,
}

/// Earlier and later dump of each two of one process, in the order of their times; where those are not known, in the
/// order given. `None` in the gap: nobody knows how far apart.
pub(super) fn of_one_process(views: &[View<'_>]) -> Vec<(usize, usize, Option<i64>)> {
    let mut last: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut out = Vec::new();
    for (j, later) in views.iter().enumerate() {
        let Some(process) = later.dump.process.as_deref() else {
            continue;
        };
        if later.dump.goroutines.len() < 2 || later.dump.kind == DumpKind::Race {
            continue;
        }
        let before = last.entry(process).or_default();
        let earlier = before.iter().rev().copied().find(|i| {
            views.get(*i).is_some_and(|v| {
                let (a, b) = (v.dump, later.dump);
                same_node(a.node.as_deref(), b.node.as_deref())
                    && (a.pid.is_none() || b.pid.is_none() || a.pid == b.pid)
            })
        });
        before.push(j);
        let Some((i, earlier)) = earlier.and_then(|i| Some((i, views.get(i)?))) else {
            continue;
        };
        if is_copy(earlier.dump, later.dump) {
            continue;
        }
        // The dump that a process leaves at its end is its last.
        let ends = |v: &View<'_>| v.dump.kind.is_end() || v.dump.kind == DumpKind::Signal;
        if ends(earlier) && ends(later) {
            // Two lives of one program.
            continue;
        }
        if ends(earlier) != ends(later) {
            let (a, b) = if ends(later) { (i, j) } else { (j, i) };
            let time = |d: usize| views.get(d).and_then(|v| v.dump.time);
            let gap = time(a)
                .zip(time(b))
                .map(|(a, b)| b.at.since(a.at))
                .filter(|gap| *gap > 0);
            out.push((a, b, gap));
            continue;
        }
        out.push(match (earlier.dump.time, later.dump.time) {
            // Two files without times of their own have the one of their bundle.
            (Some(a), Some(b)) if a.at == b.at => (i, j, None),
            (Some(a), Some(b)) if a.before(b) == Some(false) => (j, i, Some(a.at.since(b.at))),
            (Some(a), Some(b)) => (i, j, Some(b.at.since(a.at))),
            _ => (i, j, None),
        });
    }
    out
}

/// Whether two dumps are one that was kept twice: the same goroutines with the same waits.
fn is_copy(a: &Dump, b: &Dump) -> bool {
    a.kind != DumpKind::Aggregated
        && a.goroutines.len() == b.goroutines.len()
        && a.goroutines
            .iter()
            .zip(&b.goroutines)
            .all(|(x, y)| (x.id, x.minutes, a.state(x)) == (y.id, y.minutes, b.state(y)))
}

/// What two dumps of one process show together. The goroutines that are in both are noted in the views.
pub(super) fn compare(views: &mut [View<'_>]) -> Vec<Pair> {
    let pairs = of_one_process(views);
    let mut out = Vec::new();
    for (i, j, gap) in pairs {
        let (Some(earlier), Some(later)) = (views.get(i), views.get(j)) else {
            continue;
        };
        let (stuck, twins) = stuck(earlier, later, gap);
        out.push(Pair {
            from: i,
            to: j,
            before: earlier.dump.count(),
            after: later.dump.count(),
            seconds: gap.map(|ns| ns / SECOND),
            groups_left_out: stuck.len().saturating_sub(GROUPS),
            stuck: stuck.into_iter().take(GROUPS).collect(),
        });
        for ((a, b), proven) in twins {
            let header = |views: &[View<'_>], d: usize, g: u32| {
                let view = views.get(d)?;
                Some(view.dump.header(view.goroutine(g)?))
            };
            let (first, second) = (header(views, i, a), header(views, j, b));
            for (d, g, other) in [(i, a, second), (j, b, first)] {
                if let (Some(view), Some(header)) = (views.get_mut(d), other) {
                    view.twins.insert(g, Twin { header, proven });
                }
            }
        }
    }
    out
}

type Twins = Vec<((u32, u32), bool)>;

/// The goroutines that wait in both dumps in one place, in groups of equal stacks: those that are known to wait all the
/// time first, then the largest.
fn stuck(earlier: &View<'_>, later: &View<'_>, gap: Option<i64>) -> (Vec<Stuck>, Twins) {
    let prints = |v: &View<'_>| -> Vec<u64> {
        v.shapes
            .iter()
            .map(|s| s.members.first().map_or(0, |g| print(v, *g)))
            .collect()
    };
    let (old, new) = (prints(earlier), prints(later));
    let ids: FxHashMap<u64, u32> = earlier.dump.numbered().collect();
    let mut groups = Vec::new();
    let mut twins = Vec::new();
    let same = |g: u32, mine: &u64| {
        let before = *ids.get(&later.goroutine(g)?.id)?;
        let shape = *earlier.shape_of.get(before as usize)?;
        (old.get(shape as usize) == Some(mine)).then_some(before)
    };
    // How many minutes lie between: those that rest in both have counted them.
    let between = later
        .shapes
        .iter()
        .zip(&new)
        .flat_map(|(shape, mine)| shape.members.iter().map(move |g| (*g, mine)))
        .filter_map(|(g, mine)| {
            let then = earlier.minutes(same(g, mine)?);
            (then > 0).then(|| later.minutes(g).saturating_sub(then))
        })
        .max()
        .unwrap_or(0);
    for (shape, mine) in later.shapes.iter().zip(&new) {
        if matches!(shape.what, What::Idle | What::Running) {
            continue;
        }
        let mut group: Option<Stuck> = None;
        for &g in &shape.members {
            let Some(goroutine) = later.goroutine(g) else {
                continue;
            };
            let Some(before) = same(g, mine) else {
                continue;
            };
            let (then, now) = (earlier.minutes(before), later.minutes(g));
            let apart = gap.is_some_and(|g| g >= APART) || between > 0;
            let counted = then > 0 && between >= COUNTED && now.saturating_sub(then) >= between;
            let proven = counted || apart && same_call(earlier, before, later, g);
            twins.push(((before, g), proven));
            let group = group.get_or_insert_with(|| Stuck {
                function: later.face(g),
                state: later.dump.state(goroutine).to_owned(),
                count: 0,
                ids: Vec::new(),
                before: 0,
                after: 0,
                proven: false,
                place: goroutine.place,
            });
            group.count += 1;
            group.proven |= proven;
            group.before = group.before.max(then);
            group.after = group.after.max(now);
            if group.ids.len() < IDS {
                group.ids.push(goroutine.id);
            }
        }
        groups.extend(group);
    }
    groups.sort_by_key(|s| (!s.proven, std::cmp::Reverse(s.count), s.place));
    (groups, twins)
}

/// So many minutes must lie between two dumps before a count that went on means anything: it may be off by one.
const COUNTED: u32 = 2;
/// Distinct addresses that make two calls one.
const ADDRESSES: usize = 3;

/// Whether two stacks are one call that has not returned: a loop that calls again passes new objects.
fn same_call(a: &View<'_>, ga: u32, b: &View<'_>, gb: u32) -> bool {
    let (old, new) = (own(a, ga), own(b, gb));
    let mut addresses = BTreeSet::new();
    old.len() == new.len()
        && old.iter().zip(&new).all(|(x, y)| {
            let exact = a
                .dump
                .args(x)
                .filter(|w| w.exact && HEAP.contains(&w.value));
            addresses.extend(exact.map(|w| w.value));
            a.dump.args_text(x) == b.dump.args_text(y)
        })
        && addresses.len() >= ADDRESSES
}

/// A number for a stack that is the same in another dump: state, functions and lines.
fn print(view: &View<'_>, g: u32) -> u64 {
    let mut hash = FxHasher::default();
    if let Some(goroutine) = view.goroutine(g) {
        view.dump.state(goroutine).hash(&mut hash);
        view.dump.creator(goroutine).hash(&mut hash);
    }
    for f in own(view, g) {
        view.dump.function(&f).hash(&mut hash);
        view.dump.stacks.location(f.site).hash(&mut hash);
    }
    hash.finish()
}

/// The frames that every kind of dump shows: those of the runtime, and what the compiler wraps around a call, are shown
/// or not as the dump was asked for.
fn own(view: &View<'_>, g: u32) -> Vec<Frame> {
    let frames = view.frames(g).iter().copied();
    frames
        .filter(|f| view.role(f.site).is_some_and(|r| !r.plumbing))
        .filter(|f| !view.dump.function(f).contains(".gowrap"))
        .collect()
}
