use super::super::testing::{facts_of, shown};
use super::*;

const LIVES: &str = "duel/create-delete-alternates";
const WRITES: &str = "duel/two-writers";

fn request(second: u32, verb: &str, path: &str, actor: &str, address: &str) -> String {
    format!(
        "2026-07-23T10:{:02}:{:02}Z stderr F I0723 10:{:02}:{:02}.130134       1 wrap.go:47] {verb} {path}: (6.599ms) 200 [{actor} {address}:43478]\n",
        second / 60,
        second % 60,
        second / 60,
        second % 60
    )
}

const SET: &str = "/apis/tenant.example.com/v1/workspaces";
const ONE: &str = "/apis/tenant.example.com/v1/workspaces/ws1";

#[track_caller]
fn case(kind: &str, lines: &[String], expected: &[&str]) {
    let log = lines.concat();
    let facts = facts_of(&[("cp1/kube-apiserver.log", &log)], kind);
    assert_eq!(
        shown(&facts, &["count", "actors", "addresses"]),
        expected,
        "{log}"
    );
}

#[test]
fn created_and_deleted_in_turn() {
    let agent = "controller-manager/v0.0.0 (linux/amd64) kubernetes/x";
    let turn = |n: u32| {
        [
            request(n, "POST", SET, agent, "192.168.0.7"),
            request(n + 3, "DELETE", ONE, agent, "192.168.0.77"),
        ]
    };
    let lines: Vec<String> = [turn(0), turn(10), turn(20)].concat();
    case(
        LIVES,
        &lines,
        &["workspace/ws1 count=3 actors=controller-manager addresses=192.168.0.7, 192.168.0.77"],
    );
    // Once is a person.
    case(LIVES, &turn(0), &[]);
    // Far apart: a job that makes and removes its own test object.
    let slow: Vec<String> = [turn(0), turn(1200), turn(2400)].concat();
    case(LIVES, &slow, &[]);
}

#[test]
fn written_in_turn_by_two() {
    let one = "/apis/apps/v1/namespaces/shop/deployments/web";
    let turn = |n: u32, path: &str, b: &str| {
        [
            request(n, "PATCH", path, "argocd/v2 (linux)", "10.0.0.5"),
            request(n + 3, "PUT", path, b, "10.0.0.6"),
        ]
    };
    let many = |path: &str, b: &str| -> Vec<String> {
        (0..5).flat_map(|n| turn(n * 10, path, b)).collect()
    };
    case(
        WRITES,
        &many(one, "scaler/v1 (linux)"),
        &["deployment/shop/web count=5 actors=argocd, scaler addresses=10.0.0.5, 10.0.0.6"],
    );
    let answering = "kube-controller-manager/v1.12.6 (linux/amd64) kubernetes/8cb561c/system:serviceaccount:kube-system:deployment-controller";
    case(WRITES, &many(one, answering), &[]);
    // A node's taints, say; its heartbeats are on a subresource.
    case(
        WRITES,
        &many("/api/v1/nodes/n1", "scaler/v1 (linux)"),
        &["node/n1 count=5 actors=argocd, scaler addresses=10.0.0.5, 10.0.0.6"],
    );
    case(
        WRITES,
        &many("/api/v1/nodes/n1/status", "scaler/v1 (linux)"),
        &[],
    );
    let endpoints = "/api/v1/namespaces/shop/endpoints/web";
    case(WRITES, &many(endpoints, "scaler/v1 (linux)"), &[]);
    case(
        WRITES,
        &many(
            "/apis/apps/v1/namespaces/shop/deployments/web/status",
            "scaler/v1 (linux)",
        ),
        &[],
    );
    case(
        WRITES,
        &many(one, "argocd/v2 (linux)")
            .into_iter()
            .step_by(2)
            .collect::<Vec<_>>(),
        &[],
    );
}

