//! The facts that follow from the chains, for the correlation.

use std::collections::{BTreeMap, BTreeSet};

use super::chains::Teller;
use super::channels::{Way, base, other_side};
use super::host::same_node;
use super::partners::{Signal, signals};
use super::since;
use super::stacks::{What, short};
use crate::base::time::Stamp;
use crate::model::Quote;
use crate::model::waits::{Ask, Chain, Growth, Lock, LockKind, Node, WaitFact, WaitReport};

/// The kinds of facts that this inference makes: ids of the catalogue.
pub(super) const KINDS: [&str; 28] = [
    "goroutines/all-asleep",
    "goroutines/blocked-for-ever",
    "goroutines/channel-deadlock",
    "goroutines/receive-under-lock",
    "goroutines/send-without-reader",
    "goroutines/cond-without-signaller",
    "goroutines/pile-up",
    "goroutines/lock-order-cycle",
    "goroutines/mutex-queue",
    "goroutines/self-deadlock",
    "goroutines/send-under-lock",
    "goroutines/rwmutex-writer-starved",
    "goroutines/lock-without-holder",
    "goroutines/leak",
    "goroutines/threads-in-syscalls",
    "goroutines/waits-for-cri",
    "goroutines/waits-for-containerd",
    "goroutines/waits-for-dockerd",
    "goroutines/waits-for-shim",
    "goroutines/waits-for-etcd",
    "goroutines/waits-for-child-process",
    "goroutines/waits-for-dbus",
    "goroutines/waits-for-netlink",
    "goroutines/waits-for-daemon",
    "goroutines/waits-for-file-lock",
    "goroutines/waits-for-disk",
    "goroutines/waits-for-file-system",
    "goroutines/waits-for-http",
];

/// The facts of a report.
pub fn facts(report: &WaitReport) -> Vec<WaitFact> {
    report.facts.clone()
}

/// So many goroutines of one stack in one dump are a pile.
const PILE: u64 = 1000;

/// Dump, kind of fact, and the process of the list that is waited for.
type Waiting = (usize, &'static str, Option<usize>);

pub(super) fn kind(id: &str) -> Option<&'static str> {
    KINDS
        .into_iter()
        .find(|k| k.strip_prefix("goroutines/") == Some(id))
}

/// The kind within its family.
fn short_kind(kind: &str) -> &str {
    kind.strip_prefix("goroutines/").unwrap_or(kind)
}

/// What a lock's fact rests on, in one sentence.
fn why_locked(lock: &Lock) -> String {
    match (&lock.holder, lock.own) {
        (Some(h), None) => format!(
            "{} goroutines queue; the probable holder: {}",
            lock.waiters.len(),
            h.because.join("; ")
        ),
        (_, Some(_)) => {
            String::from("the stack of the waiting goroutine shows that it took the lock itself")
        }
        _ => format!(
            "{} goroutines queue and none of the stacks fits a holder: it may have returned without unlocking",
            lock.waiters.len()
        ),
    }
}

impl Teller<'_, '_> {
    /// What the chains say, one fact per lock, per service called and per end.
    pub(super) fn facts(&self, chains: &[Chain], growth: &[Growth]) -> Vec<WaitFact> {
        let mut out: Vec<WaitFact> = Vec::new();
        let mut told: BTreeSet<usize> = BTreeSet::new();
        // One fact for all calls of one kind, but one for each process that is waited for.
        let mut calls: BTreeMap<Waiting, Vec<(u32, usize)>> = BTreeMap::new();
        for chain in chains {
            if chain.cycle {
                out.extend(self.cycle_fact(chain));
            }
            for &i in &chain.members {
                if !told.insert(i) {
                    continue;
                }
                match self.graph.nodes.get(i) {
                    Some(Node::Lock(l)) if !chain.cycle => out.extend(self.lock_fact(*l)),
                    Some(Node::Goroutine(d, g)) => {
                        if let Some(kind) = self.outward(*d, *g) {
                            let process = match self
                                .graph
                                .next
                                .get(i)
                                .copied()
                                .flatten()
                                .and_then(|n| self.graph.nodes.get(n))
                            {
                                Some(Node::Process(p)) => Some(*p),
                                _ => None,
                            };
                            calls.entry((*d, kind, process)).or_default().push((*g, i));
                        }
                    }
                    _ => {}
                }
            }
        }
        for ((dump, kind, _), members) in calls {
            out.extend(self.outward_fact(dump, kind, &members));
        }
        out.extend(self.threads());
        for (dump, view) in self.views.iter().enumerate() {
            for signal in signals(view) {
                out.extend(self.signal_fact(dump, &signal));
            }
            out.extend(self.pile_facts(dump));
            out.extend(self.channel_facts(dump));
        }
        // A dump that the graph left out has no chains but may show growth.
        for g in growth {
            out.extend(self.leak(g));
        }
        out.sort_by(|a, b| {
            (a.kind, &a.entity, a.evidence.first().map(|q| q.place)).cmp(&(
                b.kind,
                &b.entity,
                b.evidence.first().map(|q| q.place),
            ))
        });
        out
    }

