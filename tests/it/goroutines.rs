//! The verb `goroutines` through the program itself: formats, levels of likeness, filters.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/goroutines")
        .join(path)
}

/// Standard output of `kforensics goroutines` on these dumps.
#[track_caller]
fn told(dumps: &[&Path], options: &[&str]) -> String {
    let out = Command::new(env!("CARGO_BIN_EXE_kforensics"))
        .arg("goroutines")
        .args(dumps)
        .args(options)
        .env("NO_COLOR", "1")
        .output()
        .expect("the program starts");
    let err = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{options:?}: {err}");
    String::from_utf8(out.stdout).expect("the report is UTF-8")
}

#[track_caller]
fn json(dumps: &[&Path], options: &[&str]) -> Value {
    let text = told(dumps, &[options, &["--format", "json"]].concat());
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// Count and state of the groups of the first dump.
fn groups(value: &Value) -> Vec<(u64, String)> {
    let list = value["dumps"][0]["groups"].as_array().expect("groups");
    list.iter()
        .map(|g| {
            let state = g["state"].as_str().expect("a state");
            (g["count"].as_u64().expect("a count"), state.to_owned())
        })
        .collect()
}

/// Three goroutines in one call, two of them with equal arguments, a fourth in another state, one at rest.
const ALIKE: &str = "\
goroutine 1 [select, 90 minutes]:\nmain.main()\n\t/src/shop/cmd/shopd/main.go:8 +0x1\n
goroutine 2 [chan receive, 2 minutes]:\nmain.(*Cart).wait(0xc000100000)\n\tcart.go:7 +0x1\n
goroutine 3 [chan receive]:\nmain.(*Cart).wait(0xc000200000)\n\tcart.go:7 +0x1\n
goroutine 4 [chan receive]:\nmain.(*Cart).wait(0xc000200000)\n\tcart.go:7 +0x1\n
goroutine 5 [sleep, 12 minutes] {tenant: \"a\"}:\nmain.(*Cart).wait(0xc000200000)\n\tcart.go:9 +0x1\n";

fn alike() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("dump.txt");
    std::fs::write(&path, ALIKE).expect("a temporary file");
    (dir, path)
}

#[test]
fn levels_of_likeness() {
    let (_dir, path) = alike();
    let counts = |level: &str| -> Vec<u64> {
        let value = json(&[&path], &["--group", level]);
        groups(&value).into_iter().map(|(n, _)| n).collect()
    };
    assert_eq!(counts("exact"), [2, 1, 1]);
    assert_eq!(counts("pointers"), [3, 1]);
    assert_eq!(counts("any"), [4]);
    // Pointers is the default.
    assert_eq!(groups(&json(&[&path], &[])).len(), 2);
}

#[test]
fn filters() {
    let (_dir, path) = alike();
    let left = |options: &[&str]| groups(&json(&[&path], options));
    let receive = (3, String::from("chan receive"));
    let sleep = (1, String::from("sleep"));
    let select = (1, String::from("select"));
    assert_eq!(left(&["--state", "chan rec"]), vec![receive.clone()]);
    assert_eq!(left(&["--minutes", "3"]), [sleep.clone(), select.clone()]);
    assert_eq!(left(&["--minutes", "100"]), []);
    assert_eq!(
        left(&["--function", "Cart"]),
        [receive.clone(), sleep.clone()]
    );
    assert_eq!(left(&["--function", "main.main"]), vec![select.clone()]);
    assert_eq!(
        left(&["--function", "Cart", "--minutes", "3"]),
        vec![sleep.clone()]
    );
    // What rests is shown on demand only, and last.
    assert_eq!(left(&[]), [receive.clone(), sleep.clone()]);
    assert_eq!(left(&["--all"]), [receive, sleep, select]);
}

#[test]
fn formats() {
    let dump = fixture("locks/lock-order.txt");
    let text = told(&[&dump], &[]);
    assert!(
        text.contains("Deadlock 1:") && text.contains("probable holder"),
        "{text}"
    );
    let page = told(&[&dump], &["--format", "html"]);
    assert!(
        page.starts_with("<!DOCTYPE html>") && page.contains("Deadlock 1"),
        "{page}"
    );
    let graph = told(&[&dump], &["--format", "dot"]);
    assert!(
        graph.starts_with("digraph") && graph.trim_end().ends_with('}'),
        "{graph}"
    );
    assert!(graph.contains("c0s3 -> c0s0;"), "{graph}");
    let value = json(&[&dump], &[]);
    assert_eq!(value["chains"][0]["deadlock"], true);
    // To a file nothing goes to the terminal.
    let dir = tempfile::tempdir().expect("a temporary folder");
    let out = dir.path().join("waits.html");
    let name = out.to_str().expect("a plain path");
    assert_eq!(told(&[&dump], &["-f", "html", "-o", name]), "");
    assert_eq!(std::fs::read_to_string(&out).expect("the page"), page);
}

#[test]
fn compiler_and_labels_are_told() {
    let dump = fixture("eras/go1.27-labels.txt");
    let text = told(&[&dump], &["--all"]);
    assert!(text.contains("Go 1.2"), "{text}");
    assert!(text.contains('{'), "{text}");
    let value = json(&[&dump], &["--all"]);
    assert!(
        value["dumps"][0]["go"]
            .as_str()
            .expect("a version")
            .starts_with("Go 1.2")
    );
    let (_dir, path) = alike();
    let text = told(&[&path], &[]);
    assert!(text.contains("{tenant: \"a\"}"), "{text}");
    let value = json(&[&path], &[]);
    assert_eq!(value["dumps"][0]["groups"][1]["labels"][0], "tenant: \"a\"");
    let counted = fixture("eras/go1.27-debug1.txt");
    let value = json(&[&counted], &["--all"]);
    let labelled = value["dumps"][0]["groups"].as_array().expect("groups");
    let any = labelled
        .iter()
        .any(|g| g["labels"].as_array().is_some_and(|l| !l.is_empty()));
    assert!(any, "{value:#}");
}

#[test]
fn two_dumps_of_one_process() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, minutes: u32, more: u32| {
        let mut text = format!(
            "goroutine 1 [IO wait, {} minutes]:\nnet/http.(*Server).Serve(0xc0000e8200)\n\tserver.go:1 +0x1\nmain.main()\n\t/src/shop/cmd/shopd/main.go:8 +0x1\n\ngoroutine 9 [semacquire, {minutes} minutes]:\nsync.runtime_SemacquireMutex(0xc000100008, 0x0, 0x1)\n\tsema.go:71 +0x47\nsync.(*Mutex).lockSlow(0xc000100008)\n\tmutex.go:138 +0xfc\nmain.(*Cart).Add(0xc000100000, 0xc000700000)\n\tcart.go:9 +0x1\n\n",
            30 + minutes
        );
        for id in 100..100 + more {
            text += &format!(
                "goroutine {id} [chan receive]:\nmain.(*Feed).pull(0xc000300000)\n\tfeed.go:9 +0x1\ncreated by main.poll\n\tfeed.go:3 +0x1\n\n"
            );
        }
        let path = dir.path().join(name);
        std::fs::write(&path, text).expect("a temporary file");
        path
    };
    let (first, second) = (write("a.txt", 3, 20), write("b.txt", 8, 200));
    let text = told(&[&first, &second], &[]);
    for part in [
        "Two dumps of shopd",
        "22 and 202 goroutines",
        "in both, all the time: 1 in main.Cart.Add (semacquire, 3 → 8 min; goroutine 9)",
        "grown: 20 → 200 in main.Feed.pull, started by main.poll",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let value = json(&[&first, &second], &[]);
    let pair = &value["pairs"][0];
    assert_eq!(pair["stuck"][0]["all_the_time"], true);
    assert_eq!(pair["stuck"][0]["minutes"], serde_json::json!([3, 8]));
    assert_eq!(pair["grown"][0]["count"], serde_json::json!([20, 200]));
    let page = told(&[&first, &second], &["--format", "html"]);
    assert!(
        page.contains("Two dumps of shopd") && page.contains("all the time"),
        "{page}"
    );
}

#[test]
fn what_belongs_to_no_chain_is_told_beside() {
    let dump = fixture("issues/kubelet-72482.txt");
    let text = told(&[&dump], &[]);
    assert!(!text.contains("Nothing is"), "{text}");
    assert!(
        text.contains("pleg.GenericPLEG.relist, and nobody has taken it"),
        "{text}"
    );
    let value = json(&[&dump], &[]);
    assert_eq!(value["beside"][0]["kind"], "goroutines/send-without-reader");
}

#[test]
fn healthy_processes_together_are_quiet() {
    let text = told(&[&fixture("healthy")], &[]);
    assert!(text.contains("Nothing is stuck"), "{text}");
}
