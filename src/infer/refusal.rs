//! What the scheduler's refusal adds up to: counted reasons, against the number of nodes.
//!
//! `0/5 nodes are available: 3 Insufficient cpu.` gives a reason for three of five nodes. `No nodes are available that
//! match all of the predicates: Insufficient cpu (3)` (up to 1.9) does not say how many there are: the nodes of the
//! bundle are counted instead. A node may be refused for several reasons at once, so that a sum over the total says
//! nothing; a sum below it proves that some node has no reason in the message.

use std::collections::{BTreeMap, BTreeSet};

use super::Task;
use super::support::{some, value};
use crate::base::time::Instant;
use crate::model::{Fact, Keys};

const RAW: &[&str] = &["scheduler-trace/refused"];

/// How the scheduler writes a refusal.
struct Wording<'a> {
    /// What ends the reasons of the filters.
    ends: Vec<&'a str>,
    /// What stands at the end of a text that was cut.
    cut: &'a str,
}

/// What a part of a message says.
struct Counted {
    /// Reason and number of nodes, in the order of the message.
    reasons: Vec<(String, u64)>,
    /// The message was cut: it may have held more.
    cut: bool,
}

pub(super) fn infer(task: &Task<'_>) -> Vec<Fact> {
    let mut latest: BTreeMap<&str, &Fact> = BTreeMap::new();
    for (_, fact) in task.facts(RAW) {
        let Some(pod) = fact.key("pod") else {
            continue;
        };
        if latest.get(pod).is_none_or(|old| seen(fact) > seen(old)) {
            latest.insert(pod, fact);
        }
    }
    let nodes = Nodes::of(task);
    let wording = Wording {
        ends: task.list("stops"),
        cut: task.word("cut").unwrap_or("..."),
    };
    latest
        .into_values()
        .filter_map(|fact| one(task, &nodes, &wording, fact))
        .collect()
}

/// When it was last seen.
fn seen(fact: &Fact) -> Option<Instant> {
    fact.span.last.map(|s| s.at)
}

fn one(task: &Task<'_>, nodes: &Nodes<'_>, wording: &Wording<'_>, refused: &Fact) -> Option<Fact> {
    let counted = wording.count(refused.key("reasons")?)?;
    let sum = counted
        .reasons
        .iter()
        .fold(0u64, |sum, (_, n)| sum.saturating_add(*n));
    let said = refused.key("total").and_then(|t| t.parse::<u64>().ok());
    let total = said.or_else(|| nodes.number())?;
    let without = total.checked_sub(sum).filter(|n| *n > 0)?;
    // The scheduler of the form without a total leaves out nodes that are not ready or cordoned before it counts.
    let left_out = said.is_none() && nodes.out.len() as u64 == without;
    let why = match (counted.cut, left_out) {
        (true, _) => "cut",
        (false, true) => "left-out",
        (false, false) => "unsaid",
    };
    let reasons: Vec<String> = counted
        .reasons
        .iter()
        .map(|(reason, n)| format!("{n} {reason}"))
        .collect();
    let mut keys: Keys = ["namespace", "name"]
        .iter()
        .filter_map(|k| Some(((*k).to_owned(), refused.key(k)?.to_owned())))
        .collect();
    for (key, value) in [
        ("stated", sum.to_string()),
        ("total", total.to_string()),
        ("without", without.to_string()),
        ("reasons", reasons.join("; ")),
        ("why", why.to_owned()),
    ] {
        keys.insert(key.to_owned(), value);
    }
    if said.is_none() {
        keys.insert(String::from("counted"), String::from("bundle"));
    }
    if why == "left-out" {
        keys.insert(String::from("out"), some(nodes.out.iter().copied(), 4));
    }
    let evidence = refused.evidence().iter().take(2).cloned().collect();
    let mut fact = task.fact(
        "scheduler-trace",
        keys,
        refused.component.clone(),
        evidence,
        Vec::new(),
    )?;
    fact.span = refused.span;
    Some(fact)
}

