//! Discovers what was sent and hands every regular file to a visitor, unpacked.
//!
//! A directory, a `.tar`, `.tar.gz`, `.tar.xz`, `.tar.zst`, `.tar.bz2`, a `.zip`, a single compressed log, any of these
//! inside each other, a tar stream on standard input, several of them at once. Content decides (magic bytes), never
//! the extension. Archives are read in place: nothing is written to disk, and memory does not grow with the bundle.
//!
//! ```text
//! must-gather.tar.gz!quay-io-x/nodes/n1/audit.log.gz      a compressed log in a compressed tar
//! ```
//!
//! A stranger's archive never ends the run: a link, a device, a damaged header, a bomb each have a defined outcome,
//! told to [`Visitor::left_out`]. What a file *is* (a log, a table) is decided above this layer.

use std::io::Read;
use std::path::PathBuf;

use crate::base::time::Instant;
use crate::model::Status;

mod descent;
mod layout;
mod magic;
mod meter;
mod names;
mod pax;
mod pipe;
pub mod rotation;
mod sparse;
mod tarball;
mod unpack;
mod walk;
mod zipball;
mod ziphead;

#[cfg(test)]
mod tests;

pub use descent::discover;
pub use layout::layout;
pub use walk::survey;

/// How much of a stranger's input is read before the rest is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes read in total: those of the inputs and those that come out of decompression.
    pub total_bytes: u64,
    /// Files, directories and links in total, in directories and archives.
    pub members: u64,
    /// Unpacked bytes for one packed byte; enforced once [`Limits::RATIO_FROM`] bytes came out of one file.
    pub ratio: u64,
    /// Archives inside archives; 1 opens only the archives that were given.
    pub depth: u8,
    /// Bytes of a zip that cannot be read in place (it lies in a stream) kept in memory to reach its index.
    pub zip_buffer: u64,
}

impl Limits {
    /// Output below which no ratio is judged: a small bomb does no harm.
    pub const RATIO_FROM: u64 = 64 << 20;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            total_bytes: 256 << 30,
            members: 2_000_000,
            ratio: 1000,
            depth: 4,
            zip_buffer: 256 << 20,
        }
    }
}

/// One thing given to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A directory, an archive or a file.
    Path(PathBuf),
    /// Standard input: a tar stream, possibly compressed, or a single file.
    Stdin,
}

/// One regular file, on disk or inside archives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Virtual path, printable, `/`-separated, `!` behind each archive: `name.tar.gz!dir/kubelet.log`.
    pub path: String,
    /// When it was last changed, where the container tells it in UTC.
    pub mtime: Option<Instant>,
    /// Size of its content, where known before it is read.
    pub size: Option<u64>,
    /// Whether it lies inside an archive.
    pub packed: bool,
    /// What to know about it (its name was absolute, it is sparse); empty: nothing.
    pub note: String,
}

impl Found {
    /// A file of which only the path is known.
    pub fn named(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            mtime: None,
            size: None,
            packed: false,
            note: String::new(),
        }
    }
}

/// Receives what is found.
pub trait Visitor: Sync {
    /// One regular file, decompressed. Called from several threads at once; each path is unique.
    ///
    /// A read error comes after all the bytes that could be read, and is the only report about that file.
    fn file(&self, found: &Found, reader: &mut dyn Read);

    /// Something that is not read (to the end), and why: a note that says what it is and what to do about it.
    fn left_out(&self, path: &str, status: Status, note: String);

    /// Packed bytes read so far from the inputs themselves ([`survey`] tells how many there are), files visited so far.
    fn progress(&self, bytes: u64, files: u64);
}

/// What lies before a run: for a progress bar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Bytes of all files of the inputs, as they lie on disk; standard input counts nothing.
    pub bytes: u64,
    /// Files of the inputs; an archive is one.
    pub files: u64,
}

/// Why nothing can be read. Each message names the path and what to do.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// Nothing was given.
    #[error(
        "no input: name a directory, an archive or a file, or - for a tar stream on standard input"
    )]
    Nothing,
    /// There is no such file.
    #[error("{path}: no such file or directory; check the path")]
    Missing {
        /// The path as given, printable.
        path: String,
    },
    /// It exists and cannot be opened.
    #[error("{path}: cannot be read ({why}); check its permissions")]
    Unreadable {
        /// The path as given, printable.
        path: String,
        /// What the system said.
        why: String,
    },
    /// A directory without a single file.
    #[error("{path}: there is no file in this directory; was the bundle unpacked somewhere else?")]
    Empty {
        /// The path as given, printable.
        path: String,
    },
    /// Neither a directory nor a file.
    #[error(
        "{path}: is neither a directory nor a file ({what}); give a directory, an archive, a file or -"
    )]
    NotAFile {
        /// The path as given, printable.
        path: String,
        /// What it is.
        what: &'static str,
    },
}
