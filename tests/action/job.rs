//! A job on a runner: its directories, its variables, and the steps of an action, run as the runner runs them.
//!
//! A step's process gets the machine's variables, then those of the workflow and the job, of the step that uses the
//! action, and of the action's own step. The runner's own come last. No input has an `INPUT_` variable.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::env::consts;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::action::action_yml::{self, Action, Step};
use crate::action::expression::{Expression, Reference, Value, fill};
use crate::action::files::Files;
use crate::action::release::Release;
use crate::action::shell::{self, Ended, Surroundings};
use crate::action::windows::to_windows;
use crate::action::yaml;

pub(crate) type Texts = BTreeMap<String, String>;

pub(crate) struct Job {
    folder: TempDir,
    system: &'static str,
    action: Action,
    pub(crate) release: Release,
    /// The variables that the workflow and the job set.
    environment: Texts,
    /// How many more shells report success without starting anything.
    dead_shells: Cell<u32>,
}

/// The outcome of an action.
#[derive(Debug)]
pub(crate) struct Done {
    /// The steps that ran.
    pub(crate) steps: Vec<Ran>,
    pub(crate) outputs: Texts,
}

#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) id: String,
    pub(crate) code: i32,
    pub(crate) log: String,
    pub(crate) environment: Texts,
    pub(crate) outputs: Texts,
    pub(crate) path: String,
}

impl Job {
    /// On this machine's system. The mirror is a release of the binary under test.
    pub(crate) fn new() -> Self {
        Self::on(if cfg!(target_os = "macos") { "macOS" } else { "Linux" })
    }

    pub(crate) fn on(system: &'static str) -> Self {
        let folder = TempDir::new().unwrap();
        let place = |name: &str| in_the_folder(&folder, name);
        for name in ["workspace", "temp", "tool cache", "home", "tools", "the action"] {
            fs::create_dir_all(place(name)).unwrap();
        }
        fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("install.sh"), place("the action/install.sh")).unwrap();
        let target = match system {
            "Windows" => "pc-windows-msvc",
            "macOS" => "apple-darwin",
            _ => "unknown-linux-musl",
        };
        let target = format!("{}-{target}", consts::ARCH);
        let release = Release::new(&target, &place("mirror"), &place("the action/dist-manifest.json"));
        let job = Self {
            system,
            action: yaml::read(&action_yml::text()).unwrap(),
            release,
            environment: Texts::new(),
            dead_shells: Cell::new(0),
            folder,
        };
        let mirror = job.native(&job.path("mirror"));
        job.event("push", &json!({})).set("CLEARML_GATE_MIRROR", &mirror)
    }

    /// A path of this job. Spaces, quotes, dollar signs, stars and letters outside ASCII often break scripts.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        in_the_folder(&self.folder, name)
    }

    /// Adds a variable of the job.
    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn unset(mut self, name: &str) -> Self {
        self.environment.remove(name);
        self
    }

    /// Sets the event that starts the job.
    pub(crate) fn event(self, name: &str, payload: &Json) -> Self {
        fs::write(self.path("temp/event.json"), payload.to_string()).unwrap();
        self.set("GITHUB_EVENT_NAME", name)
    }

    pub(crate) fn with_dead_shells(self, count: u32) -> Self {
        self.dead_shells.set(count);
        self
    }

    /// How this job's system writes a path.
    pub(crate) fn native(&self, path: &Path) -> String {
        let path = path.to_str().unwrap();
        if self.system == "Windows" { to_windows(path) } else { path.to_owned() }
    }

    /// A step of the workflow that uses the action, with its `with:` and its `env:`.
    pub(crate) fn uses(&self, with: &Texts, env: &Texts) -> Done {
        let run = Run { job: self, inputs: self.inputs(with), env };
        let mut steps: Vec<Ran> = Vec::new();
        for (number, step) in self.action.runs.steps.iter().enumerate() {
            let condition = Expression::condition(step.condition.as_deref()).unwrap();
            if condition.value(&|reference| run.look_up(reference, &steps, &Texts::new())).unwrap().is_true() {
                let ran = run.step(step, &format!("step_{number}"), &steps);
                steps.push(ran);
            }
        }
        let value = |text: &str| fill(text, &|reference| run.look_up(reference, &steps, &Texts::new())).unwrap();
        let outputs = self.action.outputs.iter().map(|(name, output)| (name.clone(), value(&output.value)));
        Done { outputs: outputs.collect(), steps }
    }

    fn inputs(&self, with: &Texts) -> Texts {
        let declared = &self.action.inputs;
        for name in with.keys() {
            assert!(declared.contains_key(name), "the action has no input {name}");
        }
        let of = |name: &String, default: &Option<String>| with.get(name).or(default.as_ref()).cloned();
        declared.iter().map(|(name, input)| (name.clone(), of(name, &input.default).unwrap_or_default())).collect()
    }

    /// The variables that the runner sets for every step, and those that any machine has.
    fn machine(&self) -> Texts {
        let path = format!("{}:{}", self.path("tools").display(), std::env::var("PATH").unwrap());
        let home = self.path("home").display().to_string();
        texts(&[("PATH", &path), ("HOME", &home), ("LANG", "C.UTF-8")])
    }

    fn runner(&self) -> Texts {
        let place = |name: &str| self.native(&self.path(name));
        texts(&[
            ("CI", "true"),
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_ACTION_PATH", &place("the action")),
            ("GITHUB_ACTION_REF", "v0"),
            ("GITHUB_EVENT_NAME", &self.environment["GITHUB_EVENT_NAME"]),
            // The binary reads this. It is built for this machine, whatever system the job claims to run on.
            ("GITHUB_EVENT_PATH", self.path("temp/event.json").to_str().unwrap()),
            ("GITHUB_REF", "refs/pull/1/merge"),
            ("GITHUB_REPOSITORY", "somebody/model"),
            ("GITHUB_RUN_ID", "1"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_SHA", "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"),
            ("GITHUB_WORKSPACE", &place("workspace")),
            ("RUNNER_ARCH", if consts::ARCH == "aarch64" { "ARM64" } else { "X64" }),
            ("RUNNER_ENVIRONMENT", "github-hosted"),
            ("RUNNER_OS", self.system),
            ("RUNNER_TEMP", &place("temp")),
            ("RUNNER_TOOL_CACHE", &place("tool cache")),
        ])
    }
}

