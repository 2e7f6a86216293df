//! From the text of a setting to its value. Each reader returns what is wrong with a text and never panics. Pure.

use std::time::Duration;

use super::problem::Problem;
use crate::model::compare::{Direction, Score, Tolerance};
use crate::model::metric::{Pick, Zero};
use crate::net::secret::Secret;
use crate::net::url::Host;

/// No CI lets a job run for longer than this.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_hours(5 * 24);

/// The server returns at most this many runs in one page.
pub(crate) const MOST_RUNS: usize = 100;

/// When the tag moves to a candidate that passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Promote {
    /// As soon as the check passes.
    OnPass,
    /// When the pull request is merged, if the check passes again then.
    OnMerge,
    Never,
}

/// What to do if no run has the tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoBaseline {
    /// Pass as `first`.
    Pass,
    /// No verdict.
    Fail,
}

/// What to do if the baseline is not clean, not completed or not part of the main branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BaselineCheck {
    Warn,
    /// No verdict.
    Require,
    /// Do not check.
    Off,
}

/// When the pull request gets a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comment {
    Never,
    /// On every run. There is one comment, which is updated.
    Always,
    /// Unless the verdict is `unchanged`. An existing comment is always updated.
    Change,
}

/// The allowed values of a setting. Help and documentation show the same words that the parser accepts.
pub(super) struct Choices<T: 'static> {
    pub(super) words: &'static [&'static str],
    values: &'static [T],
}

impl<T: Copy> Choices<T> {
    /// Accepts a word in upper or lower case.
    pub(super) fn read(&self, text: &str) -> Result<T, Problem> {
        let word = text.trim();
        let found = self.words.iter().zip(self.values).find(|(allowed, _)| word.eq_ignore_ascii_case(allowed));
        let problem = || Problem::NotAllowed { given: word.to_owned(), allowed: self.words };
        found.map(|(_, value)| *value).ok_or_else(problem)
    }
}

macro_rules! choices {
    ($($name:ident: $type:ty { $($word:literal => $value:expr),+ })+) => {$(
        pub(super) const $name: Choices<$type> = Choices { words: &[$($word),+], values: &[$($value),+] };
    )+};
}

choices! {
    DIRECTION: Direction { "MAX" => Direction::Max, "MIN" => Direction::Min }
    PICK: Pick { "best" => Pick::Best, "last" => Pick::Last }
    ZERO: Zero { "suspect" => Zero::Suspect, "valid" => Zero::Valid }
    PROMOTE: Promote { "pass" => Promote::OnPass, "merge" => Promote::OnMerge, "never" => Promote::Never }
    NO_BASELINE: NoBaseline { "pass" => NoBaseline::Pass, "fail" => NoBaseline::Fail }
    BASELINE_CHECK: BaselineCheck {
        "warn" => BaselineCheck::Warn, "require" => BaselineCheck::Require, "off" => BaselineCheck::Off
    }
    COMMENT: Comment { "never" => Comment::Never, "always" => Comment::Always, "change" => Comment::Change }
    BOOLEAN: bool { "true" => true, "false" => false }
}

/// Accepts the other common words too, which help and documentation do not mention.
pub(super) fn boolean(text: &str) -> Result<bool, Problem> {
    match text.trim().to_ascii_lowercase().as_str() {
        "yes" | "1" => Ok(true),
        "no" | "0" => Ok(false),
        _ => BOOLEAN.read(text),
    }
}

pub(super) fn api_host(text: &str) -> Result<Host, Problem> {
    let host = Host::parse(text).map_err(Problem::BadHost)?;
    if host.as_str().contains("://app.clear.ml") { Err(Problem::WebApp) } else { Ok(host) }
}

/// A key that an HTTP header can hold.
pub(super) fn secret(text: &str) -> Result<Secret, Problem> {
    let is_visible = text.trim().chars().all(|c| c.is_ascii_graphic());
    Secret::new(text).filter(|_| is_visible).ok_or(Problem::NotAKey)
}

/// How many runs are compared by their median.
pub(super) fn runs(text: &str) -> Result<usize, Problem> {
    let count = text.trim().parse().ok().filter(|count| (1..=MOST_RUNS).contains(count));
    count.ok_or_else(|| Problem::NotACount(text.to_owned()))
}