#[test]
fn one_program_behind_two_load_balancers() {
    let web = "/apis/apps/v1/namespaces/shop/deployments/web";
    let actor = "operator/v1 (linux)";
    let lines: Vec<String> = (0..5)
        .flat_map(|n| {
            [
                request(n * 10, "PUT", web, actor, "10.0.0.5"),
                request(n * 10 + 3, "PUT", web, actor, "10.0.0.6"),
            ]
        })
        .collect();
    // Two copies of one operator.
    case(
        WRITES,
        &lines,
        &["deployment/shop/web count=5 actors=operator addresses=10.0.0.5, 10.0.0.6"],
    );
    let map = "/api/v1/namespaces/shop/configmaps/x";
    let others = [
        request(70, "PUT", map, "kubectl/v1.30 (linux)", "10.0.0.5"),
        request(75, "PUT", map, "kubectl/v1.30 (linux)", "10.0.0.6"),
    ];
    case(WRITES, &[lines, others.to_vec()].concat(), &[]);
}

/// A Deployment as `kubectl get -o yaml` prints it, with who wrote it last.
fn deployment(generation: u32, writers: &[(&str, &str, &str)]) -> String {
    let fields = writers
        .iter()
        .map(|(manager, time, subresource)| {
            format!("  - apiVersion: apps/v1\n    fieldsV1:\n      f:spec:\n        f:replicas: {{}}\n    manager: {manager}\n    operation: Update\n{subresource}    time: \"{time}\"\n")
        })
        .collect::<Vec<_>>()
        .concat();
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  creationTimestamp: \"2026-07-21T10:00:00Z\"\n  generation: {generation}\n  managedFields:\n{fields}  name: web\n  namespace: shop\nspec:\n  replicas: 3\n"
    )
}

#[track_caller]
fn objects_case(files: &[String], expected: &[&str]) {
    let names: Vec<String> = (0..files.len()).map(|n| format!("{n}/web.yaml")).collect();
    let files: Vec<(&str, &str)> = names
        .iter()
        .map(String::as_str)
        .zip(files.iter().map(String::as_str))
        .collect();
    assert_eq!(
        shown(&facts_of(&files, WRITES), &["count", "actors"]),
        expected
    );
}

#[test]
fn an_object_names_its_two_writers() {
    let (a, b) = (
        ("argocd-controller", "2026-07-23T10:02:11Z", ""),
        ("scaler", "2026-07-23T10:02:13Z", ""),
    );
    let expected = ["deployment/shop/web count=4110 actors=argocd-controller, scaler"];
    objects_case(&[deployment(4111, &[a, b])], &expected);
    // Scaling goes by a subresource of its own.
    let hpa = (
        "kube-controller-manager",
        "2026-07-23T10:02:13Z",
        "    subresource: scale\n",
    );
    objects_case(
        &[deployment(4111, &[a, hpa])],
        &["deployment/shop/web count=4110 actors=argocd-controller, kube-controller-manager/scale"],
    );
    // Two wrote it at the same time, and it hardly ever changed.
    objects_case(&[deployment(7, &[a, b])], &[]);
    // It changes all the time, by one; the other one made it.
    let old = ("kubectl-create", "2026-07-21T10:00:00Z", "");
    objects_case(&[deployment(4111, &[old, b])], &[]);
    // The status is an answer.
    let status = (
        "operator",
        "2026-07-23T10:02:13Z",
        "    subresource: status\n",
    );
    objects_case(&[deployment(4111, &[a, status])], &[]);
}

#[test]
fn several_outputs_of_an_object_show_turns() {
    let at = |minute: u32, second: u32| format!("2026-07-23T10:{minute:02}:{second:02}Z");
    let output = |n: u32| {
        deployment(
            40 + 2 * n,
            &[
                ("argocd-controller", &at(n, 11), ""),
                ("scaler", &at(n, 13), ""),
            ],
        )
    };
    let all: Vec<String> = (1..5).map(output).collect();
    objects_case(
        &all,
        &["deployment/shop/web count=4 actors=argocd-controller, scaler"],
    );
    objects_case(&all[..2], &[]);
}

