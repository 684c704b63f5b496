//! The five verbs in order: discover, observe, infer, explain, and the frame for the report.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::base::lang::Lang;
use crate::base::progress::Progress;
use crate::base::time::Instant;
use crate::catalog::{Catalog, CatalogError};
use crate::correlate;
use crate::extract::{self, Crew, MachineSkew, Observation, Overrides, World, unexplained};
use crate::infer;
use crate::input::{self, Found, Input, InputError, Limits, Visitor};
use crate::model::{
    Analysis, Bundle, Clock, ClockNote, Confidence, Coverage, Scope, Source, SourceId, SourceKind,
    Status,
};

/// What to analyse, and how.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What was sent.
    pub inputs: Vec<Input>,
    /// How much of it is read.
    pub limits: Limits,
    /// What the caller knows better about clocks.
    pub clocks: Overrides,
    /// Language of titles and texts.
    pub lang: Lang,
    /// Folders of further rules.
    pub rules: Vec<PathBuf>,
    /// Only facts that reach into this window.
    pub window: (Option<Bound>, Option<Bound>),
    /// Worker threads (`None`: one for each processor).
    pub jobs: Option<usize>,
}

/// One end of a window of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// A moment.
    At(Instant),
    /// So many nanoseconds before the end of the bundle.
    BeforeEnd(i64),
}

/// Why nothing could be analysed.
#[derive(Debug, Error)]
pub enum Error {
    /// Nothing of the input can be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The rules cannot be used.
    #[error("the rules cannot be used")]
    Catalog(#[from] CatalogError),
    /// No file of the input is of a kind that is known.
    #[error(
        "nothing in {name} could be read: {files} file(s), none of them a log, a kubectl output or a dump"
    )]
    Nothing {
        /// Name of the input.
        name: String,
        /// How many files were looked at.
        files: usize,
    },
    /// The worker threads cannot be started.
    #[error("cannot start {jobs} worker threads: {why}")]
    Threads {
        /// How many.
        jobs: usize,
        /// Why.
        why: String,
    },
}

/// What one run gives.
#[derive(Debug)]
pub struct Run {
    /// The result.
    pub analysis: Analysis,
    /// The rules it was made with.
    pub catalog: Catalog,
}

/// Analyses one bundle.
pub fn run(options: &Options, progress: &dyn Progress) -> Result<Run, Error> {
    run_with(options, load(&options.rules)?, progress)
}

/// Analyses one bundle with a catalogue that is already loaded.
pub fn run_with(
    options: &Options,
    catalog: Catalog,
    progress: &dyn Progress,
) -> Result<Run, Error> {
    let mut world = observe(options, &catalog, progress)?;
    let dumps = infer::infer(&catalog, &mut world);
    keep_window(&mut world, options.window);
    let incidents = correlate::explain(&catalog, &mut world, options.lang);
    let unexplained = unexplained(&world, &incidents);
    let analysis = Analysis {
        bundle: bundle(options, &world),
        warnings: warnings(&world),
        sources: world.sources,
        facts: world.facts,
        incidents,
        unexplained,
        dumps,
        topology: world.topology,
        rules: catalog.definitions().len(),
        rules_digest: catalog.digest().to_owned(),
    };
    Ok(Run { analysis, catalog })
}

/// The built-in rules, and those of the given folders.
pub fn load(dirs: &[PathBuf]) -> Result<Catalog, CatalogError> {
    if dirs.is_empty() {
        return Catalog::builtin();
    }
    let dirs: Vec<&std::path::Path> = dirs.iter().map(PathBuf::as_path).collect();
    Catalog::load(&dirs)
}

