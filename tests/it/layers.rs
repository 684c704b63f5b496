//! Who may import whom (`docs/architecture.md`), read from the `use` lines.

use std::fmt::Write as _;
use std::path::Path;

use regex::Regex;
use walkdir::WalkDir;

/// A layer and the layers that its code may name. Tests within `src/` obey as well.
const TABLE: [(&str, &[&str]); 12] = [
    ("base", &[]),
    ("model", &["base"]),
    ("input", &["base", "model"]),
    ("parse", &["base", "model"]),
    ("catalog", &["base", "model"]),
    ("extract", &["base", "model", "input", "parse", "catalog"]),
    ("infer", &["base", "model", "catalog", "extract"]),
    ("correlate", &["base", "model", "catalog", "extract"]),
    ("report", &["base", "model"]),
    (
        "pipeline",
        &[
            "base",
            "model",
            "input",
            "parse",
            "catalog",
            "extract",
            "infer",
            "correlate",
            "report",
        ],
    ),
    (
        "selftest",
        &[
            "base",
            "model",
            "input",
            "parse",
            "catalog",
            "extract",
            "infer",
            "correlate",
        ],
    ),
    (
        "cli",
        &[
            "base",
            "model",
            "input",
            "parse",
            "catalog",
            "extract",
            "infer",
            "correlate",
            "report",
            "pipeline",
            "selftest",
        ],
    ),
];

/// Arrows that do not fit the table yet, and why. An entry that is no longer needed fails the test.
const KNOWN: [(&str, &str, &str); 1] = [(
    "infer/testing.rs",
    "input",
    "the unit tests of the inferences build their worlds from files",
)];

#[test]
fn no_layer_imports_one_above_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    // `use crate::{a, b}` and paths in the middle of code name a layer as well.
    let path = Regex::new(r"\bcrate::(?:\{([^}]*)\}|(\w+))").unwrap();
    let mut wrong = String::new();
    let mut arrows = 0;
    let mut needed = [false; KNOWN.len()];
    for entry in WalkDir::new(&src).sort_by_file_name() {
        let entry = entry.unwrap();
        if entry.path().extension().is_none_or(|e| e != "rs") {
            continue;
        }
        let file = entry
            .path()
            .strip_prefix(&src)
            .unwrap()
            .to_string_lossy()
            .replace('\\', "/");
        let layer = file
            .split('/')
            .next()
            .unwrap()
            .trim_end_matches(".rs")
            .to_owned();
        if matches!(layer.as_str(), "lib" | "main") {
            continue;
        }
        let Some((_, allowed)) = TABLE.iter().find(|(l, _)| *l == layer) else {
            let _ = writeln!(wrong, "src/{file}: the layer {layer} is not in the table");
            continue;
        };
        let text = std::fs::read_to_string(entry.path()).unwrap();
        for found in path.captures_iter(&code(&text)) {
            let list = found.get(1).map(|m| m.as_str()).unwrap_or_default();
            let one = found.get(2).map(|m| m.as_str());
            let heads = list
                .split(',')
                .map(|p| p.trim().split("::").next().unwrap_or(""))
                .chain(one);
            for to in heads.filter(|h| TABLE.iter().any(|(l, _)| l == h)) {
                arrows += 1;
                if to == layer || allowed.contains(&to) {
                    continue;
                }
                if let Some(at) = KNOWN.iter().position(|(f, t, _)| *f == file && *t == to) {
                    needed[at] = true;
                    continue;
                }
                let _ = writeln!(wrong, "src/{file}: {layer} must not import {to}");
            }
        }
    }
    for ((file, to, why), needed) in KNOWN.iter().zip(needed) {
        if !needed {
            let _ = writeln!(
                wrong,
                "src/{file} no longer imports {to}: take it from the list ({why})"
            );
        }
    }
    assert!(
        arrows > 100,
        "only {arrows} imports were seen: does the test still read them?"
    );
    assert!(wrong.is_empty(), "{wrong}");
}

/// The text without comments, which may name whom they like.
fn code(text: &str) -> String {
    text.lines()
        .filter(|l| !l.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_table_has_no_cycle() {
    for (at, (layer, allowed)) in TABLE.iter().enumerate() {
        for to in *allowed {
            let below = TABLE.iter().take(at).any(|(l, _)| l == to);
            assert!(
                below,
                "{layer} may import {to}, which does not stand below it"
            );
        }
    }
}
