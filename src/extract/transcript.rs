//! A copied terminal session as sources: what its commands said, and each log that one of them printed.

use std::io::Read;

use super::fold::{Fold, Seen};
use super::matcher::Matcher;
use super::observe::{self, Base, Known, Observation};
use super::scan::Scan;
use crate::catalog::Catalog;
use crate::input::Found;
use crate::model::{Component, Scope, Source, SourceKind};
use crate::parse::session::{self, Output};
use crate::parse::sniff::sniff;
use crate::parse::state;

/// What its source is called, and what is added where its prompts name machines.
const FORMAT: &str = "session";
const PROMPT: &str = "prompt";

/// Whether this is a session that says itself on which machines it was: where it does not, it is on no machine.
pub(super) fn names_machines(source: &Source) -> bool {
    source.formats == [FORMAT, PROMPT]
}

/// Takes the file for a session; gives a source for each log in it.
pub(super) fn read(
    (catalog, crew): Known<'_>,
    observation: &mut Observation,
    head: Vec<u8>,
    reader: &mut dyn Read,
) -> Vec<Observation> {
    let text = observe::whole(observation, head, reader);
    let outputs = session::outputs(&text);
    let source = &mut observation.source;
    source.kind = SourceKind::Host;
    source.formats = vec![FORMAT];
    if outputs.iter().any(|o| o.host.is_some()) {
        source.formats.push(PROMPT);
    }
    // What its lines say of their writer holds for one of the logs in it.
    source.scope = sniff(&source.path, &[]).scope;
    source.scope.component = Component::UNKNOWN;
    source.why = format!(
        "it is a terminal session with {} command(s)",
        outputs.iter().filter(|o| !o.command.is_empty()).count()
    );
    source.coverage.lines = memchr::memchr_iter(b'\n', &text).count() as u64;
    let (logs, states): (Vec<Output>, Vec<Output>) = outputs
        .into_iter()
        .partition(|output| is_log(output, &text));
    self::states(catalog, observation, &text, &states);
    let found = |n: usize, output: &Output| Found {
        path: format!("{}!{}/{}", observation.source.path, n + 1, output.name()),
        mtime: observation.mtime,
        size: None,
        packed: true,
        note: String::from("printed in a terminal session"),
    };
    logs.iter()
        .enumerate()
        .map(|(n, output)| {
            let section = text.get(output.range.clone()).unwrap_or_default();
            let base = Base {
                lines: output.lines,
                bytes: output.range.start as u64,
            };
            // What kubectl prints is of no machine on which it runs.
            let node = output
                .host
                .clone()
                .or_else(|| observation.source.scope.node.clone())
                .filter(|_| output.is_of_host());
            observe::excerpt((catalog, crew), &found(n, output), (section, base), node)
        })
        .collect()
}

/// Whether a command printed a log: it is said to, or its output is nothing else.
fn is_log(output: &Output, text: &[u8]) -> bool {
    let body = text.get(output.body..output.range.end).unwrap_or_default();
    let sniffed = sniff("", observe::head_of(body));
    match sniffed.kind {
        SourceKind::Log => output.prints_log() || !sniffed.formats.is_empty(),
        SourceKind::Text => output.prints_log(),
        _ => false,
    }
}

/// Reads what the commands said that printed no log.
fn states(catalog: &Catalog, observation: &mut Observation, text: &[u8], outputs: &[Output]) {
    let whose = |output: &Output| {
        let mut scope: Scope = observation.source.scope.clone();
        if output.is_of_host() {
            scope.component = Component::HOST;
            scope.node = output.host.clone().or(scope.node);
        } else {
            scope.component = Component::KUBECTL;
        }
        scope
    };
    let scopes: Vec<Scope> = outputs.iter().map(whose).collect();
    let reading = state::session(&observation.source.path, text, outputs);
    let mut fold = Fold::default();
    let mut matcher = Matcher::new(catalog);
    for line in &reading.lines {
        // Lines count from one, those before a command from zero.
        let at = outputs.partition_point(|o| o.lines < line.line);
        if let Some(scope) = at.checked_sub(1).and_then(|n| scopes.get(n)) {
            matcher.state(line, scope, 0, &mut fold);
        }
    }
    let mut facts = fold.finish();
    let said = observe::lines_of(&reading);
    let own = |s: &Seen| !said.contains(&s.line);
    for (output, scope) in outputs.iter().zip(&scopes) {
        let section = text.get(output.range.clone()).unwrap_or_default();
        let mut scan = Scan::new(catalog, scope).below(output.lines, output.range.start as u64);
        if output.is_of_host() {
            scan = scan.with_kernel_stacks(&observation.source.path);
        }
        let scanned = scan.run(section.to_vec(), &mut std::io::empty());
        let found = scanned.fold.finish();
        facts.extend(found.into_iter().filter(|f| f.first.iter().any(own)));
        observation.dumps.extend(scanned.dumps);
        observe::kernel_stacks(catalog, observation, scanned.stacks);
    }
    observation.facts.extend(facts);
    observe::keep(observation, reading);
}
