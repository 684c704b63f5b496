//! The layouts of the usual collectors.

use kforensics::model::Analysis;

use super::Planted;
use super::planted::{
    APISERVICES, NAMESPACES, NOON, Zone, discovery_incomplete, no_cni, of, registry_refuses,
    runtime_start, text, webhook_expired,
};
use crate::support::archive::{self, Member};
use crate::support::run;

const UTC: Zone = Zone(0);
const CHINA: Zone = Zone(8);

/// The bundle as a gzipped tar file of this name.
fn tar_gz(name: &str, members: &[Member]) -> Analysis {
    run::file(name, &archive::gzip(&archive::tar(members)))
}

#[track_caller]
fn is(analysis: &Analysis, layout: &str) {
    assert_eq!(analysis.bundle.kind, layout, "{}", super::sources(analysis));
}

#[test]
fn must_gather() {
    let image = "must-gather.local.4711/quay-io-openshift-release-dev-sha256-4f0e";
    // One file holds the journals of all masters; the node stands in each line only.
    let mut journal = no_cni("master-1", NOON);
    let healthy = "Mar 02 12:00:03.100000 master-0 kubelet[2711]: I0302 12:00:03.099000    2711 kubelet_getters.go:187] \"Pod status updated\" pod=\"kube-system/etcd-master-0\" status=\"Running\"\n";
    let services = format!(
        "-- Logs begin at Sun 2026-03-01 03:04:05 UTC. --\n{healthy}{}",
        text(&journal, |e| UTC.precise("master-1", e))
    );
    journal.clear();
    let node = "\
apiVersion: v1
kind: Node
metadata:
  creationTimestamp: \"2026-03-02T11:58:10Z\"
  name: master-1
status:
  conditions:
  - lastHeartbeatTime: \"2026-03-02T12:04:40Z\"
    lastTransitionTime: \"2026-03-02T12:00:00Z\"
    message: 'container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady
      message:Network plugin returns error: No CNI configuration file in /etc/kubernetes/cni/net.d/.
      Has your network provider started?'
    reason: KubeletNotReady
    status: \"False\"
    type: Ready
";
    let members = [
        Member::new(
            "must-gather.local.4711/timestamp",
            "2026-03-02 20:05:10.123456789 +0800 CST m=+0.25\n2026-03-02 20:06:20.123456789 +0800 CST m=+70.25\n",
        ),
        Member::new(
            &format!("{image}/version"),
            "openshift/must-gather\n4.14.8\n",
        ),
        Member::new(
            &format!("{image}/cluster-scoped-resources/core/nodes/master-1.yaml"),
            node,
        ),
        Member::new(
            &format!("{image}/namespaces/default/default.yaml"),
            "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: default\nstatus:\n  phase: Active\n",
        ),
        Member::new(
            &format!("{image}/host_service_logs/masters/kubelet_service.log"),
            services,
        ),
    ];
    let analysis = tar_gz("must-gather.tar.gz", &members);
    is(&analysis, "must-gather");
    Planted::no_cni("node/master-1", NOON).in_first(&analysis);
}

#[test]
fn sosreport() {
    let root = "sosreport-n7-2026-03-02-kqzvtnm";
    let image = "registry.example.com/shop/web:1.4.2";
    let entries = registry_refuses("shop/web-1", image, NOON);
    let members = [
        Member::new(&format!("{root}/version.txt"), "sosreport: 4.5.6\n"),
        Member::new(
            &format!("{root}/sos_reports/manifest.json"),
            "{\"version\": \"1.0\", \"cmdlineopts\": {}}\n",
        ),
        Member::new(
            &format!("{root}/sos_commands/date/date"),
            CHINA.date(NOON + 400, "CST"),
        ),
        Member::new(&format!("{root}/sos_commands/host/hostname"), "n7\n"),
        Member::new(
            &format!("{root}/sos_commands/kubernetes/journalctl_--no-pager_--unit_kubelet"),
            text(
                &of(registry_refuses("shop/web-1", image, NOON), "kubelet"),
                |e| CHINA.journal("n7", e),
            ),
        ),
        Member::new(
            &format!("{root}/sos_commands/containerd/journalctl_--no-pager_--unit_containerd"),
            text(&of(entries, "containerd"), |e| CHINA.journal("n7", e)),
        ),
    ];
    let analysis = tar_gz("sosreport-n7-2026-03-02-kqzvtnm.tar.gz", &members);
    is(&analysis, "sosreport");
    Planted {
        root: &["image/registry-refused"],
        entity: "image/registry.example.com/shop/web:1.4.2",
        began: ("image/pull-failed", NOON + 2),
    }
    .in_first(&analysis);
}

