//! The nouns of the house: source, place, quote, record, entity, fact, topology, incident.
//!
//! Types only, with the invariants that keep them honest (a fact cannot be built without evidence). No
//! reading, no rules, no printing.

pub mod analysis;
pub mod component;
pub mod dump;
pub mod dump_note;
pub mod entity;
pub mod fact;
pub mod function;
pub mod incident;
pub mod pair;
pub mod record;
pub mod source;
pub mod state;
pub mod waits;

pub use analysis::{Analysis, Bundle, ClockNote, Unexplained};
pub use component::Component;
pub use dump::{Dump, DumpKind, Frame, Goroutine};
pub use dump_note::{DumpNote, GroupNote, LockNote};
pub use entity::{Entity, Relation, Topology, workload_of};
pub use fact::{Basis, Fact, FactId, Keys, Place, Quote, Severity, Span};
pub use incident::Incident;
pub use pair::{ClockPair, Order};
pub use record::{Level, Record};
pub use source::{Clock, Confidence, Coverage, Scope, Skew, Source, SourceId, SourceKind, Status};
pub use state::StateLine;
