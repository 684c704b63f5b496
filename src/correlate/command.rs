//! The names of the bundle, filled into commands and texts where that is safe.

use crate::model::Keys;

/// Whether a value is one plain word to a shell: neither more than a word, nor an option.
pub(super) fn is_word(value: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._:/@%+,=-".contains(c);
    !value.is_empty() && !value.starts_with('-') && value.chars().all(plain)
}

/// The command with its `<key>` places filled from keys. Only a value that is one plain word to a shell is filled in: a
/// bundle comes from a stranger, and the command will be run.
pub(super) fn filled(command: &str, keys: &Keys) -> String {
    let mut out = String::with_capacity(command.len());
    let mut rest = command;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        let value = after.split_once('>').and_then(|(name, tail)| {
            let value = value(name, keys)?;
            is_word(value).then_some((value, tail))
        });
        if let Some((value, tail)) = value {
            out.push_str(value);
            rest = tail;
        } else {
            out.push('<');
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

/// The value of a place: of `pod` (`shop/web-1`) the name alone, for commands name the namespace by itself.
fn value<'k>(name: &str, keys: &'k Keys) -> Option<&'k str> {
    let value = keys.get(name).map(String::as_str);
    // Events without their object: the name is only that of the file.
    let untold = |k: &str| keys.get(k).is_some_and(|v| v.starts_with('?'));
    if matches!(name, "namespace" | "pod" | "name") && (untold("pod") || untold("namespace")) {
        return None;
    }
    match name {
        "namespace" => value.or_else(|| keys.get("pod")?.split_once('/').map(|(n, _)| n)),
        _ => value.map(|v| match v.split_once('/') {
            Some((namespace, rest)) if keys.get("namespace").is_some_and(|n| n == namespace) => {
                rest
            }
            _ if name == "pod" => v.rsplit('/').next().unwrap_or(v),
            _ => v,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_with_plain_words_only() {
        let keys = |pairs: &[(&str, &str)]| -> Keys {
            pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect()
        };
        let command = "kubectl -n <namespace> describe pod <pod> < /dev/null; grep <x>";
        assert_eq!(
            filled(
                command,
                &keys(&[("namespace", "shop"), ("pod", "shop/web-1")])
            ),
            "kubectl -n shop describe pod web-1 < /dev/null; grep <x>"
        );
        assert_eq!(
            filled(command, &keys(&[("pod", "shop/web-1")])),
            "kubectl -n shop describe pod web-1 < /dev/null; grep <x>"
        );
        assert_eq!(
            filled(
                command,
                &keys(&[("namespace", "?"), ("pod", "?/events.txt")])
            ),
            command
        );
        for hostile in [
            "a;reboot", "$(id)", "`id`", "-o/etc/x", "a b", "a'b", "a\nb", "",
        ] {
            assert_eq!(
                filled("grep <x>", &keys(&[("x", hostile)])),
                "grep <x>",
                "{hostile}"
            );
        }
    }
}
