//! What is said of real repositories, healthy, partial, foreign and hostile ones.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use proptest::prelude::*;
use tempfile::TempDir;

use super::error::Barrier;
use super::*;

/// A repository in a folder of its own, with nobody's configuration.
struct Repo {
    home: TempDir,
    root: PathBuf,
    path: String,
}

impl Repo {
    fn new() -> Self {
        Self::with(&["init", "--quiet", "--initial-branch=main", "repo"])
    }

    /// What `git init` or `git clone` makes as `repo`.
    fn with(args: &[&str]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let repo = Self { root: home.path().join("repo"), home, path: std::env::var("PATH").unwrap() };
        repo.git_in(repo.home.path(), args, b"");
        repo.git(&["config", "core.autocrlf", "false"]);
        repo
    }

    /// A clone that goes through git's protocol, since copies of a folder are never partial.
    fn clone(&self, args: &[&str]) -> Self {
        self.git(&["config", "uploadpack.allowFilter", "true"]);
        let from = self.root.to_str().unwrap();
        Self::with(&[&["clone", "--quiet", "--no-local"], args, &[from, "repo"]].concat())
    }

    fn git(&self, args: &[&str]) -> String {
        self.git_in(&self.root, args, b"")
    }

    fn git_in(&self, directory: &Path, args: &[&str], input: &[u8]) -> String {
        let mut git = Command::new("git");
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GIT_")) {
            git.env_remove(name);
        }
        for who in ["AUTHOR", "COMMITTER"] {
            git.env(format!("GIT_{who}_NAME"), "Ann").env(format!("GIT_{who}_EMAIL"), "ann@example.com");
            git.env(format!("GIT_{who}_DATE"), "1700000000 +0000");
        }
        git.env("HOME", self.home.path()).env("XDG_CONFIG_HOME", self.home.path()).env("GIT_CONFIG_NOSYSTEM", "1");
        git.args(args).current_dir(directory);
        let mut git = git.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        git.stdin.take().unwrap().write_all(input).unwrap();
        let output = git.wait_with_output().unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Commits what is in the index, even if nothing changed.
    fn commit_index(&self, message: &str) -> String {
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.head()
    }

    fn commit(&self, files: &[(&str, &str)]) -> String {
        for (path, text) in files {
            self.write(path, text);
        }
        self.git(&["add", "--all"]);
        self.commit_index(&format!("{files:?}"))
    }

    fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    fn environment(&self) -> Environment {
        let home = self.home.path().to_str().unwrap();
        let variables =
            [("PATH", self.path.as_str()), ("HOME", home), ("XDG_CONFIG_HOME", home), ("GIT_CONFIG_NOSYSTEM", "1")];
        variables.into_iter().collect()
    }

    fn compare_all(&self, of: &str, others: &[&str], paths: &str) -> Result<Vec<Identity>, GitError> {
        compare(&self.root, &self.environment(), &commit(of), others, &CodePaths::parse(paths).unwrap())
    }

    fn compare(&self, of: &str, other: &str, paths: &str) -> Identity {
        self.compare_all(of, &[other], paths).unwrap()[0]
    }

    fn fault(&self, of: &str, paths: &str) -> GitError {
        self.compare_all(of, &[of], paths).unwrap_err()
    }

    fn belongs(&self, commit: &str, branch: &str) -> Result<Belongs, GitError> {
        belongs_to(&self.root, &self.environment(), commit, branch)
    }
}

fn commit(id: &str) -> Commit {
    Commit::parse(id).unwrap()
}

/// Puts a script before git in PATH; `$GIT` is the real one and `$LOG` a file.
#[cfg(unix)]
impl Repo {
    fn wrap(&mut self, script: &str) {
        use std::os::unix::fs::PermissionsExt;
        let directories: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH").unwrap()).collect();
        let real = directories.iter().map(|directory| directory.join("git")).find(|git| git.is_file()).unwrap();
        let bin = self.home.path().join("bin");
        fs::create_dir_all(&bin).unwrap();
        let text = format!("#!/bin/sh\nGIT='{}'\nLOG='{}'\n{script}\n", real.display(), self.log().display());
        fs::write(bin.join("git"), text).unwrap();
        fs::set_permissions(bin.join("git"), fs::Permissions::from_mode(0o755)).unwrap();
        self.path = std::env::join_paths([bin].into_iter().chain(directories)).unwrap().into_string().unwrap();
    }

    fn log(&self) -> PathBuf {
        self.home.path().join("log")
    }

    fn logged(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }
}

mod whole_tree {
    use super::*;

