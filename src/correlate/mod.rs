//! What caused what: facts and causes become a graph, its components become incidents.
//!
//! No chain without mechanism, meeting entities and fitting times. What merely happens close together stays on the
//! timeline.

mod ask;
mod collection;
mod command;
mod graph;
mod hint;
mod incident;
mod link;
mod score;
mod sources;
mod symptom;
mod tell;
mod verdict;
mod ways;
mod workload;

pub use graph::{Graph, Link};
pub use incident::explain;
pub use link::{Fit, Met, fits, meets};
pub use verdict::title;
