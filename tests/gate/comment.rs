//! The comment on a pull request: each gate updates its own, and a failure never changes the verdict.

use std::time::{Duration, Instant};

use clearml_sandbox::{Account, At, Comment, Effect, GitHub, Permissions, PullSeed, Repository, Sandbox, TaskSeed};
use serde_json::json;

use crate::support::{BASE, Gate, HEAD, OTHER, PROJECT, Ran, SERIES, TITLE, pair, run};

const NAME: &str = "acme/model";
const FAILED: &str = "the comment on the pull request could not be written: ";

/// A better model, and a private repository where it is the head of pull request 7.
struct Stage {
    sandbox: Sandbox,
    github: GitHub,
    repository: Repository,
    token: String,
}

impl Stage {
    fn new() -> Self {
        Self::at(GitHub::start())
    }

    fn at(github: GitHub) -> Self {
        let (sandbox, ..) = pair(0.8, 0.9);
        let repository = github.repository(NAME).private();
        repository.pull(PullSeed::new(7, HEAD));
        let token = github.token(Permissions::write());
        Self { sandbox, github, repository, token }
    }

    /// A gate that always comments, on an event of pull request 7, and does not move the tag.
    fn gate(&self) -> Gate {
        self.on("pull_request", &event(NAME))
    }

    fn on(&self, event: &str, payload: &serde_json::Value) -> Gate {
        let gate = Gate::of(&self.sandbox).set("CLEARML_PROMOTE", "never").set("CLEARML_COMMENT", "always");
        // Only the comment may send requests to GitHub here.
        let gate = gate.set("CLEARML_BASELINE_CHECK", "off");
        gate.on_event(event, &payload.to_string())
            .set("GITHUB_REPOSITORY", NAME)
            .set("GITHUB_API_URL", &self.github.url())
            .set("GITHUB_SERVER_URL", &self.github.server_url())
            .set("GITHUB_TOKEN", &self.token)
    }

    fn comments(&self) -> Vec<Comment> {
        self.repository.comments(7)
    }

    /// The only comment.
    #[track_caller]
    fn comment(&self) -> Comment {
        let comments = self.comments();
        assert_eq!(comments.len(), 1, "{comments:#?}");
        comments[0].clone()
    }

    /// Asserts that the gate comments without a warning.
    #[track_caller]
    fn passes(&self, gate: &Gate) {
        let ran = self.quiet(gate.run());
        assert_eq!(ran.err, "");
        ran.expect(0, "PASSED, improved");
    }

    /// Asserts that the comment fails for this reason and the verdict is the same.
    #[track_caller]
    fn fails(&self, gate: &Gate, why: &str) {
        self.warns(gate.run(), why).expect(0, "PASSED, improved");
    }

    #[track_caller]
    fn warns(&self, ran: Ran, why: &str) -> Ran {
        let ran = self.quiet(ran);
        assert!(ran.err.contains(FAILED) && ran.err.contains("warning"), "{ran:#?}");
        assert_eq!(ran.err.lines().count(), 1, "{ran:#?}");
        ran.complains(why)
    }

    /// Asserts that no output contains the token.
    #[track_caller]
    fn quiet(&self, ran: Ran) -> Ran {
        for text in [&ran.out, &ran.err] {
            assert!(!text.contains(&self.token) && !text.contains("Bearer"), "{text}");
        }
        ran
    }

    /// The number of these requests.
    fn count(&self, endpoint: &str) -> usize {
        self.github.requests().iter().filter(|request| request.endpoint == endpoint).count()
    }
}

/// The event of a pull request that comes from this repository.
fn event(head: &str) -> serde_json::Value {
    json!({"action": "synchronize", "number": 7, "pull_request": {
        "number": 7,
        "head": {"sha": HEAD, "ref": "change-7", "repo": {"full_name": head}},
        "base": {"sha": BASE, "ref": "main", "repo": {"full_name": NAME}},
    }, "repository": {"full_name": NAME, "default_branch": "main"}})
}

