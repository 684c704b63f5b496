//! A rule file once it is compiled.

use std::collections::BTreeMap;

use memchr::memmem::Finder;
use regex::bytes::Regex;

use super::need::Need;
use super::schema::{Remedy, Text, Warning};
use super::template::Template;
use crate::base::time::RawStamp;
use crate::model::{Component, Level, Severity};

/// Places of an entity that the source fills when the line does not.
const SCOPE_KEYS: [&str; 5] = ["node", "host", "namespace", "pod", "container"];

/// What stands in such a place when the source does not tell either.
const UNKNOWN: &str = "unknown";

/// The namespace of an object that events without their object are about.
const UNTOLD: &str = "?";

/// Where a fact comes from when no line shows it.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// Patterns only.
    Lines,
    /// An inference makes it; with its parameters.
    Inferred {
        /// Name of the inference.
        by: String,
        /// The `[infer]` table.
        parameters: toml::Table,
    },
    /// A hypothesis.
    Suspect,
}

/// How much a fact says as a root: the documented scale of scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Sets the scene.
    Contextual,
    /// Fits.
    Supporting,
    /// Fits, from another side.
    Corroborating,
    /// Says much.
    Strong,
    /// Names the cause.
    Primary,
    /// Leaves no other cause.
    Decisive,
}

impl Weight {
    /// All of them with word and points.
    pub const SCALE: [(Self, &'static str, i32); 6] = [
        (Self::Decisive, "decisive", 40),
        (Self::Primary, "primary", 30),
        (Self::Strong, "strong", 20),
        (Self::Corroborating, "corroborating", 12),
        (Self::Supporting, "supporting", 8),
        (Self::Contextual, "contextual", 4),
    ];

    /// The word.
    pub fn name(self) -> &'static str {
        Self::SCALE
            .iter()
            .find(|(w, ..)| *w == self)
            .map_or("", |(_, name, _)| name)
    }

    /// The points.
    pub fn points(self) -> i32 {
        Self::SCALE
            .iter()
            .find(|(w, ..)| *w == self)
            .map_or(0, |(.., points)| *points)
    }

    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::SCALE
            .iter()
            .find(|(_, name, _)| *name == word)
            .map(|(w, ..)| *w)
    }
}

/// How strictly an effect follows from a cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// Possible.
    Weak,
    /// The usual cause.
    Strong,
    /// The mechanism leaves no choice.
    Certain,
}

impl Strength {
    /// The word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Weak => "weak",
            Self::Strong => "strong",
            Self::Certain => "certain",
        }
    }
}

/// One fact of the catalogue.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the file, named as it is written"
)]
pub struct Definition {
    /// `family/name`.
    pub id: String,
    /// File it was read from.
    pub path: String,
    /// Former ids.
    pub aliases: Vec<String>,
    /// Title, English and Chinese.
    pub title: (Template, Template),
    /// The title where values of the title are not known.
    pub unknown: Option<(Template, Template)>,
    /// How the title says what an inference found, by key and value: keys hold tokens, not sentences.
    pub words: BTreeMap<String, BTreeMap<String, (Template, Template)>>,
    /// Entity.
    pub entity: Template,
    /// Severity.
    pub severity: Severity,
    /// Version of kforensics that first knew it.
    pub since: String,
    /// A person notices it.
    pub symptom: bool,
    /// Healthy clusters print it.
    pub benign: bool,
    /// Heals by itself.
    pub transient: bool,
    /// Raw material for inferences: dropped when nothing rests on it, and it claims no line for itself.
    pub raw: bool,
    /// Somebody does it on purpose: an incident that it explains and that is over is of low severity.
    pub planned: bool,
    /// Somebody's deed, whose consequences remain: told where nothing else is, however long ago it was.
    pub deed: bool,
    /// Where it comes from when no line shows it.
    pub origin: Origin,
    /// How much it says as a root.
    pub weight: Weight,
    /// Captures that tell two facts apart, besides those of the entity.
    pub keys: Vec<String>,
    /// It must be seen that often to make an incident: healthy clusters print it once in a while.
    pub at_least: u64,
    /// As a symptom it must last that long (nanoseconds).
    pub lasting: Option<i64>,
    /// As a symptom it does not count within that time after its component started (nanoseconds).
    pub startup: Option<i64>,
    /// What it is, for `explain`.
    pub detail: Option<Text>,
    /// For maintainers.
    pub notes: Option<String>,
    /// Where the texts come from.
    pub sources: Vec<String>,
    /// Where to read on.
    pub references: Vec<String>,
    /// Its patterns, as positions in the catalogue.
    pub patterns: Vec<usize>,
    /// Lines that must match.
    pub matches: Vec<Example>,
    /// Lines that must not match.
    pub ignores: Vec<Example>,
    /// What it rules out.
    pub excludes: Vec<Exclude>,
    /// What to collect.
    pub asks: Vec<Ask>,
    /// What to do.
    pub remedies: Vec<Remedy>,
    /// What not to do.
    pub warnings: Vec<Warning>,
}

