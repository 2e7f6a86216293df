//! Which commit the gate judges on each CI and for each event.

use clearml_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::support::{BASE, Edit, Gate, HEAD, NOBODY, OTHER, Ran, best, commit, git, pair, payload, run};

/// The commits of the example payloads.
const PULL_REQUEST: &str = "ec26c3e57ca3a959ca5aad62de7213c562f8c821";
const PUSHED: &str = "6113728f27ae82c7b1a177c8d03f9e96e0adf246";
const WORKFLOW_RUN: &str = "3484a3fb816e0859fd6e1cea078d76385ff50625";

/// A gate without `COMMIT_ID` that does not move the tag.
fn gate(sandbox: &Sandbox) -> Gate {
    Gate::of(sandbox).unset("COMMIT_ID").set("CLEARML_PROMOTE", "never")
}

/// The same in GitHub Actions. The commit that the runner names has no run.
fn on_github(sandbox: &Sandbox, event: &str, payload: &str) -> Gate {
    gate(sandbox)
        .on_event(event, payload)
        .set("GITHUB_SHA", OTHER)
        .set("GITHUB_REPOSITORY", "Codertocat/Hello-World")
        .set("GITHUB_REF", "refs/pull/2/merge")
}

fn judged(ran: Ran, commit: &str) {
    ran.expect(0, "PASSED, improved").says(&format!("commit {}", &commit[..12]));
}

