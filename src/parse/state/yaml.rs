//! Reads the YAML that Kubernetes tools write, as a stream of API objects with the offset of every value.
//!
//! Block mappings and sequences, quoted and folded scalars, `|` and `>` blocks, flow collections, several
//! documents, `items:` handed over one at a time:
//! `  - lastTransitionTime: "2026-11-20T17:00:41Z"`.
//! Anchors and tags are dropped, an alias is nothing (so no file can unfold itself), complex keys are skipped.
//! A line that fits nowhere is skipped and counted: what stands around it is still read.

use memchr::{memchr, memmem};

use super::json::Around;
use super::sink::Chunk;
use super::tree::{Entry, MAX_DEPTH, MAX_NODES, MAX_SCALAR, Node, Value, is_ballast};

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

fn trim_end(mut body: &[u8]) -> &[u8] {
    while let Some((last, head)) = body.split_last() {
        if !last.is_ascii_whitespace() {
            break;
        }
        body = head;
    }
    body
}

fn blanks(body: &[u8]) -> usize {
    body.iter().take_while(|b| **b == b' ').count()
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

/// Splits `key: value`: the key, and where the value begins unless it is on the following lines.
fn key_of(body: &[u8]) -> Option<(String, Option<usize>)> {
    let first = *body.first()?;
    let colon = match first {
        b'"' | b'\'' => {
            let (_, end) = quoted(body, 1, first);
            (body.get(end) == Some(&b':')).then_some(end)?
        }
        b'[' | b'{' | b'|' | b'>' | b'*' | b'&' | b'!' | b'%' | b'@' | b'`' => return None,
        b'?' if body.get(1).is_none_or(|b| *b == b' ') => return None,
        _ => match memmem::find(body, b": ") {
            Some(n) => n,
            None => body
                .strip_suffix(b":")
                .map(<[u8]>::len)
                .filter(|n| *n > 0)?,
        },
    };
    // Nobody writes such keys; a sentence with a colon in it is no key.
    if colon > 512 {
        return None;
    }
    let key = match first {
        b'"' | b'\'' => quoted(body, 1, first).0,
        _ => String::from_utf8_lossy(body.get(..colon)?).into_owned(),
    };
    let behind = colon.saturating_add(1);
    let rest = body.get(behind..).unwrap_or_default();
    let gap = blanks(rest);
    let value = rest.get(gap..).unwrap_or_default();
    let here = !value.is_empty() && !value.starts_with(b"#");
    Some((key, here.then_some(behind.saturating_add(gap))))
}

fn without_comment(body: &[u8]) -> &[u8] {
    match memmem::find(body, b" #") {
        Some(n) => trim_end(body.get(..n).unwrap_or_default()),
        None => body,
    }
}

/// A quoted scalar whose content begins at `pos`: its text with lines folded, and the position behind it.
fn quoted(text: &[u8], mut pos: usize, quote: u8) -> (String, usize) {
    let mut out = Vec::new();
    while let Some(byte) = text.get(pos).copied() {
        pos = pos.saturating_add(1);
        if byte == quote {
            if quote == b'\'' && text.get(pos) == Some(&b'\'') {
                out.push(b'\'');
                pos = pos.saturating_add(1);
                continue;
            }
            break;
        }
        if out.len() > MAX_SCALAR {
            continue;
        }
        match byte {
            b'\n' => {
                while out.last().is_some_and(u8::is_ascii_whitespace) {
                    out.pop();
                }
                let mut empty = 0usize;
                while let Some(b) = text.get(pos).copied().filter(u8::is_ascii_whitespace) {
                    empty = empty.saturating_add(usize::from(b == b'\n'));
                    pos = pos.saturating_add(1);
                }
                if empty == 0 {
                    out.push(b' ');
                } else {
                    out.extend(std::iter::repeat_n(b'\n', empty.min(16)));
                }
            }
            b'\\' if quote == b'"' => pos = escape(text, pos, &mut out),
            byte => out.push(byte),
        }
    }
    (String::from_utf8_lossy(&out).into_owned(), pos)
}

/// An escape of a double-quoted scalar, behind its backslash; returns the position behind it.
fn escape(text: &[u8], pos: usize, out: &mut Vec<u8>) -> usize {
    let Some(letter) = text.get(pos).copied() else {
        return pos;
    };
    let next = pos.saturating_add(1);
    let digits = match letter {
        b'x' => 2,
        b'u' => 4,
        b'U' => 8,
        b'\n' => {
            // The line goes on without a blank.
            let lead = text.get(next..).unwrap_or_default();
            return next.saturating_add(blanks(lead));
        }
        other => {
            out.push(match other {
                b'n' => b'\n',
                b't' => b'\t',
                b'r' => b'\r',
                b'0' => 0,
                b'a' => 7,
                b'b' => 8,
                b'e' => 0x1b,
                b'f' => 0xc,
                b'v' => 0xb,
                other => other,
            });
            return next;
        }
    };
    let end = next.saturating_add(digits);
    let code = text
        .get(next..end)
        .and_then(|d| std::str::from_utf8(d).ok())
        .and_then(|d| u32::from_str_radix(d, 16).ok());
    match code {
        Some(code) => {
            let c = char::from_u32(code).unwrap_or('\u{fffd}');
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            end
        }
        None => next,
    }
}

/// Reads `[a, {b: c}]`, over several lines if need be.
struct Flow<'t> {
    text: &'t [u8],
    base: usize,
    pos: usize,
    nodes: usize,
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

    fn value(&mut self, depth: usize) -> Node {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str) -> Node {
        let mut out = None;
        let trouble = objects(Chunk::whole(text.as_bytes()), &mut |_, node| {
            out.get_or_insert_with(|| node.clone());
        });
        assert_eq!(trouble.lines, 0, "{text}");
        out.unwrap()
    }

    #[track_caller]
    fn case(text: &str, path: &str, expected: &str) {
        assert_eq!(first(text).text(path), expected, "{text}");
    }

    #[test]
    fn scalars_as_kubectl_writes_them() {
        case("a: plain words", "a", "plain words");
        case("a: 'it''s: x'", "a", "it's: x");
        case("a: \"b\\n\\u00e9\\x41\"", "a", "b\néA");
        case("a: folded\n  over lines\nb: x", "a", "folded over lines");
        case("a: 'folded\n  over lines'\nb: x", "a", "folded over lines");
        case("a: \"one \\\n  two\"\nb: x", "a", "one two");
        case(
            "a: |\n  one\n    two\n\n  three\nb: x",
            "a",
            "one\n  two\n\nthree",
        );
        case("a: >-\n  one\n  two\nb: x", "b", "x");
        case("a: 1 # why\nb: x", "a", "1");
        case("a: null", "a", "");
        case("a: \"\"\nb: y", "b", "y");
        case("a: &anchor x\nb: *anchor", "a", "x");
        case("a: {b: [1, {c: d}], \"e\": 'f'}\ng: h", "a.e", "f");
        case("a:\r\n  b: c\r\n", "a.b", "c");
        case("f:metadata:\n  x: y", "f:metadata.x", "y");
        case("\"k\": v", "k", "v");
        case(
            "url: https://127.0.0.1:9443/validate",
            "url",
            "https://127.0.0.1:9443/validate",
        );
    }

    #[test]
    fn sequences_at_any_indent() {
        for text in [
            "a:\n- b: 1\n  c: 2\n- b: 3\nd: e",
            "a:\n  - b: 1\n    c: 2\n  - b: 3\nd: e",
            "a:\n  -\n    b: 1\n    c: 2\n  - b: 3\nd: e",
        ] {
            let node = first(text);
            let items = node.list("a");
            assert_eq!(items.len(), 2, "{text}");
            assert_eq!(items[0].text("c"), "2", "{text}");
            assert_eq!(node.text("d"), "e", "{text}");
        }
        let nested = first("a:\n- - x\n  - y\n- z");
        assert_eq!(
            nested.list("a")[0].value,
            Value::List(vec![
                Node {
                    at: 5,
                    value: Value::Scalar("x".into())
                },
                Node {
                    at: 11,
                    value: Value::Scalar("y".into())
                },
            ])
        );
        assert_eq!(nested.list("a")[1].scalar(), "z");
    }

    #[test]
    fn lists_documents_and_ballast() {
        let text = "apiVersion: v1\nitems:\n- metadata:\n    managedFields:\n    - fieldsV1:\n        f:status:\n          .: {}\n    name: a\n- metadata:\n    name: b\nkind: PodList\n---\nkind: Pod\nmetadata: {name: c}\n";
        let mut out = Vec::new();
        let trouble = objects(Chunk::whole(text.as_bytes()), &mut |around, node| {
            out.push(format!("{}:{}", around.kind, node.text("metadata.name")));
        });
        assert_eq!(out, ["PodList:a", "PodList:b", ":c"]);
        assert_eq!(trouble, Trouble::default());
    }

    #[test]
    fn offsets_are_those_of_the_keys() {
        let text = "items:\n- status:\n    conditions:\n    - message: long\n        text\n      reason: Gone\n";
        let mut at = None;
        let trouble = objects(Chunk::whole(text.as_bytes()), &mut |_, node| {
            at = node.list("status.conditions")[0].spot("reason");
        });
        assert_eq!(at, text.find("reason"));
        assert!(trouble.cut);
    }

    #[test]
    fn depth_is_limited() {
        for text in [
            "- ".repeat(100_000),
            "[".repeat(100_000),
            format!("a: {}", "{a: ".repeat(100_000)),
            (0..2000)
                .flat_map(|n| [" ".repeat(n), String::from("a:\n")])
                .collect(),
            "? ".repeat(100_000),
        ] {
            let _ = objects(Chunk::whole(text.as_bytes()), &mut |_, _| {});
        }
    }

    #[test]
    fn a_misfit_costs_its_line() {
        let text = "metadata:\n  name: a\n  = not yaml\nstatus:\n  phase: X\n";
        let mut phase = String::new();
        let trouble = objects(Chunk::whole(text.as_bytes()), &mut |_, node| {
            phase = node.text("status.phase").to_owned();
        });
        assert_eq!(phase, "X");
        assert_eq!(trouble.lines, 1);
    }
}
