//! Processes: one that should be in the list and is not, one that has run for longer than it should.

use std::collections::BTreeMap;

use super::Task;
use super::support::{machine, place, quote, tail, value};
use crate::base::time::{HOUR, MINUTE, SECOND, Stamp};
use crate::base::units::{duration, human_duration};
use crate::model::{Component, Fact, SourceId, SourceKind, StateLine};

/// The process lists: source, node, rows.
fn lists<'a>(task: &'a Task<'_>) -> Vec<(SourceId, Option<&'a str>, Vec<&'a StateLine>)> {
    let mut of_source: BTreeMap<SourceId, Vec<&StateLine>> = BTreeMap::new();
    for (id, line) in task
        .world
        .states
        .iter()
        .filter(|(_, l)| l.component == Component::PROCESS)
    {
        of_source.entry(*id).or_default().push(line);
    }
    of_source
        .into_iter()
        .filter_map(|(id, rows)| Some((id, task.world.source(id)?.scope.node.as_deref(), rows)))
        .collect()
}

/// The log of a node shows that a process ran there; a whole process list of the node, made later, has none.
pub(super) fn gone(task: &Task<'_>) -> Vec<Fact> {
    // How much later than the log's end the list may have been made and still speak about the same time.
    let within = task.time("within").unwrap_or(2 * HOUR);
    let wanted = task.list("process");
    let mut facts = Vec::new();
    for (id, node, rows) in lists(task) {
        let (Some(node), Some(source)) = (node, task.world.source(id)) else {
            continue;
        };
        // A list of threads of one process, or a cut list, has no pid 1.
        let whole = rows.iter().any(|r| value(r, "pid") == Some("1"));
        let runs = rows.iter().any(|r| {
            value(r, "comm").is_some_and(|c| wanted.contains(&c))
                || tail(r, "cmd").is_some_and(|c| {
                    c.split_whitespace()
                        .take(2)
                        .any(|w| wanted.contains(&w.rsplit('/').next().unwrap_or(w)))
                })
        });
        if !whole || runs || facts.iter().any(|f: &Fact| f.key("node") == Some(node)) {
            continue;
        }
        let logs = task.world.sources.iter().filter(|s| {
            s.kind == SourceKind::Log
                && s.scope.node.as_deref() == Some(node)
                && wanted
                    .iter()
                    .any(|w| Component::of_program(w).as_ref() == Some(&s.scope.component))
        });
        // The part of a rotated log that goes on longest.
        let ends = logs.filter_map(|s| Some((s, task.world.coverage(s.id).1?)));
        let Some((log, last)) = ends.max_by_key(|(s, last)| (last.at, std::cmp::Reverse(s.id)))
        else {
            continue;
        };
        let collected = source.clock.collected;
        if collected.is_some_and(|c| c.since(last.at) > within || c < last.at.plus(-10 * SECOND)) {
            continue;
        }
        let mut keys = machine(Some(node));
        let component = log.scope.component.clone();
        keys.insert(String::from("component"), component.as_str().to_owned());
        let words = format!(
            "last line of {}; the process list {} has no {component}",
            log.path, source.path
        );
        let mut evidence = vec![place(log, log.coverage.lines, 0, &words, Some(last))];
        if let Some(row) = rows.first() {
            evidence.push(quote(task.world, id, row));
        }
        if let Some(mut fact) = task.fact("process-gone", keys, component, evidence, Vec::new()) {
            fact.span.first = Some(last);
            fact.span.last = collected.map(|c| Stamp::exact(c, SECOND));
            facts.push(fact);
        }
    }
    facts
}

