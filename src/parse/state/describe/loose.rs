//! Events without their object, as people paste them: the end of a `kubectl describe`, or some rows of
//! `kubectl get events` without the header.
//!
//! `Warning  FailedMount  3m2s (x10 over 45m)  kubelet, n1  Unable to attach or mount volumes: …`. All rows of a describe
//! are of one object: what one of them names, all are about.

use crate::model::Entity;
use crate::parse::state::say::{self, Event};
use crate::parse::state::sink::{Line, Sink, When, entity};
use crate::parse::state::stamp;
use crate::parse::state::tables::events::said_in;

/// One row, its words told apart.
struct Row<'t> {
    at: usize,
    kind: &'t str,
    reason: &'t str,
    age: stamp::EventAge,
    from: &'t str,
    message: &'t str,
    /// The object, where the row names it.
    object: Option<Entity>,
    /// Its namespace is nowhere said.
    assumed: bool,
}

/// Whether a line is such a row or the header above them.
pub(in crate::parse) fn is_row(line: &str) -> bool {
    is_header(line) || row(0, line).is_some()
}

/// `Type     Reason   Age   From   Message`, and with `FirstSeen`.
pub(in crate::parse) fn is_header(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    matches!(
        words.as_slice(),
        ["Type", "Reason", "Age", "From", "Message"]
            | [
                "FirstSeen",
                "LastSeen",
                "Count",
                "From",
                "SubObjectPath" | "SubobjectPath",
                "Type",
                "Reason",
                "Message"
            ]
    )
}

/// Says the events among lines that no object stands above; `asked`: the object that the command names.
pub(super) fn read(sink: &mut Sink<'_>, lines: &[Line<'_>], asked: Option<&Entity>) {
    // Two files of one name are not of one pod.
    let unknown = asked
        .cloned()
        .unwrap_or_else(|| entity("pod", "?", sink.path));
    let rows: Vec<Row<'_>> = lines.iter().filter_map(|l| row(l.at, &l.text)).collect();
    let named: Vec<Entity> = rows
        .iter()
        .filter(|r| r.object.is_none())
        .filter_map(|r| pod_in(r.message))
        .collect();
    // A block that names several pods is of several objects.
    let one = named
        .first()
        .filter(|first| named.iter().all(|n| n == *first))
        .cloned();
    for r in rows {
        if r.assumed {
            sink.assume(r.at);
        }
        let object = r
            .object
            .or_else(|| asked.cloned())
            .or_else(|| node_of(r.reason, r.message, r.from))
            .or_else(|| pod_in(r.message))
            .or_else(|| one.clone())
            .unwrap_or_else(|| unknown.clone());
        if let Some(node) = r
            .message
            .strip_prefix("Successfully assigned ")
            .and_then(|m| m.rsplit_once(" to "))
            .map(|(_, node)| node.trim())
        {
            sink.relate(&object, &entity("node", "", node), r.at);
        }
        let (from, host) = say::source(r.from);
        let event = Event {
            object,
            kind: r.kind,
            reason: r.reason,
            from,
            message: r.message,
            when: When {
                first: r.age.first,
                last: r.age.last,
                count: r.age.count.unwrap_or(1),
                host,
            },
        };
        say::event(sink, r.at, event);
    }
}

fn is_kind(word: &str) -> bool {
    matches!(word, "Normal" | "Warning")
}

/// `FailedMount`, `BackOff`.
fn is_reason(word: &str) -> bool {
    word.len() > 2
        && word.starts_with(|c: char| c.is_ascii_uppercase())
        && word.bytes().all(|c| c.is_ascii_alphanumeric())
        && !is_kind(word)
}

fn is_age(text: &str) -> bool {
    matches!(text, "<unknown>" | "<invalid>")
        || stamp::age(text.split(' ').next().unwrap_or_default()).is_some()
}

fn row(at: usize, line: &str) -> Option<Row<'_>> {
    // One look tells that most lines are none.
    if !line.contains("Warning") && !line.contains("Normal") {
        return None;
    }
    let text = line.trim().trim_start_matches("```");
    described(at, text)
        .or_else(|| old(at, text))
        .or_else(|| listed(at, text))
}

