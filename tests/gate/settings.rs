//! Settings: where they come from, and how wrong ones are reported.

use std::fs;
use std::process::Command;

use clearml_gate::SETTINGS;
use clearml_sandbox::Sandbox;

use crate::support::{BASE, Gate, HEAD, PROJECT, Ran, TAG, pair, run};

#[test]
fn every_problem_is_reported_at_once_without_contacting_clearml() {
    let (sandbox, ..) = pair(0.8, 0.9);
    let ran = Gate::of(&sandbox)
        .set("CLEARML_SCALAR_THRESHOLD", "abc")
        .set("CLEARML_SCALAR_MIN_MAX", "MAXX")
        .set("COMMIT_ID", "main")
        .set("CLEARML_SCALAR_TARGET", "1,5")
        .set("CLEARML_PROMOTE", "merge?")
        .unset("CLEARML_PROJECT")
        .run()
        .expect(2, "");
    let ran = ran
        .complains("6 invalid or missing settings")
        .complains("CLEARML_PROJECT: is not set. Example: vision/detector");
    let ran = ran.complains("CLEARML_SCALAR_THRESHOLD: \"abc\" is not a number. Example: 3 or 3%");
    let ran = ran.complains("CLEARML_SCALAR_MIN_MAX: \"MAXX\" is not allowed; use MAX or MIN");
    let ran = ran.complains("(use a decimal point, not a comma)");
    let ran = ran.complains("CLEARML_PROMOTE: \"merge?\" is not allowed; use pass, merge or never");
    ran.complains("COMMIT_ID: \"main\" is not a commit id");
    assert_eq!(sandbox.requests().len(), 0);
}

/// Settings that cannot be combined with another one.
const ALTERNATIVES: [(&str, &[&str]); 2] = [
    ("CLEARML_METRICS", &["CLEARML_SCALAR_TITLE", "CLEARML_SCALAR_SERIES"]),
    ("CLEARML_SCALAR_MARGIN", &["CLEARML_SCALAR_THRESHOLD"]),
];

#[test]
fn every_example_and_every_listed_value_is_valid() {
    let sandbox = Sandbox::start();
    for setting in SETTINGS.iter().filter(|setting| !setting.secret) {
        let name = setting.name;
        let example = setting.example.unwrap_or_default();
        let valid = match name {
            "CLEARML_METRICS" => vec![example],
            _ if setting.values.is_empty() => example.split(" or ").flat_map(|part| part.split(", ")).collect(),
            _ => setting.values.to_vec(),
        };
        // There is no file to use as an example.
        for value in valid.into_iter().filter(|value| !value.starts_with("the path of")) {
            // Without the key ClearML is not contacted, and nothing else is wrong.
            let gate = Gate::of(&sandbox).unset("CLEARML_API_ACCESS_KEY");
            let others = ALTERNATIVES.iter().find(|(own, _)| *own == name).map_or(&[][..], |(_, others)| others);
            let gate = others.iter().fold(gate, |gate, other| gate.unset(other));
            let ran = gate.set(name, value).run().expect(2, "").complains("1 invalid or missing setting");
            ran.complains("CLEARML_API_ACCESS_KEY: is not set");
        }
    }
}

#[test]
fn each_bad_value_is_rejected_with_a_valid_one() {
    let (sandbox, ..) = pair(0.8, 0.9);
    let bad = [
        ("CLEARML_SCALAR_THRESHOLD", &["-1", "nan", "inf", "3%%x", "1e999"][..]),
        ("CLEARML_SCALAR_MARGIN", &["-0.1", "nan", "x"]),
        ("CLEARML_SCALAR_TARGET", &["inf", "high"]),
        ("CLEARML_SCALAR_VALUE", &["mean"]),
        ("CLEARML_SCALAR_MIN_MAX", &["0", "maximum"]),
        ("CLEARML_KEEP_BEST", &["perhaps"]),
        ("CLEARML_NO_BASELINE", &["skip"]),
        ("CLEARML_BEST_TAGNAME", &["__$all", "two\nlines", " "]),
        ("CLEARML_PROJECT", &["a\nb", "\t"]),
        ("CLEARML_API_HOST", &["ftp://x", "https://user:pw@host", "https://app.clear.ml", "http://h:port"]),
        ("CLEARML_WEB_HOST", &["gopher://x"]),
        ("CLEARML_API_HOST_VERIFY_CERT", &["/no/such/file.pem"]),
        ("CLEARML_API_SECRET_KEY", &["two words", "schlüssel"]),
        ("CLEARML_PROMOTE", &["always"]),
        ("CLEARML_ACCEPT", &["maybe"]),
        ("CLEARML_ENFORCE", &["off"]),
        ("CLEARML_BASELINE_CHECK", &["on"]),
        ("CLEARML_CODE_PATHS", &["../src", "/etc", "C:\\src"]),
        ("CLEARML_RUNS", &["0", "many"]),
        ("CLEARML_WAIT", &["30", "1d", "-5m"]),
        ("CLEARML_COMMENT", &["sometimes"]),
        ("COMMIT_ID", &["abc", "xyzxyzx", "1234567\n89"]),
    ];
    for (name, values) in bad {
        for value in values {
            let ran = Gate::of(&sandbox).set(name, value).run().expect(2, "").complains("1 invalid or missing setting");
            let ran = ran.complains(&format!(" {name}: "));
            match SETTINGS.iter().find(|setting| setting.name == name).unwrap() {
                setting if setting.secret => ran.complains("is not a key"),
                setting if setting.values.is_empty() => ran.complains(". Example: "),
                setting => ran.complains(&format!("use {}", setting.values[0])),
            };
        }
    }
    assert_eq!(sandbox.requests().len(), 0);
}

