//! However it is packed, named and cut, and with however many threads: the same verdict.

use std::fs;
use std::path::Path;

use kforensics::input::Input;
use kforensics::model::Analysis;
use kforensics::pipeline::Options;
use tempfile::TempDir;

use super::{Row, gate};
use crate::support::archive::{self, Member};
use crate::support::fixture::{self, Fixture};
use crate::support::run::{self, Dir};
use crate::support::verdict::Verdict;

/// Gives a bundle in another way.
type Way = fn(&Fixture) -> Analysis;

/// The ways to give the same bundle.
const WAYS: [(&str, Way); 7] = [
    ("one thread", one_thread),
    ("directory", directory),
    ("zip", zip),
    ("tar, last member first", reversed),
    ("renamed", renamed),
    ("split into rotations", |f| rotated(f, line_end)),
    ("split within lines", |f| rotated(f, |_, at| at)),
];

#[test]
fn order() {
    gate("order", fixture::all(), |fixture| {
        let expected = Verdict::of(&run::paths(&[&fixture.bundle]));
        let mut outcome = Ok(format!("the same in {} ways", WAYS.len()));
        for (name, way) in WAYS {
            let other = Verdict::of(&way(fixture));
            if other != expected {
                outcome = Err(format!(
                    "{name}: differs\n--- as it is\n{expected}\n--- {name}\n{other}"
                ));
                break;
            }
        }
        Row {
            name: fixture.id.clone(),
            outcome,
            advisory: fixture.truth.advisory.order.clone(),
        }
    });
}

fn one_thread(fixture: &Fixture) -> Analysis {
    run::with(&Options {
        inputs: vec![Input::Path(fixture.bundle.clone())],
        jobs: Some(1),
        ..Options::default()
    })
}

fn directory(fixture: &Fixture) -> Analysis {
    run::members(&archive::open(&fixture.bundle))
}

fn zip(fixture: &Fixture) -> Analysis {
    run::file("bundle.zip", &archive::zip(&archive::open(&fixture.bundle)))
}

fn reversed(fixture: &Fixture) -> Analysis {
    let mut members = archive::open(&fixture.bundle);
    members.reverse();
    run::file("bundle.tar", &archive::tar(&members))
}

/// The archive and the folders around the bundle have names that say nothing.
fn renamed(fixture: &Fixture) -> Analysis {
    let temporary = TempDir::new().unwrap();
    let extension = fixture.bundle.extension().unwrap().to_string_lossy();
    let path = temporary
        .path()
        .join(format!("Case 4711 – upload (2).{extension}"));
    fs::copy(&fixture.bundle, &path).unwrap();
    run::paths(&[&path])
}

/// Each log as logrotate leaves it: the older half compressed as `.2.gz`, then `.1`, then the rest. `cut` says where
/// exactly to cut near a place (`copytruncate` cuts anywhere).
fn rotated(fixture: &Fixture, cut: fn(&[u8], usize) -> usize) -> Analysis {
    let dir = Dir::new();
    let mut members = Vec::new();
    for member in archive::open(&fixture.bundle) {
        let plain = Path::new(&member.path)
            .extension()
            .is_some_and(|e| e == "log");
        if !plain || member.path.contains("stacks") || member.data.len() < 30_000 {
            members.push(member);
            continue;
        }
        let (one, two) = (
            cut(&member.data, member.data.len() / 4),
            cut(&member.data, member.data.len() / 2),
        );
        let part = |suffix: &str, data: Vec<u8>| Member {
            path: format!("{}{suffix}", member.path),
            data,
            mtime: member.mtime,
        };
        members.push(part(".2.gz", archive::gzip(&member.data[..one])));
        members.push(part(".1", member.data[one..two].to_vec()));
        members.push(part("", member.data[two..].to_vec()));
    }
    archive::unpack(&members, dir.path());
    run::paths(&[dir.path()])
}

/// The end of the line at or behind a place.
fn line_end(data: &[u8], at: usize) -> usize {
    data[at..]
        .iter()
        .position(|b| *b == b'\n')
        .map_or(data.len(), |i| at + i + 1)
}
