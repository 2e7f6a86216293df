//! A machine to install on: a shell, only the given tools, an environment with nothing else, and directories with names
//! that need quoting.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::install::release::{Release, VERSION};
use crate::install::server::Server;
use crate::manifest::file_name;

pub(crate) const TARGET: &str = "x86_64-unknown-linux-musl";

const SHELLS: &str = "CLEARML_GATE_TEST_SHELLS";
const ALWAYS: [&str; 7] = ["awk", "chmod", "mkdir", "mv", "printf", "rm", "uname"];
const DOWNLOADERS: [&str; 2] = ["curl", "wget"];
const HASHERS: [&str; 3] = ["sha256sum", "openssl", "shasum"];

#[derive(Clone)]
pub(crate) struct Shell {
    program: PathBuf,
    args: Vec<String>,
}

impl fmt::Display for Shell {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} {}", self.program.display(), self.args.join(" "))
    }
}

/// The shells to test.
fn shells() -> Vec<Shell> {
    let named = std::env::var(SHELLS).ok().filter(|value| !value.trim().is_empty());
    let lines = named.unwrap_or_else(|| "sh".to_owned());
    lines.split([',', '\n']).map(str::trim).filter(|line| !line.is_empty()).map(shell).collect()
}

fn shell(line: &str) -> Shell {
    let mut words = line.split_whitespace();
    let name = words.next().unwrap();
    let program = find(name).unwrap_or_else(|| panic!("{SHELLS} names {name}, which is not on the PATH"));
    Shell { program, args: words.map(str::to_owned).collect() }
}

fn find(tool: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap();
    std::env::split_paths(&path).map(|folder| folder.join(tool)).find(|file| file.is_file())
}

/// Whether the tool that a scenario needs is here. If the run names its shells, a missing tool is a failure.
pub(crate) fn has(tool: &str) -> bool {
    let found = find(tool).is_some();
    assert!(found || std::env::var_os(SHELLS).is_none(), "{tool} is not on the PATH, and {SHELLS} requires every tool");
    if !found {
        eprintln!("not tried: {tool} is not on the PATH");
    }
    found
}

/// Runs a scenario under every shell, on a new machine each time.
pub(crate) fn under_every_shell(scenario: impl Fn(Machine)) {
    for shell in shells() {
        // Only shown with a failure.
        eprintln!("--- under {shell}");
        scenario(Machine::new(shell));
    }
}

/// The same, with a well-behaved release on a server.
pub(crate) fn with_a_release(scenario: impl Fn(Machine, Release, Server)) {
    under_every_shell(|machine| released(machine, &scenario));
}

/// The same, and then once with each awk, because awks differ in how they read the manifest.
pub(crate) fn with_every_awk(scenario: impl Fn(Machine, Release, Server)) {
    with_a_release(&scenario);
    for awk in ["mawk", "gawk", "original-awk", "busybox"].into_iter().filter(|awk| has(awk)) {
        eprintln!("--- with {awk}");
        let machine = Machine::new(shells().swap_remove(0)).without(&["awk"]);
        machine.link("awk", &find(awk).unwrap());
        released(machine, &scenario);
    }
}

fn released(machine: Machine, scenario: impl Fn(Machine, Release, Server)) {
    let release = Release::new();
    let server = Server::of(&release);
    let release = release.at(&server.url());
    machine.put_manifest(&release.manifest);
    scenario(machine, release, server);
}

pub(crate) struct Machine {
    shell: Shell,
    environment: BTreeMap<String, String>,
    script: PathBuf,
    folder: TempDir,
}

