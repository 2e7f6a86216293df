//! The scores of a run, or the medians of several: the values that are compared.

use super::{GateResult, Session};
use crate::clearml::Error;
use crate::gate::outcome::{NoVerdict, Side, Spread};
use crate::model::commit::Commit;
use crate::model::compare::Score;
use crate::model::metric::{Metric, PerMetric};
use crate::model::run::{Reading, Run, ScoreFault};
use crate::model::select::CommitRuns;

/// How many metrics are read from the events when `last_metrics` lacks them. The rest stays missing.
const MOST_EVENT_READINGS: usize = 50;

pub(super) type Scores = PerMetric<Measured>;

/// The measurement of a metric, or why there is none.
pub(super) type Measured = Result<Measurement, ScoreFault>;

/// The value that is compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Measurement {
    /// The value of a run, or the median of several.
    pub(super) score: Score,
    /// The range of the values, where there are several.
    pub(super) spread: Option<Spread>,
}

impl<'a> Session<'a> {
    /// The scores of the newest of these clean runs: as many runs as the settings request.
    pub(super) fn scores_of(&self, side: Side, clean: &[&Run]) -> GateResult<'a, Scores> {
        let wanted = self.settings.runs;
        if clean.len() < wanted {
            return Err(NoVerdict::TooFewRuns { side, have: clean.len(), wanted }.into());
        }
        let mut values = self.settings.metrics.each().map(|_| Vec::new());
        for run in clean.iter().take(wanted) {
            values = values.zip(self.scores(side, run)?).map(|(mut values, score)| {
                values.push(score);
                values
            });
        }
        Ok(values.map(median))
    }

    /// The scores of a run; where the settings request several runs, together with the other clean runs of its commit, and
    /// of its code if those are too few.
    pub(super) fn scores_with_reruns(&self, side: Side, run: &Run) -> GateResult<'a, Scores> {
        let commit = run.commit_id().filter(|_| self.settings.runs > 1);
        let Some(commit) = commit else { return self.scores_of(side, &[run]) };
        let mut commits = vec![commit.clone()];
        let mut found = self.checked_runs(&commits)?;
        if CommitRuns::new(&found, &commits).clean().len() < self.settings.runs {
            let others = self.same_code(commit)?.unwrap_or_default();
            if !others.is_empty() {
                commits.extend(others);
                found = self.checked_runs(&commits)?;
            }
        }
        self.scores_of(side, &CommitRuns::new(&found, &commits).clean())
    }

    fn checked_runs(&self, commits: &[Commit]) -> Result<Vec<Run>, Error> {
        let mut found = self.client.of_commits_or_tagged(self.scope(), commits, &self.settings.tag)?;
        self.check_working_trees(&mut found, commits, None)?;
        Ok(found)
    }

    /// The scores of one run, which must have all required metrics.
    fn scores(&self, side: Side, run: &Run) -> GateResult<'a, PerMetric<Result<Score, ScoreFault>>> {
        let mixed = match side {
            Side::Candidate => self.mixed_values(run)?,
            Side::Baseline => None,
        };
        let readings = self.settings.metrics.each().zip(self.readings(run, |_| true)?);
        let scores = readings.try_map(|(metric, reading)| match (reading, mixed) {
            (Reading::Value(_), Some(mixed)) if !self.is_own_value(run, metric, mixed)? => {
                Ok(Err(ScoreFault::NotItsOwn))
            }
            _ => Ok::<_, Error>(reading.score(metric)),
        })?;
        let all = self.settings.metrics.each().zip(scores.clone()).into_iter();
        let required = all.filter(|(metric, _)| metric.is_required());
        let faults: Vec<_> = required.filter_map(|(metric, score)| Some((metric, score.err()?))).collect();
        if faults.is_empty() {
            return Ok(scores);
        }
        let not_its_own = faults.iter().filter(|(_, fault)| *fault == ScoreFault::NotItsOwn);
        let metrics: Vec<&Metric> = not_its_own.map(|(metric, _)| *metric).collect();
        if let (Some(mixed), false) = (mixed, metrics.is_empty()) {
            return Err(NoVerdict::MixedValues { run: self.summary(run), mixed, metrics }.into());
        }
        // The names only help; a failure to get them must not hide what is wrong.
        let missing = faults.iter().any(|(_, fault)| *fault == ScoreFault::Missing);
        let known = if missing { self.client.metric_names(&run.id).unwrap_or_default() } else { Vec::new() };
        Err(NoVerdict::UnusableMetric { side, run: self.summary(run), faults, known }.into())
    }

    /// The readings of a run. Those of the wanted metrics that are missing come from the events.
    pub(super) fn readings(&self, run: &Run, wanted: impl Fn(&Metric) -> bool) -> Result<PerMetric<Reading>, Error> {
        let readings = self.settings.metrics.each().zip(run.readings.clone());
        readings.try_map(|(metric, reading)| match reading {
            Reading::Missing if wanted(metric) => self.reading_from_events(run, metric),
            known => Ok(known),
        })
    }

    fn reading_from_events(&self, run: &Run, metric: &Metric) -> Result<Reading, Error> {
        let mut known = self.event_readings.borrow_mut();
        let key = (run.id.clone(), metric.title.clone(), metric.series.clone());
        if let Some(reading) = known.get(&key) {
            return Ok(*reading);
        }
        if known.len() >= MOST_EVENT_READINGS {
            return Ok(Reading::Missing);
        }
        let reading = self.client.reading_from_events(&run.id, metric)?;
        known.insert(key, reading);
        Ok(reading)
    }
}

