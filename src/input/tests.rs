//! What is found in every kind of packing, and what is said about everything that is not read.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Read, Write};
use std::path::Path;
use std::sync::Mutex;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use tar::{Builder, EntryType, Header};
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;
use crate::base::time::SECOND;

const LINE: &[u8] = b"I0229 line one\n";

/// `LINE`, packed with the command line tools of the name.
const XZ: &str = "fd377a585a000004e6d6b4460200210116000000742fe5a301000e4930323239206c696e65206f6e650a0000da583c37fc13a1de0001270fdf1afc6a1fb6f37d010000000004595a";
const ZSTD: &str = "28b52ffd240f7900004930323239206c696e65206f6e650a8801dea9";

/// A tar with one log that begins with a hole of 64 KiB and goes on with "after the hole"; by GNU tar, in its own
/// format and with pax headers of version 1.0, 0.1 and 0.0.
const SPARSE: [&str; 4] = [
    "1f8b0800000000000203edd0310a80300c05d0cc9e222790545b73104fa010152c085aef6f1175d04d5007f3961f3224f0fbb9162f21f5430b4fa1a8b076cde89c4486c158c79cb1636220e3725b0096f082790ad588089f591bc8ae8d1cfb7dde5abbff201ebaa89a2023864eb01bbc24a09452ea1f16de43fd6d00080000",
    "1f8b0800000000000203edd4b16ec320100660669e8227c0779833cae035cd14558afa0054bd346e705c8123457dfaa074b1bc7489aa44e65b908e05b8fbd1d5abbf6cd87f704cd5f1fcce81471d864f71479035d6ded66cbe021208b4e49c71e4c0094063c90a7511ffe09c461ff351c43219a35eb66f3a7dfb9858f7fe6b882dca59b53be52ac81aa7d593efb99d4c8c34abe976641f52f7c36d43442845f19074957bb6bbb56cdd05d686ccaabef347f047fe11d0cdf26ff3d00805cf94fff9e59e25ff323f75dd4824f91b5428515d12bf1f39aaf1c0ea30042ebd2f8aa2588a2b78c047fc000e0000",
    "1f8b0800000000000203edd4bd0ac2301007f0cc7d8a3c4049933497e0d0559d44101f20eaf981a995a605f1e9ad9dda2e2e2296e6b7dc7070245cfe61c9da3e96680f58fae45aefd061c55c71225fc41b5aa9b63686950b0d442830461a30dc102ea4d292d007f981da57b66c8e42a649025dacb6ccdf6de991f9cb13330d002292badbb8d5f9ce15fbabcf64948a5ec7e698751e4e94f626e6f6fe1e98ea5840dc4e8e7944827fc19266599b7657f38b432641cecc973f824ff9e7c20cf2afb4e684f231e57f78b991b0c70a4b5a9d919e0b87219941100453f102f5c68223000c0000",
    "1f8b0800000000000203edd3310e82301406e0ce9ca22780b6f4d1895927e3e2018a3ec480d6d092a0a7179c08c1c1444c08fd9697e6e54fdbe10fa3bd6eb7a84f58dba86c32acd0859539931f629d44caf7ec8c2713b1245c82524281628a302eba13a12df983c63a5d774f21eb24806e7687d0de756d31b49727a60900f04024c3c5adb96695399636158150c38dc9738bae0fc5c944e8e1d0a61c3e86fa9b6032c402e2cd6ea6ca7fd57fc6d5a8ff5c0a20942da9ffe3cf2d84ce1dd6d415480b53a1af9ce779de5abc00a44ee4fe000c0000",
];

