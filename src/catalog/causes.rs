//! From the tables of a rule file to causes and exclusions: references, joins, sources, stories.

use std::collections::BTreeMap;
use std::ops::Range;

use super::definition::{Cause, Definition, Exclude, Join, KeyPath, Story, StoryFact, Strength};
use super::mistakes::Mistakes;
use super::need::Need;
use super::schema::{ExcludeTable, ExplainTable, Text};
use crate::base::time::{MINUTE, RawStamp, SECOND};
use crate::base::units::duration;

/// How long after a cause's last sign its effect may begin when a rule does not say.
const DEFAULT_WITHIN: i64 = 5 * MINUTE;

pub(super) fn cause(
    table: &ExplainTable,
    cause: usize,
    definitions: &[Definition],
    by_id: &BTreeMap<String, usize>,
    mistakes: &mut Mistakes<'_>,
) -> Option<Cause> {
    let effect = reference(table.effect.get_ref(), table.effect.span(), by_id, mistakes)?;
    let join = joins(table.join.get_ref(), table.join.span(), mistakes);
    let within = match &table.within {
        None => DEFAULT_WITHIN,
        Some(text) => duration(text.get_ref()).unwrap_or_else(|| {
            mistakes.add(text.span(), "not a duration", "such as 90s, 10m, 1h");
            DEFAULT_WITHIN
        }),
    };
    let strength = match table.strength.get_ref().as_str() {
        "certain" => Strength::Certain,
        "strong" => Strength::Strong,
        "weak" => Strength::Weak,
        _ => {
            mistakes.add(
                table.strength.span(),
                "unknown strength",
                "one of certain, strong, weak",
            );
            Strength::Weak
        }
    };
    bilingual(&table.why, table.effect.span(), mistakes);
    let needs = needs(&table.needs, mistakes);
    let family = definitions.get(cause).map_or("", Definition::family);
    let sides = [cause, effect].map(|i| (definitions.get(i).map_or("", |d| d.id.as_str()), i));
    let mut story = |lines: &[toml::Spanned<String>]| {
        let facts: Vec<StoryFact> = lines
            .iter()
            .filter_map(|l| story_fact(l, sides, family, by_id, mistakes))
            .collect();
        let at = lines
            .first()
            .map_or((0, 0), |l| (l.span().start, l.span().end));
        Story { facts, at }
    };
    let holds = (!table.holds.is_empty()).then(|| story(&table.holds));
    let not = table.not.iter().map(|lines| story(lines)).collect();
    Some(Cause {
        cause,
        effect,
        join,
        within,
        strength,
        why: table.why.clone(),
        share: table.share.clone(),
        needs,
        holds,
        not,
    })
}

/// Sources as they are written in `needs` and `collects`.
pub(super) fn needs(words: &[toml::Spanned<String>], mistakes: &mut Mistakes<'_>) -> Vec<Need> {
    let mut needs = Vec::new();
    for word in words {
        match Need::parse(word.get_ref()) {
            Some(need) => needs.push(need),
            None => mistakes.add(word.span(), "unknown source", Need::WORDS),
        }
    }
    needs
}

pub(super) fn exclude(
    table: &ExcludeTable,
    by_id: &BTreeMap<String, usize>,
    mistakes: &mut Mistakes<'_>,
) -> Option<Exclude> {
    let kind = reference(table.kind.get_ref(), table.kind.span(), by_id, mistakes)?;
    bilingual(&table.why, table.kind.span(), mistakes);
    Some(Exclude {
        kind,
        join: joins(table.join.get_ref(), table.join.span(), mistakes),
        why: table.why.clone(),
    })
}

fn bilingual(text: &Text, at: Range<usize>, mistakes: &mut Mistakes<'_>) {
    if text.en.trim().is_empty() || text.zh.trim().is_empty() {
        mistakes.add(
            at,
            "a text is missing in one language",
            "`why` needs en and zh",
        );
    }
}

