//! What a line without a known format looks like: the start of something, or more of what came before; and the damage
//! that transport does to lines (escape sequences, `#012`, byte numbers).
//!
//! `Trace[42]: [1.2s] [100ms] END`, `main.(*T).run(0xc000, 0x1)`, `[+]ping ok` continue a record.

use super::members;
use super::wrap::Inside;

/// Text that starts a record although no time stands in front of it.
const STARTS: [&[u8]; 24] = [
    b"panic: ",
    b"fatal error: ",
    b"unexpected fault address",
    b"runtime: ",
    b"SIGQUIT: quit",
    b"SIGABRT: abort",
    b"SIGSEGV: ",
    b"http: ",
    b"http2: ",
    b"Flag --",
    b"Log file created at: ",
    b"-- Logs begin at ",
    b"-- Journal begins at ",
    b"-- Reboot --",
    b"-- Boot ",
    b"-- No entries --",
    b"==== START logs ",
    b"==== END logs ",
    b"Error from server",
    b"Error: ",
    b"error: ",
    b"Warning: ",
    b"AUDIT: id=",
    b"=== BEGIN goroutine stack dump ===",
];

/// Text that continues a record although it has a prefix of its own.
const CONTINUES: [&[u8]; 17] = [
    b"Trace[",
    b"created by ",
    b"[signal ",
    b"[originating from ",
    b"[+]",
    b"[-]",
    b"logging error output: ",
    b"goroutine profile: ",
    b"goroutine running on other thread",
    b"...",
    b"Caused by: ",
    b"Traceback (most recent call last)",
    b"PC=0x",
    b"runtime stack:",
    b"Running on machine: ",
    b"Binary: ",
    b"Log line format: ",
];

/// Whether unwrapped text of no known format starts a record.
pub(super) fn starts(b: &[u8]) -> bool {
    STARTS.iter().any(|s| b.starts_with(s))
}

/// Whether the payload of a wrapped line, of no known format, continues the record before.
pub(super) fn continues(b: &[u8]) -> bool {
    let Some(first) = b.first() else { return true };
    if starts(b) {
        return false;
    }
    matches!(first, b' ' | b'\t' | b'}' | b']' | b')' | b'>' | b',')
        || CONTINUES.iter().any(|c| b.starts_with(c))
        || is_goroutine(b)
        || is_function(b)
        || is_file(b)
        || is_register(b)
        || is_hexdump(b)
        // A piece of a quoted dump that journald cut.
        || memchr::memmem::find(b.get(..b.len().min(4096)).unwrap_or_default(), b"\\n\\t").is_some()
}

/// `goroutine 203 [semacquire, 4 minutes]:`.
pub(super) fn is_goroutine(b: &[u8]) -> bool {
    b.strip_prefix(b"goroutine ").is_some_and(|r| {
        r.first().is_some_and(u8::is_ascii_digit) && memchr::memchr(b'[', r).is_some()
    })
}

/// `k8s.io/x/y.(*T).run(0xc000, 0x1)`: a path of identifiers, then arguments to the end of the line.
pub(super) fn is_function(b: &[u8]) -> bool {
    if b.last() != Some(&b')') {
        return false;
    }
    let Some(open) = b
        .iter()
        .take(400)
        .enumerate()
        // `(*T)` belongs to the name.
        .position(|(i, c)| *c == b'(' && b.get(i + 1) != Some(&b'*'))
    else {
        return false;
    };
    let name = b.get(..open).unwrap_or_default();
    let args = b.get(open + 1..b.len() - 1).unwrap_or_default();
    let legal = |c: &u8| c.is_ascii_graphic() && !matches!(c, b'"' | b'=' | b'\'' | b'<');
    let argument = |c: &u8| c.is_ascii_hexdigit() || b"0x, .{}?_+-".contains(c);
    (name == b"panic" || name.contains(&b'.'))
        && name.iter().all(legal)
        && args.iter().all(argument)
}

