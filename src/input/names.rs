//! Makes a member name safe and unique: `/var/../etc/x` → `etc/x`, a second `kubelet.log` → `kubelet.log#2`.
//!
//! Names are only shown and compared, nothing is ever written to them; they still must not suggest a place outside the
//! bundle, break a terminal or hide one file behind another.

use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::xxh3_64;

use crate::base::text;

/// Longest name kept, in bytes; a pax header may carry a megabyte.
const NAME_LIMIT: usize = 4096;

/// A member name brought to the form in which it is shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// Relative, printable, `/`-separated, without `.` and `..`.
    pub(super) path: String,
    /// What was odd about it.
    pub(super) note: &'static str,
}

/// Brings the name of an archive member to the form in which it is shown.
pub(super) fn tidy(raw: &[u8]) -> Name {
    let mut note = if raw.starts_with(b"/") {
        "its name in the archive is absolute"
    } else {
        ""
    };
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in raw.split(|b| *b == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                note = "its name in the archive contains \"..\"";
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let path = text::printable(&parts.join(&b'/'));
    let path = if path.is_empty() {
        String::from("unnamed")
    } else {
        text::cut(&path, NAME_LIMIT).into_owned()
    };
    Name { path, note }
}

/// Why a file with this path is no evidence at all, if its name says so.
pub(super) fn metadata(path: &str) -> Option<&'static str> {
    let mac = "metadata of macOS, not part of the bundle";
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        if part == "__MACOSX" || last && (part.starts_with("._") || part == ".DS_Store") {
            return Some(mac);
        }
        // What an old tar makes of headers that it does not know.
        if !last && (part == "PaxHeader" || part.starts_with("PaxHeaders.")) {
            return Some("header of a tar archive, unpacked as a file");
        }
    }
    None
}

/// Keeps names apart. Memory: 16 bytes a name.
#[derive(Default)]
pub(super) struct Seen(FxHashMap<u64, u32>);

impl Seen {
    /// `path`, or `path#2`, `path#3` where it was seen before.
    pub(super) fn unique(&mut self, path: String) -> String {
        let key = xxh3_64(path.as_bytes());
        let Some(count) = self.0.get(&key).copied() else {
            self.0.insert(key, 1);
            return path;
        };
        let mut count = count;
        loop {
            count = count.saturating_add(1);
            let candidate = format!("{path}#{count}");
            let taken = self.0.insert(xxh3_64(candidate.as_bytes()), 1).is_some();
            if !taken || count == u32::MAX {
                self.0.insert(key, count);
                return candidate;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn case(raw: &[u8], path: &str, odd: bool) {
        let name = tidy(raw);
        assert_eq!((name.path.as_str(), !name.note.is_empty()), (path, odd));
    }

    #[test]
    fn names_stay_inside() {
        case(b"./node1//kubelet.log", "node1/kubelet.log", false);
        case(b"/var/log/messages", "var/log/messages", true);
        case(b"../../etc/passwd", "etc/passwd", true);
        case(b"a/../b", "b", true);
        case(b"..", "unnamed", true);
        case(b"", "unnamed", false);
        case(b"a\x1b[2Jb\n", "a\\x1b[2Jb\\x0a", false);
        case("日志.log".as_bytes(), "日志.log", false);
    }

    #[test]
    fn metadata_is_known_by_name() {
        for path in [
            "a/._kubelet.log",
            "__MACOSX/a/b",
            ".DS_Store",
            "a/PaxHeaders.12/b",
        ] {
            assert!(metadata(path).is_some(), "{path}");
        }
        for path in ["a/kubelet.log", "._dir/x", "PaxHeader", "a/_._"] {
            assert!(metadata(path).is_none(), "{path}");
        }
    }

    #[test]
    fn no_name_hides_another() {
        let mut seen = Seen::default();
        let names = ["a", "a#2", "a", "a", "b"].map(|n| seen.unique(n.to_owned()));
        assert_eq!(names, ["a", "a#2", "a#3", "a#4", "b"]);
    }

    proptest! {
        #[test]
        fn any_bytes(raw in prop::collection::vec(any::<u8>(), 0..80)) {
            let path = tidy(&raw).path;
            prop_assert!(!path.is_empty() && !path.starts_with('/'));
            prop_assert!(path.split('/').all(|p| p != ".." && p != "."));
        }
    }
}
