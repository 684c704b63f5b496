//! Which kind of object a word means: plurals and short names, header signatures, hints in paths.
//!
//! `deployments.apps`, `deploy/web`, a header `NAME READY STATUS RESTARTS AGE`, `kubectl/get-pods-A.txt`.

/// Kind, then the other names under which kubectl knows it (plural and short), and whether it lives in a
/// namespace.
const KINDS: [(&str, &[&str], bool); 37] = [
    ("pod", &["pods", "po"], true),
    ("node", &["nodes", "no"], false),
    ("namespace", &["namespaces", "ns"], false),
    ("apiservice", &["apiservices"], false),
    ("service", &["services", "svc"], true),
    ("endpoints", &["endpoint", "ep"], true),
    ("endpointslice", &["endpointslices"], true),
    ("deployment", &["deployments", "deploy"], true),
    ("replicaset", &["replicasets", "rs"], true),
    ("statefulset", &["statefulsets", "sts"], true),
    ("daemonset", &["daemonsets", "ds"], true),
    (
        "replicationcontroller",
        &["replicationcontrollers", "rc"],
        true,
    ),
    ("job", &["jobs"], true),
    ("cronjob", &["cronjobs", "cj"], true),
    ("lease", &["leases"], true),
    ("event", &["events", "ev"], true),
    (
        "persistentvolume",
        &["persistentvolumes", "pv", "pvs"],
        false,
    ),
    (
        "persistentvolumeclaim",
        &["persistentvolumeclaims", "pvc", "pvcs"],
        true,
    ),
    ("storageclass", &["storageclasses", "sc"], false),
    ("configmap", &["configmaps", "cm"], true),
    ("secret", &["secrets"], true),
    ("serviceaccount", &["serviceaccounts", "sa"], true),
    (
        "horizontalpodautoscaler",
        &["horizontalpodautoscalers", "hpa"],
        true,
    ),
    (
        "poddisruptionbudget",
        &["poddisruptionbudgets", "pdb"],
        true,
    ),
    ("networkpolicy", &["networkpolicies", "netpol"], true),
    ("ingress", &["ingresses", "ing"], true),
    ("certificate", &["certificates"], true),
    ("resourcequota", &["resourcequotas", "quota"], true),
    ("limitrange", &["limitranges", "limits"], true),
    (
        "validatingwebhookconfiguration",
        &["validatingwebhookconfigurations"],
        false,
    ),
    (
        "mutatingwebhookconfiguration",
        &["mutatingwebhookconfigurations"],
        false,
    ),
    (
        "customresourcedefinition",
        &["customresourcedefinitions", "crd", "crds"],
        false,
    ),
    (
        "certificatesigningrequest",
        &["certificatesigningrequests", "csr"],
        false,
    ),
    ("componentstatus", &["componentstatuses", "cs"], false),
    ("priorityclass", &["priorityclasses", "pc"], false),
    ("volumeattachment", &["volumeattachments"], false),
    ("clusterrolebinding", &["clusterrolebindings"], false),
];

/// The kind a word of kubectl means (`deployments.apps`, `po`, `Deployment`), if it is a known one.
pub(super) fn known(word: &str) -> Option<&'static str> {
    let word = word.to_ascii_lowercase();
    let word = word.split('.').next().unwrap_or_default();
    KINDS
        .iter()
        .find(|(kind, names, _)| *kind == word || names.contains(&word))
        .map(|(kind, _, _)| *kind)
}

/// A kind as entities spell it: lower case, singular, without its group.
pub(super) fn plain(word: &str) -> String {
    known(word).map_or_else(
        || {
            let word = word.to_ascii_lowercase();
            super::sink::name(word.split('.').next().unwrap_or_default())
        },
        str::to_owned,
    )
}

/// Whether objects of a kind live in a namespace; `None`: an unknown kind.
pub(super) fn is_namespaced(kind: &str) -> Option<bool> {
    KINDS
        .iter()
        .find(|(k, _, _)| *k == kind)
        .map(|(_, _, namespaced)| *namespaced)
}

