//! A repository as tests use it: what they add, change and inspect.

use std::fmt;
use std::sync::Arc;

use crate::time;

use super::seed::PullSeed;
use super::server::Server;
use super::state::{Account, Conversation, StoredComment, StoredRepository, User};

/// A repository of a [`crate::GitHub`]. Clones share it.
#[derive(Clone)]
pub struct Repository {
    server: Arc<Server>,
    id: u64,
}

/// A comment as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Larger than 32 bits from the third on.
    pub id: u64,
    /// The author's name.
    pub login: String,
    /// The type of the author's account.
    pub account: Account,
    /// The text.
    pub body: String,
    /// In the form of the API.
    pub created_at: String,
    /// In the form of the API.
    pub updated_at: String,
}

impl Repository {
    pub(super) fn new(server: Arc<Server>, id: u64) -> Self {
        Self { server, id }
    }

    /// The id, which is also in the `Link` header of its lists.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Makes it visible only with a token.
    #[must_use]
    pub fn private(self) -> Self {
        self.with(|own| own.private = true);
        self
    }

    /// Sets the default branch instead of `main`.
    #[must_use]
    pub fn default_branch(self, branch: &str) -> Self {
        self.with(|own| branch.clone_into(&mut own.default_branch));
        self
    }

    /// Stores a pull request, or replaces the one with this number. Its comments stay.
    pub fn pull(&self, pull: PullSeed) {
        self.conversation(pull.number, pull.locked, Some(pull));
    }

    /// Stores an issue that is not a pull request.
    pub fn issue(&self, number: u64) {
        self.conversation(number, false, None);
    }

    /// Adds a commit that belongs to no pull request.
    pub fn commit(&self, sha: &str) {
        self.with(|own| own.commits.insert(sha.to_owned()));
    }

    /// Locks a pull request or issue for comments from now on.
    pub fn lock(&self, number: u64) {
        self.with(|own| own.conversations.get_mut(&number).map(|conversation| conversation.locked = true));
    }

    /// Stores a user's comment and returns its id.
    ///
    /// # Panics
    ///
    /// If there is no pull request or issue with this number.
    pub fn seed_comment(&self, number: u64, login: &str, account: Account, body: &str) -> u64 {
        let author = User { login: login.to_owned(), account };
        let stored = self.server.shared().state.comment(self.id, number, author, body, false);
        stored.unwrap_or_else(|| panic!("no pull request or issue {number}")).id
    }

    /// Stores this many comments of one author and returns their ids. `body` gets the index of each, from 0.
    ///
    /// # Panics
    ///
    /// If there is no pull request or issue with this number.
    pub fn seed_comments(
        &self,
        number: u64,
        count: usize,
        login: &str,
        account: Account,
        body: impl Fn(usize) -> String,
    ) -> Vec<u64> {
        (0..count).map(|place| self.seed_comment(number, login, account, &body(place))).collect()
    }

    /// The comments of a pull request or issue, in the order of their ids.
    #[must_use]
    pub fn comments(&self, number: u64) -> Vec<Comment> {
        self.with(|own| own.comments_of(number).map(shown).collect())
    }

    /// Changes a comment's text without the API. Returns whether there was one.
    pub fn edit_comment(&self, id: u64, body: &str) -> bool {
        self.with(|own| own.comments.get_mut(&id).map(|comment| body.clone_into(&mut comment.body)).is_some())
    }

    /// Deletes a comment without the API. Returns whether there was one.
    pub fn delete_comment(&self, id: u64) -> bool {
        self.with(|own| own.comments.remove(&id).is_some())
    }

    fn conversation(&self, number: u64, locked: bool, pull: Option<PullSeed>) {
        let created = self.server.shared().state.clock.now();
        self.with(|own| own.conversations.insert(number, Conversation { pull, locked, created }));
    }

    fn with<T>(&self, act: impl FnOnce(&mut StoredRepository) -> T) -> T {
        let mut shared = self.server.shared();
        act(shared.state.by_id(self.id).unwrap_or_else(|| unreachable!("repositories are never removed")))
    }
}

fn shown(comment: &StoredComment) -> Comment {
    Comment {
        id: comment.id,
        login: comment.author.login.clone(),
        account: comment.author.account,
        body: comment.body.clone(),
        created_at: time::iso_seconds(comment.created),
        updated_at: time::iso_seconds(comment.updated),
    }
}

impl fmt::Debug for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repository").field("id", &self.id).finish_non_exhaustive()
    }
}
