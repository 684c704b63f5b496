use crate::base::time::RawStamp;
use crate::model::{Component, SourceKind};
use crate::parse::state::testing::related;
use crate::parse::state::{ClockHint, Reading, read};

fn objects(text: &str) -> Reading {
    read(SourceKind::Objects, "kubectl/x.yaml", text.as_bytes())
}

#[track_caller]
fn case(text: &str, expected: &[&str]) {
    let reading = objects(text);
    let found: Vec<&str> = reading.lines.iter().map(|l| l.text.as_str()).collect();
    assert_eq!(found, expected, "{text}");
}

const APISERVICE: &str = r#"apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata:
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: |
      {"apiVersion":"apiregistration.k8s.io/v1"}
  creationTimestamp: "2026-11-20T17:00:41Z"
  name: v1beta1.metrics.k8s.io
spec:
  service:
    name: metrics-server
    namespace: kube-system
    port: 443
status:
  conditions:
  - lastTransitionTime: "2026-11-20T17:00:41Z"
    message: endpoints for service/metrics-server in "kube-system" have no addresses
      with port name "https"
    reason: MissingEndpoints
    status: "False"
    type: Available
"#;

#[test]
fn an_apiservice() {
    case(
        APISERVICE,
        &[
            "apiservice/v1beta1.metrics.k8s.io available=False reason=MissingEndpoints service=kube-system/metrics-server message=endpoints for service/metrics-server in \"kube-system\" have no addresses with port name \"https\"",
            "apiservice/v1beta1.metrics.k8s.io condition Available=False reason=MissingEndpoints message=endpoints for service/metrics-server in \"kube-system\" have no addresses with port name \"https\"",
        ],
    );
    let reading = objects(APISERVICE);
    let line = &reading.lines[1];
    assert_eq!(line.line, 19);
    assert_eq!(line.quote, "    reason: MissingEndpoints");
    assert!(matches!(line.first, Some(RawStamp::Utc { .. })));
    related(
        &reading,
        "apiservice/v1beta1.metrics.k8s.io",
        "service/kube-system/metrics-server",
    );
    assert!(matches!(
        reading.hints[..],
        [ClockHint::NotBefore { line: 7, .. }]
    ));
}

#[test]
fn a_namespace_that_does_not_go() {
    let text = r#"apiVersion: v1
items:
- apiVersion: v1
  kind: Namespace
  metadata:
    deletionTimestamp: "2026-11-20T17:01:20Z"
    name: team-a
  spec:
    finalizers:
    - kubernetes
  status:
    conditions:
    - lastTransitionTime: "2026-11-20T17:01:26Z"
      message: 'Discovery failed for some groups, 1 failing: unable to retrieve the
        complete list of server APIs: metrics.k8s.io/v1beta1: the server is currently
        unable to handle the request'
      reason: DiscoveryFailed
      status: "True"
      type: NamespaceDeletionDiscoveryFailure
    phase: Terminating
kind: List
metadata:
  resourceVersion: ""
"#;
    case(
        text,
        &[
            "namespace/team-a status=Terminating finalizers=kubernetes",
            "namespace/team-a deleting since=2026-11-20T17:01:20Z finalizers=kubernetes",
            "namespace/team-a condition NamespaceDeletionDiscoveryFailure=True reason=DiscoveryFailed message=Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: metrics.k8s.io/v1beta1: the server is currently unable to handle the request",
        ],
    );
    let lines: Vec<u64> = objects(text).lines.iter().map(|l| l.line).collect();
    assert_eq!(lines, [20, 6, 17]);
}

#[test]
fn a_custom_object_with_a_finalizer() {
    let text = r#"{"apiVersion":"db.acme.io/v1","kind":"Database","metadata":{"name":"orders-pg","namespace":"tenant-blue",
"deletionTimestamp":"2026-11-20T17:19:47Z","deletionGracePeriodSeconds":30,"finalizers":["db.acme.io/snapshot"]},"status":{"phase":"Ready"}}"#;
    case(
        text,
        &[
            "database/tenant-blue/orders-pg status=Ready",
            "database/tenant-blue/orders-pg deleting since=2026-11-20T17:19:47Z finalizers=db.acme.io/snapshot",
        ],
    );
    // Asked for one grace period earlier.
    assert_eq!(
        objects(text).lines[1].first,
        Some(RawStamp::utc(1_795_195_157_000_000_000, 1_000_000_000))
    );
}

