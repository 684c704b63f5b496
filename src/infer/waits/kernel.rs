//! Threads inside the kernel: what the end of a chain waits for beyond the last system call.
//!
//! A goroutine in `[syscall, 1595 minutes, locked to thread]` below `recvfrom`, a `runc` in state D: the stack that the
//! kernel shows of that thread names the server, the disk or the lock. What a function means is data
//! (`src/catalog/goroutines/kernel.toml`).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::asks::Entry;
use super::chains::Teller;
use super::facts::kind;
use super::host::{Host, ProcessRow, same_node};
use super::since;
use super::stacks::What;
use crate::model::waits::{Node, WaitFact};
use crate::model::{Place, Quote, StateLine};

/// Bytes of a thread's name that the kernel keeps.
const COMM: usize = 15;

/// One thread and the functions it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskStack {
    /// Machine, where known.
    pub node: Option<String>,
    /// Process.
    pub pid: Option<u64>,
    /// The thread, where it is not the first one.
    pub thread: Option<u64>,
    /// Name of the thread, cut by the kernel.
    pub comm: String,
    /// `D`, `S` …; empty where nobody says.
    pub state: String,
    /// Functions, innermost first.
    pub frames: Vec<String>,
    /// Its first line.
    pub quote: Quote,
}

impl TaskStack {
    /// Reads the statement about a thread (`pid=123 stat=D comm=terwayd stack=schedule,netlink_recvmsg`). Frames of the
    /// program itself (`user-stack`) say nothing about the kernel.
    pub fn from_state(line: &StateLine, place: Place, node: Option<&str>) -> Option<Self> {
        let mut out = Self {
            node: node.or(line.host.as_deref()).map(str::to_owned),
            quote: Quote {
                place,
                text: line.quote.clone(),
                time: None,
            },
            pid: None,
            thread: None,
            comm: String::new(),
            state: String::new(),
            frames: Vec::new(),
        };
        for field in line.text.split(' ') {
            match field.split_once('=')? {
                ("pid", v) => out.pid = v.parse().ok(),
                ("thread", v) => out.thread = v.parse().ok(),
                ("comm", v) => v.clone_into(&mut out.comm),
                ("stat", v) => v.clone_into(&mut out.state),
                ("stack", v) => out.frames = v.split(',').map(str::to_owned).collect(),
                _ => {}
            }
        }
        (!out.frames.is_empty()).then_some(out)
    }

    fn is_of(&self, pid: u64) -> bool {
        self.pid == Some(pid) || self.thread == Some(pid)
    }

    fn is_blocked(&self) -> bool {
        self.state.starts_with('D')
    }
}

/// One row of the table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KernelWait {
    pub kind: String,
    pub what: String,
    #[serde(default)]
    ends: Vec<String>,
    #[serde(default)]
    pub rests: bool,
    functions: Vec<String>,
    pub ask: Option<Entry>,
}

/// The table.
#[derive(Debug, Default)]
pub(super) struct KernelWaits {
    waits: Vec<KernelWait>,
    functions: BTreeMap<String, usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KernelFile {
    wait: Vec<KernelWait>,
}

impl KernelWaits {
    /// The built-in table. That it is well formed is proved by a test.
    pub(super) fn builtin() -> Self {
        Self::read().unwrap_or_default()
    }

    fn read() -> Result<Self, toml::de::Error> {
        let file: KernelFile =
            toml::from_str(include_str!("../../catalog/goroutines/kernel.toml"))?;
        let mut functions = BTreeMap::new();
        for (i, wait) in file.wait.iter().enumerate() {
            for f in &wait.functions {
                functions.entry(f.clone()).or_insert(i);
            }
        }
        Ok(Self {
            waits: file.wait,
            functions,
        })
    }

    /// What the innermost known function of a stack waits for, and that function.
    pub(super) fn of<'a>(
        &self,
        frames: impl IntoIterator<Item = &'a String>,
    ) -> Option<(&KernelWait, &'a str)> {
        frames.into_iter().find_map(|f| {
            let wait = self.waits.get(*self.functions.get(f)?)?;
            Some((wait, f.as_str()))
        })
    }
}

/// What a thread behind an end of a chain waits for.
pub(super) struct Behind<'a> {
    pub wait: &'a KernelWait,
    pub function: &'a str,
    /// Thread, or first thread of the process.
    pub thread: Option<u64>,
    pub quote: Quote,
}

impl Behind<'_> {
    /// `thread 2109 is in netlink_recvmsg in the kernel and waits for …`.
    pub(super) fn sentence(&self) -> String {
        let who = self
            .thread
            .map_or_else(|| String::from("its thread"), |t| format!("thread {t}"));
        format!(
            "{who} is in {} in the kernel and waits for {}",
            self.function, self.wait.what
        )
    }
}

