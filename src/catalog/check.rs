//! What can be wrong with rules that parse: anchors, captures, entities, languages, cycles.

use regex_syntax::hir::{Hir, HirKind};

use super::RuleText;
use super::definition::{Cause, Definition, Join, Origin, Pattern, Strength};
use super::error::BadRule;
use super::mistakes::Mistakes;
use super::schema::RuleFile;
use crate::model::Severity;

/// Shortest anchor, in bytes: shorter ones are in too many ordinary lines.
const ANCHOR_MIN: usize = 8;

/// Keys that every fact can have from its source.
const SCOPE_KEYS: [&str; 7] = [
    "node",
    "host",
    "component",
    "namespace",
    "pod",
    "container",
    "agent",
];

pub(super) fn file(
    rule: &RuleFile,
    index: usize,
    definitions: &[Definition],
    patterns: &[Pattern],
    causes: &[Cause],
    mistakes: &mut Mistakes<'_>,
) {
    let Some(definition) = definitions.get(index) else {
        return;
    };
    name(definition, mistakes);
    languages(rule, mistakes);
    for (table, pattern) in rule
        .pattern
        .iter()
        .zip(definition.patterns.iter().filter_map(|i| patterns.get(*i)))
    {
        anchor(pattern, table.anchor.span(), mistakes);
        captures(definition, pattern, table.anchor.span(), mistakes);
    }
    examples(rule, definition, mistakes);
    if let Some(n) = rule.at_least.as_ref().filter(|n| *n.get_ref() < 2) {
        mistakes.add(
            n.span(),
            "every fact is seen once",
            "2 or more, or leave it out",
        );
    }
    stories(index, definitions, causes, mistakes);
    join_keys(rule, index, definitions, patterns, causes, mistakes);
    if definition.benign && (!rule.explains.is_empty() || definition.symptom) {
        mistakes.add(
            rule.title.span(),
            "a benign fact explains nothing and is no symptom",
            "benign",
        );
    }
    if definition.raw
        && (!rule.explains.is_empty()
            || definition.symptom
            || definition.severity != Severity::Info)
    {
        mistakes.add(
            rule.title.span(),
            "a raw fact is info, explains nothing and is no symptom",
            "raw",
        );
    }
    if matches!(definition.origin, Origin::Suspect) && rule.explains.is_empty() {
        mistakes.add(
            rule.title.span(),
            "a suspect explains something",
            "add [[explains]]",
        );
    }
    if matches!(definition.origin, Origin::Suspect) && !rule.pattern.is_empty() {
        mistakes.add(
            rule.title.span(),
            "a suspect has no pattern: with a pattern it is an ordinary fact",
            "remove one",
        );
    }
}

fn name(definition: &Definition, mistakes: &mut Mistakes<'_>) {
    let kebab = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let ok = definition
        .id
        .split_once('/')
        .is_some_and(|(f, n)| kebab(f) && kebab(n));
    if !ok {
        mistakes.add(
            0..0,
            "the path is not <family>/<name>.toml in kebab-case",
            "rename the file",
        );
    }
}

fn languages(rule: &RuleFile, mistakes: &mut Mistakes<'_>) {
    let at = rule.title.span();
    let mut both = |what: &str, en: &str, zh: &str| {
        if en.trim().is_empty() || zh.trim().is_empty() {
            mistakes.add(
                at.clone(),
                format!("{what} is missing in one language"),
                "needs en and zh",
            );
        }
    };
    both(
        "the title",
        &rule.title.get_ref().en,
        &rule.title.get_ref().zh,
    );
    if let Some(d) = &rule.detail {
        both("the detail", &d.en, &d.zh);
    }
    if let Some(u) = &rule.unknown {
        both("the title without values", &u.en, &u.zh);
    }
    for a in &rule.ask {
        both("an ask", &a.what.en, &a.what.zh);
    }
    for r in &rule.remedy {
        both("a remedy", &r.action.en, &r.action.zh);
    }
    for w in &rule.warning {
        both("a warning", &w.say.en, &w.say.zh);
    }
}