/// Writes down what it is told.
#[derive(Default)]
struct Notes {
    /// Path to content, and the read error behind it.
    files: Mutex<BTreeMap<String, (Found, Vec<u8>, Option<String>)>>,
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

#[test]
fn a_single_file_in_any_compression_keeps_its_name() {
    let cases = [
        ("kubelet.log", LINE.to_vec()),
        ("kubelet.log.gz", gz(LINE)),
        ("kubelet.log.bz2", bz2(LINE)),
        ("kubelet.log.xz", hex(XZ)),
        ("kubelet.log.zst", hex(ZSTD)),
        ("kubelet.txt", gz(&bz2(LINE))), // a wrong extension, and two layers
    ];
    for (name, packed) in cases {
        let notes = run(name, &packed);
        notes.clean();
        assert_eq!(notes.paths(), [name]);
        assert_eq!(notes.content(name).0, LINE);
        assert!(!notes.found(name).packed);
    }
}

#[test]
fn an_archive_in_any_compression_is_opened() {
    let plain = tar(&[("./n1/kubelet.log", LINE), ("n1/audit.log.gz", &gz(LINE))]);
    for (name, packed) in [
        ("b.tar", plain.clone()),
        ("b.tar.gz", gz(&plain)),
        ("b.zip", bz2(&plain)),
        (
            "b",
            zip(
                &[
                    ("n1/", b""),
                    ("n1/kubelet.log", LINE),
                    ("n1/audit.log.gz", &gz(LINE)),
                ],
                SimpleFileOptions::default(),
            ),
        ),
    ] {
        let notes = run(name, &packed);
        notes.clean();
        let paths = [
            format!("{name}!n1/audit.log.gz"),
            format!("{name}!n1/kubelet.log"),
        ];
        assert_eq!(notes.paths(), paths);
        for path in paths {
            assert_eq!(notes.content(&path).0, LINE);
            assert!(notes.found(&path).packed);
        }
    }
}

#[test]
fn several_streams_in_one_file_read_as_one() {
    let two = |packed: Vec<u8>| [packed.clone(), packed].concat();
    let skippable = hex("502a4d1804000000deadbeef");
    for packed in [
        two(gz(LINE)),
        two(bz2(LINE)),
        two(hex(XZ)),
        two(hex(ZSTD)),
        [hex(ZSTD), skippable.clone(), hex(ZSTD)].concat(),
        [skippable, two(hex(ZSTD))].concat(),
        [two(gz(LINE)), vec![0; 1000]].concat(), // padding
    ] {
        let notes = run("x", &packed);
        notes.clean();
        assert_eq!(notes.content("x").0, two(LINE.to_vec()));
    }
}

#[test]
fn large_streams_arrive_whole() {
    let text = log(60_000);
    let members: &[(&str, &[u8])] = &[("a", &text), ("b.gz", &gz(&text)), ("c", LINE)];
    let deflated = SimpleFileOptions::default();
    let stored = deflated.compression_method(zip::CompressionMethod::Stored);
    for archive in [
        gz(&tar(members)),
        zip(members, deflated),
        zip(members, stored),
    ] {
        let notes = run("x", &archive);
        notes.clean();
        for path in ["x!a", "x!b.gz"] {
            let got = notes.content(path).0;
            assert!(got == text, "{path}: {} of {} bytes", got.len(), text.len());
        }
        assert_eq!(notes.content("x!c").0, LINE);
        let last = notes.progress.lock().unwrap().iter().max().copied();
        assert_eq!(last.unwrap().1, 3);
        assert!(last.unwrap().0 >= archive.len() as u64);
    }
}

#[test]
fn archives_inside_archives_up_to_the_limit() {
    let mut archive = gz(&tar(&[("x.log", LINE)]));
    for depth in (1..5).rev() {
        archive = gz(&tar(&[
            (&format!("{depth}.tar.gz"), &archive),
            (&format!("{depth}.log"), LINE),
        ]));
    }
    let notes = run("0.tar.gz", &archive);
    assert_eq!(
        notes.paths(),
        [
            "0.tar.gz!1.log",
            "0.tar.gz!1.tar.gz!2.log",
            "0.tar.gz!1.tar.gz!2.tar.gz!3.log",
            "0.tar.gz!1.tar.gz!2.tar.gz!3.tar.gz!4.log"
        ]
    );
    let rest = notes.rest();
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0].0, "0.tar.gz!1.tar.gz!2.tar.gz!3.tar.gz!4.tar.gz");
    assert_eq!(rest[0].1, Status::Skipped);

    let deeper = Limits {
        depth: 5,
        ..Limits::default()
    };
    let notes = run_limited("0.tar.gz", &archive, &deeper);
    notes.clean();
    assert_eq!(notes.paths().len(), 5);
}

