//! From the text of a setting to its value. Each reader returns what is wrong with a text, never a panic. Pure.

use std::time::Duration;

use crate::model::compare::{Direction, Score, Tolerance};
use crate::model::metric::Pick;
use crate::net::url::Host;

/// No CI lets a job run for longer than this.
const LONGEST_WAIT: Duration = Duration::from_hours(5 * 24);

/// The server tells so many runs in one page.
const MOST_RUNS: usize = 100;

pub(super) fn api_host(text: &str) -> Result<Host, String> {
    let host = Host::parse(text).map_err(|problem| problem.to_string())?;
    if host.as_str().contains("://app.clear.ml") {
        return Err("is the web app; the API server of the hosted ClearML is https://api.clear.ml".to_owned());
    }
    Ok(host)
}

/// When the tag moves to a candidate that passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Promote {
    /// As soon as the check passes.
    OnPass,
    /// When the pull request is merged: judged again then.
    OnMerge,
    /// Never: the tool only judges.
    Never,
}

/// What to do while no task carries the tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoBaseline {
    /// Pass as `first`.
    Pass,
    /// No verdict.
    Fail,
}

/// What to do about a baseline that is not clean, did not complete or is not part of the main branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BaselineCheck {
    /// Say so.
    Warn,
    /// No verdict.
    Require,
    /// Do not look.
    Off,
}

/// When the pull request gets a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comment {
    /// Never.
    Never,
    /// At each run; one comment, kept up to date.
    Always,
    /// Only when the verdict is not `unchanged`; a comment that is there already is kept up to date.
    Change,
}

pub(super) fn direction(text: &str) -> Result<Direction, String> {
    choice(text, &[("max", Direction::Max), ("min", Direction::Min)])
}

pub(super) fn pick(text: &str) -> Result<Pick, String> {
    choice(text, &[("best", Pick::Best), ("last", Pick::Last)])
}

pub(super) fn promote(text: &str) -> Result<Promote, String> {
    choice(text, &[("pass", Promote::OnPass), ("merge", Promote::OnMerge), ("never", Promote::Never)])
}

pub(super) fn no_baseline(text: &str) -> Result<NoBaseline, String> {
    choice(text, &[("pass", NoBaseline::Pass), ("fail", NoBaseline::Fail)])
}

pub(super) fn baseline_check(text: &str) -> Result<BaselineCheck, String> {
    let options = [("warn", BaselineCheck::Warn), ("require", BaselineCheck::Require), ("off", BaselineCheck::Off)];
    choice(text, &options)
}

/// How many runs are judged by their median.
pub(super) fn runs(text: &str) -> Result<usize, String> {
    let count = text.trim().parse().ok().filter(|count| (1..=MOST_RUNS).contains(count));
    count.ok_or_else(|| format!("{text:?} is not a whole number from 1 to {MOST_RUNS}"))
}

pub(super) fn comment(text: &str) -> Result<Comment, String> {
    choice(text, &[("never", Comment::Never), ("always", Comment::Always), ("change", Comment::Change)])
}

/// A time span such as `90s`, `30m` or `2h`; `0` is none.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let unit = [("s", 1), ("m", 60), ("h", 3600)].into_iter().find(|(unit, _)| text.ends_with(unit));
    let (digits, seconds) = match unit {
        Some((unit, seconds)) => (text.strip_suffix(unit).unwrap_or_default().trim_end(), seconds),
        None if text == "0" => ("0", 1),
        None => return Err(format!("{text:?} names no unit: s, m or h")),
    };
    let all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    let count = digits.parse::<u64>().ok().filter(|_| all_digits);
    let span = count.and_then(|count| count.checked_mul(seconds)).map(Duration::from_secs);
    span.filter(|span| *span <= LONGEST_WAIT).ok_or_else(|| {
        format!("{text:?} is not a whole number with a unit, of at most {} hours", LONGEST_WAIT.as_secs() / 3600)
    })
}

pub(super) fn boolean(text: &str) -> Result<bool, String> {
    choice(text, &[("true", true), ("false", false), ("yes", true), ("no", false), ("1", true), ("0", false)])
}

/// One of several words, in any case.
fn choice<T: Copy>(text: &str, options: &[(&str, T)]) -> Result<T, String> {
    let word = text.trim();
    options
        .iter()
        .find(|(option, _)| word.eq_ignore_ascii_case(option))
        .map(|(_, value)| *value)
        .ok_or_else(|| format!("{word:?} is not one of the allowed values"))
}

pub(super) fn threshold(text: &str) -> Result<Tolerance, String> {
    let amount = text.trim().trim_end_matches('%');
    Tolerance::percent(number(amount)?)
        .ok_or_else(|| format!("{text:?} is negative; it is the loss allowed, for MIN and MAX alike"))
}

pub(super) fn margin(text: &str) -> Result<Tolerance, String> {
    Tolerance::absolute(number(text)?)
        .ok_or_else(|| format!("{text:?} is negative; it is the loss allowed, for MIN and MAX alike"))
}

pub(super) fn target(text: &str) -> Result<Score, String> {
    Score::new(number(text)?).ok_or_else(|| not_a_number(text))
}

/// A finite decimal number.
fn number(text: &str) -> Result<f64, String> {
    let parsed: f64 = text.trim().parse().map_err(|_| not_a_number(text))?;
    if parsed.is_finite() { Ok(parsed) } else { Err(not_a_number(text)) }
}

fn not_a_number(text: &str) -> String {
    let comma = if text.contains(',') { " (the decimal separator is a point)" } else { "" };
    format!("{text:?} is not a finite number{comma}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_wait_ends_with_the_longest_job() {
        assert_eq!(duration("120h"), Ok(Duration::from_hours(120)));
        assert!(duration("121h").unwrap_err().contains("at most 120 hours"));
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        assert_eq!(threshold("3"), threshold(" 3% "));
        assert!(threshold("3 %").is_ok());
        for bad in ["abc", "-1", "nan", "inf", "1,5", "", "%", "1e999"] {
            assert!(threshold(bad).is_err(), "{bad:?}");
            assert!(margin(bad).is_err(), "{bad:?}");
        }
        assert!(target("-3.5").is_ok());
        assert!(target("NaN").is_err());
    }

    #[test]
    fn time_spans_have_a_unit() {
        let seconds = |text| duration(text).map(|span| span.as_secs());
        assert_eq!(seconds("90s"), Ok(90));
        assert_eq!(seconds(" 30 m "), Ok(1800));
        assert_eq!(seconds("2h"), Ok(7200));
        assert_eq!(seconds("0"), Ok(0));
        for bad in ["", "90", "m", "1.5h", "-1s", "+1s", "2d", "1h30m", "99999999999999999999s", "121h", "mm", "5 5s"] {
            assert!(duration(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn words_are_read_in_any_case() {
        assert_eq!(direction("max"), Ok(Direction::Max));
        assert_eq!(direction("Min"), Ok(Direction::Min));
        assert!(direction("MAXX").is_err());
        assert_eq!(boolean("True"), Ok(true));
        assert!(boolean("maybe").is_err());
    }

    #[test]
    fn the_web_app_is_not_taken_for_the_api_server() {
        assert!(api_host("app.clear.ml").unwrap_err().contains("api.clear.ml"));
    }

    proptest! {
        #[test]
        fn no_text_makes_a_reader_panic(text in ".*") {
            let _ = (api_host(&text), threshold(&text), margin(&text));
            let _ = (target(&text), direction(&text), boolean(&text), pick(&text), promote(&text), no_baseline(&text), duration(&text), runs(&text));
        }
    }
}
