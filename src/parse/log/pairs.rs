//! `key=value` pairs behind a message: klog's structured text, logfmt, and their odd values.
//!
//! `err="dial tcp: i/o timeout" pod="ns/a" list=[a b] data={A:1 B:x y} out=<` + block. Values of klog before 2.110 are
//! bare `%+v` with blanks; brackets and the look of the next key tell where they end.

use std::borrow::Cow;

use super::{goquote, members};

/// How far a key is looked for.
const KEY_LIMIT: usize = 200;

/// Which writer's rules hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// klog: bare values may hold blanks, blocks are possible.
    Klog,
    /// logrus and its kin: bare values end at a blank.
    Logfmt,
}

/// Iterator over pairs.
#[derive(Clone, Debug)]
pub(super) struct Pairs<'a> {
    rest: &'a [u8],
    style: Style,
    /// A value had brackets that never close: brackets tell nothing in this record.
    unbalanced: bool,
    /// A value looked like JSON and was not: looking again would make the work quadratic.
    broken_json: bool,
}

impl<'a> Pairs<'a> {
    /// Over the pairs that `text` starts with (blanks before allowed).
    pub(super) fn new(text: &'a [u8], style: Style) -> Self {
        Self {
            rest: text,
            style,
            unbalanced: false,
            broken_json: false,
        }
    }

    /// What is left when the iterator ends: not a pair.
    pub(super) fn remainder(&self) -> &'a [u8] {
        self.rest
    }

    /// The end of a bare value of klog, and whether its brackets were balanced.
    fn bare(b: &[u8], brackets: bool) -> (usize, bool) {
        let mut depth = 0_usize;
        for (at, c) in b.iter().enumerate() {
            match c {
                b'\n' => return (at, depth == 0),
                b'{' | b'[' | b'(' if brackets => depth += 1,
                b'}' | b']' | b')' if brackets => depth = depth.saturating_sub(1),
                b' ' if depth == 0 && b.get(at + 1..).is_some_and(|n| key(n).is_some()) => {
                    return (at, true);
                }
                _ => {}
            }
        }
        (b.len(), depth == 0)
    }

    fn klog_value(&mut self, b: &'a [u8]) -> (Cow<'a, [u8]>, &'a [u8]) {
        if let Some(block) = b.strip_prefix(b"<\n") {
            return block_value(block);
        }
        if matches!(b, [b'{' | b'[', b'"' | b'{' | b'[', ..]) && !self.broken_json {
            // JSON since klog 2.110: its strings may hold brackets and blanks.
            let (raw, rest) = b.split_at(members::nested(b));
            if !raw.contains(&b'\n') && matches!(rest.first(), None | Some(b' ' | b'\n')) {
                return (Cow::Borrowed(raw), rest);
            }
            self.broken_json = true;
        }
        let (mut len, balanced) = Self::bare(b, !self.unbalanced);
        if !balanced {
            self.unbalanced = true;
            len = Self::bare(b, false).0;
        }
        let (raw, rest) = b.split_at(len);
        (Cow::Borrowed(raw.trim_ascii_end()), rest)
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a [u8], Cow<'a, [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        let blanks = self.rest.iter().take_while(|c| **c == b' ').count();
        let b = self.rest.get(blanks..)?;
        let (key, b) = if b.first()? == &b'"' {
            // Old klogr quotes its keys.
            let (_, len, closed) = goquote::quoted(b)?;
            let raw = b.get(1..len.checked_sub(1)?).filter(|_| closed)?;
            (raw, b.get(len..)?.strip_prefix(b"=")?)
        } else {
            let len = key(b)?;
            (b.get(..len)?, b.get(len + 1..)?)
        };
        let (value, rest) = match (b.first(), self.style) {
            (Some(b'"'), _) => {
                let (value, len, _) = goquote::quoted(b)?;
                (value, b.get(len..)?)
            }
            (_, Style::Klog) => self.klog_value(b),
            (_, Style::Logfmt) => {
                let len = b
                    .iter()
                    .position(|c| matches!(c, b' ' | b'\n'))
                    .unwrap_or(b.len());
                let (raw, rest) = b.split_at(len);
                (Cow::Borrowed(raw), rest)
            }
        };
        self.rest = rest;
        Some((key, value))
    }
}

