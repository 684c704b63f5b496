//! A goroutine dump as an analysis keeps it: its largest groups and most wanted locks, with ids instead of indices.
//!
//! A [`Dump`] may hold a million stacks; a note is bounded, and needs the dump no more.

use super::dump::Dump;
use super::fact::Quote;
use super::waits::{DumpHead, DumpSummary, Group, Lock};

/// One dump, in short.
#[derive(Clone, Debug)]
pub struct DumpNote {
    /// Whose it is.
    pub head: DumpHead,
    /// Groups of equal stacks, those at rest last, then by count.
    pub groups: Vec<GroupNote>,
    /// Groups that are not listed.
    pub groups_left_out: usize,
    /// Locks with a queue, most wanted first.
    pub locks: Vec<LockNote>,
    /// Locks that are not listed.
    pub locks_left_out: usize,
}

/// Equal stacks.
#[derive(Clone, Debug)]
pub struct GroupNote {
    /// The group.
    pub group: Group,
    /// Id of the longest waiting, whose lines are quoted.
    pub representative: u64,
    /// Its header and the frames that decide what it waits for.
    pub evidence: Vec<Quote>,
}

/// One lock.
#[derive(Clone, Debug)]
pub struct LockNote {
    /// Address, or the name where the stacks show none.
    pub address: String,
    /// What it is called.
    pub name: String,
    /// How many wait.
    pub waiters: u64,
    /// Minutes of the oldest, where some were printed.
    pub oldest: Option<u32>,
    /// Id of the goroutine that probably holds it.
    pub holder: Option<u64>,
    /// What speaks for that, or why nobody is named.
    pub because: String,
    /// What speaks against it.
    pub against: String,
}

impl DumpNote {
    /// Notes a dump: `groups` are listed as they come, of its locks the first `most`.
    pub fn new(
        dump: &Dump,
        summary: &DumpSummary,
        groups: Vec<Group>,
        locks: &[Lock],
        most: usize,
    ) -> Self {
        let mine: Vec<&Lock> = locks.iter().filter(|l| l.dump == summary.dump).collect();
        Self {
            head: summary.head.clone(),
            groups_left_out: 0,
            groups: groups
                .into_iter()
                .map(|g| GroupNote::new(dump, g))
                .collect(),
            locks_left_out: mine.len().saturating_sub(most),
            locks: mine
                .into_iter()
                .take(most)
                .map(|l| LockNote::new(dump, l))
                .collect(),
        }
    }
}

impl GroupNote {
    fn new(dump: &Dump, group: Group) -> Self {
        Self {
            representative: dump
                .goroutines
                .get(group.member as usize)
                .map_or(0, |g| g.id),
            evidence: dump.quotes(group.member, &group.decisive),
            group,
        }
    }
}

impl LockNote {
    fn new(dump: &Dump, lock: &Lock) -> Self {
        let id = |g: u32| dump.goroutines.get(g as usize).map(|g| g.id);
        Self {
            address: lock
                .address
                .map_or_else(|| lock.name.clone(), |a| format!("0x{a:x}")),
            name: lock.name.clone(),
            waiters: lock.waiters.len() as u64,
            oldest: (lock.oldest > 0).then_some(lock.oldest),
            holder: lock
                .holder
                .as_ref()
                .and_then(|h| id(h.goroutine))
                .or(lock.own.and_then(id)),
            because: match (&lock.holder, lock.own) {
                (Some(h), _) => h.because.join("; "),
                (None, Some(_)) => {
                    String::from("it took the lock itself, further out on its own stack")
                }
                (None, None) => String::from("no goroutine of the dump fits as the holder"),
            },
            against: lock
                .holder
                .as_ref()
                .map_or_else(String::new, |h| h.against.join("; ")),
        }
    }
}
