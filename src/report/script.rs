//! A shell script that collects what the incidents lack, made from their gaps.
//!
//! A bundle comes from a stranger. Commands are the catalogue's; of the bundle they hold only values that are one plain
//! word to a shell (`correlate::ask` fills in no other). Everything else of the bundle stands in comments, on one line.

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
    usage: [&'static str; 3],
    none: &'static str,
    fill_in: &'static str,
    skipped: &'static str,
}

const EN: Phrases = Phrases {
    head: "Collects what this bundle lacks",
    usage: [
        "Read it before you run it: sh ask.sh [FOLDER [MACHINE]]",
        "Each output becomes a file in FOLDER. What belongs to a certain machine is left out elsewhere:",
        "run the script there too. MACHINE is its name in the cluster (default: what hostname says).",
    ],
    none: "Nothing is missing.",
    fill_in: "Fill in what stands in <...>, then remove the '#':",
    skipped: "left out, to be run on",
};
const ZH: Phrases = Phrases {
    head: "收集这份材料中缺少的内容",
    usage: [
        "运行前请先阅读：sh ask.sh [目录 [机器]]",
        "每条输出保存为目录中的一个文件。属于特定机器的命令在别处会跳过：",
        "请在该机器上也运行本脚本。机器为其在集群中的名称（默认取 hostname）。",
    ],
    none: "没有缺少的内容。",
    fill_in: "请填写 <...> 中的内容，再去掉行首的 #：",
    skipped: "已跳过，须运行于",
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
        .filter(|g| seen.insert((&g.command, &g.on)))
        .collect();
    let bundle = printable(report.analysis.bundle.name.as_bytes());
    let mut out = String::from("#!/bin/sh\n");
    let _ = writeln!(out, "# {}: {bundle}", phrases.head);
    if gaps.is_empty() {
        let _ = writeln!(out, "# {}", phrases.none);
        return out;
    }
    for line in phrases.usage {
        let _ = writeln!(out, "# {line}");
    }
    out.push_str(
        "set -u\nout=${1:-kforensics-evidence}\nhere=${2:-$(hostname)}\nmkdir -p \"$out\" && cd \"$out\" || exit 1\n",
    );
    for (number, gap) in (1..).zip(gaps) {
        one(&mut out, phrases, number, gap);
    }
    out.push_str("\necho \"$here\"\npwd\n");
    out
}

fn one(out: &mut String, phrases: &Phrases, number: usize, gap: &Gap) {
    let one_line = |text: &str| printable(text.as_bytes());
    let _ = writeln!(out, "\n# {number}. {}", one_line(&gap.what));
    if !gap.why.is_empty() {
        let _ = writeln!(out, "#    {}", one_line(&gap.why));
    }
    let command = clean(gap.command.trim());
    if command.is_empty() {
        return;
    }
    if has_blank(&command) {
        let _ = writeln!(out, "# {}", phrases.fill_in);
        for line in command.lines() {
            let _ = writeln!(out, "#   {line}");
        }
        return;
    }
    let file = format!("{number:02}-{}.txt", slug(&command));
    if gap.on.is_empty() {
        let _ = writeln!(out, "{{\n{command}\n}} > {file} 2>&1");
        return;
    }
    let on = quoted(&gap.on);
    let skipped = quoted(&format!("{number}: {} {}", phrases.skipped, gap.on));
    let _ = writeln!(
        out,
        "if [ \"$here\" = {on} ]; then\n{{\n{command}\n}} > {file} 2>&1\nelse\necho {skipped} >&2\nfi"
    );
}

/// A text as one word to a shell, whatever is in it.
fn quoted(text: &str) -> String {
    format!("'{}'", printable(text.as_bytes()).replace('\'', "'\\''"))
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
    fn a_name_is_one_word() {
        assert_eq!(quoted("n1"), "'n1'");
        assert_eq!(quoted("a'; reboot"), "'a'\\''; reboot'");
        assert_eq!(quoted("a\nb"), "'a\\x0ab'");
    }

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
