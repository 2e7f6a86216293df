//! Which commit to judge and what triggered the run: given by the user, reported by the CI, or checked out.
//!
//! | file | responsibility |
//! |---|---|
//! | `github` | the events of GitHub, and of Gitea and Forgejo, which have the same ones |
//! | `providers` | the variables of every other CI, in one table |
//!
//! Names and branches come from the author of the pull request; renderers escape them. No error repeats the content of
//! the event file, which can contain anything.

#[cfg(any(fuzzing, test))]
pub(crate) mod fuzz;
mod github;
mod providers;

use std::path::Path;

use crate::environment::Environment;
use crate::git::{Git, GitError};
use crate::model::commit::{BadCommit, Commit};

/// What is known about this run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CiContext {
    pub(crate) trigger: Trigger,
    /// The pull or merge request it belongs to.
    pub(crate) pull_request: Option<PullRequestRef>,
    /// Where the repository's API is; known for GitHub, Gitea and Forgejo.
    pub(crate) forge: Option<Forge>,
}

/// What triggered the run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// A commit under review, or any other run.
    Commit(FoundCommit),
    /// A merge queue. Its commit is a temporary merge without a run, so the head of this pull request is judged. Only the
    /// API knows that head.
    MergeGroup {
        pull_request: u64,
    },
    /// A pull request was merged: its head is judged again, then the tag moves.
    Merged {
        head: FoundCommit,
        /// Whether it was merged into the repository's default branch.
        into_default: Option<bool>,
    },
    /// A push to a branch.
    Pushed {
        /// The newest commit of the branch.
        head: FoundCommit,
        branch: String,
        /// Whether it is the repository's default branch.
        to_default: Option<bool>,
    },
    Nothing(NothingToGate),
}

/// Why there is nothing to gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NothingToGate {
    /// Something happened on a pull request that was closed before.
    PullRequestIsClosed,
    PullRequestWasClosed,
    ClosedWithoutMerge,
    /// A branch or tag was deleted.
    Deleted,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundCommit {
    pub(crate) commit: Commit,
    pub(crate) source: CommitSource,
}

/// Where a commit was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CommitSource {
    Flag,
    Variable(&'static str),
    /// The head of the pull request in the event file.
    PullRequest,
    /// The pushed commit in the event file.
    Push,
    /// The commit of the other workflow run in the event file.
    WorkflowRun,
    /// The head of the pull request in Jenkins' clone.
    JenkinsHead,
    /// The head of the pull request in GitHub's merge queue.
    MergeQueue,
    Checkout,
}

/// Why there is no commit to judge. The words are in `wording::ci`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoCommit {
    /// The user gave something that is not a commit.
    Invalid {
        text: String,
        problem: BadCommit,
    },
    /// The CI set a variable to something that is not a commit.
    InvalidVariable {
        name: &'static str,
        problem: BadCommit,
    },
    /// A field of the event file is not a commit.
    InvalidField {
        field: &'static str,
        problem: BadCommit,
    },
    MissingField(&'static str),
    NoEventFile,
    UnreadableEventFile(String),
    EventFileIsNotJson,
    /// This field of the event file is not a branch of a merge queue.
    NotAMergeQueue(&'static str),
    /// A comment on a pull request.
    Comment,
    /// A merge queue, without a forge that knows the head of the pull request.
    MergeQueue {
        pull_request: u64,
    },
    /// The forge did not return the head of the queued pull request.
    UnknownQueuedHead {
        pull_request: u64,
        error: String,
    },
    NothingToGate(NothingToGate),
    Checkout(GitError),
    /// The commit is abbreviated, and git does not know its full id.
    Abbreviated {
        found: FoundCommit,
        error: GitError,
    },
}

/// A pull or merge request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct PullRequestRef {
    /// Its number; unknown in a workflow run that a fork triggered.
    pub(crate) number: Option<u64>,
    /// The branch it is to be merged into.
    pub(crate) base: Option<String>,
    /// Whether it is known to come from a fork.
    pub(crate) from_fork: bool,
}

