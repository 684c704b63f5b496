//! A pod as both objects and describe outputs show it, and its status as kubectl computes that.
//!
//! `pod/shop/web-1 status=CrashLoopBackOff ready=0/1 restarts=7 node=n1 ip=10.244.1.9`: the word in the STATUS
//! column is not the phase but the most telling state of the containers.

use super::say;
use super::sink::{Sink, Text, When, entity};
use crate::base::time::RawStamp;
use crate::model::{Component, Entity};

/// How a container is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing is said.
    #[default]
    Unknown,
    /// It has not begun.
    Waiting,
    /// It runs.
    Running,
    /// It has ended.
    Terminated,
}

/// One state of a container.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    /// Which.
    pub(super) phase: Phase,
    /// Why (`CrashLoopBackOff`, `OOMKilled`).
    pub(super) reason: String,
    /// In words.
    pub(super) message: String,
    /// Exit code.
    pub(super) exit: Option<i64>,
    /// Signal.
    pub(super) signal: Option<i64>,
    /// Since when: the start of a running one, the end of a terminated one.
    pub(super) since: Option<RawStamp>,
    /// Where it stands.
    pub(super) at: usize,
}

/// One container of a pod.
#[derive(Clone, Debug, Default)]
pub(super) struct Container {
    /// Its name.
    pub(super) name: String,
    /// Its image.
    pub(super) image: String,
    /// Whether it is ready.
    pub(super) ready: bool,
    /// Whether it has started (init containers that keep running).
    pub(super) started: bool,
    /// An init container that keeps running.
    pub(super) sidecar: bool,
    /// How often it was restarted.
    pub(super) restarts: u64,
    /// How it is.
    pub(super) state: State,
    /// How it was before.
    pub(super) last: State,
}

/// What is known of a pod.
#[derive(Clone, Debug, Default)]
pub(super) struct Pod {
    /// Its namespace.
    pub(super) namespace: String,
    /// Its name.
    pub(super) name: String,
    /// `status.phase`.
    pub(super) phase: String,
    /// `status.reason` (`Evicted`, `NodeLost`).
    pub(super) reason: String,
    /// `status.message`.
    pub(super) message: String,
    /// It is being deleted.
    pub(super) deleting: bool,
    /// Its Ready condition is true.
    pub(super) ready: bool,
    /// It waits behind scheduling gates.
    pub(super) gated: bool,
    /// Init containers, in order.
    pub(super) init: Vec<Container>,
    /// Containers, in order.
    pub(super) containers: Vec<Container>,
    /// How many containers its spec has.
    pub(super) wanted: usize,
    /// How many init containers its spec has.
    pub(super) wanted_init: usize,
    /// Its node.
    pub(super) node: String,
    /// Its address.
    pub(super) ip: String,
    /// Where its phase stands.
    pub(super) at: usize,
}

impl Pod {
    /// Its entity.
    pub(super) fn entity(&self) -> Entity {
        entity("pod", &self.namespace, &self.name)
    }

    /// The word in kubectl's STATUS column, and where the state stands that decides it.
    pub(super) fn status(&self) -> (String, usize) {
        let mut status = if self.reason.is_empty() {
            self.phase.clone()
        } else {
            self.reason.clone()
        };
        let mut at = self.at;
        if self.gated {
            status = "SchedulingGated".into();
        }
        let mut initializing = false;
        for (n, c) in self.init.iter().enumerate() {
            let s = &c.state;
            if (s.phase == Phase::Terminated && s.exit == Some(0)) || (c.sidecar && c.started) {
                continue;
            }
            initializing = true;
            status = match s.phase {
                Phase::Terminated => format!("Init:{}", ended(s)),
                Phase::Waiting if !s.reason.is_empty() && s.reason != "PodInitializing" => {
                    format!("Init:{}", s.reason)
                }
                _ => format!("Init:{n}/{}", self.wanted_init.max(self.init.len())),
            };
            at = s.at;
            break;
        }
        if !initializing {
            let mut running = false;
            for c in self.containers.iter().rev() {
                let s = &c.state;
                match s.phase {
                    Phase::Waiting if !s.reason.is_empty() => {
                        status.clone_from(&s.reason);
                        at = s.at;
                    }
                    Phase::Terminated => {
                        status = ended(s);
                        at = s.at;
                    }
                    Phase::Running if c.ready => running = true,
                    _ => {}
                }
            }
            if status == "Completed" && running {
                status = if self.ready { "Running" } else { "NotReady" }.into();
            }
        }
        let over = matches!(self.phase.as_str(), "Failed" | "Succeeded");
        if self.deleting && self.reason == "NodeLost" {
            status = "Unknown".into();
        } else if self.deleting && !over {
            status = "Terminating".into();
        }
        (status, at)
    }

    /// Says the pod, its containers, and what it is related to.
    pub(super) fn say(&self, sink: &mut Sink<'_>) {
        let of = self.entity();
        let (status, at) = self.status();
        let total = self.wanted.max(self.containers.len());
        let ready = self.containers.iter().filter(|c| c.ready).count();
        let restarts = self
            .containers
            .iter()
            .fold(0u64, |sum, c| sum.saturating_add(c.restarts));
        let text = status_text(
            &of,
            &status,
            &format!("{ready}/{total}"),
            &restarts.to_string(),
            &self.node,
            &self.ip,
        );
        sink.say(Component::OBJECT, &of, at, text);
        if !self.message.is_empty() && !self.reason.is_empty() {
            let text = Text::of(&of)
                .words("failed")
                .field("reason", &self.reason)
                .field("message", &self.message);
            sink.say(Component::OBJECT, &of, self.at, text);
        }
        relate(sink, &of, &self.node, &self.ip, self.at);
        for c in self.init.iter().chain(&self.containers) {
            say_container(sink, &of, c);
        }
    }
}

