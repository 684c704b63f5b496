//! Whose a thing is: what many pods have in common.

use super::graph::Graph;
use crate::model::{Entity, workload_of};

/// The workload of a pod (its owner, else its name without the generated part), else the entity itself.
pub(super) fn whose(graph: &Graph<'_>, entity: &Entity) -> String {
    if entity.kind() != "pod" {
        return entity.as_str().to_owned();
    }
    for path in [
        &["replicaset", "deployment"][..],
        &["replicaset"],
        &["statefulset"],
        &["daemonset"],
        &["job"],
    ] {
        if let Some(owner) = graph.world.topology.walk(entity, path).into_iter().next() {
            return owner.as_str().to_owned();
        }
    }
    workload_of(entity.name()).to_owned()
}
