//! A majority that is lost: one member cannot reach several others at once, and has no leader.
//!
//! Each unreachable member is a fact of its own, and one of them is harmless. That more than one is gone at the same time is
//! what stops the cluster; and what one member sees is its own side only.

use std::collections::BTreeSet;

use super::Task;
use super::support::{first_quotes, machine, some, span_of};
use crate::model::{Fact, FactId, SourceId};

pub(super) fn infer(task: &Task<'_>) -> Vec<Fact> {
    let members = task.list("members");
    let leaderless = task.list("leaderless");
    let least = task.amount("at_least").unwrap_or(2);
    let gone: Vec<(FactId, &Fact)> = task.facts(&members).collect();
    let views: BTreeSet<SourceId> = gone
        .iter()
        .filter_map(|(_, f)| f.evidence().first())
        .map(|q| q.place.source)
        .collect();
    views
        .into_iter()
        .filter_map(|view| {
            let seen: Vec<(FactId, &Fact)> = gone
                .iter()
                .filter(|(_, f)| f.evidence().iter().any(|q| q.place.source == view))
                .copied()
                .collect();
            let (proof, without) = task.facts(&leaderless).find(|(_, f)| {
                seen.iter().filter(|(_, m)| meet(m, f)).count() >= least
                    && f.evidence().iter().any(|q| q.place.source == view)
            })?;
            let together: Vec<(FactId, &Fact)> =
                seen.into_iter().filter(|(_, m)| meet(m, without)).collect();
            let names: BTreeSet<&str> = together.iter().map(|(_, f)| f.entity.name()).collect();
            if names.len() < least {
                return None;
            }
            let source = task.world.source(view)?;
            let mut keys = machine(source.scope.node.as_deref());
            keys.insert(
                String::from("component"),
                source.scope.component.as_str().to_owned(),
            );
            keys.insert(String::from("members"), names.len().to_string());
            keys.insert(String::from("peers"), some(names.iter().copied(), 4));
            if let Some(error) = together.iter().find_map(|(_, f)| f.key("error")) {
                keys.insert(String::from("error"), error.to_owned());
            }
            let evidence = first_quotes(together.iter().map(|(_, f)| *f), 4);
            let from = together.iter().map(|(id, _)| *id).chain([proof]).collect();
            let component = source.scope.component.clone();
            let mut fact = task.fact("majority", keys, component, evidence, from)?;
            fact.span = span_of(together.iter().map(|(_, f)| *f));
            Some(fact)
        })
        .collect()
}

/// Whether two facts held at the same time.
fn meet(a: &Fact, b: &Fact) -> bool {
    let bounds = |f: &Fact| Some((f.span.first?.at, f.span.last.or(f.span.first)?.at));
    matches!((bounds(a), bounds(b)), (Some(a), Some(b)) if a.0 <= b.1 && b.0 <= a.1)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{facts_of, shown};

    fn log(peers: &[&str], leader: bool) -> String {
        let mut out = String::new();
        for s in 0..50 {
            for peer in peers {
                out += &format!(
                    "2026-11-20 17:00:{s:02}.000000 W | rafthttp: health check for peer {peer} could not connect: dial tcp 10.0.0.12:2380: connect: connection refused\n"
                );
            }
            if !leader {
                out += &format!(
                    "2026-11-20 17:00:{s:02}.500000 I | raft: a1b2c3 is starting a new election at term 1{s:02}\n"
                );
            }
        }
        out
    }

    #[track_caller]
    fn case(peers: &[&str], leader: bool, expected: &[&str]) {
        let log = log(peers, leader);
        let facts = facts_of(&[("nodes/cp1/etcd.log", &log)], "etcd/majority-lost");
        assert_eq!(shown(&facts, &["members", "peers"]), expected);
    }

    #[test]
    fn two_members_gone_and_no_leader() {
        case(
            &["d4e5f6", "e5f6a7"],
            false,
            &["component/etcd@cp1 members=2 peers=d4e5f6, e5f6a7"],
        );
    }

    #[test]
    fn one_member_gone_is_no_majority_lost() {
        case(&["d4e5f6"], false, &[]);
    }

    #[test]
    fn with_a_leader_the_majority_is_there() {
        case(&["d4e5f6", "e5f6a7"], true, &[]);
    }
}
