use super::*;

#[track_caller]
fn case(text: &str, expected: Option<(&str, Option<&str>)>) {
    let found = line(text.as_bytes(), false);
    let found = found
        .as_ref()
        .map(|o| (o.command.as_str(), o.host.as_deref()));
    assert_eq!(found, expected, "{text}");
}

#[test]
fn commands_behind_prompts() {
    case("$ kubectl get pods", Some(("kubectl get pods", None)));
    case(
        "[root@k8s-m1 ~]# kubectl -n shop get pods -o wide",
        Some(("kubectl get pods -o wide -n shop", Some("k8s-m1"))),
    );
    case(
        "root@n1:/etc/kubernetes# sudo journalctl -u kubelet --no-pager | tail -50",
        Some(("journalctl -u kubelet --no-pager | tail -50", Some("n1"))),
    );
    case(
        "PS C:\\Users\\ops> kubectl -n kube-system get pods\r\n",
        Some(("kubectl get pods -n kube-system", None)),
    );
    case(
        "$ oc -n shop describe pod web-1 | tail -8",
        Some(("kubectl describe pod web-1 -n shop | tail -8", None)),
    );
    case(
        "$ ssh -i key.pem root@n3 'systemctl status kubelet'",
        Some(("systemctl status kubelet", Some("n3"))),
    );
    case("$ ssh n3", Some(("ssh n3", None)));
    case(
        "sh-4.4# cat /etc/resolv.conf",
        Some(("cat /etc/resolv.conf", None)),
    );
    case("+ kubectl get ns", Some(("kubectl get ns", None)));
    case("+ date", None);
    case("C:\\> kubectl version", Some(("kubectl version", None)));
    case("➜  ~ kubectl get ns", Some(("kubectl get ns", None)));
    case(
        "(prod|shop) ❯ k get po -nshop",
        Some(("kubectl get po -n shop", None)),
    );
    case("# date", None);
    case("# df -h /var", Some(("df -h /var", None)));
    case(
        "(prod) ❯ k get po -nshop",
        Some(("kubectl get po -n shop", None)),
    );
    case("core@n1 ~ $ df -h", Some(("df -h", Some("n1"))));
    case(
        "# KUBECONFIG=/etc/kubernetes/admin.conf kubectl get no",
        Some(("kubectl get no", None)),
    );
}

#[test]
fn commands_under_headings_and_alone() {
    case(
        "==== kubectl get nodes -o wide ====",
        Some(("kubectl get nodes -o wide", None)),
    );
    case("### df -h", Some(("df -h", None)));
    case(
        "--- journalctl -u docker ---",
        Some(("journalctl -u docker", None)),
    );
    case(
        "kubectl describe pod web-1 -n shop:",
        Some(("kubectl describe pod web-1 -n shop", None)),
    );
    case("oc get co", Some(("kubectl get co", None)));
}

#[test]
fn what_is_no_command() {
    for text in [
        "kubectl get pods shows that the pods are gone",
        "kubectl apply -f web.yaml",
        "we ran kubectl get pods",
        "I1120 17:02:26.164562 1 x.go:1] kubectl get pods",
        "    kubectl get pods",
        "> kubectl get pods",
        "df -h",
        "top of the list",
        "# the nodes",
        "# ip of the node",
        "mail ops@example.com for $ 5 more",
        "# cat",
        "# kubectl apply -f web.yaml",
        "-----BEGIN CERTIFICATE-----",
        "=====",
        "Error from server (NotFound): pods \"a\" not found",
        "--- a/file",
        "",
    ] {
        case(text, None);
    }
}

#[test]
fn outputs_lie_between_commands() {
    let text = "Hi,\n$ kubectl get ns\nNAME\na\n$ kubectl logs web-1\nline\n";
    let found = outputs(text.as_bytes());
    let told: Vec<_> = found
        .iter()
        .map(|o| {
            (
                o.lines,
                text.get(o.body..o.range.end).unwrap_or_default(),
                o.prints_log(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (0, "Hi,\n", false),
            (1, "NAME\na\n", false),
            (4, "line\n", true)
        ]
    );
}

#[test]
fn where_one_lone_mark_is_a_prompt_all_are() {
    let commands = |text: &str| -> Vec<String> {
        outputs(text.as_bytes())
            .into_iter()
            .map(|o| o.command)
            .collect()
    };
    assert_eq!(
        commands("# ps -ef\na\n# date\nb\n# made by hand\n"),
        ["ps -ef", "date"]
    );
    assert_eq!(
        commands("[root@n1 ~]# ps -ef\na\n[root@n1 ~]# ./check.sh\nb\n"),
        ["ps -ef", "check.sh"]
    );
}

#[test]
fn a_log_under_its_command_is_no_session() {
    assert!(!is_session(
        b"$ kubectl logs web-1\n2026-01-02T03:04:05Z a\n"
    ));
    assert!(!is_session(b"I1120 17:02:26.164562 1 x.go:1] up\n"));
    assert!(is_session(b"$ kubectl logs web-1\na\n$ kubectl get pods\n"));
    assert!(is_session(b"Hello\n\nkubectl get pods\nNAME   READY\n"));
}

#[test]
fn names_are_those_of_files_where_there_are_any() {
    let name = |text: &str| line(text.as_bytes(), false).map(|o| o.name());
    assert_eq!(
        name("# tail -100 /var/log/kubelet.log | grep E").as_deref(),
        Some("var/log/kubelet.log")
    );
    assert_eq!(
        name("$ kubectl -n shop logs deploy/web").as_deref(),
        Some("kubectl-logs-deploy-web--n-shop")
    );
    assert_eq!(
        name("$ journalctl -u kubelet").as_deref(),
        Some("journalctl--u-kubelet")
    );
}
