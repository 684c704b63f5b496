//! Copied terminal sessions: commands behind a prompt, or under a heading, and what each of them printed.
//!
//! `[root@n1 ~]# kubectl -n shop get pods` and the table below it; `==== journalctl -u kubelet ====` and the log below it.
//! Which text is the output of what is said here; what it means is read as if it stood in a file of its own.

use std::borrow::Cow;
use std::ops::Range;

/// Lines of a text in which a first command is looked for.
const HEAD_LINES: usize = 400;
/// Longest line that may be a command.
const LINE_LIMIT: usize = 512;
/// Longest prompt.
const PROMPT_LIMIT: usize = 120;
/// Longest name made of a command.
const NAME_LIMIT: usize = 80;

/// Programs whose output is understood, or ends that of the one before.
const PROGRAMS: [&str; 48] = [
    "busctl",
    "cat",
    "chronyc",
    "crictl",
    "ctr",
    "curl",
    "date",
    "df",
    "dig",
    "dmesg",
    "docker",
    "du",
    "echo",
    "egrep",
    "etcdctl",
    "export",
    "free",
    "grep",
    "head",
    "helm",
    "hostname",
    "ip",
    "iptables",
    "iptables-save",
    "ipvsadm",
    "istioctl",
    "journalctl",
    "less",
    "ls",
    "lsblk",
    "mount",
    "nerdctl",
    "netstat",
    "nslookup",
    "ntpq",
    "openssl",
    "ping",
    "podman",
    "ps",
    "ss",
    "ssh",
    "systemctl",
    "tail",
    "timedatectl",
    "top",
    "uname",
    "uptime",
    "zcat",
];
/// Programs that print objects of a cluster.
const KUBECTL: [&str; 3] = ["kubectl", "oc", "k"];
/// What kubectl is asked for; without a prompt, only with one of them a line is a command.
const VERBS: [&str; 13] = [
    "get",
    "describe",
    "logs",
    "top",
    "version",
    "cluster-info",
    "api-resources",
    "api-versions",
    "exec",
    "auth",
    "config",
    "events",
    "explain",
];
/// Flags of kubectl that may stand in front of its verb, with a value.
const VALUED: [&str; 7] = [
    "-n",
    "--namespace",
    "--context",
    "--kubeconfig",
    "--cluster",
    "--user",
    "-s",
];
/// Words of sentences, not of commands.
const PROSE: [&str; 12] = [
    "and", "are", "but", "for", "gives", "is", "says", "shows", "that", "the", "this", "was",
];

/// One command of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// The command, without prompt, `sudo` and the like; the flags of kubectl behind its verb.
    pub command: String,
    /// The machine that the prompt names.
    pub host: Option<String>,
    /// Lines before the command.
    pub lines: u64,
    /// Its bytes, from the command line on.
    pub range: Range<usize>,
    /// Where its output begins.
    pub body: usize,
}

/// Whether a text, of which this is the beginning, is a session. A log under the one command that printed it is none.
pub fn is_session(head: &[u8]) -> bool {
    let mut outputs = head
        .split(|b| *b == b'\n')
        .take(HEAD_LINES)
        .filter_map(|l| line(l, false));
    outputs
        .next()
        .is_some_and(|first| !first.prints_log() || outputs.next().is_some())
}

/// The commands of a session, in order. What stands before the first is of a command without words.
pub fn outputs(text: &[u8]) -> Vec<Output> {
    let mut outputs: Vec<Output> = Vec::new();
    let (mut at, mut lines) = (0_usize, 0_u64);
    // Where one `# ` is a prompt, the others are.
    let sure = text
        .split(|b| *b == b'\n')
        .any(|l| l.starts_with(b"# ") && line(l, false).is_some());
    for raw in text.split_inclusive(|b| *b == b'\n') {
        let end = at.saturating_add(raw.len());
        if let Some(mut output) = line(raw, sure) {
            if let Some(before) = outputs.last_mut() {
                before.range.end = at;
            } else if at > 0 {
                outputs.push(Output {
                    range: 0..at,
                    ..Output::default()
                });
            }
            output.lines = lines;
            output.range = at..text.len();
            output.body = end;
            outputs.push(output);
        }
        at = end;
        lines = lines.saturating_add(1);
    }
    outputs
}

impl Output {
    /// Whether it prints lines of a log.
    pub fn prints_log(&self) -> bool {
        let words = || self.command.split_whitespace();
        let mut plain = words().filter(|w| !w.starts_with('-'));
        let (program, verb) = (
            plain.next().unwrap_or_default(),
            plain.next().unwrap_or_default(),
        );
        match program {
            "journalctl" | "dmesg" => true,
            "kubectl" | "oc" | "k" | "docker" | "crictl" | "nerdctl" | "podman" => verb == "logs",
            "cat" | "egrep" | "grep" | "head" | "less" | "tail" | "zcat" => words().any(|w| {
                let name = w.to_ascii_lowercase();
                let file = name.trim_end_matches(".gz");
                name.contains("/log/") || file.strip_suffix(".log").is_some()
            }),
            _ => false,
        }
    }