impl Host {
    /// What the process of a row waits for inside the kernel: by its stack, else by the wait channel of the list.
    pub(super) fn in_kernel<'a>(
        &'a self,
        table: &'a KernelWaits,
        row: &'a ProcessRow,
    ) -> Option<Behind<'a>> {
        let of_stack = self
            .stacks
            .iter()
            .filter(|s| same_node(s.node.as_deref(), row.node.as_deref()) && s.is_of(row.pid))
            .filter_map(|s| Some((s, table.of(&s.frames)?)))
            // The thread that hangs tells more than those that rest.
            .min_by_key(|(s, (wait, _))| (wait.rests, !s.is_blocked(), s.quote.place));
        if let Some((s, (wait, function))) = of_stack {
            return Some(Behind {
                wait,
                function,
                thread: s.thread.or(s.pid),
                quote: s.quote.clone(),
            });
        }
        let (wait, function) = table.of([&row.wchan])?;
        Some(Behind {
            wait,
            function,
            thread: Some(row.pid),
            quote: row.quote.clone(),
        })
    }

    /// The thread of a program that waits inside the kernel for what a goroutine's call waits for.
    fn confirms<'a>(
        &'a self,
        table: &'a KernelWaits,
        node: Option<&str>,
        (pid, program): (Option<u64>, &str),
        end: &str,
    ) -> Option<Behind<'a>> {
        let of_program = |s: &TaskStack| match (pid, s.pid) {
            (Some(a), Some(b)) if a == b => true,
            _ => {
                let name = s.comm.strip_prefix("docker-").unwrap_or(&s.comm);
                !name.is_empty() && name == program.get(..COMM).unwrap_or(program)
                    || s.comm.is_empty()
                        && s.pid.is_some_and(|p| {
                            self.on(node).any(|(_, r)| r.pid == p && r.runs(program))
                        })
            }
        };
        self.stacks
            .iter()
            .filter(|s| same_node(s.node.as_deref(), node) && of_program(s))
            .filter_map(|s| Some((s, table.of(&s.frames)?)))
            .filter(|(_, (wait, _))| wait.ends.iter().any(|e| e == end))
            .min_by_key(|(s, _)| (!s.is_blocked(), s.quote.place))
            .map(|(s, (wait, function))| Behind {
                wait,
                function,
                thread: s.thread.or(s.pid),
                quote: s.quote.clone(),
            })
    }
}

impl Teller<'_, '_> {
    /// The thread in the kernel behind an end of a dump's process.
    pub(super) fn behind_end(&self, dump: usize, kind: &str) -> Option<Behind<'_>> {
        let d = self.views.get(dump)?.dump;
        self.host.confirms(
            &self.knowledge.kernel,
            d.node.as_deref(),
            (d.pid, d.process.as_deref().unwrap_or("")),
            kind,
        )
    }

    /// The thread in the kernel behind what a goroutine waits for outside of its process.
    pub(super) fn behind_goroutine(&self, dump: usize, g: u32) -> Option<Behind<'_>> {
        let What::End { end, .. } = self.views.get(dump)?.what(g) else {
            return None;
        };
        self.behind_end(dump, &self.knowledge.ends.get(*end)?.kind)
    }

    /// The thread in the kernel at the end of a chain, unless it rests.
    pub(super) fn behind(&self, node: usize) -> Option<Behind<'_>> {
        match self.graph.nodes.get(node)? {
            Node::End { dump, kind } => self.behind_end(*dump, kind),
            Node::Process(i) => self
                .host
                .in_kernel(&self.knowledge.kernel, self.host.processes.get(*i)?)
                .filter(|b| !b.wait.rests),
            _ => None,
        }
    }
}

/// So many goroutines in system calls keep so many threads that it is worth saying.
const THREADS: usize = 200;

