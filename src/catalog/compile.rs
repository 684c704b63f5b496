//! From rule texts to a [`Catalog`]: parse, resolve references, collect every mistake.

use std::collections::BTreeMap;
use std::ops::Range;

use memchr::memmem::Finder;
use regex::bytes::{Regex, RegexBuilder};
use sha2::{Digest, Sha256};

use super::causes::{cause, exclude, needs};
use super::definition::{Ask, Definition, Example, Exclude, How, Origin, Pattern, Weight};
use super::error::CatalogError;
use super::mistakes::Mistakes;
use super::need::Need;
use super::schema::{AskTable, PatternTable, RuleFile};
use super::template::Template;
use super::{Anchored, Anchors, Catalog, EVENTS_IN_LOGS, RuleText, check};
use crate::base::units::duration;
use crate::model::{Component, Level, Severity};

pub(super) fn compile(files: &[RuleText]) -> Result<Catalog, CatalogError> {
    let mut bad = Vec::new();
    let mut parsed = Vec::new();
    for file in files {
        match toml::from_str::<RuleFile>(&file.text) {
            Ok(rule) => parsed.push((file, rule)),
            Err(e) => {
                let mut mistakes = Mistakes::of(file);
                mistakes.add(e.span().unwrap_or(0..0), e.message(), "here");
                bad.extend(mistakes.take());
            }
        }
    }

    let mut definitions: Vec<Definition> = Vec::new();
    let mut patterns: Vec<Pattern> = Vec::new();
    let mut kept = Vec::new();
    for (file, rule) in &parsed {
        let mut mistakes = Mistakes::of(file);
        if let Some(mut definition) = define(file, rule, &mut mistakes) {
            for table in &rule.pattern {
                if let Some(pattern) = pattern(table, definitions.len(), &mut mistakes) {
                    definition.patterns.push(patterns.len());
                    patterns.push(pattern);
                }
            }
            definitions.push(definition);
            kept.push((*file, rule));
        }
        bad.extend(mistakes.take());
    }

    let mut by_id = BTreeMap::new();
    for (i, d) in definitions.iter().enumerate() {
        by_id.insert(d.id.clone(), i);
        for alias in &d.aliases {
            by_id.entry(alias.clone()).or_insert(i);
        }
    }

    let mut causes = Vec::new();
    let mut excludes: Vec<(usize, Exclude)> = Vec::new();
    for (i, (file, rule)) in kept.iter().enumerate() {
        let mut mistakes = Mistakes::of(file);
        for table in &rule.explains {
            causes.extend(cause(table, i, &definitions, &by_id, &mut mistakes));
        }
        for table in &rule.excludes {
            excludes.extend(exclude(table, &by_id, &mut mistakes).map(|e| (i, e)));
        }
        bad.extend(mistakes.take());
    }
    for (i, exclude) in excludes {
        if let Some(d) = definitions.get_mut(i) {
            d.excludes.push(exclude);
        }
    }
    for (i, (file, rule)) in kept.iter().enumerate() {
        let mut mistakes = Mistakes::of(file);
        check::file(rule, i, &definitions, &patterns, &causes, &mut mistakes);
        bad.extend(mistakes.take());
    }
    bad.extend(check::cycles(&kept, &definitions, &causes));
    if !bad.is_empty() {
        return Err(CatalogError::Bad(bad));
    }

    let (anchors, log_anchors) = (
        anchors(&patterns, |_| true),
        anchors(&patterns, |p| {
            !p.components.iter().all(Component::is_of_state_lines)
        }),
    );
    let mut digest = Sha256::new();
    for file in files {
        digest.update(file.id.as_bytes());
        digest.update([0]);
        digest.update(file.text.as_bytes());
        digest.update([0]);
    }
    let digest = crate::base::text::hex(&digest.finalize());
    Ok(Catalog {
        definitions,
        by_id,
        patterns,
        causes,
        anchors,
        log_anchors,
        digest,
    })
}

/// The distinct literals of these patterns, and for each the patterns that have it.
fn anchors(patterns: &[Pattern], wanted: impl Fn(&Pattern) -> bool) -> Anchored {
    // The event that such a line holds is matched as a whole: what makes it a line to look at is that it is one.
    let mut map: BTreeMap<String, Vec<usize>> = EVENTS_IN_LOGS
        .iter()
        .map(|head| ((*head).to_owned(), Vec::new()))
        .collect();
    for (i, p) in patterns.iter().enumerate().filter(|(_, p)| wanted(p)) {
        for a in &p.anchors {
            map.entry(a.clone()).or_default().push(i);
        }
    }
    let (literals, patterns): (Vec<String>, Vec<Vec<usize>>) = map.into_iter().unzip();
    Anchored {
        finder: Anchors::new(&literals),
        patterns,
    }
}

