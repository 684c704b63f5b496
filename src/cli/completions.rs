//! `kforensics completions` and `kforensics man`: what a shell and a reader of manuals want.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::failure::Failure;
use super::stage::Stage;
use super::{Cli, Outcome};

/// Prints the completions for a shell
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  kforensics completions bash > /etc/bash_completion.d/kforensics"
)]
pub(super) struct Args {
    /// The shell
    shell: Shell,
}

impl Args {
    pub(super) fn run(&self, stage: &mut Stage<'_>) -> Result<Outcome, Failure> {
        // Into memory first: the generator does not expect that its reader may go away.
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "kforensics", &mut text);
        stage.out.write_all(&text)?;
        Ok(Outcome::Done)
    }
}

/// Prints a manual page
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  kforensics man > kforensics.1\n  kforensics man analyze | man -l -"
)]
pub(super) struct ManArgs {
    /// The command it is about [default: all of them in short]
    command: Option<String>,
}

impl ManArgs {
    pub(super) fn run(&self, stage: &mut Stage<'_>) -> Result<Outcome, Failure> {
        let mut all = Cli::command();
        all.build();
        let page = match &self.command {
            None => all,
            Some(name) => all.find_subcommand(name).cloned().ok_or_else(|| {
                Failure::Usage(format!("there is no command {name}: see kforensics --help"))
            })?,
        };
        let mut text = Vec::new();
        clap_mangen::Man::new(page).render(&mut text)?;
        stage.out.write_all(&text)?;
        Ok(Outcome::Done)
    }
}
