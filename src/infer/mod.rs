//! (module of kforensics; see docs/architecture.md)
pub mod waits;
