//! Recognises what a file is packed with by its first bytes; extensions lie and are not looked at.
//!
//! `1f 8b 08` is gzip whether the file is called `kubelet.log.gz`, `kubelet.log` or `bundle.zip`. It does not tell
//! text formats apart; that is for the layer that parses.

/// How many bytes [`recognise`] wants to see: one tar header.
pub(super) const HEAD: usize = 512;

/// A stream compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    /// gzip, one or several members.
    Gzip,
    /// xz, one or several streams.
    Xz,
    /// Zstandard, one or several frames.
    Zstd,
    /// bzip2, one or several streams.
    Bzip2,
    /// A raw deflate stream (a zip member).
    Deflate,
}

impl Packing {
    /// The name for a message.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
            Self::Deflate => "deflate",
        }
    }
}

/// What the first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A file of its own.
    Plain,
    /// One compressed stream.
    Packed(Packing),
    /// A tar archive.
    Tar,
    /// A zip archive.
    Zip,
    /// A packing that is known and not read; the name of it.
    Foreign(&'static str),
}

/// Fixed first bytes. bzip2 needs a digit between two fixed parts and is tested apart.
const MAGIC: [(&[u8], Kind); 12] = [
    (b"\x1f\x8b\x08", Kind::Packed(Packing::Gzip)),
    (b"\xfd7zXZ\0", Kind::Packed(Packing::Xz)),
    (b"\x28\xb5\x2f\xfd", Kind::Packed(Packing::Zstd)),
    (b"PK\x03\x04", Kind::Zip),
    (b"PK\x05\x06", Kind::Zip),           // an empty one
    (b"PK\x07\x08PK\x03\x04", Kind::Zip), // the first part of a split one
    (b"7z\xbc\xaf\x27\x1c", Kind::Foreign("7-Zip")),
    (b"Rar!\x1a\x07", Kind::Foreign("RAR")),
    (b"\x04\x22\x4d\x18", Kind::Foreign("lz4")),
    (b"LZIP\x01", Kind::Foreign("lzip")),
    (b"\x89LZO\0\r\n\x1a\n", Kind::Foreign("lzop")),
    (b"\x1f\x9d\x90", Kind::Foreign("compress (.Z)")),
];

/// What a file that begins with `head` is packed with.
pub(super) fn recognise(head: &[u8]) -> Kind {
    if let Some((_, kind)) = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)) {
        return *kind;
    }
    if is_bzip2(head) {
        return Kind::Packed(Packing::Bzip2);
    }
    if is_skippable_zstd(head) {
        return Kind::Packed(Packing::Zstd);
    }
    if is_tar_header(head) {
        return Kind::Tar;
    }
    Kind::Plain
}

/// `BZh1`..`BZh9`, then the mark of a block or of an empty stream: `BZh` alone may begin a text.
fn is_bzip2(head: &[u8]) -> bool {
    matches!(
        head,
        [
            b'B',
            b'Z',
            b'h',
            b'1'..=b'9',
            0x31,
            0x41,
            0x59,
            0x26,
            0x53,
            0x59,
            ..
        ] | [
            b'B',
            b'Z',
            b'h',
            b'1'..=b'9',
            0x17,
            0x72,
            0x45,
            0x38,
            0x50,
            0x90,
            ..
        ]
    )
}

/// A skippable frame that a zstd frame or another skippable frame may follow (parallel compressors write one first).
fn is_skippable_zstd(head: &[u8]) -> bool {
    let [0x50..=0x5f, 0x2a, 0x4d, 0x18, a, b, c, d, ..] = head else {
        return false;
    };
    let next = usize::try_from(u32::from_le_bytes([*a, *b, *c, *d]))
        .unwrap_or(usize::MAX)
        .saturating_add(8);
    head.get(next..)
        .is_some_and(|rest| rest.starts_with(b"\x28\xb5\x2f\xfd"))
}

/// Whether `block` is a tar header: its checksum is right. `ustar` alone is not asked for (v7 has none) and does not
/// suffice (a text about tar).
pub(super) fn is_tar_header(block: &[u8]) -> bool {
    let Some(block) = block.get(..HEAD) else {
        return false;
    };
    let (Some(name), Some(field)) = (block.first(), block.get(148..156)) else {
        return false;
    };
    // A v7 header without a name is the zero block at the end, or chance.
    if *name == 0 && block.get(257..262) != Some(b"ustar") {
        return false;
    }
    let Some(stated) = octal(field) else {
        return false;
    };
    let (mut unsigned, mut signed) = (0_i64, 0_i64);
    for (i, byte) in block.iter().enumerate() {
        // The checksum is taken as if its own field were blank.
        let byte = if (148..156).contains(&i) { b' ' } else { *byte };
        unsigned += i64::from(byte);
        signed += i64::from(byte.cast_signed()); // what some old tars summed
    }
    stated == unsigned || stated == signed
}

/// An octal number field of a header: blanks, digits, then NUL or blank.
fn octal(field: &[u8]) -> Option<i64> {
    let mut value: Option<i64> = None;
    for byte in field {
        match byte {
            b'0'..=b'7' => {
                value = Some(value.unwrap_or(0).checked_mul(8)? + i64::from(byte - b'0'));
            }
            b' ' if value.is_none() => {}
            b' ' | 0 => break,
            _ => return None,
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn case(head: &[u8], expected: Kind) {
        assert_eq!(recognise(head), expected, "{head:02x?}");
    }

    #[test]
    fn content_decides() {
        case(b"\x1f\x8b\x08\x00", Kind::Packed(Packing::Gzip));
        case(b"\x1f\x8b\x07\x00", Kind::Plain); // no such method
        case(b"BZh91AY&SY", Kind::Packed(Packing::Bzip2));
        case(b"BZh9 is how bzip2 begins", Kind::Plain);
        case(b"PK\x03\x04", Kind::Zip);
        case(b"PK\x05\x06", Kind::Zip);
        case(b"7z\xbc\xaf\x27\x1c", Kind::Foreign("7-Zip"));
        case(b"", Kind::Plain);
        case(b"I0229 03:04:05.123456       1 x.go:1] y", Kind::Plain);
        case(
            b"\x50\x2a\x4d\x18\x01\0\0\0x\x28\xb5\x2f\xfd",
            Kind::Packed(Packing::Zstd),
        );
        case(b"\x50\x2a\x4d\x18\x01\0\0\0x text", Kind::Plain);
    }

    #[test]
    fn a_tar_header_is_known_by_its_checksum() {
        for mut header in [
            tar::Header::new_ustar(),
            tar::Header::new_gnu(),
            tar::Header::new_old(),
        ] {
            header.set_path("kubelet.log").unwrap();
            header.set_size(1);
            header.set_cksum();
            case(header.as_bytes(), Kind::Tar);
            header.as_mut_bytes()[3] ^= 1;
            case(header.as_bytes(), Kind::Plain);
        }
        case(&[0; HEAD], Kind::Plain);
    }

    proptest! {
        #[test]
        fn any_bytes(head in prop::collection::vec(any::<u8>(), 0..600)) {
            let _ = recognise(&head);
        }
    }
}