impl Definition {
    /// The family: what stands before the `/`.
    pub fn family(&self) -> &str {
        self.id.split_once('/').map_or("", |(f, _)| f)
    }

    /// The entity for these keys; `None` when a place has no value. A key such as `pod` holds `namespace/name`; where the
    /// template names the namespace too, only the name is filled in. A loose log does not tell its machine or pod: such a
    /// place reads `unknown`, and the fact stands all the same.
    pub fn entity_of(&self, keys: &BTreeMap<String, String>) -> Option<String> {
        let namespaced = self.entity.names().any(|n| n == "namespace");
        self.entity.fill(|k| {
            let Some(value) = keys.get(k).map(String::as_str) else {
                return SCOPE_KEYS.contains(&k).then_some(UNKNOWN);
            };
            match value.split_once('/') {
                Some((namespace, name))
                    if namespaced
                        && k != "namespace"
                        && keys.get("namespace").is_some_and(|n| n == namespace) =>
                {
                    Some(name)
                }
                _ => Some(value),
            }
        })
    }

    /// The name of an entity as far as it is known: without the machine that nobody knows (`etcd@unknown`), nothing
    /// when the name itself is not known.
    pub fn known_name(entity: &str) -> Option<&str> {
        let name = entity.split_once('/').map_or(entity, |(_, name)| name);
        match name.rsplit_once('@') {
            Some((name, UNKNOWN)) => Some(name),
            _ if name
                .split('/')
                .any(|part| part == UNKNOWN || part == UNTOLD) =>
            {
                None
            }
            _ => Some(name),
        }
    }

    /// Whether an entity's name has a part that nobody knows.
    pub fn is_unnamed(entity: &str) -> bool {
        entity
            .split_once('/')
            .is_some_and(|(_, name)| name.split(['/', '@']).any(|part| part == UNKNOWN))
    }

    /// The kind of entity it is about (empty when captured).
    pub fn entity_kind(&self) -> &str {
        self.entity.head().split_once('/').map_or("", |(k, _)| k)
    }
}

/// How a line shows a fact.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own in the rule file"
)]
pub struct Pattern {
    /// Position of its definition.
    pub fact: usize,
    /// Who prints it.
    pub components: Vec<Component>,
    /// Literals, one of which is in the line.
    pub anchors: Vec<String>,
    /// The expression.
    pub regex: Regex,
    /// Every occurrence in a record is a fact.
    pub each: bool,
    /// Only these levels (empty: any).
    pub levels: Vec<Level>,
    /// Only lines of this Go file.
    pub caller: Option<String>,
    /// Only lines whose component is known to be one of these.
    pub named: bool,
    /// Only records with these field values.
    pub fields: BTreeMap<String, String>,
    /// Those of the values that stand in the line as they are, however the format quotes.
    pub values: Vec<Finder<'static>>,
    /// Literals of lines that are passed over before they are parsed.
    pub except: Vec<Finder<'static>>,
    /// The line says that the fact ended.
    pub closes: bool,
    /// Such an end is not always printed: that none is there does not say that the fact goes on.
    pub seldom: bool,
    /// Capture with a duration: the fact began that long before the line.
    pub ago: Option<String>,
    /// Where the expression stands in its file (bytes), for messages.
    pub at: (usize, usize),
}

