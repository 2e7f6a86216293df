//! Runs the real binary against a sandbox. Its environment has only what the test sets.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use clearml_gate::{Limits, Process, Stream};
use clearml_sandbox::Sandbox;
use tempfile::TempDir;

use super::scene::{HEAD, PROJECT, SERIES, TASK, TITLE};

/// A run of the binary that a test prepares.
pub(crate) struct Gate {
    environment: BTreeMap<String, String>,
    args: Vec<String>,
    /// The home and working directory. Empty, so the gate finds no clearml.conf and no checkout by accident.
    pub(crate) folder: TempDir,
    /// For files that must not be in a checkout.
    outside: TempDir,
}

/// How the binary ended, and what it wrote.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Gate {
    /// A gate without settings.
    pub(crate) fn bare() -> Self {
        let folder = TempDir::new().unwrap();
        let home = folder.path().to_str().unwrap().to_owned();
        let mut environment = BTreeMap::from([
            ("HOME".to_owned(), home.clone()),
            ("USERPROFILE".to_owned(), home),
            // Some CIs show colors, and the tests compare plain text.
            ("NO_COLOR".to_owned(), "1".to_owned()),
        ]);
        // Without `SystemRoot`, Windows cannot open a socket.
        for name in ["PATH", "SystemRoot"] {
            if let Ok(value) = std::env::var(name) {
                environment.insert(name.to_owned(), value);
            }
        }
        Self { environment, args: Vec::new(), folder, outside: TempDir::new().unwrap() }
    }

    /// A gate with the required settings, for the commit [`HEAD`].
    pub(crate) fn of(sandbox: &Sandbox) -> Self {
        Self::bare()
            .set("CLEARML_API_HOST", &sandbox.url())
            .set("CLEARML_API_ACCESS_KEY", sandbox.access_key())
            .set("CLEARML_API_SECRET_KEY", sandbox.secret_key())
            .set("CLEARML_PROJECT", PROJECT)
            .set("CLEARML_TASK_NAME", TASK)
            .set("CLEARML_SCALAR_TITLE", TITLE)
            .set("CLEARML_SCALAR_SERIES", SERIES)
            .set("CLEARML_WEB_HOST", "https://app.example.org")
            .set("COMMIT_ID", HEAD)
    }

    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Runs in GitHub Actions, for an event with this payload.
    pub(crate) fn on_event(self, name: &str, payload: &str) -> Self {
        let file = self.outside.path().join("event.json");
        std::fs::write(&file, payload).unwrap();
        self.set("GITHUB_ACTIONS", "true")
            .set("GITHUB_EVENT_NAME", name)
            .set("GITHUB_EVENT_PATH", file.to_str().unwrap())
    }

    pub(crate) fn unset(mut self, name: &str) -> Self {
        self.environment.remove(name);
        self
    }

    pub(crate) fn args(mut self, args: &[&str]) -> Self {
        self.args.extend(args.iter().map(|&arg| arg.to_owned()));
        self
    }

    /// Puts this shell script first in the path, as `git`, outside the checkout. In the script, `$GIT` is the real git.
    #[cfg(unix)]
    pub(crate) fn with_git(self, script: &str) -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let path = std::env::var("PATH").unwrap();
        let real = std::env::split_paths(&path).map(|folder| folder.join("git")).find(|git| git.is_file()).unwrap();
        let bin = self.outside.path().join("bin");
        std::fs::create_dir_all(&bin).unwrap();
        std::fs::write(bin.join("git"), format!("#!/bin/sh\nGIT='{}'\n{script}\n", real.display())).unwrap();
        std::fs::set_permissions(bin.join("git"), std::fs::Permissions::from_mode(0o755)).unwrap();
        self.set("PATH", &format!("{}:{path}", bin.display()))
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn command(&self) -> Command {
        // .ci/cross runs the same tests with a binary for another platform, through an emulator.
        let binary = std::env::var_os("CLEARML_GATE_TEST_BINARY");
        let mut command = Command::new(binary.unwrap_or_else(|| env!("CARGO_BIN_EXE_clearml-gate").into()));
        command.env_clear().envs(&self.environment).args(&self.args).current_dir(self.path()).stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self) -> Ran {
        Ran::of(&self.command().output().unwrap())
    }

    /// Runs the gate in the process of the tests, with these limits. The binary's own limits would make the test wait for a
    /// minute.
    pub(crate) fn run_within(&self, limits: Limits) -> Ran {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let exit = clearml_gate::run(Process {
            args: self.args.clone(),
            environment: self.environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
            directory: self.path().to_owned(),
            limits,
            out: Stream { writer: &mut out, is_terminal: false },
            err: Stream { writer: &mut err, is_terminal: false },
        });
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ran { code: exit.code().into(), out: text(out), err: text(err) }
    }
}

impl Ran {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout.clone()).unwrap(),
            err: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }

    /// Asserts the exit code, and how the report begins.
    #[track_caller]
    pub(crate) fn expect(self, code: i32, start: &str) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        assert!(self.out.starts_with(start), "expected {start:?}\n{}\n{}", self.out, self.err);
        self
    }

    /// Asserts that the report contains this text. Line breaks do not matter.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(unbroken(&self.out).contains(text), "expected {text:?} in\n{}\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    pub(crate) fn complains(self, text: &str) -> Self {
        assert!(unbroken(&self.err).contains(text), "expected {text:?} in\n{}\n{}", self.err, self.out);
        self
    }
}

/// The text as one line with single spaces.
pub(crate) fn unbroken(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