    /// A name for its output, as of a file: that of the file it prints, else its words.
    pub fn name(&self) -> String {
        let before_pipe = self.command.split(" | ").next().unwrap_or_default();
        let file = before_pipe
            .split_whitespace()
            .skip(1)
            .find(|w| w.starts_with('/') && w.len() > 1);
        let is_program = |programs: &[&str]| programs.iter().any(|p| self.program() == *p);
        let shown = match file {
            Some(file) if is_program(&["cat", "egrep", "grep", "head", "less", "tail", "zcat"]) => {
                file.trim_start_matches('/').to_owned()
            }
            _ => before_pipe
                .split_whitespace()
                .collect::<Vec<_>>()
                .join("-")
                .replace('/', "-"),
        };
        shown
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '/'))
            .take(NAME_LIMIT)
            .collect()
    }

    /// Whether it speaks of the machine on which it ran, not of the cluster.
    pub fn is_of_host(&self) -> bool {
        !self.command.is_empty()
            && !KUBECTL.contains(&self.program())
            && !matches!(self.program(), "helm" | "istioctl")
    }

    fn program(&self) -> &str {
        self.command.split_whitespace().next().unwrap_or_default()
    }
}

/// Reads a line as a command; `sure`: a lone `# ` is a prompt.
fn line(raw: &[u8], sure: bool) -> Option<Output> {
    // Most lines are none by their length or first letter.
    let text = std::str::from_utf8(raw.get(..raw.len().min(LINE_LIMIT))?).ok()?;
    let text = text.trim_end();
    if text.starts_with([' ', '\t', '{', '}', '"', '|'])
        || raw.len() >= LINE_LIMIT
        || text.is_empty()
    {
        return None;
    }
    let (host, words, announced) = if let Some((host, words)) = prompted(text, sure) {
        (host, words, true)
    } else if let Some(words) = text
        .strip_prefix("+ ")
        .filter(|w| KUBECTL.iter().any(|k| w.split(' ').next() == Some(*k)))
    {
        // What a script traced (`set -x`).
        (None, words, true)
    } else if let Some(words) = headed(text) {
        (None, words, true)
    } else {
        (None, text.trim_end_matches(':'), false)
    };
    let words = stripped(words);
    let (host, words) = match over_ssh(words) {
        Some((host, words)) if announced => (Some(host), words),
        _ => (host, words),
    };
    let program = words.split_whitespace().next()?;
    let program = program.rsplit('/').next()?;
    let is_kubectl = KUBECTL.contains(&program);
    let is_known = if announced {
        host.is_some() || is_kubectl || PROGRAMS.contains(&program)
    } else {
        is_kubectl && program != "k"
    };
    if !is_known {
        return None;
    }
    let rest = words.split_once(char::is_whitespace).map_or("", |(_, r)| r);
    let command = if is_kubectl {
        // Above a manifest stands how it is applied: a comment, not what printed it.
        let lone = text.starts_with("# ") && !sure;
        kubectl(rest, announced && !lone)?
    } else {
        format!("{program} {rest}").trim_end().to_owned()
    };
    if !announced && (command.ends_with('.') || command.split(' ').any(|w| PROSE.contains(&w))) {
        return None;
    }
    Some(Output {
        command,
        host,
        lines: 0,
        range: 0..0,
        body: 0,
    })
}

/// The machine and the rest of a line that begins with a prompt.
fn prompted(text: &str, sure: bool) -> Option<(Option<String>, &str)> {
    if let Some(rest) = text.strip_prefix('➜') {
        // `➜  ~ kubectl`, `➜  src git:(main) ✗ kubectl`.
        let at = KUBECTL
            .iter()
            .chain(&PROGRAMS)
            .filter_map(|p| rest.find(&format!(" {p} ")))
            .min()?;
        return (at < PROMPT_LIMIT).then(|| (None, rest.get(at..).unwrap_or_default()));
    }
    let is_windows = text.starts_with("PS ") || text.get(1..3) == Some(":\\");
    let marks: &[&str] = if is_windows {
        &["> "]
    } else {
        &["$ ", "# ", "% ", "❯ "]
    };
    let (at, mark) = marks
        .iter()
        .filter_map(|m| text.find(*m).map(|at| (at, *m)))
        .min()?;
    let prompt = text.get(..at)?.trim_end();
    let rest = text.get(at.saturating_add(mark.len())..)?;
    let is_prompt = prompt.is_empty() && (*mark != *"# " || sure || is_no_comment(rest))
        || is_windows
        || is_shell(prompt)
        || prompt.len() < PROMPT_LIMIT
            && (prompt.contains('@') || prompt.ends_with([']', ')', '~']));
    is_prompt.then(|| (host_of(prompt), rest))
}

