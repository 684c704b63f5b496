//! Texts with `{name}` places: titles and entities.

use std::fmt;

/// A text whose `{name}` places are filled from keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Key(String),
}

impl Template {
    /// Parses a template; the error says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let Some((name, tail)) = after.split_once('}') else {
                return Err(format!("`{{{after}` is not closed"));
            };
            if name.is_empty()
                || !name
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
            {
                return Err(format!("`{{{name}}}` is not a key name"));
            }
            parts.push(Part::Key(name.to_owned()));
            rest = tail;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self { parts })
    }

    /// The names it has places for.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|p| match p {
            Part::Key(k) => Some(k.as_str()),
            Part::Text(_) => None,
        })
    }

    /// Whether the text can be this template filled in: its literals stand there in their order, with something between.
    pub fn fits(&self, text: &str) -> bool {
        let mut rest = text;
        let mut open = false;
        for part in &self.parts {
            match part {
                Part::Key(_) => open = true,
                Part::Text(literal) => {
                    let at = if open {
                        rest.find(literal.as_str()).filter(|at| *at > 0)
                    } else {
                        rest.starts_with(literal.as_str()).then_some(0)
                    };
                    let Some(tail) = at.and_then(|at| rest.get(at + literal.len()..)) else {
                        return false;
                    };
                    rest = tail;
                    open = false;
                }
            }
        }
        open != rest.is_empty()
    }

    /// The text with every place filled by `value`; `None` when one has no value.
    pub fn fill<'a>(&self, value: impl Fn(&str) -> Option<&'a str>) -> Option<String> {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(t) => out.push_str(t),
                Part::Key(k) => out.push_str(value(k)?),
            }
        }
        Some(out)
    }

    /// The text with what has no value left out: a part in brackets, what a colon leads in, a preposition with its
    /// place, a name behind the kind that it is a name of (`Pod {x} is not ready` reads `Pod is not ready`). Where that
    /// does not do, a `generic` word stands for the value (`the node`). `None` when the text does not read without it.
    pub fn fill_partly<'a, 'b>(
        &self,
        value: impl Fn(&str) -> Option<&'a str>,
        generic: impl Fn(&str) -> Option<&'b str>,
    ) -> Option<String> {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(t) => out.push_str(t),
                Part::Key(k) => {
                    if let Some(v) = value(k) {
                        out.push_str(v);
                    } else {
                        out.push(NONE);
                        out.push_str(k);
                        out.push(END);
                    }
                }
            }
        }
        for (open, close) in [(" (", ')'), ("（", '）')] {
            while let Some((from, to)) = bracket(&out, open, close) {
                out.replace_range(from..to, "");
            }
        }
        for colon in [": ", "："] {
            while let Some(at) = out.rfind(colon)
                && out.get(at..).is_some_and(|t| t.contains(NONE))
                && !out.get(..at).is_some_and(is_place)
            {
                out.truncate(at);
            }
        }
        while let Some(from) = out.find(NONE) {
            let to = from + out.get(from..)?.find(END)? + END.len_utf8();
            if let Some((from, to)) = droppable(&out, from, to) {
                out.replace_range(from..to, "");
                continue;
            }
            if !takes_a_noun(out.get(..from)?) {
                return None;
            }
            let key = out.get(from + NONE.len_utf8()..to - END.len_utf8())?;
            let word = generic(key)?.to_owned();
            out.replace_range(from..to, &word);
        }
        if !matches!(self.parts.first(), Some(Part::Key(k)) if value(k).is_none()) {
            return Some(out);
        }
        let mut letters = out.chars();
        let first = letters.next()?;
        Some(first.to_uppercase().chain(letters).collect())
    }

    /// The text before the first place (for entities: kind and slash).
    pub fn head(&self) -> &str {
        match self.parts.first() {
            Some(Part::Text(t)) => t,
            _ => "",
        }
    }
}

/// Stands before the name of a value that is missing …
const NONE: char = '\u{1}';
/// … and behind it.
const END: char = '\u{2}';

/// Prepositions that go with their place.
const PREPOSITIONS: [&str; 10] = [
    "at", "by", "for", "from", "in", "of", "on", "to", "with", "在",
];

/// What a sentence cannot end with: `is at {x}` is not `is`.
const OPEN: [&str; 8] = ["are", "be", "bind", "is", "only", "out", "was", "were"];

/// What cannot follow when a preposition and its place are left out: `for {x} s`, `on {x} of {y} nodes`, `for {x}, which`.
const BOUND: [&str; 4] = [" s", " of ", " nodes", ", which"];

/// Kinds of things that are told by their kind alone when their name is not known.
const KINDS: [&str; 53] = [
    "API",
    "APIService",
    "CSI",
    "Certificate",
    "ConfigMap",
    "Container",
    "Deployment",
    "Disk",
    "Image",
    "Namespace",
    "Node",
    "Pod",
    "Secret",
    "Service",
    "Webhook",
    "certificate",
    "claim",
    "container",
    "device",
    "driver",
    "image",
    "member",
    "namespace",
    "node",
    "plugin",
    "pod",
    "registry",
    "secret",
    "server",
    "service",
    "socket",
    "upstream",
    "webhook",
    "上游",
    "仓库",
    "声明",
    "密钥",
    "服务",
    "服务器",
    "磁盘",
    "节点",
    "节点组",
    "设备",
    "容器",
    "镜像",
    "镜像名",
    "命名空间",
    "证书",
    "组件",
    "插件",
    "file",
    "文件",
    "代理",
];

