//! Tells the wait-for graph as chains: from those who wait to the thing at the end.

use std::collections::BTreeMap;

use super::graph::{Graph, Node};
use super::host::Host;
use super::knowledge::Knowledge;
use super::locks::Lock;
use super::stacks::{View, What, short};
use super::{evidence, since};
use crate::base::time::Stamp;
use crate::model::Quote;

/// A process of the list that was started so long ago was not started for a call that just began (seconds).
const OLD: u64 = 60;
/// So many queue without any garbage collection having set their clocks.
const CROWD: usize = 10;
/// Chains that are told, most behind them first.
const CHAIN_LIMIT: usize = 50;
/// A chain longer than this is cut in the telling.
const STEP_LIMIT: usize = 32;

/// What to collect to follow a chain further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// What.
    pub what: String,
    /// The command.
    pub command: String,
}

/// One link of a chain.
#[derive(Clone, Debug)]
pub struct Step {
    /// One sentence.
    pub text: String,
    /// How many goroutines (1 for a process or an end).
    pub count: u64,
    /// The thing.
    pub node: Node,
    /// Index of its dump, where it has one.
    pub dump: Option<usize>,
    /// Lines that show it.
    pub evidence: Vec<Quote>,
}

/// From those who wait to the end.
#[derive(Clone, Debug)]
pub struct Chain {
    /// The links, who waits first.
    pub steps: Vec<Step>,
    /// The last link waits for the first: a deadlock.
    pub cycle: bool,
    /// Goroutines that wait behind the end, over all dumps.
    pub behind: u64,
    /// Longest wait in minutes, at least.
    pub minutes: u32,
    /// Since when, at the latest.
    pub since: Option<Stamp>,
    /// What would show the next link.
    pub ask: Option<Ask>,
    /// Every lock, call and end that belongs to it, as graph nodes.
    pub(super) members: Vec<usize>,
}

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

    fn view(&self, dump: usize) -> Option<&View<'_>> {
        self.views.get(dump)
    }

    fn is_stuck(&self, end: usize) -> bool {
        let minutes = self.graph.longest.get(end).copied().unwrap_or(0);
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
            Some(Node::Peer { .. }) => minutes > 0,
            Some(Node::End { kind, .. }) => minutes > 0 && kind != "connection",
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

    pub(super) fn process_name(&self, dump: usize) -> String {
        self.view(dump)
            .and_then(|v| v.dump.process.clone())
            .unwrap_or_else(|| String::from("the process"))
    }

    fn lock(&self, index: usize) -> Option<Step> {
        let lock = self.locks.get(index)?;
        let view = self.view(lock.dump)?;
        let n = lock.waiters.len();
        let address = lock
            .address
            .map_or_else(String::new, |a| format!(" 0x{a:x}"));
        let callers: Vec<String> = lock
            .callers
            .iter()
            .take(3)
            .map(|(name, n)| format!("{n}× {name}"))
            .collect();
        let text = format!(
            "{}: {} for {}{address} ({}{}{})",
            self.process_name(lock.dump),
            if n == 1 {
                String::from("a goroutine waits")
            } else {
                format!("{n} goroutines wait")
            },
            lock.name,
            callers.join(", "),
            if lock.callers.len() > 3 { ", …" } else { "" },
            at_least(lock.oldest),
        );
        let first = *lock.waiters.first()?;
        let mut frames = Vec::new();
        if let What::Lock {
            address, caller, ..
        } = view.what(first)
        {
            frames.extend(address.first());
            frames.push(*caller);
        }
        Some(Step {
            text,
            count: n as u64,
            node: Node::Lock(index),
            dump: Some(lock.dump),
            evidence: evidence(view.dump, first, &frames),
        })
    }

    fn goroutine(
        &self,
        dump: usize,
        g: u32,
        before: Option<&Node>,
        after: Option<usize>,
    ) -> Option<Step> {
        let view = self.view(dump)?;
        let id = view.goroutine(g)?.id;
        let process = self.process_name(dump);
        let mut frames: Vec<usize> = Vec::new();
        let mut count = 1;
        let subject = match before {
            Some(Node::Lock(l)) => {
                let lock = self.locks.get(*l)?;
                if lock.own == Some(g) {
                    format!(
                        "{process}: goroutine {id} itself took that lock further out on its stack"
                    )
                } else {
                    let holder = lock.holder.as_ref()?;
                    frames.push(holder.frame);
                    let place = view
                        .frames(g)
                        .get(holder.frame)
                        .and_then(|f| view.role(f.site))
                        .map_or("?", |r| short(&r.name));
                    format!(
                        "{process}: goroutine {id} in {place} probably holds it ({})",
                        holder.because.first().map_or("", String::as_str)
                    )
                }
            }
            Some(_) => {
                let handler = view
                    .frames(g)
                    .iter()
                    .position(|f| view.role(f.site).is_some_and(|r| r.handler.is_some()));
                frames.extend(handler);
                let name = handler
                    .and_then(|i| view.frames(g).get(i))
                    .and_then(|f| view.role(f.site))
                    .map_or("?", |r| short(&r.name));
                format!("{process}: goroutine {id} handles that call ({name})")
            }
            None => {
                // Those who wait beside it for the same thing.
                let beside: Vec<(usize, u32)> = after
                    .and_then(|a| self.graph.before.get(a))
                    .into_iter()
                    .flatten()
                    .filter_map(|i| match self.graph.nodes.get(*i) {
                        Some(Node::Goroutine(d, g)) => Some((*d, *g)),
                        _ => None,
                    })
                    .collect();
                count = beside.len().max(1) as u64;
                if beside.len() > 1 {
                    format!(
                        "{process}: {} goroutines wait in {}",
                        beside.len(),
                        self.calls(&beside)
                    )
                } else {
                    format!("{process}: goroutine {id}")
                }
            }
        };
        let minutes = after
            .filter(|_| before.is_none() && count > 1)
            .and_then(|a| self.graph.longest.get(a).copied())
            .unwrap_or_else(|| view.minutes(g));
        let object = self.waits_for(view, g, &mut frames);
        let text = if before.is_none() && count > 1 {
            format!("{subject}{}", at_least(minutes))
        } else if object.is_empty() {
            format!(
                "{subject}: {}{}",
                view.dump.state(view.goroutine(g)?),
                at_least(minutes)
            )
        } else {
            let joint = if before.is_none() { "" } else { " and" };
            format!("{subject}{joint} waits for {object}{}", at_least(minutes))
        };
        Some(Step {
            text,
            count,
            node: Node::Goroutine(dump, g),
            dump: Some(dump),
            evidence: evidence(view.dump, g, &frames),
        })
    }

    /// What a goroutine waits for, and the frames that show it.
    fn waits_for(&self, view: &View<'_>, g: u32, frames: &mut Vec<usize>) -> String {
        match view.what(g) {
            What::Lock {
                address, caller, ..
            } => {
                frames.extend(address.first());
                frames.push(*caller);
                String::from("another lock")
            }
            What::Call {
                frame,
                service,
                method,
            } => {
                frames.push(*frame);
                let peer = self
                    .knowledge
                    .service(service)
                    .and_then(|s| s.peer.first())
                    .map_or_else(String::new, |p| format!(" of {p}"));
                format!("{service}.{method}{peer}")
            }
            What::End { frame, end } => {
                frames.push(*frame);
                let kind = self.knowledge.ends.get(*end).map_or("", |e| &e.kind);
                words(kind).to_owned()
            }
            _ => {
                frames.extend(view.telling(g));
                String::new()
            }
        }
    }

    /// `2× RuntimeService.ListContainers, RuntimeService.Status`.
    pub(super) fn calls(&self, members: &[(usize, u32)]) -> String {
        let mut names: BTreeMap<String, usize> = BTreeMap::new();
        for (d, g) in members {
            let Some(view) = self.view(*d) else { continue };
            let name = match view.what(*g) {
                What::Call {
                    service, method, ..
                } => format!("{service}.{method}"),
                _ => view.face(*g),
            };
            *names.entry(name).or_default() += 1;
        }
        let mut names: Vec<(String, usize)> = names.into_iter().collect();
        names.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        let more = if names.len() > 5 { ", …" } else { "" };
        let list: Vec<String> = names
            .into_iter()
            .take(5)
            .map(|(name, n)| if n > 1 { format!("{n}× {name}") } else { name })
            .collect();
        format!("{}{more}", list.join(", "))
    }

    fn peer(&self, index: usize, node: Option<&str>, names: &[String], from: usize) -> Step {
        let row = names
            .iter()
            .find_map(|n| self.host.find(node, None, n).map(|i| (n, i)));
        let dumped = self.views.iter().any(|v| {
            v.dump.process.as_ref().is_some_and(|p| names.contains(p))
                && super::host::same_node(v.dump.node.as_deref(), node)
        });
        let name = row.map_or_else(
            || names.first().map_or("the server", String::as_str),
            |(n, _)| n,
        );
        let mut evidence: Vec<Quote> = Vec::new();
        let stopped = row
            .and_then(|(_, i)| self.host.processes.get(i))
            .filter(|r| r.is_stopped() || r.is_uninterruptible());
        let why = if let Some(r) = stopped {
            evidence.push(r.quote.clone());
            if r.is_stopped() {
                format!("its process {} is stopped (state {})", r.pid, r.stat)
            } else {
                format!(
                    "its process {} is in an uninterruptible wait in the kernel (state {})",
                    r.pid, r.stat
                )
            }
        } else if dumped {
            String::from("its dump shows no goroutine that handles the call")
        } else {
            String::from("no dump of it is in the bundle")
        };
        Step {
            text: format!("{name} has not answered: {why}"),
            count: 1,
            node: self
                .graph
                .nodes
                .get(index)
                .cloned()
                .unwrap_or(Node::Lock(usize::MAX)),
            dump: Some(from).filter(|_| false),
            evidence,
        }
    }

    fn process(&self, index: usize) -> Option<Step> {
        let row = self.host.processes.get(index)?;
        let parent = row.ppid.and_then(|ppid| {
            self.host
                .on(row.node.as_deref())
                .find(|(_, r)| r.pid == ppid)
                .map(|(_, r)| format!(", child of {} {ppid}", r.comm))
        });
        let age = row.elapsed.map_or_else(String::new, |s| {
            let ns = i64::try_from(s)
                .unwrap_or(0)
                .saturating_mul(crate::base::time::SECOND);
            format!(", {} old", crate::base::units::human_duration(ns))
        });
        let state = if row.is_uninterruptible() {
            ", in an uninterruptible wait in the kernel"
        } else if row.is_stopped() {
            ", stopped"
        } else {
            ""
        };
        let word = row
            .cmd
            .split(' ')
            .find(|w| {
                matches!(
                    *w,
                    "create" | "start" | "delete" | "kill" | "exec" | "state" | "init"
                )
            })
            .filter(|_| row.runs("runc"))
            .map_or_else(String::new, |w| format!(" {w}"));
        let container = row
            .container()
            .and_then(|c| c.get(..12))
            .map_or_else(String::new, |c| format!(" for container {c}"));
        let mut quotes = vec![row.quote.clone()];
        quotes.extend(
            self.host
                .hung
                .iter()
                .filter(|h| h.pid == row.pid)
                .map(|h| h.quote.clone())
                .take(2),
        );
        Some(Step {
            text: format!(
                "{}{word}{container} has not ended: process {}{}{age}{state}",
                row.comm,
                row.pid,
                parent.unwrap_or_default()
            ),
            count: 1,
            node: Node::Process(index),
            dump: None,
            evidence: quotes,
        })
    }

    fn end(&self, dump: usize, kind: &str) -> Step {
        Step {
            text: format!(
                "{} has not answered {}",
                words(kind),
                self.process_name(dump)
            ),
            count: 1,
            node: Node::End {
                dump,
                kind: kind.to_owned(),
            },
            dump: None,
            evidence: Vec::new(),
        }
    }

    /// What would show the next link.
    fn ask(&self, end: usize) -> Option<Ask> {
        match self.graph.nodes.get(end)? {
            Node::Peer { names, .. } => {
                let name = names.first()?;
                let shown = self
                    .views
                    .iter()
                    .any(|v| v.dump.process.as_deref() == Some(name));
                (!shown).then(|| Ask {
                    what: format!("stack dump of {name}"),
                    command: match name.as_str() {
                        "containerd" | "dockerd" | "cri-o" => format!("kill -USR1 $(pidof {name})"),
                        "etcd" => String::from("curl -s http://127.0.0.1:2379/debug/pprof/goroutine?debug=2"),
                        "containerd-shim" => String::from("ps -eo pid,ppid,lstart,etime,stat,wchan:32,cmd"),
                        "terwayd" => String::from("curl --unix-socket /var/run/eni/eni.socket 'http://debug/pprof/goroutine?debug=2'"),
                        _ => format!("kill -QUIT $(pidof {name})   # ends the process"),
                    },
                })
            }
            Node::Process(i) => {
                let r = self.host.processes.get(*i)?;
                Some(Ask {
                    what: format!(
                        "what process {} ({}) waits for in the kernel",
                        r.pid, r.comm
                    ),
                    command: format!(
                        "cat /proc/{0}/stack /proc/{0}/wchan; strace -f -p {0} -o strace.{0} & sleep 5; kill $!",
                        r.pid
                    ),
                })
            }
            Node::End { dump, kind } => {
                let name = self.process_name(*dump);
                let (what, command) = match kind.as_str() {
                    "dbus" => (
                        "whether systemd answers on D-Bus",
                        String::from(
                            "busctl tree org.freedesktop.systemd1; busctl list; journalctl -u systemd-logind -b",
                        ),
                    ),
                    "child-process" | "cni-plugin" => (
                        "process list with states and ages",
                        String::from("ps -eo pid,ppid,lstart,etime,stat,wchan:32,cmd"),
                    ),
                    "net-rpc" => (
                        "stack dump of the daemon that the call goes to",
                        String::from("ss -xp"),
                    ),
                    _ => (
                        "kernel stacks of its threads",
                        format!("cat /proc/$(pidof {name})/task/*/stack"),
                    ),
                };
                Some(Ask {
                    what: what.to_owned(),
                    command,
                })
            }
            Node::Lock(_) | Node::Goroutine(..) => None,
        }
    }
}

/// `, the oldest at least 4 minutes`.
fn at_least(minutes: u32) -> String {
    match minutes {
        0 => String::new(),
        1 => String::from(", for at least a minute"),
        n => format!(", for at least {n} minutes"),
    }
}

/// What a kind of end is called in a sentence.
pub(super) fn words(kind: &str) -> &str {
    match kind {
        "child-process" => "a child process",
        "cni-plugin" => "a CNI plugin",
        "dbus" => "systemd on D-Bus",
        "netlink" => "the kernel on a netlink socket",
        "net-rpc" => "a daemon over net/rpc",
        "file-lock" => "a file lock",
        "disk" => "the disk (a sync)",
        "file-system" => "the file system",
        "http" => "an HTTP server",
        "dns" => "a name server",
        "docker-api" => "dockerd",
        "connection" => "a connection to its server",
        other => other,
    }
}
