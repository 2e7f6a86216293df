//! What happens at the merge: a table for users of every event under every policy, and the ways to merge a change into
//! the main branch.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use clearml_sandbox::{At, Effect, GitHub, Permissions, PullSeed, Sandbox};
use expect_test::expect_file;
use serde_json::{Value, json};

use crate::support::{Edit, Gate, HEAD, NOBODY, OTHER, Ran, TAG, best, git, git_as, payload, run, unbroken};

/// The commits of the example payloads, and the other commits that the runner names.
const PULL_REQUEST: &str = "ec26c3e57ca3a959ca5aad62de7213c562f8c821";
const MERGE: &str = "c4295bd74fb0f4fda03689c3df3f2803b658fd85";
const PUSHED: &str = "6113728f27ae82c7b1a177c8d03f9e96e0adf246";
const STARTED: &str = "3484a3fb816e0859fd6e1cea078d76385ff50625";
const QUEUE: &str = "2ffea6db159f6b6c47a24e778fb9ef40cf6b1c7d";
const QUEUED: &str = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
const MERGE_REQUEST: &str = "356a192b7913b04c54574d18c28d46e6395428ab";
/// The only commit of a repository that is the same every time.
const CHECKED_OUT: &str = "d8187cee488314ada094fced0f7b44868438cfb6";

/// What to call them in the table.
const NAMES: [(&str, &str); 9] = [
    (PULL_REQUEST, "head of the pull request"),
    (MERGE, "merge commit"),
    (PUSHED, "pushed commit"),
    (STARTED, "commit of the workflow run that triggered it"),
    (QUEUE, "commit of the queue"),
    (QUEUED, "head of the queued pull request"),
    (MERGE_REQUEST, "head of the merge request"),
    (CHECKED_OUT, "checked-out commit"),
    (OTHER, "commit in `GITHUB_SHA`"),
];

const BASELINE: f64 = 0.8;
const BETTER: f64 = 0.9;
const WORSE: f64 = 0.7;
/// The value of a run that the gate must not judge. It would fail the check.
const DECOY: f64 = 0.1;

/// An event, with the runs and the repository around it.
#[derive(Clone)]
struct Event {
    name: &'static str,
    variables: Vec<(&'static str, String)>,
    payload: Option<Value>,
    /// The commit with a clean run, besides the baseline's.
    ran: &'static str,
    /// Another commit with a clean run, which must not be judged.
    decoy: Option<&'static str>,
    pull: Option<PullSeed>,
    has_token: bool,
    /// If nothing is judged, the reason: for the reader, and as the program prints it.
    refusal: Option<(&'static str, &'static str)>,
    is_shown_with_a_loss: bool,
}

impl Event {
    /// An event that only variables describe.
    fn of(name: &'static str, variables: &[(&'static str, &str)], ran: &'static str) -> Self {
        let variables = variables.iter().map(|&(name, value)| (name, value.to_owned())).collect();
        let (payload, decoy, pull, refusal) = (None, None, None, None);
        Self { name, variables, payload, ran, decoy, pull, has_token: false, refusal, is_shown_with_a_loss: false }
    }

    /// An event of GitHub. The runner names the commit `named`. If that is not `ran`, its run must not be judged.
    fn on_github(name: &'static str, payload: Value, ran: &'static str, named: &'static str) -> Self {
        let repository = payload["repository"]["full_name"].as_str().unwrap().to_owned();
        let event = name.split([' ', ',', ':']).next().unwrap();
        let variables =
            [("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", event.trim_matches('`')), ("GITHUB_SHA", named)];
        let mut own = Self::of(name, &variables, ran);
        own.variables.push(("GITHUB_REPOSITORY", repository));
        Self { payload: Some(payload), decoy: Some(named).filter(|named| *named != ran), ..own }
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    /// The job has its token, which is the default.
    fn with_token(self) -> Self {
        Self { has_token: true, ..self }
    }

    /// The repository has this pull request.
    fn pull(self, pull: PullSeed) -> Self {
        Self { pull: Some(pull), ..self }
    }

    fn decoy(self, commit: &'static str) -> Self {
        Self { decoy: Some(commit), ..self }
    }

    /// For a pull request from a fork, the secrets are empty, not unset.
    fn without_secrets(self) -> Self {
        let own = self.with("CLEARML_API_ACCESS_KEY", "").with("CLEARML_API_SECRET_KEY", "");
        own.refused("the secrets are missing", "CLEARML_API_ACCESS_KEY: is not set")
    }

    fn refused(self, words: &'static str, said: &'static str) -> Self {
        Self { refusal: Some((words, said)), ..self }
    }

    fn also_with_a_loss(self) -> Self {
        Self { is_shown_with_a_loss: true, ..self }
    }

    /// The stage with a candidate of this value.
    fn stage(&self, candidate: f64) -> Stage {
        let (sandbox, github) = (Sandbox::start(), GitHub::start());
        let baseline = sandbox.add(best(BASELINE));
        if let Some(decoy) = self.decoy {
            sandbox.add(run(decoy, DECOY));
        }
        let candidate = sandbox.add(run(self.ran, candidate));
        let token = self.has_token.then(|| github.token(Permissions::read()));
        Stage { event: self.clone(), sandbox, github, token, baseline, candidate }.seeded()
    }
}

