//! Whose a thing is: what many pods have in common.

use super::graph::Graph;
use crate::model::Entity;

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
    workload(entity.name())
}

/// `shop/web-7c9ffff6d5-t7vmg` is of `shop/web`.
fn workload(name: &str) -> String {
    let generated = |part: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&part.len())
            && part
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    let Some((head, last)) = name.rsplit_once('-') else {
        return name.to_owned();
    };
    if last.bytes().all(|b| b.is_ascii_digit()) {
        return head.to_owned();
    }
    if !generated(last, 5..=5) {
        return name.to_owned();
    }
    match head.rsplit_once('-') {
        Some((owner, hash))
            if generated(hash, 6..=10) && hash.bytes().any(|b| b.is_ascii_digit()) =>
        {
            owner.to_owned()
        }
        _ => head.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::workload;

    #[test]
    fn pods_of_one_workload() {
        assert_eq!(workload("shop/web-7c9ffff6d5-t7vmg"), "shop/web");
        assert_eq!(workload("shop/db-0"), "shop/db");
        assert_eq!(
            workload("kube-system/node-agent-x7k2p"),
            "kube-system/node-agent"
        );
        assert_eq!(workload("shop/single"), "shop/single");
    }
}
