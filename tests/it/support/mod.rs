//! What several tests need: fixtures, archives in memory, runs with a shared catalogue, verdicts.

pub(crate) mod archive;
pub(crate) mod fixture;
pub(crate) mod run;
pub(crate) mod verdict;
