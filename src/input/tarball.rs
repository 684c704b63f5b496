//! Walks a tar archive as it streams by: v7, ustar, GNU (long names, sparse), pax.
//!
//! The fields of a header are decoded by the `tar` crate; the walk itself is ours, because a stranger's archive may
//! hold a long name of a terabyte, and because a damaged header must be reported with its place:
//!
//! ```text
//! must-gather.tar.gz: damaged at byte 1049088 of the archive: no valid header; what follows is not read
//! ```
//!
//! Links, devices and directories have no content, whatever size their header states.

use std::io::{self, Read};

use rayon::Scope;
use tar::{EntryType, Header};

use super::descent::{Item, Run, Stream};
use super::magic;
use super::meter::{Tally, Unpacked, is_limit};
use super::names::{self, Seen};
use super::pax::Extended;
use super::pipe::fill;
use super::sparse::{Map, Sparse};
use crate::base::text::{cut, printable};
use crate::base::time::{Instant, SECOND};
use crate::model::Status;

/// Size of a block; headers and contents begin at multiples of it.
const BLOCK: u64 = 512;

/// Most bytes of an extended header that are kept (a name, pax records).
const EXTENDED: u64 = 1 << 20;

/// Visits the members of the archive that `stream` yields.
pub(super) fn read<'s>(run: &'s Run<'_>, item: &Item, stream: &mut Stream<'_>, scope: &Scope<'s>) {
    let mut walk = Walk {
        tape: Tape { stream, at: 0 },
        seen: Seen::default(),
        members: 0,
    };
    if let Err(why) = walk.all(run, item, scope) {
        run.left_out(&item.path, Status::Partial, why.to_string());
    } else if walk.members == 0 {
        run.left_out(
            &item.path,
            Status::Skipped,
            String::from("an archive without files: collect it again"),
        );
    }
}

/// Why the walk over an archive ended before its end.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(
        "cut off at byte {at} of the archive ({why}); what follows is missing: ask for the whole file"
    )]
    Cut { at: u64, why: String },
    #[error("damaged at byte {at} of the archive: {why}; what follows is not read")]
    Damaged { at: u64, why: String },
    #[error("{0}")]
    Limit(String),
}

/// The archive as it streams by.
struct Tape<'r, 't> {
    stream: &'r mut Stream<'t>,
    at: u64,
}

impl Tape<'_, '_> {
    /// The next block. `None`: the stream ends here.
    fn block(&mut self, block: &mut [u8; 512]) -> Result<Option<()>, Broken> {
        let (filled, error) = fill(self.stream, block);
        let at = self.at;
        self.at = at.saturating_add(filled as u64);
        match (filled, error) {
            (_, Some(e)) => Err(cut_off(self.at, &e)),
            (0, None) => Ok(None),
            (512, None) => Ok(Some(())),
            (_, None) => Err(Broken::Cut {
                at,
                why: String::from("it ends inside a header"),
            }),
        }
    }

    /// Passes over `amount` bytes.
    fn skip(&mut self, amount: u64) -> Result<(), Broken> {
        match io::copy(&mut self.by_ref().take(amount), &mut io::sink()) {
            Ok(n) if n == amount => Ok(()),
            Ok(_) => Err(Broken::Cut {
                at: self.at,
                why: String::from("it ends inside a file"),
            }),
            Err(e) => Err(cut_off(self.at, &e)),
        }
    }
}

fn cut_off(at: u64, error: &io::Error) -> Broken {
    if is_limit(error) {
        return Broken::Limit(error.to_string());
    }
    Broken::Cut {
        at,
        why: error.to_string(),
    }
}

impl Read for Tape<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.stream.read(into)?;
        self.at = self.at.saturating_add(n as u64);
        Ok(n)
    }
}

/// The stored bytes of one member.
struct Content<'m, 'r, 't> {
    tape: &'m mut Tape<'r, 't>,
    left: u64,
}

impl Read for Content<'_, '_, '_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let room = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(into.len());
        let Some(into) = into.get_mut(..room).filter(|i| !i.is_empty()) else {
            return Ok(0);
        };
        let n = self.tape.read(into)?;
        if n == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!(
                    "the archive ends {} bytes before the end of this file",
                    self.left
                ),
            ));
        }
        self.left = self.left.saturating_sub(n as u64);
        Ok(n)
    }
}

/// One walk over an archive.
struct Walk<'r, 't> {
    tape: Tape<'r, 't>,
    seen: Seen,
    members: u64,
}

