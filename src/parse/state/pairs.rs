//! Times in objects that two clocks wrote: one by a machine, one by the API server.
//!
//! An Event says when its reporter saw it (`firstTimestamp`, the clock of the machine) and when it was created (the clock of
//! the API server), never before. A pod says when it was bound to its node (`PodScheduled`, written by the API server) and
//! when the kubelet took it up (`startTime`), never before.
//!
//! The times of managed fields are no such pairs: the API server does not move them with every write. Nor is the creation
//! of the event `Scheduled`: it is posted beside the binding, and again where that failed, so a kubelet may be earlier.

use std::collections::BTreeMap;

use crate::base::time::{DAY, RawStamp};
use crate::model::{ClockPair, Order};

/// Most pairs kept of one machine and one order: the tightest.
const KEPT: usize = 64;
/// Pairs further back than this from the newest are kept only where there is room: they say nothing of the clock today.
const RECENT: i64 = DAY;

/// One moment of a machine.
#[derive(Clone, Debug)]
pub(super) struct Own {
    /// The machine.
    pub(super) machine: String,
    /// What its clock showed.
    pub(super) at: RawStamp,
    /// The line that says so.
    pub(super) line: u64,
    /// Its text.
    pub(super) quote: String,
}

/// What a file has of both clocks.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    kept: BTreeMap<(String, Order), Vec<ClockPair>>,
}

impl Pairs {
    /// Adds a pair.
    pub(super) fn add(&mut self, own: Own, server: RawStamp, order: Order) {
        let pair = ClockPair {
            machine: own.machine,
            own: own.at,
            server,
            order,
            line: own.line,
            quote: own.quote,
        };
        if apart(&pair).is_none() {
            return;
        }
        let list = self.kept.entry((pair.machine.clone(), order)).or_default();
        list.push(pair);
        if list.len() >= KEPT.saturating_mul(2) {
            tighten(list);
        }
    }

    /// All pairs of the file.
    pub(super) fn finish(mut self) -> Vec<ClockPair> {
        for list in self.kept.values_mut() {
            tighten(list);
        }
        self.kept.into_values().flatten().collect()
    }
}

/// By how much the machine's reading is above the API server's.
fn apart(pair: &ClockPair) -> Option<i64> {
    match (pair.own, pair.server) {
        (RawStamp::Utc { ns: own, .. }, RawStamp::Utc { ns: server, .. }) => {
            Some(own.saturating_sub(server))
        }
        _ => None,
    }
}

/// Keeps the pairs that bound most closely, those of the last day before others, each once.
fn tighten(list: &mut Vec<ClockPair>) {
    let newest = list.iter().map(|p| p.server.reading()).max().unwrap_or(0);
    list.sort_by_key(|p| {
        let old = newest.saturating_sub(p.server.reading()) > RECENT;
        let apart = apart(p).unwrap_or(0);
        let loose = match p.order {
            Order::MachineFirst => apart.saturating_neg(),
            Order::ServerFirst => apart,
        };
        (old, loose, p.own.reading(), p.line)
    });
    list.dedup_by_key(|p| (p.own.reading(), p.server.reading()));
    list.truncate(KEPT);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::SECOND;

    const DAY_S: i64 = DAY / SECOND;

    /// The times of the API server of what is kept of pairs `(server, own)`, in seconds.
    fn kept(pairs: impl IntoIterator<Item = (i64, i64)>) -> Vec<i64> {
        let mut all = Pairs::default();
        for ((server, own), line) in pairs.into_iter().zip(1..) {
            let own = Own {
                machine: String::from("n1"),
                at: RawStamp::utc(own * SECOND, SECOND),
                line,
                quote: String::new(),
            };
            all.add(
                own,
                RawStamp::utc(server * SECOND, SECOND),
                Order::ServerFirst,
            );
        }
        all.finish()
            .iter()
            .map(|p| p.server.reading() / SECOND)
            .collect()
    }

    #[test]
    fn one_pair_counts_once() {
        assert_eq!(kept([(10, 11), (10, 11), (20, 22)]), [10, 20]);
        assert_eq!(kept((0..500).map(|_| (10, 11))), [10]);
    }

    #[test]
    fn the_last_day_comes_before_tighter_pairs_of_long_ago() {
        let old = (0..1000).map(|n| (n, n));
        let new = (0..40).map(|n| (30 * DAY_S + n, 30 * DAY_S + n + 5));
        let found = kept(old.chain(new));
        assert_eq!(found.len(), KEPT);
        assert_eq!(found.iter().filter(|s| **s >= 30 * DAY_S).count(), 40);
    }
}
