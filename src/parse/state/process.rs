//! Process lists: `ps aux`, `ps -ef` with or without tree, `ps -eLf` threads, `top -b`.
//!
//! `root          52  0.0  0.2 1869424 51100 ?       Tsl  17:02   0:00 containerd --config /etc/kubernetes/containerd.toml`
//! becomes `pid=52 stat=Tsl elapsed=… comm=containerd cmd=…`. Threads are folded into their process, those in
//! uninterruptible sleep are said one by one. A start time of day becomes an age only when the list itself shows
//! the time: its own `ps` process. What a state letter means is not said here.

use std::collections::BTreeMap;

use super::ClockHint;
use super::sink::{Chunk, Line, Sink, Text, When, is_blank};
use super::stamp;
use crate::base::time::{DAY, MINUTE, RawStamp, SECOND};
use crate::model::{Component, Entity};

/// The columns of a list; the last holds the rest of the line.
struct Columns {
    names: Vec<String>,
    command: usize,
}

impl Columns {
    fn of(line: &str) -> Option<Self> {
        let names: Vec<String> = line
            .split_whitespace()
            .map(str::to_ascii_uppercase)
            .collect();
        let command = names
            .iter()
            .position(|n| matches!(n.as_str(), "COMMAND" | "CMD" | "ARGS" | "COMM" | "UCMD"))?;
        (command > 0 && names.iter().any(|n| n == "PID")).then_some(Self { names, command })
    }

    /// The cells of a row. `lstart` and old `START` values hold blanks, which only the count of words shows.
    fn cells<'l>(&self, line: &'l str) -> Option<Vec<&'l str>> {
        let mut cells = Vec::with_capacity(self.names.len());
        let mut rest = line;
        for name in self.names.get(..self.command)? {
            let words = if matches!(name.as_str(), "STARTED" | "LSTART") {
                5
            } else {
                1
            };
            rest = rest.trim_start();
            let mut end = 0usize;
            for n in 0..words {
                let tail = rest.get(end..)?;
                let lead = tail.len().saturating_sub(tail.trim_start().len());
                let lead = if n == 0 { 0 } else { lead };
                let word = tail.get(lead..)?;
                let len = word.find(char::is_whitespace).unwrap_or(word.len());
                if len == 0 {
                    return None;
                }
                // `STARTED` of `ps -o start` is one word: a time or `Nov 20`.
                if n == 1 && !is_weekday(rest.get(..end)?) {
                    break;
                }
                end = end.saturating_add(lead).saturating_add(len);
            }
            let (cell, tail) = rest.split_at_checked(end)?;
            cells.push(cell);
            rest = tail;
        }
        // One blank separates the command; more of them are the tree.
        cells.push(rest.strip_prefix(' ').unwrap_or(rest));
        Some(cells)
    }

    fn get<'l>(&self, cells: &[&'l str], names: &[&str]) -> &'l str {
        names
            .iter()
            .find_map(|n| self.names.iter().position(|c| c == n))
            .and_then(|at| cells.get(at).copied())
            .unwrap_or_default()
    }
}

fn is_weekday(word: &str) -> bool {
    ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].contains(&word)
}

/// One row.
struct Row {
    at: usize,
    pid: u64,
    ppid: Option<u64>,
    thread: Option<u64>,
    stat: String,
    wchan: String,
    began: Began,
    comm: String,
    cmd: String,
}

/// What a row says about its start.
#[derive(Clone, Copy)]
enum Began {
    Unknown,
    Elapsed(i64),
    Clock(i64),
    Full(RawStamp),
}

/// Whether a line is the header of a process list.
pub(super) fn is_header(line: &str) -> bool {
    line.len() < 1024
        && Columns::of(line).is_some_and(|c| {
            c.names.iter().any(|n| {
                matches!(
                    n.as_str(),
                    "STAT" | "S" | "PPID" | "TTY" | "%CPU" | "VSZ" | "TIME"
                )
            })
        })
}

/// Reads a process list.
pub(super) fn read(sink: &mut Sink<'_>, chunk: Chunk<'_>) {
    read_under(sink, chunk, None);
}

