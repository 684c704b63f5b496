//! Goroutine dumps told: what is stuck and behind what, the locks, the groups; as text, JSON, HTML or a graph.

mod html;
mod json;

use std::fmt::Write as _;

use super::{Ink, Look, Sheet, pad};
use crate::base::text::{cut, printable};
use crate::base::time::Stamp;
use crate::model::waits::{
    Chain, DumpSummary, Group, Growth, Likeness, Lock, Node, Pair, Stuck, WaitFact, WaitReport,
};
use crate::model::{Dump, Quote, SourceId};

/// What is shown of the groups.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Also what rests in its normal state, and every group.
    pub all: bool,
    /// When stacks are taken for equal.
    pub likeness: Likeness,
    /// Only states that hold this text.
    pub state: Option<String>,
    /// Only stacks with a function that holds this text.
    pub function: Option<String>,
    /// Only what has waited so many minutes.
    pub minutes: Option<u32>,
}

/// Groups shown of one dump without `all`.
const GROUPS: usize = 12;
/// Locks shown.
const LOCKS: usize = 20;
/// Groups that grew shown.
const GROWTHS: usize = 20;
/// Findings shown that are part of no chain.
const BESIDE: usize = 20;

impl Filter {
    fn takes(&self, g: &Group) -> bool {
        let asked = self.state.is_some() || self.function.is_some() || self.minutes.is_some();
        (self.all || asked || !g.is_idle())
            && self
                .state
                .as_ref()
                .is_none_or(|s| g.state.contains(s.as_str()))
            && self.function.as_ref().is_none_or(|f| {
                g.function.contains(f.as_str()) || g.frames.iter().any(|x| x.contains(f.as_str()))
            })
            && self.minutes.is_none_or(|m| g.minutes.unwrap_or(0) >= m)
    }
}

/// What is told: the dumps, what follows from them, and the names of their files.
pub struct Told<'a> {
    /// The dumps.
    pub dumps: &'a [Dump],
    /// What follows.
    pub report: &'a WaitReport,
    /// Path of a source.
    pub path: &'a dyn Fn(SourceId) -> String,
    /// Groups of a dump.
    pub groups: &'a dyn Fn(&Dump, Likeness) -> Vec<Group>,
}