#[test]
fn compressed_over_and_over_is_left() {
    let mut packed = LINE.to_vec();
    for _ in 0..5 {
        packed = gz(&packed);
    }
    let notes = run("x.gz", &packed);
    assert!(notes.paths().is_empty());
    assert!(
        notes.rest()[0].2.contains("more than 4 times over"),
        "{:?}",
        notes.rest()
    );
}

#[test]
fn links_and_devices_are_told_not_read() {
    let mut builder = Builder::new(Vec::new());
    let mut link = |name: &[u8], kind, target: &str| {
        let mut header = header(name, kind, 0);
        header.set_link_name_literal(target).unwrap();
        header.set_cksum();
        builder.append(&header, &b""[..]).unwrap();
    };
    link(b"soft", EntryType::Symlink, "/var/log/pods/\x1b[2J");
    link(b"hard", EntryType::Link, "a.log");
    link(b"dev", EntryType::Char, "");
    link(b"pipe", EntryType::Fifo, "");
    link(b"dir/", EntryType::Directory, "");
    builder
        .append(&header(b"a.log", EntryType::Regular, 15), LINE)
        .unwrap();
    let notes = run("x.tar", &builder.into_inner().unwrap());
    assert_eq!(notes.paths(), ["x.tar!a.log"]);
    let rest: Vec<(String, String)> = notes
        .rest()
        .into_iter()
        .map(|(path, _, note)| (path, note))
        .collect();
    let expected = [
        ("x.tar!dev", "a device: has no content to read"),
        ("x.tar!hard", "hard link to a.log, which is read there"),
        ("x.tar!pipe", "a named pipe: has no content to read"),
        (
            "x.tar!soft",
            "link to /var/log/pods/\\x1b[2J: not followed; the file is read if it was sent",
        ),
    ];
    assert_eq!(
        rest,
        expected.map(|(path, note)| (path.to_owned(), note.to_owned()))
    );
    assert!(
        notes
            .rest()
            .iter()
            .all(|(_, status, _)| *status == Status::Skipped)
    );
}

#[test]
fn odd_names_are_read_and_noted() {
    let mut builder = Builder::new(Vec::new());
    for name in [
        &b"/etc/hosts"[..],
        b"../../out",
        b"same",
        b"same",
        b"bad\xffname",
        b"._same",
    ] {
        builder
            .append(&header(name, EntryType::Regular, 15), LINE)
            .unwrap();
    }
    let notes = run("x.tar", &builder.into_inner().unwrap());
    let paths = [
        "x.tar!bad\u{fffd}name",
        "x.tar!etc/hosts",
        "x.tar!out",
        "x.tar!same",
        "x.tar!same#2",
    ];
    let mut got = notes.paths();
    got.sort();
    let mut expected = paths.map(str::to_owned);
    expected.sort();
    assert_eq!(got, expected);
    assert!(notes.found("x.tar!etc/hosts").note.contains("absolute"));
    assert!(notes.found("x.tar!out").note.contains(".."));
    assert_eq!(notes.found("x.tar!same").note, "");
    assert_eq!(
        notes.rest(),
        [(
            String::from("x.tar!._same"),
            Status::Skipped,
            String::from("metadata of macOS, not part of the bundle")
        )]
    );
}

#[test]
fn long_names_of_gnu_and_pax() {
    let long = format!("{}/kubelet.log", "d".repeat(300));
    let mut gnu = Builder::new(Vec::new());
    let mut plain = Header::new_gnu();
    plain.set_size(15);
    plain.set_mode(0o644);
    gnu.append_data(&mut plain, &long, LINE).unwrap();
    let mut pax = Builder::new(Vec::new());
    pax.append_pax_extensions([("path", long.as_bytes()), ("mtime", b"1711111111.5")])
        .unwrap();
    pax.append(&header(b"short", EntryType::Regular, 15), LINE)
        .unwrap();
    for archive in [gnu.into_inner().unwrap(), pax.into_inner().unwrap()] {
        let notes = run("x", &archive);
        notes.clean();
        assert_eq!(notes.paths(), [format!("x!{long}")]);
    }
}

