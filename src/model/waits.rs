//! What follows from goroutine dumps: groups, locks with their queues and probable holders, chains of waiting.
//!
//! Types only. `infer` fills them, `report` tells them.

use std::collections::{BTreeMap, BTreeSet};

use super::dump::{DumpKind, GoVersion};
use super::fact::{Place, Quote};
use crate::base::time::Stamp;

/// Kind of lock that is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LockKind {
    /// `sync.Mutex`.
    Mutex,
    /// `sync.RWMutex`, as a reader.
    Read,
    /// `sync.RWMutex`, as a writer.
    Write,
    /// `sync.Once`: another goroutine runs the function.
    Once,
    /// A weighted semaphore.
    Semaphore,
}

impl LockKind {
    /// The word for a report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mutex => "mutex",
            Self::Read => "read lock",
            Self::Write => "write lock",
            Self::Once => "once",
            Self::Semaphore => "semaphore",
        }
    }
}

/// When two stacks are taken for equal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Likeness {
    /// Same state, calls and arguments.
    Exact,
    /// Same state and calls; addresses may differ.
    #[default]
    Pointers,
    /// Same functions, whatever state, lines and addresses.
    Any,
}

/// Equal stacks of one dump.
#[derive(Clone, Debug)]
pub struct Group {
    /// How many goroutines.
    pub count: u64,
    /// State, as printed.
    pub state: String,
    /// Longest wait in minutes, as printed.
    pub minutes: Option<u32>,
    /// The function that says most about it.
    pub function: String,
    /// Functions of the stack, innermost first, without Go's own plumbing; at most twelve.
    pub frames: Vec<String>,
    /// Function that started them.
    pub creator: Option<String>,
    /// What it waits for, in a word: `idle`, `running`, `lock`, `call`, …
    pub waits: &'static str,
    /// Their labels as printed, most frequent first, at most three; with how many.
    pub labels: Vec<(String, u64)>,
    /// Ids, at most twenty.
    pub ids: Vec<u64>,
    /// Header of the representative: the longest waiting.
    pub place: Place,
    /// Index of it in the dump.
    pub member: u32,
    /// Its frames that decide what it waits for.
    pub decisive: Vec<usize>,
}

impl Group {
    /// Resting in its normal state.
    pub fn is_idle(&self) -> bool {
        self.waits == "idle"
    }
}

/// Whose dump it is, and how much of it rests.
#[derive(Clone, Debug, Default)]
pub struct DumpHead {
    /// Its first line.
    pub place: Place,
    /// Program.
    pub process: Option<String>,
    /// Process id.
    pub pid: Option<u64>,
    /// Machine.
    pub node: Option<String>,
    /// When it was taken.
    pub time: Option<Stamp>,
    /// Why it was printed.
    pub kind: DumpKind,
    /// The compiler, as far as the format tells.
    pub go: GoVersion,
    /// Head or tail are missing.
    pub partial: bool,
    /// How many goroutines.
    pub goroutines: u64,
    /// How many of them rest in their normal state.
    pub idle: u64,
    /// Why the waits were not followed from this dump: another one of the process shows more, or this one too little.
    pub set_aside: Option<String>,
}

/// One dump, summarised.
#[derive(Clone, Debug)]
pub struct DumpSummary {
    /// Index in the input.
    pub dump: usize,
    /// Whose it is.
    pub head: DumpHead,
    /// Goroutines by state, most frequent first.
    pub states: Vec<(String, u64)>,
    /// Groups of equal stacks, idle ones last, then by count.
    pub groups: Vec<Group>,
    /// Groups beyond the limit that are not listed.
    pub groups_left_out: usize,
}

/// A goroutine that probably holds a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Index in the dump's goroutines.
    pub goroutine: u32,
    /// Sum of the reasons.
    pub score: i32,
    /// What speaks for it.
    pub because: Vec<String>,
    /// What speaks against it.
    pub against: Vec<String>,
    /// Frame inside the critical section.
    pub frame: usize,
    /// Another goroutine fits as well.
    pub ambiguous: bool,
    /// Its own stack says so: past the line where others queue, inside a known section, in a method of the same object.
    pub sure: bool,
}

/// One lock and its queue.
#[derive(Clone, Debug)]
pub struct Lock {
    /// Index of the dump.
    pub dump: usize,
    /// Address, where the stacks show it.
    pub address: Option<u64>,
    /// What it is called in a report: a known name, or the type whose methods queue.
    pub name: String,
    /// Kinds of waiting: a lock with writers and readers has two.
    pub kinds: BTreeSet<LockKind>,
    /// Indices of the waiting goroutines, longest first.
    pub waiters: Vec<u32>,
    /// Minutes of the oldest waiter, as printed.
    pub oldest: u32,
    /// Functions that queue, with how many.
    pub callers: Vec<(String, usize)>,
    /// The probable holder.
    pub holder: Option<Holder>,
    /// A waiter that itself took the lock further out on its stack.
    pub own: Option<u32>,
    /// Number of the known critical section that it belongs to.
    pub section: Option<usize>,
}

