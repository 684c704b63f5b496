//! Log entries as JSON documents: an array, an answer of a cloud's API, objects printed over several lines.
//!
//! `[{"insertId":"x", …}, …]`, `{"events": [ … ]}`, `journalctl -o json-pretty`. Each entry is brought to one line, as
//! the readers of lines want it, and begins on the line on which it begins in the file.

/// Bytes in which the keys of the first entry must stand.
const SAMPLE: usize = 16 * 1024;

/// At which depth the entries of a document stand; `None`: it is no document of log entries.
pub fn level(head: &[u8]) -> Option<usize> {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let (first, behind) = text.trim_ascii_start().split_first()?;
    let inside = behind.trim_ascii_start();
    let level = match first {
        b'[' if inside.first() == Some(&b'{') => 1,
        b'{' if is_answer(inside) => 2,
        // An object that goes on behind its name is a line already.
        b'{' if matches!(behind, [b'\n', ..] | [b'\r', b'\n', ..]) => 0,
        _ => return None,
    };
    let sample = inside.get(..SAMPLE).unwrap_or(inside);
    let has = |key: &[u8]| memchr::memmem::find(sample, key).is_some();
    let known = has(b"\"__REALTIME_TIMESTAMP\"")
        || has(b"\"insertId\"") && has(b"\"timestamp\"")
        || has(b"\"@message\"")
        || has(b"\"message\"") && (has(b"\"ingestionTime\"") || has(b"\"eventId\""));
    known.then_some(level)
}

/// Whether an object begins with the list of the entries.
fn is_answer(inside: &[u8]) -> bool {
    let lists: [&[u8]; 4] = [
        b"\"events\"",
        b"\"logEvents\"",
        b"\"entries\"",
        b"\"results\"",
    ];
    lists.iter().any(|list| {
        let rest = inside.strip_prefix(*list).map(<[u8]>::trim_ascii_start);
        let rest = rest.and_then(|r| r.strip_prefix(b":"));
        rest.is_some_and(|r| r.trim_ascii_start().first() == Some(&b'['))
    })
}

/// Brings entries to lines, in pieces of any size.
#[derive(Clone, Debug)]
pub struct Unfolder {
    level: usize,
    depth: usize,
    in_entry: bool,
    in_text: bool,
    escaped: bool,
    /// Line ends within the entry at hand.
    within: usize,
    /// Line ends written that the document did not have.
    ahead: usize,
}

impl Unfolder {
    /// For a document with its entries at this depth.
    pub fn new(level: usize) -> Self {
        Self {
            level,
            depth: 0,
            in_entry: false,
            in_text: false,
            escaped: false,
            within: 0,
            ahead: 0,
        }
    }

    /// Reads a piece and appends what it gives.
    pub fn feed(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        for byte in piece {
            self.byte(*byte, out);
        }
    }

    fn byte(&mut self, byte: u8, out: &mut Vec<u8>) {
        if self.in_text {
            if self.escaped {
                self.escaped = false;
            } else if byte == b'\\' {
                self.escaped = true;
            } else if byte == b'"' {
                self.in_text = false;
            }
            // A raw line end within a string is damage: the line ends there anyway.
            if self.in_entry && byte != b'\n' {
                out.push(byte);
            }
            self.within += usize::from(byte == b'\n');
            return;
        }
        match byte {
            b'\n' if self.in_entry => self.within += 1,
            b'\n' if self.ahead > 0 => self.ahead -= 1,
            b'\n' => out.push(b'\n'),
            b' ' | b'\t' | b'\r' => {}
            b'{' | b'[' => {
                self.in_entry |= self.depth == self.level;
                self.depth += 1;
                if self.in_entry {
                    out.push(byte);
                }
            }
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                if self.in_entry {
                    out.push(byte);
                    if self.depth <= self.level {
                        self.end(out);
                    }
                }
            }
            byte => {
                self.in_text = byte == b'"';
                if self.in_entry {
                    out.push(byte);
                }
            }
        }
    }

    /// Ends the line of an entry, and goes on where the document is.
    fn end(&mut self, out: &mut Vec<u8>) {
        self.in_entry = false;
        let lines = std::mem::take(&mut self.within);
        self.ahead += usize::from(lines == 0);
        out.resize(out.len() + lines.max(1), b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unfold(text: &str, step: usize) -> String {
        let mut out = Vec::new();
        let mut unfolder = Unfolder::new(level(text.as_bytes()).unwrap_or_default());
        for piece in text.as_bytes().chunks(step) {
            unfolder.feed(piece, &mut out);
        }
        String::from_utf8(out).unwrap()
    }

    #[track_caller]
    fn case(text: &str, depth: usize, expected: &str) {
        assert_eq!(level(text.as_bytes()), Some(depth), "{text}");
        for step in [1, 3, 1000] {
            assert_eq!(unfold(text, step), expected, "{text}");
        }
    }

    #[test]
    fn documents() {
        case(
            "[\n  {\n    \"insertId\": \"a [1]\",\n    \"timestamp\": \"x\"\n  },\n  {\n    \"b\": {}\n  }\n]\n",
            1,
            "\n{\"insertId\":\"a [1]\",\"timestamp\":\"x\"}\n\n\n\n{\"b\":{}}\n\n\n\n",
        );
        case(
            "[{\"insertId\":1,\"timestamp\":2},{\"c\":3}]\n",
            1,
            "{\"insertId\":1,\"timestamp\":2}\n{\"c\":3}\n",
        );
        case(
            "{\"events\": [\n{\"message\":\"m \\\"{\", \"eventId\":1},\n{\"d\":[4]}\n], \"nextToken\":\"n\"}",
            2,
            "\n{\"message\":\"m \\\"{\",\"eventId\":1}\n{\"d\":[4]}\n",
        );
        case(
            "{\n\t\"__REALTIME_TIMESTAMP\" : \"1\",\n\t\"MESSAGE\" : [ 1, 2 ]\n}\n{\n\t\"x\" : null\n}\n",
            0,
            "{\"__REALTIME_TIMESTAMP\":\"1\",\"MESSAGE\":[1,2]}\n\n\n\n{\"x\":null}\n\n\n",
        );
    }

    #[test]
    fn other_texts() {
        for text in [
            "",
            "[",
            "{\"__REALTIME_TIMESTAMP\":\"1\"}\n",
            "{\n  \"apiVersion\": \"v1\"\n}",
            "{\"items\": [{\"message\": 1, \"eventId\": 2}]}",
            "[   12.345678] usb 1-1",
            "[pod/a/b] {\"insertId\": 1}",
        ] {
            assert_eq!(level(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn each_entry_stays_on_its_line(entries in proptest::collection::vec("[a-z]{1,3}\\n{1,3}", 1..8)) {
            let texts: Vec<String> = entries
                .iter()
                .map(|e| format!("{{\n\"@message\":\"{}\"{}}}\n", e.trim(), "\n".repeat(e.len() - e.trim().len())))
                .collect();
            let document = texts.concat();
            let lines: Vec<String> = unfold(&document, 5).lines().map(str::to_owned).collect();
            let mut at = 0;
            for (text, entry) in texts.iter().zip(&entries) {
                prop_assert_eq!(&lines[at], &format!("{{\"@message\":\"{}\"}}", entry.trim()));
                at += text.matches('\n').count();
            }
        }

        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300), depth in 0_usize..4) {
            let _ = level(&bytes);
            let mut out = Vec::new();
            Unfolder::new(depth).feed(&bytes, &mut out);
            prop_assert!(out.len() <= bytes.len() * 2);
        }
    }
}
