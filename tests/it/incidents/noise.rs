//! The ordinary lines around the evidence: what components of these versions print in healthy clusters.
//!
//! The tables of Kubernetes 1.20 come from the generator of large bundles; those of older versions and of cloud and
//! mesh components stand here, in the same notation.

#[path = "../../generate/fill.rs"]
mod fill;
#[path = "../../generate/messages.rs"]
#[expect(dead_code, reason = "the generator of large bundles uses all tables")]
mod messages;
#[path = "../../generate/random.rs"]
mod random;
#[path = "../../generate/time.rs"]
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
        "apiserver-1.12" => APISERVER_112,
        "kcm-1.12" => CONTROLLER_MANAGER_112,
        "scheduler-1.12" => SCHEDULER_112,
        "kubelet-1.12" => KUBELET_112,
        "kubelet-1.27" => KUBELET_127,
        "crio" => CRIO,
        "dockerd" => DOCKERD,
        "ccm" => CLOUD_CONTROLLER,
        "terway" => TERWAY,
        "cni" => CNI,
        "kubefed" => KUBEFED,
        "istio-proxy" => ISTIO_PROXY,
        "pilot" => PILOT,
        "citadel" => CITADEL,
        "autoscaler" => AUTOSCALER,
        "kube-proxy" => KUBE_PROXY,
        "journal" => JOURNAL,
        other => panic!("no noise of kind {other:?}"),
    }
}

const APISERVER_112: &[Message] = &[
    (
        400,
        'I',
        "wrap.go:47",
        "GET $R: ($l) 200 [kube-controller-manager/v1.12.6 (linux/amd64) kubernetes/8cb561c/leader-election 192.168.0.40:$o]",
    ),
    (
        120,
        'I',
        "wrap.go:47",
        "GET /api/v1/namespaces/$n/pods/$p: ($l) 200 [kubelet/v1.12.6 (linux/amd64) kubernetes/8cb561c 192.168.0.4$d:$o]",
    ),
    (
        120,
        'I',
        "wrap.go:47",
        "PATCH /api/v1/nodes/$N/status: ($l) 200 [kubelet/v1.12.6 (linux/amd64) kubernetes/8cb561c 192.168.0.4$d:$o]",
    ),
    (
        90,
        'I',
        "wrap.go:47",
        "PUT /api/v1/namespaces/kube-system/endpoints/kube-scheduler: ($l) 200 [kube-scheduler/v1.12.6 (linux/amd64) kubernetes/8cb561c/leader-election 192.168.0.40:$o]",
    ),
    (
        60,
        'I',
        "wrap.go:47",
        "GET /api/v1/watch/namespaces/$n/configmaps/$p?resourceVersion=$D&timeoutSeconds=5$d&watch=true: (8m$d.1s) 200 [kubelet/v1.12.6 (linux/amd64) kubernetes/8cb561c 192.168.0.41:$o]",
    ),
    (
        12,
        'I',
        "wrap.go:47",
        "GET /api/v1/namespaces/$n/configmaps/$p: ($l) 404 [kubectl/v1.12.6 (linux/amd64) kubernetes/8cb561c 192.168.0.41:$o]",
    ),
    (
        10,
        'I',
        "wrap.go:47",
        "PUT /api/v1/namespaces/$n/endpoints/$p: ($l) 409 [kube-controller-manager/v1.12.6 (linux/amd64) kubernetes/8cb561c 192.168.0.40:$o]",
    ),
    (
        60,
        'I',
        "handler.go:153",
        "kube-aggregator: GET \"/api/v1/namespaces/$n/endpoints/$p\" satisfied by nonGoRestful",
    ),
    (
        60,
        'I',
        "pathrecorder.go:240",
        "kube-aggregator: \"/api/v1/namespaces/$n/pods\" satisfied by prefix /api/",
    ),
    (
        60,
        'I',
        "handler.go:143",
        "kube-apiserver: GET \"/api/v1/namespaces/$n/services\" satisfied by gorestful with webservice /api/v1",
    ),
    (
        40,
        'I',
        "round_trippers.go:438",
        "GET https://localhost:6443/api/v1/namespaces/default/services/kubernetes 200 OK in $d milliseconds",
    ),
    (
        15,
        'I',
        "rest.go:199",
        "Starting watch for /api/v1/services, rv=$D labels= fields= timeout=9m$ds",
    ),
    (
        10,
        'I',
        "trace.go:76",
        "Trace[$D]: \"List /api/v1/pods\" (started: 2026-11-20 $c +0800 CST m=+$D.1) (total time: 512.3ms):",
    ),
    (
        6,
        'I',
        "logs.go:49",
        "http: TLS handshake error from 192.168.0.$d:$o: EOF",
    ),
    (
        4,
        'E',
        "status.go:64",
        "apiserver received an error that is not an metav1.Status: &errors.errorString{s:\"context canceled\"}",
    ),
];

