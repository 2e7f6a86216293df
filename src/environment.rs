//! The environment as a value, so that tests and the demo can lend another one.

use std::collections::BTreeMap;
use std::process::Command;

/// Environment variables. An empty variable is an unset one: CI systems hand over unset inputs as "".
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The variables of the running process. What is not UTF-8 holds U+FFFD and is refused where it is used.
    #[must_use]
    pub fn of_this_process() -> Self {
        std::env::vars_os()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
            .collect()
    }

    /// The value of a variable; `None` when it is unset or empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// Keeps what may be a secret of this process from one that it starts. What git is told stays with it.
pub(crate) fn without_secrets(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let upper = name.to_string_lossy().to_ascii_uppercase();
        let is_secret =
            ["CLEARML_", "TOKEN", "SECRET", "PASSWORD", "KEY", "PROXY"].iter().any(|part| upper.contains(part));
        if is_secret && !upper.starts_with("GIT_") {
            command.env_remove(name);
        }
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Environment {
    fn from_iter<T: IntoIterator<Item = (K, V)>>(pairs: T) -> Self {
        let mut variables = BTreeMap::new();
        for (name, value) in pairs {
            variables.insert(name.into(), value.into());
        }
        Self(variables)
    }
}

/// Names only: values may be secrets.
impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
