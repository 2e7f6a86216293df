//! The variables of the CIs that tell everything in their environment.

use std::path::Path;

use super::{CiReport, FoundCommit, Provider, PullRequestRef, Trigger, checkout, number, queued, short};
use crate::environment::Environment;
use crate::git::Git;
use crate::model::commit::Commit;

/// One CI: which of its variables tell what. Where there are several, the first that is set counts.
pub(super) struct Variables {
    pub(super) provider: Provider,
    /// The variable that only this CI sets, and its value where others set it as well.
    marker: (&'static str, Option<&'static str>),
    /// The commit: the head of the change before what came of a merge with its base.
    commit: &'static [&'static str],
    /// The number of the change, or an address that ends with it. Other texts, such as "false", are no number.
    number: &'static [&'static str],
    /// The branch the change is to be merged into.
    base: &'static [&'static str],
    fork: Fork,
    /// The branch that was pushed to, where the build is not of a change.
    branch: &'static [&'static str],
    /// Set where the build is of a tag, which some CIs name as if it were a branch.
    tag: Option<&'static str>,
    default: DefaultBranch,
    /// What started the build, and the values that mean a push; without it every build of a branch is taken for one.
    push: Option<(&'static str, &'static [&'static str])>,
    /// What started the build, and the value that means that the change was closed.
    closed: Option<(&'static str, &'static str)>,
}

/// How a change from a fork is known.
enum Fork {
    Unknown,
    /// "true" in any case.
    Says(&'static str),
    /// Set at all.
    Set(&'static str),
    /// Two names of repositories that differ, in whatever form.
    Differ(&'static str, &'static str),
}

/// How the default branch is known.
enum DefaultBranch {
    Unknown,
    /// The variable holds its name.
    Named(&'static str),
    /// The variable is "true" where the branch is it.
    Says(&'static str),
}

/// A CI of which no more is known than how to recognise it.
const fn plain(provider: Provider, marker: (&'static str, Option<&'static str>)) -> Variables {
    Variables {
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

/// Every CI of this kind. Woodpecker comes before Drone, whose variables it has set as well.
///
/// | CI | where its variables are described |
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
const CIS: &[Variables] = &[
    Variables {
        // A merged results pipeline and a merge train run on a merge that nobody ran, and only they set the first. A
        // plain merge request pipeline runs on the head itself.
        commit: &["CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_SHA", "CI_COMMIT_SHA"],
        number: &["CI_MERGE_REQUEST_IID", "CI_EXTERNAL_PULL_REQUEST_IID"],
        base: &["CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_NAME"],
        fork: Fork::Differ("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "CI_MERGE_REQUEST_PROJECT_ID"),
        branch: &["CI_COMMIT_BRANCH"],
        default: DefaultBranch::Named("CI_DEFAULT_BRANCH"),
        push: Some(("CI_PIPELINE_SOURCE", &["push"])),
        ..plain(Provider::GitLab, ("GITLAB_CI", None))
    },
    Variables {
        // The first is of the GitHub pull request builder. See `jenkins_head` for multibranch pipelines.
        commit: &["ghprbActualCommit", "GIT_COMMIT"],
        number: &["CHANGE_ID", "ghprbPullId"],
        base: &["CHANGE_TARGET", "ghprbTargetBranch"],
        fork: Fork::Set("CHANGE_FORK"),
        branch: &["BRANCH_NAME"],
        tag: Some("TAG_NAME"),
        default: DefaultBranch::Says("BRANCH_IS_PRIMARY"),
        ..plain(Provider::Jenkins, ("JENKINS_URL", None))
    },
    Variables {
        // For a pull request the second is a merge that nobody ran.
        commit: &["SYSTEM_PULLREQUEST_SOURCECOMMITID", "BUILD_SOURCEVERSION"],
        // On GitHub the id is one that only the API knows, the number what people see. Azure Repos has the id alone.
        number: &["SYSTEM_PULLREQUEST_PULLREQUESTNUMBER", "SYSTEM_PULLREQUEST_PULLREQUESTID"],
        base: &["SYSTEM_PULLREQUEST_TARGETBRANCH"],
        fork: Fork::Says("SYSTEM_PULLREQUEST_ISFORK"),
        branch: &["BUILD_SOURCEBRANCH"],
        push: Some(("BUILD_REASON", &["IndividualCI", "BatchedCI"])),
        ..plain(Provider::AzurePipelines, ("TF_BUILD", None))
    },
    Variables {
        // The head of the source branch, abbreviated at times; the merge with the destination is only in the checkout.
        commit: &["BITBUCKET_COMMIT"],
        number: &["BITBUCKET_PR_ID"],
        base: &["BITBUCKET_PR_DESTINATION_BRANCH"],
        branch: &["BITBUCKET_BRANCH"],
        tag: Some("BITBUCKET_TAG"),
        ..plain(Provider::Bitbucket, ("BITBUCKET_BUILD_NUMBER", None))
    },
    Variables {
        commit: &["CIRCLE_SHA1"],
        number: &["CIRCLE_PULL_REQUEST", "CIRCLE_PR_NUMBER"],
        // Set for a pull request from a fork only.
        fork: Fork::Set("CIRCLE_PR_USERNAME"),
        branch: &["CIRCLE_BRANCH"],
        tag: Some("CIRCLE_TAG"),
        ..plain(Provider::CircleCi, ("CIRCLECI", None))
    },
    Variables {
        // "HEAD" when a build was started by hand for the newest commit of a branch.
        commit: &["BUILDKITE_COMMIT"],
        number: &["BUILDKITE_PULL_REQUEST"],
        base: &["BUILDKITE_PULL_REQUEST_BASE_BRANCH"],
        fork: Fork::Differ("BUILDKITE_PULL_REQUEST_REPO", "BUILDKITE_REPO"),
        branch: &["BUILDKITE_BRANCH"],
        tag: Some("BUILDKITE_TAG"),
        default: DefaultBranch::Named("BUILDKITE_PIPELINE_DEFAULT_BRANCH"),
        push: Some(("BUILDKITE_SOURCE", &["webhook"])),
        ..plain(Provider::Buildkite, ("BUILDKITE", None))
    },
    Variables {
        // For a pull request the second is a merge that nobody ran.
        commit: &["TRAVIS_PULL_REQUEST_SHA", "TRAVIS_COMMIT"],
        number: &["TRAVIS_PULL_REQUEST"],
        base: &["TRAVIS_BRANCH"],
        fork: Fork::Differ("TRAVIS_PULL_REQUEST_SLUG", "TRAVIS_REPO_SLUG"),
        branch: &["TRAVIS_BRANCH"],
        tag: Some("TRAVIS_TAG"),
        push: Some(("TRAVIS_EVENT_TYPE", &["push"])),
        ..plain(Provider::Travis, ("TRAVIS", None))
    },
    Variables {
        commit: &["CI_COMMIT_SHA"],
        number: &["CI_COMMIT_PULL_REQUEST"],
        base: &["CI_COMMIT_TARGET_BRANCH"],
        branch: &["CI_COMMIT_BRANCH"],
        tag: Some("CI_COMMIT_TAG"),
        default: DefaultBranch::Named("CI_REPO_DEFAULT_BRANCH"),
        push: Some(("CI_PIPELINE_EVENT", &["push"])),
        closed: Some(("CI_PIPELINE_EVENT", "pull_request_closed")),
        ..plain(Provider::Woodpecker, ("CI", Some("woodpecker")))
    },
    Variables {
        commit: &["DRONE_COMMIT_SHA", "DRONE_COMMIT"],
        number: &["DRONE_PULL_REQUEST"],
        base: &["DRONE_TARGET_BRANCH"],
        branch: &["DRONE_BRANCH"],
        tag: Some("DRONE_TAG"),
        default: DefaultBranch::Named("DRONE_REPO_BRANCH"),
        push: Some(("DRONE_BUILD_EVENT", &["push"])),
        ..plain(Provider::Drone, ("DRONE", None))
    },
    Variables { commit: &["BUILD_VCS_NUMBER"], ..plain(Provider::TeamCity, ("TEAMCITY_VERSION", None)) },
];

/// The CI whose marker is set.
pub(super) fn running(environment: &Environment) -> Option<&'static Variables> {
    CIS.iter().find(|ci| {
        let (marker, only) = ci.marker;
        environment.get(marker).is_some_and(|value| only.is_none_or(|only| value == only))
    })
}

impl Variables {
    /// What the variables tell.
    pub(super) fn told(&self, environment: &Environment, directory: &Path) -> CiReport {
        let pull_request = self.pull_request(environment);
        CiReport { trigger: self.trigger(pull_request.as_ref(), environment, directory), pull_request }
    }

    fn trigger(
        &self,
        pull_request: Option<&PullRequestRef>,
        environment: &Environment,
        directory: &Path,
    ) -> Result<Option<Trigger>, String> {
        if self.closed.is_some_and(|(name, value)| environment.get(name) == Some(value)) {
            return Ok(Some(Trigger::Nothing("the pull request was closed")));
        }
        let head = self.head(environment, directory)?;
        let Some(branch) = self.branch(environment).filter(|_| pull_request.is_none()) else {
            return Ok(Some(Trigger::Commit(head)));
        };
        if let Some(pull_request) = queued(branch) {
            return Ok(Some(Trigger::MergeGroup { pull_request }));
        }
        if !self.is_push(environment) {
            return Ok(Some(Trigger::Commit(head)));
        }
        let to_default = match self.default {
            DefaultBranch::Unknown => None,
            DefaultBranch::Named(name) => environment.get(name).map(|default| default == branch),
            DefaultBranch::Says(name) => Some(is_true(environment, name)),
        };
        Ok(Some(Trigger::Pushed { head, branch: branch.to_owned(), to_default }))
    }

    fn head(&self, environment: &Environment, directory: &Path) -> Result<FoundCommit, String> {
        let set = first(self.commit, environment).filter(|&(_, text)| text != "HEAD");
        let set = set.map(|(source, text)| {
            let commit = Commit::parse(text)
                .map_err(|problem| format!("is not set, and {source}, which {} sets, {problem}", self.provider))?;
            Ok::<_, String>(FoundCommit { commit, source })
        });
        let found = set.transpose()?;
        if self.provider == Provider::Jenkins
            && let Some(head) = jenkins_head(found.as_ref(), environment, directory)
        {
            return Ok(head);
        }
        found.map_or_else(|| checkout::checked_out(&Git::new(directory, environment)), Ok)
    }

    fn branch<'a>(&self, environment: &'a Environment) -> Option<&'a str> {
        let (_, branch) = first(self.branch, environment)?;
        let tagged = self.tag.is_some_and(|tag| environment.get(tag).is_some());
        Some(short(branch)).filter(|branch| !tagged && !branch.is_empty() && !branch.starts_with("refs/"))
    }

    fn is_push(&self, environment: &Environment) -> bool {
        self.push.is_none_or(|(name, values)| environment.get(name).is_some_and(|value| values.contains(&value)))
    }

    fn pull_request(&self, environment: &Environment) -> Option<PullRequestRef> {
        let number = self.number.iter().find_map(|name| number(environment.get(name)?.rsplit('/').next()?))?;
        Some(PullRequestRef {
            number: Some(number),
            base: first(self.base, environment).map(|(_, base)| short(base).to_owned()),
            from_fork: match self.fork {
                Fork::Unknown => false,
                Fork::Says(name) => is_true(environment, name),
                Fork::Set(name) => environment.get(name).is_some(),
                Fork::Differ(head, base) => match (environment.get(head), environment.get(base)) {
                    (Some(head), Some(base)) => repository(head) != repository(base),
                    _ => false,
                },
            },
        })
    }
}

/// Jenkins' multibranch pipelines can build a change merged with its base. Then what was built may be a merge made in
/// the workspace, which nobody else has. The head is where the branch sources fetched it to, under the name of the
/// branch: `refs/remotes/origin/PR-7`. It counts when git says that the build is of that commit or of a merge of it;
/// else `GIT_COMMIT` stands, and where that is a merge, the report says that nobody ran it.
fn jenkins_head(set: Option<&FoundCommit>, environment: &Environment, directory: &Path) -> Option<FoundCommit> {
    environment.get("CHANGE_ID")?;
    let built = set.map_or("HEAD", |found| found.commit.as_str());
    let reference = format!("refs/remotes/origin/{}", environment.get("BRANCH_NAME")?);
    let commit = checkout::built_from(&Git::new(directory, environment), built, &reference)?;
    Some(FoundCommit { commit, source: "the head of the change, as Jenkins fetched it" })
}

fn first<'a>(names: &[&'static str], environment: &'a Environment) -> Option<(&'static str, &'a str)> {
    names.iter().find_map(|&name| Some((name, environment.get(name)?)))
}

fn is_true(environment: &Environment, name: &str) -> bool {
    environment.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// The owner and name of a repository that is told as `owner/name`, an address, or a number.
fn repository(text: &str) -> (Option<&str>, Option<&str>) {
    let text = text.trim_end_matches('/');
    let mut parts = text.strip_suffix(".git").unwrap_or(text).rsplit(['/', ':']);
    (parts.next(), parts.next())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const HEAD: &str = "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3";
    const MERGE: &str = "b6589fc6ab0dc82cf12099d1c2d40ab994e8410c";

    fn tell(pairs: &[(&str, &str)]) -> CiReport {
        let environment: Environment = pairs.iter().copied().collect();
        running(&environment).unwrap().told(&environment, Path::new("/no/such/folder"))
    }

    fn head(source: &'static str) -> FoundCommit {
        FoundCommit { commit: Commit::parse(HEAD).unwrap(), source }
    }

    fn pull_request(number: u64, base: &str) -> PullRequestRef {
        PullRequestRef { number: Some(number), base: Some(base.to_owned()), ..PullRequestRef::default() }
    }

    #[test]
    fn every_ci_stands_in_the_table_once_with_a_marker_and_a_commit() {
        let providers: BTreeMap<String, &Variables> = CIS.iter().map(|ci| (ci.provider.to_string(), ci)).collect();
        assert_eq!(providers.len(), CIS.len());
        assert!(CIS.iter().all(|ci| !ci.marker.0.is_empty() && !ci.commit.is_empty()));
    }

    /// What a CI sets, so that a row of the table cannot lose a column without being noticed.
    struct Sets {
        always: &'static [(&'static str, &'static str)],
        commit: &'static str,
        /// For a push to the branch `main`, which is the default one.
        push: &'static [(&'static str, &'static str)],
        tells_default: bool,
        /// What tells that the same was started in another way.
        cause: Option<&'static str>,
        tag: Option<&'static str>,
        /// For change 7 of a fork.
        pull_request: &'static [(&'static str, &'static str)],
        tells: (Option<&'static str>, bool),
    }

    #[rustfmt::skip]
    const SETS: &[Sets] = &[
        Sets {
            always: &[("GITLAB_CI", "true")],
            commit: "CI_COMMIT_SHA",
            push: &[("CI_COMMIT_BRANCH", "main"), ("CI_DEFAULT_BRANCH", "main"), ("CI_PIPELINE_SOURCE", "push")],
            tells_default: true,
            cause: Some("CI_PIPELINE_SOURCE"),
            tag: None,
            pull_request: &[("CI_EXTERNAL_PULL_REQUEST_IID", "7"), ("CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_NAME", "main")],
            tells: (Some("main"), false),
        },
        Sets {
            always: &[("JENKINS_URL", "https://ci.example.org/")],
            commit: "GIT_COMMIT",
            push: &[("BRANCH_NAME", "main"), ("BRANCH_IS_PRIMARY", "true")],
            tells_default: true,
            cause: None,
            tag: Some("TAG_NAME"),
            pull_request: &[("CHANGE_ID", "7"), ("CHANGE_TARGET", "main"), ("CHANGE_FORK", "someone")],
            tells: (Some("main"), true),
        },
        Sets {
            always: &[("TF_BUILD", "True")],
            commit: "BUILD_SOURCEVERSION",
            push: &[("BUILD_SOURCEBRANCH", "refs/heads/main"), ("BUILD_REASON", "IndividualCI")],
            tells_default: false,
            cause: Some("BUILD_REASON"),
            tag: None,
            pull_request: &[
                ("SYSTEM_PULLREQUEST_PULLREQUESTID", "7"),
                ("SYSTEM_PULLREQUEST_TARGETBRANCH", "refs/heads/main"),
                ("SYSTEM_PULLREQUEST_ISFORK", "True"),
            ],
            tells: (Some("main"), true),
        },
        Sets {
            always: &[("BITBUCKET_BUILD_NUMBER", "42")],
            commit: "BITBUCKET_COMMIT",
            push: &[("BITBUCKET_BRANCH", "main")],
            tells_default: false,
            cause: None,
            tag: Some("BITBUCKET_TAG"),
            pull_request: &[("BITBUCKET_PR_ID", "7"), ("BITBUCKET_PR_DESTINATION_BRANCH", "main")],
            tells: (Some("main"), false),
        },
        Sets {
            always: &[("CIRCLECI", "true")],
            commit: "CIRCLE_SHA1",
            push: &[("CIRCLE_BRANCH", "main")],
            tells_default: false,
            cause: None,
            tag: Some("CIRCLE_TAG"),
            pull_request: &[("CIRCLE_PR_NUMBER", "7"), ("CIRCLE_PR_USERNAME", "someone")],
            tells: (None, true),
        },
        Sets {
            always: &[("BUILDKITE", "true")],
            commit: "BUILDKITE_COMMIT",
            push: &[
                ("BUILDKITE_BRANCH", "main"),
                ("BUILDKITE_PIPELINE_DEFAULT_BRANCH", "main"),
                ("BUILDKITE_SOURCE", "webhook"),
            ],
            tells_default: true,
            cause: Some("BUILDKITE_SOURCE"),
            tag: Some("BUILDKITE_TAG"),
            pull_request: &[
                ("BUILDKITE_PULL_REQUEST", "7"),
                ("BUILDKITE_PULL_REQUEST_BASE_BRANCH", "main"),
                ("BUILDKITE_PULL_REQUEST_REPO", "git://example.org/someone/r.git"),
                ("BUILDKITE_REPO", "git@example.org:o/r.git"),
            ],
            tells: (Some("main"), true),
        },
        Sets {
            always: &[("TRAVIS", "true")],
            commit: "TRAVIS_COMMIT",
            push: &[("TRAVIS_BRANCH", "main"), ("TRAVIS_EVENT_TYPE", "push")],
            tells_default: false,
            cause: Some("TRAVIS_EVENT_TYPE"),
            tag: Some("TRAVIS_TAG"),
            pull_request: &[
                ("TRAVIS_PULL_REQUEST", "7"),
                ("TRAVIS_BRANCH", "main"),
                ("TRAVIS_PULL_REQUEST_SLUG", "someone/r"),
                ("TRAVIS_REPO_SLUG", "o/r"),
            ],
            tells: (Some("main"), true),
        },
        Sets {
            always: &[("CI", "woodpecker")],
            commit: "CI_COMMIT_SHA",
            push: &[("CI_COMMIT_BRANCH", "main"), ("CI_REPO_DEFAULT_BRANCH", "main"), ("CI_PIPELINE_EVENT", "push")],
            tells_default: true,
            cause: Some("CI_PIPELINE_EVENT"),
            tag: Some("CI_COMMIT_TAG"),
            pull_request: &[("CI_COMMIT_PULL_REQUEST", "7"), ("CI_COMMIT_TARGET_BRANCH", "main")],
            tells: (Some("main"), false),
        },
        Sets {
            always: &[("DRONE", "true")],
            commit: "DRONE_COMMIT_SHA",
            push: &[("DRONE_BRANCH", "main"), ("DRONE_REPO_BRANCH", "main"), ("DRONE_BUILD_EVENT", "push")],
            tells_default: true,
            cause: Some("DRONE_BUILD_EVENT"),
            tag: Some("DRONE_TAG"),
            pull_request: &[("DRONE_PULL_REQUEST", "7"), ("DRONE_TARGET_BRANCH", "main")],
            tells: (Some("main"), false),
        },
    ];

    #[test]
    fn every_ci_is_read_in_full() {
        assert_eq!(SETS.len(), CIS.iter().filter(|ci| !ci.branch.is_empty()).count(), "one is left out");
        for Sets { always, commit, push, tells_default, cause, tag, pull_request, tells } in SETS {
            let (ci, source) = (always[0].0, [(*commit, HEAD)]);
            let pushed = [*always, &source, push].concat();
            let main = Trigger::Pushed {
                head: head(commit),
                branch: "main".to_owned(),
                to_default: tells_default.then_some(true),
            };
            assert_eq!(tell(&pushed).trigger, Ok(Some(main)), "{ci}");
            for (variable, value) in
                cause.map(|cause| (cause, "schedule")).into_iter().chain(tag.map(|tag| (tag, "v1")))
            {
                let other = [&pushed[..], &[(variable, value)]].concat();
                assert_eq!(tell(&other).trigger, Ok(Some(Trigger::Commit(head(commit)))), "{ci} {variable}");
            }
            let told = tell(&[*always, &source, pull_request].concat());
            let (base, from_fork) = (tells.0.map(str::to_owned), tells.1);
            assert_eq!(told.pull_request, Some(PullRequestRef { number: Some(7), base, from_fork }), "{ci}");
            assert_eq!(told.trigger, Ok(Some(Trigger::Commit(head(commit)))), "{ci}");
        }
    }

    #[test]
    fn gitlab_tells_the_merge_request_and_never_the_merge_of_its_pipeline() {
        let told = tell(&[
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
        assert_eq!(told.trigger, Ok(Some(Trigger::Commit(head("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA")))));
        assert_eq!(told.pull_request, Some(PullRequestRef { from_fork: true, ..pull_request(7, "main") }));
    }

    #[test]
    fn forks_are_told_apart_in_every_way_of_telling() {
        let fork = |pairs: &[(&str, &str)]| tell(pairs).pull_request.unwrap().from_fork;
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
        assert_eq!(tell(&azure).pull_request, Some(pull_request(7, "main")));
        let circle = [("CIRCLECI", "true"), ("CIRCLE_PULL_REQUEST", "https://github.com/o/r/pull/42")];
        assert_eq!(tell(&circle).pull_request.unwrap().number, Some(42));
        for none in ["false", "", "0", "-1", "7x"] {
            assert_eq!(tell(&[("TRAVIS", "true"), ("TRAVIS_PULL_REQUEST", none)]).pull_request, None, "{none}");
        }
    }

    #[test]
    fn a_push_to_a_branch_is_told_and_whether_it_is_the_default_one() {
        let pushed = |branch: &str, to_default, source| {
            Ok(Some(Trigger::Pushed { head: head(source), branch: branch.to_owned(), to_default }))
        };
        let gitlab = [
            ("GITLAB_CI", "true"),
            ("CI_PIPELINE_SOURCE", "push"),
            ("CI_COMMIT_SHA", HEAD),
            ("CI_DEFAULT_BRANCH", "main"),
        ];
        let on = |branch| tell(&[&gitlab[..], &[("CI_COMMIT_BRANCH", branch)]].concat()).trigger;
        assert_eq!(on("main"), pushed("main", Some(true), "CI_COMMIT_SHA"));
        assert_eq!(on("topic"), pushed("topic", Some(false), "CI_COMMIT_SHA"));
        let azure = [("TF_BUILD", "True"), ("BUILD_SOURCEVERSION", HEAD), ("BUILD_REASON", "BatchedCI")];
        let on = |branch| tell(&[&azure[..], &[("BUILD_SOURCEBRANCH", branch)]].concat()).trigger;
        assert_eq!(on("refs/heads/feature/x"), pushed("feature/x", None, "BUILD_SOURCEVERSION"));
        for none in ["refs/tags/v1", "refs/heads/"] {
            assert_eq!(on(none), Ok(Some(Trigger::Commit(head("BUILD_SOURCEVERSION")))), "{none}");
        }
        let jenkins = [("JENKINS_URL", "https://ci"), ("GIT_COMMIT", HEAD), ("BRANCH_NAME", "main")];
        assert_eq!(tell(&jenkins).trigger, pushed("main", Some(false), "GIT_COMMIT"));
        let primary = [&jenkins[..], &[("BRANCH_IS_PRIMARY", "true")]].concat();
        assert_eq!(tell(&primary).trigger, pushed("main", Some(true), "GIT_COMMIT"));
        let tagged = [&jenkins[..], &[("TAG_NAME", "main")]].concat();
        assert_eq!(tell(&tagged).trigger, Ok(Some(Trigger::Commit(head("GIT_COMMIT")))));
    }

    #[test]
    fn a_scheduled_build_is_no_push_and_a_queue_no_branch() {
        let drone = [("DRONE", "true"), ("DRONE_COMMIT", HEAD), ("DRONE_BRANCH", "main")];
        let cron = [&drone[..], &[("DRONE_BUILD_EVENT", "cron")]].concat();
        assert_eq!(tell(&cron).trigger, Ok(Some(Trigger::Commit(head("DRONE_COMMIT")))));
        let queue = format!("gh-readonly-queue/main/pr-104-{MERGE}");
        let circle = [("CIRCLECI", "true"), ("CIRCLE_SHA1", HEAD), ("CIRCLE_BRANCH", &queue)];
        assert_eq!(tell(&circle).trigger, Ok(Some(Trigger::MergeGroup { pull_request: 104 })));
    }

    #[test]
    fn a_closed_pull_request_is_nothing_to_gate_in_woodpecker() {
        let woodpecker = [("CI", "woodpecker"), ("CI_COMMIT_SHA", HEAD), ("CI_COMMIT_PULL_REQUEST", "7")];
        assert_eq!(tell(&woodpecker).trigger, Ok(Some(Trigger::Commit(head("CI_COMMIT_SHA")))));
        let closed = [&woodpecker[..], &[("CI_PIPELINE_EVENT", "pull_request_closed")]].concat();
        assert!(matches!(tell(&closed).trigger, Ok(Some(Trigger::Nothing(_)))));
    }

    #[test]
    fn a_commit_that_is_none_is_told_with_its_variable_and_never_repeated() {
        let told = tell(&[("TEAMCITY_VERSION", "2025.03"), ("BUILD_VCS_NUMBER", "trunk@123456")]).trigger.unwrap_err();
        assert!(told.contains("BUILD_VCS_NUMBER, which TeamCity sets, is not a commit id"), "{told}");
        assert!(!told.contains("trunk"), "{told}");
    }
}