/// Where the repository's API is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Forge {
    /// The repository as owner/name, in characters that are safe in a URL.
    pub(crate) repository: String,
    /// The root of the REST API, as the CI reports it.
    pub(crate) api: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Provider {
    AzurePipelines,
    Bitbucket,
    Buildkite,
    CircleCi,
    Drone,
    /// GitHub, Gitea or Forgejo.
    GitHub,
    GitLab,
    Jenkins,
    TeamCity,
    Travis,
    Woodpecker,
}

/// What a CI reports.
#[derive(Debug)]
struct CiReport {
    /// `None` if the CI knows no commit.
    trigger: Result<Option<Trigger>, NoCommit>,
    pull_request: Option<PullRequestRef>,
}

impl CiContext {
    /// The commit to judge.
    pub(crate) fn commit(&self) -> Result<&FoundCommit, NoCommit> {
        match self.trigger {
            Trigger::Commit(ref head) | Trigger::Merged { ref head, .. } | Trigger::Pushed { ref head, .. } => Ok(head),
            Trigger::MergeGroup { pull_request } => Err(NoCommit::MergeQueue { pull_request }),
            Trigger::Nothing(reason) => Err(NoCommit::NothingToGate(reason)),
        }
    }
}

/// Finds out what this run is about. The commit comes from the flag, then `COMMIT_ID`, then the CI, then the checkout.
///
/// A given commit only replaces the commit. Everything else still comes from the CI: that a pull request was merged, for
/// example, or that it was closed and there is nothing to gate. What the CI fails to report is then simply unknown.
///
/// # Errors
/// Why there is no commit.
pub(crate) fn detect(flag: Option<&str>, environment: &Environment, directory: &Path) -> Result<CiContext, NoCommit> {
    let git = Git::new(directory, environment);
    let given = given_commit(flag, environment)?;
    let (provider, CiReport { trigger, pull_request }) = report(environment, &git);
    let trigger = match given {
        Some(given) => with_commit(trigger.ok().flatten(), given),
        None => match trigger? {
            Some(trigger) => trigger,
            None => Trigger::Commit(checked_out(&git)?),
        },
    };
    let trigger = with_full_id(trigger, &git)?;
    let forge = if provider == Some(Provider::GitHub) { github::forge(environment) } else { None };
    Ok(CiContext { trigger, pull_request, forge })
}

/// Whether the CI that runs this shows colors. All do except Jenkins, which needs a plugin for them.
pub(crate) fn shows_colors(environment: &Environment) -> bool {
    environment.get("GITHUB_ACTIONS").is_some()
        || providers::running(environment).any(|ci| ci.provider != Provider::Jenkins)
}

fn given_commit(flag: Option<&str>, environment: &Environment) -> Result<Option<FoundCommit>, NoCommit> {
    let (text, source) = match (flag, environment.get("COMMIT_ID")) {
        (Some(flag), _) => (flag, CommitSource::Flag),
        (None, Some(variable)) => (variable, CommitSource::Variable("COMMIT_ID")),
        (None, None) => return Ok(None),
    };
    let invalid = |problem| NoCommit::Invalid { text: text.to_owned(), problem };
    Ok(Some(FoundCommit { commit: Commit::parse(text).map_err(invalid)?, source }))
}

fn with_commit(trigger: Option<Trigger>, head: FoundCommit) -> Trigger {
    match trigger {
        Some(Trigger::Merged { into_default, .. }) => Trigger::Merged { head, into_default },
        Some(Trigger::Pushed { branch, to_default, .. }) => Trigger::Pushed { head, branch, to_default },
        Some(Trigger::Nothing(reason)) => Trigger::Nothing(reason),
        Some(Trigger::Commit(_) | Trigger::MergeGroup { .. }) | None => Trigger::Commit(head),
    }
}

/// Completes an abbreviated commit. ClearML could only compare its first digits, and another commit with the same ones
/// can be made: 12 digits take minutes.
fn with_full_id(mut trigger: Trigger, git: &Git<'_>) -> Result<Trigger, NoCommit> {
    if let Trigger::Commit(found) | Trigger::Merged { head: found, .. } | Trigger::Pushed { head: found, .. } =
        &mut trigger
        && !found.commit.is_full()
    {
        match git.full_id(&found.commit) {
            Ok(commit) => found.commit = commit,
            Err(error) => return Err(NoCommit::Abbreviated { found: found.clone(), error }),
        }
    }
    Ok(trigger)
}

