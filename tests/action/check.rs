//! Finds mistakes in an action's file without running it: lost inputs, lost outputs, code where data belongs.

use std::collections::BTreeSet;

use clearml_gate::{OUTPUTS, SETTINGS};

use crate::action::action_yml::{Action, Step};
use crate::action::expression::{Expression, Part, Reference, Value, fill, parts};
use crate::action::yaml;

/// The only input that is for the installer, not for the binary.
pub(crate) const MIRROR: &str = "CLEARML_GATE_MIRROR";
/// The variable with the path of the binary, for the step that runs it.
pub(crate) const BIN: &str = "CLEARML_GATE_BIN";
/// The variable with the job's own token, for the step that runs the binary.
const TOKEN: &str = "GITHUB_TOKEN";
/// The outputs of install.sh.
const INSTALLED: [&str; 5] = ["bin", "version", "target", "sha256", "cache-hit"];
const SYSTEMS: [&str; 3] = ["Linux", "macOS", "Windows"];

/// All mistakes in the action of this text.
pub(crate) fn faults(text: &str) -> Vec<String> {
    let action: Action = match yaml::read(text) {
        Ok(action) => action,
        Err(error) => return vec![format!("not read: {error}")],
    };
    let mut check = Check { action: &action, faults: Vec::new() };
    check.kind(text);
    for (at, step) in action.runs.steps.iter().enumerate() {
        check.script(step);
        check.references_of(step, at);
        check.variables(step);
    }
    check.inputs();
    check.outputs();
    for system in SYSTEMS {
        check.way_through(system);
    }
    check.faults
}

impl Step {
    fn installs(&self) -> bool {
        self.run.contains("install.sh")
    }

    fn outputs(&self) -> &'static [&'static str] {
        if self.installs() { &INSTALLED } else { &OUTPUTS }
    }

    /// Whether the step runs on a system where no step failed and no step wrote an output.
    fn runs_on(&self, system: &str) -> Result<bool, String> {
        let lookup = |reference: &Reference| {
            Ok(match reference {
                Reference::Status(status) => Value::Bool(status != "failure"),
                Reference::Path(path) if *path == ["runner", "os"] => Value::text(system),
                Reference::Path(_) => Value::Null,
            })
        };
        Ok(Expression::condition(self.condition.as_deref())?.value(&lookup)?.is_true())
    }
}

struct Check<'a> {
    action: &'a Action,
    faults: Vec<String>,
}

