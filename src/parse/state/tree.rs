//! An API object in memory: values with the offset at which they stand.
//!
//! Both readers (JSON and YAML) build it. Numbers and booleans stay the text they are printed as. Depth and
//! size are limited by the readers.

/// A value and where it begins.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Node {
    /// Offset of its first byte in the file.
    pub(super) at: usize,
    /// What it is.
    pub(super) value: Value,
}

/// What a node holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Value {
    /// Nothing, or something that was left out.
    #[default]
    Null,
    /// A string, number or boolean.
    Scalar(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in file order.
    Map(Vec<Entry>),
}

/// One key of a mapping.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    /// The key.
    pub(super) key: String,
    /// Offset of the key in the file.
    pub(super) at: usize,
    /// Its value.
    pub(super) node: Node,
}

/// Deepest nesting that is kept; deeper values are skipped.
pub(super) const MAX_DEPTH: usize = 48;
/// Most values kept of one object; the rest of it is skipped.
pub(super) const MAX_NODES: usize = 1 << 19;
/// Longest scalar kept.
pub(super) const MAX_SCALAR: usize = 1 << 18;

/// Subtrees that say nothing about the state and are often most of the file.
pub(super) fn is_ballast(key: &str) -> bool {
    matches!(
        key,
        "fieldsV1" | "kubectl.kubernetes.io/last-applied-configuration" | "openAPIV3Schema"
    )
}

impl Node {
    /// The value under a key.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|e| &e.node)
    }

    fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|e| e.key == key),
            _ => None,
        }
    }

    /// The value at a path of keys joined by dots.
    pub(super) fn find(&self, path: &str) -> Option<&Self> {
        path.split('.').try_fold(self, |node, key| node.get(key))
    }

    /// Where the last key of a path stands.
    pub(super) fn spot(&self, path: &str) -> Option<usize> {
        let (head, key) = match path.rsplit_once('.') {
            Some((head, key)) => (self.find(head)?, key),
            None => (self, path),
        };
        head.entry(key).map(|e| e.at)
    }

    /// Where the first of these paths that exists stands, else where the node itself does.
    pub(super) fn spot_of(&self, paths: &[&str]) -> usize {
        paths.iter().find_map(|p| self.spot(p)).unwrap_or(self.at)
    }

    /// The scalar itself, empty when it is none.
    pub(super) fn scalar(&self) -> &str {
        match &self.value {
            Value::Scalar(text) => text,
            _ => "",
        }
    }

    /// The scalar at a path, empty when there is none.
    pub(super) fn text(&self, path: &str) -> &str {
        self.find(path).map_or("", Self::scalar)
    }

    /// The number at a path.
    pub(super) fn number(&self, path: &str) -> Option<u64> {
        self.text(path).parse().ok()
    }

    /// Whether the value at a path is `true`.
    pub(super) fn is_true(&self, path: &str) -> bool {
        self.text(path) == "true"
    }

    /// The elements at a path.
    pub(super) fn list(&self, path: &str) -> &[Self] {
        match self.find(path).map(|n| &n.value) {
            Some(Value::List(items)) => items,
            _ => &[],
        }
    }

    /// The keys at a path.
    pub(super) fn entries(&self, path: &str) -> &[Entry] {
        match self.find(path).map(|n| &n.value) {
            Some(Value::Map(entries)) => entries,
            _ => &[],
        }
    }

    /// The keys of the node itself.
    pub(super) fn own_entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The scalars of a list joined by commas.
    pub(super) fn joined(&self, path: &str) -> String {
        let parts: Vec<&str> = self.list(path).iter().map(Self::scalar).collect();
        parts.join(",")
    }

    /// `k=v,k=v` of a mapping of scalars.
    pub(super) fn pairs(&self, path: &str) -> String {
        let parts: Vec<String> = self
            .entries(path)
            .iter()
            .map(|e| format!("{}={}", e.key, e.node.scalar()))
            .collect();
        parts.join(",")
    }
}
