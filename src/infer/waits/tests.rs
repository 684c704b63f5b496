use super::*;
use crate::parse::goroutines;

#[test]
#[ignore]
fn scratch_cases() {
    let mut dumps = Vec::new();
    let mut host = Host::default();
    for (i, p) in std::env::var("DUMPS")
        .unwrap_or_default()
        .split_whitespace()
        .enumerate()
    {
        let text = std::fs::read(p).unwrap();
        if p.contains("ps-") {
            for (n, line) in String::from_utf8_lossy(&text).lines().enumerate().skip(1) {
                let w: Vec<&str> = line.split_whitespace().collect();
                let (pid, ppid, stat, cmd) = if p.contains("forest") {
                    (w[1], w[2], "", w[7..].join(" ").replace("\\_ ", ""))
                } else {
                    (w[1], "0", w[7], w[10..].join(" "))
                };
                let comm = cmd
                    .split(' ')
                    .next()
                    .unwrap()
                    .rsplit('/')
                    .next()
                    .unwrap()
                    .to_owned();
                let place = Place {
                    source: crate::model::SourceId(i as u32),
                    line: n as u64 + 1,
                    offset: 0,
                };
                let t = format!(
                    "pid={pid} {}stat={stat} elapsed=225s comm={comm} cmd={cmd}",
                    if ppid == "0" {
                        String::new()
                    } else {
                        format!("ppid={ppid} ")
                    }
                );
                host.processes.extend(ProcessRow::parse(
                    &t,
                    Quote {
                        place,
                        text: line.to_owned(),
                        time: None,
                    },
                    Some("node1"),
                ));
            }
            continue;
        }
        let mut d = goroutines::read(
            &text,
            Place {
                line: 1,
                source: crate::model::SourceId(i as u32),
                offset: 0,
            },
        );
        for d in &mut d {
            d.node.get_or_insert_with(|| "node1".into());
        }
        dumps.extend(d);
    }
    let t = std::time::Instant::now();
    let r = analyse(&dumps, &host);
    println!("analysed in {:?}", t.elapsed());
    for d in &r.dumps {
        println!(
            "DUMP {} {:?} {} n={} idle={} aside={:?}",
            d.dump,
            d.process,
            d.kind.as_str(),
            d.goroutines,
            d.idle,
            d.set_aside
        );
        for g in d.groups.iter().filter(|g| !g.is_idle()).take(25) {
            println!(
                "    {:>4} {} {:?} {} | {}",
                g.count, g.state, g.minutes, g.waits, g.function
            );
        }
    }
    for c in &r.chains {
        println!(
            "CHAIN cycle={} behind={} minutes={} ask={:?}",
            c.cycle, c.behind, c.minutes, c.ask
        );
        for s in &c.steps {
            println!("   -> {}", s.text);
            for q in &s.evidence {
                println!(
                    "         {}:{} {}",
                    q.place.source.0,
                    q.place.line,
                    &q.text.chars().take(140).collect::<String>()
                );
            }
        }
    }
    for f in facts(&r) {
        println!(
            "FACT {} {} {:?} n={} because={}",
            f.kind, f.entity, f.keys, f.count, f.because
        );
    }
}
