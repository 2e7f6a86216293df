//! Which commit is judged, and on what occasion: given, told by the CI, or checked out.
//!
//! | file | what it knows |
//! |---|---|
//! | `github` | the events of GitHub, and of Gitea and Forgejo, which imitate it |
//! | `providers` | the variables of every other CI, in one table |
//! | `checkout` | what is checked out |
//!
//! Names and branches come from whoever opened the pull request: whoever shows them has to escape them. The
//! event file is never repeated in a message: it may hold what nobody meant to print.

mod checkout;
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzz;
mod github;
mod providers;

use std::fmt;
use std::path::Path;

use crate::environment::Environment;
use crate::git::Git;
use crate::model::commit::Commit;

/// What is known of this run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CiContext {
    /// What there is to judge.
    pub(crate) trigger: Trigger,
    /// The pull or merge request it belongs to.
    pub(crate) pull_request: Option<PullRequestRef>,
    /// Where the repository can be asked; known for GitHub, Gitea and Forgejo.
    pub(crate) forge: Option<Forge>,
}

/// What there is to judge, and what follows from it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// A commit under review, or the one that is at hand.
    Commit(FoundCommit),
    /// A merge queue: the commit is a merge that nobody ran, so the head of this pull request counts. It has to be
    /// asked for, since the queue does not tell it.
    MergeGroup {
        /// The number of the pull request.
        pull_request: u64,
    },
    /// A pull request was merged: its head is judged again, then the tag moves.
    Merged {
        /// The head of the pull request.
        head: FoundCommit,
        /// Whether it was merged into the repository's default branch.
        into_default: Option<bool>,
    },
    /// A branch was pushed to.
    Pushed {
        /// The newest commit of the branch.
        head: FoundCommit,
        /// The branch.
        branch: String,
        /// Whether it is the repository's default branch.
        to_default: Option<bool>,
    },
    /// Nothing to gate, and why.
    Nothing(&'static str),
}

/// A commit and where it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundCommit {
    /// The commit.
    pub(crate) commit: Commit,
    /// Where it was found, in words for the report.
    pub(crate) source: &'static str,
}

/// A pull or merge request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct PullRequestRef {
    /// Its number; a workflow run that a fork triggered does not tell it.
    pub(crate) number: Option<u64>,
    /// The branch it is to be merged into.
    pub(crate) base: Option<String>,
    /// Whether it is known to come from a fork.
    pub(crate) from_fork: bool,
}

/// Where the repository can be asked about pull requests.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Forge {
    /// The repository as owner/name, in characters that are safe in a URL.
    pub(crate) repository: String,
    /// The root of the REST API, as it was told.
    pub(crate) api: String,
}

/// The CIs that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Provider {
    AzurePipelines,
    Bitbucket,
    Buildkite,
    CircleCi,
    Drone,
    /// Gitea or Forgejo.
    Gitea,
    GitHub,
    GitLab,
    Jenkins,
    TeamCity,
    Travis,
    Woodpecker,
}

impl CiContext {
    /// The commit to judge and where it was found.
    ///
    /// # Errors
    /// A phrase about `COMMIT_ID` that says why there is none.
    pub(crate) fn commit(&self) -> Result<&FoundCommit, String> {
        match &self.trigger {
            Trigger::Commit(found) | Trigger::Merged { head: found, .. } | Trigger::Pushed { head: found, .. } => {
                Ok(found)
            }
            Trigger::MergeGroup { pull_request } => Err(format!(
                "is not set, and the commit of a merge queue is a merge that nobody ran. \
                 Give the head of pull request {pull_request}"
            )),
            Trigger::Nothing(why) => Err(format!("is not needed: there is nothing to gate, {why}")),
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AzurePipelines => "Azure Pipelines",
            Self::Bitbucket => "Bitbucket Pipelines",
            Self::Buildkite => "Buildkite",
            Self::CircleCi => "CircleCI",
            Self::Drone => "Drone",
            Self::Gitea => "Gitea Actions",
            Self::GitHub => "GitHub Actions",
            Self::GitLab => "GitLab CI",
            Self::Jenkins => "Jenkins",
            Self::TeamCity => "TeamCity",
            Self::Travis => "Travis CI",
            Self::Woodpecker => "Woodpecker",
        })
    }
}

