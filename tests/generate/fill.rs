//! Fills the places of a message.

use std::io::{self, Write};

use super::messages::Message;
use super::random::Random;
use super::time::Time;

/// Namespaces of the cluster.
pub(crate) const NAMESPACES: [&str; 7] = [
    "shop",
    "shop-staging",
    "kube-system",
    "monitoring",
    "ingress-nginx",
    "team-b",
    "logging",
];
const WORKLOADS: [&str; 9] = [
    "web", "cart", "checkout", "search", "cache", "frontend", "reporter", "coredns", "mailer",
];
const AGENTS: [&str; 7] = [
    "kube-controller-manager/v1.20.2 (linux/amd64) kubernetes/faecb19/leader-election",
    "kube-controller-manager/v1.20.2 (linux/amd64) kubernetes/faecb19/system:serviceaccount:kube-system:generic-garbage-collector",
    "kube-scheduler/v1.20.2 (linux/amd64) kubernetes/faecb19/leader-election",
    "kubelet/v1.20.2 (linux/amd64) kubernetes/faecb19",
    "kubectl/v1.20.2 (linux/amd64) kubernetes/faecb19",
    "Prometheus/2.26.0",
    "coredns/v0.0.0 (linux/amd64) kubernetes/$Format",
];
const PATHS: [&str; 9] = [
    "/api/v1/nodes?limit=500",
    "/api/v1/pods?fieldSelector=spec.nodeName%3Dnode1&limit=500",
    "/apis/apps/v1/deployments?allowWatchBookmarks=true",
    "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler?timeout=10s",
    "/apis/apiregistration.k8s.io/v1/apiservices?timeout=32s",
    "/apis/batch/v1beta1/cronjobs?limit=500",
    "/readyz?timeout=10s",
    "/api/v1/namespaces/default/services/kubernetes?timeout=10s",
    "/apis/rbac.authorization.k8s.io/v1?timeout=32s",
];

/// A message, chosen by weight.
pub(crate) fn choose(random: &mut Random, table: &'static [Message]) -> &'static Message {
    let total: u32 = table.iter().map(|m| m.0).sum();
    let mut at = random.below(u64::from(total));
    for message in table {
        if at < u64::from(message.0) {
            return message;
        }
        at -= u64::from(message.0);
    }
    &table[0]
}

/// Appends `text` with its places filled.
pub(crate) fn fill(
    out: &mut Vec<u8>,
    text: &str,
    random: &mut Random,
    time: Time,
    node: &str,
) -> io::Result<()> {
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        let place = rest.as_bytes().get(at + 1).copied().unwrap_or(b' ');
        rest = rest.get(at + 2..).unwrap_or_default();
        match place {
            b'P' => {
                out.extend_from_slice(random.pick(&NAMESPACES).as_bytes());
                out.push(b'/');
                pod(out, random)?;
            }
            b'p' => pod(out, random)?,
            b'n' => out.extend_from_slice(random.pick(&NAMESPACES).as_bytes()),
            b'N' => out.extend_from_slice(node.as_bytes()),
            b'u' => uid(out, random)?,
            b'h' => {
                for _ in 0..4 {
                    write!(out, "{:016x}", random.next())?;
                }
            }
            b'a' => write!(out, "10.244.{}.{}", random.below(8), 2 + random.below(250))?,
            // The clients of the API server are a few pods, each with an address of its own.
            b'w' => write!(out, "10.244.{}.{}", random.below(8), 2 + random.below(3))?,
            b'o' => write!(out, "{}", 32768 + random.below(28000))?,
            b'd' => write!(out, "{}", random.below(60))?,
            b'D' => write!(out, "{}", 100_000 + random.below(9_000_000))?,
            b'l' => write!(out, "{}.{:03}ms", random.below(40), random.below(1000))?,
            b'A' => out.extend_from_slice(random.pick(&AGENTS).as_bytes()),
            b'R' => out.extend_from_slice(random.pick(&PATHS).as_bytes()),
            b't' => time.micros(out)?,
            b'c' => write!(out, "04:05:06.{:09}", random.below(1_000_000_000))?,
            other => out.extend_from_slice(&[b'$', other]),
        }
    }
    out.extend_from_slice(rest.as_bytes());
    Ok(())
}

fn pod(out: &mut Vec<u8>, random: &mut Random) -> io::Result<()> {
    // A cluster has some hundreds of pods, not a new one on every line.
    let which = random.below(400);
    let name = WORKLOADS[usize::try_from(which % 9).unwrap_or(0)];
    write!(
        out,
        "{name}-{:08x}-{:05x}",
        0x6584_6786 ^ (which / 9),
        0x2_4f11 + which * 7919 % 0xf_ffff
    )
}

/// A uid.
pub(crate) fn uid(out: &mut Vec<u8>, random: &mut Random) -> io::Result<()> {
    let (a, b) = (random.next(), random.next());
    write!(
        out,
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        a >> 32,
        a & 0xffff,
        a >> 16 & 0xfff,
        b >> 48 & 0xfff,
        b & 0xffff_ffff_ffff
    )
}
