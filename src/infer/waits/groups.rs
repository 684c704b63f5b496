//! Goroutines with equal stacks, at three levels of likeness.

use rustc_hash::FxHashMap;

use super::knowledge::Knowledge;
use super::stacks::{View, What};
use crate::model::DumpNote;
use crate::model::dump::{Dump, Symbol};
use crate::model::waits::{Group, Likeness, WaitReport};

/// Functions of a stack that are kept.
const FRAME_LIMIT: usize = 12;

/// The groups of a dump: what rests last, the others by count.
pub fn groups(dump: &Dump, likeness: Likeness) -> Vec<Group> {
    of_view(&View::new(dump, &Knowledge::builtin()), likeness)
}

/// Groups that a note keeps of what is not at rest, and of what is.
const NOTED: (usize, usize) = (50, 10);
/// Locks that a note keeps.
const LOCKS: usize = 50;
/// Dumps that an analysis keeps.
const DUMPS: usize = 200;

/// The dumps in short, as an analysis keeps them.
pub fn notes(dumps: &[Dump], report: &WaitReport) -> Vec<DumpNote> {
    report
        .dumps
        .iter()
        .take(DUMPS)
        .filter_map(|summary| {
            let dump = dumps.get(summary.dump)?;
            let (busy, idle): (Vec<&Group>, Vec<&Group>) =
                summary.groups.iter().partition(|g| !g.is_idle());
            let kept: Vec<Group> = busy
                .into_iter()
                .take(NOTED.0)
                .chain(idle.into_iter().take(NOTED.1))
                .cloned()
                .collect();
            let all = summary.groups.len().saturating_add(summary.groups_left_out);
            let left_out = all.saturating_sub(kept.len());
            let mut note = DumpNote::new(dump, summary, kept, &report.locks, LOCKS);
            note.groups_left_out = left_out;
            Some(note)
        })
        .collect()
}

pub(super) fn of_view(view: &View<'_>, likeness: Likeness) -> Vec<Group> {
    let mut out: Vec<Group> = Vec::new();
    match likeness {
        Likeness::Pointers => {
            out.extend(view.shapes.iter().filter_map(|s| group(view, &s.members)));
        }
        Likeness::Exact => {
            for shape in &view.shapes {
                let mut parts: FxHashMap<Vec<u8>, usize> = FxHashMap::default();
                let mut lists: Vec<Vec<u32>> = Vec::new();
                for &g in &shape.members {
                    let mut key = Vec::new();
                    for f in view.frames(g) {
                        key.extend_from_slice(view.dump.args_text(f));
                        key.push(b'\n');
                    }
                    let at = *parts.entry(key).or_insert_with(|| {
                        lists.push(Vec::new());
                        lists.len() - 1
                    });
                    if let Some(list) = lists.get_mut(at) {
                        list.push(g);
                    }
                }
                out.extend(lists.iter().filter_map(|l| group(view, l)));
            }
        }
        Likeness::Any => {
            let mut parts: FxHashMap<Vec<u32>, usize> = FxHashMap::default();
            let mut lists: Vec<Vec<u32>> = Vec::new();
            for shape in &view.shapes {
                let Some(&first) = shape.members.first() else {
                    continue;
                };
                let key: Vec<u32> = view
                    .frames(first)
                    .iter()
                    .filter_map(|f| view.dump.stacks.site(f.site))
                    .map(|s| s.function.0)
                    .collect();
                let at = *parts.entry(key).or_insert_with(|| {
                    lists.push(Vec::new());
                    lists.len() - 1
                });
                if let Some(list) = lists.get_mut(at) {
                    list.extend(&shape.members);
                }
            }
            out.extend(lists.iter().filter_map(|l| group(view, l)));
        }
    }
    out.sort_by_key(|g| (g.is_idle(), std::cmp::Reverse(g.count), g.place));
    out
}

fn group(view: &View<'_>, members: &[u32]) -> Option<Group> {
    let dump = view.dump;
    let member = members
        .iter()
        .copied()
        .max_by_key(|g| (view.minutes(*g), std::cmp::Reverse(*g)))?;
    let goroutine = view.goroutine(member)?;
    let waits = match view.what(member) {
        What::Idle => "idle",
        What::Running => "running",
        What::Lock { .. } => "lock",
        What::Join { .. } => "join",
        What::Signal { .. } => "signal",
        What::Call { .. } => "call",
        What::End { .. } => "outside",
        What::Other => "other",
    };
    Some(Group {
        count: members
            .iter()
            .filter_map(|g| view.goroutine(*g))
            .map(|g| u64::from(g.count))
            .sum(),
        state: dump.state(goroutine).to_owned(),
        minutes: goroutine.minutes,
        function: view.face(member),
        frames: dump
            .frames(goroutine)
            .iter()
            .filter_map(|f| view.role(f.site))
            .filter(|r| !r.plumbing)
            .take(FRAME_LIMIT)
            .map(|r| r.name.clone())
            .collect(),
        creator: dump.creator(goroutine).map(str::to_owned),
        waits,
        labels: labels(dump, members),
        ids: members
            .iter()
            .take(20)
            .filter_map(|g| view.goroutine(*g))
            .map(|g| g.id)
            .collect(),
        place: goroutine.place,
        member,
        decisive: view.decisive(member),
    })
}

/// The labels of some goroutines, most frequent first.
fn labels(dump: &Dump, members: &[u32]) -> Vec<(String, u64)> {
    const MOST: usize = 3;
    let mut found: FxHashMap<Symbol, u64> = FxHashMap::default();
    for g in members
        .iter()
        .filter_map(|g| dump.goroutines.get(*g as usize))
    {
        *found.entry(g.labels).or_default() += u64::from(g.count);
    }
    let mut out: Vec<(String, u64)> = found
        .into_iter()
        .map(|(s, n)| (dump.stacks.text(s).to_owned(), n))
        .filter(|(s, _)| !s.is_empty())
        .collect();
    out.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    out.truncate(MOST);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::read_dumps;
    use crate::model::Place;

    #[test]
    fn three_levels_of_likeness() {
        let text = "\
goroutine 1 [select, 2 minutes]:\nmain.f(0xc0001)\n\tx.go:1\n
goroutine 2 [select]:\nmain.f(0xc0002)\n\tx.go:1\n
goroutine 3 [select]:\nmain.f(0xc0002)\n\tx.go:1\n
goroutine 4 [chan receive]:\nmain.f(0xc0002)\n\tx.go:9\n";
        let dumps = read_dumps(text.as_bytes(), Place::default());
        let counts = |l| {
            groups(&dumps[0], l)
                .iter()
                .map(|g| g.count)
                .collect::<Vec<_>>()
        };
        assert_eq!(counts(Likeness::Exact), [2, 1, 1]);
        assert_eq!(counts(Likeness::Pointers), [3, 1]);
        assert_eq!(counts(Likeness::Any), [4]);
        let any = groups(&dumps[0], Likeness::Any).remove(0);
        assert_eq!(
            (any.minutes, any.ids.as_slice()),
            (Some(2), &[1, 2, 3, 4][..])
        );
    }
}
