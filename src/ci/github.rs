//! The events of GitHub. Gitea and Forgejo have the same variables and the same event files.
//!
//! The variables of each event:
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows>. The content of the
//! event file: <https://docs.github.com/en/webhooks/webhook-events-and-payloads>.

use serde_json::Value;

use super::{
    CiReport, CommitSource, Forge, FoundCommit, NoCommit, NothingToGate, PullRequestRef, Trigger, branch_name,
    queued_pull_request,
};
use crate::environment::Environment;
use crate::model::commit::Commit;

pub(super) fn forge(environment: &Environment) -> Option<Forge> {
    let repository = environment.get("GITHUB_REPOSITORY").filter(|text| is_repository(text))?.to_owned();
    let api = environment.get("GITHUB_API_URL")?.trim_end_matches('/').to_owned();
    Some(Forge { repository, api })
}

/// Whether this is an owner and a name that cannot lead elsewhere in a URL.
fn is_repository(text: &str) -> bool {
    let is_safe = |part: &str| {
        part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
            && part.bytes().any(|byte| byte != b'.')
    };
    text.split_once('/').is_some_and(|(owner, name)| is_safe(owner) && is_safe(name))
}

pub(super) fn report(environment: &Environment) -> CiReport {
    let name = environment.get("GITHUB_EVENT_NAME").unwrap_or_default();
    report_event(name, Event::read(environment), environment)
}

pub(super) fn report_event(name: &str, event: Result<Event, NoCommit>, environment: &Environment) -> CiReport {
    let pull_request = event.as_ref().ok().and_then(|event| event.pull_request(name));
    CiReport { trigger: trigger(name, event, environment), pull_request }
}

fn trigger(name: &str, event: Result<Event, NoCommit>, environment: &Environment) -> Result<Option<Trigger>, NoCommit> {
    match name {
        "pull_request" | "pull_request_target" => event?.pull_request_trigger().map(Some),
        "pull_request_review" | "pull_request_review_comment" => Ok(Some(Trigger::Commit(event?.head()?))),
        "merge_group" => event?.merge_group().map(Some),
        "workflow_run" => event?.workflow_run().map(Some),
        // Without the event file the runner still reports the commit; only the branch stays unknown.
        "push" => event.map_or_else(|_| run_commit(environment), |event| event.push(environment)),
        "issue_comment" => Err(NoCommit::Comment),
        _ => run_commit(environment),
    }
}

/// The commit of the run. For a push, a tag, a release, a manual or a scheduled run it is the code itself.
fn run_commit(environment: &Environment) -> Result<Option<Trigger>, NoCommit> {
    let name = "GITHUB_SHA";
    let Some(text) = environment.get(name) else { return Ok(None) };
    let commit = Commit::parse(text).map_err(|problem| NoCommit::InvalidVariable { name, problem })?;
    Ok(Some(Trigger::Commit(FoundCommit { commit, source: CommitSource::Variable(name) })))
}

/// The content of the event file. A field is named by its path: `pull_request.head.sha`.
///
/// Only the needed fields are read. Gitea and Forgejo have other types in some of the rest.
pub(super) struct Event(Value);

impl Event {
    fn read(environment: &Environment) -> Result<Self, NoCommit> {
        let path = environment.get("GITHUB_EVENT_PATH").ok_or(NoCommit::NoEventFile)?;
        Self::parse(&std::fs::read(path).map_err(|error| NoCommit::UnreadableEventFile(error.to_string()))?)
    }

    pub(super) fn parse(text: &[u8]) -> Result<Self, NoCommit> {
        serde_json::from_slice(text).map(Self).map_err(|_| NoCommit::EventFileIsNotJson)
    }

    fn field(&self, path: &str) -> Option<&Value> {
        self.0.pointer(&format!("/{}", path.replace('.', "/")))
    }

