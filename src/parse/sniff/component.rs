//! Whose lines these are: by the names programs go by, and by what only one component prints.
//!
//! `I1120 17:44:29.195567      89 kubelet.go:2818] "SyncLoop (housekeeping)"` names a file that only the kubelet has. Files
//! that several components share (`reflector.go`, `trace.go`) tell nothing.

use std::collections::BTreeMap;

use crate::model::{Component, Record};

/// Names of programs, containers, units and files, and the component they are. Longer names first where one begins
/// another.
const NAMES: [(&str, &str); 85] = [
    ("kube-apiserver", "kube-apiserver"),
    ("apiserver", "kube-apiserver"),
    ("kube-controller-manager", "kube-controller-manager"),
    ("kcm", "kube-controller-manager"),
    ("cloud-controller-manager", "cloud-controller-manager"),
    ("ccm", "cloud-controller-manager"),
    ("controller-manager", "kube-controller-manager"),
    ("kube-scheduler", "kube-scheduler"),
    ("scheduler", "kube-scheduler"),
    ("kube-proxy", "kube-proxy"),
    ("kubelet", "kubelet"),
    ("etcd", "etcd"),
    ("containerd-shim", "containerd-shim"),
    ("containerd", "containerd"),
    ("dockerd", "dockerd"),
    ("docker", "dockerd"),
    ("crio", "cri-o"),
    ("cri-o", "cri-o"),
    ("conmon", "cri-o"),
    ("runc", "runc"),
    ("coredns", "coredns"),
    ("metrics-server", "metrics-server"),
    ("cluster-autoscaler", "cluster-autoscaler"),
    ("istio-proxy", "istio-proxy"),
    ("istiod", "istio-pilot"),
    ("istio-pilot", "istio-pilot"),
    ("pilot", "istio-pilot"),
    ("discovery", "istio-pilot"),
    ("istio-citadel", "istio-citadel"),
    ("citadel", "istio-citadel"),
    ("istio-galley", "istio-galley"),
    ("galley", "istio-galley"),
    ("kubefed", "kubefed"),
    ("kubefed-controller-manager", "kubefed"),
    ("ingress-nginx", "ingress-nginx"),
    ("nginx-ingress-controller", "ingress-nginx"),
    ("nginx-ingress", "ingress-nginx"),
    ("systemd", "systemd"),
    ("kernel", "kernel"),
    ("dmesg", "kernel"),
    ("kern", "kernel"),
    ("cni", "cni"),
    ("calico-node", "cni"),
    ("calico", "cni"),
    ("kube-flannel", "cni"),
    ("flanneld", "cni"),
    ("flannel", "cni"),
    ("cilium-agent", "cni"),
    ("cilium", "cni"),
    ("terway", "cni"),
    ("aws-node", "cni"),
    ("ipamd", "cni"),
    ("weave", "cni"),
    ("aws-cloud-controller-manager", "cloud-controller-manager"),
    (
        "openstack-cloud-controller-manager",
        "cloud-controller-manager",
    ),
    (
        "hcloud-cloud-controller-manager",
        "cloud-controller-manager",
    ),
    (
        "vsphere-cloud-controller-manager",
        "cloud-controller-manager",
    ),
    ("cloud-node-manager", "cloud-controller-manager"),
    ("node-local-dns", "coredns"),
    ("nodelocaldns", "coredns"),
    ("node-cache", "coredns"),
    ("karpenter", "karpenter"),
    ("aws-load-balancer-controller", "load-balancer-controller"),
    ("alb-ingress-controller", "load-balancer-controller"),
    ("ebs-csi-controller", "csi-driver"),
    ("ebs-csi-node", "csi-driver"),
    ("ebs-plugin", "csi-driver"),
    ("efs-csi-controller", "csi-driver"),
    ("csi-azuredisk-controller", "csi-driver"),
    ("csi-azurefile-controller", "csi-driver"),
    ("csi-gce-pd-controller", "csi-driver"),
    ("csi-cinder-controllerplugin", "csi-driver"),
    ("csi-provisioner", "csi-driver"),
    ("csi-attacher", "csi-driver"),
    ("csi-plugin", "csi-driver"),
    ("cert-manager", "cert-manager"),
    ("linkerd-proxy", "linkerd"),
    ("linkerd-identity", "linkerd"),
    ("linkerd-destination", "linkerd"),
    ("linkerd-proxy-injector", "linkerd"),
    ("k3s", "k3s"),
    ("rke2", "rke2"),
    ("audit", "audit"),
    ("kubectl", "kubectl"),
    ("goroutine-stacks", "dockerd"),
];

