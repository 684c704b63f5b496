//! What is this file: its kind, its layers of format, whose it is, its encoding; from its first bytes and its path.
//!
//! `Nov 20 17:02:26 node1 kubelet[86]: I1120 17:02:26.164562 …` in `foo.txt` is a log of the kubelet on node1. Content wins
//! over the name; what a file says about the cluster is not read here.

mod command;
mod component;
mod content;
mod encoding;
mod path;

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::log;
use super::margin::Margin;
use super::unfold::{self, Unfolder};
use crate::model::{Component, Scope, SourceKind};
use component::Votes;
pub use encoding::Encoding;

/// Lines looked at.
const LINES: usize = 400;

/// What a file was taken for.
#[derive(Clone, Debug)]
pub struct Sniff {
    /// What it is.
    pub kind: SourceKind,
    /// Layers of format of most of its lines, from the outside in.
    pub formats: Vec<&'static str>,
    /// Whose it is.
    pub scope: Scope,
    /// Why: one sentence.
    pub why: String,
    /// How its bytes are to be read.
    pub encoding: Encoding,
    /// At which depth of a JSON document its log entries stand.
    pub unfold: Option<usize>,
    /// What a paste put before each of its lines.
    pub margin: Option<Margin>,
    /// The path that all rotated parts of the same log share (its own, when it is not a part).
    pub series: String,
}

/// Takes a file for what its first bytes (at most 64 KiB, decompressed) and its path show.
pub fn sniff(path: &str, head: &[u8]) -> Sniff {
    let mut sniff = behind_margin(path, head);
    if matches!(sniff.kind, SourceKind::Log | SourceKind::Text)
        && sniff.scope.pod.is_none()
        && let Some(asked) = command::pod_of_logs(head)
    {
        if sniff.scope.component.is_unknown() {
            sniff.scope.component = Component::named("app");
        }
        sniff.scope.namespace = asked.namespace;
        sniff.scope.pod = Some(asked.pod);
        sniff.scope.container = asked.container;
        sniff.why.push_str("; its pod by the command above it");
    }
    sniff
}

/// Takes a text for what stands behind the margin of a paste, where only that shows it.
fn behind_margin(path: &str, head: &[u8]) -> Sniff {
    let plain = look(path, head);
    let unclear =
        plain.kind == SourceKind::Text || plain.kind == SourceKind::Log && plain.formats.is_empty();
    if !unclear {
        return plain;
    }
    let text = encoding::decode(head, plain.encoding);
    let Some(margin) = Margin::of(&text) else {
        return plain;
    };
    let mut inner = look(path, &margin.strip_all(&text));
    let clear = match inner.kind {
        SourceKind::Text | SourceKind::Empty | SourceKind::Binary => margin == Margin::Frame,
        SourceKind::Log => !inner.formats.is_empty() || margin == Margin::Frame,
        _ => true,
    };
    if !clear || inner.unfold.is_some() {
        return plain;
    }
    inner.encoding = plain.encoding;
    inner.margin = Some(margin);
    inner
        .why
        .push_str(", behind a margin that all its lines have");
    inner
}

fn look(path: &str, head: &[u8]) -> Sniff {
    let mut sniff = Sniff {
        kind: SourceKind::Text,
        formats: Vec::new(),
        scope: path::scope(path),
        why: String::new(),
        encoding: Encoding::Utf8,
        unfold: None,
        margin: None,
        series: path::series(path),
    };
    if head.trim_ascii().is_empty() {
        return sniff.verdict(SourceKind::Empty, "there is nothing in it");
    }
    if let Some(name) = encoding::magic(head) {
        return sniff.verdict(
            SourceKind::Binary,
            &format!("its first bytes are those of: {name}"),
        );
    }
    sniff.encoding = encoding::detect(head);
    let text = encoding::decode(head, sniff.encoding);
    if encoding::is_binary(&text) {
        return sniff.verdict(SourceKind::Binary, "too many of its bytes are no text");
    }
    sniff.unfold = unfold::level(&text);
    let text = match sniff.unfold {
        Some(level) => {
            let mut lines = Vec::new();
            Unfolder::new(level).feed(&text, &mut lines);
            Cow::Owned(lines)
        }
        None => text,
    };
    let lines: Vec<&[u8]> = text
        .split(|c| *c == b'\n')
        .map(|l| l.strip_suffix(b"\r").unwrap_or(l))
        .map(without_zeros)
        .filter(|l| !l.trim_ascii().is_empty())
        .take(LINES)
        .collect();
    let sample = Sample::of(&lines);
    if let Some(why) = goroutines(&lines, &sample) {
        sniff.scope.node = sniff.scope.node.or_else(|| path::dump_node(path));
        if sniff.scope.component.is_unknown() {
            sniff.scope.component = dumped(&lines);
        }
        return sniff.verdict(SourceKind::Goroutines, why);
    }
    if lines
        .first()
        .is_some_and(|l| l.starts_with(b"==== START logs "))
    {
        sniff.scope.component = Component::UNKNOWN;
        return sniff.verdict(
            SourceKind::Log,
            "it is a stream of pod logs with START and END lines",
        );
    }
    if lines.iter().any(|l| is_kubeadm(l)) {
        sniff.formats = sample.formats();
        return sniff.verdict(SourceKind::Log, "kubeadm names its phases in it");
    }
    // A YAML dump within a log comes after its first line; a log line comes first in no object.
    if !sample.first_is_log
        && let Some((kind, why)) = content::whole(&lines)
    {
        return sniff.other(kind, why);
    }
    if sample.is_log() && !sample.is_client(&lines) {
        return sniff.log(&sample, &lines);
    }
    if let Some((kind, why)) = content::somewhere(&lines) {
        return sniff.other(kind, why);
    }
    if is_log_name(path) {
        sniff.formats = sample.formats();
        return sniff.log(&sample, &lines);
    }
    sniff.verdict(SourceKind::Text, "no format claims it")
}

