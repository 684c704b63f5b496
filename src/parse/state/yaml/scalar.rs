//! Keys and scalars.

use memchr::memmem;

use crate::parse::state::tree::MAX_SCALAR;

pub(super) fn trim_end(mut body: &[u8]) -> &[u8] {
    while let Some((last, head)) = body.split_last() {
        if !last.is_ascii_whitespace() {
            break;
        }
        body = head;
    }
    body
}

pub(super) fn blanks(body: &[u8]) -> usize {
    body.iter().take_while(|b| **b == b' ').count()
}

/// Splits `key: value`: the key, and where the value begins unless it is on the following lines.
pub(super) fn key_of(body: &[u8]) -> Option<(String, Option<usize>)> {
    let first = *body.first()?;
    let colon = match first {
        b'"' | b'\'' => {
            let (_, end) = quoted(body, 1, first);
            (body.get(end) == Some(&b':')).then_some(end)?
        }
        b'[' | b'{' | b'|' | b'>' | b'*' | b'&' | b'!' | b'%' | b'@' | b'`' => return None,
        b'?' if body.get(1).is_none_or(|b| *b == b' ') => return None,
        _ => match memmem::find(body, b": ") {
            Some(n) => n,
            None => body
                .strip_suffix(b":")
                .map(<[u8]>::len)
                .filter(|n| *n > 0)?,
        },
    };
    // Nobody writes such keys; a sentence with a colon in it is no key.
    if colon > 512 {
        return None;
    }
    let key = match first {
        b'"' | b'\'' => quoted(body, 1, first).0,
        _ => String::from_utf8_lossy(body.get(..colon)?).into_owned(),
    };
    let behind = colon.saturating_add(1);
    let rest = body.get(behind..).unwrap_or_default();
    let gap = blanks(rest);
    let value = rest.get(gap..).unwrap_or_default();
    let here = !value.is_empty() && !value.starts_with(b"#");
    Some((key, here.then_some(behind.saturating_add(gap))))
}

pub(super) fn without_comment(body: &[u8]) -> &[u8] {
    match memmem::find(body, b" #") {
        Some(n) => trim_end(body.get(..n).unwrap_or_default()),
        None => body,
    }
}

/// A quoted scalar whose content begins at `pos`: its text with lines folded, and the position behind it.
pub(super) fn quoted(text: &[u8], mut pos: usize, quote: u8) -> (String, usize) {
    let mut out = Vec::new();
    while let Some(byte) = text.get(pos).copied() {
        pos = pos.saturating_add(1);
        if byte == quote {
            if quote == b'\'' && text.get(pos) == Some(&b'\'') {
                out.push(b'\'');
                pos = pos.saturating_add(1);
                continue;
            }
            break;
        }
        if out.len() > MAX_SCALAR {
            continue;
        }
        match byte {
            b'\n' => {
                while out.last().is_some_and(u8::is_ascii_whitespace) {
                    out.pop();
                }
                let mut empty = 0usize;
                while let Some(b) = text.get(pos).copied().filter(u8::is_ascii_whitespace) {
                    empty = empty.saturating_add(usize::from(b == b'\n'));
                    pos = pos.saturating_add(1);
                }
                if empty == 0 {
                    out.push(b' ');
                } else {
                    out.extend(std::iter::repeat_n(b'\n', empty.min(16)));
                }
            }
            b'\\' if quote == b'"' => pos = escape(text, pos, &mut out),
            byte => out.push(byte),
        }
    }
    (String::from_utf8_lossy(&out).into_owned(), pos)
}

/// An escape of a double-quoted scalar, behind its backslash; returns the position behind it.
fn escape(text: &[u8], pos: usize, out: &mut Vec<u8>) -> usize {
    let Some(letter) = text.get(pos).copied() else {
        return pos;
    };
    let next = pos.saturating_add(1);
    let digits = match letter {
        b'x' => 2,
        b'u' => 4,
        b'U' => 8,
        b'\n' => {
            // The line goes on without a blank.
            let lead = text.get(next..).unwrap_or_default();
            return next.saturating_add(blanks(lead));
        }
        other => {
            out.push(match other {
                b'n' => b'\n',
                b't' => b'\t',
                b'r' => b'\r',
                b'0' => 0,
                b'a' => 7,
                b'b' => 8,
                b'e' => 0x1b,
                b'f' => 0xc,
                b'v' => 0xb,
                other => other,
            });
            return next;
        }
    };
    let end = next.saturating_add(digits);
    let code = text
        .get(next..end)
        .and_then(|d| std::str::from_utf8(d).ok())
        .and_then(|d| u32::from_str_radix(d, 16).ok());
    match code {
        Some(code) => {
            let c = char::from_u32(code).unwrap_or('\u{fffd}');
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            end
        }
        None => next,
    }
}
