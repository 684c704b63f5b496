//! Lists the files of the inputs: those of directories, and the archives and single files as they are.
//!
//! Links are never followed, devices, sockets and pipes inside a directory never opened (a pipe would block for ever).
//! The list is in path order, whatever order the file system has.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, FileType, Metadata};
use std::path::{Component, Path, PathBuf};
use std::time::UNIX_EPOCH;

use walkdir::WalkDir;

use super::names::Seen;
use super::{Input, InputError, Survey};
use crate::base::text::printable;
use crate::base::time::Instant;
use crate::model::Status;

/// One file to read.
#[derive(Clone, Debug)]
pub(super) struct Root {
    /// Where it is; `None`: standard input.
    pub(super) path: Option<PathBuf>,
    /// How it is called in the report.
    pub(super) shown: String,
    /// Its size on disk; `None`: a stream.
    pub(super) size: Option<u64>,
    /// When it was last changed.
    pub(super) mtime: Option<Instant>,
}

/// What lies before a run.
pub fn survey(inputs: &[Input]) -> Result<Survey, InputError> {
    let roots = roots(inputs, || Ok(()), &mut |_, _, _| {})?;
    Ok(roots.iter().fold(Survey::default(), |sum, root| Survey {
        bytes: sum.bytes.saturating_add(root.size.unwrap_or(0)),
        files: sum.files.saturating_add(1),
    }))
}

/// Told about what is not read.
type LeftOut<'a> = &'a mut dyn FnMut(&str, Status, String);

/// The files of the inputs. `member` counts them and says when there are too many.
pub(super) fn roots(
    inputs: &[Input],
    member: impl Fn() -> Result<(), String>,
    left_out: LeftOut<'_>,
) -> Result<Vec<Root>, InputError> {
    if inputs.is_empty() {
        return Err(InputError::Nothing);
    }
    let mut roots = Vec::new();
    for (input, name) in inputs.iter().zip(called(inputs)) {
        let Input::Path(path) = input else {
            roots.push(Root {
                path: None,
                shown: name,
                size: None,
                mtime: None,
            });
            continue;
        };
        let meta = fs::metadata(path).map_err(|e| problem(path, &e))?;
        if meta.is_dir() {
            let prefix = if inputs.len() > 1 {
                format!("{name}/")
            } else {
                String::new()
            };
            directory(path, &prefix, &member, left_out, &mut roots)?;
        } else if meta.is_file() || is_pipe(meta.file_type()) {
            let is_file = meta.is_file();
            if is_file {
                fs::File::open(path).map_err(|e| problem(path, &e))?;
            }
            roots.push(Root {
                path: Some(path.clone()),
                shown: name,
                size: is_file.then_some(meta.len()),
                mtime: changed(&meta).filter(|_| is_file),
            });
        } else {
            return Err(InputError::NotAFile {
                path: show(path.as_os_str()),
                what: special(meta.file_type()),
            });
        }
    }
    Ok(roots)
}

/// The files below a directory, in path order.
fn directory(
    root: &Path,
    prefix: &str,
    member: &impl Fn() -> Result<(), String>,
    left_out: LeftOut<'_>,
    roots: &mut Vec<Root>,
) -> Result<(), InputError> {
    fs::read_dir(root).map_err(|e| problem(root, &e))?;
    let (mut seen, mut any) = (Seen::default(), false);
    for entry in WalkDir::new(root).min_depth(1).sort_by_file_name() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(e) => {
                any = true;
                let path = e.path().unwrap_or(root);
                let why = e
                    .io_error()
                    .map_or_else(|| e.to_string(), ToString::to_string);
                left_out(
                    &below(root, path, prefix),
                    Status::Failed,
                    format!("cannot be read: {why}"),
                );
                continue;
            }
        };
        let kind = entry.file_type();
        if kind.is_dir() {
            continue;
        }
        any = true;
        let shown = seen.unique(below(root, entry.path(), prefix));
        if let Err(why) = member() {
            left_out(&shown, Status::Skipped, why);
            break;
        }
        if kind.is_symlink() {
            left_out(&shown, Status::Skipped, link(root, entry.path()));
        } else if kind.is_file() {
            let meta = entry.metadata().ok();
            roots.push(Root {
                path: Some(entry.path().to_path_buf()),
                shown,
                size: Some(meta.as_ref().map_or(0, Metadata::len)),
                mtime: meta.as_ref().and_then(changed),
            });
        } else {
            let what = special(kind);
            left_out(
                &shown,
                Status::Skipped,
                format!("{what}: has no content to read"),
            );
        }
    }
    if any {
        Ok(())
    } else {
        Err(InputError::Empty {
            path: show(root.as_os_str()),
        })
    }
}

