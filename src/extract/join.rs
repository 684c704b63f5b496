//! Joins what a rotation cut: the parts of a log become one log in effect.
//!
//! `kubelet.log.2.gz`, `kubelet.log.1`, `kubelet.log` are read apart, in any order, by several threads; each keeps back
//! what stands at its borders ([`super::edges`]). Here the parts are put in order, a record that a border cuts is put
//! together and read, a dump that goes on behind one is marked, the pause between two parts is measured, and lives of one
//! process become one. Places stay those of the files: a line is quoted from where it stands.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::edges::Edge;
use super::fold::{RawFact, Seen};
use super::observe::{Life, Observation};
use super::scan::{DumpText, PAUSE_MIN, Scan};
use super::templates::Template;
use super::turn::at_turn;
use crate::base::time::{DAY, RawStamp};
use crate::catalog::Catalog;
use crate::model::source::Pause;
use crate::model::{SourceKind, Status};
use crate::parse::log;

/// Readings without a year that fall by more than this have crossed a New Year.
const HALF_YEAR: i64 = 183 * DAY;

/// The parts of each log, oldest first, as positions; what is no log stands alone. Runs of a container (`0.log`, `1.log`)
/// are logs of their own: each is of another process.
pub(super) fn logs(observations: &[Observation]) -> Vec<Vec<usize>> {
    let is_log = |o: &Observation| matches!(o.source.kind, SourceKind::Log | SourceKind::Text);
    let mut groups: BTreeMap<(&str, i64), Vec<usize>> = BTreeMap::new();
    let mut out = Vec::new();
    for (i, o) in observations.iter().enumerate() {
        // A part may hold nothing but the middle of a dump.
        let may_be = is_log(o) || o.source.kind == SourceKind::Goroutines;
        if may_be && o.source.status != Status::Skipped {
            let key = (o.series.stem.as_str(), o.series.order.0);
            groups.entry(key).or_default().push(i);
        } else {
            out.push(vec![i]);
        }
    }
    for mut parts in groups.into_values() {
        let any = |of: &dyn Fn(&Observation) -> bool| {
            parts.iter().filter_map(|i| observations.get(*i)).any(of)
        };
        if !any(&is_log) {
            out.extend(parts.into_iter().map(|i| vec![i]));
            continue;
        }
        let place = |i: &usize| observations.get(*i).map(|o| o.series.order);
        parts.sort_by_key(place);
        // Two files in one place (`etcd.log` and `etcd.log.gz`) are copies of another time, not parts.
        let copies: Vec<usize> = parts
            .windows(2)
            .filter_map(|w| match w {
                [a, b] if place(a) == place(b) => Some(*b),
                _ => None,
            })
            .collect();
        parts.retain(|i| !copies.contains(i));
        out.extend(copies.into_iter().map(|i| vec![i]));
        by_time(observations, &mut parts);
        out.push(parts);
    }
    out.sort();
    out
}

/// Names tell the order; where the times of the parts deny it (numbers that count upwards), they decide.
fn by_time(observations: &[Observation], parts: &mut [usize]) {
    let times = |i: &usize| {
        let coverage = &observations.get(*i)?.source.coverage;
        coverage.first.zip(coverage.last)
    };
    let known: Vec<(RawStamp, RawStamp)> = parts.iter().filter_map(times).collect();
    let denied = known.windows(2).any(|w| match w {
        [(first, _), (_, last)] => after(*last, *first).is_some_and(|d| d < 0),
        _ => false,
    });
    let comparable = known.len() == parts.len()
        && known
            .windows(2)
            .all(|w| matches!(w, [(a, _), (b, _)] if after(*a, *b).is_some()));
    if denied && comparable {
        let begin = known.first().map(|(first, _)| *first);
        parts.sort_by_key(|i| {
            times(i)
                .zip(begin)
                .and_then(|((first, _), b)| after(b, first))
        });
    }
}

/// Nanoseconds from `a` to `b`, New Year or not; `None` when they cannot be compared.
fn after(b_from: RawStamp, b: RawStamp) -> Option<i64> {
    if std::mem::discriminant(&b_from) != std::mem::discriminant(&b) {
        return None;
    }
    let distance = at_turn(b, 0)
        .reading()
        .saturating_sub(at_turn(b_from, 0).reading());
    let yearless = matches!(b, RawStamp::Local { year: None, .. });
    Some(match distance {
        d if yearless && d < -HALF_YEAR => d.saturating_add(366 * DAY),
        d if yearless && d > HALF_YEAR => d.saturating_sub(366 * DAY),
        d => d,
    })
}

