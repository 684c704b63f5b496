//! logfmt as logrus prints it: `time="2026-11-20T17:02:06.517338974Z" level=info msg="starting containerd" revision=…`.
//!
//! containerd, dockerd, CRI-O (a blank in its time), cilium, slog text; also the terminal form `INFO[0013] message  k=v`.
//! The goroutine dump of containerd is one such line of 50 to 90 kB; its message is unquoted like any other.

use std::borrow::Cow;

use super::canon::{self, Canon};
use super::pairs::{Pairs, Style};
use super::{level, stamp};
use crate::base::time::RawStamp;
use crate::model::{Level, Record};

const TIME: [&[u8]; 4] = [b"time", b"ts", b"t", b"timestamp"];
const LEVEL: [&[u8]; 3] = [b"level", b"lvl", b"severity"];
const MESSAGE: [&[u8]; 2] = [b"msg", b"message"];

/// Whether a payload is logfmt: it begins with one of the keys a logger writes first.
pub(super) fn is(b: &[u8]) -> bool {
    let Some(eq) = memchr::memchr(b'=', b.get(..b.len().min(12)).unwrap_or_default()) else {
        return false;
    };
    let Some(key) = b.get(..eq) else { return false };
    let own: [&[u8]; 2] = [b"caller", b"logger"];
    LEVEL.contains(&key)
        || MESSAGE.contains(&key)
        || ((TIME.contains(&key) || own.contains(&key))
            && has_key(b.get(..b.len().min(160)).unwrap_or_default()))
}

/// Whether a key that only loggers write stands somewhere in `head`.
fn has_key(head: &[u8]) -> bool {
    memchr::memchr_iter(b'=', head).any(|eq| {
        let before = head.get(..eq).unwrap_or_default();
        before.ends_with(b"level") || before.ends_with(b"msg") || before.ends_with(b"lvl")
    })
}

/// What follows `key=`, where it stands at the start or behind a blank. Looking for the few `=` is cheaper than
/// setting up a search for each key.
fn behind<'a>(head: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    memchr::memchr_iter(b'=', head).find_map(|eq| {
        let before = head.get(..eq)?.strip_suffix(key)?;
        matches!(before.last(), None | Some(b' ')).then(|| head.get(eq + 1..))?
    })
}

/// The level without reading the pairs. `b` may stand inside a JSON string (quotes escaped).
pub(super) fn peek_level(b: &[u8]) -> Level {
    let head = b.get(..b.len().min(200)).unwrap_or_default();
    for key in LEVEL {
        if let Some(word) = behind(head, key) {
            let quotes = word
                .iter()
                .take_while(|c| matches!(c, b'"' | b'\\'))
                .count();
            return level::from_word(word.get(quotes..).unwrap_or_default());
        }
    }
    Level::Unknown
}

/// The time without reading the pairs; as above.
pub(super) fn peek_time(b: &[u8]) -> Option<RawStamp> {
    let head = b.get(..b.len().min(200))?;
    for key in TIME {
        if let Some(word) = behind(head, key) {
            let quotes = word
                .iter()
                .take_while(|c| matches!(c, b'"' | b'\\'))
                .count();
            return moment(word.get(quotes..)?);
        }
    }
    None
}

fn moment(text: &[u8]) -> Option<RawStamp> {
    if let Some((time, _)) = stamp::iso(text) {
        return Some(time);
    }
    let end = text
        .iter()
        .position(|c| matches!(c, b'"' | b' ' | b'\n'))
        .unwrap_or(text.len());
    stamp::epoch(text.get(..end)?)
}

/// Fills a record from a logfmt payload.
pub(super) fn fill<'a>(b: &'a [u8], record: &mut Record<'a>) {
    let mut pairs = Pairs::new(b, Style::Logfmt);
    let mut message = None;
    let mut others = Vec::new();
    for (key, value) in pairs.by_ref() {
        if message.is_none() && MESSAGE.contains(&key) {
            message = Some(value);
        } else if TIME.contains(&key) && moment(&value).is_some() {
            // The reader of the line takes it by `peek_time`.
        } else if LEVEL.contains(&key) || key == b"logger" {
            others.push((key, value, false));
        } else if matches!(key, b"caller" | b"file" | b"source") && is_caller(&value) {
            record.caller = Some(canon::text(value));
        } else {
            others.push((key, value, true));
        }
        if others.len() >= 512 {
            break;
        }
    }
    let mut canon = Canon::new(&message.unwrap_or(Cow::Borrowed(b"")));
    for (key, value, shown) in others {
        if shown {
            canon.show(key, value);
        } else {
            canon.keep(key, value);
        }
    }
    canon.append(pairs.remainder());
    canon.finish(record);
}

/// `file.go:123`.
pub(super) fn is_caller(b: &[u8]) -> bool {
    memchr::memrchr(b':', b).is_some_and(|colon| {
        let (file, line) = b.split_at(colon);
        line.len() > 1
            && line.iter().skip(1).all(u8::is_ascii_digit)
            && !file.contains(&b' ')
            && [b".go".as_slice(), b".cc", b".py", b".rs", b".c"]
                .iter()
                .any(|e| file.ends_with(e))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn case(line: &str, level: Level, expected: &str) {
        assert!(is(line.as_bytes()), "{line}");
        assert_eq!(peek_level(line.as_bytes()), level);
        let mut record = Record::default();
        fill(line.as_bytes(), &mut record);
        assert_eq!(String::from_utf8_lossy(&record.text), expected);
    }

    #[test]
    fn lines() {
        case(
            r#"time="2024-02-09T03:04:05.123456789+08:00" level=error msg="StopPodSandbox for \"abc\" failed" error="x: \"y\"""#,
            Level::Error,
            r#"StopPodSandbox for "abc" failed error=x: "y""#,
        );
        case(
            r#"time="2024-02-09 03:04:05.123456789Z" level=info msg="a b" id=1 name=/x/y"#,
            Level::Info,
            "a b id=1 name=/x/y",
        );
        case(
            r"time=2024-02-09T03:04:05.123+08:00 level=WARN msg=m k=v",
            Level::Warning,
            "m k=v",
        );
        case(
            "ts=2024-02-09T03:04:05.123Z caller=main.go:1 level=info component=web msg=up",
            Level::Info,
            "up component=web",
        );
        case(
            r#"level=debug subsys=daemon msg="x"#,
            Level::Debug,
            "x subsys=daemon",
        );
        for line in ["t=1 nothing", "a=b", "level", "timeout=3s exceeded", ""] {
            assert!(!is(line.as_bytes()), "{line}");
        }
    }

    #[test]
    fn times() {
        assert!(peek_time(br#"time="2024-02-09 03:04:05.1Z" level=info"#).is_some());
        assert!(peek_time(br#"time=\"2024-02-09T03:04:05Z\" level=info"#).is_some());
        assert!(peek_time(b"level=info ts=1707419045.123 msg=x").is_some());
        assert!(peek_time(b"level=info msg=x").is_none());
    }
}
