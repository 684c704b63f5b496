//! What several dumps of one process say together.

use super::*;

#[test]
fn copies_and_other_dumps_of_a_process_do_not_count_twice() {
    let twice = analyse(&dumps(&[DOCKERD, CONTAINERD, DOCKERD]), &host(&PS_05));
    assert_eq!(twice.chains.len(), 1);
    assert_eq!(
        twice
            .dumps
            .iter()
            .filter(|d| d.head.set_aside.is_some())
            .count(),
        1
    );
}

#[test]
fn what_grows_between_two_dumps() {
    let many = |n: usize| {
        let mut text = String::from(
            "goroutine 1 [chan receive, 9 minutes]:\nmain.main()\n\t/s/cmd/shopd/main.go:1 +0x1\n",
        );
        for i in 0..n {
            let id = 100 + i;
            let _ = write!(
                text,
                "\ngoroutine {id} [chan send, 3 minutes]:\nmain.(*Feed).push(0xc000)\n\tfeed.go:9 +0x1\ncreated by main.poll\n\tfeed.go:3 +0x1\n"
            );
        }
        text
    };
    let report = analyse(&dumps(&[&many(20), &many(200)]), &Host::default());
    assert_eq!(report.growth.len(), 1, "{:#?}", report.growth);
    assert_eq!((report.growth[0].before, report.growth[0].after), (20, 200));
    assert!(kinds(&report).contains(&"goroutines/leak"));
    assert!(
        analyse(&dumps(&[&many(20), &many(40)]), &Host::default())
            .growth
            .is_empty()
    );
}

/// A process that waits in its main function, with a handler in a lock, at minute `m` of its wait.
fn at_minute(m: u32, id: u32, request: &str) -> String {
    format!(
        "goroutine 1 [IO wait, {} minutes]:\nnet/http.(*Server).Serve(0xc0000e8200)\n\tserver.go:1 +0x1\nmain.main()\n\t/src/shop/cmd/shopd/main.go:8 +0x1\n\ngoroutine {id} [semacquire{}]:\nsync.runtime_SemacquireMutex(0xc000100008, 0x0, 0x1)\n\tsema.go:71 +0x47\nsync.(*Mutex).lockSlow(0xc000100008)\n\tmutex.go:138 +0xfc\nmain.(*Cart).Add(0xc000100000, {request})\n\tcart.go:9 +0x1\nmain.serve(0xc000500000, {request})\n\tmain.go:3 +0x1\n\n",
        30 + m,
        if m > 0 {
            format!(", {m} minutes")
        } else {
            String::new()
        },
    )
}

#[track_caller]
fn proven(earlier: &str, later: &str, expected: &[bool]) {
    let report = analyse(&dumps(&[earlier, later]), &Host::default());
    assert_eq!(report.pairs.len(), 1, "{:#?}", report.pairs);
    let found: Vec<bool> = report.pairs[0].stuck.iter().map(|s| s.proven).collect();
    assert_eq!(found, expected, "{:#?}", report.pairs);
}

#[test]
fn stuck_in_two_dumps() {
    // Its count went on as the clock did.
    proven(
        &at_minute(2, 9, "0xc000700000"),
        &at_minute(6, 9, "0xc000700000"),
        &[true],
    );
    // The same goroutine, but its wait is younger than the distance of the dumps.
    proven(
        &at_minute(2, 9, "0xc000700000"),
        &at_minute(6, 9, "0xc000710000")
            .replace("[semacquire, 6 minutes]", "[semacquire, 3 minutes]"),
        &[false],
    );
    // Another goroutine in the same place.
    proven(
        &at_minute(2, 9, "0xc000700000"),
        &at_minute(6, 10, "0xc000700000"),
        &[],
    );
    // No minutes in the header, but every object is the same after minutes.
    let quiet = |m: u32, request: &str| {
        at_minute(m, 9, request).replace(&format!("[semacquire, {m} minutes]"), "[semacquire]")
    };
    proven(
        &quiet(2, "0xc000700000"),
        &quiet(6, "0xc000700000"),
        &[true],
    );
    proven(
        &quiet(2, "0xc000700000"),
        &quiet(6, "0xc000710000"),
        &[false],
    );
    // One dump kept twice is no second look.
    let copy = at_minute(2, 9, "0xc000700000");
    assert!(
        analyse(&dumps(&[&copy, &copy]), &Host::default())
            .pairs
            .is_empty()
    );
}

#[test]
fn a_second_dump_shows_that_a_wait_without_minutes_lasts() {
    let quiet = |m: u32| {
        at_minute(m, 9, "0xc000700000")
            .replace(&format!("[semacquire, {m} minutes]"), "[semacquire]")
    };
    let (first, second) = (quiet(2), quiet(6));
    assert!(analyse(&dumps(&[&first]), &Host::default()).is_quiet());
    let report = analyse(&dumps(&[&first, &second]), &Host::default());
    assert!(!report.is_quiet());
    // Both dumps are the evidence.
    let found = facts(&report);
    let fact = found
        .iter()
        .find(|f| f.kind == "goroutines/lock-without-holder")
        .unwrap_or_else(|| panic!("{found:#?}"));
    let sources: std::collections::BTreeSet<u32> =
        fact.evidence.iter().map(|q| q.place.source.0).collect();
    assert_eq!(sources.len(), 2, "{:#?}", fact.evidence);
}