/// Go files that exist in one component only.
const FILES: [(&str, &[&str]); 6] = [
    (
        "kubelet",
        &[
            "generic.go",
            "pleg.go",
            "evented.go",
            "kubelet.go",
            "kuberuntime_manager.go",
            "remote_runtime.go",
            "remote_image.go",
            "pod_workers.go",
            "status_manager.go",
            "volume_manager.go",
            "eviction_manager.go",
            "container_manager_linux.go",
            "cpu_manager.go",
            "memory_manager.go",
            "topology_manager.go",
            "prober.go",
            "setters.go",
            "docker_service.go",
            "docker_sandbox.go",
            "docker_container.go",
            "cni.go",
            "image_gc_manager.go",
            "qos_container_manager_linux.go",
            "pod_container_deletor.go",
            "oom_watcher_linux.go",
            "fs_resource_analyzer.go",
            "plugin_manager.go",
            "plugin_watcher.go",
            "container_log_manager.go",
            "pod_startup_latency_tracker.go",
            "node_container_manager_linux.go",
            "cri_stats_provider.go",
            "pod_manager.go",
            "reconciler_common.go",
            "labels.go",
            "nvidia.go",
            "csi_plugin.go",
        ],
    ),
    (
        "kube-controller-manager",
        &[
            "controllermanager.go",
            "namespace_controller.go",
            "namespaced_resources_deleter.go",
            "replica_set.go",
            "deployment_controller.go",
            "node_lifecycle_controller.go",
            "garbagecollector.go",
            "graph_builder.go",
            "resource_quota_controller.go",
            "resource_quota_monitor.go",
            "endpoints_controller.go",
            "endpointslice_controller.go",
            "job_controller.go",
            "cronjob_controllerv2.go",
            "daemon_controller.go",
            "stateful_set.go",
            "gc_controller.go",
            "ttl_controller.go",
            "serviceaccounts_controller.go",
            "tokens_controller.go",
            "attach_detach_controller.go",
            "pv_controller.go",
            "pv_controller_base.go",
            "taint_manager.go",
            "controller_utils.go",
            "disruption.go",
            "horizontal.go",
            "certificate_controller.go",
            "range_allocator.go",
            "pvc_protection_controller.go",
            "taint_eviction.go",
        ],
    ),
    (
        "kube-apiserver",
        &[
            "wrap.go",
            "available_controller.go",
            "apf_controller.go",
            "store.go",
            "handler.go",
            "crd_finalizer.go",
            "naming_controller.go",
            "establishing_controller.go",
            "customresource_discovery_controller.go",
            "autoregister_controller.go",
            "storage_rbac.go",
            "cacher.go",
            "watch_cache.go",
            "lease.go",
            "genericapiserver.go",
            "remote_available_controller.go",
            "local_available_controller.go",
            "storage_flowcontrol.go",
            "cidrallocator.go",
            "repair.go",
            "repairip.go",
        ],
    ),
    (
        "kube-scheduler",
        &[
            "scheduler.go",
            "schedule_one.go",
            "factory.go",
            "scheduling_queue.go",
            "default_binder.go",
            "eventhandlers.go",
            "generic_scheduler.go",
            "default_preemption.go",
        ],
    ),
    (
        "cloud-controller-manager",
        &[
            "route_controller.go",
            "service_controller.go",
            "alicloud.go",
            "aws_routes.go",
            "azure_routes.go",
            "azure_backoff.go",
            "gce_routes.go",
            "openstack_routes.go",
            "cloud_cidr_allocator.go",
            "node_controller.go",
        ],
    ),
    (
        "kube-proxy",
        &[
            "proxier.go",
            "server_others.go",
            "roundrobin.go",
            "server_linux.go",
            "endpointschangetracker.go",
            "servicechangetracker.go",
            "proxier_health.go",
        ],
    ),
];

/// Flags that one component has.
const FLAGS: [(&str, &str); 16] = [
    ("--pod-manifest-path", "kubelet"),
    ("--cgroup-driver", "kubelet"),
    ("--node-status-update-frequency", "kubelet"),
    ("--address-sort", "kubelet"),
    ("--anonymous-auth=\"true\"", "kubelet"),
    ("--allowed-unsafe-sysctls", "kubelet"),
    ("--etcd-servers", "kube-apiserver"),
    ("--admission-control", "kube-apiserver"),
    ("--advertise-address", "kube-apiserver"),
    ("--concurrent-gc-syncs", "kube-controller-manager"),
    (
        "--attach-detach-reconcile-sync-period",
        "kube-controller-manager",
    ),
    ("--concurrent-deployment-syncs", "kube-controller-manager"),
    ("--algorithm-provider", "kube-scheduler"),
    ("--pod-max-in-unschedulable-pods-duration", "kube-scheduler"),
    ("--iptables-masquerade-bit", "kube-proxy"),
    ("--proxy-mode", "kube-proxy"),
];

