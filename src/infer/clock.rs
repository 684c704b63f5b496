//! Clocks that are off, as facts: the offsets themselves are found with the clocks (`extract::skew`).

use super::{Task, support};
use crate::base::time::{MINUTE, SECOND, Stamp};
use crate::base::units::human_duration;
use crate::extract::{MachineSkew, servers};
use crate::model::{Component, Fact, Keys};

/// Offsets of machines that differ by less than this are one.
const ALIKE: i64 = 5 * SECOND;
/// So many machines that are off by the same are right, and the API server is wrong, unless as many are in step with it.
const MANY: usize = 3;

pub(super) fn infer(task: &Task<'_>) -> Vec<Fact> {
    let ahead = task.word("side") == Some("ahead");
    let of_server = task.word("of") == Some("server");
    let sure: Vec<&MachineSkew> = task
        .world
        .skews
        .iter()
        .filter(|s| !s.skew.doubtful)
        .collect();
    // Where most machines agree against the API server, it is the one that is off.
    let odd = sure.first().and_then(|first| {
        let alike = |s: &&&MachineSkew| {
            s.skew
                .ahead
                .saturating_sub(first.skew.ahead)
                .saturating_abs()
                < ALIKE
        };
        let count = sure.iter().filter(alike).count();
        (count >= MANY && count == sure.len() && count > task.world.in_step).then_some(*first)
    });
    if let Some(one) = odd {
        let off = one.skew.ahead.saturating_neg();
        return Some(one)
            .filter(|_| of_server && (off > 0) == ahead)
            .and_then(|one| {
                let servers = servers(task.world);
                // Which of several it is that wrote the objects, they do not tell.
                let only = servers.iter().next().filter(|_| servers.len() == 1);
                let mut keys = support::machine(only.copied());
                keys.insert(String::from("count"), sure.len().to_string());
                fact(task, keys, off, one)
            })
            .into_iter()
            .collect();
    }
    sure.into_iter()
        .filter(|s| !of_server && (s.skew.ahead > 0) == ahead)
        .filter_map(|s| fact(task, support::machine(Some(&s.machine)), s.skew.ahead, s))
        .collect()
}

