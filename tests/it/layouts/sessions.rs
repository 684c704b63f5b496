//! Copied terminal sessions: several commands in one text, each with what it printed.

use kforensics::model::{Analysis, SourceKind};

use crate::support::run;

const SESSION: &str = r#"Hello, since this morning nothing comes up on n2:

[root@m1 ~]# kubectl get nodes
NAME   STATUS     ROLES           AGE    VERSION
m1     Ready      control-plane   300d   v1.28.4
n2     NotReady   <none>          300d   v1.28.4
[root@m1 ~]# kubectl -n shop get pods
NAME                   READY   STATUS             RESTARTS   AGE
web-6d4cf56db6-x2x9q   0/1     ImagePullBackOff   0          21h
[root@m1 ~]# kubectl -n shop describe pod web-6d4cf56db6-x2x9q | tail -4
  Type     Reason   Age                 From     Message
  ----     ------   ----                ----     -------
  Warning  Failed   5m (x55 over 21h)   kubelet  Failed to pull image "registry.example.com/web:9": rpc error: code = NotFound desc = failed to pull and unpack image "registry.example.com/web:9": failed to resolve reference "registry.example.com/web:9": registry.example.com/web:9: not found
[root@m1 ~]# ssh n2
[root@n2 ~]# df -h /var/lib
Filesystem      Size  Used Avail Use% Mounted on
/dev/vda1        50G   20G   30G  40% /
[root@n2 ~]# journalctl -u kubelet --no-pager | tail -3
Mar 02 12:00:01 n2 kubelet[812]: I0302 12:00:01.000000     812 server.go:467] "Kubelet version" kubeletVersion="v1.28.4"
Mar 02 12:00:02 n2 kubelet[812]: E0302 12:00:02.000000     812 run.go:74] "command failed" err="failed to run Kubelet: running with swap on is not supported, please disable swap! or set --fail-swap-on flag to false. /proc/swaps contained: [Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority /dev/dm-1                               partition\t2097148\t\t0\t\t-2]"
Mar 02 12:00:02 n2 systemd[1]: kubelet.service: Main process exited, code=exited, status=1/FAILURE
"#;

fn session() -> Analysis {
    run::file("ticket.txt", SESSION.as_bytes())
}

#[test]
fn each_output_is_read_as_its_command_says() {
    let analysis = session();
    let told = |kind: &str| -> Vec<(String, u64)> {
        let of_kind = analysis.facts.iter().filter(|f| f.kind == kind);
        of_kind
            .map(|f| {
                (
                    f.entity.to_string(),
                    f.evidence().first().map_or(0, |q| q.place.line),
                )
            })
            .collect()
    };
    let pod = String::from("pod/shop/web-6d4cf56db6-x2x9q");
    assert_eq!(told("node/not-ready"), [(String::from("node/n2"), 6)]);
    assert_eq!(told("image/pull-failed"), [(pod, 13)]);
    let invented = |f: &&kforensics::model::Fact| f.entity.to_string().contains("/default/");
    assert!(!analysis.facts.iter().any(|f| invented(&f)));
}

#[test]
fn a_log_in_a_session_is_a_source_of_the_machine_at_whose_prompt_it_was_printed() {
    let analysis = session();
    let sources: Vec<_> = analysis
        .sources
        .iter()
        .map(|s| (s.path.as_str(), s.kind, s.scope.node.as_deref()))
        .collect();
    assert_eq!(
        sources,
        [
            ("ticket.txt", SourceKind::Host, None),
            (
                "ticket.txt!1/journalctl--u-kubelet---no-pager",
                SourceKind::Log,
                Some("n2")
            ),
        ]
    );
    // Lines are those of the file.
    let swap = analysis
        .facts
        .iter()
        .flat_map(kforensics::model::Fact::evidence)
        .find(|q| q.text.contains("running with swap on"))
        .expect("a quote of the kubelet");
    assert_eq!(swap.place.line, 20);
    let text = SESSION.as_bytes();
    let at = usize::try_from(swap.place.offset).unwrap();
    assert!(text[at..].starts_with(b"Mar 02 12:00:02 n2 kubelet"));
}

#[test]
fn a_log_that_names_no_machine_is_of_the_prompt_and_that_of_a_pod_is_not() {
    let refused = "E0302 12:00:02.000000     812 run.go:74] \"command failed\" err=\"failed to run Kubelet: running with swap on is not supported, please disable swap! or set --fail-swap-on flag to false\"\n";
    let text = format!(
        "[root@n2 ~]# date\nMon Mar  2 12:05:00 UTC 2026\n[root@n2 ~]# tail -1 /var/log/kubelet.log\n{refused}[root@n2 ~]# kubectl -n shop logs web-1\n2026-03-02T12:00:00Z up\n"
    );
    let analysis = run::file("ticket.txt", text.as_bytes());
    let of = |end: &str| {
        let source = analysis.sources.iter().find(|s| s.path.ends_with(end));
        source.expect("a source").scope.node.clone()
    };
    assert_eq!(of("kubelet.log").as_deref(), Some("n2"));
    assert_eq!(of("kubectl-logs-web-1--n-shop"), None);
    let swap = analysis
        .facts
        .iter()
        .find(|f| f.evidence().iter().any(|q| q.text.contains("swap on")));
    assert_eq!(swap.expect("a fact").entity.as_str(), "node/n2");
}
