//! The recipes for other CIs under `docs/recipes`. The tests take the shell part of each recipe and run it, with the
//! variables that the CI documents (see `src/ci/providers.rs`), in a checkout with `install.sh` and a manifest, as the
//! recipes expect.

use std::env::consts;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clearml_sandbox::{Sandbox, TaskSeed};
use serde_json::Value as Json;
use tempfile::TempDir;

use crate::action::job::{Texts, texts};
use crate::action::recipes::{commit, copy};
use crate::action::release::Release;
use crate::action::seeded::{BASE, TAG, tagged};

/// A part of a recipe that runs in a shell.
struct Script {
    shell: &'static [&'static str],
    lines: String,
    /// The variables that the recipe itself sets.
    environment: Texts,
}

fn recipe(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/recipes").join(file)).unwrap()
}

fn yaml(file: &str) -> Json {
    crate::action::yaml::read(&recipe(file)).unwrap()
}

fn lines(script: &Json) -> String {
    script.as_array().unwrap().iter().fold(String::new(), |text, line| text + line.as_str().unwrap() + "\n")
}

fn variables(map: &Json) -> Texts {
    map.as_object().unwrap().iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

fn text(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl Script {
    fn new(shell: &'static [&'static str], lines: &str, environment: Texts) -> Self {
        Self { shell, lines: lines.to_owned(), environment }
    }

    fn gitlab() -> Self {
        let job = &yaml("gitlab/.gitlab-ci.yml")["model-gate"];
        Self::new(&["sh", "-e"], &lines(&job["script"]), variables(&job["variables"]))
    }

    /// Groovy's `'''` changes nothing in its text.
    fn jenkins() -> Self {
        let file = recipe("jenkins/Jenkinsfile");
        let (_, rest) = file.split_once("sh '''\n").unwrap();
        let (script, _) = rest.split_once("'''").unwrap();
        let (_, rest) = file.split_once("environment {\n").unwrap();
        let block = rest.split_once('}').unwrap().0.lines();
        let pairs = block.filter_map(|line| line.trim().strip_suffix('\'')?.split_once(" = '"));
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self::new(&["sh", "-xe"], script, pairs.collect())
    }

    /// Azure Pipelines replaces `$(name)` if there is such a variable. It does not stop a script at a failure.
    fn azure(promote: &str) -> Self {
        let pipeline = yaml("azure/azure-pipelines.yml");
        let step = &pipeline["steps"][1];
        let filled = variables(&step["env"]).into_iter().filter(|(_, value)| !value.starts_with("$(clearml-"));
        let filled = filled.map(|(name, value)| (name, value.replace("$(promote)", promote)));
        let lines = step["script"].as_str().unwrap();
        Self::new(&["bash", "--noprofile", "--norc"], lines, filled.collect())
    }

    fn bitbucket(step: &Json) -> Self {
        Self::new(&["bash", "-e"], &lines(&step["step"]["script"]), Texts::new())
    }

    fn circleci(promote: &str) -> Self {
        let job = &yaml("circleci/config.yml")["jobs"]["model-gate"];
        let environment = variables(&job["environment"]).into_iter();
        let filled = environment.map(|(name, value)| (name, value.replace("<< parameters.promote >>", promote)));
        let lines = job["steps"][1]["run"]["command"].as_str().unwrap();
        Self::new(&["bash", "-eo", "pipefail"], lines, filled.collect())
    }

    /// The upload replaces `$name`, and turns two dollar signs into one.
    fn buildkite() -> Self {
        let pipeline = yaml("buildkite/pipeline.yml");
        let command = pipeline["steps"][0]["command"].as_str().unwrap();
        assert!(!command.replace("$$", "").contains('$'), "a single dollar sign would be filled in: {command}");
        Self::new(&["bash", "-e"], &command.replace("$$", "$"), variables(&pipeline["env"]))
    }

    /// Runs it with the CI's variables. Returns the exit code and the log.
    #[track_caller]
    fn run(&self, world: &World, ci: &[(&str, &str)]) -> (i32, String) {
        let workspace = world.path("workspace");
        let file = world.path("script");
        fs::write(&file, &self.lines).unwrap();
        let mut command = Command::new(self.shell[0]);
        command.args(&self.shell[1..]).arg(&file).current_dir(&workspace).env_clear();
        command.envs(&self.environment).envs(texts(ci)).envs(world.environment());
        let output = command.output().unwrap();
        let log = [output.stdout, output.stderr].map(|stream| String::from_utf8(stream).unwrap()).concat();
        (output.status.code().unwrap(), log)
    }
}

/// A repository with a change that has a run and was merged by fast-forward, and a ClearML server.
struct World {
    folder: TempDir,
    sandbox: Sandbox,
    /// The head of the change.
    head: String,
    /// The same code on the main branch.
    merged: String,
}

impl World {
    fn new(candidate: f64) -> Self {
        let folder = TempDir::new().unwrap();
        let path = |name: &str| folder.path().join(name);
        let workspace = path("workspace");
        fs::create_dir_all(workspace.join("ci/clearml-gate")).unwrap();
        fs::create_dir_all(path("home")).unwrap();
        let installer = Path::new(env!("CARGO_MANIFEST_DIR")).join("install.sh");
        fs::copy(installer, workspace.join("ci/clearml-gate/install.sh")).unwrap();
        let system = if cfg!(target_os = "macos") { "apple-darwin" } else { "unknown-linux-musl" };
        let target = format!("{}-{system}", consts::ARCH);
        Release::new(&target, &path("mirror"), &workspace.join("ci/clearml-gate/dist-manifest.json"));
        let head = commit(&workspace, "Train longer", &[("train.py", "1")]);
        let merged = commit(&workspace, "Train longer (#7)", &[]);
        let sandbox = Sandbox::start();
        let run = |commit: &str, value| {
            TaskSeed::new("vision/detector", "train").commit(commit).scalar("validation", "accuracy", &[(0, value)])
        };
        sandbox.add(run(BASE, 0.8).tag(TAG));
        sandbox.add(run(&head, candidate));
        Self { folder, sandbox, head, merged }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The machine's variables, the project's secrets, and the place of the release.
    fn environment(&self) -> Texts {
        let path = std::env::var("PATH").unwrap();
        let [home, mirror] = ["home", "mirror"].map(|name| self.path(name).to_str().unwrap().to_owned());
        texts(&[
            ("PATH", &path),
            ("HOME", &home),
            ("CI", "true"),
            ("CLEARML_GATE_MIRROR", &mirror),
            ("CLEARML_API_HOST", &self.sandbox.url()),
            ("CLEARML_API_ACCESS_KEY", self.sandbox.access_key()),
            ("CLEARML_API_SECRET_KEY", self.sandbox.secret_key()),
        ])
    }

    fn installed(&self) -> bool {
        self.path("home/.cache/clearml-gate").is_dir()
    }
}

/// One CI's recipe: what it runs for a change and on the main branch, each with its variables.
struct Case<'a> {
    change: (Script, Vec<(&'static str, &'a str)>),
    main: (Script, Vec<(&'static str, &'a str)>),
    report: Option<&'static str>,
}

/// Tries a better change, a worse change, and the merge of the better one.
fn hold(case: impl for<'a> Fn(&'a World) -> Case<'a>) {
    let world = World::new(0.9);
    let Case { change: (script, ci), main: (on_main, ci_on_main), report } = case(&world);
    let (code, log) = script.run(&world, &ci);
    assert_eq!(code, 0, "{log}");
    assert!(log.contains("PASSED, improved") && world.installed(), "{log}");
    assert!(log.contains(&world.head[..12]) && !log.contains(&world.merged[..12]), "{log}");
    assert_eq!(tagged(&world.sandbox, TAG), [BASE], "{log}");
    if let Some(report) = report {
        assert!(fs::read_to_string(world.path("workspace").join(report)).unwrap().contains("<testsuite"));
    }
    let (code, log) = on_main.run(&world, &ci_on_main);
    assert_eq!(code, 0, "{log}");
    assert!(log.contains("has no run; using the run of"), "{log}");
    assert_eq!(tagged(&world.sandbox, TAG), [world.head.as_str()], "{log}");

    let world = World::new(0.7);
    let Case { change: (script, ci), .. } = case(&world);
    let (code, log) = script.run(&world, &ci);
    assert_eq!(code, 1, "{log}");
    // Without a binary, the recipe must not succeed.
    fs::remove_dir_all(world.path("home/.cache")).unwrap();
    fs::remove_dir_all(world.path("mirror")).unwrap();
    let (code, log) = script.run(&world, &ci);
    assert_eq!(code, 5, "{log}");
    assert!(log.contains("is not in the mirror"), "{log}");
}

