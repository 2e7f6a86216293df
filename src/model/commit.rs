//! A git commit id, which is never empty and never a pattern.

use std::fmt;

/// A full or abbreviated git object id: 7 to 64 hex digits, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Commit(String);

/// Git abbreviates to no fewer digits than this by itself.
const SHORTEST: usize = 7;
/// The length of a SHA-1 id.
const SHA1: usize = 40;
/// The length of a SHA-256 id.
const SHA256: usize = 64;

impl Commit {
    /// Reads a commit id.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("is empty; an empty commit would match every run".to_owned());
        }
        if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(
                "is not a commit id: only hex digits are allowed (a branch or tag name is not enough)".to_owned()
            );
        }
        if !(SHORTEST..=SHA256).contains(&text.len()) {
            return Err(format!("has {} hex digits; a commit id has {SHORTEST} to {SHA256}", text.len()));
        }
        Ok(Self(text.to_ascii_lowercase()))
    }

    /// The digits.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is a whole id rather than the beginning of one.
    pub(crate) fn is_full(&self) -> bool {
        matches!(self.0.len(), SHA1 | SHA256)
    }

    /// Whether a run that recorded `version_num` ran this commit: equal, or begun by it when this id is abbreviated.
    pub(crate) fn matches(&self, version_num: &str) -> bool {
        let recorded = version_num.trim();
        if self.is_full() {
            recorded.eq_ignore_ascii_case(&self.0)
        } else {
            recorded.get(..self.0.len()).is_some_and(|start| start.eq_ignore_ascii_case(&self.0))
                && recorded.bytes().all(|byte| byte.is_ascii_hexdigit())
        }
    }
}

impl fmt::Display for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Commit;
    use proptest::prelude::*;

    #[test]
    fn it_is_shown_and_sent_in_small_letters() {
        let commit = Commit::parse(" ABCDEF0123 ").unwrap();
        assert_eq!((commit.as_str(), commit.to_string().as_str()), ("abcdef0123", "abcdef0123"));
    }

    #[test]
    fn empty_short_and_foreign_texts_are_refused() {
        for bad in ["", "  ", "abc", "main", ".", ".*", "abcdef", "g234567", "1234567\n8", &"a".repeat(65)] {
            assert!(Commit::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_full_commit_matches_itself_alone() {
        let commit = Commit::parse(&"Ab".repeat(20)).unwrap();
        assert!(commit.matches(&"aB".repeat(20)));
        assert!(!commit.matches(&"ab".repeat(19)));
        assert!(!commit.matches(&"ab".repeat(21)));
        assert!(!commit.matches(""));
    }

    #[test]
    fn a_short_commit_matches_what_it_begins() {
        let commit = Commit::parse("abcdef1").unwrap();
        assert!(commit.matches("abcdef1"));
        assert!(commit.matches("ABCDEF1234"));
        assert!(!commit.matches("abcdef"));
        assert!(!commit.matches("abcdef1-dirty"));
    }

    proptest! {
        #[test]
        fn no_text_makes_a_commit_that_matches_nothing_or_everything(text in ".*", other in "[0-9a-f]{40}") {
            if let Ok(commit) = Commit::parse(&text) {
                prop_assert!(commit.matches(commit.as_str()));
                prop_assert_eq!(commit.matches(&other), other.starts_with(commit.as_str()));
            }
        }
    }
}
