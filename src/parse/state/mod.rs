//! Everything that is neither a log nor a goroutine dump, as one statement a line.
//!
//! Tables, objects, describe outputs, process lists, certificates and host commands come in as bytes and go
//! out as [`StateLine`]s, relations and clock hints, for example the table row
//! `v1beta1.metrics.k8s.io   kube-system/metrics-server   False (MissingEndpoints)   5d16h`
//! as `apiservice/v1beta1.metrics.k8s.io available=False reason=MissingEndpoints service=kube-system/metrics-server`.
//! The texts are the contract of `docs/rules.md` ("Pseudo components"). Nothing is concluded here, no clock is
//! looked at, and no secret value ever leaves a file.

mod certs;
mod commands;
pub(in crate::parse) mod describe;
mod host;
mod json;
mod kinds;
mod links;
mod messages;
mod objects;
mod pairs;
mod pods;
mod process;
mod say;
mod sections;
mod sink;
mod stamp;
mod tables;
#[cfg(test)]
mod testing;
mod tree;
mod yaml;

use super::session::Output;
use std::collections::BTreeSet;

use crate::base::time::RawStamp;
use crate::model::{ClockPair, Entity, SourceKind, StateLine};
use sink::{Chunk, Sink};

/// What one file says.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// Its statements, in file order.
    pub lines: Vec<StateLine>,
    /// How things hang together, each with the line that says so.
    pub relations: Vec<(Entity, Entity, u64)>,
    /// The labels of its pods: a service that selects them may stand in another file.
    pub labels: Vec<(Entity, Vec<(String, String)>)>,
    /// What it tells about clocks.
    pub hints: Vec<ClockHint>,
    /// Times of machines beside times of the API server.
    pub pairs: Vec<ClockPair>,
    /// Lines about objects whose namespace is nowhere said: `default` was taken for it.
    pub assumed: BTreeSet<u64>,
    /// What was left out, and why.
    pub notes: Vec<String>,
}

/// Something in the file that helps to place it in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClockHint {
    /// The moment the output was collected (`date`, `systemctl status`: since plus ago).
    CollectedAt {
        /// The reading.
        at: RawStamp,
        /// Where.
        line: u64,
    },
    /// The output was not collected before this moment: the newest API time in it.
    NotBefore {
        /// The newest time.
        at: RawStamp,
        /// Where.
        line: u64,
    },
    /// Local time of day at the collection, without a date (`uptime`, `top`).
    TimeOfDay {
        /// Nanoseconds since local midnight.
        ns: i64,
        /// Where.
        line: u64,
    },
    /// How long the machine had been up at the collection.
    Up {
        /// Nanoseconds.
        ns: i64,
        /// Resolution of the text in nanoseconds.
        res: i64,
        /// Where.
        line: u64,
    },
    /// When the machine booted.
    BootTime {
        /// The reading.
        at: RawStamp,
        /// Where.
        line: u64,
    },
    /// Offset of the machine's local time from UTC.
    Zone {
        /// Seconds, east positive.
        offset: i32,
        /// Where.
        line: u64,
    },
    /// A zone abbreviation of the machine.
    Abbreviation {
        /// The offsets it may mean, in seconds.
        offsets: &'static [i32],
        /// Where.
        line: u64,
    },
    /// Offset of the machine on which kubectl ran; not necessarily a node.
    ClientZone {
        /// Seconds, east positive.
        offset: i32,
        /// Where.
        line: u64,
    },
    /// By how much the clock of the machine is ahead of its time servers, as the time service says (`chronyc tracking`).
    AheadOfServers {
        /// Nanoseconds (negative: behind).
        ns: i64,
        /// Where.
        line: u64,
        /// What the line says.
        quote: String,
    },
    /// The year in which the output was collected.
    Year {
        /// The year.
        year: i32,
        /// Where.
        line: u64,
    },
    /// Version of the API server.
    ServerVersion {
        /// As printed (`v1.20.2`).
        version: String,
        /// Where.
        line: u64,
    },
    /// Version of the client.
    ClientVersion {
        /// As printed.
        version: String,
        /// Where.
        line: u64,
    },
}

