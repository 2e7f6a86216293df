//! The events of GitHub, and of Gitea and Forgejo, which hand over the same variables and payloads of the same shape.
//!
//! What the runner sets for each event:
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows>. What is in the
//! event file: <https://docs.github.com/en/webhooks/webhook-events-and-payloads>.

use serde_json::Value;

use super::{CiReport, Forge, FoundCommit, Provider, PullRequestRef, Trigger, queued, short};
use crate::environment::Environment;
use crate::model::commit::Commit;

/// Why a comment is not judged by itself.
const COMMENT: &str = "is not set, and a comment belongs to no commit: the one the runner names is the newest of the \
                       default branch. Give the head of the pull request that was commented on";

/// GitHub, or one of those that set its variables and a marker of their own.
pub(super) fn provider(environment: &Environment) -> Provider {
    let imitated = ["GITEA_ACTIONS", "FORGEJO_ACTIONS"].iter().any(|marker| environment.get(marker).is_some());
    if imitated { Provider::Gitea } else { Provider::GitHub }
}

/// Where the repository can be asked.
pub(super) fn forge(provider: Option<Provider>, environment: &Environment) -> Option<Forge> {
    if !matches!(provider, Some(Provider::GitHub | Provider::Gitea)) {
        return None;
    }
    let url = |name| environment.get(name).map(|url| url.trim_end_matches('/').to_owned());
    Some(Forge { repository: repository(environment.get("GITHUB_REPOSITORY")?)?, api: url("GITHUB_API_URL")? })
}

