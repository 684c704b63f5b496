//! What the inferences share: parameters, quotes, building a fact.

use super::Task;
use crate::base::text;
use crate::base::time::Stamp;
use crate::catalog::Definition;
use crate::extract::World;
use crate::model::{
    Component, Entity, Fact, FactId, Keys, Place, Quote, Source, SourceId, StateLine,
};

impl Task<'_> {
    /// A parameter that is one string or a list of strings.
    pub(super) fn list(&self, name: &str) -> Vec<&str> {
        match self.parameters.get(name) {
            Some(toml::Value::String(s)) => vec![s],
            Some(toml::Value::Array(a)) => a.iter().filter_map(toml::Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// A parameter that is a string.
    pub(super) fn word(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).and_then(toml::Value::as_str)
    }

    /// A fact of the task's kind about the entity that its template gives for `keys`; `None` when a key of the
    /// template is missing or nothing proves it.
    pub(super) fn fact(
        &self,
        by: &str,
        mut keys: Keys,
        component: Component,
        evidence: Vec<Quote>,
        from: Vec<FactId>,
    ) -> Option<Fact> {
        let name = self.definition.entity_of(&keys)?;
        if let Some((kind, value)) = name
            .split_once('/')
            .filter(|_| !Definition::is_unnamed(&name))
        {
            keys.insert(kind.to_owned(), value.to_owned());
            if let Some((namespace, _)) = value.split_once('/')
                && kind != "image"
            {
                keys.insert(String::from("namespace"), namespace.to_owned());
            }
        }
        let mut fact = Fact::inferred(
            &self.definition.id,
            Entity::parse(&name),
            by,
            evidence,
            from,
        )?;
        fact.keys = keys;
        fact.component = component;
        Some(fact)
    }
}

/// Keys of one machine.
pub(super) fn machine(node: Option<&str>) -> Keys {
    let mut keys = Keys::new();
    if let Some(node) = node {
        keys.insert(String::from("node"), node.to_owned());
        keys.insert(String::from("host"), node.to_owned());
    }
    keys
}

/// A state line as a quote, with the time of its collection.
pub(super) fn quote(world: &World, source: SourceId, line: &StateLine) -> Quote {
    let collected = world.source(source).and_then(|s| s.clock.collected);
    Quote {
        place: Place {
            source,
            offset: 0,
            line: line.line,
        },
        text: line.quote.clone(),
        time: line
            .last
            .and_then(|t| world.stamp(source, t))
            .or(collected.map(|at| Stamp::exact(at, crate::base::time::SECOND))),
    }
}

/// A place of a source as a quote.
pub(super) fn place(
    source: &Source,
    line: u64,
    offset: u64,
    words: &str,
    time: Option<Stamp>,
) -> Quote {
    Quote {
        place: Place {
            source: source.id,
            offset,
            line,
        },
        text: text::quote(words.as_bytes()),
        time,
    }
}

/// `name=value` of a state line's text, up to the next blank.
pub(super) fn value<'a>(line: &'a StateLine, name: &str) -> Option<&'a str> {
    line.text
        .split_whitespace()
        .find_map(|w| w.strip_prefix(name)?.strip_prefix('='))
}

/// `name=` of a state line's text, up to the end of the line (messages, command lines).
pub(super) fn tail<'a>(line: &'a StateLine, name: &str) -> Option<&'a str> {
    let mark = format!(" {name}=");
    line.text
        .find(&mark)
        .and_then(|at| line.text.get(at + mark.len()..))
}
