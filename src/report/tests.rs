//! Snapshots of every format for a hand-made analysis.

use super::layout::Look;
use super::sample::{self, SampleNames};
use super::timeline::Filter;
use super::*;
use crate::base::lang::Lang;
use crate::model::{Analysis, Severity};

fn look(width: usize) -> Look {
    Look {
        width,
        ..Look::default()
    }
}

fn report(analysis: &Analysis, lang: Lang) -> Report<'_> {
    Report::new(analysis, &SampleNames, lang)
}

#[test]
fn text_in_80_columns() {
    let a = sample::analysis(Lang::En);
    let text = text::render(&report(&a, Lang::En), look(80));
    insta::assert_snapshot!(text);
}

#[test]
fn text_in_120_columns_with_all_proofs() {
    let a = sample::analysis(Lang::En);
    let look = Look {
        verbose: true,
        ..look(120)
    };
    insta::assert_snapshot!(text::render(&report(&a, Lang::En), look));
}

#[test]
fn text_in_chinese() {
    let a = sample::analysis(Lang::Zh);
    insta::assert_snapshot!(text::render(&report(&a, Lang::Zh), look(80)));
}

#[test]
fn text_of_two_incidents() {
    let a = sample::two();
    insta::assert_snapshot!(text::render(&report(&a, Lang::En), look(100)));
}

#[test]
fn text_of_a_quiet_bundle() {
    let a = sample::quiet(Lang::En);
    insta::assert_snapshot!(text::render(&report(&a, Lang::En), look(80)));
}

#[test]
fn text_and_json_of_nothing_at_all() {
    let a = Analysis::default();
    let r = report(&a, Lang::Zh);
    insta::assert_snapshot!(text::render(&r, look(80)));
    assert!(json::render(&r).unwrap().contains("\"incidents\": []"));
}

#[test]
fn markdown_in_english() {
    let a = sample::analysis(Lang::En);
    insta::assert_snapshot!(markdown::render(&report(&a, Lang::En)));
}

#[test]
fn markdown_in_chinese() {
    let a = sample::analysis(Lang::Zh);
    insta::assert_snapshot!(markdown::render(&report(&a, Lang::Zh)));
}

#[test]
fn markdown_of_a_quiet_bundle() {
    let a = sample::quiet(Lang::En);
    insta::assert_snapshot!(markdown::render(&report(&a, Lang::En)));
}

#[test]
fn json_follows_the_contract() {
    let a = sample::analysis(Lang::En);
    let text = json::render(&report(&a, Lang::En)).unwrap();
    let text = text.replace(env!("CARGO_PKG_VERSION"), "0.0.0");
    insta::assert_snapshot!(text);
    let back: json::Document = serde_json::from_str(&text).unwrap();
    assert_eq!(back.incidents.len(), 1);
}

#[test]
fn timeline_in_three_formats() {
    let a = sample::two();
    let r = report(&a, Lang::En);
    let all = timeline::entries(&r, &Filter::default());
    insta::assert_snapshot!("timeline_text", timeline::text(&r, &all, look(100)));
    insta::assert_snapshot!("timeline_jsonl", timeline::jsonl(&all).unwrap());
    insta::assert_snapshot!("timeline_csv", timeline::csv(&all));
}

#[test]
fn timeline_filters() {
    let a = sample::analysis(Lang::En);
    let r = report(&a, Lang::En);
    let count = |filter: Filter| timeline::entries(&r, &filter).len();
    let all = count(Filter::default());
    assert_eq!(all, a.facts.len() + 1); // one fact has an end of its own
    let kubelet = Filter {
        components: vec!["kubelet".into()],
        ..Filter::default()
    };
    assert_eq!(count(kubelet), 2);
    let dev = Filter {
        entities: vec!["namespace/dev".into()],
        ..Filter::default()
    };
    assert_eq!(count(dev), 1);
    let high = Filter {
        level: Some(Severity::High),
        ..Filter::default()
    };
    assert_eq!(count(high), all - 2);
    let grep = Filter {
        grep: Some(regex::Regex::new("no vpc found").unwrap()),
        ..Filter::default()
    };
    assert_eq!(count(grep), 1);
}

#[test]
fn inventory_as_table_and_json() {
    let a = sample::analysis(Lang::En);
    let r = report(&a, Lang::En);
    insta::assert_snapshot!("inventory_text", inventory::text(&r, look(120)));
    let one = inventory::json(&inventory::inventory(&r)).unwrap();
    insta::assert_snapshot!("inventory_json", one);
}

#[test]
fn why_a_namespace_a_node_and_a_stranger() {
    let a = sample::analysis(Lang::En);
    let r = report(&a, Lang::En);
    let why = |e: &str| why::render(&r, &why::entity(e), look(90));
    insta::assert_snapshot!("why_apiservice", why("apiservice/v1beta1.metrics.k8s.io"));
    insta::assert_snapshot!("why_symptom_outside_the_chain", why("ns/dev"));
    insta::assert_snapshot!("why_node", why("node/node-1"));
    insta::assert_snapshot!("why_stranger", why("namespace/nope"));
}

#[test]
fn ask_script_runs_only_what_is_safe() {
    let a = sample::analysis(Lang::En);
    insta::assert_snapshot!(script::render(&report(&a, Lang::En)));
}

#[test]
fn no_format_lets_a_control_character_through() {
    let a = sample::two();
    let r = report(&a, Lang::En);
    let entries = timeline::entries(&r, &Filter::default());
    let verbose = Look {
        verbose: true,
        ..look(100)
    };
    for text in [
        text::render(&r, verbose),
        markdown::render(&r),
        json::render(&r).unwrap(),
        timeline::text(&r, &entries, verbose),
        timeline::jsonl(&entries).unwrap(),
        timeline::csv(&entries),
        inventory::text(&r, verbose),
        inventory::json(&inventory::inventory(&r)).unwrap(),
        why::render(&r, &why::entity("node/node-1"), verbose),
        script::render(&r),
    ] {
        let bad = text
            .chars()
            .find(|c| c.is_control() && !matches!(c, '\n' | '\r'));
        assert_eq!(bad, None, "{text}");
    }
}

#[test]
fn colours_only_when_asked_for() {
    let a = sample::analysis(Lang::En);
    let r = report(&a, Lang::En);
    let color = Look {
        color: true,
        ..look(80)
    };
    let painted = text::render(&r, color);
    assert!(painted.contains("\x1b["));
    // Stripped of its colours it is the same page.
    let plain = anstream::adapter::strip_str(&painted).to_string();
    let unpainted = text::render(&r, look(80));
    let trim = |t: &str| t.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    assert_eq!(trim(&plain), trim(&unpainted));
}

#[test]
fn harmless_incidents_can_be_left_out() {
    let a = sample::two();
    let mut r = report(&a, Lang::En);
    r.least = Severity::High;
    assert_eq!(r.incidents().count(), 1);
    assert!(text::render(&r, look(80)).contains("1 more below the severity asked for"));
}
