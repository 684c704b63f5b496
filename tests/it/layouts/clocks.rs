//! Journals that tell neither year nor zone.

use chrono::DateTime;

use super::planted::{NOON, Zone, no_cni, runtime_start, text};
use super::{Planted, sources};
use crate::support::archive::Member;
use crate::support::run;

#[test]
fn the_zone_of_a_machine_comes_from_one_line_of_another_program() {
    let china = Zone(8);
    let analysis = run::members(&[
        Member::new(
            "n7/kubelet.log",
            text(&no_cni("n7", NOON), |e| china.journal("n7", e)),
        ),
        Member::new(
            "n7/containerd.log",
            china.journal("n7", &runtime_start(NOON - 70)),
        ),
    ]);
    Planted::no_cni("node/n7", NOON).in_first(&analysis);
    let kubelet = analysis
        .sources
        .iter()
        .find(|s| s.path.ends_with("kubelet.log"))
        .unwrap();
    assert_eq!(kubelet.clock.zone, Some(8 * 3600), "{}", sources(&analysis));
    assert_eq!(kubelet.clock.year, Some(2026), "{}", sources(&analysis));
}

#[test]
fn each_machine_has_its_own_zone() {
    let (west, east) = (Zone(-5), Zone(9));
    let analysis = run::members(&[
        Member::new(
            "nodes/n7/kubelet.log",
            text(&no_cni("n7", NOON), |e| west.journal("n7", e)),
        ),
        Member::new(
            "nodes/n7/containerd.log",
            west.journal("n7", &runtime_start(NOON - 70)),
        ),
        Member::new(
            "nodes/n8/kubelet.log",
            text(&no_cni("n8", NOON + 120), |e| east.journal("n8", e)),
        ),
        Member::new(
            "nodes/n8/containerd.log",
            east.journal("n8", &runtime_start(NOON + 50)),
        ),
    ]);
    let began = |node: &str| {
        let fact = analysis
            .facts
            .iter()
            .find(|f| f.kind == "cni/not-initialized" && f.entity.name() == node);
        let fact = fact.unwrap_or_else(|| panic!("nothing about {node}\n{}", sources(&analysis)));
        fact.span.first.unwrap().at.rfc3339()
    };
    assert!(
        began("n7").starts_with("2026-03-02T12:00:0"),
        "n7: {}\n{}",
        began("n7"),
        sources(&analysis)
    );
    assert!(
        began("n8").starts_with("2026-03-02T12:02:0"),
        "n8: {}\n{}",
        began("n8"),
        sources(&analysis)
    );
}

#[test]
fn over_new_year() {
    let china = Zone(8);
    // 23:58 of the last day of the year in the machine's zone: the year turns while the fault lasts.
    let from = DateTime::parse_from_rfc3339("2025-12-31T23:58:00+08:00")
        .unwrap()
        .timestamp();
    let mut files = vec![
        Member::new(
            "n7/kubelet.log",
            text(&no_cni("n7", from), |e| china.journal("n7", e)),
        ),
        Member::new(
            "n7/containerd.log",
            china.journal("n7", &runtime_start(from - 70)),
        ),
    ];
    for file in &mut files {
        file.mtime = u64::try_from(from + 600).unwrap();
    }
    let analysis = run::members(&files);
    Planted::no_cni("node/n7", from).in_first(&analysis);
    let fact = analysis
        .facts
        .iter()
        .find(|f| f.kind == "cni/not-initialized")
        .unwrap();
    let last = fact.span.last.unwrap().at.rfc3339();
    assert!(
        last.starts_with("2025-12-31T16:02:"),
        "ends {last}\n{}",
        sources(&analysis)
    );
}

#[test]
fn containers_in_utc_on_a_machine_that_is_not() {
    let (utc, china) = (Zone(0), Zone(8));
    let analysis = run::members(&[
        Member::new(
            "var/log/pods/kube-system_kube-flannel-ds-abc12_0c8e4f3a/kube-flannel/0.log",
            utc.cri(&runtime_start(NOON - 50)),
        ),
        Member::new(
            "n7/kubelet.log",
            text(&no_cni("n7", NOON), |e| china.journal("n7", e)),
        ),
        Member::new(
            "n7/containerd.log",
            china.journal("n7", &runtime_start(NOON - 70)),
        ),
    ]);
    Planted::no_cni("node/n7", NOON).in_first(&analysis);
}
