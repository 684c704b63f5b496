//! Says it: an analysis as text for a terminal, Markdown to send, JSON for machines, a time line, an
//! inventory of the files, the story of one thing, and a script that collects what is missing.
//!
//! Nothing is concluded here. Texts about the cluster come with the analysis; `words` holds our own.

mod coverage;
pub mod goroutines;
pub mod inventory;
pub mod json;
mod layout;
pub mod markdown;
mod names;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod sample_dump;
pub mod script;
mod signs;
#[cfg(test)]
mod tests;
pub mod text;
pub mod timeline;
mod times;
mod view;
pub mod why;
mod words;

pub use layout::Look;
pub(crate) use layout::{Ink, Sheet, columns, pad};
pub use names::{IdNames, Names};
pub use view::Report;
