//! Kinds of text other than logs, each told by its first lines: objects, tables, describe outputs, process lists,
//! certificates, outputs of host commands.
//!
//! `NAME   STATUS   ROLES   AGE` is a table, `apiVersion: v1` an object, `default via 10.20.0.1 dev eth0` a host's routes.

use crate::model::SourceKind;
use crate::parse::state::describe::loose;

/// A kind and why.
pub(super) type Found = (SourceKind, &'static str);

/// What the whole text is, judged by its first lines (line ends removed, empty lines left out).
pub(super) fn whole(lines: &[&[u8]]) -> Option<Found> {
    let first = *lines.first()?;
    certificate(first)
        .or_else(|| object(first, lines))
        .or_else(|| host(first, lines))
        .or_else(|| describe(lines))
        .or_else(|| events(lines))
}

/// What a text is that may begin with something else (warnings, log lines of the client).
pub(super) fn somewhere(lines: &[&[u8]]) -> Option<Found> {
    lines
        .iter()
        .find_map(|l| table(l))
        .or_else(|| lines.iter().find_map(|l| certificate(l)))
        .or_else(|| lines.iter().find_map(|l| kubectl(l)))
        .or_else(|| {
            let start = lines
                .iter()
                .position(|l| l.starts_with(b"apiVersion: ") || l.starts_with(b"kind: "))?;
            object(lines.get(start)?, lines.get(start..)?)
        })
}

fn certificate(line: &[u8]) -> Option<Found> {
    let marks: [&[u8]; 7] = [
        b"-----BEGIN CERTIFICATE-----",
        b"-----BEGIN TRUSTED CERTIFICATE-----",
        b"Certificate:",
        b"notBefore=",
        b"notAfter=",
        b"subject=",
        b"issuer=",
    ];
    // `kubeadm certs check-expiration`.
    let list = line.starts_with(b"CERTIFICATE ")
        && memchr::memmem::find(line, b"EXPIRES").is_some()
        && memchr::memmem::find(line, b"RESIDUAL TIME").is_some();
    (list || marks.iter().any(|m| line.starts_with(m)))
        .then_some((SourceKind::Certificates, "it shows a certificate"))
}

fn object(first: &[u8], lines: &[&[u8]]) -> Option<Found> {
    let found = Some((SourceKind::Objects, "it has apiVersion or kind"));
    let near = lines.get(..lines.len().min(60)).unwrap_or(lines);
    if matches!(first.first(), Some(b'{' | b'[')) {
        let names = |l: &&[u8]| {
            let head = l.get(..l.len().min(2000)).unwrap_or_default();
            let has = |k: &[u8]| memchr::memmem::find(head, k).is_some();
            has(b"\"apiVersion\":") || has(b"\"kind\":") || has(b"\"apiVersion\" :")
        };
        return found.filter(|_| near.iter().any(names));
    }
    let top = |l: &&[u8]| {
        l.starts_with(b"apiVersion:") || l.starts_with(b"kind:") || l.starts_with(b"- apiVersion:")
    };
    let begins = top(&first)
        || first == b"---"
        || first == b"items:"
        || first.starts_with(b"#")
        || first.starts_with(b"metadata:");
    found.filter(|_| begins && near.iter().any(top))
}

/// A header of kubectl, or of a program with the same look.
pub(super) fn table(line: &[u8]) -> Option<Found> {
    let text = line.trim_ascii();
    if text.starts_with(b"top - ") {
        return Some((SourceKind::Processes, "it is an output of top"));
    }
    // Most lines are none by their first letter.
    if !matches!(text.first(), Some(b'A'..=b'Z' | b'%')) {
        return None;
    }
    let words: Vec<&[u8]> = text
        .split(u8::is_ascii_whitespace)
        .filter(|w| !w.is_empty())
        .collect();
    let has = |w: &[u8]| words.contains(&w);
    if has(b"PID")
        && (has(b"COMMAND") || has(b"CMD") || has(b"COMM") || has(b"ARGS"))
        && !has(b"FD")
    {
        return Some((SourceKind::Processes, "it has the header of a process list"));
    }
    let legal = |w: &&&[u8]| {
        w.iter().all(|c| {
            c.is_ascii_uppercase()
                || c.is_ascii_digit()
                || b"-()%/.:#_@".contains(c)
                || w.starts_with(b"CPU(")
                || w.starts_with(b"MEMORY(")
                || w.starts_with(b"PORT(")
        }) && w.iter().any(u8::is_ascii_uppercase)
    };
    let letters = words.iter().filter(legal).count();
    if letters != words.len() || words.is_empty() {
        return None;
    }
    let host = [
        &["CONTAINER"][..],
        &["POD", "ID"],
        &["IMAGE"],
        &["REPOSITORY"],
        &["UNIT"],
        &["TASK"],
        &["USER", "TTY"],
        &["COMMAND", "PID"],
        &["NAME", "PID", "PROCESS"],
        &["NAME", "MAJ:MIN"],
        &["REF"],
        &["ENDPOINT"],
        &["ID"],
        &["PID"],
        &["NETID"],
        &["NETWORK", "ID"],
        &["DRIVER"],
    ];
    let begins = |header: &&[&str]| {
        header.len() <= words.len() && header.iter().zip(&words).all(|(a, b)| a.as_bytes() == *b)
    };
    if words.len() > 1 && host.iter().any(begins) {
        return Some((SourceKind::Host, "it has the header of a host command"));
    }
    let kubectl: [&[u8]; 15] = [
        b"NAME",
        b"NAMESPACE",
        b"LAST",
        b"LASTSEEN",
        b"FIRST",
        b"FIRSTSEEN",
        b"POD",
        b"NODE",
        b"KIND",
        b"RESOURCE",
        b"RESOURCES",
        b"EVENT",
        b"SHORTNAMES",
        b"APIVERSION",
        b"CLUSTER",
    ];
    (kubectl.contains(words.first()?) && (words.len() > 1 || words == [b"NAME"]))
        .then_some((SourceKind::Table, "it has the header of a kubectl table"))
}

/// What kubectl itself says.
pub(super) fn kubectl(line: &[u8]) -> Option<Found> {
    let marks: [&[u8]; 10] = [
        b"Error from server",
        b"error: ",
        b"No resources found",
        b"Unable to connect to the server",
        b"The connection to the server",
        b"Warning: ",
        b"Warning Listing ",
        b"error getting ",
        b"Request log error: ",
        b"Error in configuration",
    ];
    let done = || {
        let (Some(slash), Some(blank)) = (memchr::memchr(b'/', line), memchr::memrchr(b' ', line))
        else {
            return false;
        };
        let verbs: [&[u8]; 9] = [
            b"created",
            b"configured",
            b"unchanged",
            b"deleted",
            b"scaled",
            b"patched",
            b"edited",
            b"labeled",
            b"annotated",
        ];
        slash < blank && line.get(blank + 1..).is_some_and(|w| verbs.contains(&w))
    };
    (marks.iter().any(|m| line.starts_with(m)) || done())
        .then_some((SourceKind::Table, "kubectl itself speaks"))
}

fn describe(lines: &[&[u8]]) -> Option<Found> {
    let near = lines.get(..lines.len().min(80)).unwrap_or(lines);
    let name = near
        .iter()
        .position(|l| l.starts_with(b"Name:") && l.get(5).is_some_and(u8::is_ascii_whitespace))?;
    let keys: [&[u8]; 9] = [
        b"Labels:",
        b"Annotations:",
        b"Conditions:",
        b"Namespace:",
        b"Events:",
        b"Status:",
        b"Roles:",
        b"Selector:",
        b"API Version:",
    ];
    near.iter()
        .skip(name)
        .any(|l| keys.iter().any(|k| l.starts_with(k)))
        .then_some((SourceKind::Describe, "it has the keys of kubectl describe"))
}

/// Events without their object: the header of their table, or hardly anything but rows.
fn events(lines: &[&[u8]]) -> Option<Found> {
    let near = lines.get(..lines.len().min(80)).unwrap_or(lines);
    let (mut rows, mut headed, mut others) = (0_usize, false, 0_usize);
    for line in near {
        let line = line.get(..line.len().min(512)).unwrap_or(line);
        match may_be_event(line).then(|| String::from_utf8_lossy(line)) {
            Some(text) if loose::is_header(&text) => headed = true,
            Some(text) if loose::is_row(&text) => rows += 1,
            _ => others += usize::from(!is_events_heading(line)),
        }
    }
    let nearly_all = rows.saturating_mul(4) >= others.saturating_mul(6);
    let is = headed || rows > 0 && nearly_all;
    // A table of kubectl says by its header which column is what.
    (is && !near.iter().any(|l| table(l).is_some())).then_some((
        SourceKind::Describe,
        "it has events as kubectl describe prints them",
    ))
}

/// Whether a line has a word that each row of events, and their header, has: one look tells that most lines have none.
fn may_be_event(line: &[u8]) -> bool {
    let words: [&[u8]; 3] = [b"Warning", b"Normal", b"Reason"];
    words
        .iter()
        .any(|w| memchr::memmem::find(line, w).is_some())
}

/// `Events:`, and the rule below the header.
fn is_events_heading(line: &[u8]) -> bool {
    let text = line.trim_ascii();
    text == b"Events:" || text.iter().all(|c| matches!(c, b'-' | b' ' | b'\t'))
}

/// Beginnings of outputs of host commands.
const HOST: [&[u8]; 46] = [
    b"IP Virtual Server version ",
    b"Prot LocalAddress:Port",
    b"Filesystem ",
    b"default via ",
    b"nameserver ",
    b"# Generated by iptables-save",
    b"# Generated by ip6tables-save",
    b"# Generated by NetworkManager",
    b"# Warning: iptables-legacy",
    b"*filter",
    b"table ip ",
    b"table ip6 ",
    b"table inet ",
    b"-P PREROUTING ",
    b"*nat",
    b"*mangle",
    b"*raw",
    b"Chain ",
    b"MemTotal:",
    b"Local time:",
    b"Linux version ",
    b"Linux ",
    b"NAME=\"",
    b"PRETTY_NAME=",
    b"Proto Recv-Q",
    b"Active Internet connections",
    b"Netid ",
    b"Kernel IP routing table",
    b"Module  ",
    b"search ",
    b"blackhole ",
    b"unreachable ",
    b"local ",
    b"broadcast ",
    b"nr_free_pages ",
    b"processor\t",
    b"tcp      ",
    b"ipv4     2 ",
    b"Client:",
    b"Client Version:",
    b"Server Version:",
    b"[+]",
    b"[-]",
    b"memberID:",
    b"Reference ID    : ",
    b"remote           refid  ",
];

fn host(first: &[u8], lines: &[&[u8]]) -> Option<Found> {
    let found = Some((SourceKind::Host, "it is the output of a host command"));
    if lines
        .iter()
        .take(40)
        .any(|l| l.starts_with(b"-----") && memchr::memmem::find(l, b"-run ").is_some())
    {
        return Some((SourceKind::Host, "it has sections of a collector (run …)"));
    }
    let text = first.trim_ascii_start();
    if HOST.iter().any(|h| text.starts_with(h)) {
        return found;
    }
    let all = |test: fn(&[u8]) -> bool| {
        let near = lines.get(..lines.len().min(30)).unwrap_or(lines);
        let hits = near.iter().filter(|l| test(l)).count();
        hits * 10 >= near.len() * 7
    };
    let is = is_date(text)
        || is_uptime(text)
        || is_interface(text)
        || is_unit(first)
        || is_boxed(first, lines)
        || kernel_stacks(lines)
        || text.starts_with(b"total        used")
        || (text.starts_with(b"total ") && lines.get(1).is_some_and(|l| is_listing(l)))
        || is_listing(first)
        || all(is_sysctl)
        || all(is_route);
    found.filter(|_| is)
}

/// `Fri Nov 20 17:42:57 UTC 2026` and nothing else.
fn is_date(text: &[u8]) -> bool {
    let days: [&[u8]; 7] = [
        b"Mon ", b"Tue ", b"Wed ", b"Thu ", b"Fri ", b"Sat ", b"Sun ",
    ];
    text.len() < 40
        && days.iter().any(|d| text.starts_with(d))
        && memchr::memchr_iter(b':', text).count() >= 2
}

/// ` 17:42:57 up  1:01,  0 user,  load average: 0.59, 1.03, 1.69`.
fn is_uptime(text: &[u8]) -> bool {
    memchr::memmem::find(text, b" up ").is_some()
        && memchr::memmem::find(text, b"load average").is_some()
}

/// `1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536`.
fn is_interface(text: &[u8]) -> bool {
    text.first().is_some_and(u8::is_ascii_digit)
        && memchr::memmem::find(text, b": <").is_some()
        && memchr::memmem::find(text, b" mtu ").is_some()
        || memchr::memmem::find(text, b": flags=").is_some()
}

/// `● kubelet.service - kubelet: The Kubernetes Node Agent`.
fn is_unit(text: &[u8]) -> bool {
    let rest = [
        b"\xe2\x97\x8f ".as_slice(),
        "× ".as_bytes(),
        "○ ".as_bytes(),
        b"* ",
        b"? ",
    ]
    .iter()
    .find_map(|m| text.strip_prefix(*m));
    rest.is_some_and(|r| {
        memchr::memmem::find(r, b".service").is_some()
            || memchr::memmem::find(r, b".socket").is_some()
    })
}

/// etcdctl's table: `+----+----+` and `| ENDPOINT |`.
fn is_boxed(first: &[u8], lines: &[&[u8]]) -> bool {
    first.starts_with(b"+--") && lines.get(1).is_some_and(|l| l.starts_with(b"| "))
}

/// `[<0>] do_sys_poll+0x1f/0x2a0`: one at the head, or several below headings of a collector's own.
fn kernel_stacks(lines: &[&[u8]]) -> bool {
    const ENOUGH: usize = 3;
    let is = |l: &&[u8]| {
        let text = l.trim_ascii_start();
        text.starts_with(b"[<") && memchr::memmem::find(text, b">] ").is_some()
    };
    lines.first().is_some_and(&is) || lines.iter().take(40).filter(|l| is(l)).count() >= ENOUGH
}

/// `drwxr-xr-x 2 root root 4096 Nov 20 17:39 .`.
fn is_listing(text: &[u8]) -> bool {
    text.get(..10).is_some_and(|mode| {
        matches!(mode.first(), Some(b'd' | b'-' | b'l' | b's' | b'c' | b'b'))
            && mode.iter().skip(1).all(|c| b"rwxsStT-".contains(c))
            && mode.contains(&b'r')
    })
}

/// `net.ipv4.ip_forward = 1`.
fn is_sysctl(text: &[u8]) -> bool {
    let key = memchr::memmem::find(text, b" = ").and_then(|at| text.get(..at));
    key.is_some_and(|k| k.contains(&b'.') && k.iter().all(u8::is_ascii_graphic))
}

/// `10.244.1.0/24 via 10.20.0.11 dev eth0`.
fn is_route(text: &[u8]) -> bool {
    text.first().is_some_and(u8::is_ascii_digit) && memchr::memmem::find(text, b" dev ").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn case(text: &str, expected: Option<SourceKind>) {
        let lines: Vec<&[u8]> = text
            .lines()
            .map(str::as_bytes)
            .filter(|l| !l.trim_ascii().is_empty())
            .collect();
        let found = whole(&lines).or_else(|| somewhere(&lines)).map(|f| f.0);
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn kinds() {
        use SourceKind as K;
        case("apiVersion: v1\nkind: Node", Some(K::Objects));
        case("---\n# x\nkind: Node", Some(K::Objects));
        case("items:\n- apiVersion: v1", Some(K::Objects));
        case(
            "{\n    \"apiVersion\": \"v1\",\n    \"items\": [",
            Some(K::Objects),
        );
        case("{\"memory\": 1}", None);
        case(
            "NAME    STATUS   ROLES    AGE\nnode1   Ready    <none>   5d",
            Some(K::Table),
        );
        case("NAMESPACE     LAST SEEN   TYPE      REASON", Some(K::Table));
        case(
            "LASTSEEN   FIRSTSEEN   COUNT     NAME      KIND      SUBOBJECT   TYPE      REASON    SOURCE    MESSAGE",
            Some(K::Table),
        );
        for row in [
            "Warning  FailedMount  90s (x4 over 2m)     kubelet, n1        Unable to attach: x",
            "Events:\n  Warning  FailedMount  90s (x4 over 2m)     kubelet, n1        Unable to attach: x",
            "  Type  Reason  Age  From  Message\n  ----  ------  ----  ----  -------\n  Warning  FailedMount  90s  kubelet, n1  Unable to attach: x\nand so on\nfor days\nand nights",
        ] {
            case(row, Some(K::Describe));
        }
        case("Events:\nnone that I know of", None);
        case(
            "NAME   CPU(cores)   CPU%   MEMORY(bytes)   MEMORY%",
            Some(K::Table),
        );
        case(
            "NAME   TYPE   CLUSTER-IP   EXTERNAL-IP   PORT(S)   AGE",
            Some(K::Table),
        );
        case(
            "Warning: v1 Endpoints is deprecated\nNAMESPACE   NAME   READY",
            Some(K::Table),
        );
        case(
            "Error from server (NotFound): pods \"x\" not found",
            Some(K::Table),
        );
        case("configmap/snapshot-1 created", Some(K::Table));
        case(
            "USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND",
            Some(K::Processes),
        );
        case(
            "    PID    PPID     TID STAT WCHAN   ELAPSED COMMAND",
            Some(K::Processes),
        );
        case(
            "UID          PID    PPID  C STIME TTY          TIME CMD",
            Some(K::Processes),
        );
        case("top - 03:04:05 up 1 day", Some(K::Processes));
        case(
            "CONTAINER ID   IMAGE   COMMAND   CREATED   STATUS   PORTS   NAMES",
            Some(K::Host),
        );
        case(
            "Name:               node1\nRoles:              <none>\nLabels:  x",
            Some(K::Describe),
        );
        case(
            "subject=CN = x\nissuer=CN = y\nnotAfter=Nov 20 17:08:28 2026 GMT",
            Some(K::Certificates),
        );
        case("-----BEGIN CERTIFICATE-----", Some(K::Certificates));
        case(
            "CERTIFICATE                EXPIRES                  RESIDUAL TIME   CERTIFICATE AUTHORITY   EXTERNALLY MANAGED",
            Some(K::Certificates),
        );
    }

    #[test]
    fn hosts() {
        for text in [
            "Fri Nov 20 17:42:57 UTC 2026",
            " 17:42:57 up  1:01,  0 user,  load average: 0.59, 1.03, 1.69",
            "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue",
            "default via 10.20.0.1 dev eth0\n10.244.1.0/24 via 10.20.0.11 dev eth0",
            "10.244.1.0/24 via 10.20.0.11 dev eth0",
            "Filesystem      Size  Used Avail Use% Mounted on",
            "● kubelet.service - kubelet",
            "total 8\ndrwxr-xr-x 2 root root 4096 Nov 20 17:39 .",
            "+----+----+\n| ENDPOINT |",
            "net.ipv4.ip_forward = 1\nkernel.pid_max = 4194304",
            "-----------------run ip route show------------------\ndefault",
            "[+]ping ok\n[+]log ok",
            "Reference ID    : C0000201 (ntp.example.com)\nStratum         : 3",
            "     remote           refid      st t when poll reach   delay   offset  jitter\n====",
        ] {
            case(text, Some(SourceKind::Host));
        }
        for text in [
            "hello world",
            "exit code 124",
            "a = b",
            "Some log text here",
        ] {
            case(text, None);
        }
    }
}