impl Told<'_> {
    fn place(&self, q: &Quote) -> String {
        format!("{}:{}", (self.path)(q.place.source), q.place.line)
    }

    fn groups(&self, dump: &Dump, filter: &Filter) -> Vec<Group> {
        let mut out = (self.groups)(dump, filter.likeness);
        out.retain(|g| filter.takes(g));
        out
    }

    fn process(&self, dump: usize) -> String {
        let name = self.dumps.get(dump).and_then(|d| d.process.clone());
        name.unwrap_or_else(|| String::from("a process"))
    }

    /// As text for a terminal.
    pub fn text(&self, filter: &Filter, look: Look) -> String {
        let mut sheet = Sheet::new(look);
        self.summary(&mut sheet);
        for (i, chain) in self.report.chains.iter().enumerate() {
            self.chain(&mut sheet, i + 1, chain, look.verbose);
        }
        self.beside(&mut sheet);
        self.locks(&mut sheet);
        self.pairs(&mut sheet);
        self.dumps(&mut sheet, filter);
        sheet.finish()
    }

    /// `3 dumps, 214 goroutines, 200 of them at rest`.
    fn headline(&self) -> String {
        let total: u64 = self.report.dumps.iter().map(|d| d.head.goroutines).sum();
        let idle: u64 = self.report.dumps.iter().map(|d| d.head.idle).sum();
        let n = self.report.dumps.len();
        let dumps = if n == 1 { "dump" } else { "dumps" };
        format!("{n} {dumps}, {total} goroutines, {idle} of them at rest")
    }

    /// What is said when nothing is stuck: some may wait, but none for long.
    fn quiet(&self) -> &'static str {
        if self.waiting() == 0 {
            "Nothing is stuck"
        } else {
            "Nothing is known to be stuck"
        }
    }

    /// What weakens that.
    fn remark(&self) -> Option<String> {
        let mut out = Vec::new();
        let waiting = self.waiting();
        if waiting > 0 {
            let who = if waiting == 1 {
                String::from("1 goroutine waits")
            } else {
                format!("{waiting} goroutines wait")
            };
            out.push(format!(
                "{who} for a lock or an answer, without a minute in the header: a moment of a busy process, or the beginning of a stall."
            ));
        }
        if self.report.dumps.iter().any(|d| d.head.partial) {
            out.push(String::from(
                "A dump is cut: what is missing there may be stuck.",
            ));
        }
        (!out.is_empty()).then(|| out.join(" "))
    }

    /// Goroutines that wait for a lock or for something outside.
    fn waiting(&self) -> u64 {
        self.report
            .dumps
            .iter()
            .filter(|d| d.head.set_aside.is_none())
            .flat_map(|d| &d.groups)
            .filter(|g| matches!(g.waits, "lock" | "call" | "outside"))
            .map(|g| g.count)
            .sum()
    }

    /// Id of a goroutine of a dump.
    fn id(&self, dump: usize, g: u32) -> u64 {
        self.dumps
            .get(dump)
            .and_then(|d| d.goroutines.get(g as usize))
            .map_or(0, |g| g.id)
    }

    fn dump_head(&self, summary: &DumpSummary) -> String {
        let head = &summary.head;
        let go = head
            .go
            .words()
            .map_or_else(String::new, |w| format!(", {w}"));
        format!(
            "{}:{}  {}, {}{go}, {} goroutines, {} at rest{}",
            (self.path)(head.place.source),
            head.place.line,
            head.process.as_deref().unwrap_or("unknown program"),
            head.kind.as_str(),
            head.goroutines,
            head.idle,
            if head.partial { ", cut" } else { "" },
        )
    }

    fn summary(&self, sheet: &mut Sheet) {
        sheet.line(&[(Ink::Bold, &self.headline())]);
        sheet.blank();
        if self.report.is_quiet() {
            sheet.line(&[(Ink::Green, self.quiet())]);
            if let Some(remark) = self.remark() {
                sheet.flow(&[], &[], Ink::Dim, &remark, 4);
            }
        }
    }

    fn chain(&self, sheet: &mut Sheet, number: usize, chain: &Chain, verbose: bool) {
        sheet.blank();
        sheet.line(&[(Ink::Red, &chain_head(number, chain))]);
        for (i, step) in chain.steps.iter().enumerate() {
            let lead = format!("  {} ", if i == 0 { " " } else { "↳" });
            sheet.flow(
                &[(Ink::Dim, &lead)],
                &[(Ink::Plain, "    ")],
                Ink::Plain,
                &step.text,
                6,
            );
            let shown = if verbose { usize::MAX } else { 3 };
            for q in step.evidence.iter().take(shown) {
                sheet.line(&[
                    (Ink::Cyan, &format!("      {}  ", self.place(q))),
                    (Ink::Dim, &cut(&q.text, 160)),
                ]);
            }
        }
        if chain.cycle {
            sheet.line(&[(Ink::Plain, "  ↳ and so to the first again")]);
        }
        if let Some(ask) = &chain.ask {
            sheet.flow(
                &[(Ink::Yellow, "  ask ")],
                &[(Ink::Plain, "      ")],
                Ink::Plain,
                &ask.what,
                3,
            );
            sheet.line(&[(Ink::Plain, &format!("      {}", ask.command))]);
        }
    }

    /// What single stacks show, beside the chains.
    fn beside(&self, sheet: &mut Sheet) {
        for (i, fact) in self.report.beside().take(BESIDE).enumerate() {
            if i == 0 {
                sheet.blank();
                sheet.line(&[(Ink::Bold, "Beside the chains")]);
            }
            let line = beside_line(fact);
            let after = [(Ink::Plain, "    ")];
            sheet.flow(&[(Ink::Plain, "  ")], &after, Ink::Plain, &line, 3);
            for q in fact.evidence.iter().take(3) {
                sheet.line(&[
                    (Ink::Cyan, &format!("      {}  ", self.place(q))),
                    (Ink::Dim, &cut(&q.text, 160)),
                ]);
            }
        }
    }

    fn locks(&self, sheet: &mut Sheet) {
        let locks: Vec<&Lock> = self.report.locks.iter().take(LOCKS).collect();
        if locks.is_empty() {
            return;
        }
        sheet.blank();
        sheet.line(&[(Ink::Bold, "Locks with a queue")]);
        for lock in locks {
            let address = lock
                .address
                .map_or_else(String::new, |a| format!(" 0x{a:x}"));
            let oldest = if lock.oldest > 0 {
                format!(", the oldest for some {} min", lock.oldest)
            } else {
                String::new()
            };
            let line = format!(
                "{}: {}{address}: {} waiting{oldest}",
                self.process(lock.dump),
                lock.name,
                lock.waiters.len()
            );
            sheet.flow(
                &[(Ink::Plain, "  ")],
                &[(Ink::Plain, "    ")],
                Ink::Plain,
                &line,
                3,
            );
            let Some(h) = &lock.holder else {
                sheet.line(&[(Ink::Dim, &format!("    {}", no_holder(lock)))]);
                continue;
            };
            let id = self.id(lock.dump, h.goroutine);
            let why = format!("goroutine {id}: {}", h.because.join("; "));
            sheet.flow(
                &[(Ink::Dim, "    probable holder ")],
                &[(Ink::Plain, "      ")],
                Ink::Plain,
                &why,
                6,
            );
            if !h.against.is_empty() {
                sheet.flow(
                    &[(Ink::Dim, "    against it ")],
                    &[(Ink::Plain, "      ")],
                    Ink::Plain,
                    &h.against.join("; "),
                    4,
                );
            }
        }
    }

    /// What each two dumps of one process show together.
    fn pairs(&self, sheet: &mut Sheet) {
        for pair in &self.report.pairs {
            sheet.blank();
            sheet.flow(
                &[],
                &[(Ink::Plain, "  ")],
                Ink::Bold,
                &self.pair_head(pair),
                3,
            );
            let lines = self.pair_lines(pair);
            if lines.is_empty() {
                sheet.line(&[(
                    Ink::Dim,
                    "  nothing waits in both at one place, and nothing grew",
                )]);
            }
            for line in &lines {
                let after = [(Ink::Plain, "    ")];
                sheet.flow(&[(Ink::Plain, "  ")], &after, Ink::Plain, line, 2);
            }
        }
    }

    /// `Two dumps of kubelet, 2 min 20 s apart: 138 and 137 goroutines`.
    fn pair_head(&self, pair: &Pair) -> String {
        let apart = pair.seconds.map_or_else(
            || String::from(" (how far apart is not known)"),
            |s| {
                let ns = s.saturating_mul(crate::base::time::SECOND);
                format!(", {} apart", crate::base::units::human_duration(ns))
            },
        );
        format!(
            "Two dumps of {}{apart}: {} and {} goroutines",
            self.process(pair.to),
            pair.before,
            pair.after
        )
    }

    fn grown<'g>(&'g self, pair: &'g Pair) -> impl Iterator<Item = &'g Growth> {
        let mine = move |g: &&Growth| (g.from, g.to) == (pair.from, pair.to);
        self.report.growth.iter().filter(mine).take(GROWTHS)
    }

    /// What is stuck in both, what grew.
    fn pair_lines(&self, pair: &Pair) -> Vec<String> {
        let mut out: Vec<String> = pair.stuck.iter().take(GROUPS).map(stuck_line).collect();
        let left = pair
            .stuck
            .len()
            .saturating_sub(GROUPS)
            .saturating_add(pair.groups_left_out);
        if left > 0 {
            out.push(format!("and {left} more groups in both"));
        }
        out.extend(self.grown(pair).map(|g| {
            let by = if g.creator.is_empty() {
                String::new()
            } else {
                format!(", started by {}", g.creator)
            };
            format!("grown: {} → {} in {}{by}", g.before, g.after, g.function)
        }));
        out
    }

    fn dumps(&self, sheet: &mut Sheet, filter: &Filter) {
        for summary in &self.report.dumps {
            let Some(dump) = self.dumps.get(summary.dump) else {
                continue;
            };
            sheet.blank();
            let head = self.dump_head(summary);
            sheet.flow(&[], &[(Ink::Plain, "  ")], Ink::Bold, &head, 3);
            if let Some(why) = &summary.head.set_aside {
                sheet.line(&[(Ink::Dim, &format!("  not followed further: {why}"))]);
            }
            let groups = self.groups(dump, filter);
            let most = if filter.all { usize::MAX } else { GROUPS };
            for g in groups.iter().take(most) {
                let wait = g.minutes.map_or_else(String::new, |m| format!(", {m} min"));
                let lead = format!(
                    "  {:>6}  {} ",
                    g.count,
                    pad(&format!("{}{wait}", g.state), 26)
                );
                sheet.flow(
                    &[(Ink::Plain, &lead)],
                    &[(Ink::Plain, "          ")],
                    Ink::Plain,
                    &format!("{}{}", g.function, labels(g)),
                    2,
                );
            }
            let left = groups.len().saturating_sub(most);
            if left > 0 {
                sheet.line(&[(
                    Ink::Dim,
                    &format!("          and {left} more groups (--all)"),
                )]);
            }
        }
    }

    /// The chains as a graph for Graphviz: an arrow says *waits for*.
    pub fn dot(&self) -> String {
        let mut out = String::from(
            "digraph waits {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n",
        );
        for (c, chain) in self.report.chains.iter().enumerate() {
            for (i, step) in chain.steps.iter().enumerate() {
                let shape = match step.node {
                    Node::Lock(_) => "ellipse",
                    Node::Process(_) => "box3d",
                    Node::Peer { .. } | Node::End { .. } => "doubleoctagon",
                    Node::Goroutine(..) => "box",
                };
                let _ = writeln!(
                    out,
                    "  c{c}s{i} [shape={shape}, label=\"{}\"];",
                    label(&step.text)
                );
                let next = if i + 1 < chain.steps.len() {
                    Some(i + 1)
                } else {
                    chain.cycle.then_some(0)
                };
                if let Some(next) = next {
                    let _ = writeln!(out, "  c{c}s{i} -> c{c}s{next};");
                }
            }
        }
        out.push_str("}\n");
        out
    }
}