/// What a CI tells.
#[derive(Debug)]
struct CiReport {
    /// What there is to judge, as far as the CI knows; or why that cannot be known.
    trigger: Result<Option<Trigger>, String>,
    /// The pull or merge request.
    pull_request: Option<PullRequestRef>,
}

/// Finds out what this run is about. The commit is the flag, else `COMMIT_ID`, else what the CI tells, else the one
/// that is checked out.
///
/// A commit that is given says which code is judged. Everything else is still what the CI tells: that the pull request
/// was merged, or that it was closed and there is nothing to gate. What the CI fails to tell is then merely absent.
///
/// # Errors
/// A phrase about `COMMIT_ID` that says why there is no commit and how to give one.
pub(crate) fn detect(flag: Option<&str>, environment: &Environment, directory: &Path) -> Result<CiContext, String> {
    let given = given(flag, environment)?;
    let (provider, told) = told(environment, directory);
    let trigger = match given {
        Some(found) => instead(told.trigger.ok().flatten(), found),
        None => match told.trigger? {
            Some(trigger) => trigger,
            None => Trigger::Commit(checkout::checked_out(&Git::new(directory, environment))?),
        },
    };
    Ok(CiContext { trigger, pull_request: told.pull_request, forge: github::forge(provider, environment) })
}

fn given(flag: Option<&str>, environment: &Environment) -> Result<Option<FoundCommit>, String> {
    let flag = flag.map(|text| (text, "--commit-id"));
    let Some((text, source)) = flag.or_else(|| Some((environment.get("COMMIT_ID")?, "COMMIT_ID"))) else {
        return Ok(None);
    };
    let commit = Commit::parse(text).map_err(|problem| format!("{text:?} {problem}"))?;
    Ok(Some(FoundCommit { commit, source }))
}

/// The same occasion with the commit that was given.
fn instead(told: Option<Trigger>, head: FoundCommit) -> Trigger {
    match told {
        Some(Trigger::Merged { into_default, .. }) => Trigger::Merged { head, into_default },
        Some(Trigger::Pushed { branch, to_default, .. }) => Trigger::Pushed { head, branch, to_default },
        Some(Trigger::Nothing(why)) => Trigger::Nothing(why),
        Some(Trigger::Commit(_) | Trigger::MergeGroup { .. }) | None => Trigger::Commit(head),
    }
}

/// Asks the CI that runs this. Each is known by its own marker, since other variables leak from one into another.
fn told(environment: &Environment, directory: &Path) -> (Option<Provider>, CiReport) {
    let actions = || (Some(github::provider(environment)), github::told(environment));
    if environment.get("GITHUB_ACTIONS") == Some("true") {
        return actions();
    }
    if let Some(ci) = providers::running(environment) {
        return (Some(ci.provider), ci.told(environment, directory));
    }
    if environment.get("GITHUB_EVENT_NAME").is_some() {
        return actions();
    }
    (None, CiReport { trigger: Ok(None), pull_request: None })
}

/// The number of the pull request that a branch of GitHub's merge queue ends with:
/// `gh-readonly-queue/<base branch>/pr-<number>-<commit of the base branch>`. The base branch may hold slashes and
/// dashes.
fn queued(branch: &str) -> Option<u64> {
    let (_, last) = short(branch).strip_prefix("gh-readonly-queue/")?.rsplit_once('/')?;
    let (pull_request, base) = last.strip_prefix("pr-")?.split_once('-')?;
    Commit::parse(base).ok()?;
    number(pull_request)
}

/// The name of a branch without the folder of references it is in.
fn short(branch: &str) -> &str {
    branch.strip_prefix("refs/heads/").unwrap_or(branch)
}

