//! Any bytes as an archive: every member is read to its end, and no more comes out than the limits allow.
#![no_main]

use std::io::{Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use kforensics::input::{Found, Input, Limits, Visitor, discover};
use kforensics::model::Status;
use libfuzzer_sys::fuzz_target;

/// Bytes that may come out of one input.
const LIMIT: u64 = 16 << 20;

#[derive(Default)]
struct Sink(AtomicU64);

impl Visitor for Sink {
    fn file(&self, _: &Found, reader: &mut dyn Read) {
        let mut block = [0; 4096];
        while let Ok(n) = reader.read(&mut block) {
            if n == 0 {
                break;
            }
            self.0.fetch_add(n as u64, Ordering::Relaxed);
        }
    }

    fn left_out(&self, _: &str, _: Status, _: String) {}

    fn progress(&self, _: u64, _: u64) {}
}

fuzz_target!(|bytes: &[u8]| {
    let path = std::env::temp_dir().join(format!("kforensics-fuzz-{}", std::process::id()));
    let written = std::fs::File::create(&path).and_then(|mut f| f.write_all(bytes));
    if written.is_err() {
        return;
    }
    let sink = Sink::default();
    let limits = Limits {
        total_bytes: LIMIT,
        members: 1000,
        ..Limits::default()
    };
    let _ = discover(&[Input::Path(path)], &limits, &sink);
    assert!(sink.0.load(Ordering::Relaxed) <= LIMIT);
});
