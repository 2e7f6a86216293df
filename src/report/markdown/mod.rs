//! The report as Markdown for GitHub, for a job summary or a comment: the verdict, the numbers, what happened to the tag,
//! the curves, and details in a folded section. Pure.

mod chart;
mod escape;
#[cfg(test)]
mod tests;

use crate::gate::outcome::{Finding, Judged, NoVerdict, NotStarted, Outcome, Report, RunSummary};
use crate::model::compare::{Judgement, Verdict};
use crate::settings::{Fault, Settings};
use crate::wording::phrase::{self, Phrase, say};
use crate::wording::{self, Headline, Tone};
use escape::{inline, name_of, own, sentence};

/// A longer table shows the failing metrics first and folds the others.
const MOST_OPEN_ROWS: usize = 12;
const MOST_OPEN_CHARTS: usize = 2;

/// The report in at most `room` bytes of UTF-8, and therefore characters.
pub(crate) fn render(report: &Report<'_>, room: usize) -> String {
    let headline = wording::headline(report);
    let fewer = FEWER_ROWS.map(|rows| Extent { rows, ..ONLY_FAILING });
    let versions = EXTENTS.into_iter().chain(fewer).map(|extent| document(report, &extent));
    let bare = format!("### {} {}\n", icon(headline.tone), own(&headline.result));
    fitting(versions.chain([heading(&headline)]), room, &bare)
}

/// The report of a run that did not ask ClearML.
pub(crate) fn not_started(why: NotStarted<'_>, room: usize) -> String {
    let title = heading(&wording::not_started(why));
    let faults = match why {
        NotStarted::NothingToGate(_) => [].as_slice(),
        NotStarted::InvalidSettings(faults) => faults,
    };
    let version = |shown: usize| {
        let list: String = faults.iter().take(shown).map(fault).collect();
        let rest = faults.len() - shown;
        let rest = if rest == 0 { String::new() } else { format!("- {}\n", wording::and_more(rest)) };
        format!("{title}\n{list}{rest}")
    };
    fitting((1..=faults.len()).rev().map(version), room, &title)
}

fn fault(Fault { subject, problem, example }: &Fault) -> String {
    let example = example.map_or_else(String::new, |example| format!("<br>Example: {}", name_of(example)));
    format!("- **{}**: {}{example}\n", name_of(subject), sentence(problem))
}

/// A line that identifies the comment of this gate among those of others.
pub(crate) fn marker(settings: &Settings) -> String {
    let metrics = settings.metrics.iter().flat_map(|metric| [metric.title.as_str(), metric.series.as_str()]);
    let names = [settings.project.as_str(), settings.task_name.as_str()].into_iter().chain(metrics);
    // No name contains a line break.
    let digest = md5::compute(names.collect::<Vec<_>>().join("\n"));
    format!("<!-- clearml-gate 1 {digest:x} -->")
}

/// The first version that fits; else `title`, cut if necessary.
fn fitting(mut versions: impl Iterator<Item = String>, room: usize, title: &str) -> String {
    versions.find(|text| text.len() <= room).unwrap_or_else(|| {
        let end = (0..=room.min(title.len())).rev().find(|end| title.is_char_boundary(*end));
        title.get(..end.unwrap_or_default()).unwrap_or_default().to_owned()
    })
}

/// How much a version of the report contains.
struct Extent {
    charts: bool,
    details: bool,
    /// Whether metrics that pass are listed.
    passing: bool,
    /// The most rows of a table without passing metrics.
    rows: usize,
}

const ONLY_FAILING: Extent = Extent { charts: false, details: false, passing: false, rows: usize::MAX };
const EXTENTS: [Extent; 4] = [
    Extent { charts: true, details: true, passing: true, ..ONLY_FAILING },
    Extent { details: true, passing: true, ..ONLY_FAILING },
    Extent { passing: true, ..ONLY_FAILING },
    ONLY_FAILING,
];
/// If not even all failing metrics fit.
const FEWER_ROWS: [usize; 7] = [100, 50, 25, 12, 6, 3, 0];

