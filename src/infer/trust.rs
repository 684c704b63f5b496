//! Who trusts whom: a certificate that is served, against the authorities that the side has which must verify it.
//!
//! A webhook's `caBundle`, an `APIService`'s, the authority in a kubeconfig; against the certificates in Secrets and files
//! whose names say that they are served there (`hook.shop.svc`, `kubernetes.default.svc`). Compared by key identifiers
//! where both sides have them: an authority that was made anew keeps its name.

use std::collections::{BTreeMap, BTreeSet};

use super::Task;
use super::certificate::{certificates, instant, issuer, judged_at, subject};
use super::support::{machine, quote, value};
use crate::base::time::{SECOND, Stamp};
use crate::model::{Component, Entity, Fact, FactId, Keys, SourceId, StateLine};

/// Longest chain of authorities followed.
const DEPTH: usize = 5;

/// One certificate of the bundle.
#[derive(Clone, Copy)]
struct Cert<'a> {
    source: SourceId,
    line: &'a StateLine,
    subject: &'a str,
    issuer: &'a str,
    key: Option<&'a str>,
    signer_key: Option<&'a str>,
}

impl<'a> Cert<'a> {
    fn of(source: SourceId, line: &'a StateLine) -> Option<Self> {
        let (subject, issuer) = (subject(&line.text)?, issuer(&line.text)?);
        let key = value(line, "key");
        // An authority that signs itself often leaves out whose key that was: Go's do, and so kubeadm's.
        let own = || key.filter(|_| subject == issuer);
        Some(Self {
            source,
            line,
            subject,
            issuer,
            key,
            signer_key: value(line, "signerKey").or_else(own),
        })
    }

    fn is(&self, other: &Self) -> bool {
        match (self.key, other.key) {
            (Some(a), Some(b)) => a == b && self.subject == other.subject,
            _ => self.line.text == other.line.text,
        }
    }

    fn signed_by(&self, authority: &Self) -> bool {
        self.issuer == authority.subject
            && match (self.signer_key, authority.key) {
                (Some(a), Some(b)) => a == b,
                _ => true,
            }
    }

    fn names(&self, host: &str) -> bool {
        self.line.entity.name() == host
            || value(self.line, "sans").is_some_and(|s| s.split(',').any(|n| n == host))
    }
}

/// Whom one side trusts.
struct Side<'a> {
    owner: &'a Entity,
    trust: Vec<Cert<'a>>,
}

pub(super) fn infer(task: &Task<'_>) -> Vec<Fact> {
    let all: Vec<Cert<'_>> = certificates(task)
        .filter_map(|(id, line)| Cert::of(id, line))
        .collect();
    sides(task, &all)
        .iter()
        .filter_map(|side| judge(task, side, &all))
        .collect()
}

/// Everything in the bundle that verifies a server.
fn sides<'a>(task: &'a Task<'_>, all: &[Cert<'a>]) -> Vec<Side<'a>> {
    let mut sides: BTreeMap<(&Entity, SourceId), Vec<Cert<'a>>> = BTreeMap::new();
    for cert in all {
        // A kubeconfig holds the client's own certificate as well.
        if value(cert.line, "ca") == Some("false") {
            continue;
        }
        for (owner, place) in task.world.topology.neighbours(&cert.line.entity) {
            let here = place.source == cert.source && place.line == cert.line.line;
            if here && matches!(owner.kind(), "webhook" | "apiservice" | "kubeconfig") {
                sides.entry((owner, cert.source)).or_default().push(*cert);
            }
        }
    }
    sides
        .into_iter()
        .map(|((owner, _), trust)| Side { owner, trust })
        .collect()
}

