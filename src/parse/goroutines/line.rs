//! Says what one line of a dump is: header, function, file, creator, or something else.
//!
//! `goroutine 203 [semacquire, 4 minutes]:`, `sync.(*Mutex).lockSlow(0xc000b3c600)`,
//! `\t/usr/lib/go-1.19/src/sync/mutex.go:171 +0x165`, `created by net/http.(*Server).Serve in goroutine 1`.
//! Damage is expected: tabs may be lost, digits misread by a scan (`goroutine l2`), ends cut.

use memchr::{memchr, memmem, memrchr};

/// What a line is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    Blank,
    Header(Header<'a>),
    /// `created by F [in goroutine N]`.
    Created(&'a [u8], Option<u64>),
    /// `file.go:12`, without offsets.
    File(&'a [u8]),
    /// Function and arguments. Only a file line after it proves it.
    Function(&'a [u8], &'a [u8]),
    /// Frames were left out here.
    Elided,
    /// The goroutine runs on another thread.
    Unavailable,
    /// The stack of an ancestor or of a scheduler follows: not frames of the goroutine before.
    Aside,
    /// Looks like a function or file line whose end was wrapped to the next line.
    Torn,
    Other,
}

/// The parts of a goroutine's header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Header<'a> {
    pub id: u64,
    pub state: &'a [u8],
    pub minutes: Option<u32>,
    pub locked: bool,
    pub leaked: bool,
}

/// Says what `line` (without wrapping and line end) is. 20 million of them are asked about in a large dump: what most
/// lines are is decided by their ends, before anything is searched for.
pub(super) fn classify(line: &[u8]) -> Line<'_> {
    let text = line.trim_ascii();
    let Some(&b) = text.first() else {
        return Line::Blank;
    };
    if b == b'g' && text.starts_with(b"goroutine ") {
        if text.ends_with(b"stack unavailable") {
            return Line::Unavailable;
        }
        if let Some(h) = header(text) {
            return Line::Header(h);
        }
    }
    if b == b'c'
        && let Some(rest) = text.strip_prefix(b"created by ")
    {
        let (name, parent) = match memmem::rfind(rest, b" in goroutine ") {
            Some(i) => (
                rest.get(..i).unwrap_or(rest),
                rest.get(i + 14..).and_then(id),
            ),
            None => (rest, None),
        };
        return Line::Created(name, parent);
    }
    if b == b'.' && text.starts_with(b"...") && memmem::find(text, b"elided").is_some() {
        return Line::Elided;
    }
    if text.starts_with(b"[originating from goroutine") || text == b"runtime stack:" {
        return Line::Aside;
    }
    if text.last() == Some(&b')') {
        if let Some((name, args)) = function(text) {
            return Line::Function(name, args);
        }
    } else if let Some(location) = file(text) {
        return Line::File(location);
    }
    if is_torn(line, text) {
        Line::Torn
    } else {
        Line::Other
    }
}

