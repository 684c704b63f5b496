//! Walks a zip archive: by its index where it can be reached, front to back where it cannot.
//!
//! The index (central directory) stands at the end and is read an entry at a time, so memory does not grow with it and
//! two members of one name stay two. A zip that was cut off has lost it, and one in a stream may be too large to keep;
//! then the headers in front of the members have to do:
//!
//! ```text
//! diagnose.zip: its index is missing (cut off?): read front to back, what follows byte 81920 is lost
//! ```
//!
//! Encrypted members are told, not read. Times without a zone (MS-DOS) are no times.

use std::io::{self, BufReader, Read, Seek};

use rayon::Scope;

use super::descent::{Item, Run, Stream};
use super::magic::Packing;
use super::meter::{Packed, Tally};
use super::names::{self, Seen};
use super::unpack::{Checked, deflate_in_front};
use super::ziphead::{
    DESCRIPTOR, END, END64, ENTRY, Header, LOCAL, bytes, content_at, entry, extras, index, number,
};
use crate::base::text::{cut, printable};
use crate::model::Status;

/// Visits the members of the archive by its index.
pub(super) fn read<'s, S>(run: &'s Run<'_>, item: &Item, source: &mut S, scope: &Scope<'s>)
where
    S: Read + Seek + Send,
{
    let index = match index(source) {
        Ok(Some(index)) => index,
        Ok(None) => {
            if let Err(e) = source.rewind() {
                return run.left_out(&item.path, Status::Failed, format!("cannot be read: {e}"));
            }
            return read_forwards(run, item, source, scope);
        }
        Err(e) => {
            return run.left_out(&item.path, Status::Failed, format!("cannot be read: {e}"));
        }
    };
    let mut seen = Seen::default();
    let mut at = index.start;
    if at == index.end {
        let why = "an archive without files: collect it again";
        run.left_out(&item.path, Status::Skipped, why.to_owned());
    }
    while at < index.end {
        let header = match entry(source, at) {
            Ok((header, next)) => {
                at = next;
                header
            }
            Err(e) => {
                let why =
                    format!("its index is damaged at byte {at} ({e}); what follows is not read");
                return run.left_out(&item.path, Status::Partial, why);
            }
        };
        if let Err(why) = run.account.member() {
            return run.left_out(&item.path, Status::Partial, why);
        }
        let Some(member) = member(run, item, &header, &mut seen) else {
            continue;
        };
        let content = header.local.saturating_add(index.shift);
        if let Err(e) = content_at(source, content) {
            let why = format!("the index points to byte {content}, where it is not ({e})");
            run.left_out(&member.path, Status::Failed, why);
            continue;
        }
        let mut content = source.by_ref().take(header.packed);
        if header.mode & 0o170_000 == 0o120_000 {
            let mut target = Vec::new();
            let _ = content.take(1024).read_to_end(&mut target);
            let target = cut(&printable(&target), 1024).into_owned();
            let why = format!("link to {target}: not followed; the file is read if it was sent");
            run.left_out(&member.path, Status::Skipped, why);
            continue;
        }
        visit(run, member, &header, &mut content, scope);
    }
}

/// Opens the content of a member, whose packed bytes `content` yields.
fn visit<'s>(
    run: &'s Run<'_>,
    member: Item,
    header: &Header,
    content: &mut Stream<'_>,
    scope: &Scope<'s>,
) {
    let crc = header.crc;
    match packing(header.method) {
        Ok(None) => run.open(member, &mut Checked::new(content, crc), scope),
        Ok(Some(packing)) => run.unpack(packing, Some(header.packed), content, |content| {
            run.open(member, &mut Checked::new(content, crc), scope);
        }),
        Err(why) => run.left_out(&member.path, Status::Skipped, why),
    }
}

/// The member to visit; `None`: it has no content, or none that can be read, which is said.
fn member(run: &Run<'_>, item: &Item, header: &Header, seen: &mut Seen) -> Option<Item> {
    let mut raw = header.name.clone();
    // Some programs for Windows write its separators.
    if !raw.contains(&b'/') {
        for byte in raw.iter_mut().filter(|b| **b == b'\\') {
            *byte = b'/';
        }
    }
    if raw.ends_with(b"/") {
        return None;
    }
    let name = names::tidy(&raw);
    let mut member = item.member(&seen.unique(name.path));
    name.note.clone_into(&mut member.note);
    member.mtime = header.mtime;
    member.size = (!header.sizes_follow() || header.unpacked > 0).then_some(header.unpacked);
    let why = match header.mode & 0o170_000 {
        0o020_000 | 0o060_000 => "a device: has no content to read",
        0o010_000 => "a named pipe: has no content to read",
        0o140_000 => "a socket: has no content to read",
        _ if header.is_encrypted() => {
            "encrypted: unpack it with its password and give what is in it"
        }
        _ => return Some(member),
    };
    run.left_out(&member.path, Status::Skipped, why.to_owned());
    None
}

