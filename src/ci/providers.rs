//! The CIs that report everything in environment variables.

use super::{
    CiReport, CommitSource, FoundCommit, NoCommit, NothingToGate, Provider, PullRequestRef, Trigger, branch_name,
    checked_out, positive_number, queued_pull_request,
};
use crate::environment::Environment;
use crate::git::Git;
use crate::model::commit::Commit;

/// The variables of one CI. Where there are several, the first that is set counts.
pub(super) struct Ci {
    pub(super) provider: Provider,
    /// The variable that only this CI sets, and its value where other CIs set the variable too.
    marker: (&'static str, Option<&'static str>),
    /// The commit: the head of a pull request comes before its merge with the base.
    commit: &'static [&'static str],
    /// The number of the pull request, or a URL that ends with it. Other texts, such as "false", mean none.
    number: &'static [&'static str],
    /// The branch that the pull request is to be merged into.
    base: &'static [&'static str],
    fork: Fork,
    /// The branch of the build, where it is not for a pull request.
    branch: &'static [&'static str],
    /// Set where the build is for a tag. Some CIs report a tag as a branch.
    tag: Option<&'static str>,
    default: DefaultBranch,
    /// The cause of the build, and the values that mean a push. Without it every build of a branch counts as a push.
    push: Option<(&'static str, &'static [&'static str])>,
    /// The cause of the build, and the value that means that the pull request was closed.
    closed: Option<(&'static str, &'static str)>,
}

/// How to recognize a pull request from a fork.
enum Fork {
    Unknown,
    /// The variable is "true", in any case.
    Flag(&'static str),
    /// The variable is set.
    Set(&'static str),
    /// The two variables name different repositories.
    Differ(&'static str, &'static str),
}

/// How to recognize the default branch.
enum DefaultBranch {
    Unknown,
    /// The variable contains its name.
    Name(&'static str),
    /// The variable is "true" when the build is for it.
    Flag(&'static str),
}

/// A CI that only its marker is known of.
const fn plain(provider: Provider, marker: (&'static str, Option<&'static str>)) -> Ci {
    Ci {
        provider,
        marker,
        commit: &[],
        number: &[],
        base: &[],
        fork: Fork::Unknown,
        branch: &[],
        tag: None,
        default: DefaultBranch::Unknown,
        push: None,
        closed: None,
    }
}

/// Woodpecker comes before Drone because it sets Drone's variables too.
///
/// | CI | documentation of its variables |
/// |---|---|
/// | GitLab | <https://docs.gitlab.com/ci/variables/predefined_variables/> |
/// | Jenkins | `/env-vars.html/` of every Jenkins, and the plugins that check out |
/// | Azure Pipelines | <https://learn.microsoft.com/azure/devops/pipelines/build/variables> |
/// | Bitbucket | <https://support.atlassian.com/bitbucket-cloud/docs/variables-and-secrets/> |
/// | CircleCI | <https://circleci.com/docs/variables/> |
/// | Buildkite | <https://buildkite.com/docs/pipelines/environment-variables> |
/// | Travis | <https://docs.travis-ci.com/user/environment-variables/> |
/// | Woodpecker | <https://woodpecker-ci.org/docs/usage/environment> |
/// | Drone | <https://docs.drone.io/pipeline/environment/reference/> |
/// | TeamCity | <https://www.jetbrains.com/help/teamcity/predefined-build-parameters.html> |
const CIS: &[Ci] = &[
    Ci {
        // Merged results pipelines and merge trains run on a temporary merge, and only they set the first. Other merge
        // request pipelines run on the head itself.
        commit: &["CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_SHA", "CI_COMMIT_SHA"],
        number: &["CI_MERGE_REQUEST_IID", "CI_EXTERNAL_PULL_REQUEST_IID"],
        base: &["CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_NAME"],
        fork: Fork::Differ("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "CI_MERGE_REQUEST_PROJECT_ID"),
        branch: &["CI_COMMIT_BRANCH"],
        default: DefaultBranch::Name("CI_DEFAULT_BRANCH"),
        push: Some(("CI_PIPELINE_SOURCE", &["push"])),
        ..plain(Provider::GitLab, ("GITLAB_CI", None))
    },
    Ci {
        // The GitHub pull request builder sets the first. See `jenkins_head` for multibranch pipelines.
        commit: &["ghprbActualCommit", "GIT_COMMIT"],
        number: &["CHANGE_ID", "ghprbPullId"],
        base: &["CHANGE_TARGET", "ghprbTargetBranch"],
        fork: Fork::Set("CHANGE_FORK"),
        branch: &["BRANCH_NAME"],
        tag: Some("TAG_NAME"),
        default: DefaultBranch::Flag("BRANCH_IS_PRIMARY"),
        ..plain(Provider::Jenkins, ("JENKINS_URL", None))
    },
    Ci {
        // For a pull request the second is a temporary merge.
        commit: &["SYSTEM_PULLREQUEST_SOURCECOMMITID", "BUILD_SOURCEVERSION"],
        // On GitHub the id is one that only the API uses, and people see the number. Azure Repos has only the id.
        number: &["SYSTEM_PULLREQUEST_PULLREQUESTNUMBER", "SYSTEM_PULLREQUEST_PULLREQUESTID"],
        base: &["SYSTEM_PULLREQUEST_TARGETBRANCH"],
        fork: Fork::Flag("SYSTEM_PULLREQUEST_ISFORK"),
        branch: &["BUILD_SOURCEBRANCH"],
        push: Some(("BUILD_REASON", &["IndividualCI", "BatchedCI"])),
        ..plain(Provider::AzurePipelines, ("TF_BUILD", None))
    },
    Ci {
        // The head of the source branch, sometimes abbreviated. The merge with the destination is only in the checkout.
        commit: &["BITBUCKET_COMMIT"],
        number: &["BITBUCKET_PR_ID"],
        base: &["BITBUCKET_PR_DESTINATION_BRANCH"],
        branch: &["BITBUCKET_BRANCH"],
        tag: Some("BITBUCKET_TAG"),
        ..plain(Provider::Bitbucket, ("BITBUCKET_BUILD_NUMBER", None))
    },
    Ci {
        commit: &["CIRCLE_SHA1"],
        number: &["CIRCLE_PULL_REQUEST", "CIRCLE_PR_NUMBER"],
        // Set only for a pull request from a fork.
        fork: Fork::Set("CIRCLE_PR_USERNAME"),
        branch: &["CIRCLE_BRANCH"],
        tag: Some("CIRCLE_TAG"),
        ..plain(Provider::CircleCi, ("CIRCLECI", None))
    },
    Ci {
        // "HEAD" when someone started a build for the newest commit of a branch.
        commit: &["BUILDKITE_COMMIT"],
        number: &["BUILDKITE_PULL_REQUEST"],
        base: &["BUILDKITE_PULL_REQUEST_BASE_BRANCH"],
        fork: Fork::Differ("BUILDKITE_PULL_REQUEST_REPO", "BUILDKITE_REPO"),
        branch: &["BUILDKITE_BRANCH"],
        tag: Some("BUILDKITE_TAG"),
        default: DefaultBranch::Name("BUILDKITE_PIPELINE_DEFAULT_BRANCH"),
        push: Some(("BUILDKITE_SOURCE", &["webhook"])),
        ..plain(Provider::Buildkite, ("BUILDKITE", None))
    },
    Ci {
        // For a pull request the second is a temporary merge.
        commit: &["TRAVIS_PULL_REQUEST_SHA", "TRAVIS_COMMIT"],
        number: &["TRAVIS_PULL_REQUEST"],
        base: &["TRAVIS_BRANCH"],
        fork: Fork::Differ("TRAVIS_PULL_REQUEST_SLUG", "TRAVIS_REPO_SLUG"),
        branch: &["TRAVIS_BRANCH"],
        tag: Some("TRAVIS_TAG"),
        push: Some(("TRAVIS_EVENT_TYPE", &["push"])),
        ..plain(Provider::Travis, ("TRAVIS", None))
    },
    Ci {
        commit: &["CI_COMMIT_SHA"],
        number: &["CI_COMMIT_PULL_REQUEST"],
        base: &["CI_COMMIT_TARGET_BRANCH"],
        branch: &["CI_COMMIT_BRANCH"],
        tag: Some("CI_COMMIT_TAG"),
        default: DefaultBranch::Name("CI_REPO_DEFAULT_BRANCH"),
        push: Some(("CI_PIPELINE_EVENT", &["push"])),
        closed: Some(("CI_PIPELINE_EVENT", "pull_request_closed")),
        ..plain(Provider::Woodpecker, ("CI", Some("woodpecker")))
    },
    Ci {
        commit: &["DRONE_COMMIT_SHA", "DRONE_COMMIT"],
        number: &["DRONE_PULL_REQUEST"],
        base: &["DRONE_TARGET_BRANCH"],
        branch: &["DRONE_BRANCH"],
        tag: Some("DRONE_TAG"),
        default: DefaultBranch::Name("DRONE_REPO_BRANCH"),
        push: Some(("DRONE_BUILD_EVENT", &["push"])),
        ..plain(Provider::Drone, ("DRONE", None))
    },
    Ci { commit: &["BUILD_VCS_NUMBER"], ..plain(Provider::TeamCity, ("TEAMCITY_VERSION", None)) },
];

/// The CIs whose marker is set.
pub(super) fn running(environment: &Environment) -> impl Iterator<Item = &'static Ci> {
    CIS.iter().filter(|ci| {
        let (marker, value) = ci.marker;
        environment.get(marker).is_some_and(|set| value.is_none_or(|value| set == value))
    })
}

impl Ci {
    pub(super) fn report(&self, environment: &Environment, git: &Git<'_>) -> CiReport {
        let pull_request = self.pull_request(environment);
        CiReport { trigger: self.trigger(pull_request.is_some(), environment, git).map(Some), pull_request }
    }

    fn trigger(&self, is_pull_request: bool, environment: &Environment, git: &Git<'_>) -> Result<Trigger, NoCommit> {
        if self.closed.is_some_and(|(name, value)| environment.get(name) == Some(value)) {
            return Ok(Trigger::Nothing(NothingToGate::PullRequestWasClosed));
        }
        let head = self.head(environment, git)?;
        let Some(branch) = self.branch(environment).filter(|_| !is_pull_request) else {
            return Ok(Trigger::Commit(head));
        };
        if let Some(pull_request) = queued_pull_request(branch) {
            return Ok(Trigger::MergeGroup { pull_request });
        }
        if !self.is_push(environment) {
            return Ok(Trigger::Commit(head));
        }
        let to_default = match self.default {
            DefaultBranch::Unknown => None,
            DefaultBranch::Name(name) => environment.get(name).map(|default| default == branch),
            DefaultBranch::Flag(name) => Some(is_true(environment, name)),
        };
        Ok(Trigger::Pushed { head, branch: branch.to_owned(), to_default })
    }

    fn head(&self, environment: &Environment, git: &Git<'_>) -> Result<FoundCommit, NoCommit> {
        let set = first_set(self.commit, environment).filter(|&(_, text)| text != "HEAD");
        let found = set.map(|(name, text)| {
            let commit = Commit::parse(text).map_err(|problem| NoCommit::InvalidVariable { name, problem })?;
            Ok(FoundCommit { commit, source: CommitSource::Variable(name) })
        });
        let found = found.transpose()?;
        let is_jenkins = self.provider == Provider::Jenkins;
        let jenkins_head = || jenkins_head(found.as_ref(), environment, git);
        match is_jenkins.then(jenkins_head).flatten().or(found) {
            Some(head) => Ok(head),
            None => checked_out(git),
        }
    }

    fn branch<'a>(&self, environment: &'a Environment) -> Option<&'a str> {
        let (_, branch) = first_set(self.branch, environment)?;
        let is_tag = self.tag.is_some_and(|tag| environment.get(tag).is_some());
        Some(branch_name(branch)).filter(|branch| !is_tag && !branch.is_empty() && !branch.starts_with("refs/"))
    }

    fn is_push(&self, environment: &Environment) -> bool {
        self.push.is_none_or(|(name, values)| environment.get(name).is_some_and(|value| values.contains(&value)))
    }

    fn pull_request(&self, environment: &Environment) -> Option<PullRequestRef> {
        let number = self.number.iter().find_map(|name| positive_number(environment.get(name)?.rsplit('/').next()?))?;
        let from_fork = match self.fork {
            Fork::Unknown => false,
            Fork::Flag(name) => is_true(environment, name),
            Fork::Set(name) => environment.get(name).is_some(),
            Fork::Differ(head, base) => match (environment.get(head), environment.get(base)) {
                (Some(head), Some(base)) => repository(head) != repository(base),
                _ => false,
            },
        };
        let base = first_set(self.base, environment).map(|(_, base)| branch_name(base).to_owned());
        Some(PullRequestRef { number: Some(number), base, from_fork })
    }
}

/// The head of the pull request that Jenkins builds.
///
/// A multibranch pipeline can build a pull request merged with its base. The merge is made in the workspace, and nobody
/// else has it. The head is at `refs/remotes/origin/PR-7`, under the name of the branch, where the branch sources
/// fetched it. That reference may have moved since, so it counts only if the build is of this commit or of a merge of it.
fn jenkins_head(found: Option<&FoundCommit>, environment: &Environment, git: &Git<'_>) -> Option<FoundCommit> {
    environment.get("CHANGE_ID")?;
    let built = found.map_or("HEAD", |found| found.commit.as_str());
    let head = format!("refs/remotes/origin/{}", environment.get("BRANCH_NAME")?);
    let head = Commit::parse(&git.output(&["rev-parse", "--verify", &head]).ok()?).ok()?;
    let built_and_parents = git.output(&["rev-list", "--parents", "--max-count=1", built]).ok()?;
    let is_built = built_and_parents.split_whitespace().any(|commit| commit == head.as_str());
    is_built.then_some(FoundCommit { commit: head, source: CommitSource::JenkinsHead })
}

fn first_set<'a>(names: &[&'static str], environment: &'a Environment) -> Option<(&'static str, &'a str)> {
    names.iter().find_map(|&name| Some((name, environment.get(name)?)))
}

fn is_true(environment: &Environment, name: &str) -> bool {
    environment.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// The name and owner of a repository, from `owner/name` or a URL. A number is a name without an owner.
fn repository(text: &str) -> (Option<&str>, Option<&str>) {
    let text = text.trim_end_matches('/');
    let mut parts = text.strip_suffix(".git").unwrap_or(text).rsplit(['/', ':']);
    (parts.next(), parts.next())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    const HEAD: &str = "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3";
    const MERGE: &str = "b6589fc6ab0dc82cf12099d1c2d40ab994e8410c";

    fn report(pairs: &[(&str, &str)]) -> CiReport {
        let environment: Environment = pairs.iter().copied().collect();
        let git = Git::new(Path::new("/no/such/folder"), &environment);
        running(&environment).next().unwrap().report(&environment, &git)
    }

    fn head(variable: &'static str) -> FoundCommit {
        FoundCommit { commit: Commit::parse(HEAD).unwrap(), source: CommitSource::Variable(variable) }
    }

    fn pull_request(number: u64, base: &str) -> PullRequestRef {
        PullRequestRef { number: Some(number), base: Some(base.to_owned()), ..PullRequestRef::default() }
    }

    #[test]
    fn every_ci_has_one_row_with_a_marker_and_a_commit() {
        let providers: BTreeSet<String> = CIS.iter().map(|ci| format!("{:?}", ci.provider)).collect();
        assert_eq!(providers.len(), CIS.len());
        assert!(CIS.iter().all(|ci| !ci.marker.0.is_empty() && !ci.commit.is_empty()));
    }

    /// What a CI sets. With it no row of the table can lose a column unnoticed.
    struct Sets {
        always: &'static [(&'static str, &'static str)],
        commit: &'static str,
        /// For a push to the branch `main`, which is the default one.
        push: &'static [(&'static str, &'static str)],
        reports_default: bool,
        /// The variable with the cause of the build.
        cause: Option<&'static str>,
        tag: Option<&'static str>,
        /// For pull request 7 of a fork.
        pull_request: &'static [(&'static str, &'static str)],
        /// The base branch and whether the fork is recognized.
        reports: (Option<&'static str>, bool),
    }

    #[rustfmt::skip]
    const SETS: &[Sets] = &[
        Sets {
            always: &[("GITLAB_CI", "true")],
            commit: "CI_COMMIT_SHA",
            push: &[("CI_COMMIT_BRANCH", "main"), ("CI_DEFAULT_BRANCH", "main"), ("CI_PIPELINE_SOURCE", "push")],
            reports_default: true,
            cause: Some("CI_PIPELINE_SOURCE"),
            tag: None,
            pull_request: &[("CI_EXTERNAL_PULL_REQUEST_IID", "7"), ("CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_NAME", "main")],
            reports: (Some("main"), false),
        },
        Sets {
            always: &[("JENKINS_URL", "https://ci.example.org/")],
            commit: "GIT_COMMIT",
            push: &[("BRANCH_NAME", "main"), ("BRANCH_IS_PRIMARY", "true")],
            reports_default: true,
            cause: None,
            tag: Some("TAG_NAME"),
            pull_request: &[("CHANGE_ID", "7"), ("CHANGE_TARGET", "main"), ("CHANGE_FORK", "someone")],
            reports: (Some("main"), true),
        },
        Sets {
            always: &[("TF_BUILD", "True")],
            commit: "BUILD_SOURCEVERSION",
            push: &[("BUILD_SOURCEBRANCH", "refs/heads/main"), ("BUILD_REASON", "IndividualCI")],
            reports_default: false,
            cause: Some("BUILD_REASON"),
            tag: None,
            pull_request: &[
                ("SYSTEM_PULLREQUEST_PULLREQUESTID", "7"),
                ("SYSTEM_PULLREQUEST_TARGETBRANCH", "refs/heads/main"),
                ("SYSTEM_PULLREQUEST_ISFORK", "True"),
            ],
            reports: (Some("main"), true),
        },
        Sets {
            always: &[("BITBUCKET_BUILD_NUMBER", "42")],
            commit: "BITBUCKET_COMMIT",
            push: &[("BITBUCKET_BRANCH", "main")],
            reports_default: false,
            cause: None,
            tag: Some("BITBUCKET_TAG"),
            pull_request: &[("BITBUCKET_PR_ID", "7"), ("BITBUCKET_PR_DESTINATION_BRANCH", "main")],
            reports: (Some("main"), false),
        },
        Sets {
            always: &[("CIRCLECI", "true")],
            commit: "CIRCLE_SHA1",
            push: &[("CIRCLE_BRANCH", "main")],
            reports_default: false,
            cause: None,
            tag: Some("CIRCLE_TAG"),
            pull_request: &[("CIRCLE_PR_NUMBER", "7"), ("CIRCLE_PR_USERNAME", "someone")],
            reports: (None, true),
        },
        Sets {
            always: &[("BUILDKITE", "true")],
            commit: "BUILDKITE_COMMIT",
            push: &[
                ("BUILDKITE_BRANCH", "main"),
                ("BUILDKITE_PIPELINE_DEFAULT_BRANCH", "main"),
                ("BUILDKITE_SOURCE", "webhook"),
            ],
            reports_default: true,
            cause: Some("BUILDKITE_SOURCE"),
            tag: Some("BUILDKITE_TAG"),
            pull_request: &[
                ("BUILDKITE_PULL_REQUEST", "7"),
                ("BUILDKITE_PULL_REQUEST_BASE_BRANCH", "main"),
                ("BUILDKITE_PULL_REQUEST_REPO", "git://example.org/someone/r.git"),
                ("BUILDKITE_REPO", "git@example.org:o/r.git"),
            ],
            reports: (Some("main"), true),
        },
        Sets {
            always: &[("TRAVIS", "true")],
            commit: "TRAVIS_COMMIT",
            push: &[("TRAVIS_BRANCH", "main"), ("TRAVIS_EVENT_TYPE", "push")],
            reports_default: false,
            cause: Some("TRAVIS_EVENT_TYPE"),
            tag: Some("TRAVIS_TAG"),
            pull_request: &[
                ("TRAVIS_PULL_REQUEST", "7"),
                ("TRAVIS_BRANCH", "main"),
                ("TRAVIS_PULL_REQUEST_SLUG", "someone/r"),
                ("TRAVIS_REPO_SLUG", "o/r"),
            ],
            reports: (Some("main"), true),
        },
        Sets {
            always: &[("CI", "woodpecker")],
            commit: "CI_COMMIT_SHA",
            push: &[("CI_COMMIT_BRANCH", "main"), ("CI_REPO_DEFAULT_BRANCH", "main"), ("CI_PIPELINE_EVENT", "push")],
            reports_default: true,
            cause: Some("CI_PIPELINE_EVENT"),
            tag: Some("CI_COMMIT_TAG"),
            pull_request: &[("CI_COMMIT_PULL_REQUEST", "7"), ("CI_COMMIT_TARGET_BRANCH", "main")],
            reports: (Some("main"), false),
        },
        Sets {
            always: &[("DRONE", "true")],
            commit: "DRONE_COMMIT_SHA",
            push: &[("DRONE_BRANCH", "main"), ("DRONE_REPO_BRANCH", "main"), ("DRONE_BUILD_EVENT", "push")],
            reports_default: true,
            cause: Some("DRONE_BUILD_EVENT"),
            tag: Some("DRONE_TAG"),
            pull_request: &[("DRONE_PULL_REQUEST", "7"), ("DRONE_TARGET_BRANCH", "main")],
            reports: (Some("main"), false),
        },
    ];

    #[test]
    fn every_column_of_every_ci_is_read() {
        assert_eq!(SETS.len(), CIS.iter().filter(|ci| !ci.branch.is_empty()).count(), "one is left out");
        for Sets { always, commit, push, reports_default, cause, tag, pull_request, reports } in SETS {
            let (ci, source) = (always[0].0, [(*commit, HEAD)]);
            let pushed = [*always, &source, push].concat();
            let main = Trigger::Pushed {
                head: head(commit),
                branch: "main".to_owned(),
                to_default: reports_default.then_some(true),
            };
            assert_eq!(report(&pushed).trigger, Ok(Some(main)), "{ci}");
            for (variable, value) in
                cause.map(|cause| (cause, "schedule")).into_iter().chain(tag.map(|tag| (tag, "v1")))
            {
                let other = [&pushed[..], &[(variable, value)]].concat();
                assert_eq!(report(&other).trigger, Ok(Some(Trigger::Commit(head(commit)))), "{ci} {variable}");
            }
            let reported = report(&[*always, &source, pull_request].concat());
            let (base, from_fork) = (reports.0.map(str::to_owned), reports.1);
            assert_eq!(reported.pull_request, Some(PullRequestRef { number: Some(7), base, from_fork }), "{ci}");
            assert_eq!(reported.trigger, Ok(Some(Trigger::Commit(head(commit)))), "{ci}");
        }
    }

    #[test]
    fn on_gitlab_the_head_of_the_merge_request_is_judged_and_never_the_merge() {
        let reported = report(&[
            ("GITLAB_CI", "true"),
            ("CI_MERGE_REQUEST_EVENT_TYPE", "merge_train"),
            ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", HEAD),
            ("CI_COMMIT_SHA", MERGE),
            ("CI_MERGE_REQUEST_IID", "7"),
            ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
            ("CI_MERGE_REQUEST_LABELS", "bug, needs review"),
            ("CI_MERGE_REQUEST_DRAFT", "true"),
            ("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "12"),
            ("CI_MERGE_REQUEST_PROJECT_ID", "1"),
        ]);
        assert_eq!(reported.trigger, Ok(Some(Trigger::Commit(head("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA")))));
        assert_eq!(reported.pull_request, Some(PullRequestRef { from_fork: true, ..pull_request(7, "main") }));
    }

    #[test]
    fn forks_are_recognized_on_every_ci_that_reports_them() {
        let fork = |pairs: &[(&str, &str)]| report(pairs).pull_request.unwrap().from_fork;
        let travis = [("TRAVIS", "true"), ("TRAVIS_PULL_REQUEST", "7"), ("TRAVIS_REPO_SLUG", "o/r")];
        assert!(!fork(&travis));
        assert!(!fork(&[&travis[..], &[("TRAVIS_PULL_REQUEST_SLUG", "o/r")]].concat()));
        assert!(fork(&[&travis[..], &[("TRAVIS_PULL_REQUEST_SLUG", "x/r")]].concat()));
        let buildkite =
            [("BUILDKITE", "true"), ("BUILDKITE_PULL_REQUEST", "7"), ("BUILDKITE_REPO", "git@github.com:o/r.git")];
        let from = |url| fork(&[&buildkite[..], &[("BUILDKITE_PULL_REQUEST_REPO", url)]].concat());
        assert!(!from("git://github.com/o/r.git"));
        assert!(!from("https://github.com/o/r/"));
        assert!(from("https://github.com/x/r.git"));
        let azure = [("TF_BUILD", "True"), ("SYSTEM_PULLREQUEST_PULLREQUESTID", "7")];
        assert!(fork(&[&azure[..], &[("SYSTEM_PULLREQUEST_ISFORK", "True")]].concat()));
        assert!(!fork(&[&azure[..], &[("SYSTEM_PULLREQUEST_ISFORK", "False")]].concat()));
        let circle = [("CIRCLECI", "true"), ("CIRCLE_PULL_REQUEST", "https://github.com/o/r/pull/7")];
        assert!(fork(&[&circle[..], &[("CIRCLE_PR_USERNAME", "x")]].concat()));
        assert!(!fork(&circle));
    }

    #[test]
    fn the_number_is_the_one_that_people_see() {
        let azure = [
            ("TF_BUILD", "True"),
            ("SYSTEM_PULLREQUEST_PULLREQUESTID", "293753840"),
            ("SYSTEM_PULLREQUEST_PULLREQUESTNUMBER", "7"),
            ("SYSTEM_PULLREQUEST_TARGETBRANCH", "refs/heads/main"),
        ];
        assert_eq!(report(&azure).pull_request, Some(pull_request(7, "main")));
        let circle = [("CIRCLECI", "true"), ("CIRCLE_PULL_REQUEST", "https://github.com/o/r/pull/42")];
        assert_eq!(report(&circle).pull_request.unwrap().number, Some(42));
        for none in ["false", "", "0", "-1", "7x"] {
            assert_eq!(report(&[("TRAVIS", "true"), ("TRAVIS_PULL_REQUEST", none)]).pull_request, None, "{none}");
        }
    }

    #[test]
    fn a_push_reports_its_branch_and_whether_it_is_the_default_branch() {
        let pushed = |branch: &str, to_default, source| {
            Ok(Some(Trigger::Pushed { head: head(source), branch: branch.to_owned(), to_default }))
        };
        let gitlab = [
            ("GITLAB_CI", "true"),
            ("CI_PIPELINE_SOURCE", "push"),
            ("CI_COMMIT_SHA", HEAD),
            ("CI_DEFAULT_BRANCH", "main"),
        ];
        let on = |branch| report(&[&gitlab[..], &[("CI_COMMIT_BRANCH", branch)]].concat()).trigger;
        assert_eq!(on("main"), pushed("main", Some(true), "CI_COMMIT_SHA"));
        assert_eq!(on("topic"), pushed("topic", Some(false), "CI_COMMIT_SHA"));
        let azure = [("TF_BUILD", "True"), ("BUILD_SOURCEVERSION", HEAD), ("BUILD_REASON", "BatchedCI")];
        let on = |branch| report(&[&azure[..], &[("BUILD_SOURCEBRANCH", branch)]].concat()).trigger;
        assert_eq!(on("refs/heads/feature/x"), pushed("feature/x", None, "BUILD_SOURCEVERSION"));
        for none in ["refs/tags/v1", "refs/heads/"] {
            assert_eq!(on(none), Ok(Some(Trigger::Commit(head("BUILD_SOURCEVERSION")))), "{none}");
        }
        let jenkins = [("JENKINS_URL", "https://ci"), ("GIT_COMMIT", HEAD), ("BRANCH_NAME", "main")];
        assert_eq!(report(&jenkins).trigger, pushed("main", Some(false), "GIT_COMMIT"));
        let primary = [&jenkins[..], &[("BRANCH_IS_PRIMARY", "true")]].concat();
        assert_eq!(report(&primary).trigger, pushed("main", Some(true), "GIT_COMMIT"));
        let tagged = [&jenkins[..], &[("TAG_NAME", "main")]].concat();
        assert_eq!(report(&tagged).trigger, Ok(Some(Trigger::Commit(head("GIT_COMMIT")))));
    }

    #[test]
    fn a_scheduled_build_is_not_a_push_and_a_merge_queue_not_a_branch() {
        let drone = [("DRONE", "true"), ("DRONE_COMMIT", HEAD), ("DRONE_BRANCH", "main")];
        let cron = [&drone[..], &[("DRONE_BUILD_EVENT", "cron")]].concat();
        assert_eq!(report(&cron).trigger, Ok(Some(Trigger::Commit(head("DRONE_COMMIT")))));
        let queue = format!("gh-readonly-queue/main/pr-104-{MERGE}");
        let circle = [("CIRCLECI", "true"), ("CIRCLE_SHA1", HEAD), ("CIRCLE_BRANCH", &queue)];
        assert_eq!(report(&circle).trigger, Ok(Some(Trigger::MergeGroup { pull_request: 104 })));
    }

    #[test]
    fn on_woodpecker_a_closed_pull_request_is_nothing_to_gate() {
        let woodpecker = [("CI", "woodpecker"), ("CI_COMMIT_SHA", HEAD), ("CI_COMMIT_PULL_REQUEST", "7")];
        assert_eq!(report(&woodpecker).trigger, Ok(Some(Trigger::Commit(head("CI_COMMIT_SHA")))));
        let closed = [&woodpecker[..], &[("CI_PIPELINE_EVENT", "pull_request_closed")]].concat();
        assert!(matches!(report(&closed).trigger, Ok(Some(Trigger::Nothing(_)))));
    }

    #[test]
    fn an_invalid_commit_is_reported_by_its_variable_and_never_repeated() {
        let error =
            report(&[("TEAMCITY_VERSION", "2025.03"), ("BUILD_VCS_NUMBER", "trunk@123456")]).trigger.unwrap_err();
        assert!(matches!(error, NoCommit::InvalidVariable { name: "BUILD_VCS_NUMBER", .. }), "{error:?}");
        assert!(!error.to_string().contains("trunk"), "{error}");
    }
}
