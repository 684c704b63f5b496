use std::fmt::Write as _;

use super::*;
use crate::extract::read_dumps;
use crate::model::waits::WaitFact;
use crate::model::{Place, Quote, SourceId};
use proptest::prelude::*;

const DOCKERD: &str = include_str!(
    "../../../fixtures/goroutines/incident-05/goroutine-stacks-2018-11-19T223602+0800.log"
);
const CONTAINERD: &str =
    include_str!("../../../fixtures/goroutines/incident-05/containerd.journal");
const KUBELET: &str = include_str!("../../../fixtures/goroutines/incident-06/kubelet.journal");
const TERWAY: &str = include_str!("../../../fixtures/goroutines/incident-06/terway.txt");
const TERWAYD: &str = include_str!("../../../fixtures/goroutines/incident-06/terwayd.txt");

fn dumps(texts: &[&str]) -> Vec<Dump> {
    let mut out = Vec::new();
    for (i, text) in (0_u32..).zip(texts) {
        let start = Place {
            source: SourceId(i),
            offset: 0,
            line: 1,
        };
        for mut d in read_dumps(text.as_bytes(), start) {
            d.node = Some(String::from("node1"));
            out.push(d);
        }
    }
    out
}

fn host(rows: &[&str]) -> Host {
    let quote = |text: &str, line: u64| Quote {
        place: Place {
            source: SourceId(99),
            offset: 0,
            line,
        },
        text: text.to_owned(),
        time: None,
    };
    Host {
        processes: (1_u64..)
            .zip(rows)
            .filter_map(|(n, r)| ProcessRow::parse(r, quote(r, n), Some("node1")))
            .collect(),
        ..Host::default()
    }
}

fn kinds(report: &WaitReport) -> Vec<&'static str> {
    facts(report).iter().map(|f| f.kind).collect()
}

/// The texts of the chain with most links.
fn longest(report: &WaitReport) -> Vec<&str> {
    report
        .chains
        .iter()
        .max_by_key(|c| c.steps.len())
        .map(|c| c.steps.iter().map(|s| s.text.as_str()).collect())
        .unwrap_or_default()
}

#[track_caller]
fn says(report: &WaitReport, links: &[&[&str]]) {
    let chain = longest(report);
    assert_eq!(chain.len(), links.len(), "{chain:#?}");
    for (step, words) in chain.iter().zip(links) {
        for word in *words {
            assert!(
                step.contains(word),
                "{word:?} is not in {step:?}\n{chain:#?}"
            );
        }
    }
}

const PS_05: [&str; 4] = [
    "pid=1301 ppid=1 stat=Ssl elapsed=90210m comm=dockerd cmd=/usr/bin/dockerd",
    "pid=1542 ppid=1301 stat=Ssl elapsed=90210m comm=docker-containerd cmd=docker-containerd --config /var/run/docker/containerd/containerd.toml",
    "pid=21102 ppid=1542 stat=Sl elapsed=9000m comm=docker-containerd-shim cmd=docker-containerd-shim -namespace moby",
    "pid=21193 ppid=21102 stat=Sl elapsed=113m comm=docker-runc cmd=docker-runc --root /var/run/docker/runtime-runc/moby exec --process /run/runc-process1 5be00d6ae2d3aa3e55c34f8de1b0a7e5fd4b8b9c0d1e2f3a4b5c6d7e8f9a0b1c",
];

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
    assert!(
        report.chains[0]
            .ask
            .as_ref()
            .unwrap()
            .command
            .starts_with("ps ")
    );
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
    assert!(
        report.chains[0]
            .ask
            .as_ref()
            .unwrap()
            .command
            .contains("/task/*")
    );
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

/// The thread of a state line of the kernel's stacks.
fn in_kernel(text: &str) -> TaskStack {
    let line = crate::model::StateLine {
        component: crate::model::Component::KERNEL_STACK,
        entity: crate::model::Entity::new("process", "1"),
        text: text.to_owned(),
        quote: text.to_owned(),
        line: 1,
        first: None,
        last: None,
        count: 1,
        host: None,
    };
    let place = Place {
        source: SourceId(98),
        offset: 0,
        line: 1,
    };
    TaskStack::from_state(&line, place, Some("node1")).unwrap()
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
    assert!(
        chain
            .ask
            .as_ref()
            .unwrap()
            .command
            .contains("/proc/net/netlink")
    );
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
    assert!(chain.ask.as_ref().unwrap().command.contains("/stack"));
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
    assert!(
        report.chains[0]
            .ask
            .as_ref()
            .unwrap()
            .command
            .contains("nfs")
    );
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
    assert!(
        report.chains[0]
            .ask
            .as_ref()
            .unwrap()
            .command
            .contains("/var/run/eni/eni.socket")
    );
}