    #[test]
    fn reworded_squashed_and_merged_commits_hold_the_same_code() {
        let repo = Repo::new();
        let base = repo.commit(&[("a.py", "1")]);
        repo.git(&["switch", "--quiet", "--create", "topic"]);
        let first = repo.commit(&[("a.py", "2")]);
        let head = repo.commit(&[("b/c.py", "1")]);
        let reworded = {
            repo.git(&["commit", "--quiet", "--amend", "--message", "better words"]);
            repo.head()
        };
        repo.git(&["switch", "--quiet", "main"]);
        repo.git(&["merge", "--quiet", "--no-ff", "--message", "merge", &head]);
        let merged = repo.head();
        repo.git(&["reset", "--quiet", "--hard", &base]);
        repo.git(&["merge", "--quiet", "--squash", &head]);
        let squashed = repo.commit_index("squashed");
        let others = [&head, &reworded, &merged, &squashed, &base, &first].map(String::as_str);
        let [same, different] = [Identity::Same, Identity::Different];
        assert_eq!(repo.compare_all(&head, &others, ""), Ok(vec![same, same, same, same, different, different]));
    }

    #[test]
    fn renamed_folders_executable_bits_and_links_are_other_code() {
        let repo = Repo::new();
        let plain = repo.commit(&[("src/run.sh", "echo"), ("to", "x")]);
        repo.git(&["update-index", "--chmod=+x", "src/run.sh"]);
        let executable = repo.commit_index("x");
        repo.git(&["mv", "src", "lib"]);
        let renamed = repo.commit_index("mv");
        for (of, other) in [(&plain, &executable), (&executable, &renamed), (&renamed, &plain)] {
            assert_eq!(repo.compare(of, other, ""), Identity::Different);
        }
    }

    #[test]
    fn nothing_to_compare_needs_no_repository() {
        let nowhere = Path::new("/no/such/folder");
        let empty = compare(nowhere, &Environment::default(), &commit("abcdef1"), &[], &CodePaths::default());
        assert_eq!(empty, Ok(Vec::new()));
    }
}

mod at_paths {
    use super::*;

    #[test]
    fn only_what_is_at_the_paths_counts() {
        let repo = Repo::new();
        let code = [("src/train.py", "1"), ("src/deep/net.py", "1"), ("params.yaml", "1"), ("README.md", "1")];
        let first = repo.commit(&code);
        let readme = repo.commit(&[("README.md", "2")]);
        let params = repo.commit(&[("params.yaml", "2")]);
        let net = repo.commit(&[("src/deep/net.py", "2")]);
        let of = |paths| repo.compare_all(&first, &[&readme, &params, &net], paths).unwrap();
        let [same, different] = [Identity::Same, Identity::Different];
        assert_eq!(of("src\nparams.yaml"), [same, different, different]);
        assert_eq!(of("src/deep/"), [same, same, different]);
        assert_eq!(of("./src//train.py"), [same, same, same]);
        assert_eq!(of("."), [different, different, different]);
        assert_eq!(of("src\n./"), [different, different, different]);
    }

    #[test]
    fn they_start_at_the_root_wherever_git_is_asked() {
        let repo = Repo::new();
        let first = repo.commit(&[("src/train.py", "1"), ("src/src/train.py", "1")]);
        let second = repo.commit(&[("src/src/train.py", "2")]);
        let paths = CodePaths::parse("src/train.py").unwrap();
        let below = compare(&repo.root.join("src"), &repo.environment(), &commit(&first), &[&second], &paths);
        assert_eq!(below, Ok(vec![Identity::Same]));
    }

    #[test]
    fn what_neither_commit_has_is_not_the_same() {
        let repo = Repo::new();
        let first = repo.commit(&[("src/train.py", "1")]);
        let second = repo.commit(&[("src/train.py", "2"), ("Lib/a", "1")]);
        for (paths, path, similar) in [
            ("src\nsrc/Trian.py", "src/Trian.py", &["src/train.py"][..]),
            ("SRC", "SRC", &["src"]),
            ("src/*.py", "src/*.py", &[]),
            ("params.yaml", "params.yaml", &[]),
            ("Lib", "Lib", &[]),
        ] {
            let similar: Vec<String> = similar.iter().map(|&path| path.to_owned()).collect();
            let missing = GitError::PathMissing { path: path.to_owned(), similar };
            assert_eq!(repo.compare_all(&first, &[&first, &second], paths), Err(missing.clone()));
            assert!(missing.to_string().contains(path));
            assert!(missing.advice().unwrap().contains("root"));
        }
        assert_eq!(repo.compare(&second, &first, "Lib"), Identity::Different);
        assert_eq!(repo.compare(&second, &first, "Lib/a"), Identity::Different);
    }

    #[test]
    fn the_mode_of_a_file_counts() {
        let repo = Repo::new();
        let plain = repo.commit(&[("run", "a"), ("dir/x", "a")]);
        repo.git(&["update-index", "--chmod=+x", "run"]);
        let executable = repo.commit_index("executable");
        let blob = repo.git(&["rev-parse", "HEAD:run"]);
        repo.git(&["update-index", "--cacheinfo", &format!("120000,{blob},run")]);
        let link = repo.commit_index("link");
        assert_eq!(repo.compare(&plain, &executable, "run"), Identity::Different);
        assert_eq!(repo.compare(&executable, &plain, "run"), Identity::Different);
        assert_eq!(repo.compare(&plain, &link, "run"), Identity::Different);
        assert_eq!(repo.compare(&plain, &link, "dir"), Identity::Same);
        let barred = |path: &str| GitError::Barred { path: path.to_owned(), at: "run".to_owned(), by: Barrier::Link };
        assert_eq!(repo.fault(&link, "run"), barred("run"));
        assert_eq!(repo.fault(&link, "run/x"), barred("run/x"));
        assert_eq!(barred("run/x").to_string(), "the path run/x leads through run, which is a symbolic link");
        let file = GitError::Barred { path: "dir/x/y".to_owned(), at: "dir/x".to_owned(), by: Barrier::File };
        assert_eq!(repo.fault(&plain, "dir/x/y"), file);
        assert_eq!(repo.compare(&plain, &repo.commit(&[("dir/x", "b")]), "dir/x"), Identity::Different);
    }

