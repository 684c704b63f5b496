//! Any bytes as lines of a log: the cheap questions and the whole record agree and nothing panics.
#![no_main]

use kforensics::parse::log;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for line in bytes.split(|b| *b == b'\n') {
        let glance = log::glance(line);
        assert_eq!(glance.level, log::level(line));
        assert_eq!(glance.partial, log::partial(line));
        let _ = (
            log::time(line),
            log::starts_record(line),
            log::formats(line),
        );
    }
    let record = log::record(bytes);
    assert!(record.message <= record.text.len());
    match log::ident(bytes) {
        log::Ident::Named(program) => assert_eq!(record.ident, Some(program)),
        log::Ident::Absent => assert_eq!(record.ident, None),
        log::Ident::Hidden => {}
    }
});
