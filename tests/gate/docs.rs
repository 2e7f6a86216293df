//! The documents say what the program does.

use std::fs;
use std::path::Path;

use clearml_gate::{OUTPUTS, SETTINGS};

use crate::support::Gate;

fn file(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

#[test]
fn the_settings_table_of_the_readme_is_the_programs() {
    let readme = file("README.md");
    let rows: Vec<&str> =
        readme.lines().filter(|line| line.starts_with("| `CLEARML_") || line.starts_with("| `COMMIT_ID")).collect();
    let expected: Vec<String> = SETTINGS
        .iter()
        .map(|setting| {
            let flag = if setting.secret { "none: a secret".to_owned() } else { format!("`--{}`", setting.flag()) };
            let default = match (setting.default, setting.required) {
                (Some(default), _) => format!("`{default}`"),
                (None, true) => "required".to_owned(),
                (None, false) => String::new(),
            };
            format!("| `{}` | {flag} | {default} | {} |", setting.name, setting.meaning)
        })
        .collect();
    assert_eq!(rows, expected, "\n{}\n", expected.join("\n"));
}

#[test]
fn the_readme_names_every_output() {
    let readme = file("README.md");
    for output in OUTPUTS {
        assert!(readme.contains(&format!("`{output}`")), "{output}");
    }
}

#[test]
fn the_help_names_every_setting() {
    let help = Gate::bare().args(&["--help"]).run().out;
    for setting in SETTINGS {
        assert!(help.contains(setting.name), "{}", setting.name);
        assert!(setting.secret || help.contains(&format!("--{}", setting.flag())), "{}", setting.name);
    }
}

#[test]
fn the_home_of_the_project_is_written_as_in_cargo_toml() {
    let home = env!("CARGO_PKG_REPOSITORY").strip_prefix("https://github.com/").unwrap();
    let readme = file("README.md");
    let (_, project) = home.split_once('/').unwrap();
    let links: Vec<&str> = readme.split_whitespace().filter(|word| word.contains(&format!("/{project}"))).collect();
    assert!(readme.contains(&format!("- uses: {home}@")));
    assert!(!links.is_empty());
    assert!(links.iter().all(|link| link.contains(home)), "{links:?}");
}