/// Reads a whole file of the given kind. `path` helps where the content does not name its resource
/// (`kubectl/get-nodes.txt`, `cluster-resources/pods/shop.json`). Kinds that are not read here give an
/// empty reading.
pub fn read(kind: SourceKind, path: &str, text: &[u8]) -> Reading {
    let mut sink = Sink::new(path, text);
    let chunk = Chunk::whole(text);
    match kind {
        SourceKind::Objects => objects::read(&mut sink, chunk),
        SourceKind::Table => {
            tables::read(&mut sink, chunk, path);
            if sink.said() == 0 {
                sections::read(&mut sink, chunk, path);
            }
        }
        SourceKind::Describe => describe::read(&mut sink, chunk, path),
        SourceKind::Processes => process::read(&mut sink, chunk),
        SourceKind::Certificates => certs::read(&mut sink, chunk),
        SourceKind::Host | SourceKind::Text => sections::read(&mut sink, chunk, path),
        SourceKind::Log
        | SourceKind::Goroutines
        | SourceKind::Archive
        | SourceKind::Binary
        | SourceKind::Empty => {}
    }
    sink.finish()
}

/// Reads what the commands of a session printed, but for logs; `text` is the whole file.
pub fn session(path: &str, text: &[u8], outputs: &[Output]) -> Reading {
    let mut sink = Sink::new(path, text);
    sections::session(&mut sink, Chunk::whole(text), outputs);
    sink.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KINDS: [SourceKind; 7] = [
        SourceKind::Objects,
        SourceKind::Table,
        SourceKind::Describe,
        SourceKind::Processes,
        SourceKind::Certificates,
        SourceKind::Host,
        SourceKind::Text,
    ];

    /// Pieces of real files: random bytes alone never get past the first test of a parser.
    const PIECES: [&str; 34] = [
        "NAME   READY   STATUS    RESTARTS   AGE\n",
        "web-1   0/1     CrashLoopBackOff   3 (5m ago)   4m20s\n",
        "NAMESPACE   LAST SEEN   TYPE   REASON   OBJECT   MESSAGE\n",
        "apiVersion: v1\nitems:\n- kind: Pod\n  metadata:\n    name: a\n",
        "  status:\n    phase: Running\n    conditions:\n    - type: Ready\n      status: \"False\"\n",
        "kind: List\n---\n",
        "{\"kind\":\"PodList\",\"items\":[{\"metadata\":{\"name\":\"a\"},",
        "\"status\":{\"phase\":\"Failed\"}}",
        "]}",
        "Name:         web-1\nNamespace:    shop\n",
        "Containers:\n  web:\n    State:          Waiting\n      Reason:       CrashLoopBackOff\n",
        "Conditions:\n  Type    Status  Reason\n  ----    ------  ------\n  Ready   False   x\n",
        "Events:\n  Type  Reason  Age  From  Message\n  ----  ------  ----  ----  -------\n",
        "USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n",
        "root           1  0.0  0.0   1020   688 ?        S    16:59   0:00 ps aux\n",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
        "notAfter=Nov 20 17:08:28 2026 GMT\n",
        "Certificate:\n        Issuer: CN = a\n            Not After : Nov 20 17:08:28 2026 GMT\n",
        "-----------------run df -h------------------\n",
        "------------End of df -h----------------\n",
        "Filesystem      Size  Used Avail Use% Mounted on\n/dev/vda 252G 24G 68G 26% /\n",
        "Fri Nov 20 17:04:42 UTC 2026\n",
        "[-]etcd failed: reason withheld\n",
        "memberID:13195394291058371180 alarm:NOSPACE\n",
        "| 127.0.0.1:2379 | b7 |  3.6.13 |   26 MB |      true |\n",
        "● kubelet.service - x\n   Active: failed (Result: exit-code) since Fri 2024-02-09 03:04:05 CST; 14min ago\n",
        "2: eth0@if4: <BROADCAST,UP> mtu 1500 qdisc noqueue state UP group default\n",
        "    - \"a\\x4",
        "  key: |-\n    text\n",
        "[[[[{{{{",
        "- - - - - ",
        "\u{1b}[31m é 中文\t",
        "\r\n",
        "  \\_ ",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            for kind in KINDS {
                let reading = read(kind, "x/get-pods.txt", &bytes);
                let last = memchr::memchr_iter(b'\n', &bytes).count() as u64 + 1;
                prop_assert!(reading.lines.iter().all(|l| (1..=last).contains(&l.line)));
            }
        }

        #[test]
        fn shuffled_pieces_are_survived(
            picks in proptest::collection::vec((0usize..PIECES.len(), 0usize..80), 0..24)
        ) {
            let mut text = Vec::new();
            for (piece, keep) in picks {
                let bytes = PIECES[piece].as_bytes();
                // Sometimes a piece is cut, as by a collector that was killed.
                text.extend_from_slice(&bytes[..if keep < 60 { bytes.len() } else { bytes.len().min(keep - 60) }]);
            }
            for kind in KINDS {
                let reading = read(kind, "kubectl/describe-node-n1.txt", &text);
                let clean = reading.lines.iter().all(|l| !l.text.contains(|c: char| c.is_ascii_control()));
                prop_assert!(clean);
            }
        }
    }
}
