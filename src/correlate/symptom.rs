//! Which facts a person would notice, and which are start-up or passing noise.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::time::{Instant, MINUTE, SECOND};
use crate::catalog::{Catalog, Definition, Weight};
use crate::extract::World;
use crate::model::{Basis, Entity, Fact, FactId, Quote, Severity, SourceKind};

/// Picks the facts that are told, each pick in order of time.
#[derive(Debug)]
pub(super) struct Picker<'w> {
    catalog: &'w Catalog,
    world: &'w World,
    starts: Starts,
    healed: Healed<'w>,
    /// The bundle is an excerpt: so few lines that no duration can be judged by them. Somebody chose these lines; that
    /// they do not show how long a thing lasted says nothing about how long it did.
    excerpt: bool,
}

impl<'w> Picker<'w> {
    pub(super) fn new(catalog: &'w Catalog, world: &'w World) -> Self {
        let logs = world.sources.iter().filter(|s| s.kind == SourceKind::Log);
        let lines = logs.fold(0_u64, |n, s| n.saturating_add(s.coverage.lines));
        let excerpt = lines <= EXCERPT;
        Self {
            catalog,
            world,
            starts: Starts::of(world, excerpt),
            healed: Healed::of(catalog, world),
            excerpt,
        }
    }

    /// What a person noticed, and grave facts that are no symptom and that no symptom leads to; of an excerpt that says
    /// nothing worse what it does not show to have passed, whatever the duration asked for.
    pub(super) fn told(&self) -> Vec<FactId> {
        let mut told = self.pick(|d, fact| d.symptom && self.counts(d, fact));
        told.extend(self.pick(|d, fact| {
            !d.symptom
                && d.severity >= Severity::High
                && d.weight >= Weight::Primary
                && self.counts(d, fact)
        }));
        if told.is_empty() && self.excerpt {
            told = self.pick(|d, fact| {
                let grave = d.symptom && d.severity >= Severity::Medium
                    || d.severity >= Severity::High && d.weight >= Weight::Strong
                    || d.severity >= Severity::Medium && d.weight >= Weight::Primary;
                grave
                    && !d.transient
                    && !d.planned
                    && self.goes_on(fact, ENDS)
                    && !self.of_a_start(d, fact)
                    && !self.healed.holds(self.catalog, fact)
            });
        }
        told
    }

    /// Symptoms that heal by themselves: told only when something else in the bundle explains them.
    pub(super) fn passing(&self) -> Vec<FactId> {
        self.pick(|d, fact| d.symptom && d.transient && self.held(d, fact))
    }

    /// Facts that might be told where nothing else makes an incident: what is bad by itself and goes on, and symptoms that are
    /// too short to count but with which their log ends, for they may just have begun.
    pub(super) fn hints(&self) -> Vec<FactId> {
        self.pick(|d, fact| {
            let grave = d.severity >= Severity::High && d.weight >= Weight::Supporting
                || d.severity >= Severity::Medium && d.weight >= Weight::Primary;
            let holds = if d.symptom {
                !self.of_a_start(d, fact) && self.goes_on(fact, JUST)
            } else {
                self.held(d, fact) && (d.deed || self.goes_on(fact, ENDS))
            };
            // What heals by itself may be what somebody noticed, where it stands at the collection and nothing else is found.
            let stands = d.symptom && d.severity >= Severity::Medium && is_state(fact, self.world);
            let told = if d.transient { stands } else { grave };
            told && holds && !self.healed.holds(self.catalog, fact)
        })
    }

    fn pick(&self, wanted: impl Fn(&Definition, &Fact) -> bool) -> Vec<FactId> {
        self.world
            .facts
            .iter()
            .zip(0u32..)
            .filter(|(fact, _)| {
                let definition = self.catalog.get(&fact.kind);
                definition.is_some_and(|d| !d.benign && self.is_often(d, fact) && wanted(d, fact))
            })
            .map(|(_, i)| FactId(i))
            .collect()
    }

    /// Whether a fact is seen as often as its definition asks. A state stands for as long as it holds, and what a command
    /// answered is sent because somebody could not go on.
    fn is_often(&self, definition: &Definition, fact: &Fact) -> bool {
        fact.count >= definition.at_least
            || fact.component.as_str() == "kubectl"
            || is_state(fact, self.world)
    }

