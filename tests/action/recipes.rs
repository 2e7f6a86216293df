//! The recipes for GitHub under `docs/recipes/github`, each run on the events that start it.

use std::fs;
use std::path::Path;
use std::process::Command;

use clearml_sandbox::{At, Effect, GitHub, Permissions, PullSeed, Repository, Sandbox, TaskSeed};
use serde_json::{Value as Json, json};

use crate::action::job::{Done, Job, Texts, texts};
use crate::action::readme::block;
use crate::action::seeded::{BASE, HEAD, TAG, pair, tagged};
use crate::action::workflow::{Start, Workflow};

const REPOSITORY: &str = "somebody/model";
const MERGE: &str = "c4295bd74fb0f4fda03689c3df3f2803b658fd85";

fn text(recipe: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/recipes/github").join(recipe);
    fs::read_to_string(path.with_extension("yml")).unwrap()
}

/// A repository with pull request 7, and a ClearML server.
struct World {
    sandbox: Sandbox,
    github: GitHub,
    repository: Repository,
}

impl World {
    fn new(sandbox: Sandbox) -> Self {
        Self::at(GitHub::start(), sandbox)
    }

    fn at(github: GitHub, sandbox: Sandbox) -> Self {
        let repository = github.repository(REPOSITORY).private().default_branch("main");
        repository.pull(PullSeed::new(7, HEAD).base("main", BASE));
        Self { sandbox, github, repository }
    }

    /// Runs a recipe unchanged, with a token that has the recipe's permissions.
    fn run(&self, recipe: &str, event: &str, payload: &Json) -> Vec<Done> {
        self.run_text(&text(recipe), event, payload, &Job::new, &|_| ())
    }

    fn run_text(
        &self,
        text: &str,
        event: &str,
        payload: &Json,
        job: &dyn Fn() -> Job,
        checkout: &dyn Fn(&Path),
    ) -> Vec<Done> {
        let workflow = Workflow::read(text);
        let permission = workflow.permissions.as_ref().unwrap().get("pull-requests").map(String::as_str);
        let token = self.github.token(match permission {
            Some("write") => Permissions::write(),
            Some("read") => Permissions::read(),
            None => Permissions::none(),
            Some(other) => panic!("no such permission: {other}"),
        });
        let runner = || job().set("GITHUB_API_URL", &self.github.url()).set("GITHUB_TOKEN", &token);
        let secrets = secrets(&self.sandbox);
        workflow.start(&Start { event, payload, secrets: &secrets, checkout }, runner)
    }

    fn one(&self, recipe: &str, event: &str, payload: &Json) -> Done {
        let mut done = self.run(recipe, event, payload);
        assert_eq!(done.len(), 1, "{recipe} on {event}");
        done.remove(0)
    }

    fn tagged(&self) -> Vec<String> {
        tagged(&self.sandbox, TAG)
    }

    fn comments(&self) -> usize {
        self.repository.comments(7).len()
    }
}

fn secrets(sandbox: &Sandbox) -> Texts {
    texts(&[
        ("ACCESS_KEY", sandbox.access_key()),
        ("SECRET_KEY", sandbox.secret_key()),
        ("CLEARML_API_HOST", &sandbox.url()),
    ])
}

/// An event of pull request 7 at this commit.
fn of(action: &str, head: &str) -> Json {
    json!({
        "action": action,
        "number": 7,
        "pull_request": {
            "number": 7,
            "draft": false,
            "merged": false,
            "labels": [],
            "head": {"sha": head, "ref": "change", "repo": {"full_name": REPOSITORY, "fork": false}},
            "base": {"ref": "main", "repo": {"full_name": REPOSITORY}},
        },
        "repository": {"full_name": REPOSITORY, "default_branch": "main"},
    })
}

fn opened() -> Json {
    of("opened", HEAD)
}

fn merged() -> Json {
    let mut payload = of("closed", HEAD);
    payload["pull_request"]["merged"] = json!(true);
    payload["pull_request"]["merge_commit_sha"] = json!(MERGE);
    payload
}

fn of_a_fork(mut payload: Json) -> Json {
    payload["pull_request"]["head"]["repo"] = json!({"full_name": "stranger/model", "fork": true});
    payload
}

