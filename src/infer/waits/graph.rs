//! The wait-for graph over all dumps: each thing waits for at most one other, so that a chain has an end.
//!
//! Nodes are goroutines, locks, processes without a dump, and ends outside of any process. An edge says *waits
//! for*: a goroutine for a lock, a lock for its probable holder, a call for the goroutine that handles it in the
//! other process, a call for the process that the other side runs.

use std::collections::{BTreeMap, BTreeSet};

use super::host::{Host, same_node};
use super::knowledge::{Knowledge, Spawned};
use super::partners::Partners;
use super::stacks::{View, What};
use crate::model::waits::{Lock, Node};

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
    /// Whether something behind or at each node is known to wait all the time, whatever the headers say.
    pub lasting: Vec<bool>,
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
        for (d, view) in views.iter().enumerate() {
            graph.link_partners(d, view);
        }
        for (from, to) in calls.resolve() {
            let from = graph.node(from);
            let to = graph.node(to);
            graph.link(from, to);
        }
        graph.enter_processes(views, host);
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

    fn link(&mut self, from: usize, to: usize) {
        if from != to
            && let Some(slot) = self.next.get_mut(from)
            && slot.is_none()
        {
            *slot = Some(to);
        }
    }

    /// Who waits for goroutines of its own process waits for the one that is stuck.
    fn link_partners(&mut self, dump: usize, view: &View<'_>) {
        let joins = |s: &&super::stacks::Shape| matches!(s.what, What::Join { .. });
        if !view.shapes.iter().any(|s| joins(&s)) {
            return;
        }
        let partners = Partners::new(view);
        for shape in view.shapes.iter().filter(joins) {
            for &g in &shape.members {
                if let Some(partner) = partners.of(g) {
                    let from = self.node(Node::Goroutine(dump, g));
                    let to = self.node(Node::Goroutine(dump, partner));
                    self.link(from, to);
                }
            }
        }
    }

    /// A process of the list whose own dump is there waits for what its oldest waiting goroutine waits for.
    fn enter_processes(&mut self, views: &[View<'_>], host: &Host) {
        let inside: BTreeMap<&str, Vec<usize>> =
            views
                .iter()
                .enumerate()
                .fold(BTreeMap::new(), |mut map, (d, v)| {
                    if let Some(p) = v.dump.process.as_deref() {
                        map.entry(p).or_insert_with(Vec::new).push(d);
                    }
                    map
                });
        for i in 0..self.nodes.len() {
            let Some(Node::Process(row)) = self.nodes.get(i) else {
                continue;
            };
            let Some(row) = host.processes.get(*row) else {
                continue;
            };
            let dumps = inside.get(row.comm.as_str()).into_iter().flatten();
            let own = dumps.copied().find(|d| {
                views.get(*d).is_some_and(|v| {
                    v.dump.pid.is_none_or(|pid| pid == row.pid)
                        && same_node(v.dump.node.as_deref(), row.node.as_deref())
                })
            });
            let Some((d, view)) = own.and_then(|d| Some((d, views.get(d)?))) else {
                continue;
            };
            let waiting = view
                .shapes
                .iter()
                .filter(|s| {
                    matches!(
                        s.what,
                        What::Call { .. } | What::End { .. } | What::Lock { .. }
                    )
                })
                .flat_map(|s| s.members.iter().copied())
                .max_by_key(|g| (view.minutes(*g), std::cmp::Reverse(*g)));
            if let Some(g) = waiting {
                let to = self.node(Node::Goroutine(d, g));
                self.link(i, to);
            }
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
        self.lasting = self
            .nodes
            .iter()
            .map(|node| match node {
                Node::Goroutine(d, g) => views.get(*d).is_some_and(|v| v.lasts(*g)),
                _ => false,
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
        let lasting = self.lasting.get(from) == Some(&true);
        if let Some(l) = self.lasting.get_mut(to) {
            *l |= lasting;
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
    /// Rows of the process list that may be what a call or a `Wait` waits for, the oldest last.
    children: BTreeMap<Wanted, Vec<usize>>,
    peers: BTreeMap<(usize, String), Node>,
    parents: BTreeMap<usize, Option<u64>>,
}

/// Which processes are looked for: machine, parent, program or part of the command line, word.
type Wanted = (Option<String>, Option<u64>, String, String);

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
            children: BTreeMap::new(),
            peers: BTreeMap::new(),
            parents: BTreeMap::new(),
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
        let mut out: Vec<(Node, Node)> = Vec::new();
        // Which process the other side runs for a client object: later calls on that object wait for it as well.
        let mut busy: BTreeMap<(usize, u64), usize> = BTreeMap::new();
        let mut later: Vec<(usize, u32, String)> = Vec::new();
        for ((service, method), mut waiting) in clients {
            self.sort(&mut waiting);
            let mut handlers = self
                .handlers
                .get(&(service.clone(), method.clone()))
                .cloned()
                .unwrap_or_default();
            self.sort(&mut handlers);
            let mut taken = vec![false; handlers.len()];
            let mut queues: BTreeMap<usize, std::vec::IntoIter<usize>> = BTreeMap::new();
            for (d, g) in waiting {
                let from = Node::Goroutine(d, g);
                let queue = queues
                    .entry(d)
                    .or_insert_with(|| self.handlers_for(d, &handlers).into_iter());
                let free = queue
                    .find(|i| taken.get(*i) == Some(&false) && handlers.get(*i) != Some(&(d, g)));
                if let Some(i) = free {
                    if let Some(slot) = taken.get_mut(i) {
                        *slot = true;
                    }
                    if let Some((hd, hg)) = handlers.get(i) {
                        out.push((from, Node::Goroutine(*hd, *hg)));
                    }
                    continue;
                }
                match (
                    self.run_by_other_side(d, &service, &method),
                    self.object(d, g),
                ) {
                    (Some(row), object) => {
                        busy.extend(object.map(|o| ((d, o), row)));
                        out.push((from, Node::Process(row)));
                    }
                    (None, _) => later.push((d, g, service.clone())),
                }
            }
        }
        for (d, g, service) in later {
            let row = self.object(d, g).and_then(|o| busy.get(&(d, o)).copied());
            let to = row.map_or_else(|| self.other_side(d, &service), Node::Process);
            out.push((Node::Goroutine(d, g), to));
        }
        out
    }

    /// The client object that a call is made on, where its address is exact.
    fn object(&self, dump: usize, g: u32) -> Option<u64> {
        let view = self.views.get(dump)?;
        let What::Call { frame, .. } = view.what(g) else {
            return None;
        };
        view.dump.receiver(view.frames(g).get(*frame)?)
    }

    /// The handlers that may answer a call of this dump, in order: those in the same process (dockershim in the
    /// kubelet), then those of other processes of the machine.
    fn handlers_for(&self, dump: usize, handlers: &[(usize, u32)]) -> Vec<usize> {
        let fits = |d: usize| {
            d == dump
                || (same_node(self.node_of(d), self.node_of(dump))
                    && self.process_of(d) != self.process_of(dump))
        };
        let mut out: Vec<usize> = (0..handlers.len())
            .filter(|i| handlers.get(*i).is_some_and(|(d, _)| fits(*d)))
            .collect();
        out.sort_by_key(|i| handlers.get(*i).is_none_or(|(d, _)| *d != dump));
        out
    }

    /// The process that the other side runs for a call without a handler in any dump.
    fn run_by_other_side(&mut self, dump: usize, service: &str, method: &str) -> Option<usize> {
        let known = self.knowledge.service(service)?;
        let child = known.child.iter().find(|c| c.method == method)?;
        let node = self.node_of(dump);
        let wanted = (
            node.map(str::to_owned),
            None,
            child.process.clone(),
            child.word.clone(),
        );
        let (host, peers) = (self.host, &known.peer);
        self.children
            .entry(wanted)
            .or_insert_with(|| {
                let pids: BTreeMap<u64, bool> = host
                    .on(node)
                    .map(|(_, r)| (r.pid, peers.iter().any(|p| r.runs(p))))
                    .collect();
                by_age(host.on(node).filter(|(_, r)| {
                    r.runs(&child.process)
                        && r.cmd.split(' ').any(|w| w == child.word)
                        && r.ppid.and_then(|p| pids.get(&p)).is_none_or(|shim| *shim)
                }))
            })
            .pop()
    }

    /// The process that ought to answer a call.
    fn other_side(&mut self, dump: usize, service: &str) -> Node {
        let key = (dump, service.to_owned());
        if let Some(node) = self.peers.get(&key) {
            return node.clone();
        }
        let names = self
            .knowledge
            .service(service)
            .map(|s| s.peer.clone())
            .filter(|p| !p.is_empty())
            .unwrap_or_else(|| vec![format!("the server of {service}")]);
        let node = self.peer(dump, names);
        self.peers.insert(key, node.clone());
        node
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
        let (host, program) = (self.host, self.process_of(dump));
        let pid = (*self.parents.entry(dump).or_insert_with(|| {
            let row = host.find(node, view.dump.pid, program)?;
            Some(host.processes.get(row)?.pid)
        }))?;
        let spawned = short_lived(self.knowledge, view, g);
        let hint = spawned.map_or("", |s| s.program.as_str());
        let named = spawned.is_some_and(|s| s.named);
        // runc is a child of the shim and a plugin may be one of another program: the name tells more than the parent.
        let parents = [Some(pid), None];
        let loose = spawned.is_some_and(|s| s.anywhere);
        parents
            .into_iter()
            .filter(|p| p.is_some() || loose)
            .find_map(|parent| {
                let wanted = (
                    node.map(str::to_owned),
                    parent,
                    hint.to_owned(),
                    String::from("child"),
                );
                let rows = self.children.entry(wanted).or_insert_with(|| {
                    by_age(host.on(node).filter(|(_, r)| {
                        (parent.is_none() || r.ppid == parent)
                            && !r.runs("containerd-shim")
                            && !r.stat.starts_with('Z')
                            && if named {
                                r.runs(hint)
                            } else {
                                r.comm.contains(hint) || r.cmd.contains(hint)
                            }
                    }))
                });
                rows.pop()
            })
    }

    /// The daemon behind a net/rpc call: its longest waiting handler, else its name.
    fn rpc_daemon(&mut self, dump: usize) -> Option<Node> {
        const NET_RPC: &str = "net/rpc";
        let key = (dump, String::from(NET_RPC));
        if let Some(node) = self.peers.get(&key) {
            return Some(node.clone());
        }
        let node = self.node_of(dump);
        let handler = self
            .handlers
            .get(&(String::from(NET_RPC), String::new()))
            .into_iter()
            .flatten()
            .copied()
            .filter(|(d, _)| *d != dump && same_node(self.node_of(*d), node))
            .max_by_key(|(d, g)| {
                let minutes = self.views.get(*d).map_or(0, |v| v.minutes(*g));
                (minutes, std::cmp::Reverse((*d, *g)))
            });
        let found = if let Some((d, g)) = handler {
            Node::Goroutine(d, g)
        } else {
            let peer = self.knowledge.rpc_peer(self.process_of(dump))?;
            self.peer(dump, vec![peer.to_owned()])
        };
        self.peers.insert(key, found.clone());
        Some(found)
    }
}

/// The short-lived program that a goroutine's frames say it waits for.
pub(super) fn short_lived<'k>(
    knowledge: &'k Knowledge,
    view: &View<'_>,
    g: u32,
) -> Option<&'k Spawned> {
    let mut frames = view.frames(g).iter();
    frames.find_map(|f| knowledge.spawned(&view.role(f.site)?.name))
}

/// Row numbers, the oldest process last.
fn by_age<'r>(rows: impl Iterator<Item = (usize, &'r super::host::ProcessRow)>) -> Vec<usize> {
    let mut seen = BTreeSet::new();
    let mut rows: Vec<(usize, &super::host::ProcessRow)> = rows.collect();
    // Several lists of one machine repeat a process: the row that says most is kept.
    rows.sort_by_key(|(i, r)| (r.elapsed.is_none(), r.ppid.is_none(), *i));
    let mut out: Vec<(u64, std::cmp::Reverse<usize>)> = rows
        .into_iter()
        .filter(|(_, r)| seen.insert(r.pid))
        .map(|(i, r)| (r.elapsed.unwrap_or(0), std::cmp::Reverse(i)))
        .collect();
    out.sort_unstable();
    out.into_iter().map(|(_, i)| i.0).collect()
}