const CONTROLLER_MANAGER_112: &[Message] = &[
    (
        160,
        'I',
        "deployment_controller.go:569",
        "Started syncing deployment \"$P\" (2026-11-20 $c +0800 CST m=+$D.6)",
    ),
    (
        160,
        'I',
        "deployment_controller.go:571",
        "Finished syncing deployment \"$P\" ($l)",
    ),
    (
        100,
        'I',
        "endpoints_controller.go:407",
        "About to update endpoints for service \"$P\"",
    ),
    (
        100,
        'I',
        "disruption.go:340",
        "No matching pdb for pod \"$p\"",
    ),
    (90, 'I', "gc_controller.go:169", "GC'ing orphaned"),
    (
        80,
        'I',
        "pv_controller_base.go:408",
        "resyncing PV controller",
    ),
    (
        60,
        'I',
        "replica_set.go:236",
        "Pod $p updated, objectMeta {Name:$p GenerateName:web- Namespace:$n}.",
    ),
    (
        60,
        'I',
        "node_lifecycle_controller.go:874",
        "Node $N ReadyCondition updated. Updating timestamp.",
    ),
    (
        50,
        'I',
        "round_trippers.go:438",
        "GET https://192.168.0.40:6443/api/v1/namespaces/kube-system/endpoints/kube-controller-manager 200 OK in $d milliseconds",
    ),
    (
        50,
        'I',
        "leaderelection.go:227",
        "successfully renewed lease kube-system/kube-controller-manager",
    ),
    (
        8,
        'I',
        "deployment_controller.go:485",
        "Error syncing deployment $P: Operation cannot be fulfilled on deployments.apps \"web\": the object has been modified; please apply your changes to the latest version and try again",
    ),
    (
        4,
        'W',
        "reflector.go:302",
        "k8s.io/client-go/informers/factory.go:131: watch of *v1.ConfigMap ended with: too old resource version: $D ($D)",
    ),
];

const SCHEDULER_112: &[Message] = &[
    (
        200,
        'I',
        "scheduling_queue.go:812",
        "About to try and schedule pod $P",
    ),
    (
        200,
        'I',
        "scheduler.go:456",
        "Attempting to schedule pod: $P",
    ),
    (
        200,
        'I',
        "scheduler_binder.go:207",
        "FindPodVolumes for pod \"$P\", node \"$N\"",
    ),
    (150, 'I', "factory.go:1392", "Attempting to bind web to $N"),
    (
        100,
        'I',
        "reflector.go:428",
        "k8s.io/client-go/informers/factory.go:131: Watch close - *v1.Pod total $d items received",
    ),
    (
        80,
        'I',
        "leaderelection.go:227",
        "successfully renewed lease kube-system/kube-scheduler",
    ),
    (
        3,
        'W',
        "reflector.go:302",
        "k8s.io/client-go/informers/factory.go:131: watch of *v1.Service ended with: too old resource version: $D ($D)",
    ),
];