struct Stage {
    event: Event,
    sandbox: Sandbox,
    github: GitHub,
    token: Option<String>,
    baseline: String,
    candidate: String,
}

impl Stage {
    fn seeded(self) -> Self {
        if let Some(payload) = &self.event.payload {
            let name = payload["repository"]["full_name"].as_str().unwrap();
            let default = payload["repository"]["default_branch"].as_str().unwrap();
            let repository = self.github.repository(name).private().default_branch(default);
            repository.commit(PUSHED);
            if let Some(pull) = self.event.pull.clone() {
                repository.pull(pull);
            }
        }
        self
    }

    /// The gate under a policy, without `COMMIT_ID`.
    fn gate(&self, policy: &str) -> Gate {
        let mut gate = Gate::of(&self.sandbox).unset("COMMIT_ID").set("CLEARML_PROMOTE", policy);
        for (name, value) in &self.event.variables {
            gate = gate.set(name, value);
        }
        if let Some(token) = &self.token {
            gate = gate.set("GITHUB_TOKEN", token);
        }
        let Some(payload) = &self.event.payload else { return gate };
        let file = gate.path().join("event.json");
        fs::write(&file, payload.to_string()).unwrap();
        gate.set("GITHUB_EVENT_PATH", file.to_str().unwrap())
            .set("GITHUB_API_URL", &self.github.url())
            .set("GITHUB_SERVER_URL", &self.github.server_url())
    }

    /// Asserts that only this run has the tag, and that no run lost another tag.
    #[track_caller]
    fn is_tagged(&self, id: &str) {
        assert_eq!(self.sandbox.tagged(TAG), [id]);
        assert!(self.sandbox.tags(&self.baseline).ends_with(&["prod".to_owned(), "team-a".to_owned()]));
    }
}

/// The result of one event under one policy.
#[derive(PartialEq)]
struct Cell {
    judged: String,
    moved: bool,
    code: i32,
}

impl Cell {
    fn of(event: &Event, policy: &str, candidate: f64) -> Self {
        let stage = event.stage(candidate);
        let gate = stage.gate(policy).args(&["--json", "report.json"]);
        if event.ran == CHECKED_OUT {
            git(gate.path(), &["init", "--quiet"]);
            git(gate.path(), &["commit", "--quiet", "--allow-empty", "--message", "train"]);
        }
        let ran = gate.run();
        let report: Value = serde_json::from_slice(&fs::read(gate.path().join("report.json")).unwrap()).unwrap();
        let moved = stage.sandbox.tagged(TAG) == [&*stage.candidate];
        stage.is_tagged(if moved { &stage.candidate } else { &stage.baseline });
        assert_eq!(report["promotion"]["state"] == "moved", moved, "{report:#}");
        assert_eq!(report["exit_code"], ran.code, "{report:#}");
        Self { judged: judged(event, &report, &ran), moved, code: ran.code }
    }

    fn shown(&self) -> String {
        format!("{}, {}", if self.moved { "moves" } else { "stays" }, self.code)
    }
}

/// The judged commit, in words, or why there is none.
fn judged(event: &Event, report: &Value, ran: &Ran) -> String {
    if let Some(commit) = report["candidate"]["commit"].as_str() {
        let name = NAMES.into_iter().find(|(known, _)| *known == commit);
        assert!(name.is_some(), "{}: {commit} was judged", event.name);
        return name.unwrap().1.to_owned();
    }
    let (words, said) = match (ran.code, event.refusal) {
        (0, None) => ("nothing to gate", "NOTHING TO GATE"),
        (2, Some(refusal)) => refusal,
        (3, None) => ("it has no run", NOBODY),
        _ => ("undefined", "what this event comes to"),
    };
    let heard = unbroken(&[&*ran.out, &ran.err].concat());
    assert!(heard.contains(said), "{}: expected {said:?}\n{ran:#?}", event.name);
    format!("none: {words}")
}