#[test]
fn rancher() {
    let root = "n7-2026-03-02_20_06_40";
    let members = [
        Member::new(
            &format!("{root}/systeminfo/date"),
            CHINA.date(NOON + 400, "CST"),
        ),
        Member::new(&format!("{root}/systeminfo/hostname"), "n7\n"),
        Member::new(
            &format!("{root}/networking/iproute"),
            "default via 192.0.2.1 dev eth0\n",
        ),
        Member::new(
            &format!("{root}/journald/containerd"),
            CHINA.journal("n7", &runtime_start(NOON - 70)),
        ),
        Member::new(
            &format!("{root}/journald/kubelet"),
            text(&no_cni("n7", NOON), |e| CHINA.journal("n7", e)),
        ),
    ];
    let analysis = tar_gz("n7-2026-03-02_20_06_40.tar.gz", &members);
    is(&analysis, "rancher");
    Planted::no_cni("node/n7", NOON).in_first(&analysis);
}

#[test]
fn eks() {
    let node = "ip-192-0-2-17.ec2.internal";
    let members = [
        Member::new("./system/instance-id.txt", "i-0123456789abcdef0\n"),
        Member::new("./system/region.txt", "us-east-1\n"),
        Member::new("./ipamd/enis.json", "{}\n"),
        Member::new(
            "./containerd/containerd-log.txt",
            UTC.journal(node, &runtime_start(NOON - 70)),
        ),
        Member::new(
            "./kubelet/kubelet.log",
            text(&no_cni(node, NOON), |e| UTC.journal(node, e)),
        ),
    ];
    let analysis = tar_gz(
        "eks_i-0123456789abcdef0_2026-03-02_1206-UTC_0.7.6.tar.gz",
        &members,
    );
    is(&analysis, "eks");
    Planted::no_cni("node/ip-192-0-2-17.ec2.internal", NOON).in_first(&analysis);
}

#[test]
fn ack() {
    let epoch = NOON + 400;
    let root = format!("tmp/diagnose_{epoch}");
    let status = "\
-----------------run uptime------------------
 20:06:40 up 41 days,  3:04,  1 user,  load average: 0.10, 0.12, 0.09
-----------------run ps -ef------------------
UID        PID  PPID  C STIME TTY          TIME CMD
root         1     0  0 Jan20 ?        00:01:10 /usr/lib/systemd/systemd --system
root      3186     1  2 Jan20 ?        10:01:10 /usr/bin/kubelet --config=/etc/kubernetes/kubelet.yaml
root      3201     1  1 Jan20 ?        08:11:10 /usr/bin/containerd
-----------------run df -h------------------
Filesystem      Size  Used Avail Use% Mounted on
/dev/vda1       118G   21G   92G  19% /
";
    let members = [
        Member::new(&format!("{root}/system_status"), status),
        Member::new(
            &format!("{root}/network_info"),
            "-----------------run ip route show------------------\ndefault via 192.0.2.1 dev eth0\n",
        ),
        Member::new(
            &format!("{root}/logs/containerd.log"),
            CHINA.journal("cn-beijing.192.0.2.7", &runtime_start(NOON - 70)),
        ),
        Member::new(
            &format!("{root}/logs/kubelet.log"),
            text(&no_cni("cn-beijing.192.0.2.7", NOON), |e| {
                CHINA.journal("cn-beijing.192.0.2.7", e)
            }),
        ),
    ];
    let analysis = tar_gz(&format!("diagnose_{epoch}.tar.gz"), &members);
    is(&analysis, "ack");
    Planted::no_cni("node/cn-beijing.192.0.2.7", NOON).in_first(&analysis);
}

