//! The scores of a run, or the medians of several: what is compared.

use super::{GateError, Session};
use crate::clearml::ProjectId;
use crate::gate::outcome::{NoVerdict, Side, Spread};
use crate::model::commit::Commit;
use crate::model::compare::Score;
use crate::model::metric::Metric;
use crate::model::run::{Reading, Run, ScoreFault};
use crate::model::select::{AtCommit, Baseline};

/// Each metric's score, in the order of the settings.
pub(super) type Scores = Vec<Result<Sample, ScoreFault>>;

/// A value that is compared, and what it was made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sample {
    /// The value of the run, or the median.
    pub(super) score: Score,
    /// How far the values lie apart, where there are several.
    pub(super) spread: Option<Spread>,
}

impl<'a> Session<'a> {
    /// The scores of the newest clean runs at the commit, or of the newest alone.
    pub(super) fn scores_of(&self, project: &ProjectId, side: Side, clean: &[&Run]) -> Result<Scores, GateError<'a>> {
        let wanted = self.settings.runs;
        if clean.len() < wanted {
            return Err(NoVerdict::TooFewRuns { side, have: clean.len(), wanted }.into());
        }
        let newest = clean.iter().take(wanted);
        let of_each = newest.map(|run| self.scores(project, side, run)).collect::<Result<Vec<_>, _>>()?;
        let metrics = 0..self.settings.metrics.iter().len();
        let of_metric = |n: usize| of_each.iter().filter_map(|scores| scores.get(n)).copied().collect();
        Ok(metrics.map(|n| median(of_metric(n))).collect())
    }

    /// The scores of a run that carries the tag, with the other clean runs of its commit where several are to be judged.
    pub(super) fn scores_of_several(
        &self,
        project: &ProjectId,
        side: Side,
        run: &Run,
    ) -> Result<Scores, GateError<'a>> {
        if self.settings.runs == 1 {
            return self.scores_of(project, side, &[run]);
        }
        let Some(commit) = run.commit.as_deref().and_then(|recorded| Commit::parse(recorded).ok()) else {
            return self.scores_of(project, side, &[run]);
        };
        let commits = [commit];
        let found = self.client.of_commits_or_tagged(self.scope(project), &commits, &self.settings.tag)?;
        let at_commit = AtCommit::new(&found, &commits);
        let dirty = self.dirty(&at_commit, Baseline::None)?;
        self.scores_of(project, side, &at_commit.clean(&dirty))
    }

    /// The scores of one run; the metrics that count must all be there.
    fn scores(
        &self,
        project: &ProjectId,
        side: Side,
        run: &Run,
    ) -> Result<Vec<Result<Score, ScoreFault>>, GateError<'a>> {
        let scores: Vec<_> = self.readings(run, |_| true)?.into_iter().map(Reading::score).collect();
        let fault = |(metric, score): (&'a Metric, &Result<Score, ScoreFault>)| {
            score.err().filter(|_| metric.is_required()).map(|fault| (metric, fault))
        };
        let faults: Vec<_> = self.settings.metrics.iter().zip(&scores).filter_map(fault).collect();
        if faults.is_empty() {
            return Ok(scores);
        }
        // The names only help; that they cannot be had must not hide what is wrong.
        let missing = faults.iter().any(|(_, fault)| *fault == ScoreFault::Missing);
        let known = if missing { self.client.metric_names(&run.id).unwrap_or_default() } else { Vec::new() };
        Err(NoVerdict::UnusableMetric { side, run: self.summary(project, run), faults, known }.into())
    }
}

/// The median of the values; a single fault is one of the whole.
fn median(values: Vec<Result<Score, ScoreFault>>) -> Result<Sample, ScoreFault> {
    let mut values = values.into_iter().collect::<Result<Vec<Score>, _>>()?;
    values.sort_by(|a, b| a.get().total_cmp(&b.get()));
    let (low, high) = (values.first().copied(), values.last().copied());
    let (Some(low), Some(high)) = (low, high) else { return Err(ScoreFault::Missing) };
    let at = |n: usize| values.get(n).copied().unwrap_or(high);
    let (below, above) = (at((values.len() - 1) / 2), at(values.len() / 2));
    let score = Score::new(between(below.get(), above.get())).unwrap_or(below);
    let spread = (values.len() > 1).then_some(Spread { runs: values.len(), low, high });
    Ok(Sample { score, spread })
}

/// The middle of two values without the last digits, which are but the noise of having been computed: of 0.8 and 0.9 it
/// is 0.85 and not 0.8500000000000001.
fn between(low: f64, high: f64) -> f64 {
    let middle = low.midpoint(high);
    format!("{middle:.14e}").parse().unwrap_or(middle).clamp(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: &[f64]) -> Sample {
        median(values.iter().map(|value| Ok(Score::new(*value).unwrap())).collect()).unwrap()
    }

    #[test]
    fn the_median_is_the_middle_or_between_the_two_in_the_middle() {
        let value = |values: &[f64]| of(values).score.get();
        assert!((value(&[3.0]) - 3.0).abs() < 1e-12);
        assert!((value(&[3.0, 1.0, 100.0]) - 3.0).abs() < 1e-12);
        assert!((value(&[4.0, 1.0, 2.0, 100.0]) - 3.0).abs() < 1e-12);
        assert_eq!(value(&[0.8, 0.9]).to_bits(), 0.85f64.to_bits());
        assert_eq!(value(&[0.1 + 0.2, 0.1 + 0.2]).to_bits(), (0.1f64 + 0.2).to_bits());
        assert_eq!(of(&[1.0]).spread, None);
        let spread = of(&[3.0, 1.0, 100.0]).spread.unwrap();
        assert_eq!(
            (spread.runs, spread.low.get().to_bits(), spread.high.get().to_bits()),
            (3, 1.0f64.to_bits(), 100.0f64.to_bits())
        );
        assert_eq!(
            median(vec![Ok(Score::new(1.0).unwrap()), Err(ScoreFault::NotANumber)]),
            Err(ScoreFault::NotANumber)
        );
    }

    proptest! {
        #[test]
        fn the_median_lies_within_the_spread(values in prop::collection::vec(prop::num::f64::NORMAL, 2..9)) {
            let Sample { score, spread } = of(&values);
            let spread = spread.unwrap();
            prop_assert!(spread.low.get() <= score.get() && score.get() <= spread.high.get());
        }
    }
}