fn fact(task: &Task<'_>, mut keys: Keys, ahead: i64, of: &MachineSkew) -> Option<Fact> {
    let size = ahead.saturating_abs();
    let whole = (size.saturating_add(SECOND / 2) / SECOND).saturating_mul(SECOND);
    keys.extend([
        (String::from("off"), human_duration(whole)),
        (
            String::from("within"),
            human_duration(
                (of.skew.err / SECOND)
                    .saturating_add(1)
                    .saturating_mul(SECOND),
            ),
        ),
        (String::from("pairs"), of.pairs.to_string()),
    ]);
    let evidence = of.evidence.clone();
    let mut fact = task.fact("clock-skew", keys, Component::UNKNOWN, evidence, Vec::new())?;
    // The offset was the same over all that was compared; since when, nobody knows.
    let times = || of.evidence.iter().filter_map(|q| q.time).map(|t| t.at);
    let (from, to) = task.world.window;
    let first = times().chain(from).min();
    let last = times().chain(to).max();
    fact.span.first = first.map(|at| Stamp::exact(at, MINUTE));
    fact.span.last = last.map(|at| Stamp::exact(at, MINUTE));
    fact.count = u64::try_from(of.pairs.max(1)).unwrap_or(1);
    Some(fact)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::super::testing::{facts_of, shown};

    /// Events that kubelets reported whose clocks are so many seconds ahead: at 10:00, 10:01, …
    fn events(nodes: &[(&str, i64)]) -> String {
        let time = |minute: i64, second: i64| {
            let second = 36_000 + minute * 60 + second;
            format!(
                "2026-07-23T{:02}:{:02}:{:02}Z",
                second / 3600,
                second / 60 % 60,
                second % 60
            )
        };
        let mut items = Vec::new();
        for (node, ahead) in nodes {
            for minute in 0..4 {
                let mut event = |reason: &str, source: &str, first: String, created: String| {
                    items.push(format!(
                        r#"{{"apiVersion":"v1","kind":"Event","metadata":{{"name":"{node}.{minute}.{reason}","namespace":"shop","creationTimestamp":"{created}"}},"involvedObject":{{"kind":"Pod","namespace":"shop","name":"p","uid":"{node}-{minute}"}},"reason":"{reason}","type":"Normal","source":{source},"firstTimestamp":"{first}","lastTimestamp":"{first}","count":1}}"#
                    ));
                };
                event(
                    "Scheduled",
                    r#"{"component":"default-scheduler"}"#,
                    time(minute, 0),
                    time(minute, 0),
                );
                event(
                    "Pulled",
                    &format!(r#"{{"component":"kubelet","host":"{node}"}}"#),
                    time(minute, *ahead),
                    time(minute, 0),
                );
            }
        }
        format!(
            r#"{{"apiVersion":"v1","kind":"List","items":[{}]}}"#,
            items.join(",\n")
        )
    }

    #[track_caller]
    fn case(files: &[(&str, &str)], ahead: &[&str], behind: &[&str]) {
        for (kind, expected) in [("node/clock-ahead", ahead), ("node/clock-behind", behind)] {
            assert_eq!(shown(&facts_of(files, kind), &["off"]), expected, "{kind}");
        }
    }

    const API: &str = "I0723 10:00:01.130134       1 httplog.go:89] \"HTTP\" verb=\"GET\" URI=\"/api/v1/nodes\" latency=\"1.2ms\" userAgent=\"a/v1\" srcIP=\"10.0.0.1:4000\" resp=200\nI0723 10:05:01.130134       1 httplog.go:89] \"HTTP\" verb=\"GET\" URI=\"/api/v1/nodes\" latency=\"1.2ms\" userAgent=\"a/v1\" srcIP=\"10.0.0.1:4000\" resp=200\n";

    #[test]
    fn one_machine_or_the_one_that_all_are_compared_with() {
        let path = "kubectl/events.json";
        let one = events(&[("n1", 0), ("n2", 0), ("n3", 300)]);
        case(&[(path, &one)], &["node/n3 off=5m1s"], &[]);
        // Who is right where most differ from the API server?
        let most = events(&[("n1", 300), ("n2", 300), ("n3", 300)]);
        let (api, second) = (
            "nodes/cp1/kube-apiserver.log",
            "nodes/cp2/kube-apiserver.log",
        );
        for (logs, server) in [
            (&[(api, API)][..], "cp1"),
            (&[], "-"),
            (&[(api, API), (second, API)], "-"),
        ] {
            let files = [&[(path, most.as_str())], logs].concat();
            case(&files, &[], &[]);
            assert_eq!(
                shown(
                    &facts_of(&files, "node/apiserver-clock-behind"),
                    &["node", "off", "count"]
                ),
                [format!(
                    "cluster/apiserver-clock node={server} off=5m1s count=3"
                )]
            );
            assert!(facts_of(&files, "node/apiserver-clock-ahead").is_empty());
        }
        case(&[(path, &events(&[("n1", 1), ("n2", -1)]))], &[], &[]);
    }

    #[test]
    fn a_binding_and_the_pod_that_comes_after_it() {
        let names = ["x2kpz", "x4kpz", "x5kpz", "x6kpz", "x7kpz", "x8kpz"];
        let logs = |ahead: i64, suffix: &str| {
            let (mut scheduler, mut kubelet) = (String::new(), String::new());
            for (name, n) in names.iter().zip(0i64..) {
                let clock =
                    |s: i64| format!("{:02}:{:02}:{:02}", 10 + s / 3600, s / 60 % 60, s % 60);
                let at = 600 + 40 * n;
                let _ = writeln!(
                    scheduler,
                    "2026-07-23T{}.100000000Z stderr F I0723 {}.100000       1 schedule_one.go:302] \"Successfully bound pod to node\" pod=\"shop/web-{name}{suffix}\" node=\"n7\" evaluatedNodes=2 feasibleNodes=2",
                    clock(at),
                    clock(at)
                );
                let _ = writeln!(
                    kubelet,
                    "2026-07-23T{}.120000000Z stderr F I0723 {}.120000      90 kubelet.go:2724] \"SyncLoop ADD\" source=\"api\" pods=[\"shop/web-{name}{suffix}\"]",
                    clock(at + ahead),
                    clock(at + ahead)
                );
            }
            (scheduler, kubelet)
        };
        let of = |ahead: i64, suffix: &str, fast: &[&str], slow: &[&str]| {
            let (scheduler, kubelet) = logs(ahead, suffix);
            let files = [
                ("nodes/cp1/kube-scheduler.log", scheduler.as_str()),
                ("nodes/n7/kubelet.log", kubelet.as_str()),
            ];
            case(&files, fast, slow);
        };
        of(-300, "", &[], &["node/n7 off=5m"]);
        of(300, "", &["node/n7 off=5m"], &[]);
        of(0, "", &[], &[]);
        // Names that come again, as those of a StatefulSet, say nothing.
        of(-300, "-0", &[], &[]);
    }
}
