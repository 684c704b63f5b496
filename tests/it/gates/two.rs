//! Two clusters with a fault each, given together: two stay two.

use regex::Regex;

use super::noise::{elsewhere, renamed};
use super::{Row, gate};
use crate::support::fixture::Expected;
use crate::support::run::Dir;
use crate::support::{archive, fixture, run, verdict};

/// Pairs in which at most one is a fault of a whole control plane: what is named after the cluster (`cluster/etcd`)
/// cannot be told apart when two clusters have it.
const PAIRS: [(&str, &str); 9] = [
    ("kubelet-killed-01", "image-pull-failure-01"),
    ("cni-not-configured-k8s136-01", "ns-finalizer-content-01"),
    ("disk-pressure-eviction-01", "webhook-expired-cert-01"),
    (
        "pleg-containerd-stopped-01",
        "missing-configmap-and-liveness-k8s136-01",
    ),
    ("ns-apiservice-missing-endpoints-01", "unschedulable-01"),
    ("cri-hung-runc-create-k8s136-01", "app-deadlock-abba-01"),
    ("etcd-nospace-k8s136-01", "docker-hung-runc-01"),
    ("crash-apiserver-jsonlog-panic-01", "kubelet-killed-01"),
    ("etcd-stall-01", "image-pull-failure-01"),
];

#[test]
fn two_at_once() {
    gate("two at once", &PAIRS, |(one, two)| {
        let (first, second) = (fixture::named(one), fixture::named(two));
        let dir = Dir::new();
        archive::unpack(&elsewhere(&archive::open(&second.bundle)), dir.path());
        let analysis = run::paths(&[&first.bundle, dir.path()]);
        let mut places = Vec::new();
        let mut outcome = Ok(());
        for (fixture, moved) in [(first, false), (second, true)] {
            for expected in &fixture.truth.incidents {
                let found = if moved {
                    verdict::among(&expected_elsewhere(expected), &analysis)
                } else {
                    verdict::among(expected, &analysis)
                };
                match found {
                    Ok(at) => places.push(at),
                    Err(why) => outcome = Err(format!("{}: {why}", fixture.id)),
                }
            }
        }
        let found = places.len();
        places.sort_unstable();
        places.dedup();
        if outcome.is_ok() && places.len() < found {
            outcome = Err(String::from("two incidents became one"));
        }
        let outcome = outcome
            .map(|()| format!("{found} incidents"))
            .map_err(|why: String| format!("{why}\n{}", verdict::said(&analysis)));
        let advisory = first
            .truth
            .advisory
            .two
            .clone()
            .or_else(|| second.truth.advisory.two.clone());
        Row {
            name: format!("{one} + {two}"),
            outcome,
            advisory,
        }
    });
}

/// The same incident under the names of the other cluster.
fn expected_elsewhere(expected: &Expected) -> Expected {
    let text = |t: &str| String::from_utf8(renamed(t.as_bytes())).unwrap();
    Expected {
        root: expected.root.clone(),
        entity: Regex::new(&text(expected.entity.as_str())).unwrap(),
        confidence: expected.confidence.clone(),
        chain: expected.chain.clone(),
        possible: expected.possible.clone(),
        mention: expected.mention.iter().map(|m| text(m)).collect(),
        never: expected.never.clone(),
    }
}

#[test]
fn every_incident_has_a_partner() {
    for fixture in fixture::incidents() {
        assert!(
            PAIRS
                .iter()
                .any(|(a, b)| *a == fixture.id || *b == fixture.id),
            "{} is in no pair",
            fixture.id
        );
    }
}
