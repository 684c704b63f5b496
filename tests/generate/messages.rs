//! What components print, as weighted templates: the chatter of healthy clusters, and about one error in a hundred.
//!
//! `$x` is filled in: `$P` namespace/pod, `$p` pod, `$n` namespace, `$N` node, `$u` uid, `$h` container id, `$a` address,
//! `$w` address of a client of the API server, `$o` port, `$d` and `$D` small and large numbers, `$l` latency, `$A` user
//! agent, `$R` request path, `$t` time.

/// How often, level, caller, message.
pub(crate) type Message = (u32, char, &'static str, &'static str);

/// Old and new request lines of the API server, with what else it says.
pub(crate) const APISERVER: &[Message] = &[
    (
        620,
        'I',
        "httplog.go:89",
        r#""HTTP" verb="GET" URI="$R" latency="$l" userAgent="$A" srcIP="$w:$o" resp=200"#,
    ),
    (
        130,
        'I',
        "httplog.go:89",
        r#""HTTP" verb="PUT" URI="/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/$N?timeout=10s" latency="$l" userAgent="$A" srcIP="$w:$o" resp=200"#,
    ),
    (
        60,
        'I',
        "httplog.go:89",
        r#""HTTP" verb="PATCH" URI="/api/v1/namespaces/$n/pods/$p/status" latency="$l" userAgent="$A" srcIP="$w:$o" resp=200"#,
    ),
    (
        40,
        'I',
        "httplog.go:89",
        r#""HTTP" verb="WATCH" URI="$R&watch=true" latency="$ls" userAgent="$A" srcIP="$w:$o" resp=0"#,
    ),
    (
        12,
        'I',
        "httplog.go:89",
        r#""HTTP" verb="GET" URI="/api/v1/namespaces/$n/configmaps/$p" latency="$l" userAgent="$A" srcIP="$w:$o" resp=404"#,
    ),
    (
        9,
        'I',
        "httplog.go:89",
        r#""HTTP" verb="PUT" URI="/api/v1/namespaces/$n/endpoints/$p" latency="$l" userAgent="$A" srcIP="$w:$o" resp=409"#,
    ),
    (
        30,
        'I',
        "get.go:259",
        r#""Starting watch" path="/api/v1/namespaces/$n/configmaps" resourceVersion="$D" labels="" fields="metadata.name=$p" timeout="9m$ds""#,
    ),
    (
        40,
        'I',
        "available_controller.go:526",
        "Updating v1.authorization.k8s.io",
    ),
    (
        20,
        'I',
        "balancer_conn_wrappers.go:78",
        "pickfirstBalancer: HandleSubConnStateChange: 0xc00$D, {READY <nil>}",
    ),
    (20, 'I', "client.go:360", "parsed scheme: \"passthrough\""),
    (
        20,
        'I',
        "clientconn.go:948",
        "ClientConn switching balancer to \"pick_first\"",
    ),
    (
        14,
        'I',
        "trace.go:205",
        "Trace[$D]: \"List etcd3\" key:/pods,resourceVersion:,resourceVersionMatch:,limit:0,continue: (20-Nov-2026 04:05:06.123) (total time: $dms):",
    ),
    (
        5,
        'W',
        "warnings.go:70",
        "batch/v1beta1 CronJob is deprecated in v1.21+, unavailable in v1.25+",
    ),
    (
        4,
        'E',
        "status.go:71",
        "apiserver received an error that is not an metav1.Status: &errors.errorString{s:\"context canceled\"}",
    ),
    (
        4,
        'E',
        "writers.go:117",
        "apiserver was unable to write a JSON response: write tcp $a:6443->$a:$o: write: broken pipe",
    ),
];

