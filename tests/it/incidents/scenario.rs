//! What a scenario file says: the files of a bundle, its evidence, its noise, and what must come out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// One incident with its three bundles.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// File name without ending (`01-namespace-terminating-route`).
    #[serde(skip)]
    pub name: String,
    /// What really happened, one sentence.
    pub story: String,
    /// When the bundle was collected, local time.
    pub collected: String,
    /// Zone of the cluster.
    #[serde(default = "east")]
    pub zone: String,
    /// Folder above all files; `{epoch}` is the collection.
    #[serde(default)]
    pub folder: String,
    /// Names and addresses that a scripted variant replaces.
    #[serde(default)]
    pub names: Vec<String>,
    /// The files of the full bundle.
    pub file: Vec<File>,
    /// The full bundle.
    pub full: Case,
    /// A decisive piece is gone.
    pub missing: Option<Case>,
    /// Looks alike, is something else.
    pub lookalike: Option<Case>,
    /// Scripted variants that do not come out yet, and why: printed, not required.
    #[serde(default)]
    pub open: BTreeMap<String, String>,
    /// The same incident in the wording of another version.
    pub other_version: Option<OtherVersion>,
}

fn east() -> String {
    String::from("+08:00")
}

/// One file of a bundle.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Below the folder.
    pub path: String,
    /// Whole content, with places for times; instead of lines.
    #[serde(default)]
    pub text: Option<String>,
    /// How lines are written.
    #[serde(default)]
    pub style: Style,
    /// What stands before each line.
    #[serde(default)]
    pub wrap: Wrap,
    /// Machine, for wrappings and noise.
    #[serde(default)]
    pub host: String,
    /// Program and pid in a journal (`kubelet[8031]`).
    #[serde(default)]
    pub program: String,
    /// Process id in klog.
    #[serde(default = "one")]
    pub pid: u32,
    /// Kind of the ordinary lines.
    #[serde(default)]
    pub noise: String,
    /// How many of them.
    #[serde(default)]
    pub amount: u64,
    /// When they begin.
    #[serde(default = "hours")]
    pub from: String,
    /// When they end.
    #[serde(default = "now")]
    pub to: String,
    /// The evidence: `TIME [every D until TIME] | line`.
    #[serde(default)]
    pub lines: String,
    /// A file of the repository (a goroutine dump) that stands in it, without the journal prefix that it may have.
    #[serde(default)]
    pub include: Option<String>,
    /// When.
    #[serde(default = "now")]
    pub include_at: String,
}

fn one() -> u32 {
    1
}

fn hours() -> String {
    String::from("-3h")
}

fn now() -> String {
    String::from("0s")
}

/// How the lines of a log are written.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Style {
    /// As they stand.
    #[default]
    Plain,
    /// `L caller] message` behind a klog header.
    Klog,
    /// `level rest` behind `time="…"`.
    Logfmt,
    /// `level<tab>message` behind a UTC time.
    Istio,
    /// `program: message` behind a syslog time and host.
    Syslog,
}

/// What a collector or runtime puts before each line.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Wrap {
    /// Nothing.
    #[default]
    None,
    /// journald short.
    Journal,
    /// The CRI log format.
    Cri,
    /// docker's json-file.
    Docker,
}

/// One bundle of a scenario, as a change of the full one, and what must come out.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What this bundle is, one sentence.
    #[serde(default)]
    pub story: String,
    /// Files that are not there (a path, or a folder with `/` at its end).
    #[serde(default)]
    pub without: Vec<String>,
    /// Evidence lines that hold one of these texts are not there.
    #[serde(default)]
    pub drop: Vec<String>,
    /// Texts that are exchanged.
    #[serde(default)]
    pub swap: Vec<(String, String)>,
    /// Files that are added, or replace the one of that path.
    #[serde(default)]
    pub file: Vec<File>,
    /// Lines that are added to a file.
    #[serde(default)]
    pub more: BTreeMap<String, String>,
    /// What must come out.
    pub truth: Truth,
}

