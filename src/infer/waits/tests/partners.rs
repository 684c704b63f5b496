//! Waits for other goroutines of the process: by a group, a shared call, a signal, a channel.

use super::*;

#[test]
fn waits_inside_one_process_that_are_no_locks() {
    lock_case(
        include_str!("../../../../fixtures/goroutines/locks/cond-lost-wakeup.txt"),
        "goroutines/cond-without-signaller",
        &[
            "main.Pool",
            "Pool.Acquire",
            "\"waiters\": \"5\"",
            "14 minutes",
        ],
    );
    lock_case(
        include_str!("../../../../fixtures/goroutines/locks/wait-group.txt"),
        "goroutines/mutex-queue",
        &["main.Ledger", "Ledger.Append", "goroutine 30"],
    );
    let report = analyse(
        &dumps(&[include_str!(
            "../../../../fixtures/goroutines/locks/wait-group.txt"
        )]),
        &Host::default(),
    );
    assert_eq!(report.chains[0].behind, 4, "{:#?}", report.chains);
    let report = analyse(
        &dumps(&[include_str!(
            "../../../../fixtures/goroutines/locks/singleflight.txt"
        )]),
        &Host::default(),
    );
    says(
        &report,
        &[
            &[
                "shopd: 9 goroutines wait",
                "9× singleflight.Group.Do",
                "11 minutes",
            ],
            &["that is goroutine 50, which waits for an HTTP server"],
            &["an HTTP server has not answered shopd"],
        ],
    );
}

#[test]
fn goroutines_that_pile_up_in_one_dump() {
    let many = |n: usize| {
        let mut text = String::from(
            "goroutine 1 [chan receive, 9 minutes]:\nmain.main()\n\t/s/cmd/shopd/main.go:1 +0x1\n",
        );
        for id in 100..100 + n {
            let _ = write!(
                text,
                "\ngoroutine {id} [chan send, 3 minutes]:\nmain.(*Feed).push(0xc000)\n\tfeed.go:9 +0x1\ncreated by main.poll\n\tfeed.go:3 +0x1\n"
            );
        }
        text
    };
    let report = analyse(&dumps(&[&many(1500)]), &Host::default());
    let fact = &facts(&report)[0];
    assert_eq!((fact.kind, fact.count), ("goroutines/pile-up", 1500));
    assert_eq!(fact.keys["creator"], "main.poll");
    assert!(facts(&analyse(&dumps(&[&many(500)]), &Host::default())).is_empty());
}

#[test]
fn a_send_that_nobody_takes() {
    let text = include_str!("../../../../fixtures/goroutines/issues/kubelet-72482.txt");
    let report = analyse(&dumps(&[text]), &Host::default());
    assert!(!report.is_quiet());
    let fact = &facts(&report)[0];
    assert_eq!(fact.kind, "goroutines/send-without-reader");
    assert_eq!(fact.keys["function"], "pleg.GenericPLEG.relist");
    assert_eq!(
        fact.because,
        "a goroutine sends to a channel in pleg.GenericPLEG.relist, and nobody has taken it for some 1140 minutes"
    );
    // A reader may be busy for a moment.
    let moment = text.replace("1140 minutes", "1 minutes");
    assert!(facts(&analyse(&dumps(&[&moment]), &Host::default())).is_empty());
}

const SEND_UNDER_LOCK: &str =
    include_str!("../../../../fixtures/goroutines/locks/send-under-lock.txt");

#[test]
fn the_reader_is_named_only_if_one_fits() {
    let of = |text: &str| {
        let report = analyse(&dumps(&[text]), &Host::default());
        kinds(&report)
    };
    // The loop is not among those who wait: who reads is not known.
    let other = SEND_UNDER_LOCK.replace("main.(*Hub).Run(0xc0000c2000)", "main.pump(0xc0000c2000)");
    assert!(of(&other).contains(&"goroutines/send-under-lock"));
    // A loop of another object reads another channel.
    let other = SEND_UNDER_LOCK.replace(
        "main.(*Hub).Run(0xc0000c2000)",
        "main.(*Hub).Run(0xc0000d4000)",
    );
    assert!(of(&other).contains(&"goroutines/send-under-lock"));
    let receives = other.replace("[chan send, 9 minutes]", "[chan receive, 9 minutes]");
    assert!(of(&receives).contains(&"goroutines/receive-under-lock"));
    // With frames of the runtime the channel itself is on both stacks.
    let shown = SEND_UNDER_LOCK
        .replace(
            "goroutine 20 [chan send, 9 minutes]:\n",
            "goroutine 20 [chan send, 9 minutes]:\nruntime.gopark(0x1?, 0x2?, 0x3?, 0x4?, 0x5?)\n\tproc.go:398 +0xce\nruntime.chansend(0xc0000a0060, 0xc0000b7c10, 0x1, 0x5?)\n\tchan.go:259 +0x3a5\nruntime.chansend1(0xc0000a0060?, 0x1?)\n\tchan.go:145 +0x17\n",
        )
        .replace(
            "main.(*Hub).Run(0xc0000c2000)",
            "main.pump(0xc0000c2000, 0xc0000a0060)",
        );
    let report = analyse(&dumps(&[&shown]), &Host::default());
    let found = facts(&report);
    let fact = found
        .iter()
        .find(|f| f.kind == "goroutines/channel-deadlock")
        .unwrap_or_else(|| panic!("{found:#?}"));
    assert_eq!(fact.keys["reader"], "main.pump");
}

