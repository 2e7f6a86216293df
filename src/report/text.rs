//! The console report: the verdict, what it is based on, and what to do. At most 80 columns wide, except for text that
//! cannot be broken, such as an address. Pure.

use super::spark;
use crate::gate::outcome::{Finding, Judged, NoVerdict, NotStarted, Outcome, Report, RunSummary};
use crate::settings::Settings;
use crate::text::sanitize;
use crate::wording::phrase::{self, Phrase};
use crate::wording::{self, Cells, Headline, Tone};

/// Columns of a line.
const WIDTH: usize = 80;
/// The column where the values of the rows start.
const VALUES: usize = 13;

/// Whether the report may contain colors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Color {
    Off,
    /// ANSI escape sequences.
    On,
}

/// Ends with a line break.
pub(crate) fn render(report: &Report<'_>, color: Color) -> String {
    let mut out = Lines { text: String::new(), color };
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
        let (label, color) = if warning.is_note() { ("note: ", None) } else { ("warning: ", Some(YELLOW)) };
        out.paragraph(&format!("{label}{text}"), 0, label.len(), color);
    }
    out.text
}

/// The report of a run that did not ask ClearML.
pub(crate) fn not_started(why: NotStarted<'_>, color: Color) -> String {
    let mut out = Lines { text: String::new(), color };
    out.headline(&wording::not_started(why));
    if let NotStarted::InvalidSettings(faults) = why {
        for fault in faults {
            out.paragraph(&sanitize::sentence(&fault.to_string()), 2, 6, None);
        }
        out.paragraph(wording::SEE_HELP, 0, 0, None);
    }
    out.text
}

const RED: &str = "\u{1b}[1;31m";
const GREEN: &str = "\u{1b}[1;32m";
const YELLOW: &str = "\u{1b}[1;33m";
const RESET: &str = "\u{1b}[0m";

fn judgement(out: &mut Lines, settings: &Settings, judged: &Judged<'_>) {
    match judged.findings.as_slice() {
        [only] => out.metric(settings, judged, only),
        several => {
            for finding in several {
                compact(out, finding);
            }
            out.blank();
            out.row("candidate", &wording::origin(&judged.candidate).plain());
            let baseline = judged.baseline.as_ref().map_or_else(|| wording::no_baseline(settings), wording::origin);
            out.row("baseline", &baseline.plain());
        }
    }
    if let Some(judged_via) = wording::judged_via(settings, judged) {
        out.row("code", &judged_via.plain());
    }
    out.rows("tag", wording::promotion(settings, &judged.promotion).iter().map(Phrase::plain));
    out.blank();
    out.links(judged);
}

/// The rows of one metric and the links to its runs, for JUnit.
pub(super) fn metric_rows(settings: &Settings, judged: &Judged<'_>, finding: &Finding<'_>) -> Vec<String> {
    let mut out = Lines { text: String::new(), color: Color::Off };
    out.metric(settings, judged, finding);
    out.links(judged);
    out.text.lines().map(|line| line.strip_prefix("  ").unwrap_or(line).to_owned()).collect()
}

/// A metric among several: its name and judgement, its numbers in one line, its curves.
fn compact(out: &mut Lines, finding: &Finding<'_>) {
    let mark = match finding.judgement() {
        _ if !finding.metric.is_required() => "·",
        Some(judgement) if judgement.passed() => "✓",
        _ => "✗",
    };
    let cells = wording::cells(finding);
    out.paragraph(&format!("{mark} {}: {}", wording::metric_name(finding.metric).plain(), cells.verdict), 2, 4, None);
    let (values, limit, Cells { change, target, .. }) = (cells.values(), cells.limit_with_tolerance(), cells);
    let target = if target.is_empty() { target } else { format!("target {target}") };
    let numbers: Vec<String> = [values, change, limit, target].into_iter().filter(|part| !part.is_empty()).collect();
    out.paragraph(&numbers.join(", "), 4, 4, None);
    for curve in curves(finding) {
        out.paragraph(&curve, 4, 4, None);
    }
}

/// The curves as lines of blocks on one scale, each with its label. A single point is not a curve.
fn curves(finding: &Finding<'_>) -> Vec<String> {
    let Some(curves) = &finding.curves else { return Vec::new() };
    let both = [("baseline", &curves.baseline), ("candidate", &curves.candidate)];
    let Some(range) = spark::range(&both.map(|(_, curve)| curve)) else { return Vec::new() };
    let drawn = both.into_iter().filter(|(_, curve)| curve.0.len() > 1);
    drawn.map(|(label, curve)| format!("{}  {label}", spark::line(curve, range))).collect()
}

