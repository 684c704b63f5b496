//! What follows that no line says: silence, processes that are gone, states over time, validity, ledgers, duels.
//!
//! Each inference is a mechanism in Rust, general, with its parameters in the catalogue (`inferred = "silence"`,
//! `[infer] component = "kubelet"`). It reads the [`World`] and gives facts that rest on lines or on other facts.
//! What an inference has to see line by line (each CNI call, each write to an object) comes in as raw facts
//! (`raw = true` in the catalogue); those on which nothing rests are dropped at the end.

mod authority;
mod busiest;
mod certificate;
mod clock;
mod common;
mod dns_address;
mod duel;
mod duplicate;
mod filler;
mod gone_together;
mod growth;
mod host;
mod ip_ledger;
mod issuance;
mod last_words;
mod lease;
mod lives;
mod majority;
mod matrix;
mod namespace;
mod node;
mod outage;
mod path;
mod pod;
mod process;
mod reachability;
mod refusal;
mod registry;
mod sandbox;
mod scheduler;
mod service_path;
mod silence;
mod support;
#[cfg(test)]
mod testing;
mod trust;
pub mod waits;
mod zone;

use crate::catalog::{Catalog, Definition, Origin};
use crate::extract::World;
use crate::model::{DumpNote, Fact};

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
    ("clock-skew", clock::infer),
    ("silence", silence::infer),
    ("lease-lapsed", lease::infer),
    ("restart", lives::restarts),
    ("repeated-restart", lives::repeated),
    ("unavailable-episode", lives::abrupt),
    ("answer-outage", outage::infer),
    ("majority", majority::infer),
    ("space-filler", filler::infer),
    ("busiest-client", busiest::infer),
    ("process-gone", process::gone),
    ("stuck-process", process::stuck),
    ("certificate-expired", certificate::validity),
    ("certificate-expired-of", certificate::validity),
    ("certificate-graph", certificate::graph),
    ("issued-together", issuance::infer),
    ("certificate-trust", trust::infer),
    ("certificate-authority-replaced", authority::infer),
    ("served-certificate", trust::served),
    ("reachability", reachability::infer),
    ("blocked-path", path::infer),
    ("node-readiness", node::infer),
    ("host-unreachable", host::infer),
    ("same-zone", zone::infer),
    ("common-path", common::infer),
    ("namespace-life", namespace::infer),
    ("pod-state", pod::infer),
    ("capacity", pod::capacity),
    ("last-words", last_words::infer),
    ("last-words-of", last_words::infer),
    ("workload-growth", growth::infer),
    ("gone-together", gone_together::infer),
    ("sandbox-ledger", sandbox::infer),
    ("ip-ledger", ip_ledger::infer),
    ("duel", duel::infer),
    ("duplicate-endpoint", duplicate::infer),
    ("dns-address-mismatch", dns_address::infer),
    ("registry-credentials", registry::infer),
    ("scheduler-trace", scheduler::infer),
    ("service-path", service_path::infer),
];

/// The names that rules may use.
pub fn names() -> impl Iterator<Item = &'static str> {
    INFERENCES
        .iter()
        .map(|(name, _)| *name)
        .chain([waits::NAME])
}

/// Runs every inference that the catalogue asks for, last the one over goroutine dumps, then drops the raw facts on
/// which nothing rests. Gives the dumps in short.
pub fn infer(catalog: &Catalog, world: &mut World) -> Vec<DumpNote> {
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
            world.add(facts, |a, b| differ(catalog, a, b));
        }
    }
    let (facts, dumps) = waits::infer(catalog, world);
    if !facts.is_empty() {
        world.add(facts, |a, b| differ(catalog, a, b));
    }
    let raw = |kind: &str| catalog.get(kind).is_some_and(|d| d.raw);
    if world.facts.iter().any(|f| raw(&f.kind)) {
        world.retain(|f| !raw(&f.kind));
    }
    dumps
}

/// Whether the keys that tell two facts of this kind apart say different things.
fn differ(catalog: &Catalog, a: &Fact, b: &Fact) -> bool {
    catalog.get(&a.kind).is_some_and(|d| {
        d.keys
            .iter()
            .any(|k| matches!((a.key(k), b.key(k)), (Some(x), Some(y)) if x != y))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_catalogue_and_the_inferences_name_each_other() {
        let catalog = testing::catalog();
        let used: BTreeSet<&str> = catalog
            .definitions()
            .iter()
            .filter_map(|d| match &d.origin {
                Origin::Inferred { by, .. } => Some(by.as_str()),
                _ => None,
            })
            .collect();
        let known: BTreeSet<&str> = names().collect();
        assert_eq!(
            used.difference(&known).collect::<Vec<_>>(),
            Vec::<&&str>::new(),
            "no such inference"
        );
        let pages = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/inferences");
        let missing = |n: &&&str| {
            !pages
                .join(format!("{}.md", n.trim_end_matches("-of")))
                .exists()
        };
        assert_eq!(
            known.iter().filter(missing).collect::<Vec<_>>(),
            Vec::<&&str>::new(),
            "no page"
        );
        assert_eq!(
            known.difference(&used).collect::<Vec<_>>(),
            Vec::<&&str>::new(),
            "no fact uses it"
        );
    }
}
