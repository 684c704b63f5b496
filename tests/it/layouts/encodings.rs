//! Archives in archives, and the texts that Windows makes.

use super::Planted;
use super::planted::{
    APISERVICES, NAMESPACES, NOON, Zone, discovery_incomplete, no_cni, runtime_start, text,
};
use crate::support::archive::{self, Member};
use crate::support::run;

const UTC: Zone = Zone(0);

#[test]
fn archives_in_archives() {
    let kubelet = text(&no_cni("n7", NOON), |e| UTC.journal("n7", e));
    let logs = archive::tar(&[
        Member::new("logs/kubelet.log.gz", archive::gzip(kubelet.as_bytes())),
        Member::new(
            "logs/containerd.log",
            UTC.journal("n7", &runtime_start(NOON - 70)),
        ),
    ]);
    let node = archive::gzip(&archive::tar(&[Member::new("n7/logs.tar", logs)]));
    // The inner name lies: it is a gzipped tar file.
    let outer = archive::zip(&[
        Member::new("upload/n7.zip", node),
        Member::new("upload/readme.txt", "node that is not ready\n"),
    ]);
    let analysis = run::file("case-4711.zip", &outer);
    Planted::no_cni("node/n7", NOON).in_first(&analysis);
}

/// As PowerShell's `>` writes it: UTF-16 with a byte order mark, CRLF.
fn power_shell(text: &str) -> Vec<u8> {
    let mut out = vec![0xff, 0xfe];
    for unit in text.replace('\n', "\r\n").encode_utf16() {
        out.extend_from_slice(&unit.to_le_bytes());
    }
    out
}

#[test]
fn texts_from_windows() {
    let manager =
        text(&discovery_incomplete("payments", NOON), |e| UTC.line(e)).replace('\n', "\r\n");
    let analysis = run::members(&[
        Member::new("apiservice.txt", power_shell(APISERVICES)),
        Member::new("ns.txt", power_shell(NAMESPACES)),
        Member::new("kube-controller-manager.log", manager),
    ]);
    Planted::missing_endpoints(NOON).in_first(&analysis);
}

#[test]
fn a_log_with_a_byte_order_mark() {
    let mut kubelet = vec![0xef, 0xbb, 0xbf];
    kubelet.extend(
        text(&no_cni("n7", NOON), |e| UTC.journal("n7", e))
            .replace('\n', "\r\n")
            .into_bytes(),
    );
    let analysis = run::members(&[
        Member::new("n7/kubelet.log", kubelet),
        Member::new(
            "n7/containerd.log",
            power_shell(&UTC.journal("n7", &runtime_start(NOON - 70))),
        ),
    ]);
    Planted::no_cni("node/n7", NOON).in_first(&analysis);
}