fn document(report: &Report<'_>, extent: &Extent) -> String {
    let settings = report.settings;
    let warnings = list(report.warnings.iter().map(|warning| {
        let icon = if warning.is_note() { "ℹ️ " } else { "⚠️ " };
        say(icon).then(wording::warning(warning, settings))
    }));
    let mut blocks = vec![heading(&wording::headline(report))];
    match &report.outcome {
        Outcome::Judged(judged) => {
            blocks.extend(tables(judged, extent));
            blocks.push(notes(settings, judged) + &warnings);
            if extent.charts {
                blocks.push(charts(&judged.findings));
            }
        }
        Outcome::NoVerdict(why) => blocks.extend(no_verdict(settings, why, &warnings)),
    }
    if extent.details {
        blocks.push(details(report));
    }
    blocks.retain(|block| !block.is_empty());
    blocks.join("\n")
}

fn list(phrases: impl IntoIterator<Item = Phrase>) -> String {
    phrases.into_iter().fold(String::new(), |mut list, item| {
        list.extend(["- ", &inline(&item), "\n"]);
        list
    })
}

fn heading(Headline { tone, result, meaning }: &Headline) -> String {
    format!("### {} {}: {}\n", icon(*tone), own(result), inline(meaning))
}

const fn icon(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "✅",
        Tone::Mixed | Tone::Unknown => "⚠️",
        Tone::Bad => "❌",
    }
}

/// The runs, and what happened to the tag.
fn notes(settings: &Settings, judged: &Judged<'_>) -> String {
    let run = |run: &RunSummary| format!("{}, {}", inline(&phrase::run(run)), inline(&wording::origin(run)));
    let baseline = match &judged.baseline {
        Some(_) if wording::is_baseline(judged) => wording::SAME_RUN.to_owned(),
        Some(baseline) => run(baseline),
        None => inline(&wording::no_baseline(settings)),
    };
    let promotion: Vec<_> = wording::promotion(settings, &judged.promotion).iter().map(inline).collect();
    let mut notes = format!("- candidate: {}\n- baseline: {baseline}\n", run(&judged.candidate));
    if let Some(judged_via) = wording::judged_via(settings, judged) {
        notes.extend(["- code: ", &inline(&judged_via), "\n"]);
    }
    notes + &format!("- tag: {}\n", promotion.join("<br>"))
}

/// The table of the metrics, and the metrics that it does not show.
fn tables(judged: &Judged<'_>, extent: &Extent) -> [String; 2] {
    let many = judged.findings.len() > MOST_OPEN_ROWS;
    let mut findings: Vec<_> = judged.findings.iter().collect();
    if many || !extent.passing {
        findings.sort_by_key(|finding| urgency(finding));
    }
    let failing = findings.iter().filter(|finding| finding.fails()).count();
    let open = match (extent.passing, many) {
        (true, false) => findings.len(),
        (true, true) => failing.max(MOST_OPEN_ROWS),
        (false, _) => failing.min(extent.rows),
    };
    let (open, rest) = findings.split_at_checked(open).unwrap_or((&findings, &[]));
    let hidden = match rest.len() {
        0 => String::new(),
        count if extent.passing => folded(&wording::more_metrics(count), &table(rest, judged.verdict)),
        count => wording::metrics_not_shown(count, failing - open.len()) + "\n",
    };
    [table(open, judged.verdict), hidden]
}

/// Sorts the rows: the most important ones first.
fn urgency(finding: &Finding<'_>) -> u8 {
    match finding.judgement() {
        _ if finding.fails() => 0,
        None => 1,
        Some(Judgement::Degraded(_)) => 2,
        Some(Judgement::Tolerated(_)) => 3,
        Some(Judgement::Improved(_)) => 4,
        Some(Judgement::First(_) | Judgement::Unchanged(_)) => 5,
    }
}

