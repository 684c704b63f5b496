//! What a reader that changes what it reads holds ready: made in pieces, given out in whatever sizes are asked for.

/// Bytes that were made and not yet read.
#[derive(Debug, Default)]
pub struct Ready {
    bytes: Vec<u8>,
    given: usize,
}

impl Ready {
    /// Whether all was given out.
    pub fn is_empty(&self) -> bool {
        self.given >= self.bytes.len()
    }

    /// Where more is put.
    pub fn room(&mut self) -> &mut Vec<u8> {
        if self.is_empty() {
            self.bytes.clear();
            self.given = 0;
        }
        &mut self.bytes
    }

    /// Gives out as much as there is and `buffer` takes; how much that was.
    pub fn give(&mut self, buffer: &mut [u8]) -> usize {
        let rest = self.bytes.get(self.given..).unwrap_or_default();
        let n = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..n), rest.get(..n)) {
            to.copy_from_slice(from);
        }
        self.given = self.given.saturating_add(n);
        n
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_out_what_was_put_in_once_and_in_order() {
        let mut ready = Ready::default();
        let mut buffer = [0; 3];
        assert_eq!(ready.give(&mut buffer), 0);
        ready.room().extend_from_slice(b"abcd");
        assert_eq!((ready.give(&mut buffer), &buffer), (3, b"abc"));
        ready.room().push(b'e');
        assert_eq!(ready.give(&mut buffer), 2);
        assert_eq!(buffer.get(..2), Some(&b"de"[..]));
        assert!(ready.is_empty() && ready.room().is_empty());
    }
}