const POLICIES: [&str; 3] = ["pass", "merge", "never"];

fn line(event: &Event, candidate: f64) -> String {
    let cells = POLICIES.map(|policy| Cell::of(event, policy, candidate));
    for (policy, cell) in POLICIES.iter().zip(&cells) {
        assert!(!cell.moved || cell.code == 0, "{} under {policy} moved the tag and failed", event.name);
    }
    let [pass, merge, never] = &cells;
    assert!(!never.moved, "{}", event.name);
    assert!(pass.judged == never.judged && pass.code == never.code, "{}", event.name);
    let judged = if pass.judged == merge.judged {
        pass.judged.clone()
    } else {
        format!("{}; with `merge` {}", pass.judged, merge.judged)
    };
    let shown = [event.name, &judged, &pass.shown(), &merge.shown(), &never.shown()].map(str::to_owned);
    assert!(shown.iter().all(|cell| !cell.trim().is_empty() && !cell.contains("undefined") && !cell.contains('|')));
    format!("| {} |\n", shown.join(" | "))
}

fn pull_requests() -> Vec<Event> {
    let action = |action: &str| payload("pull_request", &[("/action", json!(action))]);
    let fork = ("/pull_request/head/repo/full_name", json!("stranger/Hello-World"));
    let forked = || payload("pull_request", std::slice::from_ref(&fork));
    let merged = ("/pull_request/merged", json!(true));
    let closed = |edits: &[Edit<'_>]| payload("pull_request_closed", edits);
    let release = ("/pull_request/base/ref", json!("release/1.x"));
    let of = |name, payload| Event::on_github(name, payload, PULL_REQUEST, OTHER);
    let at_merge = |name, payload| Event::on_github(name, payload, PULL_REQUEST, MERGE);
    vec![
        of("`pull_request`, opened", action("opened")).also_with_a_loss(),
        of("`pull_request`, new commits", action("synchronize")),
        of("`pull_request`, reopened", action("reopened")),
        of("`pull_request`, a draft", payload("pull_request", &[("/pull_request/draft", json!(true))])),
        of("`pull_request` from a fork, with the secrets", forked()),
        of("`pull_request` from a fork, without the secrets", forked()).without_secrets(),
        at_merge("`pull_request`, merged into the default branch", closed(std::slice::from_ref(&merged)))
            .also_with_a_loss(),
        at_merge("`pull_request`, merged into another branch", closed(&[merged.clone(), release])),
        at_merge("`pull_request`, closed without a merge", closed(&[])).also_with_a_loss(),
        at_merge("`pull_request` from a fork, merged, without the secrets", closed(&[merged.clone(), fork.clone()]))
            .without_secrets(),
        of("`pull_request_target`, opened or new commits", forked()),
        at_merge("`pull_request_target`, merged into the default branch", closed(&[merged, fork])),
        Event::on_github("`merge_group`, with the job's token", payload("merge_group", &[]), QUEUED, QUEUE)
            .pull(PullSeed::new(104, QUEUED))
            .with_token()
            .also_with_a_loss(),
        Event::on_github("`merge_group`, without a token", payload("merge_group", &[]), QUEUED, QUEUE)
            .pull(PullSeed::new(104, QUEUED))
            .refused("GitHub does not report the head", "the head of the queued pull request 104"),
    ]
}

fn pushes() -> Vec<Event> {
    let push = |name, ran| Event::on_github(name, payload("push", &[]), ran, PUSHED).with_token();
    let merged = || PullSeed::new(2, PULL_REQUEST).base("master", OTHER).merged(PUSHED);
    let elsewhere = payload("push", &[("/ref", json!("refs/heads/change"))]);
    let tag = payload("push", &[("/ref", json!("refs/tags/v1"))]);
    let unrun = |event: Event| Event { decoy: None, ..event };
    vec![
        push("`push` to the default branch, the commit has a run", PUSHED).also_with_a_loss(),
        unrun(push("`push` to the default branch, of a merged pull request", PULL_REQUEST))
            .pull(merged())
            .also_with_a_loss(),
        unrun(Event::on_github(
            "`push` to the default branch, of a merged pull request, without a token",
            payload("push", &[]),
            PULL_REQUEST,
            PUSHED,
        ))
        .pull(merged()),
        unrun(push("`push` to the default branch, of no pull request, the commit has no run", PULL_REQUEST)),
        Event::on_github("`push` to another branch, the commit has a run", elsewhere, PUSHED, PUSHED).with_token(),
        Event::on_github("`push` of a tag", tag, OTHER, OTHER).with_token(),
        Event::on_github("`push`, a branch or tag was deleted", payload("push_deleted", &[]), PUSHED, OTHER),
    ]
}

fn others() -> Vec<Event> {
    let fork = [
        ("/workflow_run/event", json!("pull_request")),
        ("/workflow_run/head_repository/full_name", json!("stranger/octo-repo")),
    ];
    let by_hand = || payload("push", &[]);
    let gitlab = [("GITLAB_CI", "true"), ("CI_DEFAULT_BRANCH", "main")];
    let request = [("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", MERGE_REQUEST), ("CI_COMMIT_SHA", OTHER)];
    let source = [("CI_PIPELINE_SOURCE", "merge_request_event"), ("CI_MERGE_REQUEST_IID", "7")];
    let push = [("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_BRANCH", "main"), ("CI_COMMIT_SHA", PUSHED)];
    let azure = [("TF_BUILD", "True"), ("BUILD_REASON", "IndividualCI")];
    let branch = [("BUILD_SOURCEBRANCH", "refs/heads/main"), ("BUILD_SOURCEVERSION", PUSHED)];
    vec![
        Event::on_github("`workflow_run` after a fork's pull request", payload("workflow_run", &fork), STARTED, OTHER),
        Event::on_github("`workflow_dispatch`", by_hand(), OTHER, OTHER),
        Event::on_github("`schedule`", by_hand(), OTHER, OTHER),
        Event::of("GitLab, merge request", &[&gitlab[..], &request, &source].concat(), MERGE_REQUEST).decoy(OTHER),
        Event::of("GitLab, push to the default branch", &[&gitlab[..], &push].concat(), PUSHED).also_with_a_loss(),
        Event::of("Azure Pipelines, push to any branch", &[&azure[..], &branch].concat(), PUSHED),
        Event::of("no CI", &[], CHECKED_OUT).also_with_a_loss(),
    ]
}

const INTRODUCTION: &str = "\
# Events

For each event: the commit that is judged, and for each value of `CLEARML_PROMOTE` whether the tag moves to its run and
the exit code (0 passed or nothing to gate, 1 failed, 2 usage or settings, 3 no verdict). A test runs the program for
every cell and writes this file (`tests/gate/merge.rs`).

- `pass` moves the tag whenever the check passes, even for a pull request that is never merged.
- `merge` moves it once the pull request is merged into the default branch. The gate then judges again, because another
  run may be the best by now. A job on `pull_request` with the type `closed` needs nothing else. A job on `push` judges
  the pushed commit. If that commit has no run, the gate asks GitHub which pull request it merged. For that it needs the
  job's token with the permission `pull-requests: read`.
- Every row except the last runs without a checkout. With a checkout of the whole history, a commit without a run is
  judged by the run of another commit with the same code, for every value and without a token.
- The event of a merge queue does not contain the head of its pull request, so the gate asks GitHub for it. It never
  judges the queue's own commit, which is a temporary merge.
- The pull request of a fork gets no secrets, not even when it is merged. There, a job on `pull_request_target` or `push`
  moves the tag.
- If a CI does not report the default branch, `merge` never moves the tag. Use `pass` in the job of the main branch and
  `never` in the others.
";

fn table(title: &str, events: &[Event], candidate: f64) -> String {
    let head =
        format!("\n## {title}\n\n| event | commit judged | `pass` | `merge` | `never` |\n|---|---|---|---|---|\n");
    events.iter().fold(head, |text, event| text + &line(event, candidate))
}

#[test]
fn every_event_under_every_policy_is_written_down() {
    let events = [pull_requests(), pushes(), others()].concat();
    let (better, worse) = ("The model is better", "The model is worse by more than the allowed loss");
    let with_a_loss: Vec<Event> = events.iter().filter(|event| event.is_shown_with_a_loss).cloned().collect();
    let text = [INTRODUCTION.to_owned(), table(better, &events, BETTER), table(worse, &with_a_loss, WORSE)].concat();
    expect_file![Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/events.md")].assert_eq(&text);
}

/// A repository whose pull request was just merged, as in git and on GitHub.
struct Merged {
    stage: Stage,
    gate: Gate,
    /// The newest commit of the pull request, and of the main branch.
    head: String,
    tip: String,
}

/// The three buttons of GitHub.
const BUTTONS: [&str; 3] = ["merge", "squash", "rebase"];

impl Merged {
    /// Merges with one of the buttons. The main branch may have newer commits than the pull request started from.
    fn by(button: &str, main_went_on: bool) -> Self {
        let event = Event::on_github("`push`", payload("push", &[]), PULL_REQUEST, PUSHED);
        let mut stage = Event { decoy: None, ..event.with_token() }.stage(BETTER);
        let gate = stage.gate("merge");
        let (head, tip) = merged_in(gate.path(), button, main_went_on);
        stage.sandbox.edit(&stage.candidate, |task| task["script"]["version_num"] = json!(head));
        let repository = stage.github.repository("Codertocat/Hello-World");
        repository.pull(PullSeed::new(2, &head).base("master", OTHER).merged(&tip));
        stage.event.payload = Some(payload("push", &[("/after", json!(tip))]));
        fs::write(gate.path().join("event.json"), stage.event.payload.as_ref().unwrap().to_string()).unwrap();
        let gate = gate.set("GITHUB_SHA", &tip);
        Self { stage, gate, head, tip }
    }
}

/// Makes the history of a merged pull request. Returns its head and the last commit of the main branch.
fn merged_in(folder: &Path, button: &str, main_went_on: bool) -> (String, String) {
    let by_author = |args: &[&str]| git(folder, args);
    // GitHub is the committer, so a rebased commit has another id.
    let by_button = |args: &[&str]| git_as("GitHub", folder, args);
    let commit = |file: &str| {
        fs::write(folder.join(file), file).unwrap();
        by_author(&["add", file]);
        by_author(&["commit", "--quiet", "--message", file]);
    };
    by_author(&["init", "--quiet"]);
    by_author(&["symbolic-ref", "HEAD", "refs/heads/master"]);
    commit("base.py");
    by_author(&["checkout", "--quiet", "-b", "change"]);
    commit("train.py");
    commit("model.py");
    let head = by_author(&["rev-parse", "HEAD"]);
    by_author(&["checkout", "--quiet", "master"]);
    if main_went_on {
        commit("other.py");
    }
    match button {
        "merge" => drop(by_button(&["merge", "--quiet", "--no-ff", "--message", "Merge", "change"])),
        "squash" => {
            by_button(&["merge", "--quiet", "--squash", "change"]);
            by_button(&["commit", "--quiet", "--message", "Squash"]);
        }
        _ => drop(by_button(&["cherry-pick", "master..change"])),
    }
    (head, by_author(&["rev-parse", "HEAD"]))
}

fn short(commit: &str) -> &str {
    &commit[..12]
}

#[test]
fn after_a_merge_a_push_is_judged_by_the_run_of_the_pull_request_s_head() {
    for button in BUTTONS {
        let Merged { stage, gate, head, tip } = Merged::by(button, true);
        let said = format!(
            "{} has no run; using the run of {}, the head of pull request 2 that it merged",
            short(&tip),
            short(&head)
        );
        gate.run().expect(0, "PASSED, improved").says(&said).says("moved to the candidate");
        stage.is_tagged(&stage.candidate);
        assert_eq!(asked(&stage.github).first().map(String::as_str), Some("GET commit pulls"), "{button}");
        // A second run changes nothing.
        gate.run().expect(0, "PASSED, unchanged").says("was already on the candidate");
        stage.is_tagged(&stage.candidate);
    }
}

#[test]
fn github_is_not_asked_if_the_main_branch_did_not_change() {
    for button in BUTTONS {
        let Merged { stage, gate, head, tip } = Merged::by(button, false);
        let gate = gate.unset("GITHUB_TOKEN");
        let said = format!("{} has no run; using the run of {}, which has the same code", short(&tip), short(&head));
        gate.run().expect(0, "PASSED, improved").says(&said).says("moved to the candidate");
        stage.is_tagged(&stage.candidate);
        assert_eq!(asked(&stage.github), Vec::<String>::new());
    }
}

fn asked(github: &GitHub) -> Vec<String> {
    github.requests().into_iter().map(|request| request.endpoint).collect()
}

#[test]
fn a_push_that_merged_nothing_gives_no_verdict() {
    let merged = || PullSeed::new(2, PULL_REQUEST).base("master", OTHER).merged(PUSHED);
    let event = Event::on_github("`push`", payload("push", &[]), PULL_REQUEST, PUSHED).with_token();
    let event = Event { decoy: None, ..event };
    let nobody_ran = |event: Event| {
        let stage = event.stage(BETTER);
        stage.gate("merge").run().expect(3, NOBODY);
        stage.is_tagged(&stage.baseline);
    };
    nobody_ran(event.clone());
    nobody_ran(event.clone().pull(PullSeed::new(2, PULL_REQUEST).base("master", OTHER).commit(PUSHED)));
    nobody_ran(event.clone().pull(merged().base("release/1.x", OTHER)));
    let elsewhere = Some(payload("push", &[("/ref", json!("refs/heads/change"))]));
    nobody_ran(Event { payload: elsewhere, ..event.clone() }.pull(merged().base("change", OTHER)));
    nobody_ran(Event { has_token: false, ..event.clone() }.pull(merged()));
    // The report says why neither git nor GitHub has an answer.
    let no_git = "the working directory is not inside a git repository";
    let never_ran = event.clone().pull(PullSeed::new(2, QUEUED).base("master", OTHER).merged(PUSHED));
    never_ran.stage(BETTER).gate("merge").run().expect(3, NOBODY).says(no_git);
    let unknown = "Could not determine which pull request this commit merged: ";
    for (broken, why) in [
        (failing(502), "status 502"),
        (failing(403), "GITHUB_TOKEN lacks a permission"),
        (GitHub::secondary_limit(429, Some(600)), "rate limit"),
        (page(), "it sent a web page instead of JSON"),
    ] {
        let stage = event.clone().pull(merged()).stage(BETTER);
        stage.github.fault(At::Endpoint("GET commit pulls"), broken);
        let ran = stage.gate("merge").run().expect(3, NOBODY);
        ran.says(unknown).says(why).says(no_git);
        stage.is_tagged(&stage.baseline);
    }
}

fn failing(code: u16) -> Effect {
    let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
    Effect::Status { code, headers, body: r#"{"message": "Resource not accessible by integration"}"#.to_owned() }
}

fn page() -> Effect {
    Effect::Body { content_type: "text/html".to_owned(), body: "<title>Sign in</title>".to_owned() }
}

/// The two events that report the merge of pull request 2.
fn merges() -> [Event; 2] {
    let merged = ("/pull_request/merged", json!(true));
    let pull = PullSeed::new(2, PULL_REQUEST).base("master", OTHER).merged(PUSHED);
    let closed = payload("pull_request_closed", &[merged]);
    let push = Event::on_github("`push`", payload("push", &[]), PULL_REQUEST, PUSHED).with_token().pull(pull);
    [Event::on_github("`pull_request`", closed, PULL_REQUEST, MERGE), Event { decoy: None, ..push }]
}

/// A gate on the same stage while the pull request is still open.
fn before(merge: &Stage) -> Gate {
    let gate = merge.gate("merge").set("GITHUB_EVENT_NAME", "pull_request").set("GITHUB_SHA", OTHER);
    fs::write(gate.path().join("event.json"), payload("pull_request", &[]).to_string()).unwrap();
    gate
}

#[test]
fn the_tag_waits_for_the_merge_and_then_moves() {
    for merge in merges() {
        let stage = merge.stage(BETTER);
        before(&stage)
            .run()
            .expect(0, "PASSED, improved")
            .says("moves only after the change is merged into the main branch");
        stage.is_tagged(&stage.baseline);
        stage.gate("merge").run().expect(0, "PASSED, improved").says("moved to the candidate");
        stage.is_tagged(&stage.candidate);
    }
}

#[test]
fn the_merge_judges_by_the_baseline_of_that_moment() {
    let tolerated = [("CLEARML_SCALAR_THRESHOLD", "10")];
    let kept = [("CLEARML_SCALAR_THRESHOLD", "10"), ("CLEARML_KEEP_BEST", "true")];
    let accepted = [("CLEARML_ACCEPT", "true")];
    let nothing: &[(&str, &str)] = &[];
    let cases = [
        (nothing, 1, "FAILED, degraded", false),
        (&kept, 0, "PASSED, tolerated", false),
        (&tolerated, 0, "PASSED, tolerated", true),
        (&accepted, 0, "PASSED, accepted", true),
    ];
    for merge in merges() {
        for (settings, code, verdict, moves) in cases {
            let stage = merge.stage(BETTER);
            let set = |gate: Gate| settings.iter().fold(gate, |gate, (name, value)| gate.set(name, value));
            set(before(&stage)).run().expect(0, "PASSED, improved");
            // Another pull request was merged in between.
            stage.sandbox.edit(&stage.baseline, |task| task["tags"] = json!(["prod", "team-a"]));
            let best = stage.sandbox.add(run(HEAD, 0.95).tag(TAG));
            set(stage.gate("merge")).run().expect(code, verdict).says("commit ec26c3e57ca3");
            stage.is_tagged(if moves { &stage.candidate } else { &best });
        }
    }
}

#[test]
fn a_loss_is_accepted_at_the_merge_as_well() {
    for merge in merges() {
        let stage = merge.stage(WORSE);
        let accepting = |gate: Gate| gate.set("CLEARML_ACCEPT", "true");
        before(&stage).run().expect(1, "FAILED, degraded");
        accepting(before(&stage))
            .run()
            .expect(0, "PASSED, accepted")
            .says("moves only after the change is merged into the main branch");
        // A loss that is accepted only before the merge does not count at the merge.
        stage.gate("merge").set("CLEARML_ACCEPT", "false").run().expect(1, "FAILED, degraded");
        stage.is_tagged(&stage.baseline);
        accepting(stage.gate("merge")).run().expect(0, "PASSED, accepted").says("moved to the candidate");
        stage.is_tagged(&stage.candidate);
    }
}

#[test]
fn with_keep_best_the_report_promises_no_tag_for_a_tolerated_loss() {
    let find = |name: &str| [pull_requests(), others()].concat().into_iter().find(|event| event.name.starts_with(name));
    for event in ["`pull_request`, opened", "Azure"].map(|name| find(name).unwrap()) {
        let stage = event.stage(0.79);
        let gate = stage.gate("merge").set("CLEARML_SCALAR_THRESHOLD", "3").set("CLEARML_KEEP_BEST", "true");
        gate.run().expect(0, "PASSED, tolerated").says("stays on the better run (CLEARML_KEEP_BEST is true)");
        stage.is_tagged(&stage.baseline);
    }
}

/// Pull request 104 in a merge queue. The queue's merge commit has its own run, which is the best of all.
fn queue() -> Stage {
    let event = Event::on_github("`merge_group`", payload("merge_group", &[]), QUEUED, QUEUE).with_token();
    let stage = Event { decoy: None, ..event }.pull(PullSeed::new(104, QUEUED)).stage(BETTER);
    stage.sandbox.add(run(QUEUE, 0.99));
    stage
}

#[test]
fn a_merge_queue_is_judged_by_the_head_of_its_pull_request() {
    let branch = "refs/heads/gh-readonly-queue/main/pr-104-929f8209d40f77f4abc622a499c93a83babdbe64";
    for (event, payload) in [
        ("merge_group", payload("merge_group", &[])),
        ("push", payload("push", &[("/ref", json!(branch)), ("/after", json!(QUEUE))])),
    ] {
        let stage = queue();
        let gate = stage.gate("merge").set("GITHUB_EVENT_NAME", event);
        fs::write(gate.path().join("event.json"), payload.to_string()).unwrap();
        let ran = gate.run().expect(0, "PASSED, improved").says("commit da39a3ee5e6b");
        ran.says("moves only after the change is merged into the main branch");
        stage.is_tagged(&stage.baseline);
        assert_eq!(stage.github.requests()[0].path, "/repos/octo-org/octo-repo/pulls/104");
    }
}

/// Asserts that there is no verdict for a queue if the head cannot be found.
#[track_caller]
fn refused(stage: &Stage, gate: &Gate, why: &str) {
    for policy in POLICIES {
        let ran = Ran::of(&gate.command().env("CLEARML_PROMOTE", policy).output().unwrap());
        assert!(stage.token.as_ref().is_none_or(|token| !ran.err.contains(token)), "{}", ran.err);
        let ran = ran.expect(2, "").complains("the head of the queued pull request 104 could not be read");
        ran.complains("COMMIT_ID: is not set").complains(why);
    }
    assert_eq!(stage.sandbox.requests().len(), 0);
    stage.is_tagged(&stage.baseline);
}

#[test]
fn a_merge_queue_with_an_unknown_head_is_not_judged() {
    let stage = queue();
    refused(&stage, &stage.gate("merge").unset("GITHUB_TOKEN"), "GITHUB_TOKEN is not set");
    let nowhere = stage.gate("merge").set("GITHUB_API_URL", "http://api.github.invalid");
    refused(&stage, &nowhere, "could not reach http://api.github.invalid");
    let elsewhere = stage.gate("merge").set("GITHUB_REPOSITORY", "octo-org/other");
    refused(&stage, &elsewhere, "GitHub cannot find the repository or the pull request");
    let odd = |body: &str| Effect::json(body);
    for (effect, why) in [
        (failing(403), "GITHUB_TOKEN lacks a permission"),
        (GitHub::secondary_limit(429, Some(600)), "rate limit"),
        (page(), "it sent a web page"),
        (odd("{}"), "its pull request has no head commit"),
        (odd(r#"{"head": {"sha": ""}}"#), "its pull request has no head commit"),
        (odd(r#"{"head": {"sha": "main"}}"#), "its pull request has no head commit"),
    ] {
        stage.github.clear_faults();
        stage.github.fault(At::Endpoint("GET pull"), effect);
        refused(&stage, &stage.gate("merge"), why);
    }
    stage.github.clear_faults();
    stage.github.revoke(stage.token.as_ref().unwrap());
    refused(&stage, &stage.gate("merge"), "GitHub rejected GITHUB_TOKEN");
    // The fix that the report suggests.
    stage.gate("merge").set("COMMIT_ID", QUEUED).run().expect(0, "PASSED, improved").says("commit da39a3ee5e6b");
}

/// An address without a server.
fn closed_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[test]
fn a_pull_request_is_judged_alike_without_git_token_or_github() {
    let event = Event::on_github("`pull_request`", payload("pull_request", &[]), PULL_REQUEST, OTHER).with_token();
    let closed = closed_port();
    let [git, token, github] = [("PATH", "/no/such/folder"), ("GITHUB_TOKEN", ""), ("GITHUB_API_URL", closed.as_str())];
    let lacks: [&[(&str, &str)]; 5] = [&[], &[git], &[token], &[github], &[git, token, github]];
    let not_run = Event { ran: HEAD, ..event.clone() };
    for (event, value, code, verdict, moves) in [
        (&event, BETTER, 0, "PASSED, improved", true),
        (&event, BASELINE, 0, "PASSED, unchanged", true),
        (&event, WORSE, 1, "FAILED, degraded", false),
        (&not_run, BETTER, 3, NOBODY, false),
    ] {
        for lack in lacks {
            let stage = event.stage(value);
            let gate = lack.iter().fold(stage.gate("pass"), |gate, (name, value)| gate.set(name, value));
            let ran = gate.run().expect(code, verdict);
            assert!(code == 3 || ran.out.contains("commit ec26c3e57ca3"), "{lack:?}\n{}", ran.out);
            stage.is_tagged(if moves { &stage.candidate } else { &stage.baseline });
        }
    }
}

#[test]
fn the_workflow_of_the_docs_checks_and_promotes() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/github.md")).unwrap();
    let workflows = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let mut workflows = workflows.filter(|text| text.contains("CLEARML_PROMOTE: merge"));
    let workflow: Value = serde_saphyr::from_str(workflows.next().unwrap()).unwrap();
    let with = workflow.pointer("/jobs/gate/steps/0/with").unwrap().as_object().unwrap();
    let types = workflow.pointer("/on/pull_request/types").unwrap().as_array().unwrap();
    assert!(["opened", "synchronize", "reopened", "closed"].iter().all(|kind| types.contains(&json!(kind))));
    let step = |gate: Gate, accepts: &str| {
        with.iter().fold(gate, |gate, (name, value)| match value.as_str() {
            Some(label) if name == "CLEARML_ACCEPT" && label.contains("labels.*.name") => gate.set(name, accepts),
            Some(expression) if expression.starts_with("${{") => gate,
            Some(text) => gate.set(name, text),
            None => gate.set(name, &value.to_string()),
        })
    };
    // Another test covers the comment.
    let quiet = |gate: Gate| gate.set("CLEARML_COMMENT", "never");
    for (value, accepts, codes, moves) in
        [(BETTER, "false", [0, 0], true), (WORSE, "false", [1, 1], false), (WORSE, "true", [0, 0], true)]
    {
        let [closed, _] = merges();
        let stage = closed.stage(value);
        assert_eq!(quiet(step(before(&stage), accepts)).run().code, codes[0]);
        stage.is_tagged(&stage.baseline);
        assert_eq!(quiet(step(stage.gate("never"), accepts)).run().code, codes[1]);
        stage.is_tagged(if moves { &stage.candidate } else { &stage.baseline });
    }
}
