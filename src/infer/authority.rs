//! Authorities that were made anew under their name, told by the keys of what they had issued before.
//!
//! A kubelet's certificate whose authority key identifier is `5A:11:…`, and one authority of its issuer's name in the bundle,
//! with the key `C3:00:…`, that begins after it.

use std::collections::BTreeSet;

use super::Task;
use super::certificate::instant;
use super::support::{machine, quote, value};
use super::trust::Cert;
use crate::base::time::{SECOND, Stamp};
use crate::model::{Component, Fact};

/// Certificates of an authority that was made anew under its name: the bundle holds the new one only, and it begins after
/// them.
pub(super) fn infer(task: &Task<'_>) -> Vec<Fact> {
    let all = Cert::all(task);
    let begin = |c: &Cert<'_>| value(c.line, "notBefore").and_then(instant);
    let mut told = BTreeSet::new();
    all.iter()
        .filter_map(|leaf| {
            let of_name = || {
                let of_name = all.iter().filter(|c| c.subject == leaf.issuer);
                of_name.filter(|c| value(c.line, "ca") != Some("false"))
            };
            let key = leaf.signer_key.filter(|_| leaf.subject != leaf.issuer)?;
            // An authority whose key is not known may be the one that signed.
            if of_name().any(|c| c.key.is_none_or(|k| k == key)) {
                return None;
            }
            let newest = of_name().max_by_key(|c| begin(c))?;
            let (made, issued) = (begin(newest)?, begin(leaf)?);
            if made <= issued || !told.insert(leaf.line.text.as_str()) {
                return None;
            }
            let node = |id| task.world.source(id).and_then(|s| s.scope.node.as_deref());
            let mut keys = machine(node(leaf.source));
            keys.insert("cn".into(), leaf.line.entity.name().to_owned());
            keys.insert("authority".into(), newest.subject.to_owned());
            keys.insert("made".into(), value(newest.line, "notBefore")?.to_owned());
            let evidence = vec![
                quote(task.world, newest.source, newest.line),
                quote(task.world, leaf.source, leaf.line),
            ];
            let name = "certificate-authority-replaced";
            let mut fact = task.fact(name, keys, Component::CERTIFICATE, evidence, Vec::new())?;
            fact.span.first = Some(Stamp::exact(made, SECOND));
            fact.span.last = task.collected(leaf.source).or(fact.span.first);
            Some(fact)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{facts_of, shown};

    #[test]
    fn an_authority_made_anew_after_it_issued() {
        let text = |subject: &str, begin: &str, ids: &str| {
            format!(
                "Certificate:\n    Data:\n        Issuer: CN=kubernetes\n        Validity\n            Not Before: {begin} 2022 GMT\n            Not After : Aug 14 08:20:00 2032 GMT\n        Subject: {subject}\n        X509v3 extensions:\n{ids}"
            )
        };
        let (of, by) = (
            "X509v3 Subject Key Identifier",
            "X509v3 Authority Key Identifier",
        );
        let key = |sort: &str, id: &str| format!("            {sort}:\n                {id}\n");
        let (first, second) = ("5A:11:0C:7E", "C3:00:11:22");
        let leaf = text(
            "O=system:nodes, CN=system:node:n1",
            "Feb  1 08:20:00",
            &key(by, first),
        );
        let authority = |begin: &str, id: &str| text("CN=kubernetes", begin, &key(of, id));
        let case = |authorities: &[String], expected: &[&str]| {
            let mut files = vec![("n1/kubelet-client.txt", leaf.as_str())];
            let names = ["m/ca.txt", "m/old-ca.txt"];
            files.extend(
                names
                    .into_iter()
                    .zip(authorities.iter().map(String::as_str)),
            );
            let facts = facts_of(&files, "certificate/authority-replaced");
            assert_eq!(shown(&facts, &["authority", "made"]), expected);
        };
        let replaced =
            "certificate/system:node:n1 authority=CN=kubernetes made=2022-08-17T07:35:00Z";
        let new = authority("Aug 17 07:35:00", second);
        case(std::slice::from_ref(&new), &[replaced]);
        // The one that signed is there as well; another cluster's; whose key it has is not said.
        case(&[new, authority("Jan  1 08:20:00", first)], &[]);
        case(&[authority("Jan  1 08:20:00", second)], &[]);
        case(&[text("CN=kubernetes", "Aug 17 07:35:00", "")], &[]);
        case(&[], &[]);
    }
}