#[test]
fn a_name_of_a_gigabyte_is_not_kept() {
    // Only claimed: the archive ends long before.
    let mut archive = header(b"././@LongLink", EntryType::GNULongName, 1 << 30)
        .as_bytes()
        .to_vec();
    archive.extend([b'a'; 4096]);
    let notes = run("x", &archive);
    assert!(notes.paths().is_empty());
    assert_eq!(notes.rest()[0].1, Status::Partial);
}

#[test]
fn sparse_members_read_with_their_holes() {
    for archive in SPARSE {
        let notes = run("x.tar.gz", &hex(archive));
        notes.clean();
        let path = "x.tar.gz!kubelet.log";
        assert_eq!(notes.paths(), [path]);
        let (content, _) = notes.content(path);
        assert_eq!(content.len(), (1 << 16) + 15);
        assert!(content.ends_with(b"\0after the hole\n"));
        let found = notes.found(path);
        assert_eq!(found.size, Some(content.len() as u64));
        assert_eq!(found.mtime, Some(Instant(1_711_111_111 * SECOND)));
        assert!(found.note.contains("sparse"));
    }
}

#[test]
fn a_sparse_member_of_an_exabyte_is_cut_off() {
    let mut header = Header::new_gnu();
    header.set_path("lastlog").unwrap();
    header.set_entry_type(EntryType::GNUSparse);
    header.set_size(0);
    header.set_mode(0o644);
    let gnu = header.as_gnu_mut().unwrap();
    gnu.realsize.copy_from_slice(b"777777777777");
    header.set_cksum();
    let mut builder = Builder::new(Vec::new());
    builder.append(&header, &b""[..]).unwrap();
    builder
        .append(&self::header(b"b", EntryType::Regular, 15), LINE)
        .unwrap();
    let notes = run("x", &builder.into_inner().unwrap());
    let error = notes.content("x!lastlog").1.unwrap();
    assert!(error.contains("grows more than 1000 times"), "{error}");
    assert_eq!(notes.content("x!b").0, LINE);
}

#[test]
fn a_truncated_archive_gives_what_there_is() {
    let text = log(30_000);
    let whole = gz(&tar(&[("a", LINE), ("b", &text)]));
    let notes = run("x.tar.gz", &whole[..whole.len() / 2]);
    assert_eq!(notes.content("x.tar.gz!a"), (LINE.to_vec(), None));
    let (got, error) = notes.content("x.tar.gz!b");
    assert!(!got.is_empty() && got.len() < text.len() && text.starts_with(&got));
    assert!(error.unwrap().contains("the gzip data is cut off"));
    let rest = notes.rest();
    assert_eq!(rest.len(), 1);
    assert_eq!(
        (rest[0].0.as_str(), rest[0].1),
        ("x.tar.gz", Status::Partial)
    );
    assert!(rest[0].2.contains("ask for the whole file"), "{rest:?}");
}

#[test]
fn a_truncated_file_gives_what_there_is() {
    let text = log(30_000);
    for packed in [gz(&text), bz2(&text)] {
        let notes = run("x", &packed[..packed.len() / 2]);
        let (got, error) = notes.content("x");
        assert!(!got.is_empty() && text.starts_with(&got));
        assert!(error.unwrap().contains("cut off"));
        assert_eq!(notes.rest(), []);
    }
    for packed in [hex(XZ), hex(ZSTD)] {
        let notes = run("x", &packed[..packed.len() - 9]);
        let all = notes
            .files
            .lock()
            .unwrap()
            .values()
            .filter_map(|f| f.2.clone())
            .chain(notes.rest().into_iter().map(|r| r.2))
            .collect::<String>();
        assert!(all.contains("cut off"), "{all}");
    }
}