#[test]
fn two_logs_of_one_request_are_one_actor() {
    let one = "/apis/apps/v1/namespaces/shop/deployments/web";
    let http: Vec<String> = (0..5)
        .map(|n| request(n * 10, "PATCH", one, "argocd/v2 (linux)", "10.0.0.5"))
        .collect();
    let audit = (0..5)
        .map(|n| format!("{{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"level\":\"Metadata\",\"auditID\":\"a{n}\",\"stage\":\"ResponseComplete\",\"requestURI\":\"{one}\",\"verb\":\"patch\",\"user\":{{\"username\":\"system:serviceaccount:argocd:controller\"}},\"sourceIPs\":[\"10.0.0.5\"],\"userAgent\":\"argocd/v2\",\"objectRef\":{{\"resource\":\"deployments\",\"namespace\":\"shop\",\"name\":\"web\"}},\"responseStatus\":{{\"code\":200}},\"requestReceivedTimestamp\":\"2026-07-23T10:00:{n}0.120134Z\",\"stageTimestamp\":\"2026-07-23T10:00:{n}0.125134Z\"}}\n"))
        .collect::<Vec<_>>()
        .concat();
    let files = [
        ("cp1/kube-apiserver.log", http.concat()),
        ("cp1/audit.log", audit),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(p, t)| (*p, t.as_str())).collect();
    assert_eq!(facts_of(&files, WRITES).len(), 0);
}

#[test]
fn two_logs_of_one_that_makes_and_removes() {
    let files = |deleter: (&str, &str)| {
        let (mut http, mut audit) = (String::new(), String::new());
        for n in 0..4 {
            for (verb, second, (agent, address)) in [
                ("create", n * 20, ("ci-runner/v1 (linux)", "192.168.0.7")),
                ("delete", n * 20 + 5, deleter),
            ] {
                let (method, uri, name) = if verb == "create" {
                    ("POST", SET, ",\"name\":\"ws1\"")
                } else {
                    ("DELETE", ONE, ",\"name\":\"ws1\"")
                };
                http += &request(second, method, uri, agent, address);
                let at = format!("2026-07-23T10:{:02}:{:02}", second / 60, second % 60);
                let user = agent.split('/').next().unwrap_or(agent);
                // Now one of the logs is the first to tell, now the other.
                let part = if verb == "create" { 10 } else { 20 };
                audit += &format!(
                    "{{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"level\":\"Metadata\",\"auditID\":\"{verb}{n}\",\"stage\":\"ResponseComplete\",\"requestURI\":\"{uri}\",\"verb\":\"{verb}\",\"user\":{{\"username\":\"system:serviceaccount:ci:{user}\"}},\"sourceIPs\":[\"{address}\"],\"userAgent\":\"{agent}\",\"objectRef\":{{\"resource\":\"workspaces\",\"apiGroup\":\"tenant.example.com\"{name}}},\"responseStatus\":{{\"code\":200}},\"requestReceivedTimestamp\":\"{at}.{part}0134Z\",\"stageTimestamp\":\"{at}.{part}5134Z\"}}\n"
                );
            }
        }
        let files = [
            ("cp1/kube-apiserver.log", http.as_str()),
            ("cp1/audit.log", audit.as_str()),
        ];
        facts_of(&files, LIVES).len()
    };
    assert_eq!(files(("ci-runner/v1 (linux)", "192.168.0.7")), 0);
    assert_eq!(files(("sweeper/v1 (linux)", "192.168.0.9")), 1);
}

#[test]
fn made_and_removed_by_one() {
    let agent = "ci-runner/v1 (linux)";
    let lines: Vec<String> = (0..4)
        .flat_map(|n| {
            [
                request(n * 20, "POST", SET, agent, "192.168.0.7"),
                request(n * 20 + 5, "DELETE", ONE, agent, "192.168.0.7"),
            ]
        })
        .collect();
    case(LIVES, &lines, &[]);
}

#[test]
fn a_controllers_own_words() {
    let lines: String = (0..3)
        .map(|n| format!("I0723 10:02:{n}1.120134       1 controller.go:450] Ensuring workspace \"ws1\" exists in cluster \"host\"\nI0723 10:02:{n}1.652991       1 managed.go:410] Deleting workspace \"ws1\" in cluster \"host\"\n"))
        .collect::<Vec<_>>()
        .concat();
    let facts = facts_of(
        &[(
            "kube-federation-system/kubefed-controller-manager.log",
            &lines,
        )],
        LIVES,
    );
    assert_eq!(shown(&facts, &["count"]), ["workspace/ws1 count=3"]);
}

#[test]
fn kinds_of_resources() {
    assert_eq!(singular("workspaces"), "workspace");
    assert_eq!(singular("networkpolicies"), "networkpolicy");
    assert_eq!(singular("ingresses"), "ingress");
    assert_eq!(singular("namespaces"), "namespace");
}
