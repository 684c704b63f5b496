//! Lines for a terminal: width, wrapping, colour, and nothing of a bundle that a terminal would obey.
//!
//! Every text that goes through a [`Sheet`] is made printable on the way; only the sheet itself writes escape
//! sequences. Widths are columns, so that Chinese text aligns.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthChar as _;

use crate::base::text::printable;

/// How a report is to look.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Columns to fill.
    pub width: usize,
    /// Whether escape sequences for colours may be written.
    pub color: bool,
    /// Whether to show all lines of proof and all files with a remark.
    pub verbose: bool,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            width: 100,
            color: false,
            verbose: false,
        }
    }
}

/// What a piece of text is, for its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    Plain,
    Bold,
    Dim,
    Red,
    Yellow,
    Green,
    Cyan,
}

impl Ink {
    fn style(self) -> Style {
        let fg = |c: AnsiColor| Style::new().fg_color(Some(c.into()));
        match self {
            Self::Plain => Style::new(),
            Self::Bold => Style::new().bold(),
            Self::Dim => Style::new().dimmed(),
            Self::Red => fg(AnsiColor::Red).bold(),
            Self::Yellow => fg(AnsiColor::Yellow),
            Self::Green => fg(AnsiColor::Green),
            Self::Cyan => fg(AnsiColor::Cyan),
        }
    }
}

/// A piece of a line.
pub(crate) type Piece<'a> = (Ink, &'a str);

/// Lines being written.
pub(crate) struct Sheet {
    out: String,
    width: usize,
    color: bool,
}

impl Sheet {
    /// An empty sheet.
    pub(crate) fn new(look: Look) -> Self {
        Self {
            out: String::new(),
            // Narrower than this nothing can be read anyway, and the arithmetic below has room.
            width: look.width.clamp(40, 400),
            color: look.color,
        }
    }

