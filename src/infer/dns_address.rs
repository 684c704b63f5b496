//! Address drift of the cluster DNS: what pods are told to ask against what the service has.
//!
//! `nameserver 172.19.0.10` in a pod's resolv.conf, `clusterDNS: [172.19.0.10]` of a kubelet, `lookup x on
//! 172.19.0.10:53: … i/o timeout` in a log, against `service/kube-system/kube-dns type=ClusterIP clusterIP=172.19.9.54`.
//! A resolv.conf counts only when it is a pod's (its search path says so); node-local caches listen on a link-local
//! address on purpose, as long as they run; and a name server outside the range of the services is somebody else's, unless
//! the kubelet itself gives it to pods and nobody answers there.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::Task;
use super::support::{earlier, later, quote, some, value};
use crate::base::time::{HOUR, RawStamp, Stamp};
use crate::base::units::human_duration;
use crate::model::{Component, Entity, Fact, FactId, Keys, Quote, SourceId, StateLine};

/// What kubelet prints of its flags.
const FLAGS: &[&str] = &["address-drift/cluster-dns-flag"];
/// Facts about a name server that does not answer.
const LOOKUPS: &[&str] = &["dns/lookup-timeout", "mesh/control-plane-name-unresolved"];

/// Who says that pods ask at an address.
#[derive(Default)]
struct Said {
    quotes: Vec<Quote>,
    nodes: Vec<String>,
    from: Vec<FactId>,
    /// A configuration says so, not only errors.
    configured: bool,
    /// It is the kubelet's, which gives the address to every pod.
    by_kubelet: bool,
    first: Option<Stamp>,
    last: Option<Stamp>,
}

pub(super) fn infer(task: &Task<'_>) -> Vec<Fact> {
    let (names, namespaces) = (task.list("service"), task.list("namespace"));
    let service = |line: &StateLine| {
        line.entity
            .name()
            .split_once('/')
            .is_some_and(|(ns, n)| namespaces.contains(&ns) && names.contains(&n))
    };
    let services: Vec<(SourceId, &StateLine, &str)> = task
        .states("service")
        .filter(|(_, l)| service(l))
        .filter_map(|(id, l)| {
            value(l, "clusterIP")
                .filter(|ip| ip.parse::<Ipv4Addr>().is_ok() || ip.contains(':'))
                .map(|ip| (id, l, ip))
        })
        .collect();
    let Some((id, line, actual)) = services.first().copied() else {
        return Vec::new();
    };
    let mut asked = asked(task);
    // Somebody uses the true address of some DNS service: then the others may be a deliberate second server.
    asked.retain(|ip, _| !services.iter().any(|(.., a)| a == ip));
    let caches = task.list("cache");
    let ranges: Vec<&str> = task
        .states("service")
        .filter_map(|(_, l)| value(l, "clusterIP"))
        .collect();
    asked
        .into_iter()
        .filter(|(ip, said)| {
            let silent = said.by_kubelet && !said.from.is_empty() && !is_local(ip);
            let forsaken = caches.contains(&ip.as_str())
                && said.configured
                && !said.from.is_empty()
                && cache_is_gone(task);
            (is_service_address(ip, actual, &ranges) || silent || forsaken)
                && (said.configured || said.from.len() + said.quotes.len() > 1)
        })
        .filter(|(ip, _)| {
            !task
                .states("service")
                .any(|(_, l)| value(l, "clusterIP") == Some(ip.as_str()))
        })
        .filter_map(|(ip, said)| fact(task, &ip, actual, (id, line), said))
        .collect()
}

