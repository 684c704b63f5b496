//! The logs: which there are, how large, and their lines.

use std::io::{self, Write};

use super::Plan;
use super::fill::{choose, fill, uid};
use super::messages::{self, Message};
use super::random::Random;
use super::time::{SECOND, SPAN, START, Time};

/// Largest log; what is more goes into rotated files before it.
const ROTATE: u64 = 64 << 20;

/// What a log's lines look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// klog of the API server in CRI.
    ApiserverCri,
    /// klog JSON of the API server.
    ApiserverJson,
    /// klog of the controller manager in CRI.
    ControllerManagerCri,
    /// klog of the scheduler, bare.
    SchedulerKlog,
    /// kubelet in journald short.
    KubeletJournal,
    /// kubelet in CRI.
    KubeletCri,
    /// containerd logfmt in journald short.
    ContainerdJournal,
    /// containerd logfmt, bare.
    ContainerdLogfmt,
    /// etcd JSON in CRI.
    EtcdJson,
    /// etcd 3.4, bare.
    EtcdCapnslog,
    /// API audit log.
    Audit,
    /// `/var/log/messages`.
    Messages,
    /// docker json-file of applications.
    Docker,
}

impl Format {
    /// Every format.
    pub(crate) const ALL: [Self; 13] = [
        Self::ApiserverCri,
        Self::ApiserverJson,
        Self::ControllerManagerCri,
        Self::SchedulerKlog,
        Self::KubeletJournal,
        Self::KubeletCri,
        Self::ContainerdJournal,
        Self::ContainerdLogfmt,
        Self::EtcdJson,
        Self::EtcdCapnslog,
        Self::Audit,
        Self::Messages,
        Self::Docker,
    ];
}

/// Share in a thousand, format, node (`cp` on the control plane), path.
const MIX: [(u64, Format, &str, &str); 25] = [
    (
        150,
        Format::ApiserverCri,
        "cp1",
        "nodes/cp1/pods/kube-system_kube-apiserver-cp1_0f2e/kube-apiserver/0.log",
    ),
    (
        90,
        Format::ApiserverCri,
        "cp2",
        "nodes/cp2/pods/kube-system_kube-apiserver-cp2_1f2e/kube-apiserver/0.log",
    ),
    (
        40,
        Format::ApiserverJson,
        "cp3",
        "nodes/cp3/pods/kube-apiserver.log",
    ),
    (110, Format::Audit, "cp1", "nodes/cp1/audit/audit.log"),
    (80, Format::Audit, "cp2", "nodes/cp2/audit/audit.log"),
    (60, Format::Audit, "cp3", "nodes/cp3/audit/audit.log"),
    (
        80,
        Format::ControllerManagerCri,
        "cp1",
        "nodes/cp1/pods/kube-system_kube-controller-manager-cp1_2f2e/kube-controller-manager/0.log",
    ),
    (
        10,
        Format::ControllerManagerCri,
        "cp2",
        "nodes/cp2/pods/kube-system_kube-controller-manager-cp2_3f2e/kube-controller-manager/0.log",
    ),
    (
        15,
        Format::SchedulerKlog,
        "cp1",
        "nodes/cp1/logs/kube-scheduler.log",
    ),
    (
        50,
        Format::KubeletJournal,
        "node1",
        "nodes/node1/journal/kubelet.log",
    ),
    (
        40,
        Format::KubeletJournal,
        "node2",
        "nodes/node2/journal/kubelet.log",
    ),
    (
        30,
        Format::KubeletJournal,
        "cp1",
        "nodes/cp1/journal/kubelet.log",
    ),
    (
        20,
        Format::KubeletCri,
        "node3",
        "nodes/node3/pods/kubelet.log",
    ),
    (
        20,
        Format::ContainerdJournal,
        "node1",
        "nodes/node1/journal/containerd.log",
    ),
    (
        20,
        Format::ContainerdJournal,
        "node2",
        "nodes/node2/journal/containerd.log",
    ),
    (
        15,
        Format::ContainerdLogfmt,
        "node3",
        "nodes/node3/logs/containerd.log",
    ),
    (
        30,
        Format::EtcdJson,
        "cp1",
        "nodes/cp1/pods/kube-system_etcd-cp1_4f2e/etcd/0.log",
    ),
    (
        20,
        Format::EtcdJson,
        "cp2",
        "nodes/cp2/pods/kube-system_etcd-cp2_5f2e/etcd/0.log",
    ),
    (15, Format::EtcdCapnslog, "cp3", "nodes/cp3/logs/etcd.log"),
    (20, Format::Messages, "node1", "nodes/node1/host/messages"),
    (20, Format::Messages, "node2", "nodes/node2/host/messages"),
    (15, Format::Messages, "cp1", "nodes/cp1/host/messages"),
    (
        30,
        Format::Docker,
        "node1",
        "nodes/node1/docker/shop-web-json.log",
    ),
    (
        10,
        Format::Docker,
        "node2",
        "nodes/node2/docker/shop-cart-json.log",
    ),
    (
        10,
        Format::Docker,
        "node2",
        "nodes/node2/docker/shop-search-json.log",
    ),
];

