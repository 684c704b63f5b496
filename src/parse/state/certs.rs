//! X.509 certificates: PEM blocks, base64 in objects and kubeconfigs, what openssl prints.
//!
//! `notAfter=Nov 20 17:08:28 2026 GMT`. Whether one has expired is not decided here. Private keys are passed
//! over without being read.

use chrono::DateTime;
use memchr::memmem;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;
use x509_parser::x509::X509Name;

use super::sink::{Chunk, Line, Sink, Text, name};
use super::stamp;
use super::tables::Columns;
use crate::base::time::{Instant, SECOND};
use crate::model::{Component, Entity};

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
const END: &[u8] = b"-----END CERTIFICATE-----";
/// Largest certificate that is decoded.
const MAX_PEM: usize = 1 << 17;
/// Most certificates read from one place.
const MAX_CERTS: usize = 4096;
/// Most alternative names said of one certificate.
const MAX_SANS: usize = 32;

/// What a certificate says.
#[derive(Clone, Debug, Default)]
struct Certificate {
    subject: String,
    issuer: String,
    not_before: String,
    not_after: String,
    sans: Vec<String>,
    ca: Option<bool>,
    /// Identifier of its key, and of the key that signed it; hexadecimal.
    key: String,
    signer_key: String,
}

/// Reads certificates in any form.
pub(super) fn read(sink: &mut Sink<'_>, chunk: Chunk<'_>) {
    let before = sink.said();
    blocks(sink, chunk.bytes, |at| chunk.at.saturating_add(at), None);
    if sink.said() == before {
        printed(sink, chunk);
    }
}

/// Says the certificates of a base64 field (`caBundle`, `tls.crt`), and whose they are.
pub(super) fn bundle(sink: &mut Sink<'_>, base64: &str, at: usize, owner: &Entity) {
    if base64.is_empty() {
        return;
    }
    if base64.contains("-----BEGIN CERTIFICATE-----") {
        blocks(sink, base64.as_bytes(), |_| at, Some(owner));
    } else if let Some(bytes) = decode(base64.as_bytes()) {
        blocks(sink, &bytes, |_| at, Some(owner));
    }
}

/// Says every PEM block of a text.
fn blocks(
    sink: &mut Sink<'_>,
    text: &[u8],
    place: impl Fn(usize) -> usize,
    owner: Option<&Entity>,
) {
    let mut broken = 0u64;
    let mut from = 0usize;
    for start in memmem::find_iter(text, BEGIN).take(MAX_CERTS) {
        if start < from {
            continue;
        }
        let body = start.saturating_add(BEGIN.len());
        let window = text.get(body..).unwrap_or_default();
        let window = window.get(..MAX_PEM).unwrap_or(window);
        let Some(len) = memmem::find(window, END) else {
            broken = broken.saturating_add(1);
            from = body;
            continue;
        };
        from = body.saturating_add(len);
        let der = window.get(..len).and_then(decode);
        match der.as_deref().and_then(parse) {
            Some(cert) => say(sink, place(start), &cert, owner),
            None => broken = broken.saturating_add(1),
        }
    }
    if broken > 0 {
        sink.note(format!("{broken} certificates could not be decoded"));
    }
}

fn parse(der: &[u8]) -> Option<Certificate> {
    let (_, cert) = X509Certificate::from_der(der).ok()?;
    let mut sans = Vec::new();
    if let Ok(Some(extension)) = cert.subject_alternative_name() {
        for general in extension.value.general_names.iter().take(MAX_SANS) {
            match general {
                GeneralName::DNSName(dns) => sans.push((*dns).to_owned()),
                GeneralName::URI(uri) => sans.push((*uri).to_owned()),
                GeneralName::IPAddress(bytes) => sans.extend(address(bytes)),
                _ => {}
            }
        }
    }
    let (mut key, mut signer_key) = (String::new(), String::new());
    for extension in cert.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(id) => key = hexadecimal(id.0),
            ParsedExtension::AuthorityKeyIdentifier(id) => {
                signer_key = id
                    .key_identifier
                    .as_ref()
                    .map_or_else(String::new, |id| hexadecimal(id.0));
            }
            _ => {}
        }
    }
    Some(Certificate {
        subject: distinguished(cert.subject()),
        issuer: distinguished(cert.issuer()),
        not_before: moment(cert.validity().not_before),
        not_after: moment(cert.validity().not_after),
        sans,
        ca: Some(cert.is_ca()),
        key,
        signer_key,
    })
}

