//! Reads what extended tar headers say about the member behind them: pax records.
//!
//! ```text
//! 22 path=node1/kubelet
//! ```
//!
//! A length, a key and a value that may hold anything, line ends too. GNU long names end up in the same place.

use super::sparse::{Map, decimal};
use crate::base::time::{Instant, SECOND};

/// What extended headers say about the member behind them.
#[derive(Default)]
pub(super) struct Extended {
    pub(super) name: Option<Vec<u8>>,
    /// Name of a sparse member, whose `path` is made up.
    pub(super) real_name: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) mtime: Option<Instant>,
    /// Real size, where pax records say that the member is sparse.
    pub(super) sparse: Option<u64>,
    /// Map of a sparse member in the records; without it, it is in front of the data.
    pub(super) map: Option<Vec<(u64, u64)>>,
    /// Offsets and lengths of the oldest pax form, a record each.
    pub(super) pieces: Vec<u64>,
}

impl Extended {
    /// Reads pax records, `<length> <key>=<value>\n` each; a damaged one ends the reading, what came before it counts.
    pub(super) fn records(&mut self, mut data: &[u8]) {
        while let Some((key, value, rest)) = record(data) {
            data = rest;
            match key {
                b"path" => self.name = Some(value.to_vec()),
                b"GNU.sparse.name" => self.real_name = Some(value.to_vec()),
                b"linkpath" => self.link = Some(value.to_vec()),
                b"size" => self.size = decimal(value),
                b"mtime" => self.mtime = seconds(value),
                b"GNU.sparse.realsize" | b"GNU.sparse.size" => self.sparse = decimal(value),
                b"GNU.sparse.map" => self.map = Map::numbers(value),
                b"GNU.sparse.offset" | b"GNU.sparse.numbytes" => self.pieces.extend(decimal(value)),
                _ => {}
            }
        }
    }
}

/// The first record, and what follows it.
fn record(data: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let blank = memchr::memchr(b' ', data.get(..24).unwrap_or(data))?;
    let length = usize::try_from(decimal(data.get(..blank)?)?).ok()?;
    let record = data
        .get(blank.checked_add(1)?..length)?
        .strip_suffix(b"\n")?;
    let equals = memchr::memchr(b'=', record)?;
    Some((
        record.get(..equals)?,
        record.get(equals.checked_add(1)?..)?,
        data.get(length..)?,
    ))
}

/// `1711111111.123456789` as an instant.
fn seconds(text: &[u8]) -> Option<Instant> {
    let text = std::str::from_utf8(text).ok()?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole: i64 = whole.parse().ok().filter(|s| *s > 0)?;
    let nanos: String = fraction
        .chars()
        .chain("000000000".chars())
        .take(9)
        .collect();
    let nanos = i64::try_from(decimal(nanos.as_bytes())?).ok()?;
    Some(Instant(whole.checked_mul(SECOND)?.checked_add(nanos)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pax_records_by_length() {
        let mut got = Extended::default();
        got.records(
            b"22 path=node1/a\nb.log\n19 size=8589934592\n30 mtime=1711111111.123456789\n99 broken",
        );
        assert_eq!(got.name.as_deref(), Some(&b"node1/a\nb.log"[..]));
        assert_eq!(got.size, Some(8_589_934_592));
        assert_eq!(got.mtime, Some(Instant(1_711_111_111_123_456_789)));
    }

    proptest! {
        #[test]
        fn any_records(data in prop::collection::vec(any::<u8>(), 0..200)) {
            Extended::default().records(&data);
        }
    }
}
