//! Certificates judged at the time of the incident, not of the analysis; and who signed whom.
//!
//! `subject=CN=hook.shop.svc issuer=CN=hook-ca notBefore=… notAfter=2026-11-20T17:08:28Z sans=… ca=false`. The time
//! that counts is the end of the logs; without logs, the moment the newest output was collected. A chain is told by
//! names and, where both certificates have them, by key identifiers; it is only said to be broken when every
//! certificate that may have signed is.

use std::collections::{BTreeMap, BTreeSet};

use super::Task;
use super::support::{quote, value};
use crate::base::time::{DAY, Instant, SECOND, Stamp, civil};
use crate::base::units::human_duration;
use crate::model::{Component, Fact, FactId, Keys, SourceId, SourceKind, StateLine};

/// `expires-soon` without a parameter.
const SOON: i64 = 30 * DAY;
/// A certificate that lives only so many times longer than the warning renews itself.
const LIVES: i64 = 3;

/// What is wrong with the validity.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Expired,
    Soon,
    NotYet,
}

/// Certificates that are out of their validity, or soon will be, as `[infer] state` asks; `words` and `ca` choose
/// among them.
pub(super) fn validity(task: &Task<'_>) -> Vec<Fact> {
    let state = match task.word("state") {
        Some("expires-soon") => State::Soon,
        Some("not-yet-valid") => State::NotYet,
        _ => State::Expired,
    };
    let Some((start, end)) = times(task) else {
        return Vec::new();
    };
    let within = task.time("within").unwrap_or(SOON);
    let mut said = BTreeSet::new();
    let mut facts: Vec<Fact> = Vec::new();
    for (id, line) in certificates(task).filter(|(id, l)| chosen(task, *id, l)) {
        let (from, until) = (
            value(line, "notBefore").and_then(instant),
            value(line, "notAfter").and_then(instant),
        );
        let end = task
            .collected(id)
            .filter(|_| state == State::NotYet)
            .map_or(end, |c| c.at.max(end));
        let holds = match state {
            State::Expired => until.is_some_and(|u| u < end),
            State::NotYet => from.is_some_and(|f| f > end),
            State::Soon => until.is_some_and(|u| {
                let rest = u.since(end);
                let renews = from.is_some_and(|f| u.since(f) < within.saturating_mul(LIVES));
                (0..within).contains(&rest) && !renews
            }),
        };
        // The same certificate lies in many files.
        if !holds || !said.insert((line.entity.clone(), value(line, "notAfter"))) {
            continue;
        }
        let mut keys = keys(task, id, line);
        if state == State::Expired && until.is_some_and(|u| passed_elsewhere(task, u)) {
            keys.insert(String::from("passed"), String::from("elsewhere"));
        }
        if let (State::Soon, Some(until)) = (state, until) {
            keys.insert(String::from("in"), human_duration(until.since(end)));
        }
        let evidence = vec![quote(task.world, id, line)];
        let by = if task.word("words").is_some() || !task.list("words").is_empty() {
            "certificate-expired-of"
        } else {
            "certificate-expired"
        };
        let Some(mut fact) = task.fact(by, keys, Component::CERTIFICATE, evidence, Vec::new())
        else {
            continue;
        };
        let at = |at: Instant| Some(Stamp::exact(at, SECOND));
        (fact.span.first, fact.span.last) = match state {
            State::Expired => (until.and_then(at), at(end)),
            State::Soon => (at(end), at(end)),
            State::NotYet => (at(start), from.and_then(at)),
        };
        facts.push(fact);
    }
    facts
}

/// Whether a machine that is known not to be the API server's wrote lines after that moment, by its own clock.
fn passed_elsewhere(task: &Task<'_>, moment: Instant) -> bool {
    let logs = || {
        task.world
            .sources
            .iter()
            .filter(|s| s.kind == SourceKind::Log)
    };
    let server: BTreeSet<&str> = logs()
        .filter(|s| s.scope.component.as_str() == "kube-apiserver")
        .filter_map(|s| s.scope.node.as_deref())
        .collect();
    !server.is_empty()
        && logs().any(|s| {
            let other = s.scope.node.as_deref().is_some_and(|n| !server.contains(n));
            let end = task.world.coverage(s.id).1;
            other && end.is_some_and(|end| end.at > moment)
        })
}

