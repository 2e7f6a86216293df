//! Checks `action.yml` and runs it for real: a local release, the sandbox, and a runner that acts like GitHub's.
//!
//! If the runner cannot do something, the test fails. It never skips. The steps for Windows run here too, with
//! replacements for the two programs that only Windows has.

mod action_yml;
mod check;
mod contract;
mod expression;
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
