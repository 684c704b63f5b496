//! The same log in every form that journalctl, a syslog and the log services of clouds give it in.

use chrono::DateTime;
use kforensics::model::Analysis;
use serde_json::json;

use super::planted::{Entry, NOON, Zone, no_cni, runtime_start, text};
use super::{Planted, sources};
use crate::support::archive::Member;
use crate::support::run;

/// One form of a log: from its lines to the file.
type Form = fn(&[Entry]) -> String;

const UTC: Zone = Zone(0);

fn at(entry: &Entry, pattern: &str) -> String {
    let time = DateTime::from_timestamp(entry.at, 284_300_000).unwrap();
    time.format(pattern).to_string()
}

/// The fields of an entry of the journal.
fn fields(entry: &Entry) -> serde_json::Value {
    json!({
        "__CURSOR": "s=ab",
        "__REALTIME_TIMESTAMP": format!("{}284300", entry.at),
        "_HOSTNAME": "n7",
        "SYSLOG_IDENTIFIER": entry.who,
        "_PID": "3186",
        "MESSAGE": UTC.plain(entry),
    })
}

/// An entry of Cloud Logging; `header`: the agent left klog's header on the message.
fn log_entry(entry: &Entry, header: bool) -> serde_json::Value {
    let line = UTC.plain(entry);
    let message = match line.split_once("] ") {
        Some((_, message)) if !header => message,
        _ => &line,
    };
    json!({
        "insertId": format!("x{}", entry.at),
        "jsonPayload": {"MESSAGE": message, "SYSLOG_IDENTIFIER": entry.who, "_HOSTNAME": "n7"},
        "logName": "projects/p/logs/kubelet",
        "resource": {"type": "k8s_node", "labels": {"node_name": "n7"}},
        "severity": "INFO",
        "timestamp": at(entry, "%Y-%m-%dT%H:%M:%S%.6fZ"),
    })
}

fn event(entry: &Entry) -> serde_json::Value {
    json!({
        "logStreamName": "n7",
        "timestamp": entry.at * 1000 + 284,
        "message": UTC.plain(entry),
        "ingestionTime": entry.at * 1000 + 900,
    })
}

fn verbose(entry: &Entry) -> String {
    let stamp = at(entry, "%a %Y-%m-%d %H:%M:%S%.6f");
    format!(
        "{stamp} UTC [s=ab;i=1;b=2;m=3;t=4;x=5]\n    PRIORITY=6\n    _HOSTNAME=n7\n    SYSLOG_IDENTIFIER={}\n    _PID=3186\n    MESSAGE={}\n    _TRANSPORT=stdout\n",
        entry.who,
        UTC.plain(entry)
    )
}

fn export(entry: &Entry) -> String {
    let fields = fields(entry);
    let mut text: String = fields
        .as_object()
        .unwrap()
        .iter()
        .map(|(k, v)| (k == "__CURSOR", format!("{k}={}\n", v.as_str().unwrap())))
        .fold(
            String::new(),
            |t, (first, line)| {
                if first { line + &t } else { t + &line }
            },
        );
    text.push('\n');
    text
}

/// A line with this in front of `host program[pid]: `.
fn journal(entry: &Entry, stamp: &str) -> String {
    format!("{stamp} n7 {}[3186]: {}\n", entry.who, UTC.plain(entry))
}

