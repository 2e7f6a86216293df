//! The files that the SDK reads, and their text.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{MAIN_SEPARATOR, Path, PathBuf};

use super::{ConfError, ConfProblem};
use crate::environment::Environment;

/// Real configuration files are much smaller. It limits the work that a wrong file can cause.
const MAX_BYTES: u64 = 256 * 1024;

/// The files that the SDK looks for. Later ones override earlier ones.
pub(super) fn candidates(environment: &Environment) -> Vec<PathBuf> {
    let first_set = |names: [&str; 2]| names.into_iter().find_map(|name| trimmed(environment, name));
    // Python looks at the first of the two on each system.
    let home =
        first_set(if cfg!(windows) { ["USERPROFILE", "HOME"] } else { ["HOME", "USERPROFILE"] }).map(PathBuf::from);
    match (first_set(["CLEARML_CONFIG_FILE", "TRAINS_CONFIG_FILE"]), home) {
        (Some(file), home) => vec![expand_home(file, home.as_deref())],
        (None, Some(home)) => vec![home.join("trains.conf"), home.join("clearml.conf")],
        (None, None) => Vec::new(),
    }
}

/// A variable as the SDK reads it: trimmed, and unset if nothing is left.
fn trimmed<'e>(environment: &'e Environment, name: &str) -> Option<&'e str> {
    environment.get(name).map(str::trim).filter(|value| !value.is_empty())
}

/// Replaces a leading `~` by the home directory, but not the one of another user (`~name`).
pub(super) fn expand_home(path: &str, home: Option<&Path>) -> PathBuf {
    match (path.strip_prefix('~'), home) {
        (Some(""), Some(home)) => home.to_path_buf(),
        (Some(rest), Some(home)) if rest.starts_with(['/', MAIN_SEPARATOR]) => {
            home.join(rest.trim_start_matches(['/', MAIN_SEPARATOR]))
        }
        _ => PathBuf::from(path),
    }
}

/// The text of a file; `None` if there is no such file, as for the SDK.
pub(super) fn read(file: &Path) -> Result<Option<String>, ConfError> {
    let error = |problem| ConfError { file: file.to_path_buf(), line: None, problem };
    let unreadable = |problem: io::Error| error(ConfProblem::Unreadable(problem.to_string()));
    let meta = match fs::metadata(file) {
        Ok(meta) if meta.is_file() => meta,
        Ok(_) => return Ok(None),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        Err(problem) => return Err(unreadable(problem)),
    };
    if meta.len() > MAX_BYTES {
        return Err(error(ConfProblem::TooLarge(MAX_BYTES)));
    }
    let bytes = fs::read(file).map_err(unreadable)?;
    String::from_utf8(bytes).map(Some).map_err(|_| error(ConfProblem::NotUtf8))
}
