//! Git commit ids, as settings give them and as runs record them. Pure.

use std::fmt;

/// A full or abbreviated git commit id: 7 to 64 hex digits, in lower case. Never empty, never a pattern.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Commit(String);

/// Git never abbreviates to fewer digits by itself.
pub(crate) const SHORTEST: usize = 7;
const SHA1: usize = 40;
/// No id is longer.
pub(crate) const SHA256: usize = 64;

/// Why a text is not a commit id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadCommit {
    Empty,
    NotHex,
    /// It has this many digits.
    Length(usize),
}

impl Commit {
    /// Parses a commit id. Surrounding whitespace and the case of the digits do not matter.
    pub(crate) fn parse(text: &str) -> Result<Self, BadCommit> {
        let text = text.trim();
        if text.is_empty() {
            Err(BadCommit::Empty)
        } else if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Err(BadCommit::NotHex)
        } else if !(SHORTEST..=SHA256).contains(&text.len()) {
            Err(BadCommit::Length(text.len()))
        } else {
            Ok(Self(text.to_ascii_lowercase()))
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is a whole id, not an abbreviation.
    pub(crate) fn is_full(&self) -> bool {
        matches!(self.0.len(), SHA1 | SHA256)
    }

    /// Whether `recorded` is this commit: equal, or starting with this id when this id is abbreviated.
    pub(crate) fn matches(&self, recorded: &Self) -> bool {
        if self.is_full() { self == recorded } else { recorded.0.starts_with(&self.0) }
    }
}

impl fmt::Display for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a run recorded as its commit. ClearML stores any text there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RecordedCommit {
    /// A commit id.
    Id(Commit),
    /// Text that is not a commit id, as recorded; hostile, like every name.
    NotAnId(String),
}

impl RecordedCommit {
    /// Parses what a run recorded; `None` when it is blank.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let parsed = || Commit::parse(text).map_or_else(|_| Self::NotAnId(text.to_owned()), Self::Id);
        (!text.trim().is_empty()).then(parsed)
    }

    pub(crate) const fn id(&self) -> Option<&Commit> {
        match self {
            Self::Id(commit) => Some(commit),
            Self::NotAnId(_) => None,
        }
    }

    /// The commit id, or the text that was recorded instead.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Id(commit) => commit.as_str(),
            Self::NotAnId(text) => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn commit(text: &str) -> Commit {
        Commit::parse(text).unwrap()
    }

    #[test]
    fn ids_are_trimmed_and_in_lower_case() {
        assert_eq!(commit(" ABCDEF0123 ").to_string(), "abcdef0123");
    }

    #[test]
    fn rejects_empty_short_long_and_non_hex_texts() {
        for bad in ["", "  ", "abc", "main", ".", ".*", "abcdef", "g234567", "1234567\n8", &"a".repeat(65)] {
            assert!(Commit::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_full_commit_matches_only_itself() {
        let full = commit(&"Ab".repeat(20));
        assert!(full.matches(&commit(&"aB".repeat(20))));
        for other in [19, 21] {
            assert!(!full.matches(&commit(&"ab".repeat(other))));
        }
    }

    #[test]
    fn an_abbreviated_commit_matches_every_id_that_starts_with_it() {
        let short = commit("abcdef1");
        assert!(short.matches(&short));
        assert!(short.matches(&commit("ABCDEF1234")));
        assert!(!short.matches(&commit("abcdef2")));
        assert!(!commit("abcdef12").matches(&short));
    }

    #[test]
    fn a_recorded_commit_is_an_id_or_other_text_or_absent() {
        assert_eq!(RecordedCommit::parse(" ABCDEF1 "), Some(RecordedCommit::Id(commit("abcdef1"))));
        for text in ["abcdef1-dirty", "main", "abcdef", " x "] {
            let recorded = RecordedCommit::parse(text).unwrap();
            assert_eq!((recorded.id(), recorded.as_str()), (None, text));
        }
        assert_eq!(RecordedCommit::parse(" \n"), None);
    }

    proptest! {
        #[test]
        fn every_commit_matches_itself_and_only_ids_that_start_with_it(text in ".*|[0-9a-fA-F]{6,65}", other in "[0-9a-f]{40}") {
            if let Ok(commit) = Commit::parse(&text) {
                prop_assert!(commit.matches(&commit));
                prop_assert_eq!(commit.matches(&Commit::parse(&other).unwrap()), other.starts_with(commit.as_str()));
            }
        }
    }
}
