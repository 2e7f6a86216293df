//! The console report: verdict first, then what it rests on, then what to do; no wider than 80 columns but for what
//! cannot be broken, such as an address. Pure.

use super::spark;
use crate::gate::outcome::{Finding, Judged, NoVerdict, NotStarted, Outcome, Report, RunSummary};
use crate::settings::Settings;
use crate::text::plain::line;
use crate::wording::phrase::{Phrase, say};
use crate::wording::{self, Cells, Headline, Tone};

/// Columns of a line.
const WIDTH: usize = 80;
/// Where the values of the rows begin.
const VALUES: usize = 13;

/// Whether the report may hold colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colour {
    /// Plain text.
    Off,
    /// ANSI escape sequences.
    On,
}

/// The whole report; ends with a line break.
pub(crate) fn render(report: &Report<'_>, colour: Colour) -> String {
    let mut out = Lines { text: String::new(), colour };
    out.headline(&wording::headline(report));
    out.blank();
    match &report.outcome {
        Outcome::Judged(judged) => judgement(&mut out, report.settings, judged),
        Outcome::NoVerdict(why) => no_verdict(&mut out, report.settings, why),
    }
    if !report.warnings.is_empty() {
        out.blank();
    }
    for warning in &report.warnings {
        let text = wording::warning(warning, report.settings).plain();
        if warning.is_note() {
            out.paragraph(&format!("note: {text}"), 0, 6, None);
        } else {
            out.paragraph(&format!("warning: {text}"), 0, 9, Some(YELLOW));
        }
    }
    out.text
}

/// The same for a run that never asked ClearML.
pub(crate) fn not_started(why: NotStarted<'_>, colour: Colour) -> String {
    let mut out = Lines { text: String::new(), colour };
    match why {
        NotStarted::Nothing(reason) => out.paragraph(&format!("NOTHING TO GATE: {reason}"), 0, 0, Some(GREEN)),
        NotStarted::Faults(faults) => {
            out.paragraph(&format!("clearml-gate: no verdict, {}:", why.reason()), 0, 0, Some(YELLOW));
            for fault in faults {
                out.paragraph(&line(&fault.to_string()), 2, 6, None);
            }
            out.paragraph("See clearml-gate --help.", 0, 0, None);
        }
    }
    out.text
}

const RED: &str = "\u{1b}[1;31m";
const GREEN: &str = "\u{1b}[1;32m";
const YELLOW: &str = "\u{1b}[1;33m";
const RESET: &str = "\u{1b}[0m";

fn judgement(out: &mut Lines, settings: &Settings, judged: &Judged<'_>) {
    match judged.findings.as_slice() {
        [only] => one_metric(out, settings, judged, only),
        several => {
            for finding in several {
                compact(out, finding);
            }
            out.blank();
            out.row("candidate", &wording::origin(&judged.candidate).plain());
            match &judged.baseline {
                Some(baseline) => out.row("baseline", &wording::origin(baseline).plain()),
                None => out.row("baseline", &none_tagged(settings)),
            }
        }
    }
    if let Some(judged_via) = wording::judged_via(settings, judged) {
        out.row("code", &judged_via.plain());
    }
    let mut label = "tag";
    for line in wording::promotion(settings, &judged.promotion) {
        out.row(label, &line.plain());
        label = "";
    }
    out.blank();
    out.row("candidate", &page(&judged.candidate));
    match &judged.baseline {
        Some(_) if wording::is_baseline(judged) => out.row("baseline", "the candidate itself"),
        Some(baseline) => out.row("baseline", &page(baseline)),
        None => {}
    }
}

fn one_metric(out: &mut Lines, settings: &Settings, judged: &Judged<'_>, finding: &Finding<'_>) {
    let Cells { baseline, candidate, change, limit, tolerance, target, .. } = wording::cells(finding);
    let with = |value: &str, run: &RunSummary| format!("{value}  ({})", wording::origin(run).plain());
    out.row("metric", &metric(finding));
    match &judged.baseline {
        Some(run) => out.row("baseline", &with(&baseline, run)),
        None => out.row("baseline", &none_tagged(settings)),
    }
    out.row("candidate", &with(&candidate, &judged.candidate));
    if !change.is_empty() {
        out.row("change", &change);
        out.row("limit", &format!("{limit}  ({tolerance})"));
    }
    if !target.is_empty() {
        out.row("target", &target);
    }
    let mut label = "curves";
    for (whose, line) in curves(finding) {
        out.row(label, &format!("{line}  {whose}"));
        label = "";
    }
}

fn none_tagged(settings: &Settings) -> String {
    say("none: no task of this name carries the tag ").quoted(settings.tag.as_str()).plain()
}

fn metric(finding: &Finding<'_>) -> String {
    let (pick, better) = wording::metric_rule(finding.metric);
    format!("{}  ({pick}, {better})", wording::metric_name(finding.metric).plain())
}

