//! Removes one level of quoting: a dump that a logger printed as one line, with `\n` and `\t` in it.
//!
//! `msg="=== BEGIN goroutine stack dump ===\ngoroutine 36 [running]:\ngithub.com/…\n\t…"` (logrus),
//! `"msg":"Observed a panic: …\ngoroutine 1792 [running]:\n\t…"` (JSON). Go and JSON escapes are read alike.

use memchr::memchr2;

/// Where the closing quote is; `None`: the text goes on in the next line.
pub(super) fn closing(text: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(i) = memchr2(b'"', b'\\', text.get(from..)?) {
        let here = from + i;
        if text.get(here) == Some(&b'"') {
            return Some(here);
        }
        from = here + 2;
    }
    None
}

/// Where the value begins that holds a quoted dump: behind the quote before the first `\ngoroutine ` or `"goroutine `.
/// 0 where the quote is lost.
pub(super) fn find(text: &[u8]) -> Option<usize> {
    const HEADER: &[u8] = b"goroutine ";
    memchr::memchr(b'\\', text)?;
    let hit = memchr::memmem::find_iter(text, HEADER).find(|i| {
        let before = text.get(..*i).unwrap_or_default();
        before.ends_with(b"\\n")
            || before.ends_with(b"\"")
                && text
                    .get(*i..)
                    .is_some_and(|t| memchr::memmem::find(t, b"]:\\n").is_some())
    })?;
    let mut start = hit;
    while let Some(i) = text.get(..start).and_then(|t| memchr::memrchr(b'"', t)) {
        start = i;
        if !ends_in_escape(text.get(..i).unwrap_or_default()) {
            return Some(i + 1);
        }
    }
    Some(0)
}

/// Whether a text ends in a backslash that escapes what follows.
pub(super) fn ends_in_escape(text: &[u8]) -> bool {
    text.iter().rev().take_while(|b| **b == b'\\').count() % 2 == 1
}

/// Whether a line is a record of its own rather than a further part of a quoted dump.
pub(super) fn begins_record(text: &[u8]) -> bool {
    let klog = matches!(text.first(), Some(b'I' | b'W' | b'E' | b'F'))
        && text
            .get(1..5)
            .is_some_and(|d| d.iter().all(u8::is_ascii_digit))
        && text.get(5) == Some(&b' ');
    klog || text.starts_with(b"time=\"") || text.starts_with(b"{\"")
}

/// Undoes the escapes of a quoted text. An escape that is none is kept as it stands.
pub(super) fn unescape(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(i) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(rest.get(..i).unwrap_or(b""));
        let tail = rest.get(i + 1..).unwrap_or(b"");
        let Some(&kind) = tail.first() else {
            out.push(b'\\');
            return;
        };
        let mut used = 1;
        match kind {
            b'n' => out.push(b'\n'),
            b't' => out.push(b'\t'),
            b'r' => out.push(b'\r'),
            b'"' | b'\\' | b'/' | b'\'' => out.push(kind),
            b'x' => used += code(tail, 2, out),
            b'u' => used += code(tail, 4, out),
            b'U' => used += code(tail, 8, out),
            _ => out.extend([b'\\', kind]),
        }
        rest = tail.get(used..).unwrap_or(b"");
    }
    out.extend_from_slice(rest);
}

/// A hexadecimal escape of `len` digits after its letter; returns the digits used.
fn code(tail: &[u8], len: usize, out: &mut Vec<u8>) -> usize {
    let value = tail
        .get(1..=len)
        .and_then(|d| str::from_utf8(d).ok())
        .and_then(|d| u32::from_str_radix(d, 16).ok());
    let Some(value) = value else {
        out.extend([b'\\', tail.first().copied().unwrap_or(b'?')]);
        return 0;
    };
    if let (2, Ok(byte)) = (len, u8::try_from(value)) {
        out.push(byte);
    } else {
        let c = char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER);
        out.extend(c.encode_utf8(&mut [0; 4]).bytes());
    }
    len
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn case(input: &str, expected: &str) {
        let mut out = Vec::new();
        unescape(input.as_bytes(), &mut out);
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }

    #[test]
    fn undoes_escapes() {
        case(r"a\n\tb", "a\n\tb");
        case(r#"\"x\" \\n"#, "\"x\" \\n");
        case(r"\u003c\x41\u00b5", "<Aµ");
        case(r"\q\", "\\q\\");
        case(r"\uzz", "\\uzz");
    }

    #[test]
    fn finds_the_closing_quote() {
        assert_eq!(closing(br#"a\"b" x"#), Some(4));
        assert_eq!(closing(br"a\"), None);
        assert_eq!(closing(br#"a\""#), None);
    }

    #[test]
    fn finds_the_quoted_dump() {
        let case = |text: &str, expected: Option<usize>| {
            assert_eq!(find(text.as_bytes()), expected, "{text}");
        };
        case(r#"msg="x\ngoroutine 1 [running]:\n""#, Some(5));
        case(r#"msg="say \"x\"\ngoroutine 1 [running]:\n""#, Some(5));
        case(
            r#"{"stack":"goroutine 1 [running]:\nmain.f()\n"}"#,
            Some(10),
        );
        case(r"main.f()\ngoroutine 2 [select]:\n", Some(0));
        case(r#"msg="leak in \"goroutine 7\" found""#, None);
        case("goroutine 1 [running]:", None);
    }

    proptest! {
        #[test]
        fn any_bytes(text: Vec<u8>) {
            prop_assert!(find(&text).is_none_or(|i| i <= text.len()));
            let _ = begins_record(&text);
            let mut out = Vec::new();
            unescape(&text, &mut out);
            if let Some(i) = closing(&text) {
                prop_assert_eq!(text[i], b'"');
            }
        }
    }
}
