//! How git is run: what it must not do, how long it may take, and what its failures mean.

use std::env;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::error::GitError;
use crate::environment::{Environment, without_secrets};

/// How long one git process may take. Thousands of commits take about a second.
const LIMIT: Duration = Duration::from_secs(30);
/// How long a git that is at its end may take to say why.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How much of its complaints is kept.
const MOST_SAID: u64 = 1 << 16;

/// No objects in place of others, no pager, and no program that watches the files, whatever is configured. A repository
/// without a checkout counts only where `GIT_DIR` names it: a folder that a pull request brings along can look like one.
const PLAIN: [&str; 6] =
    ["--no-replace-objects", "--no-pager", "-c", "core.fsmonitor=false", "-c", "safe.bareRepository=explicit"];

/// English, no locks, no questions, no history made up by grafts, and nothing from the net. `GIT_NO_LAZY_FETCH` is known
/// to git 2.45 and up; an older one that wants to fetch finds no protocol allowed.
const VARIABLES: [(&str, &str); 6] = [
    ("LC_ALL", "C"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_GRAFT_FILE", ""),
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_ALLOW_PROTOCOL", "none"),
];

/// What decides which git runs, on which repository and with whose configuration, comes from the environment that was
/// lent; everything else from this process.
const LENT: [&str; 5] = ["PATH", "HOME", "XDG_CONFIG_HOME", "GIT_CONFIG_NOSYSTEM", "GIT_DIR"];

/// Git in a folder, with the environment that was lent, before it is told what to do.
pub(crate) fn git(directory: &Path, environment: &Environment) -> Command {
    let mut git = Command::new("git");
    git.args(PLAIN).current_dir(directory);
    without_secrets(&mut git);
    git.envs(LENT.into_iter().filter_map(|name| Some((name, environment.get(name)?)))).envs(VARIABLES);
    if let Some(path) = environment.get("PATH").and_then(absolute) {
        git.env("PATH", path);
    }
    git
}

/// The folders in which programs are looked for, without those that depend on the working directory: what lies there
/// comes from whoever wrote the code under review.
fn absolute(path: &str) -> Option<OsString> {
    let path = env::join_paths(env::split_paths(path).filter(|folder| folder.is_absolute())).ok()?;
    // An empty list would mean the working directory.
    Some(if path.is_empty() { OsString::from("/no/folder/is/absolute") } else { path })
}

/// Git in a folder.
pub(super) struct Git<'a> {
    directory: &'a Path,
    environment: &'a Environment,
    /// How long one process may take.
    pub(super) limit: Duration,
}

/// What goes to git and what comes from it.
pub(super) struct Pipes {
    pub(super) to: Box<dyn Write + Send>,
    pub(super) from: Box<dyn BufRead + Send>,
}

/// What was heard from git.
pub(super) enum Heard<T> {
    /// As much as was wanted; how git ends does not matter.
    Enough(T),
    /// Everything it had to say, which counts if it also ended well.
    All(T),
}

/// Why a conversation ended early.
#[derive(Debug)]
pub(super) enum Broken {
    /// Git is gone; it may have said why.
    Pipe,
    /// It is clear why.
    Known(GitError),
}

impl From<io::Error> for Broken {
    fn from(_: io::Error) -> Self {
        Self::Pipe
    }
}

impl From<GitError> for Broken {
    fn from(why: GitError) -> Self {
        Self::Known(why)
    }
}

impl<'a> Git<'a> {
    pub(super) const fn new(directory: &'a Path, environment: &'a Environment) -> Self {
        Self { directory, environment, limit: LIMIT }
    }

