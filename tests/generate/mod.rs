//! Makes a support bundle of any size: seeded, so that the same numbers give the same bytes.
//!
//! The mixture is that of real bundles: mostly request and audit lines, then kubelets, then the rest, in the wrappings
//! they come in. The cluster is healthy but for one planted incident: the `APIService` `v1beta1.metrics.k8s.io` has no
//! endpoints, so namespace `team-a` cannot be deleted.

mod fill;
mod messages;
mod objects;
mod random;
mod streams;
mod time;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

pub(crate) use streams::Format;

/// What to make.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Bytes of all files together, about.
    pub(crate) bytes: u64,
    /// What the random choices begin with.
    pub(crate) seed: u64,
    /// Whether local times are +08:00 instead of UTC.
    pub(crate) local: bool,
    /// Whether the incident is in it.
    pub(crate) incident: bool,
}

impl Plan {
    /// A bundle in UTC with its incident.
    pub(crate) fn of(bytes: u64, seed: u64) -> Self {
        Self {
            bytes,
            seed,
            local: false,
            incident: true,
        }
    }

    /// Calls `take` with path and content of each file, one at a time.
    pub(crate) fn each(
        &self,
        mut take: impl FnMut(&str, &[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        for (path, content) in objects::files(self) {
            take(&path, content.as_bytes())?;
        }
        let mut content = Vec::new();
        for file in streams::files(self) {
            content.clear();
            file.write(self, &mut content)?;
            take(&file.path, &content)?;
        }
        Ok(())
    }

    /// Writes the bundle into a directory.
    pub(crate) fn directory(&self, to: &Path) -> io::Result<u64> {
        let mut bytes = 0;
        self.each(|path, content| {
            let path = to.join(path);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            bytes += content.len() as u64;
            fs::write(path, content)
        })?;
        Ok(bytes)
    }

    /// Writes the bundle as `.tar.gz`.
    pub(crate) fn tar_gz(&self, to: &Path) -> io::Result<u64> {
        let gzip = flate2::write::GzEncoder::new(
            BufWriter::new(File::create(to)?),
            flate2::Compression::default(),
        );
        let mut tar = tar::Builder::new(gzip);
        let mut bytes = 0;
        self.each(|path, content| {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            header.set_mtime(1_795_161_600);
            header.set_cksum();
            bytes += content.len() as u64;
            tar.append_data(&mut header, format!("bundle/{path}"), content)
        })?;
        tar.into_inner()?.finish()?.flush()?;
        Ok(bytes)
    }
}

/// Lines of one format without the rest of a bundle: about `bytes` of it.
pub(crate) fn lines(format: Format, bytes: u64, seed: u64) -> Vec<u8> {
    let mut out = Vec::new();
    let plan = Plan {
        bytes,
        seed,
        local: false,
        incident: false,
    };
    let file = streams::Stream::alone(format, bytes);
    // Writing into memory does not fail.
    let _ = file.write(&plan, &mut out);
    out
}
