//! Which metrics are compared: the one of `CLEARML_SCALAR_*`, or the list of `CLEARML_METRICS`.

use serde_json::{Map, Value};

use super::problem::{ListProblem, MetricProblem, Problem};
use super::table::{self, Setting};
use super::{Source, values};
use crate::model::compare::{Criteria, Direction, Tolerance};
use crate::model::metric::{Metric, Metrics, Pick, Role, Zero};
use crate::model::name::Name;

/// What the list replaces.
static SCALAR: [&Setting; 8] = [
    &table::CLEARML_SCALAR_TITLE,
    &table::CLEARML_SCALAR_SERIES,
    &table::CLEARML_SCALAR_MIN_MAX,
    &table::CLEARML_SCALAR_THRESHOLD,
    &table::CLEARML_SCALAR_MARGIN,
    &table::CLEARML_SCALAR_TARGET,
    &table::CLEARML_SCALAR_VALUE,
    &table::CLEARML_SCALAR_ZERO,
];

/// The keys of a metric in the list.
pub(crate) const KEYS: [&str; 9] =
    ["title", "series", "min_max", "threshold", "margin", "target", "value", "zero", "warn"];

/// The metrics, from one of the two.
pub(super) fn metrics(source: &mut Source<'_>) -> Option<Metrics> {
    let Some(text) = source.text(&table::CLEARML_METRICS) else { return scalar(source) };
    // The action passes its defaults as if they were given, so a default does not count.
    let replaced = SCALAR.into_iter().filter(|setting| source.differs_from_its_default(setting));
    let replaced: Vec<_> = replaced.map(|setting| setting.name).collect();
    if !replaced.is_empty() {
        source.fault(&table::CLEARML_METRICS, &Problem::MetricsAndScalar(replaced));
    }
    list(&text).map_err(|problems| problems.iter().for_each(|one| source.fault(&table::CLEARML_METRICS, one))).ok()
}

/// Whether a setting has no effect if there is a list of metrics.
pub(super) fn is_replaced_by_the_list(setting: &Setting) -> bool {
    SCALAR.iter().any(|replaced| replaced.name == setting.name)
}

/// The text of a setting for a report, which shows a list on one line.
pub(super) fn on_one_line(setting: &Setting, text: String) -> String {
    let compact = || serde_json::from_str::<Value>(&text).map(|json| json.to_string()).ok();
    if setting.name == table::CLEARML_METRICS.name { compact().unwrap_or(text) } else { text }
}

fn scalar(source: &mut Source<'_>) -> Option<Metrics> {
    let title = source.required(&table::CLEARML_SCALAR_TITLE, Name::parse);
    let series = source.required(&table::CLEARML_SCALAR_SERIES, Name::parse);
    let direction = source.required(&table::CLEARML_SCALAR_MIN_MAX, |text| values::DIRECTION.read(text));
    let tolerance = tolerance(source);
    let target = source.optional(&table::CLEARML_SCALAR_TARGET, values::target);
    let pick = source.required(&table::CLEARML_SCALAR_VALUE, |text| values::PICK.read(text));
    let zero = source.required(&table::CLEARML_SCALAR_ZERO, |text| values::ZERO.read(text));
    let metric = Metric {
        title: title?,
        series: series?,
        pick: pick?,
        zero: zero?,
        criteria: Criteria { direction: direction?, tolerance: tolerance?, target },
        role: Role::Required,
    };
    source.keep(&table::CLEARML_SCALAR_TITLE, Metrics::new(vec![metric]))
}

/// A threshold of 0 is the action's default, so it can be combined with a margin. Any other cannot.
fn tolerance(source: &mut Source<'_>) -> Option<Tolerance> {
    let threshold = source.required(&table::CLEARML_SCALAR_THRESHOLD, values::threshold);
    if source.text(&table::CLEARML_SCALAR_MARGIN).is_none() {
        return threshold;
    }
    let margin = source.required(&table::CLEARML_SCALAR_MARGIN, values::margin);
    if threshold.is_some() && threshold != Tolerance::percent(0.0) {
        source.fault(&table::CLEARML_SCALAR_MARGIN, &Problem::ThresholdAndMargin);
    }
    margin
}

