//! A credential that cannot be printed by accident.

use std::fmt;

/// An access key, secret key or token. Neither `Debug` nor `Display` shows it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    /// Trims the text, because a pasted secret often ends in a newline; `None` if nothing is left.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let trimmed = text.trim();
        (!trimmed.is_empty()).then(|| Self(trimmed.to_owned()))
    }

    /// Replaces the credential in a text.
    pub(crate) fn redact(&self, text: &str) -> String {
        text.replace(&self.0, "***")
    }

    /// The credential itself, for the request that sends it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn a_secret_is_trimmed_and_never_printed() {
        let secret = Secret::new(" hunter2\n").unwrap();
        assert_eq!(secret.expose(), "hunter2");
        assert_eq!(format!("{secret} {secret:?}"), "*** ***");
        assert_eq!(secret.redact("no hunter2 here"), "no *** here");
        assert_eq!(Secret::new(" \n"), None);
    }
}
