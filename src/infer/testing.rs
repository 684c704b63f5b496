//! Small bundles for the tests of inferences: files in, facts out, through the real formats and the built-in rules.

use std::sync::OnceLock;

use crate::catalog::Catalog;
use crate::extract::{self, Overrides, World};
use crate::input::Found;
use crate::model::Fact;

/// The built-in rules, loaded once.
pub(super) fn catalog() -> &'static Catalog {
    static CATALOG: OnceLock<Catalog> = OnceLock::new();
    CATALOG.get_or_init(|| Catalog::builtin().unwrap())
}

/// What the files say, before any inference.
pub(super) fn world_of(files: &[(&str, &str)]) -> World {
    let observations = files
        .iter()
        .map(|(path, text)| {
            let found = Found::named((*path).to_owned());
            extract::observe(catalog(), &found, &mut text.as_bytes())
        })
        .collect();
    let overrides = Overrides {
        year: Some(2026),
        ..Overrides::default()
    };
    extract::assemble(catalog(), observations, Vec::new(), &overrides)
}

/// The facts of one kind after all inferences.
pub(super) fn facts_of(files: &[(&str, &str)], kind: &str) -> Vec<Fact> {
    assert!(catalog().get(kind).is_some(), "no such fact: {kind}");
    let mut world = world_of(files);
    super::infer(catalog(), &mut world);
    world.facts.into_iter().filter(|f| f.kind == kind).collect()
}

/// The values of some keys of each fact, to compare in one assertion.
pub(super) fn shown(facts: &[Fact], keys: &[&str]) -> Vec<String> {
    facts
        .iter()
        .map(|f| {
            let values: Vec<String> = keys
                .iter()
                .map(|k| format!("{k}={}", f.key(k).unwrap_or("-")))
                .collect();
            format!("{} {}", f.entity, values.join(" "))
        })
        .collect()
}
