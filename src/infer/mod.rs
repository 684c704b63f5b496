//! What follows that no line says: silence, processes that are gone, states over time, validity, growth.
//!
//! Each inference is a mechanism in Rust, general, with its parameters in the catalogue (`inferred = "silence"`,
//! `[infer] component = "kubelet"`). It reads the [`World`] and gives facts that rest on lines or on other facts.

mod certificate;
mod growth;
mod lives;
mod namespace;
mod node;
mod pod;
mod process;
mod reachability;
mod silence;
mod support;
pub mod waits;

use crate::catalog::{Catalog, Definition, Origin};
use crate::extract::World;
use crate::model::Fact;

/// What an inference works on.
pub(crate) struct Task<'a> {
    /// The fact to make.
    pub(crate) definition: &'a Definition,
    /// The `[infer]` table of its file.
    pub(crate) parameters: &'a toml::Table,
    /// The catalogue.
    pub(crate) catalog: &'a Catalog,
    /// What was observed.
    pub(crate) world: &'a World,
}

type Inference = fn(&Task<'_>) -> Vec<Fact>;

/// Every inference by the name rules use, in the order they run: later ones see the facts of earlier ones.
const INFERENCES: &[(&str, Inference)] = &[
    ("silence", silence::infer),
    ("restart", lives::restarts),
    ("unavailable-episode", lives::abrupt),
    ("process-gone", process::gone),
    ("stuck-process", process::stuck),
    ("certificate-expired", certificate::expired),
    ("reachability", reachability::infer),
    ("node-readiness", node::infer),
    ("namespace-life", namespace::infer),
    ("pod-state", pod::infer),
    ("capacity", pod::capacity),
    ("workload-growth", growth::infer),
    ("waits", waits::infer),
];

/// The names that rules may use.
pub fn names() -> impl Iterator<Item = &'static str> {
    INFERENCES.iter().map(|(name, _)| *name)
}

/// Runs every inference that the catalogue asks for.
pub fn infer(catalog: &Catalog, world: &mut World) {
    for (name, run) in INFERENCES {
        let mut facts = Vec::new();
        for definition in catalog.definitions() {
            if let Origin::Inferred { by, parameters } = &definition.origin
                && by == name
            {
                facts.extend(run(&Task {
                    definition,
                    parameters,
                    catalog,
                    world,
                }));
            }
        }
        if !facts.is_empty() {
            world.add(facts);
        }
    }
}