/// Headers that tell the kind: all of these columns are there.
const SIGNATURES: [(&str, &[&str]); 33] = [
    ("event", &["REASON", "OBJECT", "MESSAGE"]),
    ("event", &["LAST SEEN", "REASON", "MESSAGE"]),
    ("event", &["LASTSEEN", "REASON", "MESSAGE"]),
    ("pod", &["READY", "STATUS", "RESTARTS"]),
    ("node", &["STATUS", "ROLES", "VERSION"]),
    ("node", &["CPU(CORES)", "CPU%"]),
    ("pod", &["CPU(CORES)", "MEMORY(BYTES)"]),
    ("apiservice", &["SERVICE", "AVAILABLE"]),
    ("service", &["CLUSTER-IP", "PORT(S)"]),
    ("endpointslice", &["ADDRESSTYPE", "ENDPOINTS"]),
    ("endpoints", &["ENDPOINTS"]),
    ("lease", &["HOLDER"]),
    ("persistentvolumeclaim", &["STATUS", "VOLUME", "CAPACITY"]),
    ("persistentvolume", &["RECLAIM POLICY", "CLAIM"]),
    ("daemonset", &["DESIRED", "READY", "NODE SELECTOR"]),
    ("daemonset", &["DESIRED", "READY", "NODE-SELECTOR"]),
    ("deployment", &["UP-TO-DATE", "AVAILABLE"]),
    ("replicaset", &["DESIRED", "CURRENT", "READY"]),
    ("statefulset", &["DESIRED", "CURRENT"]),
    ("job", &["COMPLETIONS"]),
    ("cronjob", &["SCHEDULE", "SUSPEND"]),
    ("horizontalpodautoscaler", &["REFERENCE", "TARGETS"]),
    (
        "poddisruptionbudget",
        &["MIN AVAILABLE", "ALLOWED DISRUPTIONS"],
    ),
    ("certificatesigningrequest", &["REQUESTOR", "CONDITION"]),
    ("certificate", &["READY", "SECRET"]),
    ("componentstatus", &["STATUS", "MESSAGE", "ERROR"]),
    ("storageclass", &["PROVISIONER"]),
    ("secret", &["TYPE", "DATA"]),
    ("configmap", &["DATA"]),
    ("serviceaccount", &["SECRETS"]),
    ("ingress", &["HOSTS", "ADDRESS", "PORTS"]),
    ("networkpolicy", &["POD-SELECTOR"]),
    ("customresourcedefinition", &["CREATED AT"]),
];

/// The kind of a table by its header (upper case).
pub(super) fn by_header(columns: &[String]) -> Option<&'static str> {
    let has = |name: &&str| columns.iter().any(|c| c == name);
    if let Some((kind, _)) = SIGNATURES.iter().find(|(_, needed)| needed.iter().all(has)) {
        return Some(kind);
    }
    let bare: Vec<&str> = columns
        .iter()
        .map(String::as_str)
        .filter(|c| *c != "NAMESPACE")
        .collect();
    match bare.as_slice() {
        ["NAME", "STATUS", "AGE", ..] => Some("namespace"),
        ["NAME", "READY", "AGE", ..] => Some("statefulset"),
        _ => None,
    }
}

/// The kind a path speaks of: `kubectl/get-pods-A.txt`, `cluster-resources/pods/shop.json`, `describe-rs-shop`.
pub(super) fn by_path(path: &str) -> Option<&'static str> {
    let mut parts = path.rsplit(['/', '!']);
    let base = parts.next().unwrap_or_default();
    by_words(base).or_else(|| parts.next().and_then(by_words))
}

fn by_words(text: &str) -> Option<&'static str> {
    let mut after_verb = false;
    for word in text.split(['-', '_', '.', ' ', '=']) {
        // Two letters are a resource only where kubectl expects one.
        if (word.len() > 3 || after_verb)
            && let Some(kind) = known(word)
        {
            return Some(kind);
        }
        after_verb = matches!(word, "get" | "describe");
        for verb in ["poddescribe", "nodesdescribe"] {
            if word == verb {
                return known(verb.trim_end_matches("describe"));
            }
        }
    }
    // `podsdescribe`, `nodesdescribe`: the resource in front.
    known(text.strip_suffix("describe")?)
}