fn no_verdict(out: &mut Lines, settings: &Settings, why: &NoVerdict<'_>) {
    out.row("project", &phrase::quoted(settings.project.as_str()).plain());
    out.row("task name", &phrase::quoted(settings.task_name.as_str()).plain());
    out.row("commit", settings.commit.as_str());
    let metrics = settings.metrics.iter().map(wording::metric_name);
    out.row(if metrics.len() == 1 { "metric" } else { "metrics" }, &phrase::listed(metrics).plain());
    out.blank();
    for detail in wording::details(settings, why) {
        out.paragraph(&detail.plain(), 2, 2, None);
    }
}

struct Lines {
    text: String,
    color: Color,
}

impl Lines {
    fn headline(&mut self, headline: &Headline) {
        let color = match headline.tone {
            Tone::Good => GREEN,
            Tone::Bad => RED,
            Tone::Mixed | Tone::Unknown => YELLOW,
        };
        self.paragraph(&format!("{}: {}", headline.result, headline.meaning.plain()), 0, 0, Some(color));
    }

    fn blank(&mut self) {
        self.text.push('\n');
    }

    fn metric(&mut self, settings: &Settings, judged: &Judged<'_>, finding: &Finding<'_>) {
        let cells = wording::cells(finding);
        let with_origin = |value: &str, run: &RunSummary| {
            format!("{value}  ({})", wording::origin(run).plain()).trim_start().to_owned()
        };
        let name = wording::metric_name(finding.metric).plain();
        self.row("metric", &format!("{name}  ({})", wording::metric_rule(finding.metric)));
        let baseline = judged.baseline.as_ref();
        let none = || wording::no_baseline(settings).plain();
        self.row("baseline", &baseline.map_or_else(none, |run| with_origin(&cells.baseline, run)));
        self.row("candidate", &with_origin(&cells.candidate, &judged.candidate));
        if !cells.change.is_empty() {
            self.row("change", &cells.change);
            self.row("limit", &format!("{}  ({})", cells.limit, cells.tolerance));
        }
        if !cells.target.is_empty() {
            self.row("target", &cells.target);
        }
        self.rows("curves", curves(finding));
    }

    fn links(&mut self, judged: &Judged<'_>) {
        self.row("candidate", &phrase::run(&judged.candidate).plain());
        if let Some(baseline) = &judged.baseline {
            let is_candidate = wording::is_baseline(judged);
            let link = if is_candidate { wording::SAME_RUN.to_owned() } else { phrase::run(baseline).plain() };
            self.row("baseline", &link);
        }
    }

    /// Rows of which only the first has a label.
    fn rows(&mut self, label: &str, values: impl IntoIterator<Item = String>) {
        for (n, value) in values.into_iter().enumerate() {
            self.row(if n == 0 { label } else { "" }, &value);
        }
    }

    fn row(&mut self, label: &str, value: &str) {
        self.paragraph(&format!("  {label:<10} {value}"), 0, VALUES, None);
    }

    /// A paragraph whose first line is indented by `first` columns and the others by `rest`; the text before the first
    /// colon is colored.
    fn paragraph(&mut self, text: &str, first: usize, rest: usize, color: Option<&str>) {
        let mut lines = Vec::new();
        let mut line = " ".repeat(first);
        let mut room = WIDTH.saturating_sub(first);
        // Splitting keeps every space, so columns stay aligned until a line is full.
        for word in text.split_inclusive(' ') {
            let length = word.trim_end().chars().count();
            // GitHub runs a line that starts with two colons as a command, even after spaces.
            let is_command = word.trim_start().starts_with("::");
            // A word that fits on no line is not moved to the next one.
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
        match (color, text.split_once(':'), self.color) {
            (Some(color), Some((head, tail)), Color::On) => self.text.extend([color, head, RESET, ":", tail]),
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
        /// GitHub would run such a line as a command, and names come from the author of a task.
        #[test]
        fn wraps_no_line_so_that_it_starts_with_a_command(
            words in prop::collection::vec("[a-z]{1,30}|::error::[a-z]{0,30}", 1..30),
            rest in 0usize..20,
        ) {
            let mut lines = Lines { text: String::new(), color: Color::Off };
            lines.paragraph(&format!("reason {}", words.join(" ")), 0, rest, None);
            prop_assert!(lines.text.lines().all(|line| !line.trim_start().starts_with("::")), "{}", lines.text);
        }
    }
}
