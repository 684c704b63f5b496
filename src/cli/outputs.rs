//! Where the reports of one run go: pairs of format and file, and files that are whole or not there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::{ArgMatches, ValueEnum};

use super::failure::Failure;
use super::stage::Stage;

/// A format of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Text,
    Json,
    Markdown,
}

impl Format {
    /// The format that a file's name asks for.
    fn of(path: &Path) -> Self {
        match path.extension().and_then(|e| e.to_str()) {
            Some("json") => Self::Json,
            Some("md" | "markdown") => Self::Markdown,
            _ => Self::Text,
        }
    }
}

/// One report: its format, and its file unless it goes to standard output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Output {
    pub(super) format: Format,
    pub(super) file: Option<PathBuf>,
}

/// The reports that the arguments ask for.
pub(super) fn wanted(matches: &ArgMatches) -> Result<Vec<Output>, Failure> {
    let formats = placed::<Format>(matches, "format");
    let files = placed::<PathBuf>(matches, "output");
    pairs(&formats, &files).map_err(|text| Failure::Usage(String::from(text)))
}

/// The values of an argument with their places on the command line.
fn placed<T: Clone + Send + Sync + 'static>(matches: &ArgMatches, name: &str) -> Vec<(usize, T)> {
    let places = matches.indices_of(name).into_iter().flatten();
    let values = matches.get_many::<T>(name).into_iter().flatten();
    places.zip(values.cloned()).collect()
}

/// A file belongs to the format before it; without one, its name tells the format. A format without a file
/// goes to standard output, which takes one report.
fn pairs(
    formats: &[(usize, Format)],
    files: &[(usize, PathBuf)],
) -> Result<Vec<Output>, &'static str> {
    // One of each belong together in any order.
    if let ([(_, format)], [(_, file)]) = (formats, files) {
        return Ok(vec![Output {
            format: *format,
            file: to_file(file),
        }]);
    }
    let mut all: Vec<(usize, Option<Format>, Option<&PathBuf>)> = formats
        .iter()
        .map(|(at, f)| (*at, Some(*f), None))
        .chain(files.iter().map(|(at, f)| (*at, None, Some(f))))
        .collect();
    all.sort_by_key(|(at, ..)| *at);
    let mut out: Vec<Output> = Vec::new();
    let mut open = false;
    for (_, format, file) in all {
        if let Some(format) = format {
            out.push(Output { format, file: None });
            open = true;
        } else if let Some(file) = file {
            match out.last_mut().filter(|_| open) {
                Some(last) => last.file = to_file(file),
                None => out.push(Output {
                    format: Format::of(file),
                    file: to_file(file),
                }),
            }
            open = false;
        }
    }
    if out.is_empty() {
        out.push(Output {
            format: Format::Text,
            file: None,
        });
    }
    if out.iter().filter(|o| o.file.is_none()).count() > 1 {
        return Err(
            "only one report can go to standard output: give the others a file (-f json -o report.json)",
        );
    }
    let mut names: Vec<&PathBuf> = out.iter().filter_map(|o| o.file.as_ref()).collect();
    names.sort_unstable();
    if names.windows(2).any(|w| matches!(w, [a, b] if a == b)) {
        return Err("two reports go to the same file");
    }
    Ok(out)
}

/// `-o -` is standard output.
fn to_file(path: &Path) -> Option<PathBuf> {
    (path.as_os_str() != "-").then(|| path.to_owned())
}

/// Puts a text into its file, or on standard output.
pub(super) fn deliver(
    file: Option<&Path>,
    text: &str,
    stage: &mut Stage<'_>,
) -> Result<(), Failure> {
    match file.and_then(to_file) {
        Some(path) => save(&path, text),
        None => Ok(stage.out.write_all(text.as_bytes())?),
    }
}

