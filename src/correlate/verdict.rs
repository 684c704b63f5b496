//! Found, looked and absent, or could not look: what was considered besides the chain, and what is missing.

use std::collections::BTreeSet;

use super::graph::Graph;
use super::link::{Met, meets, unrelated};
use crate::base::lang::Lang;
use crate::base::text;
use crate::catalog::{Ask, Cause, Need, Origin, Strength, Text};
use crate::model::incident::{Gap, RuledOut};
use crate::model::waits::Ask as Wanted;
use crate::model::{Component, Fact, FactId, SourceKind, Status};

/// Most entries of one list: the rest is in the JSON facts.
const LIST: usize = 8;

/// What a look at the alternatives found.
#[derive(Debug, Default)]
pub(super) struct Verdicts {
    pub(super) ruled_out: Vec<RuledOut>,
    pub(super) gaps: Vec<Gap>,
    /// Causes of the root itself that could not be looked at.
    pub(super) blind: usize,
}

pub(super) fn text_of(text: &Text, lang: Lang) -> &str {
    match lang {
        Lang::En => &text.en,
        Lang::Zh => &text.zh,
    }
}

/// Looks at every cause that the catalogue knows for the steps of a chain (root first) and that is not on it.
pub(super) fn look(graph: &Graph<'_>, chain: &[FactId], lang: Lang) -> Verdicts {
    let mut verdicts = Verdicts::default();
    let on_chain: BTreeSet<&str> = chain
        .iter()
        .filter_map(|id| graph.fact(*id))
        .map(|f| f.kind.as_str())
        .collect();
    let mut said = BTreeSet::new();
    excluded(graph, chain, &on_chain, lang, &mut said, &mut verdicts);
    unexplained(graph, chain, lang, &mut verdicts.gaps);
    for (step, id) in chain.iter().enumerate() {
        let Some(effect) = graph.fact(*id) else {
            continue;
        };
        let Some(kind) = graph.catalog.index(&effect.kind) else {
            continue;
        };
        if let Some(wanted) = &effect.ask {
            let title = graph.title(effect, lang);
            verdicts.gaps.push(asked(wanted, &title, lang));
        }
        let mut causes: Vec<&Cause> = graph.catalog.causes_of(kind).collect();
        causes.sort_by_key(|c| std::cmp::Reverse(c.strength));
        for cause in causes {
            let Some(definition) = graph.catalog.at(cause.cause) else {
                continue;
            };
            if on_chain.contains(definition.id.as_str()) || !said.insert(definition.id.clone()) {
                continue;
            }
            let seen_here = graph.causes(*id).iter().any(|l| {
                graph.fact(l.cause).is_some_and(|f| {
                    f.kind == definition.id && definition.origin != Origin::Suspect
                })
            });
            // A quiet log shows neither silence nor its absence.
            let by_silence =
                matches!(&definition.origin, Origin::Inferred { by, .. } if by == "silence");
            if seen_here || by_silence {
                continue;
            }
            let missing: Vec<&Need> = cause
                .needs
                .iter()
                .filter(|n| !available(graph, n, effect))
                .collect();
            if !missing.is_empty() || definition.origin == Origin::Suspect {
                // Only what would lead deeper than the root, or decide about a suspect, is worth asking for.
                if step == 0 {
                    verdicts.blind += 1;
                }
                if step == 0 || cause.strength >= Strength::Strong {
                    ask(
                        &definition.asks,
                        &missing,
                        &graph.title_of(cause.cause, effect, lang),
                        lang,
                        &mut verdicts.gaps,
                    );
                }
            } else if cause.strength >= Strength::Strong && !cause.needs.is_empty() {
                let topology = &graph.world.topology;
                let candidates = || {
                    graph
                        .of_kind(cause.cause)
                        .iter()
                        .filter_map(|f| graph.fact(*f))
                };
                let title = graph.title_of(cause.cause, effect, lang);
                // It was seen, but which thing it belongs to is not in the bundle: that is no absence.
                if candidates().any(|f| unrelated(&cause.join, &f.keys, &effect.keys, topology)) {
                    ask(&definition.asks, &[], &title, lang, &mut verdicts.gaps);
                    continue;
                }
                let elsewhere = candidates()
                    .find(|f| meets(&cause.join, &f.keys, &effect.keys, topology) == Met::No);
                verdicts
                    .ruled_out
                    .push(absent(cause, &definition.id, title, elsewhere, lang));
            }
        }
    }
    verdicts.ruled_out.truncate(LIST);
    verdicts.gaps.truncate(LIST);
    verdicts
}

