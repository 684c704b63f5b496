//! The chain behind one thing: what is known about it, what led there, what followed.

use std::collections::BTreeSet;

use crate::base::text::printable;
use crate::model::incident::{Incident, Step};
use crate::model::{Entity, Fact, FactId};

use super::layout::{Ink, Look, Piece, Sheet};
use super::times::Calendar;
use super::view::{Report, moments};
use super::words::fill;

const INDENT: Piece<'static> = (Ink::Plain, "  ");
/// Similar names offered when nothing is known about the one asked for.
const SIMILAR: usize = 8;
/// Related things named.
const RELATED: usize = 12;

/// Short names of kinds, as kubectl takes them.
const SHORT: [(&str, &str); 14] = [
    ("ns", "namespace"),
    ("no", "node"),
    ("po", "pod"),
    ("svc", "service"),
    ("deploy", "deployment"),
    ("rs", "replicaset"),
    ("sts", "statefulset"),
    ("ds", "daemonset"),
    ("ep", "endpoints"),
    ("cm", "configmap"),
    ("pvc", "persistentvolumeclaim"),
    ("pv", "persistentvolume"),
    ("sa", "serviceaccount"),
    ("namespaces", "namespace"),
];

/// The entity that somebody means: short kinds and plurals are written out (`po/shop/web` is
/// `pod/shop/web`).
pub fn entity(text: &str) -> Entity {
    let Some((kind, name)) = text.split_once('/') else {
        return Entity::parse(text);
    };
    let kind = kind.to_ascii_lowercase();
    let long = SHORT.iter().find(|(s, _)| *s == kind).map(|(_, l)| *l);
    let kind = match (long, &*kind) {
        (Some(long), _) => long,
        // The only kind whose singular ends in `s`.
        (None, "endpoints") => "endpoints",
        (None, k) => k.strip_suffix('s').unwrap_or(k),
    };
    Entity::new(kind, name)
}

/// What the bundle says about `entity`, as text.
pub fn render(report: &Report<'_>, entity: &Entity, look: Look) -> String {
    let words = report.words();
    let mut sheet = Sheet::new(look);
    let about: Vec<(FactId, &Fact)> = (0..)
        .map(FactId)
        .zip(&report.analysis.facts)
        .filter(|(_, f)| speaks_about(f, entity))
        .collect();
    if about.is_empty() {
        nothing(&mut sheet, report, entity);
        return sheet.finish();
    }
    let mut told: BTreeSet<FactId> = BTreeSet::new();
    for incident in &report.analysis.incidents {
        part_of(
            &mut sheet,
            report,
            incident,
            &about,
            &mut told,
            look.verbose,
        );
    }
    let rest: Vec<Step> = about
        .iter()
        .filter(|(id, _)| !told.contains(id))
        .map(|(id, _)| Step {
            fact: *id,
            because: String::new(),
        })
        .collect();
    if !rest.is_empty() {
        let calendar = Calendar::over(report.steps(&rest).flat_map(|(_, f)| moments(f)));
        let head = fill(words.known_about, &[entity.as_str()]);
        let note = fill(words.aside, &[&calendar.heading(words)]);
        sheet.blank();
        sheet.line(&[(Ink::Bold, &head), (Ink::Dim, &note)]);
        super::text::put_chain(&mut sheet, report, &rest, &calendar, look.verbose);
        if told.is_empty() {
            sheet.flow(&[INDENT], &[INDENT], Ink::Plain, words.unexplained_here, 2);
        }
    }
    related(&mut sheet, report, entity);
    sheet.finish()
}

/// The entity itself, or a value of the fact that names it.
fn speaks_about(fact: &Fact, entity: &Entity) -> bool {
    fact.entity == *entity
        || fact
            .key(entity.kind())
            .is_some_and(|name| name == entity.name())
}

