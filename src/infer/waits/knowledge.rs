//! What is known about stacks, as data: which wait is idleness, which call goes to whom, who holds which lock.
//!
//! The tables are in `src/catalog/goroutines/*.toml`. Functions are matched in a normal form
//! (`package.Type.Method`, no pointers, closures, type arguments, major versions) by their ends, so that vendored,
//! renamed and newer import paths match too.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::asks::Asks;
use super::kernel::KernelWaits;
use crate::model::function::Function;

/// All tables.
#[derive(Debug, Default)]
pub(super) struct Knowledge {
    /// Idle if the innermost telling frame matches.
    pub idle_at: Patterns,
    /// Idle if any frame matches and nothing further in tells more.
    pub idle_in: Patterns,
    /// Handles requests.
    pub serving: Patterns,
    pub loops: Loops,
    services: BTreeMap<String, Service>,
    rpc: Vec<Rpc>,
    spawns: Vec<Spawned>,
    pub ends: Vec<End>,
    pub end_at: Patterns,
    pub sections: Vec<Section>,
    pub holders: Patterns,
    pub queuers: Patterns,
    /// Functions that only pass a lock on.
    pub wrappers: Patterns,
    pub asks: Asks,
    pub kernel: KernelWaits,
}

/// Methods in which a service loop rests.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Loops {
    pub states: Vec<String>,
    pub methods: Vec<String>,
}

/// One RPC service and the program behind it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Service {
    name: String,
    #[serde(default)]
    pub peer: Vec<String>,
    pub fact: Option<String>,
    /// Methods that return only when what they watch ends.
    #[serde(default)]
    pub lasting: Vec<String>,
    /// Methods that take minutes in good health.
    #[serde(default)]
    pub slow: Vec<String>,
    #[serde(default)]
    pub child: Vec<Child>,
}

/// The process that the other side runs for a call.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Child {
    pub method: String,
    pub process: String,
    pub word: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rpc {
    program: String,
    peer: String,
}

/// A short-lived program that functions run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Spawned {
    frames: Vec<String>,
    /// Part of its command line.
    pub program: String,
    /// It is the whole name of the process.
    #[serde(default)]
    pub named: bool,
    /// It may be the child of another process.
    #[serde(default)]
    pub anywhere: bool,
}

/// A call that leaves the process.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct End {
    pub kind: String,
    pub fact: Option<String>,
    /// The frames are methods of a client of this service.
    pub call: Option<String>,
    /// The frames are of an RPC library: a client method further out names the call.
    #[serde(default)]
    pub rpc: bool,
    /// Waiting for it is no trouble by itself, only if somebody waits behind: a supervisor waits for its child as long
    /// as both live, a long poll for an answer.
    #[serde(default)]
    pub patient: bool,
    frames: Vec<String>,
}

