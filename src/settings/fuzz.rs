//! What is true for any text of a setting. Panics if it is not.

use std::time::Duration;

use serde_json::Value;

use super::metrics::{list, on_one_line};
use super::table::CLEARML_METRICS;
use super::values;
use crate::clearml::links::web_host;
use crate::git::CodePaths;
use crate::model::commit::Commit;
use crate::model::compare::{Score, Tolerance};
use crate::model::metric::{MOST_METRICS, Metric};
use crate::model::name::{Name, Tag};
use crate::net::url::Host;

/// Reads a text as a list of metrics.
///
/// # Panics
/// If something that should be true is not.
pub fn metrics_setting(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let metrics = match list(&text) {
        Ok(metrics) => metrics,
        Err(problems) => return assert!(!problems.is_empty(), "rejected without a reason"),
    };
    let given: Vec<Value> = serde_json::from_str(&text).unwrap_or_default();
    assert_eq!(metrics.iter().count(), given.len(), "the number of metrics differs");
    assert!(
        (1..=MOST_METRICS).contains(&given.len()) && metrics.iter().any(Metric::is_required),
        "no metric is required"
    );
    for (metric, given) in metrics.iter().zip(&given) {
        is_as_given(metric, given);
    }
    assert_eq!(
        list(&on_one_line(&CLEARML_METRICS, text.into_owned())),
        Ok(metrics),
        "on one line it means something else"
    );
}

fn is_as_given(metric: &Metric, given: &Value) {
    let text = |key: &str| given.get(key).and_then(Value::as_str);
    // A name can also be written as a number.
    assert!(text("title").is_none_or(|title| title == metric.title.as_str()));
    assert!(text("series").is_none_or(|series| series == metric.series.as_str()));
    is_name(&metric.title);
    is_name(&metric.series);
    is_tolerance(metric.criteria.tolerance);
    assert!(metric.criteria.target.is_none_or(|target| target.get().is_finite()), "a target that is not a number");
    let number = |key: &str| given.get(key).and_then(Value::as_f64);
    assert!(number("threshold").is_none_or(|wanted| metric.criteria.tolerance.as_percent() == Some(wanted)));
    assert!(number("margin").is_none_or(|wanted| metric.criteria.tolerance.as_absolute() == Some(wanted)));
    assert!(number("target").is_none_or(|wanted| metric.criteria.target.map(Score::get) == Some(wanted)));
    assert_eq!(metric.is_required(), given.get("warn") != Some(&Value::Bool(true)));
}

fn is_name(name: &Name) {
    assert!(!name.as_str().trim().is_empty(), "a blank name");
    assert!(!name.as_str().chars().any(char::is_control), "a name with a control character");
}

fn is_tolerance(tolerance: Tolerance) {
    let amount = tolerance.as_percent().or(tolerance.as_absolute());
    assert!(amount.is_some_and(|amount| amount.is_finite() && amount.is_sign_positive()), "a negative loss");
}

/// Reads a text as every other setting.
///
/// # Panics
/// If something that should be true is not.
pub fn setting_value(data: &[u8]) {
    let text = &String::from_utf8_lossy(data);
    let _ = (values::DIRECTION.read(text), values::PICK.read(text), values::PROMOTE.read(text));
    let _ = (values::NO_BASELINE.read(text), values::BASELINE_CHECK.read(text), values::COMMENT.read(text));
    let _ = (values::boolean(text), values::secret(text));
    for host in [Host::parse(text).ok(), values::api_host(text).ok()].into_iter().flatten() {
        is_host(&host);
    }
    for tolerance in [values::threshold(text), values::margin(text)].into_iter().flatten() {
        is_tolerance(tolerance);
    }
    assert!(values::target(text).ok().is_none_or(|target| target.get().is_finite()), "a target that is not a number");
    assert!(values::runs(text).ok().is_none_or(|runs| (1..=100).contains(&runs)), "too many runs, or none");
    assert!(values::duration(text).ok().is_none_or(|wait| wait <= Duration::from_hours(120)), "an endless wait");
    if let Ok(name) = Name::parse(text) {
        is_name(&name);
        assert_eq!(name.as_str(), text);
    }
    if let Ok(tag) = Tag::parse(text) {
        assert!(tag.as_str() == text && !text.starts_with("__$"), "a query operator as a tag");
    }
    if let Ok(commit) = Commit::parse(text) {
        is_commit(&commit, text);
    }
    if let Ok(paths) = CodePaths::parse(text) {
        is_code(&paths);
    }
}

fn is_host(host: &Host) {
    let address = host.as_str();
    let lower = address.to_ascii_lowercase();
    assert!(lower.starts_with("http://") || lower.starts_with("https://"), "{address} is not a web server");
    let odd = |c: char| c.is_control() || c.is_whitespace() || "@#?".contains(c);
    let authority = address.split('/').nth(2).unwrap_or_default();
    assert!(!authority.is_empty() && !authority.contains(odd) && !address.ends_with('/'), "{address:?} misleads");
    assert!(
        !address.contains(|c: char| c.is_control() || c.is_whitespace() || "#?".contains(c)),
        "{address:?} misleads"
    );
    assert_eq!(Host::parse(address).as_ref(), Ok(host), "reading it again changes it");
    let _ = (host.is_remote_plain_http(), web_host(host));
}

fn is_commit(commit: &Commit, text: &str) {
    let digits = commit.as_str();
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    assert!((7..=64).contains(&digits.len()) && digits.bytes().all(is_digit), "not a commit");
    assert!(text.trim().eq_ignore_ascii_case(digits) && commit.matches(commit), "not the given commit");
    if let Ok(longer) = Commit::parse(&format!("{digits}0")) {
        assert_eq!(commit.matches(&longer), !commit.is_full(), "a full id matches another");
        assert!(!longer.matches(commit), "it matches too much");
    }
}

fn is_code(paths: &CodePaths) {
    let lines: Vec<&str> = paths.iter().collect();
    for path in &lines {
        assert!(path.split('/').all(|name| !matches!(name, "" | "." | "..")), "{path:?} leads elsewhere");
        assert!(!path.chars().any(|c| c.is_control() || c == '\\'), "{path:?} is not a path in git");
    }
    // With `./` before it and `/` after it, a name can start or end with a space, or look like a drive.
    let again: Vec<String> = lines.iter().map(|path| format!("./{path}/")).collect();
    assert_eq!(CodePaths::parse(&again.join("\n")).as_ref(), Ok(paths), "reading them again changes them");
}
