//! Bundles that no collector made: written here line by line, in the layouts, zones and encodings that occur, each with one
//! planted fault. The diagnosis must name the fault, the right machine and the right moment in UTC.

mod clocks;
mod collectors;
mod encodings;
mod excerpts;
mod exports;
mod planted;
mod rotations;
mod sessions;
mod skew;

use std::fmt::Write as _;

use kforensics::base::time::{Instant, MINUTE, SECOND};
use kforensics::model::Analysis;

use crate::support::verdict;

/// What was planted.
struct Planted {
    /// Kinds that are right as the first root.
    root: &'static [&'static str],
    /// What the first root is about.
    entity: &'static str,
    /// A kind of fact that is found about it, and when it began.
    began: (&'static str, i64),
}

impl Planted {
    /// A node without a network configuration, its first complaint at `began` (seconds since 1970).
    fn no_cni(node: &'static str, began: i64) -> Self {
        Self {
            root: &["cni/config-missing"],
            entity: node,
            began: ("cni/not-initialized", began),
        }
    }

    /// An aggregated API without endpoints that keeps a namespace from being deleted since `began` (seconds since 1970).
    fn missing_endpoints(began: i64) -> Self {
        Self {
            root: &[
                "aggregated-api/missing-endpoints",
                "aggregated-api/service-without-endpoints",
            ],
            entity: "apiservice/v1beta1.metrics.k8s.io",
            began: ("namespace-deletion/namespace-discovery-failed", began),
        }
    }

    /// Asserts that the first incident is this one.
    #[track_caller]
    fn in_first(&self, analysis: &Analysis) {
        let said = verdict::said(analysis);
        let Some(incident) = analysis.incidents.first() else {
            panic!("nothing found\n{}", sources(analysis))
        };
        let root = incident.roots.first().expect("an incident has a root");
        let fact = verdict::fact(analysis, root.fact);
        assert!(
            self.root.contains(&fact.kind.as_str()),
            "root {}\n{said}{}",
            fact.kind,
            sources(analysis)
        );
        assert_eq!(
            fact.entity.as_str(),
            self.entity,
            "\n{said}{}",
            sources(analysis)
        );
        let (kind, began) = self.began;
        let step = analysis
            .facts
            .iter()
            .find(|f| f.kind == kind)
            .unwrap_or_else(|| panic!("no {kind}\n{said}"));
        let at = step
            .span
            .first
            .unwrap_or_else(|| panic!("{kind} has no time\n{}", sources(analysis)))
            .at;
        let expected = Instant(began * SECOND);
        // Whole seconds, and the first of a series that repeats every few seconds.
        assert!(
            (at.since(expected)).abs() < MINUTE / 4,
            "{kind} began {}, not {}\n{}",
            at.rfc3339(),
            expected.rfc3339(),
            sources(analysis)
        );
    }
}

/// What each file was taken for, for messages.
fn sources(analysis: &Analysis) -> String {
    let mut text = String::new();
    for source in &analysis.sources {
        let _ = writeln!(
            text,
            "  {} {} {:?} {} node={:?} zone={:?} year={:?} ({}) {}",
            source.path,
            source.kind.as_str(),
            source.formats,
            source.scope.component,
            source.scope.node,
            source.clock.zone,
            source.clock.year,
            source.clock.basis,
            source.note
        );
    }
    text
}
