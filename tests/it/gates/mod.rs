//! The gates: what every incident of `fixtures/incidents` must pass.
//!
//! Each prints its table (`cargo test --test it gates -- --nocapture`). A row that its `truth.toml` calls advisory
//! is printed and not asserted.

mod diagnosis;
mod noise;
mod order;
mod removal;
mod two;

use std::fmt::Write as _;

use rayon::prelude::*;

/// One line of a gate's table.
struct Row {
    name: String,
    outcome: Result<String, String>,
    /// Why a failure is known.
    advisory: Option<String>,
}

/// Runs the rows, several at once, prints the table and fails if one that counts failed.
fn gate<T: Send + Sync>(name: &str, cases: &[T], run: impl Fn(&T) -> Row + Sync + Send) {
    let rows: Vec<Row> = cases.par_iter().map(run).collect();
    assert!(!rows.is_empty(), "the gate {name} has no case");
    let mut table = format!("\n{name}\n");
    let mut failures = String::new();
    for Row {
        name,
        outcome,
        advisory,
    } in &rows
    {
        let (word, text) = match (outcome, advisory) {
            (Ok(text), None) => ("ok", text.clone()),
            (Ok(text), Some(why)) => (
                "ok!",
                format!("{text} — reached, no longer advisory ({why})"),
            ),
            (Err(text), Some(why)) => ("adv", format!("{text} — known: {why}")),
            (Err(text), None) => {
                let _ = writeln!(failures, "{name}: {text}");
                ("MISS", text.clone())
            }
        };
        let _ = writeln!(
            table,
            "  {word:<4} {name:<56} {}",
            text.lines().next().unwrap_or("")
        );
    }
    println!("{table}");
    assert!(failures.is_empty(), "{name}:\n{failures}");
}