fn anchor(pattern: &Pattern, at: std::ops::Range<usize>, mistakes: &mut Mistakes<'_>) {
    if pattern.anchors.is_empty() {
        mistakes.add(at.clone(), "a pattern needs an anchor", "here");
    }
    for a in &pattern.anchors {
        if a.len() < ANCHOR_MIN {
            mistakes.add(
                at.clone(),
                format!("anchor `{a}` is shorter than {ANCHOR_MIN} bytes"),
                "take a longer part",
            );
        }
        // A quote may stand in an anchor when its escaped form stands beside it.
        let both = pattern.anchors.contains(&a.replace('"', "\\\""))
            || pattern.anchors.contains(&a.replace("\\\"", "\""));
        let paired = |c: &char| matches!(c, '"' | '\\') && a.contains('"') && both;
        if let Some(c) = a.chars().filter(|c| !paired(c)).find(|c| {
            matches!(c, '"' | '\\' | '<' | '>' | '&') || !c.is_ascii() || c.is_ascii_control()
        }) {
            mistakes.add(
                at.clone(),
                format!("anchor holds {c:?}, which some wrappings escape"),
                "take a part without it",
            );
        }
    }
}

/// Places of the entity and of the keys must be captured, or come from the source.
fn captures(
    definition: &Definition,
    pattern: &Pattern,
    at: std::ops::Range<usize>,
    mistakes: &mut Mistakes<'_>,
) {
    let names: Vec<&str> = pattern.regex.capture_names().flatten().collect();
    // As the pattern itself is compiled.
    let parsed = regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .build()
        .parse(pattern.regex.as_str());
    for wanted in definition.entity.names() {
        if SCOPE_KEYS.contains(&wanted) {
            continue;
        }
        if !names.contains(&wanted) {
            mistakes.add(
                at.clone(),
                format!("the entity needs `{wanted}`, which this pattern does not capture"),
                "here",
            );
        } else if parsed
            .as_ref()
            .is_ok_and(|hir| !captures_always(hir, wanted))
        {
            mistakes.add(
                at.clone(),
                format!(
                    "the entity needs `{wanted}`, which not every branch of this pattern captures"
                ),
                "write it in each branch (one group around them), or as two patterns",
            );
        }
    }
    if let Some(ago) = &pattern.ago
        && !names.contains(&ago.as_str())
    {
        mistakes.add(
            at.clone(),
            format!("`ago` names `{ago}`, which is not captured"),
            "here",
        );
    }
}

/// Whether a match of the expression has always taken part in the group of that name.
fn captures_always(hir: &Hir, name: &str) -> bool {
    match hir.kind() {
        HirKind::Capture(group) => {
            group.name.as_deref() == Some(name) || captures_always(&group.sub, name)
        }
        HirKind::Concat(parts) => parts.iter().any(|part| captures_always(part, name)),
        HirKind::Alternation(branches) => {
            branches.iter().all(|branch| captures_always(branch, name))
        }
        HirKind::Repetition(again) => again.min > 0 && captures_always(&again.sub, name),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => false,
    }
}

/// The facts of stories must have names as the extraction makes them: the kind of an entity is a key that holds its
/// whole name (`component=etcd@m`).
fn stories(
    index: usize,
    definitions: &[Definition],
    causes: &[Cause],
    mistakes: &mut Mistakes<'_>,
) {
    let stories = causes
        .iter()
        .filter(|c| c.cause == index)
        .flat_map(|c| c.holds.iter().chain(&c.not));
    for story in stories {
        for fact in &story.facts {
            let Some(definition) = definitions.get(fact.fact) else {
                continue;
            };
            let kind = definition.entity_kind();
            if let Some(name) = fact.keys.get(kind)
                && !definition.entity.fits(&format!("{kind}/{name}"))
            {
                mistakes.add(
                    story.at.0..story.at.1,
                    format!(
                        "`{}` is about `{}`: its key `{kind}` is never `{name}`",
                        definition.id, definition.entity
                    ),
                    "this story",
                );
            }
        }
    }
}

