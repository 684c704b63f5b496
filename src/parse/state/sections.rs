//! Host outputs: which command a text is the output of, section by section.
//!
//! `-----------------run df -h------------------` … `------------End of df -h----------------`. The command in
//! the marker is the best hint; without one the first lines tell.

use super::host::{bus, checks, clock, dirs, disk, etcd, nat, network, units};
use super::sink::{Chunk, Sink};
use super::{certs, commands, describe, json, kinds, messages, objects, process, stamp, tables};
use crate::parse::session::Output;

/// Most lines looked at to find out what a text is.
const HEAD: usize = 200;

/// Reads a text of one or several outputs.
pub(super) fn read(sink: &mut Sink<'_>, chunk: Chunk<'_>, path: &str) {
    let mut open: Option<(String, usize)> = None;
    let mut found: Vec<(String, Chunk<'_>)> = Vec::new();
    for line in chunk.lines() {
        if let Some(command) = begins(&line.text) {
            let after = line.at.saturating_add(line.text.len());
            if let Some((command, from)) = open.replace((command.to_owned(), after)) {
                found.push((command, chunk.part(from, line.at)));
            }
        } else if ends(&line.text)
            && let Some((command, from)) = open.take()
        {
            found.push((command, chunk.part(from, line.at)));
        } else if let Some(command) = line.text.strip_prefix("failed to collect info: ") {
            sink.note(format!("not collected: {command}"));
        }
    }
    if let Some((command, from)) = open {
        found.push((command, chunk.part(from, chunk.end())));
    }
    if found.is_empty() {
        return loose(sink, chunk, path);
    }
    sink.time_of_day = clock(
        found
            .iter()
            .map(|(command, part)| (command.as_str(), *part)),
    );
    for (command, part) in found {
        commands::read(sink, part, &command);
    }
    sink.time_of_day = None;
}

/// Reads what the commands of a session printed, but for logs.
pub(super) fn session(sink: &mut Sink<'_>, chunk: Chunk<'_>, outputs: &[Output]) {
    let part = |o: &Output| chunk.part(o.body, o.range.end);
    sink.time_of_day = clock(outputs.iter().map(|o| (o.command.as_str(), part(o))));
    for output in outputs {
        commands::read(sink, part(output), &output.command);
    }
    sink.time_of_day = None;
}

/// The local time of the outputs: what `date`, `uptime`, `w` or `top` among them print.
fn clock<'t>(outputs: impl Iterator<Item = (&'t str, Chunk<'t>)>) -> Option<i64> {
    outputs.into_iter().find_map(|(command, chunk)| {
        let by_date = || {
            let first = chunk.lines().find(|l| !l.text.trim().is_empty())?;
            let mut words = first.text.split_whitespace();
            words.find_map(|w| stamp::time_of_day(w).map(|(ns, _)| ns))
        };
        (command == "date")
            .then(by_date)
            .flatten()
            .or_else(|| chunk.lines().find_map(|l| time_of_day(&l.text)))
    })
}

/// The local time that `uptime`, `w` or `top` print.
fn time_of_day(line: &str) -> Option<i64> {
    let (before, after) = line.split_once(" up ")?;
    let clock = before.trim_start_matches("top - ").trim();
    after.contains("load average").then_some(())?;
    stamp::time_of_day(clock).map(|(ns, _)| ns)
}

/// The command of `-----run CMD-----`.
fn begins(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("-----")?.trim_start_matches('-');
    let command = rest.strip_prefix("run ")?;
    Some(command.trim_end().trim_end_matches('-').trim())
}

fn ends(line: &str) -> bool {
    line.strip_prefix("-----")
        .is_some_and(|rest| rest.trim_start_matches('-').starts_with("End of "))
}

