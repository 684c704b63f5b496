//! Times in objects that two clocks wrote: one by a machine, one by the API server.
//!
//! An Event says when its reporter saw it (`firstTimestamp`, the clock of the machine) and when it was created (the clock of
//! the API server), never before. A pod says when it was bound to its node (`PodScheduled`, written by the API server) and
//! when the kubelet took it up (`startTime`), never before.
//!
//! The times of managed fields are no such pairs: the API server does not move them with every write.

use std::collections::BTreeMap;

use crate::base::time::{RawStamp, SECOND};
use crate::model::{ClockPair, Order};

/// Most pairs kept of one machine and one order: the tightest.
const KEPT: usize = 64;
/// Most pods of which both moments are remembered until the end of the file.
const PODS: usize = 50_000;

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
    /// When a pod was bound, on the clock of the API server.
    bound: BTreeMap<String, RawStamp>,
    /// The first that a kubelet reported of a pod.
    taken: BTreeMap<String, Own>,
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

    /// A pod (by its uid, or its name) was bound to its node by then.
    pub(super) fn bound(&mut self, pod: &str, at: RawStamp) {
        if !pod.is_empty() && self.bound.len() < PODS {
            self.bound.entry(pod.to_owned()).or_insert(at);
        }
    }

    /// A kubelet reported something of a pod.
    pub(super) fn taken(&mut self, pod: &str, own: Own) {
        if pod.is_empty() || self.taken.len() >= PODS {
            return;
        }
        let known = self
            .taken
            .entry(pod.to_owned())
            .or_insert_with(|| own.clone());
        if own.at.reading() < known.at.reading() {
            *known = own;
        }
    }

    /// All pairs of the file.
    pub(super) fn finish(mut self) -> Vec<ClockPair> {
        let bound = std::mem::take(&mut self.bound);
        for (pod, own) in std::mem::take(&mut self.taken) {
            // The event of the binding is written beside the binding, not before it: a second more.
            if let Some(RawStamp::Utc { ns, res }) = bound.get(&pod) {
                let server = RawStamp::utc(ns.saturating_sub(SECOND), *res);
                self.add(own, server, Order::ServerFirst);
            }
        }
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

/// Keeps the pairs that bound most closely.
fn tighten(list: &mut Vec<ClockPair>) {
    list.sort_by_key(|p| {
        let apart = apart(p).unwrap_or(0);
        let loose = match p.order {
            Order::MachineFirst => apart.saturating_neg(),
            Order::ServerFirst => apart,
        };
        (loose, p.line)
    });
    list.truncate(KEPT);
}