/// Causes that a seen fact excludes.
fn excluded(
    graph: &Graph<'_>,
    chain: &[FactId],
    on_chain: &BTreeSet<&str>,
    lang: Lang,
    said: &mut BTreeSet<String>,
    verdicts: &mut Verdicts,
) {
    for definition in graph
        .catalog
        .definitions()
        .iter()
        .filter(|d| !d.excludes.is_empty())
    {
        let Some(kind) = graph.catalog.index(&definition.id) else {
            continue;
        };
        for exclude in &definition.excludes {
            let Some(other) = graph.catalog.at(exclude.kind) else {
                continue;
            };
            if on_chain.contains(other.id.as_str()) {
                continue;
            }
            // The exclusion must concern something the chain is about.
            let fact = graph
                .of_kind(kind)
                .iter()
                .filter_map(|id| graph.fact(*id))
                .find(|f| {
                    chain.iter().filter_map(|id| graph.fact(*id)).any(|step| {
                        f.entity == step.entity
                            || meets(&exclude.join, &f.keys, &step.keys, &graph.world.topology)
                                == Met::Yes
                    })
                });
            if let Some(fact) = fact
                && said.insert(other.id.clone())
            {
                verdicts.ruled_out.push(RuledOut {
                    kind: other.id.clone(),
                    title: graph.title_of(exclude.kind, fact, lang),
                    because: text_of(&exclude.why, lang).to_owned(),
                    evidence: fact.evidence().iter().take(1).cloned().collect(),
                });
            }
        }
    }
}

fn absent(
    cause: &Cause,
    kind: &str,
    title: String,
    elsewhere: Option<&Fact>,
    lang: Lang,
) -> RuledOut {
    let looked: Vec<String> = cause.needs.iter().map(Need::words).collect();
    let looked = looked.join(", ");
    let because = match (elsewhere, lang) {
        (Some(f), Lang::En) => format!("seen only for {}, not here ({looked})", f.entity),
        (Some(f), Lang::Zh) => format!("仅见于 {}，与此无关（{looked}）", f.entity),
        (None, Lang::En) => format!("looked for and absent: {looked}"),
        (None, Lang::Zh) => format!("已查找，未出现：{looked}"),
    };
    let evidence = elsewhere
        .and_then(|f| f.evidence().first())
        .into_iter()
        .cloned()
        .collect();
    RuledOut {
        kind: kind.to_owned(),
        title,
        because,
        evidence,
    }
}

/// Where the chain begins with what a person noticed, nothing is known of its cause: what shows it comes first.
fn unexplained(graph: &Graph<'_>, chain: &[FactId], lang: Lang, gaps: &mut Vec<Gap>) {
    let Some(root) = chain.first().and_then(|id| graph.fact(*id)) else {
        return;
    };
    let (Some(kind), Some(definition)) = (
        graph.catalog.index(&root.kind),
        graph.catalog.get(&root.kind),
    ) else {
        return;
    };
    if !definition.symptom {
        return;
    }
    let title = graph.title_of(kind, root, lang);
    for a in &definition.asks {
        gaps.push(Gap {
            what: text_of(&a.what, lang).to_owned(),
            why: match lang {
                Lang::En => format!("shows what is behind: {title}"),
                Lang::Zh => format!("用于查明原因：{title}"),
            },
            command: a.command.clone(),
        });
    }
}

fn ask(asks: &[Ask], missing: &[&Need], question: &str, lang: Lang, gaps: &mut Vec<Gap>) {
    let why = match lang {
        Lang::En => format!("tells whether: {question}"),
        Lang::Zh => format!("用于判断是否：{question}"),
    };
    if asks.is_empty() {
        for need in missing {
            let command = command(need);
            if !gaps.iter().any(|g| g.command == command) {
                gaps.push(Gap {
                    what: need.words(),
                    why: why.clone(),
                    command,
                });
            }
        }
        return;
    }
    for a in asks {
        let gap = Gap {
            what: text_of(&a.what, lang).to_owned(),
            why: why.clone(),
            command: a.command.clone(),
        };
        if !gaps.iter().any(|g| g.command == gap.command) {
            gaps.push(gap);
        }
    }
}

/// What an inference itself asks for.
fn asked(wanted: &Wanted, title: &str, lang: Lang) -> Gap {
    let (what, why) = match lang {
        Lang::En => (&wanted.what, format!("shows why: {title}")),
        Lang::Zh => (&wanted.what_zh, format!("可看出原因：{title}")),
    };
    Gap {
        what: what.clone(),
        why,
        command: wanted.command.clone(),
    }
}

