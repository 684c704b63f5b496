//! Relations between things: those that one file states, and those that no single file does (what one output says of a
//! service, and another one of its pods).

use std::collections::BTreeMap;

use super::fold::RawFact;
use crate::model::{Component, Entity, Place, Relation, SourceId, StateLine, Topology};

/// A pod and its labels.
pub(super) type Labelled = (Entity, Vec<(String, String)>);

/// Most relations made of selectors: a hostile bundle could make services times pods of them.
const MAX_SELECTED: usize = 1 << 18;

/// The relations that one source states.
pub(super) fn stated(
    source: SourceId,
    relations: Vec<(Entity, Entity, u64)>,
    topology: &mut Topology,
) {
    for (from, to, line) in relations {
        let place = Place {
            source,
            offset: 0,
            line,
        };
        topology.add(Relation { from, to, place });
    }
}

/// A kubelet that speaks about a pod runs it.
pub(super) fn pods_of_kubelets(raw: &[(SourceId, RawFact)], topology: &mut Topology) {
    for (source, fact) in raw {
        let local = fact.component == Component::KUBELET || fact.component == Component::EVENT;
        let (Some(pod), Some(node), true) = (fact.keys.get("pod"), fact.keys.get("node"), local)
        else {
            continue;
        };
        let Some(seen) = fact.first.first() else {
            continue;
        };
        if pod.contains('/') {
            let place = Place {
                source: *source,
                offset: seen.offset,
                line: seen.line,
            };
            // The kernel knows a pod by its uid only.
            if let Some(uid) = fact.keys.get("uid") {
                topology.add(Relation {
                    from: Entity::new("pod", pod),
                    to: Entity::new("uid", uid),
                    place,
                });
            }
            topology.add(Relation {
                from: Entity::new("pod", pod),
                to: Entity::new("node", node),
                place,
            });
        }
    }
}

/// Endpoints and pods are often in two outputs: an address that both have joins the service to the pod.
pub(super) fn endpoints(states: &[(SourceId, StateLine)], topology: &mut Topology) {
    for (source, line) in states
        .iter()
        .filter(|(_, l)| l.entity.kind() == "endpoints")
    {
        let addresses = line
            .text
            .split_whitespace()
            .find_map(|w| w.strip_prefix("addresses="))
            .unwrap_or_default();
        for ip in addresses.split(',').filter(|a| !a.is_empty()) {
            let mut pods = topology.walk(&Entity::new("ip", ip), &["pod"]).into_iter();
            // Pods on the host's network share their address.
            if let (Some(pod), None) = (pods.next(), pods.next()) {
                let place = Place {
                    source: *source,
                    offset: 0,
                    line: line.line,
                };
                topology.add(Relation {
                    from: Entity::new("service", line.entity.name()),
                    to: pod,
                    place,
                });
            }
        }
    }
}

/// Services select pods by labels; each kind is often in a file of its own.
pub(super) fn selectors(
    states: &[(SourceId, StateLine)],
    pods: &[Labelled],
    topology: &mut Topology,
) {
    let mut index: BTreeMap<(&str, &str, &str), Vec<&Labelled>> = BTreeMap::new();
    for pod in pods {
        let Some((namespace, _)) = pod.0.name().split_once('/') else {
            continue;
        };
        for (k, v) in &pod.1 {
            index.entry((namespace, k, v)).or_default().push(pod);
        }
    }
    let mut made = 0usize;
    for (source, line) in states.iter().filter(|(_, l)| l.entity.kind() == "service") {
        let selector: Vec<(&str, &str)> = line
            .text
            .split_whitespace()
            .find_map(|w| w.strip_prefix("selector="))
            .unwrap_or_default()
            .split(',')
            .filter_map(|pair| pair.split_once('='))
            .collect();
        let Some((namespace, _)) = line.entity.name().split_once('/') else {
            continue;
        };
        let rarest = selector
            .iter()
            .map(|(k, v)| {
                index
                    .get(&(namespace, *k, *v))
                    .map_or(&[][..], Vec::as_slice)
            })
            .min_by_key(|pods| pods.len());
        for (pod, labels) in rarest.unwrap_or_default() {
            let all = selector
                .iter()
                .all(|(k, v)| labels.iter().any(|(a, b)| a == k && b == v));
            made = made.saturating_add(1);
            if made > MAX_SELECTED {
                return;
            }
            if all {
                topology.add(Relation {
                    from: line.entity.clone(),
                    to: pod.clone(),
                    place: Place {
                        source: *source,
                        offset: 0,
                        line: line.line,
                    },
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(selector: &str) -> StateLine {
        StateLine {
            component: Component::OBJECT,
            entity: Entity::new("service", "shop/web"),
            text: format!("service/shop/web type=ClusterIP selector={selector}"),
            quote: String::new(),
            line: 3,
            first: None,
            last: None,
            count: 1,
            host: None,
        }
    }

    #[track_caller]
    fn case(selector: &str, expected: &[&str]) {
        let pod = |name: &str, labels: &[(&str, &str)]| {
            let labels = labels
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
            (Entity::new("pod", name), labels.collect())
        };
        let pods = [
            pod("shop/web-1", &[("app", "web"), ("tier", "front")]),
            pod("shop/web-2", &[("app", "web")]),
            pod("other/web-3", &[("app", "web"), ("tier", "front")]),
        ];
        let mut topology = Topology::default();
        selectors(&[(SourceId(0), service(selector))], &pods, &mut topology);
        let found = topology.walk(&Entity::new("service", "shop/web"), &["pod"]);
        let names: Vec<&str> = found.iter().map(Entity::name).collect();
        assert_eq!(names, expected, "{selector}");
    }

    #[test]
    fn services_select_pods_of_other_files() {
        case("app=web", &["shop/web-1", "shop/web-2"]);
        case("app=web,tier=front", &["shop/web-1"]);
        case("app=api", &[]);
        case("", &[]);
    }
}
