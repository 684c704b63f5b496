//! Says what one line of a kernel stack, or of what announces one, is.

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// A function, without offset and module.
    Frame(&'a str),
    /// A frame of a program as a debugger prints it.
    UserFrame(&'a str),
    /// The kernel does not stand behind this frame (`? f+0x1/0x2`).
    Doubtful,
    /// A thread: what is known of it. Frames follow.
    Task(Task<'a>),
    /// `/proc/1234/wchan`: the next word is the function.
    Wchan(Task<'a>),
    /// The watchdog's second line: who owns the lock.
    Owner(u64),
    /// Stands within a stack and says nothing here (`Call Trace:`, registers, taint).
    Within,
    Blank,
    Other,
}

/// What a heading says of its thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Task<'a> {
    pub pid: Option<u64>,
    pub thread: Option<u64>,
    pub ppid: Option<u64>,
    pub comm: &'a str,
    pub state: &'a str,
    pub blocked: Option<u64>,
    /// It continues what the line before said of the same thread, or belongs to no stack by itself.
    pub weak: bool,
}

/// Says what `text` (without wrapping) is.
pub(super) fn classify(text: &str) -> Line<'_> {
    let text = text.trim();
    if text.is_empty() {
        return Line::Blank;
    }
    if let Some(line) = frame(text) {
        return line;
    }
    if let Some(line) = hung(text) {
        return line;
    }
    if let Some(task) = shown(text)
        .or_else(|| crash(text))
        .or_else(|| debugger(text))
        .or_else(|| status(text))
    {
        return Line::Task(task);
    }
    if let Some(line) = collected(text) {
        return line;
    }
    if within(text) {
        Line::Within
    } else {
        Line::Other
    }
}

/// `[<0>] f+0x1/0x2 [mod]`, `f+0x1/0x2`, `? f+0x1/0x2`, `#0 [ffff…] f at ffffffff…`, `#1  0x… in f () from …`.
fn frame(text: &str) -> Option<Line<'_>> {
    if let Some(rest) = text.strip_prefix('#') {
        return numbered(rest);
    }
    // `cat wchan stack`: the first file has no line end.
    let text = match text.split_once("[<") {
        Some((word, _)) if word == "0" || is_function(word) => text.get(word.len()..)?,
        _ => text,
    };
    let rest = match text.strip_prefix("[<") {
        Some(rest) => {
            let (address, rest) = rest.split_once(">]")?;
            if !address.bytes().all(|b| b.is_ascii_hexdigit()) {
                return None;
            }
            rest.trim_start()
        }
        None => text,
    };
    let bare = rest.len() == text.len();
    if let Some(guess) = rest.strip_prefix("? ") {
        return offset(guess).map(|_| Line::Doubtful);
    }
    if let Some(name) = offset(rest) {
        return Some(Line::Frame(name));
    }
    // The end of a stack, or a function of a kernel without offsets.
    match rest {
        _ if bare => None,
        "0xffffffffffffffff" | "0x0" => Some(Line::Within),
        name if is_function(name) => Some(Line::Frame(name)),
        _ => Some(Line::Within),
    }
}

/// The function of `f+0x1f/0x2a0 [module]`.
fn offset(text: &str) -> Option<&str> {
    let (name, rest) = text.split_once("+0x")?;
    let word = rest.split(' ').next()?;
    let (offset, size) = word.split_once("/0x")?;
    let hex = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_hexdigit());
    (is_function(name) && hex(offset) && hex(size)).then(|| plain(name))
}

fn is_function(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 128
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'$'))
        && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// Without what the compiler adds (`.isra.0`, `.constprop.3`, `.part.1`, `.cold`).
fn plain(name: &str) -> &str {
    name.split('.')
        .next()
        .filter(|n| !n.is_empty())
        .unwrap_or(name)
}

fn numbered(rest: &str) -> Option<Line<'_>> {
    let (number, rest) = rest.split_once(' ')?;
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let rest = rest.trim_start();
    if let Some(rest) = rest.strip_prefix('[') {
        let (stack, rest) = rest.split_once("] ")?;
        let name = rest.split_once(" at ").map_or(rest, |(n, _)| n);
        let name = name.split(['+', ' ']).next().unwrap_or(name);
        let hex = stack.bytes().all(|b| b.is_ascii_hexdigit());
        return (hex && is_function(name)).then(|| Line::Frame(plain(name)));
    }
    let rest = match rest.strip_prefix("0x") {
        Some(r) => r.split_once(" in ").map_or(r, |(_, r)| r),
        None => rest,
    };
    let name = rest.split([' ', '(']).next()?;
    (!name.is_empty() && name.len() <= 512).then_some(Line::UserFrame(name))
}

