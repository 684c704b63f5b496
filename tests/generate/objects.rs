//! What kubectl and the machines print: tables, objects, events.

#![expect(clippy::format_push_string, reason = "readable, and written once")]

use super::Plan;
use super::random::Random;
use super::streams::BROKEN;
use super::time::{SECOND, SPAN, START, Time};

const NODES: [(&str, &str); 6] = [
    ("cp1", "10.20.0.10"),
    ("cp2", "10.20.0.13"),
    ("cp3", "10.20.0.14"),
    ("node1", "10.20.0.11"),
    ("node2", "10.20.0.12"),
    ("node3", "10.20.0.15"),
];

/// Paths and contents.
pub(crate) fn files(plan: &Plan) -> Vec<(String, String)> {
    let broken = Time {
        ns: BROKEN,
        ahead: 0,
    }
    .seconds();
    let deleted = Time {
        ns: BROKEN + 60 * SECOND,
        ahead: 0,
    }
    .seconds();
    let mut files = vec![
        ("kubectl/get-nodes.txt", nodes()),
        ("kubectl/get-pods-A.txt", pods(plan)),
        ("kubectl/get-ns.txt", namespaces(plan.incident)),
        ("kubectl/get-apiservice.txt", apiservices(plan.incident)),
        ("kubectl/events.json", events(plan)),
    ];
    if plan.incident {
        files.push((
            "kubectl/apiservice-v1beta1.metrics.k8s.io.yaml",
            APISERVICE.replace("@BROKEN@", &broken),
        ));
        files.push((
            "kubectl/ns-team-a.yaml",
            NAMESPACE.replace("@DELETED@", &deleted),
        ));
        files.push((
            "kubectl/endpoints-metrics-server.yaml",
            ENDPOINTS.replace("@BROKEN@", &broken),
        ));
    }
    let zone = if plan.local { "CST" } else { "UTC" };
    let hour = if plan.local { 16 } else { 8 };
    let mut files: Vec<(String, String)> =
        files.into_iter().map(|(p, c)| (p.to_owned(), c)).collect();
    for (node, _) in NODES {
        files.push((
            format!("nodes/{node}/host/date.txt"),
            format!("Fri Nov 20 {hour:02}:00:10 {zone} 2026\n"),
        ));
    }
    files
}

fn nodes() -> String {
    let mut out = String::from(
        "NAME    STATUS   ROLES                  AGE   VERSION   INTERNAL-IP   EXTERNAL-IP   OS-IMAGE                         KERNEL-VERSION    CONTAINER-RUNTIME\n",
    );
    for (node, address) in NODES {
        let role = if node.starts_with("cp") {
            "control-plane,master"
        } else {
            "<none>"
        };
        out += &format!(
            "{node:7} Ready    {role:22} 90d   v1.20.2   {address:13} <none>        Debian GNU/Linux 12 (bookworm)   6.1.0-amd64       containerd://1.6.20\n"
        );
    }
    out
}

fn pods(plan: &Plan) -> String {
    let mut random = Random::of(plan.seed, 9001);
    let mut out = String::from(
        "NAMESPACE      NAME                       READY   STATUS    RESTARTS   AGE   IP             NODE    NOMINATED NODE   READINESS GATES\n",
    );
    for i in 0..300_u64 {
        let node = NODES[3 + usize::try_from(i % 3).unwrap_or(0)].0;
        let name = format!(
            "web-{:08x}-{:05x}",
            0x6584_6786 + i / 20,
            random.below(0xf_ffff)
        );
        let address = format!("10.244.{}.{}", i % 3 + 1, 2 + i / 3);
        out += &format!(
            "shop           {name:26} 1/1     Running   0          30d   {address:14} {node:7} <none>           <none>\n"
        );
    }
    out
}

fn namespaces(incident: bool) -> String {
    let mut out = String::from("NAME              STATUS        AGE\n");
    for name in [
        "default",
        "kube-node-lease",
        "kube-public",
        "kube-system",
        "shop",
        "team-b",
    ] {
        out += &format!("{name:17} Active        90d\n");
    }
    if incident {
        out += "team-a            Terminating   30d\n";
    }
    out
}

