//! Kubernetes of other versions than the generator of large bundles writes.

use super::messages::Message;

pub(super) const APISERVER_112: &[Message] = &[
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

pub(super) const CONTROLLER_MANAGER_112: &[Message] = &[
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

pub(super) const SCHEDULER_112: &[Message] = &[
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

pub(super) const KUBELET_112: &[Message] = &[
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

pub(super) const KUBELET_127: &[Message] = &[
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
