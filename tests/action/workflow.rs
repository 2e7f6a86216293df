//! A workflow file as a user writes it: parsed, filled with secrets and the event, and run with the action.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::action::expression::{Expression, Reference, Value, fill};
use crate::action::job::{Done, Job, Texts};
use crate::action::seeded::HEAD;
use crate::action::yaml;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Workflow {
    #[serde(rename = "name")]
    pub(crate) _name: String,
    pub(crate) on: BTreeMap<String, Option<Trigger>>,
    /// None means the repository's default.
    pub(crate) permissions: Option<Texts>,
    pub(crate) jobs: BTreeMap<String, WorkflowJob>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trigger {
    #[serde(rename = "branches", default)]
    _branches: Vec<String>,
    #[serde(default)]
    pub(crate) types: Vec<String>,
    #[serde(rename = "workflows", default)]
    _workflows: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct WorkflowJob {
    #[serde(rename = "name", default)]
    _name: String,
    #[serde(rename = "if")]
    pub(crate) condition: Option<String>,
    pub(crate) runs_on: Json,
    #[serde(rename = "timeout-minutes")]
    _timeout: Option<u32>,
    strategy: Option<Strategy>,
    pub(crate) steps: Vec<WorkflowStep>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Strategy {
    #[serde(rename = "fail-fast")]
    _fail_fast: bool,
    matrix: Matrix,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Matrix {
    include: Vec<Texts>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WorkflowStep {
    #[serde(rename = "name", default)]
    _name: String,
    pub(crate) uses: String,
    #[serde(default)]
    pub(crate) with: Texts,
    #[serde(default)]
    pub(crate) env: Texts,
}

/// What starts a workflow, and where it runs.
pub(crate) struct Start<'a> {
    pub(crate) event: &'a str,
    pub(crate) payload: &'a Json,
    pub(crate) secrets: &'a Texts,
    /// Puts the files of a checkout into the workspace.
    pub(crate) checkout: &'a dyn Fn(&Path),
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

    /// The only step of a workflow that needs no checkout.
    pub(crate) fn step(&self) -> &WorkflowStep {
        let [step] = self.job().steps.as_slice() else { panic!("there is more than one step") };
        step
    }

    /// Runs it for a pull request of [`HEAD`].
    pub(crate) fn run(&self, secrets: &Texts) -> Done {
        let payload = json!({"action": "synchronize", "pull_request": {"head": {"sha": HEAD}}});
        let start = Start { event: "pull_request", payload: &payload, secrets, checkout: &|_| panic!("no checkout") };
        let mut done = self.start(&start, Job::new);
        assert_eq!(done.len(), 1);
        done.remove(0)
    }

    /// Runs it as GitHub would, each job of its matrix on its own runner. Empty if the event does not start it.
    pub(crate) fn start(&self, start: &Start<'_>, runner: impl Fn() -> Job) -> Vec<Done> {
        if !self.is_started_by(start) {
            return Vec::new();
        }
        let job = self.job();
        let matrix =
            job.strategy.as_ref().map_or_else(|| vec![Texts::new()], |strategy| strategy.matrix.include.clone());
        let run = |matrix: &Texts| {
            let look_up = |reference: &Reference| look_up(reference, start, matrix);
            let condition = Expression::condition(job.condition.as_deref()).unwrap();
            condition.value(&look_up).unwrap().is_true().then(|| job.run(&look_up, start, runner()))
        };
        matrix.iter().filter_map(run).collect()
    }

    fn is_started_by(&self, start: &Start<'_>) -> bool {
        let Some(trigger) = self.on.get(start.event) else { return false };
        let types = trigger.as_ref().map(|trigger| trigger.types.as_slice()).unwrap_or_default();
        let default = ["opened", "synchronize", "reopened"].map(str::to_owned);
        let by_default = start.event.starts_with("pull_request");
        let types = if types.is_empty() && by_default { default.as_slice() } else { types };
        let action = start.payload["action"].as_str().unwrap_or_default();
        types.is_empty() || types.iter().any(|one| one == action)
    }
}

impl WorkflowJob {
    fn run(&self, look_up: crate::action::expression::Lookup<'_>, start: &Start<'_>, job: Job) -> Done {
        let job = job.event(start.event, start.payload);
        let (gate, before) = self.steps.split_last().unwrap();
        for step in before {
            assert!(step.uses.starts_with("actions/checkout@"), "{}", step.uses);
            let with: Vec<_> = step.with.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!(with, [("fetch-depth", "0"), ("persist-credentials", "false")]);
            (start.checkout)(&job.path("workspace"));
        }
        let filled = |given: &Texts| -> Texts {
            given.iter().map(|(name, text)| (name.clone(), fill(text, look_up).unwrap())).collect()
        };
        assert!(gate.uses.contains("/clearml-gate@"), "{}", gate.uses);
        job.uses(&filled(&gate.with), &filled(&gate.env))
    }
}

/// The contexts that a workflow may use: the status, secrets, the matrix, and the event that started it.
fn look_up(reference: &Reference, start: &Start<'_>, matrix: &Texts) -> Result<Value, String> {
    let path = match reference {
        Reference::Path(path) => path.iter().map(String::as_str).collect::<Vec<_>>(),
        Reference::Status(status) if status == "success" => return Ok(Value::Bool(true)),
        Reference::Status(_) => return Err(format!("{reference:?}")),
    };
    match path[..] {
        ["secrets", name] => Ok(start.secrets.get(name).map_or(Value::Null, |value| Value::text(value))),
        ["matrix", name] => matrix.get(name).map(|value| Value::text(value)).ok_or_else(|| format!("no matrix.{name}")),
        ["github", "event", ref list @ .., "*", field] => {
            let list = start.payload.pointer(&format!("/{}", list.join("/"))).and_then(Json::as_array);
            let texts = list.into_iter().flatten().map(|one| one[field].as_str().unwrap().to_owned());
            Ok(Value::List(texts.collect()))
        }
        ["github", "event", ref inner @ ..] => match start.payload.pointer(&format!("/{}", inner.join("/"))) {
            None => Ok(Value::Null),
            Some(Json::Bool(value)) => Ok(Value::Bool(*value)),
            Some(value) => Ok(Value::text(value.as_str().unwrap())),
        },
        _ => Err(format!("a workflow has no {}", path.join("."))),
    }
}
