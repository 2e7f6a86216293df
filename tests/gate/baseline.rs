//! Whether the baseline is part of the main branch, according to git or to the pull request of its commit, and what the
//! gate does if it is not.

use std::fs;
use std::path::Path;

use clearml_sandbox::{At, Effect, GitHub, Permissions, PullSeed, Repository, Sandbox, TaskSeed};
use serde_json::{Value, json};

use crate::support::{BASE, Gate, HEAD, PROJECT, Ran, SERIES, TAG, TASK, TITLE, assert_carriers, commit, git, run};

const NAME: &str = "acme/model";
const UNKNOWN: &str = "note: could not determine whether the baseline is part of the main branch: ";
const ELSEWHERE: &str =
    "the baseline is not part of the main branch, which contains neither its commit nor one with the same files";
const UNFIT: &str = "NO VERDICT: the baseline does not meet CLEARML_BASELINE_CHECK=require";

/// A sandbox where the candidate is better than the baseline, and their ids.
fn workspace(baseline: &str) -> (Sandbox, String, String) {
    let sandbox = Sandbox::start();
    let base = sandbox.add(run(baseline, 0.8).tag(TAG));
    let head = sandbox.add(run(HEAD, 0.9));
    (sandbox, base, head)
}

/// The same gate on the event of a pull request to main, with an unreachable GitHub.
fn on_pull_request(gate: Gate) -> Gate {
    on(
        gate,
        "pull_request",
        &json!({"action": "synchronize", "pull_request": {
            "number": 7, "head": {"sha": HEAD}, "base": {"ref": "main"},
        }}),
    )
}

fn on(gate: Gate, event: &str, payload: &Value) -> Gate {
    gate.on_event(event, &payload.to_string())
        .set("GITHUB_REPOSITORY", NAME)
        .set("GITHUB_SERVER_URL", "http://127.0.0.1:1")
        .set("GITHUB_API_URL", "http://127.0.0.1:1")
}

/// The commits of a repository. A squash merge is on `main` of origin; the local `main` is older.
struct History {
    first: String,
    squashed: String,
    /// The head of the squashed pull request. It has the same tree as the squash commit.
    head: String,
    /// On a branch that is not merged.
    stray: String,
}

fn history(folder: &Path) -> History {
    git(folder, &["init", "--quiet"]);
    let change = |text: &str| {
        fs::write(folder.join("train.py"), text).unwrap();
        commit(folder, text)
    };
    let first = change("1");
    git(folder, &["checkout", "--quiet", "-b", "change"]);
    change("2");
    let head = change("3");
    let stray = change("4");
    git(folder, &["checkout", "--quiet", "-b", "squash", &first]);
    let squashed = change("3");
    let moved_on = change("5");
    git(folder, &["update-ref", "refs/remotes/origin/main", &moved_on]);
    git(folder, &["checkout", "--quiet", "--detach", &moved_on]);
    History { first, squashed, head, stray }
}

/// A gate in that repository, on a pull request to main.
fn in_history(sandbox: &Sandbox) -> (Gate, History) {
    let gate = Gate::of(sandbox);
    let history = history(gate.path());
    (on_pull_request(gate), history)
}

/// Asserts that the gate passes and moves the tag. It may also print warnings or notes.
#[track_caller]
fn passes(gate: &Gate, sandbox: &Sandbox, head: &str) -> Ran {
    let ran = gate.run().expect(0, "PASSED, improved");
    assert_eq!((sandbox.tagged(TAG), ran.err.as_str()), (vec![head.to_owned()], ""));
    ran
}

#[track_caller]
fn says_nothing(ran: &Ran) {
    assert!(!ran.out.contains("warning") && !ran.out.contains("note:"), "{}", ran.out);
}