/// `bash-4.2`, `sh-4.4`: inside a container.
fn is_shell(prompt: &str) -> bool {
    let version = prompt
        .strip_prefix("bash-")
        .or_else(|| prompt.strip_prefix("sh-"));
    version.is_some_and(|v| v.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
}

/// Whether what stands behind a lone `# ` is what root typed.
fn is_no_comment(rest: &str) -> bool {
    const PLAIN: [&str; 8] = [
        "crictl",
        "docker",
        "etcdctl",
        "journalctl",
        "kubectl",
        "oc",
        "sudo",
        "systemctl",
    ];
    let mut words = rest.split_whitespace();
    words
        .next()
        .is_some_and(|w| PLAIN.contains(&w) || w.starts_with("KUBECONFIG="))
        || words.any(|w| w.starts_with(['-', '/', '|']))
}

/// `root@n1`, `[root@n1 ~]`, `core@n1:/etc`.
fn host_of(prompt: &str) -> Option<String> {
    let first = prompt.split(' ').next()?;
    let (user, behind) = first.trim_start_matches(['[', '(']).split_once('@')?;
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    if user.is_empty() || !user.chars().all(legal) || prompt.split(' ').count() > 3 {
        return None;
    }
    let end = behind.find(|c: char| !legal(c)).unwrap_or(behind.len());
    let host = behind.get(..end)?;
    (!host.is_empty()).then(|| host.to_owned())
}

/// The text of a heading: `==== kubectl get pods ====`, `### df -h`.
fn headed(text: &str) -> Option<&str> {
    let mark = text
        .chars()
        .next()
        .filter(|c| matches!(c, '=' | '#' | '-' | '*' | '+'))?;
    let rest = text.trim_start_matches(mark);
    let length = text.len().saturating_sub(rest.len());
    if length < 2 {
        return None;
    }
    let rest = rest.trim_matches(|c: char| c == mark || c.is_whitespace() || c == ':');
    (!rest.is_empty()).then_some(rest)
}

/// Machine and command of `ssh -q root@n1 "ps -ef"`.
fn over_ssh(words: &str) -> Option<(String, &str)> {
    let mut rest = words.strip_prefix("ssh ")?.trim_start();
    while rest.starts_with('-') {
        let (flag, behind) = rest.split_once(' ')?;
        // `-i key`, `-o option`, `-p port`.
        let valued = matches!(flag, "-F" | "-J" | "-i" | "-l" | "-o" | "-p");
        rest = if valued {
            behind.trim_start().split_once(' ')?.1
        } else {
            behind
        }
        .trim_start();
    }
    let (target, command) = rest.split_once(' ')?;
    let host = target.rsplit('@').next()?;
    let command = command.trim().trim_matches(['"', '\'']);
    (!command.is_empty()).then(|| (host.to_owned(), stripped(command)))
}

/// The command without what runs it.
fn stripped(words: &str) -> &str {
    let mut rest = words.trim_start();
    loop {
        let (word, behind) = rest.split_once(' ').unwrap_or((rest, ""));
        let is_assignment = word.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
        });
        if !is_assignment && !matches!(word, "sudo" | "time" | "watch" | "run") || behind.is_empty()
        {
            return rest;
        }
        rest = behind.trim_start();
    }
}

/// A command of kubectl, its leading flags behind the verb.
fn kubectl(rest: &str, announced: bool) -> Option<String> {
    let mut words = rest.split_whitespace();
    let mut flags = String::new();
    let verb = loop {
        let word = words.next()?;
        if !word.starts_with('-') {
            break word;
        }
        flags.push(' ');
        flags.push_str(&spaced(word));
        if VALUED.contains(&word) {
            flags.push(' ');
            flags.push_str(words.next()?);
        }
    };
    if !announced && !VERBS.contains(&verb) {
        return None;
    }
    let mut command = format!("kubectl {verb}");
    for word in words {
        if word.starts_with('|') {
            command.push_str(&std::mem::take(&mut flags));
        }
        command.push(' ');
        command.push_str(&spaced(word));
    }
    Some(command + &flags)
}

/// The words of a command from its program on, the program without its folder.
pub(super) fn words(command: &str) -> impl Iterator<Item = &str> {
    command
        .split_whitespace()
        .skip_while(|w| {
            matches!(*w, "sudo" | "time" | "timeout" | "watch")
                || w.bytes()
                    .all(|b| b.is_ascii_digit() || b == b's' || b == b'.')
        })
        .enumerate()
        .map(|(n, w)| match (n, w.rsplit_once('/')) {
            (0, Some((_, program))) => program,
            _ => w,
        })
}

/// `-nshop` as `-n shop`.
fn spaced(word: &str) -> Cow<'_, str> {
    match word.strip_prefix("-n").filter(|ns| !ns.is_empty()) {
        Some(namespace) => format!("-n {}", namespace.trim_start_matches('=')).into(),
        None => word.into(),
    }
}

#[cfg(test)]
mod tests;
