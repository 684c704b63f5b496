//! `kforensics inventory`: what each file of a bundle is.

use std::path::PathBuf;

use clap::ValueEnum;

use super::failure::Failure;
use super::reading::Reading;
use super::stage::Stage;
use super::{Global, Outcome, outputs};
use crate::report::{Report, inventory};

const EXAMPLES: &str = "\
Examples:
  kforensics inventory bundle.tar.gz
  kforensics inventory bundle.tar.gz -f json | jq -r '.artifacts[] | select(.status == \"failed\") | .path'";

/// A format of the inventory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Text,
    Json,
}

/// Each file: recognised as what, whose, clock, coverage, silences, what could not be read
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Folders, archives or files to read as one bundle; `-` is a tar stream on standard input
    #[arg(required = true, value_name = "BUNDLE")]
    bundles: Vec<PathBuf>,
    /// Format of the inventory
    #[arg(short, long, value_enum, default_value_t)]
    format: Format,
    /// Write it to this file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    reading: Reading,
}

impl Args {
    pub(super) fn run(&self, global: &Global, stage: &mut Stage<'_>) -> Result<Outcome, Failure> {
        let run = self.reading.run(&self.bundles, global, stage)?;
        let report = Report::new(&run.analysis, &run.catalog, self.reading.lang(stage));
        let look = stage.look_of(self.output.as_deref(), global);
        let text = match self.format {
            Format::Text => inventory::text(&report, look),
            Format::Json => inventory::json(&inventory::inventory(&report))?,
        };
        outputs::deliver(self.output.as_deref(), &text, stage)?;
        Ok(Outcome::Done)
    }
}