impl Teller<'_, '_> {
    /// Programs whose goroutines keep hundreds of threads in system calls that do not return.
    pub(super) fn threads(&self) -> Vec<WaitFact> {
        let mut out = Vec::new();
        for (d, view) in self.views.iter().enumerate() {
            let inside: Vec<u32> = view
                .shapes
                .iter()
                .filter(|s| view.dump.stacks.text(s.state) == "syscall" && s.what != What::Idle)
                .flat_map(|s| s.members.iter().copied())
                .collect();
            let longest = inside
                .iter()
                .copied()
                .max_by_key(|g| (view.minutes(*g), std::cmp::Reverse(*g)));
            let (Some(g), true) = (longest, inside.len() >= THREADS) else {
                continue;
            };
            let Some(kind) = kind("threads-in-syscalls") else {
                continue;
            };
            let (entity, mut keys) = self.base(d);
            let pairs: Vec<(usize, u32)> = inside.iter().map(|g| (d, *g)).collect();
            let calls = self.calls(&pairs);
            if let (Some(program), Some(host)) = (keys.get("program"), keys.get("host")) {
                keys.insert(String::from("component"), format!("{program}@{host}"));
            }
            keys.insert(String::from("threads"), inside.len().to_string());
            keys.insert(String::from("calls"), calls.clone());
            let telling: Vec<usize> = view.telling(g).into_iter().collect();
            out.push(WaitFact {
                kind,
                alone: true,
                entity,
                keys,
                evidence: view.dump.quotes(g, &telling),
                first: since(view.dump.time, view.minutes(g)),
                last: view.dump.time,
                count: inside.len() as u64,
                because: format!(
                    "{} goroutines are in system calls, each with a thread of its own: {calls}",
                    inside.len()
                ),
                ask: None,
            });
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::kernel_stack;
    use super::*;

    fn stack(text: &str) -> TaskStack {
        kernel_stack(text, Place::default(), "n1")
    }

    fn row(text: &str) -> ProcessRow {
        let quote = Quote {
            place: Place::default(),
            text: text.to_owned(),
            time: None,
        };
        ProcessRow::parse(text, quote, Some("n1")).unwrap()
    }

    #[test]
    fn the_table_is_well_formed() {
        let table = KernelWaits::read().unwrap();
        let all: usize = table.waits.iter().map(|w| w.functions.len()).sum();
        assert_eq!(all, table.functions.len(), "a function is listed twice");
        for wait in &table.waits {
            assert!(
                !wait.kind.is_empty() && (wait.rests || !wait.ends.is_empty()),
                "{wait:?}"
            );
        }
    }

    #[test]
    fn the_innermost_known_function_decides() {
        let table = KernelWaits::builtin();
        let kind = |frames: &str| {
            let frames: Vec<String> = frames.split(',').map(str::to_owned).collect();
            table
                .of(&frames)
                .map(|(w, f)| (w.kind.clone(), f.to_owned()))
        };
        let case = |frames, expected: Option<(&str, &str)>| {
            let found = kind(frames);
            let found = found.as_ref().map(|(k, f)| (k.as_str(), f.as_str()));
            assert_eq!(found, expected, "{frames}");
        };
        case(
            "__skb_wait_for_more_packets,__skb_recv_datagram,netlink_recvmsg,sys_recvfrom",
            Some(("netlink", "netlink_recvmsg")),
        );
        case(
            "__schedule,schedule,rpc_wait_bit_killable,__rpc_execute,nfs3_proc_getattr,vfs_stat",
            Some(("nfs", "rpc_wait_bit_killable")),
        );
        case(
            "__schedule,io_schedule,folio_wait_bit_common,jbd2_journal_commit_transaction",
            Some(("block-io", "io_schedule")),
        );
        case(
            "mutex_lock,rtnl_lock,rtnetlink_rcv_msg,netlink_rcv_skb,netlink_sendmsg",
            Some(("rtnl", "rtnl_lock")),
        );
        case(
            "futex_wait_queue_me,do_futex",
            Some(("futex", "futex_wait_queue_me")),
        );
        case("__schedule,schedule,some_driver_ioctl", None);
    }

    #[test]
    fn a_process_and_the_thread_that_hangs() {
        let table = KernelWaits::builtin();
        let host = Host {
            stacks: vec![
                stack("pid=5 comm=dockerd stack=futex_wait_queue_me"),
                stack("pid=5 thread=7 stat=D comm=dockerd stack=schedule,rpc_wait_bit_killable"),
            ],
            ..Host::default()
        };
        let five = row("pid=5 stat=Dsl comm=dockerd");
        let behind = host.in_kernel(&table, &five).unwrap();
        assert_eq!((behind.wait.kind.as_str(), behind.thread), ("nfs", Some(7)));
        assert!(
            behind
                .sentence()
                .starts_with("thread 7 is in rpc_wait_bit_killable")
        );
        let other = row("pid=6 stat=D comm=runc wchan=cgroup_kn_lock_live");
        assert_eq!(host.in_kernel(&table, &other).unwrap().wait.kind, "cgroup");
        assert!(host.in_kernel(&table, &row("pid=8 comm=runc")).is_none());
    }

    #[test]
    fn only_a_thread_of_the_program_that_waits_for_the_same_confirms() {
        let table = KernelWaits::builtin();
        let host = Host {
            processes: vec![row("pid=9 comm=terwayd cmd=terwayd")],
            stacks: vec![
                stack("pid=9 thread=11 stack=netlink_recvmsg"),
                stack("pid=12 comm=other stack=netlink_recvmsg"),
            ],
            ..Host::default()
        };
        let ask = |node, pid, program, end| {
            host.confirms(&table, node, (pid, program), end)
                .and_then(|b| b.thread)
        };
        assert_eq!(ask(Some("n1"), None, "terwayd", "netlink"), Some(11));
        assert_eq!(ask(None, Some(9), "x", "netlink"), Some(11));
        assert_eq!(ask(Some("n2"), Some(9), "terwayd", "netlink"), None);
        assert_eq!(ask(Some("n1"), None, "terwayd", "disk"), None);
        assert_eq!(ask(Some("n1"), None, "kubelet", "netlink"), None);
    }
}
