//! Runs the gate in the process of the tests, over real HTTP: for tests with thousands of runs, and for tests with shorter
//! limits than the binary's.

use std::path::PathBuf;

use clearml_gate::{Environment, Limits, Process, Stream};
use serde_json::Value;

use super::scene::{PROJECT, SERIES, TASK, TITLE};

/// Divides the limits by this: 0.6 s for retries, 0.3 s for a request.
pub(crate) const FASTER: u32 = 100;

/// How a gate ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: u8,
    /// The JSON report.
    pub(crate) report: Value,
    /// Standard error, which has the console report.
    pub(crate) err: String,
}

/// The settings of a gate.
pub(crate) fn settings(url: &str, commit: &str) -> Vec<(&'static str, String)> {
    vec![
        ("CLEARML_API_HOST", url.to_owned()),
        ("CLEARML_API_ACCESS_KEY", "EGRTCO8JMSIGI6S39GTP43NFWXDQOW".to_owned()),
        ("CLEARML_API_SECRET_KEY", "LPEJbGJ6bK4tujQcmrD3i1dbMBDdwUwelVa-LG0K0FFmY9bzH_H0Sw".to_owned()),
        ("CLEARML_WEB_HOST", "https://app.example.org".to_owned()),
        ("CLEARML_PROJECT", PROJECT.to_owned()),
        ("CLEARML_TASK_NAME", TASK.to_owned()),
        ("CLEARML_SCALAR_TITLE", TITLE.to_owned()),
        ("CLEARML_SCALAR_SERIES", SERIES.to_owned()),
        ("COMMIT_ID", commit.to_owned()),
    ]
}

/// Gates a commit against the server at this address.
pub(crate) fn judge(url: &str, commit: &str, limits: Limits) -> Ended {
    judge_with(settings(url, commit), limits)
}

/// Runs a gate with these settings.
pub(crate) fn judge_with(settings: Vec<(&'static str, String)>, limits: Limits) -> Ended {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit = clearml_gate::run(Process {
        args: vec!["--json".to_owned(), "-".to_owned()],
        environment: settings.into_iter().collect::<Environment>(),
        // No checkout, so the gate does not ask git.
        directory: PathBuf::from("/"),
        limits,
        out: Stream { writer: &mut out, is_terminal: false },
        err: Stream { writer: &mut err, is_terminal: false },
    });
    Ended {
        code: exit.code(),
        report: serde_json::from_slice(&out).unwrap(),
        err: String::from_utf8_lossy(&err).into_owned(),
    }
}
