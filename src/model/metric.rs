//! The metrics that are compared, and values that belong to them one by one. Pure.

use serde::Serialize;

use std::collections::HashSet;

use crate::model::compare::Criteria;
use crate::model::name::Name;

/// A scalar and how its values are compared.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Metric {
    pub(crate) title: Name,
    pub(crate) series: Name,
    /// Which value of a run is compared.
    pub(crate) pick: Pick,
    pub(crate) zero: Zero,
    pub(crate) criteria: Criteria,
    pub(crate) role: Role,
}

/// Which value of a run is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Pick {
    /// The best in the metric's direction.
    Best,
    /// The last one reported.
    Last,
}

/// What a value of exactly 0 is. The SDK sends NaN and infinity as 0, and nothing on the server tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Zero {
    /// It may be NaN, so it is not compared.
    Suspect,
    /// A value like any other, as for an error rate or a count.
    Valid,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The verdict depends on it.
    Required,
    /// It is reported and never fails the check.
    Informational,
}

impl Metric {
    pub(crate) fn is_required(&self) -> bool {
        self.role == Role::Required
    }
}

/// The metrics of a gate, in the order of the settings. At least one is required, and no two are the same scalar.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Metrics(Vec<Metric>);

/// Keeps requests and reports at a size that can be handled.
pub(crate) const MOST_METRICS: usize = 200;

/// Why metrics cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BadMetrics {
    /// There are this many.
    TooMany(usize),
    NoneRequired,
    /// The same scalar twice.
    Duplicate {
        title: Name,
        series: Name,
    },
}

impl Metrics {
    pub(crate) fn new(metrics: Vec<Metric>) -> Result<Self, BadMetrics> {
        if metrics.len() > MOST_METRICS {
            return Err(BadMetrics::TooMany(metrics.len()));
        }
        if !metrics.iter().any(Metric::is_required) {
            return Err(BadMetrics::NoneRequired);
        }
        let mut seen = HashSet::new();
        let duplicate = metrics.iter().find(|metric| !seen.insert((&metric.title, &metric.series)));
        if let Some(Metric { title, series, .. }) = duplicate {
            return Err(BadMetrics::Duplicate { title: title.clone(), series: series.clone() });
        }
        Ok(Self(metrics))
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Metric> {
        self.0.iter()
    }

    /// The metrics themselves, to be joined with other values for each of them.
    pub(crate) fn each(&self) -> PerMetric<&Metric> {
        PerMetric(self.0.iter().collect())
    }
}

impl<'a> IntoIterator for &'a Metrics {
    type Item = &'a Metric;
    type IntoIter = std::slice::Iter<'a, Metric>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// One value for each metric of the gate. Only [`Metrics::each`] makes one, and nothing adds, removes or reorders values,
/// so that a value cannot meet the wrong metric.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PerMetric<T>(Vec<T>);

impl<T> PerMetric<T> {
    pub(crate) fn map<U>(self, change: impl FnMut(T) -> U) -> PerMetric<U> {
        PerMetric(self.0.into_iter().map(change).collect())
    }

    pub(crate) fn try_map<U, E>(self, change: impl FnMut(T) -> Result<U, E>) -> Result<PerMetric<U>, E> {
        self.0.into_iter().map(change).collect::<Result<_, _>>().map(PerMetric)
    }

    /// Joins two values of each metric.
    pub(crate) fn zip<U>(self, other: PerMetric<U>) -> PerMetric<(T, U)> {
        PerMetric(self.0.into_iter().zip(other.0).collect())
    }
}

impl<T> IntoIterator for PerMetric<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::compare::Direction;
    use crate::model::testing::metric;

    #[test]
    fn rejects_lists_without_a_required_metric_with_duplicates_or_too_long() {
        let informational = Metric { role: Role::Informational, ..metric("f1", Direction::Max) };
        assert!(Metrics::new(Vec::new()).is_err());
        assert!(Metrics::new(vec![informational]).is_err());
        let twice = vec![metric("a", Direction::Max), metric("a", Direction::Min)];
        assert!(matches!(Metrics::new(twice), Err(BadMetrics::Duplicate { .. })));
        let many = |count: usize| (0..count).map(|n| metric(&n.to_string(), Direction::Max)).collect();
        assert!(Metrics::new(many(MOST_METRICS)).is_ok());
        assert!(Metrics::new(many(MOST_METRICS + 1)).is_err());
    }

    #[test]
    fn values_stay_with_their_metric() {
        let metrics = Metrics::new(vec![metric("a", Direction::Max), metric("b", Direction::Min)]).unwrap();
        let series = metrics.each().map(|metric| metric.series.to_string());
        let joined = metrics.each().zip(series).map(|(metric, series)| metric.series.as_str() == series);
        assert_eq!(joined.into_iter().collect::<Vec<_>>(), [true, true]);
        assert_eq!(metrics.each().try_map(|metric| if metric.series.as_str() == "b" { Err(1) } else { Ok(0) }), Err(1));
    }
}
