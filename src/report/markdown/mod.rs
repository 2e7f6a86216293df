//! The report as Markdown for GitHub, as a job's summary and as a comment: the verdict first, then the numbers, what
//! became of the tag, the curves, and folded away what is only sometimes asked for. Pure.

mod chart;
mod escape;
#[cfg(test)]
mod tests;

use md5::{Digest as _, Md5};

use crate::gate::outcome::{Finding, Judged, NoVerdict, NotStarted, Outcome, Report, RunSummary};
use crate::model::compare::{Judgement, Verdict};
use crate::settings::{Fault, Settings};
use crate::wording::phrase::{Phrase, say};
use crate::wording::{self, Cells, Headline, Tone};
use chart::Chart;
use escape::{name_of, own, page, phrase, sentence};

/// Tables with more rows than this show first what does not pass, and fold the rest away.
const MOST_OPEN_ROWS: usize = 12;
/// Up to this many pictures are open.
const MOST_OPEN_PICTURES: usize = 2;

/// The whole report, in at most `room` bytes of UTF-8, and so in no more characters either.
pub(crate) fn render(report: &Report<'_>, room: usize) -> String {
    let headline = wording::headline(report);
    let fewer = ROWS_LEFT.map(|rows| Extent { rows, ..ONLY_FAILING });
    let versions = EXTENTS.into_iter().chain(fewer).map(|extent| document(report, &extent));
    let bare = format!("### {} {}\n", icon(headline.tone), own(&headline.result));
    fitting(versions.chain([heading(&headline)]), room, &bare)
}

/// What stands in the report's place when ClearML was not asked.
pub(crate) fn not_started(why: NotStarted<'_>, room: usize) -> String {
    match why {
        NotStarted::Nothing(reason) => {
            let title = format!("### {} NOTHING TO GATE: {}\n", icon(Tone::Good), own(reason));
            fitting(std::iter::empty(), room, &title)
        }
        NotStarted::Faults(faults) => to_mend(faults, room),
    }
}

fn to_mend(faults: &[Fault], room: usize) -> String {
    let why = NotStarted::Faults(faults).reason();
    let title = format!("### {} NO VERDICT: {}\n", icon(Tone::Unknown), own(&why));
    let version = |shown: usize| {
        let list: String = faults.iter().take(shown).map(fault).collect();
        let rest = faults.len() - shown;
        let rest = if rest == 0 { String::new() } else { format!("- and {rest} more\n") };
        format!("{title}\n{list}{rest}")
    };
    fitting((1..=faults.len()).rev().map(version), room, &title)
}

fn fault(Fault { subject, problem, example }: &Fault) -> String {
    let example = example.map_or_else(String::new, |example| format!("<br>Example: {}", name_of(example)));
    format!("- **{}**: {}{example}\n", name_of(subject), sentence(problem))
}

/// The line by which a gate finds its own comment among those of others.
pub(crate) fn marker(settings: &Settings) -> String {
    let metrics = settings.metrics.iter().flat_map(|metric| [metric.title.as_str(), metric.series.as_str()]);
    let names = [settings.project.as_str(), settings.task_name.as_str()].into_iter().chain(metrics);
    // No name holds a line break.
    let digest = Md5::digest(names.collect::<Vec<_>>().join("\n").as_bytes());
    format!("<!-- clearml-gate 1 {:032x} -->", u128::from_be_bytes(digest.into()))
}

/// The first version that fits; else `title`, cut where there is no room even for that.
fn fitting(mut versions: impl Iterator<Item = String>, room: usize, title: &str) -> String {
    versions.find(|text| text.len() <= room).unwrap_or_else(|| {
        let end = (0..=room.min(title.len())).rev().find(|end| title.is_char_boundary(*end));
        title.get(..end.unwrap_or_default()).unwrap_or_default().to_owned()
    })
}

/// How much is told.
struct Extent {
    pictures: bool,
    details: bool,
    retryable: bool,
    /// How many rows a table has at most.
    rows: usize,
}