/// The median of the values. A single fault makes it unusable.
fn median(values: Vec<Result<Score, ScoreFault>>) -> Measured {
    let mut values = values.into_iter().collect::<Result<Vec<Score>, _>>()?;
    values.sort_by(|a, b| a.get().total_cmp(&b.get()));
    let (low, high) = (values.first().copied(), values.last().copied());
    let (Some(low), Some(high)) = (low, high) else { return Err(ScoreFault::Missing) };
    let at = |n: usize| values.get(n).copied().unwrap_or(high);
    let (below, above) = (at((values.len() - 1) / 2), at(values.len() / 2));
    let score = Score::new(midpoint(below.get(), above.get())).unwrap_or(below);
    let spread = (values.len() > 1).then_some(Spread { runs: values.len(), low, high });
    Ok(Measurement { score, spread })
}

/// The middle of two values without the last digits, which are rounding noise: the middle of 0.8 and 0.9 is 0.85, not
/// 0.8500000000000001.
fn midpoint(low: f64, high: f64) -> f64 {
    let middle = low.midpoint(high);
    format!("{middle:.14e}").parse().unwrap_or(middle).clamp(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn median_of(values: &[f64]) -> Measurement {
        median(values.iter().map(|value| Ok(Score::new(*value).unwrap())).collect()).unwrap()
    }

    #[test]
    fn the_median_is_the_middle_value_or_the_midpoint_of_the_middle_two() {
        let value = |values: &[f64]| median_of(values).score.get();
        assert!((value(&[3.0]) - 3.0).abs() < 1e-12);
        assert!((value(&[3.0, 1.0, 100.0]) - 3.0).abs() < 1e-12);
        assert!((value(&[4.0, 1.0, 2.0, 100.0]) - 3.0).abs() < 1e-12);
        assert_eq!(value(&[0.8, 0.9]).to_bits(), 0.85f64.to_bits());
        assert_eq!(value(&[0.1 + 0.2, 0.1 + 0.2]).to_bits(), (0.1f64 + 0.2).to_bits());
        assert_eq!(median_of(&[1.0]).spread, None);
        let spread = median_of(&[3.0, 1.0, 100.0]).spread.unwrap();
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
        fn the_median_lies_between_the_lowest_and_the_highest_value(values in prop::collection::vec(prop::num::f64::NORMAL, 2..9)) {
            let Measurement { score, spread } = median_of(&values);
            let spread = spread.unwrap();
            prop_assert!(spread.low.get() <= score.get() && score.get() <= spread.high.get());
        }
    }
}
