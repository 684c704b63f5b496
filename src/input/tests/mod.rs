//! What is found in every kind of packing, and what is said about everything that is not read.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Read, Write};
use std::path::Path;
use std::sync::Mutex;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

mod hostile;
mod inputs;
mod packings;
mod tars;
mod zips;

const LINE: &[u8] = b"I0229 line one\n";

/// `LINE`, packed with the command line tools of the name.
const XZ: &str = "fd377a585a000004e6d6b4460200210116000000742fe5a301000e4930323239206c696e65206f6e650a0000da583c37fc13a1de0001270fdf1afc6a1fb6f37d010000000004595a";
const ZSTD: &str = "28b52ffd240f7900004930323239206c696e65206f6e650a8801dea9";

/// A file, its content, and the read error behind it.
type Visited = (Found, Vec<u8>, Option<String>);

/// Writes down what it is told.
#[derive(Default)]
struct Notes {
    files: Mutex<BTreeMap<String, Visited>>,
    left_out: Mutex<Vec<(String, Status, String)>>,
    progress: Mutex<Vec<(u64, u64)>>,
}

impl Visitor for Notes {
    fn file(&self, found: &Found, reader: &mut dyn Read) {
        let mut content = Vec::new();
        let mut block = [0; 4096];
        let mut error = None;
        loop {
            match reader.read(&mut block) {
                Ok(0) => break,
                // Content is compared where it is small; of the rest the amount is enough.
                Ok(n) if content.len() < 1 << 22 => content.extend_from_slice(&block[..n]),
                Ok(_) => {}
                Err(e) => {
                    error = Some(e.to_string());
                    break;
                }
            }
        }
        let before = self
            .files
            .lock()
            .unwrap()
            .insert(found.path.clone(), (found.clone(), content, error));
        assert!(before.is_none(), "{} was visited twice", found.path);
    }

    fn left_out(&self, path: &str, status: Status, note: String) {
        self.left_out
            .lock()
            .unwrap()
            .push((path.to_owned(), status, note));
    }

    fn progress(&self, bytes: u64, files: u64) {
        self.progress.lock().unwrap().push((bytes, files));
    }
}

impl Notes {
    fn paths(&self) -> Vec<String> {
        self.files.lock().unwrap().keys().cloned().collect()
    }

    #[track_caller]
    fn content(&self, path: &str) -> (Vec<u8>, Option<String>) {
        let files = self.files.lock().unwrap();
        let (_, content, error) = files
            .get(path)
            .unwrap_or_else(|| panic!("no {path}: {:?}", files.keys()));
        (content.clone(), error.clone())
    }

    fn found(&self, path: &str) -> Found {
        self.files.lock().unwrap()[path].0.clone()
    }

    /// What was left out, in path order: path, status, note.
    fn rest(&self) -> Vec<(String, Status, String)> {
        let mut rest = self.left_out.lock().unwrap().clone();
        rest.sort();
        rest
    }

    /// Nothing was left out and nothing failed.
    #[track_caller]
    fn clean(&self) {
        assert_eq!(self.rest(), []);
        for (path, (_, _, error)) in &*self.files.lock().unwrap() {
            assert_eq!(*error, None, "{path}");
        }
    }
}

fn run_all(inputs: &[Input], limits: &Limits) -> Notes {
    let notes = Notes::default();
    discover(inputs, limits, &notes).unwrap();
    notes
}

/// The run over one file with this name and content.
fn run_limited(name: &str, content: &[u8], limits: &Limits) -> Notes {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    run_all(&[Input::Path(path)], limits)
}

fn run(name: &str, content: &[u8]) -> Notes {
    run_limited(name, content, &Limits::default())
}

fn run_folder(folder: &Path) -> Notes {
    run_all(&[Input::Path(folder.to_path_buf())], &Limits::default())
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap())
        .collect()
}

fn gz(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn bz2(content: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// A header whose name is written as it is, which the builder would refuse.
fn header(name: &[u8], kind: EntryType, size: u64) -> Header {
    let mut header = Header::new_ustar();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name);
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mtime(1_711_111_111);
    header.set_mode(0o644);
    header.set_cksum();
    header
}

fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, content) in members {
        let header = header(name.as_bytes(), EntryType::Regular, content.len() as u64);
        builder.append(&header, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

fn zip(members: &[(&str, &[u8])], options: SimpleFileOptions) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        writer.start_file(*name, options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Deterministic text that does not compress to nothing.
fn log(lines: u32) -> Vec<u8> {
    let mut text = Vec::new();
    for i in 0..lines {
        let x = i.wrapping_mul(2_654_435_761);
        writeln!(
            text,
            "I0229 03:04:05.{i:06}       1 x.go:{}] {x:08x}{:08x}",
            i % 977,
            x.rotate_left(7) ^ i
        )
        .unwrap();
    }
    text
}