    /// Runs git and talks with it until the conversation is over or the time is up.
    ///
    /// The conversation has a thread of its own, which is left behind when the time is up: a program that git started
    /// may hold the pipes open longer than git lives.
    pub(super) fn talk<T: Send + 'static>(
        &self,
        args: &[&str],
        talk: impl FnOnce(Pipes) -> Result<Heard<T>, Broken> + Send + 'static,
    ) -> Result<T, GitError> {
        let deadline = Instant::now() + self.limit;
        let (mut running, pipes, stderr) = self.start(args)?;
        let said = aside(move || first_of(stderr))?;
        let heard = aside(move || talk(pipes))?;
        match heard.recv_timeout(self.limit) {
            Ok(Ok(Heard::Enough(heard))) => Ok(heard),
            Ok(Ok(Heard::All(heard))) => match running.ended_well(deadline) {
                Some(true) => Ok(heard),
                Some(false) => Err(self.why(&said)),
                None => Err(GitError::TimedOut(self.limit)),
            },
            Ok(Err(Broken::Known(why))) => Err(why),
            Ok(Err(Broken::Pipe)) => Err(self.why(&said)),
            Err(RecvTimeoutError::Timeout) => Err(GitError::TimedOut(self.limit)),
            Err(RecvTimeoutError::Disconnected) => Err(GitError::Odd("the conversation broke off".to_owned())),
        }
    }

    fn start(&self, args: &[&str]) -> Result<(Running, Pipes, ChildStderr), GitError> {
        let mut git = git(self.directory, self.environment);
        git.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = Running(git.spawn().map_err(|error| self.not_started(&error))?);
        let child = &mut running.0;
        let (Some(to), Some(from), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(GitError::Odd("it has no pipes".to_owned()));
        };
        Ok((running, Pipes { to: Box::new(to), from: Box::new(BufReader::new(from)) }, stderr))
    }

    fn not_started(&self, error: &io::Error) -> GitError {
        match error.kind() {
            // The same error stands for a working directory that is not there.
            io::ErrorKind::NotFound if self.directory.is_dir() => GitError::NoGit,
            io::ErrorKind::NotFound => GitError::NoRepository,
            _ => GitError::Odd(error.to_string()),
        }
    }

    /// What git's last words mean.
    fn why(&self, said: &Receiver<String>) -> GitError {
        self.meaning(&said.recv_timeout(LAST_WORDS).unwrap_or_default())
    }

    pub(super) fn meaning(&self, said: &str) -> GitError {
        let holds = |words: &str| said.to_ascii_lowercase().contains(words);
        if holds("dubious ownership") || holds("unsafe repository") {
            let place = said.split('\'').nth(1).map(str::to_owned);
            return GitError::NotOwned(place.unwrap_or_else(|| self.directory.display().to_string()));
        }
        if holds("not a git repository") {
            return GitError::NoRepository;
        }
        let complaint = |line: &&str| line.starts_with("fatal:") || line.starts_with("error:");
        let line = said.lines().find(complaint).or_else(|| said.lines().next());
        GitError::Odd(line.unwrap_or("it ended without a word").to_owned())
    }
}

/// A process that does not outlive its use.
struct Running(Child);

impl Running {
    /// Whether it ended well; `None` when it does not end in time.
    fn ended_well(&mut self, deadline: Instant) -> Option<bool> {
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

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Does something in a thread of its own.
fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<Receiver<T>, GitError> {
    let (send, receive) = mpsc::channel();
    let spawned = thread::Builder::new().spawn(move || {
        // Nobody listens any more once the time is up.
        let _ = send.send(work());
    });
    spawned.map(|_| receive).map_err(|error| GitError::Odd(error.to_string()))
}

/// The beginning of a text; the rest is read too, since git waits until somebody does.
fn first_of(mut stderr: ChildStderr) -> String {
    let mut said = Vec::new();
    let _ = stderr.by_ref().take(MOST_SAID).read_to_end(&mut said);
    let _ = io::copy(&mut stderr, &mut io::sink());
    String::from_utf8_lossy(&said).into_owned()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_does_not_outlive_its_use() {
        let child = Command::new("sleep").arg("60").spawn().unwrap();
        let process = format!("/proc/{}", child.id());
        assert!(Path::new(&process).exists());
        drop(Running(child));
        assert!(!Path::new(&process).exists());
    }
}