/// Cells told apart by a tab or more than one blank: the first ones, and the rest of the line; each with what stands from
/// it on.
fn cells(text: &str, most: usize) -> Vec<(&str, &str)> {
    let mut out = Vec::new();
    let mut rest = text.trim();
    while out.len() < most {
        let gap = rest.find("  ").into_iter().chain(rest.find('\t')).min();
        let Some(gap) = gap else { break };
        let (cell, tail) = rest.split_at(gap);
        out.push((cell, rest));
        rest = tail.trim_start();
    }
    out.push((rest, rest));
    out
}

/// `Warning  Failed  50s (x4 over 2m24s)  kubelet, n1  Failed to pull image …`.
fn described(at: usize, text: &str) -> Option<Row<'_>> {
    let parts = cells(text, 4);
    let [(kind, _), (reason, _), (age, _), tail @ ..] = parts.as_slice() else {
        return None;
    };
    if !is_kind(kind) || !is_reason(reason) || !is_age(age) {
        return None;
    }
    let (from, message) = match tail {
        [(from, _), (message, _)] if is_source(from) => (*from, *message),
        // The source is left out where nobody is named.
        [(_, message), ..] => ("", *message),
        [] => return None,
    };
    Some(Row {
        at,
        kind,
        reason,
        age: stamp::event_age(age),
        from,
        message,
        object: None,
        assumed: false,
    })
}

/// `kubelet`, `kubelet, n1`, `default-scheduler`; not `Error:`, the first word of a message that goes on behind two blanks.
fn is_source(text: &str) -> bool {
    let (program, host) = text.split_once(", ").unwrap_or((text, ""));
    let legal = |c: u8| c.is_ascii_alphanumeric() || b"-._/@".contains(&c);
    program.starts_with(|c: char| c.is_ascii_alphanumeric())
        && program.ends_with(|c: char| c.is_ascii_alphanumeric())
        && program.bytes().all(legal)
        && !host.contains(' ')
}

/// Up to 1.9: `4h  19s  564  kubelet, n1  spec.containers{web}  Warning  BackOff  Back-off …`.
fn old(at: usize, text: &str) -> Option<Row<'_>> {
    let parts = cells(text, 7);
    let kind = parts
        .iter()
        .position(|(c, _)| is_kind(c))
        .filter(|n| (4..=5).contains(n))?;
    let (cells, rests): (Vec<&str>, Vec<&str>) = parts.into_iter().unzip();
    let (first, last) = (cells.first()?, cells.get(1)?);
    let count = cells.get(2)?.parse().ok()?;
    if !is_age(first) || !is_age(last) {
        return None;
    }
    let reason = cells.get(kind + 1).filter(|r| is_reason(r))?;
    Some(Row {
        at,
        kind: cells.get(kind)?,
        reason,
        age: stamp::EventAge {
            first: stamp::age(first),
            last: stamp::age(last),
            count: Some(count),
        },
        from: cells.get(3)?,
        message: rests.get(kind + 2)?,
        object: None,
        assumed: false,
    })
}

/// A row of `kubectl get events`: `[shop]  8m23s  Warning  Failed  pod/web-1  Failed to pull image …`.
fn listed(at: usize, text: &str) -> Option<Row<'_>> {
    let mut rest = text;
    let mut next = || {
        rest = rest.trim_start();
        let end = rest.find(char::is_whitespace)?;
        let (word, tail) = rest.split_at(end);
        rest = tail;
        Some(word)
    };
    let mut age = next()?;
    let mut namespace = None;
    if !is_age(age) {
        namespace = Some(age);
        age = next()?;
    }
    let (kind, reason, object) = (next()?, next()?, next()?);
    let (of, name) = object.split_once('/')?;
    let plain = |s: &str| {
        s.bytes()
            .all(|c| c.is_ascii_alphanumeric() || b"-._".contains(&c))
    };
    if !is_age(age)
        || !is_kind(kind)
        || !is_reason(reason)
        || !plain(of)
        || !plain(name)
        || of.is_empty()
    {
        return None;
    }
    let said = match namespace {
        Some(namespace) => Some(say::event_object(of, namespace, name)),
        None => said_in(rest, of, name),
    };
    Some(Row {
        at,
        kind,
        reason,
        age: stamp::event_age(age),
        from: "",
        message: rest.trim(),
        assumed: said.is_none(),
        object: said.or_else(|| Some(say::event_object(of, "default", name))),
    })
}

