//! What a program that ends by itself says last, and that this is why its pod is in a crash loop.

use std::collections::BTreeMap;

use regex::bytes::{Regex, RegexBuilder};

use super::Task;
use super::support::place;
use crate::base::text;
use crate::base::time::Stamp;
use crate::catalog::Weight;
use crate::extract::LastLine;
use crate::model::{Fact, FactId, Keys, Level, Source, SourceKind};

/// Longest words in a title.
const WORDS: usize = 160;

impl Task<'_> {
    /// A parameter that is a list of regular expressions.
    fn expressions(&self, name: &str) -> Vec<Regex> {
        let all = self.list(name).into_iter();
        all.filter_map(|e| RegexBuilder::new(e).unicode(false).build().ok())
            .collect()
    }
}

/// A pod that is in trouble, with the containers that are, as far as they are named.
#[derive(Default)]
struct Trouble {
    facts: Vec<FactId>,
    containers: Vec<String>,
}

/// The end of one log, told.
struct Words<'w> {
    source: &'w Source,
    line: &'w LastLine,
    said: String,
    at: Option<Stamp>,
}

pub(super) fn infer(task: &Task<'_>) -> Vec<Fact> {
    let troubled = troubled(task);
    if troubled.is_empty() {
        return Vec::new();
    }
    let (ends, skip) = (task.expressions("ends"), task.expressions("skip"));
    let level = match task.word("level") {
        Some("fatal") => Some(Level::Fatal),
        Some("error") => Some(Level::Error),
        _ => None,
    };
    let within = task
        .number("within")
        .and_then(|n| usize::try_from(n).ok())
        .unwrap_or(usize::MAX);
    let mut best: BTreeMap<(String, String), Words<'_>> = BTreeMap::new();
    for (id, lines) in &task.world.endings {
        let Some(source) = task.world.source(*id) else {
            continue;
        };
        let is_end = task.world.parts(*id).last().is_none_or(|s| s.id == *id);
        if !is_end || !matches!(source.kind, SourceKind::Log | SourceKind::Text) {
            continue;
        }
        let Some(pod) = pod_of(source, &troubled) else {
            continue;
        };
        let last = lines
            .iter()
            .rev()
            .filter(|l| !skip.iter().any(|s| s.is_match(l.text.as_bytes())))
            .take(within);
        let told = last.take_while(|l| l.level != Level::Info).find_map(|l| {
            let words = ends.iter().find_map(|e| {
                let found = e.captures(l.text.as_bytes())?;
                let words = found
                    .name("words")
                    .map_or(l.text.as_bytes(), |m| m.as_bytes());
                Some(String::from_utf8_lossy(words).into_owned())
            });
            words
                .or_else(|| (level.is_some_and(|at| l.level >= at)).then(|| l.text.clone()))
                .map(|w| (l, w))
        });
        let Some((line, words)) = told else { continue };
        if claimed(task, source, line, &pod) {
            continue;
        }
        let at = line.time.and_then(|t| task.world.stamp(*id, t));
        let container = source.scope.container.clone().unwrap_or_default();
        let words = Words {
            source,
            line,
            said: words,
            at,
        };
        let later = |old: &Words<'_>| words.at.map(|s| s.at) > old.at.map(|s| s.at);
        let key = (pod, container);
        if best.get(&key).is_none_or(later) {
            best.insert(key, words);
        }
    }
    best.into_iter()
        .filter_map(|((pod, container), words)| fact(task, &troubled, &pod, container, &words))
        .collect()
}

fn fact(
    task: &Task<'_>,
    troubled: &BTreeMap<String, Trouble>,
    pod: &str,
    container: String,
    told: &Words<'_>,
) -> Option<Fact> {
    let (namespace, name) = pod.split_once('/')?;
    let mut keys = Keys::from([
        (String::from("namespace"), namespace.to_owned()),
        (String::from("name"), name.to_owned()),
        (
            String::from("words"),
            text::cut(told.said.trim(), WORDS).into_owned(),
        ),
    ]);
    if !container.is_empty() {
        keys.insert(String::from("container"), container);
    }
    if let Some(address) = address_in(task, told) {
        keys.insert(String::from("address"), address);
    }
    let from = troubled.get(pod)?.facts.iter().copied().take(3).collect();
    let quote = place(
        told.source,
        told.line.line,
        told.line.offset,
        &told.line.quote,
        told.at,
    );
    let component = told.source.scope.component.clone();
    let mut fact = task.fact("last-words", keys, component, vec![quote], from)?;
    fact.span.first = told.at;
    fact.span.last = told.at;
    Some(fact)
}

