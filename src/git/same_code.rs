//! Whether commits hold the same objects, in the whole tree or at some paths.

use std::collections::{HashMap, HashSet};

use super::error::{Barrier, GitError};
use super::objects::{ASK, Answer, Entry, Kind, Objects};
use super::paths::CodePaths;
use super::process::{Broken, Git, Heard};
use crate::model::commit::Commit;
use crate::text::similar::nearest;

/// How the code of a commit compares with that of the commit under review.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Identity {
    /// The same objects, with the same modes.
    Same,
    /// Other objects or modes, or nothing at one of the paths.
    Different,
    /// The commit is not in this clone, or the id is abbreviated and begins several: nothing is known of it.
    Missing,
    /// What was recorded is no commit id, or here the name of something else.
    NoCommit,
}

pub(super) fn compare(
    git: &Git<'_>,
    of: &Commit,
    others: &[&str],
    paths: &CodePaths,
) -> Result<Vec<Identity>, GitError> {
    if others.is_empty() {
        return Ok(Vec::new());
    }
    let others: Vec<_> = others.iter().map(|text| Commit::parse(text).ok()).collect();
    let (of, paths) = (of.clone(), paths.clone());
    git.talk(&ASK, move |pipes| identities(Objects::new(pipes), &of, &others, &paths).map(Heard::Enough))
}

/// `None` among the others stands for a text that is no commit id.
pub(super) fn identities(
    objects: Objects,
    of: &Commit,
    others: &[Option<Commit>],
    paths: &CodePaths,
) -> Result<Vec<Identity>, Broken> {
    let mut comparison = Comparison::new(objects, of, paths)?;
    others.iter().map(|other| comparison.with(other.as_ref())).collect()
}

/// The tree under review, and what is known of others.
struct Comparison<'a> {
    trees: Trees<'a>,
    /// What is at each path, and the path.
    code: Vec<(Entry, &'a str)>,
    /// What was found of the commits, by what was recorded.
    commits: HashMap<String, Identity>,
    /// What was found of their trees.
    roots: HashMap<String, Identity>,
}

impl<'a> Comparison<'a> {
    fn new(mut objects: Objects, of: &Commit, paths: &'a CodePaths) -> Result<Self, Broken> {
        let tree = match objects.ask(of.as_str(), Kind::Commit)? {
            Answer::Found(commit) => commit.tree()?,
            Answer::Missing => return Err(GitError::CommitMissing(of.clone()).into()),
            Answer::Ambiguous => return Err(GitError::CommitAmbiguous(of.clone()).into()),
        };
        let mut trees = Trees::new(objects, paths);
        let code = paths.iter().map(|path| Ok((trees.code(of, &tree, path)?, path))).collect::<Result<_, Broken>>()?;
        Ok(Self { trees, code, commits: HashMap::new(), roots: HashMap::from([(tree, Identity::Same)]) })
    }

    fn with(&mut self, other: Option<&Commit>) -> Result<Identity, Broken> {
        let Some(other) = other else { return Ok(Identity::NoCommit) };
        if let Some(known) = self.commits.get(other.as_str()) {
            return Ok(*known);
        }
        let identity = match self.trees.objects.ask(other.as_str(), Kind::Commit)? {
            Answer::Found(commit) => self.with_tree(commit.tree()?)?,
            Answer::Missing => Identity::Missing,
            Answer::Ambiguous => Identity::NoCommit,
        };
        self.commits.insert(other.as_str().to_owned(), identity);
        Ok(identity)
    }

    fn with_tree(&mut self, tree: String) -> Result<Identity, Broken> {
        if let Some(known) = self.roots.get(&tree) {
            return Ok(*known);
        }
        let identity = if self.code.is_empty() { Identity::Different } else { self.at_the_paths(&tree)? };
        self.roots.insert(tree, identity);
        Ok(identity)
    }

    fn at_the_paths(&mut self, tree: &str) -> Result<Identity, Broken> {
        for (ours, path) in &self.code {
            match self.trees.find(tree, path)? {
                Place::There(theirs) if theirs == *ours => {}
                Place::There(_) | Place::Nowhere { .. } | Place::Behind { .. } => return Ok(Identity::Different),
                Place::NoTree => return Ok(Identity::Missing),
            }
        }
        Ok(Identity::Same)
    }
}

