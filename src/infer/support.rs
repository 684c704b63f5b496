//! What the inferences share: parameters, quotes, building a fact.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::Task;
use crate::base::text;
use crate::base::time::{SECOND, Stamp};
use crate::base::units::duration;
use crate::catalog::Definition;
use crate::extract::World;
use crate::model::{
    Component, Entity, Fact, FactId, Keys, Place, Quote, Source, SourceId, Span, StateLine,
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

    /// A parameter that is `true`.
    pub(super) fn is_set(&self, name: &str) -> bool {
        self.parameters.get(name).and_then(toml::Value::as_bool) == Some(true)
    }

    /// A parameter that is a whole number, written as one or as a string.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        match self.parameters.get(name)? {
            toml::Value::Integer(n) => u64::try_from(*n).ok(),
            toml::Value::String(s) => s.parse().ok(),
            _ => None,
        }
    }

    /// A parameter that is a number of things.
    pub(super) fn amount(&self, name: &str) -> Option<usize> {
        self.number(name).and_then(|n| usize::try_from(n).ok())
    }

    /// A parameter that is a duration, in nanoseconds.
    pub(super) fn time(&self, name: &str) -> Option<i64> {
        self.word(name).and_then(duration)
    }

    /// The facts of these kinds, with their ids.
    pub(super) fn facts<'k>(
        &self,
        kinds: &'k [&str],
    ) -> impl Iterator<Item = (FactId, &Fact)> + use<'_, 'k> {
        self.world
            .facts
            .iter()
            .zip(0u32..)
            .filter(|(f, _)| kinds.contains(&f.kind.as_str()))
            .map(|(f, i)| (FactId(i), f))
    }

    /// Occurrences of these kinds that were only counted: what is told of them is partial.
    pub(super) fn only_counted(&self, kinds: &[&str]) -> u64 {
        kinds
            .iter()
            .filter_map(|k| self.catalog.index(k))
            .filter_map(|i| self.world.overflow.get(&i))
            .fold(0, |a, b| a.saturating_add(*b))
    }

    /// The state lines about things of one kind.
    pub(super) fn states<'k>(
        &self,
        kind: &'k str,
    ) -> impl Iterator<Item = (SourceId, &StateLine)> + use<'_, 'k> {
        self.world
            .states
            .iter()
            .filter(move |(_, l)| l.entity.kind() == kind)
            .map(|(s, l)| (*s, l))
    }

    /// What tables and objects say about things of one kind.
    pub(super) fn objects<'k>(
        &self,
        kind: &'k str,
    ) -> impl Iterator<Item = (SourceId, &StateLine)> + use<'_, 'k> {
        self.states(kind)
            .filter(|(_, l)| l.component == Component::OBJECT)
    }

    /// When a source was collected.
    pub(super) fn collected(&self, source: SourceId) -> Option<Stamp> {
        self.world
            .source(source)
            .and_then(|s| s.clock.collected)
            .map(|at| Stamp::exact(at, SECOND))
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
            .or(collected.map(|at| Stamp::exact(at, SECOND))),
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

/// The first quote of each fact, of so many facts at most.
pub(super) fn first_quotes<'f>(
    facts: impl IntoIterator<Item = &'f Fact>,
    most: usize,
) -> Vec<Quote> {
    facts
        .into_iter()
        .filter_map(|f| f.evidence().first().cloned())
        .take(most)
        .collect()
}

/// The zones and their nodes.
pub(super) fn zones<'a>(task: &'a Task<'_>) -> BTreeMap<&'a Entity, BTreeSet<&'a str>> {
    let topology = &task.world.topology;
    let nodes = |zone| {
        topology
            .neighbours(zone)
            .filter(|(e, _)| e.kind() == "node")
            .map(|(e, _)| e.name())
            .collect()
    };
    topology.all("zone").map(|z| (z, nodes(z))).collect()
}

/// The span of facts: earliest beginning, latest sign.
pub(super) fn span_of<'f>(facts: impl Iterator<Item = &'f Fact>) -> Span {
    facts.fold(Span::default(), |span, f| Span {
        first: earlier(span.first, f.span.first),
        last: later(span.last, f.span.last.or(f.span.first)),
        closed: false,
        over: false,
    })
}

/// The earlier of two times.
pub(super) fn earlier(a: Option<Stamp>, b: Option<Stamp>) -> Option<Stamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if b.at < a.at { b } else { a }),
        (a, b) => a.or(b),
    }
}

/// The later of two times.
pub(super) fn later(a: Option<Stamp>, b: Option<Stamp>) -> Option<Stamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if b.at > a.at { b } else { a }),
        (a, b) => a.or(b),
    }
}

/// The first dozen characters of a container or sandbox id, as every tool prints at least.
pub(super) fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

/// At most `most` of the words, and how many more there are.
pub(super) fn some<'w>(words: impl IntoIterator<Item = &'w str>, most: usize) -> String {
    let all: Vec<&str> = words.into_iter().collect();
    let mut out = all.get(..most).unwrap_or(&all).join(", ");
    if let Some(more) = all.len().checked_sub(most).filter(|n| *n > 0) {
        let _ = write!(out, " (+{more})");
    }
    out
}
