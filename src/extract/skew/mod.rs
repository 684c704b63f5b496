//! By how much the clock of each machine is off, against that of the API server.
//!
//! The evidence are pairs of times of which one comes before the other whatever the clocks say: in objects
//! (`parse::state::pairs`), in logs (the `pairs` of the rules made by [`INFERENCE`]: a scheduler binds a pod, then a kubelet
//! takes it up), and what the time service of a machine says itself. `bounds` makes one offset of many pairs.
//!
//! What comes out is taken off the times of all that the machine wrote. Where the evidence does not decide, nothing is taken
//! off, but the order of the machine's lines against those of others is unclear by as much ([`crate::base::time::Doubt`]).

mod apply;
mod bounds;
mod logs;
mod moves;

use std::collections::{BTreeMap, BTreeSet};

pub(super) use apply::{apply, has_machine};
use bounds::{Answer, Bound, IN_STEP, Why, offset};
use moves::Move;

use super::assemble::World;
use super::fold::RawFact;
use crate::base::time::{Instant, MINUTE, SECOND, Stamp, StampBasis};
use crate::base::units::human_duration;
use crate::catalog::{Catalog, Origin};
use crate::model::{
    ClockPair, Component, Confidence, Order, Place, Quote, Skew, SourceId, SourceKind,
};

/// The inference whose rules hold the parameters.
pub(super) const INFERENCE: &str = "clock-skew";
/// Quotes kept of each order.
const QUOTES: usize = 3;
/// Zones differ by multiples of this.
const GRID: i64 = 15 * MINUTE;
/// What a time service says and what pairs say differ by less than this.
const AGREE: i64 = 5 * SECOND;

/// What objects and outputs tell of clocks.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Times of machines beside times of the API server.
    pub(super) pairs: Vec<(SourceId, ClockPair)>,
    /// What time services say: nanoseconds ahead, line, text.
    pub(super) statements: Vec<(SourceId, i64, u64, String)>,
}

/// The clock of one machine, where it is off or may be.
#[derive(Clone, Debug)]
pub struct MachineSkew {
    /// The machine.
    pub machine: String,
    /// By how much.
    pub skew: Skew,
    /// How many pairs of times there are.
    pub pairs: usize,
    /// Some of the lines that show it, times uncorrected.
    pub evidence: Vec<Quote>,
}

/// One bound and its line.
struct Known {
    bound: Bound,
    quote: Quote,
    /// Whether a zone that was solved stands behind it.
    zoned: bool,
}

/// All that bounds one machine.
#[derive(Default)]
struct Case {
    known: Vec<Known>,
    /// What its time service says: by how much it is ahead.
    stated: Vec<(i64, Quote)>,
    moved: Vec<Move>,
}

/// The machines whose clocks are off, or may be, and how many are bounded to be in step.
pub(super) fn solve(
    catalog: &Catalog,
    world: &World,
    raw: &[(SourceId, RawFact)],
    told: Told,
) -> (Vec<MachineSkew>, usize) {
    let servers = servers(world);
    // The only API server is what all others are compared with.
    let reference = servers
        .iter()
        .next()
        .filter(|_| servers.len() == 1)
        .map(|s| (*s).to_owned());
    let mut cases: BTreeMap<String, Case> = BTreeMap::new();
    for (source, pair) in told.pairs {
        if let Some(known) = of_objects(world, source, &pair) {
            cases.entry(pair.machine).or_default().known.push(known);
        }
    }
    let answers: BTreeMap<String, Answer> = cases
        .iter()
        .filter(|(machine, _)| Some(*machine) != reference.as_ref())
        .map(|(machine, case)| (machine.clone(), offset(&case.bounds())))
        .collect();
    for pair in logs::pairs(world, raw, &pair_kinds(catalog)) {
        // The other side is compared with the API server first; of the same machine it says nothing.
        let correction = match pair.before_machine.as_ref().and_then(|m| answers.get(m)) {
            Some(Answer::Off { ahead, .. }) => *ahead,
            Some(Answer::Doubtful { .. }) => continue,
            _ => 0,
        };
        if pair.before_machine.as_ref() != Some(&pair.machine) {
            let known = pair.known(correction);
            cases.entry(pair.machine).or_default().known.push(known);
        }
    }
    for (source, ns, line, text) in told.statements {
        let machine = world.source(source).and_then(|s| s.scope.node.clone());
        if let Some(machine) = machine {
            let quote = quote(source, line, 0, text, None);
            cases.entry(machine).or_default().stated.push((ns, quote));
        }
    }
    for (machine, moved) in logs::moves(world, raw, &move_kinds(catalog)) {
        cases.entry(machine).or_default().moved.push(moved);
    }
    cases.values_mut().for_each(Case::once);
    let of_reference = reference
        .as_ref()
        .and_then(|r| cases.get(r)?.statement().ok().flatten());
    let (mut out, mut in_step) = (Vec::new(), 0usize);
    for (machine, case) in cases {
        if Some(&machine) == reference.as_ref() {
            continue;
        }
        let Some(mut skew) = case.decide(of_reference, &mut in_step) else {
            continue;
        };
        skew.machine = u32::try_from(out.len().saturating_add(1)).unwrap_or(u32::MAX);
        out.push(MachineSkew {
            machine,
            skew,
            pairs: case.known.len(),
            evidence: case.evidence(),
        });
    }
    (out, in_step)
}

