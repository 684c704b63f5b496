//! `df`: how full file systems are, in bytes and in inodes.
//!
//! `/dev/vda        252G   24G   68G  26% /var/lib/kubelet`. A long device name stands on a line of its own.

use crate::model::{Component, Entity};
use crate::parse::state::sink::{Chunk, Sink, Text, name};

/// Whether a line is the header.
pub(in crate::parse::state) fn is_header(line: &str) -> bool {
    line.starts_with("Filesystem") && line.contains("Mounted on")
}

/// Says every file system.
pub(in crate::parse::state) fn read(sink: &mut Sink<'_>, chunk: Chunk<'_>) {
    let mut inodes: Option<bool> = None;
    for line in chunk.lines() {
        let text = line.text.trim_end();
        if is_header(text) {
            inodes = Some(text.contains("Inodes") || text.contains("IUse%"));
            continue;
        }
        let Some(inodes) = inodes else { continue };
        let words: Vec<&str> = text.split_whitespace().collect();
        // The share in use is the only cell with a percent sign; what follows it is the mount point.
        let Some(share) = words.iter().position(|w| {
            w.strip_suffix('%')
                .is_some_and(|n| n == "-" || n.bytes().all(|b| b.is_ascii_digit()))
        }) else {
            continue;
        };
        let back = |n: usize| {
            share
                .checked_sub(n)
                .and_then(|at| words.get(at))
                .copied()
                .unwrap_or_default()
        };
        let mount = words
            .get(share.saturating_add(1)..)
            .unwrap_or_default()
            .join(" ");
        if mount.is_empty() {
            continue;
        }
        let of = Entity::new("filesystem", &name(&mount));
        let [used, available, size] = if inodes {
            ["inodes-use", "inodes-available", "inodes"]
        } else {
            ["use", "available", "size"]
        };
        let text = Text::of(&of)
            .field(used, back(0))
            .field(available, back(1))
            .field(size, back(3));
        sink.say(Component::HOST, &of, line.at, text);
    }
}