const MERGE: &str = "c4295bd74fb0f4fda03689c3df3f2803b658fd85";

#[test]
fn gitlab() {
    hold(|world| Case {
        change: (
            Script::gitlab(),
            vec![
                ("GITLAB_CI", "true"),
                ("CI_PIPELINE_SOURCE", "merge_request_event"),
                ("CI_MERGE_REQUEST_IID", "7"),
                ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", &world.head),
                ("CI_COMMIT_SHA", MERGE),
                ("CI_DEFAULT_BRANCH", "main"),
            ],
        ),
        main: (
            Script::gitlab(),
            vec![
                ("GITLAB_CI", "true"),
                ("CI_PIPELINE_SOURCE", "push"),
                ("CI_COMMIT_BRANCH", "main"),
                ("CI_COMMIT_SHA", &world.merged),
                ("CI_DEFAULT_BRANCH", "main"),
            ],
        ),
        report: Some("clearml-gate.xml"),
    });
}

#[test]
fn jenkins() {
    hold(|world| Case {
        change: (
            Script::jenkins(),
            vec![
                ("JENKINS_URL", "https://ci.example.org/"),
                ("BRANCH_NAME", "PR-7"),
                ("CHANGE_ID", "7"),
                ("CHANGE_TARGET", "main"),
                ("GIT_COMMIT", &world.head),
            ],
        ),
        main: (
            Script::jenkins(),
            vec![
                ("JENKINS_URL", "https://ci.example.org/"),
                ("BRANCH_NAME", "main"),
                ("BRANCH_IS_PRIMARY", "true"),
                ("GIT_COMMIT", &world.merged),
            ],
        ),
        report: Some("clearml-gate.xml"),
    });
}