fn apiservices(incident: bool) -> String {
    let mut out = String::from(
        "NAME                                   SERVICE                      AVAILABLE                  AGE\n",
    );
    for name in [
        "v1.",
        "v1.apps",
        "v1.authorization.k8s.io",
        "v1.batch",
        "v1.storage.k8s.io",
    ] {
        out += &format!("{name:38} Local                        True                       90d\n");
    }
    let state = if incident {
        "False (MissingEndpoints)"
    } else {
        "True"
    };
    out + &format!(
        "v1beta1.metrics.k8s.io                 kube-system/metrics-server   {state:26} 90d\n"
    )
}

/// Events of a quiet cluster: a hundredth of the bundle, some megabytes at most.
fn events(plan: &Plan) -> String {
    let mut random = Random::of(plan.seed, 9002);
    let wanted = usize::try_from((plan.bytes / 100).min(8 << 20)).unwrap_or(0);
    let mut out = String::from("{\n    \"apiVersion\": \"v1\",\n    \"items\": [\n");
    let reasons = [
        (
            "Scheduled",
            "Successfully assigned shop/web to node1",
            "default-scheduler",
        ),
        (
            "Pulled",
            "Container image \\\"registry.example.com/shop/web:v1.4\\\" already present on machine",
            "kubelet",
        ),
        ("Created", "Created container web", "kubelet"),
        ("Started", "Started container web", "kubelet"),
    ];
    let mut number = 0_u64;
    loop {
        let (reason, message, from) = *random.pick(&reasons);
        let at = Time {
            ns: START + random.below(SPAN),
            ahead: 0,
        }
        .seconds();
        number += 1;
        out += &format!(
            r#"        {{
            "apiVersion": "v1",
            "count": 1,
            "eventTime": null,
            "firstTimestamp": "{at}",
            "involvedObject": {{
                "apiVersion": "v1",
                "kind": "Pod",
                "name": "web-65846786-{:05x}",
                "namespace": "shop"
            }},
            "kind": "Event",
            "lastTimestamp": "{at}",
            "message": "{message}",
            "metadata": {{
                "creationTimestamp": "{at}",
                "name": "web.{number:x}",
                "namespace": "shop"
            }},
            "reason": "{reason}",
            "source": {{
                "component": "{from}"
            }},
            "type": "Normal"
        }}"#,
            random.below(0xf_ffff)
        );
        if out.len() >= wanted {
            break;
        }
        out += ",\n";
    }
    out + "\n    ],\n    \"kind\": \"List\",\n    \"metadata\": {\n        \"resourceVersion\": \"\"\n    }\n}\n"
}

const APISERVICE: &str = r#"apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata:
  creationTimestamp: "2026-08-20T17:00:41Z"
  name: v1beta1.metrics.k8s.io
spec:
  group: metrics.k8s.io
  groupPriorityMinimum: 100
  service:
    name: metrics-server
    namespace: kube-system
    port: 443
  version: v1beta1
  versionPriority: 100
status:
  conditions:
  - lastTransitionTime: "@BROKEN@"
    message: endpoints for service/metrics-server in "kube-system" have no addresses
      with port name "https"
    reason: MissingEndpoints
    status: "False"
    type: Available
"#;

const NAMESPACE: &str = r#"apiVersion: v1
kind: Namespace
metadata:
  creationTimestamp: "2026-08-20T17:00:20Z"
  deletionTimestamp: "@DELETED@"
  name: team-a
spec:
  finalizers:
  - kubernetes
status:
  conditions:
  - lastTransitionTime: "@DELETED@"
    message: 'Discovery failed for some groups, 1 failing: unable to retrieve the
      complete list of server APIs: metrics.k8s.io/v1beta1: the server is currently
      unable to handle the request'
    reason: DiscoveryFailed
    status: "True"
    type: NamespaceDeletionDiscoveryFailure
  - lastTransitionTime: "@DELETED@"
    message: All content successfully removed
    reason: ContentRemoved
    status: "False"
    type: NamespaceContentRemaining
  phase: Terminating
"#;

const ENDPOINTS: &str = r#"apiVersion: v1
kind: Endpoints
metadata:
  annotations:
    endpoints.kubernetes.io/last-change-trigger-time: "@BROKEN@"
  creationTimestamp: "2026-08-20T17:00:20Z"
  name: metrics-server
  namespace: kube-system
"#;
