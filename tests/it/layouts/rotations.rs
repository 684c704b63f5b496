//! Logs that a rotation cut: between records, within one, within a line, within a dump, over New Year. What the parts
//! say together is what the whole log says.

use std::fmt::Write as _;

use kforensics::catalog::Catalog;
use kforensics::extract::{self, Overrides, World};
use kforensics::input::Found;
use kforensics::model::{Analysis, Fact, Source};

use super::planted::{NOON, Zone, no_cni, runtime_start, text};
use super::sources;
use crate::support::archive::{self, Member};
use crate::support::run;

/// What the files say, before any inference.
pub(super) fn world(catalog: &Catalog, files: &[(&str, &[u8])]) -> World {
    let read = |(path, data): &(&str, &[u8])| {
        let found = Found::named((*path).to_owned());
        extract::observe(catalog, &found, &mut { *data })
    };
    let overrides = Overrides {
        year: Some(2026),
        ..Overrides::default()
    };
    let observations = files.iter().map(read).collect();
    extract::assemble(catalog, observations, Vec::new(), &overrides)
}

/// Each fact, how often and when.
fn told(world: &World) -> String {
    let mut lines: Vec<String> = world
        .facts
        .iter()
        .map(|f| {
            let at = |t: Option<kforensics::base::time::Stamp>| {
                t.map_or_else(String::new, |t| t.at.rfc3339())
            };
            let (first, last) = (at(f.span.first), at(f.span.last));
            format!("{} {} x{} {first} {last}", f.kind, f.entity, f.count)
        })
        .collect();
    lines.sort();
    lines.join("\n")
}

/// A log with long records, some of several lines, in each of its usual wrappings.
fn wrapped() -> Vec<(&'static str, String)> {
    let zone = Zone(0);
    let mut entries = no_cni("n7", NOON);
    entries.truncate(12);
    let docker = |e: &super::planted::Entry| {
        let line = zone.plain(e).replace('\\', "\\\\").replace('"', "\\\"");
        format!(
            "{{\"log\":\"{line}\\n\",\"stream\":\"stderr\",\"time\":\"2026-03-02T12:00:00.1Z\"}}\n"
        )
    };
    vec![
        ("plain", text(&entries, |e| zone.line(e))),
        ("journal", text(&entries, |e| zone.journal("n7", e))),
        ("cri", text(&entries, |e| zone.cri(e))),
        ("docker", text(&entries, docker)),
    ]
}

#[test]
fn a_log_cut_anywhere_says_what_the_whole_log_says() {
    let catalog = Catalog::builtin().unwrap();
    for (wrapping, log) in wrapped() {
        let log = log.as_bytes();
        let whole = told(&world(&catalog, &[("n7/kubelet.log", log)]));
        assert!(whole.contains("cni/not-initialized"), "{wrapping}: {whole}");
        // The first lines tell what the file is; behind them each place is as good as another.
        for at in (log.len() / 2..log.len()).step_by(13) {
            let (older, newer) = log.split_at(at);
            let parts = [("n7/kubelet.log.1", older), ("n7/kubelet.log", newer)];
            let cut = told(&world(&catalog, &parts));
            let end = String::from_utf8_lossy(&older[at.saturating_sub(60)..]);
            assert_eq!(cut, whole, "{wrapping}, cut behind {end:?}");
        }
    }
}

#[test]
fn a_line_whose_pieces_two_files_hold_is_one_line() {
    let catalog = Catalog::builtin().unwrap();
    let line = |minute: u32, tag: &str, message: &str| {
        format!("2026-03-02T12:{minute:02}:00.100000000Z stderr {tag} {message}\n")
    };
    let usual: Vec<String> = (0..30)
        .map(|n| {
            let message = format!(
                "I0302 12:{n:02}:00.099000      86 kubelet_getters.go:187] \"Pod status updated\" pod=\"kube-system/etcd-n7\" status=\"Running\""
            );
            line(n, "F", &message)
        })
        .collect();
    let long = "E0302 12:15:00.099000      86 kubelet.go:2855] \"Container runtime network not ready\" networkReady=\"NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized\"";
    let middle = long.len() / 2;
    for cuts in [
        vec![long.find("plugin not in").unwrap() + 13],
        vec![40, middle],
    ] {
        let mut ends = cuts.clone();
        ends.push(long.len());
        let pieces: Vec<String> = std::iter::once(0)
            .chain(cuts)
            .zip(ends)
            .map(|(from, to)| {
                let tag = if to == long.len() { "F" } else { "P" };
                line(15, tag, &long[from..to])
            })
            .collect();
        for border in 1..pieces.len() {
            let older = usual[..15].concat() + &pieces[..border].concat();
            let newer = pieces[border..].concat() + &usual[15..].concat();
            let whole = older.clone() + &newer;
            let whole = told(&world(&catalog, &[("n7/kubelet.log", whole.as_bytes())]));
            assert!(whole.contains("cni/"), "{whole}");
            let parts = [
                ("n7/kubelet.log.1", older.as_bytes()),
                ("n7/kubelet.log", newer.as_bytes()),
            ];
            assert_eq!(told(&world(&catalog, &parts)), whole, "{border}");
        }
    }
}