/// A number, with the letters that a scan puts in place of digits.
fn id(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 20 {
        return None;
    }
    text.iter().try_fold(0_u64, |n, b| {
        let digit = match b {
            b'0'..=b'9' => b - b'0',
            b'O' | b'o' => 0,
            b'l' | b'I' => 1,
            _ => return None,
        };
        n.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// `goroutine ID [gp=… m=… mp=…] [STATE, N minutes, …]:`
pub(super) fn header(text: &[u8]) -> Option<Header<'_>> {
    let rest = text.strip_prefix(b"goroutine ")?;
    let open = memchr(b'[', rest)?;
    let before = rest.get(..open)?.trim_ascii();
    let mut words = before.split(|b| *b == b' ');
    let id = id(words.next()?)?;
    if !words.all(|w| w.starts_with(b"gp=") || w.starts_with(b"m=") || w.starts_with(b"mp=")) {
        return None;
    }
    let inner = rest.get(open + 1..)?;
    let closed = inner.strip_suffix(b":").unwrap_or(inner);
    // Labels may hold brackets: the last one ends the header. Without one the line was cut.
    let inner = match memrchr(b']', closed) {
        Some(i) if closed.get(i + 1..).is_some_and(<[u8]>::is_empty) => closed.get(..i)?,
        None if closed.len() < 64 => closed,
        _ => return None,
    };
    let inner =
        memmem::find(inner, b" labels:{").map_or(inner, |i| inner.get(..i).unwrap_or(inner));
    let mut out = Header {
        id,
        ..Header::default()
    };
    let mut parts = inner.split(|b| *b == b',');
    let mut state = parts.next().unwrap_or(b"");
    for (word, leaked) in [
        (&b" (durable)"[..], false),
        (b" (scan)", false),
        (b" (leaked)", true),
    ] {
        if let Some(s) = state.strip_suffix(word) {
            state = s;
            out.leaked |= leaked;
        }
    }
    out.leaked |= state == b"leaked";
    out.state = state;
    for part in parts {
        let part = part.trim_ascii();
        if part == b"locked to thread" {
            out.locked = true;
        } else if let Some(n) = part
            .strip_suffix(b" minutes")
            .or_else(|| part.strip_suffix(b" minute"))
        {
            out.minutes = self::id(n).and_then(|n| u32::try_from(n).ok());
        }
    }
    Some(out)
}

/// `path/file.go:12 +0x1f fp=0x… sp=0x… pc=0x…`; returns `path/file.go:12`.
fn file(text: &[u8]) -> Option<&[u8]> {
    let head = path_and_line(text)?;
    let colon = memrchr(b':', head)?;
    let digits = head.get(colon + 1..)?;
    if digits.is_empty() || digits.len() > 9 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let path = head.get(..colon)?;
    let known = path.ends_with(b".go")
        || path.ends_with(b".s")
        || path.ends_with(b".c")
        || path == b"<autogenerated>"
        || path == b"??";
    known.then_some(head)
}

/// What stands before the offsets. A path holds blanks only on Windows; elsewhere the first one ends it.
fn path_and_line(text: &[u8]) -> Option<&[u8]> {
    let before = |text: &[u8], end: Option<usize>| end.unwrap_or(text.len());
    if text.get(1) == Some(&b':') {
        let head = text.get(..before(text, memmem::find(text, b" fp=0x")))?;
        return head.get(..before(head, memmem::rfind(head, b" +0x")));
    }
    let (head, tail) = text.split_at(before(text, memchr(b' ', text)));
    (tail.is_empty() || tail.starts_with(b" +0x") || tail.starts_with(b" fp=0x")).then_some(head)
}

/// `pkg.(*T).Method(args)`: name and arguments.
fn function(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let inner = text.strip_suffix(b")")?;
    let open = memrchr(b'(', inner)?;
    let name = inner.get(..open)?;
    is_name(name).then(|| (name, inner.get(open + 1..).unwrap_or(b"")))
}

/// Whether it can be a function name: no blanks outside of type arguments.
fn is_name(name: &[u8]) -> bool {
    if name.is_empty() || name.len() > 2048 {
        return false;
    }
    match (memchr(b' ', name), memchr(b'[', name)) {
        (None, _) => true,
        (Some(blank), Some(bracket)) => bracket < blank && memchr(b']', name).is_some(),
        (Some(_), None) => name == b"non-Go function",
    }
}

/// The beginning of a function line without its `)`, or of a file line without its number.
fn is_torn(line: &[u8], text: &[u8]) -> bool {
    if line.first() == Some(&b'\t') && text.first() == Some(&b'/') {
        return memchr(b' ', text).is_none();
    }
    memchr(b'(', text).is_some_and(|open| {
        !text.ends_with(b")")
            && text.get(..open).is_some_and(|name| {
                memchr(b'.', name).is_some() && name.iter().all(|b| *b > b' ' && *b != b'"')
            })
            && text
                .get(open..)
                .is_some_and(|args| memmem::find(args, b"0x").is_some())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn head(line: &str, id: u64, state: &str, minutes: Option<u32>) {
        match classify(line.as_bytes()) {
            Line::Header(h) => assert_eq!(
                (h.id, String::from_utf8_lossy(h.state).as_ref(), h.minutes),
                (id, state, minutes),
                "{line}"
            ),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn headers_of_every_era() {
        head(
            "goroutine 203 [semacquire, 4 minutes]:",
            203,
            "semacquire",
            Some(4),
        );
        head(
            "goroutine 20 [sync.Mutex.Lock]:",
            20,
            "sync.Mutex.Lock",
            None,
        );
        head(
            "goroutine 1 gp=0x82882efe1e0 m=nil [IO wait]:",
            1,
            "IO wait",
            None,
        );
        head(
            "goroutine 0 gp=0xa1b5e0 m=0 mp=0xa1c580 [idle]:",
            0,
            "idle",
            None,
        );
        head(
            "goroutine 67570 [syscall, 1595 minutes, locked to thread]:",
            67570,
            "syscall",
            Some(1595),
        );
        head(
            "goroutine l2 [semacquire, 112 minutes]:",
            12,
            "semacquire",
            Some(112),
        );
        head(
            "  goroutine 7 [select (no cases), 9 minutes]:",
            7,
            "select (no cases)",
            Some(9),
        );
        head(
            "goroutine 8 [chan receive (leaked), 3 minutes]:",
            8,
            "chan receive",
            Some(3),
        );
        head(
            "goroutine 9 [select labels:{\"k\": \"a]b\"}]:",
            9,
            "select",
            None,
        );
        head("goroutine 10 [chan receive", 10, "chan receive", None);
    }

    #[track_caller]
    fn case(line: &str, expected: &Line<'_>) {
        assert_eq!(&classify(line.as_bytes()), expected, "{line}");
    }

    #[test]
    fn frames() {
        case(
            "sync.(*Mutex).lockSlow(0xc000b3c600)",
            &Line::Function(b"sync.(*Mutex).lockSlow", b"0xc000b3c600"),
        );
        case(
            "main.runDaemon(...)",
            &Line::Function(b"main.runDaemon", b"..."),
        );
        case(
            "a/b.Map[go.shape.struct { X int }].Get(0x1)",
            &Line::Function(b"a/b.Map[go.shape.struct { X int }].Get", b"0x1"),
        );
        case(
            "\truntime/asm_amd64.s:496 +0x55 fp=0x7ff sp=0x7ff pc=0x48d535",
            &Line::File(b"runtime/asm_amd64.s:496"),
        );
        case(
            "        /usr/lib/go/src/sync/mutex.go:90",
            &Line::File(b"/usr/lib/go/src/sync/mutex.go:90"),
        );
        case(
            "\t<autogenerated>:1 +0x1b",
            &Line::File(b"<autogenerated>:1"),
        );
        case(
            "C:/Program Files/x.go:7 +0x1",
            &Line::File(b"C:/Program Files/x.go:7"),
        );
        case(
            "created by main.main in goroutine 1",
            &Line::Created(b"main.main", Some(1)),
        );
        case(
            "created by os/signal.Notify.func1.1",
            &Line::Created(b"os/signal.Notify.func1.1", None),
        );
        case("...additional frames elided...", &Line::Elided);
        case("...23 frames elided...", &Line::Elided);
        case(
            "\tgoroutine running on other thread; stack unavailable",
            &Line::Unavailable,
        );
        case("", &Line::Blank);
    }

    #[test]
    fn other_lines_are_not_frames() {
        for line in [
            "I1120 17:07:29.384552     100 leaderelection.go:278] failed to renew lease (timed out)",
            "rax    0xca",
            "PC=0x46e281 m=0 sigcode=0",
            "goroutine profile: total 33",
            "starting goroutine 5 [see below]: done (now)",
            "Trace[12]: [1.2s] (started: x) at main.go:12",
        ] {
            case(line, &Line::Other);
        }
        case("github.com/x/y.(*Z).Do(0xc000, 0x", &Line::Torn);
    }

    proptest! {
        #[test]
        fn any_bytes(line: Vec<u8>) {
            let _ = classify(&line);
        }

        #[test]
        fn nearly_a_header(tail in "[\\[\\]0-9a-z, :={}\"]{0,40}") {
            let _ = classify(format!("goroutine {tail}").as_bytes());
        }
    }
}
