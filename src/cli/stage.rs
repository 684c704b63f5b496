//! Where a command speaks: its two outputs, and what is known about them.

use std::io::{self, IsTerminal as _, Write};
use std::path::Path;

use anstream::{AutoStream, ColorChoice};
use clap::ValueEnum;

use super::Global;
use crate::base::lang::Lang;
use crate::report::Look;

/// `auto`, `always` or `never`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum When {
    // No doc comments on these and other values: clap would spread the help over three lines a value.
    #[default]
    Auto,
    Always,
    Never,
}

/// The outputs of a command and the world around it, as far as it may depend on it.
pub struct Stage<'a> {
    /// Takes the report.
    pub out: &'a mut dyn Write,
    /// Takes everything else.
    pub err: &'a mut dyn Write,
    /// Whether standard output shows colours by itself.
    pub out_colors: bool,
    /// Whether standard error shows colours by itself.
    pub err_colors: bool,
    /// Whether a person looks at standard error.
    pub err_is_terminal: bool,
    /// Columns of the terminal, when standard output is one.
    pub columns: Option<usize>,
    /// Name of the locale for messages.
    pub locale: String,
}

impl Stage<'_> {
    /// Runs `act` with the outputs and the environment of this process.
    pub fn of_process<T>(act: impl FnOnce(&mut Stage<'_>) -> T) -> T {
        let colors = |choice| !matches!(choice, ColorChoice::Never);
        let (stdout, stderr) = (io::stdout(), io::stderr());
        let columns = stdout
            .is_terminal()
            .then(|| terminal_size::terminal_size_of(&stdout))
            .flatten()
            .map(|(w, _)| usize::from(w.0));
        let out_colors = colors(AutoStream::choice(&stdout));
        let err_colors = colors(AutoStream::choice(&stderr));
        let err_is_terminal = stderr.is_terminal();
        // Reports hold escape sequences only when they were asked for; the stream translates them where a
        // console needs that.
        let mut out = AutoStream::new(stdout.lock(), ColorChoice::Always);
        let mut err = AutoStream::new(stderr, ColorChoice::Always);
        act(&mut Stage {
            out: &mut out,
            err: &mut err,
            out_colors,
            err_colors,
            err_is_terminal,
            columns,
            locale: locale(),
        })
    }

    /// The language for this locale.
    pub(super) fn lang(&self) -> Lang {
        Lang::of_locale(&self.locale)
    }

    /// How a report on standard output is to look.
    pub(super) fn look(&self, color: When, verbose: bool) -> Look {
        Look {
            width: self.columns.unwrap_or(Look::default().width),
            color: wants(color, self.out_colors),
            verbose,
        }
    }

    /// The same, where the report may go to a file: one looks alike whatever the terminal.
    pub(super) fn look_of(&self, file: Option<&Path>, global: &Global) -> Look {
        match file {
            None => self.look(global.color, global.verbose > 0),
            Some(_) => Look::default(),
        }
    }
}

/// Whether colours are wanted on an output that shows them by itself or not.
pub(super) fn wants(color: When, by_itself: bool) -> bool {
    match color {
        When::Auto => by_itself,
        When::Always => true,
        When::Never => false,
    }
}

/// The locale for messages, in the order POSIX gives.
fn locale() -> String {
    ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|value| !value.is_empty())
        .unwrap_or_default()
}