const ONLY_FAILING: Extent = Extent { pictures: false, details: false, retryable: false, rows: usize::MAX };
/// From all to what cannot be left out.
const EXTENTS: [Extent; 4] = [
    Extent { pictures: true, details: true, retryable: true, ..ONLY_FAILING },
    Extent { details: true, retryable: true, ..ONLY_FAILING },
    Extent { retryable: true, ..ONLY_FAILING },
    ONLY_FAILING,
];
/// Where not even the failing ones fit.
const ROWS_LEFT: [usize; 7] = [100, 50, 25, 12, 6, 3, 0];

fn document(report: &Report<'_>, extent: &Extent) -> String {
    let mut blocks = vec![heading(&wording::headline(report))];
    let warnings = report.warnings.iter().map(|warning| {
        let icon = if warning.is_note() { "ℹ️ " } else { "⚠️ " };
        say(icon).then(wording::warning(warning, report.settings))
    });
    let warnings = list(warnings);
    match &report.outcome {
        Outcome::Judged(judged) => judgement(&mut blocks, report.settings, judged, extent, &warnings),
        Outcome::NoVerdict(why) => no_verdict(&mut blocks, report.settings, why, &warnings),
    }
    if extent.pictures
        && let Outcome::Judged(judged) = &report.outcome
    {
        blocks.push(pictures(&judged.findings));
    }
    if extent.details {
        blocks.push(details(report));
    }
    blocks.retain(|block| !block.is_empty());
    blocks.join("\n")
}

fn list(phrases: impl IntoIterator<Item = Phrase>) -> String {
    phrases.into_iter().fold(String::new(), |mut list, item| {
        list.extend(["- ", &phrase(&item), "\n"]);
        list
    })
}

fn heading(Headline { tone, result, meaning }: &Headline) -> String {
    format!("### {} {}: {}\n", icon(*tone), own(result), phrase(meaning))
}

const fn icon(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "✅",
        Tone::Mixed | Tone::Unknown => "⚠️",
        Tone::Bad => "❌",
    }
}

fn judgement(blocks: &mut Vec<String>, settings: &Settings, judged: &Judged<'_>, extent: &Extent, warnings: &str) {
    blocks.extend(metrics(judged, extent));
    let mut notes = vec![format!("- candidate: {}", run(&judged.candidate))];
    notes.push(match &judged.baseline {
        Some(_) if wording::is_baseline(judged) => "- baseline: the candidate itself".to_owned(),
        Some(baseline) => format!("- baseline: {}", run(baseline)),
        None => format!("- baseline: none, no task of this name carries the tag {}", name_of(settings.tag.as_str())),
    });
    notes.extend(wording::judged_via(settings, judged).map(|judged_via| format!("- code: {}", phrase(&judged_via))));
    let promotion: Vec<_> = wording::promotion(settings, &judged.promotion).iter().map(phrase).collect();
    notes.push(format!("- tag: {}", promotion.join("<br>")));
    blocks.push(notes.join("\n") + "\n" + warnings);
}

fn run(run: &RunSummary) -> String {
    format!("{}, {}", page(run.id.as_str(), run.link.as_deref()), phrase(&wording::origin(run)))
}

/// The tables of the metrics.
fn metrics(judged: &Judged<'_>, extent: &Extent) -> Vec<String> {
    let many = judged.findings.len() > MOST_OPEN_ROWS;
    let mut findings: Vec<_> = judged.findings.iter().collect();
    if many || !extent.retryable {
        findings.sort_by_key(|finding| urgency(finding));
    }
    let failing = findings.iter().filter(|finding| finding.fails()).count();
    let open = match (extent.retryable, many) {
        (true, false) => findings.len(),
        (true, true) => failing.max(MOST_OPEN_ROWS),
        (false, _) => failing.min(extent.rows),
    };
    let (open, rest) = findings.split_at_checked(open).unwrap_or((&findings, &[]));
    let table = |rows| table(rows, judged.verdict);
    let rest = match rest.len() {
        0 => String::new(),
        1 if extent.retryable => folded("1 more metric, which does not fail", &table(rest)),
        count if extent.retryable => folded(&format!("{count} more metrics, none of which fails"), &table(rest)),
        count => not_shown(failing - open.len(), count),
    };
    vec![table(open), rest]
}

