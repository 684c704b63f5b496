//! What all commands that read a bundle have in common: which bundle, with which clock, rules, language.

use std::path::{Path, PathBuf};

use clap::Args;

use super::failure::Failure;
use super::stage::Stage;
use super::{Global, progress, values};
use crate::base::lang::Lang;
use crate::extract::{Overrides, Zone};
use crate::input::{Input, Limits};
use crate::pipeline::{self, Bound, Options, Run};

/// How a bundle is read.
#[derive(Args, Debug)]
#[command(next_help_heading = "Reading")]
pub(super) struct Reading {
    /// Language of the report [default: that of the locale]
    #[arg(long, value_parser = values::lang())]
    lang: Option<Lang>,
    /// Only what lasted beyond this moment: RFC 3339, or -2h for two hours before the end of the bundle
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = values::bound)]
    since: Option<Bound>,
    /// Only what began before this moment
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = values::bound)]
    until: Option<Bound>,
    /// Year of the logs that do not print one
    #[arg(long, value_name = "YEAR", value_parser = clap::value_parser!(i32).range(1980..=2200))]
    year: Option<i32>,
    /// Time zone of the logs that do not print one: UTC, +08:00, Asia/Shanghai
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true, value_parser = values::zone)]
    timezone: Option<Zone>,
    /// Add families of rules from this folder (repeatable; see `rules check`)
    #[arg(long, value_name = "DIR")]
    rules: Vec<PathBuf>,
}

impl Reading {
    /// The language of the report.
    pub(super) fn lang(&self, stage: &Stage<'_>) -> Lang {
        self.lang.unwrap_or_else(|| stage.lang())
    }

    /// Reads and analyses the bundles as one.
    pub(super) fn run(
        &self,
        bundles: &[PathBuf],
        global: &Global,
        stage: &Stage<'_>,
    ) -> Result<Run, Failure> {
        let inputs: Vec<Input> = bundles.iter().map(|b| input(b)).collect();
        if inputs.iter().filter(|i| **i == Input::Stdin).count() > 1 {
            let text = "standard input (`-`) can be given only once";
            return Err(Failure::Usage(String::from(text)));
        }
        let options = Options {
            inputs,
            limits: Limits::default(),
            clocks: Overrides {
                year: self.year,
                zone: self.timezone.clone(),
            },
            lang: self.lang(stage),
            rules: self.rules.clone(),
            window: (self.since, self.until),
            jobs: global.jobs.map(usize::from),
        };
        let progress = progress::new(global.progress, global.quiet, stage.err_is_terminal);
        Ok(pipeline::run(&options, &*progress)?)
    }
}

fn input(path: &Path) -> Input {
    if path.as_os_str() == "-" {
        Input::Stdin
    } else {
        Input::Path(path.to_owned())
    }
}
