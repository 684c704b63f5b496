//! The sentences of a chain, one for each kind of link, and what to ask for at its end.

use std::collections::BTreeMap;

use super::chains::Teller;
use super::channels::{Way, other_side};
use super::stacks::{View, What, short};
use crate::model::Quote;
use crate::model::waits::{Node, Step};

impl Teller<'_, '_> {
    pub(super) fn process_name(&self, dump: usize) -> String {
        self.view(dump)
            .and_then(|v| v.dump.process.clone())
            .unwrap_or_else(|| String::from("the process"))
    }

    pub(super) fn lock(&self, index: usize) -> Option<Step> {
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
            evidence: view.dump.quotes(first, &frames),
        })
    }

    pub(super) fn goroutine(
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
        let mut minutes = view.minutes(g);
        let subject = match before {
            Some(Node::Lock(l)) => {
                let lock = self.locks.get(*l)?;
                if lock.own == Some(g) {
                    return self.itself(dump, g);
                }
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
            Some(Node::Process(_)) => format!("{process}: its goroutine {id}"),
            Some(Node::Goroutine(d, w))
                if self
                    .view(*d)
                    .is_some_and(|v| matches!(v.what(*w), What::Join { .. })) =>
            {
                format!("{process}: that is goroutine {id}, which")
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
                let beside = self.beside(after);
                count = beside.len().max(1) as u64;
                let longest = beside
                    .iter()
                    .filter_map(|(d, g)| Some(self.view(*d)?.minutes(*g)));
                minutes = longest.max().unwrap_or(minutes);
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
        let mut object = self.waits_for(view, g, after, &mut frames);
        if let Some(Node::Lock(l)) = before
            && let Some(channel) = self.channel(view, *l, g)
        {
            object = channel;
        }
        let text = if before.is_none() && count > 1 {
            format!("{subject}{}", at_least(minutes))
        } else if object.is_empty() {
            format!(
                "{subject}: {}{}",
                view.dump.state(view.goroutine(g)?),
                at_least(minutes)
            )
        } else {
            let joint = match before {
                None | Some(Node::Process(_)) => "",
                Some(Node::Goroutine(..)) if subject.ends_with("which") => "",
                Some(_) => " and",
            };
            format!("{subject}{joint} waits for {object}{}", at_least(minutes))
        };
        Some(Step {
            text,
            count,
            node: Node::Goroutine(dump, g),
            dump: Some(dump),
            evidence: view.dump.quotes(g, &frames),
        })
    }

    /// Who waits for a lock that it took itself.
    fn itself(&self, dump: usize, g: u32) -> Option<Step> {
        let view = self.view(dump)?;
        Some(Step {
            text: format!(
                "{}: goroutine {} itself took that lock further out on its stack: it waits for itself{}",
                self.process_name(dump),
                view.goroutine(g)?.id,
                at_least(view.minutes(g))
            ),
            count: 1,
            node: Node::Goroutine(dump, g),
            dump: Some(dump),
            evidence: view.dump.quotes(g, &view.decisive(g)),
        })
    }

    /// All goroutines that wait for a node.
    fn beside(&self, node: Option<usize>) -> Vec<(usize, u32)> {
        node.and_then(|a| self.graph.before.get(a))
            .into_iter()
            .flatten()
            .filter_map(|i| match self.graph.nodes.get(*i) {
                Some(Node::Goroutine(d, g)) => Some((*d, *g)),
                _ => None,
            })
            .collect()
    }

    /// The channel that the holder of a lock waits on, and who is on its other side.
    fn channel(&self, view: &View<'_>, lock: usize, g: u32) -> Option<String> {
        let lock = self.locks.get(lock)?;
        let side = match Way::of(view.dump.state(view.goroutine(g)?))? {
            Way::Send => "a reader of its channel",
            Way::Receive => "a sender to its channel",
        };
        let Some(other) = other_side(view, lock) else {
            return Some(side.to_owned());
        };
        let id = view.goroutine(other)?.id;
        Some(format!(
            "{side}: that is probably goroutine {id} in {}, which waits for this lock",
            self.outermost(lock.dump, other)
        ))
    }

    /// Who answers a call: whose goroutine handles it, else who may.
    fn answers(&self, view: &View<'_>, service: &str, after: Option<usize>) -> Option<String> {
        let node = view.dump.node.as_deref();
        match after.and_then(|a| self.graph.nodes.get(a)) {
            Some(Node::Goroutine(d, _)) => return Some(self.process_name(*d)),
            Some(Node::Peer { names, .. }) => return self.other_side(node, names).cloned(),
            _ => {}
        }
        let known = self.knowledge.service(service)?;
        self.other_side(node, &known.peer).cloned()
    }

    /// What a goroutine waits for, and the frames that show it.
    fn waits_for(
        &self,
        view: &View<'_>,
        g: u32,
        after: Option<usize>,
        frames: &mut Vec<usize>,
    ) -> String {
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
                    .answers(view, service, after)
                    .map_or_else(String::new, |p| format!(" of {p}"));
                format!("{service}.{method}{peer}")
            }
            What::Join { caller } => {
                frames.push(*caller);
                let shared = view
                    .frames(g)
                    .get(*caller)
                    .and_then(|f| view.role(f.site))
                    .is_some_and(|r| r.owner.ends_with("singleflight.Group"));
                let what = if shared {
                    "the goroutine that runs a call which several share"
                } else {
                    "goroutines that it has started"
                };
                String::from(what)
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

    pub(super) fn peer(
        &self,
        index: usize,
        node: Option<&str>,
        names: &[String],
        from: usize,
    ) -> Step {
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

    pub(super) fn process(&self, index: usize) -> Option<Step> {
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
        let behind = self
            .host
            .in_kernel(&self.knowledge.kernel, row)
            .filter(|b| !b.wait.rests);
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
                .filter(|h| {
                    h.pid == row.pid
                        && super::host::same_node(h.node.as_deref(), row.node.as_deref())
                })
                .map(|h| h.quote.clone())
                .take(2),
        );
        let beyond = behind.map_or_else(String::new, |b| {
            quotes.push(b.quote.clone());
            format!("; {}", b.sentence())
        });
        Some(Step {
            text: format!(
                "{}{word}{container} has not ended: process {}{}{age}{state}{beyond}",
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

    pub(super) fn end(&self, dump: usize, kind: &str) -> Step {
        let behind = self.behind_end(dump, kind);
        let beyond = behind
            .as_ref()
            .map_or_else(String::new, |b| format!(": {}", b.sentence()));
        Step {
            text: format!(
                "{} has not answered {}{beyond}",
                words(kind),
                self.process_name(dump)
            ),
            count: 1,
            node: Node::End {
                dump,
                kind: kind.to_owned(),
            },
            dump: None,
            evidence: behind.map(|b| b.quote).into_iter().collect(),
        }
    }
}

/// `, for some 4 minutes`: the runtime counts whole minutes from a garbage collection that found the goroutine parked, so
/// the number is near the truth, not a bound on it.
fn at_least(minutes: u32) -> String {
    match minutes {
        0 => String::new(),
        1 => String::from(", for about a minute"),
        n => format!(", for some {n} minutes"),
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
