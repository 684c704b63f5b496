//! Who trusts whom: a certificate that is served, against the authorities that the side has which must verify it.
//!
//! A webhook's `caBundle`, an `APIService`'s, the authority in a kubeconfig; against the certificates in Secrets and files
//! whose names say that they are served there (`hook.shop.svc`, `kubernetes.default.svc`). Compared by key identifiers
//! where both sides have them: an authority that was made anew keeps its name.

use std::collections::{BTreeMap, BTreeSet};

use super::Task;
use super::certificate::{certificates, expired, instant, issuer, judged_at, subject};
use super::support::{machine, quote, value};
use crate::base::time::{SECOND, Stamp};
use crate::model::{Component, Entity, Fact, Keys, SourceId, StateLine};

/// One certificate of the bundle.
#[derive(Clone, Copy)]
pub(super) struct Cert<'a> {
    pub(super) source: SourceId,
    pub(super) line: &'a StateLine,
    pub(super) subject: &'a str,
    pub(super) issuer: &'a str,
    pub(super) key: Option<&'a str>,
    pub(super) signer_key: Option<&'a str>,
}

impl<'a> Cert<'a> {
    /// Those of the bundle whose subject and issuer are known.
    pub(super) fn all(task: &'a Task<'_>) -> Vec<Self> {
        certificates(task)
            .filter_map(|(id, line)| Self::of(id, line))
            .collect()
    }

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

    /// Whether it is made out to this host: by its names; one that has none, by its subject.
    fn names(&self, host: &str) -> bool {
        match value(self.line, "sans") {
            Some(sans) => sans.split(',').any(|name| covers(name, host)),
            None => covers(self.line.entity.name(), host),
        }
    }
}

/// Whether a name of a certificate is that of the host, as TLS has it: `*` stands for the first label, whole and alone.
fn covers(name: &str, host: &str) -> bool {
    let address = |text: &str| text.parse::<std::net::IpAddr>().ok();
    if let Some(ip) = address(host) {
        return address(name) == Some(ip);
    }
    let (name, host) = (name.trim_end_matches('.'), host.trim_end_matches('.'));
    name.eq_ignore_ascii_case(host)
        || name.strip_prefix("*.").is_some_and(|zone| {
            host.split_once('.').is_some_and(|(label, rest)| {
                !label.is_empty() && zone.contains('.') && rest.eq_ignore_ascii_case(zone)
            })
        })
}

/// The host of `https://[2001:db8::1]:6443/path` or `10.0.0.1:6443`.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let place = rest.split('/').next().unwrap_or(rest);
    if let Some((host, _)) = place.strip_prefix('[').and_then(|p| p.split_once(']')) {
        return host;
    }
    match place.rsplit_once(':') {
        Some((host, _)) if !host.contains(':') => host,
        _ => place,
    }
}

/// Whom one side trusts.
struct Side<'a> {
    owner: &'a Entity,
    trust: Vec<Cert<'a>>,
}

pub(super) fn infer(task: &Task<'_>) -> Vec<Fact> {
    let all = Cert::all(task);
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
        server_of(task, side)?.to_owned()
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
    // Much else is served at the address of an API server: that of etcd, of a kubelet.
    let role = task
        .word("api_server")
        .filter(|_| side.owner.kind() == "kubeconfig");
    let by_role = |c: &Cert<'_>| role.is_none_or(|name| c.names(name));
    let served: Vec<&Cert<'_>> = all
        .iter()
        .filter(|c| c.names(&host) && by_role(c))
        .collect();
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
        "same-name"
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

/// The host of the server in a kubeconfig; `None` when it has several: which authority is whose is not told.
fn server_of<'a>(task: &'a Task<'_>, side: &Side<'_>) -> Option<&'a str> {
    let source = side.trust.first()?.source;
    let hosts: BTreeSet<&str> = task
        .objects("kubeconfig")
        .filter(|(id, line)| *id == source && line.entity == *side.owner)
        .filter_map(|(_, line)| value(line, "server"))
        .map(host_of)
        .collect();
    hosts.first().copied().filter(|_| hosts.len() == 1)
}

/// Whether a chain of a certificate ends at a trusted one; `None`: the bundle does not hold enough to say no. An
/// authority may be signed by several, and several may have its name: all that fit are followed.
fn trusted(leaf: &Cert<'_>, trust: &[Cert<'_>], all: &[Cert<'_>]) -> Option<bool> {
    let (mut reached, mut next, mut open) = (vec![*leaf], 0, false);
    while let Some(at) = reached.get(next).copied() {
        next += 1;
        if trust.iter().any(|t| at.is(t) || at.signed_by(t)) {
            return Some(true);
        }
        if at.issuer == at.subject {
            continue;
        }
        let mut signers = all
            .iter()
            .filter(|c| at.signed_by(c) && !at.is(c))
            .peekable();
        // Where its authority is trusted by name, that one has another key.
        open |= signers.peek().is_none() && !trust.iter().any(|t| t.subject == at.issuer);
        for signer in signers {
            // The same one lies in many files.
            if !reached.iter().any(|r| r.line.text == signer.line.text) {
                reached.push(*signer);
            }
        }
    }
    (!open).then_some(false)
}

