//! From those who wait to the thing at the end, through every process and into the kernel.

use super::*;

#[test]
fn pleg_ends_at_runc() {
    let report = analyse(&dumps(&[DOCKERD, CONTAINERD]), &host(&PS_05));
    says(
        &report,
        &[
            &[
                "dockerd: 7 goroutines wait",
                "0xc421b30808",
                "7× daemon.Daemon.ContainerInspectCurrent",
                "112 minutes",
            ],
            &[
                "goroutine 1987",
                "ContainerExecStart probably holds it",
                "Tasks.Start of containerd",
                "113 minutes",
            ],
            &[
                "containerd: goroutine 88123 handles that call",
                "_Tasks_Start_Handler",
                "a child process",
            ],
            &[
                "docker-runc exec for container 5be00d6ae2d3",
                "process 21193",
            ],
        ],
    );
    let chain = &report.chains[0];
    assert_eq!((chain.behind, chain.minutes, chain.cycle), (9, 113, false));
    assert!(kinds(&report).contains(&"goroutines/mutex-queue"));
    assert!(kinds(&report).contains(&"goroutines/waits-for-child-process"));
    let holder = report.locks[0].holder.as_ref().unwrap();
    assert!(
        holder.because.iter().any(|b| b.contains("same object")),
        "{holder:?}"
    );
}

#[test]
fn without_the_process_list_it_asks_for_it() {
    let report = analyse(&dumps(&[DOCKERD, CONTAINERD]), &Host::default());
    let chain = longest(&report);
    assert_eq!(chain.len(), 4, "{chain:#?}");
    assert!(
        chain[3].contains("a child process has not answered"),
        "{chain:#?}"
    );
    assert!(asked(&report.chains[0]).starts_with("ps "));
}

#[test]
fn without_the_dump_of_containerd_it_ends_one_link_earlier() {
    let report = analyse(&dumps(&[DOCKERD]), &host(&PS_05));
    let chain = longest(&report);
    // The process list still shows what runs for the call.
    assert!(chain[1].contains("Tasks.Start of containerd"), "{chain:#?}");
    assert!(
        chain[2].contains("containerd has not answered: no dump of it"),
        "{chain:#?}"
    );
    assert_eq!(chain.len(), 3);
    let ask = report.chains[0].ask.as_ref().unwrap();
    assert!(ask.command.starts_with("kill -USR1 $(pidof containerd) "));
    let asked: Vec<WaitFact> = facts(&report)
        .into_iter()
        .filter(|f| f.ask.is_some())
        .collect();
    assert_eq!(asked.len(), 1, "{asked:#?}");
    assert_eq!(asked[0].kind, "goroutines/waits-for-containerd");
    assert_eq!(asked[0].ask.as_ref(), Some(ask));
}

const PS_06: [&str; 4] = [
    "pid=13370 ppid=1 stat=Ssl elapsed=27m comm=kubelet cmd=/usr/bin/kubelet --config=/x",
    "pid=9021 ppid=8990 stat=Ssl elapsed=1701m comm=terwayd cmd=/usr/bin/terwayd",
    "pid=31281 ppid=13370 stat=Sl elapsed=26m comm=terway cmd=/opt/cni/bin/terway",
    "pid=31377 ppid=13370 stat=Sl elapsed=25m comm=terway cmd=/opt/cni/bin/terway",
];

#[test]
fn pleg_ends_at_the_netlink_socket() {
    let report = analyse(&dumps(&[KUBELET, TERWAY, TERWAYD]), &host(&PS_06));
    says(
        &report,
        &[
            &["kubelet: goroutine 312 waits for RuntimeService.PodSandboxStatus"],
            &["kubelet: goroutine 9011 handles that call", "another lock"],
            &["the network lock of one pod 0xc42155aa00"],
            &[
                "goroutine 8874 in network.PluginManager.TearDownPod probably holds it",
                "a child process",
            ],
            &[
                "terway has not ended: process 31281",
                "child of kubelet 13370",
            ],
            &["terway: its goroutine 1 waits for", "a daemon over net/rpc"],
            &[
                "terwayd: goroutine 68000 handles that call",
                "service.call",
                "another lock",
            ],
            &[
                "terwayd: 40 goroutines wait for terwayd's lock",
                "0xc4203c12a8",
                "1590 minutes",
            ],
            &[
                "goroutine 67570",
                "probably holds it",
                "the kernel on a netlink socket",
                "1595 minutes",
            ],
            &["the kernel on a netlink socket has not answered terwayd"],
        ],
    );
    assert!(asked(&report.chains[0]).contains("/task/*"));
    for kind in [
        "goroutines/waits-for-cri",
        "goroutines/mutex-queue",
        "goroutines/waits-for-child-process",
        "goroutines/waits-for-daemon",
        "goroutines/waits-for-netlink",
    ] {
        assert!(
            kinds(&report).contains(&kind),
            "{kind}: {:?}",
            kinds(&report)
        );
    }
}