const POD: &str = r#"{"kind": "PodList", "apiVersion": "v1", "items": [
{"metadata": {"name": "web-1", "namespace": "shop", "labels": {"app": "web"},
  "ownerReferences": [{"kind": "ReplicaSet", "name": "web"}]},
 "spec": {"nodeName": "n1", "serviceAccountName": "web", "nodeSelector": {"disk": "ssd"},
  "containers": [
   {"name": "a", "image": "registry.example/a:1", "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}}},
   {"name": "b", "image": "registry.example/b:1", "resources": {"requests": {"cpu": "1500m", "memory": "512Mi"}}}]},
 "status": {"phase": "Running", "podIP": "10.244.1.9",
  "conditions": [{"type": "Ready", "status": "False", "reason": "ContainersNotReady"}],
  "containerStatuses": [
   {"name": "a", "ready": true, "restartCount": 0, "image": "x", "state": {"running": {"startedAt": "2026-11-20T17:00:00Z"}}},
   {"name": "b", "ready": false, "restartCount": 7, "image": "x",
    "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s"}},
    "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137, "finishedAt": "2026-11-20T17:03:00Z"}}}]}},
{"metadata": {"name": "web", "namespace": "shop"}, "kind": "Service",
 "spec": {"type": "ClusterIP", "clusterIP": "10.96.0.10", "selector": {"app": "web"}, "ports": [{"port": 53, "protocol": "UDP"}, {"port": 53}]}}
]}"#;

#[test]
fn a_pod_and_its_service() {
    case(
        POD,
        &[
            "pod/shop/web-1 status=CrashLoopBackOff ready=1/2 restarts=7 node=n1 ip=10.244.1.9",
            "pod/shop/web-1 container a running image=registry.example/a:1",
            "pod/shop/web-1 container b waiting reason=CrashLoopBackOff image=registry.example/b:1 message=back-off 5m0s",
            "pod/shop/web-1 container b last-terminated reason=OOMKilled exit=137 signal=9",
            "pod/shop/web-1 requests cpu=2 memory=1536Mi",
            "pod/shop/web-1 nodeSelector disk=ssd",
            "pod/shop/web-1 account=web",
            "pod/shop/web-1 condition Ready=False reason=ContainersNotReady",
            "service/shop/web type=ClusterIP clusterIP=10.96.0.10 ports=53/UDP,53/TCP selector=app=web",
            "service/shop/web port 53/UDP target=53",
            "service/shop/web port 53/TCP target=53",
        ],
    );
    let reading = objects(POD);
    assert_eq!(reading.lines[2].line, 13);
    for (from, to) in [
        ("pod/shop/web-1", "node/n1"),
        ("pod/shop/web-1", "ip/10.244.1.9"),
        ("pod/shop/web-1", "image/registry.example/b:1"),
        ("pod/shop/web-1", "replicaset/shop/web"),
        ("pod/shop/web-1", "serviceaccount/shop/web"),
        ("service/shop/web", "pod/shop/web-1"),
        ("service/shop/web", "ip/10.96.0.10"),
    ] {
        related(&reading, from, to);
    }
}

#[test]
fn a_node() {
    case(
        r#"
kind: Node
metadata: {name: n1}
spec:
  podCIDR: 10.244.1.0/24
  taints:
  - {key: node.kubernetes.io/unreachable, effect: NoSchedule}
  unschedulable: true
status:
  addresses:
  - {type: InternalIP, address: 10.20.0.11}
  capacity: {cpu: "2", memory: 4028Mi, pods: "110"}
  conditions:
  - {type: Ready, status: Unknown, reason: NodeStatusUnknown, message: Kubelet stopped posting node status.}
  nodeInfo: {kubeletVersion: v1.20.2, containerRuntimeVersion: "containerd://1.6.20"}
"#,
        &[
            "node/n1 status=NotReady,SchedulingDisabled version=v1.20.2 runtime=containerd://1.6.20 address=10.20.0.11",
            "node/n1 taint node.kubernetes.io/unreachable=NoSchedule",
            "node/n1 capacity cpu=2 memory=4028Mi pods=110",
            "node/n1 podCIDR=10.244.1.0/24",
            "node/n1 condition Ready=Unknown reason=NodeStatusUnknown message=Kubelet stopped posting node status.",
        ],
    );
}

#[test]
fn what_stands_behind_a_service() {
    let text = r"
kind: Endpoints
metadata: {name: ms, namespace: kube-system}
---
kind: Endpoints
metadata: {name: web, namespace: shop}
subsets:
- addresses:
  - ip: 10.244.1.4
    nodeName: n1
    targetRef: {kind: Pod, name: web-1, namespace: shop}
  notReadyAddresses:
  - ip: 10.244.1.5
---
kind: EndpointSlice
metadata: {name: web-x, namespace: shop, labels: {kubernetes.io/service-name: web}}
endpoints:
- addresses: [10.244.1.4]
  conditions: {ready: true}
- addresses: [10.244.1.5]
  conditions: {ready: false}
";
    case(
        text,
        &[
            "endpoints/kube-system/ms ready=0 notReady=0",
            "endpoints/shop/web ready=1 notReady=1 addresses=10.244.1.4",
            "endpoints/shop/web ready=1 notReady=1 addresses=10.244.1.4",
        ],
    );
    let reading = objects(text);
    related(&reading, "service/shop/web", "pod/shop/web-1");
    related(&reading, "pod/shop/web-1", "node/n1");
}

#[test]
fn workloads_leases_and_webhooks() {
    case(
        r#"
kind: Deployment
metadata: {name: ms, namespace: kube-system}
spec: {replicas: 0}
status: {observedGeneration: 2}
---
kind: Lease
metadata: {name: n1, namespace: kube-node-lease}
spec: {holderIdentity: n1, renewTime: "2026-11-20T17:04:37.123456Z"}
---
kind: ValidatingWebhookConfiguration
metadata: {name: policy-webhook}
webhooks:
- clientConfig: {url: "https://127.0.0.1:9443/validate"}
  failurePolicy: Fail
  name: pods.policy.example
  timeoutSeconds: 10
- clientConfig: {service: {name: hook, namespace: policy}}
  failurePolicy: Ignore
  name: other.policy.example
"#,
        &[
            "deployment/kube-system/ms desired=0 ready=0 available=0",
            "lease/kube-node-lease/n1 holder=n1 renewed=2026-11-20T17:04:37.123456Z",
            "webhook/pods.policy.example config=validatingwebhookconfiguration/policy-webhook failurePolicy=Fail target=https://127.0.0.1:9443/validate timeout=10s",
            "webhook/other.policy.example config=validatingwebhookconfiguration/policy-webhook failurePolicy=Ignore target=policy/hook",
        ],
    );
}

#[test]
fn events_of_both_groups() {
    let text = r#"{"items": [
{"kind": "Event", "count": 6, "firstTimestamp": "2026-11-20T17:00:07Z", "lastTimestamp": "2026-11-20T17:02:07Z",
 "involvedObject": {"kind": "Node", "name": "n1", "namespace": ""}, "message": "Node n1 status is now: NodeNotReady",
 "reason": "NodeNotReady", "source": {"component": "kubelet", "host": "n1"}, "type": "Warning", "metadata": {"name": "n1.1", "namespace": "default"}},
{"kind": "Event", "apiVersion": "events.k8s.io/v1", "eventTime": "2026-11-20T17:00:07.000001Z", "series": {"count": 3, "lastObservedTime": "2026-11-20T17:01:00.5Z"},
 "regarding": {"kind": "Pod", "name": "web-1", "namespace": "shop"}, "note": "0/2 nodes are available",
 "reason": "FailedScheduling", "reportingController": "default-scheduler", "type": "Warning", "firstTimestamp": null}
], "kind": "EventList"}"#;
    case(
        text,
        &[
            "reason=NodeNotReady type=Warning object=node/n1 from=kubelet message=Node n1 status is now: NodeNotReady",
            "reason=FailedScheduling type=Warning object=pod/shop/web-1 from=default-scheduler message=0/2 nodes are available",
        ],
    );
    let reading = objects(text);
    let (a, b) = (&reading.lines[0], &reading.lines[1]);
    assert_eq!((a.count, a.host.as_deref(), a.line), (6, Some("n1"), 3));
    assert_eq!(a.component, Component::EVENT);
    assert_eq!(b.count, 3);
    assert!(matches!((b.first, b.last), (Some(f), Some(l)) if f.reading() < l.reading()));
}

