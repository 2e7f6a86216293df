//! `action.yml`, checked, and executed for real: a local release, the sandbox, and a runner that does what GitHub's does.
//!
//! What the runner cannot do fails the test; it never skips. The steps for Windows run here as well, with a stand-in for
//! the two programs that only Windows has.

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
