//! One output whose command is known: the command says what its lines are, and where a filter took the header away,
//! under which header they stood.

use super::host::{clock, dirs};
use super::sections::loose;
use super::sink::{Chunk, Sink};
use super::{describe, kinds, objects, process, tables};
use crate::parse::session::words;

/// Columns of tables of kubectl in the versions that are still met; what `-o wide` adds.
const TABLES: [(&str, &[&str], &[&str]); 6] = [
    (
        "pod",
        &["NAME", "READY", "STATUS", "RESTARTS", "AGE"],
        &["IP", "NODE", "NOMINATED NODE", "READINESS GATES"],
    ),
    (
        "node",
        &["NAME", "STATUS", "ROLES", "AGE", "VERSION"],
        &[
            "INTERNAL-IP",
            "EXTERNAL-IP",
            "OS-IMAGE",
            "KERNEL-VERSION",
            "CONTAINER-RUNTIME",
        ],
    ),
    ("namespace", &["NAME", "STATUS", "AGE"], &[]),
    ("apiservice", &["NAME", "SERVICE", "AVAILABLE", "AGE"], &[]),
    (
        "service",
        &[
            "NAME",
            "TYPE",
            "CLUSTER-IP",
            "EXTERNAL-IP",
            "PORT(S)",
            "AGE",
        ],
        &["SELECTOR"],
    ),
    ("endpoints", &["NAME", "ENDPOINTS", "AGE"], &[]),
];

/// Flags of kubectl whose value is the next word.
const VALUED: [&str; 12] = [
    "-n",
    "--namespace",
    "--context",
    "--kubeconfig",
    "-o",
    "--output",
    "-l",
    "--selector",
    "--sort-by",
    "--field-selector",
    "-s",
    "--server",
];

/// Programs behind a pipe that pass lines on as they are.
const FILTERS: [&str; 13] = [
    "cat", "column", "egrep", "fgrep", "findstr", "grep", "head", "less", "more", "sort", "tail",
    "tee", "uniq",
];

/// Reads the output of a command: as it is known to print, else by its looks.
pub(super) fn read(sink: &mut Sink<'_>, chunk: Chunk<'_>, command: &str) {
    let before = sink.said();
    let changed = command.split('|').skip(1).any(|segment| {
        let program = words(segment).next().unwrap_or_default();
        !FILTERS.contains(&program) && !program.eq_ignore_ascii_case("select-string")
    });
    if !changed {
        known(sink, chunk, command);
    }
    let verb = words(command).nth(1);
    if sink.said() == before && !matches!(verb, Some("logs" | "log")) {
        loose(sink, chunk, command);
    }
}

/// Reads what a command is known to print.
fn known(sink: &mut Sink<'_>, chunk: Chunk<'_>, command: &str) {
    // What runs elsewhere: `kubectl exec web-1 -- cat /etc/resolv.conf`, `ssh n1 ps -ef`.
    if let Some((outer, inner)) = command.split_once(" -- ")
        && words(outer).any(|w| w == "exec" || w == "debug")
    {
        return known(sink, chunk, inner);
    }
    let piped = command.contains('|');
    let command = command.split('|').next().unwrap_or_default().trim();
    let words: Vec<&str> = words(command).collect();
    let program = words.first().copied().unwrap_or_default();
    let plain = plain_words(words.get(1..).unwrap_or_default());
    let verb = plain.first().copied().unwrap_or_default();
    match (program, verb) {
        ("kubectl" | "oc" | "k", "describe") => describe::read(sink, chunk, command),
        ("kubectl" | "oc" | "k", "get") if is_object(&words) => objects::read(sink, chunk),
        ("kubectl" | "oc" | "k", "get") => {
            let header = piped.then(|| table(&words, &plain)).flatten();
            tables::read_under(sink, chunk, command, header.as_deref());
        }
        ("kubectl" | "oc" | "k", "top") | ("docker" | "crictl", "ps" | "pods") => {
            tables::read(sink, chunk, command);
        }
        // A log says what it says by its own lines.
        ("kubectl" | "oc" | "k" | "docker" | "crictl", "logs" | "log") => {}
        ("ps", _) => {
            let header = piped.then(|| processes(&words)).flatten();
            process::read_under(sink, chunk, header.as_deref());
        }
        ("top", _) => process::read(sink, chunk),
        ("ls", _) => dirs::read(sink, chunk, command),
        ("date" | "timedatectl", _) => clock::read(sink, chunk),
        ("cat", _) => loose(sink, chunk, words.last().copied().unwrap_or_default()),
        _ => loose(sink, chunk, command),
    }
}

/// Words that are neither flags nor their values.
fn plain_words<'w>(words: &[&'w str]) -> Vec<&'w str> {
    let mut out = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if VALUED.contains(word) {
            words.next();
        } else if !word.starts_with('-') {
            out.push(*word);
        }
    }
    out
}

/// Whether whole objects were asked for.
fn is_object(words: &[&str]) -> bool {
    let forms = ["json", "yaml"];
    let mut before = "";
    words.iter().any(|word| {
        let last = std::mem::replace(&mut before, *word);
        let form = match last {
            "-o" | "--output" => *word,
            _ => word
                .strip_prefix("--output=")
                .or_else(|| word.strip_prefix("-o"))
                .unwrap_or_default()
                .trim_start_matches('='),
        };
        forms.contains(&form)
    })
}

