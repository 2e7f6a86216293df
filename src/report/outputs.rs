//! The step outputs of a GitHub action, in the grammar of the runner's outputs file. Pure but for the delimiter's chance.

use std::collections::hash_map::RandomState;
use std::fmt::Write as _;
use std::hash::{BuildHasher as _, Hasher as _};

use crate::exit::Exit;
use crate::gate::outcome::{Finding, Outcome, Report, RunResult, RunSummary};
use crate::model::compare::Judgement;
use crate::promote::Promotion;
use crate::text::number::{exact, rounded};
use crate::wording;

/// The outputs in the order in which they are written. Each is always there, empty where it says nothing.
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

/// The report as documents, which are outputs as well.
#[derive(Debug)]
pub(crate) struct Documents {
    pub(crate) json: String,
    pub(crate) markdown: String,
}

/// A value for each of [`OUTPUTS`].
type Values = [String; 15];

/// The text to append to the outputs file.
pub(crate) fn render(ended: &RunResult<'_>, documents: Documents) -> String {
    let values = match ended {
        RunResult::Gated(report) => values(report, documents),
        RunResult::NotStarted(why) => undecided(why.result(), why.reason(), documents, ended.exit()),
    };
    encode(&values, &delimiter())
}

fn values(report: &Report<'_>, documents: Documents) -> Values {
    let reason = wording::reason(report).plain();
    let Outcome::Judged(judged) = &report.outcome else {
        return undecided(report.outcome.result(), reason, documents, report.exit());
    };
    // Of several metrics the first stands here; all of them are in the JSON report.
    let first = judged.findings.first().and_then(Finding::judgement);
    let comparison = first.and_then(Judgement::comparison);
    let of = |run: Option<&RunSummary>, part: fn(&RunSummary) -> String| run.map(part).unwrap_or_default();
    let id = |run: &RunSummary| run.id.as_str().to_owned();
    let link = |run: &RunSummary| run.link.clone().unwrap_or_default();
    let (candidate, baseline) = (Some(&judged.candidate), judged.baseline.as_ref());
    [
        report.outcome.result().to_owned(),
        judged.verdict.passed().to_string(),
        reason,
        matches!(judged.promotion, Promotion::Moved { .. }).to_string(),
        of(candidate, id),
        of(candidate, link),
        first.map(|judgement| exact(judgement.candidate().get())).unwrap_or_default(),
        of(baseline, id),
        of(baseline, link),
        comparison.map(|comparison| exact(comparison.baseline.get())).unwrap_or_default(),
        comparison.map(|comparison| rounded(comparison.change())).unwrap_or_default(),
        comparison.map(|comparison| rounded(comparison.limit.get())).unwrap_or_default(),
        documents.json,
        documents.markdown,
        report.exit().code().to_string(),
    ]
}

fn undecided(result: &str, reason: String, documents: Documents, exit: Exit) -> Values {
    let nothing = String::new;
    [
        result.to_owned(),
        false.to_string(),
        reason,
        false.to_string(),
        nothing(),
        nothing(),
        nothing(),
        nothing(),
        nothing(),
        nothing(),
        nothing(),
        nothing(),
        documents.json,
        documents.markdown,
        exit.code().to_string(),
    ]
}

/// Each value between two lines that nobody can foresee, so that no value can end early and begin another output.
fn encode(values: &Values, delimiter: &str) -> String {
    OUTPUTS.iter().zip(values).fold(String::new(), |mut out, (name, value)| {
        let _ = write!(out, "{name}<<{delimiter}\n{value}\n{delimiter}\n");
        out
    })
}

/// 128 bits from the seeds that the standard library gives its hash maps.
fn delimiter() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("end_{:016x}{:016x}", random(), random())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The runner's own reading of the file: `name<<delimiter`, lines, `delimiter`.
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
        fn any_values_are_read_back_as_they_are(values in prop::array::uniform15("(?s).*")) {
            let expected: Vec<(String, String)> = OUTPUTS.iter().map(|&name| name.to_owned()).zip(values.clone()).collect();
            prop_assert_eq!(parsed(&encode(&values, &delimiter())), expected);
        }
    }

    #[test]
    fn no_two_delimiters_are_alike() {
        assert_ne!(delimiter(), delimiter());
    }
}