#[test]
fn a_log_that_changes_its_format_crosses_no_new_year() {
    // Until its options are read, a component prints klog, which has no year; then JSON.
    let start = |minute: u32| {
        format!("I0302 12:{minute:02}:00.000000       1 server.go:163] Version: v1.29.1\n")
            .repeat(3)
    };
    let run = |minute: i64| -> String {
        (0..40)
            .map(|n| {
                let ms = (NOON + minute * 60 + n) * 1000;
                format!("{{\"ts\":{ms}.5,\"caller\":\"a/b.go:1\",\"msg\":\"Listening\",\"v\":0}}\n")
            })
            .collect::<Vec<_>>()
            .concat()
    };
    let analysis = run::members(&[
        Member::new("cp1/kube-apiserver.log.2", start(0)),
        Member::new("cp1/kube-apiserver.log.1", run(1)),
        Member::new("cp1/kube-apiserver.log", start(2) + &run(3)),
    ]);
    let started = of_kind(&analysis, "component/started");
    assert_eq!(started.len(), 1, "{}", sources(&analysis));
    let at = started[0].span.first.unwrap().at.rfc3339();
    assert!(at.starts_with("2026-03-02T12:00:00"), "{at}");

    // It covers what its lines with and without an offset cover, in one file or in several.
    let whole = run::members(&[Member::new("cp1/kube-apiserver.log", start(0) + &run(1))]);
    let cut = run::members(&[
        Member::new("cp1/kube-apiserver.log.1", start(0)),
        Member::new("cp1/kube-apiserver.log", run(1)),
    ]);
    for analysis in [whole, cut] {
        let all = || {
            let covers = |s: &Source| s.covers(|raw| s.clock.stamp(raw));
            analysis.sources.iter().map(covers)
        };
        let first = all().filter_map(|(first, _)| first).map(|t| t.at).min();
        let last = all().filter_map(|(_, last)| last).map(|t| t.at).max();
        assert_eq!(
            first.zip(last).map(|(a, b)| (a.rfc3339(), b.rfc3339())),
            Some((
                String::from("2026-03-02T12:00:00Z"),
                String::from("2026-03-02T12:01:39.000500Z")
            )),
            "{}",
            sources(&analysis)
        );
    }
}

#[test]
fn the_log_of_a_pod_in_two_folders_is_one() {
    let catalog = Catalog::builtin().unwrap();
    let line = |n: u32| {
        format!(
            "2026-03-02T12:00:{n:02}.100000000Z stderr F panic: runtime error: index out of range [5] with length 3\n"
        )
    };
    let pods =
        "n7/var/log/pods/shop_web-7d4b9c6f5-x2kpz_0f0e8400-e29b-41d4-a716-446655440000/app/0.log";
    let containers = "n7/var/log/containers/web-7d4b9c6f5-x2kpz_shop_app-0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0.log";
    for lines in [1, 2, 59] {
        let log: String = (0..lines).map(line).collect();
        let one = told(&world(&catalog, &[(pods, log.as_bytes())]));
        assert!(!one.is_empty());
        let two = world(
            &catalog,
            &[(pods, log.as_bytes()), (containers, log.as_bytes())],
        );
        assert_eq!(told(&two), one, "{lines}");
        let places: Vec<u32> = two
            .facts
            .iter()
            .flat_map(|f| f.evidence().iter().map(|q| q.place.source.0))
            .collect();
        assert!(places.iter().all(|p| *p == places[0]), "{places:?}");
    }
}

/// The facts of a kind, of an analysis.
fn of_kind<'a>(analysis: &'a Analysis, kind: &str) -> Vec<&'a Fact> {
    analysis.facts.iter().filter(|f| f.kind == kind).collect()
}

