//! Renders an outcome: one module for each place a report goes to. The renderers see nothing but the outcome.

pub(crate) mod annotation;
pub(crate) mod color;
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzz;
pub(crate) mod json;
pub(crate) mod junit;
pub(crate) mod markdown;
pub(crate) mod outputs;
mod spark;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod text;

use crate::gate::outcome::RunResult;
use text::Color;

impl RunResult<'_> {
    /// For the console.
    pub(crate) fn text(&self, color: Color) -> String {
        match self {
            Self::Gated(report) => text::render(report, color),
            Self::NotStarted(why) => text::not_started(*why, color),
        }
    }

    /// One line that GitHub shows next to the check.
    pub(crate) fn annotation(&self) -> String {
        match self {
            Self::Gated(report) => annotation::render(report),
            Self::NotStarted(why) => annotation::not_started(*why),
        }
    }

    /// Markdown of at most `room` bytes, and therefore characters.
    pub(crate) fn markdown(&self, room: usize) -> String {
        match self {
            Self::Gated(report) => markdown::render(report, room),
            Self::NotStarted(why) => markdown::not_started(*why, room),
        }
    }

    /// JSON as in docs/report.schema.json.
    pub(crate) fn json(&self) -> String {
        json::render(self)
    }

    /// JUnit XML.
    pub(crate) fn junit(&self) -> String {
        junit::render(self)
    }
}
