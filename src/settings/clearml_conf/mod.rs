//! Reads the server and the credentials from the ClearML SDK's configuration file (`clearml.conf`).
//!
//! The file is HOCON in the dialect of the SDK's own parser, which is not the one of the specification. The SDK writes
//! URLs without quotes (`api_server: https://api.clear.ml`). A parser that follows the specification stops at the colon
//! there, or takes `//` for a comment. So there is a small parser here. It makes a flat list of paths and values, in which
//! `lookup` finds a setting.
//!
//! The file holds secrets, so no message quotes anything from it.

mod files;
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzz;
mod lookup;
mod parser;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crate::environment::Environment;

const API_SERVER: &str = "api.api_server";
/// The name of `API_SERVER` in older files.
const OLD_API_SERVER: &str = "api.host";
const VERIFY_CERTIFICATE: &str = "api.verify_certificate";

/// Every path that is read.
const PATHS: [&str; 6] = [
    API_SERVER,
    OLD_API_SERVER,
    "api.web_server",
    "api.credentials.access_key",
    "api.credentials.secret_key",
    VERIFY_CERTIFICATE,
];

/// What the configuration files say.
#[derive(Default, Clone, PartialEq)]
pub(crate) struct ClearmlConf {
    /// The texts of the known paths, not empty.
    settings: BTreeMap<&'static str, String>,
    /// The `include` lines. None is followed, since what they name can be anywhere.
    pub(crate) unread_includes: Vec<UnreadInclude>,
}

impl ClearmlConf {
    /// The text at a path such as `api.api_server`.
    pub(crate) fn get(&self, path: &str) -> Option<&str> {
        self.settings.get(path).map(String::as_str)
    }
}

/// Shows which paths are set, but no text, since some are secrets.
impl fmt::Debug for ClearmlConf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.settings.keys()).entries(&self.unread_includes).finish()
    }
}

/// An `include` that is not followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnreadInclude {
    pub(crate) file: PathBuf,
    /// Counted from 1.
    pub(crate) line: usize,
}

/// Why a configuration file cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ConfError {
    pub(crate) file: PathBuf,
    /// Counted from 1; `None` if the problem is the file itself.
    pub(crate) line: Option<usize>,
    pub(crate) problem: ConfProblem,
}

/// What is wrong with a configuration file. Nothing here holds text from the file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ConfProblem {
    /// What the operating system says.
    Unreadable(String),
    /// The most bytes that are read.
    TooLarge(u64),
    NotUtf8,
    TextAfterEnd,
    /// A bracket that is never closed.
    Unclosed(char),
    UnclosedQuote,
    NoKey,
    NoValue,
    NotAppendable,
    MixedValue,
    TooDeep,
    NotASubstitution,
    NeedsQuotes,
    /// A setting that is an object or a list.
    NotAText(&'static str),
    /// A setting whose substitutions are too many, or circular.
    TooManySubstitutions(&'static str),
    /// A setting with a substitution that is neither in the file nor in the environment.
    UnknownSubstitution(&'static str),
}

/// What is wrong, and on which line.
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    line: usize,
    problem: ConfProblem,
}

/// The texts by path, and the lines of the `include`s.
type Reading = (BTreeMap<&'static str, String>, Vec<usize>);

/// Reads the files that the SDK would read in this environment. It is fine if there is none.
pub(crate) fn load(environment: &Environment) -> Result<ClearmlConf, ConfError> {
    let mut settings = BTreeMap::new();
    let mut unread_includes = Vec::new();
    for file in files::candidates(environment) {
        let Some(text) = files::read(&file)? else { continue };
        match read(&text, environment) {
            Ok((found, includes)) => {
                settings.extend(found);
                unread_includes.extend(includes.into_iter().map(|line| UnreadInclude { file: file.clone(), line }));
            }
            Err(Fault { line, problem }) => return Err(ConfError { file, line: Some(line), problem }),
        }
    }
    Ok(ClearmlConf { settings: effective(settings), unread_includes })
}

fn read(text: &str, environment: &Environment) -> Result<Reading, Fault> {
    let (entries, includes) = parser::parse(text)?;
    let mut settings = BTreeMap::new();
    for path in PATHS {
        settings.extend(lookup::text(&entries, environment, path)?.map(|text| (path, text)));
    }
    Ok((settings, includes))
}

/// An empty text counts as not set, but only after all files are read: it unsets what an earlier file says.
fn effective(mut settings: BTreeMap<&'static str, String>) -> BTreeMap<&'static str, String> {
    settings.retain(|_, text| !text.is_empty());
    if let Some(old) = settings.remove(OLD_API_SERVER) {
        settings.entry(API_SERVER).or_insert(old);
    }
    if let Some(text) = settings.get_mut(VERIFY_CERTIFICATE) {
        // All words that the SDK accepts as a truth value; anything else is a path.
        match text.to_ascii_lowercase().as_str() {
            "y" | "yes" | "t" | "true" | "on" | "1" => "true".clone_into(text),
            "n" | "no" | "f" | "false" | "off" | "0" => "false".clone_into(text),
            _ => {}
        }
    }
    settings
}
