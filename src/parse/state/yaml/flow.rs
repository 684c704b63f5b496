//! Collections in brackets: `[a, {b: c}]`.

use super::scalar::{quoted, trim_end};
use crate::parse::state::tree::{Entry, MAX_DEPTH, MAX_NODES, MAX_SCALAR, Node, Value};

/// Reads `[a, {b: c}]`, over several lines if need be.
pub(super) struct Flow<'t> {
    pub(super) text: &'t [u8],
    /// Offset of the text in its file.
    pub(super) base: usize,
    pub(super) pos: usize,
    /// Values read so far.
    pub(super) nodes: usize,
}

impl Flow<'_> {
    fn skip_blanks(&mut self) {
        while self.text.get(self.pos).is_some_and(u8::is_ascii_whitespace) {
            self.pos = self.pos.saturating_add(1);
        }
    }

    fn step(&mut self) {
        self.pos = self.pos.saturating_add(1);
    }

    pub(super) fn value(&mut self, depth: usize) -> Node {
        self.skip_blanks();
        let at = self.base.saturating_add(self.pos);
        self.nodes = self.nodes.saturating_add(1);
        let value = match self.text.get(self.pos) {
            Some(b'[' | b'{') if depth > MAX_DEPTH || self.nodes > MAX_NODES => {
                // Too deep to be an object of Kubernetes: the rest of the text is given up.
                self.pos = self.text.len();
                Value::Null
            }
            Some(b'[') => {
                self.step();
                let mut items = Vec::new();
                while self.more(b']') {
                    items.push(self.value(depth.saturating_add(1)));
                }
                Value::List(items)
            }
            Some(b'{') => {
                self.step();
                let mut entries = Vec::new();
                while self.more(b'}') {
                    let at = self.base.saturating_add(self.pos);
                    let key = self.scalar();
                    self.skip_blanks();
                    let node = if self.text.get(self.pos) == Some(&b':') {
                        self.step();
                        self.value(depth.saturating_add(1))
                    } else {
                        Node::default()
                    };
                    entries.push(Entry { key, at, node });
                }
                Value::Map(entries)
            }
            _ => match self.scalar() {
                text if text.is_empty() || text == "null" => Value::Null,
                text => Value::Scalar(text),
            },
        };
        Node { at, value }
    }

    /// Goes to the next element; false when the collection ended.
    fn more(&mut self, close: u8) -> bool {
        loop {
            self.skip_blanks();
            match self.text.get(self.pos) {
                None => return false,
                Some(b',') => self.step(),
                Some(b) if *b == close => {
                    self.step();
                    return false;
                }
                // The other bracket: damaged, but something must be eaten.
                Some(b']' | b'}') => self.step(),
                Some(_) => return true,
            }
        }
    }

    fn scalar(&mut self) -> String {
        self.skip_blanks();
        let start = self.pos;
        if let Some(quote @ (b'"' | b'\'')) = self.text.get(self.pos).copied() {
            let (text, end) = quoted(self.text, self.pos.saturating_add(1), quote);
            self.pos = end;
            return text;
        }
        while let Some(byte) = self.text.get(self.pos).copied() {
            let next = self.text.get(self.pos.saturating_add(1));
            let ends = matches!(byte, b',' | b']' | b'}' | b'\n')
                || (byte == b':' && next.is_none_or(|b| b.is_ascii_whitespace() || *b == b'"'));
            if ends {
                break;
            }
            self.step();
        }
        if self.pos == start {
            // A colon without a key: eat it, so that there is progress.
            self.step();
        }
        let word = self.text.get(start..self.pos).unwrap_or_default();
        let word = word.get(..MAX_SCALAR).unwrap_or(word);
        String::from_utf8_lossy(trim_end(word)).into_owned()
    }
}
