//! What to collect to follow a chain beyond its end: the table of asks, and the entry for an end.

use serde::Deserialize;

use super::chains::Teller;
use crate::model::waits::{Ask, Node};

/// All entries.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asks {
    peer: Vec<Peer>,
    process: Option<Entry>,
    end: Vec<End>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Peer {
    programs: Vec<String>,
    what: Text,
    command: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    kinds: Vec<String>,
    what: Text,
    command: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    what: Text,
    command: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Text {
    en: String,
    zh: String,
}

/// The entry for a name: the one that lists it, else the one for all others.
fn entry<'e, E>(all: &'e [E], names: fn(&E) -> &[String], name: &str) -> Option<&'e E> {
    all.iter()
        .find(|e| names(e).iter().any(|n| n == name))
        .or_else(|| all.iter().find(|e| names(e).is_empty()))
}

fn fill(what: &Text, command: &str, name: &str, pid: u64) -> Ask {
    // The name goes into a command to copy: nothing in it may mean something to a shell.
    let plain: String = name
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ' '))
        .collect();
    let put = |text: &str, name: &str| {
        text.replace("{name}", name)
            .replace("{pid}", &pid.to_string())
    };
    Ask {
        what: put(&what.en, name),
        what_zh: put(&what.zh, name),
        command: put(command, &plain),
    }
}

impl Teller<'_, '_> {
    /// What would show the next link.
    pub(super) fn ask(&self, end: usize) -> Option<Ask> {
        if let Some(behind) = self.behind(end) {
            // The stack of the thread is there: what its function waits for comes next.
            let found = behind.wait.ask.as_ref()?;
            return Some(fill(&found.what, &found.command, "", 0));
        }
        let asks = &self.knowledge.asks;
        match self.graph.nodes.get(end)? {
            Node::Peer { names, .. } => {
                let name = names.first()?;
                let shown = self
                    .views
                    .iter()
                    .any(|v| v.dump.process.as_deref() == Some(name));
                let found = entry(&asks.peer, |p| &p.programs, name).filter(|_| !shown)?;
                Some(fill(&found.what, &found.command, name, 0))
            }
            Node::Process(i) => {
                let row = self.host.processes.get(*i)?;
                let found = asks.process.as_ref()?;
                Some(fill(&found.what, &found.command, &row.comm, row.pid))
            }
            Node::End { dump, kind } => {
                let found = entry(&asks.end, |e| &e.kinds, kind)?;
                let name = self.process_name(*dump);
                Some(fill(&found.what, &found.command, &name, 0))
            }
            Node::Lock(_) | Node::Goroutine(..) => None,
        }
    }
}
