//! The generated pages below `docs/catalogue/` follow the rule files: a page a family, an index. `UPDATE=1 cargo test`
//! rewrites them; without it the test compares.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use super::{Catalog, Origin, page};
use crate::base::lang::Lang;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/catalogue")
}

/// Every page by file name.
fn pages(catalog: &Catalog) -> BTreeMap<String, String> {
    let mut families: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for definition in catalog.definitions() {
        families
            .entry(definition.family())
            .or_default()
            .push(definition);
    }
    let mut pages = BTreeMap::new();
    let mut index = String::from(
        "# The catalogue\n\nGenerated from `src/catalog/facts/`; [how to read and write it](../rules.md).\n\n\
         | family | facts | patterns | symptoms | inferred | suspects | causes | examples | counterexamples | stories |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    let mut totals = [0usize; 9];
    for (family, definitions) in &families {
        let causes: Vec<_> = catalog
            .causes()
            .iter()
            .filter(|c| catalog.at(c.cause).is_some_and(|d| d.family() == *family))
            .collect();
        let row = [
            definitions.len(),
            definitions.iter().map(|d| d.patterns.len()).sum(),
            definitions.iter().filter(|d| d.symptom).count(),
            definitions
                .iter()
                .filter(|d| matches!(d.origin, Origin::Inferred { .. }))
                .count(),
            definitions
                .iter()
                .filter(|d| d.origin == Origin::Suspect)
                .count(),
            causes.len(),
            definitions.iter().map(|d| d.matches.len()).sum(),
            definitions.iter().map(|d| d.ignores.len()).sum(),
            causes
                .iter()
                .map(|c| usize::from(c.holds.is_some()) + c.not.len())
                .sum(),
        ];
        for (total, cell) in totals.iter_mut().zip(row) {
            *total += cell;
        }
        let cells: Vec<String> = row.iter().map(ToString::to_string).collect();
        let _ = writeln!(index, "| [{family}]({family}.md) | {} |", cells.join(" | "));
        let mut text = String::new();
        for definition in definitions {
            text.push_str(page::render(catalog, definition, Lang::En).trim_end());
            text.push_str("\n\n");
        }
        pages.insert(format!("{family}.md"), text);
    }
    let cells: Vec<String> = totals.iter().map(ToString::to_string).collect();
    let _ = writeln!(index, "| **all** | {} |", cells.join(" | "));
    pages.insert(String::from("README.md"), index);
    pages
}

#[test]
fn pages_follow_the_rule_files() {
    let catalog = Catalog::builtin().unwrap();
    let pages = pages(&catalog);
    let folder = folder();
    if std::env::var_os("UPDATE").is_some() {
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        for (name, text) in &pages {
            std::fs::write(folder.join(name), text).unwrap();
        }
    }
    let stale: Vec<&String> = pages
        .iter()
        .filter(|(name, text)| {
            std::fs::read_to_string(folder.join(name)).ok().as_ref() != Some(*text)
        })
        .map(|(name, _)| name)
        .collect();
    assert!(
        stale.is_empty(),
        "stale pages {stale:?}: run UPDATE=1 cargo test pages_follow"
    );
    let files = std::fs::read_dir(&folder).unwrap().count();
    assert_eq!(files, pages.len(), "pages of families that no longer exist");
}
