//! Judges a complete dump: why it was printed, whose it is, whether it is whole.

use super::{era, peel};
use crate::base::time::RawStamp;
use crate::model::dump::{Dump, DumpKind, Goroutine};
use crate::model::function::Function;

/// Frames that only one program has. The first mark that any frame bears decides: a single binary that holds many
/// components (k3s) before its components.
const MARKS: [(&str, &str); 11] = [
    ("github.com/k3s-io/k3s/", "k3s"),
    ("github.com/rancher/k3s/", "k3s"),
    ("k8s.io/kubernetes/pkg/kubelet.", "kubelet"),
    ("k8s.io/kubernetes/cmd/kube-apiserver/", "kube-apiserver"),
    (
        "k8s.io/kubernetes/cmd/kube-controller-manager/",
        "kube-controller-manager",
    ),
    ("k8s.io/kubernetes/cmd/kube-scheduler/", "kube-scheduler"),
    ("github.com/docker/docker/daemon.", "dockerd"),
    (
        "github.com/containerd/containerd/cmd/containerd/",
        "containerd",
    ),
    (
        "github.com/containerd/containerd/v2/cmd/containerd/",
        "containerd",
    ),
    (
        "github.com/AliyunContainerService/terway/daemon.",
        "terwayd",
    ),
    ("go.etcd.io/etcd/server/", "etcd"),
];

/// Folders that name no program.
const GENERIC: [&str; 9] = [
    "src",
    "app",
    "main",
    "cmd",
    "server",
    "daemon",
    "build",
    "workspace",
    "",
];

/// Fills in what only the whole dump tells.
pub(super) fn judge(dump: &mut Dump, ended: bool) {
    dump.go = era::of(dump);
    let printer = dump.goroutines.first().copied();
    if let Some(g) = &printer {
        let (exit, requested) = printed_by(dump, g);
        dump.kind = match dump.kind {
            DumpKind::Plain | DumpKind::Exit if exit => DumpKind::Exit,
            // A klog fatal line that no klog frame follows announced something else.
            DumpKind::Plain | DumpKind::Exit if requested => DumpKind::Requested,
            DumpKind::Exit => DumpKind::Plain,
            other => other,
        };
        if dump.kind == DumpKind::Plain && dump.goroutines.len() == 1 && dump.state(g) == "running"
        {
            dump.kind = DumpKind::Stack;
        }
    }
    if dump.process.is_none() {
        dump.process = program(dump);
    }
    let begun_in_log = dump.prelude.iter().any(|q| q.text.starts_with("=== BEGIN"));
    let no_main = dump.kind.is_whole()
        && dump.goroutines.len() > 3
        && !dump.goroutines.iter().any(|g| g.id == 1);
    dump.partial |= no_main || (begun_in_log && !ended);
}

/// Whether klog's fatal path, or a handler of `SIGUSR1`, printed it.
fn printed_by(dump: &Dump, g: &Goroutine) -> (bool, bool) {
    let mut out = (false, false);
    for frame in dump.frames(g).iter().take(4) {
        let f = Function::split(dump.function(frame));
        out.0 |= f.method == "stacks" && f.package.contains("log")
            || f.package.ends_with("klog/v2/internal/dbg");
        out.1 |= matches!(
            f.method,
            "dumpStacks" | "DumpStacks" | "WriteGoroutineStacksTo"
        );
    }
    out
}

/// The program: a frame that only one program has, else the folder of `main.main`.
fn program(dump: &Dump) -> Option<String> {
    let mut seen = rustc_hash::FxHashSet::default();
    let mut mark: Option<usize> = None;
    let mut main = None;
    for frame in dump.goroutines.iter().flat_map(|g| dump.frames(g)) {
        if !seen.insert(frame.site) {
            continue;
        }
        let name = dump.function(frame);
        if name == "main.main" && main.is_none() {
            main = Some(dump.stacks.location(frame.site));
        }
        let here = MARKS
            .iter()
            .position(|(prefix, _)| name.starts_with(prefix));
        mark = mark.into_iter().chain(here).min();
    }
    if let Some((_, program)) = mark.and_then(|i| MARKS.get(i)) {
        return Some((*program).to_owned());
    }
    let name = main?.rsplit('/').skip(1).find(|p| !GENERIC.contains(p))?;
    Some(name.split('@').next().unwrap_or(name).to_owned())
}

/// When a dump was taken, from the name of its file
/// (`goroutine-stacks-2026-11-20T170125Z.log`, `crio-goroutine-stacks-2026-11-20T170125+0800.log`).
pub fn time_in_name(path: &str) -> Option<RawStamp> {
    let name = path.rsplit(['/', '!']).next()?;
    let start = name.find("goroutine-stacks-")? + "goroutine-stacks-".len();
    peel::dated(name.as_bytes().get(start..)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_dump_files_carry_the_time() {
        let utc = time_in_name("a.tgz!x/goroutine-stacks-2026-11-20T170125Z.log");
        assert_eq!(
            utc,
            time_in_name("goroutine-stacks-2026-11-21T010125+0800.log")
        );
        assert!(utc.is_some());
        assert_eq!(time_in_name("dumps/kubelet.txt"), None);
    }
}
