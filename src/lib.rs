//! kforensics: what happened in a Kubernetes cluster, why, and on which lines of its support bundle that rests.
//!
//! Five verbs, one direction: [`input`] discovers what was sent, [`parse`] and [`extract`] observe what each line
//! says, [`infer`] concludes what no line says, [`correlate`] explains what caused what, [`report`] says it.

pub mod base;
pub mod model;

pub mod catalog;
pub mod cli;
pub mod correlate;
pub mod extract;
pub mod infer;
pub mod input;
pub mod parse;
pub mod pipeline;
pub mod report;
pub mod selftest;
