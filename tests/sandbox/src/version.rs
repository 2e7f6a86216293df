//! API versions such as `2.34`, which compare as two numbers.

use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(pub(crate) u32, pub(crate) u32);

impl Version {
    /// Digits, an optional dot, digits: `v1` and `v2` are not versions to the real server.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Some((major, minor)) = text.split_once('.') {
            return Some(Self(number(major)?, number(minor)?));
        }
        (text.len() >= 2).then(|| number(text).map(|major| Self(major, 0)))?
    }
}

fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}
