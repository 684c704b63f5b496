//! Makes the bytes of a bundle: the evidence of a scenario among ordinary lines, seeded.

use std::collections::BTreeMap;
use std::io::Write;

use chrono::Duration;

use super::moment::{Moment, distance, moment, notation};
use super::noise::{Random, chatter};
use super::scenario::{File, Style, Wrap};

/// A bundle in memory: path to content.
pub type Bundle = BTreeMap<String, Vec<u8>>;

/// Where and when a bundle is made.
#[derive(Clone, Debug)]
pub struct Setting {
    /// When it is collected.
    pub collected: Moment,
    /// The folder above its files.
    pub folder: String,
    /// What random choices begin with.
    pub seed: u64,
}

impl Setting {
    /// For a collection time such as `2019-06-22 10:05:00` in `+08:00`.
    pub fn of(collected: &str, zone: &str, folder: &str, seed: u64) -> Self {
        let collected = moment(collected, zone);
        let folder = fill(folder, collected, collected, 0, seed);
        Self {
            collected,
            folder,
            seed,
        }
    }
}

/// Makes every file.
pub fn bundle(files: &[File], setting: &Setting) -> Bundle {
    files
        .iter()
        .enumerate()
        .map(|(i, file)| {
            let path = fill(
                &file.path,
                setting.collected,
                setting.collected,
                0,
                setting.seed,
            );
            let path = if setting.folder.is_empty() {
                path
            } else {
                format!("{}/{path}", setting.folder)
            };
            (path, content(file, setting, i as u64))
        })
        .collect()
}

/// The bundle as `.tar.gz`; members carry the time of collection.
pub fn tar_gz(bundle: &Bundle, collected: Moment) -> Vec<u8> {
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut tar = tar::Builder::new(gzip);
    for (path, content) in bundle {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(collected.timestamp().try_into().unwrap_or(0));
        header.set_cksum();
        tar.append_data(&mut header, path, &content[..])
            .expect("writing into memory");
    }
    tar.into_inner()
        .and_then(flate2::write::GzEncoder::finish)
        .expect("writing into memory")
}

fn content(file: &File, setting: &Setting, number: u64) -> Vec<u8> {
    if let Some(text) = &file.text {
        return repeats(text, setting).into_bytes();
    }
    let mut records = evidence(file, setting);
    if let Some(path) = &file.include {
        records.push((
            setting.collected + distance(&file.include_at),
            Some(included(path)),
        ));
    }
    let mut random = Random::of(setting.seed, 1000 + number);
    let (from, to) = (
        setting.collected + distance(&file.from),
        setting.collected + distance(&file.to),
    );
    let span = (to - from).num_microseconds().unwrap_or(0).max(1);
    for _ in 0..file.amount {
        let at = from
            + Duration::microseconds(i64::try_from(random.below(span.unsigned_abs())).unwrap_or(0));
        records.push((at, None));
    }
    // Stable: evidence lines of one moment keep their order.
    records.sort_by_key(|(at, _)| *at);
    let mut out = Vec::new();
    for (at, text) in records {
        let text =
            text.unwrap_or_else(|| chatter(&file.noise, file.style, &mut random, at, &file.host));
        line(file, at, &text, &mut out);
    }
    out
}

/// Marks a record that has no header of its own.
const BARE: &str = "\u{0}";

/// A file of the repository as one record, without journal prefixes.
fn included(path: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let prefix = regex::Regex::new(r"(?m)^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ \S+\[\d+\]: ")
        .expect("a constant");
    format!("{BARE}{}", prefix.replace_all(&text, ""))
}

/// The evidence lines with their moments.
fn evidence(file: &File, setting: &Setting) -> Vec<(Moment, Option<String>)> {
    let mut records: Vec<(Moment, Option<String>)> = Vec::new();
    let mut parsed: Vec<(String, String)> = Vec::new();
    for text in file.lines.lines() {
        let head = text
            .split_once(" | ")
            .filter(|(when, _)| when.trim_start().starts_with(['-', '+']));
        match (head, parsed.last_mut()) {
            (Some((when, rest)), _) => parsed.push((when.trim().to_owned(), rest.to_owned())),
            // A record of several lines.
            (None, Some(last)) if !text.trim().is_empty() => last.1 = format!("{}\n{text}", last.1),
            (None, None) if !text.trim().is_empty() => {
                panic!("{}: no time before {text:?}", file.path)
            }
            _ => {}
        }
    }
    for (when, text) in parsed {
        let words: Vec<&str> = when.split_whitespace().collect();
        let mut at = setting.collected + distance(words[0]);
        let (step, end) = match words[1..] {
            [] => (Duration::seconds(1), at),
            ["every", step, "until", end] => (distance(step), setting.collected + distance(end)),
            _ => panic!("{}: when is {when:?}", file.path),
        };
        let mut n = 0;
        while at <= end {
            records.push((
                at,
                Some(fill(&text, at, setting.collected, n, setting.seed)),
            ));
            n += 1;
            at += step;
        }
    }
    records
}

