//! What a successful run outputs. A binary that does not run is never among it.

use std::collections::BTreeMap;
use std::fs;

use crate::install::machine::{Machine, TARGET, under_every_shell, with_a_release};
use crate::install::release::{Release, VERSION};
use crate::install::server::Server;
use crate::manifest::{TARGETS, file_name};

fn outputs(machine: &Machine) -> BTreeMap<String, String> {
    let lines = machine.lines("output");
    lines.iter().map(|line| line.split_once('=').unwrap()).map(|(name, value)| (name.into(), value.into())).collect()
}

#[test]
fn a_job_gets_the_outputs_and_the_folder_on_its_path() {
    with_a_release(|machine, release, _| {
        let machine = machine.set_path("GITHUB_OUTPUT", "output").set_path("GITHUB_PATH", "path");
        fs::write(machine.path("path"), "/somebody/elses\n").unwrap();
        for cache_hit in ["false", "true"] {
            fs::write(machine.path("output"), "earlier=1\n").unwrap();
            machine.run().installed(&machine.cached());
            let expected = BTreeMap::from(
                [
                    ("earlier", "1"),
                    ("bin", machine.cached().to_str().unwrap()),
                    ("version", VERSION),
                    ("target", TARGET),
                    ("sha256", &release.sha256(TARGET)),
                    ("cache-hit", cache_hit),
                ]
                .map(|(name, value)| (name.to_owned(), value.to_owned())),
            );
            assert_eq!(outputs(&machine), expected);
        }
        let folder = machine.cached().parent().unwrap().to_str().unwrap().to_owned();
        assert_eq!(machine.lines("path"), ["/somebody/elses", &folder, &folder]);
    });
}

#[test]
fn a_failed_run_outputs_nothing() {
    with_a_release(|machine, _, _| {
        let machine = machine.set_path("GITHUB_OUTPUT", "output").set_path("GITHUB_PATH", "path");
        let machine = machine.set("CLEARML_GATE_MIRROR", "http://127.0.0.1:9/");
        machine.run().fails(5, &[]);
        assert_eq!(machine.lines("output"), Vec::<String>::new());
        assert_eq!(machine.lines("path"), Vec::<String>::new());
    });
}

#[test]
fn only_the_path_is_printed_so_that_a_shell_can_use_it() {
    with_a_release(|machine, _, _| {
        let line = "gate=$(\"$@\") && \"$gate\" --help";
        let mut command = machine.shell();
        let inner = machine.command();
        command.args(["-c", line, "sh"]).arg(inner.get_program()).args(inner.get_args());
        let output = command.output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "clearml-gate 9.8.7\n");
        assert_eq!(machine.ran().last().unwrap(), &format!("{} --help", machine.cached().display()));
    });
}

#[test]
fn it_can_be_started_from_its_own_folder() {
    with_a_release(|machine, _, _| {
        let mut command = machine.shell();
        let output = command.arg("install.sh").current_dir(machine.path("the action")).output().unwrap();
        crate::install::machine::Ran::of(&output).installed(&machine.cached());
    });
}

#[test]
fn an_output_file_that_is_not_writable_is_named() {
    with_a_release(|machine, _, _| {
        for name in ["GITHUB_OUTPUT", "GITHUB_PATH"] {
            let place = machine.path("no such folder/file");
            let mut command = machine.command();
            let output = command.env(name, &place).output().unwrap();
            crate::install::machine::Ran::of(&output).fails(7, &[place.to_str().unwrap()]);
        }
    });
}

#[test]
fn every_run_shows_that_the_binary_runs() {
    with_a_release(|machine, _, _| {
        machine.run().installed(&machine.cached());
        machine.run().installed(&machine.cached());
        let ran = machine.ran();
        assert_eq!(ran.len(), 2, "{ran:?}");
        assert!(ran.iter().all(|line| line.ends_with("clearml-gate --version")), "{ran:?}");
    });
}

fn does_not_run(release: &Release, texts: &[&str]) {
    under_every_shell(|machine| {
        let server = Server::of(release);
        let mut manifest = release.manifest.clone();
        manifest["releases"][0]["hosting"]["github"]["artifact_base_url"] = server.url().into();
        machine.put_manifest(&manifest);
        machine.run().fails(8, texts);
        assert!(machine.in_the_cache().is_empty());
    });
}

#[test]
fn a_binary_that_fails_is_not_installed() {
    let release = Release::doing("echo 'GLIBC_2.39 not found' >&2\nexit 127\n");
    does_not_run(&release, &["GLIBC_2.39 not found", "exit code 127", "--version", "cargo install --git"]);
}

#[test]
fn a_binary_that_prints_nothing_counts_as_not_started() {
    does_not_run(&Release::doing("exit 0\n"), &["Its output: none"]);
}

#[test]
fn a_file_that_no_system_can_run_is_not_installed() {
    let files =
        TARGETS.iter().map(|target| (file_name(target), [b"\x7fELF\x02\x01", target.as_bytes(), &[0; 99]].concat()));
    does_not_run(&Release::holding(files.collect()), &["does not run", "noexec"]);
}

#[test]
fn a_cached_binary_that_no_longer_runs_is_not_output() {
    with_a_release(|machine, _, _| {
        let marker = machine.path("broken");
        let release = Release::doing("if [ -e \"$BROKEN\" ]; then exit 126; fi\necho fine\nexit 0\n");
        let server = Server::of(&release);
        machine.put_manifest(&release.at(&server.url()).manifest);
        let machine = machine.set_path("BROKEN", "broken");
        machine.run().installed(&machine.cached());
        fs::write(marker, "").unwrap();
        machine.run().fails(8, &["exit code 126"]);
    });
}

#[test]
fn arguments_are_refused() {
    with_a_release(|machine, _, server| {
        let output = machine.command().arg("--latest").output().unwrap();
        crate::install::machine::Ran::of(&output).fails(2, &["takes no arguments"]);
        assert_eq!(server.requests(), Vec::<String>::new());
    });
}

#[test]
fn a_failing_tool_does_not_look_like_a_verdict() {
    with_a_release(|machine, _, _| {
        let machine = machine.unset("RUNNER_OS");
        machine.fake("uname", "exit 1");
        machine.run().fails(2, &["exit code 1"]);
        machine.is_untouched();
    });
}
