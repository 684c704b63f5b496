//! Says which files are parts of one log, and in which order they were written.
//!
//! ```text
//! kubelet.log.3.gz < kubelet.log.2.gz < kubelet.log.1 < kubelet.log
//! 0.log.20240209-030405.gz < 0.log < 1.log
//! ```
//!
//! Only names are looked at: logrotate (numbers, dates), the kubelet (`0.log.<stamp>`), klog (`….INFO.<stamp>.<pid>`),
//! lumberjack (`audit-<stamp>.log`), and the run before a restart (`previous.log`, `<container>-previous.log`).

use crate::base::time::{SECOND, civil};

/// Where a file stands in the series of its log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Series {
    /// What all parts of one log have in common: the path without rotation and compression. Parts of a pod's log
    /// share `*.log`, parts of an older and a newer run `current.log` or the name without `previous`.
    pub stem: String,
    /// Older first: which run of the container (0 where names do not tell), then where in the run. A file that is
    /// still written to has [`Series::CURRENT`] there.
    pub order: (i64, i64),
    /// Year and month in the name, and whether they are those of the first line or of the last.
    pub dated: Option<Dated>,
}

/// The date in the name of a rotated file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dated {
    /// klog: the file was begun then; seconds since 1970, in whatever zone.
    Begun(i64),
    /// Others: it was put away then.
    Ended(i64),
}

impl Series {
    /// The part that is still written to: the last one of its run.
    pub const CURRENT: i64 = i64::MAX;
}

/// The series and the place in it of the file with this path.
pub fn series(path: &str) -> Series {
    let cut = path.rfind(['/', '!']).map_or(0, |at| at.saturating_add(1));
    let (folder, name) = path.split_at(cut);
    let name = [".gz", ".bz2", ".xz", ".zst"]
        .iter()
        .find_map(|suffix| name.strip_suffix(suffix))
        .filter(|rest| !rest.is_empty() && rest.rsplit('.').next() != Some("tar"))
        .unwrap_or(name);
    let begun = klog(name);
    let dated = begun.as_ref().map(|(_, at)| Dated::Begun(*at));
    let ended = || dated_before_extension(name).or_else(|| dated_at_end(name));
    let (name, within, dated) = begun
        .or_else(ended)
        .map(|(name, at)| (name, at, dated.or(Some(Dated::Ended(at)))))
        .or_else(|| numbered(name).map(|(name, at)| (name, at, None)))
        .unwrap_or_else(|| (name.to_owned(), Series::CURRENT, None));
    let (folder, name, run) = if let Some((name, run)) = restarted(&name) {
        // Where the API gives the log of the current run as `current.log`, its older parts stand in a folder.
        match folder.strip_suffix("rotated/") {
            Some(above) => (above, String::from("current.log"), run - OLDER_RUNS),
            None => (folder, name, run),
        }
    } else {
        let (name, run) = previous(&name).unwrap_or((name, 0));
        (folder, name, run)
    };
    Series {
        stem: format!("{folder}{name}"),
        order: (run, within),
        dated,
    }
}

/// Runs of containers that only rotated files show are before those of `previous.log` and `current.log`.
const OLDER_RUNS: i64 = 1 << 32;

/// `kube-apiserver.cp1.root.log.INFO.20261120-170045.60`: the stamp is when the file was begun.
fn klog(name: &str) -> Option<(String, i64)> {
    let (rest, pid) = name.rsplit_once('.')?;
    let (stem, stamp) = rest.rsplit_once('.')?;
    let level = stem.rsplit_once(".log.")?.1;
    let known = matches!(level, "INFO" | "WARNING" | "ERROR" | "FATAL");
    (known && is_digits(pid)).then_some(())?;
    Some((stem.to_owned(), compact_stamp(stamp)?))
}

/// `audit-2024-02-09T03-04-05.123.log`, `kubelet-20260101.log`.
fn dated_before_extension(name: &str) -> Option<(String, i64)> {
    let (rest, extension) = name.rsplit_once('.')?;
    if extension.is_empty() || is_digits(extension) || !extension.is_ascii() || extension.len() > 4
    {
        return None;
    }
    let (stem, at) = if let Some(cut) = rest.len().checked_sub(23)
        && let (Some(stem), Some(stamp)) = (rest.get(..cut), rest.get(cut..))
        && let Some(at) = lumberjack_stamp(stamp)
    {
        (stem.strip_suffix('-')?, at)
    } else {
        let (stem, stamp) = rest.rsplit_once('-')?;
        // A collector's file of the day (`dump-20260101.txt`) is no rotation.
        (extension == "log").then_some(())?;
        (stem, compact_stamp(stamp).filter(|_| stamp.len() == 8)?)
    };
    (!stem.is_empty()).then(|| (format!("{stem}.{extension}"), at))
}

