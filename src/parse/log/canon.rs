//! Builds canonical text: the message, then ` key=value` for each field, everything unquoted.

use std::borrow::Cow;

use crate::model::Record;

/// Most fields kept of one record; a line with more is data, not a log entry.
const FIELDS: usize = 256;

/// Canonical text under construction.
#[derive(Debug, Default)]
pub(super) struct Canon<'a> {
    text: Vec<u8>,
    message: usize,
    fields: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Canon<'a> {
    /// Starts with a message; its trailing line ends are not part of it.
    pub(super) fn new(message: &[u8]) -> Self {
        let message = message.trim_ascii_end();
        Self {
            text: message.to_vec(),
            message: message.len(),
            fields: Vec::new(),
        }
    }

    /// A field that the text shows.
    pub(super) fn show(&mut self, key: &'a [u8], value: Cow<'a, [u8]>) {
        if !self.text.is_empty() {
            self.text.push(b' ');
        }
        self.text.extend_from_slice(key);
        self.text.push(b'=');
        self.text.extend_from_slice(&value);
        self.keep(key, value);
    }

    /// A field that is kept beside the text.
    pub(super) fn keep(&mut self, key: &'a [u8], value: Cow<'a, [u8]>) {
        if self.fields.len() < FIELDS {
            self.fields
                .push((String::from_utf8_lossy(key), text(value)));
        }
    }

    /// What follows the entry in the record: lines that are not part of its structure.
    pub(super) fn append(&mut self, rest: &[u8]) {
        self.text.extend_from_slice(rest.trim_ascii_end());
    }

    /// Puts the parts into a record.
    pub(super) fn finish(self, record: &mut Record<'a>) {
        record.text = Cow::Owned(self.text);
        record.message = self.message;
        record.fields = self.fields;
    }
}

/// Bytes as text; invalid UTF-8 becomes U+FFFD.
pub(super) fn text(bytes: Cow<'_, [u8]>) -> Cow<'_, str> {
    match bytes {
        Cow::Borrowed(b) => String::from_utf8_lossy(b),
        Cow::Owned(v) => Cow::Owned(
            String::from_utf8(v)
                .unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()),
        ),
    }
}