/// `INFO: task runc:1234 blocked for more than 120 seconds.`, and who owns the lock.
fn hung(text: &str) -> Option<Line<'_>> {
    let rest = text.split_once("task ")?.1;
    if let Some((_, owner)) = rest.split_once(" owned by task ") {
        let pid = owner.trim_end_matches('.').rsplit_once(':')?.1;
        return Some(Line::Owner(pid.parse().ok()?));
    }
    let (who, rest) = rest.split_once(" blocked ")?;
    let (comm, pid) = who.rsplit_once(':')?;
    // "for more than 120 seconds", "in I/O wait for more than 120 seconds".
    let seconds = rest.split_once("for more than ")?.1.split(' ').next()?;
    Some(Line::Task(Task {
        pid: Some(pid.parse().ok()?),
        comm,
        state: "D",
        blocked: Some(seconds.parse().ok()?),
        ..Task::default()
    }))
}

/// `task:runc state:D stack: 0 pid: 1234 ppid: 1230 flags:0x…`, `runc D ffff88003fc13780 0 1234 1230 0x00000080`.
fn shown(text: &str) -> Option<Task<'_>> {
    if let Some(rest) = text.strip_prefix("task:") {
        let (comm, rest) = rest.split_once(" state:")?;
        let number = |name: &str| {
            let (_, after) = rest.split_once(name)?;
            let word = after.trim_start();
            let end = word
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(word.len());
            word.get(..end)?.parse().ok()
        };
        let (pid, tgid): (u64, Option<u64>) = (number(" pid:")?, number(" tgid:"));
        return Some(Task {
            pid: tgid.or(Some(pid)),
            thread: tgid.filter(|t| *t != pid).map(|_| pid),
            ppid: number(" ppid:"),
            comm: comm.trim(),
            state: rest.get(..1)?,
            weak: true,
            ..Task::default()
        });
    }
    let (head, flags) = text.rsplit_once(' ')?;
    let flags = flags.strip_prefix("0x")?;
    if flags.len() < 8 || !flags.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut back = head.split_ascii_whitespace().rev();
    let (ppid, pid, free) = (back.next()?, back.next()?, back.next()?);
    let (ppid, pid): (u64, u64) = (ppid.parse().ok()?, pid.parse().ok()?);
    let _: u64 = free.parse().ok()?;
    let mut state = back.next()?;
    if state.len() > 1 && state.bytes().all(|b| b.is_ascii_hexdigit()) {
        state = back.next()?;
    }
    if state.len() != 1 || !matches!(state, "R" | "S" | "D" | "T" | "t" | "X" | "Z" | "P" | "I") {
        return None;
    }
    let comm = head.split(&format!(" {state} ")).next()?.trim();
    (!comm.is_empty() && comm.len() <= 32).then_some(Task {
        pid: Some(pid),
        ppid: Some(ppid),
        comm,
        state,
        weak: true,
        ..Task::default()
    })
}

/// `PID: 1234   TASK: ffff88013a6a8fd0  CPU: 1   COMMAND: "terwayd"`.
fn crash(text: &str) -> Option<Task<'_>> {
    let rest = text.strip_prefix("PID: ")?;
    let (_, command) = rest
        .split_once("COMMAND: \"")
        .filter(|_| rest.contains(" TASK: "))?;
    Some(Task {
        pid: Some(rest.split_ascii_whitespace().next()?.parse().ok()?),
        comm: command.split('"').next().unwrap_or(command),
        ..Task::default()
    })
}

/// `Thread 12 (Thread 0x7f… (LWP 1234)):`, `Thread 1 (LWP 1234 "dockerd"):`, `TID 1234:`.
fn debugger(text: &str) -> Option<Task<'_>> {
    let number = |t: &str| {
        let end = t.find(|c: char| !c.is_ascii_digit()).unwrap_or(t.len());
        t.get(..end).and_then(|d| d.parse().ok())
    };
    if let Some(rest) = text.strip_prefix("TID ") {
        return text.ends_with(':').then_some(Task {
            thread: Some(number(rest)?),
            ..Task::default()
        });
    }
    let rest = text
        .strip_prefix("Thread ")
        .filter(|_| text.ends_with(':'))?;
    let (_, lwp) = rest.split_once("LWP ")?;
    Some(Task {
        thread: Some(number(lwp)?),
        comm: lwp.split('"').nth(1).unwrap_or(""),
        ..Task::default()
    })
}