/// What must come out.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Truth {
    /// Nothing of severity medium or above.
    #[serde(default)]
    pub quiet: bool,
    /// No line is left unexplained.
    #[serde(default)]
    pub understood: bool,
    /// The incident with a symptom of this kind (default: the first one).
    #[serde(default)]
    pub symptom: Option<String>,
    /// Kinds that the first root may be.
    #[serde(default)]
    pub roots: Vec<String>,
    /// What the first root must be about.
    #[serde(default)]
    pub entity: Option<String>,
    /// At least this sure.
    #[serde(default)]
    pub confidence: Option<String>,
    /// At most this sure.
    #[serde(default)]
    pub at_most: Option<String>,
    /// Kinds of the chain, from root to symptom, others may stand between.
    #[serde(default)]
    pub chain: Vec<String>,
    /// Kinds that the bundle must show at all.
    #[serde(default)]
    pub facts: Vec<String>,
    /// Kinds (or `family/`) that are no root above low and in no chain.
    #[serde(default)]
    pub must_not: Vec<String>,
    /// What the gaps must ask for.
    #[serde(default)]
    pub gap: Option<String>,
    /// Kinds that must be ruled out.
    #[serde(default)]
    pub ruled_out: Vec<String>,
    /// Why this is printed but not yet required.
    #[serde(default)]
    pub advisory: Option<String>,
}

/// Another version's wording.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtherVersion {
    /// Which.
    pub label: String,
    /// Texts that are exchanged.
    pub swap: Vec<(String, String)>,
    /// Why its verdict is printed but not yet required.
    #[serde(default)]
    pub advisory: Option<String>,
}

/// Every scenario below `tests/incidents`, by name.
pub fn all() -> Vec<Scenario> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/incidents");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&dir)
        .unwrap_or_else(|e| panic!("{}: {e}", dir.display()))
        .map(|entry| entry.expect("a directory entry").path())
        .filter(|p| p.extension().is_some_and(|e| e == "toml"))
        .collect();
    paths.sort();
    paths.iter().map(|p| load(p)).collect()
}

fn load(path: &Path) -> Scenario {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut scenario: Scenario =
        toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    scenario.name = path
        .file_stem()
        .map(|s| s.to_string_lossy().into_owned())
        .unwrap_or_default();
    scenario
}

impl Scenario {
    /// The cases that there are, with their names.
    pub fn cases(&self) -> Vec<(&'static str, &Case)> {
        let mut cases = vec![("full", &self.full)];
        cases.extend(self.missing.as_ref().map(|c| ("missing", c)));
        cases.extend(self.lookalike.as_ref().map(|c| ("look-alike", c)));
        cases
    }

    /// The files of one case.
    pub fn files(&self, case: &Case) -> Vec<File> {
        let gone = |path: &str| {
            case.without
                .iter()
                .any(|w| w == path || (w.ends_with('/') && path.starts_with(w.as_str())))
                || case.file.iter().any(|f| f.path == path)
        };
        for w in &case.without {
            assert!(
                self.file
                    .iter()
                    .any(|f| f.path == *w || f.path.starts_with(w.as_str())),
                "{}: no file {w}",
                self.name
            );
        }
        let mut files: Vec<File> = self
            .file
            .iter()
            .filter(|f| !gone(&f.path))
            .cloned()
            .collect();
        files.extend(case.file.iter().cloned());
        for (path, lines) in &case.more {
            let file = files
                .iter_mut()
                .find(|f| f.path == *path)
                .unwrap_or_else(|| panic!("{}: no file {path}", self.name));
            file.lines = format!("{}\n{lines}", file.lines.trim_end());
        }
        for text in &case.drop {
            let hits = files.iter().filter(|f| {
                f.lines.contains(text) || f.text.as_ref().is_some_and(|t| t.contains(text))
            });
            assert!(
                hits.count() > 0,
                "{}: no evidence holds {text:?}",
                self.name
            );
            for file in &mut files {
                let keep = |all: &str| {
                    all.lines()
                        .filter(|l| !l.contains(text))
                        .collect::<Vec<_>>()
                        .join("\n")
                };
                file.lines = keep(&file.lines);
                file.text = file.text.as_ref().map(|t| keep(t) + "\n");
            }
        }
        for (from, to) in &case.swap {
            swap(&self.name, &mut files, from, to);
        }
        files
    }
}

/// Exchanges a text in all files; one that is nowhere is a mistake of the scenario.
pub fn swap(name: &str, files: &mut [File], from: &str, to: &str) {
    let mut hits = 0;
    for file in files {
        for part in [
            Some(&mut file.lines),
            Some(&mut file.path),
            file.text.as_mut(),
        ]
        .into_iter()
        .flatten()
        {
            if part.contains(from) {
                *part = part.replace(from, to);
                hits += 1;
            }
        }
    }
    assert!(hits > 0, "{name}: no evidence holds {from:?}");
}