#[test]
fn check_judges_without_moving_the_tag() {
    let better = World::new(pair(0.8, 0.9));
    better.one("check", "pull_request", &opened()).ended("gate", 0).says("PASSED, improved");
    assert_eq!((better.tagged(), better.comments()), (vec![BASE.to_owned()], 0));
    assert!(better.run("check", "pull_request", &merged()).is_empty());
    World::new(pair(0.8, 0.7)).one("check", "pull_request", &opened()).ended("gate", 1).says("FAILED, degraded");
}

#[test]
fn check_and_promote_comments_at_once_and_moves_the_tag_at_the_merge() {
    let world = World::new(pair(0.8, 0.9));
    world.one("check-and-promote", "pull_request", &opened()).ended("gate", 0).says("PASSED, improved");
    assert_eq!((world.tagged(), world.comments()), (vec![BASE.to_owned()], 1));
    world.one("check-and-promote", "pull_request", &of("closed", HEAD)).ended("gate", 0).says("NOTHING TO GATE");
    assert_eq!(world.tagged(), [BASE]);
    world.one("check-and-promote", "pull_request", &merged()).ended("gate", 0).says("moved to the candidate");
    assert_eq!((world.tagged(), world.comments()), (vec![HEAD.to_owned()], 1));
}

#[test]
fn check_and_promote_judges_a_reworded_commit_by_the_run_of_its_code() {
    let job = Job::new();
    let run = commit(&job.path("workspace"), "Train longer", &[("train.py", "1")]);
    let reworded = commit(&job.path("workspace"), "Train for longer", &[]);
    let sandbox = Sandbox::start();
    sandbox.add(seed("vision/detector", BASE, 0.8).tag(TAG));
    sandbox.add(seed("vision/detector", &run, 0.9));
    let world = World::new(sandbox);
    let checkout = |workspace: &Path| copy(&job.path("workspace"), workspace);
    let payload = of("synchronize", &reworded);
    let mut done = world.run_text(&text("check-and-promote"), "pull_request", &payload, &Job::new, &checkout);
    done.remove(0).ended("gate", 0).says("has no run; using the run of");
}

#[test]
fn merge_queue_judges_the_head_of_the_queued_pull_request() {
    let world = World::new(pair(0.8, 0.9));
    world.one("merge-queue", "pull_request", &opened()).ended("gate", 0);
    let queued = json!({
        "action": "checks_requested",
        "merge_group": {
            "head_sha": MERGE,
            "head_ref": format!("refs/heads/gh-readonly-queue/main/pr-7-{BASE}"),
            "base_ref": "refs/heads/main",
            "base_sha": BASE,
        },
        "repository": {"full_name": REPOSITORY, "default_branch": "main"},
    });
    world.one("merge-queue", "merge_group", &queued).ended("gate", 0).says(&HEAD[..12]);
    assert_eq!(world.tagged(), [BASE]);
    world.one("merge-queue", "pull_request", &merged()).ended("gate", 0);
    assert_eq!(world.tagged(), [HEAD]);
}

#[test]
fn forks_are_judged_by_the_second_workflow_and_others_are_not() {
    // The sandbox does not have the list of pull requests, so the test supplies it.
    let listed = json!([{"number": 7, "state": "open", "head": {"sha": HEAD}}]).to_string();
    let effect = Effect::json(listed);
    let world = World::at(GitHub::builder().lenient().start().unwrap(), pair(0.8, 0.9));
    world.github.fault(At::Endpoint(""), effect);
    let ended = |fork| {
        json!({
            "action": "completed",
            "workflow_run": {
                "event": "pull_request",
                "head_sha": HEAD,
                "head_branch": "change",
                "head_repository": {"full_name": "stranger/model", "fork": fork},
                "repository": {"full_name": REPOSITORY},
                "pull_requests": [],
            },
            "repository": {"full_name": REPOSITORY, "default_branch": "main"},
        })
    };
    assert!(world.run("forks", "workflow_run", &ended(false)).is_empty());
    world.one("forks", "workflow_run", &ended(true)).ended("gate", 0).says("PASSED, improved");
    assert_eq!((world.tagged(), world.comments()), (vec![BASE.to_owned()], 1));
}

