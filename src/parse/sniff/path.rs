//! What a path says about whose file it is: `var/log/pods/shop_web-1_0e4c…/web/3.log`, `nodes/node1/kubelet.log`.
//!
//! A hint only: where the content says otherwise, the content wins.

use super::component;
use crate::model::{Component, Scope};

/// Folder names that are never a node's name.
const FOLDERS: [&str; 40] = [
    "app",
    "apps",
    "artifacts",
    "audit",
    "bundle",
    "cluster",
    "containerd",
    "containers",
    "control-plane",
    "cs",
    "daemon_status",
    "diag",
    "docker",
    "dumps",
    "etc",
    "etcd",
    "events",
    "files",
    "home",
    "host",
    "journal",
    "journald",
    "kubectl",
    "kubelet",
    "kubernetes",
    "log",
    "logs",
    "masters",
    "misc",
    "node",
    "nodes",
    "output",
    "pods",
    "root",
    "run",
    "system",
    "tmp",
    "usr",
    "var",
    "workers",
];

/// Reads the scope from a virtual path (`outer.tar.gz!node1/kubelet.log`).
pub(super) fn scope(path: &str) -> Scope {
    let parts: Vec<&str> = path
        .split(['/', '!', '\\'])
        .filter(|p| !p.is_empty())
        .collect();
    let mut scope = Scope::default();
    let Some((file, folders)) = parts.split_last() else {
        return scope;
    };
    pod(file, folders, &mut scope);
    if let Some(at) = folders
        .iter()
        .rposition(|f| matches!(*f, "nodes" | "machines"))
    {
        scope.node = folders.get(at + 1).map(|n| (*n).to_owned());
    }
    if let Some((program, host)) = glog_name(file) {
        scope.component = component::named(program);
        scope.node = scope.node.or_else(|| Some(host.to_owned()));
    }
    if scope.component.is_unknown() {
        let named = [
            scope.container.as_deref(),
            scope.pod.as_deref(),
            Some(stem(file)),
        ];
        let own = named
            .into_iter()
            .flatten()
            .map(component::named)
            .find(|c| !c.is_unknown());
        // `cs/kube-apiserver/<pod>.log`, `kube-apiserver/0.log`.
        let folder = || {
            folders
                .iter()
                .rev()
                .take(2)
                .map(|f| component::named(f))
                .find(|c| !c.is_unknown())
        };
        scope.component = own.or_else(folder).unwrap_or(Component::UNKNOWN);
    }
    if scope.node.is_none() {
        scope.node = scope.pod.as_deref().and_then(static_pod_node);
    }
    // kind and e2e artifacts: the folder above a node's own log is the node.
    if scope.node.is_none()
        && scope.pod.is_none()
        && scope.component.is_node_local()
        && let Some(folder) = folders.last()
        && is_name(folder)
        && !FOLDERS.contains(folder)
        && component::named(folder).is_unknown()
        && !path.contains(&format!("{folder}!"))
    {
        scope.node = Some((*folder).to_owned());
    }
    if scope.pod.is_some() && scope.component.is_unknown() {
        scope.component = Component::named("app");
    }
    scope
}

/// A file name without its endings (`.log`, `.1`, `.gz`, `.txt`).
fn stem(file: &str) -> &str {
    let mut name = file;
    while let Some((head, end)) = name.rsplit_once('.') {
        let known = matches!(
            end,
            "log" | "txt" | "gz" | "out" | "json" | "xz" | "bz2" | "zst" | "current" | "previous"
        );
        if head.is_empty() || !(known || end.bytes().all(|c| c.is_ascii_digit() || c == b'-')) {
            break;
        }
        name = head;
    }
    name
}

/// A DNS name of Kubernetes.
fn is_name(s: &str) -> bool {
    !s.is_empty()
        && s.len() < 254
        && s.bytes()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'-' | b'.'))
}

