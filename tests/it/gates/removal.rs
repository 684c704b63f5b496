//! Without the lines that prove it, a verdict must weaken or move as declared, and the report must ask for them.

use kforensics::model::{Analysis, Confidence, Incident};

use super::{Row, gate};
use crate::support::archive::{self, Member};
use crate::support::fixture::{self, Expected, Fixture, Removal};
use crate::support::{run, verdict};

#[test]
fn evidence_removal() {
    let cases: Vec<(&Fixture, &Removal)> = fixture::incidents()
        .flat_map(|f| f.truth.removals.iter().map(move |r| (f, r)))
        .collect();
    gate("evidence removal", &cases, |(fixture, removal)| {
        let outcome = check(fixture, removal);
        Row {
            name: format!("{} − {}", fixture.id, removal.what),
            outcome,
            advisory: removal.advisory.clone(),
        }
    });
}

#[test]
fn every_incident_declares_what_happens_without_its_evidence() {
    for fixture in fixture::incidents() {
        assert!(
            !fixture.truth.removals.is_empty(),
            "{} declares no [[removal]]",
            fixture.id
        );
    }
}

fn check(fixture: &Fixture, removal: &Removal) -> Result<String, String> {
    let whole = archive::open(&fixture.bundle);
    let rest = without(&whole, removal);
    let analysis = run::members(&rest);
    let all = verdict::said(&analysis);
    let complain = |why: String| Err(format!("{why}\n{all}"));
    let expected = &fixture.truth.incidents[removal.incident];
    if let Some(kind) = invented(&analysis, fixture, removal) {
        return complain(format!("confidently another root: {kind}"));
    }
    let Some(incident) = about(&analysis, expected, removal) else {
        return if removal.silent {
            Ok(String::from("says nothing"))
        } else if let Some(first) = analysis.incidents.first() {
            complain(format!(
                "none of {} among the roots: {}",
                removal.root.join(", "),
                first.title
            ))
        } else {
            complain(String::from("says nothing any more"))
        };
    };
    let Some(root) = incident.roots.first() else {
        return complain(String::from("no root"));
    };
    if let Some(most) = &removal.at_most
        && root.confidence > verdict::confidence(most)
    {
        return complain(format!("still {} confidence", root.confidence.as_str()));
    }
    if removal.weaker {
        let before = run::paths(&[&fixture.bundle]);
        let score = verdict::among(expected, &before)
            .ok()
            .and_then(|at| before.incidents.get(at))
            .and_then(|i| i.roots.first())
            .map_or(0, |r| r.score);
        if root.score >= score {
            return complain(format!("no weaker: {} before, {} now", score, root.score));
        }
    }
    if let Some(ask) = &removal.ask
        && !incident
            .gaps
            .iter()
            .any(|g| ask.is_match(&format!("{}\n{}\n{}", g.what, g.why, g.command)))
    {
        let gaps: Vec<&str> = incident.gaps.iter().map(|g| g.what.as_str()).collect();
        return complain(format!(
            "does not ask for {ask}, but for [{}]",
            gaps.join("; ")
        ));
    }
    let kind = &verdict::fact(&analysis, root.fact).kind;
    Ok(format!(
        "{kind} ({}, {})",
        root.confidence.as_str(),
        root.score
    ))
}

/// The incident whose first root is one of those declared.
fn about<'a>(
    analysis: &'a Analysis,
    expected: &Expected,
    removal: &Removal,
) -> Option<&'a Incident> {
    let kinds = if removal.root.is_empty() {
        &expected.root
    } else {
        &removal.root
    };
    analysis.incidents.iter().find(|i| {
        i.roots
            .first()
            .is_some_and(|r| kinds.contains(&verdict::fact(analysis, r.fact).kind))
    })
}

/// A root of high confidence that is no part of what really happened: confidently wrong.
fn invented(analysis: &Analysis, fixture: &Fixture, removal: &Removal) -> Option<String> {
    let sure = analysis
        .incidents
        .iter()
        .filter_map(|i| i.roots.first())
        .filter(|r| r.confidence == Confidence::High);
    let known = |kind: &String| {
        let declared = |e: &Expected| e.root.contains(kind) || e.chain.contains(kind);
        removal.root.contains(kind) || fixture.truth.incidents.iter().any(declared)
    };
    sure.map(|r| &verdict::fact(analysis, r.fact).kind)
        .find(|k| !known(k))
        .cloned()
}

/// The bundle without these files or lines; fails when there is nothing to take away.
fn without(whole: &[Member], removal: &Removal) -> Vec<Member> {
    let mut taken = 0_usize;
    let mut rest = Vec::new();
    for member in whole {
        if !removal.files.is_match(&member.path) {
            rest.push(member.clone());
            continue;
        }
        let Some(lines) = &removal.lines else {
            taken += 1;
            continue;
        };
        let mut data = Vec::new();
        for line in member.data.split_inclusive(|b| *b == b'\n') {
            if lines.is_match(&String::from_utf8_lossy(line)) {
                taken += 1;
            } else {
                data.extend_from_slice(line);
            }
        }
        rest.push(Member {
            data,
            ..member.clone()
        });
    }
    assert!(taken > 0, "{}: there is nothing to take away", removal.what);
    rest
}
