//! From an anchor hit to a fact: component, level, field conditions, then the expression and its captures.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hasher as _};

use regex::bytes::Captures;

use super::fold::{Fold, KINDS_LIMIT, RAW_LIMIT, RawFact, Seen, Words};
use crate::base::text;
use crate::base::units::duration;
use crate::catalog::{Catalog, Definition, Pattern};
use crate::model::{Component, Keys, Record, Scope, StateLine};

/// Longest value kept of a capture, in bytes.
const VALUE_LIMIT: usize = 512;

/// Who may have printed a line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Author<'a> {
    /// Component of the line.
    pub component: &'a Component,
    /// Scope of the source.
    pub scope: &'a Scope,
}

/// Matches records and state lines against the patterns of the catalogue.
#[derive(Debug)]
pub struct Matcher<'c> {
    catalog: &'c Catalog,
    /// Patterns hit in the record at hand.
    hit: Vec<usize>,
}

impl<'c> Matcher<'c> {
    /// A matcher over `catalog`.
    pub fn new(catalog: &'c Catalog) -> Self {
        Self {
            catalog,
            hit: Vec::new(),
        }
    }

    /// Matches the patterns `hits` (positions, may repeat) against one record and folds what they give; `seen` has no
    /// text yet, it is a line of `chunk`. Returns whether any claimed the record.
    pub(crate) fn record(
        &mut self,
        hits: &[usize],
        record: &Record<'_>,
        author: Author<'_>,
        (seen, chunk): (&Seen, &[u8]),
        fold: &mut Fold,
    ) -> bool {
        let mut claimed = false;
        for index in hits {
            let Some(pattern) = self.catalog.patterns().get(*index) else {
                continue;
            };
            if !is_by(pattern, author.component) || !conditions(pattern, record) {
                continue;
            }
            let matched = self.apply((*index, pattern), &record.text, author, fold, || {
                let (line, below) = line_of(pattern, chunk);
                RawParts::of(seen, below, line, record.repeats)
            });
            // Raw material explains no line by itself: what nothing else knows stays "unexplained".
            claimed |= matched && self.catalog.at(pattern.fact).is_some_and(|d| !d.raw);
        }
        claimed
    }

    /// Matches every pattern whose anchor is in a state line.
    pub(crate) fn state(
        &mut self,
        line: &StateLine,
        scope: &Scope,
        offset: u64,
        fold: &mut Fold,
    ) -> bool {
        let mut claimed = false;
        let (anchors, anchored) = self.catalog.anchors();
        let hit = &mut self.hit;
        hit.clear();
        anchors.find(line.text.as_bytes(), |_, literal| {
            hit.extend(anchored.get(literal).into_iter().flatten());
        });
        self.hit.sort_unstable();
        self.hit.dedup();
        let is_event = line.component == Component::EVENT;
        let mut with_host = Cow::Borrowed(scope);
        if let Some(host) = &line.host {
            with_host.to_mut().node = Some(host.clone());
        } else if !matches!(line.component.as_str(), "process" | "host" | "kernel-stack") {
            // kubectl ran anywhere: the machine of the output says nothing about the object.
            with_host.to_mut().node = None;
        }
        let author = Author {
            component: &line.component,
            scope: &with_host,
        };
        let hits = std::mem::take(&mut self.hit);
        for index in &hits {
            let Some(pattern) = self.catalog.patterns().get(*index) else {
                continue;
            };
            if !is_by(pattern, author.component) || is_excepted(pattern, line.text.as_bytes()) {
                continue;
            }
            claimed |= self.apply(
                (*index, pattern),
                line.text.as_bytes(),
                author,
                fold,
                || RawParts {
                    seen: Seen {
                        offset,
                        line: line.line,
                        time: line.last.or(if is_event { line.first } else { None }),
                        ago: 0,
                        text: line.quote.clone(),
                    },
                    line: None,
                    count: line.count.max(1),
                    state: !is_event,
                    // A process has its state since some unknown moment, not since it was started.
                    began: line.first.filter(|_| line.component != Component::PROCESS),
                },
            );
        }
        self.hit = hits;
        claimed
    }

