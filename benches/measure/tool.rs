//! The measured tools as processes: the gate, and the same job done with the ClearML SDK.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clearml_sandbox::Sandbox;

use crate::Result;
use crate::scene::{HEAD, PROJECT, SERIES, TASK, TITLE};

/// The paths that benches/run.sh prepared.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The root of the checkout.
    pub(crate) root: PathBuf,
    /// The gate's binary.
    pub(crate) gate: PathBuf,
    /// Wheels, virtual environment, release, fresh directories.
    pub(crate) work: PathBuf,
    /// Repetitions; 0 selects a number that suits the part.
    pub(crate) runs: usize,
}

/// Which tool runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    Gate,
    Peer,
}

/// A server and the certificate authority to trust.
#[derive(Debug, Clone)]
pub(crate) struct Server<'a> {
    pub(crate) url: String,
    pub(crate) access_key: &'a str,
    pub(crate) secret_key: &'a str,
    /// A PEM file with the authority, for https.
    pub(crate) authority: Option<PathBuf>,
}

impl<'a> Server<'a> {
    /// The sandbox at this URL.
    pub(crate) fn of(sandbox: &'a Sandbox, url: String) -> Self {
        Self { url, access_key: sandbox.access_key(), secret_key: sandbox.secret_key(), authority: None }
    }
}

impl Place {
    /// The number of repetitions, or this default.
    pub(crate) fn runs_or(&self, usual: usize) -> usize {
        if self.runs == 0 { usual } else { self.runs }
    }

    /// The command, with only PATH from the caller's environment.
    pub(crate) fn command(&self, tool: Tool, server: &Server<'_>) -> Command {
        match tool {
            Tool::Gate => self.with_settings(&self.gate, &[], server),
            Tool::Peer => self.with_settings(
                &self.work.join("venv/bin/python"),
                &[self.root.join("benches/peer/peer.py")],
                server,
            ),
        }
    }

    /// A program with the settings that both tools read.
    pub(crate) fn with_settings(&self, program: &Path, args: &[PathBuf], server: &Server<'_>) -> Command {
        let mut command = Command::new(program);
        command.args(args).env_clear().current_dir(&self.work).stdin(Stdio::null());
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        let settings = [
            ("HOME", self.work.join("home").into_os_string()),
            ("CLEARML_API_HOST", server.url.clone().into()),
            ("CLEARML_API_ACCESS_KEY", server.access_key.into()),
            ("CLEARML_API_SECRET_KEY", server.secret_key.into()),
            ("CLEARML_WEB_HOST", "https://app.example.org".into()),
            ("CLEARML_FILES_HOST", "https://files.example.org".into()),
            ("CLEARML_PROJECT", PROJECT.into()),
            ("CLEARML_TASK_NAME", TASK.into()),
            ("CLEARML_SCALAR_TITLE", TITLE.into()),
            ("CLEARML_SCALAR_SERIES", SERIES.into()),
            ("COMMIT_ID", HEAD.into()),
        ];
        command.envs(settings);
        if let Some(authority) = &server.authority {
            // The peer needs the second one, because its SDK accepts no file in the first.
            command.env("CLEARML_API_HOST_VERIFY_CERT", authority).env("REQUESTS_CA_BUNDLE", authority);
        }
        command
    }
}

/// Runs the command without output and returns its wall time. An unexpected exit code is an error, because a tool that
/// fails early would look fast.
pub(crate) fn timed(command: &mut Command, expected: i32) -> Result<Duration> {
    let started = Instant::now();
    let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output()?;
    let elapsed = started.elapsed();
    if output.status.code() == Some(expected) {
        return Ok(elapsed);
    }
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Err(format!("{command:?}: expected exit code {expected}, got {}\n{out}\n{err}", output.status).into())
}

/// Peak resident memory in KiB.
///
/// The small program `time` starts the process, because memory inherited from the parent counts toward the peak, and a
/// large parent would hide the child.
pub(crate) fn peak_memory(command: &Command, expected: i32) -> Result<u64> {
    let report = tempfile::NamedTempFile::new()?;
    let args = ["-q", "-f", "%M", "-o"].map(OsString::from).into_iter().chain([report.path().into()]);
    timed(&mut wrapped("/usr/bin/time", args, command), expected)?;
    Ok(std::fs::read_to_string(report.path())?.trim().parse()?)
}

/// Instructions executed in user space, as callgrind counts them.
pub(crate) fn instructions(command: &Command, expected: i32) -> Result<u64> {
    let (profile, log) = (tempfile::NamedTempFile::new()?, tempfile::NamedTempFile::new()?);
    let option = |name: &str, path: &Path| OsString::from(format!("{name}={}", path.display()));
    let args =
        ["--tool=callgrind".into(), option("--callgrind-out-file", profile.path()), option("--log-file", log.path())];
    timed(&mut wrapped("/usr/bin/valgrind", args, command), expected)?;
    let profile = std::fs::read_to_string(profile.path())?;
    let total =
        profile.lines().find_map(|line| line.strip_prefix("summary: ").or_else(|| line.strip_prefix("totals: ")));
    Ok(total.ok_or("callgrind wrote no total")?.trim().parse()?)
}

/// The same command, run by another program.
fn wrapped(watcher: &str, args: impl IntoIterator<Item = OsString>, command: &Command) -> Command {
    let mut whole = Command::new(watcher);
    whole.args(args).arg(command.get_program()).args(command.get_args()).env_clear().stdin(Stdio::null());
    whole.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(directory) = command.get_current_dir() {
        whole.current_dir(directory);
    }
    whole
}