/// Discovers and observes; gives everything with its times.
pub fn observe(
    options: &Options,
    catalog: &Catalog,
    progress: &dyn Progress,
) -> Result<World, Error> {
    let survey = input::survey(&options.inputs)?;
    progress.total(survey.bytes, survey.files);
    let collector = Collector {
        catalog,
        crew: Crew::new(options.jobs.unwrap_or_else(rayon::current_num_threads)),
        progress,
        told: (AtomicU64::new(0), AtomicU64::new(0)),
        observations: Mutex::new(Vec::new()),
        left_out: Mutex::new(Vec::new()),
    };
    let work = || input::discover(&options.inputs, &options.limits, &collector);
    match options.jobs {
        None => work()?,
        Some(jobs) => rayon::ThreadPoolBuilder::new()
            .num_threads(jobs)
            .build()
            .map_err(|e| Error::Threads {
                jobs,
                why: e.to_string(),
            })?
            .install(work)?,
    }
    progress.finish();
    let observations = collector
        .observations
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    let mut left_out = collector
        .left_out
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    left_out.sort_by(|a, b| (&a.path, &a.note).cmp(&(&b.path, &b.note)));
    let readable = observations
        .iter()
        .any(|o| !matches!(o.source.kind, SourceKind::Binary | SourceKind::Empty));
    if !readable {
        let files = observations.len() + left_out.len();
        return Err(Error::Nothing {
            name: name(options),
            files,
        });
    }
    Ok(extract::assemble(
        catalog,
        observations,
        left_out,
        &options.clocks,
    ))
}

/// Takes what discovery finds, from several threads.
struct Collector<'a> {
    catalog: &'a Catalog,
    crew: Crew,
    progress: &'a dyn Progress,
    /// Bytes and files reported so far: discovery counts from the start, the progress bar in steps.
    told: (AtomicU64, AtomicU64),
    observations: Mutex<Vec<Observation>>,
    left_out: Mutex<Vec<Source>>,
}

impl Visitor for Collector<'_> {
    fn file(&self, found: &Found, reader: &mut dyn std::io::Read) {
        let observations = self
            .crew
            .busy(|| extract::observe_all(self.catalog, found, reader, &self.crew));
        self.observations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(observations);
    }

    fn left_out(&self, path: &str, status: Status, note: String) {
        let source = Source {
            id: SourceId::default(),
            path: path.to_owned(),
            kind: SourceKind::Archive,
            formats: Vec::new(),
            why: String::from("not read"),
            scope: Scope::default(),
            clock: Clock::default(),
            coverage: Coverage::default(),
            status,
            note,
        };
        self.left_out
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(source);
    }

    fn progress(&self, bytes: u64, files: u64) {
        let more_bytes = bytes.saturating_sub(self.told.0.fetch_max(bytes, Ordering::Relaxed));
        let more_files = files.saturating_sub(self.told.1.fetch_max(files, Ordering::Relaxed));
        self.progress.advance(more_bytes, more_files);
    }
}

/// Drops facts outside the window that the caller asked for; times unknown stay.
fn keep_window(world: &mut World, window: (Option<Bound>, Option<Bound>)) {
    let end = world.window.1;
    let at = |bound: Option<Bound>| match bound? {
        Bound::At(at) => Some(at),
        Bound::BeforeEnd(ns) => end.map(|e| e.plus(-ns)),
    };
    let (since, until) = (at(window.0), at(window.1));
    if since.is_some() || until.is_some() {
        world.retain(|f| {
            since.is_none_or(|s| f.span.last.is_none_or(|l| l.at >= s))
                && until.is_none_or(|u| f.span.first.is_none_or(|b| b.at <= u))
        });
    }
}

fn name(options: &Options) -> String {
    let names: Vec<String> = options
        .inputs
        .iter()
        .map(|i| match i {
            Input::Stdin => String::from("standard input"),
            Input::Path(p) => p.file_name().map_or_else(
                || p.display().to_string(),
                |n| n.to_string_lossy().into_owned(),
            ),
        })
        .map(|n| crate::base::text::printable(n.as_bytes()))
        .collect();
    names.join(" + ")
}

