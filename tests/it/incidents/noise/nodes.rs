//! Runtimes, networks, clouds and meshes.

use super::messages::Message;

pub(super) const CRIO: &[Message] = &[
    (
        200,
        'I',
        "",
        r#"msg="Checking image status: registry.example.com/shop/web:1.$d" id=$u name=/runtime.v1.ImageService/ImageStatus"#,
    ),
    (
        100,
        'I',
        "",
        r#"msg="Created container $h: $P/web" id=$u name=/runtime.v1.RuntimeService/CreateContainer"#,
    ),
    (
        100,
        'I',
        "",
        r#"msg="Started container" PID=$D containerID=$h description=$P/web id=$u name=/runtime.v1.RuntimeService/StartContainer"#,
    ),
    (
        60,
        'I',
        "",
        r#"msg="Removed container $h: $P/web" id=$u name=/runtime.v1.RuntimeService/RemoveContainer"#,
    ),
];

pub(super) const DOCKERD: &[Message] = &[
    (
        200,
        'I',
        "",
        r#"msg="shim docker-containerd-shim started" address="/containerd-shim/moby/$h/shim.sock" debug=false module="containerd/tasks" pid=$D"#,
    ),
    (
        200,
        'I',
        "",
        r#"msg="shim reaped" id=$h module="containerd/tasks""#,
    ),
    (
        200,
        'I',
        "",
        r#"msg="ignoring event" module=libcontainerd namespace=moby topic=/tasks/delete type="*events.TaskDelete""#,
    ),
    (
        100,
        'D',
        "",
        r#"msg="Calling GET /v1.38/containers/json?filters=%7B%22label%22%3A%7B%22io.kubernetes.docker.type%3Dcontainer%22%3Atrue%7D%7D&limit=0""#,
    ),
    (
        100,
        'D',
        "",
        r#"msg="Calling GET /v1.38/containers/$h/json""#,
    ),
    (
        6,
        'W',
        "",
        r#"msg="unknown container" container=$h module=libcontainerd namespace=plugins.moby"#,
    ),
];

pub(super) const CLOUD_CONTROLLER: &[Message] = &[
    (
        200,
        'I',
        "leaderelection.go:227",
        "successfully renewed lease kube-system/ccm",
    ),
    (
        150,
        'I',
        "node_controller.go:211",
        "Successfully initialized node $N with cloud provider",
    ),
    (
        150,
        'I',
        "service_controller.go:301",
        "Service $P, old ingress [], need not be updated",
    ),
    (
        120,
        'I',
        "alicloud.go:230",
        "alicloud: call GetLoadBalancer with cluster [kubernetes] and service [$P]",
    ),
    (
        120,
        'I',
        "instances.go:104",
        "Alicloud.InstanceExistsByProviderID(\"cn-shanghai.$N\")",
    ),
    (
        60,
        'I',
        "round_trippers.go:438",
        "GET https://192.168.0.40:6443/api/v1/nodes 200 OK in $d milliseconds",
    ),
    (
        20,
        'I',
        "reflector.go:428",
        "k8s.io/client-go/informers/factory.go:131: Watch close - *v1.Service total $d items received",
    ),
];

pub(super) const TERWAY: &[Message] = &[
    (
        200,
        'I',
        "",
        "msg=\"alloc ip request: K8SPodName:\\\"$p\\\" K8SPodNamespace:\\\"$n\\\" K8SPodInfraContainerId:\\\"$h\\\" Netns:\\\"/proc/$D/ns/net\\\" IfName:\\\"eth0\\\" \"",
    ),
    (
        200,
        'I',
        "",
        "msg=\"alloc ip reply: Success:true IPType:TypeVPCIP \"",
    ),
    (
        120,
        'I',
        "",
        "msg=\"release ip request: K8SPodName:\\\"$p\\\" K8SPodNamespace:\\\"$n\\\" \"",
    ),
    (
        120,
        'I',
        "",
        "msg=\"garbage collection: keep $d resources\"",
    ),
];

pub(super) const CNI: &[Message] = &[
    (
        100,
        'I',
        "",
        "@slash [info] config loaded: /etc/cni/net.d/10-vpc.conflist, version 0.3.1",
    ),
    (
        100,
        'I',
        "",
        "@slash [info] secondary address pool: $d free, $d in use",
    ),
];