impl Case {
    fn bounds(&self) -> Vec<Bound> {
        self.known.iter().map(|k| k.bound).collect()
    }

    /// The same object in several outputs of a collection is one pair.
    fn once(&mut self) {
        let key = |k: &Known| (k.bound.order, k.bound.at, k.bound.apart);
        self.known.sort_by_key(key);
        self.known.dedup_by_key(|k| key(k));
    }

    /// By how much the machine is ahead as its time service says; an error where it says different things.
    fn statement(&self) -> Result<Option<i64>, i64> {
        let all = || self.stated.iter().map(|(ns, _)| *ns);
        let (Some(least), Some(most)) = (all().min(), all().max()) else {
            return Ok(None);
        };
        let far = if most >= least.saturating_neg() {
            most
        } else {
            least
        };
        if most.saturating_sub(least) <= AGREE {
            Ok(Some(far))
        } else {
            Err(far)
        }
    }

    /// What the pairs and the time service say together, and why that is doubtful.
    fn weigh(&self, bounds: &[Bound], of_reference: Option<i64>) -> (Answer, Option<&'static str>) {
        let answer = offset(bounds);
        let statement = self.statement();
        let stated = statement
            .unwrap_or_else(Some)
            .map(|ns| ns.saturating_sub(of_reference.unwrap_or(0)));
        let differs = statement
            .is_err()
            .then_some("its time service says different things");
        match (answer, stated) {
            (Answer::Off { ahead, err, .. }, Some(stated)) => {
                let agrees =
                    stated.saturating_sub(ahead).saturating_abs() <= err.saturating_add(AGREE);
                let sure = Answer::Off {
                    ahead,
                    err,
                    confidence: Confidence::High,
                };
                match differs {
                    Some(why) => (answer, Some(why)),
                    None if agrees => (sure, None),
                    None => (answer, Some("its time service says otherwise")),
                }
            }
            (
                Answer::Silent { bounded: false } | Answer::Doubtful { why: Why::Few, .. },
                Some(stated),
            ) if stated.saturating_abs() > IN_STEP => {
                let answer = Answer::Off {
                    ahead: stated,
                    err: SECOND,
                    confidence: if of_reference.is_some() {
                        Confidence::High
                    } else {
                        Confidence::Medium
                    },
                };
                let (low, high) = bounds::proven(bounds);
                let outside = low.is_some_and(|low| stated < low.saturating_sub(AGREE))
                    || high.is_some_and(|high| stated > high.saturating_add(AGREE));
                let contradicted =
                    outside.then_some("the times of objects contradict what its time service says");
                (answer, differs.or(contradicted))
            }
            _ => (answer, None),
        }
    }

    /// What all evidence together says.
    fn decide(&self, of_reference: Option<i64>, in_step: &mut usize) -> Option<Skew> {
        let bounds = self.bounds();
        let (mut answer, mut reason) = self.weigh(&bounds, of_reference);
        *in_step += usize::from(answer == Answer::Silent { bounded: true });
        if let Answer::Off { ahead, .. } = answer
            && self.known.iter().any(|k| k.zoned)
            && is_like_a_zone(ahead)
        {
            reason = Some("a wrong zone would look the same");
        }
        let mut until = None;
        match answer {
            Answer::Off { ahead, .. } if reason.is_none() => {
                (until, reason) = moves::during(&self.moved, ahead, bounds::time(&bounds));
            }
            Answer::Silent { .. } => {
                let (by, end) = moves::before_the_last(&self.moved)?;
                until = end;
                answer = Answer::Off {
                    ahead: by,
                    err: SECOND,
                    confidence: Confidence::Low,
                };
                reason = Some("it was set right later, and since when it was off is not known");
            }
            _ => {}
        }
        let (ahead, err, confidence) = match answer {
            Answer::Silent { .. } => return None,
            Answer::Off {
                ahead,
                err,
                confidence,
            } => (ahead, err, confidence),
            Answer::Doubtful { ahead, why } => {
                reason = reason.or(Some(match why {
                    Why::Disagree => "the times that show it contradict each other",
                    Why::Few => "too few times show it",
                }));
                (ahead, SECOND, Confidence::Low)
            }
        };
        let (size, side) = (
            human_duration(ahead.saturating_abs()),
            if ahead < 0 { "behind" } else { "ahead of" },
        );
        let basis = match reason {
            None => format!("{size} {side} the API server's clock, which is taken off its times"),
            Some(why) => format!("perhaps {size} {side} the API server's clock: {why}"),
        };
        Some(Skew {
            machine: 0,
            ahead,
            err,
            doubtful: reason.is_some(),
            until,
            basis,
            confidence: if reason.is_some() {
                Confidence::Low
            } else {
                confidence
            },
        })
    }