/// `Stuck 1: 9 goroutines, for some 113 min; since about …`.
fn chain_head(number: usize, chain: &Chain) -> String {
    let what = if chain.cycle { "Deadlock" } else { "Stuck" };
    let noun = if chain.behind == 1 {
        "goroutine"
    } else {
        "goroutines"
    };
    let mut head = format!("{what} {number}: {} {noun}", chain.behind);
    if chain.minutes > 0 {
        let _ = write!(head, ", for some {} min", chain.minutes);
    }
    if let Some(since) = chain.since {
        let _ = write!(head, "; since about {}", to_the_second(since));
    }
    head
}

/// `kubelet: a goroutine sends to a channel in …`.
fn beside_line(fact: &WaitFact) -> String {
    let program = fact.keys.get("program").map_or("a process", String::as_str);
    format!("{program}: {}", fact.because)
}

/// A time that minutes were counted back from: parts of a second would say more than is known.
fn to_the_second(at: Stamp) -> String {
    let second = crate::base::time::SECOND;
    crate::base::time::Instant(at.at.0.div_euclid(second).saturating_mul(second)).rfc3339()
}

/// `in both, all the time: 5 in daemon.Daemon.ContainerInspect (semacquire, 4 → 9 min; goroutines 203, 204)`.
fn stuck_line(s: &Stuck) -> String {
    let minutes = if s.after > 0 {
        format!(", {} → {} min", s.before, s.after)
    } else {
        String::new()
    };
    let ids: Vec<String> = s.ids.iter().take(5).map(u64::to_string).collect();
    let more = if s.count > 5 { ", …" } else { "" };
    format!(
        "{}: {} in {} ({}{minutes}; goroutine{} {}{more})",
        if s.proven {
            "in both, all the time"
        } else {
            "in both, perhaps by chance"
        },
        s.count,
        s.function,
        s.state,
        if s.count == 1 { "" } else { "s" },
        ids.join(", ")
    )
}

