//! Folds repeated lines: 450,000 equal lines are one fact with a count. Memory follows distinct facts.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::base::text;
use crate::base::time::RawStamp;
use crate::model::{Component, Keys};

/// Quotes kept of one fact in one source, besides the last: enough to show a pattern of repetition.
const KEPT: usize = 3;

/// Most facts kept of one kind in one source; more are counted but not told apart.
pub(crate) const KINDS_LIMIT: usize = 5_000;

/// The same for raw material: a ledger needs each entry, and a day of a busy node has tens of thousands.
pub(crate) const RAW_LIMIT: usize = 20_000;

/// Most words known by heart in one source. Where each line has its own (a duration, a port), more would not help: then
/// all are forgotten, for what comes again does so soon.
const KNOWN: usize = 20_000;

/// One line that shows something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Byte offset of the record.
    pub offset: u64,
    /// Number of the line in it that shows the fact, from 1.
    pub line: u64,
    /// When, as the line says it.
    pub time: Option<RawStamp>,
    /// How long before the line the fact began (nanoseconds).
    pub ago: i64,
    /// The line, printable and cut.
    pub text: String,
}

impl Seen {
    /// Takes its text from a line.
    fn quote(&mut self, line: Option<&[u8]>) {
        if let Some(line) = line {
            self.text = text::quote(line);
        }
    }

    /// Whether it is of the same record. `placed`: the offset tells records apart, and the text may not be there yet.
    fn is_same_record(&self, other: &Self, placed: bool) -> bool {
        let place = |s: &Self| (s.offset, s.time, s.ago);
        place(self) == place(other)
            && (placed || (self.line == other.line && self.text == other.text))
    }
}

/// One fact of one source, times still raw.
#[derive(Clone, Debug)]
pub struct RawFact {
    /// Position of the definition.
    pub fact: usize,
    /// Entity text.
    pub entity: String,
    /// Captured and scope keys, of the first line.
    pub keys: Keys,
    /// Whose line.
    pub component: Component,
    /// How many occurrences.
    pub count: u64,
    /// First lines, in order.
    pub first: Vec<Seen>,
    /// Last line, when it is not among the first.
    pub last: Option<Seen>,
    /// The line says that the fact ended.
    pub closes: bool,
    /// A state as of the collection, not an occurrence in time.
    pub state: bool,
    /// First occurrence, where the source tells it apart from the line (events).
    pub began: Option<RawStamp>,
}

impl RawFact {
    /// Takes in further lines of the same fact of the same source.
    pub(super) fn absorb(&mut self, more: Self) {
        self.count = self.count.saturating_add(more.count);
        for (k, v) in more.keys {
            self.keys.entry(k).or_insert(v);
        }
        keep(
            KEPT,
            (&mut self.first, &mut self.last),
            (more.first, more.last),
        );
    }
}

/// Adds further lines: the first `most` and the last are kept.
pub(super) fn keep(
    most: usize,
    (first, last): (&mut Vec<Seen>, &mut Option<Seen>),
    more: (Vec<Seen>, Option<Seen>),
) {
    first.extend(last.take().into_iter().chain(more.0).chain(more.1));
    first.sort_by_key(|s| (s.offset, s.line));
    if first.len() > most {
        *last = first.pop();
        first.truncate(most);
    }
}

/// What tells two facts of one source apart: definition, closing or not, entity, chosen keys.
type FoldKey = (usize, bool, String, Vec<String>);

/// What makes two occurrences the same without building their keys: the definition, how often it was closed, and a hash of
/// pattern, captures and writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Words {
    fact: usize,
    closed: u32,
    hash: u64,
}

/// The fold of one source.
#[derive(Debug, Default)]
pub(crate) struct Fold {
    facts: Vec<RawFact>,
    /// For each fact the bytes of its last line: most lines are the last for a moment only, so they are made
    /// printable at the end.
    last: Vec<Vec<u8>>,
    index: FxHashMap<FoldKey, usize>,
    per_kind: FxHashMap<usize, usize>,
    /// Occurrences that were not told apart, per definition.
    pub(crate) overflow: BTreeMap<usize, u64>,
    /// For each entity of a definition with an end: the last end's order, to split episodes.
    episodes: FxHashMap<(usize, String), u32>,
    /// For each definition: how many ends were seen.
    closed: FxHashMap<usize, u32>,
    /// Where occurrences of these words went.
    known: FxHashMap<Words, usize>,
}

impl Fold {
    /// The words of an occurrence of a definition; `hash` is that of pattern, captures and writer.
    pub(crate) fn words(&self, fact: usize, hash: u64) -> Words {
        Words {
            fact,
            closed: self.closed.get(&fact).copied().unwrap_or(0),
            hash,
        }
    }

    /// Adds one more occurrence of words that were seen before; `false`: they were not.
    pub(crate) fn again(&mut self, words: Words, seen: Seen, count: u64, line: &[u8]) -> bool {
        let Some(index) = self.known.get(&words).copied() else {
            return false;
        };
        self.repeat(index, std::iter::once(seen), count, Some(line));
        true
    }

