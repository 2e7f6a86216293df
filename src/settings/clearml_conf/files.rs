//! Which files the SDK reads its configuration from, and their text.

use std::fs;
use std::io::ErrorKind;
use std::path::{MAIN_SEPARATOR, Path, PathBuf};

use super::ConfError;

/// No configuration file comes near this size; it bounds the work a wrong file can cause.
const MAX_BYTES: u64 = 256 * 1024;

/// The files the SDK looks for, later ones overriding earlier ones.
pub(super) fn candidates(env: &dyn Fn(&str) -> Option<String>) -> Vec<PathBuf> {
    let home = home(env);
    let named = ["CLEARML_CONFIG_FILE", "TRAINS_CONFIG_FILE"].into_iter().find_map(|name| env_text(env, name));
    match (named, home) {
        (Some(named), home) => vec![expand_home(&named, home.as_deref())],
        (None, Some(home)) => vec![home.join("trains.conf"), home.join("clearml.conf")],
        (None, None) => Vec::new(),
    }
}

/// The home directory by the variable the SDK's language goes by on this system, or the other one.
fn home(env: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let names = if cfg!(windows) { ["USERPROFILE", "HOME"] } else { ["HOME", "USERPROFILE"] };
    names.into_iter().find_map(|name| env_text(env, name)).map(PathBuf::from)
}

/// A variable as the SDK reads it: without the space around it, and unset when nothing is left.
fn env_text(env: &dyn Fn(&str) -> Option<String>, name: &str) -> Option<String> {
    env(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// Puts the home directory in place of a leading `~`; another user's (`~name`) is left as it is.
pub(super) fn expand_home(path: &str, home: Option<&Path>) -> PathBuf {
    match (path.strip_prefix('~'), home) {
        (Some(""), Some(home)) => home.to_path_buf(),
        (Some(rest), Some(home)) if rest.starts_with(['/', MAIN_SEPARATOR]) => {
            home.join(rest.trim_start_matches(['/', MAIN_SEPARATOR]))
        }
        _ => PathBuf::from(path),
    }
}

/// The text of a file, or nothing where there is no such file, which the SDK passes over as well.
pub(super) fn read(file: &Path) -> Result<Option<String>, ConfError> {
    let fault = |why: String| ConfError { file: file.to_path_buf(), line: None, why };
    let meta = match fs::metadata(file) {
        Ok(meta) if meta.is_file() => meta,
        Ok(_) => return Ok(None),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(fault(error.to_string())),
    };
    if meta.len() > MAX_BYTES {
        return Err(fault(format!("it is larger than {MAX_BYTES} bytes, so it is no ClearML configuration")));
    }
    let bytes = fs::read(file).map_err(|error| fault(error.to_string()))?;
    String::from_utf8(bytes).map(Some).map_err(|_| fault("it is not UTF-8 text".to_owned()))
}
