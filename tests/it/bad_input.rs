//! What bad input gets: a message that says what, where and what to do, the exit code that scripts rely on, and a
//! report about everything else. Through the program itself.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::support::archive::{self, Member};
use crate::support::fixture;

/// What the program said.
struct Said {
    code: Option<i32>,
    out: Vec<u8>,
    err: String,
}

impl Said {
    fn out(&self) -> String {
        String::from_utf8(self.out.clone()).expect("the report is UTF-8")
    }

    /// Ended with this code, without a panic, and with nothing on standard output that a terminal would obey.
    #[track_caller]
    fn ends(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.err, self.out());
        assert!(!self.err.contains("panicked"), "{}", self.err);
        harmless(&self.out, "standard output");
        harmless(self.err.as_bytes(), "standard error");
        self
    }

    /// Says on standard error what is wrong, where, and what to do.
    #[track_caller]
    fn complains(&self, words: &[&str]) {
        for word in words {
            assert!(self.err.contains(word), "{word} is not in: {}", self.err);
        }
        assert!(self.out.is_empty(), "{}", self.out());
    }

    /// Found the planted fault nevertheless.
    #[track_caller]
    fn still_finds_it(&self) {
        let out = self.out();
        assert!(
            out.contains("kubelet") && out.contains("node2") && out.contains("NotReady"),
            "{out}\n{}",
            self.err
        );
    }
}

/// No control character but a line end.
#[track_caller]
fn harmless(bytes: &[u8], what: &str) {
    let text = std::str::from_utf8(bytes).unwrap_or_else(|e| panic!("{what} is not UTF-8: {e}"));
    let bad = text
        .char_indices()
        .find(|(_, c)| (c.is_control() && *c != '\n') || matches!(*c, '\u{202a}'..='\u{202e}'));
    if let Some((at, c)) = bad {
        let from = (0..=at.saturating_sub(60))
            .rev()
            .find(|i| text.is_char_boundary(*i))
            .unwrap_or(0);
        panic!("{what} holds {c:?}: {:?}", &text[from..at]);
    }
}

fn program(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kforensics"));
    command
        .args(words)
        .env_clear()
        .env("LC_ALL", "C")
        .stdin(Stdio::null());
    command
}