/// A positive number in plain digits.
fn number(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().filter(|&number| number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEAD: &str = "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3";
    const OTHER: &str = "c0ffee0000c0ffee0000c0ffee0000c0ffee0000";

    fn context(flag: Option<&str>, pairs: &[(&str, &str)]) -> Result<CiContext, String> {
        detect(flag, &pairs.iter().copied().collect(), Path::new("/no/such/folder"))
    }

    fn found(commit: &str, source: &'static str) -> FoundCommit {
        FoundCommit { commit: Commit::parse(commit).unwrap(), source }
    }

    #[test]
    fn the_flag_beats_the_variable_and_both_beat_the_ci() {
        let ci = ("CIRCLE_SHA1", "b6589fc6ab0dc82cf12099d1c2d40ab994e8410c");
        let pairs = [("CIRCLECI", "true"), ci, ("COMMIT_ID", OTHER)];
        let flag = context(Some(HEAD), &pairs).unwrap();
        assert_eq!(flag.trigger, Trigger::Commit(found(HEAD, "--commit-id")));
        assert_eq!(context(None, &pairs).unwrap().trigger, Trigger::Commit(found(OTHER, "COMMIT_ID")));
        assert_eq!(context(None, &pairs[..2]).unwrap().trigger, Trigger::Commit(found(ci.1, "CIRCLE_SHA1")));
        assert!(context(Some(""), &pairs).unwrap_err().contains("is empty"));
    }

    #[test]
    fn a_commit_that_is_given_changes_the_commit_and_not_the_occasion() {
        let (given, of_ci) = (found(HEAD, "COMMIT_ID"), found(OTHER, "of the CI"));
        let merged = |head| Trigger::Merged { head, into_default: Some(true) };
        assert_eq!(instead(Some(merged(of_ci.clone())), given.clone()), merged(given.clone()));
        let pushed = |head| Trigger::Pushed { head, branch: "main".to_owned(), to_default: None };
        assert_eq!(instead(Some(pushed(of_ci.clone())), given.clone()), pushed(given.clone()));
        for told in [Some(Trigger::MergeGroup { pull_request: 7 }), Some(Trigger::Commit(of_ci)), None] {
            assert_eq!(instead(told, given.clone()), Trigger::Commit(given.clone()));
        }
        assert_eq!(instead(Some(Trigger::Nothing("closed")), given), Trigger::Nothing("closed"));
    }

    #[test]
    fn what_the_ci_fails_to_tell_is_absent_beside_a_commit_that_is_given() {
        let broken = [("GITHUB_EVENT_NAME", "pull_request"), ("GITHUB_EVENT_PATH", "/no/such/file")];
        assert!(context(None, &broken).unwrap_err().contains("the event file cannot be read"));
        let given = context(Some(HEAD), &broken).unwrap();
        assert_eq!((given.trigger, given.pull_request), (Trigger::Commit(found(HEAD, "--commit-id")), None));
    }

    #[test]
    fn a_ci_is_known_by_its_own_marker_and_never_by_what_leaks_into_its_shell() {
        let of = |pairs: &[(&str, &str)]| told(&pairs.iter().copied().collect(), Path::new(".")).0;
        assert_eq!(of(&[("GITHUB_SHA", HEAD), ("CI_COMMIT_SHA", HEAD), ("CI", "true")]), None);
        assert_eq!(of(&[("GITHUB_EVENT_NAME", "push"), ("GITLAB_CI", "true")]), Some(Provider::GitLab));
        assert_eq!(of(&[("GITHUB_ACTIONS", "true"), ("JENKINS_URL", "https://ci")]), Some(Provider::GitHub));
        assert_eq!(of(&[("GITHUB_ACTIONS", "true"), ("GITEA_ACTIONS", "true")]), Some(Provider::Gitea));
        assert_eq!(of(&[("GITHUB_EVENT_NAME", "push")]), Some(Provider::GitHub));
        assert_eq!(of(&[("CI", "woodpecker"), ("DRONE", "true")]), Some(Provider::Woodpecker));
        assert_eq!(of(&[("CI", "drone"), ("DRONE", "true")]), Some(Provider::Drone));
    }

    #[test]
    fn a_branch_of_the_merge_queue_tells_its_pull_request() {
        for base in ["main", "release/1.x", "pr-7-abcdef1/pr-8-abcdef1", "a-b/pr-1"] {
            assert_eq!(queued(&format!("refs/heads/gh-readonly-queue/{base}/pr-104-{HEAD}")), Some(104), "{base}");
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
            assert_eq!(queued(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn any_base_branch_leaves_the_number_readable(base in "[a-z0-9/_.-]{1,40}", number in 1..u64::MAX) {
            prop_assert_eq!(queued(&format!("gh-readonly-queue/{base}/pr-{number}-{HEAD}")), Some(number));
        }

        #[test]
        fn no_branch_makes_the_queue_stumble(branch in "(gh-readonly-queue/)?.*") {
            let _ = queued(&branch);
        }
    }
}
