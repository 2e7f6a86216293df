//! The JSON form of users, repositories, comments and pull requests.

use serde_json::{Value, json};

use crate::time;
use crate::workspace::md5_hex;

use super::seed::PullSeed;
use super::state::{Account, Conversation, StoredComment, StoredRepository, User};

/// The addresses of the API and of the web pages.
#[derive(Debug, Clone)]
pub(super) struct Site {
    api: String,
    web: String,
    prefix: String,
}

impl Site {
    pub(super) fn new(origin: &str, prefix: &str) -> Self {
        Self { api: format!("{origin}{prefix}"), web: origin.to_owned(), prefix: prefix.to_owned() }
    }

    pub(super) fn api(&self) -> &str {
        &self.api
    }

    pub(super) fn web(&self) -> &str {
        &self.web
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(super) fn is_enterprise(&self) -> bool {
        !self.prefix.is_empty()
    }

    fn repository_url(&self, repository: &StoredRepository) -> String {
        format!("{}/repos/{}", self.api, repository.full_name)
    }

    pub(super) fn comment_url(&self, repository: &StoredRepository, id: u64) -> String {
        format!("{}/issues/comments/{id}", self.repository_url(repository))
    }

    pub(super) fn user(&self, user: &User) -> Value {
        let (login, id) = (&user.login, user_id(&user.login));
        let page = login.strip_suffix("[bot]").map_or_else(|| login.clone(), |app| format!("apps/{app}"));
        json!({
            "login": login,
            "id": id,
            "node_id": format!("U_{id:x}"),
            "avatar_url": format!("{}/avatars/u/{id}?v=4", self.web),
            "url": format!("{}/users/{login}", self.api),
            "html_url": format!("{}/{page}", self.web),
            "type": user.account.name(),
            "user_view_type": "public",
            "site_admin": false,
        })
    }

    pub(super) fn comment(&self, repository: &StoredRepository, comment: &StoredComment) -> Value {
        let StoredComment { id, number, .. } = comment;
        let kind = if repository.is_pull(*number) { "pull" } else { "issues" };
        json!({
            "id": id,
            "node_id": format!("IC_{id:x}"),
            "url": self.comment_url(repository, *id),
            "html_url": format!("{}/{}/{kind}/{number}#issuecomment-{id}", self.web, repository.full_name),
            "issue_url": format!("{}/issues/{number}", self.repository_url(repository)),
            "user": self.user(&comment.author),
            "created_at": time::iso_seconds(comment.created),
            "updated_at": time::iso_seconds(comment.updated),
            "author_association": association(repository, &comment.author),
            "body": comment.body,
            "reactions": {"url": format!("{}/reactions", self.comment_url(repository, *id)), "total_count": 0},
            "performed_via_github_app": comment.by_app.then(|| self.actions_app()),
        })
    }

    fn actions_app(&self) -> Value {
        let owner = User { login: "github".to_owned(), account: Account::User };
        json!({
            "id": 15368,
            "slug": "github-actions",
            "node_id": "A_3c08",
            "owner": self.user(&owner),
            "name": "GitHub Actions",
            "html_url": format!("{}/apps/github-actions", self.web),
        })
    }

    /// A pull request as in a list.
    pub(super) fn pull(&self, repository: &StoredRepository, conversation: &Conversation, pull: &PullSeed) -> Value {
        let (number, own) = (pull.number, self.repository_url(repository));
        let author = User { login: pull.author.clone(), account: Account::User };
        let at = time::iso_seconds(conversation.created);
        json!({
            "id": 3_000_000_000 + number,
            "node_id": format!("PR_{number:x}"),
            "number": number,
            "url": format!("{own}/pulls/{number}"),
            "html_url": format!("{}/{}/pull/{number}", self.web, repository.full_name),
            "issue_url": format!("{own}/issues/{number}"),
            "comments_url": format!("{own}/issues/{number}/comments"),
            "commits_url": format!("{own}/pulls/{number}/commits"),
            "statuses_url": format!("{own}/statuses/{}", pull.head_sha),
            "state": if pull.open { "open" } else { "closed" },
            "locked": conversation.locked,
            "title": pull.title,
            "body": pull.body,
            "user": self.user(&author),
            "labels": pull.labels.iter().map(|name| label(&own, name)).collect::<Vec<_>>(),
            "draft": pull.draft,
            "created_at": at,
            "updated_at": at,
            "closed_at": (!pull.open).then_some(&at),
            "merged_at": pull.merged.then_some(&at),
            "merge_commit_sha": pull.merge_commit_sha,
            "head": self.head(repository, pull),
            "base": self.end(repository, &repository.full_name, &pull.base_ref, &pull.base_sha),
            "author_association": association(repository, &author),
            "auto_merge": null,
        })
    }

    fn head(&self, repository: &StoredRepository, pull: &PullSeed) -> Value {
        let full_name = pull.fork.as_deref().unwrap_or(&repository.full_name);
        self.end(repository, full_name, &pull.head_ref, &pull.head_sha)
    }

    /// One end of a pull request. If the name differs from the repository's own, it is a fork.
    fn end(&self, repository: &StoredRepository, full_name: &str, branch: &str, sha: &str) -> Value {
        let (owner, name) = full_name.split_once('/').unwrap_or(("", full_name));
        let owner = User { login: owner.to_owned(), account: Account::User };
        let is_fork = full_name != repository.full_name;
        json!({
            "label": format!("{}:{branch}", owner.login),
            "ref": branch,
            "sha": sha,
            "user": self.user(&owner),
            "repo": {
                "id": if is_fork { user_id(full_name) } else { repository.id },
                "name": name,
                "full_name": full_name,
                "owner": self.user(&owner),
                "private": repository.private,
                "fork": is_fork,
                "url": format!("{}/repos/{full_name}", self.api),
                "html_url": format!("{}/{full_name}", self.web),
                "default_branch": repository.default_branch,
            },
        })
    }
}

fn label(repository_url: &str, name: &str) -> Value {
    let id = user_id(name);
    json!({
        "id": id,
        "node_id": format!("LA_{id:x}"),
        "url": format!("{repository_url}/labels/{}", name.replace(' ', "%20")),
        "name": name,
        "color": "ededed",
        "default": false,
        "description": null,
    })
}

fn association(repository: &StoredRepository, user: &User) -> &'static str {
    match user.account {
        _ if user.login == repository.owner() => "OWNER",
        Account::Bot => "NONE",
        Account::User => "CONTRIBUTOR",
    }
}

/// The same name gives the same result in every run.
fn user_id(name: &str) -> u64 {
    if name == "github-actions[bot]" {
        return 41_898_282;
    }
    md5_hex(name).get(..7).and_then(|hex| u64::from_str_radix(hex, 16).ok()).unwrap_or(1)
}
