//! Brings the report to all who asked for it: console, job summary, step outputs, documents, comment, in this order.
//! A report that cannot be written is a warning, and changes neither verdict nor exit code.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::ci::CiContext;
use crate::cli::{Document, Target};
use crate::environment::Environment;
use crate::exit::Exit;
use crate::gate::outcome::{NotStarted, Outcome, Report, RunResult};
use crate::gate::{Progress, Waiting};
use crate::github::{GitHub, PullRequest};
use crate::model::compare::Verdict;
use crate::report::color;
use crate::report::outputs::{self, Documents};
use crate::report::{annotation, markdown};
use crate::settings::Comment;
use crate::wording;

/// The most that GitHub takes for a step's summary, in bytes.
const SUMMARY: usize = 1024 * 1024;
/// The most that GitHub takes for a comment, in characters; also the room for Markdown elsewhere, which can so become
/// one.
const COMMENT: usize = 65_536;

/// A stream to a person or to a CI's log.
pub struct Stream<'a> {
    /// Where it goes.
    pub writer: &'a mut dyn Write,
    /// Whether a person sees it as it comes.
    pub is_terminal: bool,
}

impl fmt::Debug for Stream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("is_terminal", &self.is_terminal).finish_non_exhaustive()
    }
}

impl Stream<'_> {
    /// Writes the text, if somebody still listens: to those who do not, the exit code tells the verdict.
    pub(crate) fn write(&mut self, text: &str) {
        let _ = self.writer.write_all(text.as_bytes()).and_then(|()| self.writer.flush());
    }
}

/// Everywhere a report can go.
#[derive(Debug)]
pub(crate) struct Delivery<'a> {
    /// Names the files of the runner.
    pub(crate) environment: Environment,
    /// What relative paths are relative to.
    pub(crate) directory: PathBuf,
    /// What the command line asks for.
    pub(crate) documents: Vec<(Document, Target)>,
    /// Standard output.
    pub(crate) out: Stream<'a>,
    /// Standard error.
    pub(crate) err: Stream<'a>,
}

/// How waiting is told: on a terminal in one line, in a log line by line.
struct Console<'d, 'a> {
    stream: &'d mut Stream<'a>,
    shown: usize,
}

impl Progress for Console<'_, '_> {
    fn show(&mut self, waiting: &Waiting) {
        let line = wording::waiting(waiting);
        if self.stream.is_terminal {
            let text = format!("\r{line:<width$}", width = self.shown);
            self.stream.write(&text);
            self.shown = line.chars().count();
        } else {
            self.stream.write(&format!("{line}\n"));
        }
    }

    fn overwrites(&self) -> bool {
        self.stream.is_terminal
    }
}

impl Drop for Console<'_, '_> {
    fn drop(&mut self) {
        if self.shown > 0 {
            self.stream.write(&format!("\r{:shown$}\r", "", shown = self.shown));
        }
    }
}

impl<'a> Delivery<'a> {
    /// Where waiting is told: standard error, so that standard output holds the report alone.
    pub(crate) fn progress(&mut self) -> impl Progress + use<'_, 'a> {
        Console { stream: &mut self.err, shown: 0 }
    }
}

