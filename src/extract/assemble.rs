//! Brings all sources together: order, duplicates, clocks, times, one fact for what several sources say.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use super::clock::{self, Overrides};
use super::edges::Edges;
use super::ending::LastLine;
use super::fold::RawFact;
use super::join;
use super::machines;
use super::merge::{EPISODE_GAP, merge};
use super::namespaces;
use super::neighbours;
use super::observe::{Life, Observation};
use super::relations::{self, Labelled};
use super::scan::DumpText;
use super::skew::{self, MachineSkew, Told};
use super::templates::Template;
use crate::base::time::{Instant, RawStamp, Stamp};
use crate::catalog::Catalog;
use crate::model::{
    Entity, Fact, FactId, Place, Source, SourceId, SourceKind, Span, StateLine, Status, Topology,
};
use crate::parse::state::ClockHint;

/// Smallest log that is compared for duplicates: small outputs are equal by chance.
const DUPLICATE_MIN: u64 = 4096;

/// Everything that was observed, with times.
#[derive(Debug, Default)]
pub struct World {
    /// Every file; index = id.
    pub sources: Vec<Source>,
    /// Facts in (time, path, offset) order; index = id.
    pub facts: Vec<Fact>,
    /// Relations.
    pub topology: Topology,
    /// Process lives by source.
    pub lives: Vec<(SourceId, Life)>,
    /// Processes, certificates and objects by source.
    pub states: Vec<(SourceId, StateLine)>,
    /// Error templates by source.
    pub templates: Vec<(SourceId, Template)>,
    /// The last lines of each log.
    pub endings: Vec<(SourceId, Vec<LastLine>)>,
    /// Goroutine dumps, as text: source, text, first line number, offset, time.
    pub dumps: Vec<DumpSource>,
    /// Earliest and latest time over all sources.
    pub window: (Option<Instant>, Option<Instant>),
    /// Kinds of objects that some output shows.
    pub object_kinds: BTreeSet<String>,
    /// Whether some output shows events.
    pub has_events: bool,
    /// Hash of each source's content; index = source id.
    pub hashes: Vec<u64>,
    /// The parts of each log, oldest first: one for a log that was not rotated, and for whatever is no log.
    pub logs: Vec<Vec<SourceId>>,
    /// Which of `logs` a source is part of; index = source id.
    log_of: Vec<usize>,
    /// Occurrences beyond the limit of distinct facts, by definition: what counts them is partial.
    pub overflow: BTreeMap<usize, u64>,
    /// Machines whose clocks are off, or may be.
    pub skews: Vec<MachineSkew>,
    /// How many machines have clocks that are bounded to be in step.
    pub in_step: usize,
    overrides: Overrides,
}

/// The text of one goroutine dump and where it stands.
#[derive(Debug)]
pub struct DumpSource {
    /// In which source.
    pub source: SourceId,
    /// The text, wrappers on.
    pub text: Vec<u8>,
    /// Line number of its first line.
    pub line: u64,
    /// Byte offset of its first line.
    pub offset: u64,
    /// When it was written, as far as the log around it tells.
    pub time: Option<Stamp>,
    /// Whether it goes on with the text before it, which ends the part of the log before.
    pub continues: bool,
}

impl World {
    /// The instant of a raw stamp of one source.
    pub fn stamp(&self, source: SourceId, raw: RawStamp) -> Option<Stamp> {
        let source = self.source(source)?;
        clock::resolve(raw, &source.clock, &self.overrides)
    }

    /// The instant of a raw stamp that a machine wrote into a source that is of no machine: an event, a journal of several
    /// machines.
    pub fn stamp_by(
        &self,
        source: SourceId,
        machine: Option<&String>,
        raw: RawStamp,
    ) -> Option<Stamp> {
        let stamp = self.stamp(source, raw)?;
        // What a source with a clock of its own says of another machine was read from that clock.
        let skew = machine
            .and_then(|m| self.skews.iter().find(|s| s.machine == *m))
            .filter(|_| !skew::has_machine(self, source));
        Some(skew.map_or(stamp, |s| s.skew.corrected(stamp)))
    }

    /// A source.
    pub fn source(&self, id: SourceId) -> Option<&Source> {
        self.sources.get(id.0 as usize)
    }

