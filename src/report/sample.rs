//! A hand-made analysis for the tests: a namespace that stays in Terminating because the cloud controller
//! lost its rights, with everything a report can show.

use crate::base::lang::Lang;
use crate::base::time::{Doubt, Instant, RawStamp, SECOND, Stamp, StampBasis, civil};
use crate::model::incident::{Gap, Incident, Root, RuledOut, Step, Term};
use crate::model::{
    Analysis, Bundle, Clock, ClockNote, Component, Confidence, Coverage, Entity, Fact, FactId,
    Place, Quote, Relation, Scope, Severity, Source, SourceId, SourceKind, Span, Status, Topology,
    Unexplained,
};

use super::names::Names;

/// `(kind, title en, title zh, severity)`.
const TITLES: [(&str, &str, &str, Severity); 9] = [
    (
        "cloud/permission-denied",
        "A cloud policy denies the cluster its VPC",
        "云策略拒绝集群访问 VPC",
        Severity::High,
    ),
    (
        "cloud/vpc-not-visible",
        "The cloud controller finds no VPC {id}",
        "云控制器找不到 VPC {id}",
        Severity::High,
    ),
    (
        "routes/route-missing",
        "The VPC has no route to the pods of {entity}",
        "VPC 中缺少到 {entity} 上 Pod 的路由",
        Severity::Medium,
    ),
    (
        "aggregated-api/path-broken",
        "The API server cannot reach {entity}",
        "API Server 无法连接 {entity}",
        Severity::High,
    ),
    (
        "aggregated-api/api-group-unavailable",
        "Aggregated API {entity} does not answer",
        "聚合 API {entity} 无响应",
        Severity::High,
    ),
    (
        "namespace-deletion/discovery-incomplete",
        "The list of API groups is incomplete",
        "API 组列表不完整",
        Severity::Medium,
    ),
    (
        "namespace-deletion/stuck",
        "Namespace {entity} stays in Terminating",
        "命名空间 {entity} 一直处于 Terminating",
        Severity::High,
    ),
    (
        "cloud/role-not-bound",
        "The RAM role is not bound to the instance",
        "实例未绑定 RAM 角色",
        Severity::High,
    ),
    (
        "node/ready",
        "Node {entity} is not ready",
        "节点 {entity} 未就绪",
        Severity::High,
    ),
];

/// The names of the sample's kinds.
pub(crate) struct SampleNames;

impl Names for SampleNames {
    fn title(&self, fact: &Fact, lang: Lang) -> String {
        let (_, en, zh, _) = TITLES.iter().find(|t| t.0 == fact.kind).unwrap();
        let text = if lang == Lang::En { en } else { zh };
        text.replace("{entity}", fact.entity.name())
            .replace("{id}", fact.key("id").unwrap_or("?"))
    }

    fn severity(&self, kind: &str) -> Severity {
        TITLES.iter().find(|t| t.0 == kind).unwrap().3
    }
}

fn at(hour: i64, minute: i64, second: i64) -> Instant {
    Instant(civil(2026, 6, 22, ((hour * 60 + minute) * 60 + second) * SECOND).unwrap())
}

fn stamp(hour: i64, minute: i64, second: i64) -> Stamp {
    Stamp {
        at: at(hour, minute, second),
        err: SECOND,
        basis: StampBasis::Solved,
        doubt: Doubt::default(),
    }
}

fn quote(source: u32, line: u64, text: &str, time: Option<Stamp>) -> Quote {
    Quote {
        place: Place {
            source: SourceId(source),
            offset: line * 100,
            line,
        },
        text: text.to_owned(),
        time,
    }
}

