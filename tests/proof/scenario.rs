//! The scenarios: the runs in ClearML, and how a gate ends if nothing goes wrong.

use clearml_sandbox::{Sandbox, TaskSeed};
use serde_json::Value;

pub(crate) use crate::support::{BASE, HEAD, OTHER};
use crate::support::{PROJECT, SERIES, TAG, TASK, TITLE};

/// What is in ClearML, and the correct result.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    api_version: &'static str,
    /// Commit, value, and whether the run has the tag. The run of [`HEAD`] is the candidate.
    runs: &'static [(&'static str, f64, bool)],
    /// The verdict if nothing goes wrong.
    pub(crate) verdict: &'static str,
    pub(crate) code: u8,
    /// The number of requests if nothing goes wrong.
    pub(crate) requests: usize,
}

pub(crate) const SCENARIOS: [Scenario; 6] = [
    Scenario {
        name: "pass and promote",
        api_version: "2.34",
        runs: &[(BASE, 0.8, true), (HEAD, 0.9, false)],
        verdict: "improved",
        code: 0,
        requests: 8,
    },
    Scenario {
        name: "degraded",
        api_version: "2.34",
        runs: &[(BASE, 0.8, true), (HEAD, 0.7, false)],
        verdict: "degraded",
        code: 1,
        requests: 5,
    },
    Scenario {
        name: "first",
        api_version: "2.34",
        runs: &[(HEAD, 0.9, false)],
        verdict: "first",
        code: 0,
        // One of them looks for a misspelled tag.
        requests: 8,
    },
    Scenario {
        name: "heal two bests",
        api_version: "2.34",
        runs: &[(BASE, 0.8, true), (HEAD, 0.9, false), (OTHER, 0.85, true)],
        verdict: "improved",
        code: 0,
        requests: 8,
    },
    Scenario {
        name: "finish a move",
        api_version: "2.34",
        runs: &[(BASE, 0.8, true), (HEAD, 0.9, true)],
        verdict: "unchanged",
        code: 0,
        requests: 8,
    },
    Scenario {
        name: "old server",
        api_version: "2.20",
        runs: &[(BASE, 0.8, true), (HEAD, 0.9, false)],
        verdict: "improved",
        code: 0,
        requests: 10,
    },
];

/// A sandbox with the runs of a scenario.
pub(crate) struct Stage {
    pub(crate) sandbox: Sandbox,
    before: Value,
    pub(crate) candidate: String,
    pub(crate) had_tag: bool,
}

impl Scenario {
    pub(crate) fn stage(&self) -> Stage {
        let sandbox = Sandbox::builder().api_version(self.api_version).start().unwrap();
        let mut candidate = String::new();
        for &(commit, value, tagged) in self.runs {
            let seed = TaskSeed::new(PROJECT, TASK).commit(commit).scalar(TITLE, SERIES, &[(0, value)]);
            let seed = if tagged { seed.tag(TAG) } else { seed };
            let id = sandbox.add(seed.tag("prod").tag(&commit[..6]));
            if commit == HEAD {
                candidate = id;
            }
        }
        let had_tag = !sandbox.tagged(TAG).is_empty();
        Stage { before: others(&sandbox.state()), sandbox, candidate, had_tag }
    }

    /// Whether the candidate gets the tag.
    pub(crate) fn passes(&self) -> bool {
        self.code == 0
    }
}

impl Stage {
    /// Asserts that nothing but the tag changed in any task.
    pub(crate) fn assert_nothing_else_changed(&self, context: &str) {
        assert_eq!(others(&self.sandbox.state()), self.before, "{context}");
    }
}

/// The workspace without the fields that change with the tag.
fn others(state: &Value) -> Value {
    let mut state = state.clone();
    for task in state["tasks"].as_array_mut().unwrap() {
        let task = task.as_object_mut().unwrap();
        task.remove("last_change");
        task.remove("last_changed_by");
        if let Some(tags) = task.get_mut("tags").and_then(Value::as_array_mut) {
            tags.retain(|tag| tag != TAG);
            tags.sort_by_key(ToString::to_string);
        }
    }
    state
}