#[track_caller]
fn lock_case(text: &str, kind: &str, words: &[&str]) {
    let report = analyse(&dumps(&[text]), &Host::default());
    let found = facts(&report);
    let fact = found.iter().find(|f| f.kind == kind);
    let fact = fact.unwrap_or_else(|| panic!("{kind} is not in {found:#?}\n{:#?}", report.chains));
    let told = format!("{fact:?} {:?}", longest(&report));
    for word in words {
        assert!(told.contains(word), "{word:?} is not in {told}");
    }
    assert!(!fact.evidence.is_empty());
}

#[test]
fn classic_lock_bugs() {
    lock_case(
        include_str!("../../../fixtures/goroutines/locks/lock-order.txt"),
        "goroutines/lock-order-cycle",
        &["main.Store", "main.Account", "Settle", "Reserve"],
    );
    lock_case(
        include_str!("../../../fixtures/goroutines/locks/self-deadlock.txt"),
        "goroutines/self-deadlock",
        &[
            "0xc0000b4000",
            "goroutine 20 itself took that lock",
            "4 goroutines",
        ],
    );
    lock_case(
        include_str!("../../../fixtures/goroutines/locks/send-under-lock.txt"),
        "goroutines/channel-deadlock",
        &["Hub.Publish", "chan send", "0xc0000c2000", "goroutine 21 in main.Hub.Run", "\"reader\": \"main.Hub.Run\""],
    );
    lock_case(
        include_str!("../../../fixtures/goroutines/locks/rlock-leak.txt"),
        "goroutines/rwmutex-writer-starved",
        &["main.Config", "\"waiters\": \"6\""],
    );
    lock_case(
        include_str!("../../../fixtures/goroutines/locks/missed-unlock.txt"),
        "goroutines/lock-without-holder",
        &["main.Ledger", "0xc0000e6000", "\"waiters\": \"6\""],
    );
}

#[test]
fn waits_inside_one_process_that_are_no_locks() {
    lock_case(
        include_str!("../../../fixtures/goroutines/locks/cond-lost-wakeup.txt"),
        "goroutines/cond-without-signaller",
        &[
            "main.Pool",
            "Pool.Acquire",
            "\"waiters\": \"5\"",
            "14 minutes",
        ],
    );
    lock_case(
        include_str!("../../../fixtures/goroutines/locks/wait-group.txt"),
        "goroutines/mutex-queue",
        &["main.Ledger", "Ledger.Append", "goroutine 30"],
    );
    let report = analyse(
        &dumps(&[include_str!(
            "../../../fixtures/goroutines/locks/wait-group.txt"
        )]),
        &Host::default(),
    );
    assert_eq!(report.chains[0].behind, 4, "{:#?}", report.chains);
    let report = analyse(
        &dumps(&[include_str!(
            "../../../fixtures/goroutines/locks/singleflight.txt"
        )]),
        &Host::default(),
    );
    says(
        &report,
        &[
            &[
                "shopd: 9 goroutines wait",
                "9× singleflight.Group.Do",
                "11 minutes",
            ],
            &["that is goroutine 50, which waits for an HTTP server"],
            &["an HTTP server has not answered shopd"],
        ],
    );
}

#[test]
fn goroutines_that_pile_up_in_one_dump() {
    let many = |n: usize| {
        let mut text = String::from(
            "goroutine 1 [chan receive, 9 minutes]:\nmain.main()\n\t/s/cmd/shopd/main.go:1 +0x1\n",
        );
        for id in 100..100 + n {
            let _ = write!(
                text,
                "\ngoroutine {id} [chan send, 3 minutes]:\nmain.(*Feed).push(0xc000)\n\tfeed.go:9 +0x1\ncreated by main.poll\n\tfeed.go:3 +0x1\n"
            );
        }
        text
    };
    let report = analyse(&dumps(&[&many(1500)]), &Host::default());
    let fact = &facts(&report)[0];
    assert_eq!((fact.kind, fact.count), ("goroutines/pile-up", 1500));
    assert_eq!(fact.keys["creator"], "main.poll");
    assert!(facts(&analyse(&dumps(&[&many(500)]), &Host::default())).is_empty());
}

