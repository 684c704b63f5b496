//! Goroutine dumps as one HTML page: no script, no other file, every text of a bundle escaped.

use std::fmt::Write as _;

use super::{Filter, Told};
use crate::base::text::{cut, printable};
use crate::model::waits::{Chain, DumpSummary, Lock};

const STYLE: &str = "body{font:14px/1.45 sans-serif;margin:2em auto;max-width:70em;padding:0 1em;color:#222;background:#fff}\
h1{font-size:1.5em}h2{font-size:1.2em;border-bottom:1px solid #ccc;padding-bottom:.2em}\
ol{padding-left:1.5em}li{margin:.4em 0}pre{margin:.3em 0;padding:.4em;background:#f5f5f5;overflow-x:auto;font-size:12px}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.25em .6em;border-bottom:1px solid #eee;vertical-align:top}\
td.n{text-align:right}.stuck{color:#a00}.ok{color:#070}.dim{color:#666}code{font-size:12px}\
@media(prefers-color-scheme:dark){body{color:#ddd;background:#1b1b1b}pre{background:#262626}th,td{border-color:#333}.stuck{color:#f88}.ok{color:#7d7}.dim{color:#999}}";

/// Text of a bundle within HTML: control characters shown, markup taken literally.
fn safe(text: &str) -> String {
    let mut out = String::new();
    for c in printable(text.as_bytes()).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

impl Told<'_> {
    /// As one HTML page.
    pub fn html(&self, filter: &Filter) -> String {
        let mut out = String::from(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\">\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
             <title>Goroutines</title>",
        );
        let _ = writeln!(out, "<style>{STYLE}</style></head><body>");
        let _ = writeln!(out, "<h1>{}</h1>", safe(&self.headline()));
        if self.report.is_quiet() {
            let _ = writeln!(out, "<p class=\"ok\">{}</p>", safe(self.quiet()));
            if let Some(remark) = self.remark() {
                let _ = writeln!(out, "<p class=\"dim\">{}</p>", safe(&remark));
            }
        }
        for (i, chain) in self.report.chains.iter().enumerate() {
            self.html_chain(&mut out, i + 1, chain);
        }
        if self.report.beside().next().is_some() {
            out.push_str("<h2>Beside the chains</h2>\n<ul>\n");
            for fact in self.report.beside().take(super::BESIDE) {
                let _ = writeln!(out, "<li>{}</li>", safe(&super::beside_line(fact)));
            }
            out.push_str("</ul>\n");
        }
        self.html_locks(&mut out);
        for pair in &self.report.pairs {
            let _ = writeln!(out, "<h2>{}</h2>\n<ul>", safe(&self.pair_head(pair)));
            let lines = self.pair_lines(pair);
            if lines.is_empty() {
                out.push_str("<li>Nothing waits in both at one place, and nothing grew</li>\n");
            }
            for line in lines {
                let _ = writeln!(out, "<li>{}</li>", safe(&line));
            }
            out.push_str("</ul>\n");
        }
        for summary in &self.report.dumps {
            self.html_dump(&mut out, summary, filter);
        }
        out.push_str("</body></html>\n");
        out
    }

    fn html_chain(&self, out: &mut String, number: usize, chain: &Chain) {
        let _ = writeln!(
            out,
            "<h2 class=\"stuck\">{}</h2>\n<ol>",
            safe(&super::chain_head(number, chain))
        );
        for step in &chain.steps {
            let _ = write!(out, "<li>{}", safe(&step.text));
            if !step.evidence.is_empty() {
                out.push_str("<pre>");
                for q in &step.evidence {
                    let line = format!("{}  {}", self.place(q), cut(&q.text, 300));
                    let _ = writeln!(out, "{}", safe(&line));
                }
                out.push_str("</pre>");
            }
            out.push_str("</li>\n");
        }
        out.push_str("</ol>\n");
        if chain.cycle {
            out.push_str("<p>The last waits for the first.</p>\n");
        }
        if let Some(ask) = &chain.ask {
            let _ = writeln!(
                out,
                "<p>To collect: {}</p>\n<pre>{}</pre>",
                safe(&ask.what),
                safe(&ask.command)
            );
        }
    }

    fn html_locks(&self, out: &mut String) {
        if self.report.locks.is_empty() {
            return;
        }
        out.push_str("<h2>Locks with a queue</h2>\n<table><tr><th>Process<th>Lock<th>Waiting<th>Oldest<th>Probable holder</tr>\n");
        for lock in self.report.locks.iter().take(super::LOCKS) {
            let address = lock
                .address
                .map_or_else(String::new, |a| format!(" 0x{a:x}"));
            let oldest = if lock.oldest > 0 {
                format!("{} min", lock.oldest)
            } else {
                String::new()
            };
            let _ = writeln!(
                out,
                "<tr><td>{}<td>{}<code>{address}</code><td class=\"n\">{}<td class=\"n\">{oldest}<td>{}</tr>",
                safe(&self.process(lock.dump)),
                safe(&lock.name),
                lock.waiters.len(),
                safe(&self.html_holder(lock)),
            );
        }
        out.push_str("</table>\n");
    }

    fn html_holder(&self, lock: &Lock) -> String {
        let Some(h) = &lock.holder else {
            return String::from(super::no_holder(lock));
        };
        let against = if h.against.is_empty() {
            String::new()
        } else {
            format!(". Against it: {}", h.against.join("; "))
        };
        format!(
            "goroutine {}: {}{against}",
            self.id(lock.dump, h.goroutine),
            h.because.join("; ")
        )
    }

    fn html_dump(&self, out: &mut String, summary: &DumpSummary, filter: &Filter) {
        let Some(dump) = self.dumps.get(summary.dump) else {
            return;
        };
        let _ = writeln!(out, "<h2>{}</h2>", safe(&self.dump_head(summary)));
        if let Some(why) = &summary.head.set_aside {
            let _ = writeln!(
                out,
                "<p class=\"dim\">Not followed further: {}</p>",
                safe(why)
            );
        }
        let groups = self.groups(dump, filter);
        let most = if filter.all {
            usize::MAX
        } else {
            super::GROUPS
        };
        out.push_str("<table><tr><th>Count<th>State<th>Longest<th>Function<th>Started by</tr>\n");
        for g in groups.iter().take(most) {
            let wait = g.minutes.map_or_else(String::new, |m| format!("{m} min"));
            let frames: Vec<String> = g.frames.iter().map(|f| safe(f)).collect();
            let frames = frames.join("\n");
            let class = if g.is_idle() { " class=\"dim\"" } else { "" };
            let _ = writeln!(
                out,
                "<tr{class}><td class=\"n\">{}<td>{}<td class=\"n\">{wait}<td><details><summary><code>{}</code>{}</summary><pre>{}</pre></details><td><code>{}</code></tr>",
                g.count,
                safe(&g.state),
                safe(&g.function),
                safe(&super::labels(g)),
                frames,
                safe(g.creator.as_deref().unwrap_or("")),
            );
        }
        out.push_str("</table>\n");
        let left = groups.len().saturating_sub(most);
        if left > 0 {
            let _ = writeln!(out, "<p class=\"dim\">And {left} more groups (--all)</p>");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_a_bundle_stays_text() {
        assert_eq!(
            safe("<script>'x'\" & \x1b[31m"),
            "&lt;script&gt;&#39;x&#39;&quot; &amp; \\x1b[31m"
        );
    }
}