/// A line of kubeadm's own output, which has no time and no level.
fn is_kubeadm(line: &[u8]) -> bool {
    const PHASES: [&[u8]; 5] = [
        b"[preflight] ",
        b"[kubelet-start] ",
        b"[kubelet-check] ",
        b"[discovery] ",
        b"error execution phase ",
    ];
    PHASES.iter().any(|p| line.starts_with(p))
}

/// The machine that a virtual path names: `bundle/nodes/n1/kubelet.log` is of n1.
pub fn machine_of(path: &str) -> Option<String> {
    path::scope(path).node
}

/// Blocks of zeros, which a crash leaves, are no part of a line.
fn without_zeros(line: &[u8]) -> &[u8] {
    let zeros = line.iter().take_while(|c| **c == 0).count();
    line.get(zeros..).unwrap_or_default()
}

/// Whether the name says log.
fn is_log_name(path: &str) -> bool {
    let file = path.rsplit(['/', '!']).next().unwrap_or(path);
    let series = path::series(file);
    let extension = std::path::Path::new(&series).extension();
    extension.is_some_and(|e| e.eq_ignore_ascii_case("log"))
        || series.contains(".log.")
        || matches!(&*series, "logs.txt" | "messages" | "syslog")
}

impl Sniff {
    fn verdict(mut self, kind: SourceKind, why: &str) -> Self {
        self.kind = kind;
        why.clone_into(&mut self.why);
        self
    }

    /// Not a log: the writer is a pseudo component.
    fn other(mut self, kind: SourceKind, why: &str) -> Self {
        self.scope.component = match kind {
            SourceKind::Objects | SourceKind::Describe => Component::OBJECT,
            SourceKind::Table => Component::KUBECTL,
            SourceKind::Processes => Component::PROCESS,
            SourceKind::Certificates => Component::CERTIFICATE,
            _ => Component::HOST,
        };
        self.verdict(kind, why)
    }

    fn log(mut self, sample: &Sample, lines: &[&[u8]]) -> Self {
        self.formats = sample.formats();
        let (component, by) = sample.votes.decide(&self.scope.component);
        self.scope.component = component;
        if let Some(host) = sample.host() {
            self.scope.node = Some(host);
        } else if sample.hosts.len() > 1 {
            self.scope.node = None;
        } else if self.scope.node.is_none() {
            self.scope.node = lines
                .iter()
                .find_map(|l| l.strip_prefix(b"Running on machine: "))
                .map(|h| String::from_utf8_lossy(h.trim_ascii()).into_owned());
        }
        let who = if self.scope.component.is_unknown() {
            String::new()
        } else {
            format!("; {} by {by}", self.scope.component)
        };
        let why = if self.formats.is_empty() {
            format!("its name says log and no other format claims it{who}")
        } else {
            let (strong, all, layers) = (sample.strong, lines.len(), self.formats.join(" around "));
            format!("{strong} of its first {all} lines are {layers}{who}")
        };
        self.verdict(SourceKind::Log, &why)
    }
}

/// What the first lines are as log lines.
#[derive(Debug, Default)]
struct Sample {
    /// How often each stack of formats occurs.
    stacks: BTreeMap<Vec<&'static str>, usize>,
    /// Lines of a format that only logs have.
    strong: usize,
    /// Lines with no more than a level or a date in front.
    weak: usize,
    /// Lines of a goroutine dump.
    frames: usize,
    total: usize,
    first_is_log: bool,
    hosts: BTreeMap<String, usize>,
    hosted: usize,
    votes: Votes,
}