/// How to collect a kind of source.
fn command(need: &Need) -> String {
    match need {
        Need::Log(c) => match c.as_str() {
            "kubelet" | "containerd" | "dockerd" | "cri-o" | "etcd" => {
                let unit = match c.as_str() {
                    "dockerd" => "docker",
                    "cri-o" => "crio",
                    other => other,
                };
                format!(
                    "journalctl -u {unit} --since '2 hours ago' --no-pager -o short-iso-precise > {unit}.log"
                )
            }
            "kernel" => String::from("dmesg -T > dmesg.txt"),
            "systemd" => {
                String::from("journalctl _PID=1 --since '2 hours ago' --no-pager > systemd.log")
            }
            c if c.starts_with("kube-") || c == "cloud-controller-manager" => {
                format!(
                    "kubectl -n kube-system logs --timestamps --tail=-1 -l component={c} > {c}.log"
                )
            }
            c => format!("kubectl logs --timestamps --all-containers <pod of {c}> > {c}.log"),
        },
        Need::Object(kind) => format!("kubectl get {kind} -A -o yaml > {kind}.yaml"),
        Need::Events => String::from("kubectl get events -A -o json > events.json"),
        Need::Processes => String::from("ps -eo pid,ppid,lstart,etime,stat,wchan:32,args > ps.txt"),
        Need::Goroutines(c) => match c.as_str() {
            "dockerd" | "containerd" => {
                format!("kill -USR1 $(pidof {c})   # the dump is written beside the log")
            }
            c => format!(
                "kubectl get --raw /debug/pprof/goroutine?debug=2 > {c}-goroutines.txt   # or the pprof port of {c}"
            ),
        },
        Need::Certificates => String::from(
            "for f in /etc/kubernetes/pki/*.crt; do openssl x509 -noout -subject -issuer -dates -in $f; done",
        ),
        Need::Audit => String::from("cp /var/log/kubernetes/audit/audit*.log ."),
        Need::Host(c) => c.clone(),
    }
}

/// Whether the bundle holds a source that would show it, at the time of the effect.
fn available(graph: &Graph<'_>, need: &Need, effect: &Fact) -> bool {
    let node = effect.key("node");
    graph.world.sources.iter().any(|s| {
        if matches!(s.status, Status::Skipped | Status::Failed) || s.coverage.bytes == 0 {
            return false;
        }
        let covers = || match (
            effect.span.first.or(effect.span.last),
            graph.world.log_coverage(s.id),
        ) {
            (Some(at), (Some(first), Some(last))) => {
                at.at >= first.at.plus(-60_000_000_000)
                    && first.at <= last.at
                    && at.at <= last.at.plus(600_000_000_000)
            }
            _ => true,
        };
        let here = |c: &Component| {
            !c.is_node_local()
                || node.is_none()
                || s.scope.node.is_none()
                || s.scope.node.as_deref() == node
        };
        match need {
            Need::Log(c) => {
                // The journal of one unit holds neither the kernel's lines nor those about other units.
                let whole_journal = s.scope.component.is_unknown()
                    && s.formats
                        .first()
                        .is_some_and(|f| matches!(*f, "journald" | "syslog" | "journal-json"));
                let same = s.scope.component == *c
                    || (matches!(c.as_str(), "kernel" | "systemd") && whole_journal)
                    || matches!(s.scope.component.as_str(), "k3s" | "rke2");
                s.kind == SourceKind::Log && same && here(c) && covers()
            }
            Need::Object(kind) => graph.world.object_kinds.contains(kind),
            Need::Events => graph.world.has_events,
            Need::Processes => s.kind == SourceKind::Processes && here(&Component::PROCESS),
            Need::Goroutines(c) => {
                s.kind == SourceKind::Goroutines
                    && (s.scope.component.as_str() == c || s.path.contains(c.as_str()))
            }
            Need::Certificates => s.kind == SourceKind::Certificates,
            Need::Audit => s.scope.component == Component::AUDIT,
            Need::Host(c) => {
                s.kind == SourceKind::Host && s.path.contains(c.split(' ').next().unwrap_or(c))
            }
        }
    })
}

impl Graph<'_> {
    /// The title of a kind as it would read for the keys of a fact.
    pub(super) fn title_of(&self, kind: usize, fact: &Fact, lang: Lang) -> String {
        let Some(definition) = self.catalog.at(kind) else {
            return String::new();
        };
        let template = match lang {
            Lang::En => &definition.title.0,
            Lang::Zh => &definition.title.1,
        };
        let entity = definition
            .entity_of(&fact.keys)
            .map(|e| e.split_once('/').map(|(_, n)| n.to_owned()).unwrap_or(e));
        // The program of the effect is not the one of its cause: kubelet waits, runc hangs.
        let some = match lang {
            Lang::En => "a process",
            Lang::Zh => "某进程",
        };
        let filled = template.fill_lossy(|k| match k {
            "entity" => entity.as_deref(),
            "program" | "process" => Some(some),
            k => fact.keys.get(k).map(String::as_str),
        });
        let filled = filled
            .strip_prefix("a process")
            .map_or_else(|| filled.clone(), |rest| format!("A process{rest}"));
        text::cut(&filled, 200).into_owned()
    }

    /// The title of a fact.
    pub(super) fn title(&self, fact: &Fact, lang: Lang) -> String {
        title(self.catalog, fact, lang)
    }
}

/// The title of a fact: the template of its kind, filled with its keys.
pub fn title(catalog: &crate::catalog::Catalog, fact: &Fact, lang: Lang) -> String {
    let Some(definition) = catalog.get(&fact.kind) else {
        return fact.kind.clone();
    };
    let template = match lang {
        Lang::En => &definition.title.0,
        Lang::Zh => &definition.title.1,
    };
    let filled = template.fill_lossy(|k| match k {
        "entity" => Some(fact.entity.name()),
        k => fact.keys.get(k).map(String::as_str),
    });
    text::cut(&text::printable(filled.as_bytes()), 300).into_owned()
}
