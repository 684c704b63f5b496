//! The wait-for graph over all dumps: each thing waits for at most one other, so that a chain has an end.
//!
//! Nodes are goroutines, locks, processes without a dump, and ends outside of any process. An edge says *waits
//! for*: a goroutine for a lock, a lock for its probable holder, a call for the goroutine that handles it in the
//! other process, a call for the process that the other side runs.

use std::collections::{BTreeMap, BTreeSet};

use super::host::{Host, same_node};
use super::knowledge::Knowledge;
use super::locks::Lock;
use super::stacks::{View, What};

/// Something that waits or is waited for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Node {
    /// A goroutine: index of the dump, index within it.
    Goroutine(usize, u32),
    /// A lock: index in the report.
    Lock(usize),
    /// A process that handles calls and of which no dump shows the handler.
    Peer {
        /// Machine.
        node: Option<String>,
        /// Names it may have, most usual first.
        names: Vec<String>,
        /// Dump whose process calls it.
        from: usize,
    },
    /// A process of the process list.
    Process(usize),
    /// Something outside of any process: D-Bus, netlink, a file lock.
    End {
        /// Dump whose process waits.
        dump: usize,
        /// Kind (`dbus`, `netlink`, `disk`).
        kind: String,
    },
}

/// The graph. `next[i]` is what node `i` waits for.
#[derive(Debug, Default)]
pub(super) struct Graph {
    pub nodes: Vec<Node>,
    pub next: Vec<Option<usize>>,
    ids: BTreeMap<Node, usize>,
    /// How many goroutines wait behind each node, itself not counted.
    pub behind: Vec<u64>,
    /// Longest wait behind or at each node, in minutes.
    pub longest: Vec<u32>,
    pub cycles: Vec<Vec<usize>>,
    pub before: Vec<Vec<usize>>,
}

impl Graph {
    pub(super) fn build(
        views: &[View<'_>],
        locks: &[Lock],
        host: &Host,
        knowledge: &Knowledge,
    ) -> Self {
        let mut graph = Self::default();
        for (i, lock) in locks.iter().enumerate() {
            let node = graph.node(Node::Lock(i));
            for g in &lock.waiters {
                let from = graph.node(Node::Goroutine(lock.dump, *g));
                graph.link(from, node);
            }
            if let Some(own) = lock.own {
                let to = graph.node(Node::Goroutine(lock.dump, own));
                graph.link(node, to);
            } else if let Some(h) = &lock.holder {
                let to = graph.node(Node::Goroutine(lock.dump, h.goroutine));
                graph.link(node, to);
            }
        }
        let mut calls = Calls::new(views, host, knowledge);
        for (d, view) in views.iter().enumerate() {
            for shape in &view.shapes {
                for &g in &shape.members {
                    match &shape.what {
                        What::Call {
                            service, method, ..
                        } => {
                            calls.add(d, g, service, method);
                        }
                        What::End { end, .. } => {
                            let from = graph.node(Node::Goroutine(d, g));
                            let to = calls.end(d, g, *end);
                            let to = graph.node(to);
                            graph.link(from, to);
                        }
                        _ => {}
                    }
                }
            }
        }
        for (from, to) in calls.resolve() {
            let from = graph.node(from);
            let to = graph.node(to);
            graph.link(from, to);
        }
        graph.count(views);
        graph
    }

    fn node(&mut self, node: Node) -> usize {
        if let Some(i) = self.ids.get(&node) {
            return *i;
        }
        let i = self.nodes.len();
        self.ids.insert(node.clone(), i);
        self.nodes.push(node);
        self.next.push(None);
        i
    }

    /// The number of a node that is in the graph.
    pub(super) fn id(&self, node: &Node) -> Option<usize> {
        self.ids.get(node).copied()
    }

    fn link(&mut self, from: usize, to: usize) {
        if from != to
            && let Some(slot) = self.next.get_mut(from)
            && slot.is_none()
        {
            *slot = Some(to);
        }
    }

    /// Predecessors, cycles, and how many wait behind each node: one pass from the leaves inwards.
    fn count(&mut self, views: &[View<'_>]) {
        let n = self.nodes.len();
        self.before = vec![Vec::new(); n];
        for (i, next) in self.next.iter().enumerate() {
            if let Some(list) = next.and_then(|to| self.before.get_mut(to)) {
                list.push(i);
            }
        }
        self.behind = vec![0; n];
        self.longest = self
            .nodes
            .iter()
            .map(|node| match node {
                Node::Goroutine(d, g) => views.get(*d).map_or(0, |v| v.minutes(*g)),
                _ => 0,
            })
            .collect();
        let mut open: Vec<usize> = self.before.iter().map(Vec::len).collect();
        let mut ready: Vec<usize> = (0..n).filter(|i| open.get(*i) == Some(&0)).collect();
        let mut done = vec![false; n];
        while let Some(i) = ready.pop() {
            if let Some(slot) = done.get_mut(i) {
                *slot = true;
            }
            let Some(to) = self.next.get(i).copied().flatten() else {
                continue;
            };
            self.pass_on(i, to);
            if let Some(left) = open.get_mut(to) {
                *left = left.saturating_sub(1);
                if *left == 0 {
                    ready.push(to);
                }
            }
        }
        for start in 0..n {
            if done.get(start) != Some(&false) {
                continue;
            }
            let mut cycle = Vec::new();
            let mut here = start;
            while done.get(here) == Some(&false) {
                if let Some(slot) = done.get_mut(here) {
                    *slot = true;
                }
                cycle.push(here);
                match self.next.get(here).copied().flatten() {
                    Some(to) => here = to,
                    None => break,
                }
            }
            self.cycles.push(cycle);
        }
    }

    fn pass_on(&mut self, from: usize, to: usize) {
        let own = u64::from(matches!(self.nodes.get(from), Some(Node::Goroutine(..))));
        let add = self
            .behind
            .get(from)
            .copied()
            .unwrap_or(0)
            .saturating_add(own);
        let longest = self.longest.get(from).copied().unwrap_or(0);
        if let Some(b) = self.behind.get_mut(to) {
            *b = b.saturating_add(add);
        }
        if let Some(l) = self.longest.get_mut(to) {
            *l = (*l).max(longest);
        }
    }
}

type Waiting = Vec<(usize, u32)>;

/// Calls between processes, to be matched with their handlers.
struct Calls<'c, 'v> {
    views: &'c [View<'v>],
    host: &'c Host,
    knowledge: &'c Knowledge,
    clients: BTreeMap<(String, String), Waiting>,
    handlers: BTreeMap<(String, String), Waiting>,
    used: BTreeSet<usize>,
}

impl<'c, 'v> Calls<'c, 'v> {
    fn new(views: &'c [View<'v>], host: &'c Host, knowledge: &'c Knowledge) -> Self {
        let mut handlers: BTreeMap<(String, String), Waiting> = BTreeMap::new();
        for (d, view) in views.iter().enumerate() {
            for shape in &view.shapes {
                let Some(&g) = shape.members.first() else {
                    continue;
                };
                let mut mine: BTreeSet<&(String, String)> = BTreeSet::new();
                for f in view.frames(g) {
                    if let Some(h) = view.role(f.site).and_then(|r| r.handler.as_ref()) {
                        mine.insert(h);
                    }
                }
                for h in mine {
                    let list = handlers.entry(h.clone()).or_default();
                    list.extend(shape.members.iter().map(|g| (d, *g)));
                }
            }
        }
        Self {
            views,
            host,
            knowledge,
            clients: BTreeMap::new(),
            handlers,
            used: BTreeSet::new(),
        }
    }

