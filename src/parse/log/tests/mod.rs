mod exports;
mod journals;

use super::*;
use crate::base::time::Instant;
use proptest::prelude::*;

fn when(stamp: Option<RawStamp>) -> String {
    match stamp {
        None => String::from("-"),
        Some(RawStamp::Utc { ns, .. }) => Instant(ns).rfc3339(),
        Some(RawStamp::Boot { ns }) => format!("boot {ns}"),
        Some(
            stamp @ RawStamp::Local {
                year, month, day, ..
            },
        ) => {
            let year = year.map_or_else(|| String::from("?"), |y| y.to_string());
            let clock = Instant(stamp.reading()).clock();
            format!("{year}-{month}-{day} {clock} local")
        }
        Some(other) => format!("{other:?}"),
    }
}

#[track_caller]
fn case<'a>(chunk: &'a str, names: &[&str], time_: &str, level_: char, text: &str) -> Record<'a> {
    let r = record(chunk.as_bytes());
    let first = chunk.lines().next().unwrap_or("").as_bytes();
    assert_eq!(formats(first), names, "{chunk}");
    assert_eq!(when(r.time), time_, "{chunk}");
    assert_eq!(when(time(first)), time_, "cheap: {chunk}");
    assert_eq!(r.level.letter(), level_, "{chunk}");
    assert_eq!(level(first).letter(), level_, "cheap: {chunk}");
    assert_eq!(String::from_utf8_lossy(&r.text), text);
    assert!(r.message <= r.text.len());
    r
}

#[test]
fn container_runtimes() {
    let r = case(
        "2026-11-20T17:08:32.287542535Z stderr F I1120 12:08:32.085218      86 flags.go:59] FLAG: --x=\"false\"",
        &["cri", "klog"],
        "2026-11-20T17:08:32.085218Z",
        'I',
        "FLAG: --x=\"false\"",
    );
    assert_eq!((r.zone, r.pid), (Some(-5 * 3600), Some(86)));
    assert_eq!(r.caller.as_deref(), Some("flags.go:59"));
    assert!(matches!(r.text, Cow::Borrowed(_)));
    case(
        r#"{"log":"E1120 17:08:32.085218       1 a.go:59] \"Bad\" err=\"x: \\\"y\\\"\"\n","stream":"stderr","time":"2026-11-20T17:08:32.1Z"}"#,
        &["docker", "klog"],
        "2026-11-20T17:08:32.085218Z",
        'E',
        "Bad err=x: \"y\"",
    );
    case(
        r#"{"log":"time=\"2024-02-09T03:04:05+08:00\" level=warning msg=\"a b\"\r\n","stream":"stdout","time":"2024-02-08T19:04:06Z"}"#,
        &["docker", "logfmt"],
        "2024-02-08T19:04:05Z",
        'W',
        "a b",
    );
    case(
        "2026-11-20T16:59:50.8+08:00 stdout F hello",
        &["cri"],
        "2026-11-20T08:59:50.800Z",
        '?',
        "hello",
    );
    case(
        "2026-11-20T16:59:50Z stdout F",
        &["cri"],
        "2026-11-20T16:59:50Z",
        '?',
        "",
    );
}

#[test]
fn syslogs() {
    case(
        "Feb  9 03:04:05 host dockerd: time=\"2024-02-09T03:04:05+08:00\" level=error msg=bad",
        &["syslog", "logfmt"],
        "2024-02-08T19:04:05Z",
        'E',
        "bad",
    );
    case(
        "<27>Feb  9 03:04:05 host app[3]: it broke",
        &["syslog"],
        "?-2-9 03:04:05 local",
        'E',
        "it broke",
    );
    let r = case(
        "<34>1 2024-02-09T03:04:05.123Z host app 812 ID47 [sd@1 k=\"v]\"][x] I0209 03:04:05.100000       7 a.go:1] y",
        &["rfc5424", "klog"],
        "2024-02-09T03:04:05.100Z",
        'I',
        "y",
    );
    assert_eq!(r.ident.as_deref(), Some("app"));
    for (line, host) in [
        (
            "2024-02-09T03:04:05Z n1 kubelet 24 - - it broke",
            Some("n1"),
        ),
        (
            "2024-02-09T03:04:05Z ERROR-1 kubelet 24 - - it broke",
            Some("ERROR-1"),
        ),
        (
            "2024-02-09T03:04:05Z n1 kubelet 24 - [sd@1 k=\"v\"] it broke",
            Some("n1"),
        ),
        // Layouts of applications: a level, a thread, a number.
        ("2024-02-09T03:04:05Z INFO main 1 - [http] it broke", None),
        ("2024-02-09T03:04:05Z INFO main 1 - - it broke", None),
        ("2024-02-09T03:04:05Z main worker 1 - [http] it broke", None),
    ] {
        assert_eq!(record(line.as_bytes()).host.as_deref(), host, "{line}");
    }
    case(
        "2024-02-09T03:04:05.123456+08:00 host kubelet[9]: I0209 03:04:05.100000       9 a.go:1] y",
        &["syslog", "klog"],
        "2024-02-08T19:04:05.100Z",
        'I',
        "y",
    );
    // One line holds a dump.
    case(
        "Feb  9 03:04:05 host app[3]: panic: boom#012#012goroutine 1 [running]:#012main.main()#012#011/x.go:1 +0x1",
        &["syslog"],
        "?-2-9 03:04:05 local",
        '?',
        "panic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\t/x.go:1 +0x1",
    );
    case(
        "Feb  9 03:04:05 host last message repeated 5 times",
        &["syslog"],
        "?-2-9 03:04:05 local",
        '?',
        "last message repeated 5 times",
    );
}

