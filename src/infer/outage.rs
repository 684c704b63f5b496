//! An outage that only the clients saw: connections are made and nothing is answered.
//!
//! A stopped or frozen process prints nothing, and a server that is quiet by habit leaves no gap in its log. Its clients
//! tell the two outages apart: the kernel completes connections for a process that is there, and refuses them for one
//! that is gone.

use super::Task;
use super::support::earlier;
use crate::base::time::{MINUTE, Stamp};
use crate::base::units::human_duration;
use crate::model::{Fact, FactId};

/// Signs that follow each other within this time tell of one outage.
const DENSE: i64 = 2 * MINUTE;
/// A client that tells nothing of it for so long has its answers again.
const OVER: i64 = MINUTE / 2;

pub(super) fn infer(task: &Task<'_>) -> Vec<Fact> {
    let signs = task.list("signs");
    let before = task.list("earlier");
    let within = task.time("within").unwrap_or(MINUTE);
    task.facts(&signs)
        .filter(|(_, sign)| !refuted(task, sign))
        .filter_map(|(id, sign)| {
            let (first, last) = (sign.span.first?, sign.span.last?);
            // A client that waits gives up before it connects anew: the outage is older than its first sign.
            let (began, told_by) = task
                .facts(&before)
                .filter_map(|(id, f)| {
                    let at = f.span.first?;
                    let lead = first.at.since(at.at);
                    (lead >= 0 && lead <= within).then_some((at, id))
                })
                .min_by_key(|(at, _)| at.at)
                .map_or((first, None), |(at, id)| (at, Some(id)));
            outage(task, (id, sign), began, told_by, last)
        })
        .collect()
}

/// Whether the same port refused connections meanwhile: then nobody was there to hang.
fn refuted(task: &Task<'_>, sign: &Fact) -> bool {
    let unless = task.list("unless");
    let ends = |f: &Fact| Some((f.span.first?.at, f.span.last?.at));
    task.facts(&unless).any(|(_, f)| {
        f.key("destination") == sign.key("destination")
            && matches!((ends(f), ends(sign)), (Some(a), Some(b)) if a.0 <= b.1 && b.0 <= a.1)
    })
}

fn outage(
    task: &Task<'_>,
    (id, sign): (FactId, &Fact),
    began: Stamp,
    told_by: Option<FactId>,
    last: Stamp,
) -> Option<Fact> {
    let length = last.at.since(began.at);
    let mean = length / i64::try_from(sign.count).unwrap_or(i64::MAX).max(1);
    let mut keys = sign.keys.clone();
    keys.insert(
        String::from("lasted"),
        if mean <= DENSE {
            String::from("at-least")
        } else {
            format!("{}× / {}", sign.count, human_duration(length))
        },
    );
    keys.insert(String::from("length"), human_duration(length));
    // The line that the beginning rests on comes first.
    let begins = told_by.and_then(|id| task.world.facts.get(usize::try_from(id.0).ok()?));
    let evidence = begins
        .and_then(|f| f.evidence().first())
        .into_iter()
        .chain(sign.evidence().iter().take(3))
        .cloned()
        .collect();
    let from = std::iter::once(id).chain(told_by).collect();
    let mut fact = task.fact(
        "answer-outage",
        keys,
        sign.component.clone(),
        evidence,
        from,
    )?;
    fact.span.first = earlier(Some(began), sign.span.first);
    fact.span.last = Some(last);
    // It is over when the client went on without such a sign.
    let went_on = sign
        .evidence()
        .first()
        .and_then(|q| task.world.coverage(q.place.source).1)
        .is_some_and(|end| end.at.since(last.at) >= OVER);
    fact.span.closed = mean <= DENSE && went_on;
    Some(fact)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{facts_of, shown};

    const HANGS: &str = "\
I1120 17:07:39.861640      61 healthz.go:244] etcd check failed: readyz
[-]etcd failed: error getting data from etcd: context deadline exceeded
W1120 17:07:54.823235      61 clientconn.go:1223] grpc: addrConn.createTransport failed to connect to {http://127.0.0.1:2379  <nil> 0 <nil>}: didn't receive server preface in time. Reconnecting...
W1120 17:08:02.898096      61 clientconn.go:1223] grpc: addrConn.createTransport failed to connect to {http://127.0.0.1:2379  <nil> 0 <nil>}: didn't receive server preface in time. Reconnecting...
";
    const GONE: &str = "\
W1120 17:09:23.146504      61 clientconn.go:1223] grpc: addrConn.createTransport failed to connect to {http://127.0.0.1:2379  <nil> 0 <nil>}. Err :connection error: desc = \"transport: Error while dialing dial tcp 127.0.0.1:2379: connect: connection refused\". Reconnecting...
";

    #[track_caller]
    fn case(log: &str, expected: &[&str]) {
        let facts = facts_of(&[("cp1/kube-apiserver.log", log)], "etcd/hung");
        assert_eq!(shown(&facts, &["lasted", "length"]), expected);
    }

    #[test]
    fn a_port_that_takes_connections_and_says_nothing() {
        case(
            HANGS,
            &["etcd-endpoint/127.0.0.1:2379 lasted=at-least length=23s"],
        );
    }

    #[test]
    fn a_port_that_refuses_is_no_hang() {
        case(GONE, &[]);
        // Refused in between: the process was started again and again.
        let refused = GONE.replace("17:09:23", "17:07:58");
        let lines: Vec<&str> = HANGS.lines().collect();
        let both = format!("{}\n{refused}{}\n", lines[..3].join("\n"), lines[3]);
        case(&both, &[]);
    }
}
