//! Which metrics are compared: the one of the `CLEARML_SCALAR_*`, or the list of `CLEARML_METRICS`.

use serde_json::{Map, Value};

use super::{Source, values};
use crate::model::compare::{Criteria, Direction, Tolerance};
use crate::model::metric::{Metric, Metrics, Pick, Role};
use crate::model::name::Name;

/// What the list replaces.
const SCALAR: [&str; 7] = [
    "CLEARML_SCALAR_TITLE",
    "CLEARML_SCALAR_SERIES",
    "CLEARML_SCALAR_MIN_MAX",
    "CLEARML_SCALAR_THRESHOLD",
    "CLEARML_SCALAR_MARGIN",
    "CLEARML_SCALAR_TARGET",
    "CLEARML_SCALAR_VALUE",
];
/// What a metric of the list may say.
const KEYS: [&str; 8] = ["title", "series", "min_max", "threshold", "margin", "target", "value", "warn"];

/// The metrics, from either of the two.
pub(super) fn metrics(source: &mut Source<'_>) -> Option<Metrics> {
    let Some(text) = source.text("CLEARML_METRICS") else { return scalar(source) };
    // A default, which the action hands over as if it were given, says nothing.
    let besides: Vec<&str> = SCALAR.into_iter().filter(|name| source.differs_from_its_default(name)).collect();
    if !besides.is_empty() {
        let problem = format!("is given beside {}; it replaces all CLEARML_SCALAR_*", besides.join(", "));
        source.fault("CLEARML_METRICS", &problem);
    }
    match list(&text) {
        Ok(metrics) => Some(metrics),
        Err(problems) => {
            for problem in problems {
                source.fault("CLEARML_METRICS", &problem);
            }
            None
        }
    }
}

/// Whether a setting says nothing beside a list of metrics.
pub(super) fn is_replaced_by_the_list(name: &str) -> bool {
    SCALAR.contains(&name)
}

/// The text of a setting for a report, where the lines in which a list was written do not matter.
pub(super) fn on_one_line(name: &str, text: String) -> String {
    let compact = || serde_json::from_str::<Value>(&text).map(|json| json.to_string()).ok();
    if name == "CLEARML_METRICS" { compact().unwrap_or(text) } else { text }
}

fn scalar(source: &mut Source<'_>) -> Option<Metrics> {
    let title = source.required("CLEARML_SCALAR_TITLE", Name::parse);
    let series = source.required("CLEARML_SCALAR_SERIES", Name::parse);
    let direction = source.required("CLEARML_SCALAR_MIN_MAX", values::direction);
    let tolerance = tolerance(source);
    let target = source.optional("CLEARML_SCALAR_TARGET", values::target);
    let pick = source.required("CLEARML_SCALAR_VALUE", values::pick);
    let metric = Metric {
        title: title?,
        series: series?,
        pick: pick?,
        criteria: Criteria { direction: direction?, tolerance: tolerance?, target },
        role: Role::Required,
    };
    source.keep("CLEARML_SCALAR_TITLE", Metrics::new(vec![metric]))
}

/// A threshold of 0 is the action's default and so says nothing beside a margin; any other contradicts it.
fn tolerance(source: &mut Source<'_>) -> Option<Tolerance> {
    let threshold = source.required("CLEARML_SCALAR_THRESHOLD", values::threshold);
    if source.text("CLEARML_SCALAR_MARGIN").is_none() {
        return threshold;
    }
    let margin = source.required("CLEARML_SCALAR_MARGIN", values::margin);
    if threshold.is_some() && threshold != Tolerance::percent(0.0) {
        source.fault(
            "CLEARML_SCALAR_MARGIN",
            "is given beside CLEARML_SCALAR_THRESHOLD; the loss allowed is one or the other",
        );
    }
    margin
}

/// Reads the list.
///
/// # Errors
/// A phrase for each thing that is wrong with it.
pub(super) fn list(text: &str) -> Result<Metrics, Vec<String>> {
    let json: Value = serde_json::from_str(text).map_err(|error| vec![format!("is not JSON ({error})")])?;
    let Value::Array(items) = json else { return Err(vec!["is not a JSON list".to_owned()]) };
    let (mut metrics, mut problems) = (Vec::new(), Vec::new());
    for (n, item) in items.into_iter().enumerate() {
        match metric(item) {
            Ok(metric) => metrics.push(metric),
            Err(faults) => problems.extend(faults.into_iter().map(|fault| format!("metric {}: {fault}", n + 1))),
        }
    }
    if problems.is_empty() { Metrics::new(metrics).map_err(|problem| vec![problem]) } else { Err(problems) }
}