    /// Adds one occurrence. With a `line`, that is its text, and `raw` has none yet. Later ones of the same `words` may be
    /// added by [`Fold::again`].
    pub(crate) fn add(
        &mut self,
        mut raw: RawFact,
        distinguishing: Vec<String>,
        line: Option<&[u8]>,
        limit: usize,
        words: Option<Words>,
    ) {
        let episode_key = (raw.fact, raw.entity.clone());
        let episode = self.episodes.get(&episode_key).copied().unwrap_or(0);
        if raw.closes {
            // A later opening line starts a new episode.
            self.episodes.insert(episode_key, episode.saturating_add(1));
            let closed = self.closed.entry(raw.fact).or_default();
            *closed = closed.saturating_add(1);
        }
        let mut distinguishing = distinguishing;
        distinguishing.push(episode.to_string());
        let key = (raw.fact, raw.closes, raw.entity.clone(), distinguishing);
        if self.known.len() >= KNOWN {
            self.known.clear();
        }
        if let Some(index) = self.index.get(&key).copied() {
            if let Some(words) = words {
                self.known.insert(words, index);
            }
            let lines = raw.first.into_iter().chain(raw.last);
            if self.repeat(index, lines, raw.count, line)
                && let Some(fact) = self.facts.get_mut(index)
            {
                for (k, v) in raw.keys {
                    fact.keys.entry(k).or_insert(v);
                }
            }
            return;
        }
        let of_kind = self.per_kind.entry(raw.fact).or_default();
        if *of_kind >= limit {
            let n = self.overflow.entry(raw.fact).or_default();
            *n = n.saturating_add(raw.count);
            return;
        }
        *of_kind += 1;
        self.index.insert(key, self.facts.len());
        if let Some(words) = words {
            self.known.insert(words, self.facts.len());
        }
        raw.first.iter_mut().for_each(|seen| seen.quote(line));
        self.facts.push(raw);
        self.last.push(Vec::new());
    }

    /// Adds lines to a fact; `false`: it has them already.
    fn repeat(
        &mut self,
        index: usize,
        lines: impl Iterator<Item = Seen>,
        count: u64,
        line: Option<&[u8]>,
    ) -> bool {
        let mut lines = lines.peekable();
        let (Some(fact), Some(last)) = (self.facts.get_mut(index), self.last.get_mut(index)) else {
            return false;
        };
        // Two patterns of one fact may match the same record.
        let latest = fact.last.as_ref().or(fact.first.last());
        if latest
            .zip(lines.peek())
            .is_some_and(|(a, b)| a.is_same_record(b, line.is_some()))
        {
            return false;
        }
        fact.count = fact.count.saturating_add(count);
        for mut seen in lines {
            if fact.first.len() < KEPT {
                seen.quote(line);
                fact.first.push(seen);
            } else {
                last.clear();
                if let Some(line) = line {
                    last.extend_from_slice(text::quotable(line));
                }
                fact.last = Some(seen);
            }
        }
        true
    }

    /// The facts, in order of their first line.
    pub(crate) fn finish(mut self) -> Vec<RawFact> {
        for (fact, line) in self.facts.iter_mut().zip(&self.last) {
            if let Some(seen) = &mut fact.last {
                seen.quote((!line.is_empty()).then_some(line.as_slice()));
            }
        }
        self.facts.sort_by(|a, b| {
            let at = |f: &RawFact| f.first.first().map_or((0, 0), |s| (s.offset, s.line));
            at(a)
                .cmp(&at(b))
                .then_with(|| a.fact.cmp(&b.fact))
                .then_with(|| a.entity.cmp(&b.entity))
        });
        self.facts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(offset: u64) -> Seen {
        Seen {
            offset,
            line: offset,
            time: None,
            ago: 0,
            text: String::new(),
        }
    }

    /// Adds an occurrence of a fact whose words have this number.
    fn add(fold: &mut Fold, n: u64, line: &[u8]) {
        let words = fold.words(0, n);
        if fold.again(words, seen(n), 1, line) {
            return;
        }
        let raw = RawFact {
            fact: 0,
            entity: String::from("node/n1"),
            keys: Keys::new(),
            component: Component::UNKNOWN,
            count: 1,
            first: vec![seen(n)],
            last: None,
            closes: false,
            state: false,
            began: None,
        };
        fold.add(raw, Vec::new(), Some(line), KINDS_LIMIT, Some(words));
    }

    #[test]
    fn words_are_learnt_however_many_came_before() {
        let mut fold = Fold::default();
        let many = KNOWN as u64 + 10;
        (0..many).for_each(|n| add(&mut fold, n, b"x"));
        let last = fold.words(0, many - 1);
        assert!(fold.again(last, seen(many), 1, b"x"));
        assert!(fold.known.len() <= KNOWN);
    }

    #[test]
    fn of_a_long_last_line_only_what_is_shown_is_kept() {
        let mut fold = Fold::default();
        let long = vec![b'x'; 1 << 16];
        (0..9).for_each(|n| add(&mut fold, n, &long));
        assert!(fold.last.iter().all(|l| l.len() < 2 * text::QUOTE_LIMIT));
        let facts = fold.finish();
        let last = facts[0].last.as_ref().map(|s| s.text.as_str());
        assert_eq!(last, Some(text::quote(&long).as_str()));
    }
}
