//! What the catalogue calls a kind of fact, as far as a report needs it.

use crate::base::lang::Lang;
use crate::model::{Fact, Severity};

/// Titles and severities by kind; the catalogue knows them.
pub trait Names {
    /// The title of a fact, its blanks filled in: `Aggregated API v1beta1.metrics.k8s.io does not answer`.
    fn title(&self, fact: &Fact, lang: Lang) -> String;
    /// How much harm a fact of this kind means by itself.
    fn severity(&self, kind: &str) -> Severity;
}

/// Names made from the ids alone, for an analysis whose catalogue is not at hand.
#[derive(Clone, Copy, Debug, Default)]
pub struct IdNames;

impl Names for IdNames {
    fn title(&self, fact: &Fact, _lang: Lang) -> String {
        let name = fact.kind.rsplit('/').next().unwrap_or(&fact.kind);
        format!("{} ({})", name.replace('-', " "), fact.entity)
    }

    fn severity(&self, _kind: &str) -> Severity {
        Severity::Medium
    }
}
