//! Any bytes as a table, an object, a describe or host output: each statement names a line of the text.
#![no_main]

use kforensics::model::SourceKind;
use kforensics::parse::{sniff, state};
use libfuzzer_sys::fuzz_target;

/// The kinds that are read as statements.
const KINDS: [SourceKind; 6] = [
    SourceKind::Objects,
    SourceKind::Table,
    SourceKind::Describe,
    SourceKind::Processes,
    SourceKind::Certificates,
    SourceKind::Host,
];

fuzz_target!(|bytes: &[u8]| {
    let sniffed = sniff::sniff("kubectl/get-pods.txt", bytes);
    let lines = bytes.split(|b| *b == b'\n').count() as u64;
    for kind in KINDS.into_iter().chain([sniffed.kind]) {
        let reading = state::read(kind, "kubectl/get-pods.txt", bytes);
        for line in &reading.lines {
            assert!(
                line.line <= lines,
                "{kind:?}: line {} of {lines}",
                line.line
            );
        }
    }
});
