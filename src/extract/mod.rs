//! What each source says: kind, node and clock of a source; anchors, captures, facts; folding.
//!
//! A source is read once, forwards. [`observe`] turns one source into an [`Observation`] (folded facts with raw
//! times, coverage, relations, clock evidence); [`assemble`] brings all observations together: it solves the clocks,
//! gives times to the facts, merges what several sources say, and numbers everything in a fixed order.

mod assemble;
mod clock;
mod dumps;
mod edges;
mod ending;
mod events;
mod fold;
mod join;
mod machines;
mod matcher;
mod merge;
mod namespaces;
mod neighbours;
mod observe;
mod preamble;
mod relations;
mod scan;
mod single;
mod skew;
mod streams;
mod templates;
mod transcript;
mod turn;
mod unexplained;

pub use assemble::{World, assemble};
pub use clock::{Overrides, Zone};
pub use dumps::{dumps, read_dumps};
pub use ending::LastLine;
pub use fold::{RawFact, Seen};
pub use join::settle;
pub use matcher::Matcher;
pub use observe::{Life, Observation, observe, observe_all};
pub use scan::Crew;
pub use single::{observe_line, shows};
pub use skew::MachineSkew;
pub(crate) use skew::servers;
pub use unexplained::unexplained;
