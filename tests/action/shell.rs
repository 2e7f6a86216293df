//! Starts a step's script as the runner does: the shells it knows, with its arguments.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::action::cmd;

/// How a script ended, and what it printed to stdout and stderr.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) log: String,
}

/// A script's environment: all its variables, and its working directory.
pub(crate) struct Surroundings<'a> {
    pub(crate) environment: &'a BTreeMap<String, String>,
    pub(crate) directory: &'a Path,
}

/// Writes the script to a file next to `file` and runs it.
pub(crate) fn run(shell: &str, script: &str, file: &Path, surroundings: &Surroundings<'_>) -> Ended {
    let arguments: &[&str] = match shell {
        "sh" => &["-e"],
        "bash" => &["--noprofile", "--norc", "-e", "-o", "pipefail"],
        "cmd" => return cmd::run(script, surroundings),
        _ => panic!("the runner of these tests does not know the shell {shell:?}"),
    };
    let file = file.with_extension("sh");
    fs::write(&file, script).unwrap();
    let program = find(shell, &surroundings.environment["PATH"]);
    start(Command::new(program).args(arguments).arg(file), surroundings)
}

fn find(program: &str, path: &str) -> std::path::PathBuf {
    let found = std::env::split_paths(path).map(|folder| folder.join(program)).find(|file| file.is_file());
    found.unwrap_or_else(|| panic!("these tests need {program}"))
}

/// Runs a program with this environment only.
pub(crate) fn start(command: &mut Command, surroundings: &Surroundings<'_>) -> Ended {
    command.env_clear().envs(surroundings.environment).current_dir(surroundings.directory).stdin(Stdio::null());
    let output = command.output().unwrap();
    let log = [output.stdout, output.stderr].map(|stream| String::from_utf8(stream).unwrap()).concat();
    Ended { code: output.status.code().unwrap_or(-1), log }
}