#[test]
fn a_plain_tar_cut_at_any_byte_is_told() {
    let whole = tar(&[("a", LINE), ("b", LINE)]);
    for end in [300, 512, 520, 1024, 1500, 1536, 2047] {
        let notes = run("x.tar", &whole[..end]);
        if end >= 527 {
            assert_eq!(notes.content("x.tar!a"), (LINE.to_vec(), None));
        }
        // Half a header is no tar yet; a file without a single byte is told as well.
        let expected = match end {
            300 => 0,
            512 | 1536 => 2,
            _ => 1,
        };
        let rest = notes.rest();
        assert_eq!(rest.len(), expected, "{end}: {rest:?}");
        assert!(rest.is_empty() || (rest[0].0 == "x.tar" && rest[0].1 == Status::Partial));
    }
}

#[test]
fn damage_ends_one_archive_and_no_other() {
    let folder = TempDir::new().unwrap();
    let mut damaged = tar(&[("a", LINE), ("b", LINE), ("c", LINE)]);
    damaged[1024 + 5] ^= 1;
    fs::write(folder.path().join("1.tar"), damaged).unwrap();
    fs::write(folder.path().join("2.tar"), tar(&[("a", LINE)])).unwrap();
    fs::write(
        folder.path().join("3.gz"),
        [&gz(LINE)[..10], &[0xff; 50]].concat(),
    )
    .unwrap();
    let notes = run_folder(folder.path());
    assert_eq!(notes.paths(), ["1.tar!a", "2.tar!a"]);
    let rest = notes.rest();
    assert_eq!((rest[0].0.as_str(), rest[0].1), ("1.tar", Status::Partial));
    assert!(rest[0].2.contains("byte 1024"), "{rest:?}");
    assert_eq!((rest[1].0.as_str(), rest[1].1), ("3.gz", Status::Failed));
    assert!(rest[1].2.contains("damaged"), "{rest:?}");
}

#[test]
fn joined_tars_are_both_read() {
    let both = [tar(&[("a", LINE)]), vec![0; 9216], tar(&[("b", LINE)])].concat();
    let notes = run("x", &both);
    notes.clean();
    assert_eq!(notes.paths(), ["x!a", "x!b"]);
}

#[test]
fn empty_things() {
    let notes = run("x.tar.gz", &gz(&[0; 10240]));
    assert_eq!(notes.rest()[0].1, Status::Skipped);
    assert!(notes.rest()[0].2.contains("without files"));
    let notes = run("x.zip", &zip(&[], SimpleFileOptions::default()));
    assert!(notes.rest()[0].2.contains("without files"));
    let notes = run("x.log", b"");
    notes.clean();
    assert_eq!(notes.content("x.log").0, b"");
    let notes = run("x.log", &gz(b""));
    notes.clean();
    assert_eq!(notes.content("x.log").0, b"");
}

#[test]
fn foreign_packings_are_named() {
    let notes = run("x.7z", b"7z\xbc\xaf\x27\x1c rest");
    assert!(notes.paths().is_empty());
    assert_eq!(
        notes.rest()[0].2,
        "7-Zip is not read: unpack it and give what is in it"
    );
}

#[test]
fn a_zip_without_its_index_is_read_front_to_back() {
    let text = log(2000);
    let whole = zip(
        &[("a.log", LINE), ("b.log", &text), ("c.log", LINE)],
        SimpleFileOptions::default(),
    );
    let index = memchr::memmem::find(&whole, b"PK\x01\x02").unwrap();

    let notes = run("x.zip", &whole[..index]);
    assert_eq!(notes.paths(), ["x.zip!a.log", "x.zip!b.log", "x.zip!c.log"]);
    assert!(notes.content("x.zip!b.log").0 == text);
    assert_eq!(notes.rest()[0].1, Status::Partial);

    let notes = run("x.zip", &whole[..index / 2]);
    let (got, error) = notes.content("x.zip!b.log");
    assert!(text.starts_with(&got) && error.is_some());
    assert_eq!(notes.rest()[0].1, Status::Partial);

    // In a stream, and too large to be kept.
    let inside = gz(&tar(&[("y.zip", &whole), ("d.log", LINE)]));
    for zip_buffer in [1 << 20, 100] {
        let notes = run_limited(
            "x.tgz",
            &inside,
            &Limits {
                zip_buffer,
                ..Limits::default()
            },
        );
        notes.clean();
        let paths = [
            "x.tgz!d.log",
            "x.tgz!y.zip!a.log",
            "x.tgz!y.zip!b.log",
            "x.tgz!y.zip!c.log",
        ];
        assert_eq!(notes.paths(), paths);
        assert!(notes.content("x.tgz!y.zip!b.log").0 == text);
    }
}

