//! Runs the sandbox until standard input closes: `serve [--port N] [--api-version X.Y]`.
//!
//! Prints one line of `NAME=value` pairs, the environment that a ClearML client needs. At the end it prints to standard
//! error the requests with an error as answer, and fails if one of them was for an unknown endpoint.

use std::io::{self, Read as _, Write as _};
use std::process::ExitCode;

use clearml_sandbox::Sandbox;

fn main() -> io::Result<ExitCode> {
    let sandbox = start()?;
    println!(
        "CLEARML_API_HOST={} CLEARML_API_ACCESS_KEY={} CLEARML_API_SECRET_KEY={}",
        sandbox.url(),
        sandbox.access_key(),
        sandbox.secret_key()
    );
    io::stdout().flush()?;
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(report(&sandbox))
}

fn start() -> io::Result<Sandbox> {
    let invalid = |what: String| io::Error::new(io::ErrorKind::InvalidInput, what);
    // The SDK sends requests that a gate must not, such as queries over the whole workspace.
    // It also forks with connections open, so that two processes share them.
    let mut builder = Sandbox::builder().lenient().one_request_per_connection();
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| invalid(format!("{name} needs a value")))?;
        builder = match name.as_str() {
            "--port" => builder.port(value.parse().map_err(|_| invalid(format!("no port: {value}")))?),
            "--api-version" => builder.api_version(&value),
            _ => return Err(invalid(format!("unknown argument {name}"))),
        };
    }
    builder.start()
}

fn report(sandbox: &Sandbox) -> ExitCode {
    let requests = sandbox.requests();
    let connections = requests.iter().map(|request| request.connection).max().unwrap_or_default();
    eprintln!("sandbox: {} requests on {connections} connections", requests.len());
    for request in requests.iter().filter(|request| request.status != 200) {
        eprintln!("sandbox: {} {} {}", request.status, request.endpoint, request.body);
    }
    let unknown = requests.iter().any(|request| request.status == 404);
    if unknown { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
