//! `kforensics goroutines`: who waits for whom, from the dumps of a bundle.

use std::path::PathBuf;

use clap::ValueEnum;

use super::failure::Failure;
use super::stage::Stage;
use super::{Global, Outcome, outputs, progress};
use crate::base::text::printable;
use crate::extract::Overrides;
use crate::infer::waits;
use crate::input::{Input, Limits};
use crate::model::SourceId;
use crate::model::waits::Likeness;
use crate::pipeline::{self, Options};
use crate::report::goroutines::{Filter, Told};

const EXAMPLES: &str = "\
Examples:
  kforensics goroutines goroutine-stacks.log      what one process waits for
  kforensics goroutines bundle.tar.gz             the waits through all processes of a node
  kforensics goroutines kubelet.txt containerd.txt ps.txt
  kforensics goroutines dump.txt --all --state semacquire --minutes 5
  kforensics goroutines bundle.tar.gz -f html -o waits.html
  kforensics goroutines bundle.tar.gz -f dot | dot -Tsvg > waits.svg";

/// A format of the report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Text,
    Json,
    Html,
    Dot,
}

/// When stacks are taken for equal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Level {
    Exact,
    #[default]
    Pointers,
    Any,
}

/// Groups of goroutines, locks with waiters and probable holder, chains of waiting over all dumps
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Dumps, or folders and archives with dumps and process lists; `-` is a tar stream on standard input
    #[arg(required = true, value_name = "DUMP")]
    inputs: Vec<PathBuf>,
    /// Format of the report
    #[arg(short, long, value_enum, default_value_t)]
    format: Format,
    /// Write it to this file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// All groups, also those in their normal state of rest
    #[arg(long)]
    all: bool,
    /// When stacks are one group: exact (equal arguments), pointers (addresses may differ), any (equal functions)
    #[arg(long, value_enum, default_value_t, value_name = "LEVEL")]
    group: Level,
    /// Only goroutines whose state holds this text (semacquire, chan send)
    #[arg(long, value_name = "TEXT")]
    state: Option<String>,
    /// Only stacks with a function that holds this text
    #[arg(long, value_name = "TEXT")]
    function: Option<String>,
    /// Only what has waited so many minutes
    #[arg(long, value_name = "N")]
    minutes: Option<u32>,
}

