//! The report as JSON: dumps as an analysis has them, chains, what stands beside them, pairs of dumps.

use serde::Serialize;

use super::super::json;
use super::{Filter, Told, beside_line, to_the_second};
use crate::base::text::printable;
use crate::model::DumpNote;
use crate::model::waits::{Chain, DumpSummary, Pair};

impl Told<'_> {
    /// As JSON: the dumps in the form of an analysis, and the chains.
    pub fn json(&self, filter: &Filter) -> Result<String, serde_json::Error> {
        let out = Json {
            dumps: self
                .report
                .dumps
                .iter()
                .filter_map(|s| self.json_dump(s, filter))
                .collect(),
            chains: self
                .report
                .chains
                .iter()
                .map(|c| self.json_chain(c))
                .collect(),
            beside: self
                .report
                .beside()
                .map(|f| JsonBeside {
                    kind: f.kind,
                    text: printable(beside_line(f).as_bytes()),
                    count: f.count,
                    evidence: f
                        .evidence
                        .iter()
                        .map(|q| json::quote(q, &|place| (self.path)(place.source)))
                        .collect(),
                })
                .collect(),
            pairs: self
                .report
                .pairs
                .iter()
                .map(|p| self.json_pair(p))
                .collect(),
        };
        let mut text = serde_json::to_string_pretty(&out)?;
        text.push('\n');
        Ok(text)
    }

    fn json_dump(&self, summary: &DumpSummary, filter: &Filter) -> Option<json::Dump> {
        let dump = self.dumps.get(summary.dump)?;
        let groups = self.groups(dump, filter);
        let note = DumpNote::new(dump, summary, groups, &self.report.locks, usize::MAX);
        Some(json::dump(&note, &|place| (self.path)(place.source)))
    }

    fn json_pair(&self, pair: &Pair) -> JsonPair {
        let at = |dump: usize| {
            let place = self.dumps.get(dump).map(|d| d.place).unwrap_or_default();
            JsonPlace {
                artifact: (self.path)(place.source),
                line: place.line,
            }
        };
        JsonPair {
            process: printable(self.process(pair.to).as_bytes()),
            from: at(pair.from),
            to: at(pair.to),
            seconds: pair.seconds,
            goroutines: [pair.before, pair.after],
            stuck: pair
                .stuck
                .iter()
                .map(|s| JsonStuck {
                    function: printable(s.function.as_bytes()),
                    state: printable(s.state.as_bytes()),
                    count: s.count,
                    ids: s.ids.clone(),
                    minutes: [s.before, s.after],
                    all_the_time: s.proven,
                })
                .collect(),
            stuck_left_out: pair.groups_left_out as u64,
            grown: self
                .grown(pair)
                .map(|g| JsonGrown {
                    function: printable(g.function.as_bytes()),
                    created_by: printable(g.creator.as_bytes()),
                    count: [g.before, g.after],
                })
                .collect(),
        }
    }

    fn json_chain(&self, chain: &Chain) -> JsonChain {
        JsonChain {
            deadlock: chain.cycle,
            behind: chain.behind,
            oldest_minutes: (chain.minutes > 0).then_some(chain.minutes),
            since: chain.since.map(to_the_second),
            steps: chain
                .steps
                .iter()
                .map(|s| JsonStep {
                    text: s.text.clone(),
                    count: s.count,
                    evidence: s
                        .evidence
                        .iter()
                        .map(|q| json::quote(q, &|place| (self.path)(place.source)))
                        .collect(),
                })
                .collect(),
            ask: chain.ask.as_ref().map(|a| a.command.clone()),
        }
    }
}

#[derive(Serialize)]
struct Json {
    dumps: Vec<json::Dump>,
    chains: Vec<JsonChain>,
    beside: Vec<JsonBeside>,
    pairs: Vec<JsonPair>,
}

#[derive(Serialize)]
struct JsonBeside {
    kind: &'static str,
    text: String,
    count: u64,
    evidence: Vec<json::Evidence>,
}

#[derive(Serialize)]
struct JsonPair {
    process: String,
    from: JsonPlace,
    to: JsonPlace,
    seconds: Option<i64>,
    goroutines: [u64; 2],
    stuck: Vec<JsonStuck>,
    stuck_left_out: u64,
    grown: Vec<JsonGrown>,
}

#[derive(Serialize)]
struct JsonPlace {
    artifact: String,
    line: u64,
}

#[derive(Serialize)]
struct JsonStuck {
    function: String,
    state: String,
    count: u64,
    ids: Vec<u64>,
    minutes: [u32; 2],
    all_the_time: bool,
}

#[derive(Serialize)]
struct JsonGrown {
    function: String,
    created_by: String,
    count: [u64; 2],
}

#[derive(Serialize)]
struct JsonChain {
    deadlock: bool,
    behind: u64,
    oldest_minutes: Option<u32>,
    since: Option<String>,
    steps: Vec<JsonStep>,
    ask: Option<String>,
}

#[derive(Serialize)]
struct JsonStep {
    text: String,
    count: u64,
    evidence: Vec<json::Evidence>,
}
