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

    proptest! {
        #[test]
        fn any_bytes(text: Vec<u8>) {
            let mut out = Vec::new();
            unescape(&text, &mut out);
            if let Some(i) = closing(&text) {
                prop_assert_eq!(text[i], b'"');
            }
        }
    }
}
