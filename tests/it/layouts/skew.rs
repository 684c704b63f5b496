//! Machines whose clocks are off: what they wrote is told by the clock of the API server, or the order is left open.

use std::fmt::Write as _;

use chrono::DateTime;
use kforensics::base::time::{Instant, RawStamp, SECOND, Stamp};
use kforensics::catalog::Catalog;
use kforensics::model::Analysis;

use super::planted::{NOON, Zone, no_cni, text};
use super::rotations::world;
use super::sources;
use crate::support::archive::Member;
use crate::support::run;

fn rfc3339(at: i64) -> String {
    DateTime::from_timestamp(at, 0)
        .unwrap()
        .format("%Y-%m-%dT%H:%M:%SZ")
        .to_string()
}

/// Pods on `n7` and their events: bound at a moment, then taken up and reported by a kubelet whose clock is so many seconds
/// ahead. The scheduler's event is created seconds after the binding, as where its first post failed.
fn events(ahead: &[i64]) -> String {
    let mut items = Vec::new();
    for (n, ahead) in (0i64..).zip(ahead) {
        let at = NOON - 3000 + 97 * n;
        let mut event = |reason: &str, source: &str, first: i64, created: i64| {
            items.push(format!(
                r#"{{"apiVersion":"v1","kind":"Event","metadata":{{"name":"web-{n}.{reason}","namespace":"shop","creationTimestamp":"{}"}},"involvedObject":{{"kind":"Pod","namespace":"shop","name":"web-{n}","uid":"u-{n}"}},"reason":"{reason}","message":"m","type":"Normal","source":{source},"firstTimestamp":"{}","lastTimestamp":"{}","count":1}}"#,
                rfc3339(created),
                rfc3339(first),
                rfc3339(first),
            ));
        };
        event(
            "Scheduled",
            r#"{"component":"default-scheduler"}"#,
            at,
            at + 9,
        );
        let kubelet = r#"{"component":"kubelet","host":"n7"}"#;
        event("Pulled", kubelet, at + 1 + ahead, at + 1);
        event("Started", kubelet, at + 2 + ahead, at + 3);
        items.push(format!(
            r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"web-{n}","namespace":"shop","uid":"u-{n}"}},"spec":{{"nodeName":"n7"}},"status":{{"phase":"Running","conditions":[{{"type":"PodScheduled","status":"True","lastTransitionTime":"{}"}}],"startTime":"{}"}}}}"#,
            rfc3339(at),
            rfc3339(at + ahead),
        ));
    }
    format!(
        r#"{{"apiVersion":"v1","kind":"List","items":[{}]}}"#,
        items.join(",\n")
    )
}

/// A bundle: the kubelet of `n7` and its CNI failure at noon by its clock, which is `ahead`; the events.
fn bundle(ahead: i64, events: String) -> Vec<Member> {
    let zone = Zone(0);
    vec![
        Member::new(
            "nodes/n7/kubelet.log",
            text(&no_cni("n7", NOON + ahead), |e| zone.precise("n7", e)),
        ),
        Member::new("kubectl/events.json", events),
        Member::new("cp1/kube-apiserver.log", {
            let mut out = String::new();
            for n in 0..40 {
                let _ = writeln!(
                    out,
                    "{}.000000123Z stderr F I0302 12:00:00.000000       1 httplog.go:132] \"HTTP\" verb=\"GET\" URI=\"/api/v1/nodes\" resp=200",
                    rfc3339(NOON - 600 + 30 * n).trim_end_matches('Z')
                );
            }
            out
        }),
    ]
}

/// When the failure of the network was first seen.
fn began(analysis: &Analysis) -> Stamp {
    let fact = analysis
        .facts
        .iter()
        .find(|f| f.kind == "cni/not-initialized" && f.entity.name() == "n7");
    fact.and_then(|f| f.span.first)
        .unwrap_or_else(|| panic!("no CNI failure\n{}", sources(analysis)))
}

fn is_at(stamp: Stamp, at: i64) -> bool {
    stamp.at.since(Instant(at * SECOND)).abs() < 4 * SECOND
}

