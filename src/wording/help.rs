//! Wording: the help, and what is wrong with a command line.

use std::fmt;
use std::fmt::Write as _;

use crate::settings::flags::{DOCUMENTS, UsageError};
use crate::settings::table::{SETTINGS, Setting};

/// The answer to `--version`.
pub(crate) const VERSION: &str = concat!("clearml-gate ", env!("CARGO_PKG_VERSION"), "\n");

/// Fits a terminal of the usual size.
const COLUMNS: usize = 80;

const INTRODUCTION: &str = "\
clearml-gate judges the ClearML run of one commit. It compares that run with the
baseline: the run that has the tag. The check fails if the model got worse by
more than allowed, or if there is no verdict. If it passes, the tag moves to the
new run (see CLEARML_PROMOTE).

Usage: clearml-gate [--FLAG VALUE]...

Every setting is an environment variable and, except for secrets, a flag. A flag
overrides the variable. An empty variable counts as not set. The host and the
keys can also come from clearml.conf.

Settings:
";

const END: &str = "  \
-h, --help
      Print this help.
  -V, --version
      Print the version.

Exit codes:
   0  The check passed, or there was nothing to judge.
   1  Degraded: the model got worse by more than the allowed loss, or it misses
      a target.
   2  Wrong usage or settings. ClearML was not contacted.
   3  No verdict: something that is needed to judge the commit is missing.
   4  ClearML rejected a request or sent an unexpected response, or the tag
      could not be moved.
   5  ClearML could not be reached. Another try often helps.
  70  A bug in clearml-gate.

Project and documentation: ";

/// The text of `--help`.
pub(crate) fn help() -> String {
    let mut out = INTRODUCTION.to_owned();
    for setting in SETTINGS {
        let flag = if setting.secret { String::new() } else { format!(", --{}", setting.flag()) };
        let _ = writeln!(out, "  {}{flag}", setting.name);
        indented(&mut out, setting.meaning);
        indented(&mut out, &facts(setting));
    }
    out.push_str("\nReports. If FILE is -, standard output contains only that report:\n");
    for (flag, meaning) in DOCUMENTS {
        let _ = writeln!(out, "  --{flag} FILE");
        indented(&mut out, meaning);
    }
    out.push_str("\nOther flags:\n");
    out.push_str(END);
    out.push_str(concat!(env!("CARGO_PKG_REPOSITORY"), "\n"));
    out
}

fn facts(setting: &Setting) -> String {
    let values = (!setting.values.is_empty()).then(|| format!("[values: {}]", setting.values.join(", ")));
    let default = setting.default.map(|default| format!("[default: {default}]"));
    let required = setting.required.then(|| "[required]".to_owned());
    let example = setting.example.filter(|example| setting.default != Some(example));
    let example = example.map(|example| format!("[example: {example}]"));
    [values, default, required, example].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// Adds a text as indented lines that are as full as possible.
fn indented(out: &mut String, text: &str) {
    let mut column = 0;
    for word in text.split_whitespace() {
        if column > 0 && column + 1 + word.len() <= COLUMNS {
            out.push(' ');
            column += 1;
        } else {
            out.push_str(if column > 0 { "\n      " } else { "      " });
            column = 6;
        }
        out.push_str(word);
        column += word.len();
    }
    if column > 0 {
        out.push('\n');
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownFlag { flag, similar } => {
                write!(f, "unknown flag {flag:?}")?;
                similar.as_ref().map_or(Ok(()), |similar| write!(f, "; did you mean --{similar}?"))
            }
            Self::SecretFlag(name) => {
                write!(f, "a secret cannot be given as a flag; set the environment variable {name}")
            }
            Self::NoValue(flag) => write!(f, "{flag} needs a value"),
            Self::GivenTwice(flag) => write!(f, "{flag} is given twice"),
            Self::UnexpectedArgument(text) => write!(f, "unexpected argument {text:?}"),
            Self::SeveralDocumentsToStdout => f.write_str(
                "only one of --json, --markdown and --junit can go to standard output (-); use files for the others",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_as_full_as_possible() {
        let lines = |text: &str| {
            let mut out = String::new();
            indented(&mut out, text);
            out
        };
        let word = "x".repeat(36);
        assert_eq!(lines(&format!("{word}  {word}x\ny")), format!("      {word} {word}x\n      y\n"));
        assert_eq!(lines(&format!("{word} {word}xx y")), format!("      {word}\n      {word}xx y\n"));
        assert_eq!(lines(&format!("{word}{word}{word} y")), format!("      {word}{word}{word}\n      y\n"));
        assert_eq!(lines(" "), "");
    }
}