#[test]
fn a_commit_in_the_history_or_with_the_tree_of_one_belongs() {
    let History { first, squashed, head: squashed_head, .. } = history(Gate::bare().path());
    for baseline in [first, squashed, squashed_head] {
        for check in ["warn", "require", "off"] {
            let (sandbox, _, head) = workspace(&baseline);
            let (gate, _) = in_history(&sandbox);
            says_nothing(&passes(&gate.set("CLEARML_BASELINE_CHECK", check), &sandbox, &head));
        }
    }
}

#[test]
fn another_commit_is_warned_of_or_is_no_baseline() {
    let stray = history(Gate::bare().path()).stray;
    for (check, said) in [("warn", Some(format!("warning: {ELSEWHERE}"))), ("off", None)] {
        let (sandbox, _, head) = workspace(&stray);
        let ran = passes(&in_history(&sandbox).0.set("CLEARML_BASELINE_CHECK", check), &sandbox, &head);
        match said {
            Some(said) => drop(ran.says(&said)),
            None => says_nothing(&ran),
        }
    }
    let (sandbox, base, _) = workspace(&stray);
    let before = sandbox.state();
    let gate = in_history(&sandbox).0.set("CLEARML_BASELINE_CHECK", "require");
    let ran = gate.run().expect(3, UNFIT).says(&format!("Problem: {ELSEWHERE}"));
    ran.says("Move the tag to a clean run of the main branch, or set CLEARML_BASELINE_CHECK to warn.");
    assert_eq!((sandbox.tagged(TAG), sandbox.state()), (vec![base], before));
}

/// The event names the branch, and origin's branch counts: not the one that is checked out, and not an older local one.
#[test]
fn the_branch_is_the_one_that_the_pull_request_goes_to() {
    let history = history(Gate::bare().path());
    let (sandbox, ..) = workspace(&history.stray);
    let (gate, _) = in_history(&sandbox);
    let gate = gate.set("CLEARML_PROMOTE", "never").set("CLEARML_BASELINE_CHECK", "require");
    git(gate.path(), &["update-ref", "refs/heads/main", &history.stray]);
    let to = |gate: Gate, branch: &str| {
        let base =
            json!({"action": "opened", "pull_request": {"number": 7, "head": {"sha": HEAD}, "base": {"ref": branch}}});
        on(gate, "pull_request", &base)
    };
    let gate = to(gate, "main");
    gate.run().expect(3, UNFIT).says(ELSEWHERE);
    let gate = to(gate, "change");
    gate.run().expect(0, "PASSED, improved");
    let gate = to(gate, "nowhere");
    gate.run()
        .expect(3, UNFIT)
        .says("the branch nowhere is not in this clone; check out the repository with all branches");
    let gate = to(gate, "--all");
    gate.run().expect(3, UNFIT).says("the branch --all is not in this clone");
    let push = json!({"ref": "refs/heads/change", "after": HEAD, "repository": {"default_branch": "change"}});
    let gate = on(gate, "push", &push);
    gate.run().expect(0, "PASSED, improved");
    // A push to another branch does not say which branch it is for.
    let push = json!({"ref": "refs/heads/idea", "after": HEAD, "repository": {"default_branch": "change"}});
    let gate = on(gate, "push", &push);
    gate.run().expect(3, UNFIT).says("outside CI, the main branch is unknown");
    says_nothing(&gate.set("CLEARML_BASELINE_CHECK", "warn").run().expect(0, "PASSED, improved"));
}

