//! Records that hold an anchor: found, parsed, matched.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memrchr};

use super::blocks::Looks;
use super::{Scan, newlines};
use crate::base::time::RawStamp;
use crate::catalog::Catalog;
use crate::extract::edges::{RECORD_BYTES, RECORD_LINES};
use crate::extract::events::{event_in_log, may_be_event};
use crate::extract::fold::Seen;
use crate::extract::matcher::{Author, is_by, is_excepted, may_have_fields};
use crate::extract::preamble;
use crate::model::{Component, Record, Scope};
use crate::parse::log::{self, Ident};

/// A record that holds anchors of its component's patterns.
#[derive(Debug)]
pub(super) struct Candidate {
    bounds: Range<usize>,
    /// Lines of the block before it.
    before: u64,
    /// Its patterns, in the list beside it.
    patterns: Range<usize>,
}

/// The records around `hits`, without those that nobody wants; their patterns are added to `patterns`.
pub(super) fn candidates(
    catalog: &Catalog,
    scope: &Scope,
    region: &[u8],
    hits: &[(usize, usize)],
    patterns: &mut Vec<usize>,
) -> Vec<Candidate> {
    let (_, anchored) = catalog.log_anchors();
    let mut out = Vec::new();
    let mut wanted = Vec::new();
    let mut cursor = (0_usize, 0_u64);
    let mut hits = hits.iter().peekable();
    while let Some((position, _)) = hits.peek() {
        let bounds = record_around(region, *position);
        wanted.clear();
        while let Some((_, literal)) = hits.next_if(|(p, _)| *p < bounds.end) {
            wanted.extend(anchored.get(*literal).into_iter().flatten());
        }
        cursor.1 += newlines(region.get(cursor.0..bounds.start).unwrap_or_default());
        cursor.0 = bounds.start.max(cursor.0);
        let chunk = region.get(bounds.clone()).unwrap_or_default();
        narrow(catalog, scope, chunk, &mut wanted);
        if !wanted.is_empty() || may_be_event(chunk) {
            let first = patterns.len();
            patterns.append(&mut wanted);
            out.push(Candidate {
                bounds,
                before: cursor.1,
                patterns: first..patterns.len(),
            });
        }
    }
    out
}

/// Leaves the patterns that a record may show. Many anchors are ordinary words in the logs of other components.
fn narrow(catalog: &Catalog, scope: &Scope, chunk: &[u8], patterns: &mut Vec<usize>) {
    patterns.sort_unstable();
    patterns.dedup();
    let component = match log::ident(chunk) {
        Ident::Named(program) => Some(component(scope, Some(&program))),
        Ident::Absent => Some(scope.component.clone()),
        Ident::Hidden => None,
    };
    patterns.retain(|p| {
        catalog.patterns().get(*p).is_some_and(|p| {
            component
                .as_ref()
                .is_none_or(|c| is_by(p, c) && may_have_fields(p, chunk))
                && !is_excepted(p, chunk)
        })
    });
}

/// The component of a line with this program name.
fn component(scope: &Scope, ident: Option<&str>) -> Component {
    ident
        .and_then(Component::of_program)
        .unwrap_or_else(|| scope.component.clone())
}

impl<'c> Scan<'c> {
    /// Matches the records that anchors lie in.
    pub(super) fn anchored(&mut self, region: &[u8], looks: &Looks) {
        self.claimed.clear();
        let own = self.own.clone();
        if own == (0..region.len()) {
            self.try_each(region, &looks.candidates, &looks.patterns);
            return;
        }
        // What is kept back at the borders of the file is left out.
        if own.start > 0 {
            self.claimed.push(0..own.start);
        }
        let from = looks.hits.partition_point(|(end, _)| *end < own.start);
        let to = looks.hits.partition_point(|(end, _)| *end < own.end);
        let hits = looks.hits.get(from..to).unwrap_or_default();
        let mut patterns = Vec::new();
        let candidates = candidates(self.catalog, self.scope, region, hits, &mut patterns);
        self.try_each(region, &candidates, &patterns);
        if own.end < region.len() {
            self.claimed.push(own.end..region.len());
        }
    }

    fn try_each(&mut self, region: &[u8], candidates: &[Candidate], patterns: &[usize]) {
        for candidate in candidates {
            let bounds = candidate.bounds.clone();
            let chunk = region.get(bounds.clone()).unwrap_or_default();
            let behind = region.get(bounds.end.saturating_add(1)..);
            let offset = self.offset.saturating_add(bounds.start as u64);
            let line = self
                .lines
                .saturating_add(candidate.before)
                .saturating_add(1);
            let patterns = patterns.get(candidate.patterns.clone());
            let patterns = patterns.unwrap_or_default();
            if self.matched(chunk, patterns, behind.unwrap_or_default(), (offset, line)) {
                self.claimed.push(bounds);
            }
        }
    }