    pub(super) fn base(&self, dump: usize) -> (String, BTreeMap<String, String>) {
        self.views.get(dump).map(base).unwrap_or_default()
    }

    fn time(&self, dump: usize) -> Option<Stamp> {
        self.views.get(dump).and_then(|v| v.dump.time)
    }

    fn lock_fact(&self, index: usize) -> Option<WaitFact> {
        let lock = self.locks.get(index)?;
        let view = self.views.get(lock.dump)?;
        let (_, mut keys) = self.base(lock.dump);
        let process = self.process_name(lock.dump);
        let address = lock
            .address
            .map_or_else(|| lock.name.replace(' ', "-"), |a| format!("0x{a:x}"));
        let callers: Vec<&str> = lock.callers.iter().map(|(n, _)| n.as_str()).collect();
        keys.insert(String::from("what"), lock.name.clone());
        keys.insert(String::from("address"), address.clone());
        keys.insert(String::from("lock"), format!("{process}/{address}"));
        let waiters = lock.waiters.len();
        let (queue, waiting) = if waiters == 1 {
            (
                String::from("a goroutine queues"),
                String::from("a goroutine waits"),
            )
        } else {
            (
                format!("{waiters} goroutines queue"),
                format!("{waiters} goroutines wait"),
            )
        };
        keys.insert(String::from("queue"), queue);
        keys.insert(String::from("waiting"), waiting);
        keys.insert(String::from("waiters"), waiters.to_string());
        keys.insert(String::from("callers"), callers.join(", "));
        if lock.oldest > 0 {
            keys.insert(String::from("minutes"), lock.oldest.to_string());
        }
        let first = *lock.waiters.first()?;
        let mut quotes = self.wait_quotes(lock.dump, first);
        let writers = lock.kinds.contains(&LockKind::Write);
        let readers = lock.kinds.contains(&LockKind::Read);
        let id = if lock.own.is_some() {
            "self-deadlock"
        } else if let Some(h) = &lock.holder {
            let place = view
                .frames(h.goroutine)
                .get(h.frame)
                .and_then(|f| view.role(f.site));
            let name = place.map_or_else(String::new, |r| short(&r.name).to_owned());
            keys.insert(String::from("holder"), name);
            if let Some(kind) = self.outward(lock.dump, h.goroutine) {
                keys.insert(String::from("holder-waits"), short_kind(kind).to_owned());
            }
            let mut frames = vec![h.frame];
            match view.what(h.goroutine) {
                What::Call { frame, .. } | What::End { frame, .. } => frames.push(*frame),
                What::Lock { caller, .. } => frames.push(*caller),
                _ => frames.extend(view.telling(h.goroutine)),
            }
            quotes.extend(view.dump.quotes(h.goroutine, &frames));
            let state = view
                .goroutine(h.goroutine)
                .map_or("", |g| view.dump.state(g));
            match Way::of(state).map(|way| (way, other_side(view, lock))) {
                Some((_, Some(reader))) => {
                    keys.insert(String::from("reader"), self.outermost(lock.dump, reader));
                    quotes.extend(view.dump.quotes(reader, &view.decisive(reader)));
                    "channel-deadlock"
                }
                Some((Way::Send, None)) => "send-under-lock",
                Some((Way::Receive, None)) => "receive-under-lock",
                None => "mutex-queue",
            }
        } else if lock.oldest == 0 && view.dump.kind.is_end() && !view.asleep {
            // A process that dies under load is caught with short queues; only a printed wait tells them from stuck ones.
            return None;
        } else if writers && readers {
            "rwmutex-writer-starved"
        } else {
            "lock-without-holder"
        };
        if let Some(own) = lock.own {
            quotes = self.wait_quotes(lock.dump, own);
        }
        let holder = lock.holder.as_ref().map(|h| h.goroutine).or(lock.own);
        quotes.extend(self.twins(lock.dump, holder.into_iter().chain([first])));
        Some(WaitFact {
            kind: kind(id)?,
            alone: false,
            entity: format!("lock/{process}/{address}"),
            keys,
            evidence: quotes,
            first: since(self.time(lock.dump), lock.oldest),
            last: self.time(lock.dump),
            count: lock.waiters.len() as u64,
            because: why_locked(lock),
            ask: None,
        })
    }

