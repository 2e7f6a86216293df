//! clearml-gate compares the ClearML run of one commit, the candidate, with the tagged best run, the baseline. It fails if
//! the model got worse by more than the allowed loss; otherwise it moves the tag to the candidate.
//!
//! Two promises come before everything else. If it cannot judge, it reports "no verdict" and never passes. And it never
//! loses the tag.
//!
//! # Code map
//!
//! ```text
//! arguments + environment ─▶ settings ─▶ ClearML ─▶ select ─▶ compare ─▶ promote ─▶ report ─▶ console, files, comment
//!                            cli, ci     clearml    └─── model (pure) ──┘
//! ```
//!
//! A module uses only modules below it in this table; a test checks that.
//!
//! | module | responsibility |
//! |---|---|
//! | `deliver` | writes the report everywhere it was requested |
//! | `cli` | the command line |
//! | `report` | renders an outcome: console, Markdown, JSON, JUnit, annotation, step outputs |
//! | `wording` | all text that a person reads |
//! | `gate` | the steps of one check: read, decide, promote; and the outcome as a value |
//! | `promote` | moves the tag, safely with concurrent gates |
//! | `settings` | flags, environment, clearml.conf and defaults, in one table |
//! | `github` | the GitHub API: comments, pull requests |
//! | `ci` | the commit to judge and what triggered the run, as the CI reports them |
//! | `clearml` | the ClearML API: requests, responses, errors, links |
//! | `git` | whether two commits contain the same code, and whether a branch contains a commit |
//! | `net` | HTTP, TLS, proxies, retries, secrets |
//! | `model` | commits, runs, metrics; which runs are compared, and the comparison. Pure. |
//! | `text` | sanitizing, dates, durations, numbers, similar names. Pure. |
//! | `environment` | the environment variables |
//! | `exit` | the exit codes |
//! | `fuzz` | entry points for fuzzing; not in released binaries |
//!
//! # Invariants
//!
//! | what always holds | where it is held | what tests it |
//! |---|---|---|
//! | without a clean, completed run of exactly this code there is no verdict, and the exit code is not 0 | `model::select`, `git` | `tests/gate/selection.rs`, `tests/gate/same_code.rs` |
//! | once a task has the tag, some task has it at every moment; no other tag changes | `promote`, `clearml::tags` | the tests of `promote`, `tests/gate/promotion.rs` |
//! | a value exactly at the limit passes: for negative values, for zero, and despite rounding | `model::compare` | the properties in the tests of `model::compare`, `tests/gate/comparison.rs` |
//! | a value that may be NaN, or that another commit may have reported, is never compared | `model::run`, `gate::own_values` | `tests/gate/zeros.rs`, `tests/gate/own_values.rs` |
//! | names and commits are compared exactly, even if the server's filters return more | `clearml`, `model::commit` | `tests/gate/hostile.rs`, `tests/gate/selection.rs` |
//! | a value never meets the wrong metric | `model::metric::PerMetric` | the tests of `model::metric`, `tests/gate/metrics.rs` |
//! | GitHub's test merge commit is never judged in place of the pull request's head | `ci` | `tests/gate/ci.rs`, `tests/gate/merge.rs` |
//! | no secret is printed, not even by `Debug` | `net::secret` | `tests/gate/hostile.rs`, `tests/action/gate.rs` |
//! | text from outside cannot forge a line of a report, a workflow command or an output | the renderers in `report` | `tests/gate/hostile.rs` |
//! | a report that cannot be written is a warning; the verdict and the exit code stay | `deliver` | `tests/gate/delivery.rs` |
//! | the exit codes are those of `docs/exit-codes.md` | `exit`, `gate::outcome` | `tests/gate`, for every event and policy in `tests/gate/merge.rs` |
//!
//! Decisions are pure functions of plain values. Only `net` opens sockets. Types rule out wrong states: a `Commit` is never
//! empty, a `Score` is never NaN, a `Tolerance` is never negative, and a `Secret` is never printed.

#![forbid(unsafe_code)]

mod ci;
mod clearml;
mod cli;
mod deliver;
mod environment;
mod exit;
#[cfg(any(fuzzing, test))]
#[doc(hidden)]
pub mod fuzz;
mod gate;
mod git;
mod github;
mod model;
mod net;
mod promote;
mod report;
mod settings;
mod text;
mod wording;

use std::path::PathBuf;

use crate::gate::outcome::{NotStarted, RunResult};
use ci::{CiContext, NoCommit, Trigger};
use cli::Command;
use deliver::Delivery;
pub use deliver::Stream;
pub use environment::Environment;
pub use exit::Exit;
use gate::GateContext;
pub use net::limits::Limits;
pub use report::outputs::OUTPUTS;
use settings::flags::Flags;
pub use settings::table::{SETTINGS, Setting};

/// What the tool uses of its process.
#[derive(Debug)]
pub struct Process<'a> {
    /// The arguments, without the program's name.
    pub args: Vec<String>,
    /// The environment variables.
    pub environment: Environment,
    /// The working directory: git runs there, and relative paths start there.
    pub directory: PathBuf,
    /// How long to wait for ClearML: [`Limits::REAL`], except in tests.
    pub limits: Limits,
    /// Where the report goes.
    pub out: Stream<'a>,
    /// Where errors in flags and settings go, and the report if a document goes to `out`.
    pub err: Stream<'a>,
}

/// Runs the tool. A stream that cannot be written to, such as a closed pipe, changes neither what the tool does nor the exit
/// code.
#[must_use = "the exit code is the verdict"]
pub fn run(process: Process<'_>) -> Exit {
    let Process { args, environment, directory, limits, mut out, mut err } = process;
    let flags = match cli::parse(&args) {
        Ok(Command::Gate(flags)) => flags,
        Ok(Command::Print(text)) => {
            out.write(&text);
            return Exit::Passed;
        }
        Err(usage) => {
            err.write(&format!("clearml-gate: {usage}\nSee clearml-gate --help.\n"));
            return Exit::Usage;
        }
    };
    let context = ci::detect(flags.get("commit-id"), &environment, &directory);
    let context = context.and_then(|context| github::with_queued_head(context, &environment));
    let delivery = Delivery { environment, directory, documents: flags.documents(), out, err };
    check(&flags, &context, limits, delivery)
}

fn check(flags: &Flags, context: &Result<CiContext, NoCommit>, limits: Limits, mut delivery: Delivery<'_>) -> Exit {
    if let Ok(CiContext { trigger: Trigger::Nothing(why), .. }) = context {
        return delivery.deliver(&RunResult::NotStarted(NotStarted::NothingToGate(why.as_str())), None);
    }
    match settings::resolve(flags, &delivery.environment, context) {
        Ok(settings) => {
            let (environment, directory) = (delivery.environment.clone(), delivery.directory.clone());
            let ci = context.as_ref().ok();
            let gate_context = GateContext { environment: &environment, directory: &directory, ci, limits };
            let report = gate::gate(&settings, gate_context, &mut delivery.progress());
            delivery.deliver(&RunResult::Gated(report), ci)
        }
        Err(faults) => delivery.deliver(&RunResult::NotStarted(NotStarted::InvalidSettings(&faults)), None),
    }
}
