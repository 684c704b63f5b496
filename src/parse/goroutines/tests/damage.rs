//! What transports, terminals and scanners do to a dump, and what must be read all the same.

use super::*;

/// Every line of [`TWO`] through `f`.
fn each(f: impl Fn(&str) -> String) -> String {
    TWO.lines().map(f).collect::<Vec<_>>().join("\n") + "\n"
}

fn quoted() -> String {
    TWO.replace('\n', "\\n").replace('\t', "\\t")
}

/// Both goroutines with all their frames and places.
#[track_caller]
fn whole(name: &str, text: &str) -> Dump {
    let plain = one(TWO);
    let d = one(text);
    assert_eq!(d.goroutines.len(), 2, "{name}: {text}");
    for i in 0..2 {
        assert_eq!(names(&d, i), names(&plain, i), "{name}: {text}");
        for (a, b) in d
            .frames(&d.goroutines[i])
            .iter()
            .zip(plain.frames(&plain.goroutines[i]))
        {
            assert_eq!(
                d.stacks.location(a.site),
                plain.stacks.location(b.site),
                "{name}"
            );
        }
    }
    assert_eq!(d.goroutines[1].minutes, Some(4), "{name}");
    d
}

#[test]
fn prefixes_on_every_line() {
    let cases = [
        (
            "klog",
            each(|l| format!("E1120 17:34:02.384552     100 stacks.go:12] {l}")),
        ),
        (
            "dated",
            each(|l| format!("2026-11-20 17:34:02.384 [INFO] {l}")),
        ),
        ("bracketed", each(|l| format!("[2026-11-20 17:34:02] {l}"))),
        ("a program's name", each(|l| format!("web-1 web {l}"))),
        ("a mail", each(|l| format!("> {l}"))),
        (
            "a mail whose blanks were trimmed",
            each(|l| format!("> {l}").trim_end().to_owned()),
        ),
        ("indented", each(|l| format!("    {l}"))),
        (
            "counting times",
            TWO.lines()
                .enumerate()
                .map(|(i, l)| format!("2026-11-20 17:34:{:02}.{:03} shopd: {l}\n", i, 100 + i))
                .collect::<Vec<_>>()
                .concat(),
        ),
        (
            "the journal as JSON",
            each(|l| {
                format!(
                    "{{\"_PID\":\"58\",\"MESSAGE\":\"{}\",\"SYSLOG_IDENTIFIER\":\"shopd\"}}",
                    l.replace('\t', "\\t")
                )
            }),
        ),
        ("tabs lost", each(|l| l.trim_start().to_owned())),
        ("tabs as blanks", each(|l| l.replace('\t', "        "))),
        ("blank lines lost", TWO.replace("\n\n", "\n")),
        ("a blank line behind each", each(|l| format!("{l}\n"))),
        (
            "a journal with a blank line behind each",
            each(|l| {
                format!(
                    "Nov 20 17:34:02 node1 shopd[58]: {}\n",
                    l.replace('\t', "        ")
                )
            }),
        ),
        (
            "a journal whose tabs are lost",
            each(|l| format!("Nov 20 17:34:02 node1 shopd[58]: {}", l.trim_start())),
        ),
        ("line ends of Windows", each(|l| format!("{l}\r"))),
        (
            "the runtime's log",
            each(|l| format!("2026-11-20T17:34:02.384552000Z stderr F {l}")),
        ),
        (
            "docker's log",
            each(|l| {
                format!(
                    "{{\"log\":\"{}\\n\",\"stream\":\"stderr\",\"time\":\"2026-11-20T17:34:02.384552Z\"}}",
                    l.replace('\t', "\\t")
                )
            }),
        ),
        ("rsyslog's tabs", each(|l| l.replace('\t', "#011"))),
        ("visible tabs", each(|l| l.replace('\t', "^I"))),
        (
            "rsyslog",
            each(|l| {
                format!(
                    "Nov 20 17:34:02 node1 shopd[58]: {}",
                    l.replace('\t', "#011")
                )
            }),
        ),
        (
            "quoted twice",
            format!(
                "{{\"log\":\"{{\\\"msg\\\":\\\"dump\\\\n{}\\\"}}\\n\",\"stream\":\"stderr\"}}\n",
                quoted().replace('\\', "\\\\")
            ),
        ),
        (
            "a member of its own",
            format!("{{\"level\":\"error\",\"stack\":\"{}\"}}\n", quoted()),
        ),
    ];
    for (name, text) in cases {
        whole(name, &text);
    }
}