/// The event of a workflow that runs after the one for a fork's pull request. Its token may write.
fn event_after_a_fork() -> serde_json::Value {
    json!({"action": "completed", "workflow_run": {
        "event": "pull_request",
        "head_sha": HEAD,
        "head_branch": "change-7",
        "head_repository": {"full_name": "stranger/model"},
        "pull_requests": [],
    }, "repository": {"id": 1, "full_name": NAME}})
}

fn marker(comment: &Comment) -> String {
    let marker = comment.body.lines().next().unwrap().to_owned();
    assert!(marker.starts_with("<!-- clearml-gate") && marker.ends_with("-->"), "{}", comment.body);
    marker
}

fn status(code: u16, content_type: &str, body: &str) -> Effect {
    let headers = vec![("Content-Type".to_owned(), content_type.to_owned())];
    Effect::Status { code, headers, body: body.to_owned() }
}

#[test]
fn it_is_created_once_and_then_kept_up_to_date() {
    let stage = Stage::new();
    stage.passes(&stage.gate());
    let first = stage.comment();
    assert_eq!((first.login.as_str(), first.account), ("github-actions[bot]", Account::Bot));
    assert!(first.body.contains("improved") && !marker(&first).is_empty(), "{}", first.body);
    stage.sandbox.add(run(HEAD, 0.7));
    stage.quiet(stage.gate().run()).expect(1, "FAILED, degraded");
    let second = stage.comment();
    assert_eq!((second.id, marker(&second)), (first.id, marker(&first)));
    assert!(second.body.contains("degraded") && !second.body.contains("improved"), "{}", second.body);
    stage.quiet(stage.gate().set("COMMIT_ID", OTHER).run()).expect(3, "NO VERDICT");
    assert_eq!(stage.comment().id, first.id);
    assert!(stage.comment().body.to_lowercase().contains("no verdict"), "{}", stage.comment().body);
}

#[test]
fn every_request_has_the_headers_that_github_asks_for() {
    let stage = Stage::new();
    stage.passes(&stage.gate());
    let requests = stage.github.requests();
    let asked: Vec<_> = requests.iter().map(|request| request.endpoint.as_str()).collect();
    assert_eq!(asked, ["GET comments", "POST comments"]);
    for request in requests {
        assert_eq!(request.header("authorization"), Some(&*format!("Bearer {}", stage.token)));
        assert_eq!(request.header("accept"), Some("application/vnd.github+json"));
        assert_eq!(request.header("x-github-api-version"), Some("2022-11-28"));
        assert!(request.header("user-agent").unwrap().starts_with("clearml-gate/"));
        assert_eq!(request.header("content-type").is_some(), request.method == "POST");
    }
}

#[test]
fn an_unchanged_comment_is_not_written_again() {
    let stage = Stage::new();
    stage.passes(&stage.gate());
    stage.passes(&stage.gate());
    // The web editor changes the line breaks.
    let first = stage.comment();
    assert!(stage.repository.edit_comment(first.id, &first.body.replace('\n', "\r\n")));
    stage.passes(&stage.gate());
    assert_eq!((stage.count("POST comments"), stage.count("PATCH comment")), (1, 0));
}

#[test]
fn it_is_found_on_the_last_of_many_pages() {
    let stage = Stage::new();
    stage.repository.seed_comments(7, 240, "octocat", Account::User, |place| format!("comment {place}"));
    stage.passes(&stage.gate());
    stage.repository.seed_comments(7, 9, "octocat", Account::User, |place| format!("later {place}"));
    let written = stage.comments()[240].clone();
    assert!(stage.repository.edit_comment(written.id, &format!("{}\nold", marker(&written))));
    stage.github.clear_log();
    stage.passes(&stage.gate());
    assert_eq!((stage.comments().len(), stage.comments()[240].body.clone()), (250, written.body));
    assert_eq!((stage.count("GET comments"), stage.count("PATCH comment")), (3, 1));
}

#[test]
fn a_conversation_without_end_gets_a_warning_and_no_second_comment() {
    let stage = Stage::new();
    stage.repository.seed_comments(7, 10_001, "octocat", Account::User, |_| "x".to_owned());
    stage.fails(&stage.gate(), "too many pages to search them all");
    assert_eq!((stage.comments().len(), stage.count("GET comments")), (10_001, 100));
}

