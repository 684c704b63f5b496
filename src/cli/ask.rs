//! `kforensics ask`: a script that collects what the bundle lacks.

use std::path::PathBuf;

use super::failure::Failure;
use super::reading::Reading;
use super::stage::Stage;
use super::{Global, Outcome, outputs};
use crate::report::{Report, script};

const EXAMPLES: &str = "\
Examples:
  kforensics ask bundle.tar.gz                   read what it would collect
  kforensics ask bundle.tar.gz -o ask.sh         then on a machine with access: sh ask.sh evidence";

/// A shell script that collects the evidence the incidents lack
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Folders, archives or files to read as one bundle; `-` is a tar stream on standard input
    #[arg(required = true, value_name = "BUNDLE")]
    bundles: Vec<PathBuf>,
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
        outputs::deliver(self.output.as_deref(), &script::render(&report), stage)?;
        Ok(Outcome::Done)
    }
}