fn turn_of(stamp: RawStamp) -> u8 {
    match stamp {
        RawStamp::Local { turn, .. } => turn,
        _ => 0,
    }
}

/// [`turns`] of each log.
pub(super) fn turns_of(observations: &[Observation], logs: &[Vec<usize>]) -> Vec<Vec<u8>> {
    logs.iter()
        .map(|parts| turns(observations, parts))
        .collect()
}

/// How many New Years each part begins after the beginning of the log.
fn turns(observations: &[Observation], parts: &[usize]) -> Vec<u8> {
    let mut out = Vec::with_capacity(parts.len());
    // Only readings without a year count: the lines of a log that changes its format may tell theirs.
    let yearless = |stamp: &RawStamp| matches!(stamp, RawStamp::Local { year: None, .. });
    // The last reading so far, with the turns of the log before it.
    let mut before: Option<RawStamp> = None;
    for i in parts {
        let coverage = observations.get(*i).map(|o| &o.source.coverage);
        let (first, last) = coverage.map_or((None, None), |c| (c.first, c.last));
        let base = match (before, first.filter(yearless)) {
            (Some(b), Some(f)) => {
                let fell = at_turn(b, 0)
                    .reading()
                    .saturating_sub(at_turn(f, 0).reading());
                turn_of(b).saturating_add(u8::from(fell > HALF_YEAR))
            }
            (b, _) => b.map_or(0, turn_of),
        };
        out.push(base);
        before = last
            .filter(yearless)
            .map(|l| at_turn(l, base.saturating_add(turn_of(l))))
            .or(before);
    }
    out
}

/// Reads what the parts of one log kept back, each record where it begins, and ties the parts together.
pub(super) fn join(catalog: &Catalog, observations: &mut [Observation], parts: &[usize]) {
    let turns = turns(observations, parts);
    let mut before: Option<usize> = None;
    for (n, i) in parts.iter().enumerate() {
        let head = observations.get_mut(*i).and_then(|o| o.edges.head.take());
        if let Some(older) = before {
            pause(
                observations,
                (older, *i),
                turns.get(n.saturating_sub(1)..=n),
            );
            dump(observations, older, *i, head.as_ref());
        }
        let rest = match before {
            Some(older) => tail(catalog, observations, older, head),
            None => head,
        };
        if let (Some(rest), Some(own)) = (rest.filter(|e| e.held), observations.get_mut(*i)) {
            read(catalog, own, &rest);
        }
        if let Some(older) = before {
            complete(catalog, observations, older, *i);
        }
        before = Some(*i);
    }
    if let Some(last) = before.and_then(|i| observations.get_mut(i))
        && let Some(edge) = last.edges.tail.take()
    {
        read(catalog, last, &edge);
    }
    if parts.len() > 1 {
        name(observations, parts);
    }
}

/// Reads the last record of a part, with what goes on of it at the head of the next; gives back what of that head is
/// to be read as lines of their own.
fn tail(
    catalog: &Catalog,
    observations: &mut [Observation],
    older: usize,
    head: Option<Edge>,
) -> Option<Edge> {
    let own = observations.get_mut(older)?;
    let cut = own.edges.cut.is_some();
    let Some(mut edge) = own.edges.tail.take() else {
        return head;
    };
    let first = head
        .as_ref()
        .map(|h| h.text.split(|b| *b == b'\n').next().unwrap_or_default());
    match (first, head.as_ref()) {
        (Some(_), Some(h)) if cut => edge.text.extend_from_slice(&h.text),
        (Some(line), Some(h)) if log::continues(line) => {
            edge.text.push(b'\n');
            edge.text.extend_from_slice(&h.text);
        }
        (Some(line), Some(_)) if log::starts_record(line) => {
            read(catalog, own, &edge);
            return head;
        }
        (Some(line), Some(_)) => {
            // The rest of a line whose beginning was lost says nothing.
            let skip = line.len().saturating_add(1);
            read(catalog, own, &edge);
            return head.and_then(|h| without(h, skip));
        }
        _ if cut => {
            read_cut(catalog, own, &edge);
            return None;
        }
        _ => {}
    }
    read(catalog, own, &edge);
    None
}

/// The edge without its first bytes, which are one line.
fn without(mut edge: Edge, bytes: usize) -> Option<Edge> {
    let text = edge.text.get(bytes..)?.to_vec();
    edge.text = text;
    edge.line = edge.line.saturating_add(1);
    edge.offset = edge.offset.saturating_add(bytes as u64);
    Some(edge)
}