/// Longest key identifier said: those that are hashes have 20 or 32 bytes.
const MAX_KEY: usize = 32;

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .take(MAX_KEY)
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

fn moment(time: ASN1Time) -> String {
    DateTime::from_timestamp(time.timestamp(), 0)
        .map(|t| t.format("%Y-%m-%dT%H:%M:%SZ").to_string())
        .unwrap_or_default()
}

fn distinguished(name: &X509Name<'_>) -> String {
    tidy(&name.to_string())
}

/// `CN = x` and `CN=x` become one form.
fn tidy(dn: &str) -> String {
    let dn = dn.trim().replace(" = ", "=");
    // `/O=a/CN=b`, as old openssl prints it.
    match dn.strip_prefix('/') {
        Some(rest) if rest.contains('=') => rest.replace('/', ", "),
        _ => dn,
    }
}

fn address(bytes: &[u8]) -> Option<String> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(std::net::Ipv4Addr::from(four).to_string());
    }
    let sixteen = <[u8; 16]>::try_from(bytes).ok()?;
    Some(std::net::Ipv6Addr::from(sixteen).to_string())
}

/// The common name of a subject.
fn common_name(subject: &str) -> Option<&str> {
    subject
        .split(", ")
        .find_map(|part| part.strip_prefix("CN="))
        .filter(|cn| !cn.is_empty())
}

fn text_of(sink: &Sink<'_>, cert: &Certificate) -> (Entity, Text) {
    let id = common_name(&cert.subject).map_or_else(|| sink.base.clone(), name);
    (Entity::new("certificate", &id), words(cert))
}

fn words(cert: &Certificate) -> Text {
    Text::bare()
        .field("subject", &cert.subject)
        .field("issuer", &cert.issuer)
        .field("notBefore", &cert.not_before)
        .field("notAfter", &cert.not_after)
        .field("sans", &cert.sans.join(","))
        .maybe("ca", cert.ca)
        .field("key", &cert.key)
        .field("signerKey", &cert.signer_key)
}

/// Says a decoded certificate. Its line in the file is base64, and may hold a key beside it: it is not quoted.
fn say(sink: &mut Sink<'_>, at: usize, cert: &Certificate, owner: Option<&Entity>) {
    let (of, text) = text_of(sink, cert);
    sink.say_unquoted(Component::CERTIFICATE, &of, at, text);
    if let Some(owner) = owner {
        sink.relate(owner, &of, at);
    }
}

/// Decodes base64, blanks and line ends allowed.
pub(super) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    if text.len() > MAX_PEM.saturating_mul(16) {
        return None;
    }
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut held) = (0u32, 0u32);
    for byte in text {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => break,
            b if b.is_ascii_whitespace() => continue,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from((bits >> held) & 0xff).ok()?);
        }
    }
    Some(out)
}

/// What openssl prints: `-text`, or `-subject -issuer -dates`.
pub(super) fn printed(sink: &mut Sink<'_>, chunk: Chunk<'_>) {
    let mut cert = Certificate::default();
    let mut at = None;
    let mut next = Next::Line;
    let mut list: Option<Columns> = None;
    for line in chunk.lines() {
        let text = line.text.trim();
        if text.starts_with("CERTIFICATE ") && text.contains("EXPIRES") {
            list = Some(Columns::of(text));
            continue;
        }
        if text.is_empty() {
            list = None;
        }
        if list.as_ref().is_some_and(|l| listed(sink, l, &line)) {
            continue;
        }
        // `-text` names the issuer before the validity and the subject behind it; only this line begins anew.
        if text == "Certificate:" || (text.starts_with("subject=") && !cert.subject.is_empty()) {
            flush(sink, &mut cert, &mut at);
        }
        match std::mem::take(&mut next) {
            Next::Names => cert.sans = alternative_names(text),
            Next::Key => cert.key = identifier(text),
            Next::SignerKey => cert.signer_key = identifier(text),
            Next::Line => {}
        }
        next = match text.strip_prefix("X509v3 ") {
            Some(rest) if rest.starts_with("Subject Alternative Name") => Next::Names,
            Some(rest) if rest.starts_with("Subject Key Identifier") => Next::Key,
            Some(rest) if rest.starts_with("Authority Key Identifier") => Next::SignerKey,
            _ => Next::Line,
        };
        take(&mut cert, &mut at, &line, text);
    }
    flush(sink, &mut cert, &mut at);
}

