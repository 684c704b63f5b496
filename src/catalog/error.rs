//! What can be wrong with a rule file, shown at the line of the TOML.

use miette::{Diagnostic, NamedSource, SourceSpan};
use thiserror::Error;

/// The catalogue cannot be used.
#[derive(Debug, Error, Diagnostic)]
pub enum CatalogError {
    /// A rule file or folder cannot be read.
    #[error("cannot read rules from {path}: {why}")]
    #[diagnostic(help("--rules takes a folder of <family>/<name>.toml files"))]
    Unreadable {
        /// Which.
        path: String,
        /// Why.
        why: String,
    },
    /// Rule files have mistakes.
    #[error("{} mistake(s) in the catalogue", .0.len())]
    Bad(#[related] Vec<BadRule>),
}

/// One mistake in one rule file.
#[derive(Debug, Error, Diagnostic)]
#[error("{what}")]
pub struct BadRule {
    /// The mistake.
    pub what: String,
    /// The file.
    #[source_code]
    pub text: NamedSource<String>,
    /// Where in the file.
    #[label("{label}")]
    pub at: SourceSpan,
    /// What to say at that place.
    pub label: String,
    /// How to mend it.
    #[help]
    pub help: Option<String>,
}