/// Namespace, pod and container from the shapes that collectors and nodes use.
fn pod(file: &str, folders: &[&str], scope: &mut Scope) {
    let mut set = |ns: &str, pod: &str, container: Option<&str>| {
        scope.namespace = Some(ns.to_owned());
        scope.pod = Some(pod.to_owned());
        scope.container = container.map(str::to_owned);
    };
    // /var/log/containers/<pod>_<ns>_<container>-<64 hex>.log
    let cells: Vec<&str> = stem(file).split('_').collect();
    if let [pod, ns, rest] = cells[..]
        && let Some((container, id)) = rest.rsplit_once('-')
        && id.len() == 64
        && id.bytes().all(|c| c.is_ascii_hexdigit())
    {
        set(ns, pod, Some(container));
        return;
    }
    // <ns>_<pod>.log, <ns>_<pod>_<container>.log, <pod>_<ns>.log: no name of Kubernetes holds an underscore.
    match cells[..] {
        [ns, pod] | [pod, ns] if is_name(ns) && is_generated(pod) && !is_generated(ns) => {
            return set(ns, pod, None);
        }
        [ns, pod, container]
            if is_name(ns)
                && is_generated(pod)
                && !is_generated(ns)
                && is_name(container)
                && !component::named(container).is_node_local() =>
        {
            return set(ns, pod, Some(container));
        }
        _ => {}
    }
    // …/<ns>_<pod>[_<uid>]/<container>/<n>.log
    if let [.., folder, container] = folders {
        let cells: Vec<&str> = folder.split('_').collect();
        let uid = |u: &str| u.len() >= 8 && u.bytes().all(|c| c.is_ascii_hexdigit() || c == b'-');
        match cells[..] {
            // `diagnose_1542638412/logs` is a collector's folder: the name of a pod is never a number alone.
            [ns, pod]
                if is_name(ns) && is_name(pod) && !pod.bytes().all(|c| c.is_ascii_digit()) =>
            {
                return set(ns, pod, Some(container));
            }
            [ns, pod, id] if is_name(ns) && is_name(pod) && uid(id) => {
                return set(ns, pod, Some(container));
            }
            _ => {}
        }
    }
    match folders {
        // must-gather
        [.., "namespaces", ns, "pods", pod, container, _, "logs"]
        | [
            ..,
            "namespaces",
            ns,
            "pods",
            pod,
            container,
            _,
            "logs",
            "rotated",
        ] => {
            set(ns, pod, Some(container));
        }
        // Sonobuoy
        [.., "podlogs", ns, pod, "logs"] => set(ns, pod, Some(stem(file))),
        // Troubleshoot
        [.., "pods", "logs", ns, pod] => {
            let container = stem(file);
            set(
                ns,
                pod,
                Some(container.strip_suffix("-previous").unwrap_or(container)),
            );
        }
        // Velero
        [.., "core_v1", ns, _, pod, container] => set(ns, pod, Some(container)),
        // cluster-info dump
        [.., ns, pod] if file == "logs.txt" && is_name(ns) && is_name(pod) => set(ns, pod, None),
        [.., "cs", _] => scope.pod = Some(stem(file).to_owned()),
        // kubectl logs by hand: <ns>/<pod>.log, logs/<ns>/<pod>/<container>.log. Only a generated name is surely a pod's.
        [
            ..,
            "logs" | "log" | "pods" | "pod-logs" | "podlogs",
            ns,
            pod,
        ] if is_name(ns) && is_generated(pod) && !component::named(stem(file)).is_node_local() => {
            set(ns, pod, Some(stem(file)));
        }
        [.., ns]
            if is_name(ns)
                && !FOLDERS.contains(ns)
                && !ns.contains('.')
                && (is_generated(stem(file))
                    || ns.ends_with("-system") && is_of_set(stem(file))) =>
        {
            set(ns, stem(file), None);
        }
        _ => {}
    }
}

/// Whether a name ends as those of a Deployment's pods do: `web-5d9c7b6f4-k4l9z`.
fn is_generated(name: &str) -> bool {
    let safe = |s: &str| s.bytes().all(|c| SAFE.contains(&c));
    let mut parts = name.rsplit('-');
    let last = parts.next().is_some_and(|s| s.len() == 5 && safe(s));
    let hash = parts
        .next()
        .is_some_and(|s| (6..=10).contains(&s.len()) && safe(s));
    last && hash && parts.next().is_some() && is_name(name)
}

/// Whether a name ends as those of a daemon set's pods do: `kube-proxy-x7k2p`.
fn is_of_set(name: &str) -> bool {
    let end = name.rsplit('-').next().unwrap_or_default();
    end.len() == 5
        && end.bytes().all(|c| SAFE.contains(&c))
        && end.len() + 1 < name.len()
        && is_name(name)
}

