//! Which compiler prints stacks like this.
//!
//! The format grew with Go: argument groups `{…}` and the register ABI in 1.17, `?` and `[...]` in 1.18, states named
//! after locks in 1.20, `created by … in goroutine N` in 1.21, `gp=` in 1.23. A path of the toolchain says it outright.

use crate::model::dump::{Dump, GoVersion, SiteId};

/// States that only a newer runtime knows, with the first that does.
const STATES: [(&str, u8); 10] = [
    ("sync.Mutex.Lock", 20),
    ("sync.RWMutex.Lock", 20),
    ("sync.RWMutex.RLock", 20),
    ("stopping the world", 21),
    ("coroutine", 22),
    ("GC weak to strong wait", 23),
    ("sync.WaitGroup.Wait", 24),
    ("cleanup wait", 25),
    ("GOMAXPROCS updater (idle)", 25),
    ("leaked", 26),
];
/// So many words of arguments without a single group: no string, slice or interface was passed as one.
const WORDS: usize = 20;

/// Adds what the whole dump tells to what its headers told.
pub(super) fn of(dump: &Dump) -> GoVersion {
    let mut go = dump.go;
    let (mut groups, mut words) = (false, 0);
    for g in &dump.goroutines {
        let state = dump.state(g);
        if let Some((_, first)) = STATES.iter().find(|(s, _)| *s == state) {
            go.not_before(*first);
        }
        if g.parent.is_some() {
            go.not_before(21);
        }
        for frame in dump.frames(g) {
            let args = dump.args_text(frame);
            groups |= args.contains(&b'{');
            if go.at_least < Some(18) && args.contains(&b'?') {
                go.not_before(18);
            }
            if !groups && go.at_least.is_none() {
                words += dump.args(frame).count();
            }
        }
        // Before 1.20 a mutex was waited for under the name of its semaphore.
        if state == "semacquire"
            && dump
                .frames(g)
                .iter()
                .take(4)
                .any(|f| dump.function(f).ends_with("sync.(*Mutex).lockSlow"))
        {
            go.not_after(19);
        }
    }
    if groups {
        go.not_before(17);
    } else if words >= WORDS && go.at_least.is_none() {
        go.not_after(16);
    }
    for id in 0..dump.stacks.site_count() {
        let id = SiteId(u32::try_from(id).unwrap_or(u32::MAX));
        let function = dump.stacks.function(id);
        if function.contains("[...]") || function.contains("[go.shape.") {
            go.not_before(18);
        }
        if function.starts_with("internal/sync.") {
            go.not_before(24);
        }
        if let Some(minor) = toolchain(dump.stacks.location(id)) {
            go.not_before(minor);
            go.not_after(minor);
        }
    }
    // Stacks of two programs in one stream, or a path that only looks like one: what contradicts itself tells nothing.
    if go.at_least > go.at_most && go.at_most.is_some() {
        return GoVersion::default();
    }
    go
}

/// The minor version in `/usr/lib/go-1.19/src/…`, `/usr/local/go1.21.13/src/…`, `…/toolchain@v0.0.1-go1.22.3.linux-amd64/src/…`.
fn toolchain(location: &str) -> Option<u8> {
    let (root, _) = location.split_once("/src/")?;
    let last = root.rsplit('/').next()?;
    let rest = last
        .rsplit(['@', '-'])
        .find_map(|word| word.strip_prefix("go1."))
        .or_else(|| last.strip_prefix("go-1."))?;
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    rest.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_toolchain_by_its_path() {
        let case = |path, expected| assert_eq!(toolchain(path), expected, "{path}");
        case("/usr/lib/go-1.19/src/sync/mutex.go:81", Some(19));
        case("/usr/local/go1.9.7/src/sync/mutex.go:81", Some(9));
        case(
            "/root/sdk/toolchain@v0.0.1-go1.22.3.linux-amd64/src/net/fd.go:1",
            Some(22),
        );
        case("/usr/local/go/src/sync/mutex.go:81", None);
        case("/go/src/example.com/cargo1.2/x.go:1", None);
    }
}
