//! Reads JSON as a stream of API objects, with the offset of every value.
//!
//! One document, several behind each other, a `List` whose items are handed over one at a time, a bare array.
//! `{"kind":"PodList","items":[{"metadata":{"name":"web-1"}},…]}`. A damaged tail costs the object it is in;
//! what stands between documents (error lines, logs of `cluster-info dump`) is skipped.

use memchr::{memchr, memchr2, memmem};

use super::sink::Chunk;
use super::tree::{Entry, MAX_DEPTH, MAX_NODES, MAX_SCALAR, Node, Value, is_ballast};

/// What is known of the list an object stands in.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Around<'a> {
    /// Kind of the list (`PodList`), empty outside of lists.
    pub(super) kind: &'a str,
    /// Its `apiVersion`.
    pub(super) version: &'a str,
}

/// The text ended, or is no JSON, at this offset of the chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Damage(pub(super) usize);

type Result<T> = std::result::Result<T, Damage>;

/// Hands every object of `chunk` to `each`; returns where the text is damaged.
pub(super) fn objects(chunk: Chunk<'_>, each: &mut dyn FnMut(Around<'_>, &Node)) -> Option<Damage> {
    let mut reader = Reader::new(chunk);
    let mut damage = None;
    while reader.reach_document() {
        if let Err(at) = reader.document(each) {
            damage = Some(Damage(at.0.saturating_add(chunk.at)));
            reader.skip_line();
        }
    }
    damage
}

/// Whether the text begins as an object of the API does, not as lines of a JSON log.
pub(super) fn looks_like_object(chunk: Chunk<'_>) -> bool {
    let head = chunk.bytes.get(..4096).unwrap_or(chunk.bytes);
    [
        &b"\"kind\""[..],
        b"\"kubeletconfig\"",
        b"\"gitVersion\"",
        b"\"alarms\"",
    ]
    .iter()
    .any(|key| memmem::find(head, key).is_some())
}

struct Reader<'t> {
    text: &'t [u8],
    pos: usize,
    base: usize,
    nodes: usize,
    /// Bytes that may still be read ahead: without a limit, a hostile file could make that quadratic.
    ahead: usize,
}

impl<'t> Reader<'t> {
    fn new(chunk: Chunk<'t>) -> Self {
        Self {
            text: chunk.bytes,
            pos: 0,
            base: chunk.at,
            nodes: 0,
            ahead: chunk.bytes.len(),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.pos).copied()
    }

    fn step(&mut self) {
        self.pos = self.pos.saturating_add(1);
    }

    fn at(&self) -> usize {
        self.base.saturating_add(self.pos)
    }

    fn damage<T>(&self) -> Result<T> {
        Err(Damage(self.pos))
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(|b| b.is_ascii_whitespace()) {
            self.step();
        }
    }

    /// Goes to the next `{` or `[` that begins a line; false at the end.
    fn reach_document(&mut self) -> bool {
        loop {
            self.blanks();
            match self.peek() {
                None => return false,
                Some(b'{' | b'[') => return true,
                Some(_) => self.skip_line(),
            }
        }
    }

    fn skip_line(&mut self) {
        let rest = self.text.get(self.pos..).unwrap_or_default();
        self.pos = memchr(b'\n', rest).map_or(self.text.len(), |n| {
            self.pos.saturating_add(n).saturating_add(1)
        });
    }

    fn document(&mut self, each: &mut dyn FnMut(Around<'_>, &Node)) -> Result<()> {
        if self.peek() == Some(b'[') {
            return self.items(Around::default(), each);
        }
        let at = self.at();
        self.step();
        let (mut entries, mut list) = (Vec::new(), false);
        self.nodes = 0;
        self.members(|reader, key, key_at| {
            if key == "items" && reader.peek() == Some(b'[') {
                list = true;
                let (kind, version) = reader.list_kind(&entries);
                let around = Around {
                    kind: &kind,
                    version: &version,
                };
                reader.items(around, each)?;
                reader.nodes = 0;
                return Ok(());
            }
            let node = reader.member(&key, 1)?;
            entries.push(Entry {
                key,
                at: key_at,
                node,
            });
            Ok(())
        })?;
        if !list {
            let node = Node {
                at,
                value: Value::Map(entries),
            };
            each(Around::default(), &node);
        }
        Ok(())
    }

    /// Kind and version of the list whose items come next: seen already, or behind the items (kubectl sorts
    /// the keys).
    fn list_kind(&mut self, seen: &[Entry]) -> (String, String) {
        let known = |key: &str| {
            seen.iter()
                .find(|e| e.key == key)
                .map(|e| e.node.scalar().to_owned())
        };
        let (mut kind, mut version) = (known("kind"), known("apiVersion"));
        if kind.is_none() && self.ahead > 0 {
            let back = self.pos;
            if self.skip_value().is_ok() {
                let _ = self.more_members(|reader, key, _| {
                    match key.as_str() {
                        "kind" => {
                            kind = Some(reader.value(MAX_DEPTH)?.scalar().to_owned());
                        }
                        "apiVersion" => {
                            version = Some(reader.value(MAX_DEPTH)?.scalar().to_owned());
                        }
                        _ => reader.skip_value()?,
                    }
                    Ok(())
                });
            }
            self.ahead = self.ahead.saturating_sub(self.pos.saturating_sub(back));
            self.pos = back;
        }
        (kind.unwrap_or_default(), version.unwrap_or_default())
    }

    /// The elements of an array, one at a time.
    fn items(&mut self, around: Around<'_>, each: &mut dyn FnMut(Around<'_>, &Node)) -> Result<()> {
        self.step();
        loop {
            self.blanks();
            match self.peek() {
                Some(b']') => {
                    self.step();
                    return Ok(());
                }
                Some(b',') => self.step(),
                Some(b'{') => {
                    self.nodes = 0;
                    let node = self.value(1)?;
                    each(around, &node);
                }
                Some(_) => self.skip_value()?,
                None => return self.damage(),
            }
        }
    }