/// Reads a process list whose header a filter may have taken away.
pub(super) fn read_under(sink: &mut Sink<'_>, chunk: Chunk<'_>, header: Option<&str>) {
    let mut columns = header.and_then(Columns::of);
    let mut rows: Vec<Row> = Vec::new();
    let (mut misfits, mut screens) = (0u64, 0u32);
    for line in chunk.lines() {
        let text = line.text.trim_end();
        if text.starts_with("top - ") {
            screens = screens.saturating_add(1);
            if screens > 1 {
                sink.note("only the first screen of top was read");
                break;
            }
            super::host::clock::uptime(sink, line.at, text.trim_start_matches("top - "));
            continue;
        }
        if is_header(text) {
            columns = Columns::of(text);
            continue;
        }
        let Some(columns) = &columns else { continue };
        if text.is_empty() {
            continue;
        }
        match row(columns, &line) {
            Some(row) => rows.push(row),
            None => misfits = misfits.saturating_add(1),
        }
    }
    if misfits > 0 {
        sink.note(format!(
            "{misfits} rows of the process list do not fit its header"
        ));
    }
    // The list's own process began when the list was made.
    let now = rows
        .iter()
        .filter(|r| r.comm == "ps")
        .find_map(|r| match r.began {
            Began::Clock(ns) => Some(ns),
            _ => None,
        });
    if let (Some(ns), Some(row)) = (now, rows.iter().find(|r| r.comm == "ps")) {
        sink.hint(row.at, |line| ClockHint::TimeOfDay { ns, line });
    }
    let now = now.or(sink.time_of_day);
    say(sink, &rows, now);
}

fn row(columns: &Columns, line: &Line<'_>) -> Option<Row> {
    let cells = columns.cells(&line.text)?;
    let get = |names: &[&str]| columns.get(&cells, names);
    let pid = get(&["PID"]).parse().ok()?;
    let command = cells.last().copied().unwrap_or_default();
    let cmd = command.trim_start_matches([' ', '\\', '_', '|', '`', '-']);
    // A bare `-` or a command that is all art stays as it is.
    let cmd = if cmd.is_empty() { command.trim() } else { cmd };
    let only_name = columns.names.get(columns.command).map(String::as_str) == Some("COMM");
    Some(Row {
        at: line.at,
        pid,
        ppid: get(&["PPID"]).parse().ok(),
        thread: get(&["TID", "LWP", "SPID"]).parse().ok(),
        stat: get(&["STAT", "S"]).to_owned(),
        wchan: get(&["WCHAN"]).to_owned(),
        began: began(
            get(&["ELAPSED"]),
            get(&["START", "STIME", "STARTED", "LSTART"]),
        ),
        comm: program(cmd),
        cmd: if only_name {
            String::new()
        } else {
            cmd.to_owned()
        },
    })
}

fn began(elapsed: &str, start: &str) -> Began {
    if let Some(ns) = stamp::elapsed(elapsed) {
        return Began::Elapsed(ns);
    }
    if let Some((ns, _)) = stamp::time_of_day(start) {
        return Began::Clock(ns);
    }
    match stamp::date(start) {
        Some((at, _)) => Began::Full(at),
        None => Began::Unknown,
    }
}

/// Base name of the program in a command line.
fn program(cmd: &str) -> String {
    let word = cmd.split_whitespace().next().unwrap_or_default();
    // Kernel threads: `[kworker/0:1]`.
    if word.starts_with('[') {
        return word.to_owned();
    }
    let word = word.trim_end_matches(':');
    word.rsplit('/').next().unwrap_or(word).to_owned()
}

fn say(sink: &mut Sink<'_>, rows: &[Row], now: Option<i64>) {
    let mut threads: BTreeMap<u64, u64> = BTreeMap::new();
    for row in rows.iter().filter(|r| r.thread.is_some()) {
        let n = threads.entry(row.pid).or_default();
        *n = n.saturating_add(1);
    }
    let mut said = std::collections::BTreeSet::new();
    for row in rows {
        let new = said.insert(row.pid) || row.thread.is_none();
        if new {
            one(sink, row, now, threads.get(&row.pid).copied(), false);
        }
        // A thread that waits in the kernel may hold up its whole process without the leader showing it.
        let own = row.thread.is_some_and(|t| t != row.pid);
        if own && row.stat.starts_with('D') {
            one(sink, row, now, None, true);
        }
    }
}

fn one(sink: &mut Sink<'_>, row: &Row, now: Option<i64>, threads: Option<u64>, alone: bool) {
    let of = Entity::new("process", &row.pid.to_string());
    let (elapsed, first) = age(row.began, now);
    let wchan = if is_blank(&row.wchan) || row.wchan == "-" {
        ""
    } else {
        &row.wchan
    };
    let text = Text::bare()
        .field("pid", &row.pid.to_string())
        .maybe("ppid", row.ppid)
        .field("stat", &row.stat)
        .maybe("elapsed", elapsed.map(|ns| format!("{}s", ns / SECOND)))
        .field("comm", &row.comm)
        .maybe("thread", row.thread.filter(|_| alone))
        .field("wchan", wchan)
        .maybe("threads", threads)
        .field("cmd", &row.cmd);
    sink.say_when(Component::PROCESS, &of, row.at, text, When::since(first));
}

