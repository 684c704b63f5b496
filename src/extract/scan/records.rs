//! Records that hold an anchor: found, parsed, matched.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memrchr};

use super::{Scan, newlines};
use crate::extract::edges::{RECORD_BYTES, RECORD_LINES};
use crate::extract::events::{event_in_log, may_be_event};
use crate::extract::fold::Seen;
use crate::extract::matcher::{Author, is_by, is_excepted, may_have_fields};
use crate::extract::preamble;
use crate::model::{Component, Record, Scope};
use crate::parse::log::{self, Ident};

impl<'c> Scan<'c> {
    /// Finds the anchors, and matches the records they lie in.
    pub(super) fn anchored(&mut self, region: &[u8]) {
        let (anchors, anchored) = self.catalog.log_anchors();
        self.claimed.clear();
        let mut hits = std::mem::take(&mut self.hits);
        hits.clear();
        let own = self.own.clone();
        anchors.find(region, |end, literal| {
            if own.contains(&end) {
                hits.push((end, literal));
            }
        });
        hits.sort_unstable();
        if own.start > 0 {
            self.claimed.push(0..own.start);
        }
        let mut cursor = (0usize, self.lines);
        let mut i = 0;
        while let Some((position, _)) = hits.get(i) {
            let bounds = record_around(region, *position);
            self.patterns.clear();
            while let Some((_, literal)) = hits.get(i).filter(|(p, _)| *p < bounds.end) {
                self.patterns
                    .extend(anchored.get(*literal).into_iter().flatten());
                i += 1;
            }
            self.patterns.sort_unstable();
            self.patterns.dedup();
            cursor.1 += newlines(region.get(cursor.0..bounds.start).unwrap_or_default());
            cursor.0 = bounds.start.max(cursor.0);
            let chunk = region.get(bounds.clone()).unwrap_or_default();
            let behind = region.get(bounds.end.saturating_add(1)..);
            let offset = self.offset.saturating_add(bounds.start as u64);
            if self.matched(chunk, behind.unwrap_or_default(), offset, cursor.1 + 1) {
                self.claimed.push(bounds);
            }
        }
        self.hits = hits;
        if own.end < region.len() {
            self.claimed.push(own.end..region.len());
        }
    }

    /// Parses one record and matches the patterns hit in it; `behind` is what follows it.
    pub(super) fn matched(&mut self, chunk: &[u8], behind: &[u8], offset: u64, line: u64) -> bool {
        let first_line = memchr(b'\n', chunk)
            .and_then(|end| chunk.get(..end))
            .unwrap_or(chunk);
        // Many anchors are ordinary words in the logs of other components: those lines are not parsed.
        let component = match log::ident(chunk) {
            Ident::Named(program) => Some(self.component(Some(&program))),
            Ident::Absent => Some(self.component(None)),
            Ident::Hidden => None,
        };
        if let Some(component) = component {
            let catalog = self.catalog;
            self.patterns.retain(|p| {
                catalog
                    .patterns()
                    .get(*p)
                    .is_some_and(|p| is_by(p, &component) && may_have_fields(p, chunk))
            });
        }
        self.patterns.retain(|p| {
            let pattern = self.catalog.patterns().get(*p);
            pattern.is_some_and(|p| !is_excepted(p, chunk))
        });
        if self.patterns.is_empty() && !may_be_event(chunk) {
            return false;
        }
        let next = memchr(b'\n', behind).unwrap_or(behind.len());
        let again = log::came_again(behind.get(..next).unwrap_or_default()).unwrap_or(0);
        let mut record = log::record(chunk);
        record.repeats = record.repeats.max(1).saturating_add(again);
        if self.year.is_none()
            && let Some(time) = record.time
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
        let patterns = std::mem::take(&mut self.patterns);
        let mut claimed =
            self.matcher
                .record(&patterns, &record, author, (&seen, chunk), &mut self.fold);
        if let Some(event) = event_in_log(&record, &seen, first_line) {
            claimed |= self
                .matcher
                .state(&event, &scope, seen.offset, &mut self.fold);
        }
        self.patterns = patterns;
        claimed
    }

    /// Who wrote this record: a journal or syslog names the program and the machine on each line.
    pub(super) fn author(&self, record: &Record<'_>) -> (Component, Cow<'c, Scope>) {
        let mut scope = Cow::Borrowed(self.scope);
        let component = self.component(record.ident.as_deref());
        if scope.node.is_none()
            && let Some(host) = &record.host
        {
            scope.to_mut().node = Some(host.to_string());
        }
        (component, scope)
    }

    /// The component of a line with this program name.
    fn component(&self, ident: Option<&str>) -> Component {
        ident
            .and_then(Component::of_program)
            .unwrap_or_else(|| self.scope.component.clone())
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