fn examples(rule: &RuleFile, definition: &Definition, mistakes: &mut Mistakes<'_>) {
    if !definition.patterns.is_empty() {
        if rule.matches.is_empty() {
            mistakes.add(
                rule.title.span(),
                "patterns without an example",
                "add [[matches]]",
            );
        }
        if rule.ignores.is_empty() {
            mistakes.add(
                rule.title.span(),
                "patterns without a counterexample",
                "add [[ignores]]: what prints something similar?",
            );
        }
    }
    for m in &rule.matches {
        let at = m.span();
        let m = m.get_ref();
        if m.line.is_some() == m.text.is_some() || m.text.is_some() != m.file.is_some() {
            mistakes.add(
                at,
                "an example is a `line`, or a `file` with its `text`",
                "here",
            );
        }
    }
    for m in &rule.ignores {
        let at = m.span();
        let m = m.get_ref();
        if m.line.is_some() == m.text.is_some() || m.why.trim().is_empty() {
            mistakes.add(
                at,
                "a counterexample is a `line` (or `file` and `text`) and says why",
                "here",
            );
        }
    }
}

/// The keys a fact of this definition can have. `None`: not known (inferred and suspected facts).
fn known_keys<'a>(definition: &'a Definition, patterns: &'a [Pattern]) -> Option<Vec<&'a str>> {
    if !matches!(definition.origin, Origin::Lines) {
        return None;
    }
    let mut keys: Vec<&str> = SCOPE_KEYS.to_vec();
    keys.push(definition.entity_kind());
    if definition.entity_kind() == "component" {
        // The component without its machine.
        keys.push("part");
    }
    if definition.entity_kind() == "pod" {
        // As the pod's name shows it.
        keys.push("deployment");
    }
    for p in definition.patterns.iter().filter_map(|i| patterns.get(*i)) {
        keys.extend(p.regex.capture_names().flatten());
        // The name of a service in a destination (`web.shop.svc:443`) is a key of its own.
        if p.regex
            .capture_names()
            .flatten()
            .any(|n| n == "destination")
        {
            keys.push("service");
        }
    }
    Some(keys)
}

fn join_keys(
    rule: &RuleFile,
    index: usize,
    definitions: &[Definition],
    patterns: &[Pattern],
    causes: &[Cause],
    mistakes: &mut Mistakes<'_>,
) {
    for cause in causes.iter().filter(|c| c.cause == index) {
        let at = rule
            .explains
            .iter()
            .find(|e| {
                definitions
                    .get(cause.effect)
                    .is_some_and(|d| d.id == *e.effect.get_ref())
            })
            .map_or(0..0, |e| e.join.span());
        let sides = [
            (definitions.get(index), true),
            (definitions.get(cause.effect), false),
        ];
        for (definition, is_cause) in sides {
            let Some(definition) = definition else {
                continue;
            };
            let Some(keys) = known_keys(definition, patterns) else {
                continue;
            };
            // An entity whose kind is captured can be of any kind.
            if definition.entity_kind().is_empty() {
                continue;
            }
            for join in &cause.join {
                let Join::Meet {
                    cause: left,
                    effect: right,
                } = join
                else {
                    continue;
                };
                let key = if is_cause { &left.key } else { &right.key };
                if !keys.contains(&key.as_str()) {
                    mistakes.add(
                        at.clone(),
                        format!("`{}` never has the key `{key}`", definition.id),
                        "this join",
                    );
                }
            }
        }
    }
}

