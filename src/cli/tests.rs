//! Whole command lines in this process, on a bundle of two files.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io;
use std::path::Path;

use super::{Cli, Stage, run};
use clap::CommandFactory as _;

/// What a command line gave.
struct Said {
    code: u8,
    out: String,
    err: String,
}

fn say(words: &[&str]) -> Said {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut stage = Stage {
        out: &mut out,
        err: &mut err,
        out_colors: false,
        err_colors: false,
        err_is_terminal: false,
        columns: None,
        locale: String::from("C"),
    };
    let all = std::iter::once("kforensics").chain(words.iter().copied());
    let code = run(all.map(OsString::from), &mut stage);
    Said {
        code,
        out: String::from_utf8(out).unwrap(),
        err: String::from_utf8(err).unwrap(),
    }
}

/// A bundle with one error line in it.
fn bundle() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let log = "\
Log file created at: 2026/06/22 00:00:00
I0622 00:26:03.578969       1 namespaced_resources_deleter.go:113] namespace controller - syncNamespace - namespace: tobedeletedb, finalizerToken: kubernetes
E0622 00:26:03.602298       1 namespace_controller.go:148] unable to retrieve the complete list of server APIs: metrics.k8s.io/v1beta1: the server is currently unable to handle the request
";
    std::fs::write(dir.path().join("kube-controller-manager.log"), log).unwrap();
    let table = "NAME           STATUS        AGE\ntobedeletedb   Terminating   2d1h\n";
    std::fs::write(dir.path().join("get-ns.txt"), table).unwrap();
    dir
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn the_arguments_are_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn help_of_every_command_has_an_example_and_keeps_to_the_width() {
    let verbs: Vec<String> = Cli::command()
        .get_subcommands()
        .map(|c| c.get_name().to_owned())
        .collect();
    assert!(verbs.len() > 5);
    for verb in &verbs {
        let said = say(&[verb, "--help"]);
        assert_eq!(said.code, 0);
        assert!(said.out.contains("Example"), "{verb}");
        assert!(said.err.is_empty());
    }
    let said = say(&["--help"]);
    for verb in &verbs {
        assert!(said.out.contains(verb.as_str()), "{verb}");
    }
}

#[test]
fn ids_in_the_examples_exist() {
    let catalog = crate::catalog::Catalog::builtin().unwrap();
    let mut found = 0;
    for words in [
        &["--help"][..],
        &["rules", "--help"],
        &["explain", "--help"],
    ] {
        let help = say(words).out;
        let mut all = help.split_whitespace().peekable();
        while let Some(word) = all.next() {
            if let ("explain" | "show", Some(id)) = (word, all.peek().filter(|w| w.contains('/'))) {
                assert!(catalog.get(id).is_some(), "{id}");
                found += 1;
            }
        }
    }
    assert!(found >= 3);
}

#[test]
fn wrong_usage_is_2_and_goes_to_standard_error() {
    for words in [
        &["analyze"][..],
        &["analyze", "x", "--since", "yesterday"],
        &["analyze", "x", "--timezone", "Mars"],
        &["analyze", "x", "-f", "text", "-f", "json"],
        &["analyze", "-", "-"],
        &["analyze", "/no/such/bundle"],
        &["analyze", "x", "--redact"],
        &["explain", "no/such-fact"],
        &["man", "nonsense"],
        &["nonsense"],
        &[],
    ] {
        let said = say(words);
        assert_eq!(said.code, 2, "{words:?}: {}", said.err);
        assert!(said.out.is_empty(), "{words:?}");
        assert!(!said.err.is_empty(), "{words:?}");
    }
}

#[test]
fn several_reports_in_one_run() {
    let dir = bundle();
    let files = tempfile::tempdir().unwrap();
    let (json, md) = (files.path().join("a.json"), files.path().join("a.md"));
    let said = say(&[
        "analyze",
        text(dir.path()),
        "-f",
        "text",
        "-f",
        "json",
        "-o",
        text(&json),
        "-o",
        text(&md),
    ]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("The bundle"));
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    assert_eq!(json["schema"], "kforensics.analysis.v1");
    assert!(std::fs::read_to_string(&md).unwrap().starts_with("# "));
}

#[test]
fn every_command_that_reads_a_bundle_speaks() {
    let dir = bundle();
    let path = text(dir.path());
    for words in [
        &["analyze", path][..],
        &["analyze", path, "-f", "markdown", "--lang", "zh"],
        &[
            "analyze",
            path,
            "--since",
            "-2h",
            "--until",
            "2026-06-22T01:00:00Z",
            "--year",
            "2026",
            "--timezone",
            "+08:00",
            "-j",
            "1",
        ],
        &["why", path, "namespace/tobedeletedb"],
        &["timeline", path],
        &["timeline", path, "-f", "csv", "--level", "low"],
        &["timeline", path, "-f", "jsonl"],
        &["inventory", path],
        &["inventory", path, "-f", "json"],
        &["ask", path],
        &["rules", "list"],
        &["rules", "check"],
        &["completions", "bash"],
        &["man"],
        &["man", "analyze"],
    ] {
        let said = say(words);
        assert_eq!(said.code, 0, "{words:?}: {}", said.err);
        let may_be_empty = words.contains(&"jsonl");
        assert!(may_be_empty || !said.out.is_empty(), "{words:?}");
    }
}

