//! Who holds a lock, and what is no deadlock.

use super::*;

#[test]
fn classic_lock_bugs() {
    lock_case(
        include_str!("../../../../fixtures/goroutines/locks/lock-order.txt"),
        "goroutines/lock-order-cycle",
        &["main.Store", "main.Account", "Settle", "Reserve"],
    );
    lock_case(
        include_str!("../../../../fixtures/goroutines/locks/self-deadlock.txt"),
        "goroutines/self-deadlock",
        &[
            "0xc0000b4000",
            "goroutine 20 itself took that lock",
            "4 goroutines",
        ],
    );
    lock_case(
        include_str!("../../../../fixtures/goroutines/locks/send-under-lock.txt"),
        "goroutines/channel-deadlock",
        &[
            "Hub.Publish",
            "chan send",
            "0xc0000c2000",
            "goroutine 21 in main.Hub.Run",
            "\"reader\": \"main.Hub.Run\"",
        ],
    );
    lock_case(
        include_str!("../../../../fixtures/goroutines/locks/rlock-leak.txt"),
        "goroutines/rwmutex-writer-starved",
        &["main.Config", "\"waiters\": \"6\""],
    );
    lock_case(
        include_str!("../../../../fixtures/goroutines/locks/missed-unlock.txt"),
        "goroutines/lock-without-holder",
        &["main.Ledger", "0xc0000e6000", "\"waiters\": \"6\""],
    );
}

/// Both queues show the same object; only one goroutine is past the line where the others stand.
#[test]
fn who_got_past_the_line_holds_the_lock() {
    for text in [
        include_str!("../../../../fixtures/goroutines/eras/go1.19-debug2.txt"),
        include_str!("../../../../fixtures/goroutines/eras/go1.21-debug2.txt"),
    ] {
        let report = analyse(&dumps(&[text]), &Host::default());
        assert!(!kinds(&report).contains(&"goroutines/lock-order-cycle"));
        let last = longest(&report)
            .last()
            .copied()
            .unwrap_or_default()
            .to_owned();
        assert!(
            last.contains("goroutine 21 in main.Stock.Reserve"),
            "{last}"
        );
    }
}

#[test]
fn a_moment_of_contention_is_not_stuck() {
    let report = analyse(
        &dumps(&[include_str!(
            "../../../../fixtures/goroutines/locks/contention.txt"
        )]),
        &Host::default(),
    );
    assert!(report.is_quiet(), "{:#?}", report.chains);
    assert!(facts(&report).is_empty());
    assert_eq!(
        report.dumps[0].head.goroutines - report.dumps[0].head.idle,
        2,
        "{:#?}",
        report.dumps[0].groups
    );
}

/// Dumps from reports of true bugs, trimmed to the goroutines that matter.
#[test]
fn locks_of_true_bugs() {
    // A callback wants the lock that the method further out took; the lock is the first field of its object.
    lock_case(
        include_str!("../../../../fixtures/goroutines/issues/etcd-10492.txt"),
        "goroutines/self-deadlock",
        &[
            "lease.lessor",
            "goroutine 13 itself took that lock",
            "it waits for itself",
            "\"waiters\": \"2\"",
        ],
    );
    // No callback in between, but a function that is known to keep the lock.
    lock_case(
        include_str!("../../../../fixtures/goroutines/issues/containerd-9103.txt"),
        "goroutines/self-deadlock",
        &["the lock of one shim", "goroutine 36 itself took that lock"],
    );
    // Two objects that call each other, each under its own lock.
    lock_case(
        include_str!("../../../../fixtures/goroutines/issues/containerd-11233.txt"),
        "goroutines/lock-order-cycle",
        &[
            "Collector.Add",
            "Namespace.Collect",
            "a lock of cgroups.Collector",
        ],
    );
    lock_case(
        include_str!("../../../../fixtures/goroutines/issues/moby-32809.txt"),
        "goroutines/mutex-queue",
        &[
            "Daemon.StateChanged",
            "the disk (a sync) has not answered dockerd",
        ],
    );
    lock_case(
        include_str!("../../../../fixtures/goroutines/issues/dockerd-1385.txt"),
        "goroutines/waits-for-containerd",
        &[
            "goroutine 1 waits for goroutines that it has started",
            "Tasks.Delete",
        ],
    );
}

/// Which of the two the address is known of depends on the compiler: they are one lock, and no circle of two.
#[test]
fn readers_whose_lock_is_not_printed_join_their_writer() {
    let text = include_str!("../../../../fixtures/goroutines/issues/cilium-38210.txt");
    lock_case(
        text,
        "goroutines/rwmutex-writer-starved",
        &["endpoint.Endpoint", "\"waiters\": \"2\""],
    );
    let report = analyse(&dumps(&[text]), &Host::default());
    assert!(!kinds(&report).contains(&"goroutines/lock-order-cycle"));
    assert_eq!(report.locks.len(), 1, "{:#?}", report.locks);
}

