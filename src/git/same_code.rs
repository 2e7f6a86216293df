//! Whether commits have the same code: the same objects with the same modes, in the whole tree or at the code paths.

use super::error::{Blocker, GitError};
use super::links;
use super::objects::{BATCH, Entry, Objects};
use super::paths::CodePaths;
use super::process::{Failure, Git, Reply};
use crate::model::commit::Commit;
use crate::text::similar::nearest;

/// How the code of another commit compares with the candidate's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Identity {
    Same,
    /// Unknown: the same objects at the code paths, but a link there leads out of them.
    Linked,
    /// Other objects or modes, or nothing at one of the paths.
    Different,
    /// Unknown: the commit or a tree is not in this clone, or the abbreviated id matches several commits.
    Missing,
    /// Unknown: the id is also the name of something else in this clone.
    Ambiguous,
}

impl Git<'_> {
    /// The full id of an abbreviated commit.
    ///
    /// # Errors
    /// When there is no repository, or none or several of its commits start with this id.
    pub(crate) fn full_id(&self, commit: &Commit) -> Result<Commit, GitError> {
        let commit = commit.clone();
        let id = self.talk(&BATCH, move |pipes| Ok(Reply::Early(Objects(pipes).commit(&commit)?.id)))?;
        Commit::parse(&id).map_err(|_| GitError::UnexpectedOutput(id))
    }

    /// Compares the code of a commit with that of others, in their order, with one git process for all of them.
    ///
    /// # Errors
    /// When nothing can be compared: there is no repository, for example, or it lacks the commit or one of its paths.
    pub(crate) fn compare(
        &self,
        candidate: &Commit,
        others: &[&Commit],
        paths: &CodePaths,
    ) -> Result<Vec<Identity>, GitError> {
        if others.is_empty() {
            return Ok(Vec::new());
        }
        let others: Vec<Commit> = others.iter().copied().cloned().collect();
        let (candidate, paths) = (candidate.clone(), paths.clone());
        self.talk(&BATCH, move |pipes| compare_all(Objects(pipes), &candidate, &others, &paths).map(Reply::Early))
    }
}

pub(super) fn compare_all(
    mut objects: Objects,
    candidate: &Commit,
    others: &[Commit],
    paths: &CodePaths,
) -> Result<Vec<Identity>, Failure> {
    let tree = objects.commit(candidate)?.tree;
    let code: Vec<Vec<Entry>> =
        paths.iter().map(|path| find(&mut objects, candidate, &tree, path)).collect::<Result<_, _>>()?;
    let compare = |other: &Commit| match objects.commit(other) {
        Ok(other) if other.tree == tree => Ok(Identity::Same),
        Ok(_) if code.is_empty() => Ok(Identity::Different),
        Ok(other) => compare_code(&mut objects, &code, &other.tree),
        Err(Failure::Known(GitError::CommitMissing(_))) => Ok(Identity::Missing),
        Err(Failure::Known(GitError::CommitAmbiguous(_))) => Ok(Identity::Ambiguous),
        Err(failure) => Err(failure),
    };
    let mut identities: Vec<Identity> = others.iter().map(compare).collect::<Result<_, _>>()?;
    if identities.contains(&Identity::Linked) {
        match links::check(&mut objects, candidate, folders(paths, &code), paths) {
            Ok(()) => {
                let linked = identities.iter_mut().filter(|identity| **identity == Identity::Linked);
                linked.for_each(|identity| *identity = Identity::Same);
            }
            // A commit with the same whole tree is the same in any case.
            Err(_) if identities.contains(&Identity::Same) => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(identities)
}

/// The code paths that are folders, with the ids of their trees.
fn folders(paths: &CodePaths, code: &[Vec<Entry>]) -> Vec<(String, String)> {
    let last = paths.iter().zip(code.iter().filter_map(|entries| entries.last()));
    last.filter(|(_, entry)| entry.blocker().is_none()).map(|(path, entry)| (path.to_owned(), entry.hex_id())).collect()
}

/// The entries that lead from the root of the candidate to a path, one for each name in it.
fn find(objects: &mut Objects, candidate: &Commit, root: &str, path: &str) -> Result<Vec<Entry>, Failure> {
    let (mut tree, mut found, mut at) = (root.to_owned(), Vec::new(), String::new());
    for name in path.split('/') {
        let entries = objects.tree(&tree)?.ok_or_else(|| GitError::TreeMissing(candidate.clone()))?;
        let Some(entry) = entries.iter().find(|entry| entry.name == name) else {
            let similar = nearest(name, entries.into_iter().map(|entry| entry.name));
            let similar = similar.into_iter().map(|name| format!("{at}{name}")).collect();
            return Err(GitError::PathMissing { path: path.to_owned(), similar }.into());
        };
        at.push_str(name);
        match entry.blocker() {
            Some(by) if by == Blocker::Link || at != path => {
                return Err(GitError::PathBlocked { path: path.to_owned(), at, by }.into());
            }
            _ => at.push('/'),
        }
        tree = entry.hex_id();
        found.push(entry.clone());
    }
    Ok(found)
}

/// [`Identity::Linked`] if all objects are the same: it is not yet known whether there is such a link.
fn compare_code(objects: &mut Objects, code: &[Vec<Entry>], root: &str) -> Result<Identity, Failure> {
    for entries in code {
        let identity = compare_path(objects, entries, root)?;
        if identity != Identity::Same {
            return Ok(identity);
        }
    }
    Ok(Identity::Linked)
}

/// Follows a path of the candidate in another tree, until an entry is the same or cannot be.
fn compare_path(objects: &mut Objects, path: &[Entry], root: &str) -> Result<Identity, Failure> {
    let mut tree = root.to_owned();
    for ours in path {
        let Some(entries) = objects.tree(&tree)? else { return Ok(Identity::Missing) };
        match entries.iter().find(|entry| entry.name == ours.name) {
            Some(theirs) if theirs == ours => return Ok(Identity::Same),
            Some(theirs) if theirs.blocker().is_none() => tree = theirs.hex_id(),
            _ => return Ok(Identity::Different),
        }
    }
    Ok(Identity::Different)
}
