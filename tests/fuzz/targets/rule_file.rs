//! Any text as a rule file: it loads or its mistakes are told.
#![no_main]

use kforensics::catalog::{Catalog, RuleText};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let file = RuleText {
        id: String::from("family/name"),
        path: String::from("name.toml"),
        text: text.to_owned(),
    };
    if let Err(error) = Catalog::of(&[file]) {
        let _ = error.to_string();
    }
});
