//! Unpacks on a thread of its own while the caller works on what is already unpacked.
//!
//! Blocks go through a short queue, so memory stays at a few blocks and the faster side waits for the slower one.
//! A read error travels behind the bytes that came before it.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// One block: large enough that the queue costs nothing, small enough to stay in the cache of a core.
const BLOCK: usize = 256 << 10;

/// Blocks under way.
const QUEUE: usize = 8;

/// Runs `work` on a reader that yields what `source` yields, read ahead on another thread. Ends when both have ended;
/// `work` need not read everything.
pub(super) fn ahead<R, T>(mut source: R, work: impl FnOnce(&mut Blocks) -> T) -> T
where
    R: Read + Send,
{
    thread::scope(|scope| {
        let (sender, receiver) = sync_channel(QUEUE);
        scope.spawn(move || pump(&mut source, &sender));
        let mut blocks = Blocks {
            receiver,
            block: Vec::new(),
            at: 0,
        };
        // `blocks` is dropped at the end of this closure, before the thread is awaited: a pump that is still sending
        // then fails to and ends.
        work(&mut blocks)
    })
}

/// Reads to the end, to an error, or until nobody listens.
fn pump(source: &mut dyn Read, sender: &SyncSender<io::Result<Vec<u8>>>) {
    loop {
        let mut block = vec![0; BLOCK];
        let (filled, error) = fill(source, &mut block);
        block.truncate(filled);
        let last = filled < BLOCK;
        if filled > 0 && sender.send(Ok(block)).is_err() {
            return;
        }
        if let Some(error) = error {
            let _ = sender.send(Err(error));
            return;
        }
        if last {
            return;
        }
    }
}

/// Fills `into` as far as the source goes: how far, and what stopped it if not its end.
pub(super) fn fill(source: &mut dyn Read, into: &mut [u8]) -> (usize, Option<io::Error>) {
    let mut filled = 0;
    while let Some(rest) = into.get_mut(filled..).filter(|r| !r.is_empty()) {
        match source.read(rest) {
            Ok(0) => break,
            Ok(n) => filled = filled.saturating_add(n).min(into.len()),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return (filled, Some(e)),
        }
    }
    (filled, None)
}

/// The reading end of a queue of blocks.
pub(super) struct Blocks {
    receiver: Receiver<io::Result<Vec<u8>>>,
    block: Vec<u8>,
    at: usize,
}

impl Read for Blocks {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        while self.at >= self.block.len() {
            match self.receiver.recv() {
                Ok(block) => self.block = block?,
                Err(_) => return Ok(0), // the pump has ended
            }
            self.at = 0;
        }
        let rest = self.block.get(self.at..).unwrap_or(&[]);
        let n = rest.len().min(into.len());
        if let (Some(to), Some(from)) = (into.get_mut(..n), rest.get(..n)) {
            to.copy_from_slice(from);
        }
        self.at = self.at.saturating_add(n);
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    /// Yields `0` for ever, or an error at the end.
    struct Broken;

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is on fire"))
        }
    }

    #[test]
    fn yields_all_then_the_error() {
        let bytes: Vec<u8> = (0..=250).cycle().take(3 * BLOCK + 17).collect();
        let source = Cursor::new(bytes.clone()).chain(Broken);
        let (got, error) = ahead(source, |blocks| {
            let mut got = Vec::new();
            let error = blocks.read_to_end(&mut got).unwrap_err();
            (got, error)
        });
        assert!(got == bytes);
        assert_eq!(error.to_string(), "the disk is on fire");
    }

    #[test]
    fn a_reader_that_stops_early_ends_an_endless_source() {
        let first = ahead(io::repeat(7), |blocks| {
            let mut byte = [0];
            blocks.read_exact(&mut byte).unwrap();
            byte[0]
        });
        assert_eq!(first, 7);
    }
}