fn template(text: &str, at: Range<usize>, mistakes: &mut Mistakes<'_>) -> Option<Template> {
    match Template::parse(text) {
        Ok(t) => Some(t),
        Err(why) => {
            mistakes.add(at, "the text has a broken place", why);
            None
        }
    }
}

fn asks(rule: &RuleFile, mistakes: &mut Mistakes<'_>) -> Vec<Ask> {
    rule.ask
        .iter()
        .map(|a| Ask {
            what: a.what.clone(),
            how: how(rule, a, mistakes),
            collects: needs(&a.collects, mistakes),
        })
        .collect()
}

/// Checks what an inference is given as regular expressions.
fn expressions(rule: &RuleFile, mistakes: &mut Mistakes<'_>) {
    const EXPRESSIONS: [&str; 3] = ["ends", "likely", "skip"];
    let Some(by) = &rule.inferred else {
        return;
    };
    for key in EXPRESSIONS {
        let all = rule.infer.get(key).and_then(toml::Value::as_array);
        for expression in all.into_iter().flatten() {
            let text = expression.as_str().unwrap_or("*");
            if RegexBuilder::new(text).unicode(false).build().is_err() {
                let said = format!("`{key}`: not a regular expression: {text}");
                mistakes.add(by.span(), said, "in its [infer]");
            }
        }
    }
}

fn how(rule: &RuleFile, ask: &AskTable, mistakes: &mut Mistakes<'_>) -> How {
    match (&ask.command, &ask.way) {
        (Some(command), None) => return How::Command(command.clone()),
        (None, Some(way)) if Need::parse(way.get_ref()).is_some() => {
            return How::Way(way.get_ref().clone());
        }
        (None, Some(way)) => mistakes.add(way.span(), "unknown source", Need::WORDS),
        _ => mistakes.add(
            rule.title.span(),
            "an ask has a `command`, or the `way` of a source",
            "one of the two",
        ),
    }
    How::Command(String::new())
}

fn define(file: &RuleText, rule: &RuleFile, mistakes: &mut Mistakes<'_>) -> Option<Definition> {
    let en = template(&rule.title.get_ref().en, rule.title.span(), mistakes);
    let zh = template(&rule.title.get_ref().zh, rule.title.span(), mistakes);
    let unknown = rule.unknown.as_ref().and_then(|u| {
        let en = template(&u.en, rule.title.span(), mistakes)?;
        Some((en, template(&u.zh, rule.title.span(), mistakes)?))
    });
    let words = words(rule, mistakes);
    let entity = template(rule.entity.get_ref(), rule.entity.span(), mistakes);
    let severity = Severity::parse(rule.severity.get_ref());
    if severity.is_none() {
        mistakes.add(
            rule.severity.span(),
            "unknown severity",
            "one of critical, high, medium, low, info",
        );
    }
    let weight = match &rule.weight {
        None => Some(Weight::Strong),
        Some(w) => {
            let parsed = Weight::parse(w.get_ref());
            if parsed.is_none() {
                let names: Vec<_> = Weight::SCALE.iter().map(|(_, n, _)| *n).collect();
                mistakes.add(
                    w.span(),
                    "unknown weight",
                    format!("one of {}", names.join(", ")),
                );
            }
            parsed
        }
    };
    let mut time = |spanned: &Option<toml::Spanned<String>>| match spanned {
        None => None,
        Some(text) => {
            let ns = duration(text.get_ref());
            if ns.is_none() {
                mistakes.add(text.span(), "not a duration", "such as 90s, 2m, 1h");
            }
            ns
        }
    };
    let (lasting, startup) = (time(&rule.lasting), time(&rule.startup));
    expressions(rule, mistakes);
    let origin = match (&rule.inferred, rule.suspect) {
        (Some(by), false) => Origin::Inferred {
            by: by.get_ref().clone(),
            parameters: rule.infer.clone(),
        },
        (None, true) => Origin::Suspect,
        (None, false) => Origin::Lines,
        (Some(by), true) => {
            mistakes.add(
                by.span(),
                "a fact is inferred or suspected, not both",
                "remove one",
            );
            return None;
        }
    };
    if matches!(origin, Origin::Lines) && rule.pattern.is_empty() {
        mistakes.add(
            rule.title.span(),
            "nothing makes this fact",
            "needs a [[pattern]], `inferred` or `suspect = true`",
        );
    }
    Some(Definition {
        id: file.id.clone(),
        path: file.path.clone(),
        aliases: rule.aliases.clone(),
        title: (en?, zh?),
        unknown,
        words,
        entity: entity?,
        severity: severity?,
        since: rule.since.clone(),
        symptom: rule.symptom,
        benign: rule.benign,
        transient: rule.transient,
        raw: rule.raw,
        planned: rule.planned,
        deed: rule.deed,
        origin,
        weight: weight?,
        keys: rule.keys.iter().map(|k| k.get_ref().clone()).collect(),
        at_least: rule.at_least.as_ref().map_or(1, |n| *n.get_ref()),
        lasting,
        startup,
        detail: rule.detail.clone(),
        notes: rule.notes.clone(),
        sources: rule.source.clone(),
        references: rule.references.clone(),
        patterns: Vec::new(),
        matches: matches(rule),
        ignores: ignores(rule),
        excludes: Vec::new(),
        asks: asks(rule, mistakes),
        remedies: rule.remedy.clone(),
        warnings: rule.warning.clone(),
    })
}

