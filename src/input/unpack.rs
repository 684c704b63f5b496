//! Turns a compressed stream into a reader of its content: gzip, xz, zstd, bzip2, raw deflate.
//!
//! Several streams one after the other (rotated logs joined with `cat`) read as one; zeros behind them are padding.
//! Every error says what kind of data it was and how far it could be read. Windows are limited, so memory is.

use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use flate2::bufread::{DeflateDecoder, GzDecoder};
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::magic::Packing;
use super::meter::is_limit;
use crate::base::units::human_bytes;

/// Packed bytes read at a time.
const INPUT: usize = 128 << 10;

/// Largest window (dictionary) a stream may ask for; `xz -9` asks for 64 MiB, `zstd --ultra -22` for 128 MiB.
const WINDOW: u32 = 256 << 20;

/// A reader of what `packed` holds.
pub(super) fn decoder<'a, R: Read + Send + 'a>(
    packing: Packing,
    packed: R,
) -> Box<dyn Read + Send + 'a> {
    let packed = BufReader::with_capacity(INPUT, packed);
    match packing {
        Packing::Gzip => guard(packing, Gzip(Members::Between(packed))),
        Packing::Deflate => guard(packing, DeflateDecoder::new(packed)),
        Packing::Bzip2 => guard(packing, bzip2::bufread::MultiBzDecoder::new(packed)),
        Packing::Xz => guard(
            packing,
            lzma_rust2::XzReader::new_mem_limit(packed, true, WINDOW >> 10),
        ),
        Packing::Zstd => guard(packing, Zstd::new(packed)),
    }
}

/// A reader of the deflate stream in front of `packed`, which is left behind its end, for a stream that something must
/// follow: an end right there is an early one, which deflate itself does not tell.
pub(super) fn deflate_in_front<'a, R: BufRead + Send + 'a>(packed: R) -> Box<dyn Read + Send + 'a> {
    guard(Packing::Deflate, Followed(DeflateDecoder::new(packed)))
}

struct Followed<R>(DeflateDecoder<R>);

impl<R: BufRead> Read for Followed<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.0.read(into)?;
        if n == 0 && !into.is_empty() && self.0.get_mut().fill_buf()?.is_empty() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(n)
    }
}

fn guard<'a, R: Read + Send + 'a>(packing: Packing, inner: R) -> Box<dyn Read + Send + 'a> {
    Box::new(Guard {
        inner,
        packing,
        out: 0,
        over: false,
    })
}

/// Says in every error what was read and how far, and survives a decoder that panics on strange data.
struct Guard<R> {
    inner: R,
    packing: Packing,
    out: u64,
    over: bool,
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.over || into.is_empty() {
            return Ok(0);
        }
        // After a panic the decoder is never called again, so its broken state is not seen.
        let result = catch_unwind(AssertUnwindSafe(|| self.inner.read(into)))
            .unwrap_or_else(|_| Err(io::Error::other("the decoder failed on it")));
        match result {
            Ok(n) => {
                self.over = n == 0;
                self.out = self.out.saturating_add(n as u64);
                Ok(n)
            }
            Err(e) if e.kind() == ErrorKind::Interrupted => Err(e),
            Err(e) => {
                self.over = true;
                Err(self.explain(e))
            }
        }
    }
}

impl<R> Guard<R> {
    fn explain(&self, error: io::Error) -> io::Error {
        let (name, out) = (self.packing.as_str(), human_bytes(self.out));
        let kind = error.kind();
        if is_limit(&error) {
            error
        } else if kind == ErrorKind::UnexpectedEof {
            io::Error::new(
                kind,
                format!("the {name} data is cut off, after {out} of content"),
            )
        } else {
            io::Error::new(
                kind,
                format!("the {name} data is damaged, after {out} of content ({error})"),
            )
        }
    }
}

/// What follows a complete member or frame.
enum Next {
    /// Another one, or something that claims to be.
    More,
    /// The end, or padding to the end.
    End,
}

/// Looks behind a complete member or frame.
fn next(source: &mut impl BufRead) -> io::Result<Next> {
    loop {
        let buffer = source.fill_buf()?;
        let Some(first) = buffer.first() else {
            return Ok(Next::End);
        };
        if *first != 0 {
            return Ok(Next::More);
        }
        let zeros = buffer.iter().take_while(|b| **b == 0).count();
        source.consume(zeros);
    }
}

/// The members of a gzip file.
struct Gzip<R>(Members<R>);

