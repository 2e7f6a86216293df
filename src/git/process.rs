//! Runs git: what it must not do, how long it may take, and what its failures mean.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::error::GitError;
use super::variables::{program, variables};
use crate::environment::Environment;

/// The time limit for one git process. Thousands of commits take about a second.
const TIME_LIMIT: Duration = Duration::from_secs(30);
/// How long to wait for the error output of a git that has closed its output.
const ERROR_WAIT: Duration = Duration::from_secs(2);
/// How many bytes of the error output are kept.
const MOST_ERROR_OUTPUT: u64 = 1 << 16;

/// Ignore replaced objects, and start no pager and no file watcher, whatever is configured. A bare repository counts
/// only where `GIT_DIR` names it: a pull request can contain a folder that looks like one.
const OPTIONS: [&str; 6] =
    ["--no-replace-objects", "--no-pager", "-c", "core.fsmonitor=false", "-c", "safe.bareRepository=explicit"];

/// Git in a folder. Every git process of this program starts here.
#[derive(Debug)]
pub(crate) struct Git<'a> {
    directory: &'a Path,
    environment: &'a Environment,
    pub(super) time_limit: Duration,
}

/// The input and output of a git process.
pub(super) struct Pipes {
    pub(super) to: Box<dyn Write + Send>,
    pub(super) from: Box<dyn BufRead + Send>,
}

/// What a conversation with git led to.
pub(super) enum Reply<T> {
    /// Known before git is done; its exit code does not matter.
    Early(T),
    /// Known from the complete output; valid only if git exits with success.
    Complete(T),
}

/// Why a conversation with git failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// Git closed a pipe. Its error output may say why.
    PipeClosed,
    Known(GitError),
}

impl From<io::Error> for Failure {
    fn from(_: io::Error) -> Self {
        Self::PipeClosed
    }
}

impl From<GitError> for Failure {
    fn from(error: GitError) -> Self {
        Self::Known(error)
    }
}

impl<'a> Git<'a> {
    pub(crate) const fn new(directory: &'a Path, environment: &'a Environment) -> Self {
        Self { directory, environment, time_limit: TIME_LIMIT }
    }

    /// Runs git to its end and returns its output.
    ///
    /// # Errors
    /// Also when git exits with a failure.
    pub(crate) fn output(&self, args: &[&str]) -> Result<String, GitError> {
        self.talk(args, |mut pipes| {
            let mut output = Vec::new();
            pipes.from.read_to_end(&mut output)?;
            Ok(Reply::Complete(String::from_utf8_lossy(&output).into_owned()))
        })
    }

    /// Runs git and lets `talk` write to it and read from it, up to the time limit.
    ///
    /// `talk` gets a thread of its own, which is abandoned at the time limit: a program that git started can keep the
    /// pipes open after git itself was killed.
    pub(super) fn talk<T: Send + 'static>(
        &self,
        args: &[&str],
        talk: impl FnOnce(Pipes) -> Result<Reply<T>, Failure> + Send + 'static,
    ) -> Result<T, GitError> {
        let deadline = Instant::now() + self.time_limit;
        let (mut process, pipes, stderr) = self.start(args)?;
        let errors = in_thread(move || start_of(stderr))?;
        let reply = in_thread(move || talk(pipes))?;
        match reply.recv_timeout(self.time_limit) {
            Ok(Ok(Reply::Early(reply))) => Ok(reply),
            Ok(Ok(Reply::Complete(reply))) => match process.succeeds(deadline) {
                Some(true) => Ok(reply),
                Some(false) => Err(self.explain(&errors)),
                None => Err(GitError::TimedOut(self.time_limit)),
            },
            Ok(Err(Failure::Known(error))) => Err(error),
            Ok(Err(Failure::PipeClosed)) | Err(RecvTimeoutError::Disconnected) => Err(self.explain(&errors)),
            Err(RecvTimeoutError::Timeout) => Err(GitError::TimedOut(self.time_limit)),
        }
    }

    fn command(&self) -> Command {
        let variables = variables(self.environment, self.directory);
        let mut git = Command::new(program(&variables));
        git.args(OPTIONS).current_dir(self.directory).env_clear().envs(variables);
        git
    }

    fn start(&self, args: &[&str]) -> Result<(Process, Pipes, ChildStderr), GitError> {
        let mut git = self.command();
        git.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = Process(git.spawn().map_err(|error| self.not_started(&error))?);
        let child = &mut process.0;
        let (Some(to), Some(from), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(GitError::Failed(String::new()));
        };
        Ok((process, Pipes { to: Box::new(to), from: Box::new(BufReader::new(from)) }, stderr))
    }

    fn not_started(&self, error: &io::Error) -> GitError {
        match error.kind() {
            // A working directory that does not exist causes the same error.
            io::ErrorKind::NotFound if self.directory.is_dir() => GitError::NoGit,
            io::ErrorKind::NotFound => GitError::NoRepository,
            _ => GitError::Failed(error.to_string()),
        }
    }

    fn explain(&self, errors: &Receiver<String>) -> GitError {
        self.explain_text(&errors.recv_timeout(ERROR_WAIT).unwrap_or_default())
    }

    pub(super) fn explain_text(&self, errors: &str) -> GitError {
        let contains = |words: &str| errors.to_ascii_lowercase().contains(words);
        if contains("dubious ownership") || contains("unsafe repository") {
            let folder = errors.split('\'').nth(1).map(str::to_owned);
            return GitError::NotOwned(folder.unwrap_or_else(|| self.directory.display().to_string()));
        }
        if contains("not a git repository") {
            return GitError::NoRepository;
        }
        let is_error = |line: &&str| line.starts_with("fatal:") || line.starts_with("error:");
        let line = errors.lines().find(is_error).or_else(|| errors.lines().next());
        GitError::Failed(line.unwrap_or_default().to_owned())
    }
}

/// A process that is killed when it is dropped.
struct Process(Child);

impl Process {
    /// Whether it exits with success; `None` if it does not exit in time.
    fn succeeds(&mut self, deadline: Instant) -> Option<bool> {
        loop {
            match self.0.try_wait() {
                Ok(Some(status)) => return Some(status.success()),
                Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(1)),
                Ok(None) => return None,
                Err(_) => return Some(false),
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn in_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<Receiver<T>, GitError> {
    let (sender, receiver) = mpsc::channel();
    let spawned = thread::Builder::new().spawn(move || {
        // After the time limit nobody listens.
        let _ = sender.send(work());
    });
    spawned.map(|_| receiver).map_err(|error| GitError::Failed(error.to_string()))
}

/// Reads everything, because git blocks on a full pipe, but keeps only the start.
fn start_of(mut stderr: ChildStderr) -> String {
    let mut start = Vec::new();
    let _ = stderr.by_ref().take(MOST_ERROR_OUTPUT).read_to_end(&mut start);
    let _ = io::copy(&mut stderr, &mut io::sink());
    String::from_utf8_lossy(&start).into_owned()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_process_is_killed() {
        let child = Command::new("sleep").arg("60").spawn().unwrap();
        let folder = format!("/proc/{}", child.id());
        assert!(Path::new(&folder).exists());
        drop(Process(child));
        assert!(!Path::new(&folder).exists());
    }
}
