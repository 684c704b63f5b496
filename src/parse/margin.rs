//! What a ticket, a mail or a terminal put in front of every line of a pasted text: an indent, `> `, the frame of a box.
//!
//! `    Oct 26 14:08:18 n1 kubelet[1067]: E1026 …` is a line of a journal behind four blanks. Only a margin that
//! practically all lines have is one: an indented stack or object stands on its own.

use std::io::{BufRead, BufReader, Read};

use crate::base::ready::Ready;

/// The side of a frame that terminal programs draw.
const FRAME: &[u8] = "│".as_bytes();
/// Lines looked at.
const LINES: usize = 400;
/// Longest piece of a line that is looked at in one go.
const PIECE: u64 = 1 << 20;

/// What stands before each line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Margin {
    /// So many blanks or tabs.
    Indent(usize),
    /// `> `, as mails and tickets quote.
    Quote,
    /// `│ ` … `│`.
    Frame,
}

impl Margin {
    /// The margin that the lines of a text share.
    pub fn of(text: &[u8]) -> Option<Self> {
        let lines: Vec<&[u8]> = text
            .split(|c| *c == b'\n')
            .filter(|l| !is_filler(l.trim_ascii()))
            .take(LINES)
            .collect();
        let all = |test: &dyn Fn(&[u8]) -> bool| {
            let hits = lines.iter().filter(|l| test(l)).count();
            hits > 0 && hits.saturating_mul(20) >= lines.len().saturating_mul(19)
        };
        if all(&|l| l.trim_ascii_start().starts_with(FRAME)) {
            return Some(Self::Frame);
        }
        if all(&|l| l.starts_with(b">")) {
            return Some(Self::Quote);
        }
        if !all(&|l| indent(l) > 0) {
            return None;
        }
        let least = lines.iter().map(|l| indent(l)).filter(|n| *n > 0).min()?;
        Some(Self::Indent(least))
    }

    /// A line without the margin.
    pub fn strip(self, line: &[u8]) -> &[u8] {
        match self {
            Self::Indent(n) => line.get(indent(line).min(n)..).unwrap_or_default(),
            Self::Quote => {
                let rest = line.strip_prefix(b">").unwrap_or(line);
                rest.strip_prefix(b" ").unwrap_or(rest)
            }
            Self::Frame => {
                let Some(rest) = line.trim_ascii_start().strip_prefix(FRAME) else {
                    return line;
                };
                let rest = rest.strip_prefix(b" ").unwrap_or(rest);
                let end = rest.trim_ascii_end();
                end.strip_suffix(FRAME).unwrap_or(end).trim_ascii_end()
            }
        }
    }

    /// A text without the margin.
    pub fn strip_all(self, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len());
        self.strip_onto(text, &mut out);
        out
    }

    fn strip_onto(self, text: &[u8], out: &mut Vec<u8>) {
        for line in text.split_inclusive(|c| *c == b'\n') {
            let (line, end) = line
                .strip_suffix(b"\n")
                .map_or((line, &b""[..]), |l| (l, &b"\n"[..]));
            out.extend_from_slice(self.strip(line));
            out.extend_from_slice(end);
        }
    }
}

/// Blanks and tabs at the start.
fn indent(line: &[u8]) -> usize {
    line.iter()
        .take_while(|c| matches!(c, b' ' | b'\t'))
        .count()
}

/// What a paste holds besides the text: nothing, a fence, an elision.
fn is_filler(line: &[u8]) -> bool {
    line.is_empty() || line.starts_with(b"```") || line.starts_with(b"~~~") || is_elision(line)
}

/// `...`, `[...]`, `…`.
fn is_elision(line: &[u8]) -> bool {
    matches!(line, b"..." | b"[...]" | b"[..]" | b"(...)") || line == "…".as_bytes()
}

/// A text whose margin is taken off while it is read.
pub struct Unmargined<R> {
    inner: BufReader<R>,
    margin: Margin,
    ready: Ready,
    /// Whether the next piece begins a line.
    begins: bool,
}

impl<R: Read> Unmargined<R> {
    /// Takes `margin` off each line.
    pub fn new(inner: R, margin: Margin) -> Self {
        Self {
            inner: BufReader::new(inner),
            margin,
            ready: Ready::default(),
            begins: true,
        }
    }
}

impl<R: Read> Read for Unmargined<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while self.ready.is_empty() {
            let mut piece = Vec::new();
            if (&mut self.inner)
                .take(PIECE)
                .read_until(b'\n', &mut piece)?
                == 0
            {
                return Ok(0);
            }
            let begins = std::mem::replace(&mut self.begins, piece.ends_with(b"\n"));
            if begins {
                self.margin.strip_onto(&piece, self.ready.room());
            } else {
                self.ready.room().append(&mut piece);
            }
        }
        Ok(self.ready.give(buffer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn case(text: &str, margin: Option<Margin>, stripped: &str) {
        assert_eq!(Margin::of(text.as_bytes()), margin, "{text}");
        let Some(margin) = margin else { return };
        let mut out = String::new();
        Unmargined::new(text.as_bytes(), margin)
            .read_to_string(&mut out)
            .unwrap();
        assert_eq!(out, stripped);
    }

    #[test]
    fn margins_of_pastes() {
        case(
            "    a b\n\n      c\n    d\n",
            Some(Margin::Indent(4)),
            "a b\n\n  c\nd\n",
        );
        case("\t\tAug 13 x\n", Some(Margin::Indent(2)), "Aug 13 x\n");
        case(
            "```\n  a\n  b\n...\n```",
            Some(Margin::Indent(2)),
            "```\na\nb\n...\n```",
        );
        case("> a\n>\n>   b", Some(Margin::Quote), "a\n\n  b");
        case("│ a b   │\n│   c   │\n", Some(Margin::Frame), "a b\n  c\n");
    }

    #[test]
    fn indented_parts_are_no_margin() {
        case("panic: x\n  at a\n  at b\n", None, "");
        case("a:\n  b: c\n", None, "");
        case("", None, "");
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            for margin in [Margin::Indent(2), Margin::Quote, Margin::Frame] {
                let mut out = Vec::new();
                Unmargined::new(bytes.as_slice(), margin).read_to_end(&mut out).unwrap();
                prop_assert_eq!(&out, &margin.strip_all(&bytes));
                let lines = |b: &[u8]| memchr::memchr_iter(b'\n', b).count();
                prop_assert_eq!(lines(&out), lines(&bytes));
            }
            let _ = Margin::of(&bytes);
        }
    }
}
