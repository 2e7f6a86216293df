//! What must hold for any output of git. Panics where it does not.

use std::io::{self, Cursor};
use std::path::Path;

use super::history::{find_tip, search};
use super::objects::Objects;
use super::process::{Failure, Git, Pipes, Reply};
use super::same_code::compare_all;
use super::{CodePaths, GitError, Identity};
use crate::environment::Environment;
use crate::model::commit::Commit;

const ASKED: &str = "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3";
const OTHER: &str = "b6589fc6ab0dc82cf12099d1c2d40ab994e8410c";
const TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/// Reads an output of git: the first byte chooses the question, the rest is the output.
///
/// # Panics
/// When one of these properties does not hold.
pub fn git_output(data: &[u8]) {
    let Some((which, output)) = data.split_first() else { return };
    match which % 6 {
        0 => check_commit(output),
        1 => check_tree(output),
        2 => check_comparison(output),
        3 => check_search(output),
        4 => check_tip(output),
        _ => check_explanation(output),
    }
}

fn pipes(output: &[u8]) -> Pipes {
    Pipes { to: Box::new(io::sink()), from: Box::new(Cursor::new(output.to_vec())) }
}

fn first_line(output: &[u8]) -> &[u8] {
    output.split(|&byte| byte == b'\n').next().unwrap_or_default()
}

fn contains(output: &[u8], text: &str) -> bool {
    output.windows(text.len()).any(|part| part == text.as_bytes())
}

fn is_id(id: &str) -> bool {
    matches!(id.len(), 40 | 64) && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn check_commit(output: &[u8]) {
    let Ok(asked) = Commit::parse(ASKED.get(..9).unwrap_or_default()) else { return };
    let Ok(commit) = Objects(pipes(output)).commit(&asked) else { return };
    assert!(is_id(&commit.id) && commit.id.starts_with(asked.as_str()), "{} is another commit", commit.id);
    assert!(first_line(output).starts_with(format!("{} commit ", commit.id).as_bytes()), "git printed another id");
    assert!(is_id(&commit.tree) && contains(output, &commit.tree), "{} is not the tree", commit.tree);
}

fn check_tree(output: &[u8]) {
    let Ok(Some(entries)) = Objects(pipes(output)).tree(TREE) else { return };
    assert!(first_line(output).starts_with(format!("{TREE} tree ").as_bytes()), "git printed another id");
    assert!(entries.iter().all(|entry| is_id(&entry.hex_id()) && entry.hex_id().len() == TREE.len()), "an invalid id");
    assert!(entries.iter().all(|entry| !entry.name.contains('\0')), "an invalid name");
}

/// Another commit has the same code only if git printed both.
fn check_comparison(output: &[u8]) {
    let (Ok(candidate), Ok(other), Ok(paths)) =
        (Commit::parse(ASKED), Commit::parse(OTHER), CodePaths::parse("src/a.py\nb"))
    else {
        return;
    };
    for paths in [CodePaths::default(), paths] {
        let others = [candidate.clone(), other.clone()];
        let Ok(all) = compare_all(Objects(pipes(output)), &candidate, &others, &paths) else { continue };
        assert_eq!(all.len(), others.len());
        let both = [ASKED, OTHER].iter().all(|id| contains(output, &format!("{id} commit ")));
        assert!(all.last() != Some(&Identity::Same) || both, "git did not print both commits");
    }
}

fn check_search(output: &[u8]) {
    let complete = output.split_inclusive(|&byte| byte == 0).filter_map(|record| record.strip_suffix(&[0]));
    let records: Vec<&[u8]> = complete.collect();
    // A longer id can start the same way.
    let is_commit = |record: &&[u8]| record.split(|byte| b" \n".contains(byte)).next() == Some(ASKED.as_bytes());
    match search(pipes(output), ASKED, TREE) {
        Ok(Reply::Early(found)) => {
            assert_eq!(found, Some(true));
            let has_tree = |record: &&[u8]| contains(record, &format!("tree {TREE}"));
            assert!(records.iter().any(|record| is_commit(record) || has_tree(record)), "git listed neither");
        }
        Ok(Reply::Complete(found)) => {
            assert!(!records.is_empty() && output.ends_with(&[0]), "an incomplete list was taken for a complete one");
            assert!(!records.iter().any(is_commit), "the commit was overlooked");
            assert_ne!(found, Some(true));
        }
        Err(Failure::PipeClosed | Failure::Known(_)) => {}
    }
}

fn check_tip(output: &[u8]) {
    let output = String::from_utf8_lossy(output);
    let name = "refs/heads/main".to_owned();
    let Some(tip) = find_tip(std::slice::from_ref(&name), &output) else { return };
    assert!(is_id(&tip) && output.lines().any(|line| line == format!("{name} {tip}")), "git did not list this tip");
}

fn check_explanation(output: &[u8]) {
    let environment = Environment::default();
    let error = Git::new(Path::new("."), &environment).explain_text(&String::from_utf8_lossy(output));
    let several_lines = matches!(&error, GitError::Failed(line) | GitError::NotOwned(line) if line.contains('\n') && !output.contains(&b'\''));
    assert!(!several_lines, "{error:?}");
    let _ = (error.to_string(), error.advice());
}
