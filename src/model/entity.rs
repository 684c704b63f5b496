//! Named things and how they hang together.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::fact::Place;

/// A typed name: `kind/name`, or `kind/namespace/name` for what lives in a namespace (`node/n1`,
/// `pod/shop/web-1`, `apiservice/v1beta1.metrics.k8s.io`). The kind is lower case and singular.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entity(String);

impl Entity {
    /// An entity of `kind` with `name` (which holds `namespace/name` for namespaced kinds).
    pub fn new(kind: &str, name: &str) -> Self {
        Self(format!("{kind}/{name}"))
    }

    /// Takes `kind/name` as it is written.
    pub fn parse(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The kind: what stands before the first `/`.
    pub fn kind(&self) -> &str {
        self.0.split_once('/').map_or(&*self.0, |(k, _)| k)
    }

    /// The name, with its namespace where there is one.
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, n)| n)
    }

    /// The namespace of a `kind/namespace/name` entity.
    pub fn namespace(&self) -> Option<&str> {
        self.name().split_once('/').map(|(ns, _)| ns)
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One relation between two things, and where it is written. The relation is named after the kind of its
/// target: `pod/shop/web-1 --node--> node/n1`.
#[derive(Clone, Debug)]
pub struct Relation {
    /// The thing that has the relation.
    pub from: Entity,
    /// What it is related to; its kind names the relation.
    pub to: Entity,
    /// Where that is written.
    pub place: Place,
}

/// Every relation of the bundle, to walk along.
#[derive(Clone, Debug, Default)]
pub struct Topology {
    edges: BTreeMap<Entity, BTreeMap<Entity, Place>>,
}

impl Topology {
    /// Adds a relation in both directions; the first place of proof is kept.
    pub fn add(&mut self, relation: Relation) {
        let Relation { from, to, place } = relation;
        self.edges
            .entry(to.clone())
            .or_default()
            .entry(from.clone())
            .or_insert(place);
        self.edges
            .entry(from)
            .or_default()
            .entry(to)
            .or_insert(place);
    }

    /// What `start` reaches by walking the kinds of `path` in turn (`["service", "pod", "node"]`).
    pub fn walk(&self, start: &Entity, path: &[&str]) -> BTreeSet<Entity> {
        let mut here: BTreeSet<Entity> = BTreeSet::from([start.clone()]);
        for kind in path {
            here = here
                .iter()
                .filter_map(|e| self.edges.get(e))
                .flat_map(|to| to.keys())
                .filter(|e| e.kind() == *kind)
                .cloned()
                .collect();
        }
        here
    }

    /// Everything directly related to `entity`, with the place of proof.
    pub fn neighbours(&self, entity: &Entity) -> impl Iterator<Item = (&Entity, Place)> {
        self.edges
            .get(entity)
            .into_iter()
            .flatten()
            .map(|(e, p)| (e, *p))
    }

    /// All known things of one kind.
    pub fn all(&self, kind: &str) -> impl Iterator<Item = &Entity> {
        self.edges.keys().filter(move |e| e.kind() == kind)
    }
}

/// The workload that a pod's name speaks of: `web-7c9ffff6d5-t7vmg` is of `web`, `db-0` of `db`, `agent-x7k2p` of
/// `agent`. A namespace in front stays.
pub fn workload_of(pod: &str) -> &str {
    let plain = |part: &str| {
        part.bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    let digit = |part: &str| part.bytes().any(|b| b.is_ascii_digit());
    let vowel = |part: &str| part.bytes().any(|b| b"aeiou".contains(&b));
    let Some((head, last)) = pod.rsplit_once('-') else {
        return pod;
    };
    if last.bytes().all(|b| b.is_ascii_digit()) {
        return head;
    }
    // Kubernetes generates names without vowels: `kube-proxy` is no pod of `kube`.
    if last.len() != 5 || !plain(last) || vowel(last) && !digit(last) {
        return pod;
    }
    match head.rsplit_once('-') {
        Some((owner, hash)) if (5..=10).contains(&hash.len()) && plain(hash) && digit(hash) => {
            owner
        }
        _ => head,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SourceId;

    #[test]
    fn pods_of_one_workload() {
        for (pod, workload) in [
            ("shop/web-7c9ffff6d5-t7vmg", "shop/web"),
            (
                "reports/report-generator-6458d68c5c-864mm",
                "reports/report-generator",
            ),
            ("shop/db-0", "shop/db"),
            ("kube-system/node-agent-x7k2p", "kube-system/node-agent"),
            ("shop/single", "shop/single"),
            ("kube-system/kube-proxy", "kube-system/kube-proxy"),
            ("web-5f5c64f949-9pblt", "web"),
        ] {
            assert_eq!(workload_of(pod), workload);
        }
    }

    #[test]
    fn walks_by_kind_in_both_directions() {
        let mut t = Topology::default();
        let place = Place {
            source: SourceId(0),
            offset: 0,
            line: 1,
        };
        let mut rel = |a: &str, b: &str| {
            t.add(Relation {
                from: Entity::parse(a),
                to: Entity::parse(b),
                place,
            });
        };
        rel("apiservice/v1.m", "service/kube-system/ms");
        rel("service/kube-system/ms", "pod/kube-system/ms-1");
        rel("pod/kube-system/ms-1", "node/n1");
        let end = t.walk(
            &Entity::parse("apiservice/v1.m"),
            &["service", "pod", "node"],
        );
        assert_eq!(
            end.into_iter().collect::<Vec<_>>(),
            [Entity::parse("node/n1")]
        );
        assert_eq!(t.walk(&Entity::parse("node/n1"), &["pod"]).len(), 1);
    }
}
