//! The conversation with `git cat-file`: one question, one answer, so that no full pipe can bring both to a halt.
//!
//! Commits and trees are read as git keeps them and searched here. No path ever goes to git: none needs quoting, and a
//! tree tells what a path's object id alone does not: the mode, and that there is a link or a submodule. No file's
//! content is asked for, so a clone without contents (`--filter=blob:none`) is enough.

use std::fmt;
use std::io::{BufRead, Read, Write};

use super::error::GitError;
use super::process::{Broken, Pipes};

/// What keeps git talking: whole objects are printed, each announced by a line.
pub(super) const ASK: [&str; 2] = ["cat-file", "--batch"];

/// The conversation.
pub(super) struct Objects(Pipes);

/// A kind of object.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Commit,
    Tree,
}

/// What git answers.
pub(super) enum Answer {
    /// The object.
    Found(Object),
    /// It is not in this clone, or the id begins several.
    Missing,
    /// Git takes the id for the name of something else.
    Ambiguous,
}

/// An object.
pub(super) struct Object {
    /// Its whole id.
    pub(super) id: String,
    content: Vec<u8>,
}

/// What a tree says of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// The kind of thing and, of a file, whether it can be executed.
    pub(super) mode: u32,
    /// The id of its object.
    pub(super) id: String,
    /// The name.
    pub(super) name: Vec<u8>,
}

impl Objects {
    pub(super) const fn new(pipes: Pipes) -> Self {
        Self(pipes)
    }

    /// Asks for an object by its id or the beginning of its id.
    pub(super) fn ask(&mut self, id: &str, kind: Kind) -> Result<Answer, Broken> {
        Ok(match self.resolve(local(id), kind)? {
            Answer::Found(object) if !object.id.starts_with(id) => Answer::Ambiguous,
            answer => answer,
        })
    }

    /// The commit that a full name of a reference leads to.
    pub(super) fn reference(&mut self, name: &str) -> Result<Answer, Broken> {
        self.resolve(name, Kind::Commit)
    }

    fn resolve(&mut self, name: &str, kind: Kind) -> Result<Answer, Broken> {
        let question = format!("{name}^{{{kind}}}");
        writeln!(self.0.to, "{question}")?;
        self.0.to.flush()?;
        let line = self.line()?;
        if matches!(line.strip_prefix(&question), Some(" missing" | " ambiguous")) {
            return Ok(Answer::Missing);
        }
        let (id, size) = announced(&line, kind).ok_or_else(|| odd(&line))?;
        Ok(Answer::Found(Object { id, content: self.content(size)? }))
    }

    fn line(&mut self) -> Result<String, Broken> {
        let mut line = String::new();
        self.0.from.read_line(&mut line)?;
        match line.pop() {
            Some('\n') => Ok(line),
            _ => Err(Broken::Pipe),
        }
    }

    fn content(&mut self, size: u64) -> Result<Vec<u8>, Broken> {
        let mut content = Vec::new();
        self.0.from.by_ref().take(size.saturating_add(1)).read_to_end(&mut content)?;
        match content.pop() {
            Some(b'\n') if content.len() as u64 == size => Ok(content),
            Some(b'\n') | None => Err(Broken::Pipe),
            Some(_) => Err(odd("an object that is longer than announced")),
        }
    }
}

impl Object {
    /// The id of the tree of a commit.
    pub(super) fn tree(&self) -> Result<String, Broken> {
        let header = self.content.split(|&byte| byte == b'\n').next().and_then(|line| str::from_utf8(line).ok());
        let tree = header.and_then(|line| line.strip_prefix("tree ")).filter(|id| is_id(id));
        Ok(tree.ok_or_else(|| odd("a commit without a tree"))?.to_owned())
    }

    /// What is in a tree.
    pub(super) fn entries(&self) -> Result<Vec<Entry>, Broken> {
        let (mut rest, mut entries) = (self.content.as_slice(), Vec::new());
        while !rest.is_empty() {
            let (entry, after) = entry(rest, self.id.len() / 2).ok_or_else(|| odd("a tree that is none"))?;
            entries.push(entry);
            rest = after;
        }
        Ok(entries)
    }
}

impl Entry {
    const KIND: u32 = 0o170_000;

    pub(super) const fn is_tree(&self) -> bool {
        self.mode & Self::KIND == 0o040_000
    }

    pub(super) const fn is_link(&self) -> bool {
        self.mode & Self::KIND == 0o120_000
    }

    pub(super) const fn is_submodule(&self) -> bool {
        self.mode & Self::KIND == 0o160_000
    }
}

/// A whole id without its last digit. An abbreviation is looked up among the objects that are here; for a whole id that
/// is not here a partial clone goes to the net, which not every git can be told to leave.
fn local(id: &str) -> &str {
    if is_id(id) { id.get(..id.len() - 1).unwrap_or(id) } else { id }
}

/// Whether this is the whole id of an object.
pub(super) fn is_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The id and the size of the object that a line announces.
fn announced(line: &str, kind: Kind) -> Option<(String, u64)> {
    let (id, rest) = line.split_once(' ')?;
    let size = rest.strip_prefix(&kind.to_string())?.strip_prefix(' ')?.parse().ok()?;
    is_id(id).then(|| (id.to_owned(), size))
}

/// The first entry of a tree: the mode in octal digits, a space, the name, a zero, the id in bytes.
fn entry(bytes: &[u8], id: usize) -> Option<(Entry, &[u8])> {
    let space = bytes.iter().position(|&byte| byte == b' ')?;
    let (mode, rest) = (bytes.get(..space)?, bytes.get(space + 1..)?);
    let zero = rest.iter().position(|&byte| byte == 0)?;
    let (name, rest) = (rest.get(..zero)?, rest.get(zero + 1..)?);
    let (id, rest) = rest.split_at_checked(id)?;
    let mode = u32::from_str_radix(str::from_utf8(mode).ok()?, 8).ok()?;
    Some((Entry { mode, id: hex(id), name: name.to_owned() }, rest))
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

pub(super) fn odd(what: &str) -> Broken {
    GitError::Odd(format!("it answered {what:?}")).into()
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Commit => "commit",
            Self::Tree => "tree",
        })
    }
}
