//! `action.yml`, checked, and executed for real: a local release, the sandbox, and a runner that does what GitHub's does.
//!
//! What the runner cannot do fails the test; it never skips. The steps for Windows run here as well, with a stand-in for
//! the two programs that only Windows has.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy allows these in #[test] functions; their helpers are tests as well"
)]

mod action;
mod check;
mod contract;
mod expression;
#[cfg(unix)]
#[expect(dead_code, reason = "a test has no use for the tool's own main")]
#[path = "../../examples/manifest.rs"]
mod manifest;
mod yaml;

#[cfg(unix)]
mod cmd;
#[cfg(unix)]
mod elsewhere;
#[cfg(unix)]
mod files;
#[cfg(unix)]
mod gate;
#[cfg(unix)]
mod install;
#[cfg(unix)]
mod job;
#[cfg(unix)]
mod original;
#[cfg(unix)]
mod readme;
#[cfg(unix)]
mod recipes;
#[cfg(unix)]
mod release;
#[cfg(unix)]
mod seeded;
#[cfg(unix)]
mod settings;
#[cfg(unix)]
mod shell;
#[cfg(unix)]
mod windows;
#[cfg(unix)]
mod workflow;
