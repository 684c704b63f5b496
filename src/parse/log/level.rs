//! Severity words of all formats brought to one scale.

use crate::model::Level;

/// The level a word names, whatever its case (`warn`, `WARNING`, `Warn`); `INFO+1`, `DEBUG-4` of slog too.
pub(super) fn from_word(word: &[u8]) -> Level {
    let end = word
        .iter()
        .position(|c| !c.is_ascii_alphabetic())
        .unwrap_or(word.len());
    let mut lower = [0_u8; 11];
    let (Some(word), Some(target)) = (word.get(..end), lower.get_mut(..end)) else {
        return Level::Unknown;
    };
    target.copy_from_slice(word);
    target.make_ascii_lowercase();
    match &*target {
        // `Level(-4)` is how zap names a verbosity that has no name.
        b"trace" | b"trac" | b"debug" | b"debu" | b"dbg" | b"level" | b"finest" | b"fine" => {
            Level::Debug
        }
        b"info" | b"inf" | b"notice" | b"information" | b"default" | b"normal" => Level::Info,
        b"warn" | b"warning" | b"wrn" => Level::Warning,
        b"error" | b"erro" | b"err" | b"eror" | b"severe" => Level::Error,
        b"fatal" | b"fata" | b"panic" | b"pani" | b"dpanic" | b"critical" | b"crit" | b"alert"
        | b"emerg" | b"emergency" => Level::Fatal,
        _ => Level::Unknown,
    }
}

/// The level of a syslog priority; 6 (info) is what every captured stream gets and says nothing.
pub(super) fn from_priority(priority: u64) -> Level {
    match priority {
        0..=2 => Level::Fatal,
        3 => Level::Error,
        4 => Level::Warning,
        5 => Level::Info,
        7 => Level::Debug,
        _ => Level::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        for (word, level) in [
            ("info", Level::Info),
            ("INFO+1", Level::Info),
            ("Warning", Level::Warning),
            ("ERRO", Level::Error),
            ("DPANIC", Level::Fatal),
            ("Level(-4)", Level::Debug),
            ("Metadata", Level::Unknown),
            ("", Level::Unknown),
            ("incomprehensible", Level::Unknown),
        ] {
            assert_eq!(from_word(word.as_bytes()), level, "{word}");
        }
    }
}
