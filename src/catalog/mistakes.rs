//! Collects what is wrong with a rule file, with where.

use std::ops::Range;

use miette::NamedSource;

use super::RuleText;
use super::error::BadRule;

/// Collects mistakes of one file.
pub(super) struct Mistakes<'a> {
    file: &'a RuleText,
    found: Vec<BadRule>,
}

impl<'a> Mistakes<'a> {
    pub(super) fn of(file: &'a RuleText) -> Self {
        Self {
            file,
            found: Vec::new(),
        }
    }

    pub(super) fn add(
        &mut self,
        at: Range<usize>,
        what: impl Into<String>,
        label: impl Into<String>,
    ) {
        self.add_with(at, what, label, None);
    }

    pub(super) fn add_with(
        &mut self,
        at: Range<usize>,
        what: impl Into<String>,
        label: impl Into<String>,
        help: Option<String>,
    ) {
        self.found.push(BadRule {
            what: format!("{}: {}", self.file.id, what.into()),
            text: NamedSource::new(&self.file.path, self.file.text.clone()),
            at: at.into(),
            label: label.into(),
            help,
        });
    }

    pub(super) fn take(self) -> Vec<BadRule> {
        self.found
    }
}
