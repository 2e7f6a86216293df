//! The command line: what it asks for, and which documents.

use std::path::PathBuf;

use argh::FromArgs as _;

use crate::settings::flags::Flags;
use crate::settings::table;

/// A document that a flag asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Document {
    /// `--json`
    Json,
    /// `--markdown`
    Markdown,
    /// `--junit`
    Junit,
}

/// Where a document goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// To standard output, which then holds nothing else.
    Stdout,
    /// Into a file, in place of what it held.
    File(PathBuf),
}

impl Flags {
    /// The documents that are asked for, in the order in which they are written.
    pub(crate) fn documents(&self) -> Vec<(Document, Target)> {
        let all = [(Document::Json, &self.json), (Document::Markdown, &self.markdown), (Document::Junit, &self.junit)];
        let target = |value: &str| if value == "-" { Target::Stdout } else { Target::File(value.into()) };
        let given = all.into_iter().filter_map(|(document, value)| Some((document, value.as_deref()?)));
        given.filter(|(_, value)| !value.is_empty()).map(|(document, value)| (document, target(value))).collect()
    }
}

/// What the command line asks for.
#[derive(Debug)]
pub(crate) enum Command {
    /// Judge a commit.
    Gate(Box<Flags>),
    /// Print this text and stop.
    Print(String),
}

/// Reads the command line.
///
/// # Errors
/// A message for the user when a flag is unknown, lacks its value or is given twice.
pub(crate) fn parse(args: &[String]) -> Result<Command, String> {
    let args = separated(args);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match Flags::from_args(&["clearml-gate"], &args) {
        Ok(flags) if flags.version => {
            Ok(Command::Print(concat!("clearml-gate ", env!("CARGO_PKG_VERSION"), "\n").to_owned()))
        }
        Ok(flags) if flags.documents().iter().filter(|(_, target)| *target == Target::Stdout).count() > 1 => {
            Err(usage(
                "Only one of --json, --markdown and --junit can go to standard output (-); give files for the others.",
            ))
        }
        Ok(flags) => Ok(Command::Gate(Box::new(flags))),
        Err(exit) if exit.status.is_ok() => Ok(Command::Print(table::help())),
        Err(exit) => Err(usage(&exit.output)),
    }
}

/// Splits `--flag=value` in two, a form that argh does not know and everybody types.
fn separated(args: &[String]) -> Vec<String> {
    let mut out = Vec::with_capacity(args.len());
    let mut is_value = false;
    for arg in args {
        match arg.split_once('=') {
            Some((flag, value)) if !is_value && flag.starts_with("--") => {
                out.extend([flag.to_owned(), value.to_owned()]);
            }
            _ => {
                is_value = !is_value && arg.starts_with("--") && table::is_flag(arg);
                out.push(arg.clone());
            }
        }
    }
    out
}

fn usage(problem: &str) -> String {
    let problem = problem.trim().lines().take_while(|line| !line.trim().is_empty()).collect::<Vec<_>>().join("\n");
    format!("clearml-gate: {problem}\nSee clearml-gate --help.\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(args: &[&str]) -> Flags {
        let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        match parse(&args) {
            Ok(Command::Gate(flags)) => *flags,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn both_forms_of_a_flag_are_read() {
        assert_eq!(flags(&["--project", "a=b"]).get("project"), Some("a=b"));
        assert_eq!(flags(&["--project=a=b"]).get("project"), Some("a=b"));
        assert_eq!(flags(&["--task-name", "--x=1"]).get("task-name"), Some("--x=1"));
        assert_eq!(flags(&["--project", ""]).get("project"), None);
        assert_eq!(flags(&["--scalar-target", "-3"]).get("scalar-target"), Some("-3"));
        assert_eq!(flags(&["--task-name", "help"]).get("task-name"), Some("help"));
    }

    #[test]
    fn a_value_is_left_as_it_is_even_if_it_looks_like_a_flag() {
        let separated = |args: [&str; 2]| separated(&args.map(str::to_owned)).join(" ");
        for flag in ["--project", "--json"] {
            assert_eq!(separated([flag, "--x=y"]), format!("{flag} --x=y"));
        }
        for other in ["--help", "--api-secret-key", "--unknown", "project"] {
            assert_eq!(separated([other, "--project=y"]), format!("{other} --project y"));
        }
    }

    #[test]
    fn every_setting_with_a_flag_is_read_from_it() {
        for setting in table::SETTINGS.iter().filter(|setting| !setting.secret) {
            assert_eq!(
                flags(&[&format!("--{}", setting.flag()), "value"]).get(&setting.flag()),
                Some("value"),
                "{}",
                setting.name
            );
        }
    }

    #[test]
    fn documents_go_to_files_or_one_of_them_to_standard_output() {
        let both = flags(&["--json=-", "--markdown", "a=b.md", "--junit", ""]);
        let expected = [(Document::Json, Target::Stdout), (Document::Markdown, Target::File("a=b.md".into()))];
        assert_eq!(both.documents(), expected);
        let twice = ["--json", "-", "--junit", "-"].map(str::to_owned);
        assert!(parse(&twice).unwrap_err().contains("Only one of"));
    }

    #[test]
    fn secrets_have_no_flag() {
        for setting in table::SETTINGS.iter().filter(|setting| setting.secret) {
            let args = [format!("--{}", setting.flag()), "value".to_owned()];
            assert!(parse(&args).is_err(), "{}", setting.name);
        }
    }
}