const KUBELET_112: &[Message] = &[
    (160, 'I', "kubelet.go:1995", "SyncLoop (housekeeping)"),
    (
        150,
        'I',
        "kubelet.go:1943",
        "SyncLoop (SYNC): 1 pods; $p_$n($u)",
    ),
    (
        130,
        'I',
        "prober.go:118",
        "Liveness probe for \"$p_$n($u):web\" succeeded",
    ),
    (
        130,
        'I',
        "prober.go:118",
        "Readiness probe for \"$p_$n($u):web\" succeeded",
    ),
    (
        80,
        'I',
        "kubelet_pods.go:1346",
        "Generating status for \"$p_$n($u)\"",
    ),
    (
        80,
        'I',
        "status_manager.go:348",
        "Ignoring same status for pod \"$p_$n($u)\", status: {Phase:Running}",
    ),
    (
        70,
        'I',
        "kubelet_getters.go:150",
        "status for pod $p updated to {Running}",
    ),
    (
        70,
        'I',
        "operation_generator.go:567",
        "MountVolume.SetUp succeeded for volume \"default-token-6kdjs\" (UniqueName: \"kubernetes.io/secret/$u-default-token-6kdjs\") pod \"$p\" (UID: \"$u\") ",
    ),
    (
        60,
        'I',
        "eviction_manager.go:226",
        "eviction manager: synchronize housekeeping",
    ),
    (
        50,
        'I',
        "helpers.go:836",
        "eviction manager: observations: signal=nodefs.available, available: $DKi, capacity: 41152832Ki, time: 2026-11-20 $c +0800 CST m=+$D.5",
    ),
    (
        50,
        'I',
        "config.go:99",
        "Looking for [api file], have seen map[api:{} file:{}]",
    ),
    (
        10,
        'W',
        "container.go:393",
        "Failed to create summary reader for \"/system.slice/run-user-0.mount\": none of the resources are being tracked.",
    ),
    (
        4,
        'E',
        "cadvisor_stats_provider.go:150",
        "Failed to create existing container: /kubepods.slice/$p.scope: task not found",
    ),
];

const KUBELET_127: &[Message] = &[
    (
        160,
        'I',
        "kubelet.go:2447",
        r#""SyncLoop (PLEG): event for pod" pod="$P" event={"ID":"$u","Type":"ContainerStarted","Data":"$h"}"#,
    ),
    (
        120,
        'I',
        "kubelet.go:2519",
        r#""SyncLoop (probe)" probe="readiness" status="ready" pod="$P""#,
    ),
    (
        100,
        'I',
        "pod_startup_latency_tracker.go:102",
        r#""Observed pod startup duration" pod="$P" podStartSLOduration=3.1$d podStartE2EDuration="4.2$ds""#,
    ),
    (
        100,
        'I',
        "reconciler_common.go:258",
        r#""operationExecutor.VerifyControllerAttachedVolume started for volume \"kube-api-access-6kdjs\" (UniqueName: \"kubernetes.io/projected/$u-kube-api-access-6kdjs\") pod \"$p\" (UID: \"$u\") " pod="$P""#,
    ),
    (
        80,
        'I',
        "scope.go:115",
        r#""RemoveContainer" containerID="$h""#,
    ),
    (
        40,
        'I',
        "kubelet_volumes.go:161",
        r#""Cleaned up orphaned pod volumes dir" podUID=$u path="/var/lib/kubelet/pods/$u/volumes""#,
    ),
    (
        20,
        'E',
        "dns.go:153",
        r#""Nameserver limits exceeded" err="Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: 10.0.0.2 10.0.0.3 10.0.0.4""#,
    ),
];

const CRIO: &[Message] = &[
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

const DOCKERD: &[Message] = &[
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

const CLOUD_CONTROLLER: &[Message] = &[
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

const TERWAY: &[Message] = &[
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

const CNI: &[Message] = &[
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

const KUBEFED: &[Message] = &[
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

const ISTIO_PROXY: &[Message] = &[
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

const PILOT: &[Message] = &[
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

const CITADEL: &[Message] = &[
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

const AUTOSCALER: &[Message] = &[
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

const KUBE_PROXY: &[Message] = &[
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
const JOURNAL: &[Message] = &[
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