fn fact(
    task: &Task<'_>,
    asked: &str,
    actual: &str,
    service: (SourceId, &StateLine),
    said: Said,
) -> Option<Fact> {
    let (namespace, name) = service.1.entity.name().split_once('/')?;
    let mut keys = Keys::from([
        (String::from("configured"), asked.to_owned()),
        (String::from("actual"), actual.to_owned()),
        (String::from("server"), asked.to_owned()),
        (String::from("service"), name.to_owned()),
        (String::from("namespace"), namespace.to_owned()),
    ]);
    let mut evidence: Vec<Quote> = said.quotes.into_iter().take(5).collect();
    if let Some((after, proof)) = made_again(task, &service.1.entity) {
        keys.insert(String::from("made"), String::from("later"));
        keys.insert(String::from("after"), human_duration(after));
        evidence.push(proof);
    }
    if !said.nodes.is_empty() {
        keys.insert(
            String::from("node"),
            some(said.nodes.iter().map(String::as_str), 4),
        );
    }
    evidence.push(quote(task.world, service.0, service.1));
    let mut fact = task.fact(
        "dns-address-mismatch",
        keys,
        Component::OBJECT,
        evidence,
        said.from,
    )?;
    fact.span.first = said.first;
    fact.span.last = later(said.last, task.collected(service.0));
    Some(fact)
}

/// By how much a service is younger than the oldest one that an output shows with it, and the line that says so.
fn made_again(task: &Task<'_>, service: &Entity) -> Option<(i64, Quote)> {
    let made: Vec<(RawStamp, SourceId, &StateLine)> = task
        .states("service")
        .filter(|(_, l)| value(l, "made").is_some())
        .filter_map(|(id, l)| Some((l.first?, id, l)))
        .collect();
    let (own, source, line) = made.iter().find(|(.., l)| l.entity == *service)?;
    // Ages and times of different outputs are not compared.
    let sort = std::mem::discriminant(own);
    let beside = made
        .iter()
        .filter(|(at, id, _)| id == source && std::mem::discriminant(at) == sort);
    let oldest = beside.map(|(at, ..)| at.reading()).min()?;
    let own = own.reading();
    let after = own.saturating_sub(oldest);
    let least = task.time("younger").unwrap_or(HOUR);
    (after > least).then(|| (after, quote(task.world, *source, line)))
}

/// The addresses that pods ask, and who says so.
fn asked(task: &Task<'_>) -> BTreeMap<String, Said> {
    let mut asked: BTreeMap<String, Said> = BTreeMap::new();
    for (id, line) in &task.world.states {
        let kind = line.entity.kind();
        let servers: Vec<&str> = match kind {
            "resolver" if value(line, "search").is_some_and(|s| s.contains("svc.")) => {
                value(line, "nameserver").into_iter().collect()
            }
            "kubeletconfiguration" => value(line, "clusterDNS")
                .map(|v| v.split(',').collect())
                .unwrap_or_default(),
            _ if line.component == Component::PROCESS => flag(&line.text),
            _ => continue,
        };
        for server in servers {
            let said = asked.entry(server.to_owned()).or_default();
            said.configured = true;
            said.by_kubelet |= kind != "resolver";
            said.quotes.push(quote(task.world, *id, line));
            if let Some(node) = task.world.source(*id).and_then(|s| s.scope.node.clone())
                && !said.nodes.contains(&node)
            {
                said.nodes.push(node);
            }
        }
    }
    for (_, fact) in task.facts(FLAGS) {
        for server in fact.key("server").unwrap_or_default().split(',') {
            let said = asked.entry(server.to_owned()).or_default();
            said.configured = true;
            said.by_kubelet = true;
            said.quotes.extend(fact.evidence().first().cloned());
            said.nodes.extend(fact.key("node").map(str::to_owned));
        }
    }
    for (id, fact) in task.facts(LOOKUPS) {
        let Some(server) = fact.key("server") else {
            continue;
        };
        let said = asked.entry(server.to_owned()).or_default();
        said.from.push(id);
        said.quotes.extend(fact.evidence().first().cloned());
        said.first = earlier(said.first, fact.span.first);
        said.last = later(said.last, fact.span.last);
    }
    asked
}