    /// First and last time of a source.
    pub fn coverage(&self, id: SourceId) -> (Option<Stamp>, Option<Stamp>) {
        let Some(source) = self.source(id) else {
            return (None, None);
        };
        source.covers(|raw| self.stamp(id, raw))
    }

    /// Which log a source is part of: the position in [`World::logs`].
    pub fn log_of(&self, id: SourceId) -> usize {
        let index = id.0 as usize;
        self.log_of.get(index).copied().unwrap_or(usize::MAX)
    }

    /// The parts of the log that a source is part of, oldest first.
    pub fn parts(&self, id: SourceId) -> impl Iterator<Item = &Source> {
        let parts = self.logs.get(self.log_of(id));
        parts.into_iter().flatten().filter_map(|p| self.source(*p))
    }

    /// First and last time of the log that a source is part of.
    pub fn log_coverage(&self, id: SourceId) -> (Option<Stamp>, Option<Stamp>) {
        let (mut first, mut last): (Option<Stamp>, Option<Stamp>) = (None, None);
        for part in self.parts(id) {
            let (begin, end) = self.coverage(part.id);
            first = match (first, begin) {
                (Some(a), Some(b)) => Some(if b.at < a.at { b } else { a }),
                (a, b) => a.or(b),
            };
            last = match (last, end) {
                (Some(a), Some(b)) => Some(if b.at > a.at { b } else { a }),
                (a, b) => a.or(b),
            };
        }
        (first, last)
    }

    /// Adds facts and brings all into order again; ids in `from` follow. What is already known by a line gains the
    /// new evidence instead of standing there twice, unless `differ` tells the two apart.
    pub fn add(&mut self, facts: Vec<Fact>, differ: impl Fn(&Fact, &Fact) -> bool) {
        let mut known: FxHashMap<(String, Entity), Vec<usize>> = FxHashMap::default();
        let kinds: BTreeSet<&str> = facts.iter().map(|f| f.kind.as_str()).collect();
        for (i, fact) in self
            .facts
            .iter()
            .enumerate()
            .filter(|(_, f)| kinds.contains(f.kind.as_str()))
        {
            known
                .entry((fact.kind.clone(), fact.entity.clone()))
                .or_default()
                .push(i);
        }
        for fact in facts {
            let same = known
                .entry((fact.kind.clone(), fact.entity.clone()))
                .or_default();
            let home = same.iter().copied().find(|i| {
                self.facts.get(*i).is_some_and(|f| {
                    let over = f.span.closed
                        && matches!((f.span.last, fact.span.first), (Some(a), Some(b)) if a.at < b.at);
                    !over && apart(&f.span, &fact.span) <= EPISODE_GAP && !differ(f, &fact)
                })
            });
            if let Some(known) = home.and_then(|i| self.facts.get_mut(i)) {
                known.absorb(&fact);
            } else {
                same.push(self.facts.len());
                self.facts.push(fact);
            }
        }
        self.renumber();
    }

    /// Keeps the facts that `keep` says, and those they rest on.
    pub fn retain(&mut self, keep: impl Fn(&Fact) -> bool) {
        let mut wanted: Vec<bool> = self.facts.iter().map(&keep).collect();
        for (i, fact) in self.facts.iter().enumerate() {
            if wanted.get(i) == Some(&true) {
                let below: Vec<usize> = fact.from().iter().map(|id| id.0 as usize).collect();
                for id in below {
                    if let Some(w) = wanted.get_mut(id) {
                        *w = true;
                    }
                }
            }
        }
        let mut new = Vec::with_capacity(wanted.len());
        let mut next = 0u32;
        for w in &wanted {
            new.push(FactId(next));
            next += u32::from(*w);
        }
        let mut flags = wanted.into_iter();
        self.facts.retain(|_| flags.next().unwrap_or(true));
        for fact in &mut self.facts {
            fact.renumber(|old| new.get(old.0 as usize).copied().unwrap_or(old));
        }
    }

