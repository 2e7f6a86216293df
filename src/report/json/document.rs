//! The document as `docs/report.schema.json` describes it.

use serde::{Serialize, Serializer};

use crate::model::compare::Score;

/// Whole numbers up to here are exact.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The report; the order of the fields is the order of the keys.
#[derive(Serialize)]
pub(super) struct Document {
    pub(super) version: u8,
    pub(super) tool: Tool,
    pub(super) verdict: &'static str,
    pub(super) passed: bool,
    pub(super) exit_code: u8,
    pub(super) reason: String,
    pub(super) commit: Option<String>,
    pub(super) commit_source: Option<&'static str>,
    pub(super) project: Option<String>,
    pub(super) task_name: Option<String>,
    pub(super) tag: Option<String>,
    pub(super) metrics: Vec<Metric>,
    pub(super) candidate: Option<Run>,
    pub(super) baseline: Option<Run>,
    pub(super) promotion: Promoted,
    pub(super) rejected: Rejected,
    pub(super) instead: Option<Instead>,
    pub(super) no_verdict: Option<Undecided>,
    pub(super) warnings: Vec<Warned>,
    pub(super) settings: Values,
    pub(super) faults: Vec<Faulty>,
}

#[derive(Serialize)]
pub(super) struct Tool {
    pub(super) name: &'static str,
    pub(super) version: &'static str,
}

#[derive(Serialize)]
pub(super) struct Metric {
    pub(super) title: String,
    pub(super) series: String,
    pub(super) min_max: &'static str,
    pub(super) value: &'static str,
    pub(super) threshold: Option<Number>,
    pub(super) margin: Option<Number>,
    pub(super) target: Option<Number>,
    pub(super) warn: bool,
    pub(super) verdict: Option<&'static str>,
    pub(super) candidate: Option<Number>,
    pub(super) baseline: Option<Number>,
    pub(super) change: Option<Number>,
    pub(super) change_percent: Option<Number>,
    pub(super) limit: Option<Number>,
    pub(super) problem: Option<Problem>,
    pub(super) spread: Option<Spreads>,
    pub(super) curves: Option<Curves>,
}

#[derive(Serialize)]
pub(super) struct Spreads {
    pub(super) candidate: Option<Spread>,
    pub(super) baseline: Option<Spread>,
}

#[derive(Serialize)]
pub(super) struct Spread {
    pub(super) runs: usize,
    pub(super) low: Number,
    pub(super) high: Number,
}

#[derive(Serialize)]
pub(super) struct Problem {
    pub(super) side: &'static str,
    pub(super) kind: &'static str,
}

#[derive(Serialize)]
pub(super) struct Curves {
    pub(super) candidate: Option<Curve>,
    pub(super) baseline: Option<Curve>,
}

#[derive(Serialize)]
pub(super) struct Curve {
    pub(super) iterations: Vec<Number>,
    pub(super) values: Vec<Number>,
}

#[derive(Serialize)]
pub(super) struct Run {
    pub(super) id: String,
    pub(super) url: Option<String>,
    pub(super) commit: Option<String>,
    pub(super) started: Option<String>,
}

#[derive(Serialize, Default)]
pub(super) struct Promoted {
    pub(super) state: &'static str,
    pub(super) because: Option<&'static str>,
    pub(super) from: Vec<String>,
    pub(super) left: Vec<String>,
    pub(super) error: Option<String>,
    pub(super) candidate_may_carry_it: bool,
}

#[derive(Serialize)]
pub(super) struct Instead {
    pub(super) kind: &'static str,
    pub(super) paths: Option<String>,
    pub(super) pull_request: Option<u64>,
}

#[derive(Serialize)]
pub(super) struct Rejected {
    pub(super) archived: usize,
    pub(super) dirty: usize,
    pub(super) running: usize,
    pub(super) queued: usize,
    pub(super) drafts: usize,
    pub(super) failed: usize,
    pub(super) stopped: usize,
    pub(super) other: usize,
}

#[derive(Serialize, Default)]
pub(super) struct Undecided {
    pub(super) kind: &'static str,
    pub(super) details: Vec<String>,
    pub(super) similar: Vec<String>,
    pub(super) commits: Vec<String>,
    pub(super) reported: Vec<Reported>,
    pub(super) newest_clean_run: Option<Run>,
}

#[derive(Serialize)]
pub(super) struct Reported {
    pub(super) title: String,
    pub(super) series: String,
}

#[derive(Serialize)]
pub(super) struct Warned {
    pub(super) kind: &'static str,
    pub(super) text: String,
}

#[derive(Serialize)]
pub(super) struct Faulty {
    pub(super) subject: String,
    pub(super) problem: String,
    pub(super) example: Option<&'static str>,
}

/// The settings by their names, in the order of the table.
pub(super) struct Values(pub(super) Vec<(&'static str, String)>);

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// A number as people write it: 100 and not 100.0; `null` where there is none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Number(pub(super) f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.fract() == 0.0 && self.0.abs() < EXACT {
            #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53")]
            return serializer.serialize_i64(self.0 as i64);
        }
        serializer.serialize_f64(self.0)
    }
}

impl Number {
    /// Without the last digits, which are but the noise of having been computed.
    pub(super) fn computed(value: f64) -> Self {
        Self(format!("{value:.11e}").parse().unwrap_or(value))
    }
}

impl From<Score> for Number {
    fn from(score: Score) -> Self {
        Self(score.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_number_is_read_back_as_it_was(value in prop::num::f64::NORMAL) {
            let text = serde_json::to_string(&Number(value)).unwrap();
            prop_assert_eq!(serde_json::from_str::<f64>(&text).unwrap().to_bits(), value.to_bits());
        }

        #[test]
        fn a_computed_number_is_hardly_rounded(value in prop::num::f64::NORMAL) {
            prop_assert!((Number::computed(value).0 / value - 1.0).abs() < 1e-11);
        }
    }
}