/// Length of a key that an equals sign ends.
pub(super) fn key(b: &[u8]) -> Option<usize> {
    let head = b.get(..b.len().min(KEY_LIMIT))?;
    if !head.first()?.is_ascii_alphabetic() && head.first() != Some(&b'_') {
        return None;
    }
    let end = head.iter().position(|c| {
        !(c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-' | b'.' | b'/' | b':'))
    })?;
    (head.get(end) == Some(&b'=')).then_some(end)
}

/// The lines of a `=<` block (each led by one TAB) up to its closer, ` >`.
fn block_value(b: &[u8]) -> (Cow<'_, [u8]>, &[u8]) {
    let mut value = Vec::new();
    let mut rest = b;
    while !rest.is_empty() {
        // journald strips the blank of the closer and the TABs; journalctl prints a TAB as eight blanks.
        if let Some(next) = rest.strip_prefix(b" >").or_else(|| rest.strip_prefix(b">"))
            && matches!(next.first(), None | Some(b' ' | b'\n'))
        {
            return (Cow::Owned(value), next);
        }
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let (line, next) = rest.split_at(end);
        let line = line
            .strip_prefix(b"\t")
            .or_else(|| line.strip_prefix(b"        "))
            .unwrap_or(line);
        if !value.is_empty() {
            value.push(b'\n');
        }
        value.extend_from_slice(line);
        rest = next.get(1..).unwrap_or_default();
    }
    (Cow::Owned(value), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn case(style: Style, input: &str, expected: &[(&str, &str)], left: &str) {
        let mut pairs = Pairs::new(input.as_bytes(), style);
        let found: Vec<_> = pairs
            .by_ref()
            .map(|(k, v)| {
                (
                    String::from_utf8_lossy(k).into_owned(),
                    String::from_utf8_lossy(&v).into_owned(),
                )
            })
            .collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        assert_eq!(found, expected);
        assert_eq!(String::from_utf8_lossy(pairs.remainder()), left);
    }

    #[test]
    fn klog_values() {
        case(
            Style::Klog,
            r#" err="a: \"b\"" pod="ns/a" n=3 podUID=0e4c"#,
            &[
                ("err", "a: \"b\""),
                ("pod", "ns/a"),
                ("n", "3"),
                ("podUID", "0e4c"),
            ],
            "",
        );
        case(
            Style::Klog,
            " data={A:1 B:x y} list=[a b=c d] t=1s",
            &[("data", "{A:1 B:x y}"), ("list", "[a b=c d]"), ("t", "1s")],
            "",
        );
        // Words without brackets: the next key ends them.
        case(
            Style::Klog,
            " a=x y z b=2",
            &[("a", "x y z"), ("b", "2")],
            "",
        );
        // A bracket that never closes.
        case(
            Style::Klog,
            " a={x b=2 c=(y",
            &[("a", "{x"), ("b", "2"), ("c", "(y")],
            "",
        );
        case(
            Style::Klog,
            r#" a={"k":"v} w","n":[1]} b=2"#,
            &[("a", r#"{"k":"v} w","n":[1]}"#), ("b", "2")],
            "",
        );
        case(Style::Klog, "", &[], "");
        case(Style::Klog, " is bad", &[], " is bad");
        case(Style::Klog, " k=", &[("k", "")], "");
    }

    #[test]
    fn klog_blocks() {
        case(
            Style::Klog,
            " out=<\n\tline one\n\t >\n > pod=\"ns/a\"\nmore",
            &[("out", "line one\n >"), ("pod", "ns/a")],
            "\nmore",
        );
        // As journald leaves it.
        case(
            Style::Klog,
            " out=<\nline\n> a=1",
            &[("out", "line"), ("a", "1")],
            "",
        );
        case(Style::Klog, " out=<\n\tcut", &[("out", "cut")], "");
    }

    #[test]
    fn logfmt_values() {
        case(
            Style::Logfmt,
            r#"level=info msg="a \"b\"" error= id=x y"#,
            &[
                ("level", "info"),
                ("msg", "a \"b\""),
                ("error", ""),
                ("id", "x"),
            ],
            " y",
        );
    }
}
