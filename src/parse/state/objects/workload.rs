//! Deployments and their like: how many replicas are wanted, ready, available.

use super::Object;
use crate::parse::state::say::{self, Replicas};
use crate::parse::state::sink::Sink;

/// Says a workload.
pub(super) fn read(sink: &mut Sink<'_>, o: &Object<'_>) {
    let n = o.node;
    if n.get("status").is_none() {
        return;
    }
    let or_zero = |text: &'static str, path: &str| match n.text(path) {
        "" => text.to_owned(),
        value => value.to_owned(),
    };
    let (desired, ready, available) = if o.kind == "daemonset" {
        (
            or_zero("0", "status.desiredNumberScheduled"),
            or_zero("0", "status.numberReady"),
            or_zero("0", "status.numberAvailable"),
        )
    } else {
        (
            or_zero("1", "spec.replicas"),
            or_zero("0", "status.readyReplicas"),
            or_zero("0", "status.availableReplicas"),
        )
    };
    let replicas = Replicas {
        desired: &desired,
        ready: &ready,
        available: &available,
    };
    let at = n.spot_of(&[
        "spec.replicas",
        "status.desiredNumberScheduled",
        "metadata.name",
    ]);
    say::replicas(sink, &o.entity, at, &replicas);
}
