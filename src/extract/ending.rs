//! The end of a log: the last lines that begin something, without the frames and fields that hang on them.
//!
//! A program that ends by itself says why at the end: `panic: …` above its stack, `Exception in thread "main" …` above
//! its frames, the name of the exception below those of Python. What these words mean is said in the catalogue.

use super::turn::Turn;
use crate::base::text;
use crate::base::time::RawStamp;
use crate::model::Level;
use crate::parse::log;

/// Bytes of a log's end that are looked at.
pub(super) const BYTES: usize = 16 * 1024;
/// Lines kept.
const LINES: usize = 8;

/// One of the last lines.
#[derive(Clone, Debug)]
pub struct LastLine {
    /// Its number.
    pub line: u64,
    /// Its byte offset.
    pub offset: u64,
    /// Its severity.
    pub level: Level,
    /// Its time.
    pub time: Option<RawStamp>,
    /// Its canonical text.
    pub text: String,
    /// The line as it stands.
    pub quote: String,
}

/// The last lines of a text that begin something, oldest first. The text begins at byte `offset` of its file, whose
/// last line has the number `lines`, and which has crossed the New Years of `turn`.
pub(super) fn ending(tail: &[u8], offset: u64, lines: u64, turn: Turn) -> Vec<LastLine> {
    let mut out = Vec::new();
    let mut end = tail.strip_suffix(b"\n").map_or(tail.len(), <[u8]>::len);
    let mut number = lines;
    while out.len() < LINES && number > 0 {
        let head = tail.get(..end).unwrap_or_default();
        let newline = memchr::memrchr(b'\n', head);
        let start = newline.map_or(0, |n| n + 1);
        // The first line of a piece may be the end of one.
        if start == 0 && offset > 0 {
            break;
        }
        let line = head.get(start..).unwrap_or_default();
        if begins(log::payload_of(line)) {
            let record = log::record(line);
            out.push(LastLine {
                line: number,
                offset: offset.saturating_add(start as u64),
                level: record.level,
                time: record.time.map(|t| turn.at(t)),
                text: text::quote(&record.text),
                quote: text::quote(line),
            });
        }
        let Some(newline) = newline else { break };
        end = newline;
        number -= 1;
    }
    out.reverse();
    out
}

/// Whether a line begins something; frames, fields and closing brackets belong to a line before.
fn begins(payload: &[u8]) -> bool {
    const HANGING: [&[u8]; 7] = [
        b"goroutine ",
        b"created by ",
        b"[signal ",
        b"Caused by: ",
        b"exit status ",
        b"PC=0x",
        b"```",
    ];
    payload.first().is_some_and(|c| !c.is_ascii_whitespace())
        && payload.iter().any(u8::is_ascii_alphanumeric)
        && !log::is_dump_line(payload)
        && !HANGING.iter().any(|h| payload.starts_with(h))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn case(text: &str, expected: &[(u64, &str)]) {
        let lines = text.lines().count() as u64;
        let found = ending(text.as_bytes(), 0, lines, Turn::default());
        let found: Vec<(u64, &str)> = found.iter().map(|l| (l.line, l.text.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_hangs_on_a_line_is_left_out() {
        case(
            "start\npanic: no config\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:41 +0x1b5\nexit status 2\n",
            &[(1, "start"), (2, "panic: no config")],
        );
        case(
            "Traceback (most recent call last):\n  File \"/a.py\", line 1, in <module>\n    import cv2\nKeyError: 'DB'",
            &[
                (1, "Traceback (most recent call last):"),
                (4, "KeyError: 'DB'"),
            ],
        );
        case("", &[]);
    }

    #[test]
    fn the_new_years_of_the_log_are_counted() {
        let text = b"E1231 23:59:58.000000 7 a.go:1] old\nF0101 00:00:01.000000 7 a.go:1] new\n";
        let turn = Turn { month: 1, count: 1 };
        let turns: Vec<Option<u8>> = ending(text, 0, 2, turn)
            .iter()
            .map(|l| match l.time {
                Some(RawStamp::Local { turn, .. }) => Some(turn),
                _ => None,
            })
            .collect();
        assert_eq!(turns, [Some(0), Some(1)]);
    }

    #[test]
    fn a_piece_leaves_its_first_line_out() {
        let found = ending(b"half a line\nwhole\n", 100, 7, Turn::default());
        let found: Vec<(u64, u64)> = found.iter().map(|l| (l.line, l.offset)).collect();
        assert_eq!(found, [(7, 112)]);
    }
}
