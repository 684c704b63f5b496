//! How fast each stage is: `cargo bench --bench speed [-- <name>]`. What the figures mean: `docs/performance.md`.

#![expect(clippy::expect_used, reason = "a bench that cannot run has to stop")]

use std::fmt::{self, Write as _};
use std::path::Path;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use kforensics::base::progress::Silent;
use kforensics::catalog::{Catalog, RuleText};
use kforensics::extract::{Observation, observe};
use kforensics::infer::waits;
use kforensics::input::{Found, Input};
use kforensics::model::{Place, SourceId};
use kforensics::parse::{goroutines, log};
use kforensics::pipeline::{self, Options};

#[path = "../generate/mod.rs"]
mod generate;

use generate::Format;

const MIB: u64 = 1 << 20;

fn main() {
    divan::main();
}

/// A format by its name.
struct Named(Format);

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

fn formats() -> impl Iterator<Item = Named> {
    Format::ALL.into_iter().map(Named)
}

fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split(|b| *b == b'\n')
        .filter(|l| !l.is_empty())
        .collect()
}

/// Lines per second that are read whole.
#[divan::bench(args = formats())]
fn record(bencher: Bencher<'_, '_>, format: &Named) {
    let text = generate::lines(format.0, MIB, 7);
    let lines = lines(&text);
    bencher
        .counter(ItemsCount::new(lines.len()))
        .bench_local(|| {
            for line in &lines {
                black_box(log::record(black_box(line)));
            }
        });
}

/// Lines per second whose headers are looked at: what every line costs.
#[divan::bench(args = formats())]
fn glance(bencher: Bencher<'_, '_>, format: &Named) {
    let text = generate::lines(format.0, MIB, 7);
    let lines = lines(&text);
    bencher
        .counter(ItemsCount::new(lines.len()))
        .bench_local(|| {
            for line in &lines {
                black_box(log::glance(black_box(line)));
            }
        });
}

/// A block of lines of all formats.
fn mixed() -> Vec<u8> {
    Format::ALL
        .into_iter()
        .flat_map(|format| generate::lines(format, MIB, 7))
        .collect()
}

fn scan(catalog: &Catalog, path: &str, mut text: &[u8]) -> Observation {
    let found = Found::named(path.to_owned());
    observe(catalog, &found, &mut text)
}

/// Bytes per second of one log of each format, with the built-in catalogue.
#[divan::bench(args = formats())]
fn source(bencher: Bencher<'_, '_>, format: &Named) {
    let catalog = Catalog::builtin().expect("the catalogue is sound");
    let text = generate::lines(format.0, 4 * MIB, 7);
    bencher
        .counter(BytesCount::of_slice(&text))
        .bench_local(|| scan(&catalog, "x.log", black_box(&text)));
}

/// Bytes per second of a mixed log, with the built-in catalogue.
#[divan::bench]
fn block(bencher: Bencher<'_, '_>) {
    let catalog = Catalog::builtin().expect("the catalogue is sound");
    let text = mixed();
    bencher
        .counter(BytesCount::of_slice(&text))
        .bench_local(|| scan(&catalog, "mixed.log", black_box(&text)));
}

/// Bytes per second in which the anchors of the built-in catalogue that may stand in a log are looked for.
#[divan::bench]
fn anchors(bencher: Bencher<'_, '_>) {
    let catalog = Catalog::builtin().expect("the catalogue is sound");
    let text = mixed();
    bencher
        .counter(BytesCount::of_slice(&text))
        .bench_local(|| {
            let mut hits = 0_usize;
            catalog
                .log_anchors()
                .0
                .find(black_box(&text), |_, _| hits += 1);
            hits
        });
}

/// Bytes per second as the number of patterns grows.
#[divan::bench(args = [50, 100, 200, 400])]
fn patterns(bencher: Bencher<'_, '_>, count: u32) {
    let catalog = synthetic(count);
    let text = mixed();
    bencher
        .counter(BytesCount::of_slice(&text))
        .bench_local(|| scan(&catalog, "mixed.log", black_box(&text)));
}

