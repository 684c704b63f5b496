//! Why a registry says no: which credentials kubelet has for an image, and whether any of them fits.
//!
//! `pod/shop/web-1 account=default pullSecrets=regcred`, `secret/shop/regcred registries=registry.example.com`, and an
//! image from `registry-vpc.example.com`. Only for images that a registry refused (`image/unauthorized`), and only where
//! every secret that the pod names is in the bundle: one that is not might be the right one. Never looks at a
//! credential; the hosts are all that leaves a Secret.

use std::collections::{BTreeMap, BTreeSet};

use super::Task;
use super::support::{quote, some, value};
use crate::model::{Component, Entity, Fact, FactId, Keys, Quote, SourceId, StateLine};

const REFUSED: &[&str] = &["image/unauthorized"];
/// Registry of image references that name none.
const DEFAULT: &str = "docker.io";

/// One pod that cannot pull one image, with everything it has.
struct Refused<'a> {
    fact: FactId,
    seen: &'a Fact,
    image: &'a str,
    host: &'a str,
    namespace: &'a str,
    pod: String,
    line: (SourceId, &'a StateLine),
    secrets: BTreeSet<&'a str>,
}

pub(super) fn infer(task: &Task<'_>) -> Vec<Fact> {
    let refused = refused(task);
    if refused.is_empty() {
        return Vec::new();
    }
    let mut hosts: BTreeMap<&str, (SourceId, &StateLine, Vec<&str>)> = BTreeMap::new();
    for (id, line) in task.states("secret") {
        if let Some(registries) = value(line, "registries") {
            hosts
                .entry(line.entity.name())
                .or_insert((id, line, registries.split(',').collect()));
        }
    }
    let problem = task.word("problem").unwrap_or("none");
    let mut facts = Vec::new();
    for r in &refused {
        match problem {
            "host-mismatch" => facts.extend(mismatch(task, r, &hosts)),
            "acr-scope" => facts.extend(helper(task, r)),
            "other-namespace" => facts.extend(elsewhere(task, r, &hosts)),
            "identity" if r.secrets.is_empty() && of_cloud(task, r) => facts.extend(none(task, r)),
            "none" if r.secrets.is_empty() && !of_cloud(task, r) => facts.extend(none(task, r)),
            _ => {}
        }
    }
    facts
}

/// Every pod whose image was refused, as far as its object is in the bundle.
fn refused<'a>(task: &'a Task<'_>) -> Vec<Refused<'a>> {
    let mut pods: BTreeMap<&str, (SourceId, &StateLine)> = BTreeMap::new();
    for (id, line) in task.states("pod") {
        if value(line, "account").is_some() && !line.text.contains(" status=") {
            pods.entry(line.entity.name()).or_insert((id, line));
        }
    }
    let mut accounts: BTreeMap<&str, &str> = BTreeMap::new();
    for (_, line) in task.states("serviceaccount") {
        if let Some(secrets) = value(line, "pullSecrets") {
            accounts.entry(line.entity.name()).or_insert(secrets);
        }
    }
    let mut users: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (_, line) in task.states("pod") {
        if let Some(image) = value(line, "image") {
            users.entry(image).or_default().insert(line.entity.name());
        }
    }
    let mut out = Vec::new();
    for (id, fact) in task.facts(REFUSED) {
        let image = fact.key("image").unwrap_or(fact.entity.name());
        let mut names: BTreeSet<String> = users
            .get(image)
            .into_iter()
            .flatten()
            .map(|p| (*p).to_owned())
            .collect();
        names.extend(fact.key("pod").map(str::to_owned));
        let related = task
            .world
            .topology
            .walk(&Entity::new("image", image), &["pod"]);
        names.extend(related.into_iter().map(|p| p.name().to_owned()));
        for name in names {
            let Some((source, line)) = pods.get(name.as_str()) else {
                continue;
            };
            let Some((namespace, _)) = line.entity.name().split_once('/') else {
                continue;
            };
            let account = value(line, "account").unwrap_or("default");
            let own = value(line, "pullSecrets");
            let of_account = accounts
                .get(format!("{namespace}/{account}").as_str())
                .copied();
            let secrets = own
                .into_iter()
                .chain(of_account)
                .flat_map(|s| s.split(','))
                .collect();
            out.push(Refused {
                fact: id,
                seen: fact,
                image,
                host: host(image),
                namespace,
                pod: name,
                line: (*source, *line),
                secrets,
            });
        }
    }
    out
}