    #[test]
    fn a_file_where_a_folder_was_is_other_code() {
        let repo = Repo::new();
        let folder = repo.commit(&[("src/a", "1")]);
        fs::remove_dir_all(repo.root.join("src")).unwrap();
        let file = repo.commit(&[("src", "1")]);
        for paths in ["src", "src/a"] {
            assert_eq!(repo.compare(&folder, &file, paths), Identity::Different);
        }
        assert_eq!(repo.compare(&file, &folder, "src"), Identity::Different);
    }

    #[test]
    fn a_submodule_is_the_commit_it_stands_at() {
        let repo = Repo::new();
        let at = |digit: &str, message: &str| {
            let entry = format!("160000,{},vendor/lib", digit.repeat(40));
            repo.git(&["update-index", "--add", "--cacheinfo", &entry]);
            repo.commit_index(message)
        };
        let (first, again, moved) = (at("a", "1"), at("a", "2"), at("b", "3"));
        for paths in ["vendor", "vendor/lib", ""] {
            assert_eq!(repo.compare(&first, &again, paths), Identity::Same);
            assert_eq!(repo.compare(&first, &moved, paths), Identity::Different);
        }
        let path = "vendor/lib/src".to_owned();
        let inside = GitError::Barred { path, at: "vendor/lib".to_owned(), by: Barrier::Submodule };
        assert_eq!(repo.fault(&first, "vendor/lib/src"), inside);
        assert!(inside.advice().unwrap().contains("submodule"));
    }

    #[test]
    fn odd_characters_are_characters() {
        let repo = Repo::new();
        let files = ["a b/ü 模型.py", "-n", "^{tree}", "HEAD", "@{-1}", "[id].py", "a'b", "x;y $z"];
        let first = repo.commit(&files.map(|name| (name, "1")));
        let second = repo.commit(&[("other", "1")]);
        assert_eq!(repo.compare(&first, &second, &files.join("\r\n")), Identity::Same);
        for name in files {
            let changed = repo.commit(&[(name, "2")]);
            assert_eq!(repo.compare(&first, &changed, name), Identity::Different, "{name}");
        }
    }
}

mod ids {
    use super::*;

    /// Two commits whose ids begin with the same seven digits.
    const TWINS: [(&str, &str); 2] =
        [("20220", "d0abd8554e12036e77006706ad2b430de0e43d40"), ("23740", "d0abd850086a4a2744e1cd7e8bf1bfa8d10209a8")];

    fn twins(repo: &Repo) {
        repo.git(&["hash-object", "-t", "tree", "-w", "--stdin"]);
        for (message, id) in TWINS {
            let who = "a <a@b> 1700000000 +0000";
            let tree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
            let object = format!("tree {tree}\nauthor {who}\ncommitter {who}\n\n{message}\n");
            let args = ["hash-object", "-t", "commit", "-w", "--stdin"];
            assert_eq!(repo.git_in(&repo.root, &args, object.as_bytes()), id);
        }
    }

    #[test]
    fn an_abbreviation_counts_when_it_begins_one_commit() {
        let repo = Repo::new();
        twins(&repo);
        let [(_, one), (_, other)] = TWINS;
        assert_eq!(repo.compare(one, other, ""), Identity::Same);
        assert_eq!(repo.compare(one, &other[..9], ""), Identity::Same);
        assert_eq!(repo.compare(&one[..9], &other[..20].to_uppercase(), ""), Identity::Same);
        assert_eq!(repo.compare(one, &format!(" {other}\n"), ""), Identity::Same);
        assert_eq!(repo.compare(one, &other[..7], ""), Identity::Missing);
        let ambiguous = GitError::CommitMissing(commit(&one[..7]));
        assert_eq!(repo.fault(&one[..7], ""), ambiguous);
        assert_eq!(ambiguous.to_string(), "d0abd85 begins no commit in this clone, or several");
        repo.git(&["branch", "main", one]);
        assert_eq!(repo.belongs(&one[..7], "main"), Err(ambiguous));
    }