fn not_shown(failing: usize, all: usize) -> String {
    let noun = if all == 1 { "metric is" } else { "metrics are" };
    let which = match failing {
        0 => "none of which fails".to_owned(),
        1 => "1 of which fails".to_owned(),
        _ => format!("{failing} of which fail"),
    };
    format!("{all} more {noun} not shown for lack of room, {which}.\n")
}

/// What has to be seen first.
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
    let Cells { baseline, candidate, change, limit, tolerance, target, verdict: word } = wording::cells(finding);
    let limit = if limit.is_empty() { Vec::new() } else { vec![limit, format!("({tolerance})")] };
    let target = if target.is_empty() { None } else { Some(format!("target {target}")) };
    let bounds: Vec<_> = limit.iter().chain(&target).map(|bound| unbroken(bound)).collect();
    let candidate = if finding.fails() { format!("**{}**", own(&candidate)) } else { own(&candidate) };
    let name = phrase(&wording::metric_name(finding.metric));
    let verdict = format!("{} {}", mark(finding, verdict), own(&word));
    let cells = [name, own(&baseline), candidate, unbroken(&change), bounds.join("<br>"), verdict];
    format!("| {} |\n", cells.join(" | "))
}

/// A number and its percent sign stay on one line.
fn unbroken(words: &str) -> String {
    own(words).replace(" %", "&nbsp;%")
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

/// The curves of the metrics that have any.
fn pictures(findings: &[Finding<'_>]) -> String {
    let drawn = findings.iter().filter_map(|finding| Some((finding, chart::chart(finding.curves.as_ref()?)?)));
    let pictures: Vec<_> = drawn.map(|(finding, chart)| picture(finding, &chart)).collect();
    let all = pictures.join("\n");
    if pictures.len() > MOST_OPEN_PICTURES {
        folded(&format!("The curves of {} metrics", pictures.len()), &all)
    } else {
        all
    }
}

fn picture(finding: &Finding<'_>, Chart { legend, mermaid }: &Chart) -> String {
    let (pick, better) = wording::metric_rule(finding.metric);
    let name = phrase(&wording::metric_name(finding.metric));
    format!("{name} ({pick}, {better}): {legend}\n\n```mermaid\n{mermaid}```\n")
}

fn no_verdict(blocks: &mut Vec<String>, settings: &Settings, why: &NoVerdict<'_>, warnings: &str) {
    blocks.push(list(wording::explain(settings, why).details) + warnings);
    let metrics: Vec<_> = settings.metrics.iter().map(wording::metric_name).collect();
    let noun = if metrics.len() == 1 { "metric" } else { "metrics" };
    let metrics = phrase(&Phrase::default().listed(metrics.into_iter()));
    blocks.push(format!("Looked for:\n\n{}- {noun} {metrics}\n", searched(settings)));
}

/// Where the candidate was looked for.
fn searched(settings: &Settings) -> String {
    let (project, task_name) = (name_of(settings.project.as_str()), name_of(settings.task_name.as_str()));
    // A commit is hex digits alone, and one of this repository, so that GitHub may make a link of it.
    format!(
        "- project {project}\n- task name {task_name}\n- commit {} ({})\n",
        settings.commit,
        own(settings.commit_source)
    )
}

/// What is only sometimes asked for.
fn details(report: &Report<'_>) -> String {
    let settings = report.settings;
    let mut text = String::new();
    if let Outcome::Judged(judged) = &report.outcome {
        let others = list(wording::near_misses(&judged.ineligible, &judged.judged_via));
        let others =
            if others.is_empty() { others } else { format!("\nOther runs of this commit do not qualify:\n\n{others}") };
        text = format!(
            "The candidate is the newest completed run without uncommitted changes of:\n\n{}{others}\n",
            searched(settings)
        );
    }
    text.push_str("| setting | in force |\n|:--|:--|\n");
    for (name, value) in &settings.in_force {
        text.extend(["| ", &own(name), " | ", &sentence(value), " |\n"]);
    }
    let version = env!("CARGO_PKG_VERSION");
    folded("How this was judged", &format!("{text}\nclearml-gate {version}\n"))
}

/// Markdown behind a line that opens it. The empty lines make it Markdown again.
fn folded(summary: &str, text: &str) -> String {
    format!("<details>\n<summary>{}</summary>\n\n{text}\n</details>\n", own(summary))
}