fn source(id: u32, path: &str, kind: SourceKind, component: &str, node: Option<&str>) -> Source {
    let klog = kind == SourceKind::Log;
    let reading =
        |minute: i64| RawStamp::local(None, 6, 22, ((8 * 60 + minute) * 60) * SECOND, 1000);
    Source {
        id: SourceId(id),
        path: path.to_owned(),
        kind,
        formats: if klog { vec!["klog"] } else { vec![] },
        why: String::from("the first lines are klog headers"),
        scope: Scope {
            component: Component::named(component),
            node: node.map(str::to_owned),
            ..Scope::default()
        },
        clock: Clock {
            zone: klog.then_some(8 * 3600),
            year: klog.then_some(2026),
            basis: String::from("Log file created at: 2026/06/22 08:00:00"),
            confidence: Confidence::High,
            ..Clock::default()
        },
        coverage: Coverage {
            lines: 31_071,
            bytes: 4_100_000,
            first: klog.then(|| reading(0)),
            last: klog.then(|| reading(26)),
            ..Coverage::default()
        },
        status: Status::Read,
        note: String::new(),
    }
}

fn sources() -> Vec<Source> {
    let log = SourceKind::Log;
    let mut out = vec![
        source(0, "apiservice.txt", SourceKind::Table, "unknown", None),
        source(
            1,
            "logs.tar.gz!master-1/cloud-controller-manager.log",
            log,
            "cloud-controller-manager",
            Some("master-1"),
        ),
        source(
            2,
            "logs.tar.gz!master-1/kube-apiserver.log",
            log,
            "kube-apiserver",
            Some("master-1"),
        ),
        source(
            3,
            "logs.tar.gz!master-1/kube-controller-manager.log",
            log,
            "kube-controller-manager",
            Some("master-1"),
        ),
        source(4, "namespaces.txt", SourceKind::Table, "unknown", None),
        source(
            5,
            "node-1/kubelet\x1b[31m.log",
            log,
            "kubelet",
            Some("node-1"),
        ),
        source(6, "pods.txt", SourceKind::Table, "unknown", None),
        source(7, "sys/core.gz", SourceKind::Binary, "unknown", None),
    ];
    out[3].coverage.pauses = vec![crate::model::source::Pause {
        from: out[3].coverage.first.unwrap(),
        to: out[3].coverage.last.unwrap(),
        line: 2113,
        offset: 0,
    }];
    out[3].coverage.verbosity = Some(5);
    out[5].status = Status::Partial;
    out[5].coverage.cut = true;
    out[5].note = String::from("the archive ends in the middle of this file");
    out[7].status = Status::Failed;
    out[7].note = String::from("damaged gzip stream at byte 4096");
    out
}