/// A metric among several: its name and judgement, its numbers in one line, its curves.
fn compact(out: &mut Lines, finding: &Finding<'_>) {
    let Cells { baseline, candidate, change, limit, tolerance, target, verdict } = wording::cells(finding);
    let name = wording::metric_name(finding.metric).plain();
    let mark = match finding.judgement() {
        _ if !finding.metric.is_required() => "·",
        Some(judgement) if judgement.passed() => "✓",
        _ => "✗",
    };
    out.paragraph(&format!("{mark} {name}: {verdict}"), 2, 4, None);
    let values = if baseline.is_empty() { candidate } else { format!("{baseline} → {candidate}") };
    let limit = if limit.is_empty() { limit } else { format!("{limit} ({tolerance})") };
    let target = if target.is_empty() { target } else { format!("target {target}") };
    let numbers: Vec<String> = [values, change, limit, target].into_iter().filter(|part| !part.is_empty()).collect();
    out.paragraph(&numbers.join(", "), 4, 4, None);
    for (whose, line) in curves(finding) {
        out.paragraph(&format!("{line}  {whose}"), 4, 4, None);
    }
}

/// The curves as lines of blocks on one scale, each with whose it is.
fn curves(finding: &Finding<'_>) -> Vec<(&'static str, String)> {
    let Some(curves) = &finding.curves else { return Vec::new() };
    let both = [("baseline", &curves.baseline), ("candidate", &curves.candidate)];
    let Some(range) = spark::range(&both.map(|(_, curve)| curve)) else { return Vec::new() };
    // A single point is no curve.
    let drawn = both.into_iter().filter(|(_, curve)| curve.0.len() > 1);
    drawn.map(|(whose, curve)| (whose, spark::line(curve, range))).collect()
}

fn page(run: &RunSummary) -> String {
    Phrase::default().page(run).plain()
}

fn no_verdict(out: &mut Lines, settings: &Settings, why: &NoVerdict<'_>) {
    let name = |name: &str| Phrase::default().quoted(name).plain();
    out.row("project", &name(settings.project.as_str()));
    out.row("task name", &name(settings.task_name.as_str()));
    out.row("commit", settings.commit.as_str());
    let metrics = settings.metrics.iter().map(wording::metric_name).collect::<Vec<_>>();
    out.row(
        if metrics.len() == 1 { "metric" } else { "metrics" },
        &Phrase::default().listed(metrics.into_iter()).plain(),
    );
    out.blank();
    for detail in wording::explain(settings, why).details {
        out.paragraph(&detail.plain(), 2, 2, None);
    }
}

/// The text so far.
struct Lines {
    text: String,
    colour: Colour,
}

impl Lines {
    fn headline(&mut self, headline: &Headline) {
        let colour = match headline.tone {
            Tone::Good => GREEN,
            Tone::Bad => RED,
            Tone::Mixed | Tone::Unknown => YELLOW,
        };
        self.paragraph(&format!("{}: {}", headline.result, headline.meaning.plain()), 0, 0, Some(colour));
    }

    fn blank(&mut self) {
        self.text.push('\n');
    }

    fn row(&mut self, label: &str, value: &str) {
        self.paragraph(&format!("  {label:<10} {value}"), 0, VALUES, None);
    }

    /// A paragraph whose first line is indented by `first` columns and the others by `rest`; what stands before the
    /// first colon is coloured.
    fn paragraph(&mut self, text: &str, first: usize, rest: usize, colour: Option<&str>) {
        let mut lines = Vec::new();
        let mut line = " ".repeat(first);
        let mut room = WIDTH.saturating_sub(first);
        // Split keeps every space, so that columns stay where they are until a line is full.
        for word in text.split_inclusive(' ') {
            let length = word.trim_end().chars().count();
            // GitHub takes a line that begins with two colons for a command, spaces before them or not.
            let is_command = word.trim_start().starts_with("::");
            // What fits into no line stays where it is.
            let fits = length <= WIDTH.saturating_sub(rest);
            if length > room && fits && !is_command && !line.trim().is_empty() {
                lines.push(std::mem::take(&mut line));
                line = " ".repeat(rest);
                room = WIDTH.saturating_sub(rest);
            }
            line.push_str(word);
            room = room.saturating_sub(word.chars().count());
        }
        lines.push(line);
        let text = lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n");
        match (colour, text.split_once(':'), self.colour) {
            (Some(colour), Some((head, tail)), Colour::On) => self.text.extend([colour, head, RESET, ":", tail]),
            _ => self.text.push_str(&text),
        }
        self.text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// GitHub reads such a line as a command, and names come from whoever made the task.
        #[test]
        fn no_wrapped_line_begins_with_a_command(
            words in prop::collection::vec("[a-z]{1,30}|::error::[a-z]{0,30}", 1..30),
            rest in 0usize..20,
        ) {
            let mut lines = Lines { text: String::new(), colour: Colour::Off };
            lines.paragraph(&format!("reason {}", words.join(" ")), 0, rest, None);
            prop_assert!(lines.text.lines().all(|line| !line.trim_start().starts_with("::")), "{}", lines.text);
        }
    }
}
