//! Zip archives, whole and broken.

use super::*;

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

    let mut size = archive.clone();
    size[entry + 24] = 1;
    let notes = run("x.zip", &size);
    notes.clean();
    assert_eq!(notes.content("x.zip!a.log").0, LINE);

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
