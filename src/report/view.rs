//! An analysis as the writers of all formats look at it: ids resolved, times and places in words.

use std::collections::BTreeSet;

use crate::base::lang::Lang;
use crate::base::text::printable;
use crate::base::time::{Instant, Stamp, StampBasis};
use crate::base::units::human_duration;
use crate::model::incident::{Incident, Step};
use crate::model::{Analysis, Basis, Fact, FactId, Place, Quote, Severity};

use super::names::Names;
use super::times::Calendar;
use super::words::{Words, fill};

/// What a report is made from.
#[derive(Clone, Copy)]
pub struct Report<'a> {
    /// The result of the run.
    pub analysis: &'a Analysis,
    /// Titles and severities.
    pub names: &'a dyn Names,
    /// Language of the fixed words and of the titles.
    pub lang: Lang,
    /// Incidents below it are left out.
    pub least: Severity,
}

impl<'a> Report<'a> {
    /// A report with everything in it.
    pub fn new(analysis: &'a Analysis, names: &'a dyn Names, lang: Lang) -> Self {
        Self {
            analysis,
            names,
            lang,
            least: Severity::Info,
        }
    }

    /// The incidents to show.
    pub fn incidents(&self) -> impl Iterator<Item = &'a Incident> + use<'a> {
        let least = self.least;
        self.analysis
            .incidents
            .iter()
            .filter(move |i| i.severity >= least)
    }

    /// The incidents left out because they are too harmless.
    pub(crate) fn left_out(&self) -> usize {
        let shown = self.incidents().count();
        self.analysis.incidents.len().saturating_sub(shown)
    }