/// Certificates whose signer is expired (`finding = "issuer-expired"`), client certificates of nodes that name another
/// node (`finding = "node-name"`), and those that belong to no group of nodes (`finding = "node-group"`).
pub(super) fn graph(task: &Task<'_>) -> Vec<Fact> {
    match task.word("finding") {
        Some("node-name") => node_names(task),
        Some("node-group") => node_groups(task),
        _ => expired_issuers(task),
    }
}

fn expired_issuers(task: &Task<'_>) -> Vec<Fact> {
    let Some((_, end)) = times(task) else {
        return Vec::new();
    };
    let mut authorities: BTreeMap<&str, Vec<(SourceId, &StateLine, Instant)>> = BTreeMap::new();
    for (id, line) in certificates(task) {
        let Some(subject) = subject(&line.text) else {
            continue;
        };
        let signs = value(line, "ca") == Some("true")
            || (value(line, "ca").is_none() && issuer(&line.text) == Some(subject));
        if let Some(until) = value(line, "notAfter").and_then(instant).filter(|_| signs) {
            authorities
                .entry(subject)
                .or_default()
                .push((id, line, until));
        }
    }
    let expired = expired(task);
    let mut said = BTreeSet::new();
    let mut facts = Vec::new();
    for (id, line) in certificates(task) {
        let (Some(subject), Some(issuer)) = (subject(&line.text), issuer(&line.text)) else {
            continue;
        };
        let Some(signers) = authorities.get(issuer).filter(|_| issuer != subject) else {
            continue;
        };
        // A renewed authority keeps its name: as long as one of that name is valid, nothing is known to be broken.
        // Where both name the key, an authority of the same name with another key did not sign this one.
        let signed = |ca: &StateLine| match (value(line, "signerKey"), value(ca, "key")) {
            (Some(a), Some(b)) => a == b,
            _ => true,
        };
        let Some((ca_source, ca, until)) = signers
            .iter()
            .filter(|(_, ca, _)| signed(ca))
            .max_by_key(|(.., u)| *u)
            .filter(|(.., u)| *u < end)
        else {
            continue;
        };
        if !said.insert((line.entity.clone(), value(line, "notAfter"))) {
            continue;
        }
        let mut keys = keys(task, id, line);
        keys.insert(String::from("signer"), ca.entity.name().to_owned());
        keys.insert(String::from("signer-not-after"), until.rfc3339());
        let evidence = vec![
            quote(task.world, id, line),
            quote(task.world, *ca_source, ca),
        ];
        let from = expired
            .get(&(ca.entity.name(), value(ca, "notAfter").unwrap_or_default()))
            .copied();
        let made = task.fact(
            "certificate-graph",
            keys,
            Component::CERTIFICATE,
            evidence,
            from.into_iter().collect(),
        );
        if let Some(mut fact) = made {
            fact.span.first = Some(Stamp::exact(*until, SECOND));
            fact.span.last = Some(Stamp::exact(end, SECOND));
            facts.push(fact);
        }
    }
    facts
}

/// `O=system:nodes, CN=system:node:n1` in the files of node n2: the API server takes n2 for n1.
fn node_names(task: &Task<'_>) -> Vec<Fact> {
    let mut said = BTreeSet::new();
    let mut facts = Vec::new();
    for (id, line) in certificates(task) {
        let Some(named) = line.entity.name().strip_prefix("system:node:") else {
            continue;
        };
        let Some(source) = task.world.source(id) else {
            continue;
        };
        let Some(node) = source.scope.node.as_deref() else {
            continue;
        };
        let same = named == node || named.split('.').next() == node.split('.').next();
        let kubelets = source.path.contains("kubelet");
        if same || !kubelets || !said.insert((node, named)) {
            continue;
        }
        let mut keys = keys(task, id, line);
        keys.insert(String::from("node"), node.to_owned());
        keys.insert(String::from("named"), named.to_owned());
        facts.extend(of_node(task, id, line, keys));
    }
    facts
}

