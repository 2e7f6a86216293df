//! Entry point: passes arguments, environment and streams to the library, and returns its exit code.

#![forbid(unsafe_code)]

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use clearml_gate::{Environment, Exit, Limits, Process, Stream, run};

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        // The message of a panic may contain anything, so only its place is shown. Release builds do not have the place.
        let place = panic.location().filter(|at| at.line() > 0);
        let place = place.map_or_else(String::new, |at| format!(" at {at}"));
        // If stderr is closed, `eprintln!` would panic again.
        let _ = writeln!(
            std::io::stderr(),
            "clearml-gate {} crashed{place}. There is no verdict. This is a bug: please report it with this message.",
            env!("CARGO_PKG_VERSION")
        );
        std::process::exit(Exit::Bug.code().into());
    }));
    let (mut out, mut err) = (std::io::stdout().lock(), std::io::stderr().lock());
    let (out_is_terminal, err_is_terminal) = (out.is_terminal(), err.is_terminal());
    let exit = run(Process {
        args: std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect(),
        environment: Environment::of_this_process(),
        directory: std::env::current_dir().unwrap_or_default(),
        limits: Limits::REAL,
        out: Stream { writer: &mut out, is_terminal: out_is_terminal },
        err: Stream { writer: &mut err, is_terminal: err_is_terminal },
    });
    ExitCode::from(exit.code())
}
