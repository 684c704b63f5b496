//! The types of `kforensics.analysis.v1`. Fields are added, never renamed or dropped. Times are RFC 3339
//! in UTC.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Name of the contract.
pub const SCHEMA: &str = "kforensics.analysis.v1";

/// An analysis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "kforensics.analysis.v1")]
pub struct Document {
    /// `kforensics.analysis.v1`.
    pub schema: String,
    /// What made it.
    pub tool: Tool,
    /// What was sent.
    pub bundle: Bundle,
    /// What went wrong: the worst first, then by score.
    pub incidents: Vec<Incident>,
    /// Everything known, in order of time.
    pub facts: Vec<Fact>,
    /// Errors that no rule knows.
    pub unexplained: Vec<Unexplained>,
    /// Every file.
    pub artifacts: Vec<Artifact>,
    /// Every goroutine dump.
    pub dumps: Vec<Dump>,
    /// What to keep in mind when reading this.
    pub warnings: Vec<String>,
}

/// What made the analysis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// `kforensics`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Number of rules it had.
    pub rules: u64,
    /// SHA-256 over the rules.
    pub rules_digest: String,
}

/// What was sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bundle {
    /// File name of the input.
    pub name: String,
    /// Layout that was recognised, or `unknown`.
    pub kind: String,
    /// SHA-256 over paths and contents.
    pub sha256: String,
    /// Number of files.
    pub artifacts: u64,
    /// Bytes after decompression.
    pub bytes: u64,
    /// Number of lines.
    pub lines: u64,
    /// First and last time in it.
    pub window: Window,
    /// How the times of its sources were read.
    pub clocks: Vec<Clock>,
}

/// A stretch of time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Window {
    /// RFC 3339, UTC.
    pub start: Option<String>,
    /// RFC 3339, UTC; null: open or unknown.
    pub end: Option<String>,
}

/// How the times of a source were read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Clock {
    /// The source, or the node whose sources share the clock.
    pub artifact: String,
    /// `UTC`, `+08:00`, or `unknown`.
    pub timezone: String,
    /// Year of its first line.
    pub year: Option<i32>,
    /// From what that is known.
    pub basis: String,
    /// How sure.
    pub confidence: Confidence,
    /// Seconds that the clock was ahead of the API server's (negative: behind), taken off all times; null: none.
    #[serde(default)]
    pub skew_seconds: Option<f64>,
}

/// How sure a conclusion is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// The evidence decides.
    High,
    /// More speaks for it than against it.
    Medium,
    /// Little speaks for it.
    Low,
}

/// How much harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Breaks the cluster, or loses data.
    Critical,
    /// Breaks a node, a namespace or a service.
    High,
    /// Breaks something for someone.
    Medium,
    /// Degrades something.
    Low,
    /// Worth knowing (facts only).
    Info,
}

/// How a fact is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// A line says so.
    Seen,
    /// It follows from other facts.
    Inferred,
    /// A hypothesis.
    Suspected,
}

/// Something that went wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Incident {
    /// Stable for the same input.
    pub id: String,
    /// The worst of its facts.
    pub severity: Severity,
    /// One line.
    pub title: String,
    /// Two to four sentences.
    pub summary: String,
    /// First and last sign.
    pub window: Window,
    /// Ids of the facts that a person notices.
    pub symptoms: Vec<String>,
    /// Ranked; the first is the diagnosis.
    pub root_causes: Vec<RootCause>,
    /// From cause to symptom.
    pub chain: Vec<Step>,
    /// Causes considered and excluded.
    pub ruled_out: Vec<RuledOut>,
    /// What is missing.
    pub gaps: Vec<Gap>,
    /// What to do.
    pub remedy: Vec<String>,
    /// What not to do.
    pub warnings: Vec<String>,
    /// Where to read on.
    pub references: Vec<String>,
}

/// A candidate root cause.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RootCause {
    /// Id of the fact.
    pub fact: String,
    /// Catalogue id.
    pub kind: String,
    /// The fact in words.
    pub title: String,
    /// The thing it is about.
    pub entity: String,
    /// How it is known.
    pub state: State,
    /// How sure that it is the root.
    pub confidence: Confidence,
    /// Sum of the terms.
    pub score: i32,
    /// What speaks for it and against it.
    pub terms: Vec<Term>,
}

/// One reason, with its points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Term {
    /// Name on the scale.
    pub name: String,
    /// Points, negative when it speaks against.
    pub value: i32,
    /// For what reason.
    pub because: String,
}

/// One step of a chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// Id of the fact.
    pub fact: String,
    /// Catalogue id.
    pub kind: String,
    /// The fact in words.
    pub title: String,
    /// The thing it is about.
    pub entity: String,
    /// How it is known.
    pub state: State,
    /// Since when.
    pub first: Option<String>,
    /// Last sign of it.
    pub last: Option<String>,
    /// How many lines say so.
    pub count: u64,
    /// Why it follows from the step before; empty for the root.
    pub because: String,
    /// Lines that show it.
    pub evidence: Vec<Evidence>,
}

/// A line of the bundle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// Path within the bundle, through archives (`outer.tar.gz!node1/kubelet.log`).
    pub path: String,
    /// Line number, from 1.
    pub line: u64,
    /// What it says, control characters escaped, at most 1 KiB.
    pub text: String,
    /// When.
    pub time: Option<String>,
}

