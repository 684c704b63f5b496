//! Directory listings: `ls -l /etc/cni/net.d`, where an empty directory is the finding.
//!
//! `-rw-r--r-- 1 root root  217 Nov 20 17:39 10-bridge.conflist`.

use crate::model::{Component, Entity};
use crate::parse::state::sink::{Chunk, Sink, Text, name};

/// Directories that a file name without slashes may mean.
const KNOWN: [&str; 6] = [
    "/etc/cni/net.d",
    "/opt/cni/bin",
    "/var/lib/cni/networks",
    "/etc/kubernetes/manifests",
    "/etc/kubernetes/pki",
    "/var/lib/kubelet/pki",
];
/// Most names said of one directory.
const MAX_NAMES: usize = 24;

/// Whether a line is a row of a listing.
pub(in crate::parse::state) fn is_listing(line: &str) -> bool {
    let mode = line.split(' ').next().unwrap_or_default();
    mode.len() >= 10
        && mode.starts_with(['-', 'd', 'l', 's', 'c', 'b', 'p'])
        && mode
            .bytes()
            .take(10)
            .skip(1)
            .all(|b| matches!(b, b'r' | b'w' | b'x' | b'-' | b's' | b't' | b'S' | b'T'))
        && line.split_whitespace().count() >= 8
}

/// Says every directory listed; `hint` (a command or a path) names the first.
pub(in crate::parse::state) fn read(sink: &mut Sink<'_>, chunk: Chunk<'_>, hint: &str) {
    let mut dir = directory(hint);
    let mut at = None;
    let (mut count, mut names) = (0u64, Vec::new());
    for line in chunk.lines() {
        let text = line.text.trim_end();
        if let Some(path) = text.strip_suffix(':').filter(|p| p.starts_with('/')) {
            flush(sink, &dir, at.take(), &mut count, &mut names);
            path.clone_into(&mut dir);
        } else if text.starts_with("total ") {
            at = at.or(Some(line.at));
        } else if is_listing(text) {
            at = at.or(Some(line.at));
            // Mode, links, user, group, size, month, day, time: the name is the rest.
            let id = text
                .split_whitespace()
                .skip(8)
                .collect::<Vec<_>>()
                .join(" ");
            if !matches!(id.as_str(), "." | ".." | "") {
                count = count.saturating_add(1);
                if names.len() < MAX_NAMES {
                    names.push(id);
                }
            }
        }
    }
    flush(sink, &dir, at, &mut count, &mut names);
}

fn flush(
    sink: &mut Sink<'_>,
    dir: &str,
    at: Option<usize>,
    count: &mut u64,
    names: &mut Vec<String>,
) {
    let (count, names) = (std::mem::take(count), std::mem::take(names));
    if let Some(at) = at {
        let of = Entity::new("directory", &name(dir));
        let text = Text::of(&of)
            .field("entries", &count.to_string())
            .field("files", &names.join(","));
        sink.say(Component::HOST, &of, at, text);
    }
}

/// The directory that a command or a path speaks of.
fn directory(hint: &str) -> String {
    let argument = hint.split_whitespace().rev().find(|w| w.starts_with('/'));
    if let Some(path) = argument.filter(|_| hint.contains("ls ")) {
        return path.to_owned();
    }
    let base = hint.rsplit(['/', '!']).next().unwrap_or(hint);
    let flat: String = base.replace(['-', '_', '/'], "/");
    for known in KNOWN {
        if flat.contains(known.trim_start_matches('/')) {
            return known.to_owned();
        }
    }
    base.to_owned()
}