fn table(findings: &[&Finding<'_>], verdict: Verdict) -> String {
    if findings.is_empty() {
        return String::new();
    }
    let head = "| metric | baseline | candidate | change | limit | verdict |\n|:--|--:|--:|--:|:--|:--|\n";
    findings.iter().fold(head.to_owned(), |table, finding| table + &row(finding, verdict))
}

fn row(finding: &Finding<'_>, verdict: Verdict) -> String {
    let cells = wording::cells(finding);
    let mut bounds = Vec::new();
    if !cells.limit.is_empty() {
        bounds.extend([cells.limit.clone(), format!("({})", cells.tolerance)]);
    }
    if !cells.target.is_empty() {
        bounds.push(format!("target {}", cells.target));
    }
    let bounds: Vec<String> = bounds.iter().map(|bound| own(bound).replace(' ', "&nbsp;")).collect();
    let emphasis = if finding.fails() { "**" } else { "" };
    format!(
        "| {} | {} | {emphasis}{}{emphasis} | {} | {} | {} {} |\n",
        inline(&wording::metric_name(finding.metric)),
        own(&cells.baseline),
        own(&cells.candidate),
        own(&cells.change),
        bounds.join("<br>"),
        mark(finding, verdict),
        own(&cells.verdict)
    )
}

fn mark(finding: &Finding<'_>, verdict: Verdict) -> &'static str {
    match finding.judgement() {
        _ if !finding.metric.is_required() => "ℹ️",
        Some(Judgement::Degraded(_)) if verdict != Verdict::Accepted => "❌",
        Some(Judgement::Degraded(_) | Judgement::Tolerated(_)) => "⚠️",
        Some(_) => "✅",
        None => "❔",
    }
}

/// The charts of the metrics that have curves.
fn charts(findings: &[Finding<'_>]) -> String {
    let charts: Vec<String> = findings.iter().filter_map(chart).collect();
    let all = charts.join("\n");
    if charts.len() > MOST_OPEN_CHARTS { folded(&wording::curves_of(charts.len()), &all) } else { all }
}

fn chart(finding: &Finding<'_>) -> Option<String> {
    let chart::Chart { legend, mermaid } = chart::chart(finding.curves.as_ref()?)?;
    let (name, rule) = (inline(&wording::metric_name(finding.metric)), wording::metric_rule(finding.metric));
    Some(format!("{name} ({rule}): {legend}\n\n```mermaid\n{mermaid}```\n"))
}

fn no_verdict(settings: &Settings, why: &NoVerdict<'_>, warnings: &str) -> [String; 2] {
    let metrics = settings.metrics.iter().map(wording::metric_name);
    let noun = if metrics.len() == 1 { "metric" } else { "metrics" };
    let metrics = inline(&phrase::listed(metrics));
    [
        list(wording::details(settings, why)) + warnings,
        format!("{}\n\n{}- {noun} {metrics}\n", wording::SEARCHED_FOR, searched_for(settings)),
    ]
}

/// What identifies the candidate.
fn searched_for(settings: &Settings) -> String {
    let (project, task_name) = (name_of(settings.project.as_str()), name_of(settings.task_name.as_str()));
    // A commit is nothing but hex digits, and GitHub can link it, because it belongs to this repository.
    format!(
        "- project {project}\n- task name {task_name}\n- commit {} ({})\n",
        settings.commit,
        own(settings.commit_source)
    )
}

/// The folded section: how the candidate was found, and the settings.
fn details(report: &Report<'_>) -> String {
    let settings = report.settings;
    let mut text = String::new();
    if let Outcome::Judged(judged) = &report.outcome {
        text = format!("{}\n\n{}\n", wording::HOW_THE_CANDIDATE_IS_FOUND, searched_for(settings));
        let others = list(wording::near_misses(&judged.ineligible, &judged.via, false));
        if !others.is_empty() {
            text.extend([wording::INELIGIBLE, "\n\n", &others, "\n"]);
        }
    }
    text.push_str("| setting | value |\n|:--|:--|\n");
    for (name, value) in &settings.in_force {
        text.extend(["| ", &own(name), " | ", &sentence(value), " |\n"]);
    }
    let version = env!("CARGO_PKG_VERSION");
    folded(wording::HOW_IT_WAS_CHECKED, &format!("{text}\nclearml-gate {version}\n"))
}

/// Markdown below a line that unfolds it. After an empty line, GitHub reads Markdown instead of HTML.
fn folded(summary: &str, text: &str) -> String {
    format!("<details>\n<summary>{}</summary>\n\n{text}\n</details>\n", own(summary))
}
