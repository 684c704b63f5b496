//! Which facts a person would notice, and which are start-up or passing noise.

use std::collections::BTreeMap;

use crate::base::time::{Instant, MINUTE, SECOND};
use crate::catalog::{Catalog, Definition, Weight};
use crate::extract::World;
use crate::model::{Basis, Entity, Fact, FactId, Quote, Severity, SourceKind};

/// The symptoms, in order of time.
pub(super) fn symptoms(catalog: &Catalog, world: &World) -> Vec<FactId> {
    let starts = Starts::of(world);
    world
        .facts
        .iter()
        .zip(0u32..)
        .filter(|(fact, _)| {
            catalog
                .get(&fact.kind)
                .is_some_and(|d| d.symptom && !d.benign && counts(catalog, d, fact, world, &starts))
        })
        .map(|(_, i)| FactId(i))
        .collect()
}

/// Symptoms that heal by themselves: told only when something else in the bundle explains them.
pub(super) fn passing(catalog: &Catalog, world: &World) -> Vec<FactId> {
    let starts = Starts::of(world);
    world
        .facts
        .iter()
        .zip(0u32..)
        .filter(|(fact, _)| {
            catalog.get(&fact.kind).is_some_and(|d| {
                d.symptom && d.transient && !d.benign && held(catalog, d, fact, world, &starts)
            })
        })
        .map(|(_, i)| FactId(i))
        .collect()
}

/// Whether a fact of this definition counts: it lasts long enough, and is not the noise of a start.
pub(super) fn counts(
    catalog: &Catalog,
    definition: &Definition,
    fact: &Fact,
    world: &World,
    starts: &Starts,
) -> bool {
    !definition.transient && held(catalog, definition, fact, world, starts)
}

/// Whether the bundle is an excerpt: so few lines that no duration can be judged by them. Somebody chose these lines;
/// that they do not show how long a thing lasted says nothing about how long it did.
pub(super) fn is_excerpt(world: &World) -> bool {
    let logs = world.sources.iter().filter(|s| s.kind == SourceKind::Log);
    let lines = logs.fold(0_u64, |n, s| n.saturating_add(s.coverage.lines));
    lines <= EXCERPT
}

/// The symptoms of an excerpt that says nothing worse, which it does not show to have passed: whatever the duration asked
/// for.
pub(super) fn cut_short(catalog: &Catalog, world: &World) -> Vec<FactId> {
    let starts = Starts::of(world);
    let healed = Healed::of(catalog, world);
    world
        .facts
        .iter()
        .zip(0u32..)
        .filter(|(fact, _)| {
            catalog.get(&fact.kind).is_some_and(|d| {
                let told = d.symptom && d.severity >= Severity::Medium
                    || d.severity >= Severity::High && d.weight >= Weight::Strong
                    || d.severity >= Severity::Medium && d.weight >= Weight::Primary;
                told && !d.benign
                    && !d.transient
                    && !d.planned
                    && goes_on(fact, world, ENDS)
                    && !of_a_start(d, fact, world, &starts)
                    && !healed.holds(catalog, fact)
            })
        })
        .map(|(_, i)| FactId(i))
        .collect()
}

