//! The command line: which command to run, and which documents to write.

use std::path::PathBuf;

use crate::settings::flags::{Flags, UsageError};
use crate::wording::help;

/// A document that a flag requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Document {
    Json,
    Markdown,
    Junit,
}

/// Where a document goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// Standard output, which then holds nothing else.
    Stdout,
    /// A file, which is replaced.
    File(PathBuf),
}

impl Flags {
    /// The requested documents, in the order in which they are written.
    pub(crate) fn documents(&self) -> Vec<(Document, Target)> {
        let all = [("json", Document::Json), ("markdown", Document::Markdown), ("junit", Document::Junit)];
        let target = |value: &str| if value == "-" { Target::Stdout } else { Target::File(value.into()) };
        all.into_iter().filter_map(|(flag, document)| Some((document, target(self.get(flag)?)))).collect()
    }
}

/// What the command line asks for.
#[derive(Debug)]
pub(crate) enum Command {
    /// Judge a commit.
    Gate(Flags),
    /// Print this text and stop.
    Print(String),
}

/// Reads the command line. Without the name of a command, it is the gate's.
pub(crate) fn parse(args: &[String]) -> Result<Command, UsageError> {
    match args.first().map(String::as_str) {
        Some("help") => Ok(Command::Print(help::help())),
        _ => gate(Flags::parse(args)?),
    }
}

fn gate(flags: Flags) -> Result<Command, UsageError> {
    if flags.help {
        return Ok(Command::Print(help::help()));
    }
    if flags.version {
        return Ok(Command::Print(help::VERSION.to_owned()));
    }
    let to_stdout = flags.documents().iter().filter(|(_, target)| *target == Target::Stdout).count();
    if to_stdout > 1 { Err(UsageError::SeveralDocumentsToStdout) } else { Ok(Command::Gate(flags)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Command, UsageError> {
        parse(&args.iter().map(|&arg| arg.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn documents_go_to_files_or_one_of_them_to_standard_output() {
        let Ok(Command::Gate(both)) = parsed(&["--json=-", "--markdown", "a=b.md", "--junit", ""]) else { panic!() };
        let expected = [(Document::Json, Target::Stdout), (Document::Markdown, Target::File("a=b.md".into()))];
        assert_eq!(both.documents(), expected);
        let twice = parsed(&["--json", "-", "--junit", "-"]);
        assert_eq!(twice.unwrap_err(), UsageError::SeveralDocumentsToStdout);
    }

    #[test]
    fn every_document_of_the_help_can_be_requested() {
        for (flag, _) in crate::settings::flags::DOCUMENTS {
            let Ok(Command::Gate(flags)) = parsed(&[&format!("--{flag}"), "-"]) else { panic!("{flag}") };
            assert_eq!(flags.documents().len(), 1, "{flag}");
        }
    }

    #[test]
    fn help_is_a_command_too() {
        for args in [&["help"][..], &["-h"], &["--help"], &["--project", "a", "-h"]] {
            assert!(matches!(parsed(args), Ok(Command::Print(text)) if text == help::help()), "{args:?}");
        }
    }
}
