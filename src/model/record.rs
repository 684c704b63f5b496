//! One log entry, read from its bytes.

use std::borrow::Cow;

use crate::base::time::RawStamp;

/// Severity of a log entry, as its format prints it. `Error` does not mean that something failed: many
/// retries are logged as errors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The format does not tell.
    #[default]
    Unknown,
    /// Debug or trace.
    Debug,
    /// Information.
    Info,
    /// Warning.
    Warning,
    /// Error.
    Error,
    /// The process ends after it.
    Fatal,
}

impl Level {
    /// The letter klog prints (`?` when unknown).
    pub fn letter(self) -> char {
        match self {
            Self::Unknown => '?',
            Self::Debug => 'D',
            Self::Info => 'I',
            Self::Warning => 'W',
            Self::Error => 'E',
            Self::Fatal => 'F',
        }
    }

    /// The level for a letter (`I W E F D`).
    pub fn from_letter(letter: char) -> Self {
        match letter {
            'D' | 'T' => Self::Debug,
            'I' | 'N' => Self::Info,
            'W' => Self::Warning,
            'E' => Self::Error,
            'F' | 'C' | 'P' => Self::Fatal,
            _ => Self::Unknown,
        }
    }
}

/// One log entry. `text` is its *canonical text*: what the catalogue's expressions are matched against.
///
/// Canonical text is the message with one level of quoting removed, then ` key=value` for each field, the
/// value unquoted as well. So klog's `"Failed to update lease" err="x: \"y\""`, the JSON form
/// `{"msg":"Failed to update lease","err":"x: \"y\""}` and the logfmt form
/// `msg="Failed to update lease" err="x: \"y\""` all read `Failed to update lease err=x: "y"`.
/// A printf message is its own canonical text.
#[derive(Clone, Debug, Default)]
pub struct Record<'a> {
    /// How many equal entries it stands for (0: itself), where a syslog folded them.
    pub repeats: u64,
    /// The best time on the line: innermost with an offset, else a wrapper's with an offset, else the
    /// innermost local reading.
    pub time: Option<RawStamp>,
    /// Offset in seconds of the inner local reading from UTC, when a wrapper with an offset shows it.
    pub zone: Option<i32>,
    /// Severity.
    pub level: Level,
    /// `file.go:123`, where printed.
    pub caller: Option<Cow<'a, str>>,
    /// Process id, from the innermost layer that has one.
    pub pid: Option<u64>,
    /// Host name from a journald or syslog prefix.
    pub host: Option<Cow<'a, str>>,
    /// Program name from a journald or syslog prefix.
    pub ident: Option<Cow<'a, str>>,
    /// Canonical text.
    pub text: Cow<'a, [u8]>,
    /// Length of the message within `text`; fields follow.
    pub message: usize,
    /// Fields in printed order, values unquoted.
    pub fields: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl Record<'_> {
    /// The value of a field (the last one wins, as in klog).
    pub fn field(&self, key: &str) -> Option<&str> {
        self.fields
            .iter()
            .rev()
            .find(|(k, _)| k == key)
            .map(|(_, v)| &**v)
    }
}
