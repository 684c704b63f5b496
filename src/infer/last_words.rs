//! What a program that ends by itself says last, and that this is why its pod is in a crash loop.

use std::collections::{BTreeMap, BTreeSet};

use regex::bytes::{Regex, RegexBuilder};

use super::Task;
use super::support::place;
use crate::base::text;
use crate::base::time::{Instant, Stamp};
use crate::catalog::Weight;
use crate::extract::LastLine;
use crate::model::{Fact, FactId, Keys, Level, Source, SourceId, SourceKind, workload_of};

/// Longest words in a title.
const WORDS: usize = 160;

impl Task<'_> {
    /// A parameter that is a list of regular expressions: legal ones, the catalogue loads no others.
    fn expressions(&self, name: &str) -> Vec<Regex> {
        let all = self.list(name).into_iter();
        all.filter_map(|e| RegexBuilder::new(e).unicode(false).build().ok())
            .collect()
    }
}

/// What programs say last.
struct Says {
    /// Words after which the program is gone.
    ends: Vec<Regex>,
    /// Words that some programs say and go on.
    likely: Vec<Regex>,
    /// Lines that belong to others before them, or that tell nothing.
    skip: Vec<Regex>,
    /// Records of at least this level count as well.
    level: Option<Level>,
    /// So many last lines, without those of `skip`.
    within: usize,
}

fn matches(all: &[Regex], text: &str) -> bool {
    all.iter().any(|e| e.is_match(text.as_bytes()))
}

/// The line with the words, the words, and whether they leave no doubt.
type Told<'w> = (&'w LastLine, String, bool);

impl Says {
    fn of(task: &Task<'_>) -> Self {
        Self {
            ends: task.expressions("ends"),
            likely: task.expressions("likely"),
            skip: task.expressions("skip"),
            level: match task.word("level") {
                Some("fatal") => Some(Level::Fatal),
                Some("error") => Some(Level::Error),
                _ => None,
            },
            within: task.amount("within").unwrap_or(usize::MAX),
        }
    }

    /// The words of one line, and whether they leave no doubt.
    fn words(&self, line: &LastLine) -> Option<(String, bool)> {
        let text = line.text.as_bytes();
        let first = |all: &[Regex]| {
            let found = all.iter().find_map(|e| e.captures(text))?;
            let words = found.name("words").map_or(text, |m| m.as_bytes());
            Some(String::from_utf8_lossy(words).into_owned())
        };
        let level = self.level.is_some_and(|at| line.level >= at);
        first(&self.ends)
            .map(|w| (w, true))
            .or_else(|| first(&self.likely).map(|w| (w, false)))
            // Which logger it is shows in what stands before the text.
            .or_else(|| level.then(|| (line.text.clone(), matches(&self.ends, &line.quote))))
    }

    /// The last words of a log, if nothing but complaints comes after them.
    fn last<'w>(&self, lines: &'w [LastLine]) -> Option<Told<'w>> {
        let skipped = |l: &&LastLine| matches(&self.skip, &l.text) || matches(&self.skip, &l.quote);
        let mut rest = lines.iter().rev().filter(|l| !skipped(l)).take(self.within);
        while let Some(line) = rest.next() {
            if let Some((words, sure)) = self.words(line) {
                return Some((line, words, sure));
            }
            if line.level != Level::Unknown && line.level > Level::Info {
                continue;
            }
            // An ordinary line: the program went on. Unless it is what a line that ends with a colon announced.
            let before = rest.next().filter(|b| {
                line.level == Level::Unknown
                    && b.line.saturating_add(1) == line.line
                    && b.text.trim_end().ends_with(':')
            })?;
            let (words, sure) = self.words(before)?;
            return Some((before, format!("{words} {}", line.text), sure));
        }
        None
    }
}

/// A pod that is in trouble, with the containers that are, as far as they are named.
#[derive(Default)]
struct Trouble {
    facts: Vec<FactId>,
    containers: Vec<String>,
    /// When it was first seen.
    since: Option<Instant>,
}

/// The end of one log, told.
struct Words<'w> {
    source: &'w Source,
    line: &'w LastLine,
    said: String,
    sure: bool,
    at: Option<Stamp>,
}