#[test]
fn no_secret_leaves_the_file() {
    let secret = "c2VjcmV0LXZhbHVl";
    for text in [
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\n  namespace: b\ntype: Opaque\ndata:\n  token: {secret}\n  tls.crt: {secret}\nstringData:\n  password: {secret}\n"
        ),
        format!(
            "{{\"kind\":\"Secret\",\"metadata\":{{\"name\":\"a\",\"namespace\":\"b\"}},\"type\":\"Opaque\",\"data\":{{\"token\":\"{secret}\",\"tls.crt\":\"\"}},\"stringData\":{{\"password\":\"x\"}}}}"
        ),
    ] {
        let reading = objects(&text);
        assert_eq!(
            reading.lines[0].text,
            "secret/b/a type=Opaque keys=token,tls.crt,password"
        );
        for line in &reading.lines {
            assert!(!line.quote.contains(secret) && !line.text.contains(secret));
        }
    }
    let config = format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- name: c\n  cluster:\n    server: https://10.20.0.10:6443\nusers:\n- name: u\n  user:\n    client-key-data: {secret}\n    token: {secret}\n"
    );
    let reading = objects(&config);
    assert_eq!(
        reading.lines[0].text,
        "kubeconfig/x.yaml cluster=c server=https://10.20.0.10:6443"
    );
    assert!(
        reading
            .lines
            .iter()
            .all(|l| !l.quote.contains(secret) && !l.text.contains(secret))
    );
}