#[test]
fn ack_control_plane() {
    // Pod logs of static pods that mount the host's local time, without any stamp but klog's.
    let epoch = NOON + 400;
    let root = format!("tmp/diagnose_{epoch}");
    let members = [
        Member::new(
            &format!("{root}/system_status"),
            "-----------------run uptime------------------\n 20:06:40 up 41 days,  3:04,  1 user,  load average: 0.10, 0.12, 0.09\n",
        ),
        Member::new(
            &format!("{root}/network_info"),
            "-----------------run ip route show------------------\ndefault via 192.0.2.1 dev eth0\n",
        ),
        Member::new(
            &format!("{root}/cs/kube-apiserver/kube-apiserver-m1.log"),
            text(&webhook_expired("pods.guard.example.com", NOON + 60), |e| {
                CHINA.line(e)
            }),
        ),
    ];
    let analysis = tar_gz(&format!("diagnose_{epoch}.tar.gz"), &members);
    let planted = Planted {
        root: &[
            "webhook/call-failed-certificate-expired",
            "certificate/expired",
        ],
        entity: "webhook/pods.guard.example.com",
        began: ("webhook/call-failed-certificate-expired", NOON + 60),
    };
    planted.in_first(&analysis);
}

#[test]
fn support_bundle() {
    let root = "support-bundle-2026-03-02T20_06_40";
    let pods = r#"{"kind":"PodList","apiVersion":"v1","items":[{"metadata":{"name":"web-1","namespace":"shop","creationTimestamp":"2026-03-02T11:59:50Z"},
"spec":{"nodeName":"n7","containers":[{"name":"app","image":"registry.example.com/shop/web:1.4.2"}]},
"status":{"phase":"Pending","containerStatuses":[{"name":"app","ready":false,"restartCount":0,"image":"registry.example.com/shop/web:1.4.2","state":{"waiting":{"reason":"ImagePullBackOff","message":"Back-off pulling image \"registry.example.com/shop/web:1.4.2\""}}}]}}]}
"#;
    let event = |name: &str, first: &str, last: &str, count: u32, message: &str| {
        let message = message.replace('"', "\\\"");
        format!(
            r#"{{"metadata":{{"name":"web-1.{name}","namespace":"shop"}},"involvedObject":{{"kind":"Pod","namespace":"shop","name":"web-1"}},"reason":"Failed","message":"{message}","source":{{"component":"kubelet","host":"n7"}},"firstTimestamp":"{first}","lastTimestamp":"{last}","count":{count},"type":"Warning"}}"#
        )
    };
    let refusal = r#"Failed to pull image "registry.example.com/shop/web:1.4.2": rpc error: code = Unknown desc = failed to pull and unpack image "registry.example.com/shop/web:1.4.2": failed to resolve reference "registry.example.com/shop/web:1.4.2": failed to do request: Head "https://registry.example.com/v2/shop/web/manifests/1.4.2": dial tcp 192.0.2.7:443: connect: connection refused"#;
    let events = format!(
        r#"{{"kind":"EventList","apiVersion":"v1","items":[{},{}]}}"#,
        event(
            "17a",
            "2026-03-02T12:00:00Z",
            "2026-03-02T12:05:10Z",
            6,
            refusal
        ),
        event(
            "17b",
            "2026-03-02T12:00:01Z",
            "2026-03-02T12:06:10Z",
            18,
            r#"Back-off pulling image "registry.example.com/shop/web:1.4.2""#
        ),
    );
    let members = [
        Member::new(
            &format!("{root}/version.yaml"),
            "apiVersion: troubleshoot.sh/v1beta2\nkind: SupportBundle\nspec:\n  versionNumber: v0.80.0\n",
        ),
        Member::new(&format!("{root}/cluster-resources/pods/shop.json"), pods),
        Member::new(
            &format!("{root}/cluster-resources/events/shop.json"),
            events,
        ),
        Member::new(
            &format!("{root}/cluster-resources/pods/logs/shop/api-1/api.log"),
            "listening on :8080\n",
        ),
    ];
    let analysis = tar_gz("support-bundle-2026-03-02T20_06_40.tar.gz", &members);
    is(&analysis, "support-bundle");
    Planted {
        root: &["image/registry-refused"],
        entity: "image/registry.example.com/shop/web:1.4.2",
        began: ("image/registry-refused", NOON),
    }
    .in_first(&analysis);
}