fn judge(task: &Task<'_>, side: &Side<'_>, all: &[Cert<'_>]) -> Option<Fact> {
    let host = if side.owner.kind() == "kubeconfig" {
        String::from("kubernetes.default.svc")
    } else {
        let service = task
            .world
            .topology
            .walk(side.owner, &["service"])
            .into_iter()
            .next()?;
        let (namespace, name) = service.name().split_once('/')?;
        format!("{name}.{namespace}.svc")
    };
    let served: Vec<&Cert<'_>> = all.iter().filter(|c| c.names(&host)).collect();
    let judged: Vec<(&Cert<'_>, Option<bool>)> = served
        .iter()
        .map(|c| (*c, trusted(c, &side.trust, all)))
        .collect();
    // The bundle may hold an old copy: as long as one fits, or one is not known to fail, nothing is said.
    if judged.iter().any(|(_, t)| *t != Some(false)) {
        return None;
    }
    let leaf = judged.first()?.0;
    let trust = side.trust.first()?;
    let mut keys = machine(
        task.world
            .source(trust.source)
            .and_then(|s| s.scope.node.as_deref()),
    );
    let signer = if leaf.issuer == trust.subject {
        "another key of that name"
    } else {
        leaf.issuer
    };
    for (key, value) in [
        ("cn", leaf.line.entity.name()),
        ("side", side.owner.as_str()),
        ("sort", side.owner.kind()),
        (side.owner.kind(), side.owner.name()),
        ("host_name", host.as_str()),
        ("trusted", trust.subject),
        ("signer", signer),
    ] {
        keys.insert(key.to_owned(), value.to_owned());
    }
    let evidence = vec![
        quote(task.world, trust.source, trust.line),
        quote(task.world, leaf.source, leaf.line),
    ];
    task.fact(
        "certificate-trust",
        keys,
        Component::CERTIFICATE,
        evidence,
        Vec::new(),
    )
}

/// Whether the chain of a certificate ends at a trusted one; `None`: the bundle does not hold enough of it.
fn trusted(leaf: &Cert<'_>, trust: &[Cert<'_>], all: &[Cert<'_>]) -> Option<bool> {
    let mut at = *leaf;
    for _ in 0..DEPTH {
        if trust.iter().any(|t| at.is(t) || at.signed_by(t)) {
            return Some(true);
        }
        if at.issuer == at.subject {
            return Some(false);
        }
        match all.iter().find(|c| at.signed_by(c) && !at.is(c)) {
            Some(next) => at = *next,
            // Its authority is trusted by name, and that one has another key.
            None => {
                return trust
                    .iter()
                    .any(|t| t.subject == at.issuer)
                    .then_some(false);
            }
        }
    }
    None
}

/// The expired certificate that a server shows, for errors that do not name its end (before Kubernetes 1.19): the one
/// that is made out to the address, while no valid one is.
pub(super) fn served(task: &Task<'_>) -> Vec<Fact> {
    let Some(now) = judged_at(task) else {
        return Vec::new();
    };
    let expired: BTreeMap<(&str, &str), FactId> = task
        .facts(&["certificate/expired"])
        .filter_map(|(id, f)| Some(((f.entity.name(), f.key("not-after")?), id)))
        .collect();
    let all: Vec<Cert<'_>> = certificates(task)
        .filter_map(|(id, line)| Cert::of(id, line))
        .collect();
    let mut said = BTreeSet::new();
    let mut facts = Vec::new();
    for (id, error) in task.facts(&task.list("errors")) {
        let Some(destination) = error.key("destination") else {
            continue;
        };
        let host = destination.rsplit_once(':').map_or(destination, |(h, _)| h);
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if error.key("notAfter").is_some() || !said.insert(destination) {
            continue;
        }
        let until = |c: &Cert<'_>| value(c.line, "notAfter").and_then(instant);
        let named: Vec<&Cert<'_>> = all.iter().filter(|c| c.names(host)).collect();
        if named.iter().any(|c| until(c).is_none_or(|u| u >= now)) {
            continue;
        }
        let Some(cert) = named.iter().max_by_key(|c| until(c)) else {
            continue;
        };
        let end = value(cert.line, "notAfter").unwrap_or_default();
        let name = cert.line.entity.name();
        let mut keys = Keys::new();
        for (key, value) in [
            ("destination", destination),
            ("certificate", name),
            ("not-after", end),
        ] {
            keys.insert(key.to_owned(), value.to_owned());
        }
        let evidence = vec![quote(task.world, cert.source, cert.line)];
        let from = [Some(id), expired.get(&(name, end)).copied()];
        let made = task.fact(
            "served-certificate",
            keys,
            Component::CERTIFICATE,
            evidence,
            from.into_iter().flatten().collect(),
        );
        if let Some(mut fact) = made {
            fact.span.first = until(cert).map(|at| Stamp::exact(at, SECOND));
            fact.span.last = Some(Stamp::exact(now, SECOND));
            facts.push(fact);
        }
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::super::testing::{facts_of, shown};

    const KIND: &str = "certificate/issuer-not-trusted";
    /// Two authorities of one name, a certificate of each, made with openssl.
    const CA_A: &str = include_str!("../../fixtures/certificates/hook-ca-a.crt");
    const CA_B: &str = include_str!("../../fixtures/certificates/hook-ca-b.crt");
    const LEAF_A: &str = include_str!("../../fixtures/certificates/hook-a.crt");

    fn base64(text: &str) -> String {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut out = String::new();
        for chunk in text.as_bytes().chunks(3) {
            let bits = chunk
                .iter()
                .chain([&0, &0])
                .take(3)
                .fold(0u32, |bits, b| bits << 8 | u32::from(*b));
            for i in 0..4 {
                let digit = ALPHABET[(bits >> (18 - 6 * i) & 63) as usize] as char;
                out.push(if i <= chunk.len() { digit } else { '=' });
            }
        }
        out
    }

    fn webhook(bundle: &str) -> String {
        format!(
            "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata:\n  name: hook\nwebhooks:\n- name: pods.example.com\n  failurePolicy: Fail\n  clientConfig:\n    caBundle: {}\n    service:\n      name: hook\n      namespace: shop\n",
            base64(bundle)
        )
    }

    #[track_caller]
    fn case(bundle: &str, files: &[(&str, &str)], expected: &[&str]) {
        let webhook = webhook(bundle);
        let mut all = vec![("webhooks.yaml", webhook.as_str())];
        all.extend(files);
        let facts = facts_of(&all, KIND);
        assert_eq!(shown(&facts, &["side", "signer"]), expected);
    }

    #[test]
    fn an_authority_made_anew_keeps_its_name() {
        case(
            CA_B,
            &[("tls/hook.crt", LEAF_A)],
            &[
                "certificate/hook.shop.svc side=webhook/pods.example.com signer=another key of that name",
            ],
        );
        case(CA_A, &[("tls/hook.crt", LEAF_A)], &[]);
        // Both are in the bundle while the authority is exchanged.
        let both = format!("{CA_B}{CA_A}");
        case(&both, &[("tls/hook.crt", LEAF_A)], &[]);
        // The certificate itself is trusted.
        case(LEAF_A, &[("tls/hook.crt", LEAF_A)], &[]);
        // Nothing is known of what the webhook serves.
        case(CA_B, &[], &[]);
    }

    #[test]
    fn an_authority_that_does_not_name_its_own_key() {
        const OLD: &str = include_str!("../../fixtures/certificates/guard-ca-old.crt");
        const NEW: &str = include_str!("../../fixtures/certificates/guard-ca-new.crt");
        const LEAF: &str = include_str!("../../fixtures/certificates/guard.crt");
        let case = |bundle: &str, expected: &[&str]| {
            let webhook = webhook(bundle).replace(
                "name: hook\n      namespace: shop",
                "name: guard\n      namespace: policy",
            );
            let files = [
                ("webhooks.yaml", webhook.as_str()),
                ("tls/guard.crt", LEAF),
                ("tls/ca.crt", NEW),
            ];
            assert_eq!(shown(&facts_of(&files, KIND), &["signer"]), expected);
        };
        case(
            OLD,
            &["certificate/guard.policy.svc signer=another key of that name"],
        );
        case(NEW, &[]);
        case(&format!("{OLD}{NEW}"), &[]);
    }

    #[test]
    fn the_expired_certificate_that_a_server_shows() {
        let log = "E0514 09:30:00.000000     833 reflector.go:126] k8s.io/client-go/informers/factory.go:133: Failed to list *v1.Node: Get https://10.0.0.10:6443/api/v1/nodes?limit=500: x509: certificate has expired or is not yet valid\n";
        let of = |until: &str| {
            format!(
                "subject=CN = kube-apiserver\nissuer=CN = kubernetes\nnotAfter=May 14 09:00:12 {until} GMT\nX509v3 Subject Alternative Name:\n DNS:kubernetes, IP Address:10.0.0.10\n"
            )
        };
        let case = |files: &[(&str, &str)], expected: &[&str]| {
            let mut all = vec![("w1/kubelet.log", log)];
            all.extend(files);
            let facts = facts_of(&all, "certificate/served-expired");
            assert_eq!(shown(&facts, &["certificate"]), expected);
        };
        let (old, new) = (of("2026"), of("2027"));
        case(
            &[("pki/a.txt", &old)],
            &["destination/10.0.0.10:6443 certificate=kube-apiserver"],
        );
        // It was renewed; whether the server uses it is not known.
        case(&[("pki/a.txt", &old), ("pki/b.txt", &new)], &[]);
        let elsewhere = old.replace("10.0.0.10", "10.0.0.11");
        case(&[("pki/a.txt", &elsewhere)], &[]);
    }

    #[test]
    fn names_alone() {
        let leaf =
            "subject=CN = hook.shop.svc\nissuer=CN = old-ca\nnotAfter=Nov 20 17:08:28 2036 GMT\n";
        // An intermediate that is not in the bundle may lead to the trusted one.
        case(CA_B, &[("tls/hook.txt", leaf)], &[]);
        let root = "subject=CN = old-ca\nissuer=CN = old-ca\nnotAfter=Nov 20 17:08:28 2036 GMT\n";
        case(
            CA_B,
            &[("tls/hook.txt", leaf), ("tls/ca.txt", root)],
            &["certificate/hook.shop.svc side=webhook/pods.example.com signer=CN=old-ca"],
        );
    }
}
