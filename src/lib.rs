//! clearml-gate judges the ClearML run of one commit against the run that carries the tag of the best, fails when the
//! model got worse by more than is allowed, and moves the tag when it did not.
//!
//! Two promises come before everything else: it says "no verdict" when it cannot judge, never "pass"; and it never
//! loses the tag.
//!
//! # Code map
//!
//! ```text
//! args + environment ──▶ settings ──▶ ClearML reads ──▶ select ──▶ judge ──▶ promote ──▶ report ──▶ console
//!                        cli, ci      clearml, http     (pure)     (pure)    (plan pure)  (pure)
//! ```
//!
//! | module | its one responsibility |
//! |---|---|
//! | [`run()`] | the stations of one run, in their order |
//! | `cli` | the command line as it was typed |
//! | `settings` | flags over environment over clearml.conf over defaults; the table of all settings |
//! | `ci` | which commit is judged, and on what occasion |
//! | `clearml_conf` | what the SDK's configuration file says |
//! | `gate` | the order of things: ask, decide, move, report |
//! | `github` | the comment on a pull request, the head that a merge queue does not tell, and which pull requests end in a commit |
//! | `http` | the one door out: retries, kinds of failure |
//! | `addresses` | where a server is, looked up once |
//! | `limits` | how long is waited for what |
//! | `proxy` | which HTTP proxy stands between this tool and a server |
//! | `distrust` | why an encrypted connection is not trusted, in words |
//! | `clearml` | the API: questions, wire types, errors |
//! | `run` | a task of ClearML as the gate sees it |
//! | `commit` | a commit's id, whole or abbreviated |
//! | `name`, `host` | the names of projects, tasks, scalars and the tag; the address of a server |
//! | `metric` | the scalars that are compared, and the order they give the runs |
//! | `select` | candidate and baseline out of the runs |
//! | `same_code` | whether two commits hold the same code, and whether a commit belongs to a branch |
//! | `judge` | the comparison and the verdict |
//! | `promote` | what happens to the tag, and why gates at work at once cannot lose it |
//! | `report` | the report as a value, and its renderers |
//! | `deliver` | who gets the report, in which order |
//! | `exit` | the exit codes |
//! | `environment`, `secret` | the variables, and credentials that cannot be printed by accident |
//! | `trust`, `tls` | which certificates are believed, and the cryptography for it |
//! | `links`, `timestamp`, `similar`, `span`, `colour` | addresses of the web app, dates, names that were meant, durations, terminals |
//! | `plain` | text from outside made harmless |
//! | `fuzz`, `testing` | what fuzzing calls, and what unit tests are made of; in no binary that is shipped |
//!
//! # Invariants
//!
//! | what always holds | where it is held | what tests it |
//! |---|---|---|
//! | without a clean, completed run of this very code there is no verdict, and no exit code 0 | `select`, `same_code` | `tests/gate/selection.rs`, `tests/gate/same_code.rs` |
//! | at every instant some task carries the tag; no other tag of any task changes | `promote` | the tests of `promote`, `tests/gate/promotion.rs` |
//! | the limit itself passes, at any sign, at zero, and in the last bit of a double | `judge` | the properties in the tests of `judge`, `tests/gate/comparison.rs` |
//! | names and commits are compared exactly, whatever the server's filters made of them | `clearml`, `commit` | `tests/gate/hostile.rs`, `tests/gate/selection.rs` |
//! | the commit of a merge that nobody ran is never judged in place of the head | `ci` | `tests/gate/ci.rs`, `tests/gate/merge.rs` |
//! | no secret is printed, by `Debug` neither | `secret` | `tests/gate/hostile.rs`, `tests/action/gate.rs` |
//! | text from outside cannot forge a line of a report, a workflow command or an output | the renderers in `report` | `tests/gate/hostile.rs` |
//! | a report that cannot be written is a warning, and changes neither verdict nor exit code | `deliver` | `tests/gate/delivery.rs` |
//! | the exit codes are those of README | `exit`, `report` | `tests/gate`, cell by cell in `tests/gate/merge.rs` |
//!
//! Decisions are pure functions over plain values; sockets live behind `http` alone. Answers are values, failures are
//! errors. Types keep wrong states out: a `Commit` is never empty, a `Score` never NaN, a `Tolerance` never negative, a
//! `Secret` never printed.

#![forbid(unsafe_code)]

mod addresses;
mod ci;
mod clearml;
mod clearml_conf;
mod cli;
mod colour;
mod commit;
mod deliver;
mod distrust;
mod environment;
mod exit;
#[cfg(any(fuzzing, test))]
#[doc(hidden)]
pub mod fuzz;
mod gate;
mod github;
mod host;
mod http;
mod judge;
mod limits;
mod links;
mod metric;
mod name;
mod plain;
mod promote;
mod proxy;
mod report;
mod run;
mod same_code;
mod secret;
mod select;
mod settings;
mod similar;
mod span;
#[cfg(test)]
mod testing;
mod timestamp;
mod tls;
mod trust;

use std::path::PathBuf;

use ci::{Occasion, What};
use cli::{Command, Flags};
use deliver::Delivery;
pub use deliver::Stream;
pub use environment::Environment;
pub use exit::Exit;
use gate::Here;
pub use limits::Limits;
pub use report::outputs::OUTPUTS;
use report::{Ended, NotStarted};
pub use settings::table::{SETTINGS, Setting};

/// What a run borrows from the process it runs in.
#[derive(Debug)]
pub struct Process<'a> {
    /// The arguments, without the program's name.
    pub args: Vec<String>,
    /// The environment variables.
    pub environment: Environment,
    /// The working directory: where git is asked, and what relative paths are relative to.
    pub directory: PathBuf,
    /// How long is waited for ClearML; [`Limits::REAL`] but in tests.
    pub limits: Limits,
    /// Where the report goes.
    pub out: Stream<'a>,
    /// Where faults of usage and settings go, and the report when a document takes `out`.
    pub err: Stream<'a>,
}

/// Runs the tool. A stream that cannot be written to, such as a closed pipe, changes nothing in what is done or returned.
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
            err.write(&usage);
            return Exit::Usage;
        }
    };
    let occasion = ci::occasion(flags.get("commit-id"), &environment, &directory);
    let occasion = occasion.and_then(|occasion| github::with_queued_head(occasion, &environment));
    let delivery = Delivery { environment, directory, documents: flags.documents(), out, err };
    judge(&flags, &occasion, limits, delivery)
}

fn judge(flags: &Flags, occasion: &Result<Occasion, String>, limits: Limits, mut delivery: Delivery<'_>) -> Exit {
    if let Ok(Occasion { what: What::Nothing(why), .. }) = occasion {
        return delivery.deliver(&Ended::NotStarted(NotStarted::Nothing(why)), None);
    }
    match settings::resolve(flags, &delivery.environment, occasion) {
        Ok(settings) => {
            let (environment, directory) = (delivery.environment.clone(), delivery.directory.clone());
            let here =
                Here { environment: &environment, directory: &directory, occasion: occasion.as_ref().ok(), limits };
            let report = gate::gate(&settings, here, &mut delivery.progress());
            delivery.deliver(&Ended::Gated(report), occasion.as_ref().ok())
        }
        Err(faults) => delivery.deliver(&Ended::NotStarted(NotStarted::Faults(&faults)), None),
    }
}
