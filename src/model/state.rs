//! The state of a thing as one line of text.
//!
//! Tables, objects, describe outputs, process lists, certificates and events are brought to one form, so
//! that the catalogue can speak about them with the same patterns as about logs.

use super::component::Component;
use super::entity::Entity;
use crate::base::time::RawStamp;

/// One statement about one thing, read from an output of kubectl or of a host.
///
/// `text` is canonical (see `docs/rules.md`, "State lines"), for example
/// `namespace/team-a condition NamespaceDeletionDiscoveryFailure=True reason=DiscoveryFailed message=…`,
/// `pod/shop/web-1 status=CrashLoopBackOff ready=0/1 restarts=7 node=n1`.
#[derive(Clone, Debug)]
pub struct StateLine {
    /// [`Component::OBJECT`], [`Component::EVENT`], [`Component::PROCESS`], [`Component::CERTIFICATE`] or
    /// [`Component::KERNEL_STACK`].
    pub component: Component,
    /// The thing it is about.
    pub entity: Entity,
    /// Canonical text.
    pub text: String,
    /// What the file says there (one line, printable, cut).
    pub quote: String,
    /// Line number in the file, from 1.
    pub line: u64,
    /// Since when it holds, or the first occurrence of an event; `None`: unknown.
    pub first: Option<RawStamp>,
    /// Last occurrence of an event; `None` for a state: it holds as of the collection.
    pub last: Option<RawStamp>,
    /// How many occurrences it stands for.
    pub count: u64,
    /// The node that reported it (event source host), where printed.
    pub host: Option<String>,
}