/// `--cluster-dns=172.19.0.10` of a kubelet's command line.
fn flag(command: &str) -> Vec<&str> {
    let mut words = command.split_whitespace();
    while let Some(word) = words.next() {
        let given = match word.strip_prefix("--cluster-dns") {
            Some("") => words.next(),
            Some(rest) => rest.strip_prefix('='),
            None => None,
        };
        if let Some(given) = given {
            return given.split(',').collect();
        }
    }
    Vec::new()
}

/// Whether an address is of the machine itself.
fn is_local(address: &str) -> bool {
    address
        .parse::<Ipv4Addr>()
        .is_ok_and(|ip| ip.is_link_local() || ip.is_loopback())
}

/// Whether the daemon sets of the cluster are known and none of them, nor any pod, is a node-local DNS cache.
fn cache_is_gone(task: &Task<'_>) -> bool {
    let words = task.list("cache-name");
    let is_cache = |line: &StateLine| words.iter().any(|w| line.entity.name().contains(w));
    let mut sets = task
        .states("daemonset")
        .filter(|(_, l)| l.entity.name().starts_with("kube-system/"))
        .peekable();
    sets.peek().is_some()
        && !sets.any(|(_, l)| is_cache(l))
        && !task.states("pod").any(|(_, l)| is_cache(l))
}