#[test]
fn azure() {
    hold(|world| Case {
        change: (
            Script::azure("never"),
            vec![
                ("TF_BUILD", "True"),
                ("BUILD_REASON", "PullRequest"),
                ("SYSTEM_PULLREQUEST_PULLREQUESTID", "7"),
                ("SYSTEM_PULLREQUEST_SOURCECOMMITID", &world.head),
                ("BUILD_SOURCEVERSION", MERGE),
            ],
        ),
        main: (
            Script::azure("pass"),
            vec![
                ("TF_BUILD", "True"),
                ("BUILD_REASON", "IndividualCI"),
                ("BUILD_SOURCEBRANCH", "refs/heads/main"),
                ("BUILD_SOURCEVERSION", &world.merged),
            ],
        ),
        report: Some("clearml-gate.xml"),
    });
    let file = recipe("azure/azure-pipelines.yml");
    assert!(file.contains(
        "variables['Build.Reason'], 'PullRequest') }}:\n    promote: never\n  ${{ else }}:\n    promote: pass"
    ));
}

#[test]
fn bitbucket() {
    let pipelines = yaml("bitbucket/bitbucket-pipelines.yml")["pipelines"].clone();
    hold(|world| Case {
        change: (
            Script::bitbucket(&pipelines["pull-requests"]["**"][0]),
            vec![("BITBUCKET_BUILD_NUMBER", "1"), ("BITBUCKET_PR_ID", "7"), ("BITBUCKET_COMMIT", &world.head)],
        ),
        main: (
            Script::bitbucket(&pipelines["branches"]["main"][0]),
            vec![("BITBUCKET_BUILD_NUMBER", "2"), ("BITBUCKET_BRANCH", "main"), ("BITBUCKET_COMMIT", &world.merged)],
        ),
        report: Some("test-results/clearml-gate.xml"),
    });
}