/// If git cannot answer, the report says why and what to do.
#[test]
fn an_unknown_is_a_note_and_with_require_no_verdict() {
    let History { first, .. } = history(Gate::bare().path());
    let origin = Gate::bare();
    history(origin.path());
    git(origin.path(), &["branch", "main", "refs/remotes/origin/main", "--force"]);
    let url = format!("file://{}", origin.path().to_str().unwrap());
    let shallow: fn(&Path, &str) = |folder, url| {
        git(folder, &["clone", "--quiet", "--depth=1", "--branch=main", url, "."]);
    };
    let empty: fn(&Path, &str) = |folder, _| drop(git(folder, &["init", "--quiet"]));
    let cut: fn(&Path, &str) = |folder, url| {
        git(folder, &["clone", "--quiet", "--depth=1", "--branch=main", url, "."]);
        git(folder, &["fetch", "--quiet", "--depth=1", "origin", "change"]);
    };
    let stray = git(origin.path(), &["rev-parse", "change"]);
    let depth = "check out the repository with its whole history (actions/checkout with fetch-depth: 0)";
    let cases = [
        (first.as_str(), shallow, format!("commit {first} is not in this clone; {depth}")),
        (
            &stray,
            cut,
            format!("this clone has only part of the history of main, and the commit is not in that part; {depth}"),
        ),
        (&first, empty, "the branch main is not in this clone; check out the repository with all branches".to_owned()),
        (
            &first,
            |_, _| (),
            "the working directory is not inside a git repository; check out the repository".to_owned(),
        ),
        ("--all", shallow, "what it recorded is not a commit id".to_owned()),
        ("\u{1b}[31m\n::error::x", shallow, "what it recorded is not a commit id".to_owned()),
    ];
    for (baseline, arrange, why) in cases {
        let (sandbox, base, head) = workspace(baseline);
        let gate = Gate::of(&sandbox);
        arrange(gate.path(), &url);
        let gate = on_pull_request(gate).set("CLEARML_BASELINE_CHECK", "require");
        let ran = gate.run().expect(3, UNFIT).says(&why).says("Fix this, or set CLEARML_BASELINE_CHECK to warn.");
        assert!(!ran.out.contains('\u{1b}'), "{}", ran.out);
        assert_eq!(sandbox.tagged(TAG), [base]);
        let gate = gate.set("CLEARML_BASELINE_CHECK", "warn");
        passes(&gate, &sandbox, &head).says(&format!("{UNKNOWN}{why}"));
    }
}

#[test]
fn a_baseline_without_a_commit_is_reported() {
    let sandbox = Sandbox::start();
    sandbox.add(TaskSeed::new(PROJECT, TASK).no_script().scalar(TITLE, SERIES, &[(0, 0.8)]).tag(TAG));
    let head = sandbox.add(run(HEAD, 0.9));
    let (gate, _) = in_history(&sandbox);
    let gate = gate.set("CLEARML_BASELINE_CHECK", "require");
    gate.run().expect(3, UNFIT).says("part of the main branch: it recorded no commit.");
    passes(&gate.set("CLEARML_BASELINE_CHECK", "warn"), &sandbox, &head)
        .says(&format!("{UNKNOWN}it recorded no commit"));
}

#[test]
fn a_candidate_that_is_the_baseline_is_not_checked() {
    let sandbox = Sandbox::start();
    let (gate, history) = in_history(&sandbox);
    let id = sandbox.add(run(&history.stray, 0.8).tag(TAG));
    let gate = gate.set("COMMIT_ID", &history.stray).set("CLEARML_BASELINE_CHECK", "require");
    says_nothing(&gate.run().expect(0, "PASSED, unchanged"));
    assert_eq!(sandbox.tagged(TAG), [id]);
}

/// A workspace, and a GitHub that knows the baseline's commit, which is in no clone.
struct Stage {
    sandbox: Sandbox,
    head: String,
    github: GitHub,
    repository: Repository,
    token: String,
}

impl Stage {
    fn new() -> Self {
        let (sandbox, _, head) = workspace(BASE);
        let github = GitHub::start();
        let repository = github.repository(NAME).private();
        let token = github.token(Permissions::read());
        Self { sandbox, head, github, repository, token }
    }

    fn gate(&self) -> Gate {
        on_pull_request(Gate::of(&self.sandbox))
            .set("GITHUB_API_URL", &self.github.url())
            .set("GITHUB_TOKEN", &self.token)
    }

    /// Asserts that the tag moves after at most one request to GitHub.
    #[track_caller]
    fn passes(&self, gate: &Gate) -> Ran {
        let ran = passes(gate, &self.sandbox, &self.head);
        assert!(self.github.requests().len() <= 1, "{:#?}", self.github.requests());
        assert!(!ran.out.contains(&self.token), "{}", ran.out);
        ran
    }
}