/// An owner and a name, neither of which can lead elsewhere in a URL.
fn repository(text: &str) -> Option<String> {
    let (owner, name) = text.split_once('/')?;
    let safe = |part: &str| {
        let dots = part.bytes().all(|byte| byte == b'.');
        !dots && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    (safe(owner) && safe(name)).then(|| text.to_owned())
}

/// What the event tells.
pub(super) fn told(environment: &Environment) -> CiReport {
    let name = environment.get("GITHUB_EVENT_NAME").unwrap_or_default();
    tell(name, Event::read(environment), environment)
}

pub(super) fn tell(name: &str, event: Result<Event, String>, environment: &Environment) -> CiReport {
    let pull_request = event.as_ref().ok().and_then(|event| event.pull_request(name));
    CiReport { trigger: trigger(name, event, environment), pull_request }
}

fn trigger(name: &str, event: Result<Event, String>, environment: &Environment) -> Result<Option<Trigger>, String> {
    match name {
        "pull_request" | "pull_request_target" => event?.pull_request_trigger().map(Some),
        "pull_request_review" | "pull_request_review_comment" => {
            event?.head_of_pull_request().map(Trigger::Commit).map(Some)
        }
        "merge_group" => event?.merge_group().map(Some),
        "workflow_run" => event?.workflow_run().map(Some),
        "push" => match event {
            Ok(event) => event.push(environment),
            // The runner tells the commit as well; only the branch stays unknown.
            Err(_) => run_commit(environment),
        },
        "issue_comment" => Err(COMMENT.to_owned()),
        _ => run_commit(environment),
    }
}

/// The commit that the run is of: for a push, a manual or a scheduled run, a tag or a release that is the code at hand.
fn run_commit(environment: &Environment) -> Result<Option<Trigger>, String> {
    let Some(text) = environment.get("GITHUB_SHA") else { return Ok(None) };
    let commit = Commit::parse(text).map_err(|problem| format!("is not set, and GITHUB_SHA {problem}"))?;
    Ok(Some(Trigger::Commit(FoundCommit { commit, source: "GITHUB_SHA" })))
}

/// The payload. Its fields are named by their path, `pull_request.head.sha`.
///
/// Only what is needed is looked at, so that a field of another type elsewhere, as Gitea and Forgejo have some, is no
/// obstacle.
pub(super) struct Event(Value);

impl Event {
    fn read(environment: &Environment) -> Result<Self, String> {
        let path = environment.get("GITHUB_EVENT_PATH").ok_or("is not set, and GITHUB_EVENT_PATH is not either")?;
        let text =
            std::fs::read(path).map_err(|error| format!("is not set, and the event file cannot be read: {error}"))?;
        Self::parse(&text)
    }

    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(text).map(Self).map_err(|_| "is not set, and the event file is not JSON".to_owned())
    }

    fn at(&self, path: &str) -> Option<&Value> {
        self.0.pointer(&format!("/{}", path.replace('.', "/")))
    }

    /// A text that is there and not empty.
    fn text(&self, path: &str) -> Option<&str> {
        self.at(path).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    fn number(&self, path: &str) -> Option<u64> {
        self.at(path).and_then(Value::as_u64)
    }

    fn flag(&self, path: &str) -> Option<bool> {
        self.at(path).and_then(Value::as_bool)
    }

    fn commit(&self, path: &str, source: &'static str) -> Result<FoundCommit, String> {
        let text = self.text(path).ok_or_else(|| missing(path))?;
        let commit =
            Commit::parse(text).map_err(|problem| format!("is not set, and {path} in the event file {problem}"))?;
        Ok(FoundCommit { commit, source })
    }

    /// The head and not `GITHUB_SHA`, which is a test merge that nobody ran or the newest commit of the base branch.
    fn head_of_pull_request(&self) -> Result<FoundCommit, String> {
        self.commit("pull_request.head.sha", "the pull request's head (event file)")
    }

    fn pull_request_trigger(&self) -> Result<Trigger, String> {
        if self.text("action") != Some("closed") {
            // A label on an old pull request: neither a review nor the moment of its merge.
            return match self.text("pull_request.state") {
                Some("closed") => Ok(Trigger::Nothing("the pull request is closed")),
                _ => self.head_of_pull_request().map(Trigger::Commit),
            };
        }
        if !self.flag("pull_request.merged").ok_or_else(|| missing("pull_request.merged"))? {
            return Ok(Trigger::Nothing("the pull request was closed without being merged"));
        }
        Ok(Trigger::Merged {
            head: self.head_of_pull_request()?,
            into_default: self.is_default(self.text("pull_request.base.ref")),
        })
    }

    fn merge_group(&self) -> Result<Trigger, String> {
        let path = "merge_group.head_ref";
        let branch = self.text(path).ok_or_else(|| missing(path))?;
        let pull_request = queued(branch).ok_or_else(|| {
            format!("is not set, and {path} in the event file names no pull request of a merge queue")
        })?;
        Ok(Trigger::MergeGroup { pull_request })
    }

    /// What another workflow ran on: how a pull request from a fork is judged where the secrets are.
    fn workflow_run(&self) -> Result<Trigger, String> {
        match self.text("workflow_run.head_branch").and_then(queued) {
            Some(pull_request) if self.text("workflow_run.event") == Some("merge_group") => {
                Ok(Trigger::MergeGroup { pull_request })
            }
            _ => self
                .commit("workflow_run.head_sha", "the commit of the workflow run that triggered this one (event file)")
                .map(Trigger::Commit),
        }
    }

    fn push(&self, environment: &Environment) -> Result<Option<Trigger>, String> {
        let after = self.text("after");
        if self.flag("deleted") == Some(true) || after.is_some_and(|after| after.bytes().all(|byte| byte == b'0')) {
            return Ok(Some(Trigger::Nothing("a branch or tag was deleted")));
        }
        let branch = self.text("ref").and_then(|name| name.strip_prefix("refs/heads/")).filter(|name| !name.is_empty());
        let (Some(branch), Some(_)) = (branch, after) else {
            // After the push of an annotated tag it may be the tag itself; the runner names its commit.
            return run_commit(environment);
        };
        if let Some(pull_request) = queued(branch) {
            return Ok(Some(Trigger::MergeGroup { pull_request }));
        }
        let head = self.commit("after", "the commit that was pushed (event file)")?;
        Ok(Some(Trigger::Pushed { head, branch: branch.to_owned(), to_default: self.is_default(Some(branch)) }))
    }

    fn is_default(&self, branch: Option<&str>) -> Option<bool> {
        Some(branch? == self.text("repository.default_branch")?)
    }

    fn pull_request(&self, event: &str) -> Option<PullRequestRef> {
        match event {
            "pull_request" | "pull_request_target" | "pull_request_review" | "pull_request_review_comment" => {
                let head_repository = self.text("pull_request.head.repo.full_name");
                Some(PullRequestRef {
                    number: self.number("pull_request.number"),
                    base: self.text("pull_request.base.ref").map(str::to_owned),
                    // A fork that was deleted since has no name any more.
                    from_fork: self.at("pull_request.head.repo").is_some()
                        && head_repository != self.text("pull_request.base.repo.full_name"),
                })
            }
            "merge_group" => Some(PullRequestRef {
                number: self.text("merge_group.head_ref").and_then(queued),
                base: self.text("merge_group.base_ref").map(|name| short(name).to_owned()),
                ..PullRequestRef::default()
            }),
            "workflow_run" => self.pull_request_of_run(),
            // An issue is a pull request when it says so.
            "issue_comment" if self.text("issue.pull_request.url").is_some() => {
                Some(PullRequestRef { number: self.number("issue.number"), ..PullRequestRef::default() })
            }
            _ => None,
        }
    }

    /// The list of pull requests is empty for those from forks, and may hold those of another repository that has a
    /// branch from here; a number is told only when there is no doubt.
    fn pull_request_of_run(&self) -> Option<PullRequestRef> {
        let event = self.text("workflow_run.event")?;
        if !event.starts_with("pull_request") && event != "merge_group" {
            return None;
        }
        let here = self.at("repository.id");
        let all = self.at("workflow_run.pull_requests").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let mut ours = all.iter().filter(|one| here.is_some() && one.pointer("/base/repo/id") == here);
        let only = ours.next().filter(|_| ours.next().is_none());
        let head_repository = self.text("workflow_run.head_repository.full_name");
        let queued = self.text("workflow_run.head_branch").filter(|_| event == "merge_group").and_then(queued);
        Some(PullRequestRef {
            number: only.and_then(|one| one.pointer("/number")).and_then(Value::as_u64).or(queued),
            base: only.and_then(|one| one.pointer("/base/ref")).and_then(Value::as_str).map(str::to_owned),
            from_fork: head_repository.is_some_and(|head| Some(head) != self.text("repository.full_name")),
        })
    }
}

fn missing(path: &str) -> String {
    format!("is not set, and the event file holds no {path}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const HEAD: &str = "ec26c3e57ca3a959ca5aad62de7213c562f8c821";
    const MERGE: &str = "c4295bd74fb0f4fda03689c3df3f2803b658fd85";
    const EVENTS: [(&str, &str); 9] = [
        ("pull_request", "pull_request"),
        ("pull_request_target", "pull_request_closed"),
        ("pull_request_review", "pull_request_review"),
        ("merge_group", "merge_group"),
        ("push", "push"),
        ("push", "push_deleted"),
        ("workflow_run", "workflow_run"),
        ("workflow_run", "workflow_run_with_pull_requests"),
        ("issue_comment", "issue_comment"),
    ];

    fn payload(file: &str) -> Value {
        let path = format!("{}/tests/gate/events/{file}.json", env!("CARGO_MANIFEST_DIR"));
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    /// What is told of an example with some of its values replaced.
    fn told(name: &str, file: &str, edits: &[(&str, Value)]) -> CiReport {
        let mut payload = payload(file);
        for (path, value) in edits {
            let (parent, key) = path.rsplit_once('.').unwrap();
            payload.pointer_mut(&format!("/{}", parent.replace('.', "/"))).unwrap()[key] = value.clone();
        }
        tell(name, Ok(Event(payload)), &Environment::from_iter([("GITHUB_SHA", MERGE)]))
    }

    fn found(commit: &str, source: &'static str) -> FoundCommit {
        FoundCommit { commit: Commit::parse(commit).unwrap(), source }
    }

    fn head() -> FoundCommit {
        found(HEAD, "the pull request's head (event file)")
    }

    fn pull_request() -> PullRequestRef {
        PullRequestRef { number: Some(2), base: Some("master".to_owned()), ..PullRequestRef::default() }
    }

    #[test]
    fn a_pull_request_is_its_head_and_never_the_test_merge() {
        for (name, file) in [
            ("pull_request", "pull_request"),
            ("pull_request_target", "pull_request"),
            ("pull_request_review", "pull_request_review"),
            ("pull_request_review_comment", "pull_request_review"),
        ] {
            let told = told(name, file, &[]);
            assert_eq!(
                (told.trigger, told.pull_request),
                (Ok(Some(Trigger::Commit(head()))), Some(pull_request())),
                "{name}"
            );
        }
    }

    #[test]
    fn forks_and_drafts_are_told() {
        let fork = ("pull_request.head.repo.full_name", json!("octocat/Hello-World"));
        let told_of = told("pull_request", "pull_request", &[fork]);
        assert_eq!(told_of.pull_request, Some(PullRequestRef { from_fork: true, ..pull_request() }));
        let deleted = told("pull_request", "pull_request", &[("pull_request.head.repo", Value::Null)]);
        assert_eq!(deleted.pull_request, Some(PullRequestRef { from_fork: true, ..pull_request() }));
        assert_eq!(deleted.trigger, Ok(Some(Trigger::Commit(head()))));
    }

    #[test]
    fn a_closed_pull_request_is_judged_again_when_it_was_merged_and_else_not_at_all() {
        let closed = |edits: &[_]| told("pull_request", "pull_request_closed", edits).trigger;
        assert!(matches!(closed(&[]), Ok(Some(Trigger::Nothing(_)))));
        let merged = ("pull_request.merged", json!(true));
        let trigger = |into_default| Ok(Some(Trigger::Merged { head: head(), into_default }));
        assert_eq!(closed(std::slice::from_ref(&merged)), trigger(Some(true)));
        assert_eq!(closed(&[merged, ("pull_request.base.ref", json!("release/1.x"))]), trigger(Some(false)));
        let unknown = closed(&[("pull_request.merged", Value::Null)]).unwrap_err();
        assert!(unknown.contains("holds no pull_request.merged"), "{unknown}");
    }

    #[test]
    fn a_merge_group_is_the_pull_request_that_its_branch_names() {
        let told_of = told("merge_group", "merge_group", &[]);
        assert_eq!(told_of.trigger, Ok(Some(Trigger::MergeGroup { pull_request: 104 })));
        let pull_request =
            PullRequestRef { number: Some(104), base: Some("main".to_owned()), ..PullRequestRef::default() };
        assert_eq!(told_of.pull_request, Some(pull_request));
        let other = told("merge_group", "merge_group", &[("merge_group.head_ref", json!("refs/heads/main"))]);
        assert!(other.trigger.unwrap_err().contains("merge_group.head_ref in the event file names no pull request"));
    }

    #[test]
    fn a_push_is_what_the_branch_is_now() {
        let after = found("6113728f27ae82c7b1a177c8d03f9e96e0adf246", "the commit that was pushed (event file)");
        let pushed = |branch: &str, to_default| {
            Ok(Some(Trigger::Pushed { head: after.clone(), branch: branch.to_owned(), to_default }))
        };
        assert_eq!(told("push", "push", &[]).trigger, pushed("master", Some(true)));
        let push = |edits: &[_]| {
            let mut payload = payload("push");
            for (key, value) in edits {
                payload[*key] = Value::clone(value);
            }
            tell("push", Ok(Event(payload)), &Environment::from_iter([("GITHUB_SHA", MERGE)])).trigger
        };
        assert_eq!(push(&[("ref", json!("refs/heads/a/b"))]), pushed("a/b", Some(false)));
        assert_eq!(push(&[("repository", Value::Null)]), pushed("master", None));
        let run = Ok(Some(Trigger::Commit(found(MERGE, "GITHUB_SHA"))));
        assert_eq!(push(&[("ref", json!("refs/tags/v1"))]), run);
        assert_eq!(push(&[("after", Value::Null)]), run);
        let queue = json!(format!("refs/heads/gh-readonly-queue/main/pr-104-{HEAD}"));
        assert_eq!(push(&[("ref", queue)]), Ok(Some(Trigger::MergeGroup { pull_request: 104 })));
        assert!(matches!(push(&[("deleted", json!(true))]), Ok(Some(Trigger::Nothing(_)))));
        assert!(matches!(push(&[("after", json!("0".repeat(40)))]), Ok(Some(Trigger::Nothing(_)))));
        assert!(matches!(told("push", "push_deleted", &[]).trigger, Ok(Some(Trigger::Nothing(_)))));
        assert_eq!(tell("push", Err(String::new()), &Environment::from_iter([("GITHUB_SHA", MERGE)])).trigger, run);
    }

    /// Whoever opens a pull request names its branch, and could have another one judged in its place.
    #[test]
    fn a_branch_called_like_a_merge_queue_is_none() {
        let queue = json!(format!("gh-readonly-queue/main/pr-7-{HEAD}"));
        let branch = ("workflow_run.head_branch", queue);
        let of = |event: &str| {
            told("workflow_run", "workflow_run", &[branch.clone(), ("workflow_run.event", json!(event))])
                .trigger
                .unwrap()
        };
        assert_eq!(of("merge_group"), Some(Trigger::MergeGroup { pull_request: 7 }));
        for event in ["pull_request", "push", "pull_request_target"] {
            assert!(matches!(of(event), Some(Trigger::Commit(_))), "{event}");
        }
    }

    #[test]
    fn a_workflow_run_is_what_triggered_it() {
        let commit = found(
            "3484a3fb816e0859fd6e1cea078d76385ff50625",
            "the commit of the workflow run that triggered this one (event file)",
        );
        let run = |file, edits: &[_]| told("workflow_run", file, edits);
        let other = run("workflow_run", &[]);
        assert_eq!((other.trigger, other.pull_request), (Ok(Some(Trigger::Commit(commit.clone()))), None));
        let pull_request = ("workflow_run.event", json!("pull_request"));
        let fork = ("workflow_run.head_repository.full_name", json!("octocat/octo-repo"));
        let forked = run("workflow_run", &[pull_request.clone(), fork]);
        assert_eq!(forked.trigger, Ok(Some(Trigger::Commit(commit))));
        assert_eq!(forked.pull_request, Some(PullRequestRef { from_fork: true, ..PullRequestRef::default() }));
        // The pull request of the example is in another repository.
        let elsewhere = run("workflow_run_with_pull_requests", std::slice::from_ref(&pull_request));
        assert_eq!(elsewhere.pull_request.unwrap().number, None);
        let here = run("workflow_run_with_pull_requests", &[pull_request, ("repository.id", json!(186_853_002))]);
        let here = here.pull_request.unwrap();
        assert_eq!((here.number, here.base.as_deref(), here.from_fork), (Some(2), Some("master"), false));
        let queue = json!(format!("gh-readonly-queue/main/pr-104-{HEAD}"));
        let queued =
            run("workflow_run", &[("workflow_run.event", json!("merge_group")), ("workflow_run.head_branch", queue)]);
        assert_eq!(queued.trigger, Ok(Some(Trigger::MergeGroup { pull_request: 104 })));
        assert_eq!(queued.pull_request.unwrap().number, Some(104));
    }

    #[test]
    fn a_comment_is_no_commit_but_its_pull_request_is_known() {
        let issue = told("issue_comment", "issue_comment", &[]);
        assert!(issue.trigger.unwrap_err().contains("a comment belongs to no commit"));
        assert_eq!(issue.pull_request, None);
        let of = json!({"url": "https://api.github.com/repos/Codertocat/Hello-World/pulls/1"});
        let pull_request = told("issue_comment", "issue_comment", &[("issue.pull_request", of)]);
        assert_eq!(pull_request.pull_request.unwrap().number, Some(1));
    }

    #[test]
    fn any_other_event_is_the_commit_of_the_run() {
        for name in ["workflow_dispatch", "schedule", "release", "repository_dispatch", ""] {
            let run = |pairs: &[(&str, &str)]| {
                tell(name, Err("no file".to_owned()), &pairs.iter().copied().collect()).trigger
            };
            assert_eq!(run(&[("GITHUB_SHA", HEAD)]), Ok(Some(Trigger::Commit(found(HEAD, "GITHUB_SHA")))));
            assert_eq!(run(&[]), Ok(None));
            assert!(run(&[("GITHUB_SHA", "main")]).unwrap_err().contains("GITHUB_SHA is not a commit id"));
        }
    }

    #[test]
    fn no_message_repeats_the_payload_and_no_payload_is_an_obstacle() {
        fn spoil(value: &mut Value, with: &Value) {
            match value {
                Value::Object(fields) => fields.values_mut().for_each(|field| spoil(field, with)),
                Value::Array(items) => items.iter_mut().for_each(|item| spoil(item, with)),
                leaf => *leaf = with.clone(),
            }
        }
        let poisons =
            [json!("::error::poison"), json!("poison\u{1b}[2J"), json!({"poison": 1}), json!(-1), Value::Null];
        for (name, file) in EVENTS {
            for poison in &poisons {
                let mut spoilt = payload(file);
                spoil(&mut spoilt, poison);
                let told = tell(name, Ok(Event(spoilt)), &Environment::default());
                let message = told.trigger.err().unwrap_or_default();
                assert!(!message.contains("poison"), "{name}: {message}");
            }
            for root in [json!([]), json!({}), json!("x"), Value::Null] {
                let told = tell(name, Ok(Event(root)), &Environment::default());
                assert!(told.trigger.is_err() || name == "push", "{name}");
            }
        }
    }

    #[test]
    fn a_repository_that_could_lead_elsewhere_is_none() {
        for right in ["octo-org/octo-repo", "a/.github", "A_1/b.c"] {
            assert_eq!(repository(right).as_deref(), Some(right));
        }
        for wrong in ["", "a", "/", "a/", "/b", "a/b/c", "../b", "a/..", "a/b?c", "a/b#c", "a/b c", "a/\u{e9}", "a\n/b"]
        {
            assert_eq!(repository(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn the_forge_is_known_on_github_and_its_kin_alone() {
        let environment = Environment::from_iter([
            ("GITHUB_REPOSITORY", "octo-org/octo-repo"),
            ("GITHUB_API_URL", "https://ghe.example.org/api/v3/"),
            ("GITHUB_SERVER_URL", "https://ghe.example.org"),
        ]);
        let known = forge(Some(Provider::GitHub), &environment).unwrap();
        assert_eq!(known.api, "https://ghe.example.org/api/v3");
        assert_eq!(forge(Some(Provider::Gitea), &environment).unwrap().repository, "octo-org/octo-repo");
        assert_eq!(forge(Some(Provider::Jenkins), &environment), None);
        assert_eq!(forge(Some(Provider::GitHub), &Environment::default()), None);
    }
}