fn clock_facts(analysis: &Analysis) -> Vec<(String, String)> {
    analysis
        .facts
        .iter()
        .filter(|f| f.kind.starts_with("node/clock-"))
        .map(|f| {
            let off = f.key("off").unwrap_or_default();
            (f.kind.clone(), format!("{} {off}", f.entity))
        })
        .collect()
}

#[test]
fn what_a_machine_ahead_wrote_is_told_by_the_clock_of_the_api_server() {
    for (ahead, kind) in [(200, "node/clock-ahead"), (-200, "node/clock-behind")] {
        let analysis = run::members(&bundle(ahead, events(&[ahead; 6])));
        assert!(is_at(began(&analysis), NOON), "{}", sources(&analysis));
        let facts = clock_facts(&analysis);
        assert_eq!(facts.len(), 1, "{facts:?}");
        assert_eq!(facts[0].0, kind);
        assert!(facts[0].1.starts_with("node/n7 3m"), "{facts:?}");
        let clock = analysis
            .bundle
            .clocks
            .iter()
            .find(|c| c.artifact == "n7")
            .unwrap();
        let off = clock.skew.unwrap();
        assert!((off - ahead * SECOND).abs() <= 2 * SECOND, "{off}");
        // The line itself is quoted as it stands.
        let kubelet = analysis
            .facts
            .iter()
            .find(|f| f.kind == "cni/not-initialized")
            .unwrap();
        let quoted = &kubelet.evidence()[0].text;
        assert!(
            quoted.contains(if ahead > 0 { "12:0" } else { "11:5" }),
            "{quoted}"
        );
        assert!(
            analysis.warnings.iter().all(|w| !w.contains("n7")),
            "{:?}",
            analysis.warnings
        );
    }
}

#[test]
fn whose_clock_a_time_is_of_is_asked_where_the_source_has_none_of_its_own() {
    let mut members = bundle(200, events(&[200; 6]));
    members[2].path = String::from("nodes/cp1/kube-apiserver.log");
    let files: Vec<(&str, &[u8])> = members
        .iter()
        .map(|m| (m.path.as_str(), m.data.as_slice()))
        .collect();
    let world = world(&Catalog::builtin().unwrap(), &files);
    let off = |path: &str| {
        let source = world.sources.iter().find(|s| s.path == path).unwrap();
        let raw = RawStamp::utc(NOON * SECOND, SECOND);
        let stamp = world.stamp_by(source.id, Some(&String::from("n7")), raw);
        stamp.unwrap().at.since(Instant(NOON * SECOND)) / SECOND
    };
    assert_eq!(off("nodes/cp1/kube-apiserver.log"), 0);
    for path in ["kubectl/events.json", "nodes/n7/kubelet.log"] {
        assert!((off(path) + 200).abs() <= 2, "{path}: {}", off(path));
    }
}

#[test]
fn nothing_is_said_of_clocks_in_step() {
    let analysis = run::members(&bundle(0, events(&[0; 6])));
    assert!(is_at(began(&analysis), NOON));
    assert_eq!(clock_facts(&analysis), []);
    assert_eq!(
        analysis.bundle.clocks.iter().filter_map(|c| c.skew).count(),
        0
    );
    assert_eq!(analysis.warnings, Vec::<String>::new());
}

#[test]
fn pairs_that_disagree_leave_the_order_open() {
    // The clock was set right in between.
    let analysis = run::members(&bundle(200, events(&[200, 200, 200, 0, 0, 0])));
    let first = began(&analysis);
    assert!(is_at(first, NOON + 200), "{}", sources(&analysis));
    assert!(first.is_rough());
    assert_eq!(clock_facts(&analysis), []);
    let warned = analysis
        .warnings
        .iter()
        .any(|w| w.contains("the clock of n7 is perhaps") && w.contains("contradict"));
    assert!(warned, "{:?}", analysis.warnings);
    // Within the machine the order is known, across machines it is not.
    let other = Stamp::exact(Instant((NOON + 100) * SECOND), 0);
    assert_eq!(other.before(first), None);
    let later = Stamp {
        at: first.at.plus(5 * SECOND),
        ..first
    };
    assert_eq!(first.before(later), Some(true));
}

