//! Takes the wrapping off a line of a dump: journald, syslog, CRI, kubectl, docker JSON.
//!
//! A dump printed by a service has a prefix on every line
//! (`Nov 20 17:34:02 node1 inventory-api[58]: goroutine 1 [IO wait]:`). This knows only what a dump needs: where
//! the payload begins and whose line it is, at a cost that 20 million lines can bear. It does not read levels,
//! fields or messages.

use crate::base::time::{MINUTE, RawStamp, SECOND, civil};

/// Longest prefix that is taken for one.
const PREFIX_LIMIT: usize = 256;

/// A line without its wrapping.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::parse) struct Peeled<'a> {
    /// What was taken off.
    pub prefix: &'a [u8],
    /// Whose line: `kubelet[86]` or the stream name; empty when nothing tells.
    pub key: &'a [u8],
    /// The payload.
    pub rest: &'a [u8],
    /// CRI `P`: the next line continues this one.
    pub continued: bool,
    /// The payload is the escaped value of docker's `"log"` field.
    pub escaped: bool,
}

/// Takes the wrapping off. A line without a known wrapping is its own payload.
pub(in crate::parse) fn peel(line: &[u8]) -> Peeled<'_> {
    let plain = Peeled {
        rest: line,
        ..Peeled::default()
    };
    let Some(&b) = line.first() else { return plain };
    let taken = match b {
        b'A'..=b'Z' => syslog(line),
        b'0'..=b'9' => iso(line),
        b'<' => priority(line),
        b'[' => bracket(line),
        b'{' => docker(line),
        _ => None,
    };
    taken.unwrap_or(plain)
}

fn at(line: &[u8], i: usize) -> u8 {
    line.get(i).copied().unwrap_or(0)
}

/// `Nov 20 17:34:02 node1 kubelet[86]: …`, with or without a fraction and a host.
fn syslog(line: &[u8]) -> Option<Peeled<'_>> {
    let shape = at(line, 1).is_ascii_lowercase()
        && at(line, 2).is_ascii_lowercase()
        && at(line, 3) == b' '
        && (at(line, 4) == b' ' || at(line, 4).is_ascii_digit())
        && at(line, 5).is_ascii_digit()
        && at(line, 6) == b' '
        && at(line, 9) == b':'
        && at(line, 12) == b':';
    if !shape {
        return None;
    }
    let after_time = 7 + line.get(7..)?.iter().position(|b| *b == b' ')?;
    owner(line, after_time + 1)
}

/// `host ident[pid]: payload` from `start`.
fn owner(line: &[u8], start: usize) -> Option<Peeled<'_>> {
    let window = line.get(start..line.len().min(start.saturating_add(PREFIX_LIMIT)))?;
    let colon = window
        .iter()
        .enumerate()
        .position(|(i, b)| *b == b':' && matches!(window.get(i + 1), None | Some(b' ' | b'\t')))?;
    let names = window.get(..colon)?;
    // Host and program only: more blanks mean that the colon belongs to the text.
    if names.split(|b| *b == b' ').nth(2).is_some() {
        return None;
    }
    let key_at = names.iter().rposition(|b| *b == b' ').map_or(0, |i| i + 1);
    let end = start + colon + 1;
    let blank = usize::from(at(line, end) == b' ');
    Some(Peeled {
        prefix: line.get(..end)?,
        key: names.get(key_at..)?,
        rest: line.get(end + blank..).unwrap_or(b""),
        ..Peeled::default()
    })
}

/// `2026-11-20T17:34:02.123Z stdout F …`, `2026-11-20T17:34:02+0000 node1 kubelet[86]: …`, `2026-…Z …`.
fn iso(line: &[u8]) -> Option<Peeled<'_>> {
    let shape = at(line, 4) == b'-'
        && at(line, 7) == b'-'
        && at(line, 10) == b'T'
        && at(line, 13) == b':'
        && at(line, 16) == b':';
    if !shape {
        return None;
    }
    let end = line.iter().take(48).position(|b| *b == b' ')?;
    let rest = line.get(end + 1..)?;
    for stream in [&b"stdout "[..], b"stderr "] {
        if let Some(after) = rest.strip_prefix(stream) {
            let tag_end = after.iter().take(16).position(|b| *b == b' ')?;
            return Some(Peeled {
                prefix: line.get(..end + 1 + stream.len() + tag_end)?,
                // Both streams of a container are one process; panics go to stderr, logs may go to stdout.
                key: b"",
                rest: after.get(tag_end + 1..).unwrap_or(b""),
                continued: after.first() == Some(&b'P'),
                escaped: false,
            });
        }
    }
    owner(line, end + 1).or(Some(Peeled {
        prefix: line.get(..end)?,
        rest,
        ..Peeled::default()
    }))
}

