//! What the processes that the gate starts get to know.

use crate::support::{Gate, commit, git, pair};

#[test]
fn git_gets_no_secret_in_its_environment_or_its_arguments() {
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
