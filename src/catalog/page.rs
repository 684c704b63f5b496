//! The page of one fact: everything that is known about it, as Markdown, in one language.
//!
//! One renderer for `explain`, the pages in the documentation and whatever else shows the knowledge, so that
//! they cannot differ. Causes are shown in both directions: what explains this, what this explains.

use std::fmt::Write as _;

use super::{Catalog, CatalogError, Cause, Definition, FACTS, How, Origin, Strength, Text};
use crate::base::lang::Lang;
use crate::base::units::human_duration;

/// The words of one language.
struct Words {
    severity: &'static str,
    entity: &'static str,
    symptom: &'static str,
    benign: &'static str,
    transient: &'static str,
    planned: &'static str,
    deed: &'static str,
    at_least: &'static str,
    lasting: &'static str,
    startup: &'static str,
    since: &'static str,
    way: &'static str,
    seen: &'static str,
    by: &'static str,
    any: &'static str,
    ends: &'static str,
    inferred: &'static str,
    suspect: &'static str,
    look_alike: &'static str,
    caused_by: &'static str,
    causes: &'static str,
    strength: [&'static str; 3],
    shown_by: &'static str,
    rules_out: &'static str,
    remedy: &'static str,
    warning: &'static str,
    ask: &'static str,
    references: &'static str,
}

const EN: Words = Words {
    severity: "severity",
    entity: "about",
    symptom: "a person notices it",
    benign: "healthy clusters print it",
    transient: "heals by itself",
    planned: "done on purpose",
    deed: "somebody's deed",
    at_least: "least signs that count:",
    lasting: "counts when it lasted",
    startup: "does not count after a start within",
    since: "since version",
    way: "as `src/catalog/collection.toml` says for",
    seen: "What shows it",
    by: "printed by",
    any: "anyone",
    ends: "this line says that it ended",
    inferred: "No line shows it; it is concluded by the inference",
    suspect: "No line may ever show it: it is a hypothesis that other evidence makes possible.",
    look_alike: "Looks alike, is not it",
    caused_by: "What causes it",
    causes: "What it causes",
    strength: ["possible", "the usual cause", "leaves no choice"],
    shown_by: "would be shown by",
    rules_out: "What it rules out",
    remedy: "What to do",
    warning: "What not to do",
    ask: "What to collect",
    references: "Read on",
};

const ZH: Words = Words {
    severity: "级别",
    entity: "对象",
    symptom: "人可以察觉",
    benign: "健康集群也会打印",
    transient: "会自行恢复",
    planned: "有意为之",
    deed: "人为操作",
    at_least: "至少出现多少次才计入：",
    lasting: "持续多久才计入：",
    startup: "启动后多久内不计：",
    since: "始于版本",
    way: "按 `src/catalog/collection.toml` 中的",
    seen: "如何看到",
    by: "打印者：",
    any: "任意组件",
    ends: "这一行表示它已结束",
    inferred: "没有日志行显示它；由以下推断得出：",
    suspect: "可能没有任何日志行会显示它：它是由其他证据支持的假设。",
    look_alike: "相似但不是",
    caused_by: "由什么引起",
    causes: "会引起什么",
    strength: ["可能", "常见原因", "必然"],
    shown_by: "可由以下材料看到：",
    rules_out: "可排除",
    remedy: "处理办法",
    warning: "切勿",
    ask: "需要收集",
    references: "参考",
};

/// The page of a definition.
pub fn render(catalog: &Catalog, definition: &Definition, lang: Lang) -> String {
    let words = match lang {
        Lang::En => &EN,
        Lang::Zh => &ZH,
    };
    let mut out = String::new();
    let _ = writeln!(
        out,
        "# {}\n\n`{}`\n",
        title(definition, lang),
        definition.id
    );
    let _ = writeln!(out, "{}\n", properties(definition, words).join(" · "));
    if let Some(detail) = &definition.detail {
        let _ = writeln!(out, "{}\n", pick(detail, lang));
    }
    seen(&mut out, catalog, definition, words);
    let position = catalog.index(&definition.id);
    let into = catalog
        .causes()
        .iter()
        .filter(|c| Some(c.effect) == position);
    let into: Vec<String> = into
        .map(|c| cause(catalog, c, c.cause, words, lang))
        .collect();
    points(&mut out, words.caused_by, &into);
    let from = catalog
        .causes()
        .iter()
        .filter(|c| Some(c.cause) == position);
    let from: Vec<String> = from
        .map(|c| cause(catalog, c, c.effect, words, lang))
        .collect();
    points(&mut out, words.causes, &from);
    let excludes: Vec<String> = definition
        .excludes
        .iter()
        .filter_map(|e| {
            Some(format!(
                "{}: {}",
                link(catalog.at(e.kind)?, lang),
                pick(&e.why, lang)
            ))
        })
        .collect();
    points(&mut out, words.rules_out, &excludes);
    let texts = |all: Vec<&Text>| {
        all.into_iter()
            .map(|t| pick(t, lang).to_owned())
            .collect::<Vec<_>>()
    };
    points(
        &mut out,
        words.remedy,
        &texts(definition.remedies.iter().map(|r| &r.action).collect()),
    );
    points(
        &mut out,
        words.warning,
        &texts(definition.warnings.iter().map(|w| &w.say).collect()),
    );
    let asks: Vec<String> = definition
        .asks
        .iter()
        .map(|a| {
            let what = pick(&a.what, lang);
            match &a.how {
                How::Command(command) => {
                    format!("{what}\n\n  ```sh\n{}\n  ```", indented(command))
                }
                How::Way(word) => format!("{what}: {} `{word}`", words.way),
            }
        })
        .collect();
    points(&mut out, words.ask, &asks);
    points(&mut out, words.references, &definition.references);
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// The file of a definition, as it is written.
pub fn source(definition: &Definition) -> Result<String, CatalogError> {
    let name = format!("{}.toml", definition.id);
    // A file of a user's own replaces a built-in one of the same id; then its path is another.
    if definition.path == format!("facts/{name}")
        && let Some(text) = FACTS
            .get_file(&name)
            .and_then(include_dir::File::contents_utf8)
    {
        return Ok(text.to_owned());
    }
    std::fs::read_to_string(&definition.path).map_err(|e| CatalogError::Unreadable {
        path: definition.path.clone(),
        why: e.to_string(),
    })
}

fn title(definition: &Definition, lang: Lang) -> String {
    match lang {
        Lang::En => definition.title.0.to_string(),
        Lang::Zh => definition.title.1.to_string(),
    }
}

fn pick(text: &Text, lang: Lang) -> &str {
    match lang {
        Lang::En => text.en.trim(),
        Lang::Zh => text.zh.trim(),
    }
}

fn link(definition: &Definition, lang: Lang) -> String {
    format!("{} (`{}`)", title(definition, lang), definition.id)
}

fn properties(d: &Definition, words: &Words) -> Vec<String> {
    let mut out = vec![
        format!("{}: {}", words.severity, d.severity.as_str()),
        format!("{}: `{}`", words.entity, d.entity),
    ];
    let flags = [
        (d.symptom, words.symptom),
        (d.benign, words.benign),
        (d.transient, words.transient),
        (d.planned, words.planned),
        (d.deed, words.deed),
    ];
    out.extend(
        flags
            .into_iter()
            .filter(|(on, _)| *on)
            .map(|(_, word)| word.to_owned()),
    );
    if d.at_least > 1 {
        out.push(format!("{} {}", words.at_least, d.at_least));
    }
    let times = [(d.lasting, words.lasting), (d.startup, words.startup)];
    out.extend(
        times
            .into_iter()
            .filter_map(|(ns, word)| Some(format!("{word} {}", human_duration(ns?)))),
    );
    out.push(format!("{} {}", words.since, d.since));
    out
}

fn seen(out: &mut String, catalog: &Catalog, d: &Definition, words: &Words) {
    let _ = writeln!(out, "## {}\n", words.seen);
    match &d.origin {
        Origin::Lines => {}
        Origin::Inferred { by, .. } => {
            let _ = writeln!(out, "{} `{by}`.\n", words.inferred);
        }
        Origin::Suspect => {
            let _ = writeln!(out, "{}\n", words.suspect);
        }
    }
    for p in d.patterns.iter().filter_map(|i| catalog.patterns().get(*i)) {
        let who: Vec<&str> = p
            .components
            .iter()
            .map(crate::model::Component::as_str)
            .collect();
        let who = if who.is_empty() {
            words.any.to_owned()
        } else {
            who.join(", ")
        };
        let ends = if p.closes {
            format!(" ({})", words.ends)
        } else {
            String::new()
        };
        let _ = writeln!(out, "- {} {who}{ends}", words.by);
        let _ = writeln!(out, "\n  ```text\n{}\n  ```\n", indented(p.regex.as_str()));
    }
    for m in &d.matches {
        let _ = writeln!(out, "```text\n{}\n```\n", m.text.trim_matches('\n'));
    }
    if !d.ignores.is_empty() {
        let _ = writeln!(out, "## {}\n", words.look_alike);
        for m in &d.ignores {
            let _ = writeln!(
                out,
                "- {}\n\n  ```text\n{}\n  ```\n",
                m.why,
                indented(m.text.trim_matches('\n'))
            );
        }
    }
}

fn cause(catalog: &Catalog, c: &Cause, other: usize, words: &Words, lang: Lang) -> String {
    let strength = match c.strength {
        Strength::Weak => words.strength[0],
        Strength::Strong => words.strength[1],
        Strength::Certain => words.strength[2],
    };
    let name = catalog
        .at(other)
        .map_or_else(String::new, |d| link(d, lang));
    let mut text = format!("{name}, {strength}: {}", pick(&c.why, lang));
    if !c.needs.is_empty() {
        let needs: Vec<String> = c.needs.iter().map(|n| n.words(lang)).collect();
        let _ = write!(text, " ({} {})", words.shown_by, needs.join(", "));
    }
    text
}

fn points(out: &mut String, heading: &str, all: &[String]) {
    if all.is_empty() {
        return;
    }
    let _ = writeln!(out, "## {heading}\n");
    for point in all {
        let _ = writeln!(out, "- {point}");
    }
    out.push('\n');
}

/// Lines within a list item.
fn indented(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|l| format!("  {l}")).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_names_its_fact_and_its_causes_in_both_directions() {
        let catalog = Catalog::builtin().unwrap();
        for lang in [Lang::En, Lang::Zh] {
            for cause in catalog.causes() {
                let (a, b) = (
                    catalog.at(cause.cause).unwrap(),
                    catalog.at(cause.effect).unwrap(),
                );
                assert!(
                    render(&catalog, a, lang).contains(&b.id),
                    "{} -> {}",
                    a.id,
                    b.id
                );
                assert!(
                    render(&catalog, b, lang).contains(&a.id),
                    "{} <- {}",
                    b.id,
                    a.id
                );
            }
        }
    }

    #[test]
    fn the_source_of_a_built_in_fact_is_its_file() {
        let catalog = Catalog::builtin().unwrap();
        for definition in catalog.definitions() {
            assert!(
                source(definition).unwrap().contains("title"),
                "{}",
                definition.id
            );
        }
    }
}