enum Members<R> {
    Between(R),
    Inside(Box<GzDecoder<R>>),
    Over,
}

impl<R: BufRead> Read for Gzip<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Members::Inside(decoder) = &mut self.0 {
                let n = decoder.read(into)?;
                if n > 0 {
                    return Ok(n);
                }
            }
            self.0 = match std::mem::replace(&mut self.0, Members::Over) {
                Members::Between(mut source) => match next(&mut source)? {
                    Next::More => Members::Inside(Box::new(GzDecoder::new(source))),
                    Next::End => return Ok(0),
                },
                Members::Inside(decoder) => Members::Between(decoder.into_inner()),
                Members::Over => return Ok(0),
            };
        }
    }
}

/// The frames of a zstd file.
struct Zstd<R> {
    source: R,
    frames: FrameDecoder,
    inside: bool,
    /// What stopped the decoder, while it still holds content from before that.
    broken: Option<io::Error>,
}

/// An empty block that is the last one, and a checksum.
const LAST_BLOCK: [u8; 7] = [1, 0, 0, 0, 0, 0, 0];

impl<R: BufRead> Zstd<R> {
    fn new(source: R) -> Self {
        let mut frames = FrameDecoder::new();
        frames.set_max_window_size(u64::from(WINDOW));
        Self {
            source,
            frames,
            inside: false,
            broken: None,
        }
    }

    /// Decodes until there is content to hand out or the frame is over.
    fn decode(&mut self) -> io::Result<()> {
        while self.frames.can_collect() == 0 && !self.frames.is_finished() {
            let one = BlockDecodingStrategy::UptoBlocks(1);
            let Err(error) = self.frames.decode_blocks(&mut self.source, one) else {
                continue;
            };
            let error = zstd_error(&error);
            if error.kind() != ErrorKind::UnexpectedEof {
                return Err(error);
            }
            // A decoder holds a whole window back until its frame is over. It is over now.
            let all = BlockDecodingStrategy::All;
            if self.frames.decode_blocks(&LAST_BLOCK[..], all).is_err() {
                return Err(error);
            }
            self.broken = Some(error);
        }
        Ok(())
    }

    /// Enters the next frame; `false`: there is none.
    fn enter(&mut self) -> io::Result<bool> {
        loop {
            if matches!(next(&mut self.source)?, Next::End) {
                return Ok(false);
            }
            match self.frames.reset(&mut self.source) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let length = u64::from(length);
                    if io::copy(&mut self.source.by_ref().take(length), &mut io::sink())? < length {
                        return Err(ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(e) => return Err(zstd_error(&e)),
            }
        }
    }
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.inside {
                if !self.enter()? {
                    return Ok(0);
                }
                self.inside = true;
            }
            self.decode()?;
            let n = self.frames.read(into)?;
            if n > 0 {
                return Ok(n);
            }
            if let Some(error) = self.broken.take() {
                return Err(error);
            }
            self.inside = false;
            let stated = self.frames.get_checksum_from_data();
            if stated.is_some() && stated != self.frames.get_calculated_checksum() {
                return Err(io::Error::new(
                    ErrorKind::InvalidData,
                    "its checksum does not match",
                ));
            }
        }
    }
}

/// Keeps the kind of a read error below a decoder error: an early end is not damage.
fn zstd_error(error: &FrameDecoderError) -> io::Error {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    let mut kind = ErrorKind::InvalidData;
    while let Some(e) = cause {
        if let Some(e) = e.downcast_ref::<io::Error>() {
            kind = e.kind();
        }
        cause = e.source();
    }
    io::Error::new(kind, error.to_string())
}

/// Checks the CRC-32 of what it passes on.
pub(super) struct Checked<R> {
    inner: R,
    crc: flate2::Crc,
    expected: u32,
}

impl<R: Read> Checked<R> {
    /// Reads `inner`; at its end an error, if the checksum is not `expected`.
    pub(super) fn new(inner: R, expected: u32) -> Self {
        Self {
            inner,
            crc: flate2::Crc::new(),
            expected,
        }
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(into)?;
        self.crc.update(into.get(..n).unwrap_or(&[]));
        if n == 0 && !into.is_empty() && self.crc.sum() != self.expected {
            return Err(io::Error::new(
                ErrorKind::InvalidData,
                format!(
                    "its checksum does not match after {}: damaged or cut off",
                    human_bytes(u64::from(self.crc.amount()))
                ),
            ));
        }
        Ok(n)
    }
}