#[expect(clippy::too_many_lines, reason = "one story in one piece")]
fn facts() -> Vec<Fact> {
    let vpc = "E0622 08:01:56.548498       1 route_controller.go:137] Couldn't reconcile node routes: RouteTables: alicloud: no vpc found by [id:vpc-uf6dp7cfam0ypzb1000], length(vpcs)=0";
    let mut seen_vpc = Fact::seen(
        "cloud/vpc-not-visible",
        Entity::new("component", "cloud-controller-manager"),
        quote(1, 12, vpc, Some(stamp(0, 1, 56))),
        vec![quote(
            1,
            911,
            &vpc.replace("08:01:56", "08:25:56"),
            Some(stamp(0, 25, 56)),
        )],
    );
    seen_vpc
        .keys
        .insert("id".into(), "vpc-uf6dp7cfam0ypzb1000".into());
    seen_vpc.component = Component::named("cloud-controller-manager");
    seen_vpc.count = 9;
    seen_vpc.span = Span {
        first: Some(stamp(0, 1, 56)),
        last: Some(stamp(0, 25, 56)),
        closed: false,
        over: false,
    };

    let group = "E0622 08:26:02.053593       1 memcache.go:134] couldn't get resource list for metrics.k8s.io/v1beta1: the server is currently unable to handle the request";
    let mut api = Fact::seen(
        "aggregated-api/api-group-unavailable",
        Entity::new("apiservice", "v1beta1.metrics.k8s.io"),
        quote(2, 20_113, group, Some(stamp(0, 2, 2))),
        vec![quote(
            0,
            4,
            "v1beta1.metrics.k8s.io   kube-system/metrics-server   False (FailedDiscoveryCheck)   23d",
            None,
        )],
    );
    api.component = Component::named("kube-apiserver");
    api.count = 1702;
    api.span = Span {
        first: Some(stamp(0, 2, 2)),
        last: Some(stamp(0, 26, 2)),
        closed: false,
        over: false,
    };

    let discovery = "E0622 08:26:03.602298       1 namespace_controller.go:148] unable to retrieve the complete list of server APIs: metrics.k8s.io/v1beta1: the server is currently unable to handle the request";
    let mut incomplete = Fact::seen(
        "namespace-deletion/discovery-incomplete",
        Entity::new("component", "kube-controller-manager"),
        quote(3, 4402, discovery, Some(stamp(0, 26, 3))),
        vec![],
    );
    incomplete.component = Component::named("kube-controller-manager");
    incomplete.span = Span {
        first: Some(stamp(0, 26, 3)),
        last: Some(stamp(0, 26, 3)),
        closed: false,
        over: false,
    };

    let stuck = |name: &str, line| {
        let mut f = Fact::seen(
            "namespace-deletion/stuck",
            Entity::new("namespace", name),
            quote(4, line, &format!("{name}   Terminating   2d1h"), None),
            vec![],
        );
        f.component = Component::OBJECT;
        f.span = Span {
            first: None,
            last: Some(Stamp {
                basis: StampBasis::Guessed,
                ..stamp(0, 27, 12)
            }),
            closed: false,
            over: false,
        };
        f
    };
    let mut ready = Fact::seen(
        "node/ready",
        Entity::new("node", "node-1"),
        quote(
            5,
            7,
            "I0622 08:03:00.000000       1 kubelet_node_status.go:1] \"NodeNotReady\"",
            Some(stamp(0, 3, 0)),
        ),
        vec![quote(
            5,
            9,
            "=cmd \x1b]0;owned\x07 NodeReady",
            Some(stamp(0, 3, 40)),
        )],
    );
    ready.component = Component::KUBELET;
    ready.span = Span {
        first: Some(stamp(0, 3, 0)),
        last: Some(stamp(0, 3, 40)),
        closed: true,
        over: false,
    };

    let mut denied = Fact::suspected(
        "cloud/permission-denied",
        Entity::new("cloudrole", "KubernetesMasterRole"),
        FactId(1),
    );
    denied.keys.insert("evil".into(), "$(reboot)".into());
    let route = Fact::inferred(
        "routes/route-missing",
        Entity::new("node", "node-1"),
        "routes",
        vec![],
        vec![FactId(1), FactId(3)],
    )
    .unwrap();
    let path = Fact::inferred(
        "aggregated-api/path-broken",
        Entity::new("service", "kube-system/metrics-server"),
        "reachability",
        vec![quote(
            6,
            31,
            "metrics-server-77f7987bb8-7tgld   1/1   Running   0   23d",
            None,
        )],
        vec![FactId(4)],
    )
    .unwrap();
    vec![
        denied,
        seen_vpc,
        route,
        path,
        api,
        incomplete,
        stuck("tobedeletedb", 9),
        stuck("dev", 4),
        ready,
    ]
}

fn bundle() -> Bundle {
    let clock = |artifact: &str, zone: &str, basis: &str, confidence| ClockNote {
        artifact: artifact.to_owned(),
        timezone: zone.to_owned(),
        year: Some(2026),
        basis: basis.to_owned(),
        confidence,
        skew: None,
    };
    let head = "Log file created at: 2026/06/22 08:00:00 (+08:00 from the audit events)";
    Bundle {
        name: String::from("support-2026-06-22.tar.gz"),
        kind: String::from("support-bundle"),
        sha256: "0123456789abcdef".repeat(4),
        artifacts: 8,
        bytes: 13_002_342,
        lines: 93_211,
        window: (Some(at(0, 0, 1)), Some(at(0, 27, 12))),
        clocks: vec![
            clock("master-1", "+08:00", head, Confidence::High),
            clock("node-1", "+08:00", head, Confidence::High),
            clock(
                "namespaces.txt",
                "unknown",
                "nothing in it tells the zone",
                Confidence::Low,
            ),
        ],
    }
}