/// How a member is compressed: not at all, or the reason that it cannot be read.
fn packing(method: u64) -> Result<Option<Packing>, String> {
    let name = match method {
        0 => return Ok(None),
        8 => return Ok(Some(Packing::Deflate)),
        12 => return Ok(Some(Packing::Bzip2)),
        20 | 93 => return Ok(Some(Packing::Zstd)),
        95 => return Ok(Some(Packing::Xz)),
        9 => "Deflate64",
        14 => "LZMA",
        98 => "PPMd",
        _ => "",
    };
    Err(format!(
        "compressed with method {method} {name}, which is not read: unpack it and give what is in it"
    ))
}

/// Visits the members front to back, by the headers in front of them.
pub(super) fn read_forwards<'s>(
    run: &'s Run<'_>,
    item: &Item,
    stream: &mut Stream<'_>,
    scope: &Scope<'s>,
) {
    let tally = Tally::default();
    let mut zip = Forwards {
        stream: BufReader::with_capacity(
            64 << 10,
            Packed {
                inner: stream,
                tally: tally.clone(),
            },
        ),
        tally,
        seen: Seen::default(),
    };
    let mut first = true;
    loop {
        match zip.next(run, item, first, scope) {
            Ok(true) => first = false,
            Ok(false) => return,
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                let why =
                    "cut off: its index is missing, and so are files; ask for the whole archive";
                return run.left_out(&item.path, Status::Partial, why.to_owned());
            }
            Err(e) => {
                let why =
                    format!("read front to back, without its index: {e}; what follows is not read");
                return run.left_out(&item.path, Status::Partial, why);
            }
        }
    }
}

/// A walk front to back.
struct Forwards<'r, 't> {
    stream: BufReader<Packed<&'r mut Stream<'t>>>,
    tally: Tally,
    seen: Seen,
}

impl Forwards<'_, '_> {
    /// The next member; `false`: the index begins.
    fn next<'s>(
        &mut self,
        run: &'s Run<'_>,
        item: &Item,
        first: bool,
        scope: &Scope<'s>,
    ) -> io::Result<bool> {
        let mut mark = [0; 4];
        self.stream.read_exact(&mut mark)?;
        match u32::from_le_bytes(mark) {
            LOCAL => {}
            DESCRIPTOR if first => return Ok(true),
            ENTRY | END | END64 => return Ok(false),
            _ => return Err(io::Error::other("a header is damaged")),
        }
        run.account.member().map_err(io::Error::other)?;
        let mut fixed = [0; 26];
        self.stream.read_exact(&mut fixed)?;
        let mut header = Header {
            flags: number(&fixed, 2, 2),
            method: number(&fixed, 4, 2),
            crc: u32::try_from(number(&fixed, 10, 4)).unwrap_or(0),
            packed: number(&fixed, 14, 4),
            unpacked: number(&fixed, 18, 4),
            name: bytes(&mut self.stream, number(&fixed, 22, 2))?,
            ..Header::default()
        };
        let extra = bytes(&mut self.stream, number(&fixed, 24, 2))?;
        extras(&extra, &mut header, false);
        let member = member(run, item, &header, &mut self.seen);
        if header.sizes_follow() && header.packed == 0 {
            self.unknown_size(run, member, &header, scope)?;
            return Ok(true);
        }
        let mut content = self.stream.by_ref().take(header.packed);
        if let Some(member) = member {
            visit(run, member, &header, &mut content, scope);
        }
        let left = content.limit();
        if io::copy(&mut content, &mut io::sink())? < left {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if header.sizes_follow() {
            self.descriptor(header.wide)?;
        }
        Ok(true)
    }

    /// A member that ends where its deflate stream does.
    fn unknown_size<'s>(
        &mut self,
        run: &'s Run<'_>,
        member: Option<Item>,
        header: &Header,
        scope: &Scope<'s>,
    ) -> io::Result<()> {
        if header.method != 8 || header.is_encrypted() {
            return Err(io::Error::other("the size of a file is only in the index"));
        }
        let decoder = deflate_in_front(&mut self.stream);
        let done = run.unpack_with(decoder, self.tally.clone(), None, |content| {
            if let Some(member) = member {
                run.open(member, content, scope);
            }
            io::copy(content, &mut io::sink())
        });
        done?;
        self.descriptor(header.wide)
    }

    /// Passes over the checksum and the sizes behind a member; their mark is optional.
    fn descriptor(&mut self, wide: bool) -> io::Result<()> {
        let mut word = [0; 4];
        self.stream.read_exact(&mut word)?;
        if u32::from_le_bytes(word) == DESCRIPTOR {
            self.stream.read_exact(&mut word)?;
        }
        bytes(&mut self.stream, if wide { 16 } else { 8 }).map(drop)
    }
}
