//! Reads commits and trees through `git cat-file --batch`: one question, one answer, so that neither side blocks on a
//! full pipe.
//!
//! Paths are looked up here, in the trees as git stores them. No path is passed to git, so none needs quoting, and a
//! tree also has the mode of each entry: whether it is executable, a link or a submodule. Of file contents only the targets
//! of links below a code path are read, so a clone without them (`--filter=blob:none`) is enough if there is no such link.

use std::io::{BufRead, Read, Write};

use super::error::{Blocker, GitError, LinkProblem};
use super::process::{Failure, Pipes};
use crate::model::commit::Commit;

pub(super) const BATCH: [&str; 2] = ["cat-file", "--batch"];

/// No system follows a link with a longer target.
const LONGEST_TARGET: u64 = 4096;

pub(super) struct Objects(pub(super) Pipes);

/// A commit's full id, and the id of its tree.
#[derive(Debug)]
pub(super) struct CommitObject {
    pub(super) id: String,
    pub(super) tree: String,
}

/// One entry of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    mode: u32,
    pub(super) id: Vec<u8>,
    /// A name that is not UTF-8 gets U+FFFD and equals no name of a code path, since those never contain it.
    pub(super) name: String,
}

impl Objects {
    pub(super) fn commit(&mut self, commit: &Commit) -> Result<CommitObject, Failure> {
        let found = self.object(commit.as_str(), "commit")?;
        let (id, content) = found.ok_or_else(|| GitError::CommitMissing(commit.clone()))?;
        if !id.starts_with(commit.as_str()) {
            return Err(GitError::CommitAmbiguous(commit.clone()).into());
        }
        let header = content.split(|&byte| byte == b'\n').next().and_then(|line| str::from_utf8(line).ok());
        match header.and_then(|line| line.strip_prefix("tree ")).filter(|tree| is_id(tree)) {
            Some(tree) => Ok(CommitObject { id, tree: tree.to_owned() }),
            None => Err(unexpected(&format!("{id} commit"))),
        }
    }

    /// The entries of a tree; `None` if it is not in this clone.
    pub(super) fn tree(&mut self, id: &str) -> Result<Option<Vec<Entry>>, Failure> {
        let Some((_, content)) = self.object(id, "tree")?.filter(|(found, _)| found == id) else {
            return Ok(None);
        };
        entries(&content, id.len() / 2).map(Some).ok_or_else(|| unexpected(&format!("{id} tree")))
    }

    /// Where a link leads, by its id. After a problem nothing else can be read.
    pub(super) fn link_target(&mut self, id: &str) -> Result<Result<String, LinkProblem>, Failure> {
        match self.header(id, "blob")? {
            Some((found, size)) if found == id && size <= LONGEST_TARGET => {
                Ok(Ok(String::from_utf8_lossy(&self.content(size)?).into_owned()))
            }
            Some(_) => Ok(Err(LinkProblem::NotFollowed)),
            None => Ok(Err(LinkProblem::TargetMissing)),
        }
    }

    fn object(&mut self, id: &str, kind: &str) -> Result<Option<(String, Vec<u8>)>, Failure> {
        let Some((id, size)) = self.header(id, kind)? else { return Ok(None) };
        Ok(Some((id, self.content(size)?)))
    }

    /// The id and the size of an object; `None` if it is not in this clone. Its content follows.
    fn header(&mut self, id: &str, kind: &str) -> Result<Option<(String, u64)>, Failure> {
        let question = format!("{}^{{{kind}}}", abbreviated(id));
        writeln!(self.0.to, "{question}")?;
        self.0.to.flush()?;
        let line = self.line()?;
        if matches!(line.strip_prefix(&question), Some(" missing" | " ambiguous")) {
            return Ok(None);
        }
        parse_header(&line, kind).map(Some).ok_or_else(|| unexpected(&line))
    }

    fn content(&mut self, size: u64) -> Result<Vec<u8>, Failure> {
        let mut content = Vec::new();
        self.0.from.by_ref().take(size.saturating_add(1)).read_to_end(&mut content)?;
        match content.pop() {
            Some(b'\n') if content.len() as u64 == size => Ok(content),
            Some(b'\n') | None => Err(Failure::PipeClosed),
            Some(_) => Err(unexpected(&format!("more than {size} bytes"))),
        }
    }

    fn line(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        self.0.from.read_line(&mut line)?;
        if line.pop() == Some('\n') { Ok(line) } else { Err(Failure::PipeClosed) }
    }
}

impl Entry {
    /// What keeps git from looking into the entry; `None` for a folder.
    pub(super) const fn blocker(&self) -> Option<Blocker> {
        match self.mode & 0o170_000 {
            0o040_000 => None,
            0o120_000 => Some(Blocker::Link),
            0o160_000 => Some(Blocker::Submodule),
            _ => Some(Blocker::File),
        }
    }

    pub(super) fn hex_id(&self) -> String {
        let digits = self.id.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
    }
}

/// A full id without its last digit. Git looks for an abbreviation only among the objects of this clone. For a full id
/// that is missing, a partial clone asks the server, and an older git cannot be kept from it.
fn abbreviated(id: &str) -> &str {
    if is_id(id) { id.get(..id.len() - 1).unwrap_or(id) } else { id }
}

/// Whether this is the full id of an object.
pub(super) fn is_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The line before an object: its id, its kind and its size.
fn parse_header(line: &str, kind: &str) -> Option<(String, u64)> {
    let (id, rest) = line.split_once(' ')?;
    let size = rest.strip_prefix(kind)?.strip_prefix(' ')?.parse().ok()?;
    is_id(id).then(|| (id.to_owned(), size))
}

/// Parses a tree. Each entry is its mode in octal digits, a space, its name, a zero byte, and its id in bytes.
fn entries(mut content: &[u8], id_length: usize) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    while !content.is_empty() {
        let (header, rest) = content.split_at(content.iter().position(|&byte| byte == 0)?);
        let (id, rest) = rest.get(1..)?.split_at_checked(id_length)?;
        let header = String::from_utf8_lossy(header);
        let (mode, name) = header.split_once(' ')?;
        let mode = u32::from_str_radix(mode, 8).ok()?;
        entries.push(Entry { mode, id: id.to_owned(), name: name.to_owned() });
        content = rest;
    }
    Some(entries)
}

pub(super) fn unexpected(output: &str) -> Failure {
    GitError::UnexpectedOutput(output.to_owned()).into()
}
