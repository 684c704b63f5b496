use super::*;
use proptest::prelude::*;

/// The statements of a text.
fn said(path: &str, text: &str) -> Vec<String> {
    read(text.as_bytes(), path)
        .iter()
        .map(|s| s.state_line().text)
        .collect()
}

#[track_caller]
fn case(path: &str, text: &str, expected: &[&str]) {
    assert_eq!(said(path, text), expected, "{text}");
}

const FRAMES: &str = "\
[<0>] __skb_wait_for_more_packets+0x126/0x150
[<0>] __skb_recv_datagram+0x68/0xb0
[<0>] netlink_recvmsg+0x6d/0x3b0
[<0>] __sys_recvfrom+0xee/0x160
[<0>] do_syscall_64+0x55/0x1a0
";
const STACK: &str = "stack=__skb_wait_for_more_packets,__skb_recv_datagram,netlink_recvmsg,__sys_recvfrom,do_syscall_64";

#[test]
fn collections_of_proc_files() {
    let cases = [
        ("nodes/n1/proc/123/stack", "", "pid=123"),
        ("a.tgz!n1/proc/123/task/456/stack", "", "pid=123 thread=456"),
        ("n1/kernel-stack-123.txt", "", "pid=123"),
        (
            "x.txt",
            "==> /proc/123/task/456/stack <==\n",
            "pid=123 thread=456",
        ),
        ("x.txt", "==> /proc/123/task/123/stack <==\n", "pid=123"),
        ("x.txt", "/proc/123/stack:\n", "pid=123"),
        ("x.txt", "+ cat /proc/123/stack\n", "pid=123"),
        ("x.txt", "== 123\n", "pid=123"),
        ("x.txt", "=== 123 ===\n", "pid=123"),
        ("x.txt", "== 123\nterwayd\n", "pid=123 comm=terwayd"),
        ("x.txt", "== 123 terwayd\n", "pid=123 comm=terwayd"),
        (
            "x.txt",
            "--- pid 123 (terwayd) ---\n",
            "pid=123 comm=terwayd",
        ),
        ("x.txt", "PID: 123\n", "pid=123"),
        // `wchan` has no line end.
        (
            "x.txt",
            "== /proc/123/task/456\nterwayd\n__skb_wait_for_more_packets",
            "pid=123 comm=terwayd thread=456",
        ),
        ("x.txt", "== /proc/123\nterwayd\n0", "pid=123 comm=terwayd"),
        ("x.txt", "stack of process 123:\n", "pid=123"),
        ("x.txt", "123 terwayd\n", "pid=123 comm=terwayd"),
        (
            "x.txt",
            "Name:\tterwayd\nUmask:\t0022\nState:\tD (disk sleep)\nTgid:\t123\nNgid:\t0\nPid:\t456\nPPid:\t1\n",
            "pid=123 stat=D comm=terwayd thread=456",
        ),
        (
            "x.txt",
            "==> /proc/123/comm <==\nterwayd\n\n==> /proc/123/stack <==\n",
            "pid=123 comm=terwayd",
        ),
    ];
    for (path, heading, expected) in cases {
        case(
            path,
            &format!("{heading}{FRAMES}"),
            &[&format!("{expected} {STACK}")],
        );
    }
    case("x.txt", FRAMES, &[]);
}

#[test]
fn several_of_one_collection() {
    case(
        "x.txt",
        &format!(
            "== 5\n{FRAMES}== 6\n[<ffffffff810f2a1c>] futex_wait_queue_me+0xc4/0x120\n[<ffffffffffffffff>] 0xffffffffffffffff\n== 7\ncat: /proc/7/stack: No such file or directory\n\nsomething else\n== 8\n{FRAMES}"
        ),
        &[
            &format!("pid=5 {STACK}"),
            "pid=6 stack=futex_wait_queue_me",
            &format!("pid=8 {STACK}"),
        ],
    );
}

#[test]
fn wait_channels() {
    case(
        "x.txt",
        "==> /proc/123/wchan <==\nfutex_wait_queue_me\n==> /proc/124/wchan <==\n0\n==> /proc/125/wchan <==\nrpc_wait_bit_killable==> /proc/126/wchan <==\n",
        &[
            "pid=123 stack=futex_wait_queue_me",
            "pid=125 stack=rpc_wait_bit_killable",
        ],
    );
}

