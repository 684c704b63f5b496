//! One dump for each time the format changed, from Go 1.9 to 1.27, and what must be read from it.

use super::*;
use crate::model::dump::{GoVersion, Goroutine};

macro_rules! dump {
    ($name:literal) => {
        one(include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/fixtures/goroutines/eras/",
            $name
        )))
    };
}

/// Number, state, minutes, frames.
type Row = (u64, &'static str, Option<u32>, usize);

#[track_caller]
fn rows(dump: &Dump, kind: DumpKind, expected: &[Row]) {
    let found: Vec<(u64, &str, Option<u32>, usize)> = dump
        .goroutines
        .iter()
        .map(|g| (g.id, dump.state(g), g.minutes, dump.frames(g).len()))
        .collect();
    assert_eq!(found, expected);
    assert_eq!((dump.kind, dump.partial), (kind, false));
}

#[track_caller]
fn built_with(dump: &Dump, at_least: Option<u8>, at_most: Option<u8>) {
    assert_eq!(dump.go, GoVersion { at_least, at_most });
}

fn goroutine(dump: &Dump, id: u64) -> &Goroutine {
    dump.goroutines.iter().find(|g| g.id == id).unwrap()
}

/// Value and exactness of the words of the frame of `function`.
fn args(dump: &Dump, id: u64, function: &str) -> Vec<(u64, bool)> {
    let frame = dump
        .frames(goroutine(dump, id))
        .iter()
        .find(|f| dump.function(f) == function)
        .unwrap();
    dump.args(frame).map(|a| (a.value, a.exact)).collect()
}

#[track_caller]
fn started(dump: &Dump, id: u64, creator: Option<&str>, parent: Option<u64>) {
    let g = goroutine(dump, id);
    assert_eq!((dump.creator(g), g.parent), (creator, parent));
}

fn locked(dump: &Dump) -> Vec<u64> {
    dump.goroutines
        .iter()
        .filter(|g| g.locked)
        .map(|g| g.id)
        .collect()
}

#[test]
fn go_1_9() {
    let d = dump!("go1.9-debug2.txt");
    rows(
        &d,
        DumpKind::Plain,
        &[
            (52, "running", None, 2),
            (1, "semacquire", Some(112), 4),
            (5, "syscall", Some(112), 2),
            (17, "syscall", Some(112), 1),
            (20, "select", Some(111), 2),
            (34, "IO wait", None, 2),
        ],
    );
    built_with(&d, Some(9), Some(9));
    assert_eq!(locked(&d), [17, 20]);
    started(&d, 52, Some("net/http.(*Server).Serve"), None);
    started(&d, 1, None, None);
    // What stands before `/vendor/` is not part of the name, and every word is what was passed.
    let name = "example.com/stock.(*Stock).Reserve";
    assert_eq!(args(&d, 1, name).len(), 10);
    assert_eq!(args(&d, 1, name)[0], (0xc4_201b_6080, true));
    let reserve = d.frames(goroutine(&d, 1))[2];
    assert_eq!(d.receiver(&reserve), Some(0xc4_201b_6080));
}

#[test]
fn go_1_12_asked_by_a_signal() {
    let d = dump!("go1.12-sigquit.txt");
    rows(
        &d,
        DumpKind::Signal,
        &[
            (0, "idle", None, 2),
            (1, "select", Some(23), 4),
            (2, "force gc (idle)", Some(23), 1),
            (7, "timer goroutine (idle)", None, 1),
            (9, "semacquire", Some(21), 4),
            (11, "runnable", None, 0),
        ],
    );
    built_with(&d, None, Some(16));
    assert!(goroutine(&d, 11).unavailable);
    started(&d, 11, Some("main.main"), None);
    started(&d, 7, Some("runtime.(*timersBucket).addtimerLocked"), None);
    assert_eq!(
        d.stacks.location(d.frames(goroutine(&d, 9))[1].site),
        "/usr/local/go/src/sync/mutex.go:134"
    );
    assert_eq!(d.prelude[0].text, "SIGQUIT: quit");
}

#[test]
fn go_1_15() {
    let d = dump!("go1.15-debug2.txt");
    rows(
        &d,
        DumpKind::Plain,
        &[
            (41, "running", None, 1),
            (1, "chan receive", Some(9), 1),
            (18, "semacquire", Some(8), 4),
            (20, "semacquire", Some(8), 3),
            (24, "syscall", Some(8), 3),
        ],
    );
    built_with(&d, None, Some(16));
    assert_eq!(locked(&d), [24]);
    assert_eq!(
        args(&d, 18, "sync.(*Mutex).lockSlow"),
        [(0xc0_000b_4080, true)]
    );
    assert!(args(&d, 18, "sync.(*Mutex).Lock").is_empty());
}

#[test]
fn go_1_17_groups_arguments() {
    let d = dump!("go1.17-debug2.txt");
    rows(
        &d,
        DumpKind::Plain,
        &[
            (35, "running", None, 1),
            (1, "sleep", None, 2),
            (6, "semacquire", Some(3), 4),
            (9, "chan send (nil chan)", Some(3), 1),
        ],
    );
    built_with(&d, Some(17), Some(19));
    let words = args(&d, 6, "main.(*Stock).Reserve");
    assert_eq!(
        words[..3],
        [(0xc0_000b_2000, true), (0x68_a3ce, true), (4, true)]
    );
    assert_eq!(words.len(), 11);
}

#[test]
fn go_1_18_generics_and_doubtful_values() {
    let d = dump!("go1.18-generics.txt");
    rows(
        &d,
        DumpKind::Plain,
        &[
            (40, "running", None, 1),
            (1, "select (no cases)", Some(4), 1),
            (21, "chan receive", Some(4), 1),
            (22, "semacquire", Some(4), 5),
        ],
    );
    built_with(&d, Some(18), Some(19));
    started(&d, 22, Some("example.com/shop/cache.New[...]"), None);
    assert_eq!(
        names(&d, 3)[3..],
        [
            "example.com/shop/cache.Map[go.shape.string_0,go.shape.struct { A string; B int }_1].Load",
            "slices.SortFunc[...].func1"
        ]
    );
    assert_eq!(
        args(&d, 22, "slices.SortFunc[...].func1"),
        [(0xc0_0007_a7d0, true), (4, true)]
    );
    let take = d.frames(goroutine(&d, 21))[0];
    assert_eq!(d.receiver(&take), None);
}

#[test]
fn go_1_19() {
    let d = dump!("go1.19-debug2.txt");
    rows(
        &d,
        DumpKind::Plain,
        &[
            (1, "running", None, 4),
            (19, "semacquire", Some(2), 4),
            (20, "semacquire", Some(2), 4),
            (21, "select (no cases)", Some(2), 1),
            (5, "semacquire", Some(2), 3),
            (22, "semacquire", Some(2), 3),
            (23, "chan receive", Some(2), 1),
            (25, "syscall", Some(2), 4),
            (26, "semacquire", Some(2), 2),
            (31, "IO wait", Some(2), 7),
        ],
    );
    built_with(&d, Some(18), Some(19));
    assert_eq!(locked(&d), [25]);
    // The holder's receiver is dead and printed as doubtful; the queue's lock is not.
    assert_eq!(args(&d, 21, "main.(*Stock).Reserve")[0], (0, false));
    assert!(args(&d, 19, "sync.(*Mutex).lockSlow")[0].1);
}

#[test]
fn go_1_19_panic() {
    let d = dump!("go1.19-panic.txt");
    assert_eq!((d.kind, d.goroutines.len()), (DumpKind::Panic, 5));
    assert_eq!(d.prelude[0].text, "panic: assignment to entry in nil map");
    assert_eq!(names(&d, 0), ["main.main"]);
}

#[test]
fn go_1_21_says_who_started_whom() {
    let d = dump!("go1.21-debug2.txt");
    rows(
        &d,
        DumpKind::Plain,
        &[
            (1, "running", None, 4),
            (19, "sync.Mutex.Lock", Some(2), 4),
            (20, "sync.Mutex.Lock", Some(2), 4),
            (21, "select (no cases)", Some(2), 1),
            (5, "sync.RWMutex.Lock", Some(2), 3),
            (22, "sync.RWMutex.RLock", Some(2), 3),
            (23, "chan receive", Some(2), 1),
            (24, "chan receive", Some(2), 4),
            (25, "syscall", Some(2), 4),
            (27, "chan receive (nil chan)", Some(2), 1),
            (31, "IO wait", Some(2), 7),
        ],
    );
    built_with(&d, Some(21), None);
    started(&d, 24, Some("main.main"), Some(1));
    assert!(goroutine(&d, 24).elided);
    assert!(!goroutine(&d, 23).elided);
    assert_eq!(names(&d, 6), ["main.(*Queue[...]).Take"]);
}

#[test]
fn go_1_23_asked_by_a_signal() {
    let d = dump!("go1.23-sigquit.txt");
    rows(
        &d,
        DumpKind::Signal,
        &[
            (0, "idle", None, 8),
            (1, "select (no cases)", None, 5),
            (3, "GC sweep wait", None, 5),
            (18, "finalizer wait", Some(2), 3),
            (20, "sync.Mutex.Lock", Some(2), 9),
            (22, "select (no cases)", Some(2), 5),
            (5, "sync.RWMutex.Lock", Some(2), 8),
            (26, "syscall", Some(2), 6),
            (27, "semacquire", Some(2), 7),
            (36, "runnable", None, 4),
        ],
    );
    built_with(&d, Some(23), None);
    assert_eq!(locked(&d), [26]);
    started(&d, 20, Some("main.main"), Some(1));
    assert!(args(&d, 20, "sync.(*Mutex).lockSlow")[0].1);
}

#[test]
fn go_1_25_fatal_error() {
    let d = dump!("go1.25-fatal.txt");
    rows(
        &d,
        DumpKind::Fatal,
        &[
            (1, "running", None, 5),
            (7, "sync.Mutex.Lock", None, 5),
            (9, "select (no cases)", None, 1),
            (18, "sync.RWMutex.Lock", None, 3),
            (10, "sync.RWMutex.RLock", None, 3),
            (12, "chan receive", None, 4),
            (13, "syscall", None, 4),
            (14, "sync.WaitGroup.Wait", None, 2),
            (39, "syscall", None, 2),
        ],
    );
    built_with(&d, Some(24), None);
    assert_eq!(
        d.prelude[0].text,
        "fatal error: sync: unlock of unlocked mutex"
    );
    assert_eq!(
        args(&d, 7, "internal/sync.(*Mutex).lockSlow"),
        [(0xc0_0007_ee40, true)]
    );
}

#[test]
fn go_1_27_prints_labels() {
    let d = dump!("go1.27-labels.txt");
    rows(
        &d,
        DumpKind::Plain,
        &[
            (1, "running", None, 4),
            (20, "sync.Mutex.Lock", Some(2), 5),
            (22, "select (no cases)", Some(2), 1),
            (6, "chan receive", Some(2), 1),
            (8, "syscall", Some(2), 4),
            (9, "sync.WaitGroup.Wait", Some(2), 2),
            (10, "chan receive (nil chan)", Some(2), 1),
            (28, "sleep", Some(2), 2),
        ],
    );
    built_with(&d, Some(26), None);
    let labels = |id| d.stacks.text(goroutine(&d, id).labels);
    assert_eq!(
        (labels(28), labels(10)),
        (r#"step: pay, tenant: "shop]a""#, "")
    );
    // The heap no longer begins at 0xc000000000.
    assert_eq!(
        args(&d, 20, "internal/sync.(*Mutex).lockSlow"),
        [(0x92a_6a31_ced0, true)]
    );
}

#[test]
fn go_1_27_counted() {
    let d = dump!("go1.27-debug1.txt");
    assert_eq!((d.kind, d.count()), (DumpKind::Aggregated, 6));
    let labelled: Vec<&str> = d
        .goroutines
        .iter()
        .map(|g| d.stacks.text(g.labels))
        .filter(|l| !l.is_empty())
        .collect();
    assert_eq!(labelled, [r#""step":"pay", "tenant":"shop]a""#]);
    assert!(names(&d, 1).contains(&"main.(*Queue[...]).Take"));
}