fn metric(item: Value) -> Result<Metric, Vec<String>> {
    let Value::Object(given) = item else { return Err(vec!["is not a JSON object".to_owned()]) };
    let mut entry = Entry { given, faults: Vec::new() };
    entry.refuse_unknown_keys();
    let title = entry.required("title", Name::parse);
    let series = entry.required("series", Name::parse);
    let direction = entry.or("min_max", Direction::Max, values::direction);
    let pick = entry.or("value", Pick::Best, values::pick);
    let target = entry.optional("target", values::target);
    let tolerance = entry.tolerance();
    let role = match entry.given.get("warn") {
        None | Some(Value::Null | Value::Bool(false)) => Role::Required,
        Some(Value::Bool(true)) => Role::Informational,
        Some(_) => entry.fault("\"warn\" is neither true nor false", Role::Required),
    };
    let complete = || {
        let criteria = Criteria { direction: direction?, tolerance: tolerance?, target };
        Some(Metric { title: title?, series: series?, pick: pick?, criteria, role })
    };
    if entry.faults.is_empty() { complete().ok_or(entry.faults) } else { Err(entry.faults) }
}

/// One object of the list, and what is wrong with it.
struct Entry {
    given: Map<String, Value>,
    faults: Vec<String>,
}

impl Entry {
    fn refuse_unknown_keys(&mut self) {
        let unknown = self.given.keys().filter(|key| !KEYS.contains(&key.as_str()));
        self.faults.extend(unknown.map(|key| format!("{key:?} is not one of {}", KEYS.join(", "))));
    }

    fn fault<T>(&mut self, problem: &str, instead: T) -> T {
        self.faults.push(problem.to_owned());
        instead
    }

    /// A value's text; numbers may stand with and without quotes.
    fn text(&mut self, key: &str) -> Option<String> {
        match self.given.get(key)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Null => None,
            _ => self.fault(&format!("\"{key}\" is neither a text nor a number"), None),
        }
    }

    fn optional<T>(&mut self, key: &str, read: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let text = self.text(key)?;
        match read(&text) {
            Ok(value) => Some(value),
            Err(problem) => self.fault(&format!("\"{key}\": {problem}"), None),
        }
    }

    /// `None` only when the text is faulty.
    fn or<T>(&mut self, key: &str, default: T, read: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let faults = self.faults.len();
        let value = self.optional(key, read);
        if value.is_none() && self.faults.len() == faults { Some(default) } else { value }
    }

    fn required<T>(&mut self, key: &str, read: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        if self.given.get(key).is_none_or(Value::is_null) {
            return self.fault(&format!("\"{key}\" is missing"), None);
        }
        self.optional(key, read)
    }

    fn tolerance(&mut self) -> Option<Tolerance> {
        let threshold = self.optional("threshold", values::threshold);
        let margin = self.optional("margin", values::margin);
        if threshold.is_some() && margin.is_some() {
            return self.fault("\"margin\" is given beside \"threshold\"; the loss allowed is one or the other", None);
        }
        margin.or(threshold).or_else(|| Tolerance::percent(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_metric_has_settings_of_its_own() {
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
    fn null_is_as_if_it_were_not_there() {
        let with = |others: &str| list(&format!(r#"[{{"title": "val", "series": "acc"{others}}}]"#));
        let all =
            r#", "min_max": null, "value": null, "threshold": null, "margin": null, "target": null, "warn": null"#;
        assert_eq!(with(all), with(""));
        let faults = list(r#"[{"title": null, "series": "acc"}]"#).unwrap_err();
        assert_eq!(faults, [r#"metric 1: "title" is missing"#]);
    }

    #[test]
    fn every_fault_is_found_at_once() {
        let faults = list(
            r#"[{"title": "val", "seris": "acc", "threshold": -1},
                {"title": "", "series": 3, "warn": "yes", "margin": 1, "threshold": 2},
                7]"#,
        )
        .unwrap_err();
        let expected = [
            "metric 1: \"seris\" is not one of title, series",
            "metric 1: \"series\" is missing",
            "metric 1: \"threshold\": \"-1\" is negative",
            "metric 2: \"title\": is blank",
            "metric 2: \"margin\" is given beside \"threshold\"",
            "metric 2: \"warn\" is neither true nor false",
            "metric 3: is not a JSON object",
        ];
        assert_eq!(faults.len(), expected.len(), "{faults:#?}");
        for (fault, start) in faults.iter().zip(expected) {
            assert!(fault.starts_with(start), "{fault}");
        }
    }

    #[test]
    fn what_is_no_list_of_metrics_is_refused() {
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