#[test]
fn a_merged_pull_request_decides_if_git_cannot() {
    let another = "d00d000000000000000000000000000000000000";
    let pulls: [fn(PullSeed) -> PullSeed; 3] = [
        |head| head.merged("d00d000000000000000000000000000000000000"),
        |head| head.merged(BASE),
        |head| {
            head.merged("d00d000000000000000000000000000000000000").commit("1234567000000000000000000000000000000000")
        },
    ];
    for pull in pulls {
        let stage = Stage::new();
        stage.repository.pull(pull(PullSeed::new(3, BASE)));
        stage.repository.pull(PullSeed::new(4, another));
        says_nothing(&stage.passes(&stage.gate().set("CLEARML_BASELINE_CHECK", "require")));
        let asked: Vec<_> = stage.github.requests().into_iter().map(|request| request.endpoint).collect();
        assert_eq!(asked, ["GET commit pulls"]);
    }
}

#[test]
fn a_pull_request_that_was_not_merged_is_named() {
    let said = "the baseline comes from pull request 3, which was not merged";
    let stage = Stage::new();
    stage.repository.pull(PullSeed::new(3, BASE));
    let required = stage.gate().set("CLEARML_BASELINE_CHECK", "require").run().expect(3, UNFIT);
    required.says(&format!("Problem: {said}.")).says("Move the tag to a clean run of the main branch");
    stage.github.clear_log();
    stage.passes(&stage.gate()).says(&format!("warning: {said}"));
    // A merge into another branch does not count.
    let stage = Stage::new();
    stage.repository.pull(PullSeed::new(4, BASE).base("release", HEAD).merged(HEAD));
    stage.passes(&stage.gate()).says(UNKNOWN);
}

/// GitHub itself lists either only merged pull requests or only the others.
#[test]
fn one_merged_pull_request_of_several_is_enough() {
    let pull = |number: u64, merged_at: Option<&str>| {
        let (head, base) = (json!({"sha": BASE}), json!({"ref": "main"}));
        json!({"number": number, "head": head, "base": base, "merged_at": merged_at})
    };
    let (open, merged) = (pull(3, None), pull(4, Some("2026-01-01T00:00:00Z")));
    for pulls in [[&open, &merged], [&merged, &open]] {
        let stage = Stage::new();
        stage.github.fault(At::Always, Effect::json(json!(pulls).to_string()));
        says_nothing(&stage.passes(&stage.gate()));
    }
}

/// Git cannot see a rebase, or a squash onto a branch with newer commits.
#[test]
fn github_knows_a_merge_that_git_cannot_see() {
    let stray = history(Gate::bare().path()).stray;
    let stage = || {
        let (sandbox, _, head) = workspace(&stray);
        Stage { sandbox, head, ..Stage::new() }
    };
    let gate = |stage: &Stage| {
        let gate = stage.gate();
        history(gate.path());
        on_pull_request(gate).set("GITHUB_API_URL", &stage.github.url())
    };
    let merged = stage();
    merged.repository.pull(PullSeed::new(3, &stray).merged(BASE));
    says_nothing(&merged.passes(&gate(&merged)));
    let open = stage();
    open.repository.pull(PullSeed::new(3, &stray));
    open.passes(&gate(&open)).says("warning: the baseline comes from pull request 3, which was not merged");
    let none = stage();
    none.repository.commit(&stray);
    none.passes(&gate(&none)).says(&format!("warning: {ELSEWHERE}"));
    let untold = stage();
    let ran = untold.passes(&gate(&untold).set("GITHUB_TOKEN", "ghs_of_nobody"));
    let said = "the branch has neither its commit nor one with the same files, and GitHub does not say what became";
    ran.says(&format!("{UNKNOWN}{said} of its pull request; GitHub rejected GITHUB_TOKEN"));
}

