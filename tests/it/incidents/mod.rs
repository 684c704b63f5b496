//! The fifteen incidents, each as a whole bundle, with a decisive piece missing, and as a look-alike; and each whole
//! bundle again in other clothes. The evidence lies among ordinary lines of the same components.
//!
//! `INCIDENT=05 cargo test --test it incidents -- --nocapture` runs those whose name begins so;
//! `INCIDENT_OUT=DIR` also leaves the bundles there.

mod build;
#[path = "../../generate/mod.rs"]
#[expect(dead_code, reason = "the generator's program uses more of it")]
mod generate;
mod judge;
mod moment;
mod noise;
mod scenario;
mod variants;

use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, FixedOffset};
use kforensics::base::progress::Silent;
use kforensics::catalog::Catalog;
use kforensics::input::Input;
use kforensics::model::Analysis;
use kforensics::pipeline::{Options, run_with};
use rayon::prelude::*;

use build::{Bundle, Setting};
use judge::{Verdict, judge};
use scenario::{Scenario, Truth};

/// One bundle to judge.
struct Job {
    incident: String,
    variant: &'static str,
    bundle: Bundle,
    collected: DateTime<FixedOffset>,
    truth: Truth,
}

/// Loaded catalogues that no run uses at the moment: compiling one takes longer than a small bundle.
static IDLE: Mutex<Vec<Catalog>> = Mutex::new(Vec::new());

/// The rules as they stand in the tree: those of the program, and one that is being written is tried without building.
fn rules() -> Catalog {
    Catalog::only(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/catalog/facts"))
        .unwrap_or_else(|e| panic!("{e:?}"))
}

fn analyse(bundle: &Path) -> Analysis {
    let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let catalog = idle.unwrap_or_else(rules);
    let options = Options {
        inputs: vec![Input::Path(bundle.to_owned())],
        ..Options::default()
    };
    let run = run_with(&options, catalog, &Silent)
        .unwrap_or_else(|e| panic!("{}: {e}", bundle.display()));
    IDLE.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(run.catalog);
    run.analysis
}

fn run(job: &Job) -> Verdict {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let name = format!("{}-{}.tar.gz", job.incident, job.variant.replace(' ', "-"));
    let path = dir.path().join(&name);
    let packed = build::tar_gz(&job.bundle, job.collected);
    if let Some(out) = std::env::var_os("INCIDENT_OUT") {
        std::fs::write(Path::new(&out).join(&name), &packed)
            .expect("the folder of INCIDENT_OUT exists");
    }
    std::fs::write(&path, packed).expect("a temporary file");
    judge(&analyse(&path), &job.truth)
}

fn scenarios() -> Vec<Scenario> {
    let wanted = std::env::var("INCIDENT").unwrap_or_default();
    scenario::all()
        .into_iter()
        .filter(|s| s.name.starts_with(&wanted))
        .collect()
}

/// Runs all, prints the table, and fails with every unexpected miss.
fn table(title: &str, jobs: &[Job]) {
    // Rules that do not load are told once, not by every worker.
    IDLE.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(rules());
    let verdicts: Vec<Verdict> = jobs.par_iter().map(run).collect();
    let mut out = format!(
        "\n{title}\n| incident | variant | first root cause | confidence | chain | |\n|---|---|---|---|--:|---|\n"
    );
    let mut misses = String::new();
    let (mut good, mut advisory) = (0, 0);
    for (job, verdict) in jobs.iter().zip(&verdicts) {
        let mark = match (verdict.faults.is_empty(), &job.truth.advisory) {
            (true, None) => "ok",
            (true, Some(_)) => "ok (marked advisory)",
            (false, Some(_)) => "advisory",
            (false, None) => "MISS",
        };
        good += usize::from(verdict.faults.is_empty());
        advisory += usize::from(mark == "advisory");
        let root = if verdict.root.is_empty() {
            "–"
        } else {
            &verdict.root
        };
        let _ = writeln!(
            out,
            "| {} | {} | {root} | {} | {} | {mark} |",
            job.incident,
            job.variant,
            verdict.confidence,
            verdict.chain.len()
        );
        for fault in &verdict.faults {
            let why = job
                .truth
                .advisory
                .as_deref()
                .map(|a| format!(" (advisory: {a})"))
                .unwrap_or_default();
            let _ = writeln!(
                if why.is_empty() {
                    &mut misses
                } else {
                    &mut out
                },
                "    {} {}: {fault}{why}",
                job.incident,
                job.variant
            );
        }
    }
    let _ = writeln!(
        out,
        "{good} of {} as they must be, {advisory} advisory",
        jobs.len()
    );
    println!("{out}");
    assert!(misses.is_empty(), "\n{misses}");
}

#[test]
fn each_incident_its_missing_piece_and_its_look_alike() {
    let mut jobs = Vec::new();
    for scenario in scenarios() {
        let setting = Setting::of(&scenario.collected, &scenario.zone, &scenario.folder, 11);
        for (variant, case) in scenario.cases() {
            let bundle = build::bundle(&scenario.files(case), &setting);
            jobs.push(Job {
                incident: scenario.name.clone(),
                variant,
                bundle,
                collected: setting.collected,
                truth: case.truth.clone(),
            });
        }
    }
    table("Incidents", &jobs);
}

#[test]
fn the_same_incident_in_other_clothes() {
    let mut jobs = Vec::new();
    for scenario in scenarios() {
        for v in variants::of(&scenario) {
            jobs.push(Job {
                incident: scenario.name.clone(),
                variant: v.name,
                bundle: v.bundle,
                collected: v.collected,
                truth: v.truth,
            });
        }
    }
    table("Variants", &jobs);
}

/// Who reads a scenario must learn what it is.
#[test]
fn every_bundle_says_what_it_is() {
    for scenario in scenario::all() {
        assert!(!scenario.story.is_empty(), "{}", scenario.name);
        for (variant, case) in scenario.cases() {
            assert_eq!(
                case.story.is_empty(),
                variant == "full",
                "{} {variant}",
                scenario.name
            );
        }
        assert!(
            scenario.other_version.is_none_or(|v| !v.label.is_empty()),
            "{}",
            scenario.name
        );
    }
}

/// The builder itself: the same seed gives the same bytes, and the evidence is whole.
#[test]
fn bundles_are_reproducible() {
    for scenario in scenarios() {
        let setting = Setting::of(&scenario.collected, &scenario.zone, &scenario.folder, 11);
        let files = scenario.files(&scenario.full);
        assert_eq!(
            build::bundle(&files, &setting),
            build::bundle(&files, &setting),
            "{}",
            scenario.name
        );
    }
}