#[test]
fn kubectl_and_others() {
    case(
        "[pod/web-1/web] 2024-02-09T03:04:05.1Z I0209 03:04:05.050000       1 a.go:1] x",
        &["kubectl-prefix", "timestamps", "klog"],
        "2024-02-09T03:04:05.050Z",
        'I',
        "x",
    );
    case(
        "web-1 web 2024-02-09T03:04:05.1Z stdout F E0209 03:04:05.050000       1 a.go:1] x",
        &["stern", "cri", "klog"],
        "2024-02-09T03:04:05.050Z",
        'E',
        "x",
    );
    case(
        "etcd_1  | 2024-02-09 03:04:05.123456 N | etcdserver: x",
        &["compose", "capnslog"],
        "2024-2-9 03:04:05 local",
        'I',
        "etcdserver: x",
    );
    case(
        "\u{feff}\u{1b}[36mINFO\u{1b}[0m[0013] message   key=value",
        &["logfmt"],
        "-",
        'I',
        "message key=value",
    );
    case(
        r#"{"insertId":"x","resource":{"type":"k8s_container","labels":{"container_name":"etcd"}},"severity":"ERROR","textPayload":"it broke\n","timestamp":"2024-02-09T03:04:05.5Z"}"#,
        &["cloud-logging"],
        "2024-02-09T03:04:05.500Z",
        'E',
        "it broke",
    );
    case(
        "just words: nothing known",
        &[],
        "-",
        '?',
        "just words: nothing known",
    );
    case("two words and a b c", &[], "-", '?', "two words and a b c");
    case("", &[], "-", '?', "");
}

#[test]
fn records_of_many_lines() {
    case(
        "Nov 20 17:06:13 cp1 x[60]: I1120 17:06:13.398027      60 trace.go:205] Trace[42]: \"List\" (total time: 1ms):\n\
         Nov 20 17:06:13 cp1 x[60]: Trace[42]: [1.2s] [1.2s] END",
        &["journald", "klog"],
        "?-11-20 17:06:13 local",
        'I',
        "Trace[42]: \"List\" (total time: 1ms):\nTrace[42]: [1.2s] [1.2s] END",
    );
    // Indented by journalctl, not prefixed.
    case(
        "Nov 20 17:06:13 cp1 x[60]: first\n                           second",
        &["journald"],
        "?-11-20 17:06:13 local",
        '?',
        "first\nsecond",
    );
    // Pieces of one line: the first piece has the time.
    case(
        "2024-02-09T03:04:05Z stderr P E0209 03:04:05.050000       1 a.go:1] \"x\" err=\"ab\n2024-02-09T03:04:06Z stderr F cd\"",
        &["cri", "klog"],
        "2024-02-09T03:04:05.050Z",
        'E',
        "x err=abcd",
    );
    case(
        "E0209 03:04:05.050000       1 a.go:1] \"diff\" out=<\r\n\tone\r\n\ttwo\r\n > pod=\"ns/a\"",
        &["klog"],
        "?-2-9 03:04:05 local",
        'E',
        "diff out=one\ntwo pod=ns/a",
    );
    case(
        "2024-02-09T03:04:05Z stderr F E0209 03:04:05.050000       1 a.go:1] \"diff\" out=<\n\
         2024-02-09T03:04:05Z stderr F \tone\n2024-02-09T03:04:05Z stderr F  > pod=\"ns/a\"",
        &["cri", "klog"],
        "2024-02-09T03:04:05.050Z",
        'E',
        "diff out=one pod=ns/a",
    );
}