/// `messages-20240211`, `kubelet.log-20240211-1707447845`, `0.log.20240209-030405`.
fn dated_at_end(name: &str) -> Option<(String, i64)> {
    // The longest stamp first: `20240209-030405` is one.
    for (cut, _) in name.char_indices().filter(|(_, c)| matches!(c, '-' | '.')) {
        let (stem, stamp) = (name.get(..cut)?, name.get(cut.saturating_add(1)..)?);
        if let Some(at) = compact_stamp(stamp)
            && !stem.is_empty()
        {
            return Some((stem.to_owned(), at));
        }
    }
    None
}

/// `kubelet.log.3`, `messages.1`: the higher the older.
fn numbered(name: &str) -> Option<(String, i64)> {
    let (stem, number) = name.rsplit_once('.')?;
    // An address (`10.0.0.1`) and a version (`1.20.2`) end in a number too.
    let before = stem.rsplit(['.', '-', '_']).next().unwrap_or(stem);
    if stem.is_empty() || is_digits(before) || !is_digits(number) || number.len() > 3 {
        return None;
    }
    let number: i64 = number.parse().ok()?;
    Some((stem.to_owned(), Series::CURRENT.saturating_sub(number))).filter(|_| number > 0)
}

/// `0.log`, `1.log` in the folder of a container: the count of restarts.
fn restarted(name: &str) -> Option<(String, i64)> {
    let count = name.strip_suffix(".log")?;
    (is_digits(count) && count.len() <= 6).then_some(())?;
    Some((String::from("*.log"), count.parse().ok()?))
}

/// `previous.log` beside `current.log`, `etcd-previous.log` beside `etcd.log`.
fn previous(name: &str) -> Option<(String, i64)> {
    if let Some(rest) = name.strip_prefix("previous.") {
        return Some((format!("current.{rest}"), -1));
    }
    let (base, extension) = name
        .rsplit_once('.')
        .map_or((name, String::new()), |(base, e)| (base, format!(".{e}")));
    let base = ["-previous", "_previous", ".previous"]
        .iter()
        .find_map(|suffix| base.strip_suffix(suffix))?;
    (!base.is_empty()).then(|| (format!("{base}{extension}"), -1))
}

/// `20240209`, `2024020903`, `20240209-030405`, `20240209-1707447845`, `1707447845`, `20240209030405`, in seconds.
fn compact_stamp(text: &str) -> Option<i64> {
    let (day, time) = text.split_once('-').unwrap_or((text, ""));
    if !is_digits(day) || !(time.is_empty() || is_digits(time)) || text.ends_with('-') {
        return None;
    }
    match (day.len(), time.len()) {
        (8, 0) => at(day, ""),
        (8, 10) => at(day, "").and(epoch(time)),
        (8, 2 | 4 | 6) => at(day, time),
        (10, 0) => at(day.get(..8)?, day.get(8..)?).or_else(|| epoch(day)),
        (12 | 14, 0) => at(day.get(..8)?, day.get(8..)?),
        _ => None,
    }
}

/// `2024-02-09T03-04-05.123`, in seconds.
fn lumberjack_stamp(text: &str) -> Option<i64> {
    let shape = b"0000-00-00T00-00-00.000";
    let fits = text.len() == shape.len()
        && text.bytes().zip(shape).all(|(byte, shape)| match shape {
            b'0' => byte.is_ascii_digit(),
            shape => byte == *shape,
        });
    fits.then_some(())?;
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    at(digits.get(..8)?, digits.get(8..14)?)
}

/// Seconds of a day `yyyymmdd` and a time `hh[mm[ss]]`, in whatever zone: only the order counts.
fn at(day: &str, time: &str) -> Option<i64> {
    let year: i32 = day.get(..4)?.parse().ok()?;
    (1990..2100).contains(&year).then_some(())?;
    let part = |from: usize| -> Option<i64> {
        match time.get(from..from.saturating_add(2)) {
            Some(two) => two.parse().ok(),
            None => Some(0),
        }
    };
    let (hour, minute, second) = (part(0)?, part(2)?, part(4)?);
    (hour < 24 && minute < 60 && second <= 60).then_some(())?;
    let of_day = (hour * 3600 + minute * 60 + second) * SECOND;
    let month = day.get(4..6)?.parse().ok()?;
    let ns = civil(year, month, day.get(6..8)?.parse().ok()?, of_day)?;
    Some(ns / SECOND)
}