fn waiting(id: u32, lock: &str, frames: &str) -> String {
    format!(
        "goroutine {id} [semacquire, 9 minutes]:\nsync.runtime_SemacquireMutex({lock}, 0x0, 0x1)\n\tsema.go:71 +0x47\nsync.(*Mutex).lockSlow({lock})\n\tmutex.go:138 +0xfc\n{frames}\n\n"
    )
}

#[test]
fn two_that_wait_are_no_deadlock_without_proof() {
    let main = "goroutine 1 [IO wait, 9 minutes]:\nnet/http.(*Server).Serve(0xc0000e8200)\n\tserver.go:1 +0x1\nmain.main()\n\t/src/shop/cmd/shopd/main.go:8 +0x1\n\n";
    let case = |what: &str, text: &str| {
        let report = analyse(&dumps(&[text]), &Host::default());
        assert!(
            report.chains.iter().all(|c| !c.cycle),
            "{what}: {:#?}",
            report.chains
        );
        assert!(
            report.locks.iter().all(|l| l.holder.is_none()),
            "{what}: {:#?}",
            report.locks
        );
    };
    // Two objects of one type, each with a lock of its own.
    case(
        "objects",
        &format!(
            "{main}{}{}",
            waiting(
                7,
                "0xc000100008",
                "main.(*Account).Pay(0xc000100000)\n\tacc.go:9 +0x1\nmain.serve(0xc000500000)\n\tmain.go:3 +0x1"
            ),
            waiting(
                8,
                "0xc000200008",
                "main.(*Account).Bill(0xc000200000)\n\tacc.go:30 +0x1\nmain.serve(0xc000600000)\n\tmain.go:3 +0x1"
            ),
        ),
    );
    // Values in registers say nothing.
    case(
        "registers",
        &format!(
            "{main}{}{}",
            waiting(
                7,
                "0xc000100008",
                "main.(*Account).Pay(0xc000100000?)\n\tacc.go:9 +0x1\nmain.serve(0xc000500000?)\n\tmain.go:3 +0x1"
            ),
            waiting(
                8,
                "0xc000200008",
                "main.(*Account).Bill(0xc000200000?)\n\tacc.go:30 +0x1\nmain.serve(0xc000600000?)\n\tmain.go:3 +0x1"
            ),
        ),
    );
    // Closures of one function are functions of their own.
    case(
        "closures",
        include_str!("../../../../fixtures/goroutines/issues/closures.txt"),
    );
}

/// Before Go 1.17 the semaphore that readers wait at tells the lock.
#[test]
fn the_lock_of_inlined_readers() {
    let reader = |id: u32| {
        format!(
            "goroutine {id} [semacquire, 4 minutes]:\nsync.runtime_SemacquireMutex(0xc00040a01c, 0x0, 0x0)\n\tsema.go:71 +0x47\nsync.(*RWMutex).RLock(...)\n\trwmutex.go:50\nmain.lookup(0xc000312000, 0x5, 0x0, 0x0, 0x0, 0x0)\n\tx.go:9 +0x1\nmain.serve(0xc000500000, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0)\n\tmain.go:3 +0x1\n\n"
        )
    };
    let text = format!(
        "{}{}goroutine 1 [select]:\nmain.main()\n\t/src/shop/cmd/shopd/main.go:8 +0x1\n",
        reader(5),
        reader(6)
    );
    let report = analyse(&dumps(&[&text]), &Host::default());
    assert_eq!(
        report.locks.iter().map(|l| l.address).collect::<Vec<_>>(),
        [Some(0xc0_0040_a010)]
    );
}

/// A callback that came to another object of the type waits for that one's lock.
#[test]
fn another_object_of_the_type_is_not_oneself() {
    let main = "goroutine 1 [IO wait, 9 minutes]:\nnet/http.(*Server).Serve(0xc0000e8200)\n\tserver.go:1 +0x1\nmain.main()\n\t/src/shop/cmd/shopd/main.go:8 +0x1\n\n";
    let nested = |outer: &str| {
        let frames = format!(
            "main.(*Router).add(0xc000100000)\n\trouter.go:9 +0x1\nshop/hooks.Run(0xc000500000)\n\thooks.go:3 +0x1\nmain.(*Router).Serve({outer})\n\trouter.go:40 +0x1"
        );
        let text = format!("{main}{}", waiting(7, "0xc000100008", &frames));
        kinds(&analyse(&dumps(&[&text]), &Host::default()))
    };
    assert!(nested("0xc000100000").contains(&"goroutines/self-deadlock"));
    assert!(!nested("0xc000200000").contains(&"goroutines/self-deadlock"));
}
