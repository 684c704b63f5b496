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

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use rayon::Scope;

use super::descent::{Item, Run, Stream};
use super::magic::Packing;
use super::meter::{Packed, Tally};
use super::names::{self, Seen};
use super::unpack::{Checked, deflate_in_front};
use crate::base::text::{cut, printable};
use crate::base::time::{Instant, SECOND};
use crate::model::Status;

/// `PK\x03\x04`: a member follows.
const LOCAL: u32 = 0x0403_4b50;
/// `PK\x01\x02`: an entry of the index.
const ENTRY: u32 = 0x0201_4b50;
/// `PK\x05\x06`: the end of the index.
const END: u32 = 0x0605_4b50;
/// `PK\x06\x06`: the end of a large index.
const END64: u32 = 0x0606_4b50;
/// `PK\x06\x07`: where the end of a large index is.
const LOCATOR64: u32 = 0x0706_4b50;
/// `PK\x07\x08`: sizes behind a member; also in front of the first part of a split archive.
const DESCRIPTOR: u32 = 0x0807_4b50;

/// A field that is too large for its 32 bits says this and stands in the zip64 extra field.
const ELSEWHERE: u64 = 0xffff_ffff;

/// Farthest from the end that the end of the index may lie: its own size and the longest comment.
const TAIL: u64 = 22 + 0xffff;

/// Where the index lies.
struct Index {
    start: u64,
    end: u64,
    /// Bytes in front of the archive that its offsets do not count.
    shift: u64,
}

/// What a header says about a member.
#[derive(Default)]
struct Header {
    flags: u64,
    method: u64,
    crc: u32,
    packed: u64,
    unpacked: u64,
    local: u64,
    name: Vec<u8>,
    mtime: Option<Instant>,
    /// Unix file mode; 0: unknown.
    mode: u64,
    /// Whether sizes behind the member take 8 bytes.
    wide: bool,
}

impl Header {
    fn is_encrypted(&self) -> bool {
        self.flags & 0x41 != 0
    }

    /// Whether the sizes stand behind the member.
    fn sizes_follow(&self) -> bool {
        self.flags & 8 != 0
    }
}

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
    member.note = name.note.to_owned();
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

/// Finds the index. `None`: there is none that holds together.
fn index<S: Read + Seek>(source: &mut S) -> io::Result<Option<Index>> {
    let length = source.seek(SeekFrom::End(0))?;
    let from = source.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut tail = Vec::new();
    source.take(TAIL).read_to_end(&mut tail)?;
    // From the back: a comment may hold the mark too, and the last one whose index begins like one counts.
    for at in memchr::memmem::rfind_iter(&tail, &END.to_le_bytes()).take(64) {
        let Some(end) = tail.get(at..).filter(|end| end.len() >= 22) else {
            continue;
        };
        let end_at = from.saturating_add(at as u64);
        let found = match index64(source, end_at)? {
            Some(found) => Some(found),
            None => holds_together(number(end, 12, 4), number(end, 16, 4), end_at),
        };
        if let Some(index) = found
            && (index.start == index.end || signature(source, index.start).ok() == Some(ENTRY))
        {
            return Ok(Some(index));
        }
    }
    Ok(None)
}

/// The index by its large form, if there is one in front of the end mark.
fn index64<S: Read + Seek>(source: &mut S, end_at: u64) -> io::Result<Option<Index>> {
    let Some(locator_at) = end_at.checked_sub(20) else {
        return Ok(None);
    };
    let mut locator = [0; 20];
    source.seek(SeekFrom::Start(locator_at))?;
    source.read_exact(&mut locator)?;
    if number(&locator, 0, 4) != u64::from(LOCATOR64) {
        return Ok(None);
    }
    let mut end = [0; 56];
    // It stands in front of the locator; its stated place is wrong where something was put in front of the archive.
    for at in [number(&locator, 8, 8), locator_at.saturating_sub(56)] {
        source.seek(SeekFrom::Start(at))?;
        if source.read_exact(&mut end).is_ok() && number(&end, 0, 4) == u64::from(END64) {
            return Ok(holds_together(number(&end, 40, 8), number(&end, 48, 8), at));
        }
    }
    Ok(None)
}

/// An index of this size and stated offset that ends at `end`.
fn holds_together(size: u64, offset: u64, end: u64) -> Option<Index> {
    let start = end.checked_sub(size)?;
    let shift = start.checked_sub(offset)?;
    Some(Index { start, end, shift })
}

fn signature<S: Read + Seek>(source: &mut S, at: u64) -> io::Result<u32> {
    let mut mark = [0; 4];
    source.seek(SeekFrom::Start(at))?;
    source.read_exact(&mut mark)?;
    Ok(u32::from_le_bytes(mark))
}

