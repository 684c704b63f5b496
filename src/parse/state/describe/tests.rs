use crate::base::time::{MINUTE, RawStamp, SECOND};
use crate::model::SourceKind;
use crate::parse::state::{ClockHint, Reading, read};

fn describe(path: &str, text: &str) -> Reading {
    read(SourceKind::Describe, path, text.as_bytes())
}

#[track_caller]
fn case(path: &str, text: &str, expected: &[&str]) {
    let reading = describe(path, text);
    let found: Vec<&str> = reading.lines.iter().map(|l| l.text.as_str()).collect();
    assert_eq!(found, expected, "{text}");
}

const NODE: &str = "\
Name:               node1
Roles:              <none>
CreationTimestamp:  Fri, 20 Nov 2026 17:00:07 +0000
Taints:             node.kubernetes.io/not-ready:NoExecute
                    dedicated=gpu:NoSchedule
Unschedulable:      false
Lease:
  HolderIdentity:  node1
  AcquireTime:     <unset>
  RenewTime:       Fri, 20 Nov 2026 17:04:37 +0000
Conditions:
  Type             Status  LastHeartbeatTime                 LastTransitionTime                Reason                       Message
  ----             ------  -----------------                 ------------------                ------                       -------
  Ready            False   Fri, 20 Nov 2026 17:39:32 +0000   Fri, 20 Nov 2026 17:39:22 +0000   KubeletNotReady              container runtime network not ready
Addresses:
  InternalIP:  10.20.0.11
  Hostname:    node1
Capacity:
  cpu:                2
  ephemeral-storage:  264212084Ki
  memory:             24684084Ki
  pods:               110
System Info:
  Container Runtime Version:  containerd://1.6.20
  Kubelet Version:            v1.20.2
PodCIDR:                      10.244.1.0/24
Non-terminated Pods:          (1 in total)
  Namespace                   Name                   CPU Requests  CPU Limits  Memory Requests  Memory Limits  AGE
  ---------                   ----                   ------------  ----------  ---------------  -------------  ---
  team-b                      api-658467869-fzlw6    0 (0%)        0 (0%)      0 (0%)           0 (0%)         4m21s
Allocated resources:
  (Total limits may be over 100 percent, i.e., overcommitted.)
  Resource           Requests     Limits
  --------           --------     ------
  cpu                1950m (97%)  0 (0%)
  memory             0 (0%)       0 (0%)
Events:
  Type     Reason                   Age                    From     Message
  ----     ------                   ----                   ----     -------
  Normal   NodeHasSufficientMemory  4m35s (x2 over 40m)    kubelet  Node node1 status is now: NodeHasSufficientMemory
";

#[test]
fn a_node() {
    case(
        "kubectl/describe-node-node1.txt",
        NODE,
        &[
            "node/node1 status=NotReady version=v1.20.2 runtime=containerd://1.6.20 address=10.20.0.11",
            "node/node1 taint node.kubernetes.io/not-ready=NoExecute",
            "node/node1 taint dedicated=gpu=NoSchedule",
            "node/node1 capacity cpu=2 memory=24684084Ki pods=110 ephemeral-storage=264212084Ki",
            "node/node1 allocated cpu=1950m (97%) memory=0 (0%)",
            "node/node1 podCIDR=10.244.1.0/24",
            "lease/kube-node-lease/node1 holder=node1 renewed=2026-11-20T17:04:37Z",
            "node/node1 condition Ready=False reason=KubeletNotReady message=container runtime network not ready",
            "reason=NodeHasSufficientMemory type=Normal object=node/node1 from=kubelet message=Node node1 status is now: NodeHasSufficientMemory",
        ],
    );
    let reading = describe("x", NODE);
    assert_eq!(reading.lines[7].line, 14);
    let event = &reading.lines[8];
    assert_eq!(event.count, 2);
    assert_eq!(
        event.first,
        Some(RawStamp::Ago {
            ns: 40 * MINUTE,
            res: MINUTE
        })
    );
    assert_eq!(
        event.last,
        Some(RawStamp::Ago {
            ns: 275 * SECOND,
            res: SECOND
        })
    );
    assert!(
        reading
            .hints
            .contains(&ClockHint::ClientZone { offset: 0, line: 3 })
    );
    assert!(
        reading
            .relations
            .iter()
            .any(|(a, b, _)| a.as_str() == "pod/team-b/api-658467869-fzlw6"
                && b.as_str() == "node/node1")
    );
}