impl Wording<'_> {
    /// The reasons of a message; `None` when one of them has no number: it is about the pod, and so about every node.
    fn count(&self, text: &str) -> Option<Counted> {
        let (text, cut) = match text.trim_end().strip_suffix(self.cut) {
            Some(head) => (head, true),
            None => (text, false),
        };
        let end = self.ends.iter().filter_map(|e| text.find(e)).min();
        let whole = end.and_then(|at| text.get(..at)).unwrap_or(text);
        // What was cut lies behind the end of the reasons.
        let cut = cut && end.is_none();
        let whole = whole.trim().trim_end_matches(['.', ',', ';']);
        let mut reasons: Vec<(String, u64)> = Vec::new();
        for part in whole.split(", ") {
            match (leading(part).or_else(|| trailing(part)), reasons.last_mut()) {
                (Some(reason), _) => reasons.push(reason),
                // A comma within a reason: `1 node(s) had taint {a: }, that the pod didn't tolerate`.
                (None, Some(last)) => {
                    last.0.push_str(", ");
                    last.0.push_str(part);
                }
                (None, None) => return None,
            }
        }
        Some(Counted { reasons, cut })
    }
}

/// `3 Insufficient cpu`.
fn leading(part: &str) -> Option<(String, u64)> {
    let (number, reason) = part.trim().split_once(' ')?;
    Some((reason.trim().to_owned(), number.parse().ok()?))
}

/// `Insufficient cpu (3)`.
fn trailing(part: &str) -> Option<(String, u64)> {
    let (reason, number) = part.trim().strip_suffix(')')?.rsplit_once(" (")?;
    Some((reason.trim().to_owned(), number.parse().ok()?))
}

/// The nodes that the bundle lists.
struct Nodes<'a> {
    all: BTreeSet<&'a str>,
    /// Those that take no pod: not ready, or cordoned.
    out: BTreeSet<&'a str>,
}

impl<'a> Nodes<'a> {
    fn of(task: &'a Task<'_>) -> Self {
        let (mut all, mut out) = (BTreeSet::new(), BTreeSet::new());
        for (_, line) in task.states("node") {
            let Some(status) = value(line, "status") else {
                continue;
            };
            all.insert(line.entity.name());
            if status != "Ready" {
                out.insert(line.entity.name());
            }
        }
        Self { all, out }
    }