/// What the CI that runs this reports. Each CI is recognized by its own marker, because other variables also appear in
/// the shells of other CIs.
fn report(environment: &Environment, git: &Git<'_>) -> (Option<Provider>, CiReport) {
    let is_github = environment.get("GITHUB_ACTIONS") == Some("true");
    if let Some(ci) = providers::running(environment).next().filter(|_| !is_github) {
        return (Some(ci.provider), ci.report(environment, git));
    }
    if is_github || environment.get("GITHUB_EVENT_NAME").is_some() {
        return (Some(Provider::GitHub), github::report(environment));
    }
    (None, CiReport { trigger: Ok(None), pull_request: None })
}

fn checked_out(git: &Git<'_>) -> Result<FoundCommit, NoCommit> {
    let head = git.output(&["rev-parse", "--verify", "HEAD"]).map_err(NoCommit::Checkout)?;
    let commit = Commit::parse(&head).map_err(|_| NoCommit::Checkout(GitError::UnexpectedOutput(head)))?;
    Ok(FoundCommit { commit, source: CommitSource::Checkout })
}

/// The pull request in the name of a branch of GitHub's merge queue:
/// `gh-readonly-queue/<base branch>/pr-<number>-<commit of the base branch>`. The base branch can contain slashes and
/// dashes.
fn queued_pull_request(branch: &str) -> Option<u64> {
    let (_, last) = branch_name(branch).strip_prefix("gh-readonly-queue/")?.rsplit_once('/')?;
    let (pull_request, base) = last.strip_prefix("pr-")?.split_once('-')?;
    Commit::parse(base).ok()?;
    positive_number(pull_request)
}

fn branch_name(reference: &str) -> &str {
    reference.strip_prefix("refs/heads/").unwrap_or(reference)
}