#[test]
fn each_gate_keeps_its_own() {
    let stage = Stage::new();
    for (commit, value) in [(BASE, 0.8), (HEAD, 0.7)] {
        let task = TaskSeed::new(PROJECT, "distil").commit(commit);
        let task = task.scalar(TITLE, SERIES, &[(0, value)]);
        stage.sandbox.add(if commit == BASE { task.tag("Best Small") } else { task });
    }
    let other = || stage.gate().set("CLEARML_TASK_NAME", "distil").set("CLEARML_BEST_TAGNAME", "Best Small");
    for _ in 0..2 {
        stage.passes(&stage.gate());
        stage.quiet(other().run()).expect(1, "FAILED, degraded");
    }
    let comments = stage.comments();
    assert_eq!(comments.len(), 2);
    assert!(comments[0].body.contains("improved") && comments[1].body.contains("degraded"), "{comments:#?}");
    assert_ne!(marker(&comments[0]), marker(&comments[1]));
}

#[test]
fn sends_no_request_if_no_comment_is_wanted_or_possible() {
    let stage = Stage::new();
    stage.passes(&stage.gate().set("CLEARML_COMMENT", "never"));
    stage.passes(&stage.on("push", &json!({"ref": "refs/heads/main", "after": HEAD})));
    assert_eq!(stage.github.requests(), []);
}

#[test]
fn with_change_a_model_that_is_as_good_gets_no_new_comment() {
    let stage = Stage { sandbox: pair(0.8, 0.8).0, ..Stage::new() };
    let gate = || stage.gate().set("CLEARML_COMMENT", "change");
    let unchanged = |gate: &Gate| assert_eq!(gate.run().expect(0, "PASSED, unchanged").err, "");
    unchanged(&gate());
    assert_eq!(stage.comments(), []);
    unchanged(&stage.gate());
    let there = stage.comment();
    assert!(stage.repository.edit_comment(there.id, &format!("{}\nold", marker(&there))));
    unchanged(&gate());
    assert_eq!(stage.comment().id, there.id);
    assert!(stage.comment().body.contains("PASSED, unchanged"));
}

#[test]
fn with_change_any_other_verdict_gets_a_comment() {
    for (value, code) in [(0.9, 0), (0.7, 1)] {
        let stage = Stage { sandbox: pair(0.8, value).0, ..Stage::new() };
        assert_eq!(stage.gate().set("CLEARML_COMMENT", "change").run().expect(code, "").err, "");
        stage.comment();
    }
}

#[test]
fn a_comment_that_somebody_forged_is_left_alone() {
    let stage = Stage::new();
    stage.passes(&stage.gate());
    let own = stage.comment();
    stage.repository.delete_comment(own.id);
    let forged = format!("{}\nPASSED, trust me", marker(&own));
    let id = stage.repository.seed_comment(7, "mallory", Account::User, &forged);
    for _ in 0..2 {
        stage.passes(&stage.gate());
        let comments = stage.comments();
        assert_eq!((comments.len(), comments[0].id, &comments[0].body), (2, id, &forged));
        assert_eq!(comments[1].account, Account::Bot);
    }
    // With a person's token, the author is that person.
    let stage = Stage::new();
    let stage = Stage { token: stage.github.personal_token("mona", Permissions::write()), ..stage };
    for commit in [HEAD, OTHER] {
        stage.gate().set("COMMIT_ID", commit).run();
        assert_eq!(stage.comment().login, "mona");
    }
}

#[test]
fn the_oldest_of_several_comments_is_updated() {
    let stage = Stage::new();
    stage.passes(&stage.gate());
    let own = stage.comment();
    let body = format!("{}\nfrom a job that was as quick", marker(&own));
    stage.repository.seed_comment(7, "github-actions[bot]", Account::Bot, &body);
    stage.quiet(stage.gate().set("COMMIT_ID", OTHER).run()).expect(3, "NO VERDICT");
    let comments = stage.comments();
    assert_ne!(comments[0].body, own.body);
    assert_eq!((comments.len(), &comments[1].body), (2, &body));
}