/// Reads lines that were kept back.
pub(super) fn read(catalog: &Catalog, own: &mut Observation, edge: &Edge) {
    let (facts, templates) = scan(catalog, own, edge, &edge.text);
    for fact in facts {
        add(catalog, &mut own.facts, fact);
    }
    for template in templates {
        add_template(&mut own.templates, template);
    }
}

/// Reads a line that the container runtime wrote in pieces, some of them before the border and some behind it. What a piece
/// says by itself has been read; the whole is where its first piece is.
fn complete(catalog: &Catalog, observations: &mut [Observation], older: usize, newer: usize) {
    let pieces = observations
        .get_mut(newer)
        .map(|o| std::mem::take(&mut o.edges.pieces))
        .unwrap_or_default();
    let Some(own) = observations.get_mut(older) else {
        return;
    };
    let first = pieces.split(|b| *b == b'\n').next().unwrap_or_default();
    let Some(mut edge) = own
        .edges
        .open
        .take()
        .filter(|e| !first.is_empty() && log::writer(first) == log::writer(&e.text))
    else {
        return;
    };
    edge.text.push(b'\n');
    edge.text.extend_from_slice(&pieces);
    let (mut whole, _) = scan(catalog, own, &edge, &edge.text);
    let is_whole = |s: &Seen| s.offset == edge.offset;
    whole.retain(|fact| fact.first.iter().any(is_whole));
    if let Some(rest) = observations.get_mut(newer) {
        let told = |f: &RawFact| whole.iter().any(|w| same(w, f));
        rest.facts.retain_mut(|f| {
            !told(f) || {
                let before = f.first.len();
                f.first.retain(|s| s.offset >= pieces.len() as u64);
                let gone = before.saturating_sub(f.first.len()) as u64;
                f.count = f.count.saturating_sub(gone);
                !f.first.is_empty()
            }
        });
    }
    let Some(own) = observations.get_mut(older) else {
        return;
    };
    for mut fact in whole {
        let known = |f: &RawFact| same(f, &fact) && f.first.iter().chain(&f.last).any(is_whole);
        if !own.facts.iter().any(known) {
            fact.first.retain(is_whole);
            (fact.last, fact.count) = (None, 1);
            add(catalog, &mut own.facts, fact);
        }
    }
}

/// Whether two facts are of one kind about one thing.
fn same(a: &RawFact, b: &RawFact) -> bool {
    a.fact == b.fact && a.entity == b.entity
}

/// Reads a record whose end is lost: only what it would say without its last word as well, which may be a part of one.
fn read_cut(catalog: &Catalog, own: &mut Observation, edge: &Edge) {
    let text = edge.text.as_slice();
    let end = text
        .iter()
        .rposition(u8::is_ascii_whitespace)
        .unwrap_or_default();
    let (sure, _) = scan(catalog, own, edge, text.get(..end).unwrap_or_default());
    let (facts, _) = scan(catalog, own, edge, text);
    for fact in facts {
        if sure
            .iter()
            .any(|s| s.fact == fact.fact && s.entity == fact.entity && s.keys == fact.keys)
        {
            add(catalog, &mut own.facts, fact);
        }
    }
}

fn scan(
    catalog: &Catalog,
    own: &Observation,
    edge: &Edge,
    text: &[u8],
) -> (Vec<RawFact>, Vec<Template>) {
    let scanned = Scan::new(catalog, &own.source.scope)
        .from(edge)
        .run(text.to_vec(), &mut std::io::empty());
    (scanned.fold.finish(), scanned.templates.finish())
}

/// Adds a fact to those of its file, as if its line had been read in its turn.
fn add(catalog: &Catalog, facts: &mut Vec<RawFact>, more: RawFact) {
    let told_apart = catalog
        .at(more.fact)
        .map(|d| d.keys.as_slice())
        .unwrap_or_default();
    let same = |f: &RawFact| f.fact == more.fact && f.entity == more.entity;
    // Which stretch an end belongs to is decided by the times.
    let ends = facts.iter().any(|f| same(f) && f.closes) || more.closes;
    let home = facts
        .iter_mut()
        .find(|f| same(f) && told_apart.iter().all(|k| f.keys.get(k) == more.keys.get(k)));
    match home.filter(|_| !ends) {
        Some(home) => home.absorb(more),
        None => facts.push(more),
    }
}

fn add_template(templates: &mut Vec<Template>, more: Template) {
    let home = templates
        .iter_mut()
        .find(|t| t.component == more.component && t.text == more.text);
    match home {
        Some(home) => home.absorb(more),
        None => templates.push(more),
    }
}

