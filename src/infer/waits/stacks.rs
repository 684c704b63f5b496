//! Equal stacks of a dump and what each of them waits for.
//!
//! 100,000 goroutines have a few thousand distinct stacks. Each distinct stack is judged once; only addresses
//! (which lock, which object) are read goroutine by goroutine.

use rustc_hash::FxHashMap;

use super::knowledge::{Knowledge, normal};
use super::pairs::Twin;
use crate::model::dump::{Dump, Frame, Goroutine, SiteId, Symbol};
use crate::model::function::Function;
use crate::model::waits::LockKind;

/// What one function is, judged once per dump.
#[derive(Clone, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent answers of the tables"
)]
pub(super) struct Role {
    /// `package.Type.Method`.
    pub name: String,
    /// `package.Type`; empty for plain functions.
    pub owner: String,
    pub package: String,
    pub method: String,
    /// Runtime and standard plumbing that says nothing about the program.
    pub plumbing: bool,
    sync: bool,
    idle_at: bool,
    idle_in: bool,
    /// Named like the loop of a service.
    pub is_loop: bool,
    /// Handles requests.
    serves: bool,
    end: Option<usize>,
    /// gRPC's or ttrpc's client side.
    rpc_layer: bool,
    /// Method of a generated client: service and method.
    client: Option<(String, String)>,
    /// Handler of a service: service and method.
    pub handler: Option<(String, String)>,
    /// Holds the lock of this critical section.
    pub holder: Option<usize>,
    /// Queues for the lock of this critical section.
    pub queuer: Option<usize>,
}

/// What a stack waits for. Numbers are frame indices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// Its normal state of rest.
    Idle,
    /// On a CPU, or ready to be.
    Running,
    Lock {
        kind: LockKind,
        /// Frames whose first argument may be the lock's address, best first.
        address: Vec<usize>,
        /// The first frame of the program.
        caller: usize,
    },
    /// Other goroutines to finish (`WaitGroup`).
    Join {
        /// The first frame outside of package sync.
        caller: usize,
    },
    /// A signal (`Cond`).
    Signal {
        /// The first frame outside of package sync.
        caller: usize,
        /// The frame whose first argument may be the condition's address.
        address: usize,
    },
    Call {
        frame: usize,
        service: String,
        method: String,
    },
    /// Something outside of the process: an index into the table of ends.
    End { frame: usize, end: usize },
    /// A channel, a timer, a condition, I/O that no table knows.
    Other,
}

/// One distinct stack.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub state: Symbol,
    /// The goroutines that have it, in printed order.
    pub members: Vec<u32>,
    pub what: What,
}

/// A dump and what its stacks are.
#[derive(Debug)]
pub(super) struct View<'a> {
    pub dump: &'a Dump,
    roles: Vec<Option<Role>>,
    pub shapes: Vec<Shape>,
    /// Shape of each goroutine.
    pub shape_of: Vec<u32>,
    /// Goroutines that another dump of the process shows at the same place.
    pub twins: FxHashMap<u32, Twin>,
    /// The runtime found that nobody can go on.
    pub asleep: bool,
}

/// What the runtime says when every goroutine waits for another.
pub(super) const ASLEEP: &str = "all goroutines are asleep - deadlock!";

impl<'a> View<'a> {
    /// Judges every distinct stack of a dump.
    pub(super) fn new(dump: &'a Dump, knowledge: &Knowledge) -> Self {
        let mut view = Self {
            dump,
            roles: vec![None; dump.stacks.symbol_count()],
            shapes: Vec::new(),
            shape_of: Vec::with_capacity(dump.goroutines.len()),
            twins: FxHashMap::default(),
            asleep: dump.prelude.iter().any(|q| q.text.contains(ASLEEP)),
        };
        let mut known: FxHashMap<Box<[u32]>, u32> = FxHashMap::default();
        let mut key: Vec<u32> = Vec::new();
        for (i, g) in dump.goroutines.iter().enumerate() {
            key.clear();
            key.extend([g.state.0, g.creator.map_or(u32::MAX, |c| c.0)]);
            key.extend(dump.frames(g).iter().map(|f| f.site.0));
            let next = u32::try_from(view.shapes.len()).unwrap_or(u32::MAX);
            let shape = if let Some(s) = known.get(key.as_slice()) {
                *s
            } else {
                let what = view.judge(g, knowledge);
                known.insert(key.as_slice().into(), next);
                view.shapes.push(Shape {
                    state: g.state,
                    members: Vec::new(),
                    what,
                });
                next
            };
            if let Some(s) = view.shapes.get_mut(shape as usize) {
                s.members.push(u32::try_from(i).unwrap_or(u32::MAX));
            }
            view.shape_of.push(shape);
        }
        view
    }

