//! Pods: status, containers, what they ask for, where they may run.

use std::collections::BTreeMap;

use super::{Object, meta};
use crate::model::{Component, Entity, Order};
use crate::parse::state::pods::{Container, Phase, Pod, State};
use crate::parse::state::sink::{Sink, Text, entity};
use crate::parse::state::stamp;
use crate::parse::state::tree::Node;

/// Says a pod.
pub(super) fn read(sink: &mut Sink<'_>, o: &Object<'_>) {
    let n = o.node;
    let pod = Pod {
        namespace: o.namespace.to_owned(),
        name: o.name.to_owned(),
        phase: n.text("status.phase").to_owned(),
        reason: n.text("status.reason").to_owned(),
        message: n.text("status.message").to_owned(),
        deleting: !n.text("metadata.deletionTimestamp").is_empty(),
        ready: meta::condition(o, "Ready").is_some_and(|c| c.text("status") == "True"),
        gated: meta::condition(o, "PodScheduled")
            .is_some_and(|c| c.text("reason") == "SchedulingGated"),
        init: containers(sink, o, "initContainers", "initContainerStatuses"),
        containers: containers(sink, o, "containers", "containerStatuses"),
        wanted: n.list("spec.containers").len(),
        wanted_init: n.list("spec.initContainers").len(),
        node: n.text("spec.nodeName").to_owned(),
        ip: n.text("status.podIP").to_owned(),
        at: n.spot_of(&["status.phase", "metadata.name"]),
    };
    // A manifest has no status: it says what is wanted, not what is.
    if pod.phase.is_empty() {
        wants(sink, o);
        return;
    }
    pod.say(sink);
    taken_up(sink, o);
    let labels = pairs(n, "metadata.labels");
    // Pods on the host's network share the address of their node.
    let own_ip = if n.is_true("spec.hostNetwork") {
        ""
    } else {
        &pod.ip
    };
    sink.links.pod(o.namespace, o.name, labels, own_ip);
    let account = n.text("spec.serviceAccountName");
    if !account.is_empty() {
        let to = entity("serviceaccount", o.namespace, account);
        sink.relate(&o.entity, &to, n.spot_of(&["spec.serviceAccountName"]));
    }
    let uid = n.text("metadata.uid");
    if !uid.is_empty() {
        sink.relate(
            &o.entity,
            &entity("uid", "", uid),
            n.spot_of(&["metadata.uid"]),
        );
    }
    wants(sink, o);
}

/// When the pod was bound, on the API server's clock, and when its kubelet took it up, on the machine's. A static pod is
/// older than its object.
fn taken_up(sink: &mut Sink<'_>, o: &Object<'_>) {
    let n = o.node;
    let is_static = n.entries("metadata.annotations").iter().any(|e| {
        matches!(
            e.key.as_str(),
            "kubernetes.io/config.mirror" | "kubernetes.io/config.source"
        )
    });
    let node = n.text("spec.nodeName");
    let scheduled = meta::condition(o, "PodScheduled").filter(|c| c.text("status") == "True");
    let bound = scheduled.and_then(|c| stamp::rfc3339(c.text("lastTransitionTime")));
    let taken = stamp::rfc3339(n.text("status.startTime")).zip(n.spot("status.startTime"));
    if let (Some(bound), Some((at, spot)), false, false) =
        (bound, taken, is_static, node.is_empty())
    {
        let own = sink.own(node, at, spot);
        sink.pairs.add(own, bound, Order::ServerFirst);
    }
}

/// `k`, `v` of a mapping of scalars.
pub(super) fn pairs(n: &Node, path: &str) -> Vec<(String, String)> {
    n.entries(path)
        .iter()
        .map(|e| (e.key.clone(), e.node.scalar().to_owned()))
        .collect()
}

/// The containers of one list, each with its spec and its status, in the order of the spec.
fn containers(sink: &mut Sink<'_>, o: &Object<'_>, spec: &str, status: &str) -> Vec<Container> {
    let statuses = o.node.list(&format!("status.{status}"));
    let by_name: BTreeMap<&str, &Node> = statuses.iter().map(|s| (s.text("name"), s)).collect();
    let specs = o.node.list(&format!("spec.{spec}"));
    let mut out = Vec::new();
    for wanted in specs {
        let Some(s) = by_name.get(wanted.text("name")) else {
            continue;
        };
        let mut c = container(sink, s);
        c.sidecar = wanted.text("restartPolicy") == "Always";
        // The spec names the image as the user wrote it; the status may show a digest.
        if !wanted.text("image").is_empty() {
            wanted.text("image").clone_into(&mut c.image);
        }
        out.push(c);
    }
    if specs.is_empty() {
        out.extend(statuses.iter().map(|s| container(sink, s)));
    }
    out
}

fn container(sink: &mut Sink<'_>, s: &Node) -> Container {
    Container {
        name: s.text("name").to_owned(),
        image: s.text("image").to_owned(),
        ready: s.is_true("ready"),
        started: s.is_true("started"),
        sidecar: false,
        restarts: s.number("restartCount").unwrap_or(0),
        state: state(sink, s, "state"),
        last: state(sink, s, "lastState"),
    }
}

