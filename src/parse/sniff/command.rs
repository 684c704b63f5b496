//! The command that somebody copied together with its output: `$ kubectl logs web-1 -n shop --previous`.

/// Lines in which the command is looked for.
const LINES: usize = 3;

/// Whose log was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// Its namespace, where it is given.
    pub(super) namespace: Option<String>,
    /// The pod.
    pub(super) pod: String,
    /// Its container, where it is given.
    pub(super) container: Option<String>,
}

/// The pod of a `kubectl logs` at the head of a text.
pub(super) fn pod_of_logs(head: &[u8]) -> Option<Asked> {
    head.split(|c| *c == b'\n')
        .filter(|l| !l.trim_ascii().is_empty())
        .take(LINES)
        .filter_map(|l| std::str::from_utf8(l.get(..l.len().min(512))?).ok())
        .find_map(asked)
}

/// Flags of `kubectl logs`, or of kubectl, that have a value, besides those that are read.
const VALUED: [&str; 13] = [
    "--tail",
    "--since",
    "--since-time",
    "--limit-bytes",
    "--max-log-requests",
    "--pod-running-timeout",
    "--context",
    "--cluster",
    "--kubeconfig",
    "--user",
    "--request-timeout",
    "-v",
    "--v",
];

/// Those that have none. `--all-pods`, and what is not listed, may print the logs of several pods.
const SWITCHES: [&str; 10] = [
    "-f",
    "--follow",
    "-p",
    "--previous",
    "--timestamps",
    "--all-containers",
    "--prefix",
    "--ignore-errors",
    "--insecure-skip-tls-verify",
    "--insecure-skip-tls-verify-backend",
];

/// Programs behind a pipe that pass lines on as they are.
const FILTERS: [&str; 7] = ["grep", "egrep", "tail", "head", "less", "more", "cat"];

/// Reads a line as a command. A sentence that speaks of one has words before it that are no prompt, or behind it that the
/// command would not take.
fn asked(line: &str) -> Option<Asked> {
    let mut words = line.split_whitespace();
    let mut prompt = None;
    loop {
        match words.next()? {
            "kubectl" | "oc" | "k" => break,
            word if matches!(word, "sudo" | "time") || word.starts_with("KUBECONFIG=") => {}
            word => prompt = Some(word),
        }
    }
    let is_prompted = prompt.is_some_and(|word| {
        word.ends_with(['$', '#', '%', '>', '+', '❯']) || line.trim_start().starts_with('➜')
    });
    if prompt.is_some() && !is_prompted {
        return None;
    }
    let mut asked = Asked {
        namespace: None,
        pod: String::new(),
        container: None,
    };
    let (mut verb, mut flags, mut loose) = (false, false, false);
    while let Some(word) = words.next() {
        let (flag, value) = match word.split_once('=') {
            Some((flag, value)) => (flag, Some(value)),
            None => (word, None),
        };
        flags |= flag.starts_with('-');
        match flag {
            "-n" | "--namespace" => {
                asked.namespace = Some(name(value.or_else(|| words.next())?)?);
            }
            "-c" | "--container" => {
                asked.container = Some(name(value.or_else(|| words.next())?)?);
            }
            _ if VALUED.contains(&flag) => {
                value.or_else(|| words.next())?;
            }
            _ if SWITCHES.contains(&flag) => {}
            // Errors join the output, or are dropped.
            "2>&1" | "2>/dev/null" => {}
            "|" => {
                words.next().filter(|w| FILTERS.contains(w))?;
                if words.any(|w| w.contains(['|', '>', ';', '&'])) {
                    return None;
                }
            }
            _ if flag.starts_with('-') => {
                asked.namespace = Some(name(word.strip_prefix("-n")?)?);
            }
            "logs" | "log" if !verb => verb = true,
            _ if !verb => return None,
            _ if asked.pod.is_empty() => {
                let pod = ["pod/", "pods/", "po/"]
                    .iter()
                    .find_map(|kind| word.strip_prefix(kind));
                asked.pod = name(pod.unwrap_or(word))?;
            }
            _ if asked.container.is_none() => {
                asked.container = Some(name(word)?);
                loose = true;
            }
            _ => return None,
        }
    }
    // Two words behind `kubectl logs` may be a sentence.
    (!asked.pod.is_empty() && (!loose || flags || is_prompted)).then_some(asked)
}

/// A name as objects have them.
fn name(word: &str) -> Option<String> {
    let legal = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let ends = [word.bytes().next()?, word.bytes().next_back()?];
    (ends.into_iter().all(legal) && word.bytes().all(|c| legal(c) || b"-.".contains(&c)))
        .then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn case(line: &str, expected: Option<(Option<&str>, &str, Option<&str>)>) {
        let expected = expected.map(|(namespace, pod, container)| Asked {
            namespace: namespace.map(str::to_owned),
            pod: pod.to_owned(),
            container: container.map(str::to_owned),
        });
        assert_eq!(pod_of_logs(line.as_bytes()), expected, "{line}");
    }

    #[test]
    fn commands() {
        case(
            "$ kubectl logs web-1 -n shop",
            Some((Some("shop"), "web-1", None)),
        );
        case(
            "[root@cp1 ~]# kubectl -n shop logs --previous pod/web-1 -c app\nx",
            Some((Some("shop"), "web-1", Some("app"))),
        );
        case(
            "oc logs web-1 app --tail 20",
            Some((None, "web-1", Some("app"))),
        );
        case(
            "root@cp1:~# sudo kubectl logs -f web-1 -nshop 2>&1 | tail -n 50",
            Some((Some("shop"), "web-1", None)),
        );
        case(
            "sudo kubectl logs web-1 --context prod",
            Some((None, "web-1", None)),
        );
        case("> k logs web-1 app", Some((None, "web-1", Some("app"))));
    }

    #[test]
    fn what_is_no_command_of_an_output() {
        for other in [
            "kubectl get pods",
            "kubectl logs deploy/web",
            "k logs",
            "the logs of web",
            // Sentences.
            "when I run kubectl logs web-1 I see this",
            "kubectl logs web-1 shows the following",
            "kubectl logs web-1 hangs",
            "kubectl logs web-1: Error from server",
            "please run sudo kubectl logs web-1",
            "The pod does not start, see kubectl logs web-1.",
            // Many pods, or nobody knows whose.
            "$ kubectl logs -l app=web",
            "$ kubectl logs -l web",
            "$ kubectl logs --selector app web-1",
            "$ kubectl logs --all-pods web-1",
            "$ kubectl logs --frobnicate web web-1",
            // What follows is the output of something else.
            "$ kubectl logs web-1 > web-1.log",
            "$ kubectl logs web-1 && kubectl logs web-2",
            "$ kubectl logs web-1 | wc -l",
            "$ kubectl logs web-1 | grep x | wc -l",
            "$ kubectl logs web-1; date",
        ] {
            case(other, None);
        }
    }
}
