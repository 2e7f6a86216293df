//! Pull requests as tests describe them.

/// A pull request to put into a [`crate::Repository`]: open, against `main`, from a branch of the same repository.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a field of its own in the API")]
pub struct PullSeed {
    pub(super) number: u64,
    pub(super) title: String,
    pub(super) body: Option<String>,
    pub(super) author: String,
    pub(super) head_sha: String,
    pub(super) head_ref: String,
    pub(super) fork: Option<String>,
    pub(super) base_ref: String,
    pub(super) base_sha: String,
    pub(super) commits: Vec<String>,
    pub(super) open: bool,
    pub(super) merged: bool,
    pub(super) merge_commit_sha: Option<String>,
    pub(super) labels: Vec<String>,
    pub(super) draft: bool,
    pub(super) locked: bool,
}

impl PullSeed {
    /// Number and head commit.
    pub fn new(number: u64, head_sha: &str) -> Self {
        Self {
            number,
            title: format!("Change {number}"),
            body: None,
            author: "octocat".to_owned(),
            head_sha: head_sha.to_owned(),
            head_ref: format!("change-{number}"),
            fork: None,
            base_ref: "main".to_owned(),
            base_sha: "0".repeat(40),
            commits: Vec::new(),
            open: true,
            merged: false,
            merge_commit_sha: None,
            labels: Vec::new(),
            draft: false,
            locked: false,
        }
    }

    /// Its title.
    #[must_use]
    pub fn title(mut self, title: &str) -> Self {
        title.clone_into(&mut self.title);
        self
    }

    /// Its description.
    #[must_use]
    pub fn body(mut self, body: &str) -> Self {
        self.body = Some(body.to_owned());
        self
    }

    /// The login of the person who opened it.
    #[must_use]
    pub fn author(mut self, login: &str) -> Self {
        login.clone_into(&mut self.author);
        self
    }

    /// Its head commit, for when that changes.
    #[must_use]
    pub fn head_sha(mut self, sha: &str) -> Self {
        sha.clone_into(&mut self.head_sha);
        self
    }

    /// The branch it comes from.
    #[must_use]
    pub fn head_ref(mut self, branch: &str) -> Self {
        branch.clone_into(&mut self.head_ref);
        self
    }

    /// It comes from this other repository, `owner/name`.
    #[must_use]
    pub fn fork(mut self, full_name: &str) -> Self {
        self.fork = Some(full_name.to_owned());
        self
    }

    /// The branch it merges into, and the commit there.
    #[must_use]
    pub fn base(mut self, branch: &str, sha: &str) -> Self {
        branch.clone_into(&mut self.base_ref);
        sha.clone_into(&mut self.base_sha);
        self
    }

    /// Another of its commits, in addition to its head.
    #[must_use]
    pub fn commit(mut self, sha: &str) -> Self {
        self.commits.push(sha.to_owned());
        self
    }

    /// Closed without a merge.
    #[must_use]
    pub fn closed(mut self) -> Self {
        self.open = false;
        self
    }

    /// Merged as this commit.
    #[must_use]
    pub fn merged(mut self, merge_commit_sha: &str) -> Self {
        (self.open, self.merged) = (false, true);
        self.merge_commit(merge_commit_sha)
    }

    /// The `merge_commit_sha`. For an open pull request, this is the commit of GitHub's trial merge.
    #[must_use]
    pub fn merge_commit(mut self, sha: &str) -> Self {
        self.merge_commit_sha = Some(sha.to_owned());
        self
    }

    /// Another label.
    #[must_use]
    pub fn label(mut self, name: &str) -> Self {
        self.labels.push(name.to_owned());
        self
    }

    /// Not ready for review.
    #[must_use]
    pub fn draft(mut self) -> Self {
        self.draft = true;
        self
    }

    /// Its conversation is locked.
    #[must_use]
    pub fn locked(mut self) -> Self {
        self.locked = true;
        self
    }

    pub(super) fn has_commit(&self, sha: &str) -> bool {
        let merge = self.merge_commit_sha.iter().filter(|_| self.merged);
        std::iter::once(&self.head_sha).chain(&self.commits).chain(merge).any(|own| own == sha)
    }
}