fn say(words: &[&str]) -> Said {
    let output = program(words).output().unwrap();
    Said {
        code: output.status.code(),
        out: output.stdout,
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Analyses what is piped into it.
fn pipe(input: Vec<u8>) -> Said {
    let mut child = program(&["analyze", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let feeder = std::thread::spawn(move || {
        // The program may stop reading: that is its right.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap();
    Said {
        code: output.status.code(),
        out: output.stdout,
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A bundle in which the kubelet of node2 is gone.
fn good() -> Vec<Member> {
    archive::open(&fixture::named("kubelet-killed-01").bundle)
}

/// That bundle in a directory, with more files beside it.
fn good_and(more: &[Member]) -> TempDir {
    let dir = TempDir::new().unwrap();
    archive::unpack(&good(), dir.path());
    archive::unpack(more, dir.path());
    dir
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Bytes without any pattern, the same in every run.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut out = Vec::with_capacity(len + 8);
    while out.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.extend_from_slice(&state.to_le_bytes());
    }
    out.truncate(len);
    out
}

#[test]
fn no_such_path() {
    say(&["analyze", "no/such/bundle.tar.gz"])
        .ends(2)
        .complains(&["no/such/bundle.tar.gz", "no such file"]);
}

#[test]
fn an_empty_directory() {
    let dir = TempDir::new().unwrap();
    say(&["analyze", text(dir.path())])
        .ends(2)
        .complains(&[text(dir.path()), "no file"]);
}

#[test]
fn an_empty_file() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("bundle.tar.gz");
    std::fs::write(&path, b"").unwrap();
    say(&["analyze", text(&path)])
        .ends(2)
        .complains(&["bundle.tar.gz"]);
}

#[test]
fn nothing_that_is_known() {
    let dir = TempDir::new().unwrap();
    std::fs::write(
        dir.path().join("photo.jpg"),
        [b"\xff\xd8\xff\xe0".as_slice(), &noise(50_000)].concat(),
    )
    .unwrap();
    say(&["analyze", text(dir.path())])
        .ends(2)
        .complains(&["nothing in", "could be read"]);
}

#[cfg(unix)]
#[test]
fn neither_a_file_nor_a_directory() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("socket");
    let _socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
    say(&["analyze", text(&path)])
        .ends(2)
        .complains(&["socket", "neither a directory nor a file"]);
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = good_and(&[Member::new(
        "locked/kubelet.log",
        "I0302 12:00:00.000000       1 a.go:1] b\n",
    )]);
    let path = dir.path().join("locked/kubelet.log");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    let said = say(&["analyze", text(dir.path())]);
    said.ends(0).still_finds_it();
    // A privileged user may read everything.
    if std::fs::read(&path).is_err() {
        let inventory = say(&["inventory", text(dir.path())]);
        assert!(
            inventory.ends(0).out().contains("locked/kubelet.log"),
            "{}",
            inventory.out()
        );
        say(&["analyze", text(&path)])
            .ends(2)
            .complains(&["locked/kubelet.log", "permission"]);
    }
}

#[test]
fn a_truncated_archive() {
    // The transfer broke: what had come is analysed, what had not is told.
    let mut members = good();
    members.sort_by_key(|m| {
        (
            !m.path.contains("node2"),
            !m.path.contains("kubectl"),
            !m.path.contains("controller-manager"),
        )
    });
    let whole = archive::gzip(&archive::tar(&members));
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("bundle.tar.gz");
    std::fs::write(&path, &whole[..whole.len() * 9 / 10]).unwrap();
    let said = say(&["analyze", text(&path)]);
    said.ends(0).still_finds_it();
    let out = said.out();
    assert!(
        out.contains("truncated") || out.contains("only in part") || out.contains("partial"),
        "{out}"
    );
}

#[test]
fn a_corrupt_archive_beside_good_files() {
    let mut broken = archive::gzip(&archive::tar(&good()));
    let middle = broken.len() / 2;
    broken[middle..middle + 4_000].copy_from_slice(&noise(4_000));
    let more = [
        Member::new("broken/a.tar.gz", broken),
        Member::new(
            "broken/b.zip",
            [b"PK\x03\x04".as_slice(), &noise(20_000)].concat(),
        ),
        Member::new(
            "broken/c.tar.xz",
            [b"\xfd7zXZ\x00".as_slice(), &noise(20_000)].concat(),
        ),
        Member::new(
            "broken/d.tar.zst",
            [b"\x28\xb5\x2f\xfd".as_slice(), &noise(20_000)].concat(),
        ),
        Member::new(
            "broken/e.tar.bz2",
            [b"BZh9".as_slice(), &noise(20_000)].concat(),
        ),
    ];
    let dir = good_and(&more);
    let said = say(&["analyze", text(dir.path())]);
    said.ends(0).still_finds_it();
    let inventory = say(&["inventory", text(dir.path())]);
    for name in ["a.tar.gz", "b.zip", "c.tar.xz", "d.tar.zst", "e.tar.bz2"] {
        assert!(
            inventory.ends(0).out().contains(name),
            "{name} is not told: {}",
            inventory.out()
        );
    }
}

#[test]
fn binary_noise() {
    let more = [
        Member::new("core.4711", noise(1 << 20)),
        Member::new("node3/kubelet.log", noise(300_000)),
        Member::new("zeros.log", vec![0; 1 << 20]),
    ];
    let dir = good_and(&more);
    say(&["analyze", text(dir.path())]).ends(0).still_finds_it();
}

#[test]
fn a_line_without_end() {
    let mut members = good();
    let mut long = b"E1120 17:35:00.000000      89 kubelet.go:1] ".to_vec();
    long.resize(64 << 20, b'x');
    members.push(Member::new("bundle/nodes/node3/kubelet.log", long));
    members.push(Member::new(
        "bundle/kubectl/pods.json",
        [b"{\"items\":[".as_slice(), &vec![b'['; 4 << 20]].concat(),
    ));
    pipe(archive::gzip(&archive::tar(&members)))
        .ends(0)
        .still_finds_it();
}

#[test]
fn invalid_text() {
    let mut log = Vec::new();
    for line in 0..2_000 {
        log.extend_from_slice(b"E1120 17:35:00.000000      89 kubelet.go:2902] \"\xff\xfe\xc0\x80 broken\" err=\"\xf0\x28\x8c\x28\"\n");
        log.extend_from_slice(&noise(line % 90));
        log.push(b'\n');
    }
    let dir = good_and(&[Member::new("nodes/node3/kubelet.log", log)]);
    say(&["analyze", text(dir.path())]).ends(0).still_finds_it();
}

/// A bundle that tries to talk to the terminal, from every place of which something is quoted.
fn hostile() -> TempDir {
    const EVIL: &str = "\u{1b}[31mred\u{1b}]0;title\u{7}\u{9b}2J\u{202e}\r\u{8}\u{0}";
    let journal = |line: &str| format!("Nov 20 17:35:00 node3{EVIL} kubelet[1]: {line}\n");
    let mut log = String::new();
    for second in 0..50 {
        log.push_str(&journal(&format!(
            "E1120 17:35:{second:02}.000000       1 kubelet.go:2902] \"Container runtime network not ready\" networkReady=\"NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: No CNI configuration file in /etc/cni/{EVIL}/net.d/\""
        )));
        log.push_str(&journal(&format!("E1120 17:35:{second:02}.000000       1 odd.go:1] unheard of {EVIL} trouble number {second}")));
    }
    let table = format!(
        "NAMESPACE   NAME   READY   STATUS   RESTARTS   AGE\nsh{EVIL}op   we{EVIL}b   0/1   ImagePull{EVIL}BackOff   0   5m\n"
    );
    let yaml = format!(
        "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: \"a\\e[31mb\"\n  deletionTimestamp: \"2026-11-20T17:30:00Z\"\n  finalizers: [\"x{}\"]\nstatus:\n  phase: Terminating\n",
        "\\e]0;t\\a"
    );
    good_and(&[
        Member::new("nodes/node3/kubelet.log", log),
        Member::new("kubectl/get-pods-B.txt", table),
        Member::new("kubectl/ns-evil.yaml", yaml),
        Member::new(
            "odd \u{1b}[31m\nname.log",
            "I1120 17:35:00.000000       1 a.go:1] b\n",
        ),
    ])
}

#[test]
fn nothing_from_a_bundle_reaches_the_terminal_unescaped() {
    let dir = hostile();
    let path = text(dir.path());
    for words in [
        vec!["analyze", path],
        vec!["analyze", path, "-v"],
        vec!["analyze", path, "-f", "markdown"],
        vec!["analyze", path, "-f", "json"],
        vec!["analyze", path, "--lang", "zh"],
        vec!["inventory", path],
        vec!["timeline", path],
        vec!["timeline", path, "-f", "csv"],
        vec!["timeline", path, "-f", "jsonl"],
        vec!["why", path, "node/node2"],
        vec!["ask", path],
    ] {
        let said = say(&words);
        assert_eq!(said.code, Some(0), "{words:?}: {}", said.err);
        assert!(!said.err.contains("panicked"), "{words:?}: {}", said.err);
        // RFC 4180 ends the lines of a CSV file with CRLF.
        let out = if words.contains(&"csv") {
            said.out().replace("\r\n", "\n")
        } else {
            said.out()
        };
        harmless(out.as_bytes(), &format!("{words:?}"));
    }
    say(&["analyze", path]).ends(0).still_finds_it();
}