/// Reads an output by its looks. Formats of single lines are tried on every line, those with a header where
/// the header is seen.
pub(super) fn loose(sink: &mut Sink<'_>, chunk: Chunk<'_>, hint: &str) {
    let head: Vec<_> = chunk.lines().take(HEAD).collect();
    let any = |test: &dyn Fn(&str) -> bool| head.iter().any(|l| test(&l.text));
    if any(&process::is_header) {
        return process::read(sink, chunk);
    }
    if any(&tables::is_table) {
        return tables::read(sink, chunk, hint);
    }
    let first = head.iter().map(|l| l.text.trim()).find(|l| !l.is_empty());
    let first = first.unwrap_or_default();
    if first.starts_with('{') && json::looks_like_object(chunk) || first.starts_with("apiVersion:")
    {
        return objects::read(sink, chunk);
    }
    if first.starts_with("Name:") && kinds::by_path(hint).is_some() {
        return describe::read(sink, chunk, hint);
    }
    if any(&|l| l.contains("-----BEGIN CERTIFICATE-----"))
        || any(&|l| l.starts_with("notAfter=") || l.trim() == "Certificate:")
    {
        return certs::read(sink, chunk);
    }
    if any(&disk::is_header) {
        disk::read(sink, chunk);
    }
    if any(&bus::is_header) {
        bus::read(sink, chunk);
    }
    if any(&dirs::is_listing) {
        dirs::read(sink, chunk, hint);
    }
    if any(&|l| l.trim_start().starts_with("Active: ")) || any(&units::is_header) {
        units::read(sink, chunk);
    }
    if any(&|l| l.starts_with("nameserver ")) {
        network::resolver(sink, chunk);
    }
    if any(&network::is_interface) {
        network::interfaces(sink, chunk);
    }
    if any(&nat::is_rules) {
        nat::read(sink, chunk);
    }
    if any(&network::is_route) {
        network::routes(sink, chunk);
    }
    etcd::read(sink, chunk);
    checks::read(sink, chunk);
    clock::read(sink, chunk);
    messages::read(sink, chunk);
}

#[cfg(test)]
mod tests {
    use crate::base::time::{HOUR, MINUTE, RawStamp, SECOND};
    use crate::model::SourceKind;
    use crate::parse::state::{ClockHint, Reading, read};

    fn host(path: &str, text: &str) -> Reading {
        read(SourceKind::Host, path, text.as_bytes())
    }