    #[test]
    fn a_tag_or_branch_named_like_a_commit_is_not_it() {
        let repo = Repo::new();
        let first = repo.commit(&[("a", "1")]);
        let second = repo.commit(&[("a", "2")]);
        for name in [&second[..7], &second[..39], "abcdef1"] {
            repo.git(&["tag", name, &first]);
        }
        assert_eq!(repo.compare(&first, &second[..7], ""), Identity::NoCommit);
        assert_eq!(repo.compare(&first, "abcdef1", ""), Identity::NoCommit);
        assert_ne!(repo.compare(&first, &second, ""), Identity::Same);
        assert_eq!(repo.compare(&first, &second[..9], ""), Identity::Different);
    }

    #[test]
    fn nothing_but_commits_counts() {
        let repo = Repo::new();
        let head = repo.commit(&[("a", "1")]);
        repo.git(&["tag", "--annotate", "--message", "x", "v1"]);
        for of in ["HEAD^{tree}", "HEAD:a", "v1"] {
            let id = repo.git(&["rev-parse", of]);
            assert_ne!(repo.compare(&head, &id, ""), Identity::Same, "{of}");
            assert_ne!(repo.compare_all(&head, &[&id, &head, &id], "a").unwrap()[2], Identity::Same, "{of}");
        }
    }

    #[test]
    fn hostile_texts_never_reach_git() {
        let repo = Repo::new();
        let head = repo.commit(&[("a", "1")]);
        let inject = format!("{head}\n{head}");
        let long = "a".repeat(100_000);
        let texts = [
            "",
            " ",
            "HEAD",
            "main",
            "--help",
            "-z",
            ":a",
            "@",
            ".*",
            "$(id)",
            "a\0b",
            "\u{202e}",
            "abcdef",
            &inject,
            &long,
            "HEAD^{tree}",
            &format!("{head}^{{tree}}"),
            &format!("{head}:a"),
            &format!("{head}-dirty"),
        ];
        let mut others = texts.to_vec();
        others.push(&head);
        let mut wanted = vec![Identity::NoCommit; texts.len()];
        wanted.push(Identity::Same);
        assert_eq!(repo.compare_all(&head, &others, ""), Ok(wanted));
        for text in texts {
            assert_eq!(repo.belongs(text, "main"), Err(GitError::NoCommitId));
        }
    }

    #[test]
    fn sha_256_works_the_same() {
        let repo = Repo::with(&["init", "--quiet", "--initial-branch=main", "--object-format=sha256", "repo"]);
        let first = repo.commit(&[("src/a", "1"), ("b", "1")]);
        let second = repo.commit(&[("b", "2")]);
        assert_eq!(first.len(), 64);
        let others = [&first, &second, &first[..40], &first[..39], &"a".repeat(40)];
        let [same, different, missing] = [Identity::Same, Identity::Different, Identity::Missing];
        assert_eq!(repo.compare_all(&first, &others, ""), Ok(vec![same, different, same, same, missing]));
        assert_eq!(repo.compare_all(&first, &others, "src/a"), Ok(vec![same, same, same, same, missing]));
        assert_eq!(repo.belongs(&first, "main"), Ok(Belongs::InHistory));
        let sha1 = Repo::new();
        let head = sha1.commit(&[("a", "1")]);
        assert_eq!(sha1.compare(&head, &first, ""), Identity::Missing);
    }
}

mod clones {
    use super::*;

    #[test]
    fn a_shallow_one_says_what_is_missing_and_what_helps() {
        let repo = Repo::new();
        let old = repo.commit(&[("a", "1")]);
        let head = repo.commit(&[("a", "2")]);
        let shallow = repo.clone(&["--depth=1"]);
        let found = shallow.compare_all(&head, &[&old, &head, "junk"], "a").unwrap();
        assert_eq!(found, [Identity::Missing, Identity::Same, Identity::NoCommit]);
        assert_eq!(shallow.fault(&old, ""), GitError::CommitMissing(commit(&old)));
        assert!(GitError::CommitMissing(commit(&old)).advice().unwrap().contains("fetch-depth: 0"));
    }

    #[test]
    fn none_at_all_says_how_to_get_one() {
        let mut repo = Repo::new();
        let head = repo.commit(&[("a", "1")]);
        repo.root = repo.home.path().to_owned();
        assert_eq!(repo.fault(&head, ""), GitError::NoRepository);
        assert_eq!(repo.belongs(&head, "main"), Err(GitError::NoRepository));
        repo.root.push("nowhere");
        assert_eq!(repo.fault(&head, ""), GitError::NoRepository);
        assert!(GitError::NoRepository.advice().unwrap().contains("actions/checkout"));
    }

    #[test]
    fn an_empty_one_has_no_commit() {
        let repo = Repo::new();
        assert_eq!(repo.fault("abcdef1", ""), GitError::CommitMissing(commit("abcdef1")));
        assert_eq!(repo.belongs("abcdef1", "main"), Err(GitError::BranchMissing("main".to_owned())));
    }

