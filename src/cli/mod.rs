//! The command line: one file a verb. A verb parses its arguments, runs the library, and prints.
//!
//! Standard output carries the report alone; everything else goes to standard error.

mod analyze;
mod ask;
mod completions;
mod failure;
mod goroutines;
mod inventory;
mod outputs;
mod progress;
mod reading;
mod rules;
mod stage;
mod timeline;
mod values;
mod why;

#[cfg(test)]
mod tests;

use std::ffi::OsString;

use clap::{ArgMatches, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use failure::Failure;
pub use stage::Stage;
use stage::{When, wants};

const EXAMPLES: &str = "\
Examples:
  kforensics analyze must-gather.tar.gz           what happened, why, on which lines that rests
  kforensics why must-gather.tar.gz node/n1       the chain behind one thing
  kforensics timeline ./bundle --component kubelet
  kforensics ask ./bundle -o ask.sh               a script that collects what is missing
  kforensics explain route/vpc-not-found           what is known about one kind of fact

Nothing is sent anywhere: kforensics reads files, and the cluster is not asked.";

/// Says what happened in a Kubernetes cluster, why, and on which lines of its support bundle that rests
#[derive(Parser, Debug)]
#[command(name = "kforensics", version, after_help = EXAMPLES, max_term_width = 110)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Verb,
}

/// What every command takes.
#[derive(Args, Debug)]
#[command(next_help_heading = "Global options")]
struct Global {
    #[arg(
        long,
        help = "Colours (NO_COLOR is honoured)",
        global = true,
        value_enum,
        default_value_t,
        value_name = "WHEN"
    )]
    color: When,
    /// Show on standard error how far the reading is
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    progress: When,
    /// No progress
    #[arg(short, long, global = true)]
    quiet: bool,
    /// More: all lines of proof, all files with a remark
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Worker threads [default: one for each processor]
    #[arg(short, long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
}

#[derive(Subcommand, Debug)]
enum Verb {
    Analyze(analyze::Args),
    Why(why::Args),
    Timeline(timeline::Args),
    Goroutines(goroutines::Args),
    Inventory(inventory::Args),
    Ask(ask::Args),
    Rules(rules::Args),
    Explain(rules::ExplainArgs),
    Completions(completions::Args),
    Man(completions::ManArgs),
}

/// How a command that did its work ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Exit code 0.
    Done,
    /// Exit code 1: what was looked for is there.
    Found,
}

/// Runs the command of this process and gives its exit code.
pub fn main() -> u8 {
    Stage::of_process(|stage| run(std::env::args_os(), stage))
}

/// Runs one command line (its first word is the program's name) and gives its exit code: 0 done, 1 done and
/// found what was looked for, 2 wrong usage or nothing to read.
pub fn run(words: impl IntoIterator<Item = OsString>, stage: &mut Stage<'_>) -> u8 {
    let parsed = Cli::command()
        .try_get_matches_from(words)
        .and_then(|matches| Ok((Cli::from_arg_matches(&matches)?, matches)));
    let (cli, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return usage(&error, stage),
    };
    let done = cli.verb.run(&matches, &cli.global, stage);
    let done = done.and_then(|outcome| {
        stage.out.flush()?;
        Ok(outcome)
    });
    match done {
        Ok(Outcome::Done) => 0,
        Ok(Outcome::Found) => 1,
        Err(failure) if failure.is_closed_pipe() => 0,
        Err(failure) => {
            let color = wants(cli.global.color, stage.err_colors);
            // Nobody to tell it to: the exit code says it.
            let _ = stage.err.write_all(failure.message(color).as_bytes());
            2
        }
    }
}

impl Verb {
    fn run(
        &self,
        matches: &ArgMatches,
        global: &Global,
        stage: &mut Stage<'_>,
    ) -> Result<Outcome, Failure> {
        match self {
            Self::Analyze(args) => {
                let own = matches.subcommand().map_or(matches, |(_, m)| m);
                args.run(own, global, stage)
            }
            Self::Why(args) => args.run(global, stage),
            Self::Timeline(args) => args.run(global, stage),
            Self::Goroutines(args) => args.run(global, stage),
            Self::Inventory(args) => args.run(global, stage),
            Self::Ask(args) => args.run(global, stage),
            Self::Rules(args) => args.run(global, stage),
            Self::Explain(args) => args.run(stage),
            Self::Completions(args) => args.run(stage),
            Self::Man(args) => args.run(stage),
        }
    }
}

/// Help and version on standard output, mistakes on standard error.
fn usage(error: &clap::Error, stage: &mut Stage<'_>) -> u8 {
    let text = error.render();
    let (out, colors): (&mut dyn std::io::Write, bool) = if error.use_stderr() {
        (&mut *stage.err, stage.err_colors)
    } else {
        (&mut *stage.out, stage.out_colors)
    };
    let text = if colors {
        text.ansi().to_string()
    } else {
        text.to_string()
    };
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    if error.use_stderr() { 2 } else { 0 }
}
