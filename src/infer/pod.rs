//! Pods that stay in a state, and pods that ask for more than any node has.

use std::collections::BTreeMap;

use super::Task;
use super::support::{quote, value};
use crate::base::time::{MINUTE, Stamp};
use crate::base::units::human_duration;
use crate::model::{Component, Fact, Keys, Quote};

/// The state of a pod over the outputs that show it.
struct Held<'a> {
    status: &'a str,
    node: Option<String>,
    since: Option<Stamp>,
    collected: Option<Stamp>,
    quote: Quote,
}

/// Pods whose status is one of `[infer] status` as of the collection, and that are old enough.
pub(super) fn infer(task: &Task<'_>) -> Vec<Fact> {
    let wanted = task.list("status");
    let mut pods: BTreeMap<String, Held<'_>> = BTreeMap::new();
    for (id, line) in task.objects("pod") {
        let Some(status) = value(line, "status") else {
            continue;
        };
        let collected = task.collected(id);
        let held = Held {
            status,
            node: value(line, "node")
                .filter(|n| !n.starts_with('<'))
                .map(str::to_owned),
            since: line.first.and_then(|t| task.world.stamp(id, t)),
            collected,
            quote: quote(task.world, id, line),
        };
        let name = line.entity.name().to_owned();
        match pods.get(&name) {
            Some(old) if old.collected.map(|s| s.at) >= collected.map(|s| s.at) => {}
            _ => {
                pods.insert(name, held);
            }
        }
    }
    // A pod in a state for less than this is on its way.
    let usual = task.time("usual").unwrap_or(2 * MINUTE);
    let mut facts = Vec::new();
    for (name, held) in pods {
        if !wanted.contains(&held.status) {
            continue;
        }
        let age = match (held.since, held.collected) {
            (Some(since), Some(collected)) => Some(collected.at.since(since.at)),
            _ => None,
        };
        if age.is_some_and(|a| a < usual) {
            continue;
        }
        let mut keys = Keys::from([
            (String::from("pod"), name.clone()),
            (String::from("status"), held.status.to_owned()),
        ]);
        if let Some((namespace, short)) = name.split_once('/') {
            keys.insert(String::from("namespace"), namespace.to_owned());
            keys.insert(String::from("name"), short.to_owned());
        }
        if let Some(age) = age {
            keys.insert(String::from("age"), human_duration(age));
        }
        if let Some(node) = held.node {
            keys.insert(String::from("node"), node);
        }
        let entity_keys = keys.clone();
        let Some(mut fact) = pod_fact(task, "pod-state", entity_keys, held.quote) else {
            continue;
        };
        fact.span.first = held.since;
        fact.span.last = held.collected;
        facts.push(fact);
    }
    facts
}

/// Templates name a pod by `{namespace}/{pod}`; the key `pod` of a state line holds both.
fn pod_fact(task: &Task<'_>, by: &str, mut keys: Keys, quote: Quote) -> Option<Fact> {
    if let Some(short) = keys.get("name").cloned() {
        keys.insert(String::from("pod"), short);
    }
    task.fact(by, keys, Component::OBJECT, vec![quote], Vec::new())
}

