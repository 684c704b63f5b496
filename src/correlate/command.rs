//! Commands that collect a source, with the names of the bundle filled in where that is safe.

use crate::catalog::Need;
use crate::model::Keys;

/// Whether the command asks the API server or a cloud, and so runs wherever somebody may do that.
pub(super) fn runs_anywhere(command: &str) -> bool {
    matches!(
        command.split_whitespace().next(),
        Some("kubectl" | "aliyun" | "aws" | "istioctl")
    )
}

/// Whether a value is one plain word to a shell: neither more than a word, nor an option.
pub(super) fn is_word(value: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._:/@%+,=-".contains(c);
    !value.is_empty() && !value.starts_with('-') && value.chars().all(plain)
}

/// The command with its `<key>` places filled from keys. Only a value that is one plain word to a shell is filled in: a
/// bundle comes from a stranger, and the command will be run.
pub(super) fn filled(command: &str, keys: &Keys) -> String {
    let mut out = String::with_capacity(command.len());
    let mut rest = command;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        let value = after.split_once('>').and_then(|(name, tail)| {
            let value = value(name, keys)?;
            is_word(value).then_some((value, tail))
        });
        if let Some((value, tail)) = value {
            out.push_str(value);
            rest = tail;
        } else {
            out.push('<');
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

/// The value of a place: of `pod` (`shop/web-1`) the name alone, for commands name the namespace by itself.
fn value<'k>(name: &str, keys: &'k Keys) -> Option<&'k str> {
    let value = keys.get(name).map(String::as_str);
    match name {
        "namespace" => value.or_else(|| keys.get("pod")?.split_once('/').map(|(n, _)| n)),
        _ => value.map(|v| match v.split_once('/') {
            Some((namespace, rest)) if keys.get("namespace").is_some_and(|n| n == namespace) => {
                rest
            }
            _ if name == "pod" => v.rsplit('/').next().unwrap_or(v),
            _ => v,
        }),
    }
}

/// How to collect a kind of source.
pub(super) fn command(need: &Need) -> String {
    match need {
        Need::Log(c) => match c.as_str() {
            "kubelet" | "containerd" | "dockerd" | "cri-o" | "etcd" => {
                let unit = match c.as_str() {
                    "dockerd" => "docker",
                    "cri-o" => "crio",
                    other => other,
                };
                format!(
                    "journalctl -u {unit} --since '2 hours ago' --no-pager -o short-iso-precise"
                )
            }
            "kernel" => String::from("dmesg -T"),
            "systemd" => String::from("journalctl _PID=1 --since '2 hours ago' --no-pager"),
            "cni" => String::from("cat /var/log/*cni*.log /var/log/calico/cni/*.log"),
            "cluster-autoscaler" => String::from(
                "kubectl -n kube-system logs --timestamps --tail=-1 deploy/cluster-autoscaler",
            ),
            "coredns" | "metrics-server" | "kube-proxy" => {
                let label = if c.as_str() == "coredns" {
                    "kube-dns"
                } else {
                    c.as_str()
                };
                format!(
                    "kubectl -n kube-system logs --timestamps --tail=-1 --prefix -l k8s-app={label}"
                )
            }
            "app" => String::from(
                "kubectl -n <namespace> logs --timestamps --tail=-1 --all-containers <pod>",
            ),
            "istio-proxy" => String::from(
                "kubectl -n <namespace> logs --timestamps --tail=-1 -c istio-proxy <pod>",
            ),
            c if c.starts_with("kube-") || c == "cloud-controller-manager" => {
                format!(
                    "kubectl -n kube-system logs --timestamps --tail=-1 --prefix -l component={c}"
                )
            }
            c => format!("kubectl logs --timestamps --all-containers <pod of {c}>"),
        },
        Need::Object(kind) if kind == "webhook" => String::from(
            "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations -o yaml",
        ),
        Need::Object(kind) if kind == "secret" => String::from("kubectl get secrets -A"),
        Need::Object(kind) | Need::Spec(kind) => format!("kubectl get {kind} -A -o yaml"),
        Need::Events => String::from("kubectl get events -A -o json"),
        Need::Processes => String::from("ps -eo pid,ppid,lstart,etime,stat,wchan:32,args"),
        Need::Goroutines(c) => match c.as_str() {
            "dockerd" | "containerd" => {
                format!("kill -USR1 $(pidof {c})   # the dump is written beside the log")
            }
            "kubelet" => String::from(
                "kubectl get --raw '/api/v1/nodes/<node>/proxy/debug/pprof/goroutine?debug=2'",
            ),
            c => format!(
                "curl -s 'http://127.0.0.1:<pprof port of {c}>/debug/pprof/goroutine?debug=2'"
            ),
        },
        Need::Certificates => String::from(
            "for f in /etc/kubernetes/pki/*.crt; do openssl x509 -noout -subject -issuer -dates -in \"$f\"; done",
        ),
        Need::Audit => String::from("cat /var/log/kubernetes/audit/audit*.log"),
        Need::Host(c) => match c.as_str() {
            "resolv.conf" => String::from("cat /etc/resolv.conf"),
            "ls" => String::from("ls -l /etc/cni/net.d /opt/cni/bin"),
            "busctl" => String::from("timeout 10 busctl tree org.freedesktop.systemd1"),
            "df" => String::from("df -h; df -i"),
            c => c.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_with_plain_words_only() {
        let keys = |pairs: &[(&str, &str)]| -> Keys {
            pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect()
        };
        let command = "kubectl -n <namespace> describe pod <pod> < /dev/null; grep <x>";
        assert_eq!(
            filled(
                command,
                &keys(&[("namespace", "shop"), ("pod", "shop/web-1")])
            ),
            "kubectl -n shop describe pod web-1 < /dev/null; grep <x>"
        );
        assert_eq!(
            filled(command, &keys(&[("pod", "shop/web-1")])),
            "kubectl -n shop describe pod web-1 < /dev/null; grep <x>"
        );
        for hostile in [
            "a;reboot", "$(id)", "`id`", "-o/etc/x", "a b", "a'b", "a\nb", "",
        ] {
            assert_eq!(
                filled("grep <x>", &keys(&[("x", hostile)])),
                "grep <x>",
                "{hostile}"
            );
        }
    }
}