/// What the line after a heading of `-text` holds.
#[derive(Default)]
enum Next {
    /// Something that says itself what it is.
    #[default]
    Line,
    Names,
    Key,
    SignerKey,
}

/// `keyid:7A:9C:…` or `7A:9C:…`.
fn identifier(text: &str) -> String {
    let hex = text.strip_prefix("keyid:").unwrap_or(text);
    let hex: String = hex.split(':').take(MAX_KEY).collect();
    if hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        hex.to_ascii_lowercase()
    } else {
        String::new()
    }
}

fn take(cert: &mut Certificate, at: &mut Option<usize>, line: &Line<'_>, text: &str) {
    let after = |mark: &str| text.strip_prefix(mark).map(str::trim);
    if let Some(dn) = after("subject=").or_else(|| after("Subject:")) {
        cert.subject = tidy(dn);
    } else if let Some(dn) = after("issuer=").or_else(|| after("Issuer:")) {
        cert.issuer = tidy(dn);
    } else if let Some(time) = after("notBefore=").or_else(|| after("Not Before:")) {
        cert.not_before = openssl_time(time);
    } else if let Some(time) = after("notAfter=").or_else(|| after("Not After :")) {
        cert.not_after = openssl_time(time);
        // The line that matters when it has passed.
        *at = Some(line.at);
    } else if text.starts_with("CA:") {
        cert.ca = Some(text.starts_with("CA:TRUE"));
    }
}

/// Says a row of `kubeadm certs check-expiration`: `apiserver  May 14, 2024 09:00 UTC  <invalid>  ca  no`; `false`: it is
/// none. The names are kubeadm's own, those of files: what the certificates say of themselves is not told.
fn listed(sink: &mut Sink<'_>, columns: &Columns, line: &Line<'_>) -> bool {
    let Some(cells) = columns.cells(line.text.trim_end()) else {
        return false;
    };
    let cell = |name: &str| {
        columns
            .position(name)
            .and_then(|n| cells.get(n).copied())
            .unwrap_or_default()
    };
    let authority = cell("CERTIFICATE").is_empty();
    let file = if authority {
        cell("CERTIFICATE AUTHORITY")
    } else {
        cell("CERTIFICATE")
    };
    let mut parts = cell("EXPIRES").split_whitespace();
    let (month, day, year, clock) = (parts.next(), parts.next(), parts.next(), parts.next());
    let (Some(month), Some(day), Some(year), Some(clock)) = (month, day, year, clock) else {
        return false;
    };
    let day = day.trim_end_matches(',');
    let end = openssl_time(&format!("{month} {day} {clock}:00 {year} GMT"));
    if file.is_empty() || end.is_empty() {
        return false;
    }
    let signer = if authority {
        file
    } else {
        cell("CERTIFICATE AUTHORITY")
    };
    let cert = Certificate {
        subject: file.to_owned(),
        issuer: signer.to_owned(),
        not_after: end,
        ca: Some(authority),
        ..Certificate::default()
    };
    let of = Entity::new("certificate", &name(file));
    sink.say(Component::CERTIFICATE, &of, line.at, words(&cert));
    true
}

fn openssl_time(text: &str) -> String {
    stamp::openssl(text).map_or_else(String::new, |at| {
        Instant(at.reading() / SECOND * SECOND).rfc3339()
    })
}

fn alternative_names(text: &str) -> Vec<String> {
    text.split(',')
        .map(str::trim)
        .filter_map(|part| {
            part.strip_prefix("DNS:")
                .or_else(|| part.strip_prefix("IP Address:"))
                .or_else(|| part.strip_prefix("URI:"))
        })
        .take(MAX_SANS)
        .map(str::to_owned)
        .collect()
}

fn flush(sink: &mut Sink<'_>, cert: &mut Certificate, at: &mut Option<usize>) {
    let cert = std::mem::take(cert);
    if let Some(at) = at.take() {
        let (of, text) = text_of(sink, &cert);
        sink.say(Component::CERTIFICATE, &of, at, text);
    }
}

#[cfg(test)]
mod tests {
    use crate::model::SourceKind;
    use crate::parse::state::read;

