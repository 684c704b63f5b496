//! Bombs, limits, arbitrary bytes.

use super::tars::SPARSE;
use super::*;
use proptest::prelude::*;

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
