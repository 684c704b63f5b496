//! Reads the YAML that Kubernetes tools write, as a stream of API objects with the offset of every value.
//!
//! Block mappings and sequences, quoted and folded scalars, `|` and `>` blocks, flow collections, several
//! documents, `items:` handed over one at a time:
//! `  - lastTransitionTime: "2026-11-20T17:00:41Z"`.
//! Anchors and tags are dropped, an alias is nothing (so no file can unfold itself), complex keys are skipped.
//! A line that fits nowhere is skipped and counted: what stands around it is still read.

mod flow;
mod scalar;

use memchr::{memchr, memmem};

use super::json::Around;
use super::sink::Chunk;
use super::tree::{Entry, MAX_DEPTH, MAX_NODES, MAX_SCALAR, Node, Value, is_ballast};
use flow::Flow;
use scalar::{blanks, key_of, quoted, trim_end, without_comment};

/// What could not be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Trouble {
    /// Lines that fit nowhere.
    pub(super) lines: u64,
    /// Offset of the first.
    pub(super) at: Option<usize>,
    /// A list ended without its kind: the file was cut.
    pub(super) cut: bool,
}

/// Hands every object of `chunk` to `each`.
pub(super) fn objects(chunk: Chunk<'_>, each: &mut dyn FnMut(Around<'_>, &Node)) -> Trouble {
    let mut reader = Reader {
        text: chunk.bytes,
        base: chunk.at,
        pos: 0,
        virt: None,
        nodes: 0,
        trouble: Trouble::default(),
    };
    while reader.next_document() {
        reader.document(each);
    }
    reader.trouble
}

/// The next line that says something.
#[derive(Clone, Copy)]
struct Row<'t> {
    /// Position of its content in the chunk.
    pos: usize,
    /// Columns before its content.
    indent: usize,
    /// Its content, without blanks around it.
    body: &'t [u8],
}

struct Reader<'t> {
    text: &'t [u8],
    base: usize,
    /// Start of the next physical line, or of the content where `virt` says so.
    pos: usize,
    /// `pos` is within a line (behind `- `), at this column.
    virt: Option<usize>,
    nodes: usize,
    trouble: Trouble,
}

fn is_dash(body: &[u8]) -> bool {
    body == b"-" || body.starts_with(b"- ")
}

impl<'t> Reader<'t> {
    fn offset(&self, pos: usize) -> usize {
        self.base.saturating_add(pos)
    }

    /// End of the physical line that holds `pos`, and the start of the next.
    fn line_end(&self, pos: usize) -> (usize, usize) {
        let rest = self.text.get(pos..).unwrap_or_default();
        match memchr(b'\n', rest) {
            Some(n) => {
                let end = pos.saturating_add(n);
                (end, end.saturating_add(1))
            }
            None => (self.text.len(), self.text.len()),
        }
    }

