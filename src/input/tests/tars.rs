//! Tar archives, whole and broken.

use super::*;
use crate::base::time::SECOND;

/// A tar with one log that begins with a hole of 64 KiB and goes on with "after the hole"; by GNU tar, in its own
/// format and with pax headers of version 1.0, 0.1 and 0.0.
pub(super) const SPARSE: [&str; 4] = [
    "1f8b0800000000000203edd0310a80300c05d0cc9e222790545b73104fa010152c085aef6f1175d04d5007f3961f3224f0fbb9162f21f5430b4fa1a8b076cde89c4486c158c79cb1636220e3725b0096f082790ad588089f591bc8ae8d1cfb7dde5abbff201ebaa89a2023864eb01bbc24a09452ea1f16de43fd6d00080000",
    "1f8b0800000000000203edd4b16ec320100660669e8227c0779833cae035cd14558afa0054bd346e705c8123457dfaa074b1bc7489aa44e65b908e05b8fbd1d5abbf6cd87f704cd5f1fcce81471d864f71479035d6ded66cbe021208b4e49c71e4c0094063c90a7511ffe09c461ff351c43219a35eb66f3a7dfb9858f7fe6b882dca59b53be52ac81aa7d593efb99d4c8c34abe976641f52f7c36d43442845f19074957bb6bbb56cdd05d686ccaabef347f047fe11d0cdf26ff3d00805cf94fff9e59e25ff323f75dd4824f91b5428515d12bf1f39aaf1c0ea30042ebd2f8aa2588a2b78c047fc000e0000",
    "1f8b0800000000000203edd4bd0ac2301007f0cc7d8a3c4049933497e0d0559d44101f20eaf981a995a605f1e9ad9dda2e2e2296e6b7dc7070245cfe61c9da3e96680f58fae45aefd061c55c71225fc41b5aa9b63686950b0d442830461a30dc102ea4d292d007f981da57b66c8e42a649025dacb6ccdf6de991f9cb13330d002292badbb8d5f9ce15fbabcf64948a5ec7e698751e4e94f626e6f6fe1e98ea5840dc4e8e7944827fc19266599b7657f38b432641cecc973f824ff9e7c20cf2afb4e684f231e57f78b991b0c70a4b5a9d919e0b87219941100453f102f5c68223000c0000",
    "1f8b0800000000000203edd3310e82301406e0ce9ca22780b6f4d1895927e3e2018a3ec480d6d092a0a7179c08c1c1444c08fd9697e6e54fdbe10fa3bd6eb7a84f58dba86c32acd0859539931f629d44caf7ec8c2713b1245c82524281628a302eba13a12df983c63a5d774f21eb24806e7687d0de756d31b49727a60900f04024c3c5adb96695399636158150c38dc9738bae0fc5c944e8e1d0a61c3e86fa9b6032c402e2cd6ea6ca7fd57fc6d5a8ff5c0a20942da9ffe3cf2d84ce1dd6d415480b53a1af9ce779de5abc00a44ee4fe000c0000",
];

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
