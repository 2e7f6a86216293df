//! The environment variables as a value. Only [`Environment::of_this_process`] reads those of the process; tests pass
//! their own.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// Environment variables.
#[derive(Clone, Default)]
pub struct Environment {
    texts: BTreeMap<String, String>,
    /// As the operating system stores them, for child processes: a value need not be UTF-8.
    raw: BTreeMap<OsString, OsString>,
}

/// A child process gets no variable whose name contains one of these.
const SECRET_NAMES: [&str; 6] = ["CLEARML_", "TOKEN", "SECRET", "PASSWORD", "KEY", "PROXY"];

impl Environment {
    /// The variables of the running process. A value that is not UTF-8 gets U+FFFD, and is refused where it is used.
    #[must_use]
    pub fn of_this_process() -> Self {
        Self::from_os(std::env::vars_os())
    }

    fn from_os(variables: impl Iterator<Item = (OsString, OsString)>) -> Self {
        let raw: BTreeMap<OsString, OsString> = variables.collect();
        let text = |text: &OsString| text.to_string_lossy().into_owned();
        Self { texts: raw.iter().map(|(name, value)| (text(name), text(value))).collect(), raw }
    }

    /// The value of a variable; `None` when it is unset or empty. CI systems set a variable to "" for an input that is
    /// not given.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The value as the operating system stores it, under a name in any case: Windows has `Path`.
    pub(crate) fn raw(&self, name: &str) -> Option<&OsStr> {
        self.raw.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_os_str())
    }

    /// What a child process gets: every variable that cannot be a secret.
    pub(crate) fn for_child_processes(&self) -> impl Iterator<Item = (&OsString, &OsString)> {
        self.raw.iter().filter(|(name, _)| may_be_passed_on(&name.to_string_lossy().to_ascii_uppercase()))
    }
}

/// Git's own variables are passed on: `GIT_CONFIG_KEY_0`, for example, is no secret.
fn may_be_passed_on(name: &str) -> bool {
    name.starts_with("GIT_") || !SECRET_NAMES.iter().any(|part| name.contains(part))
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Environment {
    fn from_iter<T: IntoIterator<Item = (K, V)>>(pairs: T) -> Self {
        let texts: BTreeMap<String, String> =
            pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let raw = texts.iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { texts, raw }
    }
}

/// Names only: values may be secrets.
impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.texts.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_process_gets_everything_except_secrets() {
        let all = [
            ("HOME", "/home/a"),
            ("Path", "/bin"),
            ("GIT_CONFIG_KEY_0", "safe.directory"),
            ("GITHUB_TOKEN", "x"),
            ("clearml_api_secret_key", "x"),
            ("AWS_ACCESS_KEY_ID", "x"),
            ("DB_PASSWORD", "x"),
            ("https_proxy", "http://user:password@proxy"),
        ];
        let environment: Environment = all.into_iter().collect();
        let passed_on: Vec<_> = environment.for_child_processes().map(|(name, _)| name.to_str().unwrap()).collect();
        assert_eq!(passed_on, ["GIT_CONFIG_KEY_0", "HOME", "Path"]);
        assert_eq!(environment.raw("PATH"), Some(OsStr::new("/bin")));
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_not_utf_8_is_passed_on_unchanged() {
        use std::os::unix::ffi::OsStringExt;
        let home = OsString::from_vec(b"/home/\xe4".to_vec());
        let environment = Environment::from_os([("HOME".into(), home.clone())].into_iter());
        assert_eq!(environment.get("HOME"), Some("/home/\u{fffd}"));
        assert_eq!(environment.for_child_processes().collect::<Vec<_>>(), [(&"HOME".into(), &home)]);
    }
}