    fn cycle_fact(&self, chain: &Chain) -> Option<WaitFact> {
        let locks: Vec<usize> = chain
            .members
            .iter()
            .filter_map(|i| match self.graph.nodes.get(*i) {
                Some(Node::Lock(l)) => Some(*l),
                _ => None,
            })
            .collect();
        let first = self.locks.get(*locks.first()?)?;
        if let [only] = locks.as_slice() {
            return self.lock_fact(*only);
        }
        let (entity, mut keys) = self.base(first.dump);
        let names: Vec<&str> = locks
            .iter()
            .filter_map(|l| self.locks.get(*l))
            .map(|l| l.name.as_str())
            .collect();
        keys.insert(String::from("locks"), names.join(" and "));
        let holders: Vec<String> = locks
            .iter()
            .filter_map(|l| self.locks.get(*l)?.holder.as_ref())
            .filter_map(|h| {
                let view = self.views.get(first.dump)?;
                let frame = view.frames(h.goroutine).get(h.frame)?;
                Some(short(&view.role(frame.site)?.name).to_owned())
            })
            .collect();
        keys.insert(String::from("holders"), holders.join(" and "));
        keys.insert(String::from("waiters"), chain.behind.to_string());
        let quotes: Vec<Quote> = chain
            .steps
            .iter()
            .filter(|s| matches!(s.node, Node::Goroutine(..)))
            .flat_map(|s| s.evidence.clone())
            .collect();
        Some(WaitFact {
            kind: kind("lock-order-cycle")?,
            alone: false,
            entity,
            keys,
            evidence: if quotes.is_empty() {
                chain.steps.first()?.evidence.clone()
            } else {
                quotes
            },
            first: chain.since,
            last: self.time(first.dump),
            count: chain.behind,
            because: format!(
                "{} wait for each other in a circle: {}",
                holders.join(" and "),
                names.join(", ")
            ),
            ask: None,
        })
    }

    /// The same goroutines in another dump of the process, where the two prove that they wait all the time.
    fn twins(&self, dump: usize, members: impl Iterator<Item = u32>) -> Vec<Quote> {
        let Some(view) = self.views.get(dump) else {
            return Vec::new();
        };
        members
            .filter_map(|g| view.twins.get(&g))
            .filter(|t| t.proven)
            .map(|t| t.header.clone())
            .take(2)
            .collect()
    }

