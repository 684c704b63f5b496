//! Tells the wait-for graph as chains: from those who wait to the thing at the end.

use super::graph::Graph;
use super::host::Host;
use super::knowledge::Knowledge;
use super::since;
use super::stacks::{View, What};
use crate::base::time::Stamp;
use crate::model::waits::{Chain, Lock, Node};

/// A process of the list that was started so long ago was not started for a call that just began (seconds).
const OLD: u64 = 60;
/// So many queue without any garbage collection having set their clocks.
const CROWD: usize = 10;
/// Chains that are told, most behind them first.
const CHAIN_LIMIT: usize = 50;
/// A chain longer than this is cut in the telling.
const STEP_LIMIT: usize = 32;

/// Everything a sentence needs.
pub(super) struct Teller<'t, 'v> {
    pub views: &'t [View<'v>],
    pub locks: &'t [Lock],
    pub graph: &'t Graph,
    pub host: &'t Host,
    pub knowledge: &'t Knowledge,
}

impl Teller<'_, '_> {
    /// All chains in which something is stuck.
    pub(super) fn chains(&self) -> Vec<Chain> {
        let mut out: Vec<Chain> = Vec::new();
        for cycle in &self.graph.cycles {
            out.extend(self.cycle(cycle));
        }
        for (i, next) in self.graph.next.iter().enumerate() {
            let is_end = next.is_none() && self.graph.before.get(i).is_some_and(|b| !b.is_empty());
            if is_end && self.is_stuck(i) {
                out.push(self.chain(i));
            }
        }
        out.sort_by_key(|c| {
            let first = c
                .steps
                .first()
                .and_then(|s| s.evidence.first())
                .map(|q| q.place);
            (
                !c.cycle,
                std::cmp::Reverse((c.steps.len().min(3), c.behind, c.minutes)),
                first,
            )
        });
        out.truncate(CHAIN_LIMIT);
        out
    }