#[test]
fn hung_tasks_of_every_kernel() {
    let old = "\
[ 7042.118730] INFO: task runc:1234 blocked for more than 120 seconds.
[ 7042.118731]       Not tainted 3.10.0-957.el7.x86_64 #1
[ 7042.118732] \"echo 0 > /proc/sys/kernel/hung_task_timeout_secs\" disables this message.
[ 7042.118733] runc            D ffff88003fc13780     0  1234   1230 0x00000080
[ 7042.118734]  ffff88013ff63d70 0000000000000082 ffff88013a6a8fd0 ffff88013ff63fd8
[ 7042.118735] Call Trace:
[ 7042.118736]  [<ffffffff8163a909>] schedule+0x29/0x70
[ 7042.118737]  [<ffffffff816385f9>] ? schedule_timeout+0x209/0x2d0
[ 7042.118738]  [<ffffffffa04ee3a2>] rpc_wait_bit_killable+0x24/0xb0 [sunrpc]
[ 7042.118739] next thing
";
    let new = "\
[ 7042.118730] [  T45] INFO: task runc:1234 blocked for more than 241 seconds.
[ 7042.118731]       Tainted: G            E     5.10.0-8-amd64 #1 Debian 5.10.46-4
[ 7042.118732] \"echo 0 > /proc/sys/kernel/hung_task_timeout_secs\" disables this message.
[ 7042.118733] task:runc            state:D stack:    0 pid: 1234 ppid:  1230 flags:0x00004002
[ 7042.118734] Call Trace:
[ 7042.118735]  <TASK>
[ 7042.118736]  __schedule+0x282/0x870
[ 7042.118737]  schedule+0x46/0xb0
[ 7042.118738]  rwsem_down_write_slowpath.isra.0+0x246/0x4a0
[ 7042.118739]  ? asm_exc_page_fault+0x1e/0x30
[ 7042.118740] RIP: 0033:0x7f2b6c0c5a20
[ 7042.118741] RSP: 002b:00007ffd3a6c7d98 EFLAGS: 00000246 ORIG_RAX: 00000000000000a6
[ 7042.118742]  </TASK>
";
    let newest = "\
INFO: task runc:1235 blocked in I/O wait for more than 120 seconds.
INFO: task runc:1235 is blocked on a mutex likely owned by task kworker/u8:2:77.
task:runc            state:D stack:0     pid:1235  tgid:1234  ppid:1230   task_flags:0x400140 flags:0x00004002
Call Trace:
 io_schedule+0x46/0xb0
";
    let first =
        "pid=1234 ppid=1230 stat=D comm=runc blocked=120s stack=schedule,rpc_wait_bit_killable";
    case("dmesg.txt", old, &[first]);
    let wrapped = |prefix: &str| -> String {
        old.lines()
            .map(|l| format!("{prefix}{}\n", l.split_once("] ").unwrap().1))
            .collect::<Vec<_>>()
            .concat()
    };
    case(
        "messages",
        &wrapped("Nov 20 17:34:02 node1 kernel: "),
        &[first],
    );
    case(
        "kern.log",
        &wrapped("Nov 20 17:34:02 node1 kernel: [ 7042.118730] "),
        &[first],
    );
    case("dmesg-T", &wrapped("[Fri Nov 20 17:06:13 2026] "), &[first]);
    case("dmesg-r", &wrapped("<3>[ 7042.118730] "), &[first]);
    let mixed = wrapped("Nov 20 17:34:02 node1 kernel: ")
        .lines()
        .map(|l| format!("{l}\nNov 20 17:34:02 node1 kubelet[8]: E1120 PLEG is not healthy\n"))
        .collect::<Vec<_>>()
        .concat();
    case("messages", &mixed, &[first]);
    case(
        "dmesg.txt",
        new,
        &[
            "pid=1234 ppid=1230 stat=D comm=runc blocked=241s stack=__schedule,schedule,rwsem_down_write_slowpath",
        ],
    );
    case(
        "dmesg.txt",
        newest,
        &[
            "pid=1234 ppid=1230 stat=D comm=runc thread=1235 blocked=120s owner=77 stack=io_schedule",
        ],
    );
    let stacks = read(wrapped("Nov 20 17:34:02 node1 kernel: ").as_bytes(), "x");
    assert_eq!(stacks[0].host.as_deref(), Some("node1"));
    assert!(stacks[0].time.is_some());
    assert!(stacks[0].first_line.contains("blocked for more than 120"));
}