/// How the title says the tokens of keys.
fn words(
    rule: &RuleFile,
    mistakes: &mut Mistakes<'_>,
) -> BTreeMap<String, BTreeMap<String, (Template, Template)>> {
    let mut out: BTreeMap<String, BTreeMap<String, (Template, Template)>> = BTreeMap::new();
    for (key, texts) in &rule.words {
        if !rule.title.get_ref().en.contains(&format!("{{{key}}}")) {
            let said = format!("the title has no place for `{key}`");
            mistakes.add(rule.title.span(), said, "[words] tells what stands there");
        }
        for (token, text) in texts {
            let span = rule.title.span();
            let both = (
                template(&text.en, span.clone(), mistakes),
                template(&text.zh, span, mistakes),
            );
            if let (Some(en), Some(zh)) = both {
                out.entry(key.clone())
                    .or_default()
                    .insert(token.clone(), (en, zh));
            }
        }
    }
    out
}

/// An example is a line of a log or the text of a file.
fn either(line: Option<&String>, text: Option<&String>) -> String {
    line.or(text).cloned().unwrap_or_default()
}

fn matches(rule: &RuleFile) -> Vec<Example> {
    rule.matches
        .iter()
        .map(|m| {
            let at = m.span();
            let m = m.get_ref();
            Example {
                component: m.component.clone(),
                file: m.file.clone(),
                text: either(m.line.as_ref(), m.text.as_ref()),
                gives: m.gives.clone(),
                keys: m.keys.clone(),
                also: m.also.clone(),
                why: String::new(),
                at: (at.start, at.end),
            }
        })
        .collect()
}

fn ignores(rule: &RuleFile) -> Vec<Example> {
    rule.ignores
        .iter()
        .map(|m| {
            let at = m.span();
            let m = m.get_ref();
            Example {
                component: m.component.clone(),
                file: m.file.clone(),
                text: either(m.line.as_ref(), m.text.as_ref()),
                gives: Vec::new(),
                keys: BTreeMap::new(),
                also: Vec::new(),
                why: m.why.clone(),
                at: (at.start, at.end),
            }
        })
        .collect()
}

fn pattern(table: &PatternTable, fact: usize, mistakes: &mut Mistakes<'_>) -> Option<Pattern> {
    let (text, each) = match (&table.regex, &table.each) {
        (Some(r), None) => (r, false),
        (None, Some(e)) => (e, true),
        _ => {
            mistakes.add(
                table.anchor.span(),
                "a pattern has exactly one of `regex` and `each`",
                "this pattern",
            );
            return None;
        }
    };
    let regex: Regex = match RegexBuilder::new(text.get_ref()).unicode(false).build() {
        Ok(r) => r,
        Err(e) => {
            mistakes.add(
                text.span(),
                "the expression does not compile",
                e.to_string(),
            );
            return None;
        }
    };
    let mut levels = Vec::new();
    for letter in &table.level {
        match letter.chars().next().map(Level::from_letter) {
            Some(l) if l != Level::Unknown && letter.len() == 1 => levels.push(l),
            _ => mistakes.add(
                table.component.span(),
                format!("unknown level `{letter}`"),
                "one of D, I, W, E, F",
            ),
        }
    }
    Some(Pattern {
        fact,
        components: table
            .component
            .get_ref()
            .list()
            .iter()
            .map(|c| Component::named(c))
            .collect(),
        anchors: table.anchor.get_ref().list(),
        regex,
        each,
        levels,
        caller: table.caller.clone(),
        named: table.named,
        fields: table.field.clone(),
        values: table
            .field
            .values()
            .filter(|v| !v.is_empty() && v.bytes().all(|b| b.is_ascii_alphanumeric()))
            .map(|v| Finder::new(v.as_bytes()).into_owned())
            .collect(),
        except: table
            .except
            .iter()
            .map(|literal| Finder::new(literal.as_bytes()).into_owned())
            .collect(),
        closes: table.closes,
        seldom: table.seldom,
        ago: table.ago.as_ref().map(|a| a.get_ref().clone()),
        at: (text.span().start, text.span().end),
    })
}
