//! The same incident in other clothes: by script, from each full bundle.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, FixedOffset};

use super::build::{Bundle, Setting, bundle, exchange};
use super::generate::Plan;
use super::scenario::{File, OtherVersion, Scenario, Style, Truth, Wrap, swap};

/// One variant: its name, its bundle, what must come out, why it is not yet required.
pub struct Variant {
    /// What was changed.
    pub name: &'static str,
    /// The files.
    pub bundle: Bundle,
    /// When it was collected.
    pub collected: DateTime<FixedOffset>,
    /// The verdict of the full bundle.
    pub truth: Truth,
}

/// Every variant of a scenario.
pub fn of(scenario: &Scenario) -> Vec<Variant> {
    let files = scenario.files(&scenario.full);
    let plain = |collected: &str| Setting::of(collected, &scenario.zone, &scenario.folder, 23);
    let truth = Truth {
        facts: Vec::new(),
        ruled_out: Vec::new(),
        gap: None,
        understood: false,
        ..scenario.full.truth.clone()
    };
    let here = plain(&scenario.collected);
    let variant = |name, bundle, setting: &Setting, truth: &Truth| Variant {
        name,
        bundle,
        collected: setting.collected,
        truth: truth.clone(),
    };
    let mut out = Vec::new();

    let year = &scenario.collected[..4];
    let evening = plain(&format!("{year}-10-31 22:47:09"));
    out.push(variant(
        "shifted",
        bundle(&files, &evening),
        &evening,
        &truth,
    ));
    let next: i32 = year.parse::<i32>().expect("a year") + 1;
    let new_year = plain(&format!("{next}-01-01 00:21:40"));
    out.push(variant(
        "over New Year",
        bundle(&files, &new_year),
        &new_year,
        &truth,
    ));

    let unnamed = Truth {
        entity: None,
        ..truth.clone()
    };
    out.push(variant(
        "renamed",
        exchange(&bundle(&files, &here), &names(scenario)),
        &here,
        &unnamed,
    ));
    for (name, wrap) in [("in CRI", Wrap::Cri), ("in a journal", Wrap::Journal)] {
        let wrapped: Vec<File> = files.iter().map(|f| wrapped(f, wrap)).collect();
        out.push(variant(name, bundle(&wrapped, &here), &here, &truth));
    }
    out.push(variant(
        "split",
        rotations(&bundle(&files, &here)),
        &here,
        &truth,
    ));

    if let Some(machine) = machine(&files) {
        out.push(variant(
            "a clock ahead",
            ahead(&files, &machine, &here),
            &here,
            &truth,
        ));
    }

    let mixed = plain("2026-11-20 15:40:00");
    let mut both = bundle(&files, &mixed);
    both.extend(healthy());
    out.push(variant("with healthy logs", both, &mixed, &truth));

    if let Some(OtherVersion {
        swap: pairs,
        advisory,
        ..
    }) = &scenario.other_version
    {
        let mut other = files.clone();
        for (from, to) in pairs {
            swap(&scenario.name, &mut other, from, to);
        }
        let advisory = truth.advisory.clone().or_else(|| advisory.clone());
        out.push(variant(
            "other version",
            bundle(&other, &here),
            &here,
            &Truth {
                advisory,
                ..truth.clone()
            },
        ));
    }
    for variant in &mut out {
        let open = scenario.open.get(variant.name).cloned();
        variant.truth.advisory = variant.truth.advisory.take().or(open);
    }
    out
}

/// How far the clock of a machine is ahead in the variant of that name, in seconds.
const AHEAD: i64 = 170;

/// The first machine whose kubelet or runtime has a log; none where the scenario itself tells of clocks.
fn machine(files: &[File]) -> Option<String> {
    let tells = |f: &File| {
        f.text
            .as_ref()
            .is_some_and(|t| t.contains("firstTimestamp"))
    };
    if files.iter().any(tells) {
        return None;
    }
    let local = |f: &&File| {
        let program = f.program.split('[').next().unwrap_or_default();
        f.text.is_none() && matches!(program, "kubelet" | "containerd" | "dockerd")
    };
    files
        .iter()
        .filter(local)
        .map(|f| f.host.clone())
        .find(|h| !h.is_empty())
}