pub(super) fn infer(task: &Task<'_>) -> Vec<Fact> {
    let troubled = troubled(task);
    if troubled.is_empty() {
        return Vec::new();
    }
    let says = Says::of(task);
    let claimed = claimed(task, &troubled);
    let known: BTreeSet<&str> = task
        .states("pod")
        .filter_map(|(_, l)| l.entity.name().split_once('/'))
        .map(|(_, short)| short)
        .collect();
    let mut best: BTreeMap<(String, String), Words<'_>> = BTreeMap::new();
    for (id, lines) in &task.world.endings {
        let Some(source) = task.world.source(*id) else {
            continue;
        };
        let is_end = task.world.parts(*id).last().is_none_or(|s| s.id == *id);
        if !is_end || !matches!(source.kind, SourceKind::Log | SourceKind::Text) {
            continue;
        }
        let Some((line, said, sure)) = says.last(lines) else {
            continue;
        };
        let Some(pod) = pod_of(source, &troubled, &known) else {
            continue;
        };
        // A rule that names causes has said of this pod what the line means.
        if claimed.contains(&(*id, line.line, pod.as_str())) {
            continue;
        }
        let at = line.time.and_then(|t| task.world.stamp(*id, t));
        let container = source.scope.container.clone().unwrap_or_default();
        let words = Words {
            source,
            line,
            said,
            sure,
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
        (
            String::from("form"),
            String::from(if told.sure { "sure" } else { "likely" }),
        ),
    ]);
    if !container.is_empty() {
        keys.insert(String::from("container"), container);
    }
    if let Some(address) = address_in(task, told) {
        keys.insert(String::from("address"), address);
    }
    let trouble = troubled.get(pod)?;
    let from = trouble.facts.iter().copied().take(3).collect();
    let quote = place(
        told.source,
        told.line.line,
        told.line.offset,
        &told.line.quote,
        told.at,
    );
    let component = told.source.scope.component.clone();
    let mut fact = task.fact("last-words", keys, component, vec![quote], from)?;
    // The words of one run of many: where the trouble was there before that run ended, since when the program ends like
    // this is not known.
    let before = |since: Instant| told.at.is_some_and(|at| since < at.at);
    fact.span.first = told.at.filter(|_| !trouble.since.is_some_and(before));
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
        let began = fact.span.first.map(|s| s.at);
        trouble.since = trouble.since.into_iter().chain(began).min();
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
fn pod_of(
    source: &Source,
    troubled: &BTreeMap<String, Trouble>,
    known: &BTreeSet<&str>,
) -> Option<String> {
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
    let stems = stems(&source.path);
    // The log of another pod.
    if stems
        .iter()
        .any(|s| known.contains(s) && !troubled.keys().any(|p| p.rsplit('/').next() == Some(*s)))
    {
        return None;
    }
    let is = |pod: &str, trouble: &Trouble, wanted: &str| {
        let namespace = pod.split_once('/').map_or("", |(ns, _)| ns);
        let whole = |stem: &str| {
            stem == wanted
                || trouble.containers.iter().any(|c| {
                    let head = stem.strip_suffix(c.as_str());
                    head.and_then(|h| h.strip_suffix(SEPARATORS)) == Some(wanted)
                })
        };
        !wanted.is_empty()
            && stems.iter().any(|stem| {
                let inside = stem
                    .strip_prefix(namespace)
                    .and_then(|s| s.strip_prefix(SEPARATORS));
                whole(stem) || inside.is_some_and(whole)
            })
    };
    let short = |pod: &str| pod.rsplit('/').next().unwrap_or_default().to_owned();
    let tests: [&dyn Fn(&str, &Trouble) -> bool; 3] = [
        &|pod, trouble| is(pod, trouble, &short(pod)),
        &|pod, trouble| is(pod, trouble, workload_of(&short(pod))),
        &|pod, trouble| trouble.containers.iter().any(|c| is(pod, trouble, c)),
    ];
    for test in tests {
        let mut found = troubled.iter().filter(|(pod, trouble)| test(pod, trouble));
        if let Some((pod, _)) = found.next() {
            return found.next().is_none().then(|| pod.clone());
        }
    }
    None
}

/// What separates the parts of a file's name.
const SEPARATORS: [char; 3] = ['-', '_', '.'];

/// What a file may be named after: its name, less and less of what says how it was made (`logs-api-previous.1.txt`).
fn stems(path: &str) -> Vec<&str> {
    const BEHIND: [&str; 12] = [
        "log", "logs", "txt", "out", "err", "json", "gz", "previous", "prev", "current", "last",
        "stdout",
    ];
    const BEFORE: [&str; 7] = [
        "kubectl",
        "logs",
        "log",
        "pod",
        "container",
        "previous",
        "current",
    ];
    let mut stem = path.rsplit(['/', '!']).next().unwrap_or_default();
    let mut stems = vec![stem];
    while let Some((head, last)) = stem.rsplit_once(SEPARATORS) {
        // A run of the container. The number of a StatefulSet's pod stands behind a hyphen.
        let run = last.bytes().all(|b| b.is_ascii_digit()) && !stem.ends_with(&format!("-{last}"));
        if !run && !BEHIND.contains(&last.to_ascii_lowercase().as_str()) {
            break;
        }
        stem = head;
        stems.push(stem);
    }
    while let Some((first, rest)) = stem.split_once(SEPARATORS) {
        if !BEFORE.contains(&first.to_ascii_lowercase().as_str()) {
            break;
        }
        stem = rest;
        stems.push(stem);
    }
    stems
}

/// The lines of which a rule that names causes has said what they mean for a pod.
fn claimed<'a>(
    task: &'a Task<'_>,
    troubled: &BTreeMap<String, Trouble>,
) -> BTreeSet<(SourceId, u64, &'a str)> {
    let mut claimed = BTreeSet::new();
    for fact in &task.world.facts {
        let Some(pod) = fact.key("pod").filter(|p| troubled.contains_key(*p)) else {
            continue;
        };
        let definition = task.catalog.get(&fact.kind);
        if definition.is_some_and(|d| d.weight >= Weight::Primary) {
            let places = fact.evidence().iter().map(|q| q.place);
            claimed.extend(places.map(|p| (p.source, p.line, pod)));
        }
    }
    claimed
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

    #[test]
    fn since_when_a_loop_ends_with_these_words_is_not_known() {
        let log = "2026-03-02T10:02:05Z start\n2026-03-02T10:02:06Z panic: no config\n";
        let events = |last: &str| {
            format!(
                r#"{{"kind":"List","items":[{{"kind":"Event","involvedObject":{{"kind":"Pod","namespace":"shop","name":"api-5f5c64f949-9pblt"}},"reason":"BackOff","message":"Back-off restarting failed container","firstTimestamp":"{last}","lastTimestamp":"{last}","count":1,"type":"Warning"}}]}}"#
            )
        };
        for (last, known) in [
            ("2026-03-02T10:00:00Z", false),
            ("2026-03-02T10:02:07Z", true),
        ] {
            let bundle = [
                ("events.json", events(last)),
                ("shop_api-5f5c64f949-9pblt.log", log.to_owned()),
            ];
            let files: Vec<(&str, &str)> = bundle.iter().map(|(p, t)| (*p, t.as_str())).collect();
            let facts = facts_of(&files, "crash/last-words");
            assert_eq!(facts[0].span.first.is_some(), known, "{last}");
            assert!(facts[0].span.last.is_some());
        }
    }

    #[test]
    fn what_comes_after_the_words_matters() {
        let path = "api.log";
        let told = "pod/shop/api-5f5c64f949-9pblt words=no config";
        // The program went on, whatever its plain lines say.
        case(path, "panic: no config\nlistening on :8080\n", &[]);
        // What a panic announces stands on the next line.
        case(
            path,
            "thread 'main' panicked at src/main.rs:5:5:\nno config\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n",
            &["pod/shop/api-5f5c64f949-9pblt words=src/main.rs:5:5: no config"],
        );
        case(
            path,
            "panic: no config\nE0302 10:00:05.100000       1 main.go:5] cannot flush\n",
            &[told],
        );
        // Of one connection, not of the server.
        for fatal in [
            "FATAL:  role \"root\" does not exist",
            "FATAL:  password authentication failed for user \"app\"",
            "FATAL:  the database system is starting up",
            "FATAL:  terminating connection due to administrator command",
        ] {
            let log = format!("2026-03-02 10:00:05.301 UTC [77] {fatal}\n");
            case(path, &log, &[]);
        }
        // Where npm keeps its log is not why it ends; an interruption comes from outside.
        case(
            path,
            "npm ERR! Missing script: \"start\"\nnpm ERR! A complete log of this run can be found in:\nnpm ERR!     /root/.npm/_logs/2026-03-02-debug-0.log\n",
            &["pod/shop/api-5f5c64f949-9pblt words=Missing script: \"start\""],
        );
        case(
            path,
            "Traceback (most recent call last):\n  File \"/a.py\", line 1, in <module>\nKeyboardInterrupt\n",
            &[],
        );
    }

    #[test]
    fn words_that_some_say_and_go_on_are_less_sure() {
        for (log, form) in [
            ("panic: no config\n", "sure"),
            ("Error: no config\n", "likely"),
            ("FATAL: no config\n", "likely"),
        ] {
            let facts = facts_of(&[("pods.txt", PODS), ("api.log", log)], "crash/last-words");
            let expected = format!("pod/shop/api-5f5c64f949-9pblt form={form}");
            assert_eq!(shown(&facts, &["form"]), [expected], "{log}");
        }
    }

    #[test]
    fn the_log_of_another_program_is_not_of_the_pod() {
        let pods = "NAMESPACE   NAME                   READY   STATUS             RESTARTS   AGE\nshop        redis-0                0/1     CrashLoopBackOff   6          8m\nshop        redis-1                1/1     Running            0          8m\n";
        let of = |path: &str| {
            let files = [("pods.txt", pods), (path, "panic: no config\n")];
            facts_of(&files, "crash/last-words").len()
        };
        for (path, expected) in [
            ("redis-0.log", 1),
            ("redis-0-previous.log", 1),
            ("shop_redis-0.log", 1),
            ("kubectl-logs-redis-0.txt", 1),
            ("redis-0.1.log", 1),
            ("redis.log", 1),
            ("redis-exporter.log", 0),
            ("my-redis-0.log", 0),
            ("redis-1.log", 0),
        ] {
            assert_eq!(of(path), expected, "{path}");
        }
    }
}