/// One log file.
pub(crate) struct Stream {
    /// Its path in the bundle.
    pub(crate) path: String,
    format: Format,
    node: &'static str,
    bytes: u64,
    number: u64,
    begin: u64,
    end: u64,
}

/// The logs of a bundle.
pub(crate) fn files(plan: &Plan) -> Vec<Stream> {
    let mut files = Vec::new();
    for (share, format, node, path) in MIX {
        let bytes = plan.bytes.saturating_mul(share) / 1000;
        let parts = bytes.div_ceil(ROTATE).max(1);
        for part in 0..parts {
            let older = parts - 1 - part;
            files.push(Stream {
                path: if older == 0 {
                    path.to_owned()
                } else {
                    format!("{path}.{older}")
                },
                format,
                node,
                bytes: bytes / parts,
                number: files.len() as u64 + 1,
                begin: START + SPAN * part / parts,
                end: START + SPAN * (part + 1) / parts,
            });
        }
    }
    files
}

impl Stream {
    /// A log that belongs to no bundle.
    pub(crate) fn alone(format: Format, bytes: u64) -> Self {
        Self {
            path: String::new(),
            format,
            node: "node1",
            bytes,
            number: 0,
            begin: START,
            end: START + SPAN,
        }
    }

    /// Writes its lines.
    pub(crate) fn write(&self, plan: &Plan, out: &mut Vec<u8>) -> io::Result<()> {
        let mut random = Random::of(plan.seed, self.number);
        let mut incident = Incident::of(self.format, plan.incident, self.node, self.begin);
        let ahead = if plan.local { 8 * 3600 } else { 0 };
        let mut last = self.begin;
        while (out.len() as u64) < self.bytes {
            // Millionths are fine enough, and the product stays small.
            let written = out.len() as u64 * 1_000_000 / self.bytes.max(1);
            let share = (self.end - self.begin) / 1_000_000 * written;
            last = (self.begin + share + random.below(SECOND / 50)).max(last);
            let time = Time { ns: last, ahead };
            if let Some(message) = incident.due(last) {
                self.line(message, &mut random, time, out)?;
            }
            self.line(choose(&mut random, self.table()), &mut random, time, out)?;
        }
        Ok(())
    }