fn state(sink: &mut Sink<'_>, status: &Node, key: &str) -> State {
    let Some(states) = status.get(key) else {
        return State::default();
    };
    let Some(entry) = states.own_entries().first() else {
        return State::default();
    };
    let n = &entry.node;
    let (phase, time) = match entry.key.as_str() {
        "waiting" => (Phase::Waiting, ""),
        "running" => (Phase::Running, "startedAt"),
        "terminated" => (Phase::Terminated, "finishedAt"),
        _ => return State::default(),
    };
    let since = n.spot(time).and_then(|at| sink.api_time(n.text(time), at));
    State {
        phase,
        reason: n.text("reason").to_owned(),
        message: n.text("message").to_owned(),
        exit: n.text("exitCode").parse().ok(),
        signal: n.text("signal").parse().ok(),
        since,
        at: n.spot("reason").unwrap_or(entry.at),
    }
}

/// Says what a pod asks for and where it may run.
fn wants(sink: &mut Sink<'_>, o: &Object<'_>) {
    let mut sums: BTreeMap<&str, Sum> = BTreeMap::new();
    let mut at = None;
    for c in o.node.list("spec.containers") {
        for e in c.entries("resources.requests") {
            sums.entry(&e.key).or_default().add(e.node.scalar());
            at = at.or(c.spot("resources.requests"));
        }
    }
    if let Some(at) = at {
        let parts: Vec<(String, String)> = sums
            .iter()
            .map(|(k, sum)| ((*k).to_owned(), sum.show(k)))
            .collect();
        requests(sink, &o.entity, at, &parts);
    }
    for e in o.node.entries("spec.nodeSelector") {
        node_selector(sink, &o.entity, e.at, &e.key, e.node.scalar());
    }
}

/// Says the requests of a pod: cpu and memory first, the others in order.
pub(in crate::parse::state) fn requests(
    sink: &mut Sink<'_>,
    of: &Entity,
    at: usize,
    parts: &[(String, String)],
) {
    let get = |key: &str| {
        parts
            .iter()
            .find(|(k, _)| k == key)
            .map_or("", |(_, v)| v.as_str())
    };
    let mut text = Text::of(of)
        .words("requests")
        .field("cpu", get("cpu"))
        .field("memory", get("memory"));
    for (k, v) in parts {
        if k != "cpu" && k != "memory" {
            text = text.field(k, v);
        }
    }
    sink.say(Component::OBJECT, of, at, text);
}

/// Says one term of a pod's node selector.
pub(in crate::parse::state) fn node_selector(
    sink: &mut Sink<'_>,
    of: &Entity,
    at: usize,
    key: &str,
    value: &str,
) {
    let text = Text::of(of)
        .words("nodeSelector")
        .words(&format!("{key}={value}"));
    sink.say(Component::OBJECT, of, at, text);
}

/// The sum of some quantities; a single one stays as it was written.
#[derive(Default)]
pub(in crate::parse::state) struct Sum {
    one: Option<String>,
    parts: usize,
    thousandths: Option<i128>,
}

impl Sum {
    /// Adds a quantity (`500m`, `1Gi`, `2`).
    pub(in crate::parse::state) fn add(&mut self, text: &str) {
        self.parts = self.parts.saturating_add(1);
        self.one.get_or_insert_with(|| text.to_owned());
        let value = quantity(text);
        self.thousandths = match (self.thousandths, value) {
            (Some(sum), Some(v)) => sum.checked_add(v),
            (None, v) if self.parts == 1 => v,
            _ => None,
        };
    }

    /// The sum as Kubernetes would write it.
    pub(in crate::parse::state) fn show(&self, key: &str) -> String {
        if self.parts <= 1 {
            return self.one.clone().unwrap_or_default();
        }
        let Some(sum) = self.thousandths else {
            return self.one.clone().unwrap_or_default();
        };
        if key == "cpu" && sum % 1000 != 0 {
            return format!("{sum}m");
        }
        let whole = sum / 1000;
        if key != "cpu" {
            for (unit, size) in [("Gi", 1i128 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)] {
                if whole != 0 && whole % size == 0 {
                    return format!("{}{unit}", whole / size);
                }
            }
        }
        whole.to_string()
    }
}

/// A Kubernetes quantity in thousandths.
fn quantity(text: &str) -> Option<i128> {
    let digits = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let factor: i128 = match unit {
        "m" => 1,
        "" => 1000,
        "k" => 1_000_000,
        "M" => 1_000_000_000,
        "G" => 1_000_000_000_000,
        "T" => 1_000_000_000_000_000,
        "Ki" => 1000 << 10,
        "Mi" => 1000 << 20,
        "Gi" => 1000 << 30,
        "Ti" => 1000 << 40,
        _ => return None,
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let mut value = whole.parse::<i128>().ok()?.checked_mul(factor)?;
    if !part.is_empty() && part.len() <= 9 {
        let scale = 10i128.checked_pow(u32::try_from(part.len()).ok()?)?;
        value = value.checked_add(part.parse::<i128>().ok()?.checked_mul(factor)? / scale)?;
    }
    Some(value)
}
