//! One line that GitHub shows next to the check: an error, a warning or a notice. Pure.

use crate::exit::Exit;
use crate::gate::outcome::{NotStarted, Outcome, Report, Warning};
use crate::promote::Promotion;
use crate::text::sanitize;
use crate::wording::phrase::Phrase;
use crate::wording::{self, Tone};

/// The annotation of a report; ends with a line break.
pub(crate) fn render(report: &Report<'_>) -> String {
    let headline = wording::headline(report);
    let level = match (report.exit(), headline.tone) {
        (Exit::Passed, Tone::Good) if report.warnings.iter().all(Warning::is_note) => "notice",
        (Exit::Passed, _) => "warning",
        _ => "error",
    };
    let mut sentences = vec![headline.meaning.plain()];
    if let Outcome::Judged(judged) = &report.outcome {
        // Only the failing metrics of several.
        let shown = judged.findings.iter().filter(|finding| judged.findings.len() == 1 || finding.fails());
        sentences.extend(shown.map(|finding| {
            format!("{}: {}", wording::metric_name(finding.metric).plain(), wording::cells(finding).numbers())
        }));
        if matches!(judged.promotion, Promotion::Failed { .. }) {
            sentences.extend(wording::promotion(report.settings, &judged.promotion).iter().map(Phrase::plain));
        }
    }
    let warnings = report.warnings.iter().filter(|warning| !warning.is_note());
    sentences.extend(warnings.map(|warning| wording::warning(warning, report.settings).plain()));
    command(level, &headline.result, &sentences.join("; "))
}

/// The annotation of a run that did not ask ClearML.
pub(crate) fn not_started(why: NotStarted<'_>) -> String {
    let headline = wording::not_started(why);
    let reason = headline.meaning.plain();
    match why {
        NotStarted::NothingToGate(_) => command("notice", &headline.result, &reason),
        NotStarted::InvalidSettings(faults) => {
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            command("error", &headline.result, &format!("{reason}: {}", faults.join("; ")))
        }
    }
}

/// The annotation of a problem that does not change the verdict.
pub(crate) fn warning(text: &str) -> String {
    command("warning", "", text)
}

/// A workflow command of the runner: one line, with percent signs and line breaks escaped, and in the title also the
/// characters that separate properties.
fn command(level: &str, result: &str, message: &str) -> String {
    let title = if result.is_empty() { "clearml-gate".to_owned() } else { format!("clearml-gate: {result}") };
    let title = escaped(&title).replace(':', "%3A").replace(',', "%2C");
    format!("::{level} title={title}::{}\n", escaped(&sanitize::sentence(message)))
}

fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads a command as the runner does: level, title, message.
    fn parsed(line: &str) -> Option<(String, String, String)> {
        let (head, message) = line.strip_prefix("::")?.split_once("::")?;
        let (level, properties) = head.split_once(' ')?;
        let title = properties.split(',').find_map(|pair| pair.strip_prefix("title="))?;
        let back = |text: &str| text.replace("%0A", "\n").replace("%0D", "\r");
        let title = back(&title.replace("%3A", ":").replace("%2C", ",")).replace("%25", "%");
        Some((level.to_owned(), title, back(message).replace("%25", "%")))
    }

    proptest! {
        #[test]
        fn any_text_stays_in_one_command(result in "(?s).+", message in "(?s).{0,300}") {
            let text = command("error", &result, &message);
            prop_assert_eq!(text.matches('\n').count(), 1);
            prop_assert!(!text.trim_end_matches('\n').contains('\r'));
            let (level, title, read) = parsed(text.trim_end_matches('\n')).unwrap();
            prop_assert_eq!((level.as_str(), title), ("error", format!("clearml-gate: {result}")));
            prop_assert_eq!(read, sanitize::sentence(&message));
        }
    }
}