    /// The members of an object whose `{` was read.
    fn members(
        &mut self,
        mut each: impl FnMut(&mut Self, String, usize) -> Result<()>,
    ) -> Result<()> {
        self.blanks();
        if self.peek() == Some(b'}') {
            self.step();
            return Ok(());
        }
        loop {
            self.one_member(&mut each)?;
            self.blanks();
            match self.peek() {
                Some(b',') => self.step(),
                Some(b'}') => {
                    self.step();
                    return Ok(());
                }
                _ => return self.damage(),
            }
        }
    }

    /// The members that follow a value within an object.
    fn more_members(
        &mut self,
        mut each: impl FnMut(&mut Self, String, usize) -> Result<()>,
    ) -> Result<()> {
        loop {
            self.blanks();
            if self.peek() != Some(b',') {
                return Ok(());
            }
            self.step();
            self.one_member(&mut each)?;
        }
    }

    fn one_member(
        &mut self,
        each: &mut impl FnMut(&mut Self, String, usize) -> Result<()>,
    ) -> Result<()> {
        self.blanks();
        let at = self.at();
        if self.peek() != Some(b'"') {
            return self.damage();
        }
        let key = self.string()?;
        self.blanks();
        if self.peek() != Some(b':') {
            return self.damage();
        }
        self.step();
        self.blanks();
        each(self, key, at)
    }

    fn member(&mut self, key: &str, depth: usize) -> Result<Node> {
        if is_ballast(key) {
            let at = self.at();
            self.skip_value()?;
            return Ok(Node {
                at,
                value: Value::Null,
            });
        }
        self.value(depth)
    }

    fn value(&mut self, depth: usize) -> Result<Node> {
        self.blanks();
        let at = self.at();
        self.nodes = self.nodes.saturating_add(1);
        let value = match self.peek() {
            Some(b'"') => Value::Scalar(self.string()?),
            Some(b'{' | b'[') if depth > MAX_DEPTH || self.nodes > MAX_NODES => {
                self.skip_value()?;
                Value::Null
            }
            Some(b'{') => {
                self.step();
                let mut entries = Vec::new();
                self.members(|reader, key, at| {
                    let node = reader.member(&key, depth.saturating_add(1))?;
                    if reader.nodes <= MAX_NODES {
                        entries.push(Entry { key, at, node });
                    }
                    Ok(())
                })?;
                Value::Map(entries)
            }
            Some(b'[') => {
                self.step();
                let mut items = Vec::new();
                loop {
                    self.blanks();
                    match self.peek() {
                        Some(b']') => {
                            self.step();
                            break;
                        }
                        Some(b',') => self.step(),
                        None => return self.damage(),
                        Some(_) => {
                            let node = self.value(depth.saturating_add(1))?;
                            if self.nodes <= MAX_NODES {
                                items.push(node);
                            }
                        }
                    }
                }
                Value::List(items)
            }
            Some(_) => self.word()?,
            None => return self.damage(),
        };
        Ok(Node { at, value })
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) -> Result<Value> {
        let start = self.pos;
        while self
            .peek()
            .is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.'))
        {
            self.step();
        }
        let word = self.text.get(start..self.pos).unwrap_or_default();
        if word.is_empty() || word.len() > 64 {
            return self.damage();
        }
        Ok(match word {
            b"null" => Value::Null,
            word => Value::Scalar(String::from_utf8_lossy(word).into_owned()),
        })
    }

