//! Waits on channels.
//!
//! A dump prints the address of a channel only with the runtime's own frames (`GOTRACEBACK=system`), and never who is on
//! the other side. What can be told: a goroutine that holds a lock and waits on a channel whose other side wants that
//! lock; a send that nobody has taken for long; a wait that by the rules of the language never ends; and what the runtime
//! itself found.

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;

use super::chains::Teller;
use super::facts::kind;
use super::since;
use super::stacks::{ASLEEP, View, What, short};
use crate::model::Quote;
use crate::model::dump::POINTER_FLOOR;
use crate::model::waits::{Lock, WaitFact};

/// Minutes after which a send counts as one that nobody takes: readers that are busy take it sooner.
const UNREAD: u32 = 5;
/// Frames of the runtime whose first argument is the channel.
const CHANNEL_FRAMES: [&str; 5] = [
    "runtime.chansend",
    "runtime.chansend1",
    "runtime.chanrecv",
    "runtime.chanrecv1",
    "runtime.chanrecv2",
];

/// Which way a goroutine waits on a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Send,
    Receive,
}

impl Way {
    pub(super) fn of(state: &str) -> Option<Self> {
        match state {
            "chan send" => Some(Self::Send),
            "chan receive" => Some(Self::Receive),
            _ => None,
        }
    }
}

/// States that never end: nobody else can have a channel that does not exist, and an empty select waits for nothing.
fn is_for_ever(state: &str) -> bool {
    matches!(
        state,
        "chan send (nil chan)" | "chan receive (nil chan)" | "select (no cases)"
    )
}

/// The channel that a goroutine waits on, where its address is printed.
pub(super) fn address(view: &View<'_>, g: u32) -> Option<u64> {
    view.frames(g).iter().take(6).find_map(|f| {
        let role = view.role(f.site)?;
        let at = view.dump.receiver(f)?;
        CHANNEL_FRAMES.contains(&role.name.as_str()).then_some(at)
    })
}

