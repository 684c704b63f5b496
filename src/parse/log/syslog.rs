//! Syslog's own wrappers: the priority in front of a line, and RFC 5424 with and without it.
//!
//! `<34>1 2024-02-09T03:04:05.123Z host app 812 ID47 [sd@1 k="v"] message`.

use super::wrap::{self, Layer, Wrap};
use super::{level, stamp};
use crate::base::time::RawStamp;
use crate::model::Level;

/// `<34>1 …` (RFC 5424) or `<34>` in front of a traditional line.
pub(super) fn priority(line: &[u8]) -> Option<Layer<'_>> {
    let close = memchr::memchr(b'>', line.get(..line.len().min(5))?)?;
    let pri = stamp::number(line.get(1..close)?)?;
    let rest = line.get(close + 1..)?;
    let mut layer = match rest.strip_prefix(b"1 ") {
        Some(rest) => rfc5424(rest)?,
        None => wrap::short(rest).or_else(|| wrap::dated(rest))?,
    };
    layer.level = level::from_priority(pri & 7);
    if layer.wrap != Wrap::Rfc5424 {
        layer.wrap = Wrap::Syslog;
    }
    Some(layer)
}

/// `2024-02-09T03:04:05.123Z host app 812 ID47 [sd@1 k="v"] message` behind priority and version.
fn rfc5424(b: &[u8]) -> Option<Layer<'_>> {
    let mut words = [&b[..0]; 5];
    let mut rest = b;
    for word in &mut words {
        let blank = memchr::memchr(b' ', rest)?;
        *word = rest.get(..blank)?;
        rest = rest.get(blank + 1..)?;
    }
    let [time, host, ident, pid, _] = words;
    let stamp = stamp::iso(time).map(|(t, _)| t);
    if stamp.is_none() && time != b"-" {
        return None;
    }
    let inside = structured_data(rest)?;
    let inside = inside.strip_prefix(b"\xef\xbb\xbf").unwrap_or(inside);
    let some = |w: &'static [u8], v| (v != w).then_some(v);
    let mut layer = Layer::new(Wrap::Rfc5424, stamp, inside);
    layer.host = some(b"-", host);
    layer.ident = some(b"-", ident);
    layer.pid = stamp::number(pid);
    Some(layer)
}

/// RFC 5424 behind its time, as rsyslog writes it to a file without priority and version:
/// `node1 kubelet 24578 - - E0207 …`. The process id and the empty id of the message tell it from text, and that what
/// stands where the host does is no level: `INFO main 1 - [http] started` is the layout of an application.
pub(super) fn unranked(time: RawStamp, b: &[u8]) -> Option<Layer<'_>> {
    let mut words = [&b[..0]; 4];
    let mut rest = b;
    for word in &mut words {
        let blank = memchr::memchr(b' ', rest.get(..rest.len().min(256))?)?;
        *word = rest.get(..blank)?;
        rest = rest.get(blank + 1..)?;
    }
    let [host, ident, pid, id] = words;
    let pid = stamp::number(pid)?;
    let names = |c: &u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.' | b'_' | b':');
    if id != b"-"
        || ident.is_empty()
        || host.is_empty()
        || !host.iter().all(names)
        || host.iter().all(u8::is_ascii_alphabetic) && level::from_word(host) != Level::Unknown
    {
        return None;
    }
    // Data without a single parameter are words in brackets.
    if rest.first() == Some(&b'[') && !rest.get(..rest.len().min(256))?.contains(&b'=') {
        return None;
    }
    let inside = structured_data(rest)?.trim_ascii_start();
    let mut layer = Layer::new(Wrap::Rfc5424, Some(time), inside);
    layer.host = Some(host);
    layer.ident = Some(ident);
    layer.pid = Some(pid);
    Some(layer)
}

/// What follows the structured data (`-` or `[…][…]`) of RFC 5424.
fn structured_data(b: &[u8]) -> Option<&[u8]> {
    let mut rest = b;
    if let Some(next) = rest.strip_prefix(b"-") {
        return Some(next.strip_prefix(b" ").unwrap_or(next));
    }
    while rest.first() == Some(&b'[') {
        let (mut quoted, mut at) = (false, 0);
        loop {
            match rest.get(at)? {
                b'\\' => at += 1,
                b'"' => quoted = !quoted,
                b']' if !quoted => break,
                _ => {}
            }
            at += 1;
        }
        rest = rest.get(at + 1..)?;
    }
    Some(rest.strip_prefix(b" ").unwrap_or(rest))
}