/// The bundle with everything that one machine logged ahead, and the events that show it.
fn ahead(files: &[File], machine: &str, here: &Setting) -> Bundle {
    let shifted = Setting {
        collected: here.collected + Duration::seconds(AHEAD),
        ..here.clone()
    };
    let (own, others): (Vec<File>, Vec<File>) = files
        .iter()
        .cloned()
        .partition(|f| f.host == machine && f.text.is_none());
    let mut out = bundle(&others, here);
    // The folder is named after the collection.
    out.extend(bundle(&own, &shifted));
    let stamp = |at: DateTime<FixedOffset>| at.to_utc().format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let mut items = Vec::new();
    for n in 0..8 {
        let at = here.collected - Duration::minutes(40 - 5 * n);
        let mut event = |reason: &str, source: String, first, created| {
            items.push(format!(
                r#"{{"apiVersion":"v1","kind":"Event","metadata":{{"name":"p-{n}.{reason}","namespace":"probe","creationTimestamp":"{}"}},"involvedObject":{{"kind":"Pod","namespace":"probe","name":"p-{n}","uid":"p-{n}"}},"reason":"{reason}","message":"","type":"Normal","source":{source},"firstTimestamp":"{}","lastTimestamp":"{}","count":1}}"#,
                stamp(created),
                stamp(first),
                stamp(first)
            ));
        };
        let scheduler = String::from(r#"{"component":"default-scheduler"}"#);
        event("Scheduled", scheduler, at, at);
        let kubelet = format!(r#"{{"component":"kubelet","host":"{machine}"}}"#);
        let seen = at + Duration::seconds(1);
        event("Pulled", kubelet, seen + Duration::seconds(AHEAD), seen);
    }
    let list = format!(
        r#"{{"apiVersion":"v1","kind":"List","items":[{}]}}"#,
        items.join(",\n")
    );
    let path = match here.folder.as_str() {
        "" => String::from("kubectl/events-of-probes.json"),
        folder => format!("{folder}/kubectl/events-of-probes.json"),
    };
    out.insert(path, list.into_bytes());
    out
}

/// Other names for the scenario's own, and another private network.
fn names(scenario: &Scenario) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = scenario
        .names
        .iter()
        .enumerate()
        .map(|(i, name)| {
            let letters: String = name.chars().map(turned).collect();
            (
                name.clone(),
                if letters == *name {
                    format!("other{i}")
                } else {
                    letters
                },
            )
        })
        .collect();
    for (from, to) in [
        ("192.168.0.", "10.99.7."),
        ("172.16.", "10.166."),
        ("172.19.", "10.119."),
    ] {
        pairs.push((from.to_owned(), to.to_owned()));
    }
    pairs
}

/// The letter thirteen places on, so that a name stays a name.
fn turned(c: char) -> char {
    match c {
        'a'..='m' | 'A'..='M' => char::from(c as u8 + 13),
        'n'..='z' | 'N'..='Z' => char::from(c as u8 - 13),
        other => other,
    }
}

/// A log in another wrapping; what is already wrapped, and what is no log, stays.
fn wrapped(file: &File, wrap: Wrap) -> File {
    let mut file = file.clone();
    let bare = file.text.is_none()
        && file.wrap == Wrap::None
        && matches!(file.style, Style::Klog | Style::Logfmt | Style::Istio);
    if bare {
        file.wrap = wrap;
        if file.host.is_empty() {
            "node-x".clone_into(&mut file.host);
        }
        if file.program.is_empty() {
            let name = file.path.rsplit('/').next().unwrap_or_default();
            let known = [
                "kube-apiserver",
                "kube-controller-manager",
                "kube-scheduler",
                "cloud-controller-manager",
                "cluster-autoscaler",
                "kube-proxy",
                "kubelet",
                "containerd",
                "dockerd",
            ];
            let program = known
                .iter()
                .find(|k| file.path.contains(*k))
                .copied()
                .unwrap_or(name);
            file.program = format!("{}[{}]", program.trim_end_matches(".log"), 700 + file.pid);
        }
    }
    file
}

/// Each log in three parts, as rotation leaves them.
fn rotations(bundle: &Bundle) -> Bundle {
    let mut out = BTreeMap::new();
    for (path, content) in bundle {
        let lines: Vec<&[u8]> = content.split_inclusive(|b| *b == b'\n').collect();
        let is_log = path.to_ascii_lowercase().ends_with(".log")
            && lines.len() > 300
            && !path.contains("goroutine");
        if !is_log {
            out.insert(path.clone(), content.clone());
            continue;
        }
        let third = lines.len() / 3;
        for (name, part) in [
            (format!("{path}.2"), &lines[..third]),
            (format!("{path}.1"), &lines[third..2 * third]),
            (path.clone(), &lines[2 * third..]),
        ] {
            out.insert(name, part.concat());
        }
    }
    out
}

/// The logs of another, healthy cluster.
fn healthy() -> Bundle {
    let plan = Plan {
        bytes: 500_000,
        seed: 5,
        local: true,
        incident: false,
    };
    let mut out = BTreeMap::new();
    plan.each(|path, content| {
        if path.starts_with("nodes/") {
            out.insert(format!("healthy/{path}"), content.to_vec());
        }
        Ok(())
    })
    .expect("writing into memory");
    out
}