#[test]
fn a_json_journal_says_whose_and_when() {
    let text = each(|l| {
        format!(
            "{{\"__REALTIME_TIMESTAMP\":\"1795194282000000\",\"_PID\":\"58\",\"MESSAGE\":\"{}\",\"SYSLOG_IDENTIFIER\":\"shopd\"}}",
            l.replace('\t', "\\t")
        )
    });
    let d = whole("json", &text);
    assert_eq!((d.process.as_deref(), d.pid), (Some("shopd"), Some(58)));
    assert!(d.raw_time.is_some());
}

#[test]
fn the_reason_is_read_in_every_wrapping() {
    let text = format!("panic: boom\n\n{TWO}");
    let wrapped =
        |f: &dyn Fn(&str) -> String| text.lines().map(f).collect::<Vec<_>>().join("\n") + "\n";
    for text in [
        wrapped(&|l| {
            format!(
                "{{\"log\":\"{}\\n\",\"stream\":\"stderr\"}}",
                l.replace('\t', "\\t")
            )
        }),
        wrapped(&|l| format!("2026-11-20T17:34:02.1Z stderr F {l}")),
        wrapped(&|l| format!("Nov 20 17:34:02 node1 shopd[58]: {l}")),
    ] {
        let d = one(&text);
        assert_eq!(
            (d.kind, d.prelude[0].text.as_str()),
            (DumpKind::Panic, "panic: boom")
        );
    }
}

#[test]
fn a_chunk_may_end_anywhere() {
    let text = format!(
        "time=\"x\" msg=\"=== BEGIN goroutine stack dump ===\\n{}say \\\"x\\\"\\n=== END goroutine stack dump ===\"",
        quoted()
    );
    for at in 60..text.len() {
        let (a, b) = text.split_at(at);
        let chunked = format!(
            "Nov 20 17:34:02 n containerd[52]: {a}\nNov 20 17:34:02 n kubelet[8]: x\nNov 20 17:34:02 n containerd[52]: {b}\n"
        );
        let all = dumps(&chunked);
        assert_eq!(all.len(), 1, "{at}");
        assert_eq!(
            (all[0].goroutines.len(), all[0].partial),
            (2, false),
            "{at}"
        );
    }
}

#[test]
fn a_quoted_dump_without_its_end_stops_at_the_next_record() {
    let text = format!(
        "Nov 20 17:34:02 n containerd[52]: time=\"x\" msg=\"=== BEGIN goroutine stack dump ===\\n{}\nNov 20 17:34:03 n containerd[52]: time=\"y\" level=info msg=\"shim reaped\"\n",
        &quoted()[..380]
    );
    let d = one(&text);
    assert!(d.partial);
    assert_eq!(d.goroutines.len(), 2);
}

#[test]
fn wrapped_at_any_width() {
    // The function line is the longest that a terminal wraps; its halves are put together wherever they part.
    let plain = one(TWO);
    for width in 40..70 {
        let text: String = TWO
            .lines()
            .flat_map(|l| {
                let mut parts = Vec::new();
                let mut rest = l;
                while rest.len() > width {
                    let (a, b) = rest.split_at(width);
                    parts.push(a);
                    rest = b;
                }
                parts.push(rest);
                parts
            })
            .flat_map(|l| [l, "\n"])
            .collect();
        let d = one(&text);
        assert_eq!(d.goroutines.len(), 2, "{width}: {text}");
        assert_eq!(names(&d, 1), names(&plain, 1), "{width}: {text}");
    }
}

