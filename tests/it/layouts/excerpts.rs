//! A few lines copied from a log or an output, as people send them before they send a bundle.

use kforensics::model::{Analysis, Basis};

use crate::support::run;

const REFUSED: &str = "dispatcher.go:180] Failed calling webhook, failing closed pods.example.com: failed calling webhook \"pods.example.com\": failed to call webhook: Post \"https://hook.shop.svc:443/validate?timeout=10s\": dial tcp 10.96.0.7:443: connect: connection refused";

fn has(analysis: &Analysis, kind: &str) -> bool {
    analysis.facts.iter().any(|f| f.kind == kind)
}

#[test]
fn what_is_shorter_than_a_fact_must_last_does_not_say_that_it_passed() {
    let lines = format!(
        "W0302 12:00:00.000000       1 {REFUSED}\nW0302 12:00:01.000000       1 {REFUSED}\n"
    );
    let excerpt = run::file("kube-apiserver.log", lines.as_bytes());
    let first = excerpt.incidents.first().expect("an incident");
    let root = first.roots.first().expect("a root");
    let root = &excerpt.facts[usize::try_from(root.fact.0).unwrap()];
    assert_eq!(root.kind, "webhook/call-failed-refused");
    assert_eq!(*root.basis(), Basis::Seen);

    // The same within an hour of other lines was a moment.
    let mut long = lines;
    for minute in 1..60 {
        long.push_str(&format!(
            "I0302 12:{minute:02}:00.000000       1 controller.go:616] quota admission added evaluator for: widgets\n"
        ));
    }
    let passed = run::file("kube-apiserver.log", long.as_bytes());
    assert!(has(&passed, "webhook/call-failed-refused"));
    assert!(passed.incidents.is_empty(), "{:?}", passed.incidents);
}