    pub(crate) fn words(&self) -> &'static Words {
        Words::of(self.lang)
    }

    pub(crate) fn fact(&self, id: FactId) -> Option<&'a Fact> {
        self.analysis.facts.get(usize::try_from(id.0).ok()?)
    }

    pub(crate) fn title(&self, fact: &Fact) -> String {
        self.names.title(fact, self.lang)
    }

    /// The title of a fact by its id, or the id where the analysis lacks it.
    pub(crate) fn title_of(&self, id: FactId) -> String {
        self.fact(id)
            .map_or_else(|| format!("fact {}", id.0), |f| self.title(f))
    }

    /// The path of a place's source, printable.
    pub(crate) fn path(&self, place: Place) -> String {
        usize::try_from(place.source.0)
            .ok()
            .and_then(|i| self.analysis.sources.get(i))
            .map_or_else(
                || String::from("?"),
                |source| printable(source.path.as_bytes()),
            )
    }

    /// `path:line`.
    pub(crate) fn place(&self, place: Place) -> String {
        format!("{}:{}", self.path(place), place.line)
    }

    /// The facts of a chain with their steps, without those the analysis lacks.
    pub(crate) fn steps(
        &self,
        steps: &'a [Step],
    ) -> impl Iterator<Item = (&'a Step, &'a Fact)> + use<'a> {
        let report = *self;
        steps
            .iter()
            .filter_map(move |s| Some((s, report.fact(s.fact)?)))
    }

    /// The calendar for the steps of a chain.
    pub(crate) fn calendar(&self, steps: &'a [Step]) -> Calendar {
        Calendar::over(self.steps(steps).flat_map(|(_, f)| moments(f)))
    }

    /// What somebody noticed: the main symptom, and how many more there are.
    pub(crate) fn noticed(&self, incident: &Incident) -> String {
        let Some(main) = incident.symptoms.first().and_then(|id| self.fact(*id)) else {
            return incident.title.clone();
        };
        let title = self.title(main);
        let words = self.words();
        match incident.symptoms.len().saturating_sub(1) {
            0 => title,
            1 => fill(words.one_more_symptom, &[&title]),
            n => fill(words.more_symptoms, &[&title, &n.to_string()]),
        }
    }

    /// How long the main symptom lasted, when a line says that it ended.
    pub(crate) fn over_after(&self, incident: &Incident) -> Option<String> {
        let span = self.fact(*incident.symptoms.first()?)?.span;
        let lasted = span.last?.at.since(span.first?.at);
        (span.closed && lasted > 0).then(|| human_duration(lasted))
    }

    /// Symptoms that are not steps of the chain.
    pub(crate) fn also_affected(&self, incident: &Incident) -> Vec<&'a Fact> {
        let steps: BTreeSet<FactId> = incident.chain.iter().map(|s| s.fact).collect();
        incident
            .symptoms
            .iter()
            .filter(|id| !steps.contains(id))
            .filter_map(|id| self.fact(*id))
            .collect()
    }

    /// `inferred` or `suspected` in words; nothing for what is seen.
    pub(crate) fn doubt(&self, fact: &Fact) -> Option<&'static str> {
        match fact.basis() {
            Basis::Seen => None,
            Basis::Inferred { .. } => Some(self.words().inferred),
            Basis::Suspected => Some(self.words().suspected),
        }
    }

    /// The title of a fact with ` (inferred)` behind it where no line shows it.
    pub(crate) fn title_and_doubt(&self, fact: &Fact) -> String {
        let title = self.title(fact);
        match self.doubt(fact) {
            Some(doubt) => format!("{title}{}", fill(self.words().aside, &[doubt])),
            None => title,
        }
    }

    /// When a fact began, as a column.
    pub(crate) fn when(&self, fact: &Fact, calendar: &Calendar) -> String {
        let words = self.words();
        match (fact.span.first, fact.span.last) {
            (Some(first), _) => calendar.show(first),
            (None, Some(last)) => fill(words.by, &[&calendar.show(last)]),
            (None, None) => String::from(words.no_time),
        }
    }

    /// How often and how long a fact was seen; nothing for a single line.
    pub(crate) fn how_often(&self, fact: &Fact, calendar: &Calendar) -> Option<String> {
        let words = self.words();
        let first = fact.span.first.map(|s| calendar.show(s));
        let last = fact.span.last.map(|s| calendar.show(s));
        let count = group(fact.count);
        match (fact.count, first, last) {
            (2.., Some(a), Some(b)) if a == b => Some(fill(words.times_at, &[&count, &a])),
            (2.., Some(a), Some(b)) => Some(fill(words.times_between, &[&count, &a, &b])),
            (2.., _, _) => Some(fill(words.times, &[&count])),
            (_, Some(a), Some(b)) if a == b => None,
            (_, Some(_), Some(b)) if fact.span.closed => Some(fill(words.ended_at, &[&b])),
            (_, Some(a), Some(b)) => Some(fill(words.lasted, &[&a, &b])),
            _ => None,
        }
    }

    /// What a fact without a line of its own rests on, or what it would explain.
    pub(crate) fn rests_on(&self, fact: &Fact) -> Option<String> {
        if !fact.evidence().is_empty() || fact.from().is_empty() {
            return None;
        }
        let words = self.words();
        let titles: Vec<String> = fact.from().iter().map(|id| self.title_of(*id)).collect();
        let template = match fact.basis() {
            Basis::Suspected => words.would_explain,
            _ => words.follows_from,
        };
        Some(fill(template, &[&titles.join(words.semicolon)]))
    }
}

/// Every moment a fact names.
pub(crate) fn moments(fact: &Fact) -> impl Iterator<Item = Instant> + use<> {
    [fact.span.first, fact.span.last]
        .into_iter()
        .flatten()
        .map(|s| s.at)
}

/// Whether a time of the fact is rough, or rests on a guessed clock.
pub(crate) fn is_guessed(fact: &Fact) -> bool {
    let guessed =
        |s: Option<Stamp>| s.is_some_and(|s| s.basis == StampBasis::Guessed || s.is_rough());
    guessed(fact.span.first) || guessed(fact.span.last)
}

/// A line of proof as it is shown: without blanks around it.
pub(crate) fn said(quote: &Quote) -> &str {
    quote.text.trim()
}

/// A number with its thousands apart: `93,211`.
pub(crate) fn group(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands() {
        assert_eq!(group(7), "7");
        assert_eq!(group(1234), "1,234");
        assert_eq!(group(450_000), "450,000");
        assert_eq!(group(1_234_567), "1,234,567");
    }
}
