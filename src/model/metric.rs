//! The scalars that are compared, and the order they give the runs. Pure.

use std::cmp::Ordering;

use crate::model::compare::{Criteria, Score};
use crate::model::name::Name;
use crate::model::run::{Reading, Run};

/// A scalar and how its values are compared.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Metric {
    /// The scalar's title.
    pub(crate) title: Name,
    /// The scalar's series.
    pub(crate) series: Name,
    /// Which value of a run counts.
    pub(crate) pick: Pick,
    /// Direction, tolerance and target.
    pub(crate) criteria: Criteria,
    /// Whether it has a part in the verdict, or is only told.
    pub(crate) role: Role,
}

/// Which value of a run counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pick {
    /// The extreme in the metric's direction.
    Best,
    /// The last one reported.
    Last,
}

/// What a metric is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The verdict rests on it.
    Required,
    /// It is reported and decides nothing.
    Informational,
}

impl Metric {
    /// Whether the verdict rests on it.
    pub(crate) fn is_required(&self) -> bool {
        self.role == Role::Required
    }
}

/// The metrics of a gate, in the order of the settings: at least one counts, and no two are of the same scalar.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Metrics(Vec<Metric>);

/// No gate compares more; it bounds the question and the report.
pub(crate) const MOST_METRICS: usize = 200;

impl Metrics {
    /// Takes the metrics of a gate.
    ///
    /// # Errors
    /// A phrase that says what is wrong with the list.
    pub(crate) fn new(metrics: Vec<Metric>) -> Result<Self, String> {
        if metrics.len() > MOST_METRICS {
            return Err(format!("holds {} metrics; at most {MOST_METRICS} can be compared", metrics.len()));
        }
        if !metrics.iter().any(Metric::is_required) {
            return Err("holds no metric that counts; one without \"warn\": true is needed for a verdict".to_owned());
        }
        let same = |a: &Metric, b: &Metric| a.title == b.title && a.series == b.series;
        let twice = metrics.iter().enumerate().find(|(n, metric)| metrics.iter().take(*n).any(|old| same(old, metric)));
        if let Some((_, metric)) = twice {
            return Err(format!("holds {:?} / {:?} twice", metric.title.as_str(), metric.series.as_str()));
        }
        Ok(Self(metrics))
    }

    /// The metrics in the order of the settings, which is the order of a run's readings.
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Metric> {
        self.0.iter()
    }

    /// Each metric that counts, with the run's reading of it.
    pub(crate) fn counting<'a>(&'a self, run: &'a Run) -> impl Iterator<Item = (&'a Metric, Reading)> {
        self.iter()
            .zip(&run.readings)
            .filter(|(metric, _)| metric.is_required())
            .map(|(metric, reading)| (metric, *reading))
    }

    /// Whether every metric that counts is there as a number.
    pub(crate) fn are_known_of(&self, run: &Run) -> bool {
        self.scores(run).is_some()
    }

    fn scores(&self, run: &Run) -> Option<Vec<Score>> {
        self.counting(run)
            .map(|(_, reading)| match reading {
                Reading::Value(score) => Some(score),
                Reading::Missing | Reading::NotANumber => None,
            })
            .collect()
    }

    /// Orders two runs from worse to better, in an order that everybody sees the same way: by the first metric that
    /// counts and differs; a run that cannot be judged is worse than any that can; of equals the newer is the better.
    pub(crate) fn compare(&self, a: &Run, b: &Run) -> Ordering {
        let by_score = match (self.scores(a), self.scores(b)) {
            (Some(x), Some(y)) => self.compare_scores(&x, &y),
            (x, y) => x.is_some().cmp(&y.is_some()),
        };
        by_score.then_with(|| a.compare_age(b))
    }

    fn compare_scores(&self, a: &[Score], b: &[Score]) -> Ordering {
        let metrics = self.iter().filter(|metric| metric.is_required());
        let orders = metrics.zip(a.iter().zip(b)).map(|(metric, (x, y))| metric.criteria.direction.compare(*x, *y));
        orders.fold(Ordering::Equal, Ordering::then)
    }
}

impl<'a> IntoIterator for &'a Metrics {
    type Item = &'a Metric;
    type IntoIter = std::slice::Iter<'a, Metric>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::compare::Direction;
    use crate::model::run::Status;
    use crate::model::testing::{metric, run};

    fn with(id: &str, values: &[f64]) -> Run {
        let reading = |value: &f64| Score::new(*value).map_or(Reading::NotANumber, Reading::Value);
        Run { readings: values.iter().map(reading).collect(), ..run(id, Status::Completed, None) }
    }

    #[test]
    fn the_first_metric_that_counts_and_differs_decides() {
        let told = Metric { role: Role::Informational, ..metric("told", Direction::Max) };
        let metrics =
            Metrics::new(vec![told, metric("accuracy", Direction::Max), metric("loss", Direction::Min)]).unwrap();
        let better = |a: &[f64], b: &[f64]| metrics.compare(&with("a", a), &with("b", b));
        assert_eq!(better(&[0.0, 0.9, 0.5], &[1.0, 0.8, 0.1]), Ordering::Greater);
        assert_eq!(better(&[0.0, 0.9, 0.5], &[1.0, 0.9, 0.4]), Ordering::Less);
        assert_eq!(better(&[f64::NAN, 0.9, 0.4], &[1.0, 0.9, 0.4]), Ordering::Less, "the id decides");
        assert_eq!(better(&[0.0, 0.1, 9.0], &[0.0, f64::NAN, 0.0]), Ordering::Greater);
        assert!(metrics.are_known_of(&with("a", &[f64::NAN, 1.0, 1.0])));
        assert!(!metrics.are_known_of(&with("a", &[1.0, f64::NAN, 1.0])));
    }

    #[test]
    fn a_list_that_decides_nothing_is_refused() {
        let told = Metric { role: Role::Informational, ..metric("told", Direction::Max) };
        assert!(Metrics::new(Vec::new()).is_err());
        assert!(Metrics::new(vec![told]).is_err());
        let twice = vec![metric("a", Direction::Max), metric("a", Direction::Min)];
        assert!(Metrics::new(twice).unwrap_err().contains("twice"));
        let many = |count: usize| (0..count).map(|n| metric(&n.to_string(), Direction::Max)).collect();
        assert!(Metrics::new(many(MOST_METRICS)).is_ok());
        assert!(Metrics::new(many(MOST_METRICS + 1)).is_err());
    }
}
