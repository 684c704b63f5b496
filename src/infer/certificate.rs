//! Certificates judged at the time of the incident, not of the analysis.

use super::Task;
use super::support::{quote, value};
use crate::base::time::{Instant, SECOND, Stamp, civil};
use crate::model::{Component, Fact, Keys};

/// Certificates that are out of their validity at some time within the window of the bundle.
pub(super) fn expired(task: &Task<'_>) -> Vec<Fact> {
    let (Some(start), Some(end)) = task.world.window else {
        return Vec::new();
    };
    let mut facts: Vec<Fact> = Vec::new();
    for (id, line) in task
        .world
        .states
        .iter()
        .filter(|(_, l)| l.component == Component::CERTIFICATE)
    {
        let Some(not_after) = value(line, "notAfter").and_then(instant) else {
            continue;
        };
        if not_after >= end {
            continue;
        }
        let Some(source) = task.world.source(*id) else {
            continue;
        };
        let mut keys = Keys::new();
        let common_name = line.entity.name().to_owned();
        keys.insert(String::from("cn"), common_name.clone());
        keys.insert(String::from("certificate"), common_name);
        keys.insert(String::from("subject"), subject(&line.text).to_owned());
        keys.insert(String::from("path"), source.path.clone());
        keys.insert(String::from("not-after"), not_after.rfc3339());
        let sans = value(line, "sans").unwrap_or_default();
        if let Some(san) = sans.split(',').find(|s| !s.is_empty()) {
            keys.insert(String::from("san"), san.to_owned());
            // A webhook or an aggregated API is reached as <service>.<namespace>.svc.
            let mut parts = san.split('.');
            if let (Some(service), Some(namespace), Some("svc")) =
                (parts.next(), parts.next(), parts.next())
            {
                keys.insert(String::from("service"), format!("{namespace}/{service}"));
            }
        }
        let service_of_cn = line.entity.name().split('.').collect::<Vec<_>>();
        if let [service, namespace, "svc", ..] = service_of_cn.as_slice() {
            keys.entry(String::from("service"))
                .or_insert_with(|| format!("{namespace}/{service}"));
        }
        let evidence = vec![quote(task.world, *id, line)];
        let Some(mut fact) = task.fact(
            "certificate-expired",
            keys,
            Component::CERTIFICATE,
            evidence,
            Vec::new(),
        ) else {
            continue;
        };
        let at = if not_after < start {
            None
        } else {
            Some(Stamp::exact(not_after, SECOND))
        };
        fact.span.first = at.or(Some(Stamp::exact(not_after, SECOND)));
        fact.span.last = Some(Stamp::exact(end, SECOND));
        if !facts.iter().any(|f| f.entity == fact.entity) {
            facts.push(fact);
        }
    }
    facts
}

fn subject(text: &str) -> &str {
    let from = text.find("subject=").map_or(0, |i| i + "subject=".len());
    let rest = text.get(from..).unwrap_or_default();
    rest.find(" issuer=")
        .or_else(|| rest.find(" notBefore="))
        .and_then(|i| rest.get(..i))
        .unwrap_or(rest)
}

/// `2026-11-20T17:08:28Z`.
fn instant(text: &str) -> Option<Instant> {
    let number =
        |range: std::ops::Range<usize>| text.get(range).and_then(|t| t.parse::<i64>().ok());
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let seconds = number(11..13)? * 3600 + number(14..16)? * 60 + number(17..19)?;
    civil(
        i32::try_from(year).ok()?,
        u8::try_from(month).ok()?,
        u8::try_from(day).ok()?,
        seconds * SECOND,
    )
    .map(Instant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_state_line_prints() {
        assert_eq!(
            instant("2026-11-20T17:08:28Z")
                .map(Instant::rfc3339)
                .as_deref(),
            Some("2026-11-20T17:08:28Z")
        );
        assert_eq!(instant("soon"), None);
        assert_eq!(
            subject("subject=CN=a, O=b issuer=CN=c notBefore=x"),
            "CN=a, O=b"
        );
    }
}
