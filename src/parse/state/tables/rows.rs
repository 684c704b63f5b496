//! Rows of a table as statements: fixed forms for the known kinds, `<column>=<cell>` for all others.

use crate::model::Component;
use crate::parse::state::kinds;
use crate::parse::state::pods;
use crate::parse::state::say::{self, ApiService, NodeState, Replicas};
use crate::parse::state::sink::{Sink, Text, When, entity, is_blank};
use crate::parse::state::stamp;

/// One row.
pub(in crate::parse::state) struct Row<'r> {
    /// Names of the columns, upper case.
    pub(in crate::parse::state) columns: &'r [String],
    /// Their cells.
    pub(in crate::parse::state) cells: &'r [&'r str],
    /// Where the row begins.
    pub(in crate::parse::state) at: usize,
    /// Kind of the table.
    pub(in crate::parse::state) kind: &'r str,
    /// The namespace, where only the path or the command tells it.
    pub(in crate::parse::state) namespace: Option<&'r str>,
}

impl Row<'_> {
    /// The cell of a column, empty when there is none or it says nothing.
    pub(super) fn get(&self, column: &str) -> &str {
        let cell = self
            .columns
            .iter()
            .position(|c| c == column)
            .and_then(|n| self.cells.get(n))
            .map_or("", |c| c.trim());
        if is_blank(cell) { "" } else { cell }
    }

    fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|c| c == column)
    }

    /// The namespace of a row: its column, else what the path says, else `default` for kinds that have one.
    pub(super) fn namespace_for(&self, kind: &str) -> &str {
        match kinds::is_namespaced(kind) {
            Some(false) => "",
            known => match self.get("NAMESPACE") {
                "" => self.namespace.unwrap_or(match known {
                    Some(true) => "default",
                    _ => "",
                }),
                namespace => namespace,
            },
        }
    }
}

impl Row<'_> {
    /// Whether the namespace of an object of this kind is nowhere said.
    fn is_assumed(&self, kind: &str) -> bool {
        kinds::is_namespaced(kind) == Some(true)
            && self.get("NAMESPACE").is_empty()
            && self.namespace.is_none()
    }
}

/// Says a row.
pub(in crate::parse::state) fn say(sink: &mut Sink<'_>, row: &Row<'_>) {
    match row.kind {
        "container" => return container(sink, row),
        "sandbox" => return sandbox(sink, row),
        "event" => return super::events::say(sink, row),
        _ => {}
    }
    // `kubectl get all` and `get a,b` print `kind.group/name`.
    let (kind, id) = match row.get("NAME").split_once('/') {
        Some((kind, id)) => (kinds::plain(kind), id),
        None => (row.kind.to_owned(), row.get("NAME")),
    };
    if id.is_empty() {
        return;
    }
    let namespace = row.namespace_for(&kind);
    if row.is_assumed(&kind) {
        sink.assume(row.at);
    }
    let of = entity(&kind, namespace, id);
    let top = row.has("CPU(CORES)");
    match kind.as_str() {
        _ if top => generic(sink, row, &of),
        "pod" if row.has("STATUS") => {
            let (node, ip) = (row.get("NODE"), row.get("IP"));
            // `3 (5m ago)` in newer versions.
            let restarts = row.get("RESTARTS").split(' ').next().unwrap_or_default();
            let text =
                pods::status_text(&of, row.get("STATUS"), row.get("READY"), restarts, node, ip);
            sink.say(Component::OBJECT, &of, row.at, text);
            pods::relate(sink, &of, node, ip, row.at);
            sink.links.pod(namespace, id, labels(row), ip);
        }
        "node" if row.has("STATUS") => {
            let state = NodeState {
                status: row.get("STATUS"),
                version: row.get("VERSION"),
                runtime: row.get("CONTAINER-RUNTIME"),
                address: row.get("INTERNAL-IP"),
            };
            say::node(sink, &of, row.at, &state, None);
            for (label, zone) in labels(row) {
                say::related_zone(sink, &of, &label, &zone, row.at);
            }
        }
        "apiservice" if row.has("AVAILABLE") => apiservice(sink, row, &of),
        "service" if row.has("CLUSTER-IP") => {
            let state = say::Service {
                kind: row.get("TYPE"),
                cluster_ip: row.get("CLUSTER-IP"),
                ports: row.get("PORT(S)"),
                selector: row.get("SELECTOR"),
            };
            say::service(sink, &of, row.at, &state);
            let age = row.get("AGE");
            say::made(sink, &of, row.at, age, stamp::age(age));
            let selector = split_pairs(row.get("SELECTOR"));
            sink.links.service(namespace, id, selector, row.at);
        }
        "endpoints" if row.has("ENDPOINTS") => endpoints(sink, row, namespace, id),
        "deployment" | "replicaset" | "statefulset" | "daemonset" | "replicationcontroller" => {
            replicas(sink, row, &of);
        }
        // A namespace cannot have been in Terminating for longer than it exists.
        "namespace" if row.has("STATUS") => {
            let text = Text::of(&of).field("status", row.get("STATUS"));
            let made = When::since(stamp::age(row.get("AGE")));
            sink.say_when(Component::OBJECT, &of, row.at, text, made);
        }
        "lease" => say::lease(sink, namespace, id, row.at, row.get("HOLDER"), ""),
        _ => generic(sink, row, &of),
    }
}

