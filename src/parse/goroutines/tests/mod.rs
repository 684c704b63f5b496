mod damage;
mod formats;

use super::*;
use crate::model::DumpKind;
use proptest::prelude::*;

fn dumps(text: &str) -> Vec<Dump> {
    read(
        text.as_bytes(),
        Place {
            line: 1,
            ..Place::default()
        },
    )
}

fn one(text: &str) -> Dump {
    let mut all = dumps(text);
    assert_eq!(all.len(), 1, "{all:#?}");
    all.remove(0)
}

fn names(dump: &Dump, i: usize) -> Vec<&str> {
    dump.frames(&dump.goroutines[i])
        .iter()
        .map(|f| dump.function(f))
        .collect()
}

const TWO: &str = "\
goroutine 21 [running]:
main.dump()
\t/go/src/example.com/shop/cmd/shopd/dump.go:82 +0x90

goroutine 1 [semacquire, 4 minutes]:
sync.runtime_SemacquireMutex(0x4?, 0xb8?, 0x55a1b6eeea27?)
\t/usr/lib/go-1.19/src/runtime/sema.go:77 +0x25
sync.(*Mutex).lockSlow(0xc000b3c600)
\t/usr/lib/go-1.19/src/sync/mutex.go:171 +0x165
sync.(*Mutex).Lock(...)
\t/usr/lib/go-1.19/src/sync/mutex.go:90
main.main()
\t/go/src/example.com/shop/cmd/shopd/main.go:12 +0x79
created by net/http.(*Server).Serve
\t/usr/lib/go-1.19/src/net/http/server.go:3102 +0x4db
";

#[test]
fn a_plain_dump() {
    let d = one(TWO);
    assert_eq!(
        (d.kind, d.partial, d.process.as_deref()),
        (DumpKind::Plain, false, Some("shopd"))
    );
    let g = &d.goroutines[1];
    assert_eq!((g.id, d.state(g), g.minutes), (1, "semacquire", Some(4)));
    assert_eq!(
        names(&d, 1),
        [
            "sync.runtime_SemacquireMutex",
            "sync.(*Mutex).lockSlow",
            "sync.(*Mutex).Lock",
            "main.main"
        ]
    );
    let slow = &d.frames(g)[1];
    assert_eq!(d.receiver(slow), Some(0xc0_00b3_c600));
    assert_eq!(d.receiver(&d.frames(g)[0]), None);
    assert_eq!(d.creator(g), Some("net/http.(*Server).Serve"));
    assert_eq!(g.place.line, 5);
    assert_eq!(d.frame_place(g, slow).line, 8);
    let offset = usize::try_from(d.frame_place(g, slow).offset).unwrap();
    assert!(TWO[offset..].starts_with("sync.(*Mutex).lockSlow"));
    assert_eq!(d.header(g).text, "goroutine 1 [semacquire, 4 minutes]:");
    assert_eq!(
        d.frame_quote(g, slow).text,
        "sync.(*Mutex).lockSlow(0xc000b3c600)"
    );
}

#[test]
fn the_same_in_every_wrapping() {
    let plain = one(TWO);
    let wrap =
        |f: &dyn Fn(&str) -> String| TWO.lines().map(f).collect::<Vec<_>>().join("\n") + "\n";
    let quoted = TWO
        .replace('\\', "\\\\")
        .replace('\n', "\\n")
        .replace('\t', "\\t");
    let cases = [
        wrap(&|l| format!("Nov 20 17:34:02 node1 shopd[58]: {l}")),
        wrap(&|l| format!("2026-11-20T17:34:02.1Z stderr F {l}")),
        wrap(&|l| {
            format!(
                "{{\"log\":\"{}\\n\",\"stream\":\"stderr\"}}",
                l.replace('\t', "\\t")
            )
        }),
        wrap(&|l| format!("shopd_1 | {l}")),
        wrap(&|l| format!("[pod/shop/web-1/web] {l}")),
        wrap(&|l| l.replace('\t', "        ")),
        wrap(&|l| l.trim().to_owned()),
        TWO.replace("\n\n", "\n"),
        TWO.replace('\n', "\r\n"),
        format!("time=\"2026-11-20T17:01:25Z\" level=info msg=\"{quoted}\"\n"),
        format!("{{\"ts\":1,\"msg\":\"{quoted}\",\"v\":0}}\n"),
        format!(
            "I1120 17:07:22.379490 100 x.go:1] before\n{TWO}I1120 17:07:22.379490 100 x.go:1] after (x)\n"
        ),
    ];
    for text in cases {
        let d = one(&text);
        assert_eq!(d.goroutines.len(), 2, "{text}");
        for i in 0..2 {
            assert_eq!(names(&d, i), names(&plain, i), "{text}");
        }
        assert_eq!(
            d.creator(&d.goroutines[1]),
            plain.creator(&plain.goroutines[1]),
            "{text}"
        );
    }
}