#[test]
fn repeats_add_up_over_the_parts_and_lines_stay_where_they_are() {
    let zone = Zone(0);
    let entries = no_cni("n7", NOON);
    let lines: Vec<String> = entries.iter().map(|e| zone.cri(e)).collect();
    let third = lines.len() / 3;
    let part = |range: std::ops::Range<usize>| lines[range].concat();
    let analysis = run::file(
        "bundle.tar",
        // As an archive may have them: in no order.
        &archive::tar(&[
            Member::new("n7/kubelet.log", part(2 * third..lines.len())),
            Member::new(
                "n7/kubelet.log.2.gz",
                archive::gzip(part(0..third).as_bytes()),
            ),
            Member::new("n7/kubelet.log.1", part(third..2 * third)),
        ]),
    );
    let whole = run::members(&[Member::new("n7/kubelet.log", lines.concat())]);
    let [fact] = of_kind(&analysis, "cni/not-initialized")[..] else {
        panic!("not one fact\n{}", sources(&analysis))
    };
    let [expected] = of_kind(&whole, "cni/not-initialized")[..] else {
        panic!("not one fact in the whole\n{}", sources(&whole))
    };
    assert_eq!((fact.count, fact.span), (expected.count, expected.span));
    let place = fact.evidence()[0].place;
    let path = &analysis.sources[place.source.0 as usize].path;
    assert!(path.ends_with("kubelet.log.2.gz"), "{path}");
    let parts: Vec<&str> = analysis
        .sources
        .iter()
        .map(|s| s.why.rsplit("; ").next().unwrap())
        .collect();
    assert_eq!(
        parts,
        [
            "part 3 of 3 of one log",
            "part 2 of 3 of one log",
            "part 1 of 3 of one log"
        ],
        "{}",
        sources(&analysis)
    );
}

#[test]
fn half_a_line_whose_other_half_is_lost_names_nothing() {
    let catalog = Catalog::builtin().unwrap();
    let zone = Zone(0);
    let mut entries = no_cni("n7", NOON);
    entries.truncate(8);
    let log = text(&entries, |e| zone.line(e));
    let victim = "E0302 12:10:00.284210    3186 pod_workers.go:1298] \"Error syncing pod, skipping\" err=\"failed to \\\"StartContainer\\\" for \\\"web\\\" with CrashLoopBackOff: \\\"back-off 5m0s restarting failed container=web pod=web-6d8f9_shop(0f6d)\\\"\" pod=\"shop/web-6d8f9\" podUID=\"0f6d\"\n";
    let whole = format!("{log}{victim}");
    let full = told(&world(&catalog, &[("n7/kubelet.log", whole.as_bytes())]));
    let pods = |told: &str| -> Vec<String> {
        let of_pod = told.lines().filter(|l| l.contains("web-"));
        of_pod
            .map(|l| l.split(" x").next().unwrap().to_owned())
            .collect()
    };
    let known = pods(&full);
    assert!(!known.is_empty(), "{full}");
    // The beginning ends `.1`, the end begins `.log`, and the other halves are lost.
    for at in 60..victim.len() - 1 {
        let (begin, end) = victim.split_at(at);
        let older = format!("{log}{begin}");
        let cut = told(&world(
            &catalog,
            &[
                ("n7/kubelet.log.1", older.as_bytes()),
                ("n7/kubelet.log", log.replace("12:0", "13:0").as_bytes()),
            ],
        ));
        let newer = format!("{end}{}", log.replace("12:0", "13:0"));
        let rest = told(&world(
            &catalog,
            &[
                ("n7/kubelet.log.1", log.as_bytes()),
                ("n7/kubelet.log", newer.as_bytes()),
            ],
        ));
        for found in pods(&cut).into_iter().chain(pods(&rest)) {
            assert!(known.contains(&found), "cut at {at} {begin:?}: {found}");
        }
    }
}