/// `<13>1 2026-11-20T17:34:02Z host app 86 - - …` (RFC 5424), or an old `<13>` before a syslog line.
fn priority(line: &[u8]) -> Option<Peeled<'_>> {
    let close = line.iter().take(6).position(|b| *b == b'>')?;
    let body = line.get(close + 1..)?;
    let Some(new) = body.strip_prefix(b"1 ") else {
        return syslog(body);
    };
    // Time, host, program, pid, message id: five blanks before the structured data.
    let mut blanks = [0; 5];
    let mut found = new
        .iter()
        .take(PREFIX_LIMIT)
        .enumerate()
        .filter(|(_, b)| **b == b' ');
    for slot in &mut blanks {
        *slot = found.next()?.0;
    }
    let [_, host, app, _, data] = blanks;
    let start = close + 3;
    // Structured data other than `-` is not taken apart: such a line is left as it is.
    if at(new, data + 1) != b'-' {
        return None;
    }
    Some(Peeled {
        prefix: line.get(..start + data + 2)?,
        key: new.get(host + 1..app)?,
        rest: new.get(data + 3..).unwrap_or(b""),
        ..Peeled::default()
    })
}

/// `[pod/kube-system/x/container] …` as `kubectl logs --prefix` prints it.
fn bracket(line: &[u8]) -> Option<Peeled<'_>> {
    if !line.starts_with(b"[pod/") {
        return None;
    }
    let end = line.iter().take(PREFIX_LIMIT).position(|b| *b == b']')?;
    let rest = line.get(end + 2..).unwrap_or(b"");
    let key = line.get(1..end)?;
    let inner = peel(rest);
    Some(Peeled {
        prefix: line.get(..line.len() - inner.rest.len())?,
        key,
        ..inner
    })
}

/// `{"log":"goroutine 1 [running]:\n","stream":"stderr",…}`, `{"MESSAGE":"goroutine 1 [running]:","_PID":"58",…}`: the
/// payload stays escaped.
fn docker(line: &[u8]) -> Option<Peeled<'_>> {
    let (value, is_docker) = match string_field(line, b"\"log\":") {
        Some(value) => (value, true),
        None => (string_field(line, b"\"MESSAGE\":")?, false),
    };
    Some(Peeled {
        prefix: b"{",
        key: string_field(line, b"\"SYSLOG_IDENTIFIER\":").unwrap_or(b""),
        rest: value,
        continued: is_docker && !value.ends_with(b"\\n"),
        escaped: true,
    })
}

/// The text of a member of a JSON line, still escaped. `name` has its quotes and colon.
fn string_field<'t>(line: &'t [u8], name: &[u8]) -> Option<&'t [u8]> {
    let at = memchr::memmem::find(line, name)?;
    let rest = line.get(at + name.len()..)?.trim_ascii_start();
    let rest = rest.strip_prefix(b"\"")?;
    rest.get(..super::quoted::closing(rest)?)
}

/// The time of a JSON line of docker or of the journal.
pub(super) fn json_time(line: &[u8]) -> Option<RawStamp> {
    if line.first() != Some(&b'{') {
        return None;
    }
    if let Some(time) = string_field(line, b"\"time\":") {
        return dated(time);
    }
    let micros = number(string_field(line, b"\"__REALTIME_TIMESTAMP\":")?)?;
    Some(RawStamp::utc(micros.checked_mul(1000)?, SECOND))
}

/// Program and process id in a JSON line of the journal.
pub(super) fn json_owner(line: &[u8]) -> (Option<String>, Option<u64>) {
    let text = |name: &[u8]| string_field(line, name).map(String::from_utf8_lossy);
    let pid = text(b"\"_PID\":").and_then(|p| p.parse().ok());
    let name = text(b"\"SYSLOG_IDENTIFIER\":").filter(|_| pid.is_some());
    (name.map(std::borrow::Cow::into_owned), pid)
}