    fn apply<'a>(
        &self,
        (index, pattern): (usize, &Pattern),
        text: &[u8],
        author: Author<'_>,
        fold: &mut Fold,
        parts: impl Fn() -> RawParts<'a>,
    ) -> bool {
        let Some(definition) = self.catalog.at(pattern.fact) else {
            return false;
        };
        let mut any = false;
        let mut take = |captures: &Captures<'_>| {
            let parts = parts();
            // What a source says again and again is known by its words.
            let told = parts
                .line
                .filter(|_| !pattern.closes && pattern.ago.is_none());
            let words =
                told.map(|_| fold.words(pattern.fact, fingerprint(index, captures, author)));
            any |= match (told, words) {
                (Some(line), Some(words))
                    if fold.again(words, parts.seen.clone(), parts.count, line) =>
                {
                    true
                }
                _ => give(definition, pattern, captures, author, (fold, words), parts),
            };
        };
        if pattern.each {
            for captures in pattern.regex.captures_iter(text) {
                take(&captures);
            }
        } else if let Some(captures) = pattern.regex.captures(text) {
            take(&captures);
        }
        any
    }
}

/// What is known about an occurrence besides its captures.
struct RawParts<'a> {
    seen: Seen,
    line: Option<&'a [u8]>,
    count: u64,
    state: bool,
    began: Option<crate::base::time::RawStamp>,
}

impl<'a> RawParts<'a> {
    fn of(seen: &Seen, below: u64, line: &'a [u8], repeats: u64) -> Self {
        Self {
            seen: Seen {
                line: seen.line.saturating_add(below),
                ..seen.clone()
            },
            line: Some(line),
            count: repeats.max(1),
            state: false,
            began: None,
        }
    }
}

/// The line of a record that a pattern speaks of, and how many lines below the first it stands: the first that holds one
/// of its anchors.
fn line_of<'a>(pattern: &Pattern, chunk: &'a [u8]) -> (&'a [u8], u64) {
    let Some(first) = memchr::memchr(b'\n', chunk).and_then(|end| chunk.get(..end)) else {
        return (chunk, 0);
    };
    let held = |line: &[u8]| {
        pattern
            .anchors
            .iter()
            .any(|a| memchr::memmem::find(line, a.as_bytes()).is_some())
    };
    chunk
        .split(|b| *b == b'\n')
        .zip(0u64..)
        .find(|(line, _)| held(line))
        .unwrap_or((first, 0))
}

/// Whether the pattern is one of this component. A line of unknown origin is tried against all log patterns;
/// K3s, RKE2 and `MicroK8s` run every component in one process. What an application may print, an add-on may print. A
/// pattern whose text tells something else when another component prints it wants the component to be known.
pub(super) fn is_by(pattern: &Pattern, component: &Component) -> bool {
    pattern
        .components
        .iter()
        .any(|c| c == component || (component.is_add_on() && c.as_str() == "app"))
        || (!pattern.named
            && (component.is_unknown() || component.is_many())
            && pattern.components.iter().any(|c| {
                !matches!(
                    c.as_str(),
                    "object"
                        | "event"
                        | "process"
                        | "certificate"
                        | "audit"
                        | "host"
                        | "kernel-stack"
                )
            }))
}

/// Whether the line holds a literal that the pattern passes over.
pub(super) fn is_excepted(pattern: &Pattern, chunk: &[u8]) -> bool {
    pattern.except.iter().any(|f| f.find(chunk).is_some())
}

/// Whether the fields that the pattern wants can be in the record: a plain value stands in the line as it is, however
/// the format quotes. One search instead of a parsed record.
pub(super) fn may_have_fields(pattern: &Pattern, chunk: &[u8]) -> bool {
    pattern.values.iter().all(|v| v.find(chunk).is_some())
}

fn conditions(pattern: &Pattern, record: &Record<'_>) -> bool {
    (pattern.levels.is_empty()
        || record.level == crate::model::Level::Unknown
        || pattern.levels.contains(&record.level))
        && pattern.caller.as_ref().is_none_or(|wanted| {
            record.caller.as_ref().is_some_and(|c| {
                let file = c.rsplit_once(':').map_or(&**c, |(f, _)| f);
                file == wanted || file.rsplit('/').next() == Some(wanted)
            })
        })
        && pattern
            .fields
            .iter()
            .all(|(k, v)| record.field(k) == Some(v))
}