/// The end of a component: a klog.Fatal line and the stacks of all goroutines.
fn fatal() -> String {
    let mut log = String::new();
    for second in 0..40 {
        let _ = writeln!(
            log,
            "I0302 12:00:{second:02}.000000       1 leaderelection.go:352] lock is held by cp1_a and has not yet expired"
        );
    }
    log.push_str("F0302 12:00:41.000000       1 controllermanager.go:294] leaderelection lost\n");
    for id in 1..60 {
        let (state, frame) = if id == 1 {
            ("running", "k8s.io/klog/v2.stacks(0x1)")
        } else {
            (
                "select, 3 minutes",
                "k8s.io/client-go/tools/leaderelection.(*LeaderElector).renew.func1(0xc0001, 0x1)",
            )
        };
        let _ = write!(
            log,
            "goroutine {id} [{state}]:\n{frame}\n\t/src/some/where/in/a/folder/file.go:27{id} +0x1f\ncreated by k8s.io/kubernetes/cmd/kube-controller-manager/app.Run\n\t/src/app/controllermanager.go:29{id} +0x5b\n\n"
        );
    }
    for second in 45..59 {
        let _ = writeln!(
            log,
            "I0302 12:00:{second:02}.000000       1 controllermanager.go:186] Version: v1.27.9"
        );
    }
    log
}

#[test]
fn a_dump_that_a_rotation_cuts_is_one_dump() {
    let catalog = Catalog::builtin().unwrap();
    let log = fatal();
    let log = log.as_bytes();
    let path = "cp1/kube-controller-manager.log";
    let shape = |world: &World| -> Vec<String> {
        let dumps = extract::dumps(world);
        dumps
            .iter()
            .map(|d| {
                let frames: usize = d.goroutines.iter().map(|g| d.frames(g).len()).sum();
                format!(
                    "{:?} {} goroutines, {frames} frames",
                    d.kind,
                    d.goroutines.len()
                )
            })
            .collect()
    };
    let whole = world(&catalog, &[(path, log)]);
    assert_eq!(shape(&whole), ["Exit 59 goroutines, 59 frames"]);
    let begin = log.windows(11).position(|w| w == b"goroutine 1").unwrap();
    let end = log.windows(9).rposition(|w| w == b"\ncreated ").unwrap();
    let older_path = format!("{path}.1");
    for at in (begin..end).step_by(89) {
        let (older, newer) = log.split_at(at);
        let parts = world(&catalog, &[(&older_path, older), (path, newer)]);
        let cut = String::from_utf8_lossy(&older[at - 60..]);
        assert_eq!(shape(&parts), shape(&whole), "cut behind {cut:?}");
        assert_eq!(told(&parts), told(&whole), "cut behind {cut:?}");
    }
}

#[test]
fn three_parts_over_new_year_have_one_clock() {
    // 2025-12-31T23:58:00Z, in a log without years.
    let began = 1_767_225_480;
    let zone = Zone(0);
    let entries = no_cni("n7", began);
    let lines: Vec<String> = entries.iter().map(|e| zone.line(e)).collect();
    let third = lines.len() / 3;
    let members = |names: [&str; 3]| {
        [
            Member::new(names[0], lines[..third].concat()),
            Member::new(names[1], lines[third..2 * third].concat()),
            Member::new(names[2], lines[2 * third..].concat()),
            Member::new("n7/containerd.log", zone.line(&runtime_start(began + 400))),
        ]
    };
    for names in [
        ["n7/kubelet.log.2", "n7/kubelet.log.1", "n7/kubelet.log"],
        [
            "n7/kubelet.log-20260101-0001",
            "n7/kubelet.log-20260101-0003",
            "n7/kubelet.log",
        ],
    ] {
        let analysis = run::members(&members(names));
        let [fact] = of_kind(&analysis, "cni/not-initialized")[..] else {
            panic!("not one fact\n{}", sources(&analysis))
        };
        let span = [fact.span.first, fact.span.last].map(|t| t.unwrap().at.rfc3339());
        assert!(
            span[0].starts_with("2025-12-31T23:58:0"),
            "{span:?}\n{}",
            sources(&analysis)
        );
        assert!(
            span[1].starts_with("2026-01-01T00:02:5"),
            "{span:?}\n{}",
            sources(&analysis)
        );
    }
}

#[test]
fn a_rotated_name_tells_the_year() {
    let zone = Zone(0);
    let log = text(&no_cni("n7", NOON), |e| zone.line(e));
    for (name, year) in [
        ("n7/kubelet.log-20240302", 2024),
        ("n7/kubelet.log-20230111", 2022),
        ("n7/kubelet.n7.root.log.INFO.20240302-115900.3186", 2024),
    ] {
        let analysis = run::members(&[Member::new(name, log.clone())]);
        let source = &analysis.sources[0];
        assert_eq!(
            source.clock.year,
            Some(year),
            "{name} {}",
            sources(&analysis)
        );
    }
}