/// A cause that was considered and excluded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RuledOut {
    /// Catalogue id.
    pub kind: String,
    /// In words.
    pub title: String,
    /// By what.
    pub because: String,
    /// Lines that exclude it.
    pub evidence: Vec<Evidence>,
}

/// What is missing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Gap {
    /// What to collect.
    pub what: String,
    /// Which question it decides.
    pub why: String,
    /// A command to copy.
    pub command: String,
    /// The machine to run it on; empty: anywhere, or not known.
    #[serde(default)]
    pub on: String,
}

/// One thing known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Fact {
    /// Its id within this analysis.
    pub id: String,
    /// Catalogue id.
    pub kind: String,
    /// The fact in words.
    pub title: String,
    /// The thing it is about.
    pub entity: String,
    /// Its values.
    pub keys: BTreeMap<String, String>,
    /// How it is known.
    pub state: State,
    /// How much harm it means by itself.
    pub severity: Severity,
    /// Since when.
    pub first: Option<String>,
    /// Last sign of it.
    pub last: Option<String>,
    /// How many lines say so.
    pub count: u64,
    /// Lines that show it.
    pub evidence: Vec<Evidence>,
    /// Ids of the facts it rests on (of a hypothesis: that it would explain).
    pub from: Vec<String>,
}

/// A kind of error line that no rule knows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Unexplained {
    /// The line, its variable parts replaced by `<*>`.
    pub template: String,
    /// Who prints it.
    pub component: String,
    /// How often.
    pub count: u64,
    /// First time.
    pub first: Option<String>,
    /// Last time.
    pub last: Option<String>,
    /// Why it is shown.
    pub why_shown: String,
    /// A few of the lines.
    pub evidence: Vec<Evidence>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Artifact {
    /// Path within the bundle.
    pub path: String,
    /// What it is.
    pub kind: String,
    /// Who wrote it.
    pub component: Option<String>,
    /// The node it is from.
    pub node: Option<String>,
    /// Bytes after decompression.
    pub bytes: u64,
    /// Number of lines.
    pub lines: u64,
    /// Earliest time in it.
    pub first: Option<String>,
    /// Latest time in it.
    pub last: Option<String>,
    /// How its reading ended.
    pub status: ArtifactStatus,
    /// What to know about it.
    pub note: String,
}

/// How the reading of a file ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ArtifactStatus {
    /// Read to the end.
    Read,
    /// Read in part.
    Partial,
    /// Left out on purpose.
    Skipped,
    /// Could not be read.
    Failed,
}

/// A goroutine dump.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Dump {
    /// The file it is in.
    pub artifact: String,
    /// Its first line there.
    pub line: u64,
    /// Why it was printed (`pprof debug=2`, `signal traceback`, `stack dump on request`).
    pub kind: String,
    /// The Go version that the program was built with, as far as the format tells (`Go 1.18 to 1.20`).
    pub go: Option<String>,
    /// The process.
    pub process: Option<String>,
    /// Its process id.
    pub pid: Option<u64>,
    /// The node it ran on.
    pub node: Option<String>,
    /// When it was taken.
    pub time: Option<String>,
    /// Its head or its tail is missing: who is not seen may still be there.
    pub partial: bool,
    /// Number of goroutines.
    pub goroutines: u64,
    /// How many of them rest in their normal state.
    pub idle: u64,
    /// Goroutines with the same stack: first those that are not at rest, the largest group first.
    pub groups: Vec<Group>,
    /// Groups that are not listed.
    pub groups_left_out: u64,
    /// Locks that somebody waits for, most wanted first.
    pub locks: Vec<Lock>,
    /// Locks that are not listed.
    pub locks_left_out: u64,
    /// Why the waits were not followed from this dump; null when they were.
    pub set_aside: Option<String>,
}

/// Goroutines with the same stack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Group {
    /// How many.
    pub count: u64,
    /// What they are doing, as printed (`semacquire`, `select`, `IO wait`).
    pub state: String,
    /// The longest wait among them, as printed.
    pub oldest_minutes: Option<u64>,
    /// What they wait for, in a word: `idle`, `running`, `lock`, `join`, `signal`, `call`, `outside`, `other`.
    pub waits_for: String,
    /// They rest in their normal state.
    pub idle: bool,
    /// Functions of the program, innermost first.
    pub stack: Vec<String>,
    /// What started them.
    pub created_by: Option<String>,
    /// Labels that the program gave them, as printed, the most frequent first.
    #[serde(default)]
    pub labels: Vec<String>,
    /// Some of their ids.
    pub ids: Vec<u64>,
    /// Id of the longest waiting.
    pub representative: u64,
    /// Its header, and the frames that decide what it waits for.
    pub evidence: Vec<Evidence>,
}

/// A lock that somebody waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Lock {
    /// Its address (`0xc000aa2f18`); its name where the stacks show none.
    pub address: String,
    /// What it is called.
    pub name: String,
    /// How many wait.
    pub waiters: u64,
    /// The longest wait, as printed.
    pub oldest_minutes: Option<u64>,
    /// Id of the goroutine that probably holds it.
    pub probable_holder: Option<u64>,
    /// What speaks for that, or why nobody is named.
    pub because: String,
    /// What speaks against it.
    pub against: String,
}
