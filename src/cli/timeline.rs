//! `kforensics timeline`: everything known, in order of time.

use std::path::PathBuf;

use clap::ValueEnum;
use regex::Regex;

use super::failure::Failure;
use super::reading::Reading;
use super::stage::Stage;
use super::{Global, Outcome, outputs, values};
use crate::model::Severity;
use crate::report::Report;
use crate::report::timeline::{self, Filter};

const EXAMPLES: &str = "\
Examples:
  kforensics timeline bundle.tar.gz
  kforensics timeline bundle.tar.gz --component kubelet --level medium
  kforensics timeline bundle.tar.gz --entity node/n1 --since -1h
  kforensics timeline bundle.tar.gz --grep 'PLEG|lease' -f csv -o timeline.csv";

/// A format of the time line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Text,
    Jsonl,
    Csv,
}

/// One merged time line in UTC of everything known
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Folders, archives or files to read as one bundle; `-` is a tar stream on standard input
    #[arg(required = true, value_name = "BUNDLE")]
    bundles: Vec<PathBuf>,
    /// Format of the time line
    #[arg(short, long, value_enum, default_value_t)]
    format: Format,
    /// Write it to this file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Only what this component says (repeatable)
    #[arg(long, value_name = "NAME")]
    component: Vec<String>,
    /// Only what is about this thing: a part of kind/name, or a value of a fact (repeatable)
    #[arg(long, value_name = "ENTITY")]
    entity: Vec<String>,
    /// Only this severity and above
    #[arg(long, value_name = "SEVERITY", value_parser = values::severity())]
    level: Option<Severity>,
    /// Only where title or line match this regular expression
    #[arg(long, value_name = "REGEX", value_parser = |s: &str| Regex::new(s).map_err(|e| e.to_string()))]
    grep: Option<Regex>,
    #[command(flatten)]
    reading: Reading,
}

impl Args {
    pub(super) fn run(&self, global: &Global, stage: &mut Stage<'_>) -> Result<Outcome, Failure> {
        let run = self.reading.run(&self.bundles, global, stage)?;
        let report = Report::new(&run.analysis, &run.catalog, self.reading.lang(stage));
        let filter = Filter {
            components: self.component.clone(),
            entities: self.entity.clone(),
            level: self.level,
            grep: self.grep.clone(),
        };
        let entries = timeline::entries(&report, &filter);
        let look = stage.look_of(self.output.as_deref(), global);
        let text = match self.format {
            Format::Text => timeline::text(&report, &entries, look),
            Format::Jsonl => timeline::jsonl(&entries)?,
            Format::Csv => timeline::csv(&entries),
        };
        outputs::deliver(self.output.as_deref(), &text, stage)?;
        Ok(Outcome::Done)
    }
}