#[test]
fn a_streamed_zip_has_sizes_behind_its_members() {
    let text = log(2000);
    let mut writer = ZipWriter::new_stream(Vec::new());
    for (name, content) in [("a.log", LINE), ("b.log", &text), ("c.log", LINE)] {
        writer
            .start_file(name, SimpleFileOptions::default())
            .unwrap();
        writer.write_all(content).unwrap();
    }
    let whole = writer.finish().unwrap().into_inner();
    let index = memchr::memmem::find(&whole, b"PK\x01\x02").unwrap();
    for (archive, complete) in [(&whole[..], true), (&whole[..index], false)] {
        let notes = run("x.zip", archive);
        assert_eq!(notes.paths(), ["x.zip!a.log", "x.zip!b.log", "x.zip!c.log"]);
        assert_eq!(notes.content("x.zip!b.log"), (text.clone(), None));
        assert_eq!(notes.rest().is_empty(), complete);
    }
    let notes = run("x.zip", &whole[..index / 2]);
    let (got, error) = notes.content("x.zip!b.log");
    assert!(text.starts_with(&got));
    assert!(error.unwrap().contains("cut off"));
}

#[test]
fn zip_members_that_cannot_be_read() {
    let mut archive = zip(
        &[("a.log", LINE), ("b.log", LINE)],
        SimpleFileOptions::default(),
    );
    // Names of equal length in header and index: one becomes the other, so that there are two of it.
    for at in memchr::memmem::find_iter(&archive.clone(), b"b.log") {
        archive[at] = b'a';
    }
    let notes = run("x.zip", &archive);
    notes.clean();
    assert_eq!(notes.paths(), ["x.zip!a.log", "x.zip!a.log#2"]);

    let entry = memchr::memmem::find(&archive, b"PK\x01\x02").unwrap();
    let mut encrypted = archive.clone();
    encrypted[entry + 8] |= 1;
    let notes = run("x.zip", &encrypted);
    assert_eq!(notes.paths(), ["x.zip!a.log#2"]);
    assert!(notes.rest()[0].2.starts_with("encrypted"));

    let mut method = archive.clone();
    method[entry + 10] = 9;
    let notes = run("x.zip", &method);
    assert!(notes.rest()[0].2.contains("Deflate64"));

    let mut checksum = archive;
    checksum[entry + 16] ^= 1;
    let notes = run("x.zip", &checksum);
    let (got, error) = notes.content("x.zip!a.log");
    assert_eq!(got, LINE);
    assert!(error.unwrap().contains("checksum"));
}

#[test]
fn a_link_in_a_zip_shows_its_target() {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer
        .add_symlink("l", "../out", SimpleFileOptions::default())
        .unwrap();
    let notes = run("x.zip", &writer.finish().unwrap().into_inner());
    assert!(
        notes.rest()[0].2.starts_with("link to ../out"),
        "{:?}",
        notes.rest()
    );
}

#[test]
fn a_bomb_is_cut_off() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    std::io::copy(&mut std::io::repeat(0).take(200 << 20), &mut encoder).unwrap();
    let bomb = encoder.finish().unwrap();
    let archive = tar(&[("bomb.gz", &bomb), ("a.log", LINE)]);
    let notes = run_limited(
        "x.tar",
        &archive,
        &Limits {
            ratio: 500,
            ..Limits::default()
        },
    );
    let error = notes.content("x.tar!bomb.gz").1.unwrap();
    assert!(error.contains("grows more than 500 times"), "{error}");
    assert_eq!(notes.content("x.tar!a.log"), (LINE.to_vec(), None));
}

