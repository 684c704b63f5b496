//! klog and glog text: `E1120 17:06:13.398027      60 lease.go:233] "Failed to update lease" err="…" lock="ns/n"`.
//!
//! Also the pair form of old klogr (`"msg"="x" "error"="y"`). The JSON form of klog is read with the other JSON logs.

use std::borrow::Cow;

use super::canon::Canon;
use super::pairs::{Pairs, Style};
use super::{goquote, stamp};
use crate::base::time::RawStamp;
use crate::model::{Level, Record};

/// The header of a klog line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header<'a> {
    pub(super) level: Level,
    pub(super) stamp: RawStamp,
    pub(super) pid: Option<u64>,
    /// `file.go:123`.
    pub(super) caller: &'a [u8],
    pub(super) rest: &'a [u8],
}

/// Reads `Lmmdd hh:mm:ss.uuuuuu pid file:line] ` at the start.
pub(super) fn header(b: &[u8]) -> Option<Header<'_>> {
    let (letter, rest) = b.split_first()?;
    let level = match letter {
        b'I' => Level::Info,
        b'W' => Level::Warning,
        b'E' => Level::Error,
        b'F' | b'C' => Level::Fatal,
        _ => return None,
    };
    let (stamp, len) = stamp::klog(rest)?;
    let rest = rest.get(len..)?;
    let blanks = rest.iter().take_while(|c| **c == b' ').count();
    let rest = rest.get(blanks..).filter(|_| blanks > 0)?;
    let digits = rest
        .iter()
        .take(12)
        .take_while(|c| c.is_ascii_digit())
        .count();
    let pid = stamp::number(rest.get(..digits)?);
    let rest = rest.get(digits..)?;
    let rest = if digits > 0 {
        rest.strip_prefix(b" ")?
    } else {
        rest
    };
    let close = memchr::memchr(b']', rest.get(..rest.len().min(256))?)?;
    let caller = rest.get(..close)?;
    let colon = memchr::memrchr(b':', caller)?;
    let line = caller.get(colon + 1..)?;
    if colon == 0
        || line.is_empty()
        || !line.iter().all(u8::is_ascii_digit)
        || caller.contains(&b' ')
    {
        return None;
    }
    let rest = rest.get(close + 1..)?;
    Some(Header {
        level,
        stamp,
        pid,
        caller,
        rest: rest.strip_prefix(b" ").unwrap_or(rest),
    })
}

/// Fills message and fields of a record from what stands behind the header.
pub(super) fn fill<'a>(rest: &'a [u8], record: &mut Record<'a>) {
    if let Some(canon) = structured(rest).or_else(|| klogr(rest)) {
        canon.finish(record);
    } else {
        record.text = Cow::Borrowed(rest);
        record.message = rest.len();
    }
}

/// Whether this is what stands behind a header that was left out (`--skip_headers`, an agent): a quoted message, and
/// nothing or fields behind it.
pub(super) fn is_body(b: &[u8]) -> bool {
    let line = b.get(..memchr::memchr(b'\n', b).unwrap_or(b.len()));
    let Some((_, len, true)) = line.and_then(goquote::quoted) else {
        return false;
    };
    let behind = line.and_then(|l| l.get(len..)).unwrap_or_default();
    if behind.trim_ascii().is_empty() {
        return len > 2;
    }
    let key = |c: &u8| c.is_ascii_alphanumeric() || b"._-/".contains(c);
    behind.strip_prefix(b" ").is_some_and(|r| {
        let end = r.iter().take(64).take_while(|c| key(c)).count();
        end > 0 && r.get(end) == Some(&b'=')
    })
}

/// `"message" key=value …`. `None`: a printf message that begins with a quote.
fn structured(rest: &[u8]) -> Option<Canon<'_>> {
    let (message, len, _) = goquote::quoted(rest)?;
    let behind = rest.get(len..)?;
    let mut pairs = Pairs::new(behind, Style::Klog);
    let mut next = pairs.next();
    if next.is_none()
        && !matches!(behind.trim_ascii_start().len(), 0)
        && behind.first() != Some(&b'\n')
    {
        return None;
    }
    let mut canon = Canon::new(&message);
    while let Some((key, value)) = next {
        // Printed as prefix of the message before 1.29, as its own member in JSON: no part of the message.
        if key == b"logger" {
            canon.keep(key, value);
        } else {
            canon.show(key, value);
        }
        next = pairs.next();
    }
    canon.append(pairs.remainder());
    Some(canon)
}

