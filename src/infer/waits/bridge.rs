//! From what was observed to dumps and process rows, and from what follows to facts of the catalogue.

use std::collections::BTreeSet;

use super::{Host, HungTask, ProcessRow, TaskStack, analyse, facts, notes};
use crate::catalog::Catalog;
use crate::extract::{self, World};
use crate::model::waits::WaitReport;
use crate::model::{Component, Dump, DumpNote, Entity, Fact, Place, SourceKind};

/// Name of the inference in the catalogue.
pub(in crate::infer) const NAME: &str = "waits";

/// All facts of this inference, and the dumps in short. It runs once for all rules: the stacks are the same.
pub(in crate::infer) fn infer(catalog: &Catalog, world: &World) -> (Vec<Fact>, Vec<DumpNote>) {
    let (dumps, report) = report(world);
    let facts = facts(&report)
        .into_iter()
        .filter(|f| catalog.get(f.kind).is_some())
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
            fact.ask = f.ask;
            fact.span.first = f.first;
            fact.span.last = f.last;
            Some(fact)
        })
        .collect();
    (facts, notes(&dumps, &report))
}

/// The dumps of a bundle and what they say together with its process lists.
pub fn report(world: &World) -> (Vec<Dump>, WaitReport) {
    let host = host(world);
    let mut dumps = extract::dumps(world);
    for dump in &mut dumps {
        canonical(dump);
    }
    place_on_machines(&mut dumps, &host, world);
    date_copies(&mut dumps);
    let report = analyse(&dumps, &host);
    (dumps, report)
}

/// The name under which the tables know a program that calls itself otherwise.
fn canonical(dump: &mut Dump) {
    if let Some(known) = dump
        .process
        .as_deref()
        .filter(|p| matches!(*p, "crio" | "docker-containerd"))
        .and_then(Component::of_program)
    {
        dump.process = Some(known.as_str().to_owned());
    }
}

/// Gives a dump of which nobody says the machine the one it must be from: that of another dump of the same process,
/// else the only machine that shows the program. A name that came with a process id is better than one
/// guessed from stacks.
fn place_on_machines(dumps: &mut [Dump], host: &Host, world: &World) {
    for i in 0..dumps.len() {
        let Some(dump) = dumps
            .get(i)
            .filter(|d| (d.node.is_none() || d.pid.is_none()) && d.goroutines.len() > 1)
        else {
            continue;
        };
        let twin = dumps
            .iter()
            .filter(|d| d.pid.is_some() && d.goroutines.len() > 1)
            .find(|d| same_objects(d, dump));
        let named = twin.map(|t| (t.process.clone(), t.pid));
        let node = dump.node.clone().or_else(|| {
            twin.and_then(|t| t.node.clone())
                .or_else(|| only_machine(host, world, dump.process.as_deref()?))
        });
        if let Some(d) = dumps.get_mut(i) {
            d.node = node;
            if let Some((process, pid)) = named {
                d.process = process.or(d.process.take());
                d.pid = pid;
            }
        }
    }
}

/// A dump in a file of its own says no time, but a copy of it in the log of the process does: the same goroutines with
/// the same waits, at the same addresses.
fn date_copies(dumps: &mut [Dump]) {
    for i in 0..dumps.len() {
        let Some(dump) = dumps
            .get(i)
            .filter(|d| d.raw_time.is_none() && d.goroutines.len() > 1)
        else {
            continue;
        };
        let copy = dumps.iter().find(|d| {
            d.raw_time.is_some()
                && d.goroutines.len() == dump.goroutines.len()
                && d.goroutines
                    .iter()
                    .zip(&dump.goroutines)
                    .all(|(a, b)| (a.id, a.minutes) == (b.id, b.minutes))
                && same_objects(d, dump)
        });
        let time = copy.and_then(|c| c.time);
        if let Some(d) = dumps.get_mut(i)
            && time.is_some()
        {
            d.time = time;
        }
    }
}

/// The machine whose process list has the program, else the one that has its log, if there is one such machine.
fn only_machine(host: &Host, world: &World, program: &str) -> Option<String> {
    let mut nodes: Vec<&str> = host
        .processes
        .iter()
        .filter(|r| r.runs(program))
        .filter_map(|r| r.node.as_deref())
        .collect();
    if nodes.is_empty() {
        let logs = world
            .sources
            .iter()
            .filter(|s| s.kind == SourceKind::Log && s.scope.component.as_str() == program);
        nodes.extend(logs.filter_map(|s| s.scope.node.as_deref()));
    }
    nodes.sort_unstable();
    nodes.dedup();
    match nodes.as_slice() {
        [only] => Some((*only).to_owned()),
        _ => None,
    }
}

/// Whether two dumps show the same objects at the same addresses in the same goroutines: then they are of one process.
fn same_objects(a: &Dump, b: &Dump) -> bool {
    const SAMPLE: usize = 200;
    let sample = |d: &Dump| -> BTreeSet<(u64, u64)> {
        d.goroutines
            .iter()
            .take(SAMPLE)
            .flat_map(|g| {
                d.frames(g)
                    .iter()
                    .filter_map(|f| Some((g.id, d.receiver(f)?)))
                    .collect::<Vec<_>>()
            })
            .collect()
    };
    let (a, b) = (sample(a), sample(b));
    let common = a.intersection(&b).count();
    common >= 10 && common * 4 >= a.len().min(b.len())
}

/// The process lists of a bundle, the kernel's stacks of threads, and its hung tasks among the facts.
fn host(world: &World) -> Host {
    let of = |component: Component| {
        world
            .states
            .iter()
            .filter(move |(_, line)| line.component == component)
            .map(|(id, line)| {
                let place = Place {
                    source: *id,
                    offset: 0,
                    line: line.line,
                };
                let node = world.source(*id).and_then(|s| s.scope.node.as_deref());
                (line, place, node)
            })
    };
    let hung = world
        .facts
        .iter()
        .filter(|f| f.component == Component::KERNEL)
        .flat_map(|f| f.evidence().iter().map(move |q| (f, q)))
        .filter_map(|(f, q)| HungTask::parse(&q.text, q.clone(), f.key("node")))
        .collect();
    Host {
        processes: of(Component::PROCESS)
            .filter_map(|(line, place, node)| ProcessRow::from_state(line, place, node))
            .collect(),
        hung,
        stacks: of(Component::KERNEL_STACK)
            .filter_map(|(line, place, node)| TaskStack::from_state(line, place, node))
            .collect(),
    }
}
