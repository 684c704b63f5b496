//! `kforensics analyze`: the main job.

use std::path::PathBuf;

use clap::ArgMatches;

use super::failure::Failure;
use super::outputs::{self, Format, Output};
use super::reading::Reading;
use super::stage::{Stage, wants};
use super::{Global, Outcome, values};
use crate::model::Severity;
use crate::report::{Look, Report, json, markdown, text};

const EXAMPLES: &str = "\
Examples:
  kforensics analyze ./bundle                            a folder, an archive, or single files
  kforensics analyze must-gather.tar.gz --lang zh        the report in Chinese
  kforensics analyze b.tar.gz -f text -f json -o a.json  text here, JSON into a file
  kforensics analyze b.tar.gz -o postmortem.md           the name tells the format
  kforensics analyze kubelet.log --timezone Asia/Shanghai --since -2h
  ssh host tar c /var/log | kforensics analyze -         a tar stream

Exit code: 0 done; 1 done, and --fail-on was reached; 2 wrong usage, or nothing could be read.";

/// Says what happened, why, and on which lines that rests
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Folders, archives or files to read as one bundle; `-` is a tar stream on standard input
    #[arg(required = true, value_name = "BUNDLE")]
    bundles: Vec<PathBuf>,
    /// For a terminal, for machines, or to send; repeatable, each with its own -o [default: text]
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    format: Vec<Format>,
    /// Write the report of the -f before it to this file
    #[arg(short, long, value_name = "FILE")]
    output: Vec<PathBuf>,
    /// Exit with 1 when an incident of this severity or above is found
    #[arg(long, value_name = "SEVERITY", value_parser = values::severity())]
    fail_on: Option<Severity>,
    /// Leave out incidents below this severity
    #[arg(long, value_name = "SEVERITY", value_parser = values::severity())]
    min_severity: Option<Severity>,
    #[command(flatten)]
    reading: Reading,
}

impl Args {
    /// Runs the command; `matches` are its own arguments, for the order of -f and -o.
    pub(super) fn run(
        &self,
        matches: &ArgMatches,
        global: &Global,
        stage: &mut Stage<'_>,
    ) -> Result<Outcome, Failure> {
        let wanted = outputs::wanted(matches)?;
        let run = self.reading.run(&self.bundles, global, stage)?;
        let mut report = Report::new(&run.analysis, &run.catalog, self.reading.lang(stage));
        report.least = self.min_severity.unwrap_or(Severity::Info);
        // Files first: a reader of standard output that goes away must not keep them from being written.
        for output in wanted.iter().filter(|o| o.file.is_some()) {
            put(&report, output, global, stage)?;
        }
        for output in wanted.iter().filter(|o| o.file.is_none()) {
            put(&report, output, global, stage)?;
        }
        let reached = self
            .fail_on
            .is_some_and(|least| run.analysis.incidents.iter().any(|i| i.severity >= least));
        Ok(if reached {
            Outcome::Found
        } else {
            Outcome::Done
        })
    }
}

fn put(
    report: &Report<'_>,
    output: &Output,
    global: &Global,
    stage: &mut Stage<'_>,
) -> Result<(), Failure> {
    let look = match output.file {
        None => stage.look(global.color, global.verbose > 0),
        Some(_) => Look {
            color: wants(global.color, false),
            verbose: global.verbose > 0,
            ..Look::default()
        },
    };
    let text = match output.format {
        Format::Text => text::render(report, look),
        Format::Json => json::render(report)?,
        Format::Markdown => markdown::render(report),
    };
    outputs::deliver(output.file.as_deref(), &text, stage)
}
