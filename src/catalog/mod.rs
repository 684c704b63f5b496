//! What is known: the facts Kubernetes shows, what causes what, what to do. One file is one fact.
//!
//! [`Catalog::builtin`] loads the files below `facts/`, [`Catalog::load`] adds folders of a user's own. Loading
//! checks everything that can be checked without reading a line; the examples are run by [`crate::selftest`].

mod anchors;
mod causes;
mod check;
mod compile;
mod definition;
#[cfg(test)]
mod docs;
mod error;
mod mistakes;
mod need;
pub mod page;
mod schema;
mod template;
mod title;

use std::collections::BTreeMap;
use std::path::Path;

use include_dir::{Dir, include_dir};

pub use anchors::Anchors;
pub use definition::{
    Ask, Cause, Definition, Example, Exclude, How, Join, KeyPath, Origin, Pattern, Story,
    StoryFact, Strength, Weight,
};
pub use error::{BadRule, CatalogError};
pub use need::Need;
pub use schema::{Remedy, Text, Warning};
pub use template::Template;

static FACTS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/catalog/facts");

/// How a component begins the line that says which Event it has sent.
pub const EVENTS_IN_LOGS: [&str; 2] = ["Event occurred", "Event(v1.ObjectReference{"];

/// A finder of literals, and for each of them the patterns that have it.
#[derive(Debug)]
struct Anchored {
    finder: Anchors,
    patterns: Vec<Vec<usize>>,
}

/// Every definition, compiled.
#[derive(Debug)]
pub struct Catalog {
    definitions: Vec<Definition>,
    by_id: BTreeMap<String, usize>,
    patterns: Vec<Pattern>,
    causes: Vec<Cause>,
    /// Finds every anchor in a block of bytes.
    anchors: Anchored,
    /// The anchors that may stand in a log.
    log_anchors: Anchored,
    digest: String,
}

/// One rule file before it is compiled: its id, the name to show in messages, and its text.
#[derive(Clone, Debug)]
pub struct RuleText {
    /// `family/name`.
    pub id: String,
    /// Path to show.
    pub path: String,
    /// TOML.
    pub text: String,
}

impl Catalog {
    /// The catalogue that is part of the program.
    pub fn builtin() -> Result<Self, CatalogError> {
        compile::compile(&builtin_files())
    }

    /// The built-in catalogue with the families below `dirs` added (a file of the same id replaces).
    pub fn load(dirs: &[&Path]) -> Result<Self, CatalogError> {
        let mut files: BTreeMap<String, RuleText> = builtin_files()
            .into_iter()
            .map(|f| (f.id.clone(), f))
            .collect();
        for dir in dirs {
            for file in read_dir(dir)? {
                files.insert(file.id.clone(), file);
            }
        }
        compile::compile(&files.into_values().collect::<Vec<_>>())
    }

    /// A catalogue of the rule files below `dir` alone.
    pub fn only(dir: &Path) -> Result<Self, CatalogError> {
        compile::compile(&read_dir(dir)?)
    }

    /// A catalogue of the given files alone (for tests and benches).
    pub fn of(files: &[RuleText]) -> Result<Self, CatalogError> {
        compile::compile(files)
    }

    /// Every definition, by id.
    pub fn definitions(&self) -> &[Definition] {
        &self.definitions
    }

    /// The definition with this id (or a former id).
    pub fn get(&self, id: &str) -> Option<&Definition> {
        self.by_id.get(id).and_then(|i| self.definitions.get(*i))
    }

    /// Position of a definition.
    pub fn index(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// A definition by position.
    pub fn at(&self, index: usize) -> Option<&Definition> {
        self.definitions.get(index)
    }

    /// Every pattern.
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// Every cause.
    pub fn causes(&self) -> &[Cause] {
        &self.causes
    }

    /// The causes into one effect.
    pub fn causes_of(&self, effect: usize) -> impl Iterator<Item = &Cause> {
        self.causes.iter().filter(move |c| c.effect == effect)
    }

    /// The finder of all anchors, and the patterns behind each literal.
    pub fn anchors(&self) -> (&Anchors, &[Vec<usize>]) {
        (&self.anchors.finder, &self.anchors.patterns)
    }

    /// The same without the anchors that only state lines hold: in logs many of those are ordinary words.
    pub fn log_anchors(&self) -> (&Anchors, &[Vec<usize>]) {
        (&self.log_anchors.finder, &self.log_anchors.patterns)
    }

    /// SHA-256 over ids and texts, hexadecimal.
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

fn builtin_files() -> Vec<RuleText> {
    let mut files = Vec::new();
    collect(&FACTS, &mut files);
    files.sort_by(|a, b| a.id.cmp(&b.id));
    files
}

fn collect(dir: &Dir<'_>, into: &mut Vec<RuleText>) {
    for file in dir.files() {
        let path = file.path().to_string_lossy().replace('\\', "/");
        if let (Some(id), Some(text)) = (path.strip_suffix(".toml"), file.contents_utf8()) {
            into.push(RuleText {
                id: id.to_owned(),
                path: format!("facts/{path}"),
                text: text.to_owned(),
            });
        }
    }
    for sub in dir.dirs() {
        collect(sub, into);
    }
}

fn read_dir(dir: &Path) -> Result<Vec<RuleText>, CatalogError> {
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(dir).sort_by_file_name() {
        let entry = entry.map_err(|e| CatalogError::Unreadable {
            path: dir.display().to_string(),
            why: e.to_string(),
        })?;
        if !entry.file_type().is_file() || entry.path().extension().is_none_or(|e| e != "toml") {
            continue;
        }
        let path = entry.path();
        let id = path.strip_prefix(dir).unwrap_or(path).with_extension("");
        let text = std::fs::read_to_string(path).map_err(|e| CatalogError::Unreadable {
            path: path.display().to_string(),
            why: e.to_string(),
        })?;
        files.push(RuleText {
            id: id.to_string_lossy().replace('\\', "/"),
            path: path.display().to_string(),
            text,
        });
    }
    if files.is_empty() {
        return Err(CatalogError::Unreadable {
            path: dir.display().to_string(),
            why: String::from("no *.toml file below it; rule files are <family>/<name>.toml"),
        });
    }
    Ok(files)
}
