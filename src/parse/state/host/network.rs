//! Name servers, links and routes of a host.
//!
//! `nameserver 172.19.0.10`, `2: eth0@if4: <BROADCAST,UP> mtu 1500 … state UP`, `default via 10.20.0.1 dev eth0`.

use std::net::IpAddr;

use crate::model::{Component, Entity};
use crate::parse::state::sink::{Chunk, Sink, Text, name};

/// Says each name server of a `resolv.conf`.
pub(in crate::parse::state) fn resolver(sink: &mut Sink<'_>, chunk: Chunk<'_>) {
    let (mut servers, mut search, mut options) = (Vec::new(), String::new(), String::new());
    for line in chunk.lines() {
        let mut words = line.text.split_whitespace();
        match words.next() {
            Some("nameserver") => {
                if let Some(server) = words.next() {
                    servers.push((line.at, server.to_owned()));
                }
            }
            Some("search" | "domain") => search = words.collect::<Vec<_>>().join(","),
            Some("options") => options = words.collect::<Vec<_>>().join(","),
            _ => {}
        }
    }
    let of = Entity::new("resolver", &sink.base);
    for (at, server) in servers {
        let text = Text::of(&of)
            .field("nameserver", &server)
            .field("search", &search)
            .field("options", &options);
        sink.say(Component::HOST, &of, at, text);
    }
}

/// Whether a line begins a link in `ip addr` or `ip link`.
pub(in crate::parse::state) fn is_interface(line: &str) -> bool {
    link(line).is_some()
}

/// Name and attributes of `2: eth0@if4: <FLAGS> mtu 1500 …`.
fn link(line: &str) -> Option<(&str, &str)> {
    let (number, rest) = line.split_once(": ")?;
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (id, rest) = rest.split_once(": <")?;
    Some((id.split('@').next()?, rest))
}

/// Says every link with its state and addresses.
pub(in crate::parse::state) fn interfaces(sink: &mut Sink<'_>, chunk: Chunk<'_>) {
    let mut open: Option<(usize, String, String, String, Vec<String>)> = None;
    let flush = |sink: &mut Sink<'_>,
                 open: Option<(usize, String, String, String, Vec<String>)>| {
        if let Some((at, id, state, mtu, addresses)) = open {
            let of = Entity::new("interface", &name(&id));
            let text = Text::of(&of)
                .field("state", &state)
                .field("mtu", &mtu)
                .field("addresses", &addresses.join(","));
            sink.say(Component::HOST, &of, at, text);
        }
    };
    for line in chunk.lines() {
        if let Some((id, rest)) = link(&line.text) {
            let after = |key: &str| {
                let mut words = rest.split_whitespace();
                words.find(|w| *w == key);
                words.next().unwrap_or_default().to_owned()
            };
            let next = (
                line.at,
                id.to_owned(),
                after("state"),
                after("mtu"),
                Vec::new(),
            );
            flush(sink, open.replace(next));
            continue;
        }
        let mut words = line.text.split_whitespace();
        if matches!(words.next(), Some("inet" | "inet6"))
            && let (Some(address), Some((.., addresses))) = (words.next(), &mut open)
            && addresses.len() < 32
        {
            addresses.push(address.to_owned());
        }
    }
    flush(sink, open);
}

/// Whether a line is a route.
pub(in crate::parse::state) fn is_route(line: &str) -> bool {
    route(line).is_some()
}

/// Type (empty for an ordinary one), destination, and the rest of a route.
fn route(line: &str) -> Option<(&str, &str, Vec<&str>)> {
    const TYPES: [&str; 4] = ["blackhole", "unreachable", "prohibit", "throw"];
    if line.starts_with(' ') {
        return None;
    }
    let words: Vec<&str> = line.split_whitespace().take(24).collect();
    let first = *words.first()?;
    if TYPES.contains(&first) {
        let to = *words.get(1)?;
        return is_destination(to)
            .then(|| (first, to, words.get(2..).unwrap_or_default().to_vec()));
    }
    let ordinary = is_destination(first)
        && matches!(words.get(1).copied(), Some("via" | "dev"))
        && words.contains(&"dev");
    ordinary.then(|| ("", first, words.get(1..).unwrap_or_default().to_vec()))
}

fn is_destination(word: &str) -> bool {
    word == "default"
        || word
            .split('/')
            .next()
            .is_some_and(|ip| ip.parse::<IpAddr>().is_ok())
}

/// Says every route.
pub(in crate::parse::state) fn routes(sink: &mut Sink<'_>, chunk: Chunk<'_>) {
    for line in chunk.lines() {
        let Some((kind, to, rest)) = route(&line.text) else {
            continue;
        };
        let after = |key: &str| {
            let at = rest.iter().position(|w| *w == key);
            at.and_then(|n| rest.get(n.saturating_add(1)))
                .copied()
                .unwrap_or_default()
        };
        let of = Entity::new("route", &name(to));
        let text = Text::of(&of)
            .field("type", kind)
            .field("via", after("via"))
            .field("dev", after("dev"))
            .field("table", after("table"));
        sink.say(Component::HOST, &of, line.at, text);
    }
}
