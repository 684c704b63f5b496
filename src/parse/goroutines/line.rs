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
    /// `None`: damaged beyond reading. The goroutine is there all the same.
    pub id: Option<u64>,
    pub state: &'a [u8],
    /// `k: v` pairs as printed, without braces.
    pub labels: &'a [u8],
    /// It names the runtime's own structures (`gp=`): Go 1.23 and later.
    pub internals: bool,
    pub minutes: Option<u32>,
    pub locked: bool,
    pub leaked: bool,
}

/// Says what `line` (without wrapping and line end) is. 20 million of them are asked about in a large dump: what most
/// lines are is decided by their ends, before anything is searched for.
pub(super) fn classify(line: &[u8]) -> Line<'_> {
    let text = untabbed(line.trim_ascii());
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
    match text.last() {
        Some(b')') => {
            if let Some((name, args)) = function(text) {
                return Line::Function(name, args);
            }
        }
        Some(b':' | b']' | b'}') => {
            if let Some(h) = scanned_header(text) {
                return Line::Header(h);
            }
        }
        _ => {
            if text == b"non-Go function" {
                return Line::Function(text, b"");
            }
            if let Some(location) = file(text) {
                return Line::File(location);
            }
        }
    }
    if is_torn(line, text) {
        Line::Torn
    } else {
        Line::Other
    }
}

/// Without a tab that a transport wrote in letters (rsyslog: `#011`, `cat -A`: `^I`).
fn untabbed(text: &[u8]) -> &[u8] {
    if !matches!(text.first(), Some(b'#' | b'^' | b'\\')) {
        return text;
    }
    [&b"#011"[..], b"^I", b"\\t"]
        .iter()
        .find_map(|tab| text.strip_prefix(*tab))
        .map_or(text, <[u8]>::trim_ascii_start)
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
            b'l' | b'I' | b'|' => 1,
            _ => return None,
        };
        n.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// `goroutine ID [gp=… m=… mp=…] [STATE, N minutes, …] {labels}:`
pub(super) fn header(text: &[u8]) -> Option<Header<'_>> {
    let rest = text.strip_prefix(b"goroutine ")?;
    let open = memchr(b'[', rest)?;
    let before = rest.get(..open)?.trim_ascii();
    let mut words = before.split(|b| *b == b' ');
    let id = id(words.next()?)?;
    let mut internals = false;
    for word in words {
        internals = true;
        if !(word.starts_with(b"gp=") || word.starts_with(b"m=") || word.starts_with(b"mp=")) {
            return None;
        }
    }
    let mut out = bracket(rest.get(open + 1..)?)?;
    out.id = Some(id);
    out.internals = internals;
    Some(out)
}

/// `STATE, N minutes, locked to thread]:`, what stands behind the opening bracket. A line that was cut has no closing one.
fn bracket(inner: &[u8]) -> Option<Header<'_>> {
    let closed = inner.strip_suffix(b":").unwrap_or(inner);
    // Go 1.27 prints labels behind the bracket, 1.26 within. Values are quoted and may hold brackets of their own.
    let (inner, labels) = if let Some(i) = memmem::find(closed, b"] {") {
        (closed.get(..i)?, closed.get(i + 3..)?)
    } else {
        let inner = match memrchr(b']', closed) {
            Some(i) if closed.get(i + 1..).is_some_and(<[u8]>::is_empty) => closed.get(..i)?,
            None if closed.len() < 64 => closed,
            _ => return None,
        };
        match memmem::find(inner, b" labels:{") {
            Some(i) => (inner.get(..i)?, inner.get(i + 9..)?),
            None => (inner, &b""[..]),
        }
    };
    let mut out = Header {
        labels: labels.strip_suffix(b"}").unwrap_or(labels),
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
            out.minutes = id(n).and_then(|n| u32::try_from(n).ok());
        }
    }
    Some(out)
}