#[test]
fn circleci() {
    let jobs = yaml("circleci/config.yml")["workflows"]["model"]["jobs"].clone();
    let promote = |job: usize| jobs[job]["model-gate"]["promote"].as_str().unwrap().to_owned();
    assert_eq!(jobs[0]["model-gate"]["filters"]["branches"]["ignore"], "main");
    assert_eq!(jobs[1]["model-gate"]["filters"]["branches"]["only"], "main");
    hold(|world| Case {
        change: (
            Script::circleci(&promote(0)),
            vec![("CIRCLECI", "true"), ("CIRCLE_BRANCH", "change"), ("CIRCLE_SHA1", &world.head)],
        ),
        main: (
            Script::circleci(&promote(1)),
            vec![("CIRCLECI", "true"), ("CIRCLE_BRANCH", "main"), ("CIRCLE_SHA1", &world.merged)],
        ),
        report: Some("test-results/clearml-gate.xml"),
    });
}

#[test]
fn buildkite() {
    hold(|world| Case {
        change: (
            Script::buildkite(),
            vec![
                ("BUILDKITE", "true"),
                ("BUILDKITE_PULL_REQUEST", "7"),
                ("BUILDKITE_PULL_REQUEST_BASE_BRANCH", "main"),
                ("BUILDKITE_BRANCH", "change"),
                ("BUILDKITE_COMMIT", &world.head),
                ("BUILDKITE_PIPELINE_DEFAULT_BRANCH", "main"),
            ],
        ),
        main: (
            Script::buildkite(),
            vec![
                ("BUILDKITE", "true"),
                ("BUILDKITE_PULL_REQUEST", "false"),
                ("BUILDKITE_BRANCH", "main"),
                ("BUILDKITE_SOURCE", "webhook"),
                ("BUILDKITE_COMMIT", &world.merged),
                ("BUILDKITE_PIPELINE_DEFAULT_BRANCH", "main"),
            ],
        ),
        report: Some("clearml-gate.xml"),
    });
}

/// The README of the recipes shows how to fetch the two files once and check their hashes.
#[test]
fn the_two_files_are_fetched_by_their_hashes() {
    let world = World::new(0.9);
    let readme = recipe("README.md");
    let (_, rest) = readme.split_once("```sh\n").unwrap();
    let script = rest.split_once("```").unwrap().0;
    let release = world.path("release");
    fs::create_dir(&release).unwrap();
    copy(&world.path("workspace/ci/clearml-gate"), &release);
    let fetch = |hashes: [&str; 2]| {
        let folder = TempDir::new().unwrap();
        let there = "https://github.com/clearml-gate/clearml-gate/releases/download/v0.1.0";
        assert!(script.contains(there));
        let script = script.replace(there, &format!("file://{}", release.display()));
        let script = script.replace("HASH_OF_INSTALL_SH", hashes[0]).replace("HASH_OF_DIST_MANIFEST_JSON", hashes[1]);
        let done = Command::new("sh").args(["-c", &script]).current_dir(&folder).output().unwrap();
        let same = fs::read(folder.path().join("ci/clearml-gate/install.sh")).ok()
            == Some(fs::read(release.join("install.sh")).unwrap());
        (done.status.success(), same)
    };
    let hash = |name: &str| {
        let bytes = fs::read(release.join(name)).unwrap();
        let digest = <sha2::Sha256 as sha2::Digest>::digest(bytes);
        digest.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    };
    let [installer, manifest] = ["install.sh", "dist-manifest.json"].map(hash);
    assert_eq!(fetch([&installer, &manifest]), (true, true));
    assert!(!fetch([&installer, &installer]).0);
}