#[test]
fn limits_of_bytes_and_members() {
    let archive = gz(&tar(&[("a", &log(1000)), ("b", &log(1000)), ("c", LINE)]));
    let notes = run_limited(
        "x.tgz",
        &archive,
        &Limits {
            total_bytes: 50_000,
            ..Limits::default()
        },
    );
    let rest = notes.rest();
    assert!(
        rest.iter()
            .any(|r| r.0 == "x.tgz" && r.1 == Status::Partial && r.2.contains("48.8 KiB")),
        "{rest:?}"
    );
    assert!(!notes.paths().contains(&String::from("x.tgz!c")));

    let notes = run_limited(
        "x.tgz",
        &archive,
        &Limits {
            members: 2,
            ..Limits::default()
        },
    );
    assert_eq!(notes.paths(), ["x.tgz!a", "x.tgz!b"]);
    assert!(notes.rest()[0].2.contains("limit of 2 files"));
}

#[test]
fn a_folder_with_links_and_metadata() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir_all(at("pods/a")).unwrap();
    fs::create_dir_all(at("__MACOSX")).unwrap();
    fs::write(at("pods/a/0.log"), LINE).unwrap();
    fs::write(at("pods/x.tar.gz"), gz(&tar(&[("y", LINE)]))).unwrap();
    fs::write(at("__MACOSX/0.log"), LINE).unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("pods/a/0.log", at("inside")).unwrap();
        std::os::unix::fs::symlink("pods/gone", at("dangling")).unwrap();
        std::os::unix::fs::symlink("/", at("outside")).unwrap();
        std::os::unix::fs::symlink(".", at("loop")).unwrap();
        std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    }
    let notes = run_folder(folder.path());
    assert_eq!(notes.paths(), ["pods/a/0.log", "pods/x.tar.gz!y"]);
    assert!(notes.found("pods/a/0.log").mtime.is_some());
    #[cfg(unix)]
    {
        let rest: Vec<(String, String)> = notes
            .rest()
            .into_iter()
            .map(|(path, _, note)| (path, note))
            .collect();
        let note = |path: &str| rest.iter().find(|r| r.0 == path).unwrap().1.clone();
        assert_eq!(rest.len(), 6);
        assert!(note("inside").contains("read where it lies"));
        assert!(note("dangling").contains("not there"));
        assert!(note("outside").contains("outside of the bundle"));
        assert!(note("loop").contains("read where it lies"));
        assert!(note("socket").contains("socket"));
        assert!(note("__MACOSX/0.log").contains("macOS"));
    }
}

#[test]
fn several_inputs_keep_apart() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    for node in ["n1", "n2"] {
        fs::create_dir_all(at(node)).unwrap();
        fs::write(at(node).join("kubelet.log"), LINE).unwrap();
    }
    fs::write(at("b.tar"), tar(&[("x", LINE)])).unwrap();
    let inputs = ["n1", "n2", "b.tar"].map(|name| Input::Path(at(name)));
    let notes = run_all(&inputs, &Limits::default());
    assert_eq!(
        notes.paths(),
        ["b.tar!x", "n1/kubelet.log", "n2/kubelet.log"]
    );

    // Of the same name: told apart by where they are.
    let inputs = ["n1/kubelet.log", "n2/kubelet.log"].map(|name| Input::Path(at(name)));
    let notes = run_all(&inputs, &Limits::default());
    let paths = notes.paths();
    assert!(
        paths[0].ends_with("n1/kubelet.log") && paths[1].ends_with("n2/kubelet.log"),
        "{paths:?}"
    );

    let survey = survey(&inputs).unwrap();
    assert_eq!((survey.files, survey.bytes), (2, 30));
}

#[test]
fn what_cannot_be_read_at_all() {
    let folder = TempDir::new().unwrap();
    let problem = |path: &str| {
        survey(&[Input::Path(folder.path().join(path))])
            .unwrap_err()
            .to_string()
    };
    assert!(problem("gone").contains("no such file"));
    assert!(problem("").contains("no file in this directory"));
    assert!(matches!(survey(&[]), Err(InputError::Nothing)));
    let device = survey(&[Input::Path("/dev/null".into())]);
    assert!(cfg!(not(unix)) || matches!(device, Err(InputError::NotAFile { .. })));
}

