//! Certificates that were issued together expire together: one cause, however many services refuse each other.
//!
//! `kubeadm init` makes the serving certificates of API server and etcd and every client certificate within seconds,
//! each valid for a year; a year later all of them run out within the same seconds. Each error names one. What counts
//! is the end of validity, to minutes, of certificates and of the errors that name one; for certificates the beginning
//! as well. Authorities are not counted: one that expires with what it signed is the cause by itself.

use std::collections::{BTreeMap, BTreeSet};

use super::Task;
use super::certificate::{certificates, expired, instant, issuer, judged_at, subject};
use super::support::{quote, some, value};
use crate::base::time::{Instant, MINUTE, SECOND, Stamp};
use crate::model::{Component, Fact, FactId, Keys, Quote};

/// One end of validity: of a certificate, or named by an error.
struct End<'a> {
    at: Instant,
    /// As it is printed: errors and certificates are joined by it.
    text: &'a str,
    began: Option<Instant>,
    /// The subject, or in which role it is refused.
    who: &'a str,
    /// Who signed it, and the identifier of its key, where that is told.
    issuer: &'a str,
    key: Option<&'a str>,
    /// A certificate, not an error.
    certificate: bool,
    quote: Quote,
    fact: Option<FactId>,
}

pub(super) fn infer(task: &Task<'_>) -> Vec<Fact> {
    let within = task.time("within").unwrap_or(10 * MINUTE);
    let mut ends = ends(task);
    ends.sort_by(|a, b| (a.at, a.text, a.who).cmp(&(b.at, b.text, b.who)));
    let mut facts = Vec::new();
    let mut rest = ends.as_slice();
    while let Some(first) = rest.first() {
        let size = rest
            .iter()
            .take_while(|e| e.at.since(first.at) <= within)
            .count();
        let (group, after) = rest.split_at(size.max(1));
        for group in by_beginning(group, within) {
            facts.extend(together(task, &group));
        }
        rest = after;
    }
    facts
}

/// The ends of validity that are past: of certificates that are no authority, and of errors.
fn ends<'a>(task: &'a Task<'_>) -> Vec<End<'a>> {
    let expired = expired(task);
    let now = judged_at(task);
    let mut ends = Vec::new();
    for (id, line) in certificates(task) {
        let (Some(text), Some(subject)) = (value(line, "notAfter"), subject(&line.text)) else {
            continue;
        };
        let authority = value(line, "ca") == Some("true") || issuer(&line.text) == Some(subject);
        let Some(at) = instant(text).filter(|at| !authority && now.is_some_and(|n| *at < n)) else {
            continue;
        };
        ends.push(End {
            at,
            text,
            began: value(line, "notBefore").and_then(instant),
            who: subject,
            issuer: issuer(&line.text).unwrap_or_default(),
            key: value(line, "key"),
            certificate: true,
            quote: quote(task.world, id, line),
            fact: expired.get(&(line.entity.name(), text)).copied(),
        });
    }
    for role in task.list("errors") {
        let kinds: Vec<&str> = role.split_whitespace().collect();
        for (id, fact) in task.facts(&kinds) {
            let (Some(text), Some(quote)) = (fact.key("notAfter"), fact.evidence().first()) else {
                continue;
            };
            if let Some(at) = instant(text) {
                ends.push(End {
                    at,
                    text,
                    began: None,
                    who: role,
                    issuer: "",
                    key: None,
                    certificate: false,
                    quote: quote.clone(),
                    fact: Some(id),
                });
            }
        }
    }
    ends
}