fn none(task: &Task<'_>, r: &Refused<'_>) -> Option<Fact> {
    let mut keys = keys(r);
    keys.insert(
        String::from("pod"),
        r.pod.split_once('/').map_or(&*r.pod, |(_, p)| p).to_owned(),
    );
    made(task, r, keys, vec![quote(task.world, r.line.0, r.line.1)])
}

/// Whether kubelets identify themselves to this registry by the cloud's identity of their machine.
fn of_cloud(task: &Task<'_>, r: &Refused<'_>) -> bool {
    task.list("cloud_registries")
        .iter()
        .any(|host| is_host(host, r.host))
}

/// A secret of the name that the pod gives, or one for the host of the image, lies in other namespaces only: a pull
/// secret is looked for in the namespace of the pod.
fn elsewhere(
    task: &Task<'_>,
    r: &Refused<'_>,
    hosts: &BTreeMap<&str, (SourceId, &StateLine, Vec<&str>)>,
) -> Option<Fact> {
    let here = |name: &str| hosts.contains_key(format!("{}/{name}", r.namespace).as_str());
    let fitting = || {
        hosts
            .iter()
            .filter(|(_, (.., registries))| registries.iter().any(|key| fits(key, r.image)))
    };
    // One that fits is there, or one is that the bundle does not show the inside of.
    if r.secrets.iter().any(|s| here(s)) {
        return None;
    }
    let (found, (source, line, _)) = fitting()
        .filter_map(|(path, secret)| Some((path.split_once('/')?, secret)))
        .find(|((namespace, name), _)| {
            *namespace != r.namespace && (r.secrets.is_empty() || r.secrets.contains(name))
        })?;
    let mut keys = keys(r);
    keys.insert(String::from("secret"), found.1.to_owned());
    keys.insert(String::from("secret_namespace"), found.0.to_owned());
    made(
        task,
        r,
        keys,
        vec![
            quote(task.world, *source, line),
            quote(task.world, r.line.0, r.line.1),
        ],
    )
}

/// The secrets of the pod, when all are known and none is for the host of the image.
fn mismatch(
    task: &Task<'_>,
    r: &Refused<'_>,
    hosts: &BTreeMap<&str, (SourceId, &StateLine, Vec<&str>)>,
) -> Vec<Fact> {
    let known: Option<Vec<_>> = r
        .secrets
        .iter()
        .map(|s| Some((*s, hosts.get(format!("{}/{s}", r.namespace).as_str())?)))
        .collect();
    let Some(known) = known.filter(|k| !k.is_empty()) else {
        return Vec::new();
    };
    if known
        .iter()
        .any(|(_, (.., registries))| registries.iter().any(|k| fits(k, r.image)))
    {
        return Vec::new();
    }
    known
        .into_iter()
        .filter_map(|(secret, (source, line, registries))| {
            let mut keys = keys(r);
            keys.insert(String::from("secret"), secret.to_owned());
            keys.insert(
                String::from("secret_host"),
                some(registries.iter().copied(), 4),
            );
            made(
                task,
                r,
                keys,
                vec![
                    quote(task.world, *source, line),
                    quote(task.world, r.line.0, r.line.1),
                ],
            )
        })
        .collect()
}

/// The namespace or the registry is outside of what the credential helper covers.
fn helper(task: &Task<'_>, r: &Refused<'_>) -> Option<Fact> {
    let (source, line) = task.states("configmap").find(|(_, l)| {
        l.entity.name().ends_with("/acr-configuration")
            && (value(l, "namespaces").is_some() || value(l, "registries").is_some())
    })?;
    let words = |name: &str| value(line, name).map(|v| v.split(',').collect::<Vec<_>>());
    let out = |list: Option<Vec<&str>>, wanted: &dyn Fn(&str) -> bool| {
        list.is_some_and(|l| !l.iter().any(|w| matches!(*w, "all" | "*") || wanted(w)))
    };
    let outside = out(words("namespaces"), &|w| w == r.namespace)
        || out(words("registries"), &|w| fits(w, r.image));
    if !outside || !r.host.ends_with(".aliyuncs.com") || !r.secrets.is_empty() {
        return None;
    }
    made(task, r, keys(r), vec![quote(task.world, source, line)])
}

fn keys(r: &Refused<'_>) -> Keys {
    Keys::from([
        (String::from("namespace"), r.namespace.to_owned()),
        (String::from("pod"), r.pod.clone()),
        (String::from("image"), r.image.to_owned()),
        (String::from("registry"), r.host.to_owned()),
    ])
}