/// Reads the list.
///
/// # Errors
/// Everything that is wrong with it.
pub(super) fn list(text: &str) -> Result<Metrics, Vec<ListProblem>> {
    let json: Value = serde_json::from_str(text).map_err(|error| vec![ListProblem::NotJson(error.to_string())])?;
    let Value::Array(items) = json else { return Err(vec![ListProblem::NotAList]) };
    let (mut metrics, mut problems) = (Vec::new(), Vec::new());
    for (n, item) in items.into_iter().enumerate() {
        match metric(item) {
            Ok(metric) => metrics.push(metric),
            Err(found) => problems.extend(found.into_iter().map(|problem| ListProblem::InMetric(n + 1, problem))),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Metrics::new(metrics).map_err(|problem| vec![ListProblem::Together(problem)])
}

fn metric(item: Value) -> Result<Metric, Vec<MetricProblem>> {
    let Value::Object(given) = item else { return Err(vec![MetricProblem::NotAnObject]) };
    let unknown = given.keys().filter(|key| !KEYS.contains(&key.as_str()));
    let problems = unknown.map(|key| MetricProblem::UnknownKey(key.clone())).collect();
    let mut entry = Entry { given: &given, problems };
    let title = entry.required("title", Name::parse);
    let series = entry.required("series", Name::parse);
    let direction = entry.optional("min_max", |text| values::DIRECTION.read(text)).unwrap_or(Direction::Max);
    let pick = entry.optional("value", |text| values::PICK.read(text)).unwrap_or(Pick::Best);
    let zero = entry.optional("zero", |text| values::ZERO.read(text)).unwrap_or(Zero::Suspect);
    let target = entry.optional("target", values::target);
    let tolerance = entry.tolerance();
    let role = entry.role();
    let complete = || {
        let criteria = Criteria { direction, tolerance: tolerance?, target };
        Some(Metric { title: title?, series: series?, pick, zero, criteria, role })
    };
    if entry.problems.is_empty() { complete().ok_or(entry.problems) } else { Err(entry.problems) }
}

/// One object of the list, and what is wrong with it.
struct Entry<'a> {
    given: &'a Map<String, Value>,
    problems: Vec<MetricProblem>,
}

impl Entry<'_> {
    /// The text of a value; numbers can be written with or without quotes.
    fn optional<T, E: ToString>(&mut self, key: &'static str, read: impl Fn(&str) -> Result<T, E>) -> Option<T> {
        let read = match self.given.get(key)? {
            Value::String(text) => read(text),
            Value::Number(number) => read(&number.to_string()),
            Value::Null => return None,
            _ => {
                self.problems.push(MetricProblem::NeitherTextNorNumber(key));
                return None;
            }
        };
        let problem = |problem: E| MetricProblem::Value { key, problem: problem.to_string() };
        read.map_err(|error| self.problems.push(problem(error))).ok()
    }

    fn required<T, E: ToString>(&mut self, key: &'static str, read: impl Fn(&str) -> Result<T, E>) -> Option<T> {
        if self.given.get(key).is_none_or(Value::is_null) {
            self.problems.push(MetricProblem::Missing(key));
        }
        self.optional(key, read)
    }

    fn tolerance(&mut self) -> Option<Tolerance> {
        let threshold = self.optional("threshold", values::threshold);
        let margin = self.optional("margin", values::margin);
        if threshold.is_some() && margin.is_some() {
            self.problems.push(MetricProblem::ThresholdAndMargin);
        }
        margin.or(threshold).or_else(|| Tolerance::percent(0.0))
    }

    fn role(&mut self) -> Role {
        match self.given.get("warn") {
            Some(Value::Bool(true)) => return Role::Informational,
            None | Some(Value::Null | Value::Bool(false)) => {}
            Some(_) => self.problems.push(MetricProblem::NotABoolean("warn")),
        }
        Role::Required
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_metric_has_its_own_settings() {
        let metrics = list(
            r#"[{"title": "val", "series": "acc", "threshold": "3%"},
                {"title": "val", "series": "loss", "min_max": "MIN", "margin": 0.1, "target": 2, "value": "last", "warn": true}]"#,
        )
        .unwrap();
        let [first, second] = metrics.iter().collect::<Vec<_>>()[..] else { panic!("{metrics:?}") };
        assert_eq!((first.criteria.direction, first.pick, first.role), (Direction::Max, Pick::Best, Role::Required));
        assert_eq!(first.criteria.tolerance, Tolerance::percent(3.0).unwrap());
        assert_eq!(
            (second.criteria.direction, second.pick, second.role),
            (Direction::Min, Pick::Last, Role::Informational)
        );
        assert_eq!(second.criteria.tolerance, Tolerance::absolute(0.1).unwrap());
        assert_eq!(second.criteria.target.unwrap().get().to_bits(), 2.0f64.to_bits());
    }

    #[test]
    fn null_counts_as_not_given() {
        let with = |others: &str| list(&format!(r#"[{{"title": "val", "series": "acc"{others}}}]"#));
        let all = r#", "min_max": null, "value": null, "zero": null, "threshold": null, "margin": null, "target": null, "warn": null"#;
        assert_eq!(with(all), with(""));
        let faults = list(r#"[{"title": null, "series": "acc"}]"#).unwrap_err();
        assert_eq!(faults, [ListProblem::InMetric(1, MetricProblem::Missing("title"))]);
    }

    #[test]
    fn reports_every_problem_at_once() {
        let faults = list(
            r#"[{"title": "val", "seris": "acc", "threshold": -1},
                {"title": "", "series": 3, "warn": "yes", "margin": 1, "threshold": 2},
                7]"#,
        )
        .unwrap_err();
        let value = |key, problem: Problem| MetricProblem::Value { key, problem: problem.to_string() };
        let expected = [
            (1, MetricProblem::UnknownKey("seris".to_owned())),
            (1, MetricProblem::Missing("series")),
            (1, value("threshold", Problem::Negative("-1".to_owned()))),
            (2, MetricProblem::Value { key: "title", problem: Name::parse("").unwrap_err().to_string() }),
            (2, MetricProblem::ThresholdAndMargin),
            (2, MetricProblem::NotABoolean("warn")),
            (3, MetricProblem::NotAnObject),
        ];
        assert_eq!(faults, expected.map(|(number, problem)| ListProblem::InMetric(number, problem)));
    }

    #[test]
    fn rejects_what_is_not_a_list_of_metrics() {
        for bad in ["", "{", "{}", "[]", "3", "[[]]", r#"[{"title":"a","series":"b","warn":true}]"#] {
            assert!(list(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in r#"[\[\]{}:,"a-z0-9 \\.]*"#) {
            let _ = list(&text);
        }
    }
}