    #[track_caller]
    fn case(text: &str, expected: &[&str]) {
        let reading = read(
            SourceKind::Certificates,
            "certs/webhook.txt",
            text.as_bytes(),
        );
        let found: Vec<&str> = reading.lines.iter().map(|l| l.text.as_str()).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn short_outputs() {
        case(
            "subject=CN = policy-webhook.policy.svc\nissuer=CN = policy-webhook-ca\nnotBefore=Aug 22 17:06:18 2026 GMT\nnotAfter=Nov 20 17:08:28 2026 GMT\n",
            &[
                "subject=CN=policy-webhook.policy.svc issuer=CN=policy-webhook-ca notBefore=2026-08-22T17:06:18Z notAfter=2026-11-20T17:08:28Z",
            ],
        );
        case(
            "notAfter=Nov  2 07:08:28 2026 GMT\n",
            &["notAfter=2026-11-02T07:08:28Z"],
        );
    }

    #[test]
    fn the_long_form() {
        let text = "\
Certificate:
    Data:
        Issuer: CN = kubernetes
        Validity
            Not Before: Feb  9 03:04:05 2024 GMT
            Not After : Feb  8 03:04:05 2025 GMT
        Subject: O = system:nodes, CN = system:node:n1
        X509v3 extensions:
            X509v3 Basic Constraints: critical
                CA:FALSE
            X509v3 Subject Key Identifier:
                7A:9C:01
            X509v3 Authority Key Identifier:
                keyid:0B:FF:02
            X509v3 Subject Alternative Name:
                DNS:n1, IP Address:10.20.0.11
Certificate:
    Data:
        Issuer: CN = kubernetes
            Not After : Feb  8 03:04:05 2034 GMT
        Subject: CN = kubernetes
";
        case(
            text,
            &[
                "subject=O=system:nodes, CN=system:node:n1 issuer=CN=kubernetes notBefore=2024-02-09T03:04:05Z notAfter=2025-02-08T03:04:05Z sans=n1,10.20.0.11 ca=false key=7a9c01 signerKey=0bff02",
                "subject=CN=kubernetes issuer=CN=kubernetes notAfter=2034-02-08T03:04:05Z",
            ],
        );
    }

    #[test]
    fn what_kubeadm_lists() {
        let text = "\
[check-expiration] Reading configuration from the cluster...

CERTIFICATE                EXPIRES                  RESIDUAL TIME   CERTIFICATE AUTHORITY   EXTERNALLY MANAGED
admin.conf                 May 14, 2024 09:00 UTC   <invalid>       ca                      no      
etcd-server                Jun 02, 2024 09:00 UTC   18d             etcd-ca                 no      

CERTIFICATE AUTHORITY   EXPIRES                  RESIDUAL TIME   EXTERNALLY MANAGED
ca                      May 11, 2033 09:00 UTC   8y              no      
";
        case(
            text,
            &[
                "subject=admin.conf issuer=ca notAfter=2024-05-14T09:00:00Z ca=false",
                "subject=etcd-server issuer=etcd-ca notAfter=2024-06-02T09:00:00Z ca=false",
                "subject=ca issuer=ca notAfter=2033-05-11T09:00:00Z ca=true",
            ],
        );
        // Before 1.20 without the columns of authorities.
        case(
            "CERTIFICATE                EXPIRES                  RESIDUAL TIME   EXTERNALLY MANAGED\napiserver                  May 14, 2024 09:00 UTC   <invalid>       no      \n",
            &["subject=apiserver notAfter=2024-05-14T09:00:00Z ca=false"],
        );
        // What follows at once is no row of it.
        case(
            "CERTIFICATE                EXPIRES                  RESIDUAL TIME   EXTERNALLY MANAGED\napiserver                  May 14, 2024 09:00 UTC   <invalid>       no      \n!MISSING! etcd-server\nsubject=CN = kube-apiserver\nnotAfter=May 14 09:00:00 2024 GMT\n",
            &[
                "subject=apiserver notAfter=2024-05-14T09:00:00Z ca=false",
                "subject=CN=kube-apiserver notAfter=2024-05-14T09:00:00Z",
            ],
        );
    }

    #[test]
    fn base64_with_blanks() {
        assert_eq!(super::decode(b"aGVs\nbG8=").as_deref(), Some(&b"hello"[..]));
        assert_eq!(super::decode(b"a\x00b"), None);
    }
}