#[test]
fn kinds_from_the_path() {
    let reading = read(
        SourceKind::Objects,
        "cluster-resources/pods/shop.json",
        br#"[{"metadata":{"name":"a","namespace":"shop"},"status":{"phase":"Pending"}}]"#,
    );
    assert_eq!(
        reading.lines[0].text,
        "pod/shop/a status=Pending ready=0/0 restarts=0"
    );
}

#[test]
fn a_kubelet_configuration() {
    case(
        "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nclusterDNS:\n- 10.96.0.10\nclusterDomain: cluster.local\n",
        &["kubeletconfiguration/x.yaml clusterDNS=10.96.0.10 clusterDomain=cluster.local"],
    );
}

#[test]
fn a_table_object() {
    case(
        r#"{"kind":"Table","apiVersion":"meta.k8s.io/v1","columnDefinitions":[{"name":"Name"},{"name":"Ready"},{"name":"Status"},{"name":"Restarts"},{"name":"Age"}],
"rows":[{"cells":["web-1","0/1","Pending",0,"4m"],"object":{"kind":"PartialObjectMetadata","metadata":{"name":"web-1","namespace":"shop"}}}]}"#,
        &["pod/shop/web-1 status=Pending ready=0/1 restarts=0"],
    );
}

#[test]
fn damage_is_noted() {
    let reading = objects(
        r#"{"kind":"PodList","items":[{"metadata":{"name":"a","namespace":"s"},"status":{"phase":"Pending"}},{"meta"#,
    );
    assert_eq!(reading.lines.len(), 1);
    assert_eq!(
        reading.notes,
        ["damaged JSON at line 1; 1 objects were read"]
    );
}
