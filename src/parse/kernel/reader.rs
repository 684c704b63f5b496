//! Puts the lines of a stack together.

use super::Stack;
use super::line::{self, Line, Task, classify};
use crate::base::text;
use crate::model::Place;
use crate::parse::goroutines::peel;
use crate::parse::log;

/// Frames kept of one thread.
const FRAME_LIMIT: usize = 128;
/// Stacks kept of one source.
const STACK_LIMIT: usize = 50_000;
/// Lines of other programs that may stand between two frames of a wrapped log.
const FOREIGN_LIMIT: u32 = 8;
/// Longest line that can be one of a stack.
const LINE_LIMIT: usize = 1024;

/// Reads line by line, for a caller that streams.
#[derive(Debug, Default)]
pub struct Reader {
    /// What the file's own name says of its stacks.
    of_file: Stack,
    open: Option<Stack>,
    wchan: bool,
    foreign: u32,
    done: Vec<Stack>,
}

impl Reader {
    /// A reader for the file at `path`.
    pub fn new(path: &str) -> Self {
        let mut of_file = Stack::default();
        let inner = path.rsplit('!').next().unwrap_or(path);
        if let Some((task, _)) = inner
            .split_once("proc/")
            .and_then(|(_, p)| line::of_path(p))
        {
            of_file.pid = task.pid;
            of_file.thread = task.thread;
        } else {
            let base = inner.rsplit('/').next().unwrap_or(inner);
            let about = ["stack", "wchan", "gdb", "bt"]
                .iter()
                .any(|w| base.contains(w));
            of_file.pid = base
                .split(|c: char| !c.is_ascii_digit())
                .filter(|d| about && !d.is_empty())
                .find_map(|d| d.parse().ok());
        }
        Self {
            of_file,
            ..Self::default()
        }
    }

    /// Whether the next line may belong to an open stack.
    pub fn is_active(&self) -> bool {
        self.open.is_some()
    }