/// Writes one record with its header and wrapping.
fn line(file: &File, at: Moment, text: &str, out: &mut Vec<u8>) {
    let stamp = |name| notation(name, at, at).unwrap_or_default();
    let record = match file.style {
        _ if text.starts_with(BARE) => text[BARE.len()..].to_owned(),
        Style::Plain => text.to_owned(),
        Style::Klog => {
            let (level, rest) = text.split_once(' ').unwrap_or(("I", text));
            format!("{level}{} {:7} {rest}", stamp("klog"), file.pid)
        }
        Style::Logfmt => {
            let (level, rest) = text.split_once(' ').unwrap_or(("info", text));
            format!("time=\"{}\" level={level} {rest}", stamp("nano"))
        }
        Style::Istio => format!("{}\t{text}", stamp("zmicro")),
        Style::Syslog => format!("{} {} {text}", stamp("short"), file.host),
    };
    for physical in record.lines() {
        let _ = match file.wrap {
            Wrap::None => writeln!(out, "{physical}"),
            Wrap::Journal => writeln!(
                out,
                "{} {} {}: {physical}",
                stamp("short"),
                file.host,
                file.program
            ),
            Wrap::Cri => writeln!(out, "{} stderr F {physical}", stamp("nano")),
            Wrap::Docker => {
                let log = serde_json::Value::from(format!("{physical}\n"));
                writeln!(
                    out,
                    "{{\"log\":{log},\"stream\":\"stderr\",\"time\":\"{}\"}}",
                    stamp("znano")
                )
            }
        };
    }
}

/// Fills a text; what stands between `@repeat N` and `@end` comes N times, with `{n}`.
fn repeats(text: &str, setting: &Setting) -> String {
    let mut out = String::new();
    let mut block: Option<(u64, String)> = None;
    for text in text.lines() {
        if let Some(times) = text.strip_prefix("@repeat ") {
            block = Some((times.trim().parse().expect("how often"), String::new()));
        } else if text == "@end" {
            let (times, body) = block.take().expect("@repeat before @end");
            for n in 0..times {
                out += &fill(&body, setting.collected, setting.collected, n, setting.seed);
            }
        } else if let Some((_, body)) = &mut block {
            *body += text;
            body.push('\n');
        } else {
            out += &fill(text, setting.collected, setting.collected, 0, setting.seed);
            out.push('\n');
        }
    }
    out
}

/// Fills `{klog}`, `{z@-2h}`, `{n}`, `{n+100}`, `{hex64:name}`, `{uid:name}`; any other brace stays.
pub fn fill(text: &str, at: Moment, collected: Moment, n: u64, seed: u64) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        out += &rest[..open];
        rest = &rest[open..];
        let filled = rest
            .find('}')
            .and_then(|close| Some((place(&rest[1..close], at, collected, n, seed)?, close)));
        if let Some((value, close)) = filled {
            out += &value;
            rest = &rest[close + 1..];
        } else {
            out.push('{');
            rest = &rest[1..];
        }
    }
    out + rest
}

fn place(name: &str, at: Moment, collected: Moment, n: u64, seed: u64) -> Option<String> {
    if name == "n" {
        return Some(n.to_string());
    }
    if let Some(base) = name.strip_prefix("n+") {
        return Some((base.parse::<u64>().ok()? + n).to_string());
    }
    if let Some((digits, key)) = name.strip_prefix("hex").and_then(|r| r.split_once(':')) {
        return Some(hex(
            digits.parse().ok()?,
            &key.replace('#', &n.to_string()),
            seed,
        ));
    }
    if let Some(key) = name.strip_prefix("uid:") {
        let h = hex(32, &key.replace('#', &n.to_string()), seed);
        return Some(format!(
            "{}-{}-{}-{}-{}",
            &h[..8],
            &h[8..12],
            &h[12..16],
            &h[16..20],
            &h[20..]
        ));
    }
    let (name, at) = match name.split_once('@') {
        Some((name, away)) => (name, collected + distance(away)),
        None => (name, at),
    };
    notation(name, at, collected)
}

/// The same digits for the same name.
fn hex(digits: usize, key: &str, seed: u64) -> String {
    let stream = key.bytes().fold(17_u64, |h, b| {
        h.wrapping_mul(1_099_511_628_211) ^ u64::from(b)
    });
    let mut random = Random::of(seed, stream);
    let mut out = String::new();
    while out.len() < digits {
        out += &format!("{:016x}", random.next());
    }
    out.truncate(digits);
    out
}

/// Exchanges a text in every path and content (for scripted variants).
pub fn exchange(bundle: &Bundle, pairs: &[(String, String)]) -> Bundle {
    let swap = |text: &str| {
        pairs
            .iter()
            .fold(text.to_owned(), |t, (from, to)| t.replace(from, to))
    };
    bundle
        .iter()
        .map(|(p, c)| (swap(p), swap(&String::from_utf8_lossy(c)).into_bytes()))
        .collect()
}