#[test]
fn journald_chunks_of_a_quoted_dump() {
    let quoted = TWO.replace('\n', "\\n").replace('\t', "\\t");
    let (a, b) = quoted.split_at(217);
    let text = format!(
        "Nov 20 17:34:02 node1 containerd[52]: time=\"x\" msg=\"=== BEGIN goroutine stack dump ===\\n{a}\n\
         Nov 20 17:34:02 node1 kubelet[86]: noise in between\n\
         Nov 20 17:34:02 node1 containerd[52]: {b}=== END goroutine stack dump ===\"\n"
    );
    let d = one(&text);
    assert_eq!(
        (d.kind, d.goroutines.len(), d.partial),
        (DumpKind::Requested, 2, false)
    );
    assert_eq!(
        (d.process.as_deref(), d.pid, d.node.as_deref()),
        (Some("containerd"), Some(52), Some("node1"))
    );
    let cut = one(&text[..text.rfind("=== END").unwrap()]);
    assert!(cut.partial);
}

#[test]
fn two_processes_in_one_journal_do_not_mix() {
    let a = TWO.lines().map(|l| format!("Nov 20 17:34:02 n1 a[1]: {l}"));
    let b = TWO.lines().map(|l| format!("Nov 20 17:34:02 n1 b[2]: {l}"));
    let mixed: Vec<String> = a.zip(b).flat_map(|(a, b)| [a, b]).collect();
    let all = dumps(&mixed.join("\n"));
    assert_eq!(all.len(), 2);
    for d in &all {
        assert_eq!(names(d, 1).len(), 4);
    }
}

#[test]
fn several_dumps_in_one_file() {
    let all = dumps(&format!(
        "{TWO}\n{TWO}\nSIGQUIT: quit\nPC=0x46e281 m=0 sigcode=0\n\ngoroutine 0 [idle]:\nruntime.futex()\n\truntime/sys.s:5 +0x1\n\n{TWO}rax    0xca\n"
    ));
    let kinds: Vec<_> = all.iter().map(|d| (d.kind, d.goroutines.len())).collect();
    assert_eq!(
        kinds,
        [
            (DumpKind::Plain, 2),
            (DumpKind::Plain, 2),
            (DumpKind::Signal, 3)
        ]
    );
}

#[test]
fn a_fatal_exit_of_klog_is_not_a_crash() {
    let d = one("\
I1120 17:07:29.384552     100 leaderelection.go:278] failed to renew lease
F1120 17:07:29.384634     100 controllermanager.go:294] leaderelection lost
goroutine 1 [running]:
k8s.io/kubernetes/vendor/k8s.io/klog/v2.stacks(0x1)
\tk8s.io/kubernetes/vendor/k8s.io/klog/v2/klog.go:1026 +0x89

goroutine 2 [select]:
main.f()
\tx.go:1
");
    assert_eq!(d.kind, DumpKind::Exit);
    assert_eq!(names(&d, 0), ["k8s.io/klog/v2.stacks"]);
    assert!(d.prelude[0].text.ends_with("leaderelection lost"));
    assert_eq!((d.place.line, d.prelude[0].place.line), (2, 2));
}

#[test]
fn a_panic_keeps_its_message() {
    let d = one(
        "panic: boom [recovered]\n\tpanic: again\n[signal SIGSEGV: segmentation violation code=0x1 addr=0x20 pc=0x52a528]\n\ngoroutine 7 [running]:\nmain.f(0x0)\n\tx.go:1 +0x1\n",
    );
    assert_eq!((d.kind, d.prelude.len()), (DumpKind::Panic, 3));
}

