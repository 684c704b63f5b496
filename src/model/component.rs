//! Who wrote a line: the component's name as Kubernetes people say it.

use std::borrow::Cow;
use std::fmt;

/// A component by its field name (`kubelet`, `kube-apiserver`, `containerd`) or one of the pseudo components
/// for evidence that is not a log: [`Component::OBJECT`], [`Component::EVENT`], [`Component::PROCESS`],
/// [`Component::CERTIFICATE`], [`Component::KUBECTL`], [`Component::AUDIT`], [`Component::HOST`],
/// [`Component::KERNEL_STACK`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Component(Cow<'static, str>);

impl Component {
    /// Nobody knows.
    pub const UNKNOWN: Self = Self(Cow::Borrowed("unknown"));
    /// State of an API object: a kubectl table, a YAML or JSON object, a describe output.
    pub const OBJECT: Self = Self(Cow::Borrowed("object"));
    /// A Kubernetes Event, in whatever form it came.
    pub const EVENT: Self = Self(Cow::Borrowed("event"));
    /// A row of a process list.
    pub const PROCESS: Self = Self(Cow::Borrowed("process"));
    /// An X.509 certificate.
    pub const CERTIFICATE: Self = Self(Cow::Borrowed("certificate"));
    /// What kubectl itself said (errors, warnings).
    pub const KUBECTL: Self = Self(Cow::Borrowed("kubectl"));
    /// An `audit.k8s.io` event.
    pub const AUDIT: Self = Self(Cow::Borrowed("audit"));
    /// Output of a host command (df, ip route, busctl, resolv.conf).
    pub const HOST: Self = Self(Cow::Borrowed("host"));
    /// The Linux kernel.
    pub const KERNEL: Self = Self(Cow::Borrowed("kernel"));
    /// Stacks of threads inside the kernel.
    pub const KERNEL_STACK: Self = Self(Cow::Borrowed("kernel-stack"));
    /// The kubelet.
    pub const KUBELET: Self = Self(Cow::Borrowed("kubelet"));

    /// Whether what it says is never a line of a log, only a state line made from an output.
    pub fn is_of_state_lines(&self) -> bool {
        [
            Self::OBJECT,
            Self::EVENT,
            Self::PROCESS,
            Self::CERTIFICATE,
            Self::KERNEL_STACK,
        ]
        .contains(self)
    }

    /// A component by name.
    pub fn named(name: &str) -> Self {
        Self(Cow::Owned(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The component a program is, by its name in a process list or a journal (`crio`, `dockerd`,
    /// `/usr/bin/kubelet`); `None` for programs that are no component.
    pub fn of_program(program: &str) -> Option<Self> {
        const PROGRAMS: [(&str, &str); 48] = [
            ("kubelet", "kubelet"),
            ("hyperkube", "kubelet"),
            ("kube-apiserver", "kube-apiserver"),
            ("hyperkube-apiserver", "kube-apiserver"),
            // As Cloud Logging names the control plane.
            ("apiserver", "kube-apiserver"),
            ("controller-manager", "kube-controller-manager"),
            ("scheduler", "kube-scheduler"),
            ("kube-controller-manager", "kube-controller-manager"),
            ("kube-scheduler", "kube-scheduler"),
            ("kube-proxy", "kube-proxy"),
            ("cloud-controller-manager", "cloud-controller-manager"),
            // The name of vSphere's in its chart and in Rancher.
            ("vsphere-cpi", "cloud-controller-manager"),
            ("rancher-vsphere-cpi", "cloud-controller-manager"),
            ("etcd", "etcd"),
            ("containerd", "containerd"),
            ("docker-containerd", "containerd"),
            ("dockerd", "dockerd"),
            ("docker", "dockerd"),
            ("dockerd-current", "dockerd"),
            ("crio", "cri-o"),
            ("cri-o", "cri-o"),
            ("conmon", "cri-o"),
            ("runc", "runc"),
            ("docker-runc", "runc"),
            ("containerd-shim", "containerd-shim"),
            ("containerd-shim-runc-v1", "containerd-shim"),
            ("containerd-shim-runc-v2", "containerd-shim"),
            ("docker-containerd-shim", "containerd-shim"),
            ("kernel", "kernel"),
            ("systemd", "systemd"),
            ("systemd-journald", "systemd"),
            ("systemd-timesyncd", "systemd"),
            // The time services of a machine.
            ("chronyd", "systemd"),
            ("ntpd", "systemd"),
            ("coredns", "coredns"),
            ("cluster-autoscaler", "cluster-autoscaler"),
            ("metrics-server", "metrics-server"),
            ("k3s", "k3s"),
            ("k3s-agent", "k3s"),
            ("rke2", "rke2"),
            ("rke2-server", "rke2"),
            ("rke2-agent", "rke2"),
            ("microk8s.daemon-kubelite", "kubelite"),
            ("microk8s.daemon-kubelet", "kubelet"),
            ("microk8s.daemon-containerd", "containerd"),
            ("microk8s.daemon-apiserver", "kube-apiserver"),
            ("microk8s.daemon-proxy", "kube-proxy"),
            ("terwayd", "cni"),
        ];
        let base = program.rsplit('/').next().unwrap_or(program);
        PROGRAMS
            .iter()
            .find(|(p, _)| *p == base)
            .map(|(_, c)| Self(Cow::Borrowed(c)))
    }

    /// Nobody knows who wrote it.
    pub fn is_unknown(&self) -> bool {
        self.0 == "unknown"
    }

    /// Whether it runs many components in one process, so that its log holds the lines of all of them.
    pub fn is_many(&self) -> bool {
        matches!(&*self.0, "k3s" | "rke2" | "kubelite")
    }

    /// A controller that runs as an ordinary pod: besides its own lines it prints what every application prints.
    pub fn is_add_on(&self) -> bool {
        matches!(
            &*self.0,
            "karpenter" | "load-balancer-controller" | "csi-driver" | "cert-manager" | "linkerd"
        )
    }

    /// Whether it runs once on every node and speaks about that node, so that the node it runs on is the
    /// node its facts are about.
    pub fn is_node_local(&self) -> bool {
        matches!(
            &*self.0,
            "kubelet"
                | "containerd"
                | "dockerd"
                | "cri-o"
                | "cni"
                | "kernel"
                | "systemd"
                | "kube-proxy"
                | "process"
                | "host"
                | "kernel-stack"
                | "runc"
                | "containerd-shim"
        )
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