const FORMS: [(&str, Form); 21] = [
    ("short-full", |e| {
        text(e, |e| journal(e, &at(e, "%a %Y-%m-%d %H:%M:%S UTC")))
    }),
    ("short-iso-precise", |e| {
        text(e, |e| journal(e, &at(e, "%Y-%m-%dT%H:%M:%S%.6f+0000")))
    }),
    ("short-iso-precise, newer", |e| {
        text(e, |e| journal(e, &at(e, "%Y-%m-%dT%H:%M:%S%.6f+00:00")))
    }),
    ("short-unix", |e| {
        text(e, |e| journal(e, &format!("{}.284300", e.at)))
    }),
    ("short-monotonic", |e| {
        text(e, |e| {
            journal(e, &format!("[{:5}.284300]", e.at - NOON + 100))
        })
    }),
    ("short-delta", |e| {
        text(e, |e| {
            journal(
                e,
                &format!("[{:5}.284300 <    4.000000 >]", e.at - NOON + 100),
            )
        })
    }),
    ("with-unit", |e| {
        text(e, |e| {
            let stamp = at(e, "%a %Y-%m-%d %H:%M:%S UTC");
            format!("{stamp} n7 {}.service[3186]: {}\n", e.who, UTC.plain(e))
        })
    }),
    ("cat", |e| text(e, |e| UTC.line(e))),
    ("verbose", |e| text(e, verbose)),
    ("export", |e| text(e, export)),
    ("json", |e| text(e, |e| format!("{}\n", fields(e)))),
    ("json-pretty", |e| {
        text(e, |e| {
            let pretty = serde_json::to_string_pretty(&fields(e)).unwrap();
            format!("{}\n", pretty.replace("\": \"", "\" : \""))
        })
    }),
    ("json-sse", |e| {
        text(e, |e| format!("data: {}\n\n", fields(e)))
    }),
    ("json-seq", |e| {
        text(e, |e| format!("\u{1e}{}\n", fields(e)))
    }),
    ("RFC 5424 with structured data", |e| {
        text(e, |e| {
            let stamp = at(e, "%Y-%m-%dT%H:%M:%S%.6fZ");
            format!(
                "<30>1 {stamp} n7 {} 3186 - [meta sequenceId=\"1\" x=\"a\\]b\"] {}\n",
                e.who,
                UTC.plain(e)
            )
        })
    }),
    ("Cloud Logging, lines", |e| {
        text(e, |e| format!("{}\n", log_entry(e, true)))
    }),
    ("Cloud Logging, newest first, no headers", |e| {
        let mut entries: Vec<_> = e.iter().map(|e| (e.at, log_entry(e, false))).collect();
        entries.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        let entries: Vec<_> = entries.into_iter().map(|(_, e)| e).collect();
        serde_json::to_string_pretty(&entries).unwrap()
    }),
    ("CloudWatch, events", |e| {
        let events: Vec<_> = e.iter().map(event).collect();
        serde_json::to_string_pretty(&json!({"events": events, "searchedLogStreams": []})).unwrap()
    }),
    ("CloudWatch, a query on one line", |e| {
        let row = |e: &Entry| json!({"@timestamp": at(e, "%Y-%m-%d %H:%M:%S%.3f"), "@message": UTC.plain(e)});
        let rows: Vec<_> = e.iter().map(row).collect();
        serde_json::to_string(&rows).unwrap()
    }),
    ("CloudWatch, text", |e| {
        text(e, |e| {
            format!(
                "EVENTS\t{}\t{}\t{}\n",
                e.at * 1000,
                UTC.plain(e),
                e.at * 1000
            )
        })
    }),
    ("CloudWatch, tail", |e| {
        text(e, |e| {
            let stamp = at(e, "%Y-%m-%dT%H:%M:%S%.6f+00:00");
            format!("{stamp} n7-kubelet {}\n", UTC.plain(e))
        })
    }),
];

fn analyzed(log: String) -> Analysis {
    run::members(&[
        Member::new("n7/kubelet.log", log),
        Member::new("n7/containerd.log", UTC.line(&runtime_start(NOON - 70))),
    ])
}

#[test]
fn a_log_says_the_same_in_every_form() {
    for (name, form) in FORMS {
        println!("{name}");
        let analysis = analyzed(form(&no_cni("n7", NOON)));
        Planted::no_cni("node/n7", NOON).in_first(&analysis);
        let fact = analysis
            .facts
            .iter()
            .find(|f| f.kind == "cni/not-initialized")
            .unwrap();
        assert_eq!(fact.count, 61, "{name}\n{}", sources(&analysis));
        let last = fact.span.last.unwrap().at.rfc3339();
        assert!(last.starts_with("2026-03-02T12:04:5"), "{name}: {last}");
        let log = &analysis.sources[1];
        assert_eq!(log.scope.node.as_deref(), Some("n7"), "{name}");
        // Quotes stand on the lines of the file.
        let place = fact.evidence()[0].place;
        assert!(
            place.line >= 1 && place.line <= log.coverage.lines,
            "{name}"
        );
    }
}