/// When the last thing that a person would notice about an entity ended: the pod was placed after all, the node became
/// ready.
#[derive(Debug)]
pub(super) struct Healed<'w>(BTreeMap<&'w Entity, Vec<(Instant, &'w str)>>);

impl<'w> Healed<'w> {
    /// The ends of the symptoms of every entity.
    pub(super) fn of(catalog: &Catalog, world: &'w World) -> Self {
        let mut ends: BTreeMap<&Entity, Vec<(Instant, &str)>> = BTreeMap::new();
        for fact in world.facts.iter().filter(|f| f.span.closed) {
            if let Some(end) = fact.span.last
                && catalog.get(&fact.kind).is_some_and(|d| d.symptom)
            {
                let of = ends.entry(&fact.entity).or_default();
                of.push((end.at, fact.kind.as_str()));
            }
        }
        Self(ends)
    }

    /// Whether what the fact brings about ended after the fact was last seen: then the fact is over as well.
    pub(super) fn holds(&self, catalog: &Catalog, fact: &Fact) -> bool {
        let (Some(last), Some(cause)) = (fact.span.last, catalog.index(&fact.kind)) else {
            return false;
        };
        let brings = |kind: &str| {
            catalog
                .index(kind)
                .is_some_and(|effect| catalog.causes_of(effect).any(|c| c.cause == cause))
        };
        let ends = self.0.get(&fact.entity).map_or(&[][..], Vec::as_slice);
        ends.iter()
            .any(|(end, kind)| *end >= last.at && brings(kind))
    }
}

/// Logs of no more lines than this together are an excerpt.
const EXCERPT: u64 = 1000;

/// Whether a fact lasted long enough, and is not the noise of a start.
fn held(
    catalog: &Catalog,
    definition: &Definition,
    fact: &Fact,
    world: &World,
    starts: &Starts,
) -> bool {
    if let Some(lasting) = definition.lasting
        && !lasts(fact, lasting, world, closable(catalog, definition, fact))
    {
        return false;
    }
    !of_a_start(definition, fact, world, starts)
}

/// Whether a fact is what components print while they start.
pub(super) fn of_a_start(
    definition: &Definition,
    fact: &Fact,
    world: &World,
    starts: &Starts,
) -> bool {
    let (Some(startup), Some(last)) = (definition.startup, fact.span.last) else {
        return false;
    };
    !is_state(fact, world) && starts.near(last.at, startup)
}

/// Whether who printed the fact would also print its end, each time.
fn closable(catalog: &Catalog, definition: &Definition, fact: &Fact) -> bool {
    let patterns = definition
        .patterns
        .iter()
        .filter_map(|p| catalog.patterns().get(*p));
    patterns
        .filter(|p| p.closes && !p.seldom)
        .any(|p| p.components.contains(&fact.component))
}

/// Whether the fact held for `lasting`: between its first and last sign, or open until the end of the bundle.
fn lasts(fact: &Fact, lasting: i64, world: &World, closable: bool) -> bool {
    let Some(last) = fact.span.last else {
        return true;
    };
    let Some(first) = fact.span.first else {
        // A state as of the collection, since when is unknown.
        return true;
    };
    // What is over lasted at least as long as both stamps allow: an age of `28m` may be a minute off.
    let doubt = if fact.span.closed {
        first.slack(last)
    } else {
        0
    };
    if last.at.since(first.at).saturating_sub(doubt) >= lasting {
        return closable || !isolated(fact, world);
    }
    if fact.span.closed || fact.span.over {
        return false;
    }
    let sources = || {
        fact.evidence()
            .iter()
            .filter_map(|q| world.source(q.place.source))
    };
    let collected = sources().filter_map(|s| s.clock.collected).max();
    let end = collected.max(world.window.1).unwrap_or(last.at);
    // A table of events says when one was last seen, not since when: what is fresh goes on.
    let fresh = sources().any(|s| matches!(s.kind, SourceKind::Table | SourceKind::Describe))
        && end.since(last.at) <= FRESH;
    let state = is_state(fact, world);
    if !(closable || state) {
        return fresh && fact.count >= AGAIN || is_too_short(lasting, world);
    }
    // Printed once and never taken back counts until the end of what was collected. Of a state alone, as of a moment
    // that nothing in the bundle tells, nothing says that it was short.
    let alone = state && end <= last.at;
    end.since(first.at) >= lasting || fresh || alone
}

/// Whether all that was collected is an excerpt that tells of less time than a fact must last: then nothing in it could
/// show that the fact passed, and what a few lines were sent for is told.
fn is_too_short(lasting: i64, world: &World) -> bool {
    is_excerpt(world) && matches!(world.window, (Some(from), Some(to)) if to.since(from) < lasting)
}

/// Two or three signs far apart are two or three moments, not one state that lasts from the first to the last.
fn isolated(fact: &Fact, world: &World) -> bool {
    let times: Vec<Instant> = fact
        .evidence()
        .iter()
        .filter(|q| {
            world
                .source(q.place.source)
                .is_some_and(|s| s.kind == SourceKind::Log)
        })
        .filter_map(|q| q.time.map(|t| t.at))
        .collect();
    *fact.basis() == Basis::Seen
        && (2..=3).contains(&fact.count)
        && times.len() as u64 == fact.count
        && times
            .windows(2)
            .all(|w| matches!(w, [a, b] if b.since(*a).abs() > APART))
}

/// Signs further apart than this do not tell of the time between them.
const APART: i64 = 10 * MINUTE;

/// An event of a table seen so shortly before the collection goes on.
const FRESH: i64 = 5 * MINUTE;

/// An event that came so often was no single moment.
const AGAIN: u64 = 3;

/// What was last seen so shortly before its log ends goes on.
pub(super) const ENDS: i64 = 10 * MINUTE;

/// Whether a fact was not taken back and is seen until `within` of the end of a log that shows it, or in an output of a
/// state.
pub(super) fn goes_on(fact: &Fact, world: &World, within: i64) -> bool {
    if fact.span.closed || fact.span.over {
        return false;
    }
    let Some(last) = fact.span.last else {
        return true;
    };
    let near_end = |quote: &Quote| {
        let id = quote.place.source;
        let source = world.source(id).filter(|s| s.kind == SourceKind::Log)?;
        let end = world.stamp(id, source.coverage.last?)?;
        Some(end.at.since(last.at) <= within)
    };
    is_state(fact, world)
        || fact
            .evidence()
            .iter()
            .any(|quote| near_end(quote) == Some(true))
}

/// Whether an output of a state, collected at the end, shows the fact.
pub(super) fn is_state(fact: &Fact, world: &World) -> bool {
    // The condition of an object holds since its last transition.
    let condition = *fact.basis() == Basis::Seen && fact.component.as_str() == "object";
    condition
        || fact
            .evidence()
            .iter()
            // An event tells when; a state stands until the collection.
            .filter(|q| {
                let same =
                    |o: &Quote| o.place.source == q.place.source && o.place.line == q.place.line;
                q.time.is_none() && !fact.evidence().iter().any(|o| o.time.is_some() && same(o))
            })
            .filter_map(|q| world.source(q.place.source))
            .any(|s| !matches!(s.kind, SourceKind::Log | SourceKind::Text))
}

/// When components started.
#[derive(Debug)]
pub(super) struct Starts(Vec<Instant>);

/// The fact that says so in a line.
const STARTED: &str = "component/started";

impl Starts {
    /// The start of every log and of every process life, and what says that a process starts.
    pub(super) fn of(world: &World) -> Self {
        let lives = world
            .lives
            .iter()
            .filter_map(|(source, life)| life.first.and_then(|t| world.stamp(*source, t)));
        let lines = world
            .facts
            .iter()
            .filter(|f| f.kind == STARTED)
            .flat_map(|f| f.evidence().iter().filter_map(|q| q.time));
        let mut starts: Vec<Instant> = lives.chain(lines).map(|s| s.at).collect();
        starts.sort_unstable();
        Self(starts)
    }

    /// Whether some component started at most `within` before.
    fn near(&self, at: Instant, within: i64) -> bool {
        let from = at.plus(-within);
        let i = self.0.partition_point(|s| *s < from);
        self.0.get(i).is_some_and(|s| *s <= at.plus(SECOND))
    }
}

/// A symptom shorter than this, and over, is told as over.
pub(super) const SHORT: i64 = MINUTE;
