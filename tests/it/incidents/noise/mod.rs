//! The ordinary lines around the evidence: what components of these versions print in healthy clusters.
//!
//! The tables of Kubernetes 1.20 come from the generator of large bundles; those of older versions and of cloud and
//! mesh components stand here, in the same notation.

mod control_plane;
#[path = "../../../generate/fill.rs"]
mod fill;
#[path = "../../../generate/messages.rs"]
#[expect(dead_code, reason = "the generator of large bundles uses all tables")]
mod messages;
mod nodes;
#[path = "../../../generate/random.rs"]
mod random;
#[path = "../../../generate/time.rs"]
#[expect(
    dead_code,
    reason = "the generator of large bundles uses all notations"
)]
mod time;

use super::moment::Moment;
use super::scenario::Style;
use messages::Message;
pub(crate) use random::Random;

/// One ordinary line of a kind, without header and wrapping.
pub fn chatter(kind: &str, style: Style, random: &mut Random, at: Moment, host: &str) -> String {
    let table = table(kind);
    let message = fill::choose(random, table);
    let time = time::Time {
        ns: (at.timestamp().unsigned_abs() % 86_400) * time::SECOND,
        ahead: 8 * 3600,
    };
    let mut out = Vec::new();
    fill::fill(&mut out, message.3, random, time, host).expect("writing into memory");
    let text =
        String::from_utf8_lossy(&out).replace("2026-11-20", &at.format("%Y-%m-%d").to_string());
    let (level, caller) = (message.1, message.2);
    match style {
        Style::Klog => format!("{level} {caller}] {text}"),
        Style::Logfmt | Style::Istio => {
            let word = match level {
                'W' if style == Style::Logfmt => "warning",
                'W' => "warn",
                'E' => "error",
                'D' => "debug",
                _ => "info",
            };
            format!(
                "{word}{}{text}",
                if style == Style::Istio { "\t" } else { " " }
            )
        }
        Style::Syslog => format!("{caller}: {text}"),
        Style::Plain => text
            .replace("@slash", &at.format("%Y/%m/%d %H:%M:%S").to_string())
            .replace("@local", &at.format("%Y-%m-%d %H:%M:%S").to_string()),
    }
}

fn table(kind: &str) -> &'static [Message] {
    match kind {
        "apiserver" => messages::APISERVER,
        "kcm" => messages::CONTROLLER_MANAGER,
        "scheduler" => messages::SCHEDULER,
        "kubelet" => messages::KUBELET,
        "containerd" => messages::CONTAINERD,
        "messages" => messages::MESSAGES,
        "apiserver-1.12" => control_plane::APISERVER_112,
        "kcm-1.12" => control_plane::CONTROLLER_MANAGER_112,
        "scheduler-1.12" => control_plane::SCHEDULER_112,
        "kubelet-1.12" => control_plane::KUBELET_112,
        "kubelet-1.27" => control_plane::KUBELET_127,
        "crio" => nodes::CRIO,
        "dockerd" => nodes::DOCKERD,
        "ccm" => nodes::CLOUD_CONTROLLER,
        "terway" => nodes::TERWAY,
        "cni" => nodes::CNI,
        "kubefed" => nodes::KUBEFED,
        "istio-proxy" => nodes::ISTIO_PROXY,
        "pilot" => nodes::PILOT,
        "citadel" => nodes::CITADEL,
        "autoscaler" => nodes::AUTOSCALER,
        "kube-proxy" => nodes::KUBE_PROXY,
        "journal" => nodes::JOURNAL,
        other => panic!("no noise of kind {other:?}"),
    }
}