#[test]
fn newest_first_is_read_in_the_order_of_time() {
    let line = |minute: i64, pid: u64| {
        json!({
            "insertId": format!("{minute}"),
            "textPayload": format!("I0302 12:{minute:02}:00.000000 {pid:7} controller.go:132] syncing {minute}"),
            "timestamp": format!("2026-03-02T12:{minute:02}:00Z"),
        })
        .to_string()
    };
    // One process until 12:20, nothing for ten minutes, then another one.
    let mut lines: Vec<String> = (0..=20).map(|m| line(m, 11)).collect();
    lines.extend((30..50).map(|m| line(m, 12)));
    // Only one line in 64 is asked for its process.
    let mut many: Vec<String> = lines.iter().flat_map(|l| vec![l.clone(); 70]).collect();
    many.reverse();
    let analysis = run::members(&[Member::new(
        "cp1/kube-controller-manager.json",
        many.join("\n"),
    )]);
    let source = &analysis.sources[0];
    assert!(
        source.note.contains("newest line first"),
        "{}",
        sources(&analysis)
    );
    let longest = source.coverage.pauses.first().unwrap();
    let minutes = (longest.to.reading() - longest.from.reading()) / 60_000_000_000;
    assert_eq!(minutes, 10);
    let restarted: Vec<_> = analysis
        .facts
        .iter()
        .filter(|f| f.kind == "component/restarted")
        .map(|f| (f.key("old-pid"), f.key("pid")))
        .collect();
    assert_eq!(restarted, [(Some("11"), Some("12"))]);
}

#[test]
fn what_a_syslog_folded_is_counted() {
    let entries = no_cni("n7", NOON);
    let victim = entries.iter().find(|e| e.at == NOON + 5).unwrap();
    let whole = text(&entries, |e| UTC.journal("n7", e));
    let line = UTC.journal("n7", victim);
    let (head, message) = line.trim_end().split_once("]: ").unwrap();
    for folded in [
        format!("{line}{head}]: message repeated 7 times: [ {message}]\n"),
        format!("{line}Mar 02 12:00:06 n7 last message repeated 7 times\n"),
        format!("{line}{head}]: last message repeated 7 times\n"),
    ] {
        let analysis = analyzed(whole.replace(&line, &folded));
        let fact = analysis
            .facts
            .iter()
            .find(|f| f.kind == "cni/not-initialized")
            .unwrap();
        assert_eq!(fact.count, 61 + 7, "{folded}");
    }
}

#[test]
fn a_line_that_journald_cut_is_read_whole() {
    let entries = no_cni("n7", NOON);
    let whole = text(&entries, |e| UTC.journal("n7", e));
    let count = |log: String| {
        let analysis = analyzed(log);
        let fact = analysis
            .facts
            .iter()
            .find(|f| f.kind == "cni/not-initialized");
        fact.map_or(0, |f| f.count)
    };
    assert_eq!(count(whole.clone()), 61);
    // A long line whose decisive words are cut in two, with another process between.
    let long = UTC.journal("n7", entries.iter().find(|e| e.at == NOON + 295).unwrap());
    let (head, message) = long.trim_end().split_once("]: ").unwrap();
    let split = message.find("PluginNotReady").unwrap();
    let filler = "x".repeat(2048 - split - " filler=\"\"".len());
    let wider = format!("\" filler=\"{filler}\" networkReady");
    let begin = message[..split].replacen("\" networkReady", &wider, 1);
    assert_eq!(begin.len(), 2048);
    let cut = |rest_of: &str| {
        format!(
            "{head}]: {begin}\nMar 02 12:04:55 n7 systemd[1]: Started x.\n{rest_of}]: {}\n",
            &message[split..]
        )
    };
    assert_eq!(count(whole.replace(&long, &cut(head))), 61);
    // The rest of another process is not its rest.
    let other = head.replace("[3186", "[99");
    assert_eq!(count(whole.replace(&long, &cut(&other))), 60);
}

#[test]
fn klog_without_headers_is_told_by_its_wrapper() {
    let bare = |e: &Entry| {
        let line = UTC.cri(e);
        match line.split_once("] ") {
            Some((head, message)) => {
                let (wrapper, _) = head.split_once(" F ").unwrap();
                format!("{wrapper} F {message}")
            }
            None => line,
        }
    };
    let analysis = analyzed(text(&no_cni("n7", NOON), bare));
    Planted::no_cni("node/n7", NOON).in_first(&analysis);
}
