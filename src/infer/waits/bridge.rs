//! From what was observed to dumps and process rows, and from what follows to facts of the catalogue.

use super::{Host, HungTask, ProcessRow, WaitReport, analyse, facts};
use crate::catalog::Origin;
use crate::extract::World;
use crate::infer::Task;
use crate::model::{Component, Dump, Entity, Fact, Place, SourceKind};
use crate::parse::goroutines;

/// Name of the inference in the catalogue.
const NAME: &str = "waits";

/// All facts of this inference. It runs once, for the first rule that asks for it: the stacks are the same for all.
pub(in crate::infer) fn infer(task: &Task<'_>) -> Vec<Fact> {
    let mut rules = task
        .catalog
        .definitions()
        .iter()
        .filter(|d| matches!(&d.origin, Origin::Inferred { by, .. } if by == NAME));
    if rules.next().map(|d| d.id.as_str()) != Some(task.definition.id.as_str()) {
        return Vec::new();
    }
    let (_, report) = report(task.world);
    facts(&report)
        .into_iter()
        .filter(|f| task.catalog.definitions().iter().any(|d| d.id == f.kind))
        .filter_map(|f| {
            let mut fact = Fact::inferred(
                f.kind,
                Entity::parse(&f.entity),
                NAME,
                f.evidence,
                Vec::new(),
            )?;
            fact.component = f
                .keys
                .get("program")
                .and_then(|p| Component::of_program(p))
                .unwrap_or(Component::UNKNOWN);
            fact.keys = f.keys;
            fact.count = f.count;
            fact.span.first = f.first;
            fact.span.last = f.last;
            Some(fact)
        })
        .collect()
}

/// The dumps of a bundle and what they say together with its process lists.
pub fn report(world: &World) -> (Vec<Dump>, WaitReport) {
    let dumps = dumps(world);
    let report = analyse(&dumps, &host(world));
    (dumps, report)
}

/// Every dump of the bundle, with its node, program and time.
pub fn dumps(world: &World) -> Vec<Dump> {
    let mut out = Vec::new();
    for text in &world.dumps {
        let start = Place {
            source: text.source,
            offset: text.offset,
            line: text.line,
        };
        let source = world.source(text.source);
        for mut dump in goroutines::read(&text.text, start) {
            if let Some(source) = source {
                if source.scope.node.is_some() {
                    dump.node.clone_from(&source.scope.node);
                }
                let component = &source.scope.component;
                if !component.is_unknown() && source.kind == SourceKind::Log {
                    dump.process = Some(component.as_str().to_owned());
                }
                // The name of the file says when it was written; so may a wrapping; so may the log around it.
                dump.time = goroutines::time_in_name(&source.path)
                    .or(dump.raw_time)
                    .and_then(|raw| world.stamp(text.source, raw))
                    .or(text.time);
            }
            out.push(dump);
        }
    }
    out
}

/// The process lists of a bundle, and the kernel's hung tasks among its facts.
pub fn host(world: &World) -> Host {
    let processes = world
        .states
        .iter()
        .filter(|(_, line)| line.component == Component::PROCESS)
        .filter_map(|(id, line)| {
            let place = Place {
                source: *id,
                offset: 0,
                line: line.line,
            };
            let node = world.source(*id).and_then(|s| s.scope.node.as_deref());
            ProcessRow::from_state(line, place, node)
        })
        .collect();
    let hung = world
        .facts
        .iter()
        .filter(|f| f.component == Component::KERNEL)
        .flat_map(|f| f.evidence().iter().map(move |q| (f, q)))
        .filter_map(|(f, q)| HungTask::parse(&q.text, q.clone(), f.key("node")))
        .collect();
    Host { processes, hung }
}