fn in_the_folder(folder: &TempDir, name: &str) -> PathBuf {
    folder.path().join("it's a $HOME; of *é").join(name)
}

pub(crate) fn texts(pairs: &[(&str, &str)]) -> Texts {
    pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The job's own token.
pub(crate) const TOKEN: &str = "ghs_the-token-of-the-job";

/// One use of the action.
struct Run<'a> {
    job: &'a Job,
    inputs: Texts,
    env: &'a Texts,
}

impl Run<'_> {
    fn step(&self, step: &Step, unique: &str, before: &[Ran]) -> Ran {
        let Self { job, env, .. } = self;
        let mut outer = job.environment.clone();
        outer.extend((*env).clone());
        let own = step.env.iter().map(|(name, value)| {
            (name.clone(), fill(value, &|reference| self.look_up(reference, before, &outer)).unwrap())
        });
        let own: Texts = own.collect();
        let files = Files::new(&job.path("temp/_runner_file_commands"), unique);
        let mut environment = job.machine();
        environment.extend(outer);
        environment.extend(own);
        environment.extend(job.runner());
        environment.extend(files.variables());
        let Ended { code, log } = self.shell(step, unique, &environment);
        let ran = Ran {
            id: step.id.clone(),
            code,
            log,
            environment,
            outputs: files.pairs("GITHUB_OUTPUT"),
            path: files.text("GITHUB_PATH"),
        };
        // It would change every later step of the job, and a gate must not do that.
        assert_eq!(files.text("GITHUB_ENV"), "", "{ran:?}");
        ran
    }

    fn shell(&self, step: &Step, unique: &str, environment: &Texts) -> Ended {
        let dead = self.job.dead_shells.get();
        if dead > 0 {
            self.job.dead_shells.set(dead - 1);
            return Ended { code: 0, log: String::new() };
        }
        let (file, directory) = (self.job.path("temp").join(unique), self.job.path("workspace"));
        shell::run(&step.shell, &step.run, &file, &Surroundings { environment, directory: &directory })
    }

    fn look_up(&self, reference: &Reference, before: &[Ran], env: &Texts) -> Result<Value, String> {
        let text = |value: Option<&String>| value.map_or(Value::Null, |value| Value::text(value));
        let path = match reference {
            Reference::Path(path) => path.iter().map(String::as_str).collect::<Vec<_>>(),
            Reference::Status(name) => return status(name, before),
        };
        match path[..] {
            ["inputs", name] => {
                self.inputs.get(name).map(|value| Value::text(value)).ok_or_else(|| format!("no input {name}"))
            }
            ["env", name] => Ok(text(env.get(name))),
            ["runner", "os"] => Ok(Value::text(self.job.system)),
            ["github", "token"] => Ok(Value::text(TOKEN)),
            ["steps", id, "outputs", name] if self.job.action.runs.steps.iter().any(|step| step.id == id) => {
                Ok(text(before.iter().find(|ran| ran.id == id).and_then(|ran| ran.outputs.get(name))))
            }
            _ => Err(format!("an action has no {}", path.join("."))),
        }
    }
}

fn status(name: &str, before: &[Ran]) -> Result<Value, String> {
    let failed = before.iter().any(|ran| ran.code != 0);
    match name {
        "success" => Ok(Value::Bool(!failed)),
        "failure" => Ok(Value::Bool(failed)),
        "always" => Ok(Value::Bool(true)),
        _ => Err(format!("no function {name}")),
    }
}

impl Done {
    pub(crate) fn log(&self) -> String {
        self.steps.iter().map(|ran| ran.log.as_str()).collect()
    }

    /// The steps that ran.
    pub(crate) fn ids(&self) -> Vec<&str> {
        self.steps.iter().map(|ran| ran.id.as_str()).collect()
    }

    pub(crate) fn last(&self) -> &Ran {
        self.steps.last().unwrap()
    }

    /// Asserts that all steps before the last one succeeded, and how the last one ended.
    #[track_caller]
    pub(crate) fn ended(self, id: &str, code: i32) -> Self {
        assert_eq!((self.last().id.as_str(), self.last().code), (id, code), "{}\n{:?}", self.log(), self.ids());
        let before = self.steps.iter().rev().skip(1);
        assert_eq!(before.map(|ran| ran.code).max().unwrap_or(0), 0, "{}", self.log());
        self
    }

    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.log().contains(text), "expected {text:?} in\n{}", self.log());
        self
    }

    #[track_caller]
    pub(crate) fn has(self, outputs: &[(&str, &str)]) -> Self {
        for (name, value) in outputs {
            assert_eq!(self.outputs[*name], *value, "{name}\n{}", self.log());
        }
        self
    }

    #[track_caller]
    pub(crate) fn has_no_outputs(self) -> Self {
        assert!(self.outputs.values().all(String::is_empty), "{:?}", self.outputs);
        self
    }
}