    fn table(&self) -> &'static [Message] {
        match self.format {
            Format::ApiserverCri | Format::ApiserverJson | Format::Audit => messages::APISERVER,
            Format::ControllerManagerCri => messages::CONTROLLER_MANAGER,
            Format::SchedulerKlog => messages::SCHEDULER,
            Format::KubeletJournal | Format::KubeletCri => messages::KUBELET,
            Format::ContainerdJournal | Format::ContainerdLogfmt => messages::CONTAINERD,
            Format::EtcdJson => messages::ETCD,
            Format::EtcdCapnslog => messages::CAPNSLOG,
            Format::Messages => messages::MESSAGES,
            Format::Docker => messages::APPLICATION,
        }
    }

    fn line(
        &self,
        message: &Message,
        random: &mut Random,
        time: Time,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        match self.format {
            Format::ApiserverCri => self.cri(1, message, random, time, out),
            Format::ControllerManagerCri => self.cri(93, message, random, time, out),
            Format::KubeletCri => self.cri(86, message, random, time, out),
            Format::SchedulerKlog => self.klog(103, message, random, time, out),
            Format::KubeletJournal => {
                self.journal("kubelet[861]", time, out)?;
                self.klog(861, message, random, time, out)
            }
            Format::ContainerdJournal => {
                self.journal("containerd[652]", time, out)?;
                self.logfmt(message, random, time, out)
            }
            Format::ContainerdLogfmt => self.logfmt(message, random, time, out),
            Format::EtcdJson => {
                time.nanos(out)?;
                write!(
                    out,
                    " stderr F {{\"level\":\"{}\",\"ts\":\"",
                    word(message.1)
                )?;
                time.micros(out)?;
                write!(out, "\",\"caller\":\"{}\",", message.2)?;
                fill(out, message.3, random, time, self.node)?;
                out.write_all(b"}")
            }
            Format::EtcdCapnslog => {
                time.capnslog(out)?;
                write!(out, " {} | {}: ", message.1, message.2)?;
                fill(out, message.3, random, time, self.node)
            }
            Format::ApiserverJson => self.klog_json(message, random, time, out),
            Format::Audit => audit(random, time, out),
            Format::Messages => {
                time.short(out)?;
                write!(out, " {} ", self.node)?;
                fill(out, message.2, random, time, self.node)?;
                out.write_all(b": ")?;
                fill(out, message.3, random, time, self.node)
            }
            Format::Docker => {
                out.write_all(b"{\"log\":\"")?;
                fill(out, message.3, random, time, self.node)?;
                let stream = if message.1 == 'E' { "stderr" } else { "stdout" };
                write!(out, "\\n\",\"stream\":\"{stream}\",\"time\":\"")?;
                time.nanos(out)?;
                out.write_all(b"\"}")
            }
        }?;
        out.push(b'\n');
        Ok(())
    }

    fn cri(
        &self,
        pid: u32,
        message: &Message,
        random: &mut Random,
        time: Time,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        time.nanos(out)?;
        out.write_all(b" stderr F ")?;
        self.klog(pid, message, random, time, out)
    }

    fn journal(&self, program: &str, time: Time, out: &mut Vec<u8>) -> io::Result<()> {
        time.short(out)?;
        write!(out, " {} {program}: ", self.node)
    }

    fn klog(
        &self,
        pid: u32,
        message: &Message,
        random: &mut Random,
        time: Time,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        write!(out, "{}", message.1)?;
        time.klog(out)?;
        write!(out, " {pid:7} {}] ", message.2)?;
        fill(out, message.3, random, time, self.node)
    }

    fn logfmt(
        &self,
        message: &Message,
        random: &mut Random,
        time: Time,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        out.write_all(b"time=\"")?;
        time.nanos(out)?;
        write!(
            out,
            "\" level={} ",
            if message.1 == 'W' {
                "warning"
            } else {
                word(message.1)
            }
        )?;
        fill(out, message.3, random, time, self.node)
    }

    fn klog_json(
        &self,
        message: &Message,
        random: &mut Random,
        time: Time,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        let mut text = Vec::new();
        fill(&mut text, message.3, random, time, self.node)?;
        let text = String::from_utf8_lossy(&text);
        let text = text.replace('\\', "\\\\").replace('"', "\\\"");
        write!(
            out,
            "{{\"ts\":{}.{:03},\"caller\":\"{}\",\"msg\":\"{text}\"",
            time.epoch_millis(),
            random.below(1000),
            message.2
        )?;
        out.write_all(if message.1 == 'E' {
            b",\"err\":\"x\"}"
        } else {
            b",\"v\":2}"
        })
    }
}

fn word(level: char) -> &'static str {
    match level {
        'D' => "debug",
        'W' => "warn",
        'E' => "error",
        _ => "info",
    }
}