#[test]
fn pods_behind_each_other() {
    let text = "\
Name:         orders-1
Namespace:    shop
Node:         node1/10.20.0.11
Start Time:   Fri, 20 Nov 2026 17:41:09 +0000
Labels:       app=orders
              pod-template-hash=6965b877b
Status:       Running
IP:           10.244.1.4
Controlled By:  ReplicaSet/orders-6965b877b
Containers:
  orders:
    Image:         busybox:1.35
    State:          Waiting
      Reason:       RunContainerError
    Last State:     Terminated
      Reason:       StartError
      Message:      failed to create shim task: context canceled: unknown
      Exit Code:    128
      Started:      Thu, 01 Jan 1970 00:00:00 +0000
      Finished:     Fri, 20 Nov 2026 17:43:09 +0000
    Ready:          False
    Restart Count:  2
    Requests:
      cpu:        8
    Environment:
      State:  db
Conditions:
  Type                        Status
  Ready                       False 
Node-Selectors:              disk=ssd
Events:
  Type     Reason     Age   From              Message
  ----     ------     ----  ----              -------
  Warning  Failed     96s   kubelet, node1    Error: context deadline exceeded


Name:         old-1
Namespace:    shop
Node:         <none>
Status:       Terminating (lasts 3m)
Containers:
  a:
    State:  Running
    Ready:  True
Events:  <none>
";
    case(
        "kubectl/describe-pods-shop.txt",
        text,
        &[
            "pod/shop/orders-1 status=RunContainerError ready=0/1 restarts=2 node=node1 ip=10.244.1.4",
            "pod/shop/orders-1 container orders waiting reason=RunContainerError image=busybox:1.35",
            "pod/shop/orders-1 container orders last-terminated reason=StartError exit=128 message=failed to create shim task: context canceled: unknown",
            "pod/shop/orders-1 requests cpu=8",
            "pod/shop/orders-1 nodeSelector disk=ssd",
            "pod/shop/orders-1 condition Ready=False",
            "reason=Failed type=Warning object=pod/shop/orders-1 from=kubelet message=Error: context deadline exceeded",
            "pod/shop/old-1 status=Terminating ready=1/1 restarts=0",
            "pod/shop/old-1 container a running",
        ],
    );
    assert_eq!(describe("x", text).lines[6].host.as_deref(), Some("node1"));
}

#[test]
fn workloads() {
    case(
        "kubectl/describe-deploy-metrics-server.txt",
        "\
Name:                   metrics-server
Namespace:              kube-system
Replicas:               0 desired | 0 updated | 0 total | 0 available | 0 unavailable
StrategyType:           RollingUpdate
Conditions:
  Type           Status  Reason
  ----           ------  ------
  Available      True    MinimumReplicasAvailable
Events:          <none>
",
        &[
            "deployment/kube-system/metrics-server desired=0 ready=0 available=0",
            "deployment/kube-system/metrics-server condition Available=True reason=MinimumReplicasAvailable",
        ],
    );
    case(
        "x",
        "Name:           api-658467869\nNamespace:      shop\nControlled By:  Deployment/api\nReplicas:       0 current / 2 desired\n",
        &["replicaset/shop/api-658467869 desired=2 ready=0 available=0"],
    );
    case(
        "describe-ns-team-a.txt",
        "Name:         team-a\nLabels:       <none>\nStatus:       Terminating\n\nNo resource quota.\n",
        &["namespace/team-a status=Terminating"],
    );
}

#[test]
fn custom_objects() {
    case(
        "x",
        "\
Name:         orders-pg
Namespace:    tenant-blue
API Version:  db.acme.io/v1
Kind:         Database
Metadata:
  Creation Timestamp:             2026-11-20T17:18:41Z
  Deletion Timestamp:             2026-11-20T17:19:17Z
  Finalizers:
    db.acme.io/snapshot
  Generation:  2
Status:
  Conditions:
    Last Transition Time:  2026-11-20T17:18:41Z
    Message:               a: b
    Reason:                Gone
    Status:                False
    Type:                  Ready
    Last Transition Time:  2026-11-20T17:18:41Z
    Status:                True
    Type:                  Synced
Events:  <none>
",
        &[
            "database/tenant-blue/orders-pg deleting since=2026-11-20T17:19:17Z finalizers=db.acme.io/snapshot",
            "database/tenant-blue/orders-pg condition Ready=False reason=Gone message=a: b",
            "database/tenant-blue/orders-pg condition Synced=True",
        ],
    );
    case(
        "x",
        "Name:         v1beta1.metrics.k8s.io\nNamespace:    \nKind:         APIService\nSpec:\n  Group:  metrics.k8s.io\n  Service:\n    Name:       metrics-server\n    Namespace:  kube-system\nStatus:\n  Conditions:\n    Reason:  MissingEndpoints\n    Status:  False\n    Type:    Available\n",
        &[
            "apiservice/v1beta1.metrics.k8s.io available=False reason=MissingEndpoints service=kube-system/metrics-server",
            "apiservice/v1beta1.metrics.k8s.io condition Available=False reason=MissingEndpoints",
        ],
    );
}

#[test]
fn services() {
    case(
        "x",
        "Name:              web\nNamespace:         shop\nSelector:          app=web\nType:              ClusterIP\nIP:                10.96.0.10\nPort:              dns  53/UDP\nTargetPort:        53/UDP\nEndpoints:         10.244.1.4:53,10.244.1.5:53\nSession Affinity:  None\n",
        &[
            "service/shop/web type=ClusterIP clusterIP=10.96.0.10 ports=53/UDP selector=app=web",
            "endpoints/shop/web ready=2 addresses=10.244.1.4,10.244.1.5",
        ],
    );
}
