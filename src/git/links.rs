//! Symbolic links below the code paths. A link is an object that says where it leads. Equal links say nothing about what
//! is there, so each of them must lead to something that is compared as well.

use super::error::{Blocker, GitError, LinkProblem};
use super::objects::Objects;
use super::paths::{CodePaths, has_drive};
use super::process::Failure;
use crate::model::commit::Commit;

/// A repository with more folders at its code paths is not searched. One of the largest, Chromium, has fewer.
pub(super) const MOST_FOLDERS: usize = 100_000;

/// Finds out whether every link below these folders, given as path and id of the tree, leads to a code path.
///
/// # Errors
/// Names the first link that does not, or cannot be followed.
pub(super) fn check(
    objects: &mut Objects,
    candidate: &Commit,
    mut folders: Vec<(String, String)>,
    paths: &CodePaths,
) -> Result<(), Failure> {
    let mut found = folders.len();
    while let Some((folder, id)) = folders.pop() {
        let entries = objects.tree(&id)?.ok_or_else(|| GitError::TreeMissing(candidate.clone()))?;
        for entry in entries {
            let path = format!("{folder}/{}", entry.name);
            match entry.blocker() {
                None => {
                    found += 1;
                    if found > MOST_FOLDERS {
                        return Err(GitError::TooManyFolders(MOST_FOLDERS).into());
                    }
                    folders.push((path, entry.hex_id()));
                }
                Some(Blocker::Link) => check_link(objects, path, &entry.hex_id(), paths)?,
                Some(Blocker::File | Blocker::Submodule) => {}
            }
        }
    }
    Ok(())
}

fn check_link(objects: &mut Objects, link: String, id: &str, paths: &CodePaths) -> Result<(), Failure> {
    let problem = match objects.link_target(id)?.and_then(|target| follow(&link, &target)) {
        Ok(path) if paths.contain(&path) => return Ok(()),
        Ok(path) => LinkProblem::LeavesPaths(path),
        Err(problem) => problem,
    };
    Err(GitError::Link { link, problem }.into())
}

/// The path in the repository that a link leads to; empty for the root.
///
/// No folder above the link is a link, and none above a code path. So `..` at the start of a target leads to the folder
/// above. After a name it would lead elsewhere if the name is a link.
pub(super) fn follow(link: &str, target: &str) -> Result<String, LinkProblem> {
    if target.is_empty() || target.contains(['\\', '\0']) {
        return Err(LinkProblem::NotFollowed);
    }
    if target.starts_with('/') || has_drive(target) {
        return Err(LinkProblem::LeavesRepository(target.to_owned()));
    }
    let mut names: Vec<&str> = link.split('/').collect();
    names.pop();
    let mut goes_down = false;
    for name in target.split('/').filter(|name| !matches!(*name, "" | ".")) {
        if name != ".." {
            goes_down = true;
            names.push(name);
        } else if goes_down {
            return Err(LinkProblem::NotFollowed);
        } else if names.pop().is_none() {
            return Err(LinkProblem::LeavesRepository(target.to_owned()));
        }
    }
    Ok(names.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_a_link_within_the_repository() {
        for (link, target, path) in [
            ("src/a", "b", "src/b"),
            ("src/a", "./b//c/", "src/b/c"),
            ("src/deep/a", "../b", "src/b"),
            ("src/deep/a", "../../lib/./b", "lib/b"),
            ("src/a", "..", ""),
            ("src/a", ".", "src"),
            ("src/a", "...", "src/..."),
        ] {
            assert_eq!(follow(link, target), Ok(path.to_owned()), "{target}");
        }
    }

    #[test]
    fn follows_no_link_that_leaves_the_repository_or_may_lead_elsewhere() {
        for target in ["/", "/src/b", "C:/b", "../..", "../../repo/src/b"] {
            assert_eq!(follow("src/a", target), Err(LinkProblem::LeavesRepository(target.to_owned())));
        }
        for target in ["", "b/..", "b/../c", "../src/../b", "..\\..\\b", "C:\\b", "b\0c"] {
            assert_eq!(follow("src/a", target), Err(LinkProblem::NotFollowed), "{target:?}");
        }
    }
}