    /// An empty line, but never two of them and none at the top.
    pub(crate) fn blank(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// A line as it is: neither wrapped nor cut (commands, paths: what somebody will copy).
    pub(crate) fn line(&mut self, pieces: &[Piece<'_>]) {
        for (ink, text) in pieces {
            self.put(*ink, text);
        }
        self.end();
    }

    /// Text wrapped at the sheet's width: the first line after `lead`, the others after `hang`, at most
    /// `most` lines (the last one then ends in `…`).
    pub(crate) fn flow(
        &mut self,
        lead: &[Piece<'_>],
        hang: &[Piece<'_>],
        ink: Ink,
        text: &str,
        most: usize,
    ) {
        let taken = |pieces: &[Piece<'_>]| pieces.iter().map(|(_, t)| columns(t)).sum::<usize>();
        let room = |taken: usize| self.width.saturating_sub(taken).max(20);
        let lines = wrap(&clean(text), room(taken(lead)), room(taken(hang)), most);
        let mut first = true;
        for line in &lines {
            for (ink, piece) in if first { lead } else { hang } {
                self.put(*ink, piece);
            }
            self.put(ink, line);
            self.end();
            first = false;
        }
    }

    /// What was written.
    pub(crate) fn finish(self) -> String {
        self.out
    }

    fn put(&mut self, ink: Ink, text: &str) {
        let text = printable(text.as_bytes());
        if self.color && ink != Ink::Plain && !text.trim().is_empty() {
            let style = ink.style();
            let _ = write!(self.out, "{style}{text}{style:#}");
        } else {
            self.out.push_str(&text);
        }
    }

    fn end(&mut self) {
        let kept = self.out.trim_end_matches(' ').len();
        self.out.truncate(kept);
        self.out.push('\n');
    }
}

/// Printable text of one or several lines; its line ends stay.
pub(crate) fn clean(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|l| printable(l.as_bytes())).collect();
    lines.join("\n")
}

/// Columns that `text` takes: the sum over its characters, so that cutting and measuring agree.
pub(crate) fn columns(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// `text` in at most `most` columns, cut with `…`.
pub(crate) fn fit(text: &str, most: usize) -> String {
    if columns(text) <= most {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 1; // the mark of the cut
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > most {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}

/// `text` filled with blanks to `least` columns.
pub(crate) fn pad(text: &str, least: usize) -> String {
    let missing = least.saturating_sub(columns(text));
    format!("{text}{}", " ".repeat(missing))
}

/// Breaks at blanks and between wide characters, and inside what is longer than a line.
fn wrap(text: &str, first: usize, rest: usize, most: usize) -> Vec<String> {
    let mut done = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        let mut used = 0;
        for word in words(paragraph) {
            let room = if done.is_empty() { first } else { rest };
            let wide = columns(word);
            if used > 0 && used + columns(word.trim_end()) > room {
                done.push(std::mem::take(&mut line));
                used = 0;
            }
            if wide <= room {
                line.push_str(word);
                used += wide;
                continue;
            }
            for c in word.chars() {
                let wide = c.width().unwrap_or(0);
                let room = if done.is_empty() { first } else { rest };
                if used > 0 && used + wide > room {
                    done.push(std::mem::take(&mut line));
                    used = 0;
                }
                line.push(c);
                used += wide;
            }
        }
        done.push(line);
        if done.len() > most {
            break;
        }
    }
    if done.len() > most {
        done.truncate(most);
        let room = if most == 1 { first } else { rest };
        if let Some(last) = done.last_mut() {
            *last = fit(&format!("{} …", last.trim_end()), room);
        }
    }
    for line in &mut done {
        line.truncate(line.trim_end().len());
    }
    done
}

/// The pieces a line may be broken between: words with the blanks after them, wide characters with the
/// closing marks after them.
fn words(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut start = 0;
    let mut before: Option<char> = None;
    for (at, c) in text.char_indices() {
        if let Some(b) = before {
            let wide = |c: char| c.width().unwrap_or(0) > 1;
            let closing = matches!(
                c,
                '，' | '。' | '、' | '；' | '：' | '！' | '？' | '）' | '」' | '”'
            );
            let opening = matches!(b, '（' | '「' | '“');
            let breaks = c != ' ' && (b == ' ' || wide(b) || wide(c));
            if breaks && !closing && !opening {
                out.push(text.get(start..at).unwrap_or(""));
                start = at;
            }
        }
        before = Some(c);
    }
    if start < text.len() {
        out.push(text.get(start..).unwrap_or(""));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn case(text: &str, width: usize, most: usize, expected: &[&str]) {
        assert_eq!(wrap(text, width, width, most), expected, "{text}");
    }

    #[test]
    fn wraps_words_and_wide_characters() {
        case("one two three", 8, 9, &["one two", "three"]);
        case("abcdefghij", 4, 9, &["abcd", "efgh", "ij"]);
        case("中文没有空格。", 8, 9, &["中文没有", "空格。"]);
        case("四个汉字，逗号", 8, 9, &["四个汉", "字，逗号"]); // a comma never begins a line
        case("one two three four", 8, 2, &["one two", "three …"]);
        case("a\nb", 8, 9, &["a", "b"]);
        case("", 8, 9, &[]);
    }

    #[test]
    fn cuts_by_columns() {
        assert_eq!(fit("中文字", 5), "中文…");
        assert_eq!(fit("abc", 3), "abc");
        assert_eq!(pad("中", 4), "中  ");
    }

    #[test]
    fn a_terminal_gets_no_escape_sequence_of_a_bundle() {
        let mut sheet = Sheet::new(Look::default());
        sheet.line(&[(Ink::Red, "a\x1b]0;x\x07b")]);
        sheet.flow(&[], &[], Ink::Dim, "c\x1b[31m\u{202e}d\re", 9);
        assert_eq!(
            sheet.finish(),
            "a\\x1b]0;x\\x07b\nc\\x1b[31m\\u{202e}d\\x0de\n"
        );
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_asked(text in "\\PC{0,200}", width in 4usize..60) {
            for line in wrap(&text, width, width, 1000) {
                prop_assert!(columns(&line) <= width, "{line:?}");
            }
        }
    }
}