/// Something that waits or is waited for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Node {
    /// A goroutine: index of the dump, index within it.
    Goroutine(usize, u32),
    /// A lock: index in the report.
    Lock(usize),
    /// A process that handles calls and of which no dump shows the handler.
    Peer {
        /// Machine.
        node: Option<String>,
        /// Names it may have, most usual first.
        names: Vec<String>,
        /// Dump whose process calls it.
        from: usize,
    },
    /// A process of the process list.
    Process(usize),
    /// Something outside of any process: D-Bus, netlink, a file lock.
    End {
        /// Dump whose process waits.
        dump: usize,
        /// Kind (`dbus`, `netlink`, `disk`).
        kind: String,
    },
}

/// What to collect to follow a chain further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// What.
    pub what: String,
    /// The same in Chinese.
    pub what_zh: String,
    /// The command.
    pub command: String,
}

/// One link of a chain.
#[derive(Clone, Debug)]
pub struct Step {
    /// One sentence.
    pub text: String,
    /// How many goroutines (1 for a process or an end).
    pub count: u64,
    /// The thing.
    pub node: Node,
    /// Index of its dump, where it has one.
    pub dump: Option<usize>,
    /// Lines that show it.
    pub evidence: Vec<Quote>,
}

/// From those who wait to the end.
#[derive(Clone, Debug)]
pub struct Chain {
    /// The links, who waits first.
    pub steps: Vec<Step>,
    /// The last link waits for the first: a deadlock.
    pub cycle: bool,
    /// Goroutines that wait behind the end, over all dumps.
    pub behind: u64,
    /// Longest wait in minutes, as printed.
    pub minutes: u32,
    /// Since about when.
    pub since: Option<Stamp>,
    /// What would show the next link.
    pub ask: Option<Ask>,
    /// Nodes of the graph that wait for its end, numbered as the inference built them.
    pub members: Vec<usize>,
}

/// Goroutines of one kind in two dumps of one process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Growth {
    /// Index of the earlier dump.
    pub from: usize,
    /// Index of the later dump.
    pub to: usize,
    /// The function they wait in.
    pub function: String,
    /// The function that started them.
    pub creator: String,
    /// How many before.
    pub before: u64,
    /// How many after.
    pub after: u64,
    /// A representative in the later dump.
    pub place: Place,
    /// Its index there.
    pub member: u32,
}

/// Two dumps of one process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Index of the earlier dump.
    pub from: usize,
    /// Index of the later dump.
    pub to: usize,
    /// Goroutines in the earlier one.
    pub before: u64,
    /// Goroutines in the later one.
    pub after: u64,
    /// Seconds between them, where both times are known.
    pub seconds: Option<i64>,
    /// Goroutines that wait in both at the same place, equal stacks together, largest first.
    pub stuck: Vec<Stuck>,
    /// Groups of them that are not listed.
    pub groups_left_out: usize,
}

/// Goroutines with one stack that two dumps of their process show at the same place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// The function they wait in.
    pub function: String,
    /// What they do, as printed.
    pub state: String,
    /// How many.
    pub count: u64,
    /// Their numbers, at most twenty.
    pub ids: Vec<u64>,
    /// Longest wait in the earlier dump, in minutes; 0 where none was printed.
    pub before: u32,
    /// Longest wait in the later one.
    pub after: u32,
    /// The dumps are far enough apart, or the minutes went on: they wait all the time.
    pub proven: bool,
    /// Header of one in the later dump.
    pub place: Place,
}

/// One thing that follows from stacks.
#[derive(Clone, Debug)]
pub struct WaitFact {
    /// Catalogue id.
    pub kind: &'static str,
    /// `process/<node>/<program>` or `lock/<program>/<address>`; the key `program` has the name alone.
    pub entity: String,
    /// Values to join on and to show.
    pub keys: BTreeMap<String, String>,
    /// Header and frames, process rows; never empty.
    pub evidence: Vec<Quote>,
    /// Since about when.
    pub first: Option<Stamp>,
    /// When the dump was taken.
    pub last: Option<Stamp>,
    /// How many goroutines.
    pub count: u64,
    /// Why: one sentence.
    pub because: String,
    /// It follows from stacks that are part of no chain.
    pub alone: bool,
    /// What would show the next link, where the waits cannot be followed further.
    pub ask: Option<Ask>,
}

/// What a set of dumps says.
#[derive(Clone, Debug, Default)]
pub struct WaitReport {
    /// The dumps.
    pub dumps: Vec<DumpSummary>,
    /// Locks with a queue, most wanted first within each dump.
    pub locks: Vec<Lock>,
    /// Chains of waiting, the ones with most behind them first. Empty: nothing is stuck.
    pub chains: Vec<Chain>,
    /// Each two dumps of one process.
    pub pairs: Vec<Pair>,
    /// What grew between two dumps of one process.
    pub growth: Vec<Growth>,
    /// What the catalogue can say about it.
    pub facts: Vec<WaitFact>,
}

impl WaitReport {
    /// Nothing waits for longer than it should.
    pub fn is_quiet(&self) -> bool {
        self.chains.is_empty() && self.beside().next().is_none()
    }

    /// What follows from single stacks, without a chain.
    pub fn beside(&self) -> impl Iterator<Item = &WaitFact> {
        self.facts.iter().filter(|f| f.alone)
    }
}
