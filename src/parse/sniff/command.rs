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

fn asked(line: &str) -> Option<Asked> {
    let mut words = line.split_whitespace();
    words.find(|w| matches!(*w, "kubectl" | "oc" | "k"))?;
    let mut asked = Asked {
        namespace: None,
        pod: String::new(),
        container: None,
    };
    let mut verb = false;
    while let Some(word) = words.next() {
        let (flag, value) = match word.split_once('=') {
            Some((flag, value)) => (flag, Some(value)),
            None => (word, None),
        };
        match flag {
            "-n" | "--namespace" => {
                asked.namespace = Some(value.or_else(|| words.next())?.to_owned());
            }
            "-c" | "--container" => {
                asked.container = Some(value.or_else(|| words.next())?.to_owned());
            }
            "--tail" | "--since" | "--context" | "--kubeconfig" | "--since-time" => {
                value.or_else(|| words.next())?;
            }
            _ if flag.starts_with('-') => {}
            "logs" | "log" if !verb => verb = true,
            _ if !verb => return None,
            _ if asked.pod.is_empty() => {
                let name = word.strip_prefix("pod/").unwrap_or(word);
                name.bytes()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || b"-.".contains(&c))
                    .then_some(())?;
                name.clone_into(&mut asked.pod);
            }
            _ if asked.container.is_none() => asked.container = Some(word.to_owned()),
            _ => break,
        }
    }
    (!asked.pod.is_empty()).then_some(asked)
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
        for other in [
            "kubectl get pods",
            "kubectl logs deploy/web",
            "k logs",
            "the logs of web",
        ] {
            case(other, None);
        }
    }
}