#[test]
fn a_comment_deleted_in_between_is_created_again() {
    let stage = Stage::new();
    stage.passes(&stage.gate());
    let first = stage.comment();
    stage.repository.edit_comment(first.id, &format!("{}\nold", marker(&first)));
    let (repository, id) = (stage.repository.clone(), first.id);
    stage.github.on_request(move |request| {
        if request.endpoint == "PATCH comment" {
            repository.delete_comment(id);
        }
    });
    stage.passes(&stage.gate());
    let second = stage.comment();
    assert_ne!(second.id, first.id);
    assert_eq!(second.body, first.body);
}

#[test]
fn a_lost_answer_makes_no_second_comment() {
    let lost: [fn() -> Effect; 3] = [|| Effect::CutAfter, || Effect::CutInBody, || Effect::Truncated];
    for effect in lost {
        let stage = Stage::new();
        stage.github.fault(At::Endpoint("POST comments"), effect());
        stage.passes(&stage.gate());
        stage.comment();
        assert_eq!(stage.count("POST comments"), 1);
    }
    let refused: [fn() -> Effect; 3] =
        [|| Effect::CutBefore, || status(502, "text/html", "<html>"), || status(500, "application/json", "{}")];
    for effect in refused {
        let stage = Stage::new();
        stage.github.fault(At::NthOf("POST comments", 1), effect());
        stage.passes(&stage.gate());
        stage.comment();
    }
}

#[test]
fn a_lost_answer_to_an_update_is_looked_for() {
    let effects: [fn() -> Effect; 3] = [|| Effect::CutAfter, || Effect::CutBefore, || Effect::Truncated];
    for effect in effects {
        let stage = Stage::new();
        stage.passes(&stage.gate());
        let first = stage.comment();
        stage.repository.edit_comment(first.id, &format!("{}\nold", marker(&first)));
        stage.github.fault(At::NthOf("PATCH comment", 1), effect());
        stage.passes(&stage.gate());
        assert_eq!(stage.comment().body, first.body);
    }
}

#[test]
fn retries_after_a_temporary_fault() {
    let passing: [fn() -> Effect; 4] = [
        || Effect::CutBefore,
        || Effect::CutInBody,
        || status(503, "text/html", "<html>"),
        || GitHub::secondary_limit(429, Some(1)),
    ];
    for effect in passing {
        let stage = Stage::new();
        stage.github.fault(At::NthOf("GET comments", 1), effect());
        stage.passes(&stage.gate());
        stage.comment();
    }
    let stage = Stage::new();
    stage.github.fault(At::NthOf("POST comments", 1), GitHub::secondary_limit(403, Some(1)));
    stage.passes(&stage.gate());
    stage.comment();
}

#[test]
fn a_token_that_may_not_write_says_what_it_lacks() {
    let needed = "GITHUB_TOKEN lacks a permission: the job needs `permissions: pull-requests: write`";
    for permissions in [Permissions::read(), Permissions::none()] {
        let stage = Stage::new();
        let stage = Stage { token: stage.github.token(permissions), ..stage };
        stage.fails(&stage.gate(), needed);
        assert_eq!(stage.comments(), []);
    }
    let stage = Stage::new();
    let stage = Stage { token: stage.github.personal_token("mona", Permissions::read()), ..stage };
    stage.fails(&stage.gate(), needed);
}

#[test]
fn a_fork_is_shown_the_way() {
    let stage = Stage::new();
    let stage = Stage { token: stage.github.token(Permissions::read()), ..stage };
    stage.fails(
        &stage.on("pull_request", &event("stranger/model")),
        "comment from a second workflow that runs on workflow_run",
    );
    assert_eq!(stage.comments(), []);
}

#[test]
fn after_a_fork_s_workflow_the_pull_request_is_looked_up() {
    // The fake GitHub cannot list these pull requests, so the test provides the list.
    let pull = |number: u64, sha: &str, state: &str| json!({"number": number, "state": state, "head": {"sha": sha}});
    let pulls = json!([pull(5, OTHER, "open"), pull(6, HEAD, "closed"), pull(7, HEAD, "open")]);
    let listed = |pulls: &serde_json::Value| Effect::json(pulls.to_string());
    let stage = Stage::at(GitHub::builder().lenient().start().unwrap());
    stage.github.fault(At::Endpoint(""), listed(&pulls));
    let gate = stage.on("workflow_run", &event_after_a_fork());
    stage.passes(&gate);
    stage.comment();
    let path = stage.github.requests()[0].path.clone();
    assert_eq!(path, "/repos/acme/model/pulls?state=open&sort=updated&direction=desc&per_page=100");
    stage.github.clear_faults();
    stage.github.fault(At::Endpoint(""), listed(&json!([pull(5, OTHER, "open")])));
    stage.fails(&gate, "no open pull request");
}