    fn add(&mut self, dump: usize, g: u32, service: &str, method: &str) {
        self.clients
            .entry((service.to_owned(), method.to_owned()))
            .or_default()
            .push((dump, g));
    }

    fn node_of(&self, dump: usize) -> Option<&'c str> {
        self.views.get(dump).and_then(|v| v.dump.node.as_deref())
    }

    fn process_of(&self, dump: usize) -> &'c str {
        self.views
            .get(dump)
            .and_then(|v| v.dump.process.as_deref())
            .unwrap_or("")
    }

    /// Longest waiting first, so that the oldest call meets the oldest handler.
    fn sort(&self, list: &mut Waiting) {
        list.sort_by_key(|(d, g)| {
            let minutes = self.views.get(*d).map_or(0, |v| v.minutes(*g));
            (*d, std::cmp::Reverse(minutes), *g)
        });
    }

    fn resolve(mut self) -> Vec<(Node, Node)> {
        let clients = std::mem::take(&mut self.clients);
        let mut out = Vec::new();
        for ((service, method), mut waiting) in clients {
            self.sort(&mut waiting);
            let mut handlers = self
                .handlers
                .get(&(service.clone(), method.clone()))
                .cloned()
                .unwrap_or_default();
            self.sort(&mut handlers);
            let mut taken = vec![false; handlers.len()];
            for (d, g) in waiting {
                // Several dumps of the same process must not lend each other their handlers twice; a handler in
                // the caller's own dump (dockershim in the kubelet) is taken first.
                let fits = |(i, (hd, hg)): (usize, &(usize, u32))| {
                    let own = *hd == d && *hg != g;
                    let other = *hd != d
                        && same_node(self.node_of(*hd), self.node_of(d))
                        && self.process_of(*hd) != self.process_of(d);
                    (taken.get(i) == Some(&false) && (own || other)).then_some((!own, i))
                };
                let pick = handlers.iter().enumerate().filter_map(fits).min();
                let from = Node::Goroutine(d, g);
                if let Some((_, i)) = pick {
                    if let Some(slot) = taken.get_mut(i) {
                        *slot = true;
                    }
                    if let Some((hd, hg)) = handlers.get(i) {
                        out.push((from, Node::Goroutine(*hd, *hg)));
                    }
                    continue;
                }
                let to = self.other_side(d, &service, &method);
                out.push((from, to));
            }
        }
        out
    }

    /// A call without a handler in any dump: what the other side runs for it, else the other side itself.
    fn other_side(&mut self, dump: usize, service: &str, method: &str) -> Node {
        let known = self.knowledge.service(service);
        let child = known.and_then(|s| s.child.iter().find(|c| c.method == method));
        if let Some(child) = child {
            let node = self.node_of(dump);
            let peers = known.map_or(&[][..], |s| s.peer.as_slice());
            let mut rows: Vec<(std::cmp::Reverse<u64>, usize)> = self
                .host
                .on(node)
                .filter(|(i, r)| {
                    !self.used.contains(i)
                        && r.runs(&child.process)
                        && r.cmd.split(' ').any(|w| w == child.word)
                        && self.parent_runs(node, r.ppid, peers)
                })
                .map(|(i, r)| (std::cmp::Reverse(r.elapsed.unwrap_or(0)), i))
                .collect();
            rows.sort();
            if let Some((_, i)) = rows.first() {
                self.used.insert(*i);
                return Node::Process(*i);
            }
        }
        let names = known
            .map(|s| s.peer.clone())
            .filter(|p| !p.is_empty())
            .unwrap_or_else(|| vec![format!("the server of {service}")]);
        self.peer(dump, names)
    }

    /// The program that the machine runs comes first among the names.
    fn peer(&self, dump: usize, mut names: Vec<String>) -> Node {
        let node = self.node_of(dump);
        names.sort_by_key(|n| self.host.find(node, None, n).is_none());
        Node::Peer {
            node: node.map(str::to_owned),
            names,
            from: dump,
        }
    }

    fn parent_runs(&self, node: Option<&str>, ppid: Option<u64>, programs: &[String]) -> bool {
        let Some(ppid) = ppid else { return true };
        let mut known = self.host.on(node).filter(|(_, r)| r.pid == ppid).peekable();
        known.peek().is_none() || known.any(|(_, r)| programs.iter().any(|p| r.runs(p)))
    }

    /// What a goroutine waits for outside of its process.
    fn end(&mut self, dump: usize, g: u32, end: usize) -> Node {
        let kind = self
            .knowledge
            .ends
            .get(end)
            .map_or("", |e| &e.kind)
            .to_owned();
        match kind.as_str() {
            "child-process" | "cni-plugin" => {
                if let Some(row) = self.child(dump, g) {
                    return Node::Process(row);
                }
            }
            "net-rpc" => {
                if let Some(node) = self.rpc_daemon(dump) {
                    return node;
                }
            }
            _ => {}
        }
        Node::End { dump, kind }
    }

    /// The child that a goroutine waits for: a child of its process, of the program that its frames name.
    fn child(&mut self, dump: usize, g: u32) -> Option<usize> {
        let view = self.views.get(dump)?;
        let node = self.node_of(dump);
        let parent = self.host.find(node, view.dump.pid, self.process_of(dump))?;
        let pid = self.host.processes.get(parent)?.pid;
        let hint = view.frames(g).iter().find_map(|f| {
            let name = &view.role(f.site)?.name;
            if name.contains("go-runc") || name.contains("/runc") {
                Some("runc")
            } else if name.contains("cni/") {
                Some("/cni/")
            } else if name.contains("iptables") {
                Some("iptables")
            } else if name.contains("mount.") || name.contains("/mount") {
                Some("mount")
            } else {
                None
            }
        });
        let mut rows: Vec<(bool, std::cmp::Reverse<u64>, usize)> = self
            .host
            .on(node)
            .filter(|(i, r)| {
                r.ppid == Some(pid) && !self.used.contains(i) && !r.runs("containerd-shim")
            })
            .filter(|(_, r)| hint.is_none_or(|h| r.comm.contains(h) || r.cmd.contains(h)))
            .map(|(i, r)| {
                (
                    r.stat.starts_with('Z'),
                    std::cmp::Reverse(r.elapsed.unwrap_or(0)),
                    i,
                )
            })
            .collect();
        rows.sort();
        let (_, _, row) = rows.first()?;
        self.used.insert(*row);
        Some(*row)
    }

    /// The daemon behind a net/rpc call: its longest waiting handler, else its name.
    fn rpc_daemon(&self, dump: usize) -> Option<Node> {
        let node = self.node_of(dump);
        let mut handlers = self
            .handlers
            .get(&(String::from("net/rpc"), String::new()))
            .cloned()
            .unwrap_or_default();
        handlers.retain(|(d, _)| *d != dump && same_node(self.node_of(*d), node));
        self.sort(&mut handlers);
        if let Some((d, g)) = handlers.first() {
            return Some(Node::Goroutine(*d, *g));
        }
        let peer = self.knowledge.rpc_peer(self.process_of(dump))?;
        Some(self.peer(dump, vec![peer.to_owned()]))
    }
}
