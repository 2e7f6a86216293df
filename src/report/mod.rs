//! The report: renderers of an outcome, one per place it goes to. They see nothing but the outcome.

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
use text::Colour;

/// Each renderer, for both ways to end.
impl RunResult<'_> {
    /// For the console.
    pub(crate) fn text(&self, colour: Colour) -> String {
        match self {
            Self::Gated(report) => text::render(report, colour),
            Self::NotStarted(why) => text::not_started(*why, colour),
        }
    }

    /// One line that GitHub shows beside the check.
    pub(crate) fn annotation(&self) -> String {
        match self {
            Self::Gated(report) => annotation::render(report),
            Self::NotStarted(why) => annotation::not_started(*why),
        }
    }

    /// As Markdown of at most `room` characters and bytes.
    pub(crate) fn markdown(&self, room: usize) -> String {
        match self {
            Self::Gated(report) => markdown::render(report, room),
            Self::NotStarted(why) => markdown::not_started(*why, room),
        }
    }

    /// As JSON, by docs/report.schema.json.
    pub(crate) fn json(&self) -> String {
        match self {
            Self::Gated(report) => json::render(report),
            Self::NotStarted(why) => json::not_started(*why),
        }
    }

    /// As JUnit XML.
    pub(crate) fn junit(&self) -> String {
        match self {
            Self::Gated(report) => junit::render(report),
            Self::NotStarted(why) => junit::not_started(*why),
        }
    }
}
