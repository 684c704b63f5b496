//! Texts with `{name}` places: titles and entities.

use std::fmt::Write as _;

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
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
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

    /// The text with places that have no value shown as `?`.
    pub fn fill_lossy<'a>(&self, value: impl Fn(&str) -> Option<&'a str>) -> String {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(t) => out.push_str(t),
                Part::Key(k) => {
                    let _ = write!(out, "{}", value(k).unwrap_or("?"));
                }
            }
        }
        out
    }

    /// The text before the first place (for entities: kind and slash).
    pub fn head(&self) -> &str {
        match self.parts.first() {
            Some(Part::Text(t)) => t,
            _ => "",
        }
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
        assert_eq!(Template::parse("a {x}").unwrap().fill_lossy(value), "a ?");
        assert!(Template::parse("a {x").is_err());
        assert!(Template::parse("a {x y}").is_err());
    }
}
