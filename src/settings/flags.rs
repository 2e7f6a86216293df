//! The flags as they are typed; nothing is resolved yet.

use std::collections::BTreeMap;

use super::table::SETTINGS;
use crate::text::similar::nearest;

/// The flags that write the report as a document, and what they write.
pub(crate) const DOCUMENTS: [(&str, &str); 3] = [
    ("json", "The whole report as JSON, as described by docs/report.schema.json."),
    ("markdown", "The report as Markdown, as in a comment on a pull request."),
    ("junit", "The report as JUnit XML, for CIs that show test results. Each metric is a test case."),
];

/// A command line without its command.
#[derive(Debug, Default)]
pub(crate) struct Flags {
    values: BTreeMap<String, String>,
    /// `-h` or `--help` was given; what follows it is not read.
    pub(crate) help: bool,
    /// `-V` or `--version` was given; what follows it is not read.
    pub(crate) version: bool,
}

/// What is wrong with a command line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum UsageError {
    UnknownFlag {
        flag: String,
        similar: Option<String>,
    },
    /// The flag of a secret, and the variable to use instead.
    SecretFlag(&'static str),
    NoValue(String),
    GivenTwice(String),
    UnexpectedArgument(String),
    SeveralDocumentsToStdout,
}

impl Flags {
    /// Reads `--flag value` and `--flag=value`. A value can look like a flag.
    pub(crate) fn parse(args: &[String]) -> Result<Self, UsageError> {
        let mut flags = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "-h" | "--help" => return Ok(Self { help: true, ..flags }),
                "-V" | "--version" => return Ok(Self { version: true, ..flags }),
                _ => {}
            }
            let (name, value) = arg.split_once('=').map_or((arg.as_str(), None), |(name, value)| (name, Some(value)));
            if !name.starts_with('-') || name == "-" {
                return Err(UsageError::UnexpectedArgument(arg.clone()));
            }
            let flag = known(name)?;
            let Some(value) = value.or_else(|| args.next().map(String::as_str)) else {
                return Err(UsageError::NoValue(name.to_owned()));
            };
            if flags.values.insert(flag.to_owned(), value.to_owned()).is_some() {
                return Err(UsageError::GivenTwice(name.to_owned()));
            }
        }
        Ok(flags)
    }

    /// The value of a flag (its name without dashes); an empty one counts as not given.
    pub(crate) fn get(&self, flag: &str) -> Option<&str> {
        self.values.get(flag).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// The flag without its dashes, if it exists.
fn known(name: &str) -> Result<&str, UsageError> {
    let all = || {
        let settings = SETTINGS.iter().filter(|setting| !setting.secret).map(|setting| setting.flag());
        settings.chain(DOCUMENTS.map(|(flag, _)| flag.to_owned()))
    };
    let flag = name.trim_start_matches('-');
    if name.starts_with("--") && all().any(|known| known == flag) {
        return Ok(flag);
    }
    if let Some(secret) = SETTINGS.iter().find(|setting| setting.secret && setting.flag() == flag) {
        return Err(UsageError::SecretFlag(secret.name));
    }
    let nearest = nearest(flag, all().chain(["help", "version"].map(str::to_owned))).into_iter().next();
    let similar =
        nearest.or_else(|| all().find(|known| known.strip_suffix(flag).is_some_and(|rest| rest.ends_with('-'))));
    Err(UsageError::UnknownFlag { flag: name.to_owned(), similar })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Flags, UsageError> {
        Flags::parse(&args.iter().map(|&arg| arg.to_owned()).collect::<Vec<_>>())
    }

    fn flags(args: &[&str]) -> Flags {
        parse(args).unwrap_or_else(|error| panic!("{args:?}: {error:?}"))
    }

    #[test]
    fn reads_both_forms_of_a_flag() {
        assert_eq!(flags(&["--project", "a=b"]).get("project"), Some("a=b"));
        assert_eq!(flags(&["--project=a=b"]).get("project"), Some("a=b"));
        assert_eq!(flags(&["--project="]).get("project"), None);
        assert_eq!(flags(&["--project", ""]).get("project"), None);
    }

    #[test]
    fn takes_any_text_as_a_value() {
        for value in ["--x=1", "--project=y", "-3", "-h", "--help", "help", "-"] {
            assert_eq!(flags(&["--task-name", value]).get("task-name"), Some(value));
            assert_eq!(flags(&[&format!("--task-name={value}")]).get("task-name"), Some(value));
        }
    }

    #[test]
    fn every_setting_has_a_flag_except_secrets() {
        for setting in SETTINGS {
            let flag = format!("--{}", setting.flag());
            let read = parse(&[&flag, "value"]);
            if setting.secret {
                assert_eq!(read.unwrap_err(), UsageError::SecretFlag(setting.name));
            } else {
                assert_eq!(read.unwrap().get(&setting.flag()), Some("value"));
            }
        }
    }

    #[test]
    fn help_and_version_have_short_forms() {
        assert!(flags(&["-h"]).help && flags(&["--project", "a", "--help", "--nope"]).help);
        assert!(flags(&["-V"]).version && flags(&["--version"]).version);
        assert!(!flags(&["--project", "a"]).help && !flags(&[]).version);
    }

    #[test]
    fn suggests_the_nearest_flag() {
        let similar = |flag: &str| match parse(&[flag, "hunter2"]) {
            Err(UsageError::UnknownFlag { similar, .. }) => similar,
            other => panic!("{other:?}"),
        };
        assert_eq!(similar("--projekt=hunter2").as_deref(), Some("project"));
        assert_eq!(similar("-project").as_deref(), Some("project"));
        assert_eq!(similar("--hlep").as_deref(), Some("help"));
        assert_eq!(similar("--threshold").as_deref(), Some("scalar-threshold"));
        assert_eq!(similar("--host").as_deref(), Some("api-host"));
        assert_eq!(similar("--ost"), None);
        assert_eq!(similar("--qqq"), None);
    }

    #[test]
    fn rejects_missing_repeated_and_unexpected_arguments() {
        assert_eq!(parse(&["--project"]).unwrap_err(), UsageError::NoValue("--project".to_owned()));
        let twice = parse(&["--project", "a", "--project=b"]);
        assert_eq!(twice.unwrap_err(), UsageError::GivenTwice("--project".to_owned()));
        for word in ["word", "", "-"] {
            assert_eq!(parse(&[word]).unwrap_err(), UsageError::UnexpectedArgument(word.to_owned()));
        }
        let unknown = UsageError::UnknownFlag { flag: "--".to_owned(), similar: None };
        assert_eq!(parse(&["--"]).unwrap_err(), unknown);
    }
}
