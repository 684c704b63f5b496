//! What the host says about the processes behind a dump: process lists, hung-task lines and stacks of the kernel.

use super::kernel::TaskStack;
use crate::base::units;
use crate::model::{Place, Quote, StateLine};

/// A row of a process list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessRow {
    /// Machine, where known.
    pub node: Option<String>,
    /// Process id.
    pub pid: u64,
    /// Parent.
    pub ppid: Option<u64>,
    /// State letters of ps (`Ssl`, `D`, `T`).
    pub stat: String,
    /// Age in seconds, where the list tells.
    pub elapsed: Option<u64>,
    /// Base name of the program.
    pub comm: String,
    /// Function of the kernel that it waits in, where the list tells.
    pub wchan: String,
    /// Command line.
    pub cmd: String,
    /// The row.
    pub quote: Quote,
}

impl ProcessRow {
    /// Reads the canonical text of a process (`pid=574 ppid=564 stat=Ssl elapsed=225s comm=runc cmd=…`).
    pub fn parse(text: &str, quote: Quote, node: Option<&str>) -> Option<Self> {
        let (fields, cmd) = text.split_once("cmd=").unwrap_or((text, ""));
        let mut row = Self {
            node: node.map(str::to_owned),
            pid: 0,
            ppid: None,
            stat: String::new(),
            elapsed: None,
            comm: String::new(),
            wchan: String::new(),
            cmd: cmd.trim().to_owned(),
            quote,
        };
        for field in fields.split(' ') {
            match field.split_once('=') {
                Some(("pid", v)) => row.pid = v.parse().ok()?,
                Some(("ppid", v)) => row.ppid = v.parse().ok(),
                Some(("stat", v)) => v.clone_into(&mut row.stat),
                Some(("elapsed", v)) => {
                    row.elapsed = units::duration(v)
                        .and_then(|ns| u64::try_from(ns / crate::base::time::SECOND).ok());
                }
                Some(("comm", v)) => v.clone_into(&mut row.comm),
                Some(("wchan", v)) => v.clone_into(&mut row.wchan),
                _ => {}
            }
        }
        (row.pid > 0).then_some(row)
    }

    /// The row of a state line of component `process`.
    pub fn from_state(line: &StateLine, place: Place, node: Option<&str>) -> Option<Self> {
        let quote = Quote {
            place,
            text: line.quote.clone(),
            time: None,
        };
        Self::parse(&line.text, quote, node.or(line.host.as_deref()))
    }

    /// Stopped by a signal or a debugger.
    pub fn is_stopped(&self) -> bool {
        self.stat.starts_with(['T', 't'])
    }

    /// In an uninterruptible wait in the kernel.
    pub fn is_uninterruptible(&self) -> bool {
        self.stat.starts_with('D')
    }

    /// Whether it runs `program` (`containerd-shim` also means `containerd-shim-runc-v2`, `runc` also `docker-runc`).
    pub fn runs(&self, program: &str) -> bool {
        let name = self.comm.strip_prefix("docker-").unwrap_or(&self.comm);
        name == program
            || name
                .strip_prefix(program)
                .is_some_and(|rest| rest.starts_with("-runc") || rest.starts_with(":["))
            || (program == "cri-o" && name == "crio")
    }

    /// The container that a shim or a runc process is for: a long hexadecimal word of its command line.
    pub fn container(&self) -> Option<&str> {
        self.cmd
            .split(' ')
            .rev()
            .find(|w| w.len() == 64 && w.bytes().all(|b| b.is_ascii_hexdigit()))
    }
}

/// `INFO: task runc:574 blocked for more than 120 seconds.`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HungTask {
    /// Machine, where known.
    pub node: Option<String>,
    /// Name of the thread.
    pub comm: String,
    /// Its id.
    pub pid: u64,
    /// For how long, at least.
    pub seconds: u64,
    /// The line.
    pub quote: Quote,
}

impl HungTask {
    /// Reads a line of the kernel's hung-task watchdog.
    pub fn parse(text: &str, quote: Quote, node: Option<&str>) -> Option<Self> {
        let rest = text.split_once("task ")?.1;
        let (who, rest) = rest.split_once(" blocked for more than ")?;
        let (comm, pid) = who.rsplit_once(':')?;
        Some(Self {
            node: node.map(str::to_owned),
            comm: comm.to_owned(),
            pid: pid.parse().ok()?,
            seconds: rest.split(' ').next()?.parse().ok()?,
            quote,
        })
    }
}

/// Everything the hosts say.
#[derive(Clone, Debug, Default)]
pub struct Host {
    /// Process lists. Rows of later lists may repeat earlier ones.
    pub processes: Vec<ProcessRow>,
    /// Hung tasks.
    pub hung: Vec<HungTask>,
    /// Threads inside the kernel.
    pub stacks: Vec<TaskStack>,
}

impl Host {
    /// Rows of a machine; `None` on either side fits any.
    pub(super) fn on<'a>(
        &'a self,
        node: Option<&'a str>,
    ) -> impl Iterator<Item = (usize, &'a ProcessRow)> {
        self.processes
            .iter()
            .enumerate()
            .filter(move |(_, r)| same_node(r.node.as_deref(), node))
    }

    /// The row of a program on a machine: by process id, else by name.
    pub(super) fn find(
        &self,
        node: Option<&str>,
        pid: Option<u64>,
        program: &str,
    ) -> Option<usize> {
        let by_pid =
            pid.and_then(|pid| self.on(node).find(|(_, r)| r.pid == pid && r.runs(program)));
        by_pid
            .or_else(|| self.on(node).find(|(_, r)| r.runs(program)))
            .map(|(i, _)| i)
    }
}

/// Whether two machines may be the same: what is unknown contradicts nothing.
pub(super) fn same_node(a: Option<&str>, b: Option<&str>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quote() -> Quote {
        Quote {
            place: Place::default(),
            text: String::new(),
            time: None,
        }
    }

    #[test]
    fn reads_a_process_row() {
        let id = "43d6c4d254d58571184bc4e195b748da47231b60e87da928ce5d961b94cc66d2";
        let text = format!(
            "pid=574 ppid=564 stat=Ssl elapsed=225s comm=runc cmd=runc --root /run/x create --bundle /b {id}"
        );
        let row = ProcessRow::parse(&text, quote(), Some("node1")).unwrap();
        assert_eq!(
            (row.pid, row.ppid, row.elapsed),
            (574, Some(564), Some(225))
        );
        assert_eq!(row.container(), Some(id));
        assert!(row.runs("runc") && !row.runs("containerd") && !row.is_stopped());
        assert!(ProcessRow::parse("comm=x cmd=y pid=3", quote(), None).is_none());
    }

    #[test]
    fn names_of_programs() {
        let row =
            |comm: &str| ProcessRow::parse(&format!("pid=1 comm={comm}"), quote(), None).unwrap();
        assert!(row("containerd-shim-runc-v2").runs("containerd-shim"));
        assert!(!row("containerd-shim-runc-v2").runs("containerd"));
        assert!(row("docker-runc").runs("runc") && row("crio").runs("cri-o"));
    }

    #[test]
    fn reads_a_hung_task() {
        let h = HungTask::parse(
            "INFO: task runc:574 blocked for more than 120 seconds.",
            quote(),
            None,
        )
        .unwrap();
        assert_eq!((h.comm.as_str(), h.pid, h.seconds), ("runc", 574, 120));
        assert!(HungTask::parse("task done", quote(), None).is_none());
    }
}
