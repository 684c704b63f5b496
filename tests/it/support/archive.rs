//! Bundles in memory: taken apart, changed, put together again as whatever a customer might send.

use std::fs;
use std::io::{Cursor, Read as _, Write as _};
use std::path::Path;

use flate2::Compression;

/// One file of a bundle.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// Path within its archive; `!` stands behind each archive it lies in.
    pub(crate) path: String,
    /// Content.
    pub(crate) data: Vec<u8>,
    /// Seconds since 1970.
    pub(crate) mtime: u64,
}

impl Member {
    /// A file of a bundle that a test writes.
    pub(crate) fn new(path: &str, data: impl Into<Vec<u8>>) -> Self {
        // 2026-03-02T12:10:00Z: later than what the written bundles tell.
        Self {
            path: path.to_owned(),
            data: data.into(),
            mtime: 1_772_453_400,
        }
    }
}

/// All files of an archive, those of archives inside it too.
pub(crate) fn open(path: &Path) -> Vec<Member> {
    let data = fs::read(path).unwrap();
    members(&data).unwrap_or_else(|| panic!("{} is no archive", path.display()))
}

/// The files of an archive; `None`: it is none.
fn members(data: &[u8]) -> Option<Vec<Member>> {
    let plain = decompress(data);
    let data = plain.as_deref().unwrap_or(data);
    let mut found = Vec::new();
    if data.starts_with(b"PK\x03\x04") {
        let mut zip = zip::ZipArchive::new(Cursor::new(data)).unwrap();
        for index in 0..zip.len() {
            let mut file = zip.by_index(index).unwrap();
            let mut data = Vec::new();
            file.read_to_end(&mut data).unwrap();
            push(
                &mut found,
                Member {
                    path: file.name().unwrap().into_owned(),
                    data,
                    mtime: 1_795_195_000,
                },
            );
        }
    } else if data.get(257..262) == Some(b"ustar") {
        let mut tar = tar::Archive::new(data);
        for entry in tar.entries().unwrap() {
            let mut entry = entry.unwrap();
            if entry.header().entry_type().is_file() {
                let path = entry.path().unwrap().to_string_lossy().into_owned();
                let mtime = entry.header().mtime().unwrap();
                let mut data = Vec::new();
                entry.read_to_end(&mut data).unwrap();
                push(&mut found, Member { path, data, mtime });
            }
        }
    } else {
        return None;
    }
    Some(found)
}

/// Takes a file, or what it holds if it is an archive.
fn push(found: &mut Vec<Member>, member: Member) {
    match members(&member.data) {
        None => found.push(member),
        Some(inner) => found.extend(inner.into_iter().map(|m| Member {
            path: format!("{}!{}", member.path, m.path),
            ..m
        })),
    }
}

fn decompress(data: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    match data {
        [0x1f, 0x8b, ..] => flate2::read::GzDecoder::new(data).read_to_end(&mut out),
        [b'B', b'Z', b'h', ..] => bzip2::read::BzDecoder::new(data).read_to_end(&mut out),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => {
            lzma_rust2::XzReader::new(data, true).read_to_end(&mut out)
        }
        [0x28, 0xb5, 0x2f, 0xfd, ..] => ruzstd::decoding::StreamingDecoder::new(data)
            .unwrap()
            .read_to_end(&mut out),
        _ => return None,
    }
    .unwrap();
    Some(out)
}

/// A gzip file.
pub(crate) fn gzip(data: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), Compression::fast());
    out.write_all(data).unwrap();
    out.finish().unwrap()
}

/// A tar file.
pub(crate) fn tar(members: &[Member]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for member in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(member.data.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(member.mtime);
        tar.append_data(&mut header, flat(&member.path), member.data.as_slice())
            .unwrap();
    }
    tar.into_inner().unwrap()
}

/// A zip file, with times in UTC as Info-ZIP writes them.
pub(crate) fn zip(members: &[Member]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for member in members {
        let seconds = u32::try_from(member.mtime).unwrap().to_le_bytes();
        let mut options = zip::write::FullFileOptions::default();
        options
            .add_extra_field(0x5455, [&[1], seconds.as_slice()].concat(), false)
            .unwrap();
        zip.start_file(flat(&member.path), options).unwrap();
        zip.write_all(&member.data).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Writes files below a directory.
pub(crate) fn unpack(members: &[Member], to: &Path) {
    for member in members {
        let path = to.join(flat(&member.path));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut file = fs::File::create(&path).unwrap();
        file.write_all(&member.data).unwrap();
        let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(member.mtime);
        file.set_modified(at).unwrap();
    }
}

/// A path without archives in it: `a.tar.gz!b/c.log` is `a/b/c.log`.
fn flat(path: &str) -> String {
    path.replace(".tar.gz!", "/")
}