/// The silence between the last line of a part and the first of the next is a pause as any other.
fn pause(observations: &mut [Observation], (older, newer): (usize, usize), turns: Option<&[u8]>) {
    let Some(to) = observations
        .get(newer)
        .and_then(|o| o.source.coverage.first)
    else {
        return;
    };
    let crossed = match turns {
        Some([a, b]) => b.saturating_sub(*a),
        _ => 0,
    };
    let Some(own) = observations.get_mut(older) else {
        return;
    };
    let coverage = &mut own.source.coverage;
    let Some(from) = coverage.last else { return };
    if after(from, to).is_some_and(|d| d >= PAUSE_MIN) {
        coverage.pauses.push(Pause {
            from,
            to: at_turn(to, crossed),
            line: coverage.lines,
            offset: own.edges.tail.as_ref().map_or(0, |t| t.offset),
        });
        coverage
            .pauses
            .sort_by_key(|p| Reverse(after(p.from, p.to)));
    }
}

/// Marks the text of a dump that goes on behind a border, and completes it with what stands before its next header.
fn dump(observations: &mut [Observation], older: usize, newer: usize, head: Option<&Edge>) {
    let begins = observations
        .get(newer)
        .and_then(|o| o.dumps.first())
        .map(|d| (d.offset, d.time));
    let Some(own) = observations.get_mut(older).filter(|o| o.edges.in_dump) else {
        return;
    };
    let at_once = begins.is_some_and(|(offset, _)| offset == 0);
    if head.is_none() && !at_once {
        return;
    }
    // A line that the border cuts is read from the part that has its end.
    let mut text = own.edges.cut.clone().unwrap_or_default();
    if let Some(last) = own.dumps.last_mut() {
        let end = memchr::memrchr(b'\n', &last.text).map_or(0, |p| p.saturating_add(1));
        last.text.truncate(end);
    }
    let Some(own) = observations.get_mut(newer) else {
        return;
    };
    if let Some(first) = own.dumps.first_mut().filter(|_| at_once) {
        text.append(&mut first.text);
        first.text = text;
        first.continues = true;
        return;
    }
    let end = begins
        .and_then(|(offset, _)| usize::try_from(offset).ok())
        .unwrap_or(usize::MAX);
    let lead = head.map(|h| h.text.as_slice()).unwrap_or_default();
    text.extend_from_slice(lead.get(..end.min(lead.len())).unwrap_or_default());
    text.push(b'\n');
    own.dumps.insert(
        0,
        DumpText {
            text,
            line: 1,
            offset: 0,
            time: begins.and_then(|(_, time)| time),
            continues: true,
        },
    );
}

/// Reads what a source kept back that is part of no log.
pub fn settle(catalog: &Catalog, observation: &mut Observation) {
    join(catalog, std::slice::from_mut(observation), &[0]);
}

/// Lives of one process over all parts of a log, each with the New Years before it: the pid tells.
pub(super) fn lives(parts: impl Iterator<Item = (usize, u8, Vec<Life>)>) -> Vec<(usize, Life)> {
    let mut out: Vec<(usize, u8, Life)> = Vec::new();
    for (part, turn, lives) in parts {
        for life in lives {
            match out.iter_mut().rev().find(|(.., l)| l.pid == life.pid) {
                // Its times are resolved with the clock of the part in which it begins.
                Some((_, begun, known)) => {
                    let crossed = turn.saturating_sub(*begun);
                    let last = life
                        .last
                        .map(|t| at_turn(t, crossed.saturating_add(turn_of(t))));
                    known.last = last.or(known.last);
                }
                None => out.push((part, turn, life)),
            }
        }
    }
    out.into_iter()
        .map(|(part, _, life)| (part, life))
        .collect()
}

/// Says of each part which it is; what one part knows of its writer, all know.
fn name(observations: &mut [Observation], parts: &[usize]) {
    let component = parts
        .iter()
        .filter_map(|i| observations.get(*i))
        .map(|o| &o.source.scope.component)
        .find(|c| !c.is_unknown())
        .cloned();
    for (n, i) in parts.iter().enumerate() {
        let Some(own) = observations.get_mut(*i) else {
            continue;
        };
        if own.source.scope.component.is_unknown()
            && let Some(component) = &component
        {
            own.source.scope.component = component.clone();
        }
        let part = format!(
            "; part {} of {} of one log",
            n.saturating_add(1),
            parts.len()
        );
        own.source.why.push_str(&part);
    }
}