    /// The function at the outer end of a goroutine's own code: its loop.
    pub(super) fn outermost(&self, dump: usize, g: u32) -> String {
        let frame = |view: &super::stacks::View<'_>| {
            let mut frames = view.frames(g).iter().rev();
            frames.find_map(|f| {
                view.role(f.site)
                    .filter(|r| !r.plumbing)
                    .map(|r| short(&r.name).to_owned())
            })
        };
        self.views.get(dump).and_then(frame).unwrap_or_default()
    }

    /// The fact that a goroutine's waiting for something outside stands for.
    fn outward(&self, dump: usize, g: u32) -> Option<&'static str> {
        match self.views.get(dump)?.what(g) {
            What::Call { service, .. } => kind(self.knowledge.service(service)?.fact.as_deref()?),
            What::End { end, .. } => kind(self.knowledge.ends.get(*end)?.fact.as_deref()?),
            _ => None,
        }
    }

    fn outward_fact(
        &self,
        dump: usize,
        kind: &'static str,
        members: &[(u32, usize)],
    ) -> Option<WaitFact> {
        let view = self.views.get(dump)?;
        let (entity, mut keys) = self.base(dump);
        let (oldest, at) = members
            .iter()
            .copied()
            .max_by_key(|(g, _)| (view.minutes(*g), std::cmp::Reverse(*g)))?;
        let minutes = view.minutes(oldest);
        let pairs: Vec<(usize, u32)> = members.iter().map(|(g, _)| (dump, *g)).collect();
        let calls = self.calls(&pairs);
        keys.insert(String::from("calls"), calls.clone());
        keys.insert(String::from("wait"), short_kind(kind).to_owned());
        if minutes > 0 {
            keys.insert(String::from("minutes"), minutes.to_string());
        }
        let mut quotes = self.wait_quotes(dump, oldest);
        quotes.extend(self.twins(dump, std::iter::once(oldest)));
        if let Some(behind) = self.behind_goroutine(dump, oldest) {
            keys.insert(String::from("kernel"), behind.function.to_owned());
            keys.insert(String::from("kernel-wait"), behind.wait.kind.clone());
            quotes.push(behind.quote);
        }
        match self
            .graph
            .next
            .get(at)
            .copied()
            .flatten()
            .and_then(|n| self.graph.nodes.get(n))
        {
            Some(Node::Process(i)) => {
                if let Some(row) = self.host.processes.get(*i) {
                    let comm = row.comm.strip_prefix("docker-").unwrap_or(&row.comm);
                    keys.insert(String::from("child"), comm.to_owned());
                    keys.insert(String::from("pid"), row.pid.to_string());
                    if let Some(c) = row.container() {
                        keys.insert(String::from("container"), c.to_owned());
                    }
                    quotes.push(row.quote.clone());
                    let behind = self
                        .host
                        .in_kernel(&self.knowledge.kernel, row)
                        .filter(|b| !b.wait.rests);
                    if let Some(behind) = behind {
                        keys.insert(String::from("kernel"), behind.function.to_owned());
                        keys.insert(String::from("kernel-wait"), behind.wait.kind.clone());
                        quotes.push(behind.quote);
                    }
                }
                if let What::Call { service, .. } = view.what(oldest)
                    && let Some(known) = self.knowledge.service(service)
                    && let Some(name) = self.other_side(view.dump.node.as_deref(), &known.peer)
                {
                    keys.insert(String::from("peer"), name.clone());
                }
            }
            Some(Node::Peer { names, node, .. }) => {
                if let Some(name) = self.other_side(node.as_deref(), names) {
                    keys.insert(String::from("peer"), name.clone());
                }
                if let Some(r) = names
                    .iter()
                    .find_map(|n| self.host.find(node.as_deref(), None, n))
                    .and_then(|i| self.host.processes.get(i))
                    .filter(|r| r.is_stopped())
                {
                    keys.insert(String::from("peer-state"), String::from("stopped"));
                    quotes.push(r.quote.clone());
                }
            }
            Some(Node::Goroutine(d, _)) => {
                keys.insert(String::from("peer"), self.process_name(*d));
            }
            _ => {}
        }
        Some(WaitFact {
            kind,
            alone: false,
            entity,
            keys,
            evidence: quotes,
            first: since(view.dump.time, minutes),
            last: view.dump.time,
            count: members.len() as u64,
            because: if members.len() == 1 {
                format!("a goroutine waits in {calls}")
            } else {
                format!("{} goroutines wait in {calls}", members.len())
            },
            ask: self.ask_behind(at),
        })
    }

    /// The program that answers a call: of several possible ones the one that runs on the machine, else the one that
    /// left a dump.
    pub(super) fn other_side<'n>(
        &self,
        node: Option<&str>,
        names: &'n [String],
    ) -> Option<&'n String> {
        let runs = |n: &&String| self.host.find(node, None, n).is_some();
        let dumped = |n: &&String| {
            self.views.iter().any(|v| {
                v.dump.process.as_ref() == Some(*n) && same_node(v.dump.node.as_deref(), node)
            })
        };
        names
            .iter()
            .find(runs)
            .or_else(|| names.iter().find(dumped))
            .or_else(|| names.first())
    }

    /// What shows what a goroutine's waiting rests on, where the graph ends there.
    fn ask_behind(&self, node: usize) -> Option<Ask> {
        let end = (*self.graph.next.get(node)?)?;
        self.graph.next.get(end)?.is_none().then(|| self.ask(end))?
    }

    fn wait_quotes(&self, dump: usize, g: u32) -> Vec<Quote> {
        let Some(view) = self.views.get(dump) else {
            return Vec::new();
        };
        view.dump.quotes(g, &view.decisive(g))
    }

    fn signal_fact(&self, dump: usize, signal: &Signal) -> Option<WaitFact> {
        let view = self.views.get(dump)?;
        let (entity, mut keys) = self.base(dump);
        let callers = signal.callers.join(", ");
        keys.insert(String::from("what"), signal.name.clone());
        keys.insert(String::from("callers"), callers.clone());
        keys.insert(String::from("waiters"), signal.waiters.len().to_string());
        keys.insert(String::from("minutes"), signal.oldest.to_string());
        Some(WaitFact {
            kind: kind("cond-without-signaller")?,
            alone: true,
            entity,
            keys,
            evidence: self.wait_quotes(dump, *signal.waiters.first()?),
            first: since(view.dump.time, signal.oldest),
            last: view.dump.time,
            count: signal.waiters.len() as u64,
            because: format!(
                "{} requests wait in {callers} for a signal, and no other goroutine is in a method of that type",
                signal.waiters.len()
            ),
            ask: None,
        })
    }

    /// So many goroutines in one stack that is no known rest: started, and not ending.
    fn pile_facts(&self, dump: usize) -> Vec<WaitFact> {
        let Some(view) = self.views.get(dump) else {
            return Vec::new();
        };
        let mut piles: BTreeMap<(String, String), (u64, u32)> = BTreeMap::new();
        for shape in view.shapes.iter().filter(|s| {
            matches!(
                s.what,
                What::Other | What::Signal { .. } | What::Join { .. }
            )
        }) {
            let oldest = shape
                .members
                .iter()
                .copied()
                .max_by_key(|g| (view.minutes(*g), std::cmp::Reverse(*g)));
            let Some(goroutine) = oldest.and_then(|g| view.goroutine(g)) else {
                continue;
            };
            let (Some(g), Some(creator)) = (oldest, view.dump.creator(goroutine)) else {
                continue;
            };
            let pile = piles
                .entry((view.face(g), short(creator).to_owned()))
                .or_insert((0, g));
            pile.0 += shape.members.len() as u64;
            if view.minutes(g) > view.minutes(pile.1) {
                pile.1 = g;
            }
        }
        piles
            .into_iter()
            .filter(|(_, (count, g))| *count >= PILE && view.minutes(*g) > 0)
            .filter_map(|((function, creator), (count, g))| {
                let (entity, mut keys) = self.base(dump);
                let minutes = view.minutes(g);
                keys.insert(String::from("function"), function.clone());
                keys.insert(String::from("creator"), creator.clone());
                keys.insert(String::from("count"), count.to_string());
                keys.insert(String::from("minutes"), minutes.to_string());
                Some(WaitFact {
                    kind: kind("pile-up")?,
                    alone: true,
                    entity,
                    keys,
                    evidence: self.wait_quotes(dump, g),
                    first: since(view.dump.time, minutes),
                    last: view.dump.time,
                    count,
                    because: format!(
                        "{count} goroutines that {creator} has started wait in {function}"
                    ),
                    ask: None,
                })
            })
            .collect()
    }

    fn leak(&self, g: &Growth) -> Option<WaitFact> {
        let (dump, view) = self.views.iter().enumerate().find(|(_, v)| {
            v.dump
                .goroutines
                .get(g.member as usize)
                .is_some_and(|x| x.place == g.place)
        })?;
        let (entity, mut keys) = self.base(dump);
        keys.insert(String::from("function"), g.function.clone());
        keys.insert(String::from("creator"), g.creator.clone());
        keys.insert(String::from("before"), g.before.to_string());
        keys.insert(String::from("after"), g.after.to_string());
        Some(WaitFact {
            kind: kind("leak")?,
            alone: false,
            entity,
            keys,
            evidence: view.dump.quotes(
                g.member,
                &view.telling(g.member).into_iter().collect::<Vec<_>>(),
            ),
            first: None,
            last: view.dump.time,
            count: g.after,
            because: format!(
                "{} goroutines in {} in one dump, {} in a later one",
                g.before, g.function, g.after
            ),
            ask: None,
        })
    }
}
