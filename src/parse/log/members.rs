//! The members of a JSON object on one line, in printed order, without building a tree.
//!
//! Log lines repeat keys (legal klog output), end in the middle (cut at 16 or 48 KiB) and hold invalid UTF-8; a
//! strict parser would lose all of these lines.

use std::borrow::Cow;

use super::goquote::resolved;

/// A value as it stands in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// What is between the quotes, still escaped.
    Str(&'a [u8]),
    /// A number, `true`, `false`, `null`.
    Word(&'a [u8]),
    /// An object or array with its brackets.
    Nested(&'a [u8]),
}

impl<'a> Value<'a> {
    /// The value as text: a string unescaped, anything else as it is written.
    pub(super) fn text(self) -> Cow<'a, [u8]> {
        match self {
            Self::Str(raw) => unescape(raw),
            Self::Word(raw) | Self::Nested(raw) => Cow::Borrowed(raw),
        }
    }

    /// The bytes of the text, escapes and all.
    pub(super) fn raw(self) -> &'a [u8] {
        match self {
            Self::Str(raw) | Self::Word(raw) | Self::Nested(raw) => raw,
        }
    }

    /// Whether it is a string or array of no content, or `null`.
    pub(super) fn is_null(self) -> bool {
        matches!(self, Self::Word(b"null") | Self::Str(b""))
    }
}

/// Iterator over the members of an object.
#[derive(Clone, Debug)]
pub(super) struct Members<'a> {
    rest: &'a [u8],
    done: bool,
}

impl<'a> Members<'a> {
    /// Over the object that `text` starts with (leading blanks allowed); `None` if it does not start with one.
    pub(super) fn of(text: &'a [u8]) -> Option<Self> {
        let rest = blanks(text).strip_prefix(b"{")?;
        Some(Self { rest, done: false })
    }

    /// Over nothing.
    pub(super) fn empty() -> Self {
        Self {
            rest: &[],
            done: true,
        }
    }

    /// What follows the object, once the iterator is exhausted.
    pub(super) fn remainder(&self) -> &'a [u8] {
        self.rest
    }

    fn step(&mut self) -> Option<(&'a [u8], Value<'a>)> {
        let mut rest = blanks(self.rest);
        if let Some(next) = rest.strip_prefix(b",") {
            rest = blanks(next);
        }
        if let Some(next) = rest.strip_prefix(b"}") {
            self.rest = next;
            return None;
        }
        let Some((key, next)) = string(rest) else {
            self.rest = rest;
            return None;
        };
        let Some(next) = blanks(next).strip_prefix(b":") else {
            self.rest = blanks(next);
            return None;
        };
        let next = blanks(next);
        let (value, next) = match next.first() {
            Some(b'"') => string(next).map(|(s, n)| (Value::Str(s), n))?,
            Some(b'{' | b'[') => {
                let (raw, n) = next.split_at(nested(next));
                (Value::Nested(raw), n)
            }
            _ => {
                let len = next
                    .iter()
                    .position(|c| matches!(c, b',' | b'}' | b']' | b'\n' | b' '))
                    .unwrap_or(next.len());
                let (raw, n) = next.split_at(len);
                if raw.is_empty() {
                    self.rest = next;
                    return None;
                }
                (Value::Word(raw), n)
            }
        };
        self.rest = next;
        Some((key, value))
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a [u8], Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let found = self.step();
        self.done = found.is_none();
        found
    }
}

fn blanks(b: &[u8]) -> &[u8] {
    let len = b
        .iter()
        .take_while(|c| matches!(c, b' ' | b'\t' | b'\r' | b'\n'))
        .count();
    b.get(len..).unwrap_or_default()
}

/// A string at the start: its raw content and what follows. A missing end quote ends at the input.
fn string(b: &[u8]) -> Option<(&[u8], &[u8])> {
    let body = b.strip_prefix(b"\"")?;
    let mut at = 0;
    while let Some(found) = body
        .get(at..)
        .and_then(|rest| memchr::memchr2(b'"', b'\\', rest))
    {
        let stop = at + found;
        if body.get(stop) == Some(&b'"') {
            return Some((body.get(..stop)?, body.get(stop + 1..)?));
        }
        at = (stop + 2).min(body.len());
    }
    Some((body, &[]))
}

