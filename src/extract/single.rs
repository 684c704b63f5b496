//! Single lines as sources: what examples and stories of rules are tried with.

use super::fold::Fold;
use super::matcher::Matcher;
use super::observe::{Observation, blank};
use super::scan::Scan;
use crate::base::text;
use crate::catalog::{Catalog, Example, Pattern};
use crate::input::Found;
use crate::model::{Component, Entity, StateLine};
use crate::parse;
use crate::parse::kernel;
use crate::parse::sniff::sniff;
use crate::parse::state;

/// One record of a given component, as if it stood in a log of `node`; for a pseudo component (`object`, `event`,
/// `process`, `certificate`) the line is a state line.
pub fn observe_line(catalog: &Catalog, component: &str, node: &str, text: &str) -> Observation {
    let found = Found::named(format!("{node}/{component}.log"));
    let mut observation = blank(&found);
    observation.source.scope.node = Some(node.to_owned());
    observation.source.scope.component = Component::named(component);
    if matches!(
        component,
        "object" | "event" | "process" | "certificate" | "kernel-stack"
    ) {
        let mut fold = Fold::default();
        let line = StateLine {
            component: Component::named(component),
            entity: Entity::parse(text.split_whitespace().next().unwrap_or_default()),
            text: text.to_owned(),
            quote: text::quote(text.as_bytes()),
            line: 1,
            first: None,
            last: None,
            count: 1,
            host: (component == "event").then(|| node.to_owned()),
        };
        Matcher::new(catalog).state(&line, &observation.source.scope, 0, &mut fold);
        observation.facts = fold.finish();
    } else {
        let bytes = text.trim_end_matches('\n').as_bytes().to_vec();
        let scanned =
            Scan::new(catalog, &observation.source.scope).run(bytes, &mut std::io::empty());
        observation.facts = scanned.fold.finish();
    }
    observation
}

/// Whether this very pattern matches an example (others of its file may too).
pub fn shows(pattern: &Pattern, example: &Example) -> bool {
    let bytes = example.text.as_bytes();
    let wanted = |c: &Component| example.component.as_deref().is_none_or(|e| e == c.as_str());
    if !pattern.components.iter().any(wanted) {
        return false;
    }
    if let Some(path) = &example.file {
        let sniffed = sniff(path, bytes);
        let reading = state::read(
            sniffed.kind,
            path,
            example.text.trim_start_matches('\n').as_bytes(),
        );
        return reading
            .lines
            .iter()
            .any(|l| pattern.regex.is_match(l.text.as_bytes()))
            || example
                .text
                .lines()
                .any(|l| pattern.regex.is_match(l.as_bytes()))
            || pattern.components.contains(&Component::KERNEL_STACK)
                && kernel::read(bytes, path)
                    .iter()
                    .any(|s| pattern.regex.is_match(s.state_line().text.as_bytes()));
    }
    let record = parse::log::record(bytes);
    pattern.regex.is_match(&record.text) || pattern.regex.is_match(bytes)
}
