//! The same code under another commit: which runs count for a commit without a run, and what the gate says if it cannot
//! know.

use std::fs;
use std::path::Path;

use clearml_sandbox::{At, Effect, Sandbox, TaskSeed};
use serde_json::{Value, json};

use crate::support::{BASE, Gate, HEAD, NOBODY, OTHER, PROJECT, Ran, TAG, TASK, best, commit, git, run};

/// A workspace with a baseline. Its commit is in no repository of these tests.
fn workspace() -> Sandbox {
    let sandbox = Sandbox::start();
    sandbox.add(best(0.8));
    sandbox
}

/// A gate in a repository, and the repository's only commit.
fn checkout(sandbox: &Sandbox) -> (Gate, String) {
    let gate = Gate::of(sandbox);
    git(gate.path(), &["init", "--quiet"]);
    for (file, text) in [("train.py", "print(1)\n"), ("src/model.py", "LAYERS = 3\n"), ("README.md", "A model\n")] {
        write(gate.path(), file, text);
    }
    let first = commit(gate.path(), "first");
    (gate, first)
}

fn write(folder: &Path, file: &str, text: &str) {
    let file = folder.join(file);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

fn reworded(folder: &Path) -> String {
    git(folder, &["commit", "--quiet", "--amend", "--message", "reworded"]);
    git(folder, &["rev-parse", "HEAD"])
}

fn short(commit: &str) -> &str {
    &commit[..commit.len().min(12)]
}

/// Asserts that the report says it uses a run of `instead` for the commit `reviewed`.
#[track_caller]
fn judged_by(ran: Ran, reviewed: &str, instead: &str) -> Ran {
    let said =
        format!("code {} has no run; using the run of {}, which has the same code", short(reviewed), short(instead));
    ran.expect(0, "PASSED, improved").says(&said).says(&format!("commit {}", short(instead)))
}

/// The same with code paths.
#[cfg(unix)]
#[track_caller]
fn stands_at(ran: Ran, reviewed: &str, instead: &str, paths: &str) -> Ran {
    let said = format!(
        "code {} has no run; using the run of {}, which has the same code in {paths} ",
        short(reviewed),
        short(instead)
    );
    ran.expect(0, "PASSED, improved").says(&said)
}

/// Makes the commit under review. Returns the commit with the run, and the commit under review.
type Way = fn(&Path) -> (String, String);

/// Makes a branch with two commits, and checks out main again.
fn change(folder: &Path) -> String {
    git(folder, &["checkout", "--quiet", "-b", "change"]);
    for text in ["print(2)\n", "print(3)\n"] {
        write(folder, "train.py", text);
        commit(folder, text);
    }
    let head = git(folder, &["rev-parse", "HEAD"]);
    git(folder, &["checkout", "--quiet", "main"]);
    head
}

#[test]
fn a_run_of_the_same_tree_is_judged_for_the_commit() {
    let ways: [Way; 5] = [
        |folder| (git(folder, &["rev-parse", "HEAD"]), reworded(folder)),
        |folder| {
            let head = change(folder);
            git(folder, &["merge", "--quiet", "--squash", "change"]);
            (head, commit(folder, "squashed (#7)"))
        },
        |folder| {
            let head = change(folder);
            git(folder, &["merge", "--quiet", "--no-ff", "--message", "merge", "change"]);
            (head, git(folder, &["rev-parse", "HEAD"]))
        },
        |folder| (git(folder, &["rev-parse", "HEAD"]), commit(folder, "nothing, to start the CI once more")),
        |folder| {
            let first = git(folder, &["rev-parse", "HEAD"]);
            write(folder, "train.py", "print(2)\n");
            commit(folder, "an idea");
            git(folder, &["revert", "--no-edit", "HEAD"]);
            (first, git(folder, &["rev-parse", "HEAD"]))
        },
    ];
    for way in ways {
        let sandbox = workspace();
        let (gate, _) = checkout(&sandbox);
        let (ran, reviewed) = way(gate.path());
        assert_ne!(ran, reviewed);
        let head = sandbox.add(run(&ran, 0.9));
        sandbox.add(run(OTHER, 0.1));
        judged_by(gate.set("COMMIT_ID", &reviewed).run(), &reviewed, &ran);
        assert_eq!(sandbox.tagged(TAG), [head]);
    }
}

#[test]
fn with_code_paths_only_other_files_may_differ() {
    let sandbox = workspace();
    let (gate, ran) = checkout(&sandbox);
    sandbox.add(run(&ran, 0.9));
    let folder = gate.path().to_owned();
    write(&folder, "README.md", "A better model\n");
    let reworded = commit(&folder, "words");
    write(&folder, "src/model.py", "LAYERS = 4\n");
    let deeper = commit(&folder, "deeper");
    write(&folder, "loss.py", "0\n");
    let with_loss = commit(&folder, "one more file");
    let gate = gate.set("CLEARML_PROMOTE", "never");
    let judge = |gate: Gate, commit: &str, paths: &str| {
        let gate = gate.set("COMMIT_ID", commit).set("CLEARML_CODE_PATHS", paths);
        let ran = gate.run();
        (gate, ran)
    };
    let mut gate = gate;
    for (reviewed, paths, same) in [
        (&reworded, "", None),
        (&reworded, "README.md", None),
        (&reworded, "train.py\nREADME.md", None),
        (&reworded, ".", None),
        (&reworded, "train.py\n\n  src/  \n", Some("train.py, src")),
        (&reworded, "src/model.py", Some("src/model.py")),
        (&deeper, "train.py\nsrc", None),
        (&deeper, "src/model.py", None),
        (&deeper, "train.py", Some("train.py")),
        (&with_loss, "train.py", Some("train.py")),
        (&with_loss, "train.py\nloss.py", None),
        (&with_loss, "loss.py", None),
    ] {
        let (again, report) = judge(gate, reviewed, paths);
        gate = again;
        let (reviewed, ran) = (short(reviewed), short(&ran));
        match same {
            None => report.expect(3, NOBODY),
            Some(same) => report.expect(0, "PASSED, improved").says(&format!(
                "code {reviewed} has no run; using the run of {ran}, which has the same code in {same} "
            )),
        };
    }
}

#[test]
fn of_several_runs_of_the_same_code_the_newest_clean_one_is_judged() {
    let sandbox = workspace();
    let (gate, first) = checkout(&sandbox);
    let second = reworded(gate.path());
    let reviewed = commit(gate.path(), "once more");
    sandbox.add(run(&second, 0.5));
    let newest = sandbox.add(run(&first, 0.9));
    sandbox.add(run(&second, 0.99).diff("+ a change"));
    sandbox.add(run(&second, 0.99).status("failed"));
    sandbox.add(run(&first, 0.99).system_tag("archived"));
    let gate = gate.set("COMMIT_ID", &reviewed).args(&["--markdown", "report.md"]);
    judged_by(gate.run(), &reviewed, &first).says("candidate 0.9 ");
    assert_eq!(sandbox.tagged(TAG), [newest]);
    let markdown = fs::read_to_string(gate.path().join("report.md")).unwrap();
    assert!(markdown.contains("1 run of this code failed") && !markdown.contains("of this commit"), "{markdown}");
}

#[test]
fn says_why_each_run_of_the_same_code_does_not_count() {
    let sandbox = workspace();
    let (gate, first) = checkout(&sandbox);
    let reviewed = reworded(gate.path());
    for (seed, said) in [
        (run(&first, 0.9).diff("x"), "1 run of this code has uncommitted changes"),
        (run(&first, 0.9).status("failed"), "1 run of this code failed"),
        (run(&first, 0.9).status("in_progress"), "1 run of this code is still running"),
    ] {
        sandbox.add(seed);
        let before = sandbox.state();
        let ran = gate.command().env("COMMIT_ID", &reviewed).output().unwrap();
        let ran = Ran::of(&ran).expect(3, "NO VERDICT: no run of this code is both completed and");
        let instead = format!(
            "{} has no run; searched the runs of {}, which has the same code.",
            short(&reviewed),
            short(&first)
        );
        ran.says(&instead).says(said);
        assert_eq!(sandbox.state(), before);
    }
}

#[test]
fn reports_both_commits_if_the_run_lacks_the_metric() {
    let sandbox = workspace();
    let (gate, first) = checkout(&sandbox);
    let reviewed = reworded(gate.path());
    sandbox.add(run(&first, 0.9));
    let gate = gate.set("COMMIT_ID", &reviewed).set("CLEARML_SCALAR_SERIES", "f1");
    let said = format!(", a run of {} in place of {}", short(&first), short(&reviewed));
    gate.run().expect(3, "NO VERDICT: the candidate did not report validation / f1").says(&said);
}

#[test]
fn a_run_of_the_exact_commit_is_preferred_to_newer_runs() {
    let sandbox = workspace();
    let (gate, first) = checkout(&sandbox);
    let reviewed = reworded(gate.path());
    let own = sandbox.add(run(&reviewed, 0.9));
    sandbox.add(run(&first, 0.99));
    let gate = gate.set("COMMIT_ID", &reviewed);
    let ran = gate.run().expect(0, "PASSED, improved").says("candidate 0.9 ");
    assert!(!ran.out.contains("has no run"), "{}", ran.out);
    assert_eq!(sandbox.tagged(TAG), [own]);
}

#[test]
fn a_run_of_the_same_code_counts_where_the_commit_has_no_clean_run() {
    type Spoil = fn(TaskSeed) -> TaskSeed;
    let ways: [Spoil; 4] = [
        |seed| seed.status("failed"),
        |seed| seed.diff("x"),
        |seed| seed.status("in_progress"),
        |seed| seed.system_tag("archived"),
    ];
    for spoil in ways {
        let sandbox = workspace();
        let (gate, first) = checkout(&sandbox);
        let reviewed = reworded(gate.path());
        let head = sandbox.add(run(&first, 0.9));
        sandbox.add(spoil(run(&reviewed, 0.99)));
        let ran = gate.set("COMMIT_ID", &reviewed).run().expect(0, "PASSED, improved").says("candidate 0.9 ");
        let (reviewed, first) = (short(&reviewed), short(&first));
        ran.says(&format!("{reviewed} has too few clean runs; using the run of {first}, which has the same code"));
        assert_eq!(sandbox.tagged(TAG), [head]);
    }
}

#[test]
fn other_code_does_not_count_where_the_commit_has_no_clean_run() {
    let sandbox = workspace();
    let (gate, first) = checkout(&sandbox);
    sandbox.add(run(&first, 0.9));
    write(gate.path(), "train.py", "worse()\n");
    let reviewed = commit(gate.path(), "worse");
    sandbox.add(run(&reviewed, 0.1).status("failed"));
    let gate = gate.set("COMMIT_ID", &reviewed);
    let ran = gate.run().expect(3, "NO VERDICT: no run of this commit is both completed and");
    let ran = ran.says("1 run of this commit failed");
    assert!(!ran.out.contains("same code"), "{}", ran.out);
    // If the gate cannot know that, the report says so.
    let outside = Gate::of(&sandbox).set("COMMIT_ID", &reviewed);
    let ran = outside.run().expect(3, "NO VERDICT: no run of this commit is both completed and");
    ran.says("Could not look for runs of the same code under other commits: the working directory is not inside");
}

#[test]
fn runs_of_the_same_code_count_toward_the_requested_number() {
    let sandbox = Sandbox::start();
    let (gate, first) = checkout(&sandbox);
    let reviewed = reworded(gate.path());
    sandbox.add(run(BASE, 0.8));
    sandbox.add(run(BASE, 0.8));
    let base = sandbox.add(best(0.8));
    sandbox.add(run(&first, 0.7));
    sandbox.add(run(&first, 0.9));
    let gate = gate.set("COMMIT_ID", &reviewed).set("CLEARML_RUNS", "3");
    gate.run().expect(3, "NO VERDICT: this code has 2 clean runs, but CLEARML_RUNS requires 3");
    let head = sandbox.add(run(&reviewed, 0.95));
    let ran = gate.run().expect(0, "PASSED, improved").says("candidate 0.9 (median of 3 runs, 0.7 to 0.95)");
    ran.says("also counting runs of other commits with the same code");
    assert_eq!(sandbox.tagged(TAG), std::slice::from_ref(&head));
    assert!(!sandbox.tags(&base).contains(&TAG.to_owned()));
    // The same is true for the baseline. Otherwise nothing could be compared with the new best run.
    gate.run().expect(0, "PASSED, unchanged: this run is the baseline");
    write(gate.path(), "train.py", "worse()\n");
    let worse = commit(gate.path(), "worse");
    for value in [0.85, 0.85, 0.99] {
        sandbox.add(run(&worse, value));
    }
    let ran = gate.set("COMMIT_ID", &worse).run().expect(1, "FAILED, degraded");
    ran.says("candidate 0.85 ").says("baseline 0.9 (median of 3 runs, 0.7 to 0.95)");
    assert_eq!(sandbox.tagged(TAG), [head]);
}

#[test]
fn the_baseline_itself_can_be_the_run_of_the_same_code() {
    let sandbox = Sandbox::start();
    let (gate, first) = checkout(&sandbox);
    let reviewed = reworded(gate.path());
    let id = sandbox.add(run(&first, 0.9).tag(TAG));
    let ran = gate.set("COMMIT_ID", &reviewed).set("CLEARML_BASELINE_CHECK", "require").run();
    ran.expect(0, "PASSED, unchanged: this run is the baseline").says("baseline same run as the candidate");
    assert_eq!(sandbox.tagged(TAG), [id]);
}

#[test]
fn abbreviations_count_where_they_can_mean_one_commit_only() {
    let sandbox = workspace();
    let (gate, first) = checkout(&sandbox);
    let reviewed = reworded(gate.path());
    let gate = gate.set("CLEARML_PROMOTE", "never").set("COMMIT_ID", &reviewed[..10]);
    sandbox.add(run(&first[..10], 0.9));
    judged_by(gate.run(), &reviewed, &first[..10]);
    git(gate.path(), &["branch", &reviewed[..10], &first]);
    let ran = gate.run().expect(2, "");
    ran.complains(&format!("{} is also the name of something else", &reviewed[..10])).complains("Give the full id");
    git(gate.path(), &["branch", "--delete", "--force", &reviewed[..10]]);
    // A run of a commit with the same first digits that is not in this clone may have other code.
    sandbox.add(run(&format!("{}{}", &first[..10], "0".repeat(30)), 0.99));
    gate.run().expect(3, NOBODY).says("2 of 3 commits of other runs");
    sandbox.add(run(&first, 0.85));
    judged_by(gate.run(), &reviewed, &first).says("candidate 0.85 ");
}

/// A commit with the same first 12 digits takes one core two minutes. ClearML has a run of such a commit.
#[test]
fn an_abbreviated_commit_is_completed_by_git_and_compared_in_full() {
    let sandbox = workspace();
    let (gate, first) = checkout(&sandbox);
    let crafted = sandbox.add(run(&format!("{}{}", &first[..12], "0".repeat(28)), 0.99));
    let ways: [&[(&str, &str)]; 2] =
        [&[("COMMIT_ID", &first[..12])], &[("BITBUCKET_BUILD_NUMBER", "1"), ("BITBUCKET_COMMIT", &first[..12])]];
    let with = |gate: Gate, way: &[(&str, &str)]| way.iter().fold(gate, |gate, (name, value)| gate.set(name, value));
    let mut gate = gate.unset("COMMIT_ID");
    for way in ways {
        gate = with(gate.unset("COMMIT_ID"), way);
        gate.run().expect(3, NOBODY).says(&format!("commit {first}"));
        let outside = with(Gate::of(&sandbox).unset("COMMIT_ID"), way);
        sandbox.clear_log();
        let ran = outside.run().expect(2, "").complains(&first[..12]);
        ran.complains(
            "is abbreviated, and git cannot complete it: the working directory is not inside a git repository",
        )
        .complains("Give the full id, or run the gate in a checkout that contains this commit");
        assert_eq!(sandbox.requests().len(), 0);
    }
    let absent = gate.command().env("BITBUCKET_COMMIT", "0123456789ab").output().unwrap();
    Ran::of(&absent).expect(2, "").complains("0123456789ab matches no commit in this clone, or more than one");
    let head = sandbox.add(run(&first, 0.9));
    gate.run().expect(0, "PASSED, improved").says("candidate 0.9 ");
    assert_eq!(sandbox.tagged(TAG), [head]);
    let gate = gate.set("COMMIT_ID", &first[..7].to_uppercase());
    gate.run().expect(0, "PASSED, unchanged: this run is the baseline");
    assert!(sandbox.tags(&crafted).is_empty());
}

#[test]
fn a_path_that_is_not_there_is_never_the_same() {
    let sandbox = workspace();
    let (gate, first) = checkout(&sandbox);
    let reviewed = reworded(gate.path());
    sandbox.add(run(&first, 0.9));
    let mut gate = gate.set("COMMIT_ID", &reviewed);
    let missing = [
        ("trian.py", "the commit has nothing at the path trian.py; similar paths: train.py"),
        ("src\nsrc/modle.py", "the commit has nothing at the path src/modle.py; similar paths: src/model.py"),
        ("Train.py", "the commit has nothing at the path Train.py; similar paths: train.py"),
        ("*.py", "the commit has nothing at the path *.py"),
        ("weights", "the commit has nothing at the path weights. Paths start at the repository's root"),
        ("train.py/weights", "the path train.py/weights goes through train.py, which is a file"),
    ];
    for (paths, said) in missing {
        gate = gate.set("CLEARML_CODE_PATHS", paths);
        gate.run().expect(3, NOBODY).says("Could not look for runs of the same code under other commits:").says(said);
    }
    // If the commit has a run, the paths do not matter.
    sandbox.add(run(&reviewed, 0.9));
    gate.run().expect(0, "PASSED, improved");
}

/// A link stores only its target's path. A change of the target changes no object below the code path.
#[cfg(unix)]
#[test]
fn a_link_that_leads_out_of_the_code_paths_is_never_the_same() {
    let links = [
        ("../shared/config.yaml", "the link src/link leads to shared/config.yaml, which is outside the code paths"),
        ("..", "the link src/link leads to the repository's root, which is outside the code paths"),
        ("/etc/hosts", "the link src/link leads to /etc/hosts, which is outside the repository"),
        ("../../data", "the link src/link leads to ../../data, which is outside the repository"),
        ("../src/../shared", "the target of the link src/link cannot be followed"),
    ];
    for (target, said) in links {
        let sandbox = workspace();
        let (gate, _) = checkout(&sandbox);
        let folder = gate.path().to_owned();
        write(&folder, "shared/config.yaml", "layers: 3\n");
        std::os::unix::fs::symlink(target, folder.join("src/link")).unwrap();
        let ran = commit(&folder, "a link");
        sandbox.add(run(&ran, 0.9));
        write(&folder, "shared/config.yaml", "layers: 4\n");
        let changed = commit(&folder, "deeper");
        let gate = gate.set("COMMIT_ID", &changed).set("CLEARML_CODE_PATHS", "train.py\nsrc");
        let report = gate.run().expect(3, NOBODY).says(said);
        report.says("Could not look for runs of the same code under other commits:");
        // The other file is the same, and the link does not lead to it.
        let train = gate.set("CLEARML_CODE_PATHS", "train.py");
        stands_at(train.run(), &changed, &ran, "train.py");
        // The whole tree is the same, and so is every target of a link in the repository.
        let sandbox = workspace();
        sandbox.add(run(&changed, 0.9));
        let reworded = reworded(&folder);
        let gate = Gate::of(&sandbox).set("COMMIT_ID", &reworded).set("CLEARML_CODE_PATHS", "src");
        let gate = gate.set("GIT_DIR", folder.join(".git").to_str().unwrap());
        stands_at(gate.run(), &reworded, &changed, "src");
    }
}

#[cfg(unix)]
#[test]
fn a_link_within_the_code_paths_is_the_same_and_its_target_is_compared() {
    let sandbox = workspace();
    let (gate, _) = checkout(&sandbox);
    let folder = gate.path().to_owned();
    write(&folder, "shared/deep/config.yaml", "layers: 3\n");
    for (link, target) in [("src/link", "../shared/deep/config.yaml"), ("src/self", "./model.py"), ("src/to", "link")] {
        std::os::unix::fs::symlink(target, folder.join(link)).unwrap();
    }
    let ran = commit(&folder, "links");
    sandbox.add(run(&ran, 0.9));
    write(&folder, "README.md", "A better model\n");
    let reviewed = commit(&folder, "words");
    let gate = gate.set("COMMIT_ID", &reviewed).set("CLEARML_PROMOTE", "never");
    let gate = gate.set("CLEARML_CODE_PATHS", "src\nshared");
    stands_at(gate.run(), &reviewed, &ran, "src, shared");
    let gate = gate.set("CLEARML_CODE_PATHS", "src\nshared/deep/config.yaml");
    stands_at(gate.run(), &reviewed, &ran, "src, shared/deep/config.yaml");
    let gate = gate.set("CLEARML_CODE_PATHS", "src\nshared/dee");
    gate.run().expect(3, NOBODY).says("the commit has nothing at the path shared/dee");
    let gate = gate.set("CLEARML_CODE_PATHS", "src");
    let advice = "Add the target of the link to CLEARML_CODE_PATHS";
    gate.run().expect(3, NOBODY).says("outside the code paths").says(advice);
    write(&folder, "shared/deep/config.yaml", "layers: 4\n");
    let changed = commit(&folder, "deeper");
    let gate = gate.set("COMMIT_ID", &changed).set("CLEARML_CODE_PATHS", "src\nshared");
    let report = gate.run().expect(3, NOBODY);
    assert!(!report.out.contains("Could not look for runs"), "{}", report.out);
}

#[test]
fn says_how_to_fix_a_failed_search_for_the_same_code() {
    let sandbox = workspace();
    let (gate, first) = checkout(&sandbox);
    let reviewed = reworded(gate.path());
    let newest = commit(gate.path(), "once more");
    sandbox.add(run(&first, 0.9));
    sandbox.add(run(HEAD, 0.9));
    let shallow = Gate::of(&sandbox).set("COMMIT_ID", &newest);
    let origin = format!("file://{}", gate.path().to_str().unwrap());
    git(shallow.path(), &["clone", "--quiet", "--depth=1", &origin, "."]);
    let shallow_of_another = Gate::of(&sandbox).set("COMMIT_ID", &reviewed);
    git(shallow_of_another.path(), &["clone", "--quiet", "--depth=1", &origin, "."]);
    let not_here = format!("commit {reviewed} is not in this clone. Check out the repository with its whole history");
    let in_none = "the working directory is not inside a git repository. Check out the repository";
    let cases = [
        (shallow, "3 of 3 commits of other runs are not in this clone"),
        (shallow_of_another, not_here.as_str()),
        (Gate::of(&sandbox).set("COMMIT_ID", &reviewed), in_none),
        (gate.set("COMMIT_ID", OTHER), "is not in this clone"),
    ];
    for (gate, said) in cases {
        let ran = gate.run().expect(3, NOBODY).says(said).says("(actions/checkout with fetch-depth: 0)");
        assert_eq!(ran.err, "");
        // A commit with a run is still judged.
        gate.set("COMMIT_ID", HEAD).set("CLEARML_PROMOTE", "never").run().expect(0, "PASSED, improved");
    }
}

#[test]
fn hostile_commits_in_clearml_are_escaped_and_not_passed_to_git() {
    let sandbox = workspace();
    let (gate, first) = checkout(&sandbox);
    let reviewed = reworded(gate.path());
    let long = "f".repeat(1_000_000);
    let hostile = [
        "HEAD",
        "main",
        "refs/heads/main",
        "--batch-all-objects",
        "$(touch pwned)",
        "; touch pwned",
        "a\nHEAD\n",
        "\u{1b}[31mred\u{202e}",
        "::error::pwned",
        "..",
        " ",
        &long,
        &format!("{first}^{{tree}}"),
        &format!("{first} {reviewed}"),
        &git(gate.path(), &["rev-parse", "HEAD^{tree}"]),
    ];
    for text in hostile {
        sandbox.add(run(text, 0.99));
    }
    let gate = gate.set("COMMIT_ID", &reviewed);
    let ran = gate.run().expect(3, NOBODY);
    assert!(!ran.out.contains(['\u{1b}', '\u{202e}']) && !ran.out.contains("::error"), "{}", ran.out);
    assert!(!gate.path().join("pwned").exists());
    sandbox.add(run(&first, 0.9));
    judged_by(gate.run(), &reviewed, &first).says("candidate 0.9 ");
}

#[test]
fn every_report_names_both_commits() {
    let sandbox = workspace();
    let (gate, first) = checkout(&sandbox);
    let reviewed = reworded(gate.path());
    sandbox.add(run(&first, 0.9));
    let gate = gate.set("COMMIT_ID", &reviewed).set("CLEARML_CODE_PATHS", "src\ntrain.py");
    let gate = gate.args(&["--json", "report.json", "--markdown", "report.md", "--junit", "report.xml"]);
    let mut texts = vec![gate.run().expect(0, "PASSED, improved").out];
    texts.extend(
        ["report.json", "report.md", "report.xml"].map(|file| fs::read_to_string(gate.path().join(file)).unwrap()),
    );
    for text in &texts {
        assert!(text.contains(short(&reviewed)) && text.contains(short(&first)), "{text}");
    }
    let report: Value = serde_json::from_str(&texts[1]).unwrap();
    assert_eq!((&report["commit"], &report["candidate"]["commit"]), (&json!(reviewed), &json!(first)));
    assert_eq!(report["judged_via"], json!({"kind": "same_code", "paths": "src, train.py", "pull_request": null}));
}

#[test]
fn impossible_paths_are_rejected_with_an_example() {
    let sandbox = workspace();
    for (paths, said) in [
        ("/src", "is absolute"),
        ("C:/src", "is absolute"),
        ("src\n../lib", "the path \"../lib\" contains .."),
        ("src\\train", "contains a backslash"),
        ("src\u{7}", "contains a control character"),
    ] {
        let ran = Gate::of(&sandbox).set("CLEARML_CODE_PATHS", paths).run().expect(2, "");
        ran.complains("CLEARML_CODE_PATHS: the path").complains(said).complains("Example: src");
    }
    assert_eq!(sandbox.requests().len(), 0);
}

#[test]
fn medians_are_of_the_runs_of_the_same_code_under_any_commit() {
    let sandbox = Sandbox::start();
    let (gate, first) = checkout(&sandbox);
    let second = reworded(gate.path());
    let reviewed = commit(gate.path(), "once more");
    let base = sandbox.add(best(0.8));
    sandbox.add(run(BASE, 0.7));
    sandbox.add(run(&first, 0.5));
    let gate = gate.set("COMMIT_ID", &reviewed).set("CLEARML_RUNS", "2");
    gate.run().expect(3, "NO VERDICT: this code has 1 clean run, but CLEARML_RUNS requires 2");
    sandbox.add(run(&second, 0.9));
    let ran = gate.run().expect(1, "FAILED, degraded").says("candidate 0.7 (median of 2 runs, 0.5 to 0.9)");
    ran.says("baseline 0.75 (median of 2 runs, 0.7 to 0.8)");
    assert_eq!(sandbox.tagged(TAG), [base]);
    let newest = sandbox.add(run(&first, 0.8));
    gate.run().expect(0, "PASSED, improved").says("candidate 0.85 (median of 2 runs, 0.8 to 0.9)");
    assert_eq!(sandbox.tagged(TAG), [newest]);
}

#[test]
fn waits_for_a_running_run_of_the_same_code() {
    let sandbox = workspace();
    let (gate, first) = checkout(&sandbox);
    let reviewed = reworded(gate.path());
    let head = sandbox.add(run(&first, 0.9).status("in_progress"));
    let (id, mut looks) = (head.clone(), 0);
    sandbox.on_request(move |request, workspace| {
        looks += usize::from(request.body.to_string().contains("script.version_num"));
        if looks == 4 {
            workspace.edit(&id, |task| task["status"] = json!("completed"));
        }
    });
    let ran = judged_by(gate.set("COMMIT_ID", &reviewed).set("CLEARML_WAIT", "1m").run(), &reviewed, &first);
    assert!(ran.err.starts_with("waiting, 0 s of 1 min: 1 run running"), "{}", ran.err);
    assert_eq!(sandbox.tagged(TAG), [head]);
}

#[test]
fn waits_for_a_run_of_the_same_code_to_appear() {
    let sandbox = workspace();
    let (gate, first) = checkout(&sandbox);
    let reviewed = reworded(gate.path());
    let (ran, mut looks) = (first.clone(), 0);
    sandbox.on_request(move |request, workspace| {
        // An attempt that finds no run lists the runs of the commit and the newest runs.
        looks += usize::from(request.body.to_string().contains("last_iteration"));
        if looks == 3 && workspace.tagged("new").is_empty() {
            workspace.add(run(&ran, 0.9).tag("new"));
        }
    });
    let ran = judged_by(gate.set("COMMIT_ID", &reviewed).set("CLEARML_WAIT", "1m").run(), &reviewed, &first);
    assert_eq!(ran.err, "waiting, 0 s of 1 min: this commit has no run yet\n");
}

#[test]
fn two_more_requests_find_the_run_of_the_same_code() {
    let sandbox = workspace();
    let (gate, first) = checkout(&sandbox);
    let reviewed = reworded(gate.path());
    sandbox.add(run(&first, 0.9));
    judged_by(gate.set("COMMIT_ID", &reviewed).run(), &reviewed, &first);
    let asked: Vec<String> = sandbox.requests().iter().map(|request| request.endpoint.clone()).collect();
    let runs = "tasks.get_all_ex";
    let verdict = ["auth.login", "projects.get_all_ex", runs, runs, runs, runs];
    let promotion = ["tasks.update_tags", runs, "tasks.update_tags"];
    assert_eq!(asked, [&verdict[..], &promotion, &["events.multi_task_scalar_metrics_iter_histogram"]].concat());
}

#[test]
fn the_tag_moves_to_the_run_of_the_same_code() {
    let sandbox = workspace();
    let base = sandbox.tagged(TAG);
    let (gate, first) = checkout(&sandbox);
    let reviewed = reworded(gate.path());
    let head = sandbox.add(run(&first, 0.9).tag("mine"));
    let gate = gate.set("COMMIT_ID", &reviewed);
    sandbox.fault(At::NthOf("tasks.update_tags", 2), Effect::status(403));
    gate.run().expect(4, "PASSED, improved, BUT MOVING THE TAG FAILED");
    assert_eq!(sandbox.tagged(TAG).len(), 2);
    sandbox.clear_faults();
    gate.run().expect(0, "PASSED, unchanged").says(&format!("moved to the candidate from {}", base[0]));
    assert_eq!(
        (sandbox.tagged(TAG), sandbox.tags(&base[0])),
        (vec![head], vec!["prod".to_owned(), "team-a".to_owned()])
    );
}

/// `CLEARML_PROMOTE` is `merge`. The merge commit is pushed to main and has no run.
#[test]
fn at_the_merge_the_run_of_the_head_gets_the_tag() {
    let sandbox = workspace();
    let (gate, _) = checkout(&sandbox);
    let ran = change(gate.path());
    git(gate.path(), &["merge", "--quiet", "--squash", "change"]);
    let squashed = commit(gate.path(), "squashed (#7)");
    let head = sandbox.add(run(&ran, 0.9));
    let push = json!({"ref": "refs/heads/main", "after": squashed, "repository": {"default_branch": "main"}});
    let gate = gate.unset("COMMIT_ID").on_event("push", &push.to_string()).set("CLEARML_PROMOTE", "merge");
    judged_by(gate.run(), &squashed, &ran);
    assert_eq!(sandbox.tagged(TAG), [head]);
}

#[test]
fn says_that_only_the_newest_runs_are_searched() {
    let sandbox = workspace();
    let (gate, first) = checkout(&sandbox);
    let reviewed = reworded(gate.path());
    write(gate.path(), "train.py", "print(2)\n");
    let different = commit(gate.path(), "different");
    sandbox.add(run(&first, 0.9));
    for _ in 0..500 {
        sandbox.add(TaskSeed::new(PROJECT, TASK).commit(&different));
    }
    let gate = gate.set("COMMIT_ID", &reviewed);
    gate.run().expect(3, NOBODY).says("Only the newest 500 runs with this name were searched for the same code");
    sandbox.add(run(&first, 0.9));
    judged_by(gate.run(), &reviewed, &first);
}

#[test]
fn gives_no_hint_if_all_runs_have_other_code() {
    let sandbox = Sandbox::start();
    let (gate, first) = checkout(&sandbox);
    sandbox.add(run(&first, 0.9));
    write(gate.path(), "train.py", "print(2)\n");
    let reviewed = commit(gate.path(), "different");
    let ran = gate.set("COMMIT_ID", &reviewed).run().expect(3, NOBODY).says(&format!("of {}", short(&first)));
    assert!(!ran.out.contains("the same code"), "{}", ran.out);
}

/// How the gate runs git, and what happens without git.
#[cfg(unix)]
mod git_itself {
    use super::*;

    /// The gate with a `git` that records its arguments.
    fn watched(gate: Gate) -> Gate {
        let log = gate.path().join(".git/asked");
        gate.with_git(&format!("echo \"$@\" >>'{}'\nexec \"$GIT\" \"$@\"", log.display()))
    }

    fn asked(gate: &Gate) -> Vec<String> {
        let log = fs::read_to_string(gate.path().join(".git/asked")).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    #[test]
    fn one_process_compares_all_commits_and_none_where_the_commit_was_run() {
        let sandbox = workspace();
        let (gate, first) = checkout(&sandbox);
        let reviewed = reworded(gate.path());
        for n in 0..2000 {
            sandbox.add(TaskSeed::new(PROJECT, TASK).commit(&format!("{n:040x}")));
        }
        sandbox.add(run("--all-of-them", 0.9));
        sandbox.add(run(&first, 0.9));
        let gate = watched(gate).set("COMMIT_ID", &reviewed).set("CLEARML_PROMOTE", "never");
        judged_by(gate.run(), &reviewed, &first);
        let log = asked(&gate);
        assert_eq!(log.len(), 1, "{log:?}");
        assert!(log[0].contains("cat-file") && !log[0].contains("--all-of-them"), "{log:?}");
        gate.set("COMMIT_ID", &first).run().expect(0, "PASSED, improved");
        let (gate, _) = checkout(&sandbox);
        let gate = watched(gate).set("COMMIT_ID", &first);
        gate.run().expect(0, "PASSED, improved");
        assert_eq!(asked(&gate), [""; 0]);
    }

    #[test]
    fn without_git_only_a_commit_with_a_run_is_judged() {
        let sandbox = workspace();
        let (gate, first) = checkout(&sandbox);
        let reviewed = reworded(gate.path());
        sandbox.add(run(&first, 0.9));
        let empty = gate.path().join(".git/empty");
        fs::create_dir(&empty).unwrap();
        let gate = gate.set("PATH", empty.to_str().unwrap()).set("COMMIT_ID", &reviewed);
        gate.run().expect(3, NOBODY).says(
            "git is not installed. Install git in the image of this step; a git inside the checkout is not used.",
        );
        gate.set("COMMIT_ID", &first).run().expect(0, "PASSED, improved");
    }
}

/// What an attacker can put into the checkout for git.
#[cfg(unix)]
mod a_hostile_checkout {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    /// A program that creates a file, and that file.
    fn trap(gate: &Gate, at: &str) -> (String, std::path::PathBuf) {
        let (program, mark) = (gate.path().join(at), gate.path().join(".git/pwned"));
        write(gate.path(), at, &format!("#!/bin/sh\ntouch '{}'\necho {OTHER}\n", mark.display()));
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        (program.to_str().unwrap().to_owned(), mark)
    }

    /// On Jenkins, where the gate also asks git about the merge.
    fn on_jenkins(gate: Gate) -> Gate {
        gate.set("JENKINS_URL", "https://ci").set("CHANGE_ID", "7").set("BRANCH_NAME", "PR-7").unset("COMMIT_ID")
    }

    #[test]
    fn no_program_in_the_checkout_runs() {
        let sandbox = workspace();
        let (gate, first) = checkout(&sandbox);
        let (program, mark) = trap(&gate, ".git/hooks/post-index-change");
        write(gate.path(), ".gitattributes", "* filter=evil diff=evil merge=evil\n");
        let reviewed = reworded(gate.path());
        sandbox.add(run(&first, 0.9));
        let names = "core.fsmonitor core.pager core.sshCommand core.askPass core.editor core.alternateRefsCommand \
                     core.gitProxy credential.helper diff.external diff.evil.textconv filter.evil.clean \
                     filter.evil.smudge filter.evil.process gpg.program pager.cat-file pager.rev-list pager.rev-parse \
                     sequence.editor uploadpack.packObjectsHook remote.origin.uploadpack alias.rev-parse";
        let hostile: Vec<String> = names
            .split_whitespace()
            .map(|name| {
                let (section, key) = name.rsplit_once('.').unwrap();
                let section = section.split_once('.').map_or(section.to_owned(), |(a, b)| format!("{a} \"{b}\""));
                format!("[{section}]\n\t{key} = {program}\n")
            })
            .collect();
        write(gate.path(), ".git/hostile", &hostile.concat());
        for hook in ["reference-transaction", "post-checkout", "fsmonitor-watchman"] {
            trap(&gate, &format!(".git/hooks/{hook}"));
        }
        git(gate.path(), &["config", "core.hooksPath", ".git/hooks"]);
        git(gate.path(), &["config", "include.path", "hostile"]);
        let _ = fs::remove_file(&mark);
        let gate = on_jenkins(gate).set("CLEARML_BASELINE_CHECK", "require").set("CLEARML_PROMOTE", "never");
        gate.run().expect(3, "NO VERDICT").says("the baseline");
        let gate = gate.set("CLEARML_BASELINE_CHECK", "off");
        judged_by(gate.run(), &reviewed, &first);
        assert!(!mark.exists());
    }

    #[test]
    fn a_program_named_git_in_the_checkout_is_not_started() {
        let sandbox = workspace();
        let (gate, first) = checkout(&sandbox);
        let (_, mark) = trap(&gate, "git");
        trap(&gate, "bin/git");
        sandbox.add(run(&first, 0.9));
        let path = std::env::var("PATH").unwrap();
        let mut gate = gate.unset("COMMIT_ID").set("CLEARML_PROMOTE", "never");
        let here = gate.path().to_str().unwrap().to_owned();
        let elsewhere = tempfile::tempdir().unwrap();
        let link = elsewhere.path().join("bin");
        std::os::unix::fs::symlink(gate.path().join("bin"), &link).unwrap();
        let link = link.to_str().unwrap();
        for first in [".", "", "bin:./bin", &here, &format!("{here}/bin"), &format!("{here}/src/../bin"), link] {
            gate = gate.set("PATH", &format!("{first}:{path}"));
            gate.run().expect(0, "PASSED, improved");
            let below = gate.command().current_dir(gate.path().join("src")).output().unwrap();
            Ran::of(&below).expect(0, "PASSED, improved");
        }
        for path in [".", "bin", ":", &here, link] {
            gate = gate.set("PATH", path);
            gate.run()
                .expect(2, "")
                .complains("COMMIT_ID: is not set, and the checked-out commit is unknown: git is not installed");
        }
        assert!(!mark.exists());
    }

    #[test]
    fn replaced_commits_and_made_up_parents_are_not_believed() {
        let sandbox = workspace();
        let (gate, first) = checkout(&sandbox);
        write(gate.path(), "train.py", "print(2)\n");
        let reviewed = commit(gate.path(), "other code");
        sandbox.add(run(&first, 0.9));
        git(gate.path(), &["replace", &reviewed, &first]);
        let gate = gate.set("COMMIT_ID", &reviewed);
        gate.run().expect(3, NOBODY);
        // The same is true if the gate looks for the head of a pull request among the parents of the built commit.
        git(gate.path(), &["replace", "--delete", &reviewed]);
        git(gate.path(), &["checkout", "--quiet", "--orphan", "elsewhere"]);
        let unrelated = commit(gate.path(), "of nobody");
        git(gate.path(), &["update-ref", "refs/remotes/origin/PR-7", &unrelated]);
        sandbox.add(run(&unrelated, 0.9));
        write(gate.path(), ".git/info/grafts", &format!("{reviewed} {unrelated}\n"));
        let gate = on_jenkins(gate).set("GIT_COMMIT", &reviewed).set("CLEARML_CODE_PATHS", "train.py");
        let ran = gate.run();
        assert!(!ran.out.contains("GIT_COMMIT's parent"), "{}", ran.out);
        assert!(ran.out.contains(short(&reviewed)), "{}", ran.out);
    }

    /// Git treats a folder with HEAD, objects and refs as a repository, and any commit can contain one.
    #[test]
    fn a_folder_that_looks_like_a_repository_is_not_asked() {
        let sandbox = workspace();
        let (gate, first) = checkout(&sandbox);
        sandbox.add(run(&first, 0.9));
        write(gate.path(), "train.py", "worse()\n");
        let reviewed = commit(gate.path(), "worse");
        git(gate.path(), &["clone", "--quiet", "--bare", ".", "models"]);
        git(&gate.path().join("models"), &["update-ref", "HEAD", &first]);
        let gate = gate.unset("COMMIT_ID");
        let within = |gate: &Gate| Ran::of(&gate.command().current_dir(gate.path().join("models")).output().unwrap());
        within(&gate).expect(2, "").complains("COMMIT_ID: is not set, and the checked-out commit is unknown");
        let gate = gate.set("COMMIT_ID", &reviewed);
        within(&gate).expect(3, NOBODY).says("bare repository");
        assert_eq!(sandbox.tagged(TAG).len(), 1);
    }

    /// Variables that the test's shell adds, that the gate always sets, and that it passes on.
    const VARIABLES_OF_GIT: [&str; 15] = [
        "_",
        "PWD",
        "SHLVL",
        "GIT_ALLOW_PROTOCOL",
        "GIT_CONFIG_COUNT",
        "GIT_CONFIG_KEY_0",
        "GIT_CONFIG_VALUE_0",
        "GIT_GRAFT_FILE",
        "GIT_NO_LAZY_FETCH",
        "GIT_OPTIONAL_LOCKS",
        "GIT_TERMINAL_PROMPT",
        "LC_ALL",
        "HOME",
        "PATH",
        "USERPROFILE",
    ];

    #[test]
    fn git_and_what_it_starts_get_no_secret() {
        let sandbox = workspace();
        let (gate, first) = checkout(&sandbox);
        let reviewed = reworded(gate.path());
        sandbox.add(run(&first, 0.9));
        let log = gate.path().join(".git/environment");
        let gate = gate.with_git(&format!("env >>'{}'; exec \"$GIT\" \"$@\"", log.display()));
        let gate = gate.set("GITHUB_TOKEN", "token-of-the-job").set("COMMIT_ID", &reviewed);
        let gate = gate.set("DATABASE_URL", "https://user:hunter2@db").set("GIT_PASSWORD", "hunter2");
        let gate = gate.set("GIT_ASKPASS", "/hunter2").set("GIT_CONFIG_COUNT", "2");
        let gate = gate.set("GIT_CONFIG_KEY_0", "http.extraheader").set("GIT_CONFIG_VALUE_0", "hunter2");
        let gate = gate.set("GIT_CONFIG_KEY_1", "safe.directory").set("GIT_CONFIG_VALUE_1", "*");
        judged_by(gate.run(), &reviewed, &first);
        let gate = on_jenkins(gate);
        gate.run();
        let seen = fs::read_to_string(log).unwrap();
        assert!(seen.contains("GIT_TERMINAL_PROMPT=0") && seen.contains("GIT_CONFIG_KEY_0=safe.directory"), "{seen}");
        for secret in [sandbox.access_key(), sandbox.secret_key(), "token-of-the-job", "hunter2"] {
            assert!(!seen.contains(secret), "{seen}");
        }
        for line in seen.lines() {
            let name = line.split('=').next().unwrap();
            assert!(VARIABLES_OF_GIT.contains(&name), "{line}");
        }
    }
}
