//! Reads a sparse member of a tar: stored pieces with holes between them, which read as zeros.
//!
//! A log that was truncated under its writer (`copytruncate`) has such a hole in front. Maps come in GNU headers and,
//! from other writers, as decimal numbers in pax headers or in front of the data.

use std::io::{self, Read};

use super::meter::Tally;

/// Most pieces a map may have: the map is kept in memory.
const PIECES: usize = 1 << 16;

/// Where the stored pieces lie in the file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Map {
    /// Offset and length of each piece, in order.
    pieces: Vec<(u64, u64)>,
    /// Size of the whole file.
    pub(super) size: u64,
}

impl Map {
    /// A file of `size` bytes, `stored` of which are in the archive. `None`: the pieces overlap, leave the file or are
    /// more than what is stored.
    pub(super) fn new(pieces: Vec<(u64, u64)>, size: u64, stored: u64) -> Option<Self> {
        let (mut end, mut sum) = (0_u64, 0_u64);
        for (offset, length) in &pieces {
            if *offset < end {
                return None;
            }
            end = offset.checked_add(*length)?;
            sum = sum.checked_add(*length)?;
        }
        (pieces.len() <= PIECES && end <= size && sum <= stored).then_some(Self { pieces, size })
    }

    /// A map written as decimal numbers, offset and length in turn.
    pub(super) fn numbers(text: &[u8]) -> Option<Vec<(u64, u64)>> {
        let mut pieces = Vec::new();
        let mut numbers = text.split(|b| *b == b',').map(decimal);
        while let Some(offset) = numbers.next() {
            if pieces.len() == PIECES {
                return None;
            }
            pieces.push((offset?, numbers.next()??));
        }
        Some(pieces)
    }

    /// A map in front of the data (GNU sparse 1.0): a count, then the numbers, a line each, padded to blocks of 512.
    /// Returns the bytes it took too.
    pub(super) fn in_front(data: &mut dyn Read) -> io::Result<(Vec<(u64, u64)>, u64)> {
        let mut lines = Lines {
            data,
            block: [0; 512],
            at: 512,
            taken: 0,
        };
        let count = lines.number()?;
        if count > PIECES as u64 {
            return Err(io::Error::other("its map of holes is too long"));
        }
        let mut pieces = Vec::new();
        for _ in 0..count {
            pieces.push((lines.number()?, lines.number()?));
        }
        Ok((pieces, lines.taken))
    }
}

/// A decimal number, nothing else.
pub(super) fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Lines of digits in blocks of 512 bytes.
struct Lines<'a> {
    data: &'a mut dyn Read,
    block: [u8; 512],
    at: usize,
    taken: u64,
}

impl Lines<'_> {
    fn number(&mut self) -> io::Result<u64> {
        let mut digits = Vec::new();
        loop {
            if self.at >= self.block.len() {
                self.data.read_exact(&mut self.block)?;
                self.at = 0;
                self.taken = self.taken.saturating_add(512);
            }
            let byte = self.block.get(self.at).copied().unwrap_or(0);
            self.at = self.at.saturating_add(1);
            if byte == b'\n' {
                break;
            }
            digits.push(byte);
            if digits.len() > 20 {
                break; // longer than any number: `decimal` refuses it
            }
        }
        decimal(&digits).ok_or_else(|| io::Error::other("its map of holes is damaged"))
    }
}

/// The content of a sparse member, holes as zeros.
pub(super) struct Sparse<R> {
    inner: R,
    map: Map,
    piece: usize,
    at: u64,
    tally: Tally,
}

impl<R: Read> Sparse<R> {
    /// Spreads what `inner` stores over the file. `tally` counts the stored bytes.
    pub(super) fn new(inner: R, map: Map, tally: Tally) -> Self {
        Self {
            inner,
            map,
            piece: 0,
            at: 0,
            tally,
        }
    }
}

impl<R: Read> Read for Sparse<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while let Some((offset, length)) = self.map.pieces.get(self.piece).copied()
            && self.at >= offset.saturating_add(length)
        {
            self.piece = self.piece.saturating_add(1);
        }
        let (stored, until) = match self.map.pieces.get(self.piece) {
            Some((offset, length)) if self.at >= *offset => (true, offset.saturating_add(*length)),
            Some((offset, _)) => (false, *offset),
            None => (false, self.map.size),
        };
        let room = usize::try_from(until.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let room = room.min(into.len());
        let Some(into) = into.get_mut(..room).filter(|i| !i.is_empty()) else {
            return Ok(0);
        };
        let n = if stored {
            let n = self.inner.read(into)?;
            self.tally.add(n as u64);
            n
        } else {
            into.fill(0);
            into.len()
        };
        self.at = self.at.saturating_add(n as u64);
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn case(pieces: &[(u64, u64)], size: u64, stored: &[u8], expected: Option<&[u8]>) {
        let map = Map::new(pieces.to_vec(), size, stored.len() as u64);
        let got = map.map(|map| {
            let mut got = Vec::new();
            Sparse::new(stored, map, Tally::default())
                .read_to_end(&mut got)
                .unwrap();
            got
        });
        assert_eq!(got.as_deref(), expected);
    }

    #[test]
    fn holes_read_as_zeros() {
        case(&[(2, 3)], 7, b"abc", Some(b"\0\0abc\0\0"));
        case(&[(0, 1), (3, 1), (5, 0)], 5, b"ab", Some(b"a\0\0b\0")); // GNU tar ends a map so
        case(&[(0, 1), (4, 2)], 5, b"abc", None); // the last piece leaves the file
        case(&[(0, 1), (3, 1)], 4, b"ab", Some(b"a\0\0b"));
        case(&[], 3, b"", Some(b"\0\0\0"));
        case(&[(0, 2), (1, 2)], 9, b"abcd", None); // overlap
        case(&[(0, 9)], 9, b"abc", None); // more than is stored
        case(&[(u64::MAX, 2)], 9, b"abc", None);
    }

    #[test]
    fn maps_are_numbers() {
        assert_eq!(Map::numbers(b"0,1,512,3"), Some(vec![(0, 1), (512, 3)]));
        assert_eq!(Map::numbers(b"0,1,512"), None);
        assert_eq!(Map::numbers(b"0,-1"), None);
        let mut front = b"2\n0\n1\n512\n3\n".to_vec();
        front.resize(512, 0);
        let (pieces, taken) = Map::in_front(&mut front.as_slice()).unwrap();
        assert_eq!((pieces, taken), (vec![(0, 1), (512, 3)], 512));
    }

    proptest! {
        #[test]
        fn any_bytes(text in prop::collection::vec(any::<u8>(), 0..1100)) {
            let _ = Map::numbers(&text);
            let _ = Map::in_front(&mut text.as_slice());
        }
    }
}