    pub(super) fn view(&self, dump: usize) -> Option<&View<'_>> {
        self.views.get(dump)
    }

    fn is_stuck(&self, end: usize) -> bool {
        let minutes = self.graph.longest.get(end).copied().unwrap_or(0);
        if self.in_patience(end) {
            return false;
        }
        if self.graph.lasting.get(end) == Some(&true) {
            return true;
        }
        match self.graph.nodes.get(end) {
            Some(Node::Process(i)) => self.host.processes.get(*i).is_some_and(|r| {
                minutes > 0
                    || r.is_stopped()
                    || r.is_uninterruptible()
                    || r.elapsed.is_some_and(|s| s >= OLD)
            }),
            Some(Node::Lock(i)) => {
                minutes > 0
                    || self.locks.get(*i).is_some_and(|l| {
                        l.waiters.len() >= CROWD || l.own.is_some() && l.waiters.len() > 1
                    })
            }
            Some(Node::End { kind, .. }) if kind == "connection" => {
                self.graph.behind.get(end).copied().unwrap_or(0) >= CROWD as u64
            }
            Some(Node::Peer { .. } | Node::End { .. }) => minutes > 0,
            Some(Node::Goroutine(d, g)) => {
                // Who is waited for at the end: work in progress unless it has been waiting, or is waited for, long.
                let queue = self.graph.behind.get(end).copied().unwrap_or(0);
                minutes > 0
                    || (queue >= CROWD as u64
                        && self.view(*d).is_some_and(|v| v.what(*g) != &What::Running))
            }
            None => false,
        }
    }

    /// Whether only such goroutines wait for it as may wait for ever, and nobody for them: a supervisor for its child, a
    /// long poll for an answer.
    fn in_patience(&self, end: usize) -> bool {
        let before = self.graph.before.get(end).map_or(&[][..], Vec::as_slice);
        // A child that the kernel or a signal has stopped is no child that does its work.
        let halted = match self.graph.nodes.get(end) {
            Some(Node::Process(i)) => self
                .host
                .processes
                .get(*i)
                .is_some_and(|r| r.is_stopped() || r.is_uninterruptible()),
            _ => false,
        };
        !halted
            && !before.is_empty()
            && before.iter().all(|i| {
                let Some(Node::Goroutine(d, g)) = self.graph.nodes.get(*i) else {
                    return false;
                };
                let alone = self.graph.before.get(*i).is_none_or(Vec::is_empty);
                alone
                    && self.view(*d).is_some_and(|v| {
                        let What::End { end, .. } = v.what(*g) else {
                            return false;
                        };
                        let patient = self.knowledge.ends.get(*end).is_some_and(|e| e.patient);
                        patient
                            && !v.serves(*g)
                            && super::graph::short_lived(self.knowledge, v, *g).is_none()
                    })
            })
    }

    /// The path to `end` that most wait along.
    fn path(&self, end: usize) -> Vec<usize> {
        let mut path = vec![end];
        let mut here = end;
        while path.len() < STEP_LIMIT {
            let widest = self
                .graph
                .before
                .get(here)
                .into_iter()
                .flatten()
                .copied()
                .max_by_key(|p| {
                    (
                        self.runs_child(*p),
                        self.graph.behind.get(*p).copied().unwrap_or(0),
                        self.graph.longest.get(*p).copied().unwrap_or(0),
                        std::cmp::Reverse(*p),
                    )
                });
            let Some(p) = widest.filter(|p| !path.contains(p)) else {
                break;
            };
            path.push(p);
            here = p;
        }
        path.reverse();
        path
    }

    /// Whether a node is the call that the other side runs a process for, rather than one that waits behind it.
    fn runs_child(&self, node: usize) -> bool {
        let Some(Node::Goroutine(d, g)) = self.graph.nodes.get(node) else {
            return false;
        };
        let Some(What::Call {
            service, method, ..
        }) = self.view(*d).map(|v| v.what(*g))
        else {
            return false;
        };
        self.knowledge
            .service(service)
            .is_some_and(|s| s.child.iter().any(|c| c.method == *method))
    }

    fn chain(&self, end: usize) -> Chain {
        let path = self.path(end);
        let mut chain = self.tell(&path, false);
        chain.behind = self.graph.behind.get(end).copied().unwrap_or(0);
        chain.minutes = self.graph.longest.get(end).copied().unwrap_or(0);
        chain.members = self.tree(end);
        chain.since = self.since(&chain.members);
        chain.ask = self.ask(end);
        chain
    }

    fn cycle(&self, cycle: &[usize]) -> Option<Chain> {
        // Begin at a lock, so that the telling reads: these wait for A, its holder waits for B, whose holder waits for A.
        let start = cycle
            .iter()
            .position(|i| matches!(self.graph.nodes.get(*i), Some(Node::Lock(_))))?;
        let mut path: Vec<usize> = cycle.get(start..)?.to_vec();
        path.extend(cycle.get(..start)?);
        let mut chain = self.tell(&path, true);
        chain.cycle = true;
        chain.members.clone_from(&path);
        for i in &path {
            chain.members.extend(
                self.graph
                    .before
                    .get(*i)
                    .into_iter()
                    .flatten()
                    .filter(|b| !cycle.contains(b)),
            );
            let own = u64::from(matches!(
                self.graph.nodes.get(*i),
                Some(Node::Goroutine(..))
            ));
            chain.behind += own + self.graph.behind.get(*i).copied().unwrap_or(0);
            chain.minutes = chain
                .minutes
                .max(self.graph.longest.get(*i).copied().unwrap_or(0));
        }
        chain.since = self.since(&chain.members);
        Some(chain)
    }

    /// Every node that waits for `end`, and `end`.
    fn tree(&self, end: usize) -> Vec<usize> {
        let mut out = vec![end];
        let mut i = 0;
        while let Some(here) = out.get(i).copied() {
            out.extend(self.graph.before.get(here).into_iter().flatten());
            i += 1;
        }
        out
    }

    fn since(&self, members: &[usize]) -> Option<Stamp> {
        members
            .iter()
            .filter_map(|i| match self.graph.nodes.get(*i)? {
                Node::Goroutine(d, g) => {
                    let v = self.view(*d)?;
                    let minutes = v.minutes(*g);
                    (minutes > 0).then(|| since(v.dump.time, minutes))?
                }
                _ => None,
            })
            .min_by_key(|s| s.at)
    }

    fn tell(&self, path: &[usize], cycle: bool) -> Chain {
        let mut steps = Vec::new();
        for (k, &i) in path.iter().enumerate() {
            let before = if k > 0 {
                path.get(k - 1)
            } else if cycle {
                path.last()
            } else {
                None
            };
            let after = path.get(k + 1).or(if cycle { path.first() } else { None });
            let Some(node) = self.graph.nodes.get(i) else {
                continue;
            };
            let before = before.and_then(|b| self.graph.nodes.get(*b));
            match node {
                Node::Goroutine(d, g) => {
                    // The queue of a lock is told with the lock, the callers of a peer with the peer's.
                    let to_lock = after
                        .is_some_and(|a| matches!(self.graph.nodes.get(*a), Some(Node::Lock(_))));
                    if before.is_none() && to_lock && !cycle {
                        continue;
                    }
                    steps.extend(self.goroutine(*d, *g, before, after.copied()));
                }
                Node::Lock(l) => steps.extend(self.lock(*l)),
                Node::Peer { node, names, from } => {
                    steps.push(self.peer(i, node.as_deref(), names, *from));
                }
                Node::Process(p) => steps.extend(self.process(*p)),
                Node::End { dump, kind } => steps.push(self.end(*dump, kind)),
            }
        }
        Chain {
            steps,
            cycle: false,
            behind: 0,
            minutes: 0,
            since: None,
            ask: None,
            members: Vec::new(),
        }
    }
}