    pub(super) fn goroutine(&self, g: u32) -> Option<&'a Goroutine> {
        self.dump.goroutines.get(g as usize)
    }

    pub(super) fn frames(&self, g: u32) -> &'a [Frame] {
        self.goroutine(g).map_or(&[], |g| self.dump.frames(g))
    }

    pub(super) fn shape(&self, g: u32) -> Option<&Shape> {
        self.shapes.get(*self.shape_of.get(g as usize)? as usize)
    }

    pub(super) fn what(&self, g: u32) -> &What {
        self.shape(g).map_or(&What::Other, |s| &s.what)
    }

    /// Whether a goroutine is known to wait all the time, whatever its header says.
    pub(super) fn lasts(&self, g: u32) -> bool {
        self.asleep || self.twins.get(&g).is_some_and(|t| t.proven)
    }

    pub(super) fn minutes(&self, g: u32) -> u32 {
        self.goroutine(g).and_then(|g| g.minutes).unwrap_or(0)
    }

    /// What the function of a call site is.
    pub(super) fn role(&self, site: SiteId) -> Option<&Role> {
        let function = self.dump.stacks.site(site)?.function;
        self.roles.get(function.0 as usize)?.as_ref()
    }

    /// Line number of a call site.
    pub(super) fn line(&self, site: SiteId) -> u32 {
        self.dump
            .stacks
            .location(site)
            .rsplit(':')
            .next()
            .and_then(|n| n.parse().ok())
            .unwrap_or(0)
    }

    /// Index of the first frame that belongs to the program rather than to Go's own libraries.
    pub(super) fn telling(&self, g: u32) -> Option<usize> {
        self.frames(g)
            .iter()
            .position(|f| self.role(f.site).is_some_and(|r| !r.plumbing))
    }

    /// The function that says most about what a goroutine is doing: its waiting call.
    pub(super) fn face(&self, g: u32) -> String {
        let frame = match self.what(g) {
            What::Lock { caller, .. } => Some(*caller),
            What::Call { frame, .. } | What::End { frame, .. } => Some(*frame),
            _ => self.telling(g),
        };
        frame
            .and_then(|i| self.frames(g).get(i))
            .and_then(|f| self.role(f.site))
            .map_or_else(|| String::from("?"), |r| short(&r.name).to_owned())
    }

    /// Whether a goroutine works for somebody who waits: it handles a request.
    pub(super) fn serves(&self, g: u32) -> bool {
        self.frames(g).iter().any(|f| {
            self.role(f.site)
                .is_some_and(|r| r.serves || r.handler.is_some())
        })
    }

    /// The frames that decide what a goroutine waits for.
    pub(super) fn decisive(&self, g: u32) -> Vec<usize> {
        match self.what(g) {
            What::Lock {
                address, caller, ..
            } => address.iter().take(1).copied().chain([*caller]).collect(),
            What::Call { frame, .. } | What::End { frame, .. } => vec![*frame],
            What::Signal { caller, address } => vec![*address, *caller],
            _ => self.telling(g).into_iter().collect(),
        }
    }

    fn judge(&mut self, g: &Goroutine, knowledge: &Knowledge) -> What {
        let dump = self.dump;
        let frames = dump.frames(g);
        for f in frames {
            self.learn(f.site, knowledge);
        }
        let state = dump.state(g);
        if matches!(state, "running" | "runnable" | "copystack" | "preempted") {
            return What::Running;
        }
        if let Some(lock) = self.lock(frames) {
            return lock;
        }
        let telling = frames
            .iter()
            .position(|f| self.role(f.site).is_some_and(|r| !r.plumbing));
        let Some(telling) = telling else {
            // Only runtime frames: the scheduler, the collector.
            return match frames
                .iter()
                .position(|f| self.role(f.site).is_some_and(|r| r.end.is_some()))
            {
                Some(frame) => self.end(frames, frame, knowledge),
                None => What::Idle,
            };
        };
        let (mut rpc, mut unsent) = (false, None);
        // The outermost function that waits for long by design: a subscription, a supervisor.
        let rests = frames
            .iter()
            .rposition(|f| self.role(f.site).is_some_and(|r| r.idle_in));
        for (i, f) in frames.iter().enumerate() {
            let Some(role) = self.role(f.site) else {
                continue;
            };
            rpc |= role.rpc_layer;
            if rpc && let Some((service, method)) = role.client.clone() {
                return Self::call(i, service, method, knowledge);
            }
            if let Some(end) = role.end.filter(|_| !self.idle_at(frames, telling)) {
                if rests.is_some_and(|r| r >= i) {
                    return What::Idle;
                }
                if knowledge.ends.get(end).is_some_and(|e| e.rpc) {
                    // The call says more than that it has no connection yet.
                    rpc = true;
                    unsent = unsent.or(Some(i));
                    continue;
                }
                // An RPC library may read through frames that a table knows; the client method above says more.
                return self.end(frames, i, knowledge);
            }
            if i == telling && (role.idle_at || Self::is_loop(role, state, knowledge)) {
                return What::Idle;
            }
            if role.idle_in {
                return What::Idle;
            }
        }
        match unsent {
            Some(frame) => self.end(frames, frame, knowledge),
            None => self.partner(frames),
        }
    }

    /// A wait for other goroutines of the process.
    fn partner(&self, frames: &[Frame]) -> What {
        let caller = frames
            .iter()
            .position(|f| self.role(f.site).is_some_and(|r| !r.sync));
        let at = |name: &str| {
            frames
                .iter()
                .take(4)
                .position(|f| self.role(f.site).is_some_and(|r| r.name == name))
        };
        match (caller, at("sync.WaitGroup.Wait"), at("sync.Cond.Wait")) {
            (Some(caller), Some(_), _) => What::Join { caller },
            (Some(caller), None, Some(address)) => What::Signal { caller, address },
            _ => What::Other,
        }
    }

    fn idle_at(&self, frames: &[Frame], telling: usize) -> bool {
        frames
            .get(telling)
            .and_then(|f| self.role(f.site))
            .is_some_and(|r| r.idle_at)
    }

    fn is_loop(role: &Role, state: &str, knowledge: &Knowledge) -> bool {
        role.is_loop && knowledge.loops.states.iter().any(|s| s == state)
    }

    fn call(frame: usize, service: String, method: String, knowledge: &Knowledge) -> What {
        let lasting = method == "Recv"
            || method == "RecvMsg"
            || knowledge
                .service(&service)
                .is_some_and(|s| s.lasting.contains(&method));
        let slow = knowledge
            .service(&service)
            .is_some_and(|s| s.slow.contains(&method));
        if lasting {
            What::Idle
        } else if slow {
            What::Other
        } else {
            What::Call {
                frame,
                service,
                method,
            }
        }
    }

    /// A call that leaves the process at `frame`; a client further out that names the service says more.
    fn end(&self, frames: &[Frame], frame: usize, knowledge: &Knowledge) -> What {
        let role = frames.get(frame).and_then(|f| self.role(f.site));
        let end = role.and_then(|r| r.end).unwrap_or(0);
        let further = frames.iter().enumerate().skip(frame).find_map(|(i, f)| {
            let r = self.role(f.site)?;
            let call = knowledge.ends.get(r.end?)?.call.as_ref()?;
            Some((i, call.clone(), r.method.clone()))
        });
        match further {
            Some((i, service, method)) => Self::call(i, service, method, knowledge),
            None => What::End { frame, end },
        }
    }

    /// A lock, recognised by the frames (the state does not tell before Go 1.20).
    fn lock(&self, frames: &[Frame]) -> Option<What> {
        let caller = frames
            .iter()
            .position(|f| self.role(f.site).is_some_and(|r| !r.sync))?;
        let top = frames.get(..caller)?;
        let at = |name: &str| {
            top.iter()
                .position(|f| self.role(f.site).is_some_and(|r| r.name == name))
        };
        let slow = at("sync.Mutex.lockSlow").or_else(|| at("internal/sync.Mutex.lockSlow"));
        let plain = at("sync.Mutex.Lock");
        let (kind, direct) = if let Some(i) = at("sync.RWMutex.RLock") {
            (LockKind::Read, Some(i))
        } else if let Some(i) = at("sync.RWMutex.Lock") {
            (LockKind::Write, Some(i))
        } else if at("sync.Once.doSlow").is_some() {
            (LockKind::Once, at("sync.Once.doSlow"))
        } else if slow.is_some() || plain.is_some() {
            (LockKind::Mutex, plain)
        } else {
            let semaphore = frames.get(caller).and_then(|f| self.role(f.site))?;
            if semaphore.name != "golang.org/x/sync/semaphore.Weighted.Acquire" {
                return None;
            }
            return Some(What::Lock {
                kind: LockKind::Semaphore,
                address: vec![caller],
                caller: caller + 1,
            });
        };
        // Without a slow path on the stack the goroutine runs inside the section rather than queues for it.
        let queued = slow.is_some()
            || top.iter().any(|f| {
                self.role(f.site).is_some_and(|r| {
                    r.method.contains("emacquire") || r.method.contains("semacquire")
                })
            });
        queued.then(|| What::Lock {
            kind,
            address: slow.into_iter().chain(direct).collect(),
            caller,
        })
    }

    fn learn(&mut self, site: SiteId, knowledge: &Knowledge) {
        let Some(function) = self.dump.stacks.site(site).map(|s| s.function) else {
            return;
        };
        if let Some(slot) = self.roles.get_mut(function.0 as usize)
            && slot.is_none()
        {
            *slot = Some(Role::of(self.dump.stacks.text(function), knowledge));
        }
    }
}