fn positive_number(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().filter(|&number| number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEAD: &str = "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3";
    const OTHER: &str = "c0ffee0000c0ffee0000c0ffee0000c0ffee0000";

    fn context(flag: Option<&str>, pairs: &[(&str, &str)]) -> Result<CiContext, NoCommit> {
        detect(flag, &pairs.iter().copied().collect(), Path::new("/no/such/folder"))
    }

    fn found(commit: &str, source: CommitSource) -> FoundCommit {
        FoundCommit { commit: Commit::parse(commit).unwrap(), source }
    }

    #[test]
    fn the_flag_beats_the_variable_and_both_beat_the_ci() {
        let ci = ("CIRCLE_SHA1", "b6589fc6ab0dc82cf12099d1c2d40ab994e8410c");
        let pairs = [("CIRCLECI", "true"), ci, ("COMMIT_ID", OTHER)];
        let flag = context(Some(HEAD), &pairs).unwrap();
        assert_eq!(flag.trigger, Trigger::Commit(found(HEAD, CommitSource::Flag)));
        assert_eq!(
            context(None, &pairs).unwrap().trigger,
            Trigger::Commit(found(OTHER, CommitSource::Variable("COMMIT_ID")))
        );
        assert_eq!(
            context(None, &pairs[..2]).unwrap().trigger,
            Trigger::Commit(found(ci.1, CommitSource::Variable("CIRCLE_SHA1")))
        );
        assert!(context(Some(""), &pairs).unwrap_err().to_string().starts_with("\"\" is empty"));
    }

    #[test]
    fn a_given_commit_replaces_only_the_commit() {
        let (given, of_ci) = (found(HEAD, CommitSource::Flag), found(OTHER, CommitSource::Push));
        let merged = |head| Trigger::Merged { head, into_default: Some(true) };
        assert_eq!(with_commit(Some(merged(of_ci.clone())), given.clone()), merged(given.clone()));
        let pushed = |head| Trigger::Pushed { head, branch: "main".to_owned(), to_default: None };
        assert_eq!(with_commit(Some(pushed(of_ci.clone())), given.clone()), pushed(given.clone()));
        for trigger in [Some(Trigger::MergeGroup { pull_request: 7 }), Some(Trigger::Commit(of_ci)), None] {
            assert_eq!(with_commit(trigger, given.clone()), Trigger::Commit(given.clone()));
        }
        let nothing = || Trigger::Nothing(NothingToGate::Deleted);
        assert_eq!(with_commit(Some(nothing()), given), nothing());
    }

    #[test]
    fn with_a_given_commit_a_broken_event_file_is_no_error() {
        let broken = [("GITHUB_EVENT_NAME", "pull_request"), ("GITHUB_EVENT_PATH", "/no/such/file")];
        assert!(matches!(context(None, &broken), Err(NoCommit::UnreadableEventFile(_))));
        let given = context(Some(HEAD), &broken).unwrap();
        assert_eq!((given.trigger, given.pull_request), (Trigger::Commit(found(HEAD, CommitSource::Flag)), None));
    }

    #[test]
    fn a_ci_is_recognized_only_by_its_own_marker() {
        let of = |pairs: &[(&str, &str)]| {
            let environment: Environment = pairs.iter().copied().collect();
            report(&environment, &Git::new(Path::new("/no/such/folder"), &environment)).0
        };
        assert_eq!(of(&[("GITHUB_SHA", HEAD), ("CI_COMMIT_SHA", HEAD), ("CI", "true")]), None);
        assert_eq!(of(&[("GITHUB_EVENT_NAME", "push"), ("GITLAB_CI", "true")]), Some(Provider::GitLab));
        assert_eq!(of(&[("GITHUB_ACTIONS", "true"), ("JENKINS_URL", "https://ci")]), Some(Provider::GitHub));
        assert_eq!(of(&[("GITHUB_ACTIONS", "true"), ("GITEA_ACTIONS", "true")]), Some(Provider::GitHub));
        assert_eq!(of(&[("GITHUB_EVENT_NAME", "push")]), Some(Provider::GitHub));
        assert_eq!(of(&[("CI", "woodpecker"), ("DRONE", "true")]), Some(Provider::Woodpecker));
        assert_eq!(of(&[("CI", "drone"), ("DRONE", "true")]), Some(Provider::Drone));
    }

    #[test]
    fn a_branch_of_the_merge_queue_names_its_pull_request() {
        for base in ["main", "release/1.x", "pr-7-abcdef1/pr-8-abcdef1", "a-b/pr-1"] {
            assert_eq!(
                queued_pull_request(&format!("refs/heads/gh-readonly-queue/{base}/pr-104-{HEAD}")),
                Some(104),
                "{base}"
            );
        }
        for other in [
            "refs/heads/main",
            "gh-readonly-queue/main",
            "gh-readonly-queue/main/pr-104",
            "gh-readonly-queue/main/pr--104-abcdef1",
            "gh-readonly-queue/main/pr-0-abcdef1",
            "gh-readonly-queue/main/pr-+4-abcdef1",
            "gh-readonly-queue/main/pr-104-main",
            "gh-readonly-queue/main/pr-99999999999999999999-abcdef1",
            &format!("gh-readonly-queue/pr-104-{HEAD}"),
            &format!("x/gh-readonly-queue/main/pr-104-{HEAD}"),
        ] {
            assert_eq!(queued_pull_request(other), None, "{other}");
        }
    }

    #[test]
    fn every_ci_except_jenkins_shows_colors() {
        let shows = |name: &str, value: &str| shows_colors(&[(name, value)].into_iter().collect());
        assert!(shows("GITHUB_ACTIONS", "true") && shows("GITLAB_CI", "true") && shows("CI", "woodpecker"));
        assert!(!shows("JENKINS_URL", "https://ci") && !shows("CI", "true"));
    }

    proptest! {
        #[test]
        fn the_number_is_found_with_any_base_branch(base in "[a-z0-9/_.-]{1,40}", number in 1..u64::MAX) {
            prop_assert_eq!(queued_pull_request(&format!("gh-readonly-queue/{base}/pr-{number}-{HEAD}")), Some(number));
        }

        #[test]
        fn any_branch_name_is_read_without_a_panic(branch in "(gh-readonly-queue/)?.*") {
            let _ = queued_pull_request(&branch);
        }
    }
}
