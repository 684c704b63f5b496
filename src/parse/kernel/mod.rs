//! Stacks of threads inside the kernel, wherever they stand: what a process that does not answer waits for.
//!
//! `/proc/PID/stack` and `/proc/PID/task/*/stack` gathered by `head`, `tail` or a loop, `/proc/PID/wchan`, hung-task
//! and sysrq reports of the kernel log in every wrapping, `bt` of `crash`, `pstack` and gdb. A frame is a function name;
//! what it means is not said here.

mod line;
mod reader;

pub use reader::Reader;

use crate::base::text;
use crate::base::time::RawStamp;
use crate::model::{Component, Entity, Place, StateLine};

/// Texts of which one stands in every block that holds such a stack: where none does, no line need be looked at.
pub const MARKS: [&str; 4] = ["+0x", " TASK: ffff", "(LWP ", "/wchan"];
/// Most frames that a statement names: who waits for what is seen far within them.
const NAMED: usize = 24;

/// One thread and the functions it is in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stack {
    /// Its process, as far as the source tells. The kernel's own reports give the thread's number, which is the
    /// process's for its first thread.
    pub pid: Option<u64>,
    /// Its own number, where it is known to differ or the process is not known.
    pub thread: Option<u64>,
    /// Parent of the process.
    pub ppid: Option<u64>,
    /// Its name (at most 15 bytes).
    pub comm: String,
    /// `D`, `S`, `R` …
    pub state: String,
    /// Seconds it has been blocked at least, where the hung-task watchdog says so.
    pub blocked: Option<u64>,
    /// The task that owns the lock it waits for, where the kernel says so.
    pub owner: Option<u64>,
    /// The frames are those of the program, not the kernel's.
    pub user: bool,
    /// Functions, innermost first, without offsets.
    pub frames: Vec<String>,
    /// Its first line.
    pub place: Place,
    /// What the first line says.
    pub first_line: String,
    /// Machine, where a wrapping names it.
    pub host: Option<String>,
    /// Time of the first line.
    pub time: Option<RawStamp>,
}

impl Stack {
    /// The stack as a statement (`docs/rules.md`, "Pseudo components").
    pub fn state_line(&self) -> StateLine {
        use std::fmt::Write as _;
        let mut out = String::new();
        let mut field = |name: &str, value: &str| {
            if !value.is_empty() {
                let blank = if out.is_empty() { "" } else { " " };
                let _ = write!(out, "{blank}{name}={value}");
            }
        };
        let number = |n: Option<u64>| n.map_or_else(String::new, |n| n.to_string());
        field("pid", &number(self.pid));
        field("ppid", &number(self.ppid));
        field("stat", &self.state);
        field("comm", &self.comm.replace(' ', "-"));
        field("thread", &number(self.thread));
        field(
            "blocked",
            &self.blocked.map_or_else(String::new, |s| format!("{s}s")),
        );
        field("owner", &number(self.owner));
        let frames: Vec<&str> = self.frames.iter().take(NAMED).map(String::as_str).collect();
        let name = if self.user { "user-stack" } else { "stack" };
        field(name, &frames.join(","));
        let of = self.pid.or(self.thread).unwrap_or(0);
        StateLine {
            component: Component::KERNEL_STACK,
            entity: Entity::new("process", &of.to_string()),
            text: text::quote(out.as_bytes()),
            quote: self.first_line.clone(),
            line: self.place.line,
            first: self.time,
            last: self.time,
            count: 1,
            host: self.host.clone(),
        }
    }
}

/// Every stack in a text.
pub fn read(text: &[u8], path: &str) -> Vec<Stack> {
    let mut reader = Reader::new(path);
    let mut place = Place {
        line: 1,
        ..Place::default()
    };
    for line in text.split_inclusive(|b| *b == b'\n') {
        reader.line(place, line);
        place.offset = place.offset.saturating_add(line.len() as u64);
        place.line = place.line.saturating_add(1);
    }
    reader.finish()
}

#[cfg(test)]
mod tests;
