//! Names in ClearML, of projects, tasks and scalars, and the tag. Accepted literally or rejected. Pure.

use std::fmt;

/// The exact name of a project, task, scalar or tag: not blank, one line, valid UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Name(String);

/// Why a text is not a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadName {
    Blank,
    NotUtf8,
    ControlCharacter,
    /// A tag that ClearML reads as an operator in queries.
    Operator,
}

impl Name {
    /// Accepts a name as it is, spaces included.
    pub(crate) fn parse(text: &str) -> Result<Self, BadName> {
        if text.trim().is_empty() {
            Err(BadName::Blank)
        } else if text.contains('\u{fffd}') {
            Err(BadName::NotUtf8)
        } else if text.chars().any(char::is_control) {
            Err(BadName::ControlCharacter)
        } else {
            Ok(Self(text.to_owned()))
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The tag that marks the best run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag(Name);

impl Tag {
    /// Accepts a tag literally; a leading `-` is part of it.
    pub(crate) fn parse(text: &str) -> Result<Self, BadName> {
        if text.starts_with("__$") { Err(BadName::Operator) } else { Name::parse(text).map(Self) }
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn accepts_names_literally_or_rejects_them() {
        assert_eq!(Name::parse(" a.b (c)+[d] ").unwrap().as_str(), " a.b (c)+[d] ");
        assert!(Name::parse(" ").is_err());
        assert!(Name::parse("a\n").is_err());
        assert!(Tag::parse("-x").is_ok());
        assert!(Tag::parse("__$all").is_err());
    }

    proptest! {
        #[test]
        fn accepted_texts_stay_as_they_are(text in ".*") {
            for name in [Name::parse(&text).map(|name| name.to_string()), Tag::parse(&text).map(|tag| tag.to_string())] {
                prop_assert!(name.is_err() || name.as_ref() == Ok(&text));
            }
        }
    }
}