/// Texts that one component prints.
const TEXTS: [(&str, &str); 22] = [
    ("starting containerd", "containerd"),
    ("loading plugin \"io.containerd.", "containerd"),
    ("containerd successfully booted", "containerd"),
    ("RunPodSandbox for", "containerd"),
    ("StopPodSandbox for", "containerd"),
    ("TearDown network for sandbox", "containerd"),
    ("topic=/containers/", "containerd"),
    ("topic=/tasks/", "containerd"),
    ("Calling GET /v1.", "dockerd"),
    ("Calling POST /v1.", "dockerd"),
    ("Loading containers: ", "dockerd"),
    ("Daemon has completed initialization", "dockerd"),
    ("namespace=moby", "dockerd"),
    ("module=libcontainerd", "dockerd"),
    ("name=/runtime.v1.", "cri-o"),
    ("name=/runtime.v1alpha2.", "cri-o"),
    ("Starting CRI-O", "cri-o"),
    ("etcdserver: ", "etcd"),
    ("etcdmain: ", "etcd"),
    ("plugin/reload", "coredns"),
    ("CoreDNS-1.", "coredns"),
    ("Envoy proxy is ready", "istio-proxy"),
];

/// Folders of etcd's own source files, as its JSON names callers.
const ETCD: [&str; 14] = [
    "etcdserver/",
    "embed/",
    "etcdmain/",
    "rafthttp/",
    "mvcc/",
    "v3rpc/",
    "wal/",
    "membership/",
    "etcdhttp/",
    "backend/",
    "snap/",
    "raft/",
    "flags/flag.go",
    "schema/",
];

/// The component a name stands for, also where it goes on (`kube-apiserver-cp1`, `kubelet_service`).
pub(super) fn named(name: &str) -> Component {
    let found = exact(name);
    if !found.is_unknown() {
        return found;
    }
    NAMES
        .iter()
        .filter(|(n, _)| {
            name.strip_prefix(n)
                .is_some_and(|rest| rest.starts_with(['-', '.', '_', '@']))
        })
        .max_by_key(|(n, _)| n.len())
        .map_or(Component::UNKNOWN, |(_, c)| Component::named(c))
}

/// The component with exactly this name.
pub(super) fn exact(name: &str) -> Component {
    NAMES
        .iter()
        .find(|(n, _)| *n == name)
        .map_or(Component::UNKNOWN, |(_, c)| Component::named(c))
}

/// Counts what lines say about their writer.
#[derive(Debug, Default)]
pub(super) struct Votes {
    points: BTreeMap<&'static str, u32>,
    /// Names in journald and container prefixes.
    idents: BTreeMap<String, u32>,
}

impl Votes {
    fn vote(&mut self, component: &'static str, points: u32) {
        let sum = self.points.entry(component).or_default();
        *sum = sum.saturating_add(points);
    }

    /// Counts one record.
    pub(super) fn count(&mut self, record: &Record<'_>, format: Option<&str>) {
        if let Some(ident) = record.ident.as_deref()
            && (self.idents.len() < 64 || self.idents.contains_key(ident))
        {
            *self.idents.entry(ident.to_owned()).or_default() += 1;
        }
        match format {
            Some("kernel" | "dmesg") => self.vote("kernel", 5),
            Some("audit") => self.vote("audit", 20),
            Some("calico") => self.vote("cni", 5),
            Some("coredns") => self.vote("coredns", 5),
            _ => {}
        }
        if let Some(caller) = record.caller.as_deref() {
            let path = caller.split(':').next().unwrap_or(caller);
            let file = path.rsplit('/').next().unwrap_or(path);
            if format == Some("json") && ETCD.iter().any(|f| caller.starts_with(f)) {
                self.vote("etcd", 5);
            }
            for (component, files) in FILES {
                if files.contains(&file) {
                    self.vote(component, 5);
                }
            }
            // Every component with an HTTP server has it; one prints little else.
            if file == "httplog.go" {
                self.vote("kube-apiserver", 1);
            }
            if file.starts_with("kubelet_") || file.starts_with("kuberuntime_") {
                self.vote("kubelet", 5);
            }
        }
        let head = record
            .text
            .get(..record.text.len().min(300))
            .unwrap_or_default();
        let text = String::from_utf8_lossy(head);
        if let Some(flag) = text.strip_prefix("FLAG: ") {
            for (name, component) in FLAGS {
                if flag.starts_with(name) {
                    self.vote(component, 50);
                }
            }
        } else if matches!(
            format,
            Some("logfmt" | "capnslog" | "coredns" | "leveled" | "istio")
        ) {
            for (needle, component) in TEXTS {
                if text.contains(needle) {
                    self.vote(component, 5);
                }
            }
        }
    }