impl Role {
    fn of(function: &str, knowledge: &Knowledge) -> Self {
        let f = Function::split(function);
        let name = normal(&f);
        let owner = if f.receiver.is_empty() {
            String::new()
        } else {
            name.rsplit_once('.').map_or("", |(o, _)| o).to_owned()
        };
        let sync = matches!(f.package, "sync" | "internal/sync" | "runtime")
            || f.package.starts_with("internal/runtime")
            || f.package.is_empty() && f.method.starts_with("runtime");
        let sync = sync || knowledge.wrappers.find(&name).is_some();
        Self {
            plumbing: sync || is_plumbing(&f),
            sync,
            idle_at: knowledge.idle_at.find(&name).is_some(),
            idle_in: knowledge.idle_in.find(&name).is_some(),
            is_loop: knowledge.loops.methods.iter().any(|m| m == f.method),
            serves: knowledge.serving.find(&name).is_some(),
            end: knowledge.end_at.find(&name),
            rpc_layer: is_rpc_layer(&f),
            client: client(&f),
            handler: handler(&f),
            holder: knowledge.holders.find(&name),
            queuer: knowledge.queuers.find(&name),
            package: f.package.to_owned(),
            method: f.method.to_owned(),
            owner,
            name,
        }
    }
}

/// Go's own libraries below what a program does.
fn is_plumbing(f: &Function<'_>) -> bool {
    matches!(
        f.package,
        "os" | "net"
            | "io"
            | "bufio"
            | "syscall"
            | "crypto/tls"
            | "reflect"
            | "golang.org/x/sys/unix"
    ) || f.package.starts_with("internal/")
        || f.package.starts_with("runtime/")
}