/// The controller manager.
pub(crate) const CONTROLLER_MANAGER: &[Message] = &[
    (
        150,
        'I',
        "deployment_controller.go:570",
        "Started syncing deployment \"$P\" (2026-11-20 $c +0000 UTC m=+$d.6)",
    ),
    (
        150,
        'I',
        "deployment_controller.go:572",
        "Finished syncing deployment \"$P\" ($l)",
    ),
    (
        120,
        'I',
        "disruption.go:398",
        "No matching pdb for pod \"$p\"",
    ),
    (
        90,
        'I',
        "gc_controller.go:224",
        "GC'ing unscheduled pods which are terminating.",
    ),
    (
        80,
        'I',
        "pv_controller_base.go:527",
        "resyncing PV controller",
    ),
    (
        80,
        'I',
        "endpointslice_controller.go:314",
        "About to update endpoint slices for service \"$P\"",
    ),
    (
        60,
        'I',
        "replica_set.go:288",
        "Pod $p updated, objectMeta {Name:$p GenerateName:web- Namespace:$n UID:$u ResourceVersion:$D Generation:0}",
    ),
    (
        60,
        'I',
        "node_lifecycle_controller.go:1092",
        "Node $N ReadyCondition updated. Updating timestamp.",
    ),
    (
        60,
        'I',
        "namespaced_resources_deleter.go:346",
        "namespace controller - listCollection - namespace: $n, gvr: apps/v1, Resource=deployments",
    ),
    (
        40,
        'I',
        "horizontal.go:765",
        "Successfully updated status for web-$d",
    ),
    (
        30,
        'I',
        "event.go:291",
        r#""Event occurred" object="$P" kind="ReplicaSet" apiVersion="apps/v1" type="Normal" reason="SuccessfulCreate" message="Created pod: $p""#,
    ),
    (
        20,
        'I',
        "request.go:591",
        "Throttling request took $l, request: GET:https://10.20.0.10:6443$R",
    ),
    (
        6,
        'I',
        "deployment_controller.go:490",
        "Error syncing deployment $P: Operation cannot be fulfilled on deployments.apps \"web\": the object has been modified; please apply your changes to the latest version and try again",
    ),
    (
        5,
        'W',
        "reflector.go:436",
        "k8s.io/client-go/informers/factory.go:134: watch of *v1.PartialObjectMetadata ended with: an error on the server (\"unable to decode an event from the watch stream: http2: client connection lost\") has prevented the request from succeeding",
    ),
    (
        7,
        'E',
        "disruption.go:534",
        "Error syncing PodDisruptionBudget $P, requeuing: Operation cannot be fulfilled on poddisruptionbudgets.policy \"web\": the object has been modified; please apply your changes to the latest version and try again",
    ),
];

/// The scheduler.
pub(crate) const SCHEDULER: &[Message] = &[
    (
        100,
        'I',
        "scheduler.go:592",
        r#""Successfully bound pod to node" pod="$P" node="$N" evaluatedNodes=3 feasibleNodes=3"#,
    ),
    (
        100,
        'I',
        "scheduling_queue.go:812",
        "About to try and schedule pod $P",
    ),
    (
        100,
        'I',
        "eventhandlers.go:201",
        r#""Delete event for unscheduled pod" pod="$P""#,
    ),
    (
        200,
        'I',
        "reflector.go:530",
        "k8s.io/client-go/informers/factory.go:134: Watch close - *v1.Pod total $d items received",
    ),
    (
        40,
        'I',
        "leaderelection.go:273",
        "successfully renewed lease kube-system/kube-scheduler",
    ),
    (
        4,
        'W',
        "reflector.go:436",
        "k8s.io/client-go/informers/factory.go:134: watch of *v1.Service ended with: very short watch: Unexpected watch close - watch lasted less than a second and no items received",
    ),
    (
        4,
        'E',
        "event_broadcaster.go:253",
        "Server rejected event '&v1.Event{}': 'events \"$p\" already exists' (will not retry!)",
    ),
];