#[test]
fn waits_that_never_end() {
    let handler = |state: &str| {
        format!(
            "goroutine 1 [select (no cases), 90 minutes]:\nmain.main()\n\t/src/shop/cmd/shopd/main.go:8 +0x1\n\ngoroutine 9 [{state}, 7 minutes]:\nmain.(*Cart).wait(0xc0000a2000)\n\tcart.go:7 +0x1\nnet/http.HandlerFunc.ServeHTTP(0xc0000a6000)\n\tserver.go:1 +0x1\nnet/http.(*conn).serve(0xc0000a8000)\n\tserver.go:2 +0x1\ncreated by net/http.(*Server).Serve\n\tserver.go:3 +0x1\n"
        )
    };
    for state in [
        "chan receive (nil chan)",
        "chan send (nil chan)",
        "select (no cases)",
        "select (leaked)",
    ] {
        let report = analyse(&dumps(&[&handler(state)]), &Host::default());
        let found = facts(&report);
        assert_eq!(found.len(), 1, "{state}: {found:#?}");
        assert_eq!(found[0].kind, "goroutines/blocked-for-ever", "{state}");
        assert_eq!(found[0].keys["function"], "main.Cart.wait");
    }
    let report = analyse(&dumps(&[&handler("chan receive")]), &Host::default());
    assert!(report.is_quiet(), "{:#?}", facts(&report));
}

#[test]
fn the_runtime_says_that_all_are_asleep() {
    let text = "fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 [semacquire]:\nsync.runtime_Semacquire(0xc0000b6018)\n\tsema.go:56 +0x45\nsync.(*WaitGroup).Wait(0xc0000b6010)\n\twaitgroup.go:130 +0x65\nmain.main()\n\t/src/shop/cmd/importer/main.go:21 +0x10a\n\ngoroutine 6 [semacquire]:\nsync.runtime_SemacquireMutex(0xc0000b4044, 0x0, 0x1)\n\tsema.go:71 +0x47\nsync.(*Mutex).lockSlow(0xc0000b4040)\n\tmutex.go:138 +0xfc\nmain.(*Ledger).Append(0xc0000b4040, 0x1)\n\tledger.go:12 +0x65\nmain.load(0xc0000b6010, 0xc0000b4040)\n\tmain.go:30 +0x4b\ncreated by main.main\n\tmain.go:18 +0xa8\n";
    let report = analyse(&dumps(&[text]), &Host::default());
    let found = facts(&report);
    let fact = found
        .iter()
        .find(|f| f.kind == "goroutines/all-asleep")
        .unwrap_or_else(|| panic!("{found:#?}"));
    assert_eq!(
        (fact.keys["function"].as_str(), fact.keys["count"].as_str()),
        ("main.main", "2")
    );
    assert!(fact.evidence[0].text.contains("asleep"));
    // No header has minutes, but nobody is only waiting for a moment.
    assert_eq!(report.chains.len(), 1, "{:#?}", report.chains);
    assert!(kinds(&report).contains(&"goroutines/lock-without-holder"));
    // With one goroutine there is no graph, yet the runtime's word stands.
    let alone = &text[..text.find("\ngoroutine 6").unwrap()];
    let report = analyse(&dumps(&[alone]), &Host::default());
    assert_eq!(kinds(&report), ["goroutines/all-asleep"]);
    let other = text.replace(
        "all goroutines are asleep - deadlock!",
        "concurrent map writes",
    );
    assert!(
        !kinds(&analyse(&dumps(&[&other]), &Host::default())).contains(&"goroutines/all-asleep")
    );
}
