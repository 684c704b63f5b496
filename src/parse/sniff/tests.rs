use super::*;
use proptest::prelude::*;

#[track_caller]
fn case(path: &str, head: &str, kind: SourceKind, formats: &[&str], component: &str, node: &str) {
    let s = sniff(path, head.as_bytes());
    assert_eq!((s.kind, &*s.formats), (kind, formats), "{path}: {}", s.why);
    assert_eq!(s.scope.component.as_str(), component, "{path}: {}", s.why);
    assert_eq!(s.scope.node.as_deref().unwrap_or(""), node, "{path}");
    assert!(!s.why.is_empty());
}

const KUBELET: &str = "\
Nov 20 17:02:26 node1 kubelet[86]: I1120 17:02:26.164562      86 flags.go:59] FLAG: --add-dir-header=\"false\"
Nov 20 17:02:26 node1 kubelet[86]: I1120 17:02:26.164590      86 kubelet.go:59] x
Nov 20 17:02:26 node1 kubelet[86]: goroutine 5 [running]:
Nov 20 17:02:26 node1 kubelet[86]: main.main()
";

#[test]
fn logs() {
    use SourceKind::Log;
    case(
        "foo.txt",
        KUBELET,
        Log,
        &["journald", "klog"],
        "kubelet",
        "node1",
    );
    case(
        "nodes/other/etcd.log",
        KUBELET,
        Log,
        &["journald", "klog"],
        "kubelet",
        "node1",
    );
    case(
        "logs/kube-apiserver.log",
        "Flag --insecure-port has been deprecated\nI1120 17:01:00.181384      60 flags.go:59] FLAG: --address=\"127.0.0.1\"\n",
        Log,
        &["klog"],
        "kube-apiserver",
        "",
    );
    case(
        "x",
        "Log file created at: 2026/11/20 17:00:45\nRunning on machine: cp1\nBinary: Built with gc go1.19 for linux/amd64\n\
         Log line format: [IWEF]mmdd hh:mm:ss.uuuuuu threadid file:line] msg\n\
         I1120 17:01:00.181384      60 httplog.go:59] x\nI1120 17:01:00.181384      60 available_controller.go:59] x\n",
        Log,
        &["klog"],
        "kube-apiserver",
        "cp1",
    );
    // Several machines in one file.
    case(
        "host_service_logs/masters/kubelet_service.log",
        "Nov 20 17:02:26 m1 kubelet[86]: x\nNov 20 17:02:27 m2 kubelet[87]: y\n",
        Log,
        &["journald"],
        "kubelet",
        "",
    );
    case(
        "audit/audit.log",
        r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"7","stage":"ResponseComplete","requestURI":"/x","verb":"get","stageTimestamp":"2026-11-20T17:01:21.0125Z"}"#,
        Log,
        &["audit"],
        "audit",
        "",
    );
    case(
        "app/plain.log",
        "listening\nready\n",
        Log,
        &[],
        "unknown",
        "",
    );
    case(
        "nodes/n1/dmesg.txt",
        "[ 1313.273392] cni0: port 3\n",
        Log,
        &["kernel"],
        "kernel",
        "n1",
    );
    case(
        "dump.txt",
        "==== START logs for container a of pod b/c ====\nI1120\n",
        Log,
        &[],
        "unknown",
        "",
    );
}

#[test]
fn others() {
    use SourceKind as K;
    case("a", "", K::Empty, &[], "unknown", "");
    case("a", " \n\n", K::Empty, &[], "unknown", "");
    case("a.log", "{\"x\": 1}\n", K::Log, &[], "unknown", "");
    case("notes.txt", "hello\nworld\n", K::Text, &[], "unknown", "");
    // Stacks of threads below headings of a script.
    case(
        "threads.txt",
        "== /proc/5120/task/5133\nterwayd\n__skb_wait_for_more_packets[<0>] __skb_wait_for_more_packets+0x121/0x1b0\n[<0>] __skb_recv_datagram+0x74/0xd0\n[<0>] skb_recv_datagram+0x3e/0x60\n[<0>] netlink_recvmsg+0x74/0x480\n",
        K::Host,
        &[],
        "host",
        "",
    );
    // kubectl prints its troubles before the table.
    case(
        "kubectl/api-resources.txt",
        "E1120 17:01:00.181384      60 memcache.go:287] couldn't get resource list for metrics.k8s.io/v1beta1: x\n\
         NAME       SHORTNAMES   APIVERSION   NAMESPACED   KIND\nbindings                v1           true         Binding\n",
        K::Table,
        &[],
        "kubectl",
        "",
    );
    case(
        "dumps/kubelet-node1-goroutines.txt",
        "goroutine 30 [running]:\nmain.f(0x1)\n\t/x.go:3 +0x1\n",
        K::Goroutines,
        &[],
        "kubelet",
        "node1",
    );
    case(
        "d.txt",
        "goroutine profile: total 33\n15 @ 0x48 0x44\n#\t0x486c64\tx\n",
        K::Goroutines,
        &[],
        "unknown",
        "",
    );
    // A crash with its dump stays a log.
    case(
        "c/previous.log",
        "panic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\t/x.go:3 +0x1\n",
        K::Log,
        &[],
        "unknown",
        "",
    );
    case(
        "n.yaml",
        "apiVersion: v1\nkind: Node\n",
        K::Objects,
        &[],
        "object",
        "",
    );
    case(
        "nodes/n1/ps.txt",
        "USER  PID %CPU COMMAND\nroot 1 0.0 init\n",
        K::Processes,
        &[],
        "process",
        "n1",
    );
}

#[test]
fn wide_text() {
    let wide: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain(KUBELET.encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    let s = sniff("kubelet.log", &wide);
    assert_eq!((s.kind, s.encoding), (SourceKind::Log, Encoding::Utf16Le));
    let s = sniff("x.log", b"\x1f\x8b\x08\x00\x00");
    assert_eq!(s.kind, SourceKind::Binary);
}

proptest! {
    #[test]
    fn any_bytes_are_something(path in "[a-z/._!-]{0,40}", head in proptest::collection::vec(any::<u8>(), 0..300)) {
        let s = sniff(&path, &head);
        prop_assert!(!s.why.is_empty());
    }
}
