//! Writes the report everywhere it was requested: console, job summary, step outputs, documents, comment, in this order.
//! A report that cannot be written is a warning, and changes neither verdict nor exit code.

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io::Write;
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

/// Only a person reads these errors. `anyhow` does the same, but adds 20 kB to the binary.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The longest step summary that GitHub accepts, in bytes.
const SUMMARY: usize = 1024 * 1024;
/// The longest comment that GitHub accepts, in characters. Other Markdown reports get the same limit, so that a workflow can
/// post them as a comment.
const COMMENT: usize = 65_536;

/// Standard output or standard error.
pub struct Stream<'a> {
    /// Where it goes.
    pub writer: &'a mut dyn Write,
    /// Whether it is a terminal.
    pub is_terminal: bool,
}

impl fmt::Debug for Stream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("is_terminal", &self.is_terminal).finish_non_exhaustive()
    }
}

impl Stream<'_> {
    /// Writes the text. A closed stream is ignored: the exit code still reports the verdict.
    pub(crate) fn write(&mut self, text: &str) {
        let _ = self.writer.write_all(text.as_bytes()).and_then(|()| self.writer.flush());
    }
}

/// Everywhere a report can go.
#[derive(Debug)]
pub(crate) struct Delivery<'a> {
    /// Contains the paths of the runner's files.
    pub(crate) environment: Environment,
    /// The directory that relative paths start from.
    pub(crate) directory: PathBuf,
    /// The documents that the command line requests.
    pub(crate) documents: Vec<(Document, Target)>,
    /// Standard output.
    pub(crate) out: Stream<'a>,
    /// Standard error.
    pub(crate) err: Stream<'a>,
}

/// Shows progress: on a terminal in one line, in a log line by line.
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
    /// Progress goes to standard error, so that standard output contains only the report.
    pub(crate) fn progress(&mut self) -> impl Progress + use<'_, 'a> {
        Console { stream: &mut self.err, shown: 0 }
    }
}

impl Delivery<'_> {
    /// Writes everything and returns the exit code.
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

    /// The report for people. It goes to standard error if a document uses standard output, or if the settings are invalid.
    fn console(&mut self, ended: &RunResult<'_>) {
        let stdout_in_use = self.documents.iter().any(|(_, target)| *target == Target::Stdout);
        let is_fault = matches!(ended, RunResult::NotStarted(NotStarted::InvalidSettings(_)));
        let on_github = self.is_on_github();
        let stream = if stdout_in_use || is_fault { &mut self.err } else { &mut self.out };
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
        let written = append(path.as_ref(), |present| {
            // An earlier step may not have ended its last line.
            let room = SUMMARY.saturating_sub(present).saturating_sub(2);
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
                self.warn_if_unwritten(written.map_err(Into::into), name);
            }
        }
    }

    fn comment(&mut self, ended: &RunResult<'_>, context: Option<&CiContext>) {
        let RunResult::Gated(report) = ended else { return };
        let written = self.write_comment(report, context);
        self.warn_if_unwritten(written, "comment on the pull request");
    }

    fn write_comment(&self, report: &Report<'_>, context: Option<&CiContext>) -> Result<()> {
        let unchanged = matches!(&report.outcome, Outcome::Judged(judged) if judged.verdict == Verdict::Unchanged);
        let only_update = match report.settings.comment {
            Comment::Never => return Ok(()),
            Comment::Always => false,
            Comment::Change => unchanged,
        };
        // Outside of a pull request there is nothing to comment on. A push must not get a warning for that.
        let Some((context, pull)) = context.and_then(|context| Some((context, context.pull_request.as_ref()?))) else {
            return Ok(());
        };
        let forge = context.forge.as_ref().ok_or("this works only on GitHub, Gitea and Forgejo")?;
        let github = GitHub::new(forge, &self.environment)?;
        let numbers = match pull.number {
            Some(number) => vec![number],
            None => github.pulls_with_head(&forge.repository, &report.settings.commit)?,
        };
        if numbers.is_empty() {
            return Err("no open pull request has this commit as its head".into());
        }
        let marker = markdown::marker(report.settings);
        let body = format!("{marker}\n{}", markdown::render(report, COMMENT - marker.len() - 1));
        for number in numbers {
            let pull = PullRequest { repository: forge.repository.clone(), number, from_fork: pull.from_fork };
            github.put_comment(&pull, &marker, &body, only_update)?;
        }
        Ok(())
    }

    fn warn_if_unwritten(&mut self, written: Result<()>, what: &str) {
        if let Err(error) = written {
            self.warn(&format!("the {what} could not be written: {error}"));
        }
    }

    /// Writes a warning to the log, on GitHub as an annotation of the check.
    fn warn(&mut self, text: &str) {
        let text = if self.is_on_github() { annotation::warning(text) } else { format!("warning: {text}\n") };
        self.err.write(&text);
    }
}

/// Appends a text to a file. The text depends on the number of bytes in the file.
fn append(path: &Path, text: impl FnOnce(usize) -> String) -> Result<()> {
    let mut file = File::options().create(true).append(true).open(path)?;
    let present = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    Ok(file.write_all(text(present).as_bytes())?)
}
