//! A gate that is killed at each request, before the request arrives or before the answer does, and then runs again.

use std::process::{Command, Stdio};
use std::time::Duration;

use clearml_gate::Limits;

use crate::proof::scenario::{HEAD, SCENARIOS, Scenario};
use crate::proof::trials::in_parallel;
use crate::support::{TAG, judge, settings};

#[derive(Debug, Clone, Copy)]
enum When {
    /// The request never reaches the server.
    Before,
    /// The server handles the request, and the answer is lost.
    Between,
}

#[test]
fn a_gate_that_is_killed_anywhere_is_finished_by_the_next_run() {
    let at = |scenario: Scenario| {
        (1..=scenario.requests).flat_map(move |n| [When::Before, When::Between].map(|when| (scenario, n, when)))
    };
    let kills: Vec<_> = SCENARIOS.into_iter().flat_map(at).collect();
    in_parallel(&kills, |(scenario, n, when)| kill_and_run_again(*scenario, *n, *when));
    println!("{} kills", kills.len());
    assert!(kills.len() > 80);
}

fn kill_and_run_again(scenario: Scenario, n: usize, when: When) {
    let context = format!("{}, killed at request {n}, {when:?}", scenario.name);
    let stage = scenario.stage();
    // On an old server a gate that finishes a move first waits for these two together.
    let limits = Limits { moving: Duration::from_secs(1), request: Duration::from_secs(2), ..Limits::REAL };
    let door = stage.sandbox.door();
    let mut child = Command::new(env!("CARGO_BIN_EXE_clearml-gate"))
        .env_clear()
        .envs(settings(&door.url(), HEAD))
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    for _ in 1..n {
        assert!(door.is_wanted());
        door.admit();
    }
    assert!(door.is_wanted(), "{context}");
    if matches!(when, When::Between) {
        door.admit_and_kill();
    }
    // On Unix this is SIGKILL.
    child.kill().unwrap();
    child.wait().unwrap();
    let carriers = stage.sandbox.tagged(TAG);
    assert!(!stage.had_tag || !carriers.is_empty(), "{context}: the tag is lost");
    let ended = judge(&stage.sandbox.url(), HEAD, limits);
    let carriers = stage.sandbox.tagged(TAG);
    assert_eq!(ended.code, scenario.code, "{context}\n{:#}", ended.report);
    assert_eq!(carriers.len(), 1, "{context}\n{:#}", ended.report);
    assert_eq!(carriers.contains(&stage.candidate), scenario.passes(), "{context}");
    stage.assert_nothing_else_changed(&context);
}