impl Walk<'_, '_> {
    fn all<'s>(&mut self, run: &'s Run<'_>, item: &Item, scope: &Scope<'s>) -> Result<(), Broken> {
        let mut extended = Extended::default();
        let mut ended = false;
        loop {
            let mut header = Header::new_old();
            let at = self.tape.at;
            if self.tape.block(header.as_mut_bytes())?.is_none() {
                if ended {
                    return Ok(());
                }
                return Err(Broken::Cut {
                    at,
                    why: String::from("it has no end mark"),
                });
            }
            if header.as_bytes().iter().all(|b| *b == 0) {
                ended = true; // and behind it padding, or another archive joined to this one
                continue;
            }
            if !magic::is_tar_header(header.as_bytes()) {
                if ended {
                    return Ok(());
                }
                let why = String::from("no valid header");
                return Err(Broken::Damaged { at, why });
            }
            ended = false;
            let size = header.entry_size().map_err(|_| Broken::Damaged {
                at,
                why: String::from("a header without a valid size"),
            })?;
            let kind = header.entry_type();
            match kind.as_byte() {
                b'L' => extended.name = Some(until_nul(self.extension(size)?)),
                b'K' => extended.link = Some(until_nul(self.extension(size)?)),
                b'x' | b'X' => extended.records(&self.extension(size)?),
                b'g' => drop(self.extension(size)?), // a comment, in practice
                _ => {
                    run.account.member().map_err(Broken::Limit)?;
                    self.members = self.members.saturating_add(1);
                    let extended = std::mem::take(&mut extended);
                    self.member(run, item, &header, extended, size, scope)?;
                }
            }
        }
    }

    /// The content of an extended header, as far as it is kept.
    fn extension(&mut self, size: u64) -> Result<Vec<u8>, Broken> {
        let mut kept = Vec::new();
        let stored = size.min(EXTENDED);
        let read = self.tape.by_ref().take(stored).read_to_end(&mut kept);
        match read {
            Ok(n) if n as u64 == stored => {}
            Ok(_) => {
                return Err(Broken::Cut {
                    at: self.tape.at,
                    why: String::from("it ends inside a long name"),
                });
            }
            Err(e) => return Err(cut_off(self.tape.at, &e)),
        }
        self.tape
            .skip(size.saturating_sub(stored).saturating_add(padding(size)))?;
        Ok(kept)
    }

    /// One member: visited, or told why not; then passed over.
    fn member<'s>(
        &mut self,
        run: &'s Run<'_>,
        item: &Item,
        header: &Header,
        extended: Extended,
        size: u64,
        scope: &Scope<'s>,
    ) -> Result<(), Broken> {
        let kind = header.entry_type();
        let raw = extended
            .real_name
            .clone()
            .or_else(|| extended.name.clone())
            .unwrap_or_else(|| header.path_bytes().into_owned());
        // Before there was a type for them, directories were empty files with a slash.
        if kind.is_dir() || (size == 0 && raw.ends_with(b"/")) {
            return Ok(());
        }
        let name = names::tidy(&raw);
        let mut member = item.member(&self.seen.unique(name.path));
        if let Some(what) = without_content(kind) {
            let target = extended
                .link
                .or_else(|| header.link_name_bytes().map(std::borrow::Cow::into_owned))
                .unwrap_or_default();
            let target = cut(&printable(&target), 1024).into_owned();
            run.left_out(&member.path, Status::Skipped, what.replace("{}", &target));
            return Ok(());
        }
        let stored = extended.size.unwrap_or(size);
        member.size = Some(stored);
        name.note.clone_into(&mut member.note);
        member.mtime = extended.mtime.or_else(|| mtime(header));

        let map = match self.sparse(header, &extended, stored)? {
            Layout::Whole => None,
            Layout::Pieces(map) => Some(map),
            Layout::InFront(real) => {
                member.size = Some(real);
                let mut content = Content {
                    tape: &mut self.tape,
                    left: stored,
                };
                let map = Map::in_front(&mut content)
                    .ok()
                    .and_then(|(pieces, taken)| {
                        Map::new(pieces, real, stored.saturating_sub(taken))
                    });
                let left = content.left;
                let Some(map) = map else {
                    damaged_map(run, &member);
                    return self.tape.skip(left.saturating_add(padding(stored)));
                };
                return self.content(run, member, Some(map), left, padding(stored), scope);
            }
            Layout::Nonsense => {
                damaged_map(run, &member);
                return self.tape.skip(stored.saturating_add(padding(stored)));
            }
        };
        match kind.as_byte() {
            0 | b'0' | b'7' | b'S' => {}
            b'D' | b'V' | b'N' => return self.tape.skip(stored.saturating_add(padding(stored))),
            b'M' => add(
                &mut member.note,
                "begins in another part of a split archive",
            ),
            other if other.is_ascii_uppercase() => {
                let letter = char::from(other);
                let why = format!("a tar member of the unknown type {letter}: unpack it by hand");
                run.left_out(&member.path, Status::Skipped, why);
                return self.tape.skip(stored.saturating_add(padding(stored)));
            }
            _ => {} // to be read as a regular file, says the standard
        }
        self.content(run, member, map, stored, padding(stored), scope)
    }

    /// Opens the content of a member and passes over what was not read of it.
    fn content<'s>(
        &mut self,
        run: &'s Run<'_>,
        mut member: Item,
        map: Option<Map>,
        stored: u64,
        padding: u64,
        scope: &Scope<'s>,
    ) -> Result<(), Broken> {
        let mut content = Content {
            tape: &mut self.tape,
            left: stored,
        };
        if let Some(map) = map {
            member.size = Some(map.size);
            add(&mut member.note, "sparse: its holes read as zeros");
            let tally = Tally::default();
            let whole = Sparse::new(&mut content, map, tally.clone());
            run.open(
                member,
                &mut Unpacked::new(whole, tally, &run.account),
                scope,
            );
        } else {
            run.open(member, &mut content, scope);
        }
        let left = content.left;
        self.tape.skip(left.saturating_add(padding))
    }

    /// How the content of a member is laid out. Reads the blocks that continue a GNU map.
    fn sparse(
        &mut self,
        header: &Header,
        extended: &Extended,
        stored: u64,
    ) -> Result<Layout, Broken> {
        if let Some(real) = extended.sparse {
            let pieces = match &extended.map {
                Some(pieces) => pieces.clone(),
                None if extended.pieces.is_empty() => return Ok(Layout::InFront(real)),
                None => pairs(&extended.pieces),
            };
            return Ok(Map::new(pieces, real, stored).map_or(Layout::Nonsense, Layout::Pieces));
        }
        let Some(gnu) = header
            .as_gnu()
            .filter(|_| header.entry_type().is_gnu_sparse())
        else {
            return Ok(Layout::Whole);
        };
        let mut valid = true;
        let mut pieces = Vec::new();
        let mut add = |sparse: &[tar::GnuSparseHeader], pieces: &mut Vec<(u64, u64)>| {
            for piece in sparse.iter().filter(|p| !p.is_empty()) {
                match (piece.offset(), piece.length()) {
                    // Beyond what a map may hold the rest is dropped, and the map then refused.
                    (Ok(offset), Ok(length)) if pieces.len() <= 1 << 16 => {
                        pieces.push((offset, length));
                    }
                    _ => valid = false,
                }
            }
        };
        add(&gnu.sparse, &mut pieces);
        let mut more = gnu.is_extended();
        while more {
            let mut next = tar::GnuExtSparseHeader::new();
            if self.tape.block(next.as_mut_bytes())?.is_none() {
                return Err(Broken::Cut {
                    at: self.tape.at,
                    why: String::from("it ends inside a map of holes"),
                });
            }
            add(&next.sparse, &mut pieces);
            more = next.is_extended();
        }
        let map = gnu
            .real_size()
            .ok()
            .filter(|_| valid)
            .and_then(|real| Map::new(pieces, real, stored));
        Ok(map.map_or(Layout::Nonsense, Layout::Pieces))
    }
}

