//! Text that is generated from the table of settings: docs/settings.md, and the inputs and variables in action.yml.
//! After a change to the table, `UPDATE_EXPECT=1 cargo test --test integration generated` writes it.

use std::fs;
use std::path::Path;

use clearml_gate::{SETTINGS, Setting};
use expect_test::{ExpectFile, expect_file};

/// Asserts that the file has this text between each pair of lines that contain `mark:begin` and `mark:end`.
fn check(file: &str, expected: &ExpectFile, blocks: &[(&str, String)]) {
    let mut text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    for (mark, block) in blocks {
        text = replaced(&text, mark, block);
    }
    expected.assert_eq(&text);
}

fn replaced(text: &str, mark: &str, block: &str) -> String {
    let (begin, end) = (format!("{mark}:begin"), format!("{mark}:end"));
    let (mut out, mut is_inside, mut marks) = (String::new(), false, 0);
    for line in text.split_inclusive('\n') {
        if line.contains(&end) {
            is_inside = false;
            marks += 1;
        }
        if !is_inside {
            out.push_str(line);
        }
        if line.contains(&begin) {
            is_inside = true;
            out.push_str(block);
        }
    }
    assert!(marks > 0 && !is_inside, "{begin} or {end} is missing");
    out
}

#[test]
fn the_settings_page_shows_every_setting() {
    let rows: String = SETTINGS.iter().map(|setting| row(setting)).collect();
    let table = format!("| setting | flag | values or example | default | meaning |\n|---|---|---|---|---|\n{rows}");
    check("docs/settings.md", &expect_file!["../../docs/settings.md"], &[("<!-- settings", table)]);
}

fn row(setting: &Setting) -> String {
    let Setting { name, default, values, required, secret, example, meaning, .. } = setting;
    let flag = if *secret { "none (secret)".to_owned() } else { format!("`--{}`", setting.flag()) };
    let values: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
    let example = example.filter(|example| *default != Some(example));
    let values = example.map_or_else(|| values.join(", "), |example| format!("example: `{example}`"));
    let default = match default {
        Some(default) => format!("`{default}`"),
        None if *required => "required".to_owned(),
        None => String::new(),
    };
    format!("| `{name}` | {flag} | {values} | {default} | {meaning} |\n")
}

#[test]
fn the_action_has_every_setting_as_an_input_and_passes_it_on() {
    let inputs = SETTINGS.iter().map(|setting| input(setting)).collect();
    let variable = |name| format!("        {name}: ${{{{ inputs.{name} || env.{name} }}}}\n");
    let variables = SETTINGS.iter().map(|setting| variable(setting.name)).collect();
    let blocks = [("# settings:inputs", inputs), ("# settings:variables", variables)];
    check("action.yml", &expect_file!["../../action.yml"], &blocks);
}

fn input(setting: &Setting) -> String {
    let Setting { name, meaning, required, .. } = setting;
    let values = match setting.values {
        [] => String::new(),
        values => format!(" Values: {}.", values.join(", ")),
    };
    let (default, declared) = match setting.default {
        Some(default) if setting.default_in_action => (String::new(), format!("    default: \"{default}\"\n")),
        Some(default) => (format!(" Default: {default}."), String::new()),
        None => (String::new(), String::new()),
    };
    let description = format!("{meaning}{values}{default}").replace('"', "\\\"");
    format!("  {name}:\n    description: \"{description}\"\n    required: {required}\n{declared}")
}
