//! Leases that nobody renews any more: a leader that ends without a word.
//!
//! A leader writes its lease every two seconds, and the API server tells of each write in its request or audit log:
//! `"verb":"update" … "resource":"leases" … "name":"kube-scheduler" … "code":200`. When these writes end while the
//! log goes on, no instance is at work, whatever became of them. A listing of leases says the same: one was renewed
//! long before the others of the list.

use std::collections::{BTreeMap, BTreeSet};

use super::Task;
use super::support::{place, quote, value};
use crate::base::time::{Instant, MINUTE, SECOND, Stamp};
use crate::base::units::human_duration;
use crate::model::{Component, Fact, FactId, Keys, Quote, SourceKind};

/// Renewals that show the rhythm.
const RHYTHM: u64 = 5;
/// A lease is over when so many renewals are missing, and at least [`MINUTE`].
const MISSED: i64 = 10;

/// The component whose logs tell of renewals; its pods begin with its name.
const SERVER: &str = "kube-apiserver";

/// The last renewal of one lease, and how long nothing followed.
struct Lapse {
    lease: String,
    last: Stamp,
    until: Stamp,
    evidence: Vec<Quote>,
    from: Vec<FactId>,
}

pub(super) fn infer(task: &Task<'_>) -> Vec<Fact> {
    let Some(program) = task.word("program") else {
        return Vec::new();
    };
    let lapse = Some(())
        .filter(|()| sees_every_server(task))
        .and_then(|()| by_requests(task, program))
        .or_else(|| by_listing(task, program));
    lapse
        .filter(|l| !is_heard(task, program, l.last))
        .and_then(|l| fact(task, program, l))
        .into_iter()
        .collect()
}

/// Whether the bundle has the log of every API server: a leader may have moved to where another one listens.
fn sees_every_server(task: &Task<'_>) -> bool {
    let addresses = task
        .states("endpoints")
        .filter(|(_, l)| l.entity.name() == "default/kubernetes")
        .filter_map(|(_, l)| value(l, "addresses"))
        .map(|list| list.split(',').filter(|a| !a.is_empty()).count())
        .max();
    let pods: BTreeSet<&str> = task
        .states("pod")
        .map(|(_, l)| l.entity.name())
        .filter(|name| {
            name.rsplit('/')
                .next()
                .is_some_and(|n| n.starts_with(SERVER))
        })
        .collect();
    let servers = addresses.unwrap_or(0).max(pods.len());
    let logs = |component: &Component| {
        let of = task.world.sources.iter();
        of.filter(|s| s.kind == SourceKind::Log && s.scope.component == *component)
            .map(|s| task.world.log_of(s.id))
            .collect::<BTreeSet<_>>()
            .len()
    };
    servers <= 1 || logs(&Component::named(SERVER)).max(logs(&Component::AUDIT)) >= servers
}

/// Whether something shows that the program lives: its own log goes on, or it says itself what is wrong.
fn is_heard(task: &Task<'_>, program: &str, last: Stamp) -> bool {
    let component = Component::named(program);
    let goes_on = task.world.sources.iter().any(|s| {
        s.kind == SourceKind::Log
            && s.scope.component == component
            && task
                .world
                .log_coverage(s.id)
                .1
                .is_some_and(|end| end.at.since(last.at) > MINUTE)
    });
    let kinds = task.list("told_by");
    goes_on
        || task.facts(&kinds).any(|(_, f)| {
            f.component == component
                && f.span
                    .last
                    .is_some_and(|at| at.at >= last.at.plus(-30 * SECOND))
        })
}

