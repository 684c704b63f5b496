//! The faults, as the lines that components print about them, and the wrappings that lines come in.

use chrono::{DateTime, FixedOffset};

/// 2026-03-02T12:00:00Z.
pub(super) const NOON: i64 = 1_772_452_800;

/// One line of a program.
pub(super) struct Entry {
    /// When: seconds since 1970.
    pub(super) at: i64,
    /// Program, as a journal names it.
    pub(super) who: &'static str,
    /// What it prints behind its header.
    pub(super) text: Text,
}

/// What a program prints.
pub(super) enum Text {
    /// Level and caller, message.
    Klog(&'static str, String),
    /// Level, and the fields behind it.
    Logfmt(&'static str, String),
}

/// A zone, in hours east of UTC.
#[derive(Clone, Copy)]
pub(super) struct Zone(pub(super) i32);

impl Zone {
    fn format(self, at: i64, pattern: &str) -> String {
        let zone = FixedOffset::east_opt(self.0 * 3600).unwrap();
        DateTime::from_timestamp(at, 0)
            .unwrap()
            .with_timezone(&zone)
            .format(pattern)
            .to_string()
    }

    /// The program's own line: klog without year and zone, logfmt with its offset.
    pub(super) fn plain(self, entry: &Entry) -> String {
        match &entry.text {
            Text::Klog(head, message) => {
                let (level, caller) = head.split_at(1);
                format!(
                    "{level}{}.284210    3186 {}] {message}",
                    self.format(entry.at, "%m%d %H:%M:%S"),
                    caller.trim_start()
                )
            }
            Text::Logfmt(level, rest) => {
                format!(
                    "time=\"{}\" level={level} {rest}",
                    self.format(entry.at, "%Y-%m-%dT%H:%M:%S.284210123%:z")
                )
            }
        }
    }

    /// `journalctl` short: no year, no zone.
    pub(super) fn journal(self, host: &str, entry: &Entry) -> String {
        let stamp = self.format(entry.at, "%b %d %H:%M:%S");
        format!(
            "{stamp} {host} {}[3186]: {}\n",
            entry.who,
            self.plain(entry)
        )
    }

    /// `journalctl -o short-precise`.
    pub(super) fn precise(self, host: &str, entry: &Entry) -> String {
        let stamp = self.format(entry.at, "%b %d %H:%M:%S.284300");
        format!(
            "{stamp} {host} {}[3186]: {}\n",
            entry.who,
            self.plain(entry)
        )
    }

    /// A file below `/var/log/pods`.
    pub(super) fn cri(self, entry: &Entry) -> String {
        let stamp = self
            .format(entry.at, "%Y-%m-%dT%H:%M:%S.284300123%:z")
            .replace("+00:00", "Z");
        format!("{stamp} stderr F {}\n", self.plain(entry))
    }

    /// A plain file.
    pub(super) fn line(self, entry: &Entry) -> String {
        format!("{}\n", self.plain(entry))
    }

    /// The output of `date`.
    pub(super) fn date(self, at: i64, abbreviation: &str) -> String {
        self.format(at, &format!("%a %b %e %H:%M:%S {abbreviation} %Y\n"))
    }
}

/// A kubelet that waits for a network from `from` on, for five minutes; a runtime that says why.
pub(super) fn no_cni(node: &str, from: i64) -> Vec<Entry> {
    let klog = |at, caller, message: &str| Entry {
        at,
        who: "kubelet",
        text: Text::Klog(caller, message.to_owned()),
    };
    let mut entries = vec![
        klog(
            from - 60,
            "I server.go:440",
            r#""Kubelet version" kubeletVersion="v1.27.9""#,
        ),
        klog(
            from - 58,
            "I kubelet_node_status.go:70",
            &format!(r#""Attempting to register node" node="{node}""#),
        ),
        klog(
            from - 57,
            "I kubelet_node_status.go:73",
            &format!(r#""Successfully registered node" node="{node}""#),
        ),
        klog(
            from,
            "I setters.go:552",
            &format!(
                r#""Node became not ready" node="{node}" condition={{"type":"Ready","status":"False","reason":"KubeletNotReady","message":"container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: No CNI configuration file in /etc/kubernetes/cni/net.d/. Has your network provider started?"}}"#
            ),
        ),
    ];
    for step in 0..60 {
        let at = from + 5 * step;
        entries.push(klog(
            at,
            "E kubelet.go:2902",
            r#""Container runtime network not ready" networkReady="NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: No CNI configuration file in /etc/kubernetes/cni/net.d/. Has your network provider started?""#,
        ));
        if step % 4 == 0 {
            entries.push(klog(
                at + 1,
                "I kubelet_getters.go:187",
                r#""Pod status updated" pod="kube-system/kube-proxy-x7v2k" status="Running""#,
            ));
        }
    }
    entries
}

/// The one line of a runtime whose stamp carries its offset.
pub(super) fn runtime_start(at: i64) -> Entry {
    let rest = r#"msg="Start cni network conf syncer for default""#;
    Entry {
        at,
        who: "containerd",
        text: Text::Logfmt("info", rest.to_owned()),
    }
}

/// A registry that refuses the image of one pod, tried again every 40 seconds.
pub(super) fn registry_refuses(pod: &str, image: &str, from: i64) -> Vec<Entry> {
    let (host, rest) = image.split_once('/').unwrap();
    let (name, tag) = rest.split_once(':').unwrap();
    let refusal = format!(
        r#"failed to pull and unpack image \"{image}\": failed to resolve reference \"{image}\": failed to do request: Head \"https://{host}/v2/{name}/manifests/{tag}\": dial tcp 192.0.2.7:443: connect: connection refused"#
    );
    let mut entries = Vec::new();
    for step in 0..5 {
        let at = from + 40 * step;
        entries.push(Entry {
            at: at - 1,
            who: "containerd",
            text: Text::Logfmt("info", format!(r#"msg="PullImage \"{image}\"""#)),
        });
        entries.push(Entry {
            at,
            who: "containerd",
            text: Text::Logfmt(
                "error",
                format!(r#"msg="PullImage \"{image}\" failed" error="{refusal}""#),
            ),
        });
        entries.push(Entry {
            at,
            who: "kubelet",
            text: Text::Klog(
                "E log.go:32",
                format!(r#""PullImage from image service failed" err="rpc error: code = Unknown desc = {refusal}" image="{image}""#),
            ),
        });
        entries.push(Entry {
            at: at + 2,
            who: "kubelet",
            text: Text::Klog(
                "E pod_workers.go:1301",
                format!(
                    r#""Error syncing pod, skipping" err="failed to \"StartContainer\" for \"app\" with ImagePullBackOff: \"Back-off pulling image \\\"{image}\\\"\"" pod="{pod}" podUID="4f3c0a52-6a1e-4a55-9c1b-1f5b6a0d6c11""#
                ),
            ),
        });
    }
    entries
}

/// An API server that cannot call an admission webhook: its certificate ended at noon.
pub(super) fn webhook_expired(webhook: &str, from: i64) -> Vec<Entry> {
    (0..20)
        .map(|step| {
            let at = from + 10 * step;
            let now = Zone(0).format(at, "%Y-%m-%dT%H:%M:%SZ");
            let text = format!(
                r#"Failed calling webhook, failing closed {webhook}: failed calling webhook "{webhook}": Post "https://policy.guard.svc:443/validate?timeout=10s": x509: certificate has expired or is not yet valid: current time {now} is after 2026-03-02T12:00:00Z"#
            );
            Entry { at, who: "kube-apiserver", text: Text::Klog("W dispatcher.go:134", text) }
        })
        .collect()
}

/// A controller manager that cannot delete a namespace because an aggregated API does not answer.
pub(super) fn discovery_incomplete(namespace: &str, from: i64) -> Vec<Entry> {
    (0..12)
        .map(|step| Entry {
            at: from + 20 * step,
            who: "kube-controller-manager",
            text: Text::Klog(
                "E namespace_controller.go:162",
                format!(
                    "deletion of namespace {namespace} failed: unable to retrieve the complete list of server APIs: metrics.k8s.io/v1beta1: the server is currently unable to handle the request"
                ),
            ),
        })
        .collect()
}

/// `kubectl get apiservice`.
pub(super) const APISERVICES: &str = "\
NAME                     SERVICE                      AVAILABLE                  AGE
v1.                      Local                        True                       41d
v1.apps                  Local                        True                       41d
v1beta1.metrics.k8s.io   kube-system/metrics-server   False (MissingEndpoints)   41d
";

/// `kubectl get ns`.
pub(super) const NAMESPACES: &str = "\
NAME              STATUS        AGE
default           Active        41d
kube-system       Active        41d
payments          Terminating   12d
";

/// Lines of several programs in one text.
pub(super) fn text(entries: &[Entry], wrap: impl Fn(&Entry) -> String) -> String {
    let mut sorted: Vec<&Entry> = entries.iter().collect();
    sorted.sort_by_key(|e| e.at);
    sorted.into_iter().map(wrap).collect()
}

/// Only the lines of one program.
pub(super) fn of(entries: Vec<Entry>, who: &str) -> Vec<Entry> {
    entries.into_iter().filter(|e| e.who == who).collect()
}
