//! The fixed words of the reports, in both languages.
//!
//! One line is one word in both languages, so neither can lack one. `{}` is filled in order by [`fill`].
//! Texts about the cluster (titles, mechanisms, remedies) are the catalogue's, not ours.

use crate::base::lang::Lang;
use crate::model::{Confidence, Severity, SourceKind, Status};

macro_rules! words {
    ($($name:ident: $en:literal, $zh:literal;)*) => {
        /// The fixed words of one language.
        pub(crate) struct Words { $(pub(crate) $name: &'static str,)* }
        const EN: Words = Words { $($name: $en,)* };
        const ZH: Words = Words { $($name: $zh,)* };
        #[cfg(test)]
        const PAIRS: &[(&str, &str, &str)] = &[$((stringify!($name), $en, $zh),)*];
    };
}

words! {
    // Severity, confidence, state, status.
    critical: "critical", "致命";
    high: "high", "高";
    medium: "medium", "中";
    low: "low", "低";
    info: "info", "提示";
    sure: "high", "高";
    fairly_sure: "medium", "中";
    unsure: "low", "低";
    inferred: "inferred", "推断";
    suspected: "suspected", "怀疑";
    seen_legend: "seen in a line", "日志中可见";
    inferred_legend: "inferred from what was seen", "由所见推断";
    suspected_legend: "suspected, not proven", "怀疑，未证实";
    read: "read", "已读";
    partial: "partly read", "部分读取";
    skipped: "left out", "略过";
    failed: "could not be read", "无法读取";
    partial_short: "partial", "部分";
    skipped_short: "skipped", "略过";
    failed_short: "failed", "失败";
    // Brackets and joints.
    aside: " ({})", "（{}）";
    colon: "{}: {}", "{}：{}";
    list: ", ", "、";
    semicolon: "; ", "；";
    // Head of the report.
    no_incident: "No incident found", "未发现事件";
    signs: "Signs of trouble that make no incident by themselves", "单独不足以构成事件的故障迹象";
    signs_more: "{} more: see `kforensics timeline`", "另有 {} 条：见 `kforensics timeline`";
    incidents: "{} incidents", "{} 个事件";
    below: "{} more below the severity asked for", "另有 {} 个低于所要求的级别";
    // Root cause.
    root_sure: "Root cause (high confidence)", "根因（把握：高）";
    root_fairly_sure: "Probable root cause (medium confidence)", "可能的根因（把握：中）";
    root_unsure: "Possible root cause (low confidence)", "猜测的根因（把握：低）";
    root_unknown: "Root cause: not known", "根因：未知";
    root_unknown_why: "Nothing in the bundle explains the first step below.", "材料中没有任何内容能解释下面的第一步。";
    unexplained_symptom: "Nothing in the bundle explains it. What to collect next stands below.", "材料中没有能解释它的内容，请按下文补充收集。";
    nothing_deeper: "Nothing in the bundle explains it further.", "材料中没有能进一步解释它的证据。";
    over_after: "over after {}", "持续 {} 后恢复";
    more_symptoms: "{} (and {} more symptoms)", "{}（另有 {} 个现象）";
    one_more_symptom: "{} (and 1 more symptom)", "{}（另有 1 个现象）";
    because: "Because", "依据";
    also_possible: "Also possible", "其他可能";
    confidence_score: "{} confidence, score {}", "把握：{}，得分 {}";
    // Chain.
    chain: "What happened", "经过";
    times_are_utc: "times are UTC", "时间为 UTC";
    times_are_utc_on: "times are UTC, {}", "时间为 UTC，{}";
    by: "by {}", "不晚于 {}";
    no_time: "–", "–";
    times: "{}×", "{} 次";
    times_until: "{}× until {}", "{} 次，至 {}";
    until: "until {}", "至 {}";
    times_at: "{}× at {}", "{} 次，{}";
    times_between: "{}× between {} and {}", "{} 次，{} 至 {}";
    lasted: "from {} to {}", "{} 至 {}";
    ended_at: "ended at {}", "{} 结束";
    follows_from: "follows from: {}", "由此得出：{}";
    would_explain: "would explain: {}", "可以解释：{}";
    also_affected: "Also affected", "同样受影响";
    more_lines: "lines of proof not shown: {} (-v shows them)", "未显示的证据：{} 行（-v 显示）";
    // What to do.
    remedy: "What to do", "处理办法";
    warning: "What not to do", "切勿";
    ask: "What to collect next", "下一步收集";
    run_on: "on {}", "在 {} 上运行";
    more_asks: "{} more things to collect: -v shows them, kforensics ask makes a script", "另有 {} 项待收集：-v 显示，kforensics ask 生成脚本";
    ruled_out: "Ruled out", "已排除";
    references: "Read on", "参考";
    // The bundle.
    bundle: "The bundle", "材料";
    one_file: "1 file", "1 个文件";
    files: "{} files", "{} 个文件";
    one_line: "1 line", "1 行";
    lines: "{} lines", "{} 行";
    clocks: "Clocks", "时钟";
    clock: "{} ({} confidence): {}", "{}（把握：{}）：{}";
    unknown_zone: "zone unknown", "时区未知";
    guessed_times: "Times marked ~ are rough, or rest on a guessed clock.", "带 ~ 的时间只是大致的，或基于猜测的时钟。";
    and_more: "and {} more", "另有 {} 个";
    see_inventory: "{} more: kforensics inventory lists every file", "另有 {} 个：kforensics inventory 列出全部文件";
    warnings: "To keep in mind", "注意";
    rules_used: "{} rules", "{} 条规则";
    // Nothing found.
    looked_at: "Looked at", "查看过";
    not_looked_at: "Could not look at", "未能查看";
    nothing_readable: "nothing: no file of the bundle is a log or an output that is understood", "无：材料中没有可识别的日志或输出";
    not_in_bundle: "not in the bundle: {}", "材料中缺少：{}";
    log_of: "log of {}", "{} 的日志";
    runtime_log: "log of the container runtime", "容器运行时的日志";
    kubectl_outputs: "outputs of kubectl", "kubectl 的输出";
    other_logs: "other logs", "其他日志";
    objects: "API objects", "API 对象";
    tables: "tables of kubectl get", "kubectl get 的表格";
    describes: "outputs of kubectl describe", "kubectl describe 的输出";
    processes: "process lists", "进程列表";
    goroutines: "goroutine dumps", "goroutine 转储";
    certificates: "certificates", "证书";
    host: "outputs of host commands", "主机命令的输出";
    logs: "logs of {}", "{} 的日志";
    nothing_missing: "nothing: every file was read, and every usual component is there", "无：全部文件均已读取，常见组件齐全";
    // Unexplained.
    unexplained: "Errors that no rule knows", "没有规则能解释的错误";
    // Markdown.
    postmortem: "Analysis of {}", "{} 分析报告";
    summary: "Summary", "摘要";
    severity: "Severity", "级别";
    window: "Time", "时间";
    since: "since {}", "自 {}";
    root_cause: "Root cause", "根因";
    timeline: "Timeline", "时间线";
    time: "Time (UTC)", "时间（UTC）";
    what: "What", "内容";
    known: "Known by", "依据";
    proof: "Proof", "证据";
    evidence: "Evidence", "证据";
    seen: "seen", "可见";
    status: "Status", "状态";
    file: "File", "文件";
    component: "Component", "组件";
    count: "Count", "次数";
    made_by: "Made by kforensics {} with {} rules.", "由 kforensics {} 生成，规则 {} 条。";
    // why
    nothing_about: "Nothing in the bundle speaks about {}", "材料中没有关于 {} 的内容";
    similar: "There is something about", "材料中有";
    known_about: "What is known about {}", "关于 {} 的已知情况";
    part_of: "Part of incident {}: {}", "属于事件 {}：{}";
    leads_to: "What follows from it", "由此引起";
    unexplained_here: "Nothing in the bundle explains this further.", "材料中没有更进一步的解释。";
    related: "Related to", "相关对象";
    // timeline, inventory
    without_time: "Without a time", "无时间";
    ends: "ends: {}", "结束：{}";
    nothing_matches: "Nothing matches the filters.", "没有符合条件的内容。";
    kind: "Kind", "类型";
    node: "Node", "节点";
    clock_title: "Clock", "时钟";
    from: "From", "起";
    to: "To", "止";
    lines_title: "Lines", "行数";
    silent: "silent from {} to {} (after line {})", "{} 至 {} 无输出（第 {} 行之后）";
    cut_end: "ends in the middle of a line", "末行不完整";
    verbosity: "verbosity {}", "日志级别 {}";
}

impl Words {
    /// The words of a language.
    pub(crate) fn of(lang: Lang) -> &'static Self {
        match lang {
            Lang::En => &EN,
            Lang::Zh => &ZH,
        }
    }

    /// The word for a severity.
    pub(crate) fn severity(&self, severity: Severity) -> &'static str {
        match severity {
            Severity::Critical => self.critical,
            Severity::High => self.high,
            Severity::Medium => self.medium,
            Severity::Low => self.low,
            Severity::Info => self.info,
        }
    }

    /// The word for a confidence.
    pub(crate) fn confidence(&self, confidence: Confidence) -> &'static str {
        match confidence {
            Confidence::High => self.sure,
            Confidence::Medium => self.fairly_sure,
            Confidence::Low => self.unsure,
        }
    }

    /// The heading of a root cause of that confidence.
    pub(crate) fn root(&self, confidence: Confidence) -> &'static str {
        match confidence {
            Confidence::High => self.root_sure,
            Confidence::Medium => self.root_fairly_sure,
            Confidence::Low => self.root_unsure,
        }
    }

    /// The same as [`Self::status`], for a column.
    pub(crate) fn status_short(&self, status: Status) -> &'static str {
        match status {
            Status::Read => self.read,
            Status::Partial => self.partial_short,
            Status::Skipped => self.skipped_short,
            Status::Failed => self.failed_short,
        }
    }

    /// Files of one kind, in the plural.
    pub(crate) fn kinds(&self, kind: SourceKind) -> &'static str {
        match kind {
            SourceKind::Log => self.other_logs,
            SourceKind::Objects => self.objects,
            SourceKind::Table => self.tables,
            SourceKind::Describe => self.describes,
            SourceKind::Processes => self.processes,
            SourceKind::Goroutines => self.goroutines,
            SourceKind::Certificates => self.certificates,
            SourceKind::Host => self.host,
            kind => kind.as_str(),
        }
    }

    /// The word for how the reading of a file ended.
    pub(crate) fn status(&self, status: Status) -> &'static str {
        match status {
            Status::Read => self.read,
            Status::Partial => self.partial,
            Status::Skipped => self.skipped,
            Status::Failed => self.failed,
        }
    }
}

/// Puts `values` in place of each `{}` of a template, in order.
pub(crate) fn fill(template: &str, values: &[&str]) -> String {
    let mut parts = template.split("{}");
    let mut out = String::from(parts.next().unwrap_or(""));
    for (i, part) in parts.enumerate() {
        out.push_str(values.get(i).copied().unwrap_or("?"));
        out.push_str(part);
    }
    out
}

/// A number and what it counts: the text for one, or the one that names the number.
pub(crate) fn counted(one: &str, many: &str, n: u64) -> String {
    if n == 1 {
        one.to_owned()
    } else {
        fill(many, &[&super::view::group(n)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_have_the_same_blanks_and_no_empty_word() {
        for (name, en, zh) in PAIRS {
            assert!(!en.is_empty() && !zh.is_empty(), "{name}");
            assert_eq!(en.matches("{}").count(), zh.matches("{}").count(), "{name}");
        }
    }

    #[test]
    fn fills_in_order() {
        assert_eq!(fill("{}× at {}", &["17", "now"]), "17× at now");
        assert_eq!(fill("plain", &["x"]), "plain");
    }
}
