//! The client that sends most of a kind of request, far more often than a client should.

use std::collections::BTreeMap;

use super::Task;
use super::support::span_of;
use crate::base::time::MINUTE;
use crate::model::{Fact, FactId, Keys};

pub(super) fn infer(task: &Task<'_>) -> Vec<Fact> {
    let least = task.number("at_least").unwrap_or(200);
    let per_minute = task.number("per_minute").unwrap_or(60);
    let kinds = task.list("requests");
    // The request log and the audit log tell of the same requests: each is counted for itself.
    let mut logs: BTreeMap<&str, BTreeMap<&str, Vec<(FactId, &Fact)>>> = BTreeMap::new();
    for (id, fact) in task.facts(&kinds) {
        if let Some(actor) = fact.key("actor").map(program) {
            logs.entry(fact.component.as_str())
                .or_default()
                .entry(actor)
                .or_default()
                .push((id, fact));
        }
    }
    logs.into_values()
        .filter_map(|actors| {
            let amount = |facts: &[(FactId, &Fact)]| {
                facts
                    .iter()
                    .map(|(_, f)| f.count)
                    .fold(0, u64::saturating_add)
            };
            let total = actors
                .values()
                .map(|f| amount(f))
                .fold(0, u64::saturating_add);
            let (actor, facts) = actors.into_iter().max_by_key(|(_, f)| amount(f))?;
            let requests = amount(&facts);
            let span = span_of(facts.iter().map(|(_, f)| *f));
            let length = span.last?.at.since(span.first?.at).max(MINUTE);
            let rate = requests / u64::try_from(length / MINUTE).unwrap_or(1).max(1);
            if requests < least || requests.saturating_mul(2) < total || rate < per_minute {
                return None;
            }
            let (_, most) = facts.iter().max_by_key(|(_, f)| f.count)?;
            let mut keys = Keys::new();
            let mut put = |k: &str, v: String| keys.insert(k.to_owned(), v);
            put("actor", actor.to_owned());
            put("requests", requests.to_string());
            put("total", total.to_string());
            put("rate", rate.to_string());
            put("uri", most.key("uri").unwrap_or_default().to_owned());
            if let Some(address) = most.key("address") {
                put("address", address.to_owned());
            }
            let evidence = most.evidence().iter().take(3).cloned().collect();
            let from = facts.iter().map(|(id, _)| *id).take(8).collect();
            let component = most.component.clone();
            let mut fact = task.fact("busiest-client", keys, component, evidence, from)?;
            fact.count = requests;
            fact.span = span;
            Some(fact)
        })
        .collect()
}

/// `shop-operator/v0.1.0 (linux/amd64) kubernetes/$Format` is shop-operator; a service account stays whole.
fn program(actor: &str) -> &str {
    if actor.starts_with("system:") {
        return actor;
    }
    actor.split(['/', ' ']).next().unwrap_or(actor)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{facts_of, shown};

    fn log(client: &str, every: usize) -> String {
        let mut out = String::new();
        for s in (0..600).step_by(every) {
            out += &format!(
                "I1111 18:{:02}:{:02}.000000       1 httplog.go:132] \"HTTP\" verb=\"LIST\" URI=\"/api/v1/pods?limit=0\" latency=\"8.2s\" userAgent=\"{client}/v0.1.0 (linux/amd64) kubernetes/$Format\" audit-ID=\"0c1f\" srcIP=\"10.244.3.7:40112\" resp=200\n",
                10 + s / 60,
                s % 60
            );
        }
        out
    }

    #[track_caller]
    fn case(log: &str, expected: &[&str]) {
        let facts = facts_of(&[("cp1/kube-apiserver.log", log)], "apiserver/list-storm");
        assert_eq!(shown(&facts, &["requests", "uri"]), expected);
    }

    #[test]
    fn one_client_lists_each_second() {
        case(
            &log("shop-operator", 1),
            &["client/shop-operator requests=600 uri=/api/v1/pods"],
        );
    }

    #[test]
    fn a_list_each_ten_seconds_is_ordinary() {
        case(&log("kube-state-metrics", 10), &[]);
    }
}
