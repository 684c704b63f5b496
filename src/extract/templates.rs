//! Error lines that no rule knows, brought to templates: what changes from line to line becomes `<*>`.

use rustc_hash::FxHashMap;

use super::fold::{Seen, keep};
use crate::model::{Component, Record};

/// Templates kept per source.
const TEMPLATES: usize = 400;
/// Error lines looked at per source: enough to rank, bounded for a log of nothing but errors.
const LINES: u64 = 100_000;
/// Words of a message that make its template.
const WORDS: usize = 24;
/// Lines kept of a template, besides the last.
const KEPT: usize = 2;

/// One template of one source.
#[derive(Clone, Debug)]
pub struct Template {
    /// The words.
    pub text: String,
    /// Who prints it.
    pub component: Component,
    /// How often.
    pub count: u64,
    /// First lines.
    pub first: Vec<Seen>,
    /// Last line.
    pub last: Option<Seen>,
}

impl Template {
    /// Takes in further lines of the same template.
    pub(super) fn absorb(&mut self, more: Self) {
        self.count = self.count.saturating_add(more.count);
        keep(
            KEPT,
            (&mut self.first, &mut self.last),
            (more.first, more.last),
        );
    }
}

/// The templates of one source.
#[derive(Debug, Default)]
pub(crate) struct Templates {
    map: FxHashMap<(Component, String), Template>,
    seen: u64,
}

impl Templates {
    /// Whether more lines are wanted.
    pub(crate) fn wants(&self) -> bool {
        self.seen < LINES
    }

    /// Adds one record.
    pub(crate) fn add(&mut self, record: &Record<'_>, component: &Component, seen: Seen) {
        self.seen += 1;
        let message = record.text.get(..record.message).unwrap_or(&record.text);
        let mut text = mask(message);
        if let Some(err) = record.field("err").or_else(|| record.field("error")) {
            text.push_str(": ");
            text.push_str(&mask(err.as_bytes()));
        }
        let key = (component.clone(), text);
        if let Some(t) = self.map.get_mut(&key) {
            t.count += 1;
            if t.first.len() < KEPT {
                t.first.push(seen);
            } else {
                t.last = Some(seen);
            }
        } else if self.map.len() < TEMPLATES {
            let text = key.1.clone();
            self.map.insert(
                key,
                Template {
                    text,
                    component: component.clone(),
                    count: 1,
                    first: vec![seen],
                    last: None,
                },
            );
        }
    }

    /// The templates, in order of first appearance.
    pub(crate) fn finish(self) -> Vec<Template> {
        let mut all: Vec<Template> = self.map.into_values().collect();
        all.sort_by(|a, b| {
            let at = |t: &Template| t.first.first().map_or(0, |s| s.offset);
            at(a).cmp(&at(b)).then_with(|| a.text.cmp(&b.text))
        });
        all
    }
}

/// Replaces words that hold a digit, a quote or a path by `<*>`; runs of them fold.
fn mask(message: &[u8]) -> String {
    let text = crate::base::text::printable(message.get(..512).unwrap_or(message));
    let mut out = String::new();
    let mut starred = false;
    for word in text.split_whitespace().take(WORDS) {
        let variable = word.bytes().any(|b| b.is_ascii_digit())
            || word.starts_with(['"', '\'', '/', '{', '[', '&'])
            || word.len() > 48;
        if variable && starred {
            continue;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(if variable { "<*>" } else { word });
        starred = variable;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::mask;

    #[test]
    fn variable_words_become_stars() {
        assert_eq!(
            mask(b"failed to sync pod \"ns/a-1\" after 3 tries"),
            "failed to sync pod <*> after <*> tries"
        );
        assert_eq!(mask(b"10.0.0.1 10.0.0.2 refused"), "<*> refused");
    }
}