fn reference(
    id: &str,
    at: Range<usize>,
    by_id: &BTreeMap<String, usize>,
    mistakes: &mut Mistakes<'_>,
) -> Option<usize> {
    if let Some(i) = by_id.get(id) {
        return Some(*i);
    }
    let near = by_id
        .keys()
        .min_by_key(|k| distance(k, id))
        .filter(|k| distance(k, id) <= 6);
    mistakes.add_with(
        at,
        format!("there is no fact `{id}`"),
        "unknown id",
        near.map(|n| format!("did you mean `{n}`?")),
    );
    None
}

/// Edit distance, for "did you mean".
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<u8> = b.bytes().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut previous = i;
        let mut left = i + 1;
        for (y, cell) in b.iter().zip(row.iter_mut().skip(1)) {
            let up = *cell;
            let value = (previous + usize::from(x != *y)).min(up + 1).min(left + 1);
            previous = up;
            left = value;
            *cell = value;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(usize::MAX)
}

fn joins(terms: &[String], at: Range<usize>, mistakes: &mut Mistakes<'_>) -> Vec<Join> {
    let mut out = Vec::new();
    for term in terms {
        if term == "cluster" {
            out.push(Join::Cluster);
            continue;
        }
        if let Some((key, values)) = term.split_once(" in ") {
            out.push(Join::OneOf {
                key: key.trim().to_owned(),
                values: values.split_whitespace().map(str::to_owned).collect(),
            });
            continue;
        }
        let (left, right) = term
            .split_once('=')
            .map_or((term.as_str(), term.as_str()), |(l, r)| {
                (l.trim(), r.trim())
            });
        match (key_path(left), key_path(right)) {
            (Some(cause), Some(effect)) => out.push(Join::Meet { cause, effect }),
            _ => mistakes.add(
                at.clone(),
                format!("`{term}` is not a join"),
                "`key`, `key = key.relation`, `key in value value` or `cluster`",
            ),
        }
    }
    if out.is_empty() {
        mistakes.add(
            at,
            "nothing joins the two facts",
            "name the keys that meet, or `cluster`",
        );
    }
    out
}

fn key_path(text: &str) -> Option<KeyPath> {
    let ok = |p: &&str| {
        !p.is_empty()
            && p.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    };
    let mut parts = text.split('.');
    let key = parts.next().filter(ok)?.to_owned();
    let walk: Vec<&str> = parts.collect();
    walk.iter().all(ok).then(|| KeyPath {
        key,
        walk: walk.into_iter().map(str::to_owned).collect(),
    })
}

/// `+40s discovery-incomplete apiservice=a`. A name without family is that of the cause, of the effect, of a fact of
/// this family, or the only one of that name.
fn story_fact(
    line: &toml::Spanned<String>,
    sides: [(&str, usize); 2],
    family: &str,
    by_id: &BTreeMap<String, usize>,
    mistakes: &mut Mistakes<'_>,
) -> Option<StoryFact> {
    let mut words = line.get_ref().split_whitespace();
    let at = words
        .next()
        .and_then(|w| w.strip_prefix('+'))
        .and_then(duration);
    let (Some(at), Some(id)) = (at, words.next()) else {
        mistakes.add(line.span(), "not a story line", "`+40s <id> key=value …`");
        return None;
    };
    let full = if id.contains('/') {
        id.to_owned()
    } else {
        format!("{family}/{id}")
    };
    let side = sides
        .iter()
        .find(|(known, _)| *known == id || known.split_once('/').is_some_and(|(_, n)| n == id));
    let fact = side
        .map(|(_, i)| *i)
        .or_else(|| by_id.get(&full).copied())
        .or_else(|| {
            let mut found = by_id
                .iter()
                .filter(|(k, _)| k.split_once('/').is_some_and(|(_, n)| n == id));
            match (found.next(), found.next()) {
                (Some((_, i)), None) => Some(*i),
                _ => None,
            }
        });
    let Some(fact) = fact else {
        mistakes.add(
            line.span(),
            format!("there is no fact `{id}`, or several"),
            "write family/name",
        );
        return None;
    };
    let mut keys = BTreeMap::new();
    for word in words {
        let Some((k, v)) = word.split_once('=') else {
            mistakes.add(line.span(), format!("`{word}` is not key=value"), "here");
            return None;
        };
        keys.insert(k.to_owned(), v.to_owned());
    }
    Some(StoryFact {
        fact,
        at: RawStamp::utc(at, SECOND),
        keys,
    })
}