#[test]
fn an_aggregated_profile() {
    let d = one("\
goroutine profile: total 13
12 @ 0x487a8e 0x465e12
# labels: {\"k\":\"v\"}
#\t0x488f64\tsync.runtime_SemacquireMutex+0x24\truntime/sema.go:95
#\t0x66bb0d\tmain.(*Store).Reserve+0x2d\t\t\t_/opt/app/main.go:28

1 @ 0x1
#\t0x66c436\tmain.main+0x116\t_/opt/app/main.go:59
");
    assert_eq!(
        (d.kind, d.count(), d.goroutines.len()),
        (DumpKind::Aggregated, 13, 2)
    );
    assert_eq!(
        names(&d, 0),
        ["sync.runtime_SemacquireMutex", "main.(*Store).Reserve"]
    );
}

#[test]
fn a_race_report() {
    let d = one("\
==================
WARNING: DATA RACE
Write at 0x00c00001c0a8 by goroutine 7:
  main.(*Cache).Put()
      /src/cache.go:10 +0x44

Previous read at 0x00c00001c0a8 by main goroutine:
  main.main()
      /src/main.go:20 +0x44

Goroutine 7 (running) created at:
  main.main()
      /src/main.go:15 +0x44
==================
");
    assert_eq!(d.kind, DumpKind::Race);
    assert_eq!(
        d.goroutines
            .iter()
            .map(|g| (g.id, d.state(g)))
            .collect::<Vec<_>>(),
        [(7, "race: write"), (1, "race: previous read")]
    );
    assert_eq!(names(&d, 0), ["main.(*Cache).Put"]);
}

#[test]
fn damage_costs_only_what_it_hits() {
    let d = one("\
goroutine l2 [semacquire, 112 minutes]:
sync.runtime_SemacquireMutex(0xc421b30808,
 0x0)
\t/usr/local/go/src/runtime/sema.go:71 +0x3f
some other process says hello (twice)
main.f(0x1)
\t/very/long/path/that/a/terminal
/wrapped.go:7 +0x1
goroutine 13 [select");
    assert_eq!(d.goroutines.len(), 2);
    assert_eq!(
        (d.goroutines[0].id, d.goroutines[0].minutes),
        (12, Some(112))
    );
    assert_eq!(names(&d, 0), ["sync.runtime_SemacquireMutex", "main.f"]);
    assert_eq!(
        d.stacks.location(d.frames(&d.goroutines[0])[1].site),
        "/very/long/path/that/a/terminal/wrapped.go:7"
    );
}

#[test]
fn ancestors_are_not_frames() {
    let d = one(
        "goroutine 7 [running]:\nmain.f()\n\tx.go:1 +0x1\n[originating from goroutine 3]:\nmain.g()\n\tx.go:2 +0x1\n\ngoroutine 8 [select]:\nmain.h()\n\tx.go:3\n",
    );
    assert_eq!(names(&d, 0), ["main.f"]);
    assert_eq!(names(&d, 1), ["main.h"]);
}

#[test]
fn logs_without_stacks_have_no_dumps() {
    assert!(dumps("starting goroutine 5 now\nI1120 17:00:00.0 1 x.go:1] goroutine 7 done\npanic: at the disco\n").is_empty());
}

#[test]
fn a_log_of_many_single_stacks_stays_small() {
    let text =
        "E1120 17:00:00.0 1 x.go:1] status 500\ngoroutine 7 [running]:\nmain.f()\n\tx.go:1 +0x1\n"
            .repeat(1000);
    let all = dumps(&text);
    assert!(all.len() <= 64, "{}", all.len());
    assert!(all.iter().all(|d| d.kind == DumpKind::Stack));
}

proptest! {
    #[test]
    fn any_bytes(text: Vec<u8>) {
        let _ = read(&text, Place::default());
    }

    #[test]
    fn any_cut_of_a_dump_lies_inside_the_text(cut in 0..TWO.len(), lost in 0..TWO.len()) {
        let mut text = TWO[..cut].to_owned();
        if lost < text.len() {
            text.remove(lost);
        }
        for d in dumps(&text) {
            for g in &d.goroutines {
                for f in d.frames(g) {
                    prop_assert!(d.frame_place(g, f).offset < text.len() as u64);
                }
            }
        }
    }

    #[test]
    fn lines_in_any_order(picks in proptest::collection::vec(0..24_usize, 0..60)) {
        let pool: Vec<&str> = TWO.lines().chain(["panic: x", "SIGQUIT: quit", "goroutine profile: total 3", "3 @ 0x1", "#\t0x1\tf+0x1\tx.go:1", "WARNING: DATA RACE", "=== END goroutine stack dump ===", "msg=\"a\\ngoroutine 1 [running]:"]).collect();
        let text: Vec<&str> = picks.iter().filter_map(|i| pool.get(*i).copied()).collect();
        let _ = dumps(&text.join("\n"));
    }
}
