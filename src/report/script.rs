//! A shell script that collects what the incidents lack, made from their gaps.
//!
//! Commands hold names from the bundle, and a bundle comes from a stranger. A command into which a value was
//! filled that a shell could take for more than a word is written as a comment, never to be run unread.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::base::lang::Lang;
use crate::base::text::printable;
use crate::model::incident::Gap;

use super::layout::clean;
use super::view::Report;

/// What an ask script says in one language.
struct Phrases {
    head: &'static str,
    usage: &'static str,
    none: &'static str,
    fill_in: &'static str,
    unsafe_text: &'static str,
}

const EN: Phrases = Phrases {
    head: "Collects what this bundle lacks",
    usage: "Read it before you run it: sh ask.sh [FOLDER]. Each output becomes a file in FOLDER.",
    none: "Nothing is missing.",
    fill_in: "Fill in what stands in <...>, then remove the '#':",
    unsafe_text: "Holds text of the bundle that a shell could run. Check it, then remove the '#':",
};
const ZH: Phrases = Phrases {
    head: "收集这份材料中缺少的内容",
    usage: "运行前请先阅读：sh ask.sh [目录]。每条输出保存为目录中的一个文件。",
    none: "没有缺少的内容。",
    fill_in: "请填写 <...> 中的内容，再去掉行首的 #：",
    unsafe_text: "含有来自材料、可能被 shell 执行的文本。请检查后再去掉行首的 #：",
};

/// The script. Commands that several incidents ask for appear once.
pub fn render(report: &Report<'_>) -> String {
    let phrases = match report.lang {
        Lang::En => &EN,
        Lang::Zh => &ZH,
    };
    let mut seen = BTreeSet::new();
    let gaps: Vec<&Gap> = report
        .incidents()
        .flat_map(|i| &i.gaps)
        .filter(|g| seen.insert(&g.command))
        .collect();
    let bundle = printable(report.analysis.bundle.name.as_bytes());
    let mut out = String::from("#!/bin/sh\n");
    let _ = writeln!(out, "# {}: {bundle}", phrases.head);
    if gaps.is_empty() {
        let _ = writeln!(out, "# {}", phrases.none);
        return out;
    }
    let _ = writeln!(out, "# {}", phrases.usage);
    out.push_str(
        "set -u\nout=${1:-kforensics-evidence}\nmkdir -p \"$out\" && cd \"$out\" || exit 1\n",
    );
    let risky = risky_values(report);
    for (number, gap) in (1..).zip(gaps) {
        one(&mut out, phrases, number, gap, &risky);
    }
    out.push_str("\npwd\n");
    out
}

fn one(out: &mut String, phrases: &Phrases, number: usize, gap: &Gap, risky: &BTreeSet<&str>) {
    let one_line = |text: &str| printable(text.as_bytes());
    let _ = writeln!(out, "\n# {number}. {}", one_line(&gap.what));
    if !gap.why.is_empty() {
        let _ = writeln!(out, "#    {}", one_line(&gap.why));
    }
    let command = clean(gap.command.trim());
    if command.is_empty() {
        return;
    }
    let comment = if risky.iter().any(|v| gap.command.contains(v)) || command != gap.command.trim()
    {
        Some(phrases.unsafe_text)
    } else if has_blank(&command) {
        Some(phrases.fill_in)
    } else {
        None
    };
    let file = format!("{number:02}-{}.txt", slug(&command));
    if let Some(comment) = comment {
        let _ = writeln!(out, "# {comment}");
        for line in command.lines() {
            let _ = writeln!(out, "#   {line}");
        }
    } else {
        let _ = writeln!(out, "{{\n{command}\n}} > {file} 2>&1");
    }
}

/// Values of the bundle that are more than one word to a shell.
fn risky_values<'a>(report: &Report<'a>) -> BTreeSet<&'a str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._:/@%+,=-".contains(c);
    let mut out = BTreeSet::new();
    for fact in &report.analysis.facts {
        let values = fact.keys.values().map(String::as_str);
        for value in values.chain([fact.entity.name()]) {
            // A single sign is in half of all commands; nothing can be done with it alone. A leading dash
            // makes an option of a name.
            if value.len() > 1 && (value.starts_with('-') || !value.chars().all(plain)) {
                out.insert(value);
            }
        }
    }
    out
}

/// Whether a `<name>` waits to be filled in.
fn has_blank(command: &str) -> bool {
    command.split('<').skip(1).any(|rest| {
        rest.split_once('>').is_some_and(|(name, _)| {
            name.starts_with(|c: char| c.is_alphabetic())
                && name
                    .chars()
                    .all(|c| c.is_alphanumeric() || "-_. /".contains(c))
        })
    })
}

/// The first words of a command as part of a file name.
fn slug(command: &str) -> String {
    let mut out = String::new();
    for c in command.lines().next().unwrap_or("").chars().take(40) {
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        } else if !out.ends_with('-') && !out.is_empty() {
            out.push('-');
        }
    }
    out.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_and_names() {
        assert!(has_blank("aliyun vpc list --id <route-table>"));
        assert!(!has_blank("crictl ps < /dev/null > x"));
        assert_eq!(
            slug("kubectl get --raw /apis/metrics.k8s.io"),
            "kubectl-get-raw-apis-metrics-k8s-io"
        );
    }
}