#[test]
fn github_is_not_asked_if_git_knows_or_the_check_is_off() {
    let of = |baseline: &str, check: &str| {
        let (sandbox, _, head) = workspace(baseline);
        let stage = Stage { sandbox, head, ..Stage::new() };
        let (gate, _) = in_history(&stage.sandbox);
        let gate = gate.set("GITHUB_API_URL", &stage.github.url()).set("GITHUB_TOKEN", &stage.token);
        says_nothing(&stage.passes(&gate.set("CLEARML_BASELINE_CHECK", check)));
        assert_eq!(stage.github.requests(), []);
    };
    let history = history(Gate::bare().path());
    of(&history.first, "require");
    of(&history.head, "warn");
    of(&history.stray, "off");
    of(BASE, "off");
}

#[test]
fn no_answer_of_github_changes_the_result() {
    let body = |text: &str| Effect::json(text);
    let effects = [
        Effect::status(401),
        Effect::status(403),
        Effect::status(404),
        Effect::status(422),
        Effect::status(500),
        Effect::status(503),
        GitHub::secondary_limit(429, Some(3600)),
        Effect::CutBefore,
        Effect::CutInBody,
        Effect::Truncated,
        Effect::Redirect("http://127.0.0.1:1/".to_owned()),
        Effect::Huge(1 << 20),
        body("<html>"),
        body("null"),
        body("[]"),
        body(r#"[7, "x", null, {}, {"number": "3", "head": {"sha": 1}, "merged_at": "x"}]"#),
        body(r#"[{"number": 3, "head": {"sha": "main"}, "base": {"ref": "main"}, "merged_at": "x"}]"#),
        body(r#"{"number": 3, "merged_at": "x"}"#),
    ];
    for effect in effects {
        let stage = Stage::new();
        stage.repository.pull(PullSeed::new(3, BASE).merged(HEAD));
        stage.github.fault(At::Always, effect.clone());
        let ran = stage.passes(&stage.gate()).says(UNKNOWN);
        assert!(!ran.out.contains("warning"), "{effect:?}: {}", ran.out);
    }
}

/// A change that a test makes to a gate.
type Change = fn(Gate) -> Gate;

#[test]
fn a_missing_github_does_not_change_the_result() {
    let local = "check out the repository with its whole history";
    let cases: [(Change, &str); 8] = [
        (|gate| gate.unset("GITHUB_TOKEN"), local),
        (|gate| gate.set("GITHUB_TOKEN", "a b"), "GITHUB_TOKEN is invalid"),
        (|gate| gate.set("GITHUB_TOKEN", "ghs_of_nobody"), "GitHub rejected GITHUB_TOKEN"),
        (|gate| gate.set("GITHUB_API_URL", "http://127.0.0.1:1"), "http://127.0.0.1:1"),
        (|gate| gate.set("GITHUB_API_URL", "http://api.github.invalid"), "http://api.github.invalid"),
        (|gate| gate.set("GITHUB_API_URL", "nonsense of an address"), "GITHUB_API_URL is not the address of a server"),
        (|gate| gate.set("GITHUB_REPOSITORY", "../../evil"), local),
        (|gate| gate.unset("GITHUB_REPOSITORY"), local),
    ];
    for (change, said) in cases {
        let stage = Stage::new();
        stage.repository.pull(PullSeed::new(3, BASE).merged(HEAD));
        stage.passes(&change(stage.gate())).says(UNKNOWN).says(said);
    }
    let stage = Stage::new();
    stage.passes(&stage.gate()).says(UNKNOWN);
}

#[test]
fn every_report_warns_about_an_unfit_baseline() {
    let stage = Stage::new();
    stage.repository.pull(PullSeed::new(3, BASE));
    let worse = "d00d000000000000000000000000000000000000";
    stage.sandbox.add(run(worse, 0.1));
    let gate = stage.gate().set("COMMIT_ID", worse).args(&["--json", "report.json", "--markdown", "report.md"]);
    gate.run().expect(1, "FAILED, degraded").says("warning: the baseline comes from pull request 3");
    let report: Value = serde_json::from_slice(&fs::read(gate.path().join("report.json")).unwrap()).unwrap();
    assert_eq!(report["warnings"].as_array().unwrap().len(), 1);
    assert!(
        fs::read_to_string(gate.path().join("report.md")).unwrap().contains("pull request 3, which was not merged")
    );
    // A baseline that is also dirty has two problems, and the report has both.
    let base = stage.sandbox.tagged(TAG);
    stage.sandbox.edit(&base[0], |task| task["script"]["diff"] = json!("+ a change"));
    let ran = gate.set("CLEARML_BASELINE_CHECK", "require").run().expect(3, UNFIT);
    ran.says("Problem: the baseline was run with uncommitted changes")
        .says("Problem: the baseline comes from pull request 3");
    assert_eq!(stage.sandbox.tagged(TAG), base);
}

/// How git affects the gate, and how often it runs.
#[cfg(unix)]
mod git_itself {
    use std::process::Stdio;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn runs_three_git_processes_and_none_if_the_check_is_off() {
        let history = history(Gate::bare().path());
        for (check, processes) in [("warn", 3), ("require", 3), ("off", 0)] {
            let (sandbox, _, head) = workspace(&history.head);
            let (gate, _) = in_history(&sandbox);
            let log = gate.path().join("asked");
            let script = format!("echo \"$@\" >>'{}'\nexec \"$GIT\" \"$@\"", log.display());
            let gate = gate.with_git(&script).set("CLEARML_BASELINE_CHECK", check);
            passes(&gate, &sandbox, &head);
            let asked = fs::read_to_string(&log).unwrap_or_default();
            assert_eq!(asked.lines().count(), processes, "{asked}");
        }
    }

    #[test]
    fn a_git_that_fails_or_is_not_there_changes_nothing() {
        for script in ["exit 1", "echo nonsense", "echo fatal: not today >&2; exit 128", "kill -9 $$"] {
            let (sandbox, _, head) = workspace(BASE);
            passes(&in_history(&sandbox).0.with_git(script), &sandbox, &head).says(UNKNOWN);
        }
        let (sandbox, _, head) = workspace(BASE);
        let (gate, _) = in_history(&sandbox);
        let empty = gate.path().join("empty");
        fs::create_dir(&empty).unwrap();
        let gate = gate.set("PATH", empty.to_str().unwrap());
        passes(&gate, &sandbox, &head).says(&format!("{UNKNOWN}git is not installed; install git"));
    }

    /// While this gate runs git, another gate moves the tag to a better model, which keeps it.
    #[test]
    fn a_tag_that_another_gate_moves_meanwhile_is_not_lost() {
        let (sandbox, base, head) = workspace(&history(Gate::bare().path()).first);
        let other = sandbox.add(run("d00d000000000000000000000000000000000000", 0.95));
        let (gate, _) = in_history(&sandbox);
        let (begun, go_on) = (gate.path().join("begun"), gate.path().join("go-on"));
        let script = format!(
            "touch '{}'\nuntil [ -e '{}' ]; do sleep 0.05; done\nexec \"$GIT\" \"$@\"",
            begun.display(),
            go_on.display()
        );
        // Only `require` runs git before the tag moves.
        let gate = gate.with_git(&script).set("CLEARML_BASELINE_CHECK", "require");
        let child = gate.command().stdout(Stdio::piped()).spawn().unwrap();
        while !begun.exists() {
            thread::sleep(Duration::from_millis(20));
        }
        let another = Gate::of(&sandbox).set("COMMIT_ID", "d00d000000000000000000000000000000000000");
        another.run().expect(0, "PASSED, improved").says(&format!("moved to the candidate from {base}"));
        fs::write(&go_on, "").unwrap();
        Ran::of(&child.wait_with_output().unwrap())
            .expect(0, "PASSED, improved")
            .says("where it stays for now")
            .says(&other);
        assert_carriers(&sandbox, &[&head, &other]);
    }
}