/// A short-lived process that has been running for longer than it ever should.
pub(super) fn stuck(task: &Task<'_>) -> Vec<Fact> {
    let wanted = task.list("process");
    let words = task.list("args");
    let folders = task.list("folders");
    let daemons = task.list("daemons");
    let older = task.word("older").and_then(duration).unwrap_or(MINUTE);
    let mut facts: Vec<Fact> = Vec::new();
    for (id, node, rows) in lists(task) {
        for row in rows {
            let command = tail(row, "cmd").unwrap_or_default();
            let program = |w: &str| wanted.contains(&w.rsplit('/').next().unwrap_or(w));
            let comm = value(row, "comm").unwrap_or_default();
            let named = wanted.contains(&comm)
                || command.split_whitespace().take(2).any(program)
                || folders.iter().any(|f| command.starts_with(f)) && !daemons.contains(&comm);
            if !named {
                continue;
            }
            let action = command
                .split_whitespace()
                .skip(1)
                .find(|w| words.contains(w));
            if action.is_none() && !words.is_empty() {
                continue;
            }
            // Without an age the row proves only that it was there when the list was made.
            let Some(age) = value(row, "elapsed")
                .and_then(duration)
                .filter(|a| *a >= older)
            else {
                continue;
            };
            let mut keys = machine(node);
            if let Some(action) = action {
                keys.insert(String::from("action"), action.to_owned());
            }
            keys.insert(String::from("age"), human_duration(age));
            keys.insert(
                String::from("program"),
                value(row, "comm").unwrap_or("?").to_owned(),
            );
            if let Some(pid) = value(row, "pid") {
                keys.insert(String::from("pid"), pid.to_owned());
            }
            if let Some(container) = command
                .split_whitespace()
                .rev()
                .find(|w| w.len() >= 12 && w.bytes().all(|b| b.is_ascii_hexdigit()))
            {
                keys.insert(String::from("container"), container.to_owned());
            }
            let evidence = vec![quote(task.world, id, row)];
            let collected = task.world.source(id).and_then(|s| s.clock.collected);
            let Some(mut fact) = task.fact(
                "stuck-process",
                keys,
                Component::PROCESS,
                evidence,
                Vec::new(),
            ) else {
                continue;
            };
            fact.span.first = collected.map(|c| Stamp::exact(c.plus(-age), MINUTE));
            fact.span.last = collected.map(|c| Stamp::exact(c, SECOND));
            let by_program = task.definition.keys.iter().any(|k| k == "program");
            let alike = |f: &Fact| {
                f.entity == fact.entity && (!by_program || f.key("program") == fact.key("program"))
            };
            if let Some(same) = facts.iter_mut().find(|f| alike(f)) {
                same.count += 1;
                if let Some(q) = fact
                    .evidence()
                    .first()
                    .filter(|_| same.evidence().len() < 6)
                {
                    same.add_evidence(q.clone());
                }
                let older =
                    matches!((same.span.first, fact.span.first), (Some(a), Some(b)) if b.at < a.at);
                if older {
                    // The text of the oldest one says how long this has been going on.
                    same.keys = fact.keys;
                    same.span.first = fact.span.first;
                }
            } else {
                facts.push(fact);
            }
        }
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::super::testing::{facts_of, shown};

    const HEAD: &str = "USER         PID    PPID STAT     ELAPSED COMMAND\n";
    const INIT: &str = "root           1       0 Ss      10-02:00:00 /usr/lib/systemd/systemd\n";

    #[track_caller]
    fn case(kind: &str, rows: &[&str], expected: &[&str]) {
        let list = format!("{HEAD}{}", rows.concat());
        let log = "2026-05-14T08:30:00.000000+00:00 n1 kubelet[833]: I0514 08:30:00.000000     833 kubelet.go:1900] SyncLoop (housekeeping)\n";
        let files = [("n1/ps.txt", list.as_str()), ("n1/kubelet.log", log)];
        assert_eq!(shown(&facts_of(&files, kind), &[]), expected, "{list}");
    }

    #[test]
    fn one_that_ran_and_is_not_in_the_list() {
        let kind = "node/kubelet-gone";
        let other = "root         900       1 Ssl     10-01:00:00 /usr/bin/containerd\n";
        let kubelet = "root         833       1 Ssl     10-01:00:00 /usr/bin/kubelet --config=/x\n";
        case(kind, &[INIT, other], &["node/n1 "]);
        case(kind, &[INIT, other, kubelet], &[]);
        // A list that is cut shows nothing of what is not in it.
        case(kind, &[other], &[]);
    }

    #[test]
    fn one_of_a_folder() {
        let kind = "cni-plugin/processes-pile-up";
        let row = |command: &str| format!("root        4711     900 Sl      01:35:00 {command}\n");
        case(kind, &[INIT, &row("/opt/cni/bin/kube-ovn")], &["node/n1 "]);
        // The daemon of a plugin that hands out leases.
        case(kind, &[INIT, &row("/opt/cni/bin/dhcp daemon")], &[]);
        case(kind, &[INIT, &row("/opt/cni/dashboard")], &[]);
    }

    #[test]
    fn one_that_runs_for_too_long() {
        let kind = "runtime/runc-hung";
        let row = |elapsed: &str, action: &str| {
            format!("root        4711     900 Sl      {elapsed} runc --root /run/runc {action} x\n")
        };
        case(kind, &[INIT, &row("   26:35:00", "create")], &["node/n1 "]);
        case(kind, &[INIT, &row("      00:05", "create")], &[]);
        // An action that may last.
        case(kind, &[INIT, &row("   26:35:00", "events")], &[]);
    }
}