/// A duration such as `90s`, `30m` or `2h`, or `0`.
pub(super) fn duration(text: &str) -> Result<Duration, Problem> {
    let text = text.trim();
    let unit = [("s", 1), ("m", 60), ("h", 3600)].into_iter().find(|(unit, _)| text.ends_with(unit));
    let (digits, seconds) = match unit {
        Some((unit, seconds)) => (text.strip_suffix(unit).unwrap_or_default().trim_end(), seconds),
        None if text == "0" => ("0", 1),
        None => return Err(Problem::NoUnit(text.to_owned())),
    };
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    let count = digits.parse::<u64>().ok().filter(|_| is_number);
    let span = count.and_then(|count| count.checked_mul(seconds)).map(Duration::from_secs);
    span.filter(|span| *span <= LONGEST_WAIT).ok_or_else(|| Problem::NotADuration(text.to_owned()))
}

pub(super) fn threshold(text: &str) -> Result<Tolerance, Problem> {
    let percent = number(text.trim().trim_end_matches('%'))?;
    Tolerance::percent(percent).ok_or_else(|| Problem::Negative(text.to_owned()))
}

pub(super) fn margin(text: &str) -> Result<Tolerance, Problem> {
    Tolerance::absolute(number(text)?).ok_or_else(|| Problem::Negative(text.to_owned()))
}

pub(super) fn target(text: &str) -> Result<Score, Problem> {
    Score::new(number(text)?).ok_or_else(|| Problem::NotANumber(text.to_owned()))
}

/// A finite decimal number.
fn number(text: &str) -> Result<f64, Problem> {
    let parsed = text.trim().parse().ok().filter(|number: &f64| number.is_finite());
    parsed.ok_or_else(|| Problem::NotANumber(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_numbers_as_people_write_them() {
        assert_eq!(threshold("3"), threshold(" 3% "));
        assert!(threshold("3 %").is_ok());
        for bad in ["abc", "-1", "nan", "inf", "1,5", "", "%", "1e999"] {
            assert!(threshold(bad).is_err(), "{bad:?}");
            assert!(margin(bad).is_err(), "{bad:?}");
        }
        assert_eq!(margin("-1"), Err(Problem::Negative("-1".to_owned())));
        assert!(target("-3.5").is_ok());
        assert_eq!(target("NaN"), Err(Problem::NotANumber("NaN".to_owned())));
    }

    #[test]
    fn durations_have_a_unit_and_end_with_the_longest_job() {
        let seconds = |text| duration(text).map(|span| span.as_secs());
        assert_eq!(seconds("90s"), Ok(90));
        assert_eq!(seconds(" 30 m "), Ok(1800));
        assert_eq!(seconds("120h"), Ok(432_000));
        assert_eq!(seconds("0"), Ok(0));
        for bad in ["", "90", "1.5h x", "2d", "5 5"] {
            assert_eq!(seconds(bad), Err(Problem::NoUnit(bad.to_owned())));
        }
        for bad in ["m", "1.5h", "-1s", "+1s", "1h30m", "99999999999999999999s", "121h", "mm", "5 5s"] {
            assert_eq!(seconds(bad), Err(Problem::NotADuration(bad.to_owned())));
        }
    }

    #[test]
    fn reads_words_in_upper_and_lower_case() {
        assert_eq!(DIRECTION.read("max"), Ok(Direction::Max));
        assert_eq!(DIRECTION.read(" Min "), Ok(Direction::Min));
        let problem = Problem::NotAllowed { given: "MAXX".to_owned(), allowed: &["MAX", "MIN"] };
        assert_eq!(DIRECTION.read("MAXX"), Err(problem));
        assert_eq!((boolean("True"), boolean("no")), (Ok(true), Ok(false)));
        assert!(boolean("maybe").is_err());
    }

    #[test]
    fn the_web_app_is_not_taken_for_the_api_server() {
        assert_eq!(api_host("app.clear.ml"), Err(Problem::WebApp));
    }

    #[test]
    fn keys_are_visible_ascii() {
        assert_eq!(secret(" key\n").unwrap().expose(), "key");
        for bad in ["two words", "schl\u{fc}ssel", " ", "a\tb"] {
            assert_eq!(secret(bad), Err(Problem::NotAKey));
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_a_reader_panic(text in ".*") {
            let _ = (api_host(&text), threshold(&text), margin(&text), target(&text), secret(&text));
            let _ = (DIRECTION.read(&text), boolean(&text), duration(&text), runs(&text));
        }
    }
}