/// Why a link is not read, which depends on where it leads.
fn link(root: &Path, path: &Path) -> String {
    let target = fs::read_link(path).unwrap_or_default();
    let shown = show(target.as_os_str());
    let Ok(real) = fs::canonicalize(path) else {
        return format!("link to {shown}, which is not there: collect what it points to");
    };
    if fs::canonicalize(root).is_ok_and(|root| real.starts_with(root)) {
        format!("link to {shown}, which is read where it lies")
    } else {
        format!(
            "link to {shown} outside of the bundle: not followed; copy what it points to into the bundle"
        )
    }
}

/// How each input is called in virtual paths: its file name; as given, where two have the same file name.
fn called(inputs: &[Input]) -> Vec<String> {
    let short: Vec<String> = inputs.iter().map(file_name).collect();
    let mut count: BTreeMap<&str, u32> = BTreeMap::new();
    for name in &short {
        let n = count.entry(name).or_default();
        *n = n.saturating_add(1);
    }
    let mut seen = Seen::default();
    inputs
        .iter()
        .zip(&short)
        .map(|(input, name)| match input {
            Input::Path(path) if count.get(name.as_str()).is_some_and(|n| *n > 1) => {
                seen.unique(as_given(path))
            }
            _ => seen.unique(name.clone()),
        })
        .collect()
}

fn file_name(input: &Input) -> String {
    let Input::Path(path) = input else {
        return String::from("stdin");
    };
    // `.` and `..` have no name of their own.
    let name = path
        .file_name()
        .map(OsStr::to_os_string)
        .or_else(|| Some(fs::canonicalize(path).ok()?.file_name()?.to_os_string()));
    name.map_or_else(|| String::from("input"), |n| show(&n))
}

/// The named directories and the name of a path, without `..` and the root.
fn as_given(path: &Path) -> String {
    let parts: Vec<String> = path
        .components()
        .filter_map(|c| match c {
            Component::Normal(name) => Some(show(name)),
            _ => None,
        })
        .collect();
    if parts.is_empty() {
        String::from("input")
    } else {
        parts.join("/")
    }
}

/// The virtual path of something below a directory.
fn below(root: &Path, path: &Path, prefix: &str) -> String {
    format!(
        "{prefix}{}",
        as_given(path.strip_prefix(root).unwrap_or(path))
    )
}

fn show(name: &OsStr) -> String {
    printable(name.as_encoded_bytes())
}

fn changed(meta: &Metadata) -> Option<Instant> {
    let since = meta.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_nanos()).ok().map(Instant)
}

fn problem(path: &Path, error: &std::io::Error) -> InputError {
    let path = show(path.as_os_str());
    if error.kind() == std::io::ErrorKind::NotFound {
        InputError::Missing { path }
    } else {
        InputError::Unreadable {
            path,
            why: error.to_string(),
        }
    }
}

#[cfg(unix)]
fn is_pipe(kind: FileType) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&kind)
}

#[cfg(not(unix))]
fn is_pipe(_: FileType) -> bool {
    false
}

#[cfg(unix)]
fn special(kind: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt as _;
    if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else if kind.is_block_device() || kind.is_char_device() {
        "a device"
    } else {
        "a special file"
    }
}

#[cfg(not(unix))]
fn special(_: FileType) -> &'static str {
    "a special file"
}
