//! What can be wrong with the text of a setting.

use super::clearml_conf::UnreadInclude;
use crate::model::metric::BadMetrics;
use crate::net::url::BadHost;

/// What is wrong with the text of a setting. Nothing here holds the text of a secret.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// Not given, nor in clearml.conf where that is read. Perhaps it is in a file that clearml.conf includes.
    NotSet {
        is_secret: bool,
        /// GitHub gives a pull request from a fork no secrets.
        maybe_from_fork: bool,
        include: Option<UnreadInclude>,
    },
    NotAKey,
    NotAllowed {
        given: String,
        allowed: &'static [&'static str],
    },
    NotANumber(String),
    Negative(String),
    NotACount(String),
    NoUnit(String),
    NotADuration(String),
    BadHost(BadHost),
    /// The address of the web app instead of the API server.
    WebApp,
    ThresholdAndMargin,
    /// Settings that `CLEARML_METRICS` replaces.
    MetricsAndScalar(Vec<&'static str>),
}

/// What is wrong with the list in `CLEARML_METRICS`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ListProblem {
    NotJson(String),
    NotAList,
    /// The metrics are valid one by one, but not together.
    Together(BadMetrics),
    /// Counted from 1.
    InMetric(usize, MetricProblem),
}

/// What is wrong with one metric of the list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum MetricProblem {
    NotAnObject,
    UnknownKey(String),
    Missing(&'static str),
    NeitherTextNorNumber(&'static str),
    NotABoolean(&'static str),
    ThresholdAndMargin,
    Value { key: &'static str, problem: String },
}