/// The pods in the trouble that the rule names, unless something from outside ended their containers.
fn troubled(task: &Task<'_>) -> BTreeMap<String, Trouble> {
    let (of, unless) = (task.list("of"), task.list("unless"));
    let mut pods: BTreeMap<String, Trouble> = BTreeMap::new();
    for (id, fact) in task.facts(&of) {
        let Some(pod) = fact.key("pod").filter(|p| p.contains('/')) else {
            continue;
        };
        let trouble = pods.entry(pod.to_owned()).or_default();
        trouble.facts.push(id);
        trouble
            .containers
            .extend(fact.key("container").map(str::to_owned));
    }
    for (_, fact) in task.facts(&unless) {
        if let Some(pod) = fact.key("pod") {
            pods.remove(pod);
        }
    }
    pods
}

/// The troubled pod that a log is of: its path says so, or its name is that of one such pod, its workload or container.
fn pod_of(source: &Source, troubled: &BTreeMap<String, Trouble>) -> Option<String> {
    let fits = |trouble: &Trouble| {
        let own = source.scope.container.as_deref();
        trouble.containers.is_empty()
            || own.is_none_or(|own| trouble.containers.iter().any(|c| c == own))
    };
    if let Some(name) = source.scope.pod.as_deref() {
        let namespace = source.scope.namespace.as_deref();
        let mut found = troubled.iter().filter(|(pod, trouble)| {
            pod.split_once('/').is_some_and(|(ns, short)| {
                short == name && namespace.is_none_or(|n| n == ns) && fits(trouble)
            })
        });
        let pod = found.next()?.0.clone();
        return found.next().is_none().then_some(pod);
    }
    let file = source.path.rsplit(['/', '!']).next().unwrap_or_default();
    let name = |wanted: &str| !wanted.is_empty() && holds_word(file, wanted);
    let tests: [&dyn Fn(&str, &Trouble) -> bool; 3] = [
        &|short, _| name(short),
        &|short, _| name(workload(short)),
        &|_, trouble| trouble.containers.iter().any(|c| name(c)),
    ];
    for test in tests {
        let mut found = troubled.iter().filter(|(pod, trouble)| {
            pod.split_once('/')
                .is_some_and(|(_, short)| test(short, trouble))
        });
        if let Some((pod, _)) = found.next() {
            return found.next().is_none().then(|| pod.clone());
        }
    }
    None
}

/// Whether a file name holds a name, not as a part of a longer word.
fn holds_word(file: &str, name: &str) -> bool {
    let inner = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    file.match_indices(name).any(|(at, found)| {
        let (before, behind) = file.split_at(at);
        !inner(before.chars().next_back()) && !inner(behind.chars().nth(found.chars().count()))
    })
}

