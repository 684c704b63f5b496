//! Clocks that are off, as facts: the offsets themselves are found with the clocks (`extract::skew`).

use super::Task;
use crate::base::time::{MINUTE, SECOND, Stamp};
use crate::base::units::human_duration;
use crate::extract::MachineSkew;
use crate::model::{Component, Fact, Keys};

/// Offsets of machines that differ by less than this are one.
const ALIKE: i64 = 5 * SECOND;
/// So many machines that are off by the same are right, and the API server is wrong, unless as many are in step with it.
const MANY: usize = 3;

pub(super) fn infer(task: &Task<'_>) -> Vec<Fact> {
    let ahead = task.word("side") == Some("ahead");
    let sure: Vec<&MachineSkew> = task
        .world
        .skews
        .iter()
        .filter(|s| !s.skew.doubtful)
        .collect();
    // Where most machines agree against the API server, it is the one that is off.
    let odd = sure.first().and_then(|first| {
        let alike = |s: &&&MachineSkew| {
            s.skew.ahead.saturating_sub(first.skew.ahead).saturating_abs() < ALIKE
        };
        let count = sure.iter().filter(alike).count();
        (count >= MANY && count == sure.len() && count > task.world.in_step).then_some(*first)
    });
    if let Some(one) = odd {
        let of_server = one.skew.ahead.saturating_neg();
        return server(task)
            .filter(|_| (of_server > 0) == ahead)
            .and_then(|machine| fact(task, &machine, of_server, one))
            .into_iter()
            .collect();
    }
    sure.into_iter()
        .filter(|s| (s.skew.ahead > 0) == ahead)
        .filter_map(|s| fact(task, &s.machine, s.skew.ahead, s))
        .collect()
}

/// The machine of the only API server that has a log.
fn server(task: &Task<'_>) -> Option<String> {
    let api = Component::named("kube-apiserver");
    let mut machines: Vec<&str> = task
        .world
        .sources
        .iter()
        .filter(|s| s.scope.component == api)
        .filter_map(|s| s.scope.node.as_deref())
        .collect();
    machines.sort_unstable();
    machines.dedup();
    match machines.as_slice() {
        [only] => Some((*only).to_owned()),
        _ => None,
    }
}

fn fact(task: &Task<'_>, machine: &str, ahead: i64, of: &MachineSkew) -> Option<Fact> {
    let size = ahead.saturating_abs();
    let whole = (size.saturating_add(SECOND / 2) / SECOND).saturating_mul(SECOND);
    let keys = Keys::from([
        (String::from("node"), machine.to_owned()),
        (String::from("host"), machine.to_owned()),
        (String::from("off"), human_duration(whole)),
        (
            String::from("within"),
            human_duration((of.skew.err / SECOND).saturating_add(1).saturating_mul(SECOND)),
        ),
        (String::from("pairs"), of.pairs.to_string()),
    ]);
    let evidence = of.evidence.clone();
    let mut fact = task.fact("clock-skew", keys, Component::UNKNOWN, evidence, Vec::new())?;
    // The offset was the same over all that was compared; since when, nobody knows.
    let times = || of.evidence.iter().filter_map(|q| q.time).map(|t| t.at);
    let (from, to) = task.world.window;
    let first = times().chain(from).min();
    let last = times().chain(to).max();
    fact.span.first = first.map(|at| Stamp::exact(at, MINUTE));
    fact.span.last = last.map(|at| Stamp::exact(at, MINUTE));
    fact.count = u64::try_from(of.pairs.max(1)).unwrap_or(1);
    Some(fact)
}
