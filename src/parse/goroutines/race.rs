//! A report of the race detector, line by line.
//!
//! `Write at 0x00c00001c0a8 by goroutine 7:` begins an access, whose frames follow as in any stack;
//! `Goroutine 7 (running) created at:` begins the stack that started it, of which only the first call counts.

use super::line::{Line, classify};

/// What a line says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said<'a> {
    /// The report is complete.
    End,
    /// An access; frames follow. Goroutine 1 is the main one.
    Access {
        id: u64,
        state: String,
    },
    /// Where a goroutine or a mutex was made; what follows are no frames of an access.
    Origin,
    /// The call that started goroutine `of`.
    Creator {
        of: u64,
        name: Vec<u8>,
        location: &'a [u8],
    },
    /// A further line of an origin.
    More,
    Nothing,
}

/// Whose origin is read.
#[derive(Debug, Default)]
enum Origin {
    #[default]
    None,
    Goroutine(u64),
    /// A mutex, or a goroutine whose creator is known.
    Other,
}

/// The reading of one report.
#[derive(Debug, Default)]
pub(super) struct Race {
    origin: Origin,
    /// The function whose place comes next.
    name: Vec<u8>,
}

impl Race {
    /// Reads a line that is no frame of an access.
    pub(super) fn line<'a>(&mut self, line: &'a [u8]) -> Said<'a> {
        let text = line.trim_ascii();
        if text.starts_with(b"==================") {
            return Said::End;
        }
        if let Some(words) = text.strip_suffix(b":") {
            return self.heading(&String::from_utf8_lossy(words));
        }
        if matches!(self.origin, Origin::None) {
            return Said::Nothing;
        }
        match classify(line) {
            Line::Function(name, _) => {
                self.name = name.to_vec();
                Said::More
            }
            Line::File(location) => {
                let name = std::mem::take(&mut self.name);
                match self.origin {
                    Origin::Goroutine(of) if !name.is_empty() => {
                        self.origin = Origin::Other;
                        Said::Creator { of, name, location }
                    }
                    _ => Said::More,
                }
            }
            _ => Said::Nothing,
        }
    }

    fn heading(&mut self, words: &str) -> Said<'static> {
        if let Some((access, who)) = words
            .split_once(" by ")
            .filter(|(access, _)| access.contains(" at 0x"))
        {
            self.origin = Origin::None;
            let id = who
                .strip_prefix("goroutine ")
                .map_or(Some(1), |n| n.parse().ok());
            let access = access.split(" at 0x").next().unwrap_or(access);
            return Said::Access {
                id: id.unwrap_or(0),
                state: format!("race: {}", access.to_lowercase()),
            };
        }
        if !words.ends_with("created at") {
            return Said::Nothing;
        }
        self.origin = words
            .strip_prefix("Goroutine ")
            .and_then(|r| r.split(' ').next())
            .and_then(|n| n.parse().ok())
            .map_or(Origin::Other, Origin::Goroutine);
        self.name.clear();
        Said::Origin
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_a_report() {
        let mut race = Race::default();
        let access = |id, state: &str| Said::Access {
            id,
            state: state.to_owned(),
        };
        let cases = [
            (
                "Write at 0x00c00001c0a8 by goroutine 7:",
                access(7, "race: write"),
            ),
            (
                "Previous atomic write at 0x00c00001c0a8 by main goroutine:",
                access(1, "race: previous atomic write"),
            ),
            ("  [failed to restore the stack]", Said::Nothing),
            ("Mutex M12 (0x00c00001c0a8) created at:", Said::Origin),
            ("  main.main()", Said::More),
            ("      /src/main.go:9 +0x1", Said::More),
            ("Goroutine 7 (finished) created at:", Said::Origin),
            ("  main.start()", Said::More),
            (
                "      /src/main.go:15 +0x44",
                Said::Creator {
                    of: 7,
                    name: b"main.start".to_vec(),
                    location: b"/src/main.go:15",
                },
            ),
            ("  main.main()", Said::More),
            ("      /src/main.go:3 +0x44", Said::More),
            ("==================", Said::End),
        ];
        for (line, said) in cases {
            assert_eq!(race.line(line.as_bytes()), said, "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_lines(lines: Vec<Vec<u8>>) {
            let mut race = Race::default();
            for line in &lines {
                let _ = race.line(line);
            }
        }
    }
}