/// The letters and digits of generated names.
const SAFE: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// `kube-apiserver.cp1.root.log.INFO.20261120-170045.60`: program and host.
fn glog_name(file: &str) -> Option<(&str, &str)> {
    let (front, behind) = file.split_once(".log.")?;
    let level = behind.split('.').next()?;
    if !matches!(level, "INFO" | "WARNING" | "ERROR" | "FATAL") {
        return None;
    }
    let mut parts = front.split('.');
    Some((parts.next()?, parts.next()?))
}

/// The node a static pod runs on: its name ends in it.
fn static_pod_node(pod: &str) -> Option<String> {
    const STATIC: [&str; 5] = [
        "kube-apiserver-",
        "kube-controller-manager-",
        "kube-scheduler-",
        "cloud-controller-manager-",
        "etcd-",
    ];
    let node = STATIC.iter().find_map(|s| pod.strip_prefix(s))?;
    // Pods of a DaemonSet or Deployment end in five characters of this alphabet instead.
    let random = |s: &str| s.len() == 5 && s.bytes().all(|c| SAFE.contains(&c));
    let last = node.rsplit('-').next()?;
    (is_name(node) && !random(last)).then(|| node.to_owned())
}

/// The node in the name of a dump: `kubelet-node1-goroutines.txt`, `containerd-node1.stacks.log`.
pub(super) fn dump_node(path: &str) -> Option<String> {
    let file = path.rsplit(['/', '!']).next()?;
    let name = stem(file);
    let name = [
        "-goroutines",
        "-goroutine",
        ".stacks",
        "-stacks",
        "-pprof",
        "-dump",
    ]
    .iter()
    .find_map(|end| name.find(end).and_then(|at| name.get(..at)))?;
    let (program, node) = name
        .match_indices('-')
        .map(|(at, _)| name.split_at(at))
        .rfind(|(program, _)| !component::exact(program).is_unknown())?;
    let node = node.strip_prefix('-')?;
    let named = !program.is_empty() && is_name(node) && !node.bytes().all(|c| c.is_ascii_digit());
    named.then(|| node.to_owned())
}

fn is_log(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, end)| end == "log")
}