/// The expired certificate that a server shows, for errors that do not name its end (before Kubernetes 1.19): the one
/// that is made out to the address, while no valid one is.
pub(super) fn served(task: &Task<'_>) -> Vec<Fact> {
    let Some(now) = judged_at(task) else {
        return Vec::new();
    };
    let expired = expired(task);
    let all = Cert::all(task);
    let mut said = BTreeSet::new();
    let mut facts = Vec::new();
    for (id, error) in task.facts(&task.list("errors")) {
        let Some(destination) = error.key("destination") else {
            continue;
        };
        let host = host_of(destination);
        if error.key("notAfter").is_some() || said.contains(destination) {
            continue;
        }
        // What the server showed was past its end when it was first refused.
        let at = error.span.first.or(error.span.last).map_or(now, |t| t.at);
        let until = |c: &Cert<'_>| value(c.line, "notAfter").and_then(instant);
        let named: Vec<&Cert<'_>> = all.iter().filter(|c| c.names(host)).collect();
        if named.iter().any(|c| until(c).is_none_or(|u| u > at)) {
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
            fact.span.last = Some(Stamp::exact(now.max(at), SECOND));
            said.insert(destination);
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
            &["certificate/hook.shop.svc side=webhook/pods.example.com signer=same-name"],
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
        case(OLD, &["certificate/guard.policy.svc signer=same-name"]);
        case(NEW, &[]);
        case(&format!("{OLD}{NEW}"), &[]);
    }

    #[test]
    fn any_of_the_authorities_that_have_the_name() {
        let of = |subject: &str, issuer: &str| {
            format!(
                "subject=CN = {subject}\nissuer=CN = {issuer}\nnotAfter=Nov 20 17:08:28 2036 GMT\n"
            )
        };
        let (leaf, old) = (of("hook.shop.svc", "mid"), of("mid", "old-ca"));
        let (root, new, away) = (of("old-ca", "old-ca"), of("mid", "hook-ca"), of("mid", "x"));
        let fails = "certificate/hook.shop.svc side=webhook/pods.example.com signer=CN=mid";
        let case = |second: &str, expected: &[&str]| {
            for (first, second) in [(old.as_str(), second), (second, old.as_str())] {
                let files = [
                    ("tls/hook.txt", leaf.as_str()),
                    ("tls/a.txt", first),
                    ("tls/b.txt", second),
                    ("tls/ca.txt", root.as_str()),
                ];
                case(CA_B, &files, expected);
            }
        };
        case(&old, &[fails]);
        // The other one is signed by who is trusted, or by one whom the bundle does not hold.
        case(&new, &[]);
        case(&away, &[]);
    }

    #[test]
    fn a_kubeconfig_and_the_server_that_it_names() {
        let kubeconfig = |servers: &[&str]| {
            let head = String::from("apiVersion: v1\nkind: Config\nclusters:\n");
            servers.iter().fold(head, |text, server| {
                text + &format!(
                    "- name: c\n  cluster:\n    server: {server}\n    certificate-authority-data: {}\n",
                    base64(CA_B)
                )
            })
        };
        let root = "subject=CN = old-ca\nissuer=CN = old-ca\nnotAfter=Nov 20 17:08:28 2036 GMT\n";
        let leaf = |names: &str| {
            format!(
                "subject=CN = kube-apiserver\nissuer=CN = old-ca\nnotAfter=Nov 20 17:08:28 2036 GMT\nX509v3 Subject Alternative Name:\n {names}\n"
            )
        };
        let case = |servers: &[&str], names: &str, expected: usize| {
            let (kubeconfig, leaf) = (kubeconfig(servers), leaf(names));
            let files = [
                ("n1/kubeconfig.yaml", kubeconfig.as_str()),
                ("pki/apiserver.txt", leaf.as_str()),
                ("pki/ca.txt", root),
            ];
            assert_eq!(
                facts_of(&files, KIND).len(),
                expected,
                "{servers:?} {names}"
            );
        };
        let of_server = "DNS:kubernetes.default.svc, DNS:*.prod.example.com, IP Address:10.0.0.10";
        case(&["https://10.0.0.10:6443"], of_server, 1);
        case(&["https://api.prod.example.com/"], of_server, 1);
        // Another cluster's, one label too many, and what else is served at that address.
        case(&["https://192.0.2.9:6443"], of_server, 0);
        case(&["https://api.eu.prod.example.com"], of_server, 0);
        case(
            &["https://10.0.0.10:6443"],
            "DNS:etcd, IP Address:10.0.0.10",
            0,
        );
        case(
            &["https://10.0.0.10:6443", "https://192.0.2.9:6443"],
            of_server,
            0,
        );
    }

    #[test]
    fn names_of_hosts() {
        for (name, host, expected) in [
            ("a.example.com", "A.example.com", true),
            ("*.example.com", "a.example.com", true),
            ("*.example.com", "a.b.example.com", false),
            ("*.example.com", "example.com", false),
            ("*.com", "example.com", false),
            ("10.0.0.1", "10.0.0.1", true),
            ("2001:db8::1", "2001:db8:0::1", true),
            ("*.0.0.1", "10.0.0.1", false),
        ] {
            assert_eq!(super::covers(name, host), expected, "{name} {host}");
        }
        for (url, host) in [
            ("https://10.0.0.1:6443", "10.0.0.1"),
            (
                "https://api.example.com/k8s/clusters/c-1",
                "api.example.com",
            ),
            ("[2001:db8::1]:6443", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
        ] {
            assert_eq!(super::host_of(url), host);
        }
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
        // It was valid still when the server was refused; the logs go on beyond its end.
        let later = log.replace("09:30", "10:30").replace("x509", "EOF");
        let after = old.replace("09:00:12", "09:45:12");
        case(&[("pki/a.txt", &after), ("w1/b.log", &later)], &[]);
        case(
            &[("pki/a.txt", &old), ("w1/b.log", &later)],
            &["destination/10.0.0.10:6443 certificate=kube-apiserver"],
        );
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
