//! The name of a Go function, taken apart.

/// A function name in its parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Function<'a> {
    /// Import path without what stands before `/vendor/`.
    pub package: &'a str,
    /// Receiver type without `*` and type arguments; empty for a plain function.
    pub receiver: &'a str,
    /// Method or function; closures belong to the function they are written in.
    pub method: &'a str,
}

impl<'a> Function<'a> {
    /// Takes `import/path.(*Type).Method.func1` apart.
    pub fn split(name: &'a str) -> Self {
        let path_end = name.find(['(', '[']).unwrap_or(name.len());
        let slash = name
            .get(..path_end)
            .and_then(|p| p.rfind('/'))
            .map_or(0, |i| i + 1);
        let Some(dot) = name
            .get(slash..)
            .and_then(|p| p.find('.'))
            .map(|i| slash + i)
        else {
            return Self {
                method: name,
                ..Self::default()
            };
        };
        let package = name.get(..dot).unwrap_or("");
        let rest = name.get(dot + 1..).unwrap_or("");
        if let Some(inner) = rest.strip_prefix("(*") {
            let (receiver, after) = inner.split_once(')').unwrap_or((inner, ""));
            return Self {
                package,
                receiver: bare(receiver),
                method: first(after.strip_prefix('.').unwrap_or(after)),
            };
        }
        let head = first(rest);
        let next = rest
            .get(head.len()..)
            .map(skip_type_arguments)
            .and_then(|r| r.strip_prefix('.'))
            .map_or("", first);
        if next.is_empty() || is_closure(next) {
            Self {
                package,
                receiver: "",
                method: bare(head),
            }
        } else {
            Self {
                package,
                receiver: bare(head),
                method: next,
            }
        }
    }
}

/// Up to the next `.` or `[`.
fn first(text: &str) -> &str {
    text.get(..text.find(['.', '[']).unwrap_or(text.len()))
        .unwrap_or(text)
}

fn bare(text: &str) -> &str {
    text.split('[').next().unwrap_or(text)
}

fn skip_type_arguments(text: &str) -> &str {
    if text.starts_with('[') {
        text.rfind(']')
            .and_then(|i| text.get(i + 1..))
            .unwrap_or("")
    } else {
        text
    }
}

/// `func1`, `gowrap2`, `1`, `deferwrap1`, `init`: names the compiler gives.
fn is_closure(part: &str) -> bool {
    let tail = ["func", "gowrap", "deferwrap", "glob"]
        .iter()
        .find_map(|p| part.strip_prefix(p))
        .unwrap_or(part);
    tail.bytes().all(|b| b.is_ascii_digit()) || part.starts_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn case(name: &str, package: &str, receiver: &str, method: &str) {
        let expected = Function {
            package,
            receiver,
            method,
        };
        assert_eq!(Function::split(name), expected, "{name}");
    }

    #[test]
    fn takes_function_names_apart() {
        case("main.main", "main", "", "main");
        case("main.main.func2", "main", "", "main");
        case("sync.(*Mutex).lockSlow", "sync", "Mutex", "lockSlow");
        case(
            "github.com/docker/docker/daemon.(*Daemon).setupDumpStackTrap.func1",
            "github.com/docker/docker/daemon",
            "Daemon",
            "setupDumpStackTrap",
        );
        case(
            "net/http.HandlerFunc.ServeHTTP",
            "net/http",
            "HandlerFunc",
            "ServeHTTP",
        );
        case(
            "net/http.(*connReader).startBackgroundRead.gowrap2",
            "net/http",
            "connReader",
            "startBackgroundRead",
        );
        case(
            "gopkg.in/yaml%2ev2.Unmarshal",
            "gopkg.in/yaml%2ev2",
            "",
            "Unmarshal",
        );
        case(
            "k8s.io/client-go/util/workqueue.(*Typed[...]).Get",
            "k8s.io/client-go/util/workqueue",
            "Typed",
            "Get",
        );
        case(
            "a/b.Map[go.shape.int_0,go.shape.string_1].Load",
            "a/b",
            "Map",
            "Load",
        );
        case("slices.SortFunc[...].func1", "slices", "", "SortFunc");
        case("noise", "", "", "noise");
        case("", "", "", "");
    }
}
