//! The built-in catalogue: every example, counterexample and story comes out.

use std::fmt::Write as _;

use kforensics::catalog::Catalog;
use kforensics::selftest;

#[test]
fn every_example_and_story_comes_out() {
    let catalog = Catalog::builtin().unwrap_or_else(|e| panic!("{e}"));
    let results = selftest::run(&catalog);
    println!(
        "{} matches, {} ignores, {} stories",
        results.matches, results.ignores, results.stories
    );
    assert!(
        results.matches > 0 && results.ignores > 0 && results.stories > 0,
        "the catalogue has no examples"
    );
    let mut text = String::new();
    for failure in &results.failures {
        let _ = writeln!(
            text,
            "{}:{}: {}: {}\n{}\n",
            failure.path, failure.line, failure.id, failure.what, failure.sample
        );
    }
    assert!(
        results.failures.is_empty(),
        "{} failure(s)\n\n{text}",
        results.failures.len()
    );
}
