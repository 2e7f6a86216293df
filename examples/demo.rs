//! Gates a small story of pull requests over real HTTP, against the embedded ClearML sandbox.
//!
//! `cargo run --example demo` plays the story. `cargo run --example demo -- --serve` then keeps the sandbox running and
//! prints the environment variables for `cargo run` or the ClearML SDK.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;

use clearml_gate::{Environment, Limits, Process, Stream};
use clearml_sandbox::{Sandbox, TaskSeed};

const PROJECT: &str = "vision/detector";
const TASK: &str = "train";
const TITLE: &str = "validation";
const SERIES: &str = "accuracy";
const TAG: &str = "Best Performance";

/// 2026-01-04, in microseconds since 1970.
const NOW: i64 = 1_767_484_800_000_000;

/// A pull request: its title, its commit, and the run of that commit.
struct PullRequest {
    title: &'static str,
    commit: &'static str,
    run: TaskSeed,
}

fn main() -> std::io::Result<()> {
    // A few days after the first seeded run, so that the reports show realistic ages.
    let sandbox = Sandbox::builder().now(NOW).start()?;
    println!("A ClearML API listens on {}. The baseline scores 0.80 and has the tag.\n", sandbox.url());
    sandbox.add(seed("1111111111111111111111111111111111111111", &[0.55, 0.72, 0.80]).tag(TAG).tag("prod"));
    for request in story() {
        sandbox.add(request.run);
        println!("──── {} ────\n", request.title);
        sandbox.clear_log();
        let exit = gate(&sandbox, request.commit);
        let tagged: Vec<String> = sandbox.tagged(TAG).iter().map(|id| commit_of(&sandbox, id)).collect();
        println!(
            "\n  → exit code {exit}, {} requests; \"{TAG}\" is now on the run of {}\n",
            sandbox.requests().len(),
            tagged.join(" and ")
        );
    }
    if std::env::args().any(|arg| arg == "--serve") {
        serve(&sandbox);
    }
    Ok(())
}

fn seed(commit: &str, accuracy: &[f64]) -> TaskSeed {
    let points: Vec<(i64, f64)> = (0..).zip(accuracy.iter().copied()).collect();
    TaskSeed::new(PROJECT, TASK).commit(commit).scalar(TITLE, SERIES, &points)
}

fn story() -> Vec<PullRequest> {
    const BETTER: &str = "2222222222222222222222222222222222222222";
    const WORSE: &str = "3333333333333333333333333333333333333333";
    const DIRTY: &str = "4444444444444444444444444444444444444444";
    const RUNNING: &str = "5555555555555555555555555555555555555555";
    vec![
        PullRequest { title: "A better model", commit: BETTER, run: seed(BETTER, &[0.60, 0.78, 0.85]) },
        PullRequest { title: "A worse model", commit: WORSE, run: seed(WORSE, &[0.50, 0.66, 0.74]) },
        PullRequest {
            title: "A model from uncommitted code",
            commit: DIRTY,
            run: seed(DIRTY, &[0.70, 0.85, 0.93]).diff("diff --git a/train.py b/train.py\n"),
        },
        PullRequest {
            title: "A model that is still training",
            commit: RUNNING,
            run: seed(RUNNING, &[0.40, 0.52]).status("in_progress"),
        },
    ]
}

/// The settings of the story, as environment variables.
fn environment(sandbox: &Sandbox, commit: &str) -> Vec<(&'static str, String)> {
    vec![
        ("CLEARML_API_HOST", sandbox.url()),
        ("CLEARML_API_ACCESS_KEY", sandbox.access_key().to_owned()),
        ("CLEARML_API_SECRET_KEY", sandbox.secret_key().to_owned()),
        ("CLEARML_WEB_HOST", "https://app.example.org".to_owned()),
        ("CLEARML_PROJECT", PROJECT.to_owned()),
        ("CLEARML_TASK_NAME", TASK.to_owned()),
        ("CLEARML_SCALAR_TITLE", TITLE.to_owned()),
        ("CLEARML_SCALAR_SERIES", SERIES.to_owned()),
        ("CLEARML_SCALAR_THRESHOLD", "3%".to_owned()),
        ("COMMIT_ID", commit.to_owned()),
    ]
}

fn gate(sandbox: &Sandbox, commit: &str) -> u8 {
    let exit = clearml_gate::run(Process {
        args: Vec::new(),
        environment: environment(sandbox, commit).into_iter().collect::<Environment>(),
        directory: PathBuf::from("."),
        limits: Limits::REAL,
        out: Stream { is_terminal: std::io::stdout().is_terminal(), writer: &mut std::io::stdout() },
        err: Stream { is_terminal: std::io::stderr().is_terminal(), writer: &mut std::io::stderr() },
    });
    exit.code()
}

fn commit_of(sandbox: &Sandbox, id: &str) -> String {
    let task = sandbox.task(id);
    task.pointer("/script/version_num").and_then(|commit| commit.as_str()).unwrap_or("?").chars().take(12).collect()
}

fn serve(sandbox: &Sandbox) {
    println!("The sandbox runs until Ctrl-C. In another shell:\n");
    for (name, value) in environment(sandbox, "2222222222222222222222222222222222222222") {
        println!("  export {name}='{value}'");
    }
    println!("\n  cargo run");
    let _ = std::io::stdout().flush();
    loop {
        std::thread::park();
    }
}