impl Check<'_> {
    fn fault(&mut self, fault: String) {
        self.faults.push(fault);
    }

    fn expect(&mut self, holds: bool, fault: impl FnOnce() -> String) {
        if !holds {
            self.faults.push(fault());
        }
    }

    fn kind(&mut self, text: &str) {
        let Action { runs, .. } = self.action;
        self.expect(runs.using == "composite", || format!("{} is not composite", runs.using));
        // In a container, the directory has another name than this expression gives.
        self.expect(!text.contains("github.action_path"), || "github.action_path instead of the variable".to_owned());
        let ids: BTreeSet<&str> = runs.steps.iter().map(|step| step.id.as_str()).collect();
        self.expect(ids.len() == runs.steps.len(), || "two steps have one id".to_owned());
    }

    fn script(&mut self, step: &Step) {
        let id = &step.id;
        self.expect(step.uses.is_none(), || format!("{id} uses another action"));
        self.expect(!step.run.is_empty(), || format!("{id} runs nothing"));
        self.expect(!step.run.contains("${{"), || format!("{id} has an expression in its script"));
        for system in SYSTEMS {
            let right = match (system == "Windows", step.installs()) {
                (false, _) => "sh",
                (true, true) => "bash",
                (true, false) => "cmd",
            };
            match step.runs_on(system) {
                Ok(runs) => {
                    self.expect(!runs || step.shell == right, || {
                        format!("{id} on {system}: {}, not {right}", step.shell)
                    });
                }
                Err(error) => self.fault(format!("{id}: {error}")),
            }
        }
    }

    fn references_of(&mut self, step: &Step, at: usize) {
        match Expression::condition(step.condition.as_deref()) {
            Ok(condition) => {
                let statuses = condition.references();
                let only_success =
                    statuses.iter().all(|one| !matches!(one, Reference::Status(status) if status != "success"));
                self.expect(only_success, || format!("{} may run after a failure", step.id));
                self.references(&format!("the condition of {}", step.id), &condition, at);
            }
            Err(error) => self.fault(error),
        }
        for (name, value) in &step.env {
            self.text(&format!("{name} of {}", step.id), value, at);
        }
    }

    fn text(&mut self, place: &str, text: &str, steps_before: usize) {
        match parts(text) {
            Ok(parts) => {
                for part in parts {
                    if let Part::Expression(expression) = part {
                        self.references(place, &expression, steps_before);
                    }
                }
            }
            Err(error) => self.fault(format!("{place}: {error}")),
        }
    }

    fn references(&mut self, place: &str, expression: &Expression, steps_before: usize) {
        for reference in expression.references() {
            let Reference::Path(path) = reference else { continue };
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            let steps = &self.action.runs.steps;
            let known = match path[..] {
                ["inputs", name] => self.action.inputs.contains_key(name),
                ["env", name] => place.starts_with(&format!("{name} of ")),
                ["runner", "os"] => true,
                ["github", "token"] => place.starts_with(&format!("{TOKEN} of ")),
                ["steps", id, "outputs", name] => {
                    steps.iter().take(steps_before).any(|step| step.id == id && step.outputs().contains(&name))
                }
                _ => false,
            };
            self.expect(known, || format!("{place} refers to {}, which is not there", path.join(".")));
        }
    }

    /// Every step gets exactly the inputs that it needs, each once and under its own name.
    fn variables(&mut self, step: &Step) {
        let inputs = self.action.inputs.keys().filter(|input| (*input == MIRROR) == step.installs());
        let meant: BTreeSet<&str> = inputs.map(String::as_str).collect();
        for name in &meant {
            // An empty input must not hide the caller's variable.
            let right = format!("${{{{ inputs.{name} || env.{name} }}}}");
            match step.env.get(*name) {
                Some(value) => self.expect(*value == right, || format!("{name} of {} is not {right}", step.id)),
                None => self.fault(format!("the input {name} is not mapped in {}", step.id)),
            }
        }
        let token = "${{ env.GITHUB_TOKEN || github.token }}";
        let is_right = step.installs() || step.env.get(TOKEN).is_some_and(|value| value == token);
        self.expect(is_right, || format!("{TOKEN} of {} is not {token}", step.id));
        for name in step.env.keys() {
            let own = meant.contains(name.as_str()) || ([BIN, TOKEN].contains(&name.as_str()) && !step.installs());
            self.expect(own, || format!("{} has a variable {name} that is no input of its", step.id));
        }
    }

    fn inputs(&mut self) {
        let inputs = &self.action.inputs;
        let named = |name: &String| SETTINGS.iter().any(|setting| setting.name == name) || name == MIRROR;
        for name in inputs.keys().filter(|name| !named(name)) {
            self.fault(format!("the input {name} is no setting"));
        }
        for setting in SETTINGS {
            let Some(input) = inputs.get(setting.name) else {
                self.fault(format!("the setting {} is no input", setting.name));
                continue;
            };
            self.expect(input.required == setting.required, || format!("required of {} is wrong", setting.name));
            let same = input.default.is_none() || input.default.as_deref() == setting.default;
            self.expect(same, || format!("the default of {} is not the binary's", setting.name));
        }
    }

    fn outputs(&mut self) {
        for name in OUTPUTS {
            self.expect(self.action.outputs.contains_key(name), || format!("the output {name} is not declared"));
        }
        for (name, output) in &self.action.outputs {
            self.expect(OUTPUTS.contains(&name.as_str()), || format!("the binary has no output {name}"));
            self.expect(!output.description.is_empty(), || format!("the output {name} has no description"));
            self.text(&format!("the output {name}"), &output.value, usize::MAX);
        }
    }

    /// Whichever step installs, the binary is found. Whichever step runs it, its outputs become the action's.
    fn way_through(&mut self, system: &str) {
        let steps = &self.action.runs.steps;
        let here = |installs| {
            let kind = steps.iter().filter(move |step| step.installs() == installs);
            kind.filter(|step| step.runs_on(system) == Ok(true)).collect::<Vec<_>>()
        };
        let (installing, gating) = (here(true), here(false));
        self.expect(!installing.is_empty(), || format!("nothing installs on {system}"));
        self.expect(gating.len() == 1, || format!("{} steps run the binary on {system}", gating.len()));
        for gate in gating {
            for install in &installing {
                let bin = gate.env.get(BIN).map(String::as_str).unwrap_or_default();
                self.hands_over(install, "bin", bin, &format!("{BIN} of {}", gate.id));
            }
            for (name, output) in &self.action.outputs {
                self.hands_over(gate, name, &output.value, &format!("the output {name}"));
            }
        }
    }

    /// Checks that the text gives the output of this step if no other step has outputs.
    fn hands_over(&mut self, step: &Step, output: &str, text: &str, place: &str) {
        let lookup = |reference: &Reference| {
            Ok(match reference {
                Reference::Path(path) if *path == ["steps", &step.id, "outputs", output] => Value::text("there"),
                _ => Value::Null,
            })
        };
        let right = fill(text, &lookup).is_ok_and(|text| text == "there");
        self.expect(right, || format!("{place} is not the {output} of {}", step.id));
    }
}