    /// How many there are, where the bundle lists any.
    fn number(&self) -> Option<u64> {
        (!self.all.is_empty()).then_some(self.all.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{catalog, facts_of, shown};
    use super::*;
    use crate::base::lang::Lang;

    const KIND: &str = "scheduler-trace/nodes-without-reason";
    const KEYS: &[&str] = &["stated", "total", "without", "reasons", "why"];
    const NODES: &str = "\
NAME   STATUS                     ROLES    AGE   VERSION
n1     Ready                      <none>   9d    v1.8.4
n2     Ready                      <none>   9d    v1.8.4
n3     Ready                      <none>   9d    v1.8.4
n4     NotReady                   <none>   9d    v1.8.4
n5     Ready,SchedulingDisabled   <none>   9d    v1.8.4
";

    fn events(message: &str) -> String {
        format!(
            "NAMESPACE   LAST SEEN   TYPE      REASON             OBJECT      MESSAGE\nshop        95s         Warning   FailedScheduling   pod/web-1   {message}\n"
        )
    }

    #[track_caller]
    fn case(files: &[(&str, &str)], expected: &[&str]) {
        assert_eq!(shown(&facts_of(files, KIND), KEYS), expected, "{files:?}");
    }

    #[test]
    fn parts_below_the_total() {
        case(
            &[(
                "kubectl/get-events.txt",
                &events(
                    "0/5 nodes are available: 3 Insufficient cpu. preemption: 0/5 nodes are available: 5 No preemption victims found for incoming pod.",
                ),
            )],
            &["pod/shop/web-1 stated=3 total=5 without=2 reasons=3 Insufficient cpu why=unsaid"],
        );
        let log = "I0607 16:32:00.000000       1 factory.go:1147] Unable to schedule shop web-1: no fit: 0/5 nodes are available: 1 Insufficient cpu, 2 node(s) had taints that the pod didn't tolerate.; waiting\n";
        case(
            &[
                ("cp1/kube-scheduler.log", log),
                ("kubectl/get-nodes.txt", NODES),
            ],
            &[
                "pod/shop/web-1 stated=3 total=5 without=2 reasons=1 Insufficient cpu; 2 node(s) had taints that the pod didn't tolerate why=unsaid",
            ],
        );
    }

    #[test]
    fn the_form_without_a_total_counts_the_nodes_of_the_bundle() {
        let old = events(
            "No nodes are available that match all of the predicates: Insufficient cpu (3).",
        );
        case(
            &[
                ("kubectl/get-events.txt", &old),
                ("kubectl/get-nodes.txt", NODES),
            ],
            &["pod/shop/web-1 stated=3 total=5 without=2 reasons=3 Insufficient cpu why=left-out"],
        );
        case(&[("kubectl/get-events.txt", &old)], &[]);
        let files = [
            ("kubectl/get-events.txt", old.as_str()),
            ("kubectl/get-nodes.txt", NODES),
        ];
        let facts = facts_of(&files, KIND);
        let title = |lang| {
            let value = |k: &str| match k {
                "entity" => Some("shop/web-1"),
                _ => facts.first()?.key(k),
            };
            catalog().get(KIND).map(|d| d.title(lang, value))
        };
        assert_eq!(
            title(Lang::En).as_deref(),
            Some(
                "3 of 5 nodes (those that the bundle lists) have a stated reason to refuse pod shop/web-1 (3 Insufficient cpu); 2 have none: not Ready or cordoned: n4, n5"
            )
        );
        assert_eq!(
            title(Lang::Zh).as_deref(),
            Some(
                "5 个节点（资料包所列）中 3 个有拒绝 Pod shop/web-1 的明确原因（3 Insufficient cpu）；另 2 个没有：未就绪或被封锁：n4, n5"
            )
        );
    }

    #[test]
    fn silent_where_every_node_may_have_a_reason() {
        for message in [
            "0/5 nodes are available: 3 Insufficient cpu, 2 node(s) had taint {dedicated: batch}, that the pod didn't tolerate.",
            // One node for two reasons.
            "0/5 nodes are available: 5 Insufficient cpu, 5 Insufficient memory.",
            // Reasons of the pod itself are those of every node.
            "0/5 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/5 nodes are available: 5 Preemption is not helpful for scheduling.",
            "persistentvolumeclaim \"data\" not found",
            "skip schedule deleting pod: shop/web-1",
        ] {
            let events = events(message);
            case(
                &[
                    ("kubectl/get-events.txt", &events),
                    ("kubectl/get-nodes.txt", NODES),
                ],
                &[],
            );
        }
    }

    #[test]
    fn reasons_of_a_message() {
        let wording = Wording {
            ends: vec![". ", ".; ", "; "],
            cut: "...",
        };
        let of = |text: &str| {
            wording.count(text).map(|c| {
                let reasons: Vec<String> =
                    c.reasons.iter().map(|(r, n)| format!("{n}×{r}")).collect();
                (reasons.join(" | "), c.cut)
            })
        };
        let is = |text: &str, cut: bool| Some((text.to_owned(), cut));
        assert_eq!(
            of(
                "1 node(s) had untolerated taint {a.b/c: }, 2 Insufficient cpu. preemption: 0/3 nodes are available: 3 No preemption victims found..."
            ),
            is(
                "1×node(s) had untolerated taint {a.b/c: } | 2×Insufficient cpu",
                false
            )
        );
        assert_eq!(
            of("1 node(s) had taint {a: }, that the pod didn't tolerate, 2 Insufficient ..."),
            is(
                "1×node(s) had taint {a: }, that the pod didn't tolerate | 2×Insufficient",
                true
            )
        );
        assert_eq!(
            of("Insufficient cpu (3), NoDiskConflict (2).; waiting"),
            is("3×Insufficient cpu | 2×NoDiskConflict", false)
        );
        assert_eq!(of("pod has unbound claims. 3 x"), None);
    }
}
