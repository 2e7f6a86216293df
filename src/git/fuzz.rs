//! What must hold of anything that git says. Panics where it does not.

use std::io::{self, Cursor};
use std::path::Path;

use super::history::{search, tip};
use super::objects::{Answer, Kind, Objects};
use super::process::{Broken, Git, Heard, Pipes};
use super::same_code::identities;
use super::{Belongs, CodePaths, GitError, Identity};
use crate::environment::Environment;
use crate::model::commit::Commit;

const ASKED: &str = "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3";
const OTHER: &str = "b6589fc6ab0dc82cf12099d1c2d40ab994e8410c";
const TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/// Hears what git says: the first byte chooses what it was asked, the rest is its answer.
///
/// # Panics
/// Where something of that does not hold.
pub fn git_output(data: &[u8]) {
    let Some((which, said)) = data.split_first() else { return };
    match which % 6 {
        0 => is_the_object(said, ASKED, Kind::Commit),
        1 => is_the_object(said, ASKED.get(..9).unwrap_or_default(), Kind::Tree),
        2 => is_compared(said),
        3 => is_found_in_history(said),
        4 => is_the_tip(said),
        _ => is_explained(said),
    }
}

fn pipes(said: &[u8]) -> Pipes {
    Pipes { to: Box::new(io::sink()), from: Box::new(Cursor::new(said.to_vec())) }
}

fn line(said: &[u8]) -> &[u8] {
    said.split(|&byte| byte == b'\n').next().unwrap_or_default()
}

fn holds(said: &[u8], text: &str) -> bool {
    said.windows(text.len()).any(|part| part == text.as_bytes())
}

fn is_id(id: &str) -> bool {
    matches!(id.len(), 40 | 64) && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_the_object(said: &[u8], asked: &str, kind: Kind) {
    let Ok(Answer::Found(object)) = Objects::new(pipes(said)).ask(asked, kind) else { return };
    assert!(is_id(&object.id) && object.id.starts_with(asked), "{} was not asked for", object.id);
    assert!(line(said).starts_with(format!("{} {kind} ", object.id).as_bytes()), "git announced something else");
    let tree = object.tree();
    assert!(tree.is_err() || tree.is_ok_and(|tree| is_id(&tree) && holds(said, &tree)), "a tree that is none");
    let entries = object.entries().unwrap_or_default();
    assert!(entries.iter().all(|entry| entry.id.len() == object.id.len() && is_id(&entry.id)), "an id that is none");
    assert!(entries.iter().all(|entry| !entry.name.contains(&0)), "a name that is none");
}

/// Another commit holds the same code only if git told of it.
fn is_compared(said: &[u8]) {
    let (Ok(of), Ok(other), Ok(paths)) = (Commit::parse(ASKED), Commit::parse(OTHER), CodePaths::parse("src/a.py\nb"))
    else {
        return;
    };
    for paths in [CodePaths::default(), paths] {
        let others = [Some(of.clone()), None, Some(other.clone()), Some(other.clone())];
        let Ok(all) = identities(Objects::new(pipes(said)), &of, &others, &paths) else { continue };
        let [_, no_commit, first, again] = all.as_slice() else { return };
        assert_eq!((*no_commit, first), (Identity::NoCommit, again));
        assert!(*first != Identity::Same || holds(said, &format!("{OTHER} commit ")), "git knows nothing of it");
        assert!(*first != Identity::Same || holds(said, &format!("{ASKED} commit ")), "git knows nothing of this one");
    }
}

fn is_found_in_history(said: &[u8]) {
    let complete = said.split_inclusive(|&byte| byte == 0).filter_map(|record| record.strip_suffix(&[0]));
    let records: Vec<&[u8]> = complete.collect();
    match search(pipes(said), ASKED, TREE) {
        Ok(Heard::Enough(Some(Belongs::InHistory))) => {
            assert!(records.iter().any(|record| record.starts_with(ASKED.as_bytes())), "git did not list it");
        }
        Ok(Heard::Enough(Some(Belongs::SameTree(commit)))) => {
            let has_tree = |record: &&[u8]| record.starts_with(commit.as_str().as_bytes()) && holds(record, TREE);
            assert!(commit.is_full() && records.iter().any(has_tree), "another commit has the tree");
        }
        Ok(Heard::All(all)) => {
            assert!(!records.is_empty() && said.ends_with(&[0]), "a list that ends early was taken for a whole one");
            // A longer id may begin alike.
            let is_it = |record: &&[u8]| line(record) == ASKED.as_bytes();
            assert!(!records.iter().any(is_it), "it was passed over");
            assert!(matches!(all, None | Some(Belongs::No)));
        }
        Ok(Heard::Enough(_)) => assert!(said.is_empty(), "a search without an end"),
        Err(Broken::Pipe | Broken::Known(_)) => {}
    }
}

fn is_the_tip(said: &[u8]) {
    let Ok(Some(tip)) = tip(&mut Objects::new(pipes(said)), "main") else { return };
    assert!(is_id(&tip) && holds(said, &tip), "a tip out of nowhere");
}

fn is_explained(said: &[u8]) {
    let environment = Environment::default();
    let why = Git::new(Path::new("."), &environment).meaning(&String::from_utf8_lossy(said));
    assert!(
        !matches!(&why, GitError::Odd(line) | GitError::NotOwned(line) if line.contains('\n') && !said.contains(&b'\''))
    );
    let _ = (why.to_string(), why.advice());
}