/// The header that a filter took from a table of kubectl.
fn table(words: &[&str], plain: &[&str]) -> Option<Vec<&'static str>> {
    let kind = kinds::known(plain.get(1)?)?;
    let (_, columns, wide) = TABLES.iter().find(|(k, ..)| *k == kind)?;
    let all = words
        .iter()
        .any(|w| matches!(*w, "-A" | "--all-namespaces" | "--all-namespaces=true"));
    let is_wide = words
        .iter()
        .any(|w| matches!(*w, "wide" | "-owide" | "--output=wide"));
    let namespaced = kinds::is_namespaced(kind) == Some(true);
    let mut header = Vec::new();
    if all && namespaced {
        header.push("NAMESPACE");
    }
    header.extend_from_slice(columns);
    if is_wide {
        header.extend_from_slice(wide);
    }
    Some(header)
}

/// The header that a filter took from a process list.
fn processes(words: &[&str]) -> Option<String> {
    let flags: Vec<&str> = words.get(1..)?.to_vec();
    for (n, flag) in flags.iter().enumerate() {
        let letters = flag.trim_start_matches('-');
        if let Some(before) = letters.strip_suffix('o')
            && before.bytes().all(|b| b.is_ascii_alphabetic())
        {
            let list = flags.get(n.saturating_add(1))?;
            let names: Vec<String> = list.split(',').map(column).collect();
            return Some(names.join(" "));
        }
    }
    let flag = flags.first()?.trim_start_matches('-');
    let header = if flag.starts_with("au") {
        "USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND"
    } else if flag == "ef" || flag == "fe" {
        "UID PID PPID C STIME TTY TIME CMD"
    } else {
        return None;
    };
    Some(header.to_owned())
}

/// The name of a column as `ps` prints it.
fn column(word: &str) -> String {
    let word = word.split([':', '=']).next().unwrap_or_default();
    match word {
        "etime" => "ELAPSED".into(),
        "lstart" | "start" => "STARTED".into(),
        "state" => "S".into(),
        "args" => "COMMAND".into(),
        "pcpu" => "%CPU".into(),
        "pmem" => "%MEM".into(),
        "uname" | "euser" => "USER".into(),
        _ => word.to_ascii_uppercase(),
    }
}

#[cfg(test)]
mod tests {
    use crate::parse::session;
    use crate::parse::state;

    #[track_caller]
    fn case(text: &str, expected: &[&str]) {
        let outputs = session::outputs(text.as_bytes());
        let reading = state::session("session.txt", text.as_bytes(), &outputs);
        let found: Vec<&str> = reading.lines.iter().map(|l| l.text.as_str()).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn a_session_is_many_outputs() {
        let text = "\
ops@bastion:~$ kubectl -n billing get pods
NAME                  READY   STATUS             RESTARTS   AGE
api-6f5d8c7b9-x2x4k   0/1     CrashLoopBackOff   17         65m
ops@bastion:~$ k get ns | grep Term
team-a    Terminating   4m
ops@bastion:~$ kubectl exec -n shop web-1 -c web -- cat /etc/resolv.conf
nameserver 10.96.0.10
ops@bastion:~$ kubectl get pods -A -o wide | grep coredns
kube-system   coredns-565d847f94-8s2kp   1/1   Running   0   100d   10.244.10.4   n1   <none>   <none>
ops@bastion:~$ kubectl logs web-1 | tail -1
NAME  is not a table
";
        case(
            text,
            &[
                "pod/billing/api-6f5d8c7b9-x2x4k status=CrashLoopBackOff ready=0/1 restarts=17",
                "namespace/team-a status=Terminating",
                "resolver/session.txt nameserver=10.96.0.10",
                "pod/kube-system/coredns-565d847f94-8s2kp status=Running ready=1/1 restarts=0 node=n1 ip=10.244.10.4",
            ],
        );
    }

    #[test]
    fn what_a_pipeline_made_is_told_by_its_looks() {
        let text = "\
$ kubectl get secret a -o jsonpath='{.data.ca}' | base64 -d | openssl x509 -noout -text
Certificate:
    Data:
        Issuer: O = k8s.cluster.local
        Validity
            Not Before: Nov 21 23:55:00 2018 GMT
            Not After : Nov 21 23:55:00 2019 GMT
        Subject: O = k8s.cluster.local
";
        let outputs = session::outputs(text.as_bytes());
        let reading = state::session("session.txt", text.as_bytes(), &outputs);
        let line = reading.lines.first().expect("a certificate");
        assert_eq!(line.entity.kind(), "certificate");
        assert_eq!(line.line, 7);
    }

    #[test]
    fn processes_whose_header_was_filtered() {
        let text = "\
[root@n1 ~]# ps -eo pid,ppid,lstart,etime,stat,cmd | grep [r]unc
30000 29000 Wed Apr  8 09:47:10 2020    50:20 Sl   runc --root /run state abc
[root@bastion ~]# ssh -q n1 ps -ef | grep sleep
root     12001  2290  0 05:12 ?        00:00:00 sleep 9
[root@n1 ~]# uptime
 05:22:10 up 23 min,  0 users,  load average: 0.92, 2.83, 2.55
";
        case(
            text,
            &[
                "pid=30000 ppid=29000 stat=Sl elapsed=3020s comm=runc cmd=runc --root /run state abc",
                "pid=12001 ppid=2290 elapsed=610s comm=sleep cmd=sleep 9",
            ],
        );
    }
}