#[test]
fn where_records_start() {
    for line in [
        "I1120 17:39:18.331521      65 flags.go:64] FLAG: --x",
        "Nov 20 17:06:13 cp1 x[60]: I1120 17:06:13.398027      60 a.go:205] x",
        "Nov 20 17:06:13 cp1 x[60]: Flag --port has been deprecated",
        "2026-11-20T16:59:50.8Z stderr F plain text of an app",
        r#"{"ts":1795194060331.5964,"msg":"x","v":0}"#,
        r#"time="2026-11-20T17:02:06.517338974Z" level=info msg="x""#,
        "2026-11-20 17:00:59.098538 I | etcdmain: x",
        "raft2026/11/20 17:10:09 INFO: x",
        "panic: boom",
        "fatal error: concurrent map writes",
        "http2: panic serving 127.0.0.1:1: x",
        "[ 1313.273392] cni0: x",
        "[INFO] plugin/reload: x",
        "__CURSOR=s=1",
    ] {
        assert!(starts_record(line.as_bytes()), "{line}");
    }
    for line in [
        "",
        "\r\n",
        "Trace[42]: [1.2s] [1.2s] END",
        "Nov 20 17:06:13 cp1 x[60]: Trace[42]: [1.2s] [1.2s] END",
        "Nov 20 17:06:13 cp1 x[60]: goroutine 5 [running]:",
        "2026-11-20T16:59:50.8Z stderr F \t/src/x.go:12 +0x1",
        "2026-11-20T16:59:50.8Z stderr F",
        r#"{"log":"\tat x\n","stream":"stdout","time":"2024-02-09T03:04:05Z"}"#,
        "\tline of a block",
        "goroutine 5 [running]:",
        "k8s.io/x.(*T).run(0x1)",
        "apiVersion: kubescheduler.config.k8s.io/v1beta1",
        "[-]etcd failed: reason withheld",
        "MESSAGE=I1120 17:39:18.331521      65 a.go:64] x",
    ] {
        assert!(!starts_record(line.as_bytes()), "{line}");
    }
}

#[test]
fn pieces() {
    let stream = |line: &'static str| {
        let line = line.as_bytes();
        partial(line).then(|| writer(line).0)
    };
    for (line, expected) in [
        (
            "2024-02-09T03:04:05Z stderr P abc",
            Some(Some(Stream::Stderr)),
        ),
        (
            "2024-02-09T03:04:05Z stdout P:x abc",
            Some(Some(Stream::Stdout)),
        ),
        ("2024-02-09T03:04:05Z stdout F abc", None),
        (
            r#"{"log":"abc","stream":"stdout","time":"2024-02-09T03:04:05Z"}"#,
            Some(Some(Stream::Stdout)),
        ),
        (
            r#"{"log":"abc\n","stream":"stdout","time":"2024-02-09T03:04:05Z"}"#,
            None,
        ),
        // An agent takes the line end off.
        (
            r#"{"log":"abc","stream":"stdout","kubernetes":{"host":"n1","container_name":"c"}}"#,
            None,
        ),
        (r#"{"log":"cut"#, None),
        ("abc", None),
    ] {
        assert_eq!(stream(line), expected, "{line}");
    }
    for length in LINE_MAX {
        let line = format!("Nov 20 17:06:13 n c[5]: {}", "a".repeat(length));
        assert!(partial(line.as_bytes()), "{length}");
        assert!(!partial(line.get(1..).unwrap().as_bytes()));
        assert_eq!(
            writer(line.as_bytes()),
            (None, Some(b"c".as_slice()), Some(5))
        );
    }
}

#[test]
fn klog_without_its_header() {
    for (line, text) in [
        (
            "2026-11-20T17:08:32.2Z stderr F \"Failed to update lease\" err=\"x: \\\"y\\\"\" lock=\"a/b\"",
            "Failed to update lease err=x: \"y\" lock=a/b",
        ),
        ("2026-11-20T17:08:32.2Z stderr F \"Started\"", "Started"),
    ] {
        case(
            line,
            &["cri", "klog"],
            "2026-11-20T17:08:32.200Z",
            '?',
            text,
        );
    }
    for line in [
        "\"a\" and \"b\" differ",
        "\"open",
        "\"a\", \"b\"",
        "\"a\": 1",
    ] {
        assert_eq!(record(line.as_bytes()).text, line.as_bytes());
    }
}

#[test]
fn lines_that_a_syslog_folded() {
    let r = case(
        "Feb  9 03:04:05 n1 kubelet[7]: message repeated 3 times: [ E0209 03:04:05.500000       7 a.go:1] x]",
        &["syslog", "klog"],
        "?-2-9 03:04:05 local",
        'E',
        "x",
    );
    assert_eq!((r.repeats, r.ident.as_deref()), (3, Some("kubelet")));
    for (line, expected) in [
        ("Feb  9 03:04:05 n1 last message repeated 5 times", Some(5)),
        (
            "Feb 09 03:04:05 n1 kubelet[7]: last message repeated 1 times",
            Some(1),
        ),
        ("Feb 09 03:04:05 n1 kubelet[7]: the message repeated", None),
        ("last message repeated many times", None),
    ] {
        assert_eq!(came_again(line.as_bytes()), expected, "{line}");
    }
}

