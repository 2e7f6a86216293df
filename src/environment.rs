//! The environment variables as a value. Only [`Environment::of_this_process`] reads those of the process; tests pass
//! their own.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// Environment variables.
#[derive(Clone, Default)]
pub struct Environment {
    texts: BTreeMap<String, String>,
    /// As the operating system stores them, for git: a value need not be UTF-8.
    raw: BTreeMap<OsString, OsString>,
}

impl Environment {
    /// The variables of the running process. A value that is not UTF-8 gets U+FFFD, and is refused where it is used.
    #[must_use]
    pub fn of_this_process() -> Self {
        Self::from_os(std::env::vars_os())
    }

    pub(crate) fn from_os(variables: impl Iterator<Item = (OsString, OsString)>) -> Self {
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
    fn a_raw_value_is_found_under_a_name_in_any_case() {
        let environment: Environment = [("Path", "/bin")].into_iter().collect();
        assert_eq!(environment.raw("PATH"), Some(OsStr::new("/bin")));
        assert_eq!(environment.raw("PATHS"), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_not_utf_8_is_kept_as_it_is() {
        use std::os::unix::ffi::OsStringExt;
        let home = OsString::from_vec(b"/home/\xe4".to_vec());
        let environment = Environment::from_os([("HOME".into(), home.clone())].into_iter());
        assert_eq!(environment.get("HOME"), Some("/home/\u{fffd}"));
        assert_eq!(environment.raw("HOME"), Some(home.as_os_str()));
    }
}
