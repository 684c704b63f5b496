//! A fact: one thing known about the cluster, and on which lines that rests.

use std::collections::BTreeMap;

use super::component::Component;
use super::entity::Entity;
use super::source::SourceId;
use super::waits::Ask;
use crate::base::time::{Instant, Stamp};

/// Where a line is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// In which source.
    pub source: SourceId,
    /// Byte offset of the line's start, after decompression.
    pub offset: u64,
    /// Line number, from 1.
    pub line: u64,
}

/// What a line says, kept so that no layer reads it twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Where.
    pub place: Place,
    /// What: printable, at most 1 KiB.
    pub text: String,
    /// When, if the line can be placed in time.
    pub time: Option<Stamp>,
}

/// Index of a fact within one analysis. Facts are numbered in (time, path, offset) order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FactId(pub u32);

/// How much harm a fact means by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Degrades something.
    Low,
    /// Breaks something for someone.
    Medium,
    /// Breaks a node, a namespace or a service.
    High,
    /// Breaks the cluster, or loses data.
    Critical,
}

impl Severity {
    /// The word for a report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The severity for a word.
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::Info,
            Self::Low,
            Self::Medium,
            Self::High,
            Self::Critical,
        ]
        .into_iter()
        .find(|s| s.as_str() == word)
    }
}

/// How a fact is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Basis {
    /// A line says so.
    Seen,
    /// It follows from other facts or from the coverage of sources; `by` names the inference.
    Inferred {
        /// Name of the inference.
        by: String,
    },
    /// A hypothesis: it would explain what is seen.
    Suspected,
}

impl Basis {
    /// The word for a report.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::Inferred { .. } => "inferred",
            Self::Suspected => "suspected",
        }
    }
}

/// Named values of a fact. A key that names an entity kind holds that entity's name (`pod` = `shop/web-1`).
pub type Keys = BTreeMap<String, String>;

/// When a fact held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Since when; `None`: it had begun before anything that is known.
    pub first: Option<Stamp>,
    /// Last sign of it; `None`: no time is known at all.
    pub last: Option<Stamp>,
    /// A later line says that it ended.
    pub closed: bool,
    /// A later state shows that it is over; since when is not known.
    pub over: bool,
}

impl Span {
    /// The best single moment for sorting: the beginning, else the last sign.
    pub fn moment(&self) -> Option<Instant> {
        self.first.or(self.last).map(|s| s.at)
    }
}

/// One thing known. Built only by [`Fact::seen`], [`Fact::inferred`] and [`Fact::suspected`], so that there
/// is no fact without a line or other facts under it.
#[derive(Clone, Debug)]
pub struct Fact {
    /// Catalogue id (`aggregated-api/api-group-unavailable`).
    pub kind: String,
    /// The thing it is about.
    pub entity: Entity,
    /// Values to join on and to show.
    pub keys: Keys,
    /// When.
    pub span: Span,
    /// How many lines say so.
    pub count: u64,
    /// Whose lines.
    pub component: Component,
    /// What would show why it is so, where the inference knows better than the catalogue.
    pub ask: Option<Ask>,
    /// How it is known.
    basis: Basis,
    evidence: Vec<Quote>,
    from: Vec<FactId>,
}

impl Fact {
    /// A fact that lines prove: the first, then others (at most a handful), in order.
    pub fn seen(kind: &str, entity: Entity, first: Quote, more: Vec<Quote>) -> Self {
        let mut evidence = vec![first];
        evidence.extend(more);
        Self::new(kind, entity, Basis::Seen, evidence, Vec::new())
    }

    /// A fact that follows from others. `evidence` are the lines the inference leans on, `from` the facts;
    /// at least one of both must be there, else `None`.
    pub fn inferred(
        kind: &str,
        entity: Entity,
        by: &str,
        evidence: Vec<Quote>,
        from: Vec<FactId>,
    ) -> Option<Self> {
        if evidence.is_empty() && from.is_empty() {
            return None;
        }
        Some(Self::new(
            kind,
            entity,
            Basis::Inferred { by: by.to_owned() },
            evidence,
            from,
        ))
    }

    /// A hypothesis that would explain the fact `effect`.
    pub fn suspected(kind: &str, entity: Entity, effect: FactId) -> Self {
        Self::new(kind, entity, Basis::Suspected, Vec::new(), vec![effect])
    }

    fn new(
        kind: &str,
        entity: Entity,
        basis: Basis,
        evidence: Vec<Quote>,
        from: Vec<FactId>,
    ) -> Self {
        Self {
            kind: kind.to_owned(),
            entity,
            keys: Keys::new(),
            span: Span::default(),
            count: 1,
            component: Component::UNKNOWN,
            ask: None,
            basis,
            evidence,
            from,
        }
    }

    /// How it is known.
    pub fn basis(&self) -> &Basis {
        &self.basis
    }

    /// The lines it rests on, in order.
    pub fn evidence(&self) -> &[Quote] {
        &self.evidence
    }

    /// The facts it rests on.
    pub fn from(&self) -> &[FactId] {
        &self.from
    }

    /// Adds a line of proof.
    pub fn add_evidence(&mut self, quote: Quote) {
        self.evidence.push(quote);
    }

    /// A hypothesis that gained a proven cause of its own, between two proven facts, is inferred.
    pub fn confirm(&mut self, by: &str, cause: FactId) {
        if self.basis == Basis::Suspected {
            self.basis = Basis::Inferred { by: by.to_owned() };
        }
        if !self.from.contains(&cause) {
            self.from.push(cause);
        }
    }

    /// Takes over what another fact about the same thing knows: its lines, its keys, its time.
    pub fn absorb(&mut self, other: &Self) {
        for quote in &other.evidence {
            if !self.evidence.iter().any(|q| q.place == quote.place) {
                self.evidence.push(quote.clone());
            }
        }
        for id in &other.from {
            if !self.from.contains(id) {
                self.from.push(*id);
            }
        }
        for (k, v) in &other.keys {
            self.keys.entry(k.clone()).or_insert_with(|| v.clone());
        }
        self.span.first = match (self.span.first, other.span.first) {
            (Some(a), Some(b)) => Some(if b.at < a.at { b } else { a }),
            (a, b) => a.or(b),
        };
        let later = matches!((self.span.last, other.span.last), (Some(a), Some(b)) if b.at > a.at);
        if later || self.span.last.is_none() {
            self.span.last = other.span.last;
            self.span.closed = other.span.closed;
        }
    }

    /// Follows a renumbering of the facts it rests on.
    pub fn renumber(&mut self, new: impl Fn(FactId) -> FactId) {
        for id in &mut self.from {
            *id = new(*id);
        }
    }

    /// A key's value.
    pub fn key(&self, name: &str) -> Option<&str> {
        self.keys.get(name).map(String::as_str)
    }
}
