//! What the gate takes from the ClearML SDK's configuration file (`clearml.conf`): the server and the credentials.
//!
//! The file is HOCON in the dialect of the SDK's own parser, not in that of the specification: the SDK writes its URLs
//! without quotes (`api_server: https://api.clear.ml`), where a parser that keeps to the specification stops at the
//! colon or takes `//` for a comment. Hence a small parser here: `scan` cuts the text into words, `parser` makes
//! `value`s of them, and `resolve` looks a setting up among those.
//!
//! The file holds secrets, so no message quotes anything from it but the names of the settings.

mod files;
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzz;
mod parser;
mod resolve;
mod scan;
#[cfg(test)]
mod tests;
mod value;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// What this tool takes from the SDK's configuration file.
#[derive(Default, Clone, PartialEq)]
pub(crate) struct ClearmlConf {
    /// Where the API answers: `api.api_server`, or `api.host` as older files name it.
    pub(crate) api_server: Option<String>,
    /// Where people look at tasks: `api.web_server`.
    pub(crate) web_server: Option<String>,
    /// `api.credentials.access_key`
    pub(crate) access_key: Option<String>,
    /// `api.credentials.secret_key`
    pub(crate) secret_key: Option<String>,
    /// `api.verify_certificate`: "true", "false", or the path of a bundle of certificates.
    pub(crate) verify_certificate: Option<String>,
    /// The files that were read, in the order in which later ones override earlier ones.
    pub(crate) files: Vec<PathBuf>,
    /// The `include` lines, none of which is ever followed.
    pub(crate) unread_includes: Vec<UnreadInclude>,
}

/// An `include` that was left out: what it names may be anywhere, and nothing is fetched for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnreadInclude {
    /// The file with the line.
    pub(crate) file: PathBuf,
    /// The line of the `include`, from 1.
    pub(crate) line: usize,
}

/// Keeps both keys out of logs and panics; everything else may be shown.
impl fmt::Debug for ClearmlConf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClearmlConf")
            .field("api_server", &self.api_server)
            .field("web_server", &self.web_server)
            .field("access_key", &self.access_key.as_ref().map(|_| "***"))
            .field("secret_key", &self.secret_key.as_ref().map(|_| "***"))
            .field("verify_certificate", &self.verify_certificate)
            .field("files", &self.files)
            .field("unread_includes", &self.unread_includes)
            .finish()
    }
}

/// Why a configuration file could not be used; never quotes the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConfError {
    /// The file at fault.
    pub(crate) file: PathBuf,
    /// The line at fault, from 1, where one is.
    pub(crate) line: Option<usize>,
    /// What is wrong there.
    pub(crate) why: String,
}

impl fmt::Display for ConfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read {}: ", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        f.write_str(&self.why)
    }
}

/// What is wrong in a text, and on which of its lines.
#[derive(Debug)]
struct Fault {
    line: usize,
    why: String,
}

/// The settings in a text by their paths, and the lines of its `include`s.
type Reading = (BTreeMap<&'static str, String>, Vec<usize>);

/// Every path that is looked up.
const PATHS: [&str; 6] = [
    "api.api_server",
    "api.host",
    "api.web_server",
    "api.credentials.access_key",
    "api.credentials.secret_key",
    "api.verify_certificate",
];

/// Reads the configuration files the SDK would read for this environment; none is no error.
///
/// The variables that override a file (`CLEARML_API_HOST` and the like) are the caller's to apply.
pub(crate) fn load(env: &dyn Fn(&str) -> Option<String>) -> Result<ClearmlConf, ConfError> {
    let mut settings = BTreeMap::new();
    let mut files = Vec::new();
    let mut unread_includes = Vec::new();
    for file in files::candidates(env) {
        let Some(text) = files::read(&file)? else { continue };
        let (found, includes) = settings_of(&text, env).map_err(|Fault { line, why }| ConfError {
            file: file.clone(),
            line: Some(line),
            why,
        })?;
        settings.extend(found);
        unread_includes.extend(includes.into_iter().map(|line| UnreadInclude { file: file.clone(), line }));
        files.push(file);
    }
    Ok(ClearmlConf { files, unread_includes, ..conf_of(settings) })
}

fn settings_of(text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<Reading, Fault> {
    let (root, includes) = parser::parse(text)?;
    let mut settings = BTreeMap::new();
    for path in PATHS {
        if let Some(setting) = resolve::setting(&root, env, path)? {
            settings.insert(path, setting);
        }
    }
    Ok((settings, includes))
}

/// Fills a configuration in. An empty setting is as good as none, but not before all files are read: it unsets what
/// an earlier one says.
fn conf_of(mut settings: BTreeMap<&'static str, String>) -> ClearmlConf {
    let mut take = |path| settings.remove(path).filter(|text| !text.is_empty());
    ClearmlConf {
        api_server: take("api.api_server").or_else(|| take("api.host")),
        web_server: take("api.web_server"),
        access_key: take("api.credentials.access_key"),
        secret_key: take("api.credentials.secret_key"),
        verify_certificate: take("api.verify_certificate").map(plain_flag),
        ..ClearmlConf::default()
    }
}

/// A truth value by one name, whichever of the SDK's words it is given in; other text as it is.
fn plain_flag(text: String) -> String {
    match text.to_ascii_lowercase().as_str() {
        "y" | "yes" | "t" | "true" | "on" | "1" => "true".to_owned(),
        "n" | "no" | "f" | "false" | "off" | "0" => "false".to_owned(),
        _ => text,
    }
}
