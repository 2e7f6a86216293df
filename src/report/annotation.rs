//! One line that GitHub shows beside the check: an error, a warning or a notice. Pure.

use crate::exit::Exit;
use crate::gate::outcome::{Finding, NotStarted, Outcome, Report, Warning};
use crate::promote::Promotion;
use crate::text::plain::line;
use crate::wording::phrase::Phrase;
use crate::wording::{self, Tone};

/// What GitHub shows as the annotation's kind.
#[derive(Debug, Clone, Copy)]
enum Level {
    Error,
    Warning,
    Notice,
}

/// The annotation of a report; ends with a line break.
pub(crate) fn render(report: &Report<'_>) -> String {
    let headline = wording::headline(report);
    let level = match (report.exit(), headline.tone) {
        (Exit::Passed, Tone::Good) if report.warnings.iter().all(Warning::is_note) => Level::Notice,
        (Exit::Passed, _) => Level::Warning,
        _ => Level::Error,
    };
    let mut sentences = vec![headline.meaning.plain()];
    if let Outcome::Judged(judged) = &report.outcome {
        sentences.extend(judged.findings.iter().filter(|finding| shows(finding, judged.findings.len())).map(numbers));
        if matches!(judged.promotion, Promotion::Failed { .. }) {
            sentences.extend(wording::promotion(report.settings, &judged.promotion).iter().map(Phrase::plain));
        }
    }
    let warnings = report.warnings.iter().filter(|warning| !warning.is_note());
    sentences.extend(warnings.map(|warning| wording::warning(warning, report.settings).plain()));
    command(level, &format!("clearml-gate: {}", headline.result), &sentences.join("; "))
}

/// The annotation for a run that never asked ClearML.
pub(crate) fn not_started(why: NotStarted<'_>) -> String {
    let title = format!("clearml-gate: {}", why.result());
    match why {
        NotStarted::Nothing(reason) => command(Level::Notice, &title, reason),
        NotStarted::Faults(faults) => {
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            command(Level::Error, &title, &format!("{}: {}", why.reason(), faults.join("; ")))
        }
    }
}

/// The annotation for what else went wrong, which changes no verdict.
pub(crate) fn warning(text: &str) -> String {
    command(Level::Warning, "clearml-gate", text)
}

/// Of several metrics only those that fail.
fn shows(finding: &Finding<'_>, of: usize) -> bool {
    of == 1 || finding.fails()
}

fn numbers(finding: &Finding<'_>) -> String {
    let cells = wording::cells(finding);
    let name = wording::metric_name(finding.metric).plain();
    let values = if cells.baseline.is_empty() {
        cells.candidate
    } else {
        format!("{} → {}, {} wanted", cells.baseline, cells.candidate, cells.limit)
    };
    format!("{name} {values}")
}

/// A workflow command in the runner's grammar: one line, in which `%` and line breaks are written as escapes, and in the
/// properties also what separates them.
fn command(level: Level, title: &str, message: &str) -> String {
    let name = match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Notice => "notice",
    };
    format!("::{name} title={}::{}\n", property(title), data(&line(message)))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The runner's own reading of a command: name, properties, message.
    fn parsed(line: &str) -> Option<(String, String, String)> {
        let (head, message) = line.strip_prefix("::")?.split_once("::")?;
        let (name, properties) = head.split_once(' ')?;
        let title = properties.split(',').find_map(|pair| pair.strip_prefix("title="))?;
        let back = |text: &str| text.replace("%0A", "\n").replace("%0D", "\r");
        let title = back(&title.replace("%3A", ":").replace("%2C", ",")).replace("%25", "%");
        Some((name.to_owned(), title, back(message).replace("%25", "%")))
    }

    proptest! {
        #[test]
        fn any_text_stays_one_command_and_reads_back(title in "(?s).*", message in "(?s).{0,300}") {
            let text = command(Level::Error, &title, &message);
            prop_assert_eq!(text.matches('\n').count(), 1);
            prop_assert!(!text.trim_end_matches('\n').contains('\r'));
            let (name, read_title, read) = parsed(text.trim_end_matches('\n')).unwrap();
            prop_assert_eq!((name.as_str(), read_title), ("error", title));
            prop_assert_eq!(read, line(&message));
        }
    }
}