/// From the requests that an API server logged.
fn by_requests(task: &Task<'_>, program: &str) -> Option<Lapse> {
    let kinds = task.list("renewals");
    let writes = task
        .facts(&kinds)
        .filter(|(_, f)| f.key("program") == Some(program));
    let (mut renewed, mut refused): (Option<(FactId, &Fact)>, Option<Stamp>) = (None, None);
    for (id, fact) in writes {
        let last = fact.span.last?;
        if fact.key("code").is_some_and(|c| c.starts_with('2')) {
            if renewed.is_none_or(|(_, f)| f.span.last.is_none_or(|at| at.at < last.at)) {
                renewed = Some((id, fact));
            }
        } else if refused.is_none_or(|at| at.at < last.at) {
            refused = Some(last);
        }
    }
    let (id, fact) = renewed?;
    let (first, last) = (fact.span.first?, fact.span.last?);
    // Whoever tries and is refused is alive.
    if fact.count < RHYTHM || refused.is_some_and(|at| at.at > last.at) {
        return None;
    }
    let evidence = fact.evidence().last()?.clone();
    let (_, end) = task.world.log_coverage(evidence.place.source);
    let until = end?;
    let renewals = i64::try_from(fact.count.saturating_sub(1))
        .unwrap_or(i64::MAX)
        .max(1);
    let rhythm = last.at.since(first.at) / renewals;
    let enough = rhythm.saturating_mul(MISSED).max(MINUTE);
    (until.at.since(last.at) >= enough).then(|| Lapse {
        lease: fact.entity.name().to_owned(),
        last,
        until,
        evidence: vec![evidence],
        from: vec![id],
    })
}

/// From a listing of leases: the newest renewals in it stand for the time it was made. Each is written with the clock of
/// its holder, so the very newest may be of a machine whose clock is ahead.
fn by_listing(task: &Task<'_>, program: &str) -> Option<Lapse> {
    let mut renewals: BTreeMap<_, Vec<Stamp>> = BTreeMap::new();
    let mut own = Vec::new();
    for (id, line) in task.states("lease") {
        let renewed = value(line, "renewed")
            .and_then(|text| chrono::DateTime::parse_from_rfc3339(text).ok())
            .and_then(|at| at.timestamp_nanos_opt());
        let Some(ns) = renewed else { continue };
        let at = Stamp::exact(Instant(ns), SECOND);
        renewals.entry(id).or_default().push(at);
        if line.entity.name().rsplit('/').next() == Some(program) {
            own.push((id, line, at));
        }
    }
    let (id, line, last) = own.into_iter().max_by_key(|(.., at)| at.at)?;
    let of_list = renewals.get_mut(&id)?;
    of_list.sort_by_key(|r| std::cmp::Reverse(r.at));
    let until = *of_list.get(usize::from(of_list.len() > 2))?;
    (until.at.since(last.at) >= MINUTE).then(|| Lapse {
        lease: line.entity.name().to_owned(),
        last,
        until,
        evidence: vec![quote(task.world, id, line)],
        from: Vec::new(),
    })
}

/// Where the program's own log ends, when that is about the time of the last renewal.
fn end_of_log(task: &Task<'_>, program: &str, last: Stamp) -> Option<Quote> {
    let component = Component::named(program);
    let ends = task.world.sources.iter().filter_map(|s| {
        let (_, end) = task.world.log_coverage(s.id);
        (s.kind == SourceKind::Log && s.scope.component == component).then_some((s, end?))
    });
    let (source, end) = ends.max_by_key(|(_, end)| end.at)?;
    let words = format!("last line of {} ({program})", source.path);
    (last.at.since(end.at) < MINUTE)
        .then(|| place(source, source.coverage.lines, 0, &words, Some(end)))
}

