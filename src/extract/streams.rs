//! What stands between the bytes of a file and who reads it: counting, decoding, one log entry a line.

use std::io::Read;

use xxhash_rust::xxh3::Xxh3;

use crate::base::ready::Ready;
use crate::parse::unfold::Unfolder;

/// Counts and hashes what passes.
pub(super) struct Counted<'r> {
    inner: &'r mut dyn Read,
    hash: Xxh3,
    bytes: u64,
}

impl<'r> Counted<'r> {
    pub(super) fn new(inner: &'r mut dyn Read) -> Self {
        Self {
            inner,
            hash: Xxh3::new(),
            bytes: 0,
        }
    }

    /// Counts bytes that did not come through it.
    pub(super) fn pass(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
    }

    /// How many bytes passed.
    pub(super) fn passed(&self) -> u64 {
        self.bytes
    }

    /// The hash of all that passed.
    pub(super) fn digest(&self) -> u64 {
        self.hash.digest()
    }
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.pass(buffer.get(..n).unwrap_or_default());
        Ok(n)
    }
}

/// Log entries of a JSON document, one on each line.
pub(super) struct Unfolded<'r> {
    inner: &'r mut dyn Read,
    unfolder: Unfolder,
    ready: Ready,
}

impl<'r> Unfolded<'r> {
    /// `level`: how deep the entries lie in the document.
    pub(super) fn new(inner: &'r mut dyn Read, level: usize) -> Self {
        Self {
            inner,
            unfolder: Unfolder::new(level),
            ready: Ready::default(),
        }
    }
}

impl Read for Unfolded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.ready.is_empty() {
            let mut block = [0; 16 * 1024];
            let n = self.inner.read(&mut block)?;
            if n == 0 {
                return Ok(0);
            }
            self.unfolder
                .feed(block.get(..n).unwrap_or_default(), self.ready.room());
        }
        Ok(self.ready.give(buffer))
    }
}

/// UTF-16 to UTF-8, as PowerShell's `>` writes it.
pub(super) struct Utf16<'r> {
    inner: &'r mut dyn Read,
    little: bool,
    odd: Option<u8>,
    high: Option<u16>,
    ready: Ready,
}

impl<'r> Utf16<'r> {
    pub(super) fn new(inner: &'r mut dyn Read, little: bool) -> Self {
        Self {
            inner,
            little,
            odd: None,
            high: None,
            ready: Ready::default(),
        }
    }

    fn decode(&mut self, bytes: &[u8]) {
        let ready = self.ready.room();
        for &b in bytes {
            let Some(first) = self.odd.take() else {
                self.odd = Some(b);
                continue;
            };
            let unit = if self.little {
                u16::from_le_bytes([first, b])
            } else {
                u16::from_be_bytes([first, b])
            };
            let units: [u16; 2] = [self.high.take().unwrap_or(0), unit];
            if units[0] == 0 && (0xd800..0xdc00).contains(&unit) {
                self.high = Some(unit);
                continue;
            }
            let of = if units[0] == 0 {
                units.get(1..)
            } else {
                units.get(..)
            };
            for c in char::decode_utf16(of.unwrap_or_default().iter().copied()) {
                let c = c.unwrap_or(char::REPLACEMENT_CHARACTER);
                ready.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
    }
}

impl Read for Utf16<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.ready.is_empty() {
            let mut block = [0; 16 * 1024];
            let n = self.inner.read(&mut block)?;
            if n == 0 {
                return Ok(0);
            }
            self.decode(block.get(..n).unwrap_or_default());
        }
        Ok(self.ready.give(buffer))
    }
}

/// The head of a file, decoded by itself.
pub(super) fn decode_head(head: &[u8], little: bool) -> Vec<u8> {
    let mut none = std::io::empty();
    let mut decoder = Utf16::new(&mut none, little);
    decoder.decode(head);
    let text = std::mem::take(decoder.ready.room());
    text.strip_prefix("\u{feff}".as_bytes())
        .map(<[u8]>::to_vec)
        .unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    #[test]
    fn utf16_becomes_utf8_whatever_the_read_sizes() {
        let text = "I1120 中文 🙂\n";
        let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        struct OneByOne(VecDeque<u8>);
        impl Read for OneByOne {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                match (self.0.pop_front(), buffer.first_mut()) {
                    (Some(b), Some(to)) => {
                        *to = b;
                        Ok(1)
                    }
                    _ => Ok(0),
                }
            }
        }
        let mut source = OneByOne(bytes.into());
        let mut decoder = Utf16::new(&mut source, true);
        let mut out = String::new();
        decoder.read_to_string(&mut out).unwrap();
        assert_eq!(out, text);
    }
}