#[test]
fn a_time_service_says_it_itself() {
    let mut members = bundle(200, String::from("No resources found\n"));
    members.push(Member::new(
        "nodes/n7/chronyc-tracking.txt",
        "Reference ID    : C0000201 (ntp.example.com)\nStratum         : 3\nRef time (UTC)  : Mon Mar 02 12:06:12 2026\nSystem time     : 200.005333243 seconds fast of NTP time\nLast offset     : -0.000130641 seconds\nRMS offset      : 0.000229393 seconds\nLeap status     : Normal\n",
    ));
    let analysis = run::members(&members);
    assert!(is_at(began(&analysis), NOON), "{}", sources(&analysis));
    assert_eq!(
        clock_facts(&analysis),
        [(
            String::from("node/clock-ahead"),
            String::from("node/n7 3m20s")
        )]
    );
}

/// What `chronyc tracking` prints of a clock that is so many seconds fast.
fn tracking(fast: u32) -> String {
    format!(
        "Reference ID    : C0000201 (ntp.example.com)\nStratum         : 3\nSystem time     : {fast}.005333243 seconds fast of NTP time\nLast offset     : -0.000130641 seconds\nLeap status     : Normal\n"
    )
}

#[test]
fn a_time_service_that_objects_or_itself_contradict_is_not_believed() {
    let doubted = |events: String, outputs: &[(&str, u32)]| {
        let mut members = bundle(0, events);
        for (path, fast) in outputs {
            members.push(Member::new(path, tracking(*fast)));
        }
        let analysis = run::members(&members);
        assert!(is_at(began(&analysis), NOON), "{}", sources(&analysis));
        assert_eq!(clock_facts(&analysis), []);
        let warned = analysis
            .warnings
            .iter()
            .any(|w| w.contains("the clock of n7 is perhaps"));
        assert!(warned, "{:?}", analysis.warnings);
    };
    // One pod bounds the clock from both sides.
    doubted(events(&[0]), &[("nodes/n7/chronyc-tracking.txt", 200)]);
    doubted(
        String::from("No resources found\n"),
        &[
            ("nodes/n7/a/chronyc-tracking.txt", 0),
            ("nodes/n7/b/chronyc-tracking.txt", 200),
        ],
    );
}

#[test]
fn each_step_of_a_clock_has_its_own_time() {
    let step = |at: i64, by: &str| {
        let stamp = DateTime::from_timestamp(at, 0)
            .unwrap()
            .format("%b %d %H:%M:%S");
        format!("{stamp} n7 chronyd[612]: System clock wrong by {by} seconds\n")
    };
    let mut members = bundle(0, events(&[0; 6]));
    let journal = step(NOON - 2000, "900.250000") + &step(NOON + 1000, "-40.500000");
    members.push(Member::new("nodes/n7/journal.log", journal));
    let analysis = run::members(&members);
    let steps: Vec<(&str, i64)> = analysis
        .facts
        .iter()
        .filter(|f| f.kind == "node/clock-skew")
        .filter_map(|f| {
            let at = f.span.first?.at.since(Instant(NOON * SECOND)) / SECOND;
            Some((f.key("by")?, at))
        })
        .collect();
    assert_eq!(steps, [("900.250000", -2000), ("-40.500000", 1000)]);
    // What it was off before the last step is 40 s, until that step.
    let warned = analysis
        .warnings
        .iter()
        .any(|w| w.contains("the clock of n7 is perhaps 40s ahead"));
    assert!(warned, "{:?}", analysis.warnings);
}

#[test]
fn a_date_inside_a_record_does_not_date_the_log() {
    let zone = Zone(0);
    let mut log = text(&no_cni("n7", NOON), |e| zone.line(e));
    // A record of several lines that quotes dates at the beginning of its lines.
    log += "E0302 12:05:00.000000    3186 server.go:1] \"Certificates\" list=<\n";
    for n in 0..40 {
        let _ = writeln!(
            log,
            "2031-05-0{} 10:00:00 not after of certificate {n}",
            n % 9 + 1
        );
    }
    let _ = writeln!(log, " >");
    log += &text(&no_cni("n7", NOON + 600), |e| zone.line(e));
    let mut member = Member::new("n7/kubelet.log", log);
    member.mtime = u64::try_from(NOON + 1200).unwrap();
    let analysis = run::members(&[member]);
    assert!(is_at(began(&analysis), NOON), "{}", sources(&analysis));
}
