//! The right root, the right chain; and nothing where nothing is wrong.

use super::{Row, gate};
use crate::support::{fixture, run, verdict};

#[test]
fn diagnosis() {
    gate(
        "diagnosis",
        &fixture::incidents().collect::<Vec<_>>(),
        |fixture| {
            let analysis = run::paths(&[&fixture.bundle]);
            let outcome = verdict::judge(&fixture.truth, &analysis)
                .map(|()| verdict::said(&analysis))
                .map_err(|why| format!("{why}\n{}", verdict::said(&analysis)));
            Row {
                name: fixture.id.clone(),
                outcome,
                advisory: fixture.truth.advisory.diagnosis.clone(),
            }
        },
    );
}

#[test]
fn quiet() {
    let healthy: Vec<_> = fixture::all().iter().filter(|f| f.truth.quiet).collect();
    gate("quiet", &healthy, |fixture| {
        let analysis = run::paths(&[&fixture.bundle]);
        let outcome =
            verdict::judge(&fixture.truth, &analysis).map(|()| String::from("nothing to say"));
        Row {
            name: fixture.id.clone(),
            outcome,
            advisory: fixture.truth.advisory.diagnosis.clone(),
        }
    });
}
