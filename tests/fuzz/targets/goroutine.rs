//! Any bytes as a goroutine dump: what is read lies within the text.
#![no_main]

use kforensics::model::{Place, SourceId};
use kforensics::parse::goroutines;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let start = Place {
        source: SourceId(0),
        offset: 0,
        line: 1,
    };
    let _ = goroutines::read(bytes, start);
});