fn is_rpc_layer(f: &Function<'_>) -> bool {
    let grpc = f.package.contains("google.golang.org/grpc")
        && (matches!(
            f.receiver,
            "ClientConn"
                | "clientStream"
                | "Stream"
                | "ClientStream"
                | "recvBufferReader"
                | "csAttempt"
        ) || f.method == "invoke");
    let ttrpc = f.package.contains("/ttrpc") && f.receiver == "Client";
    grpc || ttrpc
}

/// `(*runtimeServiceClient).ListContainers`: service `RuntimeService`, method `ListContainers`.
fn client(f: &Function<'_>) -> Option<(String, String)> {
    let service = f.receiver.strip_suffix("Client")?;
    let first = service.chars().next().filter(char::is_ascii_lowercase)?;
    if f.package.contains("/grpc") || f.package.ends_with("/ttrpc") || f.package == "net/http" {
        return None;
    }
    let rest = service.get(1..).unwrap_or("");
    // Generated streams: `watchWatchClient.Recv`.
    Some((
        format!("{}{rest}", first.to_ascii_uppercase()),
        f.method.to_owned(),
    ))
}

/// `_Tasks_Create_Handler`, `(*Daemon).ContainerInspect`, the shim's `(*service).Create`.
fn handler(f: &Function<'_>) -> Option<(String, String)> {
    if let Some((service, method)) = f
        .method
        .strip_prefix('_')
        .and_then(|m| m.strip_suffix("_Handler"))
        .and_then(|m| m.split_once('_'))
    {
        return Some((service.to_owned(), method.to_owned()));
    }
    if f.receiver == "Daemon" && f.package.ends_with("docker/daemon") {
        return Some((String::from("Docker"), f.method.to_owned()));
    }
    if f.receiver.eq_ignore_ascii_case("service")
        && (f.package.contains("/runc") || f.package.ends_with("/shim"))
    {
        return Some((String::from("Task"), f.method.to_owned()));
    }
    (f.package == "net/rpc" && f.receiver == "service")
        .then(|| (String::from("net/rpc"), String::new()))
}

/// `daemon.Daemon.ContainerInspect` of `github.com/docker/docker/daemon.Daemon.ContainerInspect`.
pub(super) fn short(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}