    /// The verdict: by prefix where one name has nearly all lines, else by content, else by path.
    pub(super) fn decide(&self, path: &Component) -> (Component, &'static str) {
        let lines: u32 = self.idents.values().sum();
        if let Some((ident, count)) = self.idents.iter().max_by_key(|(_, n)| **n)
            && count * 10 >= lines * 9
            && !matches!(ident.as_str(), "bash" | "sh" | "logger")
        {
            let component = named(ident);
            if !component.is_unknown() {
                return (component, "its prefix");
            }
            let content = self.best();
            if let Some((name, points)) = content
                && points >= 15
            {
                return (Component::named(name), "what it prints");
            }
            return (Component::named("app"), "its prefix");
        }
        // A file of many programs: each record tells its own.
        if self.idents.len() > 1 {
            return (Component::UNKNOWN, "many prefixes");
        }
        match self.best() {
            Some((name, points)) if points >= 5 && path.is_unknown() => {
                (Component::named(name), "what it prints")
            }
            // k3s and the like print the lines of many.
            Some((name, points))
                if points >= 15
                    && name != path.as_str()
                    && !path.is_many()
                    && self
                        .points
                        .get(path.as_str())
                        .is_none_or(|p| p * 4 < points) =>
            {
                (Component::named(name), "what it prints")
            }
            _ if path.is_unknown() => (Component::UNKNOWN, "nothing"),
            _ => (path.clone(), "its path"),
        }
    }

    fn best(&self) -> Option<(&'static str, u32)> {
        self.points
            .iter()
            .max_by_key(|(_, n)| **n)
            .map(|(name, n)| (*name, *n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::log;

    #[test]
    fn names() {
        for (name, component) in [
            ("kube-apiserver-cp1", "kube-apiserver"),
            ("kubefed-controller-manager-7d", "kubefed"),
            ("cloud-controller-manager", "cloud-controller-manager"),
            ("kubelet_service", "kubelet"),
            ("containerd-shim-runc-v2", "containerd-shim"),
            ("etcd-events", "etcd"),
            ("etcdctl", "unknown"),
            ("web", "unknown"),
        ] {
            assert_eq!(named(name).as_str(), component, "{name}");
        }
    }

    #[track_caller]
    fn case(lines: &[&str], path: &str, expected: &str) {
        let mut votes = Votes::default();
        for line in lines {
            let formats = log::formats(line.as_bytes());
            votes.count(&log::record(line.as_bytes()), formats.last().copied());
        }
        let path = if path.is_empty() {
            Component::UNKNOWN
        } else {
            Component::named(path)
        };
        assert_eq!(votes.decide(&path).0.as_str(), expected);
    }

    #[test]
    fn contents() {
        let pleg = "I1120 17:44:29.195294      89 generic.go:290] \"PLEG\"";
        let kubelet = "I1120 17:44:29.195567      89 kubelet.go:2818] \"SyncLoop (housekeeping)\"";
        let watch = "I1120 17:44:29.195567      89 reflector.go:527] \"Forcing resync\"";
        case(&[pleg, watch], "", "kubelet");
        case(&[pleg, kubelet, kubelet], "kube-apiserver", "kubelet");
        case(&[watch, watch], "kube-apiserver", "kube-apiserver");
        case(&[watch], "", "unknown");
        case(
            &["I1120 17:01:00.181384      60 flags.go:59] FLAG: --etcd-servers=\"[]\""],
            "",
            "kube-apiserver",
        );
        case(
            &["time=\"2026-11-20T17:02:06Z\" level=info msg=\"starting containerd\" version=1"],
            "",
            "containerd",
        );
        case(
            &[
                r#"{"level":"warn","ts":"2026-11-20T17:39:17.2Z","caller":"embed/config.go:1209","msg":"x"}"#,
            ],
            "",
            "etcd",
        );
        case(
            &[
                "Nov 20 17:06:13 n1 kubelet[7]: x",
                "Nov 20 17:06:13 n1 kubelet[7]: y",
            ],
            "etcd",
            "kubelet",
        );
        case(
            &[
                "Nov 20 17:06:13 n1 kubelet[7]: x",
                "Nov 20 17:06:13 n1 sshd[7]: y",
            ],
            "",
            "unknown",
        );
        case(&["Nov 20 17:06:13 n1 shop-api[7]: x"], "", "app");
    }
}