impl Args {
    pub(super) fn run(&self, global: &Global, stage: &mut Stage<'_>) -> Result<Outcome, Failure> {
        let stdin = |p: &PathBuf| p.as_os_str() == "-";
        if self.inputs.iter().filter(|p| stdin(p)).count() > 1 {
            let text = "standard input (`-`) can be given only once";
            return Err(Failure::Usage(String::from(text)));
        }
        let inputs = self.inputs.iter().map(|p| {
            if stdin(p) {
                Input::Stdin
            } else {
                Input::Path(p.clone())
            }
        });
        let options = Options {
            inputs: inputs.collect(),
            limits: Limits::default(),
            clocks: Overrides::default(),
            jobs: global.jobs.map(usize::from),
            ..Options::default()
        };
        let bar = progress::new(global.progress, global.quiet, stage.err_is_terminal);
        let catalog = pipeline::load(&[])?;
        let world = pipeline::observe(&options, &catalog, &*bar)?;
        let (dumps, report) = waits::report(&world);
        if dumps.is_empty() {
            let text = "there is no goroutine dump in what was given; take one with `kill -USR1` (containerd, dockerd) or `curl …/debug/pprof/goroutine?debug=2`";
            return Err(Failure::Usage(String::from(text)));
        }
        let path = |id: SourceId| {
            world
                .source(id)
                .map_or_else(|| String::from("?"), |s| printable(s.path.as_bytes()))
        };
        let told = Told {
            dumps: &dumps,
            report: &report,
            path: &path,
            groups: &waits::groups,
        };
        let filter = Filter {
            all: self.all,
            likeness: match self.group {
                Level::Exact => Likeness::Exact,
                Level::Pointers => Likeness::Pointers,
                Level::Any => Likeness::Any,
            },
            state: self.state.clone(),
            function: self.function.clone(),
            minutes: self.minutes,
        };
        let look = stage.look_of(self.output.as_deref(), global);
        let text = match self.format {
            Format::Text => told.text(&filter, look),
            Format::Json => told.json(&filter)?,
            Format::Html => told.html(&filter),
            Format::Dot => told.dot(),
        };
        outputs::deliver(self.output.as_deref(), &text, stage)?;
        Ok(Outcome::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infer::waits::Host;
    use crate::model::Place;
    use crate::parse::goroutines;
    use crate::report::Look;

    fn told<T>(text: &str, act: impl FnOnce(&Told<'_>) -> T) -> T {
        let start = Place {
            line: 1,
            ..Place::default()
        };
        let dumps = goroutines::read(text.as_bytes(), start);
        let report = waits::analyse(&dumps, &Host::default());
        act(&Told {
            dumps: &dumps,
            report: &report,
            path: &|_| String::from("dump.txt"),
            groups: &waits::groups,
        })
    }

    const DEADLOCK: &str = include_str!("../../fixtures/goroutines/locks/lock-order.txt");
    const HEALTHY: &str = include_str!("../../fixtures/goroutines/locks/contention.txt");

    #[test]
    fn a_deadlock_as_text() {
        let text = told(DEADLOCK, |t| t.text(&Filter::default(), Look::default()));
        for part in [
            "Deadlock 1: 6 goroutines",
            "a lock of main.Account",
            "and so to the first again",
            "probable holder goroutine 51",
            "dump.txt:",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
    }

    #[test]
    fn a_healthy_dump_says_so() {
        let text = told(HEALTHY, |t| t.text(&Filter::default(), Look::default()));
        assert!(text.contains("Nothing is known to be stuck"), "{text}");
        assert!(text.contains("1 goroutine waits for a lock"), "{text}");
        let janitor =
            |f: Filter| told(HEALTHY, |t| t.text(&f, Look::default())).contains("Janitor.Run");
        assert!(!janitor(Filter::default()));
        assert!(janitor(Filter {
            all: true,
            ..Filter::default()
        }));
        assert!(janitor(Filter {
            function: Some(String::from("Janitor")),
            ..Filter::default()
        }));
        assert!(!janitor(Filter {
            all: true,
            minutes: Some(40),
            ..Filter::default()
        }));
    }

    #[test]
    fn a_page_of_its_own() {
        let page = told(DEADLOCK, |t| {
            let hostile = Told {
                path: &|_| String::from("dump<b>.txt"),
                ..*t
            };
            hostile.html(&Filter::default())
        });
        for part in ["Deadlock 1", "main.Account", "probable holder"] {
            assert!(page.to_lowercase().contains(&part.to_lowercase()), "{part}");
        }
        for bad in ["<script", "http://", "https://", "src=", "dump<"] {
            assert!(!page.contains(bad), "{bad}");
        }
        assert!(page.contains("dump&lt;b&gt;.txt:"), "{page}");
    }

    #[test]
    fn pages_of_a_deadlock() {
        let text = told(DEADLOCK, |t| t.text(&Filter::default(), Look::default()));
        insta::assert_snapshot!("deadlock_text", text);
        let dot = told(DEADLOCK, |t: &Told<'_>| Told::dot(t));
        insta::assert_snapshot!("deadlock_dot", dot);
        let page = told(DEADLOCK, |t| t.html(&Filter::default()));
        insta::assert_snapshot!("deadlock_html", page);
    }

    #[test]
    fn json_and_graph() {
        let json = told(DEADLOCK, |t| t.json(&Filter::default()).unwrap());
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["chains"][0]["deadlock"], true);
        assert_eq!(value["dumps"][0]["locks"][0]["probable_holder"], 51);
        let dot = told(DEADLOCK, |t: &Told<'_>| Told::dot(t));
        assert!(dot.contains("c0s3 -> c0s0;"), "{dot}");
    }
}