#[test]
fn judges_the_head_and_not_the_merge_on_every_ci() {
    let (sandbox, ..) = pair(0.8, 0.9);
    let cis: [&[(&str, &str)]; 21] = [
        &[("GITLAB_CI", "true"), ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", HEAD), ("CI_COMMIT_SHA", OTHER)],
        &[("GITLAB_CI", "true"), ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", ""), ("CI_COMMIT_SHA", HEAD)],
        &[("GITLAB_CI", "true"), ("CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_SHA", HEAD), ("CI_COMMIT_SHA", OTHER)],
        &[("GITLAB_CI", "true"), ("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_BRANCH", "main"), ("CI_COMMIT_SHA", HEAD)],
        &[("JENKINS_URL", "https://ci"), ("GIT_COMMIT", HEAD), ("BRANCH_NAME", "main")],
        &[("JENKINS_URL", "https://ci"), ("GIT_COMMIT", HEAD), ("CHANGE_ID", "7"), ("BRANCH_NAME", "PR-7")],
        &[("JENKINS_URL", "https://ci"), ("ghprbActualCommit", HEAD), ("GIT_COMMIT", OTHER)],
        &[("TF_BUILD", "True"), ("SYSTEM_PULLREQUEST_SOURCECOMMITID", HEAD), ("BUILD_SOURCEVERSION", OTHER)],
        &[("TF_BUILD", "True"), ("BUILD_SOURCEVERSION", HEAD), ("BUILD_SOURCEBRANCH", "refs/heads/main")],
        &[("BITBUCKET_BUILD_NUMBER", "1"), ("BITBUCKET_COMMIT", HEAD), ("BITBUCKET_PR_ID", "7")],
        &[("BITBUCKET_BUILD_NUMBER", "1"), ("BITBUCKET_COMMIT", HEAD)],
        &[("CIRCLECI", "true"), ("CIRCLE_SHA1", HEAD), ("CIRCLE_BRANCH", "main")],
        &[("BUILDKITE", "true"), ("BUILDKITE_COMMIT", HEAD), ("BUILDKITE_PULL_REQUEST", "false")],
        &[
            ("TRAVIS", "true"),
            ("TRAVIS_PULL_REQUEST_SHA", HEAD),
            ("TRAVIS_COMMIT", OTHER),
            ("TRAVIS_PULL_REQUEST", "7"),
        ],
        &[
            ("TRAVIS", "true"),
            ("TRAVIS_PULL_REQUEST_SHA", ""),
            ("TRAVIS_COMMIT", HEAD),
            ("TRAVIS_PULL_REQUEST", "false"),
        ],
        &[("DRONE", "true"), ("CI", "true"), ("DRONE_COMMIT_SHA", HEAD), ("DRONE_PULL_REQUEST", "7")],
        &[("DRONE", "true"), ("CI", "drone"), ("DRONE_COMMIT", HEAD)],
        &[("CI", "woodpecker"), ("CI_COMMIT_SHA", HEAD), ("CI_COMMIT_PULL_REQUEST", "7")],
        &[("TEAMCITY_VERSION", "2025.03 (build 186049)"), ("BUILD_VCS_NUMBER", HEAD)],
        &[("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", "workflow_dispatch"), ("GITHUB_SHA", HEAD)],
        &[
            ("GITHUB_ACTIONS", "true"),
            ("GITEA_ACTIONS", "true"),
            ("GITHUB_EVENT_NAME", "schedule"),
            ("GITHUB_SHA", HEAD),
        ],
    ];
    for ci in cis {
        let gate = ci.iter().fold(gate(&sandbox), |gate, (name, value)| gate.set(name, value));
        // Variables of another CI do not count.
        let leaks = [("GITHUB_SHA", OTHER), ("GIT_COMMIT", OTHER), ("BUILD_VCS_NUMBER", OTHER)];
        let unset = leaks.into_iter().filter(|(leak, _)| ci.iter().all(|(name, _)| name != leak));
        judged(unset.fold(gate, |gate, (name, value)| gate.set(name, value)).run(), HEAD);
    }
}

#[test]
fn every_event_of_github_is_asked_for_its_own_commit() {
    let merged = ("/pull_request/merged", json!(true));
    let pull_request = ("/workflow_run/event", json!("pull_request"));
    let events: [(&str, &str, &[Edit<'_>], &str); 11] = [
        ("pull_request", "pull_request", &[], PULL_REQUEST),
        ("pull_request_target", "pull_request", &[], PULL_REQUEST),
        ("pull_request", "pull_request", &[("/pull_request/head/repo", Value::Null)], PULL_REQUEST),
        ("pull_request", "pull_request_closed", &[merged], PULL_REQUEST),
        ("pull_request_review", "pull_request_review", &[], PULL_REQUEST),
        ("pull_request_review_comment", "pull_request_review", &[], PULL_REQUEST),
        ("push", "push", &[], PUSHED),
        ("push", "push", &[("/ref", json!("refs/tags/v1"))], OTHER),
        ("workflow_run", "workflow_run", &[pull_request], WORKFLOW_RUN),
        ("workflow_run", "workflow_run_with_pull_requests", &[], WORKFLOW_RUN),
        ("release", "issue_comment", &[], OTHER),
    ];
    for (event, file, edits, commit) in events {
        let sandbox = Sandbox::start();
        sandbox.add(best(0.8));
        sandbox.add(run(commit, 0.9));
        judged(on_github(&sandbox, event, &payload(file, edits).to_string()).run(), commit);
    }
}

#[test]
fn an_event_without_a_commit_gets_an_error_with_a_fix() {
    let (sandbox, ..) = pair(0.8, 0.9);
    let queue = ("/ref", json!(format!("refs/heads/gh-readonly-queue/main/pr-104-{BASE}")));
    let events: [(&str, &str, &[Edit<'_>], &str); 4] = [
        ("merge_group", "merge_group", &[], "Set it to the head of pull request 104"),
        ("push", "push", &[queue], "Set it to the head of pull request 104"),
        ("merge_group", "pull_request", &[], "the event file has no merge_group.head_ref"),
        ("issue_comment", "issue_comment", &[], "Set it to the head of the pull request"),
    ];
    for (event, file, edits, complaint) in events {
        let ran = on_github(&sandbox, event, &payload(file, edits).to_string()).run();
        ran.expect(2, "").complains("COMMIT_ID: is not").complains(complaint);
    }
}

#[test]
fn passes_without_requests_if_there_is_nothing_to_gate() {
    let (sandbox, ..) = pair(0.8, 0.9);
    let gate = |event, file| on_github(&sandbox, event, &payload(file, &[]).to_string());
    let closed = "NOTHING TO GATE: the pull request was closed without being merged";
    gate("pull_request", "pull_request_closed").run().expect(0, closed);
    gate("pull_request", "pull_request_closed").set("COMMIT_ID", HEAD).run().expect(0, closed);
    gate("pull_request", "pull_request_closed").unset("CLEARML_API_SECRET_KEY").run().expect(0, closed);
    gate("push", "push_deleted").run().expect(0, "NOTHING TO GATE: a branch or tag was deleted");
    let labelled =
        payload("pull_request_closed", &[("/action", json!("labeled")), ("/pull_request/state", json!("closed"))]);
    let gate = on_github(&sandbox, "pull_request", &labelled.to_string());
    gate.run().expect(0, "NOTHING TO GATE: the pull request is closed");
    assert_eq!(sandbox.requests().len(), 0);
}

#[test]
fn a_malformed_event_file_is_reported_without_its_content() {
    let (sandbox, ..) = pair(0.8, 0.9);
    let deep = "[".repeat(100_000);
    let long = format!("{{\"pull_request\": {{\"head\": {{\"sha\": \"{}\"}}}}}}", "poison".repeat(1000));
    for (text, complaint) in [
        ("", "the event file is not JSON"),
        ("{\"pull_request\": poison", "the event file is not JSON"),
        (deep.as_str(), "the event file is not JSON"),
        ("\u{feff}poison", "the event file is not JSON"),
        ("[\"poison\"]", "the event file has no pull_request.head.sha"),
        ("{\"pull_request\": \"poison\"}", "the event file has no pull_request.head.sha"),
        ("{\"pull_request\": {\"head\": {\"sha\": 1}}}", "the event file has no pull_request.head.sha"),
        ("{\"pull_request\": {\"head\": {\"sha\": \"\"}}}", "the event file has no pull_request.head.sha"),
        (long.as_str(), "pull_request.head.sha in the event file is not a commit id"),
        ("{\"pull_request\": {\"head\": {\"sha\": \"::error::poison\"}}}", "is not a commit id"),
        (
            "{\"pull_request\": {\"head\": {\"sha\": \"abc\"}}}",
            "pull_request.head.sha in the event file has 3 hex digits",
        ),
    ] {
        let gate = on_github(&sandbox, "pull_request", text);
        let ran = gate.run().expect(2, "").complains("COMMIT_ID: is not set, and ").complains(complaint);
        assert!(!ran.err.contains("poison"), "{}", ran.err);
        // With a commit in the settings the event file is not needed.
        judged(gate.set("COMMIT_ID", HEAD).run(), HEAD);
    }
    let none = on_github(&sandbox, "pull_request", "").unset("GITHUB_EVENT_PATH").run();
    none.expect(2, "").complains("COMMIT_ID: is not set, and neither is GITHUB_EVENT_PATH");
    let gone = on_github(&sandbox, "pull_request", "").set("GITHUB_EVENT_PATH", "/no/such/file").run();
    gone.expect(2, "").complains("COMMIT_ID: is not set, and the event file cannot be read");
}

#[test]
fn the_flag_beats_the_variable_beats_the_event_beats_the_checkout() {
    let (sandbox, ..) = pair(0.8, 0.9);
    sandbox.add(run(PULL_REQUEST, 0.9));
    let event = payload("pull_request", &[]).to_string();
    let gate = || on_github(&sandbox, "pull_request", &event);
    judged(gate().run(), PULL_REQUEST);
    judged(gate().set("COMMIT_ID", HEAD).run(), HEAD);
    judged(gate().set("COMMIT_ID", OTHER).args(&["--commit-id", HEAD]).run(), HEAD);
    gate().set("COMMIT_ID", "main").run().expect(2, "").complains("COMMIT_ID: \"main\" is not a commit id");
    let queue = payload("merge_group", &[]).to_string();
    judged(on_github(&sandbox, "merge_group", &queue).set("COMMIT_ID", HEAD).run(), HEAD);
    judged(on_github(&sandbox, "issue_comment", "{}").set("COMMIT_ID", HEAD).run(), HEAD);
}

#[test]
fn uses_the_commit_of_the_checkout_if_the_ci_names_none() {
    let sandbox = Sandbox::start();
    sandbox.add(best(0.8));
    for ci in [
        [("BUILDKITE", "true"), ("BUILDKITE_COMMIT", "HEAD")],
        [("JENKINS_URL", "https://ci"), ("GITHUB_SHA", OTHER)],
        [("GITHUB_EVENT_NAME", "workflow_dispatch"), ("CI", "true")],
    ] {
        let gate = ci.iter().fold(gate(&sandbox), |gate, (name, value)| gate.set(name, value));
        gate.run().expect(2, "").complains("COMMIT_ID: is not set, and the checked-out commit is unknown");
        git(gate.path(), &["init", "--quiet"]);
        let head = commit(gate.path(), ci[0].0);
        sandbox.add(run(&head, 0.9));
        judged(gate.run(), &head);
    }
}

#[test]
fn jenkins_builds_a_merge_and_the_head_of_the_change_is_judged() {
    let sandbox = Sandbox::start();
    sandbox.add(best(0.8));
    let gate = || {
        let gate = gate(&sandbox).set("JENKINS_URL", "https://ci").set("CHANGE_ID", "7").set("BRANCH_NAME", "PR-7");
        git(gate.path(), &["init", "--quiet"]);
        git(gate.path(), &["symbolic-ref", "HEAD", "refs/heads/main"]);
        commit(gate.path(), "base");
        git(gate.path(), &["checkout", "--quiet", "--detach"]);
        gate
    };
    let merging = gate();
    let head = commit(merging.path(), "change");
    git(merging.path(), &["update-ref", "refs/remotes/origin/PR-7", &head]);
    git(merging.path(), &["checkout", "--quiet", "main"]);
    std::fs::write(merging.path().join("data.py"), "print(1)").unwrap();
    commit(merging.path(), "main moves on, so that the merge is not the code of the change");
    git(merging.path(), &["checkout", "--quiet", &head]);
    git(merging.path(), &["merge", "--quiet", "--message", "merge", "main"]);
    let merge = git(merging.path(), &["rev-parse", "HEAD"]);
    sandbox.add(run(&head, 0.9));
    judged(merging.run(), &head);
    let merging = merging.set("GIT_COMMIT", &merge);
    judged(merging.run(), &head);
    // After another push, the fetched commit is not the one that is built.
    let newer = commit(merging.path(), "newer");
    git(merging.path(), &["update-ref", "refs/remotes/origin/PR-7", &newer]);
    merging.run().expect(3, NOBODY).says(&merge);
    // Without a merge, the commit that Jenkins names is the head.
    let plain = gate();
    let head = commit(plain.path(), "another change");
    sandbox.add(run(&head, 0.9));
    judged(plain.set("GIT_COMMIT", &head).run(), &head);
}
