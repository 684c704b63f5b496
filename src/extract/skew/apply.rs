//! Gives each source the offset of its machine.

use std::collections::BTreeMap;

use super::MachineSkew;
use crate::base::time::Stamp;
use crate::extract::assemble::World;
use crate::model::{Confidence, Entity, Skew, Source, SourceId, SourceKind};

/// Gives all that a machine wrote the offset of its clock.
pub(in crate::extract) fn apply(world: &mut World) {
    if world.skews.is_empty() {
        return;
    }
    let by_name: BTreeMap<String, Skew> = world
        .skews
        .iter()
        .map(|MachineSkew { machine, skew, .. }| (machine.clone(), skew.clone()))
        .collect();
    let found: Vec<Option<Skew>> = world
        .sources
        .iter()
        .map(|s| {
            let machine = machine(world, s)?;
            by_name.get(&machine).cloned()
        })
        .collect();
    for (source, skew) in world.sources.iter_mut().zip(found) {
        if let Some(skew) = skew {
            // What was assumed is no reading of this clock.
            if source.clock.confidence != Confidence::Low {
                source.clock.collected = source
                    .clock
                    .collected
                    .map(|at| skew.corrected(Stamp::exact(at, 0)).at);
            }
            source.clock.skew = Some(skew);
        }
    }
}

/// Whether the times of a source are those of one machine.
pub(in crate::extract) fn has_machine(world: &World, source: SourceId) -> bool {
    world
        .source(source)
        .is_some_and(|s| machine(world, s).is_some())
}

/// Whether the times in a source are those of the machine it is of: an object has the times of whoever wrote them.
fn has_own_clock(source: &Source) -> bool {
    !matches!(
        source.kind,
        SourceKind::Objects | SourceKind::Table | SourceKind::Describe | SourceKind::Certificates
    )
}

/// The machine whose clock a source has, also of the log of a pod whose node is known.
fn machine(world: &World, source: &Source) -> Option<String> {
    if !has_own_clock(source) {
        return None;
    }
    let scope = &source.scope;
    if let Some(node) = &scope.node {
        return Some(node.clone());
    }
    let name = format!("{}/{}", scope.namespace.as_ref()?, scope.pod.as_ref()?);
    let nodes = world.topology.walk(&Entity::new("pod", &name), &["node"]);
    match nodes.iter().collect::<Vec<_>>().as_slice() {
        [only] => Some(only.name().to_owned()),
        _ => None,
    }
}
