//! The documents say what the program does.

use std::fs;
use std::path::Path;

use clearml_gate::{OUTPUTS, SETTINGS};

use crate::support::{Gate, unbroken};

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
fn the_help_names_every_setting_and_says_what_it_means() {
    let help = Gate::bare().args(&["--help"]).run().out;
    let sentences = unbroken(&help);
    assert!(help.lines().filter(|line| line.starts_with("      ")).all(|line| line.len() <= 6 + 88), "{help}");
    for setting in SETTINGS {
        assert!(sentences.contains(setting.meaning), "{}", setting.meaning);
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

/// Every threat names the test that holds its answer, or says that there is no defence.
#[test]
fn every_threat_names_a_test_that_exists() {
    let security = file("SECURITY.md");
    let threats: Vec<&str> =
        security.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| what they do ")).collect();
    assert!(threats.len() > 30, "{threats:#?}");
    for threat in threats {
        let cells: Vec<&str> = threat.trim_matches('|').split(" | ").collect();
        assert_eq!(cells.len(), 3, "{threat}");
        let held = cells[2].trim();
        let tests: Vec<&str> = held.split('`').filter(|word| word.contains("::")).collect();
        assert!(!tests.is_empty() || held.starts_with("no defence"), "{threat}");
        for test in tests {
            let (name, function) = test.split_once("::").unwrap();
            assert!(file(name).contains(&format!("fn {function}(")), "{test}");
        }
    }
}

#[test]
fn the_code_map_has_every_module() {
    let text = file("src/lib.rs");
    let (map, rest) = text.split_once("# Invariants").unwrap();
    let modules =
        rest.lines().filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';'));
    let missing: Vec<&str> = modules.filter(|module| !map.contains(&format!("`{module}`"))).collect();
    assert!(missing.is_empty(), "the table in src/lib.rs lacks {missing:?}");
}

/// The lint can be turned off for a crate, the attribute cannot.
#[test]
fn our_own_crates_forbid_unsafe_code() {
    for root in ["src/lib.rs", "src/main.rs", "tests/sandbox/src/lib.rs"] {
        assert!(file(root).contains("\n#![forbid(unsafe_code)]\n"), "{root}");
    }
}

#[test]
fn the_dependencies_are_checked_on_every_change() {
    assert!(file(".ci/run").contains("\nsh .github/scripts/deny.sh bans licenses sources\n"));
    assert!(file(".github/workflows/ci.yml").contains("- run: sh .github/scripts/deny.sh\n"));
    let rules = file("deny.toml");
    for rule in ["unknown-registry", "unknown-git", "multiple-versions", "wildcards", "executables", "yanked"] {
        assert!(rules.contains(&format!("\n{rule} = \"deny\"\n")), "{rule}");
    }
}
