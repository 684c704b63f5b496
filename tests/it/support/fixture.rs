//! The incidents of `fixtures/incidents`: a bundle, and the truth about it.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use regex::Regex;
use serde::Deserialize;

/// One incident, or several in one bundle, or a healthy cluster.
#[derive(Debug)]
pub(crate) struct Fixture {
    /// Name of its folder.
    pub(crate) id: String,
    /// The bundle.
    pub(crate) bundle: PathBuf,
    /// What really happened.
    pub(crate) truth: Truth,
}

/// `truth.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Truth {
    /// Nothing is wrong: no incident of medium severity or above may be reported.
    #[serde(default)]
    pub(crate) quiet: bool,
    /// What is not reached yet, gate by gate, and why: printed, not asserted.
    #[serde(default)]
    pub(crate) advisory: Advisory,
    /// The incidents, the gravest first.
    #[serde(default, rename = "incident")]
    pub(crate) incidents: Vec<Expected>,
    /// What may be taken away, and what is left to say then.
    #[serde(default, rename = "removal")]
    pub(crate) removals: Vec<Removal>,
}

/// Why a gate is not passed yet.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Advisory {
    pub(crate) diagnosis: Option<String>,
    pub(crate) noise: Option<String>,
    pub(crate) order: Option<String>,
    pub(crate) two: Option<String>,
}

/// One incident that must be found.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    /// Kinds that are right as the first root.
    pub(crate) root: Vec<String>,
    /// What the first root must be about.
    #[serde(with = "pattern")]
    pub(crate) entity: Regex,
    /// Least confidence.
    pub(crate) confidence: String,
    /// Kinds that the chain must have, in this order; others may stand between.
    #[serde(default)]
    pub(crate) chain: Vec<String>,
    /// What title, summary, roots and chain together must say.
    #[serde(default)]
    pub(crate) mention: Vec<String>,
    /// Kinds that the report must not rule out.
    #[serde(default)]
    pub(crate) possible: Vec<String>,
    /// What the first root's title must not say.
    #[serde(default)]
    pub(crate) never: Vec<String>,
}

/// Evidence to take away.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Removal {
    /// What is missing then.
    pub(crate) what: String,
    /// Paths of the files.
    #[serde(with = "pattern")]
    pub(crate) files: Regex,
    /// Only these lines of them (otherwise the whole files).
    #[serde(default, with = "maybe_pattern")]
    pub(crate) lines: Option<Regex>,
    /// Which of the incidents suffers, from 0.
    #[serde(default)]
    pub(crate) incident: usize,
    /// Kinds that are right as the first root then; none: no incident is right as well.
    #[serde(default)]
    pub(crate) root: Vec<String>,
    /// Highest confidence that is right then.
    pub(crate) at_most: Option<String>,
    /// Its score must be less than with everything there.
    #[serde(default)]
    pub(crate) weaker: bool,
    /// No incident about it is right as well.
    #[serde(default)]
    pub(crate) silent: bool,
    /// What the list of missing things must name.
    #[serde(default, with = "maybe_pattern")]
    pub(crate) ask: Option<Regex>,
    /// Why this is not reached yet: printed, not asserted.
    pub(crate) advisory: Option<String>,
}

mod pattern {
    use regex::Regex;
    use serde::{Deserialize as _, Deserializer, de::Error as _};

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Regex, D::Error> {
        Regex::new(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}

mod maybe_pattern {
    use regex::Regex;
    use serde::{Deserialize as _, Deserializer, de::Error as _};

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Regex>, D::Error> {
        Regex::new(&String::deserialize(from)?)
            .map(Some)
            .map_err(D::Error::custom)
    }
}

/// All of them, by name.
pub(crate) fn all() -> &'static [Fixture] {
    static ALL: OnceLock<Vec<Fixture>> = OnceLock::new();
    ALL.get_or_init(|| {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/incidents");
        let mut all: Vec<Fixture> = std::fs::read_dir(&dir)
            .unwrap()
            .map(|e| load(&e.unwrap().path()))
            .collect();
        all.sort_by(|a, b| a.id.cmp(&b.id));
        all
    })
}

/// Those in which something is wrong.
pub(crate) fn incidents() -> impl Iterator<Item = &'static Fixture> {
    all().iter().filter(|f| !f.truth.quiet)
}

/// The one of this name.
pub(crate) fn named(id: &str) -> &'static Fixture {
    all()
        .iter()
        .find(|f| f.id == id)
        .unwrap_or_else(|| panic!("there is no fixture {id}"))
}

fn load(dir: &Path) -> Fixture {
    let id = dir.file_name().unwrap().to_string_lossy().into_owned();
    let bundle = std::fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().path())
        .find(|p| {
            p.file_name()
                .is_some_and(|n| n.to_string_lossy().starts_with("bundle."))
        })
        .unwrap_or_else(|| panic!("{id} has no bundle"));
    assert!(dir.join("story.md").is_file(), "{id} has no story.md");
    let text = std::fs::read_to_string(dir.join("truth.toml"))
        .unwrap_or_else(|e| panic!("{id}/truth.toml: {e}"));
    let truth: Truth = toml::from_str(&text).unwrap_or_else(|e| panic!("{id}/truth.toml: {e}"));
    assert!(
        truth.quiet == truth.incidents.is_empty(),
        "{id}: either quiet or with incidents"
    );
    Fixture { id, bundle, truth }
}
