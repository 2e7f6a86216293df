//! The stored state: repositories with their pull requests, issues and comments.

use std::collections::{BTreeMap, BTreeSet};

use crate::time::SECOND;
use crate::workspace::Clock;

use super::auth::Tokens;
use super::seed::PullSeed;

/// The type of a user's account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Account {
    /// A person.
    User,
    /// An app, such as `github-actions[bot]`.
    Bot,
}

impl Account {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Bot => "Bot",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct User {
    pub(super) login: String,
    pub(super) account: Account,
}

/// An issue, or a pull request's conversation.
#[derive(Debug, Clone)]
pub(super) struct Conversation {
    pub(super) pull: Option<PullSeed>,
    pub(super) locked: bool,
    pub(super) created: i64,
}

#[derive(Debug, Clone)]
pub(super) struct StoredComment {
    pub(super) id: u64,
    pub(super) number: u64,
    pub(super) author: User,
    pub(super) body: String,
    pub(super) created: i64,
    pub(super) updated: i64,
    /// Written with the token of a workflow run.
    pub(super) by_app: bool,
}

#[derive(Debug)]
pub(super) struct StoredRepository {
    pub(super) id: u64,
    /// `owner/name`, as seeded. Look-ups ignore case.
    pub(super) full_name: String,
    pub(super) private: bool,
    pub(super) default_branch: String,
    pub(super) conversations: BTreeMap<u64, Conversation>,
    pub(super) comments: BTreeMap<u64, StoredComment>,
    /// Commits that belong to no pull request.
    pub(super) commits: BTreeSet<String>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) clock: Clock,
    pub(super) tokens: Tokens,
    /// When the primary rate limits reset, in seconds since 1970.
    pub(super) reset: i64,
    repositories: Vec<StoredRepository>,
    comment_ids: u64,
}

/// The first comment id fits 31 bits, the second needs 32, and the third more.
const FIRST_COMMENT: u64 = (1 << 31) - 1;
const COMMENT_STEP: u64 = (1 << 30) + 1;
const FIRST_REPOSITORY: u64 = 1_296_269;

impl State {
    pub(super) fn new(clock: Clock) -> Self {
        let reset = clock.now() / SECOND + 3600;
        Self { clock, tokens: Tokens::default(), reset, repositories: Vec::new(), comment_ids: FIRST_COMMENT }
    }

    pub(super) fn repository(&mut self, full_name: &str) -> &mut StoredRepository {
        let known = self.repositories.iter().position(|known| known.full_name.eq_ignore_ascii_case(full_name));
        let index = known.unwrap_or(self.repositories.len());
        if known.is_none() {
            self.repositories.push(StoredRepository {
                id: FIRST_REPOSITORY + u64::try_from(index).unwrap_or_default(),
                full_name: full_name.to_owned(),
                private: false,
                default_branch: "main".to_owned(),
                conversations: BTreeMap::new(),
                comments: BTreeMap::new(),
                commits: BTreeSet::new(),
            });
        }
        self.repositories.get_mut(index).unwrap_or_else(|| unreachable!("it was just found or made"))
    }

    pub(super) fn find(&self, is_it: impl Fn(&StoredRepository) -> bool) -> Option<&StoredRepository> {
        self.repositories.iter().find(|known| is_it(known))
    }

    pub(super) fn by_id(&mut self, id: u64) -> Option<&mut StoredRepository> {
        self.repositories.iter_mut().find(|known| known.id == id)
    }

    /// Stores a comment, dated now. None if the repository or conversation is missing.
    pub(super) fn comment(
        &mut self,
        repository: u64,
        number: u64,
        author: User,
        body: &str,
        by_app: bool,
    ) -> Option<StoredComment> {
        let now = self.clock.now();
        let id = self.comment_ids;
        let place = self.by_id(repository)?;
        place.conversations.get(&number)?;
        let comment = StoredComment { id, number, author, body: body.to_owned(), created: now, updated: now, by_app };
        place.comments.insert(id, comment.clone());
        self.comment_ids += COMMENT_STEP;
        Some(comment)
    }
}

impl StoredRepository {
    pub(super) fn owner(&self) -> &str {
        self.full_name.split_once('/').map_or("", |(owner, _)| owner)
    }

    pub(super) fn comments_of(&self, number: u64) -> impl Iterator<Item = &StoredComment> {
        self.comments.values().filter(move |comment| comment.number == number)
    }

    pub(super) fn is_pull(&self, number: u64) -> bool {
        self.conversations.get(&number).is_some_and(|conversation| conversation.pull.is_some())
    }

    pub(super) fn knows_commit(&self, sha: &str) -> bool {
        let mut pulls = self.conversations.values().filter_map(|conversation| conversation.pull.as_ref());
        self.commits.contains(sha) || pulls.any(|pull| pull.has_commit(sha))
    }
}
