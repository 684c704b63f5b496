//! Recognises which collector made the bundle, by marker files, wherever below a common folder they lie.
//!
//! ```text
//! must-gather.local.1/quay-io-x/{cluster-scoped-resources,namespaces}/…     must-gather
//! ```
//!
//! Names of archives are not looked at. Of several kinds inside each other the outermost wins; a bundle without
//! markers (hand-made) is `unknown`, which costs nothing but a word in the report.

use std::collections::BTreeMap;

/// Names that mark a kind when they lie side by side; a name with a `/` is a path, `#` stands for digits.
const MARKERS: [(&str, &[&str]); 18] = [
    ("must-gather", &["cluster-scoped-resources", "namespaces"]),
    ("must-gather", &["must-gather.logs"]),
    ("sosreport", &["sos_commands"]),
    ("sonobuoy", &["meta/run.log", "plugins"]),
    ("support-bundle", &["version.yaml", "cluster-resources"]),
    ("support-bundle", &["cluster-resources", "cluster-info"]),
    ("eks", &["system/instance-id.txt"]),
    ("eks", &["ipamd", "kubelet", "var_log"]),
    ("rancher", &["systeminfo", "journald"]),
    ("rancher", &["systeminfo", "collector-output.log"]),
    ("ack", &["diagnose_#"]),
    ("ack", &["system_status", "network_info"]),
    ("kind", &["kind-version.txt"]),
    ("velero", &["kubecapture"]),
    ("prow", &["started.json", "build-log.txt"]),
    ("prow", &["prowjob.json"]),
    ("periscope", &["kubeletcmd", "iptables", "kubelet"]),
    (
        "cluster-info-dump",
        &["nodes.json", "kube-system/pods.json"],
    ),
];

/// The kind of bundle that has these member paths: `must-gather`, `sosreport`, `sonobuoy`, `support-bundle`, `eks`,
/// `rancher`, `ack`, `kind`, `velero`, `prow`, `periscope`, `cluster-info-dump`, or `unknown`.
pub fn layout(paths: &[String]) -> &'static str {
    // Which markers of each row were seen below which folder.
    let mut seen: BTreeMap<(usize, &str), u32> = BTreeMap::new();
    for path in paths {
        let mut start = 0;
        loop {
            let (folder, rest) = path.split_at(start);
            for (row, (_, markers)) in MARKERS.iter().enumerate() {
                for (bit, marker) in markers.iter().enumerate() {
                    if begins_with(rest, marker) {
                        *seen.entry((row, folder)).or_default() |= 1 << bit;
                    }
                }
            }
            let Some(next) = rest.find(['/', '!']) else {
                break;
            };
            start = start.saturating_add(next).saturating_add(1);
        }
    }
    seen.into_iter()
        .filter(|((row, _), bits)| {
            MARKERS
                .get(*row)
                .is_some_and(|(_, markers)| bits.count_ones() as usize == markers.len())
        })
        .map(|((row, folder), _)| (folder.matches(['/', '!']).count(), row))
        .min()
        .and_then(|(_, row)| MARKERS.get(row))
        .map_or("unknown", |(kind, _)| kind)
}

/// Whether the first names of `path` are those of `marker`.
fn begins_with(path: &str, marker: &str) -> bool {
    let rest = match marker.strip_suffix('#') {
        Some(marker) => path.strip_prefix(marker).and_then(|rest| {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            rest.get(digits..).filter(|_| digits == 10) // seconds since 1970
        }),
        None => path.strip_prefix(marker),
    };
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '!']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn case(paths: &[&str], expected: &str) {
        let mut paths: Vec<String> = paths.iter().map(|p| (*p).to_owned()).collect();
        assert_eq!(layout(&paths), expected);
        paths.reverse();
        assert_eq!(layout(&paths), expected, "in any order");
    }

    #[test]
    fn markers_side_by_side() {
        case(
            &[
                "mg.tar.gz!must-gather.local.1/quay-io-x/cluster-scoped-resources/core/nodes/n1.yaml",
                "mg.tar.gz!must-gather.local.1/quay-io-x/namespaces/a/a.yaml",
            ],
            "must-gather",
        );
        case(&["namespaces/a/a.yaml"], "unknown");
        case(
            &["a/cluster-scoped-resources/x", "b/namespaces/y"],
            "unknown",
        ); // not side by side
        case(
            &["s.tar.xz!sosreport-h1-2024/sos_commands/kernel/dmesg"],
            "sosreport",
        );
        case(
            &["meta/run.log", "plugins/e2e/results/global/e2e.log"],
            "sonobuoy",
        );
        case(
            &[
                "support-bundle-1/version.yaml",
                "support-bundle-1/cluster-resources/nodes.json",
            ],
            "support-bundle",
        );
        case(&["./system/instance-id.txt"], "eks");
        case(
            &["h1-2024/systeminfo/date", "h1-2024/journald/kubelet"],
            "rancher",
        );
        case(
            &["diagnose_1707447845.tar.gz!tmp/diagnose_1707447845/system_status"],
            "ack",
        );
        case(&["diagnose_17/x"], "unknown");
        case(&["kind-version.txt", "kind-worker/kubelet.log"], "kind");
        case(
            &["velero-bundle/kubecapture/core_v1/a/pods-x.json"],
            "velero",
        );
        case(&["started.json", "build-log.txt"], "prow");
        case(
            &["n1.zip!kubeletcmd", "n1.zip!iptables", "n1.zip!kubelet"],
            "periscope",
        );
        case(
            &[
                "d/nodes.json",
                "d/kube-system/pods.json",
                "d/kube-system/p/logs.txt",
            ],
            "cluster-info-dump",
        );
        case(&["logs/kubelet.log", "kubectl/get-nodes.txt"], "unknown");
    }

    #[test]
    fn the_outermost_kind_wins() {
        case(
            &[
                "build-log.txt",
                "started.json",
                "artifacts/logs/kind-version.txt",
            ],
            "prow",
        );
    }

    proptest! {
        #[test]
        fn any_paths(paths in prop::collection::vec("\\PC{0,30}", 0..5)) {
            let _ = layout(&paths);
        }
    }
}
