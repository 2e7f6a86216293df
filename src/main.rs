//! Lends the process to the library: arguments, environment, streams in; the exit code out.

use std::process::ExitCode;

use clearml_gate::{Environment, Exit, Process, run};

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        // The message of a panic may hold anything; where it happened is enough to report a bug.
        let place = panic.location().map_or_else(String::new, |at| format!(" at {at}"));
        eprintln!(
            "clearml-gate: this is a bug{place}; there is no verdict. Please report it with the version ({}).",
            env!("CARGO_PKG_VERSION")
        );
        std::process::exit(Exit::Bug.code().into());
    }));
    let exit = run(Process {
        args: std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect(),
        environment: Environment::of_this_process(),
        directory: std::env::current_dir().unwrap_or_default(),
        out: &mut std::io::stdout().lock(),
        err: &mut std::io::stderr().lock(),
    });
    ExitCode::from(exit.code())
}
