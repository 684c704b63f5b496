use crate::base::time::{MINUTE, RawStamp, SECOND};
use crate::model::SourceKind;
use crate::parse::state::testing::related;
use crate::parse::state::{Reading, read};

fn table(path: &str, text: &str) -> Reading {
    read(SourceKind::Table, path, text.as_bytes())
}

#[track_caller]
fn case(path: &str, text: &str, expected: &[&str]) {
    let reading = table(path, text);
    let found: Vec<&str> = reading.lines.iter().map(|l| l.text.as_str()).collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn pods_of_all_versions() {
    let wide = "\
NAMESPACE   NAME                  READY   STATUS             RESTARTS      AGE     IP           NODE    NOMINATED NODE   READINESS GATES
team-b      api-658467869-fzlw6   0/1     CrashLoopBackOff   3 (5m ago)    4m20s   10.244.1.4   node1   <none>           <none>
team-b      job-1                 0/1     Pending            0             4m20s   <none>       <none>  <none>           <none>
";
    let reading = table("kubectl/get-pods-A.txt", wide);
    assert_eq!(
        reading.lines[0].text,
        "pod/team-b/api-658467869-fzlw6 status=CrashLoopBackOff ready=0/1 restarts=3 node=node1 ip=10.244.1.4"
    );
    assert_eq!(reading.lines[0].line, 2);
    assert_eq!(
        reading.lines[1].text,
        "pod/team-b/job-1 status=Pending ready=0/1 restarts=0"
    );
    related(&reading, "pod/team-b/api-658467869-fzlw6", "node/node1");
    related(&reading, "pod/team-b/api-658467869-fzlw6", "ip/10.244.1.4");
    case(
        "get-pods-shop.txt",
        "NAME    READY   STATUS    RESTARTS   AGE\nweb-1   1/1     Running   0          4m\n",
        &["pod/default/web-1 status=Running ready=1/1 restarts=0"],
    );
}

#[test]
fn rows_that_shift_are_split_by_their_gaps() {
    case(
        "x.txt",
        "NAME    STATUS   ROLES    AGE    VERSION\na-very-long-node-name   NotReady,SchedulingDisabled   <none>   3d   v1.20.2\n",
        &["node/a-very-long-node-name status=NotReady,SchedulingDisabled version=v1.20.2"],
    );
}

#[test]
fn several_tables_with_kinds() {
    let text = "\
NAMESPACE     NAME                             READY   UP-TO-DATE   AVAILABLE   AGE
kube-system   deployment.apps/metrics-server   0/0     0            0           4m21s

NAMESPACE     NAME                                        DESIRED   CURRENT   READY   AGE
kube-system   replicaset.apps/metrics-server-76dc47c4ff   0         0         0       4m21s

NAMESPACE     NAME                     TYPE        CLUSTER-IP      EXTERNAL-IP   PORT(S)   AGE
kube-system   service/metrics-server   ClusterIP   10.97.241.199   <none>        443/TCP   4m21s

NAMESPACE     NAME                       ENDPOINTS                     AGE
default       endpoints/kubernetes       10.20.0.10:6443,10.20.0.10:1  4m47s
kube-system   endpoints/metrics-server   <none>                        4m21s
";
    case(
        "kubectl/get-all.txt",
        text,
        &[
            "deployment/kube-system/metrics-server desired=0 ready=0 available=0",
            "replicaset/kube-system/metrics-server-76dc47c4ff desired=0 ready=0",
            "service/kube-system/metrics-server type=ClusterIP clusterIP=10.97.241.199 ports=443/TCP",
            "service/kube-system/metrics-server made=4m21s",
            "endpoints/default/kubernetes ready=1 addresses=10.20.0.10",
            "endpoints/kube-system/metrics-server ready=0",
        ],
    );
}

#[test]
fn cluster_wide_kinds() {
    case(
        "kubectl/get-apiservice.txt",
        "NAME                     SERVICE                      AVAILABLE                  AGE\nv1.apps                  Local                        True                       5d\nv1beta1.metrics.k8s.io   kube-system/metrics-server   False (MissingEndpoints)   5d16h\n",
        &[
            "apiservice/v1.apps available=True",
            "apiservice/v1beta1.metrics.k8s.io available=False reason=MissingEndpoints service=kube-system/metrics-server",
        ],
    );
    case(
        "x",
        "NAME              STATUS        AGE\nteam-a            Terminating   4m21s\n",
        &["namespace/team-a status=Terminating"],
    );
    case(
        "x",
        "NAMESPACE         NAME    HOLDER   AGE\nkube-node-lease   node1   node1    4m24s\n",
        &["lease/kube-node-lease/node1 holder=node1"],
    );
}

#[test]
fn other_kinds_show_their_columns() {
    case(
        "kubectl/get-pvc.txt",
        "NAME   STATUS    VOLUME   CAPACITY   ACCESS MODES   STORAGECLASS   AGE\ndata   Pending                                      fast           4m\n",
        &["persistentvolumeclaim/default/data status=Pending storageclass=fast"],
    );
    case(
        "top.txt",
        "NAME    CPU(cores)   CPU%        MEMORY(bytes)   MEMORY%\nnode1   <unknown>    <unknown>   <unknown>       <unknown>\n",
        &[
            "node/node1 cpu(cores)=<unknown> cpu%=<unknown> memory(bytes)=<unknown> memory%=<unknown>",
        ],
    );
    case(
        "kubectl/databases.txt",
        "NAME   ENGINE     ACCESS MODE\npg     postgres   rw\n",
        &["object/pg engine=postgres access-mode=rw"],
    );
}

#[test]
fn voices_of_kubectl_are_kept() {
    case(
        "kubectl/api-resources.txt",
        "NAME   SHORTNAMES   APIVERSION   NAMESPACED   KIND\npods   po           v1           true         Pod\nerror: unable to retrieve the complete list of server APIs: metrics.k8s.io/v1beta1: the server is currently unable to handle the request\n",
        &[
            "error: unable to retrieve the complete list of server APIs: metrics.k8s.io/v1beta1: the server is currently unable to handle the request",
        ],
    );
    case(
        "kubectl/get-nodes.txt",
        "The connection to the server 10.20.0.10:6443 was refused - did you specify the right host or port?\n",
        &[
            "The connection to the server 10.20.0.10:6443 was refused - did you specify the right host or port?",
        ],
    );
}

#[test]
fn containers_of_the_runtime() {
    case(
        "docker-ps-a.txt",
        "CONTAINER ID   IMAGE          COMMAND          CREATED              STATUS              PORTS     NAMES\n43d6c4d254d5   busybox:1.35   \"sleep 100000\"   About a minute ago   Created                       payments-db\n",
        &[
            "container/payments-db state=Created id=43d6c4d254d5 image=busybox:1.35 created=About a minute ago",
        ],
    );
}

#[test]
fn events_of_all_versions() {
    let modern = "\
NAMESPACE     LAST SEEN   TYPE      REASON              OBJECT             MESSAGE
default       4m34s       Normal    NodeReady           node/node1         Node node1 status is now: NodeReady
shop          116s        Warning   FailedScheduling    pod/analytics-h9   0/2 nodes are available: 2 Insufficient cpu.
";
    let reading = table("kubectl/get-events.txt", modern);
    assert_eq!(
        reading.lines[0].text,
        "reason=NodeReady type=Normal object=node/node1 message=Node node1 status is now: NodeReady"
    );
    assert_eq!(reading.lines[0].entity.as_str(), "node/node1");
    assert_eq!(
        reading.lines[1].text,
        "reason=FailedScheduling type=Warning object=pod/shop/analytics-h9 message=0/2 nodes are available: 2 Insufficient cpu."
    );
    assert_eq!(
        reading.lines[1].last,
        Some(RawStamp::Ago {
            ns: 116 * SECOND,
            res: SECOND
        })
    );
    let wide = "\
LAST SEEN   TYPE      REASON    OBJECT      SUBOBJECT   SOURCE           MESSAGE     FIRST SEEN   COUNT   NAME
20s         Warning   BackOff   pod/web-1               kubelet, node1   Back-off    4m           7       web-1.18e9
";
    let line = &table("events", wide).lines[0];
    assert_eq!(
        line.text,
        "reason=BackOff type=Warning object=pod/default/web-1 from=kubelet message=Back-off"
    );
    assert_eq!((line.count, line.host.as_deref()), (7, Some("node1")));
    assert_eq!(
        line.first,
        Some(RawStamp::Ago {
            ns: 4 * MINUTE,
            res: MINUTE
        })
    );
    let old = "\
LAST SEEN   FIRST SEEN   COUNT     NAME      KIND      SUBOBJECT   TYPE      REASON    SOURCE           MESSAGE
20s         4m           7         web-1     Pod                   Warning   BackOff   kubelet, node1   Back-off
";
    let line = &table("events", old).lines[0];
    assert_eq!(
        line.text,
        "reason=BackOff type=Warning object=pod/default/web-1 from=kubelet message=Back-off"
    );
    // The event's own name, as 1.9 to 1.13 show it; a name with a dot is no such name.
    for (name, object) in [
        ("web-1.15a5c8e7e1b0f2d1", "web-1"),
        ("node.example.com", "node.example.com"),
        ("web.15a5c8e7", "web.15a5c8e7"),
    ] {
        let own = old
            .replace("NAME      KIND", "NAME                     KIND")
            .replace("web-1     Pod ", &format!("{name:<25}Pod "));
        assert_eq!(
            table("events", &own).lines[0].entity.as_str(),
            format!("pod/default/{object}"),
            "{own}"
        );
    }
}