#[cfg(unix)]
#[test]
fn a_named_pipe_is_a_stream() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    if !made.is_ok_and(|s| s.success()) {
        return;
    }
    let writer = {
        let path = path.clone();
        std::thread::spawn(move || {
            fs::write(path, zip(&[("a", LINE)], SimpleFileOptions::default()))
        })
    };
    let notes = run_all(&[Input::Path(path)], &Limits::default());
    writer.join().unwrap().unwrap();
    notes.clean();
    assert_eq!(notes.paths(), ["pipe!a"]);
}

#[test]
fn a_visitor_that_fails_on_one_file_gets_the_others() {
    struct Picky(Notes);
    impl Visitor for Picky {
        fn file(&self, found: &Found, reader: &mut dyn Read) {
            assert!(!found.path.ends_with("bad"), "the expected failure");
            self.0.file(found, reader);
        }
        fn left_out(&self, path: &str, status: Status, note: String) {
            self.0.left_out(path, status, note);
        }
        fn progress(&self, _: u64, _: u64) {}
    }
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("x.tar");
    fs::write(&path, tar(&[("bad", LINE), ("good", LINE)])).unwrap();
    let picky = Picky(Notes::default());
    discover(&[Input::Path(path)], &Limits::default(), &picky).unwrap();
    assert_eq!(picky.0.paths(), ["x.tar!good"]);
    assert_eq!(picky.0.rest()[0].1, Status::Failed);
}

#[test]
fn a_visitor_that_reads_nothing_does_not_disturb() {
    #[derive(Default)]
    struct Lazy(Mutex<Vec<String>>);
    impl Visitor for Lazy {
        fn file(&self, found: &Found, _: &mut dyn Read) {
            self.0.lock().unwrap().push(found.path.clone());
        }
        fn left_out(&self, path: &str, _: Status, note: String) {
            panic!("{path}: {note}");
        }
        fn progress(&self, _: u64, _: u64) {}
    }
    let big = log(120_000);
    let archive = gz(&tar(&[("a", &big), ("b.gz", &gz(&big)), ("c", LINE)]));
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("x.tgz");
    fs::write(&path, archive).unwrap();
    let lazy = Lazy::default();
    discover(&[Input::Path(path)], &Limits::default(), &lazy).unwrap();
    let mut paths = lazy.0.into_inner().unwrap();
    paths.sort();
    assert_eq!(paths, ["x.tgz!a", "x.tgz!b.gz", "x.tgz!c"]);
}

#[test]
fn one_thread_finds_the_same_as_many() {
    let text = log(3000);
    let archive = gz(&tar(&[
        ("a", &text),
        ("b.gz", &gz(&text)),
        ("c.zip", &zip(&[("d", &text)], SimpleFileOptions::default())),
    ]));
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let notes = pool.install(|| run("x", &archive));
        notes.clean();
        notes.files.into_inner().unwrap()
    };
    assert!(on(1) == on(4));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_bytes(content in prop::collection::vec(any::<u8>(), 0..3000), kind in 0_usize..7) {
        let magic: &[u8] = [&b""[..], b"\x1f\x8b\x08\0\0\0\0\0\0\x03", b"PK\x03\x04", b"BZh91AY&SY", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"PK\x05\x06"][kind];
        run("x", &[magic, &content].concat());
    }

    #[test]
    fn any_flipped_byte(at in 0_usize..4000, bit in 0_u32..8, kind in 0_usize..5) {
        let members: &[(&str, &[u8])] = &[("a.log", LINE), ("b/c.log.gz", &gz(LINE))];
        let mut archive = match kind {
            0 => tar(members),
            1 => gz(&tar(members)),
            2 => zip(members, SimpleFileOptions::default()),
            3 => hex(SPARSE[0]),
            _ => hex(SPARSE[1]),
        };
        let at = at % archive.len();
        archive[at] ^= 1_u8 << bit;
        let limits = Limits { total_bytes: 1 << 28, ..Limits::default() };
        run_limited("x", &archive, &limits);
    }
}