/// The node that an event about a node names.
fn node_of(reason: &str, message: &str, from: &str) -> Option<Entity> {
    const OF_NODES: [&str; 14] = [
        "CIDRAssignmentFailed",
        "ContainerGCFailed",
        "EvictionThresholdMet",
        "FreeDiskSpaceFailed",
        "ImageGCFailed",
        "InvalidDiskCapacity",
        "KernelOops",
        "OOMKilling",
        "Rebooted",
        "RegisteredNode",
        "Starting",
        "SystemOOM",
        "TaskHung",
        "UnregisterNetDevice",
    ];
    if !reason.starts_with("NodeHas")
        && !reason.starts_with("NodeNot")
        && reason != "NodeReady"
        && !OF_NODES.contains(&reason)
    {
        return None;
    }
    let said = message
        .strip_prefix("Node ")
        .and_then(|m| m.split_once(" status is now: "))
        .map(|(node, _)| node);
    let node = said.or_else(|| from.split_once(", ").map(|(_, host)| host));
    Some(entity("node", "", node.unwrap_or("unknown").trim()))
}

/// The pod that a message names in full.
pub(in crate::parse) fn pod_in(message: &str) -> Option<Entity> {
    let behind = |mark: &str| message.split_once(mark).map(|(_, rest)| rest);
    let word = |rest: &str| -> Option<(String, String)> {
        // `web-1_shop(4f3c…)`, `web-1_shop`: a name of Kubernetes holds no underscore.
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_')))
            .unwrap_or(rest.len());
        let (name, namespace) = rest.get(..end)?.split_once('_')?;
        let namespace = namespace.split('_').next()?;
        (!name.is_empty() && !namespace.is_empty()).then(|| (namespace.to_owned(), name.to_owned()))
    };
    if let Some(rest) = behind("Successfully assigned ") {
        let object = rest.split(' ').next()?;
        let (namespace, name) = object.split_once('/').unwrap_or(("default", object));
        return Some(entity("pod", namespace, name));
    }
    // Name and namespace are told apart by an underscore.
    if !message.contains('_') {
        return None;
    }
    for mark in [
        "k8s_POD_",
        "with name \"k8s_",
        "with name k8s_",
        "pod name k8s_",
        "network sandbox k8s_",
        "sandbox name \"",
        "set up pod \"",
        "teardown pod \"",
        "for pod \"",
        " in pod ",
        " pod=",
    ] {
        if let Some((namespace, name)) = behind(mark).and_then(word) {
            return Some(entity("pod", &namespace, &name));
        }
    }
    // cri-o names them the other way round: `error adding pod shop_web-1 to CNI network`.
    let (first, second) = behind("adding pod ").and_then(word)?;
    Some(entity("pod", &second, &first))
}

#[cfg(test)]
mod tests {
    use crate::model::SourceKind;
    use crate::parse::sniff::sniff;
    use crate::parse::state::read;

    #[track_caller]
    fn case(text: &str, expected: &[&str]) {
        let sniffed = sniff("x/events.txt", text.as_bytes());
        assert_eq!(sniffed.kind, SourceKind::Describe, "{text}");
        let reading = read(sniffed.kind, "x/events.txt", text.as_bytes());
        let said: Vec<&str> = reading.lines.iter().map(|l| l.text.as_str()).collect();
        assert_eq!(said, expected);
    }

    #[test]
    fn the_end_of_a_describe() {
        case(
            "Events:\n  Type     Reason       Age                  From               Message\n  ----     ------       ----                 ----               -------\n  Normal   Scheduled    3m47s                default-scheduler  Successfully assigned shop/web-1 to n1\n  Warning  FailedMount  90s (x4 over 2m)     kubelet, n1        Unable to attach or mount volumes: x\n",
            &[
                "reason=Scheduled type=Normal object=pod/shop/web-1 from=default-scheduler message=Successfully assigned shop/web-1 to n1",
                "reason=FailedMount type=Warning object=pod/shop/web-1 from=kubelet message=Unable to attach or mount volumes: x",
            ],
        );
    }

