//! journald in its output modes.

use super::*;

#[test]
fn journals() {
    let r = case(
        "Nov 20 17:06:13 cp1 kube-apiserver[60]: I1120 17:06:13.398027      61 client.go:360] parsed scheme",
        &["journald", "klog"],
        "?-11-20 17:06:13 local",
        'I',
        "parsed scheme",
    );
    assert_eq!(r.host.as_deref(), Some("cp1"));
    assert_eq!(r.ident.as_deref(), Some("kube-apiserver"));
    assert_eq!(r.pid, Some(61));
    let r = case(
        r#"Nov 21 01:02:25 node1 containerd[52]: time="2026-11-20T17:02:25.376078886Z" level=info msg="starting containerd" version="1.6""#,
        &["journald", "logfmt"],
        "2026-11-20T17:02:25.376078Z",
        'I',
        "starting containerd version=1.6",
    );
    assert_eq!((r.zone, r.pid), (Some(8 * 3600), Some(52)));
    case(
        r#"Nov 20 17:02:25 cp1 etcd[5]: {"level":"warn","ts":"2026-11-20T17:02:25.123Z","caller":"a/b.go:1","msg":"slow","took":"1s"}"#,
        &["journald", "json"],
        "2026-11-20T17:02:25.123Z",
        'W',
        "slow took=1s",
    );
    case(
        "2024-02-09T03:04:05+0800 host kubelet[7]: W0209 03:04:05.500000       7 a.go:1] x",
        &["journald", "klog"],
        "2024-02-08T19:04:05.500Z",
        'W',
        "x",
    );
    case(
        "Fri 2024-02-09 03:04:05 CST host kubelet.service[7]: E0209 03:04:05.500000       7 a.go:1] x",
        &["journald", "klog"],
        "2024-2-9 03:04:05 local",
        'E',
        "x",
    );
    case(
        "1707419045.123456 host dockerd[7]: hello",
        &["journald"],
        "2024-02-08T19:04:05.123456Z",
        '?',
        "hello",
    );
    case(
        "Feb 09 03:04:05 host kernel: oom-kill:constraint=x",
        &["journald"],
        "?-2-9 03:04:05 local",
        '?',
        "oom-kill:constraint=x",
    );
    let r = case(
        r#"{"__CURSOR":"s","__REALTIME_TIMESTAMP":"1707419045123456","PRIORITY":"6","_HOSTNAME":"n1","SYSLOG_IDENTIFIER":"kubelet","_PID":"7","MESSAGE":"E0208 19:04:05.100000       7 a.go:1] \"x\" err=\"y\""}"#,
        &["journal-json", "klog"],
        "2024-02-08T19:04:05.100Z",
        'E',
        "x err=y",
    );
    assert_eq!(r.host.as_deref(), Some("n1"));
    let r = record(b"{\"__REALTIME_TIMESTAMP\":\"1707419045123456\",\"MESSAGE\":[73,255,10]}");
    assert_eq!(&*r.text, b"I\xff\n");
    let r = record(
        b"__CURSOR=s=1\n__REALTIME_TIMESTAMP=1707419045123456\n_HOSTNAME=n1\nMESSAGE\n\x05\0\0\0\0\0\0\0a\nb c\n_PID=7",
    );
    assert_eq!((&*r.text, r.pid), (b"a\nb c".as_slice(), Some(7)));
    assert_eq!(when(r.time), "2024-02-08T19:04:05.123456Z");
}

#[test]
fn journals_of_other_locales() {
    case(
        "11月 10 11:13:26 n3 k3s[52749]: E1110 11:13:26.574951   52749 authentication.go:73] it broke",
        &["journald", "klog"],
        "?-11-10 11:13:26 local",
        'E',
        "it broke",
    );
    for line in [
        " 7月 09 11:13:26 n3 app[3]: it broke",
        "7月 09 11:13:26 n3 app[3]: it broke",
        "7월 09 11:13:26 n3 app[3]: it broke",
    ] {
        let r = case(line, &["journald"], "?-7-9 11:13:26 local", '?', "it broke");
        assert_eq!(r.ident.as_deref(), Some("app"));
    }
}

#[test]
fn lines_whose_begin_was_cut_off() {
    for line in [
        "kubelet[812]: E0209 03:04:05.123456     812 a.go:1] it broke",
        "03:04:05 n1 kubelet[812]: E0209 03:04:05.123456     812 a.go:1] it broke",
        "9 03:04:05 n1 kubelet[812]: E0209 03:04:05.123456     812 a.go:1] it broke",
    ] {
        let r = case(
            line,
            &["clipped", "klog"],
            "?-2-9 03:04:05 local",
            'E',
            "it broke",
        );
        assert_eq!((r.ident.as_deref(), r.pid), (Some("kubelet"), Some(812)));
    }
    // What follows is no format of its own: the line may be anybody's.
    let r = record(b"kubelet[812]: it broke");
    assert_eq!(&*r.text, b"kubelet[812]: it broke");
}

