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

    /// The text with what has no value left out: a part in brackets or after a colon goes with it, a lone place
    /// is left out with what hangs on it.
    pub fn fill_lossy<'a>(&self, value: impl Fn(&str) -> Option<&'a str>) -> String {
        const NONE: char = '\u{1}';
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(t) => out.push_str(t),
                Part::Key(k) => match value(k) {
                    Some(v) => out.push_str(v),
                    None => out.push(NONE),
                },
            }
        }
        if !out.contains(NONE) {
            return out;
        }
        for (open, close) in [(" (", ')'), ("（", '）')] {
            while let Some((from, to)) = bracket(&out, open, close, NONE) {
                out.replace_range(from..to, "");
            }
        }
        for tail in [": ", "：", " = "] {
            if let Some(at) = out.rfind(tail)
                && out.get(at..).is_some_and(|t| t.contains(NONE))
            {
                out.truncate(at);
            }
        }
        // Who runs somewhere unknown simply runs.
        for (preposition, place) in [(" on ", ""), (" of ", ""), (" at ", ""), (" 在 ", "")] {
            out = out.replace(&format!("{preposition}{NONE}"), place);
        }
        nameless(&out, NONE)
    }

    /// The text before the first place (for entities: kind and slash).
    pub fn head(&self) -> &str {
        match self.parts.first() {
            Some(Part::Text(t)) => t,
            _ => "",
        }
    }
}

/// A thing without a name is told by its kind alone: `Pod {x} is not ready` reads `Pod is not ready`.
fn nameless(text: &str, mark: char) -> String {
    let mut out = text.replace(&format!(" {mark}"), "");
    if let Some(rest) = out.strip_prefix(mark) {
        let rest = rest.trim_start();
        let mut letters = rest.chars();
        out = letters
            .next()
            .map_or_else(String::new, |c| c.to_uppercase().chain(letters).collect());
    }
    for preposition in [" to", " of", " for", " at", " by", " only", " than"] {
        if out.len() < text.len() && out.ends_with(preposition) {
            out.truncate(out.len() - preposition.len());
        }
    }
    out.replace(mark, "…")
}

/// The first bracket that holds `mark`, as a byte range.
fn bracket(text: &str, open: &str, close: char, mark: char) -> Option<(usize, usize)> {
    let mut from = 0;
    while let Some(at) = text.get(from..)?.find(open) {
        let start = from + at;
        let end = start + text.get(start..)?.find(close)? + close.len_utf8();
        if text.get(start..end)?.contains(mark) {
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
        let lossy = |text: &str| Template::parse(text).unwrap().fill_lossy(value);
        assert_eq!(lossy("a {x}"), "a");
        assert_eq!(lossy("Pod {x} is not ready"), "Pod is not ready");
        assert_eq!(lossy("{x} nodes are full"), "Nodes are full");
        assert_eq!(lossy("cannot connect to {x}"), "cannot connect");
        assert_eq!(lossy("namespace/{x}-{group}"), "namespace/…-g");
        assert_eq!(lossy("{group} fails ({x} of {version}): {y}"), "g fails");
        assert_eq!(lossy("{group} fails (v {version})"), "g fails (v v1)");
        assert_eq!(lossy("{group} on {x} fails"), "g fails");
        assert_eq!(t.to_string(), "apiservice/{version}.{group}");
        assert!(Template::parse("a {x").is_err());
        assert!(Template::parse("a {x y}").is_err());
    }
}