#[test]
fn a_restart_and_a_silence_at_the_border_are_seen() {
    let line = |minute: i64, second: i64, pid: u64, what: &str| {
        format!(
            "I0302 {:02}:{minute:02}:{second:02}.000000 {pid:7} {what}\n",
            12
        )
    };
    let run_of = |minutes: std::ops::Range<i64>, pid: u64| -> String {
        minutes
            .flat_map(|m| (0..12).map(move |s| (m, s * 5)))
            .map(|(m, s)| line(m, s, pid, "controller.go:132] syncing"))
            .collect()
    };
    let other: String = (0..40)
        .flat_map(|m| (0..60).step_by(5).map(move |s| (m, s)))
        .map(|(m, s)| line(m, s, 7, "httplog.go:132] GET"))
        .collect();
    let analysis = run::members(&[
        Member::new("cp1/kube-controller-manager.log.1", run_of(0..10, 11)),
        Member::new("cp1/kube-controller-manager.log", run_of(20..40, 12)),
        Member::new("cp1/kube-apiserver.log", other),
    ]);
    let restarted = of_kind(&analysis, "component/restarted");
    assert_eq!(restarted.len(), 1, "{}", sources(&analysis));
    let place = restarted[0].evidence()[0].place;
    let source = &analysis.sources[place.source.0 as usize];
    assert!(source.path.ends_with("manager.log"), "{}", source.path);
    assert_eq!(place.line, 1);
    let older = analysis
        .sources
        .iter()
        .find(|s| s.path.ends_with("manager.log.1"))
        .unwrap();
    let longest = older
        .coverage
        .pauses
        .iter()
        .map(|p| p.to.reading() - p.from.reading())
        .max();
    assert_eq!(longest, Some((10 * 60 + 5) * 1_000_000_000));
}

#[test]
fn the_hole_of_a_truncated_log_is_passed_over() {
    let zone = Zone(0);
    let log = text(&no_cni("n7", NOON), |e| zone.line(e));
    for hole in [600, 64 * 1024, 300_000] {
        let data = [vec![0; hole], log.clone().into_bytes()].concat();
        let analysis = run::members(&[
            Member::new("n7/kubelet.log", data),
            Member::new("n7/containerd.log", zone.line(&runtime_start(NOON))),
        ]);
        let [fact] = of_kind(&analysis, "cni/not-initialized")[..] else {
            panic!("hole of {hole}\n{}", sources(&analysis))
        };
        assert!(fact.count > 50, "{}", fact.count);
        let first = analysis
            .sources
            .iter()
            .find(|s| s.path.ends_with("kubelet.log"));
        assert_eq!(first.unwrap().coverage.bytes, (hole + log.len()) as u64);
    }
}

#[test]
fn rotated_files_of_a_container_join_by_run() {
    let zone = Zone(0);
    let entries = no_cni("n7", NOON);
    let lines: Vec<String> = entries.iter().map(|e| zone.cri(e)).collect();
    let half = lines.len() / 2;
    let folder = "namespaces/kube-system/pods/net-x7v2k/net/net/logs";
    let analysis = run::members(&[
        Member::new(
            &format!("{folder}/rotated/0.log.20260302-120100.gz"),
            archive::gzip(lines[..half].concat().as_bytes()),
        ),
        Member::new(
            &format!("{folder}/rotated/0.log.20260302-120500"),
            lines[half..].concat(),
        ),
        Member::new(
            &format!("{folder}/current.log"),
            zone.cri(&runtime_start(NOON + 700)),
        ),
    ]);
    let parts: Vec<bool> = analysis
        .sources
        .iter()
        .map(|s| s.why.contains(" of 2 of one log"))
        .collect();
    assert_eq!(parts, [false, true, true], "{}", sources(&analysis));
}

#[test]
fn a_copy_in_the_same_place_is_no_part() {
    let zone = Zone(0);
    let entries = no_cni("n7", NOON);
    let lines: Vec<String> = entries.iter().map(|e| zone.cri(e)).collect();
    let half = lines[..lines.len() / 2].concat();
    let analysis = run::members(&[
        Member::new("n7/kubelet.log", lines.concat()),
        Member::new("n7/kubelet.log.gz", archive::gzip(half.as_bytes())),
    ]);
    let [fact] = of_kind(&analysis, "cni/not-initialized")[..] else {
        panic!("not one fact\n{}", sources(&analysis))
    };
    assert_eq!(fact.count, 61);
}