/// The namespace a path or a command line speaks of, where it is said beyond doubt.
pub(super) fn namespace_of(path: &str) -> Option<String> {
    let mut words = path.split([' ', '_']).peekable();
    while let Some(word) = words.next() {
        if matches!(word, "-n" | "--namespace") {
            return words.next().map(super::sink::name);
        }
        if let Some(ns) = word.strip_prefix("--namespace=") {
            return Some(super::sink::name(ns));
        }
    }
    let parts: Vec<&str> = path.split('/').collect();
    if let Some(at) = parts.iter().rposition(|p| *p == "namespaces") {
        // A file below the folder of the namespace, not the file of the namespace itself.
        let ns = parts.get(at.saturating_add(1))?;
        if parts.len() > at.saturating_add(2) {
            return Some(super::sink::name(ns));
        }
    }
    let base = parts.last().copied().unwrap_or_default();
    for mark in ["-get-", "_get_"] {
        if let Some((ns, _)) = base.split_once(mark)
            && !matches!(ns, "kubectl" | "oc" | "k")
        {
            return Some(super::sink::name(ns));
        }
    }
    if base.contains("kube-system") {
        return Some("kube-system".into());
    }
    system_namespace(base)
}

/// `istio-system` of `pods-istio-system.txt`: what follows the kind, where it ends as namespaces of a system do.
fn system_namespace(base: &str) -> Option<String> {
    let stem = base.split('.').next()?.strip_suffix("-system")?;
    let (kind, namespace) = stem.rsplit(['/', ' ']).next()?.split_once(['-', '_'])?;
    let kind = kind.to_ascii_lowercase();
    let is_kind = kind.len() > 3 || matches!(kind.as_str(), "svc" | "ep");
    (is_kind && known(&kind).is_some() && !namespace.is_empty())
        .then(|| super::sink::name(&format!("{namespace}-system")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn case(path: &str, expected: Option<&str>) {
        assert_eq!(by_path(path), expected, "{path}");
    }

    #[test]
    fn paths_speak() {
        case("kubectl/get-pods-A.txt", Some("pod"));
        case("kubectl/describe-rs-shop.txt", Some("replicaset"));
        case("cluster-resources/pods/shop.json", Some("pod"));
        case("k3s/kubectl/nodes", Some("node"));
        case("rke2/kubectl/nodesdescribe", Some("node"));
        case("kubectl/poddescribe/kube-system", Some("pod"));
        case("kubectl/databases-tenant-blue.yaml", None);
        case("kubectl/create-configmaps.txt", Some("configmap"));
        case("rs.txt", None);
    }

    #[test]
    fn namespaces_of_paths() {
        assert_eq!(
            namespace_of("namespaces/shop/core/pods.yaml").as_deref(),
            Some("shop")
        );
        assert_eq!(namespace_of("a/namespaces/shop.yaml"), None);
        assert_eq!(
            namespace_of("kubectl_get_pods_-n_shop").as_deref(),
            Some("shop")
        );
        assert_eq!(
            namespace_of("kubectl/team-a-get-all.txt").as_deref(),
            Some("team-a")
        );
        assert_eq!(namespace_of("kubectl/get-pods-during-stall.txt"), None);
        assert_eq!(
            namespace_of("kubectl/pods-istio-system.txt").as_deref(),
            Some("istio-system")
        );
        assert_eq!(
            namespace_of("events_gatekeeper-system.log").as_deref(),
            Some("gatekeeper-system")
        );
        // A subject, and a name without a namespace.
        assert_eq!(namespace_of("network-of-the-system.txt"), None);
        assert_eq!(namespace_of("pods-system.txt"), None);
    }

    #[test]
    fn words_of_kubectl() {
        assert_eq!(plain("deployment.apps"), "deployment");
        assert_eq!(
            plain("ValidatingWebhookConfiguration"),
            "validatingwebhookconfiguration"
        );
        assert_eq!(plain("Database"), "database");
    }
}