#[test]
fn the_chain_goes_on_into_the_kernel() {
    let mut host = host(&PS_06);
    host.stacks = vec![
        in_kernel("pid=9021 stack=futex_wait_queue_me,futex_wait,do_futex"),
        in_kernel("pid=9021 thread=9044 stack=__skb_recv_datagram,netlink_recvmsg,sys_recvfrom"),
        in_kernel("pid=77 comm=other stack=netlink_recvmsg"),
    ];
    let report = analyse(&dumps(&[TERWAYD]), &host);
    let chain = &report.chains[0];
    let end = chain.steps.last().unwrap();
    assert_eq!(
        end.text,
        "the kernel on a netlink socket has not answered terwayd: thread 9044 is in netlink_recvmsg in the kernel and waits for a message of the kernel on a netlink socket"
    );
    assert_eq!(end.evidence[0].place.source, SourceId(98));
    // The stacks are there: what is asked for is the next thing.
    assert!(asked(chain).contains("/proc/net/netlink"));
    let fact = report
        .facts
        .iter()
        .find(|f| f.kind == "goroutines/waits-for-netlink")
        .unwrap();
    assert_eq!(
        (
            fact.keys["kernel"].as_str(),
            fact.keys["kernel-wait"].as_str()
        ),
        ("netlink_recvmsg", "netlink")
    );
    // A stack that says something else leaves the end as it was, and the question too.
    host.stacks.truncate(1);
    let report = analyse(&dumps(&[TERWAYD]), &host);
    let chain = &report.chains[0];
    assert!(!chain.steps.last().unwrap().text.contains("netlink_recvmsg"));
    assert!(asked(chain).contains("/stack"));
}

#[test]
fn a_child_in_the_kernel_says_for_what() {
    let mut host = host(&[
        "pid=50 ppid=1 stat=Ssl elapsed=9000s comm=shopd cmd=shopd",
        "pid=51 ppid=50 stat=D elapsed=400s comm=mount wchan=rpc_wait_bit_killable cmd=mount -t nfs 192.0.2.7:/data /mnt",
    ]);
    let dump = "goroutine 1 [syscall, 6 minutes]:\nsyscall.Syscall6(0xf7, 0x1, 0x33)\n\tx.go:1\nos.(*Process).blockUntilWaitable(0xc000)\n\tx.go:2\nos/exec.(*Cmd).Wait(0xc000)\n\tx.go:3\nmain.main()\n\t/src/shopd/main.go:4\n\ngoroutine 2 [select]:\nmain.run()\n\tx.go:5\n";
    let report = analyse(&dumps(&[dump]), &host);
    let end = report.chains[0].steps.last().unwrap();
    assert!(
        end.text.ends_with("in an uninterruptible wait in the kernel; thread 51 is in rpc_wait_bit_killable in the kernel and waits for an NFS server"),
        "{}",
        end.text
    );
    assert!(asked(&report.chains[0]).contains("nfs"));
    // The stack of the process beats the column of the list.
    host.stacks = vec![in_kernel(
        "pid=51 stat=D comm=mount stack=schedule,fuse_simple_request,nfs_wait_on_request",
    )];
    let report = analyse(&dumps(&[dump]), &host);
    assert!(report.chains[0].steps.last().unwrap().text.contains("FUSE"));
}

#[test]
fn hundreds_of_threads_in_system_calls_are_told() {
    let text = (1..=250)
        .map(|i| format!("goroutine {i} [syscall, 7 minutes]:\nsyscall.Syscall(0x4, 0x1)\n\tx.go:1\nsyscall.Stat(0x1)\n\tx.go:2\nmain.look()\n\t/src/shopd/main.go:4\n\n"))
        .collect::<Vec<String>>()
        .concat();
    let report = analyse(&dumps(&[&text]), &Host::default());
    let fact = report
        .facts
        .iter()
        .find(|f| f.kind == "goroutines/threads-in-syscalls")
        .unwrap();
    assert_eq!((fact.count, fact.keys["threads"].as_str()), (250, "250"));
    let few = &text[..text.len() / 2];
    let report = analyse(&dumps(&[few]), &Host::default());
    assert!(!kinds(&report).contains(&"goroutines/threads-in-syscalls"));
}

#[test]
fn without_the_dump_of_the_daemon_it_names_the_daemon() {
    let report = analyse(&dumps(&[KUBELET, TERWAY]), &host(&PS_06));
    let chain = longest(&report);
    assert!(
        chain
            .last()
            .unwrap()
            .starts_with("terwayd has not answered: no dump of it"),
        "{chain:#?}"
    );
    assert!(asked(&report.chains[0]).contains("/var/run/eni/eni.socket"));
}

#[test]
fn a_stopped_server_is_named() {
    let rows = ["pid=52 ppid=1 stat=Tsl elapsed=500s comm=containerd cmd=containerd"];
    let text = "goroutine 1 [chan receive, 9 minutes]:\nmain.main()\n\t/k/cmd/kubelet/kubelet.go:1 +0x1\n\ngoroutine 7 [select, 2 minutes]:\ngoogle.golang.org/grpc.invoke({0x1?, 0x2?})\n\tcall.go:73\nk8s.io/cri-api/pkg/apis/runtime/v1.(*runtimeServiceClient).Status(0xc000aaa038, {0x46, 0xc001})\n\tapi.pb.go:1 +0x1\n";
    let report = analyse(&dumps(&[text]), &host(&rows));
    says(
        &report,
        &[
            &["kubelet: goroutine 7 waits for RuntimeService.Status"],
            &["containerd has not answered: its process 52 is stopped (state Tsl)"],
        ],
    );
    let fact = facts(&report).remove(0);
    assert_eq!(
        (
            fact.kind,
            fact.keys["peer-state"].as_str(),
            fact.entity.as_str()
        ),
        (
            "goroutines/waits-for-cri",
            "stopped",
            "process/node1/kubelet"
        )
    );
    assert!(fact.evidence.iter().any(|q| q.text.contains("stat=Tsl")));
}