/// A known critical section.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Section {
    pub lock: String,
    pub why: String,
    holders: Vec<String>,
    waiters: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct IdleFile {
    at: Vec<String>,
    r#in: Vec<String>,
    serving: Vec<String>,
    loops: Loops,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct CallsFile {
    spawns: Vec<Spawned>,
    service: Vec<Service>,
    rpc: Vec<Rpc>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct EndsFile {
    end: Vec<End>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SectionsFile {
    wrappers: Vec<String>,
    section: Vec<Section>,
}

impl Knowledge {
    /// The built-in tables. That they are well formed is proved by a test.
    pub(super) fn builtin() -> Self {
        Self::read().unwrap_or_default()
    }

    fn read() -> Result<Self, toml::de::Error> {
        let idle: IdleFile = toml::from_str(include_str!("../../catalog/goroutines/idle.toml"))?;
        let calls: CallsFile = toml::from_str(include_str!("../../catalog/goroutines/calls.toml"))?;
        let ends: EndsFile = toml::from_str(include_str!("../../catalog/goroutines/ends.toml"))?;
        let sections: SectionsFile =
            toml::from_str(include_str!("../../catalog/goroutines/sections.toml"))?;
        let asks = toml::from_str(include_str!("../../catalog/goroutines/asks.toml"))?;
        let mut out = Self {
            asks,
            loops: idle.loops,
            services: calls
                .service
                .into_iter()
                .map(|s| (s.name.clone(), s))
                .collect(),
            rpc: calls.rpc,
            spawns: calls.spawns,
            kernel: KernelWaits::builtin(),
            ..Self::default()
        };
        for p in &idle.at {
            out.idle_at.add(p, 0);
        }
        for p in &idle.r#in {
            out.idle_in.add(p, 0);
        }
        for p in &idle.serving {
            out.serving.add(p, 0);
        }
        for (i, end) in ends.end.iter().enumerate() {
            for p in &end.frames {
                out.end_at.add(p, i);
            }
        }
        for p in &sections.wrappers {
            out.wrappers.add(p, 0);
        }
        for (i, s) in sections.section.iter().enumerate() {
            for p in &s.holders {
                out.holders.add(p, i);
            }
            for p in &s.waiters {
                out.queuers.add(p, i);
            }
        }
        out.ends = ends.end;
        out.sections = sections.section;
        Ok(out)
    }

    pub(super) fn service(&self, name: &str) -> Option<&Service> {
        self.services.get(name)
    }

    /// The short-lived program that a function (in normal form) runs.
    pub(super) fn spawned(&self, function: &str) -> Option<&Spawned> {
        self.spawns
            .iter()
            .find(|s| s.frames.iter().any(|part| function.contains(part)))
    }

    /// The daemon that a program talks to with net/rpc.
    pub(super) fn rpc_peer(&self, program: &str) -> Option<&str> {
        self.rpc
            .iter()
            .find(|r| r.program == program)
            .map(|r| &*r.peer)
    }
}

/// Function patterns, found by their last path element.
#[derive(Debug, Default)]
pub(super) struct Patterns(BTreeMap<String, Vec<(String, usize)>>);

impl Patterns {
    fn add(&mut self, pattern: &str, value: usize) {
        let full = unversioned(pattern);
        let key = last(&full).to_owned();
        self.0.entry(key).or_default().push((full, value));
    }

    /// The value of the pattern that the normal form `name` ends with.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.exact(name).or_else(|| {
            let (head, _) = name.rsplit_once('.')?;
            self.exact(&format!("{head}.*"))
        })
    }

    fn exact(&self, name: &str) -> Option<usize> {
        self.0
            .get(last(name))?
            .iter()
            .find(|(full, _)| {
                name.strip_suffix(full.as_str())
                    .is_some_and(|before| before.is_empty() || before.ends_with('/'))
            })
            .map(|(_, v)| *v)
    }
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// `package.Type.Method` of a function as a dump prints it.
pub(super) fn normal(function: &Function<'_>) -> String {
    let package = unversioned(function.package);
    let sep = if package.is_empty() { "" } else { "." };
    if function.receiver.is_empty() {
        format!("{package}{sep}{}", function.method)
    } else {
        format!("{package}{sep}{}.{}", function.receiver, function.method)
    }
}

/// The normal form of a function as a dump prints it.
pub(super) fn normal_name(function: &str) -> String {
    normal(&Function::split(function))
}

/// Without a major version as the last path element: `godbus/dbus/v5.Object.Call`, `klog/v2`.
fn unversioned(path: &str) -> String {
    let slash = path.rfind('/').unwrap_or(0);
    let Some(tail) = path.get(slash + 1..).and_then(|t| t.strip_prefix('v')) else {
        return path.to_owned();
    };
    let digits = tail
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(tail.len());
    let after = tail.get(digits..).unwrap_or("");
    if digits == 0 || !(after.is_empty() || after.starts_with('.')) {
        return path.to_owned();
    }
    format!("{}{after}", path.get(..slash).unwrap_or(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_well_formed() {
        let k = Knowledge::read().unwrap();
        assert!(k.ends.len() > 5 && k.sections.len() > 3);
        assert!(k.service("RuntimeService").is_some());
        for end in &k.ends {
            if let Some(call) = &end.call {
                assert!(k.service(call).is_some(), "{call}");
            }
        }
    }

    #[track_caller]
    fn case(name: &str, expected: &str) {
        assert_eq!(normal(&Function::split(name)), expected);
    }

    #[test]
    fn functions_in_normal_form() {
        case(
            "github.com/godbus/dbus/v5.(*Object).Call",
            "github.com/godbus/dbus.Object.Call",
        );
        case(
            "k8s.io/klog/v2.(*flushDaemon).run.func1",
            "k8s.io/klog.flushDaemon.run",
        );
        case(
            "k8s.io/client-go/util/workqueue.(*Typed[...]).Get",
            "k8s.io/client-go/util/workqueue.Typed.Get",
        );
        case("os/exec.(*Cmd).Wait", "os/exec.Cmd.Wait");
        case("main.main.func1", "main.main");
    }

    #[test]
    fn patterns_match_whole_path_elements() {
        let k = Knowledge::builtin();
        let end = |name: &str| k.end_at.find(name).map(|i| &*k.ends[i].kind);
        assert_eq!(end("os/exec.Cmd.Wait"), Some("child-process"));
        assert_eq!(end("github.com/x/myos/exec.Cmd.Wait"), None);
        assert_eq!(
            end("github.com/docker/docker/client.Client.ContainerInspect"),
            Some("docker-api")
        );
        assert_eq!(
            end("github.com/vishvananda/netlink/nl.NetlinkSocket.Receive"),
            Some("netlink")
        );
        assert!(
            k.idle_at
                .find("github.com/containerd/containerd/metrics/cgroups.oomCollector.start")
                .is_some()
        );
    }
}