fn fact(task: &Task<'_>, program: &str, lapse: Lapse) -> Option<Fact> {
    let mut evidence = lapse.evidence;
    evidence.extend(end_of_log(task, program, lapse.last));
    let keys = Keys::from([
        (String::from("program"), program.to_owned()),
        (String::from("lease"), lapse.lease),
        (
            String::from("lapsed"),
            human_duration(lapse.until.at.since(lapse.last.at)),
        ),
    ]);
    let component = Component::named(program);
    let mut fact = task.fact("lease-lapsed", keys, component, evidence, lapse.from)?;
    fact.span.first = Some(lapse.last);
    fact.span.last = Some(lapse.until);
    Some(fact)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{facts_of, shown};

    const KIND: &str = "leader-election/no-scheduler";

    /// Renewals every two seconds from 10:00:00 on, in a request log that goes on for five minutes.
    fn requests(renewals: u32, code: u16) -> String {
        let line = |second: u32, verb: &str, path: &str, code: u16| {
            format!(
                "2026-07-23T10:{:02}:{:02}Z stderr F I0723 10:{:02}:{:02}.130134       1 httplog.go:89] \"HTTP\" verb=\"{verb}\" URI=\"{path}\" latency=\"1.2ms\" userAgent=\"a/v1\" srcIP=\"10.0.0.1:4000\" resp={code}\n",
                second / 60,
                second % 60,
                second / 60,
                second % 60
            )
        };
        let lease =
            "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler?timeout=5s";
        (0..150)
            .map(|n| {
                if n < renewals {
                    line(n * 2, "PUT", lease, 200)
                } else if code != 200 && n < renewals + 10 {
                    line(n * 2, "PUT", lease, code)
                } else {
                    line(n * 2, "GET", "/api/v1/nodes", 200)
                }
            })
            .collect()
    }

    /// A scheduler's log with a line every five seconds, for `minutes`.
    fn own_log(minutes: u32) -> String {
        (0..minutes * 12)
            .map(|n| {
                let (m, s) = (n * 5 / 60, n * 5 % 60);
                format!("2026-07-23T10:{m:02}:{s:02}Z stderr F I0723 10:{m:02}:{s:02}.000000       1 reflector.go:530] watch close {n}\n")
            })
            .collect::<Vec<_>>()
            .concat()
    }

    #[track_caller]
    fn case(files: &[(&str, &str)], expected: &[&str]) {
        assert_eq!(shown(&facts_of(files, KIND), &["lapsed"]), expected);
    }

    #[test]
    fn renewals_that_end_while_the_log_goes_on() {
        let told = ["lease/kube-system/kube-scheduler lapsed=3m20s"];
        let api = "cp1/kube-apiserver.log";
        case(&[(api, &requests(50, 200))], &told);
        // All of the log.
        case(&[(api, &requests(150, 200))], &[]);
        // Too few to know the rhythm.
        case(&[(api, &requests(3, 200))], &[]);
        // Whoever is refused is alive.
        case(&[(api, &requests(50, 409))], &[]);
        // The scheduler writes on: leadership moved to where this log does not look.
        let own = "cp1/kube-scheduler.log";
        case(&[(api, &requests(50, 200)), (own, &own_log(5))], &[]);
        case(&[(api, &requests(50, 200)), (own, &own_log(2))], &told);
    }

    #[test]
    fn one_log_of_several_servers_proves_nothing() {
        let api = requests(50, 200);
        let endpoints = |addresses: &str| {
            format!(
                "NAMESPACE   NAME         ENDPOINTS   AGE\ndefault     kubernetes   {addresses}   9d\n"
            )
        };
        let of = |addresses: &str, expected: &[&str]| {
            case(
                &[
                    ("cp1/kube-apiserver.log", &api),
                    ("kubectl/get-endpoints.txt", &endpoints(addresses)),
                ],
                expected,
            );
        };
        of("10.0.0.1:6443,10.0.0.2:6443,10.0.0.3:6443", &[]);
        of(
            "10.0.0.1:6443",
            &["lease/kube-system/kube-scheduler lapsed=3m20s"],
        );
    }

    #[test]
    fn a_listing_tells_by_its_other_leases() {
        let lease = |name: &str, time: &str| {
            format!(
                "- apiVersion: coordination.k8s.io/v1\n  kind: Lease\n  metadata:\n    name: {name}\n    namespace: kube-system\n  spec:\n    holderIdentity: cp1_1\n    renewTime: \"2026-07-23T{time}.000000Z\"\n"
            )
        };
        let list = |time: &str| {
            format!(
                "apiVersion: v1\nkind: List\nitems:\n{}{}",
                lease("kube-controller-manager", "10:05:00"),
                lease("kube-scheduler", time)
            )
        };
        let path = "kubectl/leases.yaml";
        case(
            &[(path, &list("10:01:00"))],
            &["lease/kube-system/kube-scheduler lapsed=4m"],
        );
        case(&[(path, &list("10:04:58"))], &[]);
        // A node whose clock is five minutes ahead.
        let ahead = format!("{}{}", list("10:04:58"), lease("node-7", "10:10:02"));
        case(&[(path, &ahead)], &[]);
    }
}
