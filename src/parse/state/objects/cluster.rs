//! Namespaces, API services, webhooks, leases, and the phase of whatever has one.

use super::{Object, meta};
use crate::model::{Component, Entity};
use crate::parse::state::certs;
use crate::parse::state::say::{self, ApiService};
use crate::parse::state::sink::{Sink, Text, When, name};

/// Says a namespace: `namespace/team-a status=Terminating finalizers=kubernetes`.
pub(super) fn namespace(sink: &mut Sink<'_>, o: &Object<'_>) {
    let n = o.node;
    let status = n.text("status.phase");
    if status.is_empty() {
        return;
    }
    let text = Text::of(&o.entity)
        .field("status", status)
        .field("finalizers", &n.joined("spec.finalizers"));
    let at = n.spot_of(&["status.phase"]);
    let first = meta::deleted_at(n);
    sink.say_when(Component::OBJECT, &o.entity, at, text, When::since(first));
}

/// Says an API service.
pub(super) fn apiservice(sink: &mut Sink<'_>, o: &Object<'_>) {
    let n = o.node;
    let available = meta::condition(o, "Available");
    let get = |key: &str| available.map_or("", |c| c.text(key));
    let service = match (
        n.text("spec.service.namespace"),
        n.text("spec.service.name"),
    ) {
        (_, "") => String::new(),
        (ns, id) => format!("{ns}/{id}"),
    };
    // A healthy one has nothing to explain.
    let healthy = get("status") == "True";
    let state = ApiService {
        available: get("status"),
        reason: if healthy { "" } else { get("reason") },
        service: &service,
        message: if healthy { "" } else { get("message") },
    };
    let at = available.map_or(o.at, |c| c.spot_of(&["reason", "type"]));
    let first = available.and_then(|c| meta::transition(sink, c));
    say::apiservice(sink, &o.entity, at, &state, first);
    certs::bundle(
        sink,
        n.text("spec.caBundle"),
        n.spot_of(&["spec.caBundle"]),
        &o.entity,
    );
}

/// Says why a volume is not attached: `volumeattachment/csi-1 attaching node=n1 volume=pvc-1 error=…`.
pub(super) fn attachment(sink: &mut Sink<'_>, o: &Object<'_>) {
    let n = o.node;
    let message = n.text("status.attachError.message");
    if message.is_empty() || n.text("status.attached") == "true" {
        return;
    }
    let text = Text::of(&o.entity)
        .words("attaching")
        .field("node", n.text("spec.nodeName"))
        .field("volume", n.text("spec.source.persistentVolumeName"))
        .field("error", message);
    let at = n.spot_of(&["status.attachError.message"]);
    sink.say(Component::OBJECT, &o.entity, at, text);
}

/// Says each webhook of a configuration.
pub(super) fn webhooks(sink: &mut Sink<'_>, o: &Object<'_>) {
    for w in o.node.list("webhooks") {
        let of = Entity::new("webhook", &name(w.text("name")));
        let service = match (
            w.text("clientConfig.service.namespace"),
            w.text("clientConfig.service.name"),
        ) {
            (_, "") => String::new(),
            (ns, id) => format!("{ns}/{id}"),
        };
        let target = if service.is_empty() {
            w.text("clientConfig.url")
        } else {
            &service
        };
        let policy = match w.text("failurePolicy") {
            "" => "Fail",
            policy => policy,
        };
        let timeout = match w.text("timeoutSeconds") {
            "" => String::new(),
            seconds => format!("{seconds}s"),
        };
        let text = Text::of(&of)
            .field("config", o.entity.as_str())
            .field("failurePolicy", policy)
            .field("target", target)
            .field("timeout", &timeout);
        let at = w.spot_of(&["failurePolicy", "name"]);
        sink.say(Component::OBJECT, &of, at, text);
        if !service.is_empty() {
            let to = Entity::new("service", &name(&service));
            sink.relate(&of, &to, w.spot_of(&["clientConfig"]));
        }
        let bundle = w.text("clientConfig.caBundle");
        certs::bundle(sink, bundle, w.spot_of(&["clientConfig.caBundle"]), &of);
    }
}

/// Says a lease.
pub(super) fn lease(sink: &mut Sink<'_>, o: &Object<'_>) {
    let n = o.node;
    let renewed = n.text("spec.renewTime");
    let at = n.spot_of(&["spec.renewTime", "spec.holderIdentity", "metadata.name"]);
    let _ = sink.api_time(renewed, at);
    let holder = n.text("spec.holderIdentity");
    say::lease(sink, o.namespace, o.name, at, holder, renewed);
}

/// Says the phase of an object that has one: `persistentvolumeclaim/shop/data status=Pending`.
pub(super) fn phase(sink: &mut Sink<'_>, o: &Object<'_>) {
    let n = o.node;
    for path in ["status.phase", "status.state"] {
        let phase = n.text(path);
        if !phase.is_empty() {
            let text = Text::of(&o.entity)
                .field("status", phase)
                .field("reason", n.text("status.reason"))
                .field("message", n.text("status.message"));
            sink.say(Component::OBJECT, &o.entity, n.spot_of(&[path]), text);
            return;
        }
    }
}

/// A `Status` object is an answer of the API server: mostly an error.
pub(super) fn failure(sink: &mut Sink<'_>, o: &Object<'_>) {
    let n = o.node;
    if n.text("status") != "Failure" {
        return;
    }
    let of = Entity::new("kubectl", &sink.base);
    let text = Text::raw(n.text("message"))
        .field("reason", n.text("reason"))
        .field("code", n.text("code"));
    sink.say(Component::KUBECTL, &of, n.spot_of(&["message"]), text);
}