/// The outcome of a run.
#[derive(Debug)]
pub(crate) struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Machine {
    fn new(shell: Shell) -> Self {
        let machine =
            Self { shell, environment: BTreeMap::new(), script: PathBuf::new(), folder: TempDir::new().unwrap() };
        for name in ["tools", "the action", "home"] {
            fs::create_dir_all(machine.path(name)).unwrap();
        }
        let script = machine.path("the action/install.sh");
        fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("install.sh"), &script).unwrap();
        for tool in ALWAYS {
            machine.link(tool, &find(tool).unwrap_or_else(|| panic!("install.sh needs {tool}, and so do its tests")));
        }
        machine.link_those_of(&DOWNLOADERS);
        machine.link_those_of(&HASHERS);
        machine.fake("sleep", "echo \"$1\" >>\"$SLEPT\"");
        let [tools, home, cache, ran, slept] =
            ["tools", "home", "tool cache", "ran", "slept"].map(|name| machine.path(name).to_str().unwrap().to_owned());
        Self { script, ..machine }
            .set("PATH", &tools)
            // Without a locale, yash accepts only ASCII paths.
            .set("LANG", "C.UTF-8")
            .set("HOME", &home)
            .set("RUNNER_TOOL_CACHE", &cache)
            .set("RUNNER_OS", "Linux")
            .set("RUNNER_ARCH", "X64")
            .set("RAN", &ran)
            .set("SLEPT", &slept)
    }

    /// A path on this machine. Spaces, quotes, dollar signs, stars and letters outside ASCII often break scripts.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("it's a $HOME; of *é").join(name)
    }

    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn set_path(self, name: &str, place: &str) -> Self {
        let path = self.path(place);
        self.set(name, path.to_str().unwrap())
    }

    pub(crate) fn unset(mut self, name: &str) -> Self {
        self.environment.remove(name);
        self
    }

    fn link_those_of(&self, tools: &[&str]) {
        let found: Vec<_> = tools.iter().filter_map(|&tool| Some((tool, find(tool)?))).collect();
        assert!(!found.is_empty(), "none of {tools:?} is on the PATH: install.sh needs one, and so do its tests");
        for (tool, file) in found {
            self.link(tool, &file);
        }
    }

    fn link(&self, tool: &str, file: &Path) {
        symlink(file, self.path("tools").join(tool)).unwrap();
    }

    pub(crate) fn without(self, tools: &[&str]) -> Self {
        for tool in tools {
            // Not every machine has all of them.
            let _ = fs::remove_file(self.path("tools").join(tool));
        }
        self
    }

    pub(crate) fn with(self, tool: &str) -> Self {
        self.link(tool, &find(tool).unwrap());
        self
    }

    pub(crate) fn with_busybox_as(self, tool: &str) -> Self {
        self.link(tool, &find("busybox").unwrap());
        self
    }

    /// Puts a script in place of a tool.
    pub(crate) fn fake(&self, tool: &str, script: &str) {
        let file = self.path("tools").join(tool);
        let _ = fs::remove_file(&file);
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        make_executable(&file);
    }

    pub(crate) fn put_manifest(&self, manifest: &Value) {
        self.put_manifest_text(&serde_json::to_string_pretty(manifest).unwrap());
    }

    pub(crate) fn put_manifest_text(&self, text: &str) {
        fs::write(self.path("the action/dist-manifest.json"), text).unwrap();
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = self.shell();
        command.arg(&self.script);
        command
    }

    /// The shell alone, in its own process group.
    pub(crate) fn shell(&self) -> Command {
        let mut command = Command::new(&self.shell.program);
        command.args(&self.shell.args).env_clear().envs(&self.environment).current_dir(self.folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        command
    }

    pub(crate) fn run(&self) -> Ran {
        Ran::of(&self.command().output().unwrap())
    }

    pub(crate) fn start(&self) -> Child {
        self.command().spawn().unwrap()
    }

    /// Where the binary belongs, below one of the cache directories.
    pub(crate) fn cached_below(&self, cache: &str) -> PathBuf {
        self.path(cache).join("clearml-gate").join(VERSION).join(TARGET).join("clearml-gate")
    }

    pub(crate) fn cached(&self) -> PathBuf {
        self.cached_below("tool cache")
    }

    /// Puts something into the cache in place of the binary.
    pub(crate) fn put_cached(&self, bytes: &[u8]) {
        fs::create_dir_all(self.cached().parent().unwrap()).unwrap();
        fs::write(self.cached(), bytes).unwrap();
        make_executable(&self.cached());
    }

    /// Everything below the tool cache except our directories that lead to the binary.
    pub(crate) fn in_the_cache(&self) -> BTreeSet<PathBuf> {
        let folder = self.cached().parent().unwrap().to_owned();
        fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect()
    }

    /// The binaries that ran, and how.
    pub(crate) fn ran(&self) -> Vec<String> {
        self.lines("ran")
    }

    /// Asserts the pauses between tries, in seconds. A shell with a built-in pause (ksh) leaves no trace of them.
    #[track_caller]
    pub(crate) fn paused(&self, seconds: &[&str]) {
        let own = self.shell().args(["-c", "command -v sleep"]).output().unwrap().stdout;
        if own.starts_with(b"/") {
            assert_eq!(self.lines("slept"), seconds);
        }
    }

    pub(crate) fn lines(&self, name: &str) -> Vec<String> {
        fs::read_to_string(self.path(name)).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// Asserts that nothing ran and nothing was kept.
    #[track_caller]
    pub(crate) fn is_untouched(&self) {
        assert_eq!(self.ran(), Vec::<String>::new());
        assert_eq!(self.in_the_cache(), BTreeSet::new());
    }
}

impl Ran {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout.clone()).unwrap(),
            err: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }

    /// Asserts success, and that the output is only the path.
    #[track_caller]
    pub(crate) fn installed(self, at: &Path) -> Self {
        assert_eq!(self.code, 0, "{self:#?}");
        assert_eq!(self.out, format!("{}\n", at.display()), "{self:#?}");
        self
    }

    /// Asserts a failure with an empty output, and its messages.
    #[track_caller]
    pub(crate) fn fails(self, code: i32, texts: &[&str]) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        assert_eq!(self.out, "", "{self:#?}");
        for text in texts {
            assert!(self.err.contains(text), "expected {text:?} in\n{}", self.err);
        }
        self
    }

    #[track_caller]
    pub(crate) fn quietly(self) -> Self {
        assert_eq!(self.err, "");
        self
    }
}

pub(crate) fn make_executable(file: &Path) {
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}

pub(crate) fn request(target: &str) -> String {
    format!("{}/{}", crate::install::release::DOWNLOADS, file_name(target))
}