/// A line of `/proc/PID/status` beside a stack: `Name:`, `State:`, `Tgid:`, `Pid:`.
fn status(text: &str) -> Option<Task<'_>> {
    let (name, value) = text.split_once(':')?;
    let value = value.trim();
    let mut task = Task {
        weak: true,
        ..Task::default()
    };
    match name {
        "Name" => task.comm = value,
        "State" if value.get(1..2).is_none_or(|b| b == " ") => task.state = value.get(..1)?,
        "Tgid" => task.pid = Some(value.parse().ok()?),
        "Pid" => task.thread = Some(value.parse().ok()?),
        _ => return None,
    }
    (value.len() <= 64).then_some(task)
}

/// `==> /proc/123/task/456/stack <==`, `/proc/123/stack:`, `== 1234`, `--- pid 1234 (runc) ---`, `Attaching to process 1234`.
fn collected(text: &str) -> Option<Line<'_>> {
    if text.len() > 256 {
        return None;
    }
    if let Some((_, path)) = text.split_once("proc/")
        && let Some((task, what)) = of_path(path)
    {
        return Some(if what == "wchan" {
            Line::Wchan(task)
        } else {
            Line::Task(task)
        });
    }
    if let Some(rest) = text.strip_prefix("Attaching to process ") {
        return Some(Line::Task(Task {
            pid: Some(rest.trim_end_matches([',', '.']).parse().ok()?),
            weak: true,
            ..Task::default()
        }));
    }
    let bare = text.trim_matches(['=', '#', '-', '*', '>', '<', ' ', ':']);
    let mut words = bare.split([' ', '=', ':', ',']).filter(|w| !w.is_empty());
    let mut first = words.next()?;
    let mut named = false;
    while matches!(
        first.to_ascii_lowercase().as_str(),
        "pid" | "process" | "tid" | "thread" | "task" | "stack" | "kernel" | "of" | "for"
    ) {
        named = true;
        first = words.next()?;
    }
    let marked = bare.len() != text.len();
    let pid = first
        .parse()
        .ok()
        .filter(|_| named || marked || bare.len() <= 40)?;
    let comm = words
        .next()
        .unwrap_or("")
        .trim_matches(['(', ')', '[', ']', '"']);
    Some(Line::Task(Task {
        pid: Some(pid),
        comm: if comm.starts_with(|c: char| c.is_ascii_alphabetic()) && comm.len() <= 32 {
            comm
        } else {
            ""
        },
        ..Task::default()
    }))
}

/// The thread of `123/task/456/stack`, and which of its files it is.
pub(super) fn of_path(path: &str) -> Option<(Task<'static>, &str)> {
    let mut parts = path.split('/');
    let pid = parts.next()?.parse().ok();
    // A heading may name the folder of the thread alone.
    let mut next = parts.next().unwrap_or("stack");
    let mut thread = None;
    if next == "task" {
        thread = parts.next()?.parse().ok();
        next = parts.next().unwrap_or("stack");
    }
    let word = next
        .split(|c: char| !c.is_ascii_alphanumeric())
        .next()
        .unwrap_or("");
    let known = matches!(word, "stack" | "wchan" | "comm" | "status" | "cmdline");
    (known && (pid.is_some() || thread.is_some())).then_some((
        Task {
            pid,
            thread: thread.filter(|t| Some(*t) != pid),
            weak: !matches!(word, "stack" | "wchan"),
            ..Task::default()
        },
        word,
    ))
}

fn within(text: &str) -> bool {
    const STARTS: [&str; 22] = [
        "Call Trace:",
        "Call trace:",
        "Stack:",
        "<TASK>",
        "</TASK>",
        "<IRQ>",
        "</IRQ>",
        "RIP:",
        "RSP:",
        "RAX:",
        "RDX:",
        "RBP:",
        "R10:",
        "R13:",
        "Workqueue:",
        "Not tainted",
        "Tainted:",
        "\"echo 0 >",
        "Code:",
        "ORIG_RAX:",
        "CS:",
        "Backtrace:",
    ];
    STARTS.iter().any(|s| text.starts_with(s))
        || text.contains(" Not tainted ")
        || text.contains(" Tainted: ")
        || text.contains("hung_task_timeout_secs")
}
