//! Shared by the other modules.
//!
//! | file | content |
//! |---|---|
//! | `scene` | names, commits and runs to judge |
//! | `binary` | the gate as a process |
//! | `in_process` | the gate as a function |
//! | `git`, `events` | repositories, and GitHub's event files |
//! | `random` | random numbers from a seed |

mod binary;
mod events;
mod git;
mod in_process;
mod random;
mod scene;

pub(crate) use binary::{Gate, Ran, unbroken};
pub(crate) use events::{Edit, payload};
pub(crate) use git::{commit, git, git_as};
pub(crate) use in_process::{Ended, FASTER, judge, judge_with, settings};
pub(crate) use random::Random;
pub(crate) use scene::{
    BASE, HEAD, NOBODY, OTHER, PROJECT, SERIES, TAG, TASK, TITLE, as_answered, assert_carriers, best, pair, run,
};
