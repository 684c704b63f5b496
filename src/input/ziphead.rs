//! Reads the headers and the index of a zip archive, plain and zip64.
//!
//! ```text
//! PK\x03\x04 …  a member        PK\x01\x02 …  its entry in the index        PK\x05\x06 …  where the index is
//! ```
//!
//! All numbers are little-endian and a stranger's: nothing is allocated by them but 64 KiB, nothing added unchecked.

use std::io::{self, Read, Seek, SeekFrom};

use crate::base::time::{Instant, SECOND};

/// `PK\x03\x04`: a member follows.
pub(super) const LOCAL: u32 = 0x0403_4b50;
/// `PK\x01\x02`: an entry of the index.
pub(super) const ENTRY: u32 = 0x0201_4b50;
/// `PK\x05\x06`: the end of the index.
pub(super) const END: u32 = 0x0605_4b50;
/// `PK\x06\x06`: the end of a large index.
pub(super) const END64: u32 = 0x0606_4b50;
/// `PK\x06\x07`: where the end of a large index is.
const LOCATOR64: u32 = 0x0706_4b50;
/// `PK\x07\x08`: sizes behind a member; also in front of the first part of a split archive.
pub(super) const DESCRIPTOR: u32 = 0x0807_4b50;

/// A field that is too large for its 32 bits says this and stands in the zip64 extra field.
const ELSEWHERE: u64 = 0xffff_ffff;

/// Farthest from the end that the end of the index may lie: its own size and the longest comment.
const TAIL: u64 = 22 + 0xffff;

/// Where the index lies.
pub(super) struct Index {
    pub(super) start: u64,
    pub(super) end: u64,
    /// Bytes in front of the archive that its offsets do not count.
    pub(super) shift: u64,
}

/// What a header says about a member.
#[derive(Default)]
pub(super) struct Header {
    pub(super) flags: u64,
    pub(super) method: u64,
    pub(super) crc: u32,
    pub(super) packed: u64,
    pub(super) unpacked: u64,
    pub(super) local: u64,
    pub(super) name: Vec<u8>,
    pub(super) mtime: Option<Instant>,
    /// Unix file mode; 0: unknown.
    pub(super) mode: u64,
    /// Whether sizes behind the member take 8 bytes.
    pub(super) wide: bool,
}

impl Header {
    pub(super) fn is_encrypted(&self) -> bool {
        self.flags & 0x41 != 0
    }

    /// Whether the sizes stand behind the member.
    pub(super) fn sizes_follow(&self) -> bool {
        self.flags & 8 != 0
    }
}

/// Finds the index. `None`: there is none that holds together.
pub(super) fn index<S: Read + Seek>(source: &mut S) -> io::Result<Option<Index>> {
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
pub(super) fn entry<S: Read + Seek>(source: &mut S, at: u64) -> io::Result<(Header, u64)> {
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
pub(super) fn content_at<S: Read + Seek>(source: &mut S, at: u64) -> io::Result<()> {
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
pub(super) fn extras(mut data: &[u8], header: &mut Header, in_index: bool) {
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
pub(super) fn number(data: &[u8], at: usize, width: usize) -> u64 {
    let field = data.get(at..at.saturating_add(width)).unwrap_or(&[]);
    field
        .iter()
        .rev()
        .fold(0, |value, byte| value << 8 | u64::from(*byte))
}

/// Exactly `count` bytes; the callers read counts of 16 bits.
pub(super) fn bytes(source: &mut dyn Read, count: u64) -> io::Result<Vec<u8>> {
    let mut kept = vec![0; usize::try_from(count).unwrap_or(0)];
    source.read_exact(&mut kept)?;
    Ok(kept)
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