/// The analysis, its texts in `lang`.
#[expect(clippy::too_many_lines, reason = "one story in one piece")]
pub(crate) fn analysis(lang: Lang) -> Analysis {
    let t = |en: &str, zh: &str| String::from(if lang == Lang::En { en } else { zh });
    let step = |fact, en: &str, zh: &str| Step {
        fact: FactId(fact),
        because: t(en, zh),
    };
    let term = |name, value, en: &str, zh: &str| Term {
        name,
        value,
        because: t(en, zh),
    };
    let incident = Incident {
        id: String::from("namespace-deletion/stuck-tobedeletedb"),
        severity: Severity::High,
        title: t(
            "Namespace tobedeletedb stays in Terminating",
            "命名空间 tobedeletedb 一直处于 Terminating",
        ),
        summary: t(
            "The namespace controller cannot list what is in the namespace, because one API group does not answer. Its pod runs, but the API server has no route to it: the cloud controller, which writes the routes, no longer sees the VPC.",
            "命名空间控制器无法列出命名空间中的内容，因为有一个 API 组没有响应。对应的 Pod 在运行，但 API Server 没有到它的路由：负责写路由的云控制器已经看不到 VPC。",
        ),
        window: (Some(at(0, 1, 56)), Some(at(0, 27, 12))),
        symptoms: vec![FactId(6), FactId(7)],
        roots: vec![
            Root {
                fact: FactId(0),
                confidence: Confidence::Medium,
                score: 45,
                terms: vec![
                    term(
                        "primary",
                        40,
                        "the VPC was visible before and is not now",
                        "VPC 之前可见，现在不可见",
                    ),
                    term(
                        "corroborating",
                        15,
                        "nine tries over 24 minutes end in the same way",
                        "24 分钟内九次尝试结果相同",
                    ),
                    term(
                        "gap-penalty",
                        -10,
                        "the RAM policy is not in the bundle",
                        "材料中没有 RAM 策略",
                    ),
                ],
            },
            Root {
                fact: FactId(2),
                confidence: Confidence::Low,
                score: 12,
                terms: vec![],
            },
        ],
        chain: vec![
            step(0, "", ""),
            step(
                1,
                "Without the right to read it, the VPC looks as if it did not exist",
                "没有读取权限，VPC 看起来就像不存在",
            ),
            step(
                2,
                "The route controller looks the VPC up before it writes a route",
                "路由控制器写路由之前要先查询 VPC",
            ),
            step(
                3,
                "Packets from the master to the pod network follow these routes",
                "从 master 到 Pod 网络的报文依赖这些路由",
            ),
            step(
                4,
                "An aggregated API is served by a pod that the API server must reach",
                "聚合 API 由一个 API Server 必须能访问的 Pod 提供",
            ),
            step(
                5,
                "Discovery fails as a whole when one group fails",
                "任一组失败，发现即不完整",
            ),
            step(
                6,
                "Without the complete list the controller never removes its finalizer",
                "列表不完整，控制器就不会移除 finalizer",
            ),
        ],
        ruled_out: vec![RuledOut {
            kind: String::from("metrics-server/crashed"),
            title: t("metrics-server crashed", "metrics-server 崩溃"),
            because: t(
                "its pod is Running and ready with 0 restarts",
                "它的 Pod 处于 Running 且就绪，重启 0 次",
            ),
            evidence: vec![quote(
                6,
                31,
                "metrics-server-77f7987bb8-7tgld   1/1   Running   0   23d",
                None,
            )],
        }],
        gaps: vec![
            Gap {
                what: t("Route table of the VPC", "VPC 路由表"),
                why: t(
                    "shows whether the route to 172.16.1.0/25 is there",
                    "确认到 172.16.1.0/25 的路由是否存在",
                ),
                command: String::from(
                    "aliyun vpc DescribeRouteTableList --VpcId vpc-uf6dp7cfam0ypzb1000",
                ),
                on: String::new(),
            },
            Gap {
                what: t("Policies of the role of the masters", "master 角色的策略"),
                why: t("proves or refutes the root cause", "证实或推翻根因"),
                command: String::from("aliyun ram ListPoliciesForRole --RoleName <role>"),
                on: String::new(),
            },
            Gap {
                what: t("Routes of the node", "节点的路由"),
                why: String::new(),
                command: String::from("ip route; cat /var/log/$(hostname).log"),
                on: String::from("n1"),
            },
        ],
        remedy: vec![t(
            "Allow vpc:* to the role of the masters again; the route comes back, the API answers, and all Terminating namespaces go by themselves",
            "重新允许 master 角色的 vpc:*；路由恢复后 API 恢复响应，所有 Terminating 的命名空间会自行删除",
        )],
        warnings: vec![t(
            "Do not strip spec.finalizers by hand: it hides the cause and leaves objects behind",
            "不要手工清除 spec.finalizers：这会掩盖原因并遗留对象",
        )],
        references: vec![String::from(
            "https://kubernetes.io/docs/concepts/architecture/cloud-controller/",
        )],
    };
    let mut topology = Topology::default();
    topology.add(Relation {
        from: Entity::new("apiservice", "v1beta1.metrics.k8s.io"),
        to: Entity::new("service", "kube-system/metrics-server"),
        place: Place {
            source: SourceId(0),
            offset: 400,
            line: 4,
        },
    });
    Analysis {
        bundle: bundle(),
        sources: sources(),
        facts: facts(),
        incidents: vec![incident],
        unexplained: vec![Unexplained {
            template: String::from(
                "Failed to watch *v1beta1.<*>: the server could not find the requested resource",
            ),
            component: Component::named("kube-controller-manager"),
            count: 212,
            first: Some(stamp(0, 2, 2)),
            last: Some(stamp(0, 26, 3)),
            why: t(
                "new since shortly before the first symptom",
                "在第一个症状前不久首次出现",
            ),
            evidence: vec![quote(
                3,
                88,
                "E0622 08:02:02.000000       1 reflector.go:134] Failed to watch *v1beta1.Foo: the server could not find the requested resource",
                Some(stamp(0, 2, 2)),
            )],
        }],
        dumps: vec![super::sample_dump::dump()],
        topology,
        warnings: vec![t(
            "The archive sys/core.gz could not be opened",
            "无法打开压缩包 sys/core.gz",
        )],
        rules: 312,
        rules_digest: "fedcba9876543210".repeat(4),
    }
}

/// The same bundle with nothing wrong in it.
pub(crate) fn quiet(lang: Lang) -> Analysis {
    let mut a = analysis(lang);
    a.incidents.clear();
    a.unexplained.clear();
    a
}

/// Two incidents, on two days, the second without a known cause.
pub(crate) fn two() -> Analysis {
    let mut a = analysis(Lang::En);
    let mut second = a.incidents[0].clone();
    second.id = String::from("node/not-ready-node-1");
    second.severity = Severity::Medium;
    second.title = String::from("Node node-1 was not ready for 40 seconds");
    second.summary = String::from("The node was not ready for a short time.");
    second.roots.clear();
    second.gaps.clear();
    second.symptoms = vec![FactId(8)];
    second.chain = vec![Step {
        fact: FactId(8),
        because: String::new(),
    }];
    a.facts[8].span.last = Some(Stamp {
        at: at(3, 0, 0).plus(crate::base::time::DAY),
        ..stamp(0, 0, 0)
    });
    a.facts[8].count = 3;
    a.incidents.push(second);
    a
}