/// What is at a path.
enum Place {
    There(Entry),
    /// Nothing: this tree, to which this many names lead, lacks the next.
    Nowhere {
        tree: String,
        depth: usize,
    },
    /// Something that is not a folder is in the way, to which this many names lead.
    Behind {
        by: Barrier,
        depth: usize,
    },
    /// A tree on the way is not in this clone.
    NoTree,
}

/// Trees, searched for the paths.
struct Trees<'a> {
    objects: Objects,
    /// The names that are in any of the paths.
    names: HashSet<&'a [u8]>,
    /// What the trees that were asked for have of these names; `None` for one that is not here.
    read: HashMap<String, Option<Vec<Entry>>>,
}

impl<'a> Trees<'a> {
    fn new(objects: Objects, paths: &'a CodePaths) -> Self {
        let names = paths.iter().flat_map(|path| path.split('/')).map(str::as_bytes).collect();
        Self { objects, names, read: HashMap::new() }
    }

    /// What is at a path of the commit under review.
    fn code(&mut self, of: &Commit, root: &str, path: &str) -> Result<Entry, Broken> {
        let barred = |at: &str, by| GitError::Barred { path: path.to_owned(), at: at.to_owned(), by };
        Err(match self.find(root, path)? {
            Place::There(entry) if entry.is_link() => barred(path, Barrier::Link),
            Place::There(entry) => return Ok(entry),
            Place::Behind { by, depth } => barred(&first(depth, path), by),
            Place::Nowhere { tree, depth } => {
                GitError::PathMissing { path: path.to_owned(), similar: self.similar(&tree, depth, path)? }
            }
            Place::NoTree => GitError::TreeMissing(of.clone()),
        }
        .into())
    }

    fn find(&mut self, root: &str, path: &str) -> Result<Place, Broken> {
        let (mut tree, mut names) = (root.to_owned(), path.split('/').enumerate().peekable());
        while let Some((depth, name)) = names.next() {
            let Some(entries) = self.entries(&tree)? else { return Ok(Place::NoTree) };
            let Some(entry) = entries.iter().find(|entry| entry.name == name.as_bytes()) else {
                return Ok(Place::Nowhere { tree, depth });
            };
            if names.peek().is_none() {
                return Ok(Place::There(entry.clone()));
            }
            if let Some(by) = barrier(entry) {
                return Ok(Place::Behind { by, depth: depth + 1 });
            }
            tree.clone_from(&entry.id);
        }
        Ok(Place::Nowhere { tree, depth: 0 })
    }

    fn entries(&mut self, tree: &str) -> Result<Option<&Vec<Entry>>, Broken> {
        if !self.read.contains_key(tree) {
            let mut entries = self.all_entries(tree)?;
            if let Some(entries) = &mut entries {
                entries.retain(|entry| self.names.contains(entry.name.as_slice()));
            }
            self.read.insert(tree.to_owned(), entries);
        }
        Ok(self.read.get(tree).and_then(Option::as_ref))
    }

    fn all_entries(&mut self, tree: &str) -> Result<Option<Vec<Entry>>, Broken> {
        match self.objects.ask(tree, Kind::Tree)? {
            Answer::Found(tree) => tree.entries().map(Some),
            Answer::Missing | Answer::Ambiguous => Ok(None),
        }
    }

    /// Paths like the one that leads nowhere, by the names that its last tree has instead.
    fn similar(&mut self, tree: &str, depth: usize, path: &str) -> Result<Vec<String>, Broken> {
        let names = self.all_entries(tree)?.unwrap_or_default();
        let names = names.iter().map(|entry| String::from_utf8_lossy(&entry.name).into_owned());
        let wanted = path.split('/').nth(depth).unwrap_or_default();
        let folder = first(depth, path);
        let whole = |name| if folder.is_empty() { name } else { format!("{folder}/{name}") };
        Ok(nearest(wanted, names).into_iter().map(whole).collect())
    }
}

/// The first names of a path.
fn first(depth: usize, path: &str) -> String {
    path.split('/').take(depth).collect::<Vec<_>>().join("/")
}

fn barrier(entry: &Entry) -> Option<Barrier> {
    if entry.is_tree() {
        None
    } else if entry.is_link() {
        Some(Barrier::Link)
    } else if entry.is_submodule() {
        Some(Barrier::Submodule)
    } else {
        Some(Barrier::File)
    }
}