#[test]
fn a_name_wrapped_in_the_middle() {
    let d = one("\
goroutine 7 [select]:
github.com/docker/docker/dae
mon.(*Daemon).ContainerInspect(0xc42)
\t/go/src/x.go:7 +0x1
github.com/docker/docker/daemon.(*Dae
mon).ContainerInspect(0xc42)
\t/go/src/x.go:8 +0x1

goroutine 8 [select]:
main.f()
\t/go/src/x.go:9
");
    assert_eq!(
        names(&d, 0),
        ["github.com/docker/docker/daemon.(*Daemon).ContainerInspect"; 2]
    );
}

#[test]
fn lines_cut_at_the_edge_of_a_terminal() {
    let d = one("\
goroutine 7 [semacquire, 3 minutes]:
sync.runtime_SemacquireMutex(0xc421b30808, 0x0
\t/usr/local/go/src/runtime/sema.go:71 +0x3
main.(*Stock).Reserve(0xc42, 0x
\t/go/src/example.com/shop/main.go:37
main.main()
\t/go/src/example.com/shop/ma

goroutine 8 [select]:
main.f()
\t/go/src/x.go:9
");
    assert_eq!(
        names(&d, 0),
        [
            "sync.runtime_SemacquireMutex",
            "main.(*Stock).Reserve",
            "main.main"
        ]
    );
    assert_eq!(names(&d, 1), ["main.f"]);
}

#[test]
fn an_unreadable_header_takes_no_frames_from_the_one_before() {
    let d = one("\
goroutine 7 [select]:
main.f()
\t/go/src/x.go:7

gor0utine 1 2 [IO wait}:
main.g()
\t/go/src/x.go:8

goroutine l9 [select]:
main.h()
\t/go/src/x.go:9
");
    let ids: Vec<u64> = d.goroutines.iter().map(|g| g.id).collect();
    assert_eq!(ids, [7, 0, 19]);
    for (i, name) in ["main.f", "main.g", "main.h"].into_iter().enumerate() {
        assert_eq!(names(&d, i), [name]);
    }
}

#[test]
fn every_thread_of_a_crash_is_of_one_dump() {
    let d = one("\
SIGQUIT: quit
PC=0x46e281 m=0 sigcode=0

goroutine 0 [idle]:
runtime.futex()
\truntime/sys_linux_amd64.s:5 +0x1

goroutine 1 [select]:
main.main()
\tx.go:1 +0x1

-----

SIGQUIT: quit
PC=0x46e281 m=2 sigcode=0

goroutine 0 [idle]:
runtime.usleep(0x14)
\truntime/sys_linux_amd64.s:7 +0x1

-----
");
    assert_eq!((d.kind, d.goroutines.len()), (DumpKind::Signal, 3));
}

#[test]
fn forms_that_follow_each_other_in_one_file() {
    let counted = "goroutine profile: total 3\n3 @ 0x1 0x2\n#\t0x1\tmain.(*Q[go.shape.struct { A int }]).Take+0x1\t/x y/x.go:1\n\n";
    let race = "==================\nWARNING: DATA RACE\nWrite at 0x00c00001c0a8 by goroutine 7:\n  main.f()\n      /x.go:1 +0x1\n\nGoroutine 7 (running) created at:\n  main.main()\n      /x.go:2 +0x1\n==================\n";
    let all = dumps(&format!("{counted}{TWO}{race}{TWO}"));
    let kinds: Vec<_> = all.iter().map(|d| (d.kind, d.count())).collect();
    assert_eq!(
        kinds,
        [
            (DumpKind::Aggregated, 3),
            (DumpKind::Plain, 2),
            (DumpKind::Race, 1),
            (DumpKind::Plain, 2)
        ]
    );
    assert_eq!(
        names(&all[0], 0),
        ["main.(*Q[go.shape.struct { A int }]).Take"]
    );
    assert_eq!(all[2].creator(&all[2].goroutines[0]), Some("main.main"));
}

#[test]
fn counted_stacks_without_tabs() {
    let d = one("\
goroutine profile: total 12
12 @ 0x487a8e 0x465e12
# 0x488f64 sync.runtime_SemacquireMutex+0x24 runtime/sema.go:95
#       0x66bb0d        main.(*Store).Reserve+0x2d                      _/opt/app/main.go:28
");
    assert_eq!(
        names(&d, 0),
        ["sync.runtime_SemacquireMutex", "main.(*Store).Reserve"]
    );
    assert_eq!(d.count(), 12);
}

#[test]
fn deep_and_long_input_is_read_in_one_pass() {
    // 100,000 frames in one goroutine: the limit is kept and said.
    let frames = "main.deep(0x1)\n\tx.go:1 +0x1\n".repeat(100_000);
    let d = one(&format!(
        "goroutine 7 [running]:\n{frames}\ngoroutine 8 [select]:\nmain.f()\n\tx.go:2\n"
    ));
    assert_eq!(d.goroutines.len(), 2);
    assert!(d.goroutines[0].elided && !d.goroutines[1].elided);
    // A line of a megabyte between two frames, one in a frame, and one that is a quoted dump's unclosed beginning.
    let long = "x".repeat(1 << 20);
    let d = one(&format!(
        "goroutine 7 [select]:\nmain.f()\n\tx.go:1\n{long}\nmain.g({long})\n\tx.go:2\nmain.h(0x1, {long}\n\tx.go:3\n"
    ));
    assert_eq!(names(&d, 0), ["main.f", "main.g", "main.h"]);
    let slashes = "\\".repeat(1 << 20);
    let _ = dumps(&format!(
        "msg=\"{slashes}\\ngoroutine 1 [running]:{slashes}\n"
    ));
    let quotes = "\\\"".repeat(1 << 19);
    let _ = dumps(&format!(
        "msg=\"{quotes}\\ngoroutine 1 [running]:{quotes}\n"
    ));
}

#[test]
fn a_hundred_thousand_headers() {
    let text = (1..=100_000)
        .map(|i| format!("goroutine {i} [select]:\n"))
        .collect::<Vec<_>>()
        .concat();
    let d = one(&text);
    assert_eq!(d.goroutines.len(), 100_000);
}