    /// The lines that say most.
    fn evidence(&self) -> Vec<Quote> {
        let tightest = |order: Order| {
            let mut side: Vec<&Known> = self
                .known
                .iter()
                .filter(|k| k.bound.order == order)
                .collect();
            side.sort_by_key(|k| match order {
                Order::MachineFirst => k.bound.apart.saturating_neg(),
                Order::ServerFirst => k.bound.apart,
            });
            side.into_iter().take(QUOTES).map(|k| k.quote.clone())
        };
        let stated = self.stated.iter().map(|(_, q)| q.clone());
        let moved = self.moved.iter().map(|m| m.quote.clone()).take(QUOTES);
        let mut quotes: Vec<Quote> = stated
            .chain(moved)
            .chain(tightest(Order::MachineFirst))
            .chain(tightest(Order::ServerFirst))
            .collect();
        quotes.sort_by_key(|q| q.place);
        quotes.dedup_by_key(|q| q.place);
        quotes
    }
}

/// A pair that an object has.
fn of_objects(world: &World, source: SourceId, pair: &ClockPair) -> Option<Known> {
    let own = world.stamp(source, pair.own)?;
    let server = world.stamp(source, pair.server)?;
    Some(Known {
        bound: Bound {
            order: pair.order,
            apart: own.at.since(server.at),
            res: resolution(pair.order, own, server),
            at: server.at,
        },
        quote: quote(source, pair.line, 0, pair.quote.clone(), Some(own)),
        zoned: false,
    })
}

/// What the later of two moments may be above its stamp: stamps are cut, not rounded.
fn resolution(order: Order, own: Stamp, server: Stamp) -> i64 {
    let later = match order {
        Order::MachineFirst => server,
        Order::ServerFirst => own,
    };
    later.err.saturating_mul(2)
}

fn quote(source: SourceId, line: u64, offset: u64, text: String, time: Option<Stamp>) -> Quote {
    Quote {
        place: Place {
            source,
            offset,
            line,
        },
        text,
        time,
    }
}

/// The machines whose API servers the bundle has logs of.
pub(crate) fn servers(world: &World) -> BTreeSet<&str> {
    let api = Component::named("kube-apiserver");
    world
        .sources
        .iter()
        .filter(|s| s.kind == SourceKind::Log)
        .filter(|s| s.scope.component == api || s.scope.component == Component::AUDIT)
        .filter_map(|s| s.scope.node.as_deref())
        .collect()
}

/// A parameter of the rules that are made by this.
fn parameter<'c>(catalog: &'c Catalog, name: &str) -> Vec<&'c toml::Value> {
    catalog
        .definitions()
        .iter()
        .filter_map(|d| match &d.origin {
            Origin::Inferred { by, parameters } if by == INFERENCE => parameters.get(name),
            _ => None,
        })
        .filter_map(toml::Value::as_array)
        .flatten()
        .collect()
}

/// `pairs = [[before, after], …]`, as positions in the catalogue.
fn pair_kinds(catalog: &Catalog) -> Vec<(usize, usize)> {
    let kind = |v: &toml::Value| catalog.index(v.as_str()?);
    parameter(catalog, "pairs")
        .into_iter()
        .filter_map(|pair| match pair.as_array()?.as_slice() {
            [before, after] => Some((kind(before)?, kind(after)?)),
            _ => None,
        })
        .collect()
}

/// `moves = [kind, …]`, as positions in the catalogue.
fn move_kinds(catalog: &Catalog) -> Vec<usize> {
    parameter(catalog, "moves")
        .into_iter()
        .filter_map(|v| catalog.index(v.as_str()?))
        .collect()
}

/// Whether an offset may be a zone that was read wrongly.
fn is_like_a_zone(ahead: i64) -> bool {
    let near = ahead.saturating_add(GRID / 2).rem_euclid(GRID) - GRID / 2;
    ahead.saturating_abs() > GRID / 2 && near.saturating_abs() <= 2 * AGREE
}

/// Whether a stamp is known well enough to compare clocks by it.
fn is_known(stamp: Stamp) -> bool {
    stamp.basis != StampBasis::Guessed && stamp.err <= SECOND
}

/// The earlier of two moments, for the window of a pair.
fn moment(stamp: Stamp, correction: i64) -> Instant {
    stamp.at.plus(correction.saturating_neg())
}