/// `web-5f5c64f949-9pblt` is of `web`.
fn workload(name: &str) -> &str {
    let generated = |part: &str| {
        (4..=10).contains(&part.len())
            && part
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    let Some((head, last)) = name.rsplit_once('-') else {
        return name;
    };
    if last.bytes().all(|b| b.is_ascii_digit()) {
        return head;
    }
    if last.len() != 5 || !generated(last) {
        return name;
    }
    match head.rsplit_once('-') {
        Some((owner, hash)) if generated(hash) && hash.bytes().any(|b| b.is_ascii_digit()) => owner,
        _ => head,
    }
}

/// Whether a rule that names causes has said of this pod what the line means.
fn claimed(task: &Task<'_>, source: &Source, line: &LastLine, pod: &str) -> bool {
    task.world.facts.iter().any(|f| {
        f.key("pod") == Some(pod)
            && f.evidence()
                .iter()
                .any(|q| q.place.source == source.id && q.place.line == line.line)
            && task
                .catalog
                .get(&f.kind)
                .is_some_and(|d| d.weight >= Weight::Primary)
    })
}

/// The address in the words that some fact of the same line could not reach.
fn address_in(task: &Task<'_>, told: &Words<'_>) -> Option<String> {
    let kinds = task.list("unreachable");
    let mut facts = task.facts(&kinds);
    facts.find_map(|(_, f)| {
        let address = f.key("address").or_else(|| f.key("destination"))?;
        let same = f
            .evidence()
            .iter()
            .any(|q| q.place.source == told.source.id);
        (same && told.line.text.contains(address)).then(|| address.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{facts_of, shown};

    #[test]
    fn all_expressions_of_the_rules_are_legal() {
        for kind in ["crash/last-words", "crash/last-error"] {
            let definition = super::super::testing::catalog().get(kind).unwrap();
            let crate::catalog::Origin::Inferred { parameters, .. } = &definition.origin else {
                panic!("{kind} is inferred");
            };
            for list in ["ends", "skip"] {
                for e in parameters
                    .get(list)
                    .and_then(toml::Value::as_array)
                    .into_iter()
                    .flatten()
                {
                    let e = e.as_str().unwrap();
                    let built = super::RegexBuilder::new(e).unicode(false).build();
                    assert!(built.is_ok(), "{e}");
                }
            }
        }
    }

    const PODS: &str = "NAMESPACE   NAME                   READY   STATUS             RESTARTS   AGE\nshop        api-5f5c64f949-9pblt   0/1     CrashLoopBackOff   6          8m\nshop        web-0                  1/1     Running            0          8m\n";

    #[track_caller]
    fn case(path: &str, log: &str, expected: &[&str]) {
        let facts = facts_of(&[("pods.txt", PODS), (path, log)], "crash/last-words");
        assert_eq!(shown(&facts, &["words"]), expected, "{path}");
    }

    #[test]
    fn last_words_of_many_runtimes() {
        for (log, words) in [
            (
                "I0302 10:00:05.1       1 main.go:5] start\nF0302 10:00:35.101010       1 main.go:71] no kubeconfig given\n",
                "no kubeconfig given",
            ),
            (
                "x\npanic: no config\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:41 +0x1b5\nexit status 2\n",
                "no config",
            ),
            (
                "INFO start\nException in thread \"main\" java.lang.IllegalStateException: no DB_URL\n\tat com.example.Main.main(Main.java:21)\n",
                "java.lang.IllegalStateException: no DB_URL",
            ),
            (
                "start\nTraceback (most recent call last):\n  File \"/a.py\", line 1, in <module>\nModuleNotFoundError: No module named 'cv2'\n",
                "ModuleNotFoundError: No module named 'cv2'",
            ),
            (
                "node:internal/modules/cjs/loader:1228\n  throw err;\n  ^\n\nError: Cannot find module '/app/main.js'\n    at Module._load (x:1:2) {\n  code: 'MODULE_NOT_FOUND'\n}\n\nNode.js v22.3.0\n",
                "Cannot find module '/app/main.js'",
            ),
            (
                "2026/03/02 10:00:05 [emerg] 1#1: host not found in upstream \"api\" in /etc/nginx/conf.d/default.conf:12\nnginx: [emerg] host not found in upstream \"api\" in /etc/nginx/conf.d/default.conf:12\n",
                "host not found in upstream \"api\" in /etc/nginx/conf.d/default.conf:12",
            ),
            (
                "2026-03-02 10:00:05.301 UTC [1] FATAL:  data directory \"/d\" has invalid permissions\n2026-03-02 10:00:05.301 UTC [1] DETAIL:  Permissions should be u=rwx (0700)\n",
                "data directory \"/d\" has invalid permissions",
            ),
        ] {
            case(
                "shop_api-5f5c64f949-9pblt.log",
                log,
                &[&format!("pod/shop/api-5f5c64f949-9pblt words={words}")],
            );
        }
    }

    #[test]
    fn the_log_must_be_of_the_pod_in_trouble_and_end_there() {
        let log = "x\npanic: no config\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:41 +0x1b5\n";
        let told = "pod/shop/api-5f5c64f949-9pblt words=no config";
        case("api-previous.log", log, &[told]);
        case("web.log", log, &[]);
        case("apis.log", log, &[]);
        case(
            "api.log",
            &format!("{log}I0302 10:00:05.100000       1 main.go:5] serving again\n"),
            &[],
        );
    }
}