    /// Reads the next line. `true`: it belongs to a stack or announces one.
    pub fn line(&mut self, place: Place, line: &[u8]) -> bool {
        if line.len() > LINE_LIMIT {
            self.close();
            return false;
        }
        let payload = log::payload_of(line);
        let wrapped = payload.len() < line.trim_ascii_end().len();
        let text = String::from_utf8_lossy(dated_away(payload));
        if std::mem::take(&mut self.wchan)
            && let Some(stack) = &mut self.open
        {
            // `head` prints a file without a line end and goes on.
            let word = text.split("==>").next().unwrap_or("").trim();
            if word.len() > 1 && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
                stack.frames.push(word.to_owned());
                self.close();
                return true;
            }
        }
        match classify(&text) {
            Line::Frame(name) => self.frame(place, line, name, false),
            Line::UserFrame(name) => self.frame(place, line, name, true),
            Line::Task(task) => {
                self.task(place, line, &task);
                true
            }
            Line::Wchan(task) => {
                self.task(place, line, &task);
                self.wchan = true;
                true
            }
            Line::Owner(pid) => {
                if let Some(stack) = &mut self.open {
                    stack.owner = Some(pid);
                }
                self.open.is_some()
            }
            Line::Doubtful | Line::Within => {
                self.foreign = 0;
                self.open.is_some()
            }
            Line::Blank => {
                if self.open.as_ref().is_some_and(|s| !s.frames.is_empty()) {
                    self.close();
                }
                false
            }
            Line::Other => {
                self.other(&text, wrapped);
                false
            }
        }
    }

    /// A name between a heading and the first frame (`cat /proc/PID/comm /proc/PID/stack`), or something foreign.
    fn other(&mut self, text: &str, wrapped: bool) {
        let Some(stack) = &mut self.open else { return };
        let word = text.trim();
        if stack.frames.is_empty() && stack.comm.is_empty() && !wrapped {
            let name = !word.is_empty()
                && word.len() <= 16
                && word
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_./:".contains(&b));
            if name {
                word.clone_into(&mut stack.comm);
            }
        }
        self.foreign = self.foreign.saturating_add(1);
        if !wrapped && !stack.frames.is_empty() || self.foreign > FOREIGN_LIMIT {
            self.close();
        }
    }

    fn frame(&mut self, place: Place, line: &[u8], name: &str, user: bool) -> bool {
        self.foreign = 0;
        if self
            .open
            .as_ref()
            .is_some_and(|s| s.user != user && !s.frames.is_empty())
        {
            self.close();
        }
        if self.open.is_none() {
            // Without a heading the file's name must say whose it is.
            if self.of_file.pid.is_none() && self.of_file.thread.is_none() {
                return false;
            }
            self.begin(place, line);
        }
        if let Some(stack) = &mut self.open {
            stack.user = user;
            if stack.frames.len() < FRAME_LIMIT {
                stack.frames.push(name.to_owned());
            }
        }
        true
    }

    fn begin(&mut self, place: Place, line: &[u8]) {
        self.close();
        let peeled = peel::peel(line);
        self.open = Some(Stack {
            place,
            first_line: text::quote(line),
            host: peel::host_of(peeled.prefix, peeled.key),
            time: log::time(line),
            ..self.of_file.clone()
        });
        self.foreign = 0;
    }

    fn task(&mut self, place: Place, line: &[u8], task: &Task<'_>) {
        // A second line about the same thread adds to the first; so does the file beside its stack.
        let adds = self.open.as_ref().is_some_and(|s| {
            let same_number =
                task.pid.is_none() || s.pid.is_none() || s.pid == task.pid || s.pid == task.thread;
            let same_name = task.comm.is_empty() || s.comm.is_empty() || s.comm == task.comm;
            let heading = s.blocked.is_none() && task.blocked.is_none() && s.pid == task.pid;
            s.frames.is_empty() && same_number && same_name && (task.weak || heading)
        });
        if !adds {
            self.begin(place, line);
        }
        let Some(stack) = &mut self.open else { return };
        self.foreign = 0;
        // A number that a report gives is the thread's; the one of its process may follow and be another.
        if task.pid.is_some() && (stack.pid.is_none() || task.thread.is_some() || !adds) {
            stack.pid = task.pid;
        }
        stack.thread = task
            .thread
            .or(stack.thread)
            .filter(|t| Some(*t) != stack.pid);
        stack.ppid = task.ppid.or(stack.ppid);
        stack.blocked = task.blocked.or(stack.blocked);
        if !task.comm.is_empty() {
            task.comm.clone_into(&mut stack.comm);
        }
        if !task.state.is_empty() {
            task.state.clone_into(&mut stack.state);
        }
    }

    fn close(&mut self) {
        self.wchan = false;
        let Some(stack) = self.open.take() else {
            return;
        };
        let whose = stack.pid.is_some() || stack.thread.is_some();
        if whose && !stack.frames.is_empty() && self.done.len() < STACK_LIMIT {
            self.done.push(stack);
        }
    }

    /// The stacks, in the order of their places.
    pub fn finish(mut self) -> Vec<Stack> {
        self.close();
        self.done
    }
}

/// Without the kernel's own time and caller: `<6>[ 7042.118730] [  C0] …`, `[Fri Nov 20 17:06:13 2026] …`.
fn dated_away(text: &[u8]) -> &[u8] {
    let mut rest = text;
    if rest.first() == Some(&b'<')
        && let Some(end) = rest.iter().take(5).position(|b| *b == b'>')
        && rest
            .get(1..end)
            .is_some_and(|d| d.iter().all(u8::is_ascii_digit))
    {
        rest = rest.get(end + 1..).unwrap_or(b"");
    }
    for _ in 0..2 {
        let Some(inner) = rest.strip_prefix(b"[") else {
            break;
        };
        let Some(end) = inner.iter().take(40).position(|b| *b == b']') else {
            break;
        };
        let word = inner.get(..end).unwrap_or(b"");
        let time = word.contains(&b':') || word.contains(&b'.');
        let caller = word
            .trim_ascii()
            .first()
            .is_some_and(|b| matches!(b, b'T' | b'C'))
            && word.iter().any(u8::is_ascii_digit);
        if word.first() == Some(&b'<') || !(time || caller) {
            break;
        }
        rest = inner.get(end + 1..).unwrap_or(b"");
        rest = rest.strip_prefix(b" ").unwrap_or(rest);
    }
    rest
}
