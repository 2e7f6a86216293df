//! Whether a branch contains a commit.

use std::io::BufRead;

use super::error::GitError;
use super::objects::{BATCH, Objects, is_id, unexpected};
use super::process::{Failure, Git, Pipes, Reply};
use crate::model::commit::Commit;

impl Git<'_> {
    /// Whether a commit is in the history of a branch, or has the same tree as a commit that is. A squash or a rebase
    /// leaves such a commit, unless the branch got other commits in the meantime.
    ///
    /// The branch is that of `origin`, since the clone of a CI has no local branches or old ones, and otherwise the
    /// local one. The answer is about the branch as this clone knows it.
    ///
    /// # Errors
    /// When that is unknown, above all because this clone has only part of the history.
    pub(crate) fn branch_contains(&self, branch: &str, commit: &Commit) -> Result<bool, GitError> {
        let commit = commit.clone();
        let branch = branch.strip_prefix("refs/heads/").unwrap_or(branch);
        let tip = self.tip(branch)?.ok_or_else(|| GitError::BranchMissing(branch.to_owned()))?;
        let wanted = self.talk(&BATCH, move |pipes| Objects(pipes).commit(&commit).map(Reply::Early))?;
        let history = ["rev-list", "--header", "--parents", &tip, "--"];
        let found = self.talk(&history, move |pipes| search(pipes, &wanted.id, &wanted.tree))?;
        found.ok_or_else(|| GitError::HistoryCut(branch.to_owned()))
    }

    /// The newest commit of a branch.
    fn tip(&self, branch: &str) -> Result<Option<String>, GitError> {
        let mut names = vec![format!("refs/remotes/origin/{branch}"), format!("refs/heads/{branch}")];
        if branch.starts_with("origin/") {
            names.insert(1, format!("refs/remotes/{branch}"));
        }
        let mut args = vec!["for-each-ref", "--format=%(refname) %(objectname)"];
        args.extend(names.iter().map(String::as_str));
        Ok(find_tip(&names, &self.output(&args)?))
    }
}

/// The id of the first of these references that is listed. Git takes the names for patterns and lists more; only the
/// exact name counts.
pub(super) fn find_tip(names: &[String], listed: &str) -> Option<String> {
    let refs = || listed.lines().filter_map(|line| line.split_once(' '));
    let found = names.iter().find_map(|name| refs().find(|(listed, _)| listed == name))?;
    Some(found.1.to_owned()).filter(|id| is_id(id))
}

/// Goes through a history, newest commit first, until it finds the commit or its tree; `None` when neither is in the
/// part of the history that is in this clone.
pub(super) fn search(mut pipes: Pipes, id: &str, tree: &str) -> Result<Reply<Option<bool>>, Failure> {
    let (mut is_empty, mut is_whole) = (true, true);
    while let Some(text) = next_record(&mut pipes)? {
        let record = Record::parse(&text).ok_or_else(|| unexpected(text.lines().next().unwrap_or_default()))?;
        if record.id == id || record.tree == tree {
            return Ok(Reply::Early(Some(true)));
        }
        (is_empty, is_whole) = (false, is_whole && record.has_all_parents);
    }
    if is_empty {
        return Err(Failure::PipeClosed);
    }
    Ok(Reply::Complete(is_whole.then_some(false)))
}

/// The text up to the next zero byte; `None` at the end.
fn next_record(pipes: &mut Pipes) -> Result<Option<String>, Failure> {
    let mut record = Vec::new();
    pipes.from.read_until(0, &mut record)?;
    match record.pop() {
        None => Ok(None),
        Some(0) => Ok(Some(String::from_utf8_lossy(&record).into_owned())),
        Some(_) => Err(Failure::PipeClosed),
    }
}

/// A commit in the list: a line with its id and those of the parents that git goes on to, then the commit object.
struct Record<'a> {
    id: &'a str,
    tree: &'a str,
    /// False where a shallow clone ends: git does not go on to the parents that the commit names.
    has_all_parents: bool,
}

impl<'a> Record<'a> {
    fn parse(record: &'a str) -> Option<Self> {
        let mut lines = record.lines();
        let (mut ids, tree) = (lines.next()?.split(' '), lines.next()?.strip_prefix("tree ")?);
        let id = ids.next()?;
        let listed: Vec<&str> = ids.collect();
        let mut parents = lines.map_while(|line| line.strip_prefix("parent "));
        let has_all_parents = parents.all(|parent| listed.contains(&parent));
        (is_id(id) && is_id(tree)).then_some(Self { id, tree, has_all_parents })
    }
}