/// Whether a noun can follow: at the beginning and behind a preposition, in Chinese wherever no other noun stands.
fn takes_a_noun(before: &str) -> bool {
    let word = before.trim_end().rsplit(' ').next().unwrap_or("");
    word.is_empty() || PREPOSITIONS.contains(&word) || !word.is_ascii()
}

/// Whether a text is one missing value and nothing else.
fn is_place(text: &str) -> bool {
    text.starts_with(NONE) && text.find(END) == text.len().checked_sub(END.len_utf8())
}

/// The stretch to drop for the missing value between `from` and `to`.
fn droppable(text: &str, from: usize, to: usize) -> Option<(usize, usize)> {
    let after = text.get(to..)?;
    if !after
        .chars()
        .next()
        .is_none_or(|c| " ,:;，：；".contains(c))
    {
        return None;
    }
    let before = text.get(..from)?.strip_suffix(' ')?;
    let (head, word) = before.rsplit_once(' ').unwrap_or(("", before));
    let is_kind = |k: &str| word == k || (!word.is_ascii() && word.ends_with(k));
    if KINDS.iter().any(|k| is_kind(k)) {
        return Some((before.len(), to));
    }
    let open = head.rsplit(' ').next().is_some_and(|w| OPEN.contains(&w));
    let bound = BOUND.iter().any(|b| {
        after
            .strip_prefix(b)
            .is_some_and(|t| b.ends_with(' ') || !t.starts_with(|c: char| c.is_alphanumeric()))
    });
    if !PREPOSITIONS.contains(&word) || head.is_empty() || open || bound {
        return None;
    }
    // 在 {x} 上: the postposition goes too.
    let tail = after.strip_prefix(" 上").map_or(0, |_| " 上".len());
    Some((head.len(), to + tail))
}

/// The first bracket that holds a missing value, as a byte range.
fn bracket(text: &str, open: &str, close: char) -> Option<(usize, usize)> {
    let mut from = 0;
    while let Some(at) = text.get(from..)?.find(open) {
        let start = from + at;
        let end = start + text.get(start..)?.find(close)? + close.len_utf8();
        if text.get(start..end)?.contains(NONE) {
            return Some((start, end));
        }
        from = end;
    }
    None
}

impl fmt::Display for Template {
    /// The template as it was written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|part| match part {
            Part::Text(t) => f.write_str(t),
            Part::Key(k) => write!(f, "{{{k}}}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_places() {
        let t = Template::parse("apiservice/{version}.{group}").unwrap();
        assert_eq!(t.names().collect::<Vec<_>>(), ["version", "group"]);
        let value = |k: &str| match k {
            "version" => Some("v1"),
            "group" => Some("g"),
            _ => None,
        };
        assert_eq!(t.fill(value).as_deref(), Some("apiservice/v1.g"));
        assert_eq!(Template::parse("a {x}").unwrap().fill(value), None);
        let generic = |k: &str| (k == "node").then_some("the node");
        let partly = |text: &str| Template::parse(text).unwrap().fill_partly(value, generic);
        let told = |text: &str, expected: &str| {
            assert_eq!(partly(text).as_deref(), Some(expected), "{text}");
        };
        told("Pod {x} is not ready", "Pod is not ready");
        told("a pod {x}", "a pod");
        told("{node} is full: {x}", "The node is full");
        told("kubelet on {node} stopped", "kubelet stopped");
        told("cannot connect to {x}", "cannot connect");
        told("{group} fails ({x} of {version}): {y}", "g fails");
        told("{group} fails (v {version})", "g fails (v v1)");
        told("{group} on {x} fails", "g fails");
        told("{group} 在 {x} 上停止", "g停止");
        told("节点 {x} 未就绪", "节点 未就绪");
        for broken in [
            "{x}",
            "{x} nodes are full",
            "{x}: {group} fails",
            "namespace/{x}-{group}",
            "blocked for more than {x} s",
            "service is at {x}",
            "taken on {x} of {x} nodes",
        ] {
            assert_eq!(partly(broken), None, "{broken}");
        }
        assert!(t.fits("apiservice/v1.g") && t.fits("apiservice/v1.a.b"));
        for other in ["apiservice/v1", "apiservice/v1.", "pod/v1.g", "v1.g"] {
            assert!(!t.fits(other), "{other}");
        }
        let whole = Template::parse("component/etcd@{host}").unwrap();
        assert!(whole.fits("component/etcd@n1") && !whole.fits("component/etcd"));
        assert!(!Template::parse("a/b").unwrap().fits("a/bc"));
        assert_eq!(t.to_string(), "apiservice/{version}.{group}");
        assert!(Template::parse("a {x").is_err());
        assert!(Template::parse("a {x y}").is_err());
    }
}