/// A year-old and a day-old certificate that end in the same minute were not issued together: a group for each time at
/// which some began. What tells no beginning is of the group that has its end, or of the only one.
fn by_beginning<'e, 'a>(ends: &'e [End<'a>], within: i64) -> Vec<Vec<&'e End<'a>>> {
    let mut dated: Vec<(Instant, &End<'a>)> = ends
        .iter()
        .filter_map(|e| e.began.map(|began| (began, e)))
        .collect();
    dated.sort_by_key(|(began, _)| *began);
    let mut groups: Vec<(Instant, Vec<&End<'a>>)> = Vec::new();
    for (began, end) in dated {
        match groups.last_mut() {
            Some((first, group)) if began.since(*first) <= within => group.push(end),
            _ => groups.push((began, vec![end])),
        }
    }
    let mut groups: Vec<Vec<&End<'a>>> = groups.into_iter().map(|(_, g)| g).collect();
    if groups.is_empty() {
        groups.push(Vec::new());
    }
    let only = groups.len() == 1;
    for group in &mut groups {
        let theirs: BTreeSet<&str> = group.iter().map(|e| e.text).collect();
        group.extend(
            ends.iter()
                .filter(|e| e.began.is_none() && (only || theirs.contains(e.text))),
        );
        group.sort_by(|a, b| (a.at, a.text, a.who).cmp(&(b.at, b.text, b.who)));
    }
    groups
}

/// How many certificates these are: the same one lies in many files, not always with the identifier of its key.
fn certificates_of(ends: &[&End<'_>]) -> usize {
    let mut keys: BTreeMap<(&str, &str, &str), BTreeSet<&str>> = BTreeMap::new();
    for end in ends {
        keys.entry((end.who, end.issuer, end.text))
            .or_default()
            .extend(end.key);
    }
    keys.values().map(|keys| keys.len().max(1)).sum()
}

/// A fact for each moment of a group that two certificates at least are in.
fn together(task: &Task<'_>, group: &[&End<'_>]) -> Vec<Fact> {
    let named: BTreeSet<&str> = group
        .iter()
        .filter(|e| e.certificate)
        .map(|e| e.text)
        .collect();
    // A list of names and ends (kubeadm prints one, to the minute) counts where the certificates themselves are missing.
    let whole = group.iter().any(|e| e.certificate && e.began.is_some());
    let shown: Vec<&End<'_>> = group
        .iter()
        .filter(|e| e.certificate && (e.began.is_some() || !whole))
        .copied()
        .collect();
    let names: BTreeSet<&str> = shown.iter().map(|e| e.who).collect();
    let listed = |at: Instant| {
        group
            .iter()
            .any(|e| e.certificate && e.began.is_none() && (0..MINUTE).contains(&at.since(e.at)))
    };
    // An error that names the end of a certificate in the bundle speaks of that one.
    let others: BTreeSet<(&str, &str)> = group
        .iter()
        .filter(|e| !e.certificate && !named.contains(e.text) && !listed(e.at))
        .map(|e| (e.who, e.text))
        .collect();
    let count = certificates_of(&shown) + others.len();
    let (Some(first), true) = (group.first(), count >= 2) else {
        return Vec::new();
    };
    let mut evidence: BTreeMap<(&str, &str), Quote> = BTreeMap::new();
    for end in group {
        evidence
            .entry((end.who, end.text))
            .or_insert_with(|| end.quote.clone());
    }
    let evidence: Vec<Quote> = evidence.into_values().take(8).collect();
    let from: BTreeSet<FactId> = group.iter().filter_map(|e| e.fact).collect();
    let moments: BTreeSet<&str> = group.iter().map(|e| e.text).collect();
    let mut facts = Vec::new();
    for moment in moments {
        let mut keys = Keys::from([
            (String::from("moment"), first.text.to_owned()),
            (String::from("not-after"), moment.to_owned()),
            (String::from("count"), count.to_string()),
        ]);
        if !names.is_empty() {
            keys.insert(String::from("names"), some(names.iter().copied(), 6));
        }
        let made = task.fact(
            "issued-together",
            keys,
            Component::CERTIFICATE,
            evidence.clone(),
            from.iter().copied().take(8).collect(),
        );
        if let Some(mut fact) = made {
            fact.span.first = Some(Stamp::exact(first.at, SECOND));
            fact.span.last = judged_at(task).map(|at| Stamp::exact(at, SECOND));
            facts.push(fact);
        }
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::super::testing::{facts_of, shown};

    const KIND: &str = "certificate/issued-together";
    const LOG: &str = "I0514 09:30:00.000000       1 controller.go:624] quota admission added evaluator for: pods\n";

    fn certificate(subject: &str, issuer: &str, from: &str, until: &str) -> String {
        format!(
            "subject=CN = {subject}\nissuer=CN = {issuer}\nnotBefore={from} GMT\nnotAfter={until} GMT\n"
        )
    }

    #[track_caller]
    fn case(files: &[(&str, &str)], expected: &[&str]) {
        let mut all = vec![("kube-apiserver.log", LOG)];
        all.extend(files);
        let facts = facts_of(&all, KIND);
        assert_eq!(shown(&facts, &["not-after", "count"]), expected);
    }

    #[test]
    fn two_that_began_and_ended_within_the_same_minutes() {
        let (a, b) = (
            certificate(
                "kube-apiserver",
                "kubernetes",
                "May 14 09:00:00 2025",
                "May 14 09:00:12 2026",
            ),
            certificate(
                "etcd",
                "etcd-ca",
                "May 14 09:00:01 2025",
                "May 14 09:00:13 2026",
            ),
        );
        case(
            &[("a.txt", &a), ("b.txt", &b)],
            &[
                "issuance/2026-05-14T09:00:12Z not-after=2026-05-14T09:00:12Z count=2",
                "issuance/2026-05-14T09:00:12Z not-after=2026-05-14T09:00:13Z count=2",
            ],
        );
        // The same one in two places is one.
        case(&[("a.txt", &a), ("copy/a.txt", &a)], &[]);
        // Its authority ends with it: that is the cause.
        let ca = certificate(
            "kubernetes",
            "kubernetes",
            "May 14 09:00:00 2025",
            "May 14 09:00:12 2026",
        );
        case(&[("a.txt", &a), ("ca.txt", &ca)], &[]);
        // Issued a year later.
        let later = certificate(
            "etcd",
            "etcd-ca",
            "May 13 09:00:01 2026",
            "May 14 09:00:13 2026",
        );
        case(&[("a.txt", &a), ("b.txt", &later)], &[]);
        // Still valid.
        let valid = certificate(
            "etcd",
            "etcd-ca",
            "May 14 09:00:01 2025",
            "May 14 09:00:13 2027",
        );
        case(&[("a.txt", &a), ("b.txt", &valid)], &[]);
    }

    #[test]
    fn each_issuance_by_itself() {
        let of = |subject: &str, year: u32, end: u32| {
            let (from, until) = (
                format!("May 14 09:00:00 {year}"),
                format!("May 14 09:00:{end:02} 2026"),
            );
            certificate(subject, "ca", &from, &until)
        };
        // The first to end was issued a year before the others.
        let (old, a, b) = (of("old", 2024, 10), of("a", 2025, 11), of("b", 2025, 12));
        case(
            &[("old.txt", &old), ("a.txt", &a), ("b.txt", &b)],
            &[
                "issuance/2026-05-14T09:00:11Z not-after=2026-05-14T09:00:11Z count=2",
                "issuance/2026-05-14T09:00:11Z not-after=2026-05-14T09:00:12Z count=2",
            ],
        );
        // One name, two machines.
        let (one, two) = (
            of("kube-apiserver", 2025, 11),
            of("kube-apiserver", 2025, 13),
        );
        case(
            &[("m1.txt", &one), ("m2.txt", &two)],
            &[
                "issuance/2026-05-14T09:00:11Z not-after=2026-05-14T09:00:11Z count=2",
                "issuance/2026-05-14T09:00:11Z not-after=2026-05-14T09:00:13Z count=2",
            ],
        );
        // One name, two authorities.
        let other = one.replace("CN = ca", "CN = front-proxy-ca");
        case(
            &[("m1.txt", &one), ("m2.txt", &other)],
            &["issuance/2026-05-14T09:00:11Z not-after=2026-05-14T09:00:11Z count=2"],
        );
    }
}