/// How long ago a process began.
fn age(began: Began, now: Option<i64>) -> (Option<i64>, Option<RawStamp>) {
    match (began, now) {
        (Began::Elapsed(ns), _) => (Some(ns), Some(RawStamp::Ago { ns, res: SECOND })),
        // A time of day is printed for the last 24 hours only.
        (Began::Clock(start), Some(now)) => {
            let ns = now.saturating_sub(start).rem_euclid(DAY);
            // Both readings are cut to the minute.
            let low = ns.saturating_sub(MINUTE).max(0);
            (
                Some(ns),
                Some(RawStamp::Ago {
                    ns: low,
                    res: 2 * MINUTE,
                }),
            )
        }
        (Began::Full(at), _) => (None, Some(at)),
        _ => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::HOUR;
    use crate::model::SourceKind;
    use crate::parse::state::{Reading, read as read_file};

    fn list(text: &str) -> Reading {
        read_file(SourceKind::Processes, "ps.txt", text.as_bytes())
    }

    #[track_caller]
    fn case(text: &str, expected: &[&str]) {
        let reading = list(text);
        let found: Vec<&str> = reading.lines.iter().map(|l| l.text.as_str()).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn aux() {
        let text = "\
USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND
root          52  0.0  0.2 1869424 51100 ?       Tsl  17:02   0:00 containerd --config /etc/kubernetes/containerd.toml
root          88  0.0  0.0      0     0 ?        D    Nov19   0:00 [nfsd]
root         791  0.0  0.0   8116  4404 ?        R    17:08   0:00 ps auxww
";
        case(
            text,
            &[
                "pid=52 stat=Tsl elapsed=360s comm=containerd cmd=containerd --config /etc/kubernetes/containerd.toml",
                "pid=88 stat=D comm=[nfsd] cmd=[nfsd]",
                "pid=791 stat=R elapsed=0s comm=ps cmd=ps auxww",
            ],
        );
        let reading = list(text);
        assert_eq!(reading.lines[0].line, 2);
        assert!(matches!(
            reading.lines[0].first,
            Some(RawStamp::Ago { ns, res }) if ns == 5 * MINUTE && res == 2 * MINUTE
        ));
        assert_eq!(
            reading.hints,
            [ClockHint::TimeOfDay {
                ns: 17 * HOUR + 8 * MINUTE,
                line: 4
            }]
        );
    }

    #[test]
    fn forest() {
        case(
            "\
UID          PID    PPID  C STIME TTY          TIME CMD
root         564       1  0 16:57 ?        00:00:00 /usr/bin/containerd-shim-runc-v2 -namespace moby
root         574     564  0 16:57 ?        00:00:00  \\_ runc --root /run/docker/runtime-runc/moby create
",
            &[
                "pid=564 ppid=1 comm=containerd-shim-runc-v2 cmd=/usr/bin/containerd-shim-runc-v2 -namespace moby",
                "pid=574 ppid=564 comm=runc cmd=runc --root /run/docker/runtime-runc/moby create",
            ],
        );
    }

    #[test]
    fn threads_are_folded_but_those_in_the_kernel() {
        case(
            "\
    PID    PPID     TID STAT WCHAN                        ELAPSED COMMAND
     52       1      52 Ssl  futex_do_wait                  04:47 containerd
     52       1      54 Ssl  futex_do_wait                  04:47 containerd
     52       1      55 Dsl  fuse_simple_request            04:47 containerd
",
            &[
                "pid=52 ppid=1 stat=Ssl elapsed=287s comm=containerd wchan=futex_do_wait threads=3 cmd=containerd",
                "pid=52 ppid=1 stat=Dsl elapsed=287s comm=containerd thread=55 wchan=fuse_simple_request cmd=containerd",
            ],
        );
    }

    #[test]
    fn full_start_times() {
        let reading = list(
            "  PID  PPID                  STARTED STAT COMMAND\n   12     1 Fri Nov 20 17:00:00 2026 Ss   /usr/sbin/sshd -D\n",
        );
        assert_eq!(
            reading.lines[0].text,
            "pid=12 ppid=1 stat=Ss comm=sshd cmd=/usr/sbin/sshd -D"
        );
        assert!(matches!(
            reading.lines[0].first,
            Some(RawStamp::Local {
                year: Some(2026),
                ..
            })
        ));
    }

    #[test]
    fn top() {
        let reading = list(
            "top - 03:04:05 up 1 day,  2:03,  1 user,  load average: 0.1, 0.2, 0.3\n\n    PID USER      PR  NI    VIRT    RES    SHR S  %CPU  %MEM     TIME+ COMMAND\n     86 root      20   0  817116 106084  60000 D   0.5   0.4   0:01.00 kubelet\n",
        );
        assert_eq!(
            reading.lines[0].text,
            "pid=86 stat=D comm=kubelet cmd=kubelet"
        );
        assert_eq!(reading.hints.len(), 2);
    }
}
