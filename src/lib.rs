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
//! | [`run()`] | the one place where a report becomes an exit code |
//! | `cli` | the command line as it was typed |
//! | `settings` | flags over environment over clearml.conf over defaults; the table of all settings |
//! | `ci` | which commit is judged |
//! | `clearml_conf` | what the SDK's configuration file says |
//! | `gate` | the order of things: ask, decide, move, report |
//! | `http` | the one door out: time limits, retries, kinds of failure |
//! | `clearml` | the API: questions, wire types, errors |
//! | `metric` | the scalars that are compared, and the order they give the runs |
//! | `select` | candidate and baseline out of the runs |
//! | `judge` | the comparison and the verdict |
//! | `promote` | what happens to the tag, and why gates at work at once cannot lose it |
//! | `report` | the report as a value, and its renderers |
//!
//! Decisions are pure functions over plain values; sockets live behind `http` alone. Answers are values, failures are
//! errors. Types keep wrong states out: a `Commit` is never empty, a `Score` never NaN, a `Tolerance` never negative, a
//! `Secret` never printed.

mod ci;
mod clearml;
mod clearml_conf;
mod cli;
mod commit;
mod environment;
mod exit;
mod gate;
mod http;
mod judge;
mod links;
mod metric;
mod promote;
mod report;
mod run;
mod secret;
mod select;
mod settings;
mod similar;
mod timestamp;
mod trust;

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use cli::Command;
pub use environment::Environment;
pub use exit::Exit;
pub use report::outputs::OUTPUTS;
use settings::Fault;
pub use settings::table::{SETTINGS, Setting};

/// What a run borrows from the process it runs in.
pub struct Process<'a> {
    /// The arguments, without the program's name.
    pub args: Vec<String>,
    /// The environment variables.
    pub environment: Environment,
    /// The working directory, where git is asked for the commit.
    pub directory: PathBuf,
    /// Where the report goes.
    pub out: &'a mut dyn Write,
    /// Where faults of usage and settings go.
    pub err: &'a mut dyn Write,
}

impl std::fmt::Debug for Process<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Process").field("args", &self.args).field("directory", &self.directory).finish_non_exhaustive()
    }
}

/// Runs the tool. A stream that cannot be written to, such as a closed pipe, changes nothing in what is done or returned.
#[must_use = "the exit code is the verdict"]
pub fn run(process: Process<'_>) -> Exit {
    let Process { args, environment, directory, out, err } = process;
    let flags = match cli::parse(&args) {
        Ok(Command::Gate(flags)) => flags,
        Ok(Command::Print(text)) => {
            write(out, &text);
            return Exit::Passed;
        }
        Err(usage) => {
            write(err, &usage);
            return Exit::Usage;
        }
    };
    let settings = match settings::resolve(&flags, &environment, &directory) {
        Ok(settings) => settings,
        Err(faults) => {
            write(err, &told(&faults));
            append(&environment, err, &report::outputs::without_report("the settings are not right"));
            return Exit::Usage;
        }
    };
    let report = gate::gate(&settings);
    write(out, &report::text::render(&report, report::text::Colour::Off));
    append(&environment, err, &report::outputs::render(&report));
    report.exit()
}

/// Hands the outputs to the runner, where there is one. That they cannot be written changes no verdict.
fn append(environment: &Environment, err: &mut dyn Write, outputs: &str) {
    let Some(path) = environment.get("GITHUB_OUTPUT") else { return };
    let written =
        File::options().create(true).append(true).open(path).and_then(|mut file| file.write_all(outputs.as_bytes()));
    if let Err(error) = written {
        write(err, &format!("warning: the step outputs could not be written to GITHUB_OUTPUT: {error}\n"));
    }
}

fn told(faults: &[Fault]) -> String {
    let (count, noun) = (faults.len(), if faults.len() == 1 { "setting" } else { "settings" });
    let mut text = format!("clearml-gate: no verdict, {count} {noun} to mend:\n");
    for fault in faults {
        let _ = writeln!(text, "  {}", report::plain::line(&fault.to_string()));
    }
    text.push_str("See clearml-gate --help.\n");
    text
}

fn write(stream: &mut dyn Write, text: &str) {
    // Nobody is left to tell when the stream is gone; the exit code still tells the verdict.
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
}