/// The kubelet.
pub(crate) const KUBELET: &[Message] = &[
    (160, 'I', "kubelet.go:1971", "SyncLoop (housekeeping)"),
    (
        130,
        'I',
        "generic.go:155",
        "GenericPLEG: $u/$h: running -> running",
    ),
    (
        110,
        'I',
        "prober.go:126",
        "Readiness probe for \"$p_$n($u):web\" succeeded",
    ),
    (
        110,
        'I',
        "prober.go:126",
        "Liveness probe for \"$p_$n($u):web\" succeeded",
    ),
    (
        80,
        'I',
        "kubelet_getters.go:176",
        r#""Pod status updated" pod="$P" status=Running"#,
    ),
    (
        70,
        'I',
        "operation_generator.go:672",
        "MountVolume.SetUp succeeded for volume \"default-token-6kdjs\" (UniqueName: \"kubernetes.io/secret/$u-default-token-6kdjs\") pod \"$p\" (UID: \"$u\") ",
    ),
    (
        60,
        'I',
        "helpers.go:814",
        "eviction manager: observations: signal=memory.available, available: $DKi, capacity: 16393244Ki, time: 2026-11-20 $c +0000 UTC m=+$d.5",
    ),
    (
        60,
        'I',
        "kubelet_pods.go:1461",
        r#""Clean up orphaned pod cgroups""#,
    ),
    (50, 'I', "config.go:278", "Setting pods for source file"),
    (
        50,
        'I',
        "secret.go:183",
        "Setting up volume default-token-6kdjs for pod $u at /var/lib/kubelet/pods/$u/volumes/kubernetes.io~secret/default-token-6kdjs",
    ),
    (
        40,
        'I',
        "kuberuntime_manager.go:678",
        "computePodActions got {KillPod:false CreateSandbox:false SandboxID:$h Attempt:0 NextInitContainerToStart:nil ContainersToStart:[] ContainersToKill:map[] EphemeralContainersToStart:[]} for pod \"$p_$n($u)\"",
    ),
    (
        40,
        'I',
        "http.go:128",
        "Probe succeeded for http://$a:8080/healthz, Response: {200 OK 200 HTTP/1.1 1 1 map[Content-Length:[2]] 0xc00$D 2 [] true false map[] 0xc00$D <nil>}",
    ),
    (
        4,
        'W',
        "container.go:586",
        "Failed to update stats for container \"/system.slice/run-user-0.mount\": read /sys/fs/cgroup/cpu/cpuacct.stat: no such device, continuing to push stats",
    ),
    (
        8,
        'E',
        "cadvisor_stats_provider.go:147",
        "Failed to create existing container: /kubepods.slice/$p.scope: task not found",
    ),
];