fn made(task: &Task<'_>, r: &Refused<'_>, keys: Keys, evidence: Vec<Quote>) -> Option<Fact> {
    let mut fact = task.fact(
        "registry-credentials",
        keys,
        Component::OBJECT,
        evidence,
        vec![r.fact],
    )?;
    // The lack was there before the first pull that it made fail.
    fact.span.first = r.seen.span.first;
    fact.span.last = r.seen.span.last;
    Some(fact)
}

/// The registry of an image reference.
fn host(image: &str) -> &str {
    match image.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
        _ => DEFAULT,
    }
}

/// Whether a host is meant by another, in which `*` stands for any part of one label.
fn is_host(wanted: &str, have: &str) -> bool {
    let label = |wanted: &str, have: &str| match wanted.split_once('*') {
        Some((head, tail)) => have
            .strip_prefix(head)
            .is_some_and(|rest| rest.ends_with(tail)),
        None => wanted == have,
    };
    let (a, b) = (wanted.split('.'), have.split('.'));
    a.clone().count() == b.clone().count() && a.zip(b).all(|(a, b)| label(a, b))
}

/// Whether kubelet takes credentials written for `key` for this image: the hosts fit, and a path in the key is the
/// beginning of the image's.
fn fits(key: &str, image: &str) -> bool {
    let key = key.split_once("://").map_or(key, |(_, rest)| rest);
    let (wanted, path) = key.split_once('/').unwrap_or((key, ""));
    let path = path.trim_end_matches('/');
    let have = host(image);
    let hub = |h: &str| matches!(h, "docker.io" | "index.docker.io" | "registry-1.docker.io");
    let same = is_host(wanted, have) || hub(wanted) && hub(have);
    let repository = image
        .strip_prefix(have)
        .unwrap_or(image)
        .trim_start_matches('/');
    same && (matches!(path, "" | "v1" | "v2") || repository.starts_with(path))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{facts_of, shown};
    use super::*;

    #[track_caller]
    fn case(key: &str, image: &str, expected: bool) {
        assert_eq!(fits(key, image), expected, "{key} {image}");
    }

    #[test]
    fn credentials_fit_by_host_and_path() {
        case(
            "registry.example.com",
            "registry.example.com/shop/web:1",
            true,
        );
        case(
            "https://registry.example.com/v2/",
            "registry.example.com/shop/web:1",
            true,
        );
        case(
            "registry-vpc.example.com",
            "registry.example.com/shop/web:1",
            false,
        );
        case("*.example.com", "registry.example.com/shop/web:1", true);
        case(
            "registry.example.com/team",
            "registry.example.com/shop/web:1",
            false,
        );
        case(
            "registry.example.com:5000",
            "registry.example.com/shop/web:1",
            false,
        );
        case("https://index.docker.io/v1/", "library/busybox", true);
    }

    const EVENTS: &str = "\
NAMESPACE   LAST SEEN   TYPE      REASON   OBJECT      MESSAGE
shop        95s         Warning   Failed   pod/web-1   Failed to pull image \"registry.example.com/shop/web:1\": rpc error: code = Unknown desc = Get https://registry.example.com/v2/shop/web/manifests/1: unauthorized: authentication required
";

    /// `{"auths":{"registry-vpc.example.com":{"auth":"…"}}}`, with something that is no credential in it.
    const SECRET: &str = "\
apiVersion: v1
kind: Secret
metadata:
  name: regcred
  namespace: shop
type: kubernetes.io/dockerconfigjson
data:
  .dockerconfigjson: eyJhdXRocyI6eyJyZWdpc3RyeS12cGMuZXhhbXBsZS5jb20iOnsiYXV0aCI6ImVBPT0ifX19
";

    fn pod(secrets: &str) -> String {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web-1\n  namespace: shop\nspec:\n  serviceAccountName: default\n{secrets}  containers:\n  - name: web\n    image: registry.example.com/shop/web:1\nstatus:\n  phase: Pending\n  containerStatuses:\n  - name: web\n    image: registry.example.com/shop/web:1\n    ready: false\n    state:\n      waiting:\n        reason: ImagePullBackOff\n        message: Back-off pulling image\n"
        )
    }

    #[test]
    fn a_secret_in_another_namespace() {
        let kind = "registry-credentials/other-namespace";
        let fitting = SECRET.replace(
            "eyJhdXRocyI6eyJyZWdpc3RyeS12cGMuZXhhbXBsZS5jb20iOnsiYXV0aCI6ImVBPT0ifX19",
            "eyJhdXRocyI6eyJyZWdpc3RyeS5leGFtcGxlLmNvbSI6e319fQ==",
        );
        let there = fitting.replace("namespace: shop", "namespace: default");
        let run = |pod: &str, secrets: &[&str]| {
            let paths = ["kubectl/secret-1.yaml", "kubectl/secret-2.yaml"];
            let mut files = vec![
                ("kubectl/get-events-A.txt", EVENTS),
                ("kubectl/pod.yaml", pod),
            ];
            files.extend(paths.iter().copied().zip(secrets.iter().copied()));
            shown(&facts_of(&files, kind), &["secret", "secret_namespace"])
        };
        let expected = ["pod/shop/web-1 secret=regcred secret_namespace=default"];
        let with = pod("  imagePullSecrets:\n  - name: regcred\n");
        assert_eq!(run(&with, &[&there]), expected);
        assert_eq!(run(&pod(""), &[&there]), expected);
        // It is here as well, whatever is in it.
        assert_eq!(run(&with, &[&there, &fitting]), Vec::<String>::new());
        assert_eq!(run(&with, &[&there, SECRET]), Vec::<String>::new());
        // The one over there is for another registry, or of another name than the pod gives.
        let other = SECRET.replace("namespace: shop", "namespace: default");
        assert_eq!(run(&with, &[&other]), Vec::<String>::new());
        let named = pod("  imagePullSecrets:\n  - name: harbor\n");
        assert_eq!(run(&named, &[&there]), Vec::<String>::new());
    }

    #[test]
    fn a_registry_of_the_cloud_takes_the_nodes_identity() {
        let host = "111122223333.dkr.ecr.us-east-1.amazonaws.com";
        let (events, pod) = (
            EVENTS.replace("registry.example.com", host),
            pod("").replace("registry.example.com", host),
        );
        let run = |kind: &str| {
            let files = [
                ("kubectl/get-events-A.txt", events.as_str()),
                ("kubectl/pod.yaml", pod.as_str()),
            ];
            facts_of(&files, kind).len()
        };
        assert_eq!(run("registry-credentials/node-identity-refused"), 1);
        assert_eq!(run("registry-credentials/no-pull-secret"), 0);
    }

    #[test]
    fn hosts_of_the_clouds_by_their_labels() {
        let of_cloud = |host: &str| {
            let (events, pod) = (
                EVENTS.replace("registry.example.com", host),
                pod("").replace("registry.example.com", host),
            );
            let files = [
                ("kubectl/get-events-A.txt", events.as_str()),
                ("kubectl/pod.yaml", pod.as_str()),
            ];
            let of = |kind: &str| facts_of(&files, kind).len();
            (
                of("registry-credentials/node-identity-refused"),
                of("registry-credentials/no-pull-secret"),
            )
        };
        for host in [
            "gcr.io",
            "eu.gcr.io",
            "europe-west1-docker.pkg.dev",
            "shop.azurecr.io",
        ] {
            assert_eq!(of_cloud(host), (1, 0), "{host}");
        }
        for host in [
            "mygcr.io",
            "gcr.io.example.com",
            "mirror.dkr.ecr.example.com",
        ] {
            assert_eq!(of_cloud(host), (0, 1), "{host}");
        }
    }

    #[test]
    fn no_secret_or_one_for_another_host() {
        let (bare, with) = (pod(""), pod("  imagePullSecrets:\n  - name: regcred\n"));
        let run = |pod: &str, secret: &str, kind: &str| {
            let mut files = vec![
                ("kubectl/get-events-A.txt", EVENTS),
                ("kubectl/pod.yaml", pod),
            ];
            if !secret.is_empty() {
                files.push(("kubectl/secret.yaml", secret));
            }
            shown(&facts_of(&files, kind), &["registry", "secret_host"])
        };
        let (none, mismatch) = (
            "registry-credentials/no-pull-secret",
            "registry-credentials/host-mismatch",
        );
        assert_eq!(
            run(&bare, SECRET, none),
            ["pod/shop/web-1 registry=registry.example.com secret_host=-"]
        );
        assert_eq!(run(&bare, SECRET, mismatch), Vec::<String>::new());
        assert_eq!(
            run(&with, SECRET, mismatch),
            [
                "secret/shop/regcred registry=registry.example.com secret_host=registry-vpc.example.com"
            ]
        );
        assert_eq!(run(&with, SECRET, none), Vec::<String>::new());
        // A secret that is not in the bundle may be the right one.
        assert_eq!(run(&with, "", mismatch), Vec::<String>::new());
    }
}