/// A hash of what the keys of an occurrence are made of, within one source: the pattern, its captures, who wrote the line
/// on which machine. A collision would count one thing as another, so it is not the quick hash of the tables.
fn fingerprint(pattern: usize, captures: &Captures<'_>, author: Author<'_>) -> u64 {
    let mut hash = DefaultHasher::new();
    hash.write_usize(pattern);
    let writer = [
        Some(author.component.as_str()),
        author.scope.node.as_deref(),
    ];
    let captured = captures.iter().skip(1).map(|m| m.map(|m| m.as_bytes()));
    for part in writer
        .map(|w| w.map(str::as_bytes))
        .into_iter()
        .chain(captured)
    {
        // The length keeps neighbours apart; an absent one has none that a present one may have.
        let length = part.map_or(u64::MAX, |p| p.len() as u64);
        hash.write_u64(length);
        hash.write(part.unwrap_or_default());
    }
    hash.finish()
}

/// Builds the raw fact from captures and scope. `false` when the entity has a place nobody fills.
fn give(
    definition: &Definition,
    pattern: &Pattern,
    captures: &Captures<'_>,
    author: Author<'_>,
    (fold, words): (&mut Fold, Option<Words>),
    parts: RawParts<'_>,
) -> bool {
    let mut keys = Keys::new();
    for name in pattern.regex.capture_names().flatten() {
        if let Some(m) = captures.name(name)
            && !m.as_bytes().is_empty()
        {
            let value = m.as_bytes().get(..VALUE_LIMIT).unwrap_or(m.as_bytes());
            keys.insert(name.to_owned(), unquoted(text::printable(value)));
        }
    }
    if let Some(uid) = keys.get_mut("uid") {
        // systemd names a pod's slice with underscores: a dash would be a step of its hierarchy.
        *uid = uid.replace('_', "-");
    }
    if let Some(service) = keys.get("destination").and_then(|d| service_of(d)) {
        keys.entry(String::from("service")).or_insert(service);
    }
    scope_keys(&mut keys, author);
    if author.component.is_many()
        && pattern.components.iter().any(Component::is_node_local)
        && let Some(node) = &author.scope.node
    {
        // The part of the process that speaks is one of this machine.
        keys.entry(String::from("node"))
            .or_insert_with(|| text::printable(node.as_bytes()));
    }
    let Some(entity) = definition.entity_of(&keys) else {
        return false;
    };
    name_entity(&mut keys, &entity);
    let distinguishing = definition
        .keys
        .iter()
        .map(|k| keys.get(k).cloned().unwrap_or_default())
        .collect();
    let mut seen = parts.seen;
    if let Some(ago) = &pattern.ago {
        seen.ago = keys.get(ago).and_then(|v| duration(v)).unwrap_or(0).max(0);
    }
    fold.add(
        RawFact {
            fact: pattern.fact,
            entity,
            keys,
            component: author.component.clone(),
            count: parts.count,
            first: vec![seen],
            last: None,
            closes: pattern.closes,
            state: parts.state,
            began: parts.began,
        },
        distinguishing,
        parts.line,
        if definition.raw {
            RAW_LIMIT
        } else {
            KINDS_LIMIT
        },
        words,
    );
    true
}

/// A capture from within quotes within quotes reads as it did before it was quoted: `\\\"a\\\"` is `"a"`.
fn unquoted(value: String) -> String {
    if !value.contains("\\\"") {
        return value;
    }
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        if c == '"' {
            out.truncate(out.trim_end_matches('\\').len());
        }
        out.push(c);
    }
    out
}

/// The deployment that a pod's name shows: `shop/web-77f7987bb8-7tgld` is of `shop/web`. Hashes have no vowels.
fn deployment_of(pod: &str) -> Option<String> {
    let hash = |part: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&part.len())
            && part
                .bytes()
                .all(|b| b"bcdfghjklmnpqrstvwxz2456789".contains(&b))
    };
    let (rest, suffix) = pod.rsplit_once('-')?;
    let (owner, template) = rest.rsplit_once('-')?;
    (hash(suffix, 5..=5) && hash(template, 6..=10)).then(|| owner.to_owned())
}

