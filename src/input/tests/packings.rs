//! Compressions of files and archives.

use super::*;

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
fn the_time_in_a_gzip_header_stands_in() {
    let mut encoder = flate2::GzBuilder::new()
        .mtime(1_711_111_112)
        .write(Vec::new(), Compression::fast());
    encoder.write_all(LINE).unwrap();
    let packed = encoder.finish().unwrap();
    let time = |archive: &[u8]| run("x", archive).found("x!a.gz").mtime;
    let members: &[(&str, &[u8])] = &[("a.gz", &packed)];
    let in_zip = time(&zip(members, SimpleFileOptions::default()));
    let in_tar = time(&tar(members));
    assert_eq!(in_zip, Some(Instant(1_711_111_112_000_000_000)));
    assert_eq!(in_tar, Some(Instant(1_711_111_111_000_000_000)));
}

#[test]
fn a_cut_zstd_frame_gives_the_blocks_before_the_cut() {
    // 4200 lines, by the zstd tool: a block of 128 KiB and a rest.
    let packed = hex(
        "28b52ffda4000d0200740100904930323239206c696e6520300a31323334350720c033075eca2e7cd77e7cd7cef8aebbf05decb7778d9d259c0e450000000100fd1cbe020210d31278",
    );
    let (whole, error) = run("x", &packed).content("x");
    assert_eq!((whole.len(), error), (134_400, None));
    let (got, error) = run("x", &packed[..packed.len() - 12]).content("x");
    assert!(got == whole[..128 << 10]);
    assert!(error.unwrap().contains("the zstd data is cut off"));
}
