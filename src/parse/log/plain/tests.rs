use super::*;

#[track_caller]
fn case(line: &str, name: &str, level: Level, caller: &str, text: &str) {
    let plain = parse(line.as_bytes()).unwrap_or_else(|| panic!("not parsed: {line}"));
    assert_eq!((plain.name, plain.level), (name, level), "{line}");
    let mut record = Record::default();
    plain.fill(&mut record);
    assert_eq!(record.caller.as_deref().unwrap_or(""), caller, "{line}");
    assert_eq!(String::from_utf8_lossy(&record.text), text);
}

#[test]
fn components() {
    case(
        "2019-11-22 02:40:34.814547 W | etcdserver: read-only range request took too long",
        "capnslog",
        Level::Warning,
        "",
        "etcdserver: read-only range request took too long",
    );
    case(
        "2019-11-22 02:40:34.814547 [file.go:12] D | raft: x",
        "capnslog",
        Level::Debug,
        "file.go:12",
        "raft: x",
    );
    case(
        "raft2026/11/20 17:10:09 INFO: newRaft 8e9e",
        "go-log",
        Level::Info,
        "",
        "newRaft 8e9e",
    );
    case(
        "2026/11/20 17:30:19.848893 main.go:81: inventory-api starting",
        "go-log",
        Level::Unknown,
        "main.go:81",
        "inventory-api starting",
    );
    case(
        "2018/08/01 12:00:00 [INFO] CoreDNS-1.2.2",
        "go-log",
        Level::Info,
        "",
        "CoreDNS-1.2.2",
    );
    case(
        "2024-02-09 03:04:05.123 [INFO][85386] felix/int_dataplane.go 434: Applying ifaceName=\"cali1\" n=1",
        "calico",
        Level::Info,
        "felix/int_dataplane.go:434",
        "Applying ifaceName=cali1 n=1",
    );
    case(
        "[INFO] plugin/reload: x",
        "coredns",
        Level::Info,
        "",
        "plugin/reload: x",
    );
    case(
        "[WARNING] Deprecated '--logger=capnslog'",
        "leveled",
        Level::Warning,
        "",
        "Deprecated '--logger=capnslog'",
    );
    case(
        "2019-11-22T02:40:34.814Z [ERROR] plugin/errors: 2 a. A: i/o timeout",
        "coredns",
        Level::Error,
        "",
        "plugin/errors: 2 a. A: i/o timeout",
    );
}

#[test]
fn meshes() {
    case(
        "2024-02-09T03:04:05.123456Z\twarn\tads\tpush failed\tid=3",
        "istio",
        Level::Warning,
        "",
        "push failed id=3",
    );
    case(
        "2024-02-09T03:04:05.123456Z\tinfo\tready",
        "istio",
        Level::Info,
        "",
        "ready",
    );
    case(
        "2024-02-09T03:04:05.123456Z  info  ads  push",
        "istio",
        Level::Info,
        "",
        "push",
    );
    case(
        "2024-02-09T03:04:05.123456Z\twarning\tenvoy config\t[external/envoy/x.cc:101] closed",
        "istio",
        Level::Warning,
        "",
        "[external/envoy/x.cc:101] closed",
    );
    case(
        "[2024-02-09 03:04:05.123][1][info][main] [source/server/server.cc:249] initializing",
        "envoy",
        Level::Info,
        "source/server/server.cc:249",
        "initializing",
    );
    case(
        "[2024-02-09T03:04:05.123Z] \"GET /x HTTP/1.1\" 503 UF",
        "envoy",
        Level::Unknown,
        "",
        "\"GET /x HTTP/1.1\" 503 UF",
    );
    case(
        "2024-02-09T03:04:05.123+0800\tERROR\tcontrollers.X\tx/y.go:12\tfailed\t{\"k\":\"v\",\"error\":\"e\"}\nmain.f\n\t/x.go:1",
        "zap-console",
        Level::Error,
        "x/y.go:12",
        "failed k=v error=e\nmain.f\n\t/x.go:1",
    );
    case(
        "1.707419045123456e+09\tINFO\tsetup\tstarting",
        "zap-console",
        Level::Info,
        "",
        "starting",
    );
}

#[test]
fn others() {
    case(
        "[ 1313.273392] cni0: port 3",
        "kernel",
        Level::Unknown,
        "",
        "cni0: port 3",
    );
    case(
        "<4>[    0.000000] [    C0] x",
        "kernel",
        Level::Warning,
        "",
        "x",
    );
    case(
        "[Fri Feb  9 03:04:05 2024] oom",
        "dmesg",
        Level::Unknown,
        "",
        "oom",
    );
    case(
        "kern  :warn  : [   12.345678] x",
        "kernel",
        Level::Warning,
        "",
        "x",
    );
    case(
        "2024-01-01 00:00:00,123 ERROR mod: bad",
        "dated",
        Level::Error,
        "",
        "mod: bad",
    );
    case(
        "2024-01-01 00:00:00,123 - name - ERROR - bad",
        "dated",
        Level::Error,
        "",
        "- name - ERROR - bad",
    );
    case(
        "INFO[0013] created   id=1 name=\"a b\"",
        "logfmt",
        Level::Info,
        "",
        "created id=1 name=a b",
    );
    case(
        "WARN[2024-02-09T03:04:05Z] x",
        "logfmt",
        Level::Warning,
        "",
        "x",
    );
    case(
        "INFO: 2024/02/09 03:04:05.123456 weave",
        "go-log",
        Level::Info,
        "",
        "weave",
    );
    case("ERROR: no", "leveled", Level::Error, "", "no");
    for line in [
        "[+]ping ok",
        "[1.1s] [1.1s] x",
        "[signal SIGSEGV: x]",
        "INFO",
        "E: x",
        "2024-01-01",
        "12345",
        "[pod/a/b]",
    ] {
        assert!(parse(line.as_bytes()).is_none(), "{line}");
    }
}