    #[test]
    fn rows_alone_in_all_three_forms() {
        case(
            "Warning  FailedScheduling  <unknown>        0/4 nodes are available: 4 node(s) had volume node affinity conflict.\n",
            &[
                "reason=FailedScheduling type=Warning object=pod/?/x/events.txt message=0/4 nodes are available: 4 node(s) had volume node affinity conflict.",
            ],
        );
        case(
            "8m23s       Normal    Pulling               pod/web-1          Pulling image \"a/b:1\"\n11s   Warning FailedScheduling pod/nmap     0/20 nodes are available: 1 Insufficient cpu.\n",
            &[
                "reason=Pulling type=Normal object=pod/default/web-1 message=Pulling image \"a/b:1\"",
                "reason=FailedScheduling type=Warning object=pod/default/nmap message=0/20 nodes are available: 1 Insufficient cpu.",
            ],
        );
        // What a cell says may stand elsewhere in the row as well; a message may begin with a word alone.
        case(
            "Warning  Failed  50s  Error:  Failed  to pull\nWarning  FailedMount  50s  FailedMount of a  volume  of a pod\n",
            &[
                "reason=Failed type=Warning object=pod/?/x/events.txt message=Error: Failed to pull",
                "reason=FailedMount type=Warning object=pod/?/x/events.txt message=FailedMount of a volume of a pod",
            ],
        );
        case(
            "  4h\t\t19s\t\t564\tkubelet, n1\t\t\tWarning\tFailed\tError  then Error\n",
            &[
                "reason=Failed type=Warning object=pod/?/x/events.txt from=kubelet message=Error then Error",
            ],
        );
        case(
            "  4h\t\t19s\t\t564\tkubelet, n1\t\t\tWarning\t\tEvictionThresholdMet\tAttempting to reclaim nodefs\n",
            &[
                "reason=EvictionThresholdMet type=Warning object=node/n1 from=kubelet message=Attempting to reclaim nodefs",
            ],
        );
    }

    #[test]
    fn messages_name_the_pod() {
        for (message, expected) in [
            (
                "network for pod \"web-1\": NetworkPlugin cni failed to set up pod \"web-1_shop\" network: x",
                Some("pod/shop/web-1"),
            ),
            (
                "failed to reserve sandbox name \"web-1_shop_46f063f3-e6ef_0\" is reserved",
                Some("pod/shop/web-1"),
            ),
            (
                "error creating pod sandbox with name \"k8s_web-1_shop_23d28aab_0\": layer not known",
                Some("pod/shop/web-1"),
            ),
            (
                "error adding pod shop_web-1 to CNI network \"multus-cni-network\"",
                Some("pod/shop/web-1"),
            ),
            (
                "Unable to mount volumes for pod \"web-1_shop(3bf431e8)\": timeout",
                Some("pod/shop/web-1"),
            ),
            (
                "Back-off restarting failed container app in pod web-1_shop(4f3c0a52)",
                Some("pod/shop/web-1"),
            ),
            ("Pulling image \"a/b_c:1\"", None),
        ] {
            let found = super::pod_in(message).map(|e| e.as_str().to_owned());
            assert_eq!(found.as_deref(), expected, "{message}");
        }
    }

    #[test]
    fn a_table_with_its_header_is_a_table() {
        let text = "LAST SEEN   TYPE      REASON    OBJECT      MESSAGE\n95s         Warning   BackOff   pod/web-1   Back-off restarting failed container\n";
        assert_eq!(
            sniff("x/events.txt", text.as_bytes()).kind,
            SourceKind::Table
        );
    }

    #[test]
    fn sentences_are_no_rows() {
        for text in [
            "Warning  this is a sentence",
            "Normal operation resumed",
            "5m of Warning lights on/off again",
        ] {
            assert!(!super::is_row(text), "{text}");
        }
    }
}