/// The name that all rotated parts of one log share: `kubelet.log` for `kubelet.log.2.gz` and `kubelet.log`.
pub(super) fn series(path: &str) -> String {
    let mut name = path;
    for end in [".gz", ".xz", ".bz2", ".zst"] {
        name = name.strip_suffix(end).unwrap_or(name);
    }
    // glog: program.host.user.log.LEVEL.date.pid
    if let Some((front, _)) = name.rsplit('/').next().and_then(glog_name)
        && let Some(at) = name.find(".log.")
        && !front.is_empty()
    {
        let level = name
            .get(at + 5..)
            .and_then(|r| r.split('.').next())
            .unwrap_or("");
        return format!("{}.log.{level}", name.get(..at).unwrap_or(name));
    }
    while let Some((head, end)) = name.rsplit_once(['.', '-']) {
        let digits = !end.is_empty() && end.bytes().all(|c| c.is_ascii_digit());
        let rotated = digits && (is_log(head) || head.contains(".log.") || end.len() == 8);
        if !rotated {
            break;
        }
        name = head;
    }
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn case(path: &str, component: &str, node: &str, pod: &str) {
        let s = scope(path);
        assert_eq!(s.component.as_str(), component, "{path}");
        assert_eq!(s.node.as_deref().unwrap_or(""), node, "{path}");
        let found = [s.namespace, s.pod, s.container]
            .map(Option::unwrap_or_default)
            .join("/");
        assert_eq!(found, if pod.is_empty() { "//" } else { pod }, "{path}");
    }

    #[test]
    fn scopes() {
        case("b/nodes/node1/kubelet.log", "kubelet", "node1", "");
        case(
            "b.tar.gz!nodes/node1/kubelet.log.2.gz",
            "kubelet",
            "node1",
            "",
        );
        case("logs/kube-apiserver.log", "kube-apiserver", "", "");
        case("logs/kubelet.log", "kubelet", "", "");
        case("kind/c-worker2/kubelet.log", "kubelet", "c-worker2", "");
        case(
            "var/log/pods/shop_web-1_0e4c2b9a-1111-2222-3333-444455556666/web/3.log",
            "app",
            "",
            "shop/web-1/web",
        );
        case(
            "control-plane/kube-system_kube-apiserver-cp1/kube-apiserver/0.log",
            "kube-apiserver",
            "cp1",
            "kube-system/kube-apiserver-cp1/kube-apiserver",
        );
        case(
            "q/namespaces/openshift-etcd/pods/etcd-master-0/etcd/etcd/logs/current.log",
            "etcd",
            "master-0",
            "openshift-etcd/etcd-master-0/etcd",
        );
        case(
            "containers/coredns-74ff55c5b-abcde_kube-system_coredns-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.log",
            "coredns",
            "",
            "kube-system/coredns-74ff55c5b-abcde/coredns",
        );
        case(
            "kube-apiserver.cp1.root.log.INFO.20261120-170045.60",
            "kube-apiserver",
            "cp1",
            "",
        );
        case(
            "cs/cloud-controller-manager/cloud-controller-manager-9pvmk.log",
            "cloud-controller-manager",
            "",
            "/cloud-controller-manager-9pvmk/",
        );
        // A collector's folder, not a pod's.
        case(
            "tmp/diagnose_1542638412/logs/kubelet.log",
            "kubelet",
            "",
            "",
        );
        case("shop/web-1/logs.txt", "app", "", "shop/web-1/");
        case(
            "podlogs/kube-system/kube-proxy-x7k2p/logs/kube-proxy.txt",
            "kube-proxy",
            "",
            "kube-system/kube-proxy-x7k2p/kube-proxy",
        );
        // Written by hand: a generated name is a pod's, any other is nobody's.
        case(
            "logs/kube-system/coredns-5d78c9869d-x2x7k.log",
            "coredns",
            "",
            "kube-system/coredns-5d78c9869d-x2x7k/",
        );
        case(
            "logs/shop/web-5d9c7b6f4-k4l9z/istio-proxy.log",
            "istio-proxy",
            "",
            "shop/web-5d9c7b6f4-k4l9z/istio-proxy",
        );
        case("logs/shop/web.log", "unknown", "", "");
        case(
            "logs/shop_web-5d9c7b6f4-k4l9z.log",
            "app",
            "",
            "shop/web-5d9c7b6f4-k4l9z/",
        );
        case(
            "web-5d9c7b6f4-k4l9z_shop.txt",
            "app",
            "",
            "shop/web-5d9c7b6f4-k4l9z/",
        );
        case(
            "shop_web-5d9c7b6f4-k4l9z_istio-proxy.log",
            "istio-proxy",
            "",
            "shop/web-5d9c7b6f4-k4l9z/istio-proxy",
        );
        case("case_12_web.log", "unknown", "", "");
        case(
            "logs/pool1/gke-a-pool-1a2b3c4d-x2x7k/kubelet.log",
            "kubelet",
            "gke-a-pool-1a2b3c4d-x2x7k",
            "",
        );
        case("foo.txt", "unknown", "", "");
        case("", "unknown", "", "");
    }

    #[test]
    fn dumps() {
        assert_eq!(
            dump_node("d/kubelet-node1-goroutines.txt").as_deref(),
            Some("node1")
        );
        assert_eq!(
            dump_node("d/containerd-node1.stacks.log").as_deref(),
            Some("node1")
        );
        assert_eq!(dump_node("d/kubelet-goroutines-100s.txt"), None);
        assert_eq!(dump_node("d/containerd.52.stacks.log"), None);
        assert_eq!(dump_node("d/kube-controller-manager-goroutines.txt"), None);
        assert_eq!(dump_node("d/pprof-goroutine-debug1.txt"), None);
    }

    #[test]
    fn rotated_parts() {
        for path in [
            "n/kubelet.log",
            "n/kubelet.log.1",
            "n/kubelet.log.2.gz",
            "n/kubelet.log.20240209-030405",
        ] {
            assert_eq!(series(path), "n/kubelet.log", "{path}");
        }
        assert_eq!(series("messages-20240211"), "messages");
        assert_eq!(
            series("k.cp1.root.log.INFO.20261120-170045.60"),
            "k.cp1.root.log.INFO"
        );
        assert_eq!(series("c/0.log"), "c/0.log");
        assert_eq!(series("node-1"), "node-1");
    }
}