    /// The next line of this document that says something.
    fn peek(&mut self) -> Option<Row<'t>> {
        loop {
            if self.pos >= self.text.len() {
                return None;
            }
            let (end, next) = self.line_end(self.pos);
            let line = self.text.get(self.pos..end).unwrap_or_default();
            let lead = blanks(line);
            let body = trim_end(line.get(lead..).unwrap_or_default());
            if let Some(column) = self.virt {
                if !body.is_empty() && !body.starts_with(b"#") {
                    return Some(Row {
                        pos: self.pos.saturating_add(lead),
                        indent: column.saturating_add(lead),
                        body,
                    });
                }
                self.virt = None;
                self.pos = next;
                continue;
            }
            if lead == 0 && (body == b"---" || body == b"..." || body.starts_with(b"--- ")) {
                return None;
            }
            if body.is_empty() || body.starts_with(b"#") || (lead == 0 && body.starts_with(b"%")) {
                self.pos = next;
                continue;
            }
            return Some(Row {
                pos: self.pos.saturating_add(lead),
                indent: lead,
                body,
            });
        }
    }

    /// Goes to the next physical line.
    fn advance(&mut self) {
        self.pos = self.line_end(self.pos).1;
        self.virt = None;
    }

    /// Continues within the line, at `pos`, which is at `column`.
    fn within(&mut self, pos: usize, column: usize) {
        self.pos = pos;
        self.virt = Some(column);
    }

    fn misfit(&mut self, row: Row<'_>) {
        self.trouble.lines = self.trouble.lines.saturating_add(1);
        if self.trouble.at.is_none() {
            self.trouble.at = Some(self.offset(row.pos));
        }
        self.advance();
    }

    /// Goes behind `---`; false at the end of the text.
    fn next_document(&mut self) -> bool {
        loop {
            if self.peek().is_some() {
                return true;
            }
            if self.pos >= self.text.len() {
                return false;
            }
            self.advance();
        }
    }

    fn document(&mut self, each: &mut dyn FnMut(Around<'_>, &Node)) {
        self.nodes = 0;
        let Some(first) = self.peek() else { return };
        if is_dash(first.body) {
            self.items(first.indent, Around::default(), each);
            return;
        }
        let at = self.offset(first.pos);
        let (mut entries, mut list, mut looked) = (Vec::<Entry>::new(), false, None);
        while let Some(row) = self.peek() {
            let Some((key, rest)) = key_of(row.body).filter(|_| row.indent == first.indent) else {
                self.misfit(row);
                continue;
            };
            if key == "items" && rest.is_none() {
                list = true;
                let (kind, version) = looked
                    .get_or_insert_with(|| (self.head_word("kind"), self.head_word("apiVersion")));
                let around = Around { kind, version };
                self.advance();
                let dash = self.peek().filter(|r| is_dash(r.body)).map(|r| r.indent);
                if let Some(indent) = dash {
                    self.items(indent, around, each);
                    self.nodes = 0;
                }
                continue;
            }
            let entry = self.entry(row, key, rest, 1);
            list |= entry.key == "items";
            entries.push(entry);
        }
        if list {
            self.trouble.cut |= !entries.iter().any(|e| e.key == "kind");
        } else {
            let node = Node {
                at,
                value: Value::Map(entries),
            };
            each(Around::default(), &node);
        }
    }

    /// The value of a key at the margin of this document, before or behind its items.
    fn head_word(&self, key: &str) -> String {
        let (before, after) = self.text.split_at(self.pos.min(self.text.len()));
        let head = memmem::rfind(before, b"\n---").unwrap_or(0);
        let tail = memmem::find(after, b"\n---").unwrap_or(after.len());
        let needle = format!("\n{key}: ");
        for part in [
            before.get(head..).unwrap_or_default(),
            after.get(..tail).unwrap_or_default(),
        ] {
            let found = part
                .strip_prefix(needle.trim_start().as_bytes())
                .or_else(|| {
                    memmem::find(part, needle.as_bytes())
                        .and_then(|n| part.get(n.saturating_add(needle.len())..))
                });
            if let Some(rest) = found {
                let end = memchr(b'\n', rest).unwrap_or(rest.len());
                return String::from_utf8_lossy(trim_end(rest.get(..end).unwrap_or_default()))
                    .trim_matches(['"', '\''])
                    .to_owned();
            }
        }
        String::new()
    }

    /// The elements of a top-level sequence, one at a time.
    fn items(
        &mut self,
        indent: usize,
        around: Around<'_>,
        each: &mut dyn FnMut(Around<'_>, &Node),
    ) {
        while let Some(row) = self.peek() {
            if row.indent != indent || !is_dash(row.body) {
                if row.indent > indent {
                    self.misfit(row);
                    continue;
                }
                return;
            }
            self.nodes = 0;
            let node = self.element(row, 1);
            if matches!(node.value, Value::Map(_)) {
                each(around, &node);
            }
        }
    }

    /// The element behind a dash.
    fn element(&mut self, row: Row<'t>, depth: usize) -> Node {
        let rest = row.body.get(1..).unwrap_or_default();
        let gap = blanks(rest);
        let at = self.offset(row.pos);
        if gap == rest.len() {
            self.advance();
            let mut node = self.block(row.indent.saturating_add(1), depth);
            node.at = at;
            return node;
        }
        let skip = gap.saturating_add(1);
        self.within(
            row.pos.saturating_add(skip),
            row.indent.saturating_add(skip),
        );
        let mut node = self.block(row.indent.saturating_add(1), depth);
        node.at = at;
        node
    }

    /// The node that begins at the next line, if that is indented at least `least`.
    fn block(&mut self, least: usize, depth: usize) -> Node {
        let Some(row) = self.peek().filter(|r| r.indent >= least) else {
            return Node {
                at: self.offset(self.pos.min(self.text.len())),
                value: Value::Null,
            };
        };
        self.nodes = self.nodes.saturating_add(1);
        let at = self.offset(row.pos);
        if depth > MAX_DEPTH || self.nodes > MAX_NODES {
            self.skip_block(least);
            return Node {
                at,
                value: Value::Null,
            };
        }
        let value = if is_dash(row.body) {
            self.sequence(row.indent, depth)
        } else if key_of(row.body).is_some() {
            self.mapping(row.indent, depth)
        } else {
            return self.inline(row.pos, row.body, least, depth);
        };
        Node { at, value }
    }

    /// Leaves out every line indented at least `least`.
    fn skip_block(&mut self, least: usize) {
        self.advance();
        while self.peek().is_some_and(|r| r.indent >= least) {
            self.advance();
        }
    }

    fn sequence(&mut self, indent: usize, depth: usize) -> Value {
        let mut items = Vec::new();
        while let Some(row) = self.peek() {
            if row.indent < indent || (row.indent == indent && !is_dash(row.body)) {
                break;
            }
            if row.indent > indent {
                self.misfit(row);
                continue;
            }
            items.push(self.element(row, depth.saturating_add(1)));
        }
        Value::List(items)
    }

    fn mapping(&mut self, indent: usize, depth: usize) -> Value {
        let mut entries = Vec::new();
        while let Some(row) = self.peek() {
            if row.indent < indent || (row.indent == indent && is_dash(row.body)) {
                break;
            }
            match key_of(row.body).filter(|_| row.indent == indent) {
                Some((key, rest)) => {
                    let entry = self.entry(row, key, rest, depth);
                    if self.nodes <= MAX_NODES {
                        entries.push(entry);
                    }
                }
                None => self.misfit(row),
            }
        }
        Value::Map(entries)
    }

    /// The value of a key; `rest` is where it begins within the row, if it begins there.
    fn entry(&mut self, row: Row<'t>, key: String, rest: Option<usize>, depth: usize) -> Entry {
        let at = self.offset(row.pos);
        let ballast = is_ballast(&key);
        self.nodes = self.nodes.saturating_add(1);
        let node = if let Some(n) = rest {
            let body = row.body.get(n..).unwrap_or_default();
            let pos = row.pos.saturating_add(n);
            self.inline(pos, body, row.indent.saturating_add(1), depth)
        } else {
            self.advance();
            // Kubernetes tools do not indent a sequence below its key.
            let same = self
                .peek()
                .is_some_and(|r| r.indent == row.indent && is_dash(r.body));
            if ballast {
                let least = row.indent.saturating_add(1);
                while self.peek().is_some_and(|r| {
                    r.indent >= least || (same && r.indent == row.indent && is_dash(r.body))
                }) {
                    self.advance();
                }
                Node {
                    at,
                    value: Value::Null,
                }
            } else if same {
                let at = self.offset(self.pos);
                if depth >= MAX_DEPTH {
                    while self.peek().is_some_and(|r| {
                        r.indent > row.indent || (r.indent == row.indent && is_dash(r.body))
                    }) {
                        self.advance();
                    }
                    Node {
                        at,
                        value: Value::Null,
                    }
                } else {
                    Node {
                        at,
                        value: self.sequence(row.indent, depth.saturating_add(1)),
                    }
                }
            } else {
                self.block(row.indent.saturating_add(1), depth.saturating_add(1))
            }
        };
        Entry { key, at, node }
    }

    /// A value that begins within a line; lines indented at least `least` continue it.
    fn inline(&mut self, mut pos: usize, mut body: &'t [u8], least: usize, depth: usize) -> Node {
        // An anchor or a tag in front of the value.
        while body.starts_with(b"&") || body.starts_with(b"!") {
            let end = memchr(b' ', body).unwrap_or(body.len());
            let rest = body.get(end..).unwrap_or_default();
            let skip = end.saturating_add(blanks(rest));
            body = body.get(skip..).unwrap_or_default();
            pos = pos.saturating_add(skip);
        }
        let at = self.offset(pos);
        let value = match body.first() {
            None | Some(b'#') => {
                self.advance();
                return self.block(least, depth.saturating_add(1));
            }
            Some(b'*') => {
                self.advance();
                Value::Null
            }
            Some(b'|' | b'>') => self.literal(body, least),
            Some(quote @ (b'"' | b'\'')) => {
                let (text, end) = quoted(self.text, pos.saturating_add(1), *quote);
                self.pos = end.min(self.text.len());
                self.advance();
                Value::Scalar(text)
            }
            Some(b'[' | b'{') => {
                let mut flow = Flow {
                    text: self.text,
                    base: self.base,
                    pos,
                    nodes: 0,
                };
                let node = flow.value(depth);
                self.nodes = self.nodes.saturating_add(flow.nodes);
                self.pos = flow.pos.min(self.text.len());
                self.advance();
                return node;
            }
            Some(_) => self.plain(body, least),
        };
        Node { at, value }
    }

    /// A plain scalar, folded over the lines that are indented below it.
    fn plain(&mut self, body: &[u8], least: usize) -> Value {
        let mut out = String::from_utf8_lossy(without_comment(body)).into_owned();
        self.advance();
        while let Some(row) = self.peek() {
            if row.indent < least {
                break;
            }
            if out.len() < MAX_SCALAR {
                out.push(' ');
                out.push_str(&String::from_utf8_lossy(without_comment(row.body)));
            }
            self.advance();
        }
        match out.as_str() {
            "null" | "~" => Value::Null,
            _ => Value::Scalar(out),
        }
    }

    /// A `|` or `>` block: the lines below that are indented at least `least`, as they are.
    fn literal(&mut self, header: &[u8], least: usize) -> Value {
        let folded = header.first() == Some(&b'>');
        self.advance();
        let mut out = Vec::new();
        let mut margin = None;
        while self.pos < self.text.len() {
            let (end, next) = self.line_end(self.pos);
            let line = trim_end(self.text.get(self.pos..end).unwrap_or_default());
            let lead = blanks(line);
            if !line.is_empty() && lead < least {
                break;
            }
            let margin = if line.is_empty() {
                0
            } else {
                *margin.get_or_insert(lead)
            };
            if out.len() < MAX_SCALAR {
                if !out.is_empty() {
                    out.push(if folded { b' ' } else { b'\n' });
                }
                out.extend_from_slice(line.get(margin.min(line.len())..).unwrap_or_default());
            }
            self.pos = next;
        }
        self.virt = None;
        Value::Scalar(String::from_utf8_lossy(trim_end(&out)).into_owned())
    }
}

#[cfg(test)]
mod tests;
