//! A noted goroutine dump for the tests of the formats.

use crate::base::time::{Doubt, Instant, MINUTE, Stamp, StampBasis};
use crate::model::dump::GoVersion;
use crate::model::waits::{DumpHead, Group};
use crate::model::{DumpKind, DumpNote, GroupNote, LockNote, Place, Quote, SourceId};

pub(crate) fn dump() -> DumpNote {
    let header = Quote {
        place: Place {
            source: SourceId(3),
            offset: 9000,
            line: 90,
        },
        text: String::from("goroutine 203 [semacquire, 4 minutes]:"),
        time: Some(Stamp {
            at: Instant(1_782_088_800_000_000_000).plus(40 * MINUTE),
            err: 0,
            basis: StampBasis::Exact,
            doubt: Doubt::default(),
        }),
    };
    DumpNote {
        head: DumpHead {
            place: header.place,
            process: Some(String::from("dockerd")),
            pid: Some(1301),
            node: Some(String::from("node-1")),
            time: header.time,
            kind: DumpKind::Requested,
            go: GoVersion {
                at_least: Some(18),
                at_most: Some(19),
            },
            partial: false,
            goroutines: 72,
            idle: 65,
            set_aside: None,
        },
        groups: vec![GroupNote {
            representative: 203,
            evidence: vec![header.clone()],
            group: Group {
                count: 4,
                state: String::from("semacquire"),
                minutes: Some(4),
                function: String::from("daemon.Daemon.ContainerInspectCurrent"),
                frames: vec![String::from(
                    "github.com/docker/docker/daemon.Daemon.ContainerInspectCurrent",
                )],
                creator: Some(String::from("net/http.(*Server).Serve")),
                waits: "lock",
                labels: vec![(String::from("request: inspect"), 1)],
                ids: vec![203, 211, 219, 240],
                place: header.place,
                member: 0,
                decisive: Vec::new(),
            },
        }],
        groups_left_out: 22,
        locks: vec![LockNote {
            address: String::from("0xc000b3c600"),
            name: String::from("the lock of one container"),
            waiters: 5,
            oldest: Some(4),
            holder: Some(220),
            because: String::from("its stack shows the same object"),
            against: String::new(),
        }],
        locks_left_out: 0,
    }
}