#[test]
fn journals_of_several_lines_an_entry() {
    let r = record(
        b"Fri 2026-11-20 17:06:13.123456 CST [s=ab12;i=1f;b=2;m=3;t=4;x=5]\n    _HOSTNAME=n1\n    PRIORITY=6\n    MESSAGE=E1120 17:06:13.398027      60 a.go:1] \"Bad\" err=\"x\"\n    SYSLOG_IDENTIFIER=kubelet\n    _PID=60",
    );
    assert_eq!(r.text, b"Bad err=x".as_slice());
    assert_eq!(
        (when(r.time).as_str(), r.level),
        ("2026-11-20 17:06:13 local", Level::Error)
    );
    assert_eq!(r.host.as_deref(), Some("n1"));
    assert_eq!(r.ident.as_deref(), Some("kubelet"));
    // The message of an entry tells its severity, and no time but that of its entry.
    let line = b"    MESSAGE=E1120 17:06:13.398027      60 a.go:1] bad";
    assert_eq!((level(line), time(line)), (Level::Error, None));
    assert!(!starts_record(line));
    assert!(starts_record(b"Fri 2026-11-20 17:06:13.1 UTC [s=ab;i=1]"));
    let r = record(
        b"Fri 2026-11-20 17:06:13.1 UTC [s=ab;i=1]\n    MESSAGE=panic: x\n            \n            goroutine 1 [running]:\n            main.main()\n    _PID=7\n    _COMM=app",
    );
    assert_eq!(
        String::from_utf8_lossy(&r.text),
        "panic: x\n\ngoroutine 1 [running]:\nmain.main()"
    );
    assert_eq!((r.ident.as_deref(), r.pid), (Some("app"), Some(7)));
}

#[test]
fn journals_since_boot() {
    for line in [
        "[   12.345678] n7 kubelet[60]: hello",
        "[   12.345678 <    0.000123 >] n7 kubelet[60]: hello",
        "[   12.345678 <    0.000123*>] n7 kubelet[60]: hello",
        "[   12.345678                ] n7 kubelet[60]: hello",
    ] {
        let r = case(line, &["journald"], "boot 12345678000", '?', "hello");
        assert_eq!(
            (r.host.as_deref(), r.ident.as_deref()),
            (Some("n7"), Some("kubelet"))
        );
    }
    assert_eq!(
        formats(b"[   12.345678 abc] n7 kubelet[60]: hello").len(),
        0
    );
}

#[test]
fn journals_as_streams_of_json() {
    const ENTRY: &str = r#"{"__REALTIME_TIMESTAMP":"1707419045123456","_HOSTNAME":"n1","SYSLOG_IDENTIFIER":"kubelet","MESSAGE":[69,50]}"#;
    for begin in ["", "data: ", "\u{1e}"] {
        let line = format!("{begin}{ENTRY}");
        let r = case(
            &line,
            &["journal-json"],
            "2024-02-08T19:04:05.123456Z",
            '?',
            "E2",
        );
        assert_eq!(r.host.as_deref(), Some("n1"));
    }
}

#[test]
fn a_first_piece_hides_the_program() {
    let chunk =
        b"2024-02-09T03:04:05Z stdout P \n2024-02-09T03:04:05Z stdout F Nov 20 17:06:13 cp1 x[60]: a";
    assert_eq!(record(chunk).ident.as_deref(), Some("x"));
    assert_eq!(ident(chunk), Ident::Hidden);
}

#[test]
fn months_of_other_languages() {
    for (line, stamp) in [
        (
            "янв 20 00:20:07 n3 app[3]: it broke",
            "?-1-20 00:20:07 local",
        ),
        (
            "мая 09 11:13:26 n3 app[3]: it broke",
            "?-5-9 11:13:26 local",
        ),
        (
            "Okt  9 11:13:26 n3 app[3]: it broke",
            "?-10-9 11:13:26 local",
        ),
        (
            "févr. 09 11:13:26 n3 app[3]: it broke",
            "?-2-9 11:13:26 local",
        ),
        (
            "dic 09 11:13:26 n3 app[3]: it broke",
            "?-12-9 11:13:26 local",
        ),
    ] {
        let formats: &[&str] = if line.starts_with("Okt") {
            &["syslog"]
        } else {
            &["journald"]
        };
        let r = case(line, formats, stamp, '?', "it broke");
        assert_eq!(r.ident.as_deref(), Some("app"));
    }
    // Polish and Czech, or Croatian: another month.
    let r = record(b"lis 20 00:20:07 n3 app[3]: it broke");
    assert_eq!((r.time, r.ident.as_deref()), (None, Some("app")));
    let r = record(b"lis 20 00:20:07 n3 kubelet[3]: E1120 00:20:07.500000       3 a.go:1] bad");
    assert!(r.time.is_some());
    // A word with a number and a time behind it is no month for that.
    assert!(record(b"took 20 00:20:07 of work").time.is_none());
}
