//! Writes a bundle: `cargo run --release --example generate -- --bytes 1GiB --seed 7 --out DIR` (or `--out x.tar.gz`).

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command of its own"
)]

use std::path::PathBuf;
use std::process::ExitCode;

#[path = "mod.rs"]
#[expect(dead_code, reason = "the benches use more of it")]
mod generate;

const USAGE: &str =
    "usage: generate --out DIR|FILE.tar.gz [--bytes 64MiB] [--seed 7] [--local] [--healthy]";

fn main() -> ExitCode {
    let Some((plan, out)) = arguments() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let packed = out.to_string_lossy().ends_with(".gz");
    let done = if packed {
        plan.tar_gz(&out)
    } else {
        plan.directory(&out)
    };
    match done {
        Ok(bytes) => {
            println!("{}: {bytes} bytes", out.display());
            ExitCode::SUCCESS
        }
        Err(e) => {
            eprintln!("{}: {e}", out.display());
            ExitCode::FAILURE
        }
    }
}

fn arguments() -> Option<(generate::Plan, PathBuf)> {
    let mut plan = generate::Plan::of(64 << 20, 7);
    let mut out = None;
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--bytes" => plan.bytes = bytes(&words.next()?)?,
            "--seed" => plan.seed = words.next()?.parse().ok()?,
            "--out" => out = Some(PathBuf::from(words.next()?)),
            "--local" => plan.local = true,
            "--healthy" => plan.incident = false,
            _ => return None,
        }
    }
    Some((plan, out?))
}

fn bytes(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit: u64 = match text.get(digits.len()..)? {
        "" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}