/// Host, program and process id in a prefix that [`peel`] took off.
pub(super) fn owner_of(key: &[u8]) -> (Option<String>, Option<u64>) {
    let text = String::from_utf8_lossy(key);
    let (name, pid) = match text.split_once('[') {
        Some((name, rest)) => (name, rest.trim_end_matches(']').parse().ok()),
        None => (&*text, None),
    };
    let name = name.rsplit('/').next().unwrap_or(name);
    ((!name.is_empty()).then(|| name.to_owned()), pid)
}

/// The host name in a journald or syslog prefix.
pub(in crate::parse) fn host_of(prefix: &[u8], key: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(prefix);
    let key = String::from_utf8_lossy(key);
    if key.is_empty() || key.contains('/') {
        return None;
    }
    let before = text.trim_end_matches(':').strip_suffix(&*key)?.trim_end();
    let host = before.rsplit(' ').next()?;
    let is_time = host.contains(':');
    (!is_time && !host.is_empty()).then(|| host.to_owned())
}

const MONTHS: [&[u8]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

fn number(text: &[u8]) -> Option<i64> {
    str::from_utf8(text).ok()?.trim().parse().ok()
}

/// Nanoseconds of `17:34:02`, and what follows.
fn clock(text: &[u8]) -> Option<(i64, &[u8])> {
    let (h, m, s) = (
        number(text.get(..2)?)?,
        number(text.get(3..5)?)?,
        number(text.get(6..8)?)?,
    );
    ((0..24).contains(&h) && (0..60).contains(&m) && (0..=60).contains(&s))
        .then_some(((h * 60 + m) * MINUTE + s * SECOND, text.get(8..)?))
}

/// The time of a prefix, to the second: enough for a dump.
pub(super) fn time_of(prefix: &[u8]) -> Option<RawStamp> {
    if let Some(month) = MONTHS.iter().position(|m| prefix.starts_with(m)) {
        let (ns, _) = clock(prefix.get(7..)?)?;
        return Some(RawStamp::local(
            None,
            u8::try_from(month + 1).ok()?,
            u8::try_from(number(prefix.get(4..6)?)?).ok()?,
            ns,
            SECOND,
        ));
    }
    if at(prefix, 4) == b'-' && at(prefix, 10) == b'T' {
        return dated(prefix);
    }
    None
}

/// The time of a logfmt line (`time="2026-11-20T17:01:25.3Z" level=info msg=…`).
pub(super) fn time_field(line: &[u8]) -> Option<RawStamp> {
    dated(line.strip_prefix(b"time=\"")?)
}

/// `2026-11-20T17:34:02Z`, `2026-11-20T170125+0800` (colons removed, as in names of dump files).
pub(super) fn dated(text: &[u8]) -> Option<RawStamp> {
    let year = i32::try_from(number(text.get(..4)?)?).ok()?;
    let month = u8::try_from(number(text.get(5..7)?)?).ok()?;
    let day = u8::try_from(number(text.get(8..10)?)?).ok()?;
    let (ns, after) = if at(text, 13) == b':' {
        clock(text.get(11..)?)?
    } else {
        let (h, m, s) = (
            number(text.get(11..13)?)?,
            number(text.get(13..15)?)?,
            number(text.get(15..17)?)?,
        );
        if !((0..24).contains(&h) && (0..60).contains(&m) && (0..=60).contains(&s)) {
            return None;
        }
        ((h * 60 + m) * MINUTE + s * SECOND, text.get(17..)?)
    };
    let fraction = after.first() == Some(&b'.');
    let zone = after
        .iter()
        .take(if fraction { 12 } else { 1 })
        .position(|b| matches!(b, b'Z' | b'+' | b'-'))
        .and_then(|i| after.get(i..));
    let offset = match zone.and_then(|z| Some((*z.first()?, z.get(1..)?))) {
        Some((b'Z', _)) => 0,
        Some((sign, z)) => {
            let minutes = number(z.get(..2)?)? * 60
                + if at(z, 2) == b':' {
                    number(z.get(3..5)?)?
                } else {
                    number(z.get(2..4)?)?
                };
            if sign == b'-' { -minutes } else { minutes }
        }
        None => {
            return Some(RawStamp::local(Some(year), month, day, ns, SECOND));
        }
    };
    let ns = civil(year, month, day, ns)?.checked_sub(offset.checked_mul(MINUTE)?)?;
    Some(RawStamp::utc(ns, SECOND))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn case(line: &str, key: &str, rest: &str) {
        let p = peel(line.as_bytes());
        assert_eq!(
            (
                String::from_utf8_lossy(p.key).as_ref(),
                String::from_utf8_lossy(p.rest).as_ref()
            ),
            (key, rest)
        );
    }

    #[test]
    fn peels_what_services_wrap_around_a_dump() {
        case(
            "Nov 20 17:34:02 node1 inventory-api[58]: goroutine 1 [IO wait]:",
            "inventory-api[58]",
            "goroutine 1 [IO wait]:",
        );
        case(
            "Nov 20 17:34:02 node1 kubelet[86]: \tmain.go:1 +0x2",
            "kubelet[86]",
            "\tmain.go:1 +0x2",
        );
        case("Nov  2 17:34:02 node1 kubelet[86]:", "kubelet[86]", "");
        case("Nov 20 17:34:02.123456 kubelet[86]: x", "kubelet[86]", "x");
        case(
            "2026-11-20T17:34:02+0000 node1 dockerd[9]: f()",
            "dockerd[9]",
            "f()",
        );
        case("2026-11-20T17:34:02.1Z stderr F \tx.go:1", "", "\tx.go:1");
        case(
            "2026-11-20T17:34:02.1Z goroutine 7 [select]:",
            "",
            "goroutine 7 [select]:",
        );
        case(
            "<30>1 2026-11-20T17:34:02Z node1 kubelet 86 - - f()",
            "kubelet",
            "f()",
        );
        case(
            "[pod/kube-system/m-1/m] goroutine 7 [select]:",
            "pod/kube-system/m-1/m",
            "goroutine 7 [select]:",
        );
        case(
            "{\"log\":\"goroutine 7 [select]:\\n\",\"stream\":\"stderr\"}",
            "",
            "goroutine 7 [select]:\\n",
        );
        case("main.main()", "", "main.main()");
        case("\t/go/src/x.go:1", "", "\t/go/src/x.go:1");
    }

    #[test]
    fn reads_owner_and_time_of_a_prefix() {
        let p = peel(b"Nov 20 17:34:02 node1 inventory-api[58]: x");
        assert_eq!(owner_of(p.key), (Some("inventory-api".into()), Some(58)));
        assert_eq!(host_of(p.prefix, p.key).as_deref(), Some("node1"));
        assert!(matches!(
            time_of(p.prefix),
            Some(RawStamp::Local {
                year: None,
                month: 11,
                day: 20,
                ..
            })
        ));
        assert_eq!(
            time_of(b"2026-11-20T17:01:25+08:00 "),
            dated(b"2026-11-20T170125+0800.log")
        );
        assert_eq!(
            dated(b"1970-01-01T000001Z"),
            Some(RawStamp::utc(SECOND, SECOND))
        );
    }

    #[test]
    fn json_lines_say_whose_they_are_and_when() {
        let line = br#"{"__REALTIME_TIMESTAMP":"1000000","_PID":"58","SYSLOG_IDENTIFIER":"shopd","MESSAGE":"goroutine 7 [select]:"}"#;
        let p = peel(line);
        assert_eq!(
            (p.key, p.rest),
            (&b"shopd"[..], &b"goroutine 7 [select]:"[..])
        );
        assert!(p.escaped && !p.continued);
        assert_eq!(json_owner(line), (Some("shopd".into()), Some(58)));
        assert_eq!(json_time(line), Some(RawStamp::utc(SECOND, SECOND)));
        let line = br#"{"stream":"stderr", "log": "main.f()\n","time":"1970-01-01T00:00:01.5Z"}"#;
        assert_eq!(peel(line).rest, br"main.f()\n");
        assert_eq!(json_time(line), Some(RawStamp::utc(SECOND, SECOND)));
        assert_eq!(json_time(b"x"), None);
    }

    #[test]
    fn a_logfmt_line_says_its_time() {
        let line = b"time=\"1970-01-01T00:00:01.25Z\" level=info";
        assert_eq!(time_field(line), Some(RawStamp::utc(SECOND, SECOND)));
        assert_eq!(time_field(b"level=info"), None);
    }

    proptest! {
        #[test]
        fn any_bytes(line: Vec<u8>) {
            let p = peel(&line);
            prop_assert!(p.rest.len() <= line.len());
            let _ = (time_of(p.prefix), owner_of(p.key), host_of(p.prefix, p.key), dated(&line), json_time(&line), json_owner(&line));
        }
    }
}
