//! How the bytes of a file are to be read: UTF-8 (and what is nearly that), UTF-16, or not as text at all.
//!
//! `FF FE` in front is what a Windows shell's `>` writes; a gzip member begins with `1F 8B`.

use std::borrow::Cow;

/// The encoding of a text file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark; invalid bytes are allowed.
    #[default]
    Utf8,
    /// UTF-16, low byte first.
    Utf16Le,
    /// UTF-16, high byte first.
    Utf16Be,
}

/// First bytes of formats that are not text, at an offset, and their name.
const MAGIC: [(usize, &[u8], &str); 17] = [
    (0, b"\x1f\x8b", "gzip"),
    (0, b"\xfd7zXZ\x00", "xz"),
    (0, b"\x28\xb5\x2f\xfd", "zstd"),
    (0, b"BZh", "bzip2"),
    (0, b"PK\x03\x04", "zip"),
    (257, b"ustar", "tar"),
    (0, b"LPKSHHRH", "systemd journal"),
    (0, b"\x7fELF", "ELF program"),
    (0, b"\x89PNG", "PNG picture"),
    (0, b"\xff\xd8\xff", "JPEG picture"),
    (0, b"GIF8", "GIF picture"),
    (0, b"%PDF", "PDF document"),
    (0, b"SQLite format 3", "SQLite database"),
    (0, b"\xca\xfe\xba\xbe", "Java class"),
    (0, b"MZ\x90", "Windows program"),
    (0, b"7z\xbc\xaf\x27\x1c", "7z"),
    (0, b"Rar!", "rar"),
];

/// The name of the binary format that the first bytes show.
pub(super) fn magic(head: &[u8]) -> Option<&'static str> {
    MAGIC
        .iter()
        .find(|(at, bytes, _)| head.get(*at..).is_some_and(|h| h.starts_with(bytes)))
        .map(|(_, _, name)| *name)
}

/// The encoding by byte order mark, or by every second byte being zero.
pub(super) fn detect(head: &[u8]) -> Encoding {
    match head {
        [0xff, 0xfe, ..] => return Encoding::Utf16Le,
        [0xfe, 0xff, ..] => return Encoding::Utf16Be,
        _ => {}
    }
    let sample = head.get(..head.len().min(1024)).unwrap_or_default();
    let zeros = |odd: usize| {
        let of: Vec<u8> = sample.iter().skip(odd).step_by(2).copied().collect();
        (memchr::memchr_iter(0, &of).count(), of.len())
    };
    let ((even, n), (odd, m)) = (zeros(0), zeros(1));
    // Both high means a block of zeros, which crashes and preallocation leave in logs.
    if odd * 10 > m * 8 && even * 10 < n && m > 8 {
        Encoding::Utf16Le
    } else if even * 10 > n * 8 && odd * 10 < m && n > 8 {
        Encoding::Utf16Be
    } else {
        Encoding::Utf8
    }
}

/// The text as UTF-8 (borrowed where it is); a byte order mark is removed.
pub(super) fn decode(head: &[u8], encoding: Encoding) -> Cow<'_, [u8]> {
    let unit: fn([u8; 2]) -> u16 = match encoding {
        Encoding::Utf8 => {
            return Cow::Borrowed(head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head));
        }
        Encoding::Utf16Le => u16::from_le_bytes,
        Encoding::Utf16Be => u16::from_be_bytes,
    };
    let (pairs, _) = head.as_chunks::<2>();
    let text: String = char::decode_utf16(pairs.iter().map(|p| unit(*p)))
        .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect();
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned();
    Cow::Owned(text.into_bytes())
}

/// Whether too many bytes are no text. Zeros count only beside other bytes: logs hold blocks of them.
pub(super) fn is_binary(text: &[u8]) -> bool {
    let sample = text.get(..text.len().min(8192)).unwrap_or_default();
    let zeros = memchr::memchr_iter(0, sample).count();
    let lines = memchr::memchr_iter(b'\n', sample).count();
    let odd = sample
        .iter()
        .filter(|c| matches!(c, 1..=6 | 14..=26 | 28..=31 | 127))
        .count();
    odd * 10 > sample.len() - zeros || (zeros > 0 && zeros * 3 > sample.len() && lines == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings() {
        let wide: Vec<u8> = "I1120 10:00:00.000000"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(detect(&wide), Encoding::Utf16Le);
        assert_eq!(&*decode(&wide, Encoding::Utf16Le), b"I1120 10:00:00.000000");
        let marked = [b"\xfe\xff\x00a\x00b".as_slice()].concat();
        assert_eq!(&*decode(&marked, detect(&marked)), b"ab");
        assert_eq!(detect(b"plain text, only text"), Encoding::Utf8);
        assert_eq!(detect(&[0; 64]), Encoding::Utf8);
        assert_eq!(&*decode(b"\xef\xbb\xbfx", Encoding::Utf8), b"x");
    }

    #[test]
    fn binary() {
        assert_eq!(magic(b"\x1f\x8b\x08\x00"), Some("gzip"));
        assert_eq!(magic(b"LPKSHHRH\x00"), Some("systemd journal"));
        assert_eq!(magic(b"I1120"), None);
        assert!(is_binary(&[1, 2, 3, 4, 5, 6]));
        assert!(!is_binary(b"a\x1b[31mred\x1b[0m line\n"));
        assert!(!is_binary(
            &[b"line one\n".as_slice(), &[0; 4000], b"line two\n"].concat()
        ));
        assert!(!is_binary("中文\n".as_bytes()));
    }
}