fn split_pairs(text: &str) -> Vec<(String, String)> {
    text.split(',')
        .filter_map(|p| p.split_once('='))
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .collect()
}

fn labels(row: &Row<'_>) -> Vec<(String, String)> {
    split_pairs(row.get("LABELS"))
}

fn apiservice(sink: &mut Sink<'_>, row: &Row<'_>, of: &crate::model::Entity) {
    let cell = row.get("AVAILABLE");
    let (available, reason) = cell.split_once(" (").unwrap_or((cell, ""));
    let service = row.get("SERVICE");
    let state = ApiService {
        available,
        reason: reason.trim_end_matches(')'),
        service: if service == "Local" { "" } else { service },
        message: "",
    };
    say::apiservice(sink, of, row.at, &state, None);
}

/// `10.20.0.10:6443,10.20.0.11:6443 + 1 more...`: addresses are counted once, whatever their ports.
fn endpoints(sink: &mut Sink<'_>, row: &Row<'_>, namespace: &str, id: &str) {
    let of = entity("endpoints", namespace, id);
    let cell = row.get("ENDPOINTS");
    let mut addresses: Vec<&str> = Vec::new();
    for part in cell.split(',') {
        let part = part.split(' ').next().unwrap_or_default();
        let ip = match part.rsplit_once(':') {
            Some((ip, _)) => ip.trim_matches(['[', ']']),
            None => part,
        };
        if !ip.is_empty() && !addresses.contains(&ip) {
            addresses.push(ip);
            sink.links.endpoint(namespace, id, ip, row.at);
        }
    }
    let list = addresses.join(",");
    say::endpoints(sink, &of, row.at, addresses.len(), None, &list);
}

fn replicas(sink: &mut Sink<'_>, row: &Row<'_>, of: &crate::model::Entity) {
    let ready = row.get("READY");
    let (ready, desired) = ready.split_once('/').unwrap_or((ready, row.get("DESIRED")));
    let replicas = Replicas {
        desired,
        ready,
        available: row.get("AVAILABLE"),
    };
    say::replicas(sink, of, row.at, &replicas);
}

/// `<kind>/<id> <column>=<cell> …`. The age is left out: it is no state, and differs between any two outputs.
fn generic(sink: &mut Sink<'_>, row: &Row<'_>, of: &crate::model::Entity) {
    let mut text = Text::of(of);
    for (column, cell) in row.columns.iter().zip(row.cells) {
        if !matches!(column.as_str(), "NAME" | "NAMESPACE" | "AGE") {
            text = text.field(&column.to_ascii_lowercase().replace(' ', "-"), cell);
        }
    }
    sink.say(Component::OBJECT, of, row.at, text);
}

/// `docker ps -a` and `crictl ps -a`.
fn container(sink: &mut Sink<'_>, row: &Row<'_>) {
    let first = |a: &str, b: &str| match row.get(a) {
        "" => row.get(b).to_owned(),
        text => text.to_owned(),
    };
    let id = first("CONTAINER ID", "CONTAINER");
    let name = first("NAMES", "NAME");
    let of = entity("container", "", if name.is_empty() { &id } else { &name });
    let text = Text::of(&of)
        .field("state", &first("STATUS", "STATE"))
        .field("id", &id)
        .field("image", row.get("IMAGE"))
        .field("created", row.get("CREATED"))
        .field("attempt", row.get("ATTEMPT"))
        .field("pod", row.get("POD"));
    sink.say(Component::HOST, &of, row.at, text);
}

/// `crictl pods`.
fn sandbox(sink: &mut Sink<'_>, row: &Row<'_>) {
    let of = entity("sandbox", "", row.get("POD ID"));
    let pod = entity("pod", row.get("NAMESPACE"), row.get("NAME"));
    let text = Text::of(&of)
        .field("state", row.get("STATE"))
        .field("pod", pod.name())
        .field("created", row.get("CREATED"))
        .field("attempt", row.get("ATTEMPT"));
    sink.say(Component::HOST, &of, row.at, text);
    sink.relate(&of, &pod, row.at);
}
