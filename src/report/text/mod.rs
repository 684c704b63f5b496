//! The report for a terminal. Its first screen is the answer: what is broken, why, how sure that is, in
//! which order it happened and on which lines that rests; then what to do; then what the bundle holds.

mod bundle;
mod chain;
mod incident;

pub(crate) use chain::put as put_chain;
pub(crate) use incident::window;

use super::layout::{Ink, Look, Sheet};
use super::view::Report;
use super::words::fill;

/// The report as text.
pub fn render(report: &Report<'_>, look: Look) -> String {
    let mut sheet = Sheet::new(look);
    let words = report.words();
    let incidents: Vec<_> = report.incidents().collect();
    match incidents.len() {
        0 => bundle::nothing_found(&mut sheet, report),
        1 => {}
        n => index(&mut sheet, report, n),
    }
    for (i, incident) in incidents.iter().enumerate() {
        let number = (incidents.len() > 1).then_some(i + 1);
        incident::put(&mut sheet, report, incident, number, look.verbose);
    }
    let left_out = report.left_out();
    if left_out > 0 {
        sheet.blank();
        let text = fill(words.below, &[&left_out.to_string()]);
        sheet.line(&[(Ink::Dim, &text)]);
    }
    bundle::unexplained(&mut sheet, report, look.verbose);
    bundle::put(&mut sheet, report, look.verbose);
    sheet.finish()
}

/// One line an incident, when there are several.
fn index(sheet: &mut Sheet, report: &Report<'_>, n: usize) {
    let head = fill(report.words().incidents, &[&n.to_string()]);
    sheet.line(&[(Ink::Bold, &head)]);
    for (i, incident) in report.incidents().enumerate() {
        let number = format!("  {}. ", i + 1);
        let word = format!("[{}] ", report.words().severity(incident.severity));
        let ink = incident::ink(incident.severity);
        let hang = " ".repeat(number.len());
        sheet.flow(
            &[(Ink::Plain, &number), (ink, &word)],
            &[(Ink::Plain, &hang)],
            Ink::Plain,
            &report.noticed(incident),
            2,
        );
        // What is noticed is no cause of itself.
        let root = incident.roots.first().map(|r| r.fact);
        let deeper = root.filter(|r| incident.symptoms.first() != Some(r));
        if let Some(fact) = deeper.and_then(|r| report.fact(r)) {
            let lead = format!("{hang}← ");
            let text = report.title_and_doubt(fact);
            sheet.flow(
                &[(Ink::Dim, &lead)],
                &[(Ink::Plain, &hang)],
                Ink::Dim,
                &text,
                2,
            );
        }
    }
}