    /// Whether a fact of this definition counts: it lasts long enough, and is not the noise of a start.
    fn counts(&self, definition: &Definition, fact: &Fact) -> bool {
        !definition.transient && self.held(definition, fact)
    }

    /// Whether a fact lasted long enough, and is not the noise of a start.
    fn held(&self, definition: &Definition, fact: &Fact) -> bool {
        let long = definition
            .lasting
            .is_none_or(|lasting| self.lasts(fact, lasting, self.closable(definition, fact)));
        long && !self.of_a_start(definition, fact)
    }

    /// Whether a fact is what components print while they start.
    fn of_a_start(&self, definition: &Definition, fact: &Fact) -> bool {
        let (Some(startup), Some(last)) = (definition.startup, fact.span.last) else {
            return false;
        };
        !is_state(fact, self.world) && self.starts.near(last.at, startup)
    }

    /// Whether who printed the fact would also print its end, each time.
    fn closable(&self, definition: &Definition, fact: &Fact) -> bool {
        let patterns = definition
            .patterns
            .iter()
            .filter_map(|p| self.catalog.patterns().get(*p));
        patterns
            .filter(|p| p.closes && !p.seldom)
            .any(|p| p.components.contains(&fact.component))
    }

    /// Whether the fact held for `lasting`: between its first and last sign, or open until the end of the bundle.
    fn lasts(&self, fact: &Fact, lasting: i64, closable: bool) -> bool {
        let world = self.world;
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
            return fresh && fact.count >= AGAIN || self.is_too_short(lasting);
        }
        // Printed once and never taken back counts until the end of what was collected. Of a state alone, as of a moment
        // that nothing in the bundle tells, nothing says that it was short.
        let alone = state && end <= last.at;
        end.since(first.at) >= lasting || fresh || alone
    }

    /// Whether all that was collected is an excerpt that tells of less time than a fact must last: then nothing in it could
    /// show that the fact passed, and what a few lines were sent for is told.
    fn is_too_short(&self, lasting: i64) -> bool {
        self.excerpt
            && matches!(self.world.window, (Some(from), Some(to)) if to.since(from) < lasting)
    }

    /// Whether a fact was not taken back and is seen until `within` of the end of a log that shows it, or in an output of a
    /// state.
    fn goes_on(&self, fact: &Fact, within: i64) -> bool {
        let world = self.world;
        if fact.span.closed || fact.span.over {
            return false;
        }
        let Some(last) = fact.span.last else {
            return true;
        };
        let near_end = |quote: &Quote| {
            let id = quote.place.source;
            world.source(id).filter(|s| s.kind == SourceKind::Log)?;
            let end = world.coverage(id).1?;
            Some(end.at.since(last.at) <= within)
        };
        is_state(fact, world)
            || fact
                .evidence()
                .iter()
                .any(|quote| near_end(quote) == Some(true))
    }
}

/// Logs of no more lines than this together are an excerpt.
const EXCERPT: u64 = 1000;

/// When the last thing that a person would notice about an entity ended: the pod was placed after all, the node became
/// ready.
#[derive(Debug)]
struct Healed<'w>(BTreeMap<&'w Entity, Vec<(Instant, &'w str)>>);

impl<'w> Healed<'w> {
    /// The ends of the symptoms of every entity.
    fn of(catalog: &Catalog, world: &'w World) -> Self {
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
    fn holds(&self, catalog: &Catalog, fact: &Fact) -> bool {
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
const ENDS: i64 = 10 * MINUTE;

/// What has no duration of its own yet may go on if its log ends so soon behind it.
const JUST: i64 = MINUTE;

/// Whether an output of a state, collected at the end, shows the fact.
fn is_state(fact: &Fact, world: &World) -> bool {
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
struct Starts(Vec<Instant>);

/// The fact that says so in a line.
const STARTED: &str = "component/started";

impl Starts {
    /// The start of every log and of every process life, and what says that a process starts. With which line an excerpt
    /// begins was somebody's choice: no process started there.
    fn of(world: &World, excerpt: bool) -> Self {
        let mut begun = BTreeSet::new();
        let lives = world
            .lives
            .iter()
            .filter(|(source, _)| !(begun.insert(world.log_of(*source)) && excerpt))
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