/// The chain of an incident up to the last step about the entity, then the titles of what followed.
fn part_of(
    sheet: &mut Sheet,
    report: &Report<'_>,
    incident: &Incident,
    about: &[(FactId, &Fact)],
    told: &mut BTreeSet<FactId>,
    verbose: bool,
) {
    let words = report.words();
    // Facts are in order of their ids.
    let concerns = |id: FactId| about.binary_search_by_key(&id, |(a, _)| *a).is_ok();
    let last = incident.chain.iter().rposition(|s| concerns(s.fact));
    let is_symptom = incident.symptoms.iter().any(|id| concerns(*id));
    // A symptom that the chain does not name has the whole chain behind it.
    let end = match last {
        Some(i) => i.saturating_add(1),
        None if is_symptom => incident.chain.len(),
        None => return,
    };
    let (before, after) = incident.chain.split_at(end.min(incident.chain.len()));
    sheet.blank();
    let head = fill(words.part_of, &[&incident.id, &incident.title]);
    sheet.flow(&[], &[INDENT], Ink::Bold, &head, 3);
    if let Some(root) = incident.roots.first() {
        let title = report
            .fact(root.fact)
            .map_or_else(String::new, |f| report.title_and_doubt(f));
        let text = fill(words.colon, &[words.root(root.confidence), &title]);
        sheet.flow(&[INDENT], &[INDENT], Ink::Plain, &text, 4);
    }
    let calendar = report.calendar(&incident.chain);
    let note = fill(words.aside, &[&calendar.heading(words)]);
    sheet.line(&[INDENT, (Ink::Bold, words.chain), (Ink::Dim, &note)]);
    super::text::put_chain(sheet, report, before, &calendar, verbose);
    told.extend(before.iter().map(|s| s.fact));
    told.extend(incident.symptoms.iter().filter(|id| concerns(**id)));
    let titles: Vec<String> = report
        .steps(after)
        .map(|(_, f)| report.title_and_doubt(f))
        .collect();
    if !titles.is_empty() {
        let text = fill(words.colon, &[words.leads_to, &titles.join(" → ")]);
        sheet.flow(&[INDENT], &[INDENT], Ink::Plain, &text, 8);
    }
}

fn related(sheet: &mut Sheet, report: &Report<'_>, entity: &Entity) {
    let words = report.words();
    let names: Vec<String> = report
        .analysis
        .topology
        .neighbours(entity)
        .take(RELATED)
        .map(|(e, place)| {
            let place = fill(words.aside, &[&report.place(place)]);
            format!("{e}{place}")
        })
        .collect();
    if !names.is_empty() {
        sheet.blank();
        sheet.line(&[(Ink::Bold, words.related)]);
        for name in names {
            sheet.flow(&[INDENT], &[INDENT], Ink::Plain, &name, 2);
        }
    }
}

fn nothing(sheet: &mut Sheet, report: &Report<'_>, entity: &Entity) {
    let words = report.words();
    let text = fill(words.nothing_about, &[entity.as_str()]);
    sheet.flow(&[], &[INDENT], Ink::Bold, &text, 3);
    related(sheet, report, entity);
    let wanted = entity.name().rsplit('/').next().unwrap_or("");
    let wanted = if wanted.is_empty() {
        entity.as_str()
    } else {
        wanted
    };
    let similar: BTreeSet<&Entity> = report
        .analysis
        .facts
        .iter()
        .map(|f| &f.entity)
        .filter(|e| e.as_str().contains(wanted) || e.kind() == entity.kind())
        .collect();
    // What has the name in it comes before what is only of the same kind.
    let mut similar: Vec<&Entity> = similar.into_iter().collect();
    similar.sort_by_key(|e| !e.as_str().contains(wanted));
    if !similar.is_empty() {
        let names: Vec<String> = similar
            .iter()
            .take(SIMILAR)
            .map(|e| printable(e.as_str().as_bytes()))
            .collect();
        let text = fill(words.colon, &[words.similar, &names.join(words.list)]);
        sheet.flow(&[INDENT], &[INDENT], Ink::Plain, &text, 4);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn case(text: &str, expected: &str) {
        assert_eq!(entity(text).as_str(), expected);
    }

    #[test]
    fn kinds_are_written_out() {
        case("namespace/tobedeletedb", "namespace/tobedeletedb");
        case("po/shop/web-1", "pod/shop/web-1");
        case("Nodes/n1", "node/n1");
        case("endpoints/a/b", "endpoints/a/b");
        case("n1", "n1");
    }
}