    #[test]
    fn a_bare_one_that_is_named_and_a_second_worktree_serve_as_well() {
        let repo = Repo::new();
        let head = repo.commit(&[("a", "1")]);
        repo.git(&["worktree", "add", "--quiet", "--detach", "../second"]);
        let mut second = repo.clone(&["--bare"]);
        let root = second.root.to_str().unwrap().to_owned();
        let named = [("PATH", second.path.as_str()), ("GIT_DIR", &root)].into_iter().collect();
        let found = compare(&second.root, &named, &commit(&head), &[&head], &CodePaths::parse("a").unwrap());
        assert_eq!(found, Ok(vec![Identity::Same]));
        assert!(matches!(second.fault(&head, "a"), GitError::Odd(said) if said.contains("bare repository")));
        second.root = repo.home.path().join("second");
        assert_eq!(second.compare(&head, &head, "a"), Identity::Same);
        assert_eq!(second.belongs(&head, "main"), Ok(Belongs::InHistory));
    }

    #[test]
    fn the_one_that_the_environment_names_is_asked() {
        let repo = Repo::new();
        let head = repo.commit(&[("a", "1")]);
        let (home, git_dir) = (repo.home.path(), repo.root.join(".git"));
        let names = [("PATH", repo.path.as_str()), ("GIT_DIR", git_dir.to_str().unwrap())];
        let found = compare(home, &names.into_iter().collect(), &commit(&head), &[&head], &CodePaths::default());
        assert_eq!(found, Ok(vec![Identity::Same]));
    }

    /// The older gits do not know `GIT_NO_LAZY_FETCH`.
    #[cfg(unix)]
    #[test]
    fn a_partial_one_never_fetches() {
        for forget in ["", "unset GIT_NO_LAZY_FETCH", "unset GIT_NO_LAZY_FETCH GIT_ALLOW_PROTOCOL"] {
            let repo = Repo::new();
            let old = repo.commit(&[("src/a", "1"), ("b", "1")]);
            let head = repo.commit(&[("b", "2")]);
            let mut blobless = repo.clone(&["--no-checkout", "--filter=blob:none"]);
            let mut treeless = repo.clone(&["--no-checkout", "--filter=tree:0"]);
            let later = repo.commit(&[("b", "3")]);
            let again = repo.commit_index("again");
            for clone in [&mut blobless, &mut treeless] {
                clone.wrap(&format!("{forget}\nGIT_TRACE=$LOG exec \"$GIT\" \"$@\""));
            }
            let others = [old.as_str(), &head, &later, &again];
            let [same, different, missing] = [Identity::Same, Identity::Different, Identity::Missing];
            assert_eq!(blobless.compare_all(&head, &others, "src/a"), Ok(vec![same, same, missing, missing]));
            assert_eq!(blobless.compare_all(&head, &others, "b"), Ok(vec![different, same, missing, missing]));
            assert_eq!(treeless.compare_all(&head, &others, ""), Ok(vec![different, same, missing, missing]));
            assert_eq!(treeless.fault(&head, "b"), GitError::TreeMissing(commit(&head)));
            assert_eq!(treeless.belongs(&old, "main"), Ok(Belongs::InHistory));
            assert_eq!(treeless.belongs(&later, "main"), Err(GitError::CommitMissing(commit(&later))));
            for clone in [blobless, treeless] {
                let logged = clone.logged();
                assert!(logged.contains("cat-file") && !logged.contains("fetch"), "{logged}");
            }
        }
    }

    #[test]
    fn replacements_and_grafts_change_nothing() {
        let repo = Repo::new();
        let main = repo.commit(&[("a", "1")]);
        repo.git(&["switch", "--quiet", "--orphan", "other"]);
        let other = repo.commit(&[("a", "2")]);
        repo.git(&["replace", &other, &main]);
        repo.write(".git/info/grafts", &format!("{main} {other}\n"));
        assert_eq!(repo.compare(&main, &other, ""), Identity::Different);
        assert_eq!(repo.compare(&main, &other, "a"), Identity::Different);
        assert_eq!(repo.belongs(&other, "main"), Ok(Belongs::No));
    }

    #[cfg(unix)]
    #[test]
    fn no_program_that_is_configured_runs() {
        let repo = Repo::new();
        let head = repo.commit(&[("a", "1")]);
        let mark = repo.home.path().join("mark");
        let program = format!("touch {}; false", mark.display());
        for name in ["core.fsmonitor", "core.pager", "pager.rev-list", "core.sshCommand", "credential.helper"] {
            repo.git(&["config", name, &program]);
        }
        repo.git(&["config", "diff.external", &program]);
        assert_eq!(repo.compare(&head, &head, "a"), Identity::Same);
        assert_eq!(repo.belongs(&head, "main"), Ok(Belongs::InHistory));
        assert!(!mark.exists());
    }
}

#[cfg(unix)]
mod git_itself {
    use super::*;
    use std::fmt::Write as _;
    use std::time::{Duration, Instant};

