//! From the text of a setting to its value. Each reader returns what is wrong with a text, never a panic. Pure.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use ureq::http::Uri;

use crate::judge::{Direction, Score, Tolerance};
use crate::metric::Pick;

/// No CI lets a job run for longer than this.
const LONGEST_WAIT: Duration = Duration::from_hours(5 * 24);

/// The server tells so many runs in one page.
const MOST_RUNS: usize = 100;

/// The exact name of a project, task, scalar or tag: not blank, one line, valid UTF-8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name(String);

impl Name {
    /// Takes a name as it is, spaces included.
    ///
    /// # Errors
    /// A phrase that says what is wrong with the text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Err("is blank".to_owned());
        }
        if text.contains('\u{fffd}') {
            return Err("is not valid UTF-8".to_owned());
        }
        if text.chars().any(char::is_control) {
            return Err("holds a line break or another control character (in YAML, write it without | or >)".to_owned());
        }
        Ok(Self(text.to_owned()))
    }

    /// The name.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The tag of the best task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag(Name);

impl Tag {
    /// Takes a tag literally; a leading `-` is part of it.
    ///
    /// # Errors
    /// A phrase that says what is wrong with the text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with("__$") {
            return Err("begins with __$, which ClearML keeps for operators in tag queries".to_owned());
        }
        Name::parse(text).map(Self)
    }

    /// The tag.
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The base address of a server: scheme, host, port and an optional path, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Host(String);

impl Host {
    /// Reads an address; without a scheme it is https.
    ///
    /// # Errors
    /// A phrase that says what is wrong. It does not repeat an address that may hold credentials.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let address = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        let address = address.trim_end_matches('/').to_owned();
        let uri = Uri::from_str(&address).map_err(|_| "is not an address".to_owned())?;
        let authority = uri.authority().ok_or("names no host")?;
        if authority.as_str().contains('@') {
            return Err(
                "holds credentials; those belong into CLEARML_API_ACCESS_KEY and CLEARML_API_SECRET_KEY".to_owned()
            );
        }
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err("is neither http nor https".to_owned());
        }
        let port = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
        if !port.is_empty() && authority.port_u16().is_none() {
            return Err("has a port that is none".to_owned());
        }
        if authority.host().is_empty() || uri.query().is_some() || address.contains('#') {
            return Err("is not the plain address of a server".to_owned());
        }
        if !address.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("holds a character that no address has; in a path it is written as %XX".to_owned());
        }
        Ok(Self(address))
    }

    /// The address.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The name in lower case, or the address without brackets, and the port.
    pub(crate) fn name_and_port(&self) -> (String, u16) {
        let uri = Uri::from_str(&self.0).ok();
        let name = uri.as_ref().and_then(Uri::host).unwrap_or_default();
        let name = name.trim_start_matches('[').trim_end_matches([']', '.']).to_ascii_lowercase();
        let usual = if self.0.starts_with("https://") { 443 } else { 80 };
        (name, uri.as_ref().and_then(Uri::port_u16).unwrap_or(usual))
    }

    /// Whether it is the machine this tool runs on.
    pub(crate) fn is_this_machine(&self) -> bool {
        let (name, _) = self.name_and_port();
        name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    }

    /// Whether what is sent there can be read on the way.
    pub(crate) fn is_plain_http_elsewhere(&self) -> bool {
        self.0.starts_with("http://") && !self.is_this_machine()
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub(super) fn api_host(text: &str) -> Result<Host, String> {
    let host = Host::parse(text)?;
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
    fn a_host_is_taken_with_and_without_scheme() {
        assert_eq!(Host::parse("api.clear.ml").unwrap().as_str(), "https://api.clear.ml");
        assert_eq!(Host::parse(" http://localhost:8008/ ").unwrap().as_str(), "http://localhost:8008");
        assert_eq!(Host::parse("https://x.org/clearml/api/").unwrap().as_str(), "https://x.org/clearml/api");
        assert_eq!(Host::parse("http://[::1]:8008").unwrap().as_str(), "http://[::1]:8008");
    }

    #[test]
    fn a_host_that_is_none_is_refused() {
        for bad in [
            "",
            "   ",
            "ftp://x",
            "https://",
            "https://user:pw@x",
            "https://x?y=1",
            "https://x/#a",
            "a b",
            "http://x:port",
            "https://x/\u{93}",
            "https://x/é",
        ] {
            assert!(Host::parse(bad).is_err(), "{bad:?}");
        }
        assert!(!Host::parse("https://user:hunter2@x").unwrap_err().contains("hunter2"));
        assert!(api_host("app.clear.ml").unwrap_err().contains("api.clear.ml"));
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
    fn names_are_taken_literally_or_refused() {
        assert_eq!(Name::parse(" a.b (c)+[d] ").unwrap().as_str(), " a.b (c)+[d] ");
        assert!(Name::parse(" ").is_err());
        assert!(Name::parse("a\n").is_err());
        assert!(Tag::parse("-x").is_ok());
        assert!(Tag::parse("__$all").is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_a_reader_panic(text in ".*") {
            let _ = (Host::parse(&text), Name::parse(&text), Tag::parse(&text), threshold(&text), margin(&text));
            let _ = (target(&text), direction(&text), boolean(&text), pick(&text), promote(&text), no_baseline(&text), duration(&text), runs(&text));
        }
    }
}