/// Length of the object or array at the start (all of the input when it does not end).
pub(super) fn nested(b: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(c) = b.get(at) {
        match c {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            b'"' => {
                let rest = b
                    .get(at..)
                    .and_then(string)
                    .map_or(0, |(_, rest)| rest.len());
                at = b.len() - rest;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    b.len()
}

/// The first member of that name.
pub(super) fn find<'a>(object: &'a [u8], key: &[u8]) -> Option<Value<'a>> {
    Members::of(object)?
        .find(|(k, _)| *k == key)
        .map(|(_, v)| v)
}

/// Removes JSON escapes (`\u00e9`, surrogate pairs); a bad escape stays as it stands.
pub(super) fn unescape(raw: &[u8]) -> Cow<'_, [u8]> {
    resolved(raw, escape)
}

/// Writes what the escape behind a backslash stands for; returns how many bytes it takes.
fn escape(tail: &[u8], out: &mut Vec<u8>) -> usize {
    let simple = match tail.first() {
        Some(b'n') => b'\n',
        Some(b't') => b'\t',
        Some(b'r') => b'\r',
        Some(b'b') => 8,
        Some(b'f') => 12,
        Some(c @ (b'"' | b'\\' | b'/')) => *c,
        Some(b'u') => return unicode(tail, out),
        _ => {
            out.push(b'\\');
            return 0;
        }
    };
    out.push(simple);
    1
}

fn hex4(b: &[u8]) -> Option<u32> {
    let digits: &[u8; 4] = b.first_chunk()?;
    digits
        .iter()
        .try_fold(0_u32, |n, c| Some(n * 16 + char::from(*c).to_digit(16)?))
}

fn unicode(tail: &[u8], out: &mut Vec<u8>) -> usize {
    let Some(high) = tail.get(1..).and_then(hex4) else {
        out.push(b'\\');
        return 0;
    };
    let mut taken = 5;
    let mut code = high;
    if (0xd800..0xdc00).contains(&high)
        && let Some(low) = tail
            .get(5..)
            .and_then(|t| t.strip_prefix(b"\\u"))
            .and_then(hex4)
            .filter(|low| (0xdc00..0xe000).contains(low))
    {
        code = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        taken = 11;
    }
    let c = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn case(input: &str, expected: &[(&str, &str)]) {
        let found: Vec<_> = Members::of(input.as_bytes())
            .unwrap()
            .map(|(k, v)| {
                (
                    String::from_utf8_lossy(k).into_owned(),
                    String::from_utf8_lossy(&v.text()).into_owned(),
                )
            })
            .collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn objects() {
        case(
            r#"{"ts":1.5,"msg":"a \"b\"\n","v":0}"#,
            &[("ts", "1.5"), ("msg", "a \"b\"\n"), ("v", "0")],
        );
        // A key twice is legal in klog's JSON.
        case(r#"{"d":"1s","d":"2s"}"#, &[("d", "1s"), ("d", "2s")]);
        case(
            r#" { "a" : {"b":"}"} , "c" : [1,"]"] } tail"#,
            &[("a", r#"{"b":"}"}"#), ("c", r#"[1,"]"]"#)],
        );
        case(r#"{"a":"cut of"#, &[("a", "cut of")]);
        case(r#"{"a":{"b":"cu"#, &[("a", r#"{"b":"cu"#)]);
        case(r#"{"a":"#, &[]);
        case(r#"{"a""#, &[]);
        case("{", &[]);
        case(
            r#"{"e":"\u00e9\ud83d\ude00\ud800x\q"}"#,
            &[("e", "é😀\u{fffd}x\\q")],
        );
        assert!(Members::of(b"[1]").is_none());
    }

    #[test]
    fn remainder_follows_the_object() {
        let mut members = Members::of(b"{\"a\":1}\ngoroutine 1").unwrap();
        assert_eq!(members.by_ref().count(), 1);
        assert_eq!(members.remainder(), b"\ngoroutine 1");
    }
}