#[test]
fn reports_an_invalid_token() {
    let stage = Stage::new();
    stage.fails(&stage.gate().unset("GITHUB_TOKEN"), "GITHUB_TOKEN is not set: the action sets it");
    stage.fails(&stage.gate().set("GITHUB_TOKEN", "ghs_\u{e9}"), "GITHUB_TOKEN is invalid");
    assert_eq!(stage.github.requests(), []);
    stage.github.revoke(&stage.token);
    stage.fails(&stage.gate(), "GitHub rejected GITHUB_TOKEN: it is wrong, expired or revoked");
    assert_eq!(stage.comments(), []);
}

#[test]
fn what_cannot_be_commented_on() {
    let stage = Stage::new();
    stage.repository.lock(7);
    stage.fails(&stage.gate(), "the conversation is locked");
    stage.fails(
        &stage.gate().set("GITHUB_REPOSITORY", "acme/other"),
        "GitHub cannot find the repository or the pull request",
    );
    assert_eq!(stage.comments(), []);
}

#[test]
fn a_failure_changes_no_other_verdict_either() {
    let stage = Stage { sandbox: pair(0.8, 0.7).0, ..Stage::new() };
    stage.repository.lock(7);
    stage.warns(stage.gate().run(), "locked").expect(1, "FAILED, degraded");
    stage.warns(stage.gate().set("COMMIT_ID", OTHER).run(), "locked").expect(3, "NO VERDICT");
}

#[test]
fn a_rate_limit_is_reported_without_waiting() {
    let stage = Stage::new();
    let quarter = stage.github.primary_limit(Duration::from_mins(15));
    let limits = [
        (quarter, "the rate limit of GITHUB_TOKEN is used up; it is reset in about 15 min"),
        (GitHub::secondary_limit(403, Some(60)), "is reset in about 1 min"),
        (GitHub::secondary_limit(429, Some(3600)), "is reset in about 60 min"),
        (GitHub::secondary_limit(403, None), "try again in a few minutes"),
        (GitHub::secondary_limit(429, None), "try again in a few minutes"),
    ];
    let started = Instant::now();
    for (limit, why) in limits {
        for endpoint in ["GET comments", "POST comments"] {
            stage.github.clear_faults();
            stage.github.fault(At::Endpoint(endpoint), limit.clone());
            stage.fails(&stage.gate(), why);
        }
    }
    assert!(started.elapsed() < Duration::from_secs(30));
    assert_eq!(stage.comments(), []);
}

#[test]
fn gives_up_on_a_server_that_keeps_asking_for_a_second() {
    let stage = Stage::new();
    stage.github.fault(At::Always, GitHub::secondary_limit(429, Some(0)));
    let started = Instant::now();
    stage.fails(&stage.gate(), "rate limit");
    assert!(started.elapsed() < Duration::from_secs(25));
}

#[test]
fn an_enterprise_server_is_asked_below_its_prefix() {
    let stage = Stage::at(GitHub::builder().prefix("/api/v3").start().unwrap());
    stage.repository.seed_comments(7, 150, "octocat", Account::User, |place| format!("comment {place}"));
    stage.passes(&stage.gate());
    stage.passes(&stage.gate().set("GITHUB_API_URL", &format!("{}/", stage.github.url())));
    assert_eq!((stage.comments().len(), stage.count("POST comments")), (151, 1));
}