/// The state of a pod in the fixed form.
pub(super) fn status_text(
    of: &Entity,
    status: &str,
    ready: &str,
    restarts: &str,
    node: &str,
    ip: &str,
) -> Text {
    Text::of(of)
        .field("status", status)
        .field("ready", ready)
        .field("restarts", restarts)
        .field("node", node)
        .field("ip", ip)
}

/// Relates a pod to its node, address and namespace.
pub(super) fn relate(sink: &mut Sink<'_>, of: &Entity, node: &str, ip: &str, at: usize) {
    if !super::sink::is_blank(node) {
        sink.relate(of, &entity("node", "", node), at);
    }
    say::related_ip(sink, of, ip, at);
    if let Some(ns) = of.namespace() {
        let ns = entity("namespace", "", ns);
        sink.relate(of, &ns, at);
    }
}

/// Why a container ended: its reason, else its signal, else its exit code.
fn ended(s: &State) -> String {
    match (s.reason.as_str(), s.signal, s.exit) {
        ("", Some(signal), _) if signal != 0 => format!("Signal:{signal}"),
        ("", _, exit) => format!("ExitCode:{}", exit.unwrap_or(0)),
        (reason, _, _) => reason.to_owned(),
    }
}

fn say_container(sink: &mut Sink<'_>, of: &Entity, c: &Container) {
    if !c.image.is_empty() {
        sink.relate(
            of,
            &Entity::new("image", &super::sink::name(&c.image)),
            c.state.at,
        );
    }
    let head = |word: &str| Text::of(of).words("container").words(&c.name).words(word);
    let s = &c.state;
    match s.phase {
        Phase::Waiting => {
            let text = head("waiting")
                .field("reason", &s.reason)
                .field("image", &c.image)
                .field("message", &s.message);
            sink.say(Component::OBJECT, of, s.at, text);
        }
        Phase::Running => {
            let text = head("running").field("image", &c.image);
            sink.say_when(Component::OBJECT, of, s.at, text, When::since(s.since));
        }
        Phase::Terminated => say_ended(sink, of, head("terminated"), s),
        Phase::Unknown => {}
    }
    if c.last.phase == Phase::Terminated {
        say_ended(sink, of, head("last-terminated"), &c.last);
    }
}

fn say_ended(sink: &mut Sink<'_>, of: &Entity, head: Text, s: &State) {
    // Exit codes above 128 are 128 plus the signal, which the runtime does not repeat.
    let signal = s.signal.filter(|n| *n != 0).or_else(|| {
        s.exit
            .filter(|code| (129..=160).contains(code))
            .and_then(|code| code.checked_sub(128))
    });
    let text = head
        .field("reason", &s.reason)
        .maybe("exit", s.exit)
        .maybe("signal", signal)
        .field("message", &s.message);
    sink.say_when(Component::OBJECT, of, s.at, text, When::since(s.since));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(phase: Phase, reason: &str, exit: Option<i64>, ready: bool) -> Container {
        Container {
            ready,
            state: State {
                phase,
                reason: reason.into(),
                exit,
                ..State::default()
            },
            ..Container::default()
        }
    }

    #[track_caller]
    fn case(pod: &Pod, expected: &str) {
        assert_eq!(pod.status().0, expected);
    }

    #[test]
    fn status_is_computed_as_kubectl_does() {
        let base = |phase: &str, containers: Vec<Container>| Pod {
            phase: phase.into(),
            containers,
            ..Pod::default()
        };
        let waiting = |r: &str| container(Phase::Waiting, r, None, false);
        let running = || container(Phase::Running, "", None, true);
        case(&base("Pending", vec![]), "Pending");
        case(
            &base("Running", vec![running(), waiting("CrashLoopBackOff")]),
            "CrashLoopBackOff",
        );
        case(
            &base(
                "Running",
                vec![container(Phase::Terminated, "", Some(137), false)],
            ),
            "ExitCode:137",
        );
        let mixed = vec![
            container(Phase::Terminated, "Completed", Some(0), false),
            running(),
        ];
        case(&base("Running", mixed), "NotReady");
        let mut pod = base("Pending", vec![waiting("PodInitializing")]);
        pod.init = vec![
            container(Phase::Terminated, "Completed", Some(0), true),
            container(Phase::Running, "", None, false),
        ];
        case(&pod, "Init:1/2");
        pod.init[1] = waiting("ImagePullBackOff");
        case(&pod, "Init:ImagePullBackOff");
        let mut pod = base("Running", vec![running()]);
        pod.deleting = true;
        case(&pod, "Terminating");
        pod.reason = "NodeLost".into();
        case(&pod, "Unknown");
        let mut pod = base("Failed", vec![]);
        pod.reason = "Evicted".into();
        pod.deleting = true;
        case(&pod, "Evicted");
    }
}