    fn renumber(&mut self) {
        let mut order: Vec<usize> = (0..self.facts.len()).collect();
        let key = |i: &usize| {
            self.facts.get(*i).map(|f| {
                let place = f.evidence().first().map_or(Place::default(), |q| q.place);
                (
                    f.span.moment().unwrap_or(Instant(i64::MAX)),
                    place,
                    f.kind.clone(),
                    f.entity.clone(),
                )
            })
        };
        order.sort_by_cached_key(key);
        let mut new_ids = vec![FactId(0); self.facts.len()];
        for (new, old) in order.iter().enumerate() {
            if let Some(slot) = new_ids.get_mut(*old) {
                *slot = FactId(u32::try_from(new).unwrap_or(u32::MAX));
            }
        }
        let mut slots: Vec<Option<Fact>> = std::mem::take(&mut self.facts)
            .into_iter()
            .map(Some)
            .collect();
        self.facts = order
            .iter()
            .filter_map(|i| slots.get_mut(*i).and_then(Option::take))
            .collect();
        for fact in &mut self.facts {
            fact.renumber(|old| new_ids.get(old.0 as usize).copied().unwrap_or(old));
        }
    }
}

/// Nanoseconds between two spans; 0 when they overlap or a time is unknown.
fn apart(a: &Span, b: &Span) -> i64 {
    let ends = |s: &Span| {
        (
            s.first.or(s.last).map(|t| t.at),
            s.last.or(s.first).map(|t| t.at),
        )
    };
    let ((Some(a0), Some(a1)), (Some(b0), Some(b1))) = (ends(a), ends(b)) else {
        return 0;
    };
    b0.since(a1).max(a0.since(b1)).max(0)
}

/// Brings the observations of a bundle together. `left_out` are members that were never read.
pub fn assemble(
    catalog: &Catalog,
    mut observations: Vec<Observation>,
    left_out: Vec<Source>,
    overrides: &Overrides,
) -> World {
    observations.sort_by(|a, b| a.source.path.cmp(&b.source.path));
    drop_duplicates(&mut observations);
    let logs = join::logs(&observations);
    for parts in &logs {
        join::join(catalog, &mut observations, parts);
    }
    namespaces::settle(&mut observations);
    machines::name(&mut observations);
    neighbours::name(&mut observations);
    machines::rename(&mut observations);

    let turns = join::turns_of(&observations, &logs);
    let clocks = clock::clocks(&observations, &logs, &turns, overrides);
    let log_of = log_of(&logs, observations.len());

    let mut world = World {
        overrides: overrides.clone(),
        logs: logs
            .iter()
            .map(|parts| parts.iter().map(|i| source_id(*i)).collect())
            .collect(),
        log_of,
        ..World::default()
    };
    let mut lives_of: Vec<Vec<Life>> = Vec::with_capacity(observations.len());
    let mut raw: Vec<(SourceId, RawFact)> = Vec::new();
    let mut pods: Vec<Labelled> = Vec::new();
    let mut told = Told::default();
    let mut dumps_of: Vec<(SourceId, DumpText)> = Vec::new();
    for (i, (observation, clock)) in observations.into_iter().zip(clocks).enumerate() {
        let id = source_id(i);
        let Observation {
            mut source,
            facts,
            lives,
            relations,
            labels,
            templates,
            states,
            dumps,
            ending,
            has_events,
            hash,
            overflow,
            pairs,
            hints,
            ..
        } = observation;
        world.hashes.push(hash);
        for (kind, n) in overflow {
            let sum = world.overflow.entry(kind).or_default();
            *sum = sum.saturating_add(n);
        }
        world.has_events |= has_events;
        world
            .object_kinds
            .extend(states.iter().map(|l| l.entity.kind().to_owned()));
        source.id = id;
        source.clock = clock;
        world.sources.push(source);
        raw.extend(facts.into_iter().map(|f| (id, f)));
        lives_of.push(lives);
        world
            .templates
            .extend(templates.into_iter().map(|t| (id, t)));
        relations::stated(id, relations, &mut world.topology);
        world.states.extend(states.into_iter().map(|s| (id, s)));
        pods.extend(labels);
        if !ending.is_empty() {
            world.endings.push((id, ending));
        }
        told.pairs.extend(pairs.into_iter().map(|p| (id, p)));
        for hint in hints {
            if let ClockHint::AheadOfServers { ns, line, quote } = hint {
                told.statements.push((id, ns, line, quote));
            }
        }
        dumps_of.extend(dumps.into_iter().map(|d| (id, d)));
    }
    relations::pods_of_kubelets(&raw, &mut world.topology);
    (world.skews, world.in_step) = skew::solve(catalog, &world, &raw, told);
    skew::apply(&mut world);
    for (id, dump) in dumps_of {
        let dump = placed(&world, id, dump);
        world.dumps.push(dump);
    }
    world.lives = lives(lives_of, &logs, &turns);
    for mut source in left_out {
        source.id = source_id(world.sources.len());
        world.log_of.push(world.logs.len());
        world.logs.push(vec![source.id]);
        world.hashes.push(0);
        world.sources.push(source);
    }
    world.window = window(&world);
    relations::endpoints(&world.states, &mut world.topology);
    relations::selectors(&world.states, &pods, &mut world.topology);
    world.facts = merge(catalog, &world, raw);
    world.renumber();
    world
}