#[test]
fn an_object_that_nothing_dates_still_stands_as_it_was_sent() {
    let namespace = "```
apiVersion: v1
kind: Namespace
metadata:
  creationTimestamp: \"2020-07-18T09:31:50Z\"
  deletionTimestamp: \"2020-07-31T23:19:14Z\"
  name: team-a
spec:
  finalizers:
  - kubernetes
status:
  conditions:
  - lastTransitionTime: \"2020-07-31T23:19:19Z\"
    message: 'Discovery failed for some groups, 1 failing: unable to retrieve the
      complete list of server APIs: metrics.k8s.io/v1beta1: the server is currently
      unable to handle the request'
    reason: DiscoveryFailed
    status: \"True\"
    type: NamespaceDeletionDiscoveryFailure
  phase: Terminating
```
";
    let analysis = run::file("ns.txt", namespace.as_bytes());
    let first = analysis.incidents.first().expect("an incident");
    let root = first.roots.first().expect("a root");
    let root = &analysis.facts[usize::try_from(root.fact.0).unwrap()];
    assert_eq!(root.kind, "aggregated-api/group-unavailable");
}

#[test]
fn lines_of_nobody_known_are_not_given_to_a_component() {
    let line = "E0410 22:37:57.775468       1 reflector.go:138] k8s.io/client-go/informers/factory.go:134: Failed to watch *v1.CSIDriver: failed to list *v1.CSIDriver: csidrivers.storage.k8s.io is forbidden: User \"system:serviceaccount:storage:own-scheduler\" cannot list resource \"csidrivers\" in API group \"storage.k8s.io\" at the cluster scope\n";
    let analysis = run::file("own.log", line.as_bytes());
    assert!(has(&analysis, "rbac/component-forbidden"));
    assert!(!has(&analysis, "kube-proxy/unauthorized"));

    // One process holds the API server, which speaks of its clients, and the servers behind it, which speak of it.
    let line = "Sep 19 10:50:50 n1 k3s[20682]: E0919 10:50:50.932898   20682 authentication.go:53] Unable to authenticate the request due to an error: x509: certificate has expired or is not yet valid\n";
    let analysis = run::file("k3s.log", line.as_bytes());
    assert!(has(&analysis, "certificate/apiserver-rejects-client"));
    assert!(!has(&analysis, "certificate/front-proxy-client-expired"));
}

#[test]
fn the_log_of_k3s_is_no_log_of_the_kernel() {
    let line = "Mar 02 12:00:00 n1 k3s[52749]: E0302 12:00:00.565723   52749 pod_workers.go:1300] \"Error syncing pod, skipping\" err=\"failed to \\\"StartContainer\\\" for \\\"web\\\" with CrashLoopBackOff: \\\"back-off 5m0s restarting failed container=web pod=web-1_shop(95b09387-686a-414e-9b63-66a55fad0280)\\\"\" pod=\"shop/web-1\" podUID=\"95b09387-686a-414e-9b63-66a55fad0280\"\n";
    let analysis = run::file("k3s.log", line.as_bytes());
    let first = analysis.incidents.first().expect("an incident");
    let told = format!("{:?}", first.ruled_out);
    assert!(!told.contains("kernel"), "{told}");
}

#[test]
fn what_healthy_clusters_print_now_and_then_is_an_incident_when_it_repeats() {
    let upstream = |second: u8| {
        format!(
            "2024-02-09T03:04:{second:02}.000Z [ERROR] plugin/errors: 2 www.example.com. A: read udp 10.244.0.7:40112->10.0.0.2:53: i/o timeout\n"
        )
    };
    let told = |lines: &str| {
        let analysis = run::file("coredns.log", lines.as_bytes());
        assert!(has(&analysis, "dns/upstream-timeout"));
        !analysis.incidents.is_empty()
    };
    assert!(!told(&upstream(1)));
    assert!(told(&[1, 2, 3].map(upstream).concat()));

    // What a command answered is sent because somebody could not go on.
    let refused = "connect: connection refused";
    let scrape = format!(
        "E0520 09:11:15.227871       1 scraper.go:149] \"Failed to scrape node\" err=\"Get \\\"https://192.0.2.41:10250/metrics/resource\\\": dial tcp 192.0.2.41:10250: {refused}\" node=\"n1\"\n"
    );
    let answer = format!(
        "$ kubectl logs web-1\nError from server: Get \"https://192.0.2.41:10250/containerLogs/shop/web-1/web\": dial tcp 192.0.2.41:10250: {refused}\n"
    );
    for (name, lines, expected) in [
        ("metrics-server.log", scrape, false),
        ("kubectl-logs.txt", answer, true),
    ] {
        let analysis = run::file(name, lines.as_bytes());
        assert!(
            has(&analysis, "blocked-path/kubelet-port-refused"),
            "{name}"
        );
        assert_eq!(!analysis.incidents.is_empty(), expected, "{name}");
    }
}

#[test]
fn with_its_first_line_an_excerpt_does_not_say_that_a_component_started() {
    const FAILED: &str = "1 reflector.go:140] k8s.io/client-go/informers/factory.go:150: Failed to watch *v1.Service: failed to list *v1.Service: Get \"https://10.0.0.10:6443/api/v1/services?limit=500\": tls: failed to verify certificate: x509: certificate signed by unknown authority";
    let lines: String = [0, 1, 3, 7, 20, 45]
        .map(|s| format!("E0302 12:00:{s:02}.000000       {FAILED}\n"))
        .concat();
    let excerpt = run::file("kube-proxy.log", lines.as_bytes());
    assert!(has(&excerpt, "certificate/unknown-authority"));
    assert_eq!(excerpt.incidents.len(), 1);

    // What a component complains of while it starts is no incident.
    let started = format!(
        "I0302 12:00:00.000000       1 server.go:872] \"Version info\" version=\"v1.30.1\"\n{lines}"
    );
    let started = run::file("kube-proxy.log", started.as_bytes());
    assert!(has(&started, "certificate/unknown-authority"));
    assert!(started.incidents.is_empty(), "{:?}", started.incidents);
}
