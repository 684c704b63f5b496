//! The reachability matrix: every connection error of every log as (who, where to, how it failed, how often).
//!
//! `dial tcp 10.96.0.1:443: i/o timeout`, `lookup db.shop on 10.96.0.10:53: read udp 10.244.1.7:40112->10.96.0.10:53:
//! i/o timeout`. The lines come in as raw facts of `reachability/connection-error`; [`super::reachability`] groups
//! them by destination, [`super::path`] by what the failing pairs have in common.

use super::Task;
use crate::model::{Fact, FactId};

/// The raw facts that make the matrix.
pub(super) const RAW: &[&str] = &["reachability/connection-error"];

/// How a connection failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// No answer at all.
    Timeout,
    /// The machine answers, nobody listens (or a firewall rejects).
    Refused,
    /// The kernel or a router knows no way.
    NoRoute,
    /// The other side hung up.
    Reset,
    /// The connection stands, TLS does not.
    Tls,
    /// The name has no address.
    Dns,
}

impl Class {
    /// The word that rules use.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Refused => "refused",
            Self::NoRoute => "no-route",
            Self::Reset => "reset",
            Self::Tls => "tls",
            Self::Dns => "dns",
        }
    }

    /// The class of an error text.
    pub(super) fn of(error: &str) -> Option<Self> {
        // Names first: a lookup that fails says how in words of its own. What a certificate is refused for comes before
        // the words for a connection that ended.
        const WORDS: [(&str, Class); 34] = [
            ("no such host", Class::Dns),
            ("server misbehaving", Class::Dns),
            ("resolve host", Class::Dns),
            ("resolve proxy", Class::Dns),
            ("ame or service not known", Class::Dns),
            ("ailure in name resolution", Class::Dns),
            ("bad address", Class::Dns),
            ("UnknownHost", Class::Dns),
            ("ENOTFOUND", Class::Dns),
            ("EAI_AGAIN", Class::Dns),
            ("SERVFAIL", Class::Dns),
            ("NXDOMAIN", Class::Dns),
            ("i/o timeout", Class::Timeout),
            ("imed out", Class::Timeout),
            ("deadline exceeded", Class::Timeout),
            ("Client.Timeout", Class::Timeout),
            ("waiting for connection", Class::Timeout),
            ("ETIMEDOUT", Class::Timeout),
            ("onnection refused", Class::Refused),
            ("ECONNREFUSED", Class::Refused),
            ("o route to host", Class::NoRoute),
            ("EHOSTUNREACH", Class::NoRoute),
            ("etwork is unreachable", Class::NoRoute),
            ("ENETUNREACH", Class::NoRoute),
            ("ost is unreachable", Class::NoRoute),
            ("host is down", Class::NoRoute),
            ("reset by peer", Class::Reset),
            ("broken pipe", Class::Reset),
            ("handshake timeout", Class::Timeout),
            ("x509: ", Class::Tls),
            ("tls: ", Class::Tls),
            ("certificate", Class::Tls),
            ("HTTP response to HTTPS client", Class::Tls),
            ("EOF", Class::Reset),
        ];
        WORDS
            .iter()
            .find(|(w, _)| error.contains(w))
            .map(|(_, c)| *c)
    }
}

/// Whether the machine accepted the connection before it fell silent. A request that waits for headers does not tell:
/// it may wait on a connection of long ago.
fn accepted(error: &str) -> bool {
    error.contains("TLS handshake timeout")
}

/// One cell: one client, one destination, one class.
#[derive(Clone, Debug)]
pub(super) struct Edge<'a> {
    /// The raw fact.
    pub(super) id: FactId,
    /// The raw fact.
    pub(super) fact: &'a Fact,
    /// `10.96.0.1:443`, or the name that has no address.
    pub(super) destination: &'a str,
    /// Address of the destination.
    pub(super) ip: Option<&'a str>,
    /// Port of the destination.
    pub(super) port: Option<&'a str>,
    /// `tcp` or `udp`.
    pub(super) protocol: &'a str,
    /// How it failed.
    pub(super) class: Class,
    /// The connection stood before it failed.
    pub(super) accepted: bool,
    /// Address the client spoke from, where the error prints it.
    pub(super) source: Option<&'a str>,
}

impl Edge<'_> {
    /// Who could not connect: the component and where it runs.
    pub(super) fn client(&self) -> String {
        let component = self.fact.component.as_str();
        match self.fact.key("pod").or(self.fact.key("host")) {
            Some(place) => format!("{component}@{place}"),
            None => component.to_owned(),
        }
    }
}

/// The whole matrix. A lookup that got no answer is an edge to the name server; one that got "no such host" is an
/// edge to the name.
pub(super) fn edges<'a>(task: &'a Task<'_>) -> Vec<Edge<'a>> {
    let mut edges = Vec::new();
    for (id, fact) in task.facts(RAW) {
        let (Some(error), Some(destination)) = (fact.key("error"), fact.key("destination")) else {
            continue;
        };
        let Some(class) = Class::of(error) else {
            continue;
        };
        let server = fact.key("server");
        let destination = match server {
            Some(server) if class != Class::Dns => server,
            _ => destination,
        };
        let (ip, port) = address(destination);
        let port = port.or(fact.key("port"));
        let protocol = fact
            .key("protocol")
            .unwrap_or(if server.is_some() { "udp" } else { "tcp" });
        edges.push(Edge {
            id,
            fact,
            destination,
            ip,
            port,
            protocol,
            class,
            accepted: accepted(error),
            source: fact.key("source"),
        });
    }
    edges
}

/// `10.0.0.1:443`, `[2001:db8::1]:443`: address and port; a name has neither.
fn address(destination: &str) -> (Option<&str>, Option<&str>) {
    if destination.parse::<std::net::IpAddr>().is_ok() {
        return (Some(destination), None);
    }
    let Some((host, port)) = destination.rsplit_once(':') else {
        return (None, None);
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if host.parse::<std::net::IpAddr>().is_ok() {
        (Some(host), Some(port))
    } else {
        (None, Some(port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes() {
        assert_eq!(Class::of("i/o timeout"), Some(Class::Timeout));
        assert_eq!(
            Class::of("connect: connection refused"),
            Some(Class::Refused)
        );
        assert_eq!(Class::of("connect: no route to host"), Some(Class::NoRoute));
        assert_eq!(Class::of("no such host"), Some(Class::Dns));
        assert_eq!(Class::of("Could not resolve host"), Some(Class::Dns));
        assert_eq!(Class::of("Connection timed out"), Some(Class::Timeout));
        assert_eq!(Class::of("context deadline exceeded"), Some(Class::Timeout));
        assert_eq!(
            Class::of("SSL certificate problem: unable to get local issuer certificate"),
            Some(Class::Tls)
        );
        assert_eq!(Class::of("operation was canceled"), None); // the client gave up: nothing is known of the path
    }

    #[test]
    fn a_connection_that_stood() {
        assert!(accepted("net/http: TLS handshake timeout"));
        assert!(!accepted("i/o timeout"));
        assert!(!accepted(
            "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        ));
    }

    #[test]
    fn addresses() {
        assert_eq!(address("10.0.0.1:443"), (Some("10.0.0.1"), Some("443")));
        assert_eq!(
            address("[2001:db8::1]:53"),
            (Some("2001:db8::1"), Some("53"))
        );
        assert_eq!(address("db.shop.svc:5432"), (None, Some("5432")));
        assert_eq!(address("db.shop.svc"), (None, None));
        assert_eq!(address("192.0.2.7"), (Some("192.0.2.7"), None));
    }
}
