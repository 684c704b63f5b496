//! A described pod.

use std::collections::BTreeMap;

use super::{Described, Section, pair, time};
use crate::parse::state::kinds;
use crate::parse::state::objects::{Sum, node_selector, requests};
use crate::parse::state::pods::{Container, Phase, Pod, State};
use crate::parse::state::sink::{Line, Sink, entity, is_blank};

/// Says a pod.
pub(super) fn read(sink: &mut Sink<'_>, d: &Described<'_, '_>) {
    let status = d.value("Status");
    let deleting = status.starts_with("Terminating");
    let node = match d.value("Node") {
        text if is_blank(text) => "",
        text => text.split('/').next().unwrap_or_default(),
    };
    let ready = d
        .section("Conditions")
        .and_then(Section::table)
        .is_some_and(|(_, rows)| {
            rows.iter()
                .any(|(_, c)| c.first() == Some(&"Ready") && c.get(1) == Some(&"True"))
        });
    let ip = Some(d.value("IP"))
        .filter(|ip| !is_blank(ip))
        .unwrap_or_default();
    let pod = Pod {
        namespace: d.namespace.to_owned(),
        name: d.name.to_owned(),
        phase: if deleting {
            "Running".into()
        } else {
            status.to_owned()
        },
        reason: d.value("Reason").to_owned(),
        message: d.value("Message").to_owned(),
        deleting,
        ready,
        init: containers(sink, d.section("Init Containers")),
        containers: containers(sink, d.section("Containers")),
        node: node.to_owned(),
        ip: ip.to_owned(),
        at: d.section("Status").map_or(d.at, |s| s.at),
        ..Pod::default()
    };
    pod.say(sink);
    let labels = d.section("Labels").map(Section::values).unwrap_or_default();
    let labels = labels
        .into_iter()
        .filter_map(|(_, l)| l.split_once('='))
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .collect();
    sink.links.pod(d.namespace, d.name, labels, ip);
    wants(sink, d);
    if let Some(s) = d.section("Controlled By")
        && let Some((kind, name)) = s.value.split_once('/')
    {
        let kind = kinds::plain(kind);
        if kind != "node" {
            sink.relate(&d.entity, &entity(&kind, d.namespace, name), s.at);
        }
    }
}

/// Columns of a container's name, of its fields and of what stands below these.
const NAME: usize = 2;
const FIELD: usize = 4;

fn containers(sink: &mut Sink<'_>, section: Option<&Section<'_, '_>>) -> Vec<Container> {
    let mut out: Vec<Container> = Vec::new();
    let mut field = "";
    for line in section.map(|s| s.lines).unwrap_or_default() {
        let Some((indent, key, value)) = pair(&line.text) else {
            continue;
        };
        if indent == NAME {
            out.push(Container {
                name: key.to_owned(),
                state: State {
                    at: line.at,
                    ..State::default()
                },
                ..Container::default()
            });
            field = "";
            continue;
        }
        let Some(c) = out.last_mut() else { continue };
        if indent == FIELD {
            field = key;
            match key {
                "Image" => value.clone_into(&mut c.image),
                "Ready" => c.ready = value == "True",
                "Restart Count" => c.restarts = value.parse().unwrap_or(0),
                "State" => c.state = state(value, line.at),
                "Last State" => c.last = state(value, line.at),
                _ => {}
            }
        } else if indent > FIELD {
            match field {
                "State" => detail(sink, &mut c.state, key, value, line),
                "Last State" => detail(sink, &mut c.last, key, value, line),
                _ => {}
            }
        }
    }
    out
}

fn state(word: &str, at: usize) -> State {
    State {
        phase: match word {
            "Waiting" => Phase::Waiting,
            "Running" => Phase::Running,
            "Terminated" => Phase::Terminated,
            _ => Phase::Unknown,
        },
        at,
        ..State::default()
    }
}

fn detail(sink: &mut Sink<'_>, s: &mut State, key: &str, value: &str, line: &Line<'_>) {
    match key {
        "Reason" => {
            value.clone_into(&mut s.reason);
            s.at = line.at;
        }
        "Message" => value.clone_into(&mut s.message),
        "Exit Code" => s.exit = value.parse().ok(),
        "Signal" => s.signal = value.parse().ok(),
        "Started" => {
            let started = time(sink, value, line.at);
            if s.phase == Phase::Running {
                s.since = started;
            }
        }
        "Finished" => s.since = time(sink, value, line.at),
        _ => {}
    }
}

/// Says what the pod asks for and where it may run.
fn wants(sink: &mut Sink<'_>, d: &Described<'_, '_>) {
    let mut sums: BTreeMap<String, Sum> = BTreeMap::new();
    let mut at = None;
    let mut within = false;
    for line in d.section("Containers").map(|s| s.lines).unwrap_or_default() {
        let Some((indent, key, value)) = pair(&line.text) else {
            continue;
        };
        if indent <= FIELD {
            within = indent == FIELD && key == "Requests";
        } else if within {
            sums.entry(key.to_owned()).or_default().add(value);
            at = at.or(Some(line.at));
        }
    }
    if let Some(at) = at {
        let parts: Vec<(String, String)> = sums
            .iter()
            .map(|(k, sum)| (k.clone(), sum.show(k)))
            .collect();
        requests(sink, &d.entity, at, &parts);
    }
    if let Some(s) = d.section("Node-Selectors") {
        for (at, text) in s.values() {
            if let Some((key, value)) = text.split_once('=') {
                node_selector(sink, &d.entity, at, key, value);
            }
        }
    }
}