/// Certain causes must not form a cycle: nothing certainly causes itself.
pub(super) fn cycles(
    files: &[(&RuleText, &RuleFile)],
    definitions: &[Definition],
    causes: &[Cause],
) -> Vec<BadRule> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Done,
    }
    fn visit(
        at: usize,
        causes: &[Cause],
        marks: &mut Vec<Mark>,
        path: &mut Vec<usize>,
    ) -> Option<Vec<usize>> {
        match marks.get(at).copied()? {
            Mark::Done => return None,
            Mark::Open => {
                let from = path.iter().position(|p| *p == at).unwrap_or(0);
                return Some(path.get(from..).unwrap_or_default().to_vec());
            }
            Mark::New => {}
        }
        if let Some(m) = marks.get_mut(at) {
            *m = Mark::Open;
        }
        path.push(at);
        for c in causes
            .iter()
            .filter(|c| c.cause == at && c.strength == Strength::Certain)
        {
            if let Some(cycle) = visit(c.effect, causes, marks, path) {
                return Some(cycle);
            }
        }
        path.pop();
        if let Some(m) = marks.get_mut(at) {
            *m = Mark::Done;
        }
        None
    }
    let mut marks = vec![Mark::New; definitions.len()];
    for start in 0..definitions.len() {
        if let Some(cycle) = visit(start, causes, &mut marks, &mut Vec::new()) {
            let names: Vec<&str> = cycle
                .iter()
                .filter_map(|i| definitions.get(*i))
                .map(|d| d.id.as_str())
                .collect();
            let Some((file, rule)) = cycle.first().and_then(|i| files.get(*i)) else {
                continue;
            };
            let mut mistakes = Mistakes::of(file);
            mistakes.add(
                rule.title.span(),
                format!("certain causes form a cycle: {}", names.join(" -> ")),
                "starts here",
            );
            return mistakes.take();
        }
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use crate::catalog::{Catalog, CatalogError, RuleText};

    /// A rule about the machine of a component, with its pattern and what else stands in its file.
    fn rule(head: &str, pattern: &str, tail: &str) -> String {
        format!(
            r#"
title    = {{ en = "x", zh = "x" }}
severity = "low"
since    = "0.1.0"
{head}
[[pattern]]
component = ["etcd"]
anchor    = "lost the connection"
regex     = '{pattern}'
[[matches]]
line  = "lost the connection with a"
gives = ["peer/a"]
[[ignores]]
line = "x"
why  = "x"
{tail}
"#
        )
    }

    #[track_caller]
    fn case(head: &str, pattern: &str, tail: &str, expected: &[&str]) {
        let file = RuleText {
            id: String::from("etcd/x"),
            path: String::from("x.toml"),
            text: rule(head, pattern, tail),
        };
        let mistakes: Vec<String> = match Catalog::of(&[file]) {
            Ok(_) => Vec::new(),
            Err(CatalogError::Bad(bad)) => bad.into_iter().map(|b| b.what).collect(),
            Err(e) => panic!("{e}"),
        };
        let expected: Vec<String> = expected.iter().map(|e| format!("etcd/x: {e}")).collect();
        assert_eq!(mistakes, expected);
    }

    #[test]
    fn every_branch_captures_what_the_entity_needs() {
        let peer = "entity = \"peer/{peer}\"";
        let missing = "the entity needs `peer`, which not every branch of this pattern captures";
        for good in [
            "lost the connection with (?<peer>\\w+)",
            "lost (?:the connection|it) with (?:peer |)(?<peer>\\w+)",
            "lost the connection(?: with (?<peer>\\w+))+",
        ] {
            case(peer, good, "", &[]);
        }
        for bad in [
            "lost the connection(?: with (?<peer>\\w+))?",
            "lost the connection with (?:(?<peer>\\w+)|remote (?<other>\\w+))",
            "lost the connection(?: with (?<peer>\\w+)){0,2}",
        ] {
            case(peer, bad, "", &[missing]);
        }
        // What the source tells need not be in the line.
        let host = "entity = \"component/etcd@{host}\"";
        case(host, "lost the connection(?: on (?<host>\\w+))?", "", &[]);
    }

    #[test]
    fn stories_name_entities_as_lines_give_them() {
        let head = "entity = \"component/etcd@{host}\"";
        let story = |component: &str| {
            format!(
                r#"
[[explains]]
effect   = "etcd/x"
join     = ["component"]
strength = "weak"
why      = {{ en = "x", zh = "x" }}
holds    = ["+0s etcd/x component={component}", "+1s etcd/x component={component}"]
"#
            )
        };
        let pattern = "lost the connection";
        case(head, pattern, &story("etcd@m"), &[]);
        let wrong =
            "`etcd/x` is about `component/etcd@{host}`: its key `component` is never `etcd`";
        case(head, pattern, &story("etcd"), &[wrong, wrong]);
    }

    #[test]
    fn a_fact_is_seen_once_anyway() {
        let head = |n: u64| format!("entity = \"peer/{{peer}}\"\nat_least = {n}");
        let pattern = "lost the connection with (?<peer>\\w+)";
        case(&head(2), pattern, "", &[]);
        case(&head(1), pattern, "", &["every fact is seen once"]);
    }
}