/// Whether an address can be one of the cluster's services: near the true one, or near any other.
fn is_service_address(asked: &str, actual: &str, others: &[&str]) -> bool {
    let Ok(asked) = asked.parse::<Ipv4Addr>() else {
        return asked != actual && asked.contains(':');
    };
    if is_local(&asked.to_string()) {
        return false;
    }
    // The smallest usual range of services is a /20; addresses that share 16 bits are of one.
    let head = |ip: Ipv4Addr| u32::from(ip) >> 16;
    std::iter::once(&actual)
        .chain(others)
        .filter_map(|o| o.parse::<Ipv4Addr>().ok())
        .any(|o| head(o) == head(asked))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{facts_of, shown};
    use super::*;

    const SERVICES: &str = "\
NAMESPACE     NAME       TYPE        CLUSTER-IP    EXTERNAL-IP   PORT(S)         AGE
default       kubernetes ClusterIP   172.19.0.1    <none>        443/TCP         90d
kube-system   kube-dns   ClusterIP   172.19.9.54   <none>        53/UDP,53/TCP   5d
";

    #[track_caller]
    fn case(path: &str, text: &str, expected: &[&str]) {
        let files = [("kubectl/get-svc-A.txt", SERVICES), (path, text)];
        let facts = facts_of(&files, "address-drift/dns-service-address-changed");
        assert_eq!(shown(&facts, &["configured", "actual"]), expected, "{text}");
    }

    #[test]
    fn what_pods_ask_against_what_the_service_has() {
        let drift = "service/kube-system/kube-dns configured=172.19.0.10 actual=172.19.9.54";
        let pod = "nameserver 172.19.0.10\nsearch shop.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n";
        case("pods/shop_web-1/resolv.conf", pod, &[drift]);
        case(
            "pods/shop_web-1/resolv.conf",
            &pod.replace("0.10", "9.54"),
            &[],
        );
        // A node's own resolver, and a node-local cache.
        case(
            "n1/etc/resolv.conf",
            "nameserver 172.19.0.10\nsearch example.com\n",
            &[],
        );
        case(
            "pods/shop_web-1/resolv.conf",
            &pod.replace("172.19.0.10", "169.254.20.10"),
            &[],
        );
        // Outside the range of the services: somebody else's server, by dnsPolicy.
        case(
            "pods/shop_web-1/resolv.conf",
            &pod.replace("172.19.0.10", "192.0.2.53"),
            &[],
        );
        let kubelet = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nclusterDNS:\n- 172.19.0.10\nclusterDomain: cluster.local\n";
        case("n1/var/lib/kubelet/config.yaml", kubelet, &[drift]);
    }

    #[test]
    fn a_service_that_was_made_again() {
        let resolver = "nameserver 172.19.0.10\nsearch shop.svc.cluster.local svc.cluster.local cluster.local\n";
        let after = |services: &str| {
            let files = [
                ("svc.txt", services),
                ("pods/shop_web-1/resolv.conf", resolver),
            ];
            let facts = facts_of(&files, "address-drift/dns-service-address-changed");
            facts
                .first()
                .and_then(|f| f.key("after").map(str::to_owned))
        };
        assert_eq!(after(SERVICES).as_deref(), Some("85d"));
        assert_eq!(after(&SERVICES.replace("5d", "90d")), None);
    }

    #[test]
    fn what_kubelet_prints_of_its_flags() {
        let log =
            "I0830 16:40:00.123456    1201 flags.go:33] FLAG: --cluster-dns=\"[172.19.0.10]\"\n";
        case(
            "n1/kubelet.log",
            log,
            &["service/kube-system/kube-dns configured=172.19.0.10 actual=172.19.9.54"],
        );
        case("n1/kubelet.log", &log.replace("0.10", "9.54"), &[]);
    }

    #[track_caller]
    fn several(files: &[(&str, &str)], expected: &[&str]) {
        let mut all = vec![("kubectl/get-svc-A.txt", SERVICES)];
        all.extend(files);
        let facts = facts_of(&all, "address-drift/dns-service-address-changed");
        assert_eq!(
            shown(&facts, &["configured", "actual"]),
            expected,
            "{files:?}"
        );
    }

    #[test]
    fn a_node_local_cache_that_is_gone() {
        let pod = "nameserver 169.254.20.10\nsearch shop.svc.cluster.local svc.cluster.local cluster.local\n";
        let log = "2024-02-26T07:00:05Z ERROR dial tcp: lookup db on 169.254.20.10:53: read udp 10.244.1.9:4711->169.254.20.10:53: i/o timeout\n";
        let log = log.repeat(3);
        let head = "NAMESPACE     NAME             DESIRED   CURRENT   READY   UP-TO-DATE   AVAILABLE   NODE SELECTOR   AGE\n";
        let proxy = "kube-system   kube-proxy       3         3         3       3            3           <none>          90d\n";
        let cache = "kube-system   node-local-dns   3         3         3       3            3           <none>          90d\n";
        let resolver = ("pods/shop_web-1/resolv.conf", pod);
        let errors = ("logs/shop_web-1.log", log.as_str());
        let gone = [head, proxy].concat();
        let there = [head, proxy, cache].concat();
        let drift = "service/kube-system/kube-dns configured=169.254.20.10 actual=172.19.9.54";
        several(&[resolver, errors, ("kubectl/ds.txt", &gone)], &[drift]);
        several(&[resolver, errors, ("kubectl/ds.txt", &there)], &[]);
        // Which daemon sets there are is not known; nobody misses an answer.
        several(&[resolver, errors], &[]);
        several(&[resolver, ("kubectl/ds.txt", &gone)], &[]);
    }

    #[test]
    fn what_the_kubelet_gives_to_pods_and_nobody_answers() {
        let unit = "[Service]\nExecStart=/usr/local/bin/k3s \\\n    server \\\n    '--cluster-dns=10.43.0.10' \\\n";
        let log = "2024-02-26T07:00:05Z ERROR dial tcp: lookup db on 10.43.0.10:53: read udp 10.52.1.9:4711->10.43.0.10:53: i/o timeout\n";
        let log = log.repeat(3);
        let errors = ("logs/shop_web-1.log", log.as_str());
        let drift = "service/kube-system/kube-dns configured=10.43.0.10 actual=172.19.9.54";
        several(&[("n1/k3s.service", unit), errors], &[drift]);
        several(&[("n1/k3s.service", unit)], &[]);
        several(&[errors], &[]);
    }

    #[test]
    fn flags() {
        assert_eq!(
            flag("kubelet --cluster-dns=10.0.0.1,10.0.0.2 --v=2"),
            ["10.0.0.1", "10.0.0.2"]
        );
        assert_eq!(flag("kubelet --cluster-dns 10.0.0.1"), ["10.0.0.1"]);
        assert_eq!(flag("kubelet"), Vec::<&str>::new());
    }
}