/// An example line or file.
#[derive(Clone, Debug)]
pub struct Example {
    /// The component whose line it is (`None`: from the file's path and content).
    pub component: Option<String>,
    /// Path of the file, for whole files.
    pub file: Option<String>,
    /// The line, or the text of the file.
    pub text: String,
    /// Entities it gives; a leading `-` for an end.
    pub gives: Vec<String>,
    /// Keys the (first) fact must have.
    pub keys: BTreeMap<String, String>,
    /// Other ids that claim it too.
    pub also: Vec<String>,
    /// Why not (counterexamples).
    pub why: String,
    /// Where it stands in its file (bytes).
    pub at: (usize, usize),
}

/// A key, walked along relations of the topology.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPath {
    /// The key.
    pub key: String,
    /// Kinds of entity to walk over.
    pub walk: Vec<String>,
}

/// One condition of a join.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Join {
    /// Holds for the whole cluster.
    Cluster,
    /// The two sides meet.
    Meet {
        /// A key of the cause.
        cause: KeyPath,
        /// A key of the effect.
        effect: KeyPath,
    },
    /// A key of the cause has one of these values.
    OneOf {
        /// The key.
        key: String,
        /// The values.
        values: Vec<String>,
    },
}

/// What to collect, and the command for it.
#[derive(Clone, Debug)]
pub struct Ask {
    /// What it is.
    pub what: Text,
    /// How to get it; `<key>` places are filled where the value is known.
    pub how: How,
    /// The sources that the command makes: with all of them in the bundle there is nothing to ask for. Empty: no
    /// source of a bundle stands for it.
    pub collects: Vec<Need>,
}

/// How to get what an ask wants.
#[derive(Clone, Debug)]
pub enum How {
    /// A command to copy.
    Command(String),
    /// As a source is collected, in a word of [`Need::parse`]: `goroutines:<program>`.
    Way(String),
}

/// This kind explains that effect.
#[derive(Debug)]
pub struct Cause {
    /// Position of the cause's definition.
    pub cause: usize,
    /// Position of the effect's definition.
    pub effect: usize,
    /// When the keys meet.
    pub join: Vec<Join>,
    /// How long after the cause's last sign the effect may begin (nanoseconds).
    pub within: i64,
    /// How strictly it follows.
    pub strength: Strength,
    /// The mechanism.
    pub why: Text,
    /// Keys of the cause that hold a part and the whole: with a smaller part the cause explains only that part.
    pub share: Option<(String, String)>,
    /// Sources that would show the cause.
    pub needs: Vec<Need>,
    /// A story in which the cause holds.
    pub holds: Option<Story>,
    /// Stories in which it does not.
    pub not: Vec<Story>,
}

impl Cause {
    /// Whether the cause, with these keys, explains only a part of the effect.
    pub fn is_partial(&self, keys: &BTreeMap<String, String>) -> bool {
        let Some((part, whole)) = &self.share else {
            return false;
        };
        let number = |k: &String| keys.get(k).and_then(|v| v.parse::<u64>().ok());
        matches!((number(part), number(whole)), (Some(p), Some(w)) if p < w)
    }
}

/// When this fact is seen, that kind is not the reason.
#[derive(Debug)]
pub struct Exclude {
    /// Position of the excluded definition.
    pub kind: usize,
    /// When the keys meet (cause side: this fact; effect side: the excluded one).
    pub join: Vec<Join>,
    /// Why.
    pub why: Text,
}

/// A few facts in time, to test a cause.
#[derive(Clone, Debug)]
pub struct Story {
    /// The facts.
    pub facts: Vec<StoryFact>,
    /// Where it stands in its file (bytes).
    pub at: (usize, usize),
}

/// One fact of a story.
#[derive(Clone, Debug)]
pub struct StoryFact {
    /// Position of its definition.
    pub fact: usize,
    /// When, as UTC nanoseconds from an arbitrary zero.
    pub at: RawStamp,
    /// Its keys.
    pub keys: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_nobody_knows_are_not_shown() {
        assert_eq!(
            Definition::known_name("component/etcd@cp1"),
            Some("etcd@cp1")
        );
        assert_eq!(
            Definition::known_name("component/etcd@unknown"),
            Some("etcd")
        );
        assert_eq!(Definition::known_name("node/unknown"), None);
        assert_eq!(Definition::known_name("process/unknown/dockerd"), None);
    }
}
