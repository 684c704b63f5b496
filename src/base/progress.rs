//! How the reading tells how far it is.

/// Told about the reading as it goes; called from several threads.
pub trait Progress: Sync {
    /// What there is to read (may be raised when an archive turns out to hold more).
    fn total(&self, bytes: u64, files: u64);
    /// What was read since the last call.
    fn advance(&self, bytes: u64, files: u64);
    /// Everything was read.
    fn finish(&self);
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn total(&self, _bytes: u64, _files: u64) {}
    fn advance(&self, _bytes: u64, _files: u64) {}
    fn finish(&self) {}
}