/// `docs/github.md` shows two of the recipes in full.
#[test]
fn the_workflow_for_forks_in_the_docs_matches_the_recipe() {
    let shown = Workflow::read(&block("docs/github.md", "yaml", "name: Model gate for forks"));
    let recipe = Workflow::read(&text("forks"));
    assert_eq!(shown.permissions, recipe.permissions);
    assert_eq!(shown.step().with, recipe.step().with);
    assert_eq!(shown.job().condition, recipe.job().condition);
}

#[test]
fn the_workflow_in_the_docs_promotes_at_the_merge() {
    let workflow = block("docs/github.md", "yaml", "CLEARML_PROMOTE: merge");
    let world = World::new(pair(0.8, 0.9));
    let on = |payload: &Json| world.run_text(&workflow, "pull_request", payload, &Job::new, &|_| ()).remove(0);
    on(&opened()).ended("gate", 0);
    assert_eq!(world.tagged(), [BASE]);
    on(&merged()).ended("gate", 0);
    assert_eq!((world.tagged(), world.comments()), (vec![HEAD.to_owned()], 1));
}

#[test]
fn promote_forks_moves_the_tag_only_at_the_merge_of_a_fork() {
    let world = World::new(pair(0.8, 0.9));
    let on = |payload: &Json| world.run("promote-forks", "pull_request_target", payload);
    for payload in [merged(), of_a_fork(of("closed", HEAD)), of_a_fork(opened())] {
        assert!(on(&payload).is_empty(), "{payload}");
    }
    on(&of_a_fork(merged())).remove(0).ended("gate", 0);
    assert_eq!(world.tagged(), [HEAD]);
}

#[test]
fn accept_by_label_accepts_a_loss_only_with_the_label() {
    let world = World::new(pair(0.8, 0.7));
    let labelled = |mut payload: Json| {
        payload["pull_request"]["labels"] = json!([{"name": "bug"}, {"name": "accept-model-loss"}]);
        payload
    };
    world.one("accept-by-label", "pull_request", &opened()).ended("gate", 1).says("FAILED, degraded");
    let labelling = labelled(of("labeled", HEAD));
    world.one("accept-by-label", "pull_request", &labelling).ended("gate", 0).says("PASSED, accepted");
    assert_eq!(world.tagged(), [BASE]);
    world.one("accept-by-label", "pull_request", &labelled(merged())).ended("gate", 0);
    assert_eq!((world.tagged(), world.comments()), (vec![HEAD.to_owned()], 1));
}

#[test]
fn several_models_need_new_runs_only_where_their_code_changed() {
    let job = Job::new();
    let workspace = job.path("workspace");
    let all = [("detector/a.py", "1"), ("tracker/a.py", "1"), ("common/a.py", "1")];
    let before = commit(&workspace, "Both models", &all);
    let after = commit(&workspace, "A better detector", &[("detector/a.py", "2")]);
    let sandbox = Sandbox::start();
    let error = |commit: &str, value| {
        TaskSeed::new("vision/tracker", "train").commit(commit).scalar("validation", "error", &[(0, value)])
    };
    sandbox.add(seed("vision/detector", &before, 0.8).tag(TAG));
    sandbox.add(seed("vision/detector", &after, 0.9));
    sandbox.add(error(BASE, 0.3).tag(TAG));
    sandbox.add(error(&before, 0.2));
    let world = World::new(sandbox);
    let checkout = |to: &Path| copy(&workspace, to);
    let done = world.run_text(&text("several-models"), "pull_request", &of("opened", &after), &Job::new, &checkout);
    let [detector, tracker] = <[Done; 2]>::try_from(done).unwrap();
    detector.ended("gate", 0).says("PASSED, improved").says("validation / accuracy");
    tracker.ended("gate", 0).says("PASSED, improved").says("has no run; using the run of").says("tracker");
    assert_eq!(world.comments(), 2);
}

