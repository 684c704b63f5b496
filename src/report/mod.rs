//! (module of kforensics; see docs/architecture.md)