    fn string(&mut self) -> Result<String> {
        self.step();
        let mut out = Vec::new();
        loop {
            let rest = self.text.get(self.pos..).unwrap_or_default();
            let Some(n) = memchr2(b'"', b'\\', rest) else {
                self.pos = self.text.len();
                return self.damage();
            };
            let part = rest.get(..n).unwrap_or_default();
            if out.len() < MAX_SCALAR {
                out.extend_from_slice(part);
            }
            self.pos = self.pos.saturating_add(n);
            if self.peek() == Some(b'"') {
                self.step();
                break;
            }
            self.step();
            let Some(c) = self.escape() else {
                return self.damage();
            };
            if out.len() < MAX_SCALAR {
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        out.truncate(MAX_SCALAR);
        Ok(String::from_utf8_lossy(&out).into_owned())
    }

    fn escape(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.step();
        Some(match letter {
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'u' => {
                let high = self.hex()?;
                if (0xd800..0xdc00).contains(&high)
                    && self.text.get(self.pos..self.pos.saturating_add(2)) == Some(b"\\u")
                {
                    self.pos = self.pos.saturating_add(2);
                    let low = self.hex()?;
                    let joined = (high & 0x3ff) << 10 | (low & 0x3ff);
                    return Some(
                        char::from_u32(joined.saturating_add(0x1_0000)).unwrap_or('\u{fffd}'),
                    );
                }
                char::from_u32(high).unwrap_or('\u{fffd}')
            }
            other => char::from(other),
        })
    }

    fn hex(&mut self) -> Option<u32> {
        let end = self.pos.checked_add(4)?;
        let digits = std::str::from_utf8(self.text.get(self.pos..end)?).ok()?;
        let value = u32::from_str_radix(digits, 16).ok()?;
        self.pos = end;
        Some(value)
    }

    /// Goes behind a value without keeping it: no recursion, whatever its depth.
    fn skip_value(&mut self) -> Result<()> {
        let mut depth = 0usize;
        loop {
            self.blanks();
            match self.peek() {
                None => return self.damage(),
                Some(b'"') => self.skip_string()?,
                Some(b'{' | b'[') => {
                    depth = depth.saturating_add(1);
                    self.step();
                    continue;
                }
                Some(b'}' | b']') => {
                    let Some(less) = depth.checked_sub(1) else {
                        return self.damage();
                    };
                    depth = less;
                    self.step();
                }
                Some(b',' | b':') => {
                    if depth == 0 {
                        return self.damage();
                    }
                    self.step();
                    continue;
                }
                Some(_) => {
                    self.word()?;
                }
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    fn skip_string(&mut self) -> Result<()> {
        self.step();
        loop {
            let rest = self.text.get(self.pos..).unwrap_or_default();
            let Some(n) = memchr2(b'"', b'\\', rest) else {
                self.pos = self.text.len();
                return self.damage();
            };
            self.pos = self.pos.saturating_add(n);
            if self.peek() == Some(b'"') {
                self.step();
                return Ok(());
            }
            self.pos = self.pos.saturating_add(2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names of the objects, each with the kind of its list, and whether the text was damaged.
    fn names(text: &str) -> (Vec<String>, bool) {
        let mut out = Vec::new();
        let damage = objects(Chunk::whole(text.as_bytes()), &mut |around, node| {
            out.push(format!("{}:{}", around.kind, node.text("metadata.name")));
        });
        (out, damage.is_some())
    }

    #[track_caller]
    fn case(text: &str, expected: &[&str], damaged: bool) {
        let (found, bad) = names(text);
        assert_eq!(found, expected, "{text}");
        assert_eq!(bad, damaged, "{text}");
    }

    #[test]
    fn one_several_lists_and_arrays() {
        case(r#"{"metadata":{"name":"a"}}"#, &[":a"], false);
        case(
            "{\"metadata\":{\"name\":\"a\"}}\n{\"metadata\":{\"name\":\"b\"}}",
            &[":a", ":b"],
            false,
        );
        case(
            r#"{"items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}],"kind":"PodList"}"#,
            &["PodList:a", "PodList:b"],
            false,
        );
        case(r#"{"kind":"List","items":[]} trailing words"#, &[], false);
        case(r#"[{"metadata":{"name":"a"}}, null, 3]"#, &[":a"], false);
    }

    #[test]
    fn a_damaged_tail_costs_one_object() {
        case(
            r#"{"kind":"PodList","items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"#,
            &["PodList:a"],
            true,
        );
        case(
            r#"{"items":[{"metadata":{"name":"a"}},{"metadata":"#,
            &[":a"],
            true,
        );
    }

    #[test]
    fn strings_and_offsets() {
        let text = "{\n \"a\": {\"b\": \"x\\u00e9\\ud83d\\ude00\\n\"}}";
        let mut seen = None;
        let _ = objects(Chunk::whole(text.as_bytes()), &mut |_, node| {
            seen = Some((node.text("a.b").to_owned(), node.spot("a.b")));
        });
        assert_eq!(seen, Some(("xé😀\n".to_owned(), Some(9))));
    }

    #[test]
    fn depth_is_limited_without_recursion() {
        let deep = format!(
            "{{\"metadata\":{{\"name\":\"a\"}},\"x\":{}{}}}",
            "[".repeat(200_000),
            "]".repeat(200_000)
        );
        case(&deep, &[":a"], false);
        case(&"[".repeat(200_000), &[], true);
    }
}