    #[test]
    fn it_is_started_once_for_thousands_of_commits() {
        let mut repo = Repo::new();
        let mut history = String::new();
        for n in 0..5_000 {
            let message = format!("commit refs/heads/main\ncommitter Ann <a@b> {n} +0000\ndata 1\nx\n");
            let (readme, code) = (format!("{n:04}"), n % 10);
            let _ = write!(
                history,
                "{message}M 100644 inline README\ndata 4\n{readme}\nM 100644 inline src/a\ndata 1\n{code}\n\n"
            );
        }
        repo.git_in(&repo.root, &["fast-import", "--quiet"], history.as_bytes());
        let listed = repo.git(&["rev-list", "main"]);
        let mut commits: Vec<&str> = listed.lines().collect();
        let unknown: Vec<String> = (0..5_000).map(|n| format!("{n:040x}")).collect();
        commits.extend(unknown.iter().map(String::as_str));
        repo.wrap("echo \"$@\" >>\"$LOG\"\nexec \"$GIT\" \"$@\"");
        for (paths, wanted) in [("", 1), ("src/a", 500), ("src", 500), ("README\nsrc", 1)] {
            let found = repo.compare_all(commits[0], &commits, paths).unwrap();
            let count = |wanted| found.iter().filter(|identity| **identity == wanted).count();
            assert_eq!((count(Identity::Same), count(Identity::Missing)), (wanted, unknown.len()));
        }
        assert_eq!(repo.logged().lines().count(), 4);
        assert_eq!(repo.belongs(commits[4_999], "main"), Ok(Belongs::InHistory));
        assert_eq!(repo.logged().lines().count(), 6);
    }

    #[test]
    fn it_may_not_be_there() {
        let mut repo = Repo::new();
        let head = repo.commit(&[("a", "1")]);
        repo.path = repo.root.to_str().unwrap().to_owned();
        assert_eq!(repo.fault(&head, ""), GitError::NoGit);
        assert!(GitError::NoGit.advice().unwrap().contains("install"));
    }

    #[test]
    fn it_may_refuse_the_repository_of_another_user() {
        let mut repo = Repo::new();
        let head = repo.commit(&[("a", "1")]);
        repo.wrap("GIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec \"$GIT\" \"$@\"");
        let fault = repo.fault(&head, "");
        assert!(matches!(&fault, GitError::NotOwned(place) if place.contains("repo")), "{fault:?}");
        assert!(fault.advice().unwrap().contains("safe.directory"));
        assert_eq!(repo.belongs(&head, "main"), Err(fault));
        repo.wrap("echo \"fatal: unsafe repository ('/r' is owned by someone else)\" >&2; exit 128");
        assert_eq!(repo.fault(&head, ""), GitError::NotOwned("/r".to_owned()));
    }

    #[test]
    fn it_is_not_waited_for_when_it_hangs() {
        let mut repo = Repo::new();
        let outside = repo.commit(&[("a", "1")]);
        repo.git(&["switch", "--quiet", "--orphan", "trunk"]);
        repo.commit(&[("a", "2")]);
        let hanging = [
            // Itself, a child that keeps its pipes, after a complaint, after half an answer, and at its end.
            "exec sleep 20",
            "sleep 20",
            "echo fatal >&2; exec sleep 20",
            "printf 'abc'; exec sleep 20",
            "case \"$*\" in *cat-file*) exec \"$GIT\" \"$@\";; esac; \"$GIT\" \"$@\"; exec >&-; exec sleep 20",
        ];
        for script in hanging {
            repo.wrap(script);
            let (environment, started) = (repo.environment(), Instant::now());
            let mut git = Git::new(&repo.root, &environment);
            git.limit = Duration::from_millis(300);
            let fault = history::belongs_to(&git, &outside, "trunk").unwrap_err();
            assert_eq!(fault, GitError::TimedOut(git.limit), "{script}");
            assert!(started.elapsed() < Duration::from_secs(10), "{script}");
            assert_eq!(fault.to_string(), "git gave no answer within 0.3 s");
        }
    }

    #[test]
    fn what_it_should_not_say_is_no_answer() {
        let mut repo = Repo::new();
        let head = repo.commit(&[("a", "1")]);
        let zeros = "0".repeat(40);
        for (script, said) in [
            ("exit 1".to_owned(), "it ended without a word"),
            ("echo 'trace: x' >&2; echo 'fatal: no luck' >&2; exit 1".to_owned(), "fatal: no luck"),
            ("read q; echo hello; cat >&2".to_owned(), "it answered \"hello\""),
            (format!("read q; echo '{zeros} commit -1'; cat >&2"), "commit -1"),
            (format!("read q; echo '{zeros} tree 0'; echo; cat >&2"), "tree 0"),
            (format!("read q; echo '{head} commit 3'; echo 'abcdef'; cat >&2"), "longer than announced"),
            (format!("read q; echo '{head} commit 900'; echo 'abc'"), "without a word"),
            (format!("read q; echo '{head} commit 3'; echo 'abc'; cat >&2"), "a commit without a tree"),
            (format!("read q; echo '{zeros} commit 3'; echo 'abc'; exit 1"), "the name of something else"),
        ] {
            repo.wrap(&script);
            let fault = repo.fault(&head, "").to_string();
            assert!(fault.contains(said), "{script}: {fault}");
        }
    }

