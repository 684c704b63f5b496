//! What can be wrong with rules that parse: anchors, captures, entities, languages, cycles.

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
    for wanted in definition.entity.names() {
        if !names.contains(&wanted) && !SCOPE_KEYS.contains(&wanted) {
            mistakes.add(
                at.clone(),
                format!("the entity needs `{wanted}`, which this pattern does not capture"),
                "here",
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