#[test]
fn dumps_in_an_analysis_are_whole_and_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let dump = include_str!(
        "../../fixtures/goroutines/incident-05/goroutine-stacks-2018-11-19T223602+0800.log"
    );
    let name = "goroutine-stacks-2018-11-19T223602+0800.log";
    std::fs::write(dir.path().join(name), dump).unwrap();
    let mut many = String::from("goroutine 1 [select]:\nmain.main()\n\t/s/cmd/shopd/x.go:1 +0x1\n");
    for i in 0..300 {
        let _ = write!(
            many,
            "\ngoroutine {} [chan receive]:\nmain.f{i}(0xc000)\n\tx.go:{i} +0x1\n",
            i + 2
        );
    }
    std::fs::write(dir.path().join("many.txt"), many).unwrap();
    let said = say(&["analyze", text(dir.path()), "-f", "json"]);
    let json: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let dumps = &json["dumps"];
    let of = |file: &str| {
        dumps
            .as_array()
            .unwrap()
            .iter()
            .find(|d| d["artifact"].as_str().unwrap().ends_with(file))
            .unwrap()
            .clone()
    };
    let dockerd = of(name);
    assert_eq!(dockerd["process"], "dockerd");
    assert_eq!(dockerd["time"], "2018-11-19T14:36:02Z");
    let lock = &dockerd["locks"][0];
    assert_eq!(lock["address"], "0xc421b30808");
    assert_eq!(
        (
            &lock["waiters"],
            &lock["oldest_minutes"],
            &lock["probable_holder"]
        ),
        (&7.into(), &112.into(), &1987.into())
    );
    assert!(
        lock["because"]
            .as_str()
            .unwrap()
            .contains("ContainerExecStart")
    );
    let group = &dockerd["groups"][0];
    assert_eq!(
        (&group["count"], &group["oldest_minutes"], &group["idle"]),
        (&7.into(), &112.into(), &false.into())
    );
    let quoted = group["evidence"].to_string();
    assert!(quoted.contains("112 minutes") && quoted.contains("ContainerInspectCurrent"));
    let many = of("many.txt");
    assert_eq!(many["goroutines"], 301);
    assert!(many["groups"].as_array().unwrap().len() <= 60);
    assert!(many["groups_left_out"].as_u64().unwrap() > 200);
}

#[test]
fn no_command_says_an_id_that_explain_does_not_know() {
    let said = say(&["rules", "list"]);
    let first = said.out.split_whitespace().next().unwrap();
    let page = say(&["explain", first]);
    assert_eq!(page.code, 0);
    assert!(page.out.contains(first));
    let source = say(&["rules", "show", first]);
    assert!(source.out.contains("title"));
    assert_eq!(say(&["rules", "list", "no-such-family"]).code, 2);
}

#[test]
fn a_bad_rule_is_shown_where_it_stands() {
    let dir = tempfile::tempdir().unwrap();
    let family = dir.path().join("mine");
    std::fs::create_dir(&family).unwrap();
    std::fs::write(family.join("bad-rule.toml"), "title = { en = \"x\" }\n").unwrap();
    let check = say(&["rules", "check", text(dir.path())]);
    assert_eq!(check.code, 1, "{}", check.err);
    assert!(check.out.contains("bad-rule.toml"), "{}", check.out);
    let bundle = bundle();
    let said = say(&["analyze", text(bundle.path()), "--rules", text(dir.path())]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("bad-rule.toml"), "{}", said.err);
}

/// Takes a few bytes, then its reader is gone.
struct Closing(usize);

impl io::Write for Closing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let n = bytes.len().min(self.0);
        self.0 -= n;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    for words in [
        &["rules", "list"][..],
        &["completions", "zsh"],
        &["man"],
        &["--help"],
    ] {
        let mut err = Vec::new();
        let mut stage = Stage {
            out: &mut Closing(10),
            err: &mut err,
            out_colors: false,
            err_colors: false,
            err_is_terminal: false,
            columns: None,
            locale: String::new(),
        };
        let all = std::iter::once(&"kforensics").chain(words);
        assert_eq!(run(all.map(OsString::from), &mut stage), 0, "{words:?}");
        assert!(err.is_empty(), "{words:?}");
    }
}