/// `CN=system:node:n1` without `O=system:nodes`: the API server knows the name and gives it no rights.
fn node_groups(task: &Task<'_>) -> Vec<Fact> {
    let clients: Vec<(SourceId, &StateLine, &str, bool)> = certificates(task)
        .filter_map(|(id, line)| {
            let node = line.entity.name().strip_prefix("system:node:")?;
            let of_nodes = subject(&line.text)?
                .split([',', '+'])
                .any(|p| p.trim() == "O=system:nodes");
            // A serving certificate of a kubelet has names; nobody is given rights by it.
            let client = value(line, "sans").is_none();
            client.then_some((id, line, node, of_nodes))
        })
        .collect();
    // Which of several the kubelet uses is not known: a bundle may hold one of long ago.
    let well: BTreeSet<&str> = clients
        .iter()
        .filter(|(.., of_nodes)| *of_nodes)
        .map(|(_, _, node, _)| *node)
        .collect();
    let mut said = BTreeSet::new();
    let mut facts = Vec::new();
    for (id, line, node, _) in clients {
        if well.contains(node) || !said.insert(node) {
            continue;
        }
        let mut keys = keys(task, id, line);
        keys.insert(String::from("node"), node.to_owned());
        keys.insert(String::from("user"), format!("system:node:{node}"));
        facts.extend(of_node(task, id, line, keys));
    }
    facts
}

/// What one certificate says about a node, as of its collection.
fn of_node(task: &Task<'_>, id: SourceId, line: &StateLine, keys: Keys) -> Option<Fact> {
    let evidence = vec![quote(task.world, id, line)];
    let component = Component::CERTIFICATE;
    let mut fact = task.fact("certificate-graph", keys, component, evidence, Vec::new())?;
    fact.span.last = task.collected(id);
    Some(fact)
}

/// The facts of certificates that are expired, by name and end.
pub(super) fn expired<'a>(task: &'a Task<'_>) -> BTreeMap<(&'a str, &'a str), FactId> {
    task.facts(&["certificate/expired"])
        .filter_map(|(id, f)| Some(((f.entity.name(), f.key("not-after")?), id)))
        .collect()
}

/// The certificates of the bundle.
pub(super) fn certificates<'a>(
    task: &'a Task<'_>,
) -> impl Iterator<Item = (SourceId, &'a StateLine)> {
    task.world
        .states
        .iter()
        .filter(|(_, l)| l.component == Component::CERTIFICATE)
        .map(|(id, l)| (*id, l))
}

/// Beginning and end of what the bundle tells about: its logs, else the newest collection.
fn times(task: &Task<'_>) -> Option<(Instant, Instant)> {
    if let (Some(start), Some(end)) = task.world.window {
        return Some((start, end));
    }
    let newest = task
        .world
        .sources
        .iter()
        .filter_map(|s| s.clock.collected)
        .max()?;
    Some((newest, newest))
}

/// The moment against which validity is judged.
pub(super) fn judged_at(task: &Task<'_>) -> Option<Instant> {
    times(task).map(|(_, end)| end)
}

/// Whether the parameters speak of this certificate.
fn chosen(task: &Task<'_>, id: SourceId, line: &StateLine) -> bool {
    if let Some(ca) = task.word("ca")
        && value(line, "ca") != Some(ca)
        // What openssl prints in its short form does not tell; a self-signed one is an authority.
        && !(ca == "true" && value(line, "ca").is_none() && subject(&line.text) == issuer(&line.text))
    {
        return false;
    }
    let words = task.list("words");
    let has = |text: &str| words.iter().any(|w| text.contains(w));
    words.is_empty()
        || has(&line.text)
        || task.world.source(id).is_some_and(|s| has(&s.path))
        || task
            .world
            .topology
            .neighbours(&line.entity)
            .any(|(owner, place)| {
                place.source == id && place.line == line.line && has(owner.as_str())
            })
}