#[test]
fn a_dump_in_one_line_is_unquoted() {
    let line = br#"time="2026-11-20T17:02:06Z" level=info msg="=== BEGIN goroutine stack dump ===\ngoroutine 1 [running]:\nmain.main()\n\t/x.go:1 +0x1\n""#;
    let r = record(line);
    assert!(r.text.ends_with(b"main.main()\n\t/x.go:1 +0x1"));
    assert_eq!(r.message, r.text.len());
    // journald cut it; the pieces come back together.
    let (a, b) = ("a".repeat(LINE_MAX[0] - 80), "rest");
    let head = format!("time=\"2026-11-20T17:02:06Z\" level=x msg=\"{a}");
    let pad = "b".repeat(LINE_MAX[0] - head.len());
    let chunk = format!("Nov 20 17:06:13 n c[5]: {head}{pad}\nNov 20 17:06:13 n c[5]: {b}\"");
    assert_eq!(
        record(chunk.as_bytes()).text.len(),
        a.len() + pad.len() + b.len()
    );
}

/// Bytes that look like logs more often than chance.
fn logs() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        Just("2024-02-09T03:04:05.1Z stderr F "),
        Just("2024-02-09T03:04:05Z stdout P "),
        Just("Nov 20 17:06:13 cp1 x[60]: "),
        Just("<34>1 2024-02-09T03:04:05.123Z host app 812 ID47 [sd@1 k=\"v]\"] "),
        Just("I1120 17:06:13.398027      60 a.go:205] "),
        Just("{\"log\":\""),
        Just("\\n\",\"stream\":\"stderr\",\"time\":\"2024-02-09T03:04:05Z\"}"),
        Just("{\"level\":\"info\",\"ts\":1707419045.5,\"msg\":\""),
        Just("\"__REALTIME_TIMESTAMP\":\"1707419045123456\",\"MESSAGE\":[1,2]"),
        Just("time=\"2024-02-09T03:04:05Z\" level=info msg=\"a\\n\\t\""),
        Just("\"msg\" err=\"x\" out=<\n\t"),
        Just("[2024-02-09 03:04:05.123][1][info]["),
        Just("2024-02-09 03:04:05.123 [INFO][853] a 4: "),
        Just("__CURSOR=s\nMESSAGE\n\u{5}\0\0\0\0\0\0\0ab"),
        Just(
            "{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"verb\":\"get\",\"objectRef\":{"
        ),
        Just("\u{1b}[3"),
        Just("1.7e+09\tINFO\tx\t{"),
        Just("}"),
        Just("\\"),
        Just("\""),
        Just("\n"),
        Just("#012"),
        Just("Fri 2026-11-20 17:06:13.1 UTC [s=ab;i=1]\n    MESSAGE="),
        Just("    _HOSTNAME=n1\n            x\n"),
        Just("[   12.345678 <    0.000123 >] n7 kubelet[60]: "),
        Just("data: {\"__REALTIME_TIMESTAMP\":\"1\",\"MESSAGE\":\""),
        Just("EVENTS\t1\ta-b\t"),
        Just("\t1795194373398"),
        Just("[{\"field\":\"@message\",\"value\":\""),
        Just("message repeated 3 times: [ "),
    ];
    let piece = prop_oneof![
        3 => part.prop_map(|s: &str| s.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..12),
    ];
    proptest::collection::vec(piece, 0..10).prop_map(|p| p.concat())
}

proptest! {
    #[test]
    fn any_bytes_make_a_record(chunk in logs()) {
        let r = record(&chunk);
        prop_assert!(r.message <= r.text.len());
        match ident(&chunk) {
            Ident::Named(program) => prop_assert_eq!(r.ident, Some(program)),
            Ident::Absent => prop_assert_eq!(r.ident, None),
            Ident::Hidden => {}
        }
        for line in chunk.split(|c| *c == b'\n') {
            let _ = (time(line), starts_record(line), formats(line));
            let partial = partial(line);
            prop_assert_eq!(glance(line), Glance { level: level(line), partial });
        }
    }

    #[test]
    fn noise_makes_a_record(chunk in proptest::collection::vec(any::<u8>(), 0..200)) {
        let r = record(&chunk);
        prop_assert!(r.message <= r.text.len());
    }
}