/// A catalogue of `count` facts with one pattern each; every tenth has an anchor that ordinary lines hold.
fn synthetic(count: u32) -> Catalog {
    let files: Vec<RuleText> = (0..count)
        .map(|n| {
            let anchor = if n % 10 == 0 {
                format!("shop-staging/c{}", n % 7)
            } else {
                format!("failure number {n:05} of")
            };
            let text = format!(
                r#"title = {{ en = "Fact {n}", zh = "{n}" }}
entity = "component/f{n}"
severity = "low"
since = "0.1.0"
[[pattern]]
component = ["kubelet"]
anchor = "{anchor}"
regex = '{anchor}(?<rest>\w*)'
[[matches]]
line = 'I1120 17:06:13.398027      60 x.go:1] {anchor}x'
gives = ["component/f{n}"]
[[ignores]]
line = 'I1120 17:06:13.398027      60 x.go:1] nothing'
why = "nothing"
"#
            );
            RuleText {
                id: format!("synthetic/f{n}"),
                path: format!("f{n}.toml"),
                text,
            }
        })
        .collect();
    Catalog::of(&files).expect("the synthetic catalogue is sound")
}

/// A dump of so many goroutines, a third of which queue for one of sixteen locks. The largest has small stacks.
fn dump_of(count: u32) -> String {
    let mut text = String::new();
    for n in 0..count {
        let state = if n % 3 == 0 { "semacquire" } else { "select" };
        let lock = n % 16;
        let _ = writeln!(text, "goroutine {} [{state}, {} minutes]:", n + 1, n % 60);
        if count < 1_000_000 {
            let _ = write!(
                text,
                "sync.runtime_SemacquireMutex(0xc000{lock:06x}, 0x0, 0x1)\n\t/usr/local/go/src/runtime/sema.go:71 +0x47\n",
            );
        }
        let _ = write!(
            text,
            "sync.(*Mutex).lockSlow(0xc000{lock:06x})\n\t/usr/local/go/src/sync/mutex.go:138 +0x105\nmain.(*Store).Get(0xc000{lock:06x}, 0x{n:x})\n\t/src/store.go:{} +0x1f\ncreated by main.serve\n\t/src/main.go:80 +0x3a\n\n",
            n % 40 + 1,
        );
    }
    text
}

const GOROUTINES: [u32; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// Goroutines per second as a dump grows, read only: the time is linear.
#[divan::bench(args = GOROUTINES, sample_count = 5)]
fn dump(bencher: Bencher<'_, '_>, count: u32) {
    let text = dump_of(count);
    let start = Place {
        source: SourceId(0),
        offset: 0,
        line: 1,
    };
    bencher
        .counter(ItemsCount::new(count))
        .bench_local(|| goroutines::read(black_box(text.as_bytes()), start));
}

/// The same with groups, locks, holders and chains.
#[divan::bench(args = GOROUTINES, sample_count = 5)]
fn dump_and_waits(bencher: Bencher<'_, '_>, count: u32) {
    let text = dump_of(count);
    let start = Place {
        source: SourceId(0),
        offset: 0,
        line: 1,
    };
    bencher.counter(ItemsCount::new(count)).bench_local(|| {
        let dumps = goroutines::read(black_box(text.as_bytes()), start);
        waits::analyse(&dumps, &waits::Host::default())
    });
}

/// The whole way from a directory and from an archive of 64 MiB to the incidents.
#[divan::bench(args = ["directory", "tar.gz"], sample_count = 5)]
fn analyze(bencher: Bencher<'_, '_>, form: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plan = generate::Plan::of(64 * MIB, 7);
    let at = folder.path().join(form);
    let bytes = if form == "directory" {
        plan.directory(&at)
    } else {
        plan.tar_gz(&at)
    }
    .expect("the bundle is written");
    bencher
        .counter(BytesCount::new(bytes))
        .bench_local(|| run(&at));
}

fn run(bundle: &Path) -> usize {
    let options = Options {
        inputs: vec![Input::Path(bundle.to_owned())],
        ..Options::default()
    };
    pipeline::run(&options, &Silent)
        .expect("the bundle is readable")
        .analysis
        .incidents
        .len()
}
