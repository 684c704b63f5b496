//! Go string literals as `strconv.Quote` writes them: `"x: \"y\"\n\u00b5"`.
//!
//! Lossy on bad input: an unknown escape stays as it stands, a missing end quote ends at the line.

use std::borrow::Cow;

/// Reads a quoted string at the start: its value, the bytes it takes, whether its end quote was there.
pub(super) fn quoted(b: &[u8]) -> Option<(Cow<'_, [u8]>, usize, bool)> {
    let body = b.strip_prefix(b"\"")?;
    let (len, closed) = end(body);
    let value = unquote(body.get(..len)?);
    Some((value, 1 + len + usize::from(closed), closed))
}

/// Length of the body up to its end quote, a line end or the end of the input.
fn end(body: &[u8]) -> (usize, bool) {
    let mut at = 0;
    while let Some(found) = body
        .get(at..)
        .and_then(|rest| memchr::memchr3(b'"', b'\\', b'\n', rest))
    {
        let stop = at + found;
        match body.get(stop) {
            Some(b'"') => return (stop, true),
            Some(b'\\') => at = (stop + 2).min(body.len()),
            _ => return (stop, false),
        }
    }
    (body.len(), false)
}

/// Removes Go escapes.
pub(super) fn unquote(raw: &[u8]) -> Cow<'_, [u8]> {
    resolved(raw, escape)
}

/// The text with its escapes resolved: `escape` gets what stands behind a backslash, writes what that means, and returns
/// how many bytes it took.
pub(super) fn resolved(raw: &[u8], escape: impl Fn(&[u8], &mut Vec<u8>) -> usize) -> Cow<'_, [u8]> {
    let Some(first) = memchr::memchr(b'\\', raw) else {
        return Cow::Borrowed(raw);
    };
    let mut out = Vec::with_capacity(raw.len());
    let (clean, mut rest) = raw.split_at(first);
    out.extend_from_slice(clean);
    while let Some((b'\\', tail)) = rest.split_first() {
        let taken = escape(tail, &mut out);
        let tail = tail.get(taken..).unwrap_or_default();
        let (clean, next) = tail.split_at(memchr::memchr(b'\\', tail).unwrap_or(tail.len()));
        out.extend_from_slice(clean);
        rest = next;
    }
    Cow::Owned(out)
}

/// Writes what the escape behind a backslash stands for; returns how many bytes it takes.
fn escape(tail: &[u8], out: &mut Vec<u8>) -> usize {
    let simple = match tail.first() {
        Some(b'n') => b'\n',
        Some(b't') => b'\t',
        Some(b'r') => b'\r',
        Some(b'a') => 7,
        Some(b'b') => 8,
        Some(b'f') => 12,
        Some(b'v') => 11,
        Some(c @ (b'"' | b'\\' | b'\'')) => *c,
        Some(b'x') => return byte(tail, 1, 3, 16, out),
        Some(b'0'..=b'7') => return byte(tail, 0, 3, 8, out),
        Some(b'u') => return rune(tail, 5, out),
        Some(b'U') => return rune(tail, 9, out),
        _ => {
            out.push(b'\\');
            return 0;
        }
    };
    out.push(simple);
    1
}

fn digits(tail: &[u8], from: usize, to: usize, radix: u32) -> Option<u32> {
    let text = tail.get(from..to)?;
    text.iter().try_fold(0_u32, |n, c| {
        n.checked_mul(radix)?
            .checked_add(char::from(*c).to_digit(radix)?)
    })
}

fn byte(tail: &[u8], from: usize, to: usize, radix: u32, out: &mut Vec<u8>) -> usize {
    if let Some(value) = digits(tail, from, to, radix).and_then(|n| u8::try_from(n).ok()) {
        out.push(value);
        return to;
    }
    out.push(b'\\');
    0
}

fn rune(tail: &[u8], to: usize, out: &mut Vec<u8>) -> usize {
    if let Some(c) = digits(tail, 1, to, 16).and_then(char::from_u32) {
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        return to;
    }
    out.push(b'\\');
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn case(input: &[u8], value: &[u8], taken: usize, closed: bool) {
        let (found, n, c) = quoted(input).unwrap();
        assert_eq!(
            found.escape_ascii().to_string(),
            value.escape_ascii().to_string()
        );
        assert_eq!((n, c), (taken, closed));
    }

    #[test]
    fn strings() {
        case(br#""plain" x"#, b"plain", 7, true);
        case(br#""a\"b\\" x"#, br#"a"b\"#, 8, true);
        case(br#""\n\t\r\a\b\f\v""#, b"\n\t\r\x07\x08\x0c\x0b", 16, true);
        case(
            br#""\xff\101\u00b5\U0001f600""#,
            b"\xffA\xc2\xb5\xf0\x9f\x98\x80",
            26,
            true,
        );
        case(br#""\q\x4\ud800\400""#, br"\q\x4\ud800\400", 17, true); // no such escapes
        case(br#""cut at the end"#, b"cut at the end", 15, false);
        case(b"\"cut\nnext\" line", b"cut", 4, false);
        case(br#""a\"#, br"a\", 3, false);
        assert!(quoted(b"bare").is_none());
    }
}
