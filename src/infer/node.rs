//! Node readiness: a state machine per node over conditions, tables and log lines.

use std::collections::BTreeMap;

use super::Task;
use super::support::{earlier, later, machine, quote, value};
use crate::base::time::{MINUTE, Stamp};
use crate::model::{Component, Fact, FactId, Quote};

/// A node that was not ready for less than this, and is ready again, is no incident.
const SHORTEST: i64 = MINUTE;

#[derive(Default)]
struct State {
    first: Option<Stamp>,
    last: Option<Stamp>,
    ready_again: bool,
    reason: Option<String>,
    quotes: Vec<Quote>,
    from: Vec<FactId>,
}

pub(super) fn infer(task: &Task<'_>) -> Vec<Fact> {
    let mut nodes: BTreeMap<String, State> = BTreeMap::new();
    objects(task, &mut nodes);
    lines(task, &mut nodes);
    nodes
        .into_iter()
        .filter_map(|(name, state)| fact(task, &name, state))
        .collect()
}

/// What tables and conditions say; the newest output of a node decides how it ended.
fn objects(task: &Task<'_>, nodes: &mut BTreeMap<String, State>) {
    let mut newest: BTreeMap<String, (Option<Stamp>, bool)> = BTreeMap::new();
    for (id, line) in task.objects("node") {
        let ready = match (value(line, "status"), ready_condition(&line.text)) {
            (Some(status), _) => status.split(',').any(|s| s == "Ready"),
            (None, Some(condition)) => condition == "True",
            _ => continue,
        };
        let collected = task.collected(id);
        let name = line.entity.name().to_owned();
        let entry = newest.entry(name.clone()).or_insert((collected, ready));
        if collected.map(|s| s.at) >= entry.0.map(|s| s.at) {
            *entry = (
                collected,
                if entry.0.map(|s| s.at) == collected.map(|s| s.at) {
                    entry.1 && ready
                } else {
                    ready
                },
            );
        }
        if ready {
            continue;
        }
        let state = nodes.entry(name).or_default();
        let since = if ready_condition(&line.text).is_some() {
            line.first.and_then(|t| task.world.stamp(id, t))
        } else {
            None
        };
        state.first = earlier(state.first, since);
        state.last = later(state.last, collected);
        if state.reason.is_none() {
            state.reason = value(line, "reason").map(str::to_owned);
        }
        if state.quotes.len() < 3 {
            state.quotes.push(quote(task.world, id, line));
        }
    }
    for (name, (_, ready)) in newest {
        if ready && let Some(state) = nodes.get_mut(&name) {
            state.ready_again = true;
        }
    }
}

/// `node/n condition Ready=False reason=…`: the status.
fn ready_condition(text: &str) -> Option<&str> {
    let rest = text.split_once(" condition Ready=")?.1;
    rest.split_whitespace().next()
}

/// What logs and events say, through the facts of this kind that patterns made (they carry their own end).
fn lines(task: &Task<'_>, nodes: &mut BTreeMap<String, State>) {
    for (id, fact) in (0u32..).map(FactId).zip(&task.world.facts) {
        if fact.kind != task.definition.id {
            continue;
        }
        let Some(node) = fact.key("node") else {
            continue;
        };
        let state = nodes.entry(node.to_owned()).or_default();
        // An episode that ended, or that lies wholly before the one the conditions tell of, is another one.
        let before = matches!((fact.span.last, state.first), (Some(a), Some(b)) if a.at < b.at.plus(-MINUTE));
        if fact.span.closed || before {
            continue;
        }
        state.first = earlier(state.first, fact.span.first);
        state.last = later(state.last, fact.span.last);
        state.from.push(id);
    }
}

fn fact(task: &Task<'_>, node: &str, state: State) -> Option<Fact> {
    let lasted = match (state.first, state.last) {
        (Some(first), Some(last)) => Some(last.at.since(first.at)),
        _ => None,
    };
    if state.ready_again && lasted.is_none_or(|l| l < SHORTEST) {
        return None;
    }
    let mut keys = machine(Some(node));
    if let Some(reason) = state.reason {
        keys.insert(String::from("reason"), reason);
    }
    let mut fact = task.fact(
        "node-readiness",
        keys,
        Component::OBJECT,
        state.quotes,
        state.from,
    )?;
    fact.span.first = state.first;
    fact.span.last = state.last;
    fact.span.closed = state.ready_again;
    Some(fact)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{facts_of, shown};

    const KIND: &str = "node/not-ready";

    fn node(status: &str, since: &str) -> String {
        format!(
            "apiVersion: v1\nkind: Node\nmetadata:\n  name: n1\nstatus:\n  conditions:\n  - lastHeartbeatTime: \"2026-05-14T08:30:00Z\"\n    lastTransitionTime: \"{since}\"\n    message: m\n    reason: KubeletNotReady\n    status: \"{status}\"\n    type: Ready\n"
        )
    }

    #[track_caller]
    fn case(files: &[(&str, &str)], expected: &[&str]) {
        assert_eq!(
            shown(&facts_of(files, KIND), &["reason"]),
            expected,
            "{files:?}"
        );
    }

    #[test]
    fn the_newest_output_decides() {
        let (down, up) = (
            node("False", "2026-05-14T08:00:00Z"),
            node("True", "2026-05-14T08:00:00Z"),
        );
        case(&[("n1.yaml", &down)], &["node/n1 reason=KubeletNotReady"]);
        case(&[("n1.yaml", &up)], &[]);
        let table = "NAME   STATUS     ROLES    AGE   VERSION\nn1     NotReady   <none>   9d    v1.28.4\nn2     Ready      <none>   9d    v1.28.4\n";
        case(&[("get-nodes.txt", table)], &["node/n1 reason=-"]);
        let cordoned = table.replace("NotReady  ", "Ready,SchedulingDisabled");
        case(&[("get-nodes.txt", &cordoned)], &[]);
    }
}
