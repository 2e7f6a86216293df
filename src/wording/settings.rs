//! Wording: what is wrong with a setting or with clearml.conf.

use std::fmt;

use crate::settings::Fault;
use crate::settings::clearml_conf::{ConfError, ConfProblem};
use crate::settings::metrics::KEYS;
use crate::settings::problem::{ListProblem, MetricProblem, Problem};
use crate::settings::values::{LONGEST_WAIT, MOST_RUNS};
use crate::text::sanitize;

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.problem)?;
        self.example.map_or(Ok(()), |example| write!(f, ". Example: {example}"))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSet { is_secret, maybe_from_fork, include } => {
                f.write_str("is not set")?;
                if let Some(include) = include {
                    let file = include.file.file_name().unwrap_or_default().to_string_lossy();
                    write!(
                        f,
                        " ({} has an include on line {}, which is not followed)",
                        sanitize::name(&file),
                        include.line
                    )?;
                }
                if *is_secret {
                    f.write_str("; create credentials in ClearML under Settings > Workspace")?;
                }
                if *maybe_from_fork {
                    let page = page!("docs/github.md#forks");
                    write!(f, ". On a pull request from a fork, secrets are not available: see {page}")?;
                }
                Ok(())
            }
            Self::NotAKey => f.write_str("is not a key: it contains a space or a character that is not ASCII"),
            Self::NotAllowed { given, allowed } => write!(f, "{given:?} is not allowed; use {}", any_of(allowed)),
            Self::NotANumber(text) => {
                let comma = if text.contains(',') { " (use a decimal point, not a comma)" } else { "" };
                let digits = text.trim().trim_end_matches('%');
                let finite = if digits.parse::<f64>().is_ok() { "finite " } else { "" };
                write!(f, "{text:?} is not a {finite}number{comma}")
            }
            Self::Negative(text) => {
                write!(f, "{text:?} is negative; give the allowed loss as a positive number, for MIN and MAX alike")
            }
            Self::NotACount(text) => write!(f, "{text:?} is not a whole number from 1 to {MOST_RUNS}"),
            Self::NoUnit(text) => write!(f, "{text:?} must end in s, m or h"),
            Self::NotADuration(text) => {
                let hours = LONGEST_WAIT.as_secs() / 3600;
                write!(f, "{text:?} must be a whole number with a unit, at most {hours}h")
            }
            Self::BadHost(problem) => problem.fmt(f),
            Self::WebApp => f.write_str("is the web app; the API server of hosted ClearML is https://api.clear.ml"),
            Self::ThresholdAndMargin => {
                f.write_str("cannot be combined with CLEARML_SCALAR_THRESHOLD; use one of the two")
            }
            Self::MetricsAndScalar(replaced) => {
                write!(f, "cannot be combined with {}; it replaces all CLEARML_SCALAR_*", replaced.join(", "))
            }
        }
    }
}

impl fmt::Display for ListProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson(error) => write!(f, "is not JSON ({error})"),
            Self::NotAList => f.write_str("is not a JSON list"),
            Self::Together(problem) => problem.fmt(f),
            Self::InMetric(number, problem) => write!(f, "metric {number}: {problem}"),
        }
    }
}

impl fmt::Display for MetricProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnObject => f.write_str("is not a JSON object"),
            Self::UnknownKey(key) => write!(f, "{key:?} is unknown; use {}", any_of(&KEYS)),
            Self::Missing(key) => write!(f, "\"{key}\" is missing"),
            Self::NeitherTextNorNumber(key) => write!(f, "\"{key}\" is neither a text nor a number"),
            Self::NotABoolean(key) => write!(f, "\"{key}\" is neither true nor false"),
            Self::ThresholdAndMargin => {
                f.write_str("\"margin\" cannot be combined with \"threshold\"; use one of the two")
            }
            Self::Value { key, problem } => write!(f, "\"{key}\": {problem}"),
        }
    }
}

/// `a, b or c`.
fn any_of(words: &[&str]) -> String {
    match words {
        [others @ .., last] if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        words => words.concat(),
    }
}

impl fmt::Display for ConfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read {}: ", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        self.problem.fmt(f)
    }
}

impl fmt::Display for ConfProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => f.write_str(error),
            Self::TooLarge(most) => write!(f, "it is larger than {most} bytes, so it is not a ClearML configuration"),
            Self::NotUtf8 => f.write_str("it is not UTF-8 text"),
            Self::TextAfterEnd => f.write_str("there is text after the end of the configuration"),
            Self::Unclosed(bracket) => write!(f, "this '{bracket}' is never closed"),
            Self::UnclosedQuote => f.write_str("a '\"' is not closed"),
            Self::NoKey => f.write_str("there should be a key here"),
            Self::NoValue => f.write_str("there should be a ':', '=' or '{' after the key"),
            Self::NotAppendable => f.write_str("there should be a list or an object after '+='"),
            Self::MixedValue => f.write_str("a value mixes text, lists and objects"),
            Self::TooDeep => f.write_str("objects or lists are nested too deeply"),
            Self::NotASubstitution => {
                f.write_str("a '$' does not start a valid substitution; put a text with '$' in quotes")
            }
            Self::NeedsQuotes => f.write_str("put a text with any of + = ? ! @ * & ^ ` \\ in quotes"),
            Self::NotAText(setting) => write!(f, "{setting} is not a text"),
            Self::TooManySubstitutions(setting) => {
                write!(f, "{setting}: there are too many substitutions, or they are circular")
            }
            Self::UnknownSubstitution(setting) => {
                write!(f, "{setting}: the substitution is neither a key in this file nor a variable that is set")
            }
        }
    }
}