/// `prefix "msg"="text" "error"="…" "key"={"json":1}`, as operators printed from 2019 to 2022.
fn klogr(rest: &[u8]) -> Option<Canon<'_>> {
    let head = rest.get(..rest.len().min(160))?;
    let at = memchr::memmem::find(head, b"\"msg\"=\"")?;
    let (prefix, pairs) = rest.split_at(at);
    if memchr::memchr2(b'"', b'\n', prefix).is_some() {
        return None;
    }
    // Keys are sorted: some may stand before the message.
    let mut message = Cow::Borrowed(b"".as_slice());
    let mut others = Vec::new();
    let mut pairs = Pairs::new(pairs, Style::Klog);
    for (key, value) in pairs.by_ref().take(256) {
        if key == b"msg" {
            message = value;
        } else {
            others.push((key, value));
        }
    }
    let mut canon = Canon::new(&message);
    let prefix = prefix.trim_ascii();
    if !prefix.is_empty() {
        canon.keep(b"logger", Cow::Borrowed(prefix));
    }
    for (key, value) in others {
        if key == b"level" {
            canon.keep(key, value);
        } else {
            canon.show(key, value);
        }
    }
    canon.append(pairs.remainder());
    Some(canon)
}

/// Whether an unheaded line has the pairs of old klogr.
pub(super) fn is_klogr(b: &[u8]) -> bool {
    b.starts_with(b"\"msg\"=\"") || b.starts_with(b"\"level\"=")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn text(rest: &str) -> String {
        let mut record = Record::default();
        fill(rest.as_bytes(), &mut record);
        String::from_utf8_lossy(&record.text).into_owned()
    }

    #[test]
    fn headers() {
        let h = header(b"I0229 23:59:59.999999       1 server.go:42] Started").unwrap();
        assert_eq!((h.level, h.pid), (Level::Info, Some(1)));
        assert_eq!(
            (h.caller, h.rest),
            (b"server.go:42".as_slice(), b"Started".as_slice())
        );
        // Eras: padded pid, directory, unknown file, empty message, year.
        for line in [
            "W0301 00:00:00.000120 28113 reflector.go:302] k8s.io/x/y.go:12: watch ended",
            "E1122 02:40:34.700000 0000012 dir/file.go:1] x",
            "F1122 02:40:34.700000       7 ???:1] x",
            "I1122 02:40:34.700000       1 a.go:1]",
            "I20191122 02:40:34.700000       1 a.go:1] x",
        ] {
            assert!(header(line.as_bytes()).is_some(), "{line}");
        }
        for line in [
            "",
            "E1122",
            "E1122 something else",
            "I1322 02:40:34.700000       1 a.go:1] no such month",
            "I1122 02:40:34.700000       1 a.go:x] no line number",
            "I1122 02:40:34.700000 cut",
            "X1122 02:40:34.700000       1 a.go:1] x",
        ] {
            assert!(header(line.as_bytes()).is_none(), "{line}");
        }
    }

    #[test]
    fn canonical_texts() {
        assert_eq!(
            text(r#""Failed to update lease" err="x: \"y\"" lock="kube-system/z""#),
            "Failed to update lease err=x: \"y\" lock=kube-system/z"
        );
        assert_eq!(text("Started \"csrsigning\""), "Started \"csrsigning\"");
        assert_eq!(text(r#""quoted" is printf"#), r#""quoted" is printf"#);
        assert_eq!(text(r#""alone""#), "alone");
        assert_eq!(
            text("\"Unhandled Error\" err=\"e\" logger=\"UnhandledError\"\ngoroutine 5 [running]:"),
            "Unhandled Error err=e\ngoroutine 5 [running]:"
        );
        assert_eq!(
            text(r#"controller "msg"="Reconciler error" "error"="not found" "key"={"name":"a"}"#),
            r#"Reconciler error error=not found key={"name":"a"}"#
        );
        // Cut in the middle of a value.
        assert_eq!(text(r#""msg" err="cut of"#), "msg err=cut of");
    }
}
