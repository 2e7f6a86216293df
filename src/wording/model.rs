//! Wording: why a text is not a commit or a name, and why metrics cannot be compared. Each follows the name of a setting.

use std::fmt;

use crate::model::commit::{BadCommit, SHA256, SHORTEST};
use crate::model::metric::{BadMetrics, MOST_METRICS};
use crate::model::name::BadName;

impl fmt::Display for BadCommit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("is empty; an empty commit would match every run"),
            Self::NotHex => {
                f.write_str("is not a commit id: only hex digits are allowed (a branch or tag name is not enough)")
            }
            Self::Length(digits) => write!(f, "has {digits} hex digits; a commit id has {SHORTEST} to {SHA256}"),
        }
    }
}

impl fmt::Display for BadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Blank => "is blank",
            Self::NotUtf8 => "is not valid UTF-8",
            Self::ControlCharacter => {
                "contains a line break or another control character (in YAML, write it without | or >)"
            }
            Self::Operator => "starts with __$, which ClearML reserves for operators in tag queries",
        })
    }
}

impl fmt::Display for BadMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany(count) => {
                write!(f, "contains {count} metrics; at most {MOST_METRICS} can be compared")
            }
            Self::NoneRequired => {
                f.write_str("has no metric that can fail the check; at least one must not have \"warn\": true")
            }
            Self::Duplicate { title, series } => {
                write!(f, "contains {:?} / {:?} twice", title.as_str(), series.as_str())
            }
        }
    }
}
