//! `kforensics rules` and `kforensics explain`: the knowledge itself.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::failure::Failure;
use super::stage::Stage;
use super::{Global, Outcome, values};
use crate::base::lang::Lang;
use crate::base::text::printable;
use crate::catalog::{self, Catalog};
use crate::report::{Ink, Sheet, columns, pad};
use crate::{pipeline, selftest};

const EXAMPLES: &str = "\
Examples:
  kforensics rules list
  kforensics rules list namespace-deletion
  kforensics rules show aggregated-api/group-unavailable
  kforensics rules check ./my-rules
  kforensics rules test ./my-rules

Exit code: 1 when `check` finds a mistake or `test` a failing example.";

/// Lists, shows, checks and tests the rules
#[derive(ClapArgs, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Ids, severities and titles
    List {
        /// Only this family
        family: Option<String>,
        /// Language of the titles
        #[arg(long, value_parser = values::lang())]
        lang: Option<Lang>,
        /// Add families of rules from this folder (repeatable)
        #[arg(long, value_name = "DIR")]
        rules: Vec<PathBuf>,
    },
    /// The file of a rule, as it is written
    Show {
        /// Id of the rule: family/name
        id: String,
        /// Add families of rules from this folder (repeatable)
        #[arg(long, value_name = "DIR")]
        rules: Vec<PathBuf>,
    },
    /// Reads the rules and says what is wrong with them
    Check {
        /// Folders of rules to check together with the built-in ones
        #[arg(value_name = "DIR")]
        rules: Vec<PathBuf>,
    },
    /// Runs the examples and stories of the rules
    Test {
        /// Folders of rules to test together with the built-in ones
        #[arg(value_name = "DIR")]
        rules: Vec<PathBuf>,
    },
}

impl Args {
    pub(super) fn run(&self, global: &Global, stage: &mut Stage<'_>) -> Result<Outcome, Failure> {
        match &self.action {
            Action::List {
                family,
                lang,
                rules,
            } => {
                let catalog = pipeline::load(rules)?;
                let lang = lang.unwrap_or_else(|| stage.lang());
                list(&catalog, family.as_deref(), lang, global, stage)
            }
            Action::Show { id, rules } => {
                let catalog = pipeline::load(rules)?;
                let definition = find(&catalog, id)?;
                let text = catalog::page::source(definition)?;
                stage.out.write_all(text.as_bytes())?;
                Ok(Outcome::Done)
            }
            Action::Check { rules } => check(rules, global, stage),
            Action::Test { rules } => test(&pipeline::load(rules)?, stage),
        }
    }
}

fn list(
    catalog: &Catalog,
    family: Option<&str>,
    lang: Lang,
    global: &Global,
    stage: &mut Stage<'_>,
) -> Result<Outcome, Failure> {
    let shown: Vec<_> = catalog
        .definitions()
        .iter()
        .filter(|d| family.is_none_or(|f| d.family() == f))
        .collect();
    if let (Some(family), true) = (family, shown.is_empty()) {
        let families = catalog
            .definitions()
            .iter()
            .map(catalog::Definition::family);
        return Err(unknown("family", family, families));
    }
    let mut sheet = Sheet::new(stage.look(global.color, false));
    let ids = shown.iter().map(|d| columns(&d.id)).max().unwrap_or(0);
    for d in shown {
        let id = format!("{}  ", pad(&d.id, ids));
        let severity = format!("{}  ", pad(d.severity.as_str(), 8));
        let title = match lang {
            Lang::En => &d.title.0,
            Lang::Zh => &d.title.1,
        };
        let hang = " ".repeat(columns(&id) + columns(&severity));
        sheet.flow(
            &[(Ink::Cyan, &id), (Ink::Dim, &severity)],
            &[(Ink::Plain, &hang)],
            Ink::Plain,
            &title.to_string(),
            3,
        );
    }
    stage.out.write_all(sheet.finish().as_bytes())?;
    Ok(Outcome::Done)
}

fn check(rules: &[PathBuf], global: &Global, stage: &mut Stage<'_>) -> Result<Outcome, Failure> {
    match pipeline::load(rules) {
        Ok(catalog) => {
            writeln!(
                stage.out,
                "{} facts, {} patterns, {} causes: no mistakes",
                catalog.definitions().len(),
                catalog.patterns().len(),
                catalog.causes().len()
            )?;
            Ok(Outcome::Done)
        }
        Err(e @ catalog::CatalogError::Unreadable { .. }) => Err(e.into()),
        Err(e) => {
            let color = super::stage::wants(global.color, stage.out_colors);
            let text = Failure::Rules(e).message(color);
            stage.out.write_all(text.as_bytes())?;
            Ok(Outcome::Found)
        }
    }
}

