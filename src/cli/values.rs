//! Values on the command line: moments, zones, severities, languages.

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::base::lang::Lang;
use crate::base::time::{Instant, SECOND};
use crate::base::units::duration;
use crate::extract::Zone;
use crate::model::Severity;
use crate::pipeline::Bound;

/// `2026-06-22T00:01:56Z`, `2026-06-22T08:01:56+08:00`, or `-2h` for two hours before the end of the bundle.
pub(super) fn bound(text: &str) -> Result<Bound, String> {
    if let Some(age) = text.strip_prefix('-') {
        return match duration(age) {
            Some(ns) if ns >= 0 => Ok(Bound::BeforeEnd(ns)),
            _ => Err(String::from("not a duration; write it like -2h or -90m")),
        };
    }
    let at = chrono::DateTime::parse_from_rfc3339(text).map_err(|_| {
        String::from("not a time; write it like 2026-06-22T00:01:56Z, or like -2h (before the end)")
    })?;
    at.timestamp()
        .checked_mul(SECOND)
        .and_then(|s| s.checked_add(i64::from(at.timestamp_subsec_nanos())))
        .map(|ns| Bound::At(Instant(ns)))
        .ok_or_else(|| String::from("out of range"))
}

/// `UTC`, `+08:00`, `Asia/Shanghai`.
pub(super) fn zone(text: &str) -> Result<Zone, String> {
    Zone::parse(text)
        .ok_or_else(|| String::from("not a zone; write it like UTC, +08:00 or Asia/Shanghai"))
}

/// `critical` to `info`.
pub(super) fn severity() -> impl TypedValueParser<Value = Severity> {
    PossibleValuesParser::new(["critical", "high", "medium", "low", "info"])
        .map(|word| Severity::parse(&word).unwrap_or(Severity::Info))
}

/// `en` or `zh`.
pub(super) fn lang() -> impl TypedValueParser<Value = Lang> {
    PossibleValuesParser::new(["en", "zh"]).map(|word| Lang::of_locale(&word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::HOUR;

    #[track_caller]
    fn case(text: &str, expected: Option<Bound>) {
        assert_eq!(bound(text).ok(), expected, "{text}");
    }

    #[test]
    fn moments() {
        case("-2h", Some(Bound::BeforeEnd(2 * HOUR)));
        case("1970-01-01T00:00:01Z", Some(Bound::At(Instant(SECOND))));
        case(
            "1970-01-01T08:00:00.5+08:00",
            Some(Bound::At(Instant(SECOND / 2))),
        );
        case("--2h", None);
        case("yesterday", None);
        case("9999-01-01T00:00:00Z", None); // nanoseconds since 1970 end in 2262
    }
}