/// How the content of a member is laid out in the archive.
enum Layout {
    /// As it is.
    Whole,
    /// In pieces, with holes between them.
    Pieces(Map),
    /// In pieces, their map in front of them; the real size.
    InFront(u64),
    /// In pieces that cannot be put together.
    Nonsense,
}

fn damaged_map(run: &Run<'_>, member: &Item) {
    let why =
        "its map of holes is damaged: unpack the archive by hand or pack it without sparse files";
    run.left_out(&member.path, Status::Failed, why.to_owned());
}

fn add(note: &mut String, more: &str) {
    if !note.is_empty() {
        note.push_str("; ");
    }
    note.push_str(more);
}

/// Why a member of this kind is not read; `{}` is where it points to.
fn without_content(kind: EntryType) -> Option<&'static str> {
    Some(match kind {
        EntryType::Link => "hard link to {}, which is read there",
        EntryType::Symlink => "link to {}: not followed; the file is read if it was sent",
        EntryType::Char | EntryType::Block => "a device: has no content to read",
        EntryType::Fifo => "a named pipe: has no content to read",
        _ => return None,
    })
}

/// Bytes from the end of a content to the next block.
fn padding(size: u64) -> u64 {
    size.wrapping_neg() % BLOCK
}

fn until_nul(mut name: Vec<u8>) -> Vec<u8> {
    if let Some(end) = memchr::memchr(0, &name) {
        name.truncate(end);
    }
    name
}

/// A time of zero is no time: reproducible archives have it.
fn mtime(header: &Header) -> Option<Instant> {
    let seconds = header.mtime().ok().filter(|s| *s > 0)?;
    Some(Instant(i64::try_from(seconds).ok()?.checked_mul(SECOND)?))
}

fn pairs(numbers: &[u64]) -> Vec<(u64, u64)> {
    numbers
        .chunks_exact(2)
        .filter_map(|pair| Some((*pair.first()?, *pair.get(1)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_fills_the_block() {
        assert_eq!([0, 1, 511, 512, u64::MAX].map(padding), [0, 511, 1, 0, 1]);
    }
}