fn keys(task: &Task<'_>, id: SourceId, line: &StateLine) -> Keys {
    let mut keys = Keys::new();
    let mut put = |k: &str, v: &str| {
        if !v.is_empty() {
            keys.insert(k.to_owned(), v.to_owned());
        }
    };
    put("cn", line.entity.name());
    put("certificate", line.entity.name());
    put("subject", subject(&line.text).unwrap_or(line.entity.name()));
    put("issuer", issuer(&line.text).unwrap_or_default());
    put("not-after", value(line, "notAfter").unwrap_or_default());
    put("not-before", value(line, "notBefore").unwrap_or_default());
    put(
        "path",
        task.world.source(id).map_or("", |s| s.path.as_str()),
    );
    let sans = value(line, "sans").unwrap_or_default();
    if let Some(san) = sans.split(',').find(|s| !s.is_empty()) {
        put("san", san);
    }
    // A webhook or an aggregated API is reached as <service>.<namespace>.svc.
    let service = sans
        .split(',')
        .chain([line.entity.name()])
        .find_map(|name| {
            let mut parts = name.split('.');
            match (parts.next(), parts.next(), parts.next()) {
                (Some(service), Some(namespace), Some("svc")) => {
                    Some(format!("{namespace}/{service}"))
                }
                _ => None,
            }
        });
    if let Some(service) = service {
        keys.insert(String::from("service"), service);
    }
    keys
}

/// What stands between two field names of the canonical text.
fn between<'t>(text: &'t str, from: &str, until: &[&str]) -> Option<&'t str> {
    let start = text.find(from)? + from.len();
    let rest = text.get(start..)?;
    let end = until
        .iter()
        .filter_map(|u| rest.find(u))
        .min()
        .unwrap_or(rest.len());
    rest.get(..end).filter(|s| !s.is_empty())
}

/// The subject that a state line tells.
pub(super) fn subject(text: &str) -> Option<&str> {
    between(text, "subject=", &[" issuer=", " notBefore=", " notAfter="])
}

/// The issuer that a state line tells.
pub(super) fn issuer(text: &str) -> Option<&str> {
    between(
        text,
        "issuer=",
        &[" notBefore=", " notAfter=", " sans=", " ca="],
    )
}

