//! Names the machine of host outputs and dumps that nothing in them names, from what lies beside them.
//!
//! A process list that has the kubelet under the pid which a journal of `worker-17` prints (`worker-17 kubelet[8031]:`)
//! is of that machine. What is still nameless then is of the machine that all others in the nearest folder around it
//! are of: a collector puts what it took from one machine into one folder, and another cluster's logs beside that folder
//! change nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::machines::place;
use super::observe::Observation;
use super::transcript;
use crate::model::{Component, SourceKind};

/// Pids below it repeat between machines and containers.
const TELLING_PID: u64 = 100;

/// Names the machines of sources that have none.
pub(super) fn name(observations: &mut [Observation]) {
    for way in [by_pids, by_folder] {
        for (i, node) in way(observations) {
            let Some(o) = observations.get_mut(i) else {
                continue;
            };
            for fact in &mut o.facts {
                place(fact, &node);
            }
            o.source.scope.node = Some(node);
        }
    }
}

/// Process lists, by the pids that logs of known machines print.
fn by_pids(observations: &[Observation]) -> Vec<(usize, String)> {
    let mut lives: BTreeMap<(u64, Component), BTreeSet<&str>> = BTreeMap::new();
    for o in observations {
        let component = &o.source.scope.component;
        if !component.is_node_local() || o.source.kind != SourceKind::Log {
            continue;
        }
        for life in o.lives.iter().filter(|l| l.pid >= TELLING_PID) {
            if let Some(node) = life.node.as_ref().or(o.source.scope.node.as_ref()) {
                lives
                    .entry((life.pid, component.clone()))
                    .or_default()
                    .insert(node);
            }
        }
    }
    let of = |o: &Observation| -> Option<String> {
        let mut nodes: BTreeSet<&str> = BTreeSet::new();
        for row in o
            .states
            .iter()
            .filter(|s| s.component == Component::PROCESS)
        {
            let (Some(pid), Some(program)) = (field(&row.text, "pid="), field(&row.text, "comm="))
            else {
                continue;
            };
            let component = Component::of_program(program);
            let known = component.zip(pid.parse().ok());
            nodes.extend(
                known
                    .and_then(|(c, pid)| lives.get(&(pid, c)))
                    .into_iter()
                    .flatten(),
            );
        }
        match nodes.into_iter().collect::<Vec<_>>().as_slice() {
            [only] => Some((*only).to_owned()),
            _ => None,
        }
    };
    observations
        .iter()
        .enumerate()
        .filter(|(_, o)| o.source.scope.node.is_none() && o.source.kind == SourceKind::Processes)
        .filter_map(|(i, o)| Some((i, of(o)?)))
        .collect()
}

/// The value of a field of a state line.
fn field<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    text.split(' ').find_map(|f| f.strip_prefix(name))
}

/// What is of some machine, by the machine of everything else in the nearest folder around it that names one.
fn by_folder(observations: &[Observation]) -> Vec<(usize, String)> {
    let mut nodes: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for o in observations.iter().filter(|o| is_of_a_machine(o)) {
        let Some(node) = &o.source.scope.node else {
            continue;
        };
        for folder in folders(&o.source.path) {
            nodes.entry(folder).or_default().insert(node);
        }
    }
    observations
        .iter()
        .enumerate()
        .filter(|(_, o)| o.source.scope.node.is_none() && is_of_a_machine(o))
        .filter_map(|(i, o)| {
            let around = folders(&o.source.path).find_map(|f| nodes.get(f))?;
            match around.iter().collect::<Vec<_>>().as_slice() {
                [only] => Some((i, (**only).to_owned())),
                _ => None,
            }
        })
        .collect()
}

fn is_of_a_machine(o: &Observation) -> bool {
    let component = &o.source.scope.component;
    component.is_node_local()
        || matches!(o.source.kind, SourceKind::Processes | SourceKind::Host)
            && !transcript::names_machines(&o.source)
        || (o.source.kind == SourceKind::Goroutines && component.is_unknown())
}

/// The folders around a file, the nearest first.
fn folders(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices(['/', '!'])
        .map(|(at, _)| path.get(..at).unwrap_or(""))
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .filter(|f| !f.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;
    use crate::extract::observe;
    use crate::input::Found;

    fn named(files: &[(&str, &str)]) -> Vec<Option<String>> {
        let catalog = Catalog::builtin().unwrap();
        let mut all: Vec<Observation> = files
            .iter()
            .map(|(path, text)| {
                let found = Found::named(String::from(*path));
                observe(&catalog, &found, &mut text.as_bytes())
            })
            .collect();
        name(&mut all);
        all.into_iter().map(|o| o.source.scope.node).collect()
    }

    const PS: &str = "USER       PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\nroot         1  0.0  0.1   1000  1000 ?        Ss   10:00   0:01 /sbin/init\nroot      8031  3.0  0.9 170285 15571 ?        Ssl  10:00   1:44 /usr/bin/kubelet --config=/x\n";
    const ONE: &str = "Jun 22 10:00:01 worker-1 kubelet[8031]: I0622 10:00:01.000000    8031 server.go:1] Started kubelet\nJun 22 10:00:02 worker-1 kubelet[8031]: I0622 10:00:02.000000    8031 server.go:2] Starting\n";
    const TWO: &str = "Jun 22 10:00:01 worker-2 kubelet[702]: I0622 10:00:01.000000    702 server.go:1] Started kubelet\nJun 22 10:00:02 worker-2 kubelet[702]: I0622 10:00:02.000000    702 server.go:2] Starting\n";

    #[test]
    fn a_process_list_is_of_the_machine_whose_journal_prints_its_pids() {
        let files = [
            ("a/logs/kubelet-1.log", ONE),
            ("a/logs/kubelet-2.log", TWO),
            ("a/status/ps.txt", PS),
        ];
        assert_eq!(named(&files).pop().unwrap().as_deref(), Some("worker-1"));
        let neither = [
            ("a/logs/kubelet-1.log", &ONE.replace("8031", "77")[..]),
            ("a/logs/kubelet-2.log", TWO),
            ("a/status/ps.txt", PS),
        ];
        assert_eq!(named(&neither).pop().unwrap(), None);
    }

    #[test]
    fn the_nearest_folder_of_one_machine_tells() {
        let dump = "goroutine 1 [select]:\nmain.main()\n\tx.go:1\n\ngoroutine 2 [select]:\nmain.f()\n\tx.go:2\n";
        let files = [
            ("b.tar!x/healthy/kubelet.log", TWO),
            ("b.tar!x/diag/logs/kubelet.log", ONE),
            ("b.tar!x/diag/agent-goroutines.txt", dump),
            ("b.tar!x/agent-goroutines.txt", dump),
        ];
        let nodes = named(&files);
        assert_eq!(nodes[2].as_deref(), Some("worker-1"));
        assert_eq!(nodes[3], None);
    }
}
