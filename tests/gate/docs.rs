//! The documents match the program.

use std::fs;
use std::path::{Path, PathBuf};

use clearml_gate::{OUTPUTS, SETTINGS};
use clearml_sandbox::{Sandbox, TaskSeed};
use expect_test::expect_file;

use crate::support::{Gate, PROJECT, SERIES, TAG, TASK, TITLE, unbroken};

fn file(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

#[test]
fn the_page_about_reports_names_every_output() {
    let page = file("docs/reports.md");
    for output in OUTPUTS {
        assert!(page.contains(&format!("`{output}`")), "{output}");
    }
}

/// The first report of `cargo run --example demo`. `UPDATE_EXPECT=1` writes it into the README.
#[test]
fn the_readme_shows_what_the_demo_prints_first() {
    let seed = |commit: &str, accuracy: &[f64]| {
        let points: Vec<(i64, f64)> = (0..).zip(accuracy.iter().copied()).collect();
        TaskSeed::new(PROJECT, TASK).commit(commit).scalar(TITLE, SERIES, &points)
    };
    let [old, new] = ["1", "2"].map(|digit| digit.repeat(40));
    // 2026-01-04, some days after the first of the seeded runs.
    let sandbox = Sandbox::builder().now(1_767_484_800_000_000).start().unwrap();
    let baseline = sandbox.add(seed(&old, &[0.55, 0.72, 0.80]).tag(TAG));
    let candidate = sandbox.add(seed(&new, &[0.60, 0.78, 0.85]));
    let ran = Gate::of(&sandbox).set("COMMIT_ID", &new).set("CLEARML_SCALAR_THRESHOLD", "3").run();
    let project = ran.out.split_once("/projects/").unwrap().1.split_once('/').unwrap().0.to_owned();
    let shown =
        [baseline, candidate, project].iter().fold(ran.out, |text, id| text.replace(id, &format!("{}…", &id[..6])));
    let readme = file("README.md");
    let (before, rest) = readme.split_once("<!-- example:begin -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- example:end -->\n").unwrap();
    let marked = format!("<!-- example:begin -->\n```text\n{}\n```\n<!-- example:end -->\n", shown.trim_end());
    expect_file![Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")].assert_eq(&[before, &marked, after].concat());
}

#[test]
fn the_help_names_every_setting_and_says_what_it_means() {
    let help = Gate::bare().args(&["--help"]).run().out;
    let sentences = unbroken(&help);
    assert!(help.lines().all(|line| line.chars().count() <= 80), "{help}");
    assert!(help.contains(env!("CARGO_PKG_REPOSITORY")), "{help}");
    for setting in SETTINGS {
        assert!(sentences.contains(setting.meaning), "{}", setting.meaning);
        assert!(help.contains(setting.name), "{}", setting.name);
        assert!(
            setting.secret || help.contains(&format!("{}, --{}\n", setting.name, setting.flag())),
            "{}",
            setting.name
        );
        assert!(setting.values.is_empty() || help.contains(&format!("[values: {}]", setting.values.join(", "))));
        let is_default = setting.example == setting.default;
        assert!(
            setting.example.is_none_or(|example| is_default || sentences.contains(&format!("[example: {example}]")))
        );
    }
}

#[test]
fn the_home_of_the_project_is_written_as_in_cargo_toml() {
    let home = env!("CARGO_PKG_REPOSITORY").strip_prefix("https://github.com/").unwrap();
    let (_, project) = home.split_once('/').unwrap();
    for page in ["README.md", "docs/github.md", "docs/verify.md"] {
        let text = file(page);
        let links: Vec<&str> = text.split_whitespace().filter(|word| word.contains(&format!("/{project}"))).collect();
        assert!(text.contains(&format!("uses: {home}@")), "{page}");
        assert!(links.iter().all(|link| link.contains(home)), "{page}: {links:?}");
    }
}

/// Every threat names a test of its defense, or says that there is none.
#[test]
fn every_threat_names_a_test_that_exists() {
    let security = file("SECURITY.md");
    let threats: Vec<&str> =
        security.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| attack ")).collect();
    assert!(threats.len() > 30, "{threats:#?}");
    for threat in threats {
        let cells: Vec<&str> = threat.trim_matches('|').split(" | ").collect();
        assert_eq!(cells.len(), 3, "{threat}");
        let held = cells[2].trim();
        let tests: Vec<&str> = held.split('`').filter(|word| word.contains("::")).collect();
        assert!(!tests.is_empty() || held.starts_with("no defense"), "{threat}");
        for test in tests {
            let (name, function) = test.split_once("::").unwrap();
            assert!(file(name).contains(&format!("fn {function}(")), "{test}");
        }
    }
}

/// The modules in the order of the code map.
fn code_map() -> Vec<String> {
    let text = file("src/lib.rs");
    let (map, _) = text.split_once("# Invariants").unwrap();
    let rows = map.lines().filter_map(|line| line.strip_prefix("//! | `")?.split_once('`'));
    rows.map(|(module, _)| module.to_owned()).collect()
}

#[test]
fn the_code_map_has_every_module() {
    let text = file("src/lib.rs");
    let modules =
        text.lines().filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';'));
    let mut modules: Vec<&str> = modules.collect();
    let mut map = code_map();
    modules.sort_unstable();
    map.sort_unstable();
    assert_eq!(modules, map);
}

/// Dependencies point down the code map. Code that only tests and fuzzing compile may look anywhere.
#[test]
fn a_module_uses_only_modules_below_it_in_the_code_map() {
    let map = code_map();
    let mut faults = Vec::new();
    for (place, module) in map.iter().enumerate().filter(|(_, module)| *module != "fuzz") {
        for (path, code) in code_of(module) {
            for (n, line) in code.lines().enumerate() {
                let used = line.split("crate::").skip(1).map(|rest| {
                    rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default()
                });
                let above = used.filter(|used| map.iter().take(place).any(|above| above == used));
                faults.extend(above.map(|used| format!("{}:{}: {module} uses {used}", path.display(), n + 1)));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The files of a module up to their unit tests, without comments.
fn code_of(module: &str) -> Vec<(PathBuf, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut open = vec![src.join(module), src.join(module).with_extension("rs")];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.is_file() && !["fuzz.rs", "tests.rs"].iter().any(|name| path.ends_with(name)) {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            let code = code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>();
            found.push((path, code.join("\n")));
        }
    }
    assert!(!found.is_empty(), "{module} has no file");
    found
}

/// Unlike the lint, the attribute cannot be turned off.
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