/// `2026-11-20T17:08:28Z`.
pub(super) fn instant(text: &str) -> Option<Instant> {
    let number =
        |range: std::ops::Range<usize>| text.get(range).and_then(|t| t.parse::<i64>().ok());
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let seconds = number(11..13)? * 3600 + number(14..16)? * 60 + number(17..19)?;
    civil(
        i32::try_from(year).ok()?,
        u8::try_from(month).ok()?,
        u8::try_from(day).ok()?,
        seconds * SECOND,
    )
    .map(Instant)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{facts_of, shown};
    use super::*;

    /// A log whose year is known, so that the bundle has a time of its own.
    const LOG: (&str, &str) = (
        "cp1/kube-apiserver.log",
        "Log file created at: 2026/11/20 16:00:00\nI1120 16:00:00.000000       1 a.go:1] x\nI1120 17:10:00.000000       1 a.go:1] y\n",
    );

    fn certificate(subject: &str, issuer: &str, from: &str, until: &str) -> String {
        format!(
            "subject=CN = {subject}\nissuer=CN = {issuer}\nnotBefore={from} GMT\nnotAfter={until} GMT\n"
        )
    }

    #[track_caller]
    fn case(kind: &str, files: &[(&str, &str)], expected: &[&str]) {
        let mut all = vec![LOG];
        all.extend_from_slice(files);
        assert_eq!(
            shown(&facts_of(&all, kind), &["not-after"]),
            expected,
            "{kind}"
        );
    }

    #[test]
    fn judged_at_the_end_of_the_logs() {
        let old = certificate(
            "hook.shop.svc",
            "hook-ca",
            "Aug 22 17:06:18 2026",
            "Nov 20 17:08:28 2026",
        );
        case(
            "certificate/expired",
            &[("certs/a.txt", &old)],
            &["certificate/hook.shop.svc not-after=2026-11-20T17:08:28Z"],
        );
        case("certificate/expires-soon", &[("certs/a.txt", &old)], &[]);
        // It ends after the logs do: whatever today's date is, it was valid.
        let soon = certificate(
            "hook.shop.svc",
            "hook-ca",
            "Nov 22 17:06:18 2025",
            "Nov 25 17:08:28 2026",
        );
        case("certificate/expired", &[("certs/a.txt", &soon)], &[]);
        case(
            "certificate/expires-soon",
            &[("certs/a.txt", &soon)],
            &["certificate/hook.shop.svc not-after=2026-11-25T17:08:28Z"],
        );
        // A short-lived one renews itself.
        let mesh = certificate(
            "w",
            "mesh-ca",
            "Nov 20 16:06:18 2026",
            "Nov 21 16:06:18 2026",
        );
        case("certificate/expires-soon", &[("certs/a.txt", &mesh)], &[]);
        let early = certificate("w", "ca", "Nov 20 23:06:18 2026", "Nov 21 16:06:18 2027");
        case(
            "certificate/not-yet-valid",
            &[("certs/a.txt", &early)],
            &["certificate/w not-after=2027-11-21T16:06:18Z"],
        );
        case("certificate/not-yet-valid", &[("certs/a.txt", &old)], &[]);
    }

    #[test]
    fn a_chain_is_broken_when_every_signer_of_that_name_is() {
        let ca = certificate(
            "hook-ca",
            "hook-ca",
            "Nov 19 17:08:28 2025",
            "Nov 19 17:08:28 2026",
        );
        let leaf = certificate(
            "hook.shop.svc",
            "hook-ca",
            "Aug 22 17:06:18 2026",
            "Nov 20 17:08:28 2027",
        );
        let renewed = certificate(
            "hook-ca",
            "hook-ca",
            "Nov 18 17:08:28 2026",
            "Nov 19 17:08:28 2036",
        );
        let kind = "certificate/signer-expired";
        case(
            kind,
            &[("certs/ca.txt", &ca), ("certs/a.txt", &leaf)],
            &["certificate/hook.shop.svc not-after=2027-11-20T17:08:28Z"],
        );
        case(
            kind,
            &[
                ("certs/ca.txt", &ca),
                ("certs/new.txt", &renewed),
                ("certs/a.txt", &leaf),
            ],
            &[],
        );
        case(kind, &[("certs/a.txt", &leaf)], &[]);
    }

    #[test]
    fn a_node_without_its_group_has_no_rights() {
        let kind = "certificate/node-group-missing";
        let of = |subject: &str| {
            format!(
                "subject={subject}\nissuer=CN = kubernetes\nnotAfter=Nov 20 17:08:28 2036 GMT\n"
            )
        };
        let case = |subject: &str, expected: &[&str]| {
            let files = [("n1/kubelet-client-current.txt", of(subject))];
            let files: Vec<(&str, &str)> = files.iter().map(|(p, t)| (*p, t.as_str())).collect();
            assert_eq!(shown(&facts_of(&files, kind), &[]), expected, "{subject}");
        };
        case("CN = system:node:n1", &["node/n1 "]);
        case("O = nodes, CN = system:node:n1", &["node/n1 "]);
        case("O = system:nodes, CN = system:node:n1", &[]);
        case("O = system:masters, CN = kubernetes-admin", &[]);
        // It has been issued anew.
        let files = [
            ("n1/kubelet-client-old.txt", of("CN = system:node:n1")),
            (
                "n1/kubelet-client-current.txt",
                of("O = system:nodes, CN = system:node:n1"),
            ),
        ];
        let files: Vec<(&str, &str)> = files.iter().map(|(p, t)| (*p, t.as_str())).collect();
        assert_eq!(facts_of(&files, kind).len(), 0);
    }

    #[test]
    fn reads_what_the_state_line_prints() {
        assert_eq!(
            instant("2026-11-20T17:08:28Z")
                .map(Instant::rfc3339)
                .as_deref(),
            Some("2026-11-20T17:08:28Z")
        );
        assert_eq!(instant("soon"), None);
        let text = "subject=CN=a, O=b issuer=CN=c notBefore=x";
        assert_eq!(
            (subject(text), issuer(text)),
            (Some("CN=a, O=b"), Some("CN=c"))
        );
    }
}
