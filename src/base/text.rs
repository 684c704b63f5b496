//! Text from a stranger's file made safe to print.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Longest quote kept from a line, in bytes (the place tells where the rest is).
pub const QUOTE_LIMIT: usize = 1024;

/// Makes bytes printable on a terminal: invalid UTF-8 becomes U+FFFD, control characters (escape sequences,
/// carriage returns, bidirectional overrides) become `\xNN` or `\u{NNNN}`; a tab becomes one blank.
pub fn printable(bytes: &[u8]) -> String {
    // Nearly every line is plain ASCII: one look at each byte, one copy.
    if bytes.iter().all(|b| matches!(b, b' '..=b'~')) {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let text = String::from_utf8_lossy(bytes);
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => out.push(' '),
            c if c.is_ascii_control() => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c if is_unsafe(c) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// C1 controls, bidirectional overrides, line separators, zero-width and tag characters.
fn is_unsafe(c: char) -> bool {
    matches!(c, '\u{80}'..='\u{9f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// At most `limit` bytes of `text`, cut at a character and marked with `…`.
pub fn cut(text: &str, limit: usize) -> Cow<'_, str> {
    if text.len() <= limit {
        return Cow::Borrowed(text);
    }
    let end = (0..=limit)
        .rev()
        .find(|i| text.is_char_boundary(*i))
        .unwrap_or(0);
    Cow::Owned(format!("{}…", text.get(..end).unwrap_or("")))
}

/// Long hexadecimal ids (of containers, sandboxes, images) by their first twelve digits, as the runtimes' own tools
/// show them.
pub fn short_ids(text: &str) -> String {
    const LONG: usize = 40;
    const SHORT: usize = 12;
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let word = rest
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(rest.len());
        let (run, after) = rest.split_at(word);
        let hex = run.len() >= LONG && run.bytes().all(|b| b.is_ascii_hexdigit());
        out.push_str(if hex {
            run.get(..SHORT).unwrap_or(run)
        } else {
            run
        });
        let mut chars = after.chars();
        out.extend(chars.next());
        rest = chars.as_str();
    }
    out
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut out, b| {
            let _ = write!(out, "{b:02x}");
            out
        })
}

/// A line as it is kept for a report: printable, trailing line end removed, cut at [`QUOTE_LIMIT`].
pub fn quote(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let text = printable(quotable(line));
    if text.len() <= QUOTE_LIMIT {
        return text;
    }
    cut(&text, QUOTE_LIMIT).into_owned()
}

/// The part of a line that [`quote`] looks at. Escaping can only lengthen a text, so what stands further back is never
/// shown; that there is more, the last bytes tell.
pub fn quotable(line: &[u8]) -> &[u8] {
    line.get(..QUOTE_LIMIT.saturating_add(4)).unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_escape_sequence_survives() {
        assert_eq!(
            printable(b"a\x1b[31mred\x07\r\n"),
            "a\\x1b[31mred\\x07\\x0d\\x0a"
        );
        assert_eq!(printable("a\u{202e}b".as_bytes()), "a\\u{202e}b");
        assert_eq!(printable(b"\xff\tx"), "\u{fffd} x");
        assert_eq!(printable("中文".as_bytes()), "中文");
    }

    #[test]
    fn cuts_at_characters() {
        assert_eq!(cut("中文", 4), "中…");
        assert_eq!(cut("ab", 2), "ab");
        assert!(quote(&vec![b'x'; 1 << 20]).len() <= QUOTE_LIMIT + 3);
    }

    #[test]
    fn what_is_kept_of_a_line_is_quoted_as_the_line() {
        for piece in ["x", "中", "\t", "\u{202e}", "x🙂"] {
            for tail in 0..8 {
                let line = format!("{}{}", "y".repeat(tail), piece.repeat(QUOTE_LIMIT));
                let kept = quotable(line.as_bytes());
                assert!(kept.len() <= QUOTE_LIMIT + 4);
                assert_eq!(quote(kept), cut(&printable(line.as_bytes()), QUOTE_LIMIT));
            }
        }
        let broken = vec![0xf0; 3000];
        assert_eq!(quote(&broken), quote(quotable(&broken)));
    }
}
