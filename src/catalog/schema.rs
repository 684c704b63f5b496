//! The shape of a rule file, exactly as it is written (`docs/rules.md` explains every field).

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

/// A text in both languages of the reports.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// English.
    pub en: String,
    /// Chinese.
    pub zh: String,
}

/// One rule file.
#[derive(Debug, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the file, named as it is written"
)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleFile {
    pub(super) title: Spanned<Text>,
    pub(super) unknown: Option<Text>,
    pub(super) entity: Spanned<String>,
    pub(super) severity: Spanned<String>,
    pub(super) since: String,
    #[serde(default)]
    pub(super) symptom: bool,
    #[serde(default)]
    pub(super) benign: bool,
    #[serde(default)]
    pub(super) suspect: bool,
    #[serde(default)]
    pub(super) raw: bool,
    #[serde(default)]
    pub(super) transient: bool,
    #[serde(default)]
    pub(super) planned: bool,
    #[serde(default)]
    pub(super) deed: bool,
    pub(super) inferred: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) infer: toml::Table,
    #[serde(default)]
    pub(super) words: BTreeMap<String, BTreeMap<String, Text>>,
    pub(super) weight: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) keys: Vec<Spanned<String>>,
    pub(super) at_least: Option<Spanned<u64>>,
    pub(super) lasting: Option<Spanned<String>>,
    pub(super) startup: Option<Spanned<String>>,
    pub(super) detail: Option<Text>,
    pub(super) notes: Option<String>,
    #[serde(default)]
    pub(super) source: Vec<String>,
    #[serde(default)]
    pub(super) references: Vec<String>,
    #[serde(default)]
    pub(super) aliases: Vec<String>,
    #[serde(default)]
    pub(super) pattern: Vec<PatternTable>,
    #[serde(default)]
    pub(super) matches: Vec<Spanned<MatchTable>>,
    #[serde(default)]
    pub(super) ignores: Vec<Spanned<IgnoreTable>>,
    #[serde(default)]
    pub(super) explains: Vec<ExplainTable>,
    #[serde(default)]
    pub(super) excludes: Vec<ExcludeTable>,
    #[serde(default)]
    pub(super) ask: Vec<AskTable>,
    #[serde(default)]
    pub(super) remedy: Vec<Remedy>,
    #[serde(default)]
    pub(super) warning: Vec<Warning>,
}

/// One literal or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    pub(super) fn list(&self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one.clone()],
            Self::Many(many) => many.clone(),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PatternTable {
    pub(super) component: Spanned<OneOrMany>,
    pub(super) anchor: Spanned<OneOrMany>,
    pub(super) regex: Option<Spanned<String>>,
    pub(super) each: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) level: Vec<String>,
    pub(super) caller: Option<String>,
    #[serde(default)]
    pub(super) named: bool,
    #[serde(default)]
    pub(super) field: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) except: Vec<String>,
    #[serde(default)]
    pub(super) closes: bool,
    #[serde(default)]
    pub(super) seldom: bool,
    pub(super) ago: Option<Spanned<String>>,
    #[expect(dead_code, reason = "documentation for the reader of the file")]
    pub(super) versions: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MatchTable {
    pub(super) component: Option<String>,
    pub(super) line: Option<String>,
    pub(super) file: Option<String>,
    pub(super) text: Option<String>,
    pub(super) gives: Vec<String>,
    #[serde(default)]
    pub(super) keys: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) also: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IgnoreTable {
    pub(super) component: Option<String>,
    pub(super) line: Option<String>,
    pub(super) file: Option<String>,
    pub(super) text: Option<String>,
    pub(super) why: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExplainTable {
    pub(super) effect: Spanned<String>,
    pub(super) join: Spanned<Vec<String>>,
    pub(super) within: Option<Spanned<String>>,
    pub(super) strength: Spanned<String>,
    pub(super) why: Text,
    pub(super) share: Option<(String, String)>,
    #[serde(default)]
    pub(super) needs: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) holds: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) not: Vec<Vec<Spanned<String>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExcludeTable {
    pub(super) kind: Spanned<String>,
    pub(super) join: Spanned<Vec<String>>,
    pub(super) why: Text,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AskTable {
    pub(super) what: Text,
    pub(super) command: Option<String>,
    pub(super) way: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) collects: Vec<Spanned<String>>,
}

/// What to do when the fact is the root.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Remedy {
    /// The instruction.
    #[serde(rename = "do")]
    pub action: Text,
}

/// What not to do.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Warning {
    /// The warning.
    pub say: Text,
}
