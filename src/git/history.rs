//! Whether a commit belongs to a branch.

use std::io::BufRead;

use super::error::GitError;
use super::objects::{ASK, Answer, Kind, Objects, is_id, odd};
use super::process::{Broken, Git, Heard, Pipes};
use crate::model::commit::Commit;

/// How a commit belongs to a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Belongs {
    /// It is in its history.
    InHistory,
    /// It holds the same tree as this commit, the newest in its history that does.
    SameTree(Commit),
    /// Neither, and all of its history was there to look at.
    No,
}

/// Two git processes: one looks up what is asked about, one lists the history until something is found.
pub(super) fn belongs_to(git: &Git<'_>, commit: &str, branch: &str) -> Result<Belongs, GitError> {
    let commit = Commit::parse(commit).map_err(|_| GitError::NoCommitId)?;
    let branch = branch.strip_prefix("refs/heads/").unwrap_or(branch).to_owned();
    if !is_branch(&branch) {
        return Err(GitError::NoBranchName);
    }
    let name = branch.clone();
    let Sought { tip, id, tree } =
        git.talk(&ASK, move |pipes| sought(Objects::new(pipes), &commit, &branch).map(Heard::Enough))?;
    let history = ["rev-list", "--header", "--parents", &tip, "--"];
    git.talk(&history, move |pipes| search(pipes, &id, &tree))?.ok_or(GitError::HistoryCut(name))
}

/// What is asked about.
struct Sought {
    /// The newest commit of the branch.
    tip: String,
    /// The commit.
    id: String,
    /// Its tree.
    tree: String,
}

fn sought(mut objects: Objects, commit: &Commit, branch: &str) -> Result<Sought, Broken> {
    let tip = tip(&mut objects, branch)?.ok_or_else(|| GitError::BranchMissing(branch.to_owned()))?;
    match objects.ask(commit.as_str(), Kind::Commit)? {
        Answer::Found(found) => Ok(Sought { tip, tree: found.tree()?, id: found.id }),
        Answer::Missing => Err(GitError::CommitMissing(commit.clone()).into()),
        Answer::Ambiguous => Err(GitError::CommitAmbiguous(commit.clone()).into()),
    }
}

/// The newest commit of the branch of origin, else of the local one.
pub(super) fn tip(objects: &mut Objects, branch: &str) -> Result<Option<String>, Broken> {
    let of_origin = branch.strip_prefix("origin/").map(|_| format!("refs/remotes/{branch}"));
    let names = [Some(format!("refs/remotes/origin/{branch}")), of_origin, Some(format!("refs/heads/{branch}"))];
    for name in names.into_iter().flatten() {
        if let Answer::Found(tip) = objects.reference(&name)? {
            return exactly(objects, &name).map(|()| Some(tip.id));
        }
    }
    Ok(None)
}

/// Makes sure that the name was taken as it stands. Where git has no reference of a full name, it takes it for something
/// else: a tag called `refs/remotes/origin/main`, or, by `-g` and digits at its end, a commit with a description.
fn exactly(objects: &mut Objects, name: &str) -> Result<(), Broken> {
    let elsewhere = ["refs", "refs/tags", "refs/heads", "refs/remotes"].map(|place| format!("{place}/{name}"));
    for other in elsewhere.into_iter().chain([format!("refs/remotes/{name}/HEAD")]) {
        if !matches!(objects.reference(&other)?, Answer::Missing) {
            return Err(GitError::Odd(format!("{name} may stand for several things")).into());
        }
    }
    Ok(())
}

/// Goes through a history from its newest commit until the commit or the tree is found; `None` when only a part of the
/// history is here and neither is in it.
pub(super) fn search(mut pipes: Pipes, id: &str, tree: &str) -> Result<Heard<Option<Belongs>>, Broken> {
    let (mut listed, mut whole) = (false, true);
    while let Some(record) = next(&mut pipes)? {
        let here = Record::of(&record).ok_or_else(|| odd("a commit that is none"))?;
        if here.id == id {
            return Ok(Heard::Enough(Some(Belongs::InHistory)));
        }
        if here.tree == tree {
            let commit = Commit::parse(here.id).map_err(GitError::Odd)?;
            return Ok(Heard::Enough(Some(Belongs::SameTree(commit))));
        }
        (listed, whole) = (true, whole && here.is_followed);
    }
    if !listed {
        return Err(Broken::Pipe);
    }
    Ok(Heard::All(whole.then_some(Belongs::No)))
}

/// The text up to the next zero; `None` when there is no more.
fn next(pipes: &mut Pipes) -> Result<Option<String>, Broken> {
    let mut record = Vec::new();
    pipes.from.read_until(0, &mut record)?;
    match record.pop() {
        None => Ok(None),
        Some(0) => Ok(Some(String::from_utf8_lossy(&record).into_owned())),
        Some(_) => Err(Broken::Pipe),
    }
}

/// A commit in the list: a line with its id and those of the parents that git goes on to, then the commit itself.
struct Record<'a> {
    id: &'a str,
    tree: &'a str,
    /// Whether git goes on to all of its parents; it does not where a shallow clone ends.
    is_followed: bool,
}

impl<'a> Record<'a> {
    fn of(record: &'a str) -> Option<Self> {
        let mut lines = record.lines();
        let mut family = lines.next()?.split(' ');
        let id = family.next().filter(|id| is_id(id))?;
        let followed: Vec<&str> = family.collect();
        let tree = lines.next()?.strip_prefix("tree ").filter(|id| is_id(id))?;
        let mut parents = lines.map_while(|line| line.strip_prefix("parent "));
        Some(Self { id, tree, is_followed: parents.all(|parent| followed.contains(&parent)) })
    }
}

/// Whether a branch can have this name, by the rules of `git check-ref-format`.
fn is_branch(name: &str) -> bool {
    let good = |part: &str| !part.is_empty() && !part.starts_with('.') && part.strip_suffix(".lock").is_none();
    let bad = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
    name != "@"
        && !name.contains(bad)
        && !name.contains("..")
        && !name.contains("@{")
        && !name.starts_with('-')
        && !name.ends_with('.')
        && name.split('/').all(good)
}