impl Delivery<'_> {
    /// Writes everything, and returns the exit code. `context` is what the CI told, where that matters.
    pub(crate) fn deliver(mut self, ended: &RunResult<'_>, context: Option<&CiContext>) -> Exit {
        self.console(ended);
        self.summary(ended);
        self.outputs(ended);
        for (document, target) in std::mem::take(&mut self.documents) {
            self.document(ended, document, &target);
        }
        self.comment(ended, context);
        ended.exit()
    }

    /// The report for people; to standard error when a document takes standard output, and when nothing was judged for
    /// faults in the settings.
    fn console(&mut self, ended: &RunResult<'_>) {
        let taken = self.documents.iter().any(|(_, target)| *target == Target::Stdout);
        let is_fault = matches!(ended, RunResult::NotStarted(NotStarted::Faults(_)));
        let on_github = self.is_on_github();
        let stream = if taken || is_fault { &mut self.err } else { &mut self.out };
        stream.write(&ended.text(color::choose(&self.environment, stream.is_terminal)));
        if on_github {
            stream.write(&ended.annotation());
        }
    }

    fn is_on_github(&self) -> bool {
        self.environment.get("GITHUB_ACTIONS") == Some("true")
    }

    fn summary(&mut self, ended: &RunResult<'_>) {
        let Some(path) = self.environment.get("GITHUB_STEP_SUMMARY") else { return };
        let written = append(path.as_ref(), |already| {
            // An earlier part that does not end its line would run into the heading.
            let room = SUMMARY.saturating_sub(already).saturating_sub(2);
            format!("\n{}\n", ended.markdown(room).trim_end())
        });
        self.warn_if_unwritten(written, "job summary");
    }

    fn outputs(&mut self, ended: &RunResult<'_>) {
        let Some(path) = self.environment.get("GITHUB_OUTPUT") else { return };
        let documents = Documents { json: ended.json(), markdown: ended.markdown(COMMENT) };
        let written = append(path.as_ref(), |_| outputs::render(ended, documents));
        self.warn_if_unwritten(written, "step outputs");
    }

    fn document(&mut self, ended: &RunResult<'_>, document: Document, target: &Target) {
        let (text, name) = match document {
            Document::Json => (ended.json(), "JSON report"),
            Document::Markdown => (ended.markdown(COMMENT), "Markdown report"),
            Document::Junit => (ended.junit(), "JUnit report"),
        };
        match target {
            Target::Stdout => self.out.write(&text),
            Target::File(path) => {
                let written = std::fs::write(self.directory.join(path), text);
                self.warn_if_unwritten(written, name);
            }
        }
    }

    fn comment(&mut self, ended: &RunResult<'_>, context: Option<&CiContext>) {
        let RunResult::Gated(report) = ended else { return };
        if let Err(problem) = self.commented(report, context) {
            self.warn(&format!("the comment on the pull request could not be written: {problem}"));
        }
    }

    fn commented(&self, report: &Report<'_>, context: Option<&CiContext>) -> Result<(), String> {
        let unchanged = matches!(&report.outcome, Outcome::Judged(judged) if judged.verdict == Verdict::Unchanged);
        let only_if_there = match report.settings.comment {
            Comment::Never => return Ok(()),
            Comment::Always => false,
            Comment::Change => unchanged,
        };
        // Outside of a pull request there is nothing to comment on, and a push must not be reproached for it.
        let Some((context, change)) = context.and_then(|context| Some((context, context.pull_request.as_ref()?)))
        else {
            return Ok(());
        };
        let forge = context.forge.as_ref().ok_or("only GitHub, Gitea and Forgejo are known")?;
        let github = GitHub::new(forge, &self.environment).map_err(|error| error.to_string())?;
        let numbers = match change.number {
            Some(number) => vec![number],
            None => github.pulls_of(&forge.repository, &report.settings.commit).map_err(|error| error.to_string())?,
        };
        if numbers.is_empty() {
            return Err("no open pull request has this commit as its head".to_owned());
        }
        let marker = markdown::marker(report.settings);
        let body = format!("{marker}\n{}", markdown::render(report, COMMENT - marker.len() - 1));
        for number in numbers {
            let pull = PullRequest { repository: forge.repository.clone(), number, from_fork: change.from_fork };
            github.put_comment(&pull, &marker, &body, only_if_there).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    fn warn_if_unwritten(&mut self, written: io::Result<()>, what: &str) {
        if let Err(error) = written {
            self.warn(&format!("the {what} could not be written: {error}"));
        }
    }

    /// Tells what else went wrong: in the log, or where GitHub shows it beside the check.
    fn warn(&mut self, text: &str) {
        let text = if self.is_on_github() { annotation::warning(text) } else { format!("warning: {text}\n") };
        self.err.write(&text);
    }
}

/// Appends to a file what is made of the number of bytes it holds already.
fn append(path: &Path, text: impl FnOnce(usize) -> String) -> io::Result<()> {
    let mut file = File::options().create(true).append(true).open(path)?;
    let already = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    file.write_all(text(already).as_bytes())
}