fn bundle(options: &Options, world: &World) -> Bundle {
    let mut digest = Sha256::new();
    for (source, hash) in world.sources.iter().zip(&world.hashes) {
        digest.update(source.path.as_bytes());
        digest.update([0]);
        digest.update(source.coverage.bytes.to_le_bytes());
        digest.update(hash.to_le_bytes());
    }
    let read = || {
        world
            .sources
            .iter()
            .filter(|s| s.kind != SourceKind::Archive)
    };
    let paths: Vec<String> = read().map(|s| s.path.clone()).collect();
    Bundle {
        name: name(options),
        kind: input::layout(&paths).to_owned(),
        sha256: crate::base::text::hex(&digest.finalize()),
        artifacts: read().count() as u64,
        bytes: read().map(|s| s.coverage.bytes).sum(),
        lines: read().map(|s| s.coverage.lines).sum(),
        window: world.window,
        clocks: clocks(world),
    }
}

/// One note for each group of logs that share machine, zone and basis.
fn clocks(world: &World) -> Vec<ClockNote> {
    let mut groups: BTreeMap<(String, String, Option<i32>, String), ClockNote> = BTreeMap::new();
    for source in &world.sources {
        if source.kind != SourceKind::Log
            || source.status == Status::Skipped
            || source.coverage.first.is_none()
        {
            continue;
        }
        let clock = &source.clock;
        let timezone = clock.zone.map_or_else(
            || {
                if clock.confidence == Confidence::High {
                    String::from("UTC")
                } else {
                    String::from("unknown")
                }
            },
            zone,
        );
        let artifact = source
            .scope
            .node
            .clone()
            .unwrap_or_else(|| source.path.clone());
        let key = (
            artifact.clone(),
            timezone.clone(),
            clock.year,
            clock.basis.clone(),
        );
        groups.entry(key).or_insert_with(|| ClockNote {
            artifact,
            timezone,
            year: clock.year,
            basis: match &clock.skew {
                Some(skew) => format!("{}; {}", clock.basis, skew.basis),
                None => clock.basis.clone(),
            },
            confidence: clock.confidence,
            skew: clock.skew.as_ref().filter(|s| !s.doubtful).map(|s| s.ahead),
        });
    }
    groups.into_values().collect()
}

fn zone(seconds: i32) -> String {
    if seconds == 0 {
        return String::from("UTC");
    }
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.abs() / 60;
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

fn warnings(world: &World) -> Vec<String> {
    let mut out = Vec::new();
    let bad = world
        .sources
        .iter()
        .filter(|s| matches!(s.status, Status::Failed | Status::Partial))
        .count();
    if bad > 0 {
        out.push(format!(
            "{bad} file(s) could not be read, or only in part: see the list of files"
        ));
    }
    let guessed: Vec<&str> = world
        .sources
        .iter()
        .filter(|s| {
            s.kind == SourceKind::Log
                && s.clock.confidence == Confidence::Low
                && s.coverage.first.is_some()
        })
        .map(|s| s.path.as_str())
        .collect();
    if let Some(first) = guessed.first() {
        out.push(format!(
            "the clock of {} log(s) is assumed (such as {first}): order against other sources is uncertain; set --timezone or --year",
            guessed.len()
        ));
    }
    for MachineSkew { machine, skew, .. } in world.skews.iter().filter(|s| s.skew.doubtful) {
        out.push(format!(
            "the clock of {machine} is {}: nothing is taken off, so the order of its lines against those of other machines is uncertain; `timedatectl; chronyc tracking` on it would tell",
            skew.basis
        ));
    }
    out
}

impl crate::report::Names for Catalog {
    fn title(&self, fact: &crate::model::Fact, lang: Lang) -> String {
        correlate::title(self, fact, lang)
    }

    fn severity(&self, kind: &str) -> crate::model::Severity {
        self.get(kind)
            .map_or(crate::model::Severity::Info, |d| d.severity)
    }
}