#[test]
fn tasks_shown_on_request() {
    case(
        "dmesg.txt",
        "\
sysrq: Show Blocked State
task:jbd2/vda1-8     state:D stack:    0 pid:  345 ppid:     2 flags:0x00004000
Call Trace:
 jbd2_journal_commit_transaction+0x1/0x2 [jbd2]
kworker/u4:2    D    0  1234      2 0x80000000
Call Trace:
 io_schedule+0x46/0xb0
",
        &[
            "pid=345 ppid=2 stat=D comm=jbd2/vda1-8 stack=jbd2_journal_commit_transaction",
            "pid=1234 ppid=2 stat=D comm=kworker/u4:2 stack=io_schedule",
        ],
    );
}

#[test]
fn the_crash_utility() {
    case(
        "crash.txt",
        "\
crash> bt
PID: 2107   TASK: ffff88013a6a8fd0  CPU: 1   COMMAND: \"terwayd\"
 #0 [ffff88013ff63d38] __schedule at ffffffff8168b579
 #1 [ffff88013ff63da0] schedule at ffffffff8168ba19
 #2 [ffff88013ff63db0] netlink_recvmsg+433 at ffffffff815a1b1b
    RIP: 000000000047e2fb  RSP: 000000c4205e7aa0  RFLAGS: 00000202
    RAX: ffffffffffffffda  RBX: ffffffff81697189  RCX: 000000000047e2fb
crash> quit
",
        &["pid=2107 comm=terwayd stack=__schedule,schedule,netlink_recvmsg"],
    );
}

#[test]
fn debuggers() {
    case(
        "pstack-2107.txt",
        "\
Thread 2 (Thread 0x7f1a2b3c4700 (LWP 2109)):
#0  0x00007f1a2b0c5a20 in recvfrom () from /lib64/libpthread.so.0
#1  0x000000000045a2f1 in runtime.asmcgocall () at /usr/lib/go/src/runtime/asm_amd64.s:688

Thread 1 (LWP 2107 \"terwayd\"):
#0  runtime.futex () at /usr/lib/go/src/runtime/sys_linux_amd64.s:550
",
        &[
            "pid=2107 thread=2109 user-stack=recvfrom,runtime.asmcgocall",
            "pid=2107 comm=terwayd user-stack=runtime.futex",
        ],
    );
    case(
        "gdb.txt",
        "Attaching to process 2107\n[New LWP 2109]\n\nThread 1 (LWP 2109):\n#0  0x00007f in read () from /lib64/libc.so.6\n",
        &["thread=2109 user-stack=read"],
    );
}

#[test]
fn other_texts_have_no_stacks() {
    for text in [
        "goroutine 1 [select]:\nmain.main()\n\t/x.go:1 +0x1f\n",
        "I1120 17:00:00.0 1 x.go:1] task done:5\nError: process 5 failed\n  at f (x.js:1)\n",
        "[ 1.0] usb 1-1: new device found, idVendor=0x1\n",
        "Name: web-1\nState: Running\n",
        "12 containers\n",
    ] {
        case("x.txt", text, &[]);
    }
}

proptest! {
    #[test]
    fn any_bytes(text: Vec<u8>) {
        let _ = read(&text, "proc/1/stack");
    }

    #[test]
    fn lines_in_any_order(picks in proptest::collection::vec(0..16_usize, 0..60)) {
        let pool = [
            "== 5", "INFO: task a:1 blocked for more than 120 seconds.", "task:a state:D stack:0 pid:1 ppid:2 flags:0x0", "a D 0 1 2 0x00000080",
            "Call Trace:", " f+0x1/0x2", "[<0>] g+0x1/0x2 [m]", "[<0>] 0xffffffffffffffff", "#0 [ffff] h at ffff", "#1  0x1 in i () from x", "==> /proc/1/wchan <==",
            "word", "", "Thread 1 (LWP 5):", "Pid:\t7", "PID: 1 TASK: f CPU: 1 COMMAND: \"x\"",
        ];
        let text: Vec<&str> = picks.iter().filter_map(|i| pool.get(*i).copied()).collect();
        let stacks = read(text.join("\n").as_bytes(), "x");
        prop_assert!(stacks.iter().all(|s| !s.frames.is_empty()));
    }
}
