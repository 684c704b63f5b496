//! What collectors and clouds export.

use super::*;

#[test]
fn what_a_collector_of_a_cluster_ships() {
    let r = case(
        r#"{"message":"E0608 12:45:18.092741       1 a.go:154] it broke\n","kubernetes":{"container_name":"vsphere-cpi","host":"n1"}}"#,
        &["docker", "klog"],
        "?-6-8 12:45:18 local",
        'E',
        "it broke",
    );
    assert_eq!(r.ident.as_deref(), Some("vsphere-cpi"));
    case(
        r#"{"@timestamp":"2024-02-09T03:04:05.123Z","message":"it broke","kubernetes":{"container_name":"web","host":"n1"}}"#,
        &["docker"],
        "2024-02-09T03:04:05.123Z",
        '?',
        "it broke",
    );
}

#[test]
fn an_application_that_speaks_of_kubernetes_is_no_collector() {
    for line in [
        r#"{"message":"connected","kubernetes":{"host":"https://10.96.0.1","version":"v1.30.1"},"severity":"error"}"#,
        r#"{"severity":"error","message":"no leader","kubernetes":{"namespace":"shop"}}"#,
    ] {
        assert!(!formats(line.as_bytes()).contains(&"docker"), "{line}");
        let r = record(line.as_bytes());
        assert_eq!((r.host, r.ident), (None, None), "{line}");
    }
    // Elastic's agents nest what others name.
    let r = record(br#"{"message":"bad","kubernetes":{"container":{"name":"web"},"node":{"name":"n1"},"pod":{"name":"web-1"}}}"#);
    assert_eq!(
        (r.ident.as_deref(), r.host.as_deref(), &*r.text),
        (Some("web"), Some("n1"), b"bad".as_slice())
    );
}

#[test]
fn events_of_cloudwatch() {
    const KLOG: &str = "E1120 17:06:13.398027      60 a.go:1] bad";
    for line in [
        r#"{"logStreamName":"kube-apiserver-0123456789abcdef","timestamp":1795194373398,"message":"E1120 17:06:13.398027      60 a.go:1] bad","ingestionTime":1795194374000}"#,
        r#"{"@timestamp":"2026-11-20 17:06:13.398","@message":"E1120 17:06:13.398027      60 a.go:1] bad","@logStream":"kube-apiserver-0123456789abcdef"}"#,
        r#"[{"field":"@timestamp","value":"2026-11-20 17:06:13.398"},{"field":"@message","value":"E1120 17:06:13.398027      60 a.go:1] bad"},{"field":"@logStream","value":"kube-apiserver-0123456789abcdef"},{"field":"@ptr","value":"x"}]"#,
        &format!("2026-11-20T17:06:13.398000+00:00 kube-apiserver-0123456789abcdef {KLOG}"),
        &format!(
            "EVENTS\t3712\t1795194374000\tkube-apiserver-0123456789abcdef\t{KLOG}\t1795194373398"
        ),
    ] {
        let r = case(
            line,
            &["cloudwatch", "klog"],
            "2026-11-20T17:06:13.398027Z",
            'E',
            "bad",
        );
        assert_eq!(r.ident.as_deref(), Some("kube-apiserver"), "{line}");
    }
    // Without a stream, and shipped by an agent.
    case(
        &format!("EVENTS\t1795194374000\t{KLOG}\t1795194373398"),
        &["cloudwatch", "klog"],
        "2026-11-20T17:06:13.398027Z",
        'E',
        "bad",
    );
    let r = record(br#"{"@timestamp":"2026-11-20 17:06:13.398","@message":"{\"log\":\"E1120 17:06:13.398027      60 a.go:1] bad\",\"stream\":\"stderr\",\"kubernetes\":{\"container_name\":\"kube-proxy\",\"host\":\"n1\"}}"}"#);
    assert_eq!(r.text, b"bad".as_slice());
    assert_eq!(
        (r.ident.as_deref(), r.host.as_deref()),
        (Some("kube-proxy"), Some("n1"))
    );
}

#[test]
fn entries_of_cloud_logging_without_a_header() {
    let r = case(
        r#"{"insertId":"a","jsonPayload":{"message":"\"Failed to update lease\" err=\"timeout\"","pid":"1"},"resource":{"type":"k8s_control_plane_component","labels":{"component_name":"kube-scheduler"}},"severity":"ERROR","timestamp":"2026-11-20T17:06:13.5Z"}"#,
        &["cloud-logging"],
        "2026-11-20T17:06:13.500Z",
        'E',
        "Failed to update lease err=timeout",
    );
    assert_eq!(r.ident.as_deref(), Some("kube-scheduler"));
    for (name, ident) in [
        ("projects/p/logs/kubelet", Some("kubelet")),
        (
            "projects/p/logs/container.googleapis.com%2Fapiserver",
            Some("apiserver"),
        ),
        ("projects/p/logs/stderr", None),
    ] {
        let line = format!(
            r#"{{"logName":"{name}","textPayload":"x","timestamp":"2026-11-20T17:06:13.5Z"}}"#
        );
        assert_eq!(record(line.as_bytes()).ident.as_deref(), ident, "{name}");
    }
}