fn test(catalog: &Catalog, stage: &mut Stage<'_>) -> Result<Outcome, Failure> {
    let results = selftest::run(catalog);
    let mut out = String::new();
    for f in &results.failures {
        let _ = writeln!(
            out,
            "{}: {}",
            printable(f.path.as_bytes()),
            printable(f.what.as_bytes())
        );
        for line in f.sample.lines() {
            let _ = writeln!(out, "    {}", printable(line.as_bytes()));
        }
    }
    let _ = writeln!(
        out,
        "{} examples, {} counterexamples, {} stories: {} failed",
        results.matches,
        results.ignores,
        results.stories,
        results.failures.len()
    );
    stage.out.write_all(out.as_bytes())?;
    Ok(if results.failures.is_empty() {
        Outcome::Done
    } else {
        Outcome::Found
    })
}

const EXPLAIN: &str = "\
Examples:
  kforensics explain aggregated-api/group-unavailable
  kforensics explain namespace-deletion/stuck-terminating --lang zh";

/// What is known about one kind of fact: what shows it, what causes it, what it causes, what to do
#[derive(ClapArgs, Debug)]
#[command(after_help = EXPLAIN)]
pub(super) struct ExplainArgs {
    /// Id of the kind: family/name
    id: String,
    /// Language of the page
    #[arg(long, value_parser = values::lang())]
    lang: Option<Lang>,
    /// Add families of rules from this folder (repeatable)
    #[arg(long, value_name = "DIR")]
    rules: Vec<PathBuf>,
}

impl ExplainArgs {
    pub(super) fn run(&self, stage: &mut Stage<'_>) -> Result<Outcome, Failure> {
        let catalog = pipeline::load(&self.rules)?;
        let definition = find(&catalog, &self.id)?;
        let lang = self.lang.unwrap_or_else(|| stage.lang());
        let page = catalog::page::render(&catalog, definition, lang);
        let lines: Vec<String> = page.lines().map(|l| printable(l.as_bytes())).collect();
        writeln!(stage.out, "{}", lines.join("\n"))?;
        Ok(Outcome::Done)
    }
}

fn find<'a>(catalog: &'a Catalog, id: &str) -> Result<&'a catalog::Definition, Failure> {
    catalog
        .get(id)
        .ok_or_else(|| unknown("rule", id, catalog.definitions().iter().map(|d| &*d.id)))
}

/// Nothing has this name; the names nearest to it.
fn unknown<'a>(what: &str, name: &str, all: impl Iterator<Item = &'a str>) -> Failure {
    let mut near: Vec<(usize, &str)> = all
        .map(|n| (distance(name, n), n))
        .filter(|(d, n)| n.contains(name) || *d <= name.len() / 3)
        .collect();
    near.sort_unstable();
    near.dedup();
    let names: Vec<&str> = near.iter().take(5).map(|(_, n)| *n).collect();
    let hint = if names.is_empty() {
        String::from("kforensics rules list shows them all")
    } else {
        format!("did you mean {}?", names.join(", "))
    };
    let name = printable(name.as_bytes());
    Failure::Usage(format!("there is no {what} {name}: {hint}"))
}

/// How many letters must be changed, added or dropped to make `b` of `a`.
fn distance(a: &str, b: &str) -> usize {
    // Names are short; what is longer is not near anything.
    let a: Vec<char> = a.chars().take(100).collect();
    let mut row: Vec<usize> = (0..=a.len()).collect();
    for (i, c) in b.chars().take(100).enumerate() {
        let mut next = vec![i + 1];
        for (j, d) in a.iter().enumerate() {
            let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX / 2);
            let change = at(&row, j) + usize::from(c != *d);
            next.push(change.min(at(&row, j + 1) + 1).min(at(&next, j) + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_offered() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "ab"), 2);
        let ids = ["pleg/unhealthy", "node/not-ready"];
        let say = |name: &str| unknown("rule", name, ids.into_iter()).to_string();
        assert_eq!(
            say("pleg/unhealty"),
            "there is no rule pleg/unhealty: did you mean pleg/unhealthy?"
        );
        assert_eq!(
            say("not-ready"),
            "there is no rule not-ready: did you mean node/not-ready?"
        );
        assert!(say("zebra").contains("rules list"));
    }
}
