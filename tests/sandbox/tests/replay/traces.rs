//! Traces of whole SDK and agent runs: their requests, the status of each answer, and the task before and after.

use std::path::Path;
use std::time::Duration;

use clearml_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::compare::Likeness;
use crate::{client, scenes};

/// Requests that no task depends on and that the sandbox does not support.
const SKIPPED: &[&str] = &["queues.get_all"];

const LONGEST_BODY: usize = 3000;

struct Trace {
    recorded: Value,
    sandbox: Sandbox,
    likeness: Likeness,
}

impl Trace {
    fn open(path: &Path) -> Self {
        let mut recorded: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        if recorded["name"] == "trace-sdk-two-at-once" {
            // Two requests at once. The curves show that the events came after the reset, although it was sent later.
            recorded["requests"].as_array_mut().unwrap().swap(28, 29);
        }
        if recorded["name"] == "trace-agent-resumed" {
            // The agent ran it twice; "before" is between the two.
            let requests = recorded["requests"].as_array_mut().unwrap();
            let starts =
                |request: &Value| request["body"].as_str().is_some_and(|body| body.contains("pulled by agent\""));
            let second = requests.iter().rposition(starts).unwrap();
            requests.drain(..second);
        }
        let before = &recorded["before"];
        let state = if before.is_object() {
            let project = json!({"id": before["project"], "name": "story/project", "tags": [], "system_tags": []});
            let queue = json!({"id": before["execution"]["queue"], "name": "agents"});
            json!({"projects": [project], "tasks": [before], "queues": [queue]}).to_string()
        } else if recorded["after"].is_object() {
            "{}".to_owned()
        } else {
            scenes::SEEDED_AGAIN.to_owned()
        };
        let sandbox = scenes::start(&state, scenes::SECOND_NOW);
        let mut likeness = Likeness::knowing(&state);
        likeness.orders_times = true;
        Self { recorded, sandbox, likeness }
    }

    fn run(mut self) -> Result<(), String> {
        for request in self.recorded["requests"].as_array().unwrap() {
            let path = request["path"].as_str().unwrap();
            let endpoint = path.rsplit('/').next().unwrap();
            if SKIPPED.contains(&endpoint) {
                continue;
            }
            self.sandbox.advance_clock(Duration::from_millis(20));
            let sent = self.likeness.rewrite(&scenes::signed(
                &self.sandbox,
                path,
                if endpoint == "events.add_batch" { "application/json-lines" } else { "application/json" },
                &whole(request["body"].as_str().unwrap_or_default()),
            ));
            let answer = client::send(&self.sandbox.url(), &sent)?;
            if json!(answer.status) != request["status"] {
                return Err(format!("{endpoint}: {} instead of {}: {}", answer.status, request["status"], answer.body));
            }
            let known = match endpoint {
                "tasks.create" => &self.recorded["after"]["id"],
                "projects.create" => &self.recorded["after"]["project"],
                _ => continue,
            };
            let data: Value = serde_json::from_str(&answer.body).unwrap();
            if let (Some(known), Some(own)) = (known.as_str(), data["data"]["id"].as_str()) {
                self.likeness.same_id(known, own);
            }
        }
        self.check_task()?;
        self.check_curves()
    }

    fn check_task(&mut self) -> Result<(), String> {
        let mut after = self.recorded["after"].clone();
        if after.is_null() {
            return Ok(());
        }
        let id = self.likeness.translate(after["id"].as_str().unwrap());
        let mut task = self.sandbox.ask("tasks.get_by_id", &json!({"task": id}))?["task"].clone();
        // The recorded run took seconds. This one does not.
        for task in [&mut after, &mut task] {
            assert!(task["active_duration"].is_i64());
            task["active_duration"] = Value::Null;
        }
        self.likeness.same(&after, &task, false, "task")
    }

    /// For traces that have every event of the task.
    fn check_curves(&mut self) -> Result<(), String> {
        let recorded = self.recorded["hist_iter"].clone();
        if recorded.is_null() || self.recorded["before"].is_object() {
            return Ok(());
        }
        let id = self.likeness.translate(self.recorded["after"]["id"].as_str().unwrap());
        let curves = self.sandbox.ask("events.scalar_metrics_iter_histogram", &json!({"task": id}))?;
        self.likeness.same(&recorded, &curves, false, "curves")
    }
}

/// Longer bodies were cut, always in the text of an agent's log.
fn whole(body: &str) -> String {
    if body.chars().count() < LONGEST_BODY { body.to_owned() } else { format!("{}\"}}", body.trim_end_matches('\\')) }
}

#[test]
fn recorded_runs_leave_the_same_task() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| {
        path.file_name().unwrap().to_str().unwrap().starts_with('4') && path.to_str().unwrap().contains("-trace-")
    });
    paths.sort();
    assert_eq!(paths.len(), 10);
    let problems: Vec<String> = paths
        .iter()
        .filter_map(|path| Some(format!("{}: {}", path.file_stem()?.to_str()?, Trace::open(path).run().err()?)))
        .collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
