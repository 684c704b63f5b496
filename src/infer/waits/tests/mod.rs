//! The analysis as a whole, on dumps of real programs.

mod chains;
mod locks;
mod pairs;
mod partners;

use std::fmt::Write as _;

use super::*;
use crate::extract::read_dumps;
use crate::model::waits::{Chain, WaitFact};
use crate::model::{Component, Entity, Place, Quote, SourceId, StateLine};
use proptest::prelude::*;

const DOCKERD: &str = include_str!(
    "../../../../fixtures/goroutines/incident-05/goroutine-stacks-2018-11-19T223602+0800.log"
);
const CONTAINERD: &str =
    include_str!("../../../../fixtures/goroutines/incident-05/containerd.journal");
const KUBELET: &str = include_str!("../../../../fixtures/goroutines/incident-06/kubelet.journal");
const TERWAY: &str = include_str!("../../../../fixtures/goroutines/incident-06/terway.txt");
const TERWAYD: &str = include_str!("../../../../fixtures/goroutines/incident-06/terwayd.txt");

fn dumps(texts: &[&str]) -> Vec<Dump> {
    let mut out = Vec::new();
    for (i, text) in (0_u32..).zip(texts) {
        let start = Place {
            source: SourceId(i),
            offset: 0,
            line: 1,
        };
        for mut d in read_dumps(text.as_bytes(), start) {
            d.node = Some(String::from("node1"));
            out.push(d);
        }
    }
    out
}

fn host(rows: &[&str]) -> Host {
    let quote = |text: &str, line: u64| Quote {
        place: Place {
            source: SourceId(99),
            offset: 0,
            line,
        },
        text: text.to_owned(),
        time: None,
    };
    Host {
        processes: (1_u64..)
            .zip(rows)
            .filter_map(|(n, r)| ProcessRow::parse(r, quote(r, n), Some("node1")))
            .collect(),
        ..Host::default()
    }
}

/// What a chain asks for.
fn asked(chain: &Chain) -> &str {
    chain.ask.as_ref().map_or("", |ask| &ask.command)
}

/// The thread that a state line of the kernel's stacks shows.
pub(super) fn kernel_stack(text: &str, place: Place, node: &str) -> TaskStack {
    let line = StateLine {
        component: Component::KERNEL_STACK,
        entity: Entity::new("process", "1"),
        text: text.to_owned(),
        quote: text.to_owned(),
        line: 1,
        first: None,
        last: None,
        count: 1,
        host: None,
    };
    TaskStack::from_state(&line, place, Some(node)).unwrap()
}

/// The same, of the node of these tests.
fn in_kernel(text: &str) -> TaskStack {
    let place = Place {
        source: SourceId(98),
        offset: 0,
        line: 1,
    };
    kernel_stack(text, place, "node1")
}

fn kinds(report: &WaitReport) -> Vec<&'static str> {
    facts(report).iter().map(|f| f.kind).collect()
}

/// The texts of the chain with most links.
fn longest(report: &WaitReport) -> Vec<&str> {
    report
        .chains
        .iter()
        .max_by_key(|c| c.steps.len())
        .map(|c| c.steps.iter().map(|s| s.text.as_str()).collect())
        .unwrap_or_default()
}

#[track_caller]
fn says(report: &WaitReport, links: &[&[&str]]) {
    let chain = longest(report);
    assert_eq!(chain.len(), links.len(), "{chain:#?}");
    for (step, words) in chain.iter().zip(links) {
        for word in *words {
            assert!(
                step.contains(word),
                "{word:?} is not in {step:?}\n{chain:#?}"
            );
        }
    }
}

const PS_05: [&str; 4] = [
    "pid=1301 ppid=1 stat=Ssl elapsed=90210m comm=dockerd cmd=/usr/bin/dockerd",
    "pid=1542 ppid=1301 stat=Ssl elapsed=90210m comm=docker-containerd cmd=docker-containerd --config /var/run/docker/containerd/containerd.toml",
    "pid=21102 ppid=1542 stat=Sl elapsed=9000m comm=docker-containerd-shim cmd=docker-containerd-shim -namespace moby",
    "pid=21193 ppid=21102 stat=Sl elapsed=113m comm=docker-runc cmd=docker-runc --root /var/run/docker/runtime-runc/moby exec --process /run/runc-process1 5be00d6ae2d3aa3e55c34f8de1b0a7e5fd4b8b9c0d1e2f3a4b5c6d7e8f9a0b1c",
];

#[track_caller]
fn lock_case(text: &str, kind: &str, words: &[&str]) {
    let report = analyse(&dumps(&[text]), &Host::default());
    let found = facts(&report);
    let fact = found.iter().find(|f| f.kind == kind);
    let fact = fact.unwrap_or_else(|| panic!("{kind} is not in {found:#?}\n{:#?}", report.chains));
    let told = format!("{fact:?} {:?}", longest(&report));
    for word in words {
        assert!(told.contains(word), "{word:?} is not in {told}");
    }
    assert!(!fact.evidence.is_empty());
}

/// Dumps of healthy processes: one goroutine for each distinct stack, as of the versions in the names.
#[test]
fn healthy_components_say_nothing_stuck() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/goroutines/healthy");
    let mut seen = 0;
    for file in std::fs::read_dir(dir).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let report = analyse(&dumps(&[&text]), &Host::default());
        let name = path.file_name().unwrap().to_string_lossy();
        assert!(report.is_quiet(), "{name}: {:#?}", report.chains);
        assert!(facts(&report).is_empty(), "{name}: {:#?}", facts(&report));
        let busy: Vec<&str> = report.dumps[0]
            .groups
            .iter()
            .filter(|g| !g.is_idle() && g.waits != "running")
            .map(|g| g.function.as_str())
            .collect();
        assert!(busy.is_empty(), "{name}: {busy:?}");
        seen += 1;
    }
    assert!(seen >= 19, "{seen}");
}

#[test]
fn every_kind_of_fact_is_in_the_catalogue() {
    let facts_dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/catalog/facts");
    for kind in facts::KINDS {
        assert!(facts_dir.join(format!("{kind}.toml")).is_file(), "{kind}");
    }
}

proptest! {
    #[test]
    fn any_cut_of_the_dumps(cut in 0..DOCKERD.len(), from in 0..TERWAYD.len()) {
        let texts = [DOCKERD.get(..cut).unwrap_or(""), CONTAINERD, TERWAYD.get(from..).unwrap_or(""), KUBELET];
        let report = analyse(&dumps(&texts), &host(&PS_05));
        for fact in facts(&report) {
            prop_assert!(!fact.evidence.is_empty());
        }
    }
}