    #[track_caller]
    fn case(path: &str, text: &str, expected: &[&str]) {
        let reading = host(path, text);
        let found: Vec<&str> = reading.lines.iter().map(|l| l.text.as_str()).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn sections_go_by_their_command() {
        let text = "\
-----------------run date------------------
Fri Nov 20 17:04:42 UTC 2026
------------End of date----------------
failed to collect info: docker ps
-----------------run df -h------------------
Filesystem      Size  Used Avail Use% Mounted on
/dev/vda        252G   24G   68G  26% /var/lib/kubelet
------------End of df -h----------------
-----------------run kubectl get ns------------------
NAME     STATUS        AGE
team-a   Terminating   4m
";
        case(
            "diagnose",
            text,
            &[
                "filesystem//var/lib/kubelet use=26% available=68G size=252G",
                "namespace/team-a status=Terminating",
            ],
        );
        let reading = host("diagnose", text);
        assert_eq!(reading.lines[0].line, 7);
        assert_eq!(reading.notes, ["not collected: docker ps"]);
        assert_eq!(
            reading.hints[0],
            ClockHint::CollectedAt {
                at: RawStamp::utc(1_795_194_282 * SECOND, SECOND),
                line: 2
            }
        );
    }

    #[test]
    fn disks() {
        case(
            "df.txt",
            "Filesystem      Size  Used Avail Use% Mounted on\n/dev/mapper/a-very-long-name\n                252G   24G   68G  26% /\n",
            &["filesystem// use=26% available=68G size=252G"],
        );
        case(
            "df-i.txt",
            "Filesystem       Inodes  IUsed    IFree IUse% Mounted on\n/dev/vda       16777216 333333 16443883    2% /var\n",
            &["filesystem//var inodes-use=2% inodes-available=16443883 inodes=16777216"],
        );
    }

    #[test]
    fn resolvers() {
        case(
            "etc/resolv.conf",
            "# made by hand\nsearch shop.svc.cluster.local\nnameserver 172.19.0.10\nnameserver 172.19.0.11\n",
            &[
                "resolver/resolv.conf nameserver=172.19.0.10 search=shop.svc.cluster.local",
                "resolver/resolv.conf nameserver=172.19.0.11 search=shop.svc.cluster.local",
            ],
        );
    }

    #[test]
    fn units_and_their_clock() {
        let text = "\
● kubelet.service - kubelet: The Kubernetes Node Agent
     Loaded: loaded (/lib/systemd/system/kubelet.service; enabled)
     Active: failed (Result: exit-code) since Fri 2026-11-20 17:04:02 UTC; 40s ago
   Main PID: 1234 (code=exited, status=255)
";
        case(
            "systemctl-status-kubelet.txt",
            text,
            &["unit/kubelet active=failed result=exit-code"],
        );
        let reading = host("x", text);
        assert_eq!(reading.lines[0].line, 3);
        assert!(reading.hints.iter().any(|h| matches!(
            h,
            ClockHint::CollectedAt { at: RawStamp::Utc { ns, .. }, line: 3 } if *ns == 1_795_194_282 * SECOND
        )), "{:?}", reading.hints);
        case(
            "list-units",
            "  UNIT               LOAD   ACTIVE     SUB          DESCRIPTION\n● containerd.service loaded failed     failed       containerd container runtime\n  kubelet.service    loaded activating auto-restart kubelet\n",
            &[
                "unit/containerd active=failed sub=failed",
                "unit/kubelet active=activating sub=auto-restart",
            ],
        );
    }

    #[test]
    fn etcd_outputs() {
        case(
            "etcdctl-endpoint-status.txt",
            "\
+----------------+------------------+---------+---------+-----------+------------+-----------+------------+--------------------+--------------------------------+
|    ENDPOINT    |        ID        | VERSION | DB SIZE | IS LEADER | IS LEARNER | RAFT TERM | RAFT INDEX | RAFT APPLIED INDEX |             ERRORS             |
+----------------+------------------+---------+---------+-----------+------------+-----------+------------+--------------------+--------------------------------+
| 127.0.0.1:2379 | b71f75320dc06a6c |  3.6.13 |   26 MB |      true |      false |         2 |        888 |                888 |  memberID:13195394291058371180 |
|                |                  |         |         |           |            |           |            |                    |                 alarm:NOSPACE  |
+----------------+------------------+---------+---------+-----------+------------+-----------+------------+--------------------+--------------------------------+
",
            &[
                "etcdmember/b71f75320dc06a6c endpoint=127.0.0.1:2379 version=3.6.13 dbSize=26 MB isLeader=true raftTerm=2 raftIndex=888 errors=memberID:13195394291058371180 alarm:NOSPACE",
            ],
        );
        case(
            "etcdctl-alarm-list.txt",
            "memberID:13195394291058371180 alarm:NOSPACE \n",
            &["alarm/b71f75320dc06a6c alarm=NOSPACE"],
        );
        case(
            "etcd/endpointhealth",
            "127.0.0.1:2379 is unhealthy: failed to commit proposal: context deadline exceeded\n",
            &[
                "etcdmember/127.0.0.1:2379 healthy=false message=failed to commit proposal: context deadline exceeded",
            ],
        );
    }

    #[test]
    fn checks_also_within_an_error() {
        case(
            "kubectl/readyz.txt",
            "[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed\n",
            &[
                "check/ping ok=true",
                "check/etcd ok=false message=reason withheld",
            ],
        );
        let reading = host(
            "readyz.txt",
            "Error from server (InternalError): an error on the server (\"[+]ping ok\\n[-]etcd failed: reason withheld\\n[+]x ok\")\n",
        );
        assert!(
            reading
                .lines
                .iter()
                .any(|l| l.text == "check/etcd ok=false message=reason withheld" && l.line == 1)
        );
    }

    #[test]
    fn listings() {
        let rows = "total 12\ndrwxr-xr-x 2 root root 4096 Nov 20 17:39 .\ndrwxr-xr-x 3 root root 4096 Nov 20 16:56 ..\n";
        case(
            "nodes/node2/ls-etc-cni-net.d.txt",
            rows,
            &["directory//etc/cni/net.d entries=0"],
        );
        case(
            "nodes/node1/ls-etc-cni-net.d.txt",
            &format!("{rows}-rw-r--r-- 1 root root  217 Nov 20 17:39 10-bridge.conflist\n"),
            &["directory//etc/cni/net.d entries=1 files=10-bridge.conflist"],
        );
    }

    #[test]
    fn buses_links_and_routes() {
        case(
            "busctl.txt",
            "NAME       PID PROCESS         USER             CONNECTION    UNIT                      SESSION    DESCRIPTION\n:1.123    1234 dbus-client     root             :1.123        x.service                 -          -\n",
            &["busname/:1.123 pid=1234 process=dbus-client user=root unit=x.service"],
        );
        case(
            "ip-addr.txt",
            "2: eth0@if4: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default qlen 1000\n    link/ether 3a:8c:7d:be:c1:6c brd ff:ff:ff:ff:ff:ff\n    inet 10.20.0.11/24 scope global eth0\n",
            &["interface/eth0 state=UP mtu=1500 addresses=10.20.0.11/24"],
        );
        case(
            "ip-route.txt",
            "default via 10.20.0.1 dev eth0\n10.244.2.0/24 via 10.20.0.12 dev eth0\nblackhole 10.9.0.0/16\n",
            &[
                "route/default via=10.20.0.1 dev=eth0",
                "route/10.244.2.0/24 via=10.20.0.12 dev=eth0",
                "route/10.9.0.0/16 type=blackhole",
            ],
        );
    }

    #[test]
    fn clocks() {
        let reading = host(
            "uptime.txt",
            " 17:04:42 up 23 min,  0 user,  load average: 0.92, 2.83, 2.55\n",
        );
        assert_eq!(
            reading.hints,
            [
                ClockHint::TimeOfDay {
                    ns: 17 * HOUR + 4 * MINUTE + 42 * SECOND,
                    line: 1
                },
                ClockHint::Up {
                    ns: 23 * MINUTE,
                    res: MINUTE,
                    line: 1
                },
            ]
        );
        let reading = host(
            "timedatectl",
            "               Local time: Sat 2026-11-21 01:04:42 CST\n           Universal time: Fri 2026-11-20 17:04:42 UTC\n                Time zone: Asia/Shanghai (CST, +0800)\n",
        );
        assert!(reading.hints.contains(&ClockHint::Zone {
            offset: 28800,
            line: 3
        }));
        assert!(reading.hints.iter().any(
            |h| matches!(h, ClockHint::CollectedAt { at: RawStamp::Utc { ns, .. }, .. } if *ns == 1_795_194_282 * SECOND)
        ));
        let reading = host(
            "version.txt",
            "Client Version: v1.20.2\nServer Version: version.Info{Major:\"1\", Minor:\"20\", GitVersion:\"v1.20.2\", GitCommit:\"f\"}\n",
        );
        assert_eq!(
            reading.hints[1],
            ClockHint::ServerVersion {
                version: "v1.20.2".into(),
                line: 2
            }
        );
        let ahead = |text: &str| {
            let hints = host("x.txt", text).hints;
            hints.iter().find_map(|h| match h {
                ClockHint::AheadOfServers { ns, .. } => Some(*ns / 1_000_000),
                _ => None,
            })
        };
        let chrony = "Reference ID    : C0000201 (ntp.example.com)\nStratum         : 3\nSystem time     : 203.423456789 seconds fast of NTP time\nLast offset     : +0.000921233 seconds\n";
        assert_eq!(ahead(chrony), Some(203_423));
        assert_eq!(ahead(&chrony.replace("fast", "slow")), Some(-203_423));
        let ntpq = "     remote           refid      st t when poll reach   delay   offset  jitter\n==============================================================================\n+192.0.2.7       192.0.2.1        2 u   41   64  377    0.300   -1.4     0.021\n*192.0.2.1       .GPS.            1 u   33   64  377    0.211  -203423.4  1.200\n";
        assert_eq!(ahead(ntpq), Some(203_423));
        let timesync = "       Server: 192.0.2.1 (ntp.example.com)\n Poll interval: 34min 8s (min: 32s; max 34min 8s)\n       Offset: +3min 20.5s\n        Delay: 112us\n";
        assert_eq!(ahead(timesync), Some(-200_500));
        assert_eq!(
            ahead("System time     : unknown\nOffset: soon\n* a b\n"),
            None
        );
        assert_eq!(host("docker-info", " Server Version: 20.10.24\n").hints, []);
    }
}