#[test]
fn a_threshold_and_a_margin_contradict_each_other() {
    let (sandbox, ..) = pair(0.8, 0.9);
    let gate = Gate::of(&sandbox).set("CLEARML_SCALAR_THRESHOLD", "3").set("CLEARML_SCALAR_MARGIN", "0.1");
    gate.run().expect(2, "").complains("CLEARML_SCALAR_MARGIN: cannot be combined with CLEARML_SCALAR_THRESHOLD");
}

#[test]
fn a_flag_beats_the_environment_and_an_empty_one_is_unset() {
    let (sandbox, ..) = pair(100.0, 98.0);
    let gate = || Gate::of(&sandbox).set("CLEARML_SCALAR_THRESHOLD", "1").set("CLEARML_PROMOTE", "never");
    gate().run().expect(1, "FAILED, degraded");
    gate().args(&["--scalar-threshold", "3"]).run().expect(0, "PASSED, tolerated");
    gate().args(&["--scalar-threshold=3"]).run().expect(0, "PASSED, tolerated");
    gate().args(&["--scalar-threshold", ""]).run().expect(1, "FAILED, degraded");
    gate().set("CLEARML_BEST_TAGNAME", "").run().expect(1, "FAILED, degraded").says(TAG);
}

#[test]
fn wrong_usage_ends_with_exit_code_2() {
    for args in [
        &["--nope"][..],
        &["--project"],
        &["positional"],
        &["--project", "a", "--project", "b"],
        &["--api-secret-key", "x"],
    ] {
        let ran = Gate::bare().args(args).run().expect(2, "").complains("clearml-gate: ");
        ran.complains("See clearml-gate --help");
    }
}

#[test]
fn a_mistyped_flag_gets_a_suggestion_and_a_secret_flag_a_way_out() {
    let typo = Gate::bare().args(&["--projekt=vision"]).run().expect(2, "");
    typo.complains("unknown flag \"--projekt\"; did you mean --project?");
    let secret = Gate::bare().args(&["--api-secret-key=s3cr3t"]).run().expect(2, "");
    assert!(!secret.err.contains("s3cr3t"), "{}", secret.err);
    secret.complains("set the environment variable CLEARML_API_SECRET_KEY");
}

#[test]
fn help_and_version_need_no_settings() {
    for flag in ["--help", "-h", "help"] {
        Gate::bare().args(&[flag]).run().expect(0, "clearml-gate judges").says("Exit codes:");
    }
    for flag in ["--version", "-V"] {
        let version = Gate::bare().args(&[flag]).run().expect(0, "clearml-gate ");
        assert_eq!(version.out, format!("clearml-gate {}\n", env!("CARGO_PKG_VERSION")));
    }
}

#[test]
fn a_secret_never_shows_up() {
    let (sandbox, ..) = pair(0.8, 0.9);
    let silent = |ran: &Ran| !ran.out.contains("s3cr3t") && !ran.err.contains("s3cr3t");
    let wrong = Gate::of(&sandbox).set("CLEARML_API_SECRET_KEY", "s3cr3t").run().expect(4, "NO VERDICT");
    let broken = Gate::of(&sandbox).set("CLEARML_API_SECRET_KEY", "s3cr3t s3cr3t").run().expect(2, "");
    let in_host = Gate::of(&sandbox).set("CLEARML_API_HOST", "https://me:s3cr3t@host").run().expect(2, "");
    assert!(silent(&wrong) && silent(&broken) && silent(&in_host));
}