/// Writes a file so that it is whole or stays what it was: beside it first, then renamed over it. What is
/// no regular file (a pipe, `/dev/null`) is written to directly.
pub(super) fn save(path: &Path, text: &str) -> Result<(), Failure> {
    let fail = |why| Failure::Write {
        path: path.to_owned(),
        why,
    };
    // A link is followed: what it names is replaced, not the link.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let known = fs::metadata(&target).ok();
    if known.as_ref().is_some_and(|m| !m.is_file()) {
        return OpenOptions::new()
            .write(true)
            .open(&target)
            .and_then(|mut f| f.write_all(text.as_bytes()))
            .map_err(fail);
    }
    let (beside, mut file) = create_beside(&target).map_err(fail)?;
    let done = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| match known {
            Some(m) => fs::set_permissions(&beside, m.permissions()),
            None => Ok(()),
        });
    drop(file);
    done.and_then(|()| fs::rename(&beside, &target))
        .map_err(|why| {
            let _ = fs::remove_file(&beside);
            fail(why)
        })
}

/// A new file beside `target`, under a name that nothing has.
fn create_beside(target: &Path) -> io::Result<(PathBuf, File)> {
    let name = target
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not the name of a file"))?
        .to_string_lossy();
    let process = std::process::id();
    let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
    for attempt in 0..16 {
        let beside = target.with_file_name(format!(".{name}.{process}-{attempt}.tmp"));
        match OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&beside)
        {
            Ok(file) => return Ok((beside, file)),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => last = e,
            Err(e) => return Err(e),
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Format::{Json, Markdown, Text};

    /// A value and its place on the command line.
    type Placed<T> = (usize, T);

    /// Arguments as words: `-f` values by name, everything else a file.
    #[track_caller]
    fn case(words: &[&str], expected: &[(Format, Option<&str>)]) {
        let (formats, files) = placed(words);
        let expected: Vec<Output> = expected
            .iter()
            .map(|(format, file)| Output {
                format: *format,
                file: file.map(PathBuf::from),
            })
            .collect();
        assert_eq!(pairs(&formats, &files), Ok(expected), "{words:?}");
    }

    fn placed(words: &[&str]) -> (Vec<Placed<Format>>, Vec<Placed<PathBuf>>) {
        let mut formats = Vec::new();
        let mut files = Vec::new();
        for (at, word) in words.iter().enumerate() {
            match *word {
                "text" => formats.push((at, Text)),
                "json" => formats.push((at, Json)),
                "markdown" => formats.push((at, Markdown)),
                file => files.push((at, PathBuf::from(file))),
            }
        }
        (formats, files)
    }

    #[test]
    fn a_file_belongs_to_the_format_before_it() {
        case(&[], &[(Text, None)]);
        case(&["json"], &[(Json, None)]);
        case(&["json", "a"], &[(Json, Some("a"))]);
        case(&["a", "json"], &[(Json, Some("a"))]); // one of each, in any order
        case(&["json", "-"], &[(Json, None)]);
        case(&["a.json"], &[(Json, Some("a.json"))]);
        case(
            &["a.md", "b"],
            &[(Markdown, Some("a.md")), (Text, Some("b"))],
        );
        case(
            &["text", "json", "a", "markdown", "b"],
            &[(Text, None), (Json, Some("a")), (Markdown, Some("b"))],
        );
    }

    #[test]
    fn standard_output_takes_one_report() {
        for words in [
            &["text", "json"][..],
            &["json", "a", "text", "markdown"],
            &["text", "a", "json", "a"],
        ] {
            let (formats, files) = placed(words);
            assert!(pairs(&formats, &files).is_err(), "{words:?}");
        }
    }

    #[test]
    fn saving_replaces_and_leaves_nothing_beside() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r.json");
        save(&path, "one").unwrap();
        save(&path, "two").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        let missing = dir.path().join("no/such/folder/r.json");
        let message = save(&missing, "x").unwrap_err().to_string();
        assert!(message.contains("r.json"), "{message}");
    }
}
