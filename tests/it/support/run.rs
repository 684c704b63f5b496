//! Runs the pipeline: catalogues are loaded once and lent from run to run.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use kforensics::base::progress::Silent;
use kforensics::catalog::Catalog;
use kforensics::input::Input;
use kforensics::model::Analysis;
use kforensics::pipeline::{self, Options, Run};
use tempfile::TempDir;

use super::archive::{self, Member};

/// Catalogues that no run uses right now.
static IDLE: Mutex<Vec<Catalog>> = Mutex::new(Vec::new());

/// Analyses these inputs together.
pub(crate) fn paths(inputs: &[&Path]) -> Analysis {
    with(&Options {
        inputs: inputs
            .iter()
            .map(|p| Input::Path(p.to_path_buf()))
            .collect(),
        ..Options::default()
    })
}

/// Analyses with these options.
pub(crate) fn with(options: &Options) -> Analysis {
    let idle = IDLE.lock().unwrap().pop();
    let catalog = idle.unwrap_or_else(|| Catalog::builtin().unwrap());
    let Run { analysis, catalog } = pipeline::run_with(options, catalog, &Silent)
        .unwrap_or_else(|e| panic!("{:?}: {e}", options.inputs));
    IDLE.lock().unwrap().push(catalog);
    analysis
}

/// Analyses files that lie below a directory.
pub(crate) fn members(members: &[Member]) -> Analysis {
    let dir = Dir::new();
    archive::unpack(members, dir.path());
    paths(&[dir.path()])
}

/// Analyses one file of this name.
pub(crate) fn file(name: &str, data: &[u8]) -> Analysis {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, data).unwrap();
    paths(&[&path])
}

/// A directory `bundle` that goes with the test.
pub(crate) struct Dir {
    _temporary: TempDir,
    path: PathBuf,
}

impl Dir {
    pub(crate) fn new() -> Self {
        let temporary = TempDir::new().unwrap();
        let path = temporary.path().join("bundle");
        std::fs::create_dir(&path).unwrap();
        Self {
            _temporary: temporary,
            path,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}