#[test]
fn host_and_keys_can_come_from_clearml_conf() {
    let (sandbox, ..) = pair(0.8, 0.9);
    let gate =
        Gate::of(&sandbox).unset("CLEARML_API_HOST").unset("CLEARML_API_ACCESS_KEY").unset("CLEARML_API_SECRET_KEY");
    let text = format!(
        "# made by clearml-init\napi {{\n  api_server: {}\n  credentials {{\"access_key\" = \"{}\", \"secret_key\" = \"{}\"}}\n}}\n",
        sandbox.url(),
        sandbox.access_key(),
        sandbox.secret_key()
    );
    fs::write(gate.path().join("clearml.conf"), text).unwrap();
    gate.run().expect(0, "PASSED, improved");
}

#[test]
fn an_include_in_clearml_conf_is_reported_if_a_setting_is_missing() {
    let (sandbox, ..) = pair(0.8, 0.9);
    let gate = Gate::of(&sandbox).unset("CLEARML_API_SECRET_KEY");
    fs::write(gate.path().join("clearml.conf"), "api {}\ninclude \"secrets.conf\"\n").unwrap();
    gate.run().expect(2, "").complains("clearml.conf has an include on line 2, which is not followed");
}

#[test]
fn a_broken_clearml_conf_is_reported_only_if_it_is_needed() {
    let (sandbox, ..) = pair(0.8, 0.9);
    let gate = Gate::of(&sandbox).set("CLEARML_PROMOTE", "never").set("CLEARML_API_HOST_VERIFY_CERT", "true");
    fs::write(gate.path().join("clearml.conf"), "api { api_server: \"").unwrap();
    gate.run().expect(0, "PASSED, improved");
    gate.unset("CLEARML_API_HOST").run().expect(2, "").complains("clearml.conf");
}

#[test]
fn without_a_commit_the_checkout_is_asked() {
    let sandbox = Sandbox::start();
    let gate = Gate::of(&sandbox).unset("COMMIT_ID");
    let nobody = Gate::of(&sandbox).unset("COMMIT_ID").set("PATH", "");
    nobody
        .run()
        .expect(2, "")
        .complains("COMMIT_ID: is not set, and the checked-out commit is unknown: git is not installed");
    gate.run().expect(2, "").complains("COMMIT_ID: is not set, and the checked-out commit is unknown");
    let git = |args: &[&str]| {
        let output = Command::new("git").args(args).current_dir(gate.path()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    git(&["init", "--quiet"]);
    git(&["-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--quiet", "--allow-empty", "-m", "x"]);
    sandbox.add(run(&git(&["rev-parse", "HEAD"]), 0.9));
    gate.run().expect(0, "PASSED, first");
}

#[test]
fn on_a_pull_request_the_head_is_judged_and_not_the_test_merge() {
    let (sandbox, ..) = pair(0.8, 0.9);
    let gate = Gate::of(&sandbox).unset("COMMIT_ID").set("CLEARML_PROMOTE", "never").set("GITHUB_SHA", BASE);
    let event = gate.path().join("event.json");
    let gate = gate.set("GITHUB_EVENT_NAME", "pull_request").set("GITHUB_EVENT_PATH", event.to_str().unwrap());
    gate.run().expect(2, "").complains("the event file cannot be read");
    fs::write(&event, "{\"pull_request\": {}}").unwrap();
    gate.run().expect(2, "").complains("has no pull_request.head.sha");
    fs::write(
        &event,
        format!("{{\"pull_request\": {{\"head\": {{\"sha\": \"{HEAD}\"}}, \"merge_commit_sha\": \"{BASE}\"}}}}"),
    )
    .unwrap();
    gate.run().expect(0, "PASSED, improved").says("commit a94a8fe5ccb1");
}

#[test]
fn the_web_host_is_derived_or_given() {
    let (sandbox, _, head) = pair(0.8, 0.9);
    let gate = || Gate::of(&sandbox).set("CLEARML_PROMOTE", "never");
    let project = sandbox.project(PROJECT);
    gate().run().says(&format!("https://app.example.org/projects/{project}/tasks/{head}/output/log"));
    gate().unset("CLEARML_WEB_HOST").run().expect(0, "PASSED").says(&format!("task {head}"));
}
