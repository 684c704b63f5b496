//! What does each line say: wrappings and formats, bytes to records, tables, objects and dumps.
//!
//! Pure functions: no I/O, no clock, no knowledge of what a message means. `None` is *not my format*.

pub mod goroutines;
pub mod kernel;
pub mod log;
pub mod margin;
pub mod session;
pub mod sniff;
pub mod state;
pub mod unfold;