    #[test]
    fn it_may_complain_at_length() {
        let mut repo = Repo::new();
        let head = repo.commit(&[("a", "1")]);
        repo.wrap("head -c 3000000 /dev/zero >&2 && exec \"$GIT\" \"$@\"");
        assert_eq!(repo.compare(&head, &head, "a"), Identity::Same);
        assert_eq!(repo.belongs(&head, "main"), Ok(Belongs::InHistory));
    }

    #[test]
    fn a_history_that_breaks_off_is_not_taken_for_the_whole() {
        let mut repo = Repo::new();
        let other = repo.commit(&[("a", "0")]);
        repo.git(&["switch", "--quiet", "--orphan", "trunk"]);
        let lost = repo.commit(&[("a", "1")]);
        repo.commit(&[("a", "2")]);
        repo.commit(&[("a", "3")]);
        fs::remove_file(repo.root.join(".git/objects").join(&lost[..2]).join(&lost[2..])).unwrap();
        assert!(matches!(repo.belongs(&other, "trunk"), Err(GitError::Odd(_))));
        repo.wrap("case \"$*\" in *rev-list*) exit 0;; esac; exec \"$GIT\" \"$@\"");
        assert!(matches!(repo.belongs(&other, "trunk"), Err(GitError::Odd(_))));
    }
}

mod branches {
    use super::*;

    #[test]
    fn commits_belong_by_history_or_by_tree() {
        let repo = Repo::new();
        let base = repo.commit(&[("a", "1")]);
        repo.git(&["switch", "--quiet", "--create", "topic"]);
        let step = repo.commit(&[("a", "2")]);
        let head = repo.commit(&[("b", "1")]);
        assert_eq!(repo.belongs(&head, "main"), Ok(Belongs::No));
        assert_eq!(repo.belongs(&head, "topic"), Ok(Belongs::InHistory));
        repo.git(&["switch", "--quiet", "main"]);
        repo.git(&["merge", "--quiet", "--squash", "topic"]);
        let squashed = repo.commit_index("squashed");
        let newest = repo.commit(&[("c", "1")]);
        for inside in [&newest, &squashed, &base, &base[..8]] {
            assert_eq!(repo.belongs(inside, "refs/heads/main"), Ok(Belongs::InHistory));
        }
        assert_eq!(repo.belongs(&head, "main"), Ok(Belongs::SameTree(commit(&squashed))));
        assert_eq!(repo.belongs(&step, "main"), Ok(Belongs::No));
        let merged = repo.clone(&[]);
        assert_eq!(merged.belongs(&head, "main"), Ok(Belongs::SameTree(commit(&squashed))));
        merged.git(&["merge", "--quiet", "--message", "merge", &step]);
        assert_eq!(merged.belongs(&step, "main"), Ok(Belongs::No), "the branch of origin knows no local merge");
    }

    #[test]
    fn the_one_of_origin_goes_before_the_local_one() {
        let repo = Repo::new();
        let old = repo.commit(&[("a", "1")]);
        let new = repo.commit(&[("a", "2")]);
        let clone = repo.clone(&[]);
        clone.git(&["reset", "--quiet", "--hard", &old]);
        for branch in ["main", "origin/main", "refs/heads/main"] {
            assert_eq!(clone.belongs(&new, branch), Ok(Belongs::InHistory), "{branch}");
        }
        clone.git(&["switch", "--quiet", "--detach", &new]);
        clone.git(&["branch", "--quiet", "-D", "main"]);
        assert_eq!(clone.belongs(&old, "main"), Ok(Belongs::InHistory));
        clone.git(&["update-ref", "-d", "refs/remotes/origin/main"]);
        let missing = GitError::BranchMissing("main".to_owned());
        assert_eq!(clone.belongs(&old, "main"), Err(missing.clone()));
        assert!(missing.advice().unwrap().contains("fetch-depth: 0"));
    }

    #[test]
    fn a_shallow_history_never_says_no() {
        let repo = Repo::new();
        let old = repo.commit(&[("a", "1")]);
        let middle = repo.commit(&[("a", "2")]);
        let head = repo.commit(&[("a", "3")]);
        let shallow = repo.clone(&["--depth=2"]);
        assert_eq!(shallow.belongs(&head, "main"), Ok(Belongs::InHistory));
        assert_eq!(shallow.belongs(&middle, "main"), Ok(Belongs::InHistory));
        assert_eq!(shallow.belongs(&old, "main"), Err(GitError::CommitMissing(commit(&old))));
        shallow.git(&["switch", "--quiet", "--create", "topic"]);
        let topic = shallow.commit(&[("a", "4")]);
        let cut = GitError::HistoryCut("main".to_owned());
        assert_eq!(shallow.belongs(&topic, "main"), Err(cut.clone()));
        assert!(cut.advice().unwrap().contains("fetch-depth: 0"));
        shallow.git(&["fetch", "--quiet", "--unshallow"]);
        assert_eq!(shallow.belongs(&topic, "main"), Ok(Belongs::No));
    }

