//! What ends a command early, in words for the person at the terminal.

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

use miette::{GraphicalReportHandler, GraphicalTheme};
use thiserror::Error;

use crate::catalog::CatalogError;
use crate::pipeline;

/// Why a command could not do its work. All of them end with exit code 2.
#[derive(Debug, Error)]
pub(super) enum Failure {
    /// The arguments do not fit together.
    #[error("{0}")]
    Usage(String),
    /// Rule files have mistakes.
    #[error(transparent)]
    Rules(#[from] CatalogError),
    /// Nothing could be analysed.
    #[error("{0}")]
    Run(pipeline::Error),
    /// The report cannot be put into its file.
    #[error("cannot write {path}: {why}; the report was not saved")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        why: io::Error,
    },
    /// Standard output does not take the report.
    #[error("cannot write to standard output: {0}")]
    Out(#[from] io::Error),
    /// The report cannot be written as JSON.
    #[error("cannot write the report as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl From<pipeline::Error> for Failure {
    fn from(error: pipeline::Error) -> Self {
        match error {
            pipeline::Error::Catalog(e) => Self::Rules(e),
            e => Self::Run(e),
        }
    }
}

impl Failure {
    /// Whether the reader of standard output has gone (`| head`): that is no failure.
    pub(super) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Out(e) if e.kind() == io::ErrorKind::BrokenPipe)
    }

    /// The message, with the place in the rule file where there is one.
    pub(super) fn message(&self, color: bool) -> String {
        if let Self::Rules(error) = self {
            let theme = if color {
                GraphicalTheme::unicode()
            } else {
                GraphicalTheme::unicode_nocolor()
            };
            let mut out = String::new();
            let handler = GraphicalReportHandler::new_themed(theme).with_width(100);
            if handler.render_report(&mut out, error).is_ok() {
                return out;
            }
        }
        let mut out = format!("error: {self}\n");
        let mut cause = std::error::Error::source(self);
        while let Some(c) = cause {
            let text = c.to_string();
            // A transparent error repeats the words of its source.
            if !out.contains(&text) {
                let _ = writeln!(out, "  because: {text}");
            }
            cause = c.source();
        }
        out
    }
}