/// `/src/x.go:123 +0x1f`, without its tab.
pub(super) fn is_file(b: &[u8]) -> bool {
    let Some(at) = memchr::memmem::rfind(b, b".go:").or_else(|| memchr::memmem::rfind(b, b".s:"))
    else {
        return false;
    };
    let (path, rest) = b.split_at(at);
    let rest = rest.split(|c| *c == b':').nth(1).unwrap_or_default();
    let digits = rest.iter().take_while(|c| c.is_ascii_digit()).count();
    digits > 0
        && !path.trim_ascii_start().contains(&b' ')
        && rest
            .get(digits..)
            .is_some_and(|t| t.is_empty() || t.starts_with(b" +0x") || t.starts_with(b" fp=0x"))
}

/// A header, frame or created-by line of a goroutine dump, also of an aggregated profile.
pub(super) fn is_dump(b: &[u8]) -> bool {
    is_goroutine(b)
        || is_function(b)
        || is_file(b)
        || b.starts_with(b"created by ")
        || b.starts_with(b"#\t0x")
        || memchr::memmem::find(b.get(..b.len().min(16)).unwrap_or_default(), b" @ 0x").is_some()
}

/// `rax    0xca`.
fn is_register(b: &[u8]) -> bool {
    let name = b
        .iter()
        .take(7)
        .take_while(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        .count();
    (2..=6).contains(&name)
        && b.len() < 40
        && b.get(name..)
            .is_some_and(|r| r.first() == Some(&b' ') && r.trim_ascii().starts_with(b"0x"))
}

/// `00000000  6b 38 73 00 …`.
fn is_hexdump(b: &[u8]) -> bool {
    b.get(..8)
        .is_some_and(|h| h.iter().all(u8::is_ascii_hexdigit))
        && b.get(8..10) == Some(b"  ")
}

/// Appends the content of a wrapper, unescaped.
pub(super) fn push(out: &mut Vec<u8>, inside: Inside<'_>) {
    match inside {
        Inside::Plain(b) => out.extend_from_slice(b),
        Inside::Escaped(raw) => out.extend_from_slice(&members::unescape(raw)),
        Inside::Numbers(raw) => out.extend_from_slice(&from_numbers(raw)),
    }
}

/// The bytes of `[73,49,…]`; other elements are left out.
pub(super) fn from_numbers(raw: &[u8]) -> Vec<u8> {
    raw.split(|c| !c.is_ascii_digit())
        .filter(|n| !n.is_empty() && n.len() <= 3)
        .filter_map(|n| std::str::from_utf8(n).ok()?.parse::<u8>().ok())
        .collect()
}

/// The bytes behind the escape sequences that colour the start of a line.
pub(super) fn uncoloured(mut b: &[u8]) -> &[u8] {
    while let Some(rest) = b.strip_prefix(b"\x1b[") {
        let Some(end) = rest.iter().take(16).position(|c| (0x40..=0x7e).contains(c)) else {
            break;
        };
        b = rest.get(end + 1..).unwrap_or_default();
    }
    b
}

/// Removes terminal escape sequences (CSI and OSC).
pub(super) fn without_escapes(b: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(b.len());
    let mut rest = b;
    while let Some(at) = memchr::memchr(0x1b, rest) {
        let (clean, tail) = rest.split_at(at);
        out.extend_from_slice(clean);
        let tail = tail.get(1..).unwrap_or_default();
        let taken = match tail.first() {
            Some(b'[') => tail
                .iter()
                .skip(1)
                .take(32)
                .position(|c| (0x40..=0x7e).contains(c))
                .map_or(1, |n| n + 2),
            Some(b']') => tail
                .iter()
                .take(256)
                .position(|c| matches!(c, 7 | 0x1b | b'\n'))
                .map_or(1, |n| if tail.get(n) == Some(&7) { n + 1 } else { n }),
            _ => 0,
        };
        rest = tail.get(taken..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out
}

/// `message repeated 3 times: [ E0209 … ]`: what was repeated, and how often.
pub(super) fn repeated(b: &[u8]) -> Option<(&[u8], u64)> {
    let (times, rest) = times(b.strip_prefix(b"message repeated ")?)?;
    let inner = rest.strip_prefix(b": [")?;
    let inner = inner.strip_suffix(b"]").unwrap_or(inner);
    Some((inner.strip_prefix(b" ").unwrap_or(inner), times))
}

/// `5 times`, and what follows.
pub(super) fn times(b: &[u8]) -> Option<(u64, &[u8])> {
    let digits = b.iter().take(9).take_while(|c| c.is_ascii_digit()).count();
    let times = super::stamp::number(b.get(..digits)?)?;
    Some((times, b.get(digits..)?.strip_prefix(b" times")?))
}

/// The escapes rsyslog writes for control characters.
const OCTAL: [(&[u8], &[u8]); 4] = [
    (b"#012", b"\n"),
    (b"#011", b"\t"),
    (b"#015", b""),
    (b"#033", b"\x1b"),
];

/// Whether rsyslog escaped control characters here.
pub(super) fn has_octal(b: &[u8]) -> bool {
    memchr::memchr_iter(b'#', b).any(|at| {
        let tail = b.get(at..).unwrap_or_default();
        OCTAL.iter().any(|(code, _)| tail.starts_with(code))
    })
}

/// Turns `#012` and its kin back.
pub(super) fn without_octal(b: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(b.len());
    let mut rest = b;
    while let Some(at) = memchr::memchr(b'#', rest) {
        let (clean, tail) = rest.split_at(at);
        out.extend_from_slice(clean);
        if let Some((code, byte)) = OCTAL.iter().find(|(code, _)| tail.starts_with(code)) {
            out.extend_from_slice(byte);
            rest = tail.get(code.len()..).unwrap_or_default();
        } else {
            out.push(b'#');
            rest = tail.get(1..).unwrap_or_default();
        }
    }
    out.extend_from_slice(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn continuations() {
        for line in [
            "Trace[42]: [1.2s] [100ms] END",
            "goroutine 203 [semacquire, 4 minutes]:",
            "k8s.io/kubernetes/vendor/k8s.io/klog/v2.Infof({0x3f3a40b?, 0x4435b1?}, {0xc0010a6330?, 0x406dd8?})",
            "k8s.io/x/y.(*T).run.func1(0xc0001, ...)",
            "main.main()",
            "panic({0x1, 0x2})",
            "\t/src/x.go:12 +0x1",
            "/usr/lib/go/src/net/http/server.go:2109 +0x2f",
            "created by net/http.(*Server).Serve in goroutine 5",
            "[+]ping ok",
            "[-]etcd failed: reason withheld",
            "rax    0xca",
            "00000000  6b 38 73 00 0a 0b",
            " > pod=\"x\"",
            "> pod=\"x\"",
            "main.go:384 +0x7c\\ngithub.com/containerd/x\\n\\t/src/y.go:1",
        ] {
            assert!(continues(line.as_bytes()), "{line}");
        }
        for line in [
            "panic: boom",
            "fatal error: all goroutines are asleep - deadlock!",
            "Started server (pid 3)",
            "listening on main.sock (ready)",
            "hello world",
            "http2: panic serving 127.0.0.1:1: x",
            "error in main.go:12: bad",
        ] {
            assert!(!continues(line.as_bytes()), "{line}");
        }
    }

    #[test]
    fn repairs() {
        assert_eq!(
            without_escapes(b"\x1b[36mINFO\x1b[0m[0001] a\x1b]0;t\x07b\x1b"),
            b"INFO[0001] ab"
        );
        assert_eq!(without_octal(b"a#012#011b#1#015"), b"a\n\tb#1");
        assert_eq!(from_numbers(b"[73,49,300,null,50]"), b"I12");
    }
}
