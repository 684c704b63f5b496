//! Says on standard error how far the reading is.

use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressStyle};

use super::stage::When;
use crate::base::progress::{Progress, Silent};
use crate::base::units::human_bytes;

/// The progress that `when` asks for.
pub(super) fn new(when: When, quiet: bool, is_terminal: bool) -> Box<dyn Progress> {
    match when {
        When::Never => Box::new(Silent),
        When::Auto if quiet || !is_terminal => Box::new(Silent),
        _ if is_terminal => Box::new(Bar::new()),
        _ => Box::new(Lines::default()),
    }
}

/// A bar that is redrawn in place.
struct Bar {
    shown: ProgressBar,
    files: AtomicU64,
    all_files: AtomicU64,
}

impl Bar {
    fn new() -> Self {
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template(
            "{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {msg} {elapsed}",
        );
        if let Ok(style) = style {
            bar.set_style(style);
        }
        Self {
            shown: bar,
            files: AtomicU64::new(0),
            all_files: AtomicU64::new(0),
        }
    }
}

impl Progress for Bar {
    fn total(&self, bytes: u64, files: u64) {
        self.shown.set_length(bytes);
        self.all_files.store(files, Ordering::Relaxed);
    }

    fn advance(&self, bytes: u64, files: u64) {
        self.shown.inc(bytes);
        let done = self
            .files
            .fetch_add(files, Ordering::Relaxed)
            .saturating_add(files);
        if files > 0 {
            // An archive counts as one file before it is opened: then more come out than were announced.
            let all = self.all_files.load(Ordering::Relaxed);
            if done <= all {
                self.shown.set_message(format!("{done}/{all} files"));
            } else {
                self.shown.set_message(format!("{done} files"));
            }
        }
    }

    fn finish(&self) {
        self.shown.finish_and_clear();
    }
}

/// A line at each tenth, for a log that somebody follows.
#[derive(Default)]
struct Lines {
    bytes: AtomicU64,
    all_bytes: AtomicU64,
    tenths: AtomicU64,
}

impl Progress for Lines {
    fn total(&self, bytes: u64, _files: u64) {
        self.all_bytes.store(bytes, Ordering::Relaxed);
    }

    fn advance(&self, bytes: u64, _files: u64) {
        let done = self
            .bytes
            .fetch_add(bytes, Ordering::Relaxed)
            .saturating_add(bytes);
        let all = self.all_bytes.load(Ordering::Relaxed);
        let tenths = done.saturating_mul(10).checked_div(all).unwrap_or(0);
        if tenths > self.tenths.fetch_max(tenths, Ordering::Relaxed) {
            say(done, all);
        }
    }

    fn finish(&self) {}
}

fn say(done: u64, all: u64) {
    // Nobody to tell it to is no failure.
    let _ = writeln!(
        std::io::stderr(),
        "read {} of {}",
        human_bytes(done),
        human_bytes(all)
    );
}