#[test]
fn kind() {
    let api = "kube-system_kube-apiserver-demo-control-plane_0c8e4f3a52b6a1e4a559c1b1f5b6a0d6/kube-apiserver/0.log";
    let members = [
        Member::new("kind-version.txt", "kind v0.22.0 go1.21.7 linux/amd64\n"),
        Member::new(
            "demo-worker/containerd.log",
            UTC.journal("demo-worker", &runtime_start(NOON - 70)),
        ),
        Member::new(
            "demo-worker/kubelet.log",
            text(&no_cni("demo-worker", NOON), |e| {
                UTC.journal("demo-worker", e)
            }),
        ),
        Member::new(
            &format!("demo-control-plane/pods/{api}"),
            "2026-03-02T12:00:01.000000001Z stderr F I0302 12:00:00.999000       1 handler.go:232] Adding GroupVersion apps v1 to ResourceManager\n",
        ),
    ];
    let analysis = tar_gz("kind-logs.tar.gz", &members);
    is(&analysis, "kind");
    Planted::no_cni("node/demo-worker", NOON).in_first(&analysis);
}

#[test]
fn cluster_info_dump_stream() {
    let dump = r#"{
    "kind": "NodeList",
    "apiVersion": "v1",
    "items": [
        {"metadata": {"name": "n7"}, "status": {"conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady", "lastHeartbeatTime": "2026-03-02T12:06:00Z", "lastTransitionTime": "2026-02-01T12:00:00Z"}]}}
    ]
}
{
    "kind": "EventList",
    "apiVersion": "v1",
    "items": [
        {
            "metadata": {"name": "web-1.17a", "namespace": "shop"},
            "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "web-1"},
            "reason": "FailedMount",
            "message": "MountVolume.SetUp failed for volume \"config\" : configmap \"web-config\" not found",
            "source": {"component": "kubelet", "host": "n7"},
            "firstTimestamp": "2026-03-02T12:00:00Z",
            "lastTimestamp": "2026-03-02T12:06:00Z",
            "count": 11,
            "type": "Warning"
        }
    ]
}
{
    "kind": "PodList",
    "apiVersion": "v1",
    "items": [
        {
            "metadata": {"name": "web-1", "namespace": "shop", "creationTimestamp": "2026-03-02T11:59:58Z"},
            "spec": {"nodeName": "n7", "containers": [{"name": "app", "image": "registry.example.com/shop/web:1.4.2"}]},
            "status": {"phase": "Pending", "containerStatuses": [{"name": "app", "ready": false, "restartCount": 0, "image": "registry.example.com/shop/web:1.4.2", "state": {"waiting": {"reason": "ContainerCreating"}}}]}
        }
    ]
}
==== START logs for container api of pod shop/api-1 ====
listening on :8080
==== END logs for container api of pod shop/api-1 ====
==== START logs for container app of pod shop/web-1 ====
Request log error: the server rejected our request for an unknown reason (get pods web-1)
==== END logs for container app of pod shop/web-1 ====
"#;
    let analysis = run::file("cluster_dump.log", dump.as_bytes());
    Planted {
        root: &["volume/configmap-missing"],
        entity: "configmap/shop/web-config",
        began: ("volume/configmap-missing", NOON),
    }
    .in_first(&analysis);
}

#[test]
fn loose_files() {
    // What somebody attached to a ticket: no folders, no names that help.
    let members = [
        Member::new("1.txt", APISERVICES),
        Member::new("2.txt", NAMESPACES),
        Member::new(
            "new 3.log",
            text(&discovery_incomplete("payments", NOON), |e| UTC.line(e)),
        ),
    ];
    let analysis = run::members(&members);
    Planted::missing_endpoints(NOON).in_first(&analysis);
}
