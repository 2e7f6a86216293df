//! The step outputs of the GitHub action, in the format of the runner's outputs file. Pure, except for a random delimiter.

use std::collections::hash_map::RandomState;
use std::fmt::Write as _;
use std::hash::{BuildHasher as _, Hasher as _};

use crate::gate::outcome::{Finding, Judged, RunResult, RunSummary};
use crate::model::compare::Judgement;
use crate::promote::Promotion;
use crate::text::number::{exact, rounded};
use crate::wording;

/// The outputs in the order in which they are written. Each one is always written, and empty if it has no value.
pub const OUTPUTS: [&str; 15] = [
    "verdict",
    "passed",
    "reason",
    "promoted",
    "candidate-task",
    "candidate-url",
    "candidate-value",
    "baseline-task",
    "baseline-url",
    "baseline-value",
    "change",
    "limit",
    "report-json",
    "report-markdown",
    "exit-code",
];

/// The reports that are outputs as well.
#[derive(Debug)]
pub(crate) struct Documents {
    pub(crate) json: String,
    pub(crate) markdown: String,
}

type Outputs = Vec<(&'static str, String)>;

/// The text to append to the outputs file.
pub(crate) fn render(ended: &RunResult<'_>, documents: Documents) -> String {
    let promotion = ended.judged().map(|judged| &judged.promotion);
    let mut outputs = vec![
        ("verdict", ended.verdict().to_owned()),
        ("passed", ended.passed().to_string()),
        ("reason", wording::reason(ended)),
        ("promoted", matches!(promotion, Some(Promotion::Moved { .. })).to_string()),
        ("report-json", documents.json),
        ("report-markdown", documents.markdown),
        ("exit-code", ended.exit().code().to_string()),
    ];
    outputs.extend(ended.judged().map(judged).unwrap_or_default());
    encode(&outputs, &delimiter())
}

/// The runs, and the numbers of the first metric; the JSON report has all of them.
fn judged(judged: &Judged<'_>) -> Outputs {
    let link = |run: &RunSummary| run.link.clone().unwrap_or_default();
    let mut outputs =
        vec![("candidate-task", judged.candidate.id.as_str().to_owned()), ("candidate-url", link(&judged.candidate))];
    if let Some(baseline) = &judged.baseline {
        outputs.extend([("baseline-task", baseline.id.as_str().to_owned()), ("baseline-url", link(baseline))]);
    }
    let first = judged.findings.first().and_then(Finding::judgement);
    outputs.extend(first.map(|judgement| ("candidate-value", exact(judgement.candidate().get()))));
    if let Some(comparison) = first.and_then(Judgement::comparison) {
        outputs.extend([
            ("baseline-value", exact(comparison.baseline.get())),
            ("change", rounded(comparison.change())),
            ("limit", rounded(comparison.limit.get())),
        ]);
    }
    outputs
}

/// Each value is enclosed in two random lines, so that no value can end early and start another output.
fn encode(outputs: &Outputs, delimiter: &str) -> String {
    OUTPUTS.iter().fold(String::new(), |mut out, name| {
        let value = outputs.iter().find(|(output, _)| output == name).map_or("", |(_, value)| value);
        let _ = write!(out, "{name}<<{delimiter}\n{value}\n{delimiter}\n");
        out
    })
}

/// 128 random bits: the seeds of the standard library's hash maps.
fn delimiter() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("end_{:016x}{:016x}", random(), random())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads the file as the runner does: `name<<delimiter`, lines, `delimiter`.
    fn parsed(text: &str) -> Vec<(String, String)> {
        let mut lines = text.split('\n');
        let mut outputs = Vec::new();
        while let Some((name, delimiter)) = lines.next().and_then(|line| line.split_once("<<")) {
            let value: Vec<&str> = lines.by_ref().take_while(|line| *line != delimiter).collect();
            outputs.push((name.to_owned(), value.join("\n")));
        }
        outputs
    }

    proptest! {
        #[test]
        fn any_values_read_back_unchanged(values in prop::array::uniform15("(?s).*")) {
            let expected: Vec<(String, String)> = OUTPUTS.iter().map(|&name| name.to_owned()).zip(values.clone()).collect();
            let outputs: Outputs = OUTPUTS.into_iter().zip(values).rev().collect();
            prop_assert_eq!(parsed(&encode(&outputs, &delimiter())), expected);
        }
    }

    #[test]
    fn delimiters_differ() {
        assert_ne!(delimiter(), delimiter());
    }
}