/// Seconds since 1970, from 2001 (10 digits) on.
fn epoch(text: &str) -> Option<i64> {
    text.parse().ok().filter(|s| *s >= 1_000_000_000)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// All of one series, oldest first.
    #[track_caller]
    fn case(stem: &str, paths: &[&str]) {
        let got: Vec<Series> = paths.iter().map(|p| series(p)).collect();
        for (series, path) in got.iter().zip(paths) {
            assert_eq!(series.stem, stem, "{path}");
        }
        assert!(got.is_sorted_by(|a, b| a.order < b.order), "{got:?}");
    }

    #[test]
    fn parts_of_one_log_oldest_first() {
        case(
            "kubelet.log",
            &[
                "kubelet.log.10.gz",
                "kubelet.log.2.gz",
                "kubelet.log.1",
                "kubelet.log",
            ],
        );
        case(
            "a.tar.gz!n1/messages",
            &[
                "a.tar.gz!n1/messages-20240204.xz",
                "a.tar.gz!n1/messages-20240211",
                "a.tar.gz!n1/messages",
            ],
        );
        case(
            "kubelet.log",
            &[
                "kubelet-20251231.log",
                "kubelet-20260101.log",
                "kubelet.log",
            ],
        );
        case(
            "kubelet.log",
            &[
                "kubelet.log-20240211.gz",
                "kubelet.log-2024021103.gz",
                "kubelet.log-20240211-040000",
                "kubelet.log-20240212-1707696001",
            ],
        );
        case(
            "c/*.log",
            &[
                "c/0.log.20240209-030405.gz",
                "c/0.log.20240209-050000",
                "c/0.log",
                "c/1.log.20240208-000000.gz",
                "c/1.log",
                "c/12.log",
            ],
        );
        case(
            "web/logs/current.log",
            &[
                "web/logs/rotated/0.log.20240209-030405.gz",
                "web/logs/rotated/1.log.20240208-030405.gz",
                "web/logs/rotated/1.log.20240208-050505",
                "web/logs/previous.log",
                "web/logs/current.log",
            ],
        );
        case(
            "kube-apiserver.cp1.root.log.INFO",
            &[
                "kube-apiserver.cp1.root.log.INFO.20261120-170045.60",
                "kube-apiserver.cp1.root.log.INFO.20261120-180000.726",
                "kube-apiserver.cp1.root.log.INFO",
            ],
        );
        case(
            "audit.log",
            &[
                "audit-2024-02-09T03-04-05.123.log.gz",
                "audit-2024-02-09T03-04-06.000.log",
                "audit.log",
            ],
        );
        case(
            "logs/current.log",
            &["logs/previous.log", "logs/current.log"],
        );
        case("p/etcd.log", &["p/etcd-previous.log", "p/etcd.log"]);
        case(
            "podlogs/shop-web",
            &["podlogs/shop-web-previous", "podlogs/shop-web"],
        );
        case(
            "x-json.log",
            &["x-json.log.2", "x-json.log.1", "x-json.log"],
        );
    }

    /// Of a series of its own.
    #[track_caller]
    fn alone(path: &str) {
        let expected = Series {
            stem: path.to_owned(),
            order: (0, Series::CURRENT),
            dated: None,
        };
        assert_eq!(series(path), expected);
    }

    #[test]
    fn numbers_that_are_no_rotation() {
        alone("node/10.0.0.1");
        alone("support-bundle-10.0.0.1");
        alone("goroutine-stacks-2026-11-20T171045Z.log");
        alone("containerd.571.stacks.log");
        alone("ps-20260101.txt"); // one output a day
        alone("version-1.20.2");
        alone("bundle.tar.gz");
        alone("nginx-99999999.log"); // no such day
        alone("kubelet.log.0");
        alone("");
        alone("a/");
    }

    #[test]
    fn dates_in_names() {
        let seconds = |text| Some(compact_stamp(text).unwrap());
        for (path, expected) in [
            (
                "a.log.INFO.20261120-170045.60",
                seconds("20261120-170045").map(Dated::Begun),
            ),
            (
                "kubelet-20260101.log",
                seconds("20260101").map(Dated::Ended),
            ),
            (
                "0.log.20240209-030405.gz",
                seconds("20240209-030405").map(Dated::Ended),
            ),
            ("kubelet.log.1", None),
            ("kubelet.log", None),
        ] {
            assert_eq!(series(path).dated, expected, "{path}");
        }
    }

    proptest! {
        #[test]
        fn any_name(name in "[a-z0-9.!/-]{0,40}|\\PC{0,30}") {
            let _ = series(&name);
        }
    }
}
