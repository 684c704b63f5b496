//! What clusters run and how to collect what it wrote: the table `src/catalog/collection.toml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::catalog::Need;

static BUILTIN: LazyLock<Collection> = LazyLock::new(|| Collection::read().unwrap_or_default());

/// The table.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Collection {
    everywhere: Vec<String>,
    runtimes: Vec<String>,
    anywhere: Vec<String>,
    programs: BTreeMap<String, String>,
    inside: Inside,
    source: Vec<Way>,
}

/// Components inside the process of another program.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Inside {
    programs: Vec<String>,
    components: Vec<String>,
}

/// How to collect sources.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Way {
    collects: Vec<String>,
    command: String,
}

impl Collection {
    /// The built-in table. That it is well formed is proved by a test.
    pub(super) fn builtin() -> &'static Self {
        &BUILTIN
    }

    fn read() -> Result<Self, toml::de::Error> {
        toml::from_str(include_str!("../catalog/collection.toml"))
    }

    /// Whether every cluster runs the component.
    pub(super) fn is_everywhere(&self, component: &str) -> bool {
        self.everywhere.iter().any(|c| c == component)
    }

    /// The container runtimes.
    pub(super) fn runtimes(&self) -> &[String] {
        &self.runtimes
    }

    /// The name of a component's program and unit.
    pub(super) fn program<'c>(&'c self, component: &'c str) -> &'c str {
        self.programs
            .get(component)
            .map_or(component, String::as_str)
    }

    /// Whether the component runs inside the process of the program, and prints into its log.
    pub(super) fn is_inside(&self, component: &str, program: &str) -> bool {
        self.inside.programs.iter().any(|p| p == program)
            && self.inside.components.iter().any(|c| c == component)
    }

    /// Whether the command asks the API server or a cloud, and so runs wherever somebody may do that.
    pub(super) fn runs_anywhere(&self, command: &str) -> bool {
        command
            .split_whitespace()
            .next()
            .is_some_and(|first| self.anywhere.iter().any(|c| c == first))
    }

    /// How to collect a kind of source.
    pub(super) fn command(&self, need: &Need) -> String {
        let word = need.word();
        let fits = |pattern: &String| match pattern.strip_suffix('*') {
            Some(begin) => word.starts_with(begin),
            None => *pattern == word,
        };
        let name = word.split_once(':').map_or("", |(_, name)| name);
        self.source
            .iter()
            .find(|way| way.collects.iter().any(fits))
            .map(|way| {
                way.command
                    .replace("{program}", self.program(name))
                    .replace("{name}", name)
            })
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    #[test]
    fn the_table_is_well_formed() {
        let table = Collection::read().unwrap();
        assert!(table.is_everywhere("kubelet") && !table.is_everywhere("cluster-autoscaler"));
        assert!(table.is_inside("etcd", "k3s") && !table.is_inside("etcd", "rke2"));
        assert!(table.runs_anywhere("kubectl get pods") && !table.runs_anywhere("dmesg -T"));
        for (i, way) in table.source.iter().enumerate() {
            assert!(!way.command.is_empty(), "{way:?}");
            for pattern in &way.collects {
                let need = Need::parse(&pattern.replace('*', "x"));
                assert!(need.is_some(), "{pattern}");
                let earlier = table.source.get(..i).unwrap_or_default();
                let hidden = earlier.iter().flat_map(|w| &w.collects).any(|e| {
                    e.strip_suffix('*')
                        .map_or(e == pattern, |begin| pattern.starts_with(begin))
                });
                assert!(!hidden, "an entry before that of {pattern} takes it");
            }
        }
    }

    #[test]
    fn each_source_that_a_rule_names_can_be_collected() {
        let catalog = Catalog::builtin().unwrap();
        for need in catalog.causes().iter().flat_map(|c| &c.needs) {
            let command = Collection::builtin().command(need);
            assert!(!command.is_empty() && !command.contains('{'), "{need:?}");
        }
    }

    #[track_caller]
    fn case(word: &str, expected: &str) {
        let need = Need::parse(word).unwrap();
        assert_eq!(Collection::builtin().command(&need), expected);
    }

    #[test]
    fn the_first_entry_that_fits_counts() {
        case(
            "log:cri-o",
            "journalctl -u crio --since '2 hours ago' --no-pager -o short-iso-precise",
        );
        case(
            "log:kube-proxy",
            "kubectl -n kube-system logs --timestamps --tail=-1 --prefix -l k8s-app=kube-proxy",
        );
        case(
            "log:etcd",
            "cat /var/log/pods/kube-system_etcd-*/etcd/*.log || journalctl -u etcd --since '2 hours ago' --no-pager -o short-iso-precise",
        );
        case(
            "log:x",
            "kubectl logs --timestamps --all-containers <pod of x>",
        );
        case("spec:pod", "kubectl get pod -A -o yaml");
        case("spec:secret", "kubectl describe secrets -A");
        case("host:uptime", "uptime");
        case(
            "goroutines:dockerd",
            "kill -USR1 $(pidof dockerd)   # the dump is written beside the log",
        );
    }
}