    /// As many clones are: the pull request's commits alone are cut off, the main branch is all there.
    #[test]
    fn only_a_cut_in_the_branch_itself_matters() {
        let repo = Repo::new();
        repo.commit(&[("a", "1")]);
        repo.git(&["switch", "--quiet", "--orphan", "topic"]);
        repo.commit(&[("a", "2")]);
        let topic = repo.commit(&[("a", "3")]);
        let shallow = repo.clone(&["--depth=1", "--no-single-branch"]);
        assert_eq!(shallow.git(&["rev-parse", "--is-shallow-repository"]), "true");
        assert_eq!(shallow.belongs(&topic, "main"), Ok(Belongs::No));
    }

    #[test]
    fn a_reference_elsewhere_is_not_the_branch() {
        let repo = Repo::new();
        repo.commit(&[("a", "1")]);
        repo.git(&["switch", "--quiet", "--create", "topic"]);
        let topic = repo.commit(&[("a", "2")]);
        for name in ["refs/tags", "refs/heads", "refs", "refs/remotes"] {
            let decoy = format!("{name}/refs/remotes/origin/main");
            repo.git(&["update-ref", &decoy, &topic]);
            assert!(matches!(repo.belongs(&topic, "main"), Err(GitError::Odd(_))), "{name}");
            repo.git(&["update-ref", "-d", &decoy]);
        }
        repo.git(&["tag", "main", &topic]);
        assert_eq!(repo.belongs(&topic, "main"), Ok(Belongs::No));
        let described = format!("v1-g{}", &topic[..10]);
        assert!(matches!(repo.belongs(&topic, &described), Err(GitError::Odd(_))), "git reads the end as a commit");
    }

    #[test]
    fn names_that_no_branch_can_have_never_reach_git() {
        let repo = Repo::new();
        let head = repo.commit(&[("a", "1")]);
        for name in [
            "",
            "-x",
            "--all",
            "a b",
            "a..b",
            "a~1",
            "a^",
            "a:b",
            "a?",
            "a*",
            "a[",
            "a\\b",
            "/a",
            "a/",
            "a//b",
            ".a",
            "a/.b",
            "a.lock",
            "a.lock/b",
            "a.",
            "@",
            "a@{1}",
            "a\nb",
            "a\0",
            "a\u{7f}",
            "refs/heads/",
            "main^{tree}",
        ] {
            assert_eq!(repo.belongs(&head, name), Err(GitError::NoBranchName), "{name:?}");
        }
        for name in ["release/1.x", "feature/ü", "a@b", "a-", "x.y", "$(id)", "a'b", "a;b", "dépôt#1"] {
            repo.git(&["branch", name]);
            assert_eq!(repo.belongs(&head, name), Ok(Belongs::InHistory), "{name}");
        }
    }
}

mod path_texts {
    use super::*;

    fn fault(text: &str) -> String {
        CodePaths::parse(text).unwrap_err()
    }

    #[test]
    fn they_are_read_a_line_each() {
        let shown = |text: &str| CodePaths::parse(text).unwrap().to_string();
        assert_eq!(shown("src\r\n  params.yaml \n\n./src/\nsrc//deep/./x"), "src, params.yaml, src/deep/x");
        for whole in ["", " \n ", ".", "./", "././/", "src\n."] {
            assert_eq!(shown(whole), "the whole tree", "{whole:?}");
            assert_eq!(CodePaths::parse(whole), Ok(CodePaths::default()));
        }
        for folder in ["data:/x", "1:/x", "a:b"] {
            assert_eq!(shown(folder), folder, "no drive of Windows");
        }
    }

    #[test]
    fn those_that_lead_elsewhere_are_refused() {
        for (text, why) in [
            ("../x", "holds .."),
            ("src/../x", "holds .."),
            ("/", "absolute"),
            ("/src", "absolute"),
            ("C:/src", "absolute"),
            ("src\\train.py", "backslash"),
            ("C:\\src", "backslash"),
            ("a\tb", "control character"),
            ("a\u{0}b", "control character"),
            ("a\u{fffd}", "not valid UTF-8"),
        ] {
            let said = fault(&format!("src\n{text}"));
            assert!(said.contains(why) && said.starts_with(&format!("names {text:?}, which ")), "{said}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_a_path_that_leads_elsewhere(text in "([./\\\\a:*\\PC]|\\n){0,40}") {
            if let Ok(paths) = CodePaths::parse(&text) {
                for path in paths.iter() {
                    prop_assert!(!path.contains(['\\', '\n']));
                    prop_assert!(path.split('/').all(|name| !matches!(name, "" | "." | "..")));
                    let again = CodePaths::parse(path).unwrap();
                    prop_assert_eq!(again.iter().collect::<Vec<_>>(), [path]);
                }
            }
        }

        #[test]
        fn detours_change_nothing(names in prop::collection::vec("[a-z*ü][a-z .]{0,5}[a-z]", 1..5), detours in prop::collection::vec(0..4usize, 5)) {
            let joined = names.iter().zip(&detours).fold(String::new(), |path, (name, &detour)| {
                path + ["", "./", ".//", "././"][detour] + name + "/"
            });
            prop_assert_eq!(CodePaths::parse(&joined), CodePaths::parse(&names.join("/")));
        }
    }
}