/// The entry of the index at this place, and the place of the next one.
fn entry<S: Read + Seek>(source: &mut S, at: u64) -> io::Result<(Header, u64)> {
    if signature(source, at)? != ENTRY {
        return Err(io::Error::other("no entry"));
    }
    let mut fixed = [0; 42];
    source.read_exact(&mut fixed)?;
    let (name, extra, comment) = (
        number(&fixed, 24, 2),
        number(&fixed, 26, 2),
        number(&fixed, 28, 2),
    );
    let mut header = Header {
        flags: number(&fixed, 4, 2),
        method: number(&fixed, 6, 2),
        crc: u32::try_from(number(&fixed, 12, 4)).unwrap_or(0),
        packed: number(&fixed, 16, 4),
        unpacked: number(&fixed, 20, 4),
        local: number(&fixed, 38, 4),
        name: bytes(source, name)?,
        ..Header::default()
    };
    // The upper half of the attributes is a Unix mode where a Unix wrote it (3) or macOS did (19).
    if matches!(fixed.get(1), Some(3 | 19)) {
        header.mode = number(&fixed, 36, 2);
    }
    extras(&bytes(source, extra)?, &mut header, true);
    let length = 46_u64.saturating_add(name).saturating_add(extra);
    Ok((header, at.saturating_add(length).saturating_add(comment)))
}

/// Goes to the content behind the header at this place.
fn content_at<S: Read + Seek>(source: &mut S, at: u64) -> io::Result<()> {
    if signature(source, at)? != LOCAL {
        return Err(io::Error::other("no header"));
    }
    let mut fixed = [0; 26];
    source.read_exact(&mut fixed)?;
    let skip = number(&fixed, 22, 2).saturating_add(number(&fixed, 24, 2));
    let start = at.saturating_add(30).saturating_add(skip);
    source.seek(SeekFrom::Start(start)).map(drop)
}

/// Reads extra fields: large sizes, times in UTC, a name in Unicode.
fn extras(mut data: &[u8], header: &mut Header, in_index: bool) {
    while data.len() >= 4 {
        let (id, size) = (number(data, 0, 2), number(data, 2, 2));
        let end = usize::try_from(size)
            .unwrap_or(usize::MAX)
            .saturating_add(4);
        let Some(field) = data.get(4..end) else {
            return;
        };
        data = data.get(end..).unwrap_or(&[]);
        match id {
            0x0001 => {
                header.wide = true;
                let mut at = 0_usize;
                let places = [&mut header.unpacked, &mut header.packed, &mut header.local];
                for place in places.into_iter().take(if in_index { 3 } else { 2 }) {
                    if *place == ELSEWHERE && field.len() >= at.saturating_add(8) {
                        *place = number(field, at, 8);
                        at = at.saturating_add(8);
                    }
                }
            }
            0x5455 if field.first().is_some_and(|f| f & 1 != 0) && field.len() >= 5 => {
                let seconds = number(field, 1, 4);
                header.mtime = i64::try_from(seconds)
                    .ok()
                    .filter(|s| *s > 0)
                    .and_then(|s| s.checked_mul(SECOND))
                    .map(Instant);
            }
            // Since 1601 in steps of 100 ns; the offset to 1970 in those.
            0x000a if field.len() >= 16 && header.mtime.is_none() => {
                header.mtime = number(field, 8, 8)
                    .checked_sub(116_444_736_000_000_000)
                    .and_then(|steps| i64::try_from(steps).ok()?.checked_mul(100))
                    .map(Instant);
            }
            0x7075 if field.first() == Some(&1) && field.len() > 5 => {
                header.name = field.get(5..).unwrap_or(&[]).to_vec();
            }
            _ => {}
        }
    }
}

/// A little-endian number of `width` bytes; 0 where there are not as many.
fn number(data: &[u8], at: usize, width: usize) -> u64 {
    let field = data.get(at..at.saturating_add(width)).unwrap_or(&[]);
    field
        .iter()
        .rev()
        .fold(0, |value, byte| value << 8 | u64::from(*byte))
}

/// Exactly `count` bytes; the callers read counts of 16 bits.
fn bytes(source: &mut dyn Read, count: u64) -> io::Result<Vec<u8>> {
    let mut kept = vec![0; usize::try_from(count).unwrap_or(0)];
    source.read_exact(&mut kept)?;
    Ok(kept)
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    #[test]
    fn extra_fields() {
        let mut header = Header {
            unpacked: ELSEWHERE,
            packed: 5,
            ..Header::default()
        };
        let mut data = vec![1, 0, 8, 0, 0, 0, 0, 0, 1, 0, 0, 0];
        data.extend([0x55, 0x54, 5, 0, 1, 0x80, 0, 0, 0]);
        extras(&data, &mut header, true);
        assert_eq!((header.unpacked, header.packed), (1 << 32, 5));
        assert_eq!(header.mtime, Some(Instant(128 * SECOND)));
    }

    #[test]
    fn numbers_are_little_endian() {
        assert_eq!(number(&[0, 1, 2], 1, 2), 0x0201);
        assert_eq!(number(&[0, 1, 2], 2, 4), 0);
    }

    proptest! {
        #[test]
        fn any_bytes(data in prop::collection::vec(any::<u8>(), 0..200)) {
            extras(&data, &mut Header::default(), true);
            let _ = index(&mut Cursor::new(&data));
            let _ = entry(&mut Cursor::new(&data), 0);
        }
    }
}
