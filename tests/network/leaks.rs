//! Secrets must not leak to processes that the gate starts, into what it writes, or to other hosts.

use clearml_sandbox::{At, Effect, Sandbox};

use crate::support::{Gate, HEAD, Ran, commit, git, pair};

const MARKER: &str = "marker-of-the-payload";

/// A gate on GitHub that writes every report, for an event with texts that no report needs.
fn everything(sandbox: &Sandbox) -> Gate {
    let event = serde_json::json!({
        "action": "opened", "number": 7, "secret": MARKER,
        "pull_request": {
            "number": 7, "title": MARKER, "body": MARKER, "user": {"login": MARKER},
            "head": {"sha": HEAD, "ref": "topic", "repo": {"full_name": "acme/model", "fork": false}},
            "base": {"ref": "main", "repo": {"full_name": "acme/model", "default_branch": "main"}},
        },
        "repository": {"full_name": "acme/model", "default_branch": "main", "description": MARKER},
    });
    let gate = Gate::of(sandbox).on_event("pull_request", &event.to_string());
    let path = |name: &str| gate.path().join(name).to_str().unwrap().to_owned();
    let (outputs, summary) = (path("outputs"), path("summary"));
    gate.set("GITHUB_OUTPUT", &outputs).set("GITHUB_STEP_SUMMARY", &summary).unset("COMMIT_ID").args(&[
        "--json",
        "report.json",
        "--markdown",
        "report.md",
        "--junit",
        "report.xml",
    ])
}

/// Everything that a gate wrote.
fn written(gate: &Gate, ran: &Ran) -> String {
    let files = ["outputs", "summary", "report.json", "report.md", "report.xml"];
    let read = |name: &&str| std::fs::read_to_string(gate.path().join(name)).unwrap();
    files.iter().map(read).fold(format!("{}{}", ran.out, ran.err), |all, text| all + &text)
}

/// Makes the first server fail; the second one listens elsewhere.
type Spoil = fn(&Sandbox, &Sandbox);

#[test]
fn keys_and_event_texts_reach_no_report_and_no_redirect_target() {
    let endings: [(i32, Spoil); 4] = [
        (0, |_, _| {}),
        (4, |sandbox, other| sandbox.fault(At::From(1), Effect::Redirect(other.url()))),
        (4, |sandbox, other| sandbox.fault(At::From(3), Effect::Redirect(other.url()))),
        (4, |sandbox, _| sandbox.fault(At::From(2), Effect::status(403))),
    ];
    for (code, spoil) in endings {
        let ((sandbox, ..), other) = (pair(0.8, 0.9), Sandbox::start());
        spoil(&sandbox, &other);
        let gate = everything(&sandbox);
        let ran = gate.run();
        assert_eq!(ran.code, code, "{ran:#?}");
        let sent = sandbox.requests();
        let tokens = sent.iter().filter_map(|request| request.header("authorization")?.split(' ').nth(1));
        let secrets = [MARKER, sandbox.access_key(), sandbox.secret_key()];
        let written = written(&gate, &ran);
        for secret in secrets.into_iter().chain(tokens) {
            assert!(!written.contains(secret), "{secret} in {written}");
        }
        assert!(other.requests().is_empty());
    }
}

#[test]
fn rejects_credentials_in_a_server_address_without_repeating_them() {
    let (sandbox, ..) = pair(0.8, 0.9);
    for name in ["CLEARML_API_HOST", "CLEARML_WEB_HOST"] {
        let ran = Gate::of(&sandbox).set(name, "https://someone:hunter2@clearml.example").run();
        assert_eq!(ran.code, 2, "{ran:#?}");
        let ran = ran.complains(name);
        assert!(!(ran.out + &ran.err).contains("hunter2"));
    }
}

#[test]
fn git_gets_no_secret_in_its_environment_or_arguments() {
    let (sandbox, ..) = pair(0.8, 0.9);
    let gate = Gate::of(&sandbox).unset("COMMIT_ID").set("GITHUB_TOKEN", "ghs_marker");
    let gate = gate.set("https_proxy", "http://user:hunter2@127.0.0.1:1");
    git(gate.path(), &["init", "--quiet"]);
    commit(gate.path(), "a");
    let seen = gate.path().join(".git/seen");
    let gate = gate.with_git(&format!("{{ env; echo \"$@\"; }} >> '{}'\nexec \"$GIT\" \"$@\"", seen.display()));
    gate.run().expect(3, "NO VERDICT:");
    let seen = std::fs::read_to_string(seen).unwrap();
    assert!(seen.contains("rev-parse") && seen.contains("--no-replace-objects"), "{seen}");
    for secret in [sandbox.access_key(), sandbox.secret_key(), "ghs_marker", "hunter2"] {
        assert!(!seen.contains(secret), "{seen}");
    }
}

/// Every process of the machine can read a command line, and a core file contains it.
#[test]
fn no_flag_accepts_a_key() {
    let help = Gate::bare().args(&["--help"]).run().out;
    for name in ["CLEARML_API_ACCESS_KEY", "CLEARML_API_SECRET_KEY", "CLEARML_GITHUB_TOKEN"] {
        let mut lines = help.lines().filter(|line| line.trim_start().starts_with(name));
        assert!(lines.all(|line| !line.contains("--")), "{help}");
        let flag = name.trim_start_matches("CLEARML_").to_lowercase().replace('_', "-");
        for flag in [format!("--{flag}"), format!("--clearml-{flag}")] {
            let ran = Gate::bare().args(&[&flag, "hunter2"]).run();
            assert_eq!(ran.code, 2, "{ran:#?}");
            assert!(!(ran.out + &ran.err).contains("hunter2"));
        }
    }
}