#[test]
fn reports_an_api_that_does_not_exist() {
    let stage = Stage::new();
    let gate = stage.gate().set("GITHUB_API_URL", "http://api.github.invalid");
    stage.fails(&gate, "could not reach http://api.github.invalid: the host name could not be resolved");
    let gate = stage.gate().set("GITHUB_API_URL", "https://user:hunter2@example.org");
    stage.fails(&gate, "GITHUB_API_URL is not the address of a server");
    assert!(!gate.run().err.contains("hunter2"));
}

#[test]
fn a_closed_port_holds_the_job_for_seconds() {
    let mut stage = Stage::new();
    stage.github.stop();
    let started = Instant::now();
    stage.fails(&stage.gate(), "the connection was refused; gave up after 15 s of retries");
    assert!((Duration::from_secs(10)..Duration::from_secs(25)).contains(&started.elapsed()));
}

#[test]
fn a_silent_server_holds_the_job_for_seconds() {
    let stage = Stage::new();
    stage.github.fault(At::Always, Effect::Delay(Duration::from_secs(12)));
    let started = Instant::now();
    stage.fails(&stage.gate(), "no complete response within 8 s; gave up after 15 s of retries");
    assert!((Duration::from_secs(10)..Duration::from_secs(28)).contains(&started.elapsed()));
}

#[test]
fn the_token_follows_no_redirect() {
    for endpoint in ["GET comments", "POST comments"] {
        let (stage, elsewhere) = (Stage::new(), GitHub::start());
        stage.github.fault(At::Endpoint(endpoint), Effect::Redirect(format!("{}/repos", elsewhere.url())));
        stage.fails(&stage.gate(), "did not respond like GitHub's API: it sent a redirect (302)");
        assert_eq!((elsewhere.requests().len(), stage.comments().len()), (0, 0));
    }
}

#[test]
fn the_token_follows_no_page_to_another_address() {
    let (stage, elsewhere) = (Stage::new(), GitHub::start());
    let evil = elsewhere.url().replace("http://", "");
    for address in [elsewhere.url(), format!("{}@{evil}", stage.github.url()), format!("//{evil}"), String::new()] {
        stage.github.clear_faults();
        let link = format!("<{address}/repositories/1/issues/7/comments?page=2>; rel=\"next\"");
        let headers = vec![("Link".to_owned(), link), ("Content-Type".to_owned(), "application/json".to_owned())];
        stage.github.fault(At::Endpoint("GET comments"), Effect::Status { code: 200, headers, body: "[]".to_owned() });
        stage.fails(&stage.gate(), "the next page of its list is at another address, which must not get the token");
    }
    assert_eq!((elsewhere.requests().len(), stage.comments().len()), (0, 0));
}

#[test]
fn reports_an_invalid_answer() {
    let page = || Effect::Body { content_type: "text/html".to_owned(), body: "<title>Sign in</title>".to_owned() };
    let odd = |body: &str| Effect::json(body);
    for (effect, why) in [
        (page(), "it sent a web page instead of JSON"),
        (status(403, "text/html", "<h1>Blocked</h1>"), "it sent a web page instead of JSON"),
        (odd("{}"), "its response is not a list"),
        (odd(""), "its response is not JSON"),
        (Effect::Truncated, "its response is not JSON"),
        (Effect::Huge(40 << 20), "its response is larger than 32 MiB"),
    ] {
        let stage = Stage::new();
        stage.github.fault(At::Endpoint("GET comments"), effect);
        stage.fails(&stage.gate(), why);
        assert_eq!(stage.comments(), []);
    }
    let stage = Stage::new();
    stage.github.fault(At::Endpoint("POST comments"), page());
    stage.fails(&stage.gate(), "it sent a web page instead of JSON");
}

#[test]
fn text_from_github_has_no_effect_and_shows_no_token() {
    let stage = Stage::new();
    let message = format!("no\u{1b}[31m\n::error::x ##[add-mask]a\u{202e} {}", stage.token);
    let body = json!({"message": message}).to_string();
    stage.github.fault(At::Endpoint("GET comments"), status(418, "application/json", &body));
    let ran = stage.warns(stage.gate().run(), "(status 418)").expect(0, "PASSED, improved");
    assert!(!ran.err.contains(['\u{1b}', '\u{202e}']) && !ran.err.contains("##["), "{}", ran.err);
    assert!(ran.err.contains("***"), "{}", ran.err);
}