/// A header that a scan or a bad line damaged: `qoroutine 12 [select]:`, `goroutine12 [select]:`, `goroutine 1 2 (select}:`.
/// What can be read of it is read; that a goroutine begins here is what matters, so that its frames are not
/// taken for those of the one before.
fn scanned_header(text: &[u8]) -> Option<Header<'_>> {
    const WORD: &[u8] = b"goroutine";
    let word = text.get(..WORD.len())?;
    let alike = word
        .iter()
        .zip(WORD)
        .filter(|(a, b)| a.eq_ignore_ascii_case(b))
        .count();
    let rest = text.get(WORD.len()..)?;
    if alike < 7 || rest.len() > 120 {
        return None;
    }
    let open = rest.iter().position(|b| matches!(b, b'[' | b'{' | b'('))?;
    let number = rest.get(..open)?;
    // Between the word and the bracket stand digits or what looks like them.
    if number.is_empty()
        || number.len() > 24
        || !number
            .iter()
            .all(|b| b.is_ascii_digit() || b" OolI|SBZ.".contains(b))
        || !number.iter().any(u8::is_ascii_digit) && id(number.trim_ascii()).is_none()
    {
        return None;
    }
    let inner = rest.get(open + 1..)?;
    let inner = inner.strip_suffix(b":").unwrap_or(inner).trim_ascii_end();
    // Nothing stands behind the bracket: `Goroutine 7 (running) created at:` is another thing.
    let (last, inner) = inner.split_last()?;
    if !matches!(last, b']' | b'}' | b')') {
        return None;
    }
    let mut out = bracket(inner)?;
    out.id = id(number.trim_ascii());
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
        (Some(_), None) => false,
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

/// A torn function line as far as it goes: its name and the arguments that were not lost.
pub(super) fn cut_function(torn: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = torn.trim_ascii();
    if text.starts_with(b"/") {
        return None;
    }
    let open = text
        .iter()
        .enumerate()
        // `(*T)` belongs to the name.
        .position(|(i, b)| *b == b'(' && text.get(i + 1) != Some(&b'*'))?;
    let name = text.get(..open)?;
    is_name(name).then(|| (name, text.get(open + 1..).unwrap_or(b"")))
}

/// Whether a line may be the first half of a function's name: a path without blanks.
pub(super) fn is_name_piece(text: &[u8]) -> bool {
    let text = text.trim_ascii_end();
    memchr(b'/', text).is_some()
        && text.first().is_some_and(u8::is_ascii_alphabetic)
        && text
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || b"/._-~%()*@".contains(b))
        && text.len() > 20
}

/// Whether a name closes a parenthesis that it did not open: the second half of a wrapped one.
pub(super) fn is_second_half(name: &[u8]) -> bool {
    match (memchr(b')', name), memchr(b'(', name)) {
        (Some(close), Some(open)) => close < open,
        (Some(_), None) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn head(line: &str, id: u64, state: &str, minutes: Option<u32>) {
        match classify(line.as_bytes()) {
            Line::Header(h) => assert_eq!(
                (
                    h.id.unwrap_or(0),
                    String::from_utf8_lossy(h.state).as_ref(),
                    h.minutes
                ),
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

    #[test]
    fn headers_that_a_scan_damaged() {
        head("qoroutine 12 [select, 5 minutes]:", 12, "select", Some(5));
        head("goroutine12 [select]:", 12, "select", None);
        head(
            "goroutlne 4 [IO wait, ll2 minutes]:",
            4,
            "IO wait",
            Some(112),
        );
        head("goroutine 1 2 [select]:", 0, "select", None);
        head("goroutine 12 {select, 9 minutes}:", 12, "select", Some(9));
        head("goroutine S2 [semacquire]:", 0, "semacquire", None);
        for line in [
            "goroutines are [busy]:",
            "goroutine leak detected [5]:",
            "goroutine 5 exited (code 3):",
            "Goroutine 7 (running) created at:",
            "gorilla 12 [x]:",
        ] {
            case(line, &Line::Other);
        }
    }

    #[test]
    fn labels_and_internals_of_the_newest_headers() {
        let labelled = |line: &'static str| match classify(line.as_bytes()) {
            Line::Header(h) => (h.state, h.minutes, h.labels, h.internals),
            other => panic!("{line}: {other:?}"),
        };
        assert_eq!(
            labelled("goroutine 28 [sleep, 2 minutes] {step: pay, tenant: \"shop]a\"}:"),
            (
                &b"sleep"[..],
                Some(2),
                &b"step: pay, tenant: \"shop]a\""[..],
                false
            )
        );
        assert_eq!(
            labelled(
                "goroutine 28 gp=0x1 m=nil [IO wait, 2 minutes, locked to thread labels:{\"a\": \"b\"}]:"
            ),
            (&b"IO wait"[..], Some(2), &b"\"a\": \"b\""[..], true)
        );
    }

    #[test]
    fn tabs_in_letters() {
        case("#011/usr/lib/x.go:7 +0x1", &Line::File(b"/usr/lib/x.go:7"));
        case("^I/usr/lib/x.go:7", &Line::File(b"/usr/lib/x.go:7"));
        case("\\t/usr/lib/x.go:7", &Line::File(b"/usr/lib/x.go:7"));
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
        fn nearly_a_header(head in "[gGq]oroutin[e ]{1,2}", tail in "[\\[\\](){}0-9a-zO|, :=\"]{0,40}") {
            let _ = classify(format!("{head}{tail}").as_bytes());
        }
    }
}
