//! Answers about real repositories: whole, partial, foreign and hostile ones.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::environment::Environment;
use crate::model::commit::Commit;

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

    fn compare_all(&self, candidate: &str, others: &[&str], paths: &str) -> Result<Vec<Identity>, GitError> {
        let paths = CodePaths::parse(paths).unwrap();
        compare(&self.root, &self.environment(), candidate, others, &paths)
    }

    fn compare(&self, candidate: &str, other: &str, paths: &str) -> Identity {
        self.compare_all(candidate, &[other], paths).unwrap()[0]
    }

    fn error(&self, candidate: &str, paths: &str) -> GitError {
        self.compare_all(candidate, &[candidate], paths).unwrap_err()
    }

    fn branch_contains(&self, branch: &str, commit: &str) -> Result<bool, GitError> {
        Git::new(&self.root, &self.environment()).branch_contains(branch, &self::commit(commit))
    }
}

fn compare(
    directory: &Path,
    environment: &Environment,
    candidate: &str,
    others: &[&str],
    paths: &CodePaths,
) -> Result<Vec<Identity>, GitError> {
    let others: Vec<Commit> = others.iter().map(|other| commit(other)).collect();
    let others: Vec<&Commit> = others.iter().collect();
    Git::new(directory, environment).compare(&commit(candidate), &others, paths)
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
    fn reworded_squashed_and_merged_commits_have_the_same_code() {
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
    fn a_renamed_folder_and_an_executable_bit_are_different_code() {
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
    fn comparing_with_nothing_needs_no_repository() {
        let nowhere = Path::new("/no/such/folder");
        let empty = compare(nowhere, &Environment::default(), "abcdef1", &[], &CodePaths::default());
        assert_eq!(empty, Ok(Vec::new()));
    }
}

mod at_paths {
    use super::*;

    #[test]
    fn only_the_code_paths_are_compared() {
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
    fn paths_start_at_the_root_even_in_a_subfolder() {
        let repo = Repo::new();
        let first = repo.commit(&[("src/train.py", "1"), ("src/src/train.py", "1")]);
        let second = repo.commit(&[("src/src/train.py", "2")]);
        let paths = CodePaths::parse("src/train.py").unwrap();
        let below = compare(&repo.root.join("src"), &repo.environment(), &first, &[&second], &paths);
        assert_eq!(below, Ok(vec![Identity::Same]));
    }

    #[test]
    fn a_path_that_the_candidate_lacks_is_an_error() {
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
    fn a_different_mode_is_different_code() {
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
        let barred =
            |path: &str| GitError::PathBlocked { path: path.to_owned(), at: "run".to_owned(), by: Blocker::Link };
        assert_eq!(repo.error(&link, "run"), barred("run"));
        assert_eq!(repo.error(&link, "run/x"), barred("run/x"));
        assert_eq!(barred("run/x").to_string(), "the path run/x goes through run, which is a symbolic link");
        let file = GitError::PathBlocked { path: "dir/x/y".to_owned(), at: "dir/x".to_owned(), by: Blocker::File };
        assert_eq!(repo.error(&plain, "dir/x/y"), file);
        assert_eq!(repo.compare(&plain, &repo.commit(&[("dir/x", "b")]), "dir/x"), Identity::Different);
    }

    #[test]
    fn a_file_in_place_of_a_folder_is_different_code() {
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
    fn a_submodule_is_compared_by_its_commit() {
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
        let inside = GitError::PathBlocked { path, at: "vendor/lib".to_owned(), by: Blocker::Submodule };
        assert_eq!(repo.error(&first, "vendor/lib/src"), inside);
        assert!(inside.advice().unwrap().contains("submodule"));
    }

    /// Commits an entry that need not be in the working tree.
    fn commit_entry(repo: &Repo, mode: &str, path: &str, content: &str) -> String {
        let id = repo.git_in(&repo.root, &["hash-object", "-w", "--stdin"], content.as_bytes());
        repo.git(&["update-index", "--add", "--cacheinfo", &format!("{mode},{id},{path}")]);
        repo.commit_index(path)
    }

    #[test]
    fn a_link_below_a_path_must_lead_to_a_path() {
        let repo = Repo::new();
        repo.commit(&[("src/deep/a", "1"), ("lib/b", "1"), ("library/c", "1")]);
        for (target, paths, problem) in [
            ("../../lib/b", "src\nlib", None),
            ("../../lib/b", "src/deep\nlib/b", None),
            ("../../lib", "src\nlib", None),
            ("../../lib", "src\nlib/b", Some(LinkProblem::LeavesPaths("lib".to_owned()))),
            ("../../library/c", "src\nlib", Some(LinkProblem::LeavesPaths("library/c".to_owned()))),
            ("../..", "src", Some(LinkProblem::LeavesPaths(String::new()))),
            ("../../../x", "src", Some(LinkProblem::LeavesRepository("../../../x".to_owned()))),
            ("\u{1b}/../x", "src", Some(LinkProblem::NotFollowed)),
            (&"x/".repeat(2048), "src", None),
            (&"x/".repeat(2049), "src", Some(LinkProblem::NotFollowed)),
        ] {
            let first = commit_entry(&repo, "120000", "src/deep/link", target);
            let again = commit_entry(&repo, "100644", "README", &first);
            let wanted = match problem {
                None => Ok(vec![Identity::Same; 2]),
                Some(problem) => Err(GitError::Link { link: "src/deep/link".to_owned(), problem }),
            };
            assert_eq!(repo.compare_all(&again, &[&first, &first], paths), wanted, "{target}");
            assert_eq!(repo.compare_all(&again, &[&first], "lib\nlibrary"), Ok(vec![Identity::Same]));
            let both = repo.compare_all(&again, &[&first, &again], paths).unwrap();
            assert_eq!(both[0] == Identity::Same, wanted.is_ok());
            assert_eq!(both[1], Identity::Same, "the whole tree is the same");
        }
        // Other code is other code, wherever a link leads.
        let other = repo.commit(&[("src/deep/a", "2")]);
        let last = repo.commit(&[("src/deep/a", "3")]);
        assert_eq!(repo.compare(&last, &other, "src"), Identity::Different);
    }

    #[test]
    fn code_paths_with_too_many_folders_are_not_searched_for_links() {
        let repo = Repo::new();
        // Each tree contains the one before ten times: a small repository with 111,111 folders.
        let mut tree = repo.git_in(&repo.root, &["mktree"], b"");
        for _ in 0..6 {
            let entries: Vec<String> = (0..10).map(|n| format!("040000 tree {tree}\t{n}\n")).collect();
            tree = repo.git_in(&repo.root, &["mktree"], entries.concat().as_bytes());
        }
        let of = |message: &str, name: &str| {
            let root = repo.git_in(&repo.root, &["mktree"], format!("040000 tree {tree}\t{name}\n").as_bytes());
            let root = format!("040000 tree {tree}\tsrc\n040000 tree {root}\t{name}\n");
            let root = repo.git_in(&repo.root, &["mktree"], root.as_bytes());
            repo.git(&["commit-tree", &root, "-m", message])
        };
        let (first, second) = (of("1", "a"), of("2", "b"));
        assert_eq!(repo.compare_all(&first, &[&second], "src"), Err(GitError::TooManyFolders(100_000)));
        assert_eq!(repo.compare(&first, &second, "src/0/0"), Identity::Same);
    }

    #[test]
    fn special_characters_in_paths_are_ordinary() {
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
    fn an_abbreviated_id_counts_only_if_it_matches_one_commit() {
        let repo = Repo::new();
        twins(&repo);
        let [(_, one), (_, other)] = TWINS;
        assert_eq!(repo.compare(one, other, ""), Identity::Same);
        assert_eq!(repo.compare(one, &other[..9], ""), Identity::Same);
        assert_eq!(repo.compare(&one[..9], &other[..20].to_uppercase(), ""), Identity::Same);
        assert_eq!(repo.compare(one, &format!(" {other}\n"), ""), Identity::Same);
        assert_eq!(repo.compare(one, &other[..7], ""), Identity::Missing);
        let ambiguous = GitError::CommitMissing(commit(&one[..7]));
        assert_eq!(repo.error(&one[..7], ""), ambiguous);
        assert_eq!(ambiguous.to_string(), "d0abd85 matches no commit in this clone, or more than one");
        repo.git(&["branch", "main", one]);
        assert_eq!(repo.branch_contains("main", &one[..7]), Err(ambiguous));
    }

    #[test]
    fn a_tag_named_like_a_commit_is_not_that_commit() {
        let repo = Repo::new();
        let first = repo.commit(&[("a", "1")]);
        let second = repo.commit(&[("a", "2")]);
        for name in [&second[..7], &second[..39], "abcdef1"] {
            repo.git(&["tag", name, &first]);
        }
        assert_eq!(repo.compare(&first, &second[..7], ""), Identity::Ambiguous);
        assert_eq!(repo.compare(&first, "abcdef1", ""), Identity::Ambiguous);
        assert_ne!(repo.compare(&first, &second, ""), Identity::Same);
        assert_eq!(repo.compare(&first, &second[..9], ""), Identity::Different);
    }

    #[test]
    fn ids_of_trees_files_and_tags_are_not_commits() {
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
    fn sha_256_repositories_work_too() {
        let repo = Repo::with(&["init", "--quiet", "--initial-branch=main", "--object-format=sha256", "repo"]);
        let first = repo.commit(&[("src/a", "1"), ("b", "1")]);
        let second = repo.commit(&[("b", "2")]);
        assert_eq!(first.len(), 64);
        let others = [&first, &second, &first[..40], &first[..39], &"a".repeat(40)];
        let [same, different, missing] = [Identity::Same, Identity::Different, Identity::Missing];
        assert_eq!(repo.compare_all(&first, &others, ""), Ok(vec![same, different, same, same, missing]));
        assert_eq!(repo.compare_all(&first, &others, "src/a"), Ok(vec![same, same, same, same, missing]));
        assert_eq!(repo.branch_contains("main", &first), Ok(true));
        let sha1 = Repo::new();
        let head = sha1.commit(&[("a", "1")]);
        assert_eq!(sha1.compare(&head, &first, ""), Identity::Missing);
    }
}

mod clones {
    use super::*;

    #[test]
    fn a_shallow_clone_reports_missing_commits() {
        let repo = Repo::new();
        let old = repo.commit(&[("a", "1")]);
        let head = repo.commit(&[("a", "2")]);
        let shallow = repo.clone(&["--depth=1"]);
        let found = shallow.compare_all(&head, &[&old, &head], "a").unwrap();
        assert_eq!(found, [Identity::Missing, Identity::Same]);
        assert_eq!(shallow.error(&old, ""), GitError::CommitMissing(commit(&old)));
        assert!(GitError::CommitMissing(commit(&old)).advice().unwrap().contains("fetch-depth: 0"));
    }

    #[test]
    fn a_folder_outside_a_repository_is_an_error() {
        let mut repo = Repo::new();
        let head = repo.commit(&[("a", "1")]);
        repo.root = repo.home.path().to_owned();
        assert_eq!(repo.error(&head, ""), GitError::NoRepository);
        assert_eq!(repo.branch_contains("main", &head), Err(GitError::NoRepository));
        repo.root.push("nowhere");
        assert_eq!(repo.error(&head, ""), GitError::NoRepository);
        assert!(GitError::NoRepository.advice().unwrap().contains("actions/checkout"));
    }

    #[test]
    fn an_empty_repository_has_no_commit() {
        let repo = Repo::new();
        assert_eq!(repo.error("abcdef1", ""), GitError::CommitMissing(commit("abcdef1")));
        assert_eq!(repo.branch_contains("main", "abcdef1"), Err(GitError::BranchMissing("main".to_owned())));
    }

    #[test]
    fn a_bare_repository_in_git_dir_and_a_second_worktree_work() {
        let repo = Repo::new();
        let head = repo.commit(&[("a", "1")]);
        repo.git(&["worktree", "add", "--quiet", "--detach", "../second"]);
        let mut second = repo.clone(&["--bare"]);
        let root = second.root.to_str().unwrap().to_owned();
        let named = [("PATH", second.path.as_str()), ("GIT_DIR", &root)].into_iter().collect();
        let found = compare(&second.root, &named, &head, &[&head], &CodePaths::parse("a").unwrap());
        assert_eq!(found, Ok(vec![Identity::Same]));
        assert!(matches!(second.error(&head, "a"), GitError::Failed(said) if said.contains("bare repository")));
        second.root = repo.home.path().join("second");
        assert_eq!(second.compare(&head, &head, "a"), Identity::Same);
        assert_eq!(second.branch_contains("main", &head), Ok(true));
    }

    #[test]
    fn git_dir_selects_the_repository() {
        let repo = Repo::new();
        let head = repo.commit(&[("a", "1")]);
        let (home, git_dir) = (repo.home.path(), repo.root.join(".git"));
        let names = [("PATH", repo.path.as_str()), ("GIT_DIR", git_dir.to_str().unwrap())];
        let found = compare(home, &names.into_iter().collect(), &head, &[&head], &CodePaths::default());
        assert_eq!(found, Ok(vec![Identity::Same]));
    }

    /// The older gits do not know `GIT_NO_LAZY_FETCH`.
    #[cfg(unix)]
    #[test]
    fn a_partial_clone_never_fetches() {
        for forget in ["", "unset GIT_NO_LAZY_FETCH", "unset GIT_NO_LAZY_FETCH GIT_ALLOW_PROTOCOL"] {
            let repo = Repo::new();
            let old = repo.commit(&[("src/a", "1"), ("b", "1")]);
            let head = repo.commit(&[("b", "2")]);
            let mut blobless = repo.clone(&["--no-checkout", "--filter=blob:none"]);
            let mut treeless = repo.clone(&["--no-checkout", "--filter=tree:0"]);
            // The checkout fetches the trees of the newest commit, and no others.
            let mut trees_of_head = repo.clone(&["--filter=tree:0"]);
            let later = repo.commit(&[("b", "3")]);
            let again = repo.commit_index("again");
            for clone in [&mut blobless, &mut treeless, &mut trees_of_head] {
                clone.wrap(&format!("{forget}\nGIT_TRACE=$LOG exec \"$GIT\" \"$@\""));
            }
            let others = [old.as_str(), &head, &later, &again];
            let [same, different, missing] = [Identity::Same, Identity::Different, Identity::Missing];
            assert_eq!(blobless.compare_all(&head, &others, "src/a"), Ok(vec![same, same, missing, missing]));
            assert_eq!(blobless.compare_all(&head, &others, "b"), Ok(vec![different, same, missing, missing]));
            assert_eq!(treeless.compare_all(&head, &others, ""), Ok(vec![different, same, missing, missing]));
            assert_eq!(trees_of_head.compare_all(&head, &others, "b"), Ok(vec![missing, same, missing, missing]));
            assert_eq!(treeless.error(&head, "b"), GitError::TreeMissing(commit(&head)));
            assert_eq!(treeless.branch_contains("main", &old), Ok(true));
            assert_eq!(treeless.branch_contains("main", &later), Err(GitError::CommitMissing(commit(&later))));
            for clone in [blobless, treeless, trees_of_head] {
                let logged = clone.logged();
                assert!(logged.contains("cat-file") && !logged.contains("fetch"), "{logged}");
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_target_of_a_link_is_never_fetched() {
        let repo = Repo::new();
        fs::create_dir(repo.root.join("src")).unwrap();
        std::os::unix::fs::symlink("a", repo.root.join("src/link")).unwrap();
        let old = repo.commit(&[("src/a", "1")]);
        let head = repo.commit(&[("b", "1")]);
        let missing = GitError::Link { link: "src/link".to_owned(), problem: LinkProblem::TargetMissing };
        for (filter, wanted) in [("--filter=blob:none", Err(missing)), ("--no-tags", Ok(vec![Identity::Same]))] {
            for forget in ["", "unset GIT_NO_LAZY_FETCH"] {
                let mut clone = repo.clone(&["--no-checkout", filter]);
                clone.wrap(&format!("{forget}\nGIT_TRACE=$LOG exec \"$GIT\" \"$@\""));
                assert_eq!(clone.compare_all(&head, &[&old], "src"), wanted);
                let logged = clone.logged();
                assert!(logged.contains("cat-file") && !logged.contains("fetch"), "{logged}");
            }
        }
    }

    #[test]
    fn replaced_objects_and_grafts_are_ignored() {
        let repo = Repo::new();
        let main = repo.commit(&[("a", "1")]);
        repo.git(&["switch", "--quiet", "--orphan", "other"]);
        let other = repo.commit(&[("a", "2")]);
        repo.git(&["replace", &other, &main]);
        repo.write(".git/info/grafts", &format!("{main} {other}\n"));
        assert_eq!(repo.compare(&main, &other, ""), Identity::Different);
        assert_eq!(repo.compare(&main, &other, "a"), Identity::Different);
        assert_eq!(repo.branch_contains("main", &other), Ok(false));
    }

    #[cfg(unix)]
    #[test]
    fn configured_programs_never_run() {
        let repo = Repo::new();
        let head = repo.commit(&[("a", "1")]);
        let mark = repo.home.path().join("mark");
        let program = format!("touch {}; false", mark.display());
        for name in ["core.fsmonitor", "core.pager", "pager.rev-list", "core.sshCommand", "credential.helper"] {
            repo.git(&["config", name, &program]);
        }
        repo.git(&["config", "diff.external", &program]);
        assert_eq!(repo.compare(&head, &head, "a"), Identity::Same);
        assert_eq!(repo.branch_contains("main", &head), Ok(true));
        assert!(!mark.exists());
    }
}

#[cfg(unix)]
mod processes {
    use super::*;
    use std::fmt::Write as _;
    use std::time::{Duration, Instant};

    #[test]
    fn one_process_compares_thousands_of_commits() {
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
        assert_eq!(repo.branch_contains("main", commits[4_999]), Ok(true));
        assert_eq!(repo.logged().lines().count(), 7);
    }

    #[test]
    fn a_missing_git_is_reported() {
        let mut repo = Repo::new();
        let head = repo.commit(&[("a", "1")]);
        repo.path = repo.root.to_str().unwrap().to_owned();
        assert_eq!(repo.error(&head, ""), GitError::NoGit);
        assert!(GitError::NoGit.advice().unwrap().contains("install"));
    }

    #[test]
    fn a_repository_of_another_user_is_reported() {
        let mut repo = Repo::new();
        let head = repo.commit(&[("a", "1")]);
        repo.wrap("GIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec \"$GIT\" \"$@\"");
        let fault = repo.error(&head, "");
        assert!(matches!(&fault, GitError::NotOwned(place) if place.contains("repo")), "{fault:?}");
        assert!(fault.advice().unwrap().contains("safe.directory"));
        assert_eq!(repo.branch_contains("main", &head), Err(fault));
        repo.wrap("echo \"fatal: unsafe repository ('/r' is owned by someone else)\" >&2; exit 128");
        assert_eq!(repo.error(&head, ""), GitError::NotOwned("/r".to_owned()));
    }

    #[test]
    fn a_hanging_git_times_out() {
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
            "case \"$*\" in *cat-file*|*for-each-ref*) exec \"$GIT\" \"$@\";; esac; \"$GIT\" \"$@\"; exec >&-; exec sleep 20",
        ];
        for script in hanging {
            repo.wrap(script);
            let (environment, started) = (repo.environment(), Instant::now());
            let mut git = Git::new(&repo.root, &environment);
            git.time_limit = Duration::from_millis(300);
            let fault = git.branch_contains("trunk", &commit(&outside)).unwrap_err();
            assert_eq!(fault, GitError::TimedOut(git.time_limit), "{script}");
            assert!(started.elapsed() < Duration::from_secs(10), "{script}");
            assert_eq!(fault.to_string(), "git did not answer within 0.3 s");
        }
    }

    #[test]
    fn unexpected_output_is_an_error() {
        let mut repo = Repo::new();
        let head = repo.commit(&[("a", "1")]);
        let zeros = "0".repeat(40);
        for (script, said) in [
            ("exit 1".to_owned(), "without an error message"),
            ("echo 'trace: x' >&2; echo 'fatal: no luck' >&2; exit 1".to_owned(), "fatal: no luck"),
            ("read q; echo hello; cat >&2".to_owned(), "unexpected output: \"hello\""),
            (format!("read q; echo '{zeros} commit -1'; cat >&2"), "commit -1"),
            (format!("read q; echo '{zeros} tree 0'; echo; cat >&2"), "tree 0"),
            (format!("read q; echo '{head} commit 3'; echo 'abcdef'; cat >&2"), "more than 3 bytes"),
            (format!("read q; echo '{head} commit 900'; echo 'abc'"), "without an error message"),
            (format!("read q; echo '{head} commit 3'; echo 'abc'; cat >&2"), "commit\""),
            (format!("read q; echo '{zeros} commit 3'; echo 'abc'; exit 1"), "the name of something else"),
        ] {
            repo.wrap(&script);
            let fault = repo.error(&head, "").to_string();
            assert!(fault.contains(said), "{script}: {fault}");
        }
    }

    #[test]
    fn long_error_output_does_not_block_git() {
        let mut repo = Repo::new();
        let head = repo.commit(&[("a", "1")]);
        repo.wrap("head -c 3000000 /dev/zero >&2 && exec \"$GIT\" \"$@\"");
        assert_eq!(repo.compare(&head, &head, "a"), Identity::Same);
        assert_eq!(repo.branch_contains("main", &head), Ok(true));
    }

    #[test]
    fn an_incomplete_history_is_an_error() {
        let mut repo = Repo::new();
        let other = repo.commit(&[("a", "0")]);
        repo.git(&["switch", "--quiet", "--orphan", "trunk"]);
        let lost = repo.commit(&[("a", "1")]);
        repo.commit(&[("a", "2")]);
        repo.commit(&[("a", "3")]);
        fs::remove_file(repo.root.join(".git/objects").join(&lost[..2]).join(&lost[2..])).unwrap();
        assert!(matches!(repo.branch_contains("trunk", &other), Err(GitError::Failed(_))));
        repo.wrap("case \"$*\" in *rev-list*) exit 0;; esac; exec \"$GIT\" \"$@\"");
        assert!(matches!(repo.branch_contains("trunk", &other), Err(GitError::Failed(_))));
    }
}

mod branches {
    use super::*;

    #[test]
    fn a_branch_contains_commits_by_id_or_by_tree() {
        let repo = Repo::new();
        let base = repo.commit(&[("a", "1")]);
        repo.git(&["switch", "--quiet", "--create", "topic"]);
        let step = repo.commit(&[("a", "2")]);
        let head = repo.commit(&[("b", "1")]);
        assert_eq!(repo.branch_contains("main", &head), Ok(false));
        assert_eq!(repo.branch_contains("topic", &head), Ok(true));
        repo.git(&["switch", "--quiet", "main"]);
        repo.git(&["merge", "--quiet", "--squash", "topic"]);
        let squashed = repo.commit_index("squashed");
        let newest = repo.commit(&[("c", "1")]);
        for inside in [&newest, &squashed, &base, &base[..8]] {
            assert_eq!(repo.branch_contains("refs/heads/main", inside), Ok(true));
        }
        assert_eq!(repo.branch_contains("main", &head), Ok(true));
        assert_eq!(repo.branch_contains("main", &step), Ok(false));
        let merged = repo.clone(&[]);
        assert_eq!(merged.branch_contains("main", &head), Ok(true));
        merged.git(&["merge", "--quiet", "--message", "merge", &step]);
        assert_eq!(merged.branch_contains("main", &step), Ok(false), "the branch of origin knows no local merge");
    }

    #[test]
    fn the_branch_of_origin_comes_before_the_local_branch() {
        let repo = Repo::new();
        let old = repo.commit(&[("a", "1")]);
        let new = repo.commit(&[("a", "2")]);
        let clone = repo.clone(&[]);
        clone.git(&["reset", "--quiet", "--hard", &old]);
        for branch in ["main", "origin/main", "refs/heads/main"] {
            assert_eq!(clone.branch_contains(branch, &new), Ok(true), "{branch}");
        }
        clone.git(&["switch", "--quiet", "--detach", &new]);
        clone.git(&["branch", "--quiet", "-D", "main"]);
        assert_eq!(clone.branch_contains("main", &old), Ok(true));
        clone.git(&["update-ref", "-d", "refs/remotes/origin/main"]);
        let missing = GitError::BranchMissing("main".to_owned());
        assert_eq!(clone.branch_contains("main", &old), Err(missing.clone()));
        assert!(missing.advice().unwrap().contains("fetch-depth: 0"));
    }

    #[test]
    fn a_shallow_history_never_answers_no() {
        let repo = Repo::new();
        let old = repo.commit(&[("a", "1")]);
        let middle = repo.commit(&[("a", "2")]);
        let head = repo.commit(&[("a", "3")]);
        let shallow = repo.clone(&["--depth=2"]);
        assert_eq!(shallow.branch_contains("main", &head), Ok(true));
        assert_eq!(shallow.branch_contains("main", &middle), Ok(true));
        assert_eq!(shallow.branch_contains("main", &old), Err(GitError::CommitMissing(commit(&old))));
        shallow.git(&["switch", "--quiet", "--create", "topic"]);
        let topic = shallow.commit(&[("a", "4")]);
        let cut = GitError::HistoryCut("main".to_owned());
        assert_eq!(shallow.branch_contains("main", &topic), Err(cut.clone()));
        assert!(cut.advice().unwrap().contains("fetch-depth: 0"));
        shallow.git(&["fetch", "--quiet", "--unshallow"]);
        assert_eq!(shallow.branch_contains("main", &topic), Ok(false));
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
        assert_eq!(shallow.branch_contains("main", &topic), Ok(false));
    }

    #[test]
    fn only_the_exact_reference_is_the_branch() {
        let repo = Repo::new();
        repo.commit(&[("a", "1")]);
        repo.git(&["switch", "--quiet", "--create", "topic"]);
        let topic = repo.commit(&[("a", "2")]);
        for name in ["refs/tags", "refs/heads", "refs", "refs/remotes"] {
            let decoy = format!("{name}/refs/remotes/origin/main");
            repo.git(&["update-ref", &decoy, &topic]);
            assert_eq!(repo.branch_contains("main", &topic), Ok(false), "{name}");
            repo.git(&["update-ref", "-d", &decoy]);
        }
        repo.git(&["tag", "main", &topic]);
        assert_eq!(repo.branch_contains("main", &topic), Ok(false));
        let described = format!("v1-g{}", &topic[..10]);
        let missing = Err(GitError::BranchMissing(described.clone()));
        assert_eq!(repo.branch_contains(&described, &topic), missing, "git reads the end as a commit");
    }

    #[test]
    fn invalid_branch_names_match_no_branch() {
        let repo = Repo::new();
        let head = repo.commit(&[("a", "1")]);
        for name in [
            "",
            "-x",
            "--all",
            "a b",
            "a..b",
            "main~0",
            "main^",
            "main^{commit}",
            "a:b",
            "mai?",
            "ma*",
            "mai[n]",
            "a\\b",
            "/main",
            "main/",
            "a//b",
            ".a",
            "a/.b",
            "a.lock",
            "a.",
            "@",
            "HEAD",
            "main@{0}",
            "a\nb",
            "a\u{7f}",
        ] {
            assert_eq!(repo.branch_contains(name, &head), Err(GitError::BranchMissing(name.to_owned())), "{name:?}");
        }
        assert!(matches!(repo.branch_contains("a\0", &head), Err(GitError::Failed(_))));
        for name in ["release/1.x", "feature/ü", "a@b", "a-", "x.y", "$(id)", "a'b", "a;b", "dépôt#1"] {
            repo.git(&["branch", name]);
            assert_eq!(repo.branch_contains(name, &head), Ok(true), "{name}");
        }
    }
}

mod code_paths {
    use super::*;

    fn error(text: &str) -> String {
        CodePaths::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn each_line_is_a_path() {
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
    fn rejects_paths_that_leave_the_repository() {
        for (text, why) in [
            ("../x", "contains .."),
            ("src/../x", "contains .."),
            ("/", "absolute"),
            ("/src", "absolute"),
            ("C:/src", "absolute"),
            ("src\\train.py", "backslash"),
            ("C:\\src", "backslash"),
            ("a\tb", "control character"),
            ("a\u{0}b", "control character"),
            ("a\u{fffd}", "not valid UTF-8"),
        ] {
            let said = error(&format!("src\n{text}"));
            assert!(said.contains(why) && said.starts_with(&format!("the path {text:?} ")), "{said}");
        }
    }

    proptest! {
        #[test]
        fn no_text_becomes_a_path_that_leaves_the_repository(text in "([./\\\\a:*\\PC]|\\n){0,40}") {
            if let Ok(paths) = CodePaths::parse(&text) {
                for path in paths.iter() {
                    prop_assert!(!path.contains(['\\', '\n']));
                    prop_assert!(path.split('/').all(|name| !matches!(name, "" | "." | "..")));
                    // The dot and the slash keep spaces at either end, which belong to a name here.
                    let again = CodePaths::parse(&format!("./{path}/")).unwrap();
                    prop_assert_eq!(again.iter().collect::<Vec<_>>(), [path]);
                }
            }
        }

        #[test]
        fn extra_slashes_and_dots_change_nothing(names in prop::collection::vec("[a-z*ü][a-z .]{0,5}[a-z]", 1..5), detours in prop::collection::vec(0..4usize, 5)) {
            let joined = names.iter().zip(&detours).fold(String::new(), |path, (name, &detour)| {
                path + ["", "./", ".//", "././"][detour] + name + "/"
            });
            prop_assert_eq!(CodePaths::parse(&joined), CodePaths::parse(&names.join("/")));
        }
    }
}
