//! `kforensics why`: the chain behind one thing.

use std::path::PathBuf;

use super::failure::Failure;
use super::reading::Reading;
use super::stage::Stage;
use super::{Global, Outcome};
use crate::report::{Report, why};

const EXAMPLES: &str = "\
Examples:
  kforensics why bundle.tar.gz namespace/tobedeletedb
  kforensics why bundle.tar.gz node/n1
  kforensics why bundle.tar.gz po/shop/web-1             short kinds, as kubectl takes them
  kforensics why bundle.tar.gz apiservice/v1beta1.metrics.k8s.io -v";

/// The chain behind one thing: what led there, what followed
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Folder, archive or file to read; `-` is a tar stream on standard input
    bundle: PathBuf,
    /// What to ask about: kind/name, or kind/namespace/name
    entity: String,
    #[command(flatten)]
    reading: Reading,
}

impl Args {
    pub(super) fn run(&self, global: &Global, stage: &mut Stage<'_>) -> Result<Outcome, Failure> {
        let run = self
            .reading
            .run(std::slice::from_ref(&self.bundle), global, stage)?;
        let report = Report::new(&run.analysis, &run.catalog, self.reading.lang(stage));
        let look = stage.look(global.color, global.verbose > 0);
        let text = why::render(&report, &why::entity(&self.entity), look);
        stage.out.write_all(text.as_bytes())?;
        Ok(Outcome::Done)
    }
}