/// The service that a destination such as `web.shop.svc:443` or `web.shop.svc.cluster.local` names.
fn service_of(destination: &str) -> Option<String> {
    let host = destination.split(':').next()?;
    let mut labels = host.split('.');
    let (name, namespace, svc) = (labels.next()?, labels.next()?, labels.next()?);
    (svc == "svc" && !name.is_empty() && !namespace.is_empty())
        .then(|| format!("{namespace}/{name}"))
}

/// What the source adds to a fact: where it was written, and for node-local components which node it is about.
pub(crate) fn scope_keys(keys: &mut Keys, author: Author<'_>) {
    let mut add = |k: &str, v: &Option<String>| {
        if let Some(v) = v {
            keys.entry(k.to_owned())
                .or_insert_with(|| text::printable(v.as_bytes()));
        }
    };
    add("host", &author.scope.node);
    if author.component.is_node_local() || matches!(author.component.as_str(), "event" | "unknown")
    {
        add("node", &author.scope.node);
    }
    // A log of a pod speaks about many pods; its own name is only a fallback for {pod} of application logs.
    add("container", &author.scope.container);
    if !author.component.is_node_local() {
        add("namespace", &author.scope.namespace);
        add("pod", &author.scope.pod);
    } else if let (Some(namespace), Some(pod)) = (&author.scope.namespace, &author.scope.pod) {
        // An agent of the node that runs in a pod: it speaks about the node, but is that pod.
        add("agent", &Some(format!("{namespace}/{pod}")));
    }
    keys.entry(String::from("component"))
        .or_insert_with(|| author.component.as_str().to_owned());
}

/// The kind of the entity is a key of its own that holds its full name; so is its namespace.
pub(crate) fn name_entity(keys: &mut Keys, entity: &str) {
    if let (Some(namespace), Some(pod)) = (keys.get("namespace"), keys.get("pod"))
        && !pod.contains('/')
    {
        let full = format!("{namespace}/{pod}");
        keys.insert(String::from("pod"), full);
    }
    if let Some((kind, name)) = entity.split_once('/') {
        if kind == "component" {
            // Of `etcd@n1` what it is a part of the control plane as: its pods and processes have that name.
            let part = name.split('@').next().unwrap_or(name);
            keys.entry(String::from("part"))
                .or_insert_with(|| part.to_owned());
        }
        if kind == "pod"
            && let Some(deployment) = deployment_of(name)
        {
            keys.entry(String::from("deployment")).or_insert(deployment);
        }
        if Definition::is_unnamed(entity) {
            return;
        }
        keys.insert(kind.to_owned(), name.to_owned());
        if kind == "namespace" {
            return;
        }
        if let Some((namespace, _)) = name.split_once('/')
            && !kind.eq("image")
            && !kind.eq("registry")
        {
            keys.insert(String::from("namespace"), namespace.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn case(destination: &str, expected: Option<&str>) {
        assert_eq!(service_of(destination).as_deref(), expected);
    }

    #[test]
    fn deployments_of_pods() {
        let case =
            |pod: &str, expected: Option<&str>| assert_eq!(deployment_of(pod).as_deref(), expected);
        case(
            "kube-system/metrics-server-77f7987bb8-7tgld",
            Some("kube-system/metrics-server"),
        );
        case("shop/web-0", None);
        case("shop/nightly-28493820-x7k2p", None);
        case("kube-system/kube-proxy-7xk2p", None);
        case("shop/a-b-c", None);
    }

    #[test]
    fn quotes_within_quotes() {
        let case = |text: &str, expected: &str| assert_eq!(unquoted(text.to_owned()), expected);
        case(
            r#"exec: \\\"/app/run.sh\\\": no such file"#,
            r#"exec: "/app/run.sh": no such file"#,
        );
        case(
            r#"configmap \"web\" not found"#,
            r#"configmap "web" not found"#,
        );
        case(r"C:\app\web.exe", r"C:\app\web.exe");
    }

    #[test]
    fn services_of_destinations() {
        case("kyverno-svc.kyverno.svc:443", Some("kyverno/kyverno-svc"));
        case("web.shop.svc.cluster.local", Some("shop/web"));
        case("web.shop", None);
        case("api.example.org:6443", None);
        case("10.96.0.1:443", None);
        case(".shop.svc:443", None);
    }
}
