//! What has nothing to do with it changes nothing.

use std::fmt::Write as _;
use std::sync::OnceLock;

use super::{Row, gate};
use crate::support::archive::{self, Member};
use crate::support::run::Dir;
use crate::support::{fixture, run, verdict};

#[test]
fn noise() {
    gate("noise", fixture::all(), |fixture| {
        let analysis = run::paths(&[&fixture.bundle, other_cluster().path()]);
        let mut outcome =
            verdict::judge(&fixture.truth, &analysis).map(|()| String::from("the same"));
        let foreign: Vec<&str> = verdict::loud(&analysis)
            .map(|i| i.title.as_str())
            .filter(|t| t.contains("edge") || t.contains("billing"))
            .collect();
        if outcome.is_ok() && !foreign.is_empty() {
            outcome = Err(format!(
                "the noise became an incident: {}",
                foreign.join("; ")
            ));
        }
        let outcome = outcome.map_err(|why| format!("{why}\n{}", verdict::said(&analysis)));
        Row {
            name: fixture.id.clone(),
            outcome,
            advisory: fixture.truth.advisory.noise.clone(),
        }
    });
}

/// The logs of a healthy cluster with other names, and an application that complains about its own troubles.
fn other_cluster() -> &'static Dir {
    static NOISE: OnceLock<Dir> = OnceLock::new();
    NOISE.get_or_init(|| {
        let dir = Dir::new();
        let mut members = elsewhere(&archive::open(&fixture::named("healthy-01").bundle));
        members.retain(|m| {
            std::path::Path::new(&m.path)
                .extension()
                .is_some_and(|e| e == "log")
        });
        for member in &mut members {
            member.path = member.path.replacen("bundle/", "other-cluster/", 1);
        }
        members.push(complaints());
        archive::unpack(&members, dir.path());
        dir
    })
}

/// The same files with other names of machines, namespaces and networks.
pub(super) fn elsewhere(members: &[Member]) -> Vec<Member> {
    members
        .iter()
        .map(|m| Member {
            path: String::from_utf8(renamed(m.path.as_bytes())).unwrap(),
            data: renamed(&m.data),
            mtime: m.mtime,
        })
        .collect()
}

/// A text with these names changed; equally long, so that tables stay tables.
pub(super) fn renamed(text: &[u8]) -> Vec<u8> {
    const NAMES: [(&str, &str); 7] = [
        ("node1", "edge1"),
        ("node2", "edge2"),
        ("cp1", "ctl"),
        ("10.20.", "10.77."),
        ("10.244.", "10.199."),
        ("10.96.", "10.97."),
        ("shop", "mall"),
    ];
    let mut text = text.to_vec();
    for (from, to) in NAMES {
        text = replace(&text, from.as_bytes(), to.as_bytes());
    }
    text
}

fn replace(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memmem::find(rest, from) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    out.extend_from_slice(rest);
    out
}

/// Errors of an application that no cluster component has anything to do with.
fn complaints() -> Member {
    let mut text = String::new();
    for second in 0..600 {
        let (minute, second) = (10 + second / 60, second % 60);
        let at = format!("2026-11-20T17:{minute:02}:{second:02}");
        let _ = writeln!(
            text,
            "{at}.214Z ERROR billing.InvoiceJob - Cannot connect to ledger at 10.199.77.4:5432: Connection refused"
        );
        if second % 7 == 0 {
            text.push_str("java.net.SocketTimeoutException: Read timed out\n\tat billing.http.Client.send(Client.java:211)\n\tat billing.InvoiceJob.run(InvoiceJob.java:87)\n");
        }
        if second % 11 == 0 {
            let _ = writeln!(
                text,
                "{at}.900Z WARN  billing.Tls - certificate of partner.example.com expires in 3 days"
            );
        }
    }
    Member {
        path: String::from("billing/app.log"),
        data: text.into_bytes(),
        mtime: 1_795_196_000,
    }
}