/// Pods that request more of a resource than any node has.
pub(super) fn capacity(task: &Task<'_>) -> Vec<Fact> {
    let resource = task.word("resource").unwrap_or("cpu");
    let largest = task
        .world
        .states
        .iter()
        .filter(|(_, l)| l.entity.kind() == "node" && l.text.contains(" capacity "))
        .filter_map(|(_, l)| value(l, resource).and_then(quantity))
        .fold(None, |m: Option<f64>, v| Some(m.map_or(v, |m| m.max(v))));
    let Some(largest) = largest else {
        return Vec::new();
    };
    let mut facts: Vec<Fact> = Vec::new();
    for (id, line) in task
        .world
        .states
        .iter()
        .filter(|(_, l)| l.entity.kind() == "pod" && l.text.contains(" requests "))
    {
        let Some(text) = value(line, resource) else {
            continue;
        };
        if quantity(text).is_none_or(|v| v <= largest) {
            continue;
        }
        let mut keys = Keys::from([
            (String::from("pod"), line.entity.name().to_owned()),
            (String::from("requested"), text.to_owned()),
            (String::from("largest"), format!("{largest}")),
            (String::from("resource"), resource.to_owned()),
        ]);
        if let Some((namespace, short)) = line.entity.name().split_once('/') {
            keys.insert(String::from("namespace"), namespace.to_owned());
            keys.insert(String::from("name"), short.to_owned());
        }
        let q = quote(task.world, *id, line);
        let last = q.time;
        let Some(mut fact) = pod_fact(task, "capacity", keys, q) else {
            continue;
        };
        fact.span.last = last;
        if !facts.iter().any(|f| f.entity == fact.entity) {
            facts.push(fact);
        }
    }
    facts
}

/// A Kubernetes quantity: `8`, `500m`, `4028Mi`, `1G`.
fn quantity(text: &str) -> Option<f64> {
    const SUFFIXES: [(&str, f64); 12] = [
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("Pi", 1_125_899_906_842_624.0),
        ("m", 0.001),
        ("k", 1e3),
        ("K", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("P", 1e15),
    ];
    let (number, scale) = SUFFIXES
        .iter()
        .find_map(|(s, scale)| text.strip_suffix(s).map(|n| (n, *scale)))
        .unwrap_or((text, 1.0));
    number.parse::<f64>().ok().map(|n| n * scale)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{facts_of, shown};
    use super::quantity;

    fn pods(status: &str, age: &str) -> String {
        format!(
            "NAMESPACE   NAME    READY   STATUS              RESTARTS   AGE   IP       NODE\nshop        web-1   0/1     {status:<19} 0          {age:<5} <none>   n1\n"
        )
    }

    #[test]
    fn the_newest_output_decides_what_state_a_pod_is_in() {
        let stuck = pods("ContainerCreating", "12m");
        let case = |files: &[(&str, &str)], expected: &[&str]| {
            let facts = facts_of(files, "runtime/stuck-creating");
            assert_eq!(shown(&facts, &["status", "node"]), expected, "{files:?}");
        };
        case(
            &[("kubectl/get-pods-A.txt", &stuck)],
            &["pod/shop/web-1 status=ContainerCreating node=n1"],
        );
        case(&[("kubectl/get-pods-A.txt", &pods("Running", "12m"))], &[]);
    }

    #[test]
    fn requests_larger_than_every_node() {
        let node = |cpu: &str| {
            format!(
                "apiVersion: v1\nkind: Node\nmetadata:\n  name: n1\nstatus:\n  allocatable: {{cpu: \"{cpu}\", memory: 6Gi, pods: \"64\"}}\n  capacity: {{cpu: \"{cpu}\", memory: 6Gi, pods: \"64\"}}\n"
            )
        };
        let pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: big\n  namespace: shop\nspec:\n  containers:\n  - name: app\n    image: registry.example.com/big:1\n    resources:\n      requests:\n        cpu: 6500m\n        memory: 1Gi\n";
        let case = |node: Option<&str>, expected: &[&str]| {
            let mut files = vec![("pod.yaml", pod)];
            files.extend(node.map(|n| ("node.yaml", n)));
            let facts = facts_of(&files, "scheduling/request-exceeds-node");
            assert_eq!(shown(&facts, &["largest"]), expected, "{node:?}");
        };
        case(Some(&node("4")), &["pod/shop/big largest=4"]);
        case(Some(&node("8")), &[]);
        // The nodes are not in the bundle.
        case(None, &[]);
    }

    #[test]
    fn quantities() {
        assert_eq!(quantity("8"), Some(8.0));
        assert_eq!(quantity("500m"), Some(0.5));
        assert_eq!(quantity("1Ki"), Some(1024.0));
        assert_eq!(quantity("x"), None);
    }
}