    /// Looks for anchors in a line that was put together, which began at this offset and line.
    pub(super) fn joined(&mut self, whole: &[u8], place: (u64, u64)) {
        let (anchors, anchored) = self.catalog.log_anchors();
        let mut patterns = Vec::new();
        anchors.find(whole, |_, literal| {
            patterns.extend(anchored.get(literal).into_iter().flatten());
        });
        narrow(self.catalog, self.scope, whole, &mut patterns);
        if !patterns.is_empty() || may_be_event(whole) {
            self.matched(whole, &patterns, &[], place);
        }
    }

    /// Parses one record and matches patterns in it; `behind` is what follows it.
    fn matched(
        &mut self,
        chunk: &[u8],
        patterns: &[usize],
        behind: &[u8],
        (offset, line): (u64, u64),
    ) -> bool {
        let first_line = memchr(b'\n', chunk)
            .and_then(|end| chunk.get(..end))
            .unwrap_or(chunk);
        let next = memchr(b'\n', behind).unwrap_or(behind.len());
        let again = log::came_again(behind.get(..next).unwrap_or_default()).unwrap_or(0);
        let mut record = log::record(chunk);
        record.repeats = record.repeats.max(1).saturating_add(again);
        if let Some(time) = record.time
            && self.wants_now(time)
            && let Some((year, zone)) = preamble::now(&record.text, time)
        {
            self.year = Some(year - i32::from(self.turn.count));
            self.saw_zone(zone);
        }
        let seen = Seen {
            offset,
            line,
            time: record.time.map(|t| self.turn.mark(t, false)).or(self
                .previous
                .map(|(t, ..)| t)
                .filter(|_| record.time.is_none())),
            ago: 0,
            text: String::new(),
        };
        let (component, scope) = self.author(&record);
        let author = Author {
            component: &component,
            scope: &scope,
        };
        let mut claimed =
            self.matcher
                .record(patterns, &record, author, (&seen, chunk), &mut self.fold);
        if let Some(event) = event_in_log(&record, &seen, first_line) {
            claimed |= self
                .matcher
                .state(&event, &scope, seen.offset, &mut self.fold);
        }
        claimed
    }

    /// Whether a time in a message may tell something new: the year, or, where the lines have it, the zone.
    fn wants_now(&self, time: RawStamp) -> bool {
        self.year.is_none() && (!matches!(time, RawStamp::Utc { .. }) || self.zones.is_empty())
    }

    /// Who wrote this record: a journal or syslog names the program and the machine on each line.
    pub(super) fn author(&self, record: &Record<'_>) -> (Component, Cow<'c, Scope>) {
        let mut scope = Cow::Borrowed(self.scope);
        let component = component(self.scope, record.ident.as_deref());
        if scope.node.is_none()
            && let Some(host) = &record.host
        {
            scope.to_mut().node = Some(host.to_string());
        }
        (component, scope)
    }
}

/// The lines of the record around a byte.
fn record_around(region: &[u8], position: usize) -> Range<usize> {
    let line_start =
        memrchr(b'\n', region.get(..position).unwrap_or_default()).map_or(0, |p| p + 1);
    let line_end = |from: usize| {
        memchr(b'\n', region.get(from..).unwrap_or_default()).map_or(region.len(), |n| from + n)
    };
    let mut start = line_start;
    for _ in 0..RECORD_LINES {
        if log::starts_record(region.get(start..line_end(start)).unwrap_or_default()) {
            break;
        }
        if start == 0 || line_start - start > RECORD_BYTES {
            // No beginning in reach: the line stands for itself.
            start = line_start;
            break;
        }
        start = memrchr(b'\n', region.get(..start - 1).unwrap_or_default()).map_or(0, |p| p + 1);
    }
    let mut end = line_end(line_start.max(start));
    for _ in 0..RECORD_LINES {
        if end >= region.len() || end - start > RECORD_BYTES {
            break;
        }
        let next_end = line_end(end + 1);
        if end + 1 >= region.len()
            || log::starts_record(region.get(end + 1..next_end).unwrap_or_default())
        {
            break;
        }
        end = next_end;
    }
    start..end.max(position + 1).min(region.len())
}
