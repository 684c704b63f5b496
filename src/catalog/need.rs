//! The sources that would show a cause, in the words of `needs` and `collects`.

use crate::base::lang::Lang;
use crate::model::Component;

/// A source that would show a cause.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// The log of a component.
    Log(Component),
    /// API objects or tables of a kind.
    Object(String),
    /// Whole API objects of a kind (YAML, JSON, describe), not only rows of a table.
    Spec(String),
    /// Events.
    Events,
    /// A process list.
    Processes,
    /// A goroutine dump of a component.
    Goroutines(String),
    /// Certificates.
    Certificates,
    /// Audit log.
    Audit,
    /// Output of a host command.
    Host(String),
}

impl Need {
    /// The words that [`Self::parse`] takes, for a message.
    pub(super) const WORDS: &'static str = "log:<component>, object:<kind>, spec:<kind>, events, processes, goroutines:<component>, certificates, audit, host:<command>";

    /// From a word of a rule file: `log:kubelet`, `events`.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text.split_once(':') {
            Some(("log", c)) => Self::Log(Component::named(c)),
            Some(("object", k)) => Self::Object(k.to_owned()),
            Some(("spec", k)) => Self::Spec(k.to_owned()),
            Some(("goroutines", c)) => Self::Goroutines(c.to_owned()),
            Some(("host", c)) => Self::Host(c.to_owned()),
            None if text == "events" => Self::Events,
            None if text == "processes" => Self::Processes,
            None if text == "certificates" => Self::Certificates,
            None if text == "audit" => Self::Audit,
            _ => return None,
        })
    }

    /// The word of a rule file that [`Self::parse`] takes.
    pub fn word(&self) -> String {
        match self {
            Self::Log(c) => format!("log:{c}"),
            Self::Object(k) => format!("object:{k}"),
            Self::Spec(k) => format!("spec:{k}"),
            Self::Goroutines(c) => format!("goroutines:{c}"),
            Self::Host(c) => format!("host:{c}"),
            Self::Events => String::from("events"),
            Self::Processes => String::from("processes"),
            Self::Certificates => String::from("certificates"),
            Self::Audit => String::from("audit"),
        }
    }

    /// The words for a reader.
    pub fn words(&self, lang: Lang) -> String {
        match (self, lang) {
            (Self::Log(c), Lang::En) if c.as_str() == "app" => String::from("log of the program"),
            (Self::Log(c), Lang::Zh) if c.as_str() == "app" => String::from("应用程序日志"),
            (Self::Log(c), Lang::En) => format!("{c} log"),
            (Self::Log(c), Lang::Zh) => format!("{c} 日志"),
            (Self::Object(k), Lang::En) => format!("kubectl output for {k}"),
            (Self::Object(k), Lang::Zh) => format!("{k} 的 kubectl 输出"),
            (Self::Spec(k), Lang::En) => format!("YAML or describe of {k}"),
            (Self::Spec(k), Lang::Zh) => format!("{k} 的 YAML 或 describe"),
            (Self::Events, Lang::En) => String::from("events"),
            (Self::Events, Lang::Zh) => String::from("事件"),
            (Self::Processes, Lang::En) => String::from("process list"),
            (Self::Processes, Lang::Zh) => String::from("进程列表"),
            (Self::Goroutines(c), Lang::En) => format!("goroutine dump of {c}"),
            (Self::Goroutines(c), Lang::Zh) => format!("{c} 的 goroutine 转储"),
            (Self::Certificates, Lang::En) => String::from("certificates"),
            (Self::Certificates, Lang::Zh) => String::from("证书"),
            (Self::Audit, Lang::En) => String::from("audit log"),
            (Self::Audit, Lang::Zh) => String::from("审计日志"),
            (Self::Host(c), Lang::En) => format!("output of {c}"),
            (Self::Host(c), Lang::Zh) => format!("{c} 的输出"),
        }
    }
}