pub(super) const KUBEFED: &[Message] = &[
    (
        200,
        'I',
        "controller.go:220",
        "Starting to reconcile FederatedNamespace \"$n\"",
    ),
    (
        200,
        'I',
        "controller.go:222",
        "Finished reconciling FederatedNamespace \"$n\" (duration: $l)",
    ),
    (
        120,
        'I',
        "controller.go:411",
        "Ensuring FederatedClusterRole \"$p\" in clusters: host",
    ),
    (
        60,
        'I',
        "clusterclient.go:160",
        "Cluster \"host\" is healthy",
    ),
    (
        40,
        'I',
        "leaderelection.go:273",
        "successfully renewed lease kube-federation-system/kubefed-controller-manager",
    ),
];

pub(super) const ISTIO_PROXY: &[Message] = &[
    (100, 'I', "", "Received new config, resetting budget"),
    (
        60,
        'I',
        "",
        "Epoch 0: set retry delay to 200ms, budget to 10",
    ),
    (60, 'I', "", "watching /etc/certs for changes"),
    (
        40,
        'I',
        "",
        "PilotSAN []string{\"spiffe://cluster.local/ns/istio-system/sa/istio-pilot-service-account\"}",
    ),
];

pub(super) const PILOT: &[Message] = &[
    (
        200,
        'I',
        "ads",
        "ads\tADS:CDS: REQ $a:$o sidecar~$a~$p.$n~$n.svc.cluster.local-1 $d.1s raw: 0",
    ),
    (
        200,
        'I',
        "ads",
        "ads\tPush debounce stable[$d] $d: 100.1ms since last change, 100.1ms since last push, full=true",
    ),
    (
        200,
        'I',
        "ads",
        "ads\tLDS: PUSH for node:$p.$n listeners:$d",
    ),
];

pub(super) const CITADEL: &[Message] = &[
    (
        200,
        'I',
        "",
        "Refreshing secret $n/istio.default, either the leaf certificate is about to expire or the root certificate is outdated",
    ),
    (
        200,
        'I',
        "",
        "Secret $n/istio.default is refreshed successfully",
    ),
    (
        100,
        'I',
        "",
        "Istio secret for service account \"default\" in namespace \"$n\" has been created",
    ),
];

pub(super) const AUTOSCALER: &[Message] = &[
    (200, 'I', "static_autoscaler.go:192", "Starting main loop"),
    (
        160,
        'I',
        "utils.go:591",
        "No pod using affinity / antiaffinity found in cluster, disabling affinity predicate for this loop",
    ),
    (
        160,
        'I',
        "static_autoscaler.go:303",
        "Filtering out schedulables",
    ),
    (
        160,
        'I',
        "static_autoscaler.go:341",
        "No unschedulable pods",
    ),
    (
        160,
        'I',
        "static_autoscaler.go:389",
        "Calculating unneeded nodes",
    ),
    (
        100,
        'I',
        "scale_down.go:421",
        "Node $N - cpu utilization 0.7$d",
    ),
    (
        100,
        'I',
        "static_autoscaler.go:441",
        "Scale down status: unneededOnly=false lastScaleUpTime=2026-11-20 $c +0800 CST",
    ),
];

pub(super) const KUBE_PROXY: &[Message] = &[
    (200, 'I', "proxier.go:748", "Syncing iptables rules"),
    (200, 'I', "proxier.go:699", "syncProxyRules took $l"),
    (
        100,
        'I',
        "service.go:306",
        "Updating existing service port \"$P:http\" at 172.19.9.$d:80/TCP",
    ),
    (
        100,
        'I',
        "bounded_frequency_runner.go:221",
        "sync-runner: ran, next possible in 1s, periodic in 30s",
    ),
];

/// What other programs of a machine say in its journal, as `program: message`.
pub(super) const JOURNAL: &[Message] = &[
    (
        90,
        'I',
        "kernel",
        "cni0: port $d(veth$d) entered forwarding state",
    ),
    (90, 'I', "systemd", "Started Session $d of user root."),
    (60, 'I', "CROND[$d]", "(root) CMD (/usr/lib64/sa/sa1 1 1)"),
    (
        60,
        'I',
        "sshd[2201]",
        "Accepted publickey for root from $a port $o ssh2: RSA SHA256:example",
    ),
    (40, 'I', "chronyd[733]", "Selected source 100.100.61.88"),
];