/// Of those who queue for a lock, the one that would serve the channel on which the lock's holder waits: its stack shows
/// the channel, or it is the loop of the holder's own object. A request handler is none; where several fit nobody is named.
pub(super) fn other_side(view: &View<'_>, lock: &Lock) -> Option<u32> {
    let holder = lock.holder.as_ref()?.goroutine;
    Way::of(view.dump.state(view.goroutine(holder)?))?;
    let channel = address(view, holder);
    let mut shapes: BTreeMap<u32, u32> = BTreeMap::new();
    for &g in &lock.waiters {
        if channel.is_some_and(|c| shows(view, g, c)) {
            return Some(g);
        }
        if let Some(shape) = view.shape_of.get(g as usize) {
            shapes.entry(*shape).or_insert(g);
        }
    }
    let frame = view.frames(holder).get(view.telling(holder)?)?;
    let owner = &view.role(frame.site)?.owner;
    let object = view.dump.receiver(frame);
    let mut loops = shapes.into_values().filter(|g| {
        let What::Lock { caller, .. } = view.what(*g) else {
            return false;
        };
        !view.serves(*g)
            && view.frames(*g).iter().skip(*caller).any(|f| {
                view.role(f.site).is_some_and(|r| {
                    r.is_loop
                        && r.owner == *owner
                        && !owner.is_empty()
                        && (object.is_none()
                            || view.dump.receiver(f).is_none()
                            || object == view.dump.receiver(f))
                })
            })
    });
    match (loops.next(), loops.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

fn shows(view: &View<'_>, g: u32, address: u64) -> bool {
    view.frames(g).iter().any(|f| {
        let mut args = view.dump.args(f);
        args.any(|a| a.exact && a.value >= POINTER_FLOOR && a.value == address)
    })
}

/// Processes in which the runtime found that every goroutine waits for another.
pub(super) fn asleep(views: &[View<'_>]) -> Vec<WaitFact> {
    views.iter().filter_map(asleep_fact).collect()
}

fn asleep_fact(view: &View<'_>) -> Option<WaitFact> {
    if !view.asleep {
        return None;
    }
    let d = view.dump;
    let said = d.prelude.iter().find(|q| q.text.contains(ASLEEP))?;
    let said = Quote {
        time: d.time,
        ..said.clone()
    };
    // The goroutine that the program cannot do without.
    let first = d
        .goroutines
        .iter()
        .position(|g| g.id == 1)
        .and_then(|i| u32::try_from(i).ok())
        .unwrap_or(0);
    let (entity, mut keys) = base(view);
    keys.insert(String::from("function"), view.face(first));
    keys.insert(
        String::from("state"),
        view.goroutine(first)
            .map_or_else(String::new, |g| d.state(g).to_owned()),
    );
    keys.insert(String::from("count"), d.count().to_string());
    let mut evidence = vec![said];
    evidence.extend(d.quotes(first, &view.decisive(first)));
    Some(WaitFact {
        kind: kind("all-asleep")?,
        alone: true,
        entity,
        keys,
        evidence,
        first: d.time,
        last: d.time,
        count: d.count(),
        because: String::from("the Go runtime itself found that no goroutine can go on"),
        ask: None,
    })
}

/// What a fact about the process of a dump is about, and its keys.
pub(super) fn base(view: &View<'_>) -> (String, BTreeMap<String, String>) {
    let d = view.dump;
    let process = d
        .process
        .clone()
        .unwrap_or_else(|| String::from("the process"));
    let mut keys = BTreeMap::from([(String::from("program"), process.clone())]);
    let name = if let Some(node) = d.node.clone() {
        let name = format!("{node}/{process}");
        keys.insert(String::from("component"), format!("{process}@{node}"));
        keys.insert(String::from("host"), node.clone());
        keys.insert(String::from("node"), node);
        name
    } else {
        process
    };
    keys.insert(String::from("process"), name.clone());
    (format!("process/{name}"), keys)
}

/// Goroutines of one function, by what they are told for.
type Told = BTreeMap<(&'static str, String, String), Vec<u32>>;

impl Teller<'_, '_> {
    /// Sends that nobody takes, and waits that never end. What a lock's holder does is told with the lock.
    pub(super) fn channel_facts(&self, dump: usize) -> Vec<WaitFact> {
        let Some(view) = self.views.get(dump) else {
            return Vec::new();
        };
        let holders: FxHashSet<u32> = self
            .locks
            .iter()
            .filter(|l| l.dump == dump)
            .filter_map(|l| Some(l.holder.as_ref()?.goroutine))
            .collect();
        let mut told: Told = BTreeMap::new();
        for shape in &view.shapes {
            let state = view.dump.stacks.text(shape.state);
            let rests = shape.what == What::Idle;
            for &g in shape.members.iter().filter(|g| !holders.contains(g)) {
                let leaked = view.goroutine(g).is_some_and(|x| x.leaked);
                let kind = if leaked || is_for_ever(state) && !rests && view.serves(g) {
                    "blocked-for-ever"
                } else if Way::of(state) == Some(Way::Send) && !rests && view.minutes(g) >= UNREAD {
                    "send-without-reader"
                } else {
                    continue;
                };
                let key = (kind, view.face(g), state.to_owned());
                told.entry(key).or_default().push(g);
            }
        }
        told.into_iter()
            .filter_map(|((id, function, state), members)| {
                let oldest = members
                    .iter()
                    .copied()
                    .max_by_key(|g| (view.minutes(*g), std::cmp::Reverse(*g)))?;
                let minutes = view.minutes(oldest);
                let (entity, mut keys) = base(view);
                keys.insert(String::from("function"), function.clone());
                keys.insert(String::from("state"), state);
                keys.insert(String::from("count"), members.len().to_string());
                keys.insert(String::from("minutes"), minutes.to_string());
                if let Some(creator) = view.goroutine(oldest).and_then(|g| view.dump.creator(g)) {
                    keys.insert(String::from("creator"), short(creator).to_owned());
                }
                if let Some(channel) = address(view, oldest) {
                    keys.insert(String::from("channel"), format!("0x{channel:x}"));
                }
                let telling: Vec<usize> = view.telling(oldest).into_iter().collect();
                Some(WaitFact {
                    kind: kind(id)?,
            alone: true,
                    entity,
                    keys,
                    evidence: view.dump.quotes(oldest, &telling),
                    first: since(view.dump.time, minutes),
                    last: view.dump.time,
                    count: members.len() as u64,
                    because: match id {
                        "send-without-reader" => format!(
                            "{} to a channel in {function}, and nobody has taken it for some {minutes} minutes",
                            if members.len() == 1 {
                                String::from("a goroutine sends")
                            } else {
                                format!("{} goroutines send", members.len())
                            }
                        ),
                        _ => format!(
                            "{} in {function} can never go on",
                            if members.len() == 1 {
                                String::from("a goroutine")
                            } else {
                                format!("{} goroutines", members.len())
                            }
                        ),
                    },
                    ask: None,
                })
            })
            .collect()
    }
}
