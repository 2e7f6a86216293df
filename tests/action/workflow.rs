//! A workflow file as its user writes it: read, filled with secrets and the event, and run through the action.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::expression::{Reference, Value, fill};
use crate::job::{Done, Job, Texts};
use crate::seeded::HEAD;
use crate::yaml;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Workflow {
    #[serde(rename = "name")]
    _name: String,
    pub(crate) on: BTreeMap<String, Trigger>,
    pub(crate) jobs: BTreeMap<String, WorkflowJob>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trigger {
    #[serde(rename = "branches")]
    _branches: Vec<String>,
    #[serde(default)]
    pub(crate) types: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct WorkflowJob {
    pub(crate) runs_on: String,
    pub(crate) steps: [WorkflowStep; 1],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WorkflowStep {
    #[serde(rename = "name", default)]
    _name: String,
    pub(crate) uses: String,
    pub(crate) with: Texts,
    pub(crate) env: Texts,
}

impl Workflow {
    pub(crate) fn read(text: &str) -> Self {
        yaml::read(text).unwrap()
    }

    /// The only job of the workflow.
    pub(crate) fn job(&self) -> &WorkflowJob {
        assert_eq!(self.jobs.len(), 1);
        self.jobs.values().next().unwrap()
    }

    /// Runs it for a pull request of [`HEAD`], where every event that such a workflow asks for comes from.
    pub(crate) fn run(&self, secrets: &Texts) -> Done {
        let event = json!({"action": "synchronize", "pull_request": {"head": {"sha": HEAD}}});
        let filled = |given: &Texts| -> Texts {
            let value = |text: &String| fill(text, &|reference| look_up(reference, secrets, &event)).unwrap();
            given.iter().map(|(name, text)| (name.clone(), value(text))).collect()
        };
        let [step] = &self.job().steps;
        Job::new().event("pull_request", &event).uses(&filled(&step.with), &filled(&step.env))
    }
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
