//! A workflow written for the action that this one replaces, with nothing changed but its `uses:` line.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use clearml_sandbox::Sandbox;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::expression::{Reference, Value, fill};
use crate::job::{Done, Job, Texts, texts};
use crate::seeded::{BASE, HEAD, named, tagged};
use crate::yaml;

const TAG: &str = "Best Model";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Workflow {
    #[serde(rename = "name")]
    _name: String,
    on: BTreeMap<String, Trigger>,
    jobs: BTreeMap<String, WorkflowJob>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Trigger {
    #[serde(rename = "branches")]
    _branches: Vec<String>,
    types: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WorkflowJob {
    runs_on: String,
    steps: [WorkflowStep; 1],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WorkflowStep {
    #[serde(rename = "name")]
    _name: String,
    uses: String,
    with: Texts,
    env: Texts,
}

fn workflow() -> Workflow {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/original-workflow.yml");
    yaml::read(&fs::read_to_string(file).unwrap()).unwrap()
}

/// The contexts that a workflow's step may use: secrets, and the event that started it.
fn look_up(reference: &Reference, secrets: &Texts, event: &Json) -> Result<Value, String> {
    let Reference::Path(path) = reference else { return Err(format!("{reference:?}")) };
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path[..] {
        ["secrets", name] => Ok(secrets.get(name).map_or(Value::Null, |value| Value::text(value))),
        ["github", "event", ref inner @ ..] => {
            let value = event.pointer(&format!("/{}", inner.join("/")));
            Ok(value.map_or(Value::Null, |value| Value::text(value.as_str().unwrap())))
        }
        _ => Err(format!("a workflow's step has no {}", path.join("."))),
    }
}

/// Every event that the workflow asks for comes from a pull request of this head.
fn run(secrets: &Texts) -> Done {
    let event = json!({"action": "synchronize", "pull_request": {"head": {"sha": HEAD}}});
    let filled = |given: &Texts| -> Texts {
        let value = |text: &String| fill(text, &|reference| look_up(reference, secrets, &event)).unwrap();
        given.iter().map(|(name, text)| (name.clone(), value(text))).collect()
    };
    let workflow = workflow();
    let [step] = &workflow.jobs["detect-model-degradation"].steps;
    Job::new().event("pull_request", &event).uses(&filled(&step.with), &filled(&step.env))
}

fn secrets(sandbox: &Sandbox) -> Texts {
    texts(&[
        ("ACCESS_KEY", sandbox.access_key()),
        ("SECRET_KEY", sandbox.secret_key()),
        ("CLEARML_API_HOST", &sandbox.url()),
    ])
}

fn sandbox(candidate: f64) -> Sandbox {
    named(["vision/detector", "train", "validation", "accuracy"], TAG, 100.0, candidate)
}

#[test]
fn it_uses_this_action_for_the_pull_requests_it_always_ran_for() {
    let workflow = workflow();
    assert_eq!(workflow.on["pull_request"].types, ["assigned", "opened", "edited", "reopened", "synchronize"]);
    let WorkflowJob { runs_on, steps: [step] } = &workflow.jobs["detect-model-degradation"];
    assert!(runs_on.starts_with("ubuntu-"));
    let home = env!("CARGO_PKG_REPOSITORY").strip_prefix("https://github.com/").unwrap();
    assert_eq!(step.uses.split_once('@').unwrap().0, home);
    assert_eq!(step.with.len(), 10);
    assert_eq!(step.env.keys().collect::<Vec<_>>(), ["COMMIT_ID"]);
}

#[test]
fn a_loss_within_the_threshold_passes_and_takes_the_tag() {
    let sandbox = sandbox(97.0);
    let done = run(&secrets(&sandbox)).ended("gate", 0).says("PASSED, tolerated");
    done.has(&[("passed", "true"), ("promoted", "true"), ("limit", "97"), ("exit-code", "0")]);
    assert_eq!(tagged(&sandbox, TAG), [HEAD]);
}

#[test]
fn a_greater_loss_fails_the_check() {
    let sandbox = sandbox(96.9);
    let done = run(&secrets(&sandbox)).ended("gate", 1).says("FAILED, degraded");
    done.has(&[("passed", "false"), ("promoted", "false"), ("exit-code", "1")]);
    assert_eq!(tagged(&sandbox, TAG), [BASE]);
}

#[test]
fn a_pull_request_from_a_fork_is_told_which_settings_it_lacks() {
    let done = run(&texts(&[])).ended("gate", 2);
    done.says("CLEARML_API_ACCESS_KEY").says("CLEARML_API_SECRET_KEY").says("CLEARML_API_HOST");
}