/// Requests of an audit log: verb, path, object. Reads and heartbeats outweigh what changes something.
const AUDITED: [(&str, &str, &str); 12] = [
    (
        "get",
        "$R",
        r#""resource":"pods","namespace":"$n","name":"$p""#,
    ),
    ("list", "$R", r#""resource":"pods","namespace":"$n""#),
    (
        "watch",
        "$R&watch=true",
        r#""resource":"configmaps","namespace":"$n""#,
    ),
    (
        "get",
        "/api/v1/namespaces/$n/configmaps/$p",
        r#""resource":"configmaps","namespace":"$n","name":"$p""#,
    ),
    (
        "update",
        "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/$N?timeout=10s",
        r#""resource":"leases","namespace":"kube-node-lease","name":"$N","apiGroup":"coordination.k8s.io""#,
    ),
    (
        "update",
        "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler?timeout=5s",
        r#""resource":"leases","namespace":"kube-system","name":"kube-scheduler","apiGroup":"coordination.k8s.io""#,
    ),
    (
        "update",
        "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-controller-manager?timeout=5s",
        r#""resource":"leases","namespace":"kube-system","name":"kube-controller-manager","apiGroup":"coordination.k8s.io""#,
    ),
    (
        "patch",
        "/api/v1/namespaces/$n/pods/$p/status",
        r#""resource":"pods","namespace":"$n","name":"$p","subresource":"status""#,
    ),
    (
        "create",
        "/api/v1/namespaces/$n/events",
        r#""resource":"events","namespace":"$n","name":"$p""#,
    ),
    (
        "patch",
        "/api/v1/nodes/$N/status?timeout=10s",
        r#""resource":"nodes","name":"$N","subresource":"status""#,
    ),
    (
        "update",
        "/api/v1/namespaces/$n/endpoints/web",
        r#""resource":"endpoints","namespace":"$n","name":"web""#,
    ),
    (
        "update",
        "/apis/apps/v1/namespaces/$n/deployments/web",
        r#""resource":"deployments","namespace":"$n","name":"web","apiGroup":"apps""#,
    ),
];

fn audit(random: &mut Random, time: Time, out: &mut Vec<u8>) -> io::Result<()> {
    out.write_all(b"{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"level\":\"Metadata\",\"auditID\":\"")?;
    uid(out, random)?;
    let (verb, uri, object) = random.pick(&AUDITED);
    let code = if random.below(100) == 0 { 409 } else { 200 };
    let request = format!(
        "\",\"stage\":\"ResponseComplete\",\"requestURI\":\"{uri}\",\"verb\":\"{verb}\",\"user\":{{\"username\":\"system:serviceaccount:$n:default\",\"uid\":\"$u\",\"groups\":[\"system:serviceaccounts\",\"system:authenticated\"]}},\"sourceIPs\":[\"$w\"],\"userAgent\":\"$A\",\"objectRef\":{{{object},\"apiVersion\":\"v1\"}},\"responseStatus\":{{\"metadata\":{{}},\"code\":{code}}},\"requestReceivedTimestamp\":\"$t\",\"stageTimestamp\":\"$t\",\"annotations\":{{\"authorization.k8s.io/decision\":\"allow\",\"authorization.k8s.io/reason\":\"\"}}}}"
    );
    fill(out, &request, random, time, "node1")
}

/// The lines of the planted incident in one log.
struct Incident {
    message: Option<&'static Message>,
    every: u64,
    next: u64,
}

/// When the endpoints are gone.
pub(crate) const BROKEN: u64 = START + SPAN / 10 * 7;

const OPENAPI: Message = (
    0,
    'E',
    "controller.go:116",
    r#"loading OpenAPI spec for "v1beta1.metrics.k8s.io" failed with: failed to retrieve openAPI spec, http error: ResponseCode: 503, Body: service unavailable"#,
);
const DELETION: Message = (
    0,
    'E',
    "namespace_controller.go:162",
    "deletion of namespace team-a failed: unable to retrieve the complete list of server APIs: metrics.k8s.io/v1beta1: the server is currently unable to handle the request",
);

impl Incident {
    fn of(format: Format, planted: bool, node: &str, begin: u64) -> Self {
        let (message, every) = match format {
            Format::ApiserverCri => (Some(&OPENAPI), 60 * SECOND),
            Format::ControllerManagerCri if node == "cp1" => (Some(&DELETION), 300 * SECOND),
            _ => (None, SECOND),
        };
        // The namespace is deleted a minute after.
        let first = BROKEN + if every > 60 * SECOND { 60 * SECOND } else { 0 };
        Self {
            message: message.filter(|_| planted),
            every,
            next: first.max(begin),
        }
    }

    fn due(&mut self, now: u64) -> Option<&'static Message> {
        let message = self.message?;
        (now >= self.next).then(|| {
            self.next = self.next.max(now).saturating_add(self.every);
            message
        })
    }
}
