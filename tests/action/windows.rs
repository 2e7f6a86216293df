//! The steps for Windows, run here: the real scripts in the real bash, with replacements for `cygpath` and `cmd`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::action::job::{Job, texts};
use crate::action::seeded::{TAG, head, inputs, pair, tagged};

/// Turns `D:\a\b` into `/a/b` and back, as far as the tests need it.
const CYGPATH: &str = r#"#!/bin/sh
case $1 in
-u) path=${2#D:} && printf '%s\n' "$path" | tr '\\' / ;;
-w) printf 'D:%s\n' "$2" | tr / '\\' ;;
*) exit 2 ;;
esac
"#;

/// The path as Windows writes it.
pub(crate) fn to_windows(path: &str) -> String {
    format!("D:{}", path.replace('/', "\\"))
}

/// The path as this machine writes it.
pub(crate) fn from_windows(path: &str) -> String {
    path.strip_prefix("D:").unwrap_or_else(|| panic!("{path} is not a Windows path")).replace('\\', "/")
}

fn windows() -> Job {
    let job = Job::on("Windows");
    let cygpath = job.path("tools/cygpath");
    fs::write(&cygpath, CYGPATH).unwrap();
    fs::set_permissions(&cygpath, fs::Permissions::from_mode(0o755)).unwrap();
    job
}

#[test]
fn bash_installs_and_cmd_runs_the_binary_by_its_windows_path() {
    let sandbox = pair(0.8, 0.9);
    let job = windows();
    let done = job.uses(&inputs(&sandbox), &head()).ended("gate-windows", 0).says("PASSED, improved");
    assert_eq!(done.ids(), ["install-windows", "gate-windows"]);
    let bin = &done.last().environment["CLEARML_GATE_BIN"];
    assert!(bin.starts_with(&to_windows(job.path("tool cache").to_str().unwrap())), "{bin}");
    assert!(bin.ends_with("\\clearml-gate.exe"), "{bin}");
    assert_eq!(done.outputs, done.last().outputs);
    done.has(&[("verdict", "improved"), ("passed", "true"), ("exit-code", "0")]);
}

#[test]
fn cmd_returns_the_exit_code_of_the_binary() {
    let sandbox = pair(0.8, 0.7);
    let done = windows().uses(&inputs(&sandbox), &head()).ended("gate-windows", 1);
    done.has(&[("verdict", "degraded"), ("passed", "false"), ("exit-code", "1")]);
    windows().uses(&texts(&[]), &head()).ended("gate-windows", 2).says("CLEARML_PROJECT");
}

#[test]
fn a_bash_that_did_not_start_is_retried_once() {
    let sandbox = pair(0.8, 0.9);
    let done = windows().with_dead_shells(1).uses(&inputs(&sandbox), &head()).ended("gate-windows", 0);
    assert_eq!(done.ids(), ["install-windows", "install-windows-again", "gate-windows"]);
    done.has(&[("passed", "true")]);
}

#[test]
fn a_bash_that_never_starts_fails() {
    let sandbox = pair(0.8, 0.9);
    let done = windows().with_dead_shells(2).uses(&inputs(&sandbox), &head()).ended("gate-windows", 2);
    assert_eq!(done.ids(), ["install-windows", "install-windows-again", "gate-windows"]);
    done.says("::error title=clearml-gate::No binary was installed").has_no_outputs();
    assert_eq!(sandbox.requests().len(), 0);
    assert_eq!(tagged(&sandbox, TAG).len(), 1);
}

#[test]
fn a_failed_installation_is_not_retried() {
    let job = windows();
    let trace = job.path("trace");
    job.release.tamper(&trace);
    let done = job.uses(&texts(&[]), &head()).ended("install-windows", 6).has_no_outputs();
    assert_eq!(done.ids(), ["install-windows"]);
    assert!(!trace.exists());
}

#[test]
fn a_bash_without_cygpath_fails() {
    let job = Job::on("Windows");
    job.uses(&texts(&[]), &head()).ended("install-windows", 127);
}