/// Both queues show the same object; only one goroutine is past the line where the others stand.
#[test]
fn who_got_past_the_line_holds_the_lock() {
    for text in [
        include_str!("../../../fixtures/goroutines/eras/go1.19-debug2.txt"),
        include_str!("../../../fixtures/goroutines/eras/go1.21-debug2.txt"),
    ] {
        let report = analyse(&dumps(&[text]), &Host::default());
        assert!(!kinds(&report).contains(&"goroutines/lock-order-cycle"));
        let last = longest(&report)
            .last()
            .copied()
            .unwrap_or_default()
            .to_owned();
        assert!(
            last.contains("goroutine 21 in main.Stock.Reserve"),
            "{last}"
        );
    }
}

#[test]
fn a_moment_of_contention_is_not_stuck() {
    let report = analyse(
        &dumps(&[include_str!(
            "../../../fixtures/goroutines/locks/contention.txt"
        )]),
        &Host::default(),
    );
    assert!(report.is_quiet(), "{:#?}", report.chains);
    assert!(facts(&report).is_empty());
    assert_eq!(
        report.dumps[0].head.goroutines - report.dumps[0].head.idle,
        2,
        "{:#?}",
        report.dumps[0].groups
    );
}

/// Dumps of healthy processes: one goroutine for each distinct stack, as of the versions in the names.
#[test]
fn healthy_components_say_nothing_stuck() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/goroutines/healthy");
    let mut seen = 0;
    for file in std::fs::read_dir(dir).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let report = analyse(&dumps(&[&text]), &Host::default());
        let name = path.file_name().unwrap().to_string_lossy();
        assert!(report.is_quiet(), "{name}: {:#?}", report.chains);
        assert!(facts(&report).is_empty(), "{name}: {:#?}", facts(&report));
        let busy: Vec<&str> = report.dumps[0]
            .groups
            .iter()
            .filter(|g| !g.is_idle() && g.waits != "running")
            .map(|g| g.function.as_str())
            .collect();
        assert!(busy.is_empty(), "{name}: {busy:?}");
        seen += 1;
    }
    assert!(seen >= 15, "{seen}");
}

#[test]
fn copies_and_other_dumps_of_a_process_do_not_count_twice() {
    let twice = analyse(&dumps(&[DOCKERD, CONTAINERD, DOCKERD]), &host(&PS_05));
    assert_eq!(twice.chains.len(), 1);
    assert_eq!(
        twice.dumps.iter().filter(|d| d.head.set_aside.is_some()).count(),
        1
    );
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

#[test]
fn what_grows_between_two_dumps() {
    let many = |n: usize| {
        let mut text = String::from(
            "goroutine 1 [chan receive, 9 minutes]:\nmain.main()\n\t/s/cmd/shopd/main.go:1 +0x1\n",
        );
        for i in 0..n {
            let id = 100 + i;
            let _ = write!(
                text,
                "\ngoroutine {id} [chan send, 3 minutes]:\nmain.(*Feed).push(0xc000)\n\tfeed.go:9 +0x1\ncreated by main.poll\n\tfeed.go:3 +0x1\n"
            );
        }
        text
    };
    let report = analyse(&dumps(&[&many(20), &many(200)]), &Host::default());
    assert_eq!(report.growth.len(), 1, "{:#?}", report.growth);
    assert_eq!((report.growth[0].before, report.growth[0].after), (20, 200));
    assert!(kinds(&report).contains(&"goroutines/leak"));
    assert!(
        analyse(&dumps(&[&many(20), &many(40)]), &Host::default())
            .growth
            .is_empty()
    );
}

#[test]
fn every_kind_of_fact_is_in_the_catalogue() {
    let facts_dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/catalog/facts");
    for kind in facts::KINDS {
        assert!(facts_dir.join(format!("{kind}.toml")).is_file(), "{kind}");
    }
}

proptest! {
    #[test]
    fn any_cut_of_the_dumps(cut in 0..DOCKERD.len(), from in 0..TERWAYD.len()) {
        let texts = [DOCKERD.get(..cut).unwrap_or(""), CONTAINERD, TERWAYD.get(from..).unwrap_or(""), KUBELET];
        let report = analyse(&dumps(&texts), &host(&PS_05));
        for fact in facts(&report) {
            prop_assert!(!fact.evidence.is_empty());
        }
    }
}