/// containerd, as the fields behind its time and level.
pub(crate) const CONTAINERD: &[Message] = &[
    (
        120,
        'I',
        "",
        r#"msg="CreateContainer within sandbox \"$h\" for container &ContainerMetadata{Name:web,Attempt:0,}""#,
    ),
    (
        120,
        'I',
        "",
        r#"msg="CreateContainer within sandbox \"$h\" for &ContainerMetadata{Name:web,Attempt:0,} returns container id \"$h\"""#,
    ),
    (120, 'I', "", r#"msg="StartContainer for \"$h\"""#),
    (
        120,
        'I',
        "",
        r#"msg="StartContainer for \"$h\" returns successfully""#,
    ),
    (
        80,
        'I',
        "",
        r#"msg="StopContainer for \"$h\" with timeout 30 (s)""#,
    ),
    (80, 'I', "", r#"msg="shim disconnected" id=$h"#),
    (40, 'I', "", r#"msg="cleaning up dead shim""#),
    (
        80,
        'I',
        "",
        r#"msg="starting signal loop" namespace=k8s.io path=/run/containerd/io.containerd.runtime.v2.task/k8s.io/$h pid=$d runtime=io.containerd.runc.v2"#,
    ),
    (
        30,
        'I',
        "",
        r#"msg="ImageUpdate event &ImageUpdate{Name:registry.example.com/shop/web:v1.$d,Labels:map[string]string{io.cri-containerd.image: managed,},XXX_unrecognized:[],}""#,
    ),
    (
        9,
        'W',
        "",
        r#"msg="cleanup warnings time=\"$t\" level=info msg=\"starting signal loop\" namespace=k8s.io pid=$d runtime=io.containerd.runc.v2\n""#,
    ),
    (
        5,
        'E',
        "",
        r#"msg="ContainerStatus for \"$h\" failed" error="rpc error: code = NotFound desc = an error occurred when try to find container \"$h\": not found""#,
    ),
];

/// etcd 3.5, the members of its JSON behind `ts`.
pub(crate) const ETCD: &[Message] = &[
    (
        300,
        'I',
        "mvcc/index.go:214",
        r#""msg":"compact tree index","revision":$D"#,
    ),
    (
        300,
        'I',
        "mvcc/kvstore_compaction.go:66",
        r#""msg":"finished scheduled compaction","compact-revision":$D,"took":"$l","hash":$D"#,
    ),
    (
        200,
        'D',
        "v3rpc/interceptor.go:182",
        r#""msg":"request stats","start time":"$t","time spent":"$l","remote":"127.0.0.1:$o","response type":"/etcdserverpb.KV/Range","request count":0,"request size":$d,"response count":1,"response size":$D,"request content":"key:\"/registry/pods/$P\" ""#,
    ),
    (
        100,
        'I',
        "etcdserver/server.go:2403",
        r#""msg":"triggering snapshot","local-member-id":"b71f75320dc06a6c","local-member-applied-index":$D,"local-member-snapshot-index":$D,"local-member-snapshot-count":100000"#,
    ),
    (
        6,
        'W',
        "embed/config_logging.go:169",
        r#""msg":"rejected connection","remote-addr":"$a:$o","server-name":"","error":"EOF""#,
    ),
];

/// etcd 3.4, the package instead of the caller.
pub(crate) const CAPNSLOG: &[Message] = &[
    (
        300,
        'I',
        "etcdserver/api/etcdhttp",
        "/health OK (status code 200)",
    ),
    (100, 'I', "mvcc", "store.index: compact $D"),
    (
        100,
        'I',
        "mvcc",
        "finished scheduled compaction at $D (took $l)",
    ),
    (
        5,
        'I',
        "embed",
        "rejected connection from \"$a:$o\" (error \"EOF\", ServerName \"\")",
    ),
];

/// Programs of a machine, as `program: message`.
pub(crate) const MESSAGES: &[Message] = &[
    (120, 'I', "systemd", "Started libcontainer container $h."),
    (
        80,
        'I',
        "systemd",
        "run-containerd-runc-k8s.io-$h-runc.mount: Succeeded.",
    ),
    (
        60,
        'I',
        "systemd",
        "Created slice libcontainer container kubepods-besteffort-pod$u.slice.",
    ),
    (
        60,
        'I',
        "dbus-daemon[612]",
        "[system] Activating via systemd: service name='org.freedesktop.hostname1' requested by ':1.$d'",
    ),
    (
        90,
        'I',
        "kernel",
        "IPv6: ADDRCONF(NETDEV_CHANGE): veth$d: link becomes ready",
    ),
    (
        90,
        'I',
        "kernel",
        "cni0: port $d(veth$d) entered forwarding state",
    ),
    (
        60,
        'I',
        "sshd[2201]",
        "Accepted publickey for core from $a port $o ssh2: RSA SHA256:example",
    ),
    (40, 'I', "CROND[$d]", "(root) CMD (/usr/lib64/sa/sa1 1 1)"),
    (
        40,
        'I',
        "chronyd[733]",
        "Selected source $a (ntp.example.com)",
    ),
    (
        20,
        'I',
        "NetworkManager[801]",
        "<info>  [$D.1234] manager: (veth$d): new Veth device (/org/freedesktop/NetworkManager/Devices/$d)",
    ),
    (
        7,
        'I',
        "NetworkManager[801]",
        "<warn>  [$D.1234] device (veth$d): failed to find device $d 'veth$d' with udev",
    ),
];

/// Applications.
pub(crate) const APPLICATION: &[Message] = &[
    (
        300,
        'I',
        "",
        r#"{\"level\":\"info\",\"ts\":\"$t\",\"msg\":\"order placed\",\"order\":\"$u\",\"customer\":$d,\"took\":\"$l\"}"#,
    ),
    (
        200,
        'I',
        "",
        r#"$a - - [20/Nov/2026:04:05:06 +0000] \"GET /api/cart/$d HTTP/1.1\" 200 $d \"-\" \"Mozilla/5.0 (X11; Linux x86_64)\" \"-\""#,
    ),
    (
        100,
        'I',
        "",
        r"2026-11-20 04:05:06.123  INFO 1 --- [nio-8080-exec-$d] c.e.shop.CartController : cart $u has $d items",
    ),
    (
        8,
        'E',
        "",
        r#"{\"level\":\"error\",\"ts\":\"$t\",\"msg\":\"payment declined\",\"order\":\"$u\",\"error\":\"card expired\"}"#,
    ),
];