    fn text(&self, path: &str) -> Option<&str> {
        self.field(path).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    fn number(&self, path: &str) -> Option<u64> {
        self.field(path).and_then(Value::as_u64)
    }

    fn flag(&self, path: &str) -> Option<bool> {
        self.field(path).and_then(Value::as_bool)
    }

    fn commit(&self, field: &'static str, source: CommitSource) -> Result<FoundCommit, NoCommit> {
        let text = self.text(field).ok_or(NoCommit::MissingField(field))?;
        let commit = Commit::parse(text).map_err(|problem| NoCommit::InvalidField { field, problem })?;
        Ok(FoundCommit { commit, source })
    }

    /// The head of the pull request. `GITHUB_SHA` is a test merge without a run, or the newest commit of the base
    /// branch.
    fn head(&self) -> Result<FoundCommit, NoCommit> {
        self.commit("pull_request.head.sha", CommitSource::PullRequest)
    }

    fn pull_request_trigger(&self) -> Result<Trigger, NoCommit> {
        if self.text("action") != Some("closed") {
            // A label on an old pull request, for example, is neither a review nor the merge.
            return match self.text("pull_request.state") {
                Some("closed") => Ok(Trigger::Nothing(NothingToGate::PullRequestIsClosed)),
                _ => self.head().map(Trigger::Commit),
            };
        }
        let merged = "pull_request.merged";
        if !self.flag(merged).ok_or(NoCommit::MissingField(merged))? {
            return Ok(Trigger::Nothing(NothingToGate::ClosedWithoutMerge));
        }
        let into_default = self.is_default_branch(self.text("pull_request.base.ref"));
        Ok(Trigger::Merged { head: self.head()?, into_default })
    }

    fn merge_group(&self) -> Result<Trigger, NoCommit> {
        let field = "merge_group.head_ref";
        let branch = self.text(field).ok_or(NoCommit::MissingField(field))?;
        let pull_request = queued_pull_request(branch).ok_or(NoCommit::NotAMergeQueue(field))?;
        Ok(Trigger::MergeGroup { pull_request })
    }

    /// The commit that the other workflow ran on: how a fork's pull request is judged where the secrets are.
    fn workflow_run(&self) -> Result<Trigger, NoCommit> {
        match self.queued_pull_request_of_run() {
            Some(pull_request) => Ok(Trigger::MergeGroup { pull_request }),
            None => self.commit("workflow_run.head_sha", CommitSource::WorkflowRun).map(Trigger::Commit),
        }
    }

    /// The event counts, not only the branch: the author of a pull request chooses the name of its branch.
    fn queued_pull_request_of_run(&self) -> Option<u64> {
        let is_queue = self.text("workflow_run.event") == Some("merge_group");
        self.text("workflow_run.head_branch").filter(|_| is_queue).and_then(queued_pull_request)
    }

    fn push(&self, environment: &Environment) -> Result<Option<Trigger>, NoCommit> {
        let after = self.text("after");
        if self.flag("deleted") == Some(true) || after.is_some_and(|after| after.bytes().all(|byte| byte == b'0')) {
            return Ok(Some(Trigger::Nothing(NothingToGate::Deleted)));
        }
        let branch = self.text("ref").and_then(|name| name.strip_prefix("refs/heads/")).filter(|name| !name.is_empty());
        let (Some(branch), Some(_)) = (branch, after) else {
            // For an annotated tag `after` can be the tag itself; the runner reports its commit.
            return run_commit(environment);
        };
        if let Some(pull_request) = queued_pull_request(branch) {
            return Ok(Some(Trigger::MergeGroup { pull_request }));
        }
        let head = self.commit("after", CommitSource::Push)?;
        let to_default = self.is_default_branch(Some(branch));
        Ok(Some(Trigger::Pushed { head, branch: branch.to_owned(), to_default }))
    }

    fn is_default_branch(&self, branch: Option<&str>) -> Option<bool> {
        Some(branch? == self.text("repository.default_branch")?)
    }

    fn pull_request(&self, event: &str) -> Option<PullRequestRef> {
        match event {
            "pull_request" | "pull_request_target" | "pull_request_review" | "pull_request_review_comment" => {
                let head_repository = self.text("pull_request.head.repo.full_name");
                Some(PullRequestRef {
                    number: self.number("pull_request.number"),
                    base: self.text("pull_request.base.ref").map(str::to_owned),
                    // A deleted fork has no name.
                    from_fork: self.field("pull_request.head.repo").is_some()
                        && head_repository != self.text("pull_request.base.repo.full_name"),
                })
            }
            "merge_group" => Some(PullRequestRef {
                number: self.text("merge_group.head_ref").and_then(queued_pull_request),
                base: self.text("merge_group.base_ref").map(|name| branch_name(name).to_owned()),
                ..PullRequestRef::default()
            }),
            "workflow_run" => self.pull_request_of_run(),
            // An issue with this field is a pull request.
            "issue_comment" if self.text("issue.pull_request.url").is_some() => {
                Some(PullRequestRef { number: self.number("issue.number"), ..PullRequestRef::default() })
            }
            _ => None,
        }
    }

    /// The list of pull requests is empty for those from forks, and can contain those of another repository that has a
    /// branch from this one. The number counts only if exactly one is of this repository.
    fn pull_request_of_run(&self) -> Option<PullRequestRef> {
        let event = self.text("workflow_run.event")?;
        if !event.starts_with("pull_request") && event != "merge_group" {
            return None;
        }
        let here = self.field("repository.id");
        let all = self.field("workflow_run.pull_requests").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let mut ours = all.iter().filter(|one| here.is_some() && one.pointer("/base/repo/id") == here);
        let only = ours.next().filter(|_| ours.next().is_none());
        let head_repository = self.text("workflow_run.head_repository.full_name");
        let number = only.and_then(|one| one.pointer("/number")).and_then(Value::as_u64);
        Some(PullRequestRef {
            number: number.or_else(|| self.queued_pull_request_of_run()),
            base: only.and_then(|one| one.pointer("/base/ref")).and_then(Value::as_str).map(str::to_owned),
            from_fork: head_repository.is_some_and(|head| Some(head) != self.text("repository.full_name")),
        })
    }
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

    /// The report on an example event with some of its values replaced.
    fn report_edited(name: &str, file: &str, edits: &[(&str, Value)]) -> CiReport {
        let mut payload = payload(file);
        for (path, value) in edits {
            let (parent, key) = path.rsplit_once('.').unwrap();
            payload.pointer_mut(&format!("/{}", parent.replace('.', "/"))).unwrap()[key] = value.clone();
        }
        report_event(name, Ok(Event(payload)), &Environment::from_iter([("GITHUB_SHA", MERGE)]))
    }

    fn found(commit: &str, source: CommitSource) -> FoundCommit {
        FoundCommit { commit: Commit::parse(commit).unwrap(), source }
    }

    fn head() -> FoundCommit {
        found(HEAD, CommitSource::PullRequest)
    }

    fn pull_request() -> PullRequestRef {
        PullRequestRef { number: Some(2), base: Some("master".to_owned()), ..PullRequestRef::default() }
    }

    #[test]
    fn the_head_of_a_pull_request_is_judged_and_never_the_test_merge() {
        for (name, file) in [
            ("pull_request", "pull_request"),
            ("pull_request_target", "pull_request"),
            ("pull_request_review", "pull_request_review"),
            ("pull_request_review_comment", "pull_request_review"),
        ] {
            let report = report_edited(name, file, &[]);
            assert_eq!(
                (report.trigger, report.pull_request),
                (Ok(Some(Trigger::Commit(head()))), Some(pull_request())),
                "{name}"
            );
        }
    }

    #[test]
    fn forks_are_recognized_even_when_deleted() {
        let fork = ("pull_request.head.repo.full_name", json!("octocat/Hello-World"));
        let report = report_edited("pull_request", "pull_request", &[fork]);
        assert_eq!(report.pull_request, Some(PullRequestRef { from_fork: true, ..pull_request() }));
        let deleted = report_edited("pull_request", "pull_request", &[("pull_request.head.repo", Value::Null)]);
        assert_eq!(deleted.pull_request, Some(PullRequestRef { from_fork: true, ..pull_request() }));
        assert_eq!(deleted.trigger, Ok(Some(Trigger::Commit(head()))));
    }

    #[test]
    fn a_closed_pull_request_is_judged_again_only_if_it_was_merged() {
        let closed = |edits: &[_]| report_edited("pull_request", "pull_request_closed", edits).trigger;
        assert!(matches!(closed(&[]), Ok(Some(Trigger::Nothing(_)))));
        let merged = ("pull_request.merged", json!(true));
        let trigger = |into_default| Ok(Some(Trigger::Merged { head: head(), into_default }));
        assert_eq!(closed(std::slice::from_ref(&merged)), trigger(Some(true)));
        assert_eq!(closed(&[merged, ("pull_request.base.ref", json!("release/1.x"))]), trigger(Some(false)));
        let unknown = closed(&[("pull_request.merged", Value::Null)]);
        assert_eq!(unknown, Err(NoCommit::MissingField("pull_request.merged")));
    }

    #[test]
    fn the_branch_of_a_merge_group_names_the_pull_request() {
        let report = report_edited("merge_group", "merge_group", &[]);
        assert_eq!(report.trigger, Ok(Some(Trigger::MergeGroup { pull_request: 104 })));
        let pull_request =
            PullRequestRef { number: Some(104), base: Some("main".to_owned()), ..PullRequestRef::default() };
        assert_eq!(report.pull_request, Some(pull_request));
        let other = report_edited("merge_group", "merge_group", &[("merge_group.head_ref", json!("refs/heads/main"))]);
        assert_eq!(other.trigger, Err(NoCommit::NotAMergeQueue("merge_group.head_ref")));
    }

    #[test]
    fn the_newest_commit_of_a_push_is_judged() {
        let after = found("6113728f27ae82c7b1a177c8d03f9e96e0adf246", CommitSource::Push);
        let pushed = |branch: &str, to_default| {
            Ok(Some(Trigger::Pushed { head: after.clone(), branch: branch.to_owned(), to_default }))
        };
        assert_eq!(report_edited("push", "push", &[]).trigger, pushed("master", Some(true)));
        let push = |edits: &[_]| {
            let mut payload = payload("push");
            for (key, value) in edits {
                payload[*key] = Value::clone(value);
            }
            report_event("push", Ok(Event(payload)), &Environment::from_iter([("GITHUB_SHA", MERGE)])).trigger
        };
        assert_eq!(push(&[("ref", json!("refs/heads/a/b"))]), pushed("a/b", Some(false)));
        assert_eq!(push(&[("repository", Value::Null)]), pushed("master", None));
        let run = Ok(Some(Trigger::Commit(found(MERGE, CommitSource::Variable("GITHUB_SHA")))));
        assert_eq!(push(&[("ref", json!("refs/tags/v1"))]), run);
        assert_eq!(push(&[("after", Value::Null)]), run);
        let queue = json!(format!("refs/heads/gh-readonly-queue/main/pr-104-{HEAD}"));
        assert_eq!(push(&[("ref", queue)]), Ok(Some(Trigger::MergeGroup { pull_request: 104 })));
        assert!(matches!(push(&[("deleted", json!(true))]), Ok(Some(Trigger::Nothing(_)))));
        assert!(matches!(push(&[("after", json!("0".repeat(40)))]), Ok(Some(Trigger::Nothing(_)))));
        assert!(matches!(report_edited("push", "push_deleted", &[]).trigger, Ok(Some(Trigger::Nothing(_)))));
        assert_eq!(
            report_event("push", Err(NoCommit::NoEventFile), &Environment::from_iter([("GITHUB_SHA", MERGE)])).trigger,
            run
        );
    }

    /// The author of a pull request chooses the name of its branch, and could have another pull request judged instead.
    #[test]
    fn a_pull_request_cannot_pose_as_a_merge_queue() {
        let queue = json!(format!("gh-readonly-queue/main/pr-7-{HEAD}"));
        let branch = ("workflow_run.head_branch", queue);
        let of = |event: &str| {
            report_edited("workflow_run", "workflow_run", &[branch.clone(), ("workflow_run.event", json!(event))])
                .trigger
                .unwrap()
        };
        assert_eq!(of("merge_group"), Some(Trigger::MergeGroup { pull_request: 7 }));
        for event in ["pull_request", "push", "pull_request_target"] {
            assert!(matches!(of(event), Some(Trigger::Commit(_))), "{event}");
        }
    }

    #[test]
    fn a_workflow_run_is_judged_by_what_triggered_it() {
        let commit = found("3484a3fb816e0859fd6e1cea078d76385ff50625", CommitSource::WorkflowRun);
        let run = |file, edits: &[_]| report_edited("workflow_run", file, edits);
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
    fn a_comment_has_a_pull_request_but_no_commit() {
        let issue = report_edited("issue_comment", "issue_comment", &[]);
        assert_eq!(issue.trigger, Err(NoCommit::Comment));
        assert_eq!(issue.pull_request, None);
        let of = json!({"url": "https://api.github.com/repos/Codertocat/Hello-World/pulls/1"});
        let pull_request = report_edited("issue_comment", "issue_comment", &[("issue.pull_request", of)]);
        assert_eq!(pull_request.pull_request.unwrap().number, Some(1));
    }

    #[test]
    fn any_other_event_is_judged_by_the_commit_of_the_run() {
        for name in ["workflow_dispatch", "schedule", "release", "repository_dispatch", ""] {
            let run = |pairs: &[(&str, &str)]| {
                report_event(name, Err(NoCommit::NoEventFile), &pairs.iter().copied().collect()).trigger
            };
            assert_eq!(
                run(&[("GITHUB_SHA", HEAD)]),
                Ok(Some(Trigger::Commit(found(HEAD, CommitSource::Variable("GITHUB_SHA")))))
            );
            assert_eq!(run(&[]), Ok(None));
            let invalid = run(&[("GITHUB_SHA", "main")]);
            assert!(matches!(invalid, Err(NoCommit::InvalidVariable { name: "GITHUB_SHA", .. })), "{invalid:?}");
        }
    }

    #[test]
    fn no_error_repeats_the_event_file_and_no_event_file_causes_a_panic() {
        fn replace_values(value: &mut Value, with: &Value) {
            match value {
                Value::Object(fields) => fields.values_mut().for_each(|field| replace_values(field, with)),
                Value::Array(items) => items.iter_mut().for_each(|item| replace_values(item, with)),
                leaf => *leaf = with.clone(),
            }
        }
        let poisons =
            [json!("::error::poison"), json!("poison\u{1b}[2J"), json!({"poison": 1}), json!(-1), Value::Null];
        for (name, file) in EVENTS {
            for poison in &poisons {
                let mut edited = payload(file);
                replace_values(&mut edited, poison);
                let report = report_event(name, Ok(Event(edited)), &Environment::default());
                let message = report.trigger.err().map_or_else(String::new, |error| error.to_string());
                assert!(!message.contains("poison"), "{name}: {message}");
            }
            for root in [json!([]), json!({}), json!("x"), Value::Null] {
                let report = report_event(name, Ok(Event(root)), &Environment::default());
                assert!(report.trigger.is_err() || name == "push", "{name}");
            }
        }
    }

    #[test]
    fn rejects_repositories_that_could_lead_elsewhere_in_a_url() {
        for right in ["octo-org/octo-repo", "a/.github", "A_1/b.c"] {
            assert!(is_repository(right), "{right}");
        }
        for wrong in ["", "a", "/", "a/", "/b", "a/b/c", "../b", "a/..", "a/b?c", "a/b#c", "a/b c", "a/\u{e9}", "a\n/b"]
        {
            assert!(!is_repository(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn the_forge_comes_from_the_variables_of_github() {
        let environment = Environment::from_iter([
            ("GITHUB_REPOSITORY", "octo-org/octo-repo"),
            ("GITHUB_API_URL", "https://ghe.example.org/api/v3/"),
            ("GITHUB_SERVER_URL", "https://ghe.example.org"),
        ]);
        let api = "https://ghe.example.org/api/v3".to_owned();
        assert_eq!(forge(&environment), Some(Forge { repository: "octo-org/octo-repo".to_owned(), api }));
        assert_eq!(forge(&Environment::default()), None);
    }
}