#[test]
fn private_ca_reads_the_file_of_the_checkout() {
    let world = World::new(pair(0.8, 0.9));
    let recipe = text("private-ca");
    assert!(recipe.contains("https://clearml-api.internal.example\n"));
    let recipe = recipe.replace("https://clearml-api.internal.example", &world.sandbox.url());
    let run =
        |checkout: &dyn Fn(&Path)| world.run_text(&recipe, "pull_request", &opened(), &Job::new, checkout).remove(0);
    run(&|_| ()).ended("gate", 2).says("CLEARML_API_HOST_VERIFY_CERT");
    run(&|workspace| {
        fs::create_dir(workspace.join("ci")).unwrap();
        fs::write(workspace.join("ci/clearml-ca.pem"), AUTHORITY).unwrap();
    })
    .ended("gate", 0)
    .says("https://clearml.internal.example/projects/");
}

#[test]
fn air_gap_installs_the_binary_only_from_the_mirror() {
    let world = World::new(pair(0.8, 0.9));
    let job = Job::new();
    let recipe = text("air-gap");
    let there = "https://mirror.internal.example/clearml-gate";
    assert!(recipe.contains(there));
    let run = |mirror: &str| {
        // Without the mirror that these tests set for every job, which would work too.
        let job = || Job::new().unset("CLEARML_GATE_MIRROR");
        let recipe = recipe.replace(there, mirror);
        world.run_text(&recipe, "pull_request", &opened(), &job, &|_| ()).remove(0)
    };
    run(&format!("'{}'", job.path("nothing").display().to_string().replace('\'', "''"))).ended("install", 5);
    let mirror = job.path("mirror").display().to_string().replace('\'', "''");
    run(&format!("'{mirror}'")).ended("gate", 0).says("PASSED, improved");
    assert_eq!(world.comments(), 1);
}

fn seed(project: &str, commit: &str, value: f64) -> TaskSeed {
    TaskSeed::new(project, "train").commit(commit).scalar("validation", "accuracy", &[(0, value)])
}

/// Commits these files in a repository, and creates it if needed.
pub(crate) fn commit(folder: &Path, message: &str, files: &[(&str, &str)]) -> String {
    for (name, text) in files {
        fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
        fs::write(folder.join(name), text).unwrap();
    }
    git(folder, &["init", "--quiet"]);
    git(folder, &["add", "--all"]);
    git(folder, &["commit", "--quiet", "--allow-empty", "--message", message]);
    git(folder, &["rev-parse", "HEAD"])
}

fn git(folder: &Path, args: &[&str]) -> String {
    let who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"];
    let mut git = Command::new("git");
    git.args(who).args(args).current_dir(folder).env("HOME", folder).env("GIT_CONFIG_NOSYSTEM", "1");
    let output = git.output().unwrap();
    assert!(output.status.success(), "{args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Copies a repository into another directory.
pub(crate) fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-R").arg(from.join(".")).arg(to).status().unwrap();
    assert!(done.success());
}

/// The certificate of an authority that signed nothing.
const AUTHORITY: &str = "\
-----BEGIN CERTIFICATE-----
MIIBjzCCATWgAwIBAgIUNTIcDskS9RRhChxfNmccdmTjwoEwCgYIKoZIzj0EAwIw
HDEaMBgGA1UEAwwRRXhhbXBsZSBhdXRob3JpdHkwIBcNMjYxMTI3MDYyMjM4WhgP
MjEyNjExMDMwNjIyMzhaMBwxGjAYBgNVBAMMEUV4YW1wbGUgYXV0aG9yaXR5MFkw
EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEJnVOnJPFMif3MTWyORFGU6CbHZ44D286
QRc+nhy+16CDMUmKbl+w1yeuh6LUWIcwI44oAyc2DFuIlusXuyY/E6NTMFEwHQYD
VR0OBBYEFPDy4Zc71KA8xik9urMoocrQFgQcMB8GA1UdIwQYMBaAFPDy4Zc71KA8
xik9urMoocrQFgQcMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIg
EI+ps7mwr8k0zdCVOriPE196oPR6ATS3x2PdOfwZYgACIQD4dh3tqdm3fS0pEJ8/
W4d1m6vABLTqFhq415SGkNgcMw==
-----END CERTIFICATE-----
";
