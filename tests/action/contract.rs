//! Compares `action.yml` with the settings and outputs of the binary, and with the action that it replaces.

use std::collections::BTreeMap;

use crate::action::action_yml::{self, Action, Input};
use crate::action::check::faults;
use crate::action::yaml;

fn the_action() -> Action {
    yaml::read(&action_yml::text()).unwrap()
}

#[test]
fn the_action_has_no_mistakes() {
    assert_eq!(faults(&action_yml::text()), Vec::<String>::new());
}

#[test]
fn the_action_has_the_ten_inputs_of_the_original_with_their_defaults() {
    let inputs = the_action().inputs;
    let original = [
        ("CLEARML_API_ACCESS_KEY", true, None),
        ("CLEARML_API_SECRET_KEY", true, None),
        ("CLEARML_API_HOST", true, None),
        ("CLEARML_PROJECT", true, None),
        ("CLEARML_TASK_NAME", true, None),
        // The original requires it. Here a list of metrics can replace it, and a linter must not reject that.
        ("CLEARML_SCALAR_TITLE", false, None),
        ("CLEARML_SCALAR_SERIES", false, None),
        ("CLEARML_SCALAR_MIN_MAX", false, Some("MAX")),
        ("CLEARML_BEST_TAGNAME", false, Some("Best Performance")),
        ("CLEARML_SCALAR_THRESHOLD", false, Some("0")),
    ];
    for (name, required, default) in original {
        let Input { required: is_required, default: has, .. } = &inputs[name];
        assert_eq!((*is_required, has.as_deref()), (required, default), "{name}");
    }
    let others = inputs.iter().filter(|(name, _)| original.iter().all(|(own, ..)| own != name));
    let others: BTreeMap<_, _> = others.map(|(name, input)| (name, (input.required, &input.default))).collect();
    assert!(others.values().all(|(required, default)| !required && default.is_none()), "{others:?}");
}

#[test]
fn the_action_meets_the_rules_of_the_marketplace() {
    let action = the_action();
    assert!(!action.name.is_empty() && !action.author.is_empty());
    assert!((1..=125).contains(&action.description.len()), "{}", action.description);
    let colors = ["white", "black", "yellow", "blue", "green", "orange", "red", "purple", "gray-dark"];
    assert!(colors.contains(&action.branding.color.as_str()));
    assert!(!action.branding.icon.is_empty());
    assert!(action.runs.steps.iter().all(|step| !step.name.is_empty()));
}

/// Checks that the fault is reported after one change.
#[track_caller]
fn is_found(from: &str, to: &str, fault: &str) {
    let faults = faults(&action_yml::with(from, to));
    assert!(faults.iter().any(|found| found.contains(fault)), "{fault:?} is not among {faults:#?}");
}

#[test]
fn an_input_that_is_not_mapped_is_found() {
    let line = "        CLEARML_PROMOTE: ${{ inputs.CLEARML_PROMOTE || env.CLEARML_PROMOTE }}\n";
    is_found(line, "", "the input CLEARML_PROMOTE is not mapped in gate");
    let mirror =
        "      env:\n        CLEARML_GATE_MIRROR: ${{ inputs.CLEARML_GATE_MIRROR || env.CLEARML_GATE_MIRROR }}\n";
    let second = "    - name: Install, second try\n";
    is_found(&format!("{mirror}{second}"), second, "the input CLEARML_GATE_MIRROR is not mapped in install-windows");
}

#[test]
fn an_input_that_is_mapped_twice_or_wrongly_is_found() {
    let line = "        CLEARML_PROMOTE: ${{ inputs.CLEARML_PROMOTE || env.CLEARML_PROMOTE }}\n";
    is_found(line, &format!("{line}{line}"), "not read: ");
    is_found(line, &format!("{line}        ALSO: ${{{{ inputs.CLEARML_PROMOTE }}}}\n"), "a variable ALSO");
    is_found(line, &line.replace(" || env.CLEARML_PROMOTE", ""), "CLEARML_PROMOTE of gate is not");
    is_found("inputs.CLEARML_PROMOTE ", "inputs.CLEARML_PROMOTED ", "CLEARML_PROMOTED, which is not there");
    is_found("|| env.CLEARML_PROMOTE ", "|| env.CLEARML_PROJECT ", "env.CLEARML_PROJECT, which is not there");
}

