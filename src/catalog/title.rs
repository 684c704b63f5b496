//! How a fact is told in one sentence: its title with values, tokens and gaps.

use std::collections::BTreeMap;

use super::definition::Definition;
use super::template::Template;
use crate::base::lang::Lang;

/// Words for things whose name is not known.
const GENERIC: [(&str, &str, &str); 19] = [
    ("apiservice", "the aggregated API", "该聚合 API"),
    ("component", "the component", "该组件"),
    ("configmap", "the ConfigMap", "该 ConfigMap"),
    ("container", "the container", "该容器"),
    ("deployment", "the deployment", "该 Deployment"),
    ("destination", "the destination", "目标"),
    ("host", "the machine", "该机器"),
    ("image", "the image", "该镜像"),
    ("namespace", "the namespace", "该命名空间"),
    ("node", "the node", "该节点"),
    ("persistentvolumeclaim", "the claim", "该 PVC"),
    ("pod", "the pod", "该 Pod"),
    ("process", "a process", "某进程"),
    ("program", "the program", "该程序"),
    ("registry", "the registry", "镜像仓库"),
    ("secret", "the Secret", "该 Secret"),
    ("service", "the service", "该服务"),
    ("unit", "a service", "某服务"),
    ("webhook", "the webhook", "该 webhook"),
];

impl Definition {
    /// The title for these values. Where some are not known it is told without them.
    pub fn title<'a>(&self, lang: Lang, value: impl Fn(&str) -> Option<&'a str> + Copy) -> String {
        self.told(lang, value).unwrap_or_else(|| {
            let name = self.id.rsplit('/').next().unwrap_or(&self.id);
            name.replace('-', " ")
        })
    }

    /// The title for these values; `None` when it needs one that is not known.
    pub(super) fn told<'a>(
        &self,
        lang: Lang,
        value: impl Fn(&str) -> Option<&'a str> + Copy,
    ) -> Option<String> {
        let said: BTreeMap<&str, String> = self
            .words
            .iter()
            .filter_map(|(key, words)| {
                let template = in_lang(words.get(value(key)?)?, lang);
                Some((key.as_str(), template.fill(value)?))
            })
            .collect();
        self.told_as(lang, |k| {
            said.get(k).map(String::as_str).or_else(|| value(k))
        })
    }

    fn told_as<'a>(
        &self,
        lang: Lang,
        value: impl Fn(&str) -> Option<&'a str> + Copy,
    ) -> Option<String> {
        let tell = |both: &(Template, Template)| {
            let template = in_lang(both, lang);
            template
                .fill(value)
                .or_else(|| template.fill_partly(value, |k| self.generic(k, lang)))
        };
        tell(&self.title).or_else(|| self.unknown.as_ref().and_then(tell))
    }

    /// What stands for a value that every reader knows the kind of.
    fn generic(&self, key: &str, lang: Lang) -> Option<&'static str> {
        let key = if key == "entity" {
            self.entity_kind()
        } else {
            key
        };
        GENERIC
            .iter()
            .find(|(k, ..)| *k == key)
            .map(|(_, en, zh)| if lang == Lang::Zh { *zh } else { *en })
    }
}

fn in_lang(both: &(Template, Template), lang: Lang) -> &Template {
    if lang == Lang::Zh { &both.1 } else { &both.0 }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::catalog::{Catalog, RuleText};

    #[test]
    fn tokens_are_told_in_the_words_of_the_rule() {
        let rule = |key: &str| RuleText {
            id: String::from("a/refused"),
            path: String::from("a/refused.toml"),
            text: format!(
                "title = {{ en = \"Refused: {{why}}\", zh = \"被拒绝：{{why}}\" }}\nentity = \"cluster/x\"\nseverity = \"low\"\nsince = \"0.1.0\"\ninferred = \"silence\"\n[words.{key}]\nfull = {{ en = \"{{n}} are full\", zh = \"{{n}} 个已满\" }}\n"
            ),
        };
        let catalog = Catalog::of(&[rule("why")]).unwrap();
        let told = |lang, why| {
            let value = |k: &str| match k {
                "why" => Some(why),
                "n" => Some("3"),
                _ => None,
            };
            catalog.get("a/refused").unwrap().title(lang, value)
        };
        assert_eq!(told(Lang::En, "full"), "Refused: 3 are full");
        assert_eq!(told(Lang::Zh, "full"), "被拒绝：3 个已满");
        assert_eq!(told(Lang::En, "disk"), "Refused: disk");
        let wrong = Catalog::of(&[rule("because")]).unwrap_err();
        assert!(format!("{wrong:?}").contains("no place for `because`"));
    }

    /// What was ruled out or is asked about has no values of its own: whatever is known of it, its title is a sentence.
    /// Where `title` cannot be one, the file needs `unknown`.
    #[test]
    fn every_cause_can_be_told_with_any_part_of_its_values() {
        let catalog = Catalog::builtin().unwrap();
        let node = |k: &str| (k == "node").then_some("n1");
        let entity = |k: &str| (k == "entity").then_some("e1");
        let mut untold = BTreeSet::new();
        for cause in catalog.causes() {
            let definition = catalog.at(cause.cause).unwrap();
            for lang in [Lang::En, Lang::Zh] {
                for title in [
                    definition.told(lang, |_| None),
                    definition.told(lang, node),
                    definition.told(lang, entity),
                ] {
                    let Some(title) = title else {
                        untold.insert(&definition.id);
                        continue;
                    };
                    let whole = title.trim() == title
                        && !title.contains("  ")
                        && !title.contains(['{', '}'])
                        && !title.chars().any(char::is_control)
                        && !title.ends_with([':', '：', ',', '，']);
                    assert!(whole, "{}: {title}", definition.id);
                }
            }
        }
        assert!(
            untold.is_empty(),
            "add `unknown = {{ en, zh }}`, the title where its values are not known: {untold:?}"
        );
    }
}