impl Sample {
    fn of(lines: &[&[u8]]) -> Self {
        let mut sample = Self::default();
        for (at, line) in lines.iter().enumerate() {
            sample.total += 1;
            let payload = log::payload_of(line);
            if log::is_dump_line(payload) {
                sample.frames += 1;
                continue;
            }
            let formats = log::formats(line);
            let Some(last) = formats.last().copied() else {
                continue;
            };
            let record = log::record(line);
            if let Some(host) = record.host.as_deref() {
                sample.hosted += 1;
                if sample.hosts.len() < 64 || sample.hosts.contains_key(host) {
                    *sample.hosts.entry(host.to_owned()).or_default() += 1;
                }
            }
            sample.votes.count(&record, Some(last));
            if formats.len() == 1 && matches!(last, "leveled" | "dated") {
                sample.weak += 1;
            } else {
                sample.strong += 1;
                sample.first_is_log |= at == 0;
            }
            *sample.stacks.entry(formats).or_default() += 1;
        }
        sample
    }

    /// Klog of 3 % is enough: long messages and dumps dilute it.
    fn is_log(&self) -> bool {
        (self.strong > 0 && self.strong * 100 >= self.total * 3)
            || self.weak * 10 >= self.total * 3 && self.weak > 0
    }

    /// Whether the log lines are those of a kubectl that prints its warnings before its output.
    fn is_client(&self, lines: &[&[u8]]) -> bool {
        if self.strong * 2 > self.total && self.strong > 40 {
            return false;
        }
        let own: [&[u8]; 6] = [
            b" memcache.go:",
            b" cached_discovery.go:",
            b" warnings.go:",
            b" request.go:",
            b" round_trippers.go:",
            b" loader.go:",
        ];
        let of_client = lines
            .iter()
            .filter(|l| {
                let head = l.get(..l.len().min(80)).unwrap_or_default();
                own.iter().any(|o| memchr::memmem::find(head, o).is_some())
            })
            .count();
        of_client * 10 >= self.strong * 9 && content::somewhere(lines).is_some()
    }

    /// The commonest stack; one that reaches a payload is better than its wrapper alone.
    fn formats(&self) -> Vec<&'static str> {
        self.stacks
            .iter()
            .max_by_key(|(stack, n)| (**n * 4 * stack.len().min(3), stack.len()))
            .map(|(stack, _)| stack.clone())
            .unwrap_or_default()
    }

    /// The host that nearly all prefixed lines name.
    fn host(&self) -> Option<String> {
        let (host, n) = self.hosts.iter().max_by_key(|(_, n)| **n)?;
        (n * 20 >= self.hosted * 19).then(|| host.clone())
    }
}

/// Why a text is a goroutine dump: it begins as one, or nearly all lines are of one.
fn goroutines(lines: &[&[u8]], sample: &Sample) -> Option<&'static str> {
    let first = *lines.first()?;
    if first.starts_with(b"goroutine profile: total ") {
        return Some("it is a goroutine profile");
    }
    if first.starts_with(b"=== BEGIN goroutine stack dump") || first.starts_with(b"SIGQUIT: quit") {
        return Some("it begins with the marker of a goroutine dump");
    }
    if log::is_goroutine_header(first) {
        return Some("it begins with a goroutine header");
    }
    // A crash is a log entry that ends in a dump: the entry tells what happened.
    let crash = first.starts_with(b"panic: ") || first.starts_with(b"fatal error: ");
    (!crash && sample.strong == 0 && sample.frames * 10 >= sample.total * 8)
        .then_some("nearly all lines are goroutine headers and frames")
}

/// The program that a dump is of, from the functions of its own package.
fn dumped(lines: &[&[u8]]) -> Component {
    const PACKAGES: [(&[u8], &str); 8] = [
        (b"k8s.io/kubernetes/cmd/kubelet/app", "kubelet"),
        (b"k8s.io/kubernetes/pkg/kubelet", "kubelet"),
        (
            b"k8s.io/kubernetes/cmd/kube-controller-manager",
            "kube-controller-manager",
        ),
        (b"k8s.io/kubernetes/cmd/kube-apiserver", "kube-apiserver"),
        (b"k8s.io/kubernetes/cmd/kube-scheduler", "kube-scheduler"),
        (
            b"github.com/containerd/containerd/cmd/containerd/",
            "containerd",
        ),
        (b"github.com/docker/docker/daemon.", "dockerd"),
        (b"github.com/cri-o/cri-o/", "cri-o"),
    ];
    PACKAGES
        .iter()
        .find(|(package, _)| {
            lines
                .iter()
                .any(|l| memchr::memmem::find(l, package).is_some())
        })
        .map_or(Component::UNKNOWN, |(_, name)| Component::named(name))
}

#[cfg(test)]
mod tests;