/// ` {tenant: shop} and others`.
fn labels(g: &Group) -> String {
    let Some((first, n)) = g.labels.first() else {
        return String::new();
    };
    let others = if *n < g.count { " and others" } else { "" };
    format!("  {{{first}}}{others}")
}

/// Why nobody is named as a lock's holder.
fn no_holder(lock: &Lock) -> &'static str {
    if lock.own.is_some() {
        "one of those who wait took it itself, further out on its stack"
    } else if lock.oldest > 0 {
        "no goroutine of the dump surely fits as the holder: it may have returned without unlocking, or wait for another lock"
    } else {
        "no goroutine of the dump fits as the holder"
    }
}

/// Text in a label: escaped, in lines of some forty characters.
fn label(text: &str) -> String {
    let mut out = String::new();
    let mut used = 0;
    for word in printable(text.as_bytes()).split(' ') {
        if used > 40 {
            out.push_str("\\n");
            used = 0;
        } else if !out.is_empty() {
            out.push(' ');
        }
        used += word.len() + 1;
        out.push_str(&word.replace('\\', "\\\\").replace('"', "\\\""));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_and_broken() {
        assert_eq!(label("say \"x\" \x1b"), "say \\\"x\\\" \\\\x1b");
        assert!(label(&"word ".repeat(40)).contains("\\n"));
    }
}