#[test]
fn a_secret_that_reaches_the_installer_is_found() {
    let mirror = "        CLEARML_GATE_MIRROR: ";
    let key = "        CLEARML_API_SECRET_KEY: ${{ inputs.CLEARML_API_SECRET_KEY || env.CLEARML_API_SECRET_KEY }}\n";
    is_found(mirror, &format!("{key}{mirror}"), "install has a variable CLEARML_API_SECRET_KEY");
    let token = "        GITHUB_TOKEN: ${{ env.GITHUB_TOKEN || github.token }}\n";
    is_found(mirror, &format!("{token}{mirror}"), "install has a variable GITHUB_TOKEN");
    is_found(token, "", "GITHUB_TOKEN of gate is not");
    is_found("env.COMMIT_ID }}", "github.token }}", "COMMIT_ID of gate refers to github.token");
}

#[test]
fn inputs_and_settings_that_disagree_are_found() {
    is_found("  CLEARML_WEB_HOST:\n", "  CLEARML_WEB_APP:\n", "the setting CLEARML_WEB_HOST is no input");
    is_found("  CLEARML_WEB_HOST:\n", "  CLEARML_WEB_APP:\n", "the input CLEARML_WEB_APP is no setting");
    is_found("default: \"MAX\"", "default: \"MIN\"", "the default of CLEARML_SCALAR_MIN_MAX");
    is_found("required: true", "required: false", "required of CLEARML_API_ACCESS_KEY");
    is_found("required: true", "required: yes", "not read: ");
}

#[test]
fn an_output_that_names_a_missing_step_or_output_is_found() {
    is_found(
        "steps.gate.outputs.verdict",
        "steps.gat.outputs.verdict",
        "steps.gat.outputs.verdict, which is not there",
    );
    is_found("steps.gate.outputs.verdict", "steps.gate.outputs.verdikt", "steps.gate.outputs.verdikt, which is not");
    is_found("steps.gate.outputs.verdict", "steps.install.outputs.verdict", "steps.install.outputs.verdict, which");
    is_found("id: gate\n", "id: judge\n", "steps.gate.outputs.verdict, which is not there");
}

#[test]
fn an_output_that_comes_from_the_wrong_step_is_found() {
    is_found("steps.gate.outputs.limit", "steps.gate.outputs.change", "the output limit is not the limit of gate");
    is_found(" || steps.gate-windows.outputs.limit", "", "the output limit is not the limit of gate-windows");
    is_found("  limit:\n", "  bound:\n", "the output limit is not declared");
    is_found("  limit:\n", "  bound:\n", "the binary has no output bound");
}

#[test]
fn an_expression_in_a_script_is_found() {
    is_found(
        "exec \"$CLEARML_GATE_BIN\"",
        "exec ${{ steps.install.outputs.bin }}",
        "gate has an expression in its script",
    );
    is_found("folder=$(cygpath", "folder=$(${{ inputs.CLEARML_PROJECT }} cygpath", "install-windows has an expression");
    is_found("sh \"$GITHUB_ACTION_PATH/", "sh \"${{ github.action_path }}/", "github.action_path instead");
}

#[test]
fn another_action_or_a_step_after_a_failure_is_found() {
    is_found(
        "      run: sh \"$GITHUB_ACTION_PATH/install.sh\"\n",
        "      uses: actions/cache@v4\n",
        "install uses another",
    );
    is_found("      shell: sh\n", "      shell: sh\n      continue-on-error: true\n", "not read: ");
    is_found(
        "id: gate\n      if: runner.os",
        "id: gate\n      if: always() && runner.os",
        "gate may run after a failure",
    );
    is_found("if: runner.os != 'Windows'", "if: hashFiles('x') != ''", "is not understood");
    is_found("      env:\n", "      env: &all\n", "not read: ");
}

#[test]
fn a_system_without_its_own_shell_or_binary_is_found() {
    is_found("      shell: bash\n", "      shell: sh\n", "install-windows on Windows: sh, not bash");
    is_found(
        "      if: runner.os != 'Windows'\n      shell: sh\n",
        "      shell: sh\n",
        "install on Windows: sh, not bash",
    );
    is_found(
        "id: gate\n      if: runner.os != 'Windows'",
        "id: gate\n      if: runner.os == 'Linux'",
        "0 steps run the binary",
    );
    is_found(" || steps.install-windows-again.outputs.bin", "", "is not the bin of install-windows-again");
    is_found("${{ steps.install.outputs.bin }}", "clearml-gate", "CLEARML_GATE_BIN of gate is not the bin of install");
}
