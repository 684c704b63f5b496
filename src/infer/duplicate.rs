//! Things that are registered twice: objects of one kind with different names and the same address.
//!
//! `kubefedcluster/kube-federation-system/produce apiEndpoint=https://192.0.2.10:6443` beside another one of the same
//! endpoint. Addresses are compared as scheme, host and port; a path or a trailing slash makes no difference.

use std::collections::BTreeMap;

use super::Task;
use super::support::{quote, some, value};
use crate::base::time::Stamp;
use crate::model::{Component, Fact, Keys, SourceId, StateLine};

pub(super) fn infer(task: &Task<'_>) -> Vec<Fact> {
    let kinds = task.list("kind");
    let field = task.word("field").unwrap_or("address");
    let field = field.rsplit('.').next().unwrap_or(field);
    let mut facts = Vec::new();
    for kind in kinds {
        let mut same: BTreeMap<String, BTreeMap<&str, (SourceId, &StateLine)>> = BTreeMap::new();
        for (id, line) in task.states(kind) {
            if let Some(endpoint) = value(line, field).and_then(normal) {
                same.entry(endpoint)
                    .or_default()
                    .entry(line.entity.name())
                    .or_insert((id, line));
            }
        }
        for (endpoint, members) in same.into_iter().filter(|(_, m)| m.len() > 1) {
            // Who came first was there before the others were installed: it is the one that was left over. `host` is the
            // name that an installation gives to its own cluster.
            let since = |(id, line): &(SourceId, &StateLine)| {
                line.first
                    .and_then(|t| task.world.stamp(*id, t))
                    .map(|s| s.at)
            };
            let left_over = members.iter().min_by_key(|(name, of)| {
                (
                    since(of).is_none(),
                    since(of),
                    name.rsplit('/').next() == Some("host"),
                    **name,
                )
            });
            if let Some((name, (id, line))) = left_over {
                facts.extend(fact(task, &endpoint, name, *id, line, &members));
            }
        }
    }
    facts
}

fn fact(
    task: &Task<'_>,
    endpoint: &str,
    name: &str,
    id: SourceId,
    line: &StateLine,
    members: &BTreeMap<&str, (SourceId, &StateLine)>,
) -> Option<Fact> {
    let plain = |n: &str| n.rsplit('/').next().unwrap_or(n).to_owned();
    let others: Vec<String> = members
        .keys()
        .filter(|n| **n != name)
        .map(|n| plain(n))
        .collect();
    let keys = Keys::from([
        (String::from("cluster"), plain(name)),
        (
            String::from("others"),
            some(others.iter().map(String::as_str), 4),
        ),
        (String::from("endpoint"), endpoint.to_owned()),
    ]);
    let mut evidence = vec![quote(task.world, id, line)];
    evidence.extend(
        members
            .iter()
            .filter(|(n, _)| **n != name)
            .take(3)
            .map(|(_, (s, l))| quote(task.world, *s, l)),
    );
    let mut fact = task.fact(
        "duplicate-endpoint",
        keys,
        Component::OBJECT,
        evidence,
        Vec::new(),
    )?;
    let stamp = |s: SourceId, l: &StateLine| l.first.and_then(|t| task.world.stamp(s, t));
    fact.span.first = members
        .values()
        .filter_map(|(s, l)| stamp(*s, l))
        .max_by_key(|t: &Stamp| t.at);
    fact.span.last = task.collected(id);
    Some(fact)
}

/// `HTTPS://Host:6443/` and `https://host:6443` are one; a missing port is that of the scheme.
fn normal(endpoint: &str) -> Option<String> {
    let endpoint = endpoint.to_ascii_lowercase();
    let (scheme, rest) = endpoint.split_once("://").unwrap_or(("https", &endpoint));
    let host = rest.split(['/', '?']).next().filter(|h| !h.is_empty())?;
    let bare = !host
        .rsplit_once(':')
        .is_some_and(|(_, p)| p.bytes().all(|b| b.is_ascii_digit()));
    Some(match (scheme, bare) {
        ("http", true) => format!("http://{host}:80"),
        (_, true) => format!("{scheme}://{host}:443"),
        _ => format!("{scheme}://{host}"),
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{facts_of, shown};
    use super::*;

    fn registration(name: &str, endpoint: &str) -> String {
        format!(
            "- apiVersion: core.kubefed.io/v1beta1\n  kind: KubeFedCluster\n  metadata:\n    name: {name}\n    namespace: kube-federation-system\n  spec:\n    apiEndpoint: {endpoint}\n"
        )
    }

    #[track_caller]
    fn case(endpoints: &[(&str, &str)], expected: &[&str]) {
        let items: String = endpoints.iter().map(|(n, e)| registration(n, e)).collect();
        let text = format!("apiVersion: v1\nkind: List\nitems:\n{items}");
        let facts = facts_of(
            &[("kubectl/kubefedclusters.yaml", &text)],
            "federation/leftover-registration",
        );
        assert_eq!(shown(&facts, &["others", "endpoint"]), expected, "{text}");
    }

    #[test]
    fn one_address_under_two_names() {
        case(
            &[
                ("host", "https://192.0.2.10:6443"),
                ("old", "https://192.0.2.10:6443/"),
                ("edge", "https://192.0.2.11:6443"),
            ],
            &["kubefedcluster/old others=host endpoint=https://192.0.2.10:6443"],
        );
        case(
            &[
                ("host", "https://192.0.2.10:6443"),
                ("edge", "https://192.0.2.11:6443"),
            ],
            &[],
        );
        // The same object in two outputs is one.
        case(
            &[
                ("host", "https://192.0.2.10:6443"),
                ("host", "https://192.0.2.10:6443"),
            ],
            &[],
        );
    }

    #[test]
    fn endpoints_compare_by_scheme_host_and_port() {
        assert_eq!(
            normal("https://A.example.com").as_deref(),
            Some("https://a.example.com:443")
        );
        assert_eq!(
            normal("https://a.example.com:6443/x").as_deref(),
            Some("https://a.example.com:6443")
        );
        assert_eq!(normal(""), None);
    }
}