/// A dump with the time of its record, or that of the collection of its file.
fn placed(world: &World, source: SourceId, dump: DumpText) -> DumpSource {
    let time = dump.time.and_then(|t| world.stamp(source, t)).or_else(|| {
        world
            .source(source)
            .and_then(|s| s.clock.collected)
            .map(|at| Stamp::exact(at, crate::base::time::MINUTE))
    });
    DumpSource {
        source,
        text: dump.text,
        line: dump.line,
        offset: dump.offset,
        time,
        continues: dump.continues,
    }
}

/// Links in the field duplicate files (`/var/log/containers` and `/var/log/pods`): the later of two equal logs is left out.
/// Small ones are equal by chance, unless they are of one container.
fn drop_duplicates(observations: &mut [Observation]) {
    type Container = (Option<String>, Option<String>, Option<String>);
    let mut seen: BTreeMap<(u64, u64, Option<Container>), usize> = BTreeMap::new();
    for i in 0..observations.len() {
        let Some(o) = observations.get(i) else {
            continue;
        };
        let scope = &o.source.scope;
        let large = o.source.coverage.bytes >= DUPLICATE_MIN;
        let is_log = matches!(
            o.source.kind,
            SourceKind::Log | SourceKind::Text | SourceKind::Goroutines
        );
        if !is_log || !large && scope.pod.is_none() {
            continue;
        }
        let of = (
            scope.namespace.clone(),
            scope.pod.clone(),
            scope.container.clone(),
        );
        let key = (o.hash, o.source.coverage.bytes, (!large).then_some(of));
        let first = *seen.entry(key).or_insert(i);
        if first == i {
            continue;
        }
        let same = observations
            .get(first)
            .map(|f| format!("same content as {}", f.source.path));
        if let Some(o) = observations.get_mut(i) {
            o.source.status = Status::Skipped;
            o.source.note = same.unwrap_or_default();
            o.facts.clear();
            o.lives.clear();
            o.templates.clear();
            o.dumps.clear();
            o.edges = Edges::default();
            o.ending.clear();
            o.zones.clear();
        }
    }
}

/// The lives of the processes of each log, over all its parts.
fn lives(
    mut of_part: Vec<Vec<Life>>,
    logs: &[Vec<usize>],
    turns: &[Vec<u8>],
) -> Vec<(SourceId, Life)> {
    let of_log = |(parts, turns): (&Vec<usize>, &Vec<u8>)| {
        let lives = parts.iter().zip(turns).filter_map(|(i, turn)| {
            let lives = of_part.get_mut(*i).map(std::mem::take)?;
            Some((*i, *turn, lives))
        });
        join::lives(lives)
    };
    let all = logs.iter().zip(turns).flat_map(of_log);
    all.map(|(i, life)| (source_id(i), life)).collect()
}

fn source_id(index: usize) -> SourceId {
    SourceId(u32::try_from(index).unwrap_or(u32::MAX))
}

/// Which log each source is part of.
fn log_of(logs: &[Vec<usize>], sources: usize) -> Vec<usize> {
    let mut out = vec![usize::MAX; sources];
    for (log, parts) in logs.iter().enumerate() {
        for slot in parts {
            if let Some(slot) = out.get_mut(*slot) {
                *slot = log;
            }
        }
    }
    out
}

fn window(world: &World) -> (Option<Instant>, Option<Instant>) {
    let mut window: (Option<Instant>, Option<Instant>) = (None, None);
    for source in &world.sources {
        if source.kind != SourceKind::Log || source.status == Status::Skipped {
            continue;
        }
        let (first, last) = world.coverage(source.id);
        for at in [first, last].into_iter().flatten().map(|s| s.at) {
            window.0 = Some(window.0.map_or(at, |w| w.min(at)));
            window.1 = Some(window.1.map_or(at, |w| w.max(at)));
        }
    }
    window
}
