//! The namespace of what was printed without one.
//!
//! `kubectl get events` prints the objects of one namespace and does not say which: that of the person's context, taken
//! for `default` at first. Where other files know the same names, all in one other namespace, it is that one:
//! all rows of one context are of one namespace.

use std::collections::{BTreeMap, BTreeSet};

use super::observe::{Observation, note};
use crate::model::Entity;

/// What stands for a namespace that was not said.
const DEFAULT: &str = "default";
/// The API server's own service, which only that namespace has.
const OF_DEFAULT: &str = "kubernetes";

/// Kind and name of an object.
type Object = (String, String);

/// Gives rows without a namespace the one in which other files know their objects.
pub(super) fn settle(observations: &mut [Observation]) {
    let wanted: BTreeSet<Object> = observations.iter().flat_map(assumed).collect();
    if wanted.is_empty() {
        return;
    }
    let mut known: BTreeMap<Object, BTreeSet<String>> = BTreeMap::new();
    for kind in ["service", "endpoints"] {
        let own = (kind.to_owned(), String::from(OF_DEFAULT));
        known.entry(own).or_default().insert(DEFAULT.to_owned());
    }
    for o in observations.iter() {
        let facts = o
            .facts
            .iter()
            .filter(|f| !f.first.iter().any(|s| o.assumed.contains(&s.line)));
        let facts = facts.map(|f| Entity::parse(&f.entity));
        let states = o.states.iter().filter(|l| !o.assumed.contains(&l.line));
        for entity in facts.chain(states.map(|l| l.entity.clone())) {
            if let Some((namespace, object)) = parted(&entity)
                && wanted.contains(&object)
            {
                known.entry(object).or_default().insert(namespace);
            }
        }
    }
    for o in observations {
        let told: BTreeSet<&String> = assumed(o)
            .filter_map(|object| known.get(&object))
            .flatten()
            .collect();
        let [only] = told.into_iter().collect::<Vec<_>>()[..] else {
            continue;
        };
        if only != DEFAULT {
            move_to(o, &only.clone());
        }
    }
}

/// The objects of a source whose namespace was not said.
fn assumed(o: &Observation) -> impl Iterator<Item = Object> {
    let facts = o
        .facts
        .iter()
        .filter(|f| f.first.iter().any(|s| o.assumed.contains(&s.line)));
    let facts = facts.map(|f| Entity::parse(&f.entity));
    let states = o.states.iter().filter(|l| o.assumed.contains(&l.line));
    facts
        .chain(states.map(|l| l.entity.clone()))
        .filter_map(|e| parted(&e))
        .filter(|(namespace, _)| namespace == DEFAULT)
        .map(|(_, object)| object)
}

/// Namespace and object of `kind/namespace/name`.
fn parted(entity: &Entity) -> Option<(String, Object)> {
    let (namespace, name) = entity.name().split_once('/')?;
    Some((
        namespace.to_owned(),
        (entity.kind().to_owned(), name.to_owned()),
    ))
}

fn move_to(o: &mut Observation, namespace: &str) {
    let within = |text: &str| text.replace("/default/", &format!("/{namespace}/"));
    for fact in &mut o.facts {
        if !fact.first.iter().any(|s| o.assumed.contains(&s.line)) {
            continue;
        }
        fact.entity = within(&fact.entity);
        for (key, value) in &mut fact.keys {
            if key == "namespace" && value == DEFAULT {
                namespace.clone_into(value);
            } else if let Some(name) = value.strip_prefix("default/") {
                *value = format!("{namespace}/{name}");
            }
        }
    }
    for line in o.states.iter_mut().filter(|l| o.assumed.contains(&l.line)) {
        line.entity = Entity::parse(&within(line.entity.as_str()));
        line.text = within(&line.text);
    }
    for (from, to, line) in &mut o.relations {
        if o.assumed.contains(line) {
            *from = Entity::parse(&within(from.as_str()));
            *to = Entity::parse(&within(to.as_str()));
        }
    }
    let source = &mut o.source;
    note(
        source,
        &format!(
            "rows without a namespace are taken for those of {namespace}, where other files have the same objects"
        ),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;
    use crate::extract::observe;
    use crate::input::Found;

    const EVENTS: &str = "\
LAST SEEN   TYPE      REASON             OBJECT           MESSAGE
5m          Warning   FailedScheduling   pod/postgres-0   0/3 nodes are available: 3 Insufficient memory.
5m          Warning   BackOff            pod/api-7        Back-off restarting failed container
";

    /// The pods of the first file, as they are told beside the others.
    fn pods(files: &[(&str, &str)]) -> Vec<String> {
        let catalog = Catalog::builtin().unwrap();
        let mut observations: Vec<Observation> = files
            .iter()
            .map(|(path, text)| {
                let found = Found::named((*path).to_owned());
                observe(&catalog, &found, &mut text.as_bytes())
            })
            .collect();
        settle(&mut observations);
        let of_pods = observations[0]
            .facts
            .iter()
            .filter(|f| f.entity.starts_with("pod/"));
        let names: BTreeSet<String> = of_pods
            .inspect(|f| assert_eq!(f.keys["pod"], f.entity["pod/".len()..]))
            .map(|f| f.entity.clone())
            .collect();
        names.into_iter().collect()
    }

    fn described(namespace: &str) -> String {
        format!("Name:         postgres-0\nNamespace:    {namespace}\nStatus:       Pending\nIP:\n")
    }

    #[test]
    fn a_list_is_of_the_namespace_in_which_others_know_its_objects() {
        let events = ("events.txt", EVENTS);
        assert_eq!(
            pods(&[events]),
            ["pod/default/api-7", "pod/default/postgres-0"]
        );
        let data = described("data");
        assert_eq!(
            pods(&[events, ("describe-pod.txt", &data)]),
            ["pod/data/api-7", "pod/data/postgres-0"]
        );
        // Two namespaces have it: nothing is said.
        let test = described("test");
        assert_eq!(
            pods(&[
                events,
                ("a/describe-pod.txt", &data),
                ("b/describe-pod.txt", &test)
            ]),
            ["pod/default/api-7", "pod/default/postgres-0"]
        );
    }

    #[test]
    fn beside_the_api_servers_own_service_all_is_of_default() {
        let services = "NAME         TYPE        CLUSTER-IP   EXTERNAL-IP   PORT(S)   AGE\nkubernetes   ClusterIP   10.96.0.1    <none>        443/TCP   90d\nweb          ClusterIP   10.96.7.7    <none>        80/TCP    90d\n";
        let shop = "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n  namespace: shop\nspec:\n  clusterIP: 10.96.8.8\n";
        let lists = |text: &str| {
            let read = |path: &str, text: &str| {
                observe(
                    &Catalog::builtin().unwrap(),
                    &Found::named(path),
                    &mut text.as_bytes(),
                )
            };
            let mut all = [read("svc.txt", text), read("web.yaml", shop)];
            settle(&mut all);
            let [list, _] = all;
            list.states
                .iter()
                .any(|l| l.entity.as_str() == "service/default/web")
        };
        assert!(lists(services));
        assert!(!lists(&services.replace("kubernetes", "other     ")));
    }

    #[test]
    fn a_namespace_that_is_said_stays() {
        let text = EVENTS
            .replace("LAST SEEN", "NAMESPACE   LAST SEEN")
            .replace("\n5m ", "\ndefault     5m ");
        let data = described("data");
        assert_eq!(
            pods(&[("events.txt", &text), ("describe-pod.txt", &data)]),
            ["pod/default/api-7", "pod/default/postgres-0"]
        );
    }
}
