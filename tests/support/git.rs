//! Repositories with the same commit ids on every machine and every day.

use std::path::Path;
use std::process::Command;

/// Runs git in a folder, without the user's configuration and with a fixed date, so that commits have the same ids.
#[track_caller]
pub(crate) fn git(folder: &Path, args: &[&str]) -> String {
    git_as("a", folder, args)
}

/// The same with this committer. Another committer gives the same tree another commit id.
#[track_caller]
pub(crate) fn git_as(committer: &str, folder: &Path, args: &[&str]) -> String {
    let mut git = Command::new("git");
    git.args(["-c", "init.defaultBranch=main", "-c", "core.autocrlf=false"]).args(args).current_dir(folder);
    git.env_clear().env("HOME", folder).env("GIT_CONFIG_NOSYSTEM", "1");
    for (role, name) in [("AUTHOR", "a"), ("COMMITTER", committer)] {
        git.env(format!("GIT_{role}_NAME"), name).env(format!("GIT_{role}_EMAIL"), "a@example.org");
        git.env(format!("GIT_{role}_DATE"), "2026-01-01T00:00:00Z");
    }
    for name in ["PATH", "SystemRoot"] {
        git.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    let output = git.output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Commits everything in the folder, even if nothing changed, and returns the commit id.
#[track_caller]
pub(crate) fn commit(folder: &Path, message: &str) -> String {
    git(folder, &["add", "--all"]);
    git(folder, &["commit", "--quiet", "--allow-empty", "--message", message]);
    git(folder, &["rev-parse", "HEAD"])
}
