//! Joins the services of a reading to its pods: by selector and labels, by endpoint address and pod address.

use std::collections::BTreeMap;

use super::sink::{Sink, entity, name};
use crate::model::Entity;

/// Most relations made here: a hostile file could make services times pods of them.
const MAX_LINKS: usize = 1 << 18;

#[derive(Debug)]
struct Service {
    namespace: String,
    name: String,
    selector: Vec<(String, String)>,
    at: usize,
}

#[derive(Debug)]
struct Pod {
    namespace: String,
    name: String,
    labels: Vec<(String, String)>,
}

/// What was seen of services and pods so far.
#[derive(Debug, Default)]
pub(super) struct Links {
    services: Vec<Service>,
    pods: Vec<Pod>,
    by_ip: BTreeMap<String, usize>,
    endpoints: Vec<(String, String, String, usize)>,
}

impl Links {
    /// A service with its selector.
    pub(super) fn service(
        &mut self,
        namespace: &str,
        id: &str,
        selector: Vec<(String, String)>,
        at: usize,
    ) {
        if !selector.is_empty() {
            self.services.push(Service {
                namespace: name(namespace),
                name: name(id),
                selector,
                at,
            });
        }
    }

    /// A pod with its labels and its address (empty when unknown).
    pub(super) fn pod(
        &mut self,
        namespace: &str,
        id: &str,
        labels: Vec<(String, String)>,
        ip: &str,
    ) {
        if ip.contains(['.', ':']) {
            self.by_ip.insert(ip.to_owned(), self.pods.len());
        }
        self.pods.push(Pod {
            namespace: name(namespace),
            name: name(id),
            labels,
        });
    }

    /// An address behind a service.
    pub(super) fn endpoint(&mut self, namespace: &str, service: &str, ip: &str, at: usize) {
        if self.endpoints.len() < MAX_LINKS {
            self.endpoints
                .push((name(namespace), name(service), ip.to_owned(), at));
        }
    }

    /// The pods that have labels.
    pub(super) fn labels(self) -> Vec<(Entity, Vec<(String, String)>)> {
        self.pods
            .into_iter()
            .filter(|p| !p.labels.is_empty())
            .map(|p| (entity("pod", &p.namespace, &p.name), p.labels))
            .collect()
    }

    /// Says which pods stand behind which service.
    pub(super) fn join(&self, sink: &mut Sink<'_>) {
        let mut index: BTreeMap<(&str, &str, &str), Vec<usize>> = BTreeMap::new();
        for (n, pod) in self.pods.iter().enumerate() {
            for (k, v) in &pod.labels {
                index.entry((&pod.namespace, k, v)).or_default().push(n);
            }
        }
        let mut made = 0usize;
        for service in &self.services {
            let rarest = service
                .selector
                .iter()
                .map(|(k, v)| {
                    index
                        .get(&(service.namespace.as_str(), k, v))
                        .map_or(&[][..], Vec::as_slice)
                })
                .min_by_key(|pods| pods.len())
                .unwrap_or_default();
            let from = entity("service", &service.namespace, &service.name);
            for pod in rarest.iter().filter_map(|n| self.pods.get(*n)) {
                made = made.saturating_add(1);
                if made > MAX_LINKS {
                    sink.note("too many services and pods: not all were related");
                    return;
                }
                if service
                    .selector
                    .iter()
                    .all(|want| pod.labels.contains(want))
                {
                    sink.relate(&from, &entity("pod", &pod.namespace, &pod.name), service.at);
                }
            }
        }
        for (namespace, service, ip, at) in &self.endpoints {
            if let Some(pod) = self.by_ip.get(ip).and_then(|n| self.pods.get(*n)) {
                let to = entity("pod", &pod.namespace, &pod.name);
                sink.relate(&entity("service", namespace, service), &to, *at);
            }
        }
    }
}
