//! The environment of git: an allow-list, so that git and the programs that it could start see no secret and can be given
//! no program of the code under review.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use crate::environment::Environment;

/// Passed on unchanged: where git finds the repository, its configuration, the owner of a process under sudo, and a
/// folder for temporary files. Nothing that names a program, a server or a log file.
const PASSED_ON: [&str; 24] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CEILING_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_SYSTEM",
    "GIT_DIR",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM",
    "GIT_OBJECT_DIRECTORY",
    "GIT_WORK_TREE",
    "HOME",
    "HOMEDRIVE",
    "HOMEPATH",
    "PROGRAMDATA",
    "PROGRAMFILES",
    "SUDO_UID",
    "SYSTEMDRIVE",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "TMPDIR",
    "USERPROFILE",
    "WINDIR",
    "XDG_CONFIG_HOME",
];

/// The configuration that may come from `GIT_CONFIG_COUNT`. Other entries can hold a token (`http.extraHeader`).
const PASSED_ON_CONFIGURATION: &str = "safe.directory";
/// More entries than this are ignored.
const MOST_CONFIGURATION: usize = 1000;

/// Messages in English, no locks, no prompts, no grafts, no network. Git 2.45 and newer know `GIT_NO_LAZY_FETCH`; an
/// older git that wants to fetch finds that no protocol is allowed.
const FIXED: [(&str, &str); 6] = [
    ("LC_ALL", "C"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_GRAFT_FILE", ""),
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_ALLOW_PROTOCOL", "none"),
];

/// The PATH of git if none of its folders is trusted. An empty PATH would mean the working directory.
const NO_FOLDER: &str = "/no/folder/is/trusted";

/// The program to start. Windows would also look in the folders of this process's own PATH, so there it is looked up here.
pub(super) fn program(variables: &[(OsString, OsString)]) -> PathBuf {
    if !cfg!(windows) {
        return PathBuf::from("git");
    }
    let path = variables.iter().find(|(name, _)| name == "PATH").map(|(_, path)| path.as_os_str()).unwrap_or_default();
    let mut programs = env::split_paths(path).map(|folder| folder.join("git.exe"));
    programs.find(|program| program.is_file()).unwrap_or_else(|| Path::new(NO_FOLDER).join("git.exe"))
}

/// All variables of a git process that runs in this folder.
pub(super) fn variables(environment: &Environment, directory: &Path) -> Vec<(OsString, OsString)> {
    let passed_on = PASSED_ON.iter().filter_map(|name| Some((name.into(), environment.raw(name)?.to_owned())));
    let path = environment.raw("PATH").map(|path| ("PATH".into(), trusted_folders(path, &checkouts(directory))));
    let fixed = FIXED.iter().map(|(name, value)| (name.into(), value.into()));
    passed_on.chain(path).chain(configuration(environment)).chain(fixed).collect()
}

/// The entries of `GIT_CONFIG_COUNT` that may be passed on, numbered again.
fn configuration(environment: &Environment) -> Vec<(OsString, OsString)> {
    let count: usize = environment.get("GIT_CONFIG_COUNT").and_then(|count| count.parse().ok()).unwrap_or_default();
    let is_passed_on = |n: &usize| {
        let key = environment.get(&format!("GIT_CONFIG_KEY_{n}"));
        key.is_some_and(|key| key.eq_ignore_ascii_case(PASSED_ON_CONFIGURATION))
    };
    let entries = (0..count.min(MOST_CONFIGURATION)).filter(is_passed_on);
    let values: Vec<&OsStr> = entries.filter_map(|n| environment.raw(&format!("GIT_CONFIG_VALUE_{n}"))).collect();
    let mut variables = vec![("GIT_CONFIG_COUNT".into(), values.len().to_string().into())];
    for (n, value) in values.into_iter().enumerate() {
        variables.push((format!("GIT_CONFIG_KEY_{n}").into(), PASSED_ON_CONFIGURATION.into()));
        variables.push((format!("GIT_CONFIG_VALUE_{n}").into(), value.to_owned()));
    }
    variables
}

/// The folders of PATH that are absolute and outside these checkouts. What is inside comes from the author of the code
/// under review.
fn trusted_folders(path: &OsStr, checkouts: &[PathBuf]) -> OsString {
    let is_inside = |folder: &Path| checkouts.iter().any(|checkout| folder.starts_with(checkout));
    let is_trusted = |folder: &PathBuf| {
        folder.is_absolute() && !is_inside(folder) && !fs::canonicalize(folder).is_ok_and(|real| is_inside(&real))
    };
    let path = env::join_paths(env::split_paths(path).filter(is_trusted)).unwrap_or_default();
    if path.is_empty() { NO_FOLDER.into() } else { path }
}

/// The folders that hold code under review: the working directory and the repository around it. If that one is a
/// submodule, or another checkout whose `.git` is a file, also the next repository around it, since its author can place
/// files there too. Each as it is named and with its links resolved.
fn checkouts(directory: &Path) -> Vec<PathBuf> {
    let real = fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
    let mut checkouts = Vec::new();
    for folder in [directory, &real] {
        checkouts.push(folder.to_owned());
        for parent in folder.ancestors() {
            let git = parent.join(".git");
            if git.exists() {
                checkouts.push(parent.to_owned());
            }
            if git.is_dir() {
                break;
            }
        }
    }
    checkouts
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn passed_on(variables: &[(&str, &str)]) -> BTreeMap<String, String> {
        let environment: Environment = variables.iter().copied().collect();
        let text = |text: OsString| text.into_string().unwrap();
        let all = super::variables(&environment, Path::new("/no/such/folder"));
        let fixed = |name: &str| FIXED.iter().any(|(fixed, _)| *fixed == name);
        all.into_iter().map(|(name, value)| (text(name), text(value))).filter(|(name, _)| !fixed(name)).collect()
    }

    #[test]
    fn git_gets_only_what_is_on_the_list() {
        let names = [
            "GITHUB_TOKEN",
            "CLEARML_API_SECRET_KEY",
            "AWS_SESSION",
            "DATABASE_URL",
            "https_proxy",
            "GIT_PASSWORD",
            "GIT_URL",
            "GIT_ASKPASS",
            "SSH_ASKPASS",
            "SSH_AUTH_SOCK",
            "GIT_SSH_COMMAND",
            "GIT_EXEC_PATH",
            "GIT_EXTERNAL_DIFF",
            "GIT_CONFIG_PARAMETERS",
            "GIT_SHALLOW_FILE",
            "GIT_TRACE",
            "LD_PRELOAD",
            "PAGER",
        ];
        let all: Vec<(&str, &str)> = names.iter().chain(&PASSED_ON).map(|name| (*name, "x")).collect();
        let mut wanted: Vec<&str> = PASSED_ON.to_vec();
        wanted.push("GIT_CONFIG_COUNT");
        wanted.sort_unstable();
        assert_eq!(passed_on(&all).into_keys().collect::<Vec<_>>(), wanted);
        assert_eq!(passed_on(&[("UserProfile", "C:\\a")])["USERPROFILE"], "C:\\a");
    }

    #[test]
    fn only_safe_directory_is_passed_on_as_configuration() {
        let all = [
            ("GIT_CONFIG_COUNT", "4"),
            ("GIT_CONFIG_KEY_0", "http.extraHeader"),
            ("GIT_CONFIG_VALUE_0", "Authorization: basic c2VjcmV0"),
            ("GIT_CONFIG_KEY_1", "Safe.Directory"),
            ("GIT_CONFIG_VALUE_1", "/a"),
            ("GIT_CONFIG_KEY_2", "core.fsmonitor"),
            ("GIT_CONFIG_VALUE_2", "/evil"),
            ("GIT_CONFIG_KEY_3", "safe.directory"),
            ("GIT_CONFIG_VALUE_3", "*"),
        ];
        let wanted = [
            ("GIT_CONFIG_COUNT", "2"),
            ("GIT_CONFIG_KEY_0", "safe.directory"),
            ("GIT_CONFIG_KEY_1", "safe.directory"),
            ("GIT_CONFIG_VALUE_0", "/a"),
            ("GIT_CONFIG_VALUE_1", "*"),
        ];
        assert_eq!(passed_on(&all), wanted.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
        for count in ["", "x", "-1", "0"] {
            let none = passed_on(&[("GIT_CONFIG_COUNT", count), all[3], all[4]]);
            assert_eq!(none.into_iter().collect::<Vec<_>>(), [("GIT_CONFIG_COUNT".to_owned(), "0".to_owned())]);
        }
        assert_eq!(passed_on(&[("GIT_CONFIG_COUNT", "18446744073709551615")])["GIT_CONFIG_COUNT"], "0");
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_not_utf_8_is_passed_on_unchanged() {
        use std::os::unix::ffi::OsStringExt as _;
        let home = OsString::from_vec(b"/home/\xe4".to_vec());
        let environment = Environment::from_os([("HOME".into(), home.clone())].into_iter());
        assert!(variables(&environment, Path::new("/")).contains(&("HOME".into(), home)));
    }

    /// Folders of PATH, and which of them are trusted, with a submodule of a checkout as the working directory.
    #[cfg(unix)]
    #[test]
    fn folders_inside_the_checkout_are_left_out() {
        let home = tempfile::tempdir().unwrap();
        let at = |path: &str| home.path().canonicalize().unwrap().join(path);
        for folder in ["repo/.git", "repo/bin", "repo/lib/src", "repo-tools", "bin"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        fs::write(at("repo/lib/.git"), "gitdir: ../.git/modules/lib").unwrap();
        for (link, to) in [("to-repo", "repo/bin"), ("alias", "repo"), ("repo/out", "bin")] {
            std::os::unix::fs::symlink(at(to), at(link)).unwrap();
        }
        let folders =
            ["repo", "repo/bin", "repo/lib/bin", "to-repo", "repo/out", "alias/bin", "bin", "repo-tools", "none"];
        let path = env::join_paths(folders.map(at)).unwrap();
        let trusted = |directory: &str| -> Vec<PathBuf> {
            env::split_paths(&trusted_folders(&path, &checkouts(&at(directory)))).collect()
        };
        for directory in ["repo", "repo/bin", "repo/lib", "repo/lib/src", "alias", "alias/lib"] {
            assert_eq!(trusted(directory), ["bin", "repo-tools", "none"].map(at), "{directory}");
        }
        assert_eq!(trusted("repo-tools").len(), folders.len() - 1);
        let none = trusted_folders(OsStr::new("bin::."), &[]);
        assert_eq!(none, NO_FOLDER);
    }
}
